//! Whether bytes are those that a checksum tells, and one digest for a whole dump.

use super::{Algorithm, Checksum, Part};
use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

impl Checksum {
    /// Says whether `bytes` hash to it.
    pub fn fits(&self, bytes: &[u8]) -> bool {
        let hex = match self.algorithm {
            Algorithm::Md5 => hex(&Md5::digest(bytes)),
            Algorithm::Sha256 => hex(&Sha256::digest(bytes)),
            Algorithm::Sha512 => hex(&Sha512::digest(bytes)),
        };
        hex == self.hex
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns one digest for parts that were found to fit: copies of one dump that were checked by the same algorithm have
/// the same. `None` where nothing was checked.
pub fn digest(each: &[(&Part, Checksum)]) -> Option<String> {
    let (_, first) = each.first()?;
    if let [(_, only)] = each {
        return Some(format!("{}:{}", only.algorithm.name(), only.hex));
    }
    let mut lines: Vec<String> = { each.iter() }
        .map(|(part, checksum)| format!("{} {}:{}\n", part.name, checksum.algorithm.name(), checksum.hex))
        .collect();
    lines.sort();
    Some(format!("{} of {}:{}", each.len(), first.algorithm.name(), hex(&Sha256::digest(lines.concat()))))
}
