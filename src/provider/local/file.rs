//! `file:Read`, `file:Write` and `file:Remove`: one small text file, changed as a whole and only while it is what was seen.

use super::{arguments, not_sent, reply};
use crate::domain::Text;
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply, hex};
use crate::runbook::still::CHANGED;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The largest file that is read or written: configuration is small.
const LARGEST: u64 = 1 << 20;
/// The mode of a new file where nobody says another: its owner's alone.
const PRIVATE: u32 = 0o600;

fn failed(what: &str, path: &Path, error: &std::io::Error) -> CallTrouble {
    not_sent(format!("{} cannot be {what}: {error}", path.display()))
}

fn refused(code: &str, says: &str) -> CallTrouble {
    CallTrouble::Refused { code: code.into(), says: Text::new(says), request_id: None, status: 412 }
}

/// Returns the path of a call, in a folder that is no link and is reached by none.
fn path(call: &Call) -> Result<PathBuf, CallTrouble> {
    let path = arguments::path(call, "Path")?;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(not_sent("`Path` names no file"));
    };
    let real = folder.canonicalize().map_err(|error| failed("reached", folder, &error))?;
    Ok(real.join(name))
}

/// What a file is.
struct Seen {
    bytes: Vec<u8>,
    mode: u32,
}

/// Reads a file; `None` where there is none.
fn seen(path: &Path) -> Result<Option<Seen>, CallTrouble> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path, &error)),
    };
    if !meta.is_file() {
        let what = if meta.is_symlink() { "a symbolic link" } else { "no plain file" };
        return Err(refused("NoPlainFile", &format!("{} is {what}", path.display())));
    }
    if meta.len() > LARGEST {
        return Err(refused("TooLarge", &format!("{} is larger than 1 MiB", path.display())));
    }
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, rustix::fs::Mode::empty());
    let file = file.map_err(|error| failed("read", path, &error.into()))?;
    let mut bytes = Vec::new();
    File::from(file)
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed("read", path, &error))?;
    Ok(Some(Seen { bytes, mode: meta.permissions().mode() & 0o777 }))
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Reads a file: whether it is there, its hash and mode, and its text.
pub(super) fn read(call: &Call) -> Result<Reply, CallTrouble> {
    arguments::only(call, &["Path"])?;
    let path = path(call)?;
    let shown = path.display().to_string();
    let Some(seen) = seen(&path)? else {
        return Ok(reply(0, json!({"Path": shown, "Exists": false})));
    };
    let sha256 = digest(&seen.bytes);
    let Ok(content) = String::from_utf8(seen.bytes) else {
        return Err(refused("NoText", &format!("{shown} is no text")));
    };
    let mode = format!("{:03o}", seen.mode);
    Ok(reply(0, json!({"Path": shown, "Exists": true, "Sha256": sha256, "Mode": mode, "Content": content})))
}

/// Says that a file is still what a call says.
fn still(call: &Call, path: &Path) -> Result<Option<Seen>, CallTrouble> {
    let found = seen(path)?;
    let wanted = arguments::maybe_text(call, "IfSha256")?;
    let absent = call.arguments.get("IfAbsent") == Some(&Value::Bool(true));
    match (&found, wanted, absent) {
        (None, None, true) => Ok(None),
        (Some(seen), Some(wanted), false) if digest(&seen.bytes) == wanted => Ok(found),
        (_, None, false) => Err(not_sent("neither `IfSha256` nor `IfAbsent` says what must be there")),
        _ => Err(refused(CHANGED, &format!("{} is not what was planned with", path.display()))),
    }
}

/// Writes a file as a whole: whoever reads it sees the old one or the new one.
pub(super) fn write(call: &Call) -> Result<Reply, CallTrouble> {
    arguments::only(call, &["Path", "Content", "Mode", "IfSha256", "IfAbsent"])?;
    let path = path(call)?;
    let content = arguments::text(call, "Content")?;
    if content.len() as u64 > LARGEST {
        return Err(not_sent("`Content` is larger than 1 MiB"));
    }
    let mode = match arguments::maybe_text(call, "Mode")? {
        None => None,
        Some(mode) => {
            Some(u32::from_str_radix(mode, 8).map_err(|_| not_sent("`Mode` must be octal, such as 600"))?)
        }
    };
    let before = still(call, &path)?;
    let mode = mode.or(before.as_ref().map(|seen| seen.mode)).unwrap_or(PRIVATE) & 0o777;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let made = tempfile::Builder::new().prefix(".lifeboat-").tempfile_in(folder);
    let mut made = made.map_err(|error| failed("written", &path, &error))?;
    let written = made.write_all(content.as_bytes()).and_then(|()| {
        made.as_file().set_permissions(Permissions::from_mode(mode))?;
        made.as_file().sync_all()
    });
    written.map_err(|error| failed("written", &path, &error))?;
    if before.is_some() {
        // Somebody may have written it while this was written.
        still(call, &path)?;
        made.persist(&path).map_err(|error| failed("written", &path, &error.error))?;
    } else {
        made.persist_noclobber(&path).map_err(|error| match error.error.kind() {
            ErrorKind::AlreadyExists => {
                refused(CHANGED, &format!("{} has come about meanwhile", path.display()))
            }
            _ => failed("written", &path, &error.error),
        })?;
    }
    on_disk(folder)?;
    Ok(reply(0, json!({"Path": path.display().to_string(), "Sha256": digest(content.as_bytes())})))
}

/// Removes a file that is still what was written.
pub(super) fn remove(call: &Call) -> Result<Reply, CallTrouble> {
    arguments::only(call, &["Path", "IfSha256"])?;
    let path = path(call)?;
    still(call, &path)?;
    fs::remove_file(&path).map_err(|error| failed("removed", &path, &error))?;
    on_disk(path.parent().unwrap_or(Path::new("/")))?;
    Ok(reply(0, json!({})))
}

fn on_disk(folder: &Path) -> Result<(), CallTrouble> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| CallTrouble::InDoubt(Text::new(&format!("it may not be on the disk: {error}"))))
}
