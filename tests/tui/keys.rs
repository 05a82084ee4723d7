//! What keys do: pressed as a person would, against the model.

use crate::support::console::Console;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use lifeboat::domain::scope::FailureScope;
use lifeboat::tui::command::COMMANDS;
use lifeboat::tui::effect::Effect;
use lifeboat::tui::message::Message;
use lifeboat::tui::model::Overlay;
use lifeboat::tui::view::palette_matches;

fn console() -> Console {
    Console::new("calm", (120, 40))
}

fn selected(console: &Console) -> String {
    console.model.selected_row().expect("a row").component.id.to_string()
}

#[test]
fn the_cursor_stays_on_its_component_when_rows_move() {
    let mut console = console();
    console.keys("j j j");
    let id = selected(&console);
    console.keys("R");
    assert_eq!(selected(&console), id);
    console.keys("L g g");
    assert_eq!(console.model.overview.offset, 0);
    console.keys("G");
    let rows = console.model.rows();
    assert_eq!(selected(&console), rows[rows.len() - 1].component.id.to_string());
}

#[test]
fn failures_are_switched_by_keys_by_tab_and_by_mouse() {
    let mut console = console();
    for (keys, scope) in [
        ("R", FailureScope::Region),
        ("A", FailureScope::Account),
        ("L", FailureScope::Local),
        ("tab", FailureScope::Region),
        ("tab tab", FailureScope::Local),
    ] {
        console.keys(keys);
        assert_eq!(console.model.scope, scope, "{keys}");
    }
    let lines: Vec<_> = console.text().lines().map(ToOwned::to_owned).collect();
    let row = lines.iter().position(|line| line.contains("Region lost")).expect("the tabs") as u16;
    let column = lines[row as usize].chars().collect::<String>().find("Region lost").expect("the tab") as u16;
    console.mouse(MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column,
        row,
        modifiers: KeyModifiers::NONE,
    });
    assert_eq!(console.model.scope, FailureScope::Region);
}

#[test]
fn esc_goes_back_and_never_quits() {
    let mut console = console();
    console.keys("enter").keys("t").keys("?");
    assert_eq!(console.model.overlays.len(), 3);
    console.keys("esc esc esc esc esc");
    assert!(console.model.overlays.is_empty());
    assert!(console.asked.is_empty(), "{:?}", console.asked);
}

#[test]
fn q_quits_and_ctrl_c_asks_first() {
    let mut console = console();
    console.keys("ctrl-c");
    assert!(console.asked.is_empty());
    assert!(matches!(console.model.overlays.last(), Some(Overlay::Quit)));
    console.keys("n");
    assert!(console.model.overlays.is_empty());
    console.keys("ctrl-c y");
    assert_eq!(console.asked, [Effect::Quit]);
    let mut console = Console::new("calm", (80, 24));
    console.keys("q");
    assert_eq!(console.asked, [Effect::Quit]);
}

#[test]
fn the_filter_narrows_turns_round_and_asks_one_column() {
    let mut console = console();
    console.keys("/").type_text("kind=rds");
    let kinds: Vec<_> = console.model.rows().iter().map(|row| row.component.kind.name()).collect();
    assert!(!kinds.is_empty() && kinds.iter().all(|kind| kind.starts_with("rds")), "{kinds:?}");
    let narrowed = kinds.len();
    console.keys("enter");
    assert!(!console.model.overview.filtering, "enter keeps it");
    assert_eq!(console.model.rows().len(), narrowed);
    console.keys("esc").keys("/").type_text("!kind=rds");
    assert_eq!(console.model.rows().len() + narrowed, console.model.estate.components.len());
    console.keys("esc");
    assert_eq!(console.model.rows().len(), console.model.estate.components.len());
    console.keys("/").type_text("zzz");
    assert!(console.text().contains("nothing matches the filter"));
}

