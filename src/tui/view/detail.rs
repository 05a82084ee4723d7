//! The details of a component: the verdict with its figures, every reading with source and age, every point.

use super::pen::{Pen, Span};
use super::{sheet, words};
use crate::domain::condition::{Condition, Health};
use crate::domain::duration::{age_words, elapsed, words as span_words};
use crate::domain::estate::{Component, Selector};
use crate::domain::ids::ComponentId;
use crate::domain::readiness::{Assessment, Verdict};
use crate::domain::reading::{Capability, Fact, Subject};
use crate::domain::scope::FailureScope;
use crate::domain::size::bytes;
use crate::tui::model::{Detail, DetailPoint, Model, Worth3};
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// Returns how many lines the details have.
pub(super) fn lines(model: &Model, id: &ComponentId) -> usize {
    let points = points(model, id).map_or(0, |detail| detail.points.len());
    model.estate.component(id).map_or(0, |component| head(model, component).len()) + points
}

fn points<'a>(model: &'a Model, id: &ComponentId) -> Option<&'a Detail> {
    model.judgement.detail.as_ref().filter(|detail| detail.component == *id)
}

/// Draws the details from line `scroll` on. Only the points on the screen are put into words: there may be many.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect, id: &ComponentId, scroll: usize) {
    let Some(component) = model.estate.component(id) else { return };
    let head = head(model, component);
    let none: &[DetailPoint] = &[];
    let points = points(model, id).map_or(none, |detail| &detail.points);
    let title = [
        (component.id.to_string(), Role::Strong),
        (format!("  {}, if {}", component.kind.words(), model.scope.clause()), Role::Dim),
    ];
    sheet::title_line(pen, body, &title, scroll, head.len() + points.len());
    let room = usize::from(body.height.saturating_sub(2));
    for nth in 0..room {
        let at = scroll + nth;
        let y = body.y + 2 + u16::try_from(nth).unwrap_or(0);
        let line = match head.get(at) {
            Some(line) => line.clone(),
            None => match points.get(at - head.len()) {
                Some(point) => point_line(model, point, body.width),
                None => break,
            },
        };
        pen.spans(body.x + 1, y, body.width.saturating_sub(2), &line);
    }
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

    fn heading(&mut self, text: &str) {
        self.blank();
        self.all.push(vec![(text.to_owned(), Role::Heading)]);
    }
}

fn head(model: &Model, component: &Component) -> Vec<Vec<Span>> {
    let mut lines = Lines { model, all: Vec::new(), width: usize::from(model.size.0.saturating_sub(2)) };
    if let Some(assessment) = model.judgement.assessments.of(&component.id, model.scope) {
        verdicts(model, assessment, &mut lines);
    }
    for trouble in model
        .judgement
        .troubles
        .iter()
        .filter(|trouble| trouble.scope.is_none() && trouble.component.as_ref() == Some(&component.id))
    {
        let glyph = model.look.glyphs.severity(trouble.severity);
        let says = format!("{glyph} {}", trouble.says);
        lines.row("in the way", &says, sheet::severity_role(trouble.severity));
    }
    lines.blank();
    what(component, &mut lines);
    other_failures(model, component, &mut lines);
    condition(model, component, &mut lines);
    readings(model, component, &mut lines);
    lines.heading(if component.kind.has_points() { "Recovery points, the newest first" } else { "" });
    if component.kind.has_points()
        && points(model, &component.id).is_none_or(|detail| detail.points.is_empty())
    {
        lines.row("", "none is known", Role::Text);
    }
    lines.all
}

