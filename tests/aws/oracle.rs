//! A whole estate, judged by lifeboat and by a second reader that shares no code with it: they must agree in every row.
//!
//! `estate.py` makes the estate with its planted defects in a server of its own, `oracle.py` says what is to be seen in
//! it from the answers of AWS alone.

use crate::support::account::program;
use crate::support::gear::Gear;
use crate::support::run::{Home, Ran};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The account of production, whose credentials the program has; it assumes a role for the other one.
const PRODUCTION: &str = "123456789012";
/// How many components the estate must have at least, so that the table means something.
const MANY: usize = 60;
/// Verdicts in the order of the table.
const VERDICTS: [&str; 6] = ["met", "at_risk", "breached", "unknown", "unproven", "no_objective"];
/// Kinds of points that are as old as their own lag and the age of the reading together.
const BEHIND: [&str; 2] = ["replica", "bucket_replica"];

/// What the oracle says of a component under a failure.
#[derive(Debug, Deserialize)]
struct Row {
    component: String,
    scope: String,
    rpo_verdict: String,
    loss_s: Option<i64>,
    loss_kind: String,
    rto_verdict: String,
    verdict: String,
    point_id: Option<String>,
    point_kind: Option<String>,
    kind: String,
}

/// What the estate was made with.
#[derive(Debug, Deserialize)]
struct Cells {
    /// Why a kind cannot have a verdict.
    impossible: BTreeMap<String, BTreeMap<String, String>>,
    defects: Vec<Defect>,
    kinds: BTreeMap<String, usize>,
}

/// Something that is wrong by design, and what must be said of it.
#[derive(Debug, Deserialize)]
struct Defect {
    component: String,
    row: String,
    naive: String,
    failure: String,
    verdict: String,
}

struct Made {
    gear: Gear,
    home: Home,
}

impl Made {
    fn new() -> Self {
        let (gear, home) = (Gear::own(), Home::new());
        let folder = home.dir.path().display().to_string();
        print!("{}", gear.python(&[&program("estate.py"), &gear.port().to_string(), &folder]));
        Self { gear, home }
    }

    fn run(&self, words: &[&str]) -> Ran {
        let mut command = self.home.command();
        command.envs(self.gear.aws_env(PRODUCTION)).args(words);
        Ran::of(command)
    }

    fn cells(&self) -> Cells {
        let text = std::fs::read_to_string(self.home.dir.path().join("cells.json"));
        serde_json::from_str(&text.expect("the estate has a table")).expect("it is JSON")
    }

    fn oracle(&self, as_of: &str) -> Vec<Row> {
        let (port, folder) = (self.gear.port().to_string(), self.home.dir.path().display().to_string());
        let told = self.gear.python(&[&program("oracle.py"), &port, &folder, as_of]);
        serde_json::from_str(&told).expect("the oracle speaks JSON")
    }
}

