//! The least that an identity has to be allowed: an IAM policy from the table of operations, for what an estate holds.

use super::operation::{OPERATIONS, Operation};
use crate::domain::action::ActionClass;
use crate::domain::backend::Backend;
use crate::domain::estate::{Component, Estate, Provider, Purpose, Selector};
use crate::domain::ids::AccountId;
use crate::domain::kind::Kind;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The services to which a role may be given.
const ROLES_GO_TO: [&str; 3] = ["backup.amazonaws.com", "ec2.amazonaws.com", "monitoring.rds.amazonaws.com"];

/// Returns a policy for each account that the estate reads, by account.
pub fn documents(estate: &Estate, purpose: Purpose) -> Vec<(String, Value)> {
    let real = estate.environments.iter().filter(|environment| environment.provider == Provider::Aws);
    let names: BTreeSet<_> = real.clone().map(|environment| &environment.name).collect();
    let accounts: BTreeSet<AccountId> = real.map(|environment| environment.account.clone()).collect();
    let of_copies = estate.components.iter().filter(|component| names.contains(&component.environment));
    let of_copies =
        of_copies.flat_map(|component| component.sources.iter().map(|place| place.account.clone()));
    let is_account = |account: &AccountId| account.as_str().len() == 12;
    let all: BTreeSet<AccountId> = accounts.into_iter().chain(of_copies.filter(is_account)).collect();
    all.into_iter().map(|account| (account.to_string(), document(estate, &account, purpose))).collect()
}

/// Returns the operations that an identity needs for an estate: reads to observe, everything else to operate.
pub fn needed(estate: &Estate, account: &AccountId, purpose: Purpose) -> Vec<&'static Operation> {
    let kinds = kinds(estate, account);
    let is_alarmed = of_account(estate, account).any(|component| !component.alarms.is_empty());
    let by_tag = of_account(estate, account).any(|one| matches!(one.selector, Some(Selector::Tag { .. })));
    let wanted = |operation: &&&'static Operation| {
        let reads = operation.class == ActionClass::Read;
        let of_kind = match operation.name {
            // Alarms may be named by any component, and tags are asked for where something is found by one.
            "DescribeAlarms" => is_alarmed || kinds.contains(&Kind::Service),
            "GetResources" => by_tag || kinds.contains(&Kind::BackupVault),
            _ if operation.kinds.is_empty() => true,
            _ => kinds.iter().any(|kind| operation.serves(*kind)),
        };
        reads == (purpose == Purpose::Observe) && of_kind
    };
    OPERATIONS.iter().filter(wanted).copied().collect()
}

fn of_account<'a>(estate: &'a Estate, account: &'a AccountId) -> impl Iterator<Item = &'a Component> {
    estate.components.iter().filter(move |component| {
        component.home.account == *account || component.sources.iter().any(|place| place.account == *account)
    })
}

fn backends<'a>(estate: &'a Estate, account: &'a AccountId) -> impl Iterator<Item = &'a Backend> {
    estate.backends.iter().filter(move |backend| backend.home.account == *account)
}

/// Returns the buckets with states and dumps, each with the prefixes in it that matter, and the lock tables.
fn kept(estate: &Estate, account: &AccountId) -> (BTreeMap<String, BTreeSet<String>>, BTreeSet<String>) {
    let (mut buckets, mut tables) = (BTreeMap::<String, BTreeSet<String>>::new(), BTreeSet::new());
    let mut add = |path: &str| {
        let path = path.trim_start_matches("s3://");
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        if !bucket.is_empty() {
            buckets.entry(bucket.to_owned()).or_default().insert(key.to_owned());
        }
    };
    for backend in backends(estate, account) {
        for place in backend.places() {
            let Some((bucket, table)) = backend.at(place) else { continue };
            for prefix in backend.prefixes() {
                add(&format!("{bucket}/{prefix}"));
            }
            tables.extend(table.map(ToString::to_string));
        }
    }
    let is_kept = |component: &&Component| {
        matches!(component.kind, Kind::TerraformState)
            || (component.kind == Kind::DatabaseDump
                && matches!(&component.selector, Some(Selector::Id(id)) if id.as_str().starts_with("s3://")))
    };
    for component in of_account(estate, account).filter(is_kept) {
        if let Some(Selector::Id(id)) = &component.selector {
            add(id.as_str());
        }
        for (_, at) in component.declared.iter().filter(|(place, _)| place.account == *account) {
            add(at.as_str());
        }
    }
    (buckets, tables)
}

fn kinds(estate: &Estate, account: &AccountId) -> BTreeSet<Kind> {
    let of_components = of_account(estate, account).map(|component| component.kind);
    let backends = backends(estate, account).next().map(|_| Kind::TerraformState);
    of_components.chain(backends).collect()
}

