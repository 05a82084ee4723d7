//! Where the value behind a label ends, and which values are none.

use super::label::{Joint, is_bearer, is_label};
use super::letter::{Class, after, among, before, is_word, run};
use super::pseudonym::SECRET;
use std::ops::Range;

/// Words that may stand before credentials in a header. They stay.
const SCHEMES: &str = "\
    apikey aws4-hmac-sha256 basic bearer digest hmac negotiate ntlm token";

/// Of them, those with several words behind them.
const LONG_SCHEMES: &str = "\
    aws4-hmac-sha256 digest hmac";

/// Values that say there is no secret.
const NOTHING: &str = "\
    absent denied empty expired false invalid missing nil no none not null optional present required \
    true undefined unknown unset yes";

/// Words with which a sentence goes on behind a colon: `token: it has expired`.
const SENTENCE: &str = "\
    a an and any are at but by cannot could for from has have if in is it its may must of on or set \
    still that the their there they this to until used valid was we were with without you";

/// Labels behind which people write sentences.
const CREDENTIALS: [&str; 2] = ["credential", "credentials"];

/// The longest of the words above, and of schemes.
const WORD: usize = 16;

/// The fewest characters behind `Bearer` where no label says that a token follows.
const BEARER: usize = 16;

/// Returns where the secret behind a label lies, if one does.
pub(super) fn value(text: &str, label: &str, joint: Joint, at: usize) -> Option<Range<usize>> {
    if joint == Joint::Element {
        let end = at + run(text, at, |c| c != '<' && c != '\n').len();
        return text.get(end..)?.starts_with("</").then(|| secret(text, at..end, joint))?;
    }
    let at = inside(text, at)?;
    let slashes = run(text, at, |c| c == '\\').len();
    let quote = after(text, at + slashes).filter(|c| is_quote(*c));
    let found = if let Some(quote) = quote {
        let start = at + slashes + 1;
        let end = closing(text, start, quote, slashes);
        let scheme = scheme(text, start).filter(|(_, next)| *next < end);
        scheme.map_or(start, |(_, next)| next)..end
    } else if let Some((scheme, next)) = scheme(text, at) {
        next..if among(LONG_SCHEMES, &scheme) { line_end(text, next) } else { bare_end(text, next) }
    } else if label.to_ascii_lowercase().ends_with("cookie") {
        at..line_end(text, at)
    } else {
        at..bare_end(text, at)
    };
    let value = text.get(found.clone())?;
    let fits = match joint {
        Joint::Space if is_bearer(label) => {
            value.len() >= BEARER && value.bytes().any(|b| b.is_ascii_digit())
        }
        Joint::Space => !value.starts_with('-'),
        // `no credentials: profile observe is not there`; a single word is no credentials.
        Joint::Colon
            if quote.is_none() && CREDENTIALS.iter().any(|word| label.eq_ignore_ascii_case(word)) =>
        {
            value.bytes().any(|byte| byte.is_ascii_digit())
        }
        _ => true,
    };
    if fits { secret(text, found, joint) } else { None }
}

/// Returns where the value begins, behind any brackets; nothing if it is a structure with labels of its own.
fn inside(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    // Terraform says so in the place of values.
    if ["(sensitive value)", "(known after apply)", "arn:aws"].iter().any(|said| rest.starts_with(said))
        || refers(rest)
    {
        return None;
    }
    if let Some(rest) = rest.strip_prefix(SECRET) {
        return rest.starts_with(is_word).then_some(at);
    }
    let brackets = run(text, at, |c| matches!(c, '[' | '(' | '{' | ' ')).len();
    let start = at + brackets;
    if brackets > 0 {
        let bare = |c: char| is_label(c) || is_quote(c) || c == '\\';
        let label = run(text, start, bare).len();
        let settled = text.get(start - 1..).is_some_and(|rest| rest.starts_with(SECRET));
        if settled || label == 0 || matches!(after(text, start + label), Some(':' | '=')) {
            return None;
        }
    }
    Some(start)
}

