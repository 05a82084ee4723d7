//! Data Lifecycle Manager: the policies that make snapshots, and whether they still do.

use super::fault::Fault;
use super::operation::{GET_LIFECYCLE_POLICIES, GET_LIFECYCLE_POLICY};
use super::reader::Reader;
use crate::domain::Text;
use crate::domain::condition::Incident;
use aws_sdk_dlm::types::{GettablePolicyStateValues, LifecyclePolicy, LifecyclePolicySummary};
use jiff::Timestamp;
use std::sync::Arc;

/// One policy.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    id: String,
    description: String,
    state: GettablePolicyStateValues,
    targets: Vec<(String, String)>,
}

impl Policy {
    fn of(policy: &LifecyclePolicy) -> Option<Self> {
        let targets = policy.policy_details().map_or([].as_slice(), |details| details.target_tags());
        Some(Self {
            id: policy.policy_id()?.to_owned(),
            description: policy.description().unwrap_or_default().to_owned(),
            state: policy.state()?.clone(),
            targets: targets
                .iter()
                .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned())))
                .collect(),
        })
    }

    /// Says whether a resource with these tags is one of its targets.
    pub(super) fn applies_to(&self, tags: &[(String, String)]) -> bool {
        self.targets.iter().any(|target| tags.contains(target))
    }

    /// Returns it as a setting.
    pub(super) fn shown(&self) -> String {
        format!("{} {} ({})", self.id, self.state.as_str(), self.description)
    }

    /// Returns what is wrong with it.
    pub(super) fn incident(&self, now: Timestamp) -> Option<Incident> {
        let what = match self.state {
            GettablePolicyStateValues::Enabled => return None,
            GettablePolicyStateValues::Error => "is in error and makes no snapshots",
            _ => "is switched off and makes no snapshots",
        };
        let says = format!("lifecycle policy {} {what}", self.id);
        Some(Incident { code: "lifecycle-policy".into(), at: now, says: Text::new(&says) })
    }
}

/// Reads the policies of a Region with their targets, which a list of them does not tell; once for all who ask.
///
/// # Errors
/// When they cannot be read.
pub(super) async fn policies(reader: &Reader<'_>) -> Result<Arc<Vec<Policy>>, Fault> {
    let list = || async {
        let dlm = reader.site.dlm();
        let answer = reader.call(&GET_LIFECYCLE_POLICIES, || dlm.get_lifecycle_policies().send()).await?;
        let mut all = Vec::new();
        for id in answer.policies().iter().filter_map(LifecyclePolicySummary::policy_id) {
            let send = || dlm.get_lifecycle_policy().policy_id(id).send();
            let answer = reader.call(&GET_LIFECYCLE_POLICY, send).await?;
            all.extend(answer.policy().and_then(Policy::of));
        }
        Ok(all)
    };
    reader.shared("dlm policies", list).await
}
