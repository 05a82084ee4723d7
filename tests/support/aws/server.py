"""The AWS test server: moto behind a wrapper that can fail, be slow, be old, and answer what moto does not.

    python server.py [--port N] [--keep]

It listens on 127.0.0.1 (a free port unless told), prints one line `{"port": N}` to standard output, and ends when its
standard input ends (with `--keep` it goes on). `GEAR_TRACE=1` writes what moto raises to standard error.

Who calls
=========
Service, Region and access key are read from the SigV4 scope; no signature is checked. The service is named as boto3
names it (`cloudwatch`, `elbv2`, `resourcegroupstaggingapi`, ...). The account is, in this order: the header
`x-moto-account-id`; the access key `AKIAGEAR` or `ASIAGEAR` followed by the 12 digits of the account
(`AKIAGEAR222222222222`); the account of the role that gave the key (AssumeRole) or of the user it was created for;
else 123456789012. Tests that share a server keep apart by account: rules, buckets, stubs and calls can be told by it.
The clock, `dwell` and `/_gear/latency` without an account are the server's own: they hold for all.

Order: latency, buckets, rules, stubs, moto. Connections are kept alive. One call at a time is in moto itself, waiting
ones (latency, delay_ms, hang) hold up nobody. An operation that moto does not have answers 501 `NotImplemented` in the
form of its protocol. An answer that rests on a stub, on a fact laid down by a test (patch, restore-window,
latest-restorable) or that was cut into pages here carries `x-gear-stub: 1`; one that only dwells does not.

Control: JSON in and out, under /_gear/
=======================================
A slip in a request is answered with 400 and `{"error": ...}`. DELETE without a parameter removes all.

GET    /_gear/health
POST   /_gear/clock              {"offset_s": -93600} | {"at": "2026-11-20T03:00:00Z"}, both with "frozen": true if it is
                                 to stand still. {"offset_s": 0} is the real time again. All times that moto writes
                                 follow, and the Date header; waiting does not. Credentials of AssumeRole expire by it.
GET    /_gear/clock              {"now": "2026-11-20T03:00:00.000000Z", "offset_s": -93600.0, "frozen": false}
POST   /_gear/rules              [rule, ...] or one rule; added to those there are. -> {"ids": [...]}
         rule: "id", "service", "operation" (regular expression for the whole name), "region", "account": which calls;
         "skip": n (let the first n pass), "times": n (act n times, then no more);
         "status", "code", "message": the error, any of them may be left out;
         "delay_ms": waits; alone it lets the call go on afterwards (and further rules apply);
         "cut": "reset" (TCP RST), "truncate" (half the body, then the end), "hang" (no answer until the client goes);
         "after": true: the call is carried out first, and then the error or the cut is what the client gets.
         The first rule that fits and ends the call wins. Only a Region and a cut or status: that Region is dead.
GET    /_gear/rules?account=     the rules with "matched" and "fired"
DELETE /_gear/rules?account=|id=
POST   /_gear/buckets            {"service", "operation"?, "account"?, "region"?, "rate_per_s", "burst", "code"?, "status"?,
                                 "message"?}: throttles; one or a list. Without "code": what that service says.
GET    /_gear/buckets?account=   with "tokens", "passed", "refused"
DELETE /_gear/buckets?account=|id=
POST   /_gear/latency            {"ms": 80, "account"?}: added to every call (of that account)
POST   /_gear/dwell              {"rds.db": ["creating", 1.5], "rds.snapshot": ["creating", 1], ...}: how a new resource
                                 looks and for how many real seconds; null ends it. Kinds: rds.db, rds.snapshot,
                                 rds.cluster, rds.cluster_snapshot, ec2.snapshot, ec2.image, dynamodb.table,
                                 dynamodb.backup, eks.cluster, eks.nodegroup. Progress members and filters follow.
GET, DELETE /_gear/dwell
POST   /_gear/stub               {"service", "operation", "region"?, "account"?, "match"?: {input member: value},
                                 "pages"?: [{output members}], "error"?: {"status", "code", "message"}, "times"?: n}
                                 Members as in the botocore model, checked; times as RFC 3339; one or a list. Several pages
                                 are told apart by the operation's own token. The newest that fits answers; without "pages"
                                 the answer is empty.
GET    /_gear/stub?account=      with "served"
DELETE /_gear/stub?account=|id=
         Always there, below those of tests, and empty: backup ListRecoveryPointsByResource,
         ListRecoveryPointsByBackupVault, ListBackupJobs, ListCopyJobs, ListRestoreJobs, ListProtectedResources,
         ListBackupSelections, GetBackupSelection; dlm GetLifecyclePolicies; ec2 DescribeLockedSnapshots,
         DescribeVolumeStatus; rds DescribePendingMaintenanceActions; iam SimulatePrincipalPolicy (all allowed).
POST   /_gear/simulate           {"account"?, "principal"?, "actions": ["rds:Restore*"], "resources"?: ["arn:..."],
                                 "decision"?: "implicitDeny"|"explicitDeny"|"allowed"}: what SimulatePrincipalPolicy says
DELETE /_gear/simulate?account=
POST   /_gear/restore-window     {"account"?, "region", "instance", "earliest", "latest", "status"?}: for
                                 DescribeDBInstanceAutomatedBackups
POST   /_gear/latest-restorable  {"account"?, "region", "instance" | "cluster", "at": time or null}: null leaves the
                                 member out
DELETE /_gear/restore-window?account=, /_gear/latest-restorable?account=
POST   /_gear/patch              {"account"?, "region", "resource": "rds.snapshot", "id", "set": {name: value}}: a name as
                                 the API has it ("SnapshotDatabaseTime", "StorageTier", "State", "StateMessage",
                                 "RestoreExpiryTime", "DataEncryptionKeyId", "StatusInfos", ...) is laid over the answer
                                 (null leaves it out), and set in moto where moto keeps it; a name in snake_case is an
                                 attribute of moto's object. Resources: rds.db, rds.snapshot, rds.cluster,
                                 rds.cluster_snapshot, ec2.snapshot, ec2.image, ec2.volume, ec2.instance, dynamodb.table,
                                 dynamodb.backup, kms.key, backup.vault, eks.cluster, or service.attribute of a backend.
                                 "service" may stand apart: {"service": "rds", "resource": "snapshot"}. Names laid over
                                 answers work for rds, ec2 and others that moto answers from models; not dynamodb.
POST   /_gear/written            {"account"?, "bucket", "objects": {key: time}}: S3 says of the newest version of each key
                                 that it was written then; the clock of the server stays where it is
POST   /_gear/objects            {"account"?, "bucket", "objects": [{"key", "versions": [version, ...]}]}: laid straight into
                                 a bucket that keeps versions, oldest first, on top of what is there. -> {"version_ids":
                                 {key: [ids, oldest first]}}
         version: "text" or "base64", or "delete_marker": true; "at": when it was stored (now); "version_id"; "etag" (the
         MD5, which AWS gives neither under SSE-KMS nor to what came in parts); "encryption": what it is said to be
         under. 100 000 of them take 5 s and 350 MB.
GET    /_gear/calls?account=&service=&operation=&region=
                                 [{"service", "operation", "region", "account", "status", "stub", "bytes"}], the last
                                 200000; status 0: cut before an answer
DELETE /_gear/calls?account=
POST   /_gear/reset              moto is empty, the clock real, and all of the above forgotten

What else differs from bare moto
================================
EC2 DescribeSnapshots, DescribeImages, DescribeVolumes and DescribeInstanceStatus honour MaxResults and NextToken
(DescribeInstances by reservation, which is moto's own). Copies of RDS snapshots carry SourceDBSnapshotIdentifier,
SourceRegion (from another Region), OriginalSnapshotCreateTime and SnapshotDatabaseTime; copies of EBS snapshots name the
volume vol-ffffffff, as AWS does. DbiResourceId differs between instances. A restored instance is neither Multi-AZ nor
protected against deletion nor open to IAM logins unless asked. A promoted replica is a primary. CreateGlobalCluster finds
its source in any Region. Route 53 carries out a change batch whole or not at all, deletes a record set only if it is given
as it is, and with a SetIdentifier only that one. S3 GetObjectRetention answers (as a stub); GetBucketReplication gives
each rule back as it was put; ListObjectVersions gives no more than 1000 in a page, has delete markers among the versions,
in their order, and takes as long as the page is, not as the bucket (versions.py). rpc-v2-cbor is understood for CloudWatch.
Clusters that are not encrypted name no key. Instances are found by their zone, and CreateImage tags the snapshots. No
stock AMIs.
"""

