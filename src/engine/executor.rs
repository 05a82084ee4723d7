//! The executor: works a run off, step by step, until it rests. It is a process of its own; nobody waits for a screen.

use super::approval::Approvers;
use super::fault::Faults;
use super::folder::{Folder, PLAN};
use super::journal::{Halt, Journal};
use super::line::{Actor, FORMAT};
use super::recorder::Recorder;
use super::replay;
use super::time::Time;
use crate::action::Action;
use crate::domain::Text;
use crate::provider::port::{Act, Look};
use crate::runbook::event::{Event, Rest, SideFile};
use crate::runbook::plan::{Plan, PlanHash};
use crate::runbook::schedule::{self, Decision};
use crate::runbook::state::RunState;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinSet, LocalSet};

/// How often requests are looked for, in real time.
const LOOKS_FOR_REQUESTS: Duration = Duration::from_millis(100);

/// After how many such looks an executor ends to whose plan nobody agrees: a quarter of an hour.
const PATIENCE: u32 = 9_000;

/// Finds an action by its name.
pub type Actions = dyn Fn(&str) -> Option<&'static dyn Action> + Send + Sync;

/// What an executor works with.
pub struct Parts {
    /// The folder of the run.
    pub folder: Arc<dyn Folder>,
    /// Whom the lines of the journal name.
    pub actor: Actor,
    /// The time.
    pub time: Arc<dyn Time>,
    /// Whether that is simulated.
    pub virtual_time: bool,
    /// How it looks.
    pub look: Arc<dyn Look>,
    /// How it acts.
    pub act: Arc<dyn Act>,
    /// The actions, by name.
    pub actions: Arc<Actions>,
    /// Who may approve.
    pub approvers: Approvers,
    /// Environments in which consent may come by a flag.
    pub unattended: bool,
    /// What must not be written down, by name.
    pub secrets: BTreeMap<String, String>,
    /// Why, in the operator's words.
    pub purpose: Text,
    /// The SHA-256 of this program.
    pub program: Option<Text>,
    /// Where it dies, in a test.
    pub faults: Arc<dyn Faults>,
    /// Whether it ends when it waits for people, instead of waiting with them.
    pub impatient: bool,
}

/// What the tasks of an executor share.
pub(super) struct Shared {
    pub(super) plan: Plan,
    pub(super) hash: PlanHash,
    pub(super) recorder: Recorder,
    pub(super) parts: Parts,
    /// What is known of steps under way, for those who watch.
    pub(super) progress: RefCell<BTreeMap<Text, super::step::Going>>,
    /// Steps whose task waits for a person: they are begun again when somebody has asked for something.
    pub(super) parked: RefCell<BTreeMap<Text, Parked>>,
    /// How many calls have left and have no outcome on record yet.
    pub(super) in_flight: Cell<u32>,
}

/// Why a step cannot go on by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parked {
    /// A person is asked something; what.
    Asks(Text),
    /// Nobody is logged in; why.
    Login(Text),
    /// Nobody watches, and it does not begin without an operator.
    Unwatched,
}

/// Works the run in `parts.folder` off until it rests. The caller holds its lock.
///
/// # Errors
/// When the journal cannot be written or relied on: then nothing more was done.
pub async fn work(parts: Parts) -> Result<(Rest, Text), Halt> {
    let folder = parts.folder.clone();
    let done = begin(parts).await;
    if let Err(halt) = &done {
        say_last(folder.as_ref(), halt);
    }
    done
}

/// Tells those who watch why it stops: its journal may not take that any more.
fn say_last(folder: &dyn Folder, halt: &Halt) {
    if matches!(halt, Halt::Killed(_)) {
        return;
    }
    let mut words = format!("the run had to stop: {halt}");
    let mut cause = std::error::Error::source(halt);
    while let Some(why) = cause {
        words.push_str(&format!(": {why}"));
        cause = why.source();
    }
    folder.say_last(&words);
}

async fn begin(parts: Parts) -> Result<(Rest, Text), Halt> {
    let bytes = parts.folder.read(PLAN).map_err(Halt::Disk)?.unwrap_or_default();
    let plan: Plan = serde_json::from_slice(&bytes)
        .map_err(|error| Halt::Illegal(format!("the plan cannot be read: {error}")))?;
    let hash = PlanHash::of(&bytes);
    let (journal, read) = Journal::open(parts.folder.as_ref(), parts.actor.clone(), parts.faults.clone())?;
    let state = replay::fold(&plan, &read.lines)?;
    if state.plan.as_ref().is_some_and(|agreed| *agreed != hash) {
        return Err(Halt::Illegal("the plan is not the one that the journal was opened with".to_owned()));
    }
    let fresh = state.plan.is_none();
    let recorder = Recorder::new(journal, state, parts.folder.clone(), parts.time.clone());
    if fresh {
        recorder.write(opened(&plan, &hash, &bytes, &parts))?;
    }
    recorder.write(Event::TookOver {
        pid: std::process::id(),
        lifeboat: env!("CARGO_PKG_VERSION").into(),
        cut_bytes: read.torn,
        program: parts.program.clone(),
    })?;
    let shared = Rc::new(Shared {
        plan,
        hash,
        recorder,
        parts,
        progress: RefCell::default(),
        parked: RefCell::default(),
        in_flight: Cell::default(),
    });
    LocalSet::new().run_until(run(shared)).await
}

