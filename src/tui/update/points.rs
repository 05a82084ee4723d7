//! Pane 2: moving about among points and in time.

use super::keys;
use super::pane::Step;
use crate::domain::Text;
use crate::domain::duration::{age_words, elapsed};
use crate::domain::moment;
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::model::{List, ListLine, Model, Notice, Overlay, Pane, SPANS};
use crate::tui::view::{layout, points_words};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use std::sync::Arc;
use tui_input::Input;

/// Asks the worker for what the pane wants, where that is not what was asked last.
pub(super) fn ask(model: &mut Model, effects: &mut Vec<Effect>) {
    let wanted = model.points_wanted();
    if wanted.is_none() || model.points.asked == wanted {
        return;
    }
    model.points.asked = wanted;
    // What was asked for in the same breath wants the same already.
    effects.retain(|effect| !matches!(effect, Effect::Judge(_)));
    effects.push(Effect::Judge(model.judge_request()));
}

fn list(model: &Model) -> Option<Arc<List>> {
    model.points_judged().map(|judged| judged.list.clone())
}

/// Finds the selected point again after rows have moved.
pub(super) fn relocate(model: &mut Model) {
    let (Some(judged), Some(selected)) = (model.points_judged(), &model.points.selected) else { return };
    let inventory = &judged.inventory;
    let is_it = |number: u32| {
        let entry = inventory.entry(number)?;
        let holder = inventory.holders.get(usize::try_from(entry.holder).ok()?)?;
        if holder.place != selected.place {
            return None;
        }
        let shown = model.shown_point(inventory, entry)?;
        (shown.component.id == selected.component && shown.point.id == selected.id).then_some(())
    };
    let still = judged.list.rows.get(model.points.at).is_some_and(|number| is_it(*number).is_some());
    if still {
        return;
    }
    let found = judged.list.rows.iter().position(|number| is_it(*number).is_some());
    let last = judged.list.rows.len().saturating_sub(1);
    model.points.at = found.unwrap_or(model.points.at.min(last));
    if found.is_none() {
        model.points.selected = model.point_in(model.points.at).map(|shown| shown.name());
    }
}

/// Moves the cursor.
pub(super) fn select(model: &mut Model, step: Step) {
    let page = layout::points_page(model);
    if model.points.to_moment {
        let rows = model.cursor_rows();
        let at = step.apply(model.chosen_index(&rows), rows.len().saturating_sub(1), page);
        model.points.chosen = rows.get(at).map(|row| row.component.clone());
    } else {
        let Some(list) = list(model) else { return };
        model.points.at = step.apply(model.points.at, list.rows.len().saturating_sub(1), page);
        model.points.selected = model.point_in(model.points.at).map(|shown| shown.name());
    }
    follow(model);
}

/// Keeps the cursor on the screen.
pub(super) fn follow(model: &mut Model) {
    let page = layout::points_page(model).max(1);
    if model.points.to_moment {
        let rows = model.cursor_rows();
        let (at, count) = (model.chosen_index(&rows), rows.len());
        model.points.chosen_offset = kept(model.points.chosen_offset, at, at, count, page);
    } else if let Some(list) = list(model) {
        let line = list.line_of(model.points.at);
        // The heading right over a row is shown with it.
        let top = match line.checked_sub(1).and_then(|over| Some((over, list.at(over)?))) {
            Some((over, ListLine::Heading(_))) if page > 1 => over,
            _ => line,
        };
        model.points.offset = kept(model.points.offset, top, line, list.lines(), page);
    }
}

/// Returns the first line to show, so that the lines from `top` to `at` are on the screen.
fn kept(offset: usize, top: usize, at: usize, count: usize, page: usize) -> usize {
    let offset = offset.min(count.saturating_sub(page));
    if top < offset {
        top
    } else if at >= offset + page {
        at + 1 - page
    } else {
        offset
    }
}

