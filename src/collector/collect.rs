//! The collector: what is due is read, a bounded number of reads at a time in each place, each with a deadline.

use super::ask::{ask, compare};
use super::heard::{self, Heard};
use super::lanes::Lanes;
use super::request::{Comparing, Comparison, Request};
use super::store::ReadingsStore;
use super::unit::units;
use crate::domain::duration::elapsed;
use crate::domain::estate::Estate;
use crate::domain::ids::EnvironmentName;
use crate::domain::place::Place;
use crate::domain::reading::{Capability, Fact, Lack, ReadTrouble, Reading, ReadingKey, Readings, Subject};
use crate::provider::port::{Answer, Clock, Observers, Slowed};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// How long a read may say nothing, in real time.
const DEADLINE: Duration = Duration::from_secs(20);
/// How many pages may wait to be shown; what finds no room is shown with the whole.
const PAGES: usize = 256;
/// How often what came in is published while reads are under way: soon enough to look like at once.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);
/// How long the collector rests at most before it looks again at what is due.
const REST: Duration = Duration::from_secs(10);
/// The most readings that are written to disk at once.
const MOST_KEPT: usize = 20_000;

/// How far the reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Reads that are due or under way.
    pub open: usize,
    /// Everything that is read.
    pub all: usize,
}

/// What is known of an estate, as the collector publishes it.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Everything that was read.
    pub readings: Readings,
    /// How far the reading is.
    pub progress: Progress,
    /// Why readings are not kept on disk, if they are not.
    pub not_kept: Option<String>,
    /// What is read more slowly than it could be.
    pub slowed: Vec<Slowed>,
    /// The last comparison that was asked for.
    pub comparison: Option<Arc<Comparison>>,
}

/// Reads an estate.
pub struct Collector {
    estate: Arc<Estate>,
    observers: BTreeMap<EnvironmentName, Observers>,
    clock: Arc<dyn Clock>,
    store: Option<ReadingsStore>,
    readings: Readings,
    /// Everything that is read; it changes only with what was read.
    units: BTreeMap<ReadingKey, EnvironmentName>,
    /// What alone is read; everything, where it is empty.
    only: Vec<Capability>,
    /// What somebody looks at, besides.
    looked_at: Option<(ReadingKey, EnvironmentName)>,
    comparison: Option<Arc<Comparison>>,
    /// Requests that came while something was read.
    asked: Vec<Request>,
    not_kept: Option<String>,
}

/// What a task brought.
enum Brought {
    Read(ReadingKey, Option<Answer<Fact>>),
    Compared(Comparison),
}

impl Collector {
    /// Returns a collector that goes on from `readings`, which were read before.
    pub fn new(
        estate: Arc<Estate>,
        observers: BTreeMap<EnvironmentName, Observers>,
        clock: Arc<dyn Clock>,
        store: Option<ReadingsStore>,
        readings: Readings,
    ) -> Self {
        let units = units(&estate, &readings);
        Self {
            estate,
            observers,
            clock,
            store,
            readings,
            units,
            only: Vec::new(),
            looked_at: None,
            comparison: None,
            asked: Vec::new(),
            not_kept: None,
        }
    }

