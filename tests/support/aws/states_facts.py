"""One state for each thing that has to be told apart: the states of `states.py PORT ACCOUNT facts`.

Each is named after what it is about, and bears the row of the semantics that it stands for. All lie in the bucket
`<account>-states` in us-east-2 below `facts/`, with the table `states-locks`, and in the replica
`<account>-states-replica` in us-west-2, with a table of its own; where nothing else is said, the replica is in step, with
the same version ids, as AWS replicates. What is printed was decided here and not read back:

    {"backends": as an estate file has them,
     "facts": {name: {"row", "means": why it is there, "bucket", "key", "path", "workspace", "form", "serial", "lineage",
               "md5", "version_ids": newest first, "digest", "trouble", "troubles", "locks", "replica", "history"}},
     "not_states": [keys that only resemble states], "not_locks": [LockIDs of rows that lock nothing of these backends],
     "lock_without_state": [locks of a state that was never stored]}

`form`, `trouble`, `troubles` and `locks` are as in terraform_scenes.py, with two forms more, `encrypted` and `foreign`;
`locks` have a `region` here. `replica` is `in-step`, `behind`, `lacks`, `split-brain`, `kept` (deleted at home only) or
`deleted-too`. `history` are the turns that old lock files tell, oldest first: [{"who", "operation", "id", "from",
"until"}], to the second.

Real Terraform 1.11.4 was asked about the less obvious ones: with a digest row it refuses an empty object, even if the row
is the MD5 of no bytes; a row that is not 32 digits of hex guards nothing, one in capital letters does; a state without a
lineage is read, one of format 5 or with a byte order mark is not; one of format 3 is.
"""

import base64
import json
import uuid

from account import ACCOUNT, DR, HOME, client, gear, now, versioned
from states import lock_record, lock_table, md5, put_rows, state, when

BUCKET, REPLICA = f"{ACCOUNT}-states", f"{ACCOUNT}-states-replica"
TABLE, REPLICA_TABLE = "states-locks", "states-locks-replica"
PREFIX, CUSTOM, SPACES = "facts/", "custom/", "spaces"
HOUR = 3600
MARKER = object()
NOT_JSON = "Test lock for DR testing"
NOT_STATES = [
    "facts/notes.tfstate.backup",
    "facts/x.tfstate.1763700000.backup",
    "facts/x.tfstate.tflock.bak",
    "facts/terraform.tfstate.d/readme.md",
    "facts/x-tfstate",
    "facts/folder.tfstate/",
    "facts/readme.md",
    "facts-of-others/x.tfstate",
    "env:/blue/others/x.tfstate",
    "env:/x.tfstate",
]


