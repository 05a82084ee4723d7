"""What each runbook that is built in recovers, by server: a seed makes it in an account and says how it is run.

A runbook that a server cannot carry has no seed for it; tests/support/recoveries.rs says why.
"""

import datetime
import json
import tempfile
import time
import urllib.request

HOME, DR = "us-east-2", "us-west-2"
ROLE = "harbour-backup"
OLD, NEW = "10.1.1.1", "10.2.2.2"
TTL = 5


def component(name, kind, of, **more):
    """Returns a line of an estate file."""
    return json.dumps({name: {"kind": kind, "select": {"id": of}, **more}})[1:-1]


def seed(*components, failure=None, lost=False, **said):
    """Says how a runbook is run: with `lost`, its home Region answers nothing any more after it was read."""
    return {
        "components": "\n".join(components),
        "said": {name.replace("_", "-"): value for name, value in said.items()},
        "failure": failure,
        "lost": lost,
    }


def arn(place, service, what, region=HOME):
    return f"arn:aws:{service}:{region}:{place.account}:{what}"


def gear(place, what, **body):
    """Posts to the control API of the first server."""
    data = json.dumps({"account": place.account, **body}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{place.url}/_gear/{what}", data)) as answer:
        return json.loads(answer.read())


# Databases.


def database(place, snapshot="orders-1"):
    """Makes a database, and a snapshot of it."""
    rds = place.client("rds")
    groups(place, HOME)
    login = {"MasterUsername": "observer", "MasterUserPassword": "not-a-secret"}
    made = {"Engine": "postgres", "EngineVersion": "13.7", "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20}
    named = {"DBSubnetGroupName": "private", "DBParameterGroupName": "orders", "BackupRetentionPeriod": 7}
    if place.moto:
        # moto asks for the option group of a restore, and has none of those that AWS makes by itself.
        rds.create_option_group(
            OptionGroupName="orders", EngineName="postgres", MajorEngineVersion="13", OptionGroupDescription="orders"
        )
        named["OptionGroupName"] = "orders"
    rds.create_db_instance(DBInstanceIdentifier="orders", **login, **made, **named)
    if snapshot:
        rds.create_db_snapshot(DBInstanceIdentifier="orders", DBSnapshotIdentifier=snapshot)
    return component("orders", "rds-instance", "orders")


def groups(place, region):
    """Makes the groups that a database of that Region belongs to."""
    rds, ec2 = place.client("rds", region), place.client("ec2", region)
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]][:2]
    rds.create_db_subnet_group(DBSubnetGroupName="private", DBSubnetGroupDescription="private", SubnetIds=subnets)
    rds.create_db_parameter_group(DBParameterGroupName="orders", DBParameterGroupFamily="postgres13", Description="orders")


def backup_of_database(place):
    return seed(database(place, None), database="orders")


def copy_of_database(place):
    key = place.client("kms", DR).create_key()["KeyMetadata"]["Arn"]
    return seed(database(place, None), database="orders", key=key)


def of_database(place):
    return seed(database(place), database="orders")


def to_time(place):
    made = seed(database(place, None), database="orders")
    begun = datetime.datetime.now(datetime.timezone.utc)
    earliest, latest = begun - datetime.timedelta(days=6), begun
    if place.moto:
        times = {"earliest": stamp(earliest), "latest": stamp(latest)}
        gear(place, "restore-window", region=HOME, instance="orders", **times)
    return made


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def in_dr_region(place, *more, **said):
    """Makes a database whose snapshot was copied, and loses its Region."""
    lines = database(place)
    groups(place, DR)
    if place.moto:
        place.client("rds", DR).create_option_group(
            OptionGroupName="orders", EngineName="postgres", MajorEngineVersion="13", OptionGroupDescription="orders"
        )
    source = arn(place, "rds", "snapshot:orders-1")
    place.client("rds", DR).copy_db_snapshot(
        SourceDBSnapshotIdentifier=source, TargetDBSnapshotIdentifier="orders-copy", SourceRegion=HOME
    )
    return seed(lines, *more, failure="region", lost=True, database="orders", **said)


def lost_region(place):
    return in_dr_region(place, record(place), record="www", standby=NEW)


