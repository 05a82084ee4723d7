//! The sandbox behind the ports.

use super::store::WorldFile;
use super::world::{Resource, World};
use super::{observe, states};
use crate::authority::ArmedCall;
use crate::domain::Text;
use crate::domain::backend::StateAddress;
use crate::domain::condition::{Condition, Identity, KeyPlace, KeyState};
use crate::domain::estate::Environment;
use crate::domain::ids::{ComponentId, EnvironmentName};
use crate::domain::lock::Lock;
use crate::domain::place::Place;
use crate::domain::proof::Proof;
use crate::domain::reading::{Capability, ReadTrouble};
use crate::domain::recovery_point::RecoveryPoint;
use crate::domain::state::StateHistory;
use crate::domain::state::compare::Contents;
use crate::provider::port::{
    Act, Answer, Ask, BackendAsk, BoxFuture, CallTrouble, Clock, Credentials, Look, Observers,
    ReadConditions, ReadIdentity, ReadKeys, ReadLocks, ReadPoints, ReadProofs, ReadStates, StateAsk,
    Unhurried,
};
use crate::runbook::call::{Call, Reply};
use jiff::Timestamp;
use std::future::{pending, ready};
use std::sync::Arc;

/// How many points stand on a page.
const PAGE: usize = 100;

/// Reads a world; the world's file may be changed by other processes meanwhile.
#[derive(Debug, Clone)]
pub struct SandboxAdapter {
    file: Arc<WorldFile>,
}

impl SandboxAdapter {
    /// Returns the adapter for the world in `file`.
    pub fn new(file: WorldFile) -> Self {
        Self { file: Arc::new(file) }
    }

    /// Returns the world's file.
    pub fn file(&self) -> &WorldFile {
        &self.file
    }

    /// Returns what looks at it by calls.
    pub fn looking(&self) -> Arc<dyn Look> {
        Arc::new(self.clone())
    }

    /// Returns what changes it. Only an armed call does, so only an operator's session has any use for it.
    pub fn acting(&self) -> Arc<dyn Act> {
        Arc::new(Actor { file: self.file.clone() })
    }

    /// Returns everything that reads it.
    pub fn observers(self) -> Observers {
        let this = Arc::new(self);
        Observers {
            points: this.clone(),
            conditions: this.clone(),
            locks: this.clone(),
            states: this.clone(),
            keys: this.clone(),
            identity: this.clone(),
            proofs: this.clone(),
            pace: Arc::new(Unhurried),
            clock: this,
        }
    }

    /// Answers from the world as it is now; never, where the place asked hangs. What is ours is asked nowhere.
    fn answer<'a, T: Send + 'a>(
        &self,
        place: Option<&Place>,
        read: impl FnOnce(&World, Timestamp) -> Answer<T>,
    ) -> BoxFuture<'a, Answer<T>> {
        let world = self.file.current();
        let now = world.clock.at(Timestamp::now());
        if place.is_some_and(|place| world.hangs(place, now)) {
            return Box::pin(pending());
        }
        Box::pin(ready(read(&world, now)))
    }
}

impl Look for SandboxAdapter {
    fn look<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Reply, CallTrouble>> {
        Box::pin(async move {
            match self.file.look(call, Timestamp::now()) {
                Some(outcome) => outcome,
                None => pending().await,
            }
        })
    }

    fn credentials<'a>(
        &'a self,
        environment: &'a EnvironmentName,
    ) -> BoxFuture<'a, Result<Credentials, CallTrouble>> {
        Box::pin(async move { self.file.credentials(environment, Timestamp::now()) })
    }
}

/// Changes a world. Apart from [`SandboxAdapter`], so that what reads can never act.
#[derive(Debug)]
struct Actor {
    file: Arc<WorldFile>,
}

impl Act for Actor {
    fn act(&self, call: ArmedCall) -> BoxFuture<'_, Result<Reply, CallTrouble>> {
        Box::pin(async move {
            match self.file.carry_out(&call, Timestamp::now()) {
                Some(outcome) => outcome,
                None => pending().await,
            }
        })
    }
}

impl Clock for SandboxAdapter {
    fn now(&self) -> Timestamp {
        self.file.current().clock.at(Timestamp::now())
    }
    fn speed(&self) -> f64 {
        self.file.current().clock.speed
    }
}

impl ReadPoints for SandboxAdapter {
    fn points<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Vec<RecoveryPoint>>> {
        let id = &ask.component.id;
        self.answer(Some(ask.place), |world, now| {
            let answer = observe::ask(world, id, ask.place, Capability::Points, now, |resource| {
                observe::recovery_points(world, id, resource, ask.place, now)
            });
            // As services do: a long list comes in pages, and the answer is all of them.
            let pages = answer.outcome.iter().flat_map(|points| points.chunks(PAGE));
            let mut pages = pages.peekable();
            while let Some(page) = pages.next().filter(|_| pages.peek().is_some()) {
                ask.news.page(page.to_vec());
            }
            answer
        })
    }
}

impl ReadConditions for SandboxAdapter {
    fn condition<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Condition>> {
        let id = &ask.component.id;
        self.answer(Some(ask.place), |world, now| {
            observe::ask(world, id, ask.place, Capability::Condition, now, |resource| {
                observe::condition(world, id, resource, now)
            })
        })
    }
}

