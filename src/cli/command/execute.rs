//! `__execute`: this process becomes the executor of a run: in a session of its own, without a terminal.

use crate::action;
use crate::cli::args::{ExecuteArgs, Global};
use crate::cli::recovery::person;
use crate::cli::wire;
use crate::config::paths::StateDir;
use crate::domain::Text;
use crate::engine::approval::Approvers;
use crate::engine::executor::{Parts, work};
use crate::engine::fault::NoFaults;
use crate::engine::folder::RunFolder;
use crate::engine::launch::{Told, variables_of};
use crate::engine::line::Actor;
use crate::engine::store::{self, Run};
use crate::engine::time::ClockTime;
use crate::failure::{Failure, FailureKind};
use crate::runbook::call::hex;
use crate::runbook::plan::Person;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{Read, Write};
use std::sync::Arc;

/// Works a run off.
///
/// # Errors
/// When the run cannot be relied on, another executor works on it, or its journal cannot be written.
pub fn run(global: &Global, given: &ExecuteArgs) -> Result<u8, Failure> {
    // A terminal that goes away, or its Ctrl-Z, is no concern of ours. It fails where we lead a session already.
    let _ = rustix::process::setsid();
    let mut words = Vec::new();
    std::io::stdin()
        .take(1 << 20)
        .read_to_end(&mut words)
        .map_err(|error| Failure::of("cannot read what the executor is told", &error))?;
    let told: Told = serde_json::from_slice(&words).unwrap_or_default();
    let begun = begin(global, given, told);
    let mut stdout = std::io::stdout();
    let said = match &begun {
        Ok(_) => "working\n".to_owned(),
        Err(failure) => format!("{}\n", one_line(failure)),
    };
    // Whoever started us may be gone already.
    let _ = stdout.write_all(said.as_bytes()).and_then(|()| stdout.flush());
    let (parts, lock) = begun?;
    let done = wire::block_on(work(parts))?;
    drop(lock);
    match done {
        Ok((rest, why)) => {
            tracing::info!(?rest, why = why.as_str(), "the run rests");
            Ok(0)
        }
        Err(halt) => Err(Failure::of("the run had to stop", &halt)),
    }
}

fn one_line(failure: &Failure) -> String {
    let causes = failure.causes.iter().map(|cause| format!(": {cause}")).collect::<String>();
    format!("{}{causes}", failure.message).replace('\n', " ")
}

fn begin(global: &Global, given: &ExecuteArgs, told: Told) -> Result<(Parts, std::fs::File), Failure> {
    let state = StateDir::open(global.state_dir.as_deref())?;
    crate::cli::start_telemetry(&state, global.verbose);
    let folder = RunFolder::at(&given.run);
    let lock = folder
        .lock()
        .map_err(|error| Failure::of(format!("cannot lock {}", given.run.display()), &error))?
        .ok_or_else(|| Failure::new(FailureKind::Refused, "another executor works on this run"))?;
    folder.begin_anew();
    let run = store::load(&folder)?;
    let estate = store::estate_of(&run)?;
    let source = String::from_utf8_lossy(&estate).into_owned();
    let loaded = crate::config::load_text(&source).map_err(|wrong| {
        crate::config::load::failure("the run's copy of the estate file", &source, &wrong)
    })?;
    let wanted = run.plan.sandbox.as_ref().map(|sandbox| format!("sandbox:{}", sandbox.scenario));
    let estate = wire::select(loaded.estate, wanted.as_deref())?;
    let acting = wire::acting(&estate, &run.plan, &state, &given.run)?;
    let purpose =
        if run.state.purpose.is_empty() { Text::new(&told.purpose) } else { run.state.purpose.clone() };
    let Told { mut secrets, .. } = told;
    from_environment(&run, &mut secrets)?;
    let missing = run.plan.secrets.iter().find(|name| !secrets.contains_key(*name));
    if let Some(missing) = missing {
        return Err(Failure::new(FailureKind::Usage, format!("nobody gave the secret `{missing}`")).hint(
            format!("give it with --secret {missing}: it stands nowhere, so it is asked for each time"),
        ));
    }
    let Person { user, host } = person();
    let parts = Parts {
        folder: Arc::new(folder),
        actor: Actor { user, host, identity: None },
        time: Arc::new(ClockTime(acting.clock)),
        virtual_time: acting.simulated,
        look: acting.look,
        act: acting.act,
        actions: Arc::new(action::named),
        approvers: Approvers(estate.policy.approvers.clone()),
        unattended: acting.simulated || estate.policy.unattended.contains(&run.plan.environment),
        secrets,
        purpose,
        program: program(),
        faults: Arc::new(NoFaults::default()),
        impatient: false,
    };
    Ok((parts, lock))
}

/// Returns the SHA-256 of this program: which one has acted can be told for ever.
fn program() -> Option<Text> {
    let mut file = std::env::current_exe().and_then(std::fs::File::open).ok()?;
    // Piece by piece: as a whole it would be most of what an executor ever has in memory.
    let (mut whole, mut piece) = (Sha256::new(), vec![0; 64 << 10]);
    loop {
        match file.read(&mut piece).ok()? {
            0 => return Some(Text::new(&hex(&whole.finalize()))),
            count => whole.update(piece.get(..count)?),
        }
    }
}

/// Adds the addresses of webhooks that the plan names by their variables, where whoever started us has not told them.
fn from_environment(run: &Run, secrets: &mut BTreeMap<String, String>) -> Result<(), Failure> {
    for name in variables_of(&run.plan.bytes()) {
        let Entry::Vacant(place) = secrets.entry(format!("env:{name}")) else { continue };
        let value = std::env::var(&name).map_err(|_| {
            Failure::new(
                FailureKind::Usage,
                format!("the variable {name} holds the address of a webhook, and is not set"),
            )
        })?;
        place.insert(value);
    }
    Ok(())
}
