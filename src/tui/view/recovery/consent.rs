//! The question whether somebody agrees, and questions that are answered with a sentence.

use super::super::pen::{Pen, Span};
use super::{class_role, plan, take};
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::domain::estate::EnvironmentClass;
use crate::runbook::consent::Strength;
use crate::runbook::markdown::class_words;
use crate::runbook::plan::{Mode, Plan, PlannedStep, Undo};
use crate::tui::model::{Consenting, Deed, Model, Overlay, Prompt, PromptAbout};
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use serde_json::Value;

/// Returns how many lines tell what is agreed to.
pub(in crate::tui) fn lines_of(model: &Model) -> usize {
    match model.overlays.last() {
        Some(Overlay::Consent(asked)) => deeds(model, asked).len(),
        _ => 0,
    }
}

/// Draws the question.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect, asked: &Consenting) {
    let mut left = Rect { x: body.x + 2, width: body.width.saturating_sub(4), ..body };
    let worst = worst(asked);
    let line = take(&mut left, 1);
    let title = match &asked.deed {
        Deed::Begin(..) if asked.plan.mode == Mode::Tabletop => "This is a tabletop: no call leaves",
        Deed::Begin(..) => "Carry this plan out?",
        Deed::Gate { .. } => "Go past this gate?",
        Deed::Undo { .. } => "Take this back?",
    };
    let spans = [
        (format!("{title}   "), Role::Strong),
        (format!("At worst it {}.", class_words(worst)), class_role(worst)),
    ];
    pen.spans(line.x, line.y, line.width, &spans);
    let rule = take(&mut left, 1);
    pen.rule(body, rule.y);
    let line = take(&mut left, 1);
    let class = match asked.plan.class {
        EnvironmentClass::Production => (" PROD ".to_owned(), Role::Production),
        EnvironmentClass::NonProduction => ("not production".to_owned(), Role::Dim),
    };
    let place = &asked.plan.place;
    let spans = [
        class,
        (
            format!(
                "  {}, account {} ({}), {}",
                asked.plan.environment, asked.plan.account_alias, place.account, place.region
            ),
            Role::Text,
        ),
    ];
    pen.spans(line.x, line.y, line.width, &spans);
    take(&mut left, 1);
    let needed = 4
        + if asked.is_typed() { 3 } else { 0 }
        + if asked.strength == Strength::TypedAndSigned { 5 } else { 0 };
    let mut told = take(&mut left, body.height.saturating_sub(needed + 4));
    let lines = deeds(model, asked);
    let room = usize::from(told.height);
    let hidden = lines.len().saturating_sub(asked.scroll + room);
    for spans in lines.iter().skip(asked.scroll).take(room) {
        let line = take(&mut told, 1);
        pen.spans(line.x, line.y, line.width, spans);
    }
    let line = take(&mut left, 1);
    if hidden > 0 || asked.scroll > 0 {
        let says = format!("{} {hidden} more lines below: arrows read on", pen.glyphs().more());
        pen.raw(line.x, line.y, line.width, &says, Role::AtRisk);
    }
    answer(pen, left, asked);
}

fn answer(pen: &mut Pen<'_>, mut left: Rect, asked: &Consenting) {
    if asked.strength == Strength::TypedAndSigned {
        second_person(pen, &mut left, asked);
    }
    if asked.is_typed() {
        let line = take(&mut left, 1);
        // It is shown under redaction, too: nobody can type what is hidden.
        let spans = [("Type   ", Role::Text), (asked.phrase.as_str(), Role::Strong)];
        raw(pen, line, &spans);
        let line = take(&mut left, 1);
        let here = if asked.in_reason { Role::Text } else { Role::Input };
        let typed = format!("{} ", asked.input.value());
        raw(pen, line, &[("  ▸    ", Role::Key), (typed.as_str(), here)]);
        take(&mut left, 1);
    }
    let line = take(&mut left, 1);
    if let Some(wrong) = &asked.wrong {
        for (nth, part) in pen.lines(wrong.as_str(), usize::from(line.width)).iter().take(2).enumerate() {
            pen.text(line.x, line.y + u16::try_from(nth).unwrap_or(0), line.width, part, Role::Alarm);
        }
        take(&mut left, 1);
    }
    let line = take(&mut left, 1);
    let key = if asked.strength == Strength::Confirmed { "y" } else { "enter" };
    let spans = [
        (key, Role::Key),
        (" agrees and begins     ", Role::Dim),
        ("esc", Role::Key),
        (" leaves, and nothing is done", Role::Dim),
    ];
    raw(pen, line, &spans);
}

fn raw(pen: &mut Pen<'_>, line: Rect, spans: &[(&str, Role)]) {
    let mut x = line.x;
    for (text, role) in spans {
        let text = pen.glyphs().text(text);
        x = pen.raw(x, line.y, line.right().saturating_sub(x), &text, *role);
    }
}

