//! AWS behind the ports: which service answers for which kind of component.

use super::connection::Connections;
use super::dump::Verified;
use super::fault::Fault;
use super::reader::{Gathered, Reader};
use super::{
    backup, cloudwatch, dump, dynamodb, eks, identity, rds, rds_cluster, route53, s3, service, tags,
};
use crate::domain::Text;
use crate::domain::condition::{Condition, Identity, KeyPlace, KeyState};
use crate::domain::estate::{Component, Environment, Selector};
use crate::domain::kind::Kind;
use crate::domain::place::{GLOBAL, OUTSIDE, Place};
use crate::domain::proof::Proof;
use crate::domain::reading::{Lack, ReadTrouble};
use crate::domain::recovery_point::RecoveryPoint;
use crate::provider::clock::SystemClock;
use crate::provider::port::{
    Answer, Ask, BoxFuture, Clock, Deaf, Observers, ReadConditions, ReadIdentity, ReadKeys, ReadPoints,
    ReadProofs,
};
use std::future::ready;
use std::sync::Arc;

/// Reads accounts of AWS.
#[derive(Debug, Clone)]
pub struct AwsAdapter {
    pub(super) connections: Arc<Connections>,
    verified: Arc<Verified>,
}

impl AwsAdapter {
    /// Returns the adapter over these connections.
    pub fn new(connections: Arc<Connections>) -> Self {
        Self { connections, verified: Arc::default() }
    }

    /// Returns everything that reads through it.
    pub fn observers(&self) -> Observers {
        let this = Arc::new(self.clone());
        Observers {
            points: this.clone(),
            conditions: this.clone(),
            locks: this.clone(),
            states: this.clone(),
            keys: this.clone(),
            identity: this.clone(),
            proofs: this,
            pace: self.connections.governor.clone(),
            clock: Arc::new(SystemClock),
        }
    }

    async fn gather(&self, ask: Ask<'_>) -> Result<Gathered, Fault> {
        let Ask { component, place, news } = ask;
        if place.region.as_str() == OUTSIDE {
            return Err(not_read(component.kind));
        }
        let reader = Reader::at(&self.connections, &component.environment, place, news).await?;
        if component.kind == Kind::DnsRecord {
            let Some(Selector::Id(id)) = &component.selector else {
                return Err(tags::identifier(&reader, component)
                    .await
                    .err()
                    .unwrap_or_else(|| not_read(component.kind)));
            };
            return Ok(route53::points(&reader, id.as_str()).await);
        }
        if !is_read(component.kind) {
            return Err(not_read(component.kind));
        }
        if component.kind == Kind::DatabaseDump {
            return Ok(dump::points(&reader, component, &self.verified).await);
        }
        let id = tags::identifier(&reader, component).await?;
        if component.kind == Kind::BackupVault {
            let declared = component.declared.iter().find(|(at, _)| at == place);
            let name = declared.map_or(id.as_str(), |(_, name)| name.as_str());
            return Ok(backup::vault_points(&reader, name).await);
        }
        // Side by side: in a Region that hangs each service takes its time to be given up.
        let (own, protected) = tokio::join!(own_points(&reader, component, &id), backup::protected(&reader));
        let (mut gathered, arn) = own?;
        backup::add_points(&reader, &arn, protected, &mut gathered).await;
        Ok(gathered)
    }

    async fn look(&self, ask: Ask<'_>) -> Result<(Condition, Option<Fault>), Fault> {
        let Ask { component, place, news } = ask;
        let place = match component.kind {
            Kind::DnsRecord => &Place { account: place.account.clone(), region: GLOBAL.into() },
            _ => place,
        };
        let reader = Reader::at(&self.connections, &component.environment, place, news).await?;
        let (mut condition, mut missing) = Box::pin(self.look_at(&reader, component)).await?;
        // A service has looked at its alarms itself: they are what tells how it is.
        if component.kind != Kind::Service && !component.alarms.is_empty() {
            match cloudwatch::alarms(&reader, &component.alarms, SystemClock.now()).await {
                Ok(wrong) => condition.incidents.extend(wrong),
                Err(fault) => missing = Some(fault),
            }
        }
        Ok((condition, missing))
    }