import os

os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
os.environ.setdefault("MOTO_DISABLE_GLOBAL_CORS", "true")
os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

import argparse
import gzip
import io
import json
import logging
import select
import socket
import struct
import sys
import threading
import time
import traceback
import warnings
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

sys.dont_write_bytecode = True
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

import services
import shapes
from control import Control
from operations import ACCOUNT_KEY, identify, set_current, to_json
from wire import CBOR, GearError, Reply, error

TRACE = bool(os.environ.get("GEAR_TRACE"))
HOP = {"connection", "content-length", "date", "server", "transfer-encoding"}


class Gear:
    """Answers every request: control, faults, stubs, moto."""

    def __init__(self):
        self.app = DomainDispatcherApplication(create_backend_app)
        self.app.get_backend_for_host = lru_cache(maxsize=1024)(self.app.get_backend_for_host)  # it looks through all names
        self.lock = threading.RLock()
        self.accounts = {}
        self.control = Control(self.reset, self.lock)
        shapes.install()
        self._know_accounts()

    def _know_accounts(self):
        """Reads the account from keys that name it, and remembers the others: moto looks through all its accounts."""
        from moto.iam import models

        asked = models.get_account_id_from

        def get_account_id_from(access_key):
            found = self.accounts.get(access_key)
            if found is None:
                named = ACCOUNT_KEY.fullmatch(access_key)
                if named:
                    found = self.accounts[access_key] = named.group(1)
                else:
                    with self.lock:
                        found = self.accounts[access_key] = asked(access_key)
            return found

        models.get_account_id_from = get_account_id_from

    def reset(self):
        """Empties moto."""
        BackendDict.reset()
        reset_model_data()
        self.accounts.clear()

    def answer(self, environ, body, connection):
        """Returns the reply to a request; None when the connection is to be reset."""
        if environ["PATH_INFO"].startswith("/_gear/"):
            status, value = self.control.handle(environ, body)
            return Reply(status, [("Content-Type", "application/json")], json.dumps(value).encode())
        if environ.get("HTTP_CONTENT_ENCODING") == "gzip" and _is_call(environ):
            body = gzip.decompress(body)
            del environ["HTTP_CONTENT_ENCODING"]
        call = identify(environ, body)
        reply = self._judged(call, connection)
        if call.stub and reply is not None and not any(name == "x-gear-stub" for name, _ in reply.headers):
            reply.headers.append(("x-gear-stub", "1"))
        answered = reply is not None and reply.cut is None
        self.control.calls.append(
            (call.service, call.operation, call.region, call.account, reply.status if answered else 0, call.stub,
             len(reply.body) if answered else 0)
        )  # fmt: skip
        return reply

    def _judged(self, call, connection):
        wait, bucket, rule = self.control.faults.judge(call)
        if wait > 0:
            time.sleep(wait)
        if bucket is not None:
            return error(call, *bucket.error(call))
        if rule is None:
            return self._served(call)
        spec = rule.spec
        cut = spec.get("cut")
        reply = self._served(call) if spec.get("after") or cut == "truncate" else None
        if cut == "truncate":
            reply.cut = cut
            return reply
        if cut == "hang":
            _hang(connection)
            return None
        if cut == "reset":
            return None
        return error(call, spec.get("status"), spec.get("code"), spec.get("message"))

    def _served(self, call):
        set_current(call)
        try:
            if call.operation is not None:
                reply = self.control.stubs.answer(call)
                if reply is not None:
                    if call.service == "s3":
                        reply.body, reply.headers = s3_roots(reply.body, reply.headers)
                    return reply
            return self._moto(call)
        except GearError as failure:
            return error(call, failure.status, failure.code, failure.message)
        except NotImplementedError as failure:
            return error(call, 501, "NotImplemented", f"{call.service}.{call.operation}: {failure}")
        except Exception as failure:
            if TRACE:
                traceback.print_exc()
            if self.app.get_backend_for_host(f"{call.service}.{call.region}.amazonaws.com") is None:
                return error(call, 501, "NotImplemented", f"moto does not have {call.service}")
            return error(call, 500, "InternalFailure", f"{call.service}.{call.operation}: {type(failure).__name__}: {failure}")
        finally:
            set_current(None)

    def _moto(self, call):
        environ = call.environ
        if call.protocol == CBOR:
            to_json(call)
        environ["wsgi.input"] = io.BytesIO(call.body)
        environ["CONTENT_LENGTH"] = str(len(call.body))
        got = []

        def start_response(status, headers, exc_info=None):
            got[:] = [status, headers]
            return lambda data: None

        with self.lock:
            services.prepare(call.service)
            parts = self.app(environ, start_response)
            try:
                body = b"".join(parts)
            finally:
                if hasattr(parts, "close"):
                    parts.close()
        status = int(got[0].split(" ", 1)[0])
        headers = [(name, value) for name, value in got[1] if name.lower() not in HOP or name.lower() == "content-length"]
        kind = next((value for name, value in headers if name.lower() == "content-type"), "")
        if status in (404, 405, 500) and kind.startswith("text/html") and body[:15].lower().startswith((b"<!doctype", b"<html")):
            raise NotImplementedError("moto does not have this operation")
        if call.service == "s3" and status == 200:
            body, headers = s3_roots(body, headers)
        return Reply(status, headers, body)


