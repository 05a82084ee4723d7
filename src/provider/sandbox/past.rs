//! What a console would have read before the scenario began, had one been running.

use super::world::World;
use super::{observe, states, store::WorldFile};
use crate::domain::duration::before;
use crate::domain::estate::{Component, Estate};
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::domain::reading::{Capability, Fact, Reading, ReadingKey, Subject};
use crate::provider::port::Answer;
use jiff::Timestamp;
use std::time::Duration;

/// How long before the world began its last readings were taken.
const AGO: Duration = Duration::from_secs(40);

/// Returns the readings of `environment`'s components as they were shortly before the world began.
pub fn past_readings(file: &WorldFile, estate: &Estate, environment: &str) -> Vec<(ReadingKey, Reading)> {
    let world = file.current();
    let at = before(world.began, AGO);
    let mut readings = Vec::new();
    let components =
        estate.components.iter().filter(|component| component.environment.as_str() == environment);
    for component in components.filter(|component| component.kind != Kind::Group) {
        for place in &component.sources {
            let subject = Subject::Component(component.id.clone(), place.clone());
            let path = estate.state_address(component, place).map(|address| address.path());
            for (capability, answer) in facts(&world, component, place, path.as_deref(), at) {
                let reading = match answer.outcome {
                    Ok(fact) => Reading::succeeded(None, answer.source.as_str(), fact, at),
                    Err(why) => Reading::missed(None, answer.source.as_str(), why, at),
                };
                readings.push((ReadingKey { subject: subject.clone(), capability }, reading));
            }
        }
    }
    readings
}

fn facts(
    world: &World,
    component: &Component,
    place: &Place,
    path: Option<&str>,
    at: Timestamp,
) -> Vec<(Capability, Answer<Fact>)> {
    let id = &component.id;
    if component.kind == Kind::TerraformState {
        let answer = observe::ask(world, id, place, Capability::States, at, |resource| {
            Fact::State(states::state(world, id, resource, place, path, at))
        });
        return vec![(Capability::States, answer)];
    }
    let answer = observe::ask(world, id, place, Capability::Points, at, |resource| {
        Fact::Points(observe::recovery_points(world, id, resource, place, at))
    });
    let mut all = vec![(Capability::Points, answer)];
    // Only where it lives does it say how it is, with the settings that a restore would drop (R4).
    if *place == component.home {
        let condition = observe::ask(world, id, place, Capability::Condition, at, |resource| {
            Fact::Condition(observe::condition(world, id, resource, at))
        });
        all.push((Capability::Condition, condition));
    }
    all
}
