//! What the calls bring that change names, buckets as a whole and roles, and those that look at alarms, keys and clusters:
//! one contract for AWS and for the sandbox.

use super::calls::{Members, World, act, look, refused, shaped};
use lifeboat::provider::port::{Act, CallTrouble, Look};
use lifeboat::runbook::call::Reply;
use serde_json::{Value, json};

/// What is there besides the things of [`World`].
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// A hosted zone, and its name.
    pub(crate) zone: String,
    pub(crate) domain: String,
    /// A health check that is neither inverted nor disabled.
    pub(crate) check: String,
    /// A bucket with versions, a policy, and a lifecycle of three rules of which two are enabled.
    pub(crate) bucket: String,
    /// A role without policies of its own.
    pub(crate) role: String,
    /// An alarm that is OK.
    pub(crate) alarm: String,
    /// A key that is enabled.
    pub(crate) key: String,
    /// A cluster that is active.
    pub(crate) cluster: String,
    /// Whether Route 53 is as AWS is: moto has every change everywhere at once, knows every change, and counts no versions.
    pub(crate) is_strict: bool,
}

const SET: Members = Members {
    must: &["Name", "Type"],
    may: &["TTL", "ResourceRecords", "SetIdentifier", "Weight", "AliasTarget", "HealthCheckId"],
};
const CHANGE: Members = Members { must: &["Id", "Status", "SubmittedAt"], may: &[] };
const CHECK: Members = Members { must: &["Id", "HealthCheckVersion", "HealthCheckConfig"], may: &[] };
const ALARM: Members = Members {
    must: &["AlarmName", "StateValue", "StateReason", "StateUpdatedTimestamp"],
    may: &["ActionsEnabled"],
};
// The test server does not say what a key is for.
const KEY: Members = Members {
    must: &["KeyId", "Arn", "Enabled", "KeyState"],
    may: &["KeyUsage", "DeletionDate", "MultiRegion"],
};
const CLUSTER: Members = Members {
    must: &["Name", "Arn", "Version", "Endpoint", "Status", "CertificateAuthority", "CreatedAt"],
    may: &[],
};

fn code(told: &Result<Reply, CallTrouble>) -> Option<&str> {
    told.as_ref().err().and_then(CallTrouble::code)
}

/// Returns the same world, as it is asked where names and roles are changed.
fn global(world: &World) -> World {
    let mut world = world.clone();
    world.place.region = "us-east-1".into();
    world
}

/// Makes every one of these calls, well.
pub(crate) async fn every_setting_goes_well(
    looks: &dyn Look,
    acts: &dyn Act,
    world: &World,
    there: &Settings,
) {
    names(looks, acts, &global(world), there).await;
    health_checks(looks, acts, &global(world), there).await;
    roles(looks, acts, &global(world), there).await;
    buckets(looks, acts, world, there).await;
    new_buckets(looks, acts, world).await;
    let asked = world.call("cloudwatch:DescribeAlarms", json!({"AlarmNames": [there.alarm]}));
    let found = look(looks, &asked).await;
    assert_eq!(shaped(&found.body["MetricAlarms"][0], &ALARM)["StateValue"], "OK");
    let asked = world.call("cloudwatch:DescribeAlarms", json!({"AlarmNames": ["nobody"]}));
    assert_eq!(look(looks, &asked).await.body, json!({"MetricAlarms": [], "CompositeAlarms": []}));
    let found = look(looks, &world.call("kms:DescribeKey", json!({"KeyId": there.key}))).await;
    assert_eq!(shaped(&found.body["KeyMetadata"], &KEY)["KeyState"], "Enabled");
    let asked = world.call("kms:DescribeKey", json!({"KeyId": "00000000-0000-0000-0000-000000000000"}));
    assert_eq!(code(&looks.look(&asked).await), Some("NotFoundException"));
    let found = look(looks, &world.call("eks:DescribeCluster", json!({"Name": there.cluster}))).await;
    assert_eq!(shaped(&found.body["Cluster"], &CLUSTER)["Status"], "ACTIVE");
    assert!(found.body["Cluster"]["CertificateAuthority"]["Data"].is_string());
    let asked = world.call("eks:DescribeCluster", json!({"Name": "nobody"}));
    assert_eq!(code(&looks.look(&asked).await), Some("ResourceNotFoundException"));
}

