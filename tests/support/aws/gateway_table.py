"""Which operation changes what: one row an operation, and what an answer means."""

import hashlib
import json
import re
from collections import namedtuple
from urllib.parse import parse_qsl, unquote

ALWAYS = "always"  # every 2xx is an effect
SET = "set"  # every 2xx is an effect that may be repeated; it changed something if it says other than the last one did
STATE = "state"  # an effect if previousState and currentState differ by more than the way from one to the other
GONE = "gone"  # an effect if what is deleted was there
ONCE = "once"  # an effect unless it names what an earlier one named: an upload is completed once
NEVER = "never"  # changes nothing that stays

# Where the target is: "<name" elements of the reply, ".a.b" members of a JSON reply, "@Name" a member of the request
# ("@Name*" a list), "s3" and "route53" what these make of it. `probe` describes it before and after a SET.
Row = namedtuple("Row", "verdict target token mismatch probe")


def _rows(service, verdict, target, names, token=None, mismatch=None, probe=None):
    return {(service, name): Row(verdict, target, token, mismatch, probe) for name in names.split()}


_EC2_TOKEN = {"token": "ClientToken", "mismatch": "IdempotentParameterMismatch"}
_BACKUP_TOKEN = {"token": "IdempotencyToken", "mismatch": "InvalidParameterValueException"}
_DYNAMODB_MISMATCH = {"mismatch": "IdempotentParameterMismatchException"}
_EKS_TOKEN = {"token": "clientRequestToken", "mismatch": "InvalidParameterException"}