#[test]
fn lifeboat_and_the_oracle_agree_on_every_row() {
    let made = Made::new();
    let cells = made.cells();
    let checked = made.run(&["check", "--format", "json"]);
    assert_eq!(checked.code, 0, "{checked}");
    let diagnostics = &checked.json()["diagnostics"];
    assert_eq!(diagnostics.as_array().map(Vec::len), Some(0), "`check` finds no fault: {diagnostics}");

    made.gear.delete("calls"); // those by which the estate was made
    let ran = made.run(&["status", "--format", "json"]);
    assert_eq!(ran.code, 0, "{ran}");
    let status = ran.json();
    let stubs = stubs(&made.gear);
    let as_of = status["head"]["as_of"].as_str().expect("a moment").to_owned();
    let rows = made.oracle(&as_of);
    let found = by_component(&status);

    let names: BTreeSet<&str> = rows.iter().map(|row| row.component.as_str()).collect();
    let mut wrong = Vec::new();
    if names.len() < MANY {
        wrong.push(format!("there are {} components and groups, the least is {MANY}", names.len()));
    }
    for name in found.keys().filter(|name| !names.contains(name.as_str())) {
        wrong.push(format!("{name}: the oracle does not know it"));
    }
    let mut agree = 0;
    for row in &rows {
        let differences = match found.get(&row.component) {
            Some(component) => compare(row, &component["failures"][&row.scope], &as_of),
            None => vec![format!("{}: lifeboat does not know it", row.component)],
        };
        agree += usize::from(differences.is_empty());
        wrong.extend(differences);
    }
    for defect in &cells.defects {
        let said = found.get(&defect.component).map(|component| &component["failures"][&defect.failure]);
        let said = said.and_then(|failure| failure["verdict"].as_str()).unwrap_or("nothing");
        if said != defect.verdict {
            wrong.push(format!(
                "{} under {}: {} was planted to be {}, lifeboat says {said}; a naive reading says: {}",
                defect.component, defect.failure, defect.row, defect.verdict, defect.naive
            ));
        }
    }
    wrong.extend(print_and_check(&rows, &cells));
    println!("{agree} of {} rows of {} components and groups agree", rows.len(), names.len());
    println!("{} planted defects", cells.defects.len());
    println!("stub: {stubs}");
    wrong.extend(super::cursor::differences(&made.home, &made.gear, &as_of, &|words| made.run(words)));
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Names the calls of which at least one answer was not moto's own.
fn stubs(gear: &Gear) -> String {
    let calls = gear.get("calls");
    let calls = calls.as_array().expect("calls are a list");
    let stubbed = calls.iter().filter(|call| call["stub"] == Value::Bool(true));
    let names = stubbed.map(|call| {
        let word = |key: &str| call[key].as_str().unwrap_or("?").to_owned();
        format!("{}:{}", word("service"), word("operation"))
    });
    names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
}

fn by_component(status: &Value) -> BTreeMap<String, &Value> {
    let components = status["components"].as_array().expect("components are a list");
    components.iter().map(|one| (one["id"].as_str().expect("a name").to_owned(), one)).collect()
}

/// Returns in what lifeboat and the oracle differ.
fn compare(row: &Row, failure: &Value, as_of: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut same = |what: &str, oracle: &str, lifeboat: &Value| {
        if lifeboat.as_str() != Some(oracle) {
            wrong.push(format!(
                "{} under {}: {what} is {oracle} for the oracle, {lifeboat} for lifeboat: {}",
                row.component, row.scope, failure["rpo"]["reason"]
            ));
        }
    };
    same("the verdict", &row.verdict, &failure["verdict"]);
    same("the verdict on the RPO", &row.rpo_verdict, &failure["rpo"]["verdict"]);
    same("the verdict on the RTO", &row.rto_verdict, &failure["rto"]["verdict"]);
    same("the kind of loss", &row.loss_kind, &failure["rpo"]["loss"]);
    if let Some(id) = &row.point_id {
        same("the point", id, &failure["rpo"]["point"]["id"]);
    }
    let lifeboat = failure["rpo"]["loss_s"].as_i64();
    if let Some(oracle) = row.loss_s
        && !lifeboat.is_some_and(|lifeboat| is_near(row, oracle, lifeboat, failure, as_of))
    {
        wrong.push(format!(
            "{} under {}: {oracle} s are lost for the oracle, {} for lifeboat: {}",
            row.component, row.scope, failure["rpo"]["loss_s"], failure["rpo"]["reason"]
        ));
    }
    wrong
}

/// Says whether both lose the same, to the second. A lag grows from when it was read until it is judged: lifeboat
/// counts that, and the oracle, which reads later, does not.
fn is_near(row: &Row, oracle: i64, lifeboat: i64, failure: &Value, as_of: &str) -> bool {
    let composed = row.kind == "group" || row.kind == "service";
    let behind = row.point_kind.as_deref().is_some_and(|kind| BEHIND.contains(&kind));
    if !behind && !composed {
        return (lifeboat - oracle).abs() <= 1;
    }
    let second = |text: &str| text.parse::<jiff::Timestamp>().expect("a moment").as_second();
    let point = &failure["rpo"]["point"]["read_at"];
    let read_at = point.as_str().or(failure["read_at"].as_str()).unwrap_or(as_of);
    let waited = second(as_of) - second(read_at);
    (lifeboat - oracle).abs() <= 2 || (lifeboat - oracle - waited).abs() <= 2
}

/// Prints how many rows have each verdict, by kind, and returns the cells that are empty and ought not to be.
fn print_and_check(rows: &[Row], cells: &Cells) -> Vec<String> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in rows {
        *counts.entry((&row.kind, &row.verdict)).or_default() += 1;
    }
    let mut wrong = Vec::new();
    let heading: String = VERDICTS.iter().map(|verdict| format!("{verdict:<14}")).collect();
    println!("{:<16}{:<7}{heading}", "kind", "count");
    for (kind, count) in &cells.kinds {
        let mut line = format!("{kind:<16}{count:<7}");
        for verdict in VERDICTS {
            let why = cells.impossible.get(kind).and_then(|all| all.get(verdict));
            let cell = match (counts.get(&(kind.as_str(), verdict)), why) {
                (Some(_), Some(why)) => {
                    wrong.push(format!("{kind} {verdict}: there is one, so it is not impossible: {why}"));
                    "!".to_owned()
                }
                (Some(rows), None) => rows.to_string(),
                (None, Some(_)) => "impossible".to_owned(),
                (None, None) => {
                    wrong.push(format!("{kind} {verdict}: no component has it"));
                    "?".to_owned()
                }
            };
            line.push_str(&format!("{cell:<14}"));
        }
        println!("{}", line.trim_end());
    }
    wrong
}
