//! The troubles of the contract, brought about in the AWS test server: each cell has an account of its own.

use super::pages;
use super::rows::{Row, Trouble};
use super::suite::{After, Cell, ENVIRONMENT, Situation};
use crate::support::account::{Account, DR, HOME, load, program};
use crate::support::gear::Gear;
use lifeboat::domain::condition::KeyPlace;
use lifeboat::domain::kind::Kind;
use lifeboat::domain::place::{GLOBAL, Place};
use lifeboat::provider::aws::AwsAdapter;
use lifeboat::provider::aws::operation::{self, Operation};
use serde_json::{Value, json};
use std::rc::Rc;
use std::sync::Arc;

const ESTATE_FILE: &str = "measured recoveries of an account come from the estate file alone so far";
const ONE_LOCK: &str = "a state outside of any backend has one lock file";
const ONE_POINT: &str = "the versions of a bucket are one point";

/// An account in which there is one of each thing.
pub(super) struct Aws {
    full: Rc<Account<'static>>,
    names: Value,
}

/// Returns the operation without which a row brings nothing.
fn operation(row: Row) -> &'static Operation {
    match row {
        Row::Points(Kind::RdsInstance) | Row::Proofs => &operation::DESCRIBE_DB_SNAPSHOTS,
        Row::Points(Kind::RdsCluster) => &operation::DESCRIBE_DB_CLUSTER_SNAPSHOTS,
        Row::Points(Kind::Ec2Instance) => &operation::DESCRIBE_IMAGES,
        Row::Points(Kind::EbsVolume) => &operation::DESCRIBE_SNAPSHOTS,
        Row::Points(Kind::S3Bucket) => &operation::GET_BUCKET_VERSIONING,
        Row::Points(Kind::DynamodbTable) => &operation::DESCRIBE_CONTINUOUS_BACKUPS,
        Row::Points(_) | Row::Condition(Kind::DnsRecord) if row.kind() == Kind::DnsRecord => {
            &operation::LIST_RESOURCE_RECORD_SETS
        }
        Row::Points(_) | Row::Condition(Kind::BackupVault) => &operation::DESCRIBE_BACKUP_VAULT,
        Row::Condition(Kind::RdsInstance) => &operation::DESCRIBE_DB_INSTANCES,
        Row::Condition(Kind::RdsCluster) => &operation::DESCRIBE_DB_CLUSTERS,
        Row::Condition(Kind::Ec2Instance) => &operation::DESCRIBE_INSTANCES,
        Row::Condition(Kind::EbsVolume) => &operation::DESCRIBE_VOLUMES,
        Row::Condition(Kind::S3Bucket) => &operation::GET_BUCKET_VERSIONING,
        Row::Condition(Kind::DynamodbTable) => &operation::DESCRIBE_TABLE,
        Row::Condition(Kind::EksCluster) => &operation::DESCRIBE_CLUSTER,
        Row::Condition(_) => &operation::DESCRIBE_ALARMS,
        Row::Key => &operation::DESCRIBE_KEY,
        Row::Identity => &operation::GET_CALLER_IDENTITY,
        Row::Locks => &operation::GET_OBJECT,
        Row::BackendLocks => &operation::LIST_OBJECTS_V2,
        Row::States | Row::BackendStates => &operation::LIST_OBJECT_VERSIONS,
    }
}

impl Aws {
    pub(super) fn make() -> Self {
        let full = Account::shared();
        let port = full.gear.port().to_string();
        let told = full.gear.python(&[&program("contract.py"), &port, &full.number]);
        Self { full: Rc::new(full), names: serde_json::from_str(&told).expect("it speaks JSON") }
    }

