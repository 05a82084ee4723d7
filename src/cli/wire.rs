//! Putting the parts together: the only place that names concrete adapters.

use super::args::Global;
use crate::collector::{Collector, ReadingsStore, Snapshot, store};
use crate::config::paths::{self, StateDir};
use crate::config::runbooks::Rules;
use crate::config::{self, Loaded};
use crate::domain::Text;
use crate::domain::estate::{Estate, Provider};
use crate::domain::ids::EnvironmentName;
use crate::domain::readiness::{Assessments, Moment, assess};
use crate::domain::reading::Readings;
use crate::domain::text::harmless;
use crate::failure::{Failure, FailureKind};
#[cfg(feature = "aws-core")]
use crate::provider::aws::{AwsAdapter, AwsCalls, Connections};
use crate::provider::clock::SystemClock;
use crate::provider::local::{self, LocalCalls, route_acts, route_looks};
use crate::provider::port::{Act, Clock, LogIn, Look, Observers};
use crate::provider::sandbox::{DEMO_ESTATE, Opening, SandboxAdapter, WorldFile, past_readings};
use crate::provider::tool::{Leash, ToolAdapter, route};
use crate::runbook::about::About;
use crate::runbook::plan::Plan;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The name that stands for the sandbox where an environment is asked for.
const SANDBOX: &str = "sandbox";

/// Whether what is shown is real.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reality {
    /// It is.
    Live,
    /// It is simulated, in this scenario.
    Sandbox(Text),
}

/// An estate with everything that reads it.
pub struct Wired {
    /// The estate, as far as it was asked for.
    pub estate: Arc<Estate>,
    /// Where it came from.
    pub origin: String,
    /// Its file, as it stands.
    pub source: String,
    /// Whether it is real.
    pub reality: Reality,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    /// What reads it.
    pub collector: Collector,
    /// How calls of plans look at it.
    pub look: Arc<dyn Look>,
    /// What opens its logins, where there are any.
    pub logins: Option<Arc<dyn LogIn>>,
    /// What ends the programs that are still running when nothing is read any more, where there may be any.
    pub leash: Option<Leash>,
    /// What was known before.
    pub kept: Readings,
    /// The state folder.
    pub state: StateDir,
    /// Things to tell that are no failures.
    pub notes: Vec<String>,
}

/// Loads the estate that the command line asks for.
///
/// # Errors
/// When there is none, or everything that is wrong with it.
pub fn load(global: &Global) -> Result<(Loaded, String), Failure> {
    let Some(path) = paths::estate_file(global.estate.as_deref()) else {
        return Err(Failure::new(FailureKind::Usage, "there is no estate file")
            .hint("`lifeboat demo` opens the console on the sandbox, without any account")
            .hint("`lifeboat init` writes one from what your account holds; name another with --estate"));
    };
    Ok((config::load(&path)?, path.display().to_string()))
}

/// Returns the actions that there are.
pub fn actions() -> &'static [&'static About] {
    static ACTIONS: OnceLock<Vec<&'static About>> = OnceLock::new();
    ACTIONS.get_or_init(|| crate::action::ACTIONS.iter().map(|action| action.about()).collect())
}

/// Returns what runbooks are judged by: the actions, and the day it is, in UTC.
pub fn rules(global: &Global) -> Rules<'static> {
    let now = global.sandbox.start.unwrap_or_else(|| SystemClock.now());
    Rules { catalogue: actions(), today: now.to_zoned(TimeZone::UTC).date() }
}

/// Loads the estate of the demo.
///
/// # Errors
/// Never, unless this build is broken.
pub fn load_demo() -> Result<(Loaded, String), Failure> {
    let name = "the built-in estate";
    let loaded = config::load_text(DEMO_ESTATE)
        .map_err(|diagnostics| config::load::failure(name, DEMO_ESTATE, &diagnostics))?;
    Ok((loaded, name.to_owned()))
}

/// Opens the estate that the command line asks for.
///
/// # Errors
/// When it does not load, the state folder cannot be used, or there is no such environment.
pub fn open(global: &Global) -> Result<Wired, Failure> {
    // The sandbox needs no file: without one it is the built-in estate that is simulated.
    let sandbox = global.environment.as_deref().is_some_and(|wanted| scenario_of(wanted).is_some());
    let none = paths::estate_file(global.estate.as_deref()).is_none();
    let (loaded, origin) = if sandbox && none { load_demo()? } else { load(global)? };
    open_loaded(global, loaded, origin)
}

