"""A vault of 100 000 points: read by a program page by page, and by a client that keeps nothing.

    python aws_points.py PROGRAM

PROGRAM is given `--read-points`, an estate file and a folder for what it keeps; it prints JSON.
"""

import http.client
import json
import sys
import tempfile
import time
import uuid
from random import Random

from aws_measure import HOME, ROUND_TRIP, ROUNDS, caller, control, estate, run, server

PAGES, POINTS = 100, 1000
VAULT = "all"


def pages(account):
    """Makes the pages of the vault: points of 250 databases, the newest first, an hour apart."""
    random = Random(1)
    key = f"arn:aws:kms:{HOME}:{account}:key/{uuid.UUID(int=random.getrandbits(128))}"
    now = int(time.time())

    def point(nth):
        return {
            "RecoveryPointArn": f"arn:aws:backup:{HOME}:{account}:recovery-point:{uuid.UUID(int=random.getrandbits(128))}",
            "BackupVaultName": VAULT,
            "ResourceArn": f"arn:aws:rds:{HOME}:{account}:db:orders-{nth % 250}",
            "ResourceType": "RDS",
            "Status": "COMPLETED",
            "CreationDate": now - nth // 250 * 3600,
            "BackupSizeInBytes": 1 << 30,
            "EncryptionKeyArn": key,
            "IsEncrypted": True,
        }

    return [{"RecoveryPoints": [point(page * POINTS + nth) for nth in range(POINTS)]} for page in range(PAGES)]


def walk(url, account):
    """Reads the vault page by page and keeps nothing; returns the seconds that took."""
    host = http.client.HTTPConnection(url.removeprefix("http://"))
    scope = f"Credential=AKIAGEAR{account}/20260101/{HOME}/backup/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"}

    def get(path):
        host.request("GET", path, headers=headers)
        answer = host.getresponse()
        said = answer.read()
        if answer.status != 200:
            sys.exit(f"GET {path}: {answer.status} {said[:200]}")
        return said

    begun = time.monotonic()
    get(f"/backup-vaults/{VAULT}")
    count, token, mark = 0, "", b'"NextToken": "'
    while True:
        said = get(f"/backup-vaults/{VAULT}/recovery-points/?maxResults={POINTS}{token}")
        count += 1
        _, found, rest = said.rpartition(mark)
        if not found:
            break
        token = "&nextToken=" + rest.partition(b'"')[0].decode()
    took = time.monotonic() - begun
    if count != PAGES:
        sys.exit(f"the vault has {count} pages")
    return took


def points(program):
    account = "600000000002"
    with server() as url, tempfile.TemporaryDirectory() as home:
        stubs = {
            ("backup", "ListRecoveryPointsByBackupVault"): pages(account),
            ("backup", "DescribeBackupVault"): [{"BackupVaultName": VAULT, "NumberOfRecoveryPoints": PAGES * POINTS}],
            ("kms", "DescribeKey"): [{"KeyMetadata": {"KeyId": "the-key", "KeyState": "Enabled"}}],
        }
        for (service, operation), answers in stubs.items():
            control(url, "POST", "stub", {"service": service, "operation": operation, "account": account, "pages": answers})
        path = estate(
            home,
            "vault",
            [f'  production: {{ class: production, account: "{account}", account_alias: vault, region: {HOME} }}'],
            [f"  vault: {{ kind: backup-vault, select: {{ id: {VAULT} }}, objectives: {{ rpo: 24 h }} }}"],
        )
        walk(url, account)  # the server writes its pages
        control(url, "POST", "latency", {"ms": ROUND_TRIP * 1000})
        walks, runs = [], []
        for _ in range(ROUNDS):
            walks.append({"wall_s": walk(url, account)})
            with tempfile.TemporaryDirectory(dir=home) as state:
                took, said = run([program, "--read-points", path, state], caller(url, account, home))
            runs.append({**took, **json.loads(said)})
            if runs[-1]["points"] != PAGES * POINTS:
                sys.exit(f"only {runs[-1]['points']} points were read")
    return {"round_trip_s": ROUND_TRIP, "pages": PAGES, "walks": walks, "runs": runs}


if __name__ == "__main__":
    print(json.dumps(points(*sys.argv[1:])))
