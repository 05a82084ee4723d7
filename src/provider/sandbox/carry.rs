//! Carrying calls out: what stands in the way of one, what it does, and its line in the log.

use super::act::{self, Asked, Deal};
use super::deeds::{Change, Deed};
use super::fault::{Fault, FaultId, FaultSpec};
use super::observe;
use super::store::WorldFile;
use super::world::World;
use crate::authority::{ArmedCall, CallId};
use crate::domain::Text;
use crate::domain::ids::EnvironmentName;
use crate::domain::reading::ReadTrouble;
use crate::failure::Failure;
use crate::provider::port::{CallTrouble, Credentials};
use crate::runbook::call::{Call, Reply};
use jiff::Timestamp;
use serde_json::Value;

/// What a call came to; `None` where no answer ever comes.
pub(super) type Outcome = Option<Result<Reply, CallTrouble>>;

impl WorldFile {
    /// Answers a call that reads, when it is `real` outside.
    pub(super) fn look(&self, call: &Call, real: Timestamp) -> Outcome {
        let world = self.current();
        let now = world.clock.at(real);
        let mut struck = None;
        if world.faults.iter().any(|planted| planted.spec.fits(call, true, now)) {
            // What counts the calls that it strikes is written down as an act is.
            let counted = self.under_lock(real, |world, now| {
                let (matched, fault) = strike(world, call, true, now);
                let deed =
                    (!matched.is_empty()).then(|| deed(None, call, now, matched, fault.map(|(id, _)| id)));
                (fault.map(|(_, spec)| spec.fault.clone()), deed)
            });
            struck = match counted {
                Ok(struck) => struck,
                Err(trouble) => return Some(Err(trouble)),
            };
        }
        match struck {
            Some(Fault::Hangs { .. }) => None,
            Some(fault) if fault.trouble(call).is_some() => fault.trouble(call).map(Err),
            _ => match door(&world, call, now) {
                Door::Hangs => None,
                Door::Shut(trouble) => Some(Err(trouble)),
                Door::Open => {
                    let asked = Asked { world: &world, now, call };
                    Some(act::look(&asked).map(|body| asked.reply(body)))
                }
            },
        }
    }

    /// Carries a call out, when it is `real` outside.
    pub(super) fn carry_out(&self, armed: &ArmedCall, real: Timestamp) -> Outcome {
        let call = armed.call();
        if act::is_look(&call.operation) {
            // As in AWS: what only reads is not done by who may act.
            let says = format!("{} changes nothing", call.operation);
            return Some(Err(CallTrouble::NotSent(Text::new(&says))));
        }
        let carried = self.under_lock(real, |world, now| {
            match door(world, call, now) {
                Door::Hangs => return (None, None),
                Door::Shut(trouble) => return (Some(Err(trouble)), None),
                Door::Open => {}
            }
            let (matched, fault) = strike(world, call, false, now);
            let (struck, fault) = fault.map_or((None, None), |(id, spec)| (Some(id), Some(&spec.fault)));
            let asked = Asked { world, now, call };
            let mut deed = deed(Some(armed.id().clone()), call, now, matched, struck);
            let is_counted = !deed.matched.is_empty();
            if fault.is_some_and(|fault| !fault.lets_through()) {
                deed.target = asked.about();
                let outcome = match fault {
                    Some(Fault::Hangs { .. }) => None,
                    _ => fault.and_then(|fault| fault.trouble(call)).map(Err),
                };
                return (outcome, Some(deed));
            }
            match act::act(&asked) {
                // A refusal arrives as one, whatever else is wrong.
                Err(trouble) => {
                    deed.target = asked.about();
                    (Some(Err(trouble)), is_counted.then_some(deed))
                }
                Ok(Deal { body, target, mut changes }) => {
                    if let Some(fault) = fault {
                        fault.spoil(&mut changes, now);
                    }
                    (deed.applied, deed.target, deed.changes) = (true, target, changes);
                    let outcome = match fault {
                        Some(Fault::Hangs { .. }) => None,
                        Some(fault) => Some(fault.trouble(call).map_or_else(|| Ok(asked.reply(body)), Err)),
                        None => Some(Ok(asked.reply(body))),
                    };
                    (outcome, Some(deed))
                }
            }
        });
        carried.unwrap_or_else(|trouble| Some(Err(trouble)))
    }

