//! Pane 3: locks, states, their versions, two of them side by side; and what a shared screen must not show.

use crate::support::console::{Console, collector, demo, read, wait_for};
use lifeboat::collector::{Comparing, Comparison, Request, Snapshot};
use lifeboat::domain::Text;
use lifeboat::domain::lock::{Lock, LockStore};
use lifeboat::domain::reading::{Capability, Fact, ReadTrouble, Reading, ReadingKey, Subject};
use lifeboat::domain::state::compare::{AttributeChange, Change, ResourceChange};
use lifeboat::domain::state::{Digest, StateHistory};
use lifeboat::tui::effect::Effect;
use lifeboat::tui::message::Message;
use lifeboat::tui::model::{Overlay, Under};
use lifeboat::tui::theme::{Capability as Colours, Glyphs, Role};
use std::sync::Arc;

const SIZES: [(u16, u16); 3] = [(80, 24), (160, 48), (200, 60)];

fn console(scenario: &str, size: (u16, u16)) -> Console {
    let mut console = Console::new(scenario, size);
    console.keys("3");
    console
}

/// Returns the screen in one line, however it was broken.
fn flat(console: &Console) -> String {
    console.text().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Changes what was read.
fn reread(console: &mut Console, change: impl Fn(&mut Snapshot)) {
    let mut snapshot = console.model.snapshot.as_ref().clone();
    change(&mut snapshot);
    console.tell(Message::Read(Arc::new(snapshot)));
}

/// Puts another reading in the place of those that `wanted` accepts.
fn put(console: &mut Console, wanted: impl Fn(&ReadingKey) -> bool, of: impl Fn(&Reading) -> Reading) {
    reread(console, |snapshot| {
        let all: Vec<_> = { snapshot.readings.iter() }
            .filter(|(key, _)| wanted(key))
            .map(|(key, reading)| (key.clone(), of(reading)))
            .collect();
        assert!(!all.is_empty(), "nothing was read of it");
        for (key, reading) in all {
            snapshot.readings.put(key, Arc::new(reading));
        }
    });
}

fn is_component(key: &ReadingKey, wanted: &str) -> bool {
    matches!(&key.subject, Subject::Component(id, _) if id.as_str() == wanted)
        && key.capability == Capability::States
}

/// Makes a state one that was deleted, with nothing that guards it.
fn lose(console: &mut Console, component: &str) {
    let now = console.model.now;
    put(
        console,
        |key| is_component(key, component),
        |reading| {
            let held = reading.held.as_ref().expect("it was read");
            let Fact::State(state) = &held.fact else { panic!("a state") };
            let lost = StateHistory {
                versions: Vec::new(),
                versions_in_all: 0,
                digest: Digest::Absent,
                ..state.clone()
            };
            Reading::succeeded(None, reading.source.as_str(), Fact::State(lost), now)
        },
    );
}

fn go_to(console: &mut Console, name: &str) {
    console.keys("g g");
    for _ in 0..console.model.states.shown.len() {
        let is_it = match console.model.under() {
            Some(Under::State(row)) => row.name.as_str() == name,
            _ => false,
        };
        if is_it {
            return;
        }
        console.keys("j");
    }
    panic!("{name} is not on pane 3");
}

#[test]
fn one_sentence_says_it_all() {
    for size in SIZES {
        let console = console("stuck-lock", size);
        let said =
            "3 locks, 2 of them with nothing to say its holder is alive; 1 of 23 states is in trouble.";
        assert!(flat(&console).contains(said), "{}", console.text());
    }
}

#[test]
fn nobody_overlooks_that_terraform_would_rebuild_everything() {
    for size in SIZES {
        let mut console = console("calm", size);
        lose(&mut console, "core-state");
        let said = "TERRAFORM WOULD REBUILD EVERYTHING in core-state: there is no state, and nothing that stops it. \
                    Let nobody apply before it is put back.";
        assert!(flat(&console).contains(said), "{}", console.text());
        let alarm = console.model.look.style(Role::Alarm);
        let row =
            console.text().lines().position(|line| line.contains("TERRAFORM")).expect("the line") as u16;
        assert_eq!(console.cells()[(3, row)].style().fg, alarm.fg);
        let first = console.model.state_row(0).expect("a state");
        assert!(first.would_rebuild() && first.name.as_str() == "core-state", "it stands first");
    }
}

#[test]
fn what_speaks_for_and_against_a_holder_stands_under_its_lock_and_age_alone_is_no_verdict() {
    let mut console = console("stuck-lock", (80, 24));
    console.keys("j");
    let said = flat(&console);
    for part in [
        "an apply: it may be in the middle of changing things",
        "nothing says that its holder is alive",
        "the state has not been written in the 2 h since the lock was taken",
        "Terraform 1.13.4",
    ] {
        assert!(said.contains(part), "{part}: {}", console.text());
    }
    console.keys("j");
    assert!(flat(&console).contains("age alone proves nothing"), "{}", console.text());
}

#[test]
fn both_halves_of_a_lock_are_one_row_and_a_record_that_is_not_terraforms_is_shown() {
    let mut console = console("stuck-lock", (200, 60));
    let now = console.model.now;
    let locks = |key: &ReadingKey| {
        key.capability == Capability::Locks
            && matches!(&key.subject, Subject::Backend(name, place) if name.as_str() == "production" && place.region.as_str() == "us-east-2")
    };
    put(&mut console, locks, |reading| {
        let Some(Fact::Locks(all)) = reading.held.as_ref().map(|held| held.fact.clone()) else {
            panic!("locks")
        };
        let mut all = all;
        let other = Lock { store: LockStore::LockFile, ..all[0].clone() };
        let foreign =
            Lock::of_record(LockStore::DynamodbRow, "production-tfstate/dns/terraform.tfstate", Some("held"));
        all.extend([other, foreign]);
        Reading::succeeded(None, "s3:ListObjectsV2", Fact::Locks(all), now)
    });
    assert_eq!(console.model.states.shown.locks.len(), 4, "{}", console.text());
    assert!(console.text().contains("both halves"), "{}", console.text());
    for _ in 0..4 {
        if console.text().contains("not Terraform's: held") {
            break;
        }
        console.keys("j");
    }
    assert!(console.text().contains("not Terraform's: held"), "{}", console.text());
    console.keys("y");
    let Some(Effect::Copy(text)) = console.asked.last() else { panic!("{:?}", console.asked) };
    assert!(text.lines().all(|line| line.starts_with("# ")), "{text}");
}

#[test]
fn each_pane_has_a_filter_of_its_own() {
    let mut console = console("calm", (160, 48));
    console.keys("/").type_text("backend=staging").keys("enter");
    let names: Vec<_> = (0..console.model.states.shown.states.len())
        .map(|nth| console.model.state_row(nth).expect("a row").environment.to_string())
        .collect();
    assert!(!names.is_empty() && names.iter().all(|name| name == "staging"), "{names:?}");
    console.keys("1");
    assert_eq!(console.model.overview.filter.value(), "");
    console.keys("3");
    assert!(console.text().contains("filter backend=staging: 10 of 23 states"), "{}", console.text());
    console.keys("esc");
    assert_eq!(console.model.states.shown.states.len(), 23);
    console.keys("/").type_text("zzz");
    assert!(console.text().contains("no state matches the filter"), "{}", console.text());
}

#[test]
fn states_are_sorted_by_trouble_name_age_size_and_serial() {
    let mut console = console("state-corrupted", (160, 48));
    assert!(!console.model.state_row(0).expect("a row").troubles.is_empty());
    let column = |console: &Console, of: &dyn Fn(&StateHistory) -> i64| -> Vec<i64> {
        (0..23).map(|nth| of(&console.model.state_row(nth).expect("a row").state)).collect()
    };
    console.keys("s");
    let names: Vec<_> =
        (0..23).map(|nth| console.model.state_row(nth).expect("a row").name.clone()).collect();
    assert!(names.is_sorted());
    for of in [
        (|state: &StateHistory| -state.versions[0].written_at.as_second()) as fn(&StateHistory) -> i64,
        |state| -i64::try_from(state.versions[0].size_bytes).expect("small"),
        |state| -i64::try_from(state.versions[0].serial.unwrap_or(0)).expect("small"),
    ] {
        console.keys("s");
        assert!(column(&console, &of).is_sorted());
    }
    console.keys("s");
    assert!(console.text().contains("trouble first"));
}

#[test]
fn the_cursor_stays_on_its_state_when_rows_move() {
    let mut console = console("calm", (160, 48));
    go_to(&mut console, "edge-state");
    lose(&mut console, "stage-state");
    let Some(Under::State(row)) = console.model.under() else { panic!("a state") };
    assert_eq!(row.name.as_str(), "edge-state");
}

#[test]
fn a_state_is_looked_at_while_it_is_open_and_no_longer() {
    let mut console = console("calm", (160, 48));
    go_to(&mut console, "dns/terraform.tfstate");
    console.keys("enter");
    assert!(flat(&console).contains("reading its versions: 1 of 20 so far"), "{}", console.text());
    let looks = |effect: &Effect| match effect {
        Effect::Ask(Request::LookAt(what)) => what.clone().map(|(key, _)| key.subject),
        other => panic!("{other:?}"),
    };
    let subject = looks(console.asked.last().expect("it was asked for"));
    assert!(matches!(subject, Some(Subject::State(_, key, _)) if key.as_str() == "dns/terraform.tfstate"));
    for leave in ["esc", "1", "/"] {
        console.keys("esc 3");
        console.asked.clear();
        console.keys("enter").keys(leave);
        let told: Vec<_> = console.asked.iter().map(looks).collect();
        assert_eq!((told.len(), told.last()), (2, Some(&None)), "{leave}: {told:?}");
    }
}

#[test]
fn a_component_is_read_anyway_and_shows_all_of_its_versions_at_once() {
    let mut console = console("state-corrupted", (160, 48));
    go_to(&mut console, "core-state");
    console.asked.clear();
    console.keys("enter");
    assert!(console.asked.is_empty(), "{:?}", console.asked);
    let said = flat(&console);
    for part in ["the newest version of the state is truncated", "no, its bytes are truncated", "yes", "MD5"]
    {
        assert!(said.contains(part), "{part}: {}", console.text());
    }
    assert!(said.contains("1 to 38 of"), "{}", console.text());
}

fn changes() -> Vec<ResourceChange> {
    let text = |text: &str| Some(Text::new(text));
    let attribute = |path: &str, before: Option<Text>, after: Option<Text>| AttributeChange {
        path: path.into(),
        before,
        after,
    };
    vec![
        ResourceChange { address: "aws_eip.nat".into(), change: Change::Added, attributes: Vec::new() },
        ResourceChange {
            address: "module.db.aws_db_instance.main".into(),
            change: Change::Changed,
            attributes: vec![
                attribute("instance_class", text("db.m7g.large"), text("db.m7g.xlarge")),
                attribute("password", text("(sensitive)"), text("(sensitive)")),
                attribute("tags.Owner", None, text("payments")),
                attribute("arn", text(&"arn:aws:rds:us-east-2:417263985012:db:a ".repeat(3)), None),
            ],
        },
        ResourceChange {
            address: "aws_s3_bucket.old".into(),
            change: Change::Removed,
            attributes: Vec::new(),
        },
    ]
}

fn compared(size: (u16, u16)) -> Console {
    let mut console = console("calm", size);
    go_to(&mut console, "core-state");
    console.keys("enter j enter");
    let Some(Effect::Ask(Request::Compare(of))) = console.asked.last().cloned() else {
        panic!("{:?}", console.asked)
    };
    assert!(console.text().contains("reading both versions"), "{}", console.text());
    let comparison = Comparison { of, outcome: Ok(changes()) };
    reread(&mut console, |snapshot| snapshot.comparison = Some(Arc::new(comparison.clone())));
    console
}

#[test]
fn two_versions_stand_side_by_side_where_there_is_room_and_below_each_other_where_not() {
    for size in SIZES {
        let mut console = compared(size);
        let mut text = console.text();
        console.keys("G");
        text.push_str(&console.text());
        for part in [
            "3 resources differ: 1 removed, 1 changed, 1 added.",
            "aws_s3_bucket.old",
            "(sensitive), another value",
            "(not there)",
            "(gone)",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let line = text.lines().find(|line| line.contains("db.m7g.large")).expect("the value before");
        assert_eq!(line.contains("db.m7g.xlarge"), size.0 >= 120, "{text}");
        let place = |part: &str| text.find(part).expect("it is there");
        assert!(
            place("removed  aws") < place("changed  module") && place("changed  module") < place("added ")
        );
    }
}

#[test]
fn a_comparison_scrolls_to_its_end_and_no_further() {
    let mut console = compared((80, 24));
    console.keys("G");
    assert!(console.text().contains("aws_eip.nat"), "{}", console.text());
    let scrolled = console.text();
    console.keys("j pagedown");
    assert_eq!(console.text(), scrolled);
}

#[test]
fn the_sandbox_compares_the_marked_version_with_another() {
    let estate = demo("calm");
    let (mut collector, clock) = collector(&estate, "calm");
    wait_for(collector.once(None));
    let now = clock.now();
    let snapshot = Arc::new(collector.snapshot());
    let mut console = Console::of(estate, snapshot, now, Some("calm"), (160, 48));
    console.keys("3");
    go_to(&mut console, "dns/terraform.tfstate");
    console.keys("enter");
    let look_at = console.model.looked_at().cloned().expect("it is looked at");
    let key = look_at.0.clone();
    collector.look_at(Some(look_at));
    wait_for(collector.once(None));
    console.tell(Message::Read(Arc::new(collector.snapshot())));
    assert!(!console.text().contains("reading its versions"), "{}", console.text());
    console.keys("v G");
    assert!(flat(&console).contains("marked the version of"), "{}", console.text());
    console.keys("d");
    let Some(Effect::Ask(Request::Compare(of))) = console.asked.last().cloned() else {
        panic!("{:?}", console.asked)
    };
    assert_eq!(of.state, key.subject);
    wait_for(collector.compare(of));
    console.tell(Message::Read(Arc::new(collector.snapshot())));
    assert!(flat(&console).contains("resources differ: "), "{}", console.text());
    assert!(!console.text().contains("not-a-password"), "{}", console.text());
    console.keys("y");
    assert!(matches!(console.asked.last(), Some(Effect::Copy(text)) if text.starts_with("lifeboat states ")));
    console.keys("esc esc esc");
    assert!(console.model.overlays.is_empty());
}

#[test]
fn what_cannot_be_compared_is_said() {
    let mut console = console("calm", (160, 48));
    go_to(&mut console, "core-state");
    console.keys("enter G enter");
    assert!(console.text().contains("there is no version before it"), "{}", console.text());
    console.keys("v d");
    assert!(console.text().contains("the marked version is this one"), "{}", console.text());
    console.keys("k enter");
    let Some(Overlay::Comparison(open)) = console.model.overlays.last() else { panic!("a comparison") };
    let of: Comparing = open.of.clone();
    let why = "it is encrypted, and the key is not ours: only serial and lineage can be compared";
    let comparison = Comparison { of, outcome: Err(why.into()) };
    reread(&mut console, |snapshot| snapshot.comparison = Some(Arc::new(comparison.clone())));
    assert!(flat(&console).contains(why), "{}", console.text());
}

#[test]
fn copies_are_raw_and_harmless_to_a_shell() {
    let mut console = console("stuck-lock", (160, 48));
    let hostile = "$(reboot); rm -rf /";
    let locks = |key: &ReadingKey| key.capability == Capability::Locks;
    let now = console.model.now;
    console.keys("j y");
    let Some(Effect::Copy(text)) = console.asked.last() else { panic!("{:?}", console.asked) };
    let (comments, command) = text.rsplit_once('\n').expect("several lines");
    assert!(comments.lines().all(|line| line.starts_with("# ")), "{text}");
    assert!(comments.contains("may be gone: the state has not been written in the 2 h"), "{text}");
    assert!(command.starts_with("terraform force-unlock ") && command.len() == 23 + 36, "{command}");
    put(&mut console, locks, |reading| {
        let Some(Fact::Locks(all)) = reading.held.as_ref().map(|held| held.fact.clone()) else {
            panic!("locks")
        };
        let all =
            all.into_iter().map(|lock| Lock { id: Some(hostile.into()), who: Some(hostile.into()), ..lock });
        Reading::succeeded(None, "s3:ListObjectsV2", Fact::Locks(all.collect()), now)
    });
    console.keys("g g y");
    let Some(Effect::Copy(text)) = console.asked.last() else { panic!("{:?}", console.asked) };
    assert!(text.ends_with("terraform force-unlock '$(reboot); rm -rf /'"), "{text}");
    let comments = text.rsplit_once('\n').expect("several lines").0;
    assert!(!comments.contains(['$', ';', '`', '(', '\'']), "{text}");
    go_to(&mut console, "core-state");
    console.keys("y");
    assert_eq!(
        console.asked.last(),
        Some(&Effect::Copy("production-tfstate/core/terraform.tfstate".to_owned()))
    );
    console.keys("p y");
    assert!(console.text().contains("copied, unmasked: the path of the state"), "{}", console.text());
}

#[test]
fn where_nothing_is_named_the_lines_to_write_are_shown() {
    let text = "version: 1\nestate: e\nenvironments: { p: { class: test, provider: sandbox } }\ncomponents:\n  a: { kind: s3-bucket, select: { id: a } }\n";
    let estate = lifeboat::config::load_text(text).expect("it loads").estate;
    let (snapshot, clock) = read(&estate, "calm");
    for size in SIZES {
        let mut console = Console::of(estate.clone(), snapshot.clone(), clock.now(), Some("calm"), size);
        console.keys("3");
        for part in ["names no backend", "backends:", "bucket: BUCKET", "lock_table: TABLE"] {
            assert!(console.text().contains(part), "{part}: {}", console.text());
        }
    }
}

#[test]
fn what_could_not_be_read_is_said_and_never_looks_well() {
    let estate = demo("calm");
    let (_, clock) = collector(&estate, "calm");
    let nothing = Arc::new(Snapshot::default());
    let mut console = Console::of(estate, nothing, clock.now(), Some("calm"), (80, 24));
    console.keys("3");
    assert!(console.text().contains("Locks and states are being read."), "{}", console.text());

    let mut console = self::console("calm", (160, 48));
    let later = console.model.now;
    put(
        &mut console,
        |key| matches!(&key.subject, Subject::Backend(name, _) if name.as_str() == "production"),
        |reading| Reading::missed(Some(reading), "s3:ListObjectsV2", ReadTrouble::Unreachable, later),
    );
    let said = flat(&console);
    assert!(said.contains("could not be read lately"), "{}", console.text());
    assert!(said.contains("not read: locks of the backend production in us-east-2: not reachable"), "{said}");
    assert!(said.contains("since then not reachable"), "{said}");
}

#[test]
fn any_size_is_drawn_and_every_key_is_safe() {
    let mut console = console("stuck-lock", (160, 48));
    for size in [(0, 0), (40, 10), (79, 24), (80, 24), (81, 25), (119, 30), (120, 31), (500, 200)] {
        console.tell(Message::Resize(size.0, size.1));
        for keys in [
            "3", "G", "k", "enter", "G", "v", "k", "d", "j", "pagedown", "esc", "pageup", "esc", "g g", "p",
            "p", "e", "e", "e", "s", "y", "enter", "esc", "esc",
        ] {
            console.keys(keys);
            drop(console.cells());
        }
    }
}

/// Each screen of pane 3, and the keys that lead to it.
fn screens(size: (u16, u16)) -> Vec<(&'static str, Console)> {
    let with = |scenario: &str, keys: &str| {
        let mut console = console(scenario, size);
        console.keys(keys);
        console
    };
    let mut rebuild = console("calm", size);
    lose(&mut rebuild, "core-state");
    rebuild.keys("G");
    let mut presenter = compared(size);
    presenter.keys("p");
    let mut one = console("state-corrupted", size);
    go_to(&mut one, "core-state");
    one.keys("enter j v");
    vec![
        ("locks", with("stuck-lock", "j")),
        ("states", with("state-corrupted", "j j j j")),
        ("region", with("region-loss", "")),
        ("rebuild", rebuild),
        ("one", one),
        ("comparison", compared(size)),
        ("presenter", with("stuck-lock", "j p x")),
        ("presenter_comparison", presenter),
        ("presenter_overview", with("region-loss", "1 p x")),
    ]
}

#[test]
fn pictures_of_locks_and_states() {
    for size in SIZES {
        for (name, console) in screens(size) {
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), console.text());
        }
    }
}

