//! `points --at`: what could be brought back to a chosen moment.

use super::{Head, LossKind, head, text};
use crate::cli::wire::Judged;
use crate::domain::Text;
use crate::domain::place::Place;
use crate::domain::readiness::{Cursor, Loss, recover_to};
use crate::domain::recovery_point::PointKind;
use crate::domain::scope::FailureScope;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// `points --at TIME`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CursorDocument {
    /// What every document begins with.
    pub head: Head,
    /// The chosen moment.
    pub at: Timestamp,
    /// The failure after which it is brought back.
    pub failure: FailureScope,
    /// The estate as a whole.
    pub set: CursorSet,
    /// Every component that has recovery points, in the order of the estate.
    pub components: Vec<CursorRowStatus>,
}

/// The estate as a whole.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CursorSet {
    /// One sentence.
    pub says: Text,
    /// How many components have recovery points.
    pub of: usize,
    /// How many of them can be brought back to the moment or to before it.
    pub reached: usize,
    /// How many cannot go back that far.
    pub everything: usize,
    /// How many cannot be told.
    pub unknown: usize,
    /// The one that would lose most.
    pub worst: Option<CursorWorst>,
}

/// The component that would lose most.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CursorWorst {
    /// The component.
    pub component: Text,
    /// How much.
    pub loss_s: u64,
}

/// A component and what it could be brought back to.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CursorRowStatus {
    /// The component.
    pub component: Text,
    /// What kind of loss it is.
    pub loss: LossKind,
    /// What would be missing between the point and the moment; for an unknown loss by what was last known.
    pub loss_s: Option<u64>,
    /// The moment that the point would bring back.
    pub moment: Option<Timestamp>,
    /// The point that would be used.
    pub point: Option<Text>,
    /// What it is.
    pub kind: Option<PointKind>,
    /// Where it lies.
    pub place: Option<Place>,
    /// How long it takes to become readable.
    pub retrieval_s: Option<u64>,
    /// Why it cannot be told, or why there is nothing.
    pub why: Option<Text>,
}

/// Returns the document of `points --at` for the components that `wanted` accepts.
pub fn points_at(
    judged: &Judged,
    at: Timestamp,
    failure: FailureScope,
    wanted: impl Fn(&str) -> bool,
) -> CursorDocument {
    let Cursor { at, mut rows } =
        recover_to(&judged.estate, &judged.snapshot.readings, at, failure, judged.moment.now);
    rows.retain(|row| wanted(row.component.as_str()));
    let cursor = Cursor { at, rows };
    let components = cursor.rows.iter().map(|row| {
        let (loss, loss_s) = match row.loss {
            Loss::Span(span) => (LossKind::Span, Some(span.as_secs())),
            Loss::Everything => (LossKind::Everything, None),
            Loss::Unknown(last) => (LossKind::Unknown, last.map(|span| span.as_secs())),
            Loss::NotApplicable => (LossKind::NotApplicable, None),
        };
        let best = row.best.as_ref();
        CursorRowStatus {
            component: text(&row.component),
            loss,
            loss_s,
            moment: best.map(|best| best.moment),
            point: best.map(|best| text(&best.id)),
            kind: best.map(|best| best.kind),
            place: best.map(|best| best.place.clone()),
            retrieval_s: best.map(|best| best.retrieval.as_secs()).filter(|wait| *wait > 0),
            why: row.why.clone(),
        }
    });
    CursorDocument {
        head: head(judged),
        at,
        failure,
        set: CursorSet {
            says: Text::new(&cursor.headline(&at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())),
            of: cursor.rows.len(),
            reached: cursor.reached(),
            everything: cursor.rows.len() - cursor.reached() - cursor.unknown(),
            unknown: cursor.unknown(),
            worst: cursor
                .worst()
                .map(|(id, loss)| CursorWorst { component: text(id), loss_s: loss.as_secs() }),
        },
        components: components.collect(),
    }
}
