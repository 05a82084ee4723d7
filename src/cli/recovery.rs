//! What the commands about recoveries share: the library of runbooks, making a plan, finding a run, asking something of it.

use super::args::{Global, PlanArgs};
use super::loss::{newest, tell_loss};
use super::wire::{self, Reality, Wired};
use crate::action;
use crate::config::Loaded;
use crate::config::paths::{self, StateDir};
use crate::config::runbooks::{Folders, Library};
use crate::domain::Text;
use crate::domain::estate::{Environment, Estate};
use crate::domain::ids::ComponentId;
use crate::domain::known;
use crate::engine::folder::RunFolder;
use crate::engine::history::History;
use crate::engine::launch::{Told, launch};
use crate::engine::planner::{self, NoPlan, Planning};
use crate::engine::request::{self, Request};
use crate::engine::spool::Spool;
use crate::engine::store::{self, Run, Runs, new_name};
use crate::failure::{Failure, FailureKind};
use crate::runbook::definition::{ParameterKind, Runbook};
use crate::runbook::event::{Ask, Event};
use crate::runbook::plan::{Mode, Person, Plan, PlanHash, PlannedStep};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The folder of runs in the state folder.
const RUNS: &str = "runs";

/// Returns the runs of the state folder.
///
/// # Errors
/// When the state folder cannot be used.
pub fn runs(global: &Global) -> Result<(Runs, StateDir), Failure> {
    let state = StateDir::open(global.state_dir.as_deref())?;
    super::start_telemetry(&state, global.verbose);
    Ok((Runs::at(&state.folder(RUNS)?), state))
}

/// Returns who calls.
pub fn person() -> Person {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Person { user: Text::new(&crate::config::operator::name()), host: Text::new(&host) }
}

/// Returns the terminal of the caller, where there is one.
pub fn terminal() -> Option<Text> {
    let name = rustix::termios::ttyname(std::io::stdin(), Vec::new()).ok()?;
    Some(Text::new(&name.to_string_lossy()))
}

/// Reads the runbooks that there are: those that are built in, and the user's own.
///
/// # Errors
/// When a folder cannot be read. A runbook with a mistake is left out: `check` says what is wrong with it.
pub fn library(global: &Global) -> Result<(Library, Vec<String>), Failure> {
    let folders = match paths::estate_file(global.estate.as_deref()) {
        Some(path) => {
            let loaded = crate::config::load(&path)?;
            loaded.runbook_folders(&path).into_iter().map(|(folder, _)| folder).collect()
        }
        None => Vec::new(),
    };
    let (library, failed) = Folders { folders, files: Vec::new() }.load(&wire::rules(global));
    let mut notes: Vec<String> = failed.into_iter().map(|(_, failure)| failure.message).collect();
    let broken = library.files().iter().filter(|file| !file.loads).map(|file| file.origin.clone());
    notes
        .extend(broken.map(|origin| format!("{origin} has mistakes, and is left out: see `lifeboat check`")));
    Ok((library, notes))
}

/// A plan that was made, with what it was made from.
pub struct Planned {
    /// It.
    pub plan: Plan,
    /// Its hash.
    pub hash: PlanHash,
    /// The estate file that it was made with.
    pub estate_source: String,
    /// The state folder.
    pub state: StateDir,
    /// Things to tell that are no failures.
    pub notes: Vec<String>,
    /// The manifests of its steps over many keys.
    pub manifests: Spool,
}

/// Makes a plan of a runbook.
///
/// # Errors
/// When there is no such runbook, something was not said, or a step cannot be planned.
pub fn make_plan(global: &Global, given: &PlanArgs) -> Result<Planned, Failure> {
    plan_as(global, given, PlanOf::default())
}

