//! Texts with references in them: how they are written, and what is wrong with one that is not.

use super::definition::{Name, Piece, Template};
use std::fmt;
use std::ops::Range;

/// The longest name of a runbook, a parameter or a step.
const NAME_CHARS: usize = 64;

/// What is wrong with a text that should be a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateMistake {
    /// The bytes of the text that it is about.
    pub at: Range<usize>,
    /// What is wrong.
    pub says: String,
    /// What to write instead.
    pub help: String,
}

/// Says whether `text` can name a runbook, a parameter or a step: lower-case letters, digits and dashes, beginning with
/// a letter, at most 64 characters.
pub fn is_name(text: &str) -> bool {
    text.len() <= NAME_CHARS
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Says whether `text` can name a field of a step or of a reading.
fn is_field(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Says whether `text` can name a component, as the estate file has it.
fn is_component(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_/".contains(c))
}

impl Template {
    /// Reads a text with references: `${params.x}`, `${steps.id.field}` and `${readings.component.field}`; `$$` is a
    /// dollar. Its [`fmt::Display`] writes the same again.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<TemplateMistake>> {
        let (mut pieces, mut plain, mut wrong) = (Vec::new(), String::new(), Vec::new());
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(before) = rest.find('$') else {
                plain.push_str(rest);
                break;
            };
            plain.push_str(rest.get(..before).unwrap_or_default());
            let dollar = at + before;
            let rest = rest.get(before + 1..).unwrap_or_default();
            if rest.starts_with('$') {
                plain.push('$');
                at = dollar + 2;
            } else if let Some(inner) = rest.strip_prefix('{') {
                let Some(length) = inner.find('}') else {
                    wrong.push(TemplateMistake {
                        at: dollar..text.len(),
                        says: "this reference has no end".to_owned(),
                        help: "write `}` after it; `$$` stands for a dollar".to_owned(),
                    });
                    break;
                };
                let end = dollar + 2 + length + 1;
                match reference(inner.get(..length).unwrap_or_default()) {
                    Ok(piece) => {
                        if !plain.is_empty() {
                            pieces.push(Piece::Plain(std::mem::take(&mut plain)));
                        }
                        pieces.push(piece);
                    }
                    Err((says, help)) => wrong.push(TemplateMistake { at: dollar..end, says, help }),
                }
                at = end;
            } else {
                wrong.push(TemplateMistake {
                    at: dollar..dollar + 1,
                    says: "a dollar alone says nothing".to_owned(),
                    help: "write `$$` for a dollar, or a reference such as `${params.database}`".to_owned(),
                });
                at = dollar + 1;
            }
        }
        if !plain.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Plain(plain));
        }
        if wrong.is_empty() { Ok(Self(pieces)) } else { Err(wrong) }
    }

    /// Returns the text, where nothing is referred to.
    pub fn as_plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Plain(text)] => Some(text),
            _ => None,
        }
    }

    /// Returns the reference, where it is the whole of the text.
    pub fn as_reference(&self) -> Option<&Piece> {
        match self.0.as_slice() {
            [Piece::Plain(_)] => None,
            [only] => Some(only),
            _ => None,
        }
    }

    /// Returns the parameters that it refers to; one whose component a reading is of, too.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Param(name) => Some(name.as_str()),
            Piece::Reading(component, _) => component.strip_prefix("params."),
            Piece::Plain(_) | Piece::Step(..) => None,
        })
    }
}

/// Reads what stands between the braces.
fn reference(text: &str) -> Result<Piece, (String, String)> {
    let wrong = |help: &str| (format!("`${{{text}}}` is not a reference"), help.to_owned());
    let any = "there are `${params.NAME}`, `${steps.STEP.FIELD}` and `${readings.COMPONENT.FIELD}`; nothing is worked out here";
    if text.trim() != text {
        return Err(wrong("write it without spaces inside the braces"));
    }
    let Some((first, rest)) = text.split_once('.') else { return Err(wrong(any)) };
    match first {
        "params" if is_name(rest) => Ok(Piece::Param(rest.to_owned())),
        "params" => Err(wrong("a parameter is referred to as `${params.NAME}`")),
        "steps" => match rest.split_once('.') {
            Some((id, field)) if is_name(id) && is_field(field) => {
                Ok(Piece::Step(id.to_owned(), field.to_owned()))
            }
            _ => Err(wrong("what a step brought is referred to as `${steps.STEP.FIELD}`")),
        },
        "readings" => {
            let help = "a reading is referred to as `${readings.COMPONENT.FIELD}` or `${readings.params.NAME.FIELD}`";
            // Names of components may hold dots, names of fields never.
            let (component, field) = rest.rsplit_once('.').ok_or_else(|| wrong(help))?;
            let fits = component.strip_prefix("params.").map_or_else(|| is_component(component), is_name);
            if !fits || !is_field(field) || component == "params" {
                return Err(wrong(help));
            }
            Ok(Piece::Reading(component.to_owned(), field.to_owned()))
        }
        _ => match meant(first) {
            Some(meant) => Err(wrong(&format!("did you mean `{meant}`?"))),
            None => Err(wrong(any)),
        },
    }
}

