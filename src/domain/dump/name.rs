//! What a name says: whether it is a dump, a part of one, or something that only lies beside it; and of which day it is.

use super::checksum::Algorithm;
use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use std::collections::{BTreeMap, BTreeSet};

/// Endings of files that are still being written, or that a writer left behind when it died.
const LEFTOVER: &[&str] =
    &[".tmp", ".temp", ".part", ".partial", ".swp", "~", ".filepart", ".crdownload", ".lock", ".lck"];
/// Endings under which a checksum lies beside its file.
const SIDECAR: &[(&str, Algorithm)] = &[
    (".sha256", Algorithm::Sha256),
    (".sha256sum", Algorithm::Sha256),
    (".sha512", Algorithm::Sha512),
    (".sha512sum", Algorithm::Sha512),
    (".md5", Algorithm::Md5),
    (".md5sum", Algorithm::Md5),
];
/// The same by algorithms that are not known here.
const UNKNOWN: &[&str] = &[".sha1", ".sha1sum", ".sha224", ".sha384", ".b2", ".blake2", ".blake3", ".crc32"];
/// Names of lists of checksums, in lower case.
const LISTS: &[(&str, Option<Algorithm>)] = &[
    ("sha256sums", Some(Algorithm::Sha256)),
    ("sha512sums", Some(Algorithm::Sha512)),
    ("md5sums", Some(Algorithm::Md5)),
    ("checksums", None),
];
/// Endings of files that are compressed.
const COMPRESSED: &[&str] = &[".gz", ".bz2", ".xz", ".zst", ".lz4", ".lzo", ".z", ".br", ".zip", ".7z"];
/// Endings of files that are encrypted.
const ENCRYPTED: &[&str] = &[".gpg", ".pgp", ".age", ".enc", ".aes"];
/// Endings of files that describe a dump, or made it.
const NOTES: &[&str] = &[
    ".log", ".txt", ".md", ".html", ".yaml", ".yml", ".conf", ".cfg", ".ini", ".sh", ".py", ".pl", ".err",
    ".out", ".pid",
];
/// Files that the tools of a database put into a folder that is one dump: pg_dump, pg_basebackup, mydumper, XtraBackup,
/// MariaDB, mongodump, Redis, Neo4j and Cassandra among others.
const MARKERS: &[&str] = &[
    "toc.dat",
    "backup_manifest",
    "backup_label",
    "metadata",
    "xtrabackup_info",
    "xtrabackup_checkpoints",
    "mariadb_backup_info",
    "mariadb_backup_checkpoints",
    "oplog.bson",
    "prelude.json",
];

fn file(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn ends(name: &str, endings: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}

/// Says whether it names a folder: S3 lists some as objects.
pub(super) fn is_folder(name: &str) -> bool {
    name.is_empty() || name.ends_with('/')
}

/// Says whether it or a folder above it is hidden.
pub(super) fn is_hidden(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with('.') || part == "lost+found")
}

/// Says whether it is still being written, or was left behind.
pub(super) fn is_leftover(name: &str) -> bool {
    ends(name, LEFTOVER)
}

/// Says whether it is a signature.
pub(super) fn is_signature(name: &str) -> bool {
    ends(name, &[".asc", ".sig", ".minisig"])
}

/// Says whether it is compressed.
pub(super) fn is_compressed(name: &str) -> bool {
    ends(name, COMPRESSED)
}

/// Says whether it is a file of checksums.
pub fn is_checksums(name: &str) -> bool {
    is_unknown_algorithm(name) || sidecar_of(name).is_some() || list(name).is_some()
}

/// Says whether its checksums are made by an algorithm that is not known here.
pub(super) fn is_unknown_algorithm(name: &str) -> bool {
    ends(name, UNKNOWN) || ["sha1sums", "b2sums"].contains(&file(name).to_ascii_lowercase().as_str())
}

