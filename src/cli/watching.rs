//! Watching a run from the command line: its journal as it grows, a line for each event.

use super::args::Format;
use super::output::Output;
use crate::action::MANUAL;
use crate::domain::Text;
use crate::engine::folder::{Folder, PROGRESS, Presence, RunFolder};
use crate::engine::line::{Head, Line};
use crate::engine::replay;
use crate::engine::step::Going;
use crate::engine::store::load;
use crate::failure::{Failure, FailureKind};
use crate::runbook::event::{Ask, Event, Rest};
use crate::runbook::state::Phase;
use crate::runbook::words::tell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How often the journal is looked at.
const EVERY: Duration = Duration::from_millis(100);

/// After how many looks what a step is at is said again although nothing has happened.
const SAID_AGAIN: u32 = 100;

/// Watches a run until it rests and nobody works on it, or the watcher is interrupted; returns the exit code.
///
/// # Errors
/// When the journal cannot be read or relied on.
pub(super) fn watch(folder: &RunFolder, output: &Output) -> Result<u8, Failure> {
    watch_as(folder, output, folder.watch().ok())
}

/// Returns whether Ctrl-C was pressed since this was first called. Who starts an executor calls it before: from then on Ctrl-C
/// leaves the run alone, and ends the watching only.
pub(super) fn interrupts() -> &'static AtomicBool {
    static PRESSED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    PRESSED.get_or_init(|| {
        let pressed = Arc::new(AtomicBool::new(false));
        let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, pressed.clone());
        pressed
    })
}

/// The same by an operator who has said already that somebody watches, before anything began.
///
/// # Errors
/// As [`watch`].
pub(super) fn watch_as(
    folder: &RunFolder,
    output: &Output,
    present: Option<Presence>,
) -> Result<u8, Failure> {
    let interrupted = interrupts();
    let mut head = Head::default();
    let mut at = 0_usize;
    let mut rest: Option<(Rest, Text)> = None;
    let mut told = Told::default();
    let mut quiet = 0;
    let mut said_last = false;
    loop {
        // Whether somebody works on it is asked first: what was written before it ended is then read below.
        let worked_on = folder.is_worked_on();
        let (new, read) = replay::follow(folder, at, &head).map_err(|broken| {
            Failure::of("the journal cannot be relied on", &broken).with_kind(FailureKind::NotVerified)
        })?;
        for line in &read.lines {
            print(line, &new, output)?;
            if let Some(Event::GateReached { step }) = &line.event {
                let run = folder.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
                output.note(&format!("  it waits until somebody agrees: `lifeboat open {run} {step}`"));
            }
            if let Some(Event::Asked { ask: Ask::Veto { reason }, by, refused: None, .. }) = &line.event {
                let says = format!("{}@{} has vetoed the break-glass: {reason}", by.user, by.host);
                return Err(Failure::new(FailureKind::Refused, says)
                    .hint("find a second person: `approve` the plan, and run it again"));
            }
            rest = match &line.event {
                Some(Event::Rested { rest, why }) => Some((*rest, why.clone())),
                _ => None,
            };
        }
        quiet = if read.lines.is_empty() { quiet + 1 } else { 0 };
        at += usize::try_from(read.length).unwrap_or(0);
        head = read.head;
        if worked_on
            && !said_last
            && let Some(words) = folder.last_words()
        {
            // It still waits for the answers to calls that are under way.
            said_last = true;
            output.note(&format!("error: {words}"));
        }
        if !worked_on {
            drop(present);
            return ended(folder, rest, output);
        }
        if interrupted.load(Ordering::Relaxed) {
            output.note("the run goes on; `lifeboat follow` watches it, `lifeboat pause` lets it rest");
            return Ok(FailureKind::Detached.exit_code());
        }
        if output.format() == Format::Table {
            told.tell(folder, output, quiet >= SAID_AGAIN);
            if quiet >= SAID_AGAIN {
                quiet = 0;
            }
        }
        std::thread::sleep(EVERY);
    }
}