    /// Logs in anew in an environment: its session does not end any more.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn renew(&self, environment: &EnvironmentName) -> Result<(), Failure> {
        let renewed = self.under_lock(super::store::real_now(), |world, now| {
            let events = world.events.len();
            let deed = Deed {
                at: now,
                call: None,
                operation: "login".to_owned(),
                target: environment.to_string(),
                applied: true,
                changes: vec![Change::Renewed { environment: environment.clone(), events }],
                matched: Vec::new(),
                struck: None,
            };
            ((), Some(deed))
        });
        renewed.map_err(|trouble| Failure::of("cannot log in to the sandbox".to_owned(), &trouble))
    }

    /// Returns who acts in an environment, when it is `real` outside.
    pub(super) fn credentials(
        &self,
        environment: &EnvironmentName,
        real: Timestamp,
    ) -> Result<Credentials, CallTrouble> {
        let world = self.current();
        let now = world.clock.at(real);
        let home = world.resources.values().find(|resource| resource.environment == *environment);
        let Some(home) = home.map(|resource| resource.home.clone()) else {
            return Err(CallTrouble::Credentials(Text::new(&format!("{environment} is not simulated here"))));
        };
        if let Some(trouble) = world.fails(&home, now) {
            return Err(as_call(&trouble));
        }
        let ends_at = observe::session_end(&world, environment, now);
        if ends_at <= now {
            return Err(ended(environment, ends_at));
        }
        Ok(Credentials {
            identity: Text::new(&act::identity(home.account.as_str())),
            account: Text::new(home.account.as_str()),
            ends_at: Some(ends_at),
            renewed: world.session_ends(environment, now).is_none(),
        })
    }

    /// Changes the world under its lock: what `change` returns besides its value becomes a line of the log, and only when
    /// that is written has it happened.
    fn under_lock<T>(
        &self,
        real: Timestamp,
        change: impl FnOnce(&World, Timestamp) -> (T, Option<Deed>),
    ) -> Result<T, CallTrouble> {
        let failed = |error: std::io::Error| {
            CallTrouble::NotSent(Text::new(&format!("the sandbox's world cannot be changed: {error}")))
        };
        let _lock = self.lock().map_err(failed)?;
        let mut cached = self.cached();
        self.refresh(&mut cached).map_err(failed)?;
        let (value, deed) = change(&cached.world, cached.world.clock.at(real));
        if let Some(deed) = deed {
            cached.log.append(&deed).map_err(failed)?;
            self.refresh(&mut cached).map_err(failed)?;
            self.touch(real);
        }
        Ok(value)
    }
}

/// Returns a line of the log for a call of which nothing is known to have been done.
fn deed(
    id: Option<CallId>,
    call: &Call,
    at: Timestamp,
    matched: Vec<FaultId>,
    struck: Option<FaultId>,
) -> Deed {
    Deed {
        at,
        call: id,
        operation: call.operation.clone(),
        target: String::new(),
        applied: false,
        changes: Vec::new(),
        matched,
        struck,
    }
}

/// Returns the faults that a call counts for, and the one that strikes it.
fn strike<'a>(
    world: &'a World,
    call: &Call,
    looks: bool,
    now: Timestamp,
) -> (Vec<FaultId>, Option<(FaultId, &'a FaultSpec)>) {
    let fitting = || world.faults.iter().filter(|planted| planted.spec.fits(call, looks, now));
    let struck = fitting().find(|planted| planted.spec.strikes(&world.deeds, planted.id));
    (fitting().map(|planted| planted.id).collect(), struck.map(|planted| (planted.id, &planted.spec)))
}

/// Whether a call gets as far as its service.
enum Door {
    /// It does.
    Open,
    /// Nobody answers, ever.
    Hangs,
    /// It does not, or is turned away before it is read.
    Shut(CallTrouble),
}

fn door(world: &World, call: &Call, now: Timestamp) -> Door {
    if act::is_local(&call.operation) {
        return Door::Open;
    }
    let place = &call.place;
    if let Some(ends) = world.session_ends(&call.environment, now).filter(|ends| *ends <= now) {
        return Door::Shut(ended(&call.environment, ends));
    }
    if world.hangs(place, now) {
        return Door::Hangs;
    }
    if world.region_lost(&place.region, now).is_some() && call.service() != "sts" {
        let says = format!("no answer from {} in {}", call.service(), place.region);
        return Door::Shut(CallTrouble::InDoubt(Text::new(&says)));
    }
    world.fails(place, now).map_or(Door::Open, |trouble| Door::Shut(as_call(&trouble)))
}

fn ended(environment: &EnvironmentName, ends: Timestamp) -> CallTrouble {
    CallTrouble::Credentials(Text::new(&format!("the session for {environment} ended at {ends:.0}")))
}

/// Says the trouble of a reading as that of a call.
fn as_call(trouble: &ReadTrouble) -> CallTrouble {
    match trouble {
        ReadTrouble::Denied { permission, identity } => CallTrouble::Refused {
            code: "AccessDenied".into(),
            says: Text::new(&format!("{identity} is not authorized to perform {permission}")),
            request_id: None,
            status: 403,
        },
        ReadTrouble::Throttled => CallTrouble::Throttled { code: "Throttling".into(), request_id: None },
        ReadTrouble::CredentialsExpired => CallTrouble::Credentials("the session has ended".into()),
        ReadTrouble::TimedOut
        | ReadTrouble::Unreachable
        | ReadTrouble::Unfinished
        | ReadTrouble::Other(_) => CallTrouble::InDoubt(Text::new(&trouble.to_string())),
    }
}

impl Asked<'_> {
    /// Returns what the call is about, in a word.
    fn about(&self) -> String {
        let names = [
            "DBInstanceIdentifier",
            "DBClusterIdentifier",
            "VolumeId",
            "SnapshotId",
            "Key",
            "Bucket",
            "HostedZoneId",
            "HealthCheckId",
            "RoleName",
        ];
        let named = names.iter().find_map(|name| self.call.text(name));
        let listed =
            || self.call.arguments.get("InstanceIds").and_then(|ids| ids.get(0)).and_then(Value::as_str);
        named.or_else(listed).unwrap_or_default().to_owned()
    }
}
