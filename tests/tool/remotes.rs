//! Git remotes as the tests need them: made with git, served from files, by `git daemon` and over HTTP.

use crate::support::root;
use lifeboat::config::load_text;
use lifeboat::domain::condition::Condition;
use lifeboat::domain::estate::{Component, Selector};
use lifeboat::domain::place::{OUTSIDE, Place};
use lifeboat::domain::recovery_point::RecoveryPoint;
use lifeboat::provider::port::{Answer, Ask, Deaf, ReadConditions, ReadPoints};
use lifeboat::provider::tool::ToolAdapter;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A folder with a bare repository in it, and a cache for whoever reads it.
pub(crate) struct Bench {
    pub(crate) dir: TempDir,
}

impl Bench {
    /// Makes a remote `shop.git` with six commits on `main`, the first the oldest.
    pub(crate) fn new() -> Self {
        let bench = Self { dir: tempfile::tempdir().expect("a folder can be made") };
        bench.git(&["init", "-q", "--bare", "-b", "main", "shop.git"]);
        bench.git(&["init", "-q", "-b", "main", "work"]);
        for nth in 1..=6 {
            bench.commit(&format!("change {nth}"));
        }
        bench.push("main");
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn remote(&self) -> String {
        self.path("shop.git").display().to_string()
    }

    fn command(&self, folder: &str, words: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(words)
            .current_dir(self.path(folder))
            .env("HOME", self.dir.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Amira")
            .env("GIT_AUTHOR_EMAIL", "amira@example.com")
            .env("GIT_COMMITTER_NAME", "Amira")
            .env("GIT_COMMITTER_EMAIL", "amira@example.com")
            .stdin(Stdio::null());
        command
    }

    /// Runs git in a folder of the bench.
    pub(crate) fn git_in(&self, folder: &str, words: &[&str]) -> String {
        let ran = self.command(folder, words).output().expect("git is installed");
        assert!(ran.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8_lossy(&ran.stdout).trim().to_owned()
    }

    /// Runs git beside the remote.
    pub(crate) fn git(&self, words: &[&str]) -> String {
        self.git_in(".", words)
    }

    /// Runs git in the work tree.
    pub(crate) fn work(&self, words: &[&str]) -> String {
        self.git_in("work", words)
    }

    /// Says whether git does what it is asked for.
    pub(crate) fn succeeds(&self, words: &[&str]) -> bool {
        self.command("shop.git", words).output().expect("git is installed").status.success()
    }

    /// Adds a commit with a file of its own and returns its id.
    pub(crate) fn commit(&self, what: &str) -> String {
        std::fs::write(self.path("work").join("file"), what).expect("a file can be written");
        self.work(&["add", "file"]);
        self.work(&["commit", "-q", "-m", what]);
        self.id("HEAD")
    }

    /// Makes a remote with so many commits on one branch, and returns the id of the oldest.
    pub(crate) fn long(&self, name: &str, commits: usize) -> String {
        self.git(&["init", "-q", "--bare", "-b", "main", name]);
        let mut stream = String::new();
        for nth in 1..=commits {
            let at = 1_700_000_000 + nth;
            stream += &format!("commit refs/heads/main\ncommitter A <a@example.com> {at} +0000\ndata 1\nx\n");
        }
        let path = self.path("stream");
        std::fs::write(&path, stream).expect("a file can be written");
        let mut import = self.command(name, &["fast-import", "--quiet"]);
        let ran =
            import.stdin(File::open(&path).expect("it was written")).status().expect("git is installed");
        assert!(ran.success());
        self.git_in(name, &["rev-list", "--max-parents=0", "main"])
    }

    pub(crate) fn id(&self, name: &str) -> String {
        self.work(&["rev-parse", name])
    }

    pub(crate) fn push(&self, what: &str) {
        self.work(&["push", "-q", "--force", "../shop.git", what]);
    }

    /// Returns the adapter, which keeps what it fetches in a cache on this bench.
    pub(crate) fn adapter(&self) -> ToolAdapter {
        ToolAdapter::new(&self.path("cache"))
            .with_variable("HOME", self.dir.path())
            .with_variable("GIT_CONFIG_NOSYSTEM", "1")
            .with_variable("GIT_CONFIG_GLOBAL", "/dev/null")
    }
}

/// Returns a Git repository as the estate file has it; a file with a password in the address would be refused.
pub(crate) fn repository(address: &str, deployed: &str) -> Component {
    let text = format!(
        "version: 1\nestate: e\nenvironments:\n  p: {{ class: test, account: \"123456789012\", region: us-east-2 }}\n\
         components:\n  code:\n    kind: git-repository\n    select: {{ id: \"https://git.example.com/shop.git\" }}\n    \
         deployed: \"{deployed}\"\n"
    );
    let estate = load_text(&text).unwrap_or_else(|wrong| panic!("{wrong:?}")).estate;
    let component = estate.components.into_iter().next().expect("a component");
    Component { selector: Some(Selector::Id(address.into())), ..component }
}

pub(crate) fn outside() -> Place {
    Place::new(OUTSIDE, OUTSIDE)
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

pub(crate) fn points(adapter: &dyn ReadPoints, component: &Component) -> Answer<Vec<RecoveryPoint>> {
    block_on(adapter.points(Ask { component, place: &outside(), news: &Deaf }))
}

pub(crate) fn condition(adapter: &dyn ReadConditions, component: &Component) -> Answer<Condition> {
    block_on(adapter.condition(Ask { component, place: &outside(), news: &Deaf }))
}

/// Returns the codes of what a condition tells.
pub(crate) fn codes(condition: &Condition) -> Vec<&str> {
    condition.incidents.iter().map(|incident| incident.code.as_str()).collect()
}

/// A server over HTTP; it ends with the test.
pub(crate) struct Http {
    child: Child,
    pub(crate) port: u16,
}

impl Http {
    pub(crate) fn of(folder: &Path, options: &[&str]) -> Self {
        let mut child = Command::new("python3")
            .arg(root("tests/tool/http_backend.py"))
            .arg(folder)
            .args(options)
            .env("HOME", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output is read");
        BufReader::new(out).read_line(&mut line).expect("it says its port");
        Self { child, port: line.trim().parse().expect("a port") }
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves a folder by `git daemon` and returns its port. Each connection gets a daemon of its own, so that no port has
/// to be found for it; the thread waits for connections until the tests end.
pub(crate) fn daemon(folder: &Path, options: &'static [&'static str]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let folder = folder.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let input = OwnedFd::from(stream.try_clone().expect("a socket can be shared"));
            let mut child = Command::new("git")
                .args(["daemon", "--inetd", "--export-all"])
                .arg(format!("--base-path={}", folder.display()))
                .args(options)
                .env("HOME", &folder)
                .stdin(Stdio::from(input))
                .stdout(Stdio::from(OwnedFd::from(stream)))
                .stderr(Stdio::null())
                .spawn()
                .expect("git is installed");
            let _ = child.wait();
        }
    });
    port
}
