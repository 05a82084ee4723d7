//! What is generated stands in the files as the program makes it: lists of the README, schemas, pictures.

use crate::support::console::Console;
use crate::support::{assert_kept, root};
use crate::tui::recovery::{fill, form, prepared};
use clap::ValueEnum;
use jiff::Timestamp;
use lifeboat::cli::args::SchemaOf;
use lifeboat::cli::command::schema;
use lifeboat::domain::Text;
use lifeboat::engine::step::Going;
use lifeboat::engine::store::Runs;
use lifeboat::engine::watch::{RunSeen, Seen, Watch};
use lifeboat::failure::EXIT_CODES;
use lifeboat::provider::sandbox::SCENARIOS;
use lifeboat::tui::command::COMMANDS;
use lifeboat::tui::keymap::Keymap;
use lifeboat::tui::message::Message;
use lifeboat::tui::model::News;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

fn between(text: &str, name: &str, made: &str) -> String {
    let (begin, end) = (format!("<!-- {name}:begin -->"), format!("<!-- {name}:end -->"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("the README has no {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("the README has no {end}"));
    format!("{before}{begin}\n{made}{end}{after}")
}

#[test]
fn the_readme_lists_what_there_is() {
    let mut keys = String::from("| key | command | does |\n| --- | --- | --- |\n");
    let keymap = Keymap::default();
    for row in COMMANDS {
        let pressed: Vec<_> = keymap.keys_of(row.command).iter().map(|key| format!("`{key}`")).collect();
        let _ = writeln!(keys, "| {} | {} | {} |", pressed.join(" "), row.name, row.doc);
    }
    let mut exits = String::from("| code | means |\n| --- | --- |\n");
    for (code, says) in EXIT_CODES {
        let _ = writeln!(exits, "| {code} | {says} |");
    }
    let mut scenarios = String::from("| scenario | what happens |\n| --- | --- |\n");
    for scenario in SCENARIOS {
        let _ = writeln!(scenarios, "| `{}` | {} |", scenario.name, scenario.says);
    }
    let schema = schema::of(SchemaOf::Status);
    let codes = schema["$defs"]["TroubleCode"]["oneOf"].as_array().expect("the codes have documentation");
    let mut troubles = String::from("| code | means |\n| --- | --- |\n");
    for code in codes {
        let (name, says) =
            (code["const"].as_str().expect("a name"), code["description"].as_str().expect("a sentence"));
        let _ = writeln!(troubles, "| `{name}` | {says} |");
    }
    let mut actions =
        String::from("| action | given | does | if no answer comes |\n| --- | --- | --- | --- |\n");
    for action in lifeboat::action::ACTIONS {
        let about = action.about();
        let given: Vec<String> = { about.arguments.iter() }
            .map(|one| if one.required { one.name.to_owned() } else { format!("[{}]", one.name) })
            .collect();
        let (name, given) = (about.name, given.join(" "));
        let _ = writeln!(actions, "| `{name}` | {given} | {} | {} |", about.title, about.dedupe.words());
    }
    let mut text = std::fs::read_to_string(root("README.md")).expect("the README can be read");
    for (name, made) in [
        ("keys", keys),
        ("exits", exits),
        ("scenarios", scenarios),
        ("troubles", troubles),
        ("actions", actions),
    ] {
        text = between(&text, name, &made);
    }
    assert_kept("README.md", &text);
}

#[test]
fn the_schemas_are_those_of_the_types() {
    for of in SchemaOf::value_variants() {
        let name = of.to_possible_value().expect("it has a name");
        let text = serde_json::to_string_pretty(&schema::of(*of)).expect("it is JSON") + "\n";
        assert_kept(&format!("assets/schemas/{}.schema.json", name.get_name()), &text);
    }
}

#[test]
fn the_picture_is_the_real_screen() {
    let mut console = Console::new("region-loss", (120, 36));
    console.keys("R");
    assert_kept("assets/pictures/overview.svg", &svg(&console.cells()));
}

/// A run that was begun in the sandbox and broken off in its first step.
const RUN: &str = "r-20261121-031402-d646";

/// Returns the run as those see it who watch while it is worked on, and the console's clock then.
fn watched() -> (Arc<RunSeen>, Timestamp) {
    let place = tempfile::tempdir().expect("a folder can be made");
    let (from, to) = (root("tests/fixtures/runs").join(RUN), place.path().join(RUN));
    for folder in ["", "side"] {
        std::fs::create_dir(to.join(folder)).expect("a folder can be made");
        for entry in std::fs::read_dir(from.join(folder)).expect("the run is kept").flatten() {
            if entry.path().is_file() {
                std::fs::copy(entry.path(), to.join(folder).join(entry.file_name()))
                    .expect("it can be copied");
            }
        }
    }
    let seen = Watch::of(Runs::at(place.path())).look().expect("there is a run");
    let run = seen.runs.first().expect("it is read");
    assert_eq!(run.trouble, None);
    let going = std::fs::read(from.join("progress.json")).expect("its progress is kept");
    let going: BTreeMap<Text, Going> = serde_json::from_slice(&going).expect("it is progress");
    let now = going.values().map(|going| going.at).max().expect("a step is under way")
        + jiff::Span::new().seconds(7);
    let path = Text::new(&format!("~/.local/state/lifeboat/runs/{RUN}"));
    (Arc::new(RunSeen { going, worked_on: true, path, ..run.as_ref().clone() }), now)
}

#[test]
fn the_pictures_of_a_plan_and_its_run_are_the_real_screens() {
    let (run, now) = watched();
    let mut console = form("region-loss", "region-lost", (120, 36));
    fill(&mut console, &[("database", "reports-db"), ("record", "shop-dns")]);
    let prepared = prepared(&console, &run.plan, &run.hash);
    console.tell(Message::News(News::Planned(Ok(prepared))));
    assert_kept("assets/pictures/plan.svg", &svg(&console.cells()));

    let mut console = Console::new("region-loss", (120, 36));
    console.model.now = now;
    console.tell(Message::Runs(Arc::new(Seen { runs: vec![run], older: 0 })));
    console.keys("R 5 enter");
    assert_kept("assets/pictures/run.svg", &svg(&console.cells()));
}

/// Draws cells as SVG.
fn svg(buffer: &Buffer) -> String {
    const WIDTH: f64 = 8.4;
    const HEIGHT: f64 = 18.0;
    let area = *buffer.area();
    let hex = |colour: Color, other: &str| match colour {
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        _ => other.to_owned(),
    };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.1} {:.1}\" font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n",
        f64::from(area.width) * WIDTH,
        f64::from(area.height) * HEIGHT
    );
    for y in 0..area.height {
        let mut x = 0;
        while x < area.width {
            let style = buffer[(x, y)].style();
            let from = x;
            let mut text = String::new();
            while x < area.width && buffer[(x, y)].style() == style {
                text.push_str(buffer[(x, y)].symbol());
                x += 1;
            }
            let (left, top) = (f64::from(from) * WIDTH, f64::from(y) * HEIGHT);
            let width = f64::from(x - from) * WIDTH;
            let bg = hex(style.bg.unwrap_or(Color::Reset), "#000000");
            let _ = writeln!(
                out,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\" fill=\"{bg}\"/>"
            );
            if text.trim().is_empty() {
                continue;
            }
            let fg = hex(style.fg.unwrap_or(Color::Reset), "#ffffff");
            let bold = if style.add_modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let _ = writeln!(
                out,
                "<text x=\"{left:.1}\" y=\"{:.1}\" fill=\"{fg}\"{bold} textLength=\"{width:.1}\" xml:space=\"preserve\">{escaped}</text>",
                top + HEIGHT * 0.75
            );
        }
    }
    out.push_str("</svg>\n");
    out
}
