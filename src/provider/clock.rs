//! The clock of a real environment.

use super::port::Clock;
use jiff::Timestamp;

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
    fn speed(&self) -> f64 {
        1.0
    }
}
