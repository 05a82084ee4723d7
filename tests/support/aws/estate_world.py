"""What the parts of estate.py share: logins, the server's clock, a timeline, and the estate file as it grows.

Nothing is made at once. Parts say `world.at(age, what)`, and `World.play` makes everything in the order in which it would
have happened, with the server's clock at that moment, so that what is said to be 26 hours old is.
"""

import datetime
import json
import urllib.error
import urllib.request

import boto3
from botocore.config import Config

PRODUCTION, STAGING = "123456789012", "222222222222"
HOME, DR, STAGING_HOME = "us-east-2", "us-west-2", "eu-west-1"
OBSERVER = f"arn:aws:iam::{STAGING}:role/observe"
MIN, H, D = 60, 3600, 86400


def iso(moment):
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class World:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        self.components, self.groups, self.drills = {}, {}, {}
        self.defects = []
        self._timeline, self._clients = [], {}

    # The server

    def gear(self, what, body):
        """Asks the server's control API."""
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_gear/{what}", data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise ValueError(f"{what} {body}: {error.read().decode()}") from None

    def client(self, service, region=HOME, account=PRODUCTION):
        key = service, region, account
        if key not in self._clients:
            login = self._login(account)
            retries = Config(retries={"max_attempts": 2}, s3={"addressing_style": "path"})
            made = boto3.client(service, region_name=region, endpoint_url=self.url, config=retries, **login)
            self._clients[key] = made
        return self._clients[key]

    @staticmethod
    def _login(account):
        """Returns a key that the server takes for one of the account; roles would expire while the clock moves."""
        key = "estate" if account == PRODUCTION else f"AKIAGEAR{account}"
        return {"aws_access_key_id": key, "aws_secret_access_key": "estate"}

    def patch(self, resource, id, region=HOME, account=PRODUCTION, **members):
        """Sets members of a resource that the emulator has no way to make."""
        where = {"account": account, "region": region, "resource": resource, "id": id}
        self.gear("patch", {**where, "set": members})

    def stub(self, service, operation, pages, region=HOME, account=PRODUCTION, **match):
        """Answers an operation that the emulator does not know."""
        where = {"account": account, "region": region, "service": service, "operation": operation}
        self.gear("stub", {**where, "match": match, "pages": pages})

    # Time

    def ago(self, age):
        return self.now - datetime.timedelta(seconds=age)

    def at(self, age, what):
        """Has `what` done as if `age` seconds ago."""
        self._timeline.append((-age, len(self._timeline), what))

    def finally_(self, what):
        """Has `what` done when all else is there, and the clock stands at now."""
        self._timeline.append((1, len(self._timeline), what))

    def play(self):
        hand = None
        # What is done may have more done later.
        while self._timeline:
            self._timeline.sort()
            age, _, what = self._timeline.pop(0)
            if age != hand and age <= 0:
                self.gear("clock", {"at": iso(self.ago(-age)), "frozen": True})
            if age == 1 and hand != 1:
                self.gear("clock", {"at": iso(datetime.datetime.now(datetime.timezone.utc)), "frozen": True})
            hand = age
            what()

    # The file

    def component(self, name, kind, environment="production", **fields):
        assert name not in self.components, name
        self.components[name] = {"kind": kind, "environment": environment, **fields}

    def defect(self, name, row, naive):
        """Says what is wrong with a component by design: a row of semantics, and what a naive reader would say."""
        self.defects.append({"component": name, "row": row, "naive": naive})


def proven(world, days, **took):
    """Returns measured recoveries: `proven(world, 20, local="40 min")`."""
    on = iso(world.ago(days * D))
    return [{"failure": failure, "took": time, "on": on, "how": "drill"} for failure, time in took.items()]


def promise(rpo=None, rto=None, region=None, account=None):
    """Returns objectives; `region` and `account` are pairs, None where nothing is promised."""
    none = lambda limit: limit or "none"
    pair = lambda limits: {"rpo": none(limits and limits[0]), "rto": none(limits and limits[1])}
    return {"rpo": none(rpo), "rto": none(rto), "region": pair(region), "account": pair(account)}


def metric(world, region, namespace, name, value, unit, account=PRODUCTION, **dimensions):
    """Two datapoints, of which the newer counts; none when `value` is None."""
    if value is None:
        return

    def do():
        now = datetime.datetime.now(datetime.timezone.utc)
        data = [
            {
                "MetricName": name,
                "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
                "Timestamp": now - datetime.timedelta(seconds=age),
                "Value": of,
                "Unit": unit,
            }
            for age, of in [(8 * MIN, value * 3 + 60), (MIN, value)]
        ]
        world.client("cloudwatch", region, account).put_metric_data(Namespace=namespace, MetricData=data)

    world.finally_(do)