/// Returns the scheme that stands before credentials, and where these begin.
fn scheme(text: &str, at: usize) -> Option<(String, usize)> {
    let word = run(text, at, is_label);
    let next = at + word.len();
    let blank = run(text, next, |c| c == ' ').len();
    let word = word.get(..).filter(|word| blank > 0 && word.len() <= WORD)?.to_ascii_lowercase();
    among(SCHEMES, &word).then_some((word, next + blank))
}

/// Returns `range` if there is a secret in it rather than nothing, a sign in its place, or a reference.
fn secret(text: &str, range: Range<usize>, joint: Joint) -> Option<Range<usize>> {
    let value = text.get(range.clone())?;
    let capitals =
        |rest: &str| rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let spoken =
        |rest: &str| rest.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-' | b' '));
    let lower = if value.len() <= WORD { value.to_ascii_lowercase() } else { String::new() };
    let spaced = |at: Option<char>| at.is_some_and(char::is_whitespace);
    let goes_on =
        joint == Joint::Colon && spaced(before(text, range.start)) && spaced(after(text, range.end));
    let absent = value.is_empty()
        // The closing bracket counts as what closes something around it.
        || SECRET.strip_suffix(']').is_some_and(|open| value == SECRET || value == open)
        || among(NOTHING, &lower)
        || (goes_on && among(SENTENCE, &lower))
        || (value.len() <= 2 && value.bytes().all(|b| b.is_ascii_digit()))
        || value.chars().all(|c| matches!(c, '*' | '•' | '…' | '.' | '-' | '–' | '—'));
    let reference = value.starts_with("arn:aws")
        || refers(value)
        || value.strip_prefix('$').is_some_and(capitals)
        || value.strip_prefix('<').is_some_and(|rest| spoken(rest.strip_suffix('>').unwrap_or(rest)));
    (!absent && !reference).then_some(range)
}

/// Says whether `text` begins with the name of a variable or a template in the place of a value.
fn refers(text: &str) -> bool {
    let variable = text.strip_prefix("${").map(|rest| rest.get(Class::Label.end(rest, 0)..));
    text.starts_with("{{")
        || variable.is_some_and(|rest| rest.is_some_and(|rest| rest.starts_with(['}', ':'])))
}

/// Returns where the quote is closed that is preceded by so many backslashes; the end of the line if it is not.
fn closing(text: &str, start: usize, quote: char, slashes: usize) -> usize {
    let mut before = 0;
    for (at, c) in text.get(start..).unwrap_or_default().char_indices() {
        match c {
            '\\' => before += 1,
            '\n' => return start + at,
            c if c == quote && (if slashes == 0 { before % 2 == 0 } else { before <= slashes }) => {
                return start + at - before.min(slashes);
            }
            _ => before = 0,
        }
    }
    text.len()
}

fn line_end(text: &str, start: usize) -> usize {
    start + run(text, start, |c| c != '\n' && !is_quote(c)).trim_end().len()
}

/// Returns where a value without quotes ends: at a space, at the next label, or at what closes what is around it.
fn bare_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let end =
        rest.char_indices().find(|(at, c)| is_end(text, start + at, *c)).map_or(rest.len(), |(at, _)| at);
    let value = rest.get(..end).unwrap_or_default();
    start + value.trim_end_matches([')', ']', '}', '>', ',', ';', '.']).len()
}

fn is_end(text: &str, at: usize, c: char) -> bool {
    let next = at + c.len_utf8();
    match c {
        c if c.is_whitespace() || c.is_control() => true,
        '"' | '\'' | '`' => after(text, next).is_none_or(|c| c.is_whitespace() || ",;:)}]>&|.\\".contains(c)),
        '\\' => after(text, next).is_some_and(is_quote),
        '<' => after(text, next) == Some('/'),
        '&' | ',' | ';' | '|' => {
            let quote = usize::from(after(text, next).is_some_and(is_quote));
            let label = run(text, next + quote, |c| is_label(c) || is_quote(c));
            let joint = after(text, next + quote + label.len());
            joint.is_none_or(char::is_whitespace) && label.is_empty() || matches!(joint, Some('=' | ':'))
        }
        _ => false,
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`')
}