pub(super) fn meant(given: &str) -> Option<&'static str> {
    let near = |name: &&str| strsim::damerau_levenshtein(&given.to_lowercase(), name) <= 2;
    ["params", "steps", "readings"].into_iter().find(near)
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| piece.fmt(f))
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => f.write_str(&text.replace('$', "$$")),
            Self::Param(name) => write!(f, "${{params.{name}}}"),
            Self::Step(id, field) => write!(f, "${{steps.{id}.{field}}}"),
            Self::Reading(component, field) => write!(f, "${{readings.{component}.{field}}}"),
        }
    }
}

/// Returns the name of a step's field as a plan refers to it, if `text` is one: `steps.restore.endpoint`. A step of a
/// called runbook bears the name of its call before its own, as in `steps.database.restore.endpoint`.
pub(super) fn step_field(text: &str) -> Option<(Name, Name)> {
    let (id, field) = text.strip_prefix("steps.")?.rsplit_once('.')?;
    (id.split('.').all(is_name) && is_field(field)).then(|| (id.to_owned(), field.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn references_are_told_from_text() {
        let read =
            Template::parse("a $$5 ${params.db}-${steps.restore.endpoint} ${readings.my.db/x.version}");
        let (plain, name) = (|text: &str| Piece::Plain(text.to_owned()), str::to_owned);
        assert_eq!(
            read,
            Ok(Template(vec![
                plain("a $5 "),
                Piece::Param(name("db")),
                plain("-"),
                Piece::Step(name("restore"), name("endpoint")),
                plain(" "),
                Piece::Reading(name("my.db/x"), name("version")),
            ]))
        );
        let read = Template::parse("${readings.params.db.version}").unwrap();
        assert_eq!(read.as_reference(), Some(&Piece::Reading(name("params.db"), name("version"))));
        assert_eq!(read.params().collect::<Vec<_>>(), ["db"]);
    }

    #[test]
    fn what_is_no_reference_says_what_to_write() {
        for (text, help) in [
            ("$5", "`$$` for a dollar"),
            ("${params.x", "write `}`"),
            ("${ params.x }", "without spaces"),
            ("${param.x}", "did you mean `params`?"),
            ("${params.x + 1}", "`${params.NAME}`"),
            ("${steps.x}", "`${steps.STEP.FIELD}`"),
            ("${readings.x}", "`${readings.COMPONENT.FIELD}`"),
            ("${readings.params.x}", "`${readings.params.NAME.FIELD}`"),
            ("${}", "`${params.NAME}`"),
            ("${env.HOME}", "nothing is worked out here"),
        ] {
            let wrong = Template::parse(text).unwrap_err();
            assert!(wrong[0].help.contains(help), "{text}: {wrong:?}");
        }
        assert_eq!(Template::parse("$ ${x} $").unwrap_err().len(), 3, "all of them are found");
    }

    proptest! {
        #[test]
        fn any_text_survives_as_a_template_without_references(text in "\\PC*|[${}a-z.]{0,40}") {
            let written = text.replace('$', "$$");
            let read = Template::parse(&written);
            prop_assert_eq!(read.as_ref().ok().and_then(Template::as_plain), Some(text.as_str()));
            prop_assert_eq!(read.map(|read| read.to_string()), Ok(written));
        }

        #[test]
        fn what_is_read_is_written_the_same(text in "([$][$]|[a-z ]|[$][{]params[.]x[}]|[$][{]steps[.]a[.]b[}]){0,20}") {
            prop_assert_eq!(Template::parse(&text).map(|read| read.to_string()), Ok(text));
        }

        #[test]
        fn no_text_stops_the_reader(text in "\\PC*|[${}a-z.]{0,60}") {
            let _ = Template::parse(&text);
        }
    }
}
