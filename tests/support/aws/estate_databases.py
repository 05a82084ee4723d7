"""RDS instances (R rows) and Aurora clusters (A rows) of the estate."""

from estate_world import D, DR, H, HOME, MIN, PRODUCTION, STAGING, STAGING_HOME, iso, metric, promise, proven


class Instances:
    """Makes RDS instances and their snapshots."""

    def __init__(self, world, keys):
        self.world, self.keys = world, keys

    def make(self, name, retention=7, region=HOME, account=PRODUCTION, born=200 * D, key=None, tags=()):
        def do():
            kept = {"StorageEncrypted": True, "KmsKeyId": self.keys[key]} if key else {}
            self.world.client("rds", region, account).create_db_instance(
                DBInstanceIdentifier=name,
                DBInstanceClass="db.t3.medium",
                Engine="postgres",
                AllocatedStorage=20,
                MasterUsername="observer",
                MasterUserPassword="not-a-secret",
                BackupRetentionPeriod=retention,
                Tags=[{"Key": k, "Value": v} for k, v in tags],
                **kept,
            )

        self.world.at(born, do)

    def latest(self, name, age, earliest=7 * D, region=HOME, account=PRODUCTION):
        """Point in time works: up to `age` ago."""
        world = self.world
        where = {"account": account, "region": region, "instance": name}

        def do():
            world.gear("latest-restorable", {**where, "at": iso(world.ago(age))})
            if earliest is not None:
                window = {"earliest": iso(world.ago(earliest)), "latest": iso(world.ago(age))}
                world.gear("restore-window", {**where, **window, "status": "active"})

        world.finally_(do)

    def window(self, name, earliest, latest, region=HOME, account=PRODUCTION, status="active"):
        """Automated backups that are kept without their instance, or in another Region."""
        world = self.world
        body = {"account": account, "region": region, "instance": name, "status": status}
        body |= {"earliest": iso(world.ago(earliest)), "latest": iso(world.ago(latest))}
        world.finally_(lambda: world.gear("restore-window", body))

    def snapshot(self, name, age, id=None, region=HOME, account=PRODUCTION, **members):
        id = id or f"{name}-{age // H}h"

        def do():
            rds = self.world.client("rds", region, account)
            rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=id)
            if members:
                self.world.patch("rds.snapshot", id, region, account, **members)

        self.world.at(age, do)
        return id

    def copy(self, id, age, to=DR, key=None, **members):
        """Copies a snapshot to another Region."""
        source, copy = f"arn:aws:rds:{HOME}:{PRODUCTION}:snapshot:{id}", f"{id}-copy"

        def do():
            kept = {"KmsKeyId": self.keys[key]} if key else {}
            rds = self.world.client("rds", to)
            rds.copy_db_snapshot(
                SourceDBSnapshotIdentifier=source, TargetDBSnapshotIdentifier=copy, SourceRegion=HOME, **kept
            )
            self.world.patch("rds.snapshot", copy, to, SourceDBSnapshotIdentifier=source, **members)

        self.world.at(age, do)

    def foreign(self, name, age, copied=None):
        """A copy of a snapshot in the other account: there it names an instance that only lives here."""
        id, source = f"{name}-{age // H}h-abroad", f"arn:aws:rds:{HOME}:{PRODUCTION}:snapshot:{name}-{age // H}h"
        self.make(name, retention=0, region=DR, account=STAGING, born=age + H)
        made = {"SnapshotCreateTime": iso(self.world.ago(copied))} if copied else {}
        self.snapshot(name, age, id, DR, STAGING, SourceDBSnapshotIdentifier=source, **made)
        rds = self.world.client("rds", DR, STAGING)
        self.world.at(age - MIN, lambda: rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True))

    def replica(self, name, lag, region=DR, source=None, home=HOME, account=PRODUCTION):
        """A read replica; `lag` in seconds is what its metric says, None when it says nothing."""
        source = source or f"arn:aws:rds:{home}:{account}:db:{name}"
        replica = f"{name}-replica"

        def make():
            self.world.client("rds", region, account).create_db_instance_read_replica(
                DBInstanceIdentifier=replica, SourceDBInstanceIdentifier=source
            )

        self.world.at(50 * D, make)
        of = {"DBInstanceIdentifier": replica}
        metric(self.world, region, "AWS/RDS", "ReplicaLag", lag, "Seconds", account, **of)


