"""The control API under /_gear/: see server.py for what it takes."""

import json
from collections import deque
from urllib.parse import parse_qsl

from clock import Clock
from facts import FACTS, patch
from faults import Faults, check_keys
from services import date_objects, prepare
from stubs import Stubs
from wire import read_time

CALLS_KEPT = 200_000
CALL_KEYS = ("service", "operation", "region", "account", "status", "stub", "bytes")


class Control:
    """Everything that tests can set, and the list of calls."""

    def __init__(self, reset_moto, lock):
        self.clock, self.faults, self.stubs = Clock(), Faults(), Stubs()
        self.calls = deque(maxlen=CALLS_KEPT)
        self.reset_moto, self.lock = reset_moto, lock

    def handle(self, environ, body):
        """Answers a control request with a status and a JSON value."""
        method = environ["REQUEST_METHOD"]
        name = environ["PATH_INFO"][len("/_gear/") :].strip("/").replace("-", "_")
        query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
        act = getattr(self, f"{method.lower()}_{name}", None)
        if act is None:
            return 404, {"error": f"no {method} /_gear/{name}"}
        try:
            spec = json.loads(body) if body.strip() else {}
            return 200, act(spec if method == "POST" else query)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            return 400, {"error": f"{type(error).__name__}: {error}"}

    def get_health(self, _):
        return {"ok": True}

    def get_clock(self, _):
        return self.clock.show()

    def post_clock(self, spec):
        return self.clock.set(spec)

    def post_rules(self, spec):
        return {"ids": self.faults.add("rules", spec)}

    def get_rules(self, query):
        return [rule for rule in self.faults.show("rules") if query.get("account") in (None, rule.get("account"))]

    def delete_rules(self, query):
        self.faults.remove("rules", query.get("account"), query.get("id"))
        return {}

    def post_buckets(self, spec):
        return {"ids": self.faults.add("buckets", spec)}

    def get_buckets(self, query):
        return [one for one in self.faults.show("buckets") if query.get("account") in (None, one.get("account"))]

    def delete_buckets(self, query):
        self.faults.remove("buckets", query.get("account"), query.get("id"))
        return {}

    def post_latency(self, spec):
        self.faults.set_latency(spec)
        return {}

    def post_dwell(self, spec):
        FACTS.set_dwell(spec)
        return dict(FACTS.dwell)

    def get_dwell(self, _):
        return dict(FACTS.dwell)

    def delete_dwell(self, _):
        FACTS.dwell = {}
        return {}

    def post_stub(self, spec):
        return {"ids": self.stubs.add(spec)}

    def get_stub(self, query):
        return [stub for stub in self.stubs.show() if query.get("account") in (None, stub.get("account"))]

    def delete_stub(self, query):
        self.stubs.remove(query.get("account"), query.get("id"))
        return {}

    def post_simulate(self, spec):
        self.stubs.deny(spec)
        return {}

    def delete_simulate(self, query):
        account = query.get("account")
        self.stubs.denied = [one for one in self.stubs.denied if account is not None and one.get("account") != account]
        return {}

    def post_restore_window(self, spec):
        check_keys(spec, {"account", "region", "instance", "earliest", "latest", "status"}, "a restore window")
        key = (spec.get("account", "123456789012"), spec["region"], spec["instance"])
        FACTS.windows[key] = {
            "earliest": read_time(spec["earliest"]),
            "latest": read_time(spec["latest"]),
            "status": spec.get("status"),
        }
        return {}

    def delete_restore_window(self, query):
        account = query.get("account")
        FACTS.windows = {key: one for key, one in FACTS.windows.items() if account is not None and key[0] != account}
        return {}

    def post_latest_restorable(self, spec):
        check_keys(spec, {"account", "region", "instance", "cluster", "at"}, "a latest restorable time")
        kind = "cluster" if "cluster" in spec else "instance"
        key = (spec.get("account", "123456789012"), spec["region"], kind, spec[kind])
        FACTS.restorable[key] = read_time(spec["at"])
        return {}

    def delete_latest_restorable(self, query):
        account = query.get("account")
        FACTS.restorable = {key: at for key, at in FACTS.restorable.items() if account is not None and key[0] != account}
        return {}

    def post_patch(self, spec):
        check_keys(spec, {"account", "region", "service", "resource", "id", "set"}, "a patch")
        with self.lock:
            patch(spec)
        return {}

    def post_written(self, spec):
        check_keys(spec, {"account", "bucket", "objects"}, "what was written")
        times = {key: read_time(at) for key, at in spec["objects"].items()}
        with self.lock:
            date_objects(spec.get("account", "123456789012"), spec["bucket"], times)
        return {}

    def post_objects(self, spec):
        with self.lock:
            prepare("s3")
            from objects import lay  # not at the top: it loads moto's S3, and a server is to start quickly

            return {"version_ids": lay(spec)}

    def get_calls(self, query):
        wanted = [(CALL_KEYS.index(key), value) for key, value in query.items() if key in CALL_KEYS[:4]]
        rows = list(self.calls)
        return [dict(zip(CALL_KEYS, row)) for row in rows if all(row[at] == value for at, value in wanted)]

    def delete_calls(self, query):
        account = query.get("account")
        if account is None:
            self.calls.clear()
        else:
            kept = [row for row in list(self.calls) if row[3] != account]
            self.calls.clear()
            self.calls.extend(kept)
        return {}

    def post_reset(self, _):
        with self.lock:
            self.clock.reset()
            self.reset_moto()
            self.faults.clear()
            self.stubs.clear()
            FACTS.clear()
            self.calls.clear()
        return {}
