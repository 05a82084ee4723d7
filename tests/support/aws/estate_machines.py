"""EC2 instances and EBS volumes of the estate (E rows)."""

from estate_world import D, DR, H, HOME, MIN, PRODUCTION, STAGING, STAGING_HOME, iso, promise, proven


class Machines:
    """Makes instances, volumes, images and snapshots; their identifiers are known once they are made."""

    def __init__(self, world, keys):
        self.world, self.keys = world, keys
        self.instances, self.volumes, self.images, self.snapshots = {}, {}, {}, {}

    def ec2(self, region=HOME, account=PRODUCTION):
        return self.world.client("ec2", region, account)

    def instance(self, name, region=HOME, account=PRODUCTION, tags=()):
        def do():
            ec2 = self.ec2(region, account)
            given = [{"Key": k, "Value": v} for k, v in [("Name", name), *tags]]
            made = ec2.run_instances(
                ImageId="ami-12c6146b",
                MinCount=1,
                MaxCount=1,
                InstanceType="t3.small",
                TagSpecifications=[{"ResourceType": "instance", "Tags": given}],
            )
            self.instances[name] = made["Instances"][0]["InstanceId"]

        self.world.at(180 * D, do)

    def image(self, name, age, region=HOME, account=PRODUCTION, **members):
        """An image of an instance, where the instance is."""

        def do():
            made = self.ec2(region, account).create_image(InstanceId=self.instances[name], Name=f"{name}-{age // H}h")
            self.images[name, age] = made["ImageId"]
            if members:
                self.world.patch("ec2.image", made["ImageId"], region, account, **members)

        self.world.at(age, do)

    def abroad(self, name, age, source=None, tag=None, region=DR, account=PRODUCTION):
        """An image elsewhere: a copy that names its source, or one that carries a tag with the instance's id."""

        def do():
            ec2 = self.ec2(region, account)
            # An image has an instance in the emulator; this one is let go at once.
            made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, InstanceType="t3.small")
            other = made["Instances"][0]["InstanceId"]
            image = ec2.create_image(InstanceId=other, Name=f"{name}-{age // H}h-copy")["ImageId"]
            ec2.terminate_instances(InstanceIds=[other])
            if tag:
                ec2.create_tags(Resources=[image], Tags=[{"Key": tag, "Value": self.instances[name]}])
            members = {"SourceInstanceId": None}
            if source:
                members |= {"SourceImageId": self.images[name, source], "SourceImageRegion": HOME}
            self.world.patch("ec2.image", image, region, account, **members)

        self.world.at(age, do)

    def volume(self, name, region=HOME, account=PRODUCTION, key=None, tags=()):
        def do():
            given = [{"Key": k, "Value": v} for k, v in [("Name", name), *tags]]
            kept = {"Encrypted": True, "KmsKeyId": self.keys[key]} if key else {}
            made = self.ec2(region, account).create_volume(
                AvailabilityZone=f"{region}a",
                Size=20,
                TagSpecifications=[{"ResourceType": "volume", "Tags": given}],
                **kept,
            )
            self.volumes[name] = made["VolumeId"]

        self.world.at(170 * D, do)

    def snapshot(self, name, age, region=HOME, account=PRODUCTION, key=None, **members):
        """A snapshot of a volume, where the volume is."""

        def do():
            if key:
                members.update(Encrypted=True, KmsKeyId=self.keys[key])
            made = self.ec2(region, account).create_snapshot(
                VolumeId=self.volumes[name], Description=f"{name} {age // H} h"
            )
            self.snapshots[name, age] = made["SnapshotId"]
            if members:
                self.world.patch("ec2.snapshot", made["SnapshotId"], region, account, **members)

        self.world.at(age, do)

    def copy(
        self, name, age, source, by, region=DR, account=PRODUCTION, key=None, volume="vol-ffffffffffffffff0", **members
    ):
        """A copy of the snapshot of `source`, known by one thing alone: its tag, its data key or its description."""

        def do():
            ec2 = self.ec2(region, account)
            id, home = self.snapshots.get((name, source)), self.volumes[name]
            made = ec2.create_volume(AvailabilityZone=f"{region}a", Size=20)["VolumeId"]
            says = f"[Copied {id} from {HOME}] nightly" if by == "description" else "nightly"
            copy = ec2.create_snapshot(VolumeId=made, Description=says)["SnapshotId"]
            ec2.delete_volume(VolumeId=made)
            given = {"VolumeId": home if volume == "same" else volume, **members}
            if by == "tag":
                ec2.create_tags(Resources=[copy], Tags=[{"Key": "source-volume", "Value": home}])
            elif by == "arn":
                says = f"from arn:aws:ec2:{HOME}:{PRODUCTION}:volume/{home}"
                ec2.create_tags(Resources=[copy], Tags=[{"Key": "source", "Value": says}])
            elif by == "data-key":
                data_key = f"{PRODUCTION}:{home}"
                self.world.patch("ec2.snapshot", id, DataEncryptionKeyId=data_key)
                given["DataEncryptionKeyId"] = data_key
            if key:
                given |= {"Encrypted": True, "KmsKeyId": self.keys[key]}
            self.world.patch("ec2.snapshot", copy, region, account, **given)

        self.world.at(age, do)


