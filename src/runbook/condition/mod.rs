//! Conditions: when a step runs, in CEL over `params` and `steps`.
//!
//! CEL is what operators know from admission policies. It is read by the crate `cel`, whose only place is here; and
//! because CEL itself calls a number and a text merely unequal, `judge` refuses to compare them. A condition that
//! cannot be worked out is an error that says what and where; it is never taken for false.
//!
//! A span of time is its seconds, and `duration("15 min")` is one; a moment is compared with `timestamp("2026-10-12")`
//! or with another moment. A dash is a minus in CEL, so a name with a dash is written `params["data-base"]`.

mod evaluate;
mod judge;

pub use evaluate::Operand;

use cel::Program;
use judge::Judge;
use std::fmt;

/// The longest condition, in bytes: whoever reads it has to understand it.
const LONGEST: usize = 1_000;

/// What a value in a condition is, as far as it can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A text.
    Text,
    /// A number.
    Number,
    /// True or false.
    Switch,
    /// A span of time; it goes with numbers, as its seconds.
    Seconds,
    /// A moment.
    Moment,
    /// Nobody knows before it is there.
    Unknown,
}

impl Type {
    /// Says it to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Switch => "true or false",
            Self::Seconds => "a span of time",
            Self::Moment => "a moment",
            Self::Unknown => "something",
        }
    }

    fn goes_with(self, other: Self) -> bool {
        let spans = |one, another| one == Self::Seconds && another == Self::Number;
        self == other
            || self == Self::Unknown
            || other == Self::Unknown
            || spans(self, other)
            || spans(other, self)
    }
}

/// What a condition refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference<'a> {
    /// `params.name`
    Param(&'a str),
    /// `steps.id.field`; the field `state` is there for every step.
    Step(&'a str, &'a str),
}

/// Says what a thing is that a condition refers to; or what is wrong with the reference, and perhaps what to write instead.
pub type Known<'a> = dyn Fn(Reference<'_>) -> Result<Type, (String, Option<String>)> + 'a;

/// What is wrong with a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionMistake {
    /// The character of the condition where it begins, from 0.
    pub at: usize,
    /// What is wrong.
    pub says: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl ConditionMistake {
    fn new(at: usize, says: impl Into<String>) -> Self {
        Self { at, says: says.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl fmt::Display for ConditionMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the condition cannot be worked out at its character {}: {}", self.at + 1, self.says)
    }
}

impl std::error::Error for ConditionMistake {}

/// A condition that is CEL.
pub struct Condition {
    source: String,
    program: Program,
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// Everything in it that is not CEL.
    pub fn parse(source: &str) -> Result<Self, Vec<ConditionMistake>> {
        let help = "it is CEL, such as `params.target == \"a\" && steps.restore.state == \"done\"`";
        if source.trim().is_empty() {
            return Err(vec![ConditionMistake::new(0, "this condition is empty").help(help)]);
        }
        if source.len() > LONGEST {
            let says = format!("this condition has {} bytes, more than the {LONGEST} allowed", source.len());
            return Err(vec![ConditionMistake::new(0, says)]);
        }
        match Program::compile(source) {
            Ok(program) => Ok(Self { source: source.to_owned(), program }),
            Err(wrong) => Err({ wrong.errors }
                .into_iter()
                .take(1) // the others follow from the first
                .map(|error| {
                    let at = character(source, error.pos);
                    let says = plain(&error.msg);
                    ConditionMistake::new(at, format!("this is not CEL: {says}")).help(help)
                })
                .collect()),
        }
    }

    /// Returns everything that is wrong with it, by what is `known` of the things that it refers to.
    pub fn check(&self, known: &Known<'_>) -> Vec<ConditionMistake> {
        Judge::of(self, known)
    }
}

/// Says in plain words what the parser says.
fn plain(says: &str) -> String {
    let says = says.trim_start_matches("Syntax error: ");
    // What it would have expected is a list of signs that nobody reads.
    let says = says.split(" expecting ").next().unwrap_or_default();
    let token = says.split_once('\'').and_then(|(_, rest)| rest.rsplit_once('\'')).map(|(token, _)| token);
    match token {
        Some("<EOF>") => "something is missing at its end".to_owned(),
        Some(token) => format!("`{}` does not belong here", token.replace("<EOF>", "")),
        None => says.split(['\n', '{']).next().unwrap_or_default().trim().to_lowercase(),
    }
}

/// Returns the character that stands at a line and column, both from 1.
fn character(source: &str, (line, column): (isize, isize)) -> usize {
    let lines = usize::try_from(line).unwrap_or(1).saturating_sub(1);
    let before: usize = source.split_inclusive('\n').take(lines).map(|line| line.chars().count()).sum();
    (before + usize::try_from(column).unwrap_or(1).saturating_sub(1)).min(source.chars().count())
}

#[cfg(test)]
mod tests;
