"""Says what `lifeboat status` must say of an estate, from AWS's own answers; plain boto3, and nothing of lifeboat.

    python3 oracle.py PORT FOLDER AS_OF

Reads FOLDER/lifeboat.yaml, asks the server on PORT, and prints for every component, group and failure as JSON what would be
lost and what is to be said of it at AS_OF (the `as_of` that the document of lifeboat bears). `point_id` is what AWS calls
the point (snapshot, image, backup, ARN, replica, bucket); it is null where AWS has no name for it: a window, versions, a
record.

Three steps: what is asked of AWS (read_*), which turns into points; what a failure leaves of them (judge); and groups and
services, which are worth what they consist of (compose).
"""

import datetime
import json
import math
import pathlib
import re
import sys
from dataclasses import dataclass

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

FAILURES = ("local", "region", "account")
ORDER = ("no_objective", "met", "unproven", "at_risk", "unknown", "breached")
ABSENT = re.compile(r"NotFound|NoSuch|InvalidSnapshot\.|InvalidAMIID|ReplicationConfigurationNotFound")
OUTSIDE = ("outside", "outside")
CODE = ("eks-cluster", "network", "terraform-stack", "git-repository")
IN_AWS_BACKUP = {
    "rds-instance": "arn:aws:rds:{region}:{account}:db:{id}",
    "rds-cluster": "arn:aws:rds:{region}:{account}:cluster:{id}",
    "ec2-instance": "arn:aws:ec2:{region}:{account}:instance/{id}",
    "ebs-volume": "arn:aws:ec2:{region}:{account}:volume/{id}",
    "s3-bucket": "arn:aws:s3:::{id}",
    "dynamodb-table": "arn:aws:dynamodb:{region}:{account}:table/{id}",
}
PAGES = 5


class Unread(Exception):
    """Something could not be read, which says nothing of what is there (C1)."""


@dataclass
class Point:
    """Something to recover from: it brings back everything until `moment`."""

    id: str | None
    kind: str
    moment: datetime.datetime | None = None
    usable: bool | None = True  # None: that cannot be told
    key: str | None = None
    wait: int = 0  # seconds until it can be read at all
    needs: str | None = None  # a Region whose control plane a restore needs, besides its own
    place: tuple = ()


# ---- the estate file


def seconds(text):
    """Reads a span such as `26 h`; None for `none`."""
    if text in (None, "none", "N/A", "n/a"):
        return None
    units = {"s": 1, "min": 60, "h": 3600, "d": 86400}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)\s*(s|min|h|d)\b", str(text)))


def moment(value):
    """Reads a moment as YAML or an answer has it."""
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        value = datetime.datetime(value.year, value.month, value.day)
    return value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)


def promised(environment, own, failure):
    """Returns (RPO, RTO) in seconds: what is said of one failure goes before what is said of all, own before shared."""
    found = {}
    shared, own = environment.get("objectives") or {}, own.get("objectives") or {}
    for given in (shared, own, shared.get(failure) or {}, own.get(failure) or {}):
        for what in ("rpo", "rto"):
            if what in given:
                found[what] = seconds(given[what])
    return found.get("rpo"), found.get("rto")


def survives(place, failure, home):
    if failure == "region":
        return place[1] != home[1]
    return failure == "local" or place[0] != home[0]


class Estate:
    def __init__(self, text):
        file = yaml.safe_load(text)
        self.environments = file["environments"]
        self.components = dict(file.get("components") or {})
        for name, group in (file.get("groups") or {}).items():
            first = next((m for m in group["members"] if m in self.components), None)
            environment = self.components[first]["environment"] if first else next(iter(self.environments))
            self.components[name] = {**group, "kind": "group", "environment": environment}
        self.due = {}
        for drill in (file.get("drills") or {}).values():
            for name in drill["components"]:
                every = seconds(drill["every"])
                self.due[name] = min(every, self.due.get(name, every))

    def environment(self, component):
        return self.environments[component.get("environment") or next(iter(self.environments))]

    def home(self, component):
        environment = self.environment(component)
        return str(environment["account"]).zfill(12), component.get("region") or environment["region"]

    def places(self, component):
        """Returns where its points may lie, the nearest first: home, the DR Region, copies."""
        account, region = home = self.home(component)
        if component["kind"] in CODE:
            places = [OUTSIDE]
        elif component["kind"] == "dns-record":
            places = [(account, "global")]
        else:
            places = [home, (account, self.environment(component).get("dr_region") or region)]
        places += [self.place_of_copy(component, copy) for copy in component.get("copies") or []]
        return list(dict.fromkeys(places))

    def place_of_copy(self, component, copy):
        account, region = self.home(component)
        return str(copy.get("account", account)).zfill(12), copy.get("region", region)

    def at(self, component, place):
        """Returns where exactly the copies at a place lie, if that is said."""
        copies = component.get("copies") or []
        return next((c["at"] for c in copies if "at" in c and self.place_of_copy(component, c) == place), None)

    def proof(self, name, failure):
        """Returns (when, how many seconds) of the newest measured recovery."""
        all = self.components[name].get("proven") or []
        fit = [(moment(p["on"]), seconds(p["took"])) for p in all if p.get("failure", "local") == failure]
        return max(fit, default=None)


