//! The ports: one for each thing that can be asked, and one for acting.

use crate::authority::ArmedCall;
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
use crate::runbook::call::{Call, Reply};
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

/// Why a call brought no answer, and what is known of its effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallTrouble {
    /// The service took the call and refused it: nothing was changed.
    #[error("{code}: {says}")]
    Refused {
        /// The service's code, such as `DBInstanceAlreadyExists`.
        code: Text,
        /// What it says.
        says: Text,
        /// The id of the request.
        request_id: Option<Text>,
        /// The HTTP status.
        status: u16,
    },
    /// The service asks to be called less often: nothing was changed.
    #[error("{code}: too many calls")]
    Throttled {
        /// The service's code.
        code: Text,
        /// The id of the request.
        request_id: Option<Text>,
    },
    /// Nobody is logged in, or the session has ended: nothing was changed.
    #[error("no valid credentials: {0}")]
    Credentials(Text),
    /// It never left this machine.
    #[error("not sent: {0}")]
    NotSent(Text),
    /// It may have been carried out: no answer came, or one that says nothing about it.
    #[error("no answer that tells: {0}")]
    InDoubt(Text),
}

impl CallTrouble {
    /// Returns the service's code of a refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } | Self::Throttled { code, .. } => Some(code.as_str()),
            _ => None,
        }
    }

    /// Says whether nothing was changed for certain.
    pub fn is_clean(&self) -> bool {
        !matches!(self, Self::InDoubt(_))
    }
}

/// Who acts, and for how long yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The identity, such as the ARN of a role's session.
    pub identity: Text,
    /// Its account.
    pub account: Text,
    /// When they end; `None` where they do not, or nobody knows.
    pub ends_at: Option<Timestamp>,
    /// Whether they renew themselves before they end.
    pub renewed: bool,
}

/// Looks by calls as a plan names them. It carries out nothing but operations that read, and refuses all others before
/// anything leaves.
pub trait Look: Send + Sync {
    /// Returns the answer to a reading call.
    fn look<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Reply, CallTrouble>>;
    /// Returns who calls in an environment, as the service sees it, by the login with which it is changed.
    fn credentials<'a>(
        &'a self,
        environment: &'a EnvironmentName,
    ) -> BoxFuture<'a, Result<Credentials, CallTrouble>>;
}

/// Changes something. It takes nothing but an armed call, so nobody without an operator's session can call it.
pub trait Act: Send + Sync {
    /// Carries the call out, once: nothing below repeats it.
    ///
    /// # Cancellation
    /// When the future is dropped, the call is in doubt.
    fn act(&self, call: ArmedCall) -> BoxFuture<'_, Result<Reply, CallTrouble>>;
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
