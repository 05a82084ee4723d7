"""Makes an account in a running server (server.py) that lifeboat is to read, and the estate file that describes it.

    python3 estate.py PORT FOLDER

Two accounts: production (us-east-2, DR Region us-west-2) and staging (eu-west-1, DR Region us-west-2), which is reached
by assuming a role. The server must be empty: POST /_gear/reset otherwise. Everything is as old as it says; at the end the
server's clock stands still, so that two readers see the same. What is judged moves on with the reader's own clock; limits
leave it at least ten minutes before a verdict changes. Each planted defect is on a component of its own and is named where
that component is made, with the row of the semantics that it is about (KMS: keys) and what a naive reading would say;
together they are a table.

Written to FOLDER:
- lifeboat.yaml, the estate file, with that table above it;
- cells.json: `defects`, that table, with the failure that each is about and the verdict that it must get; `impossible`, by
  kind and verdict, why no component can have the verdict; `kinds`, how many components there are of each kind.

Parts: estate_databases.py, estate_machines.py, estate_services.py, estate_stores.py and estate_tables.py; estate_world.py
is what they share. oracle.py says what is to be seen in it, and shares no code with these.
"""

import collections
import json
import pathlib
import sys

import yaml

import estate_databases
import estate_machines
import estate_services
import estate_stores
import estate_tables
from estate_world import DR, H, HOME, OBSERVER, PRODUCTION, STAGING, STAGING_HOME, World

READ_ELSEWHERE = "what an EKS cluster is rebuilt from lies outside AWS and is not read, so it is never known"

# Verdicts that no component of a kind can have, and why.
IMPOSSIBLE = {
    "eks-cluster": {
        "met": READ_ELSEWHERE,
        "at_risk": READ_ELSEWHERE,
        "breached": READ_ELSEWHERE,
        "unproven": READ_ELSEWHERE,
    },
}

# The verdict that each planted defect was planted for, by failure: what both the oracle and lifeboat must say.
MEANT = {
    "local": {
        "met": "legacy-shop warehouse old-sessions scheduler vol-retired avatars jobs",
        "at_risk": "newsletters carts vol-shares continuous",
        "breached": "ledger pricing old-intranet reports search-index partners payroll messages forum stock prices coupons "
        "old-carts api batch mailer vpn old-bastion vol-files vol-logs vol-tapes vol-bin vol-vault old-vol uploads exports "
        "old-assets weekly monthly sealed empty slow-dns old-dns bookkeeping",
        "unproven": "invoicing wishlists vol-thawed",
        "unknown": "twins st-legacy st-sealed st-core st-sessions twin-web st-web st-vol st-media st-main st-dns kubernetes",
    },
    "region": {
        "met": "vol-data vol-multi documents",
        "breached": "customers contracts archive tickets inbox licences ratings feeds surveys devices flags vol-cache "
        "telemetry scans receipts east-dns",
        "unknown": "st-replica",
    },
    "account": {"breached": "vol-escrow"},
}

# What staging's observer may not read: at home, and keys and metrics in the DR Region. Last, for what is made is looked at
# while it is made.
DENIED = {
    "kms": ["DescribeKey"],
    "cloudwatch": ["GetMetricData", "GetMetricStatistics"],
    "rds": ["DescribeDBSnapshots", "DescribeDBClusterSnapshots"],
    "ec2": ["DescribeImages", "DescribeSnapshots"],
    "s3": ["GetBucketVersioning"],
    "dynamodb": ["DescribeContinuousBackups"],
    "backup": ["ListRecoveryPointsByBackupVault"],
    "route53": ["ListResourceRecordSets"],
}


