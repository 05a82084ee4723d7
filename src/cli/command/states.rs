//! `states`: Terraform states with their versions, and two of them side by side.

use crate::cli::args::{Format, Global, StatesArgs};
use crate::cli::document::{self, ComparisonDocument, StateStatus, StatesDocument};
use crate::cli::output::Output;
use crate::cli::table::{Cell, table};
use crate::cli::wire::{self, Wired};
use crate::collector::Comparing;
use crate::domain::Text;
use crate::domain::duration::{age_words, elapsed};
use crate::domain::estate::Estate;
use crate::domain::ids::EnvironmentName;
use crate::domain::kind::Kind;
use crate::domain::reading::{Capability, Fact, ReadingKey, Subject};
use crate::domain::size::bytes;
use crate::domain::state::StateHistory;
use crate::domain::text::harmless;
use crate::failure::{Failure, FailureKind};

/// Runs the command.
///
/// # Errors
/// When the estate does not open, has no such state, or two versions cannot be compared.
pub fn run(global: &Global, args: &StatesArgs, output: &Output) -> Result<u8, Failure> {
    output.no_prometheus("states")?;
    let mut wired = wire::open(global)?;
    for note in &wired.notes {
        output.note(note);
    }
    let Some(wanted) = &args.state else {
        wired.collector.only(&[Capability::States]);
        let judged = wire::judge_opened(wired, false, None)?;
        let document = document::states(&judged, |_| true);
        match output.format() {
            Format::Json => output.json(&document)?,
            _ => output.text(&show(&document, args.versions, output.colour()))?,
        }
        return Ok(0);
    };
    let (subject, environment) = find(&wired.estate, wanted)?;
    let key = ReadingKey { subject, capability: Capability::States };
    // Nothing else is asked for: who wants one state does not wait for five thousand.
    wired.collector.only(&[Capability::Proofs]);
    wired.collector.look_at(Some((key.clone(), environment.clone())));
    wire::block_on(wired.collector.once(None))?;
    if let Some(versions) = &args.compare {
        return compare(wired, &key, environment, versions, output);
    }
    let mut judged = wire::judge_opened(wired, true, None)?;
    // What other readings know of it is shown where this one failed.
    let alone = |other: &ReadingKey| *other == key || other.capability == Capability::Locks;
    if judged.snapshot.readings.get(&key).is_some_and(|reading| reading.held.is_some()) {
        judged.snapshot.readings.retain(alone);
    }
    let path = judged.snapshot.readings.get(&key).and_then(|reading| match &reading.held.as_ref()?.fact {
        Fact::State(state) => Some(state.path.clone()),
        _ => None,
    });
    let document = document::states(&judged, |status| {
        Some(&status.state.path) == path.as_ref()
            || status.component.as_ref().is_some_and(|id| id.as_str() == wanted)
            || status.state.path.as_str() == wanted
    });
    match output.format() {
        Format::Json => output.json(&document)?,
        _ => output.text(&show(&document, true, output.colour()))?,
    }
    Ok(0)
}

/// Returns what a component's name or `BUCKET/KEY` stands for.
fn find(estate: &Estate, wanted: &str) -> Result<(Subject, EnvironmentName), Failure> {
    let named = estate.component(&wanted.into()).filter(|component| component.kind == Kind::TerraformState);
    if let Some(component) = named {
        let subject = Subject::Component(component.id.clone(), component.home.clone());
        return Ok((subject, component.environment.clone()));
    }
    let path = wanted.trim_start_matches("s3://");
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let holds = estate.backends.iter().find_map(|backend| {
        let place = backend.places().find(|place| {
            backend.at(place).is_some_and(|(own, _)| own.as_str() == bucket) && !key.is_empty()
        })?;
        Some((Subject::State(backend.name.clone(), key.into(), place.clone()), backend.environment.clone()))
    });
    holds.ok_or_else(|| {
        Failure::new(FailureKind::Usage, format!("there is no state `{}`", harmless(wanted)))
            .hint(
                "name a component of the kind terraform-state, or BUCKET/KEY of a backend of the estate file",
            )
            .hint("`lifeboat states` lists them")
    })
}

fn compare(
    mut wired: Wired,
    key: &ReadingKey,
    environment: EnvironmentName,
    versions: &[String],
    output: &Output,
) -> Result<u8, Failure> {
    let snapshot = wired.collector.snapshot();
    let reading = snapshot.readings.get(key);
    let state = match reading.and_then(|reading| reading.held.as_ref()).map(|held| &held.fact) {
        Some(Fact::State(state)) => state.clone(),
        _ => {
            let why = reading.and_then(|reading| reading.failed.as_ref());
            let why = why.map_or("it was not read".to_owned(), |failed| failed.why.to_string());
            return Err(Failure::new(FailureKind::Failed, format!("the state cannot be compared: {why}")));
        }
    };
    let [before, after] = versions else { return Ok(2) };
    let (before, after) = (version(&state, before)?, version(&state, after)?);
    let asked =
        Comparing { state: key.subject.clone(), environment, before: before.clone(), after: after.clone() };
    let compared = wire::block_on(wired.collector.compare(asked))?;
    let outcome = compared.as_ref().map(|compared| compared.outcome.clone());
    let changes = match outcome {
        Some(Ok(changes)) => changes,
        Some(Err(why)) => {
            return Err(Failure::new(FailureKind::Failed, format!("the versions cannot be compared: {why}")));
        }
        None => return Err(Failure::new(FailureKind::Failed, "nothing answered")),
    };
    let judged = wire::judge_opened(wired, true, None)?;
    let head = document::head(&judged);
    let document = ComparisonDocument { head, path: state.path, before, after, changes };
    match output.format() {
        Format::Json => output.json(&document)?,
        _ => output.text(&show_changes(&document))?,
    }
    Ok(0)
}