class Facts:
    """What has been laid so far, and what is to be seen of it."""

    def __init__(self):
        self.home, self.there, self.rows, self.rows_there, self.told = [], [], [], [], {}

    def add(self, name, row, means, bodies, *, digest="right", form=None, trouble=None, more=(), key=None, workspace=None,
            replica="in-step", there=None, locks=(), history=(), own=None, ages=None):  # fmt: skip
        """Adds a state.

        `bodies` are its versions, oldest first (MARKER: a delete marker), and `there` those of the replica, where they
        differ: a number is that version of home, replicated. `digest` is the row's value, `right` or None. `locks` are
        (store, record, Region). `own` are more members of the version that is current.
        """
        key = key or f"{PREFIX}{name}/terraform.tfstate"
        path, current = f"{BUCKET}/{key}", bodies[-1] if bodies else None
        ages = ages or [HOUR * (len(bodies) - n) for n in range(len(bodies))]
        versions = [_version(body, when(age)) for body, age in zip(bodies, ages)]
        if own and versions:
            versions[-1].update(own)
        if versions:
            self.home.append({"key": key, "versions": versions})
        copies = range(len(bodies)) if there is None else there
        replicated = [versions[body] if isinstance(body, int) else _version(body, when(HOUR / 2)) for body in copies]
        if replicated:
            self.there.append({"key": key, "versions": replicated})
        gone = current is MARKER or current is None
        if digest == "right":
            digest = None if gone else md5(current)
        if digest is not None:
            self.rows.append({"LockID": f"{path}-md5", "Digest": digest})
        read = {} if gone or form in ("empty", "truncated", "foreign") else json.loads(current)
        self.told[name] = {
            "row": row,
            "means": means,
            "bucket": BUCKET,
            "key": key,
            "path": path,
            "workspace": workspace,
            "form": form or ("delete_marker" if gone else "whole"),
            "serial": read.get("serial"),
            "lineage": read.get("lineage"),
            "md5": None if gone else md5(current),
            "version_ids": [version["version_id"] for version in reversed(versions)],
            "digest": digest,
            "trouble": trouble,
            "troubles": sorted({*([trouble] if trouble else []), *more}),
            "locks": [self.lock(key, *one) for one in locks],
            "replica": replica,
            "history": list(history),
        }

    def lock(self, key, store, record, region=HOME):
        """Adds a lock; a record of None is a row without the attribute."""
        bucket = BUCKET if region == HOME else REPLICA
        path = f"{bucket}/{key}"
        if record is not None:
            record = record.replace("{path}", path)
        if store == "dynamodb_row":
            info = {} if record is None else {"Info": record}
            (self.rows if region == HOME else self.rows_there).append({"LockID": path, **info})
        else:
            one = {"key": f"{key}.tflock", "versions": [_version(record.encode(), when(60))]}
            (self.home if region == HOME else self.there).append(one)
        return {"store": store, "region": region, "path": path, **_known(record), "record": record}

    def lay(self):
        """Writes it all down."""
        for bucket, region, objects in ((BUCKET, HOME, self.home), (REPLICA, DR, self.there)):
            versioned(bucket, region)
            gear("objects", bucket=bucket, objects=objects)
        for table, region, rows in ((TABLE, HOME, self.rows), (REPLICA_TABLE, DR, self.rows_there)):
            lock_table(table, region)
            put_rows(table, rows, region)


def _version(body, at):
    if body is MARKER:
        return {"delete_marker": True, "at": at, "version_id": uuid.uuid4().hex}
    return {"base64": base64.b64encode(body).decode(), "at": at, "version_id": uuid.uuid4().hex}


def _known(record):
    """Returns the fields of a lock that its record says."""
    fields = ("ID", "Who", "Operation", "Created", "Version")
    try:
        known = json.loads(record or "")
    except ValueError:
        known = {}
    return {name.lower(): known.get(name) if isinstance(known, dict) else None for name in fields}


def record(**more):
    """Returns a lock record whose path is filled in where it is laid."""
    return lock_record("{path}", **more)


def line(count, lineage=None, first=1, note=""):
    """Returns the versions of an ordinary life: serial after serial."""
    lineage = lineage or str(uuid.uuid4())
    return [state(serial, lineage, note=note) for serial in range(first, first + count)]


def make():
    """Makes all of them and returns what is to be seen."""
    facts = Facts()
    _locks(facts)
    _digests(facts)
    _replicas(facts)
    _histories(facts)
    _forms(facts)
    _names(facts)
    orphan = "facts/first-apply/terraform.tfstate"
    alone = [facts.lock(orphan, store, _FIRST) for store in ("dynamodb_row", "lock_file")]
    not_locks = _other_rows(facts)
    facts.home += [{"key": key, "versions": [_version(b"not a state", when(HOUR))]} for key in NOT_STATES]
    facts.lay()
    _multipart(facts)
    replica = {"bucket": REPLICA, "region": DR, "lock_table": REPLICA_TABLE}
    own = {"bucket": BUCKET, "lock_table": TABLE, "lockfile": True, "replica": replica}
    backends = {
        "facts": {**own, "prefix": PREFIX},
        "custom": {**own, "prefix": CUSTOM, "workspace_prefix": SPACES},
    }
    told = {"not_states": NOT_STATES, "not_locks": not_locks, "lock_without_state": alone}
    return {"backends": backends, "facts": facts.told, **told}