    pub(super) fn cell(&self, row: Row, trouble: Trouble) -> Cell {
        match (row, trouble) {
            (Row::Proofs, Trouble::Value) => return Cell::NotApplicable(ESTATE_FILE),
            (Row::Points(Kind::S3Bucket), Trouble::Pages) => return Cell::NotApplicable(ONE_POINT),
            (Row::Locks, Trouble::Pages) => return Cell::NotApplicable(ONE_LOCK),
            _ => {}
        }
        let of_full = matches!(trouble, Trouble::Value | Trouble::Empty)
            && (row, trouble) != (Row::Identity, Trouble::Empty);
        let account = if of_full { self.full.clone() } else { Rc::new(Account::of(Gear::shared())) };
        trouble_in(&account, row, trouble);
        let name = |key: &str| self.names[key].as_str().expect("it was made").to_owned();
        let kind = row.kind().to_string();
        let (select, alarms) = match (row.kind(), trouble) {
            (Kind::Service, Trouble::Pages) => {
                (None, (0..101).map(|nth| format!("alarm-{nth:03}")).collect())
            }
            (Kind::Service, Trouble::Empty) => (None, vec!["nowhere".to_owned()]),
            (Kind::Service, _) => (None, vec!["targets".to_owned()]),
            (Kind::TerraformState, Trouble::Value) => {
                (Some(format!("{}/core/terraform.tfstate", name("s3-bucket"))), Vec::new())
            }
            (Kind::TerraformState, Trouble::Empty) => {
                (Some(format!("{}/none/terraform.tfstate", name("s3-bucket"))), Vec::new())
            }
            (Kind::TerraformState, _) => (Some("states/core.tfstate".to_owned()), Vec::new()),
            (Kind::DnsRecord, Trouble::Empty) => {
                (Some(format!("{}/none.gear.example/A", name("zone"))), Vec::new())
            }
            (Kind::S3Bucket, Trouble::Empty) => (Some("nowhere-at-all".to_owned()), Vec::new()),
            (_, Trouble::Empty) => (Some("nowhere".to_owned()), Vec::new()),
            (Kind::DnsRecord, Trouble::Pages) => (Some("Z1/www.gear.example/A".to_owned()), Vec::new()),
            (Kind::Ec2Instance, Trouble::Pages) => (Some("i-0abc".to_owned()), Vec::new()),
            (Kind::EbsVolume, Trouble::Pages) => (Some("vol-0abc".to_owned()), Vec::new()),
            (_, Trouble::Pages) => (Some("paged".to_owned()), Vec::new()),
            _ => (Some(name(&kind)), Vec::new()),
        };
        let select = select.map_or(String::new(), |id| format!("select: {{ id: \"{id}\" }}, "));
        let probes: Vec<String> = alarms.iter().map(|alarm| format!("{{ alarm: {alarm} }}")).collect();
        let probes =
            if probes.is_empty() { String::new() } else { format!("probes: [{}], ", probes.join(", ")) };
        let of_backend = matches!(row, Row::BackendLocks | Row::BackendStates);
        let (bucket, prefix) = match trouble {
            Trouble::Value => (name("s3-bucket"), ""),
            Trouble::Empty => (name("s3-bucket"), "none/"),
            _ => ("states".to_owned(), ""),
        };
        let backends = if of_backend {
            format!("backends: {{ it: {{ bucket: {bucket}, prefix: \"{prefix}\", lock_table: locks }} }}\n")
        } else {
            String::new()
        };
        let estate = account.estate_text(&format!(
            "it: {{ kind: {kind}, {select}{probes}environment: {ENVIRONMENT} }}\n\
             other: {{ kind: rds-instance, region: {DR}, select: {{ id: other }} }}\n"
        ));
        let estate = load(&format!("{estate}{backends}"));
        let region = if row.kind() == Kind::DnsRecord { GLOBAL } else { HOME };
        let key = match trouble {
            Trouble::Value | Trouble::Pages => name("key"),
            _ => format!("arn:aws:kms:{HOME}:{}:key/00000000-0000-0000-0000-000000000000", account.number),
        };
        let observers = AwsAdapter::new(Arc::new(account.connections(&estate))).observers();
        let (place, permission) =
            (Place::new(&account.number, region), operation(row).permissions[0].to_owned());
        let it = estate.component(&"it".into()).expect("it is in the estate");
        let place = match row {
            Row::Condition(_) => it.home.clone(),
            _ => place,
        };
        let of_row = account.clone();
        let situation = Box::new(Situation {
            observers,
            place,
            key: (row == Row::Key).then(|| KeyPlace { key: key.as_str().into(), region: HOME.into() }),
            permission: Some(permission),
            holds: pages::holds(row),
            paged: pages::paged(row),
            after: Box::new(move || after(&of_row, row)),
            estate: Arc::new(estate),
        });
        Cell::Ask(situation)
    }
}

/// Brings a trouble about.
fn trouble_in(account: &Account<'_>, row: Row, trouble: Trouble) {
    let rule = |rule: Value| drop(account.post("rules", rule));
    match trouble {
        Trouble::Value => {}
        Trouble::Empty if row == Row::Identity => {
            rule(json!({"service": "sts", "status": 403, "code": "InvalidClientTokenId"}));
        }
        Trouble::Empty => {}
        Trouble::Pages => pages::lay(account, row),
        Trouble::Denied => {
            // Each service says it in a word of its own.
            rule(json!({"service": "ec2", "status": 403, "code": "UnauthorizedOperation"}));
            for service in ["dynamodb", "kms", "backup", "eks", "dlm"] {
                rule(json!({"service": service, "status": 400, "code": "AccessDeniedException"}));
            }
            rule(json!({"status": 403, "code": "AccessDenied"}));
        }
        Trouble::Throttled => {
            rule(json!({"service": "s3", "status": 503, "code": "SlowDown"}));
            rule(json!({"status": 400, "code": "Throttling", "message": "Rate exceeded"}));
        }
        Trouble::Hung | Trouble::Dead => {
            let cut = if trouble == Trouble::Hung { "hang" } else { "reset" };
            rule(json!({"region": HOME, "cut": cut}));
            rule(json!({"service": "route53", "cut": cut}));
        }
    }
}

fn after(account: &Account<'_>, row: Row) -> After {
    let calls = account.calls();
    // What other rows asked of the same account, and what was asked elsewhere, is no matter of this one.
    let own = operation(row).service.prefix();
    let beside = match row {
        Row::Points(kind) if kind != Kind::DnsRecord => "backup",
        Row::Condition(Kind::EbsVolume) => "dlm",
        _ => own,
    };
    let is_of_it = |call: &&Value| {
        let service = call["service"].as_str().unwrap_or_default();
        (service == own || service == beside) && call["region"] != json!(DR)
    };
    let is_stub = calls.iter().filter(is_of_it).any(|call| call["stub"] == json!(true));
    let of_it = calls.iter().filter(|call| call["operation"] == json!(operation(row).name));
    After { calls: Some(of_it.count()), is_stub }
}
