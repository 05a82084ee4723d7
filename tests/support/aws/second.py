"""A second, independent AWS server (MiniStack) with a small account in it.

    python second.py

Prints one line of JSON, {"port", "estate"}, and ends, with its server, when its standard input ends. MiniStack replicates
objects for real and has jobs of AWS Backup; moto has neither.
"""

import json
import os
import socket
import subprocess
import sys
import time

import boto3
from botocore.config import Config

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service"
PATIENCE_S = 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(port, more={}):
    """Starts the server on loopback only, without what listens elsewhere."""
    here = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "IOT_MTLS_ENABLED": "0"}
    environment = {**os.environ, **here, **more}
    # Not its own script: that names the folder in which the packages were made.
    program = [sys.executable, "-c", "import sys; from ministack.app import main; sys.exit(main())"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(program, env=environment, **quiet)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return server
        except OSError:
            time.sleep(0.1)
    server.kill()
    raise SystemExit("MiniStack did not start")


def provision(port):
    """Makes the account and returns the estate file that describes it."""

    def client(service, region="us-east-2"):
        settings = Config(s3={"addressing_style": "path"})
        url = f"http://127.0.0.1:{port}"
        keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "x"}
        return boto3.client(service, region_name=region, endpoint_url=url, config=settings, **keys)

    for name, region in (("second-main", "us-east-2"), ("second-copy", "us-west-2")):
        s3 = client("s3", region)
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    rule = {"ID": "all", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": ""}}
    rule["DeleteMarkerReplication"] = {"Status": "Disabled"}
    rule["Destination"] = {"Bucket": "arn:aws:s3:::second-copy"}
    s3 = client("s3")
    s3.put_bucket_replication(Bucket="second-main", ReplicationConfiguration={"Role": ROLE, "Rules": [rule]})
    for nth in range(3):
        s3.put_object(Bucket="second-main", Key=f"orders/{nth}", Body=b"x")
    s3.delete_object(Bucket="second-main", Key="orders/0")
    table = client("dynamodb")
    table.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    on = {"PointInTimeRecoveryEnabled": True}
    table.update_continuous_backups(TableName="orders", PointInTimeRecoverySpecification=on)
    backup = client("backup")
    backup.create_backup_vault(BackupVaultName="daily")
    arn = f"arn:aws:dynamodb:us-east-2:{ACCOUNT}:table/orders"
    backup.start_backup_job(BackupVaultName="daily", ResourceArn=arn, IamRoleArn=ROLE)
    dns = client("route53")
    zone = dns.create_hosted_zone(Name="second.example", CallerReference="1")["HostedZone"]["Id"].split("/")[-1]
    record = {"Name": "www.second.example", "Type": "A", "TTL": 30, "ResourceRecords": [{"Value": "10.0.0.1"}]}
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)
    volume = client("ec2").create_volume(AvailabilityZone="us-east-2a", Size=8)["VolumeId"]
    client("ec2").create_snapshot(VolumeId=volume)
    hour = "{ rpo: 1 h, rto: 1 h }"
    return f"""version: 1
estate: second
environments:
  production: {{ class: production, account: "{ACCOUNT}", region: us-east-2, dr_region: us-west-2 }}
components:
  bucket: {{ kind: s3-bucket, select: {{ id: second-main }}, objectives: {hour} }}
  table: {{ kind: dynamodb-table, select: {{ id: orders }}, objectives: {hour} }}
  vault: {{ kind: backup-vault, select: {{ id: daily }}, objectives: {hour} }}
  volume: {{ kind: ebs-volume, select: {{ id: {volume} }}, objectives: {hour} }}
  www: {{ kind: dns-record, select: {{ id: {zone}/www.second.example/A }}, objectives: {hour} }}
"""


def main():
    port = free_port()
    server = start(port)
    try:
        print(json.dumps({"port": port, "estate": provision(port)}), flush=True)
        sys.stdin.read()
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
