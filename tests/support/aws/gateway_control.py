"""The control API under /_gateway/: see gateway.py for what it takes."""

import json
from urllib.parse import parse_qsl

STEP_FILTERS = ("run", "step", "direction", "account", "service", "operation")


class Control:
    """Everything that tests can ask and set."""

    def __init__(self, ledger, rules, clock, tokens, hidden):
        self.ledger, self.rules, self.clock, self.tokens, self.hidden = ledger, rules, clock, tokens, hidden

    def handle(self, request):
        """Answers a control request with a status and a JSON value."""
        path, _, query = request.target.partition("?")
        name = path[len("/_gateway/") :].strip("/").replace("-", "_")
        act = getattr(self, f"{request.method.lower()}_{name}", None)
        if act is None:
            return 404, {"error": f"no {request.method} /_gateway/{name}"}
        try:
            spec = json.loads(request.body) if request.body.strip() else {}
            return 200, act(spec if request.method == "POST" else dict(parse_qsl(query)))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            return 400, {"error": f"{type(error).__name__}: {error}"}

    def get_health(self, _):
        return {"ok": True}

    def get_log(self, query):
        return self.ledger.log(int(query.get("since", 0)), query.get("run"))

    def get_effects(self, query):
        return self.ledger.list(**_only(query, STEP_FILTERS))

    def get_twice(self, query):
        return self.ledger.twice(**_only(query, ("run", "by")))

    def get_unattributed(self, query):
        return [one for one in self.ledger.list(**_only(query, STEP_FILTERS)) if one["unattributed"]]

    def get_unknown(self, _):
        return self.ledger.unknowns()

    def post_rules(self, spec):
        return {"ids": self.rules.add(spec)}

    def get_rules(self, query):
        return [rule for rule in self.rules.show() if query.get("account") in (None, rule.get("account"))]

    def delete_rules(self, query):
        self.rules.remove(query.get("account"), query.get("id"))
        return {}

    def post_clock(self, spec):
        return self.clock.set(spec)

    def get_clock(self, _):
        return self.clock.show()

    def post_tokens(self, spec):
        return self.tokens.set(spec)

    def get_tokens(self, _):
        return self.tokens.show()

    def delete_tokens(self, _):
        self.tokens.known = {}
        return {}

    def get_hidden(self, _):
        return self.hidden.show()

    def delete_hidden(self, _):
        self.hidden.clear()
        return {}

    def post_reset(self, _):
        self.ledger.clear()
        self.rules.remove()
        self.tokens.clear()
        self.hidden.clear()
        self.clock.offset = 0.0
        return {}


def _only(query, allowed):
    unknown = set(query) - set(allowed)
    if unknown:
        raise ValueError(f"there is no {', '.join(sorted(unknown))} to choose by")
    return query
