//! An account in the AWS test server, and lifeboat reading it: by its library, with a login of the account.

use super::gear::Gear;
use super::root;
use jiff::Timestamp;
use lifeboat::collector::{Collector, Snapshot};
use lifeboat::config;
use lifeboat::domain::estate::{Estate, Purpose};
use lifeboat::domain::readiness::{Assessment, Assessments, Moment, assess};
use lifeboat::domain::reading::Readings;
use lifeboat::domain::recovery_point::RecoveryPoint;
use lifeboat::domain::scope::FailureScope;
use lifeboat::provider::aws::{AwsAdapter, Connections, KeptSession};
use lifeboat::provider::clock::SystemClock;
use lifeboat::provider::port::Clock;
use serde_json::{Value, json};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The Region in which the components of an account live.
pub(crate) const HOME: &str = "us-east-2";
/// Where they recover to.
pub(crate) const DR: &str = "us-west-2";
/// The name of the only environment.
const ENVIRONMENT: &str = "production";

/// An account of its own in a server.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    pub(crate) gear: &'a Gear,
    pub(crate) number: String,
    logins: TempDir,
}

impl Account<'static> {
    /// Returns an account in the server that tests share.
    pub(crate) fn shared() -> Self {
        Self::of(Gear::shared())
    }
}

impl<'a> Account<'a> {
    /// Returns an account in a server.
    pub(crate) fn of(gear: &'a Gear) -> Self {
        let number = Gear::new_account();
        let logins = tempfile::tempdir().expect("a folder can be made");
        let account = Self { gear, number, logins };
        account.keep(Purpose::Observe, &format!("AKIAGEAR{}", account.number));
        account
    }

    /// Keeps a session of eight hours, as `login` does.
    pub(crate) fn keep(&self, purpose: Purpose, key: &str) {
        let session = KeptSession {
            access_key_id: key.to_owned(),
            secret_access_key: "x".to_owned(),
            session_token: "x".to_owned(),
            expires_at: in_seconds(8 * 3600),
        };
        let path = KeptSession::path(self.logins.path(), ENVIRONMENT, purpose);
        std::fs::write(path, serde_json::to_vec(&session).expect("a session is JSON")).expect("it is kept");
    }

    /// Returns the text of an estate with these components, which begin in the first column.
    pub(crate) fn estate_text(&self, components: &str) -> String {
        self.estate_at(components, &self.gear.url())
    }

    /// The same, called at another address than the server's.
    pub(crate) fn estate_at(&self, components: &str, url: &str) -> String {
        let components: String = components.lines().map(|line| format!("  {line}\n")).collect();
        format!(
            "version: 1\nestate: gear\nenvironments:\n  {ENVIRONMENT}:\n    class: production\n    \
             account: \"{}\"\n    account_alias: gear\n    region: {HOME}\n    dr_region: {DR}\n    \
             endpoints: {{ default: \"{url}\" }}\ncomponents:\n{components}",
            self.number
        )
    }

    /// Returns an estate with these components.
    pub(crate) fn estate(&self, components: &str) -> Estate {
        load(&self.estate_text(components))
    }

    /// Returns connections of an estate, logged in to this account.
    pub(crate) fn connections(&self, estate: &Estate) -> Connections {
        let logins = self.logins.path().to_owned();
        Connections::new(estate, Some(logins), Purpose::Observe).expect("connections can be made")
    }

    /// Reads these components once and judges them.
    pub(crate) fn judge(&self, components: &str) -> Judged {
        self.judge_after(components, Readings::default())
    }

    /// The same, where something was read before.
    pub(crate) fn judge_after(&self, components: &str, before: Readings) -> Judged {
        let estate = Arc::new(self.estate(components));
        let adapter = AwsAdapter::new(Arc::new(self.connections(&estate)));
        let observers = [(ENVIRONMENT.into(), adapter.observers())].into();
        let clock = Arc::new(SystemClock);
        let mut collector = Collector::new(estate.clone(), observers, clock, None, before);
        block_on(collector.once(None));
        let snapshot = collector.snapshot();
        let now = SystemClock.now();
        let assessments = assess(&estate, &snapshot.readings, Moment::at(now));
        println!("stub: {}", self.stubbed().join(" "));
        Judged { estate, snapshot, assessments, now }
    }

