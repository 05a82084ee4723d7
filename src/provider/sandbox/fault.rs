//! Faults: what goes wrong with a call, and with which of them.

use super::deeds::{Change, Deeds, Phase, Sort};
use crate::domain::Text;
use crate::domain::duration::after;
use crate::domain::place::Place;
use crate::provider::port::CallTrouble;
use crate::runbook::call::Call;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Which fault of a world it is, in the order in which they were set.
pub(super) type FaultId = u32;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// No answer arrives: the call is in doubt.
    LostReply {
        /// Whether it was carried out.
        applied: bool,
    },
    /// The answer is 200 with an error inside, as S3 may answer a copy: the call is in doubt.
    ErrorInside {
        /// Whether it was carried out.
        applied: bool,
    },
    /// No answer ever comes.
    Hangs {
        /// Whether it was carried out.
        applied: bool,
    },
    /// It is refused.
    Refused {
        /// The service's code.
        code: Text,
        /// The HTTP status.
        status: u16,
    },
    /// It is asked to be called less often.
    Throttled,
    /// The service has no room for what is asked, and says so in its own code.
    InsufficientCapacity,
    /// What is made ends in this status, such as `restore-error`.
    EndsIn(Text),
    /// What is made takes so many times as long to become ready.
    Slow(u32),
    /// What is made is not shown by reading calls for so many of the world's seconds.
    Hidden {
        /// For how long, in seconds.
        for_s: u32,
    },
}

/// Which calls a fault strikes. Without anything set it strikes every acting call, always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultSpec {
    /// What goes wrong.
    pub fault: Fault,
    /// The operations, such as `rds:ModifyDBInstance`; all where there is none.
    pub operations: Vec<Text>,
    /// Whether it strikes calls that read, in place of those that act.
    pub looks: bool,
    /// What stands somewhere in the arguments, such as a name.
    pub about: Option<Text>,
    /// The place that is called.
    pub place: Option<Place>,
    /// From when, by the world's clock.
    pub from: Option<Timestamp>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Of all calls that fit, in turns: so many get through,
    pub pass: u32,
    /// and so many are struck.
    pub strike: u32,
    /// How many are struck in all; without end where there is none.
    pub times: Option<u32>,
}

impl FaultSpec {
    /// Returns a fault of every acting call.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            operations: Vec::new(),
            looks: false,
            about: None,
            place: None,
            from: None,
            until: None,
            pass: 0,
            strike: 1,
            times: None,
        }
    }

    /// Returns it for one operation more alone.
    pub fn of(mut self, operation: &str) -> Self {
        self.operations.push(operation.into());
        self
    }

    /// Returns it for calls that read.
    pub fn when_looking(self) -> Self {
        Self { looks: true, ..self }
    }

    /// Returns it for calls with this somewhere in their arguments.
    pub fn about(self, name: &str) -> Self {
        Self { about: Some(name.into()), ..self }
    }

    /// Returns it for calls to a place.
    pub fn at(self, place: &Place) -> Self {
        Self { place: Some(place.clone()), ..self }
    }

    /// Returns it in turns: so many calls get through, then so many are struck.
    pub fn in_turns(self, pass: u32, strike: u32) -> Self {
        Self { pass, strike: strike.max(1), ..self }
    }

    /// Returns it for so many calls in all.
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Returns it from a moment on.
    pub fn from(self, from: Timestamp) -> Self {
        Self { from: Some(from), ..self }
    }

    /// Returns it until a moment.
    pub fn until(self, until: Timestamp) -> Self {
        Self { until: Some(until), ..self }
    }

    /// Says whether it is about this call.
    pub(super) fn fits(&self, call: &Call, looks: bool, now: Timestamp) -> bool {
        let named = |operation: &Text| operation.as_str() == call.operation;
        self.looks == looks
            && (self.operations.is_empty() || self.operations.iter().any(named))
            && self.about.as_ref().is_none_or(|about| call.line().contains(about.as_str()))
            && self.place.as_ref().is_none_or(|place| *place == call.place)
            && self.from.is_none_or(|from| from <= now)
            && self.until.is_none_or(|until| now < until)
    }

    /// Says whether it strikes the next call that fits.
    pub(super) fn strikes(&self, deeds: &Deeds, id: FaultId) -> bool {
        let (matched, struck) = deeds.of_fault(id);
        let turn = matched % (self.pass + self.strike.max(1));
        turn >= self.pass && self.times.is_none_or(|times| struck < times)
    }
}

