//! Themes and keymaps: complete, legible, and the same in every list.

use lifeboat::tui::command::COMMANDS;
use lifeboat::tui::keymap::{self, Chord, Keymap};
use lifeboat::tui::theme::{BUILT_IN, Capability, Glyphs, Look, Role, parse};
use ratatui::style::{Color, Modifier};

/// The contrast that text must have with its ground: WCAG 2, level AA; high-contrast holds AAA.
const CONTRAST: f64 = 4.5;
const HIGH_CONTRAST: f64 = 7.0;

fn luminance(colour: Color) -> f64 {
    let Color::Rgb(r, g, b) = colour else { panic!("{colour:?} is not a colour of a palette") };
    let part = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
}

fn contrast(a: Color, b: Color) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_theme_gives_every_role_a_legible_style() {
    for (name, text) in BUILT_IN {
        let theme = parse(name, text).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        let wanted = if name == "high-contrast" { HIGH_CONTRAST } else { CONTRAST };
        for role in Role::ALL {
            let style = theme.style(*role);
            if name == "mono" {
                assert_eq!((style.fg, style.bg), (None, None), "{name} {}", role.name());
                continue;
            }
            let (Some(fg), Some(bg)) = (style.fg, style.bg) else {
                panic!("{name} {} has no colours", role.name())
            };
            if *role != Role::Rule {
                let has = contrast(fg, bg);
                assert!(has >= wanted, "{name} {}: contrast {has:.2}, wanted {wanted}", role.name());
            }
        }
    }
}

#[test]
fn verdicts_differ_by_more_than_red_and_green_in_the_colour_blind_theme() {
    let (name, text) = BUILT_IN[3];
    assert_eq!(name, "colour-blind");
    let theme = parse(name, text).expect("it is whole");
    let of = |role: Role| match theme.style(role).fg {
        Some(Color::Rgb(_, _, b)) => i32::from(b),
        other => panic!("{other:?}"),
    };
    // Blue against orange: the axis that the common kinds of colour blindness keep.
    assert!((of(Role::Met) - of(Role::Breached)).abs() > 100);
}

#[test]
fn fewer_colours_still_tell_everything_apart() {
    for (name, _) in BUILT_IN {
        let few = Look::new(name, Capability::Colours16, Glyphs::Unicode).expect("it is there");
        for role in Role::ALL {
            let style = few.style(*role);
            for colour in [style.fg, style.bg].into_iter().flatten() {
                assert!(
                    !matches!(colour, Color::Rgb(..)),
                    "{name} {}: {colour:?} in 16 colours",
                    role.name()
                );
            }
            assert!(style.fg.is_none() || style.fg != style.bg, "{name} {}: {style:?}", role.name());
        }
        let none = Look::new(name, Capability::None, Glyphs::Ascii).expect("it is there");
        for role in Role::ALL {
            let style = none.style(*role);
            assert_eq!((style.fg, style.bg), (None, None), "{name} {}", role.name());
        }
        assert!(
            none.style(Role::Selected).add_modifier.contains(Modifier::REVERSED),
            "{name}: a selection is seen"
        );
    }
}

#[test]
fn a_broken_theme_says_where_and_what() {
    let text = "[palette]\nred = \"#12\"\n[role]\n\"text\" = { fg = \"blue\" }\n\"verdict.mett\" = {}\n";
    let errors = parse("broken", text).expect_err("it is broken");
    let said: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|says| says.starts_with("line 2: `#12` is not a colour")), "{said:?}");
    assert!(said.iter().any(|says| says.starts_with("line 4: the palette has no `blue`")), "{said:?}");
    assert!(said.iter().any(|says| says.contains("did you mean `verdict.met`?")), "{said:?}");
}

#[test]
fn every_command_has_a_key_and_a_sentence() {
    let keymap = Keymap::default();
    for row in COMMANDS {
        assert!(!keymap.keys_of(row.command).is_empty(), "{} has no key", row.name);
        assert!(row.doc.ends_with('.'), "{}: {}", row.name, row.doc);
    }
}

#[test]
fn every_mistake_in_a_keymap_is_found_at_its_place() {
    let text = "[keys]\nopne = [\"enter\"]\nhelp = [\"ctrl-i\", \"x\"]\ncopy = [\"x\", \"qwertz\"]\nup = [\"x y\"]\n";
    let said: Vec<_> =
        keymap::load::parse(text).expect_err("it is broken").iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_patch_replaces_only_what_it_names_and_must_fit_the_rest() {
    let keymap = keymap::load::patch("[keys]\nhelp = [\"h\"]\n").expect("it fits");
    assert_eq!(keymap.keys_of(lifeboat::tui::command::Command::Help), ["h"]);
    assert_eq!(keymap.keys_of(lifeboat::tui::command::Command::Quit), ["q"]);
    assert!(keymap::load::patch("[keys]\nhelp = [\"q\"]\n").is_err(), "q is taken by quit");
}

#[test]
fn chords_are_printed_as_they_are_read() {
    for text in ["j", "G", "?", "enter", "ctrl-r", "f1", "pagedown", "space", "esc", "alt-x", "/", ":", "!"] {
        assert_eq!(Chord::parse(text).map(|chord| chord.to_string()), Ok(text.to_owned()));
    }
}
