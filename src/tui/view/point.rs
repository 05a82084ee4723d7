//! The details of a recovery point: everything that is known of it, in words.

use super::pen::{Pen, Span};
use super::{points_words, sheet, words};
use crate::domain::condition::{KeyPlace, KeyState};
use crate::domain::duration::words as span_words;
use crate::domain::readiness::Verdict;
use crate::domain::reading::{Capability, Fact, ReadingKey, Subject};
use crate::domain::recovery_point::{PointStatus, RecoveryPoint};
use crate::domain::scope::FailureScope;
use crate::domain::size::bytes;
use crate::tui::model::{Inventory, Model, PointRef, ShownPoint, Worth3};
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// How many copies are told of.
const COPIES: usize = 12;

/// Draws the details from line `scroll` on.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect, point: &PointRef, scroll: usize) {
    let lines = lines(model, point);
    let title = [
        (point.id.to_string(), Role::Strong),
        (format!("  a recovery point of {}", point.component), Role::Dim),
    ];
    sheet::title_line(pen, body, &title, scroll, lines.len());
    let room = usize::from(body.height.saturating_sub(2));
    for (line, y) in lines.iter().skip(scroll).take(room).zip(body.y + 2..) {
        pen.spans(body.x + 1, y, body.width.saturating_sub(2), line);
    }
}

/// Returns the lines of the details.
pub(super) fn lines(model: &Model, point: &PointRef) -> Vec<Vec<Span>> {
    let mut lines = Lines { model, all: Vec::new(), width: usize::from(model.size.0.saturating_sub(2)) };
    let found = model.points_judged().and_then(|judged| {
        let shown = find(model, &judged.inventory, point)?;
        Some((&judged.inventory, shown))
    });
    let Some((inventory, shown)) = found else {
        lines.row("", "it is not there any more, by what was last read", Role::Unknown);
        return lines.all;
    };
    what(model, &shown, &mut lines);
    lines.blank();
    for scope in FailureScope::ALL {
        let (verdict, says) = match inventory.worth(shown.entry, scope) {
            Worth3::Counts => (Verdict::Met, "it counts".to_owned()),
            Worth3::Not(why) => (Verdict::Breached, format!("it does not count: {why}")),
            Worth3::Unclear(why) => (Verdict::Unknown, format!("it cannot be told: {why}")),
        };
        let label = match scope {
            FailureScope::Local => "if component",
            FailureScope::Region => "if Region",
            FailureScope::Account => "if account",
        };
        lines.row(label, &format!("{} {says}", model.look.glyphs.verdict(verdict)), words::role(verdict));
    }
    lines.blank();
    kept(model, &shown, &mut lines);
    lines.blank();
    copies(model, inventory, &shown, &mut lines);
    lines.blank();
    reading(model, &shown, &mut lines);
    lines.all
}

struct Lines<'a> {
    model: &'a Model,
    all: Vec<Vec<Span>>,
    width: usize,
}

impl Lines<'_> {
    fn row(&mut self, label: &str, text: &str, role: Role) {
        for (nth, part) in
            words::lines(self.model, text, self.width.saturating_sub(14)).into_iter().enumerate()
        {
            let label = if nth == 0 { format!("{label:<14}") } else { " ".repeat(14) };
            self.all.push(vec![(label, Role::Heading), (part, role)]);
        }
    }

    fn blank(&mut self) {
        self.all.push(Vec::new());
    }
}

fn find<'a>(model: &'a Model, inventory: &'a Inventory, point: &PointRef) -> Option<ShownPoint<'a>> {
    // Most often it is the one under the cursor.
    let under = model.point_in(model.points.at).filter(|shown| shown.name() == *point);
    under.or_else(|| {
        let all = inventory.entries.iter().filter(|entry| {
            usize::try_from(entry.holder)
                .ok()
                .and_then(|nth| inventory.holders.get(nth))
                .is_some_and(|holder| holder.place == point.place)
        });
        let mut shown = all.filter_map(|entry| model.shown_point(inventory, entry));
        shown.find(|shown| shown.component.id == point.component && shown.point.id == point.id)
    })
}

fn what(model: &Model, shown: &ShownPoint<'_>, lines: &mut Lines<'_>) {
    let (point, now) = (shown.point, model.now);
    lines.row("kind", point.kind.words(), Role::Text);
    lines.row("holds", &points_words::holds_long(point, now), Role::Text);
    if let Some(at) = point.mark() {
        lines.row("moment", &format!("{}, {}", words::moment(at), words::ago(at, now)), Role::Text);
    }
    lines.row("size", &point.size_bytes.map_or("not known".to_owned(), bytes), Role::Text);
    lines.row("where", &shown.holder.place.to_string(), Role::Text);
    if let Some(region) = &point.control_plane {
        lines.row("restored by", &format!("the control plane in {region}"), Role::Text);
    }
    let wait = point.retrieval.map_or("at once".to_owned(), |wait| format!("after {}", span_words(wait)));
    lines.row("readable", &wait, Role::Text);
}

