//! Secrets and identifiers, planted wherever lifeboat reads: none is in any output under redaction, and values that a
//! state marks as sensitive are never in any.

use crate::support::account::{Account, block_on, load, program};
use crate::support::console::Console;
use crate::support::run::{Home, Ran};
use lifeboat::collector::{Collector, Comparing};
use lifeboat::domain::reading::{Capability, Fact, ReadingKey, Readings, Subject};
use lifeboat::domain::state::StateHistory;
use lifeboat::provider::aws::AwsAdapter;
use lifeboat::provider::clock::SystemClock;
use lifeboat::provider::port::Clock;
use serde::Deserialize;
use std::sync::Arc;

/// How many canaries there are.
const MANY: usize = 60;

#[derive(Debug, Deserialize)]
struct Canary {
    what: String,
    r#where: String,
    class: String,
    parts: Vec<String>,
}

impl Canary {
    /// Says so where any part of it is in `text`.
    fn leak(&self, text: &str, by: &str) -> Option<String> {
        let part = self.parts.iter().find(|part| text.contains(part.as_str()))?;
        Some(format!("{by} shows {} from {}: {part}", self.what, self.r#where))
    }

    fn is_sensitive(&self) -> bool {
        self.class == "sensitive-value"
    }
}

/// Presses everything that shows something, and returns all that was seen.
fn screens(console: &mut Console) -> String {
    let mut seen = console.text();
    for keys in ["t", "esc", "i", "esc", "R", "A", "2", "enter", "esc", "3", "enter", "esc", "1", "enter"] {
        console.keys(keys);
        seen.push_str(&console.text());
        for _ in 0..12 {
            console.keys("pagedown");
            seen.push_str(&console.text());
        }
        console.keys("g g");
    }
    // Every row of every pane, opened.
    for pane in ["1", "2", "3"] {
        console.keys(pane);
        for _ in 0..80 {
            console.keys("enter");
            seen.push_str(&console.text());
            console.keys("esc j");
            seen.push_str(&console.text());
        }
    }
    seen
}

#[test]
fn no_canary_is_in_any_output_under_redaction_and_sensitive_values_in_none() {
    let account = Account::shared();
    let home = Home::new();
    let folder = home.dir.path().join("estate").display().to_string();
    let port = account.gear.port().to_string();
    let told = account.gear.python(&[&program("canaries.py"), &port, &account.number, &folder]);
    let canaries: Vec<Canary> = serde_json::from_str(&told).expect("they are JSON");
    assert_eq!(canaries.len(), MANY);
    let estate = format!("{folder}/lifeboat.yaml");
    let run = |words: &[&str]| {
        let mut command = home.command();
        command.envs(account.gear.aws_env(&account.number)).args(["--estate", &estate]).args(words);
        let ran = Ran::of(command);
        format!("{}\n{}", ran.out, ran.err)
    };
    let mut leaks = Vec::new();
    let mut planted_and_seen = 0;
    for words in [
        &["check"][..],
        &["doctor"],
        &["status"],
        &["status", "--format", "json"],
        &["status", "--format", "prometheus"],
        &["points", "--format", "json"],
        &["points"],
        &["points", "--at", "1 h ago", "--format", "json"],
        &["locks"],
        &["locks", "--format", "json"],
        &["states"],
        &["states", "--format", "json"],
        &["policy"],
        &["states", "shop-state", "--format", "json"],
        &["states", "shop-state", "--compare", "previous", "current", "--format", "json"],
    ] {
        let by = words.join(" ");
        let plain = run(words);
        let masked = run(&[&["--redact"], words].concat());
        planted_and_seen += canaries.iter().filter(|canary| canary.leak(&plain, "").is_some()).count();
        leaks.extend(
            { canaries.iter() }.filter(|one| one.is_sensitive()).filter_map(|one| one.leak(&plain, &by)),
        );
        leaks.extend(canaries.iter().filter_map(|one| one.leak(&masked, &format!("{by} --redact"))));
    }
    // A test whose canaries are nowhere cannot fail.
    assert!(planted_and_seen > 60, "only {planted_and_seen} were seen without redaction");

    let estate = load(&std::fs::read_to_string(&estate).expect("the estate can be read"));
    let adapter = AwsAdapter::new(Arc::new(account.connections(&estate)));
    let observers = [("production".into(), adapter.observers())].into();
    let shared = Arc::new(estate.clone());
    let clock = Arc::new(SystemClock);
    let mut collector = Collector::new(shared, observers, clock, None, Readings::default());
    let snapshot = block_on(async {
        collector.once(None).await;
        if let Some(asked) = comparing(&collector.snapshot().readings) {
            collector.compare(asked).await;
        }
        collector.snapshot()
    });
    let now = SystemClock.now();
    let mut plain = Console::of(estate.clone(), Arc::new(snapshot.clone()), now, None, (200, 60));
    let seen = screens(&mut plain);
    leaks.extend(
        { canaries.iter() }.filter(|one| one.is_sensitive()).filter_map(|one| one.leak(&seen, "the console")),
    );
    let shown = canaries.iter().filter(|canary| canary.leak(&seen, "").is_some()).count();
    assert!(shown > 10, "only {shown} were on a screen without redaction");
    let mut masked = Console::of(estate, Arc::new(snapshot), now, None, (200, 60));
    masked.keys("p");
    let seen = screens(&mut masked);
    leaks.extend(canaries.iter().filter_map(|one| one.leak(&seen, "the console in presenter mode")));
    println!("{planted_and_seen} sightings headless and {shown} on screens, without redaction");
    leaks.sort();
    leaks.dedup();
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}

/// Returns the newest two readable versions of the first state that has two.
fn comparing(readings: &Readings) -> Option<Comparing> {
    readings.iter().find_map(|(key, reading)| {
        let ReadingKey { subject: subject @ Subject::Component(..), capability: Capability::States } = key
        else {
            return None;
        };
        let Fact::State(StateHistory { versions, .. }) = &reading.held.as_ref()?.fact else { return None };
        let mut whole = versions.iter().filter(|version| version.form.can_be_restored());
        let (after, before) = (whole.next()?.version_id.clone(), whole.next()?.version_id.clone());
        Some(Comparing { state: subject.clone(), environment: "production".into(), before, after })
    })
}