    /// Posts to the server's control API, for this account.
    pub(crate) fn post(&self, what: &str, mut body: Value) -> Value {
        body["account"] = json!(self.number);
        self.gear.post(what, &body)
    }

    /// Has an operation answered so, in a Region or in all.
    pub(crate) fn stub(&self, service: &str, operation: &str, region: Option<&str>, pages: &[Value]) {
        let mut body = json!({"service": service, "operation": operation, "pages": pages});
        if let Some(region) = region {
            body["region"] = json!(region);
        }
        self.post("stub", body);
    }

    /// Returns the calls of this account that the server has seen.
    pub(crate) fn calls(&self) -> Vec<Value> {
        let calls = self.gear.get(&format!("calls?account={}", self.number));
        calls.as_array().expect("calls are a list").clone()
    }

    /// Names the operations of which at least one answer was not moto's own.
    pub(crate) fn stubbed(&self) -> Vec<String> {
        let calls = self.calls();
        let stubbed = calls.iter().filter(|call| call["stub"] == json!(true));
        let names = stubbed.map(|call| format!("{}:{}", call["service"], call["operation"]).replace('"', ""));
        names.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    /// Runs a program in Python that makes something in this account; it knows what stands in `account.py`.
    pub(crate) fn python(&self, program: &str) -> String {
        let program = format!("from account import *\n{program}");
        self.gear.python(&["-c", &program, &self.gear.port().to_string(), &self.number])
    }
}

/// An estate that was read and judged.
pub(crate) struct Judged {
    pub(crate) estate: Arc<Estate>,
    pub(crate) snapshot: Snapshot,
    pub(crate) assessments: Assessments,
    pub(crate) now: Timestamp,
}

impl Judged {
    /// Returns the judgement of a component.
    pub(crate) fn of(&self, component: &str, scope: FailureScope) -> &Assessment {
        self.assessments.of(&component.into(), scope).expect("it was judged")
    }

    /// Returns every point of a component that was read, wherever it lies.
    pub(crate) fn points(&self, component: &str) -> Vec<RecoveryPoint> {
        use lifeboat::domain::reading::{Capability, Fact};
        let component = self.estate.component(&component.into()).expect("it is in the estate");
        let readings = component
            .sources
            .iter()
            .filter_map(|place| self.snapshot.readings.of(&component.id, place, Capability::Points));
        let facts = readings.filter_map(|reading| reading.held.as_ref());
        let points = facts.filter_map(|held| match &held.fact {
            Fact::Points(points) => Some(points.clone()),
            _ => None,
        });
        points.flatten().collect()
    }
}

/// Returns readings as if each had been taken so much earlier, and with it all that it knows of movement.
pub(crate) fn earlier_by(readings: &Readings, by: Duration) -> Readings {
    let mut earlier = Readings::default();
    for (key, reading) in readings.iter() {
        let mut reading = reading.as_ref().clone();
        if let Some(held) = &mut reading.held {
            held.read_at -= by;
            held.unmoved_since -= by;
        }
        if let Some(failed) = &mut reading.failed {
            failed.at -= by;
        }
        earlier.put(key.clone(), Arc::new(reading));
    }
    earlier
}

/// Loads the text of an estate.
pub(crate) fn load(text: &str) -> Estate {
    match config::load_text(text) {
        Ok(loaded) => loaded.estate,
        Err(diagnostics) => panic!("the estate does not load: {diagnostics:?}\n{text}"),
    }
}

/// Runs something to its end.
pub(crate) fn block_on<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(what)
}

/// Returns the moment so many seconds before now, to the second.
pub(crate) fn ago(seconds: i64) -> Timestamp {
    in_seconds(-seconds)
}

fn in_seconds(seconds: i64) -> Timestamp {
    Timestamp::from_second(SystemClock.now().as_second() + seconds).expect("a moment of this century")
}

/// Returns seconds as a span.
pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Returns the path of a program of the AWS test server.
pub(crate) fn program(name: &str) -> String {
    root("tests/support/aws").join(name).display().to_string()
}