/// What was said last of each step under way.
#[derive(Default)]
struct Told(BTreeMap<Text, String>);

impl Told {
    fn tell(&mut self, folder: &RunFolder, output: &Output, again: bool) {
        let Ok(Some(bytes)) = folder.read(PROGRESS) else { return };
        let Ok(going) = serde_json::from_slice::<BTreeMap<Text, Going>>(&bytes) else { return };
        for (step, going) in &going {
            let percent = going.percent.map_or(String::new(), |percent| format!(" {percent} %"));
            let says = format!("{step}:{percent} {}", going.says);
            // Seconds that count down are no news.
            let key: String = says.chars().filter(|c| !c.is_ascii_digit()).collect();
            if again || self.0.get(step) != Some(&key) {
                output.note(&format!("  {} {says}", going.at.strftime("%H:%M:%S")));
                self.0.insert(step.clone(), key);
            }
        }
    }
}

fn print(line: &Line, bytes: &[u8], output: &Output) -> Result<(), Failure> {
    if output.format() == Format::Json {
        // The line as it stands in the journal: who reads it can verify it.
        let own = bytes
            .split(|byte| *byte == b'\n')
            .find(|text| text.ends_with(format!("{}\"}}", line.hash).as_bytes()));
        return output.text(&String::from_utf8_lossy(own.unwrap_or_default()));
    }
    let says = line.event.as_ref().map_or_else(|| format!("({})", line.name), tell);
    output.text(&format!("{} {}", line.at.strftime("%H:%M:%S"), crate::domain::text::harmless(&says)))
}

fn ended(folder: &RunFolder, rest: Option<(Rest, Text)>, output: &Output) -> Result<u8, Failure> {
    // Where its last line may not be on disk, that it rests is not known.
    let rest = rest.filter(|_| folder.last_words().is_none());
    match rest {
        Some((Rest::Finished | Rest::Undone, _)) => Ok(0),
        Some((Rest::Paused | Rest::WaitingForLogin, _)) => Ok(FailureKind::Detached.exit_code()),
        Some((Rest::Stuck | Rest::Abandoned, why)) => {
            output.note(&format!("error: {why}"));
            for hint in next_commands(folder) {
                output.note(&format!("hint: {hint}"));
            }
            Ok(FailureKind::RunFailed.exit_code())
        }
        None => Err(ended_early(folder)),
    }
}

/// Returns why whoever worked on a run has ended although it does not rest.
pub(super) fn ended_early(folder: &RunFolder) -> Failure {
    let says =
        folder.last_words().unwrap_or_else(|| "whoever worked on the run ended without a word".to_owned());
    Failure::new(FailureKind::RunFailed, says)
        .hint("`lifeboat resume` goes on with it: nothing is done twice")
}

/// Returns what somebody can do now, as it is typed.
pub(super) fn next_commands(folder: &RunFolder) -> Vec<String> {
    let Ok(run) = load(folder) else { return Vec::new() };
    let name = &run.plan.run;
    let mut hints = Vec::new();
    for step in &run.plan.steps {
        let Some(known) = run.state.steps.get(&step.id) else { continue };
        let id = &step.id;
        match known.phase {
            Phase::InDoubt => hints.push(format!(
                "`lifeboat settle {name} {id} --happened --reason …`, or --did-not: then it is made again"
            )),
            Phase::Failed => {
                if let Some(hint) = &known.hint {
                    hints.push(format!("{id}: {hint}"));
                }
                hints.push(format!(
                    "`lifeboat retry {name} {id}`, `undo {name} {id}` or `skip {name} {id} --reason …`"
                ));
            }
            Phase::AtGate => hints.push(format!("`lifeboat open {name} {id}` lets it go past its gate")),
            Phase::Ready if step.uses == *MANUAL => hints.push(format!("`lifeboat answer {name} {id} …`")),
            _ => {}
        }
    }
    hints
}