TABLE = {
    **_rows("ec2", ALWAYS, "<volumeId", "CreateVolume", **_EC2_TOKEN),
    **_rows("ec2", ALWAYS, "<instanceId", "RunInstances", **_EC2_TOKEN),
    **_rows("ec2", ALWAYS, "<imageId", "CopyImage", **_EC2_TOKEN),
    **_rows("ec2", ALWAYS, "<imageId", "CreateImage RegisterImage"),
    **_rows("ec2", ALWAYS, "<snapshotId", "CreateSnapshot CreateSnapshots CopySnapshot"),
    **_rows("ec2", ALWAYS, "<networkInterfaceId", "CreateNetworkInterface", **_EC2_TOKEN),
    **_rows("ec2", ALWAYS, "<launchTemplateId", "CreateLaunchTemplate", **_EC2_TOKEN),
    **_rows("ec2", ALWAYS, "<allocationId", "AllocateAddress"),
    **_rows("ec2", ALWAYS, "@AllocationId", "ReleaseAddress AssociateAddress"),
    **_rows("ec2", ALWAYS, "@VolumeId", "DeleteVolume AttachVolume DetachVolume"),
    **_rows("ec2", ALWAYS, "@SnapshotId", "DeleteSnapshot RestoreSnapshotFromRecycleBin RestoreSnapshotTier"),
    **_rows("ec2", ALWAYS, "@ImageId", "DeregisterImage RestoreImageFromRecycleBin"),
    **_rows("ec2", STATE, "<instanceId", "StopInstances StartInstances TerminateInstances"),
    **_rows("ec2", ALWAYS, "@InstanceId*", "RebootInstances"),
    **_rows("ec2", SET, "@ResourceId*", "CreateTags DeleteTags"),
    **_rows("ec2", SET, "@VolumeId", "ModifyVolume ModifyVolumeAttribute EnableVolumeIO"),
    **_rows("ec2", SET, "@SnapshotId", "ModifySnapshotAttribute ModifySnapshotTier LockSnapshot UnlockSnapshot"),
    **_rows("ec2", SET, "@ImageId", "ModifyImageAttribute EnableImage DisableImage"),
    **_rows("ec2", SET, "@InstanceId", "ModifyInstanceAttribute"),
    **_rows("rds", ALWAYS, "@DBInstanceIdentifier", "CreateDBInstance CreateDBInstanceReadReplica DeleteDBInstance "
            "RestoreDBInstanceFromDBSnapshot RestoreDBInstanceFromS3 PromoteReadReplica RebootDBInstance StartDBInstance "
            "StopDBInstance SwitchoverReadReplica"),
    **_rows("rds", ALWAYS, "@TargetDBInstanceIdentifier", "RestoreDBInstanceToPointInTime"),
    **_rows("rds", ALWAYS, "@DBSnapshotIdentifier", "CreateDBSnapshot DeleteDBSnapshot"),
    **_rows("rds", ALWAYS, "@TargetDBSnapshotIdentifier", "CopyDBSnapshot"),
    **_rows("rds", SET, "@DBInstanceIdentifier", "ModifyDBInstance", probe="DescribeDBInstances"),
    **_rows("rds", SET, "@DBClusterIdentifier", "ModifyDBCluster", probe="DescribeDBClusters"),
    **_rows("rds", SET, "@DBSnapshotIdentifier", "ModifyDBSnapshot ModifyDBSnapshotAttribute"),
    **_rows("rds", SET, "@GlobalClusterIdentifier", "ModifyGlobalCluster"),
    **_rows("rds", SET, "@ResourceName", "AddTagsToResource RemoveTagsFromResource"),
    **_rows("rds", ALWAYS, "@DBClusterIdentifier", "CreateDBCluster DeleteDBCluster FailoverDBCluster RebootDBCluster "
            "RestoreDBClusterFromSnapshot RestoreDBClusterToPointInTime RestoreDBClusterFromS3 PromoteReadReplicaDBCluster "
            "StartDBCluster StopDBCluster BacktrackDBCluster"),
    **_rows("rds", ALWAYS, "@DBClusterSnapshotIdentifier", "CreateDBClusterSnapshot DeleteDBClusterSnapshot"),
    **_rows("rds", ALWAYS, "@TargetDBClusterSnapshotIdentifier", "CopyDBClusterSnapshot"),
    **_rows("rds", ALWAYS, "@GlobalClusterIdentifier", "CreateGlobalCluster DeleteGlobalCluster FailoverGlobalCluster "
            "SwitchoverGlobalCluster RemoveFromGlobalCluster"),
    **_rows("rds", ALWAYS, "@DBSubnetGroupName", "CreateDBSubnetGroup DeleteDBSubnetGroup"),
    **_rows("s3", ALWAYS, "s3", "CopyObject PutObject CreateMultipartUpload AbortMultipartUpload RestoreObject CreateBucket "
            "DeleteBucket"),
    **_rows("s3", ALWAYS, "s3", "DeleteObjects"),
    **_rows("s3", GONE, "s3", "DeleteObject"),
    **_rows("s3", ONCE, "s3", "CompleteMultipartUpload"),
    **_rows("s3", SET, "s3", "UploadPart UploadPartCopy PutObjectTagging DeleteObjectTagging PutObjectAcl PutObjectRetention "
            "PutObjectLegalHold PutBucketVersioning PutBucketReplication PutBucketTagging PutBucketPolicy "
            "PutBucketEncryption PutPublicAccessBlock PutBucketLifecycleConfiguration PutObjectLockConfiguration"),
    **_rows("s3", NEVER, "s3", "SelectObjectContent WriteGetObjectResponse CreateSession"),
    **_rows("dynamodb", ALWAYS, "@TableName", "CreateTable DeleteTable PutItem UpdateItem DeleteItem BatchWriteItem"),
    **_rows("dynamodb", ALWAYS, "@TargetTableName", "RestoreTableFromBackup RestoreTableToPointInTime"),
    **_rows("dynamodb", ALWAYS, ".BackupDetails.BackupArn", "CreateBackup"),
    **_rows("dynamodb", ALWAYS, "@BackupArn", "DeleteBackup"),
    **_rows("dynamodb", ALWAYS, None, "TransactWriteItems ExecuteTransaction", token="ClientRequestToken", **_DYNAMODB_MISMATCH),
    **_rows("dynamodb", ALWAYS, ".ExportDescription.ExportArn", "ExportTableToPointInTime", token="ClientToken",
            mismatch="ExportConflictException"),
    **_rows("dynamodb", ALWAYS, ".ImportTableDescription.ImportArn", "ImportTable", token="ClientToken",
            mismatch="ImportConflictException"),
    **_rows("dynamodb", SET, "@TableName", "UpdateTable UpdateContinuousBackups UpdateTimeToLive"),
    **_rows("dynamodb", SET, "@ResourceArn", "TagResource UntagResource"),
    **_rows("route53", ALWAYS, "route53", "ChangeResourceRecordSets"),
    **_rows("route53", ALWAYS, "<Id", "CreateHostedZone CreateHealthCheck"),
    **_rows("route53", ALWAYS, "@Id", "DeleteHostedZone"),
    **_rows("route53", ALWAYS, "@HealthCheckId", "DeleteHealthCheck"),
    **_rows("route53", SET, "@HealthCheckId", "UpdateHealthCheck"),
    **_rows("route53", SET, "@ResourceId", "ChangeTagsForResource"),
    **_rows("backup", ALWAYS, ".BackupJobId", "StartBackupJob", **_BACKUP_TOKEN),
    **_rows("backup", ALWAYS, ".RestoreJobId", "StartRestoreJob", **_BACKUP_TOKEN),
    **_rows("backup", ALWAYS, ".CopyJobId", "StartCopyJob", **_BACKUP_TOKEN),
    **_rows("backup", ALWAYS, "@backupJobId", "StopBackupJob"),
    **_rows("backup", ALWAYS, "@recoveryPointArn", "DeleteRecoveryPoint DisassociateRecoveryPoint"),
    **_rows("backup", ALWAYS, "@backupVaultName", "CreateBackupVault DeleteBackupVault"),
    **_rows("backup", SET, "@recoveryPointArn", "UpdateRecoveryPointLifecycle"),
    **_rows("backup", SET, "@resourceArn", "TagResource UntagResource"),
    **_rows("eks", ALWAYS, "@name", "CreateCluster", **_EKS_TOKEN),
    **_rows("eks", ALWAYS, "@nodegroupName", "CreateNodegroup", **_EKS_TOKEN),
    **_rows("eks", SET, "@nodegroupName", "UpdateNodegroupConfig", **_EKS_TOKEN),
    **_rows("kms", NEVER, None, "Decrypt Encrypt ReEncrypt Sign Verify GenerateMac VerifyMac GenerateRandom GenerateDataKey "
            "GenerateDataKeyPair GenerateDataKeyWithoutPlaintext GenerateDataKeyPairWithoutPlaintext DeriveSharedSecret"),
    **_rows("sts", NEVER, None, "DecodeAuthorizationMessage"),
    **_rows("iam", NEVER, None, "GenerateCredentialReport GenerateServiceLastAccessedDetails"),
    **_rows("rds", NEVER, None, "DownloadDBLogFilePortion DownloadCompleteDBLogFile"),
    **_rows("route53", NEVER, None, "TestDNSAnswer"),
    **_rows("cloudwatch", NEVER, None, "PutMetricData"),
}  # fmt: skip

