//! A stub of S3 for measurements: one bucket that keeps versions, with as many keys as memory holds, at several thousand
//! requests a second.
//!
//! It is no emulation of S3 and checks no signature. It answers what putting a prefix back asks for, by the documentation of
//! S3: `GetBucketVersioning`, `ListObjectVersions` (pages, markers, `encoding-type=url`), `HeadObject`, `CopyObject` of a
//! version under `x-amz-copy-source-if-match`, `If-Match` and `If-None-Match`, `DeleteObject` of a version, and under
//! `If-Match` for a delete marker; besides them `sts:GetCallerIdentity`. Each answer carries `x-stub`. Whatever else it is
//! asked, it refuses and counts. The AWS test server holds ten thousand keys for the same purpose and answers 500 requests a
//! second at best.

use super::s3_stub_http::{Answer, Request, serve};
use md5::{Digest, Md5};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The most rows of a page.
const PAGE: usize = 1_000;

/// A version, or a delete marker.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    id: u64,
    pub(crate) is_marker: bool,
    pub(crate) body: Arc<[u8]>,
    etag: [u8; 16],
    /// In milliseconds since 1970.
    at: i64,
}

impl Version {
    fn id(&self) -> String {
        format!("{:032x}", self.id)
    }

    fn etag(&self) -> String {
        let digits: String = self.etag.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("\"{digits}\"")
    }
}

/// A key with its versions, the oldest first.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: Box<str>,
    pub(crate) versions: Vec<Version>,
}

/// What is in the bucket, sorted by key.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    pub(crate) keys: Vec<Key>,
    next: u64,
}

impl Bucket {
    /// Adds a key behind all others.
    pub(crate) fn lay(&mut self, name: String) {
        assert!(self.keys.last().is_none_or(|last| *last.name < *name), "keys are laid in their order");
        self.keys.push(Key { name: name.into(), versions: Vec::new() });
    }

    /// Adds a version to the key that was laid last; a delete marker where there is no body.
    pub(crate) fn put(&mut self, body: Option<&str>, at: i64) {
        let version = self.version(body.map(|body| body.as_bytes().into()), at);
        self.keys.last_mut().expect("a key was laid").versions.push(version);
    }

    fn version(&mut self, body: Option<Arc<[u8]>>, at: i64) -> Version {
        self.next += 1;
        let is_marker = body.is_none();
        let body = body.unwrap_or_default();
        // So that ids say nothing of their order.
        let id = self.next.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Version { id, is_marker, etag: Md5::digest(&body).into(), body, at }
    }

    fn at(&self, key: &str) -> Option<usize> {
        self.keys.binary_search_by(|known| (*known.name).cmp(key)).ok()
    }
}

/// What the stub was asked to do, and did.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Versions that were made by copies.
    pub(crate) copies: AtomicU64,
    /// Delete markers that were put.
    pub(crate) marks: AtomicU64,
    /// Delete markers that were removed.
    pub(crate) unmarks: AtomicU64,
    /// Versions with content that were deleted: never, if nothing goes wrong.
    pub(crate) lost: AtomicU64,
    /// Deletions of what was not there, or no longer.
    pub(crate) idle: AtomicU64,
    /// Requests whose condition did not hold.
    pub(crate) refused: AtomicU64,
    /// Pages that were listed.
    pub(crate) pages: AtomicU64,
    /// Requests that it does not know.
    pub(crate) unknown: AtomicU64,
}

impl Counts {
    /// Returns how much was changed so far.
    pub(crate) fn changes(&self) -> u64 {
        [&self.copies, &self.marks, &self.unmarks].iter().map(|count| count.load(Ordering::SeqCst)).sum()
    }
}

fn count(what: &AtomicU64) {
    what.fetch_add(1, Ordering::SeqCst);
}

/// A running stub.
#[derive(Debug, Clone)]
pub(crate) struct S3Stub {
    pub(crate) counts: Arc<Counts>,
    bucket: Arc<Mutex<Bucket>>,
    account: Arc<str>,
    name: Arc<str>,
    port: u16,
}

