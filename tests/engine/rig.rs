//! A run in a test: a plan made by the real actions, a disk that forgets, a cloud that outlives executors, and persons.

use super::disk::{Dice, SimDisk, SimFolder};
use super::world::{ACCOUNT, Effect, SimTime, TestWorld};
use jiff::Timestamp;
use lifeboat::action::fan_out::{Lines, Manifests};
use lifeboat::action::given::GivenValues;
use lifeboat::action::{PlanAsk, Refusal};
use lifeboat::domain::Text;
use lifeboat::domain::duration::after;
use lifeboat::domain::estate::{
    Access, Component, Environment, EnvironmentClass, Estate, Policy, Provider, Selector,
};
use lifeboat::domain::kind::Kind;
use lifeboat::domain::objective::Objectives;
use lifeboat::domain::place::Place;
use lifeboat::domain::reading::Cadences;
use lifeboat::engine::approval::Approvers;
use lifeboat::engine::executor::{Parts, work};
use lifeboat::engine::fault::{Faults, Killed};
use lifeboat::engine::journal::Halt;
use lifeboat::engine::line::{Actor, Head, Line};
use lifeboat::engine::replay;
use lifeboat::engine::request::Request;
use lifeboat::engine::time::Time;
use lifeboat::provider::port::Look;
use lifeboat::runbook::consent::{Strength, phrase, undo_phrase};
use lifeboat::runbook::definition::RunbookKind;
use lifeboat::runbook::event::{Ask, ConsentGiven, Direction, Event, Rest, Verdict};
use lifeboat::runbook::plan::{Mode, PLAN_FORMAT, Person, Plan, PlanHash, PlannedStep, RunbookRef};
use lifeboat::runbook::state::{Phase, RunState};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The name of every run of these tests.
pub(crate) const RUN: &str = "r-20261121-031207-7f3a";

/// What the tests recover: for each, an action of one way of telling whether it has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Case {
    UniqueName,
    Token,
    Tag,
    Copy,
    Undelete,
    Stop,
    Start,
    Failover,
}

impl Case {
    pub(crate) const ALL: [Self; 8] = [
        Self::UniqueName,
        Self::Token,
        Self::Tag,
        Self::Copy,
        Self::Undelete,
        Self::Stop,
        Self::Start,
        Self::Failover,
    ];

    pub(crate) fn action(self) -> &'static str {
        match self {
            Self::UniqueName => "rds-restore-from-snapshot",
            Self::Token => "ec2-volume-from-snapshot",
            Self::Tag => "ebs-snapshot",
            Self::Copy => "s3-restore-version",
            Self::Undelete => "s3-undelete",
            Self::Stop => "ec2-stop",
            Self::Start => "ec2-start",
            Self::Failover => "rds-failover",
        }
    }

    /// Returns the way by which it is told whether it has happened.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::UniqueName => "unique name",
            Self::Token => "token",
            Self::Tag => "tag",
            Self::Copy | Self::Undelete => "conditional",
            Self::Stop | Self::Start => "set state",
            Self::Failover => "no return",
        }
    }

    pub(crate) fn given(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::UniqueName => &[("component", "orders"), ("snapshot", "orders-snap")],
            Self::Token => &[("snapshot", "snap-1"), ("zone", "us-east-2a")],
            Self::Tag => &[("volume", "vol-1")],
            Self::Copy => &[("bucket", "states"), ("key", "app.tfstate"), ("version", "v1")],
            Self::Undelete => &[("bucket", "states"), ("key", "gone.json")],
            Self::Stop => &[("instance", "i-1")],
            Self::Start => &[("instance", "i-2")],
            Self::Failover => &[("component", "cluster")],
        }
    }

    /// Returns how many calls change something: forward, and to take it back.
    pub(crate) fn changes(self) -> (usize, usize) {
        match self {
            Self::UniqueName => (2, 2),
            Self::Failover => (1, 0),
            _ => (1, 1),
        }
    }
}

/// Returns the place of everything.
pub(crate) fn home() -> Place {
    Place::new(ACCOUNT, "us-east-2")
}

