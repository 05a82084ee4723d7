"""A prefix put back to a moment: lifeboat, s3-pit-restore, the `aws` command in a loop.

    python prefix.py URL LIFEBOAT

URL is that of the AWS test server. Each side gets a bucket of its own with the same objects, anew for each round, and
afterwards each key is compared with what it was: byte for byte, by its MD5. Of ten keys one was deleted since the moment, one
twice over, one overwritten, one overwritten and deleted, one made since, one was gone before, and four are as they were.

The loop is what people write: one list of all versions, and a process for each key that has changed. It is run for some of
the keys only, each of which takes the same. s3-pit-restore works as it comes, with ten threads; it copies every key that was
there, whether it has changed or not, and ends with 0 whatever went wrong. What it leaves wrong is counted and not held
against it otherwise.
"""

import ctypes
import datetime
import hashlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from aws_measure import HOME, ROUNDS, caller, client, control, estate
from aws_status import aws_command

KEYS = 5000
LOOPED = 15
SUBREAPER = 36  # prctl: whose parent has ended becomes our child


def ago(seconds):
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now - datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def name(nth):
    return f"in/{nth:05} a+b%20&=ü.txt"


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def versions(nth):
    """Returns what a key had before it is put back, the oldest first."""
    old, bad, gone, again, before = ago(90000), ago(1200), ago(1000), ago(800), ago(80000)
    good, worse = {"text": f"good {nth}", "at": old}, {"text": f"bad {nth}", "at": bad}
    marker = {"delete_marker": True, "at": gone}
    return {
        0: [good, marker],
        1: [good, marker, {"delete_marker": True, "at": again}],
        2: [good, worse],
        3: [good, worse, marker],
        4: [worse],
        5: [good, {"delete_marker": True, "at": before}],
    }.get(nth % 10, [good])


def is_to_be(nth):
    """Returns the MD5 that a key is to have, None where it is to be gone; and whether that takes a version or a marker."""
    return (None if nth % 10 in (4, 5) else md5(f"good {nth}")), nth % 10 in (2, 3, 4)


def lay(url, account, bucket):
    s3 = client("s3", url, account, HOME)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": HOME})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    objects = [{"key": name(nth), "versions": versions(nth)} for nth in range(KEYS)]
    control(url, "POST", "objects", {"account": account, "bucket": bucket, "objects": objects})
    control(url, "DELETE", f"calls?account={account}")


def look(url, account, bucket, keys):
    """Returns which keys are wrong, and how many versions and markers were made that nobody needs."""
    latest, count = {}, {}
    for page in client("s3", url, account, HOME).get_paginator("list_object_versions").paginate(Bucket=bucket):
        for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
            count[one["Key"]] = count.get(one["Key"], 0) + 1
            if one["IsLatest"]:
                latest[one["Key"]] = one.get("ETag", "").strip('"') or None
    wrong, needless = [], 0
    for nth in keys:
        wanted, made = is_to_be(nth)
        if latest.get(name(nth)) != wanted:
            wrong.append(name(nth))
        needless += max(count.get(name(nth), 0) - len(versions(nth)) - made, 0)
    return wrong, needless


def run(words, environ, folder):
    """Runs a program and everything that it leaves behind to the end; returns what all of them took, and the most memory of
    one of them."""
    said = os.path.join(folder, "said")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, said, flags, 0o600)]
    before = os.getcwd()
    os.chdir(folder)
    begun = time.monotonic()
    child = os.posix_spawn(str(words[0]), [str(word) for word in words], environ, file_actions=files)
    os.chdir(before)
    cpu, most = 0.0, 0
    while True:
        try:
            ended, status, used = os.wait4(-1, 0)
        except ChildProcessError:
            break
        cpu, most = cpu + used.ru_utime + used.ru_stime, max(most, used.ru_maxrss)
        if status:
            sys.exit(f"{words} ended with {os.waitstatus_to_exitcode(status)}: {Path(said).read_text()[-2000:]}")
    return {"wall_s": time.monotonic() - begun, "cpu_s": cpu, "peak_mb": most / 1024}


