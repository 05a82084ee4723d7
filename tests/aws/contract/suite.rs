//! The contract: every question of the ports, put to the sandbox and to AWS in every trouble, and judged alike.

use super::aws::Aws;
use super::rows::{Mark, Marks, Row, Trouble, print};
use super::sandbox::Sandbox;
use crate::support::account::block_on;
use lifeboat::collector::Collector;
use lifeboat::domain::condition::{Condition, Health, KeyPlace, KeyState};
use lifeboat::domain::estate::Estate;
use lifeboat::domain::ids::ComponentId;
use lifeboat::domain::kind::Kind;
use lifeboat::domain::place::Place;
use lifeboat::domain::reading::{Capability, Fact, ReadTrouble, Reading, ReadingKey, Readings, Subject};
use lifeboat::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use lifeboat::domain::state::StateHistory;
use lifeboat::provider::port::{Answer, Ask, BackendAsk, News, Observers, StateAsk};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The component that is asked about.
pub(super) const IT: &str = "it";
/// A component elsewhere, which is asked about at the same time.
pub(super) const OTHER: &str = "other";
/// The only environment.
pub(super) const ENVIRONMENT: &str = "production";

/// How long a place that hangs may hold up who asks it.
const AT_MOST: Duration = Duration::from_secs(25);
/// How long it may hold up anybody else.
const ELSEWHERE: Duration = Duration::from_secs(5);

/// A question in a trouble, as a provider brings it about.
pub(super) struct Situation {
    pub(super) estate: Arc<Estate>,
    pub(super) observers: Observers,
    /// Where it is asked.
    pub(super) place: Place,
    /// The key that is asked for.
    pub(super) key: Option<KeyPlace>,
    /// The permission that must be named where one is missing.
    pub(super) permission: Option<String>,
    /// What the condition must hold besides, where it comes in pages: words of its incidents and settings.
    pub(super) holds: Vec<String>,
    /// How many points there are, and whether they are shown before all are there.
    pub(super) paged: Option<Paged>,
    /// Says how often it was called and whether an answer was made up; keeps alive what has to live as long.
    pub(super) after: Box<dyn Fn() -> After>,
}

/// A list that comes in pages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paged {
    pub(super) points: usize,
    /// Whether the first page is shown before the last one comes; else it is a list that others share.
    pub(super) is_shown: bool,
}

/// What the other side saw.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct After {
    /// How many calls came, where they are counted.
    pub(super) calls: Option<usize>,
    /// Whether the answer rests on one that was made up.
    pub(super) is_stub: bool,
}

