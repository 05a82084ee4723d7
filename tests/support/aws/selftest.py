"""Checks the AWS test server with boto3: python selftest.py"""

import sys

sys.dont_write_bytecode = True

import gzip
import json
import os
import socket
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from wire import cbor_decode, cbor_encode

HERE = os.path.dirname(os.path.abspath(__file__))
MAIN, OTHER = "123456789012", "222222222222"


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        cls.port = json.loads(cls.process.stdout.readline())["port"]
        cls.url = f"http://127.0.0.1:{cls.port}"

    @classmethod
    def tearDownClass(cls):
        cls.process.stdin.close()
        assert cls.process.wait(5) == 0
        cls.process.stdout.close()

    def setUp(self):
        self.gear("POST", "reset", {})

    def gear(self, method, path, body=None, wanted=200):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_gear/{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                self.assertEqual(answer.status, wanted)
                return json.loads(answer.read())
        except urllib.error.HTTPError as failure:
            with failure:
                text = failure.read().decode()
            self.assertEqual(failure.code, wanted, text)
            return json.loads(text)

    def client(self, service, region="us-east-2", account=MAIN, **config):
        config = {"retries": {"total_max_attempts": 1}, "max_pool_connections": 32, **config}
        if service == "s3":
            config["s3"] = {"addressing_style": "path"}
        return boto3.client(
            service, region_name=region, endpoint_url=self.url, aws_access_key_id=f"AKIAGEAR{account}",
            aws_secret_access_key="x", config=Config(**config),
        )  # fmt: skip

    def code(self, act, *args, **kwargs):
        with self.assertRaises(ClientError) as caught:
            act(*args, **kwargs)
        answer = caught.exception.response
        return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"].get("Message")

    def database(self, name="prod", region="us-east-2", account=MAIN, **more):
        rds = self.client("rds", region, account)
        return rds, rds.create_db_instance(
            DBInstanceIdentifier=name, DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20,
            MasterUsername="a", MasterUserPassword="passwordpassword", BackupRetentionPeriod=7, **more,
        )["DBInstance"]  # fmt: skip

    def stubbed(self, answer):
        return answer["ResponseMetadata"]["HTTPHeaders"].get("x-gear-stub") == "1"


class Clock(Base):
    def near(self, moment, age, slack=30):
        self.assertLess(abs((datetime.now(timezone.utc) - moment).total_seconds() - age), slack, moment)

    def test_all_services_follow(self):
        age = 93600
        now = self.gear("POST", "clock", {"offset_s": -age})
        self.assertAlmostEqual(now["offset_s"], -age, delta=1)
        rds, _ = self.database()
        self.near(rds.create_db_snapshot(DBInstanceIdentifier="prod", DBSnapshotIdentifier="m")["DBSnapshot"]["SnapshotCreateTime"], age)
        ec2 = self.client("ec2")
        volume = ec2.create_volume(AvailabilityZone="us-east-2a", Size=1)
        self.near(volume["CreateTime"], age)
        self.near(ec2.create_snapshot(VolumeId=volume["VolumeId"])["StartTime"], age)
        instance = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]
        image = ec2.create_image(InstanceId=instance["InstanceId"], Name="image")["ImageId"]
        made = ec2.describe_images(ImageIds=[image])["Images"][0]["CreationDate"]
        self.near(datetime.fromisoformat(made.replace("Z", "+00:00")), age)
        s3 = self.client("s3")
        s3.create_bucket(Bucket="bkt", CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
        s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="bkt", Key="k", Body=b"1")
        self.near(s3.head_object(Bucket="bkt", Key="k")["LastModified"], age)
        s3.delete_object(Bucket="bkt", Key="k")
        self.near(s3.list_object_versions(Bucket="bkt")["DeleteMarkers"][0]["LastModified"], age)
        dynamodb = self.client("dynamodb")
        self.table(dynamodb)
        self.near(dynamodb.create_backup(TableName="t", BackupName="backup")["BackupDetails"]["BackupCreationDateTime"], age)

        def ask(_):
            return self.client("ec2").create_snapshot(VolumeId=volume["VolumeId"])["StartTime"]

        with ThreadPoolExecutor(8) as pool:
            for moment in pool.map(ask, range(16)):
                self.near(moment, age)
        self.gear("POST", "clock", {"offset_s": 0})
        self.near(ec2.create_snapshot(VolumeId=volume["VolumeId"])["StartTime"], 0)
        self.near(rds.describe_db_snapshots(DBSnapshotIdentifier="m")["DBSnapshots"][0]["SnapshotCreateTime"], age)

    def table(self, dynamodb):
        return dynamodb.create_table(
            TableName="t", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        )  # fmt: skip

    def test_at_and_frozen(self):
        self.gear("POST", "clock", {"at": "2026-11-20T03:00:00Z", "frozen": True})
        first = self.gear("GET", "clock")["now"]
        time.sleep(0.05)
        self.assertEqual((first, self.gear("GET", "clock")["now"]), ("2026-11-20T03:00:00.000000Z",) * 2)
        rds, _ = self.database()
        made = rds.create_db_snapshot(DBInstanceIdentifier="prod", DBSnapshotIdentifier="m")["DBSnapshot"]["SnapshotCreateTime"]
        self.assertEqual(made, datetime(2026, 11, 20, 3, tzinfo=timezone.utc))
        self.gear("POST", "clock", {"at": "2031-01-01T00:00:00Z"})
        self.assertTrue(self.gear("GET", "clock")["now"].startswith("2031-01-01T00:00:0"))
        self.gear("POST", "clock", {"nonsense": 1}, wanted=400)


