//! The order in which things leave: the kernel is asked what an executor did, call by call. Before a request that changes
//! something goes out on a socket, the line of the journal that intends it was written, and the disk has said that it has
//! it.

use super::stage::{Case, Play, Stage, several};
use crate::support::skip::skip;
use crate::support::strace::strace;
use lifeboat::runbook::event::Direction;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What says of a request whose call it is.
const MARKER: &str = "lifeboat-step/";

/// Whose call it is: `RUN/STEP/DIRECTION/ATTEMPT/CALL`.
type Whose = String;

/// What counts of a trace, in the order in which it was.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Deed {
    /// The intent of a call stands in a file, as far as the kernel knows.
    Written { file: String, whose: Whose },
    /// A file is on disk.
    Synced { file: String },
    /// A call leaves.
    Leaves { whose: Whose },
}

/// Returns the bytes of every quoted string of a line, one after the other.
fn quoted(line: &str) -> Vec<u8> {
    let (mut bytes, mut inside) = (Vec::new(), false);
    let mut rest = line.bytes().peekable();
    while let Some(byte) = rest.next() {
        match (inside, byte) {
            (_, b'"') => inside = !inside,
            (true, b'\\') => match rest.next() {
                Some(b'n') => bytes.push(b'\n'),
                Some(b'r') => bytes.push(b'\r'),
                Some(b't') => bytes.push(b'\t'),
                Some(digit @ b'0'..=b'7') => {
                    let mut value = u32::from(digit - b'0');
                    while let Some(digit) = rest.next_if(|next| (b'0'..=b'7').contains(next)) {
                        value = value * 8 + u32::from(digit - b'0');
                    }
                    bytes.push(u8::try_from(value).unwrap_or(b'?'));
                }
                Some(other) => bytes.push(other),
                None => {}
            },
            (true, other) => bytes.push(other),
            (false, _) => {}
        }
    }
    bytes
}

/// Returns whose call a line of a journal intends, if it intends one.
fn intends(run: &str, bytes: &[u8]) -> Option<Whose> {
    let line: Value = serde_json::from_slice(bytes.strip_suffix(b"\n")?).ok()?;
    let of = (line["event"] == "intended").then(|| &line["data"]["of"])?;
    let text = |name: &str| of[name].as_str().map_or_else(|| of[name].to_string(), str::to_owned);
    Some([run, &text("step"), &text("direction"), &text("attempt"), &text("index")].join("/"))
}

/// Reads a trace of `strace -f -y`: what was begun and ended apart counts where it ended, and what leaves where it began.
fn deeds(run: &str, trace: &str) -> Vec<Deed> {
    let (mut deeds, mut begun) = (Vec::new(), BTreeMap::<&str, String>::new());
    for line in trace.lines() {
        let Some((process, what)) = line.trim_start().split_once(' ') else { continue };
        let what = what.trim_start();
        let resumed = what.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>"));
        let whole = match resumed {
            Some((_, end)) => format!("{}{end}", begun.remove(process).unwrap_or_default()),
            None => what.to_owned(),
        };
        let socket = whole.contains("<TCP:") || whole.contains("<socket:") || whole.contains("<TCPv6:");
        if socket && resumed.is_none() {
            let bytes = quoted(&whole);
            let text = String::from_utf8_lossy(&bytes);
            if let Some((_, rest)) = text.split_once(MARKER) {
                let whose = rest.split(|c: char| c.is_whitespace()).next().unwrap_or_default().to_owned();
                deeds.push(Deed::Leaves { whose });
            }
        }
        if let Some(start) = whole.strip_suffix(" <unfinished ...>") {
            begun.insert(process, start.to_owned());
            continue;
        }
        let name = whole.split('(').next().unwrap_or_default();
        let file =
            whole.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(file, _)| file.to_owned());
        let (Some(file), Some((_, result))) = (file, whole.rsplit_once(" = ")) else { continue };
        match name {
            "write" | "pwrite64" | "writev" if !socket => {
                let bytes = quoted(&whole);
                // Half a line is none.
                let all = result.trim().parse() == Ok(bytes.len());
                if let Some(whose) = intends(run, &bytes).filter(|_| all) {
                    deeds.push(Deed::Written { file, whose });
                }
            }
            "fdatasync" | "fsync" if result.trim() == "0" => deeds.push(Deed::Synced { file }),
            _ => {}
        }
    }
    deeds
}

/// Says which calls have left that were not on disk, and how many have left.
fn too_early(deeds: &[Deed]) -> (Vec<Whose>, usize) {
    let (mut early, mut left) = (Vec::new(), 0);
    for (nth, deed) in deeds.iter().enumerate() {
        let Deed::Leaves { whose } = deed else { continue };
        left += 1;
        let before = &deeds[..nth];
        let last_left =
            before.iter().rposition(|deed| matches!(deed, Deed::Leaves { whose: other } if other == whose));
        let since = &before[last_left.map_or(0, |at| at + 1)..];
        let durable = since.iter().enumerate().any(|(at, deed)| match deed {
            Deed::Written { file, whose: intended } if intended == whose => {
                since[at..].contains(&Deed::Synced { file: file.clone() })
            }
            _ => false,
        });
        if !durable {
            early.push(whose.clone());
        }
    }
    (early, left)
}