#[test]
fn while_text_is_typed_no_key_is_a_command() {
    let mut console = console();
    console.keys("/").type_text("qRLAjk");
    assert!(console.asked.is_empty());
    assert_eq!(console.model.overview.filter.value(), "qRLAjk");
    console.tell(Message::Paste("a\u{1b}[2Jb\n".to_owned()));
    assert!(!console.model.overview.filter.value().contains('\u{1b}'), "what is pasted is made harmless");
}

#[test]
fn the_palette_finds_by_name_and_by_words_and_runs() {
    assert_eq!(palette_matches("").len(), COMMANDS.len());
    assert_eq!(palette_matches("presenter")[0].name, "presenter");
    assert_eq!(palette_matches("shared screen")[0].name, "presenter");
    let mut console = console();
    console.keys(":").type_text("troubles").keys("enter");
    assert!(matches!(console.model.overlays.last(), Some(Overlay::Troubles { .. })));
    console.keys("esc :").type_text("zzzz").keys("enter");
    assert!(console.model.notice.as_ref().is_some_and(|notice| notice.alarm));
}

#[test]
fn every_command_can_be_run_from_the_palette_without_harm() {
    for row in COMMANDS {
        let mut console = console();
        console.keys(":").type_text(row.name).keys("enter");
        drop(console.cells());
    }
}

#[test]
fn copy_takes_the_verdict_or_the_missing_permission() {
    let mut console = console();
    console.keys("/").type_text("billing-db").keys("enter y");
    let Some(Effect::Copy(text)) = console.asked.last() else { panic!("{:?}", console.asked) };
    let statement: serde_json::Value = serde_json::from_str(text).expect("an IAM statement");
    assert_eq!(statement["Action"], "rds:DescribeDBClusterSnapshots");
}

#[test]
fn presenter_hides_accounts_but_copies_raw() {
    let mut console = console();
    console.keys("i");
    assert!(console.text().contains("417263985012"));
    console.keys("p");
    assert!(!console.text().contains("417263985012"), "{}", console.text());
    assert!(console.text().contains("account-"));
    console.keys("esc /").type_text("billing-db").keys("enter y");
    assert!(matches!(console.asked.last(), Some(Effect::Copy(_))));
}

#[test]
fn environments_are_shown_one_by_one_and_together() {
    let mut console = console();
    let all = console.model.rows().len();
    console.keys("e");
    assert!(console.text().contains(" PROD "));
    let production = console.model.rows().len();
    console.keys("e");
    assert!(!console.text().contains(" PROD "), "staging is not production");
    assert_eq!(production + console.model.rows().len(), all);
    console.keys("e");
    assert_eq!(console.model.rows().len(), all);
}

#[test]
fn a_sequence_shows_what_may_follow_and_esc_drops_it() {
    let mut console = console();
    console.keys("G g");
    assert!(console.text().contains("g top"), "{}", console.text());
    console.keys("esc");
    assert!(console.model.pending.is_empty());
    let before = selected(&console);
    console.keys("g j");
    assert_eq!(console.model.pending.len(), 0);
    assert_eq!(selected(&console), before, "G was the bottom already, and g j is j");
}

#[test]
fn a_size_of_nothing_and_any_other_is_drawn() {
    let mut console = console();
    for (columns, rows) in [
        (0, 0),
        (1, 1),
        (3, 200),
        (200, 3),
        (39, 10),
        (40, 9),
        (40, 10),
        (79, 24),
        (80, 23),
        (80, 24),
        (500, 200),
    ] {
        console.tell(Message::Resize(columns, rows));
        for keys in ["enter", "esc t", "esc ?", "esc i", "esc :", "esc ctrl-c", "n", "G", "g g", "p p"] {
            console.keys(keys);
            drop(console.cells());
        }
        console.keys("esc");
    }
}

#[test]
fn credentials_that_end_soon_stand_in_the_bar() {
    let console = Console::new("credentials-expiring", (120, 40));
    assert!(
        console.text().lines().next().is_some_and(|bar| bar.contains("login 12 min left")),
        "{}",
        console.text()
    );
}