pub(crate) fn environment() -> Environment {
    Environment {
        name: "staging".into(),
        class: EnvironmentClass::NonProduction,
        provider: Provider::Aws,
        account: ACCOUNT.into(),
        account_alias: "acme-staging".into(),
        region: "us-east-2".into(),
        dr_region: None,
        phrase_prefix: None,
        access: Access::default(),
    }
}

pub(crate) fn estate() -> Estate {
    let component = |id: &str, kind: Kind, selector: &str| Component {
        id: id.into(),
        kind,
        environment: "staging".into(),
        home: home(),
        sources: vec![home()],
        declared: Vec::new(),
        deployed: None,
        selector: Some(Selector::Id(selector.into())),
        alarms: Vec::new(),
        objectives: Objectives::default(),
        depends_on: Vec::new(),
        members: Vec::new(),
        retention: Vec::new(),
        cadence: None,
        drill_every: None,
        owner: None,
        proofs: Vec::new(),
        standby: lifeboat::domain::standby::Standby::default(),
    };
    Estate {
        name: "acme".into(),
        environments: vec![environment()],
        components: vec![
            component("orders", Kind::RdsInstance, "orders-db"),
            component("cluster", Kind::RdsCluster, "orders-cluster"),
        ],
        backends: Vec::new(),
        masks_names: false,
        policy: Policy::default(),
        cadences: Cadences::default(),
    }
}

/// No step of these tests is over many keys.
pub(crate) struct NoManifests;

impl Manifests for NoManifests {
    fn begin(&self, step: &str) -> Result<Box<dyn Lines>, Refusal> {
        Err(Refusal::new(format!("step {step} has no manifest")))
    }
}

/// Returns a step that uses an action, planned by it in the world as it is.
pub(crate) async fn step(look: &dyn Look, id: &str, action: &str, given: &[(&str, &str)]) -> PlannedStep {
    let mut planned = plain(id);
    let action = lifeboat::action::named(action).expect("there is such an action");
    let given: BTreeMap<String, Value> =
        given.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    let design = action
        .plan(PlanAsk {
            given: &GivenValues(given.clone()),
            estate: &estate(),
            environment: &environment(),
            run: RUN,
            step: id,
            now: Timestamp::UNIX_EPOCH,
            look,
            settings: &|_| None,
            manifests: &NoManifests,
        })
        .await
        .expect("it can be planned");
    planned.uses = action.about().name.into();
    planned.given = given;
    planned.class = design.class();
    planned.dedupe = action.about().dedupe;
    planned.component = design.component;
    planned.calls = design.calls;
    planned.asks = design.asks;
    planned.preconditions = design.preconditions;
    planned.undo = design.undo;
    planned.facts = design.facts;
    planned
}

/// Returns a step that is there at once: the end of a runbook without steps.
pub(crate) fn plain(id: &str) -> PlannedStep {
    PlannedStep::join(id, id)
}

pub(crate) fn person(user: &str) -> Person {
    Person { user: user.into(), host: "jump-1".into() }
}

/// Returns a plan of these steps.
pub(crate) fn plan(steps: Vec<PlannedStep>) -> Plan {
    Plan {
        format: PLAN_FORMAT.to_owned(),
        lifeboat: "0".into(),
        run: RUN.into(),
        made_at: Timestamp::UNIX_EPOCH,
        made_by: person("ann"),
        runbook: RunbookRef {
            id: "made-by-hand".into(),
            title: "a plan of a test".into(),
            digest: "0".into(),
            kind: RunbookKind::Recover,
        },
        mode: Mode::Recover,
        environment: "staging".into(),
        class: EnvironmentClass::NonProduction,
        place: home(),
        account_alias: "acme-staging".into(),
        phrase_prefix: None,
        break_glass: false,
        component: None,
        estate: "0".into(),
        sandbox: None,
        parameters: BTreeMap::new(),
        secrets: Vec::new(),
        failure: None,
        since: None,
        promised_s: None,
        steps,
    }
}

/// Dies at the nth passing of a point, and notes every passing.
#[derive(Debug, Default)]
pub(crate) struct DieAt {
    point: Option<&'static str>,
    left: AtomicU64,
}

impl DieAt {
    pub(crate) fn nth(point: &'static str, nth: u64) -> Arc<Self> {
        Arc::new(Self { point: Some(point), left: AtomicU64::new(nth) })
    }