fn opened(plan: &Plan, hash: &PlanHash, bytes: &[u8], parts: &Parts) -> Event {
    Event::Opened {
        format: FORMAT.into(),
        lifeboat: env!("CARGO_PKG_VERSION").into(),
        run: plan.run.clone(),
        runbook: plan.runbook.id.clone(),
        title: plan.runbook.title.clone(),
        environment: plan.environment.clone(),
        class: plan.class,
        place: plan.place.clone(),
        mode: plan.mode,
        plan: SideFile {
            name: PLAN.into(),
            sha256: hash.as_str().into(),
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        },
        purpose: parts.purpose.clone(),
        virtual_time: parts.virtual_time,
    }
}

/// The tasks of the steps under way.
type Tasks = JoinSet<(Text, Result<(), Halt>)>;

async fn run(shared: Rc<Shared>) -> Result<(Rest, Text), Halt> {
    let mut tasks = Tasks::new();
    let done = work_off(&shared, &mut tasks).await;
    if let Err(halt @ Halt::Disk(_)) = &done {
        say_last(shared.parts.folder.as_ref(), halt);
        shared.await_outcomes(&mut tasks).await;
    }
    done
}

async fn work_off(shared: &Rc<Shared>, tasks: &mut Tasks) -> Result<(Rest, Text), Halt> {
    let mut looked = 0_u32;
    let mut running: BTreeSet<Text> = BTreeSet::new();
    loop {
        if shared.requests()? {
            shared.parked.borrow_mut().clear();
        }
        shared.unpark_watched();
        shared.open_break_glass()?;
        let decisions = schedule::next(&shared.plan, &shared.recorder.state());
        let mut rest = None;
        let mut waits = false;
        for decision in decisions {
            match decision {
                Decision::Begin(step) | Decision::Continue(step) | Decision::Undo(step) => {
                    let idle = !running.contains(&step) && !shared.parked.borrow().contains_key(&step);
                    if idle {
                        running.insert(step.clone());
                        let shared = shared.clone();
                        tasks.spawn_local(async move {
                            let done = shared.drive(&step).await;
                            (step, done)
                        });
                    }
                }
                Decision::Rest(why, words) => rest = Some((why, words)),
                Decision::Wait(words) if shared.parts.impatient => rest = Some((Rest::Paused, words)),
                Decision::Wait(words) if looked > PATIENCE && shared.state().agreed_at.is_none() => {
                    rest = Some((Rest::Paused, words));
                }
                Decision::Wait(_) => waits = true,
            }
        }
        if let Some((why, words)) = rest {
            tasks.abort_all();
            shared.recorder.write(Event::Rested { rest: why, why: words.clone() })?;
            return Ok((why, words));
        }
        if running.is_empty() && !waits {
            let (why, words) = shared.parked_rest();
            shared.recorder.write(Event::Rested { rest: why, why: words.clone() })?;
            return Ok((why, words));
        }
        tokio::select! {
            ended = tasks.join_next(), if !running.is_empty() => match ended {
                Some(Ok((step, done))) => {
                    running.remove(&step);
                    done?;
                }
                Some(Err(error)) => return Err(Halt::Illegal(format!("a step's task broke: {error}"))),
                None => running.clear(),
            },
            () = tokio::time::sleep(LOOKS_FOR_REQUESTS) => {
                looked = looked.saturating_add(1);
                shared.recorder.flush()?;
            }
        }
    }
}

impl Shared {
    /// Returns why the run rests when every step that could go on waits for a person.
    fn parked_rest(&self) -> (Rest, Text) {
        let parked = self.parked.borrow();
        let asks = parked.iter().find_map(|(step, why)| match why {
            Parked::Asks(question) => Some(format!("step {step}: {question}")),
            Parked::Login(_) | Parked::Unwatched => None,
        });
        if let Some(question) = asks {
            return (Rest::Stuck, question.into());
        }
        let login = parked.values().find_map(|why| match why {
            Parked::Login(why) => Some(why.clone()),
            Parked::Asks(_) | Parked::Unwatched => None,
        });
        let unwatched = parked.iter().find(|(_, why)| **why == Parked::Unwatched);
        match (login, unwatched) {
            (Some(why), _) => (Rest::WaitingForLogin, why),
            (None, Some((step, _))) => {
                let why = format!("no operator is left, and step {step} waits for one: `lifeboat resume`");
                (Rest::Paused, why.into())
            }
            (None, None) => (Rest::Stuck, "nothing can go on by itself".into()),
        }
    }

    /// Waits until calls that are under way are answered and that is written down. Nothing new begins meanwhile.
    async fn await_outcomes(&self, tasks: &mut Tasks) {
        if !self.recorder.stop() {
            return;
        }
        while self.in_flight.get() > 0 && self.recorder.takes_outcomes() {
            if tasks.join_next().await.is_none() {
                return;
            }
        }
    }

    /// Lets steps that wait for an operator be looked at again when somebody watches.
    fn unpark_watched(&self) {
        let waits = self.parked.borrow().values().any(|why| *why == Parked::Unwatched);
        if waits && self.parts.folder.is_watched() {
            self.parked.borrow_mut().retain(|_, why| *why != Parked::Unwatched);
        }
    }

    /// Returns the state, as it is now.
    pub(super) fn state(&self) -> std::cell::Ref<'_, RunState> {
        self.recorder.state()
    }

    /// Tells those who watch what is known of the steps under way.
    pub(super) fn tell(&self) {
        if let Ok(bytes) = serde_json::to_vec(&*self.progress.borrow()) {
            self.parts.folder.publish(super::folder::PROGRESS, &bytes);
        }
    }
}