impl S3Stub {
    /// Starts one in a thread of its own, which ends with this process.
    pub(crate) fn start(account: &str, name: &str, bucket: Bucket) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port can be had");
        let port = listener.local_addr().expect("it has an address").port();
        let stub = Self {
            counts: Arc::default(),
            bucket: Arc::new(Mutex::new(bucket)),
            account: account.into(),
            name: name.into(),
            port,
        };
        let answers = stub.clone();
        std::thread::spawn(move || serve(listener, move |request| answers.answer(request)));
        stub
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns what is in the bucket.
    pub(crate) fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().expect("nobody panics here")
    }

    fn answer(&self, request: &Request) -> Answer {
        let path = request.path.trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        if bucket.is_empty() && request.body.contains("Action=GetCallerIdentity") {
            return self.caller();
        }
        if bucket != &*self.name {
            count(&self.counts.unknown);
            return refusal(403, "AccessDenied", "the stub has one bucket and no other service");
        }
        match (request.method.as_str(), key) {
            ("GET", "") if request.asks("versioning") => Answer::xml(
                "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>".to_owned(),
            ),
            ("GET", "") if request.asks("versions") => self.list(request),
            ("HEAD", key) if !key.is_empty() => self.head(request, key),
            ("PUT", key) if request.header("x-amz-copy-source").is_some() => self.copy(request, key),
            ("DELETE", key) if !key.is_empty() => self.delete(request, key),
            _ => {
                count(&self.counts.unknown);
                refusal(501, "NotImplemented", "this stub has only what putting a prefix back asks for")
            }
        }
    }

    fn caller(&self) -> Answer {
        Answer::xml(format!(
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::{0}:user/stub</Arn><UserId>AIDASTUB\
             </UserId><Account>{0}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
            self.account
        ))
    }

    fn list(&self, request: &Request) -> Answer {
        count(&self.counts.pages);
        let prefix = request.query("prefix").unwrap_or_default();
        let (key_marker, version_marker) =
            (request.query("key-marker").unwrap_or_default(), request.query("version-id-marker"));
        let size = request.query("max-keys").and_then(|size| size.parse().ok()).unwrap_or(PAGE).min(PAGE);
        let bucket = self.bucket();
        let begin = bucket.keys.partition_point(|key| *key.name < *prefix);
        // A marker without a version skips all versions of its key.
        let behind = bucket.keys.partition_point(|key| match &version_marker {
            Some(_) => *key.name < *key_marker,
            None => !key_marker.is_empty() && *key.name <= *key_marker,
        });
        let mut text = String::with_capacity(size * 300);
        let (mut rows, mut next) = (0, None::<(&str, String)>);
        let mut is_truncated = false;
        'all: for key in bucket.keys.get(begin.max(behind)..).unwrap_or_default() {
            if !key.name.starts_with(&*prefix) {
                break;
            }
            let mut skips = version_marker.as_deref().filter(|_| *key.name == *key_marker);
            for (nth, version) in key.versions.iter().rev().enumerate() {
                if let Some(marker) = skips {
                    skips = Some(marker).filter(|marker| version.id() != **marker);
                    continue;
                }
                if rows == size {
                    is_truncated = true;
                    break 'all;
                }
                rows += 1;
                row(&mut text, &key.name, version, nth == 0);
                next = Some((&key.name, version.id()));
            }
        }
        let mut head = format!(
            "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>{is_truncated}</IsTruncated>"
        );
        if let (true, Some((key, version))) = (is_truncated, &next) {
            let _ = write!(
                head,
                "<NextKeyMarker>{}</NextKeyMarker><NextVersionIdMarker>{version}</NextVersionIdMarker>",
                encoded(key)
            );
        }
        head.push_str(&text);
        head.push_str("</ListVersionsResult>");
        Answer::xml(head)
    }

    fn head(&self, request: &Request, key: &str) -> Answer {
        let bucket = self.bucket();
        let versions = bucket.at(key).map_or([].as_slice(), |at| &bucket.keys[at].versions);
        let asked = request.query("versionId");
        let found = match &asked {
            Some(id) => versions.iter().find(|version| version.id() == *id),
            None => versions.last(),
        };
        match found.filter(|version| !version.is_marker) {
            Some(version) => Answer::xml(String::new())
                .with("ETag", &version.etag())
                .with("x-amz-version-id", &version.id())
                .with("Last-Modified", "Sat, 21 Nov 2026 03:12:00 GMT"),
            None => refusal(404, "NoSuchKey", "there is none"),
        }
    }

    fn copy(&self, request: &Request, key: &str) -> Answer {
        let source = request.header("x-amz-copy-source").unwrap_or_default();
        let (path, id) = source.split_once("?versionId=").unwrap_or((source, ""));
        let path = super::s3_stub_http::decoded(path.trim_start_matches('/'));
        let from = path.split_once('/').map_or("", |(_, key)| key);
        let mut bucket = self.bucket();
        let found = bucket.at(from).and_then(|at| {
            let versions = &bucket.keys[at].versions;
            versions.iter().find(|version| version.id() == id && !version.is_marker)
        });
        let Some(found) = found else {
            count(&self.counts.refused);
            return refusal(404, "NoSuchVersion", "the version that is to be copied is not there");
        };
        let (body, etag) = (found.body.clone(), found.etag());
        let to = bucket.at(key);
        let newest = to.and_then(|at| bucket.keys[at].versions.last()).filter(|newest| !newest.is_marker);
        let is_so = request.header("x-amz-copy-source-if-match").is_none_or(|wanted| wanted == etag)
            && request.header("if-match").is_none_or(|wanted| newest.is_some_and(|it| it.etag() == wanted))
            && request.header("if-none-match").is_none_or(|_| newest.is_none());
        let Some(to) = to.filter(|_| is_so) else {
            count(&self.counts.refused);
            return refusal(412, "PreconditionFailed", "at least one of the conditions did not hold");
        };
        let made = bucket.version(Some(body), now());
        let answer = Answer::xml(format!(
            "<CopyObjectResult><LastModified>{}</LastModified><ETag>{etag}</ETag></CopyObjectResult>",
            written(made.at)
        ));
        let answer = answer.with("x-amz-version-id", &made.id()).with("x-amz-copy-source-version-id", id);
        bucket.keys[to].versions.push(made);
        count(&self.counts.copies);
        answer
    }

    fn delete(&self, request: &Request, key: &str) -> Answer {
        let mut bucket = self.bucket();
        let gone = |id: String, is_marker: bool| {
            let answer = Answer::none().with("x-amz-version-id", &id);
            if is_marker { answer.with("x-amz-delete-marker", "true") } else { answer }
        };
        let at = bucket.at(key);
        if let Some(id) = request.query("versionId") {
            let found =
                at.and_then(|at| Some((at, bucket.keys[at].versions.iter().position(|it| it.id() == id)?)));
            // S3 says the same of what was never there.
            let Some((at, nth)) = found else {
                count(&self.counts.idle);
                return gone(id, false);
            };
            let removed = bucket.keys[at].versions.remove(nth);
            count(if removed.is_marker { &self.counts.unmarks } else { &self.counts.lost });
            return gone(id, removed.is_marker);
        }
        let newest = at.and_then(|at| bucket.keys[at].versions.last()).filter(|newest| !newest.is_marker);
        let is_so =
            request.header("if-match").is_none_or(|wanted| newest.is_some_and(|it| it.etag() == wanted));
        let Some(at) = at.filter(|_| is_so) else {
            count(&self.counts.refused);
            return refusal(412, "PreconditionFailed", "at least one of the conditions did not hold");
        };
        let marker = bucket.version(None, now());
        let id = marker.id();
        bucket.keys[at].versions.push(marker);
        count(&self.counts.marks);
        gone(id, true)
    }
}

