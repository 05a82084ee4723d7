//! A run from near: when it will be done, its steps with the critical path, and the step under the cursor.

use super::super::layout;
use super::super::pen::{Pen, Span};
use super::runs::standing;
use super::{finish, mark, plan, take};
use crate::domain::Text;
use crate::domain::duration::{elapsed, words as span_words};
use crate::domain::text::harmless;
use crate::engine::replay;
use crate::engine::watch::RunSeen;
use crate::runbook::event::{Direction, Outcome};
use crate::runbook::forecast::Forecast;
use crate::runbook::plan::{Mode, Undo};
use crate::runbook::state::{Phase, RunState};
use crate::runbook::words::tell;
use crate::tui::model::{Model, OpenRun, RunRow, StepRow};
use crate::tui::theme::Role;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::layout::Rect;
use serde_json::{Map, Value};
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// How many rows there have to be below the steps so that the output of a program has a part of its own.
const ROOM_TO_PRINT: u16 = 14;
/// What a shared screen shows of it.
const HIDDEN: &str = "not on a shared screen; p leaves presenter mode";

/// Where the parts stand.
pub(super) struct Parts {
    title: Rect,
    time: Rect,
    rest: Rect,
    pub(super) steps: Rect,
    about: Rect,
}

pub(super) fn parts(model: &Model, body: Rect) -> Parts {
    let mut left = body;
    let title = take(&mut left, 1);
    let time = take(&mut left, 1);
    let rest = take(&mut left, 2);
    let count = model
        .open_run()
        .and_then(|open| model.run_named(open.run.as_str()))
        .map_or(1, |run| u16::try_from(run.plan.steps.len()).unwrap_or(u16::MAX));
    let about = if left.height >= 30 { 13 } else { 9 };
    let most = left.height.saturating_sub(about);
    let steps = take(&mut left, (count * layout::row_height(model)).min(most).max(3));
    Parts { title, time, rest, steps, about: left }
}

/// Draws the run.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect, open: &OpenRun) {
    let Some(run) = model.run_named(open.run.as_str()) else {
        let says = format!("run {} has not shown yet", open.run);
        pen.text(body.x + 1, body.y, body.width.saturating_sub(2), &says, Role::Dim);
        return;
    };
    let parts = parts(model, body);
    let state = open.state(run);
    let now = shown_at(model, open, run);
    let forecast = if open.until.is_none() { model.forecast_of(run, &state) } else { None };
    let row = RunRow { run: run.clone(), forecast: forecast.clone() };
    title(pen, parts.title, open, &row);
    time(model, pen, parts.time, &row, &state, now);
    rest(pen, parts.rest, open, run, &state);
    let rows = open.rows(run, &state, forecast.as_ref());
    let at = open.index(&rows);
    let height = layout::row_height(model);
    let shown = usize::from(parts.steps.height / height);
    for (nth, row) in rows.iter().enumerate().skip(open.offset).take(shown) {
        let y = parts.steps.y + u16::try_from(nth - open.offset).unwrap_or(0) * height;
        let line = Rect { y, height: 1, ..parts.steps };
        step_line(pen, line, row, run, now, open.until.is_none());
        if nth == at {
            pen.restyle(line, Role::Selected);
        }
    }
    let mut about = parts.about;
    let rule = take(&mut about, 1);
    pen.rule(rule, rule.y);
    let hidden = rows.len().saturating_sub(open.offset + shown);
    if hidden > 0 {
        let says = format!(" {} {hidden} more steps ", pen.glyphs().more());
        pen.right(rule.x, rule.right().saturating_sub(1), rule.y, &says, Role::Dim);
    }
    let prints = rows.get(at).and_then(|row| run.prints.get(&row.step.id)).filter(|_| open.until.is_none());
    if let Some(row) = rows.get(at) {
        let mut lines = about_step(
            model,
            run,
            &state,
            row,
            now,
            open.until.is_none(),
            usize::from(about.width.saturating_sub(16)),
        );
        // Where there is no room for more, the last line of a program says most.
        if let Some(last) = prints.and_then(|lines| lines.last()).filter(|_| about.height < ROOM_TO_PRINT) {
            let says = if model.presenter { HIDDEN } else { last.as_str() };
            lines.insert(
                lines.len().min(1),
                vec![(format!("{:<12}", "prints"), Role::Heading), (says.to_owned(), Role::Text)],
            );
        }
        for spans in &lines {
            let line = take(&mut about, 1);
            if line.height > 0 {
                pen.spans(line.x + 1, line.y, line.width.saturating_sub(2), spans);
            }
        }
    }
    match prints {
        Some(lines) if about.height >= 4 => output(pen, about, lines, model.presenter),
        _ => tail(pen, about, run, open.until),
    }
}

