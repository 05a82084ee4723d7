//! The commands of git that are run, and what they bring.

use super::remote::Remote;
use super::said::{Refusal, refusal};
use super::store::{self, Repository, Store};
use crate::provider::port::News;
use crate::provider::tool::process::{Groups, Invocation, Limits, NotRun, Ran, run};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

/// The name under which a remote is known to git: its address stands in no argument.
const NAME: &str = "lifeboat";
/// How much a list of branches and tags may be.
const MOST_LISTED: usize = 64 * 1024 * 1024;
/// How much a repository may take on disk.
const MOST_KEPT: u64 = 8 * 1024 * 1024 * 1024;
/// How ssh is asked to behave: it never prompts, never trusts a new host, and never waits for ever.
const SSH: &str = "-oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=15 -oServerAliveInterval=15 \
                   -oServerAliveCountMax=3";

/// What git is told besides the command, whatever its user has set. What else its user has set counts: helpers that know
/// logins, proxies, certificates, addresses that stand for others.
const SETTINGS: &[(&str, &str)] = &[
    // Nothing of the remote or of a folder is run.
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("protocol.ext.allow", "never"),
    ("protocol.fd.allow", "never"),
    ("submodule.recurse", "false"),
    ("log.showSignature", "false"),
    // What is fetched is nobody else's business.
    ("core.sharedRepository", "0600"),
    // Nobody is asked, and nothing goes on in the background.
    ("credential.interactive", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.writeCommitGraph", "false"),
    // A connection on which nothing moves is given up.
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "60"),
    ("color.ui", "false"),
    ("remote.lifeboat.tagOpt", "--no-tags"),
];
/// Variables of git that would change what is asked, or would write a login into what it says.
const TAKEN_AWAY: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_QUARANTINE_PATH",
    "GIT_DEFAULT_HASH",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_ALLOW_PROTOCOL",
    "GIT_TRACE",
    "GIT_TRACE_CURL",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_SETUP",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_TRACE2_PERF",
    "GIT_CURL_VERBOSE",
    "LANGUAGE",
];
const SET: &[(&str, &str)] = &[
    ("LC_ALL", "C"),
    ("GIT_TERMINAL_PROMPT", "0"),
    // A program that always fails stands where others ask on a screen.
    ("GIT_ASKPASS", "false"),
    ("SSH_ASKPASS", "false"),
    ("GCM_INTERACTIVE", "never"),
    ("GIT_EDITOR", "false"),
    ("GIT_PAGER", "cat"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    // Commits without files stay without files.
    ("GIT_NO_LAZY_FETCH", "1"),
];

/// Runs git for one read of one remote.
#[derive(Clone, Copy)]
pub(super) struct Git<'a> {
    pub(super) remote: &'a Remote,
    pub(super) groups: &'a Groups,
    /// What is set in the environment besides.
    pub(super) environment: &'a BTreeMap<OsString, OsString>,
    /// How long git may say nothing.
    pub(super) silence: Duration,
    pub(super) news: &'a dyn News,
}

/// Whether a read that waits for an answer is given its whole time, or as long as any other read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// Nothing was heard of the remote yet.
    Asking,
    /// It has answered already; what it is asked for takes time.
    Working,
}

