//! What the bytes of a state say of themselves, without keeping what stands in it.

use super::{StateForm, StateVersion};
use crate::domain::Text;
use md5::{Digest, Md5};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The part of a state that is not about resources. OpenTofu leaves serial and lineage in clear when it encrypts (T11).
#[derive(Debug, Deserialize)]
struct Head {
    version: Option<u64>,
    serial: Option<u64>,
    lineage: Option<String>,
    terraform_version: Option<String>,
    resources: Option<Vec<Resource>>,
    encrypted_data: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct Resource {
    mode: Option<String>,
    instances: Option<Vec<IgnoredAny>>,
}

/// Fills in what `bytes` say of a version: its form, serial, lineage, Terraform version, resources and MD5 (T5).
pub fn read(version: &mut StateVersion, bytes: &[u8]) {
    version.size_bytes = bytes.len() as u64;
    version.md5 = Some(Text::new(&hex(bytes)));
    if bytes.is_empty() {
        version.form = StateForm::Empty;
        return;
    }
    let head: Head = match serde_json::from_slice(bytes) {
        Ok(head) => head,
        Err(error) => {
            version.form = if error.is_eof() { StateForm::Truncated } else { StateForm::Foreign };
            return;
        }
    };
    // What Terraform 1.11 reads: it goes by the number alone, and takes a state without serial or lineage.
    version.form = match (&head.encrypted_data, head.version) {
        (Some(_), _) if head.lineage.is_some() => StateForm::Encrypted,
        (None, Some(1..=4)) => StateForm::Whole,
        _ => StateForm::Foreign,
    };
    if version.form == StateForm::Foreign {
        return;
    }
    version.serial = head.serial;
    version.lineage = head.lineage.filter(|lineage| !lineage.is_empty()).map(Text::from);
    version.terraform_version = head.terraform_version.map(Text::from);
    version.resources = head.resources.map(|resources| {
        let managed = resources.iter().filter(|resource| resource.mode.as_deref() != Some("data"));
        managed.map(|resource| resource.instances.as_ref().map_or(0, Vec::len) as u64).sum()
    });
}

/// Returns the MD5 of `bytes` in lower-case hex, as a digest row has it (T3).
pub fn hex(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn form(bytes: &[u8]) -> StateVersion {
        let mut version = StateVersion::unread("v", Timestamp::UNIX_EPOCH, 0);
        read(&mut version, bytes);
        version
    }

    const WHOLE: &str = r#"{"version":4,"terraform_version":"1.11.4","serial":7,"lineage":"l","outputs":{},"resources":[
        {"mode":"managed","type":"a","name":"b","instances":[{},{}]},{"mode":"data","instances":[{}]}]}"#;

    #[test]
    fn a_state_says_its_serial_lineage_and_resources() {
        let version = form(WHOLE.as_bytes());
        assert_eq!(version.form, StateForm::Whole);
        assert_eq!((version.serial, version.resources), (Some(7), Some(2)));
        assert_eq!(version.lineage, Some("l".into()));
        let sealed = form(br#"{"version":4,"serial":3,"lineage":"l","meta":{},"encrypted_data":"x","encryption_version":"v0"}"#);
        assert_eq!((sealed.form, sealed.serial), (StateForm::Encrypted, Some(3)));
    }

    #[test]
    fn what_is_cut_off_empty_or_something_else_is_told_apart() {
        let cut = form(WHOLE.as_bytes().get(..90).unwrap_or_default());
        assert_eq!(cut.form, StateForm::Truncated);
        assert_eq!(form(b"").form, StateForm::Empty);
        assert_eq!(form(b"").md5, Some("d41d8cd98f00b204e9800998ecf8427e".into()));
        for foreign in [&b"not json"[..], b"{\"name\":\"x\"}", b"[]", b"\xff\xfe", b"{} {}"] {
            assert_eq!(form(foreign).form, StateForm::Foreign, "{foreign:?}");
        }
    }
}
