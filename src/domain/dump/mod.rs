//! Database dumps: which files make one dump, what they must hash to, and how long an archive takes to give them back.
//!
//! The same rules hold for folders and for buckets: both list [`Part`]s, with names relative to where they look. What
//! must stay true: nothing here reads a file, and a dump is never said to be more than its files show.

mod checksum;
mod fit;
mod name;
mod retrieval;

pub use checksum::{Algorithm, Checksum, Unreadable, parse_checksums};
pub use fit::digest;
pub use name::{is_checksums, named_until};
pub use retrieval::retrieval;

use super::Text;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A file or object, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name relative to where the dumps lie, with `/` between folders.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// When it was last written.
    pub modified_at: Timestamp,
    /// The storage class of an object, as S3 names it.
    pub storage_class: Option<Text>,
    /// The archive tier of an object in Intelligent-Tiering, as S3 names it.
    pub archive_status: Option<Text>,
}

impl Part {
    /// Returns a file.
    pub fn new(name: &str, size_bytes: u64, modified_at: Timestamp) -> Self {
        Self { name: name.to_owned(), size_bytes, modified_at, storage_class: None, archive_status: None }
    }
}

/// One dump: a file, a folder of parts, or a file that was split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump<'a> {
    /// Its name: that of the file, of the folder, or what the names of the pieces have in common.
    pub id: String,
    /// The files that it consists of, by name.
    pub parts: Vec<&'a Part>,
    /// Files that may say what the parts hash to, by name.
    pub checksums: Vec<&'a Part>,
    /// Other files in its folder, such as those that are still being written.
    pub others: Vec<&'a Part>,
}

/// What is known of what the parts of a dump must hash to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected<'a> {
    /// Nothing, or not of every part: it cannot be verified.
    Nothing,
    /// Parts are listed that are not there: it is not whole.
    Missing(Vec<String>),
    /// What each part must hash to.
    Each(Vec<(&'a Part, Checksum)>),
    /// Two lists contradict each other of this part: it is not whole by one of them.
    Contradiction(&'a Part),
}

impl<'a> Dump<'a> {
    /// Returns the size of all parts.
    pub fn size_bytes(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.size_bytes))
    }

    /// Returns the last moment whose data it may hold: when its newest part was written, but not later than the day in its
    /// name. A copy of an old dump is written today and holds nothing of today.
    pub fn until(&self) -> Option<Timestamp> {
        let written = self.parts.iter().map(|part| part.modified_at).max()?;
        Some(named_until(&self.id).map_or(written, |named| written.min(named)))
    }

    /// Returns how long it takes until all of it is readable; `None` when it is.
    pub fn retrieval(&self) -> Option<Duration> {
        let of = |part: &&Part| {
            let class = part.storage_class.as_ref().map_or("", Text::as_str);
            retrieval(class, part.archive_status.as_ref().map(Text::as_str))
        };
        self.parts.iter().filter_map(of).max()
    }

    /// Says whether nothing can be in it: no byte at all, or a compressed part without any.
    pub fn is_hollow(&self) -> bool {
        self.size_bytes() == 0
            || self.parts.iter().any(|part| part.size_bytes == 0 && name::is_compressed(&part.name))
    }

    /// Says whether files in its folder are still being written, or were left behind by a writer that died.
    pub fn is_unfinished(&self) -> bool {
        self.others.iter().any(|part| name::is_leftover(&part.name))
    }

    /// Returns what its parts must hash to, by the lists in `read`: what [`parse_checksums`] made of each, by the name of
    /// the file.
    pub fn expected(&self, read: &BTreeMap<String, BTreeMap<String, Checksum>>) -> Expected<'a> {
        let lists = self.checksums.iter().filter_map(|file| Some((*file, read.get(&file.name)?)));
        let mut known: BTreeMap<String, BTreeSet<&Checksum>> = BTreeMap::new();
        let folder = format!("{}/", self.id);
        for (file, list) in lists {
            // `2026-11-20.sha256` beside the folder may name its parts as they are called inside it.
            let beside = name::sidecar_of(&file.name) == Some(self.id.as_str());
            let inside = self.parts.iter().any(|part| part.name.starts_with(&folder));
            for (listed, checksum) in list {
                let own = file.name.rsplit_once('/').and_then(|(above, _)| listed.strip_prefix(above));
                let own = own.map_or(listed.as_str(), |name| name.trim_start_matches('/'));
                let path = match (beside && inside && !listed.starts_with(&folder), self.parts.as_slice()) {
                    (true, [only]) if *listed == self.id => only.name.clone(),
                    (true, _) => format!("{folder}{own}"),
                    (false, _) => listed.clone(),
                };
                known.entry(path).or_default().insert(checksum);
            }
        }
        let there: BTreeSet<&str> = { self.parts.iter().chain(&self.checksums).chain(&self.others) }
            .map(|part| part.name.as_str())
            .collect();
        let missing: Vec<String> = { known.keys() }
            .filter(|path| path.starts_with(&folder) && !there.contains(path.as_str()))
            .cloned()
            .collect();
        if !missing.is_empty() {
            return Expected::Missing(missing);
        }
        let mut each = Vec::new();
        for part in &self.parts {
            let strongest = known.get(&part.name).and_then(|all| all.iter().map(|one| one.algorithm).max());
            let Some(strongest) = strongest else {
                // A note that lies beside the data need not be listed.
                if name::is_no_dump(&part.name) {
                    continue;
                }
                return Expected::Nothing;
            };
            let mut of_it = { known.get(&part.name).into_iter().flatten() }
                .filter(|checksum| checksum.algorithm == strongest);
            match (of_it.next(), of_it.next()) {
                (Some(checksum), None) => each.push((*part, (*checksum).clone())),
                _ => return Expected::Contradiction(part),
            }
        }
        Expected::Each(each)
    }
}

