//! Programs as children: what they get, how they end, what is known of that, and that no shell is in between.

use super::local::{CANARY, act, assert_clean, look, until};
use lifeboat::provider::port::CallTrouble;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A place for a child: its folder to run in, and its home.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("children/step-1")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the arguments of a run, with more of them.
    pub(crate) fn arguments(&self, argv: &[&str], more: &Value) -> Value {
        let mut arguments = Map::new();
        arguments.insert("Argv".to_owned(), json!(argv));
        arguments.insert("Folder".to_owned(), json!(self.folder.path()));
        arguments.insert("Home".to_owned(), json!(self.home()));
        arguments.extend(more.as_object().cloned().unwrap_or_default());
        Value::Object(arguments)
    }

    pub(crate) fn run(&self, argv: &[&str], more: &Value) -> Result<Value, CallTrouble> {
        act("tool:Run", &self.arguments(argv, more)).map(|reply| reply.body)
    }

    pub(crate) fn status(&self) -> Value {
        look("tool:Status", &json!({"Home": self.home()})).expect("it can be read").body
    }

    /// Waits for the end.
    pub(crate) fn end(&self) -> Value {
        until("the end of the child", || Some(self.status()).filter(|status| status["State"] != "running"))
    }

    pub(crate) fn out(&self) -> Vec<u8> {
        std::fs::read(self.home().join("out")).expect("its output can be read")
    }

    pub(crate) fn record(&self, name: &str) -> Value {
        let text = std::fs::read(self.home().join(name)).expect("the record can be read");
        serde_json::from_slice(&text).expect("the record is JSON")
    }
}

/// Returns the processes that have a word among their arguments and still live.
pub(crate) fn processes_with(word: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").expect("there are processes").flatten();
    let ids = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let own = std::process::id().to_string();
    ids.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()) && *id != own)
        .filter(|id| {
            std::fs::read(format!("/proc/{id}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(word))
        })
        .collect()
}

#[test]
fn the_end_of_a_child_is_known_with_its_output() {
    let place = Place::new();
    let begun = place.run(&["sh", "-c", "echo out; echo err >&2; exit 7"], &json!({})).expect("it runs");
    assert_eq!(begun, json!({"Started": true, "Attached": false, "Home": place.home()}));
    let end = place.end();
    assert_eq!((&end["State"], &end["ExitCode"]), (&json!("ended"), &json!(7)), "{end}");
    assert_eq!((&end["OutTail"], &end["OutBytes"]), (&json!("out\nerr\n"), &json!(8)), "{end}");
    let digest: String = Sha256::digest(b"out\nerr\n").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(end["OutSha256"], json!(digest));
    assert!(end["At"].is_string() && end.get("Signal").is_none(), "{end}");
    for name in ["out", "ended.json", "started.json", "claimed", "lock"] {
        let found = std::fs::metadata(place.home().join(name)).expect("the file is there");
        assert_eq!(found.permissions().mode() & 0o777, 0o600, "{name}");
    }
    let found = std::fs::metadata(place.home()).expect("the folder is there");
    assert_eq!(found.permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_signal_that_ends_a_child_is_known() {
    let place = Place::new();
    place.run(&["sh", "-c", "kill -9 $$"], &json!({})).expect("it runs");
    let end = place.end();
    assert_eq!((&end["State"], &end["Signal"]), (&json!("ended"), &json!(9)), "{end}");
    assert!(end.get("ExitCode").is_none(), "{end}");
}

#[test]
fn where_nothing_was_started_that_is_known() {
    let place = Place::new();
    assert_eq!(place.status()["State"], "never-started");
    let script = place.path("no-interpreter");
    std::fs::write(&script, format!("touch {}\n", place.path("touched").display())).expect("it is written");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("it is a program");
    let script = script.display().to_string();
    for (argv, says) in [
        (["no-such-program-anywhere", CANARY], "there is no such program"),
        (["/nonexistent/program", CANARY], "there is no such program"),
        ([script.as_str(), CANARY], "it is neither a program nor a script that names its interpreter"),
        (["-c", CANARY], "there is no such program"),
    ] {
        let place = Place::new();
        for _ in 0..2 {
            let trouble = place.run(&argv, &json!({})).expect_err("it cannot be started");
            let CallTrouble::Refused { code, says: said, .. } = trouble else { panic!("{trouble:?}") };
            assert_eq!((code.as_str(), said.as_str()), ("NeverStarted", says));
        }
        let status = place.status();
        assert_eq!((&status["State"], &status["Says"]), (&json!("never-started"), &json!(says)));
    }
    assert!(!place.path("touched").exists());
    for wrong in [
        place.arguments(&[], &json!({})),
        place.arguments(&["true", &format!("{CANARY}\0")], &json!({})),
        place.arguments(&["true"], &json!({"Environment": {"A=B": CANARY}})),
        place.arguments(&["true"], &json!({"Environment": {"A": 1}})),
        place.arguments(&["true"], &json!({"Home": "children/1"})),
        place.arguments(&["true"], &json!({"Shell": true})),
    ] {
        let trouble = act("tool:Run", &wrong).expect_err("it cannot be asked for");
        assert!(matches!(trouble, CallTrouble::NotSent(_)), "{trouble}");
        assert_clean(&format!("{trouble} {trouble:?}"));
    }
    assert!(!place.home().exists());
}

#[test]
fn a_home_belongs_to_one_call_and_starts_one_child() {
    let place = Place::new();
    let script = "echo x >> runs; sleep 0.3";
    place.run(&["sh", "-c", script], &json!({})).expect("it runs");
    let again = place.run(&["sh", "-c", script], &json!({})).expect("it runs already");
    assert_eq!(again["Attached"], true);
    let trouble = place.run(&["sh", "-c", "echo other"], &json!({})).expect_err("it belongs to another");
    assert_eq!(trouble.code(), Some("OtherCall"));
    place.end();
    assert_eq!(place.run(&["sh", "-c", script], &json!({})).expect("it has run")["Attached"], true);
    assert_eq!(std::fs::read_to_string(place.path("runs")).expect("it ran"), "x\n");
}

#[test]
fn of_many_at_once_one_starts_the_child() {
    let place = Place::new();
    let arguments = place.arguments(&["sh", "-c", "echo x >> runs; sleep 0.2"], &json!({}));
    let started: Vec<_> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..12).map(|_| scope.spawn(|| act("tool:Run", &arguments))).collect();
        tries.into_iter().map(|one| one.join().expect("no panic").expect("it runs").body).collect()
    });
    assert_eq!(started.iter().filter(|one| one["Attached"] == false).count(), 1, "{started:?}");
    place.end();
    assert_eq!(std::fs::read_to_string(place.path("runs")).expect("it ran"), "x\n");
}