/// Says whether a plan is what its runbook would do now; if not, in which step it differs. Manifests are not part of a
/// plan's file: they are written again, and are the same if the plan is.
///
/// # Errors
/// When it cannot be planned any more.
pub fn is_planned_so(global: &Global, plan: &Plan) -> Result<(Option<Text>, Spool), Failure> {
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let given = PlanArgs {
        runbook: plan.runbook.id.to_string(),
        param: plan.parameters.iter().map(|(name, value)| format!("{name}={}", text(value))).collect(),
        mode: Some(crate::cli::args::ModeArg::of(plan.mode)),
        failure: plan.failure.map(crate::cli::args::OneFailure::of),
        since: plan.since,
    };
    let of = PlanOf { run: Some(plan.run.as_str()), at: Some(plan.made_at), loaded: None };
    let Planned { plan: anew, manifests, .. } = plan_as(global, &given, of)?;
    let means = |step: &PlannedStep| {
        // What was measured and seen while planning may differ; what is done may not.
        PlannedStep { takes: None, facts: serde_json::Map::new(), notes: Vec::new(), ..step.clone() }
    };
    let same = |(one, other): &(&PlannedStep, &PlannedStep)| means(one) == means(other);
    if anew.steps.len() != plan.steps.len() || anew.place != plan.place || anew.class != plan.class {
        return Ok((Some("the plan as a whole".into()), manifests));
    }
    let differs = plan.steps.iter().zip(&anew.steps).find(|pair| !same(pair));
    Ok((differs.map(|(step, _)| step.id.clone()), manifests))
}

/// What a plan is made of besides what the command line says.
#[derive(Default)]
pub(super) struct PlanOf<'a> {
    /// The estate, and where it came from; that of the command line if absent.
    pub(super) loaded: Option<(Loaded, String)>,
    /// The name of the run; a new one if absent.
    pub(super) run: Option<&'a str>,
    /// When it was made, where it is made once more: a call may name that moment.
    pub(super) at: Option<Timestamp>,
}

/// Makes a plan of a runbook, of this estate or for this run.
///
/// # Errors
/// As [`make_plan`].
pub(super) fn plan_as(global: &Global, given: &PlanArgs, of: PlanOf<'_>) -> Result<Planned, Failure> {
    let PlanOf { loaded, run, at } = of;
    let sandbox = global.environment.as_deref().is_some_and(|name| name.starts_with("sandbox"));
    let none = paths::estate_file(global.estate.as_deref()).is_none();
    let (loaded, origin) = match loaded {
        Some(loaded) => loaded,
        None if sandbox && none => wire::load_demo()?,
        None => wire::load(global)?,
    };
    let estate_source = loaded.source.clone();
    let (library, mut notes) = library(global)?;
    let mut wired = wire::open_loaded(global, loaded, origin)?;
    notes.append(&mut wired.notes);
    let runbook = find(&library, &given.runbook)?;
    let said = pairs(&given.param)?;
    wire::block_on(wired.collector.once(None))?;
    let environment = environment(&wired.estate, runbook, &said)?.clone();
    let (plan, manifests) = wire::block_on(bind(
        &wired,
        runbook,
        &library,
        &said,
        &environment,
        given,
        &estate_source,
        (run, at),
    ))??;
    let hash = PlanHash::of(&plan.bytes());
    Ok(Planned { plan, hash, estate_source, state: wired.state, notes, manifests })
}

#[expect(clippy::too_many_arguments, reason = "each is another part of what a plan is made of")]
async fn bind(
    wired: &Wired,
    runbook: &Runbook,
    library: &Library,
    said: &BTreeMap<String, String>,
    environment: &Environment,
    given: &PlanArgs,
    estate_source: &str,
    (run, at): (Option<&str>, Option<Timestamp>),
) -> Result<(Plan, Spool), Failure> {
    let readings = wired.collector.snapshot().readings;
    let estate = wired.estate.as_ref();
    let moment = crate::domain::readiness::Moment { now: wired.clock.now(), since: given.since };
    // A runbook for one failure only is planned for that, unless somebody says otherwise.
    let only = match runbook.failures.as_slice() {
        [only] => Some(*only),
        _ => None,
    };
    let failure = given.failure.map(crate::cli::args::OneFailure::scope).or(only);
    let newest_point = |component: &ComponentId| {
        let scope = failure.unwrap_or(crate::domain::scope::FailureScope::Local);
        newest(estate, component, &readings, scope, moment)
    };
    let settings = |component: &ComponentId| -> Option<action::Kept> {
        let condition = known::condition(&readings, estate.component(component)?)?;
        Some(condition.settings.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect())
    };
    let reading = |component: &str, field: &str| match field {
        "newest-point" => newest_point(&ComponentId::new(component)),
        _ => known::known(estate, &readings, component, field),
    };
    let now = at.unwrap_or_else(|| wired.clock.now());
    let folder = wired.state.folder(RUNS)?;
    let runs = Runs::at(&folder);
    let simulated = matches!(wired.reality, Reality::Sandbox(_));
    let history = History::of(&runs, simulated);
    let run = run.map_or_else(|| new_name(now, chance()), str::to_owned);
    let manifests = Spool::of(&folder, &run);
    let planning = Planning {
        runbook,
        library: &|id| library.get(id),
        actions: &action::named,
        said,
        readings: &reading,
        newest_point: &newest_point,
        estate,
        estate_digest: &crate::engine::journal::sha256(estate_source.as_bytes()),
        environment,
        look: wired.look.as_ref(),
        settings: &settings,
        manifests: &manifests,
        history: &history,
        run: &run,
        mode: given.mode.map_or(Mode::Recover, crate::cli::args::ModeArg::mode),
        by: person(),
        failure,
        since: given.since,
        now,
    };
    let mut plan = planner::plan(planning).await.map_err(|why| no_plan(&runbook.id, why))?;
    tell_loss(&mut plan, runbook, estate, &readings, moment);
    Ok((plan, manifests))
}

