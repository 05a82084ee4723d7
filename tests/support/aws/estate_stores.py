"""Buckets (S rows) and vaults (B rows) of the estate."""

from estate_world import D, DR, H, HOME, MIN, PRODUCTION, STAGING, STAGING_HOME, iso, metric, promise, proven

FILTERED = {"Filter": {"Prefix": ""}, "DeleteMarkerReplication": {"Status": "Disabled"}}
PLAIN = {"Prefix": ""}
KEPT = f"arn:aws:dynamodb:{HOME}:{PRODUCTION}:table/kept"


def buckets(world):
    def s3(region, account):
        return world.client("s3", region, account)

    def make(name, versioning=None, region=HOME, account=PRODUCTION, tags=()):
        def do():
            s3(region, account).create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
            if versioning:
                s3(region, account).put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
            if tags:
                given = [{"Key": k, "Value": v} for k, v in tags]
                s3(region, account).put_bucket_tagging(Bucket=name, Tagging={"TagSet": given})

        world.at(110 * D, do)
        if versioning == "Suspended":
            stop = {"Status": "Suspended"}
            world.at(
                30 * D, lambda: s3(region, account).put_bucket_versioning(Bucket=name, VersioningConfiguration=stop)
            )

    def put(name, key, age, region=HOME, account=PRODUCTION):
        world.at(age, lambda: s3(region, account).put_object(Bucket=name, Key=key, Body=key.encode()))

    def delete(name, key, age):
        world.at(age, lambda: s3(HOME, PRODUCTION).delete_object(Bucket=name, Key=key))

    def replicate(name, to, latency=None, rule=FILTERED, status="Enabled", region=DR):
        """A replication rule, and its metric in seconds."""
        id = f"{name}-to-dr"
        make(to, "Enabled", region)
        given = {"ID": id, "Status": status, "Destination": {"Bucket": f"arn:aws:s3:::{to}"}, **rule}
        if "Filter" in rule:
            given["Priority"] = 1
        rules = {"Role": f"arn:aws:iam::{PRODUCTION}:role/replicate", "Rules": [given]}
        world.at(
            100 * D,
            lambda: s3(HOME, PRODUCTION).put_bucket_replication(Bucket=name, ReplicationConfiguration=rules),
        )
        for where in (HOME, region):
            metric(
                world,
                where,
                "AWS/S3",
                "ReplicationLatency",
                latency,
                "Seconds",
                SourceBucket=name,
                DestinationBucket=to,
                RuleId=id,
            )

    def add(name, objectives=None, row=None, naive=None, tag=None, **fields):
        given = {"objectives": objectives} if objectives else {}
        select = {"tag": tag} if tag else {"id": f"estate-{name}"}
        world.component(name, "s3-bucket", select=select, **given, **fields)
        if row:
            world.defect(name, row, naive)

    usual = {"local": "10 min", "region": "20 min", "account": "2 h"}

    add(
        "media",
        promise("15 min", "1 h", ("15 min", "1 h"), ("24 h", "4 h")),
        copies=[{"account": STAGING, "region": DR, "at": "s3://estate-media-abroad"}],
        proven=proven(world, 20, **usual),
    )
    make("estate-media", "Enabled")
    replicate("estate-media", "estate-media-dr", 40)
    make("estate-media-abroad", "Enabled", DR, STAGING)
    for key, age in [("a.jpg", 60 * D), ("b.jpg", 9 * D)]:
        put("estate-media", key, age)
        put("estate-media-abroad", key, age - MIN, DR, STAGING)
    put("estate-media", "c.jpg", 20 * H)

    add(
        "documents",
        promise("15 min", "1 h", ("15 min", "1 h")),
        proven=proven(world, 20, **usual),
        row="S5",
        naive="the replica keeps what is deleted here; a rule without Filter replicates delete markers",
    )
    make("estate-documents", "Enabled")
    replicate("estate-documents", "estate-documents-dr", 25, rule=PLAIN)

    add(
        "uploads",
        promise("1 h", "1 h"),
        row="S5",
        naive="the bucket is there, and so are its objects; no versions are kept",
    )
    make("estate-uploads")
    put("estate-uploads", "one", 5 * D)

    add("exports", promise("1 h", "1 h"), row="S5", naive="versions are listed, so kept; versioning is Suspended")
    make("estate-exports", "Suspended")
    put("estate-exports", "one", 40 * D)
    put("estate-exports", "one", 5 * D)

    add("telemetry", promise("1 h", "1 h", ("1 h", "2 h")), row="S5", naive="replication is Enabled; it is 2 h behind")
    make("estate-telemetry", "Enabled")
    replicate("estate-telemetry", "estate-telemetry-dr", 2 * H)

    # Where no metric tells, the two buckets are compared.
    add("manuals", promise("1 h", "1 h", ("24 h", "2 h")), proven=proven(world, 20, **usual))
    make("estate-manuals", "Enabled")
    replicate("estate-manuals", "estate-manuals-dr")
    put("estate-manuals", "old", 30 * D)
    put("estate-manuals-dr", "old", 30 * D - MIN, DR)
    put("estate-manuals", "new", 10 * H)

    add(
        "scans",
        promise("1 h", "1 h", ("24 h", "2 h")),
        row="S5",
        naive="the newest object of the replica is 20 min old; one of 30 h is missing, one is older than its source",
    )
    make("estate-scans", "Enabled")
    replicate("estate-scans", "estate-scans-dr")
    put("estate-scans", "missing", 30 * H)
    put("estate-scans-dr", "rewritten", 50 * H, DR)
    put("estate-scans", "rewritten", 20 * H)
    put("estate-scans", "fine", 25 * MIN)
    put("estate-scans-dr", "fine", 20 * MIN, DR)

    add("labels", promise("1 h", "1 h", ("24 h", "2 h")), proven=proven(world, 20, **usual))
    make("estate-labels", "Enabled")
    replicate("estate-labels", "estate-labels-dr")
    put("estate-labels", "waits", 21 * H)

    add(
        "receipts",
        promise("1 h", "1 h", ("24 h", "2 h")),
        row="S5",
        naive="a rule names a bucket in the DR Region; the rule is Disabled",
    )
    make("estate-receipts", "Enabled")
    replicate("estate-receipts", "estate-receipts-dr", status="Disabled")
    put("estate-receipts", "one", 5 * H)

    add(
        "avatars",
        promise("1 h", "1 h"),
        proven=proven(world, 20, **usual),
        row="S1",
        naive="the bucket lists empty, so all is lost; delete markers hide every object",
    )
    make("estate-avatars", "Enabled")
    for nth in range(12):
        put("estate-avatars", f"{nth}.png", 30 * D)
        delete("estate-avatars", f"{nth}.png", 3 * H)

    add("old-assets", promise("1 h", "1 h"), row="C1", naive="a bucket that is not found is left out; it is gone")

    # Replaced and deleted objects go after ten days: any moment can be gone back to, but none before that.
    add("brochures", promise("1 h", "1 h"), proven=proven(world, 20, **usual))
    make("estate-brochures", "Enabled")
    put("estate-brochures", "one.pdf", 50 * D)
    put("estate-brochures", "one.pdf", 4 * D)
    expire = [
        {"ID": "all", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 30}},
        {"ID": "drafts", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 10}},
        {"ID": "off", "Status": "Disabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
    ]
    rules = {"Rules": [{**rule, "Filter": {"Prefix": ""}} for rule in expire]}
    world.at(
        100 * D,
        lambda: s3(HOME, PRODUCTION).put_bucket_lifecycle_configuration(
            Bucket="estate-brochures", LifecycleConfiguration=rules
        ),
    )

    add("fonts")
    make("estate-fonts", "Enabled")

    add("letters", promise("1 h", "1 h"), tag="Data=letters", proven=proven(world, 20, local="50 min"))
    make("estate-letters-2025", "Enabled", tags=[("Data", "letters")])

    add(
        "st-media",
        promise("1 h", "1 h"),
        environment="staging",
        row="C1",
        naive="versioning is not told, so off; it could not be read",
    )
    make("estate-st-media", "Enabled", STAGING_HOME, STAGING)


