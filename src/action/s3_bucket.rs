//! `s3-bucket-create`: a bucket to recover into: private, encrypted, with versions.

use super::given::is_later;
use super::place::{REGION, place_of};
use super::route53_sets::CONTROL_PLANE;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, Precondition, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Makes a bucket.
#[derive(Debug, Clone, Copy)]
pub(super) struct CreateBucket;

/// The Region that is named by naming none.
const UNNAMED: &str = "us-east-1";

const ABOUT: About = About {
    name: "s3-bucket-create",
    title: "make a private bucket that keeps versions",
    says: "Makes a bucket, blocks all public access to it, encrypts what is written to it and lets it keep versions. The name \
           must not be taken by anybody. Making a bucket needs S3's control plane in us-east-1: make it before it is \
           needed.",
    arguments: &[
        Argument { name: "bucket", kind: ArgumentKind::Text, required: true, says: "The name." },
        REGION,
        Argument {
            name: "key",
            kind: ArgumentKind::Text,
            required: false,
            says: "The KMS key, of its Region, that encrypts; S3's own keys if absent.",
        },
    ],
    outputs: &[("bucket", "The name of the bucket."), ("region", "Its Region.")],
    class: ActionClass::Additive,
    dedupe: Dedupe::UniqueName,
    operations: &[
        "s3:HeadBucket",
        "s3:CreateBucket",
        "s3:PutPublicAccessBlock",
        "s3:PutBucketEncryption",
        "s3:GetBucketVersioning",
        "s3:PutBucketVersioning",
        "s3:DeleteBucket",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(2), Duration::from_secs(120))),
};

impl CreateBucket {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let bucket = ask.given.text("bucket")?;
        if is_later(bucket) {
            return Err(Refusal::new("the name of the bucket has to be known when the plan is made"));
        }
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(fits) {
            return Err(Refusal::new(format!("`{bucket}` cannot be the name of a bucket"))
                .hint("3 to 63 small letters, digits, dots and hyphens"));
        }
        let place = place_of(&ask)?;
        let base =
            |operation: &str| Call::new(operation, &ask.environment.name, &place).with("Bucket", bucket);
        let owned = |operation: &str| base(operation).with("ExpectedBucketOwner", place.account.as_str());
        let head = base("s3:HeadBucket");
        match ask.look.look(&head).await {
            Err(trouble) if trouble.code() == Some("NotFound") => {}
            Ok(_) => {
                return Err(Refusal::new(format!("there is a bucket {bucket} in this account already"))
                    .hint("`s3-versioning` and its like change one that is there"));
            }
            Err(CallTrouble::Refused { code, .. }) => {
                return Err(
                    Refusal::new(format!("the name {bucket} is taken ({code})")).hint("take another name")
                );
            }
            Err(trouble) => {
                return Err(Refusal::new(format!("whether {bucket} is taken cannot be seen: {trouble}")));
            }
        }
        let region = place.region.as_str();
        let configuration = (region != UNNAMED).then(|| json!({ "LocationConstraint": region }));
        let rule = match ask.given.maybe_text("key")? {
            Some(key) => {
                json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
                "BucketKeyEnabled": true})
            }
            None => json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}),
        };
        let block = json!({"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true,
            "RestrictPublicBuckets": true});
        let mut design = Design::new(None);
        design.preconditions.push(Precondition {
            says: format!("nobody has taken the name {bucket}").into(),
            look: head,
            at: "/Region".into(),
            expect: Expect::Absent(vec!["NotFound".into()]),
        });
        let mut add = |call: Call, says: String, class, dedupe| {
            design.calls.push(PlannedCall { call, says: says.into(), class, dedupe });
        };
        add(
            base("s3:CreateBucket").maybe("CreateBucketConfiguration", configuration),
            format!("make the bucket {bucket} in {region}"),
            ActionClass::Additive,
            Dedupe::UniqueName,
        );
        add(
            owned("s3:PutPublicAccessBlock").with("PublicAccessBlockConfiguration", block),
            "block all public access to it".to_owned(),
            ActionClass::Additive,
            Dedupe::SetState,
        );
        add(
            owned("s3:PutBucketEncryption")
                .with("ServerSideEncryptionConfiguration", json!({ "Rules": [rule] })),
            "encrypt what is written to it".to_owned(),
            ActionClass::Additive,
            Dedupe::SetState,
        );
        add(
            owned("s3:PutBucketVersioning").with("VersioningConfiguration", json!({"Status": "Enabled"})),
            "let it keep versions".to_owned(),
            ActionClass::Additive,
            Dedupe::SetState,
        );
        design.undo = Undo::Calls {
            says: vec!["delete the bucket, which works only while it is empty".into()],
            class: ActionClass::Destructive,
        };
        design.control_plane = Some(CONTROL_PLANE.into());
        design.notes = vec![
            format!("making a bucket needs the control plane of S3 in {CONTROL_PLANE}, whatever its Region")
                .into(),
            "an empty bucket costs nothing; an account may have 10,000".into(),
            "tags, policies, replication and notifications are not made with it".into(),
        ];
        Ok(design)
    }
}

