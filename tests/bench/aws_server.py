"""The AWS test server for benchmarks: the same answers, without what only a double would make anybody wait for.

    python aws_server.py [--port N] [--keep]

Connections wait in a longer queue: hundreds arrive at once, and one that finds no room comes again after a second. Long
pages of recovery points are written once and then sent again: making one takes the server longer than a round trip.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support" / "aws"))

import server
import stubs
from wire import Reply

LONG = 100  # points from which on a page is kept

made = stubs.serialise
kept = {}


def serialise(call, page):
    """Writes an answer, or sends again what was written; members of long pages stand there as they are sent."""
    points = page.get("RecoveryPoints") or []
    if len(points) < LONG:
        return made(call, page)
    if id(points) not in kept:
        kept[id(points)] = json.dumps(page).encode()
    return Reply(200, [("Content-Type", "application/json"), ("x-gear-stub", "1")], kept[id(points)])


stubs.serialise = serialise
server.Server.request_queue_size = 2048

if __name__ == "__main__":
    server.main()
