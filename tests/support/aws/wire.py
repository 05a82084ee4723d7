"""What goes over the wire: errors in the form of each AWS protocol, and CBOR for rpc-v2-cbor."""

import json
import struct
import uuid
from datetime import datetime, timezone
from xml.sax.saxutils import escape

from botocore.utils import parse_to_aware_datetime
from moto.core.serialize import SERIALIZERS, JSONSerializer

CBOR = "smithy-rpc-v2-cbor"
NAMESPACES = {
    "rds": "http://rds.amazonaws.com/doc/2014-10-31/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "elbv2": "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
    "cloudwatch": "http://monitoring.amazonaws.com/doc/2010-08-01/",
    "route53": "https://route53.amazonaws.com/doc/2013-04-01/",
}
STATUS_OF_CODE = {
    "SlowDown": 503,
    "ServiceUnavailable": 503,
    "Unavailable": 503,
    "RequestLimitExceeded": 503,
    "InternalError": 500,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "UnauthorizedOperation": 403,
    "ExpiredToken": 403,
    "NotImplemented": 501,
}
CODE_OF_STATUS = {
    400: "ValidationError",
    403: "AccessDenied",
    404: "NotFound",
    429: "ThrottlingException",
    500: "InternalFailure",
    501: "NotImplemented",
    503: "ServiceUnavailable",
}


class Reply:
    """One answer: a status, headers as pairs, a body, and how the connection is cut if it is."""

    __slots__ = ("status", "headers", "body", "cut")

    def __init__(self, status, headers, body, cut=None):
        self.status = status
        self.headers = headers
        self.body = body
        self.cut = cut


