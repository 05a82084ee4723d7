//! `run` and `resume`: a plan, agreed to and carried out by a process of its own, watched from here.

use crate::cli::args::{Global, ResumeArgs, RunArgs};
use crate::cli::consenting;
use crate::cli::output::Output;
use crate::cli::plan_text::table_of;
use crate::cli::recovery::{self, Planned};
use crate::cli::{prompt, watching};
use crate::config::paths::{self, StateDir};
use crate::engine::launch::{SECRET_VARIABLE, Told};
use crate::failure::{Failure, FailureKind};
use crate::runbook::consent::{Strength, phrase, required_for};
use crate::runbook::event::{Ask, Rest};
use crate::runbook::plan::{PLAN_FORMAT, Plan, PlanHash};
use crate::runbook::words::rest_words;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Makes a plan or reads one, asks for consent, and carries it out.
///
/// # Errors
/// When there is no plan, nobody agrees, or the executor cannot be started.
pub fn run(global: &Global, given: &RunArgs, output: &Output) -> Result<u8, Failure> {
    output.no_prometheus("run")?;
    let file = Path::new(&given.plan.runbook);
    let is_file = file.extension().is_some_and(|ending| ending == "json") && file.is_file();
    let planned = if is_file { read(global, file)? } else { recovery::make_plan(global, &given.plan)? };
    for note in &planned.notes {
        output.note(&format!("note: {note}"));
    }
    let (runs, state) = recovery::runs(global)?;
    runs.check()?;
    let needed = required_for(&planned.plan);
    if needed > Strength::None {
        output.note(&table_of(&planned.plan, &planned.hash, false));
    }
    let consent =
        consenting::consent(&planned.hash, needed, &phrase(&planned.plan, &planned.hash), &given.consent)?;
    let told = Told {
        secrets: secrets(&planned.plan, &given.secret)?,
        purpose: given.purpose.clone().unwrap_or_default(),
    };
    let estate = planned.estate_source.as_bytes();
    let folder = recovery::folder_of(&runs, &planned.plan, &planned.hash, estate, &planned.manifests)?;
    // Said before anything begins: steps may wait for somebody to watch.
    let present = if given.detach { None } else { folder.watch().ok() };
    let id = recovery::ask(&folder, Ask::Consent(consent))?;
    if !given.detach {
        watching::interrupts();
    }
    recovery::start(&folder, &state, told)?;
    recovery::answered(&folder, &id, || Err(watching::ended_early(&folder)))?;
    output.note(&format!("run {}", planned.plan.run));
    if given.detach {
        output.text(planned.plan.run.as_str())?;
        return Ok(FailureKind::Detached.exit_code());
    }
    watching::watch_as(&folder, output, present)
}

/// Reads a plan that was written before. It is carried out as it is, or not at all.
fn read(global: &Global, path: &Path) -> Result<Planned, Failure> {
    let shown = path.display();
    let bytes =
        std::fs::read(path).map_err(|error| Failure::of(format!("cannot read the plan {shown}"), &error))?;
    let plan: Plan = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::of(format!("{shown} is no plan"), &error).with_kind(FailureKind::Usage))?;
    if plan.format != PLAN_FORMAT {
        let says = format!(
            "{shown} is a plan of format {}, and this lifeboat carries out {PLAN_FORMAT}",
            plan.format
        );
        return Err(Failure::new(FailureKind::Usage, says));
    }
    if plan.bytes() != bytes {
        return Err(Failure::new(FailureKind::Refused, format!("{shown} is not as lifeboat wrote it"))
            .hint("a plan is not edited: change the runbook or the parameters, and plan anew"));
    }
    let estate_source = match paths::estate_file(global.estate.as_deref()) {
        Some(path) => crate::config::load(&path)?.source,
        None => crate::cli::wire::load_demo()?.0.source,
    };
    if *crate::engine::journal::sha256(estate_source.as_bytes()) != *plan.estate.as_str() {
        return Err(Failure::new(
            FailureKind::Refused,
            "the estate file has changed since the plan was made",
        )
        .hint("plan anew: what was agreed to was agreed to of another estate"));
    }
    let (differs, manifests) = recovery::is_planned_so(global, &plan)?;
    if let Some(step) = differs {
        return Err(Failure::new(
            FailureKind::Refused,
            format!("{shown} is not what its runbook would do now: {step} differs"),
        )
        .hint("the plan was edited, or the world has changed: plan anew"));
    }
    let state = StateDir::open(global.state_dir.as_deref())?;
    let hash = PlanHash::of(&bytes);
    Ok(Planned { plan, hash, estate_source, state, notes: Vec::new(), manifests })
}

/// Goes on with a run that rests.
///
/// # Errors
/// When there is none, it cannot be relied on, or the executor cannot be started.
pub fn resume(global: &Global, given: &ResumeArgs, output: &Output) -> Result<u8, Failure> {
    let (run, state) = recovery::open_run(global, given.run.as_deref())?;
    if let Some(why) = &run.state.wishes.abandoned {
        return Err(
            Failure::new(FailureKind::Refused, format!("the run was abandoned: {why}")).hint("plan anew")
        );
    }
    if let Some((rest @ (Rest::Finished | Rest::Undone), why, _)) = &run.state.rest
        && run.folder.last_words().is_none()
    {
        output.note(&format!("there is nothing to go on with: {} ({why})", rest_words(*rest)));
        return Ok(0);
    }
    if run.state.wishes.pause {
        recovery::ask(&run.folder, Ask::Resume)?;
    }
    let told = Told { secrets: secrets(&run.plan, &given.secret)?, purpose: String::new() };
    let present = if given.detach { None } else { run.folder.watch().ok() };
    if !given.detach {
        watching::interrupts();
    }
    recovery::start(&run.folder, &state, told)?;
    if given.detach {
        return Ok(FailureKind::Detached.exit_code());
    }
    watching::watch_as(&run.folder, output, present)
}

/// Reads the values of secret parameters: from variables, else from the terminal. They never stand in an argument.
pub(super) fn secrets(plan: &Plan, named: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut secrets = BTreeMap::new();
    for name in plan.secrets.iter().chain(named.iter().filter(|name| !plan.secrets.contains(name))) {
        if !plan.secrets.contains(name) {
            return Err(Failure::new(
                FailureKind::Usage,
                format!("the plan has no secret parameter `{name}`"),
            ));
        }
        let variable = format!("{SECRET_VARIABLE}{}", name.to_ascii_uppercase().replace('-', "_"));
        let value = match std::env::var(&variable) {
            Ok(value) => value,
            Err(_) if prompt::is_attended() => {
                let _ = write!(std::io::stderr(), "{name} (it is not shown): ");
                prompt::hidden()?
            }
            Err(_) => {
                return Err(Failure::new(FailureKind::Usage, format!("nobody gave the secret `{name}`"))
                    .hint(format!("put it into the variable {variable}")));
            }
        };
        secrets.insert(name.clone(), value);
    }
    Ok(secrets)
}