def instances(world, keys):
    rds = Instances(world, keys)

    def add(name, objectives=None, tag=None, row=None, naive=None, **fields):
        select = {"tag": tag} if tag else {"id": name}
        given = {"objectives": objectives} if objectives else {}
        world.component(name, "rds-instance", select=select, **given, **fields)
        if row:
            world.defect(name, row, naive)

    usual = {"local": "40 min", "region": "70 min", "account": "100 min"}

    add(
        "orders",
        promise("1 h", "2 h", ("26 h", "4 h"), ("30 h", "8 h")),
        copies=[{"account": STAGING, "region": DR}],
        proven=proven(world, 20, **usual),
    )
    rds.make("orders")
    for days in (120, 40, 10, 3):
        rds.snapshot("orders", days * D)
    rds.copy(rds.snapshot("orders", 17 * H), 16 * H)
    rds.foreign("orders", 25 * H, copied=2 * H)
    rds.latest("orders", 4 * MIN)

    add(
        "ledger",
        promise("1 h", "2 h", ("24 h", "8 h")),
        row="R1",
        naive="LatestRestorableTime stands in the answer, so the last minutes are safe; retention is 0 days",
    )
    rds.make("ledger", retention=0)
    rds.snapshot("ledger", 30 * H)

    add(
        "pricing",
        promise("1 h", "2 h"),
        proven=proven(world, 20, **usual),
        row="R1",
        naive="point-in-time recovery is on, so met; its latest time has not moved for 6 h",
    )
    rds.make("pricing")
    rds.latest("pricing", 6 * H)

    add("catalogue", promise("10 h", "2 h"), proven=proven(world, 20, **usual))
    rds.make("catalogue")
    rds.latest("catalogue", 8 * H + 30 * MIN)

    add(
        "invoicing",
        promise("1 h", "2 h"),
        row="R2",
        naive="no restore window is told, so nothing can be restored, or its beginning is that of the instance",
    )
    rds.make("invoicing", born=90 * D)
    rds.snapshot("invoicing", 6 * D, SnapshotType="automated")
    rds.latest("invoicing", 6 * MIN, earliest=None)

    add(
        "legacy-shop",
        promise("72 h", "8 h"),
        proven=proven(world, 60, local="3 h"),
        row="R2",
        naive="the instance is gone, so everything is; its automated backups were retained",
    )
    rds.window("legacy-shop", 9 * D, 2 * D, status="retained")

    add(
        "old-intranet",
        promise("72 h", "8 h"),
        row="C1",
        naive="an instance that is not found is skipped, or unknown; it is gone, with all its points",
    )

    add(
        "customers",
        promise("1 h", "2 h", ("24 h", "4 h")),
        proven=proven(world, 20, **usual),
        row="R3",
        naive="the copy was made 1 h ago, so 1 h would be lost; its data is 40 h old",
    )
    rds.make("customers")
    rds.copy(rds.snapshot("customers", 40 * H), 1 * H)
    rds.latest("customers", 5 * MIN)

    add(
        "reports",
        promise("24 h", "4 h"),
        row="R3",
        naive="the snapshot is 2 h old; it is of a replica that was 28 h behind",
    )
    rds.make("reports", retention=0)
    rds.snapshot("reports", 2 * H, SnapshotDatabaseTime=iso(world.ago(30 * H)))

    add("search-index", promise("12 h", "4 h"), row="R6", naive="the newest snapshot is 1 h old; it is not made yet")
    rds.make("search-index", retention=0)
    rds.snapshot("search-index", 20 * H)
    rds.snapshot("search-index", 1 * H, Status="creating")

    add("partners", promise("24 h", "4 h"), row="R6", naive="the newest snapshot is 3 h old; it failed")
    rds.make("partners", retention=0)
    rds.snapshot("partners", 50 * H)
    rds.snapshot("partners", 3 * H, Status="failed")

    add("payroll", promise("24 h", "4 h"), row="KMS", naive="a snapshot of 5 h is there; its key is disabled")
    rds.make("payroll", retention=0, key="disabled")
    rds.snapshot("payroll", 5 * H)

    add(
        "contracts",
        promise("1 h", "4 h", ("24 h", "8 h")),
        row="KMS",
        naive="the copy in the DR Region is 6 h old; its key there is about to be deleted",
    )
    rds.make("contracts", key="home")
    rds.copy(rds.snapshot("contracts", 6 * H), 6 * H, key="dr-dying")
    rds.latest("contracts", 3 * MIN)

    add(
        "archive",
        promise("1 h", "4 h", ("24 h", "8 h")),
        row="KMS",
        naive="the copy in the DR Region is 6 h old; its multi-Region key was never replicated there",
    )
    rds.make("archive", key="multi-alone")
    rds.copy(rds.snapshot("archive", 6 * H), 6 * H)
    rds.latest("archive", 3 * MIN)
    lost = lambda: world.patch("rds.snapshot", "archive-6h-copy", DR, KmsKeyId=keys["multi-alone"].replace(HOME, DR))
    world.at(5 * H, lost)

    add("booking", promise("1 h", "2 h", ("1 h", "2 h")), proven=proven(world, 20, **usual))
    rds.make("booking")
    rds.latest("booking", 4 * MIN)
    rds.replica("booking", 8)

    add(
        "tickets",
        promise("1 h", "2 h", ("1 h", "2 h")),
        row="R1",
        naive="there is a replica in the DR Region; it has not said for 15 min how far behind it is",
    )
    rds.make("tickets")
    rds.latest("tickets", 4 * MIN)
    rds.replica("tickets", None)

    add(
        "inbox",
        promise("1 h", "2 h", ("1 h", "2 h")),
        row="R1",
        naive="a replica in the DR Region names `inbox` as its source; that is another instance of this name there",
    )
    rds.make("inbox")
    rds.latest("inbox", 4 * MIN)
    rds.make("inbox", retention=0, region=DR, born=60 * D)
    rds.replica("inbox", 5, source="inbox")

    def forget():
        # Nothing but the replica is to speak for the component there.
        there = world.client("rds", DR)
        for kept in there.describe_db_snapshots(DBInstanceIdentifier="inbox")["DBSnapshots"]:
            there.delete_db_snapshot(DBSnapshotIdentifier=kept["DBSnapshotIdentifier"])

    world.at(55 * D, forget)

    add("subscriptions", promise("1 h", "2 h", ("2 h", "2 h")), proven=proven(world, 20, **usual))
    rds.make("subscriptions")
    rds.latest("subscriptions", 4 * MIN)
    rds.window("subscriptions", 7 * D, 25 * MIN, region=DR)

    add(
        "licences",
        promise("1 h", "2 h", ("2 h", "2 h")),
        row="R2",
        naive="backups are replicated to the DR Region; they end 30 h ago",
    )
    rds.make("licences")
    rds.latest("licences", 4 * MIN)
    rds.window("licences", 7 * D, 30 * H, region=DR)

    add("billing", promise("1 h", "2 h"), tag="App=billing", proven=proven(world, 20, **usual))
    rds.make("billing-2024", tags=[("App", "billing")])
    rds.latest("billing-2024", 4 * MIN)

    add(
        "twins",
        promise("1 h", "2 h"),
        tag="App=twins",
        row="C1",
        naive="the first of two instances with the tag stands for the component; it is not known which is meant",
    )
    for nth in "ab":
        rds.make(f"twin-{nth}", tags=[("App", "twins")])
        rds.latest(f"twin-{nth}", 4 * MIN)

    add(
        "warehouse",
        promise("24 h", "8 h"),
        proven=proven(world, 20, local="5 h"),
        row="B2",
        naive="the newest point of AWS Backup is 1 h old; it is PARTIAL, others EXPIRED or STOPPED",
    )
    rds.make("warehouse", retention=0)

    add("quotes", promise("1 h", "1 h"), proven=proven(world, 20, local="53 min"))
    rds.make("quotes")
    rds.latest("quotes", 4 * MIN)

    add(
        "newsletters",
        promise("1 h", "2 h"),
        proven=proven(world, 120, local="20 min"),
        row="C1",
        naive="a drill once took 20 min, so met; the next one is overdue",
    )
    world.drills["databases"] = {"every": "90 d", "components": ["newsletters"], "what": "restore it and count rows"}
    rds.make("newsletters")
    rds.latest("newsletters", 4 * MIN)

    add("playground")
    rds.make("playground")
    rds.latest("playground", 4 * MIN)

    # Of staging's home the snapshots cannot be read. Where the window keeps the promise, that changes nothing.
    add("st-crm", promise("1 h", "2 h"), environment="staging", proven=proven(world, 20, **usual))
    rds.make("st-crm", region=STAGING_HOME, account=STAGING)
    rds.latest("st-crm", 4 * MIN, region=STAGING_HOME, account=STAGING)
    add(
        "st-legacy",
        promise("24 h", "4 h"),
        environment="staging",
        row="C1",
        naive="no snapshot came back, so there is none; they could not be read",
    )
    rds.make("st-legacy", retention=0, region=STAGING_HOME, account=STAGING)
    rds.snapshot("st-legacy", 5 * H, region=STAGING_HOME, account=STAGING)

    add(
        "st-replica",
        promise("1 h", "2 h", ("1 h", "2 h")),
        environment="staging",
        row="C1",
        naive="no metric came back, so the replica is of no use, and all is lost; metrics could not be read",
    )
    rds.make("st-replica", region=STAGING_HOME, account=STAGING)
    rds.latest("st-replica", 4 * MIN, region=STAGING_HOME, account=STAGING)
    rds.replica("st-replica", 3, home=STAGING_HOME, account=STAGING)

    add(
        "st-sealed",
        promise("24 h", "4 h"),
        environment="staging",
        region=DR,
        row="C1",
        naive="a snapshot of 5 h is there, so met; whether its key still decrypts could not be read",
    )
    rds.make("st-sealed", retention=0, region=DR, account=STAGING, key="staging")
    rds.snapshot("st-sealed", 5 * H, region=DR, account=STAGING)


