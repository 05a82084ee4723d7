"""Checks what the gateway makes go wrong, and what it enforces: run by gateway_selftest.py."""

import json
import os
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import boto3
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from urllib3.exceptions import ProtocolError

from gateway_selftest_base import ACCOUNT, HERE, REGION, Base

BROKEN = (ConnectionClosedError, IncompleteReadError, ProtocolError, ResponseStreamingError)


class Rules(Base):
    def volumes(self):
        return len(self.client("ec2").describe_volumes()["Volumes"])

    def test_who_a_rule_is_for(self):
        self.rule(operation="Describe.*", run="r", step="one", direction="forward", skip=1, times=1, code="InternalError")
        ec2 = self.client("ec2")
        for step, direction in (("two", "forward"), ("one", "undo"), ("one", "forward")):
            self.step(step, direction=direction)
            ec2.describe_volumes()
        self.assertEqual(self.code(ec2.describe_volumes), ("InternalError", 500))
        ec2.describe_volumes()
        rule = self.get("rules")[0]
        self.assertEqual((rule["matched"], rule["fired"]), (3, 1))
        self.assertEqual([row["rule"] for row in self.get("log")].count(rule["id"]), 1)
        self.ask("DELETE", f"/_gateway/rules?id={rule['id']}")
        self.assertEqual(self.get("rules"), [])

    def test_a_refused_call_is_not_carried_out(self):
        self.rule(operation="CreateVolume", status=403, code="UnauthorizedOperation", message="no")
        self.step()
        self.assertEqual(self.code(self.volume), ("UnauthorizedOperation", 403))
        self.assertEqual((self.volumes(), self.effects()), (0, []))
        self.assertEqual([row["forwarded"] for row in self.get("log")], [False, True])

    def test_errors_and_throttles_have_the_form_of_the_service(self):
        self.rule(throttle=True, account=ACCOUNT, region=REGION)
        asked = {"ec2": "describe_volumes", "s3": "list_buckets", "dynamodb": "list_tables", "backup": "list_backup_vaults",
                 "rds": "describe_db_instances", "route53": "list_hosted_zones"}  # fmt: skip
        found = [self.code(getattr(self.client(service), act)) for service, act in asked.items()]
        self.assertEqual(found, [
            ("RequestLimitExceeded", 503), ("SlowDown", 503), ("ThrottlingException", 400), ("ThrottlingException", 429),
            ("Throttling", 400), ("Throttling", 400),
        ])  # fmt: skip

    def test_a_delay_before_and_after(self):
        self.rule(operation="CreateVolume", times=1, delay_ms=150)
        self.rule(operation="CreateVolume", skip=1, delay_ms=150, after=True)
        for late in (False, True):
            began = threading.Thread(target=self.volume)
            began.start()
            time.sleep(0.1)
            self.assertEqual(len(self.effects()), int(late) + int(late), late)
            began.join()
        row = self.get("log")[-1]
        self.assertGreater(row["reply"]["mono_ns"] - row["received"]["mono_ns"], 150e6)

    def test_cuts_before_the_call(self):
        for cut, failure in (("reset", ConnectionClosedError), ("hang", ReadTimeoutError)):
            self.rule(operation="CreateVolume", cut=cut, times=1)
            with self.assertRaises(failure):
                self.client("ec2", read_timeout=0.3).create_volume(AvailabilityZone="us-east-2a", Size=1)
        self.assertEqual((self.volumes(), self.effects()), (0, []))
        self.assertEqual([row["cut"] for row in self.get("log")], ["reset", "hang", None])

    def test_cuts_after_the_call(self):
        for cut, failure in (("reset", ConnectionClosedError), ("hang", ReadTimeoutError), ("truncate", BROKEN)):
            self.rule(operation="CreateVolume", cut=cut, after=True, times=1)
            with self.assertRaises(failure):
                self.client("ec2", read_timeout=0.6).create_volume(AvailabilityZone="us-east-2a", Size=1)
        self.assertEqual((self.volumes(), len(self.effects())), (3, 3))

    def test_a_lost_answer_and_a_second_try_are_twice(self):
        ec2, volume = self.client("ec2"), self.volume()
        self.rule(operation="CreateSnapshot", after=True, status=500, times=1)
        self.step("snap", 1)
        self.assertEqual(self.code(ec2.create_snapshot, VolumeId=volume)[1], 500)
        self.step("snap", 2)
        ec2.create_snapshot(VolumeId=volume)
        self.assertEqual(self.twice(), [("snap", "forward", 1, "CreateSnapshot", 2)])

    def test_an_error_in_an_answer_of_200(self):
        s3 = self.bucket()
        s3.put_object(Bucket="bkt", Key="k", Body=b"1")
        for after in (False, True):
            rule = self.rule(service="s3", after=after, ok_with_error={"code": "InternalError", "message": "late"})
            self.step("copy", 1 + after)
            status = self.code(s3.copy_object, Bucket="bkt", Key="copy", CopySource="bkt/k")
            self.assertEqual(status[0], "InternalError")
            self.assertEqual(self.get("log")[-1]["status"], 200)
            self.assertEqual(len(self.effects(run="r")), int(after))
            self.assertEqual(len(s3.list_objects_v2(Bucket="bkt", Prefix="copy").get("Contents", [])), int(after))
            self.ask("DELETE", f"/_gateway/rules?id={rule}")

    def test_slips_are_refused(self):
        for rule in ({"operation": "x"}, {"cut": "x"}, {"code": "x", "oops": 1}, {"hide": {"second": 1}},
                     {"cut": "reset", "throttle": True}, {"cut": "reset", "hide": {"seconds": 1}}):  # fmt: skip
            self.assertIn("error", self.ask("POST", "/_gateway/rules", rule, wanted=400))

    def test_faults_of_the_upstream_pass(self):
        self.ask("POST", "/_gear/rules", {"operation": "CreateVolume", "cut": "reset", "after": True, "times": 1})
        self.ask("POST", "/_gear/rules", {"operation": "DescribeVolumes", "cut": "truncate", "times": 1})
        with self.assertRaises(ConnectionClosedError):
            self.volume()
        with self.assertRaises(BROKEN):
            self.client("ec2").describe_volumes()
        self.assertEqual(self.volumes(), 1)


