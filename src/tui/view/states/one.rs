//! One state: what is wrong with it, its digest and replica, all of its versions, and who held its lock.

use super::super::pen::{Pen, Span};
use super::super::table::{Column, Table};
use super::super::{sheet, words};
use super::side::{Said, newest, of_state};
use crate::domain::Text;
use crate::domain::duration::{age_words, elapsed};
use crate::domain::lock::LockTurn;
use crate::domain::readiness::TroubleCode;
use crate::domain::size::bytes;
use crate::domain::state::{Digest, ReplicaStatus, StateForm, StateHistory, StateVersion};
use crate::tui::model::{Model, OpenState, StateRow};
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// Below this height of the screen only what matters most is said.
const LOW: u16 = 34;
/// How many lines below tell of the version under the cursor.
const FOOT: u16 = 4;

/// Returns how many lines of it are on the screen at once.
pub(in crate::tui) fn room(body: Rect) -> usize {
    usize::from(body.height.saturating_sub(2 + FOOT))
}

/// Returns how many lines stand above the versions, and how many there are in all.
pub(in crate::tui) fn lines(model: &Model, open: &OpenState, width: u16) -> (usize, usize) {
    let Some(row) = model.terraform().state(&open.path, &open.place) else { return (0, 0) };
    let above = head(model, open, row, width).lines.len() + 2;
    (above, above + row.state.versions.len() + 2 + row.state.lock_turns.len().max(1))
}

/// Draws it.
pub(in super::super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect, open: &OpenState) {
    let title = [
        (open.name.to_string(), Role::Strong),
        // The line ends with how far it is scrolled.
        (
            if is_narrow(model) {
                String::new()
            } else {
                format!("  {} in {}", open.path, open.place.region)
            },
            Role::Dim,
        ),
    ];
    let Some(row) = model.terraform().state(&open.path, &open.place) else {
        sheet::title_line(pen, body, &title, 0, 0);
        pen.raw(body.x + 1, body.y + 2, body.width, "this state is not known any more", Role::Unknown);
        return;
    };
    let state = row.state.as_ref();
    let part = Rect { height: body.height.saturating_sub(FOOT), ..body };
    let head = head(model, open, row, body.width);
    let (above, all) = lines(model, open, body.width);
    sheet::title_line(pen, part, &title, open.scroll, all);
    let table = table(body.width);
    let turns = turn_table(body.width);
    let at = open.at(state);
    for nth in 0..room(body) {
        let y = body.y + 2 + u16::try_from(nth).unwrap_or(0);
        let line = open.scroll + nth;
        if let Some(spans) = head.lines.get(line) {
            let mut x = body.x + 1;
            for (text, role) in spans {
                x = pen.raw(x, y, body.right().saturating_sub(x + 1), text, *role);
            }
            continue;
        }
        if line + 1 == above {
            table.headings(pen, body.x + 1, y);
        }
        let Some(nth) = line.checked_sub(above) else { continue };
        if let Some(version) = state.versions.get(nth) {
            table.row(pen, body.x + 1, y, &cells(model, open, state, nth, version));
            if nth == at {
                pen.restyle(Rect { y, height: 1, ..body }, Role::Selected);
            }
            continue;
        }
        let Some(nth) = nth.checked_sub(state.versions.len() + 1) else { continue };
        if nth == 0 {
            turns.headings(pen, body.x + 1, y);
        } else if let Some(turn) = state.lock_turns.get(nth - 1) {
            turns.row(pen, body.x + 1, y, &turn_cells(model, turn));
        } else if nth == 1 {
            let says = "none is known: only lock files leave a trace, where their bucket keeps versions";
            pen.raw(body.x + 1, y, body.width.saturating_sub(2), says, Role::Dim);
        }
    }
    foot(model, pen, body, open, state);
}

/// Says whether the title has no room for the path.
fn is_narrow(model: &Model) -> bool {
    model.size.0 < 120
}

/// Says what is known of a state besides its versions.
fn head<'a>(model: &'a Model, open: &OpenState, row: &StateRow, width: u16) -> Said<'a> {
    let mut said = Said::new(model, width.saturating_sub(2));
    of_state(model, row, &mut said);
    let state = row.state.as_ref();
    for lock in model.terraform().locks.iter().filter(|lock| lock.lock.path == state.path) {
        let who = lock.lock.who.as_ref().map_or("an unknown holder", Text::as_str);
        let operation = lock.lock.operation.as_ref().map_or("an unknown operation", Text::as_str);
        let held = lock
            .lock
            .created_at
            .map_or(String::new(), |at| format!(" for {}", age_words(elapsed(at, model.now))));
        let says = format!("locked{held} by {who}, {operation}: {}", lock.signs());
        said.row("lock", &says, if lock.is_silent() { Role::AtRisk } else { Role::Text });
    }
    // On a low screen the versions are worth more than what they say themselves.
    let is_low = model.size.1 < LOW;
    let differs = row.troubles.iter().any(|(_, code, _)| *code == TroubleCode::DigestMismatch);
    let (says, role) = digest(state);
    let is_told = differs || is_low && role == Role::Dim;
    if !is_told {
        said.row("digest", &says, role);
    }
    if let Some(status) = &row.replica {
        let (says, role) = replica(model, row, status, is_low);
        said.row("replica", &says, role);
    }
    if is_narrow(model) {
        said.row("path", &format!("{} in {}", state.path, row.place.region), Role::Dim);
    }
    if !is_low {
        let backend = row.backend.as_ref().map_or(String::new(), |name| format!("backend {name}, "));
        let lies = format!("{backend}environment {}, account {}", row.environment, row.place.account);
        said.row("belongs to", &lies, Role::Text);
        said.row("newest", &newest(model, row), Role::Text);
        said.row("read", &words::ago(row.read_at, model.now), Role::Dim);
    }
    if let Some((says, role)) = reading(model, open, state) {
        said.row("versions", &says, role);
    }
    said
}

