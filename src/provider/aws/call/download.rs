//! Objects that are fetched to this machine, part by part: their bytes go from the wire to the disk, and memory stays flat.
//!
//! Nothing in AWS is changed by that. It is an act all the same, because files are written, and it is made by the login that
//! changes things: nobody else may read the bytes of objects.

use super::super::operation::{GET_OBJECT, HEAD_OBJECT};
use super::arguments::{Arguments, not_sent};
use super::{AwsCalls, Looking, unknown};
use crate::authority::ArmedCall;
use crate::domain::Text;
use crate::provider::landing::{Hashes, Landing, remove};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply, hex};
use aws_sdk_s3::types::ChecksumMode;
use aws_smithy_types::base64;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::time::Duration;

/// The service that such calls name.
pub(super) const SERVICE: &str = "download";
/// How often a part is asked for whose bytes stop coming: it goes on where it was.
const TRIES: u32 = 5;
/// For how long no byte may come.
const SILENCE: Duration = Duration::from_secs(30);

/// Which object a call is about, and which part of it.
struct Wanted {
    bucket: String,
    key: String,
    version: Option<String>,
    etag: Option<String>,
    owner: Option<String>,
    size: u64,
}

/// Carries a call out that writes a file.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn carry_out(calls: &AwsCalls, armed: ArmedCall) -> Result<Reply, CallTrouble> {
    let call = armed.call();
    let owner = calls.owner(call).await?;
    if owner.account != call.place.account {
        let says = format!(
            "these credentials are of account {}, the plan is for {}",
            owner.account, call.place.account
        );
        return Err(not_sent(&says));
    }
    let mut given = Arguments::of(call);
    let number = |given: &mut Arguments<'_>, name: &str| -> Result<Option<u64>, CallTrouble> {
        Ok(given.long(name)?.and_then(|number| u64::try_from(number).ok()))
    };
    let wanted = Wanted {
        bucket: given.needed("Bucket")?,
        key: given.needed("Key")?,
        version: given.text("VersionId")?,
        etag: given.text("ETag")?,
        owner: given.text("ExpectedBucketOwner")?,
        size: number(&mut given, "Size")?.unwrap_or(0),
    };
    let (from, bytes) = (number(&mut given, "From")?, number(&mut given, "Bytes")?);
    for name in ["Folder", "Name", "IfSha256"] {
        given.left_out(name);
    }
    given.none_left()?;
    let body = match call.name() {
        "Part" => {
            let (Some(from), Some(bytes)) = (from, bytes) else { return Err(not_sent("no part is named")) };
            part(calls, call, &wanted, from, bytes).await?;
            json!({ "Bytes": bytes })
        }
        "Finish" => finish(calls, call, &wanted).await?,
        "Remove" => remove(call)?,
        _ => return Err(unknown(call)),
    };
    Ok(Reply { request_id: None, status: 0, body })
}

fn landing(call: &Call) -> Result<Landing, CallTrouble> {
    Landing::of(call, true)?.ok_or_else(|| not_sent("the folder is not there"))
}

async fn part(
    calls: &AwsCalls,
    call: &Call,
    wanted: &Wanted,
    from: u64,
    bytes: u64,
) -> Result<(), CallTrouble> {
    let mut file = landing(call)?.arriving(from)?;
    let looking = Looking::at(&calls.connections, call, &GET_OBJECT).await?;
    let mut got = 0;
    for tried in 1.. {
        if got == bytes {
            break;
        }
        got += stream(&looking, wanted, &mut file, from + got, from + bytes).await?;
        if got < bytes && tried >= TRIES {
            let says = format!("{got} of {bytes} bytes came, and then none");
            return Err(CallTrouble::InDoubt(Text::new(&says)));
        }
    }
    file.sync_all().map_err(|error| not_written(&error))
}

