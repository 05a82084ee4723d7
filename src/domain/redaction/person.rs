//! People: e-mail addresses, `user@host`, and logins written before a host without a scheme.

use super::Redactor;
use super::address::is_v4;
use super::host::host_at_start;
use super::letter::{Class, among, ends_word, is_word};
use super::piece::Mask;
use super::pseudonym::{Kind, is_settled};
use super::url::{host, user};

/// Words before a colon that say whose address follows. Any other word there is a user whose password follows.
const LABELS: &str = "\
    author by cc contact email from git lock mail mailto name on operator owner person principal role \
    session ssh subject to user who";

/// What stands behind an at sign where versions are named rather than hosts.
const VERSIONS: &str = "latest main master sha1 sha256 sha512";

/// Hides people, and passwords before an at sign.
pub(super) fn find(redactor: &Redactor, text: &str, masks: &mut Vec<Mask>) {
    if !text.contains('@') {
        return;
    }
    let mut word = 0;
    let mut colon = None;
    for (at, c) in text.char_indices() {
        if at < word {
            continue;
        }
        match c {
            '@' => {
                let end = domain_end(text, at + 1);
                let version = is_version(text.get(at + 1..end).unwrap_or_default());
                let login = colon.filter(|colon| is_login(text, word, *colon, at));
                let local = local(text, word, at);
                if end == at + 1 || version || (login.is_none() && local.is_empty()) {
                    // Nobody is meant by this sign; somebody may be by the next.
                    word = at + 1;
                } else {
                    match login {
                        Some(colon) => {
                            user(redactor, text, word..colon, masks);
                            masks.push(Mask::secret(colon + 1..at));
                            host(redactor, text, at + 1..end, masks);
                        }
                        None if is_settled(local) => {}
                        None => masks.push(redactor.mask(Kind::Person, text, at - local.len()..end)),
                    }
                    word = end;
                }
                colon = None;
            }
            ':' if colon.is_none() => colon = Some(at),
            _ if ends_word(c)
                || matches!(c, ',' | ';' | '=')
                || (colon.is_none() && matches!(c, '/' | '(' | ')' | '[' | ']' | '{' | '}' | '|')) =>
            {
                word = at + c.len_utf8();
                colon = None;
            }
            _ => {}
        }
    }
}

/// Returns where the host behind an at sign ends. More at signs behind it belong to it.
fn domain_end(text: &str, from: usize) -> usize {
    let mut end = from;
    loop {
        let name =
            text.get(end..Class::Host.end(text, end)).unwrap_or_default().trim_end_matches(['.', '-', '_']);
        if !name.starts_with(is_word) {
            // Without a name behind it, the last at sign is none of ours.
            return if end == from { from } else { end - 1 };
        }
        // The name of a file may go on behind it.
        end += host_at_start(name).unwrap_or(name).len();
        if !text.get(end..).is_some_and(|rest| rest.starts_with('@')) {
            return end;
        }
        end += 1;
    }
}

fn is_version(domain: &str) -> bool {
    let number = domain.strip_prefix('v').unwrap_or(domain).split(['-', '_']).next().unwrap_or_default();
    let dotted = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    among(VERSIONS, domain)
        || (number.len() < 12 && dotted && number.starts_with(|c: char| c.is_ascii_digit()) && !is_v4(number))
}

fn is_login(text: &str, start: usize, colon: usize, at: usize) -> bool {
    let user = text.get(start..colon).unwrap_or_default();
    let password = text.get(colon + 1..at).unwrap_or_default();
    let plain = |c: char| is_word(c) || matches!(c, '.' | '-' | '_') || matches!(c, '+' | '%');
    user.contains(char::is_alphabetic)
        && user.chars().all(plain)
        && !password.is_empty()
        && !password.starts_with('/')
        && !among(LABELS, &user.to_ascii_lowercase())
}

/// Returns the name before an at sign.
fn local(text: &str, word: usize, at: usize) -> &str {
    let left = text.get(word..at).unwrap_or_default();
    let belongs = |c: char| is_word(c) || matches!(c, '.' | '-' | '_' | '+' | '%');
    let local = left.rfind(|c| !belongs(c)).map_or(left, |last| {
        let local = left.get(last..).unwrap_or_default();
        local.strip_prefix(|c| !belongs(c)).unwrap_or(local)
    });
    local.trim_start_matches(['.', '-', '+', '%'])
}
