"""Works out which AWS operation a request is: service, operation, Region, account, protocol and input."""

import json
import re
import threading
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, unquote_to_bytes

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.utils import get_service_model
from werkzeug.datastructures import EnvironHeaders, MultiDict

from wire import CBOR

DEFAULT_ACCOUNT = "123456789012"
SERVICE_OF_SIGNING = {
    "monitoring": "cloudwatch",
    "elasticloadbalancing": "elbv2",
    "tagging": "resourcegroupstaggingapi",
    "servicequotas": "service-quotas",
    "states": "stepfunctions",
    "email": "ses",
    "elasticfilesystem": "efs",
}
ACTION = re.compile(rb"(?:^|&)Action=([A-Za-z0-9]+)")
ACCOUNT_KEY = re.compile(r"A[KS]IAGEAR(\d{12})")

_local = threading.local()


def current():
    """Returns the call that this thread answers, or None."""
    return getattr(_local, "call", None)


def set_current(call):
    """Says which call this thread answers."""
    _local.call = call


class Call:
    """One request, as far as it is understood."""

    __slots__ = ("service", "operation", "region", "account", "protocol", "method", "path", "query", "environ", "body",
                 "labels", "stub", "_input")  # fmt: skip

    def input(self):
        """Returns the members of the request as the service model names them."""
        if self._input is None:
            self._input = _parse(self)
        return self._input


@lru_cache(maxsize=256)
def model(service):
    """Returns the service model, or None for a service that botocore does not know."""
    try:
        return get_service_model(service)
    except Exception:
        return None


class _Route:
    def __init__(self, operation):
        uri, _, query = operation.http["requestUri"].partition("?")
        self.name = operation.name
        self.uri = uri
        self.wanted = dict(parse_qsl(query, keep_blank_values=True))
        self.keys, self.headers = set(), set()
        shape = operation.input_shape
        for member in shape.required_members if shape else []:
            where = shape.members[member].serialization
            if where.get("location") == "querystring":
                self.keys.add(where["name"])
            elif where.get("location") == "header":
                self.headers.add("HTTP_" + where["name"].upper().replace("-", "_"))
        self.rank = (bool(operation.deprecated), -len(self.wanted), -len(self.keys), -len(self.headers))

    def fits(self, query, environ):
        for key, value in self.wanted.items():
            if key not in query or (value and query[key] != value):
                return False
        return all(key in query for key in self.keys) and all(name in environ for name in self.headers)


def _pattern(uri):
    names, out = [], ""
    for part in uri.rstrip("/").split("/")[1:]:
        if part.startswith("{") and part.endswith("}"):
            names.append(part.strip("{}").rstrip("+"))
            out += "/(.+)" if part.endswith("+}") else "/([^/]+)"
        else:
            out += "/" + re.escape(part)
    return re.compile(out + "/?"), names


@lru_cache(maxsize=64)
def _routes(service):
    """Returns for each method the path patterns, the most literal first, with their operations, the most exact first."""
    by_method = {}
    service_model = model(service)
    for name in service_model.operation_names:
        operation = service_model.operation_model(name)
        route = _Route(operation)
        by_method.setdefault(operation.http["method"], {}).setdefault(route.uri.rstrip("/"), []).append(route)
    table = {}
    for method, uris in by_method.items():
        rows = []
        for uri, routes in uris.items():
            pattern, names = _pattern(uri or "/")
            routes.sort(key=lambda route: route.rank)
            literal = sum(1 for part in uri.split("/") if part and "{" not in part)
            rows.append(((-literal, "+}" in uri, -uri.count("/")), pattern, names, routes))
        rows.sort(key=lambda row: row[0])
        table[method] = [row[1:] for row in rows]
    return table


def _rest(call):
    for pattern, names, routes in _routes(call.service).get(call.method, ()):
        hit = pattern.fullmatch(call.path)
        if not hit:
            continue
        for route in routes:
            if route.fits(call.query, call.environ):
                call.labels = dict(zip(names, hit.groups()))
                return route.name
    return None


