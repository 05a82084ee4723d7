//! A batch that may leave: the requests of the keys that its part of the manifest names, and no others.

use super::armed::{ArmedCall, CallId, NotAgreed};
use crate::runbook::call::{Call, hex};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// A call that was agreed to for many keys. It sends nothing itself; it arms the requests of keys whose lines it names.
#[must_use = "an armed batch does nothing until its requests are made"]
#[derive(Debug)]
pub struct ArmedBatch {
    id: CallId,
    call: Call,
    slices: BTreeSet<String>,
}

/// Keys whose lines are those that were agreed to.
#[derive(Debug)]
pub struct ArmedKeys<'a> {
    batch: &'a ArmedBatch,
    keys: BTreeSet<String>,
}

impl ArmedBatch {
    /// Returns the batch of `armed`, which names the parts of its manifest by these hashes.
    ///
    /// # Errors
    /// When it names others.
    pub fn of(armed: ArmedCall, slices: Vec<String>) -> Result<Self, NotAgreed> {
        let id = armed.id().clone();
        let call = armed.into_call();
        let named = call.text("Sha256").unwrap_or_default();
        let one = matches!(slices.as_slice(), [slice] if slice == named);
        let mut all = Sha256::new();
        for slice in &slices {
            all.update(slice.as_bytes());
            all.update(b"\n");
        }
        if named.is_empty() || !(one || hex(&all.finalize()) == named) {
            return Err(NotAgreed::new("a batch of other keys"));
        }
        Ok(Self { id, call, slices: slices.into_iter().collect() })
    }

    /// Returns the call that was agreed to.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Takes the lines of a part of the manifest, each an object with its `key`.
    ///
    /// # Errors
    /// When they are not those that were agreed to.
    pub fn keys(&self, lines: &[u8]) -> Result<ArmedKeys<'_>, NotAgreed> {
        let other = || NotAgreed::new("a part of another manifest");
        if !self.slices.contains(&hex(&Sha256::digest(lines))) {
            return Err(other());
        }
        let key = |line: &[u8]| {
            let line: Value = serde_json::from_slice(line).ok()?;
            line.get("key")?.as_str().map(str::to_owned)
        };
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let keys: Option<BTreeSet<String>> = lines.map(key).collect();
        Ok(ArmedKeys { batch: self, keys: keys.ok_or_else(other)? })
    }
}

impl ArmedKeys<'_> {
    /// Arms one request of a key: in the place and the bucket of its batch, by an operation that the batch names.
    ///
    /// # Errors
    /// When the batch does not name it.
    pub fn request(&self, call: Call) -> Result<ArmedCall, NotAgreed> {
        let agreed = &self.batch.call;
        let operations = agreed.arguments.get("Operations").and_then(Value::as_array);
        let named = operations.is_some_and(|all| all.iter().any(|one| *one == *call.operation))
            && agreed.place == call.place
            && agreed.environment == call.environment
            && agreed.text("Bucket").is_some_and(|bucket| call.text("Bucket") == Some(bucket))
            && call.text("Key").is_some_and(|key| self.keys.contains(key));
        if named {
            Ok(ArmedCall::new(self.batch.id.clone(), call))
        } else {
            Err(NotAgreed::new(&call.operation))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::{Direction, Session};
    use crate::domain::estate::EnvironmentClass;
    use crate::runbook::consent::{Consent, Strength};
    use crate::runbook::plan::PlanHash;
    use crate::runbook::plan::fixtures::step;
    use serde_json::json;

    const LINES: &[u8] = b"{\"key\":\"a\"}\n{\"key\":\"b\"}\n";

    fn armed(sha256: &str) -> ArmedCall {
        let mut step = step("put-back", "batch:Keys");
        let call = step.calls[0].call.clone();
        let call =
            call.with("Bucket", "own").with("Sha256", sha256).with("Operations", json!(["s3:CopyObject"]));
        step.calls[0].call = call.clone();
        let id = CallId {
            run: "r".into(),
            step: step.id.clone(),
            direction: Direction::Forward,
            attempt: 1,
            index: 0,
        };
        let plan = PlanHash::of(b"a plan");
        let consent = Consent { plan: plan.clone(), strength: Strength::Typed };
        let session = Session::read_only().elevate("a test").map_err(|(_, why)| why).unwrap();
        let class = EnvironmentClass::NonProduction;
        session.arm(&plan, class, step, Direction::Forward, &consent).unwrap().call(id, call).unwrap()
    }

    fn hash() -> String {
        hex(&Sha256::digest(LINES))
    }

    #[test]
    fn a_batch_is_of_the_lines_that_were_agreed_to_and_no_others() {
        assert!(ArmedBatch::of(armed(&hash()), vec!["0".repeat(64)]).is_err());
        assert!(ArmedBatch::of(armed(""), vec![String::new()]).is_err());
        let batch = ArmedBatch::of(armed(&hash()), vec![hash()]).unwrap();
        assert!(batch.keys(LINES).is_ok());
        assert!(batch.keys(b"{\"key\":\"c\"}\n").is_err());
        let both = [hash(), "1".repeat(64)];
        let all = hex(&Sha256::digest(format!("{}\n{}\n", both[0], both[1]).as_bytes()));
        assert!(ArmedBatch::of(armed(&all), both.to_vec()).is_ok());
        assert!(ArmedBatch::of(armed(&all), vec![both[1].clone(), both[0].clone()]).is_err());
    }

    #[test]
    fn a_batch_arms_only_requests_of_its_keys_in_its_bucket_by_its_operations() {
        let batch = ArmedBatch::of(armed(&hash()), vec![hash()]).unwrap();
        let keys = batch.keys(LINES).unwrap();
        let like = batch.call();
        let call = |operation: &str, bucket: &str, key: &str| {
            Call::new(operation, &like.environment, &like.place).with("Bucket", bucket).with("Key", key)
        };
        assert!(keys.request(call("s3:CopyObject", "own", "b")).is_ok());
        for other in [
            call("s3:DeleteObject", "own", "b"),
            call("s3:CopyObject", "other", "b"),
            call("s3:CopyObject", "own", "c"),
            Call::new("s3:CopyObject", &"production-2".into(), &like.place)
                .with("Bucket", "own")
                .with("Key", "b"),
        ] {
            assert!(keys.request(other.clone()).is_err(), "{other:?}");
        }
        let elsewhere = crate::domain::place::Place::new("123456789012", "eu-west-1");
        let call =
            Call::new("s3:CopyObject", &like.environment, &elsewhere).with("Bucket", "own").with("Key", "b");
        assert!(keys.request(call).is_err());
    }
}
