//! Hostile text in every field of the estate file and of the sandbox: nothing foreign reaches a terminal, a table, a
//! document, an error or a log.

use crate::support::console::{Console, read};
use crate::support::run::Home;
use lifeboat::config::diagnostic::render;
use lifeboat::config::load_text;
use lifeboat::domain::Text;
use lifeboat::domain::condition::{Condition, Health, Identity, Incident};
use lifeboat::domain::lock::{Lock, LockStore};
use lifeboat::domain::place::Place;
use lifeboat::domain::proof::Proof;
use lifeboat::domain::reading::{Capability, Fact, ReadTrouble, Reading, Subject};
use lifeboat::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use lifeboat::domain::scope::FailureScope;
use lifeboat::domain::state::{Digest, StateForm, StateHistory, StateVersion};
use lifeboat::domain::text::is_hostile;
use lifeboat::tui::runtime::Painter;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use unicode_segmentation::UnicodeSegmentation;

/// How many generated strings go through everything.
const STRINGS: usize = 100_000;
/// How many go through one screen together.
const TOGETHER: usize = 250;

/// What attackers really write, besides every control character by itself.
fn curated() -> Vec<String> {
    let mut all: Vec<String> = [
        "\u{1b}]52;c;cm0gLXJmIC8=\u{7}",
        "\u{1b}]0;PWNED\u{7}",
        "\u{1b}]8;;http://evil\u{1b}\\click\u{1b}]8;;\u{1b}\\",
        "\u{1b}[2J\u{1b}[H",
        "\u{1b}[31mred",
        "\u{1b}P1000p\u{1b}\\",
        "\u{1b}_apc\u{1b}\\",
        "\u{1b}^pm\u{1b}\\",
        "\u{1b}Xsos\u{1b}\\",
        "\u{9b}2J",
        "\u{9d}0;x\u{9c}",
        "\u{90}x\u{9c}",
        "\u{1b}c",
        "\u{1b}[6n",
        "\u{1b}[?1049l",
        "a\rb",
        "a\nb",
        "a\tb",
        "\u{8}\u{8}\u{8}",
        "\u{e}\u{f}",
        "\u{7f}",
        "\u{0}",
        "\u{202e}txt.exe",
        "\u{2066}x\u{2069}",
        "\u{200b}",
        "\u{200d}",
        "\u{feff}",
        "\u{ad}",
        "\u{2028}",
        "\u{2029}",
        "\u{e0041}\u{e0042}",
        "\u{fe0f}",
        "\u{180e}",
        "\u{115f}",
        "\u{3164}",
        "\u{ffa0}",
        "\u{e000}",
        "\u{10ffff}",
        "{{7*7}}",
        "$(reboot)",
        "; rm -rf /",
        "%s%n",
        "../../etc/passwd",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "e\u{301}",
        "מגן",
        "東京",
        "\\e[31m",
        "<script>",
        "\"},{\"",
    ]
    .map(str::to_owned)
    .to_vec();
    all.extend((0u32..=0x9f).filter_map(char::from_u32).filter(|c| c.is_control()).map(|c| format!("x{c}y")));
    all.push(format!("a{}", "\u{301}".repeat(1000)));
    all.push("\u{301}\u{302}\u{303}".to_owned());
    all.push("x".repeat(100_000));
    all
}

fn generated(chance: &mut ChaCha8Rng) -> String {
    let parts = [
        "\u{1b}[",
        "\u{1b}]",
        "\u{9b}",
        "31m",
        "2J",
        "52;c;",
        "\u{7}",
        "\u{1b}\\",
        "\u{202e}",
        "\u{200d}",
        "\u{301}",
        "ab",
        "東",
        "\u{fe0f}",
        "\r",
        "\n",
        "\u{e0041}",
        ";",
        "?1049l",
    ];
    let count = chance.next_u32() % 12 + 1;
    (0..count)
        .map(|_| match chance.next_u32() % 3 {
            0 => char::from_u32(chance.next_u32() % 0x11_0000).unwrap_or('?').to_string(),
            1 => char::from_u32(chance.next_u32() % 0xA0).unwrap_or('?').to_string(),
            _ => parts[chance.next_u32() as usize % parts.len()].to_owned(),
        })
        .collect()
}