def cluster(place, snapshot=None, region=HOME, **more):
    """Makes a cluster with two members."""
    rds = place.client("rds", region)
    name = "ledger" if region == HOME else "ledger-dr"
    made = {"DBClusterIdentifier": name, "Engine": "aurora-postgresql", **more}
    if "GlobalClusterIdentifier" not in more:
        made.update(MasterUsername="observer", MasterUserPassword="not-a-secret")
    rds.create_db_cluster(**made)
    for nth in "ab":
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-{nth}",
            DBClusterIdentifier=name,
            Engine="aurora-postgresql",
            DBInstanceClass="db.r6g.large",
        )
    if snapshot:
        rds.create_db_cluster_snapshot(DBClusterIdentifier=name, DBClusterSnapshotIdentifier=snapshot)
    return component("ledger", "rds-cluster", "ledger")


def of_cluster(place):
    return seed(cluster(place), cluster="ledger")


def cluster_snapshot(place):
    return seed(cluster(place, "ledger-1"), cluster="ledger")


def global_cluster(place):
    """Makes a cluster that another Region follows."""
    line = cluster(place)
    rds = place.client("rds")
    source = arn(place, "rds", "cluster:ledger")
    rds.create_global_cluster(GlobalClusterIdentifier="world", SourceDBClusterIdentifier=source)
    cluster(place, None, DR, GlobalClusterIdentifier="world")
    return line


def global_switchover(place):
    return seed(global_cluster(place), cluster="ledger")


def global_failover(place):
    return seed(global_cluster(place), cluster="ledger", failure="region")


def global_failback(place):
    """The other Region writes, and what was left behind at home belongs to no global cluster any more."""
    line = global_cluster(place)
    there = arn(place, "rds", "cluster:ledger-dr", DR)
    rds = place.client("rds")
    rds.failover_global_cluster(
        GlobalClusterIdentifier="world", TargetDbClusterIdentifier=there, AllowDataLoss=True
    )
    left = arn(place, "rds", "cluster:ledger")
    rds.remove_from_global_cluster(GlobalClusterIdentifier="world", DbClusterIdentifier=left)
    said = {"cluster": "ledger", "global": "world", "target": "ledger-2"}
    return seed(line, **said)


# Machines and disks.


def volume(place, snapshot=True):
    ec2 = place.client("ec2")
    made = ec2.create_volume(AvailabilityZone=HOME + "a", Size=8, VolumeType="gp3")["VolumeId"]
    if snapshot:
        ec2.create_snapshot(VolumeId=made)
    return made


def backup_of_volume(place):
    return seed(component("disk", "ebs-volume", volume(place, False)), volume="disk")


def of_volume(place):
    return seed(component("disk", "ebs-volume", volume(place)), volume="disk", zone=HOME + "a")


def machine(place):
    """Launches an instance and returns its id."""
    ec2 = place.client("ec2")
    subnets = ec2.describe_subnets()["Subnets"]
    there = [one["SubnetId"] for one in subnets if one["AvailabilityZone"] == HOME + "a"]
    asked = {"ImageId": image(place) if not place.moto else "ami-12c6146b", "InstanceType": "t3.small"}
    made = ec2.run_instances(MinCount=1, MaxCount=1, SubnetId=there[0], **asked)
    return made["Instances"][0]["InstanceId"]


def image(place):
    return place.client("ec2").describe_images()["Images"][0]["ImageId"]


def web(place):
    return component("web", "ec2-instance", machine(place))


def of_instance(place):
    return seed(web(place), instance="web")


def instance_backup(place):
    return seed(web(place), instance="web", reboot="false")


def instance_image(place):
    """An image of the instance; that of the second server has no date, so that nobody finds it who is not told of it."""
    of, ec2 = machine(place), place.client("ec2")
    line, said = component("web", "ec2-instance", of), {}
    if place.moto:
        ec2.create_image(InstanceId=of, Name="web-1", NoReboot=True)
    else:
        disk = ec2.create_snapshot(VolumeId=volume(place, False))["SnapshotId"]
        made = ec2.register_image(
            Name="web-1",
            Architecture="x86_64",
            VirtualizationType="hvm",
            RootDeviceName="/dev/sda1",
            BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": disk}}],
        )
        said = {"image": made["ImageId"]}
    return seed(line, instance="web", **said)


def attached(place):
    of, disk = machine(place), volume(place)
    place.client("ec2").attach_volume(VolumeId=disk, InstanceId=of, Device="/dev/sdf")
    return seed(component("disk", "ebs-volume", disk), volume="disk", instance=of)


def in_order(place):
    machines = instance_image(place)
    lines = database(place), component("disk", "ebs-volume", volume(place)), machines["components"]
    return seed(*lines, database="orders", volume="disk", zone=HOME + "a", **machines["said"])