# ---- what AWS says


class Aws:
    def __init__(self, url, estate):
        self.url, self.clients, self.kept = url, {}, {}
        self.roles = {
            str(e["account"]).zfill(12): (e.get("observe") or {}).get("role") for e in estate.environments.values()
        }

    def client(self, service, place):
        account, region = place
        if (service, place) not in self.clients:
            login = {"aws_access_key_id": "oracle", "aws_secret_access_key": "oracle"}
            if self.roles.get(account):
                sts = boto3.client("sts", region_name="us-east-1", endpoint_url=self.url, **login)
                given = sts.assume_role(RoleArn=self.roles[account], RoleSessionName="oracle")["Credentials"]
                login = {
                    "aws_access_key_id": given["AccessKeyId"],
                    "aws_secret_access_key": given["SecretAccessKey"],
                    "aws_session_token": given["SessionToken"],
                }
            region = "us-east-1" if region == "global" else region
            quick = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
            made = boto3.client(service, region_name=region, endpoint_url=self.url, config=quick, **login)
            self.clients[service, place] = made
        return self.clients[service, place]

    def ask(self, service, place, operation, absent=None, **input):
        """Asks once; `absent` is what stands for an answer that a thing is not there, if that may be the answer."""
        key = service, place, operation, json.dumps(input, default=str, sort_keys=True)
        if key not in self.kept:
            try:
                self.kept[key] = getattr(self.client(service, place), operation)(**input)
            except ClientError as error:
                self.kept[key] = error
        answer = self.kept[key]
        if not isinstance(answer, ClientError):
            return answer
        if absent is not None and ABSENT.search(answer.response["Error"]["Code"]):
            return absent
        raise Unread(f"{service} {operation} in {place}: {answer}")

    def all(self, service, place, operation, member, **input):
        """Asks for all pages of a list."""
        key = service, place, operation, member, json.dumps(input, default=str, sort_keys=True)
        if key not in self.kept:
            try:
                pages = self.client(service, place).get_paginator(operation).paginate(**input)
                self.kept[key] = [item for page in pages for item in page.get(member) or []]
            except ClientError as error:
                gone = ABSENT.search(error.response["Error"]["Code"])
                self.kept[key] = [] if gone else Unread(f"{service} {operation} in {place}: {error}")
        if isinstance(self.kept[key], Unread):
            raise self.kept[key]
        return self.kept[key]


def tags(item):
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags") or item.get("TagList") or []}


def key_of(item):
    """Returns the key of something that is encrypted."""
    encrypted = any(item.get(name) for name in ("Encrypted", "StorageEncrypted"))
    return item.get("KmsKeyId") if encrypted else None


