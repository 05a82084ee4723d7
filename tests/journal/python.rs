//! The verifier in Python, which shares nothing with ours but the documentation: both say the same of every journal.

use super::built::{built, large, small};
use super::mutated::change;
use crate::support::skip::skip;
use crate::support::{files, root};
use lifeboat::audit::verify::verify;
use lifeboat::engine::folder::{Folder, JOURNAL, RunFolder};
use lifeboat::engine::line::Head;
use lifeboat::engine::replay;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Verifies each folder that standard input names with the verifier that evidence brings along.
const DRIVER: &str = r"
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import verify
for folder in sys.stdin.read().splitlines():
    try:
        print(json.dumps(verify.verify(Path(folder))))
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        print(json.dumps(str(wrong)))
";

/// Returns what the verifier in Python says of each folder: `[lines, hash, torn bytes]`, or what is wrong. `None` where
/// there is no Python.
fn python(folders: &[PathBuf]) -> Option<Vec<Value>> {
    let child = Command::new("python3")
        .args(["-c", DRIVER])
        .arg(root("assets/journal"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.ok()?;
    let list: String = folders.iter().map(|folder| format!("{}\n", folder.display())).collect();
    child.stdin.take().expect("its input is piped").write_all(list.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "the verifier in Python broke");
    let text = String::from_utf8(output.stdout).expect("it says UTF-8");
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect())
}

/// Fails unless both say the same of each folder; returns how many are sound.
pub(crate) fn agree(test: &str, folders: &[PathBuf]) -> usize {
    let Some(said) = python(folders) else {
        skip(test, "there is no python3");
        return 0;
    };
    assert_eq!(said.len(), folders.len());
    let mut sound = 0;
    for (folder, said) in folders.iter().zip(&said) {
        let ours = verify(&RunFolder::at(folder)).expect("it can be read");
        let shown = folder.display();
        match said {
            Value::Array(said) => {
                let said = (said[0].as_u64(), said[1].as_str(), said[2].as_u64());
                let known = (Some(ours.lines), Some(ours.head.as_str()), Some(ours.torn_bytes));
                assert_eq!(said, known, "{shown}: {:?}", ours.problems);
                assert_eq!(ours.verified, ours.lines > 0, "{shown}: {:?}", ours.problems);
                sound += usize::from(ours.verified);
            }
            other => {
                assert!(!ours.verified, "{shown}: Python says {other}, and ours finds nothing");
                // Both name the same line.
                let number = |text: &str| {
                    text.split_once("line ").and_then(|(_, rest)| {
                        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
                    })
                };
                let said = number(other.as_str().unwrap_or_default());
                let known = ours.problems.iter().filter_map(|problem| number(problem)).min();
                // Of another major version ours names no line.
                assert!(
                    known.is_none() || said == known,
                    "{shown}: Python says {other}, ours {:?}",
                    ours.problems
                );
            }
        }
    }
    sound
}

/// Lays a journal beside the plan and the side files of a run that is there, without copying them.
fn beside(first: &Path, path: &Path, journal: &[u8]) -> PathBuf {
    std::fs::create_dir(path).expect("it can be made");
    std::fs::hard_link(first.join("plan.json"), path.join("plan.json")).expect("it can be linked");
    std::os::unix::fs::symlink(first.join("side"), path.join("side")).expect("it can be linked");
    std::fs::write(path.join(JOURNAL), journal).expect("it can be written");
    path.to_owned()
}

#[test]
fn python_says_the_same_of_changed_journals() {
    let built = small();
    let other = super::built::built("another", 1, 100);
    let place = tempfile::tempdir().expect("a folder can be made");
    let first = place.path().join("first");
    built.lay(&first);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut folders = vec![first.clone()];
    for n in 0..1000 {
        let mut changed = built.bytes.clone();
        change(&mut changed, &other.bytes, &mut rng);
        if n % 4 == 0 {
            change(&mut changed, &other.bytes, &mut rng);
        }
        folders.push(beside(&first, &place.path().join(n.to_string()), &changed));
    }
    let sound = agree("python_says_the_same_of_changed_journals", &folders);
    println!("{} journals, {sound} of them sound up to where they end", folders.len());
}

#[test]
fn python_says_the_same_of_cut_journals() {
    let (built, ends) = (large(), large().ends());
    let place = tempfile::tempdir().expect("a folder can be made");
    let first = place.path().join("first");
    built.lay(&first);
    let step = built.bytes.len() / 150;
    let sampled = (0..=built.bytes.len()).filter(|cut| cut % step == 0);
    let near = ends.iter().step_by(10).flat_map(|end| [end.saturating_sub(1), *end, end + 1]);
    let mut cuts: Vec<usize> = sampled.chain(near).filter(|cut| *cut <= built.bytes.len()).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let folders: Vec<PathBuf> = cuts
        .iter()
        .map(|cut| beside(&first, &place.path().join(cut.to_string()), &built.bytes[..*cut]))
        .collect();
    println!("{} cuts, {} sound", cuts.len(), agree("python_says_the_same_of_cut_journals", &folders));
}

#[test]
fn python_says_the_same_of_side_files_that_were_changed() {
    let built = small();
    let place = tempfile::tempdir().expect("a folder can be made");
    let mut folders = Vec::new();
    for (n, name) in built.files.keys().chain([&"plan.json".to_owned()]).enumerate() {
        let path = place.path().join(n.to_string());
        let folder = built.lay(&path);
        if n % 2 == 0 {
            std::fs::remove_file(path.join(name)).expect("it is there");
        } else {
            folder.put(name, b"something else").expect("it can be written");
        }
        folders.push(path);
    }
    let Some(said) = python(&folders) else {
        return skip("python_says_the_same_of_side_files_that_were_changed", "there is no python3");
    };
    for (folder, said) in folders.iter().zip(said) {
        assert!(said.is_string(), "{}: {said}", folder.display());
        let ours = verify(&RunFolder::at(folder)).expect("it can be read");
        assert!(!ours.verified, "{}", folder.display());
    }
}

#[test]
fn python_says_the_same_of_the_golden_files() {
    let folders: Vec<PathBuf> = files("tests/fixtures/journals", "journal.jsonl")
        .iter()
        .map(|file| file.parent().expect("it lies in a folder").to_owned())
        .collect();
    assert!(folders.len() >= 3, "there are golden files");
    agree("python_says_the_same_of_the_golden_files", &folders);
}

#[test]
fn a_side_file_is_looked_for_in_its_folder_only() {
    let built = small();
    let place = tempfile::tempdir().expect("a folder can be made");
    std::fs::write(place.path().join("secret"), b"secret").expect("it can be written");
    let mut folders = Vec::new();
    for (n, name) in
        ["../secret".to_owned(), place.path().join("secret").display().to_string()].iter().enumerate()
    {
        let path = place.path().join(n.to_string());
        let folder = built.lay(&path);
        // Somebody who wrote the whole journal anew can name any file in it, with its true hash.
        let side = lifeboat::runbook::event::SideFile {
            name: name.as_str().into(),
            sha256: lifeboat::engine::journal::sha256(b"secret").into(),
            bytes: 6,
        };
        let mut head = Head::default();
        let mut bytes = Vec::new();
        for (at, event) in built.events.iter().enumerate() {
            let mut event = event.clone();
            if let lifeboat::runbook::event::Event::Began { before, .. } = &mut event {
                *before = Some(side.clone());
            }
            let moment = super::built::moment(i64::try_from(at).expect("it is small"));
            let (line, next) =
                lifeboat::engine::line::encode(&head, moment, 1, &super::built::actor(), &event)
                    .expect("a line");
            bytes.extend_from_slice(line.as_bytes());
            head = next;
        }
        replay::read(&bytes, &Head::default()).expect("it is a journal");
        folder.put(JOURNAL, &bytes).expect("it can be written");
        let run = lifeboat::engine::store::load(&folder).expect("it can be read");
        let to = place.path().join(format!("evidence-{n}"));
        lifeboat::audit::export::export(&run, &to, None).expect("it can be exported");
        assert!(!verify(&folder).expect("it can be read").verified, "{name}");
        folders.push(path);
    }
    assert_eq!(std::fs::read(place.path().join("secret")).expect("it is there"), b"secret");
    if let Some(said) = python(&folders) {
        assert!(said.iter().all(Value::is_string), "{said:?}");
    }
}

#[test]
fn the_verifier_in_python_is_short_and_needs_nothing() {
    let text = std::fs::read_to_string(root("assets/journal/verify.py")).expect("it is there");
    assert!(text.lines().count() < 60, "{} lines", text.lines().count());
    let imports: Vec<&str> =
        text.lines().filter(|line| line.starts_with("import ") || line.starts_with("from ")).collect();
    assert_eq!(imports, ["import hashlib", "import json", "import sys", "from pathlib import Path"]);
    assert!(!text.contains("\n    import "), "everything that it needs stands at its top");
}

#[test]
fn what_is_exported_verifies_by_itself() {
    let built = built("exported", 1, 50);
    let place = tempfile::tempdir().expect("a folder can be made");
    let run = lifeboat::engine::store::load(&built.lay(&place.path().join("run"))).expect("it can be read");
    let to = place.path().join("evidence");
    lifeboat::audit::export::export(&run, &to, None).expect("it can be exported");
    let Ok(output) = Command::new("python3").arg(to.join("verify.py")).arg(&to).output() else {
        return skip("what_is_exported_verifies_by_itself", "there is no python3");
    };
    let says = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && says.contains(&run.read.head.hash), "{says}");
}
