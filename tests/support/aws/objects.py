"""Objects that tests lay straight into buckets: as many versions, and as old, as they say.

`POST /_gear/objects` (see server.py) writes into moto in process. 100 000 versions by PutObject would take minutes, and
all of them would be of today. What was laid is read, listed and deleted like anything that was put.
"""

import base64
import hashlib
import io
import uuid
from datetime import datetime, timezone

from moto.core.utils import utcnow
from moto.s3.models import FakeDeleteMarker, FakeKey, s3_backends
from moto.utilities.utils import LowercaseDict

from facts import naive
from faults import check_keys

SPEC = {"account", "bucket", "objects"}
OBJECT = {"key", "versions"}
VERSION = {"text", "base64", "at", "delete_marker", "version_id", "etag", "encryption"}


class Laid(FakeKey):
    """A version that holds its bytes and nothing else of its own: moto opens a temporary file for each."""

    __module__ = "moto.s3.laid"  # moto reads the service from it

    def __new__(cls, *args, **kwargs):
        return object.__new__(cls)  # moto's own keeps all that was ever made

    def __init__(self, like, name, body, version_id, at, etag=None, encryption=None):
        self.like, self.name, self.body, self.last_modified = like, name, body, at
        self.contentsize, self._version_id = len(body), version_id
        self._etag = etag or hashlib.md5(body).hexdigest()
        if encryption:
            self.encryption = encryption

    def __getattr__(self, name):
        """What nobody has set is as in the key that all are like."""
        if name == "_metadata":
            self._metadata = LowercaseDict({"Content-Type": "application/json"})
            return self._metadata
        try:
            return self.__dict__["like"][name]
        except KeyError:
            raise AttributeError(name) from None

    value = property(lambda self: self.body)
    _value_buffer = property(lambda self: io.BytesIO(self.body))

    def __getstate__(self):
        return dict(self.__dict__)

    def __setstate__(self, state):
        self.__dict__.update(state)

    def dispose(self, garbage=False):
        pass

    def __del__(self):
        pass


def lay(spec):
    """Lays versions of objects into a bucket, oldest first, and returns their ids by key."""
    check_keys(spec, SPEC, "what is laid")
    account, bucket_name = spec.get("account", "123456789012"), spec["bucket"]
    backend = s3_backends[account]["aws"]
    if bucket_name not in backend.buckets:
        raise LookupError(f"no bucket {bucket_name} in {account}")
    bucket = backend.buckets[bucket_name]
    if not bucket.is_versioned:
        raise ValueError(f"{bucket_name} keeps no versions")
    made = FakeKey("", b"", account, backend.region_name, version_id="", is_versioned=True, bucket_name=bucket_name)
    like = {name: value for name, value in vars(made).items() if name not in ("_value_buffer", "lock")}
    made.dispose()
    return {one["key"]: _lay_one(bucket, like, one) for one in spec["objects"]}


def _lay_one(bucket, like, spec):
    check_keys(spec, OBJECT, "an object")
    name, versions = spec["key"], []
    for one in spec["versions"]:
        check_keys(one, VERSION, "a version")
        at = _moment(one["at"]) if "at" in one else utcnow()
        version_id = one.get("version_id") or str(uuid.uuid4())
        if one.get("delete_marker"):
            version = FakeDeleteMarker(Laid(like, name, b"", version_id, at))
            version._version_id, version.last_modified = version_id, at
        else:
            body = base64.b64decode(one["base64"]) if "base64" in one else one["text"].encode()
            version = Laid(like, name, body, version_id, at, one.get("etag"), one.get("encryption"))
        versions.append(version)
    dict.__setitem__(bucket.keys, name, [*bucket.keys.getlist(name, []), *versions])
    return [version.version_id for version in versions]


def _moment(text):
    """Reads RFC 3339; wire.read_time takes twenty times as long, which counts for so many."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return naive(moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc))