_FIRST = record(lock_id=str(uuid.uuid4()), who="first@laptop")


def _locks(facts):
    def add(name, row, means, *locks, **more):
        facts.add(name, row, means, line(2), locks=locks, **more)

    same = record(lock_id=str(uuid.uuid4()))
    add("both-held", "T2", "one lock in both stores", ("dynamodb_row", same), ("lock_file", same))
    others = [("dynamodb_row", record(who="a@one")), ("lock_file", record(who="b@two", operation="OperationTypePlan"))]
    add("both-different", "T2", "each store holds the lock of somebody else", *others)
    add("not-json", "T6", "in both stores a record that is not JSON", ("dynamodb_row", NOT_JSON), ("lock_file", NOT_JSON))
    add("no-record", "T6", "a row without Info, and a lock file without bytes", ("dynamodb_row", None), ("lock_file", ""))
    add("empty-record", "T6", "a row whose Info is empty", ("dynamodb_row", ""))
    add("json-but-no-lock", "T6", "a record that is JSON and names no lock", ("dynamodb_row", "{}"), ("lock_file", "[1]"))
    old = record(age_s=26 * HOUR, who="gone@host")
    add("stale", "T13", "held for 26 h, and the state is older", ("dynamodb_row", old), ages=[30 * HOUR, 27 * HOUR])
    busy = record(age_s=2 * HOUR, who="busy@host")
    add("progressed", "T13", "the state was stored after the lock was taken", ("lock_file", busy), ages=[9 * HOUR, HOUR])
    strange = record(operation="state-rm", who="a <b>\u202e@x")
    add("strange-holder", "T1", "another operation, and a holder who writes backwards", ("dynamodb_row", strange))


def _digests(facts):
    facts.add("digest-row", "T3", "a digest row is no lock", line(3))
    facts.add("digest-absent", "T4", "no row: nothing is checked", line(2), digest=None)
    stale = line(2)
    why = "the row is that of the version before"
    facts.add("digest-mismatch", "T4", why, stale, digest=md5(stale[0]), trouble="digest-mismatch")
    gone = line(2)
    why = "deleted, and the row left: Terraform refuses"
    facts.add("digest-dangling", "T4", why, [*gone, MARKER], digest=md5(gone[1]), trouble="digest-dangling",
              replica="kept", there=[0, 1])  # fmt: skip
    facts.add("digest-not-hex", "T4", "a row that is no MD5 guards nothing", line(2), digest="none")
    loud = line(2)
    facts.add("digest-capitals", "T4", "hex in capital letters is the same MD5", loud, digest=md5(loud[1]).upper())
    sealed = line(2)
    encrypted = {"etag": md5(b"something else"), "encryption": "aws:kms"}
    facts.add("kms", "T5", "under SSE-KMS the ETag is not the MD5", sealed, own=encrypted)
    facts.add("multipart", "T5", "uploaded in parts, the ETag is not the MD5", line(1))
    facts.add("empty", "T10", "no bytes and no row: Terraform takes it for no state", [*line(2), b""], digest=None,
              form="empty", trouble="would-rebuild-everything")  # fmt: skip
    kept = line(2)
    facts.add("empty-guarded", "T10", "no bytes, the row left: Terraform refuses", [*kept, b""], digest=md5(kept[1]),
              form="empty", trouble="digest-mismatch")  # fmt: skip
    facts.add("empty-fitting", "T10", "no bytes, and the row is the MD5 of none: Terraform refuses all the same",
              [*line(2), b""], form="empty", trouble="digest-mismatch")  # fmt: skip
    facts.add("deleted", "T4", "deleted, and no row", [*line(2), MARKER], digest=None, trouble="would-rebuild-everything",
              replica="kept", there=[0, 1])  # fmt: skip