/// Shows the details of the point under the cursor, or of the component while a moment is chosen.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    if model.points.to_moment {
        let rows = model.cursor_rows();
        let Some(component) = rows.get(model.chosen_index(&rows)).map(|row| row.component.clone()) else {
            return Vec::new();
        };
        model.overlays.push(Overlay::Detail { component, scroll: 0 });
        return vec![Effect::Judge(model.judge_request())];
    }
    if let Some(point) = model.point_in(model.points.at).map(|shown| shown.name()) {
        model.points.selected = Some(point.clone());
        model.overlays.push(Overlay::Point { point, scroll: 0 });
    }
    Vec::new()
}

/// Goes back one step; says whether there was one.
pub(super) fn back(model: &mut Model) -> bool {
    let points = &mut model.points;
    let was = points.whole || (points.to_moment && points.filter.value().is_empty());
    if points.whole {
        points.whole = false;
    } else if was {
        points.to_moment = false;
    }
    if was {
        follow(model);
    }
    was
}

/// Copies what is selected, raw: the id of the point, or what the time cursor says.
pub(super) fn copy(model: &mut Model) -> Vec<Effect> {
    let (text, says) = if model.points.to_moment {
        let rows = model.cursor_rows();
        let Some(row) = rows.get(model.chosen_index(&rows)) else { return Vec::new() };
        let text = format!("{} {}", points_words::headline(model), points_words::row(model, row));
        (text, format!("copied: what the time cursor says, and its row of {}", row.component))
    } else {
        let Some(shown) = model.point_in(model.points.at) else { return Vec::new() };
        let says = format!("copied: the id of the {} of {}", shown.point.kind.words(), shown.component.id);
        (shown.point.id.to_string(), says)
    };
    model.notice = Some(Notice { text: Text::new(&says), alarm: false });
    vec![Effect::Copy(text)]
}

/// Selects the row that was clicked on; a second click opens it.
pub(super) fn clicked(model: &mut Model, line: u16) -> Vec<Effect> {
    let Some(nth) = layout::points_line_at(model, line) else { return Vec::new() };
    if model.points.to_moment {
        let rows = model.cursor_rows();
        let at = nth + model.points.chosen_offset;
        let Some(clicked) = rows.get(at).map(|row| row.component.clone()) else { return Vec::new() };
        if model.points.chosen.as_ref() == Some(&clicked) {
            return open(model);
        }
        model.points.chosen = Some(clicked);
        return Vec::new();
    }
    let Some(ListLine::Row(row)) = list(model).and_then(|list| list.at(nth + model.points.offset)) else {
        return Vec::new();
    };
    let name = model.point_in(row).map(|shown| shown.name());
    if name.is_some() && name == model.points.selected {
        return open(model);
    }
    model.points.at = row;
    model.points.selected = name;
    Vec::new()
}

/// Says whether a moment is being typed.
pub(super) fn is_typing(model: &Model) -> bool {
    model.pane == Pane::Points && model.overlays.is_empty() && model.points.typing.is_some()
}

/// Handles a key while a moment is being typed; `None` when none is.
pub(super) fn typed(model: &mut Model, key: KeyEvent) -> Option<Vec<Effect>> {
    if !is_typing(model) {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => {
            model.points.typing = None;
            return Some(keys::run(model, Command::AskQuit));
        }
        KeyCode::Char('z') if control => return Some(vec![Effect::Suspend]),
        KeyCode::Esc => {
            model.points.typing = None;
            model.points.wrong = None;
        }
        KeyCode::Enter => {
            let text = model.points.typing.as_ref().map(|input| input.value().to_owned()).unwrap_or_default();
            match moment::parse(&text, model.now) {
                Ok(at) => {
                    model.points.typing = None;
                    model.points.wrong = None;
                    choose(model, at);
                }
                Err(says) => model.points.wrong = Some(says),
            }
        }
        _ => {
            model.points.wrong = None;
            if let Some(input) = &mut model.points.typing {
                keys::apply(input, keys::request(key));
            }
        }
    }
    Some(Vec::new())
}

