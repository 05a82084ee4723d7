"""Idempotency tokens as AWS honours them, which moto does not: the first answer is remembered and given again."""

import threading

from gateway_table import digest, failed, members
from wire import error

STRIPES = 1024


class Tokens:
    """Remembers by account, Region, operation and token what was asked first and what was answered."""

    def __init__(self, clock):
        self.clock, self.life_s = clock, None
        self.known = {}
        self.locks = [threading.Lock() for _ in range(STRIPES)]

    def clear(self):
        self.known, self.life_s = {}, None

    def set(self, spec):
        life = spec["life_s"]
        self.life_s = None if life is None else float(life)
        return self.show()

    def show(self):
        return {"life_s": self.life_s, "known": len(self.known)}

    def key(self, call, row):
        """Returns under what a call is remembered; None for one without a token."""
        name = row.token or ("ClientToken" if call.service == "ec2" else None)
        token = members(call).get(name) if name else None
        return (call.account, call.region, call.service, call.operation, token) if token else None

    def lock(self, key):
        return self.locks[hash(key) % STRIPES]

    def answer(self, key, call, row):
        """Returns the answer that a repeated call gets, or None for a new one. The lock of the key is held."""
        held = self.known.get(key)
        if held is None:
            return None
        asked, reply, at = held
        if self.life_s is not None and self.clock.now() >= at + self.life_s:
            del self.known[key]
            return None
        if asked != self._asked(call, row):
            message = "The request uses the same client token as a previous, but non-identical request."
            return error(call, 400, row.mismatch or "IdempotentParameterMismatch", message)
        return reply

    def remember(self, key, call, row, reply):
        """Keeps a success; what failed may be tried again with the same token."""
        if not failed(call, reply) and not reply.partial:
            self.known[key] = (self._asked(call, row), reply, self.clock.now())

    def _asked(self, call, row):
        return digest(call, (row.token or "ClientToken", "DryRun"))
