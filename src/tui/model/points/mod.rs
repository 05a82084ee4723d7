//! Pane 2: recovery points, their timeline, and the time cursor.

mod inventory;
mod list;
mod timeline;

pub use inventory::{Entry, Flaw, Holder, Inventory, NO_MOMENT};
pub use list::{Grouping, Heading, List, ListLine, ListWanted, Order, thousands};
pub use timeline::{Bar, Event, EventSort, Mark, SPANS, Span, Timeline, TimelineLine};

use super::filter::{Filter, means};
use super::{JudgeRequest, Model, Pane};
use crate::domain::estate::Component;
use crate::domain::ids::{ComponentId, PointId};
use crate::domain::place::Place;
use crate::domain::readiness::{Cursor, CursorRow, Loss, recover_to};
use crate::domain::recovery_point::RecoveryPoint;
use crate::domain::scope::FailureScope;
use jiff::Timestamp;
use std::cmp::Reverse;
use std::sync::Arc;
use tui_input::Input;

/// The state of the pane.
#[derive(Debug, Clone, Default)]
pub struct Points {
    /// What is filtered for.
    pub filter: Input,
    /// Whether the filter is being typed.
    pub filtering: bool,
    /// In which order points are shown.
    pub order: Order,
    /// Under which headings.
    pub group: Grouping,
    /// The point under the cursor. It stays under it when rows move.
    pub selected: Option<PointRef>,
    /// The number of its row.
    pub at: usize,
    /// The first line shown.
    pub offset: usize,
    /// Whether the pane shows what everything could be brought back to.
    pub to_moment: bool,
    /// The chosen moment; it stays when the pane shows something else.
    pub moment: Option<Timestamp>,
    /// The component under the cursor while a moment is chosen.
    pub chosen: Option<ComponentId>,
    /// The first row shown while a moment is chosen.
    pub chosen_offset: usize,
    /// A moment that is being typed.
    pub typing: Option<Input>,
    /// What is wrong with what was typed.
    pub wrong: Option<String>,
    /// The span of the axis that somebody chose; else the one that fits.
    pub span: Option<usize>,
    /// Whether the timeline has the whole pane.
    pub whole: bool,
    /// What was last asked of the worker.
    pub asked: Option<PointsWanted>,
}

/// The name of a point: whose it is, where it lies and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointRef {
    /// Whose.
    pub component: ComponentId,
    /// Where.
    pub place: Place,
    /// What it is called.
    pub id: PointId,
}

/// What pane 2 wants of the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointsWanted {
    /// The list.
    pub list: ListWanted,
    /// Whose timeline; that of the first row where none is named.
    pub timeline: Option<ComponentId>,
    /// The moment to go back to.
    pub moment: Option<Timestamp>,
}

/// What the worker made of it.
#[derive(Debug, Clone)]
pub struct PointsJudged {
    /// Every point.
    pub inventory: Arc<Inventory>,
    /// Those that are shown.
    pub list: Arc<List>,
    /// The timeline of one component.
    pub timeline: Option<Arc<Timeline>>,
    /// What everything could be brought back to, the worst first, and after which failure.
    pub cursor: Option<(FailureScope, Arc<Cursor>)>,
}

/// Judges what pane 2 wants; what is already known of the same readings and moment is not judged again.
pub(super) fn judge(
    request: &JudgeRequest,
    wanted: &PointsWanted,
    known: Option<&PointsJudged>,
) -> PointsJudged {
    let known = known.filter(|known| known.inventory.is_of(request));
    let inventory = known.map_or_else(|| Arc::new(Inventory::of(request)), |known| known.inventory.clone());
    let list = match known.filter(|known| known.list.wanted == wanted.list) {
        Some(known) => known.list.clone(),
        None => Arc::new(List::of(&request.estate, &inventory, &wanted.list)),
    };
    let first = || {
        let holder = inventory.entry(*list.rows.first()?)?.holder;
        let holder = inventory.holders.get(usize::try_from(holder).ok()?)?;
        Some(request.estate.components.get(usize::try_from(holder.component).ok()?)?.id.clone())
    };
    let timeline = wanted.timeline.clone().or_else(first).and_then(|id| {
        let same = known.and_then(|known| known.timeline.as_ref()).filter(|known| known.component == id);
        same.cloned().or_else(|| Timeline::of(request, &inventory, &id).map(Arc::new))
    });
    let scope = wanted.list.scope;
    let cursor = wanted.moment.map(|at| {
        let same = known
            .filter(|known| known.list.wanted.environment == wanted.list.environment)
            .and_then(|known| known.cursor.as_ref())
            .filter(|(of, cursor)| *of == scope && cursor.at == at);
        same.cloned().unwrap_or_else(|| (scope, Arc::new(cursor(request, wanted, at))))
    });
    PointsJudged { inventory, list, timeline, cursor }
}

fn cursor(request: &JudgeRequest, wanted: &PointsWanted, at: Timestamp) -> Cursor {
    let readings = &request.snapshot.readings;
    let mut cursor = recover_to(&request.estate, readings, at, wanted.list.scope, request.now);
    if let Some(shown) = &wanted.list.environment {
        cursor.rows.retain(|row| {
            request.estate.component(&row.component).is_some_and(|component| component.environment == *shown)
        });
    }
    cursor.rows.sort_by(|a, b| worse(a.loss).cmp(&worse(b.loss)).then_with(|| a.component.cmp(&b.component)));
    cursor
}

