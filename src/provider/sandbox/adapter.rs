//! The sandbox behind the ports.

use super::observe;
use super::store::WorldFile;
use super::world::World;
use crate::domain::condition::{Condition, Identity, KeyPlace, KeyState};
use crate::domain::estate::Environment;
use crate::domain::lock::Lock;
use crate::domain::place::Place;
use crate::domain::proof::Proof;
use crate::domain::reading::Capability;
use crate::domain::recovery_point::RecoveryPoint;
use crate::domain::state::StateHistory;
use crate::provider::port::{
    Answer, Ask, BoxFuture, Clock, Observers, ReadConditions, ReadIdentity, ReadKeys, ReadLocks, ReadPoints,
    ReadProofs, ReadStates, Unhurried,
};
use jiff::Timestamp;
use std::future::{pending, ready};
use std::sync::Arc;

/// How many points stand on a page.
const PAGE: usize = 100;

/// Reads a world; the world's file may be changed by other processes meanwhile.
#[derive(Debug)]
pub struct SandboxAdapter {
    file: WorldFile,
}

impl SandboxAdapter {
    /// Returns the adapter for the world in `file`.
    pub fn new(file: WorldFile) -> Self {
        Self { file }
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

impl ReadLocks for SandboxAdapter {
    fn locks<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Vec<Lock>>> {
        let id = &ask.component.id;
        self.answer(Some(ask.place), |world, now| {
            observe::ask(world, id, ask.place, Capability::Locks, now, |resource| {
                observe::locks(world, id, resource, now)
            })
        })
    }
}

impl ReadStates for SandboxAdapter {
    fn state<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<StateHistory>> {
        let id = &ask.component.id;
        self.answer(Some(ask.place), |world, now| {
            observe::ask(world, id, ask.place, Capability::States, now, |resource| {
                observe::state(world, id, resource, ask.place, now)
            })
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