class Faults(Base):
    CALLS = {
        "rds": ("describe_db_instances", {}),
        "ec2": ("describe_snapshots", {}),
        "s3": ("list_objects_v2", {"Bucket": "bkt"}),
        "dynamodb": ("get_item", {"TableName": "t", "Key": {"LockID": {"S": "x"}}}),
        "route53": ("list_resource_record_sets", {"HostedZoneId": "Z1"}),
        "backup": ("list_backup_vaults", {}),
        "eks": ("list_clusters", {}),
        "kms": ("describe_key", {"KeyId": "k"}),
        "sts": ("get_caller_identity", {}),
        "cloudwatch": ("describe_alarms", {}),
        "elbv2": ("describe_load_balancers", {}),
        "dlm": ("get_lifecycle_policies", {}),
        "iam": ("list_roles", {}),
        "resourcegroupstaggingapi": ("get_resources", {}),
    }

    def test_error_in_every_protocol(self):
        for service, (operation, given) in self.CALLS.items():
            with self.subTest(service):
                camel = self.client(service).meta.method_to_api_mapping[operation]
                self.gear("POST", "rules", [{"service": service, "operation": camel, "times": 1, "status": 403, "code": "GearCode", "message": "a < b & c"}])  # fmt: skip
                client = self.client(service)
                self.assertEqual(self.code(getattr(client, operation), **given), ("GearCode", 403, "a < b & c"))
                rule = self.gear("GET", "rules")[-1]
                self.assertEqual((rule["matched"], rule["fired"]), (1, 1))
                call = self.gear("GET", f"calls?service={service}")[-1]
                self.assertEqual((call["operation"], call["status"], call["account"]), (camel, 403, MAIN))

    def test_typed_exceptions(self):
        self.gear("POST", "rules", [
            {"service": "dynamodb", "code": "ProvisionedThroughputExceededException", "times": 1},
            {"service": "kms", "code": "NotFoundException", "times": 1},
            {"service": "backup", "code": "ResourceNotFoundException", "times": 1},
            {"service": "rds", "code": "DBInstanceNotFound", "status": 404, "times": 1},
            {"service": "route53", "code": "NoSuchHostedZone", "status": 404, "times": 1},
            {"service": "cloudwatch", "code": "ResourceNotFound", "status": 404, "times": 1},
        ])  # fmt: skip
        for service, name in (("dynamodb", "ProvisionedThroughputExceededException"), ("kms", "NotFoundException"),
                              ("backup", "ResourceNotFoundException"), ("rds", "DBInstanceNotFoundFault"),
                              ("route53", "NoSuchHostedZone"), ("cloudwatch", "ResourceNotFound")):  # fmt: skip
            client = self.client(service)
            operation, given = self.CALLS[service]
            with self.subTest(service), self.assertRaises(getattr(client.exceptions, name)):
                getattr(client, operation)(**given)

    def test_skip_times_account_region(self):
        self.gear("POST", "rules", [{"service": "sts", "account": OTHER, "region": "us-west-2", "skip": 1, "times": 2, "status": 503}])
        ours, theirs = self.client("sts"), self.client("sts", "us-west-2", OTHER)
        results = []
        for _ in range(4):
            ours.get_caller_identity()
            try:
                results.append(theirs.get_caller_identity()["Account"])
            except ClientError as failure:
                results.append(failure.response["Error"]["Code"])
        self.assertEqual(results, [OTHER, "ServiceUnavailable", "ServiceUnavailable", OTHER])
        self.gear("POST", "rules", {"account": MAIN, "id": "mine", "code": "X"})
        self.gear("DELETE", f"rules?account={OTHER}")
        self.assertEqual([rule["id"] for rule in self.gear("GET", "rules")], ["mine"])
        self.gear("DELETE", "rules")
        self.assertEqual(self.gear("GET", "rules"), [])

    def test_dead_region_and_operation_pattern(self):
        self.gear("POST", "rules", [{"region": "us-east-2", "cut": "reset"}])
        with self.assertRaises(ConnectionClosedError):
            self.client("ec2").describe_volumes()
        self.client("ec2", "us-west-2").describe_volumes()
        self.gear("DELETE", "rules")
        self.gear("POST", "rules", [{"operation": "Describe.*", "status": 500}])
        self.assertEqual(self.code(self.client("rds").describe_db_instances)[:2], ("InternalFailure", 500))
        self.client("iam").list_roles()

    def test_delay(self):
        self.gear("POST", "rules", [{"service": "sts", "delay_ms": 200}])
        began = time.monotonic()
        self.client("sts").get_caller_identity()
        self.assertGreater(time.monotonic() - began, 0.2)

    def test_truncate_and_reset_after(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="bkt", CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
        s3.put_object(Bucket="bkt", Key="k", Body=b"x" * 100_000)
        self.gear("POST", "rules", [{"service": "s3", "operation": "GetObject", "cut": "truncate", "times": 1}])
        with self.assertRaises(Exception) as caught:
            s3.get_object(Bucket="bkt", Key="k")["Body"].read()
        self.assertIn(type(caught.exception).__name__, ("IncompleteReadError", "ResponseStreamingError"))
        self.assertEqual(len(s3.get_object(Bucket="bkt", Key="k")["Body"].read()), 100_000)
        self.gear("POST", "rules", [{"operation": "PutObject", "cut": "reset", "after": True, "times": 1}])
        with self.assertRaises(ConnectionClosedError):
            s3.put_object(Bucket="bkt", Key="lost", Body=b"1")
        self.assertEqual(s3.get_object(Bucket="bkt", Key="lost")["Body"].read(), b"1")
        self.gear("POST", "rules", [{"operation": "HeadObject", "status": 503, "code": "SlowDown", "times": 1}])
        self.assertEqual(self.code(s3.head_object, Bucket="bkt", Key="k")[1], 503)
        s3.head_object(Bucket="bkt", Key="k")

    def test_hang_blocks_nobody(self):
        self.gear("POST", "rules", [{"service": "rds", "cut": "hang"}])
        failures = []

        def stuck():
            try:
                self.client("rds", read_timeout=1).describe_db_instances()
            except ReadTimeoutError:
                failures.append(1)

        threads = [threading.Thread(target=stuck) for _ in range(16)]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        began = time.monotonic()
        self.client("sts").get_caller_identity()
        self.assertLess(time.monotonic() - began, 1)
        for thread in threads:
            thread.join()
        self.assertEqual(len(failures), 16)

    def test_bucket_and_latency(self):
        self.gear("POST", "buckets", {"service": "ec2", "operation": "DescribeVolumes", "rate_per_s": 0.5, "burst": 3})
        ec2 = self.client("ec2")
        for _ in range(3):
            ec2.describe_volumes()
        self.assertEqual(self.code(ec2.describe_volumes)[:2], ("RequestLimitExceeded", 503))
        shown = self.gear("GET", "buckets")[0]
        self.assertEqual((shown["passed"], shown["refused"]), (3, 1))
        self.assertLess(shown["tokens"], 1)
        self.gear("DELETE", "buckets")
        ec2.describe_volumes()
        for service, wanted in (("rds", "Throttling"), ("s3", "SlowDown"), ("kms", "ThrottlingException")):
            self.gear("POST", "buckets", {"service": service, "rate_per_s": 0, "burst": 0})
            operation, given = self.CALLS[service]
            self.assertEqual(self.code(getattr(self.client(service), operation), **given)[0], wanted)
        self.gear("POST", "latency", {"ms": 80})
        began = time.monotonic()
        self.client("sts").get_caller_identity()
        self.assertGreater(time.monotonic() - began, 0.08)

    def test_slips_are_refused(self):
        for path, body in (("rules", [{"servise": "rds", "code": "x"}]), ("rules", [{"service": "rds"}]), ("rules", [{"cut": "off"}]),
                           ("buckets", {"service": "rds"}), ("stub", {"service": "rds", "operation": "Nope"}),
                           ("stub", {"service": "backup", "operation": "ListBackupJobs", "pages": [{"Jobs": []}]}),
                           ("dwell", {"rds.table": ["x", 1]}), ("patch", {"region": "us-east-2", "resource": "rds.snapshot", "id": "nope", "set": {}})):  # fmt: skip
            with self.subTest(path):
                self.assertIn("error", self.gear("POST", path, body, wanted=400))
        self.gear("GET", "nope", wanted=404)


class Dwell(Base):
    def test_rds_ec2_dynamodb(self):
        self.gear("POST", "dwell", {"rds.db": ["creating", 1], "rds.snapshot": ["creating", 1], "rds.cluster": ["creating", 1],
                                    "ec2.snapshot": ["pending", 1], "ec2.image": ["pending", 1], "dynamodb.table": ["CREATING", 1]})  # fmt: skip
        rds, made = self.database()
        self.assertEqual(made["DBInstanceStatus"], "creating")
        snapshot = rds.create_db_snapshot(DBInstanceIdentifier="prod", DBSnapshotIdentifier="m")["DBSnapshot"]
        self.assertEqual(snapshot["Status"], "creating")
        self.assertLess(snapshot["PercentProgress"], 100)
        rds.create_db_cluster(DBClusterIdentifier="c", Engine="aurora-postgresql", MasterUsername="a", MasterUserPassword="passwordpassword")
        ec2 = self.client("ec2")
        volume = ec2.create_volume(AvailabilityZone="us-east-2a", Size=1)["VolumeId"]
        ebs = ec2.create_snapshot(VolumeId=volume)
        self.assertEqual(ebs["State"], "pending")
        instance = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
        image = ec2.create_image(InstanceId=instance, Name="image")["ImageId"]
        dynamodb = self.client("dynamodb")
        Clock.table(self, dynamodb)

        def states():
            return (
                rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"],
                rds.describe_db_snapshots(DBSnapshotIdentifier="m")["DBSnapshots"][0]["Status"],
                rds.describe_db_clusters()["DBClusters"][0]["Status"],
                ec2.describe_snapshots(SnapshotIds=[ebs["SnapshotId"]])["Snapshots"][0]["State"],
                ec2.describe_images(ImageIds=[image])["Images"][0]["State"],
                dynamodb.describe_table(TableName="t")["Table"]["TableStatus"],
            )

        self.assertEqual(states()[1:], ("creating", "creating", "pending", "pending", "CREATING"))
        done = ec2.describe_snapshots(Filters=[{"Name": "status", "Values": ["completed"]}])["Snapshots"]
        self.assertNotIn(ebs["SnapshotId"], [one["SnapshotId"] for one in done])
        time.sleep(1.1)
        self.assertEqual(states(), ("available", "available", "available", "completed", "available", "ACTIVE"))
        rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="new", DBSnapshotIdentifier="m")
        rds.create_db_instance_read_replica(DBInstanceIdentifier="rep", SourceDBInstanceIdentifier="prod")
        for name in ("new", "rep"):
            self.assertEqual(rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceStatus"], "creating")
        self.gear("DELETE", "dwell")
        self.assertEqual(rds.describe_db_instances(DBInstanceIdentifier="new")["DBInstances"][0]["DBInstanceStatus"], "available")


class Stubs(Base):
    def test_defaults(self):
        for service, operation, given, member in (
            ("backup", "list_recovery_points_by_resource", {"ResourceArn": "arn:aws:rds:us-east-2:123456789012:db:x"}, "RecoveryPoints"),
            ("backup", "list_recovery_points_by_backup_vault", {"BackupVaultName": "v"}, "RecoveryPoints"),
            ("backup", "list_backup_jobs", {}, "BackupJobs"),
            ("backup", "list_copy_jobs", {}, "CopyJobs"),
            ("backup", "list_restore_jobs", {}, "RestoreJobs"),
            ("backup", "list_protected_resources", {}, "Results"),
            ("backup", "list_backup_selections", {"BackupPlanId": "p"}, "BackupSelectionsList"),
            ("dlm", "get_lifecycle_policies", {}, "Policies"),
            ("ec2", "describe_locked_snapshots", {}, "Snapshots"),
            ("ec2", "describe_volume_status", {}, "VolumeStatuses"),
            ("rds", "describe_pending_maintenance_actions", {}, "PendingMaintenanceActions"),
        ):
            with self.subTest(operation):
                answer = getattr(self.client(service), operation)(**given)
                self.assertEqual(answer[member], [])
                self.assertTrue(self.stubbed(answer))
        self.client("backup").get_backup_selection(BackupPlanId="p", SelectionId="s")
        moto = self.client("backup").list_backup_vaults()
        self.assertFalse(self.stubbed(moto))

    def test_every_protocol(self):
        moment = "2026-11-20T03:00:00Z"
        when = datetime(2026, 11, 20, 3, tzinfo=timezone.utc)
        cases = (
            ("rds", "describe_db_snapshots", {}, {"DBSnapshots": [{"DBSnapshotIdentifier": "s", "SnapshotCreateTime": moment}]},
             lambda a: a["DBSnapshots"][0]["SnapshotCreateTime"]),
            ("ec2", "describe_snapshots", {}, {"Snapshots": [{"SnapshotId": "s", "StartTime": moment}]}, lambda a: a["Snapshots"][0]["StartTime"]),
            ("dynamodb", "describe_backup", {"BackupArn": "arn:aws:dynamodb:us-east-2:123456789012:table/t/backup/b"},
             {"BackupDescription": {"BackupDetails": {"BackupArn": "x" * 40, "BackupCreationDateTime": moment}}},
             lambda a: a["BackupDescription"]["BackupDetails"]["BackupCreationDateTime"]),
            ("backup", "list_backup_jobs", {}, {"BackupJobs": [{"BackupJobId": "j", "CreationDate": moment}]}, lambda a: a["BackupJobs"][0]["CreationDate"]),
            ("s3", "list_buckets", {}, {"Buckets": [{"Name": "b", "CreationDate": moment}]}, lambda a: a["Buckets"][0]["CreationDate"]),
            ("cloudwatch", "describe_alarms", {}, {"MetricAlarms": [{"AlarmName": "a", "StateUpdatedTimestamp": moment}]},
             lambda a: a["MetricAlarms"][0]["StateUpdatedTimestamp"]),
            ("kms", "describe_key", {"KeyId": "k"}, {"KeyMetadata": {"KeyId": "k", "CreationDate": moment}}, lambda a: a["KeyMetadata"]["CreationDate"]),
            ("eks", "describe_cluster", {"name": "c"}, {"cluster": {"name": "c", "createdAt": moment}}, lambda a: a["cluster"]["createdAt"]),
        )  # fmt: skip
        for service, operation, given, page, read in cases:
            with self.subTest(service):
                client = self.client(service)
                camel = client.meta.method_to_api_mapping[operation]
                self.gear("POST", "stub", {"service": service, "operation": camel, "pages": [page]})
                answer = getattr(client, operation)(**given)
                self.assertEqual(read(answer), when)
                self.assertTrue(self.stubbed(answer))
        route53 = self.client("route53")
        self.gear("POST", "stub", {"service": "route53", "operation": "GetHealthCheckStatus", "pages": [
            {"HealthCheckObservations": [{"Region": "us-east-1", "StatusReport": {"Status": "Success", "CheckedTime": moment}}]}]})  # fmt: skip
        seen = route53.get_health_check_status(HealthCheckId="h")["HealthCheckObservations"][0]
        self.assertEqual((seen["StatusReport"]["CheckedTime"], seen["Region"]), (when, "us-east-1"))

    def test_pages_match_and_newest(self):
        names = [f"r{n}" for n in range(5)]
        pages = [{"RecoveryPoints": [{"RecoveryPointArn": name}]} for name in names]
        self.gear("POST", "stub", {"service": "backup", "operation": "ListRecoveryPointsByBackupVault", "pages": pages, "match": {"BackupVaultName": "prod"}})
        backup = self.client("backup")
        read = backup.get_paginator("list_recovery_points_by_backup_vault")
        found = [one["RecoveryPointArn"] for page in read.paginate(BackupVaultName="prod") for one in page["RecoveryPoints"]]
        self.assertEqual(found, names)
        self.assertEqual(backup.list_recovery_points_by_backup_vault(BackupVaultName="other")["RecoveryPoints"], [])
        self.gear("POST", "stub", {"service": "rds", "operation": "DescribeDBSnapshots", "account": OTHER, "pages": [
            {"DBSnapshots": [{"DBSnapshotIdentifier": "one"}]}, {"DBSnapshots": [{"DBSnapshotIdentifier": "two"}]}]})  # fmt: skip
        pages = list(self.client("rds", account=OTHER).get_paginator("describe_db_snapshots").paginate())
        self.assertEqual([page["DBSnapshots"][0]["DBSnapshotIdentifier"] for page in pages], ["one", "two"])
        self.assertEqual(self.client("rds").describe_db_snapshots()["DBSnapshots"], [])
        self.gear("POST", "stub", {"service": "ec2", "operation": "DescribeVolumeStatus", "pages": [
            {"VolumeStatuses": [{"VolumeId": "vol-1", "InitializationStatusDetails": {"Progress": 40}}]}, {"VolumeStatuses": [{"VolumeId": "vol-2"}]}]})  # fmt: skip
        pages = list(self.client("ec2").get_paginator("describe_volume_status").paginate())
        self.assertEqual([page["VolumeStatuses"][0]["VolumeId"] for page in pages], ["vol-1", "vol-2"])
        self.gear("POST", "stub", {"service": "backup", "operation": "ListBackupJobs", "error": {"status": 403, "code": "AccessDeniedException", "message": "no"}})
        self.assertEqual(self.code(backup.list_backup_jobs), ("AccessDeniedException", 403, "no"))
        self.gear("POST", "stub", {"service": "s3", "operation": "ListObjectVersions", "pages": [
            {"Versions": [{"Key": "a", "VersionId": "1"}]}, {"Versions": [{"Key": "b", "VersionId": "2"}]}]})  # fmt: skip
        pages = list(self.client("s3").get_paginator("list_object_versions").paginate(Bucket="bkt"))
        self.assertEqual([page["Versions"][0]["Key"] for page in pages], ["a", "b"])
        self.gear("DELETE", f"stub?account={OTHER}")
        self.assertEqual(self.client("rds", account=OTHER).describe_db_snapshots()["DBSnapshots"], [])
        self.assertTrue(self.gear("GET", "stub"))
        self.gear("DELETE", "stub")
        self.assertEqual(backup.list_backup_jobs()["BackupJobs"], [])

    def test_simulate(self):
        iam = self.client("iam")
        given = {"PolicySourceArn": "arn:aws:iam::123456789012:role/dr", "ActionNames": ["rds:RestoreDBInstanceFromDBSnapshot", "ec2:RunInstances"]}
        decisions = [one["EvalDecision"] for one in iam.simulate_principal_policy(**given)["EvaluationResults"]]
        self.assertEqual(decisions, ["allowed", "allowed"])
        self.gear("POST", "simulate", {"actions": ["rds:Restore*"], "decision": "explicitDeny"})
        decisions = [one["EvalDecision"] for one in iam.simulate_principal_policy(**given)["EvaluationResults"]]
        self.assertEqual(decisions, ["explicitDeny", "allowed"])

    def test_missing_operation_is_an_aws_error(self):
        self.assertEqual(self.code(self.client("rds").switchover_global_cluster, GlobalClusterIdentifier="g", TargetDbClusterIdentifier="a" * 20)[:2], ("NotImplemented", 501))
        self.assertEqual(self.code(self.client("backup").describe_backup_job, BackupJobId="x")[:2], ("NotImplemented", 501))
        self.assertEqual(self.code(self.client("dlm").get_lifecycle_policy, PolicyId="policy-1")[:2], ("NotImplemented", 501))
        self.assertEqual(self.code(self.client("eks").list_insights, clusterName="c")[:2], ("NotImplemented", 501))


class Facts(Base):
    def test_restore_window(self):
        rds, _ = self.database()
        plain = rds.describe_db_instance_automated_backups(DBInstanceIdentifier="prod")
        self.assertNotIn("RestoreWindow", plain["DBInstanceAutomatedBackups"][0])
        self.assertFalse(self.stubbed(plain))
        self.gear("POST", "restore-window", {"region": "us-east-2", "instance": "prod", "earliest": "2026-11-13T00:00:00Z", "latest": "2026-11-20T00:00:00Z"})
        answer = rds.describe_db_instance_automated_backups(DBInstanceIdentifier="prod")
        row = answer["DBInstanceAutomatedBackups"][0]
        self.assertEqual(row["RestoreWindow"]["LatestTime"], datetime(2026, 11, 20, tzinfo=timezone.utc))
        self.assertEqual((row["Status"], row["Region"], row["Engine"]), ("active", "us-east-2", "postgres"))
        self.assertTrue(self.stubbed(answer))
        self.gear("POST", "restore-window", {"region": "us-east-2", "instance": "gone", "earliest": "2026-11-13T00:00:00Z", "latest": "2026-11-20T00:00:00Z", "status": "retained"})
        rows = rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
        self.assertEqual({one["DBInstanceIdentifier"]: one["Status"] for one in rows}, {"prod": "active", "gone": "retained"})

    def test_latest_restorable(self):
        rds, _ = self.database()
        rds.create_db_cluster(DBClusterIdentifier="c", Engine="aurora-postgresql", MasterUsername="a", MasterUserPassword="passwordpassword")
        at = "2026-11-20T00:00:00Z"
        self.gear("POST", "latest-restorable", {"region": "us-east-2", "instance": "prod", "at": at})
        self.gear("POST", "latest-restorable", {"region": "us-east-2", "cluster": "c", "at": at})
        when = datetime(2026, 11, 20, tzinfo=timezone.utc)
        answer = rds.describe_db_instances()
        self.assertEqual(answer["DBInstances"][0]["LatestRestorableTime"], when)
        self.assertTrue(self.stubbed(answer))
        self.assertEqual(rds.describe_db_clusters()["DBClusters"][0]["LatestRestorableTime"], when)
        self.gear("POST", "latest-restorable", {"region": "us-east-2", "instance": "prod", "at": None})
        self.assertNotIn("LatestRestorableTime", rds.describe_db_instances()["DBInstances"][0])
        self.gear("DELETE", "latest-restorable")
        self.assertIn("LatestRestorableTime", rds.describe_db_instances()["DBInstances"][0])

    def test_copies_of_rds_snapshots(self):
        self.gear("POST", "clock", {"offset_s": -36000})
        rds, made = self.database()
        source = rds.create_db_snapshot(DBInstanceIdentifier="prod", DBSnapshotIdentifier="m")["DBSnapshot"]
        self.assertEqual(source["SnapshotDatabaseTime"], source["SnapshotCreateTime"])
        self.assertEqual(source["OriginalSnapshotCreateTime"], source["SnapshotCreateTime"])
        self.gear("POST", "patch", {"region": "us-east-2", "resource": "rds.snapshot", "id": "m", "set": {"snapshot_database_time": "2026-11-01T00:00:00Z"}})
        self.gear("POST", "clock", {"offset_s": 0})
        west = self.client("rds", "us-west-2")
        west.copy_db_snapshot(SourceDBSnapshotIdentifier=source["DBSnapshotArn"], TargetDBSnapshotIdentifier="copy", SourceRegion="us-east-2")
        copy = west.describe_db_snapshots(DBSnapshotIdentifier="copy")["DBSnapshots"][0]
        self.assertEqual((copy["SourceRegion"], copy["SourceDBSnapshotIdentifier"]), ("us-east-2", source["DBSnapshotArn"]))
        self.assertEqual(copy["OriginalSnapshotCreateTime"], source["SnapshotCreateTime"])
        self.assertEqual(copy["SnapshotDatabaseTime"], datetime(2026, 11, 1, tzinfo=timezone.utc))
        self.assertGreater(copy["SnapshotCreateTime"], source["SnapshotCreateTime"] + timedelta(hours=9))
        rds.copy_db_snapshot(SourceDBSnapshotIdentifier="m", TargetDBSnapshotIdentifier="here")
        here = rds.describe_db_snapshots(DBSnapshotIdentifier="here")["DBSnapshots"][0]
        self.assertEqual(here["SourceDBSnapshotIdentifier"], source["DBSnapshotArn"])
        self.assertNotIn("SourceRegion", here)
        rds.create_db_cluster(DBClusterIdentifier="c", Engine="aurora-postgresql", MasterUsername="a", MasterUserPassword="passwordpassword")
        first = rds.create_db_cluster_snapshot(DBClusterIdentifier="c", DBClusterSnapshotIdentifier="cs")["DBClusterSnapshot"]
        west.copy_db_cluster_snapshot(SourceDBClusterSnapshotIdentifier=first["DBClusterSnapshotArn"], TargetDBClusterSnapshotIdentifier="cc", SourceRegion="us-east-2")
        copy = west.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier="cc")["DBClusterSnapshots"][0]
        self.assertEqual(copy["SourceDBClusterSnapshotArn"], first["DBClusterSnapshotArn"])

    def test_patch_ec2_snapshot(self):
        ec2 = self.client("ec2")
        volume = ec2.create_volume(AvailabilityZone="us-east-2a", Size=1)["VolumeId"]
        name = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
        self.gear("POST", "patch", {"region": "us-east-2", "service": "ec2", "resource": "snapshot", "id": name, "set": {
            "StorageTier": "archive", "RestoreExpiryTime": "2026-12-01T00:00:00Z", "StateMessage": "broken", "State": "error",
            "DataEncryptionKeyId": "dek-1", "StartTime": "2026-11-01T00:00:00Z"}})  # fmt: skip
        shown = ec2.describe_snapshots(SnapshotIds=[name])["Snapshots"][0]
        self.assertEqual((shown["StorageTier"], shown["StateMessage"], shown["State"], shown["DataEncryptionKeyId"]), ("archive", "broken", "error", "dek-1"))
        self.assertEqual(shown["RestoreExpiryTime"], datetime(2026, 12, 1, tzinfo=timezone.utc))
        self.assertEqual(shown["StartTime"], datetime(2026, 11, 1, tzinfo=timezone.utc))
        self.assertEqual(len(ec2.describe_snapshots(Filters=[{"Name": "status", "Values": ["error"]}])["Snapshots"]), 1)
        for state in ("pending", "recoverable", "completed"):
            self.gear("POST", "patch", {"region": "us-east-2", "resource": "ec2.snapshot", "id": name, "set": {"State": state, "StateMessage": None}})
            shown = ec2.describe_snapshots(SnapshotIds=[name])["Snapshots"][0]
            self.assertEqual(shown["State"], state)
            self.assertNotIn("StateMessage", shown)
        west = self.client("ec2", "us-west-2")
        copy = west.copy_snapshot(SourceSnapshotId=name, SourceRegion="us-east-2")["SnapshotId"]
        self.assertEqual(west.describe_snapshots(SnapshotIds=[copy])["Snapshots"][0]["VolumeId"], "vol-ffffffff")

    def test_patch_rds(self):
        rds, first = self.database()
        second = self.database("other")[1]
        self.assertNotEqual(first["DbiResourceId"], second["DbiResourceId"])
        rds.create_db_instance_read_replica(DBInstanceIdentifier="rep", SourceDBInstanceIdentifier="prod")
        self.gear("POST", "patch", {"region": "us-east-2", "resource": "rds.db", "id": "rep", "set": {"StatusInfos": [{"StatusType": "read replication", "Normal": True, "Status": "replicating"}]}})
        shown = rds.describe_db_instances(DBInstanceIdentifier="rep")["DBInstances"][0]
        self.assertEqual((shown["ReadReplicaSourceDBInstanceIdentifier"], shown["StatusInfos"][0]["Status"]), ("prod", "replicating"))
        rds.promote_read_replica(DBInstanceIdentifier="rep")
        shown = rds.describe_db_instances(DBInstanceIdentifier="rep")["DBInstances"][0]
        self.assertNotIn("ReadReplicaSourceDBInstanceIdentifier", shown)
        self.assertEqual(rds.describe_db_instances(DBInstanceIdentifier="prod")["DBInstances"][0]["ReadReplicaDBInstanceIdentifiers"], [])
        self.gear("POST", "patch", {"region": "us-east-2", "resource": "rds.db", "id": "prod", "set": {"DBInstanceStatus": "storage-full"}})
        self.assertEqual(rds.describe_db_instances(DBInstanceIdentifier="prod")["DBInstances"][0]["DBInstanceStatus"], "storage-full")

    def test_restore_carries_no_protection(self):
        rds, _ = self.database(MultiAZ=True, DeletionProtection=True)
        rds.create_db_snapshot(DBInstanceIdentifier="prod", DBSnapshotIdentifier="m")
        rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="a", DBSnapshotIdentifier="m")
        rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="b", DBSnapshotIdentifier="m", MultiAZ=True, DeletionProtection=True)
        rds.restore_db_instance_to_point_in_time(SourceDBInstanceIdentifier="prod", TargetDBInstanceIdentifier="c", UseLatestRestorableTime=True)
        shown = {one["DBInstanceIdentifier"]: (one["MultiAZ"], one["DeletionProtection"]) for one in rds.describe_db_instances()["DBInstances"]}
        self.assertEqual(shown, {"prod": (True, True), "a": (False, False), "b": (True, True), "c": (False, False)})