/// The worst first: nothing left, then what cannot be told, then by what would be lost.
fn worse(loss: Loss) -> (u8, Reverse<std::time::Duration>) {
    match loss {
        Loss::Everything => (0, Reverse(std::time::Duration::ZERO)),
        Loss::Unknown(last) => (1, Reverse(last.unwrap_or_default())),
        Loss::Span(span) => (2, Reverse(span)),
        Loss::NotApplicable => (3, Reverse(std::time::Duration::ZERO)),
    }
}

/// A point with whose it is, as it is shown.
#[derive(Debug, Clone, Copy)]
pub struct ShownPoint<'a> {
    /// The component.
    pub component: &'a Component,
    /// Who holds it.
    pub holder: &'a Holder,
    /// The point.
    pub point: &'a RecoveryPoint,
    /// What it is worth.
    pub entry: &'a Entry,
}

impl ShownPoint<'_> {
    /// Returns its name.
    pub fn name(&self) -> PointRef {
        PointRef {
            component: self.component.id.clone(),
            place: self.holder.place.clone(),
            id: self.point.id.clone(),
        }
    }
}

impl Model {
    /// Returns what pane 2 wants of the worker; nothing while another pane is shown.
    pub fn points_wanted(&self) -> Option<PointsWanted> {
        if self.pane != Pane::Points {
            return None;
        }
        let list = ListWanted {
            scope: self.scope,
            environment: self.environment.clone(),
            filter: self.points.filter.value().to_owned(),
            order: self.points.order,
            group: self.points.group,
        };
        let selected = || self.points.selected.as_ref().map(|point| point.component.clone());
        let chosen = || {
            let rows = self.cursor_rows();
            rows.get(self.chosen_index(&rows)).map(|row| row.component.clone())
        };
        let timeline = if self.points.to_moment { chosen().or_else(selected) } else { selected() };
        Some(PointsWanted { list, timeline, moment: self.moment() })
    }

    /// Returns the moment to go back to, while the pane shows that.
    pub fn moment(&self) -> Option<Timestamp> {
        self.points.to_moment.then(|| self.points.moment.unwrap_or(self.now))
    }

    /// Returns what the worker made of the points.
    pub fn points_judged(&self) -> Option<&PointsJudged> {
        self.judgement.points.as_deref()
    }

    /// Returns the point in a row of the list.
    pub fn point_in(&self, row: usize) -> Option<ShownPoint<'_>> {
        let judged = self.points_judged()?;
        let entry = judged.inventory.entry(*judged.list.rows.get(row)?)?;
        self.shown_point(&judged.inventory, entry)
    }

    /// Returns an entry of an inventory as it is shown.
    pub fn shown_point<'a>(&'a self, inventory: &'a Inventory, entry: &'a Entry) -> Option<ShownPoint<'a>> {
        let (point, holder) = inventory.point(entry)?;
        let component = self.estate.components.get(usize::try_from(holder.component).ok()?)?;
        Some(ShownPoint { component, holder, point, entry })
    }

    /// Returns the rows of the time cursor that are shown, the worst first.
    pub fn cursor_rows(&self) -> Vec<&CursorRow> {
        let Some((_, cursor)) = self.points_judged().and_then(|judged| judged.cursor.as_ref()) else {
            return Vec::new();
        };
        let filter = Filter::parse(self.points.filter.value());
        let accepts = |row: &&CursorRow| {
            let Some(component) = self.estate.component(&row.component) else { return false };
            let best = row.best.as_ref();
            let columns = [
                ("component", component.id.as_str()),
                ("kind", component.kind.name()),
                ("kind", component.kind.words()),
                ("kind", best.map_or("", |best| best.kind.words())),
                ("region", best.map_or("", |best| best.place.region.as_str())),
                ("account", best.map_or("", |best| best.place.account.as_str())),
                ("environment", component.environment.as_str()),
                ("id", best.map_or("", |best| best.id.as_str())),
            ];
            filter.accepts(|column, value| {
                columns.iter().any(|(name, text)| means(column, name) && text.to_lowercase().contains(value))
            })
        };
        cursor.rows.iter().filter(accepts).collect()
    }

    /// Returns the number of the chosen row of the time cursor.
    pub fn chosen_index(&self, rows: &[&CursorRow]) -> usize {
        let chosen = self.points.chosen.as_ref();
        chosen.and_then(|id| rows.iter().position(|row| row.component == *id)).unwrap_or(0)
    }

    /// Returns the span of the axis.
    pub fn axis_span(&self) -> Span {
        let now = self.now.as_second();
        let fitting =
            || self.points_judged().and_then(|judged| judged.timeline.as_ref()).map(|line| line.fitting(now));
        let nth = self.points.span.or_else(fitting).unwrap_or(2);
        let [first, ..] = SPANS;
        SPANS.get(nth).copied().unwrap_or(first)
    }

    /// Returns the first and the last second of the axis: up to now, or further back where the chosen moment is.
    pub fn axis(&self) -> (i64, i64) {
        let (now, length) = (self.now.as_second(), self.axis_span().length_s);
        let end = match self.moment().map(Timestamp::as_second) {
            Some(at) if at < now.saturating_sub(length) => now.min(at.saturating_add(length / 4)),
            _ => now,
        };
        (end.saturating_sub(length), end)
    }
}