class Tokens(Base):
    def test_a_token_makes_one(self):
        self.step(attempt=1)
        first = self.volume(ClientToken="t")
        self.step(attempt=2)
        self.assertEqual(self.volume(ClientToken="t"), first)
        self.assertEqual(self.effects(), [("CreateVolume", first)])
        self.assertEqual([row["replayed"] for row in self.get("log")], [False, True])
        again = self.code(self.client("ec2").create_volume, AvailabilityZone="us-east-2a", Size=2, ClientToken="t")
        self.assertEqual(again, ("IdempotentParameterMismatch", 400))
        self.assertNotEqual(self.volume(ClientToken="u"), first)
        self.assertEqual(self.twice(), [("s", "forward", 1, "CreateVolume", 2)])

    def test_also_where_the_answer_was_lost(self):
        self.rule(operation="RunInstances", cut="reset", after=True, times=1)
        with self.assertRaises(ConnectionClosedError):
            self.instance(ClientToken="t")
        one = self.instance(ClientToken="t")
        self.assertEqual(self.effects(), [("RunInstances", one)])

    def test_two_at_once_make_one(self):
        ec2 = self.client("ec2")
        with ThreadPoolExecutor(4) as pool:
            made = set(pool.map(lambda _: self.volume(ClientToken="t"), range(8)))
        self.assertEqual((len(made), len(ec2.describe_volumes()["Volumes"]), len(self.effects())), (1, 1, 1))

    def test_failures_are_not_remembered_and_tokens_end(self):
        ec2 = self.client("ec2")
        image = {"Name": "copy", "SourceRegion": REGION, "ClientToken": "t"}
        self.assertEqual(self.code(ec2.copy_image, SourceImageId="ami-00000000", **image)[1], 400)
        made = ec2.create_image(InstanceId=self.instance(), Name="image")["ImageId"]
        first = ec2.copy_image(SourceImageId=made, **image)["ImageId"]
        self.ask("POST", "/_gateway/tokens", {"life_s": 60})
        self.ask("POST", "/_gateway/clock", {"offset_s": 50})
        self.assertEqual(ec2.copy_image(SourceImageId=made, **image)["ImageId"], first)
        self.ask("POST", "/_gateway/clock", {"offset_s": 61})
        self.assertNotEqual(ec2.copy_image(SourceImageId=made, **image)["ImageId"], first)
        self.assertEqual(len(self.effects(operation="CopyImage")), 2)

    def test_jobs_of_backup(self):
        backup = self.client("backup")
        for job in ("1", "2", "3"):
            stub = {"service": "backup", "operation": "StartBackupJob", "pages": [{"BackupJobId": job}], "times": 1}
            self.ask("POST", "/_gear/stub", stub)
        said = {"BackupVaultName": "v", "ResourceArn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-1",
                "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/r"}  # fmt: skip
        jobs = [backup.start_backup_job(IdempotencyToken=token, **said)["BackupJobId"] for token in ("a", "a", "b")]
        self.assertEqual(jobs[0], jobs[1])
        self.assertEqual(self.effects(), [("StartBackupJob", jobs[0]), ("StartBackupJob", jobs[2])])