def kubernetes(place):
    place.client("eks").create_cluster(
        name="shop",
        roleArn=f"arn:aws:iam::{place.account}:role/shop",
        resourcesVpcConfig={"subnetIds": [one["SubnetId"] for one in place.client("ec2").describe_subnets()["Subnets"]][:2]},
    )
    return seed(component("shop", "eks-cluster", "shop"), cluster="shop")


# Objects.


def bucket(place, name="media", versions=True, region=HOME):
    """Makes a bucket and returns its name: names are those of all accounts together."""
    s3 = place.client("s3", region)
    of = f"{name}-{place.account}"
    s3.create_bucket(Bucket=of, CreateBucketConfiguration={"LocationConstraint": region})
    if versions:
        s3.put_bucket_versioning(Bucket=of, VersioningConfiguration={"Status": "Enabled"})
    return of


def rules(place, of):
    """Gives a bucket a rule that deletes."""
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 30}}
    place.client("s3").put_bucket_lifecycle_configuration(Bucket=of, LifecycleConfiguration={"Rules": [rule]})
    return component("media", "s3-bucket", of)


def unprotected(place):
    return seed(component("media", "s3-bucket", bucket(place, versions=False)), bucket="media")


def contained_bucket(place):
    return seed(rules(place, bucket(place)), bucket="media")


def contained_account(place):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
    place.client("iam").create_role(RoleName="shop-app", AssumeRolePolicyDocument=json.dumps(trust))
    return seed(rules(place, bucket(place)), backups="media", role="shop-app")


def deleted(place):
    of, s3 = bucket(place), place.client("s3")
    s3.put_object(Bucket=of, Key="a/key", Body=b"good")
    s3.delete_object(Bucket=of, Key="a/key")
    return seed(component("media", "s3-bucket", of), bucket="media", key="a/key")


def downloaded(place):
    of, s3 = bucket(place), place.client("s3")
    for key in "ab":
        s3.put_object(Bucket=of, Key=f"dump/{key}", Body=b"good")
    to = tempfile.mkdtemp() + "/out"
    return seed(component("media", "s3-bucket", of), bucket="media", prefix="dump/", folder=to)


def overwritten(place):
    of, s3 = bucket(place), place.client("s3")
    good = s3.put_object(Bucket=of, Key="a/key", Body=b"good")["VersionId"]
    s3.put_object(Bucket=of, Key="a/key", Body=b"bad")
    return seed(component("media", "s3-bucket", of), bucket="media", key="a/key", version=good)


def prefix(place):
    """Of three objects, one is deleted after a moment, one overwritten, and one left alone."""
    of, s3 = bucket(place), place.client("s3")
    for key in "abc":
        s3.put_object(Bucket=of, Key=f"p/{key}", Body=b"good")
    time.sleep(2.1)  # times of objects are whole seconds
    moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)
    s3.delete_object(Bucket=of, Key="p/a")
    s3.put_object(Bucket=of, Key="p/b", Body=b"bad")
    return seed(component("media", "s3-bucket", of), bucket="media", prefix="p/", moment=stamp(moment))


def synced(place):
    of, other = bucket(place), bucket(place, "copies", region=DR)
    for key in "abc":
        place.client("s3", DR).put_object(Bucket=other, Key=f"p/{key}", Body=b"good")
    said = {"from": other, "from_region": DR, "prefix": "p/"}
    return seed(component("media", "s3-bucket", of), bucket="media", **said)


# Tables.


