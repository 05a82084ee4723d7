"""The canaries in Terraform states and in their locks."""

import hashlib
import json

import canaries_values as v
from account import ACCOUNT, DR, HOME, ago, client, gear, versioned
from canaries_values import IDENTIFIER, SECRET, SENSITIVE

D = 86400
TABLE = "terraform-locks"
LINEAGE = "5f0c2d61-7d0b-4c52-9f6e-3b8a1c4d7e90"


def attribute(*path):
    """Returns a path as a state has it: names are attributes, numbers and names in brackets are indices."""
    steps = []
    for step in path:
        if isinstance(step, int):
            steps.append({"type": "index", "value": {"value": step, "type": "number"}})
        elif step.startswith("["):
            steps.append({"type": "index", "value": {"value": step.strip("[]"), "type": "string"}})
        else:
            steps.append({"type": "get_attr", "value": step})
    return steps


def resource(kind, name, attributes, *sensitive, key=None, provider="hashicorp/aws"):
    marks = [attribute(*path) for path in sensitive]
    instance = {"schema_version": 0, "attributes": attributes, "sensitive_attributes": marks}
    if key is not None:
        instance["index_key"] = key
    made = {"mode": "managed", "type": kind, "name": name, "instances": [instance]}
    made["provider"] = f'provider["registry.terraform.io/{provider}"]'
    return made


def database(password):
    return resource("aws_db_instance", "shop", {"identifier": "shop-db", "password": password}, ("password",))


def marked(plant):
    """What a state says is sensitive: it must not be seen anywhere."""
    hidden = lambda what, where, make, **more: plant(what, f"a state: {where}", SENSITIVE, make, **more)
    password = hidden("database password", "`password` of a database, marked", v.password)
    line = hidden("private key (first line of its body)", "`private_key_pem` of a tls_private_key, marked", v.key_line)
    secret = hidden("secret access key", "`secret` of an aws_iam_access_key, marked", v.secret_key)
    nested = hidden("npm token", "an inner value of a list, marked", v.npm, parts=v.piece)
    token = hidden("JWT", "`data` of a kubernetes_secret, by its key, marked", v.jwt, parts=v.signature)
    number = hidden("numeric code", "a number, marked", v.pin)
    second = hidden("Slack token", "the second instance of a resource, marked", v.slack)
    pem = f"-----BEGIN RSA PRIVATE KEY-----\n{line}\n-----END RSA PRIVATE KEY-----\n"
    hook = resource(
        "custom_hook", "alerts", {"id": "a", "token": "none"}, ("token",), key="a", provider="example/custom"
    )
    hook["instances"] += resource("", "", {"id": "b", "token": second}, ("token",), key="b")["instances"]
    key = {"algorithm": "RSA", "private_key_pem": pem, "id": "k"}
    inner = {"name": "web", "set_sensitive": [{"name": "registry.token", "value": nested}]}
    return [
        database(password),
        resource("tls_private_key", "deploy", key, ("private_key_pem",), provider="hashicorp/tls"),
        resource("aws_iam_access_key", "ci", {"user": "ci", "secret": secret}, ("secret",)),
        resource("helm_release", "web", inner, ("set_sensitive", 0, "value"), provider="hashicorp/helm"),
        resource("kubernetes_secret", "web", {"data": {"token": token}}, ("data", "[token]")),
        resource("custom_vault", "pin", {"code": int(number)}, ("code",), provider="example/custom"),
        hook,
    ]


def unmarked(plant):
    """What is as secret, and nobody said so."""
    shown = lambda what, where, make, **more: plant(what, f"a state: {where}", SECRET, make, **more)
    named = shown("password", "`password` of a directory, not marked", v.password)
    body = shown("private key (body)", "`private_key` in one line, not marked", v.openssh_body, parts=v.tail)
    secret = shown("secret access key", "`user_data` in plain, `AWS_SECRET_ACCESS_KEY=`", v.secret_key)
    url = shown("database password in a URL", "`connection_string` in plain", v.url_password)
    token = shown("JWT", "`id_token`, not marked", v.jwt, parts=v.signature)
    stripe = shown("Stripe key", "an environment variable of a function", v.stripe, parts=v.piece)
    google = shown("Google API key", "`api_key`, not marked", v.google)
    session = shown("session token", "`user_data` in plain, `AWS_SESSION_TOKEN=`", v.session_token, parts=v.tail)
    script = f"#!/bin/sh\nexport AWS_SECRET_ACCESS_KEY={secret}\nexport AWS_SESSION_TOKEN={session}\n"
    ssh = f"-----BEGIN OPENSSH PRIVATE KEY----- {body} -----END OPENSSH PRIVATE KEY-----"
    return [
        resource("aws_directory_service_directory", "staff", {"name": "corp", "password": named}),
        resource("custom_host", "jump", {"private_key": ssh}, provider="example/custom"),
        resource("aws_instance", "worker", {"user_data": script}),
        resource(
            "custom_app", "reports", {"connection_string": f"mysql://reports:{url}@db/reports", "id_token": token}
        ),
        resource("custom_map", "site", {"api_key": google}, provider="example/custom"),
        resource("aws_lambda_function", "pay", {"environment": [{"variables": {"STRIPE": stripe}}]}),
    ]