/// Returns the version that was named by its id, by the beginning of it, or by its place in the order.
fn version(state: &StateHistory, wanted: &str) -> Result<Text, Failure> {
    let mut whole = state.versions.iter().filter(|version| version.form.can_be_restored());
    let found = match wanted {
        "current" => whole.next(),
        "previous" => whole.nth(1),
        id => {
            let mut starts =
                state.versions.iter().filter(|version| version.version_id.as_str().starts_with(id));
            let first = starts.next();
            if first.is_some() && starts.next().is_some() {
                let says = format!("several versions begin with `{}`", harmless(id));
                return Err(Failure::new(FailureKind::Usage, says).hint("write more of the id"));
            }
            first
        }
    };
    found.map(|version| version.version_id.clone()).ok_or_else(|| {
        Failure::new(FailureKind::Usage, format!("{} has no version `{}`", state.path, harmless(wanted)))
            .hint("`lifeboat states STATE` lists them; `current` and `previous` are the newest two readable ones")
    })
}

fn show_changes(document: &ComparisonDocument) -> String {
    let mut out = String::new();
    if document.changes.is_empty() {
        out.push_str("Both versions describe the same.\n");
    }
    for change in &document.changes {
        out.push_str(&format!("{:<8} {}\n", change.change.word(), change.address));
        for attribute in &change.attributes {
            let side = |value: &Option<Text>| value.as_ref().map_or("–".to_owned(), Text::to_string);
            out.push_str(&format!(
                "           {}: {} -> {}\n",
                attribute.path,
                side(&attribute.before),
                side(&attribute.after)
            ));
        }
    }
    out
}

/// Returns the key of a state, which its replica shares.
fn key(status: &StateStatus) -> &str {
    status.state.path.as_str().split_once('/').map_or("", |(_, key)| key)
}

fn show(document: &StatesDocument, versions: bool, colour: bool) -> String {
    let now = document.head.as_of;
    let mut rows = Vec::new();
    // A replica is told of beside its source; alone only where the source was not read.
    let known = |status: &StateStatus| {
        status.is_replica
            && document.states.iter().any(|other| {
                !other.is_replica
                    && other.replica.is_some()
                    && other.component == status.component
                    && key(other) == key(status)
            })
    };
    for status in document.states.iter().filter(|status| !known(status)) {
        let shown = if versions { status.state.versions.len() } else { 1 };
        let name = status.component.as_ref().unwrap_or(&status.state.path);
        for (nth, version) in status.state.versions.iter().take(shown).enumerate() {
            let trouble = match (nth, status.not_restorable.get(&version.version_id)) {
                (0, why) => {
                    let codes: Vec<_> = status.troubles.iter().map(|trouble| trouble.code.as_str()).collect();
                    let why = why.filter(|_| codes.is_empty()).map_or(String::new(), Text::to_string);
                    if codes.is_empty() { why } else { codes.join(", ") }
                }
                (_, why) => why.map_or(String::new(), Text::to_string),
            };
            rows.push(vec![
                Cell::new(name.as_str()),
                Cell::new(status.place.region.as_str()),
                Cell::figure(version.serial.map_or("–".to_owned(), |serial| serial.to_string())),
                Cell::figure(age_words(elapsed(version.written_at, now))),
                Cell::figure(version.resources.map_or("–".to_owned(), |count| count.to_string())),
                Cell::figure(bytes(version.size_bytes)),
                Cell::figure(status.state.versions_in_all.to_string()),
                Cell::new(version.form.words()),
                Cell::new(status.replica.as_ref().filter(|_| nth == 0).map_or("", |replica| replica.words())),
                Cell::new(trouble),
                Cell::new(version.version_id.as_str()),
            ]);
        }
    }
    let headings = [
        "state",
        "Region",
        "serial",
        "age",
        "resources",
        "size",
        "versions",
        "bytes are",
        "replica",
        "trouble",
        "version",
    ];
    let mut out = table(&headings, &rows, colour);
    for status in document.states.iter().filter(|status| !status.troubles.is_empty()) {
        let name = status.component.as_ref().unwrap_or(&status.state.path);
        for trouble in &status.troubles {
            out.push_str(&format!("{name} in {}: {}\n", status.place.region, trouble.says));
        }
    }
    for missing in &document.missing {
        out.push_str(&format!("{} in {}: {}\n", missing.component, missing.place.region, missing.why));
    }
    out
}
