//! What the further calls of RDS bring, whoever answers them: snapshots, restores to a moment, renames, clusters and their
//! instances.

use super::calls::{
    DB_CLUSTER, DB_INSTANCE, DB_SNAPSHOT, Members, World, act, gone, holds, look, one, refused, shaped, until,
};
use lifeboat::provider::port::{Act, CallTrouble, Look};
use lifeboat::runbook::call::Call;
use serde_json::{Value, json};

const CLUSTER_SNAPSHOT: Members = Members {
    must: &[
        "DBClusterSnapshotIdentifier",
        "DBClusterSnapshotArn",
        "DBClusterIdentifier",
        "Status",
        "Engine",
        "SnapshotType",
        "SnapshotCreateTime",
        "TagList",
    ],
    may: &[
        "EngineVersion",
        "AllocatedStorage",
        "StorageEncrypted",
        "KmsKeyId",
        "PercentProgress",
        "SourceDBClusterSnapshotArn",
    ],
};
const BACKUPS: Members = Members {
    must: &["DBInstanceIdentifier", "Status"],
    may: &[
        "DbiResourceId",
        "DBInstanceAutomatedBackupsArn",
        "Region",
        "Engine",
        "Encrypted",
        "KmsKeyId",
        "RestoreWindow",
    ],
};

fn tags() -> Value {
    json!([{"Key": "lifeboat:run", "Value": "r"}, {"Key": "lifeboat:step", "Value": "s"}])
}

/// Makes the further calls of instances once, well.
pub(crate) async fn databases_go_well(looks: &dyn Look, acts: &dyn Act, world: &World) {
    let name = format!("{}-now", world.database);
    let create = world.call(
        "rds:CreateDBSnapshot",
        json!({"DBInstanceIdentifier": world.database, "DBSnapshotIdentifier": name, "Tags": tags()}),
    );
    let made = act(acts, &create).await;
    assert_eq!(shaped(&made.body["DBSnapshot"], &DB_SNAPSHOT)["TagList"], tags());
    let asked = |id: &str| world.call("rds:DescribeDBSnapshots", json!({"DBSnapshotIdentifier": id}));
    until(looks, &asked(&name), "available", holds("/DBSnapshots/0/Status", json!("available"))).await;
    refused(acts, &create, "DBSnapshotAlreadyExists").await;
    let all = json!({"DBInstanceIdentifier": world.database, "SnapshotType": "manual"});
    let all = look(looks, &world.call("rds:DescribeDBSnapshots", all)).await;
    let all = all.body["DBSnapshots"].as_array().expect("a list").clone();
    assert!(all.iter().any(|one| shaped(one, &DB_SNAPSHOT)["DBSnapshotIdentifier"] == json!(name)));

    let copy = format!("{}-copy", world.database);
    let copied = world.call(
        "rds:CopyDBSnapshot",
        json!({"SourceDBSnapshotIdentifier": name, "TargetDBSnapshotIdentifier": copy, "Tags": tags()}),
    );
    shaped(&act(acts, &copied).await.body["DBSnapshot"], &DB_SNAPSHOT);
    until(looks, &asked(&copy), "available", holds("/DBSnapshots/0/Status", json!("available"))).await;
    let shared = world.call("rds:DescribeDBSnapshotAttributes", json!({"DBSnapshotIdentifier": copy}));
    let share = |list: &str| {
        let arguments =
            json!({"DBSnapshotIdentifier": copy, "AttributeName": "restore", list: ["123123123123"]});
        world.call("rds:ModifyDBSnapshotAttribute", arguments)
    };
    act(acts, &share("ValuesToAdd")).await;
    let with = look(looks, &shared).await;
    let values = "/DBSnapshotAttributesResult/DBSnapshotAttributes/0/AttributeValues";
    assert_eq!(with.body.pointer(values), Some(&json!(["123123123123"])), "{}", with.body);
    act(acts, &share("ValuesToRemove")).await;
    for id in [&copy, &name] {
        let delete = world.call("rds:DeleteDBSnapshot", json!({"DBSnapshotIdentifier": id}));
        shaped(&act(acts, &delete).await.body["DBSnapshot"], &DB_SNAPSHOT);
        until(looks, &asked(id), "gone", gone("DBSnapshotNotFound")).await;
    }

    let kept = json!({"DBInstanceIdentifier": world.database});
    let kept = look(looks, &world.call("rds:DescribeDBInstanceAutomatedBackups", kept)).await;
    for one in kept.body["DBInstanceAutomatedBackups"].as_array().expect("a list") {
        shaped(one, &BACKUPS);
    }
    let back = format!("{}-then", world.database);
    let database = |id: &str| world.call("rds:DescribeDBInstances", json!({"DBInstanceIdentifier": id}));
    let available = || holds("/DBInstances/0/DBInstanceStatus", json!("available"));
    until(looks, &database(&world.database), "available", available()).await;
    let restore = world.call(
        "rds:RestoreDBInstanceToPointInTime",
        json!({"SourceDBInstanceIdentifier": world.database, "TargetDBInstanceIdentifier": back,
               "UseLatestRestorableTime": true, "DeletionProtection": false, "Tags": tags()}),
    );
    shaped(&act(acts, &restore).await.body["DBInstance"], &DB_INSTANCE);
    until(looks, &database(&back), "available", available()).await;
    refused(acts, &restore, "DBInstanceAlreadyExists").await;
    let other = format!("{back}-renamed");
    let rename =
        json!({"DBInstanceIdentifier": back, "NewDBInstanceIdentifier": other, "ApplyImmediately": true});
    let id = look(looks, &database(&back)).await.body["DBInstances"][0]["DbiResourceId"].clone();
    act(acts, &world.call("rds:ModifyDBInstance", rename)).await;
    until(looks, &database(&other), "available", available()).await;
    let renamed = look(looks, &database(&other)).await;
    assert_eq!(one(&renamed, "DBInstances", &DB_INSTANCE)["DbiResourceId"], id);
    let delete =
        json!({"DBInstanceIdentifier": other, "SkipFinalSnapshot": true, "DeleteAutomatedBackups": true});
    act(acts, &world.call("rds:DeleteDBInstance", delete)).await;
    until(looks, &database(&other), "gone", gone("DBInstanceNotFound")).await;
}

