"""One call from the request to the answer: identified, judged, carried out, and its effect written down."""

import json
import re
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlencode

import operations
from gateway_conditions import ask, refusal, was_there
from gateway_control import Control
from gateway_hide import Hidden
from gateway_http import Answer, moment
from gateway_ledger import Ledger, step_of
from gateway_rules import Clock, Rules
from gateway_table import GONE, SET, members, row_of, s3_key
from gateway_tokens import Tokens
from wire import error

KEY_OF_ROLE = re.compile(r"AccessKeyId\W+(?:<AccessKeyId>)?(ASIA\w+|AKIA\w+)")
ACCOUNT_OF_ROLE = re.compile(r"arn:aws[\w-]*:sts::(\d{12}):assumed-role")
RDS_VERSION = "2014-10-31"
FLEETING = re.compile(rb"<(ResponseMetadata|LatestRestorableTime)>.*?</\1>", re.S)
STRIPES = 1024


class Gateway:
    """Everything that the connections share."""

    def __init__(self, upstream):
        self.upstream = upstream
        self.clock, self.rules, self.ledger = Clock(), Rules(), Ledger()
        self.tokens, self.hidden = Tokens(self.clock), Hidden(self.clock)
        self.control = Control(self.ledger, self.rules, self.clock, self.tokens, self.hidden)
        self.accounts = {}
        self.keys = [threading.Lock() for _ in range(STRIPES)]
        operations.account_of = self._account_of

    def _account_of(self, environ, key):
        """Reads the account of a request; moto's own way would load all of IAM, and knows nothing of the upstream."""
        named = environ.get("HTTP_X_MOTO_ACCOUNT_ID")
        if named or not key:
            return named or operations.DEFAULT_ACCOUNT
        found = operations.ACCOUNT_KEY.fullmatch(key)
        if found:
            return found.group(1)
        return key if re.fullmatch(r"\d{12}", key) else self.accounts.get(key, operations.DEFAULT_ACCOUNT)

    def answer(self, request, link, sock, connection, count):
        """Returns the row of the log and the reply; the row says how the connection is cut if it is."""
        call = operations.identify(request.environ(), request.body) if request.fields or not request.half else None
        step = step_of(request.fields.get("user-agent")) or step_of(request.fields.get("x-amz-user-agent"))
        row = self.ledger.begin(request, call, step, connection, count)
        if request.half:
            return row, None
        sentence = self.rules.judge(call, step)
        if sentence.before_s:
            time.sleep(sentence.before_s)
        if sentence.rule is not None:
            row["rule"] = sentence.rule.spec["id"]
            row["cut"] = sentence.get("cut")
        carried = sentence.rule is None or sentence.get("after") or sentence.get("cut") == "truncate"
        try:
            reply = self._carry_out(call, request, link, sock, step, row, sentence) if carried else None
        except OSError:  # the upstream is not there
            reply = error(call, 503, "ServiceUnavailable", "the gateway cannot reach its upstream")
        if sentence.after_s:
            time.sleep(sentence.after_s)
        if reply is not None and getattr(reply, "partial", False):
            row["cut"] = row["cut"] or "partial"
        if sentence.rule is None or sentence.get("cut"):
            return row, reply
        late = sentence.get("ok_with_error")
        if late:
            reply = error(call, 200, late["code"], late["message"])
        else:
            reply = error(call, *sentence.rule.error(call))
        return row, reply

    def _carry_out(self, call, request, link, sock, step, row, sentence):
        table_row, in_table = row_of(call)
        if table_row is None:
            row["forwarded"] = True
            reply = link.exchange(request.forward(), request.method, sock)
            if reply is not None and not reply.partial:
                if call.operation and call.operation.startswith("AssumeRole") and reply.status == 200:
                    self._learn(reply)
                reply = self.hidden.edit(call, reply)
            return reply
        key = self.tokens.key(call, table_row)
        with self._held(call, key):
            if key is not None:
                reply = self.tokens.answer(key, call, table_row)
                if reply is not None:
                    row["replayed"] = reply.status < 300
                    headers = [*reply.headers, ("x-gateway-replayed", "1")] if row["replayed"] else reply.headers
                    return Answer(reply.status, headers, reply.body)
            if call.service == "s3":
                refused = refusal(link, request, call)
                if refused is not None:
                    return refused
            before = self._before(call, table_row, request, link)
            row["forwarded"] = True
            reply = link.exchange(request.forward(), request.method, sock)
            at = moment()
            if reply is None:
                return None
            probed = self._after(call, table_row, request, link, before, reply)
            names = self.ledger.judge(call, table_row, in_table, step, reply, row, at, probed)
            if sentence.hide_s and names:
                self.hidden.add(call, table_row, names, sentence.hide_s)
            if key is not None:
                self.tokens.remember(key, call, table_row, reply)
        return reply

    @contextmanager
    def _held(self, call, key):
        """Keeps others from the same token, or from writing the same key, until this call is done."""
        lock = None
        if key is not None:
            lock = self.tokens.lock(key)
        elif call.service == "s3" and "Key" in call.labels and "partNumber" not in call.query:
            lock = self.keys[hash(s3_key(call)) % STRIPES]
        if lock is None:
            yield
        else:
            with lock:
                yield

    def _before(self, call, table_row, request, link):
        if table_row.verdict == GONE:
            return was_there(link, request, call)
        return self._described(call, table_row, request, link)

    def _after(self, call, table_row, request, link, before, reply):
        """Returns whether the call made a difference, or whether what it deletes was there; None if nobody knows."""
        if table_row.verdict == GONE:
            return before
        if before is None or not 200 <= reply.status < 300:
            return None
        return self._described(call, table_row, request, link) != before

    def _described(self, call, table_row, request, link):
        if table_row.verdict != SET or table_row.probe is None:
            return None
        member = table_row.target[1:]
        asked = {"Action": table_row.probe, "Version": RDS_VERSION, member: members(call).get(member, "")}
        kind = "application/x-www-form-urlencoded; charset=utf-8"
        found = ask(link, request, "POST", "/", urlencode(asked).encode(), kind)
        return None if found is None else (found.status, FLEETING.sub(b"", found.body))

    def _learn(self, reply):
        """Remembers whose account a key is that the upstream just gave."""
        text = reply.body.decode("utf-8", "replace")
        if reply.body[:1] == b"{":
            text = json.dumps(json.loads(text))
        key, account = KEY_OF_ROLE.search(text), ACCOUNT_OF_ROLE.search(text)
        if key and account:
            self.accounts[key.group(1)] = account.group(1)