/// Returns the dumps among `parts`, the newest first.
///
/// A file is a dump. A folder is one dump of several parts if its name is a date (`2026-11-20`, `2026/11/20`, also with
/// the time in a folder or file below it), if it holds what the tools of a database put into a folder (`toc.dat`), or if
/// the files in it have no dates of their own; files with dates in a folder without one are dumps each. Pieces of a file
/// that was split (`x.aa`, `x.ab`; `x.00`, `x.01`) are one dump.
///
/// What is left out: hidden files, files that are still being written, checksums and signatures, and by themselves what
/// is no dump by its name: notes, logs, settings, scripts, and a bare `.json`.
pub fn dumps(parts: &[Part]) -> Vec<Dump<'_>> {
    let listed: Vec<&Part> = parts.iter().filter(|part| !name::is_folder(&part.name)).collect();
    let marked = name::marked(listed.iter().map(|part| part.name.as_str()));
    let split = name::split(listed.iter().map(|part| part.name.as_str()));
    let mut dumps: BTreeMap<String, Dump<'_>> = BTreeMap::new();
    let mut checksums = Vec::new();
    let mut others = Vec::new();
    for part in listed {
        if is_checksums(&part.name) {
            checksums.push(part);
            continue;
        }
        let id = name::dump_of(&part.name, &marked, &split);
        let in_folder = part.name.starts_with(&format!("{id}/"));
        if name::is_hidden(&part.name) || name::is_leftover(&part.name) || name::is_signature(&part.name) {
            others.push((id, part));
        } else if in_folder || !name::is_no_dump(&part.name) {
            let dump = dumps.entry(id.clone()).or_insert_with(|| Dump {
                id,
                parts: Vec::new(),
                checksums: Vec::new(),
                others: Vec::new(),
            });
            dump.parts.push(part);
        }
    }
    // A folder of nothing but notes is no dump.
    dumps.retain(|_, dump| dump.parts.iter().any(|part| !name::is_no_dump(&part.name)));
    for (id, part) in others {
        if let Some(dump) = dumps.get_mut(&id).filter(|dump| dump.id != part.name) {
            dump.others.push(part);
        }
    }
    let of_part: BTreeMap<&str, String> = { dumps.values() }
        .flat_map(|dump| dump.parts.iter().map(|part| (part.name.as_str(), dump.id.clone())))
        .collect();
    for file in checksums {
        let target = name::sidecar_of(&file.name);
        let only = target
            .and_then(|target| of_part.get(target).cloned())
            .or_else(|| target.filter(|target| dumps.contains_key(*target)).map(str::to_owned));
        let below = file.name.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        for dump in dumps.values_mut() {
            let covers = match &only {
                Some(only) => dump.id == *only,
                None => dump.parts.iter().any(|part| part.name.starts_with(&below)),
            };
            if covers {
                dump.checksums.push(file);
            }
        }
    }
    let mut all: Vec<Dump<'_>> = dumps.into_values().collect();
    for dump in &mut all {
        dump.parts.sort_by(|a, b| a.name.cmp(&b.name));
        dump.checksums.sort_by(|a, b| a.name.cmp(&b.name));
    }
    all.sort_by(|a, b| b.until().cmp(&a.until()).then_with(|| a.id.cmp(&b.id)));
    all
}
