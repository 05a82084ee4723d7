"""What the tests make go wrong: rules, token buckets and added latency."""

import itertools
import re
import threading
import time

CUTS = ("reset", "truncate", "hang")
RULE_KEYS = {"id", "service", "operation", "region", "account", "times", "skip", "status", "code", "message", "delay_ms", "cut", "after"}  # fmt: skip
BUCKET_KEYS = {"id", "service", "operation", "account", "region", "rate_per_s", "burst", "code", "status", "message"}
THROTTLES = {
    "ec2": ("RequestLimitExceeded", 503, "Request limit exceeded."),
    "s3": ("SlowDown", 503, "Please reduce your request rate."),
    "dynamodb": ("ThrottlingException", 400, "Rate of requests exceeds the allowed throughput."),
    "route53": ("Throttling", 400, "Rate exceeded"),
    "backup": ("ThrottlingException", 429, "Rate exceeded"),
    "eks": ("ThrottlingException", 429, "Rate exceeded"),
    "dlm": ("LimitExceededException", 429, "Rate exceeded"),
}


class Selector:
    """Says which calls a rule, a bucket or a stub is for."""

    def __init__(self, spec):
        self.service, self.region, self.account = spec.get("service"), spec.get("region"), spec.get("account")
        self.operation = re.compile(spec["operation"]) if spec.get("operation") else None

    def fits(self, call):
        return (
            (self.service is None or self.service == call.service)
            and (self.region is None or self.region == call.region)
            and (self.account is None or self.account == call.account)
            and (self.operation is None or self.operation.fullmatch(call.operation or "") is not None)
        )


def check_keys(spec, allowed, what):
    """Refuses a key that nobody reads: it is a slip of the test's author."""
    if not isinstance(spec, dict):
        raise ValueError(f"{what} must be a JSON object")
    unknown = set(spec) - allowed
    if unknown:
        raise ValueError(f"{what} has no {', '.join(sorted(unknown))}")


class Rule(Selector):
    def __init__(self, spec, number):
        check_keys(spec, RULE_KEYS, "a rule")
        super().__init__(spec)
        if spec.get("cut") not in (None, *CUTS):
            raise ValueError(f"cut is one of {', '.join(CUTS)}")
        if not any(spec.get(key) for key in ("cut", "status", "code", "delay_ms")):
            raise ValueError("a rule does something: cut, status, code or delay_ms")
        self.spec = {"id": f"rule-{number}", **spec}
        self.matched = self.fired = 0

    def take(self):
        """Counts a matching call and says whether the rule acts on it."""
        self.matched += 1
        if self.matched <= self.spec.get("skip", 0):
            return False
        times = self.spec.get("times")
        if times is not None and self.fired >= times:
            return False
        self.fired += 1
        return True

    @property
    def terminal(self):
        return bool(self.spec.get("cut") or self.spec.get("status") or self.spec.get("code"))

    def show(self):
        return {**self.spec, "matched": self.matched, "fired": self.fired}


class Bucket(Selector):
    def __init__(self, spec, number):
        check_keys(spec, BUCKET_KEYS, "a bucket")
        super().__init__(spec)
        self.spec = {"id": f"bucket-{number}", **spec}
        self.rate, self.burst = float(spec["rate_per_s"]), float(spec["burst"])
        self.tokens, self.at = self.burst, time.monotonic()
        self.passed = self.refused = 0

    def _fill(self):
        now = time.monotonic()
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now

    def take(self):
        self._fill()
        if self.tokens >= 1:
            self.tokens -= 1
            self.passed += 1
            return True
        self.refused += 1
        return False

    def error(self, call):
        code, status, message = THROTTLES.get(call.service, ("Throttling" if call.protocol == "query" else "ThrottlingException", 400, "Rate exceeded"))  # fmt: skip
        wanted = self.spec.get("code")
        if wanted and wanted != code:
            code, status = wanted, None
        return self.spec.get("status") or status, code, self.spec.get("message") or message

    def show(self):
        self._fill()
        return {**self.spec, "tokens": round(self.tokens, 3), "passed": self.passed, "refused": self.refused}


class Faults:
    """All rules, buckets and latencies."""

    def __init__(self):
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.clear()

    def clear(self):
        self.rules, self.buckets = [], []
        self.latency, self.latency_of = 0.0, {}

    def add(self, kind, specs):
        specs = specs if isinstance(specs, list) else [specs]
        made = [(Rule if kind == "rules" else Bucket)(spec, next(self.numbers)) for spec in specs]
        with self.lock:
            setattr(self, kind, getattr(self, kind) + made)
        return [one.spec["id"] for one in made]

    def remove(self, kind, account=None, name=None):
        with self.lock:
            kept = [
                one
                for one in getattr(self, kind)
                if (account is not None and one.account != account) or (name is not None and one.spec["id"] != name)
            ]
            setattr(self, kind, kept)

    def show(self, kind):
        with self.lock:
            return [one.show() for one in getattr(self, kind)]

    def set_latency(self, spec):
        check_keys(spec, {"ms", "account"}, "a latency")
        if spec.get("account"):
            self.latency_of[spec["account"]] = float(spec["ms"]) / 1000
        else:
            self.latency = float(spec["ms"]) / 1000

    def judge(self, call):
        """Returns the seconds to wait, the bucket that refuses, and the rule that ends this call."""
        wait = self.latency
        if self.latency_of:
            wait += self.latency_of.get(call.account, 0.0)
        if not self.buckets and not self.rules:
            return wait, None, None
        with self.lock:
            for bucket in self.buckets:
                if bucket.fits(call) and not bucket.take():
                    return wait, bucket, None
            for rule in self.rules:
                if rule.fits(call) and rule.take():
                    wait += rule.spec.get("delay_ms", 0) / 1000
                    if rule.terminal:
                        return wait, None, rule
        return wait, None, None
