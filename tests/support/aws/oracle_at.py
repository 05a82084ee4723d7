"""Says for other moments than now what would bring back the newest data from before them; nothing of lifeboat.

    python3 oracle_at.py PORT FOLDER NOW AT...

Reads FOLDER/lifeboat.yaml, asks the server on PORT once, as at NOW (the `as_of` that the document of lifeboat bears),
and prints a JSON list with one answer for each AT, in the order given:

    {"at": AT,
     "rows": [{"component", "point_id", "kind", "region", "account", "moment", "loss_s", "unknown"}],
     "set": {"reached", "of", "everything", "unknown", "worst": {"component", "loss_s"} or null}}

There is a row for each component but groups and services, in the order of the file, about the failure `local`: nothing
is lost but the component. Somebody wants to be rid of all that came after AT, so what was made later does not count,
even if it holds what was there before.

Which moments a point holds
===========================
- A snapshot, an image, a backup, a point of AWS Backup, and a copy of one: the one moment of its data. It counts if
  that is not after AT.
- A window (RDS, Aurora, DynamoDB): any moment from its earliest to its latest. It counts if its earliest is not after
  AT, and brings back the earlier of its latest and AT. The earliest is told by the restore window of RDS (R2) or, where
  that is not told, is the oldest automated snapshot; by the cluster (A2); by the table (D1). Where nothing tells, only
  its latest moment counts.
- A replica that was L behind when it was read: NOW - L, one moment. It cannot go back further, so it counts if that is
  not after AT.
- Versions of objects: every moment. Where an enabled rule of the lifecycle lets old versions expire after some days
  (the fewest count), no moment further back than these.
- A version of a Terraform state: the moments from its writing to the writing of the next, be that a delete marker; the
  newest one until NOW. In a replica what is the same bytes as at home holds the same moments (T9 to T12).
- A record of DNS as it was last read, code and definitions: every moment.

Which points count, and which is named
======================================
As for a verdict (oracle.py): what its service offers, whose key can decrypt where it lies. What would take longer to
become readable than recovery may take altogether counts only if nothing else does.

The one is named that brings back the newest moment. Of equal moments: the one at the nearest place (home, the DR
Region, copies as they are written), then the one that can be read the sooner, then by its id. `loss_s` is from that
moment to AT, rounded up. Without a point everything is lost, and all members are null.

Something is `unknown` if a place, or a part of it, could not be read, or if of a point that would bring back more it
cannot be told whether its key decrypts; but not if what is known loses nothing. The row then says what is known. In
`set`, of the components (`of`) those are `reached` that have a point, and `everything` are those that have none;
`unknown` is the rest. `worst` is the one that is reached and loses most, the first in the file if several do.
"""

import datetime
import json
import math
import pathlib
import sys
from dataclasses import dataclass

import yaml

from oracle import CODE, Aws, Estate, Point, Reading, Unread, key_of, moment, promised

BEGINNING = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)


@dataclass
class Window(Point):
    """A point that holds any moment from `since` to its own."""

    since: datetime.datetime = BEGINNING


def back_to(point, at):
    """Returns the newest moment, not after `at`, that a point brings back."""
    if isinstance(point, Window):
        return min(point.moment, at) if point.since <= at else None
    return point.moment if point.moment <= at else None


