"""Says what is to be seen of the states and locks of an estate, from AWS's own answers; plain boto3, nothing of lifeboat.

    python states_oracle.py PORT ESTATE_FILE

Reads the `backends` of the estate file, asks the server on PORT with the account of each one's environment, and prints

    {"states": [{"backend", "region", "path", "key", "workspace", "of_replica", "version_ids": newest first, with delete
                 markers, "current": {"form", "serial", "lineage", "md5", "resources", "terraform_version"},
                 "digest": the row's value or null, "trouble": [codes], "replica": null or how the copy stands}],
     "locks": [{"backend", "region", "path", "store", "id", "who", "operation", "created", "record"}],
     "history": [{"backend", "region", "path", "who", "operation", "id", "from", "until"}]}

States and locks of a replica are listed like those of home, with its Region and its path; `replica` and the codes about it
are said of the state at home.

What is a state: an object, or a former one behind a delete marker, whose key ends in `.tfstate` or is named by a `-md5` row
of the lock table with that bucket. It belongs to a backend if its key begins with the prefix, or if what follows
`<workspace prefix>/<workspace>/` does. What is a lock: a current object `<key>.tflock` beside such a key, or a row of the
table whose LockID is `<bucket>/<key>` and does not end in `-md5`.

`form`: whole | encrypted | empty | truncated | foreign | delete_marker. Whole is what Terraform 1.11 reads: a JSON object
with a `version` from 1 to 4. `resources` are the instances of managed resources of a version 4; else null.

`trouble`, from what Terraform does when it reads (its S3 backend): the digest of a missing or empty object is none; a row
that is not 32 digits of hex is passed over; one that differs is an error.

    would-rebuild-everything   missing or empty, and no row that stops it
    digest-dangling            missing, and a row
    digest-mismatch            there, and a row that differs; an empty object fits no row
    unreadable                 truncated or foreign
    lineage-changed, serial-went-back, serial-used-twice    of the newest two readable versions; a copy of an older version
                               is the second of them
    replica-behind, replica-lacks, split-brain

`replica`: in-step | behind | lacks | kept (deleted at home only) | deleted-too | split-brain.
"""

import hashlib
import json
import re
import sys

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

READABLE = ("whole", "encrypted")
HEX = re.compile(r"[0-9a-fA-F]{32}")


class Place:
    """A bucket and a lock table in one Region, and all that is in them."""

    def __init__(self, clients, region, bucket, table):
        self.region, self.bucket = region, bucket
        self.s3, self.dynamodb = clients("s3", region), clients("dynamodb", region)
        self.rows = self._rows(table) if table else {}
        self.versions = {}  # key -> [(row, is it a delete marker)], newest first
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for kind in ("Versions", "DeleteMarkers"):
                for row in page.get(kind, []):
                    self.versions.setdefault(row["Key"], []).append((row, kind == "DeleteMarkers"))
        for rows in self.versions.values():
            rows.sort(key=lambda one: (not one[0]["IsLatest"], -one[0]["LastModified"].timestamp()))
        self.bodies = {}

    def _rows(self, table):
        found = {}
        for page in self.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            for item in page["Items"]:
                found[item["LockID"]["S"]] = {name: next(iter(value.values())) for name, value in item.items()}
        return found

    def body(self, key, version_id):
        if (key, version_id) not in self.bodies:
            got = self.s3.get_object(Bucket=self.bucket, Key=key, VersionId=version_id)
            self.bodies[key, version_id] = got["Body"].read()
        return self.bodies[key, version_id]

    def digest(self, key):
        return self.rows.get(f"{self.bucket}/{key}-md5", {}).get("Digest")

    def guard(self, key):
        """Returns the digest as Terraform reads it: None where the row is absent or no MD5."""
        row = self.digest(key) or ""
        return row.lower() if HEX.fullmatch(row) else None

    def readings(self, key):
        """Yields what each version is, newest first."""
        for row, marker in self.versions.get(key, []):
            yield {"form": "delete_marker"} if marker else read(self.body(key, row["VersionId"]))


