//! The ports: one for each thing that can be asked, and one for acting.

use crate::authority::ArmedStep;
use crate::domain::Text;
use crate::domain::backend::{Backend, StateAddress};
use crate::domain::condition::{Condition, Identity, KeyPlace, KeyState};
use crate::domain::estate::{Component, Environment};
use crate::domain::ids::EnvironmentName;
use crate::domain::lock::Lock;
use crate::domain::place::Place;
use crate::domain::proof::Proof;
use crate::domain::reading::{Lack, ReadTrouble};
use crate::domain::recovery_point::RecoveryPoint;
use crate::domain::state::StateHistory;
use crate::domain::state::compare::Contents;
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
    /// What is missing from the value, where only a part of several calls came through.
    pub lacking: Vec<Lack>,
}

impl<T> Answer<T> {
    /// Returns an answer from which nothing is missing.
    pub fn new(source: Text, outcome: Result<T, ReadTrouble>) -> Self {
        Self { source, outcome, lacking: Vec::new() }
    }
}

/// Hears of a read while it is under way.
pub trait News: Send + Sync {
    /// Takes points that have come while others are still to come. The answer holds them too, so that a page may be
    /// dropped when there is no time for it.
    fn page(&self, points: Vec<RecoveryPoint>);
    /// Takes states in the same way.
    fn states(&self, states: Vec<StateHistory>);
    /// Takes that the read is not stuck, such as while it waits for its turn.
    fn alive(&self);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy)]
pub struct Deaf;

impl News for Deaf {
    fn page(&self, _: Vec<RecoveryPoint>) {}
    fn states(&self, _: Vec<StateHistory>) {}
    fn alive(&self) {}
}

/// What a read is about: a component, asked at one place.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The component.
    pub component: &'a Component,
    /// Where to ask.
    pub place: &'a Place,
    /// Who hears of it meanwhile.
    pub news: &'a dyn News,
}

/// What a read of a state is about.
#[derive(Clone, Copy)]
pub struct StateAsk<'a> {
    /// Where the state lies; without one there is nothing to ask.
    pub address: Option<&'a StateAddress>,
    /// The component that it is, where it is one.
    pub component: Option<&'a Component>,
    /// Where to ask.
    pub place: &'a Place,
    /// What is known of it already: what has not changed is not read again.
    pub known: Option<&'a StateHistory>,
    /// Who hears of it meanwhile.
    pub news: &'a dyn News,
}

/// What a read of a backend is about.
#[derive(Clone, Copy)]
pub struct BackendAsk<'a> {
    /// The backend.
    pub backend: &'a Backend,
    /// Where to ask: at home or at its replica.
    pub place: &'a Place,
    /// What is known of its states already, ordered by path: what has not changed is not read again.
    pub known: &'a [StateHistory],
    /// Who hears of it meanwhile.
    pub news: &'a dyn News,
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
    fn locks<'a>(&'a self, ask: StateAsk<'a>) -> BoxFuture<'a, Answer<Vec<Lock>>>;
    /// Returns the locks on all states of a backend, of both stores.
    fn backend_locks<'a>(&'a self, ask: BackendAsk<'a>) -> BoxFuture<'a, Answer<Vec<Lock>>>;
}

/// Reads Terraform states.
pub trait ReadStates: Send + Sync {
    /// Returns a state with its versions, its digest, and who held its lock file.
    fn state<'a>(&'a self, ask: StateAsk<'a>) -> BoxFuture<'a, Answer<StateHistory>>;
    /// Returns all states of a backend, each with its newest version, ordered by path.
    fn backend<'a>(&'a self, ask: BackendAsk<'a>) -> BoxFuture<'a, Answer<Vec<StateHistory>>>;
    /// Returns what is in a version of a state, sensitive values masked.
    fn contents<'a>(&'a self, ask: StateAsk<'a>, version_id: &'a str) -> BoxFuture<'a, Answer<Contents>>;
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

/// A call that is made less often than it could be, because its service asked for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slowed {
    /// The service and its Region, such as `rds in us-east-2`.
    pub what: Text,
    /// What is left of its usual rate, in percent.
    pub percent: u8,
}

/// Tells how fast is being read.
pub trait ReadPace: Send + Sync {
    /// Returns what is slowed down.
    fn slowed(&self) -> Vec<Slowed>;
}

/// Is never slowed down.
#[derive(Debug, Clone, Copy)]
pub struct Unhurried;

impl ReadPace for Unhurried {
    fn slowed(&self) -> Vec<Slowed> {
        Vec::new()
    }
}

/// What a login asks of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginAsk {
    /// The six digits that a device shows.
    Code {
        /// The device.
        device: Text,
    },
    /// A confirmation in a browser, here or elsewhere.
    Browser {
        /// The address to open.
        address: Text,
        /// What it has to show.
        code: Text,
    },
}

/// What a login has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginNews {
    /// It asks for something.
    Asks(LoginAsk),
    /// Somebody is in, or nobody has to be let in; one sentence.
    Done(Text),
    /// Nobody is in; why, and what to do.
    Failed(Text),
}

/// Opens logins. Its calls block until there is news: they belong on a thread of their own.
pub trait LogIn: Send + Sync {
    /// Begins to log in; a browser's confirmation is waited for.
    fn begin(&self, environment: &EnvironmentName, tell: &dyn Fn(LoginNews));
    /// Goes on with the code that was asked for.
    fn with_code(&self, environment: &EnvironmentName, code: &str, tell: &dyn Fn(LoginNews));
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
    /// How fast is being read.
    pub pace: Arc<dyn ReadPace>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}
