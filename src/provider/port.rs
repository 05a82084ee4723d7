//! The ports: one for each thing that can be asked, and one for acting.

use crate::authority::ArmedStep;
use crate::domain::Text;
use crate::domain::condition::{Condition, Identity, KeyPlace, KeyState};
use crate::domain::estate::{Component, Environment};
use crate::domain::lock::Lock;
use crate::domain::place::Place;
use crate::domain::proof::Proof;
use crate::domain::reading::ReadTrouble;
use crate::domain::recovery_point::RecoveryPoint;
use crate::domain::state::StateHistory;
use jiff::Timestamp;
use std::{future::Future, pin::Pin, sync::Arc};

/// A future that an object-safe trait can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a read brought, and by which call.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The call, such as `rds:DescribeDBSnapshots`.
    pub source: Text,
    /// The value, or why there is none. A missing permission is never an absent resource (C1).
    pub outcome: Result<T, ReadTrouble>,
}

/// What a read is about: a component, asked at one place.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The component.
    pub component: &'a Component,
    /// Where to ask.
    pub place: &'a Place,
}

/// Reads recovery points.
pub trait ReadPoints: Send + Sync {
    /// Returns the recovery points of a component at a place.
    fn points<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Vec<RecoveryPoint>>>;
}

/// Reads how components are.
pub trait ReadConditions: Send + Sync {
    /// Returns how a component is.
    fn condition<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Condition>>;
}

/// Reads Terraform locks.
pub trait ReadLocks: Send + Sync {
    /// Returns the locks on a state, of both stores (T2).
    fn locks<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Vec<Lock>>>;
}

/// Reads Terraform states.
pub trait ReadStates: Send + Sync {
    /// Returns a state with its versions and digest.
    fn state<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<StateHistory>>;
}

/// Reads keys.
pub trait ReadKeys: Send + Sync {
    /// Returns whether a key can decrypt in a Region.
    fn key<'a>(&'a self, environment: &'a Environment, key: &'a KeyPlace) -> BoxFuture<'a, Answer<KeyState>>;
}

/// Reads who we are.
pub trait ReadIdentity: Send + Sync {
    /// Returns the caller in an environment.
    fn identity<'a>(&'a self, environment: &'a Environment) -> BoxFuture<'a, Answer<Identity>>;
}

/// Reads measured recoveries.
pub trait ReadProofs: Send + Sync {
    /// Returns the measured recoveries of a component.
    fn proofs<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Vec<Proof>>>;
}

/// Tells the time of an environment: the sandbox has its own.
pub trait Clock: Send + Sync {
    /// Returns now.
    fn now(&self) -> Timestamp;
    /// Returns how many seconds of it pass in a second; zero when it stands still.
    fn speed(&self) -> f64;
}

/// Changes something. It takes nothing but an armed step, so nobody without an operator's session can call it.
pub trait Act: Send + Sync {
    /// Carries the step out.
    fn apply(&self, step: ArmedStep) -> BoxFuture<'_, Answer<()>>;
}

/// Everything that reads one environment.
#[derive(Clone)]
pub struct Observers {
    /// Recovery points.
    pub points: Arc<dyn ReadPoints>,
    /// Conditions.
    pub conditions: Arc<dyn ReadConditions>,
    /// Locks.
    pub locks: Arc<dyn ReadLocks>,
    /// States.
    pub states: Arc<dyn ReadStates>,
    /// Keys.
    pub keys: Arc<dyn ReadKeys>,
    /// Identity.
    pub identity: Arc<dyn ReadIdentity>,
    /// Measured recoveries.
    pub proofs: Arc<dyn ReadProofs>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}