class Paging(Base):
    def test_ec2(self):
        ec2 = self.client("ec2")
        ids = [ec2.create_volume(AvailabilityZone="us-east-2a", Size=1)["VolumeId"] for _ in range(13)]
        snaps = [ec2.create_snapshot(VolumeId=one)["SnapshotId"] for one in ids]
        for _ in range(7):
            ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
        machines = [i["InstanceId"] for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]]
        images = [ec2.create_image(InstanceId=one, Name=one)["ImageId"] for one in machines]

        def sizes(operation, member, **given):
            pages = list(ec2.get_paginator(operation).paginate(PaginationConfig={"PageSize": 5}, **given))
            self.assertTrue(all(self.stubbed(page) for page in pages) or operation == "describe_instances")
            return [len(page[member]) for page in pages], pages

        counts, pages = sizes("describe_snapshots", "Snapshots", Filters=[{"Name": "volume-id", "Values": ids}])
        self.assertEqual(counts, [5, 5, 3])
        self.assertEqual({one["SnapshotId"] for page in pages for one in page["Snapshots"]}, set(snaps))
        self.assertEqual(sizes("describe_images", "Images", Owners=["self"])[0], [5, 2])
        self.assertEqual(len(images), 7)
        self.assertEqual(sizes("describe_instance_status", "InstanceStatuses")[0], [5, 2])
        self.assertEqual(sizes("describe_instances", "Reservations")[0], [5, 2])
        self.assertEqual(sum(sizes("describe_volumes", "Volumes")[0]), len(ec2.describe_volumes()["Volumes"]))
        whole = ec2.describe_volumes(MaxResults=1000)
        self.assertFalse(self.stubbed(whole))
        self.assertNotIn("NextToken", whole)
        self.assertEqual(self.code(ec2.describe_snapshots, MaxResults=4)[:2], ("InvalidParameterValue", 400))
        self.assertEqual(self.code(ec2.describe_snapshots, NextToken="nonsense")[0], "InvalidParameterValue")