# The emulator names a key even of what is not encrypted.
PLAIN = {"KmsKeyId": None}


class Clusters:
    """Makes Aurora clusters."""

    def __init__(self, world):
        self.world = world

    def make(self, name, latest, region=HOME, account=PRODUCTION, earliest=7 * D, member_of=None, born=150 * D):
        world = self.world

        def do():
            within = {"GlobalClusterIdentifier": member_of} if member_of else {}
            login = (
                {}
                if region != HOME and member_of
                else {"MasterUsername": "observer", "MasterUserPassword": "not-a-secret"}
            )
            world.client("rds", region, account).create_db_cluster(
                DBClusterIdentifier=name, Engine="aurora-postgresql", **login, **within
            )
            world.patch("rds.cluster", name, region, account, **PLAIN)
            automated = world.client("rds", region, account).describe_db_cluster_snapshots(DBClusterIdentifier=name)
            for kept in automated["DBClusterSnapshots"]:
                world.patch("rds.cluster_snapshot", kept["DBClusterSnapshotIdentifier"], region, account, **PLAIN)

        world.at(born, do)
        if latest is not None:

            def settle():
                where = {"account": account, "region": region, "cluster": name}
                world.gear("latest-restorable", {**where, "at": iso(world.ago(latest))})
                world.patch("rds.cluster", name, region, account, EarliestRestorableTime=iso(world.ago(earliest)))

            world.finally_(settle)

    def snapshot(self, name, age, region=HOME, account=PRODUCTION, id=None, **members):
        id = id or f"{name}-{age // H}h"

        def do():
            rds = self.world.client("rds", region, account)
            rds.create_db_cluster_snapshot(DBClusterIdentifier=name, DBClusterSnapshotIdentifier=id)
            self.world.patch("rds.cluster_snapshot", id, region, account, **{**PLAIN, **members})

        self.world.at(age, do)
        return id

    def copy(self, name, age, copied, region=DR, account=PRODUCTION, id=None, **members):
        """A copy of the snapshot of `age`, made `copied` ago, where its cluster does not live."""
        source = f"arn:aws:rds:{HOME}:{PRODUCTION}:cluster-snapshot:{id or f'{name}-{age // H}h'}"
        copy = f"{name}-{age // H}h-copy"
        self.make(name, None, region, account, born=copied + H)
        rds = self.world.client("rds", region, account)
        self.snapshot(name, copied, region, account, id=copy, SourceDBClusterSnapshotArn=source, **members)

        def lose():
            # It is the copies that are kept there, not what the emulator made of a cluster by itself.
            rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)
            for kept in rds.describe_db_cluster_snapshots(DBClusterIdentifier=name)["DBClusterSnapshots"]:
                if kept["DBClusterSnapshotIdentifier"] != copy:
                    rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=kept["DBClusterSnapshotIdentifier"])

        self.world.at(copied - MIN, lose)

    def global_(self, name, latest, lag):
        world, whole = self.world, f"{name}-global"

        def do():
            world.client("rds", DR).create_global_cluster(GlobalClusterIdentifier=whole, Engine="aurora-postgresql")

        world.at(151 * D, do)
        self.make(name, latest, member_of=whole)
        self.make(f"{name}-dr", None, DR, member_of=whole, born=149 * D)
        metric(
            world, DR, "AWS/RDS", "AuroraGlobalDBReplicationLag", lag, "Milliseconds", DBClusterIdentifier=f"{name}-dr"
        )