    pub(crate) fn never() -> Arc<Self> {
        Arc::new(Self::default())
    }
}

impl Faults for DieAt {
    fn pass(&self, point: &'static str) -> Result<(), Killed> {
        if self.point == Some(point) && self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            return Err(Killed(point));
        }
        Ok(())
    }
}

/// How an executor ended.
#[derive(Debug)]
pub(crate) enum End {
    Rested(Rest, Text),
    /// At a point of the engine; `None` where the world or the clock ended it.
    Killed(Option<&'static str>),
    Halted(Halt),
    /// It has not rested within two hours.
    Endless,
}

/// A run with everything that it needs.
pub(crate) struct Rig {
    pub(crate) disk: Arc<SimDisk>,
    pub(crate) world: Arc<TestWorld>,
    pub(crate) time: SimTime,
    pub(crate) plan: Plan,
    pub(crate) hash: PlanHash,
    pub(crate) actions: Arc<lifeboat::engine::executor::Actions>,
    pub(crate) approvers: Approvers,
    pub(crate) unattended: bool,
    pub(crate) impatient: bool,
    requests: AtomicU64,
}

/// What an executor is ended by besides points.
pub(crate) enum Ends {
    /// Nothing.
    Never,
    /// So much time.
    After(Duration),
    /// So many turns of its future.
    Turns(u64),
}

impl Rig {
    pub(crate) fn of(world: Arc<TestWorld>, time: SimTime, plan: Plan) -> Self {
        let bytes = plan.bytes();
        let disk = SimDisk::new(&bytes);
        world.watch(disk.clone());
        Self {
            disk,
            world,
            time,
            hash: PlanHash::of(&bytes),
            plan,
            actions: Arc::new(lifeboat::action::named),
            approvers: Approvers::default(),
            unattended: false,
            impatient: true,
            requests: AtomicU64::new(0),
        }
    }

    /// Returns a run of one step of a case, or of three that wait for one another with the case in their middle.
    pub(crate) async fn of_case(case: Case, three: bool) -> Self {
        let time = SimTime::new();
        let world = TestWorld::new(time.clone());
        let mut steps = vec![step(world.as_ref(), "act", case.action(), case.given()).await];
        if three {
            let mut first = step(world.as_ref(), "first", "ebs-snapshot", &[("volume", "vol-1")]).await;
            let mut last = step(
                world.as_ref(),
                "last",
                "ec2-volume-from-snapshot",
                &[("snapshot", "${steps.first.snapshot}"), ("zone", "us-east-2a")],
            )
            .await;
            first.title = "first".into();
            last.needs = vec!["act".into()];
            steps[0].needs = vec!["first".into()];
            steps.insert(0, first);
            steps.push(last);
        }
        Self::of(world, time, plan(steps))
    }

    pub(crate) fn parts(&self, faults: Arc<dyn Faults>) -> Parts {
        Parts {
            folder: Arc::new(SimFolder(self.disk.clone())),
            actor: Actor { user: "ann".into(), host: "jump-1".into(), identity: None },
            time: Arc::new(self.time.clone()),
            virtual_time: false,
            look: self.world.clone(),
            act: self.world.clone(),
            actions: self.actions.clone(),
            approvers: self.approvers.clone(),
            unattended: self.unattended,
            secrets: BTreeMap::new(),
            purpose: "INC-4711".into(),
            program: None,
            faults,
            impatient: self.impatient,
        }
    }