READS = re.compile(r"(Describe|List|Get|Head|BatchGet|Scan|Query|Lookup|Simulate|AssumeRole|TransactGet|Search|Select|Filter).*")
UNKNOWN = Row(ALWAYS, None, None, None, None)
FAMILY = {"DeleteTags": "CreateTags", "RemoveTagsFromResource": "AddTagsToResource", "UntagResource": "TagResource",
          "DeleteObjectTagging": "PutObjectTagging", "UnlockSnapshot": "LockSnapshot", "DisableImage": "EnableImage"}  # fmt: skip
SETTLED = {"stopping": "stopped", "pending": "running", "shutting-down": "terminated"}
ITEM = re.compile(rb"<instanceId>([^<]+)</instanceId>")
STATE_OF = {
    name: re.compile(rb"<%s>.*?<name>([^<]+)</name>.*?</%s>" % (name, name), re.S) for name in (b"currentState", b"previousState")
}


def row_of(call):
    """Returns the row of a call that may change something, and whether it stands in the table; None for one that only reads."""
    name = call.operation
    if name is None:
        return (None, False) if call.method in ("GET", "HEAD", "OPTIONS") else (UNKNOWN, False)
    row = TABLE.get((call.service, name))
    if row is not None:
        return (None if row.verdict == NEVER else row), True
    return (None, False) if READS.fullmatch(name) else (UNKNOWN, False)