def _multipart(facts):
    """Has one state stored in parts, with a digest row for its bytes, in both Regions and under one id."""
    told = facts.told["multipart"]
    body = line(1, lineage=told["lineage"], first=2)[0]
    s3 = client("s3")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=told["key"])["UploadId"]
    where = {"Bucket": BUCKET, "Key": told["key"], "UploadId": upload}
    part = s3.upload_part(**where, PartNumber=1, Body=body)
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    made = s3.complete_multipart_upload(**where, MultipartUpload=parts)
    copy = {**_version(body, when(0)), "version_id": made["VersionId"], "etag": made["ETag"].strip('"')}
    gear("objects", bucket=REPLICA, objects=[{"key": told["key"], "versions": [copy]}])
    put_rows(TABLE, [{"LockID": f"{told['path']}-md5", "Digest": md5(body)}])
    told.update(serial=2, md5=md5(body), digest=md5(body), version_ids=[made["VersionId"], *told["version_ids"]])


def _replicas(facts):
    lock = ("dynamodb_row", record(who="dr@west"), DR)
    file = ("lock_file", record(who="dr@west"), DR)
    facts.add("replica-locked", "T7", "locked in the other Region, which excludes nobody here", line(2), locks=[lock, file])
    why = "the newest version has not arrived"
    facts.add("replica-behind", "T7", why, line(3), replica="behind", there=[0, 1], more=["replica-behind"])
    facts.add("replica-lacks", "T7", "never replicated", line(2), replica="lacks", there=[], more=["replica-lacks"])
    lineage = str(uuid.uuid4())
    other = line(1, lineage, 3, "other ")[0]
    facts.add("replica-split", "T7", "the same serial was written in both, with other content", line(3, lineage),
              replica="split-brain", there=[0, 1, other], more=["split-brain"])  # fmt: skip
    lineage = str(uuid.uuid4())
    ahead = line(2, lineage, 3)
    facts.add("replica-ahead", "T7", "somebody works in the other Region: its serial is higher", line(2, lineage),
              replica="split-brain", there=[0, 1, *ahead], more=["split-brain"])  # fmt: skip
    stranger = line(1, note="stranger ")[0]
    facts.add("replica-stranger", "T7", "another lineage in the other Region", line(2), replica="split-brain",
              there=[0, 1, stranger], more=["split-brain"])  # fmt: skip
    facts.add("deleted-too", "L5", "deleted, and the delete marker was replicated", [*line(2), MARKER], digest=None,
              trouble="would-rebuild-everything", replica="deleted-too")  # fmt: skip


def _histories(facts):
    back = line(3)
    why = "an older version copied over the newest"
    facts.add("serial-went-back", "T9", why, [*back, back[0]], more=["serial-went-back"])
    facts.add("lineage-changed", "T9", "another state pushed over this one", [*line(2), *line(1, first=7)],
              more=["lineage-changed"])  # fmt: skip
    lineage = str(uuid.uuid4())
    forced = [*line(2, lineage), *line(1, lineage, 2, "forced ")]
    facts.add("serial-twice", "T9", "the same serial with other content: forced", forced, more=["serial-used-twice"])
    lineage = str(uuid.uuid4())
    restored = line(3, lineage)
    facts.add("put-back", "T9", "taken back as it should be: old content, a new serial", [*restored, *line(1, lineage, 4)])
    history, versions = [], []
    for turn in range(10):
        who, operation = f"runner@ci-{turn % 3}", ("OperationTypePlan", "OperationTypeApply")[turn % 2]
        begun, ended = when(HOUR * (30 - 2 * turn)), when(HOUR * (30 - 2 * turn) - 300)
        text = record(who=who, operation=operation, age_s=HOUR * (30 - 2 * turn))
        versions += [_version(text.replace("{path}", f"{BUCKET}/facts/lock-history/terraform.tfstate").encode(), begun)]
        versions += [_version(MARKER, ended)]
        seconds = {"from": f"{begun[:19]}Z", "until": f"{ended[:19]}Z"}
        history.append({"who": who, "operation": operation, "id": json.loads(text)["ID"], **seconds})
    facts.home.append({"key": "facts/lock-history/terraform.tfstate.tflock", "versions": versions})
    facts.add("lock-history", "T12", "ten locks of the past, none now", line(5), history=history)