impl Git<'_> {
    fn environment(
        &self,
        repository: Option<(&Path, Repository)>,
        folder: &Path,
    ) -> BTreeMap<OsString, Option<OsString>> {
        let mut all: BTreeMap<OsString, Option<OsString>> = BTreeMap::new();
        all.extend(self.environment.iter().map(|(name, value)| (name.clone(), Some(value.clone()))));
        all.extend(TAKEN_AWAY.iter().map(|name| ((*name).into(), None)));
        all.extend(SET.iter().map(|(name, value)| ((*name).into(), Some((*value).into()))));
        let mut settings: Vec<(&str, &str)> = SETTINGS.to_vec();
        settings.push(("remote.lifeboat.url", self.remote.address()));
        if let Some((path, repository)) = repository {
            all.insert("GIT_DIR".into(), Some(path.into()));
            if repository == Repository::History {
                settings.push(("remote.lifeboat.promisor", "true"));
                settings.push(("remote.lifeboat.partialclonefilter", "tree:0"));
            }
        } else {
            // A folder far above may be a repository; it is not asked.
            let above = folder.parent().unwrap_or(folder);
            all.insert("GIT_CEILING_DIRECTORIES".into(), Some(above.into()));
        }
        // What its user has set in the same way, such as a login in a pipeline, stays; ours counts for more, being later.
        let before = self.variable("GIT_CONFIG_COUNT").and_then(|count| count.to_str()?.parse().ok());
        let before = before.unwrap_or(0_usize);
        all.insert("GIT_CONFIG_COUNT".into(), Some((before + settings.len()).to_string().into()));
        for (nth, (name, value)) in settings.into_iter().enumerate() {
            all.insert(format!("GIT_CONFIG_KEY_{}", before + nth).into(), Some(name.into()));
            all.insert(format!("GIT_CONFIG_VALUE_{}", before + nth).into(), Some(value.into()));
        }
        all
    }

    /// Returns a variable of the environment in which git runs.
    fn variable(&self, name: &str) -> Option<OsString> {
        self.environment.get(OsStr::new(name)).cloned().or_else(|| std::env::var_os(name))
    }

    /// Runs git; `repository` is the one that it works on.
    async fn run(
        &self,
        arguments: &[&str],
        repository: Option<(&Path, Repository)>,
        folder: &Path,
        patience: Patience,
        ssh: Option<OsString>,
    ) -> Result<Ran, NotRun> {
        let mut environment = self.environment(repository, folder);
        if let Some(ssh) = ssh {
            environment.insert("GIT_SSH_COMMAND".into(), Some(ssh));
            environment.insert("GIT_SSH_VARIANT".into(), Some("ssh".into()));
        }
        let invocation = Invocation {
            program: "git",
            arguments: arguments.iter().map(OsString::from).collect(),
            environment,
            folder: folder.to_owned(),
        };
        let kept = repository.map(|(path, _)| path.to_owned());
        run(
            invocation,
            self.groups,
            Limits {
                silence: self.silence,
                output: MOST_LISTED,
                is_too_much: &|| kept.as_deref().is_some_and(|path| store::size_bytes(path) > MOST_KEPT),
                heard: &|| self.news.alive(),
                waits: &|| {
                    if patience == Patience::Working {
                        self.news.alive();
                    }
                },
            },
        )
        .await
    }

    /// Returns the command of ssh with our options, where the remote is reached by ssh that takes them.
    async fn ssh(&self, folder: &Path) -> Result<Option<OsString>, NotRun> {
        if !self.remote.is_ssh() {
            return Ok(None);
        }
        if self.variable("GIT_SSH_VARIANT").is_some_and(|variant| variant != "ssh") {
            return Ok(None);
        }
        let mut command = match self.variable("GIT_SSH_COMMAND") {
            Some(command) => command,
            None => {
                let asked = self
                    .run(&["config", "--get", "core.sshCommand"], None, folder, Patience::Asking, None)
                    .await?;
                let set = String::from_utf8_lossy(&asked.out).trim().to_owned();
                match self.variable("GIT_SSH") {
                    _ if !set.is_empty() => set.into(),
                    // A path, which git would run as it is; in a command it stands in quotes.
                    Some(path) => format!("'{}'", path.to_string_lossy().replace('\'', "'\\''")).into(),
                    None => "ssh".into(),
                }
            }
        };
        command.push(" ");
        command.push(SSH);
        Ok(Some(command))
    }

    /// Returns the branches and tags of the remote.
    pub(super) async fn refs(&self, folder: &Path) -> Result<Refs, Refusal> {
        let ssh = self.ssh(folder).await?;
        let arguments = ["ls-remote", "--symref", NAME, "HEAD", "refs/heads/*", "refs/tags/*"];
        let ran = self.run(&arguments, None, folder, Patience::Asking, ssh).await?;
        if !ran.well {
            return Err(refusal(self.remote, &ran.said));
        }
        Ok(Refs::parse(&String::from_utf8_lossy(&ran.out)))
    }

    /// Fetches into a repository.
    pub(super) async fn fetch(
        &self,
        store: &Store,
        repository: Repository,
        depth: u32,
        what: &[String],
    ) -> Result<(), Refusal> {
        let ssh = self.ssh(store.folder()).await?;
        let depth = format!("--depth={depth}");
        let mut arguments = vec![
            "fetch",
            &depth,
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--no-show-forced-updates",
            "--progress",
        ];
        if repository == Repository::History {
            arguments.extend(["--filter=tree:0", "--prune"]);
        }
        arguments.push(NAME);
        arguments.extend(what.iter().map(String::as_str));
        let path = store.path(repository);
        let ran =
            self.run(&arguments, Some((&path, repository)), store.folder(), Patience::Working, ssh).await?;
        if ran.well { Ok(()) } else { Err(refusal(self.remote, &ran.said)) }
    }

    /// Asks a repository of ours; `None` when git says no.
    pub(super) async fn ask(
        &self,
        store: &Store,
        repository: Repository,
        arguments: &[&str],
    ) -> Result<Option<String>, NotRun> {
        let path = store.path(repository);
        let ran =
            self.run(arguments, Some((&path, repository)), store.folder(), Patience::Working, None).await?;
        Ok(ran.well.then(|| String::from_utf8_lossy(&ran.out).trim().to_owned()))
    }
}

