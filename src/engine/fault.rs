//! Named points at which a test lets the engine die, so that it can be shown that it comes back.
//!
//! A debug build also reads them from `LIFEBOAT_FAULT=POINT:NTH`, and kills itself there with SIGKILL; a release build
//! does not look.

use std::sync::atomic::{AtomicU64, Ordering};

/// The points, in the order in which a step passes them.
pub const POINTS: [&str; 20] = [
    "took-over",
    "request-seen",
    "request-durable",
    "consent-durable",
    "began-written",
    "intent-unwritten",
    "intent-written",
    "intent-durable",
    "call-leaving",
    "call-answered",
    "outcome-unwritten",
    "outcome-written",
    "outcome-durable",
    "probe-asked",
    "probe-answered",
    "observed-durable",
    "progress-seen",
    "arrived-written",
    "ended-written",
    "rested",
];

/// That a test let the engine die here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("killed at {0}")]
pub struct Killed(pub &'static str);

/// Says at each point whether the engine goes on.
pub trait Faults: Send + Sync {
    /// Passes a point.
    ///
    /// # Errors
    /// When the engine is to die there.
    fn pass(&self, point: &'static str) -> Result<(), Killed>;
}

/// Nothing dies, unless a debug build is told to.
#[derive(Debug, Default)]
pub struct NoFaults {
    passed: AtomicU64,
}

impl Faults for NoFaults {
    fn pass(&self, point: &'static str) -> Result<(), Killed> {
        if cfg!(debug_assertions)
            && let Ok(told) = std::env::var("LIFEBOAT_FAULT")
            && let Some((name, nth)) = told.split_once(':')
            && name == point
        {
            let passed = self.passed.fetch_add(1, Ordering::Relaxed) + 1;
            if nth.parse() == Ok(passed) {
                let _ =
                    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            }
        }
        Ok(())
    }
}
