"""DynamoDB tables (D rows) of the estate."""

from estate_world import D, DR, H, HOME, MIN, PRODUCTION, STAGING, STAGING_HOME, iso, metric, promise, proven


def tables(world):
    def make(name, pitr=None, region=HOME, account=PRODUCTION, born=100 * D, tags=(), earliest=35 * D):
        table = lambda: world.client("dynamodb", region, account)

        def do():
            table().create_table(
                TableName=name,
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                BillingMode="PAY_PER_REQUEST",
                Tags=[{"Key": k, "Value": v} for k, v in tags],
            )

        def on():
            recovery = {"PointInTimeRecoveryEnabled": True}
            table().update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)

        def settle():
            window = {
                "PointInTimeRecoveryStatus": "ENABLED",
                "RecoveryPeriodInDays": 35,
                "EarliestRestorableDateTime": world.ago(earliest).timestamp(),
                "LatestRestorableDateTime": world.ago(pitr).timestamp(),
            }
            whole = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": window}
            world.patch("dynamodb.table", name, region, account, continuous_backups=whole)

        world.at(born, do)
        if pitr is not None:
            world.at(earliest, on)
            world.finally_(settle)

    def backup(table, age, region=HOME, account=PRODUCTION, **members):
        def do():
            dynamodb = world.client("dynamodb", region, account)
            made = dynamodb.create_backup(TableName=table, BackupName=f"{table}-{age // H}h")["BackupDetails"]
            if members:
                world.patch("dynamodb.backup", made["BackupArn"], region, account, **members)

        world.at(age, do)

    def replica(name, latency):
        """A replica of a global table; `latency` in milliseconds."""
        make(name, region=DR, born=80 * D)

        def tell():
            # The emulator knows no replicas: what it says of the table is said again, with them.
            for region, other in ((HOME, DR), (DR, HOME)):
                table = world.client("dynamodb", region).describe_table(TableName=name)["Table"]
                table["Replicas"] = [{"RegionName": other, "ReplicaStatus": "ACTIVE"}]
                table["CreationDateTime"] = iso(table["CreationDateTime"])
                world.stub("dynamodb", "DescribeTable", [{"Table": table}], region, TableName=name)

        world.finally_(tell)
        metric(
            world,
            HOME,
            "AWS/DynamoDB",
            "ReplicationLatency",
            latency,
            "Milliseconds",
            TableName=name,
            ReceivingRegion=DR,
        )

    def add(name, objectives=None, row=None, naive=None, select=None, **fields):
        given = {"objectives": objectives} if objectives else {}
        world.component(name, "dynamodb-table", select=select or {"id": name}, **given, **fields)
        if row:
            world.defect(name, row, naive)

    usual = {"local": "30 min", "region": "5 min"}

    # The copy in the other account is one of AWS Backup: it is made with the vaults.
    add(
        "sessions",
        promise("1 h", "1 h", ("1 h", "1 h"), ("48 h", "8 h")),
        copies=[{"account": STAGING, "region": DR}],
        proven=proven(world, 20, account="3 h", **usual),
    )
    make("sessions", 5 * MIN)
    replica("sessions", 1200)

    add(
        "carts",
        promise("24 h", "2 h"),
        proven=proven(world, 20, **usual),
        row="D5",
        naive="the backup of 21 h ago holds all until then; it holds all only until a minute before",
    )
    make("carts")
    backup("carts", 21 * H)
    backup("carts", 5 * D)

    add("stock", promise("24 h", "2 h"), row="D5", naive="a backup of 10 min ago is there; it is being made")
    make("stock")
    backup("stock", 40 * H)
    backup("stock", 10 * MIN, status="CREATING")

    add(
        "wishlists",
        promise("1 h", "2 h"),
        row="D1",
        naive="35 days can be gone back; recovery was switched off and on 2 d ago",
    )

    def again():
        off = {"PointInTimeRecoveryEnabled": False}
        world.client("dynamodb").update_continuous_backups(TableName="wishlists", PointInTimeRecoverySpecification=off)

    world.at(2 * D + H, again)
    make("wishlists", 5 * MIN, earliest=2 * D)

    add(
        "prices",
        promise("1 h", "2 h"),
        proven=proven(world, 20, **usual),
        row="D1",
        naive="point-in-time recovery is ENABLED, so met; its latest time is 3 h ago",
    )
    make("prices", 3 * H)

    add("coupons", promise("1 h", "2 h"), row="D1", naive="the table is ACTIVE; nothing of it is kept")
    make("coupons")

    add(
        "old-sessions",
        promise("48 h", "4 h"),
        proven=proven(world, 20, **usual),
        row="D5",
        naive="the table is gone, so everything is; a backup was made of it when it was deleted",
    )
    make("old-sessions")
    backup("old-sessions", 30 * H, type="SYSTEM", name="old-sessions$DeletedTableBackup")
    world.at(30 * H - MIN, lambda: world.client("dynamodb").delete_table(TableName="old-sessions"))

    add("old-carts", promise("48 h", "4 h"), row="C1", naive="a table that is not found is left out; it is gone")

    add(
        "devices",
        promise("1 h", "1 h", ("1 h", "1 h")),
        row="D1",
        naive="there is a replica in the DR Region; it has not said how far behind it is",
    )
    make("devices", 5 * MIN)
    replica("devices", None)

    add(
        "flags",
        promise("1 h", "1 h", ("1 h", "1 h")),
        row="D1",
        naive="a table of this name is in the DR Region; it is no replica of it",
    )
    make("flags", 5 * MIN)
    make("flags", region=DR, born=70 * D)

    add("drafts")
    make("drafts")

    add("addresses", promise("1 h", "1 h"), select={"tag": "App=addresses"}, proven=proven(world, 20, **usual))
    make("addresses-v2", 5 * MIN, tags=[("App", "addresses")])

    add(
        "st-sessions",
        promise("1 h", "1 h"),
        environment="staging",
        row="C1",
        naive="only a backup of 50 h came back, so breached; whether recovery is on could not be read",
    )
    make("st-sessions", 5 * MIN, STAGING_HOME, STAGING)
    backup("st-sessions", 50 * H, STAGING_HOME, STAGING)
