"""Makes dumps of databases with planted defects, and replicated buckets, and the estate file that describes them.

    python3 dumps.py PORT ACCOUNT FOLDER

Dumps lie in buckets of the account (us-east-2, copies in us-west-2) and in plain folders below FOLDER. Nothing moves
the clock of the server: S3 says of every object that it was written when it should have been (`/_gear/written`), files
bear their times. So other tests may use the same server, and a second account makes a second set. The newest dump of a
component is two hours old and the others lie a day apart, so that every day has one whatever the time is. Where the
newest is not whole, the retention rule asks for one a week: else a day would be without one as soon as it is over.

Each planted defect is on a component of its own: together they are a table, with what a naive reading would say.

Written to FOLDER, which must be new:
- lifeboat.yaml, the estate file, with that table above it;
- dumps.json, that table: for each component the `findings` that must be named (none else), `naive`, and for dumps how
  many `points` there are at home, which is the `newest`, and whether that is `whole` (null: nothing tells).

dumps_oracle.py says what is to be seen in it, and shares no code with this.
"""

import gzip
import hashlib
import json
import pathlib
import random
import sys

import yaml

from account import ACCOUNT, DR, HOME, URL, client
from dumps_world import NEWEST, WEEKLY, Bucket, D, Dump, Estate, H, moment


def beside(place, dump, age=None):
    """Puts a dump and its `.sha256` beside it."""
    age = dump.age if age is None else age
    place.put(dump.name, dump.body, age)
    place.put(f"{dump.name}.sha256", f"{dump.sha256()}  {dump.name}\n".encode(), age)


def days(name, count, without=()):
    return [Dump(name, nth) for nth in range(count) if nth not in without]


def quiet_days():
    """Returns two days in a row, neither of them a Sunday, that a rule of a week looks at."""
    sundays = [nth for nth in range(7) if moment(NEWEST + nth * D).weekday() == 6]
    return (4, 5) if {2, 3} & set(sundays) else (2, 3)


def retention(estate):
    home, copy = estate.home("healthy"), estate.copy("healthy")
    for dump in (dumps := days("healthy", 30)):
        beside(home, dump)
        beside(copy, dump, dump.age - H)
    naive = "nothing is wrong"
    estate.add("healthy", [home, copy], naive, points=30, newest=dumps[0].name, whole=True)

    home = estate.home("gap")
    for dump in (dumps := days("gap", 30, quiet_days())):
        beside(home, dump)
    naive = "the newest dump is 2 h old and there are 28; two days of this week have none"
    estate.add("gap", [home], naive, "retention-gap", points=28, newest=dumps[0].name, whole=True)

    # Of dumps that are older than a week only those of Sundays are kept, and one of these is missing.
    home, kept = estate.home("sundays"), []
    sunday = lambda dump: moment(dump.age).weekday() == 6
    older = [dump for dump in days("sundays", 34) if dump.age > 8 * D and sunday(dump)]
    for dump in (kept := days("sundays", 8) + older[:1] + older[2:]):
        beside(home, dump)
    naive = "each day of the week has a dump; of those of Sundays one is missing"
    estate.add("sundays", [home], naive, "retention-gap", points=len(kept), newest=kept[0].name, whole=True)

    home = estate.home("missed")
    for dump in (dumps := days("missed", 12, (0, 1, 2))):
        beside(home, dump)
    naive = "there are nine dumps, all whole; the newest is 3 d old and one is expected each day"
    estate.add("missed", [home], naive, "cadence-missed", points=9, newest=dumps[0].name, whole=True, retention=WEEKLY)


