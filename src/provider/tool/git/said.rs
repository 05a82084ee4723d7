//! What git says when it cannot do what it was asked for, in the words of people.
//!
//! git has one exit code for nearly everything, so that its text decides: that of git itself, of ssh, and of the remote.
//! It is asked in English (`LC_ALL=C`). What is not recognised is shown as it is, without logins.

use super::remote::Remote;
use crate::domain::Text;
use crate::domain::reading::ReadTrouble;
use crate::provider::tool::process::NotRun;

/// Why a remote was asked in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such repository.
    Absent,
    /// There is none, or none that this observer may see: hosts do not tell which.
    AbsentOrHidden,
    /// The remote does not hand out a commit by its id alone.
    OnlyByName,
    /// The remote has no such commit.
    NoSuchCommit,
    /// The remote has it, but not all of it.
    Broken,
    /// Anything else; it says nothing of what is there.
    Trouble(ReadTrouble),
}

impl Refusal {
    fn other(says: &str) -> Self {
        Self::Trouble(ReadTrouble::Other(Text::new(says)))
    }
}

impl From<NotRun> for Refusal {
    fn from(not_run: NotRun) -> Self {
        match not_run {
            NotRun::Absent(program) => {
                Self::other(&format!("{program} is not installed here: remotes are asked with it"))
            }
            NotRun::Failed(why) => Self::other(&why),
            NotRun::Silent => Self::Trouble(ReadTrouble::TimedOut),
            NotRun::TooMuch => Self::other("git: it is more than is read of a remote"),
        }
    }
}

const ABSENT: &[&str] =
    &["does not appear to be a git repository", "no such repository:", "no such repository '"];
const HIDDEN: &[&str] = &[
    "repository not found",
    "' not found",
    "access denied or repository not exported",
    "could not be found or you don't have permission",
    "does not exist or you do not have permission",
    "repositorydoesnotexistexception",
    "tf401019",
];
const NO_LOGIN: &[&str] = &[
    "could not read username",
    "could not read password",
    "terminal prompts disabled",
    "unable to get password from user",
    "permission denied (",
    "permission denied, please try again",
    "error: 401",
    "no credentials",
];
// Not `forbidden` or `access denied`: greetings of servers say that to everybody.
const LOGIN_REFUSED: &[&str] = &["authentication failed", "error: 403"];
const ONLY_BY_NAME: &[&str] = &["does not allow request for unadvertised object", "unadvertised object"];
const NO_SUCH_COMMIT: &[&str] = &["not our ref", " not valid", "couldn't find remote ref", "tf401035"];
const BROKEN: &[&str] = &[
    "possible repository corruption on the remote side",
    "did not send all necessary objects",
    "missing necessary objects",
    "unable to read tree",
    "bad tree object",
    "bad object",
];
const UNREACHABLE: &[&str] = &[
    "could not resolve host",
    "name or service not known",
    "temporary failure in name resolution",
    "no address associated with hostname",
    "connection refused",
    "connection timed out",
    "operation timed out",
    "timed out after",
    "timed out",
    "connection reset",
    "connection closed by",
    "failed to connect",
    "unable to connect",
    "unable to look up",
    "couldn't connect",
    "network is unreachable",
    "no route to host",
    "empty reply from server",
    "hung up unexpectedly",
    "unexpected disconnect",
    "early eof",
];
const CERTIFICATE: &[&str] =
    &["ssl certificate problem", "certificate verification failed", "ssl peer certificate"];