fn kept(model: &Model, shown: &ShownPoint<'_>, lines: &mut Lines<'_>) {
    let (point, now) = (shown.point, model.now);
    let (status, role) = status(point);
    lines.row("status", &status, role);
    match point.verified {
        Some(verification) => {
            let whole = if verification.whole { "it was whole" } else { "it was not whole" };
            let role = if verification.whole { Role::Text } else { Role::Breached };
            lines.row("read back", &format!("{}: {whole}", words::ago(verification.at, now)), role);
        }
        None => lines.row("read back", "nobody has read it back", Role::Dim),
    }
    lines.row("deletable", &point.deletable(now), Role::Text);
    let Some(key) = &point.key else {
        lines.row("key", "none of yours", Role::Dim);
        return;
    };
    let region = shown.holder.place.region.clone();
    let subject = Subject::Key(KeyPlace { key: key.clone(), region: region.clone() });
    let reading = model.snapshot.readings.get(&ReadingKey { subject, capability: Capability::Keys });
    let held = reading.and_then(|reading| reading.held.as_ref());
    let (state, role) = match held.map(|held| &held.fact) {
        Some(Fact::Key(KeyState::Enabled)) => ("enabled".to_owned(), Role::Text),
        Some(Fact::Key(KeyState::Disabled)) => ("disabled".to_owned(), Role::Breached),
        Some(Fact::Key(KeyState::PendingDeletion(at))) => {
            (format!("about to be deleted, at {}", words::moment(*at)), Role::Breached)
        }
        Some(Fact::Key(KeyState::Absent)) => ("not there".to_owned(), Role::Breached),
        _ => ("not known".to_owned(), Role::Unknown),
    };
    let read = held.map_or(String::new(), |held| format!(", read {}", words::ago(held.read_at, now)));
    let failed = reading
        .and_then(|reading| reading.failed.as_ref())
        .map_or(String::new(), |failed| format!("; {} {}", failed.why, words::ago(failed.at, now)));
    lines.row("key", &format!("{key}: {state} in {region}{read}{failed}"), role);
}

fn status(point: &RecoveryPoint) -> (String, Role) {
    match &point.status {
        PointStatus::Available => ("available".to_owned(), Role::Text),
        PointStatus::Pending => ("not complete yet".to_owned(), Role::AtRisk),
        PointStatus::Partial => ("parts of it are missing".to_owned(), Role::Breached),
        PointStatus::Stopped => ("continuous backup broke off".to_owned(), Role::Breached),
        PointStatus::Expired => ("expired: it may go at any time".to_owned(), Role::AtRisk),
        PointStatus::Failed(why) => (format!("failed: {why}"), Role::Breached),
        PointStatus::Unrecognised(word) => (format!("{word}, which is not one we know"), Role::Unknown),
    }
}

/// Tells of the same data elsewhere: points of the component with the same moment or the same name at other places.
fn copies(model: &Model, inventory: &Inventory, shown: &ShownPoint<'_>, lines: &mut Lines<'_>) {
    let own = shown.holder.component;
    let elsewhere = inventory.entries.iter().filter_map(|entry| {
        let holder = inventory.holders.get(usize::try_from(entry.holder).ok()?)?;
        if holder.component != own || holder.place == shown.holder.place {
            return None;
        }
        let other = model.shown_point(inventory, entry)?;
        let same = other.point.id == shown.point.id
            || (shown.point.mark().is_some() && other.point.mark() == shown.point.mark());
        same.then_some(other)
    });
    let mut none = true;
    for (nth, other) in elsewhere.take(COPIES).enumerate() {
        none = false;
        let worth = match inventory.worth(other.entry, model.scope) {
            Worth3::Counts => "counts".to_owned(),
            Worth3::Not(why) => format!("does not count: {why}"),
            Worth3::Unclear(why) => format!("cannot be told: {why}"),
        };
        let text =
            format!("{} {}, {}; {worth}", other.point.kind.words(), other.point.id, other.holder.place);
        lines.row(if nth == 0 { "copies" } else { "" }, &text, Role::Text);
    }
    if none {
        lines.row("copies", "none of this moment is known elsewhere", Role::Dim);
    }
}

fn reading(model: &Model, shown: &ShownPoint<'_>, lines: &mut Lines<'_>) {
    let Some(reading) = &shown.holder.reading else { return };
    let age = shown.holder.read_at.map_or("never".to_owned(), |at| words::ago(at, model.now));
    lines.row("read", &format!("{age}, by {}", reading.source), Role::Dim);
    if let Some(why) = &shown.holder.why_not {
        lines.row("", &format!("what lies there is not all known: {why}"), Role::Unknown);
    }
}