# moto names the root of these answers after the operation, and clients that look at it refuse them.
ROOTS = {
    b"GetBucketVersioningResponse": b"VersioningConfiguration",
    b"GetBucketEncryptionResponse": b"ServerSideEncryptionConfiguration",
    b"GetBucketReplicationResponse": b"ReplicationConfiguration",
    b"GetObjectLockConfigurationResponse": b"ObjectLockConfiguration",
    b"GetBucketLifecycleConfigurationResponse": b"LifecycleConfiguration",
    b"ListPartsResponse": b"ListPartsResult",
    b"CompleteMultipartUploadResponse": b"CompleteMultipartUploadResult",
}


def s3_roots(body, headers):
    """Gives answers of S3 the root elements that AWS gives them."""
    for wrong, right in ROOTS.items():
        if wrong in body[:200] or wrong in body[-200:]:
            body = body.replace(wrong, right)
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
    return body, headers


def _is_call(environ):
    """Says whether a body holds the input of a call, and not what is to be stored."""
    return (
        "HTTP_X_AMZ_TARGET" in environ
        or environ["PATH_INFO"].startswith("/service/")
        or environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    )


def _hang(connection):
    """Keeps still until the client goes."""
    while True:
        try:
            ready, _, _ = select.select([connection], [], [], 0.25)
            if ready and not connection.recv(1 << 16):
                return
        except (OSError, ValueError):
            return