    /// Returns what is known.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot_of(Progress { open: 0, all: self.units.len() })
    }

    fn snapshot_of(&self, progress: Progress) -> Snapshot {
        let mut slowed = Vec::new();
        for slow in self.observers.values().flat_map(|observers| observers.pace.slowed()) {
            if !slowed.contains(&slow) {
                slowed.push(slow);
            }
        }
        Snapshot {
            readings: self.readings.clone(),
            progress,
            not_kept: self.not_kept.clone(),
            slowed,
            comparison: self.comparison.clone(),
        }
    }

    /// Reads everything once, be it due or not. Keys are read after the points that name them.
    pub async fn once(&mut self, out: Option<&watch::Sender<Arc<Snapshot>>>) {
        self.everything(out, None).await;
    }

    /// Has nothing read from now on but these.
    pub fn only(&mut self, capabilities: &[Capability]) {
        self.only = capabilities.to_vec();
        self.list_units();
    }

    /// Reads what somebody looks at, besides everything else.
    pub fn look_at(&mut self, what: Option<(ReadingKey, EnvironmentName)>) {
        self.looked_at = what;
        self.list_units();
    }

    /// Compares two versions of a state.
    pub async fn compare(&mut self, asked: Comparing) -> Option<Arc<Comparison>> {
        self.read(Vec::new(), vec![asked], None, None).await;
        self.comparison.clone()
    }

    async fn everything(
        &mut self,
        out: Option<&watch::Sender<Arc<Snapshot>>>,
        mut requests: Option<&mut mpsc::Receiver<Request>>,
    ) {
        let begun = self.clock.now();
        for _ in 0..2 {
            let attempted =
                |key: &ReadingKey| self.readings.get(key).and_then(|reading| reading.attempted_at());
            let wanted =
                self.units.keys().filter(|key| attempted(key).is_none_or(|at| at < begun)).cloned().collect();
            self.read(wanted, Vec::new(), out, requests.as_deref_mut()).await;
        }
    }

    /// Reads what is due until nobody listens any more.
    pub async fn run(mut self, mut requests: mpsc::Receiver<Request>, out: watch::Sender<Arc<Snapshot>>) {
        // What is kept is on the screen already; what is true now may differ from it in anything.
        self.everything(Some(&out), Some(&mut requests)).await;
        loop {
            if self.absorb() {
                out.send_replace(Arc::new(self.snapshot()));
            }
            let due = self.due();
            if !due.is_empty() {
                self.read(due, Vec::new(), Some(&out), Some(&mut requests)).await;
            }
            if self.asked.is_empty() {
                tokio::select! {
                    () = tokio::time::sleep(self.rest()) => {}
                    () = out.closed() => return,
                    asked = requests.recv() => match asked {
                        Some(request) => self.asked.push(request),
                        None => return,
                    },
                }
            }
            for request in std::mem::take(&mut self.asked) {
                match request {
                    Request::Everything => self.everything(Some(&out), Some(&mut requests)).await,
                    Request::LookAt(what) => {
                        let keys = what.iter().map(|(key, _)| key.clone()).collect();
                        self.look_at(what);
                        self.read(keys, Vec::new(), Some(&out), Some(&mut requests)).await;
                    }
                    Request::Compare(asked) => {
                        self.read(Vec::new(), vec![asked], Some(&out), Some(&mut requests)).await;
                    }
                }
            }
        }
    }

    fn list_units(&mut self) {
        self.units = units(&self.estate, &self.readings);
        self.units.retain(|key, _| self.only.is_empty() || self.only.contains(&key.capability));
        self.units.extend(self.looked_at.clone());
    }

    fn due(&self) -> Vec<ReadingKey> {
        let now = self.clock.now();
        let silent = self.silent_places();
        let is_due = |key: &&ReadingKey| self.due_in(key, now).is_zero() || self.is_doubtful(key, &silent);
        self.units.keys().filter(is_due).cloned().collect()
    }

    /// Returns the places where nobody answered, and when that was first found.
    fn silent_places(&self) -> BTreeMap<Place, Timestamp> {
        let mut silent = BTreeMap::new();
        for (key, reading) in self.readings.iter() {
            let (Subject::Component(_, place), Some(failed)) = (&key.subject, &reading.failed) else {
                continue;
            };
            if failed.why == ReadTrouble::Unreachable {
                let first: &mut Timestamp = silent.entry(place.clone()).or_insert(failed.at);
                *first = (*first).min(failed.at);
            }
        }
        silent
    }

    /// Says whether a value was read before its place fell silent: then it is read again at once, so that a Region that
    /// is gone is seen as a whole and not one cadence after the other.
    fn is_doubtful(&self, key: &ReadingKey, silent: &BTreeMap<Place, Timestamp>) -> bool {
        let Subject::Component(_, place) = &key.subject else { return false };
        let attempted = self.readings.get(key).and_then(|reading| reading.attempted_at());
        silent.get(place).is_some_and(|since| attempted < Some(*since))
    }

    /// Returns in which time of the environment a reading is due.
    fn due_in(&self, key: &ReadingKey, now: Timestamp) -> Duration {
        let attempted = self.readings.get(key).and_then(|reading| reading.attempted_at());
        attempted.map_or(Duration::ZERO, |at| {
            self.estate.cadences.of(key.capability).saturating_sub(elapsed(at, now))
        })
    }

    fn rest(&self) -> Duration {
        let now = self.clock.now();
        let speed = self.clock.speed();
        if !self.due().is_empty() {
            return Duration::from_millis(100);
        }
        let next = self.units.keys().map(|key| self.due_in(key, now)).min();
        match next {
            Some(next) if speed > 0.0 => next.div_f64(speed).clamp(Duration::from_millis(100), REST),
            _ => REST,
        }
    }

    /// Takes in what other processes read meanwhile; says whether there was anything.
    fn absorb(&mut self) -> bool {
        let Some(store) = &mut self.store else { return false };
        match store.news() {
            Ok(news) if news.is_empty() => false,
            Ok(news) => {
                for (key, reading) in news {
                    self.readings.put(key, reading);
                }
                self.list_units();
                true
            }
            Err(error) => {
                self.not_kept = Some(error.to_string());
                true
            }
        }
    }

    async fn read(
        &mut self,
        keys: Vec<ReadingKey>,
        comparing: Vec<Comparing>,
        out: Option<&watch::Sender<Arc<Snapshot>>>,
        mut requests: Option<&mut mpsc::Receiver<Request>>,
    ) {
        let mut lanes = Lanes::new(keys);
        let mut under_way = JoinSet::new();
        let mut fresh: Vec<(ReadingKey, Arc<Reading>)> = Vec::new();
        let mut partial: BTreeMap<ReadingKey, Fact> = BTreeMap::new();
        let (sender, mut pages) = mpsc::channel(PAGES);
        let mut published: Option<tokio::time::Instant> = None;
        // What came in and was not published yet: the next read to end may be one that hangs.
        let mut unseen = false;
        for asked in comparing {
            self.start_comparing(asked, &mut under_way);
        }
        loop {
            while let Some(key) = lanes.next() {
                let observers = self.units.get(&key).and_then(|name| Some((name, self.observers.get(name)?)));
                let Some((name, observers)) = observers.map(|(name, all)| (name.clone(), all.clone())) else {
                    lanes.done(&key);
                    continue;
                };
                let estate = self.estate.clone();
                let heard = Arc::new(Heard::new(key.clone(), sender.clone()));
                let known = self.readings.get(&key).cloned();
                under_way.spawn(async move {
                    let answer = tokio::select! {
                        answer = ask(&estate, &name, &observers, &key, known.as_deref(), &*heard) => answer,
                        () = heard.silence(DEADLINE) => {
                            let source = key.capability.words().into();
                            Some(Answer::new(source, Err(ReadTrouble::TimedOut)))
                        }
                    };
                    Brought::Read(key, answer)
                });
            }
            let done = tokio::select! {
                done = under_way.join_next() => match done {
                    Some(done) => Some(done),
                    None => break,
                },
                page = pages.recv() => {
                    if let Some((key, page)) = page {
                        match partial.entry(key) {
                            Entry::Vacant(entry) => drop(entry.insert(page)),
                            Entry::Occupied(mut entry) => heard::add(entry.get_mut(), page),
                        }
                        unseen = true;
                    }
                    None
                }
                asked = next(&mut requests) => {
                    match asked {
                        // Somebody waits for it in front of the screen: not behind everything else.
                        Some(Request::LookAt(Some((key, environment)))) => {
                            self.look_at(Some((key.clone(), environment)));
                            lanes.first(key);
                        }
                        Some(Request::LookAt(None)) => self.look_at(None),
                        Some(Request::Compare(asked)) => self.start_comparing(asked, &mut under_way),
                        Some(request) => self.asked.push(request),
                        None => requests = None,
                    }
                    None
                }
                () = until(published), if unseen && out.is_some() => None,
            };
            if let Some(done) = done {
                let (key, answer) = match done {
                    Ok(Brought::Read(key, answer)) => (key, answer),
                    Ok(Brought::Compared(comparison)) => {
                        self.comparison = Some(Arc::new(comparison));
                        unseen = true;
                        if let Some(out) = out {
                            out.send_modify(|snapshot| {
                                Arc::make_mut(snapshot).comparison.clone_from(&self.comparison);
                            });
                        }
                        continue;
                    }
                    Err(_) => continue,
                };
                lanes.done(&key);
                partial.remove(&key);
                let Some(answer) = answer else { continue };
                let at = self.clock.now();
                let previous = self.readings.get(&key).map(Arc::as_ref);
                let source = answer.source.as_str();
                let reading = Arc::new(match answer.outcome {
                    Ok(fact) => Reading::succeeded(previous, source, fact, at).lacking(answer.lacking),
                    Err(why) => Reading::missed(previous, source, why, at),
                });
                self.readings.put(key.clone(), reading.clone());
                unseen = true;
                if fresh.len() < MOST_KEPT {
                    fresh.push((key, reading));
                }
            }
            if let Some(out) = out
                && unseen
                && published.is_none_or(|at| at.elapsed() >= PUBLISH_EVERY)
            {
                published = Some(tokio::time::Instant::now());
                unseen = false;
                let mut snapshot = self.snapshot_of(Progress { open: lanes.open(), all: self.units.len() });
                self.show_partial(&mut snapshot.readings, &partial);
                out.send_replace(Arc::new(snapshot));
            }
        }
        self.list_units();
        if let Some(store) = &mut self.store {
            self.not_kept = store.keep(&fresh).err().map(|error| error.to_string());
        }
        if let Some(out) = out {
            out.send_replace(Arc::new(self.snapshot()));
        }
    }

    fn start_comparing(&self, asked: Comparing, under_way: &mut JoinSet<Brought>) {
        let Some(observers) = self.observers.get(&asked.environment).cloned() else { return };
        let estate = self.estate.clone();
        under_way.spawn(async move { Brought::Compared(compare(&estate, &observers, asked).await) });
    }

    /// Adds what has come of lists that are still being read. A whole list that was read before says more.
    fn show_partial(&self, readings: &mut Readings, partial: &BTreeMap<ReadingKey, Fact>) {
        let now = self.clock.now();
        for (key, fact) in partial {
            if self.readings.get(key).is_some_and(|reading| reading.held.is_some()) {
                continue;
            }
            let source = key.capability.words();
            let lack = Lack { source: source.into(), why: ReadTrouble::Unfinished };
            let reading = Reading::succeeded(None, source, fact.clone(), now);
            readings.put(key.clone(), Arc::new(reading.lacking(vec![lack])));
        }
    }
}

/// Returns the next request; never, where none can come.
async fn next(requests: &mut Option<&mut mpsc::Receiver<Request>>) -> Option<Request> {
    match requests {
        Some(requests) => requests.recv().await,
        None => std::future::pending().await,
    }
}

/// Ends when the next snapshot may be published.
async fn until(published: Option<tokio::time::Instant>) {
    if let Some(published) = published {
        tokio::time::sleep_until(published + PUBLISH_EVERY).await;
    }
}