class Calls(Base):
    def test_s3_operations_are_told_apart(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="bkt", CreateBucketConfiguration={"LocationConstraint": "us-east-2"}, ObjectLockEnabledForBucket=True)
        s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
        version = s3.put_object(Bucket="bkt", Key="a b/ü+%.txt", Body=b"1")["VersionId"]
        s3.get_object(Bucket="bkt", Key="a b/ü+%.txt", VersionId=version)
        s3.copy_object(Bucket="bkt", Key="c", CopySource={"Bucket": "bkt", "Key": "a b/ü+%.txt"})
        for operation in ("get_bucket_versioning", "list_object_versions", "get_object_lock_configuration", "get_bucket_tagging",
                          "get_bucket_replication", "get_bucket_lifecycle_configuration", "get_bucket_encryption", "get_bucket_location",
                          "list_objects", "list_objects_v2", "get_public_access_block", "get_bucket_policy", "head_bucket"):  # fmt: skip
            try:
                getattr(s3, operation)(Bucket="bkt")
            except ClientError:
                pass
        s3.list_buckets()
        s3.get_object_tagging(Bucket="bkt", Key="c")
        s3.head_object(Bucket="bkt", Key="c")
        upload = s3.create_multipart_upload(Bucket="bkt", Key="m")["UploadId"]
        s3.upload_part(Bucket="bkt", Key="m", PartNumber=1, UploadId=upload, Body=b"1")
        s3.list_parts(Bucket="bkt", Key="m", UploadId=upload)
        s3.abort_multipart_upload(Bucket="bkt", Key="m", UploadId=upload)
        s3.delete_object(Bucket="bkt", Key="c")
        s3.delete_objects(Bucket="bkt", Delete={"Objects": [{"Key": "c"}]})
        found = [call["operation"] for call in self.gear("GET", "calls?service=s3")]
        self.assertEqual(found, [
            "CreateBucket", "PutBucketVersioning", "PutObject", "GetObject", "CopyObject", "GetBucketVersioning", "ListObjectVersions",
            "GetObjectLockConfiguration", "GetBucketTagging", "GetBucketReplication", "GetBucketLifecycleConfiguration", "GetBucketEncryption",
            "GetBucketLocation", "ListObjects", "ListObjectsV2", "GetPublicAccessBlock", "GetBucketPolicy", "HeadBucket", "ListBuckets",
            "GetObjectTagging", "HeadObject", "CreateMultipartUpload", "UploadPart", "ListParts", "AbortMultipartUpload", "DeleteObject",
            "DeleteObjects"])  # fmt: skip

    def test_as_other_sdks_ask(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="bkt", CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
        packed = gzip.compress(b"{}" * 500)
        began = time.monotonic()
        s3.put_object(Bucket="bkt", Key="fast", Body=packed)
        self.assertLess(time.monotonic() - began, 0.8)  # `Expect: 100-continue` is answered
        s3.put_object(Bucket="bkt", Key="k", Body=packed, ContentEncoding="gzip", ContentType="application/json", ChecksumAlgorithm="CRC32")
        self.assertEqual(s3.get_object(Bucket="bkt", Key="k")["Body"].read(), packed)

        def raw(service, method, path, region="us-east-2"):
            request = urllib.request.Request(self.url + path, method=method, headers={
                "Authorization": f"AWS4-HMAC-SHA256 Credential=AKIAGEAR{MAIN}/20261120/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"})  # fmt: skip
            with urllib.request.urlopen(request) as answer:
                return answer.read()

        self.assertEqual(raw("s3", "GET", "/bkt/k?x-id=GetObject"), packed)
        raw("s3", "GET", "/bkt?list-type=2&prefix=a%2Fb")
        raw("s3", "GET", "/bkt/?versions&max-keys=2")
        raw("backup", "GET", "/backup-jobs?maxResults=5")
        raw("backup", "GET", "/backup-vaults")
        raw("eks", "GET", "/clusters")
        raw("dlm", "GET", "/policies")
        found = [call["operation"] for call in self.gear("GET", "calls")][4:]
        self.assertEqual(found, ["GetObject", "ListObjectsV2", "ListObjectVersions", "ListBackupJobs", "ListBackupVaults", "ListClusters", "GetLifecyclePolicies"])
        self.assertEqual(cbor_decode(bytes.fromhex("bf6161019f0203ff")[:4] + b"\x61b\x9f\x02\x03\xff\xff"), {"a": 1, "b": [2, 3]})

    def test_rest_operations(self):
        route53, eks, backup = self.client("route53"), self.client("eks"), self.client("backup")
        zone = route53.create_hosted_zone(Name="a.com", CallerReference="1")["HostedZone"]["Id"]
        route53.list_resource_record_sets(HostedZoneId=zone)
        route53.list_hosted_zones()
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": {"Name": "x.a.com", "Type": "A", "TTL": 1, "ResourceRecords": [{"Value": "1.1.1.1"}]}}]})
        for act in (lambda: eks.describe_cluster(name="c"), lambda: eks.list_nodegroups(clusterName="c")):
            try:
                act()
            except ClientError:
                pass
        backup.create_backup_vault(BackupVaultName="v")
        backup.describe_backup_vault(BackupVaultName="v")
        backup.list_backup_plans()
        found = [call["operation"] for call in self.gear("GET", "calls")]
        self.assertEqual(found, ["CreateHostedZone", "ListResourceRecordSets", "ListHostedZones", "ChangeResourceRecordSets", "DescribeCluster",
                                 "ListNodegroups", "CreateBackupVault", "DescribeBackupVault", "ListBackupPlans"])  # fmt: skip

    def test_route53_batches(self):
        route53 = self.client("route53")
        zone = route53.create_hosted_zone(Name="q.com", CallerReference="1")["HostedZone"]["Id"]

        def record(name, value="1.1.1.1", **more):
            return {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": value}], **more}

        def change(*changes):
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": a, "ResourceRecordSet": r} for a, r in changes]})

        def there():
            rows = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
            return sorted((one["Name"], one.get("SetIdentifier")) for one in rows if one["Type"] == "A")

        east = {"SetIdentifier": "east", "Weight": 1}
        change(("CREATE", record("a.q.com", **east)), ("CREATE", record("b.q.com", **east)), ("CREATE", record("c.q.com")))
        change(("DELETE", record("a.q.com", **east)))
        self.assertEqual(there(), [("b.q.com.", "east"), ("c.q.com.", None)])
        self.assertEqual(self.code(change, ("DELETE", record("c.q.com", "9.9.9.9")))[:2], ("InvalidChangeBatch", 400))
        self.assertEqual(self.code(change, ("UPSERT", record("new.q.com")), ("CREATE", record("c.q.com")))[0], "InvalidChangeBatch")
        self.assertEqual(there(), [("b.q.com.", "east"), ("c.q.com.", None)])
        change(("DELETE", record("c.q.com")), ("CREATE", record("d.q.com")))
        self.assertEqual(there(), [("b.q.com.", "east"), ("d.q.com.", None)])
        change(("CREATE", record("c.q.com")))
        change(("DELETE", record("c.q.com")), ("CREATE", record("c.q.com", "2.2.2.2")))
        self.assertEqual(self.code(change, ("CREATE", record("c.q.com", "3.3.3.3")))[0], "InvalidChangeBatch")

    def test_object_retention(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="locked", CreateBucketConfiguration={"LocationConstraint": "us-east-2"}, ObjectLockEnabledForBucket=True)
        s3.put_object(Bucket="locked", Key="a b", Body=b"1")
        self.assertEqual(self.code(s3.get_object_retention, Bucket="locked", Key="a b")[:2], ("NoSuchObjectLockConfiguration", 404))
        until = datetime(2099, 1, 1, tzinfo=timezone.utc)
        s3.put_object_retention(Bucket="locked", Key="a b", Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until})
        self.assertEqual(s3.get_object_retention(Bucket="locked", Key="a b")["Retention"], {"Mode": "COMPLIANCE", "RetainUntilDate": until})
        self.assertEqual(self.code(s3.get_object_retention, Bucket="locked", Key="none")[0], "NoSuchKey")

    def test_replication_rules_come_back_as_they_were_put(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="bkt", CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
        s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
        self.assertEqual(self.code(s3.get_bucket_replication, Bucket="bkt")[0], "ReplicationConfigurationNotFoundError")
        to = {"Bucket": "arn:aws:s3:::other", "Account": OTHER, "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}}}
        second = {"ID": "2", "Priority": 3, "Status": "Enabled", "Destination": to}
        for rules in (
            [{"ID": "1", "Status": "Enabled", "Prefix": "", "Destination": to}],
            [{**second, "Filter": {"Prefix": ""}, "DeleteMarkerReplication": {"Status": "Enabled"}}],
            [{**second, "Filter": {}, "DeleteMarkerReplication": {"Status": "Disabled"}}, {**second, "ID": "3", "Filter": {"Prefix": "a"}}],
        ):  # fmt: skip
            s3.put_bucket_replication(Bucket="bkt", ReplicationConfiguration={"Role": "arn:aws:iam::1:role/r", "Rules": rules})
            self.assertEqual(s3.get_bucket_replication(Bucket="bkt")["ReplicationConfiguration"]["Rules"], rules)

    def test_objects_of_another_time(self):
        s3 = self.client("s3", account=OTHER)
        s3.create_bucket(Bucket="bkt", CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
        s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
        times = ["2026-11-01T03:00:00Z", "2026-11-02T03:00:00Z", "2026-11-03T03:00:00Z"]
        for at in times:
            if at == times[-1]:
                s3.delete_object(Bucket="bkt", Key="a/b")
            else:
                s3.put_object(Bucket="bkt", Key="a/b", Body=b"1")
            self.gear("POST", "written", {"account": OTHER, "bucket": "bkt", "objects": {"a/b": at}})
        found = s3.list_object_versions(Bucket="bkt")
        moments = [one["LastModified"].strftime("%Y-%m-%dT%H:%M:%SZ") for one in found["DeleteMarkers"] + found["Versions"]]
        self.assertEqual(moments, times[::-1])
        self.assertAlmostEqual(self.gear("GET", "clock")["offset_s"], 0, delta=0.5)
        self.gear("POST", "written", {"account": OTHER, "bucket": "bkt", "objects": {"c": times[0]}}, wanted=400)
        self.gear("POST", "written", {"bucket": "none", "objects": {}}, wanted=400)

    def test_global_cluster_of_any_region(self):
        rds = self.client("rds")
        made = rds.create_db_cluster(DBClusterIdentifier="c", Engine="aurora-postgresql", MasterUsername="a", MasterUserPassword="passwordpassword")
        rds.create_global_cluster(GlobalClusterIdentifier="g", SourceDBClusterIdentifier=made["DBCluster"]["DBClusterArn"])
        self.assertNotIn("KmsKeyId", rds.describe_db_clusters()["DBClusters"][0])
        taken = rds.create_db_cluster_snapshot(DBClusterIdentifier="c", DBClusterSnapshotIdentifier="cs")["DBClusterSnapshot"]
        self.assertNotIn("KmsKeyId", taken)
        members = rds.describe_global_clusters()["GlobalClusters"][0]["GlobalClusterMembers"]
        self.assertEqual(members[0]["DBClusterArn"], made["DBCluster"]["DBClusterArn"])

    def test_accounts_and_calls(self):
        self.assertEqual(self.client("sts", account=OTHER).get_caller_identity()["Account"], OTHER)
        given = self.client("sts").assume_role(RoleArn="arn:aws:iam::333333333333:role/dr", RoleSessionName="drill")["Credentials"]
        rds = boto3.client("rds", region_name="us-west-2", endpoint_url=self.url, aws_access_key_id=given["AccessKeyId"],
                           aws_secret_access_key=given["SecretAccessKey"], aws_session_token=given["SessionToken"])  # fmt: skip
        rds.describe_db_instances()
        rows = self.gear("GET", "calls?account=333333333333&service=rds")
        self.assertEqual([(row["operation"], row["region"], row["status"], row["stub"]) for row in rows], [("DescribeDBInstances", "us-west-2", 200, False)])
        self.assertGreater(rows[0]["bytes"], 100)
        self.database(account=OTHER)
        self.assertEqual(self.client("rds").describe_db_instances()["DBInstances"], [])
        request = urllib.request.Request(self.url + "/", data=b"Action=DescribeDBInstances&Version=2014-10-31", headers={
            "x-moto-account-id": OTHER, "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261120/us-east-2/rds/aws4_request, SignedHeaders=host, Signature=0"})  # fmt: skip
        with urllib.request.urlopen(request) as answer:
            self.assertIn(b"<DBInstanceIdentifier>prod<", answer.read())
        self.gear("DELETE", "calls")
        self.assertEqual(self.gear("GET", "calls"), [])

    def cbor(self, operation, body):
        request = urllib.request.Request(f"{self.url}/service/GraniteServiceVersion20100801/operation/{operation}", data=cbor_encode(body), headers={
            "smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor", "Accept": "application/cbor",
            "Authorization": f"AWS4-HMAC-SHA256 Credential=AKIAGEAR{MAIN}/20261120/us-east-2/monitoring/aws4_request, SignedHeaders=host, Signature=0"})  # fmt: skip
        try:
            with urllib.request.urlopen(request) as answer:
                self.assertEqual(answer.headers["smithy-protocol"], "rpc-v2-cbor")
                return answer.status, cbor_decode(answer.read())
        except urllib.error.HTTPError as failure:
            with failure:
                return failure.code, cbor_decode(failure.read())

    def test_rpc_v2_cbor(self):
        status, _ = self.cbor("PutMetricAlarm", {"AlarmName": "a", "MetricName": "m", "Namespace": "n", "Period": 60, "EvaluationPeriods": 1,
                                                 "Threshold": 1.5, "ComparisonOperator": "GreaterThanThreshold", "Statistic": "Sum"})  # fmt: skip
        self.assertEqual(status, 200)
        status, answer = self.cbor("DescribeAlarms", {"AlarmNames": ["a"]})
        self.assertEqual((status, answer["MetricAlarms"][0]["AlarmName"], answer["MetricAlarms"][0]["Threshold"]), (200, "a", 1.5))
        self.assertLess(abs(answer["MetricAlarms"][0]["StateUpdatedTimestamp"] - time.time()), 60)
        status, answer = self.cbor("SetAlarmState", {"AlarmName": "nope", "StateValue": "OK", "StateReason": "x"})
        self.assertTrue(status in (400, 404) and answer["__type"].endswith("ResourceNotFound"), (status, answer))
        self.gear("POST", "rules", [{"service": "cloudwatch", "operation": "DescribeAlarms", "times": 1, "status": 400, "code": "Throttling"}])
        self.assertEqual(self.cbor("DescribeAlarms", {}), (400, {"__type": "Throttling", "message": "Rate exceeded"}))
        self.gear("POST", "stub", {"service": "cloudwatch", "operation": "DescribeAlarms", "pages": [
            {"MetricAlarms": [{"AlarmName": "s", "StateUpdatedTimestamp": "2026-11-20T03:00:00Z", "ActionsEnabled": True}]}]})  # fmt: skip
        when = datetime(2026, 11, 20, 3, tzinfo=timezone.utc).timestamp()
        self.assertEqual(self.cbor("DescribeAlarms", {})[1], {"MetricAlarms": [{"AlarmName": "s", "StateUpdatedTimestamp": when, "ActionsEnabled": True}]})

    def test_cloudwatch_metrics(self):
        cloudwatch = self.client("cloudwatch")
        now = datetime.now(timezone.utc)
        cloudwatch.put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 3, "Timestamp": now}])
        answer = cloudwatch.get_metric_data(StartTime=now - timedelta(minutes=5), EndTime=now + timedelta(minutes=5), MetricDataQueries=[
            {"Id": "a", "MetricStat": {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}}])  # fmt: skip
        self.assertEqual(answer["MetricDataResults"][0]["Values"], [3.0])

    def test_reset(self):
        self.database()
        self.gear("POST", "clock", {"offset_s": -1000})
        self.gear("POST", "rules", [{"code": "X"}])
        self.gear("POST", "latency", {"ms": 50})
        self.gear("POST", "reset", {})
        self.assertEqual((self.gear("GET", "rules"), self.gear("GET", "calls")), ([], []))
        self.assertAlmostEqual(self.gear("GET", "clock")["offset_s"], 0, delta=0.5)
        self.assertEqual(self.client("rds").describe_db_instances()["DBInstances"], [])

    def test_sixteen_at_once(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="bkt", CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
        self.database()
        ec2, rds = self.client("ec2"), self.client("rds")
        volume = ec2.create_volume(AvailabilityZone="us-east-2a", Size=1)["VolumeId"]

        def work(n):
            s3.put_object(Bucket="bkt", Key=str(n), Body=str(n).encode() * 1000)
            ec2.create_snapshot(VolumeId=volume)
            ec2.describe_snapshots(MaxResults=5)
            rds.create_db_snapshot(DBInstanceIdentifier="prod", DBSnapshotIdentifier=f"s{n}")
            rds.describe_db_snapshots()
            return s3.get_object(Bucket="bkt", Key=str(n))["Body"].read() == str(n).encode() * 1000

        with ThreadPoolExecutor(16) as pool:
            self.assertTrue(all(pool.map(work, range(64))))
        failed = [call for call in self.gear("GET", "calls") if call["status"] >= 400]
        self.assertEqual(failed, [])


class Objects(Base):
    def lay(self, *objects, wanted=200, **more):
        return self.gear("POST", "objects", {"account": MAIN, "bucket": "bkt", "objects": list(objects), **more}, wanted)

    def bucket(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="bkt", CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
        s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
        return s3

    def listed(self, s3, **more):
        pages = list(s3.get_paginator("list_object_versions").paginate(Bucket="bkt", **more))
        return [[row for page in pages for row in page.get(kind, [])] for kind in ("Versions", "DeleteMarkers")]

    def test_laid_objects_are_like_any_others(self):
        s3 = self.bucket()
        s3.put_object(Bucket="bkt", Key="a", Body=b"put")
        ids = self.lay(
            {"key": "a", "versions": [{"text": "ü", "at": "2026-11-01T02:00:00+01:00"}, {"base64": "AP8=", "etag": "x-2", "version_id": "mine"}]},
            {"key": "b", "versions": [{"text": "1", "at": "2026-11-01T01:00:00Z"}, {"delete_marker": True, "at": "2026-11-01T02:00:00Z"}]},
        )["version_ids"]  # fmt: skip
        self.assertEqual(ids["a"][1], "mine")
        got = s3.get_object(Bucket="bkt", Key="a")
        self.assertEqual((got["Body"].read(), got["ETag"], got["VersionId"], got["ContentLength"]), (b"\0\xff", '"x-2"', "mine", 2))
        old = s3.get_object(Bucket="bkt", Key="a", VersionId=ids["a"][0])
        self.assertEqual((old["Body"].read().decode(), old["LastModified"]), ("ü", datetime(2026, 11, 1, 1, tzinfo=timezone.utc)))
        self.assertEqual(self.code(s3.get_object, Bucket="bkt", Key="b")[0], "NoSuchKey")
        versions, markers = self.listed(s3)
        self.assertEqual([(row["Key"], row["VersionId"], row["IsLatest"]) for row in versions if row["Key"] == "a"][0], ("a", "mine", True))
        self.assertEqual([(row["Key"], row["VersionId"], row["IsLatest"]) for row in markers], [("b", ids["b"][1], True)])
        s3.copy_object(Bucket="bkt", Key="a", CopySource={"Bucket": "bkt", "Key": "a", "VersionId": ids["a"][0]})
        self.assertEqual(s3.get_object(Bucket="bkt", Key="a")["Body"].read().decode(), "ü")
        s3.delete_object(Bucket="bkt", Key="b", VersionId=ids["b"][1])
        self.assertEqual(s3.get_object(Bucket="bkt", Key="b")["Body"].read(), b"1")
        s3.delete_object(Bucket="bkt", Key="b")
        self.assertEqual([row["Key"] for row in self.listed(s3, Prefix="b")[1]], ["b"])
        self.assertEqual([row["Key"] for row in s3.list_objects_v2(Bucket="bkt")["Contents"]], ["a"])

    def test_what_cannot_be_laid_is_refused(self):
        self.lay({"key": "a", "versions": []}, wanted=400)
        s3 = self.bucket()
        self.lay({"key": "a", "versions": [{"txt": "1"}]}, wanted=400)
        self.lay({"key": "a", "versions": [{}]}, wanted=400)
        s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Suspended"})
        self.lay({"key": "a", "versions": [{"text": "1"}]}, wanted=400)

    def test_pages_of_versions_are_as_one_list(self):
        s3 = self.bucket()
        for key in ("a/1", "a/2", "b <&>", "c/"):
            for body in b"123":
                s3.put_object(Bucket="bkt", Key=key, Body=bytes([body]))
            s3.delete_object(Bucket="bkt", Key=key)
        whole = self.listed(s3)
        self.assertEqual((len(whole[0]), len(whole[1])), (12, 4))
        bodies = [s3.get_object(Bucket="bkt", Key="a/1", VersionId=row["VersionId"])["Body"].read() for row in whole[0][:3]]
        self.assertEqual(bodies, [b"3", b"2", b"1"])  # stored within a millisecond of each other or not
        for size in (1, 3, 5):
            self.assertEqual(self.listed(s3, PaginationConfig={"PageSize": size}), whole)
        after = s3.list_object_versions(Bucket="bkt", KeyMarker="a/1")
        self.assertEqual({row["Key"] for row in after["Versions"]}, {"a/2", "b <&>", "c/"})
        folders = s3.list_object_versions(Bucket="bkt", Delimiter="/")
        self.assertEqual([one["Prefix"] for one in folders["CommonPrefixes"]], ["a/", "c/"])
        self.assertEqual({row["Key"] for row in folders["Versions"]}, {"b <&>"})

    def test_a_page_of_a_large_bucket_is_quick(self):
        s3 = self.bucket()
        for batch in range(10):
            self.lay(*({"key": f"{batch}/{n:02}", "versions": [{"text": "x" * 1000}] * 50} for n in range(40)))
        began = time.monotonic()
        for _ in range(20):
            s3.list_object_versions(Bucket="bkt", MaxKeys=1)
        self.assertLess(time.monotonic() - began, 5)  # moto: 12
        page = s3.list_object_versions(Bucket="bkt", Prefix="9/", KeyMarker="9/20", MaxKeys=2000)
        self.assertEqual((len(page["Versions"]), page["IsTruncated"], page["Versions"][0]["Key"]), (950, False, "9/21"))


class Life(unittest.TestCase):
    def test_ends_with_its_input(self):
        process = subprocess.Popen([sys.executable, os.path.join(HERE, "server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        port = json.loads(process.stdout.readline())["port"]
        with socket.create_connection(("127.0.0.1", port)):
            process.stdin.close()
            self.assertEqual(process.wait(2), 0)
        process.stdout.close()


if __name__ == "__main__":
    unittest.main()