    /// Lets an executor work until it rests or is ended.
    pub(crate) async fn work(&self, faults: Arc<dyn Faults>, ends: Ends) -> End {
        let parts = self.parts(faults);
        let endless = matches!(ends, Ends::Never);
        let ended = async {
            match ends {
                Ends::Never => tokio::time::sleep(Duration::from_secs(7200)).await,
                Ends::After(span) => tokio::time::sleep(span).await,
                Ends::Turns(turns) => {
                    for _ in 0..turns {
                        tokio::task::yield_now().await;
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        };
        tokio::select! {
            biased;
            () = self.world.dies.notified() => End::Killed(None),
            done = work(parts) => match done {
                Ok((rest, why)) => End::Rested(rest, why),
                Err(Halt::Killed(Killed(point))) => End::Killed(Some(point)),
                Err(halt) => End::Halted(halt),
            },
            () = ended => if endless { End::Endless } else { End::Killed(None) },
        }
    }

    /// Works without anything in the way.
    pub(crate) async fn rest(&self) -> (Rest, Text) {
        match self.work(DieAt::never(), Ends::Never).await {
            End::Rested(rest, why) => (rest, why),
            other => panic!("it does not rest: {other:?}"),
        }
    }

    /// Leaves a request.
    pub(crate) fn ask(&self, ask: Ask) {
        self.ask_as("ann", ask);
    }

    pub(crate) fn ask_as(&self, user: &str, ask: Ask) -> String {
        let nth = self.requests.fetch_add(1, Ordering::Relaxed);
        let name = format!("{nth:06}-{user}");
        let request =
            Request { by: person(user), terminal: Some("pts/3".into()), sent_at: self.time.now(), ask };
        self.disk.leave(&name, &serde_json::to_vec(&request).expect("it can be written"));
        name
    }

    /// Returns a consent that is strong enough for anything that needs no second person.
    pub(crate) fn consent(&self) -> ConsentGiven {
        ConsentGiven {
            plan: self.hash.clone(),
            strength: Strength::Typed,
            phrase: Some(phrase(&self.plan, &self.hash)),
            by_flag: false,
            approval: None,
            break_glass: None,
        }
    }

    pub(crate) fn agree(&self) {
        self.ask(Ask::Consent(self.consent()));
    }

    pub(crate) fn undo(&self, step: Option<&str>) {
        let phrase = Some(undo_phrase(&self.plan, &self.hash));
        let consent = ConsentGiven { phrase, ..self.consent() };
        self.ask(Ask::Undo { step: step.map(Text::new), consent });
    }

    /// Returns the lines of the journal, which must verify.
    pub(crate) fn lines(&self) -> Vec<Line> {
        replay::read(&self.disk.journal(), &Head::default()).expect("the journal verifies").lines
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.lines().into_iter().filter_map(|line| line.event).collect()
    }

    /// Returns the state, folded from the journal.
    pub(crate) fn state(&self) -> RunState {
        replay::fold(&self.plan, &self.lines()).expect("the journal folds")
    }

    pub(crate) fn phase(&self, step: &str) -> Phase {
        self.state().step(step).expect("there is such a step").phase
    }

    /// Says what a person says who has looked at the world for long enough: whether the call in doubt has happened.
    pub(crate) async fn settle(&self) -> bool {
        let state = self.state();
        let Some((id, known)) = state.steps.iter().find(|(_, known)| known.phase == Phase::InDoubt) else {
            return false;
        };
        tokio::time::sleep(Duration::from_secs(60)).await;
        let index = u32::try_from(known.calls.len() - 1).expect("it is small");
        let happened = self.world.happened(id.as_str(), known.direction, index);
        self.ask(Ask::Settle { step: id.clone(), happened, reason: "I looked at the console of AWS".into() });
        true
    }

    /// Works until everything is done, with a person who settles what is asked and lets others log in.
    pub(crate) async fn finish(&self, wanted: Rest) -> Result<(), String> {
        let mut last = String::new();
        for _ in 0..40 {
            match self.work(DieAt::never(), Ends::Never).await {
                End::Rested(rest, _) if rest == wanted => return Ok(()),
                End::Rested(Rest::WaitingForLogin, _) => {
                    tokio::time::sleep(Duration::from_secs(300)).await;
                }
                End::Rested(rest, why) => {
                    last = format!("{rest:?}: {why}");
                    if !self.settle().await {
                        // Something could not be seen: it is looked at again.
                        tokio::time::sleep(Duration::from_secs(30)).await;
                    }
                }
                End::Killed(_) => {}
                End::Endless => return Err("it does not come to rest in two hours".to_owned()),
                End::Halted(halt) => {
                    return Err(format!("halted: {halt}: {:?}", std::error::Error::source(&halt)));
                }
            }
        }
        Err(format!("it does not come to rest as {wanted:?}; the last was {last}"))
    }

    /// Returns what was done wrong, whatever happened so far.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut wrong = self.disk.violations();
        wrong.extend(self.world.violations());
        match replay::read(&self.disk.journal(), &Head::default()) {
            Err(broken) => wrong.push(format!("{broken}: {:?}", std::error::Error::source(&broken))),
            Ok(read) => match replay::fold(&self.plan, &read.lines) {
                Err(broken) => wrong.push(broken.to_string()),
                Ok(_) => wrong.extend(self.false_absences(&read.lines)),
            },
        }
        for (effect, times) in self.world.effects_so_far() {
            if times > 1 {
                wrong.push(format!("{times} times: {effect:?}"));
            }
        }
        wrong
    }

    /// Returns where a look said of something that has happened that it did not, or said so too early.
    fn false_absences(&self, lines: &[Line]) -> Vec<String> {
        let mut wrong = Vec::new();
        let sent = self.world.sent();
        for (nth, line) in lines.iter().enumerate() {
            let Some(Event::Observed { of, verdict: Verdict::DidNot, by: None, .. }) = &line.event else {
                continue;
            };
            let intended = lines[..nth].iter().rev().find_map(|line| match &line.event {
                Some(Event::Intended { of: known, dedupe, .. }) if known == of => Some((line.at, *dedupe)),
                _ => None,
            });
            let Some((at, dedupe)) = intended else {
                wrong.push(format!("line {}: nothing was intended", line.seq));
                continue;
            };
            let window = dedupe.shows_within();
            if line.at < after(at, window) {
                wrong.push(format!("line {}: believed an absence before {window:?} had passed", line.seq));
            }
            let shows = |applied: Timestamp| {
                // What changes nothing more may be repeated although the first is still on its way.
                if window.is_zero() { applied <= line.at } else { true }
            };
            let happened = sent.iter().any(|sent| {
                sent.id.step == of.step
                    && sent.id.direction == of.direction
                    && sent.id.attempt == of.attempt
                    && sent.id.index == of.index
                    && sent.at < line.at
                    && sent.applied.is_some_and(shows)
            });
            if happened {
                wrong.push(format!("line {}: says that {of:?} did not happen, and it did", line.seq));
            }
        }
        wrong
    }

    /// Returns what is wrong in the end: besides, everything must have been done exactly once.
    pub(crate) fn wrong_at_end(&self, wanted: &[(&str, Direction, usize)]) -> Vec<String> {
        let effects = self.world.effects();
        let mut wrong = self.wrong();
        for (step, direction, count) in wanted {
            let of = |effect: &&Effect| effect.step == *step && effect.direction == *direction;
            let found = effects.keys().filter(of).count();
            if found != *count {
                wrong.push(format!("{found} changes by {step} {}, not {count}", direction.name()));
            }
        }
        wrong
    }

    /// Returns what the journal and the world know, where a single seed is looked into.
    pub(crate) fn story(&self) -> Vec<String> {
        if std::env::var_os("LIFEBOAT_SEED").is_none() {
            return Vec::new();
        }
        let line = |line: Line| {
            let says = line.event.as_ref().map_or_else(|| line.name.clone(), lifeboat::runbook::words::tell);
            format!("{} {}", line.at, says)
        };
        let sent =
            |sent: super::world::Sent| format!("sent {} {}, applied {:?}", sent.at, sent.id, sent.applied);
        self.lines().into_iter().map(line).chain(self.world.sent().into_iter().map(sent)).collect()
    }

    /// Ends a process, or lets the power go, as a seed says.
    pub(crate) fn fall(&self, seed: u64) {
        if Dice::new(seed).hits(70) { self.disk.crash(seed) } else { self.disk.kill() }
    }
}

/// Runs a future in a world of its own, in which time passes as fast as nothing else is to be done.
pub(crate) fn in_virtual_time<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime can be made");
    runtime.block_on(future)
}

/// Returns how often something is tried: as many as `LIFEBOAT_CAMPAIGN` says times as often as on CI.
pub(crate) fn campaign() -> u64 {
    std::env::var("LIFEBOAT_CAMPAIGN").ok().and_then(|times| times.parse().ok()).unwrap_or(1).max(1)
}
