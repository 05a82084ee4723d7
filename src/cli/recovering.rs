//! Recoveries as the console asks for them: planned, begun and steered as from the command line.

use super::args::{Global, ModeArg, OneFailure, PlanArgs};
use super::consenting::read_approval;
use super::plan_text::write_new;
use super::recovery::{self, PlanOf};
use crate::audit::account::Report;
use crate::audit::{report, verify};
use crate::authority::{Operator, Session};
use crate::config;
use crate::config::paths::StateDir;
use crate::domain::Text;
use crate::engine::folder::Presence;
use crate::engine::launch::Told;
use crate::engine::spool::Spool;
use crate::engine::store::{Runs, load};
use crate::failure::{Failure, FailureKind};
use crate::runbook::consent::{Strength, required_for};
use crate::runbook::event::{Ask, ConsentGiven};
use crate::tui::Recover;
use crate::tui::model::{PlanWanted, Prepared, Secrets};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Plans, begins and steers for a console.
pub(super) struct Recovering {
    global: Global,
    /// The estate that the console shows, as its file has it, and where it came from.
    estate: (String, String),
    state: StateDir,
    runs: Runs,
    /// That an operator watches the runs that were begun or steered from here.
    present: Mutex<Vec<(String, Presence)>>,
    /// The manifests of the plans that were made and not begun yet, by run.
    manifests: Mutex<BTreeMap<String, Spool>>,
}

impl Recovering {
    /// Returns what a console on this estate recovers with.
    ///
    /// # Errors
    /// When the state folder cannot be used.
    pub(super) fn new(global: &Global, estate: (String, String)) -> Result<Self, Failure> {
        let (runs, state) = recovery::runs(global)?;
        let mut global = global.clone();
        // The console has begun its world; what is planned in it does not begin it anew.
        global.sandbox = crate::cli::args::SandboxArgs::default();
        Ok(Self { global, estate, state, runs, present: Mutex::default(), manifests: Mutex::default() })
    }

    /// Returns the runs of the state folder.
    pub(super) fn runs(&self) -> Runs {
        self.runs.clone()
    }

    fn watch(&self, run: &str) {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        if present.iter().all(|(known, _)| known != run)
            && let Ok(watching) = self.runs.folder(run).watch()
        {
            present.push((run.to_owned(), watching));
        }
    }

    fn folder(&self, name: &str) -> Result<PathBuf, Failure> {
        self.state.folder(name)
    }
}

impl Recover for Recovering {
    fn plan(&self, wanted: &PlanWanted) -> Result<Prepared, Failure> {
        let given = PlanArgs {
            runbook: wanted.runbook.clone(),
            param: wanted.said.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            mode: Some(ModeArg::of(wanted.mode)),
            failure: Some(OneFailure::of(wanted.failure)),
            since: None,
        };
        let (source, origin) = &self.estate;
        let loaded = config::load_text(source)
            .map_err(|diagnostics| config::load::failure(origin, source, &diagnostics))?;
        let of = PlanOf { loaded: Some((loaded, origin.clone())), ..PlanOf::default() };
        let planned = recovery::plan_as(&self.global, &given, of)?;
        let file = if required_for(&planned.plan) == Strength::TypedAndSigned {
            let path = self.folder("plans")?.join(format!("{}.json", planned.plan.run));
            write_new(&path, &planned.plan.bytes())?;
            Some(Text::new(&path.display().to_string()))
        } else {
            None
        };
        let run = planned.plan.run.to_string();
        self.manifests.lock().unwrap_or_else(PoisonError::into_inner).insert(run, planned.manifests);
        Ok(Prepared {
            wanted: wanted.clone(),
            hash: planned.hash,
            plan: Arc::new(planned.plan),
            estate: planned.estate_source.into(),
            file,
            notes: planned.notes.iter().map(|note| Text::new(note)).collect(),
        })
    }