def identifying(plant):
    """Whom and what it names."""
    named = lambda what, where, make, **more: plant(what, f"a state: {where}", IDENTIFIER, make, **more)
    account = named("account id", "an ARN", v.account)
    role = named("role name in an ARN", "an ARN", v.role)
    endpoint = named("e-mail address", "a plain attribute", v.email, parts=v.ends)
    person = named("e-mail address", "the key of an instance, so its address", v.email, parts=v.ends)
    return [
        resource("aws_iam_role", "glass", {"arn": f"arn:aws:iam::{account}:role/{role}"}),
        resource("aws_sns_topic_subscription", "page", {"protocol": "email", "endpoint": endpoint}),
        resource("aws_iam_user", "people", {"name": "somebody", "force_destroy": False}, key=person),
    ]


def outputs(plant):
    hidden = lambda what, where, make, **more: plant(what, f"an output: {where}", SENSITIVE, make, **more)
    url = hidden("database password in a URL", "marked sensitive", v.url_password)
    token = hidden("GitHub token", "marked sensitive", v.github, parts=v.piece)
    session = hidden("session token", "marked sensitive", v.session_token, parts=v.tail)
    inner = hidden("password", "an object marked sensitive", v.password)
    bearer = plant("bearer token", "an output: not marked", SECRET, v.opaque)
    login = {"user": "admin", "password": inner}
    return {
        "database_url": {"value": f"postgres://shop:{url}@shop-db/shop", "type": "string", "sensitive": True},
        "deploy_token": {"value": token, "type": "string", "sensitive": True},
        "session": {"value": session, "type": "string", "sensitive": True},
        "login": {"value": login, "type": ["object", {"user": "string", "password": "string"}], "sensitive": True},
        "header": {"value": f"Authorization: Bearer {bearer}", "type": "string"},
    }


def state(serial, resources, outputs):
    whole = {"version": 4, "terraform_version": "1.13.3", "serial": serial, "lineage": LINEAGE}
    return json.dumps({**whole, "outputs": outputs, "resources": resources, "check_results": None}, indent=2).encode()


def states(plant):
    """Makes a backend with two states, one of which is locked in both stores; returns what the estate file needs."""
    inside = plant("account id", "the name of the bucket of states", IDENTIFIER, v.account)
    path = plant("account id", "the key of a state", IDENTIFIER, v.account)
    old = plant("database password", "an older version of a state: `password`, marked", SENSITIVE, v.password)
    bucket, replica = f"tfstate-{inside}-{ACCOUNT}", f"tfstate-dr-{ACCOUNT}"
    network, shop = f"prod/{path}/network/terraform.tfstate", "prod/shop/terraform.tfstate"
    everything = marked(plant) + unmarked(plant) + identifying(plant)
    said = outputs(plant)
    versions = [
        (network, state(7, [], {}), 20 * D),
        (shop, state(41, [database(old)], {}), 9 * D),
        (shop, state(42, everything, said), 2 * D),
    ]
    for name, region in ((bucket, HOME), (replica, DR)):
        s3 = versioned(name, region)
        for key, body, age in versions:
            s3.put_object(Bucket=name, Key=key, Body=body)
            gear("written", bucket=name, objects={key: ago(age)})
    rows = locks(plant, bucket, network, shop)
    for key, body, _ in versions[:1] + versions[2:]:
        rows.append({"LockID": {"S": f"{bucket}/{key}-md5"}, "Digest": {"S": hashlib.md5(body).hexdigest()}})
    client("dynamodb").create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for row in rows:
        client("dynamodb").put_item(TableName=TABLE, Item=row)
    return bucket, replica, network, shop


def locks(plant, bucket, network, shop):
    """Makes a lock file, and returns rows of the lock table."""
    who = plant("user and host", "a lock row: `Who`", IDENTIFIER, v.at_host, parts=v.ends)
    info = plant("password", "a lock row: `Info`, `password=`", SECRET, v.password)
    at = plant("user and address", "a lock file: `Who`", IDENTIFIER, v.at_address, parts=v.ends)
    text = plant("password in a URL", "a lock row that is not JSON", SECRET, v.url_password)

    def record(who, info, key, id):
        made = {"ID": id, "Operation": "OperationTypeApply", "Info": info, "Who": who, "Version": "1.13.3"}
        return json.dumps({**made, "Created": ago(3 * 3600), "Path": f"{bucket}/{key}"})

    row = record(who, f"apply -var password={info}", network, "0b7e7a52-5a10-4a35-8a86-2c2f0a3c2f11")
    file = record(at, "", network, "7d1f4c0e-93d2-4d4c-a6a7-1f6a0f4b9c22")
    client("s3").put_object(Bucket=bucket, Key=f"{network}.tflock", Body=file.encode())
    stuck = f"stuck since the build at https://ci:{text}@jenkins.example.com/job/9"
    return [
        {"LockID": {"S": f"{bucket}/{network}"}, "Info": {"S": row}},
        {"LockID": {"S": f"{bucket}/{shop}"}, "Info": {"S": stuck}},
    ]