impl SandboxAdapter {
    /// Answers about the state that is asked for, by the world's name of it.
    fn of_state<'a, T: Send + 'a>(
        &self,
        ask: StateAsk<'a>,
        capability: Capability,
        read: impl FnOnce(&World, &ComponentId, &Resource, Timestamp) -> T,
    ) -> BoxFuture<'a, Answer<T>> {
        self.answer(Some(ask.place), |world, now| {
            let named = ask.component.map(|component| &component.id);
            let path = ask.address.map(StateAddress::path).unwrap_or_default();
            let found = named.filter(|id| world.resources.contains_key(id));
            let id = found.or_else(|| states::at_path(world, &path).map(|(id, _)| id));
            let nobody = ComponentId::new(&path);
            let id = id.unwrap_or(&nobody);
            observe::ask(world, id, ask.place, capability, now, |resource| read(world, id, resource, now))
        })
    }

    /// Answers about all states of a backend.
    fn of_backend<'a, T: Send + 'a>(
        &self,
        ask: BackendAsk<'a>,
        capability: Capability,
        read: impl Fn(&World, &ComponentId, &Resource, Timestamp) -> Vec<T>,
    ) -> BoxFuture<'a, Answer<Vec<T>>> {
        self.answer(Some(ask.place), |world, now| {
            let all = states::of_backend(world, ask.backend);
            // Whoever is let in at all may list it; what is denied of a component is denied of that alone.
            let Some((any, _)) = all.iter().find(|(_, resource)| resource.denied.is_empty()) else {
                return Answer::new("sandbox".into(), Ok(Vec::new()));
            };
            observe::ask(world, any, ask.place, capability, now, |_| {
                all.iter().flat_map(|(id, resource)| read(world, id, resource, now)).collect()
            })
        })
    }
}

impl ReadLocks for SandboxAdapter {
    fn locks<'a>(&'a self, ask: StateAsk<'a>) -> BoxFuture<'a, Answer<Vec<Lock>>> {
        self.of_state(ask, Capability::Locks, states::locks)
    }

    fn backend_locks<'a>(&'a self, ask: BackendAsk<'a>) -> BoxFuture<'a, Answer<Vec<Lock>>> {
        let home = *ask.place == ask.backend.home;
        self.of_backend(ask, Capability::Locks, move |world, id, resource, now| {
            // Nobody works at a replica here.
            if home { states::locks(world, id, resource, now) } else { Vec::new() }
        })
    }
}

impl ReadStates for SandboxAdapter {
    fn state<'a>(&'a self, ask: StateAsk<'a>) -> BoxFuture<'a, Answer<StateHistory>> {
        let path = ask.address.map(StateAddress::path);
        self.of_state(ask, Capability::States, move |world, id, resource, now| {
            states::state(world, id, resource, ask.place, path.as_deref(), now)
        })
    }

    fn backend<'a>(&'a self, ask: BackendAsk<'a>) -> BoxFuture<'a, Answer<Vec<StateHistory>>> {
        let answer = self.of_backend(ask, Capability::States, move |world, id, resource, now| {
            let own = resource.state.as_ref().map(|state| state.path.to_string()).unwrap_or_default();
            let key = own.split_once('/').map_or("", |(_, key)| key);
            let path = ask.backend.address(ask.place, key).map(|address| address.path());
            let mut state = states::state(world, id, resource, ask.place, path.as_deref(), now);
            state.versions.truncate(1);
            state.lock_turns.clear();
            vec![state]
        });
        Box::pin(async move {
            let answer = answer.await;
            let mut pages = answer.outcome.iter().flat_map(|states| states.chunks(PAGE)).peekable();
            while let Some(page) = pages.next().filter(|_| pages.peek().is_some()) {
                ask.news.states(page.to_vec());
            }
            answer
        })
    }

    fn contents<'a>(&'a self, ask: StateAsk<'a>, version_id: &'a str) -> BoxFuture<'a, Answer<Contents>> {
        let answer = self.of_state(ask, Capability::States, move |world, id, resource, now| {
            let state = states::state(world, id, resource, ask.place, None, now);
            let version = state.versions.iter().find(|version| version.version_id.as_str() == version_id);
            let gone = || Err("there is no such version any more".to_owned());
            version.map_or_else(gone, |version| states::contents(world, id, resource, version))
        });
        Box::pin(async move {
            let answer = answer.await;
            let told =
                |told: Result<Contents, String>| told.map_err(|why| ReadTrouble::Other(Text::new(&why)));
            Answer { source: answer.source, outcome: answer.outcome.and_then(told), lacking: answer.lacking }
        })
    }
}

impl ReadKeys for SandboxAdapter {
    fn key<'a>(&'a self, environment: &'a Environment, key: &'a KeyPlace) -> BoxFuture<'a, Answer<KeyState>> {
        let place = observe::key_place(environment, key);
        self.answer(Some(&place), |world, now| observe::key(world, environment, key, now))
    }
}

impl ReadIdentity for SandboxAdapter {
    fn identity<'a>(&'a self, environment: &'a Environment) -> BoxFuture<'a, Answer<Identity>> {
        self.answer(Some(&environment.home()), |world, now| observe::identity(world, environment, now))
    }
}

impl ReadProofs for SandboxAdapter {
    fn proofs<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Vec<Proof>>> {
        let id = &ask.component.id;
        self.answer(None, |world, now| {
            observe::ask(world, id, ask.place, Capability::Proofs, now, |resource| resource.proofs.clone())
        })
    }
}