class ReadingAt(Reading):
    """What there is to recover one component from, with the moments that it can go back to."""

    def read(self, place):
        if self.kind != "terraform-state":
            return super().read(place)
        try:
            points, whole = self.read_state(place)
        except Unread:
            return [], False
        for point in points:
            point.place = place
        return points, whole

    # RDS (R1, R2)

    def read_windows(self, place):
        told = "describe_db_instance_automated_backups"
        ask = lambda operation, member: self.aws.all("rds", place, operation, member, DBInstanceIdentifier=self.id)
        backups = [b for b in ask(told, "DBInstanceAutomatedBackups") if b.get("RestoreWindow")]
        instance = next(iter(ask("describe_db_instances", "DBInstances")), None) if place == self.home else None
        if instance is None:
            # What is left of a database that is gone, or what is replicated from elsewhere.
            kept = [b for b in backups if place != self.home or b["Status"] == "retained"]
            kind = "point_in_time" if place == self.home else "replicated_backup"
            windows = [(b["RestoreWindow"], key_of(b)) for b in kept]
            return [Window(None, kind, w["LatestTime"], key=key, since=w["EarliestTime"]) for w, key in windows]
        latest = instance.get("LatestRestorableTime")
        if not instance.get("BackupRetentionPeriod") or latest is None:
            return []
        earliest = [b["RestoreWindow"]["EarliestTime"] for b in backups]
        if not earliest:
            automated = [s for s in ask("describe_db_snapshots", "DBSnapshots") if s.get("SnapshotType") == "automated"]
            earliest = [s["SnapshotCreateTime"] for s in automated if s["Status"] == "available"]
        since = min(earliest, default=latest)
        return [Window(None, "point_in_time", latest, key=key_of(instance), since=since)]

    # Aurora (A2)

    def read_cluster_window(self, place):
        if place != self.home:
            return []
        clusters = self.aws.all("rds", place, "describe_db_clusters", "DBClusters", DBClusterIdentifier=self.id)
        windows = []
        for cluster in clusters:
            latest = cluster.get("LatestRestorableTime")
            if latest:
                since = cluster.get("EarliestRestorableTime") or latest
                windows.append(Window(None, "point_in_time", latest, key=key_of(cluster), since=since))
        return windows

    # DynamoDB (D1)

    def read_table_window(self, place):
        if place != self.home:
            return []
        answer = self.aws.ask("dynamodb", place, "describe_continuous_backups", absent={}, TableName=self.id)
        window = answer.get("ContinuousBackupsDescription", {}).get("PointInTimeRecoveryDescription") or {}
        if window.get("PointInTimeRecoveryStatus") != "ENABLED":
            return []
        latest = window["LatestRestorableDateTime"]
        return [Window(None, "point_in_time", latest, since=window.get("EarliestRestorableDateTime") or latest)]

    # S3 (S2, S5)

    def read_bucket(self, place):
        points = super().read_bucket(place)
        if place != self.home or not points:
            return points
        operation = "get_bucket_lifecycle_configuration"
        answer = self.aws.ask("s3", place, operation, absent={}, Bucket=self.id)
        enabled = [rule for rule in answer.get("Rules") or [] if rule["Status"] == "Enabled"]
        kept = [(rule.get("NoncurrentVersionExpiration") or {}).get("NoncurrentDays") for rule in enabled]
        fewest = min((days for days in kept if days is not None), default=None)
        since = BEGINNING if fewest is None else self.now - datetime.timedelta(days=fewest)
        return [Window(None, point.kind, point.moment, point.usable, since=since) for point in points]

    # Route 53 (N1)

    def read_record(self, place):
        records = super().read_record(place)
        return [Window(None, record.kind, record.moment, wait=record.wait, needs=record.needs) for record in records]

    # Terraform (T2, T10, T11)

    def state_at(self, place):
        """Returns bucket and key of the state at a place; None where none is said to lie."""
        bucket, _, key = self.id.removeprefix("s3://").partition("/")
        said = (self.estate.at(self.component, place) or "").removeprefix("s3://").rstrip("/")
        if place == self.home:
            return bucket, key
        if said:
            other, _, there = said.partition("/")
            return other, there or key
        replicas = [b["replica"] for b in self.estate.backends if b.get("bucket") == bucket and b.get("replica")]
        return next(((r["bucket"], key) for r in replicas if r.get("region") == place[1]), None)

    def versions(self, place):
        """Returns all versions of the state at a place, the newest first, each with the moments that it holds."""
        where = self.state_at(place)
        if where is None:
            return []
        bucket, key = where
        found = []
        for member, gone in (("Versions", False), ("DeleteMarkers", True)):
            listed = self.aws.all("s3", place, "list_object_versions", member, Bucket=bucket, Prefix=key)
            found += [(one, gone) for one in listed if one["Key"] == key]
        found.sort(key=lambda one: (one[0]["LastModified"], one[0]["IsLatest"]), reverse=True)
        until, versions = self.now, []
        for one, gone in found:
            point = Window(one["VersionId"], "state_version", until, not gone, since=one["LastModified"])
            if not gone:
                point.bytes = self.bytes(place, Bucket=bucket, Key=key, VersionId=one["VersionId"])
                point.usable = is_state(point.bytes)
                versions.append(point)
            until = one["LastModified"]
        return versions

    def bytes(self, place, **which):
        answer = self.aws.ask("s3", place, "get_object", **which)
        if not isinstance(answer["Body"], bytes):
            answer["Body"] = answer["Body"].read()  # the answer is kept, and can be read but once
        return answer["Body"]

    def read_state(self, place):
        """Returns the versions of a Terraform state, and whether these are all."""
        versions = self.versions(place)
        if place == self.home:
            return versions, True
        try:
            home = {version.bytes: version for version in reversed(self.versions(self.home))}
        except Unread:
            return versions, False
        for version in versions:
            same = home.get(version.bytes)
            if same:
                version.since, version.moment = same.since, same.moment
        return versions, True


