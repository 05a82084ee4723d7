//! The AWS test server: made ready once, started when it is first asked for, ended with the tests.
//!
//! Its Python packages lie below `target/test-gear`, in a folder named after the list of them, so that a change of the
//! list makes another. What the server can do stands at the top of `tests/support/aws/server.py`.

use super::root;
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long the server may take for one answer to a test, on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server.
#[derive(Debug)]
pub(crate) struct Gear {
    port: u16,
    python: PathBuf,
    server: Child,
}

impl Gear {
    /// Returns the server that tests share; they keep apart by their accounts.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Gear> = OnceLock::new();
        SHARED.get_or_init(Self::own)
    }

    /// Starts a server of its own: for a test that moves the clock, or wants nobody else in it.
    pub(crate) fn own() -> Self {
        let python = python();
        let (server, port) = serve(&python, &["server.py"]);
        Self { port, python, server }
    }

    /// Returns an account number that no other test has.
    pub(crate) fn new_account() -> String {
        static NEXT: AtomicU64 = AtomicU64::new(700_000_000_001);
        NEXT.fetch_add(1, Ordering::SeqCst).to_string()
    }

    /// Returns where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns its address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the variables by which a program calls it as somebody of `account`.
    pub(crate) fn aws_env(&self, account: &str) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_ACCESS_KEY_ID", format!("AKIAGEAR{account}")),
            ("AWS_SECRET_ACCESS_KEY", "x".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_REGION", "us-east-2".to_owned()),
        ]
    }

    /// Posts to its control API, such as `rules`, and returns the answer.
    pub(crate) fn post(&self, what: &str, body: &Value) -> Value {
        self.ask("POST", what, &body.to_string())
    }

    /// Gets from its control API, such as `calls?account=700000000001`.
    pub(crate) fn get(&self, what: &str) -> Value {
        self.ask("GET", what, "")
    }

    /// Deletes from its control API.
    pub(crate) fn delete(&self, what: &str) -> Value {
        self.ask("DELETE", what, "")
    }

    fn ask(&self, method: &str, what: &str, body: &str) -> Value {
        control(self.port, method, &format!("/_gear/{what}"), body)
    }

    /// Returns the Python with the server's packages.
    pub(crate) fn python_path(&self) -> &Path {
        &self.python
    }

    /// Runs a program in Python with the server's packages and returns its standard output. `words` are what stands
    /// after `python`: a path in `tests/support/aws`, or `-c` and a program.
    pub(crate) fn python(&self, words: &[&str]) -> String {
        let output = Command::new(&self.python)
            .args(words)
            .current_dir(root("tests/support/aws"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null())
            .output()
            .expect("python can be started");
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?} failed:\n{err}");
        String::from_utf8(output.stdout).expect("its output is UTF-8")
    }
}

impl Drop for Gear {
    fn drop(&mut self) {
        drop(self.server.stdin.take()); // it ends with its input
        let _ = self.server.wait();
    }
}

/// Starts a server of `tests/support/aws`, which says on which port it listens, and ends with its input.
pub(super) fn serve(python: &Path, words: &[&str]) -> (Child, u16) {
    let mut server = Command::new(python)
        .args(words)
        .current_dir(root("tests/support/aws"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} cannot be started: {error}", python.display()));
    let mut line = String::new();
    let out = server.stdout.take().expect("its output is piped");
    BufReader::new(out).read_line(&mut line).expect("its output can be read");
    let told: Value = serde_json::from_str(&line)
        .unwrap_or_else(|_| panic!("{words:?} did not start; what it says stands above"));
    let port = told["port"].as_u64().and_then(|port| u16::try_from(port).ok());
    (server, port.expect("it says where it listens"))
}

/// Asks something of the control API of such a server.
pub(super) fn control(port: u16, method: &str, path: &str, body: &str) -> Value {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit can be set");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("the server takes a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{method} {path} was refused: {body}");
    serde_json::from_str(body).expect("the control API speaks JSON")
}

/// Returns a Python with the server's packages, making it where there is none yet. Two runs of the tests that begin at
/// once wait for each other.
fn python() -> PathBuf {
    let list = root("tests/support/aws/requirements.txt");
    let digest = Sha256::digest(fs::read(&list).expect("the list of packages can be read"));
    let name: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target folder");
    let folder = target.join("test-gear");
    fs::create_dir_all(&folder).expect("target/test-gear can be made");
    let lock = File::create(folder.join(format!("{name}.lock"))).expect("a lock can be made");
    flock(&lock, FlockOperation::LockExclusive).expect("the lock can be taken");
    let made = folder.join(&name);
    if !made.join("made").exists() {
        make(&folder.join(format!("{name}.new")), &made, &list);
    }
    made.join("bin/python")
}

/// Makes a folder of packages under one name and moves it to the other when it is whole.
fn make(under: &Path, made: &Path, list: &Path) {
    let run = |program: &Path, words: &[&str]| {
        let status = Command::new(program).args(words).stdin(Stdio::null()).status();
        let status = status.unwrap_or_else(|error| {
            panic!("the tests of AWS need python3 with venv and pip, and {}: {error}", program.display())
        });
        assert!(status.success(), "{} {} failed", program.display(), words.join(" "));
    };
    let _ = fs::remove_dir_all(under);
    run(Path::new("python3"), &["-m", "venv", &under.display().to_string()]);
    let list = list.display().to_string();
    let quiet = ["--quiet", "--disable-pip-version-check", "--no-input"];
    run(&under.join("bin/python"), &[&["-m", "pip", "install"][..], &quiet, &["-r", &list]].concat());
    fs::write(under.join("made"), "").expect("the mark can be written");
    let _ = fs::remove_dir_all(made);
    fs::rename(under, made).expect("the folder can be moved");
}
