"""The gateway for tests: a proxy in front of an AWS test server that judges whether anything was done twice.

    python gateway.py --upstream http://127.0.0.1:PORT [--port N] [--keep]

It listens on 127.0.0.1 (a free port unless told), prints one line `{"port": N}` to standard output, and ends when its
standard input ends (with `--keep` it goes on). The upstream is server.py (moto), MiniStack, or anything that speaks AWS.
Paths that begin with /_gateway/ are its own; others that begin with /_ (/_gear/...) go to the upstream as they are and
are not logged; all else are calls. Service, operation, Region and account are told as server.py tells them; keys that
AssumeRole gave through the gateway belong to the account of the role.

Whose call it is
================
The User-Agent (or x-amz-user-agent) of a call of a run carries a word of its own,
`lifeboat-step/<run>/<step>/<direction>/<attempt>/<call>`: run and step are [A-Za-z0-9._-]+, direction is `forward` or
`undo`, attempt and call are numbers. A call without it is unattributed.

Order: rules (what comes before the call), tokens, conditions, the upstream, effects, rules (what comes after it).

What is an effect
=================
An answer of the upstream that says that something changed, whether or not the client got it. One row an operation in
gateway_table.py:
  always   every 2xx (CreateSnapshot, RestoreDBInstanceFromDBSnapshot, FailoverDBCluster, PutObject, ...)
  set      every 2xx, marked `repeatable`; `changed` says whether it made a difference: ModifyDBInstance and
           ModifyDBCluster are described before and after, of others the last request for the same target must differ
           (tags, attributes, UpdateTable, batches of only UPSERT in Route 53, ...)
  state    Stop-, Start-, TerminateInstances: previousState and currentState differ, and not only as stopping from stopped
  gone     DeleteObject: what it names was there (asked by a HEAD before), or a delete marker was laid
  once     CompleteMultipartUpload: the first 2xx for an upload
  never    Decrypt, PutMetricData, ...: changes nothing that stays
Operations that are not in the table and do not read (by name: Describe, List, Get, Head, ...) are `always`, and
`unknown`. An S3 answer of 200 with an <Error> in it is none. What the gateway itself answers is none.
What the upstream did and did not own up to is not seen: answers are lost by rules of the gateway, not by those of
server.py with `after`.

What AWS does and test servers do not, and is therefore done here
=================================================================
Tokens: ClientToken of EC2 (any operation), ClientToken and ClientRequestToken of DynamoDB, IdempotencyToken of the jobs
of AWS Backup, clientRequestToken of EKS. The same token with the same parameters is answered with the first answer and
not sent on (x-gateway-replayed: 1); with others it is IdempotentParameterMismatch, 400 (DynamoDB:
IdempotentParameterMismatchException; Backup: InvalidParameterValueException, a guess). Only successes are remembered, by
account, Region and operation.
Conditions of S3: If-Match and If-None-Match of PutObject, CopyObject, CompleteMultipartUpload and DeleteObject, and
x-amz-copy-source-if-*: 412 PreconditionFailed with the Condition, 404 NoSuchKey for an If-Match with an ETag where
nothing is. They hold against other writes of the same key through the gateway. What was judged here is not sent on.

To judge, the gateway itself asks the upstream: HEAD before DeleteObject and before a write with a condition, DescribeDB...
around ModifyDBInstance and ModifyDBCluster. These carry the User-Agent `gateway-probe`: the upstream counts them among its
calls (/_gear/calls) and its own rules can meet them; the gateway's log does not show them.

Control: JSON in and out, under /_gateway/
==========================================
A slip in a request is answered with 400 and `{"error": ...}`. DELETE without a parameter removes all.

GET    /_gateway/health
GET    /_gateway/log?since=N&run=  requests with n above N, in the order in which they were whole: "n", "connection",
                                   "request" (number on its connection), "service", "operation", "region", "account",
                                   "method", "path", "bytes", "first_byte", "received", "reply" (moments of the first byte
                                   that came, of all of it, of the first byte that went out; {"mono_ns", "wall_ns"} or
                                   null), "status" (null: not answered yet, or never), "half" (the client went in the
                                   middle: not sent on), "forwarded", "replayed", "client_gone", "rule" (id), "cut",
                                   "effect" (n of it), and "run", "step", "direction", "attempt", "call" or nulls.
                                   The last 200000. A row is there before its answer is, and is filled in then.
GET    /_gateway/effects?run=&step=&direction=&account=&service=&operation=
                                   [{"n", "run", "step", "direction", "attempt", "call", "service", "operation", "account",
                                   "region", "target" (id, name, bucket/key@version, zone/name/type), "targets" (all of
                                   them), "at", "at_ns", "request_id", "log" (n), "repeatable", "changed", "unattributed",
                                   "unknown"}]; one for each call, however much it made
GET    /_gateway/twice?run=&by=    [{"run", "step", "direction", "call", "service", "operation", "count", "effects"}]: more
                                   than one effect of the same call, whatever the attempts; repeatable ones count only if
                                   they changed something. by=step: more than one attempt of a step had an effect by the
                                   same operation, whatever the calls ("call" is left out). Unattributed ones never.
GET    /_gateway/unattributed      the effects of calls that carry no token, same filters
GET    /_gateway/unknown           [{"service", "operation", "count"}]: effects by operations without a row in the table
POST   /_gateway/rules             [rule, ...] or one rule; added to those there are. -> {"ids": [...]}
         rule: "id", "service", "operation" (regular expression for the whole name), "region", "account", "run", "step",
         "direction", "attempt", "call": which calls; "skip": n (let the first n pass), "times": n (act n times);
         "delay_ms": waits before the call is sent on; with "after": once it was carried out, before the reply. Alone it
         ends nothing, and further rules apply;
         "status", "code", "message": the error, in the form of the protocol; any of them may be left out;
         "throttle": true: the error by which that service throttles;
         "cut": "reset" (TCP RST), "truncate" (carried out; half the body, then the end), "hang" (no answer until the
         client goes);
         "ok_with_error": {"code", "message"}: CopyObject, UploadPartCopy and CompleteMultipartUpload of S3 answer 200
         with an <Error> as the body; other calls do not fit such a rule;
         "after": true: the call is carried out first (its effect is written down), then the error or the cut is what the
         client gets. Without it an error or a cut means that the upstream never saw the call;
         "hide": {"seconds": s}: what the call made is not told by Describe, List and Get until s seconds of the gateway's
         clock have gone: NotFound by its id, left out of lists. EC2: volumes, snapshots, instances, images, interfaces,
         addresses, launch templates; RDS: instances, snapshots, clusters and theirs; services that speak JSON, and
         GetResources of all. Not S3, which is consistent, and not Route 53. Changing calls see everything. Ends nothing; goes with "after".
         The first rule that fits and ends the call wins. A rule counts only what it is asked about.
GET    /_gateway/rules?account=    the rules with "matched" and "fired"
DELETE /_gateway/rules?account=|id=
POST   /_gateway/clock             {"offset_s": 3600}: the gateway's time is so far from the real one; for hide and tokens
GET    /_gateway/clock             {"now", "offset_s"}
POST   /_gateway/tokens            {"life_s": 86400 | null}: how long tokens are remembered; null: for ever (the default)
GET    /_gateway/tokens            {"life_s", "known"}
DELETE /_gateway/tokens            all are forgotten
GET    /_gateway/hidden            [{"account", "region", "service", "kind", "id", "for_s"}]
DELETE /_gateway/hidden            everything is seen again
POST   /_gateway/reset             all of the above is forgotten, the clock real; the upstream is not touched
"""