class Hide(Base):
    def shift(self):
        self.ask("POST", "/_gateway/clock", {"offset_s": 31})
        self.assertEqual(self.get("hidden"), [])

    def test_volumes_and_snapshots(self):
        ec2, seen = self.client("ec2"), self.volume()
        self.rule(operation="Create(Volume|Snapshot)", hide={"seconds": 30})
        volume = self.volume()
        snapshot = ec2.create_snapshot(VolumeId=seen)["SnapshotId"]
        self.assertEqual(self.code(ec2.describe_volumes, VolumeIds=[volume]), ("InvalidVolume.NotFound", 400))
        self.assertEqual(self.code(ec2.describe_snapshots, SnapshotIds=[snapshot]), ("InvalidSnapshot.NotFound", 400))
        self.assertEqual([one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]], [seen])
        named = ec2.describe_snapshots(Filters=[{"Name": "snapshot-id", "Values": [snapshot]}])
        self.assertEqual(named["Snapshots"], [])
        self.assertEqual({one["id"] for one in self.get("hidden")}, {volume, snapshot})
        ec2.create_tags(Resources=[seen, volume], Tags=[{"Key": "k", "Value": "v"}])
        tagged = self.client("resourcegroupstaggingapi").get_resources
        self.assertEqual([one["ResourceARN"].rpartition("/")[2] for one in tagged()["ResourceTagMappingList"]], [seen])
        self.assertEqual([one["ResourceId"] for one in ec2.describe_tags()["Tags"]], [seen])
        self.shift()
        self.assertEqual(len(tagged()["ResourceTagMappingList"]), 2)
        self.assertEqual(len(ec2.describe_volumes(VolumeIds=[volume])["Volumes"]), 1)
        self.assertEqual(ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["VolumeId"], seen)

    def test_instances_and_images(self):
        ec2, seen = self.client("ec2"), self.instance()
        self.rule(operation="RunInstances|CreateImage", hide={"seconds": 30})
        one = self.instance()
        image = ec2.create_image(InstanceId=seen, Name="image")["ImageId"]
        self.assertEqual(self.code(ec2.describe_instances, InstanceIds=[one]), ("InvalidInstanceID.NotFound", 400))
        self.assertEqual(self.code(ec2.describe_images, ImageIds=[image]), ("InvalidAMIID.NotFound", 400))
        found = [[row["InstanceId"] for row in group["Instances"]] for group in ec2.describe_instances()["Reservations"]]
        self.assertEqual(found, [[seen]])
        self.assertEqual(ec2.describe_images(Owners=["self"])["Images"], [])
        self.assertEqual([row["InstanceId"] for row in ec2.describe_instance_status()["InstanceStatuses"]], [seen])
        self.shift()
        self.assertEqual(len(ec2.describe_instances()["Reservations"]), 2)
        self.assertEqual(len(ec2.describe_images(ImageIds=[image])["Images"]), 1)

    def test_databases_and_their_snapshots(self):
        rds = self.database()
        self.rule(service="rds", hide={"seconds": 30}, after=True, cut="reset", times=2)
        with self.assertRaises(ConnectionClosedError):
            rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="New", DBSnapshotIdentifier="snap")
        with self.assertRaises(ConnectionClosedError):
            rds.create_db_snapshot(DBInstanceIdentifier="prod", DBSnapshotIdentifier="snap2")
        self.assertEqual(self.code(rds.describe_db_instances, DBInstanceIdentifier="new"), ("DBInstanceNotFound", 404))
        self.assertEqual(self.code(rds.describe_db_snapshots, DBSnapshotIdentifier="snap2"), ("DBSnapshotNotFound", 404))
        self.assertEqual([one["DBInstanceIdentifier"] for one in rds.describe_db_instances()["DBInstances"]], ["prod"])
        found = rds.describe_db_snapshots(DBInstanceIdentifier="prod")["DBSnapshots"]
        self.assertEqual([one["DBSnapshotIdentifier"] for one in found if one["SnapshotType"] == "manual"], ["snap"])
        again = self.code(rds.create_db_snapshot, DBInstanceIdentifier="prod", DBSnapshotIdentifier="snap2")
        self.assertEqual(again[0], "DBSnapshotAlreadyExists")  # a change sees everything
        self.shift()
        self.assertEqual(len(rds.describe_db_snapshots(DBSnapshotIdentifier="snap2")["DBSnapshots"]), 1)
        self.assertEqual(len(rds.describe_db_instances()["DBInstances"]), 2)

    def test_what_speaks_json(self):
        table = self.client("dynamodb")
        self.rule(operation="CreateTable", hide={"seconds": 30})
        keys = {"AttributeDefinitions": [{"AttributeName": "i", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "i", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}  # fmt: skip
        table.create_table(TableName="t", **keys)
        self.assertEqual(self.code(table.describe_table, TableName="t"), ("ResourceNotFoundException", 400))
        self.assertEqual(table.list_tables()["TableNames"], [])
        self.shift()
        self.assertEqual(table.list_tables()["TableNames"], ["t"])


class Conditions(Base):
    def put(self):
        s3 = self.bucket()
        old = s3.put_object(Bucket="bkt", Key="src", Body=b"1")["ETag"]
        there = s3.put_object(Bucket="bkt", Key="dst", Body=b"2")["ETag"]
        return s3, old, there

    def test_copies(self):
        s3, tag, there = self.put()
        self.ask("POST", "/_gateway/reset", {})
        copy = {"Bucket": "bkt", "Key": "dst", "CopySource": "bkt/src"}
        now = datetime.now(timezone.utc)
        refused = [
            {"IfMatch": tag}, {"IfNoneMatch": "*"}, {"CopySourceIfMatch": there}, {"CopySourceIfNoneMatch": tag},
            {"CopySourceIfUnmodifiedSince": now - timedelta(hours=1)}, {"CopySourceIfModifiedSince": now + timedelta(hours=1)},
        ]  # fmt: skip
        for condition in refused:
            self.assertEqual(self.code(s3.copy_object, **copy, **condition), ("PreconditionFailed", 412), condition)
        self.assertEqual(self.code(s3.copy_object, **{**copy, "Key": "none"}, IfMatch=tag), ("NoSuchKey", 404))
        self.assertEqual(self.effects(), [])
        self.assertEqual(s3.head_object(Bucket="bkt", Key="dst")["ETag"], there)
        s3.copy_object(**copy, IfMatch=there, CopySourceIfMatch=tag, CopySourceIfUnmodifiedSince=now - timedelta(hours=1))
        s3.copy_object(**{**copy, "Key": "new"}, IfNoneMatch="*", CopySourceIfNoneMatch=there)
        self.assertEqual(len(self.effects()), 2)

    def test_puts_and_deletes(self):
        s3, tag, there = self.put()
        self.ask("POST", "/_gateway/reset", {})
        key = {"Bucket": "bkt", "Key": "dst"}
        self.assertEqual(self.code(s3.put_object, **key, Body=b"3", IfNoneMatch="*"), ("PreconditionFailed", 412))
        self.assertEqual(self.code(s3.put_object, **key, Body=b"3", IfMatch=tag), ("PreconditionFailed", 412))
        self.assertEqual(self.code(s3.delete_object, **key, IfMatch=tag), ("PreconditionFailed", 412))
        self.assertEqual(self.code(s3.delete_object, Bucket="bkt", Key="none", IfMatch="*"), ("PreconditionFailed", 412))
        self.assertEqual(self.effects(), [])
        s3.delete_object(**key, IfMatch="*")
        self.assertEqual(self.code(s3.put_object, **key, Body=b"3", IfMatch=there), ("NoSuchKey", 404))
        s3.put_object(**key, Body=b"3", IfNoneMatch="*")
        self.assertEqual([one for one, _ in self.effects()], ["DeleteObject", "PutObject"])

    def test_uploads(self):
        s3, tag, there = self.put()
        upload = s3.create_multipart_upload(Bucket="bkt", Key="dst")["UploadId"]
        part = s3.upload_part(Bucket="bkt", Key="dst", UploadId=upload, PartNumber=1, Body=b"1")["ETag"]
        parts = {"Parts": [{"ETag": part, "PartNumber": 1}]}
        said = {"Bucket": "bkt", "Key": "dst", "UploadId": upload, "MultipartUpload": parts}
        for condition in ({"IfMatch": tag}, {"IfNoneMatch": "*"}):
            self.assertEqual(self.code(s3.complete_multipart_upload, **said, **condition), ("PreconditionFailed", 412))
        s3.complete_multipart_upload(**said, IfMatch=there)
        self.assertEqual(len(self.effects(operation="CompleteMultipartUpload")), 1)

    def test_of_many_writers_one_wins(self):
        s3, _, _ = self.put()
        self.ask("POST", "/_gear/rules", {"operation": "CopyObject", "delay_ms": 20})  # between the question and the write

        def write(number):
            try:
                s3.copy_object(Bucket="bkt", Key="lock", CopySource="bkt/src", IfNoneMatch="*", Metadata={"n": str(number)})
                return 1
            except ClientError:
                return 0

        with ThreadPoolExecutor(6) as pool:
            self.assertEqual(sum(pool.map(write, range(12))), 1)
        self.assertEqual(len(self.effects(operation="CopyObject")), 1)


class Control(Base):
    def test_reset_forgets_all_but_the_upstream(self):
        self.rule(operation="CreateVolume", hide={"seconds": 30})
        self.ask("POST", "/_gateway/tokens", {"life_s": 60})
        self.volume(ClientToken="t")
        self.ask("POST", "/_gateway/clock", {"offset_s": 5})
        self.ask("POST", "/_gateway/reset", {})
        for what in ("log", "effects", "twice", "unattributed", "unknown", "rules", "hidden"):
            self.assertEqual(self.get(what), [], what)
        self.assertEqual((self.get("clock")["offset_s"], self.get("tokens")), (0, {"life_s": None, "known": 0}))
        self.assertEqual(len(self.client("ec2").describe_volumes()["Volumes"]), 1)

    def test_the_account_of_a_role(self):
        role = "arn:aws:iam::333333333333:role/r"
        key = self.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]["AccessKeyId"]
        url = f"http://127.0.0.1:{self.port}"
        ec2 = boto3.client("ec2", region_name=REGION, endpoint_url=url, aws_access_key_id=key, aws_secret_access_key="x")
        ec2.create_volume(AvailabilityZone="us-east-2a", Size=1)
        self.assertEqual([one["account"] for one in self.get("effects")], ["333333333333"])


class Life(unittest.TestCase):
    def test_ends_with_its_input_and_says_if_nobody_is_there(self):
        program = [sys.executable, os.path.join(HERE, "gateway.py"), "--upstream", "http://127.0.0.1:1"]
        process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        port = json.loads(process.stdout.readline())["port"]
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/bucket/key")
        with caught.exception as failure:
            self.assertEqual(failure.code, 503)
        process.stdin.close()
        self.assertEqual(process.wait(3), 0)
        process.stdout.close()
