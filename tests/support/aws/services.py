"""What is changed in the services of moto themselves, when they are first called."""

import time
from urllib.parse import unquote

from facts import FACTS, STEADY, Dwell, naive, newborn
from wire import GearError


def _rds():
    from moto.moto_api._internal import mock_random
    from moto.rds import models

    backend, snapshot, instance, cluster = models.RDSBackend, models.DBSnapshot, models.DBInstance, models.DBCluster
    instance.status = Dwell("rds.db", "status")
    snapshot.status = Dwell("rds.snapshot", "status")
    models.DBClusterSnapshot.status = Dwell("rds.cluster_snapshot", "status")
    newborn(cluster)
    _keys(models)
    shown = cluster.status

    def cluster_status(self):
        value = shown.fget(self)
        found = FACTS.dwelling(self, "rds.cluster") if FACTS.dwell and value in STEADY else None
        return found[0] if found else value

    cluster.status = property(cluster_status, shown.fset)

    def percent(kind):
        def percent_progress(self):
            found = FACTS.dwelling(self, kind)
            return int(found[1] * 100) if found else 100

        return property(percent_progress, lambda self, value: None)

    snapshot.percent_progress = percent("rds.snapshot")
    models.DBClusterSnapshot.percent_progress = percent("rds.cluster_snapshot")

    def contained(self):
        return self.__dict__.get("_snapshot_database_time") or self.original_snapshot_create_time

    snapshot.snapshot_database_time = property(
        contained, lambda self, value: self.__dict__.__setitem__("_snapshot_database_time", value)
    )

    copied = backend.copy_db_snapshot

    def copy_db_snapshot(self, source_db_snapshot_identifier, *args, **kwargs):
        source = self.get_db_snapshot(source_db_snapshot_identifier)
        target = copied(self, source_db_snapshot_identifier, *args, **kwargs)
        target.source_db_snapshot_identifier = source.db_snapshot_arn
        target.snapshot_database_time = source.snapshot_database_time
        if source.region != self.region_name:
            target.source_region = source.region
        return target

    backend.copy_db_snapshot = copy_db_snapshot

    cluster_copied = backend.copy_db_cluster_snapshot

    def copy_db_cluster_snapshot(self, source_db_cluster_snapshot_identifier, *args, **kwargs):
        source = self.get_db_cluster_snapshot(source_db_cluster_snapshot_identifier)
        target = cluster_copied(self, source_db_cluster_snapshot_identifier, *args, **kwargs)
        FACTS.lay(target, "SourceDBClusterSnapshotArn", source.arn)
        return target

    backend.copy_db_cluster_snapshot = copy_db_cluster_snapshot

    def resource_id():
        return "db-" + "".join(mock_random.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(26))

    made = instance.__init__

    def __init__(self, *args, **kwargs):
        made(self, *args, **kwargs)
        self.dbi_resource_id = resource_id()

    instance.__init__ = __init__

    replicated = backend.create_db_instance_read_replica

    def create_db_instance_read_replica(self, db_kwargs):
        replica = replicated(self, db_kwargs)
        replica.dbi_resource_id = resource_id()
        replica.created = models.utcnow()
        FACTS.born[replica] = time.monotonic()
        return replica

    backend.create_db_instance_read_replica = create_db_instance_read_replica

    promoted = backend.promote_read_replica

    def promote_read_replica(self, db_kwargs):
        database = promoted(self, db_kwargs)
        source = database.source_db_instance_identifier
        if source:
            primary = self.find_db_from_id(source)
            own = (database.db_instance_identifier, database.db_instance_arn)
            primary.replicas = [name for name in primary.replicas if name not in own]
            database.source_db_instance_identifier = None
            FACTS.lay(database, "StatusInfos", None)
        return database

    backend.promote_read_replica = promote_read_replica
    _restores(models)
    _global_clusters(models)


def _keys(models):
    """A cluster that is not encrypted names no key, nor do its snapshots; moto names one that does not exist."""
    for cls in (models.DBCluster, models.DBClusterSnapshot):

        def __init__(self, *args, made=cls.__init__, **kwargs):
            made(self, *args, **kwargs)
            if self.kms_key_id == "default_kms_key_id" and not self.storage_encrypted:
                self.kms_key_id = None

        cls.__init__ = __init__


