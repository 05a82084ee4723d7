//! What stands in the place of an adapter that this build does not have: it reads nothing, and says so.

use super::clock::SystemClock;
use super::port::{
    Act, Answer, Ask, BackendAsk, BoxFuture, CallTrouble, Credentials, Look, Observers, ReadConditions,
    ReadIdentity, ReadKeys, ReadLocks, ReadPoints, ReadProofs, ReadStates, StateAsk, Unhurried,
};
use crate::authority::ArmedCall;
use crate::domain::condition::{Condition, Identity, KeyPlace, KeyState};
use crate::domain::estate::Environment;
use crate::domain::ids::EnvironmentName;
use crate::domain::lock::Lock;
use crate::domain::proof::Proof;
use crate::domain::reading::ReadTrouble;
use crate::domain::recovery_point::RecoveryPoint;
use crate::domain::state::StateHistory;
use crate::domain::state::compare::Contents;
use crate::runbook::call::{Call, Reply};
use std::future::ready;
use std::sync::Arc;

/// Answers every question with the reason why it cannot be answered.
#[derive(Debug, Clone, Copy)]
pub struct AbsentAdapter {
    /// What is missing, such as `AWS`.
    pub what: &'static str,
}

impl AbsentAdapter {
    /// Returns it as everything that reads an environment.
    pub fn observers(self) -> Observers {
        let this = Arc::new(self);
        Observers {
            points: this.clone(),
            conditions: this.clone(),
            locks: this.clone(),
            states: this.clone(),
            keys: this.clone(),
            identity: this.clone(),
            proofs: this,
            pace: Arc::new(Unhurried),
            clock: Arc::new(SystemClock),
        }
    }

    fn answer<'a, T: Send + 'a>(self) -> BoxFuture<'a, Answer<T>> {
        let why = format!("this build of lifeboat cannot read {}", self.what);
        let outcome = Err(ReadTrouble::Other(why.as_str().into()));
        Box::pin(ready(Answer::new(self.what.into(), outcome)))
    }
}

impl Look for AbsentAdapter {
    fn look<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Reply, CallTrouble>> {
        let why = format!("this build of lifeboat cannot call {}", call.operation);
        Box::pin(ready(Err(CallTrouble::NotSent(why.into()))))
    }

    fn credentials<'a>(&'a self, _: &'a EnvironmentName) -> BoxFuture<'a, Result<Credentials, CallTrouble>> {
        let why = format!("this build of lifeboat cannot reach {}", self.what);
        Box::pin(ready(Err(CallTrouble::NotSent(why.into()))))
    }
}

impl Act for AbsentAdapter {
    fn act(&self, call: ArmedCall) -> BoxFuture<'_, Result<Reply, CallTrouble>> {
        let why = format!("this build of lifeboat cannot call {}", call.call().operation);
        Box::pin(ready(Err(CallTrouble::NotSent(why.into()))))
    }
}

impl ReadPoints for AbsentAdapter {
    fn points<'a>(&'a self, _: Ask<'a>) -> BoxFuture<'a, Answer<Vec<RecoveryPoint>>> {
        self.answer()
    }
}
impl ReadConditions for AbsentAdapter {
    fn condition<'a>(&'a self, _: Ask<'a>) -> BoxFuture<'a, Answer<Condition>> {
        self.answer()
    }
}
impl ReadLocks for AbsentAdapter {
    fn locks<'a>(&'a self, _: StateAsk<'a>) -> BoxFuture<'a, Answer<Vec<Lock>>> {
        self.answer()
    }
    fn backend_locks<'a>(&'a self, _: BackendAsk<'a>) -> BoxFuture<'a, Answer<Vec<Lock>>> {
        self.answer()
    }
}
impl ReadStates for AbsentAdapter {
    fn state<'a>(&'a self, _: StateAsk<'a>) -> BoxFuture<'a, Answer<StateHistory>> {
        self.answer()
    }
    fn backend<'a>(&'a self, _: BackendAsk<'a>) -> BoxFuture<'a, Answer<Vec<StateHistory>>> {
        self.answer()
    }
    fn contents<'a>(&'a self, _: StateAsk<'a>, _: &'a str) -> BoxFuture<'a, Answer<Contents>> {
        self.answer()
    }
}
impl ReadKeys for AbsentAdapter {
    fn key<'a>(&'a self, _: &'a Environment, _: &'a KeyPlace) -> BoxFuture<'a, Answer<KeyState>> {
        self.answer()
    }
}
impl ReadIdentity for AbsentAdapter {
    fn identity<'a>(&'a self, _: &'a Environment) -> BoxFuture<'a, Answer<Identity>> {
        self.answer()
    }
}
impl ReadProofs for AbsentAdapter {
    fn proofs<'a>(&'a self, _: Ask<'a>) -> BoxFuture<'a, Answer<Vec<Proof>>> {
        // Measured recoveries of the estate file are there without any adapter.
        Box::pin(ready(Answer::new("estate file".into(), Ok(Vec::new()))))
    }
}
