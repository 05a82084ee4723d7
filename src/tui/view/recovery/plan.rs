//! A plan as it is read before anybody agrees: what it may do at worst, its steps, and every call.

use super::super::pen::{Pen, Span};
use super::super::sheet::title_line;
use super::{class_role, rough};
use crate::domain::duration::words;
use crate::domain::estate::{EnvironmentClass, Purpose};
use crate::runbook::call::Call;
use crate::runbook::consent::required_for;
use crate::runbook::forecast::{Course, Forecast, forecast};
use crate::runbook::markdown::{class_words, strength_words};
use crate::runbook::plan::{Mode, Plan, PlannedStep, Undo};
use crate::runbook::schedule::JOIN;
use crate::runbook::state::RunState;
use crate::tui::model::{Model, OpenPlan};
use crate::tui::theme::Role;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::layout::Rect;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// Draws the plan.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect, open: &OpenPlan) {
    let lines = lines(model, open);
    let plan = &open.prepared.plan;
    let class = match plan.class {
        EnvironmentClass::Production => (" PROD ".to_owned(), Role::Production),
        EnvironmentClass::NonProduction => ("not production".to_owned(), Role::Dim),
    };
    let mode = match plan.mode {
        Mode::Recover => "Plan: ",
        Mode::Drill => "Plan of a drill: ",
        Mode::Tabletop => "Plan of a tabletop, no call leaves: ",
    };
    let title = [
        (format!("{mode}{}  ", plan.runbook.title), Role::Strong),
        class,
        (format!("  {} in {}", plan.environment, plan.place.region), Role::Dim),
    ];
    title_line(pen, body, &title, open.scroll, lines.len());
    let room = usize::from(body.height.saturating_sub(2));
    for (nth, line) in lines.iter().skip(open.scroll).take(room).enumerate() {
        let y = body.y + 2 + u16::try_from(nth).unwrap_or(0);
        pen.spans(body.x + 1, y, body.width.saturating_sub(2), line);
    }
}

/// Returns the lines of a plan.
pub(super) fn lines(model: &Model, open: &OpenPlan) -> Vec<Vec<Span>> {
    let width = usize::from(model.size.0.saturating_sub(4)).min(150);
    let (plan, hash) = (&open.prepared.plan, &open.prepared.hash);
    let mut lines: Vec<Vec<Span>> = Vec::new();
    let worst = plan.worst();
    lines.push(vec![
        ("At worst it ".to_owned(), Role::Text),
        (class_words(worst).to_owned(), class_role(worst)),
        (format!(".  To agree: {}.", strength_words(required_for(plan))), Role::Text),
    ]);
    let mut state = RunState::of(plan);
    state.agreed_at = Some(model.now);
    let found = forecast(plan, &state, &BTreeMap::new(), model.now);
    lines.push(time(model, plan, &found));
    let planes: BTreeSet<String> = plan
        .steps
        .iter()
        .flat_map(|step| {
            let own = step.control_plane.as_ref().map(ToString::to_string);
            step.calls.iter().map(|planned| planned.call.place.region.to_string()).chain(own)
        })
        .collect();
    if !planes.is_empty() {
        let planes = planes.into_iter().collect::<Vec<_>>().join(", ");
        lines.push(vec![
            ("needs to answer: the control plane of ".to_owned(), Role::Dim),
            (planes, Role::Text),
        ]);
    }
    lines.extend(logins(model, plan, &found));
    lines.push(vec![
        (format!("account {} ({})   plan ", plan.place.account, plan.account_alias), Role::Dim),
        (hash.short().to_owned(), Role::Text),
        (format!("   run {}", plan.run), Role::Dim),
    ]);
    for note in &open.prepared.notes {
        lines.extend(
            super::super::words::lines(model, note.as_str(), width)
                .into_iter()
                .map(|part| vec![(part, Role::AtRisk)]),
        );
    }
    lines.push(Vec::new());
    lines.extend(table(model, plan, &found, width));
    for step in plan.steps.iter().filter(|step| step.uses != *JOIN) {
        lines.push(Vec::new());
        of_step(model, step, width, &mut lines);
    }
    lines
}

