//! A plan as a script of commands, to go on by hand when this tool cannot: `aws` lines, and programs as they are.
//!
//! It is meant to be read and pasted line by line. It waits where the command line of a service can wait; what else has to
//! be looked at between lines stands there as comments.

mod waits;

use super::call::Call;
use super::plan::{Expect, Plan, PlanHash, PlannedStep, Undo};
use super::replied::reference;
use crate::domain::duration::words;
use crate::domain::text::harmless;
use serde_json::Value;
use std::time::Duration;

/// Returns the script of a plan.
pub fn script(plan: &Plan, hash: &PlanHash) -> String {
    let mut out = format!(
        "#!/bin/sh\n# {}\n# plan {hash} for {} ({}, account {}), made {}\n# Read each line before it is run: \
         nothing here asks, looks first, or takes anything back.\n# A line that waits gives up after a while (10 to 30 \
         minutes): run it again.\nset -eu\n",
        comment(plan.runbook.title.as_str()),
        plan.environment,
        plan.place.region,
        plan.place.account,
        plan.made_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
    );
    for step in &plan.steps {
        if step.calls.is_empty() && step.asks.is_empty() && step.prose.is_empty() && step.given.is_empty() {
            continue;
        }
        out.push_str(&of_step(step));
    }
    out
}

fn of_step(step: &PlannedStep) -> String {
    let mut out = format!("\n# --- {}: {}\n", step.id, comment(step.title.as_str()));
    for line in step.prose.as_str().lines() {
        out.push_str(&format!("# {}\n", comment(line)));
    }
    if let Some(when) = &step.when {
        out.push_str(&format!("# only if: {}\n", comment(when)));
    }
    if step.gate {
        out.push_str("# stop here and ask whether to go on\n");
    }
    for precondition in &step.preconditions {
        let expected = match &precondition.expect {
            Expect::Is(value) => value.to_string(),
            Expect::OneOf(values) => Value::Array(values.clone()).to_string(),
            Expect::Absent(_) => "nothing".to_owned(),
        };
        let expected = comment(&expected);
        out.push_str(&format!("# {} ({expected}):\n", comment(precondition.says.as_str())));
        out.push_str(&format!("# {}\n", comment(&line(&precondition.look))));
    }
    for planned in &step.calls {
        out.push_str(&format!("# {}\n", comment(planned.says.as_str())));
        let lines = of_call(step.id.as_str(), &planned.call);
        for line in std::iter::once(&lines.call).chain(&lines.after) {
            out.push_str(&format!("{line}\n"));
        }
    }
    for ask in &step.asks {
        out.push_str(&format!("{}\n", line(ask)));
    }
    if step.calls.is_empty() && step.asks.is_empty() {
        for (name, value) in &step.given {
            out.push_str(&format!("# {name}: {}\n", comment(&shown(value))));
        }
    }
    if let Some(takes) = &step.takes {
        let (low, high) = (words(Duration::from_secs(takes.low_s)), words(Duration::from_secs(takes.high_s)));
        out.push_str(&format!("# it takes {low} to {high} ({})\n", takes.source));
    }
    for check in &step.verify {
        let hold = words(Duration::from_secs(check.hold_s));
        out.push_str(&format!("# green for {hold}: {}\n", comment(&line(&check.look))));
    }
    match &step.undo {
        Undo::Nothing => {}
        Undo::Calls { says, .. } => {
            for says in says {
                out.push_str(&format!("# undo: {}\n", comment(says.as_str())));
            }
        }
        Undo::Impossible(why) => out.push_str(&format!("# no undo: {}\n", comment(why.as_str()))),
    }
    out
}