/// Runs a command of this pane.
pub(super) fn run(model: &mut Model, command: Command) {
    match command {
        Command::TimeCursor => {
            if !model.points.to_moment && model.points.moment.is_none() {
                model.points.moment = Some(model.now);
            }
            model.points.to_moment = !model.points.to_moment;
            follow(model);
        }
        Command::ToMoment => {
            model.overlays.clear();
            model.points.typing = Some(Input::default());
            model.points.wrong = None;
        }
        Command::Earlier => step(model, -1),
        Command::Later => step(model, 1),
        Command::EarlierMark => to_mark(model, false),
        Command::LaterMark => to_mark(model, true),
        Command::Now if model.points.to_moment => choose(model, model.now),
        Command::Now => tell(model, "choose a moment first"),
        Command::Sort => {
            model.points.order = model.points.order.next();
            top(model);
        }
        Command::Group => {
            model.points.group = model.points.group.next();
            top(model);
        }
        Command::ZoomIn => zoom(model, -1),
        Command::ZoomOut => zoom(model, 1),
        Command::Timeline => model.points.whole = !model.points.whole,
        _ => {}
    }
}

fn tell(model: &mut Model, says: &str) {
    model.notice = Some(Notice { text: Text::new(says), alarm: false });
}

/// Goes to the top, because rows in another order are another list.
fn top(model: &mut Model) {
    model.points.at = 0;
    model.points.selected = None;
    follow(model);
}

/// Chooses a moment, not later than now.
fn choose(model: &mut Model, at: Timestamp) {
    hold(model);
    model.points.moment = Some(at.min(model.now));
    model.points.to_moment = true;
    follow(model);
}

/// Holds the axis as it is: rows take other places while time is moved through, and the axis must not follow them.
fn hold(model: &mut Model) {
    let span = model.axis_span();
    model.points.span = model.points.span.or_else(|| SPANS.iter().position(|other| *other == span));
    if model.points.chosen.is_none() {
        let timeline = model.points_judged().and_then(|judged| judged.timeline.as_ref());
        model.points.chosen = timeline.map(|timeline| timeline.component.clone());
    }
}

fn step(model: &mut Model, steps: i64) {
    let Some(at) = model.moment() else {
        tell(model, "choose a moment first");
        return;
    };
    let step = model.axis_span().step_s;
    // On the grid of the axis, so that the cursor stands on round times.
    let grid = at.as_second().div_euclid(step);
    let on_grid = at.as_second().rem_euclid(step) == 0;
    let next = if steps < 0 && !on_grid { grid } else { grid.saturating_add(steps) };
    if let Ok(at) = Timestamp::from_second(next.saturating_mul(step)) {
        choose(model, at);
    }
}

fn to_mark(model: &mut Model, later: bool) {
    let Some(at) = model.moment().map(Timestamp::as_second) else {
        tell(model, "choose a moment first");
        return;
    };
    let moments = model
        .points_judged()
        .and_then(|judged| judged.timeline.as_ref())
        .map(|timeline| timeline.moments())
        .unwrap_or_default();
    let found = if later {
        moments.get(moments.partition_point(|moment| *moment <= at)).copied()
    } else {
        { moments.partition_point(|moment| *moment < at) }
            .checked_sub(1)
            .and_then(|nth| moments.get(nth))
            .copied()
    };
    match found.and_then(|at| Timestamp::from_second(at).ok()).filter(|at| *at <= model.now) {
        Some(at) => choose(model, at),
        None => tell(
            model,
            if later { "nothing is later on this axis" } else { "nothing is earlier on this axis" },
        ),
    }
}

fn zoom(model: &mut Model, by: isize) {
    let span = model.axis_span();
    let at = SPANS.iter().position(|other| *other == span).unwrap_or(0);
    let at = at.saturating_add_signed(by).min(SPANS.len() - 1);
    model.points.span = Some(at);
    if let Some(span) = SPANS.get(at) {
        let back = model.moment().map(|moment| age_words(elapsed(moment, model.now)));
        let says = back.map_or(String::new(), |back| format!("; the moment is {back} back"));
        tell(model, &format!("the axis shows {}{says}", span.words));
    }
}