/// Draws what the program of a step printed last. A shared screen does not show it: what stands in it is not ours.
fn output(pen: &mut Pen<'_>, mut area: Rect, lines: &[Text], presenter: bool) {
    take(&mut area, 1);
    let rule = take(&mut area, 1);
    pen.rule(rule, rule.y);
    pen.right(rule.x, rule.right().saturating_sub(1), rule.y, " what it prints ", Role::Dim);
    if presenter {
        let line = take(&mut area, 1);
        pen.text(line.x + 1, line.y, line.width.saturating_sub(2), HIDDEN, Role::Dim);
        return;
    }
    for text in lines.iter().skip(lines.len().saturating_sub(usize::from(area.height))) {
        let line = take(&mut area, 1);
        pen.text(line.x + 1, line.y, line.width.saturating_sub(2), text.as_str(), Role::Text);
    }
}

/// Draws what was written down last, where there is room for it.
fn tail(pen: &mut Pen<'_>, mut area: Rect, run: &RunSeen, until: Option<usize>) {
    if area.height < 4 {
        return;
    }
    take(&mut area, 1);
    let rule = take(&mut area, 1);
    pen.rule(rule, rule.y);
    pen.right(rule.x, rule.right().saturating_sub(1), rule.y, " journal ", Role::Dim);
    let end = until.unwrap_or(run.lines.len());
    let first = end.saturating_sub(usize::from(area.height));
    for line in run.lines.iter().take(end).skip(first) {
        let place = take(&mut area, 1);
        let at = line.at.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string();
        let says = line.event.as_ref().map_or_else(|| format!("({})", line.name), tell);
        let spans = [(format!("{at}  "), Role::Dim), (harmless(&says).into_owned(), Role::Text)];
        pen.spans(place.x + 1, place.y, place.width.saturating_sub(2), &spans);
    }
}

/// Returns the moment that is shown.
fn shown_at(model: &Model, open: &OpenRun, run: &RunSeen) -> Timestamp {
    let past = open.until.and_then(|until| run.lines.get(until.saturating_sub(1))).map(|line| line.at);
    past.unwrap_or(model.now)
}

fn title(pen: &mut Pen<'_>, line: Rect, open: &OpenRun, row: &RunRow) {
    let plan = &row.run.plan;
    let component = plan.component.as_ref().map_or(String::new(), |id| format!("  {id}"));
    let mut spans = vec![(format!("{}{component}   ", plan.runbook.title), Role::Strong)];
    match plan.mode {
        Mode::Recover => {}
        Mode::Drill => spans.extend([(" DRILL ".to_owned(), Role::Sandbox), ("  ".to_owned(), Role::Text)]),
        Mode::Tabletop => {
            spans.extend([
                (" TABLETOP, no call leaves ".to_owned(), Role::Sandbox),
                ("  ".to_owned(), Role::Text),
            ]);
        }
    }
    match open.until {
        None => spans.push(standing(row)),
        Some(until) => {
            spans.push((" REPLAY ".to_owned(), Role::Sandbox));
            spans.push((format!(" line {until} of {}", row.run.lines.len()), Role::Text));
        }
    }
    let end = pen.spans(line.x + 1, line.y, line.width.saturating_sub(2), &spans);
    let by = &plan.made_by;
    let says = format!("{}  plan {}  by {}@{}", row.run.name, row.run.hash.short(), by.user, by.host);
    if usize::from(line.right().saturating_sub(end + 3)) > pen.shown(&says).width() {
        pen.right(end, line.right().saturating_sub(1), line.y, &says, Role::Dim);
    }
}