#[test]
fn ascii_means_ascii_here_too() {
    for size in SIZES {
        for (name, console) in screens(size) {
            let console = console.look("mono", Colours::None, Glyphs::Ascii);
            assert!(console.text().is_ascii(), "{name}: {}", console.text());
        }
    }
}

#[test]
fn a_shared_screen_shows_no_account_no_person_and_no_host() {
    for size in SIZES {
        for scenario in ["calm", "region-loss", "stuck-lock", "credentials-expiring"] {
            let mut console = Console::new(scenario, size);
            let accounts: Vec<String> = console
                .model
                .snapshot
                .readings
                .iter()
                .filter_map(|(key, _)| match &key.subject {
                    Subject::Component(_, place) | Subject::Backend(_, place) => {
                        Some(place.account.to_string())
                    }
                    _ => None,
                })
                .filter(|account| account.bytes().all(|byte| byte.is_ascii_digit()))
                .collect();
            assert!(!accounts.is_empty());
            console.keys("p");
            for keys in [
                "", "R", "enter", "pagedown", "esc t", "pagedown", "esc i", "pagedown", "esc ?", "esc :",
                "esc 2", "enter", "esc 3", "j", "j", "enter", "G", "k enter", "esc esc", "G enter", "esc 1",
            ] {
                console.keys(keys);
                let text = console.text();
                assert!(text.contains("PRESENTER"), "{text}");
                for account in &accounts {
                    assert!(!text.contains(account.as_str()), "{account} after {keys}: {text}");
                }
                for host in ["ci-3b41", "ci-7f9c", "deploy-2", "@ci-", "runner@", "amira@"] {
                    assert!(!text.contains(host), "{host} after {keys}: {text}");
                }
            }
        }
    }
}

#[test]
fn presenter_mode_has_a_large_clock_where_there_is_room_and_says_what_it_is() {
    let mut console = Console::new("calm", (200, 60));
    console.keys("p");
    assert!(console.text().matches("██").count() > 20, "{}", console.text());
    assert!(console.text().contains("names are masked, copies are not"));
    let mut console = Console::new("calm", (80, 24));
    console.keys("p");
    let bar = console.text().lines().next().expect("the bar").to_owned();
    assert!(bar.contains(" PRESENTER ") && bar.contains("03:14 UTC"), "{bar}");
    console.keys("p");
    assert!(!console.text().contains("PRESENTER"));
}