def read(body):
    """Says what the bytes of a version are."""
    known = {"md5": hashlib.md5(body).hexdigest()}
    if body == b"":
        return {"form": "empty", **known}
    try:
        whole = json.loads(body.decode("utf-8"))
    except ValueError:
        return {"form": "truncated" if breaks_off(body) else "foreign", **known}
    if not isinstance(whole, dict):
        return {"form": "foreign", **known}
    numbered = {"serial": whole.get("serial"), "lineage": whole.get("lineage")}
    if "encrypted_data" in whole and "encryption_version" in whole:
        return {"form": "encrypted", **numbered, **known}
    version = whole.get("version")
    if type(version) is not int or not 1 <= version <= 4:
        return {"form": "foreign", **known}
    resources = None
    if version == 4:
        managed = [one for one in whole.get("resources") or [] if one["mode"] == "managed"]
        resources = sum(len(one["instances"]) for one in managed)
    more = {"resources": resources, "terraform_version": whole.get("terraform_version")}
    return {"form": "whole", **numbered, **more, **known}


def breaks_off(body):
    """Says whether the text is a JSON object up to its end, and only lacks the rest."""
    if not body.lstrip().startswith(b"{"):
        return False
    depth, quoted, escaped = 0, False, False
    for sign in body:
        if quoted:
            quoted, escaped = escaped or sign != 0x22, not escaped and sign == 0x5C
        elif sign == 0x22:
            quoted = True
        elif sign in b"{[":
            depth += 1
        elif sign in b"}]":
            depth -= 1
            if depth == 0:
                return False
    return True


class Backend:
    def __init__(self, name, given, environment, clients):
        home = given.get("region") or environment["region"]
        self.name, self.prefix = name, given.get("prefix") or ""
        self.workspaces = f"{given.get('workspace_prefix', 'env:')}/"
        self.home = Place(clients, home, given["bucket"], given.get("lock_table"))
        copy = given.get("replica")
        self.there = Place(clients, copy.get("region") or home, copy["bucket"], copy.get("lock_table")) if copy else None

    def owns(self, key):
        """Returns (is it ours, its workspace)."""
        if key.startswith(self.workspaces):
            workspace, slash, own = key[len(self.workspaces) :].partition("/")
            if slash and workspace:
                return own.startswith(self.prefix), workspace
        return key.startswith(self.prefix), None

    def is_state(self, place, key):
        ours, _ = self.owns(key)
        return ours and (key.endswith(".tfstate") or f"{place.bucket}/{key}-md5" in place.rows)

    def keys(self, place):
        start = f"{place.bucket}/"
        rows = [row for row in place.rows if row.startswith(start) and row.endswith("-md5")]
        named = [row[len(start) : -len("-md5")] for row in rows]
        return sorted(key for key in {*place.versions, *named} if self.is_state(place, key))

    def states(self):
        at_home = self.keys(self.home)
        for key in at_home:
            yield self.state(self.home, key, False)
        if self.there:
            for key in self.keys(self.there):
                yield self.state(self.there, key, True)

    def state(self, place, key, of_replica):
        current = next(place.readings(key), {"form": "delete_marker"})
        trouble = {*refusals(current["form"], current.get("md5"), place.guard(key)), *past(place.readings(key))}
        replica = None
        if self.there and not of_replica:
            replica = self.compared(key)
            codes = {"behind": "replica-behind", "lacks": "replica-lacks", "split-brain": "split-brain"}
            trouble |= {codes[replica]} if replica in codes else set()
        fields = ("form", "serial", "lineage", "md5", "resources", "terraform_version")
        return {
            "backend": self.name,
            "region": place.region,
            "path": f"{place.bucket}/{key}",
            "key": key,
            "workspace": self.owns(key)[1],
            "of_replica": of_replica,
            "version_ids": [row["VersionId"] for row, _ in place.versions.get(key, [])],
            "current": {name: current.get(name) for name in fields},
            "digest": place.digest(key),
            "trouble": sorted(trouble),
            "replica": replica,
        }

    def compared(self, key):
        """Says how the copy stands to its source."""
        here, there = self.home.versions.get(key, []), self.there.versions.get(key, [])
        if not there:
            return "lacks" if here else "in-step"
        if not here:
            return "split-brain"
        (source, gone), (copy, gone_there) = here[0], there[0]
        if gone or gone_there:
            return "deleted-too" if gone and gone_there else "kept" if gone else "split-brain"
        ours = {row["VersionId"] for row, _ in here}
        if source["VersionId"] == copy["VersionId"]:
            return "in-step"
        if copy["VersionId"] in ours:
            return "behind"
        a, b = next(self.home.readings(key)), next(self.there.readings(key))
        if a["md5"] == b["md5"]:
            return "in-step"
        older = a.get("lineage") == b.get("lineage") and (b.get("serial") or 0) < (a.get("serial") or 0)
        return "behind" if older else "split-brain"

    def locks(self):
        for place in (self.home, self.there):
            if place:
                yield from self._locks(place)

    def _locks(self, place):
        start = f"{place.bucket}/"
        for lock_id, row in sorted(place.rows.items()):
            key = lock_id[len(start) :]
            if lock_id.startswith(start) and not key.endswith("-md5") and self.owns(key)[0]:
                yield self.lock(place, key, "dynamodb_row", row.get("Info"))
        for name, rows in sorted(place.versions.items()):
            key, (row, marker) = name.removesuffix(".tflock"), rows[0]
            if name.endswith(".tflock") and self.is_state(place, key) and not marker:
                yield self.lock(place, key, "lock_file", place.body(name, row["VersionId"]).decode("utf-8", "replace"))

    def lock(self, place, key, store, record):
        fields = ("ID", "Who", "Operation", "Created")
        known = as_object(record)
        return {
            "backend": self.name,
            "region": place.region,
            "path": f"{place.bucket}/{key}",
            "store": store,
            **{name.lower(): known.get(name) for name in fields},
            "record": record,
        }

    def history(self):
        """Yields the turns that lock files tell, oldest first: from when one was stored until it was deleted."""
        for place in (self.home, self.there):
            for name, rows in sorted(place.versions.items()) if place else ():
                key = name.removesuffix(".tflock")
                if not name.endswith(".tflock") or not self.is_state(place, key):
                    continue
                for row, until in turns(rows):
                    known = as_object(place.body(name, row["VersionId"]).decode("utf-8", "replace"))
                    yield {
                        "backend": self.name,
                        "region": place.region,
                        "path": f"{place.bucket}/{key}",
                        **{field.lower(): known.get(field) for field in ("Who", "Operation", "ID")},
                        "from": moment(row["LastModified"]),
                        "until": moment(until) if until else None,
                    }