#[test]
fn a_child_gets_the_variables_of_the_list_and_no_others() {
    let place = Place::new();
    let more = json!({
        "Environment": {"TOKEN": CANARY, "TERM": "vt100"},
        "Inherit": ["CARGO_MANIFEST_DIR", "NOBODY_HAS_SET_THIS"],
    });
    place.run(&["env", "-0"], &more).expect("it runs");
    place.end();
    let out = String::from_utf8(place.out()).expect("it is text");
    let names: BTreeSet<_> = out.split('\0').filter_map(|line| Some(line.split_once('=')?.0)).collect();
    for name in ["PATH", "TOKEN", "TERM"] {
        assert!(names.contains(name), "{names:?}");
    }
    let known = ["PATH", "HOME", "LANG", "TZ", "TERM", "TOKEN", "CARGO_MANIFEST_DIR"];
    let others: Vec<_> =
        names.iter().filter(|name| !known.contains(name) && !name.starts_with("LC_")).collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(out.contains("TERM=vt100\0") && out.contains(&format!("TOKEN={CANARY}\0")), "{names:?}");
}

#[test]
fn no_secret_of_a_child_is_in_its_supervisor_or_its_folder() {
    let place = Place::new();
    let more = json!({"Environment": {"TOKEN": CANARY}});
    place.run(&["sh", "-c", "sleep 600"], &more).expect("it runs");
    let supervisor = &place.record("started.json")["supervisor"]["pid"];
    let child =
        until("the child", || place.home().join("child.json").exists().then(|| place.record("child.json")));
    let read = |pid: &Value, name: &str| {
        String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default())
            .into_owned()
    };
    // So what is looked at would show it.
    assert!(read(&child["pid"], "environ").contains(CANARY));
    let line = read(supervisor, "cmdline");
    assert!(line.starts_with("lifeboat\0__child\0"), "{line}");
    assert_clean(&line);
    assert_clean(&read(supervisor, "environ"));
    for entry in std::fs::read_dir(place.home()).expect("its folder").flatten() {
        let bytes = std::fs::read(entry.path()).expect("it can be read");
        assert_clean(&String::from_utf8_lossy(&bytes));
    }
    // A session of its own, without a terminal; the child leads a group of its own in it.
    let stat = read(&child["pid"], "stat");
    let fields: Vec<_> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    let expected = [supervisor.to_string(), child["pid"].to_string(), supervisor.to_string(), "0".to_owned()];
    assert_eq!(fields[1..5], expected, "{stat}");
    act("tool:Stop", &json!({"Home": place.home()})).expect("it can be asked");
    let end = place.end();
    assert_eq!((&end["State"], &end["Signal"], &end["Asked"]), (&json!("ended"), &json!(2), &json!("stop")));
}