def sizes(estate):
    home, dumps = estate.home("shrunken"), days("shrunken", 10)
    mean = sum(len(dump.body) for dump in dumps[1:8]) // 7
    dumps[0] = Dump("shrunken", 0, mean // 5 - 20)
    for dump in dumps:
        beside(home, dump)
    naive = "the newest dump fits its checksum; it has a fifth of the size of those before it"
    estate.add("shrunken", [home], naive, "size-anomaly", points=10, newest=dumps[0].name, whole=True)

    home, dumps = estate.home("zero"), [Dump("zero", 0, 0), *days("zero", 10, (0,))]
    for dump in dumps:
        beside(home, dump)
    naive = "the newest dump is 2 h old and its checksum fits; it has no byte, and is never whole"
    told = {"points": 10, "newest": dumps[0].name, "whole": False, "retention": WEEKLY}
    estate.add("zero", [home], naive, "size-anomaly", **told)


def checksums(estate):
    home, dumps = estate.home("wrong-sum"), days("wrong-sum", 10)
    for dump in dumps:
        beside(home, dump)
    other = Dump("another", 0).sha256()
    home.put(f"{dumps[0].name}.sha256", f"{other}  {dumps[0].name}\n".encode(), dumps[0].age)
    naive = "a checksum stands beside the newest dump; it is not that of its bytes"
    told = {"points": 10, "newest": dumps[0].name, "whole": False, "retention": WEEKLY}
    estate.add("wrong-sum", [home], naive, "checksum-wrong", **told)

    home, dumps = estate.home("no-sum"), days("no-sum", 10)
    home.put(dumps[0].name, dumps[0].body, dumps[0].age)
    for dump in dumps[1:]:
        beside(home, dump)
    naive = "the newest dump is 2 h old; nothing tells whether it is whole, that of the day before is"
    estate.add("no-sum", [home], naive, points=10, newest=dumps[0].name)

    # A list is written anew after each dump, and still names dumps that are gone.
    home, dumps = estate.home("one-list"), days("one-list", 10)
    lines = [f"{dump.sha256()} *./{dump.name}" for dump in days("one-list", 14)]
    for dump in dumps:
        home.put(dump.name, dump.body, dump.age)
    home.put("SHA256SUMS", "\n".join(lines).encode(), NEWEST)
    naive = "no dump has a checksum beside it, and files of the list are not there; the list tells of each that is"
    estate.add("one-list", [home], naive, points=10, newest=dumps[0].name, whole=True)

    home, dumps = estate.home("old-list"), days("old-list", 10)
    lines = [f"{dump.sha256()}  {dump.name}" for dump in dumps[1:]]
    for dump in dumps:
        home.put(dump.name, dump.body, dump.age)
    home.put("SHA256SUMS", "\n".join(lines).encode(), NEWEST + D)
    naive = "there is a list of checksums; it was not written anew, and does not name the newest dump"
    estate.add("old-list", [home], naive, points=10, newest=dumps[0].name)

    # As md5sum writes it, as the BSDs do, and the bare value, in capitals.
    home, dumps = estate.home("md5"), days("md5", 10)
    for nth, dump in enumerate(dumps):
        value = hashlib.md5(dump.body).hexdigest()
        line = (f"{value}  {dump.name}\n", f"MD5 ({dump.name}) = {value}\n", value.upper())[nth % 3]
        home.put(dump.name, dump.body, dump.age)
        home.put(f"{dump.name}.md5", line.encode(), dump.age)
    naive = "no SHA-256 is told, so nothing is; the MD5 fits"
    estate.add("md5", [home], naive, points=10, newest=dumps[0].name, whole=True)


def copies(estate):
    home, copy, dumps = estate.home("behind"), estate.copy("behind"), days("behind", 10)
    for nth, dump in enumerate(dumps):
        beside(home, dump)
        if nth >= 2:
            beside(copy, dump, H)
    naive = "the copies were written an hour ago; the two newest dumps are not among them"
    estate.add("behind", [home, copy], naive, "copy-behind", points=10, newest=dumps[0].name, whole=True)

    home, copy, dumps = estate.home("short-copy"), estate.copy("short-copy"), days("short-copy", 14)
    for nth, dump in enumerate(dumps):
        beside(home, dump)
        if nth < 7:
            beside(copy, dump, dump.age - H)
    naive = "the copy lacks seven dumps, so it is behind; they are the oldest, it keeps a week"
    estate.add("short-copy", [home, copy], naive, points=14, newest=dumps[0].name, whole=True)

    # The other bytes have as many, and their own checksum fits.
    home, copy, dumps = estate.home("differs"), estate.copy("differs"), days("differs", 10)
    for nth, dump in enumerate(dumps):
        beside(home, dump)
        if nth == 1:
            dump.body = dump.body[:-1] + bytes([dump.body[-1] ^ 1])
        beside(copy, dump, dump.age - H)
    naive = "the copy of yesterday's dump has its name, its size and a checksum that fits; it is not the same dump"
    estate.add("differs", [home, copy], naive, "copy-differs", points=10, newest=dumps[0].name, whole=True)

    home, copy, dumps = estate.home("in-parts"), estate.copy("in-parts"), days("in-parts", 10)
    for dump in dumps:
        beside(home, dump)
        beside(copy, dump, dump.age - H)
        copy.put_in_parts(dump.name, dump.body, dump.age - H)
    naive = "the ETags of the copies are others, so they differ; they were uploaded in parts, and are the same bytes"
    estate.add("in-parts", [home, copy], naive, points=10, newest=dumps[0].name, whole=True)


def classes(estate):
    for name, storage, hours in (("glacier", "GLACIER", 12), ("deep", "DEEP_ARCHIVE", 48)):
        home, dumps = estate.home(name), days(name, 10)
        for dump in dumps:
            beside(home, dump)
            home.put(dump.name, dump.body, dump.age, StorageClass=storage)
        naive = f"dumps of each day are listed; they take {hours} h to come back, recovery may take 4 h"
        estate.add(name, [home], naive, points=10, newest=dumps[0].name)

    # GLACIER_IR is read at once, whatever it is called.
    home, dumps = estate.home("aged"), days("aged", 14)
    for nth, dump in enumerate(dumps):
        beside(home, dump)
        storage = "STANDARD_IA" if nth < 4 else "GLACIER_IR" if nth < 8 else "GLACIER"
        home.put(dump.name, dump.body, dump.age, StorageClass=storage)
    naive = "the class of some is called GLACIER, so they are slow; only those of more than a week are"
    estate.add("aged", [home], naive, points=14, newest=dumps[0].name, whole=True)


def others(estate):
    """Files beside dumps that are none, or none yet."""
    home, dumps = estate.home("writing"), days("writing", 10)
    for dump in dumps:
        beside(home, dump)
    home.put("writing-now.sql.gz.tmp", dumps[0].body[:500], 60)
    home.put("writing-then.sql.gz.part", dumps[0].body[:900], 3 * D)
    naive = "the newest dump is a minute old and small; it is still being written, and another never was to its end"
    estate.add("writing", [home], naive, points=10, newest=dumps[0].name, whole=True)

    for name, place in (("beside", estate.home("beside")), ("disk-beside", estate.disk("disk-beside"))):
        dumps = days(name, 10)
        for dump in dumps:
            beside(place, dump)
        for other, age in (
            ("README", 300 * D),
            ("README.md", 300 * D),
            ("backup.log", 300),
            (f"backup-{dumps[0].day}.log", H),
            (f"backup-{dumps[1].day}.log.gz", D),
            ("logs/cron.log", 300),
            (".last-run", 300),
        ):
            place.put(other, b"what was done, and when\n", age)
        if name == "beside":
            place.put("", b"", 300 * D)  # what consoles put where a folder is made
        else:
            place.link("latest.sql.gz", dumps[0].name)
        naive = "there are eight files more than dumps, and the newest file is 5 min old; they are no dumps"
        estate.add(name, [place], naive, points=10, newest=dumps[0].name, whole=True)


def part(dump, nth, size=1500):
    return gzip.compress(random.Random(f"{dump.name} {nth}").randbytes(size), mtime=0)


def folder_of(place, dump, mark=True, spoil=False, name_more=False, unfinished=False):
    """Puts a dump in two parts into a folder of its own, with a list of checksums."""
    parts = {f"part-{nth:03}.gz": part(dump, nth) for nth in (1, 2)}
    lines = [f"{hashlib.sha256(body).hexdigest()}  {name}" for name, body in parts.items()]
    if name_more:
        lines.append(f"{hashlib.sha256(part(dump, 3)).hexdigest()}  part-003.gz")
    if spoil:
        parts["part-002.gz"] = part(dump, 4)
    if mark and isinstance(place, Bucket):
        place.put(f"{dump.day}/", b"", dump.age + 600)
    for nth, (name, body) in enumerate(parts.items()):
        if unfinished and nth == 1:
            place.put(f"{dump.day}/{name}.tmp", body[:700], 60)
        else:
            place.put(f"{dump.day}/{name}", body, dump.age + 300 * (1 - nth))
    if not unfinished:
        place.put(f"{dump.day}/SHA256SUMS", "\n".join(lines).encode(), 60)


def folders(estate):
    for name, home in (("folders", estate.home("folders")), ("disk-folders", estate.disk("disk-folders"))):
        dumps = days(name, 10)
        for dump in dumps:
            folder_of(home, dump)
        naive = "there are twenty dumps and lists of a minute ago; there are ten, each in a folder of its own"
        estate.add(name, [home], naive, points=10, newest=dumps[0].day, whole=True)

    home, dumps = estate.home("bad-part"), days("bad-part", 10)
    for nth, dump in enumerate(dumps):
        folder_of(home, dump, spoil=nth == 0)
    naive = "the first part of the newest dump fits its checksum; the second does not"
    told = {"points": 10, "newest": dumps[0].day, "whole": False, "retention": WEEKLY}
    estate.add("bad-part", [home], naive, "checksum-wrong", **told)

    home, dumps = estate.home("lost-part"), days("lost-part", 10)
    for nth, dump in enumerate(dumps):
        folder_of(home, dump, name_more=nth == 0)
    naive = "each part of the newest dump fits its checksum; the list names a third, which is not there"
    told = {"points": 10, "newest": dumps[0].day, "whole": False, "retention": WEEKLY}
    estate.add("lost-part", [home], naive, "checksum-wrong", **told)

    home, dumps = estate.home("next-part"), days("next-part", 11)
    for nth, dump in enumerate(dumps):
        folder_of(home, dump, unfinished=nth == 0)
    naive = "the newest folder has a part; the next is still being written, so it is no dump yet"
    told = {"points": 10, "newest": dumps[1].day, "whole": True, "retention": WEEKLY}
    estate.add("next-part", [home], naive, **told)


def disks(estate):
    home, copy, dumps = estate.disk("disk"), estate.disk_copy("disk"), days("disk", 30)
    for dump in dumps:
        beside(home, dump)
        beside(copy, dump, dump.age - H)
    estate.add("disk", [home, copy], "nothing is wrong", points=30, newest=dumps[0].name, whole=True)

    home, copy, dumps = estate.disk("disk-behind"), estate.disk_copy("disk-behind"), days("disk-behind", 10)
    for nth, dump in enumerate(dumps):
        beside(home, dump)
        if nth >= 2:
            beside(copy, dump, H)
    naive = "the copies bear the time of copying, an hour ago; the two newest dumps are not among them"
    estate.add("disk-behind", [home, copy], naive, "copy-behind", points=10, newest=dumps[0].name, whole=True)

    home, dumps = estate.disk("disk-wrong"), days("disk-wrong", 10)
    for dump in dumps:
        beside(home, dump)
    home.put(dumps[0].name, dumps[0].body[:-9] + bytes(9), NEWEST)
    naive = "the newest file has its size and a checksum beside it; its end is zeros"
    told = {"points": 10, "newest": dumps[0].name, "whole": False, "retention": WEEKLY}
    estate.add("disk-wrong", [home], naive, "checksum-wrong", **told)

    for name, home, copy in (
        ("disk-to-s3", estate.disk("disk-to-s3"), estate.copy("disk-to-s3")),
        ("s3-to-disk", estate.home("s3-to-disk"), estate.disk_copy("s3-to-disk")),
    ):
        dumps = days(name, 10)
        for dump in dumps:
            beside(home, dump)
            beside(copy, dump, dump.age - H)
        estate.add(name, [home, copy], "nothing is wrong", points=10, newest=dumps[0].name, whole=True)

    home = estate.home("empty")
    home.put("README", b"dumps will lie here\n", 300 * D)
    estate.add("empty", [home], "a file is there; it is no dump", points=0)


FILTERED = {"Priority": 1, "Filter": {"Prefix": ""}}
MARKERS_KEPT = {**FILTERED, "DeleteMarkerReplication": {"Status": "Disabled"}}
MARKERS_COPIED = {**FILTERED, "DeleteMarkerReplication": {"Status": "Enabled"}}


def buckets(estate):
    """Replicated buckets (S5)."""

    def add(name, rule, naive, *findings, status="Enabled", late=()):
        home = estate.bucket(name, versioned=True)
        replica = estate.bucket(f"{name}-dr", region=DR, versioned=True)
        to = {"Bucket": f"arn:aws:s3:::{replica.name}"}
        rules = [{"ID": "to-dr", "Status": status, "Destination": to, **rule}]
        role = f"arn:aws:iam::{ACCOUNT}:role/replicate"
        s3 = client("s3")
        s3.put_bucket_replication(Bucket=home.name, ReplicationConfiguration={"Role": role, "Rules": rules})
        for key, age in [("one", 40 * D), ("two", 9 * D), *late]:
            home.put(key, f"{key} {age}".encode(), age)
            home.settle()  # the next may be a newer version of it
            if (key, age) not in late:
                replica.put(key, f"{key} {age}".encode(), age - 60)
        replica.settle()
        limits = {"rpo": "1 h", "rto": "2 h"}
        estate.components[name] = {"kind": "s3-bucket", "select": {"id": home.name}, "objectives": limits}
        estate.planted.append({"component": name, "findings": sorted(findings), "naive": naive})

    naive = "the replica keeps what is deleted here; a rule without Filter copies delete markers"
    add("replicated-no-filter", {"Prefix": ""}, naive, "deletes-are-replicated")
    add("replicated-filter", MARKERS_KEPT, "nothing is wrong")
    naive = "a rule with a Filter does not copy delete markers; this one is told to"
    add("replicated-markers", MARKERS_COPIED, naive, "deletes-are-replicated")
    naive = "a rule without Filter copies delete markers; it is switched off, and copies nothing"
    add("replicated-off", {"Prefix": ""}, naive, status="Disabled")
    naive = "replication is Enabled; an object of 30 h is not in the replica, and one there is older than its source"
    add("replica-behind", MARKERS_KEPT, naive, "copy-behind", late=[("three", 30 * H), ("two", 20 * H)])


def table(estate):
    """Returns what was planted as lines of comment."""
    lines = ["# Planted: component, what must be found, what a naive reading would say."]
    for one in estate.planted:
        lines.append(f"# {one['component']:<21} {', '.join(one['findings']) or '-':<23} {one['naive']}")
    return "\n".join(lines) + "\n"


class Plain(yaml.SafeDumper):
    """Writes what is used twice twice: the file is to be read by people."""

    def ignore_aliases(self, data):
        return True


def main(folder):
    folder = pathlib.Path(folder).absolute()
    (folder / "dumps").mkdir(parents=True)
    estate = Estate(folder)
    for plant in (retention, sizes, checksums, copies, classes, others, folders, disks, buckets):
        plant(estate)
    nothing = {"account": {"rpo": "none", "rto": "none"}}
    environment = {"class": "production", "account": ACCOUNT, "account_alias": "dumps", "region": HOME, "dr_region": DR}
    environment |= {"endpoints": {"default": URL}, "objectives": nothing}
    described = {"version": 1, "estate": "dumps", "environments": {"production": environment}}
    text = yaml.dump(described | {"components": estate.components}, Dumper=Plain, sort_keys=False, width=120)
    (folder / "lifeboat.yaml").write_text(table(estate) + text)
    (folder / "dumps.json").write_text(json.dumps(estate.planted, indent=1) + "\n")
    found = sum(len(one["findings"]) for one in estate.planted)
    print(f"{len(estate.components)} components, {found} findings")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(sys.argv[3])