def turns(rows):
    """Pairs the versions of a lock file, oldest first, with the moments at which they were deleted.

    S3 says times to the second, and Terraform takes and releases several locks in one: within a second, what was stored
    and what deleted it are told apart by their number only, which works because a lock is deleted before the next is stored.
    """
    stored = [row for row, marker in rows if not marker][::-1]
    deleted = sorted(row["LastModified"] for row, marker in rows if marker)
    found = []
    for at, row in enumerate(stored):
        after = stored[at + 1]["LastModified"] if at + 1 < len(stored) else None
        fits = [moment for moment in deleted if moment >= row["LastModified"] and (after is None or moment <= after)]
        found.append((row, fits[0] if fits else after))
        if fits:
            deleted.remove(fits[0])
    return found


def refusals(form, md5, guard):
    """Yields what Terraform does when it reads this: form and MD5 of the newest version, and the digest that guards it."""
    if form in ("truncated", "foreign"):
        yield "unreadable"
    if form == "delete_marker":
        yield "digest-dangling" if guard else "would-rebuild-everything"
    elif form == "empty":
        yield "digest-mismatch" if guard else "would-rebuild-everything"
    elif guard and guard != md5:
        yield "digest-mismatch"


def past(readings):
    """Yields what the newest two readable versions tell."""
    newest = None
    for reading in readings:
        if reading["form"] not in READABLE:
            continue
        if newest is None:
            newest = reading
            continue
        if newest["lineage"] != reading["lineage"]:
            yield "lineage-changed"
        elif (newest["serial"] or 0) < (reading["serial"] or 0):
            yield "serial-went-back"
        elif newest["serial"] == reading["serial"] and newest["md5"] != reading["md5"]:
            yield "serial-used-twice"
        return


def as_object(text):
    try:
        known = json.loads(text or "")
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def moment(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def main():
    port, file = sys.argv[1], yaml.safe_load(open(sys.argv[2]))
    environments = file["environments"]
    told = {"states": [], "locks": [], "history": []}
    for name, given in (file.get("backends") or {}).items():
        environment = environments[given.get("environment") or next(iter(environments))]
        account = str(environment["account"]).zfill(12)

        def clients(service, region, account=account):
            return boto3.client(
                service,
                region_name=region,
                endpoint_url=f"http://127.0.0.1:{port}",
                aws_access_key_id=f"AKIAGEAR{account}",
                aws_secret_access_key="x",
                config=Config(s3={"addressing_style": "path"}),
            )

        try:
            backend = Backend(name, given, environment, clients)
        except ClientError as failure:
            raise SystemExit(f"backend {name}: {failure}") from None
        told["states"] += backend.states()
        told["locks"] += backend.locks()
        told["history"] += backend.history()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