/// Says that versions are still being read, or why they could not be; nothing when they were read.
fn reading(model: &Model, open: &OpenState, state: &StateHistory) -> Option<(String, Role)> {
    let missing = state.versions_in_all.saturating_sub(u64::try_from(state.versions.len()).unwrap_or(0));
    let reading = open.look_at.as_ref().and_then(|(key, _)| model.snapshot.readings.get(key));
    let failed = reading.and_then(|reading| reading.failed.as_ref());
    if let Some(failed) = failed {
        let says = format!("could not be read {}: {}", words::ago(failed.at, model.now), failed.why);
        return Some((says, Role::Unknown));
    }
    let is_read = reading.is_some_and(|reading| reading.held.is_some()) || open.look_at.is_none();
    match (is_read, missing) {
        (false, _) => Some((
            format!("reading its versions: {} of {} so far", state.versions.len(), state.versions_in_all),
            Role::Notice,
        )),
        (true, 0) => None,
        (true, missing) => Some((format!("{missing} older ones are not shown"), Role::Dim)),
    }
}

/// Says how the digest row stands to the newest bytes.
fn digest(state: &StateHistory) -> (String, Role) {
    let current = state.current().and_then(|version| version.md5.as_ref());
    match (&state.digest, current) {
        (Digest::NotUsed, _) => {
            ("not used: there is no lock table, so nothing checks the content".to_owned(), Role::Dim)
        }
        (Digest::Unread, _) => ("unknown: the lock table could not be read".to_owned(), Role::Unknown),
        (Digest::Absent, _) => {
            let says = "absent: the lock table has no row for it, so nothing checks the content";
            (says.to_owned(), Role::Text)
        }
        (Digest::Row(row), Some(bytes)) if row == bytes => {
            (format!("fits: row and newest bytes are {row}"), Role::Dim)
        }
        (Digest::Row(row), Some(bytes)) => (
            format!(
                "differs, so Terraform refuses to read it: the row is {row}, the newest bytes are {bytes}"
            ),
            Role::Breached,
        ),
        (Digest::Row(row), None) => {
            (format!("unclear: the row is {row}, the newest bytes were not read"), Role::Unknown)
        }
    }
}

/// Says how the replica stands to the state.
fn replica(model: &Model, row: &StateRow, status: &ReplicaStatus, is_low: bool) -> (String, Role) {
    let (mut says, role) = match status {
        ReplicaStatus::InStep => ("in step: it has the same newest version".to_owned(), Role::Dim),
        ReplicaStatus::Behind { since } => {
            let behind = age_words(elapsed(*since, model.now));
            (format!("behind: what was written in the last {behind} is not there"), Role::Text)
        }
        ReplicaStatus::Lacks => ("absent: the replica has no such state".to_owned(), Role::Breached),
        ReplicaStatus::Kept => {
            ("kept: deleted here, the replica still has it; it can be put back".to_owned(), Role::AtRisk)
        }
        ReplicaStatus::DeletedToo => ("deleted too: the deletion was replicated".to_owned(), Role::Breached),
        ReplicaStatus::SplitBrain { why } => (format!("written in both places: {why}"), Role::Breached),
        ReplicaStatus::Unclear => {
            ("unclear: the bytes of one of them were not read".to_owned(), Role::Unknown)
        }
    };
    if is_low && *status == ReplicaStatus::InStep {
        return (says, role);
    }
    if let Some(there) = row.replica_state.as_ref()
        && let Some(version) = there.current()
    {
        let serial = version.serial.map_or(String::new(), |serial| format!(", serial {serial}"));
        let written = words::ago(version.written_at, model.now);
        says.push_str(&format!("; {}, written {written}{serial}", there.path));
    }
    (says, role)
}

fn table(width: u16) -> Table {
    let columns = [
        Column::new("", 1, 0),
        Column::new("written", 16, 0),
        Column::new("age", 7, 4).figure(),
        Column::new("serial", 6, 1).figure(),
        Column::new("resources", 9, 3).figure(),
        Column::new("change", 6, 5).figure(),
        Column::new("lineage", 16, 7),
        Column::new("bytes are", 11, 8),
        Column::new("can be put back", 17, 2).up_to(70),
        Column::new("size", 10, 6).figure(),
        Column::new("Terraform", 9, 9),
        Column::new("version", 12, 10).up_to(32),
    ];
    Table::new(&columns, width.saturating_sub(2))
}

