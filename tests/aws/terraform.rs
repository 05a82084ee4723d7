//! States and locks that the real Terraform left, killed and living, and bytes for each thing that has to be told apart:
//! what lifeboat says of them against what was made, and against a second reader.

use crate::support::account::{Account, program};
use crate::support::root;
use crate::support::run::{Home, Ran};
use crate::support::skip::skip;
use lifeboat::domain::Text;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// How `terraform.py` ends where it finds no Terraform.
const NO_TERRAFORM: i32 = 3;

/// Terraform at its scenes; what it began is ended with it.
struct Stage {
    child: Child,
    told: Value,
}

impl Stage {
    /// Returns the scenes; `None` where there is no Terraform for this machine, and none can be fetched.
    fn new(account: &Account<'_>, home: &Home) -> Option<Self> {
        let mut child = Command::new(account.gear.python_path())
            .arg(program("terraform.py"))
            .args([&account.gear.port().to_string(), &home.dir.path().display().to_string(), &account.number])
            .current_dir(root("tests/support/aws"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python can be started");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output is piped");
        BufReader::new(out).read_line(&mut line).expect("its output can be read");
        if line.is_empty() && child.wait().is_ok_and(|status| status.code() == Some(NO_TERRAFORM)) {
            return None;
        }
        let told = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("Terraform's scenes were not made; why stands above: {line}"));
        Some(Self { child, told })
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.child.stdin.take()); // it ends with its input
        let _ = self.child.wait();
    }
}

fn run(account: &Account<'_>, home: &Home, words: &[&str]) -> Value {
    let mut command = home.command();
    command.envs(account.gear.aws_env(&account.number)).args(words);
    let ran = Ran::of(command);
    assert_eq!(ran.code, 0, "{words:?}: {ran}");
    ran.json()
}

