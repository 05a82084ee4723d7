//! Secrets that are known by what stands before them: `password=…`, `"token": "…"`, `--secret …`, `Bearer …`.

use super::letter::{Class, after, before, run};
use super::piece::Mask;
use super::secret_name::{is_pair, is_secret_name};
use super::value::value;

/// How a label is joined to its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    /// `key=value`
    Equals,
    /// `key: value`
    Colon,
    /// `<key>value</key>`
    Element,
    /// `--key value`
    Space,
}

/// Hides the values of labels that name secrets. Labels and quotes stay.
pub(super) fn find(text: &str, masks: &mut Vec<Mask>) {
    let mut previous = "";
    let mut last = 0;
    let mut done = 0;
    for (start, label) in Class::Label.runs(text) {
        let end = start + label.len();
        if start >= done
            && let Some((joint, at)) = joint(text, start, label)
        {
            let near = start == last + 1 && text.get(last..start) == Some(" ");
            let pair = near && is_pair(&previous.to_ascii_lowercase(), &label.to_ascii_lowercase());
            let secret = pair || is_secret_name(label) || (joint == Joint::Space && is_bearer(label));
            if secret && let Some(range) = value(text, label, joint, at) {
                done = range.end;
                masks.push(Mask::secret(range));
            }
        }
        previous = label;
        last = end;
    }
}

/// Says whether `c` may stand in a label.
pub(super) fn is_label(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Says whether `label` is the scheme that stands before tokens.
pub(super) fn is_bearer(label: &str) -> bool {
    label.eq_ignore_ascii_case("bearer")
}

/// Returns how a label is joined to what follows, and where that begins.
fn joint(text: &str, start: usize, label: &str) -> Option<(Joint, usize)> {
    let end = start + label.len();
    if !text.as_bytes().get(end).is_some_and(|next| b"\\\"'` \t=:>%".contains(next)) {
        return None;
    }
    let slashed = skip(text, end, |c| c == '\\');
    let quoted = after(text, slashed).is_some_and(|c| matches!(c, '"' | '\'' | '`'));
    let close = if quoted { slashed + 1 } else { end };
    let at = skip(text, close, is_blank);
    let rest = text.get(at..)?;
    let (joint, at) = if rest.starts_with('=') {
        (Joint::Equals, skip(text, at, |c| matches!(c, '=' | '>')))
    } else if rest.starts_with("%3D") || rest.starts_with("%3d") {
        (Joint::Equals, at + 3)
    } else if rest.starts_with(':') {
        // `Token::new`, `sts:AssumeRole`, `…:secret:orders` and `//token:…@host` are no labels.
        let part = !quoted && before(text, start).is_some_and(|c| matches!(c, ':' | '/' | '@'));
        if part || rest.starts_with("::") || rest.starts_with("://") {
            return None;
        }
        (Joint::Colon, skip(text, at, |c| matches!(c, ':' | '=')))
    } else if rest.starts_with('>') && close == at && before(text, start) == Some('<') {
        (Joint::Element, at + 1)
    } else if at > end && (label.starts_with("--") || is_bearer(label)) {
        (Joint::Space, at)
    } else {
        return None;
    };
    Some((joint, skip(text, at, is_blank)))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

fn skip(text: &str, from: usize, belongs: impl Fn(char) -> bool) -> usize {
    from + run(text, from, belongs).len()
}
