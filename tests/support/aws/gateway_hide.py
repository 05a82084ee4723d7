"""What is there already and not seen yet: answers without it, as a service gives them that is consistent in the end."""

import json
import re
import threading
from urllib.parse import parse_qsl
from xml.dom import minidom

from gateway_table import READS, members
from wire import error

# How a service names what it does not find, by the beginning of the identifier.
EC2_NOT_FOUND = {
    "vol-": ("InvalidVolume.NotFound", "The volume '{}' does not exist."),
    "snap-": ("InvalidSnapshot.NotFound", "The snapshot '{}' does not exist."),
    "i-": ("InvalidInstanceID.NotFound", "The instance ID '{}' does not exist"),
    "ami-": ("InvalidAMIID.NotFound", "The image id '[{}]' does not exist"),
    "eni-": ("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '{}' does not exist"),
    "eipalloc-": ("InvalidAllocationID.NotFound", "The allocation ID '{}' does not exist"),
    "lt-": ("InvalidLaunchTemplateId.NotFound", "The launch template ID '{}' does not exist"),
}
# Which member names a resource of RDS, in a request and in an item of a list; and the item and the error.
RDS = {
    "DBInstanceIdentifier": ("DBInstance", "DBInstanceNotFound", "DBInstance {} not found."),
    "DBSnapshotIdentifier": ("DBSnapshot", "DBSnapshotNotFound", "DBSnapshot {} not found."),
    "DBClusterIdentifier": ("DBCluster", "DBClusterNotFoundFault", "DBCluster {} not found."),
    "DBClusterSnapshotIdentifier": ("DBClusterSnapshot", "DBClusterSnapshotNotFoundFault", "DBClusterSnapshot {} not found."),
}
RDS_ALIAS = {
    "TargetDBInstanceIdentifier": "DBInstanceIdentifier",
    "TargetDBSnapshotIdentifier": "DBSnapshotIdentifier",
    "TargetDBClusterSnapshotIdentifier": "DBClusterSnapshotIdentifier",
}
EC2_IDS = ("volumeId", "snapshotId", "instanceId", "imageId", "resourceId", "networkInterfaceId", "allocationId",
           "launchTemplateId")  # fmt: skip
TAGS = "resourcegroupstaggingapi"  # tells of the resources of all services
MADE = ("Create", "Restore", "Copy", "Run", "Register", "Allocate", "Import", "StartBackup", "StartCopy", "StartRestore")


