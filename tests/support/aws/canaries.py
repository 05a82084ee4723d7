"""Puts secrets and identifiers that must not be seen wherever lifeboat reads, and prints them.

    python3 canaries.py PORT ACCOUNT FOLDER

Makes one of each thing that lifeboat reads in the account and writes FOLDER/lifeboat.yaml, an estate that reads all of
it; and FOLDER/refused.yaml, the same with a user before the token in the URL of a repository: lifeboat must refuse it,
and not show the token. Prints a JSON list:

    [{"canary", "what", "where", "class", "parts"}]

`class` is `sensitive-value` (marked so in a state: it must never be in any output), `secret` (a credential that nobody
marked) or `identifier` (of an account, a person, a host, an address); these two must not be seen under redaction.
`parts` are pieces of a canary that tell as much as the whole, the whole among them: none may be seen, either.

All are made from a fixed seed: they are the same each time and belong to nobody. In names of buckets, which are one
space for all accounts, ACCOUNT stands as well, so that several may be made in one server.
"""

import json
import pathlib
import sys

import yaml

import canaries_values as v
from account import ACCOUNT, DR, HOME, URL, ago, client, database, gear, now, stub, versioned
from canaries_states import TABLE, states
from canaries_values import IDENTIFIER, SECRET

D, H = 86400, 3600
MANY = 60


def patch(resource, id, **members):
    gear("patch", region=HOME, resource=resource, id=id, set=members)


def databases(plant):
    owner = plant("e-mail address", "a tag of a database", IDENTIFIER, v.email, parts=v.ends)
    dsn = plant("database password in a URL", "a tag of a database", SECRET, v.url_password)
    host = plant("host name", "the endpoint of a database", IDENTIFIER, v.endpoint)
    inside = plant("account id", "the id of a snapshot of a database", IDENTIFIER, v.account)
    address = plant("IPv4 address", "an event of a database", IDENTIFIER, v.public_ip)
    tags = [{"Key": "Owner", "Value": owner}, {"Key": "dsn", "Value": f"postgres://shop:{dsn}@db.example.com/shop"}]
    database("shop-db", Tags=tags)
    patch("rds.db", "shop-db", Endpoint={"Address": host, "Port": 5432, "HostedZoneId": "Z2XHWR1WZ565X2"})
    client("rds").create_db_snapshot(DBInstanceIdentifier="shop-db", DBSnapshotIdentifier=f"from-{inside}-weekly")
    event = {
        "SourceIdentifier": "shop-db",
        "SourceType": "db-instance",
        "Message": f"The connection from {address} was refused while the instance failed over.",
        "EventCategories": ["failure"],
        "Date": ago(2 * H),
    }
    stub("rds", "DescribeEvents", {"Events": [event]}, SourceType="db-instance")
    login = dict(MasterUsername="admin", MasterUserPassword="not-a-secret")
    client("rds").create_db_cluster(DBClusterIdentifier="ledger", Engine="aurora-postgresql", **login)
    return {"shop-db": ("rds-instance", "shop-db"), "ledger": ("rds-cluster", "ledger")}