fn no_plan(runbook: &str, why: NoPlan) -> Failure {
    let failure = Failure::new(FailureKind::Usage, format!("there is no plan for `{runbook}`: {why}"));
    match why {
        NoPlan::Parameter { hint, .. } => failure.hint(hint),
        NoPlan::NoParameter(_, known) => failure.hint(format!("there are: {known}")),
        NoPlan::Step { why, .. } => match why.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        },
    }
}

/// Four digits that nobody can foresee, so that two plans of one second have two names.
fn chance() -> u16 {
    let mut bytes = [0_u8; 2];
    // Where there is no randomness the time alone names the run.
    let _ = getrandom::fill(&mut bytes);
    u16::from_le_bytes(bytes)
}

fn find<'a>(library: &'a Library, name: &str) -> Result<&'a Runbook, Failure> {
    library.get(name).ok_or_else(|| {
        let names: Vec<&str> = library.runbooks().map(|runbook| runbook.id.as_str()).collect();
        let meant = crate::config::diagnostic::suggestion(name, names.iter().copied());
        let shown = crate::domain::text::harmless(name);
        let failure = Failure::new(FailureKind::Usage, format!("there is no runbook `{shown}`"));
        match meant {
            Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
            None => failure.hint("`lifeboat runbooks` lists them"),
        }
    })
}

/// Returns what was said as `name=value`.
///
/// # Errors
/// When something is not of that form, or was said twice.
pub fn pairs(said: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut pairs = BTreeMap::new();
    for text in said {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            let shown = crate::domain::text::harmless(text);
            Failure::new(FailureKind::Usage, format!("`{shown}` is not of the form NAME=VALUE"))
        })?;
        if pairs.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Failure::new(FailureKind::Usage, format!("parameter `{name}` was said twice")));
        }
    }
    Ok(pairs)
}

/// Returns the environment that a plan is for: that of the component that is named, else the only one.
fn environment<'a>(
    estate: &'a Estate,
    runbook: &Runbook,
    said: &BTreeMap<String, String>,
) -> Result<&'a Environment, Failure> {
    let known: Vec<&str> = runbook.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    if let Some(stranger) = said.keys().find(|name| !known.contains(&name.as_str())) {
        let shown = crate::domain::text::harmless(stranger);
        let failure = Failure::new(FailureKind::Usage, format!("this runbook has no parameter `{shown}`"));
        return Err(match crate::config::diagnostic::suggestion(stranger, known.iter().copied()) {
            Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
            None => failure.hint(format!("there are: {}", known.join(", "))),
        });
    }
    let missing = runbook.parameters.iter().find(|parameter| {
        matches!(parameter.kind, ParameterKind::Component(_))
            && parameter.default.is_none()
            && !said.contains_key(&parameter.name)
    });
    if let Some(missing) = missing {
        return Err(Failure::new(
            FailureKind::Usage,
            format!("nobody has said `{}`: {}", missing.name, missing.says),
        )
        .hint(format!("-p {}=…; `lifeboat status` lists components", missing.name)));
    }
    for parameter in &runbook.parameters {
        let (ParameterKind::Component(_), Some(name)) = (&parameter.kind, said.get(&parameter.name)) else {
            continue;
        };
        if estate.component(&ComponentId::new(name)).is_none() {
            let shown = crate::domain::text::harmless(name);
            let failure = Failure::new(FailureKind::Usage, format!("the estate has no component `{shown}`"));
            let known = estate.components.iter().map(|component| component.id.as_str());
            return Err(match crate::config::diagnostic::suggestion(name, known) {
                Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
                None => failure.hint("`lifeboat status` lists them"),
            });
        }
    }
    let named = runbook.parameters.iter().find_map(|parameter| {
        let component = estate.component(&ComponentId::new(said.get(&parameter.name)?))?;
        estate.environment(&component.environment)
    });
    match (named, estate.environments.as_slice()) {
        (Some(environment), _) | (None, [environment]) => Ok(environment),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|environment| environment.name.as_str()).collect();
            Err(Failure::new(FailureKind::Usage, "nothing says for which environment the plan is")
                .hint(format!("name it with `-e`: {}", names.join(", "))))
        }
    }
}

