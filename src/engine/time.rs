//! The time by which runs go: that of the environment, which in the sandbox is the world's own.

use crate::provider::port::{BoxFuture, Clock};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// The shortest and, where the clock stands, the longest real time that something waits.
const SHORTEST: Duration = Duration::from_millis(5);
const STANDING: Duration = Duration::from_millis(100);

/// Tells the time and waits.
pub trait Time: Send + Sync {
    /// Returns now.
    fn now(&self) -> Timestamp;
    /// Waits for so long by this time.
    fn sleep(&self, span: Duration) -> BoxFuture<'_, ()>;
}

/// The time of a clock: waiting for a minute takes a second where it goes sixty times as fast.
#[derive(Clone)]
pub struct ClockTime(pub Arc<dyn Clock>);

impl Time for ClockTime {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'_, ()> {
        let speed = self.0.speed();
        let real = if speed > 0.0 {
            Duration::try_from_secs_f64(span.as_secs_f64() / speed).unwrap_or(span).max(SHORTEST)
        } else {
            span.min(STANDING)
        };
        Box::pin(tokio::time::sleep(real))
    }
}