fn estate(account: &Account<'_>, backends: &Value) -> String {
    let environment = json!({"class": "production", "account": account.number, "region": "us-east-2",
        "dr_region": "us-west-2", "account_alias": "terraform"});
    // JSON is YAML.
    json!({"version": 1, "estate": "terraform", "environments": {"production": environment}, "backends": backends})
        .to_string()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What a lock is, in words that two readers can share.
fn lock(path: &Value, region: &Value, lock: &Value) -> String {
    // What steers a terminal is never kept.
    let harmless =
        |value: &Value| value.as_str().map_or_else(|| value.to_string(), |text| Text::new(text).to_string());
    let all = ["store", "id", "who", "operation"].map(|name| harmless(&lock[name]));
    format!("{} in {}: {}", text(path), text(region), all.join(", "))
}

/// Returns the locks that lifeboat lists.
fn locks_of(document: &Value) -> BTreeSet<String> {
    let locks = document["locks"].as_array().expect("locks are a list");
    locks.iter().map(|row| lock(&row["lock"]["path"], &row["place"]["region"], &row["lock"])).collect()
}

fn codes(value: &Value) -> BTreeSet<String> {
    let all = value.as_array().map_or([].as_slice(), Vec::as_slice);
    all.iter()
        .map(|one| text(one.get("code").unwrap_or(one)).replace("state-unreadable", "unreadable"))
        .collect()
}

/// Compares what lifeboat says of the backends of an estate with what the second reader says.
fn against_the_oracle(account: &Account<'_>, home: &Home, file: &str) -> Vec<String> {
    let port = account.gear.port().to_string();
    let told: Value =
        serde_json::from_str(&account.gear.python(&[&program("states_oracle.py"), &port, file]))
            .expect("JSON");
    let states = run(account, home, &["--estate", file, "states", "--format", "json"]);
    let locks = run(account, home, &["--estate", file, "locks", "--format", "json"]);
    let mut wrong = Vec::new();
    let meant: BTreeSet<String> = { told["locks"].as_array().expect("a list").iter() }
        .map(|one| lock(&one["path"], &one["region"], one))
        .collect();
    let said = locks_of(&locks);
    wrong.extend(meant.difference(&said).map(|one| format!("not listed: {one}")));
    wrong.extend(said.difference(&meant).map(|one| format!("listed besides: {one}")));
    let mut found: BTreeMap<(String, String), &Value> = BTreeMap::new();
    for row in states["states"].as_array().expect("states are a list") {
        let name = (text(&row["state"]["path"]), text(&row["place"]["region"]));
        if let Some(twice) = found.insert(name, row) {
            wrong.push(format!("listed twice: {}", twice["state"]["path"]));
        }
    }
    let mut compared = 0;
    for meant in told["states"].as_array().expect("a list") {
        let name = (text(&meant["path"]), text(&meant["region"]));
        let Some(row) = found.remove(&name) else {
            wrong.push(format!("{name:?} is not listed"));
            continue;
        };
        compared += 1;
        let of_listing = format!("{} (listed)", name.0);
        let current = row["state"]["versions"].get(0).unwrap_or(&Value::Null);
        for field in ["form", "serial", "lineage", "md5", "resources", "terraform_version"] {
            let wanted = &meant["current"][field];
            if !meant["current"].is_null()
                && *wanted != current[field]
                && meant["current"]["form"] != "delete_marker"
            {
                wrong.push(format!("{of_listing}: {field} is {wanted}, lifeboat says {}", current[field]));
            }
        }
        let versions = meant["version_ids"].as_array().map_or(0, Vec::len);
        if row["state"]["versions_in_all"] != json!(versions) {
            wrong
                .push(format!("{of_listing}: {versions} versions, {} said", row["state"]["versions_in_all"]));
        }
        let said = match &row["replica"] {
            Value::Object(map) => map.keys().next().cloned().unwrap_or_default(),
            other => text(other),
        };
        let wanted = text(&meant["replica"]).replace('-', "_");
        if wanted != said {
            wrong.push(format!("{of_listing}: the replica is {wanted}, lifeboat says {said}"));
        }
        if meant["of_replica"] == json!(true) {
            continue;
        }
        // One by one, with all its versions.
        let document = run(account, home, &["--estate", file, "states", &name.0, "--format", "json"]);
        let one = &document["states"][0];
        let ids: Vec<String> = { one["state"]["versions"].as_array().expect("versions are a list").iter() }
            .map(|version| text(&version["version_id"]))
            .collect();
        let wanted: Vec<String> = meant["version_ids"].as_array().expect("a list").iter().map(text).collect();
        if ids != wanted {
            wrong.push(format!("{}: the versions are {wanted:?}, lifeboat says {ids:?}", name.0));
        }
        let of_replica = |code: &String| code.contains("replica") || code.contains("split");
        let (mut meant, mut said) = (codes(&meant["trouble"]), codes(&one["troubles"]));
        meant.retain(|code| !of_replica(code));
        said.retain(|code| !of_replica(code));
        if meant != said {
            wrong.push(format!("{}: the troubles are {meant:?}, lifeboat says {said:?}", name.0));
        }
    }
    // A replica of a state without the usual end is known by the rows of home; the second reader knows those of its own.
    found.retain(|_, row| row["is_replica"] == json!(false));
    wrong.extend(found.into_keys().map(|name| format!("listed besides: {name:?}")));
    println!("{compared} states and {} locks compared", meant.len());
    wrong
}

#[test]
fn what_the_real_terraform_left_is_told_as_it_is() {
    let (account, home) = (Account::shared(), Home::new());
    let Some(stage) = Stage::new(&account, &home) else {
        skip("what_the_real_terraform_left_is_told_as_it_is", "there is no Terraform for this machine");
        return;
    };
    let told = &stage.told;
    println!("terraform {} in {} s", told["version"], told["seconds"]);
    let mut backends = json!({});
    for (mode, of) in told["modes"].as_object().expect("modes have names") {
        backends[mode] = json!({"bucket": of["bucket"], "prefix": of["prefix"], "lockfile": of["lockfile"]});
        if !of["lock_table"].is_null() {
            backends[mode]["lock_table"] = of["lock_table"].clone();
        }
    }
    let file = home.write("lifeboat.yaml", &estate(&account, &backends));
    let locks = run(&account, &home, &["--estate", &file, "locks", "--format", "json"]);
    let listed = locks_of(&locks);
    let mut wrong = Vec::new();
    let mut scenes = 0;
    for (mode, of) in told["modes"].as_object().expect("modes have names") {
        for (name, scene) in of["scenes"].as_object().expect("scenes have names") {
            scenes += 1;
            for held in scene["locks"].as_array().expect("locks are a list") {
                let wanted = lock(&held["path"], &json!("us-east-2"), held);
                if !listed.contains(&wanted) {
                    wrong.push(format!("{mode} {name}: not listed: {wanted}"));
                }
            }
            let mine = |row: &&Value| row["lock"]["path"] == scene["path"];
            let rows: Vec<&Value> =
                { locks["locks"].as_array().expect("a list").iter() }.filter(mine).collect();
            if rows.len() != scene["locks"].as_array().map_or(0, Vec::len) {
                wrong.push(format!("{mode} {name}: {} locks are listed", rows.len()));
            }
            for row in rows {
                let stale = row["evidence"]["stale"].as_array().map_or(0, Vec::len);
                let living = row["evidence"]["living"].as_array().map_or(0, Vec::len);
                let fits = match name.as_str() {
                    "living" => stale == 0 && living > 0,
                    "half-released" => stale > 0,
                    "not-json-lock" => stale > 0 && row["lock"]["record"].is_string(),
                    // Killed a moment ago: nothing tells yet that nobody is there, and nothing is made up.
                    _ => stale == 0,
                };
                if !fits {
                    wrong.push(format!("{mode} {name}: {}", row["evidence"]));
                }
            }
        }
    }
    println!("{scenes} scenes");
    wrong.extend(against_the_oracle(&account, &home, &file));
    // What nobody may overlook stands in `status`, in words.
    let status = run(&account, &home, &["--estate", &file, "status", "--format", "json"]);
    let alarm =
        |trouble: &&Value| trouble["code"] == "would-rebuild-everything" && trouble["severity"] == "alarm";
    let alarms: Vec<&Value> =
        { status["troubles"].as_array().expect("troubles are a list").iter() }.filter(alarm).collect();
    if !alarms.iter().any(|one| text(&one["says"]).contains("Terraform would rebuild everything")) {
        wrong.push("no alarm says that Terraform would rebuild everything".to_owned());
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn each_fact_of_states_and_locks_is_told_from_real_bytes() {
    let (account, home) = (Account::shared(), Home::new());
    let port = account.gear.port().to_string();
    let told = account.gear.python(&[&program("states.py"), &port, &account.number, "facts"]);
    let told: Value = serde_json::from_str(&told).expect("it is JSON");
    let file = home.write("lifeboat.yaml", &estate(&account, &told["backends"]));
    let mut wrong = against_the_oracle(&account, &home, &file);
    let facts = told["facts"].as_object().expect("facts have names");
    for (name, fact) in
        facts.iter().filter(|(_, fact)| fact["history"].as_array().is_some_and(|all| !all.is_empty()))
    {
        let document =
            run(&account, &home, &["--estate", &file, "states", &text(&fact["path"]), "--format", "json"]);
        let turns = document["states"][0]["state"]["lock_turns"].as_array().map_or(0, Vec::len);
        let meant = fact["history"].as_array().map_or(0, Vec::len);
        if turns != meant {
            wrong.push(format!("{name}: {meant} turns of its lock, lifeboat tells {turns}"));
        }
    }
    let rows: BTreeSet<String> = facts.values().map(|fact| text(&fact["row"])).collect();
    println!("{} facts of {}", facts.len(), rows.into_iter().collect::<Vec<_>>().join(" "));
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn five_thousand_states_are_listed_and_a_second_look_costs_one_listing() {
    const STATES: usize = 5_000;
    let (account, home) = (Account::shared(), Home::new());
    let port = account.gear.port().to_string();
    let number = STATES.to_string();
    let told = account.gear.python(&[&program("states.py"), &port, &account.number, "many", &number, "20"]);
    let told: Value = serde_json::from_str(&told).expect("it is JSON");
    let file = home.write("lifeboat.yaml", &estate(&account, &told["backends"]));
    let calls =
        |operation: &str| account.calls().iter().filter(|call| call["operation"] == json!(operation)).count();
    let first = run(&account, &home, &["--estate", &file, "states", "--format", "json"]);
    let states = first["states"].as_array().expect("states are a list");
    assert_eq!(states.len(), STATES);
    assert!(
        states
            .iter()
            .all(|state| state["troubles"] == json!([]) && state["state"]["versions_in_all"] == json!(20))
    );
    let (listed, bodies) = (calls("ListObjectVersions"), calls("GetObject"));
    assert!(bodies >= STATES, "each newest version was read: {bodies}");
    let second = run(&account, &home, &["--estate", &file, "states", "--format", "json"]);
    assert_eq!(second["states"].as_array().map(Vec::len), Some(STATES));
    let (listed, bodies) = (calls("ListObjectVersions") - listed, calls("GetObject") - bodies);
    println!("the second look: {listed} pages of versions, {bodies} bodies");
    assert_eq!(bodies, 0, "what did not change was read again");
    assert!(listed <= STATES * 20 / 1_000 + 2, "{listed} pages for one listing");
}