fn not_written(error: &std::io::Error) -> CallTrouble {
    let says = Text::new(&format!("the bytes cannot be written: {error}"));
    CallTrouble::Refused { code: "NotWritten".into(), says, request_id: None, status: 412 }
}

/// Writes the bytes from `first` to before `end` as far as they come; returns how many did.
async fn stream(
    looking: &Looking<'_>,
    wanted: &Wanted,
    file: &mut File,
    first: u64,
    end: u64,
) -> Result<u64, CallTrouble> {
    // What is asked for as a whole, the SDK compares with the checksum that S3 has of it.
    let is_whole = first == 0 && end == wanted.size;
    let range = (!is_whole).then(|| format!("bytes={first}-{}", end.saturating_sub(1)));
    let send = |watch| {
        let asked = looking.site.s3().get_object().bucket(&wanted.bucket).key(&wanted.key);
        let asked = asked.set_version_id(wanted.version.clone()).set_if_match(wanted.etag.clone());
        let asked = asked.set_expected_bucket_owner(wanted.owner.clone()).set_range(range.clone());
        let asked = asked.set_checksum_mode(is_whole.then_some(ChecksumMode::Enabled));
        asked.customize().interceptor(watch).send()
    };
    let (answer, _) = looking.send(send).await?;
    let mut body = answer.body;
    let mut got = 0;
    loop {
        let chunk = match tokio::time::timeout(SILENCE, body.next()).await {
            Ok(Some(Ok(chunk))) => chunk,
            Ok(None) => return Ok(got),
            Ok(Some(Err(error))) => {
                tracing::warn!("the bytes of an object stop coming: {error}");
                return Ok(got);
            }
            Err(_) => return Ok(got),
        };
        let size = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if got + size > end - first {
            return Err(CallTrouble::InDoubt("more bytes come than were asked for".into()));
        }
        file.write_all(&chunk).map_err(|error| not_written(&error))?;
        got += size;
    }
}

/// Looks what S3 says of the whole, compares, and gives the file its name.
async fn finish(calls: &AwsCalls, call: &Call, wanted: &Wanted) -> Result<Value, CallTrouble> {
    let looking = Looking::at(&calls.connections, call, &HEAD_OBJECT).await?;
    let send = |watch| {
        let asked = looking.site.s3().head_object().bucket(&wanted.bucket).key(&wanted.key);
        let asked = asked.set_version_id(wanted.version.clone()).set_if_match(wanted.etag.clone());
        let asked = asked.set_expected_bucket_owner(wanted.owner.clone());
        asked.checksum_mode(ChecksumMode::Enabled).customize().interceptor(watch).send()
    };
    let (told, _) = looking.send(send).await?;
    // The tag is the MD5 of the bytes, unless a key encrypts them or they were written in parts (T5).
    let keyed = told.server_side_encryption().is_some_and(|sort| sort.as_str().starts_with("aws:"));
    let etag = told.e_tag().unwrap_or_default().trim_matches('"').to_owned();
    let md5 = (!keyed && told.sse_customer_algorithm().is_none() && etag.len() == 32).then_some(etag);
    let sha256 = told.checksum_sha256().filter(|sum| !sum.contains('-'));
    let sha256 = sha256.and_then(|sum| base64::decode(sum).ok()).map(|bytes| hex(&bytes));
    let fits = move |hashes: &Hashes| match (&sha256, &md5) {
        (Some(sha256), _) if *sha256 == hashes.sha256 => Ok("SHA-256"),
        (Some(_), _) => Err("their SHA-256 is not what S3 says".to_owned()),
        (None, Some(md5)) if *md5 == hashes.md5 => Ok("MD5"),
        (None, Some(_)) => Err("their MD5 is not what S3 says".to_owned()),
        (None, None) => Ok("size"),
    };
    let (landing, size) = (landing(call)?, wanted.size);
    let done = tokio::task::spawn_blocking(move || landing.finish(size, fits)).await;
    done.map_err(|error| CallTrouble::InDoubt(Text::new(&error.to_string())))?
}