def members(call):
    """Returns the plain members of a request: of its form, its JSON, its path and its query."""
    if call.protocol in ("query", "ec2"):
        return {**call.query, **dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))}
    out = {name: unquote(value) for name, value in call.labels.items()}
    out.update(call.query)
    if call.protocol in ("json", "rest-json") and call.body[:1] == b"{":
        try:
            out.update(json.loads(call.body))
        except ValueError:
            pass
    return out


def digest(call, without=()):
    """Returns what tells two requests of one operation apart, but for the members named."""
    said = {name: value for name, value in members(call).items() if name not in without}
    text = json.dumps([call.method, call.path if call.labels else "", said], sort_keys=True, default=str).encode()
    raw = b"" if call.protocol in ("query", "ec2", "json", "rest-json") else call.body
    return hashlib.sha256(text + raw).hexdigest()


def s3_key(call):
    """Returns bucket and key of a request."""
    return unquote(call.labels.get("Bucket", "")), unquote(call.labels.get("Key", ""))


def targets(call, row, reply):
    """Returns the names of what a call made or changed."""
    place = row.target
    if not place:
        return []
    if place == "s3":
        bucket, key = s3_key(call)
        if call.operation == "DeleteObjects":
            gone = re.findall(rb"<Deleted>.*?<Key>([^<]*)</Key>", reply.body, re.S)
            return [f"{bucket}/{name.decode('utf-8', 'replace')}" for name in gone]
        version = call.query.get("versionId") or reply.field("x-amz-version-id")
        part = f"#{call.query['partNumber']}" if "partNumber" in call.query else ""
        return [(f"{bucket}/{key}" if key else bucket) + part + (f"@{version}" if version and version != "null" else "")]
    if place == "route53":
        zone = unquote(call.labels.get("Id", ""))
        sets = re.findall(rb"<ResourceRecordSet>.*?<Name>([^<]*)</Name>.*?<Type>([^<]*)</Type>", call.body, re.S)
        return [f"{zone}/{name.decode()}/{kind.decode()}" for name, kind in sets] or [zone]
    if place[0] == "<":
        name = place[1:].encode()
        found = re.findall(rb"<%s>([^<]+)</%s>" % (name, name), reply.body)
        return list(dict.fromkeys(one.decode() for one in found))
    if place[0] == ".":
        try:
            value = json.loads(reply.body)
            for name in place[1:].split("."):
                value = value[name]
            return [str(value)]
        except (ValueError, LookupError, TypeError):
            return []
    said, name = members(call), place[1:].rstrip("*")
    if place.endswith("*"):
        return [value for key, value in said.items() if key.startswith(f"{name}.")]
    value = said.get(name)
    if value is None and call.operation == "BatchWriteItem":
        return sorted(said.get("RequestItems", {}))
    return [] if value is None else [str(value)]


def moved(reply):
    """Returns the instances whose state a call changed; on the way to a state counts as there."""
    out = []
    parts = re.split(rb"(?=<instanceId>)", reply.body)[1:]
    for part in parts:
        name = ITEM.match(part).group(1).decode()
        states = {key: found.group(1).decode() for key, one in STATE_OF.items() if (found := one.search(part))}
        if len(states) == 2:
            now, was = (SETTLED.get(states[key], states[key]) for key in (b"currentState", b"previousState"))
            if now != was:
                out.append(name)
    return out


def only_upserts(call):
    """Says whether a batch of record sets can be repeated without harm."""
    actions = set(re.findall(rb"<Action>([^<]*)</Action>", call.body))
    return actions == {b"UPSERT"}


def failed(call, reply):
    """Says whether an answer is no success, be its status 200."""
    if not 200 <= reply.status < 300:
        return True
    return call.service == "s3" and call.method != "GET" and b"<Error>" in reply.body[:300]