def clusters(world):
    aurora = Clusters(world)

    def add(name, objectives=None, row=None, naive=None, **fields):
        given = {"objectives": objectives} if objectives else {}
        world.component(name, "rds-cluster", select={"id": name}, **given, **fields)
        if row:
            world.defect(name, row, naive)

    usual = {"local": "40 min", "region": "15 min", "account": "3 h"}

    add(
        "core",
        promise("1 h", "2 h", ("1 h", "2 h"), ("48 h", "8 h")),
        copies=[{"account": STAGING, "region": DR}],
        proven=proven(world, 20, **usual),
    )
    aurora.global_("core", 4 * MIN, 900)
    aurora.snapshot("core", 26 * H)
    aurora.copy("core", 26 * H, 25 * H, account=STAGING)

    add("loyalty", promise("10 h", "2 h"), proven=proven(world, 20, **usual))
    aurora.make("loyalty", 9 * H)

    add(
        "messages",
        promise("1 h", "2 h"),
        proven=proven(world, 20, **usual),
        row="A2",
        naive="the cluster is available, so its last minutes can be restored; the latest time is 20 h ago",
    )
    aurora.make("messages", 20 * H)

    add(
        "ratings",
        promise("1 h", "2 h", ("24 h", "8 h")),
        row="R3",
        naive="the copy is 1 h old; the snapshot that it is a copy of is 50 h old",
    )
    aurora.make("ratings", 4 * MIN)
    aurora.snapshot("ratings", 50 * H)
    aurora.copy("ratings", 50 * H, 1 * H)

    add(
        "feeds",
        promise("1 h", "2 h", ("1 h", "2 h")),
        row="A3",
        naive="a member in the DR Region can be promoted; it has not said how far behind it is",
    )
    aurora.global_("feeds", 4 * MIN, None)

    add("forum", promise("24 h", "4 h"), row="C1", naive="a cluster that is not found is left out; it is gone")

    add(
        "surveys",
        promise("1 h", "2 h", ("24 h", "8 h")),
        row="R6",
        naive="a copy of 3 h is there; it is not made yet",
    )
    aurora.make("surveys", 4 * MIN)
    aurora.snapshot("surveys", 4 * H)
    aurora.copy("surveys", 4 * H, 3 * H, Status="copying")

    add("experiments")
    aurora.make("experiments", 4 * MIN)
    add("audit", promise("1 h", "2 h"))
    aurora.make("audit", 4 * MIN)

    add(
        "st-core",
        promise("1 h", "2 h"),
        environment="staging",
        row="C1",
        naive="the window is 5 h old and no snapshot came back, so breached; snapshots could not be read",
    )
    aurora.make("st-core", 5 * H, STAGING_HOME, STAGING)
    aurora.snapshot("st-core", 2 * H, STAGING_HOME, STAGING)