fn verdicts(model: &Model, assessment: &Assessment, lines: &mut Lines<'_>) {
    let glyphs = model.look.glyphs;
    let say = |verdict: Verdict| format!("{} {}", glyphs.verdict(verdict), verdict.word());
    let rpo = &assessment.rpo;
    lines.row("RPO", &say(rpo.verdict), words::role(rpo.verdict));
    let limit = words::limit(rpo.limit, glyphs);
    lines.row("could lose", &format!("{}, limit {limit}", words::loss(rpo.possible, glyphs)), Role::Text);
    lines.row("why", rpo.reason.as_str(), Role::Text);
    if let Some(best) = &rpo.best {
        let wait = if best.retrieval.is_zero() {
            String::new()
        } else {
            format!(", readable after {}", span_words(best.retrieval))
        };
        let text = format!(
            "{} {} in {}, holds {}, read {}{wait}",
            best.kind.words(),
            best.id,
            best.place,
            words::moment(best.moment),
            words::ago(best.read_at, model.now)
        );
        lines.row("best point", &text, Role::Text);
    }
    let more = { model.estate.component(&assessment.component) }
        .is_some_and(|component| model.snapshot.readings.is_unfinished(component));
    let more = if more { "+, still being read" } else { "" };
    let counts = format!("{} of {}{more} count for this failure", rpo.counts.0, rpo.counts.1);
    lines.row("points", &counts, Role::Dim);
    let rto = &assessment.rto;
    lines.row("RTO", &say(rto.verdict), words::role(rto.verdict));
    let limit = words::limit(rto.limit, glyphs);
    lines.row("back in", &format!("{}, limit {limit}", words::time(rto.possible)), Role::Text);
    lines.row("why", rto.reason.as_str(), Role::Text);
    if let Some(proof) = &rto.proven {
        let text = format!(
            "{} on {}, {} ({})",
            span_words(proof.took),
            words::moment(proof.at),
            words::ago(proof.at, model.now),
            proof.how
        );
        lines.row("proven", &text, Role::Text);
    }
    if let Some(at) = assessment.read_at {
        lines.row(
            "read",
            &format!("the oldest reading behind this is from {}", words::ago(at, model.now)),
            Role::Dim,
        );
    }
}

