//! Pictures of the screen: glyphs, and a map of styles, for every size, theme and overlay; and rules on their cells.

use crate::support::console::{Console, lines};
use lifeboat::domain::readiness::Verdict;
use lifeboat::tui::theme::{BUILT_IN, Capability, Glyphs, Look, Role};
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Style};
use std::fmt::Write;

const SIZES: [(u16, u16); 4] = [(40, 10), (80, 24), (120, 40), (200, 60)];

/// Each screen, and the keys that lead to it.
const SCREENS: [(&str, &str); 8] = [
    ("overview", ""),
    ("region", "R"),
    ("detail", "R enter"),
    ("troubles", "t"),
    ("about", "i"),
    ("help", "?"),
    ("palette", ":"),
    ("quit", "ctrl-c"),
];

fn screen(keys: &str, size: (u16, u16)) -> Console {
    let mut console = Console::new("region-loss", size);
    console.keys(keys);
    console
}

/// Returns the style of every cell as a letter, runs of more than three shortened; the letters are explained below.
fn styles(buffer: &Buffer, look: &Look) -> String {
    let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut known: Vec<Style> = Vec::new();
    let mut out = String::new();
    let area = *buffer.area();
    for y in 0..area.height {
        let mut runs: Vec<(char, usize)> = Vec::new();
        for x in 0..area.width {
            let style = buffer[(x, y)].style();
            let at = known.iter().position(|other| *other == style).unwrap_or_else(|| {
                known.push(style);
                known.len() - 1
            });
            let letter = letters.chars().nth(at).unwrap_or('#');
            match runs.last_mut() {
                Some((last, count)) if *last == letter => *count += 1,
                _ => runs.push((letter, 1)),
            }
        }
        for (letter, count) in runs {
            let _ = write!(out, "{letter}{count}");
        }
        out.push('\n');
    }
    for (nth, style) in known.iter().enumerate() {
        let mut roles: Vec<_> = Role::ALL
            .iter()
            .filter(|role| look.style(**role) == plain(*style))
            .map(|role| role.name())
            .collect();
        roles.truncate(6);
        let letter = letters.chars().nth(nth).unwrap_or('#');
        let _ = writeln!(
            out,
            "{letter} = {}",
            if roles.is_empty() { format!("{style:?}") } else { roles.join(" | ") }
        );
    }
    out
}

/// The style of a cell without what a cell always says.
fn plain(style: Style) -> Style {
    let unset = |colour: Option<Color>| colour.filter(|colour| *colour != Color::Reset);
    Style { fg: unset(style.fg), bg: unset(style.bg), underline_color: None, ..style }
}

#[test]
fn glyphs_of_every_screen_at_every_size() {
    for (name, keys) in SCREENS {
        for size in SIZES {
            let console = screen(keys, size);
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), console.text());
        }
    }
}

#[test]
fn styles_of_every_screen_in_every_theme() {
    for (theme, _) in BUILT_IN {
        let mut all = String::new();
        for (name, keys) in SCREENS {
            for size in SIZES {
                let console = screen(keys, size).look(theme, Capability::TrueColour, Glyphs::Unicode);
                let _ = writeln!(
                    all,
                    "== {name} {}x{}\n{}",
                    size.0,
                    size.1,
                    styles(&console.cells(), &console.model.look)
                );
            }
        }
        insta::assert_snapshot!(format!("styles_{theme}"), all);
    }
}

#[test]
fn ascii_means_ascii() {
    for (_, keys) in SCREENS {
        for size in SIZES {
            let console = screen(keys, size).look("mono", Capability::None, Glyphs::Ascii);
            for line in lines(&console.cells()) {
                assert!(line.is_ascii(), "{keys}: {line}");
            }
        }
    }
}

#[test]
fn no_id_and_no_verdict_is_cut_at_80_by_24() {
    for scenario in ["calm", "region-loss", "throttled"] {
        for scope in ["L", "R", "A"] {
            let mut console = Console::new(scenario, (80, 24));
            console.keys(scope);
            let rows: Vec<_> = console
                .model
                .rows()
                .iter()
                .map(|row| (row.component.id.to_string(), row.assessment.verdict.word().to_owned()))
                .collect();
            let mut seen = 0;
            for _ in 0..=rows.len() {
                let text = console.text();
                for (id, verdict) in &rows {
                    // A row begins with its glyph and verdict; the component follows.
                    let whole = text.lines().any(|line| {
                        line.get(..).is_some_and(|line| {
                            line.contains(verdict.as_str()) && line.split_whitespace().any(|word| word == id)
                        })
                    });
                    seen += usize::from(whole);
                }
                console.keys("j");
            }
            assert!(seen >= rows.len(), "{scenario} {scope}: {seen} of {}", rows.len());
            let mut console = Console::new(scenario, (80, 24));
            console.keys(scope);
            let mut missing: Vec<String> = rows.iter().map(|(id, _)| id.clone()).collect();
            for _ in 0..=rows.len() {
                let text = console.text();
                missing.retain(|id| !text.lines().any(|line| line.split_whitespace().any(|word| word == id)));
                console.keys("j");
            }
            assert!(missing.is_empty(), "{scenario} {scope}: never shown whole: {missing:?}");
        }
    }
}

