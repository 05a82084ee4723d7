"""Facts that tests lay down beside moto's own data, and states that new resources dwell in."""

import time
from datetime import datetime, timezone
from weakref import WeakKeyDictionary

from botocore import xform_name

from wire import read_time

STEADY = {"available", "completed", "ACTIVE", "AVAILABLE", "creating"}
KINDS = {"rds.db", "rds.snapshot", "rds.cluster", "rds.cluster_snapshot", "ec2.snapshot", "ec2.image", "dynamodb.table",
         "dynamodb.backup", "eks.cluster", "eks.nodegroup"}  # fmt: skip


class Facts:
    """What the tests laid down beside moto's own data."""

    def __init__(self):
        self.over = WeakKeyDictionary()  # object -> {member: (value, is it a test's)}
        self.types = set()
        self.born = WeakKeyDictionary()  # object -> monotonic time
        self.clear()

    def clear(self):
        self.dwell = {}
        self.restorable = {}  # (account, region, kind, id) -> time or None
        self.windows = {}  # (account, region, instance) -> {...}
        self.over.clear()
        self.types.clear()

    def set_dwell(self, spec):
        """Sets how long new resources stay in a first state; null ends it."""
        for kind, value in spec.items():
            if kind not in KINDS:
                raise ValueError(f"dwell knows {', '.join(sorted(KINDS))}, not {kind}")
            if value is None:
                self.dwell.pop(kind, None)
            else:
                self.dwell[kind] = (str(value[0]), float(value[1]))

    def dwelling(self, thing, kind):
        """Returns the first state and how much of it is over (0 to 1), or None."""
        spec = self.dwell.get(kind)
        if spec is None:
            return None
        born = self.born.get(thing)
        if born is None:
            return None
        age = time.monotonic() - born
        return (spec[0], age / spec[1]) if age < spec[1] else None

    def lay(self, thing, member, value, of_test=False):
        """Lays a member over what moto would answer for this object."""
        self.over.setdefault(thing, {})[member] = (value, of_test)
        self.types.add(type(thing))


FACTS = Facts()


def naive(moment):
    """Returns a moment as moto keeps it: in UTC, without a zone."""
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


class Dwell:
    """An attribute that shows a first state for a while after its object was made."""

    def __init__(self, kind, name):
        self.kind, self.name = kind, name

    def __get__(self, thing, owner=None):
        if thing is None:
            return self
        try:
            value = thing.__dict__[self.name]
        except KeyError:
            raise AttributeError(self.name) from None
        if FACTS.dwell and value in STEADY:
            found = FACTS.dwelling(thing, self.kind)
            if found:
                return found[0]
        return value

    def __set__(self, thing, value):
        if thing not in FACTS.born:
            FACTS.born[thing] = time.monotonic()
        thing.__dict__[self.name] = value


def newborn(cls):
    """Remembers when the objects of a class are made."""
    made = cls.__init__

    def __init__(self, *args, **kwargs):
        FACTS.born[self] = time.monotonic()
        made(self, *args, **kwargs)

    cls.__init__ = __init__


# ---------------------------------------------------------------- facts that the API cannot make

PLACES = {
    "rds.db": ("rds", "databases"),
    "rds.snapshot": ("rds", "database_snapshots"),
    "rds.cluster": ("rds", "clusters"),
    "rds.cluster_snapshot": ("rds", "cluster_snapshots"),
    "ec2.snapshot": ("ec2", "snapshots"),
    "ec2.image": ("ec2", "amis"),
    "ec2.volume": ("ec2", "volumes"),
    "dynamodb.table": ("dynamodb", "tables"),
    "dynamodb.backup": ("dynamodb", "backups"),
    "kms.key": ("kms", "keys"),
    "backup.vault": ("backup", "vaults"),
    "eks.cluster": ("eks", "clusters"),
}
ATTRIBUTES = {("ec2.snapshot", "State"): "status", ("ec2.image", "State"): "state", ("rds.db", "DBInstanceStatus"): "status"}


def find(account, region, resource, name):
    """Returns the object of moto behind a resource."""
    from moto.backends import get_backend

    from services import prepare

    service, place = PLACES.get(resource) or tuple(resource.split(".", 1))
    prepare(service)
    backends = get_backend(service)[account]
    backend = backends[region] if region in backends else backends["aws"]
    if resource == "ec2.instance":
        return backend.get_instance(name)
    things = getattr(backend, place)
    if name not in things:
        raise LookupError(f"no {resource} {name} in {region} of {account}")
    return things[name]


def patch(spec):
    """Sets facts on an object: Members as the API names them, attributes as moto does."""
    resource = spec["resource"]
    if "." not in resource:
        resource = f"{spec['service']}.{resource}"
    thing = find(spec.get("account", "123456789012"), spec["region"], resource, spec["id"])
    for name, value in spec["set"].items():
        if name[:1].isupper():
            attribute = ATTRIBUTES.get((resource, name)) or ("status" if name == "Status" else xform_name(name))
            if attribute in vars(thing):
                _assign(thing, attribute, value)
            FACTS.lay(thing, name, value, of_test=True)
        else:
            _assign(thing, name, value)


def _assign(thing, name, value):
    if isinstance(value, str) and (isinstance(getattr(thing, name, None), datetime) or name.endswith(("_time", "_date", "_at"))):
        value = naive(read_time(value))
    try:
        setattr(thing, name, value)
    except AttributeError:
        raise ValueError(f"{name} cannot be set; name the member of the answer instead") from None
