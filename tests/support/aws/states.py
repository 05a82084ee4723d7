"""Lays Terraform states and locks into a running server (server.py), bytes as Terraform and OpenTofu write them.

    python states.py PORT ACCOUNT facts             one state for each thing that has to be told apart; see states_facts.py
    python states.py PORT ACCOUNT many N VERSIONS   N sound states of VERSIONS versions each, one a day, and their digests

Nothing runs Terraform here (terraform.py does). Prints as JSON what is to be seen. Both name the `backends` as an estate
file has them, for an environment whose home is us-east-2. `many` says besides: {"bucket", "lock_table", "prefix", "states",
"versions", "first" and "last": {"key", "path", "serial", "lineage", "md5", "version_ids": newest first}, "seconds"}; the
key of state n is `many/{n:05}/terraform.tfstate`.
"""

import datetime
import hashlib
import json
import sys
import time
import uuid

from account import ACCOUNT, HOME, client, gear, now, versioned

BATCH = 100
ROWS = 25  # BatchWriteItem takes no more
VERSION = "1.11.4"


def state(serial, lineage, resources=2, note="", version=4, terraform_version=VERSION):
    """Returns a state as Terraform stores it, with so many resources and one that it only looks up."""
    nothing = {"value": {}, "type": ["object", {}]}
    looked_up = {"backend": "local", "config": nothing, "defaults": None, "outputs": nothing, "workspace": None}
    rows = [{**_resource("data", "terraform_remote_state", "other"), "instances": [_instance(looked_up)]}]
    for n in range(resources):
        thing = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{lineage}/{n}"))
        text = {"value": f"{note}{n}", "type": "string"}
        value = {"id": thing, "input": text, "output": text, "triggers_replace": None}
        rows.append({**_resource("managed", "terraform_data", f"thing_{n}"), "instances": [_instance(value)]})
    whole = {
        "version": version,
        "terraform_version": terraform_version,
        "serial": serial,
        "lineage": lineage,
        "outputs": {"serial": {"value": serial, "type": "number"}},
        "resources": rows,
        "check_results": None,
    }
    return (json.dumps(whole, indent=2) + "\n").encode()


def _resource(mode, kind, name):
    return {"mode": mode, "type": kind, "name": name, "provider": 'provider["terraform.io/builtin/terraform"]'}


def _instance(attributes):
    return {"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}


def lock_record(path, operation="OperationTypeApply", who="ci@runner-7", age_s=60.0, lock_id=None):
    """Returns what stands in a lock: compact JSON, with the keys in Terraform's order and nine digits of a second."""
    created = (now() - datetime.timedelta(seconds=age_s)).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"
    fields = {
        "ID": lock_id or str(uuid.uuid4()),
        "Operation": operation,
        "Info": "",
        "Who": who,
        "Version": VERSION,
        "Created": created,
        "Path": path,
    }
    return json.dumps(fields, separators=(",", ":"))


def lock_table(name, region=HOME):
    """Makes a table as Terraform wants it."""
    client("dynamodb", region).create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )


def put_rows(table, rows, region=HOME):
    """Writes rows {attribute: text} into a table."""
    items = [{name: {"S": value} for name, value in row.items()} for row in rows]
    dynamodb = client("dynamodb", region)
    for at in range(0, len(items), ROWS):
        requests = [{"PutRequest": {"Item": item}} for item in items[at : at + ROWS]]
        dynamodb.batch_write_item(RequestItems={table: requests})


def md5(body):
    return hashlib.md5(body).hexdigest()


def when(age_s):
    """Returns the moment so long ago as the control API reads it."""
    return (now() - datetime.timedelta(seconds=age_s)).isoformat()


def many(count, versions):
    """Lays many sound states, and returns what is to be seen of them."""
    began = time.monotonic()
    bucket, table, prefix = f"{ACCOUNT}-many", "many-locks", "many/"
    versioned(bucket)
    lock_table(table)
    rows, told = [], {}
    days = [when(86400 * (versions - n)) for n in range(versions)]
    for at in range(0, count, BATCH):
        objects = []
        for n in range(at, min(at + BATCH, count)):
            key = f"{prefix}{n:05}/terraform.tfstate"
            lineage = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{bucket}/{key}"))
            # Made once for all versions, which is what makes this quick.
            text = state(0, lineage, resources=1).decode()
            bodies = [_numbered(text, serial) for serial in range(1, versions + 1)]
            laid = [{"text": body, "at": day} for body, day in zip(bodies, days)]
            objects.append({"key": key, "versions": laid})
            rows.append({"LockID": f"{bucket}/{key}-md5", "Digest": md5(bodies[-1].encode())})
            if n in (0, count - 1):
                known = {"serial": versions, "lineage": lineage, "md5": rows[-1]["Digest"]}
                told["first" if n == 0 else "last"] = {"key": key, "path": f"{bucket}/{key}", **known}
        ids = gear("objects", bucket=bucket, objects=objects)["version_ids"]
        for one in told.values():
            one.setdefault("version_ids", ids.get(one["key"], [])[::-1])
    put_rows(table, rows)
    told.setdefault("last", told.get("first"))
    backend = {"bucket": bucket, "prefix": prefix, "lock_table": table}
    return {
        "backends": {"many": backend},
        **backend,
        "states": count,
        "versions": versions,
        **told,
        "seconds": round(time.monotonic() - began, 1),
    }


def _numbered(text, serial):
    return text.replace('"serial": 0,', f'"serial": {serial},', 1).replace('"value": 0,', f'"value": {serial},', 1)


if __name__ == "__main__":
    if sys.argv[3:4] == ["many"]:
        print(json.dumps(many(int(sys.argv[4]), int(sys.argv[5]))))
    elif sys.argv[3:] == ["facts"]:
        import states_facts  # not at the top: it needs this file

        print(json.dumps(states_facts.make()))
    else:
        raise SystemExit("states.py PORT ACCOUNT facts | many N VERSIONS")
