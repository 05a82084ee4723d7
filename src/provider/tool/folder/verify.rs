//! Reading dumps back: what their bytes hash to, the newest first, so much at a time.

use super::list::{Listing, Progress, Version};
use crate::domain::Text;
use crate::domain::dump::{Algorithm, Checksum, Dump, Expected, parse_checksums};
use crate::domain::reading::{Lack, ReadTrouble};
use crate::domain::recovery_point::Verification;
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use jiff::Timestamp;
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// How much a file of checksums may be.
const MOST_CHECKSUMS: u64 = 4 * 1024 * 1024;
/// How much is read of a file at once.
const CHUNK: usize = 1024 * 1024;

/// What a file was seen to hash to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Hashed {
    version: Version,
    algorithm: String,
    hex: String,
    at: Timestamp,
}

/// What files were seen to hash to, kept between reads: what has not changed is not read again.
#[derive(Debug, Default)]
pub(super) struct Memory {
    path: PathBuf,
    hashed: BTreeMap<String, Hashed>,
}

impl Memory {
    /// Opens what is remembered of `folder`, below the folder of all of it.
    pub(super) fn open(all: &Path, folder: &Path) -> Self {
        let digest = Sha256::digest(folder.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let path = all.join(format!("{name}.json"));
        let text = fs::read_to_string(&path).unwrap_or_default();
        Self { hashed: serde_json::from_str(&text).unwrap_or_default(), path }
    }

    /// Keeps it, without what is not there any more.
    pub(super) fn keep(&mut self, listing: &Listing) -> io::Result<()> {
        self.hashed.retain(|name, hashed| listing.versions.get(name) == Some(&hashed.version));
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(serde_json::to_string(&self.hashed)?.as_bytes())?;
        file.persist(&self.path)?;
        Ok(())
    }

    fn get(&self, listing: &Listing, name: &str, algorithm: Algorithm) -> Option<&Hashed> {
        let hashed = self.hashed.get(name)?;
        let is_same =
            listing.versions.get(name) == Some(&hashed.version) && hashed.algorithm == algorithm.name();
        is_same.then_some(hashed)
    }
}

/// Reads the dumps of one listing back.
pub(super) struct Verifier<'a> {
    pub(super) listing: &'a Listing,
    pub(super) memory: Memory,
    pub(super) progress: &'a Progress,
    /// How many bytes may still be read.
    pub(super) left: u64,
    /// Whether nothing was read yet.
    pub(super) is_first: bool,
    /// What could not be read.
    pub(super) lacking: Vec<Lack>,
}

impl Verifier<'_> {
    /// Reads the files of checksums of these dumps.
    pub(super) fn lists(&mut self, dumps: &[Dump<'_>]) -> BTreeMap<String, BTreeMap<String, Checksum>> {
        let mut read = BTreeMap::new();
        for file in dumps.iter().flat_map(|dump| &dump.checksums) {
            if read.contains_key(&file.name) {
                continue;
            }
            let list = self.text(&file.name, file.size_bytes).and_then(|text| {
                parse_checksums(&text, &file.name)
                    .map_err(|why| ReadTrouble::Other(Text::new(&why.to_string())))
            });
            match list {
                Ok(list) => {
                    read.insert(file.name.clone(), list);
                }
                Err(why) => {
                    read.insert(file.name.clone(), BTreeMap::new());
                    self.lack(&file.name, why);
                }
            }
            self.progress.step(1);
        }
        read
    }

    /// Returns whether a dump is whole, where that is known or can be seen now.
    pub(super) fn verify(
        &mut self,
        dump: &Dump<'_>,
        lists: &BTreeMap<String, BTreeMap<String, Checksum>>,
    ) -> Option<Verification> {
        let now = SystemClock.now();
        if dump.is_hollow() {
            return Some(Verification { at: now, whole: false });
        }
        let each = match dump.expected(lists) {
            Expected::Nothing => return None,
            Expected::Missing(_) | Expected::Contradiction(_) => {
                return Some(Verification { at: now, whole: false });
            }
            Expected::Each(each) => each,
        };
        let unread = each.iter().filter(|(part, checksum)| {
            self.memory.get(self.listing, &part.name, checksum.algorithm).is_none()
        });
        let needed = unread.fold(0_u64, |sum, (part, _)| sum.saturating_add(part.size_bytes));
        // One dump is read however large it is: else a large one would never be.
        if needed > self.left && !self.is_first {
            return None;
        }
        if needed > 0 {
            self.is_first = false;
            self.left = self.left.saturating_sub(needed);
        }
        let mut oldest = None;
        let mut whole = true;
        for (part, checksum) in each {
            let hashed = match self.hash(&part.name, checksum.algorithm) {
                Ok(hashed) => hashed,
                Err(why) => {
                    self.lack(&part.name, why);
                    return None;
                }
            };
            whole &= hashed.hex == checksum.hex;
            oldest = Some(oldest.map_or(hashed.at, |at: Timestamp| at.min(hashed.at)));
            if !whole {
                break;
            }
        }
        oldest.map(|at| Verification { at, whole })
    }

    fn lack(&mut self, name: &str, why: ReadTrouble) {
        self.lacking.push(Lack { source: Text::new(&format!("read {name}")), why });
    }

    fn text(&self, name: &str, size_bytes: u64) -> Result<String, ReadTrouble> {
        if size_bytes > MOST_CHECKSUMS {
            return Err(ReadTrouble::Other("it is too large for a list of checksums".into()));
        }
        let mut text = String::new();
        let file = self.listing.open(name)?;
        file.take(MOST_CHECKSUMS).read_to_string(&mut text).map_err(|error| unread(&error))?;
        Ok(text)
    }

    /// Returns what a file hashes to, from memory where it has not changed.
    fn hash(&mut self, name: &str, algorithm: Algorithm) -> Result<Hashed, ReadTrouble> {
        if let Some(known) = self.memory.get(self.listing, name, algorithm) {
            return Ok(known.clone());
        }
        let file = self.listing.open(name)?;
        let hex = match algorithm {
            Algorithm::Md5 => self.digest::<Md5>(&file),
            Algorithm::Sha256 => self.digest::<Sha256>(&file),
            Algorithm::Sha512 => self.digest::<Sha512>(&file),
        }?;
        // What was written to meanwhile was not read as it is.
        self.listing.is_same(name, &file)?;
        let Some(version) = self.listing.versions.get(name).cloned() else {
            return Err(ReadTrouble::Other("it is not there any more".into()));
        };
        let hashed = Hashed { version, algorithm: algorithm.name().to_owned(), hex, at: SystemClock.now() };
        self.memory.hashed.insert(name.to_owned(), hashed.clone());
        Ok(hashed)
    }

    fn digest<D: Digest>(&self, mut file: &File) -> Result<String, ReadTrouble> {
        let mut digest = D::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            if self.progress.is_cancelled() {
                return Err(ReadTrouble::TimedOut);
            }
            match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => {
                    digest.update(chunk.get(..read).unwrap_or_default());
                    self.progress.step(read as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unread(&error)),
            }
        }
        Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

fn unread(error: &io::Error) -> ReadTrouble {
    ReadTrouble::Other(Text::new(&error.to_string()))
}
