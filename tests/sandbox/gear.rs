//! A world of its own for a test, and calls to it.

use crate::support::run::START;
use lifeboat::authority::{ArmedCall, CallId, Direction, Session};
use lifeboat::config;
use lifeboat::domain::action::ActionClass;
use lifeboat::domain::condition::Condition;
use lifeboat::domain::estate::{EnvironmentClass, Estate, Provider};
use lifeboat::domain::place::Place;
use lifeboat::domain::recovery_point::RecoveryPoint;
use lifeboat::provider::port::{Ask, CallTrouble, Deaf};
use lifeboat::provider::sandbox::{DEMO_ESTATE, FaultSpec, Opening, SandboxAdapter, WorldFile};
use lifeboat::runbook::call::Call;
use lifeboat::runbook::consent::{Consent, Strength};
use lifeboat::runbook::dedupe::Dedupe;
use lifeboat::runbook::plan::{PlanHash, PlannedCall, PlannedStep};
use serde_json::Value;
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tempfile::TempDir;

/// The account of production.
pub(super) const ACCOUNT: &str = "417263985012";

/// A world that stands still until it is moved on.
pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) adapter: SandboxAdapter,
    pub(super) estate: Estate,
    scenario: String,
}

/// Returns what a future has at once; `None` where it waits.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Returns the home of production.
pub(super) fn home() -> Place {
    Place::new(ACCOUNT, "us-east-2")
}

/// Returns a call to production.
pub(super) fn call(operation: &str) -> Call {
    Call::new(operation, &"production".into(), &home())
}

/// Returns an armed call: the first of its step.
pub(crate) fn armed(call: Call, step: &str, attempt: u32) -> ArmedCall {
    let planned = PlannedCall {
        call: call.clone(),
        says: "test".into(),
        class: ActionClass::Mutating,
        dedupe: Dedupe::SetState,
    };
    let step = PlannedStep {
        uses: "test".into(),
        class: ActionClass::Mutating,
        dedupe: Dedupe::SetState,
        calls: vec![planned],
        ..PlannedStep::join(step, "test")
    };
    let id = CallId {
        run: "run-test".into(),
        step: step.id.clone(),
        direction: Direction::Forward,
        attempt,
        index: 0,
    };
    let plan = PlanHash::parse(&"a1".repeat(32)).expect("a hash");
    let consent = Consent { plan: plan.clone(), strength: Strength::TypedAndSigned };
    let session = Session::read_only().elevate("test").map_err(|(_, why)| why).expect("it may act");
    session
        .arm(&plan, EnvironmentClass::NonProduction, step, Direction::Forward, &consent)
        .expect("it is agreed to")
        .call(id, call)
        .expect("it stands in the plan")
}

impl World {
    /// Returns a world of the demo estate in a scenario.
    pub(super) fn new(scenario: &str) -> Self {
        let mut estate = config::load_text(DEMO_ESTATE).expect("the demo estate loads").estate;
        for environment in &mut estate.environments {
            environment.provider = Provider::Sandbox { scenario: scenario.into(), seed: 1 };
        }
        let folder = tempfile::tempdir().expect("a folder can be made");
        let adapter = open(&folder, &estate, scenario);
        Self { folder, adapter, estate, scenario: scenario.to_owned() }
    }

    /// Opens the same world again, as another process would.
    pub(super) fn again(&self) -> SandboxAdapter {
        open(&self.folder, &self.estate, &self.scenario)
    }

    /// Returns the file of what was done.
    pub(super) fn log(&self) -> PathBuf {
        let mut entries = std::fs::read_dir(self.folder.path()).expect("the folder can be read");
        let is_log = |path: &PathBuf| path.to_string_lossy().ends_with("-acts.jsonl");
        let mut paths = entries.by_ref().map(|entry| entry.expect("an entry can be read").path());
        paths.find(is_log).expect("there is a log")
    }

    /// Moves the clock on.
    pub(super) fn advance(&self, seconds: u64) {
        self.adapter.file().advance(Duration::from_secs(seconds)).expect("the clock can be moved");
    }

    /// Lets something go wrong.
    pub(super) fn fault(&self, spec: FaultSpec) {
        self.adapter.file().fault(spec).expect("a fault can be set");
    }

    /// Returns the answer to a call that reads.
    pub(super) fn look(&self, call: &Call) -> Result<Value, CallTrouble> {
        at_once(self.adapter.looking().look(call)).expect("there is an answer").map(|reply| reply.body)
    }

    /// Returns the answer to a call that acts.
    pub(super) fn act(&self, call: Call) -> Result<Value, CallTrouble> {
        let act = self.adapter.acting();
        at_once(act.act(armed(call, "step", 1))).expect("there is an answer").map(|reply| reply.body)
    }

    /// Returns the code with which a call that acts is refused.
    pub(super) fn refusal(&self, call: Call) -> String {
        code(self.act(call))
    }

    /// Returns the operations that were carried out.
    pub(super) fn effects(&self) -> Vec<String> {
        let world = self.adapter.file().current();
        world.effects().iter().map(|effect| effect.operation.to_string()).collect()
    }

    /// Returns how a component is.
    pub(super) fn condition(&self, id: &str) -> Condition {
        let component = self.estate.component(&id.into()).expect("the estate has it");
        let observers = self.adapter.clone().observers();
        let ask = Ask { component, place: &component.home, news: &Deaf };
        let answer = at_once(observers.conditions.condition(ask)).expect("there is an answer");
        answer.outcome.expect("it can be read")
    }

    /// Returns its time.
    pub(super) fn now(&self) -> jiff::Timestamp {
        self.adapter.file().current().clock.virtual_time
    }

    /// Returns the points of a component at home.
    pub(super) fn points(&self, id: &str) -> Vec<RecoveryPoint> {
        let component = self.estate.component(&id.into()).expect("the estate has it");
        self.points_at(id, &component.home)
    }

    /// Returns the points of a component at a place.
    pub(super) fn points_at(&self, id: &str, place: &Place) -> Vec<RecoveryPoint> {
        let component = self.estate.component(&id.into()).expect("the estate has it");
        let observers = self.adapter.clone().observers();
        let ask = Ask { component, place, news: &Deaf };
        let answer = at_once(observers.points.points(ask)).expect("there is an answer");
        answer.outcome.expect("they can be read")
    }
}

/// Returns the code of a refusal.
pub(super) fn code(outcome: Result<Value, CallTrouble>) -> String {
    match outcome {
        Err(trouble) => trouble.code().map_or_else(|| trouble.to_string(), str::to_owned),
        Ok(body) => panic!("it was not refused: {body}"),
    }
}

fn open(folder: &TempDir, estate: &Estate, scenario: &str) -> SandboxAdapter {
    let opening = Opening { speed: Some(0.0), start: Some(START.parse().expect("a moment")), fresh: false };
    let (file, _) = WorldFile::open(folder.path(), estate, scenario, 1, opening).expect("a world is made");
    SandboxAdapter::new(file)
}