def _restores(models):
    """A restored instance does not inherit what AWS does not carry over."""
    backend = models.RDSBackend
    unless_asked = {"multi_az": False, "deletion_protection": False, "enable_iam_database_authentication": False}

    def plain(made):
        def restore(self, *args, **kwargs):
            overrides = kwargs.get("overrides", args[-1] if args else {})
            restored = made(self, *args, **kwargs)
            for name, value in unless_asked.items():
                if name not in overrides and hasattr(restored, name):
                    setattr(restored, name, value)
            return restored

        return restore

    backend.restore_db_instance_from_db_snapshot = plain(backend.restore_db_instance_from_db_snapshot)
    backend.restore_db_instance_to_point_in_time = plain(backend.restore_db_instance_to_point_in_time)


def _global_clusters(models):
    """A global cluster can be made of a cluster in any Region; moto looks in us-east-1 only."""
    backend = models.RDSBackend
    made = backend.create_global_cluster

    def create_global_cluster(self, global_cluster_identifier, source_db_cluster_identifier, *args, **kwargs):
        parts = (source_db_cluster_identifier or "").split(":")
        if len(parts) != 7 or parts[3] == self.region_name:
            return made(self, global_cluster_identifier, source_db_cluster_identifier, *args, **kwargs)
        source = models.rds_backends[self.account_id][parts[3]].clusters.get(parts[6])
        if source is None:
            return made(self, global_cluster_identifier, source_db_cluster_identifier, *args, **kwargs)
        own = self.clusters
        self.clusters = {parts[6]: source}
        try:
            return made(self, global_cluster_identifier, source_db_cluster_identifier, *args, **kwargs)
        finally:
            self.clusters = own

    backend.create_global_cluster = create_global_cluster


def _ec2():
    from moto.ec2 import utils
    from moto.ec2.models import elastic_block_store as ebs
    from moto.ec2.models.amis import Ami, AmiBackend

    ebs.Snapshot.status = Dwell("ec2.snapshot", "status")
    Ami.state = Dwell("ec2.image", "state")

    def progress(self):
        found = FACTS.dwelling(self, "ec2.snapshot")
        return f"{int(found[1] * 100)}%" if found else "100%"

    ebs.Snapshot.progress = property(progress)
    copied = ebs.EBSBackend.copy_snapshot

    def copy_snapshot(self, *args, **kwargs):
        snapshot = copied(self, *args, **kwargs)
        FACTS.lay(snapshot, "VolumeId", "vol-ffffffff")
        return snapshot

    ebs.EBSBackend.copy_snapshot = copy_snapshot
    # moto compares the name of the zone with an object that holds it.
    utils.filter_dict_attribute_mapping["availability-zone"] = "placement.zone"
    made = AmiBackend.create_image

    def create_image(self, instance_id, name, description, tag_specifications):
        """Tags the snapshots of an image, too, where that is asked for; moto refuses to."""
        apart = [one for one in tag_specifications if one["ResourceType"] == "snapshot"]
        image = made(self, instance_id, name, description, [one for one in tag_specifications if one not in apart])
        for tag in (tag for one in apart for tag in one["Tags"]):
            image.ebs_snapshot.add_tag(tag["Key"], tag["Value"])
        return image

    AmiBackend.create_image = create_image


def _dynamodb():
    from moto.dynamodb.models.table import Backup, Table

    newborn(Table)
    described = Table.describe

    def describe(self, *args, **kwargs):
        answer = described(self, *args, **kwargs)
        found = FACTS.dwelling(self, "dynamodb.table")
        if found:
            for value in answer.values():
                if isinstance(value, dict) and "TableStatus" in value:
                    value["TableStatus"] = found[0]
        return answer

    Table.describe = describe
    Backup.status = Dwell("dynamodb.backup", "status")


def _eks():
    from moto.eks import models

    models.Cluster.status = Dwell("eks.cluster", "status")
    models.Nodegroup.status = Dwell("eks.nodegroup", "status")


def _s3():
    from moto.core.responses import ActionResult
    from moto.s3 import responses

    import versions

    versions.install()
    given = responses.S3Response.get_bucket_replication

    def get_bucket_replication(self):
        """Gives each rule back as it was put: whether it has a Filter decides what becomes of delete markers."""
        put = self.backend.get_bucket_replication(self.bucket_name)
        if not put:
            return given(self)
        self.data["Action"] = "GetBucketReplication"
        rules = [_rule_as_put(rule) for rule in put["Rule"]]
        return self.serialized(ActionResult({"ReplicationConfiguration": {"Role": put["Role"], "Rules": rules}}))

    responses.S3Response.get_bucket_replication = get_bucket_replication


def _rule_as_put(rule):
    rule = {name: value for name, value in rule.items() if not name.startswith("@")}
    if "Filter" in rule:
        rule["Filter"] = {name: "" if value is None else value for name, value in (rule["Filter"] or {}).items()}
    else:
        rule.pop("Priority", None)  # moto's own: a rule of the first version has none
    if "Prefix" in rule:
        rule["Prefix"] = rule["Prefix"] or ""
    return rule


