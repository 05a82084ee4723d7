//! Where the bytes of an object arrive on this machine: beside their place, under a name of their own, and they get the name
//! of the file only when they are whole. No file that is there is ever written over, and no link is followed below the folder.

use super::local::{arguments, not_sent, reply};
use crate::domain::Text;
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply, hex};
use crate::runbook::still::CHANGED;
use md5::Md5;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, linkat, mkdirat, open, openat, statat, unlinkat};
use rustix::io::Errno;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;

/// How much is hashed at a time.
const CHUNK: usize = 1 << 20;

/// What a file is hashed to, so that it can be compared with what S3 says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::provider) struct Hashes {
    /// The MD5, in hex.
    pub(in crate::provider) md5: String,
    /// The SHA-256, in hex.
    pub(in crate::provider) sha256: String,
}

/// The place of a file, in a folder that is open.
pub(in crate::provider) struct Landing {
    folder: OwnedFd,
    name: String,
    part: String,
    shown: String,
}

fn failed(what: &str, shown: &str, error: Errno) -> CallTrouble {
    let error = std::io::Error::from(error);
    refused("NotWritten", &format!("{shown} cannot be {what}: {error}"))
}

fn refused(code: &str, says: &str) -> CallTrouble {
    CallTrouble::Refused { code: code.into(), says: Text::new(says), request_id: None, status: 412 }
}

/// Returns the trouble of a file that is there already.
fn is_there(shown: &str) -> CallTrouble {
    refused(CHANGED, &format!("{shown} is there already, and is not written over"))
}

/// Returns the name under which the bytes of a call's version arrive: of another version it is another.
fn part_of(call: &Call) -> String {
    let of = |name: &str| call.arguments.get(name).map(Value::to_string).unwrap_or_default();
    let all = ["Bucket", "Key", "VersionId", "ETag"].map(of).join("\n");
    let digest = hex(&Sha256::digest(all.as_bytes()));
    format!(".lifeboat-{}.part", digest.get(..16).unwrap_or_default())
}

impl Landing {
    /// Opens the place that a call names; `None` where a folder on the way is not there, unless it is to be made.
    ///
    /// # Errors
    /// When the name leads out of the folder, or the place cannot be reached.
    pub(in crate::provider) fn of(call: &Call, makes: bool) -> Result<Option<Self>, CallTrouble> {
        let (root, name) = (arguments::path(call, "Folder")?, arguments::text(call, "Name")?);
        let shown = format!("{}/{name}", root.display());
        let steps: Vec<&str> = name.split('/').collect();
        let leaves = |step: &&str| matches!(*step, "" | "." | "..") || step.contains('\0');
        let Some((file, folders)) = steps.split_last().filter(|_| !steps.iter().any(leaves)) else {
            return Err(not_sent(format!("`Name` leads out of its folder: {name}")));
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if makes {
            match rustix::fs::mkdir(&root, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(failed("made", &root.display().to_string(), error)),
            }
        }
        let mut folder = match open(&root, flags, Mode::empty()) {
            Ok(folder) => folder,
            Err(Errno::NOENT) if !makes => return Ok(None),
            Err(error) => return Err(failed("opened", &root.display().to_string(), error)),
        };
        for step in folders {
            if makes {
                match mkdirat(&folder, *step, Mode::RWXU) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(failed("reached", &shown, error)),
                }
            }
            // A link on the way would lead elsewhere.
            folder = match openat(&folder, *step, flags | OFlags::NOFOLLOW, Mode::empty()) {
                Ok(folder) => folder,
                Err(Errno::NOENT) if !makes => return Ok(None),
                Err(error) => return Err(failed("reached", &shown, error)),
            };
        }
        Ok(Some(Self { folder, name: (*file).to_owned(), part: part_of(call), shown }))
    }

