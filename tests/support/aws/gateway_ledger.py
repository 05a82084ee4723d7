"""What came, byte by byte; what it changed; and what was changed twice."""

import re
import threading
from collections import Counter, deque
from datetime import datetime, timezone

from gateway_table import FAMILY, GONE, ONCE, SET, STATE, digest, failed, moved, only_upserts, targets

KEPT = 200_000
STEP = re.compile(
    r"(?:^|\s)lifeboat-step/([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+)/(forward|undo)/(\d+)/(\d+)(?=\s|$)"
)  # fmt: skip
STEP_KEYS = ("run", "step", "direction", "attempt", "call")
REQUEST_ID = re.compile(rb"<[Rr]equestI[dD]>([^<]+)</")


def step_of(agent):
    """Reads who calls from a User-Agent: run, step, direction, attempt and call; None without the token."""
    found = STEP.search(agent or "")
    if found is None:
        return None
    run, step, direction, attempt, call = found.groups()
    return {"run": run, "step": step, "direction": direction, "attempt": int(attempt), "call": int(call)}


def request_id(reply):
    """Returns the number that the service gave a request."""
    found = reply.field("x-amzn-requestid") or reply.field("x-amz-request-id")
    if not found and (hit := REQUEST_ID.search(reply.body[-600:]) or REQUEST_ID.search(reply.body[:600])):
        found = hit.group(1).decode()
    return found


class Ledger:
    """The log of requests and the list of effects."""

    def __init__(self):
        self.lock = threading.Lock()
        self.clear()

    def clear(self):
        with self.lock:
            self.rows, self.effects, self.number, self.effect_number = deque(maxlen=KEPT), [], 0, 0
            self.last, self.completed, self.unknown = {}, set(), Counter()

    def begin(self, request, call, step, connection, on_connection):
        """Writes a request down when it is whole, or when it is known that it never will be."""
        row = {
            "n": 0,
            "connection": connection,
            "request": on_connection,
            "service": call.service if call else None,
            "operation": call.operation if call else None,
            "region": call.region if call else None,
            "account": call.account if call else None,
            "method": request.method,
            "path": request.target,
            "bytes": request.size,
            "first_byte": _moment(request.first),
            "received": _moment(request.received),
            "reply": None,
            "status": None,
            "half": request.half,
            "forwarded": False,
            "replayed": False,
            "client_gone": request.half,
            "rule": None,
            "cut": None,
            "effect": None,
            **(step or dict.fromkeys(STEP_KEYS)),
        }
        with self.lock:
            self.number += 1
            row["n"] = self.number
            self.rows.append(row)
        return row

    def replied(self, row, at):
        """Notes when the first byte of the reply went out."""
        row["reply"] = _moment(at)

    def judge(self, call, table_row, in_table, step, reply, log_row, at, probed):
        """Writes down what an answer of the upstream says was changed, and returns the names of that.

        `probed` is, for what is described before and after, whether it differs; for what is deleted, whether it was
        there; None if that is not known.
        """
        if failed(call, reply):
            return []
        names = moved(reply) if table_row.verdict == STATE else targets(call, table_row, reply)
        if table_row.verdict == STATE and not names:
            return []
        if table_row.verdict == GONE and not self._deleted(call, reply, probed):
            return []
        if call.operation == "DeleteObjects" and not names:
            return []
        repeatable = table_row.verdict == SET or (call.service == "route53" and only_upserts(call))
        with self.lock:
            if table_row.verdict == ONCE:
                upload = (call.account, call.path, call.query.get("uploadId"))
                if upload in self.completed:
                    return []
                self.completed.add(upload)
            changed = self._changed(call, names, probed) if repeatable else True
            self.effect_number += 1
            log_row["effect"] = self.effect_number
            if not in_table:
                self.unknown[(call.service, call.operation)] += 1
            self.effects.append({
                "n": self.effect_number,
                **(step or dict.fromkeys(STEP_KEYS)),
                "service": call.service,
                "operation": call.operation,
                "account": call.account,
                "region": call.region,
                "target": names[0] if names else None,
                "targets": names,
                "at": datetime.fromtimestamp(at[1] / 1e9, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "at_ns": at[1],
                "request_id": request_id(reply),
                "log": log_row["n"],
                "repeatable": repeatable,
                "changed": changed,
                "unattributed": step is None,
                "unknown": not in_table,
            })  # fmt: skip
        return names

    def _deleted(self, call, reply, there):
        """A delete without a version leaves a delete marker where versions are kept; else something has to go."""
        marked = "versionId" not in call.query and reply.field("x-amz-delete-marker") == "true"
        return marked or there is not False

    def _changed(self, call, names, probed):
        """Says whether what is set differs from what was set last; what undoes a thing is of its family."""
        family = FAMILY.get(call.operation, call.operation)
        key = (call.account, call.region, call.service, family, tuple(names))
        said = (call.operation, digest(call))
        before, self.last[key] = self.last.get(key), said
        return probed if probed is not None else before != said

    def log(self, since=0, run=None):
        with self.lock:
            return [dict(row) for row in self.rows if row["n"] > since and run in (None, row["run"])]

    def list(self, **wanted):
        """Returns the effects of a run, a step, an account; all without a wish."""
        wanted = {key: value for key, value in wanted.items() if value is not None}
        with self.lock:
            return [dict(one) for one in self.effects if all(str(one.get(key)) == value for key, value in wanted.items())]

    def twice(self, run=None, by="call"):
        """Returns what had more than one effect: by call whatever the attempt, or by step in more than one attempt."""
        if by not in ("call", "step"):
            raise ValueError("by is call or step")
        groups = {}
        for one in self.list(run=run):
            if one["unattributed"] or (one["repeatable"] and not one["changed"]):
                continue
            place = (one["call"],) if by == "call" else ()
            group = (one["run"], one["step"], one["direction"], *place, one["service"], one["operation"])
            groups.setdefault(group, []).append(one)
        out = []
        for found in groups.values():
            if len(found) < 2 or (by == "step" and len({one["attempt"] for one in found}) < 2):
                continue
            keys = ("run", "step", "direction", *(("call",) if by == "call" else ()), "service", "operation")
            out.append({**{key: found[0][key] for key in keys}, "count": len(found), "effects": found})
        return out

    def unknowns(self):
        with self.lock:
            return [{"service": key[0], "operation": key[1], "count": count} for key, count in self.unknown.items()]


def _moment(at):
    return None if at is None else {"mono_ns": at[0], "wall_ns": at[1]}