/// The branches and tags of a remote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refs {
    /// The default branch and its commit; the branch is not known where it is none of the others.
    pub(super) head: Option<(Option<String>, String)>,
    /// All of them by their whole name, with their commits.
    pub(super) tips: BTreeMap<String, String>,
    /// The ids of tags that are objects of their own, with the commits they stand for.
    pub(super) peeled: BTreeMap<String, String>,
    /// The same as long as nothing has changed.
    pub(super) digest: String,
}

impl Refs {
    /// Reads what `git ls-remote --symref` prints.
    fn parse(listed: &str) -> Self {
        let mut refs = Self::default();
        let mut branch = None;
        let mut head = None;
        for line in listed.lines() {
            let Some((id, name)) = line.split_once('\t') else { continue };
            if let Some(target) = id.strip_prefix("ref: ") {
                if name == "HEAD" {
                    branch = target.strip_prefix("refs/heads/").map(str::to_owned);
                }
            } else if !is_full(id) || !is_plain(name) {
                // Nothing that is no id and no name of a branch gets into an argument.
            } else if name == "HEAD" {
                head = Some(id.to_owned());
            } else if let Some(tag) = name.strip_suffix("^{}") {
                if let Some(object) = refs.tips.insert(tag.to_owned(), id.to_owned()) {
                    refs.peeled.insert(object, id.to_owned());
                }
            } else {
                refs.tips.insert(name.to_owned(), id.to_owned());
            }
        }
        refs.head = head.map(|id| (branch, id));
        refs.digest = Sha256::digest(listed.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        refs
    }

    /// Returns how long its ids are: SHA-1 has 40 digits, SHA-256 has 64.
    pub(super) fn id_length(&self) -> usize {
        self.tips.values().next().or(self.head.as_ref().map(|(_, id)| id)).map_or(40, String::len)
    }

    /// Returns the branch or tag at whose tip a commit is: the default branch, else the first branch, else the first tag.
    pub(super) fn tip_of(&self, commit: &str) -> Option<&str> {
        let default = self.head.as_ref().and_then(|(branch, _)| branch.as_deref());
        let default = default.map(|branch| format!("refs/heads/{branch}"));
        let at = |name: &String| self.tips.get(name).is_some_and(|id| id == commit);
        let first = default.as_ref().filter(|name| at(name)).and_then(|name| self.tips.get_key_value(name));
        first
            .map(|(name, _)| name.as_str())
            .or_else(|| self.tips.iter().find(|(_, id)| *id == commit).map(|(name, _)| name.as_str()))
    }
}

fn is_full(id: &str) -> bool {
    matches!(id.len(), 40 | 64) && is_id(id)
}

fn is_plain(name: &str) -> bool {
    let name = name.strip_suffix("^{}").unwrap_or(name);
    !name.contains(|c: char| c.is_whitespace() || c.is_control() || ":?*[\\^~".contains(c))
}

/// Says whether it is the id of a commit, or the beginning of one that people use.
pub(super) fn is_id(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
