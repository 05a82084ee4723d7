//! The engine: what a step costs beside the two syncs that it cannot do without, and how fast a long journal is read
//! back and gone on with.

use super::Figure;
use jiff::Timestamp;
use lifeboat::action::{Action, Design, Doing, Found, PlanAsk, Progress, Refusal};
use lifeboat::authority::ArmedCall;
use lifeboat::domain::Text;
use lifeboat::domain::action::ActionClass;
use lifeboat::domain::estate::EnvironmentClass;
use lifeboat::domain::ids::EnvironmentName;
use lifeboat::domain::place::Place;
use lifeboat::engine::approval::Approvers;
use lifeboat::engine::executor::{Parts, work};
use lifeboat::engine::fault::NoFaults;
use lifeboat::engine::folder::{Folder, JOURNAL, RunFolder};
use lifeboat::engine::journal::Journal;
use lifeboat::engine::line::{self, Actor, FORMAT, Head};
use lifeboat::engine::replay;
use lifeboat::engine::request::Request;
use lifeboat::engine::time::ClockTime;
use lifeboat::provider::clock::SystemClock;
use lifeboat::provider::port::{Act, BoxFuture, CallTrouble, Credentials, Look};
use lifeboat::runbook::about::About;
use lifeboat::runbook::call::{Call, Reply};
use lifeboat::runbook::consent::Strength;
use lifeboat::runbook::dedupe::Dedupe;
use lifeboat::runbook::definition::RunbookKind;
use lifeboat::runbook::event::{
    Ask, CallPlace, ConsentGiven, Direction, Ending, Event, Outcome, Rest, SideFile,
};
use lifeboat::runbook::plan::{
    Mode, PLAN_FORMAT, Person, Plan, PlanHash, PlannedCall, PlannedStep, RunbookRef,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// How many steps a run has, and how many runs are measured, each beside as many raw syncs.
const STEPS: usize = 100;
const RUNS: usize = 11;

/// How many events the long journal has.
const EVENTS: usize = 100_000;

/// An action whose call is done at once.
struct Nothing;

static ABOUT: About = About {
    name: "nothing",
    title: "nothing",
    says: "Nothing.",
    arguments: &[],
    outputs: &[],
    class: ActionClass::Mutating,
    dedupe: Dedupe::SetState,
    operations: &["ec2:StartInstances"],
    no_undo: Some("there is nothing"),
    usually: None,
};

impl Action for Nothing {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, _: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(async { Err(Refusal::new("it is planned by hand")) })
    }

    fn probe<'a>(&'a self, _: Doing<'a>, _: &'a dyn Look) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async { Ok(Found::Nothing { evidence: "nothing".into() }) })
    }

    fn progress<'a>(&'a self, _: Doing<'a>, _: &'a dyn Look) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async { Ok(Progress::Done(Map::new())) })
    }
}

/// A world that answers at once.
struct AtOnce;

impl Look for AtOnce {
    fn look<'a>(&'a self, _: &'a Call) -> BoxFuture<'a, Result<Reply, CallTrouble>> {
        Box::pin(async { Ok(Reply::default()) })
    }

    fn credentials<'a>(&'a self, _: &'a EnvironmentName) -> BoxFuture<'a, Result<Credentials, CallTrouble>> {
        Box::pin(async {
            Ok(Credentials {
                identity: "arn:aws:sts::111122223333:assumed-role/operate/ann".into(),
                account: "111122223333".into(),
                ends_at: None,
                renewed: true,
            })
        })
    }
}

impl Act for AtOnce {
    fn act(&self, _: ArmedCall) -> BoxFuture<'_, Result<Reply, CallTrouble>> {
        Box::pin(async {
            Ok(Reply { request_id: Some("req-1".to_owned()), status: 200, body: json!({"State": "running"}) })
        })
    }
}

fn call(nth: usize) -> Call {
    let place = Place::new("111122223333", "us-east-2");
    Call::new("ec2:StartInstances", &"staging".into(), &place)
        .with("InstanceIds", json!([format!("i-{nth:017x}")]))
}