    fn size(&self, name: &str) -> Result<Option<u64>, CallTrouble> {
        match statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                Ok(u64::try_from(stat.st_size).ok())
            }
            Ok(_) => Err(refused(CHANGED, &format!("{} is there, and is no plain file", self.shown))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(failed("seen", &self.shown, error)),
        }
    }

    fn opened(&self, name: &str, flags: OFlags) -> Result<File, CallTrouble> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.folder, name, flags, Mode::RUSR | Mode::WUSR);
        file.map(File::from).map_err(|error| failed("opened", &self.shown, error))
    }

    /// Opens the file in which bytes arrive, at byte `from`; what was behind that is dropped.
    ///
    /// # Errors
    /// When a file of the name is there, or fewer bytes have arrived.
    pub(in crate::provider) fn arriving(&self, from: u64) -> Result<File, CallTrouble> {
        if self.size(&self.name)?.is_some() {
            return Err(is_there(&self.shown));
        }
        let has = self.size(&self.part)?.unwrap_or(0);
        if has < from {
            let says =
                format!("of {} {has} bytes have arrived, and these are behind byte {from}", self.shown);
            return Err(refused("PartMissing", &says));
        }
        let mut file = self.opened(&self.part, OFlags::RDWR | OFlags::CREATE)?;
        let cut = file.set_len(from).and_then(|()| file.seek(SeekFrom::Start(from)));
        cut.map_err(|error| refused("NotWritten", &format!("{} cannot be written: {error}", self.shown)))?;
        Ok(file)
    }

    fn hashes(&self, name: &str) -> Result<Hashes, CallTrouble> {
        let mut file = self.opened(name, OFlags::RDONLY)?;
        let (mut md5, mut sha256, mut chunk) = (Md5::new(), Sha256::new(), vec![0; CHUNK]);
        loop {
            let read = file.read(&mut chunk);
            let read =
                read.map_err(|error| refused("NotRead", &format!("{} cannot be read: {error}", self.shown)))?;
            let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            md5.update(bytes);
            sha256.update(bytes);
        }
        Ok(Hashes { md5: hex(&md5.finalize()), sha256: hex(&sha256.finalize()) })
    }

    /// Gives the bytes that have arrived the name of the file, if they are `size` and `fits` says so.
    ///
    /// # Errors
    /// When they are others: then they are thrown away; or when a file of the name is there.
    pub(in crate::provider) fn finish(
        &self,
        size: u64,
        fits: impl Fn(&Hashes) -> Result<&'static str, String>,
    ) -> Result<Value, CallTrouble> {
        let has = self.size(&self.part)?.unwrap_or(0);
        let hashes = self.hashes(&self.part)?;
        let wrong = if has == size { None } else { Some(format!("{has} bytes have arrived of {size}")) };
        let proof = match wrong.map_or_else(|| fits(&hashes), Err) {
            Ok(proof) => proof,
            Err(why) => {
                let _ = unlinkat(&self.folder, &self.part, AtFlags::empty());
                return Err(refused("BytesDiffer", &format!("{}: {why}; they are thrown away", self.shown)));
            }
        };
        let synced = self.opened(&self.part, OFlags::RDONLY)?.sync_all();
        synced
            .map_err(|error| refused("NotWritten", &format!("{} cannot be written: {error}", self.shown)))?;
        match linkat(&self.folder, &self.part, &self.folder, &self.name, AtFlags::empty()) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Err(is_there(&self.shown)),
            Err(error) => return Err(failed("written", &self.shown, error)),
        }
        let tidied = unlinkat(&self.folder, &self.part, AtFlags::empty());
        tidied.and_then(|()| rustix::fs::fsync(&self.folder)).map_err(|error| {
            CallTrouble::InDoubt(Text::new(&format!("it may not be on the disk: {error}")))
        })?;
        Ok(json!({"Path": self.shown, "Sha256": hashes.sha256, "Verified": proof}))
    }
}

/// Looks at the file of a call: whether it is there, what it is hashed to where its size is right, how much has arrived.
///
/// # Errors
/// When it cannot be seen.
pub(super) fn stat(call: &Call) -> Result<Reply, CallTrouble> {
    arguments::only(call, &["Folder", "Name", "Bucket", "Key", "VersionId", "ETag", "Size"])?;
    let nothing = json!({"Exists": false, "Arrived": 0});
    let Some(landing) = Landing::of(call, false)? else { return Ok(reply(0, nothing)) };
    let Some(size) = landing.size(&landing.name)? else {
        return Ok(reply(0, json!({"Exists": false, "Arrived": landing.size(&landing.part)?.unwrap_or(0)})));
    };
    let mut body = json!({"Exists": true, "Size": size, "Arrived": 0});
    if arguments::maybe_number(call, "Size")? == Some(size)
        && let Some(members) = body.as_object_mut()
    {
        let hashes = landing.hashes(&landing.name)?;
        members.insert("Md5".to_owned(), hashes.md5.into());
        members.insert("Sha256".to_owned(), hashes.sha256.into());
    }
    Ok(reply(0, body))
}

