//! Files of checksums, as coreutils and BSD write them.

use super::name;
use std::collections::BTreeMap;
use std::fmt;

/// How a checksum is made, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// MD5: finds damage, not malice.
    Md5,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// Returns the name used in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn of_length(hex: usize) -> Option<Self> {
        match hex {
            32 => Some(Self::Md5),
            64 => Some(Self::Sha256),
            128 => Some(Self::Sha512),
            _ => None,
        }
    }
}

/// What a file must hash to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Checksum {
    /// By which algorithm.
    pub algorithm: Algorithm,
    /// The digest, in lower-case hexadecimal digits.
    pub hex: String,
}

/// Why a file of checksums cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// This line is none of the forms that are known; the first is 1.
    Line(usize),
    /// It is made by an algorithm that is not known here.
    Algorithm,
    /// It says two things of this file.
    Twice(String),
    /// Nothing is in it.
    Empty,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line} is not a checksum"),
            Self::Algorithm => f.write_str("its checksums are neither SHA-256, SHA-512 nor MD5"),
            Self::Twice(name) => write!(f, "it has two checksums of {name}"),
            Self::Empty => f.write_str("there is no checksum in it"),
        }
    }
}

/// Returns what the files must hash to that the file of checksums `file_name` lists, by their names relative to where
/// `file_name` is relative to.
///
/// Known are the forms of coreutils (`HEX  NAME`, `HEX *NAME`, `\` before a name with escapes), of BSD
/// (`SHA256 (NAME) = HEX`), and a digest alone. A file `X.sha256` with a single digest in it is about `X`, whatever name
/// it has: it was often made before the dump got its last name. Of absolute names only the last part counts; names that
/// lead out of the folder are passed over.
///
/// # Errors
/// A file that is understood in part only is not used at all.
pub fn parse_checksums(text: &str, file_name: &str) -> Result<BTreeMap<String, Checksum>, Unreadable> {
    if name::is_unknown_algorithm(file_name) {
        return Err(Unreadable::Algorithm);
    }
    let target = name::sidecar_of(file_name);
    let mut listed: Vec<(Option<String>, Checksum)> = Vec::new();
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    for (nth, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = || Unreadable::Line(nth + 1);
        let (hex, name) = bsd(line).or_else(|| coreutils(line)).ok_or_else(wrong)?;
        let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || (name.is_none() && target.is_none()) {
            return Err(wrong());
        }
        let algorithm = Algorithm::of_length(hex.len()).ok_or(match hex.len() {
            40 | 56 | 96 => Unreadable::Algorithm,
            _ => wrong(),
        })?;
        if name::algorithm_of(file_name).is_some_and(|said| said != algorithm) {
            return Err(wrong());
        }
        listed.push((name, Checksum { algorithm, hex: hex.to_ascii_lowercase() }));
    }
    if let (Some(target), [(_, checksum)]) = (target, listed.as_slice()) {
        return Ok(BTreeMap::from([(target.to_owned(), checksum.clone())]));
    }
    let folder = file_name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut all: BTreeMap<String, Checksum> = BTreeMap::new();
    let mut seen = false;
    for (name, checksum) in listed {
        seen = true;
        let path = match &name {
            Some(name) => match relative(name) {
                Some(name) if folder.is_empty() => name,
                Some(name) => format!("{folder}/{name}"),
                None => continue,
            },
            None => target.unwrap_or_default().to_owned(),
        };
        // Of several algorithms the strongest counts.
        match all.get(&path) {
            Some(known) if known.algorithm == checksum.algorithm && *known != checksum => {
                return Err(Unreadable::Twice(path));
            }
            Some(known) if known.algorithm >= checksum.algorithm => {}
            _ => {
                all.insert(path, checksum);
            }
        }
    }
    if seen { Ok(all) } else { Err(Unreadable::Empty) }
}

/// Reads `SHA256 (NAME) = HEX`.
fn bsd(line: &str) -> Option<(&str, Option<String>)> {
    let (algorithm, rest) = line.split_once(" (")?;
    let (name, hex) = rest.rsplit_once(") = ")?;
    let is_word = !algorithm.is_empty() && algorithm.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_word.then(|| (hex.trim(), Some(name.to_owned())))
}

/// Reads `HEX  NAME`, `HEX *NAME`, `\HEX  NAME` and `HEX`.
fn coreutils(line: &str) -> Option<(&str, Option<String>)> {
    let escaped = line.starts_with('\\');
    let line = line.strip_prefix('\\').unwrap_or(line);
    let Some(end) = line.find([' ', '\t']) else { return Some((line, None)) };
    let (hex, rest) = line.split_at_checked(end)?;
    let name =
        rest.strip_prefix("  ").or_else(|| rest.strip_prefix(" *")).unwrap_or_else(|| rest.trim_start());
    if name.is_empty() || name == "-" {
        return Some((hex, None));
    }
    Some((hex, Some(if escaped { unescaped(name)? } else { name.to_owned() })))
}

fn unescaped(name: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            c => c,
        });
    }
    Some(out)
}

/// Returns a name below the folder of the list, if it is one.
fn relative(name: &str) -> Option<String> {
    if name.starts_with('/') {
        return name.rsplit('/').next().filter(|last| !last.is_empty()).map(str::to_owned);
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    (!parts.is_empty() && !parts.contains(&"..")).then(|| parts.join("/"))
}