fn plan(name: &str, steps: usize) -> Plan {
    let step = |nth: usize| {
        let id = format!("step-{nth}");
        PlannedStep {
            uses: "nothing".into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
            calls: vec![PlannedCall {
                call: call(nth),
                says: "start it".into(),
                class: ActionClass::Mutating,
                dedupe: Dedupe::SetState,
            }],
            needs: nth
                .checked_sub(1)
                .map(|before| format!("step-{before}").as_str().into())
                .into_iter()
                .collect(),
            ..PlannedStep::join(&id, "Start an instance")
        }
    };
    Plan {
        format: PLAN_FORMAT.to_owned(),
        lifeboat: "0".into(),
        run: name.into(),
        made_at: Timestamp::UNIX_EPOCH,
        made_by: Person { user: "ann".into(), host: "jump-1".into() },
        runbook: RunbookRef {
            id: "bench".into(),
            title: "a plan of a benchmark".into(),
            digest: "0".into(),
            kind: RunbookKind::Recover,
        },
        mode: Mode::Recover,
        environment: "staging".into(),
        class: EnvironmentClass::NonProduction,
        place: Place::new("111122223333", "us-east-2"),
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
        steps: (0..steps).map(step).collect(),
    }
}

fn actor() -> Actor {
    Actor {
        user: "ann".into(),
        host: "jump-1".into(),
        identity: Some("arn:aws:sts::111122223333:assumed-role/operate/ann".into()),
    }
}