/// Says whether the bucket is there, and in which Region.
async fn there(look: &dyn Look, like: &Call) -> Result<Option<String>, CallTrouble> {
    let head =
        Call::new("s3:HeadBucket", &like.environment, &like.place).maybe("Bucket", like.text("Bucket"));
    match look.look(&head).await {
        Ok(reply) => Ok(Some(super::facts::text(&reply.body, "Region").to_owned())),
        Err(trouble) if trouble.code() == Some("NotFound") => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

impl Action for CreateBucket {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(Self::design(ask))
    }

    fn probe<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async move {
            let Ok(call) = doing.call() else {
                return Ok(Found::Unclear { evidence: "the step has no such call".into() });
            };
            let found = there(look, call).await?;
            let says = if found.is_some() { "the bucket is there" } else { "there is no such bucket" };
            Ok(match call.name() {
                // The name was free when the step began, and no one else of this account is asked for it.
                "CreateBucket" if found.is_some() => {
                    Found::Happened { reply: Value::Null, evidence: says.into() }
                }
                "DeleteBucket" if found.is_none() => {
                    Found::Happened { reply: Value::Null, evidence: says.into() }
                }
                // What sets a state may be asked for again.
                _ => Found::Nothing { evidence: says.into() },
            })
        })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let Ok(call) = doing.call() else { return Ok(Progress::Done(Map::new())) };
            let found = there(look, call).await?;
            if doing.direction == Direction::Undo {
                return Ok(match found {
                    None => Progress::Done(Map::new()),
                    Some(_) => Progress::Going { percent: None, says: "the bucket is still there".into() },
                });
            }
            let asked = Call::new("s3:GetBucketVersioning", &call.environment, &call.place)
                .maybe("Bucket", call.text("Bucket"));
            let versioning = look.look(&asked).await?;
            if super::facts::text(&versioning.body, "Status") != "Enabled" {
                return Ok(Progress::Going { percent: None, says: "it does not keep versions yet".into() });
            }
            let mut outputs = Map::new();
            outputs.insert("bucket".to_owned(), Value::from(call.text("Bucket")));
            outputs.insert("region".to_owned(), Value::from(call.place.region.as_str()));
            Ok(Progress::Done(outputs))
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let hint = match (doing.direction, trouble.code().unwrap_or_default()) {
            (Direction::Undo, "NoSuchBucket") => return Meaning::Look,
            (Direction::Undo, "BucketNotEmpty") => {
                Some("somebody has written to it: look whether that is needed, and empty it first".into())
            }
            // Ours may have been the one that made it.
            (_, "BucketAlreadyOwnedByYou") => return Meaning::Look,
            (_, "BucketAlreadyExists") => Some("the name is taken by another account: take another".into()),
            (_, "TooManyBuckets") => Some("the account may not have more buckets".into()),
            (_, "NoSuchBucket") => Some("the bucket does not show yet: `retry` goes on from here".into()),
            _ => None,
        };
        Meaning::Failed { hint }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let call = doing.calls.first().ok_or_else(|| Refusal::new("no bucket was made"))?;
        let bucket = call.text("Bucket").unwrap_or_default();
        Ok(vec![PlannedCall {
            call: Call::new("s3:DeleteBucket", &call.environment, &call.place)
                .with("Bucket", bucket)
                .with("ExpectedBucketOwner", call.place.account.as_str()),
            says: format!("delete the bucket {bucket}").into(),
            class: ActionClass::Destructive,
            dedupe: Dedupe::SetState,
        }])
    }
}