/// Makes the further calls of clusters once, well.
pub(crate) async fn clusters_go_well(looks: &dyn Look, acts: &dyn Act, world: &World) {
    let name = format!("{}-now", world.cluster);
    let create = world.call(
        "rds:CreateDBClusterSnapshot",
        json!({"DBClusterIdentifier": world.cluster, "DBClusterSnapshotIdentifier": name, "Tags": tags()}),
    );
    shaped(&act(acts, &create).await.body["DBClusterSnapshot"], &CLUSTER_SNAPSHOT);
    let asked = world.call("rds:DescribeDBClusterSnapshots", json!({"DBClusterSnapshotIdentifier": name}));
    until(looks, &asked, "available", holds("/DBClusterSnapshots/0/Status", json!("available"))).await;
    let back = format!("{}-back", world.cluster);
    let cluster = world.call("rds:DescribeDBClusters", json!({"DBClusterIdentifier": back}));
    let restore = world.call(
        "rds:RestoreDBClusterFromSnapshot",
        json!({"DBClusterIdentifier": back, "SnapshotIdentifier": name, "Engine": "aurora-postgresql",
               "DeletionProtection": false, "Tags": tags()}),
    );
    shaped(&act(acts, &restore).await.body["DBCluster"], &DB_CLUSTER);
    until(looks, &cluster, "available", holds("/DBClusters/0/Status", json!("available"))).await;
    let found = look(looks, &cluster).await;
    assert_eq!(one(&found, "DBClusters", &DB_CLUSTER)["DBClusterMembers"], json!([]), "no instance (A1)");
    let member = format!("{back}-1");
    let create = world.call(
        "rds:CreateDBInstance",
        json!({"DBInstanceIdentifier": member, "DBClusterIdentifier": back, "Engine": "aurora-postgresql",
               "DBInstanceClass": "db.r6g.large", "Tags": tags()}),
    );
    act(acts, &create).await;
    let instance = world.call("rds:DescribeDBInstances", json!({"DBInstanceIdentifier": member}));
    until(looks, &instance, "available", holds("/DBInstances/0/DBInstanceStatus", json!("available"))).await;
    until(looks, &cluster, "written", holds("/DBClusters/0/DBClusterMembers/0/IsClusterWriter", json!(true)))
        .await;
    let modify = json!({"DBClusterIdentifier": back, "ApplyImmediately": true, "BackupRetentionPeriod": 5});
    act(acts, &world.call("rds:ModifyDBCluster", modify)).await;
    until(looks, &cluster, "modified", holds("/DBClusters/0/BackupRetentionPeriod", json!(5))).await;
    until(looks, &cluster, "available", holds("/DBClusters/0/Status", json!("available"))).await;
    let delete = json!({"DBInstanceIdentifier": member, "SkipFinalSnapshot": true});
    act(acts, &world.call("rds:DeleteDBInstance", delete)).await;
    until(looks, &instance, "gone", gone("DBInstanceNotFound")).await;
    let delete = json!({"DBClusterIdentifier": back, "SkipFinalSnapshot": true});
    act(acts, &world.call("rds:DeleteDBCluster", delete)).await;
    until(looks, &cluster, "gone", gone("DBClusterNotFoundFault")).await;
    let delete = json!({"DBClusterSnapshotIdentifier": name});
    act(acts, &world.call("rds:DeleteDBClusterSnapshot", delete)).await;
    until(looks, &asked, "gone", gone("DBClusterSnapshotNotFoundFault")).await;
    let all = look(looks, &world.call("rds:DescribeGlobalClusters", json!({}))).await;
    assert!(all.body["GlobalClusters"].is_array(), "{}", all.body);
}