/// Lets an executor work a run off, and returns how long it took, in seconds.
fn run(root: &Path, nth: usize) -> f64 {
    let name = format!("r-{nth}");
    let plan = plan(&name, STEPS);
    let bytes = plan.bytes();
    let folder = RunFolder::create(&root.join(&name), &bytes, b"").expect("there is room");
    let consent = ConsentGiven {
        plan: PlanHash::of(&bytes),
        strength: Strength::Confirmed,
        phrase: None,
        by_flag: false,
        approval: None,
        break_glass: None,
    };
    let by = Person { user: "ann".into(), host: "jump-1".into() };
    let request = Request { by, terminal: None, sent_at: Timestamp::now(), ask: Ask::Consent(consent) };
    folder.leave("0", &serde_json::to_vec(&request).expect("it can be written")).expect("there is room");
    let parts = Parts {
        folder: Arc::new(folder),
        actor: actor(),
        time: Arc::new(ClockTime(Arc::new(SystemClock))),
        virtual_time: false,
        look: Arc::new(AtOnce),
        act: Arc::new(AtOnce),
        actions: Arc::new(|_| Some(&Nothing as &'static dyn Action)),
        approvers: Approvers::default(),
        unattended: false,
        secrets: BTreeMap::new(),
        purpose: "a benchmark".into(),
        program: None,
        faults: Arc::new(NoFaults::default()),
        impatient: true,
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it can be built");
    let began = Instant::now();
    let (rest, why) = runtime.block_on(work(parts)).expect("it works");
    let took = began.elapsed().as_secs_f64();
    assert_eq!(rest, Rest::Finished, "{why}");
    took
}

/// Writes as many bytes as the journal of `STEPS` steps has, and syncs as often as they must: an intent and an outcome each.
fn raw(root: &Path, nth: usize, bytes: usize) -> f64 {
    let mut file = std::fs::File::create(root.join(format!("raw-{nth}"))).expect("there is room");
    let line = vec![b'x'; bytes / STEPS / 2];
    let began = Instant::now();
    for _ in 0..STEPS * 2 {
        file.write_all(&line).expect("there is room");
        file.sync_data().expect("it can be synced");
    }
    began.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns a journal of many events: steps whose calls are put off again and again.
fn long(plan: &Plan) -> Vec<u8> {
    let bytes = plan.bytes();
    let mut head = Head::default();
    let mut out = Vec::new();
    let mut at: Timestamp = "2026-11-21T03:14:00Z".parse().expect("a moment");
    let mut add = |event: Event| {
        at += jiff::SignedDuration::from_millis(20);
        let (text, next) = line::encode(&head, at, 1, &actor(), &event).expect("it can be written");
        out.extend(text.as_bytes());
        head = next;
    };
    add(Event::Opened {
        format: FORMAT.into(),
        lifeboat: "0".into(),
        run: plan.run.clone(),
        runbook: "bench".into(),
        title: "a plan of a benchmark".into(),
        environment: plan.environment.clone(),
        class: plan.class,
        place: plan.place.clone(),
        mode: plan.mode,
        plan: SideFile {
            name: "plan.json".into(),
            sha256: PlanHash::of(&bytes).as_str().into(),
            bytes: bytes.len() as u64,
        },
        purpose: Text::default(),
        virtual_time: false,
    });
    add(Event::Consented {
        scope: "plan".into(),
        strength: Strength::Enter,
        approver: None,
        break_glass: false,
    });
    let rounds = EVENTS / plan.steps.len() / 2 - 2;
    for (nth, step) in plan.steps.iter().enumerate() {
        let of = CallPlace { step: step.id.clone(), direction: Direction::Forward, attempt: 1, index: 0 };
        let call = call(nth);
        let digest = Text::new(&call.digest());
        add(Event::Began {
            step: step.id.clone(),
            direction: Direction::Forward,
            attempt: 1,
            calls: 1,
            observed: Vec::new(),
            before: None,
        });
        for round in 0..=rounds {
            let outcome = if round == rounds { Outcome::Succeeded } else { Outcome::Throttled };
            add(Event::Intended {
                of: of.clone(),
                call: call.clone(),
                digest: digest.clone(),
                dedupe: Dedupe::SetState,
            });
            add(Event::Answered {
                of: of.clone(),
                outcome,
                request_id: Some("5f1b2c3d-0000-4000-8000-123456789abc".into()),
                status: 200,
                code: None,
                says: Text::default(),
                reply: json!({"StartingInstances": [{"CurrentState": {"Name": "pending"}}]}),
                hint: None,
            });
        }
        add(Event::Arrived { of, outputs: Map::new() });
        add(Event::Ended {
            step: step.id.clone(),
            direction: Direction::Forward,
            ending: Ending::Succeeded,
            why: Text::default(),
            hint: None,
        });
    }
    out
}

fn timed<T>(what: impl FnOnce() -> T) -> (f64, T) {
    let began = Instant::now();
    let value = what();
    (began.elapsed().as_secs_f64(), value)
}

/// Measures everything.
pub(super) fn figures() -> Vec<Figure> {
    // On the disk that builds lie on: what is in memory syncs at once.
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("there is room");
    let (mut steps, mut ratios) = (Vec::new(), Vec::new());
    run(root.path(), RUNS);
    let journal = root.path().join(format!("r-{RUNS}")).join(JOURNAL);
    let bytes = usize::try_from(std::fs::metadata(journal).expect("it is there").len()).expect("it is small");
    for nth in 0..RUNS {
        let before = raw(root.path(), 2 * nth, bytes);
        let ran = run(root.path(), nth);
        let after = raw(root.path(), 2 * nth + 1, bytes);
        steps.push(ran / STEPS as f64 * 1e3);
        ratios.push(ran / f64::midpoint(before, after));
    }

    let plan = plan("r-long", 500);
    let journal = long(&plan);
    let folder = RunFolder::create(&root.path().join("r-long"), &plan.bytes(), b"").expect("there is room");
    folder.put(JOURNAL, &journal).expect("there is room");
    let (mut plain, mut hashed, mut replayed, mut resumed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        let bytes = || folder.read(JOURNAL).expect("it can be read").expect("it is there");
        hashed.push(
            timed(|| bytes().split(|byte| *byte == b'\n').map(Sha256::digest).fold(0, |n, hash| n ^ hash[0]))
                .0,
        );
        plain.push(
            timed(|| {
                let each = |line: &[u8]| {
                    let value: Option<Value> = serde_json::from_slice(line).ok();
                    (Sha256::digest(line)[0], value.is_some())
                };
                bytes().split(|byte| *byte == b'\n').map(each).filter(|(_, is_json)| *is_json).count()
            })
            .0,
        );
        replayed.push(
            timed(|| {
                let read = replay::read(&bytes(), &Head::default()).expect("it verifies");
                assert!(read.lines.len() > EVENTS - 2_000, "{} events", read.lines.len());
                replay::fold(&plan, &read.lines).expect("it folds")
            })
            .0,
        );
        resumed.push(
            timed(|| Journal::open(&folder, actor(), Arc::new(NoFaults::default())).expect("it opens")).0,
        );
    }
    let (plain, replayed) = (median(plain), median(replayed));
    vec![
        Figure::new("engine: a step beside two syncs", median(ratios), 1.15, "x"),
        Figure::new("engine: a step", median(steps), f64::INFINITY, "ms"),
        Figure::new(
            "engine: replay of 100 000 events beside reading and hashing their JSON",
            replayed / plain,
            1.5,
            "x",
        ),
        Figure::new("engine: replay of 100 000 events", replayed, f64::INFINITY, "s"),
        Figure::new("engine: their bytes read and hashed only", median(hashed), f64::INFINITY, "s"),
        Figure::new("engine: resume after 100 000 events", median(resumed), 3.0, "s"),
    ]
}
