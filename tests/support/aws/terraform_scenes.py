"""The scenes that terraform.py makes: what becomes of a state, its digest and its locks.

Every scene checks that it is what it is meant to be, and fails where it is not. What is said of one:

    {"bucket", "key", "path", "workspace" or null, "folder",
     "form": "whole" | "delete_marker" | "empty" | "truncated", "serial", "lineage", "md5": of the current version, or null,
     "version_ids": newest first, with delete markers, "digest": the row's value or null,
     "trouble": what Terraform stumbles over: null, "digest-mismatch", "digest-dangling", "would-rebuild-everything" or
     "unreadable"; "troubles": all that is to be said, as states_oracle.py names it,
     "locks": [{"store": "dynamodb_row" | "lock_file", "path", "id", "who", "operation", "created", "version", "record"}],
     "pids": {"terraform": of the last one, "left": [what it began, still running]}}

A record that is not JSON has no id, who, operation, created or version. The scenes:

    calm             three applies, each released
    workspace        the same in the workspace `blue`, whose key stands under `env:/blue/`
    killed-apply     killed while a resource was being made: the lock is left, the state is as before
    killed-late      killed after 20 s, when Terraform had stored a state in the middle of the apply
    killed-plan      killed while it planned
    living           an apply that is still at it
    by-hand          the first version copied over the third
    deleted          a delete marker, and no digest row: Terraform would make everything again
    deleted-guarded  a delete marker, the digest row left (not in `lockfile`, which has no such rows)
    empty            no bytes, and no digest row
    truncated        cut off at 900 bytes, and no digest row
    not-json-lock    a lock whose record is not JSON; in `both` the table's only
    half-released    only in `both`: after a killed apply, its lock file is gone and the row is left
"""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from botocore.exceptions import ClientError

from account import ACCOUNT, HOME, URL, client, versioned

MODES = {
    "dynamodb": {"lock_table": "tf-locks", "lockfile": False},
    "lockfile": {"lock_table": None, "lockfile": True},
    "both": {"lock_table": "tf-locks-both", "lockfile": True},
}
PREFIX = "live/"
NOT_STATES = ("live/notes.tfstate.backup", "live/x.tfstate.tflock.bak", "live/readme.md")
NOT_JSON = "Test lock for DR testing"
APPLY, PLAN = "OperationTypeApply", "OperationTypePlan"
CUT = 900
PATIENCE_S = 120
STORED_EVERY_S = 20  # how often Terraform stores a state during an apply, and not more often
LONG_SUM = "sum([for i in range(4) : sum([for j in range(1000) : sum([for k in range(1000) : k])])])"
ENVIRONMENT = {
    "AWS_ENDPOINT_URL": URL,
    "AWS_ACCESS_KEY_ID": f"AKIAGEAR{ACCOUNT}",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_EC2_METADATA_DISABLED": "true",
    "TF_CLI_CONFIG_FILE": "/dev/null",  # one that is set and missing is an error
    "CHECKPOINT_DISABLE": "1",
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
}


class Stage:
    """The three backends, and all that was started."""

    def __init__(self, program, folder):
        self.program, self.folder, self.started = program, folder, []
        self.s3, self.dynamodb = client("s3"), client("dynamodb")

    def make(self):
        """Makes everything and returns what it is."""
        for mode, ways in MODES.items():
            versioned(bucket_of(mode))
            for key in NOT_STATES:
                self.s3.put_object(Bucket=bucket_of(mode), Key=key, Body=b"not a state")
            if ways["lock_table"]:
                lock_table(self.dynamodb, ways["lock_table"])
                self.dynamodb.put_item(TableName=ways["lock_table"], Item={"LockID": {"S": "test-lock"}})
        # The longest first: it waits most of its time.
        wanted = [(mode, name) for name in ("killed-late", *SCENES) for mode in MODES if plays(mode, name)]
        with ThreadPoolExecutor(12) as pool:
            scenes = {pair: pool.submit(self._scene, *pair) for pair in dict.fromkeys(wanted)}
        told = {}
        for mode, ways in MODES.items():
            told[mode] = {
                "bucket": bucket_of(mode),
                **ways,
                "prefix": PREFIX,
                "not_states": list(NOT_STATES),
                "not_locks": ["test-lock"] if ways["lock_table"] else [],
                "scenes": {name: scenes[mode, name].result() for name in SCENES if plays(mode, name)},
            }
        return {"account": ACCOUNT, "region": HOME, "environment": ENVIRONMENT, "modes": told}

    def _scene(self, mode, name):
        scene = Scene(self, mode, name)
        meant = SCENES[name](scene)
        return scene.told(**meant)

    def end(self):
        """Kills whatever is left of what was started."""
        for process in self.started:
            while left := members(process.pid):
                for pid in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                time.sleep(0.02)
            process.wait()


