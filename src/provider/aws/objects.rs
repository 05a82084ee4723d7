//! Objects of S3: their versions listed page by page, and their bytes.

use super::convert::moment;
use super::fault::Fault;
use super::operation::{GET_OBJECT, LIST_OBJECT_VERSIONS, LIST_OBJECTS_V2};
use super::reader::Reader;
use crate::domain::Text;
use crate::domain::reading::ReadTrouble;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The largest object whose bytes are read.
pub(super) const LARGEST: u64 = 64 << 20;
/// How long the bytes of one object may take.
const BODY: Duration = Duration::from_secs(30);

/// A version of an object, or a delete marker.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The key.
    pub key: String,
    /// The id of the version; `null` where the bucket keeps none (S5).
    pub version_id: String,
    /// When it was written.
    pub at: Timestamp,
    /// How large it is.
    pub size_bytes: u64,
    /// Its entity tag without quotes; an MD5 only sometimes (T5).
    pub etag: String,
    /// Where it is kept: `STANDARD`, `GLACIER` and so on.
    pub class: Option<String>,
    /// Whether it is a delete marker (S1).
    pub marker: bool,
    /// Whether it is what stands there now. Times are whole seconds, so they alone do not tell.
    pub is_latest: bool,
}

/// Lists all versions under a prefix; `page` takes each page, ordered by key, the newest of each key first.
///
/// # Errors
/// The fault that ended the list.
pub(super) async fn versions(
    reader: &Reader<'_>,
    bucket: &str,
    prefix: &str,
    mut page: impl FnMut(Vec<Entry>) -> bool,
) -> Result<(), Fault> {
    let (mut key, mut version) = (None::<String>, None::<String>);
    loop {
        let send = || {
            let call = reader.site.s3().list_object_versions().bucket(bucket).prefix(prefix).max_keys(1_000);
            call.set_key_marker(key.clone()).set_version_id_marker(version.clone()).send()
        };
        let answer = reader.call(&LIST_OBJECT_VERSIONS, send).await?;
        let mut entries = Vec::new();
        for one in answer.versions() {
            entries.extend(one.key().zip(moment(one.last_modified())).map(|(key, at)| Entry {
                key: key.to_owned(),
                version_id: one.version_id().unwrap_or("null").to_owned(),
                at,
                size_bytes: one.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                etag: one.e_tag().unwrap_or_default().trim_matches('"').to_owned(),
                class: one.storage_class().map(|class| class.as_str().to_owned()),
                marker: false,
                is_latest: one.is_latest() == Some(true),
            }));
        }
        for one in answer.delete_markers() {
            entries.extend(one.key().zip(moment(one.last_modified())).map(|(key, at)| Entry {
                key: key.to_owned(),
                version_id: one.version_id().unwrap_or("null").to_owned(),
                at,
                size_bytes: 0,
                etag: String::new(),
                class: None,
                marker: true,
                is_latest: one.is_latest() == Some(true),
            }));
        }
        // Versions and markers come in two lists; of each key the order within its list is the right one.
        entries.sort_by(|a, b| {
            let newest_first = || b.is_latest.cmp(&a.is_latest).then_with(|| b.at.cmp(&a.at));
            a.key.cmp(&b.key).then_with(newest_first)
        });
        let goes_on = page(entries);
        if !goes_on || answer.is_truncated() != Some(true) {
            return Ok(());
        }
        key = answer.next_key_marker().map(str::to_owned);
        version = answer.next_version_id_marker().map(str::to_owned);
    }
}

/// Lists the current objects under a prefix; `page` takes each page.
///
/// # Errors
/// The fault that ended the list.
pub(super) async fn current(
    reader: &Reader<'_>,
    bucket: &str,
    prefix: &str,
    mut page: impl FnMut(Vec<Entry>),
) -> Result<(), Fault> {
    let mut next = None::<String>;
    loop {
        let send = || {
            let call = reader.site.s3().list_objects_v2().bucket(bucket).prefix(prefix).max_keys(1_000);
            call.set_continuation_token(next.clone()).send()
        };
        let answer = reader.call(&LIST_OBJECTS_V2, send).await?;
        let entries = answer.contents().iter().filter_map(|one| {
            Some(Entry {
                key: one.key()?.to_owned(),
                version_id: "null".to_owned(),
                at: moment(one.last_modified())?,
                size_bytes: one.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                etag: one.e_tag().unwrap_or_default().trim_matches('"').to_owned(),
                class: one.storage_class().map(|class| class.as_str().to_owned()),
                marker: false,
                is_latest: true,
            })
        });
        page(entries.collect());
        next = answer.next_continuation_token().map(str::to_owned);
        if answer.is_truncated() != Some(true) || next.is_none() {
            return Ok(());
        }
    }
}

/// Reads the bytes of an object, of the version named or the current one.
///
/// # Errors
/// When they cannot be read, or are too many.
pub(super) async fn bytes(
    reader: &Reader<'_>,
    bucket: &str,
    key: &str,
    version: Option<&str>,
) -> Result<Vec<u8>, Fault> {
    let version = version.filter(|version| *version != "null");
    let send = || {
        let call = reader.site.s3().get_object().bucket(bucket).key(key);
        call.set_version_id(version.map(str::to_owned)).send()
    };
    let answer = reader.call(&GET_OBJECT, send).await?;
    let size = answer.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
    let fault = |trouble| Fault::plain(GET_OBJECT.source(), trouble);
    if size > LARGEST {
        let says = format!("{key} has {}, too much to be read", crate::domain::size::bytes(size));
        return Err(fault(ReadTrouble::Other(Text::new(&says))));
    }
    match tokio::time::timeout(BODY, answer.body.collect()).await {
        Ok(Ok(body)) => Ok(body.to_vec()),
        Ok(Err(error)) => {
            let says = format!("the bytes of {key} broke off: {error}");
            Err(fault(ReadTrouble::Other(Text::new(&says))))
        }
        Err(_) => Err(fault(ReadTrouble::TimedOut)),
    }
}

/// Does `work` for each of `items`, eight at a time: enough to hide the way there, few enough for one answer.
pub(super) async fn each<T, F>(items: Vec<T>, work: impl Fn(T) -> F)
where
    F: Future<Output = ()>,
{
    let waiting = Mutex::new(VecDeque::from(items));
    let take = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let worker = async || {
        while let Some(item) = take() {
            Box::pin(work(item)).await;
        }
    };
    tokio::join!(worker(), worker(), worker(), worker(), worker(), worker(), worker(), worker());
}
