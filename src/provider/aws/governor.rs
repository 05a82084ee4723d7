//! How fast is being read: a token bucket for each account, Region and operation, at no more than half of the
//! documented rate, so that looking never starves what works in the account.

use super::operation::{Operation, Rate};
use crate::domain::Text;
use crate::domain::place::Place;
use crate::provider::port::{News, ReadPace, Slowed};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// What a throttled call leaves of the rate.
const HALVED: f64 = 0.5;
/// Refusals within this time are one.
const ONE_ANSWER: Duration = Duration::from_secs(1);
/// The least that is left of the rate.
const LEAST: f64 = 1.0 / 64.0;
/// What each second without a throttled call gives back, of the full rate.
const GIVES_BACK: f64 = 0.02;
/// How often somebody who waits is heard of.
const HEARD_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Bucket {
    full: Rate,
    /// The part of the full rate that is used.
    share: f64,
    tokens: f64,
    at: Instant,
    /// When the rate was halved last.
    halved: Option<Instant>,
}

impl Bucket {
    fn new(full: Rate, at: Instant) -> Self {
        Self { full, share: 1.0, tokens: full.burst, at, halved: None }
    }

    fn fill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.tokens = (self.tokens + seconds * self.full.per_second * self.share).min(self.full.burst);
        self.share = (self.share + seconds * GIVES_BACK).min(1.0);
    }

    /// Takes a token; says how long to wait until it is there.
    fn take(&mut self, now: Instant) -> Duration {
        self.fill(now);
        self.tokens -= 1.0;
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(-self.tokens / (self.full.per_second * self.share))
    }

    fn throttled(&mut self, now: Instant) {
        self.fill(now);
        // Calls that left together are refused together: that is one answer, not several.
        if self.halved.is_some_and(|at| now.saturating_duration_since(at) < ONE_ANSWER) {
            return;
        }
        self.halved = Some(now);
        self.share = (self.share * HALVED).max(LEAST);
        // What was saved up is spent: the service has just said so.
        self.tokens = self.tokens.min(0.0);
    }
}

/// Where a bucket belongs: rates are counted by account, Region and operation, or all of a service together.
type Key = (Place, &'static str, &'static str);

/// Slows calls down to what is decent.
#[derive(Debug, Default)]
pub struct Governor {
    buckets: Mutex<BTreeMap<Key, Bucket>>,
}

impl Governor {
    fn with<T>(
        &self,
        place: &Place,
        operation: &Operation,
        what: impl FnOnce(&mut Bucket, Instant) -> T,
    ) -> T {
        let name = if operation.service.prefix() == "route53" { "" } else { operation.name };
        let key = (place.clone(), operation.service.prefix(), name);
        let now = Instant::now();
        let rate = operation.rate.unwrap_or_else(|| operation.service.rate());
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        what(buckets.entry(key).or_insert_with(|| Bucket::new(rate, now)), now)
    }

    /// Waits until `operation` may be called at `place`.
    pub async fn turn(&self, place: &Place, operation: &Operation, news: &dyn News) {
        let mut left = self.with(place, operation, Bucket::take);
        while !left.is_zero() {
            let nap = left.min(HEARD_EVERY);
            tokio::time::sleep(nap).await;
            news.alive();
            left -= nap;
        }
    }

    /// Takes that a call was throttled: the rate is halved.
    pub fn throttled(&self, place: &Place, operation: &Operation) {
        self.with(place, operation, Bucket::throttled);
    }
}

impl ReadPace for Governor {
    fn slowed(&self) -> Vec<Slowed> {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut slowed: BTreeMap<String, u8> = BTreeMap::new();
        for ((place, service, _), bucket) in buckets.iter_mut() {
            bucket.fill(now);
            if bucket.share < 0.995 {
                let percent = (bucket.share * 100.0).round() as u8;
                let least = slowed.entry(format!("{service} in {}", place.region)).or_insert(percent);
                *least = percent.min(*least);
            }
        }
        slowed.into_iter().map(|(what, percent)| Slowed { what: Text::new(&what), percent }).collect()
    }
}
