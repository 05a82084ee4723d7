"""What the measurements beside the AWS test server share: a server, programs that are run and measured, estates.

Each program is run with an environment of its own, and what it took is what `wait4` says: seconds on the clock, and those
of the processors, its own children's with them. Sides of a figure take turns, so that a busy moment strikes all.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import boto3

# Nothing of who runs this: no profile, and no proxy between us and the server.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ.update({"AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"})

HERE = Path(__file__).resolve().parent
ROUNDS = 3
ROUND_TRIP = 0.080
HOME = "us-east-2"


def client(service, url, account, region):
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=f"AKIAGEAR{account}",
        aws_secret_access_key="x",
    )


def control(url, method, what, body=None):
    """Asks the control API of the server."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/_gear/{what}", data=data, method=method)) as answer:
        return json.load(answer)


@contextmanager
def server():
    """Runs a server of our own; see aws_server.py."""
    process = subprocess.Popen([sys.executable, HERE / "aws_server.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
    finally:
        process.stdin.close()
        process.wait()


def caller(url, account, home):
    """Returns the environment of a program that calls the server as somebody of an account, and finds nothing else."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "LC_ALL": "C.UTF-8",
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": f"AKIAGEAR{account}",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": HOME,
        "AWS_DEFAULT_REGION": HOME,
    }


def run(words, environ):
    """Runs a program and returns what it took and what it printed."""
    words = [str(word) for word in words]
    with tempfile.TemporaryFile() as out:
        files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, out.fileno(), 1)]
        begun = time.monotonic()
        child = os.posix_spawn(words[0], words, environ, file_actions=files)
        _, status, used = os.wait4(child, 0)
        wall = time.monotonic() - begun
        out.seek(0)
        said = out.read()
    if status:
        sys.exit(f"{' '.join(words[:8])} ended with {os.waitstatus_to_exitcode(status)}")
    return {"wall_s": wall, "cpu_s": used.ru_utime + used.ru_stime}, said


def lifeboat(program, estate, environ):
    """Runs `status` with nothing known from before, and sees to it that everything was read."""
    with tempfile.TemporaryDirectory(dir=environ["HOME"]) as state:
        took, said = run([program, "--estate", estate, "--state-dir", state, "--format", "json", "status"], environ)
    document = json.loads(said)
    if not all(one["identity"] for one in document["environments"]):
        sys.exit("lifeboat does not know who it is everywhere")
    unread = [one["id"] for one in document["components"] if not one["failures"]["local"]["read_at"]]
    if unread:
        sys.exit(f"lifeboat did not read {', '.join(unread[:5])}")
    return took


def estate(home, name, environments, components):
    """Writes an estate file and returns its path."""
    lines = ["version: 1", f"estate: {name}", "environments:", *environments, "components:", *components]
    path = Path(home) / f"{name}.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def make_database(rds, name):
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.m6g.large",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="somebody",
        MasterUserPassword="not-a-secret",
        BackupRetentionPeriod=7,
    )
    rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=f"{name}-1")