/// Opens an estate that was loaded.
///
/// # Errors
/// As [`open`].
pub fn open_loaded(global: &Global, loaded: Loaded, origin: String) -> Result<Wired, Failure> {
    let state = StateDir::open(global.state_dir.as_deref())?;
    super::start_telemetry(&state, global.verbose);
    let source = loaded.source;
    let estate = select(loaded.estate, global.environment.as_deref())?;
    let mut notes = Vec::new();
    if !loaded.warnings.is_empty() {
        let many = loaded.warnings.len();
        notes.push(format!("{origin}: {many} warnings, see `lifeboat check`"));
    }
    let opening =
        Opening { speed: global.sandbox.speed, start: global.sandbox.start, fresh: global.sandbox.fresh };
    let Observing { observers, clock, reality, name, past, leash, look } =
        observers(&estate, &state, opening, &origin)?;
    let folder = state.folder("readings")?;
    let (store, mut kept) = match ReadingsStore::open(&folder, &name) {
        Ok((store, kept)) => (Some(store), kept),
        Err(error) => {
            notes.push(format!("readings are not kept: {error}"));
            (None, Readings::default())
        }
    };
    let mut store = store;
    if kept.is_empty() && !past.is_empty() {
        let past: Vec<_> = past.into_iter().map(|(key, reading)| (key, Arc::new(reading))).collect();
        if let Some(store) = &mut store
            && let Err(error) = store.keep(&past)
        {
            notes.push(format!("readings are not kept: {error}"));
        }
        for (key, reading) in past {
            kept.put(key, reading);
        }
    }
    let estate = Arc::new(estate);
    let collector = Collector::new(estate.clone(), observers, clock.clone(), store, kept.clone());
    tracing::info!(estate = estate.name.as_str(), readings = kept.len(), "opened");
    let logins = logins(&estate, &state);
    Ok(Wired { estate, origin, source, reality, clock, collector, look, logins, leash, kept, state, notes })
}

fn scenario_of(environment: &str) -> Option<&str> {
    match environment.split_once(':') {
        Some((SANDBOX, scenario)) => Some(scenario),
        None if environment == SANDBOX => Some("calm"),
        _ => None,
    }
}

/// Returns the part of `estate` that was asked for.
pub(crate) fn select(mut estate: Estate, wanted: Option<&str>) -> Result<Estate, Failure> {
    if let Some(wanted) = wanted {
        let named = estate.environments.iter().any(|environment| environment.name.as_str() == wanted);
        if let (Some(scenario), false) = (scenario_of(wanted), named) {
            for environment in &mut estate.environments {
                environment.provider = Provider::Sandbox { scenario: Text::new(scenario), seed: 1 };
            }
            return Ok(estate);
        }
        if !named {
            let names: Vec<_> =
                estate.environments.iter().map(|environment| environment.name.as_str()).collect();
            let says = format!("there is no environment `{}`", harmless(wanted));
            return Err(Failure::new(FailureKind::Usage, says)
                .hint(format!("there are: {}, sandbox:SCENARIO", names.join(", "))));
        }
        estate.environments.retain(|environment| environment.name.as_str() == wanted);
        estate.components.retain(|component| component.environment.as_str() == wanted);
        estate.backends.retain(|backend| backend.environment.as_str() == wanted);
        return Ok(estate);
    }
    // What is simulated is never shown beside what is real.
    let real = estate.environments.iter().any(|environment| environment.provider == Provider::Aws);
    if real {
        let simulated: Vec<EnvironmentName> = estate
            .environments
            .iter()
            .filter(|environment| environment.provider != Provider::Aws)
            .map(|environment| environment.name.clone())
            .collect();
        estate.environments.retain(|environment| !simulated.contains(&environment.name));
        estate.components.retain(|component| !simulated.contains(&component.environment));
        estate.backends.retain(|backend| !simulated.contains(&backend.environment));
    }
    Ok(estate)
}

struct Observing {
    observers: BTreeMap<EnvironmentName, Observers>,
    clock: Arc<dyn Clock>,
    reality: Reality,
    /// The name under which readings are kept.
    name: String,
    past: Vec<(crate::domain::reading::ReadingKey, crate::domain::reading::Reading)>,
    leash: Option<Leash>,
    look: Arc<dyn Look>,
}