fn time(model: &Model, pen: &mut Pen<'_>, line: Rect, row: &RunRow, state: &RunState, now: Timestamp) {
    let plan = &row.run.plan;
    let Some(from) = plan.since.or(state.agreed_at) else { return };
    let to = match &state.rest {
        Some((.., at)) if row.forecast.is_none() => *at,
        _ => now,
    };
    let passed = elapsed(from, to);
    let promised = plan.promised_s.map(Duration::from_secs);
    let of = promised.map_or(String::new(), |promised| format!(" of {}", span_words(promised)));
    let mut spans = vec![(format!("{}{of}   ", span_words(passed)), Role::Strong)];
    match (&row.forecast, promised) {
        (Some(found), _) => spans.extend(finish(model, found)),
        (None, Some(promised)) if row.run.is_over() && passed > promised => {
            spans.push((
                format!("it took {} too long", span_words(passed.saturating_sub(promised))),
                Role::Breached,
            ));
        }
        (None, Some(_)) if row.run.is_over() => spans.push(("in time".to_owned(), Role::Met)),
        _ => {}
    }
    let end = pen.spans(line.x + 1, line.y, line.width.saturating_sub(2), &spans);
    if let Some(promised) = promised {
        gauge(
            pen,
            Rect { x: end + 2, width: line.right().saturating_sub(end + 4), ..line },
            passed,
            promised,
            row.forecast.as_ref(),
            from,
        );
    }
}

/// Draws how much of the promised time has passed, and where the end is expected.
fn gauge(
    pen: &mut Pen<'_>,
    area: Rect,
    passed: Duration,
    promised: Duration,
    found: Option<&Forecast>,
    from: Timestamp,
) {
    let width = area.width.min(40);
    if width < 14 || promised.is_zero() {
        return;
    }
    let marks = pen.glyphs().gauge();
    let inner = usize::from(width - 2);
    let place = |span: Duration| {
        let share = span.as_secs_f64() / promised.as_secs_f64();
        ((share * inner as f64) as usize).min(inner)
    };
    let filled = place(passed);
    let expected =
        found.map(|found| (place(elapsed(from, found.earliest)), place(elapsed(from, found.latest))));
    let mut text = String::from(marks.left);
    for at in 0..inner {
        let within = expected.is_some_and(|(low, high)| (low..=high).contains(&at));
        text.push_str(if at < filled {
            marks.full
        } else if within {
            pen.glyphs().axis().gap
        } else {
            marks.empty
        });
    }
    text.push_str(if passed > promised { marks.over } else { marks.right });
    let role = match found.map(Forecast::course) {
        Some(crate::runbook::forecast::Course::Misses(_)) => Role::Breached,
        Some(crate::runbook::forecast::Course::MayMiss(_)) => Role::AtRisk,
        _ if passed > promised => Role::Breached,
        _ => Role::Text,
    };
    pen.raw(area.x, area.y, width, &text, role);
}

/// Says why it rests, or what it waits for.
fn rest(pen: &mut Pen<'_>, area: Rect, open: &OpenRun, run: &RunSeen, state: &RunState) {
    let mut says: Vec<(String, Role)> = Vec::new();
    if let Some(trouble) = &run.trouble {
        says.push((trouble.to_string(), Role::Breached));
    } else if let Some((reason, opens_at)) = &state.break_glass_waits {
        let at = opens_at.to_zoned(TimeZone::UTC).strftime("%H:%M:%S UTC");
        says.push((
            format!("BREAK-GLASS, because {reason}: opens at {at} unless somebody vetoes it"),
            Role::Breached,
        ));
    } else if let Some((_, why, _)) = &state.rest {
        says.push((why.to_string(), Role::Text));
    } else if !run.worked_on && open.until.is_none() && state.agreed_at.is_some() {
        let text = "nobody works on it: its executor ended without a word; P goes on with it, and nothing is done twice";
        says.push((text.to_owned(), Role::Breached));
    }
    if state.break_glass {
        says.push(("BREAK-GLASS: no second person agreed to this run".to_owned(), Role::Breached));
    }
    for ((text, role), y) in says.iter().zip(area.top()..area.bottom()) {
        pen.text(area.x + 1, y, area.width.saturating_sub(2), text, *role);
    }
}

