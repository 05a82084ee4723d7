//! Events as people read them: one line each, the same in the console, in `follow`, in `replay` and in reports.

use super::event::{Ask, Direction, Ending, Event, Outcome, Rest, Verdict};
use super::markdown::strength_words;

/// Returns what a rest means.
pub fn rest_words(rest: Rest) -> &'static str {
    match rest {
        Rest::Finished => "finished",
        Rest::Paused => "paused",
        Rest::Stuck => "stuck",
        Rest::Abandoned => "abandoned",
        Rest::WaitingForLogin => "waiting for login",
        Rest::Undone => "undone",
    }
}

/// Returns an event in one line.
pub fn tell(event: &Event) -> String {
    match event {
        Event::Opened { title, environment, place, purpose, .. } => {
            let purpose = if purpose.is_empty() { String::new() } else { format!(", for {purpose}") };
            format!("opened: {title}, on {environment} in {}{purpose}", place.region)
        }
        Event::TookOver { pid, cut_bytes: 0, .. } => format!("an executor works on it (process {pid})"),
        Event::TookOver { pid, cut_bytes, .. } => {
            format!(
                "an executor works on it (process {pid}); it cut {cut_bytes} bytes of a torn last line off"
            )
        }
        Event::Asked { by, ask, refused, .. } => {
            let refused = refused.as_ref().map_or(String::new(), |why| format!(": REFUSED, {why}"));
            format!("{}@{} asks: {}{refused}", by.user, by.host, asked(ask))
        }
        Event::BreakGlass { reason, opens_at } => {
            format!("BREAK-GLASS: {reason}; opens at {}", opens_at.strftime("%H:%M:%S"))
        }
        Event::Consented { scope, strength, approver, break_glass } => {
            let who = approver
                .as_ref()
                .map_or(String::new(), |(name, key)| format!(", approved by {name} ({key})"));
            let glass = if *break_glass { ", by BREAK-GLASS" } else { "" };
            format!("agreed to {scope}: {}{who}{glass}", strength_words(*strength))
        }
        Event::Identified { identity, account, .. } => format!("acts as {identity} in account {account}"),
        Event::GateReached { step } => format!("{step}: waits at its gate"),
        Event::Began { step, direction: Direction::Forward, attempt: 1, .. } => format!("{step}: begins"),
        Event::Began { step, direction: Direction::Forward, attempt, .. } => {
            format!("{step}: begins again, attempt {attempt}")
        }
        Event::Began { step, .. } => format!("{step}: is taken back"),
        Event::Intended { of, call, .. } => format!("{}: about to call {}", of.step, call.brief()),
        Event::Answered { of, outcome, request_id, says, .. } => {
            let request = request_id.as_ref().map_or(String::new(), |id| format!(" (request {id})"));
            let how = match outcome {
                Outcome::Succeeded => "accepted".to_owned(),
                Outcome::Refused => format!("refused: {says}"),
                Outcome::Throttled => format!("put off, too many calls: {says}"),
                Outcome::NotSent => format!("not sent: {says}"),
                Outcome::InDoubt => format!("IN DOUBT, looking whether it has happened: {says}"),
            };
            format!("{}: {how}{request}", of.step)
        }
        Event::Observed { of, verdict, evidence, by, .. } => {
            let who = by.as_ref().map_or(String::new(), |by| format!(", says {}@{}", by.user, by.host));
            let what = match verdict {
                Verdict::Happened => "it has happened",
                Verdict::DidNot => "it has not happened",
                Verdict::Unclear => "nobody can tell whether it has happened",
            };
            format!("{}: {what}{who}: {evidence}", of.step)
        }
        Event::Arrived { of, .. } => format!("{}: it is there", of.step),
        Event::Verified { step, says, .. } => format!("{step}: green, {says}"),
        Event::Compared { step, differ, .. } => format!("{step}: {differ} settings differ from the original"),
        Event::Questioned { step, question } => format!("{step}: QUESTION: {question}"),
        Event::Ended { step, ending, why, hint, .. } => {
            let hint = hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
            match ending {
                Ending::Succeeded => format!("{step}: done"),
                Ending::Failed => format!("{step}: FAILED: {why}{hint}"),
                Ending::NotNeeded => format!("{step}: not needed: {why}"),
                Ending::Undone => format!("{step}: taken back"),
                Ending::UndoFailed => format!("{step}: could NOT be taken back: {why}{hint}"),
            }
        }
        Event::Rested { rest, why } => format!("{}: {why}", rest_words(*rest)),
    }
}

fn asked(ask: &Ask) -> String {
    match ask {
        Ask::Consent(given) if given.by_flag => "carry the plan out (agreed to by a flag)".to_owned(),
        Ask::Consent(_) => "carry the plan out".to_owned(),
        Ask::Pause => "pause".to_owned(),
        Ask::Resume => "resume".to_owned(),
        Ask::OpenGate { step, .. } => format!("let {step} go past its gate"),
        Ask::Skip { step, reason } => format!("skip {step}: {reason}"),
        Ask::Retry { step } => format!("retry {step}"),
        Ask::Undo { step: Some(step), .. } => format!("take {step} back"),
        Ask::Undo { step: None, .. } => "take everything back".to_owned(),
        Ask::Settle { step, happened: true, reason } => format!("{step} has happened: {reason}"),
        Ask::Settle { step, happened: false, reason } => format!("{step} has not happened: {reason}"),
        Ask::Answer { step, answer, .. } => format!("{step} is answered: {answer}"),
        Ask::Abandon { reason } => format!("abandon the run: {reason}"),
        Ask::Veto { reason } => format!("veto the break-glass: {reason}"),
        Ask::Note { text } => format!("note: {text}"),
    }
}