def machines(plant):
    pat = plant("GitHub token", "a tag of an instance", SECRET, v.github_pat, parts=lambda value: [value, value[11:33]])
    slack = plant("Slack token", "a tag of an instance", SECRET, v.slack)
    address = plant("IPv4 address", "the private address of an instance", IDENTIFIER, v.private_ip)
    host = plant("host name", "the name of an image", IDENTIFIER, v.outer_host)
    npm = plant("npm token", "a tag of a volume", SECRET, v.npm, parts=v.piece)
    session = plant("access key", "the description of a snapshot", SECRET, v.session_key)
    role = plant("role name in an ARN", "why a snapshot failed", IDENTIFIER, v.role)
    ec2 = client("ec2")
    given = lambda kind, **tags: [{"ResourceType": kind, "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}]
    base = ec2.register_image(Name="base", RootDeviceName="/dev/sda1", Architecture="x86_64")["ImageId"]
    tags = given("instance", deploy=pat, alerts=slack)
    made = ec2.run_instances(ImageId=base, MinCount=1, MaxCount=1, TagSpecifications=tags)
    instance = made["Instances"][0]["InstanceId"]
    patch("ec2.instance", instance, PrivateIpAddress=address)
    image = ec2.create_image(InstanceId=instance, Name=f"{host} weekly")["ImageId"]
    ec2.create_tags(Resources=[image], Tags=[{"Key": "instance", "Value": instance}])
    tags = given("volume", registry=npm)
    volume = ec2.create_volume(AvailabilityZone=f"{HOME}a", Size=8, TagSpecifications=tags)["VolumeId"]
    ec2.create_snapshot(VolumeId=volume, Description=f"made by {session}")
    failed = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    why = f"arn:aws:iam::{ACCOUNT}:role/{role} may not use the key of this volume"
    patch("ec2.snapshot", failed, State="error", StateMessage=why)
    return {"worker": ("ec2-instance", instance), "files": ("ebs-volume", volume)}


def stores(plant):
    vault = plant("Vault token", "a tag of a bucket", SECRET, v.vault)
    key = plant("access key", "a tag of a table", SECRET, v.session_key)
    inside = plant("account id", "the name of a backup vault", IDENTIFIER, v.account)
    user = plant("user name in an ARN", "the message of a backup job", IDENTIFIER, v.user)
    bucket = f"canary-exports-{ACCOUNT}"
    versioned(bucket).put_object(Bucket=bucket, Key="one", Body=b"1")
    client("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "vault", "Value": vault}]})
    for table in ("sessions", "carts"):
        client("dynamodb").create_table(
            TableName=table,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            Tags=[{"Key": "signer", "Value": key if table == "sessions" else "none"}],
        )
    name = f"nightly-{inside}"
    client("backup").create_backup_vault(BackupVaultName=name)
    point = {"RecoveryPointArn": f"arn:aws:backup:{HOME}:{ACCOUNT}:recovery-point:1", "Status": "COMPLETED"}
    point |= {"CreationDate": ago(9 * H)}
    stub("backup", "ListRecoveryPointsByBackupVault", {"RecoveryPoints": [point]}, BackupVaultName=name)
    job = {
        "BackupJobId": "1",
        "BackupVaultName": name,
        "ResourceArn": f"arn:aws:rds:{HOME}:{ACCOUNT}:db:shop-db",
        "State": "FAILED",
        "StatusMessage": f"arn:aws:iam::{ACCOUNT}:user/{user} may not back up this resource",
        "CreationDate": ago(3 * H),
    }
    stub("backup", "ListBackupJobs", {"BackupJobs": [job]})
    tables = {"sessions": ("dynamodb-table", "sessions"), "carts": ("dynamodb-table", "carts")}
    return {"exports": ("s3-bucket", bucket), "vault": ("backup-vault", name), **tables}


def dumps(plant):
    person = plant("e-mail address", "the name of a dump", IDENTIFIER, v.email, parts=v.ends)
    bucket, key = f"canary-dumps-{ACCOUNT}", f"crm/crm-{person}-weekly.sql.gz"
    client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": HOME})
    client("s3").put_object(Bucket=bucket, Key=key, Body=b"a dump")
    gear("written", bucket=bucket, objects={key: ago(5 * H)})
    return {"crm": ("database-dump", f"s3://{bucket}/crm/")}


def names(plant):
    token = plant("API key in hex (64)", "a TXT record, `token=`", SECRET, v.hex_of(64))
    address = plant("IPv6 address", "an AAAA record", IDENTIFIER, v.ipv6)
    host = plant("host name", "a CNAME record", IDENTIFIER, v.inner_host)
    route53 = client("route53", "us-east-1")
    made = route53.create_hosted_zone(Name="canary.example.", CallerReference=str(now()))["HostedZone"]["Id"]
    zone, found = made.split("/")[-1], {}
    for name, kind, value in (("hook", "TXT", f'"token={token}"'), ("six", "AAAA", address), ("in", "CNAME", host)):
        record = {"Name": f"{name}.canary.example", "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
        changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)
        found[f"{name}-dns"] = ("dns-record", f"{zone}/{name}.canary.example/{kind}")
    return found


def errors(plant):
    """Calls that fail, and say more than they should."""
    account = plant("account id", "the message of a call that is denied", IDENTIFIER, v.account)
    role = plant("role name in an ARN", "the message of a call that is denied", IDENTIFIER, v.role)
    person = plant("e-mail address", "the message of a call that is denied", IDENTIFIER, v.email, parts=v.ends)
    key = plant("access key", "the message of a call that fails", SECRET, v.access_key)
    token = plant("API key in hex (32)", "the message of a call that fails, `token=`", SECRET, v.hex_of(32))
    says = f"User: arn:aws:sts::{account}:assumed-role/{role}/{person} is not authorized to perform: "
    says += f"dynamodb:DescribeContinuousBackups on resource: arn:aws:dynamodb:{HOME}:{account}:table/carts"
    denied = {"status": 400, "code": "AccessDeniedException", "message": says}
    told = f"the request of {key} was not understood: token={token} is not one of this cluster"
    failed = {"status": 400, "code": "InvalidRequestException", "message": told}
    for service, operation, match, error in (
        ("dynamodb", "DescribeContinuousBackups", {"TableName": "carts"}, denied),
        ("eks", "DescribeCluster", {"name": "kubernetes"}, failed),
    ):
        gear("stub", service=service, operation=operation, match=match, error=error)
    return {"kubernetes": ("eks-cluster", "kubernetes")}


def estate(plant, found, bucket, replica, network, shop):
    """Returns the estate file: what was made, and what stands in the file itself."""
    owner = plant("e-mail address", "the estate file: `owner`", IDENTIFIER, v.email, parts=v.ends)
    git = plant("GitHub token", "the estate file: the URL of a repository", SECRET, v.github, parts=v.piece)
    probe = plant("API key in hex (40)", "the estate file: the URL of a probe, `token=`", SECRET, v.hex_of(40))
    alarm = plant("e-mail address", "the name of an alarm", IDENTIFIER, v.email, parts=v.ends)
    watch = client("cloudwatch")
    watch.put_metric_alarm(
        AlarmName=f"targets, tell {alarm}",
        Namespace="AWS/ApplicationELB",
        MetricName="UnHealthyHostCount",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    watch.set_alarm_state(AlarmName=f"targets, tell {alarm}", StateValue="ALARM", StateReason="as made")
    limits = {"rpo": "1 h", "rto": "2 h"}
    components = {
        name: {"kind": kind, "select": {"id": id}, "objectives": limits} for name, (kind, id) in found.items()
    }
    components["shop-db"]["owner"] = owner
    for name, key in (("network-state", network), ("shop-state", shop)):
        components[name] = {"kind": "terraform-state", "select": {"id": f"{bucket}/{key}"}, "objectives": limits}
    components |= {
        "stack": {"kind": "terraform-stack", "select": {"id": f"{bucket}/{shop}"}, "depends_on": ["shop-state"]},
        "code": {
            "kind": "git-repository",
            "select": {"id": f"https://{git}@git.example.com/shop.git"},
            "deployed": "0123456789abcdef0123456789abcdef01234567",
        },
        "core-network": {"kind": "network", "select": {"id": "vpc-0123456789abcdef0"}},
        "web-namespace": {"kind": "kubernetes-namespace", "select": {"id": "web"}},
        "search": {"kind": "search-snapshot", "select": {"id": "nightly"}},
        "checkout": {
            "kind": "service",
            "depends_on": ["shop-db", "sessions"],
            "probes": [
                {"http": f"https://checkout.example.com/health?token={probe}", "status": 200},
                {"alarm": f"targets, tell {alarm}"},
            ],
        },
    }
    environment = {
        "class": "production",
        "account": ACCOUNT,
        "account_alias": "canary",
        "region": HOME,
        "dr_region": DR,
    }
    environment["endpoints"] = {"default": URL}
    backend = {"bucket": bucket, "prefix": "prod/", "lock_table": TABLE, "lockfile": True}
    backend["replica"] = {"bucket": replica, "region": DR}
    return {
        "version": 1,
        "estate": "canaries",
        "environments": {"production": environment},
        "components": components,
        "groups": {"shop": {"members": ["checkout", "carts", "network-state"]}},
        "backends": {"main": backend},
    }


class Plain(yaml.SafeDumper):
    """Writes what is used twice twice: the file is to be read by people."""

    def ignore_aliases(self, data):
        return True


def main(folder):
    canaries = v.Canaries()
    found = {}
    for make in (databases, machines, stores, dumps, names, errors):
        found |= make(canaries.plant)
    described = estate(canaries.plant, found, *states(canaries.plant))
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.dump(described, Dumper=Plain, sort_keys=False, allow_unicode=True, width=120)
    (folder / "lifeboat.yaml").write_text(text)
    (folder / "refused.yaml").write_text(text.replace("https://ghp_", "https://deploy:ghp_"))
    values = [one["canary"] for one in canaries.planted]
    assert len(values) == MANY, len(values)
    assert not any(a != b and a in b for a in values for b in values) and len(set(values)) == MANY
    print(json.dumps(canaries.planted, indent=1))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(sys.argv[3])