class Hidden:
    """Identifiers that reads do not tell yet, and until when by the gateway's clock."""

    def __init__(self, clock):
        self.clock, self.lock, self.until = clock, threading.Lock(), {}

    def clear(self):
        self.until = {}

    def add(self, call, row, names, seconds):
        """Hides what a call made."""
        if not (call.operation or "").startswith(MADE):
            return
        kind = (row.target or "").lstrip("@")
        kind = RDS_ALIAS.get(kind, kind) if call.service == "rds" else ""
        with self.lock:
            for name in names:
                self.until[(call.account, call.region, call.service, kind, name)] = self.clock.now() + seconds

    def show(self):
        now, keys = self.clock.now(), ("account", "region", "service", "kind", "id")
        return [{**dict(zip(keys, key)), "for_s": round(end - now, 3)} for key, end in list(self.until.items()) if end > now]

    def _of(self, call):
        if not self.until:
            return set()
        now, who = self.clock.now(), (call.account, call.region, call.service)[: 2 if call.service == TAGS else 3]
        return {key[3:] for key, end in list(self.until.items()) if key[: len(who)] == who and end > now}

    def edit(self, call, reply):
        """Takes out of the answer to a read what is hidden, or returns the service's error for it."""
        hidden = self._of(call)
        if not hidden or not READS.fullmatch(call.operation or ""):
            return reply
        if call.service == "rds":
            return self._rds(call, reply, hidden)
        names = {name for _, name in hidden}
        if call.service == "ec2":
            return self._ec2(call, reply, names)
        return self._json(call, reply, names) if call.protocol in ("json", "rest-json") else reply

    def _ec2(self, call, reply, names):
        filters = ("Filter.", "NextToken")
        for key, value in parse_qsl(call.body.decode("utf-8", "replace")):
            if value in names and not key.startswith(filters):
                prefix = next((one for one in EC2_NOT_FOUND if value.startswith(one)), None)
                code, text = EC2_NOT_FOUND.get(prefix, ("InvalidParameterValue", "'{}' does not exist"))
                return error(call, 400, code, text.format(value))
        return _cut(reply, lambda node: node.tagName == "item" and _named(node, names, call))

    def _rds(self, call, reply, hidden):
        said = members(call)
        hidden = [one for one in hidden if one[0] in RDS]
        for member, name in hidden:
            value = said.get(member, "")
            asked = value.rsplit(":", 1)[-1].lower()
            # Which snapshots an instance has can be asked although the instance is not seen.
            own = call.operation not in ("DescribeDBSnapshots", "DescribeDBClusterSnapshots") or "Snapshot" in member
            named = said.get("ResourceName", "").rsplit(":", 1)[-1] == name
            if (own and asked == name.lower()) or named:
                _, code, text = RDS[member]
                return error(call, 404, code, text.format(name))
        pairs = {(RDS[member][0], member, name.lower()) for member, name in hidden}

        def unseen(node):
            return any(node.tagName == tag and (_text(node, member) or "").lower() == name for tag, member, name in pairs)

        return _cut(reply, unseen)

    def _json(self, call, reply, names):
        if any(isinstance(value, str) and value in names for value in members(call).values()):
            status = 404 if call.protocol == "rest-json" else 400
            return error(call, status, "ResourceNotFoundException", "Requested resource not found")
        try:
            value = json.loads(reply.body)
        except ValueError:
            return reply
        reply.body = json.dumps(_without(value, names)).encode()
        reply.headers = [pair for pair in reply.headers if pair[0].lower() != "x-amz-crc32"]
        return reply


def _without(value, names):
    if isinstance(value, dict):
        return {key: _without(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [_without(one, names) for one in value if not _is(one, names)]
    return value


def _is(value, names):
    if isinstance(value, dict):
        return any(isinstance(one, str) and _is(one, names) for one in value.values())
    if not isinstance(value, str):
        return False
    return value in names or (value.startswith("arn:") and re.split("[:/]", value)[-1] in names)


def _text(node, tag):
    for child in node.childNodes:
        if child.nodeType == child.ELEMENT_NODE and child.tagName == tag:
            return "".join(part.data for part in child.childNodes if part.nodeType == part.TEXT_NODE).strip()
    return None


# The member by which an item of a list is itself named, and not only what it refers to: a volume names its snapshot.
OWN = {
    "DescribeSnapshots": ("snapshotId",),
    "DescribeVolumes": ("volumeId",),
    "DescribeImages": ("imageId",),
    "DescribeInstances": ("instanceId",),
}


def _named(node, names, call):
    return any(_text(node, tag) in names for tag in OWN.get(call.operation, EC2_IDS))


def _cut(reply, unseen):
    """Takes elements out of an XML answer; a reservation without instances goes, too."""
    if not 200 <= reply.status < 300 or b"<" not in reply.body:
        return reply
    document, found = minidom.parseString(reply.body), False
    for node in list(document.getElementsByTagName("*")):
        if node.parentNode is None or not unseen(node):
            continue
        parent = node.parentNode
        parent.removeChild(node)
        found = True
        left = any(child.nodeType == child.ELEMENT_NODE for child in parent.childNodes)
        if parent.tagName == "instancesSet" and not left:
            reservation = parent.parentNode
            if reservation.parentNode is not None:
                reservation.parentNode.removeChild(reservation)
    if found:
        reply.body = document.toxml(encoding="utf-8")
    return reply
