"""20 accounts with 3 Regions each: lifeboat, and the same calls by a client that neither waits for one to make the next nor
looks at an answer.

    python aws_accounts.py LIFEBOAT
"""

import http.client
import json
import sys
import tempfile
import threading
import time
from collections import Counter, deque

from botocore import xform_name

from aws_measure import HOME, ROUND_TRIP, ROUNDS, caller, client, control, estate, lifeboat, make_database, server

NOBODY = "000000000000"
ACCOUNTS = [f"6100000000{nth:02}" for nth in range(20)]
REGIONS = (HOME, "us-west-2", "eu-central-1")
KINDS = {"rds-instance": "orders", "dynamodb-table": "carts", "backup-vault": "vault"}
# What the services document, for an account and Region; of RDS and AWS Backup nothing is published.
BUCKETS = (
    {"service": "rds", "rate_per_s": 20, "burst": 40},
    {"service": "dynamodb", "operation": "DescribeContinuousBackups", "rate_per_s": 10, "burst": 10},
    {"service": "dynamodb", "operation": "ListBackups", "rate_per_s": 5, "burst": 5},
    {"service": "backup", "rate_per_s": 20, "burst": 40},
)
# As many as lifeboat reads at once: a server with a thread for each is slower for it.
CONNECTIONS = 512
INPUTS = {
    "AssumeRole": {"RoleArn": f"arn:aws:iam::{ACCOUNTS[1]}:role/observe", "RoleSessionName": "bench"},
    "DescribeDBSnapshots": {"DBInstanceIdentifier": "orders", "IncludeShared": True, "MaxRecords": 100},
    "DescribeEvents": {"SourceType": "db-instance", "Duration": 1440, "MaxRecords": 100},
    "DescribeContinuousBackups": {"TableName": "carts"},
    "DescribeTable": {"TableName": "carts"},
    "DescribeTimeToLive": {"TableName": "carts"},
    "ListBackups": {"TableName": "carts", "Limit": 100},
    "ListTagsOfResource": {"ResourceArn": f"arn:aws:dynamodb:{HOME}:{NOBODY}:table/carts"},
    "DescribeBackupVault": {"BackupVaultName": "vault"},
    "ListRecoveryPointsByBackupVault": {"BackupVaultName": "vault"},
}


def make_accounts(url):
    for account in ACCOUNTS:
        for region in REGIONS:
            make_database(client("rds", url, account, region), KINDS["rds-instance"])
            tables = client("dynamodb", url, account, region)
            tables.create_table(
                TableName=KINDS["dynamodb-table"],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            tables.update_continuous_backups(
                TableName=KINDS["dynamodb-table"],
                PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
            )
            client("backup", url, account, region).create_backup_vault(BackupVaultName=KINDS["backup-vault"])


def wide_estate(home):
    """The credentials are those of the first account; the others are reached by a role."""
    environments, components = [], []
    for nth, account in enumerate(ACCOUNTS):
        role = f', observe: {{ role: "arn:aws:iam::{account}:role/observe" }}' if nth else ""
        known = f'class: test, account: "{account}", account_alias: account-{nth:02}, region: {HOME}{role}'
        environments.append(f"  account-{nth:02}: {{ {known} }}")
        for region in REGIONS:
            for kind, name in KINDS.items():
                found = f"kind: {kind}, environment: account-{nth:02}, region: {region}, select: {{ id: {name} }}"
                components.append(f"  {name}-{nth:02}-{region}: {{ {found}, objectives: {{ rpo: 24 h }} }}")
    return estate(home, "wide", environments, components)


class Unsent(Exception):
    """A request was made, and that was all."""


def template(url, service, operation):
    """Returns method, path, headers and body of a call by nobody in the home Region."""
    made = []

    def keep(request, **_):
        made.append(request)
        raise Unsent

    caller = client(service, url, NOBODY, HOME)
    caller.meta.events.register("before-send", keep)
    try:
        getattr(caller, xform_name(operation))(**INPUTS.get(operation, {}))
    except Unsent:
        pass
    request = made[0]
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    body = request.body or b""
    headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    return request.method, request.url.removeprefix(url), headers, body.decode() if isinstance(body, bytes) else body


def requests(url, calls):
    """Makes the same calls again, by the same callers; nobody checks their signatures."""
    sts = client("sts", url, ACCOUNTS[0], HOME)
    keys = {ACCOUNTS[0]: f"AKIAGEAR{ACCOUNTS[0]}"}
    for account in ACCOUNTS[1:]:
        answer = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/observe", RoleSessionName="bench")
        keys[account] = answer["Credentials"]["AccessKeyId"]
    templates = {name: template(url, *name) for name in {(call["service"], call["operation"]) for call in calls}}

    def made(call):
        method, path, headers, body = templates[call["service"], call["operation"]]

        def of_call(text):
            text = text.replace(f"AKIAGEAR{NOBODY}", keys[call["account"]])
            return text.replace(NOBODY, call["account"]).replace(HOME, call["region"])

        return method, of_call(path), {name: of_call(value) for name, value in headers.items()}, of_call(body).encode()

    return [made(call) for call in calls]


def replay(url, made, connections):
    """Sends requests through so many connections and returns the seconds until the last was answered."""
    waiting, answers = deque(made), Counter()

    def send():
        host = http.client.HTTPConnection(url.removeprefix("http://"))
        while True:
            try:
                method, path, headers, body = waiting.popleft()
            except IndexError:
                return
            host.request(method, path, body or None, headers)
            answer = host.getresponse()
            answer.read()
            answers[answer.status] += 1

    threads = [threading.Thread(target=send) for _ in range(connections)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - begun
    if answers != {200: len(made)}:
        sys.exit(f"the same calls were answered otherwise: {dict(answers)}")
    return took


def accounts(program):
    def fresh(url, ms):
        """Sets the latency and fills the buckets."""
        control(url, "POST", "latency", {"ms": ms})
        control(url, "DELETE", "buckets")
        places = [{"account": account, "region": region} for account in ACCOUNTS for region in REGIONS]
        control(url, "POST", "buckets", [{**place, **bucket} for place in places for bucket in BUCKETS])
        control(url, "DELETE", "calls")

    runs, served = [], []
    with server() as url, tempfile.TemporaryDirectory() as home:
        make_accounts(url)
        path, environ = wide_estate(home), caller(url, ACCOUNTS[0], home)
        lifeboat(program, path, environ)
        for _ in range(ROUNDS):
            fresh(url, ROUND_TRIP * 1000)
            took = lifeboat(program, path, environ)
            calls, buckets = control(url, "GET", "calls"), control(url, "GET", "buckets")
            # What a bucket does not hold comes at its rate; a call that it refused has to come again.
            late = [(one["passed"] + one["refused"] - one["burst"]) / one["rate_per_s"] for one in buckets]
            refused = sum(one["refused"] for one in buckets)
            runs.append({**took, "calls": len(calls), "refused": refused, "bucket_s": max(0, *late)})
            made = requests(url, [call for call in calls if call["status"] == 200])
            fresh(url, ROUND_TRIP * 1000)
            served.append({"wall_s": replay(url, made, CONNECTIONS)})
        fresh(url, 0)
        control(url, "DELETE", "buckets")
        call = replay(url, made, 1) / len(made)
    operations = Counter(f"{one['service']}:{one['operation']}" for one in calls)
    print(f"calls: {dict(operations)}", file=sys.stderr)
    return {"round_trip_s": ROUND_TRIP, "call_s": call, "runs": runs, "served": served}


if __name__ == "__main__":
    print(json.dumps(accounts(*sys.argv[1:])))