/// Says how long it takes, and how that stands to what was promised.
fn time(model: &Model, plan: &Plan, found: &Forecast) -> Vec<Span> {
    let left = |at| rough(crate::domain::duration::elapsed(model.now, at));
    let mut spans = vec![(format!("takes {} to {}", left(found.earliest), left(found.latest)), Role::Text)];
    if !found.open.is_empty() {
        let open = found.open.iter().map(crate::domain::Text::as_str).collect::<Vec<_>>().join(", ");
        spans.push((format!(", and as long as {open} waits"), Role::Text));
    }
    let promised = plan.promised_s.map_or(String::new(), |promised| {
        format!("; promised within {}: ", words(Duration::from_secs(promised)))
    });
    spans.push((promised, Role::Text));
    spans.push(match found.course() {
        Course::NoPromise => ("; nothing was promised".to_owned(), Role::Dim),
        Course::InTime(spare) => (format!("in time, {} to spare", rough(spare)), Role::Met),
        Course::MayMiss(by) => (format!("late by up to {}", rough(by)), Role::AtRisk),
        Course::Misses(by) => (format!("late by {} at best", rough(by)), Role::Breached),
        Course::Open(spare) => (format!("in time if people answer within {}", rough(spare)), Role::AtRisk),
    });
    spans
}

/// Says until when calls leave, and whether the login lasts as long.
fn logins(model: &Model, plan: &Plan, found: &Forecast) -> Option<Vec<Span>> {
    let calls = plan.steps.iter().filter(|step| !step.calls.is_empty() && plan.mode != Mode::Tabletop);
    let last = calls.filter_map(|step| found.begins.get(&step.id)).map(|(_, latest)| *latest).max()?;
    let at = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%H:%M UTC").to_string();
    let mut spans = vec![(format!("the last call leaves by {}", at(last)), Role::Text)];
    let identities = model.identities();
    let known = identities.iter().find(|(environment, _)| environment.name == plan.environment);
    let own = known.is_some_and(|(environment, _)| environment.access.logins.contains_key(&Purpose::Operate));
    spans.push(match known.map(|(_, identity)| identity.expires_at) {
        _ if own => {
            ("; the run opens the login for operating that the estate file names".to_owned(), Role::Dim)
        }
        Some(Some(ends)) if ends <= last => (
            format!("; the login ends at {}: the run waits then until somebody logs in", at(ends)),
            Role::AtRisk,
        ),
        Some(Some(ends)) => (format!("; the login lasts until {}", at(ends)), Role::Dim),
        Some(None) => ("; the login does not end by itself".to_owned(), Role::Dim),
        None => ("; how long the login lasts is not known".to_owned(), Role::Dim),
    });
    Some(spans)
}