fn what(component: &Component, lines: &mut Lines<'_>) {
    let mut text =
        format!("{} in {}, {}", component.kind.words(), component.environment, component.home.region);
    if let Some(owner) = &component.owner {
        text.push_str(&format!(", owner {owner}"));
    }
    lines.row("component", &text, Role::Text);
    match &component.selector {
        Some(Selector::Id(id)) => lines.row("found by", &format!("id {id}"), Role::Dim),
        Some(Selector::Tag { key, value }) => lines.row("found by", &format!("tag {key}={value}"), Role::Dim),
        None => {}
    }
    let list = |ids: &[ComponentId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if !component.members.is_empty() {
        lines.row("members", &list(&component.members), Role::Dim);
    }
    if !component.depends_on.is_empty() {
        lines.row("depends on", &list(&component.depends_on), Role::Dim);
    }
    if !component.retention.is_empty() {
        let rules: Vec<_> = component.retention.iter().map(ToString::to_string).collect();
        lines.row("retention", &rules.join(", "), Role::Dim);
    }
    if let Some(every) = component.cadence {
        lines.row("cadence", &format!("a new point every {}", span_words(every)), Role::Dim);
    }
}

fn other_failures(model: &Model, component: &Component, lines: &mut Lines<'_>) {
    let glyphs = model.look.glyphs;
    for scope in FailureScope::ALL.into_iter().filter(|scope| *scope != model.scope) {
        let Some(assessment) = model.judgement.assessments.of(&component.id, scope) else { continue };
        let text = format!(
            "{} {}: could lose {}, back in {}",
            glyphs.verdict(assessment.verdict),
            assessment.verdict.word(),
            words::loss(assessment.rpo.possible, glyphs),
            words::time(assessment.rto.possible)
        );
        let label = match scope {
            FailureScope::Local => "if component",
            FailureScope::Region => "if Region",
            FailureScope::Account => "if account",
        };
        lines.row(label, &text, words::role(assessment.verdict));
    }
}

fn condition(model: &Model, component: &Component, lines: &mut Lines<'_>) {
    let reading = model.snapshot.readings.of(&component.id, &component.home, Capability::Condition);
    let Some(held) = reading.and_then(|reading| reading.held.as_ref()) else { return };
    let Fact::Condition(Condition { health, status, settings, .. }) = &held.fact else { return };
    let health = match health {
        Health::Healthy => "healthy",
        Health::Impaired => "impaired",
        Health::Down => "down",
        Health::Gone => "gone",
    };
    lines.row("condition", &format!("{health}: {status}"), Role::Text);
    if !settings.is_empty() {
        let all: Vec<_> = settings.iter().map(|(key, value)| format!("{key} {value}")).collect();
        lines.row(
            "settings",
            &format!("a restore drops these unless they are passed: {}", all.join(", ")),
            Role::Dim,
        );
    }
}

fn readings(model: &Model, component: &Component, lines: &mut Lines<'_>) {
    lines.heading("Readings");
    for (key, reading) in model.snapshot.readings.iter() {
        let Subject::Component(id, place) = &key.subject else { continue };
        if *id != component.id {
            continue;
        }
        let stale_after = model.estate.cadences.stale_after(key.capability);
        let held = reading.held.as_ref();
        let age = held
            .map_or("never read".to_owned(), |held| format!("read {}", words::ago(held.read_at, model.now)));
        let old = held.is_none_or(|held| elapsed(held.read_at, model.now) > stale_after);
        let (role, trouble) = match (&reading.failed, old) {
            (Some(failed), _) => {
                (Role::Unknown, format!("; {} {}", failed.why, words::ago(failed.at, model.now)))
            }
            (None, true) => (Role::Unknown, format!("; not relied on after {}", age_words(stale_after))),
            (None, false) => (Role::Dim, String::new()),
        };
        let text = format!("{} in {}, {}: {age}{trouble}", key.capability.words(), place, reading.source);
        for (nth, part) in words::lines(model, &text, lines.width.saturating_sub(4)).into_iter().enumerate() {
            let indent = if nth == 0 { "  " } else { "    " };
            lines.all.push(vec![(format!("{indent}{part}"), role)]);
        }
    }
}

fn point_line(model: &Model, point: &DetailPoint, width: u16) -> Vec<Span> {
    let nth = FailureScope::ALL.iter().position(|scope| *scope == model.scope).unwrap_or(0);
    let glyphs = model.look.glyphs;
    let worth = point.worth.get(nth).unwrap_or(&Worth3::Counts);
    let (verdict, word, why) = match worth {
        Worth3::Counts => (Verdict::Met, "counts ", String::new()),
        Worth3::Not(why) => (Verdict::Breached, "no     ", why.to_string()),
        Worth3::Unclear(why) => (Verdict::Unknown, "unknown", why.to_string()),
    };
    let age = point.moment.map_or_else(|| glyphs.none().to_owned(), |at| words::age(at, model.now));
    let size = point.point.size_bytes.map_or_else(String::new, bytes);
    let mut line = vec![
        (format!("  {} {word} ", glyphs.verdict(verdict)), words::role(verdict)),
        (format!("{age:>7} "), Role::Text),
    ];
    if width >= 120 {
        line.push((format!("{size:>11} "), Role::Dim));
        line.push((format!("{:<21} ", point.point.kind.words()), Role::Dim));
        line.push((format!("{:<10} ", point.point.place.region.as_str()), Role::Dim));
    } else {
        line.push((format!("{:<10} ", point.point.place.region.as_str()), Role::Dim));
    }
    line.push((point.point.id.to_string(), Role::Text));
    if let Some(hold) = &point.point.hold {
        line.push((format!("  held by {}", hold.what), Role::Dim));
    }
    if !why.is_empty() {
        line.push((format!("  {why}"), words::role(verdict)));
    }
    line
}