def machines(world, keys):
    ec2 = Machines(world, keys)

    def add(name, objectives=None, row=None, naive=None, tag=None, **fields):
        given = {"objectives": objectives} if objectives else {}
        world.component(name, "ec2-instance", select={"tag": tag} if tag else {"id": name}, **given, **fields)
        if row:
            world.defect(name, row, naive)

    usual = {"local": "20 min", "region": "50 min", "account": "2 h"}

    add(
        "web",
        promise("7 d", "1 h", ("7 d", "2 h"), ("10 d", "4 h")),
        tag="Role=web",
        copies=[{"account": STAGING, "region": DR}],
        proven=proven(world, 20, **usual),
    )
    ec2.instance("web", tags=[("Role", "web")])
    for days in (90, 30, 2):
        ec2.image("web", days * D)
    ec2.abroad("web", 2 * D - MIN, source=2 * D)
    ec2.abroad("web", 9 * D, tag="source-instance", account=STAGING)

    add("api", promise("24 h", "1 h"), row="E1", naive="the newest image is 1 h old; it is pending")
    ec2.instance("api")
    ec2.image("api", 30 * H)
    ec2.image("api", 1 * H, State="pending")

    add("batch", promise("24 h", "1 h"), row="E1", naive="there is an image of 3 h; it failed")
    ec2.instance("batch")
    ec2.image("batch", 3 * H, State="failed")

    add(
        "mailer",
        promise("24 h", "1 h"),
        row="E1",
        naive="the snapshot of its image is completed; the image was deregistered, so nothing starts from it",
    )
    ec2.instance("mailer")
    ec2.image("mailer", 4 * H)
    world.at(3 * H, lambda: ec2.ec2().deregister_image(ImageId=ec2.images["mailer", 4 * H]))

    add("vpn", promise("24 h", "1 h"), row="KMS", naive="the image is available; the key of its snapshot is disabled")
    ec2.instance("vpn")
    ec2.image("vpn", 5 * H)

    def lock_out():
        image = ec2.ec2().describe_images(ImageIds=[ec2.images["vpn", 5 * H]])["Images"][0]
        snapshot = next(
            d["Ebs"]["SnapshotId"] for d in image["BlockDeviceMappings"] if "SnapshotId" in d.get("Ebs", {})
        )
        world.patch("ec2.snapshot", snapshot, Encrypted=True, KmsKeyId=keys["disabled"])

    world.at(4 * H, lock_out)

    add("worker", promise("24 h", "2 h", ("24 h", "2 h")), proven=proven(world, 20, **usual))
    ec2.instance("worker")
    ec2.abroad("worker", 6 * H, tag="instance")

    add("cattle", promise(None, "1 h"))
    ec2.instance("cattle")
    ec2.image("cattle", 60 * D)

    add("old-bastion", promise("24 h", "1 h"), row="C1", naive="an instance that is not found is left out; it is gone")

    add(
        "scheduler",
        promise("24 h", "1 h"),
        proven=proven(world, 20, **usual),
        row="E7",
        naive="the instance is terminated, so lost; its image is there",
    )
    ec2.instance("scheduler")
    ec2.image("scheduler", 6 * H)
    world.at(1 * H, lambda: ec2.ec2().terminate_instances(InstanceIds=[ec2.instances["scheduler"]]))

    add(
        "twin-web",
        promise("24 h", "1 h"),
        tag="Role=twin",
        row="C1",
        naive="the first of two instances with the tag stands for the component; it is not known which is meant",
    )
    for nth in "ab":
        ec2.instance(f"twin-{nth}", tags=[("Role", "twin")])
        ec2.image(f"twin-{nth}", 5 * H)

    add("proxy", promise("10 h", "1 h"), proven=proven(world, 20, **usual))
    ec2.instance("proxy")
    ec2.image("proxy", 8 * H + 40 * MIN)

    add("sandbox")
    ec2.instance("sandbox")
    ec2.image("sandbox", 20 * D)

    add(
        "st-web",
        promise("24 h", "1 h", ("48 h", "2 h")),
        environment="staging",
        proven=proven(world, 20, region="50 min"),
        row="C1",
        naive="no image came back, so there is none; images could not be read",
    )
    ec2.instance("st-web", STAGING_HOME, STAGING)
    ec2.image("st-web", 5 * H, STAGING_HOME, STAGING)
    ec2.abroad("st-web", 30 * H, tag="instance", account=STAGING)
    return ec2


