//! A console that is read-only for good: whatever is pressed, nothing is asked of the runtime that acts.

use crate::support::console::{demo, read};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use jiff::tz::{TimeZone, offset};
use lifeboat::tui::effect::Effect;
use lifeboat::tui::keymap::Keymap;
use lifeboat::tui::message::Message;
use lifeboat::tui::model::{Beginning, Model, judge};
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

/// Presses so many keys, by a seed; returns how often what was asked.
fn pressed(seed: u64, keys: u64) -> BTreeMap<&'static str, u64> {
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
            read_only_for_good: true,
            notice: None,
        });
        let judged = judge(&model.judge_request());
        update(&mut model, Message::Judged(Arc::new(judged)));
        model
    };
    let (mut model, mut chance, mut asked) = (begin(), ChaCha8Rng::seed_from_u64(seed), BTreeMap::new());
    for _ in 0..keys {
        let effects = update(&mut model, message(&mut chance));
        for effect in effects {
            let (name, acts) = kind(&effect);
            assert!(!acts, "seed {seed}: a console that is read-only for good asks for {name}");
            *asked.entry(name).or_default() += 1;
            match effect {
                // What it is judged by changes rarely; that takes longer than a thousand keys.
                Effect::Judge(request) if chance.next_u32() % 200 == 0 => {
                    update(&mut model, Message::Judged(Arc::new(judge(&request))));
                }
                Effect::Quit => model = begin(),
                _ => {}
            }
        }
        assert!(model.read_only_for_good, "seed {seed}: the seal was broken");
    }
    asked
}

#[test]
fn a_million_keys_ask_for_nothing_that_acts() {
    let seeds: Vec<u64> = (0..4).collect();
    let each = KEYS / 4;
    let all: Vec<_> = std::thread::scope(|scope| {
        let some: Vec<_> = seeds.iter().map(|seed| scope.spawn(move || pressed(*seed, each))).collect();
        some.into_iter().map(|one| one.join().expect("no panic")).collect()
    });
    let mut asked: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, count) in all.into_iter().flatten() {
        *asked.entry(name).or_default() += count;
    }
    println!("{KEYS} keys: {asked:?}");
    // They have reached what there is to reach.
    for name in ["judge", "refresh", "copy", "quit", "mouse"] {
        assert!(asked.contains_key(name), "{name} was never asked for");
    }
}
