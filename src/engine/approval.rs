//! The second person: a signature by SSH key under the hash of the plan, with a moment at which it ends.
//!
//! `ssh-keygen -Y sign -n lifeboat` makes one, with a key in a file, an agent or a security key; this verifies it without
//! any other program, so that it works offline and cannot be talked out of it by the path.

use crate::domain::Text;
use crate::runbook::event::Approval;
use crate::runbook::plan::PlanHash;
use jiff::Timestamp;
use ssh_key::{HashAlg, PublicKey, SshSig};

/// The namespace of the signatures: one that was made for another purpose does not count.
pub const NAMESPACE: &str = "lifeboat";

/// The longest that an approval counts.
pub const LONGEST: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// Those who may approve: their names in the estate, and their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approvers(pub Vec<(Text, Text)>);

/// Why an approval does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotApproved {
    /// The estate does not name the approver.
    #[error("the estate names no approver `{0}`")]
    Stranger(Text),
    /// Who asks cannot also approve.
    #[error("{0} asks for it, and somebody else has to approve")]
    Requester(Text),
    /// The key in the estate is no key.
    #[error("the key of {0} in the estate cannot be read: {1}")]
    Key(Text, String),
    /// It has ended.
    #[error("the approval ended at {0}")]
    Expired(Timestamp),
    /// It would count for longer than any may.
    #[error("the approval would count until {0}, and none counts for longer than 24 h")]
    TooLong(Timestamp),
    /// The signature is not one under this plan and this end by this key.
    #[error("the signature does not fit this plan, this end and the key of {0}")]
    Signature(Text),
}

/// Returns the bytes that are signed.
pub fn message(plan: &PlanHash, expires: Timestamp) -> String {
    format!("lifeboat approval\nplan {plan}\nexpires {}\n", expires.strftime("%Y-%m-%dT%H:%M:%SZ"))
}

/// Returns the fingerprint of the key that has signed.
///
/// # Errors
/// Why the approval does not count.
pub fn verify(
    approval: &Approval,
    plan: &PlanHash,
    requester: &str,
    approvers: &Approvers,
    now: Timestamp,
) -> Result<Text, NotApproved> {
    let name = &approval.approver;
    if name.as_str().eq_ignore_ascii_case(requester) {
        return Err(NotApproved::Requester(name.clone()));
    }
    let known = approvers.0.iter().find(|(known, _)| known == name);
    let (_, key) = known.ok_or_else(|| NotApproved::Stranger(name.clone()))?;
    if approval.expires <= now {
        return Err(NotApproved::Expired(approval.expires));
    }
    if crate::domain::duration::elapsed(now, approval.expires) > LONGEST {
        return Err(NotApproved::TooLong(approval.expires));
    }
    let bad = |error: ssh_key::Error| NotApproved::Key(name.clone(), error.to_string());
    let key = PublicKey::from_openssh(key.as_str()).map_err(bad)?;
    let wrong = |_| NotApproved::Signature(name.clone());
    let signature = SshSig::from_pem(approval.signature.as_bytes()).map_err(wrong)?;
    key.verify(NAMESPACE, message(plan, approval.expires).as_bytes(), &signature).map_err(wrong)?;
    Ok(Text::new(&key.fingerprint(HashAlg::Sha256).to_string()))
}