fn step_line(pen: &mut Pen<'_>, line: Rect, row: &StepRow<'_>, run: &RunSeen, now: Timestamp, live: bool) {
    let (glyph, role) = mark(pen, row.known.phase);
    let marks = pen.glyphs().steps();
    let critical = if row.is_critical { marks.critical } else { " " };
    let mut x = pen.raw(line.x, line.y, 1, critical, Role::AtRisk);
    x = pen.raw(x, line.y, 2, &format!("{glyph} "), role);
    x = pen.raw(x, line.y, 5, &format!("{:>2}  ", row.nth), Role::Dim);
    let branch = if row.depth > 0 { marks.branch } else { "" };
    let indent = "   ".repeat(row.depth.saturating_sub(1));
    x = pen.raw(x, line.y, 14, &format!("{indent}{branch}"), Role::Rule);
    let waits = row.known.phase == Phase::Waiting;
    let wide = line.width >= 120;
    let title_room = if wide { 46 } else { (line.width / 2).saturating_sub(4) };
    let title_end = line.x + title_room;
    pen.text(
        x,
        line.y,
        title_end.saturating_sub(x),
        row.step.title.as_str(),
        if waits { Role::Dim } else { Role::Text },
    );
    let took = took(row, now);
    pen.right(title_end + 1, title_end + 12, line.y, &took, Role::Dim);
    let (says, role) = note(row, run, live);
    let x = title_end + 14;
    let usual = usually(row)
        .filter(|_| wide && matches!(row.known.phase, Phase::Ready | Phase::Intended | Phase::Made));
    let right = line.right().saturating_sub(1);
    let room = right
        .saturating_sub(x)
        .saturating_sub(usual.as_ref().map_or(0, |text| u16::try_from(text.len()).unwrap_or(0) + 2));
    pen.text(x, line.y, room, &says, role);
    if let Some(usual) = usual {
        pen.right(x, right, line.y, &usual, Role::Dim);
    }
}

/// Says what a step has brought: an address first, for that is what people look for.
fn brought(outputs: &Map<String, Value>) -> String {
    let mut all: Vec<(&String, &Value)> = outputs.iter().filter(|(_, value)| !value.is_null()).collect();
    all.sort_by_key(|(name, _)| !matches!(name.as_str(), "endpoint" | "port" | "name"));
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    all.iter().map(|(name, value)| format!("{name} {}", text(value))).collect::<Vec<_>>().join("   ")
}

fn took(row: &StepRow<'_>, now: Timestamp) -> String {
    match (row.known.began_at, row.known.ended_at) {
        (Some(from), Some(to)) => span_words(elapsed(from, to)),
        (Some(from), None) => span_words(elapsed(from, now)),
        _ => String::new(),
    }
}

fn usually(row: &StepRow<'_>) -> Option<String> {
    let takes = row.step.takes.as_ref()?;
    let (low, high) = (Duration::from_secs(takes.low_s), Duration::from_secs(takes.high_s));
    Some(format!("usually {} to {}", span_words(low), span_words(high)))
}

/// Says in a few words how a step is.
fn note(row: &StepRow<'_>, run: &RunSeen, live: bool) -> (String, Role) {
    let known = &row.known;
    let undo = if known.direction == Direction::Undo { "taking it back: " } else { "" };
    let why =
        |word: &str| if known.why.is_empty() { word.to_owned() } else { format!("{word}: {}", known.why) };
    match known.phase {
        Phase::Waiting if row.step.gate => ("asks again".to_owned(), Role::AtRisk),
        Phase::Waiting => (String::new(), Role::Dim),
        Phase::AtGate => ("waits for consent: O lets it go on".to_owned(), Role::AtRisk),
        Phase::InDoubt => ("IN DOUBT: it is not known whether this has happened".to_owned(), Role::Unknown),
        Phase::Succeeded => {
            let count = known.deviations.as_array().map_or(0, Vec::len);
            let says = match count {
                0 => String::new(),
                1 => "1 setting differs".to_owned(),
                count => format!("{count} settings differ"),
            };
            (says, Role::AtRisk)
        }
        Phase::Failed => (why("failed"), Role::Breached),
        Phase::UndoFailed => (why("could not be taken back"), Role::Breached),
        Phase::Skipped => (why("left out"), Role::Dim),
        Phase::NotNeeded => (why("not needed"), Role::Dim),
        Phase::Undone => ("taken back".to_owned(), Role::Dim),
        Phase::Ready | Phase::Intended | Phase::Made | Phase::Refused | Phase::Arrived => {
            if let Some(question) = &known.question {
                return (question.to_string(), Role::AtRisk);
            }
            let going = run.going.get(&row.step.id).filter(|_| live);
            let percent = going
                .and_then(|going| going.percent)
                .map_or(String::new(), |percent| format!("{percent} % "));
            let says = going.map_or_else(|| known.phase.words().to_owned(), |going| going.says.to_string());
            (format!("{undo}{percent}{says}"), Role::Text)
        }
    }
}