class Handler(WSGIRequestHandler):
    """Reads a request, lets the gear answer, and keeps the connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def run_wsgi(self):
        environ = self.make_environ()
        if environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read()
            environ.pop("HTTP_TRANSFER_ENCODING", None)
            environ.pop("wsgi.input_terminated", None)
        else:
            size = int(environ.get("CONTENT_LENGTH") or 0)
            body = self.rfile.read(size) if size else b""
            if len(body) < size:
                self.close_connection = True
                return
        reply = self.server.app.answer(environ, body, self.connection)
        if reply is None:
            self._reset()
            return
        self._write(reply)

    def _write(self, reply):
        try:
            phrase = HTTPStatus(reply.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [f"HTTP/1.1 {reply.status} {phrase}"]
        length = len(reply.body)
        for name, value in reply.headers:
            if name.lower() == "content-length":
                if self.command == "HEAD":
                    length = value
                continue
            lines.append(f"{name}: {value}")
        lines.append(f"Date: {formatdate(time.time(), usegmt=True)}")
        if reply.status not in (204, 304):
            lines.append(f"Content-Length: {length}")
        if self.close_connection or reply.cut:
            lines.append("Connection: close")
        body = b"" if self.command == "HEAD" else reply.body
        if reply.cut:
            self.close_connection = True
            body = body[: len(body) // 2]
        self.wfile.write("\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body)
        self.wfile.flush()

    def _reset(self):
        """Closes with RST instead of FIN."""
        self.close_connection = True
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        except OSError:
            pass

    def handle_expect_100(self):
        """Tells the client at once to send the body."""
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.wfile.flush()
        return True

    def finish(self):
        try:
            super().finish()
        except (OSError, ValueError):
            pass

    def handle(self):
        try:
            super().handle()
        except (OSError, ValueError):
            self.close_connection = True

    def log(self, type, message, *args):
        pass


class Server(ThreadedWSGIServer):
    """The listening side."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        if TRACE:
            traceback.print_exc()


def _until_end_of_input():
    try:
        while sys.stdin.buffer.read(4096):
            pass
    finally:
        os._exit(0)


def _warm(gear):
    """Loads what every test uses while nobody asks yet."""
    for service in ("ec2", "rds", "s3", "dynamodb"):
        with gear.lock:
            services.prepare(service)
            scope = f"AWS4-HMAC-SHA256 Credential=K/D/us-east-1/{service}/aws4_request,"
            target = "DynamoDB_20120810.ListTables"
            gear.app.get_application(
                {"PATH_INFO": "/", "HTTP_HOST": "localhost", "HTTP_AUTHORIZATION": scope, "HTTP_X_AMZ_TARGET": target}
            )


def main():
    reader = argparse.ArgumentParser(description="The AWS test server of the project.")
    reader.add_argument("--port", type=int, default=0)
    reader.add_argument("--keep", action="store_true", help="go on when the standard input ends")
    asked = reader.parse_args()
    gear = Gear()
    server = Server("127.0.0.1", asked.port, gear, handler=Handler)
    print(json.dumps({"port": server.server_address[1]}), flush=True)
    sys.stdout = sys.stderr if TRACE else open(os.devnull, "w")  # moto prints; nobody reads on
    if not asked.keep:
        threading.Thread(target=_until_end_of_input, daemon=True).start()
    threading.Thread(target=_warm, args=(gear,), daemon=True).start()
    try:
        server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
