//! Host names: what they look like, and which of them say nothing about anybody.

use super::Redactor;
use super::letter::{Class, among};
use super::piece::Mask;
use super::pseudonym::Kind;
use super::top_level::{Trust, trust};

/// Words before a dot in programs and configurations rather than in networks: `self.id`, `var.app`, `java.net`.
const CODE: &str = "\
    self this std java javax var local module data each output path log tracing";

/// Hosts of everybody: documentation, consoles, and the labels of Kubernetes that are written like hosts.
const PUBLIC: [&str; 4] =
    ["aws.amazon.com", "docs.aws.amazon.com", "console.aws.amazon.com", "signin.aws.amazon.com"];

/// What stands before the Region in an endpoint of AWS itself. Endpoints of customers have a name there.
const SERVICES: &str = "\
    api autoscaling backup cloudformation cloudtrail dlm dualstack dynamodb ec2 ecs eks \
    elasticloadbalancing iam kms lambda logs monitoring oidc rds route53 s3 secretsmanager ssm sts \
    tagging";

/// Labels that end a host's name even if something is glued to it: `example.com-logs`, `db.example.com.sql.gz`.
const ENDS: &str = "com net org internal";

/// Labels that end one with two others before them, if something is glued to them by a hyphen or an underscore.
const GLUED: &str = "corp example intern lan local localdomain";

/// The most characters of a label.
const LABEL: usize = 63;

/// Hides host names. Names of files, versions, paths in programs and figures are none.
pub(super) fn find(redactor: &Redactor, text: &str, masks: &mut Vec<Mask>) {
    for (at, run) in Class::Host.runs(text) {
        if !run.contains(['.', '-']) {
            continue;
        }
        let name = run.trim_start_matches(['.', '-']);
        let start = at + run.len() - name.len();
        let name = name.trim_end_matches(['.', '-']);
        let named = name.contains('.');
        let host = host_at_start(name).map(|host| (0, host)).or_else(|| host_within(name)).filter(|_| named);
        let Some((from, host)) = host else {
            instances(redactor, at, run, masks);
            continue;
        };
        if !is_public(host) {
            masks.push(Mask::new(start + from..start + from + host.len(), shown(redactor, host)));
        }
    }
}

/// Returns what is shown in the place of `host`. The short and the long name of an instance are of the same host.
pub(super) fn shown(redactor: &Redactor, host: &str) -> String {
    let host = host.trim_end_matches('.');
    let short =
        address_in_name(host).filter(|short| host.strip_prefix(short).is_some_and(|r| r.starts_with('.')));
    redactor.pseudonym(Kind::Host, short.unwrap_or(host))
}

/// Hides what instances are called where nobody gave them a name: `ip-10-1-4-9`.
fn instances(redactor: &Redactor, at: usize, run: &str, masks: &mut Vec<Mask>) {
    for (start, _) in Class::Word.runs(run) {
        if let Some(name) = run.get(start..).and_then(address_in_name) {
            let range = at + start..at + start + name.len();
            masks.push(Mask::new(range, redactor.pseudonym(Kind::Host, name)));
        }
    }
}

/// Returns the `ip-10-1-4-9` that `text` begins with.
fn address_in_name(text: &str) -> Option<&str> {
    let start = ["ip-", "ec2-"].iter().find(|start| text.starts_with(**start))?.len();
    let mut end = start;
    for nth in 0..4 {
        if nth > 0 {
            end += usize::from(text.get(end..)?.starts_with('-'));
        }
        let digits = text.get(end..)?.bytes().take(4).take_while(u8::is_ascii_digit).count();
        text.get(end..end + digits)?.parse::<u8>().ok()?;
        end += digits;
    }
    text.get(end..)?.chars().next().is_none_or(|next| !next.is_ascii_alphanumeric()).then_some(())?;
    text.get(..end)
}

