//! What `FORMAT.md` says is so: its tables are compared with what is written.

use super::built::{large, small};
use crate::support::root;
use lifeboat::engine::line::{FORMAT, MEMBERS};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

fn text() -> String {
    std::fs::read_to_string(root("assets/journal/FORMAT.md")).expect("it is there")
}

/// Returns the rows of the table below the line that begins so, as cells.
fn table(head: &str) -> Vec<Vec<String>> {
    let text = text();
    let rows = text
        .lines()
        .skip_while(|line| !line.starts_with(head))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// Returns the names in backquotes.
fn named(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn lines() -> Vec<Map<String, Value>> {
    let text = String::from_utf8(large().bytes.clone()).expect("it is UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is an object")).collect()
}

#[test]
fn the_members_of_a_line_are_those_of_the_table() {
    let told: Vec<String> = table("| member |").iter().map(|row| named(&row[0]).remove(0)).collect();
    for line in lines() {
        let written: Vec<&String> = line.keys().collect();
        assert_eq!(written, told.iter().collect::<Vec<_>>());
    }
    assert_eq!(told[..MEMBERS.len()], MEMBERS);
    assert_eq!(told[MEMBERS.len()..], ["hash"]);
}

#[test]
fn the_events_and_their_data_are_those_of_the_table() {
    let mut written: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in lines() {
        let data = line["data"].as_object().expect("data is an object");
        let names: BTreeSet<String> = data.keys().cloned().collect();
        let known = written
            .entry(line["event"].as_str().expect("a name").to_owned())
            .or_insert_with(|| names.clone());
        assert_eq!(*known, names, "an event always has the same members");
    }
    let told: BTreeMap<String, BTreeSet<String>> = table("| event |")
        .iter()
        .map(|row| (named(&row[0]).remove(0), named(&row[1]).into_iter().collect()))
        .collect();
    assert_eq!(told, written);
}

#[test]
fn the_journals_of_the_tests_hold_every_kind_of_event() {
    // The source says which there are; no list beside it can be forgotten.
    let source = std::fs::read_to_string(root("src/runbook/event.rs")).expect("it is there");
    let (_, after) = source.split_once("pub enum Event {").expect("it is there");
    let (body, _) = after.split_once("\n}\n").expect("it ends");
    let variants: BTreeSet<String> = body
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.strip_suffix(" {"))
        .filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(kebab)
        .collect();
    for built in [small(), large()] {
        let text = String::from_utf8(built.bytes.clone()).expect("it is UTF-8");
        let written: BTreeSet<String> = text
            .lines()
            .map(|line| {
                serde_json::from_str::<Value>(line).expect("JSON")["event"]
                    .as_str()
                    .expect("a name")
                    .to_owned()
            })
            .collect();
        assert_eq!(written, variants);
    }
}

fn kebab(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[test]
fn every_word_that_an_event_can_say_is_in_the_text() {
    let text = text();
    assert!(text.contains(&format!("Format {FORMAT}.")));
    for line in lines() {
        for member in ["outcome", "ending", "rest", "verdict", "direction"] {
            if let Some(word) = line["data"].get(member).and_then(Value::as_str) {
                assert!(text.contains(&format!("`{word}`")), "`{word}` of `{member}` is not in the text");
            }
        }
        if let Some(ask) = line["data"].get("ask") {
            let name =
                ask.as_str().or_else(|| ask.as_object()?.keys().next().map(String::as_str)).expect("a name");
            assert!(text.contains(&format!("`{name}`")), "`{name}` is not in the text");
        }
    }
}

#[test]
fn a_line_is_to_the_byte_what_the_text_says() {
    let mut prev = "0".repeat(64);
    let text = String::from_utf8(large().bytes.clone()).expect("it is UTF-8");
    for (n, line) in text.lines().enumerate() {
        assert!(line.starts_with(&format!("{{\"seq\":{},\"at\":\"", n + 1)));
        let (body, tail) = line.split_at(line.len() - 75);
        let hash = lifeboat::engine::journal::sha256(body.as_bytes());
        assert_eq!(tail, format!(",\"hash\":\"{hash}\"}}"));
        assert!(body.ends_with(&format!(",\"prev\":\"{prev}\"")));
        let at = line.split_once("\"at\":\"").expect("a time").1.split_once('"').expect("it ends").0;
        assert!(at.len() == 24 && at.ends_with('Z'), "{at}");
        prev = hash;
    }
}