impl Fault {
    /// Says whether the call is carried out all the same.
    pub(super) fn lets_through(&self) -> bool {
        match self {
            Self::LostReply { applied } | Self::ErrorInside { applied } | Self::Hangs { applied } => *applied,
            Self::EndsIn(_) | Self::Slow(_) | Self::Hidden { .. } => true,
            Self::Refused { .. } | Self::Throttled | Self::InsufficientCapacity => false,
        }
    }

    /// Returns what the caller gets to see in place of the answer; `None` where that is the answer.
    pub(super) fn trouble(&self, call: &Call) -> Option<CallTrouble> {
        let region = &call.place.region;
        let refused = |code: &str, says: String, status| CallTrouble::Refused {
            code: code.into(),
            says: Text::new(&says),
            request_id: Some("sandbox".into()),
            status,
        };
        match self {
            Self::LostReply { .. } | Self::Hangs { .. } => {
                let says = format!("the connection to {} in {region} broke off", call.service());
                Some(CallTrouble::InDoubt(Text::new(&says)))
            }
            Self::ErrorInside { .. } => {
                Some(CallTrouble::InDoubt("200 with InternalError in its body".into()))
            }
            Self::Refused { code, status } => {
                Some(refused(code.as_str(), "refused, as this world was told to".to_owned(), *status))
            }
            Self::Throttled => {
                let code = if call.service() == "ec2" { "RequestLimitExceeded" } else { "Throttling" };
                Some(CallTrouble::Throttled { code: code.into(), request_id: Some("sandbox".into()) })
            }
            Self::InsufficientCapacity => {
                let (code, status) = match (call.service(), call.name()) {
                    ("rds", _) => ("InsufficientDBInstanceCapacity", 400),
                    ("ec2", "CreateVolume") => ("InsufficientVolumeCapacity", 500),
                    ("ec2", _) => ("InsufficientInstanceCapacity", 500),
                    _ => ("ServiceUnavailable", 503),
                };
                Some(refused(code, format!("there is not enough capacity in {region} for this now"), status))
            }
            Self::EndsIn(_) | Self::Slow(_) | Self::Hidden { .. } => None,
        }
    }

    /// Does to what a call makes what it does to it.
    pub(super) fn spoil(&self, changes: &mut [Change], now: Timestamp) {
        for change in changes {
            let Change::Made(thing) = change else { continue };
            match self {
                Self::EndsIn(status) if thing.sort != Sort::DbCluster => {
                    // It fails where it would have become ready.
                    let end = thing.phases.last().map_or(now, |phase| phase.at);
                    let half = (end.as_second() - now.as_second()) / 2;
                    let at = after(now, Duration::from_secs(half.max(1).unsigned_abs()));
                    thing.phases.retain(|phase| phase.at < at);
                    thing.phases.push(Phase::new(at, status.as_str()));
                }
                Self::Slow(times) => {
                    for phase in &mut thing.phases {
                        let span = phase.at.as_second() - now.as_second();
                        let span = span.max(0).unsigned_abs() * u64::from(*times);
                        phase.at = after(now, Duration::from_secs(span));
                    }
                }
                Self::Hidden { for_s } => {
                    thing.hidden_until = Some(after(now, Duration::from_secs(u64::from(*for_s))));
                }
                _ => {}
            }
        }
    }
}
