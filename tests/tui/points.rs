//! Pane 2: recovery points, their timeline and the time cursor, by keys and in pictures.

use crate::support::console::{Console, lines};
use lifeboat::domain::readiness::Loss;
use lifeboat::domain::scope::FailureScope;
use lifeboat::tui::effect::Effect;
use lifeboat::tui::message::Message;
use lifeboat::tui::model::{Grouping, ListLine, Order, Overlay, judge};
use lifeboat::tui::theme::{Capability, Glyphs};
use lifeboat::tui::update::update;
use std::sync::Arc;

fn console(keys: &str) -> Console {
    let mut console = Console::new("region-loss", (160, 48));
    console.keys("2").keys(keys);
    console
}

fn list(console: &Console) -> Arc<lifeboat::tui::model::List> {
    console.model.points_judged().expect("it is judged").list.clone()
}

fn selected(console: &Console) -> (String, String) {
    let shown = console.model.point_in(console.model.points.at).expect("a point");
    (shown.component.id.to_string(), shown.point.id.to_string())
}

fn sentence(console: &Console) -> String {
    console.text().lines().nth(2).expect("the sentence").trim().to_owned()
}

#[test]
fn every_point_that_was_read_is_listed_once() {
    let console = console("");
    let list = list(&console);
    let mut numbers = list.rows.clone();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!((numbers.len(), list.rows.len()), (list.all, list.all));
    let judged = console.model.points_judged().expect("it is judged");
    assert_eq!(judged.inventory.entries.len(), list.all);
    assert!(std::mem::size_of::<lifeboat::tui::model::Entry>() <= 32, "a row is small");
}

#[test]
fn each_failure_judges_anew_and_agrees_with_the_verdicts() {
    let mut console = console("");
    for (key, scope) in ["L", "R", "A"].into_iter().zip(FailureScope::ALL) {
        console.keys(key);
        let judged = console.model.points_judged().expect("it is judged").clone();
        assert_eq!(judged.list.wanted.scope, scope);
        for component in &console.model.estate.components {
            let Some(assessment) = console.model.judgement.assessments.of(&component.id, scope) else {
                continue;
            };
            if assessment.rpo.best.is_none() || matches!(assessment.rpo.possible, Loss::Unknown(_)) {
                continue;
            }
            let counts = judged.inventory.entries.iter().any(|entry| {
                let (_, holder) = judged.inventory.point(entry).expect("it is there");
                console.model.estate.components[holder.component as usize].id == component.id
                    && judged.inventory.flaw(entry, scope).is_none()
            });
            assert!(counts, "{} {scope}", component.id);
        }
    }
}

#[test]
fn the_sentence_counts_what_would_not_survive() {
    let mut console = Console::new("calm", (160, 48));
    console.keys("2 e R");
    let says = sentence(&console);
    assert!(says.contains("would not survive the loss of us-east-2"), "{says}");
    assert!(says.contains("Nothing is left for"), "{says}");
    console.keys("A");
    assert!(sentence(&console).contains("the loss of account"), "{}", sentence(&console));
}

#[test]
fn a_filter_asks_all_columns_or_one_and_is_turned_round() {
    let mut console = console("R");
    let all = list(&console).all;
    console.keys("/").type_text("usable=no").keys("enter");
    let no = list(&console).rows.len();
    console.keys("/ ctrl-u").type_text("!usable=no").keys("enter");
    assert_eq!(list(&console).rows.len() + no, all);
    for (filter, column) in [("component=orders-db", 0), ("kind=snapshot", 1), ("region=us-west-2", 2)] {
        console.keys("/ ctrl-u").type_text(filter).keys("enter");
        let found = list(&console);
        assert!(!found.rows.is_empty() && found.rows.len() < all, "{filter}");
        for row in 0..found.rows.len() {
            let shown = console.model.point_in(row).expect("a point");
            let (_, value) = filter.split_once('=').expect("a column");
            let texts = [
                shown.component.id.to_string(),
                format!("{} {}", shown.point.kind.words(), shown.component.kind.words()),
                shown.holder.place.region.to_string(),
            ];
            assert!(texts[column].contains(value), "{filter}: {texts:?}");
        }
    }
    console.keys("/ ctrl-u").type_text("nothing-like-that").keys("enter");
    assert!(console.text().contains("nothing matches the filter"));
    console.keys("esc");
    assert_eq!(list(&console).rows.len(), all);
    // The overview keeps its own.
    assert!(console.model.overview.filter.value().is_empty());
}

#[test]
fn the_environment_filters_too() {
    let mut console = console("");
    let all = list(&console).all;
    console.keys("e");
    assert!(list(&console).all < all);
    console.keys("e e");
    assert_eq!(list(&console).all, all);
}

