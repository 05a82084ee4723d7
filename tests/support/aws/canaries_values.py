"""Secrets and identifiers that look real and are not: each follows from a fixed seed and from where it is put."""

import base64
import json
import random
import string

SENSITIVE, SECRET, IDENTIFIER = "sensitive-value", "secret", "identifier"
LETTERS, DIGITS = string.ascii_letters, string.digits
BASE64 = LETTERS + DIGITS + "+/"
FIRST = "ingrid jorid halvard sunniva torbjorn ragnhild eskil oddny sigurd aslaug vebjorn".split()
LAST = "solheim vale brekke nygaard fossum lindqvist haugen tveit stensrud moen aas".split()
DOMAIN = "northquay.example"


class Canaries:
    """All that were planted, in the order in which they were."""

    def __init__(self):
        self.planted, self._chance = [], None

    def plant(self, what, where, of, make, *, parts=None):
        """Makes a value, remembers it, and returns it. `parts` are pieces of it that tell as much as the whole."""
        self._chance = random.Random(f"lifeboat canary: {what} in {where}")
        value = make(self)
        given = parts(value) if parts else [value]
        self.planted.append({"canary": value, "what": what, "where": where, "class": of, "parts": given})
        return value

    def some(self, count, of=LETTERS + DIGITS):
        return "".join(self._chance.choice(of) for _ in range(count))

    def pick(self, words):
        return self._chance.choice(words)

    def number(self, below):
        return self._chance.randrange(below)


def piece(value):
    """Names the whole, and the beginning of what is its own in a token with a common prefix."""
    own = value.rsplit("_", 1)[-1] if "_" in value[:16] else value
    return [value, own[:14]]


def ends(value):
    """Names the two sides of `a@b` besides the whole; not a domain that others have, too."""
    user, host = value.split("@")
    own = host if host[0].isdigit() else host.split(".")[0]
    return [value, user] + ([] if host == DOMAIN else [own])


def access_key(c):
    return "AKIA" + c.some(16, string.ascii_uppercase + "234567")


def session_key(c):
    return "ASIA" + c.some(16, string.ascii_uppercase + "234567")


def secret_key(c):
    return c.some(40, BASE64)


def session_token(c):
    return "FwoGZXIvYXdzE" + c.some(223, BASE64) + "="


def github(c):
    return "ghp_" + c.some(36)


def github_pat(c):
    return "github_pat_" + c.some(22) + "_" + c.some(59)


def slack(c):
    return f"xoxb-{c.some(12, DIGITS)}-{c.some(13, DIGITS)}-{c.some(24)}"


def npm(c):
    return "npm_" + c.some(36)


def vault(c):
    return "hvs.CAESI" + c.some(86)


def stripe(c):
    return "sk_live_" + c.some(24)


def google(c):
    return "AIza" + c.some(35, LETTERS + DIGITS + "-_")


def jwt(c):
    def part(value):
        text = json.dumps(value, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    claims = {"sub": c.some(10, DIGITS), "iat": 1700000000 + c.number(9999999)}
    return ".".join([part({"alg": "HS256", "typ": "JWT"}), part(claims), c.some(43, LETTERS + DIGITS + "-_")])


def signature(value):
    """Names the whole token, and its signature, without which nobody takes it."""
    return [value, value.rsplit(".", 1)[1]]


def key_line(c):
    """The first line of a private key's body; what stands around it is the same in all."""
    return "MIIEpAIBAAKCAQEA" + c.some(48, BASE64)


def openssh_body(c):
    return "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ" + c.some(86, BASE64)


def tail(value):
    return [value, value[-40:]]


def password(c):
    return c.pick(["Fjord", "Amber", "Velvet", "Quartz"]) + "-" + c.some(5, DIGITS) + "!" + c.some(9)


def url_password(c):
    return c.some(22)


def hex_of(count):
    return lambda c: c.some(count, "0123456789abcdef")


def opaque(c):
    return c.some(32) + "." + c.some(12)


def pin(c):
    return "9" + c.some(10, DIGITS)


def account(c):
    return c.pick("123456789") + c.some(11, DIGITS)


def email(c):
    return f"{c.pick(FIRST)}.{c.pick(LAST)}{c.some(2, DIGITS)}@{DOMAIN}"


def role(c):
    return f"{c.pick(['Payroll', 'Ledger', 'Escrow', 'Claims'])}BreakGlass-{c.some(6)}"


def user(c):
    return f"{c.pick(FIRST)}.{c.pick(LAST)}-{c.some(4, DIGITS)}"


def private_ip(c):
    return f"10.{100 + c.number(100)}.{100 + c.number(100)}.{100 + c.number(100)}"


def public_ip(c):
    return f"203.0.113.{100 + c.number(150)}"


def ipv6(c):
    quads = [f"{4096 + c.number(61439):x}" for _ in range(4)]
    return f"2001:db8:{quads[0]}:{quads[1]}::{quads[2]}:{quads[3]}"


def inner_host(c):
    return f"{c.pick(['ledger', 'claims', 'escrow'])}-{c.some(4, DIGITS)}.corp.northquay.internal"


def outer_host(c):
    return f"{c.pick(['vpn', 'bastion', 'edge'])}-{c.some(4, DIGITS)}.{DOMAIN}"


def endpoint(c):
    return f"shop.c{c.some(11, string.ascii_lowercase + DIGITS)}.us-east-2.rds.amazonaws.com"


def at_host(c):
    return f"{c.pick(FIRST)}.{c.pick(LAST)}@ci-runner-{c.some(4, DIGITS)}.northquay.internal"


def at_address(c):
    return f"deploy-{c.some(4, DIGITS)}@{private_ip(c)}"
