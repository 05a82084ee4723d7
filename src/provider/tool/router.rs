//! Which adapter answers: the tools for what lies outside AWS, the other for everything else.

use super::ToolAdapter;
use super::folder::{own, whereabouts};
use crate::domain::Text;
use crate::domain::condition::Condition;
use crate::domain::kind::Kind;
use crate::domain::reading::Lack;
use crate::domain::recovery_point::RecoveryPoint;
use crate::provider::port::{Answer, Ask, BoxFuture, Observers, ReadConditions, ReadPoints};
use std::sync::Arc;

/// Returns `inner` with `tools` before it: Git remotes and dumps in folders are read by the tools, everything else by
/// `inner`. Where dumps lie in folders and elsewhere at one place, both are asked, and the answer holds what both brought.
pub fn route(inner: Observers, tools: ToolAdapter) -> Observers {
    let router =
        Arc::new(Router { points: inner.points.clone(), conditions: inner.conditions.clone(), tools });
    Observers { points: router.clone(), conditions: router, ..inner }
}

struct Router {
    points: Arc<dyn ReadPoints>,
    conditions: Arc<dyn ReadConditions>,
    tools: ToolAdapter,
}

impl ReadPoints for Router {
    fn points<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Vec<RecoveryPoint>>> {
        match ask.component.kind {
            Kind::GitRepository => self.tools.points(ask),
            Kind::DatabaseDump => {
                let at = whereabouts(ask.component, ask.place);
                match (at.folders.is_empty(), at.elsewhere) {
                    (true, true) => self.points.points(ask),
                    (_, false) => self.tools.points(ask),
                    (false, true) => Box::pin(async move {
                        let (ours, theirs) = tokio::join!(self.tools.points(ask), self.points.points(ask));
                        both(ours, theirs)
                    }),
                }
            }
            _ => self.points.points(ask),
        }
    }
}

impl ReadConditions for Router {
    fn condition<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Condition>> {
        match ask.component.kind {
            Kind::GitRepository => self.tools.condition(ask),
            Kind::DatabaseDump if own(ask.component).is_some() => self.tools.condition(ask),
            _ => self.conditions.condition(ask),
        }
    }
}

/// Puts two answers about one place together. What one of them could not read is missing from the whole; only when
/// neither could read anything is there no value.
fn both(ours: Answer<Vec<RecoveryPoint>>, theirs: Answer<Vec<RecoveryPoint>>) -> Answer<Vec<RecoveryPoint>> {
    let source = Text::new(&format!("{}; {}", ours.source, theirs.source));
    let mut lacking = ours.lacking;
    lacking.extend(theirs.lacking);
    let outcome = match (ours.outcome, theirs.outcome) {
        (Ok(mut points), Ok(more)) => {
            points.extend(more);
            Ok(points)
        }
        (Ok(points), Err(why)) => {
            lacking.push(Lack { source: theirs.source, why });
            Ok(points)
        }
        (Err(why), Ok(points)) => {
            lacking.push(Lack { source: ours.source, why });
            Ok(points)
        }
        (Err(why), Err(_)) => Err(why),
    };
    Answer { source, outcome, lacking }
}
