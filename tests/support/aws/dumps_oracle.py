"""Says what there is in dumps of databases and in replicated buckets, from S3 and files alone; nothing of lifeboat.

    python3 dumps_oracle.py PORT FOLDER

Reads FOLDER/lifeboat.yaml, asks the server on PORT, and prints as JSON for each component of kind `database-dump` or
`s3-bucket`, in the order of the file:

    {"component", "kind", "points": [...], "findings": [code, ...]}

What is a dump
==============
A file is a dump on its own if it lies in the prefix or folder itself. What lies in a folder there is one dump, named
after that folder, and its files are its parts. Not a dump, nor a part of one, is
- what only says something of others: checksums (`NAME.sha256`, `NAME.md5`; `SHA256SUMS`, `MD5SUMS`), a log, a README, a
  text (README*, *.log, *.txt, *.md, *.json, *.yaml, *.html, also compressed), a name that begins with a full stop;
- a key that ends in `/`, and a symbolic link, which is another name for something;
- what is still being written: *.tmp, *.part, *.partial. A folder in which something is, is no dump yet.

A point is {"id", "at", "place": {"account", "region"}, "moment", "size_bytes", "whole", "retrieval_s"}: the key
relative to the prefix, or the folder's name; the prefix or folder where it lies, and the place that the estate file
gives that; when its newest part was written, by S3 or by the file, but not
later than the end, in the last time zone, of the day that its name says: a copy made today holds nothing of today; the sum of its parts. `whole` is true if the
checksum of each part is told and is that of its bytes; false if one is not, if a list in a dump's own folder names a
part that is not there, or if there is no byte; null if nothing tells, or the bytes cannot be read because they lie in
an archive. In a file beside a dump the first value counts, whatever name stands with it; in a list, the value with the
name, whatever folder stands before it. A list in the prefix itself may name dumps that are gone. SHA-256 goes before
MD5. `retrieval_s` is how long the slowest part takes to be readable: 5 h from GLACIER, 12 h from DEEP_ARCHIVE, null
where it can be read at once.

What is found, each once
========================
At home, of points that are not known to be broken:
- retention-gap: a rule has a period without a point. A period counts if it is over, and if it began neither before the
  rule's span nor before the oldest point. A rule that names a weekday wants a point of that day. Days are those of UTC.
- cadence-missed: the newest point is older than one and a quarter of the cadence.
- size-anomaly: the newest point, broken or not, differs by more than half from the mean of the seven before it.
Of all points:
- checksum-wrong: a checksum is told and is not that of the bytes, or names a part that is not there.
Of copies:
- copy-behind: they lack a point that is newer than all they have;
- copy-differs: one has other bytes than that of the same name at home.
Of buckets (S5):
- deletes-are-replicated: an enabled rule copies delete markers, because it is told to or because it has no `Filter`;
- copy-behind: a replica lacks an object, or has an older one, that was written more than 15 min ago.
"""

import datetime
import hashlib
import json
import os
import pathlib
import re
import sys
import urllib.request

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

DAY = 86400
SLOW = {"GLACIER": 5 * 3600, "DEEP_ARCHIVE": 12 * 3600}  # standard retrieval, at its longest
SUMS = {"sha256sums": "sha256", "sha256sums.txt": "sha256", "md5sums": "md5", "md5sums.txt": "md5"}
BESIDE = {".sha256": "sha256", ".md5": "md5"}
DIGITS = {"sha256": 64, "md5": 32}
COMPRESSED = re.compile(r"\.(gz|bz2|xz|zst|lz4|zip)$")
SAYS_SOMETHING = re.compile(r"\.(log|txt|md|json|ya?ml|html?)$")
UNFINISHED = (".tmp", ".part", ".partial")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
REPLICATES_WITHIN = 15 * 60


class File:
    """Something with bytes: its name below the prefix, its size, when it was written, and its class in S3."""

    def __init__(self, name, size, moment, read, storage="STANDARD"):
        self.name, self.size, self.moment, self.storage, self._read = name, size, moment, storage, read
        self._body = None

    def body(self):
        """Returns its bytes; None when they lie in an archive."""
        if self.storage in SLOW:
            return None
        if self._body is None:
            self._body = self._read()
        return self._body

    def digest(self, kind):
        body = self.body()
        return None if body is None else hashlib.new(kind, body).hexdigest()


class Point:
    """A dump: its parts and what tells of them."""

    def __init__(self, id, parts):
        self.id, self.parts = id, sorted(parts, key=lambda part: part.name)
        self.moment = max(part.moment for part in parts)
        for year, month, day in re.findall(r"(20\d\d)-(\d\d)-(\d\d)", self.id):
            named = datetime.datetime(int(year), int(month), int(day), tzinfo=datetime.timezone.utc)
            self.moment = min(self.moment, named + datetime.timedelta(hours=36))
        self.size = sum(part.size for part in parts)
        self.whole, self.wrong = None, False
        self.retrieval = max(SLOW.get(part.storage, 0) for part in parts) or None

    def bytes(self):
        """Returns what its bytes are, part by part; None where they cannot be read."""
        digests = [(part.name, part.digest("sha256")) for part in self.parts]
        return None if any(digest is None for _, digest in digests) else digests