class Reading:
    """What there is to recover one component from, at each of its places."""

    def __init__(self, aws, estate, name, now):
        self.aws, self.estate, self.now = aws, estate, now
        self.component = estate.components[name]
        self.kind, self.home = self.component["kind"], estate.home(self.component)
        select = self.component.get("select") or {}
        self.tag = tuple(select["tag"].split("=", 1)) if "tag" in select else None
        self.lost = None  # why nothing can be said at any place
        self.id = select.get("id")
        if self.tag:
            try:
                self.id = self.find()
            except Unread as why:
                self.lost = why
        self.places = [(place, *self.read(place)) for place in estate.places(self.component)]

    def read(self, place):
        """Returns the points at a place, and whether that is all of them."""
        parts = {
            "rds-instance": [self.read_snapshots, self.read_windows, self.read_replicas],
            "rds-cluster": [self.read_cluster_window, self.read_cluster_snapshots, self.read_global],
            "ec2-instance": [self.read_images],
            "ebs-volume": [self.read_volume_snapshots],
            "s3-bucket": [self.read_bucket],
            "dynamodb-table": [self.read_table_window, self.read_table_backups, self.read_table_replica],
            "backup-vault": [self.read_vault],
            "dns-record": [self.read_record],
        }.get(self.kind)
        if parts is None or self.lost:
            return [], False  # it lies where nothing is read, or it is not known what is meant
        if self.kind in IN_AWS_BACKUP:
            parts = [*parts, self.read_aws_backup]
        points, whole = [], True
        for part in parts:
            try:
                # What was read before a call failed counts.
                for point in part(place):
                    points.append(point)
            except Unread:
                whole = False
        for point in points:
            point.place = place
            if point.usable and point.key:
                point.usable = self.key(point.key, place)
        return points, whole

    def key(self, key, place):
        """Says whether a key can decrypt where the point lies; None when that could not be read."""
        try:
            answer = self.aws.ask("kms", place, "describe_key", absent={}, KeyId=key)
        except Unread:
            return None
        return (answer.get("KeyMetadata") or {}).get("KeyState") == "Enabled"

    def metric(self, place, namespace, name, statistic, **dimensions):
        """Returns the newest datapoint of the last 15 minutes."""
        answer = self.aws.ask(
            "cloudwatch",
            place,
            "get_metric_statistics",
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": k, "Value": v} for k, v in dimensions.items()],
            StartTime=self.now - datetime.timedelta(minutes=15),
            EndTime=self.now,
            Period=60,
            Statistics=[statistic],
        )
        newest = max(answer["Datapoints"], key=lambda point: point["Timestamp"], default=None)
        return newest and newest[statistic]

    def behind(self, id, kind, lag):
        """Returns a copy that follows its source `lag` seconds behind; not usable when nobody says how far."""
        if lag is None:
            return Point(id, kind, usable=False)
        return Point(id, kind, self.now - datetime.timedelta(seconds=lag))

    # Tags: exactly one thing must carry the tag.

    def find(self):
        key, value = self.tag
        ask, home = self.aws.all, self.home
        only = [{"Name": f"tag:{key}", "Values": [value]}]
        if self.kind == "rds-instance":
            found = [
                i["DBInstanceIdentifier"]
                for i in ask("rds", home, "describe_db_instances", "DBInstances")
                if tags(i).get(key) == value
            ]
        elif self.kind == "ec2-instance":
            found = [
                i["InstanceId"]
                for r in ask("ec2", home, "describe_instances", "Reservations", Filters=only)
                for i in r["Instances"]
            ]
        elif self.kind == "ebs-volume":
            found = [v["VolumeId"] for v in ask("ec2", home, "describe_volumes", "Volumes", Filters=only)]
        elif self.kind == "dynamodb-table":
            found = []
            for name in ask("dynamodb", home, "list_tables", "TableNames"):
                arn = IN_AWS_BACKUP[self.kind].format(account=home[0], region=home[1], id=name)
                of = self.aws.ask("dynamodb", home, "list_tags_of_resource", ResourceArn=arn)
                found += [name] if tags(of).get(key) == value else []
        elif self.kind == "s3-bucket":
            found = []
            for bucket in self.aws.ask("s3", home, "list_buckets")["Buckets"]:
                of = self.aws.ask("s3", home, "get_bucket_tagging", absent={}, Bucket=bucket["Name"])
                found += [bucket["Name"]] if tags({"Tags": of.get("TagSet")}).get(key) == value else []
        else:
            raise Unread(f"a {self.kind} is not found by tag")
        if len(found) > 1:
            raise Unread(f"{len(found)} things carry {key}={value}")
        return found[0] if found else None

    # RDS (R1, R2, R3)

    def read_snapshots(self, place):
        points = []
        input = {"DBInstanceIdentifier": self.id}
        for s in self.aws.all("rds", place, "describe_db_snapshots", "DBSnapshots", **input):
            copied = s.get("SourceDBSnapshotIdentifier")
            if place != self.home and not copied:
                continue  # that of another instance of this name
            at = s.get("SnapshotDatabaseTime") or s.get("OriginalSnapshotCreateTime")
            at = at or (None if copied else s.get("SnapshotCreateTime"))
            usable = s["Status"] == "available" and at is not None
            kind = "snapshot_copy" if copied else "snapshot"
            points.append(Point(s["DBSnapshotIdentifier"], kind, at, usable, key_of(s)))
        return points

    def read_windows(self, place):
        backups = self.aws.all(
            "rds",
            place,
            "describe_db_instance_automated_backups",
            "DBInstanceAutomatedBackups",
            DBInstanceIdentifier=self.id,
        )
        windows = [(b["Status"], b["RestoreWindow"], key_of(b)) for b in backups if b.get("RestoreWindow")]
        if place != self.home:
            return [Point(None, "replicated_backup", w["LatestTime"], key=key) for _, w, key in windows]
        instances = self.aws.all("rds", place, "describe_db_instances", "DBInstances", DBInstanceIdentifier=self.id)
        if not instances:
            return [Point(None, "point_in_time", w["LatestTime"], key=key) for s, w, key in windows if s == "retained"]
        instance = instances[0]
        latest = instance.get("LatestRestorableTime")
        if not instance.get("BackupRetentionPeriod") or latest is None:
            return []
        return [Point(None, "point_in_time", latest, key=key_of(instance))]

    def read_replicas(self, place):
        arn = IN_AWS_BACKUP["rds-instance"].format(account=self.home[0], region=self.home[1], id=self.id)
        source = self.id if place == self.home else arn
        points = []
        for i in self.aws.all("rds", place, "describe_db_instances", "DBInstances"):
            if i.get("ReadReplicaSourceDBInstanceIdentifier") == source:
                id = i["DBInstanceIdentifier"]
                lag = self.metric(place, "AWS/RDS", "ReplicaLag", "Maximum", DBInstanceIdentifier=id)
                points.append(self.behind(id, "replica", lag))
        return points

    # Aurora (A2, A3, R3)

    def read_cluster_window(self, place):
        if place != self.home:
            return []
        input = {"DBClusterIdentifier": self.id}
        clusters = self.aws.all("rds", place, "describe_db_clusters", "DBClusters", **input)
        latest = [(c.get("LatestRestorableTime"), key_of(c)) for c in clusters]
        return [Point(None, "point_in_time", at, key=key) for at, key in latest if at]

    def read_cluster_snapshots(self, place):
        points = []
        input = {"DBClusterIdentifier": self.id}
        for s in self.aws.all("rds", place, "describe_db_cluster_snapshots", "DBClusterSnapshots", **input):
            source, at = s.get("SourceDBClusterSnapshotArn"), s["SnapshotCreateTime"]
            if source:
                _, _, _, region, account, _ = source.split(":", 5)
                named = {"DBClusterSnapshotIdentifier": source.rsplit(":", 1)[1]}
                operation = "describe_db_cluster_snapshots"
                of = self.aws.all("rds", (account, region), operation, "DBClusterSnapshots", **named)
                at = of[0]["SnapshotCreateTime"] if of else None
            kind = "snapshot_copy" if source else "snapshot"
            usable = s["Status"] == "available" and at is not None
            points.append(Point(s["DBClusterSnapshotIdentifier"], kind, at, usable, key_of(s)))
        return points

    def read_global(self, place):
        if place == self.home:
            return []
        arn = IN_AWS_BACKUP["rds-cluster"].format(account=self.home[0], region=self.home[1], id=self.id)
        points = []
        for whole in self.aws.all("rds", place, "describe_global_clusters", "GlobalClusters"):
            members = [m["DBClusterArn"] for m in whole.get("GlobalClusterMembers") or []]
            here = [m for m in members if tuple(m.split(":")[4:2:-1]) == place and m != arn]
            for member in here if arn in members else []:
                id = member.rsplit(":", 1)[1]
                name = "AuroraGlobalDBReplicationLag"
                lag = self.metric(place, "AWS/RDS", name, "Average", DBClusterIdentifier=id)
                points.append(self.behind(id, "replica", None if lag is None else lag / 1000))
        return points

    # EC2 and EBS (E1, E2, E3)

    def tagged(self, item, *values):
        """Says whether something carries the selector's tag, or a tag that names one of `values`."""
        given = tags(item)
        return (self.tag is not None and given.get(self.tag[0]) == self.tag[1]) or any(
            v in given.values() for v in values
        )

    def own(self, operation, member, **owner):
        """Returns everything of ours at home, and why not when it could not be read."""
        try:
            return self.aws.all("ec2", self.home, operation, member, **owner), None
        except Unread as why:
            return [], why

    def read_images(self, place):
        owner = {"Owners": ["self"]}
        there, why = self.own("describe_images", "Images", **owner)
        home = [i for i in there if i.get("SourceInstanceId") == self.id or self.tagged(i, self.id)]
        images = home
        if place != self.home:
            ids = {i["ImageId"] for i in home}
            there = self.aws.all("ec2", place, "describe_images", "Images", **owner)
            images = [i for i in there if self.tagged(i, self.id) or i.get("SourceImageId") in ids]
        for image in images:
            devices = [
                d["Ebs"]["SnapshotId"] for d in image["BlockDeviceMappings"] if d.get("Ebs", {}).get("SnapshotId")
            ]
            kept = self.aws.all("ec2", place, "describe_snapshots", "Snapshots", SnapshotIds=devices) if devices else []
            by_id = {s["SnapshotId"]: s for s in kept}
            keys = [key_of(by_id[d]) for d in devices if d in by_id and by_id[d].get("Encrypted")]
            # A copy is dated when it was copied; what it holds is as old as what it was copied from.
            source = next((i for i in home if i["ImageId"] == image.get("SourceImageId")), image)
            at = moment(source["CreationDate"])
            yield Point(image["ImageId"], "image", at, image["State"] == "available", keys[0] if keys else None)
        if why:
            raise why  # copies that only their source tells would be missing

    def read_volume_snapshots(self, place):
        owner = {"OwnerIds": ["self"]}
        there, why = self.own("describe_snapshots", "Snapshots", **owner)
        home = [s for s in there if s.get("VolumeId") == self.id or self.tagged(s, self.id)]
        snapshots, kind = home, "snapshot"
        if place != self.home:
            kind = "snapshot_copy"
            arn = IN_AWS_BACKUP["ebs-volume"].format(account=self.home[0], region=self.home[1], id=self.id)
            data_keys = {s["DataEncryptionKeyId"] for s in home if s.get("DataEncryptionKeyId")}
            said = {f"[Copied {s['SnapshotId']} from {self.home[1]}]" for s in home}
            snapshots = [
                s
                for s in self.aws.all("ec2", place, "describe_snapshots", "Snapshots", **owner)
                if self.tagged(s, self.id)
                or any(arn in value for value in tags(s).values())
                or s.get("DataEncryptionKeyId") in data_keys
                or any(text in (s.get("Description") or "") for text in said)
            ]
        for s in snapshots:
            thawed = s.get("RestoreExpiryTime")
            frozen = s.get("StorageTier") == "archive" and not (thawed and thawed > self.now)
            wait = 72 * 3600 if frozen else 0
            # A copy is dated when it was copied; what it holds is as old as what it was copied from.
            text = s.get("Description") or ""
            source = s
            if place != self.home:
                source = next((h for h in home if f"[Copied {h['SnapshotId']} from {self.home[1]}]" in text), s)
            yield Point(s["SnapshotId"], kind, source["StartTime"], s["State"] == "completed", key_of(s), wait)
        if why:
            raise why

    # S3 (S5)

    def read_bucket(self, place):
        if place == self.home:
            answer = self.aws.ask("s3", place, "get_bucket_versioning", absent={}, Bucket=self.id)
            status = answer.get("Status")
            return [Point(None, "object_versions", self.now, status == "Enabled")] if status else []
        named = self.estate.at(self.component, place)
        if named:
            return [self.compare(named.removeprefix("s3://").strip("/"), place)]
        answer = self.aws.ask("s3", self.home, "get_bucket_replication", absent={}, Bucket=self.id)
        points = []
        for rule in (answer.get("ReplicationConfiguration") or {}).get("Rules") or []:
            to = rule["Destination"]["Bucket"].rsplit(":", 1)[1]
            account = rule["Destination"].get("Account", self.home[0])
            if rule["Status"] != "Enabled" or account != place[0]:
                continue
            where = self.aws.ask("s3", place, "get_bucket_location", absent={}, Bucket=to)
            if not where or (where.get("LocationConstraint") or "us-east-1") != place[1]:
                continue
            named = {"SourceBucket": self.id, "DestinationBucket": to, "RuleId": rule.get("ID", "")}
            lag = self.metric(self.home, "AWS/S3", "ReplicationLatency", "Maximum", **named)
            points.append(self.compare(to, place) if lag is None else self.behind(to, "bucket_replica", lag))
        return points

    def compare(self, other, place):
        """Returns a replica as the listings of both buckets show it."""
        source, replica = self.current(self.id, self.home), self.current(other, place)
        if source is None or replica is None:
            return Point(other, "bucket_replica", usable=False)
        late = [at for key, at in source.items() if key not in replica or replica[key] < at]
        return Point(other, "bucket_replica", min(late, default=self.now))

    def current(self, bucket, place):
        """Returns the current objects of a bucket and when they were written; None when they are too many."""
        objects, input = {}, {"Bucket": bucket}
        for _ in range(PAGES):
            page = self.aws.ask("s3", place, "list_object_versions", **input)
            objects |= {v["Key"]: v["LastModified"] for v in page.get("Versions") or [] if v["IsLatest"]}
            if not page.get("IsTruncated"):
                return objects
            input |= {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
        return None

    # DynamoDB (D1, D5)

    def read_table_window(self, place):
        if place != self.home:
            return []
        answer = self.aws.ask("dynamodb", place, "describe_continuous_backups", absent={}, TableName=self.id)
        window = answer.get("ContinuousBackupsDescription", {}).get("PointInTimeRecoveryDescription") or {}
        if window.get("PointInTimeRecoveryStatus") != "ENABLED":
            return []
        return [Point(None, "point_in_time", window["LatestRestorableDateTime"])]

    def read_table_backups(self, place):
        if place != self.home:
            return []
        points = []
        input = {"TableName": self.id, "BackupType": "ALL"}
        for b in self.aws.all("dynamodb", place, "list_backups", "BackupSummaries", **input):
            # What was written in the minute before may be missing; of a deleted table nothing was.
            minute = 0 if b.get("BackupType") == "SYSTEM" else 60
            at = b["BackupCreationDateTime"] - datetime.timedelta(seconds=minute)
            points.append(Point(b["BackupName"], "table_backup", at, b["BackupStatus"] == "AVAILABLE"))
        return points

    def read_table_replica(self, place):
        if place == self.home or place[0] != self.home[0]:
            return []
        table = self.aws.ask("dynamodb", place, "describe_table", absent={}, TableName=self.id).get("Table") or {}
        home = self.aws.ask("dynamodb", self.home, "describe_table", absent={}, TableName=self.id).get("Table") or {}
        named = [r["RegionName"] for r in (home.get("Replicas") or []) + (table.get("Replicas") or [])]
        if not table or not {place[1], self.home[1]} & set(named):
            return []
        lag = self.metric(
            self.home, "AWS/DynamoDB", "ReplicationLatency", "Average", TableName=self.id, ReceivingRegion=place[1]
        )
        return [self.behind(self.id, "replica", None if lag is None else lag / 1000)]

    # AWS Backup (B2)

    def vault_point(self, p):
        usable = p["Status"] in ("COMPLETED", "AVAILABLE")
        return Point(p["RecoveryPointArn"], "vault_point", p["CreationDate"], usable, p.get("EncryptionKeyArn"))

    def read_aws_backup(self, place):
        arn = IN_AWS_BACKUP[self.kind].format(account=self.home[0], region=self.home[1], id=self.id)
        known = self.aws.all("backup", place, "list_protected_resources", "Results")
        if arn not in [r["ResourceArn"] for r in known]:
            return []
        operation = "list_recovery_points_by_resource"
        return [
            self.vault_point(p) for p in self.aws.all("backup", place, operation, "RecoveryPoints", ResourceArn=arn)
        ]

    def read_vault(self, place):
        name = self.estate.at(self.component, place) or self.id
        operation = "list_recovery_points_by_backup_vault"
        points = self.aws.all("backup", place, operation, "RecoveryPoints", BackupVaultName=name)
        return [self.vault_point(p) for p in points]

    # Route 53 (N1, N4)

    def read_record(self, place):
        parts = self.id.split("/")
        zone, name, type = parts if len(parts) == 3 else (None, self.id, None)
        name = name.rstrip(".") + "."
        if zone is None:
            zones = self.aws.all("route53", place, "list_hosted_zones", "HostedZones")
            fit = [z for z in zones if name == z["Name"] or name.endswith("." + z["Name"])]
            zone = max(fit, key=lambda z: len(z["Name"]), default={"Id": None})["Id"]
        if zone is None:
            return []
        records = self.aws.all("route53", place, "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone)
        return [
            Point(None, "recorded_value", self.now, wait=60 + r.get("TTL", 60), needs="us-east-1")
            for r in records
            if r["Name"] == name and type in (None, r["Type"])
        ]


# ---- what follows from it


def against(value, limit):
    """Returns the verdict for a loss or a time: at risk from 80 % of the limit; nothing at all always is met."""
    if limit is None:
        return "no_objective"
    if value > limit:
        return "breached"
    return "at_risk" if value > 0 and value >= 0.8 * limit else "met"


def worse(*verdicts):
    return max(verdicts, key=ORDER.index)


@dataclass
class Judged:
    """What is said of a component under a failure."""

    loss_kind: str  # span, everything, unknown, not_applicable
    loss: float | None
    rpo: str
    time_kind: str  # measured, at_least, cannot, unknown
    time: float
    rto: str
    point: Point | None = None
    stopped: bool = False


def judge(estate, name, reading, failure, now):
    component = estate.components[name]
    home, rpo, rto = reading.home, *promised(estate.environment(component), component, failure)
    every = seconds(component.get("cadence"))

    def loss(point):
        return max((now - point.moment).total_seconds(), 0)

    def measured(point):
        """Returns the newest measured recovery of the kind that this point would need."""
        far = point.place[1] != home[1] and component["kind"] not in (*CODE, "dns-record")
        return estate.proof(name, "region" if failure == "local" and far else failure)

    def late(point):
        """Says whether a point takes longer to become readable than recovery may take altogether."""
        took = measured(point)
        return rto is not None and point.wait > 0 and point.wait + (took[1] if took else 0) > rto

    def stopped(point):
        """Says whether a newer one should have come; a quarter of the time is grace."""
        counts = point.kind in ("snapshot", "snapshot_copy", "image", "table_backup", "vault_point")
        return bool(every and counts and loss(point) > every * 1.25)

    def good(point):
        return point is not None and (rpo is None or against(loss(point), rpo) == "met") and not stopped(point)

    def newest(points):
        return max(points, key=lambda p: (p.moment, -p.wait), default=None)

    left = [(points, whole) for place, points, whole in reading.places if survives(place, failure, home)]

    def lost(point):
        """Says whether what a point needs besides its place is lost: a control plane, a key."""
        if failure == "region":
            return point.needs == home[1]
        return failure == "account" and (point.key or "").startswith("arn:") and point.key.split(":")[4] == home[0]

    left = [([p for p in points if p.moment and not lost(p)], whole) for points, whole in left]
    held = [[p for p in points if p.usable] for points, _ in left]
    quick = [[p for p in ok if not late(p)] for ok in held]
    unclear = [p for points, _ in left for p in points if p.usable is None]

    # From the nearest place outwards: the first that is good is used. Past a place that is not wholly known nothing is
    # certain, for it may hold what is needed.
    best, blind = None, False
    for ok, (_, whole) in zip(quick, left):
        at_once = newest([p for p in ok if not p.wait])
        best = next((p for p in (at_once, newest(ok)) if good(p)), None)
        if best or not whole:
            blind = not best
            break
    if best is None and (blind or unclear):
        return Judged(
            "unknown",
            None,
            "no_objective" if rpo is None else "unknown",
            "unknown",
            0,
            "no_objective" if rto is None else "unknown",
            newest(sum(held, unclear)),
        )
    if best is None:
        enough = [newest([p for p in ok if rpo is None or loss(p) <= rpo]) for ok in quick]
        best = next((p for p in enough if p), None) or newest(sum(quick, [])) or newest(sum(held, []))
    if best is None:
        return Judged(
            "everything",
            None,
            "no_objective" if rpo is None else "breached",
            "cannot",
            0,
            "no_objective" if rto is None else "breached",
        )
    verdict = against(loss(best), rpo)
    halted = stopped(best)
    if verdict == "met" and halted:
        verdict = "at_risk"
    proof = measured(best)
    time_kind, time = ("measured", best.wait + proof[1]) if proof else ("at_least", best.wait)
    said = settle(estate, name, rto, time_kind, time, proof, now)
    return Judged("span", loss(best), verdict, time_kind, time, said, best, halted)


def settle(estate, name, rto, kind, time, proof, now):
    """Returns the verdict on a recovery time."""
    if rto is None:
        return "no_objective"
    if kind == "cannot":
        return "breached"
    if kind == "unknown":
        return "unknown"
    if kind == "at_least":
        return "breached" if time > rto else "unproven"
    verdict = against(time, rto)
    overdue = proof and name in estate.due and (now - proof[0]).total_seconds() > estate.due[name]
    return "at_risk" if verdict == "met" and overdue else verdict


def needed(estate, name, seen=None):
    """Returns all that a component needs, however far down."""
    seen = set() if seen is None else seen
    component = estate.components[name]
    for other in (component.get("depends_on") or []) + (component.get("members") or []):
        if other not in seen:
            seen.add(other)
            needed(estate, other, seen)
    return seen


def compose(estate, name, failure, judged, now):
    """Judges a group by its members, a service by all that it needs."""
    component = estate.components[name]
    rpo, rto = promised(estate.environment(component), component, failure)
    members = component["members"] if component["kind"] == "group" else needed(estate, name)
    parts = {part: judged[part, failure] for part in members}

    known = [p.loss for p in parts.values() if p.loss_kind == "span"]
    most = max(known, default=None)
    halted = any(p.stopped for p in parts.values())
    kinds = {p.loss_kind for p in parts.values()}
    if "everything" in kinds:
        loss_kind, loss, verdict = "everything", None, "breached"
    elif "unknown" in kinds and not (rpo is not None and most is not None and most > rpo):
        loss_kind, loss, verdict = "unknown", None, "unknown"
    elif most is None:
        loss_kind, loss, verdict = "not_applicable", None, "unknown"
    else:
        loss_kind, loss, verdict = "span", most, against(most, rpo)
        verdict = "at_risk" if verdict == "met" and halted else verdict
    verdict = "no_objective" if rpo is None else verdict

    # Each part waits for those of the others that it needs; the longest way counts.
    done = {}

    def finish(part):
        if part not in done:
            whole = estate.components[part]["kind"] in ("service", "group")
            before = [] if whole else [other for other in needed(estate, part) if other in parts]
            done[part] = parts[part].time + max((finish(other) for other in before), default=0)
        return done[part]

    time = max((finish(part) for part in parts), default=0)
    rank = ("measured", "at_least", "unknown", "cannot")
    time_kind = max((p.time_kind for p in parts.values()), key=rank.index, default="measured")
    proof = estate.proof(name, failure)
    if time_kind in ("measured", "at_least"):
        if proof:
            time_kind, time = "measured", max(time, proof[1])
        elif component["kind"] == "service":
            time_kind = "at_least"
    said = settle(estate, name, rto, time_kind, time, proof, now)
    return Judged(loss_kind, loss, verdict, time_kind, time, said, None, halted)


def main(port, folder, as_of):
    now = moment(as_of)
    estate = Estate((pathlib.Path(folder) / "lifeboat.yaml").read_text())
    aws = Aws(f"http://127.0.0.1:{port}", estate)
    judged = {}

    def of(name):
        if (name, "local") in judged:
            return
        if estate.components[name]["kind"] in ("service", "group"):
            for other in needed(estate, name):
                of(other)
            for failure in FAILURES:
                judged[name, failure] = compose(estate, name, failure, judged, now)
        else:
            reading = Reading(aws, estate, name, now)
            for failure in FAILURES:
                judged[name, failure] = judge(estate, name, reading, failure, now)

    rows = []
    for name in estate.components:
        of(name)
        for failure in FAILURES:
            found = judged[name, failure]
            rows.append(
                {
                    "component": name,
                    "scope": failure,
                    "rpo_verdict": found.rpo,
                    "loss_s": None if found.loss is None else math.ceil(found.loss),
                    "loss_kind": found.loss_kind,
                    "rto_verdict": found.rto,
                    "verdict": worse(found.rpo, found.rto),
                    "point_id": found.point and found.point.id,
                    "point_kind": found.point and found.point.kind,
                    "kind": estate.components[name]["kind"],
                }
            )
    json.dump(rows, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