/// Returns the name of the file beside which a checksum lies: `x.dump` of `x.dump.sha256`.
pub(super) fn sidecar_of(name: &str) -> Option<&str> {
    let (ending, _) = sidecar(name)?;
    name.get(..name.len() - ending.len()).filter(|target| !file(target).is_empty())
}

/// Returns the algorithm that the name of a file of checksums promises.
pub(super) fn algorithm_of(name: &str) -> Option<Algorithm> {
    sidecar(name).map(|(_, algorithm)| algorithm).or_else(|| list(name)?.1)
}

fn sidecar(name: &str) -> Option<(&'static str, Algorithm)> {
    SIDECAR.iter().copied().find(|(ending, _)| ends(name, &[ending]))
}

fn list(name: &str) -> Option<&'static (&'static str, Option<Algorithm>)> {
    let name = file(name).to_ascii_lowercase();
    let stem = name.strip_suffix(".txt").unwrap_or(&name);
    LISTS.iter().find(|(list, _)| *list == stem)
}

/// Says whether it is no dump by its name, so that it is none where it lies by itself.
///
/// By the last ending before those of compression and encryption: notes, logs, settings and scripts ([`NOTES`]), and all
/// that begins with `README`, `LICENSE` or `CHANGELOG`. A `.json` is one as well, being a report or a manifest, unless it
/// is compressed (an export of documents) or says `.dump.json` or `.export.json`.
pub(super) fn is_no_dump(name: &str) -> bool {
    let lower = file(name).to_ascii_lowercase();
    let mut plain = lower.as_str();
    while let Some(inner) = COMPRESSED
        .iter()
        .chain(ENCRYPTED)
        .find_map(|ending| plain.strip_suffix(ending).filter(|s| !s.is_empty()))
    {
        plain = inner;
    }
    let is_note = ["readme", "license", "changelog"].iter().any(|begin| plain.starts_with(begin));
    let is_report = ends(plain, &[".json"]) && !ends(plain, &[".dump.json", ".export.json"]);
    is_note || ends(plain, NOTES) || (is_report && plain == lower)
}

/// Returns the folders that are one dump by what lies in them.
pub(super) fn marked<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let of = |name: &'a str| {
        let (folder, file) = name.rsplit_once('/')?;
        let plain = file.strip_suffix(".gz").unwrap_or(file);
        MARKERS.contains(&plain).then_some(folder)
    };
    names.filter_map(of).collect()
}

/// Returns the names of files that were split, each with what its pieces are called before the number.
pub(super) fn split<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, &'a str> {
    let mut pieces: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for name in names {
        if let Some((whole, number)) = name.rsplit_once('.')
            && is_number(number)
            && !file(whole).is_empty()
        {
            pieces.entry(whole).or_default().push((name, number));
        }
    }
    let mut all = BTreeMap::new();
    for (whole, pieces) in pieces {
        let begins = |(_, number): &(&str, &str)| ["aa", "aaa", "00", "000", "01", "001"].contains(number);
        if pieces.len() > 1 && pieces.iter().any(begins) {
            all.extend(pieces.into_iter().map(|(name, _)| (name, whole)));
        }
    }
    all
}

/// Says whether `split` may have ended a name with it. A single digit is a rotated file: another dump.
fn is_number(ending: &str) -> bool {
    let digits = (2..=5).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_digit());
    let letters = (2..=3).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_lowercase());
    digits || letters
}

/// Returns the dump that a file belongs to.
pub(super) fn dump_of(name: &str, marked: &BTreeSet<&str>, split: &BTreeMap<&str, &str>) -> String {
    let own = split.get(name).copied().unwrap_or(name);
    let mut outermost = None;
    for (at, _) in name.match_indices('/') {
        let folder = name.get(..at).unwrap_or_default();
        outermost = outermost.or(Some(folder));
        if marked.contains(folder) {
            return folder.to_owned();
        }
        if is_dated(folder) {
            // A day with a folder or file for each time of it.
            let rest = name.get(at + 1..).unwrap_or_default();
            let next = rest.split('/').next().unwrap_or_default();
            let is_file = next.len() == rest.len();
            return match is_time(next) {
                true if is_file => own.to_owned(),
                true => format!("{folder}/{next}"),
                false => folder.to_owned(),
            };
        }
    }
    match outermost {
        None => own.to_owned(),
        Some(_) if is_dated(name) => own.to_owned(),
        Some(folder) => folder.to_owned(),
    }
}