/// What the console itself sends, and nothing else: cursor, style, erase, modes, synchronised update.
fn is_our_grammar(bytes: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8: {error}"))?;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '\u{1b}' {
            let Some(csi) = rest.strip_prefix("\u{1b}[") else {
                return Err(format!(
                    "a sequence that is not CSI: {:?}",
                    rest.chars().take(12).collect::<String>()
                ));
            };
            let end =
                csi.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c)).ok_or("a sequence without an end")?;
            let (parameters, last) = (&csi[..end], csi[end..].chars().next().unwrap_or('?'));
            let numbers = parameters.chars().all(|c| c.is_ascii_digit() || c == ';' || c == ':');
            let fits = match last {
                'm' | 'H' | 'J' => numbers,
                'h' | 'l' => parameters == "?2026",
                _ => false,
            };
            if !fits {
                return Err(format!("a foreign sequence: {:?}", &rest[..end + 3]));
            }
            rest = &csi[end + 1..];
        } else {
            if is_hostile(c) {
                return Err(format!("a foreign character: {c:?}"));
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    Ok(())
}

fn is_plain(text: &str) -> Result<(), String> {
    match text.chars().find(|c| *c != '\n' && is_hostile(*c)) {
        Some(c) => Err(format!("{c:?} in {:?}", text.chars().take(200).collect::<String>())),
        None => Ok(()),
    }
}

/// Puts strings into every field that a reading has, and draws every screen with them.
fn through_the_screen(console: &mut Console, strings: &[String]) {
    let mut next = strings.iter().cycle().cloned();
    let mut hostile = || next.next().unwrap_or_default();
    let mut snapshot = console.model.snapshot.as_ref().clone();
    let keys: Vec<_> = snapshot.readings.iter().map(|(key, _)| key.clone()).collect();
    let now = console.model.now;
    for key in keys {
        let place = match &key.subject {
            Subject::Component(_, place) => place.clone(),
            _ => Place::new(&hostile(), &hostile()),
        };
        let mut text = || Text::new(&hostile());
        let fact = match key.capability {
            Capability::Points => {
                let mut point =
                    RecoveryPoint::new(text().as_str(), PointKind::Snapshot, place, Holds::Until(now));
                point.key = Some(text().as_str().into());
                let mut failed = point.clone();
                failed.status = PointStatus::Failed(text());
                failed.hold = Some(Box::new(lifeboat::domain::recovery_point::Hold {
                    what: text(),
                    until: None,
                    lifted_by: None,
                }));
                let mut other = RecoveryPoint::new(
                    text().as_str(),
                    PointKind::Dump,
                    failed.place.clone(),
                    Holds::Everything,
                );
                other.status = PointStatus::Unrecognised(text());
                Fact::Points(vec![point, failed, other])
            }
            Capability::Condition => Fact::Condition(Condition {
                health: Health::Impaired,
                status: text(),
                created_at: None,
                settings: BTreeMap::from([(text(), text())]),
                incidents: vec![Incident { code: text(), at: now, says: text() }],
            }),
            Capability::Locks => Fact::Locks(vec![Lock {
                store: LockStore::LockFile,
                path: text(),
                id: Some(text()),
                who: Some(text()),
                operation: Some(text()),
                created_at: Some(now),
                terraform_version: Some(text()),
                record: Some(text()),
            }]),
            Capability::States => Fact::State(StateHistory {
                path: text(),
                versions: vec![StateVersion {
                    version_id: text(),
                    written_at: now,
                    form: StateForm::Whole,
                    serial: Some(1),
                    lineage: Some(text()),
                    terraform_version: Some(text()),
                    resources: Some(1),
                    size_bytes: 1,
                    md5: Some(text()),
                }],
                digest: Digest::Row(text()),
                ..StateHistory::default()
            }),
            Capability::Identity => Fact::Identity(Identity {
                who: text(),
                account: text().as_str().into(),
                expires_at: Some(now),
            }),
            Capability::Proofs => Fact::Proofs(vec![Proof {
                scope: FailureScope::Local,
                at: now,
                took: Duration::from_secs(60),
                how: text(),
            }]),
            Capability::Keys => Fact::Key(lifeboat::domain::condition::KeyState::Absent),
        };
        let source = text();
        let reading = if source.as_str().len() % 4 == 0 {
            Reading::missed(None, source.as_str(), ReadTrouble::Other(text()), now)
        } else {
            Reading::succeeded(None, source.as_str(), fact, now)
        };
        snapshot.readings.put(key, Arc::new(reading));
    }
    console.tell(lifeboat::tui::message::Message::Read(Arc::new(snapshot)));
    let mut painter = Painter::new(console.model.size);
    for keys in [
        "", "enter", "R", "pagedown", "esc t", "G", "esc i", "esc 3", "j", "enter", "v", "esc", "G", "enter",
        "j", "esc 1", "j", "2", "b", "enter", "esc", "b b b", "c", "left", "z", "z c 1",
    ] {
        console.keys(keys);
        let bytes = painter.frame(&console.model);
        if let Err(why) = is_our_grammar(&bytes) {
            panic!("{keys:?}: {why}");
        }
        for line in crate::support::console::lines(&console.cells()) {
            for grapheme in line.graphemes(true) {
                assert!(grapheme.chars().count() <= 8, "{grapheme:?} has too many characters for a cell");
            }
        }
    }
    let copied = console.keys("y").asked.len();
    assert!(copied > 0);
    console.asked.clear();
    console.keys("esc esc esc g g");
}

#[test]
fn nothing_foreign_reaches_the_terminal() {
    let estate = crate::support::console::demo("calm");
    let (snapshot, clock) = read(&estate, "calm");
    let mut console = Console::of(estate, snapshot, clock.now(), Some("calm"), (120, 40));
    let mut chance = ChaCha8Rng::seed_from_u64(7);
    let curated = curated();
    through_the_screen(&mut console, &curated);
    let mut done = curated.len();
    while done < STRINGS {
        let strings: Vec<_> = (0..TOGETHER).map(|_| generated(&mut chance)).collect();
        done += strings.len();
        through_the_screen(&mut console, &strings);
    }
    println!("{done} strings");
}

#[test]
fn nothing_foreign_comes_out_of_a_text_of_any_kind() {
    let mut chance = ChaCha8Rng::seed_from_u64(11);
    for nth in 0..STRINGS {
        let raw = if nth < 300 { curated()[nth % curated().len()].clone() } else { generated(&mut chance) };
        let clean = Text::new(&raw);
        is_plain(clean.as_str()).unwrap_or_else(|why| panic!("{raw:?}: {why}"));
        assert!(clean.as_str().graphemes(true).all(|grapheme| grapheme.chars().count() <= 8), "{raw:?}");
        assert_eq!(Text::new(clean.as_str()), clean, "what is harmless stays as it is");
    }
}

#[test]
fn hostile_estate_files_are_refused_or_made_harmless() {
    let fields = [
        "version: 1\nestate: @\nenvironments: { p: { class: test, account: 012345678901, region: eu-west-1 } }\n",
        "version: 1\nestate: e\nenvironments: { @: { class: test, account: 012345678901, region: eu-west-1 } }\n",
        "version: 1\nestate: e\nenvironments: { p: { class: @, account: @, region: @, account_alias: @ } }\n",
        "version: 1\nestate: e\nenvironments: { p: { class: test, account: 012345678901, region: eu-west-1 } }\ncomponents: { @: { kind: s3-bucket, select: { id: @ }, owner: @, depends_on: [@], retention: [@], objectives: { rpo: @ } } }\n",
        "version: 1\nestate: e\nenvironments: { p: { class: test, account: 012345678901, region: eu-west-1 } }\ncomponents: { a: { kind: s3-bucket, select: { tag: @ }, owner: @, proven: [{ took: 1 h, on: 2026-01-01, how: @ }] } }\n@: 1\n",
    ];
    let mut chance = ChaCha8Rng::seed_from_u64(13);
    let mut strings = curated();
    strings.retain(|string| string.len() < 5_000);
    strings.extend((0..2_000).map(|_| generated(&mut chance)));
    for (nth, string) in strings.iter().enumerate() {
        // As YAML would hold it: in quotes with escapes, and as it is.
        let quoted = serde_json::to_string(string).expect("a text is JSON");
        for raw in [quoted.as_str(), string.as_str()] {
            let source = fields[nth % fields.len()].replace('@', raw);
            match load_text(&source) {
                Ok(loaded) => {
                    let said = format!("{:?}", loaded.estate);
                    is_plain(&said).unwrap_or_else(|why| panic!("{why}"));
                }
                Err(wrong) => {
                    let shown = render(string, &source, &wrong);
                    is_plain(&shown).unwrap_or_else(|why| panic!("{source:?}: {why}"));
                }
            }
        }
    }
}

#[test]
fn tables_documents_errors_and_logs_are_plain_too() {
    let home = Home::new();
    let hostile = "\u{1b}]0;PWNED\u{7}\u{202e}evil\u{9b}2J";
    let quoted = serde_json::to_string(hostile).expect("a text is JSON");
    let estate = format!(
        "version: 1\nestate: e\nenvironments: {{ p: {{ class: production, provider: sandbox }} }}\ncomponents:\n  a: {{ kind: s3-bucket, owner: {quoted}, select: {{ id: {quoted} }} }}\n  b: {{ kind: rds-instance, select: {{ id: b }}, proven: [{{ took: 1 h, on: 2026-01-01, how: {quoted} }}] }}\n"
    );
    let path = home.write("hostile.yaml", &estate);
    for words in [
        &["status", "-vv"][..],
        &["status", "--format", "json"],
        &["status", "--format", "prometheus"],
        &["points"],
        &["check"],
        &["check", "--format", "json"],
        &["doctor"],
    ] {
        let mut all = words.to_vec();
        all.extend(["--estate", &path]);
        let ran = home.run(&all);
        for text in [&ran.out, &ran.err] {
            is_plain(text).unwrap_or_else(|why| panic!("{words:?}: {why}"));
        }
    }
    for words in [
        &["-e", hostile, "status"][..],
        &["points", hostile, "-e", "sandbox"],
        &["status", "--estate", hostile],
        &["demo", hostile],
        &["-e", "sandbox", "status", "--check", "--fail-on", hostile],
    ] {
        let ran = home.run(words);
        assert_ne!(ran.code, 0);
        is_plain(&ran.err).unwrap_or_else(|why| panic!("{words:?}: {why}"));
    }
    let log = home.dir.path().join(".local/state/lifeboat/log");
    for entry in std::fs::read_dir(log).expect("a log was written") {
        let text = std::fs::read_to_string(entry.expect("it can be read").path()).expect("it is text");
        is_plain(&text).unwrap_or_else(|why| panic!("the log: {why}"));
    }
}