fn observers(
    estate: &Estate,
    state: &StateDir,
    opening: Opening,
    origin: &str,
) -> Result<Observing, Failure> {
    let mut simulated = estate.environments.iter().filter_map(|environment| match &environment.provider {
        Provider::Sandbox { scenario, seed } => Some((scenario.clone(), *seed)),
        Provider::Aws => None,
    });
    let Some((scenario, seed)) = simulated.next() else {
        let tools = ToolAdapter::new(&state.folder("cache")?);
        let leash = Some(tools.leash());
        let (real, look) = real_observers(estate, state)?;
        // Files are looked for from the folder of the estate file.
        let folder = Path::new(origin).canonicalize().ok();
        let folder = folder.as_deref().and_then(Path::parent).unwrap_or(Path::new("/"));
        let look = route_looks(look, local_calls()?.within(folder));
        let real = route(real, tools);
        let observers =
            estate.environments.iter().map(|environment| (environment.name.clone(), real.clone())).collect();
        let name = file_name(&["aws", estate.name.as_str()]);
        let (clock, reality) = (Arc::new(SystemClock), Reality::Live);
        return Ok(Observing { observers, clock, reality, name, past: Vec::new(), leash, look });
    };
    if simulated.any(|other| other != (scenario.clone(), seed)) {
        return Err(Failure::new(FailureKind::Usage, "the sandbox environments differ in scenario or seed")
            .hint("name one with `-e ENV`, or see all of them in one with `-e sandbox:SCENARIO`"));
    }
    let folder = state.folder("sandbox")?;
    let (file, made) = WorldFile::open(&folder, estate, scenario.as_str(), seed, opening)?;
    let began = file.current().began;
    let seed_name = seed.to_string();
    let began_name = began.as_second().to_string();
    let name = file_name(&[SANDBOX, estate.name.as_str(), scenario.as_str(), &seed_name, &began_name]);
    let mut past = Vec::new();
    if made {
        store::forget(&state.folder("readings")?, &name);
        for environment in &estate.environments {
            past.extend(past_readings(&file, estate, environment.name.as_str()));
        }
    }
    let adapter = SandboxAdapter::new(file);
    let look = adapter.looking();
    let observers = adapter.observers();
    let clock = observers.clock.clone();
    let observers =
        estate.environments.iter().map(|environment| (environment.name.clone(), observers.clone())).collect();
    Ok(Observing { observers, clock, reality: Reality::Sandbox(scenario), name, past, leash: None, look })
}

#[cfg(feature = "aws-core")]
fn logins(estate: &Estate, state: &StateDir) -> Option<Arc<dyn LogIn>> {
    Some(Arc::new(crate::provider::aws::Logins::new(estate, state.folder("logins").ok()?)))
}

#[cfg(not(feature = "aws-core"))]
fn logins(_: &Estate, _: &StateDir) -> Option<Arc<dyn LogIn>> {
    None
}

#[cfg(feature = "aws-core")]
fn real_observers(estate: &Estate, state: &StateDir) -> Result<(Observers, Arc<dyn Look>), Failure> {
    let purpose = crate::domain::estate::Purpose::Observe;
    let connections = Arc::new(Connections::new(estate, state.folder("logins").ok(), purpose)?);
    let look = AwsCalls::new(connections.clone()).look();
    Ok((AwsAdapter::new(connections).observers(), look))
}

#[cfg(not(feature = "aws-core"))]
#[expect(clippy::unnecessary_wraps, reason = "with AWS it may fail")]
fn real_observers(_: &Estate, _: &StateDir) -> Result<(Observers, Arc<dyn Look>), Failure> {
    let absent = crate::provider::absent::AbsentAdapter { what: "AWS" };
    Ok((absent.observers(), Arc::new(absent)))
}

/// What an executor works with: the only thing that is ever given the acting half of an adapter.
pub struct Acting {
    /// How it looks.
    pub look: Arc<dyn Look>,
    /// How it acts.
    pub act: Arc<dyn Act>,
    /// The time there.
    pub clock: Arc<dyn Clock>,
    /// Whether it is simulated.
    pub simulated: bool,
}

