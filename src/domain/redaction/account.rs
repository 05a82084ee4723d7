//! Account ids: twelve digits, alone or within a name.

use super::Redactor;
use super::letter::{Class, after, before, is_uuid, is_word};
use super::piece::Mask;
use super::pseudonym::Kind;

const DIGITS: usize = 12;

/// From this length on, a word of hexadecimal digits is an id that happens to have twelve decimal ones in a row.
const HEX_ID: usize = 16;

/// Says whether `text` is an account id.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Hides account ids, also the way the console of AWS writes them: `1234-5678-9012`.
pub(super) fn find(redactor: &Redactor, text: &str, masks: &mut Vec<Mask>) {
    let mut done = 0;
    for (start, digits) in Class::Digit.runs(text) {
        let end = start + digits.len();
        if start < done {
            continue;
        }
        if is_account(digits)
            && !is_minute(digits)
            && !is_figure(text, start, end)
            && !is_hex_id(text, start, end)
        {
            masks.push(redactor.mask(Kind::Account, text, start..end));
        } else if digits.len() == 4
            && let Some(whole) = dashed(text, start)
        {
            done = start + whole.len();
            let plain = whole.replace('-', "");
            masks.push(Mask::new(start..done, redactor.pseudonym(Kind::Account, &plain)));
        }
    }
}

/// Says whether the digits stand within a word of hexadecimal digits that is too long to be a name with an account.
fn is_hex_id(text: &str, start: usize, end: usize) -> bool {
    let hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let left = text.get(..start).unwrap_or_default().bytes().rev().take(HEX_ID).take_while(hex).count();
    let right = text.get(end..).unwrap_or_default().bytes().take(HEX_ID).take_while(hex).count();
    let apart = |c: Option<char>| !c.is_some_and(is_word);
    left + DIGITS + right >= HEX_ID
        && ((left == HEX_ID || apart(before(text, start - left)))
            && (right == HEX_ID || apart(after(text, end + right))))
}

fn dashed(text: &str, start: usize) -> Option<&str> {
    let end = start + DIGITS + 2;
    let whole = text.get(start..end)?;
    let shape = whole.bytes().enumerate().all(|(at, byte)| match at {
        4 | 9 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let glued = |c: char| is_word(c) || c == '-';
    (shape && !before(text, start).is_some_and(glued) && !after(text, end).is_some_and(glued))
        .then_some(whole)
}

/// Decimals, sizes in bytes and the end of a UUID have twelve digits as well.
fn is_figure(text: &str, start: usize, end: usize) -> bool {
    let left = text.get(..start).unwrap_or_default();
    let decimals = left.strip_suffix('.').is_some_and(|left| left.ends_with(|c: char| c.is_ascii_digit()));
    let unit = text.get(end..).unwrap_or_default();
    let unit = unit.strip_prefix(' ').unwrap_or_default();
    let bytes = ["B", "byte", "bytes"]
        .iter()
        .any(|word| unit.strip_prefix(word).is_some_and(|rest| !rest.starts_with(is_word)));
    decimals || bytes || start.checked_sub(24).and_then(|from| text.get(from..end)).is_some_and(is_uuid)
}

/// Year, month, day, hour and minute of this time, as in the names of dumps. One account in forty thousand looks like
/// that; in an ARN it is hidden all the same.
fn is_minute(digits: &str) -> bool {
    let part = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<u32>().ok());
    let within = |from, to, least, most| part(from, to).is_some_and(|value| (least..=most).contains(&value));
    within(0, 4, 2000, 2039)
        && within(4, 6, 1, 12)
        && within(6, 8, 1, 31)
        && within(8, 10, 0, 23)
        && within(10, 12, 0, 59)
}