def lifeboat(program, url, account, bucket, moment, home):
    path = estate(
        home,
        f"estate-{bucket}",
        [f'  staging: {{ class: staging, account: "{account}", account_alias: bench, region: {HOME} }}'],
        [f"  it: {{ kind: s3-bucket, select: {{ id: {bucket} }} }}", "policy: { unattended: [staging] }"],
    )
    state = Path(home) / f"state-{bucket}"
    words = [program, "--estate", path, "--state-dir", state, "run", "prefix-to-moment", "--yes"]
    given = ("bucket=it", "prefix=in/", f"moment={moment}", "remove-newer=true")
    for parameter in given:
        words += ["-p", parameter]
    took = run(words, caller(url, account, home), home)
    (folder,) = (one for one in (state / "runs").iterdir() if one.name.startswith("r-"))
    side = sum(one.stat().st_size for one in (folder / "side").iterdir())
    return {**took, "journal_kb": (folder / "journal.jsonl").stat().st_size / 1e3, "side_kb": side / 1e3}


def pit(python, url, account, bucket, moment, home):
    words = [python, python.parent / "s3-pit-restore", "-b", bucket, "-B", bucket, "-p", "in/", "-t", moment]
    return run(words, caller(url, account, home), home)


def loop(aws, url, account, bucket, moment, home):
    """Puts some keys back, as a script would; returns what that took, and what the one list did."""
    environ = caller(url, account, home)
    listed = run([aws, "s3api", "list-object-versions", "--bucket", bucket, "--prefix", "in/"], environ, home)
    told = json.loads(Path(home, "said").read_text())
    kept, markers = {}, {}
    at = datetime.datetime.fromisoformat(moment.replace("Z", "+00:00"))
    for one in told["Versions"]:
        if datetime.datetime.fromisoformat(one["LastModified"].replace("Z", "+00:00")) <= at:
            kept.setdefault(one["Key"], one["VersionId"])
    for one in told["DeleteMarkers"]:
        markers.setdefault(one["Key"], []).append(one["VersionId"])
    all_of_them = {"wall_s": 0.0, "cpu_s": 0.0, "peak_mb": listed["peak_mb"]}
    done = []
    for nth in [nth for nth in range(KEYS) if nth % 10 in range(5)][:LOOPED]:
        key = name(nth)
        calls = []
        delete = ["delete-object", "--bucket", bucket, "--key", key]
        if nth % 10 in (0, 1):
            calls = [[*delete, "--version-id", marker] for marker in markers[key]]
        elif nth % 10 in (2, 3):
            source = f"{bucket}/{key}?versionId={kept[key]}"  # the command escapes it
            calls = [["copy-object", "--bucket", bucket, "--key", key, "--copy-source", source]]
        else:
            calls = [delete]
        for call in calls:
            took = run([aws, "s3api", *call], environ, home)
            all_of_them["wall_s"] += took["wall_s"]
            all_of_them["cpu_s"] += took["cpu_s"]
        done.append(nth)
    return {**all_of_them, "list_s": listed["wall_s"]}, done


def prefix(url, program):
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    aws = aws_command()
    took = {"lifeboat": [], "s3-pit-restore": [], "aws": []}
    pit_is_wrong = []
    with tempfile.TemporaryDirectory() as home:
        moment = ago(5000)
        for nth in range(ROUNDS):
            for at, side in enumerate(took):
                account, bucket = f"60000001{nth:02}{at:02}", f"prefix-{nth}-{at}"
                lay(url, account, bucket)
                keys = range(KEYS)
                if side == "lifeboat":
                    one = lifeboat(program, url, account, bucket, moment, home)
                elif side == "aws":
                    one, keys = loop(aws, url, account, bucket, moment, home)
                else:
                    one = pit(aws.parent / "python", url, account, bucket, moment, home)
                one["requests"] = len(control(url, "GET", f"calls?account={account}&service=s3"))
                wrong, one["needless"] = look(url, account, bucket, keys)
                one["wrong"] = len(wrong)
                took[side].append(one)
                if side == "s3-pit-restore":
                    pit_is_wrong = wrong[:5]
                elif wrong or one["needless"]:
                    sys.exit(f"{side} did not put {wrong[:5]} back, or made {one['needless']} versions for nothing")
    changed = sum(nth % 10 in range(5) for nth in range(KEYS))
    return {"keys": KEYS, "changed": changed, "looped": LOOPED, "sides": took, "pit_is_wrong": pit_is_wrong}


if __name__ == "__main__":
    print(json.dumps(prefix(*sys.argv[1:])))