def _forms(facts):
    lineage = str(uuid.uuid4())
    sealed = [_sealed(serial, lineage) for serial in (4, 5)]
    facts.add("encrypted", "T11", "encrypted by OpenTofu: serial and lineage are in clear", sealed, form="encrypted")
    whole = line(2)
    facts.add("truncated", "T10", "cut off", [*whole, whole[1][:900]], form="truncated", trouble="unreadable")
    foreign = json.dumps({"name": "shop", "version": "1.0.0", "dependencies": {}}).encode()
    facts.add("package-json", "L11", "JSON that is no state", [foreign], form="foreign", trouble="unreadable")
    facts.add("page", "L11", "no JSON at all", [b"<html></html>\n"], form="foreign", trouble="unreadable")
    marked = b"\xef\xbb\xbf" + line(1)[0]
    facts.add("byte-order-mark", "T9", "a byte order mark, which Terraform does not read", [line(1)[0], marked],
              form="foreign", trouble="unreadable")  # fmt: skip
    newer = state(9, str(uuid.uuid4()), version=5)
    facts.add("format-5", "T9", "a format that is not known yet", [newer], form="foreign", trouble="unreadable")
    module = {"path": ["root"], "outputs": {}, "resources": {}, "depends_on": []}
    old = {"version": 3, "terraform_version": "0.11.15", "serial": 9, "lineage": str(uuid.uuid4()), "modules": [module]}
    facts.add("format-3", "T9", "a state of Terraform 0.11, which is still read", [json.dumps(old, indent=4).encode()])
    bare = json.loads(line(1)[0])
    del bare["lineage"]
    facts.add("no-lineage", "T9", "a state without a lineage is read", [json.dumps(bare).encode()])


def _sealed(serial, lineage):
    meta = {"key_provider.pbkdf2.main": base64.b64encode(b'{"salt":"c2FsdA=="}').decode()}
    data = base64.b64encode(str(uuid.uuid4()).encode() * 20).decode()
    whole = {"serial": serial, "lineage": lineage, "meta": meta, "encrypted_data": data, "encryption_version": "v0"}
    return json.dumps(whole).encode()


def _names(facts):
    why = "a workspace, whose key stands outside the prefix"
    facts.add("workspace", "T2", why, line(2), key="env:/blue/facts/shop/terraform.tfstate", workspace="blue",
              locks=[("dynamodb_row", record()), ("lock_file", record())])  # fmt: skip
    why = "a backend whose workspaces stand under a prefix of their own"
    facts.add("custom-default", "T2", why, line(2), key="custom/shop.tfstate")
    key = "spaces/green/custom/shop.tfstate"
    facts.add("custom-workspace", "T2", "a workspace of it", line(2), key=key, workspace="green")
    facts.add("no-ending", "L11", "a key without the usual ending, known by its digest row", line(2), key="facts/prod")
    facts.add("odd-name", "L11", "a name with blanks and signs", line(1), key="facts/a b+c%20ü/terraform.tfstate")


def _other_rows(facts):
    """Rows that lock nothing here: a drill's, and those of other buckets and backends."""
    theirs = [f"{BUCKET}-other/facts/x.tfstate", "elsewhere/facts/x.tfstate", f"{BUCKET}/others/x.tfstate"]
    facts.rows += [{"LockID": lock_id, "Info": lock_record(lock_id)} for lock_id in theirs]
    facts.rows.append({"LockID": "test-lock"})
    return [*theirs, "test-lock"]