async fn names(looks: &dyn Look, acts: &dyn Act, world: &World, there: &Settings) {
    let zones = look(looks, &world.call("route53:ListHostedZones", json!({}))).await;
    let zones = zones.body["HostedZones"].as_array().expect("a list").clone();
    let own = zones.iter().find(|zone| zone["Id"] == json!(there.zone)).expect("the zone is listed");
    shaped(own, &Members { must: &["Id", "Name", "PrivateZone"], may: &[] });
    assert_eq!((&own["Name"], &own["PrivateZone"]), (&json!(there.domain), &json!(false)));
    let name = format!("contract.{}", there.domain);
    let asked = world.call(
        "route53:ListResourceRecordSets",
        json!({"HostedZoneId": there.zone, "Name": name, "Type": "A"}),
    );
    let sets = async || look(looks, &asked).await.body["ResourceRecordSets"].clone();
    assert_eq!(sets().await, json!([]), "what is not there is an empty list");
    let set =
        |value: &str| json!({"Name": name, "Type": "A", "TTL": 300, "ResourceRecords": [{"Value": value}]});
    let batch = |changes: Value| {
        let arguments =
            json!({"HostedZoneId": there.zone, "ChangeBatch": {"Comment": "contract", "Changes": changes}});
        world.call("route53:ChangeResourceRecordSets", arguments)
    };
    let entry = |action: &str, set: &Value| json!({"Action": action, "ResourceRecordSet": set});
    let (old, new) = (set("10.1.1.1"), set("10.2.2.2"));
    let told = act(acts, &batch(json!([entry("CREATE", &old)]))).await;
    let info = shaped(&told.body["ChangeInfo"], &CHANGE).clone();
    // moto answers INSYNC at once; AWS and the sandbox need about a minute (N1).
    let status = if there.is_strict { "PENDING" } else { "INSYNC" };
    assert_eq!(info["Status"], status);
    let change = world.call("route53:GetChange", json!({"Id": info["Id"]}));
    shaped(&look(looks, &change).await.body["ChangeInfo"], &CHANGE);
    assert_eq!(sets().await, json!([old]));
    shaped(&sets().await[0], &SET);

    act(acts, &batch(json!([entry("DELETE", &old), entry("CREATE", &new)]))).await;
    assert_eq!(sets().await, json!([new]), "both of a batch or neither");
    // The batch is refused as a whole when its old values are not those that are there (N2).
    let stale = batch(json!([entry("DELETE", &old), entry("CREATE", &set("10.3.3.3"))]));
    refused(acts, &stale, "InvalidChangeBatch").await;
    refused(acts, &batch(json!([entry("CREATE", &old)])), "InvalidChangeBatch").await;
    if there.is_strict {
        let unknown = world.call("route53:GetChange", json!({"Id": "/change/CNOBODY"}));
        assert_eq!(code(&looks.look(&unknown).await), Some("NoSuchChange"));
    }
    assert_eq!(sets().await, json!([new]), "what was refused has changed nothing");
    let over = acts.act(crate::support::armed::armed(batch(json!([entry("UPSERT", &old)])))).await;
    assert!(
        matches!(over, Err(CallTrouble::NotSent(_))),
        "what writes over anything is never sent: {over:?}"
    );
    act(acts, &batch(json!([entry("DELETE", &new)]))).await;
    assert_eq!(sets().await, json!([]));

    let weighted = |id: &str, weight: u64| {
        json!({"Name": name, "Type": "A", "SetIdentifier": id, "Weight": weight, "TTL": 60,
               "ResourceRecords": [{"Value": "10.4.4.4"}]})
    };
    let pair = |one, other| {
        json!([entry("CREATE", &weighted("one", one)), entry("CREATE", &weighted("other", other))])
    };
    act(acts, &batch(pair(100, 0))).await;
    assert_eq!(sets().await.as_array().map(Vec::len), Some(2));
    let alias = json!({"Name": format!("alias.{}", there.domain), "Type": "A", "AliasTarget": {
        "HostedZoneId": "Z3AADJGX6KTTL2", "DNSName": "lb.us-east-2.elb.amazonaws.com.", "EvaluateTargetHealth": true}});
    act(acts, &batch(json!([entry("CREATE", &alias)]))).await;
    let asked = world.call(
        "route53:ListResourceRecordSets",
        json!({"HostedZoneId": there.zone, "Name": alias["Name"], "Type": "A"}),
    );
    assert_eq!(look(looks, &asked).await.body["ResourceRecordSets"][0]["AliasTarget"], alias["AliasTarget"]);
    let nowhere = json!({"HostedZoneId": "ZNOBODY", "Name": name, "Type": "A"});
    let nowhere = world.call("route53:ListResourceRecordSets", nowhere);
    assert_eq!(code(&looks.look(&nowhere).await), Some("NoSuchHostedZone"));
}