def is_state(body):
    """Says whether Terraform or OpenTofu reads these bytes as a state."""
    try:
        state = json.loads(body)
    except ValueError:
        return False
    return isinstance(state, dict) and "serial" in state and "lineage" in state


def too_late(estate, name, home, point):
    """Says whether a point takes longer to become readable than recovery may take altogether; as for a verdict."""
    component = estate.components[name]
    _, rto = promised(estate.environment(component), component, "local")
    far = point.place[1] != home[1] and component["kind"] not in (*CODE, "dns-record")
    took = estate.proof(name, "region" if far else "local")
    return rto is not None and point.wait > 0 and point.wait + (took[1] if took else 0) > rto


def row(estate, name, reading, at):
    """Returns what would be brought back of a component if all after `at` were to be undone."""
    held, unclear = [], []
    for nearness, (_, points, _) in enumerate(reading.places):
        for point in points:
            back = back_to(point, at) if point.moment else None
            if back is not None and point.usable is not False:
                # The greatest is the best: the newest, the nearest, the soonest.
                rank = (back, -nearness, -point.wait)
                (unclear if point.usable is None else held).append((rank, point))
    quick = [one for one in held if not too_late(estate, name, reading.home, one[1])]
    found = {"component": name, "point_id": None, "kind": None, "region": None, "account": None}
    found |= {"moment": None, "loss_s": None}
    best = None
    for rank, point in sorted(quick or held, key=lambda one: one[1].id or ""):
        if best is None or rank > best[0]:
            best = rank, point
    loses_nothing = False
    if best:
        (back, _, _), point = best
        account, region = point.place
        found |= {"point_id": point.id, "kind": point.kind, "region": region, "account": account}
        found |= {"moment": iso(back), "loss_s": math.ceil((at - back).total_seconds())}
        loses_nothing = back == at
    whole = all(whole for _, _, whole in reading.places)
    doubtful = any(best is None or rank[0] > best[0][0] for rank, _ in unclear)
    found["unknown"] = not loses_nothing and (not whole or doubtful)
    return found


def iso(at):
    return at.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def answer(estate, readings, at):
    rows = [row(estate, name, reading, at) for name, reading in readings.items()]
    known = [one for one in rows if not one["unknown"]]
    reached = [one for one in known if one["loss_s"] is not None]
    worst = max(reached, key=lambda one: one["loss_s"], default=None)
    whole = {
        "reached": len(reached),
        "of": len(rows),
        "everything": len(known) - len(reached),
        "unknown": len(rows) - len(known),
        "worst": worst and {"component": worst["component"], "loss_s": worst["loss_s"]},
    }
    return {"at": iso(at), "rows": rows, "set": whole}


def main(port, folder, now, moments):
    text = (pathlib.Path(folder) / "lifeboat.yaml").read_text()
    estate = Estate(text)
    estate.backends = list((yaml.safe_load(text).get("backends") or {}).values())
    aws = Aws(f"http://127.0.0.1:{port}", estate)
    single = {name: c for name, c in estate.components.items() if c["kind"] not in ("group", "service")}
    readings = {name: ReadingAt(aws, estate, name, moment(now)) for name in single}
    json.dump([answer(estate, readings, moment(at)) for at in moments], sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