def table(place, backup=False):
    db = place.client("dynamodb")
    db.create_table(
        TableName="carts",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    db.put_item(TableName="carts", Item={"id": {"S": "1"}})
    on = {"PointInTimeRecoveryEnabled": True}
    db.update_continuous_backups(TableName="carts", PointInTimeRecoverySpecification=on)
    db.update_time_to_live(TableName="carts", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"})
    db.tag_resource(ResourceArn=arn(place, "dynamodb", "table/carts"), Tags=[{"Key": "team", "Value": "shop"}])
    if backup:
        db.create_backup(TableName="carts", BackupName="carts-1")
    return component("carts", "dynamodb-table", "carts")


def of_table(place):
    return seed(table(place), table="carts")


def table_backup(place):
    return seed(table(place, True), table="carts")


def vault(place):
    place.client("backup").create_backup_vault(BackupVaultName="daily")
    return component("vault", "backup-vault", "daily")


def backup_now(place):
    role = f"arn:aws:iam::{place.account}:role/{ROLE}"
    return seed(table(place), vault(place), component="carts", vault="daily", role=role)


def vault_restore(place):
    """The jobs of AWS Backup are stubs here, and the table that a job says it has made was made before."""
    role = f"arn:aws:iam::{place.account}:role/{ROLE}"
    lines = table(place), vault(place)
    point = arn(place, "backup", "recovery-point:11111111-2222-3333-4444-555555555555")
    source, made = arn(place, "dynamodb", "table/carts"), arn(place, "dynamodb", "table/carts-2")
    place.client("dynamodb").create_table(
        TableName="carts-2",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    created = stamp(datetime.datetime.now(datetime.timezone.utc))
    known = {"RecoveryPointArn": point, "BackupVaultName": "daily", "ResourceArn": source, "ResourceType": "DynamoDB"}
    known.update(Status="COMPLETED", CreationDate=created, CompletionDate=created)
    job = {"RestoreJobId": "job-1", "Status": "COMPLETED", "CreatedResourceArn": made, "RecoveryPointArn": point}
    answers = {
        "DescribeRecoveryPoint": known,
        "GetRecoveryPointRestoreMetadata": {"RecoveryPointArn": point, "RestoreMetadata": {"originalTableName": "carts"}},
        "StartRestoreJob": {"RestoreJobId": "job-1"},
        "DescribeRestoreJob": job,
    }
    for operation, page in answers.items():
        gear(place, "stub", service="backup", operation=operation, pages=[page])
    return seed(*lines, table="carts", vault="daily", point=point, role=role, target="carts-2")


# Names.


def zone(place):
    """Makes a zone and returns its id and its name."""
    name = f"a{place.account}.example"
    made = place.client("route53").create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
    return made.split("/")[-1], name


def put(place, of, *sets):
    changes = [{"Action": "CREATE", "ResourceRecordSet": {"Type": "A", "TTL": TTL, **one}} for one in sets]
    place.client("route53").change_resource_record_sets(HostedZoneId=of, ChangeBatch={"Changes": changes})


def record(place):
    of, name = zone(place)
    put(place, of, {"Name": f"www.{name}", "ResourceRecords": [{"Value": OLD}]})
    return component("www", "dns-record", f"{of}/www.{name}/A")


def failover(place):
    return seed(record(place), record="www", standby=NEW)


def failback(place):
    return seed(record(place), record="www", home=NEW)


def weights(place):
    of, name = zone(place)
    first = {"Name": f"www.{name}", "SetIdentifier": "main", "Weight": 100, "ResourceRecords": [{"Value": OLD}]}
    other = {"Name": f"www.{name}", "SetIdentifier": "standby", "Weight": 0, "ResourceRecords": [{"Value": NEW}]}
    put(place, of, first, other)
    line = component("www", "dns-record", f"{of}/www.{name}/A")
    return seed(line, record="www", name=f"www.{name}", to="standby", address=NEW)


BOTH = {
    "bucket-protect": unprotected,
    "cluster-access": kubernetes,
    "cluster-failover": of_cluster,
    "contain-account": contained_account,
    "contain-bucket": contained_bucket,
    "database-backup": backup_of_database,
    "database-from-snapshot": of_database,
    "dns-failback": failback,
    "dns-failover": failover,
    "dns-weights": weights,
    "environment-in-order": in_order,
    "instance-recover": instance_image,
    "instance-restart": of_instance,
    "object-download": downloaded,
    "object-undelete": deleted,
    "object-version": overwritten,
    "prefix-sync": synced,
    "prefix-to-moment": prefix,
    "table-backup": of_table,
    "table-from-backup": table_backup,
    "table-to-time": of_table,
    "volume-copy-to-dr": backup_of_volume,
    "volume-from-snapshot": of_volume,
    "volume-snapshot": backup_of_volume,
    "volumes-restore": attached,
}

SEEDS = {
    "moto": {
        **BOTH,
        "cluster-from-snapshot": cluster_snapshot,
        "cluster-to-time": of_cluster,
        "database-copy-to-dr": copy_of_database,
        "database-in-dr-region": in_dr_region,
        "database-swap-back": of_database,
        "database-to-time": to_time,
        "instance-backup": instance_backup,
        "instance-relaunch": instance_image,
        "region-lost": lost_region,
        "vault-restore": vault_restore,
    },
    "ministack": {
        **BOTH,
        "backup-now": backup_now,
        "global-failback": global_failback,
        "global-failover": global_failover,
        "global-switchover": global_switchover,
    },
}