async fn health_checks(looks: &dyn Look, acts: &dyn Act, world: &World, there: &Settings) {
    let asked = world.call("route53:GetHealthCheck", json!({"HealthCheckId": there.check}));
    let found = look(looks, &asked).await;
    let version = shaped(&found.body["HealthCheck"], &CHECK)["HealthCheckVersion"].clone();
    let update = json!({"HealthCheckId": there.check, "HealthCheckVersion": version, "Inverted": true, "Disabled": false});
    let update = world.call("route53:UpdateHealthCheck", update);
    let told = act(acts, &update).await;
    assert_eq!(shaped(&told.body["HealthCheck"], &CHECK)["HealthCheckConfig"]["Inverted"], json!(true));
    assert_eq!(look(looks, &asked).await.body["HealthCheck"]["HealthCheckConfig"]["Inverted"], json!(true));
    if there.is_strict {
        refused(acts, &update, "HealthCheckVersionMismatch").await;
    }
    let nobody = json!({"HealthCheckId": "00000000-0000-0000-0000-000000000000"});
    let nobody = world.call("route53:GetHealthCheck", nobody);
    assert_eq!(code(&looks.look(&nobody).await), Some("NoSuchHealthCheck"));
}

async fn roles(looks: &dyn Look, acts: &dyn Act, world: &World, there: &Settings) {
    let found = look(looks, &world.call("iam:GetRole", json!({"RoleName": there.role}))).await;
    shaped(&found.body["Role"], &Members { must: &["RoleName", "Arn", "Path"], may: &[] });
    let policy = json!({"RoleName": there.role, "PolicyName": "contract"});
    let asked = world.call("iam:GetRolePolicy", policy.clone());
    assert_eq!(code(&looks.look(&asked).await), Some("NoSuchEntity"));
    let document =
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": ["*"], "Resource": ["*"]}]}"#;
    let mut put = policy.clone();
    (put["PolicyDocument"], put["IfStill"]) = (json!(document), Value::Null);
    let put = world.call("iam:PutRolePolicy", put);
    assert_eq!(act(acts, &put).await.body, json!({}));
    let there_now = look(looks, &asked).await.body;
    let read: Value =
        serde_json::from_str(there_now["PolicyDocument"].as_str().expect("a text")).expect("it is JSON");
    assert_eq!(read, serde_json::from_str::<Value>(document).expect("it is JSON"));
    refused(acts, &put, "PreconditionFailed").await;
    let mut delete = policy;
    delete["IfStill"] = there_now;
    act(acts, &world.call("iam:DeleteRolePolicy", delete)).await;
    assert_eq!(code(&looks.look(&asked).await), Some("NoSuchEntity"));
    let nobody = world.call("iam:GetRole", json!({"RoleName": "nobody"}));
    assert_eq!(code(&looks.look(&nobody).await), Some("NoSuchEntity"));
}

