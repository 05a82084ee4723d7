//! What is heard of a read while it is under way.

use crate::domain::reading::ReadingKey;
use crate::domain::recovery_point::RecoveryPoint;
use crate::provider::port::News;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Passes pages on and remembers when it last heard anything.
pub(super) struct Heard {
    key: ReadingKey,
    pages: mpsc::Sender<(ReadingKey, Vec<RecoveryPoint>)>,
    last: Mutex<Instant>,
}

impl Heard {
    pub(super) fn new(key: ReadingKey, pages: mpsc::Sender<(ReadingKey, Vec<RecoveryPoint>)>) -> Self {
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
}

impl News for Heard {
    fn page(&self, points: Vec<RecoveryPoint>) {
        self.alive();
        // The whole answer holds them too.
        let _ = self.pages.try_send((self.key.clone(), points));
    }

    fn alive(&self) {
        if let Ok(mut last) = self.last.lock() {
            *last = Instant::now();
        }
    }
}
