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
    raw = (folder / "journal.jsonl").read_bytes()
    lines, _, torn = raw.rpartition(b"\n")
    lines = lines.split(b"\n") if lines or raw.startswith(b"\n") else []
    prev, term = "0" * 64, 0
    for number, line in enumerate(lines, 1):
        body, tail = line[:-TAIL], line[-TAIL:]
        digest = hashlib.sha256(body).hexdigest()
        if len(line) > 1 << 20 or tail != b',"hash":"' + digest.encode() + b'"}':
            raise ValueError(f"line {number}: the hash does not fit")
        try:
            entry = json.loads(body.decode() + "}")
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        if list(entry) != MEMBERS or entry["seq"] != number or entry["prev"] != prev or entry["term"] < term:
            raise ValueError(f"line {number}: it does not follow the line before it")
        if number == 1 and (entry["event"] != "opened" or entry["data"]["format"].split(".")[0] != "1"):
            raise ValueError("line 1: this is no journal of format 1")
        if number == 1:
            side(folder, entry["data"]["plan"], number)
        for held in (entry["data"].get("before"), (entry["data"].get("reply") or {}).get("side")):
            if isinstance(held, dict):
                side(folder, held, number)
        prev, term = digest, entry["term"]
    return len(lines), prev, len(torn)

def side(folder, held, number):
    path = folder / held["name"]
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != held["sha256"]:
        raise ValueError(f"line {number}: {held['name']} is not the file that was written")


if __name__ == "__main__":
    try:
        count, head, rest = verify(Path(sys.argv[1]))
        print(f"{count} lines verified, the last hash is {head}" + (f", {rest} bytes after them are torn" if rest else ""))
        sys.exit(0 if count else 2)
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        print(f"NOT verified: {wrong}")
        sys.exit(1)
    except (OSError, IndexError) as wrong:
        print(f"cannot read: {wrong}")
        sys.exit(2)
