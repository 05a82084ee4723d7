//! What is wrong with a state, as Terraform would find it, and what it would do.

use super::{StateForm, StateHistory};
use crate::domain::Text;

/// What is wrong with a state as Terraform would find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateTrouble {
    /// Absent or empty, and no digest row to stop it: the next apply would rebuild everything (T4, T10).
    WouldRebuildEverything,
    /// The bytes are not a state.
    Unreadable(StateForm),
    /// The digest row differs from the bytes, so Terraform refuses to read it (T4).
    DigestMismatch {
        /// The row's MD5.
        row: Text,
        /// The MD5 of the bytes.
        bytes: Text,
    },
    /// The object is gone and its digest row is not: Terraform refuses until the row is removed (T4).
    DigestDangling,
    /// The newest two readable versions have different lineages: one of them belongs elsewhere (T9).
    LineageChanged,
    /// The newest readable version has a lower serial than the one before it (T9).
    SerialWentBack {
        /// The serial before.
        from: u64,
        /// The serial now.
        to: u64,
    },
    /// Two versions have the same serial and different content (T9).
    SerialUsedTwice(u64),
}

impl StateTrouble {
    /// Returns one sentence that says what it means.
    pub fn says(&self) -> String {
        match self {
            Self::WouldRebuildEverything => {
                "Terraform would rebuild everything: there is no state, and no digest row to \
                 stop it; do not let anybody apply before it is put back"
                    .to_owned()
            }
            Self::Unreadable(form) => format!("the newest version of the state is {}", form.words()),
            Self::DigestMismatch { row, bytes } => format!(
                "the digest row differs from the state's bytes, so Terraform refuses to read it: the row says {row}, \
                 the bytes are {bytes}"
            ),
            Self::DigestDangling => {
                "the state is deleted and its digest row is not, so Terraform refuses to read it; put \
                 the state back before anybody removes the row"
                    .to_owned()
            }
            Self::LineageChanged => {
                "the newest version has another lineage than the one before it: it may be another state"
                    .to_owned()
            }
            Self::SerialWentBack { from, to } => format!(
                "the serial went back from {from} to {to}: an older version was copied over the newest one"
            ),
            Self::SerialUsedTwice(serial) => {
                format!(
                    "two versions have the serial {serial} and different content: somebody forced one of them"
                )
            }
        }
    }
}

impl StateHistory {
    /// Returns what Terraform would stumble over, the worst only.
    pub fn trouble(&self) -> Option<StateTrouble> {
        self.troubles().into_iter().next()
    }

    /// Returns everything that is wrong with it, the worst first.
    pub fn troubles(&self) -> Vec<StateTrouble> {
        let mut all: Vec<_> = self.stumble().into_iter().collect();
        let mut readable = self.versions.iter().filter(|version| version.form.can_be_restored());
        if let (Some(newest), Some(before)) = (readable.next(), readable.next()) {
            if newest.lineage != before.lineage {
                all.push(StateTrouble::LineageChanged);
            } else if let (Some(to), Some(from)) = (newest.serial, before.serial) {
                if to < from {
                    all.push(StateTrouble::SerialWentBack { from, to });
                } else if to == from && newest.md5 != before.md5 {
                    all.push(StateTrouble::SerialUsedTwice(to));
                }
            }
        }
        all
    }

    fn stumble(&self) -> Option<StateTrouble> {
        let guard = self.digest.guard();
        let guarded = guard.is_some();
        let Some(current) = self.current() else {
            return Some(if guarded {
                StateTrouble::DigestDangling
            } else {
                StateTrouble::WouldRebuildEverything
            });
        };
        match current.form {
            StateForm::Empty | StateForm::DeleteMarker if !guarded => {
                return Some(StateTrouble::WouldRebuildEverything);
            }
            StateForm::DeleteMarker => return Some(StateTrouble::DigestDangling),
            StateForm::Truncated | StateForm::Foreign => {
                return Some(StateTrouble::Unreadable(current.form));
            }
            _ => {}
        }
        match (guard, &current.md5) {
            // Of no bytes Terraform makes no digest, so no row fits them.
            (Some(row), Some(bytes)) if row != bytes.as_str() || current.form == StateForm::Empty => {
                Some(StateTrouble::DigestMismatch { row: Text::new(&row), bytes: bytes.clone() })
            }
            _ => None,
        }
    }
}
