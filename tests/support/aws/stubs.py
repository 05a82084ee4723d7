"""Answers made from the service model, for operations that moto does not serve or that a test wants otherwise."""

import fnmatch
import itertools
import re
import threading
import uuid

from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_pagination_model

from faults import check_keys
from operations import model
from services import object_retention
from wire import GearError, Reply

STUB_KEYS = {"id", "service", "operation", "region", "account", "match", "pages", "error", "times"}
TOKEN = re.compile(r"gear-(\d+)-(\d+)")
DEFAULTS = {
    ("backup", "ListRecoveryPointsByResource"): {"RecoveryPoints": []},
    ("backup", "ListRecoveryPointsByBackupVault"): {"RecoveryPoints": []},
    ("backup", "ListBackupJobs"): {"BackupJobs": []},
    ("backup", "ListCopyJobs"): {"CopyJobs": []},
    ("backup", "ListRestoreJobs"): {"RestoreJobs": []},
    ("backup", "ListProtectedResources"): {"Results": []},
    ("backup", "ListBackupSelections"): {"BackupSelectionsList": []},
    ("backup", "GetBackupSelection"): {},
    ("dlm", "GetLifecyclePolicies"): {"Policies": []},
    ("ec2", "DescribeLockedSnapshots"): {"Snapshots": []},
    ("ec2", "DescribeVolumeStatus"): {"VolumeStatuses": []},
    ("rds", "DescribePendingMaintenanceActions"): {"PendingMaintenanceActions": []},
}


