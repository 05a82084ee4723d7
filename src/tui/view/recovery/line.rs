//! One line of a journal: everything that stands in it, and the command that does the same.

use super::super::pen::{Pen, Span};
use super::super::sheet::title_line;
use crate::domain::Text;
use crate::domain::text::harmless;
use crate::engine::line::Line;
use crate::runbook::event::Event;
use crate::runbook::script;
use crate::runbook::words::tell;
use crate::tui::model::Model;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// Draws the line.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect, run: &Text, seq: u64, scroll: usize) {
    let lines = lines(model, run, seq);
    title_line(pen, body, &[(format!("Line {seq} of {run}"), Role::Strong)], scroll, lines.len());
    let room = usize::from(body.height.saturating_sub(2));
    for (nth, line) in lines.iter().skip(scroll).take(room).enumerate() {
        let y = body.y + 2 + u16::try_from(nth).unwrap_or(0);
        pen.spans(body.x + 1, y, body.width.saturating_sub(2), line);
    }
}

/// Returns the command that does what a line is about, where it is about a call.
pub(in crate::tui) fn command(line: &Line) -> Option<String> {
    match &line.event {
        Some(Event::Intended { call, .. }) => Some(script::line(call)),
        _ => None,
    }
}

/// Returns everything that stands in a line.
pub(super) fn lines(model: &Model, run: &Text, seq: u64) -> Vec<Vec<Span>> {
    let found = model.run_named(run.as_str());
    let Some(line) = found.and_then(|run| run.lines.iter().find(|line| line.seq == seq)) else {
        return vec![vec![("there is no such line".to_owned(), Role::Dim)]];
    };
    let width = usize::from(model.size.0.saturating_sub(18));
    let mut lines: Vec<Vec<Span>> = Vec::new();
    let mut put = |label: &str, text: &str, role: Role| {
        for (nth, part) in super::super::words::lines(model, &harmless(text), width).into_iter().enumerate() {
            let label = if nth == 0 { label } else { "" };
            lines.push(vec![(format!("{label:<14}"), Role::Heading), (part, role)]);
        }
    };
    put("what", &line.event.as_ref().map_or_else(|| line.name.clone(), tell), Role::Strong);
    put("when", &format!("{} UTC", line.at.strftime("%Y-%m-%d %H:%M:%S%.3f")), Role::Text);
    let actor = &line.actor;
    put(
        "who",
        &format!(
            "{}@{}, {}",
            actor.user,
            actor.host,
            actor.identity.as_ref().map_or("no cloud identity yet", Text::as_str)
        ),
        Role::Text,
    );
    put("executor", &format!("number {} that worked on this run", line.term), Role::Dim);
    if let Some(Event::Answered { request_id: Some(id), status, .. }) = &line.event {
        put("request", &format!("{id}, HTTP {status}"), Role::Text);
    }
    if let Some(command) = command(line) {
        put("by hand", &command, Role::Text);
    }
    if let Some(side) = line.event.as_ref().and_then(crate::engine::aside::beside) {
        put(
            "file beside",
            &format!("{} ({} bytes, SHA-256 {})", side.name, side.bytes, side.sha256),
            Role::Text,
        );
    }
    put("hash", &line.hash, Role::Dim);
    lines.push(Vec::new());
    let whole = line.event.as_ref().and_then(|event| serde_json::to_string_pretty(event).ok());
    for text in whole.unwrap_or_default().lines() {
        let indent = text.len() - text.trim_start().len();
        for part in
            super::super::words::lines(model, &harmless(text.trim_start()), width.saturating_sub(indent))
        {
            lines.push(vec![(" ".repeat(indent), Role::Dim), (part, Role::Dim)]);
        }
    }
    lines
}