/// Returns what git meant.
pub(super) fn refusal(remote: &Remote, said: &str) -> Refusal {
    let lower = said.to_lowercase();
    let says = |any: &[&str]| any.iter().any(|words| lower.contains(words));
    let shown = remote.shown();
    let denied = |who: &str| {
        Refusal::Trouble(ReadTrouble::Denied {
            permission: Text::new(&format!("read {shown}")),
            identity: who.into(),
        })
    };
    if says(&["remote host identification has changed"]) {
        return Refusal::other(
            "git: the host key of the remote is not the one that is known here: find out why before anybody goes on",
        );
    }
    if says(&["host key verification failed", "host key is known for"]) {
        return Refusal::other(
            "git: the host key of the remote is not known here: connect once by hand, and compare it",
        );
    }
    if says(&["no space left on device", "disk quota exceeded"]) {
        return Refusal::other("git: there is no space left for what is fetched");
    }
    if says(&["dubious ownership"]) {
        return Refusal::other(&format!(
            "git: the repository belongs to another user: `git config --global --add safe.directory {shown}`"
        ));
    }
    if says(HIDDEN) {
        return Refusal::AbsentOrHidden;
    }
    if says(ABSENT) {
        return Refusal::Absent;
    }
    if says(&["error: 407"]) {
        return Refusal::other("git: the proxy asks for a login");
    }
    if says(LOGIN_REFUSED) {
        return denied("the login that git has for it: the remote refused it");
    }
    if says(NO_LOGIN) {
        return denied(
            "nobody: the remote asks for a login; give the observer a key or token, prompts are off",
        );
    }
    if says(&["error: 429", "too many requests", "rate limit"]) {
        return Refusal::Trouble(ReadTrouble::Throttled);
    }
    if says(CERTIFICATE) {
        return Refusal::other("git: the certificate of the remote is not trusted here");
    }
    if says(ONLY_BY_NAME) {
        return Refusal::OnlyByName;
    }
    if says(BROKEN) {
        return Refusal::Broken;
    }
    if says(NO_SUCH_COMMIT) {
        return Refusal::NoSuchCommit;
    }
    if says(UNREACHABLE) {
        return Refusal::Trouble(ReadTrouble::Unreachable);
    }
    let line = said.lines().find_map(|line| {
        ["fatal: ", "error: ", "ERROR: ", "remote: "].iter().find_map(|begin| line.trim().strip_prefix(begin))
    });
    let line = line.or_else(|| said.lines().find(|line| !line.trim().is_empty()));
    Refusal::other(&format!("git: {}", remote.scrub(line.unwrap_or("it says nothing of why").trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(said: &str) -> String {
        let remote = Remote::new("https://robot:s3cr3t-token@git.example.com/shop.git").expect("an address");
        match refusal(&remote, said) {
            Refusal::Trouble(trouble) => trouble.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_git_ssh_and_hosts_say_is_told_apart() {
        for (said, means) in [
            (
                "fatal: '/srv/x' does not appear to be a git repository\nfatal: Could not read from remote repository.",
                "Absent",
            ),
            ("fatal: remote error: no such repository: /x", "Absent"),
            ("remote: Repository not found.\nfatal: repository 'https://h/x/' not found", "AbsentOrHidden"),
            ("ERROR: Repository not found.\nfatal: Could not read from remote repository.", "AbsentOrHidden"),
            ("fatal: remote error: access denied or repository not exported: /x", "AbsentOrHidden"),
            ("error: Server does not allow request for unadvertised object 0123", "OnlyByName"),
            ("fatal: remote error: upload-pack: not our ref 0123", "NoSuchCommit"),
            ("fatal: remote error: want 0123 not valid", "NoSuchCommit"),
            (
                "remote: fatal: unable to read tree 12\nremote: aborting due to possible repository corruption on the remote side.\nfatal: early EOF",
                "Broken",
            ),
            (
                "ssh: connect to host h port 22: Connection refused\nfatal: Could not read from remote repository.",
                "not reachable",
            ),
            ("fatal: unable to access 'https://h/': Could not resolve host: h", "not reachable"),
            ("fatal: unable to access 'https://h/': The requested URL returned error: 429", "throttled"),
        ] {
            assert_eq!(of(said), means, "{said}");
        }
        for (said, part) in [
            (
                "fatal: could not read Username for 'https://git.example.com': terminal prompts disabled",
                "asks for a login",
            ),
            (
                "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.",
                "asks for a login",
            ),
            ("fatal: Authentication failed for 'https://git.example.com/shop.git/'", "refused it"),
            ("fatal: unable to access 'https://h/': The requested URL returned error: 403", "refused it"),
            (
                "No ED25519 host key is known for h and you have requested strict checking.\nHost key verification failed.",
                "not known here",
            ),
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
                "find out why",
            ),
            (
                "fatal: unable to access 'https://h/': SSL certificate problem: certificate has expired",
                "not trusted",
            ),
            ("error: unable to write file: No space left on device\nfatal: early EOF", "no space left"),
        ] {
            assert!(of(said).contains(part), "{said}: {}", of(said));
        }
    }

    #[test]
    fn what_is_not_recognised_is_shown_without_logins() {
        let said = of("fatal: something odd at 'https://robot:s3cr3t-token@git.example.com/shop.git'\nmore");
        assert_eq!(said, "git: something odd at 'https://git.example.com/shop.git'");
        assert_eq!(of(""), "git: it says nothing of why");
    }
}
