"""What the tests of the gateway share."""

import atexit
import json
import os
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

HERE = os.path.dirname(os.path.abspath(__file__))
ACCOUNT = "222222222222"
REGION = "us-east-2"


def start(*words):
    """Starts one of the programs, to end with this one, and returns its port."""
    program = subprocess.Popen(
        [sys.executable, os.path.join(HERE, words[0]), *words[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )

    def end():
        program.stdin.close()
        program.wait(5)
        program.stdout.close()

    atexit.register(end)
    return json.loads(program.stdout.readline())["port"]


class Base(unittest.TestCase):
    """A gateway in front of a server, both shared by all tests and empty for each."""

    port, upstream, clients, agent = None, None, {}, ""

    @classmethod
    def setUpClass(cls):
        if Base.port is None:
            Base.upstream = start("server.py")
            Base.port = start("gateway.py", "--upstream", f"http://127.0.0.1:{Base.upstream}")

    def setUp(self):
        self.ask("POST", "/_gear/reset", {})
        self.ask("POST", "/_gateway/reset", {})
        Base.agent = ""

    def ask(self, method, path, body=None, wanted=200):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{Base.port}{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                self.assertEqual(answer.status, wanted)
                return json.loads(answer.read())
        except urllib.error.HTTPError as failure:
            with failure:
                self.assertEqual(failure.code, wanted)
                return json.loads(failure.read())

    def get(self, what):
        return self.ask("GET", f"/_gateway/{what}")

    def rule(self, **rule):
        return self.ask("POST", "/_gateway/rules", rule)["ids"][0]

    def client(self, service, **more):
        """Returns a client, made once; its calls carry what `step` said last."""
        key = (service, tuple(more.items()))
        if key not in Base.clients:
            config = {"retries": {"total_max_attempts": 1}, **more}
            if service == "s3":
                config["s3"] = {"addressing_style": "path"}
            made = boto3.client(
                service, region_name=REGION, endpoint_url=f"http://127.0.0.1:{Base.port}", config=Config(**config),
                aws_access_key_id=f"AKIAGEAR{ACCOUNT}", aws_secret_access_key="x",
            )  # fmt: skip

            def sign(request, **_):
                request.headers["User-Agent"] = f"aws-sdk-rust/1.0 lifeboat/0.1{Base.agent}"

            made.meta.events.register("before-sign", sign)
            Base.clients[key] = made
        return Base.clients[key]

    def step(self, step="s", attempt=1, call=1, direction="forward", run="r"):
        Base.agent = f" lifeboat-step/{run}/{step}/{direction}/{attempt}/{call}"

    def code(self, act, *args, **kwargs):
        with self.assertRaises(ClientError) as caught:
            act(*args, **kwargs)
        answer = caught.exception.response
        return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]

    def effects(self, **wanted):
        query = "&".join(f"{key}={value}" for key, value in wanted.items())
        return [(one["operation"], one["target"]) for one in self.get(f"effects?{query}")]

    def twice(self):
        return [(one["step"], one["direction"], one["call"], one["operation"], one["count"]) for one in self.get("twice?run=r")]

    def bucket(self, versioned=True):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="bkt", CreateBucketConfiguration={"LocationConstraint": REGION})
        if versioned:
            s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
        self.ask("POST", "/_gateway/reset", {})
        return s3

    def database(self):
        rds = self.client("rds")
        rds.create_db_instance(
            DBInstanceIdentifier="prod", DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20,
            MasterUsername="a", MasterUserPassword="passwordpassword", BackupRetentionPeriod=7,
        )  # fmt: skip
        rds.create_db_snapshot(DBInstanceIdentifier="prod", DBSnapshotIdentifier="snap")
        self.ask("POST", "/_gateway/reset", {})
        return rds

    def volume(self, **more):
        return self.client("ec2").create_volume(AvailabilityZone="us-east-2a", Size=1, **more)["VolumeId"]

    def instance(self, **more):
        made = self.client("ec2").run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, **more)
        return made["Instances"][0]["InstanceId"]

    def until(self, ask, count):
        """Asks until there are so many, and returns them."""
        for _ in range(300):
            if len(found := ask()) >= count:
                return found
            time.sleep(0.01)
        self.fail(f"there are {len(found)}")