# ---- where dumps lie


class Places:
    def __init__(self, port, environment):
        self.url, self.environment, self.clients = f"http://127.0.0.1:{port}", environment, {}

    def s3(self, account, region):
        if (account, region) not in self.clients:
            self.clients[account, region] = boto3.client(
                "s3",
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=f"AKIAGEAR{account}",
                aws_secret_access_key="x",
                config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
            )
        return self.clients[account, region]

    def now(self):
        with urllib.request.urlopen(f"{self.url}/_gear/clock") as answer:
            return datetime.datetime.fromisoformat(json.load(answer)["now"].replace("Z", "+00:00"))

    def files(self, at, place):
        """Returns all files of a prefix or a folder."""
        if not at.startswith("s3://"):
            return list(self.on_disk(pathlib.Path(at)))
        bucket, _, prefix = at.removeprefix("s3://").partition("/")
        prefix = prefix if prefix.endswith("/") or not prefix else prefix + "/"
        s3, found = self.s3(*place), []
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for one in page.get("Contents") or []:
                read = lambda key=one["Key"]: s3.get_object(Bucket=bucket, Key=key)["Body"].read()
                name, storage = one["Key"].removeprefix(prefix), one.get("StorageClass", "STANDARD")
                if name and not name.endswith("/"):
                    found.append(File(name, one["Size"], one["LastModified"], read, storage))
        return found

    def on_disk(self, folder):
        for below, _, names in os.walk(folder):
            for name in names:
                path = pathlib.Path(below) / name
                if not path.is_symlink() and path.is_file():
                    told = path.stat()
                    moment = datetime.datetime.fromtimestamp(told.st_mtime, datetime.timezone.utc)
                    yield File(str(path.relative_to(folder)), told.st_size, moment, path.read_bytes)


def bare(name):
    return name.rsplit("/", 1)[-1].lower()


def is_checksum(name):
    return bare(name) in SUMS or any(bare(name).endswith(end) for end in BESIDE)


def is_unfinished(name):
    return bare(name).endswith(UNFINISHED)


def is_dump(name):
    plain = COMPRESSED.sub("", bare(name))
    says = plain.startswith(("readme", ".")) or SAYS_SOMETHING.search(plain)
    return not (says or is_checksum(name) or is_unfinished(name))


def points_of(files):
    """Returns the dumps among files, the newest first."""
    folders = {}
    for file in files:
        folder, _, _ = file.name.rpartition("/")
        folders.setdefault(folder, []).append(file)
    points = []
    for folder, inside in folders.items():
        checksums = [file for file in inside if is_checksum(file.name)]
        parts = [file for file in inside if is_dump(file.name)]
        if not folder:
            found = [Point(part.name, [part]) for part in parts]
        else:
            found = [Point(folder, parts)] if parts and not any(is_unfinished(file.name) for file in inside) else []
        for point in found:
            judge(point, checksums)
        points += found
    return sorted(points, key=lambda point: (point.moment, point.id), reverse=True)


def told_of(file):
    """Returns what a checksum file tells: its kind, and a value for each name."""
    name, text = bare(file.name), file.body().decode("utf-8", "replace")
    kind = SUMS.get(name) or next(kind for end, kind in BESIDE.items() if name.endswith(end))
    value = rf"\b([0-9a-fA-F]{{{DIGITS[kind]}}})\b"
    if name not in SUMS:
        found = re.search(value, text)
        about = file.name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        return kind, {about: found.group(1).lower()} if found else {}
    values = {}
    for line in text.splitlines():
        found = re.search(value, line)
        bsd = re.search(r"\((.+)\) =", line)
        named = bsd.group(1) if bsd else line.split(maxsplit=1)[-1].strip().lstrip("*")
        if found:
            values[named.rsplit("/", 1)[-1]] = found.group(1).lower()
    return kind, values


def judge(point, checksums):
    """Says of a point whether it is whole."""
    told, listed = {}, set()
    for kind in ("md5", "sha256"):
        for file in checksums:
            of, values = told_of(file)
            if of == kind:
                told |= {name: (kind, value) for name, value in values.items()}
                listed |= set(values)
    in_folder = "/" in point.parts[0].name
    known = []
    for part in point.parts:
        kind, value = told.get(part.name.rsplit("/", 1)[-1], (None, None))
        digest = kind and part.digest(kind)
        known.append(None if digest is None else digest == value)
    there = {part.name.rsplit("/", 1)[-1] for part in point.parts}
    missing = in_folder and any(is_dump(name) and name not in there for name in listed)
    point.wrong = False in known or missing
    if point.wrong or point.size == 0:
        point.whole = False
    elif None not in known:
        point.whole = True


# ---- what is found in them


def span(text):
    number, unit = re.fullmatch(r"\s*(\d+)\s*(min|h|d|w)\s*", str(text)).groups()
    return datetime.timedelta(seconds=int(number) * {"min": 60, "h": 3600, "d": DAY, "w": 7 * DAY}[unit])