#[test]
fn an_output_without_end_is_kept_up_to_a_limit() {
    let place = Place::new();
    place.run(&["head", "-c", "70000000", "/dev/zero"], &json!({})).expect("it runs");
    let end = place.end();
    assert_eq!(end["ExitCode"], 0, "{}", end["State"]);
    assert_eq!((&end["OutBytes"], &end["DroppedBytes"]), (&json!(67_108_864), &json!(2_891_136)));
    let out = place.out();
    assert_eq!(out.len(), 67_108_864);
    let digest: String = Sha256::digest(&out).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(end["OutSha256"], json!(digest));
    assert_eq!(end["OutTail"].as_str().map(str::len), Some(4096));
}

fn signals(place: &Place) -> Vec<String> {
    let ended = place.record("ended.json");
    let signals = ended["signals"].as_array().expect("a list");
    signals.iter().map(|sent| sent["signal"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn who_takes_too_long_is_asked_then_told_then_ended() {
    let polite = Place::new();
    let more = json!({"TimeoutS": 1, "GraceS": 1});
    let waits = "while :; do sleep 0.05; done";
    polite
        .run(&["sh", "-c", &format!("trap 'echo gave it back; exit 3' INT; {waits}")], &more)
        .expect("it runs");
    let stubborn = Place::new();
    stubborn.run(&["sh", "-c", &format!("trap '' INT TERM; {waits}")], &more).expect("it runs");
    let stopped = Place::new();
    stopped.run(&["sh", "-c", "kill -STOP $$"], &more).expect("it runs");
    let end = polite.end();
    assert_eq!((&end["ExitCode"], &end["Asked"]), (&json!(3), &json!("timeout")), "{end}");
    assert_eq!(end["OutTail"], "gave it back\n");
    assert_eq!(signals(&polite), ["INT"]);
    let end = stubborn.end();
    assert_eq!((&end["Signal"], &end["Asked"]), (&json!(9), &json!("timeout")), "{end}");
    assert_eq!(signals(&stubborn), ["INT", "TERM", "KILL"]);
    assert_eq!(stopped.end()["Signal"], 2);
}

#[test]
fn nothing_of_a_child_is_left_behind() {
    let place = Place::new();
    let mark = place.path("mark").display().to_string();
    // It ends, and leaves something that holds its output open.
    place.run(&["sh", "-c", "sh -c 'sleep 600; : $0' $0 & echo left", &mark], &json!({})).expect("it runs");
    let end = place.end();
    assert_eq!((&end["ExitCode"], &end["OutTail"]), (&json!(0), &json!("left\n")));
    until("the end of all processes", || processes_with(&mark).is_empty().then_some(()));
    let home = place.home().display().to_string();
    until("the end of the supervisor", || processes_with(&home).is_empty().then_some(()));
    let stop = act("tool:Stop", &json!({"Home": place.home()})).expect("it has ended");
    assert_eq!(stop.body, json!({"State": "ended"}));
    let never = act("tool:Stop", &json!({"Home": place.path("other")})).expect_err("nothing is there");
    assert_eq!(never.code(), Some("NeverStarted"));
}

#[test]
fn nobody_else_starts_a_child_and_nobody_sees_how() {
    let place = Place::new();
    std::fs::create_dir_all(place.home()).expect("a folder");
    let program = env!("CARGO_BIN_EXE_lifeboat");
    let mut child = Command::new(program)
        .arg("__child")
        .arg(place.home())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let request = json!({"argv": ["touch", "x"], "folder": place.folder.path(), "environment": {}, "timeout_s": null, "grace_s": 1});
    let _ = std::io::Write::write_all(
        &mut child.stdin.take().expect("its input"),
        request.to_string().as_bytes(),
    );
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(1));
    assert!(!place.path("x").exists());
    for words in [&["--help"][..], &["completions", "bash"], &["man"]] {
        let ran = Command::new(program).args(words).output().expect("the program starts");
        assert!(!String::from_utf8_lossy(&ran.stdout).contains("__child"), "{words:?}");
    }
}

#[test]
fn a_folder_that_others_can_write_to_is_not_used() {
    let place = Place::new();
    std::fs::create_dir_all(place.home()).expect("a folder");
    std::fs::set_permissions(place.home(), std::fs::Permissions::from_mode(0o777)).expect("it is open");
    let trouble = place.run(&["true"], &json!({})).expect_err("it is refused");
    assert!(matches!(trouble, CallTrouble::NotSent(_)), "{trouble}");
    assert!(!Path::new(&place.home()).join("claimed").exists());
}

/// Words that something between us and the program would act on.
fn hostile() -> Vec<String> {
    let mut words: Vec<String> = [
        "",
        " ",
        "\t",
        "\n",
        "\r\n",
        "a\nb",
        "\n-rf",
        "$(touch pwned)",
        "`touch pwned`",
        "${HOME}",
        "$HOME",
        "$$",
        "$'\\x41'",
        ";",
        "; touch pwned",
        "&& touch pwned",
        "|| touch pwned",
        "| tee pwned",
        "> pwned",
        ">> pwned",
        "< /etc/passwd",
        "2>&1",
        "&",
        "touch pwned &",
        "-",
        "--",
        "-rf",
        "--help",
        "--version",
        "-c",
        "-e",
        "--=x",
        "'",
        "\"",
        "'; touch pwned; '",
        "\"; touch pwned; \"",
        "\\",
        "\\\\",
        "\\n",
        "\\0",
        "*",
        "?",
        "[a-z]",
        "~",
        "~root",
        "../../etc/passwd",
        "/etc/passwd",
        "{a,b}",
        "!!",
        "!x",
        "#",
        "# x",
        "%s",
        "%n%n%n",
        "%d",
        "%%",
        "%00",
        "=x",
        "A=B",
        "PATH=/tmp",
        "@file",
        "(x)",
        ")",
        "((1+1))",
        "[[",
        "{",
        "}",
        ":",
        ".",
        "..",
        "\u{1b}]0;x\u{7}",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{1}",
        "\u{feff}",
        "\u{202e}abc",
        "\u{200b}",
        "\u{fffd}",
        "é",
        "e\u{301}",
        "日本語",
        "🚤",
        "\u{10ffff}",
        "\u{80}",
        "\u{9b}31m",
        "a b",
        " lead",
        "trail ",
        "<script>",
        "%c0%af",
        "null",
        "true",
        "0",
        "-0",
        "1e9",
        "0x10",
        "\u{b}",
        "\u{c}",
        "${steps.x.y}",
        "${secrets.X}",
        "{{ x }}",
        "<%= x %>",
        "$((1+1))",
        "$(<x)",
        "<(ls)",
        ">(ls)",
        "\u{2028}",
        "\u{2029}",
    ]
    .map(str::to_owned)
    .to_vec();
    words.push("x".repeat(100_000));
    words.push("'\"`$\\".repeat(1000));
    words
}

#[test]
fn whatever_an_argument_is_it_arrives_as_it_is() {
    let words = hostile();
    assert!(words.len() > 100);
    // Each by itself.
    std::thread::scope(|scope| {
        for some in words.chunks(words.len().div_ceil(4)) {
            scope.spawn(move || {
                for word in some {
                    let place = Place::new();
                    place.run(&["printf", "%s|", word], &json!({})).expect("it runs");
                    place.end();
                    assert_eq!(place.out(), format!("{word}|").into_bytes(), "{word:?}");
                    let left = std::fs::read_dir(place.folder.path()).expect("its folder").count();
                    assert_eq!(left, 1, "{word:?}");
                }
            });
        }
    });
    // All at once, with who started it.
    let place = Place::new();
    let script = "import os,sys\nsys.stdout.buffer.write(b'\\0'.join(map(os.fsencode,sys.argv[1:])))\n\
                  open('parent','w').write(open('/proc/%d/cmdline'%os.getppid()).read())";
    let mut argv = vec!["python3", "-c", script];
    argv.extend(words.iter().map(String::as_str));
    place.run(&argv, &json!({})).expect("it runs");
    let end = place.end();
    assert_eq!(end["ExitCode"], 0, "{}", end["OutTail"]);
    assert!(place.out() == words.join("\0").into_bytes(), "they did not arrive as they were");
    let parent = std::fs::read_to_string(place.path("parent")).expect("it says who started it");
    assert!(parent.starts_with("lifeboat\0__child\0"), "{parent}");
}
