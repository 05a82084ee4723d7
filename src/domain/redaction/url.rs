//! URLs: their users, passwords and hosts. The scheme stays, and so does the path but for what else is in it.

use super::Redactor;
use super::address::{is_nobody, is_v4};
use super::host::{is_public, shown};
use super::letter::{Class, ends_word, run};
use super::piece::Mask;
use super::pseudonym::{Kind, SECRET, is_settled};
use super::secret::looks_secret;
use std::net::Ipv6Addr;
use std::ops::Range;

/// Schemes whose first part names no host: buckets, files and what is looked up by name.
const WITHOUT_HOST: [&str; 12] =
    ["arn", "env", "file", "gcs", "gs", "op", "s3", "s3a", "s3n", "secret", "ssm", "vault"];

/// Hosts whose paths are secrets by themselves: who knows the address of a webhook may post.
const WEBHOOKS: [&str; 5] =
    ["hooks.slack.com", "webhook.office.com", "discord.com", "discordapp.com", "hooks.zapier.com"];

/// The longest scheme that is looked for.
const SCHEME: usize = 32;

/// The bounds of what stands without spaces around a URL, read once for all URLs in it.
#[derive(Default)]
struct Word {
    end: usize,
    last_at: Option<usize>,
}

impl Word {
    fn read(&mut self, text: &str, from: usize) {
        if from >= self.end {
            let word = run(text, from, |c| !ends_word(c));
            self.end = from + word.len();
            self.last_at = word.rfind('@').map(|at| from + at);
        }
    }
}

/// Hides users, passwords and hosts of URLs.
pub(super) fn find(redactor: &Redactor, text: &str, masks: &mut Vec<Mask>) {
    let mut word = Word::default();
    let mut from = 0;
    while let Some(colon) = text.get(from..).and_then(|rest| rest.find("://")).map(|found| from + found) {
        let start = colon + 3;
        from = start;
        if has_host(text, colon) {
            word.read(text, start);
            from = authority(redactor, text, start, &word, masks).max(start);
        }
    }
}

fn has_host(text: &str, colon: usize) -> bool {
    let left = text.get(..colon).unwrap_or_default();
    let length = left
        .bytes()
        .rev()
        .take(SCHEME)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        .count();
    let scheme = left.get(left.len() - length..).unwrap_or_default().to_ascii_lowercase();
    let arn = text.get(colon + 3..).is_some_and(|rest| rest.starts_with("arn:aws"));
    !arn && !scheme.is_empty() && !WITHOUT_HOST.contains(&scheme.as_str())
}

/// Hides what stands between a scheme and a path; returns where it ends.
fn authority(redactor: &Redactor, text: &str, start: usize, word: &Word, masks: &mut Vec<Mask>) -> usize {
    let until = |from: usize| run(text, from, |c| !ends_word(c) && !matches!(c, '/' | '?' | '#'));
    let whole = until(start);
    let mut at = whole.rfind('@').map(|at| start + at);
    let odd = |text: &str| text.split_once(':').is_some_and(|(_, port)| !is_port(port));
    if at.is_none() && odd(whole) {
        // A password with a slash in it.
        at = word.last_at.filter(|at| *at >= start);
    }
    let mut begin = start;
    if let Some(at) = at {
        login(redactor, text, start..at, masks);
        begin = at + 1;
    }
    let name = host_name(text, begin);
    let mut end = begin + name.len();
    host(redactor, text, begin..end, masks);
    if let Some(port) = until(end).strip_prefix(':') {
        let settled = port.get(..SECRET.len()).filter(|port| *port == SECRET);
        let port = settled.unwrap_or(port.trim_end_matches([')', ',', ';', ']', '}', '.', ':']));
        if !is_port(port) {
            masks.push(Mask::secret(end + 1..end + 1 + port.len()));
        }
        end += 1 + port.len();
    }
    let name = name.to_ascii_lowercase();
    if WEBHOOKS.iter().any(|hook| name.strip_suffix(hook).is_some_and(|r| r.is_empty() || r.ends_with('.'))) {
        let path = run(text, end, |c| !ends_word(c)).trim_end_matches([')', ',', ';', ']', '}', '.']);
        if path.len() > 1 {
            masks.push(Mask::secret(end + 1..end + path.len()));
        }
        end += path.len();
    }
    end
}

fn is_port(text: &str) -> bool {
    let text = text.trim_end_matches([')', ',', ';', ']', '}', '.', ':']);
    // The name of a variable may stand in its place.
    text.starts_with(['$', '{']) || (text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn host_name(text: &str, from: usize) -> &str {
    let rest = text.get(from..).unwrap_or_default();
    if rest.starts_with('[') {
        let inner = run(text, from + 1, |c| c.is_ascii_hexdigit() || matches!(c, ':' | '.' | '%'));
        let whole = rest.get(..inner.len() + 2).filter(|whole| whole.ends_with(']'));
        let sign = rest.get(..SECRET.len()).filter(|sign| *sign == SECRET);
        return whole.or(sign).unwrap_or_default();
    }
    text.get(from..Class::Host.end(text, from)).unwrap_or_default().trim_end_matches('.')
}

fn login(redactor: &Redactor, text: &str, range: Range<usize>, masks: &mut Vec<Mask>) {
    let login = text.get(range.clone()).unwrap_or_default();
    let colon = login.find(':').map_or(range.end, |colon| range.start + colon);
    user(redactor, text, range.start..colon, masks);
    if colon < range.end {
        masks.push(Mask::secret(colon + 1..range.end));
    }
}

/// Hides the user of a login. Tokens stand in the place of users, too.
pub(super) fn user(redactor: &Redactor, text: &str, range: Range<usize>, masks: &mut Vec<Mask>) {
    let name = text.get(range.clone()).unwrap_or_default();
    if is_settled(name) {
        masks.push(Mask::new(range, name.to_owned()));
    } else if looks_secret(name) {
        masks.push(Mask::secret(range));
    } else if !name.is_empty() {
        masks.push(redactor.mask(Kind::Person, text, range));
    }
}

/// Hides a host that is known to be one by its place.
pub(super) fn host(redactor: &Redactor, text: &str, range: Range<usize>, masks: &mut Vec<Mask>) {
    let name = text.get(range.clone()).unwrap_or_default();
    let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if inner.is_empty() || name.chars().all(|c| !c.is_alphanumeric()) {
        return;
    }
    let inside = range.start + (name.len() - inner.len()) / 2..range.end - (name.len() - inner.len()) / 2;
    let shown = if is_settled(name) || is_settled(inner) || is_public(name) || is_nobody(inner) {
        inner.to_owned()
    } else if is_v4(inner) || inner.parse::<Ipv6Addr>().is_ok() {
        redactor.pseudonym(Kind::Address, inner)
    } else {
        shown(redactor, inner)
    };
    masks.push(Mask::new(inside, shown));
}