/// Returns what stands in a comment: one line, nothing in it that a terminal would act on.
fn comment(text: &str) -> String {
    harmless(text).into_owned()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn of_call(step: &str, call: &Call) -> waits::Lines {
    match call.service() {
        "tool" | "http" | "tcp" | "dns" | "webhook" | "file" | "batch" => {
            waits::Lines { call: line(call), after: Vec::new() }
        }
        service => waits::lines(step, service, call),
    }
}

/// Returns a call as a command line.
pub fn line(call: &Call) -> String {
    match call.service() {
        "tool" => {
            let argv = call.arguments.get("Argv").and_then(Value::as_array);
            let argv = argv.map_or([].as_slice(), Vec::as_slice).iter();
            let words: Vec<String> = argv.map(|word| quoted(word.as_str().unwrap_or_default())).collect();
            match call.text("Folder") {
                Some(folder) => format!("(cd {} && {})", quoted(folder), words.join(" ")),
                None => words.join(" "),
            }
        }
        "http" => format!("curl --fail --max-time 5 {}", quoted(call.text("Url").unwrap_or_default())),
        "tcp" => {
            let port = call.arguments.get("Port").map(shown).unwrap_or_default();
            format!("nc -z -w 5 {} {}", quoted(call.text("Host").unwrap_or_default()), quoted(&port))
        }
        "file" => {
            let path = quoted(call.text("Path").unwrap_or_default());
            match (call.name(), call.text("Content")) {
                ("Write", Some(content)) => {
                    let mode = call.text("Mode").map(|mode| format!(" && chmod {} {path}", quoted(mode)));
                    format!("printf %s {} > {path}{}", quoted(content), mode.unwrap_or_default())
                }
                ("Remove", _) => format!("rm {path}"),
                _ => format!("sha256sum {path}"),
            }
        }
        "dns" => format!("dig +short {}", quoted(call.text("Name").unwrap_or_default())),
        "batch" => format!(
            "echo {} >&2; exit 1",
            quoted(
                "many keys at once: lifeboat carries them out by its manifest; `aws s3api list-object-versions` shows each"
            )
        ),
        "webhook" => {
            let body = call.arguments.get("Body").map(ToString::to_string).unwrap_or_default();
            format!("curl --fail --json {} {}", quoted(&body), quoted(call.text("Url").unwrap_or_default()))
        }
        service => aws(service, call),
    }
}

fn aws(service: &str, call: &Call) -> String {
    let service = if service == "s3" { "s3api" } else { service };
    let mut words = vec!["aws".to_owned(), service.to_owned(), kebab(call.name())];
    // What must still be so is ours: the command line cannot look first.
    let sent = call.arguments.iter().filter(|(name, _)| *name != super::still::IF_STILL);
    for (name, value) in sent {
        let option = format!("--{}", kebab(name));
        match value {
            Value::Bool(true) => words.push(option),
            Value::Bool(false) => words.push(format!("--no-{}", kebab(name))),
            Value::Array(items) if items.iter().all(Value::is_string) => {
                words.push(option);
                words.extend(items.iter().map(|item| quoted(&shown(item))));
            }
            Value::Object(source) if name == "CopySource" => {
                let part = |name: &str| source.get(name).and_then(Value::as_str).unwrap_or_default();
                let key = encoded(part("Key"));
                words.push(option);
                words.push(quoted(&format!("{}/{key}?versionId={}", part("Bucket"), part("VersionId"))));
            }
            Value::Object(entries) if reference(entries).is_some() => {
                words.push(option);
                words.push(UPLOAD.to_owned());
            }
            Value::Object(_) if name == "MultipartUpload" => {
                words.push(option);
                words.push(parts_of(call));
            }
            Value::Object(_) | Value::Array(_) => {
                words.push(option);
                words.push(quoted(&value.to_string()));
            }
            other => {
                words.push(option);
                words.push(quoted(&shown(other)));
            }
        }
    }
    words.push("--region".to_owned());
    words.push(quoted(call.place.region.as_str()));
    let line = words.join(" ");
    match call.name() {
        "CreateMultipartUpload" => format!("UPLOAD_ID=$({line} --query UploadId --output text)"),
        _ => line,
    }
}

/// The upload that a line before has begun.
const UPLOAD: &str = "\"${UPLOAD_ID:?}\"";

/// Returns what lists the parts that the lines before have copied, as they are given to the end of an upload.
fn parts_of(call: &Call) -> String {
    let of = |name: &str| quoted(call.text(name).unwrap_or_default());
    format!(
        "\"$(aws s3api list-parts --bucket {} --key {} --upload-id {UPLOAD} --query \
         '{{Parts: Parts[].{{PartNumber: PartNumber, ETag: ETag}}}}' --output json --region {})\"",
        of("Bucket"),
        of("Key"),
        quoted(call.place.region.as_str())
    )
}

/// Returns a name of an API as its command line writes it: `DBInstanceIdentifier` is `db-instance-identifier`.
fn kebab(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                !before.is_ascii_uppercase() || after.is_some_and(char::is_ascii_lowercase)
            });
        if begins {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// Returns a key as it stands in an address: everything but letters, digits and `-._~/` encoded.
fn encoded(key: &str) -> String {
    key.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// Returns a word as a shell reads it: as it is, or in single quotes. What an earlier step brings is a variable.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if let Some((before, rest)) = word.split_once("${steps.")
        && let Some((reference, after)) = rest.split_once('}')
    {
        let part = |text: &str| if text.is_empty() { String::new() } else { quoted(text) };
        return format!("{}\"${{{}:?}}\"{}", part(before), variable(reference), part(after));
    }
    if word.chars().any(char::is_control) {
        // A line break or worse in a key: the shell reads it, a terminal does not act on it.
        let escaped: String = word
            .chars()
            .map(|c| match c {
                '\'' => "\\'".to_owned(),
                '\\' => "\\\\".to_owned(),
                c if c.is_control() => c.to_string().bytes().map(|byte| format!("\\x{byte:02x}")).collect(),
                c => c.to_string(),
            })
            .collect();
        return format!("$'{escaped}'");
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Returns the variable in which a script keeps what a step brings: `restore.endpoint` is `RESTORE_ENDPOINT`.
fn variable(reference: &str) -> String {
    let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    reference.chars().map(upper).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_command_line() {
        for (name, option) in [
            ("DBInstanceIdentifier", "db-instance-identifier"),
            ("MultiAZ", "multi-az"),
            ("EnableIAMDatabaseAuthentication", "enable-iam-database-authentication"),
            ("PerformanceInsightsKMSKeyId", "performance-insights-kms-key-id"),
            ("CACertificateIdentifier", "ca-certificate-identifier"),
            ("Iops", "iops"),
        ] {
            assert_eq!(kebab(name), option);
        }
    }

    #[test]
    fn a_copy_in_parts_goes_on_with_the_upload_that_it_has_begun() {
        use super::super::replied::from_call;
        use crate::domain::place::Place;
        let call = |name: &str| {
            Call::new(&format!("s3:{name}"), &"production".into(), &Place::new("1", "us-east-2"))
                .with("Bucket", "b")
                .with("Key", "a film")
        };
        assert_eq!(
            line(&call("CreateMultipartUpload")),
            "UPLOAD_ID=$(aws s3api create-multipart-upload --bucket b --key 'a film' --region us-east-2 --query UploadId \
             --output text)"
        );
        let upload = from_call(0, "UploadId");
        let part = call("UploadPartCopy").with("UploadId", upload.clone()).with("PartNumber", 1);
        for option in ["--part-number 1", "--upload-id \"${UPLOAD_ID:?}\""] {
            assert!(line(&part).contains(option), "{}", line(&part));
        }
        let parts = serde_json::json!({"Parts": [{"PartNumber": 1, "ETag": from_call(1, "ETag")}]});
        let end = line(&call("CompleteMultipartUpload").with("MultipartUpload", parts));
        assert!(
            end.contains("--multipart-upload \"$(aws s3api list-parts --bucket b --key 'a film'"),
            "{end}"
        );
        assert!(end.contains("'{Parts: Parts[].{PartNumber: PartNumber, ETag: ETag}}'"), "{end}");
    }

    #[test]
    fn words_reach_a_program_as_they_are() {
        assert_eq!(quoted("a b'c"), "'a b'\\''c'");
        assert_eq!(quoted("a\nb"), "$'a\\x0ab'");
        assert_eq!(quoted("${steps.restore.endpoint}"), "\"${RESTORE_ENDPOINT:?}\"");
        assert_eq!(quoted("a ${steps.a.b}/${steps.c-d.e}x"), "'a '\"${A_B:?}\"/\"${C_D_E:?}\"x");
        assert_eq!(encoded("a b/ü+.txt"), "a%20b/%C3%BC%2B.txt");
    }
}
