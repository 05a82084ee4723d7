//! What is heard of a read while it is under way.

use crate::domain::reading::{Fact, ReadingKey};
use crate::domain::recovery_point::RecoveryPoint;
use crate::domain::state::StateHistory;
use crate::provider::port::News;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Passes pages on and remembers when it last heard anything.
pub(super) struct Heard {
    key: ReadingKey,
    pages: mpsc::Sender<(ReadingKey, Fact)>,
    last: Mutex<Instant>,
}

impl Heard {
    pub(super) fn new(key: ReadingKey, pages: mpsc::Sender<(ReadingKey, Fact)>) -> Self {
        Self { key, pages, last: Mutex::new(Instant::now()) }
    }

    /// Ends when nothing has been heard for `limit`.
    pub(super) async fn silence(&self, limit: Duration) {
        loop {
            let last = self.last.lock().map_or_else(|poisoned| *poisoned.into_inner(), |last| *last);
            if last.elapsed() >= limit {
                return;
            }
            tokio::time::sleep_until(last + limit).await;
        }
    }

    fn pass(&self, page: Fact) {
        self.alive();
        // The whole answer holds it too.
        let _ = self.pages.try_send((self.key.clone(), page));
    }
}

impl News for Heard {
    fn page(&self, points: Vec<RecoveryPoint>) {
        self.pass(Fact::Points(points));
    }

    fn states(&self, states: Vec<StateHistory>) {
        self.pass(Fact::States(states));
    }

    fn alive(&self) {
        if let Ok(mut last) = self.last.lock() {
            *last = Instant::now();
        }
    }
}

/// Adds a page to those that came before it.
pub(super) fn add(all: &mut Fact, page: Fact) {
    match (all, page) {
        (Fact::Points(all), Fact::Points(page)) => all.extend(page),
        (Fact::States(all), Fact::States(page)) => all.extend(page),
        (all, page) => *all = page,
    }
}