/// Returns the policy for `account`.
fn document(estate: &Estate, account: &AccountId, purpose: Purpose) -> Value {
    // Permissions of one service and the same resources share a statement.
    let mut statements: BTreeMap<(&str, Vec<String>), BTreeSet<&str>> = BTreeMap::new();
    for operation in needed(estate, account, purpose) {
        for permission in operation.permissions {
            let service = permission.split_once(':').map_or("", |(service, _)| service);
            let resources = resources(estate, account, permission, purpose);
            if resources.is_empty() {
                continue; // there is no such thing in this account
            }
            statements.entry((service, resources)).or_default().insert(permission);
        }
    }
    let regions: BTreeSet<&str> = estate
        .components
        .iter()
        .flat_map(|component| component.sources.iter().chain([&component.home]))
        .map(|place| place.region.as_str())
        .chain(estate.environments.iter().map(|environment| environment.region.as_str()))
        .filter(|region| region.contains('-'))
        .collect();
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let statements = statements.into_iter().map(|((service, resources), actions)| {
        let nth = numbers.entry(service).or_default();
        *nth += 1;
        let name: String = service.chars().filter(char::is_ascii_alphanumeric).collect();
        let name = name.to_uppercase();
        let mut statement = json!({
            "Sid": format!("Lifeboat{}{name}Part{nth}", if purpose == Purpose::Observe { "Observe" } else { "Operate" }),
            "Effect": "Allow",
            "Action": actions,
            "Resource": resources,
        });
        let condition = match service {
            // The services without Regions answer in one of their own.
            "iam" if actions.contains("iam:PassRole") => {
                Some(json!({ "StringEquals": { "iam:PassedToService": ROLES_GO_TO } }))
            }
            "route53" | "iam" | "sts" | "s3" => None,
            // Keys are used by services on our behalf, and granted to nobody else.
            "kms" if purpose == Purpose::Operate => Some(json!({
                "StringEquals": { "aws:RequestedRegion": regions },
                "BoolIfExists": { "kms:GrantIsForAWSResource": true },
            })),
            _ => Some(json!({ "StringEquals": { "aws:RequestedRegion": regions } })),
        };
        if let (Some(condition), Some(fields)) = (condition, statement.as_object_mut()) {
            fields.insert("Condition".to_owned(), condition);
        }
        statement
    });
    json!({ "Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>() })
}

/// Returns the resources that a permission is needed for, as narrow as the service lets them be told beforehand.
fn resources(estate: &Estate, account: &AccountId, permission: &str, purpose: Purpose) -> Vec<String> {
    let everything = || vec!["*".to_owned()];
    let named = |kind: Kind, arn: &dyn Fn(&str) -> Vec<String>| {
        let mut arns = BTreeSet::new();
        for component in of_account(estate, account).filter(|component| component.kind == kind) {
            let Some(Selector::Id(id)) = &component.selector else { return everything() };
            arns.extend(arn(id.as_str().rsplit([':', '/']).next().unwrap_or(id.as_str())));
            for (_, at) in component.declared.iter().filter(|(place, _)| place.account == *account) {
                arns.extend(arn(at
                    .as_str()
                    .trim_start_matches("s3://")
                    .split('/')
                    .next()
                    .unwrap_or_default()));
            }
            // Where it is replicated to is known to the service only.
            if kind == Kind::S3Bucket && component.sources.len() > 1 && component.declared.is_empty() {
                return everything();
            }
        }
        if arns.is_empty() { everything() } else { arns.into_iter().collect() }
    };
    match permission {
        "s3:ListAllMyBuckets" => everything(),
        "s3:ListBucket" => {
            kept(estate, account).0.keys().map(|bucket| format!("arn:aws:s3:::{bucket}")).collect()
        }
        "s3:ListBucketVersions" => {
            let listed = kept(estate, account).0.into_keys().map(|bucket| format!("arn:aws:s3:::{bucket}"));
            let of_buckets = of_account(estate, account).any(|component| component.kind == Kind::S3Bucket);
            let of_buckets = if of_buckets {
                named(Kind::S3Bucket, &|bucket| vec![format!("arn:aws:s3:::{bucket}")])
            } else {
                Vec::new()
            };
            let all: BTreeSet<String> = listed.chain(of_buckets).collect();
            if all.contains("*") { everything() } else { all.into_iter().collect() }
        }
        // The bytes of states and of checksum files, and nobody else's.
        "s3:GetObject" | "s3:GetObjectVersion" if purpose == Purpose::Observe => {
            let all = kept(estate, account).0.into_iter().flat_map(|(bucket, prefixes)| {
                prefixes.into_iter().map(move |prefix| format!("arn:aws:s3:::{bucket}/{prefix}*"))
            });
            all.collect()
        }
        "dynamodb:Scan" | "dynamodb:GetItem" => {
            let tables = kept(estate, account).1;
            tables.iter().map(|table| format!("arn:aws:dynamodb:*:{account}:table/{table}")).collect()
        }
        "s3:GetObject"
        | "s3:GetObjectVersion"
        | "s3:PutObject"
        | "s3:DeleteObject"
        | "s3:DeleteObjectVersion"
        | "s3:GetObjectTagging"
        | "s3:GetObjectVersionTagging"
        | "s3:ListMultipartUploadParts"
        | "s3:AbortMultipartUpload"
        | "s3:PutObjectTagging" => named(Kind::S3Bucket, &|bucket| vec![format!("arn:aws:s3:::{bucket}/*")]),
        permission if permission.starts_with("s3:") => {
            named(Kind::S3Bucket, &|bucket| vec![format!("arn:aws:s3:::{bucket}")])
        }
        "dynamodb:ListBackups" | "dynamodb:ListTables" => everything(),
        permission if permission.starts_with("dynamodb:") => named(Kind::DynamodbTable, &|table| {
            let arn = format!("arn:aws:dynamodb:*:{account}:table/{table}");
            // A restore makes a table of another name, and a backup lies below its table.
            if permission.contains("Restore") {
                vec![format!("{arn}*"), format!("{arn}/backup/*")]
            } else {
                vec![arn]
            }
        }),
        permission if permission.starts_with("kms:") => vec![format!("arn:aws:kms:*:{account}:key/*")],
        "iam:PassRole" => vec![format!("arn:aws:iam::{account}:role/*")],
        "iam:SimulatePrincipalPolicy" => {
            vec![format!("arn:aws:iam::{account}:role/*"), format!("arn:aws:iam::{account}:user/*")]
        }
        _ => everything(),
    }
}
