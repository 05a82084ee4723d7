"""What the gateway makes go wrong, by rules; and its clock."""

import itertools
import threading
import time
from datetime import datetime, timezone

from faults import CUTS, THROTTLES, Selector, check_keys

WHO = ("run", "step", "direction")
RULE_KEYS = {"id", "service", "operation", "region", "account", *WHO, "attempt", "call", "skip", "times", "delay_ms", "status",
             "code", "message", "throttle", "cut", "after", "hide", "ok_with_error"}  # fmt: skip
ACTS = ("delay_ms", "status", "code", "throttle", "cut", "hide", "ok_with_error")
ENDS = ("status", "code", "throttle", "cut", "ok_with_error")
MAY_FAIL_LATE = {"CopyObject", "CompleteMultipartUpload", "UploadPartCopy"}  # S3 begins to answer before it is done


class Clock:
    """The gateway's time: for what is hidden, and for how long tokens last."""

    def __init__(self):
        self.offset = 0.0

    def now(self):
        return time.time() + self.offset

    def set(self, spec):
        check_keys(spec, {"offset_s"}, "a clock")
        self.offset = float(spec["offset_s"])
        return self.show()

    def show(self):
        now = datetime.fromtimestamp(self.now(), timezone.utc)
        return {"now": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "offset_s": self.offset}


class Rule(Selector):
    """One rule: which calls, and what befalls them."""

    def __init__(self, spec, number):
        check_keys(spec, RULE_KEYS, "a rule")
        super().__init__(spec)
        if spec.get("cut") not in (None, *CUTS):
            raise ValueError(f"cut is one of {', '.join(CUTS)}")
        if not any(spec.get(key) for key in ACTS):
            raise ValueError(f"a rule does something: {', '.join(ACTS)}")
        if sum(bool(spec.get(key)) for key in ("cut", "throttle", "ok_with_error")) > 1:
            raise ValueError("a call ends in one way: cut, throttle or ok_with_error")
        hide, late = spec.get("hide"), spec.get("ok_with_error")
        if hide is not None:
            check_keys(hide, {"seconds"}, "hide")
            float(hide["seconds"])
        if late is not None:
            check_keys(late, {"code", "message"}, "ok_with_error")
            late["code"], late["message"]
        if hide is not None and not spec.get("after") and any(spec.get(key) for key in ENDS):
            raise ValueError("what is not carried out has nothing to hide: after is missing")
        self.spec = {"id": f"rule-{number}", **spec}
        self.who = {name: str(spec[name]) for name in (*WHO, "attempt", "call") if spec.get(name) is not None}
        self.matched = self.fired = 0

    def fits(self, call, step):
        if self.spec.get("ok_with_error") and (call.service != "s3" or call.operation not in MAY_FAIL_LATE):
            return False
        if self.who and (step is None or any(str(step[name]) != value for name, value in self.who.items())):
            return False
        return super().fits(call)

    def take(self):
        """Counts a matching call and says whether the rule acts on it."""
        self.matched += 1
        times = self.spec.get("times")
        if self.matched <= self.spec.get("skip", 0) or (times is not None and self.fired >= times):
            return False
        self.fired += 1
        return True

    @property
    def terminal(self):
        return any(self.spec.get(key) for key in ENDS)

    def error(self, call):
        """Returns status, code and message of the error that the client gets."""
        spec = self.spec
        if spec.get("throttle"):
            form = "Throttling" if call.protocol == "query" else "ThrottlingException"
            code, status, message = THROTTLES.get(call.service, (form, 400, "Rate exceeded"))
            return spec.get("status") or status, code, spec.get("message") or message
        return spec.get("status"), spec.get("code"), spec.get("message")

    def show(self):
        return {**self.spec, "matched": self.matched, "fired": self.fired}


class Sentence:
    """What the rules say of one call."""

    __slots__ = ("before_s", "after_s", "hide_s", "rule")

    def __init__(self):
        self.before_s = self.after_s = self.hide_s = 0.0
        self.rule = None

    def get(self, key):
        return self.rule.spec.get(key) if self.rule is not None else None


class Rules:
    """All rules, in the order in which they came."""

    def __init__(self):
        self.lock, self.numbers, self.rules = threading.Lock(), itertools.count(1), []

    def add(self, specs):
        specs = specs if isinstance(specs, list) else [specs]
        made = [Rule(spec, next(self.numbers)) for spec in specs]
        with self.lock:
            self.rules = self.rules + made
        return [one.spec["id"] for one in made]

    def remove(self, account=None, name=None):
        with self.lock:
            self.rules = [
                one
                for one in self.rules
                if (account is not None and one.account != account) or (name is not None and one.spec["id"] != name)
            ]

    def show(self):
        with self.lock:
            return [one.show() for one in self.rules]

    def judge(self, call, step):
        """Returns the sentence on a call: the first rule that ends it, and what those before it add."""
        out = Sentence()
        if not self.rules:
            return out
        with self.lock:
            for rule in self.rules:
                if not rule.fits(call, step) or not rule.take():
                    continue
                spec = rule.spec
                wait = spec.get("delay_ms", 0) / 1000
                if spec.get("after"):
                    out.after_s += wait
                else:
                    out.before_s += wait
                if spec.get("hide"):
                    out.hide_s = max(out.hide_s, float(spec["hide"]["seconds"]))
                if rule.terminal:
                    out.rule = rule
                    break
        return out
