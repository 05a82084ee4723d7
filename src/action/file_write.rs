//! `file-write`: a configuration file on this machine gets another text, if it is still what the plan saw.

use super::facts::text;
use super::given::is_later;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::{Call, hex};
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, PlannedStep, Precondition, Undo};
use crate::runbook::still::CHANGED;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Writes a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileWrite;

/// The most lines of a difference that stand in a plan.
const LINES: usize = 60;

const ABOUT: About = About {
    name: "file-write",
    title: "write a configuration file",
    says: "Gives a small text file on this machine another text, as a whole, if it is still what the plan saw; the plan shows \
           the difference, the mode stays, and the undo puts the old text back. It lies in the folder of the estate file or \
           below, unless the runbook says `outside: true`. Links are refused.",
    arguments: &[
        Argument {
            name: "path",
            kind: ArgumentKind::Text,
            required: true,
            says: "The file, seen from the folder of the estate file.",
        },
        Argument { name: "content", kind: ArgumentKind::Text, required: true, says: "The whole new text." },
        Argument {
            name: "outside",
            kind: ArgumentKind::Switch,
            required: false,
            says: "Whether it may lie elsewhere; then the path is absolute. False if absent.",
        },
    ],
    outputs: &[("path", "The absolute path."), ("sha256", "The hash of the new text.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::Conditional,
    operations: &["file:Read", "file:Write", "file:Remove"],
    no_undo: None,
    usually: Some((Duration::from_secs(1), Duration::from_secs(2))),
};

fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

async fn read(look: &dyn Look, like: &Call, path: &str) -> Result<Value, CallTrouble> {
    let call = Call::new("file:Read", &like.environment, &like.place).with("Path", path);
    Ok(look.look(&call).await?.body)
}

/// Returns the call that writes a text where `seen` was seen.
fn put(like: &Call, path: &str, content: &str, seen: &Value) -> Call {
    let call =
        Call::new("file:Write", &like.environment, &like.place).with("Path", path).with("Content", content);
    match seen.get("Sha256").and_then(Value::as_str) {
        Some(hash) => call.with("IfSha256", hash).maybe("Mode", seen.get("Mode").cloned()),
        None => call.with("IfAbsent", true),
    }
}

/// Returns what is otherwise in a text, line by line: what both begin and end with is left out.
fn difference(old: &str, new: &str) -> Vec<Text> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let left = old.len().min(new.len()) - same;
    let tail = old.iter().rev().zip(new.iter().rev()).take(left).take_while(|(old, new)| old == new).count();
    let part = |lines: &[&str], sign: char| -> Vec<String> {
        let lines = lines.get(same..lines.len() - tail).unwrap_or_default();
        lines.iter().map(|line| format!("{sign} {line}")).collect()
    };
    let all: Vec<String> = part(&old, '-').into_iter().chain(part(&new, '+')).collect();
    let more = all.len().saturating_sub(LINES);
    let mut shown = vec![Text::new(&format!("from line {}:", same + 1))];
    shown.extend(all.iter().take(LINES).map(|line| Text::new(line)));
    if more > 0 {
        shown.push(Text::new(&format!("and {more} lines more")));
    }
    shown
}

impl FileWrite {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (path, content) = (ask.given.text("path")?, ask.given.text("content")?);
        let outside = ask.given.switch("outside")?.unwrap_or(false);
        if is_later(path) {
            return Err(Refusal::new(
                "the file has to be known when the plan is made: the plan shows the difference",
            ));
        }
        let leaves = path.starts_with('/') || path.split('/').any(|part| part == "..");
        if leaves && !(outside && path.starts_with('/')) {
            return Err(Refusal::new(format!("{path} does not lie in the folder of the estate file"))
                .hint("write a path seen from there, or an absolute one with `outside: true`"));
        }
        let base = Call::new("file:Write", &ask.environment.name, &ask.environment.home());
        let seen = read(ask.look, &base, path).await;
        let seen = seen.map_err(|trouble| Refusal::new(format!("{path} cannot be written: {trouble}")))?;
        let absolute = text(&seen, "Path");
        if !outside && !absolute.ends_with(&format!("/{}", path.trim_start_matches("./"))) {
            return Err(Refusal::new(format!("{path} leads to {absolute}: a folder on the way is a link"))
                .hint("write the real path"));
        }
        let old = text(&seen, "Content");
        if seen.get("Exists") == Some(&Value::Bool(true)) && old == content {
            return Err(Refusal::new(format!("{path} has that text already")));
        }
        let mut design = Design::new(None);
        let look = Call::new("file:Read", &base.environment, &base.place).with("Path", absolute);
        design.preconditions.push(Precondition {
            says: format!("nobody has changed {path}").into(),
            look,
            at: "/Sha256".into(),
            expect: Expect::Is(seen.get("Sha256").cloned().unwrap_or_default()),
        });
        design.calls.push(PlannedCall {
            call: put(&base, absolute, content, &seen),
            says: format!("write {absolute}").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::Conditional,
        });
        design.undo = Undo::Calls {
            says: vec![
                if seen.get("Sha256").is_some() { "put the old text back" } else { "remove the file" }.into(),
            ],
            class: ActionClass::Mutating,
        };
        design.notes = difference(old, content);
        Ok(design)
    }
}

