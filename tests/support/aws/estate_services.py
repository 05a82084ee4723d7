"""DNS records (N rows) and EKS clusters of the estate, and the services and groups that need all the rest."""

from estate_world import D, MIN, PRODUCTION, STAGING, promise, proven


def records(world):
    zone = {}

    def zones():
        for account, name in [(PRODUCTION, "estate.example."), (STAGING, "staging.example.")]:
            route53 = world.client("route53", "us-east-1", account)
            answer = route53.create_hosted_zone(Name=name, CallerReference=f"estate-{account}")
            zone[account] = answer["HostedZone"]["Id"].split("/")[-1]

    world.at(200 * D, zones)

    def record(name, ttl=None, alias=None, account=PRODUCTION, address="192.0.2.10"):
        of = {"Name": name, "Type": "A"}
        of |= (
            {"AliasTarget": {"HostedZoneId": "Z35SXDOTRQ7X7K", "DNSName": alias, "EvaluateTargetHealth": False}}
            if alias
            else {"TTL": ttl, "ResourceRecords": [{"Value": address}]}
        )

        def do():
            changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": of}]}
            world.client("route53", "us-east-1", account).change_resource_record_sets(
                HostedZoneId=zone[account], ChangeBatch=changes
            )

        world.at(90 * D, do)

    def add(name, address, objectives=None, row=None, naive=None, account=PRODUCTION, plain=False, **fields):
        given = {"objectives": objectives} if objectives else {}
        world.component(name, "dns-record", select={"id": address}, **given, **fields)
        if not plain:
            named = lambda: world.components[name].update(select={"id": f"{zone[account]}/{address}/A"})
            world.finally_(named)
        if row:
            world.defect(name, row, naive)

    minutes = {"local": "3 min", "region": "3 min"}

    add("www", "www.estate.example", promise("0 s", "15 min", ("0 s", "15 min")), proven=proven(world, 20, **minutes))
    record("www.estate.example", 60)
    add(
        "slow-dns",
        "slow.estate.example",
        promise("0 s", "1 h"),
        row="N1",
        naive="the record is there and changes in 60 s; resolvers keep the old one for a day",
    )
    record("slow.estate.example", 86400)
    add("alias", "alias.estate.example", promise("0 s", "10 min"))
    record("alias.estate.example", alias="balancer.us-east-2.elb.amazonaws.com.")
    add("shop-dns", "shop.estate.example", promise("0 s", "1 h"), proven=proven(world, 20, **minutes))
    record("shop.estate.example", 3000)
    add(
        "old-dns",
        "old.estate.example",
        promise("0 s", "15 min"),
        row="C1",
        naive="a record that is not found is left out; it is gone",
    )
    add(
        "east-dns",
        "east.estate.example",
        promise("0 s", "15 min", ("0 s", "15 min")),
        region="us-east-1",
        proven=proven(world, 20, **minutes),
        row="N4",
        naive="DNS lies in no Region; changing it needs the control plane in us-east-1, which is the one lost",
    )
    record("east.estate.example", 60)
    add("free-dns", "free.estate.example")
    record("free.estate.example", 60)
    add("named-dns", "named.estate.example", promise("0 s", "15 min"), plain=True)
    record("named.estate.example", 60)
    add(
        "st-dns",
        "www.staging.example",
        promise("0 s", "15 min"),
        account=STAGING,
        environment="staging",
        row="C1",
        naive="no record came back, so there is none; they could not be read",
    )
    record("www.staging.example", 60, account=STAGING)


def others(world):
    """EKS clusters, and services and groups, which are judged by what they need."""

    def cluster(name):
        make = lambda: world.client("eks").create_cluster(
            name=name,
            version="1.33",
            roleArn=f"arn:aws:iam::{PRODUCTION}:role/eks",
            resourcesVpcConfig={"subnetIds": ["subnet-0123456789abcdef0"], "securityGroupIds": []},
        )
        world.at(60 * D, make)

    world.component(
        "kubernetes",
        "eks-cluster",
        environment="production",
        select={"id": "kubernetes"},
        objectives=promise("0 s", "2 h", ("0 s", "4 h")),
    )
    world.defect("kubernetes", "C1", "the cluster is ACTIVE, so met; what it is rebuilt from could not be read")
    cluster("kubernetes")
    world.component("laboratory", "eks-cluster", select={"id": "laboratory"})
    cluster("laboratory")

    def alarm(name, state, **targets):
        def do():
            watch = world.client("cloudwatch")
            watch.put_metric_alarm(
                AlarmName=name,
                Namespace="AWS/ApplicationELB",
                MetricName="UnHealthyHostCount",
                Dimensions=[{"Name": k, "Value": v} for k, v in targets.items()],
                Statistic="Maximum",
                Period=60,
                EvaluationPeriods=1,
                Threshold=1,
                ComparisonOperator="GreaterThanOrEqualToThreshold",
            )
            watch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="as made")

        world.at(20 * MIN, do)

    def service(name, needs, objectives=None, state="OK", **fields):
        given = {"objectives": objectives} if objectives else {}
        world.component(name, "service", depends_on=needs, probes=[{"alarm": f"{name}-targets"}], **given, **fields)
        target = f"targetgroup/{name}/0123456789abcdef"
        alarm(f"{name}-targets", state, TargetGroup=target, LoadBalancer="app/front/0123456789abcdef")

    usual = {"local": "1 h", "region": "90 min"}
    service(
        "checkout", ["orders", "sessions"], promise("1 h", "2 h", ("26 h", "4 h")), proven=proven(world, 20, **usual)
    )
    service("storefront", ["media", "web"], promise("7 d", "4 h"))
    service("bookkeeping", ["ledger"], promise("1 h", "2 h"), state="ALARM")
    world.defect("bookkeeping", "R1", "its targets answer, so it is safe; what it depends on is not")
    service("platform", ["kubernetes", "orders"], promise("1 h", "2 h"))
    service("catalogue-api", ["catalogue"], promise("10 h", "2 h"), proven=proven(world, 20, **usual))
    service("status-page", ["www"])

    def group(name, members, objectives=None, **fields):
        given = {"objectives": objectives} if objectives else {}
        world.groups[name] = {"members": members, **given, **fields}

    group(
        "shop",
        ["orders", "sessions", "media", "checkout"],
        promise("1 h", "4 h", ("26 h", "8 h")),
        proven=proven(world, 20, **usual),
    )
    group("messaging", ["catalogue", "loyalty"], promise("10 h", "2 h"))
    group("finance", ["ledger", "invoicing"], promise("1 h", "2 h"))
    group("everything", ["shop", "kubernetes", "www"], promise("1 h", "8 h"))
    group("front", ["storefront", "alias"], promise("7 d", "8 h"))
    group("leftovers", ["playground", "fonts", "drafts"])