/// Returns the host's name that `name` is, or begins with.
pub(super) fn host_at_start(name: &str) -> Option<&str> {
    if is_host_name(name) {
        return Some(name);
    }
    let mut end = 0;
    for (nth, label) in name.split('.').enumerate() {
        let word = label.split(['-', '_']).next().unwrap_or(label);
        let glued = nth > 1 && word.len() < label.len() && among(GLUED, word);
        if glued || (nth > 0 && among(ENDS, word)) {
            let host = name.get(..end + word.len())?;
            return is_host_name(host).then_some(host);
        }
        end += label.len() + 1;
    }
    None
}

/// Returns the host's name within `name`, and where it begins: between letters of scripts that have no spaces, or between
/// underscores. An underscore may as well belong to an address of Terraform, such as `aws_instance.dev`, so the last
/// label must be beyond doubt there.
fn host_within(name: &str) -> Option<(usize, &str)> {
    let ascii = if name.is_ascii() { None } else { part(name, |c| !c.is_ascii(), |part| !part.is_empty()) };
    let sure = |part: &str| [".com", ".net", ".org"].iter().any(|end| part.ends_with(end));
    ascii.or_else(|| part(name, |c| c == '_', sure))
}

fn part(name: &str, parts: impl Fn(char) -> bool, fits: impl Fn(&str) -> bool) -> Option<(usize, &str)> {
    let mut at = 0;
    name.split_inclusive(parts).find_map(|part| {
        let start = at;
        at += part.len();
        let part = part.trim_end_matches(|c: char| !c.is_ascii() || c == '_').trim_end_matches(['.', '-']);
        let dots = part.len() - part.trim_start_matches(['.', '-']).len();
        let part = part.get(dots..)?;
        (fits(part) && is_host_name(part)).then_some((start + dots, part))
    })
}

fn is_host_name(name: &str) -> bool {
    let Some((labels, last)) = name.rsplit_once('.') else { return false };
    let Some(trust) = trust(last) else { return false };
    let mut count = 0;
    let whole = labels.split('.').all(|label| {
        count += 1;
        is_label(label)
    });
    let first = labels.split('.').next().unwrap_or_default();
    // `gone.It`: a capital after a full stop.
    let glued =
        last.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().any(|b| b.is_ascii_lowercase());
    let named = labels.contains(char::is_alphabetic);
    whole
        && !glued
        && (named || among(ENDS, last))
        && (count > 1 || (trust == Trust::Sure && !among(CODE, first)))
}

fn is_label(label: &str) -> bool {
    // Only names of services in DNS begin with an underscore; inside, it makes a name of Terraform or Rust.
    let rest = label.strip_prefix('_').unwrap_or(label);
    !rest.is_empty()
        && label.len() <= LABEL
        && !rest.contains('_')
        && !rest.starts_with('-')
        && !rest.ends_with('-')
}

/// Says whether everybody knows `host`: knowing it says nothing about an estate.
pub(super) fn is_public(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if host == "localhost" || PUBLIC.contains(&host.as_str()) {
        return true;
    }
    // Labels and API groups of Kubernetes are written like hosts.
    if ["kubernetes.io", "k8s.io"]
        .iter()
        .any(|own| host.strip_suffix(own).is_some_and(|r| r.is_empty() || r.ends_with('.')))
    {
        return true;
    }
    let labels =
        [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].iter().find_map(|end| host.strip_suffix(end));
    labels.is_some_and(|labels| {
        labels.split('.').all(|label| among(SERVICES, label.trim_end_matches("-fips")) || is_region(label))
    })
}

fn is_region(label: &str) -> bool {
    let parts: Vec<_> = label.split('-').collect();
    let number = parts.last().is_some_and(|last| last.len() == 1 && last.bytes().all(|b| b.is_ascii_digit()));
    let words = parts
        .iter()
        .rev()
        .skip(1)
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()));
    let place = parts.first().is_some_and(|first| first.len() == 2);
    (3..=4).contains(&parts.len()) && number && words && place
}
