//! Which read comes next: each place has a lane of its own, so that a Region that hangs holds up nobody else.

use crate::domain::reading::{ReadingKey, Subject};
use std::collections::{BTreeMap, VecDeque};

/// How many reads are under way at once in one place: enough to hide its latency, few enough for its limits.
const IN_A_LANE: usize = 16;
/// How many reads are under way at once in all places: each holds a connection.
const IN_ALL: usize = 512;

#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<ReadingKey>,
    under_way: usize,
}

/// The reads that wait, by place.
#[derive(Debug)]
pub(super) struct Lanes {
    by_place: BTreeMap<String, Lane>,
    waiting: usize,
    under_way: usize,
}

impl Lanes {
    /// Returns lanes with these reads in them.
    pub(super) fn new(keys: Vec<ReadingKey>) -> Self {
        let mut lanes: BTreeMap<String, Lane> = BTreeMap::new();
        let waiting = keys.len();
        for key in keys {
            lanes.entry(name(&key)).or_default().waiting.push_back(key);
        }
        Self { by_place: lanes, waiting, under_way: 0 }
    }

    /// Puts a read before all others of its lane.
    pub(super) fn first(&mut self, key: ReadingKey) {
        self.by_place.entry(name(&key)).or_default().waiting.push_front(key);
        self.waiting += 1;
    }

    /// Takes the next read that may start, from the lane with the fewest under way.
    pub(super) fn next(&mut self) -> Option<ReadingKey> {
        if self.under_way >= IN_ALL {
            return None;
        }
        let open = self.by_place.values_mut().filter(|lane| !lane.waiting.is_empty());
        let lane = open.min_by_key(|lane| lane.under_way).filter(|lane| lane.under_way < IN_A_LANE)?;
        let key = lane.waiting.pop_front()?;
        lane.under_way += 1;
        self.under_way += 1;
        self.waiting -= 1;
        Some(key)
    }

    /// Takes that a read has ended.
    pub(super) fn done(&mut self, key: &ReadingKey) {
        if let Some(lane) = self.by_place.get_mut(&name(key)) {
            lane.under_way = lane.under_way.saturating_sub(1);
            self.under_way = self.under_way.saturating_sub(1);
        }
    }

    /// Returns how many wait or are under way.
    pub(super) fn open(&self) -> usize {
        self.waiting + self.under_way
    }
}

fn name(key: &ReadingKey) -> String {
    match &key.subject {
        Subject::Component(_, place) | Subject::Backend(_, place) | Subject::State(_, _, place) => {
            place.to_string()
        }
        Subject::Key(place) => format!("keys in {}", place.region),
        Subject::Environment(name) => format!("identity of {name}"),
    }
}
