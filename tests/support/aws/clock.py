"""The clock of the server, which tests move. Waiting (sleep, monotonic) is not touched."""

import datetime
import threading

import time_machine

UTC = datetime.timezone.utc


class Clock:
    """Moves the time of the whole process, for all threads.

    The travel begins with the server and never ends: to begin or end one while other threads ask for the time is a race.
    """

    def __init__(self):
        self.lock = threading.Lock()
        self.frozen = False
        self.traveller = time_machine.travel(datetime.datetime.now(UTC), tick=True).start()
        self.set({"offset_s": 0})  # to begin takes its time

    def _real(self):
        return time_machine.escape_hatch.datetime.datetime.now(UTC)

    def set(self, spec):
        """Moves the clock: offset_s from the real time, or at a moment; frozen stops it there."""
        unknown = set(spec) - {"offset_s", "at", "frozen"}
        if unknown:
            raise ValueError(f"a clock has no {', '.join(sorted(unknown))}")
        frozen = bool(spec.get("frozen", False))
        if "at" in spec:
            goal = datetime.datetime.fromisoformat(spec["at"].replace("Z", "+00:00"))
            if goal.tzinfo is None:
                goal = goal.replace(tzinfo=UTC)
        else:
            goal = self._real() + datetime.timedelta(seconds=float(spec.get("offset_s", 0)))
        with self.lock:
            self.traveller.move_to(goal, tick=not frozen)
            self.frozen = frozen
        return self.show()

    def show(self):
        """Returns the moment that the server takes for now."""
        now = datetime.datetime.now(UTC)
        offset = (now - self._real()).total_seconds()
        return {"now": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "offset_s": round(offset, 3), "frozen": self.frozen}

    def reset(self):
        """Goes back to the real time."""
        self.set({"offset_s": 0})