def account_of(environ, key):
    """Returns the account of a request: the header, then the access key, then the default."""
    named = environ.get("HTTP_X_MOTO_ACCOUNT_ID")
    if named:
        return named
    if not key:
        return DEFAULT_ACCOUNT
    from moto.iam import models

    return models.get_account_id_from(key)


def identify(environ, body):
    """Reads a request; members that cannot be known are None."""
    call = Call()
    call.environ, call.body, call.method = environ, body, environ["REQUEST_METHOD"]
    call.stub, call._input, call.labels, call.operation = False, None, {}, None
    raw = environ.get("RAW_URI") or environ["PATH_INFO"]
    call.path = raw.partition("?")[0]
    text = environ.get("QUERY_STRING", "")
    call.query = dict(parse_qsl(text, keep_blank_values=True)) if text else {}

    key = region = signing = None
    scope = environ.get("HTTP_AUTHORIZATION", "")
    at = scope.find("Credential=")
    scope = scope[at + 11 :].partition(",")[0] if at >= 0 else unquote(call.query.get("X-Amz-Credential", ""))
    if scope:
        parts = scope.strip().split("/")
        if len(parts) >= 5:
            key, region, signing = parts[0], parts[-3], parts[-2].lower()
    call.region = region or "us-east-1"
    call.account = account_of(environ, key)

    kind = environ.get("CONTENT_TYPE", "")
    target = environ.get("HTTP_X_AMZ_TARGET")
    action = None
    if kind.startswith("application/x-www-form-urlencoded"):
        action = ACTION.search(body)
        action = action and action.group(1).decode()
    elif "Action" in call.query and signing not in ("s3", None):
        action = call.query["Action"]
    if signing is None:
        signing = "sts" if action else "s3"
    call.service = SERVICE_OF_SIGNING.get(signing, signing)

    if call.path.startswith("/service/") and "/operation/" in call.path:
        call.protocol = CBOR
        call.operation = call.path.rsplit("/", 1)[1]
    elif target:
        call.protocol = "json"
        prefix, _, call.operation = target.rpartition(".")
        if prefix.startswith("DynamoDBStreams"):
            call.service = "dynamodbstreams"
    elif action:
        call.protocol = "ec2" if call.service == "ec2" else "query"
        call.operation = action
        if call.service == "elbv2" and b"Version=2012-06-01" in body:
            call.service = "elb"
    else:
        if call.service == "s3" and call.path.startswith("/v20180820/"):
            call.service = "s3control"
        service_model = model(call.service)
        call.protocol = str(service_model.protocol) if service_model else "rest-json"
        if call.protocol.startswith("rest-"):
            call.operation = _rest(call)
    return call


def to_json(call):
    """Turns a rpc-v2-cbor request into the JSON request that moto knows, in place; the answer goes back as CBOR."""
    from wire import cbor_decode

    def plain(value):
        return value.decode("latin-1") if isinstance(value, bytes) else str(value)

    shape = call.path.split("/")[2]
    call.body = json.dumps(cbor_decode(call.body), default=plain).encode()
    environ = call.environ
    environ.update(
        {
            "HTTP_X_AMZ_TARGET": f"{shape}.{call.operation}",
            "CONTENT_TYPE": "application/x-amz-json-1.0",
            "CONTENT_LENGTH": str(len(call.body)),
            "PATH_INFO": "/",
            "RAW_URI": "/",
            "REQUEST_URI": "/",
        }
    )


def _parse(call):
    operation = model(call.service).operation_model(call.operation)
    protocol = "json" if call.protocol == CBOR else call.protocol
    values = MultiDict(parse_qsl(call.environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if protocol in ("query", "ec2"):
        values.update(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
    parser = PROTOCOL_PARSERS[protocol](operation)
    return parser.parse(
        {
            "method": call.method,
            "values": values,
            "headers": EnvironHeaders(call.environ),
            "body": call.body,
            "url_path": call.path,
            "url_params": {name: unquote_to_bytes(value).decode("utf-8", "replace") for name, value in call.labels.items()},
        }
    )