/// Has what is not there refused by its code, and says that a failover without the word for it never leaves (A3).
pub(crate) async fn what_is_not_there_is_refused(looks: &dyn Look, acts: &dyn Act, world: &World) {
    for (operation, arguments, code) in [
        (
            "rds:DescribeDBClusterSnapshots",
            json!({"DBClusterSnapshotIdentifier": "no"}),
            "DBClusterSnapshotNotFoundFault",
        ),
        ("rds:DescribeDBParameterGroups", json!({"DBParameterGroupName": "no"}), "DBParameterGroupNotFound"),
        ("rds:DescribeDBSubnetGroups", json!({"DBSubnetGroupName": "no"}), "DBSubnetGroupNotFoundFault"),
        ("rds:DescribeOptionGroups", json!({"OptionGroupName": "no"}), "OptionGroupNotFoundFault"),
    ] {
        let call = world.call(operation, arguments);
        let seen = looks.look(&call).await;
        let found = seen.as_ref().err().and_then(CallTrouble::code);
        assert_eq!(found, Some(code), "{operation}: {seen:?}");
    }
    let restore = json!({"SourceDBInstanceIdentifier": "no", "TargetDBInstanceIdentifier": "back",
                         "UseLatestRestorableTime": true});
    for (operation, arguments, code) in [
        (
            "rds:CreateDBSnapshot",
            json!({"DBInstanceIdentifier": "no", "DBSnapshotIdentifier": "s"}),
            "DBInstanceNotFound",
        ),
        ("rds:DeleteDBSnapshot", json!({"DBSnapshotIdentifier": "no"}), "DBSnapshotNotFound"),
        ("rds:RestoreDBInstanceToPointInTime", restore, "DBInstanceNotFound"),
        (
            "rds:DeleteDBCluster",
            json!({"DBClusterIdentifier": "no", "SkipFinalSnapshot": true}),
            "DBClusterNotFoundFault",
        ),
    ] {
        refused(acts, &world.call(operation, arguments), code).await;
    }
    let over = json!({"GlobalClusterIdentifier": "g", "TargetDbClusterIdentifier": "arn:aws:rds:us-west-2:1:cluster:c"});
    let call: Call = world.call("rds:FailoverGlobalCluster", over);
    let told = acts.act(crate::support::armed::armed(call)).await;
    let Err(CallTrouble::NotSent(says)) = told else { panic!("{told:?}") };
    assert!(says.as_str().contains("AllowDataLoss"), "{says}");
}