fn cells(
    model: &Model,
    open: &OpenState,
    state: &StateHistory,
    nth: usize,
    version: &StateVersion,
) -> Vec<Span> {
    let none = || model.look.glyphs.none().to_owned();
    let older = || state.versions.iter().skip(nth + 1);
    let why = state.why_not_restored(version);
    let plain = if why.is_some() { Role::Dim } else { Role::Text };
    let is_marked = open.marked.as_ref() == Some(&version.version_id);
    let mark = if is_marked { model.look.glyphs.into() } else { "" };
    let change = version.resources.and_then(|now| {
        let before = older().find_map(|version| version.resources)?;
        Some(match now.cmp(&before) {
            std::cmp::Ordering::Equal => none(),
            std::cmp::Ordering::Greater => format!("+{}", now - before),
            std::cmp::Ordering::Less => format!("-{}", before - now),
        })
    });
    let before = older().find_map(|version| version.lineage.as_ref());
    let lineage = version.lineage.as_ref();
    let is_other = matches!((lineage, before), (Some(now), Some(before)) if now != before);
    let lineage = lineage.map_or_else(none, |lineage| {
        let short = lineage.as_str().get(..8).unwrap_or(lineage.as_str());
        if is_other { format!("{short} changed") } else { short.to_owned() }
    });
    let form_role = match version.form {
        StateForm::Whole | StateForm::Encrypted | StateForm::Unread => Role::Dim,
        _ => Role::AtRisk,
    };
    let figure = |figure: Option<u64>| figure.map_or_else(none, |figure| figure.to_string());
    let (back, back_role) = match (&why, version.form) {
        (None, _) => ("yes".to_owned(), Role::Dim),
        (Some(_), StateForm::Unread) => ("not read yet".to_owned(), Role::Dim),
        (Some(why), _) => (format!("no, {why}"), Role::AtRisk),
    };
    vec![
        (mark.to_owned(), Role::Key),
        (words::moment(version.written_at), plain),
        (words::age(version.written_at, model.now), Role::Dim),
        (figure(version.serial), plain),
        (figure(version.resources), plain),
        (change.unwrap_or_default(), plain),
        (lineage, if is_other { Role::AtRisk } else { Role::Dim }),
        (version.form.words().to_owned(), form_role),
        (back, back_role),
        (bytes(version.size_bytes), Role::Dim),
        (version.terraform_version.as_ref().map_or_else(none, Text::to_string), Role::Dim),
        (version.version_id.to_string(), Role::Dim),
    ]
}

fn turn_table(width: u16) -> Table {
    let columns = [
        Column::new("locked", 17, 0),
        Column::new("for", 13, 1).figure(),
        Column::new("holder", 24, 2).up_to(40),
        Column::new("operation", 20, 3),
    ];
    Table::new(&columns, width.saturating_sub(2))
}

fn turn_cells(model: &Model, turn: &LockTurn) -> Vec<Span> {
    let text = |text: &Option<Text>| text.as_ref().map_or("unknown".to_owned(), Text::to_string);
    let (held, role) = match turn.until {
        Some(until) => (age_words(elapsed(turn.from, until)), Role::Dim),
        None => (format!("{} so far", age_words(elapsed(turn.from, model.now))), Role::Text),
    };
    vec![
        (words::moment(turn.from), role),
        (held, role),
        (text(&turn.who), role),
        (text(&turn.operation), role),
    ]
}

/// Draws what is to be said of the version under the cursor.
fn foot(model: &Model, pen: &mut Pen<'_>, body: Rect, open: &OpenState, state: &StateHistory) {
    let part = Rect { y: body.bottom().saturating_sub(FOOT), height: FOOT, ..body };
    pen.rule(part, part.y);
    let mut said = Said::new(model, body.width.saturating_sub(2));
    if let Some(version) = state.versions.get(open.at(state)) {
        let md5 = version.md5.as_ref().map_or(String::new(), |md5| format!(", MD5 {md5}"));
        said.row("version", &format!("{}{md5}", version.version_id), Role::Text);
        match (state.why_not_restored(version), version.form) {
            (None, _) => said.row("put back", "it can be put back", Role::Text),
            (Some(why), StateForm::Unread) => said.row("put back", &why, Role::Dim),
            (Some(why), _) => said.row("put back", &format!("it cannot be: {why}"), Role::AtRisk),
        }
    } else {
        said.row("versions", "there is none", Role::Text);
    }
    let marked =
        open.marked.as_ref().and_then(|id| state.versions.iter().find(|version| version.version_id == *id));
    if let Some(marked) = marked {
        let serial = marked.serial.map_or(String::new(), |serial| format!(", serial {serial}"));
        let says = format!("the version of {}{serial}", words::moment(marked.written_at));
        said.row("marked", &says, Role::Notice);
    }
    said.draw(pen, part.x + 1, Rect { y: part.y + 1, height: FOOT - 1, ..part });
}
