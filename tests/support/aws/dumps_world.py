"""What dumps.py makes things with: prefixes, folders, dumps, and the estate file as it grows."""

import datetime
import gzip
import hashlib
import os
import random

from account import ACCOUNT, DR, HOME, client, gear, now

H, D = 3600, 86400
NOW = now().replace(microsecond=0)
NEWEST = 2 * H  # how old the newest dump is
USUAL = ["daily 7 d", "weekly on Sundays 5 w"]
WEEKLY = ["weekly 5 w"]
SIZE = 3000


def moment(age):
    return NOW - datetime.timedelta(seconds=age)


def ago(age):
    """Returns a moment as JSON and YAML have it."""
    return moment(age).strftime("%Y-%m-%dT%H:%M:%SZ")


class Bucket:
    """A prefix of a bucket."""

    def __init__(self, name, prefix, region):
        self.name, self.prefix, self.region = f"{name}-{ACCOUNT}", prefix, region
        self.at = f"s3://{self.name}/{prefix}"
        self.times = {}

    def put(self, name, body, age, **more):
        key = self.prefix + name
        client("s3", self.region).put_object(Bucket=self.name, Key=key, Body=body, **more)
        self.times[key] = ago(age)

    def put_in_parts(self, name, body, age):
        """Uploads in parts, so that the ETag is no MD5 (T5)."""
        s3, where = client("s3", self.region), {"Bucket": self.name, "Key": self.prefix + name}
        upload = s3.create_multipart_upload(**where)["UploadId"]
        part = s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=body)
        parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
        s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
        self.times[where["Key"]] = ago(age)

    def settle(self):
        """Has S3 say when things were written."""
        gear("written", bucket=self.name, objects=self.times)
        self.times = {}


class Folder:
    """A folder of this machine."""

    def __init__(self, path):
        self.path, self.at = path, str(path)

    def put(self, name, body, age, **_):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        at = moment(age).timestamp()
        os.utime(file, (at, at))

    def link(self, name, to):
        os.symlink(to, self.path / name)

    def settle(self):
        pass


class Dump:
    """A dump: its name, its age and its bytes, the same each time it is made."""

    def __init__(self, of, nth, size=None):
        self.age = NEWEST + nth * D
        self.day = moment(self.age).strftime("%Y-%m-%d")
        self.name = f"{of}-{self.day}.sql.gz"
        chance = random.Random(f"{of} {nth}")
        size = SIZE + chance.randrange(-SIZE // 12, SIZE // 12) if size is None else size
        self.body = gzip.compress(chance.randbytes(size), mtime=0) if size else b""

    def sha256(self):
        return hashlib.sha256(self.body).hexdigest()


class Estate:
    """The components, and what must be said of them."""

    def __init__(self, folder):
        self.folder, self.components, self.planted = folder, {}, []
        self.made = {}

    def bucket(self, name, prefix="", region=HOME, versioned=False):
        place = Bucket(name, prefix, region)
        if place.name not in self.made:
            s3 = client("s3", region)
            s3.create_bucket(Bucket=place.name, CreateBucketConfiguration={"LocationConstraint": region})
            if versioned:
                s3.put_bucket_versioning(Bucket=place.name, VersioningConfiguration={"Status": "Enabled"})
            self.made[place.name] = place
        return place

    def home(self, name):
        return self.bucket("dumps", f"{name}/")

    def copy(self, name):
        return self.bucket("dumps-dr", f"{name}/", DR)

    def disk(self, name):
        return Folder(self.folder / "dumps" / name)

    def disk_copy(self, name):
        return Folder(self.folder / "copies" / name)

    def add(self, name, places, naive, *findings, points=None, newest=None, whole=None, retention=USUAL):
        """Adds a component of dumps; the first place is its home, the others hold copies."""
        home, *others = places
        for place in places:
            place.settle()
        copies = [{"at": other.at} | ({"region": DR} if isinstance(other, Bucket) else {}) for other in others]
        self.components[name] = {
            "kind": "database-dump",
            "select": {"id": home.at},
            "objectives": {"rpo": "24 h", "rto": "4 h"},
            "cadence": "1 d",
            "retention": retention,
            "proven": [{"took": "40 min", "on": ago(20 * D)}, {"failure": "region", "took": "2 h", "on": ago(20 * D)}],
        } | ({"copies": copies} if copies else {})
        said = {"findings": sorted(findings), "points": points, "newest": newest, "whole": whole}
        self.planted.append({"component": name, **said, "naive": naive})
