//! A console that is read-only for good: whatever is pressed, nothing is asked of the runtime that acts.

use crate::engine::program::Real;
use crate::support::console::{demo, library, read};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use jiff::tz::{TimeZone, offset};
use lifeboat::engine::store::Runs;
use lifeboat::engine::watch::{Seen, Watch};
use lifeboat::runbook::plan::{Plan, PlanHash};
use lifeboat::tui::effect::Effect;
use lifeboat::tui::keymap::Keymap;
use lifeboat::tui::message::Message;
use lifeboat::tui::model::{Beginning, Model, News, Operating, Prepared, judge};
use lifeboat::tui::theme::{Capability, Glyphs, Look};
use lifeboat::tui::update::update;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many keys are pressed.
const KEYS: u64 = 1_000_000;

/// Returns the name of what is asked, and whether it acts. There is no arm for others: whoever adds an effect says here
/// which it is.
fn kind(effect: &Effect) -> (&'static str, bool) {
    match effect {
        Effect::Judge(_) => ("judge", false),
        Effect::Refresh => ("refresh", false),
        Effect::Ask(_) => ("ask", false),
        Effect::Copy(_) => ("copy", false),
        Effect::Mouse(_) => ("mouse", false),
        Effect::Redraw => ("redraw", false),
        Effect::Suspend => ("suspend", false),
        Effect::LogIn(_) => ("log in", false),
        Effect::LoginCode(..) => ("login code", false),
        Effect::Plan(_) => ("plan", false),
        Effect::Verify(_) => ("verify", false),
        Effect::Report(_) => ("report", false),
        Effect::Begin(..) => ("begin", true),
        Effect::AskRun(..) => ("ask a run", true),
        Effect::Quit => ("quit", false),
    }
}

fn message(chance: &mut ChaCha8Rng) -> Message {
    let modifiers = match chance.next_u32() % 12 {
        0 => KeyModifiers::CONTROL,
        1 => KeyModifiers::ALT,
        2 => KeyModifiers::SHIFT,
        _ => KeyModifiers::NONE,
    };
    let code = match chance.next_u32() % 20 {
        0 => KeyCode::Enter,
        1 => KeyCode::Esc,
        2 => KeyCode::Tab,
        3 => KeyCode::Backspace,
        4 => [KeyCode::Up, KeyCode::Down, KeyCode::Left, KeyCode::Right][(chance.next_u32() % 4) as usize],
        5 => [KeyCode::Home, KeyCode::End, KeyCode::PageUp, KeyCode::PageDown]
            [(chance.next_u32() % 4) as usize],
        6 => KeyCode::F((chance.next_u32() % 12 + 1) as u8),
        7 => KeyCode::Char(char::from((b'0' as u32 + chance.next_u32() % 10) as u8)),
        8 => KeyCode::Char(':'),
        9 => {
            let kinds = [
                MouseEventKind::Down(MouseButton::Left),
                MouseEventKind::ScrollDown,
                MouseEventKind::ScrollUp,
            ];
            return Message::Mouse(MouseEvent {
                kind: kinds[(chance.next_u32() % 3) as usize],
                column: (chance.next_u32() % 120) as u16,
                row: (chance.next_u32() % 40) as u16,
                modifiers,
            });
        }
        _ => KeyCode::Char(char::from((0x20 + chance.next_u32() % 0x5F) as u8)),
    };
    Message::Key(KeyEvent::new(code, modifiers))
}

/// What keys come upon: a plan that can be agreed to, and runs of which something can be asked.
struct World {
    plan: Arc<Plan>,
    hash: PlanHash,
    runs: Arc<Seen>,
}