import os

os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")

import argparse
import itertools
import json
import socket
import sys
import threading
import traceback
from urllib.parse import urlsplit

sys.dont_write_bytecode = True

from gateway_call import Gateway
from gateway_http import Gone, Link, Stream, moment, read_request, reply_bytes, reset, wait_gone


class Connection:
    """One client: its requests are read, judged and answered one after the other."""

    def __init__(self, sock, gateway, number):
        self.sock, self.gateway, self.number = sock, gateway, number
        self.stream, self.link = Stream(sock), Link(gateway.upstream)

    def run(self):
        try:
            for count in itertools.count(1):
                request = read_request(self.stream)
                if request is None or not self._answer(request, count):
                    break
        except (OSError, Gone):
            pass
        except Exception:
            traceback.print_exc()  # the gateway is wrong, not the test
            reset(self.sock)  # never an end that looks like an answer
        finally:
            self.link.close()
            try:
                self.sock.close()
            except OSError:
                pass

    def _answer(self, request, count):
        """Answers a request and says whether the connection goes on."""
        if request.target.startswith("/_") and not request.half:
            if request.target.startswith("/_gateway/"):
                status, value = self.gateway.control.handle(request)
                body = json.dumps(value).encode()
                headers = [("Content-Type", "application/json")]
            else:
                reply = self.link.exchange(request.forward(), request.method)
                if reply is None:
                    reset(self.sock)
                    return False
                status, headers, body = reply.status, reply.headers, reply.body
            self.sock.sendall(reply_bytes(status, headers, body, request.method, closes=request.closes))
            return not request.closes
        row, reply = self.gateway.answer(request, self.link, self.sock, self.number, count)
        if request.half:
            return False
        cut = row["cut"]
        if cut == "hang":
            wait_gone(self.sock)
            row["client_gone"] = True
            return False
        if cut == "reset" or reply is None:
            reset(self.sock)
            return False
        data = reply_bytes(reply.status, reply.headers, reply.body, request.method, cut, request.closes)
        self.gateway.ledger.replied(row, moment())
        row["status"] = reply.status
        try:
            self.sock.sendall(data)
        except OSError:
            row["client_gone"] = True
            return False
        return not (cut or request.closes)


def _until_end_of_input():
    try:
        while sys.stdin.buffer.read(4096):
            pass
    finally:
        os._exit(0)


def main():
    reader = argparse.ArgumentParser(description="The gateway for tests of the project.")
    reader.add_argument("--upstream", required=True)
    reader.add_argument("--port", type=int, default=0)
    reader.add_argument("--keep", action="store_true", help="go on when the standard input ends")
    asked = reader.parse_args()
    upstream = urlsplit(asked.upstream)
    gateway = Gateway((upstream.hostname, upstream.port))
    listener = socket.create_server(("127.0.0.1", asked.port), backlog=128)
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    if not asked.keep:
        threading.Thread(target=_until_end_of_input, daemon=True).start()
    numbers = itertools.count(1)
    try:
        while True:
            sock, _ = listener.accept()
            one = Connection(sock, gateway, next(numbers))
            threading.Thread(target=one.run, daemon=True).start()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
