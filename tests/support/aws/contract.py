"""Makes one of each thing that lifeboat reads in an account, and prints as JSON what they are called.

    python contract.py PORT ACCOUNT
"""

import hashlib
import json

from account import ACCOUNT, HOME, ago, client, database, now, stub, versioned


def databases():
    rds = client("rds")
    database("db")
    rds.create_db_snapshot(DBInstanceIdentifier="db", DBSnapshotIdentifier="db-1")
    login = dict(MasterUsername="admin", MasterUserPassword="not-a-secret")
    rds.create_db_cluster(DBClusterIdentifier="cluster", Engine="aurora-postgresql", **login)
    database("cluster-1", Engine="aurora-postgresql", DBClusterIdentifier="cluster", DBInstanceClass="db.r5.large")
    rds.create_db_cluster_snapshot(DBClusterIdentifier="cluster", DBClusterSnapshotIdentifier="cluster-1")
    return {"rds-instance": "db", "rds-cluster": "cluster"}


def machines():
    ec2 = client("ec2")
    base = ec2.register_image(Name="base", RootDeviceName="/dev/sda1", Architecture="x86_64")["ImageId"]
    instance = ec2.run_instances(ImageId=base, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    image = ec2.create_image(InstanceId=instance, Name="nightly")["ImageId"]
    ec2.create_tags(Resources=[image], Tags=[{"Key": "instance", "Value": instance}])
    volume = ec2.create_volume(AvailabilityZone=f"{HOME}a", Size=8)["VolumeId"]
    ec2.create_snapshot(VolumeId=volume)
    return {"ec2-instance": instance, "ebs-volume": volume}


def stores(account):
    bucket = f"contract-{account}"
    versioned(bucket)
    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName="table",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.update_continuous_backups(
        TableName="table", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb.create_backup(TableName="table", BackupName="backup")
    dynamodb.create_table(
        TableName="locks",
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    key = "core/terraform.tfstate"
    state = json.dumps({"version": 4, "terraform_version": "1.11.4", "serial": 7, "lineage": "l", "resources": []})
    client("s3").put_object(Bucket=bucket, Key=key, Body=state)
    digest = hashlib.md5(state.encode()).hexdigest()
    dynamodb.put_item(TableName="locks", Item={"LockID": {"S": f"{bucket}/{key}-md5"}, "Digest": {"S": digest}})
    lock = json.dumps({"ID": "i", "Operation": "OperationTypeApply", "Who": "somebody@here", "Created": ago(60)})
    client("s3").put_object(Bucket=bucket, Key=f"{key}.tflock", Body=lock)
    dynamodb.put_item(TableName="locks", Item={"LockID": {"S": f"{bucket}/{key}"}, "Info": {"S": lock}})
    client("backup").create_backup_vault(BackupVaultName="vault")
    point = {
        "RecoveryPointArn": f"arn:aws:backup:{HOME}:{account}:recovery-point:1",
        "Status": "COMPLETED",
        "CreationDate": ago(3600),
    }
    stub("backup", "ListRecoveryPointsByBackupVault", {"RecoveryPoints": [point]}, BackupVaultName="vault")
    return {"s3-bucket": bucket, "dynamodb-table": "table", "backup-vault": "vault"}


def names():
    route53 = client("route53", "us-east-1")
    zone = route53.create_hosted_zone(Name="gear.example.", CallerReference=str(now()))["HostedZone"]["Id"]
    record = {"Name": "www.gear.example", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
    zone = zone.split("/")[-1]
    return {"zone": zone, "dns-record": f"{zone}/www.gear.example/A"}


def others():
    network = {"subnetIds": ["subnet-0123456789abcdef0"], "securityGroupIds": []}
    client("eks").create_cluster(name="kubernetes", roleArn=f"arn:aws:iam::{ACCOUNT}:role/eks", resourcesVpcConfig=network)
    watch = client("cloudwatch")
    watch.put_metric_alarm(
        AlarmName="targets",
        Namespace="AWS/ApplicationELB",
        MetricName="UnHealthyHostCount",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[f"arn:aws:sns:{HOME}:{ACCOUNT}:somebody"],
    )
    watch.set_alarm_state(AlarmName="targets", StateValue="OK", StateReason="as made")
    return {"eks-cluster": "kubernetes", "key": client("kms").create_key()["KeyMetadata"]["Arn"]}


if __name__ == "__main__":
    print(json.dumps({**databases(), **machines(), **stores(ACCOUNT), **names(), **others()}))
