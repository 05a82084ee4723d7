//! ARNs: the account, and the names of who acts. Partition, service, Region and the type of the resource stay.

use super::Redactor;
use super::account::is_account;
use super::letter::{among, is_uuid, is_word, run};
use super::piece::Mask;
use super::pseudonym::{Kind, is_settled};
use std::ops::Range;

/// Types of resources. They stay, even where the estate hides a name that is written the same.
const TYPES: &str = "\
    access-entry alarm alias assumed-role backup-plan backup-vault cluster cluster-snapshot db dbuser distribution es \
    federated-user file-system function group hostedzone image instance instance-profile job key listener loadbalancer \
    log-group mfa nodegroup og parameter pg policy proxy recovery-point replication-group role secret security-group \
    session snapshot stack subgrp subnet table targetgroup task user volume vpc";

/// Hides accounts and identities in ARNs. What else a resource is called is left to the other rules.
pub(super) fn find(redactor: &Redactor, text: &str, masks: &mut Vec<Mask>) {
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find("arn:aws")).map(|found| from + found) {
        from = start + "arn:aws".len();
        if let Some(arn) = Arn::read(text, start) {
            from = arn.resource.end.max(from);
            arn.hide(redactor, text, start, masks);
        }
    }
}

/// Where the parts of an ARN lie.
struct Arn<'a> {
    service: &'a str,
    account: Range<usize>,
    resource: Range<usize>,
}

impl<'a> Arn<'a> {
    fn read(text: &'a str, start: usize) -> Option<Self> {
        let whole =
            run(text, start, |c| is_word(c) || ":/_-.+=@*?$".contains(c)).trim_end_matches(['.', ':']);
        let mut parts = whole.splitn(6, ':').skip(2);
        let (service, region, account, resource) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let end = start + whole.len();
        let resource = end - resource.len()..end;
        let account = resource.start - 1 - account.len()..resource.start - 1;
        (region.len() <= 32).then_some(Self { service, account, resource })
    }

    fn hide(&self, redactor: &Redactor, text: &str, start: usize, masks: &mut Vec<Mask>) {
        let keep =
            |range: Range<usize>| Mask::new(range.clone(), text.get(range).unwrap_or_default().to_owned());
        masks.push(keep(start..self.account.start));
        if text.get(self.account.clone()).is_some_and(is_account) {
            masks.push(redactor.mask(Kind::Account, text, self.account.clone()));
        }
        let resource = text.get(self.resource.clone()).unwrap_or_default();
        let Some((kind, rest)) = resource.split_once([':', '/']) else { return };
        let named = self.resource.end - rest.len()..self.resource.end;
        if among(TYPES, kind) {
            masks.push(keep(self.resource.start..named.start));
        }
        let last = named.end - rest.rsplit('/').next().unwrap_or(rest).len()..named.end;
        match (self.service, kind) {
            ("iam", "role" | "instance-profile") => actor(redactor, text, Kind::Role, last, masks),
            ("iam", "group") => actor(redactor, text, Kind::Group, last, masks),
            ("sts", "assumed-role") => {
                let role = rest.split('/').next().unwrap_or(rest).len();
                actor(redactor, text, Kind::Role, named.start..named.start + role, masks);
                let session = (named.start + role + 1).min(named.end);
                actor(redactor, text, Kind::Session, session..named.end, masks);
            }
            ("ssm", "session") => actor(redactor, text, Kind::Session, named, masks),
            // The device of a person has the person's name. Users are called so by every service that has some.
            (_, "user" | "federated-user" | "mfa" | "sms-mfa" | "u2f" | "server-certificate" | "dbuser") => {
                actor(redactor, text, Kind::User, last, masks);
            }
            _ => {}
        }
    }
}

/// Hides the name of somebody or something that acts.
pub(super) fn actor(redactor: &Redactor, text: &str, kind: Kind, range: Range<usize>, masks: &mut Vec<Mask>) {
    let name = text.get(range.clone()).unwrap_or_default();
    if is_known(name) {
        masks.push(Mask::new(range, name.to_owned()));
    } else if let Some((_, address)) = name.split_once('@').filter(|(local, _)| !local.is_empty())
        && !address.is_empty()
    {
        // The session of somebody has the same pseudonym as the person.
        masks.push(redactor.mask(Kind::Person, text, range));
    } else if name.contains(is_word) {
        masks.push(redactor.mask(kind, text, range));
    }
}

/// Names that stay: pseudonyms, ids of instances and of users, and the roles that AWS makes for its own services.
fn is_known(name: &str) -> bool {
    let instance = name.strip_prefix("i-").is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let own =
        name.strip_prefix("AWSServiceRoleFor").is_some_and(|of| of.bytes().all(|b| b.is_ascii_alphabetic()));
    is_settled(name) || is_uuid(name) || instance || own
}
