"""Hooks where moto turns its objects into answers: facts of tests, paging of EC2, restore windows of RDS."""

import base64
import json

from moto.core.responses import BaseResponse
from moto.core.serialize import XFormedAttributePicker

from facts import FACTS
from operations import current
from wire import CBOR, GearError

PAGED = {
    "DescribeSnapshots": ("Snapshots", 5),
    "DescribeImages": ("Images", 1),
    "DescribeVolumes": ("Volumes", 5),
    "DescribeInstanceStatus": ("InstanceStatuses", 5),
}


def install():
    """Hooks into the place where moto turns its objects into answers."""
    pick = XFormedAttributePicker.__call__

    def picked(self, context):
        thing, key = context.obj, context.key
        if FACTS.types and type(thing) in FACTS.types:
            over = FACTS.over.get(thing)
            if over is not None and key in over:
                value, of_test = over[key]
                call = current() if of_test else None
                if call is not None:
                    call.stub = True
                return value
        if key == "LatestRestorableTime" and FACTS.restorable:
            found = _restorable(thing)
            if found is not False:
                return found
        return pick(self, context)

    XFormedAttributePicker.__call__ = picked

    written = BaseResponse.serialized

    def serialized(self, action_result):
        call = current()
        result = getattr(action_result, "_result", None)
        if call is not None and isinstance(result, dict):
            if call.service == "ec2" and call.operation in PAGED:
                _page(self, call, result)
            elif call.service == "rds" and call.operation == "DescribeDBInstanceAutomatedBackups":
                _windows(self, call, result)
            elif call.service == "rds" and call.operation == "DescribeDBParameterGroups":
                _group_named(self, result)
        return written(self, action_result)

    BaseResponse.serialized = serialized

    protocol = BaseResponse.determine_response_protocol

    def determine_response_protocol(self, service_model):
        call = current()
        if call is not None and call.protocol == CBOR:
            return CBOR
        return protocol(self, service_model)

    BaseResponse.determine_response_protocol = determine_response_protocol


def _restorable(thing):
    call = current()
    if call is None:
        return False
    for kind, attribute in (("cluster", "db_cluster_identifier"), ("instance", "db_instance_identifier")):
        name = getattr(thing, attribute, None)
        if name is not None:
            found = FACTS.restorable.get((call.account, call.region, kind, name), False)
            if found is not False:
                call.stub = True
            return found
    return False


def _page(response, call, result):
    member, least = PAGED[call.operation]
    size = response._get_param("MaxResults")
    token = response._get_param("NextToken")
    if size is None and token is None:
        return
    limit = int(size) if size is not None else 1000
    if limit < least:
        raise GearError(400, "InvalidParameterValue", f"Value ( {limit} ) for parameter maxResults is invalid. Expecting a value greater than or equal to {least}.")  # fmt: skip
    limit = min(limit, 1000)
    items, start = list(result[member]), 0
    if token is not None:
        try:
            start = int(json.loads(base64.urlsafe_b64decode(token))[call.operation])
        except (ValueError, KeyError, TypeError):
            raise GearError(400, "InvalidParameterValue", f"Value ( {token} ) for parameter nextToken is invalid.") from None
    cut = items[start : start + limit]
    result[member] = cut
    result["NextToken"] = None
    if start + limit < len(items):
        mark = json.dumps({call.operation: start + limit}).encode()
        result["NextToken"] = base64.urlsafe_b64encode(mark).decode()
    if len(cut) < len(items):
        call.stub = True


def _group_named(response, result):
    """AWS refuses a parameter group that is not there by its code; moto answers with an empty list."""
    name = response._get_param("DBParameterGroupName")
    if name is not None and not result.get("DBParameterGroups"):
        raise GearError(404, "DBParameterGroupNotFound", f"DBParameterGroup not found: {name}")


def _windows(response, call, result):
    key = next((name for name in result if isinstance(result[name], list)), "DBInstanceAutomatedBackups")
    wanted = response._get_param("DBInstanceIdentifier")
    backend = response.backend
    rows, seen = [], set()
    for one in result.get(key) or []:
        rows.append(_automated(backend, call, one.db_instance_identifier, one.status))
        seen.add(one.db_instance_identifier)
    for account, region, name in list(FACTS.windows):
        if (account, region) == (call.account, call.region) and name not in seen and wanted in (None, name):
            rows.append(_automated(backend, call, name, "active" if name in backend.databases else "retained"))
    result[key] = rows


def _automated(backend, call, name, status):
    row = {"DBInstanceIdentifier": name, "Status": status, "Region": call.region}
    database = backend.databases.get(name)
    source = database
    if source is None:
        snaps = [snap for snap in backend.database_snapshots.values() if snap.db_instance_identifier == name]
        source = snaps[-1].database if snaps else None
    if source is not None:
        for member, attribute in (
            ("DBInstanceArn", "db_instance_arn"), ("DbiResourceId", "dbi_resource_id"), ("Engine", "engine"),
            ("EngineVersion", "engine_version"), ("AllocatedStorage", "allocated_storage"), ("Port", "port"),
            ("AvailabilityZone", "availability_zone"), ("MasterUsername", "master_username"), ("StorageType", "storage_type"),
            ("Encrypted", "storage_encrypted"), ("KmsKeyId", "kms_key_id"), ("InstanceCreateTime", "created"),
            ("BackupRetentionPeriod", "backup_retention_period"),
        ):  # fmt: skip
            value = getattr(source, attribute, None)
            if value is not None:
                row[member] = value
        row["DBInstanceAutomatedBackupsArn"] = (
            f"arn:aws:rds:{call.region}:{call.account}:auto-backup:ab-{source.dbi_resource_id[3:].lower()}"
        )
    window = FACTS.windows.get((call.account, call.region, name))
    if window is not None:
        call.stub = True
        row["RestoreWindow"] = {"EarliestTime": window["earliest"], "LatestTime": window["latest"]}
        if window.get("status"):
            row["Status"] = window["status"]
    return row