def keys(world):
    """Makes the keys; returns a mapping that is filled while the timeline plays."""
    known = {}

    def make(name, region=HOME, account=PRODUCTION, **fields):
        def do():
            answer = world.client("kms", region, account).create_key(Description=f"estate {name}", **fields)
            known[name] = answer["KeyMetadata"]["Arn"]

        world.at(300 * 24 * H, do)

    make("home")
    make("disabled")
    make("dying")
    make("dr", DR)
    make("dr-dying", DR)
    make("staging", DR, STAGING)
    make("multi", MultiRegion=True)
    make("multi-alone", MultiRegion=True)

    def bare(name):
        """The emulator takes only identifiers here, no ARNs."""
        return known[name].split("/")[1]

    def replicate():
        answer = world.client("kms").replicate_key(KeyId=bare("multi"), ReplicaRegion=DR)
        known["multi-dr"] = answer["ReplicaKeyMetadata"]["Arn"]

    def spoil():
        world.client("kms").disable_key(KeyId=bare("disabled"))
        world.client("kms").schedule_key_deletion(KeyId=bare("dying"), PendingWindowInDays=14)
        world.client("kms", DR).schedule_key_deletion(KeyId=bare("dr-dying"), PendingWindowInDays=14)

    world.at(299 * 24 * H, replicate)
    # RDS refuses a key that is disabled; it was not while snapshots were made with it.
    world.at(30 * 60, spoil)
    return known


def denials():
    rules = []
    for service, operations in DENIED.items():
        for operation in operations:
            json = service in ("dynamodb", "kms")
            exception = "AccessDeniedException" if json or service == "backup" else "AccessDenied"
            rule = {
                "service": service,
                "operation": operation,
                "account": STAGING,
                "status": 400 if json else 403,
                "code": "UnauthorizedOperation" if service == "ec2" else exception,
                "message": f"User: arn:aws:sts::{STAGING}:assumed-role/observe/x is not authorized to perform: "
                f"{service}:{operation}",
            }
            if service != "route53":
                rule["region"] = DR if service in ("kms", "cloudwatch") else STAGING_HOME
            rules.append(rule)
    return rules


def describe(world):
    """Returns the estate file."""
    nothing = {"account": {"rpo": "none", "rto": "none"}}
    return {
        "version": 1,
        "estate": "observed",
        "environments": {
            "production": {
                "class": "production",
                "account": PRODUCTION,
                "account_alias": "estate-prod",
                "region": HOME,
                "dr_region": DR,
                "objectives": nothing,
            },
            "staging": {
                "class": "staging",
                "account": STAGING,
                "account_alias": "estate-stage",
                "region": STAGING_HOME,
                "dr_region": DR,
                "observe": {"role": OBSERVER},
                "objectives": nothing,
            },
        },
        "components": world.components,
        "groups": world.groups,
        "drills": world.drills,
    }


def table(world):
    """Returns the planted defects as lines of comment."""
    lines = ["# Planted defects: component, row of the semantics, what a naive reading would say."]
    for defect in world.defects:
        lines.append(f"# {defect['component']:<16} {defect['row']:<4} {defect['naive']}")
    return "\n".join(lines) + "\n"


class Plain(yaml.SafeDumper):
    """Writes what is used twice twice: the file is to be read by people."""

    def ignore_aliases(self, data):
        return True


def main(port, folder):
    world = World(port)
    known = keys(world)
    estate_databases.instances(world, known)
    estate_databases.clusters(world)
    estate_tables.tables(world)
    ec2 = estate_machines.machines(world, known)
    estate_machines.volumes(world, ec2)
    estate_stores.buckets(world)
    estate_stores.vaults(world, known)
    estate_services.records(world)
    estate_services.others(world)
    world.play()
    world.gear("rules", denials())

    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.dump(describe(world), Dumper=Plain, sort_keys=False, allow_unicode=True, width=120)
    (folder / "lifeboat.yaml").write_text(table(world) + text)
    kinds = collections.Counter(component["kind"] for component in world.components.values())
    kinds["group"] = len(world.groups)
    meant = {
        name: (failure, verdict)
        for failure, wanted in MEANT.items()
        for verdict, names in wanted.items()
        for name in names.split()
    }
    for defect in world.defects:
        defect["failure"], defect["verdict"] = meant.pop(defect["component"])
    assert not meant, meant
    cells = {"impossible": IMPOSSIBLE, "defects": world.defects, "kinds": kinds}
    (folder / "cells.json").write_text(json.dumps(cells, indent=1) + "\n")
    print(f"{len(world.components)} components, {len(world.groups)} groups, {len(world.defects)} defects")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(int(sys.argv[1]), sys.argv[2])