/// Removes the file of a call that is still what was written.
///
/// # Errors
/// When it is not, or cannot be removed.
pub(in crate::provider) fn remove(call: &Call) -> Result<Value, CallTrouble> {
    let changed = |shown: &str| refused(CHANGED, &format!("{shown} is not what was written"));
    let Some(landing) = Landing::of(call, false)? else { return Ok(json!({})) };
    if landing.size(&landing.name)?.is_none() {
        return Ok(json!({}));
    }
    if landing.hashes(&landing.name)?.sha256 != arguments::text(call, "IfSha256")? {
        return Err(changed(&landing.shown));
    }
    unlinkat(&landing.folder, &landing.name, AtFlags::empty())
        .map_err(|error| failed("removed", &landing.shown, error))?;
    Ok(json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::Place;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn call(folder: &Path, name: &str) -> Call {
        Call::new("download:Part", &"production".into(), &Place::new("1", "r"))
            .with("Folder", folder.display().to_string())
            .with("Name", name)
            .with("Key", "k")
    }

    fn land(folder: &Path, name: &str, bytes: &[u8]) -> Result<Value, CallTrouble> {
        let landing = Landing::of(&call(folder, name), true)?.expect("it is made");
        landing.arriving(0)?.write_all(bytes).expect("it is written");
        landing.finish(bytes.len() as u64, |_| Ok("size"))
    }

    #[test]
    fn bytes_get_their_name_when_they_are_whole_and_nobody_else_can_read_them() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("looked-at");
        let landing = Landing::of(&call(&folder, "a/b.txt"), true).expect("it can").expect("it is made");
        landing.arriving(0).expect("nothing is there").write_all(b"hel").expect("it is written");
        let seen = stat(&call(&folder, "a/b.txt")).expect("it can be seen").body;
        assert_eq!(seen, json!({"Exists": false, "Arrived": 3}));
        landing.arriving(3).expect("it goes on").write_all(b"lo").expect("it is written");
        let done = landing.finish(5, |hashes| {
            assert_eq!(hashes.md5, "5d41402abc4b2a76b9719d911017c592");
            Ok("MD5")
        });
        let done = done.expect("it is whole");
        assert_eq!(done["Verified"], "MD5");
        let path = folder.join("a/b.txt");
        assert_eq!(std::fs::read(&path).expect("it is there"), b"hello");
        let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&folder), mode(&folder.join("a"))), (0o600, 0o700, 0o700));
        assert_eq!(std::fs::read_dir(folder.join("a")).expect("it is there").count(), 1, "and nothing else");
        let other = call(&folder, "a/b.txt").with("IfSha256", "0");
        assert_eq!(remove(&other).expect_err("it is another").code(), Some(CHANGED));
        remove(&call(&folder, "a/b.txt").with("IfSha256", done["Sha256"].clone())).expect("it goes");
        assert!(!path.exists());
    }

    #[test]
    fn nothing_that_is_there_is_written_over_and_bytes_that_differ_are_thrown_away() {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::write(home.path().join("mine"), "mine").expect("it is written");
        assert_eq!(land(home.path(), "mine", b"theirs").expect_err("it is there").code(), Some(CHANGED));
        assert_eq!(std::fs::read(home.path().join("mine")).expect("it is there"), b"mine");
        let landing = Landing::of(&call(home.path(), "new"), true).expect("it can").expect("it is made");
        landing.arriving(0).expect("nothing is there").write_all(b"xx").expect("it is written");
        assert_eq!(landing.finish(3, |_| Ok("size")).expect_err("too few").code(), Some("BytesDiffer"));
        assert_eq!(landing.arriving(2).expect_err("they are gone").code(), Some("PartMissing"));
        landing.arriving(0).expect("nothing is there").write_all(b"xxx").expect("it is written");
        let told = landing.finish(3, |_| Err("its MD5 is another".to_owned()));
        assert_eq!(told.expect_err("others").code(), Some("BytesDiffer"));
        assert!(!home.path().join("new").exists());
    }

    #[test]
    fn no_name_and_no_link_leads_out_of_the_folder() {
        let home = tempfile::tempdir().expect("a folder");
        let (folder, outside) = (home.path().join("in"), home.path().join("out"));
        for path in [&folder, &outside] {
            std::fs::create_dir(path).expect("it is made");
        }
        for name in ["../out/x", "/etc/x", "a/../../x", "", "a//b", ".", "a/."] {
            let told = land(&folder, name, b"x");
            assert!(matches!(told, Err(CallTrouble::NotSent(_))), "{name}: {told:?}");
        }
        std::os::unix::fs::symlink(&outside, folder.join("link")).expect("it is made");
        assert!(land(&folder, "link/x", b"x").is_err());
        std::os::unix::fs::symlink(outside.join("x"), folder.join("file")).expect("it is made");
        assert!(land(&folder, "file", b"x").is_err());
        assert_eq!(std::fs::read_dir(&outside).expect("it is there").count(), 0);
    }
}