class _Identifier(str):
    """A SetIdentifier that knows which record set it was sent with."""

    record = None


def _route53():
    from moto.route53 import models

    zone, backend = models.FakeZone, models.Route53Backend
    by_id = zone.delete_rrset_by_id

    def delete_rrset_by_id(self, set_identifier):
        record = getattr(set_identifier, "record", None)
        if record is None:
            return by_id(self, set_identifier)
        self.rrsets = [
            one
            for one in self.rrsets
            if (one.name, one.type, one.set_identifier) != (record["Name"], record["Type"], set_identifier)
        ]
        return None

    zone.delete_rrset_by_id = delete_rrset_by_id
    changed = backend.change_resource_record_sets

    def change_resource_record_sets(self, zoneid, change_list, *args, **kwargs):
        place = self.get_hosted_zone(zoneid)
        before, log = list(place.rrsets), list(place.rr_changes)
        _check_batch(place, change_list)
        # moto refuses what was ever created before; whether it is there now has just been looked at
        place.rr_changes[:] = [old for old in log if not any(old == new for new in change_list if new["Action"] == "CREATE")]
        for change in change_list:
            record = change["ResourceRecordSet"]
            if change["Action"] == "DELETE" and "SetIdentifier" in record:
                record["SetIdentifier"] = _Identifier(record["SetIdentifier"])
                record["SetIdentifier"].record = record
        try:
            return changed(self, zoneid, change_list, *args, **kwargs)
        except Exception:
            place.rrsets = before
            place.rr_changes[:] = log
            raise

    backend.change_resource_record_sets = change_resource_record_sets


def _check_batch(zone, changes):
    """Refuses what AWS refuses: to create what is there, to delete what is not there or is not given as it is."""
    there = {(one.name.rstrip(".").lower(), one.type, one.set_identifier): one for one in zone.rrsets}
    for change in changes:
        record, action = change["ResourceRecordSet"], change["Action"]
        name = record["Name"].rstrip(".").lower()
        key = (name, record["Type"], record.get("SetIdentifier"))
        text = f"resource record set [name='{name}.', type='{record['Type']}'"
        text += f", set-identifier='{record['SetIdentifier']}']" if "SetIdentifier" in record else "]"
        if action == "CREATE":
            if key in there:
                raise GearError(400, "InvalidChangeBatch", f"[Tried to create {text} but it already exists]")
            there[key] = None
        elif action == "UPSERT":
            there[key] = None
        elif action == "DELETE":
            if key not in there:
                raise GearError(400, "InvalidChangeBatch", f"[Tried to delete {text} but it was not found]")
            one = there.pop(key)
            if one is None:
                continue
            given = sorted(each["Value"] for each in record.get("ResourceRecords") or [])
            if sorted(one.records or []) != given or int(one.ttl or 0) != int(record.get("TTL") or 0):
                raise GearError(400, "InvalidChangeBatch", f"[Tried to delete {text} but the values provided do not match the current values]")


def object_retention(call):
    """Returns what GetObjectRetention is to answer; moto answers nothing."""
    from moto.s3.models import s3_backends

    bucket, key = (unquote(call.labels[name]) for name in ("Bucket", "Key"))
    found = s3_backends[call.account]["aws"].get_object(bucket, key, version_id=call.query.get("versionId"))
    if found is None:
        raise GearError(404, "NoSuchKey", "The specified key does not exist.")
    if not getattr(found, "lock_mode", None):
        raise GearError(404, "NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration")
    return {"Retention": {"Mode": found.lock_mode, "RetainUntilDate": found.lock_until}}


def date_objects(account, bucket, times):
    """Dates the newest version of each key, or its delete marker, as if it had been written at that moment."""
    from moto.s3.models import s3_backends

    buckets = s3_backends[account]["aws"].buckets
    if bucket not in buckets:
        raise LookupError(f"no bucket {bucket} in {account}")
    for key, at in times.items():
        versions = buckets[bucket].keys.getlist(key, [])
        if not versions:
            raise LookupError(f"no object {key} in {bucket}")
        versions[-1].last_modified = naive(at)


_WAITING = {"rds": _rds, "ec2": _ec2, "dynamodb": _dynamodb, "eks": _eks, "route53": _route53, "s3": _s3}


def prepare(service):
    """Changes a service of moto before its first call."""
    change = _WAITING.pop(service, None)
    if change is not None:
        change()
