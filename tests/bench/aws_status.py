"""A status of 30 databases: lifeboat, one boto3 process, the `aws` command in a loop.

    python aws_status.py URL LIFEBOAT

URL is that of a server. The loop is run for some of the databases only: each of them takes the same two processes. Without
latency all sides wait for the server's own work alone, so that lifeboat and boto3 are measured a round trip away as well.
"""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from aws_measure import HERE, HOME, ROUND_TRIP, ROUNDS, caller, client, control, estate, lifeboat, make_database, run

DATABASES = 30
LOOPED = 4
TURNS = 5
BOTO3 = """
import sys
import boto3
rds = boto3.client("rds")
for name in sys.argv[1:]:
    rds.describe_db_instances(DBInstanceIdentifier=name)
    rds.describe_db_snapshots(DBInstanceIdentifier=name)
"""


def aws_command():
    """Returns the `aws` command, in a folder of its own beside that of the server's packages, making it where it is
    missing. It is not moved after it was made: its scripts name where they lie."""
    wanted = HERE / "requirements.txt"
    folder = Path(sys.prefix).parent / hashlib.sha256(wanted.read_bytes()).hexdigest()[:12]
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, stdout=sys.stderr)
            pip = [folder / "bin" / "python", "-m", "pip", "install", *quiet, "-r", wanted]
            subprocess.run(pip, check=True, stdout=sys.stderr)
            (folder / "made").touch()
    return folder / "bin" / "aws"


def status(url, program):
    account = "600000000001"
    names = [f"orders-{nth:02}" for nth in range(DATABASES)]
    rds = client("rds", url, account, HOME)
    for name in names:
        make_database(rds, name)
    aws = aws_command()
    with tempfile.TemporaryDirectory() as home:
        path = estate(
            home,
            "thirty",
            [f'  production: {{ class: production, account: "{account}", account_alias: thirty, region: {HOME} }}'],
            [f"  {name}: {{ kind: rds-instance, select: {{ id: {name} }}, objectives: {{ rpo: 24 h }} }}" for name in names],
        )
        environ = caller(url, account, home)

        def loop(names):
            took = Counter()
            for name in names:
                for asks in ("describe-db-instances", "describe-db-snapshots"):
                    took.update(run([aws, "rds", asks, "--db-instance-identifier", name], environ)[0])
            return took

        near = {
            "lifeboat": lambda: lifeboat(program, path, environ),
            "boto3": lambda: run([sys.executable, "-c", BOTO3, *names], environ)[0],
            "aws": lambda: loop(names[:LOOPED]),
        }
        loop(names[:1])  # what is read from disk once
        near["boto3"]()
        near["lifeboat"]()
        took = {name: [] for name in near}
        for nth in range(TURNS):
            for name, side in near.items():
                if name != "aws" or nth < ROUNDS:
                    took[name].append(side())
        control(url, "POST", "latency", {"ms": ROUND_TRIP * 1000, "account": account})
        far = {"lifeboat": [], "boto3": []}
        for _ in range(ROUNDS):
            for name, took_far in far.items():
                took_far.append(near[name]())
        control(url, "POST", "latency", {"ms": 0, "account": account})
    return {"components": DATABASES, "looped": LOOPED, "near": took, "far": far}


if __name__ == "__main__":
    print(json.dumps(status(*sys.argv[1:])))