fn row(text: &mut String, key: &str, version: &Version, is_latest: bool) {
    let kind = if version.is_marker { "DeleteMarker" } else { "Version" };
    let _ = write!(
        text,
        "<{kind}><Key>{}</Key><VersionId>{}</VersionId><IsLatest>{is_latest}</IsLatest><LastModified>{}</LastModified>",
        encoded(key),
        version.id(),
        written(version.at)
    );
    if !version.is_marker {
        let _ = write!(
            text,
            "<ETag>{}</ETag><Size>{}</Size><StorageClass>STANDARD</StorageClass>",
            version.etag().replace('"', "&quot;"),
            version.body.len()
        );
    }
    let _ = write!(text, "</{kind}>");
}

fn refusal(status: u16, code: &str, says: &str) -> Answer {
    Answer::xml(format!("<Error><Code>{code}</Code><Message>{says}</Message></Error>")).of(status)
}

/// Returns the milliseconds since 1970.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn written(at: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at).expect("it is a moment");
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Writes a key as S3 does in lists.
fn encoded(key: &str) -> String {
    let mut text = String::with_capacity(key.len() + 8);
    for byte in key.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' => {
                text.push(char::from(byte));
            }
            b' ' => text.push('+'),
            other => {
                let _ = write!(text, "%{other:02X}");
            }
        }
    }
    text
}