def check_shape(shape, value, where):
    """Refuses members that the service model does not have."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            raise ValueError(f"{where} must be an object")
        for name, inner in value.items():
            if name not in shape.members:
                raise ValueError(f"{where} has no member {name}")
            if inner is not None:
                check_shape(shape.members[name], inner, f"{where}.{name}")
    elif kind == "list":
        if not isinstance(value, list):
            raise ValueError(f"{where} must be a list")
        for at, inner in enumerate(value):
            check_shape(shape.member, inner, f"{where}[{at}]")
    elif kind == "map":
        for name, inner in value.items():
            check_shape(shape.value, inner, f"{where}.{name}")


def serialise(call, page):
    """Writes the members of an answer in the protocol of the call."""
    operation = model(call.service).operation_model(call.operation)
    request_id = str(uuid.uuid4())
    made = get_serializer_class(call.service, call.protocol)(operation, SerializationContext(request_id)).serialize(page)
    body = made["body"]
    headers = [(name, str(value)) for name, value in made["headers"].items()]
    headers += [("x-gear-stub", "1"), ("x-amzn-RequestId", request_id)]
    return Reply(made["status_code"], headers, body.encode() if isinstance(body, str) else body or b"")


def _tokens(service, operation):
    """Returns the input members, output members and the `more` member by which an operation is paged."""
    try:
        paging = get_pagination_model(service).get(operation)
    except Exception:
        paging = None
    shape = model(service).operation_model(operation)
    if paging:
        inputs, outputs = paging["input_token"], paging["output_token"]
        inputs = inputs if isinstance(inputs, list) else [inputs]
        outputs = outputs if isinstance(outputs, list) else [outputs]
        outputs = [re.split(r"\s*\|\|\s*", name)[0] for name in outputs]
        return inputs, outputs, paging.get("more_results")
    into, out = shape.input_shape, shape.output_shape
    for name in ("NextToken", "nextToken", "Marker"):
        if into is not None and out is not None and name in into.members and name in out.members:
            return [name], [name], None
    return None


class Stub:
    def __init__(self, spec, number):
        check_keys(spec, STUB_KEYS, "a stub")
        self.number, self.spec = number, {"id": f"stub-{number}", **spec}
        self.service, self.operation = spec["service"], spec["operation"]
        self.region, self.account = spec.get("region"), spec.get("account")
        self.match, self.pages, self.error = spec.get("match") or {}, spec.get("pages") or [{}], spec.get("error")
        self.served, self.tokens = 0, None
        service = model(self.service)
        if service is None:
            raise ValueError(f"no service {self.service}")
        if self.operation not in service.operation_names:
            raise ValueError(f"{self.service} has no operation {self.operation}")
        operation = service.operation_model(self.operation)
        for name in self.match:
            if operation.input_shape is None or name not in operation.input_shape.members:
                raise ValueError(f"{self.operation} has no input {name}")
        for at, page in enumerate(self.pages):
            if operation.output_shape is None and page:
                raise ValueError(f"{self.operation} answers nothing")
            if page:
                check_shape(operation.output_shape, page, f"pages[{at}]")
        if len(self.pages) > 1:
            self.tokens = _tokens(self.service, self.operation)
            if self.tokens is None:
                raise ValueError(f"{self.operation} is not paged")

    def fits(self, call):
        if self.region not in (None, call.region) or self.account not in (None, call.account):
            return False
        times = self.spec.get("times")
        if times is not None and self.served >= times:
            return False
        if not self.match:
            return True
        given = call.input()
        return all(_same(given.get(name), wanted) for name, wanted in self.match.items())

    def page(self, index):
        page = dict(self.pages[index])
        if self.tokens is None:
            return page
        _, outputs, more = self.tokens
        last = index + 1 >= len(self.pages)
        if more and "." not in more:
            page[more] = not last
        if not last:
            token = f"gear-{self.number}-{index + 1}"
            first = outputs[0]
            target = page
            shape = model(self.service).operation_model(self.operation).output_shape
            *path, name = first.split(".")
            for step in path:
                target[step] = target = dict(target.get(step) or {})
                shape = shape.members[step]
            inner = shape.members[name]
            target[name] = {"gear": {"S": token}} if inner.type_name == "map" else token
        return page


def _same(given, wanted):
    if given is None or isinstance(wanted, (dict, list)):
        return given == wanted
    return given == wanted or str(given) == str(wanted)


class Stubs:
    """All stubs: the newest that fits answers."""

    def __init__(self):
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.clear()

    def clear(self):
        self.made, self.denied = {}, []

    def add(self, specs):
        specs = specs if isinstance(specs, list) else [specs]
        made = [Stub(spec, next(self.numbers)) for spec in specs]
        with self.lock:
            for stub in made:
                key = (stub.service, stub.operation)
                self.made = {**self.made, key: [stub, *self.made.get(key, [])]}
        return [stub.spec["id"] for stub in made]

    def remove(self, account=None, name=None):
        with self.lock:
            self.made = {
                key: [
                    stub
                    for stub in stubs
                    if (account is not None and stub.account != account) or (name is not None and stub.spec["id"] != name)
                ]
                for key, stubs in self.made.items()
            }

    def show(self):
        return [{**stub.spec, "served": stub.served} for stubs in self.made.values() for stub in stubs]

    def deny(self, spec):
        """Remembers actions that SimulatePrincipalPolicy is to refuse."""
        check_keys(spec, {"account", "principal", "actions", "resources", "decision"}, "a simulation")
        self.denied.append(spec)

    def answer(self, call):
        """Returns the reply of a stub, or None when the call is moto's."""
        key = (call.service, call.operation)
        found = None
        stubs = self.made.get(key)
        if stubs:
            found = self._find(call, stubs)
        if found is not None:
            stub, index = found
            with self.lock:
                stub.served += 1
            call.stub = True
            if stub.error:
                raise GearError(stub.error.get("status"), stub.error.get("code"), stub.error.get("message"))
            return serialise(call, stub.page(index))
        page = DEFAULTS.get(key)
        if page is None and key == ("iam", "SimulatePrincipalPolicy"):
            page = self._simulate(call)
        elif page is None and key == ("s3", "GetObjectRetention"):
            page = object_retention(call)
        if page is None:
            return None
        call.stub = True
        return serialise(call, page)

    def _find(self, call, stubs):
        for stub in stubs:
            if stub.tokens is None:
                continue
            for name in stub.tokens[0]:
                value = call.input().get(name)
                value = value.get("gear", {}).get("S") if isinstance(value, dict) else value
                hit = TOKEN.fullmatch(value) if isinstance(value, str) else None
                if hit:
                    for owner in stubs:
                        if owner.number == int(hit.group(1)) and int(hit.group(2)) < len(owner.pages):
                            return owner, int(hit.group(2))
        for stub in stubs:
            if stub.fits(call):
                return stub, 0
        return None

    def _simulate(self, call):
        given = call.input()
        results = []
        for action in given.get("ActionNames") or []:
            for resource in given.get("ResourceArns") or ["*"]:
                results.append(
                    {
                        "EvalActionName": action,
                        "EvalResourceName": resource,
                        "EvalDecision": self._decision(call.account, given.get("PolicySourceArn"), action, resource),
                        "MatchedStatements": [],
                        "MissingContextValues": [],
                    }
                )
        return {"EvaluationResults": results, "IsTruncated": False}

    def _decision(self, account, principal, action, resource):
        for spec in reversed(self.denied):
            if (
                spec.get("account") in (None, account)
                and spec.get("principal") in (None, principal)
                and any(fnmatch.fnmatchcase(action.lower(), one.lower()) for one in spec.get("actions", ["*"]))
                and any(fnmatch.fnmatchcase(resource, one) for one in spec.get("resources", ["*"]))
            ):
                return spec.get("decision", "implicitDeny")
        return "allowed"
