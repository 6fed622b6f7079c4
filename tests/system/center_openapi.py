#!/usr/bin/python3
"""The contract itself: it is valid, it is what the center serves, and it is whole.

That real answers keep it is checked by center_lib in every test of the center; here
every operation is asked at least once.
"""
import hashlib
import json
import sys
import unittest

import jsonschema

from center_contract import DEFAULT, Contract
from center_lib import REJECTED, CenterTest, main, resource, result_item, rule
from center_modules import wasm
from center_runs import RULE_LOG, RULE_STATS, item, line

SHA = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of "abc"


class TheContract(CenterTest):
    def test_is_what_is_served(self):
        with open(DEFAULT, "rb") as file:
            self.assertEqual(self.center.get("/openapi.json").body, file.read())

    def test_schemas_are_schemas(self):
        contract = Contract()
        schemas = contract.document["components"]["schemas"]
        for schema in schemas.values():
            jsonschema.Draft202012Validator.check_schema(schema)
        text = json.dumps(contract.document)
        for name in schemas:
            self.assertTrue(f'"#/components/schemas/{name}"' in text, f"{name} is never used")

    def test_every_operation(self):
        center = self.center
        center.put(resource("a", "application", "b", interface="libx", description="d",
                            serve={"library": "x.so", "workers": 2, "restart": "never"}))
        center.put(rule("r", protocol={"edge": ["a", "b"], "use": "shm"}))
        center.put(rule("r", exception={"edge": ["a", "b"], "reason": "why",
                                        "expires": "2100-01-01T00:00:00+01:00"}))
        center.put({"kind": "Interface", "metadata": {"name": "libx"}, "spec": {
            "text": "f, i32\n", "soname": "libx.so", "hash": "0" * 16, "version": "1"}})
        center.ask("PUT", "/apis/v1/modules/" + SHA, b"abc",
                   {"Content-Type": "application/octet-stream"})
        data = wasm()
        part = hashlib.sha256(data).hexdigest()
        center.ask("PUT", "/apis/v1/modules/" + part, data,
                   {"Content-Type": "application/octet-stream"})
        made = center.ask("POST", "/apis/v1/modules", {
            "hook": "filter", "abi": 1, "mode": "wasm", "memory": "1Mi", "name": "limiter",
            "capabilities": [], "parts": {"wasm": part}})
        center.put(rule("limiter", code={
            "hook": "filter", "edge": ["a", "*"], "mode": "wasm",
            "module": "sha256:" + made.json["metadata"]["name"], "onFailure": "fail-open",
            "limits": {"memory": "1Mi", "time": "10ms", "fuel": 0}, "params": {"rate": "10"},
            "rollout": {"steps": [1, "100%"]}}))
        center.get("/apis/v1/modules/" + part, Range="bytes=0-3")
        center.get("/apis/v1/modules/" + part, Range="bytes=100-")
        agent = center.agent("a")
        agent.view()
        subscriber = center.subscriber("b")
        subscriber.take()
        subscriber.result(subscriber.revision, result_item(
            ("a", "b"), subscriber.revision, REJECTED, -28, "no room"))
        center.apply(resource("c", "driver"))
        center.put(resource("c", "driver", "a"))
        for caller, callee in (("a", "b"), ("c", "a"), ("b", "a")):
            center.ask("POST", "/apis/v1/explain",
                       {"caller": caller, "callee": callee, "function": "f"})
            center.get(f"/apis/v1/can-i?caller={caller}&callee={callee}")
        center.put(rule("steps", protocol={"edge": ["a", "*"], "use": "shm", "rollout": {
            "steps": [1, "100%"], "wait": "1h", "maxErrorRate": 0.1}}))
        center.put(rule("few", limits={"edge": ["a", "b"], "calls": 3}))
        for verb in ("pause", "resume", "undo"):
            self.assertEqual(center.ask("POST", f"/apis/v1/rollouts/steps/{verb}").status, 200)
        self.assertEqual(center.ask("POST", "/apis/v1/observed", {"pairs": [
            {"caller": "a", "callee": "c", "calls": 2},
            {"caller": "a", "callee": "nobody", "calls": 1}]}).json,
            {"declared": 0, "undeclared": 1, "unknown": 1})
        for path in ("matrix", "agents", "audit", "system", "rollouts", "rollouts/steps",
                     "rollouts/r/history"):
            center.get("/apis/v1/" + path)
        subscriber.send(RULE_STATS, item("b", "", "limiter", calls=3, failures=(1,)))
        subscriber.send(RULE_LOG, line("b", "", "limiter", "words"))
        while not center.get("/apis/v1/rules/limiter/log").json["items"]:
            pass  # the center reads it in its own time
        center.get("/apis/v1/runs")
        self.assertEqual(len(center.get("/apis/v1/rules/limiter/runs").json["items"]), 1)
        self.follow("/apis/v1/events?fromRevision=0")
        for path in ("/metrics", "/healthz", "/readyz", "/openapi.json"):
            center.get(path)
        for plural, name in (("resources", "a"), ("rules", "r"), ("interfaces", "libx"),
                             ("modules", SHA)):
            center.get(f"/apis/v1/{plural}")
            center.get(f"/apis/v1/{plural}/{name}")
            center.get(f"/apis/v1/{plural}/{name}", Accept="application/json")
            self.assertEqual(center.ask("DELETE", f"/apis/v1/{plural}/{name}").status, 200)
            self.assertEqual(center.ask("DELETE", f"/apis/v1/{plural}/{name}").status, 404)
        wanted = {operation["operationId"]
                  for item in center.contract.document["paths"].values()
                  for method, operation in item.items() if method != "parameters"}
        good = {ident for ident, status in center.contract.seen if status < 300}
        self.assertEqual(wanted - good, set())

    def follow(self, path):
        """The first lines of a stream, against the contract."""
        connection = self.center.connect()
        self.addCleanup(connection.close)
        connection.request("GET", path)
        response = connection.getresponse()
        for _ in range(3):
            self.center.contract.validate({"$ref": "#/components/schemas/WatchEvent"},
                                          json.loads(response.readline()))
        self.center.contract.seen.add(("events", response.status))

    def test_routes_and_paths_are_the_same(self):
        methods = ("get", "put", "post", "delete")
        for template, item in self.center.contract.document["paths"].items():
            allowed = {m for m in methods if m in item}
            path = template.replace("{name}", "x")
            if template == "/apis/v1/events":
                path += "?fromRevision=99"  # not reached: no stream that would not end
            for method in methods:
                status = self.center.ask(method.upper(), path).status
                self.assertEqual(status == 405, method not in allowed, (method, path))


class Checker(unittest.TestCase):
    """The checker itself finds what is wrong."""

    def test_bites(self):
        class Fake:
            status = 200
            headers = {"Content-Type": "application/json"}
            body = b"{}"
            json = {"allowed": True, "code": "OK", "text": "t", "revision": 1}

        contract, fake = Contract(), Fake()
        contract.check("GET", "/apis/v1/can-i?x=1", None, fake)
        fake.json = {**Fake.json, "extra": 1}
        with self.assertRaisesRegex(AssertionError, "extra"):
            contract.check("GET", "/apis/v1/can-i", None, fake)
        fake.json, fake.status = Fake.json, 299
        with self.assertRaisesRegex(AssertionError, "status 299"):
            contract.check("GET", "/apis/v1/can-i", None, fake)
        fake.status, fake.headers = 200, {"Content-Type": "text/html"}
        with self.assertRaisesRegex(AssertionError, "text/html"):
            contract.check("GET", "/apis/v1/can-i", None, fake)


if __name__ == "__main__":
    sys.exit(main())