/// Lets an executor work under strace until it rests, and returns what it did.
fn traced(play: &mut Play<'_>, strace: &Path) -> String {
    let trace = play.folder().join("trace");
    let executor = play.executor();
    let mut command = Command::new(strace);
    command.args(["-f", "-y", "-s", "65536", "-e"]);
    command.arg("trace=write,pwrite64,writev,sendto,sendmsg,sendmmsg,fdatasync,fsync");
    command.arg("-o").arg(&trace).arg(executor.get_program()).args(executor.get_args());
    command.env_clear().current_dir(executor.get_current_dir().expect("it has a home"));
    for (name, value) in executor.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let mut running = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("strace starts");
    let mut told = running.stdin.take().expect("its input is piped");
    told.write_all(br#"{"secrets":{},"purpose":""}"#).expect("it reads");
    drop(told);
    assert!(running.wait().expect("it ends").success(), "the executor failed");
    play.look();
    let text =
        String::from_utf8(std::fs::read(&trace).expect("there is a trace")).expect("strace writes ASCII");
    std::fs::remove_file(&trace).expect("it can be removed");
    text
}

#[test]
fn no_call_leaves_before_the_disk_has_its_intent() {
    let strace = match strace() {
        Ok(strace) => strace,
        Err(why) => return skip("no_call_leaves_before_the_disk_has_its_intent", &why),
    };
    let stage = Stage::of(Case::ALL);
    let counts = several(Case::ALL.to_vec(), |case| {
        let mut play = Play::slow(&stage, case);
        play.begin(Some("consent-durable:1"));
        let name = play.name();
        let mut count = 0;
        for direction in [Direction::Forward, Direction::Undo] {
            if direction == Direction::Undo {
                if !case.can_be_undone() {
                    break;
                }
                play.go_on(direction, Some("request-durable:1"));
            }
            let trace = traced(&mut play, &strace);
            assert!(play.is_done(direction), "{case:?} {} does not rest", direction.name());
            let deeds = deeds(&name, &trace);
            let (early, left) = too_early(&deeds);
            assert_eq!(early, Vec::<Whose>::new(), "{case:?}: these left before they were on disk");
            assert!(left >= case.changes(direction).len(), "{case:?}: of {left} calls the trace tells");
            control(&deeds);
            count += left;
        }
        let came = play.ended(case.can_be_undone());
        assert_eq!(came.wrong, Vec::<String>::new(), "{case:?}");
        count
    });
    println!("{} calls left, each after its intent was on disk", counts.iter().sum::<usize>());
}

/// The same trace, spoilt in each way in which an engine could be wrong: each has to be noticed.
fn control(deeds: &[Deed]) {
    let first = deeds.iter().position(|deed| matches!(deed, Deed::Leaves { .. })).expect("something left");
    let written = deeds[..first]
        .iter()
        .rposition(|deed| matches!(deed, Deed::Written { .. }))
        .expect("it was intended");
    let spoilt =
        |what: &str, spoilt: Vec<Deed>| assert!(!too_early(&spoilt).0.is_empty(), "{what}: nobody noticed");
    let mut swapped = deeds.to_vec();
    swapped.swap(written, first);
    spoilt("the request leaves before the intent is written", swapped);
    let mut unsynced = deeds.to_vec();
    unsynced.retain({
        let mut at = 0;
        move |deed| {
            at += 1;
            !(matches!(deed, Deed::Synced { .. }) && (written..first).contains(&(at - 1)))
        }
    });
    spoilt("the intent is not on disk", unsynced);
    let mut late = deeds.to_vec();
    let leaving = late.remove(first);
    late.insert(written + 1, leaving);
    spoilt("the request leaves before the disk has answered", late);
    let mut unwritten = deeds.to_vec();
    unwritten.remove(written);
    spoilt("nothing is intended", unwritten);
}

#[test]
fn a_trace_is_read_by_what_the_kernel_has_answered() {
    let line = r#"{\"event\":\"intended\",\"data\":{\"of\":{\"step\":\"act\",\"direction\":\"forward\",\"attempt\":1,\"index\":0}}}\n"#;
    let length = quoted(&format!("\"{line}\"")).len();
    let write = format!("7 write(9</s/journal.jsonl>, \"{line}\", {length}) = {length}");
    let leaves = r#"8 sendto(4<TCP:[1]>, "POST / HTTP/1.1\r\nuser-agent: a lifeboat-step/r/act/forward/1/0\r\n", 99, 0, NULL, 0) = 99"#;
    let whole = [write.as_str(), "7 fdatasync(9</s/journal.jsonl>) = 0", leaves].join("\n");
    assert_eq!(too_early(&deeds("r", &whole)), (Vec::new(), 1));
    let begun = "7 fdatasync(9</s/journal.jsonl> <unfinished ...>";
    let ended = "7 <... fdatasync resumed>) = 0";
    let between = [write.as_str(), begun, ended, leaves].join("\n");
    assert_eq!(too_early(&deeds("r", &between)), (Vec::new(), 1));
    let half = write.replace(&format!(" = {length}"), " = 9");
    let early = vec!["r/act/forward/1/0".to_owned()];
    for (what, lines) in [
        ("the disk has not answered", vec![write.as_str(), begun, leaves, ended]),
        (
            "the disk has refused",
            vec![&write, "7 fdatasync(9</s/journal.jsonl>) = -1 EIO (Input/output error)", leaves],
        ),
        ("another file was synced", vec![&write, "7 fdatasync(9</s/other>) = 0", leaves]),
        ("it was synced before", vec!["7 fdatasync(9</s/journal.jsonl>) = 0", &write, leaves]),
        ("the request was first", vec![leaves, &write, "7 fdatasync(9</s/journal.jsonl>) = 0"]),
        ("half of it was written", vec![&half, "7 fdatasync(9</s/journal.jsonl>) = 0", leaves]),
        ("it leaves a second time", vec![&write, "7 fdatasync(9</s/journal.jsonl>) = 0", leaves, leaves]),
    ] {
        assert_eq!(too_early(&deeds("r", &lines.join("\n"))).0, early, "{what}");
    }
}
