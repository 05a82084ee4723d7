//! The runs of a state folder: made, found, listed, and how each stands.

use super::folder::{ESTATE, Folder, PLAN, RunFolder};
use super::journal::sha256;
use super::line::Head;
use super::replay::{self, Broken, Read};
use super::spool::Spool;
use crate::failure::{Failure, FailureKind};
use crate::runbook::plan::{Plan, PlanHash};
use crate::runbook::state::RunState;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// File systems on which locks or syncing cannot be relied on, by the number that the kernel gives them.
const NOT_RELIED_ON: [(u64, &str); 6] = [
    (0x6969, "NFS"),
    (0xFF53_4D42, "SMB"),
    (0xFE53_4D42, "SMB"),
    (0x517B, "SMB"),
    (0x0102_1997, "9P"),
    (0x6573_5546, "FUSE"),
];

/// The runs of a state folder.
#[derive(Debug, Clone)]
pub struct Runs(PathBuf);

/// A run as it stands.
#[derive(Debug, Clone)]
pub struct Run {
    /// Where it lies.
    pub folder: RunFolder,
    /// Its plan.
    pub plan: Plan,
    /// The plan's hash.
    pub hash: PlanHash,
    /// Its journal.
    pub read: Read,
    /// Its state.
    pub state: RunState,
}

impl Runs {
    /// Returns the runs in a folder, which is there.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Says why nothing may be run there.
    ///
    /// # Errors
    /// When locks or syncing cannot be relied on there.
    pub fn check(&self) -> Result<(), Failure> {
        let Ok(found) = rustix::fs::statfs(&self.0) else { return Ok(()) };
        #[cfg(target_os = "linux")]
        #[expect(clippy::cast_sign_loss, reason = "the kernel's own numbers")]
        let kind = found.f_type as u64 & 0xFFFF_FFFF;
        #[cfg(not(target_os = "linux"))]
        let kind = {
            let _ = found;
            0_u64
        };
        match NOT_RELIED_ON.iter().find(|(number, _)| *number == kind) {
            Some((_, name)) => Err(Failure::new(
                FailureKind::Refused,
                format!("{} lies on {name}, where locks and syncing cannot be relied on", self.0.display()),
            )
            .hint("name a folder on a local disk with `--state-dir DIR`")),
            None => Ok(()),
        }
    }

    /// Makes the folder of a run that is planned.
    ///
    /// # Errors
    /// When there is one already, or it cannot be written.
    pub fn create(&self, plan: &[u8], estate: &[u8], run: &str) -> Result<RunFolder, Failure> {
        self.create_with(plan, estate, run, &|_| Ok(()))
    }

    /// The same, with the manifests that were written while it was planned.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_of(
        &self,
        plan: &[u8],
        estate: &[u8],
        run: &str,
        spool: &Spool,
    ) -> Result<RunFolder, Failure> {
        self.create_with(plan, estate, run, &|folder| spool.move_into(folder))
    }

    fn create_with(
        &self,
        plan: &[u8],
        estate: &[u8],
        run: &str,
        more: &dyn Fn(&Path) -> std::io::Result<()>,
    ) -> Result<RunFolder, Failure> {
        RunFolder::create_with(&self.0.join(run), plan, estate, more).map_err(|error| {
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                Failure::new(FailureKind::Usage, format!("this plan was run already, as {run}"))
                    .hint(format!("`lifeboat resume {run}` goes on with it; a new plan makes a new run"))
            } else {
                Failure::of(format!("cannot make the folder of run {run}"), &error)
            }
        })
    }

    /// Returns the folder of the run named so, which may not be there.
    pub fn folder(&self, name: &str) -> RunFolder {
        RunFolder::at(&self.0.join(name))
    }

    /// Returns the names of all runs, the newest first.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).map(Iterator::flatten);
        let mut names: Vec<String> = entries
            .into_iter()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| !name.starts_with('.') && self.0.join(name).is_dir())
            .collect();
        names.sort_unstable();
        names.reverse();
        names
    }

    /// Returns the run that `name` names: its whole name, its end, or the newest for none.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn find(&self, name: Option<&str>) -> Result<RunFolder, Failure> {
        let names = self.names();
        let found: Vec<&String> = match name {
            None => names.iter().take(1).collect(),
            Some(name) if names.iter().any(|known| known == name) => {
                names.iter().filter(|known| *known == name).collect()
            }
            Some(name) => {
                names.iter().filter(|known| known.ends_with(name) || known.starts_with(name)).collect()
            }
        };
        match (found.as_slice(), name) {
            ([one], _) => Ok(RunFolder::at(&self.0.join(one))),
            ([], None) => Err(Failure::new(FailureKind::Usage, "nothing was run here yet")
                .hint("`lifeboat runbooks` lists what can be run")),
            ([], Some(name)) => Err(Failure::new(
                FailureKind::Usage,
                format!("there is no run `{}`", crate::domain::text::harmless(name)),
            )
            .hint("`lifeboat runs` lists them")),
            (several, _) => {
                let all = several.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
                Err(Failure::new(FailureKind::Usage, format!("more than one run is meant: {all}")))
            }
        }
    }
}

/// Reads a run as it stands.
///
/// # Errors
/// When its plan or journal cannot be read or relied on.
pub fn load(folder: &RunFolder) -> Result<Run, Failure> {
    let shown = folder.path().display().to_string();
    let plan_bytes = folder
        .read(PLAN)
        .map_err(|error| Failure::of(format!("cannot read the plan in {shown}"), &error))?
        .unwrap_or_default();
    let plan: Plan = serde_json::from_slice(&plan_bytes)
        .map_err(|error| Failure::of(format!("the plan in {shown} cannot be read"), &error))?;
    let broken = |error: Broken| {
        if let Broken::Unreadable(error) = &error {
            return Failure::of(format!("cannot read the journal in {shown}"), error);
        }
        Failure::of(format!("the journal in {shown} cannot be relied on"), &error)
            .with_kind(FailureKind::NotVerified)
            .hint("`lifeboat audit verify` names the line; nothing is resumed from it")
    };
    let (_, read) = replay::follow(folder, 0, &Head::default()).map_err(broken)?;
    let state = replay::fold(&plan, &read.lines).map_err(broken)?;
    let hash = PlanHash::of(&plan_bytes);
    if state.plan.as_ref().is_some_and(|agreed| *agreed != hash) {
        return Err(Failure::new(
            FailureKind::NotVerified,
            format!("the plan in {shown} is not the one that was agreed to"),
        ));
    }
    Ok(Run { folder: folder.clone(), plan, hash, read, state })
}

/// Returns the bytes of the copy of the estate file beside a run.
///
/// # Errors
/// When it cannot be read, or is not the one that the plan names.
pub fn estate_of(run: &Run) -> Result<Vec<u8>, Failure> {
    let bytes = run
        .folder
        .read(ESTATE)
        .map_err(|error| Failure::of("cannot read the run's copy of the estate file", &error))?
        .unwrap_or_default();
    if *sha256(&bytes) != *run.plan.estate.as_str() {
        return Err(Failure::new(
            FailureKind::NotVerified,
            "the run's copy of the estate file is not the one that the plan was made with",
        ));
    }
    Ok(bytes)
}

/// Returns the name of a new run, by the time and four digits of chance: `r-20261121-031207-7f3a`.
pub fn new_name(now: Timestamp, chance: u16) -> String {
    format!("r-{}-{chance:04x}", now.strftime("%Y%m%d-%H%M%S"))
}