class GearError(Exception):
    """An AWS error that the wrapper answers on its own."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def error(call, status=None, code=None, message=None):
    """Returns an error as the service of this call would send it."""
    if code is None:
        code = CODE_OF_STATUS.get(status, "InternalFailure")
    if status is None:
        status = STATUS_OF_CODE.get(code, 400)
    if message is None:
        message = "Rate exceeded" if "hrottl" in code else f"{code} (made by the test server)"
    request_id = str(uuid.uuid4())
    fault = "Sender" if status < 500 else "Receiver"
    headers = [("x-amzn-RequestId", request_id)]
    body = b""
    protocol = call.protocol
    if protocol == "json":
        kind = "application/x-amz-json-1.0" if call.service in ("dynamodb", "cloudwatch") else "application/x-amz-json-1.1"
        name = f"com.amazonaws.dynamodb.v20120810#{code}" if call.service == "dynamodb" else code
        body = json.dumps({"__type": name, "message": message}).encode()
        if call.service == "cloudwatch":
            headers.append(("x-amzn-query-error", f"{code};{fault}"))
    elif protocol == CBOR:
        kind = "application/cbor"
        body = cbor_encode({"__type": code, "message": message})
        headers.append(("smithy-protocol", "rpc-v2-cbor"))
        headers.append(("x-amzn-query-error", f"{code};{fault}"))
    elif protocol == "rest-json":
        kind = "application/json"
        body = json.dumps({"message": message, "Message": message}).encode()
        headers.append(("x-amzn-ErrorType", code))
    else:
        kind = "text/xml"
        one = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        if protocol == "ec2":
            text = f"<Response><Errors><Error>{one}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        elif protocol == "rest-xml" and call.service == "s3":
            kind = "application/xml"
            headers += [("x-amz-request-id", request_id), ("x-amz-id-2", "gear")]
            text = f"<Error>{one}<RequestId>{request_id}</RequestId><HostId>gear</HostId></Error>"
        else:
            space = NAMESPACES.get(call.service)
            space = f' xmlns="{space}"' if space else ""
            text = (
                f"<ErrorResponse{space}><Error><Type>{fault}</Type>{one}</Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>"
            )
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    if call.method == "HEAD":
        body = b""
    headers.append(("Content-Type", kind))
    return Reply(status, headers, body)


class Epoch(float):
    """Seconds since 1970 that are to be sent as a CBOR time."""


def _head(major, size):
    major <<= 5
    if size < 24:
        return bytes([major | size])
    for extra, form, top in ((24, ">B", 8), (25, ">H", 16), (26, ">I", 32), (27, ">Q", 64)):
        if size < 1 << top:
            return bytes([major | extra]) + struct.pack(form, size)
    raise ValueError("too large for CBOR")


def cbor_encode(value):
    """Writes plain Python data as CBOR."""
    if value is None:
        return b"\xf6"
    if value is True:
        return b"\xf5"
    if value is False:
        return b"\xf4"
    if isinstance(value, Epoch):
        return b"\xc1\xfb" + struct.pack(">d", value)
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, (bytes, bytearray)):
        return _head(2, len(value)) + bytes(value)
    if isinstance(value, dict):
        return _head(5, len(value)) + b"".join(cbor_encode(str(k)) + cbor_encode(v) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return _head(4, len(value)) + b"".join(map(cbor_encode, value))
    if isinstance(value, datetime):
        return cbor_encode(Epoch(value.timestamp()))
    raw = str(value).encode()
    return _head(3, len(raw)) + raw


def cbor_decode(data):
    """Reads CBOR; times become seconds since 1970."""
    return _decode(data, 0)[0] if data else {}


def _decode(data, at):
    first = data[at]
    major, info = first >> 5, first & 31
    at += 1
    if major == 7:
        if info in (20, 21):
            return info == 21, at
        if info in (22, 23):
            return None, at
        size = {25: 2, 26: 4, 27: 8}[info]
        form = {25: ">e", 26: ">f", 27: ">d"}[info]
        return struct.unpack(form, data[at : at + size])[0], at + size
    if info == 31:
        parts, keyed = [], {}
        while data[at] != 0xFF:
            part, at = _decode(data, at)
            if major == 5:
                keyed[part], at = _decode(data, at)
            parts.append(part)
        if major == 5:
            return keyed, at + 1
        if major == 4:
            return parts, at + 1
        return (b"" if major == 2 else "").join(parts), at + 1
    size = info
    if info >= 24:
        width = 1 << (info - 24)
        size = int.from_bytes(data[at : at + width], "big")
        at += width
    if major == 0:
        return size, at
    if major == 1:
        return -1 - size, at
    if major == 2:
        return data[at : at + size], at + size
    if major == 3:
        return data[at : at + size].decode(), at + size
    if major == 4:
        items = []
        for _ in range(size):
            item, at = _decode(data, at)
            items.append(item)
        return items, at
    if major == 5:
        members = {}
        for _ in range(size):
            name, at = _decode(data, at)
            members[name], at = _decode(data, at)
        return members, at
    return _decode(data, at)  # a tag: what it marks is all that counts here


class CborSerializer(JSONSerializer):
    """Answers rpc-v2-cbor, which moto does not."""

    def _serialize_body(self, body):
        return cbor_encode(body)

    def _serialize_type_timestamp(self, serialized, value, shape, key):
        moment = parse_to_aware_datetime(value)
        self._default_serialize(serialized, Epoch(moment.timestamp()), shape, key)

    def _serialize_type_blob(self, serialized, value, shape, key):
        raw = value.encode() if isinstance(value, str) else bytes(value)
        self._default_serialize(serialized, raw, shape, key)

    def _get_protocol_specific_content_type(self):
        return "application/cbor"

    def serialize(self, result):
        answer = super().serialize(result)
        answer["headers"]["smithy-protocol"] = "rpc-v2-cbor"
        return answer


SERIALIZERS[CBOR] = CborSerializer


def utc_text(moment):
    """Writes a moment as RFC 3339 with a Z."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_time(text):
    """Reads RFC 3339 into a moment with a zone; None stays None."""
    return None if text is None else parse_to_aware_datetime(text)