async fn buckets(looks: &dyn Look, acts: &dyn Act, world: &World, there: &Settings) {
    let bucket = &there.bucket;
    let own = json!({ "Bucket": bucket });
    let of = |operation: &str| world.call(operation, own.clone());
    let found = look(looks, &of("s3:HeadBucket")).await;
    assert_eq!(found.body["Region"], json!(world.place.region.as_str()));
    let read = of("s3:GetBucketLifecycleConfiguration");
    let first = look(looks, &read).await.body;
    let statuses = |rules: &Value| -> Vec<Value> {
        rules["Rules"].as_array().expect("rules").iter().map(|rule| rule["Status"].clone()).collect()
    };
    assert_eq!(statuses(&first), ["Enabled", "Enabled", "Disabled"]);
    let put = |rules: &Value, still: &Value| {
        let mut arguments = own.clone();
        arguments["LifecycleConfiguration"] = json!({ "Rules": rules["Rules"] });
        if let Some(size) = rules.get("TransitionDefaultMinimumObjectSize") {
            arguments["TransitionDefaultMinimumObjectSize"] = size.clone();
        }
        arguments["ExpectedBucketOwner"] = json!(world.place.account.as_str());
        arguments["IfStill"] = still.clone();
        world.call("s3:PutBucketLifecycleConfiguration", arguments)
    };
    let mut off = first.clone();
    for rule in off["Rules"].as_array_mut().expect("rules") {
        rule["Status"] = json!("Disabled");
    }
    assert_eq!(act(acts, &put(&off, &first)).await.body, json!({}));
    assert_eq!(look(looks, &read).await.body, off, "only the status is otherwise");
    refused(acts, &put(&off, &first), "PreconditionFailed").await;
    act(acts, &put(&first, &off)).await;
    assert_eq!(look(looks, &read).await.body, first, "it is back to the last member");

    let read = of("s3:GetBucketPolicy");
    let first = look(looks, &read).await.body;
    let mut document: Value =
        serde_json::from_str(first["Policy"].as_str().expect("a text")).expect("it is JSON");
    document["Statement"].as_array_mut().expect("statements").push(json!({"Sid": "Ours", "Effect": "Deny",
        "Principal": "*", "Action": "s3:DeleteObject", "Resource": format!("arn:aws:s3:::{bucket}/*")}));
    let put = |policy: &str, still: &Value| {
        let mut arguments = own.clone();
        (arguments["Policy"], arguments["IfStill"]) = (json!(policy), still.clone());
        world.call("s3:PutBucketPolicy", arguments)
    };
    act(acts, &put(&document.to_string(), &first)).await;
    let second = look(looks, &read).await.body;
    let read_back: Value =
        serde_json::from_str(second["Policy"].as_str().expect("a text")).expect("it is JSON");
    assert_eq!(read_back, document);
    refused(acts, &put("{\"Statement\": []}", &first), "PreconditionFailed").await;
    act(acts, &put(first["Policy"].as_str().expect("a text"), &second)).await;
    assert_eq!(look(looks, &read).await.body, first);
    let mut delete = own.clone();
    delete["IfStill"] = first.clone();
    act(acts, &world.call("s3:DeleteBucketPolicy", delete)).await;
    assert_eq!(code(&looks.look(&read).await), Some("NoSuchBucketPolicy"));
    act(acts, &put(first["Policy"].as_str().expect("a text"), &Value::Null)).await;
}

async fn new_buckets(looks: &dyn Look, acts: &dyn Act, world: &World) {
    let name = format!("contract-{}", world.place.account);
    let with = |operation: &str, more: Value| {
        let mut arguments = json!({ "Bucket": name });
        for (key, value) in more.as_object().expect("names") {
            arguments[key] = value.clone();
        }
        world.call(operation, arguments)
    };
    let head = with("s3:HeadBucket", json!({}));
    assert_eq!(code(&looks.look(&head).await), Some("NotFound"));
    let region = world.place.region.as_str();
    let create =
        with("s3:CreateBucket", json!({"CreateBucketConfiguration": {"LocationConstraint": region}}));
    act(acts, &create).await;
    refused(acts, &create, "BucketAlreadyOwnedByYou").await;
    look(looks, &head).await;
    let versioning = with("s3:GetBucketVersioning", json!({}));
    assert_eq!(look(looks, &versioning).await.body, json!({}), "a new bucket keeps none");
    let block = json!({"PublicAccessBlockConfiguration": {"BlockPublicAcls": true, "IgnorePublicAcls": true,
        "BlockPublicPolicy": true, "RestrictPublicBuckets": true}});
    act(acts, &with("s3:PutPublicAccessBlock", block)).await;
    let rule = json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}});
    act(
        acts,
        &with("s3:PutBucketEncryption", json!({"ServerSideEncryptionConfiguration": {"Rules": [rule]}})),
    )
    .await;
    let enabled = json!({"VersioningConfiguration": {"Status": "Enabled"}});
    act(acts, &with("s3:PutBucketVersioning", enabled)).await;
    assert_eq!(look(looks, &versioning).await.body, json!({"Status": "Enabled"}));
    for (operation, code_of) in [
        ("s3:GetBucketPolicy", "NoSuchBucketPolicy"),
        ("s3:GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"),
    ] {
        assert_eq!(code(&looks.look(&with(operation, json!({}))).await), Some(code_of));
    }
    act(acts, &with("s3:DeleteBucket", json!({}))).await;
    assert_eq!(code(&looks.look(&head).await), Some("NotFound"));
    refused(acts, &with("s3:PutBucketPolicy", json!({"Policy": "{\"Statement\": []}"})), "NoSuchBucket")
        .await;
}