#[test]
fn points_are_sorted_as_asked() {
    let mut console = console("");
    let judged = console.model.points_judged().expect("it is judged").clone();
    let moments: Vec<_> = judged
        .list
        .rows
        .iter()
        .map(|row| judged.inventory.entry(*row).expect("it is there").moment)
        .collect();
    assert!(moments.is_sorted_by(|a, b| a >= b), "the newest first");
    console.keys("s");
    assert_eq!(console.model.points.order, Order::Component);
    let names = |console: &Console| -> Vec<String> {
        (0..list(console).rows.len())
            .map(|row| console.model.point_in(row).expect("a point").component.id.to_string())
            .collect()
    };
    assert!(names(&console).is_sorted());
    console.keys("s");
    let sizes: Vec<_> = (0..list(&console).rows.len())
        .map(|row| console.model.point_in(row).expect("a point").point.size_bytes)
        .collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b), "the largest first, unknown last");
    console.keys("s");
    let judged = console.model.points_judged().expect("it is judged").clone();
    let flaws: Vec<_> = { judged.list.rows.iter() }
        .map(|row| {
            judged.inventory.flaw(judged.inventory.entry(*row).expect("it is there"), FailureScope::Local)
        })
        .map(|flaw| flaw.is_none())
        .collect();
    assert!(flaws.is_sorted(), "what counts comes last");
    console.keys("s");
    assert_eq!(console.model.points.order, Order::Newest);
}

#[test]
fn groups_have_headings_that_count_and_are_never_selected() {
    let mut console = console("");
    for group in [Grouping::Component, Grouping::Kind, Grouping::Place, Grouping::None] {
        console.keys("b");
        let list = list(&console);
        assert_eq!(list.wanted.group, group);
        if group == Grouping::None {
            assert!(list.headings.is_empty());
            continue;
        }
        assert_eq!(list.headings.iter().map(|heading| heading.count).sum::<usize>(), list.rows.len());
        let mut rows = 0;
        for line in 0..list.lines() {
            match list.at(line).expect("a line") {
                ListLine::Heading(nth) => assert_eq!(list.headings[nth].first, rows, "{group:?}"),
                ListLine::Row(row) => {
                    assert_eq!((row, list.line_of(row)), (rows, line), "{group:?}");
                    rows += 1;
                }
            }
        }
        assert_eq!(rows, list.rows.len());
        assert_eq!(list.at(list.lines()), None);
        console.keys("G");
        assert_eq!(console.model.points.at, rows - 1);
        let (_, id) = selected(&console);
        console.keys("g g");
        assert_ne!(selected(&console).1, id);
    }
}

#[test]
fn the_cursor_stays_on_its_point_when_rows_move() {
    let mut console = console("j j j j");
    let before = selected(&console);
    console.keys("R");
    assert_eq!(selected(&console), before);
    console.keys("/").type_text(&format!("component={}", before.0)).keys("enter");
    assert_eq!(selected(&console), before);
    assert!(console.model.points.at < 4);
    console.keys("1 2");
    assert_eq!(selected(&console), before);
}

#[test]
fn enter_opens_the_details_of_a_point_and_esc_closes_them() {
    let mut console = console("R");
    console.keys("/").type_text("component=orders-db kind=replicated").keys("enter enter");
    assert!(matches!(console.model.overlays.last(), Some(Overlay::Point { .. })));
    let text = console.text();
    let (_, id) = selected(&console);
    for what in [id.as_str(), "if Region", "it counts", "deletable", "read", "size", "copies", "key"] {
        assert!(text.contains(what), "`{what}` is not on:\n{text}");
    }
    console.keys("esc");
    assert!(console.model.overlays.is_empty());
}

#[test]
fn what_is_copied_is_the_raw_id_also_under_presenter_mode() {
    let mut console = console("p y");
    let (_, id) = selected(&console);
    assert_eq!(console.asked, [Effect::Copy(id)]);
    console.asked.clear();
    console.keys("c y");
    let [Effect::Copy(text)] = console.asked.as_slice() else { panic!("{:?}", console.asked) };
    assert!(text.starts_with("To ") && text.contains("loses"), "{text}");
}

#[test]
fn a_moment_is_typed_and_a_wrong_one_is_refused_where_it_stands() {
    let mut console = console("R @");
    console.type_text("25:00").keys("enter");
    assert!(console.text().contains("is not a moment"), "{}", console.text());
    assert!(!console.model.points.to_moment);
    console.keys("ctrl-u").type_text("3 h ago").keys("enter");
    let at = console.model.moment().expect("a moment");
    assert_eq!(console.model.now.as_second() - at.as_second(), 3 * 3600);
    let (scope, cursor) =
        console.model.points_judged().and_then(|judged| judged.cursor.clone()).expect("it is judged");
    assert_eq!((scope, cursor.at), (FailureScope::Region, at));
    assert!(sentence(&console).starts_with("To "), "{}", sentence(&console));
    assert!(console.text().contains("cursor "));
    // It stays, and is seen, while something else is shown.
    console.keys("c");
    assert!(!console.model.points.to_moment);
    assert!(console.text().contains("cursor "), "{}", console.text());
    console.keys("1 2 c");
    assert_eq!(console.model.moment(), Some(at));
    console.keys("n");
    assert_eq!(console.model.moment(), Some(console.model.now));
}