/// Returns what is to be known of the step under the cursor.
fn about_step(
    model: &Model,
    run: &RunSeen,
    state: &RunState,
    row: &StepRow<'_>,
    now: Timestamp,
    live: bool,
    width: usize,
) -> Vec<Vec<Span>> {
    let mut lines: Vec<Vec<Span>> = Vec::new();
    let mut put = |label: &str, text: &str, role: Role| {
        for (nth, part) in super::super::words::lines(model, text, width).into_iter().enumerate() {
            let label = if nth == 0 { label } else { "" };
            lines.push(vec![(format!("{label:<12}"), Role::Heading), (part, role)]);
        }
    };
    let known = &row.known;
    if let Some(question) = &known.question {
        put("question", question.as_str(), Role::AtRisk);
    }
    if !known.why.is_empty() {
        put("why", known.why.as_str(), Role::Breached);
    }
    if let Some(hint) = &known.hint {
        put("next", hint.as_str(), Role::Text);
    }
    if !known.outputs.is_empty() {
        put("brought", &brought(&known.outputs), Role::Strong);
    }
    if let Some(call) = known.calls.last() {
        put("call", &plan::one_line(&call.call), Role::Strong);
        let at = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string();
        let how = match call.outcome {
            None => "no answer yet".to_owned(),
            Some(Outcome::Succeeded) => "accepted".to_owned(),
            Some(Outcome::Refused) => format!("refused: {}", call.says),
            Some(Outcome::Throttled) => "put off, too many calls".to_owned(),
            Some(Outcome::NotSent) => format!("not sent: {}", call.says),
            Some(Outcome::InDoubt) => format!("IN DOUBT: {}", call.says),
        };
        let request = call.request_id.as_ref().map_or(String::new(), |id| format!("   request {id}"));
        let again = if call.times > 1 { format!(", {} times", call.times) } else { String::new() };
        put("sent", &format!("{}{again}   {how}{request}", at(call.last)), Role::Text);
        if known.phase == Phase::InDoubt {
            put(
                "settle",
                "H: it has happened.  D: it has not.  Nothing is repeated before that is known",
                Role::Unknown,
            );
        } else if known.phase.is_under_way() {
            put("if lost", call.dedupe.words(), Role::Dim);
        }
    } else if row.step.calls.is_empty() && row.step.asks.is_empty() {
        put("", row.step.prose.as_str(), Role::Text);
    } else if !row.step.asks.is_empty() {
        for ask in &row.step.asks {
            // What earlier steps have brought stands in it, as far as it is known.
            put("asks", &plan::one_line(&replay::filled(ask, state)), Role::Text);
        }
        put("", row.step.prose.as_str(), Role::Dim);
    } else if let Some(planned) = row.step.calls.first() {
        put("will call", &plan::one_line(&planned.call), Role::Text);
    }
    if let Some(going) = run.going.get(&row.step.id).filter(|_| live) {
        let ago = span_words(elapsed(going.at, now));
        put("looked", &format!("{ago} ago: {}", going.says), Role::Dim);
    }
    match &row.step.undo {
        Undo::Calls { says, .. } => {
            let says = says.iter().map(Text::as_str).collect::<Vec<_>>().join("; ");
            put("undo", &says, Role::Dim);
        }
        Undo::Impossible(why) if !row.step.calls.is_empty() => {
            put("undo", &format!("NO: {why}"), Role::AtRisk);
        }
        Undo::Impossible(_) | Undo::Nothing => {}
    }
    if let Some(all) = known.deviations.as_array() {
        for one in all {
            let at = |name: &str| {
                one.get(name).map_or(String::new(), |value| {
                    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
                })
            };
            put("differs", &format!("{}: was {}, is {}", at("setting"), at("was"), at("is")), Role::AtRisk);
        }
    }
    if known.calls.last().is_some() {
        put("", row.step.prose.as_str(), Role::Dim);
    }
    lines
}
