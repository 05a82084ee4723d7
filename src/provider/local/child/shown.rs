//! The end of what a child prints, as it may be shown: without the values that the child was given, and redacted.
//!
//! What a program prints may be anything. `out` keeps it as it is, for whoever may read the folder of the run; on a screen
//! stands only what is written here.

use super::home::Home;
use super::request::Request;
use crate::domain::redaction::{Redactor, SALT};
use std::time::{Duration, Instant};

/// How often it is written at most.
const EVERY: Duration = Duration::from_millis(500);
/// What stands for a value that the child was given.
const HIDDEN: &str = "[given to it]";
/// Values that are shorter stand in everything.
const SHORTEST: usize = 4;
/// How many lines are shown.
const MOST_LINES: usize = 40;
/// How long a line is shown, in characters.
const MOST_LETTERS: usize = 400;

/// What is shown of a child's output.
pub(super) struct Shown {
    hidden: Vec<String>,
    redactor: Redactor,
    written: Option<(Instant, u64)>,
}

impl Shown {
    /// Returns what shows the output of the child that was asked for; nothing was shown yet.
    pub(super) fn of(request: &Request) -> Self {
        let given = request.given.iter().filter_map(|name| request.environment.get(name));
        // A value of several lines is printed line by line as often as whole.
        let lines =
            given.flat_map(|value| std::iter::once(value.as_str()).chain(value.lines().map(str::trim)));
        let mut hidden: Vec<String> =
            lines.filter(|value| value.len() >= SHORTEST).map(str::to_owned).collect();
        hidden.sort_by_key(|value| std::cmp::Reverse(value.len()));
        hidden.dedup();
        Self { hidden, redactor: Redactor::new(SALT), written: None }
    }

    /// Writes it anew, where there is more of it than before and the last time is long enough ago.
    pub(super) fn write(&mut self, home: &Home) {
        if self.written.is_none_or(|(at, _)| at.elapsed() >= EVERY) {
            self.write_now(home);
        }
    }

    /// Writes it anew, where there is more of it than before.
    pub(super) fn write_now(&mut self, home: &Home) {
        let (length, tail) = home.output();
        if self.written.is_some_and(|(_, known)| known == length) || length == 0 {
            return;
        }
        // It is for people who watch: nothing is lost where it cannot be written.
        let _ = home.write_shown(&self.shown(&tail, length));
        self.written = Some((Instant::now(), length));
    }

    fn shown(&self, tail: &str, length: u64) -> String {
        // Half a secret would not be known as one: a line whose beginning is not there is left out.
        let whole = match tail.split_once('\n') {
            _ if tail.len() as u64 >= length => tail,
            Some((_, rest)) => rest,
            None => "(one line, longer than can be shown)",
        };
        let hide = |text: String, value: &String| text.replace(value.as_str(), HIDDEN);
        let text = self.redactor.redact(&self.hidden.iter().fold(whole.to_owned(), hide));
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let first = lines.len().saturating_sub(MOST_LINES);
        let cut = |line: &&str| line.chars().take(MOST_LETTERS).collect::<String>();
        lines.get(first..).unwrap_or_default().iter().map(cut).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_LINES, Request, Shown};
    use std::collections::BTreeMap;

    fn shown(environment: &[(&str, &str)], tail: &str, length: usize) -> String {
        let environment: BTreeMap<_, _> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let given = environment.keys().filter(|name| *name != "PATH").cloned().collect();
        let request = Request {
            argv: vec!["it".to_owned()],
            folder: "/".into(),
            environment,
            given,
            timeout_s: None,
            grace_s: 1,
        };
        Shown::of(&request).shown(tail, length as u64)
    }

    #[test]
    fn what_it_was_given_and_what_looks_secret_is_not_shown() {
        let environment = [("TOKEN", "hunter-22"), ("KEY", "line one\nline two"), ("PATH", "/usr/bin")];
        let out = "logs in with hunter-22\npassword=tulip99\n  line two\nfound in /usr/bin\n";
        let said = shown(&environment, out, out.len());
        assert_eq!(said.lines().count(), 4, "{said}");
        for secret in ["hunter", "tulip", "line two"] {
            assert!(!said.contains(secret), "{said}");
        }
        assert!(said.contains("/usr/bin"), "{said}");
    }

    #[test]
    fn a_line_without_its_beginning_is_left_out_and_the_last_lines_stay() {
        let said = shown(&[("TOKEN", "hunter-22")], "ter-22 is half of it\nwhole\n", 5000);
        assert_eq!(said, "whole");
        assert!(!shown(&[("TOKEN", "hunter-22")], "ter-22 is half of it", 5000).contains("ter-22"));
        let many: String = (0..100).map(|nth| format!("line {nth}\n")).collect();
        let said = shown(&[], &many, many.len());
        assert_eq!((said.lines().count(), said.lines().last()), (MOST_LINES, Some("line 99")));
    }
}