/// Looks whether a file is what a call makes of it.
pub(super) async fn found(doing: &Doing<'_>, look: &dyn Look) -> Result<Found, CallTrouble> {
    let Ok(call) = doing.call() else {
        return Ok(Found::Unclear { evidence: "the step has no such call".into() });
    };
    let path = call.text("Path").unwrap_or_default();
    let seen = read(look, call, path).await?;
    let is = seen.get("Sha256").and_then(Value::as_str);
    let made = call.text("Content").map(sha256);
    Ok(if is == made.as_deref() {
        let reply = json!({"Path": text(&seen, "Path"), "Sha256": is});
        Found::Happened { reply, evidence: format!("{path} is as it is to be").into() }
    } else if is == call.text("IfSha256") {
        Found::Nothing { evidence: format!("{path} is as it was").into() }
    } else {
        Found::Unclear { evidence: format!("{path} is neither as it was nor as it is to be").into() }
    })
}

/// Looks whether a file that was written is there.
pub(super) async fn arrived(doing: &Doing<'_>, look: &dyn Look) -> Result<Progress, CallTrouble> {
    Ok(match found(doing, look).await? {
        Found::Happened { reply, .. } => {
            let mut outputs = Map::new();
            outputs.insert("path".to_owned(), Value::from(text(&reply, "Path")));
            outputs.insert("sha256".to_owned(), reply.get("Sha256").cloned().unwrap_or_default());
            Progress::Done(outputs)
        }
        Found::Nothing { evidence } | Found::Unclear { evidence } => Progress::Failed {
            why: evidence,
            hint: Some("somebody has changed it since: look at it, and plan anew".into()),
        },
    })
}

/// Says what a refusal means.
pub(super) fn meaning(trouble: &CallTrouble) -> Meaning {
    match trouble.code().unwrap_or_default() {
        CHANGED => Meaning::Look,
        "NoPlainFile" => Meaning::Failed { hint: Some("write the file that the link leads to".into()) },
        _ => Meaning::Failed { hint: None },
    }
}

/// Returns the call that puts back what there was: the old text, or no file.
pub(super) fn back(doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
    let call = doing.calls.first().ok_or_else(|| Refusal::new("nothing was written"))?;
    let path = match text(doing.reply(0), "Path") {
        "" => call.text("Path").unwrap_or_default(),
        path => path,
    };
    let own = sha256(call.text("Content").unwrap_or_default());
    let (back, says) = match doing.before.get("Content").and_then(Value::as_str) {
        Some(old) => {
            let now = json!({"Sha256": own, "Mode": doing.before.get("Mode")});
            (put(call, path, old, &now), format!("put {path} back as it was"))
        }
        None => (
            Call::new("file:Remove", &call.environment, &call.place).with("Path", path).with("IfSha256", own),
            format!("remove {path}"),
        ),
    };
    Ok(vec![PlannedCall {
        call: back,
        says: says.into(),
        class: ActionClass::Mutating,
        dedupe: Dedupe::Conditional,
    }])
}

impl Action for FileWrite {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(Self::design(ask))
    }

    fn before<'a>(
        &'a self,
        _: &'a PlannedStep,
        calls: &'a [Call],
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        Box::pin(async move {
            let Some(call) = calls.first() else { return Ok(Value::Null) };
            Ok(read(look, call, call.text("Path").unwrap_or_default()).await?)
        })
    }

    fn probe<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async move { found(&doing, look).await })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move { arrived(&doing, look).await })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        meaning(trouble)
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        back(doing)
    }
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn a_difference_shows_what_is_otherwise_and_nothing_else() {
        let shown: Vec<String> =
            difference("a\nb\nc\nd\n", "a\nB\nC\nd\n").iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["from line 2:", "- b", "- c", "+ B", "+ C"]);
        let shown: Vec<String> = difference("a\na\n", "a\n").iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["from line 2:", "- a"]);
        let long = "x\n".repeat(200);
        assert_eq!(difference("", &long).len(), 62);
    }
}