/// Returns the moment after which nothing can be in a dump of the day that its name says: the end of that day in the last
/// time zone.
pub fn named_until(id: &str) -> Option<Timestamp> {
    let day = days(id).into_iter().flatten().max()?;
    let end = day.checked_add(1.day()).ok()?.at(12, 0, 0, 0);
    end.to_zoned(TimeZone::UTC).ok().map(|end| end.timestamp())
}

fn is_dated(name: &str) -> bool {
    !days(name).is_empty()
}

/// Returns the days that a text names: `20261120`, `2026-11-20`, `2026/11/20`, also with a time behind, or seconds since
/// 1970; `None` for those that are written with the year last, of which the order of day and month is not known.
fn days(text: &str) -> Vec<Option<Date>> {
    let runs = digits(text);
    let mut found = Vec::new();
    for (nth, (run, _)) in runs.iter().enumerate() {
        let number = |text: &str| text.parse::<i16>().ok();
        let day = |year: &str, month: &str, day: &str| {
            let year = number(year).filter(|year| (1990..2100).contains(year))?;
            let (month, day) = (month.parse().ok()?, day.parse().ok()?);
            Date::new(year, month, day).ok()
        };
        match run.len() {
            8 | 10 | 12 | 14 => {
                let (year, rest) = run.split_at(4);
                let whole = day(year, rest.get(..2).unwrap_or_default(), rest.get(2..4).unwrap_or_default());
                let since_1970 = || {
                    let seconds = run.parse().ok().filter(|_| run.len() == 10)?;
                    let day = Timestamp::from_second(seconds).ok()?.to_zoned(TimeZone::UTC).date();
                    (day > date(2001, 9, 1)).then_some(day)
                };
                found.extend(whole.or_else(since_1970).map(Some));
            }
            4 | 2 => {
                let (Some((second, Some(first_sep))), Some((third, Some(sep)))) =
                    (runs.get(nth + 1), runs.get(nth + 2))
                else {
                    continue;
                };
                if !sep_fits(*first_sep) || !sep_fits(*sep) || second.len() != 2 {
                    continue;
                }
                if run.len() == 4 && third.len() == 2 {
                    found.extend(day(run, second, third).map(Some));
                } else if run.len() == 2 && third.len() == 4 {
                    let either = day(third, second, run).or_else(|| day(third, run, second));
                    found.extend(either.map(|_| None));
                }
            }
            _ => {}
        }
    }
    found
}

fn sep_fits(sep: char) -> bool {
    matches!(sep, '-' | '_' | '.' | '/')
}

/// Returns the runs of digits, each with what stands between it and the run before, where that is a single character.
fn digits(text: &str) -> Vec<(&str, Option<char>)> {
    let mut runs = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(begin);
        let end = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        let mut between = before.chars();
        let sep = match (between.next(), between.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        };
        runs.push((run, sep));
        rest = after;
    }
    runs
}

/// Says whether a name, without its endings, is the time of a day: `02`, `0200`, `02-00`, `T020000Z`, `02h00`.
fn is_time(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let plain: String =
        stem.chars().filter(|c| !matches!(c, 'T' | 'Z' | 'h' | 'm' | 's' | '-' | '_' | ':')).collect();
    let pair = |at: usize, limit: u8| {
        plain.get(at..at + 2).is_none_or(|pair| pair.parse::<u8>().is_ok_and(|value| value < limit))
    };
    matches!(plain.len(), 2 | 4 | 6)
        && plain.bytes().all(|b| b.is_ascii_digit())
        && pair(0, 24)
        && pair(2, 60)
        && pair(4, 60)
}