class Scene:
    """One state, and the folder from which Terraform makes it."""

    def __init__(self, stage, mode, name):
        self.stage, self.mode, self.name = stage, mode, name
        self.s3, self.dynamodb, self.table = stage.s3, stage.dynamodb, MODES[mode]["lock_table"]
        self.bucket, self.asked = bucket_of(mode), f"{PREFIX}{name}/terraform.tfstate"
        self.key, self.workspace, self.pid, self.round = self.asked, None, None, 0
        self.folder = stage.folder / mode / name
        self.folder.mkdir(parents=True)
        self.configure()
        self.run("init")

    @property
    def path(self):
        return f"{self.bucket}/{self.key}"

    # ---- what Terraform does

    def configure(self, **more):
        """Writes the configuration; `more` are resources besides the usual ones."""
        backend = {
            "bucket": self.bucket,
            "key": self.asked,
            "region": HOME,
            "use_path_style": True,
            "skip_requesting_account_id": True,
            "skip_credentials_validation": True,
            "skip_metadata_api_check": True,
            **({"dynamodb_table": self.table} if self.table else {}),
            **({"use_lockfile": True} if MODES[self.mode]["lockfile"] else {}),
        }
        usual = {
            "shop": {"input": {"scene": self.name, "mode": self.mode, "round": self.round}},
            "orders": {"count": 2, "input": "orders-${count.index}"},
        }
        whole = {
            "terraform": {"backend": {"s3": backend}},
            "resource": {"terraform_data": {**usual, **more}},
            "output": {"round": {"value": self.round}},
        }
        (self.folder / "main.tf.json").write_text(json.dumps(whole, indent=2))

    def run(self, *words):
        """Runs Terraform to its end, which must be a good one."""
        process = self.start(*words)
        said = process.communicate()[0]
        if process.returncode:
            raise RuntimeError(f"{self.mode}/{self.name}: terraform {' '.join(words)}: {said.decode()}")

    def start(self, *words):
        """Starts Terraform in a session of its own, by which all that it begins can be found again."""
        process = subprocess.Popen(
            [self.stage.program, *words, "-no-color"],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.pid = process.pid
        self.stage.started.append(process)
        return process

    def apply(self, rounds=1):
        for _ in range(rounds):
            self.round += 1
            self.configure()
            self.run("apply", "-auto-approve")

    def begin(self, before_s=0):
        """Begins an apply that goes on until this program is gone; before that, a resource that takes `before_s`."""
        begun = self.folder / "begun"
        go_on = f"touch {begun}; exec tail --pid={os.getpid()} -f /dev/null"
        resources = {"endless": executing(go_on)}
        if before_s:
            resources["first"] = executing(f"sleep {before_s}")
        self.round += 1
        self.configure(**resources)
        process = self.start("apply", "-auto-approve")
        wait(begun.exists, f"{self.mode}/{self.name}: the apply did not begin", process)
        self.configure()  # for who runs Terraform here next
        return process

    def kill(self, process):
        process.kill()
        process.wait()
        process.stdout.close()

    # ---- what others do

    def versions(self):
        """Returns the ids of all versions, newest first, and whether the newest is a delete marker."""
        listed = self.s3.list_object_versions(Bucket=self.bucket, Prefix=self.key)
        kept = [[row for row in listed.get(kind, []) if row["Key"] == self.key] for kind in ("DeleteMarkers", "Versions")]
        return [row["VersionId"] for row in kept[0] + kept[1]], bool(kept[0])

    def body(self):
        return self.s3.get_object(Bucket=self.bucket, Key=self.key)["Body"].read()

    def put(self, body):
        self.s3.put_object(Bucket=self.bucket, Key=self.key, Body=body, ContentType="application/json")

    def delete(self):
        self.s3.delete_object(Bucket=self.bucket, Key=self.key)

    def row(self, lock_id):
        if not self.table:
            return None
        return self.dynamodb.get_item(TableName=self.table, Key={"LockID": {"S": lock_id}}, ConsistentRead=True).get("Item")

    def drop_digest(self):
        if self.table:
            self.dynamodb.delete_item(TableName=self.table, Key={"LockID": {"S": f"{self.path}-md5"}})

    def records(self):
        """Returns the records of the locks that are there, by store."""
        row, found = self.row(self.path), {}
        if row is not None:
            found["dynamodb_row"] = row.get("Info", {}).get("S")
        try:
            found["lock_file"] = self.s3.get_object(Bucket=self.bucket, Key=f"{self.key}.tflock")["Body"].read().decode()
        except ClientError as failure:
            if failure.response["Error"]["Code"] != "NoSuchKey":
                raise
        return found

    def stores(self):
        return {"dynamodb": ["dynamodb_row"], "lockfile": ["lock_file"], "both": ["dynamodb_row", "lock_file"]}[self.mode]

    # ---- what is said of it

    def told(self, serial, form="whole", operation=None, stores=None, record=None, trouble=None, more=(), versions=None):
        """Checks that the scene is what was meant, and returns what is to be known of it."""
        version_ids, gone = self.versions()
        body = None if gone else self.body()
        read = json.loads(body) if form == "whole" else {}
        row = self.row(f"{self.path}-md5")
        locks = [self._lock(store, text) for store, text in sorted(self.records().items())]
        held = (stores or self.stores()) if operation or record else []
        seen = {
            "form": (gone, body == b"", body is not None and 0 < len(body) <= CUT),
            "serial": read.get("serial"),
            "versions": len(version_ids),
            "held": [lock["store"] for lock in locks],
            "operations": {lock["operation"] for lock in locks},
            "records": {lock["record"] for lock in locks} if record else None,
            "holders": len({lock["id"] for lock in locks}),
        }
        meant = {
            "form": (form == "delete_marker", form == "empty", form == "truncated"),
            "serial": serial,
            "versions": versions,
            "held": held,
            "operations": {operation} if held else set(),
            "records": {record} if record else None,
            "holders": 1 if held else 0,
        }
        if seen != meant:
            raise AssertionError(f"{self.mode}/{self.name} was to be {meant} and is {seen}")
        return {
            "bucket": self.bucket,
            "key": self.key,
            "path": self.path,
            "workspace": self.workspace,
            "folder": str(self.folder),
            "form": form,
            "serial": serial,
            "lineage": read.get("lineage"),
            "md5": None if gone else hashlib.md5(body).hexdigest(),
            "version_ids": version_ids,
            "digest": row["Digest"]["S"] if row else None,
            "trouble": trouble,
            "troubles": sorted({*([trouble] if trouble else []), *more}),
            "locks": locks,
            "pids": {"terraform": self.pid, "left": [pid for pid in members(self.pid) if pid != self.pid]},
        }

    def _lock(self, store, text):
        try:
            known = json.loads(text)
        except ValueError:
            known = {}
        fields = ("ID", "Who", "Operation", "Created", "Version")
        return {"store": store, "path": self.path, **{name.lower(): known.get(name) for name in fields}, "record": text}


# ---- the scenes: what each does, and what must come of it


def calm(scene):
    scene.apply(3)
    return {"serial": 3, "versions": 3}


def workspace(scene):
    scene.workspace, scene.key = "blue", f"env:/blue/{scene.asked}"
    scene.run("workspace", "new", "blue")
    scene.apply(3)
    return {"serial": 4, "versions": 4}  # making a workspace stores an empty state


def killed_apply(scene):
    scene.apply(2)
    scene.kill(scene.begin())
    return {"serial": 2, "versions": 2, "operation": APPLY}


def killed_late(scene):
    scene.apply()
    process = scene.begin(before_s=STORED_EVERY_S + 1)
    wait(lambda: len(scene.versions()[0]) == 2, f"{scene.mode}/{scene.name}: no state was stored", process)
    if scene.table:
        wait(lambda: digest_fits(scene), f"{scene.mode}/{scene.name}: no digest was stored", process)
    scene.kill(process)
    return {"serial": 2, "versions": 2, "operation": APPLY}


def killed_plan(scene):
    scene.apply(2)
    # A sum that takes half a minute. What would be slow by itself, bcrypt, is left for the apply by a plan.
    scene.configure(slow={"input": f"${{{LONG_SUM}}}"})
    process = scene.start("plan")
    wait(lambda: len(scene.records()) == len(scene.stores()), f"{scene.mode}/{scene.name}: no lock", process)
    scene.kill(process)
    scene.configure()
    return {"serial": 2, "versions": 2, "operation": PLAN}


def living(scene):
    scene.apply()
    scene.begin()
    return {"serial": 1, "versions": 1, "operation": APPLY}


def by_hand(scene):
    scene.apply(3)
    first = scene.versions()[0][-1]
    source = {"Bucket": scene.bucket, "Key": scene.key, "VersionId": first}
    scene.s3.copy_object(Bucket=scene.bucket, Key=scene.key, CopySource=source)
    trouble = "digest-mismatch" if scene.table else None
    return {"serial": 1, "versions": 4, "trouble": trouble, "more": ["serial-went-back"]}


def deleted(scene):
    scene.apply(2)
    scene.delete()
    scene.drop_digest()
    return {"serial": None, "versions": 3, "form": "delete_marker", "trouble": "would-rebuild-everything"}


def deleted_guarded(scene):
    scene.apply(2)
    scene.delete()
    return {"serial": None, "versions": 3, "form": "delete_marker", "trouble": "digest-dangling"}


def empty(scene):
    scene.apply(2)
    scene.put(b"")
    scene.drop_digest()
    return {"serial": None, "versions": 3, "form": "empty", "trouble": "would-rebuild-everything"}


def truncated(scene):
    scene.apply(2)
    scene.put(scene.body()[:CUT])
    scene.drop_digest()
    return {"serial": None, "versions": 3, "form": "truncated", "trouble": "unreadable"}


def not_json_lock(scene):
    scene.apply()
    if scene.table:
        row = {"LockID": {"S": scene.path}, "Info": {"S": NOT_JSON}}
        scene.dynamodb.put_item(TableName=scene.table, Item=row)
    else:
        scene.s3.put_object(Bucket=scene.bucket, Key=f"{scene.key}.tflock", Body=NOT_JSON.encode())
    store = "dynamodb_row" if scene.table else "lock_file"
    return {"serial": 1, "versions": 1, "record": NOT_JSON, "stores": [store]}


def half_released(scene):
    scene.apply()
    scene.kill(scene.begin())
    scene.s3.delete_object(Bucket=scene.bucket, Key=f"{scene.key}.tflock")
    return {"serial": 1, "versions": 1, "operation": APPLY, "stores": ["dynamodb_row"]}


SCENES = {
    "calm": calm,
    "workspace": workspace,
    "killed-apply": killed_apply,
    "killed-late": killed_late,
    "killed-plan": killed_plan,
    "living": living,
    "by-hand": by_hand,
    "deleted": deleted,
    "deleted-guarded": deleted_guarded,
    "empty": empty,
    "truncated": truncated,
    "not-json-lock": not_json_lock,
    "half-released": half_released,
}
ONLY = {"deleted-guarded": ("dynamodb", "both"), "half-released": ("both",)}


def plays(mode, name):
    return mode in ONLY.get(name, MODES)


def bucket_of(mode):
    return f"{ACCOUNT}-tf-{mode}"


def lock_table(dynamodb, name):
    """Makes a table as Terraform wants it."""
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )


def executing(command):
    return {"input": "slow", "provisioner": [{"local-exec": {"command": command}}]}


def digest_fits(scene):
    row = scene.row(f"{scene.path}-md5")
    return row["Digest"]["S"] == hashlib.md5(scene.body()).hexdigest()


def wait(until, otherwise, process):
    """Waits for something while a process runs."""
    end = time.monotonic() + PATIENCE_S
    while not until():
        if process.poll() is not None or time.monotonic() > end:
            said = process.communicate()[0].decode() if process.poll() is not None else "it took too long"
            raise RuntimeError(f"{otherwise}: {said}")
        time.sleep(0.02)


def members(session):
    """Returns the processes of a session that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, of = stat.read_text().rsplit(")", 1)[1].split()[:4]
            if int(of) == session and state not in "ZX":
                found.append(int(stat.parent.name))
    return found