/// What a provider makes of a cell.
pub(super) enum Cell {
    Ask(Box<Situation>),
    NotApplicable(&'static str),
}

/// Takes what is told of a read under way.
#[derive(Default)]
struct Ears {
    points: Mutex<Vec<RecoveryPoint>>,
    states: Mutex<Vec<StateHistory>>,
}

impl News for Ears {
    fn page(&self, points: Vec<RecoveryPoint>) {
        self.points.lock().expect("nobody panicked").extend(points);
    }
    fn states(&self, states: Vec<StateHistory>) {
        self.states.lock().expect("nobody panicked").extend(states);
    }
    fn alive(&self) {}
}

fn fact<T>(answer: Answer<T>, of: impl FnOnce(T) -> Fact) -> Answer<Fact> {
    Answer { source: answer.source, outcome: answer.outcome.map(of), lacking: answer.lacking }
}

/// Puts a question.
async fn ask(
    row: Row,
    situation: &Situation,
    component: &str,
    place: &Place,
    news: &dyn News,
) -> Answer<Fact> {
    let component = situation.estate.component(&component.into()).expect("it is in the estate");
    let (ask, observers) = (Ask { component, place, news }, &situation.observers);
    let environment = situation.estate.environment(&ENVIRONMENT.into()).expect("it is in the estate");
    match row {
        Row::Points(_) => fact(observers.points.points(ask).await, Fact::Points),
        Row::Condition(_) => fact(observers.conditions.condition(ask).await, Fact::Condition),
        Row::Locks | Row::States => {
            let address = situation.estate.state_address(component, place);
            let ask =
                StateAsk { address: address.as_ref(), component: Some(component), place, known: None, news };
            match row {
                Row::Locks => fact(observers.locks.locks(ask).await, Fact::Locks),
                _ => fact(observers.states.state(ask).await, Fact::State),
            }
        }
        Row::BackendLocks | Row::BackendStates => {
            let backend = situation.estate.backend(&IT.into()).expect("it is in the estate");
            let ask = BackendAsk { backend, place, known: &[], news };
            match row {
                Row::BackendLocks => fact(observers.locks.backend_locks(ask).await, Fact::Locks),
                _ => fact(observers.states.backend(ask).await, Fact::States),
            }
        }
        Row::Proofs => fact(observers.proofs.proofs(ask).await, Fact::Proofs),
        Row::Identity => fact(observers.identity.identity(environment).await, Fact::Identity),
        Row::Key => {
            let key = situation.key.as_ref().expect("a key is asked for");
            fact(observers.keys.key(environment, key).await, Fact::Key)
        }
    }
}

async fn ask_it(row: Row, situation: &Situation) -> (Answer<Fact>, Ears) {
    let ears = Ears::default();
    let answer = ask(row, situation, IT, &situation.place, &ears).await;
    (answer, ears)
}

/// Asks and judges.
async fn judge(row: Row, trouble: Trouble, situation: &Situation) -> Result<(), String> {
    if row == Row::Proofs && trouble >= Trouble::Denied {
        // Measured recoveries are ours, whatever happens to a cloud.
        let (answer, _) = ask_it(row, situation).await;
        return answer.outcome.map(drop).map_err(|why| format!("they are ours, not the cloud's: {why}"));
    }
    match trouble {
        Trouble::Value => value(row, situation).await,
        Trouble::Empty => empty(row, situation).await,
        Trouble::Pages => pages(row, situation).await,
        Trouble::Denied => {
            let (answer, _) = ask_it(row, situation).await;
            let wanted = situation.permission.as_deref().expect("a permission is missing");
            match answer.outcome {
                Err(ReadTrouble::Denied { permission, .. }) if permission.as_str() == wanted => Ok(()),
                other => Err(format!("{wanted} is missing, it says {other:?}")),
            }
        }
        Trouble::Throttled => {
            let (answer, _) = ask_it(row, situation).await;
            match answer.outcome {
                Err(ReadTrouble::Throttled) => {}
                other => return Err(format!("it was throttled and says {other:?}")),
            }
            let is_counted = (situation.after)().calls.is_some();
            (!is_counted || !situation.observers.pace.slowed().is_empty())
                .then_some(())
                .ok_or_else(|| "it was throttled and does not slow down".to_owned())
        }
        Trouble::Hung => hung(row, situation).await,
        Trouble::Dead => {
            let other = situation.estate.component(&OTHER.into()).expect("it is in the estate");
            let elsewhere = ask(
                Row::Condition(other.kind),
                situation,
                OTHER,
                &other.home,
                &lifeboat::provider::port::Deaf,
            );
            let ((answer, _), elsewhere) = tokio::join!(ask_it(row, situation), elsewhere);
            match answer.outcome {
                Err(ReadTrouble::Unreachable | ReadTrouble::TimedOut) => {}
                other => return Err(format!("nobody is there, it says {other:?}")),
            }
            elsewhere.outcome.map(drop).map_err(|why| format!("elsewhere it is not read either: {why}"))
        }
    }
}

async fn value(row: Row, situation: &Situation) -> Result<(), String> {
    let (answer, _) = ask_it(row, situation).await;
    if answer.source.is_empty() {
        return Err("it does not say by which call it was read".to_owned());
    }
    if !answer.lacking.is_empty() {
        return Err(format!("something is missing: {:?}", answer.lacking));
    }
    let found = answer.outcome.map_err(|why| format!("it was not read: {why}"))?;
    let is_right = match &found {
        Fact::Points(points) => {
            let is_usable = |point: &RecoveryPoint| {
                point.status == PointStatus::Available && point.place == situation.place
            };
            points.iter().any(is_usable)
        }
        Fact::Condition(condition) => condition.health == Health::Healthy && !condition.status.is_empty(),
        Fact::Locks(locks) => locks.iter().any(|lock| !lock.path.is_empty() && lock.who.is_some()),
        Fact::State(state) => state.versions.first().is_some_and(|version| version.serial.is_some()),
        Fact::States(states) => states.iter().any(|state| {
            state.versions.len() == 1
                && state.versions_in_all > 0
                && state.current().is_some_and(|version| version.serial.is_some())
        }),
        Fact::Key(state) => *state == KeyState::Enabled,
        Fact::Identity(who) => who.account == situation.place.account && who.expires_at.is_some(),
        Fact::Proofs(proofs) => !proofs.is_empty(),
    };
    is_right.then_some(()).ok_or_else(|| format!("that is not what is there: {found:?}"))
}

async fn empty(row: Row, situation: &Situation) -> Result<(), String> {
    let (answer, _) = ask_it(row, situation).await;
    let found = match (row, answer.outcome) {
        // There is always a caller or nobody; nobody is never somebody.
        (Row::Identity, Err(ReadTrouble::Other(_))) => return Ok(()),
        (_, outcome) => outcome.map_err(|why| format!("what is not there is no trouble: {why}"))?,
    };
    let is_right = match &found {
        Fact::Points(points) => points.is_empty(),
        // An alarm is not a service: that it does not exist is told beside.
        Fact::Condition(condition) if row.kind() == lifeboat::domain::kind::Kind::Service => {
            let is_told = condition.incidents.iter().any(|one| one.code.as_str() == "warn-alarm-missing");
            is_told || condition.health == Health::Gone
        }
        Fact::Condition(condition) => condition.health == Health::Gone,
        Fact::Locks(locks) => locks.is_empty(),
        Fact::State(state) => state.versions.is_empty(),
        Fact::States(states) => states.is_empty(),
        Fact::Key(state) => *state == KeyState::Absent,
        Fact::Identity(_) => false,
        Fact::Proofs(proofs) => proofs.is_empty(),
    };
    is_right.then_some(()).ok_or_else(|| format!("there is nothing, it says {found:?}"))
}

async fn pages(row: Row, situation: &Situation) -> Result<(), String> {
    let (answer, heard) = ask_it(row, situation).await;
    if !answer.lacking.is_empty() {
        return Err(format!("something is missing: {:?}", answer.lacking));
    }
    let found = answer.outcome.map_err(|why| format!("it was not read: {why}"))?;
    match (&found, situation.paged) {
        (Fact::Points(points), Some(paged)) => {
            let ids: BTreeSet<_> = points.iter().map(|point| &point.id).collect();
            if ids.len() != points.len() || points.len() != paged.points {
                let (all, different) = (points.len(), ids.len());
                return Err(format!("of {} points came {all}, of which {different} differ", paged.points));
            }
            let heard = heard.points.into_inner().expect("nobody panicked");
            if paged.is_shown && (heard.is_empty() || heard.len() >= points.len()) {
                return Err(format!("{} of {} points were shown before the end", heard.len(), points.len()));
            }
            if let Some(other) = heard.iter().find(|point| !points.contains(point)) {
                return Err(format!("a point was shown that is not in the answer: {other:?}"));
            }
            Ok(())
        }
        (Fact::Condition(condition), _) => holds(condition, &situation.holds),
        (Fact::Locks(locks), _) => {
            let ids: BTreeSet<_> = locks.iter().map(|lock| &lock.id).collect();
            (ids.len() == 2 && locks.len() == 2)
                .then_some(())
                .ok_or_else(|| format!("not two locks: {locks:?}"))
        }
        (Fact::States(states), _) => {
            let paths: BTreeSet<_> = states.iter().map(|state| &state.path).collect();
            if paths.len() != states.len() || states.len() < 3 {
                return Err(format!("of {} states {} differ", states.len(), paths.len()));
            }
            let heard = heard.states.into_inner().expect("nobody panicked");
            let known = |state: &StateHistory| paths.contains(&state.path);
            (!heard.is_empty() && heard.iter().all(known))
                .then_some(())
                .ok_or_else(|| format!("{} states were shown before the end", heard.len()))
        }
        (Fact::State(state), _) => {
            let ids: BTreeSet<_> = state.versions.iter().map(|version| &version.version_id).collect();
            (ids.len() > 10 && ids.len() == state.versions.len())
                .then_some(())
                .ok_or_else(|| format!("of {} versions {} differ", state.versions.len(), ids.len()))
        }
        (found, _) => match (situation.after)().calls {
            // One answer has no pages: it is asked for once.
            Some(calls) if calls == usize::from(row != Row::Proofs) => Ok(()),
            calls => Err(format!("{calls:?} calls were made for one answer: {found:?}")),
        },
    }
}

fn holds(condition: &Condition, words: &[String]) -> Result<(), String> {
    if words.is_empty() && condition.health != Health::Healthy {
        return Err(format!("what stands on the second page was not found: {condition:?}"));
    }
    let incidents = condition.incidents.iter().map(|one| format!("{} {}", one.code, one.says));
    let settings = condition.settings.iter().map(|(name, value)| format!("{name}={value}"));
    let all: Vec<String> = incidents.chain(settings).collect();
    match words.iter().find(|word| !all.iter().any(|one| one.contains(word.as_str()))) {
        Some(word) => Err(format!("`{word}` is not in it: {all:?}")),
        None => Ok(()),
    }
}

/// Reads both components by a collector, whose duty it is to give up, and looks when it did.
async fn hung(row: Row, situation: &Situation) -> Result<(), String> {
    let component = |id: &str| Subject::Component(ComponentId::from(id), situation.place.clone());
    let (subject, capability) = match row {
        Row::Points(_) => (component(IT), Capability::Points),
        // A DNS record is asked for where it lies, which is in no Region.
        Row::Condition(Kind::DnsRecord) => {
            let record = situation.estate.component(&IT.into()).expect("it is in the estate");
            let place = record.sources.first().expect("it has a place").clone();
            (Subject::Component(record.id.clone(), place), Capability::Condition)
        }
        Row::Condition(_) => (component(IT), Capability::Condition),
        Row::Locks => (component(IT), Capability::Locks),
        Row::States => (component(IT), Capability::States),
        Row::BackendLocks => (Subject::Backend(IT.into(), situation.place.clone()), Capability::Locks),
        Row::BackendStates => (Subject::Backend(IT.into(), situation.place.clone()), Capability::States),
        Row::Proofs => (component(IT), Capability::Proofs),
        Row::Identity => (Subject::Environment(ENVIRONMENT.into()), Capability::Identity),
        Row::Key => (Subject::Key(situation.key.clone().expect("a key is asked for")), Capability::Keys),
    };
    let clock = situation.observers.clock.clone();
    let begun = clock.now();
    let other = situation.estate.component(&OTHER.into()).expect("it is in the estate");
    let elsewhere = ReadingKey {
        subject: Subject::Component(other.id.clone(), other.home.clone()),
        capability: Capability::Condition,
    };
    let mut before = Readings::default();
    if let Some(key) = &situation.key {
        before.put(
            ReadingKey { subject: elsewhere.subject.clone(), capability: Capability::Points },
            Arc::new(names(key, situation, begun)),
        );
    }
    let observers = [(ENVIRONMENT.into(), situation.observers.clone())].into();
    let mut collector = Collector::new(situation.estate.clone(), observers, clock, None, before);
    collector.once(None).await;
    let readings = collector.snapshot().readings;
    let took = |at: jiff::Timestamp| at.duration_since(begun).unsigned_abs();
    let reading = readings.get(&ReadingKey { subject, capability }).ok_or("it was not read at all")?;
    match &reading.failed {
        Some(failed) if failed.why == ReadTrouble::TimedOut => {
            if took(failed.at) > AT_MOST {
                return Err(format!("it was given up after {:?}", took(failed.at)));
            }
        }
        other => return Err(format!("it hung, and says {other:?} and {:?}", reading.held)),
    }
    let elsewhere = readings.get(&elsewhere).ok_or("elsewhere nothing was read")?;
    match &elsewhere.held {
        Some(held) if took(held.read_at) < ELSEWHERE => Ok(()),
        Some(held) => Err(format!("elsewhere it was read after {:?}", took(held.read_at))),
        None => Err(format!("elsewhere it was not read: {:?}", elsewhere.failed)),
    }
}

/// Returns a reading of a point that needs a key: a collector reads the keys that it knows of.
fn names(key: &KeyPlace, situation: &Situation, at: jiff::Timestamp) -> Reading {
    let place = Place { account: situation.place.account.clone(), region: key.region.clone() };
    let mut point = RecoveryPoint::new("needs a key", PointKind::Snapshot, place, Holds::Until(at));
    point.key = Some(key.key.clone());
    Reading::succeeded(None, "before", Fact::Points(vec![point]), at)
}

/// Fills one column for one provider; all cells at once.
async fn column(trouble: Trouble, cells: Vec<(Row, Cell)>, marks: &mut Marks) {
    let judged = cells.into_iter().map(|(row, cell)| async move {
        let mark = match cell {
            Cell::NotApplicable(why) => Mark::NotApplicable(why),
            Cell::Ask(situation) => match judge(row, trouble, &situation).await {
                Err(why) => Mark::Wrong(why),
                Ok(()) if (situation.after)().is_stub => Mark::Stub,
                Ok(()) => Mark::Ok,
            },
        };
        ((row, trouble), mark)
    });
    marks.extend(all(judged).await);
}

/// Waits for all of them together.
async fn all<T>(futures: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = futures.into_iter().map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        for (future, done) in &mut waiting {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if waiting.iter().all(|(_, done)| done.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    waiting.into_iter().filter_map(|(_, done)| done).collect()
}

#[test]
fn every_port_keeps_its_contract_in_every_trouble() {
    let (aws, sandbox) = (Aws::make(), Sandbox);
    let (mut of_aws, mut of_sandbox) = (Marks::new(), Marks::new());
    block_on(async {
        for trouble in Trouble::ALL {
            let begun = std::time::Instant::now();
            let cells = Row::all().into_iter().map(|row| (row, sandbox.cell(row, trouble))).collect();
            let there = column(trouble, cells, &mut of_sandbox);
            let cells = Row::all().into_iter().map(|row| (row, aws.cell(row, trouble))).collect();
            let here = column(trouble, cells, &mut of_aws);
            tokio::join!(here, there);
            println!("{}: {:?}", trouble.name(), begun.elapsed());
        }
    });
    print("AWS", &of_aws);
    print("sandbox", &of_sandbox);
    let mut wrong = Vec::new();
    for row in Row::all() {
        for trouble in Trouble::ALL {
            let name = format!("{}, {}", row.name(), trouble.name());
            let marks = [("AWS", &of_aws[&(row, trouble)]), ("sandbox", &of_sandbox[&(row, trouble)])];
            for (provider, mark) in marks {
                if let Mark::Wrong(why) = mark {
                    wrong.push(format!("{provider}: {name}: {why}"));
                }
            }
            if marks.iter().all(|(_, mark)| matches!(mark, Mark::NotApplicable(_))) {
                wrong.push(format!("{name}: nobody is asked"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
