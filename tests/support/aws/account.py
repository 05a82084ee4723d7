"""What short programs of tests share: clients of one account in a running server, and its control API.

    python -c "from account import *; client('s3').create_bucket(...)" PORT ACCOUNT
"""

import datetime
import json
import sys
import urllib.request

import boto3
from botocore.config import Config

PORT, ACCOUNT = sys.argv[1], sys.argv[2]
HOME, DR = "us-east-2", "us-west-2"
URL = f"http://127.0.0.1:{PORT}"
_CLIENTS = {}


def client(service, region=HOME):
    """Returns a client that calls the server as somebody of the account."""
    if (service, region) not in _CLIENTS:
        _CLIENTS[service, region] = boto3.client(
            service,
            region_name=region,
            endpoint_url=URL,
            aws_access_key_id=f"AKIAGEAR{ACCOUNT}",
            aws_secret_access_key="x",
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )
    return _CLIENTS[service, region]


def gear(what, **body):
    """Posts to the control API, for this account."""
    data = json.dumps({"account": ACCOUNT, **body}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{URL}/_gear/{what}", data)) as answer:
        return json.loads(answer.read())


def stub(service, operation, page, region=HOME, **match):
    """Has an operation answered so."""
    gear("stub", service=service, operation=operation, region=region, pages=[page], match=match)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def ago(seconds):
    """Returns a moment as the control API reads it."""
    return (now() - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def database(name, region=HOME, **more):
    """Makes an RDS instance."""
    made = dict(Engine="postgres", DBInstanceClass="db.t3.micro", AllocatedStorage=20, BackupRetentionPeriod=7)
    login = dict(MasterUsername="admin", MasterUserPassword="not-a-secret")
    return client("rds", region).create_db_instance(DBInstanceIdentifier=name, **{**made, **login, **more})


def versioned(bucket, region=HOME):
    """Makes a bucket with versioning."""
    s3 = client("s3", region)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return s3


def suspend(bucket, region=HOME):
    """Suspends versioning."""
    client("s3", region).put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
