"""Conditions of S3 that not every emulator checks: they are judged here, by what a HEAD of the upstream says."""

from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote, urlsplit

from gateway_http import request_bytes
from wire import error

WRITES = {"PutObject", "CopyObject", "CompleteMultipartUpload", "DeleteObject"}
SOURCE = "x-amz-copy-source-if-"
CARRIED = ("authorization", "host", "x-moto-account-id", "x-amz-date", "x-amz-security-token")


def ask(link, request, method, target, body=b"", kind=None):
    """Asks the upstream as whoever made this request: no emulator checks signatures. Returns None without an answer."""
    pairs = [(name, value) for name, value in request.pairs if name.lower() in CARRIED]
    pairs.append(("User-Agent", "gateway-probe"))
    if kind:
        pairs.append(("Content-Type", kind))
    return link.exchange(request_bytes(method, target, pairs, body), method)


def head(link, request, call, version=None):
    """Returns what a HEAD says of the object that a call is about."""
    target = call.path + (f"?versionId={quote(version)}" if version else "")
    return ask(link, request, "HEAD", target)


def was_there(link, request, call):
    """Says whether what DeleteObject is to delete is there: an object, or a delete marker if it is named by its version."""
    version = call.query.get("versionId")
    answer = head(link, request, call, version)
    if answer is None:
        return None
    return answer.status != 404 or (version is not None and answer.field("x-amz-delete-marker") == "true")


def refusal(link, request, call):
    """Returns the error that AWS answers to a conditional write whose condition does not hold; None if all hold.

    What was judged here is not sent on: moto knows no `*` where it checks If-Match.
    """
    if call.operation not in WRITES:
        return None
    said = request.fields
    match, none_match = said.get("if-match"), said.get("if-none-match")
    if match or none_match:
        found = head(link, request, call)
        there = found is not None and found.status == 200
        if found is not None and (there or found.status == 404):
            if none_match and there and (none_match == "*" or _same(none_match, found)):
                return _failed(call, "If-None-Match")
            if match and there and match != "*" and not _same(match, found):
                return _failed(call, "If-Match")
            if match and not there:
                if match == "*":
                    return _failed(call, "If-Match")
                return error(call, 404, "NoSuchKey", "The specified key does not exist.")
            _judged(request, "if-match", "if-none-match")
    if call.operation == "CopyObject" and any(name.startswith(SOURCE) for name in said):
        return _source(link, request, call)
    return None


def _source(link, request, call):
    said = request.fields
    source = said.get("x-amz-copy-source", "")
    parts = urlsplit("/" + source.lstrip("/"))
    target = quote(unquote(parts.path)) + (f"?{parts.query}" if parts.query else "")
    found = ask(link, request, "HEAD", target)
    if found is None or found.status != 200:
        return None  # the upstream says what is wrong with it
    match, none_match = said.get(SOURCE + "match"), said.get(SOURCE + "none-match")
    if match and match != "*" and not _same(match, found):
        return _failed(call, SOURCE + "match")
    if none_match and (none_match == "*" or _same(none_match, found)):
        return _failed(call, SOURCE + "none-match")
    written = parsedate_to_datetime(found.field("last-modified"))
    before, since = said.get(SOURCE + "unmodified-since"), said.get(SOURCE + "modified-since")
    if before and not match and written > parsedate_to_datetime(before):
        return _failed(call, SOURCE + "unmodified-since")
    if since and not none_match and written <= parsedate_to_datetime(since):
        return _failed(call, SOURCE + "modified-since")
    _judged(request, *(SOURCE + name for name in ("match", "none-match", "unmodified-since", "modified-since")))
    return None


def _judged(request, *names):
    request.pairs = [pair for pair in request.pairs if pair[0].lower() not in names]


def _same(tag, found):
    return tag.strip().strip('"') == (found.field("etag") or "").strip().strip('"')


def _failed(call, condition):
    reply = error(call, 412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
    reply.body = reply.body.replace(b"<RequestId>", f"<Condition>{condition}</Condition><RequestId>".encode(), 1)
    return reply
