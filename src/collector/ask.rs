//! One read: which port answers, and what is known already.

use super::request::{Comparing, Comparison};
use crate::domain::Text;
use crate::domain::estate::Estate;
use crate::domain::ids::EnvironmentName;
use crate::domain::reading::{Capability, Fact, ReadTrouble, Reading, ReadingKey, Subject};
use crate::domain::state::StateHistory;
use crate::domain::state::compare::{Contents, changes};
use crate::provider::port::{Answer, Ask, BackendAsk, Deaf, News, Observers, StateAsk};

/// Asks for what `key` names; `known` is what was read of it last.
pub(super) async fn ask(
    estate: &Estate,
    environment: &EnvironmentName,
    observers: &Observers,
    key: &ReadingKey,
    known: Option<&Reading>,
    news: &dyn News,
) -> Option<Answer<Fact>> {
    fn fact<T>(answer: Answer<T>, of: impl FnOnce(T) -> Fact) -> Answer<Fact> {
        Answer { source: answer.source, outcome: answer.outcome.map(of), lacking: answer.lacking }
    }
    let known = known.and_then(|reading| reading.held.as_ref()).map(|held| &held.fact);
    match &key.subject {
        Subject::Component(id, place) => {
            let component = estate.component(id)?;
            let ask = Ask { component, place, news };
            let address = || estate.state_address(component, place);
            Some(match key.capability {
                Capability::Points => fact(observers.points.points(ask).await, Fact::Points),
                Capability::Condition => fact(observers.conditions.condition(ask).await, Fact::Condition),
                Capability::Locks => {
                    let address = address();
                    let known = None;
                    let ask = StateAsk {
                        address: address.as_ref(),
                        component: Some(component),
                        place,
                        known,
                        news,
                    };
                    fact(observers.locks.locks(ask).await, Fact::Locks)
                }
                Capability::States => {
                    let (address, known) = (address(), state(known));
                    let ask = StateAsk {
                        address: address.as_ref(),
                        component: Some(component),
                        place,
                        known,
                        news,
                    };
                    fact(observers.states.state(ask).await, Fact::State)
                }
                Capability::Proofs => fact(observers.proofs.proofs(ask).await, Fact::Proofs),
                Capability::Keys | Capability::Identity => return None,
            })
        }
        Subject::Backend(name, place) => {
            let backend = estate.backend(name)?;
            let known = match known {
                Some(Fact::States(states)) => states.as_slice(),
                _ => &[],
            };
            let ask = BackendAsk { backend, place, known, news };
            Some(match key.capability {
                Capability::Locks => fact(observers.locks.backend_locks(ask).await, Fact::Locks),
                _ => fact(observers.states.backend(ask).await, Fact::States),
            })
        }
        Subject::State(name, key, place) => {
            let address = estate.backend(name)?.address(place, key.as_str());
            let (address, known) = (address.as_ref(), state(known));
            let ask = StateAsk { address, component: None, place, known, news };
            Some(fact(observers.states.state(ask).await, Fact::State))
        }
        Subject::Key(place) => {
            let environment = estate.environment(environment)?;
            Some(fact(observers.keys.key(environment, place).await, Fact::Key))
        }
        Subject::Environment(name) => {
            let environment = estate.environment(name)?;
            Some(fact(observers.identity.identity(environment).await, Fact::Identity))
        }
    }
}

fn state(known: Option<&Fact>) -> Option<&StateHistory> {
    match known {
        Some(Fact::State(state)) => Some(state),
        _ => None,
    }
}

/// Reads two versions of a state and compares them.
pub(super) async fn compare(estate: &Estate, observers: &Observers, asked: Comparing) -> Comparison {
    let outcome = both(estate, observers, &asked).await.map(|(before, after)| changes(&before, &after));
    Comparison { outcome: outcome.map_err(|why| Text::new(&why.to_string())), of: asked }
}

async fn both(
    estate: &Estate,
    observers: &Observers,
    asked: &Comparing,
) -> Result<(Contents, Contents), ReadTrouble> {
    let nothing = || ReadTrouble::Other("there is no such state in the estate".into());
    let (place, address, component) = match &asked.state {
        Subject::Component(id, place) => {
            let component = estate.component(id).ok_or_else(nothing)?;
            (place, estate.state_address(component, place), Some(component))
        }
        Subject::State(name, key, place) => {
            let backend = estate.backend(name).ok_or_else(nothing)?;
            (place, backend.address(place, key.as_str()), None)
        }
        _ => return Err(nothing()),
    };
    let ask = StateAsk { address: address.as_ref(), component, place, known: None, news: &Deaf };
    let read = async |version: &Text| {
        let answer = observers.states.contents(ask, version.as_str()).await;
        answer.outcome
    };
    Ok((read(&asked.before).await?, read(&asked.after).await?))
}