    async fn look_at(
        &self,
        reader: &Reader<'_>,
        component: &Component,
    ) -> Result<(Condition, Option<Fault>), Fault> {
        if component.kind == Kind::Service {
            let target_group = match &component.selector {
                None => None,
                Some(_) => Some(tags::identifier(reader, component).await?),
            };
            return service::condition(reader, component, target_group.as_deref()).await;
        }
        if !is_read(component.kind) {
            return Err(not_read(component.kind));
        }
        if let (Kind::DatabaseDump, Some(Selector::Id(id))) = (component.kind, &component.selector) {
            let bucket = id.as_str().trim_start_matches("s3://").split('/').next().unwrap_or_default();
            return s3::condition(reader, bucket).await;
        }
        let id = match tags::identifier(reader, component).await {
            Ok(id) => id,
            Err(fault) if fault.is("NoSuchTag") => {
                return Ok((Condition::gone(Text::new(&fault.trouble.to_string())), None));
            }
            Err(fault) => return Err(fault),
        };
        match component.kind {
            Kind::RdsInstance => rds::condition(reader, &id).await,
            Kind::RdsCluster => rds_cluster::condition(reader, &id).await,
            Kind::S3Bucket => s3::condition(reader, &id).await,
            Kind::DynamodbTable => dynamodb::condition(reader, &id).await,
            #[cfg(feature = "aws-compute")]
            Kind::Ec2Instance => super::ec2::instance_condition(reader, &id).await,
            #[cfg(feature = "aws-compute")]
            Kind::EbsVolume => super::ec2::volume_condition(reader, &id).await,
            Kind::BackupVault => Box::pin(backup::vault_condition(reader, &id)).await,
            Kind::EksCluster => eks::condition(reader, &id).await,
            Kind::DnsRecord => route53::condition(reader, &id).await,
            kind => Err(not_read(kind)),
        }
    }
}

/// Reads what the service of a component itself keeps of it, and how AWS Backup would name it.
async fn own_points(
    reader: &Reader<'_>,
    component: &Component,
    id: &str,
) -> Result<(Gathered, String), Fault> {
    let home = &component.home;
    Ok(match component.kind {
        Kind::RdsInstance => (Box::pin(rds::points(reader, component, id)).await, rds::arn(home, id)),
        Kind::RdsCluster => (rds_cluster::points(reader, component, id).await, rds_cluster::arn(home, id)),
        Kind::S3Bucket => (s3::points(reader, component, id).await, format!("arn:aws:s3:::{id}")),
        Kind::DynamodbTable => (dynamodb::points(reader, component, id).await, dynamodb::arn(home, id)),
        #[cfg(feature = "aws-compute")]
        Kind::EbsVolume => (
            super::ec2::volume_points(reader, component, id).await,
            format!("arn:aws:ec2:{}:{}:volume/{id}", home.region, home.account),
        ),
        #[cfg(feature = "aws-compute")]
        Kind::Ec2Instance => (
            super::ec2::image_points(reader, component, id).await,
            format!("arn:aws:ec2:{}:{}:instance/{id}", home.region, home.account),
        ),
        kind => return Err(not_read(kind)),
    })
}

/// Says whether this build reads a kind in AWS.
fn is_read(kind: Kind) -> bool {
    let is_compute = matches!(kind, Kind::Ec2Instance | Kind::EbsVolume);
    let is_core = matches!(
        kind,
        Kind::RdsInstance
            | Kind::RdsCluster
            | Kind::S3Bucket
            | Kind::DynamodbTable
            | Kind::BackupVault
            | Kind::EksCluster
            | Kind::DatabaseDump
            | Kind::DnsRecord
            | Kind::Service
    );
    is_core || (is_compute && cfg!(feature = "aws-compute"))
}

