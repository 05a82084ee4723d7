"""What the runbooks that are built in recover, made in a running server; and the names and databases that its answers
speak of.

    python recoveries.py moto PORT [RUNBOOK ...]        in the server of server.py
    python recoveries.py ministack [RUNBOOK ...]        in a MiniStack of its own

Prints one line of JSON, {"url", "names", "seeds": {RUNBOOK: seed}}, and ends, with the server that it has started, when
its standard input ends. Each seed has an account of its own: {"account", "key": its access key, "components": lines of an
estate file, "said": {parameter: value}, "failure"?: which the runbook recovers from}.

A resolver asks at the UDP port `names`, by `ACCOUNT NAME`, and is answered with an address or nothing. A name has one if
the server says so at that moment: a record set of the account's hosted zones (of weighted ones that with the most weight),
or the endpoint of one of its databases. Where that is, something listens at its port from then on: it accepts, and that is
all. What the makers of runbooks need beyond these calls stands in recoveries_seeds.py.
"""

import json
import os
import socket
import sys
import threading

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

HOME, DR = "us-east-2", "us-west-2"
FIRST = {"moto": 810_000_000_001, "ministack": 820_000_000_001}


class Place:
    """An account of a server."""

    def __init__(self, server, url, account):
        self.server, self.url, self.account = server, url, str(account)
        self.key = self.account if server == "ministack" else f"AKIAGEAR{account}"
        self.clients = {}

    @property
    def moto(self):
        return self.server == "moto"

    def client(self, service, region=HOME):
        if (service, region) not in self.clients:
            config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
            keys = {"aws_access_key_id": self.key, "aws_secret_access_key": "x"}
            self.clients[service, region] = boto3.client(
                service, region_name=region, endpoint_url=self.url, config=config, **keys
            )
        return self.clients[service, region]

    def endpoints(self):
        """Returns (name, port) of each database, in the Regions that answer."""
        for region in (HOME, DR):
            rds = self.client("rds", region)
            try:
                rds.describe_db_clusters()
            except ClientError:
                continue
            for one in rds.describe_db_instances()["DBInstances"]:
                if "Endpoint" in one:
                    yield one["Endpoint"]["Address"], one["Endpoint"]["Port"]
            for one in rds.describe_db_clusters()["DBClusters"]:
                for name in ("Endpoint", "ReaderEndpoint"):
                    if one.get(name):
                        yield one[name], one.get("Port") or 5432

    def record(self, name):
        """Returns the address that Route 53 has for a name."""
        dns = self.client("route53", "us-east-1")  # where it is whatever Region is lost
        for zone in dns.list_hosted_zones()["HostedZones"]:
            if not f".{name}.".endswith(f".{zone['Name']}"):
                continue
            sets = dns.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
            own = [one for one in sets if one["Name"].rstrip(".") == name and one["Type"] == "A"]
            own = [one for one in own if one.get("Weight", 1)]
            if own:
                return max(own, key=lambda one: one.get("Weight", 1))["ResourceRecords"][0]["Value"]
        return None


class Names:
    """Answers a resolver by what the servers say."""

    def __init__(self, places):
        self.places = {place.account: place for place in places}
        self.listening = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            asked, whom = self.socket.recvfrom(1024)
            threading.Thread(target=self._answer, args=(asked, whom), daemon=True).start()

    def _answer(self, asked, whom):
        account, name = asked.decode().split(" ", 1)
        try:
            found = self._find(self.places[account], name.rstrip("."))
        except Exception as failure:  # whoever asks waits for an answer
            print(f"{name}: {failure}", file=sys.stderr)
            found = None
        self.socket.sendto((found or "").encode(), whom)

    def _find(self, place, name):
        databases = [port for address, port in place.endpoints() if address == name]
        for port in databases:
            self._listen(int(port))
        return "127.0.0.1" if databases else place.record(name)

    def _listen(self, port):
        if port not in self.listening:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listening[port] = listener
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                return  # something listens there already, or the probe will say that nothing does
            listener.listen(64)
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            listener.accept()[0].close()


def main():
    import second
    from recoveries_seeds import SEEDS

    server, own = sys.argv[1], None
    if server == "ministack":
        port = second.free_port()
        # Databases in containers are nothing that the runbooks see; the ports are those of the stand-ins.
        own = second.start(port, {"DOCKER_HOST": "unix:///nonexistent", "RDS_BASE_PORT": str(second.free_port())})
    else:
        port = int(sys.argv[2])
    try:
        url = f"http://127.0.0.1:{port}"
        wanted = sys.argv[2 if own else 3 :] or list(SEEDS[server])
        places, seeds = [], {}
        for nth, runbook in enumerate(wanted):
            place = Place(server, url, FIRST[server] + nth)
            places.append(place)
            seeds[runbook] = {"account": place.account, "key": place.key, **SEEDS[server][runbook](place)}
        print(json.dumps({"url": url, "names": Names(places).port, "seeds": seeds}), flush=True)
        sys.stdin.read()
    finally:
        if own is not None:
            own.kill()
            own.wait()
        os._exit(0)


if __name__ == "__main__":
    main()
