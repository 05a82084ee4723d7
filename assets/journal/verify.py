"""Verifies the journal of a lifeboat run, with nothing but Python: python3 verify.py FOLDER

It prints one line and exits with 0 when every line is the one that was written, 1 when one is not, 2 when there is nothing
to read. How a journal looks is written in FORMAT.md.
"""

import hashlib
import json
import sys
from pathlib import Path

MEMBERS = ["seq", "at", "term", "actor", "event", "data", "prev"]
TAIL = 75  # ,"hash":"<64 digits>"}


def verify(folder):
    """Returns (lines, last hash, torn bytes); raises ValueError with what does not fit."""
    lines = (folder / "journal.jsonl").read_bytes().split(b"\n")
    torn, prev, term = lines.pop(), "0" * 64, 0
    for number, line in enumerate(lines, 1):
        body, tail = line[:-TAIL], line[-TAIL:]
        digest = hashlib.sha256(body).hexdigest()
        if len(line) > 1 << 20 or tail != b',"hash":"' + digest.encode() + b'"}':
            raise ValueError(f"line {number}: the hash does not fit")
        try:
            entry = json.loads(body.decode() + "}")
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {number}: {error}") from error
        event, data = entry["event"], entry["data"]
        if (event == "opened") != (number == 1) or number == 1 and not data["format"].startswith("1."):
            raise ValueError(f"line {number}: this is no journal of format 1")
        known = [name for name in entry if name in MEMBERS]  # a newer minor version may have more
        if known != MEMBERS or entry["seq"] != number or entry["prev"] != prev or entry["term"] < term:
            raise ValueError(f"line {number}: it does not follow the line before it")
        held = data.get({"opened": "plan", "began": "before", "answered": "reply"}.get(event))
        if event == "answered" and isinstance(held, dict):
            held = held.get("side") if "side" in held else held.get("records")  # of many keys: what became of each
        if isinstance(held, dict) and held.keys() >= {"name", "sha256", "bytes"}:
            side(folder, held, number)
        prev, term = digest, entry["term"]
    return len(lines), prev, len(torn)


def side(folder, held, number):
    path = folder / held["name"]
    inside = path.is_relative_to(folder) and ".." not in Path(held["name"]).parts and path.is_file()
    if not inside or hashlib.sha256(path.read_bytes()).hexdigest() != held["sha256"]:
        raise ValueError(f"line {number}: {held['name']!r} is not the file that was written")


if __name__ == "__main__":
    try:
        count, head, rest = verify(Path(sys.argv[1]))
        print(f"{count} lines verified, the last hash is {head}" + (f", {rest} bytes after them are torn" if rest else ""))
        sys.exit(0 if count else 2)
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        sys.exit(print(f"NOT verified: {wrong}") or 1)
    except (OSError, IndexError) as wrong:
        sys.exit(print(f"cannot read: {wrong}") or 2)