#[test]
fn an_id_of_the_longest_length_is_whole_at_80_columns() {
    let text = lifeboat::provider::sandbox::DEMO_ESTATE
        .replace("stage-orders-db", "stage-o")
        .replace("orders-db", &"x".repeat(64));
    let mut estate = lifeboat::config::load_text(&text).expect("it loads").estate;
    for environment in &mut estate.environments {
        environment.provider =
            lifeboat::domain::estate::Provider::Sandbox { scenario: "calm".into(), seed: 1 };
    }
    let (snapshot, clock) = crate::support::console::read(&estate, "calm");
    let mut console = Console::of(estate, snapshot, clock.now(), Some("calm"), (80, 24));
    console.keys("/").type_text("xxxx");
    assert!(console.text().contains(&"x".repeat(64)), "{}", console.text());
    assert!(console.text().contains("✓ met"), "{}", console.text());
}

#[test]
fn a_row_always_has_its_verdict_in_words_and_its_age() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let console = screen("", size);
        let rows = console.model.rows();
        let text = console.text();
        for row in rows.iter().take(5) {
            let line = text.lines().find(|line| line.contains(row.component.id.as_str())).expect("the row");
            assert!(line.contains(row.assessment.verdict.word()), "{line}");
            assert!(
                line.ends_with("now")
                    || line.ends_with("ago")
                    || line.ends_with("never")
                    || line.ends_with('d')
                    || line.ends_with("min")
                    || line.ends_with('h'),
                "{line}"
            );
        }
    }
}

#[test]
fn no_colour_stands_without_a_word() {
    // The same screen in no colours says the same: whoever sees none misses nothing.
    for (_, keys) in SCREENS {
        for size in SIZES {
            let coloured = screen(keys, size).look("dark", Capability::TrueColour, Glyphs::Unicode);
            let plain = screen(keys, size).look("dark", Capability::None, Glyphs::Unicode);
            let differ = lines(&coloured.cells())
                .into_iter()
                .zip(lines(&plain.cells()))
                .filter(|(a, b)| a != b)
                .count();
            // The line that names what the terminal can show is the only one that may differ.
            assert!(differ <= usize::from(keys == "i"), "{keys} {size:?}");
        }
    }
}

#[test]
fn every_figure_of_the_document_can_be_reached_on_screen() {
    use lifeboat::domain::scope::FailureScope;
    let mut console = Console::new("region-loss", (200, 60));
    let ids: Vec<_> = console.model.estate.components.iter().map(|component| component.id.clone()).collect();
    for (scope, key) in FailureScope::ALL.into_iter().zip(["L", "R", "A"]) {
        for id in &ids {
            console.keys("esc esc").keys(key).keys("/").type_text(&format!("component={id}")).keys("enter");
            let nth =
                console.model.rows().iter().position(|row| row.component.id == *id).expect("it matches");
            console.keys("g g");
            for _ in 0..nth {
                console.keys("j");
            }
            console.keys("enter");
            let mut text = console.text();
            console.keys("pagedown");
            text.push_str(&console.text());
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let assessment = console.model.judgement.assessments.of(id, scope).expect("judged");
            let has = |what: &str| {
                let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(flat.contains(&what), "{id} {scope}: `{what}` is not on:\n{text}");
            };
            has(assessment.rpo.reason.as_str());
            has(assessment.rto.reason.as_str());
            has(assessment.rpo.verdict.word());
            has(assessment.rto.verdict.word());
            has(&format!("{} of {} count", assessment.rpo.counts.0, assessment.rpo.counts.1));
            if let Some(best) = &assessment.rpo.best {
                has(best.id.as_str());
                has(&best.place.to_string());
            }
            if let Some(proof) = &assessment.rto.proven {
                has(&lifeboat::domain::duration::words(proof.took));
                has(proof.how.as_str());
            }
            if let Some(limit) = assessment.rpo.limit {
                has(&format!("limit {}", lifeboat::domain::duration::words(limit)));
            }
            console.keys("esc");
        }
    }
    // And every trouble.
    let troubles: Vec<_> = console
        .model
        .judgement
        .troubles
        .iter()
        .map(|trouble| (trouble.scope, trouble.says.clone()))
        .collect();
    for (scope, says) in troubles {
        console.keys("esc esc").keys(match scope {
            None | Some(FailureScope::Local) => "L",
            Some(FailureScope::Region) => "R",
            Some(FailureScope::Account) => "A",
        });
        console.keys("t");
        let mut all = String::new();
        for _ in 0..6 {
            all.push_str(&console.text());
            all.push('\n');
            console.keys("pagedown");
        }
        let flat = all.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(says.as_str()), "{says} is not among the troubles");
    }
}

#[test]
fn trouble_comes_first_and_what_was_never_promised_last() {
    let console = screen("R", (120, 40));
    let verdicts: Vec<_> = console.model.rows().iter().map(|row| row.assessment.verdict).collect();
    let first_met = verdicts.iter().position(|verdict| *verdict == Verdict::Met).expect("some are met");
    let last_breached =
        verdicts.iter().rposition(|verdict| *verdict == Verdict::Breached).expect("some are breached");
    assert!(last_breached < first_met);
    assert_eq!(verdicts.last(), Some(&Verdict::NoObjective));
}
