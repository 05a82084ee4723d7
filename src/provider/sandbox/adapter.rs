//! The sandbox behind the ports.

use super::observe;
use super::store::WorldFile;
use super::world::World;
use crate::domain::condition::{Condition, Identity, KeyPlace, KeyState};
use crate::domain::estate::Environment;
use crate::domain::lock::Lock;
use crate::domain::proof::Proof;
use crate::domain::reading::Capability;
use crate::domain::recovery_point::RecoveryPoint;
use crate::domain::state::StateHistory;
use crate::provider::port::{
    Answer, Ask, BoxFuture, Clock, Observers, ReadConditions, ReadIdentity, ReadKeys, ReadLocks, ReadPoints,
    ReadProofs, ReadStates,
};
use jiff::Timestamp;
use std::future::ready;
use std::sync::Arc;

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
            clock: this,
        }
    }

    fn read<T: Send>(&self, read: impl FnOnce(&World, Timestamp) -> T) -> T {
        let world = self.file.current();
        let now = world.clock.at(Timestamp::now());
        read(&world, now)
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
        Box::pin(ready(self.read(|world, now| {
            observe::ask(world, id, ask.place, Capability::Points, now, |resource| {
                observe::recovery_points(world, id, resource, ask.place, now)
            })
        })))
    }
}

impl ReadConditions for SandboxAdapter {
    fn condition<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Condition>> {
        let id = &ask.component.id;
        Box::pin(ready(self.read(|world, now| {
            observe::ask(world, id, ask.place, Capability::Condition, now, |resource| {
                observe::condition(world, id, resource, now)
            })
        })))
    }
}

impl ReadLocks for SandboxAdapter {
    fn locks<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Vec<Lock>>> {
        let id = &ask.component.id;
        Box::pin(ready(self.read(|world, now| {
            observe::ask(world, id, ask.place, Capability::Locks, now, |resource| {
                observe::locks(world, id, resource, now)
            })
        })))
    }
}

impl ReadStates for SandboxAdapter {
    fn state<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<StateHistory>> {
        let id = &ask.component.id;
        Box::pin(ready(self.read(|world, now| {
            observe::ask(world, id, ask.place, Capability::States, now, |resource| {
                observe::state(world, id, resource, ask.place, now)
            })
        })))
    }
}

impl ReadKeys for SandboxAdapter {
    fn key<'a>(&'a self, environment: &'a Environment, key: &'a KeyPlace) -> BoxFuture<'a, Answer<KeyState>> {
        Box::pin(ready(self.read(|world, now| observe::key(world, environment, key, now))))
    }
}

impl ReadIdentity for SandboxAdapter {
    fn identity<'a>(&'a self, environment: &'a Environment) -> BoxFuture<'a, Answer<Identity>> {
        Box::pin(ready(self.read(|world, now| observe::identity(world, environment, now))))
    }
}

impl ReadProofs for SandboxAdapter {
    fn proofs<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Vec<Proof>>> {
        let id = &ask.component.id;
        Box::pin(ready(self.read(|world, now| {
            observe::ask(world, id, ask.place, Capability::Proofs, now, |resource| resource.proofs.clone())
        })))
    }
}