def volumes(world, ec2):
    def add(name, objectives=None, row=None, naive=None, tag=None, **fields):
        given = {"objectives": objectives} if objectives else {}
        world.component(name, "ebs-volume", select={"tag": tag} if tag else {"id": name}, **given, **fields)
        if row:
            world.defect(name, row, naive)

    usual = {"local": "20 min", "region": "50 min", "account": "2 h"}

    add(
        "vol-orders",
        promise("24 h", "1 h", ("24 h", "2 h"), ("48 h", "4 h")),
        copies=[{"account": STAGING, "region": DR}],
        proven=proven(world, 20, **usual),
    )
    ec2.volume("vol-orders")
    for age in (120 * D, 40 * D, 7 * D, 6 * H):
        ec2.snapshot("vol-orders", age)
    ec2.copy("vol-orders", 6 * H - MIN, 6 * H, "tag")
    ec2.copy("vol-orders", 40 * H, 6 * H, "arn", account=STAGING)

    add("vol-files", promise("24 h", "2 h"), row="E1", naive="the newest snapshot is 30 min old; it is pending")
    ec2.volume("vol-files")
    ec2.snapshot("vol-files", 30 * H)
    ec2.snapshot("vol-files", 30 * MIN, State="pending", Progress="12%")

    add("vol-logs", promise("24 h", "2 h"), row="E1", naive="the newest snapshot is 2 h old; it ended in an error")
    ec2.volume("vol-logs")
    ec2.snapshot("vol-logs", 40 * H)
    ec2.snapshot("vol-logs", 2 * H, State="error", StateMessage="Given key ID is not accessible")

    add(
        "vol-tapes",
        promise("24 h", "4 h"),
        row="E3",
        naive="a completed snapshot of 10 h; it is archived, and takes up to 72 h to come back",
    )
    ec2.volume("vol-tapes")
    ec2.snapshot("vol-tapes", 10 * H, StorageTier="archive")

    add("vol-thawed", promise("24 h", "4 h"), row="E3", naive="it is archived, so 72 h; it is restored until in 5 d")
    ec2.volume("vol-thawed")
    ec2.snapshot("vol-thawed", 10 * H, StorageTier="archive", RestoreExpiryTime=iso(world.ago(-5 * D)))

    add("vol-deep", promise("24 h", "96 h"), proven=proven(world, 30, local="10 h"))
    ec2.volume("vol-deep")
    ec2.snapshot("vol-deep", 11 * H, StorageTier="archive")

    add(
        "vol-data",
        promise("24 h", "2 h", ("24 h", "2 h")),
        proven=proven(world, 20, **usual),
        row="E2",
        naive="no snapshot in the DR Region names this volume; a copy has the same data key",
    )
    ec2.volume("vol-data", key="home")
    ec2.snapshot("vol-data", 8 * H)
    ec2.copy("vol-data", 8 * H - MIN, 8 * H, "data-key", key="dr")

    add(
        "vol-cache",
        promise("24 h", "2 h", ("24 h", "2 h")),
        row="E2",
        naive="a snapshot in the DR Region names this volume; that of a copy is arbitrary, and it is not one of this",
    )
    ec2.volume("vol-cache")
    ec2.snapshot("vol-cache", 8 * H)
    ec2.copy("vol-cache", 7 * H, 8 * H, "nothing", volume="same")

    add("vol-mail", promise("24 h", "2 h", ("48 h", "2 h")), proven=proven(world, 20, **usual))
    ec2.volume("vol-mail")
    ec2.snapshot("vol-mail", 21 * H)
    ec2.copy("vol-mail", 21 * H - MIN, 21 * H, "description")

    add("vol-bin", promise("24 h", "2 h"), row="E1", naive="the newest snapshot is 1 h old; it lies in the Recycle Bin")
    ec2.volume("vol-bin")
    ec2.snapshot("vol-bin", 30 * H)
    ec2.snapshot("vol-bin", 1 * H, State="recoverable")

    add(
        "vol-vault",
        promise("24 h", "2 h"),
        row="KMS",
        naive="a completed snapshot of 9 h; its key is about to be deleted",
    )
    ec2.volume("vol-vault", key="dying")
    ec2.snapshot("vol-vault", 9 * H, key="dying")

    add(
        "vol-multi",
        promise("24 h", "2 h", ("24 h", "2 h")),
        proven=proven(world, 20, **usual),
        row="KMS",
        naive="the key of the copy is of another Region; its multi-Region key is replicated",
    )
    ec2.volume("vol-multi", key="multi")
    ec2.snapshot("vol-multi", 8 * H, key="multi")
    ec2.copy("vol-multi", 8 * H - MIN, 8 * H, "tag", key="multi-dr")

    add(
        "vol-escrow",
        promise("24 h", "2 h", ("24 h", "2 h"), ("48 h", "4 h")),
        copies=[{"account": STAGING, "region": DR}],
        proven=proven(world, 20, **usual),
        row="KMS",
        naive="a copy of 6 h lies in the other account; its key belongs to the account that is lost",
    )
    ec2.volume("vol-escrow")
    ec2.snapshot("vol-escrow", 6 * H)
    ec2.copy("vol-escrow", 6 * H - MIN, 6 * H, "tag", key="dr")
    ec2.copy("vol-escrow", 6 * H - MIN, 6 * H, "tag", account=STAGING, key="dr")

    add("old-vol", promise("24 h", "2 h"), row="C1", naive="a volume that is not found is left out; it is gone")

    add(
        "vol-retired",
        promise("24 h", "2 h"),
        proven=proven(world, 20, **usual),
        row="C1",
        naive="the volume is gone, so lost; its snapshot is there",
    )
    ec2.volume("vol-retired")
    ec2.snapshot("vol-retired", 10 * H)
    world.at(5 * H, lambda: ec2.ec2().delete_volume(VolumeId=ec2.volumes["vol-retired"]))

    add("vol-scratch")
    ec2.volume("vol-scratch")
    ec2.snapshot("vol-scratch", 20 * D)

    add(
        "vol-shares",
        promise("48 h", "2 h"),
        cadence="12 h",
        proven=proven(world, 20, **usual),
        row="E1",
        naive="a snapshot of 20 h within 48 h is met; one is expected every 12 h, so they have stopped coming",
    )
    ec2.volume("vol-shares")
    for age in (20 * H, 32 * H, 44 * H):
        ec2.snapshot("vol-shares", age)

    add("vol-tagged", promise("24 h", "2 h"), tag="Backup=vol-tagged", proven=proven(world, 20, **usual))
    ec2.volume("vol-tagged", tags=[("Backup", "vol-tagged")])
    ec2.snapshot("vol-tagged", 6 * H)

    add(
        "st-vol",
        promise("24 h", "2 h"),
        environment="staging",
        row="C1",
        naive="no snapshot came back, so there is none; they could not be read",
    )
    ec2.volume("st-vol", STAGING_HOME, STAGING)
    ec2.snapshot("st-vol", 6 * H, STAGING_HOME, STAGING)

    # The file names instances and volumes by the identifiers that they were given.
    def name():
        for component, made in [*ec2.instances.items(), *ec2.volumes.items()]:
            if component in world.components and "id" in world.components[component]["select"]:
                world.components[component]["select"] = {"id": made}
        world.components["old-bastion"]["select"] = {"id": "i-0123456789abcdef0"}
        world.components["old-vol"]["select"] = {"id": "vol-0123456789abcdef0"}

    world.finally_(name)