fn second_person(pen: &mut Pen<'_>, left: &mut Rect, asked: &Consenting) {
    let line = take(left, 1);
    pen.raw(
        line.x,
        line.y,
        line.width,
        "This needs a second person, who signs the plan on any terminal:",
        Role::AtRisk,
    );
    let line = take(left, 1);
    let file = match &asked.deed {
        Deed::Begin(prepared, _) => prepared.file.as_ref().map(Text::to_string),
        Deed::Gate { .. } | Deed::Undo { .. } => None,
    };
    let says = file.map_or("lifeboat approve PLAN --name NAME --key KEY".to_owned(), |file| {
        format!("lifeboat approve {file} --name NAME --key KEY")
    });
    pen.text(line.x + 2, line.y, line.width.saturating_sub(2), &says, Role::Strong);
    let line = take(left, 1);
    match &asked.break_glass {
        None if asked.plan.break_glass => {
            let spans = [
                ("nobody can be reached?  ", Role::Dim),
                ("tab", Role::Key),
                (
                    " break-glass: a reason, two minutes in which anyone may veto, red in the report for ever",
                    Role::Dim,
                ),
            ];
            raw(pen, line, &spans);
        }
        None => {
            pen.raw(line.x, line.y, line.width, "this environment allows no break-glass", Role::Dim);
        }
        Some(reason) => {
            let role = if asked.in_reason { Role::Input } else { Role::Text };
            let typed = format!("{} ", reason.value());
            raw(pen, line, &[("BREAK-GLASS, because   ", Role::Breached), (typed.as_str(), role)]);
        }
    }
    take(left, 1);
}

/// Returns the worst that is agreed to.
fn worst(asked: &Consenting) -> ActionClass {
    match &asked.deed {
        Deed::Begin(..) => asked.plan.worst(),
        Deed::Gate { step, .. } => {
            asked.plan.step(step.as_str()).map_or(ActionClass::Read, |step| step.class)
        }
        Deed::Undo { .. } => undone(asked).map(undo_class).max().unwrap_or(ActionClass::Read),
    }
}

fn undo_class(step: &PlannedStep) -> ActionClass {
    match &step.undo {
        Undo::Calls { class, .. } => *class,
        Undo::Nothing | Undo::Impossible(_) => ActionClass::Read,
    }
}

fn undone(asked: &Consenting) -> impl Iterator<Item = &PlannedStep> {
    let chosen = match &asked.deed {
        Deed::Undo { step, .. } => step.clone(),
        Deed::Begin(..) | Deed::Gate { .. } => None,
    };
    asked.plan.steps.iter().filter(move |step| chosen.as_ref().is_none_or(|chosen| step.id == *chosen))
}

/// Returns what will be done, call by call.
fn deeds(model: &Model, asked: &Consenting) -> Vec<Vec<Span>> {
    let width = usize::from(model.size.0.saturating_sub(8));
    let mut lines = Vec::new();
    let mut paragraph = |indent: &str, text: &str, role: Role| {
        for part in super::super::words::lines(model, text, width.saturating_sub(indent.len())) {
            lines.push(vec![(indent.to_owned(), Role::Text), (part, role)]);
        }
    };
    match &asked.deed {
        Deed::Begin(..) | Deed::Gate { .. } => {
            let only = match &asked.deed {
                Deed::Gate { step, .. } => Some(step),
                Deed::Begin(..) | Deed::Undo { .. } => None,
            };
            let steps = asked.plan.steps.iter().filter(|step| only.is_none_or(|only| step.id == *only));
            for step in steps.filter(|step| !step.calls.is_empty()) {
                for planned in &step.calls {
                    paragraph("", planned.says.as_str(), class_role(planned.class));
                    paragraph("    ", &plan::one_line(&planned.call), Role::Text);
                }
                match &step.undo {
                    Undo::Nothing => {}
                    Undo::Calls { says, .. } => {
                        for says in says {
                            paragraph("    ", &format!("undo: {says}"), Role::Dim);
                        }
                    }
                    Undo::Impossible(why) => paragraph("    ", &format!("NO UNDO: {why}"), Role::AtRisk),
                }
                for note in &step.notes {
                    paragraph("    ", note.as_str(), Role::Dim);
                }
            }
        }
        Deed::Undo { .. } => {
            for step in undone(asked) {
                match &step.undo {
                    Undo::Nothing => {}
                    Undo::Calls { says, class } => {
                        for says in says {
                            paragraph("", &format!("{}: {says}", step.id), class_role(*class));
                        }
                    }
                    Undo::Impossible(_) if step.calls.is_empty() => {}
                    Undo::Impossible(why) => {
                        paragraph("", &format!("{}: stays as it is: {why}", step.id), Role::AtRisk);
                    }
                }
            }
        }
    }
    if lines.is_empty() {
        lines.push(vec![("It only looks.".to_owned(), Role::Text)]);
    }
    lines
}