#[test]
fn scrubbing_goes_by_steps_and_by_marks_and_never_past_now() {
    let mut console = console("c");
    let now = console.model.now;
    console.keys("right");
    assert_eq!(console.model.moment(), Some(now), "there is nothing later than now");
    console.keys("left left");
    let step = console.model.axis_span().step_s;
    let back = now.as_second() - console.model.moment().expect("a moment").as_second();
    assert!(back > step && back <= 2 * step, "{back} of {step}");
    console.keys("[");
    let at = console.model.moment().expect("a moment").as_second();
    let judged = console.model.points_judged().expect("it is judged").clone();
    let moments = judged.timeline.as_ref().expect("a timeline").moments();
    assert!(moments.is_empty() || moments.contains(&at) || console.model.notice.is_some());
    let before = console.model.axis_span();
    console.keys("+");
    assert!(console.model.axis_span().length_s <= before.length_s);
    console.keys("- -");
    assert!(console.model.axis_span().length_s > before.length_s);
}

#[test]
fn the_time_cursor_shows_the_worst_first_and_unknown_is_never_reached() {
    for scenario in ["calm", "region-loss", "throttled", "objects-deleted"] {
        let mut console = Console::new(scenario, (160, 48));
        console.keys("2 c left left");
        let rows = console.model.cursor_rows();
        let rank = |loss: Loss| match loss {
            Loss::Everything => 0,
            Loss::Unknown(_) => 1,
            Loss::Span(_) => 2,
            Loss::NotApplicable => 3,
        };
        assert!(rows.is_sorted_by_key(|row| rank(row.loss)), "{scenario}");
        let text = console.text();
        for row in rows.iter().filter(|row| matches!(row.loss, Loss::Unknown(_))) {
            let is_row = |line: &&str| line.split_whitespace().nth(2) == Some(row.component.as_str());
            let line = text.lines().find(is_row);
            assert!(line.is_none_or(|line| line.contains("? unknown")), "{line:?}");
        }
    }
}

#[test]
fn old_rows_stay_until_the_new_ones_are_judged() {
    let mut console = console("/");
    let before = console.model.points_judged().expect("it is judged").list.rows.len();
    let key = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char('o'));
    let effects = update(&mut console.model, Message::Key(key));
    assert_eq!(console.model.points_judged().expect("still").list.rows.len(), before);
    let [Effect::Judge(request)] = effects.as_slice() else { panic!("{effects:?}") };
    let judged = judge(request);
    let points = judged.points.as_ref().expect("points");
    let known = console.model.points_judged().expect("still");
    assert!(Arc::ptr_eq(&points.inventory, &known.inventory), "what did not change is not judged again");
    assert!(points.list.rows.len() < before);
}

#[test]
fn a_place_that_did_not_answer_is_named() {
    let console = console("");
    assert!(console.text().contains("? not read  us-east-2"), "{}", console.text());
}

#[test]
fn before_anything_was_read_it_says_so() {
    let estate = crate::support::console::demo("calm");
    let (_, clock) = crate::support::console::read(&estate, "calm");
    let mut console = Console::of(estate, Arc::default(), clock.now(), Some("calm"), (80, 24));
    console.keys("2");
    let text = console.text();
    assert!(text.contains("No recovery point has been read yet."), "{text}");
    assert!(text.contains("still being read"), "{text}");
    console.keys("c left [ ] z b s enter y");
}

const SCREENS: [(&str, &str); 6] = [
    ("points", "R"),
    ("points_grouped", "R b"),
    ("points_detail", "R enter"),
    ("points_cursor", "R c left left left"),
    ("points_timeline", "R j j c left left z"),
    ("points_presenter", "R p"),
];

#[test]
fn glyphs_of_pane_2_at_every_size() {
    for (name, keys) in SCREENS {
        for size in [(80, 24), (160, 48), (200, 60)] {
            let mut console = Console::new("region-loss", size);
            console.keys("2").keys(keys);
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), console.text());
        }
    }
}

#[test]
fn ascii_means_ascii_on_pane_2() {
    for scenario in ["calm", "region-loss", "stuck-lock", "objects-deleted"] {
        for (_, keys) in SCREENS {
            let mut console = Console::new(scenario, (160, 48)).look("mono", Capability::None, Glyphs::Ascii);
            console.keys("2").keys(keys);
            for line in lines(&console.cells()) {
                assert!(line.is_ascii(), "{keys}: {line}");
            }
        }
    }
}

#[test]
fn a_click_selects_and_a_second_one_opens() {
    let mut console = console("");
    let text = console.text();
    let row = text.lines().position(|line| line.contains("component lost")).expect("the tabs") as u16 + 4;
    let click = crossterm::event::MouseEvent {
        kind: crossterm::event::MouseEventKind::Down(crossterm::event::MouseButton::Left),
        column: 20,
        row,
        modifiers: crossterm::event::KeyModifiers::NONE,
    };
    console.mouse(click);
    assert_eq!(console.model.points.at, 2);
    console.mouse(click);
    assert!(matches!(console.model.overlays.last(), Some(Overlay::Point { .. })));
}