/// Opens what an executor works with, for the environment of its plan.
///
/// # Errors
/// When the environment is not there any more, or cannot be reached at all.
pub fn acting(estate: &Estate, plan: &Plan, state: &StateDir, run: &Path) -> Result<Acting, Failure> {
    if let Some(sandbox) = &plan.sandbox {
        let folder = state.folder("sandbox")?;
        let opening = Opening { speed: None, start: None, fresh: false };
        let (file, _) = WorldFile::open(&folder, estate, sandbox.scenario.as_str(), sandbox.seed, opening)?;
        let adapter = SandboxAdapter::new(file);
        let (look, act) = (adapter.looking(), adapter.acting());
        let clock = adapter.observers().clock;
        return Ok(Acting { look, act, clock, simulated: true });
    }
    let (look, act) = real_calls(estate, state)?;
    let local = local_calls()?.within(run);
    let (look, act) = (route_looks(look, local.clone()), route_acts(act, local));
    Ok(Acting { look, act, clock: Arc::new(SystemClock), simulated: false })
}

/// Returns the path by which this process can start itself again.
///
/// # Errors
/// When the system does not say it.
pub fn this_program() -> Result<PathBuf, Failure> {
    local::this_program().map_err(|error| Failure::of("cannot tell where lifeboat lies", &error))
}

/// Returns what makes calls from this machine: probes, webhooks, programs.
fn local_calls() -> Result<LocalCalls, Failure> {
    Ok(LocalCalls::new(&this_program()?))
}

/// How real calls look, and how they act.
type Calls = (Arc<dyn Look>, Arc<dyn Act>);

#[cfg(feature = "aws-core")]
fn real_calls(estate: &Estate, state: &StateDir) -> Result<Calls, Failure> {
    let purpose = crate::domain::estate::Purpose::Operate;
    let connections = Arc::new(Connections::new(estate, state.folder("logins").ok(), purpose)?);
    let calls = AwsCalls::new(connections);
    Ok((calls.look(), calls.act()))
}

#[cfg(not(feature = "aws-core"))]
#[expect(clippy::unnecessary_wraps, reason = "with AWS it may fail")]
fn real_calls(_: &Estate, _: &StateDir) -> Result<Calls, Failure> {
    let absent = crate::provider::absent::AbsentAdapter { what: "AWS" };
    Ok((Arc::new(absent), Arc::new(absent)))
}

fn file_name(parts: &[&str]) -> String {
    let plain = |part: &&str| -> String {
        part.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(48).collect()
    };
    parts.iter().map(plain).collect::<Vec<_>>().join("_")
}

/// Waits for something that reads.
///
/// # Errors
/// When reading cannot be started.
pub fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::of("cannot start reading", &error))?;
    Ok(runtime.block_on(future))
}

/// What a headless command works with: the estate, judged.
pub struct Judged {
    /// The estate.
    pub estate: Arc<Estate>,
    /// Whether it is real.
    pub reality: Reality,
    /// What was read.
    pub snapshot: Snapshot,
    /// The judgements.
    pub assessments: Assessments,
    /// When.
    pub moment: Moment,
    /// Things to tell that are no failures.
    pub notes: Vec<String>,
}

/// Opens the estate, reads it once unless `kept` readings are asked for, and judges it.
///
/// # Errors
/// As [`open`].
pub fn judge(global: &Global, kept: bool, since: Option<jiff::Timestamp>) -> Result<Judged, Failure> {
    judge_opened(open(global)?, kept, since)
}

/// The same of an estate that is open, where the collector was told what to read.
///
/// # Errors
/// When reading cannot be started.
pub fn judge_opened(mut wired: Wired, kept: bool, since: Option<jiff::Timestamp>) -> Result<Judged, Failure> {
    if !kept {
        block_on(wired.collector.once(None))?;
    }
    let snapshot = wired.collector.snapshot();
    let moment = Moment { now: wired.clock.now(), since };
    let assessments = assess(&wired.estate, &snapshot.readings, moment);
    Ok(Judged {
        estate: wired.estate,
        reality: wired.reality,
        snapshot,
        assessments,
        moment,
        notes: wired.notes,
    })
}

/// Watches over a child of a run, where that is what lifeboat started itself for, and returns the exit code. It is no
/// command of [`super::args`], because completions would show it, and nobody may call it by hand.
pub fn supervise(arguments: &[std::ffi::OsString]) -> Option<u8> {
    match arguments {
        [_, command, home] if command == local::child::COMMAND => Some(local::supervise(home.as_ref())),
        _ => None,
    }
}