/// Draws a question that is answered with a sentence.
pub(super) fn draw_prompt(model: &Model, pen: &mut Pen<'_>, body: Rect, prompt: &Prompt) {
    let (title, says) = words(model, &prompt.about);
    let inner = super::super::palette::boxed(pen, body, 76, 9);
    pen.text(inner.x, inner.y, inner.width, &title, Role::Strong);
    for (nth, part) in pen.lines(&says, usize::from(inner.width)).iter().take(2).enumerate() {
        let y = inner.y + 1 + u16::try_from(nth).unwrap_or(0);
        pen.raw(inner.x, y, inner.width, part, Role::Dim);
    }
    if prompt.about.needs_words() {
        let typed = format!("{} ", prompt.input.value());
        pen.text(inner.x, inner.y + 4, inner.width, &typed, Role::Input);
    }
    if let Some(wrong) = &prompt.wrong {
        pen.text(inner.x, inner.y + 5, inner.width, wrong.as_str(), Role::Alarm);
    }
    let mut spans = vec![("enter ".to_owned(), Role::Key), ("goes on   ".to_owned(), Role::Dim)];
    if let PromptAbout::Answer { done, .. } = &prompt.about {
        let says = if *done { "it is done   " } else { "it has FAILED   " };
        spans.push(("tab ".to_owned(), Role::Key));
        spans.push((says.to_owned(), if *done { Role::Dim } else { Role::Breached }));
    }
    spans.push(("esc ".to_owned(), Role::Key));
    spans.push(("leaves it".to_owned(), Role::Dim));
    pen.spans(inner.x, inner.y + 6, inner.width, &spans);
}

fn words(model: &Model, about: &PromptAbout) -> (String, String) {
    if let PromptAbout::Skip(run, step) = about {
        let users = model.run_named(run.as_str()).map_or_else(Vec::new, |run| users_of(&run.plan, step));
        let says = if users.is_empty() {
            "Why? What waits for it begins as if it were done.".to_owned()
        } else {
            format!(
                "Why? {} needs what it brings, and fails without it: leave that out as well.",
                users.join(", ")
            )
        };
        return (format!("Leave {step} out"), says);
    }
    let (title, says) = fixed_words(about);
    (title, says.to_owned())
}

/// Returns the steps that are given something that a step brings.
fn users_of(plan: &Plan, step: &Text) -> Vec<String> {
    let wanted = format!("${{steps.{step}.");
    let asks = |other: &PlannedStep| {
        let calls = other.calls.iter().map(|planned| &planned.call).chain(&other.asks);
        calls.map(|call| Value::Object(call.arguments.clone()).to_string()).any(|text| text.contains(&wanted))
    };
    plan.steps.iter().filter(|other| asks(other)).map(|other| other.id.to_string()).collect()
}

fn fixed_words(about: &PromptAbout) -> (String, &'static str) {
    match about {
        PromptAbout::Operate => (
            "Take the right to act".to_owned(),
            "For which incident or purpose? Journals name it. Nothing is done yet: each plan still asks for consent.",
        ),
        PromptAbout::Pause { resume: false, .. } => {
            ("Let the run rest?".to_owned(), "What is under way is finished; nothing new begins.")
        }
        PromptAbout::Pause { resume: true, .. } => {
            ("Go on with the run?".to_owned(), "Steps begin again where it rests. Nothing is done twice.")
        }
        PromptAbout::Skip(_, step) => {
            (format!("Leave {step} out"), "Why? What waits for it begins as if it were done.")
        }
        PromptAbout::Retry(_, step) => {
            (format!("Begin {step} again?"), "What an attempt before has made is not made a second time.")
        }
        PromptAbout::Settle { step, happened: true, .. } => {
            (format!("The call of {step} HAS happened"), "How do you know? It is then never made again.")
        }
        PromptAbout::Settle { step, happened: false, .. } => (
            format!("The call of {step} has NOT happened"),
            "How do you know? It is then made again: if you are wrong, it is done twice.",
        ),
        PromptAbout::Answer { step, .. } => {
            (format!("Answer {step}"), "What was done or found? The journal keeps it.")
        }
        PromptAbout::Abandon(run) => (
            format!("Give {run} up"),
            "Why? It is never begun again; what is under way in the cloud goes on there.",
        ),
        PromptAbout::Veto(_) => ("Stand against the break-glass".to_owned(), "Why? It does not begin."),
        PromptAbout::Note(_) => ("Write something down".to_owned(), "The journal keeps it, with your name."),
    }
}
