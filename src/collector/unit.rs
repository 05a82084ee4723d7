//! What there is to read of an estate: the list that the collector works through.

use crate::domain::condition::KeyPlace;
use crate::domain::estate::Estate;
use crate::domain::ids::EnvironmentName;
use crate::domain::kind::Kind;
use crate::domain::reading::{Capability, Fact, ReadingKey, Readings, Subject};
use std::collections::BTreeMap;

/// Returns everything that is read of `estate`, with the environment whose ports answer. Keys follow from the points
/// that were read.
pub fn units(estate: &Estate, readings: &Readings) -> BTreeMap<ReadingKey, EnvironmentName> {
    let mut units = BTreeMap::new();
    for environment in &estate.environments {
        let subject = Subject::Environment(environment.name.clone());
        units.insert(ReadingKey { subject, capability: Capability::Identity }, environment.name.clone());
    }
    for component in &estate.components {
        let mut add = |place: &crate::domain::place::Place, capability| {
            let subject = Subject::Component(component.id.clone(), place.clone());
            units.insert(ReadingKey { subject, capability }, component.environment.clone());
        };
        if component.kind != Kind::Group {
            add(&component.home, Capability::Proofs);
        }
        match component.kind {
            Kind::Group => {}
            Kind::Service => add(&component.home, Capability::Condition),
            Kind::TerraformState => {
                // Locks of a whole backend are read together.
                let address = estate.state_address(component, &component.home);
                let backend = address.and_then(|address| {
                    estate.backend_of(&component.home, address.bucket.as_str(), address.key.as_str())
                });
                if backend.is_none() {
                    add(&component.home, Capability::Locks);
                }
                for place in &component.sources {
                    add(place, Capability::States);
                }
            }
            kind => {
                // A DNS record and a Git remote lie in no Region, so the loss of one tells nothing of them.
                let place = match kind {
                    Kind::DnsRecord | Kind::GitRepository => component.sources.first(),
                    _ => Some(&component.home),
                };
                let answers = !kind.is_code() || matches!(kind, Kind::EksCluster | Kind::GitRepository);
                if let Some(place) = place.filter(|_| answers) {
                    add(place, Capability::Condition);
                }
                for place in &component.sources {
                    add(place, Capability::Points);
                }
            }
        }
    }
    for backend in &estate.backends {
        for place in backend.places() {
            let subject = Subject::Backend(backend.name.clone(), place.clone());
            for capability in [Capability::States, Capability::Locks] {
                let key = ReadingKey { subject: subject.clone(), capability };
                units.insert(key, backend.environment.clone());
            }
        }
    }
    let by_id = estate.by_id();
    for (key, reading) in readings.iter() {
        let Subject::Component(id, _) = &key.subject else { continue };
        let (Some(component), Some(held)) = (by_id.get(id), &reading.held) else { continue };
        let Fact::Points(points) = &held.fact else { continue };
        for point in points {
            if let Some(key) = &point.key {
                let place = KeyPlace { key: key.clone(), region: point.place.region.clone() };
                let key = ReadingKey { subject: Subject::Key(place), capability: Capability::Keys };
                units.entry(key).or_insert_with(|| component.environment.clone());
            }
        }
    }
    units
}