/// Presses so many keys, by a seed, in a console that is sealed or one that somebody operates; returns how often what was
/// asked.
fn pressed(seed: u64, keys: u64, sealed: bool, world: &World) -> BTreeMap<&'static str, u64> {
    let estate = demo("calm");
    let (snapshot, clock) = read(&estate, "calm");
    let begin = || {
        let look = Look::new("dark", Capability::TrueColour, Glyphs::Unicode).expect("the theme is there");
        let mut model = Model::new(Beginning {
            estate: Arc::new(estate.clone()),
            origin: "the built-in estate".to_owned(),
            sandbox: Some("calm".into()),
            snapshot: snapshot.clone(),
            now: clock.now(),
            zone: TimeZone::fixed(offset(-5)),
            size: (120, 40),
            keymap: Keymap::default(),
            look,
            presenter: false,
            always_redacted: false,
            read_only_for_good: sealed,
            library: library(),
            notice: None,
        });
        let judged = judge(&model.judge_request());
        update(&mut model, Message::Judged(Arc::new(judged)));
        update(&mut model, Message::Runs(world.runs.clone()));
        model.operating = Operating::begin(sealed, "a test").ok();
        assert_eq!(model.operating.is_none(), sealed);
        model
    };
    let (mut model, mut chance, mut asked) = (begin(), ChaCha8Rng::seed_from_u64(seed), BTreeMap::new());
    for _ in 0..keys {
        let effects = update(&mut model, message(&mut chance));
        for effect in effects {
            let (name, acts) = kind(&effect);
            assert!(!(acts && sealed), "seed {seed}: a console that is read-only for good asks for {name}");
            *asked.entry(name).or_default() += 1;
            match effect {
                // What it is judged by changes rarely; that takes longer than a thousand keys.
                Effect::Judge(request) if chance.next_u32() % 200 == 0 => {
                    update(&mut model, Message::Judged(Arc::new(judge(&request))));
                }
                Effect::Plan(wanted) => {
                    let prepared = Prepared {
                        wanted,
                        plan: world.plan.clone(),
                        hash: world.hash.clone(),
                        estate: "".into(),
                        file: None,
                        notes: Vec::new(),
                    };
                    update(&mut model, Message::News(News::Planned(Ok(Arc::new(prepared)))));
                }
                Effect::Quit => model = begin(),
                _ => {}
            }
        }
        assert_eq!(model.read_only_for_good, sealed, "seed {seed}: the seal was broken");
        assert!(!sealed || model.operating.is_none(), "seed {seed}: the seal was broken");
    }
    asked
}

/// Makes a plan, and a run that waits for a person, with the real program.
fn world() -> World {
    let real = Real::new();
    let place = ["-e", "sandbox:restore-error", "--speed", "5000"];
    let what = ["database-from-snapshot", "-p", "database=stage-orders-db"];
    let words: Vec<_> =
        place.iter().chain(&["plan"]).chain(&what).chain(&["-o", "plan.json"]).copied().collect();
    assert_eq!(real.run(&words).code, 0);
    let bytes = std::fs::read(real.home.dir.path().join("plan.json")).expect("there is a plan");
    let words: Vec<_> = place.iter().chain(&["run"]).chain(&what).chain(&["--yes"]).copied().collect();
    assert_eq!(real.run(&words).code, 4, "it fails, and waits for a person");
    World {
        plan: Arc::new(serde_json::from_slice(&bytes).expect("it is a plan")),
        hash: PlanHash::of(&bytes),
        runs: Watch::of(Runs::at(&real.state().join("runs"))).look().expect("there is a run"),
    }
}

/// Presses keys in four consoles at once; returns how often what was asked.
fn all(keys: u64, sealed: bool) -> BTreeMap<&'static str, u64> {
    let world = world();
    let found: Vec<_> = std::thread::scope(|scope| {
        let some: Vec<_> = (0..4)
            .map(|seed| (seed, &world))
            .map(|(seed, world)| scope.spawn(move || pressed(seed, keys / 4, sealed, world)))
            .collect();
        some.into_iter().map(|one| one.join().expect("no panic")).collect()
    });
    let mut asked = BTreeMap::new();
    for (name, count) in found.into_iter().flatten() {
        *asked.entry(name).or_default() += count;
    }
    println!("{keys} keys, sealed {sealed}: {asked:?}");
    asked
}

#[test]
fn a_million_keys_ask_for_nothing_that_acts() {
    let asked = all(KEYS, true);
    // They have reached what there is to reach.
    for name in ["judge", "refresh", "copy", "quit", "mouse", "plan", "verify"] {
        assert!(asked.contains_key(name), "{name} was never asked for");
    }
}

/// Without this, nobody would know whether the keys reach anything that acts.
#[test]
fn the_same_keys_act_where_somebody_operates() {
    let asked = all(KEYS / 5, false);
    for name in ["begin", "ask a run"] {
        assert!(asked.contains_key(name), "{name} was never asked for");
    }
}