def vaults(world, keys):
    made = {}

    def vault(name, region=HOME, account=PRODUCTION, lock=False):
        def do():
            backup = world.client("backup", region, account)
            backup.create_backup_vault(BackupVaultName=name)
            if lock:
                backup.put_backup_vault_lock_configuration(
                    BackupVaultName=name, MinRetentionDays=7, MaxRetentionDays=365
                )

        world.at(140 * D, do)
        made.setdefault((name, region, account), [])

    def point(name, age, status="COMPLETED", region=HOME, account=PRODUCTION, resource=KEPT, key=None):
        """A recovery point; the emulator has none, so they are kept here and put in as the service's answer."""
        at = world.ago(age)
        made.setdefault((name, region, account), []).append(
            {
                "RecoveryPointArn": f"arn:aws:backup:{region}:{account}:recovery-point:{name}-{age // MIN:06d}",
                "BackupVaultName": name,
                "BackupVaultArn": f"arn:aws:backup:{region}:{account}:backup-vault:{name}",
                "ResourceArn": resource,
                "ResourceType": "RDS" if ":rds:" in resource else "DynamoDB",
                "CreationDate": iso(at),
                "CompletionDate": iso(world.ago(max(age - 5 * MIN, 0))),
                "Status": status,
                "BackupSizeInBytes": 1 << 30,
                "IsEncrypted": key is not None,
                "EncryptionKeyArn": key,
            }
        )

    def add(name, objectives=None, row=None, naive=None, **fields):
        given = {"objectives": objectives} if objectives else {}
        world.component(name, "backup-vault", select={"id": f"{name}-vault"}, **given, **fields)
        if row:
            world.defect(name, row, naive)

    usual = {"local": "2 h", "region": "3 h", "account": "5 h"}

    add(
        "main",
        promise("24 h", "4 h", ("24 h", "8 h"), ("24 h", "12 h")),
        copies=[{"account": STAGING, "region": DR, "at": "main-abroad"}],
        proven=proven(world, 20, **usual),
    )
    vault("main-vault", lock=True)
    vault("main-vault", DR)
    vault("main-abroad", DR, STAGING)
    for age in (90 * D, 35 * D, 3 * D, 34 * H, 10 * H):
        point("main-vault", age)
    point("main-vault", 12 * H, region=DR, key="dr")
    point("main-abroad", 21 * H, region=DR, account=STAGING)

    add("weekly", promise("24 h", "4 h"), row="B2", naive="the newest point is 1 h old; it is PARTIAL")
    vault("weekly-vault")
    point("weekly-vault", 30 * H)
    point("weekly-vault", 1 * H, "PARTIAL")

    add(
        "monthly",
        promise("24 h", "4 h"),
        row="B2",
        naive="a point of 8 h is there; it is EXPIRED and may go at any time",
    )
    vault("monthly-vault")
    point("monthly-vault", 8 * H, "EXPIRED")

    add(
        "continuous",
        promise("24 h", "4 h"),
        proven=proven(world, 20, **usual),
        row="B2",
        naive="the continuous backup is 1 h old; it is STOPPED",
    )
    vault("continuous-vault")
    point("continuous-vault", 21 * H)
    point("continuous-vault", 1 * H, "STOPPED")

    add("sealed", promise("24 h", "4 h"), row="KMS", naive="a COMPLETED point of 6 h; its key is disabled")
    vault("sealed-vault")
    point("sealed-vault", 6 * H, key="disabled")

    add("empty", promise("24 h", "4 h"), row="B2", naive="the vault is there and locked; nothing is in it")
    vault("empty-vault", lock=True)

    add("spare")
    vault("spare-vault")
    point("spare-vault", 6 * D)

    add("hourly", promise("6 h", "4 h"))
    vault("hourly-vault")
    point("hourly-vault", 2 * H, "AVAILABLE")

    add(
        "jobs",
        promise("24 h", "4 h"),
        proven=proven(world, 20, **usual),
        row="B1",
        naive="a job COMPLETED 1 h ago, and one is EXPIRED, FAILED, PARTIAL; what counts is the newest usable point",
    )
    vault("jobs-vault")
    point("jobs-vault", 9 * H)

    add(
        "st-main",
        promise("24 h", "4 h"),
        environment="staging",
        row="C1",
        naive="no point came back, so there is none; they could not be read",
    )
    vault("st-main-vault", STAGING_HOME, STAGING)
    point("st-main-vault", 6 * H, region=STAGING_HOME, account=STAGING)

    # Points of the database `warehouse`, which has no other.
    warehouse = f"arn:aws:rds:{HOME}:{PRODUCTION}:db:warehouse"
    vault("resources-vault")
    point("resources-vault", 10 * H, resource=warehouse, key="home")
    for age, status in [(1 * H, "PARTIAL"), (3 * H, "EXPIRED"), (2 * H, "STOPPED")]:
        point("resources-vault", age, status, resource=warehouse)

    # A copy of the table `sessions` in the other account.
    sessions = f"arn:aws:dynamodb:{HOME}:{PRODUCTION}:table/sessions"
    vault("tables-abroad", DR, STAGING)
    point("tables-abroad", 26 * H, region=DR, account=STAGING, resource=sessions)
    protected = {warehouse: "RDS", sessions: "DynamoDB"}

    def answer():
        for point in (point for points in made.values() for point in points):
            key = point.pop("EncryptionKeyArn")
            if key:
                point["EncryptionKeyArn"] = keys[key]
        for (name, region, account), points in made.items():
            operation = "ListRecoveryPointsByBackupVault"
            world.stub("backup", operation, [{"RecoveryPoints": points}], region, account, BackupVaultName=name)
        for region, account in [(HOME, PRODUCTION), (DR, PRODUCTION), (DR, STAGING), (STAGING_HOME, STAGING)]:
            known = []
            for resource, type in protected.items():
                of = [p for (_, *place), points in made.items() if place == [region, account] for p in points]
                of = [p for p in of if p["ResourceArn"] == resource]
                names = ("RecoveryPointArn", "BackupVaultName", "CreationDate", "Status", "EncryptionKeyArn")
                named = [{name: p[name] for name in names if name in p} for p in of]
                operation = "ListRecoveryPointsByResource"
                world.stub("backup", operation, [{"RecoveryPoints": named}], region, account, ResourceArn=resource)
                if of:
                    last = max(p["CreationDate"] for p in of)
                    known.append({"ResourceArn": resource, "ResourceType": type, "LastBackupTime": last})
            world.stub("backup", "ListProtectedResources", [{"Results": known}], region, account)
            world.stub("backup", "ListBackupJobs", [{"BackupJobs": jobs(region, account)}], region, account)

    def jobs(region, account):
        states = "CREATED PENDING RUNNING ABORTING ABORTED COMPLETED FAILED EXPIRED PARTIAL".split()
        if (region, account) != (HOME, PRODUCTION):
            return []
        return [
            {
                "AccountId": account,
                "BackupJobId": f"job-{state.lower()}",
                "BackupVaultName": "jobs-vault",
                "ResourceArn": warehouse,
                "ResourceType": "RDS",
                "State": state,
                "CreationDate": iso(world.ago((nth + 1) * H)),
                "PercentDone": "40.0" if state == "RUNNING" else "0.0",
                "StatusMessage": "not started inside its start window" if state == "EXPIRED" else "",
            }
            for nth, state in enumerate(states)
        ]

    world.finally_(answer)