fn article(kind: Kind) -> String {
    let words = kind.words();
    // Said letter by letter, these begin with a vowel.
    let an = words.starts_with(['a', 'e', 'i', 'o', 'u', 'E', 'R', 'S']) && !words.starts_with("se");
    format!("{} {words}", if an { "an" } else { "a" })
}

fn not_read(kind: Kind) -> Fault {
    let says = match kind {
        Kind::Ec2Instance | Kind::EbsVolume => "this build was made without EC2".to_owned(),
        kind if kind.is_code() => {
            format!("what {} is rebuilt from is not read by this version yet", article(kind))
        }
        kind => format!("{} is not read by this version yet", article(kind)),
    };
    Fault::plain("lifeboat", ReadTrouble::Other(Text::new(&says)))
}

pub(super) fn answered<T>(brought: Result<(T, Option<Fault>), Fault>, source: &str) -> Answer<T> {
    match brought {
        Ok((value, missing)) => {
            let lack = |fault: Fault| Lack { source: Text::new(&fault.source), why: fault.trouble };
            Answer {
                source: source.into(),
                outcome: Ok(value),
                lacking: missing.map(lack).into_iter().collect(),
            }
        }
        Err(fault) => Answer::new(Text::new(&fault.source), Err(fault.trouble)),
    }
}

impl ReadPoints for AwsAdapter {
    fn points<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Vec<RecoveryPoint>>> {
        Box::pin(async move {
            match Box::pin(self.gather(ask)).await {
                Ok(gathered) => gathered.answer(),
                // What does not exist has no points; that it is gone, its condition says.
                Err(fault) if fault.is("NoSuchTag") => Answer::new(Text::new(&fault.source), Ok(Vec::new())),
                Err(fault) => Answer::new(Text::new(&fault.source), Err(fault.trouble)),
            }
        })
    }
}

impl ReadConditions for AwsAdapter {
    fn condition<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Condition>> {
        Box::pin(async move {
            let source = match ask.component.kind {
                Kind::RdsInstance => "rds:DescribeDBInstances",
                Kind::RdsCluster => "rds:DescribeDBClusters",
                Kind::Ec2Instance => "ec2:DescribeInstanceStatus",
                Kind::EbsVolume => "ec2:DescribeVolumes",
                Kind::S3Bucket => "s3:GetBucketVersioning",
                Kind::DynamodbTable => "dynamodb:DescribeTable",
                Kind::BackupVault => "backup:DescribeBackupVault",
                Kind::EksCluster => "eks:DescribeCluster",
                Kind::DnsRecord => "route53:ListResourceRecordSets",
                _ => "cloudwatch:DescribeAlarms",
            };
            answered(Box::pin(self.look(ask)).await, source)
        })
    }
}

impl ReadKeys for AwsAdapter {
    fn key<'a>(&'a self, environment: &'a Environment, key: &'a KeyPlace) -> BoxFuture<'a, Answer<KeyState>> {
        Box::pin(async move {
            let place = Place { account: environment.account.clone(), region: key.region.clone() };
            let state = async {
                let reader = Reader::at(&self.connections, &environment.name, &place, &Deaf).await?;
                Ok((identity::key(&reader, &key.key).await?, None))
            };
            answered(state.await, &format!("kms:DescribeKey {}", key.region))
        })
    }
}

impl ReadIdentity for AwsAdapter {
    fn identity<'a>(&'a self, environment: &'a Environment) -> BoxFuture<'a, Answer<Identity>> {
        Box::pin(async move {
            let home = environment.home();
            let who = async {
                let reader = Reader::at(&self.connections, &environment.name, &home, &Deaf).await?;
                Ok((identity::identity(&reader).await?, None))
            };
            answered(who.await, "sts:GetCallerIdentity")
        })
    }
}

impl ReadProofs for AwsAdapter {
    fn proofs<'a>(&'a self, _: Ask<'a>) -> BoxFuture<'a, Answer<Vec<Proof>>> {
        // Those of the estate file are there without any adapter; journals will bring others.
        Box::pin(ready(Answer::new("estate file".into(), Ok(Vec::new()))))
    }
}