fn table(model: &Model, plan: &Plan, found: &Forecast, width: usize) -> Vec<Vec<Span>> {
    let begins = |step: &PlannedStep| {
        let after = |at: &Timestamp| crate::domain::duration::elapsed(model.now, *at);
        match found.begins.get(&step.id).map(|(low, high)| (after(low), after(high))) {
            Some((_, high)) if high.is_zero() => "at once".to_owned(),
            Some((low, high)) if rough(low) == rough(high) => format!("after {}", rough(low)),
            Some((low, high)) => format!("after {} to {}", rough(low), rough(high)),
            None => String::new(),
        }
    };
    let is_wide = width >= 130;
    let steps: Vec<&PlannedStep> = plan.steps.iter().filter(|step| step.uses != *JOIN).collect();
    let does = steps
        .iter()
        .map(|step| step.title.as_str().width())
        .max()
        .unwrap_or(10)
        .clamp(10, 48.min(width.saturating_sub(46)).max(10));
    let heading = if is_wide { format!("  {:<24}", "begins") } else { String::new() };
    let mut lines = vec![vec![(
        format!("    {:<does$}  {:<12} {:<5} {:>18}{heading}", "step", "it is", "undo", "takes"),
        Role::Heading,
    )]];
    for (nth, step) in steps.iter().enumerate() {
        let takes = step.takes.as_ref().map_or("–".to_owned(), |takes| {
            let (low, high) = (Duration::from_secs(takes.low_s), Duration::from_secs(takes.high_s));
            if low == high { words(low) } else { format!("{} to {}", words(low), words(high)) }
        });
        let (undo, role) = match &step.undo {
            Undo::Nothing => ("–", Role::Dim),
            Undo::Calls { .. } => ("yes", Role::Text),
            Undo::Impossible(_) if step.calls.is_empty() => ("–", Role::Dim),
            Undo::Impossible(_) => ("NO", Role::AtRisk),
        };
        let title: String = step.title.as_str().chars().take(does).collect();
        let mut line = vec![
            (format!("{:>2}  ", nth + 1), Role::Dim),
            (format!("{title:<does$}  "), Role::Text),
            (format!("{:<12} ", step.class.word()), class_role(step.class)),
            (format!("{undo:<5} "), role),
            (format!("{takes:>18}"), Role::Dim),
        ];
        if is_wide {
            line.push((format!("  {:<24}", begins(step)), Role::Dim));
        }
        if step.gate {
            line.push(("  asks again".to_owned(), Role::AtRisk));
        }
        if let Some(other) = &step.otherwise {
            line.push((format!("  else {other}"), Role::Dim));
        }
        lines.push(line);
    }
    lines
}

fn of_step(model: &Model, step: &PlannedStep, width: usize, lines: &mut Vec<Vec<Span>>) {
    lines.push(vec![(step.id.to_string(), Role::Strong), (format!("  {}", step.title), Role::Text)]);
    let mut paragraph = |text: &str, role: Role| {
        for part in super::super::words::lines(model, text, width.saturating_sub(4)) {
            if !part.is_empty() {
                lines.push(vec![("    ".to_owned(), Role::Text), (part, role)]);
            }
        }
    };
    paragraph(step.prose.as_str(), Role::Dim);
    for planned in &step.calls {
        paragraph(&format!("{}:", planned.says), Role::Text);
        paragraph(&one_line(&planned.call), Role::Strong);
    }
    for ask in &step.asks {
        paragraph(&format!("asks {}", one_line(ask)), Role::Text);
    }
    for precondition in &step.preconditions {
        paragraph(&format!("only while {}", precondition.says), Role::Dim);
    }
    for check in &step.verify {
        let hold = words(Duration::from_secs(check.hold_s));
        paragraph(&format!("counts when {}, held for {hold}", check.says), Role::Text);
    }
    match &step.undo {
        Undo::Nothing => {}
        Undo::Calls { says, .. } => {
            for says in says {
                paragraph(&format!("undo: {says}"), Role::Dim);
            }
        }
        Undo::Impossible(_) if step.calls.is_empty() => {}
        Undo::Impossible(why) => paragraph(&format!("NO UNDO: {why}"), Role::AtRisk),
    }
    for note in &step.notes {
        paragraph(&format!("note: {note}"), Role::Dim);
    }
    if let Some(takes) = &step.takes {
        paragraph(&format!("how long it takes: {}", takes.source), Role::Dim);
    }
}

/// Returns a call in one line, without the tags by which it is known again.
pub(super) fn one_line(call: &Call) -> String {
    let mut short = call.clone();
    let tags = ["Tags", "TagSpecifications"].map(|name| short.arguments.remove(name).is_some());
    let tagged = if tags.contains(&true) { " and the tags of this run" } else { "" };
    format!("{}{tagged}", short.line())
}