/// Finds and reads a run.
///
/// # Errors
/// When there is none, or it cannot be relied on.
pub fn open_run(global: &Global, name: Option<&str>) -> Result<(Run, StateDir), Failure> {
    let (runs, state) = runs(global)?;
    Ok((store::load(&runs.find(name)?)?, state))
}

/// Leaves a request for a run.
///
/// # Errors
/// When it cannot be written.
pub fn ask(folder: &RunFolder, ask: Ask) -> Result<String, Failure> {
    let request = Request { by: person(), terminal: terminal(), sent_at: real_now(), ask };
    request::leave(folder, &request)
}

/// How long an answer of the executor is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often another executor is started for a request that none has seen.
const STARTS: u32 = 3;

/// Waits until a request stands in the journal. An executor that came to rest just when the request came has not seen it:
/// then `start` starts another, a few times.
///
/// # Errors
/// When it was refused, or nobody answers.
pub fn answered(
    folder: &RunFolder,
    id: &str,
    mut start: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (begun, mut again) = (Instant::now(), 0..STARTS);
    loop {
        // Asked before the journal is read: what whoever works on it has written is then all there.
        let worked_on = folder.is_worked_on();
        let now = store::load(folder)?;
        let asked = now.read.lines.iter().find_map(|line| match &line.event {
            Some(Event::Asked { id: known, refused, .. }) if *known.as_str() == *id => Some(refused.clone()),
            _ => None,
        });
        match asked {
            Some(Some(why)) => return Err(Failure::new(FailureKind::Refused, format!("refused: {why}"))),
            Some(None) => return Ok(()),
            None if !worked_on && now.state.rest.is_some() && again.next().is_some() => start()?,
            None if !worked_on => return Err(super::watching::ended_early(folder)),
            None if begun.elapsed() > PATIENCE => {
                return Err(Failure::new(FailureKind::Failed, "the executor does not answer")
                    .hint("the request waits; `lifeboat runs` says whether somebody works on the run"));
            }
            None => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Returns the time on the wall.
pub fn real_now() -> Timestamp {
    use crate::provider::port::Clock;
    crate::provider::clock::SystemClock.now()
}

/// Returns the folder of a run of exactly this plan to which nobody has agreed yet, and makes it where there is none.
///
/// # Errors
/// When the plan was run already, or the folder cannot be made.
pub fn folder_of(
    runs: &Runs,
    plan: &Plan,
    hash: &PlanHash,
    estate: &[u8],
    manifests: &Spool,
) -> Result<RunFolder, Failure> {
    let waiting = runs.find(Some(plan.run.as_str())).ok().filter(|folder| {
        store::load(folder).is_ok_and(|run| {
            let nobody = run.state.agreed_at.is_none() && run.state.wishes.abandoned.is_none();
            run.hash == *hash && nobody
        })
    });
    match waiting {
        Some(folder) => Ok(folder),
        None => runs.create_of(&plan.bytes(), estate, plan.run.as_str(), manifests),
    }
}

/// Starts an executor for a run where none lives.
///
/// # Errors
/// When it cannot be started.
pub fn start(folder: &RunFolder, state: &StateDir, told: Told) -> Result<(), Failure> {
    let program: PathBuf = wire::this_program()?;
    launch(&program, folder, state.path(), told)
}