def has_gap(rule, moments, now):
    """Says whether a period of a daily or weekly rule has no point."""
    often, weekday, keep = re.fullmatch(r"(daily|weekly)(?: on (\w+?)s?)? (\d+ ?\w+)", rule.strip()).groups()
    step = datetime.timedelta(days=1 if often == "daily" else 7)
    begin = max(now - span(keep), min(moments))

    def period(at):
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        return day if often == "daily" else day - datetime.timedelta(days=day.weekday())

    wanted = [at for at in moments if weekday is None or at.weekday() == WEEKDAYS.index(weekday.lower())]
    covered = {period(at) for at in wanted}
    start = period(now) - step
    while start >= begin:
        if start not in covered:
            return True
        start -= step
    return False


def found_at_home(component, points, now):
    """Returns what the points of a component show where it lives."""
    codes, sound = set(), [point for point in points if point.whole is not False]
    moments = [point.moment for point in sound]
    if moments and any(has_gap(rule, moments, now) for rule in component.get("retention") or []):
        codes.add("retention-gap")
    if moments and "cadence" in component and now - max(moments) > span(component["cadence"]) * 1.25:
        codes.add("cadence-missed")
    if len(points) > 7:
        mean = sum(point.size for point in points[1:8]) / 7
        if mean and abs(points[0].size - mean) > mean / 2:
            codes.add("size-anomaly")
    return codes


def found_in_copy(home, copy):
    """Returns what a copy shows beside what it is a copy of."""
    codes, by_id = set(), {point.id: point for point in copy}
    sound = [point for point in home if point.whole is not False]
    newest = max((point.moment for point in sound if point.id in by_id), default=None)
    if any(point.id not in by_id and (newest is None or point.moment > newest) for point in sound):
        codes.add("copy-behind")
    for point in home:
        other = by_id.get(point.id)
        if other is None:
            continue
        ours, theirs = point.bytes(), other.bytes()
        if point.size != other.size or (ours and theirs and ours != theirs):
            codes.add("copy-differs")
    return codes


def of_dumps(places, component, home, now):
    """Returns the points of a component, wherever they lie, and what is found in them."""
    all = [(component["select"]["id"], home)]
    for copy in component.get("copies") or []:
        all.append((copy["at"], (str(copy.get("account", home[0])), copy.get("region", home[1]))))
    read = [(at, place, points_of(places.files(at, place))) for at, place in all]
    at_home = read[0][2]
    codes = found_at_home(component, at_home, now)
    for _, _, points in read:
        if any(point.wrong for point in points):
            codes.add("checksum-wrong")
    for _, _, points in read[1:]:
        codes |= found_in_copy(at_home, points)
    shown = [
        {
            "id": point.id,
            "at": at,
            "place": {"account": place[0], "region": place[1]},
            "moment": point.moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "size_bytes": point.size,
            "whole": point.whole,
            "retrieval_s": point.retrieval,
        }
        for at, place, points in read
        for point in points
    ]
    return shown, codes


def of_bucket(places, component, home, now):
    """Returns the replicas of a bucket, and what is found in its replication."""
    name, s3 = component["select"]["id"], places.s3(*home)
    try:
        rules = s3.get_bucket_replication(Bucket=name)["ReplicationConfiguration"]["Rules"]
    except ClientError:
        return [], set()
    points, codes = [], set()
    for rule in rules:
        if rule["Status"] != "Enabled":
            continue
        told = (rule.get("DeleteMarkerReplication") or {}).get("Status")
        if told == "Enabled" or (told is None and "Filter" not in rule):
            codes.add("deletes-are-replicated")
        other = rule["Destination"]["Bucket"].rsplit(":", 1)[1]
        account = rule["Destination"].get("Account", home[0])
        region = places.s3(account, home[1]).get_bucket_location(Bucket=other).get("LocationConstraint") or "us-east-1"
        there = current(places.s3(account, region), other)
        late = [at for key, at in current(s3, name).items() if key not in there or there[key] < at]
        behind = (now - min(late)).total_seconds() if late else 0
        if behind > REPLICATES_WITHIN:
            codes.add("copy-behind")
        place = {"account": account, "region": region}
        points.append({"id": other, "at": f"s3://{other}", "place": place, "behind_s": int(behind)})
    return points, codes


def current(s3, bucket):
    """Returns when the current object of each key was written."""
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    return {one["Key"]: one["LastModified"] for page in pages for one in page.get("Versions") or [] if one["IsLatest"]}


def main(port, folder):
    file = yaml.safe_load((pathlib.Path(folder) / "lifeboat.yaml").read_text())
    environments = file["environments"]
    places = Places(port, environments)
    now, rows = places.now(), []
    for name, component in file["components"].items():
        environment = environments[component.get("environment") or next(iter(environments))]
        home = str(environment["account"]).zfill(12), component.get("region") or environment["region"]
        read = {"database-dump": of_dumps, "s3-bucket": of_bucket}.get(component["kind"])
        if read:
            points, codes = read(places, component, home, now)
            rows.append({"component": name, "kind": component["kind"], "points": points, "findings": sorted(codes)})
    json.dump(rows, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(int(sys.argv[1]), sys.argv[2])
