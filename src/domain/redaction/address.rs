//! IP addresses, also with a port or a prefix length behind them.

use super::Redactor;
use super::letter::{Class, after, before};
use super::piece::Mask;
use super::pseudonym::Kind;
use std::net::Ipv6Addr;

/// The longest way to write an IPv6 address, with a little room for what is glued to it.
const LONGEST: usize = 64;

/// Hides the addresses of both versions.
pub(super) fn find(redactor: &Redactor, text: &str, masks: &mut Vec<Mask>) {
    for (start, run) in Class::Address.runs(text) {
        if !run.contains([':', '.']) {
            continue;
        }
        let found =
            if run.contains("::") || run.matches(':').count() >= 7 { v6(text, start, run) } else { None };
        if let Some((at, address)) = found {
            if !is_nobody(address) {
                masks.push(redactor.mask(Kind::Address, text, at..at + address.len()));
            }
            continue;
        }
        // A label or a port may be joined to an address by a colon.
        let mut at = start;
        for part in run.split(':') {
            let odd = |c: char| !c.is_ascii_digit();
            let address = part.trim_matches(odd);
            let from = at + part.len() - part.trim_start_matches(odd).len();
            let end = from + address.len();
            let glued = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            if is_v4(address) && !is_nobody(address) && !glued(before(text, from)) && !glued(after(text, end))
            {
                masks.push(redactor.mask(Kind::Address, text, from..end));
            }
            at += part.len() + 1;
        }
    }
}

/// Says whether `text` is an IPv4 address.
pub(super) fn is_v4(text: &str) -> bool {
    text.len() <= 15
        && text.split('.').count() == 4
        && text.split('.').all(|octet| octet.len() <= 3 && octet.parse::<u8>().is_ok())
}

/// Nothing is known by knowing these: everywhere, nowhere and here.
pub(super) fn is_nobody(address: &str) -> bool {
    ["0.0.0.0", "127.0.0.1", "255.255.255.255", "::", "::1"].contains(&address)
}

/// Finds the IPv6 address in a run of its characters. What is glued to it by a colon before or behind, such as a label
/// or a port, does not belong to it.
fn v6<'a>(text: &str, start: usize, run: &'a str) -> Option<(usize, &'a str)> {
    let mut at = start;
    let mut run = run.trim_end_matches('.');
    if run.ends_with(':') && !run.ends_with("::") {
        run = run.strip_suffix(':').unwrap_or(run);
    }
    // `64::d_tag` is a path in a program.
    let short = run.matches(':').count() < 3;
    let glued = |c: char| c.is_ascii_alphanumeric() || (short && c == '_');
    if run.len() > LONGEST || after(text, start + run.len()).is_some_and(glued) {
        return None;
    }
    for _ in 0..3 {
        let apart = !before(text, at).is_some_and(glued);
        if apart && is_v6(run) {
            return Some((at, run));
        }
        if let Some((shorter, _)) = run.rsplit_once(':').filter(|(shorter, _)| apart && is_v6(shorter)) {
            return Some((at, shorter));
        }
        let (first, rest) = run.split_once(':')?;
        at += first.len() + 1;
        run = rest;
    }
    None
}

/// `a::b` is a path in a program rather than an address; an address without a digit is rare.
fn is_v6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
        && (text == "::" || text.bytes().any(|byte| byte.is_ascii_digit()) || text.matches(':').count() > 3)
}