    fn begin(
        &self,
        by: &Session<Operator>,
        prepared: &Prepared,
        mut consent: ConsentGiven,
        secrets: Secrets,
    ) -> Result<Text, Failure> {
        self.runs.check()?;
        if let Some(file) = &prepared.file
            && consent.break_glass.is_none()
        {
            let path = Path::new(file.as_str()).with_extension("approval.json");
            consent.approval = Some(read_approval(&path)?);
        }
        let plan = prepared.plan.as_ref();
        let manifests = self.manifests.lock().unwrap_or_else(PoisonError::into_inner);
        let spool = manifests.get(plan.run.as_str()).ok_or_else(|| {
            Failure::new(FailureKind::Refused, "the manifests of this plan are gone").hint("plan anew")
        })?;
        let folder =
            recovery::folder_of(&self.runs, plan, &prepared.hash, prepared.estate.as_bytes(), spool)?;
        drop(manifests);
        let id = recovery::ask(&folder, Ask::Consent(consent))?;
        self.watch(plan.run.as_str());
        let told = Told { secrets: secrets.0, purpose: by.purpose().to_string() };
        recovery::start(&folder, &self.state, told)?;
        recovery::answered(&folder, &id, || Err(super::watching::ended_early(&folder)))?;
        Ok(plan.run.clone())
    }

    fn ask(&self, _: &Session<Operator>, run: &str, ask: Ask) -> Result<Text, Failure> {
        let run = load(&self.runs.find(Some(run))?)?;
        if !run.folder.is_worked_on() && !run.plan.secrets.is_empty() {
            let names = run.plan.secrets.join(", ");
            return Err(Failure::new(FailureKind::Refused, format!("the run needs what is secret: {names}"))
                .hint(format!("`lifeboat resume {}` asks for it", run.plan.run)));
        }
        self.watch(run.plan.run.as_str());
        let told = Told::default();
        // Where nobody asked for a rest there is nothing to take back: an executor is all that is needed.
        if ask == Ask::Resume && !run.state.wishes.pause {
            recovery::start(&run.folder, &self.state, told)?;
            return Ok("it goes on".into());
        }
        let name = ask.name();
        let id = recovery::ask(&run.folder, ask)?;
        recovery::start(&run.folder, &self.state, told)?;
        recovery::answered(&run.folder, &id, || recovery::start(&run.folder, &self.state, Told::default()))?;
        Ok(Text::new(&format!("{name}: it stands in the journal")))
    }

    fn verify(&self, run: &str) -> Result<Text, Failure> {
        let found = verify::verify(&self.runs.find(Some(run))?)?;
        if let Some(problem) = found.problems.first() {
            return Err(Failure::new(FailureKind::NotVerified, format!("NOT verified: {problem}")));
        }
        Ok(Text::new(&format!(
            "verified: {} lines and {} files beside them; the last hash is {}",
            found.lines, found.side_files, found.head
        )))
    }

    fn report(&self, run: &str) -> Result<Text, Failure> {
        let run = load(&self.runs.find(Some(run))?)?;
        let folder = self.folder("reports")?;
        let name = run.plan.run.to_string();
        let written = |ending: &str, text: String| -> Result<PathBuf, Failure> {
            let path = folder.join(format!("{name}.{ending}"));
            // A report is told anew from the journal each time: an older one is replaced.
            let failed =
                |error: &std::io::Error| Failure::of(format!("cannot write {}", path.display()), error);
            let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(|error| failed(&error))?;
            std::io::Write::write_all(&mut file, text.as_bytes()).map_err(|error| failed(&error))?;
            file.persist(&path).map_err(|error| failed(&error.error))?;
            Ok(path)
        };
        let document = serde_json::to_string_pretty(&Report::of(&run, None))
            .map_err(|error| Failure::of("cannot write the report", &error))?;
        written("json", document)?;
        let path = written("md", report::markdown(&run))?;
        Ok(Text::new(&format!("report: {}, and .json beside it", path.display())))
    }
}
