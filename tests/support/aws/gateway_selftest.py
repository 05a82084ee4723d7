"""Checks the gateway with boto3, in front of the AWS test server: python gateway_selftest.py"""

import sys

sys.dont_write_bytecode = True

import socket
import time
import unittest

from botocore.exceptions import ClientError

from gateway_selftest_base import ACCOUNT, REGION, Base
from gateway_selftest_faults import Conditions, Control, Hide, Life, Rules, Tokens

__all__ = ["Conditions", "Control", "Hide", "Life", "Rules", "Tokens"]


class Log(Base):
    def test_says_who_asked_what_and_when(self):
        self.step(step="a.b-c_1", attempt=2, call=7, direction="undo")
        before = time.time_ns(), time.monotonic_ns()
        self.client("ec2").describe_volumes()
        row = self.get("log")[-1]
        said = [row[key] for key in ("service", "operation", "region", "account", "status", "half", "forwarded")]
        self.assertEqual(said, ["ec2", "DescribeVolumes", REGION, ACCOUNT, 200, False, True])
        said = [row[key] for key in ("run", "step", "direction", "attempt", "call")]
        self.assertEqual(said, ["r", "a.b-c_1", "undo", 2, 7])
        for clock, start in (("wall_ns", before[0]), ("mono_ns", before[1])):
            moments = [start, *(row[name][clock] for name in ("first_byte", "received", "reply"))]
            self.assertEqual(moments, sorted(moments))
        self.assertEqual(self.get(f"log?since={row['n']}"), [])
        self.assertEqual([one["n"] for one in self.get(f"log?since={row['n'] - 1}&run=r")], [row["n"]])

    def test_connections_are_kept(self):
        ec2 = self.client("ec2")
        for _ in range(3):
            ec2.describe_volumes()
        rows = self.get("log")
        self.assertEqual(len({row["connection"] for row in rows}), 1)
        self.assertEqual(len({row["request"] for row in rows}), 3)

    def test_half_a_request_is_not_sent_on(self):
        head = (
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n"
            f"User-Agent: x lifeboat-step/r/s/forward/1/1\r\nAuthorization: AWS4-HMAC-SHA256 Credential="
            f"AKIAGEAR{ACCOUNT}/20260101/{REGION}/ec2/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n"
        )
        for sent in (head + "Action=CreateVolume&Version=2016-11-15&Size=1", "POST / HT"):
            with socket.create_connection(("127.0.0.1", Base.port)) as sock:
                sock.sendall(sent.encode())
        rows = self.until(lambda: self.get("log"), 2)
        self.assertEqual([(row["half"], row["forwarded"], row["status"]) for row in rows], [(True, False, None)] * 2)
        told = next(row for row in rows if row["service"])
        self.assertEqual((told["operation"], told["run"], told["account"]), ("CreateVolume", "r", ACCOUNT))
        self.assertEqual(self.ask("GET", f"/_gear/calls?account={ACCOUNT}"), [])
        self.assertEqual(self.effects(), [])

    def test_what_a_dead_client_asked_for_counts(self):
        self.ask("POST", "/_gear/rules", {"operation": "CreateVolume", "delay_ms": 150})
        body = "Action=CreateVolume&Version=2016-11-15&Size=1&AvailabilityZone=us-east-2a"
        head = (
            f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
            f"User-Agent: lifeboat-step/r/s/forward/1/1\r\nAuthorization: AWS4-HMAC-SHA256 Credential="
            f"AKIAGEAR{ACCOUNT}/20260101/{REGION}/ec2/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", Base.port)) as sock:
            sock.sendall((head + body).encode())
        self.until(lambda: self.get("effects?run=r"), 1)
        self.assertEqual(len(self.client("ec2").describe_volumes()["Volumes"]), 1)

    def test_chunks_and_expectations(self):
        s3 = self.bucket()
        s3.put_object(Bucket="bkt", Key="a b/ü", Body=b"x" * 300_000)
        self.assertEqual(len(s3.get_object(Bucket="bkt", Key="a b/ü")["Body"].read()), 300_000)
        with socket.create_connection(("127.0.0.1", Base.port)) as sock:
            sock.sendall(
                f"PUT /bkt/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nAuthorization: "
                f"AWS4-HMAC-SHA256 Credential=AKIAGEAR{ACCOUNT}/20260101/{REGION}/s3/aws4_request, Signature=0\r\n\r\n".encode()
            )
            self.assertTrue(sock.recv(100).startswith(b"HTTP/1.1 100"))
            sock.sendall(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            self.assertTrue(sock.recv(1000).startswith(b"HTTP/1.1 200"))
        self.assertEqual(s3.get_object(Bucket="bkt", Key="k")["Body"].read(), b"abcde")

    def test_what_is_not_a_call_passes(self):
        self.assertEqual(self.ask("GET", "/_gear/health"), {"ok": True})
        self.assertEqual(self.get("log"), [])
        self.assertIn("error", self.ask("GET", "/_gateway/nothing", wanted=404))


class Effects(Base):
    def test_names_that_exist_are_made_once(self):
        rds = self.database()
        for attempt in (1, 2):
            self.step("restore", attempt)
            act = (rds.restore_db_instance_from_db_snapshot, rds.create_db_snapshot)
            kwargs = ({"DBInstanceIdentifier": "new", "DBSnapshotIdentifier": "snap"},
                      {"DBInstanceIdentifier": "prod", "DBSnapshotIdentifier": "snap2"})  # fmt: skip
            for one, said in zip(act, kwargs):
                if attempt == 1:
                    one(**said)
                else:
                    self.assertIn("AlreadyExists", self.code(one, **said)[0])
        self.assertEqual(self.effects(run="r"), [("RestoreDBInstanceFromDBSnapshot", "new"), ("CreateDBSnapshot", "snap2")])
        self.assertEqual(self.twice(), [])
        self.assertIsNotNone(self.get("effects")[0]["request_id"])

    def test_a_snapshot_made_by_each_attempt_is_twice(self):
        ec2, volume = self.client("ec2"), self.volume()
        for attempt in (1, 2):
            self.step("snap", attempt, call=3)
            ec2.create_snapshot(VolumeId=volume)
        self.assertEqual(self.twice(), [("snap", "forward", 3, "CreateSnapshot", 2)])
        self.assertEqual(self.get("twice?run=other"), [])
        self.step("snap", 3, call=4)
        ec2.create_snapshot(VolumeId=volume)
        self.assertEqual(self.twice(), [("snap", "forward", 3, "CreateSnapshot", 2)])
        self.assertEqual(self.get("twice?run=r&by=step")[0]["count"], 3)
        self.step("snap", 1, call=3, direction="undo")
        ec2.delete_snapshot(SnapshotId=self.get("effects?run=r")[0]["target"])
        self.assertEqual(len(self.twice()), 1)
        self.assertEqual([one["operation"] for one in self.get("unattributed")], ["CreateVolume"])

    def test_what_is_done_again_on_the_way_back_is_not_twice(self):
        ec2, one = self.client("ec2"), self.instance()
        self.step("restart", direction="forward")
        ec2.reboot_instances(InstanceIds=[one])
        self.step("restart", direction="undo")
        ec2.reboot_instances(InstanceIds=[one])
        self.assertEqual(self.twice(), [])
        self.step("restart", attempt=2, direction="undo")
        ec2.reboot_instances(InstanceIds=[one])
        self.assertEqual(self.twice(), [("restart", "undo", 1, "RebootInstances", 2)])
        self.assertEqual(self.effects(run="r", direction="forward"), [("RebootInstances", one)])

    def test_what_is_set_twice_changes_once(self):
        rds = self.database()
        for attempt, days in ((1, 9), (2, 9)):
            self.step("modify", attempt)
            rds.modify_db_instance(DBInstanceIdentifier="prod", BackupRetentionPeriod=days, ApplyImmediately=True)
        found = self.get("effects?run=r")
        self.assertEqual([(one["repeatable"], one["changed"]) for one in found], [(True, True), (True, False)])
        self.assertEqual(self.twice(), [])
        self.step("modify", 3)
        rds.modify_db_instance(DBInstanceIdentifier="prod", BackupRetentionPeriod=11, ApplyImmediately=True)
        self.assertEqual(self.twice(), [("modify", "forward", 1, "ModifyDBInstance", 2)])

    def test_tags_are_set_by_what_they_say(self):
        ec2, volume = self.client("ec2"), self.volume()
        self.step("tag")
        for value in "aab":
            ec2.create_tags(Resources=[volume], Tags=[{"Key": "k", "Value": value}])
        ec2.delete_tags(Resources=[volume], Tags=[{"Key": "k"}])
        self.assertEqual([one["changed"] for one in self.get("effects?run=r")], [True, False, True, True])

    def test_stopping_the_stopped_is_nothing(self):
        ec2, one = self.client("ec2"), self.instance()
        for attempt in (1, 2):
            self.step("stop", attempt)
            ec2.stop_instances(InstanceIds=[one])
        for attempt in (1, 2):
            self.step("start", attempt)
            ec2.start_instances(InstanceIds=[one])
        self.assertEqual(self.effects(run="r"), [("StopInstances", one), ("StartInstances", one)])

    def test_failing_over_twice_is_twice(self):
        rds = self.client("rds")
        stub = {"service": "rds", "operation": "FailoverDBCluster", "pages": [{}]}
        self.ask("POST", "/_gear/stub", stub)
        for attempt in (1, 2):
            self.step("failover", attempt)
            rds.failover_db_cluster(DBClusterIdentifier="c")
        self.assertEqual(self.twice(), [("failover", "forward", 1, "FailoverDBCluster", 2)])

    def test_objects_and_versions(self):
        s3 = self.bucket()
        self.step("s3")
        version = s3.put_object(Bucket="bkt", Key="k", Body=b"1")["VersionId"]
        copied = s3.copy_object(Bucket="bkt", Key="k2", CopySource={"Bucket": "bkt", "Key": "k"})["VersionId"]
        marker = s3.delete_object(Bucket="bkt", Key="k")["VersionId"]
        for _ in range(2):
            s3.delete_object(Bucket="bkt", Key="k", VersionId=marker)
            s3.delete_object(Bucket="bkt", Key="k", VersionId=version)
        self.assertEqual(self.code(s3.copy_object, Bucket="bkt", Key="x", CopySource="bkt/none")[1], 404)
        self.assertEqual(self.effects(run="r"), [
            ("PutObject", f"bkt/k@{version}"), ("CopyObject", f"bkt/k2@{copied}"), ("DeleteObject", f"bkt/k@{marker}"),
            ("DeleteObject", f"bkt/k@{marker}"), ("DeleteObject", f"bkt/k@{version}"),
        ])  # fmt: skip

    def test_an_upload_is_completed_once(self):
        s3 = self.bucket(versioned=False)
        s3.delete_object(Bucket="bkt", Key="none")
        upload = s3.create_multipart_upload(Bucket="bkt", Key="k")["UploadId"]
        tag = s3.upload_part(Bucket="bkt", Key="k", UploadId=upload, PartNumber=1, Body=b"1")["ETag"]
        parts = {"Parts": [{"ETag": tag, "PartNumber": 1}]}
        self.step("upload")
        for _ in range(2):
            s3.complete_multipart_upload(Bucket="bkt", Key="k", UploadId=upload, MultipartUpload=parts)
        for _ in range(2):
            s3.delete_object(Bucket="bkt", Key="k")
        self.assertEqual(self.effects(), [("CreateMultipartUpload", "bkt/k"), ("UploadPart", "bkt/k#1"),
                                          ("CompleteMultipartUpload", "bkt/k"), ("DeleteObject", "bkt/k")])  # fmt: skip

    def test_tables_zones_and_the_unknown(self):
        table, zones = self.client("dynamodb"), self.client("route53")
        keys = {"AttributeDefinitions": [{"AttributeName": "i", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "i", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}  # fmt: skip
        table.create_table(TableName="t", **keys)
        table.put_item(TableName="t", Item={"i": {"S": "1"}}, ConditionExpression="attribute_not_exists(i)")
        again = self.code(table.put_item, TableName="t", Item={"i": {"S": "1"}}, ConditionExpression="attribute_not_exists(i)")
        self.assertEqual(again[0], "ConditionalCheckFailedException")
        table.get_item(TableName="t", Key={"i": {"S": "1"}})
        zone = zones.create_hosted_zone(Name="x.test", CallerReference="1")["HostedZone"]["Id"]
        record = {"Name": "a.x.test", "Type": "A", "TTL": 1, "ResourceRecords": [{"Value": "1.1.1.1"}]}
        for action in ("CREATE", "UPSERT", "UPSERT"):
            try:
                zones.change_resource_record_sets(
                    HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]}
                )
            except ClientError as error:
                self.fail(error)
        self.client("iam").create_user(UserName="u")
        name = f"{zone.rpartition('/')[2]}/a.x.test/A"
        self.assertEqual(self.effects(), [
            ("CreateTable", "t"), ("PutItem", "t"), ("CreateHostedZone", zone), ("ChangeResourceRecordSets", name),
            ("ChangeResourceRecordSets", name), ("ChangeResourceRecordSets", name), ("CreateUser", None),
        ])  # fmt: skip
        batches = [one["changed"] for one in self.get("effects?operation=ChangeResourceRecordSets")]
        self.assertEqual(batches, [True, True, False])
        self.assertEqual(self.get("unknown"), [{"service": "iam", "operation": "CreateUser", "count": 1}])


if __name__ == "__main__":
    unittest.main()
