#!/usr/bin/python3
"""The REST interface of a real center: objects, rules, preconditions, refusals."""
import hashlib
import http.client
import json
import os
import select
import socket
import unittest

from center_lib import CenterTest, main, resource, rule

SHA = "0123456789abcdef" * 4
LIBX = {"kind": "Interface", "metadata": {"name": "libx"}, "spec": {
    "text": "f, i32|a, i32\ngo, i32\ng, i32\n", "soname": "libx.so.1", "hash": "0x0123456789abcdef",
    "modules": {"shadow": SHA}}}


class Objects(CenterTest):
    def test_put_get_list_delete(self):
        answer = self.center.put(resource("nic", "hardware"))
        self.assertEqual((answer.status, answer.etag), (201, '"2"'))
        meta = answer.json["metadata"]
        self.assertEqual((meta["generation"], meta["revision"]), (1, 2))
        self.assertEqual(self.center.get("/apis/v1/resources/nic").json, answer.json)
        listed = self.center.get("/apis/v1/resources")
        self.assertEqual(listed.json["items"], [answer.json])
        self.assertEqual(listed.json["metadata"]["revision"], 2)
        gone = self.center.ask("DELETE", "/apis/v1/resources/nic")
        self.assertEqual(gone.json, {"revision": 3, "results": [
            {"kind": "Resource", "name": "nic", "result": "deleted", "revision": 3}]})
        self.assert_problem(self.center.get("/apis/v1/resources/nic"), 404, "ENOENT", "nic")
        self.assert_problem(self.center.ask("DELETE", "/apis/v1/resources/nic"), 404, "ENOENT")

    def test_what_was_read_can_be_applied_again(self):
        self.center.apply(resource("a", "application", "s"), resource("s", "service"), LIBX)
        for path in ("resources/a", "resources/s", "interfaces/libx", "rules/hierarchy"):
            item = self.center.get("/apis/v1/" + path).json
            before = item["metadata"]["revision"]
            answer = self.center.put(item)
            self.assertEqual((answer.status, answer.json["metadata"]["revision"]), (200, before))
        self.assertEqual(self.center.revision(), 2)

    def test_idempotent_apply_and_generations(self):
        first = self.center.apply(resource("a", "application"), resource("b", "service"))
        self.assertEqual([r["result"] for r in first.json["results"]], ["created", "created"])
        again = self.center.apply(resource("a", "application"), resource("b", "driver"))
        self.assertEqual([(r["result"], r["revision"]) for r in again.json["results"]],
                         [("unchanged", 2), ("configured", 3)])
        item = self.center.get("/apis/v1/resources/b").json
        self.assertEqual(item["metadata"]["generation"], 2)
        item["metadata"]["labels"] = {"team": "net"}
        labelled = self.center.put(item).json["metadata"]
        self.assertEqual((labelled["generation"], labelled["revision"]), (2, 4))

    def test_new_incarnation_has_another_uid(self):
        before = self.center.put(resource("a", "application")).json["metadata"]
        self.center.ask("DELETE", "/apis/v1/resources/a")
        after = self.center.put(resource("a", "application")).json["metadata"]
        self.assertNotEqual(before["uid"], after["uid"])
        self.assertEqual(after["generation"], 1)

    def test_pages(self):
        self.center.apply(*[resource(f"r{i}", "application") for i in range(7)])
        names, token = [], ""
        for _ in range(10):
            page = self.center.get(f"/apis/v1/resources?limit=3{token}").json
            names += [item["metadata"]["name"] for item in page["items"]]
            if "continue" not in page["metadata"]:
                break
            token = "&continue=" + page["metadata"]["continue"]
        self.assertEqual(names, [f"r{i}" for i in range(7)])
        # One that ends with the last of them is the last one.
        page = self.center.get("/apis/v1/resources?limit=7").json
        self.assertEqual(len(page["items"]), 7)
        self.assertNotIn("continue", page["metadata"])

    def test_not_modified(self):
        self.center.put(resource("a", "application"))
        answer = self.center.get("/apis/v1/resources/a", **{"If-None-Match": '"2"'})
        self.assertEqual((answer.status, answer.body), (304, b""))
        answer = self.center.get("/apis/v1/resources/a", **{"If-None-Match": '"1"'})
        self.assertEqual(answer.status, 200)

    def test_head(self):
        answer = self.center.ask("HEAD", "/apis/v1/system")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertGreater(int(answer.headers["Content-Length"]), 100)

    def test_conditions(self):
        self.center.apply(resource("a", "application", "later", interface="libx",
                                   privilege="kernel"), LIBX)
        conditions = self.center.get("/apis/v1/resources/a").json["status"]["conditions"]
        by_type = {c["type"]: c for c in conditions}
        self.assertEqual(by_type["Registered"]["status"], "True")
        self.assertEqual(by_type["Ready"]["status"], "False")
        self.assertEqual(by_type["Pending"]["edge"], ["a", "later"])
        self.assertEqual(by_type["PrivilegeUnrealised"]["status"], "True")
        missing = self.center.get("/apis/v1/interfaces/libx").json["status"]["conditions"][1]
        self.assertEqual((missing["type"], missing["reason"]), ("Pending", "ModuleUnknown"))


class Preconditions(CenterTest):
    def setUp(self):
        super().setUp()
        self.center.put(resource("a", "application"))  # revision 2

    def test_stale_etag(self):
        answer = self.center.put(resource("a", "service"), If_Match='"1"')
        self.assert_problem(answer, 412, "ESTALE", "Resource a is at revision 2, not 1")
        self.assertEqual(self.center.put(resource("a", "service"), If_Match='"2"').status, 200)
        self.assert_problem(self.center.put(resource("new", "service"), If_Match='"2"'),
                            412, "ESTALE", "is not there")

    def test_create_only(self):
        answer = self.center.put(resource("a", "service"), If_None_Match="*")
        self.assert_problem(answer, 412, "EEXIST", "is there already")
        self.assertEqual(self.center.put(resource("b", "service"), If_None_Match="*").status, 201)

    def test_delete_if_match(self):
        stale = self.center.ask("DELETE", "/apis/v1/resources/a", headers={"If-Match": '"9"'})
        self.assert_problem(stale, 412, "ESTALE")
        gone = self.center.ask("DELETE", "/apis/v1/resources/a", headers={"If-Match": '"2"'})
        self.assertEqual(gone.status, 200)

    def test_bad_headers(self):
        for value in ("2", '"x"', 'W/"2"', '"2", "3"', '""', '"99999999999999999999"'):
            self.assert_problem(self.center.put(resource("a", "driver"), If_Match=value),
                                400, "EINVAL", "If-Match")
        self.assert_problem(self.center.put(resource("a", "driver"), If_None_Match='"2"'),
                            400, "EINVAL", "If-None-Match")
        self.assertEqual(self.center.put(resource("a", "driver"), If_Match="*").status, 200)


class Hierarchy(CenterTest):
    def setUp(self):
        super().setUp()
        answer = self.center.apply(resource("file_system", "service"), resource("nic", "hardware"),
                                   resource("net_driver", "driver", "nic"))
        self.assertEqual(answer.status, 200)

    def test_refusal_names_pair_rule_and_revision(self):
        answer = self.center.put(resource("net_driver", "driver", "nic", "file_system"))
        self.assert_problem(answer, 403, "ELAYER",
                            "net_driver (driver) -> file_system (service): refused by rule "
                            "hierarchy at revision 1: a driver may call hardware")
        self.assertEqual(answer.json["rule"], "hierarchy")
        self.assertEqual(answer.json["revision"], 1)
        self.assertEqual(answer.json["edge"], ["net_driver", "file_system"])
        self.assertEqual(answer.json["object"], {"kind": "Resource", "name": "net_driver"})
        item = self.center.get("/apis/v1/resources/net_driver").json
        self.assertEqual(item["spec"]["reference"], ["nic"])
        self.assertEqual(self.center.revision(), 2)
        why = self.center.ask("POST", "/apis/v1/explain",
                              {"caller": "net_driver", "callee": "file_system"}).json
        self.assertFalse(why["allowed"])
        self.assertIn("rule hierarchy at revision 1 would refuse it", why["text"])
        self.assertEqual(why["lastRefusal"]["text"], answer.json["detail"])

    def test_refusal_of_a_new_resource_is_explained(self):
        refused = self.center.put(resource("other", "driver", "file_system"))
        self.assertEqual(refused.status, 403)
        why = self.center.ask("POST", "/apis/v1/explain",
                              {"caller": "other", "callee": "file_system"}).json
        self.assertEqual(why["code"], "ENOENT")
        self.assertIn(refused.json["detail"], why["text"])

    def test_batch_is_all_or_nothing(self):
        answer = self.center.apply(resource("one", "application"),
                                   resource("two", "driver", "file_system"))
        self.assert_problem(answer, 403, "ELAYER", "two (driver)")
        self.assertEqual(answer.json["pointer"], "/objects/1")
        self.assertEqual(self.center.get("/apis/v1/resources/one").status, 404)

    def test_order_in_a_batch_does_not_matter(self):
        for batch in ((resource("x", "driver", "y"), resource("y", "service")),
                      (resource("y", "service"), resource("x", "driver", "y"))):
            self.assert_problem(self.center.apply(*batch), 403, "ELAYER", "x (driver)")
        allowed = rule("why", exception={"edge": ["x", "y"], "reason": "boot order"})
        answer = self.center.apply(resource("x", "driver", "y"), resource("y", "service"), allowed)
        self.assertEqual(answer.status, 200, answer.body)

    def test_exception_needs_a_reason_and_is_audited(self):
        edge = ["net_driver", "file_system"]
        for bad in ({"edge": edge}, {"edge": edge, "reason": ""}, {"edge": edge, "reason": "  "}):
            self.assertEqual(self.center.put(rule("x", exception=bad)).status, 400)
        answer = self.center.put(rule("x", exception={"edge": edge, "reason": "firmware blobs"}))
        self.assertEqual(answer.status, 201)
        self.assertEqual(self.center.put(
            resource("net_driver", "driver", "nic", "file_system")).status, 200)
        entries = [item["entry"] for item in self.center.audit()]
        made = next(e for e in entries if e["name"] == "x" and e["result"] == "created")
        self.assertEqual((made["reason"], made["uid"]), ("firmware blobs", os.getuid()))
        self.assertIn("python3", made["exe"])
        why = self.center.ask("POST", "/apis/v1/explain", {"caller": edge[0], "callee": edge[1]})
        self.assertTrue(why.json["allowed"])
        self.assertEqual([r["kind"] for r in why.json["chain"]], ["hierarchy", "exception"])
        self.assertEqual(why.json["decidedBy"]["rule"], "x")
        self.center.ask("DELETE", "/apis/v1/rules/x")
        can = self.center.get(f"/apis/v1/can-i?caller={edge[0]}&callee={edge[1]}").json
        self.assertEqual((can["allowed"], can["code"]), (False, "ELAYER"))

    def test_exception_of_the_past_is_over(self):
        self.center.put(rule("x", exception={
            "edge": ["net_driver", "file_system"], "reason": "r", "expires": "2001-01-01T00:00:00Z"}))
        answer = self.center.put(resource("net_driver", "driver", "file_system"))
        self.assert_problem(answer, 403, "ELAYER", "the exception for this edge has expired")

    def test_two_rules_for_one_edge(self):
        edge = ["a", "b"]
        self.center.put(rule("one", protocol={"edge": edge, "use": "shm"}))
        answer = self.center.put(rule("two", protocol={"edge": edge, "use": "bind"}))
        self.assert_problem(answer, 409, "EEXIST", "another rule (one) holds a -> b")
        self.center.put(rule("three", exception={"edge": edge, "reason": "r"}))
        answer = self.center.put(rule("four", exception={"edge": edge, "reason": "r"}))
        self.assert_problem(answer, 409, "EEXIST", "another rule (three) holds a -> b")
        self.assertEqual(self.center.put(
            rule("one", exception={"edge": ["c", "d"], "reason": "r"})).status, 200)
        self.assertEqual(self.center.put(
            rule("two", protocol={"edge": edge, "use": "bind"})).status, 201)

    def test_hierarchy_can_change_but_not_go(self):
        self.assert_problem(self.center.ask("DELETE", "/apis/v1/rules/hierarchy"), 403, "EPERM")
        table = self.center.get("/apis/v1/rules/hierarchy").json
        table["spec"]["hierarchy"]["allow"].append(["driver", "service"])
        self.assertEqual(self.center.put(table).status, 200)
        self.assertEqual(self.center.put(
            resource("net_driver", "driver", "file_system")).status, 200)
        table["spec"]["hierarchy"]["allow"].pop()
        table["spec"]["hierarchy"]["grace"] = "0s"
        self.assertEqual(self.center.put(table).status, 200)
        conditions = self.center.get("/apis/v1/resources/net_driver").json["status"]["conditions"]
        refused = next(c for c in conditions if c["type"] == "EdgeRefused")
        self.assertEqual(refused["edge"], ["net_driver", "file_system"])
        self.assertIn("at revision 5", refused["message"])

    def test_name_that_appears_makes_the_edge_refused(self):
        self.center.put(resource("early", "driver", "late"))
        self.assertEqual(self.center.put(resource("late", "application")).status, 201)
        can = self.center.get("/apis/v1/can-i?caller=early&callee=late").json
        self.assertEqual(can["code"], "ELAYER")

    def test_dry_run_is_the_same_way(self):
        before = self.center.get("/apis/v1/matrix").json
        entries = len(self.center.audit())
        refused = self.center.put(resource("d", "driver", "file_system"), query="?dryRun=true")
        self.assert_problem(refused, 403, "ELAYER")
        made = self.center.put(resource("d", "driver", "nic"), query="?dryRun=true")
        self.assertEqual((made.status, made.json["metadata"]["revision"]), (201, 3))
        batch = self.center.apply(resource("nic", "service"), resource("q", "application", "nic"),
                                  rule("p", protocol={"edge": ["q", "nic"], "use": "shm"}),
                                  rule("hierarchy", hierarchy={"allow": []}),
                                  query="?dryRun=true")
        self.assert_problem(batch, 403, "ELAYER", "q (application)")
        batch = self.center.apply(resource("nic", "service"), resource("q", "application", "nic"),
                                  rule("p", protocol={"edge": ["q", "nic"], "use": "shm"}),
                                  query="?dryRun=true")
        self.assertTrue(batch.json["dryRun"])
        gone = self.center.ask("DELETE", "/apis/v1/resources/nic?dryRun=true")
        self.assertEqual(gone.json["results"][0]["result"], "deleted")
        self.assertEqual(self.center.get("/apis/v1/matrix").json, before)
        self.assertEqual(len(self.center.audit()), entries)

    def test_matrix_in_the_order_of_the_sets(self):
        self.center.put(resource("app", "application", "file_system", "nobody"))
        matrix = self.center.get("/apis/v1/matrix").json
        self.assertEqual([o["set"] for o in matrix["order"]], ["A", "S", "D", "H"])
        self.assertEqual([o["name"] for o in matrix["order"]],
                         ["app", "file_system", "net_driver", "nic"])
        self.assertEqual(matrix["planes"]["declared"],
                         [[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]])
        outcomes = {(e["caller"], e["callee"]): e["outcome"] for e in matrix["edges"]}
        self.assertEqual(outcomes[("app", "nobody")], "pending")
        page = self.center.get("/apis/v1/matrix?limit=2").json
        rest = self.center.get(f"/apis/v1/matrix?limit=2&continue={page['continue']}").json
        self.assertEqual(page["edges"] + rest["edges"], matrix["edges"])

    def test_explain(self):
        self.center.apply(LIBX, resource("file_system", "service", interface="libx"),
                          resource("app", "application", "file_system"),
                          rule("p", protocol={"edge": ["app", "file_system"], "use": "msgqueue"}))
        why = self.center.ask("POST", "/apis/v1/explain", {
            "caller": "app", "callee": "file_system", "function": "g"}).json
        self.assertTrue(why["allowed"])
        self.assertEqual(why["protocol"], {"use": "msgqueue", "rule": "p", "revision": 3})
        self.assertEqual(why["function"], {"name": "g", "known": True, "interface": "libx",
                                           "text": "g, i32"})
        self.assertEqual(why["agents"], {"caller": [], "callee": []})
        self.assertEqual(why["observed"], {"calls": 0, "errors": 0, "bytes": 0})
        self.assertIn("allowed by rule hierarchy at revision 1: an application may call "
                      "service, driver and hardware", why["text"])
        why = self.center.ask("POST", "/apis/v1/explain", {
            "caller": "app", "callee": "file_system", "function": "nope"}).json
        self.assertFalse(why["function"]["known"])
        self.assertEqual(self.center.get("/apis/v1/can-i?caller=app").status, 400)


class Refused(CenterTest):
    """Bad input: the right status, a pointer, nothing changed."""

    def send(self, method, path, body, kind="application/json"):
        return self.center.ask(method, path, body, {"Content-Type": kind})

    def test_not_json(self):
        for body in (b"", b"{", b"nonsense", b"{}{}", b'{"a":1,"a":2}', b"\xff\xfe", b'"\\u0000"',
                     b"[" * 100000, b'{"objects":' + b"[" * 15 + b"]" * 15 + b"}",
                     b'{"objects":[1e999]}', b'{"objects":[99999999999999999999]}',
                     b'{"objects":[],"objects":[]}'):
            answer = self.send("POST", "/apis/v1/apply", body)
            self.assert_problem(answer, 400, "EINVAL")
        self.assertIn("line 1", self.send("POST", "/apis/v1/apply", b'{"a" 1}').json["detail"])

    def test_pointer_to_the_element(self):
        cases = [
            ({"kind": "Thing"}, "/objects/0/kind"),
            ({"kind": "Module", "metadata": {"name": "m"}, "spec": {}}, "/objects/0/kind"),
            ({"kind": "Resource", "metadata": {"name": "Bad Name"}, "spec": {"type": "service"}},
             "/objects/0/metadata/name"),
            ({"kind": "Resource", "metadata": {"name": "x" * 64}, "spec": {"type": "service"}},
             "/objects/0/metadata/name"),
            (resource("a", "gadget"), "/objects/0/spec/type"),
            (resource("a", "service", "b", "a"), "/objects/0/spec/reference/1"),
            (resource("a", "service", "b", "b"), "/objects/0/spec/reference"),
            (resource("a", "service", "9b"), "/objects/0/spec/reference/0"),
            (resource("a", "service", colour="red"), "/objects/0/spec/colour"),
            (resource("a", "service", **{"a/b~c": 1}), "/objects/0/spec/a~1b~0c"),
            (resource("a", "service", serve={}), "/objects/0/spec/serve"),
            (resource("a", "service", serve={"program": []}), "/objects/0/spec/serve/program"),
            (resource("a", "service", serve={"library": "l.so"}), "/objects/0/spec"),
            (resource("a", "service", serve={"program": ["x"], "workers": 0}),
             "/objects/0/spec/serve/workers"),
            (resource("a", "service", serve={"program": ["x"], "workers": 1.5}),
             "/objects/0/spec/serve/workers"),
            (resource("a", "service", allow={"uid": [-1]}), "/objects/0/spec/allow/uid/0"),
            (resource("a", "service", allow={"exe": ["bin/x"]}), "/objects/0/spec/allow/exe/0"),
            (resource("a", "service", context={"env": ["A=B"]}), "/objects/0/spec/context/env/0"),
            (resource("a", "service", labels={"k": 1}), "/objects/0/spec/labels/k"),
            (rule("r"), "/objects/0/spec"),
            (rule("r", protocol={"edge": ["a", "a"], "use": "shm"}),
             "/objects/0/spec/protocol/edge"),
            (rule("r", protocol={"edge": ["a", "b"], "use": "pigeon"}),
             "/objects/0/spec/protocol/use"),
            (rule("r", hierarchy={"allow": []}), "/objects/0/spec"),
            (rule("hierarchy", protocol={"edge": ["a", "b"], "use": "shm"}), "/objects/0/spec"),
            (rule("r", exception={"edge": ["a", "b"], "reason": "x", "expires": "tomorrow"}),
             "/objects/0/spec/exception/expires"),
            (rule("r", exception={"edge": ["a", "b"], "reason": "x" * 201}),
             "/objects/0/spec/exception/reason"),
        ]
        for item, pointer in cases:
            with self.subTest(pointer=pointer, item=str(item)[:60]):
                answer = self.center.apply(resource("z", "service"), item)
                self.assert_problem(answer, 400, "EINVAL")
                self.assertEqual(answer.json.get("pointer"), pointer.replace("/0/", "/1/", 1))
        self.assertEqual(self.center.revision(), 1)

    def test_twice_in_one_request(self):
        answer = self.center.apply(resource("a", "service"), resource("b", "service"),
                                   resource("a", "driver"))
        self.assert_problem(answer, 400, "EINVAL", "Resource a stands twice")

    def test_path_and_body_disagree(self):
        body = json.dumps(resource("a", "service"))
        answer = self.send("PUT", "/apis/v1/resources/b", body)
        self.assert_problem(answer, 400, "EINVAL", "the body is Resource a")
        self.assertEqual(answer.json["pointer"], "/metadata/name")
        self.assert_problem(self.send("PUT", "/apis/v1/rules/a", body), 400, "EINVAL")

    def test_methods_paths_types_queries(self):
        self.assert_problem(self.center.get("/nowhere"), 404, "ENOENT")
        self.assert_problem(self.center.get("/apis/v1/resources/a/b"), 404, "ENOENT")
        self.assert_problem(self.center.get("/apis/v1/resources/" + "x" * 200), 400, "EINVAL")
        answer = self.center.ask("DELETE", "/apis/v1/resources")
        self.assert_problem(answer, 405, "ENOSYS")
        self.assertEqual(answer.headers["Allow"], "GET")
        answer = self.center.ask("PATCH", "/apis/v1/resources/a")
        self.assertEqual(answer.headers["Allow"], "GET, PUT, DELETE")
        answer = self.send("POST", "/apis/v1/apply", b"a=b", "application/x-www-form-urlencoded")
        self.assert_problem(answer, 415, "EINVAL", "must be application/json")
        self.assertEqual(self.send("POST", "/apis/v1/apply", b'{"objects":[]}',
                                   "application/json; charset=utf-8").status, 200)
        for query in ("?limit=0", "?limit=x", "?limit=-1", "?limit=999999", "?nope=1",
                      "?limit=1&limit=2", "?" + "&".join(f"q{i}=1" for i in range(20))):
            self.assert_problem(self.center.get("/apis/v1/resources" + query), 400, "EINVAL")
        self.assert_problem(self.center.put(resource("a", "service"), query="?dryRun=yes"),
                            400, "EINVAL")

    def test_a_nul_ends_no_name(self):
        self.center.put(resource("kept", "application"))
        for path in ("/apis/v1/resources/kept%00", "/apis/v1/resources/kept%00/x"):
            self.assertEqual(self.center.ask("DELETE", path).status // 100, 4)
        self.assertEqual(self.center.get("/apis/v1/resources/kept").status, 200)
        self.assertEqual(self.center.get("/apis/v1/rules?limit=1%00x").status, 400)

    def test_too_large(self):
        body = b'{"objects":[]' + b" " * (1 << 20) + b"}"
        self.assert_problem(self.send("POST", "/apis/v1/apply", body), 413, "EMSGSIZE")
        self.assert_problem(self.center.ask("GET", "/apis/v1/system", b"x"), 413, "EMSGSIZE")
        connection = self.center.connect()
        connection.request("POST", "/apis/v1/apply", iter([b" " * 65536] * 20),
                           {"Content-Type": "application/json"}, encode_chunked=True)
        self.assertEqual(connection.getresponse().status, 413)
        connection.close()
        answer = self.center.apply(*[resource("r", "service")] * 4097)
        self.assert_problem(answer, 400, "EINVAL", "the limit is 4096")

    def test_endless_chunks_are_cut(self):
        connection = self.center.connect()
        with self.assertRaises((BrokenPipeError, ConnectionResetError)):
            connection.request("POST", "/apis/v1/apply", iter([b" " * 65536] * 4000),
                               {"Content-Type": "application/json"}, encode_chunked=True)
            connection.getresponse()
        connection.close()

    def raw(self, data, wait=True):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(20)
        sock.connect(os.path.join(self.center.run, "center.sock"))
        try:
            sock.sendall(data)
            return sock.recv(65536) if wait else b""
        except (BrokenPipeError, ConnectionResetError):
            return b""
        finally:
            sock.close()

    def test_malformed_http(self):
        for data in (b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 1000 + b"x\r\n",
                     b"GET " + b"/" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 10000 + b"\r\n",
                     b"POST /apis/v1/apply HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
                     b"POST /apis/v1/apply HTTP/1.1\r\nHost: x\r\nContent-Length: "
                     b"99999999999999999999\r\n\r\n",
                     b"POST /apis/v1/apply HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                     b"\r\nzz\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n"):
            answer = self.raw(data)
            self.assertNotIn(b"HTTP/1.1 2", answer[:12], data[:40])
            self.assertEqual(self.center.get("/healthz").body, b"alive\n")

    def test_body_cut_off(self):
        self.raw(b"POST /apis/v1/apply HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Content-Length: 100\r\n\r\n{\"objects\"", wait=False)
        self.raw(b"\0\1\2\3", wait=False)
        self.raw(os.urandom(4096), wait=False)
        self.assertEqual(self.center.get("/healthz").status, 200)
        self.assertEqual(self.center.revision(), 1)

    def test_pipelined_requests_answer_in_order(self):
        request = b"GET /apis/v1/can-i?caller=%s&callee=z HTTP/1.1\r\nHost: x\r\n\r\n"
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(sock.close)
        sock.settimeout(20)
        sock.connect(os.path.join(self.center.run, "center.sock"))
        sock.sendall(b"".join(request % n for n in (b"one", b"two", b"three")))
        answer = b""
        while answer.count(b'"revision":1}') < 3:
            answer += sock.recv(65536)
        at = [answer.find(b'"text":"' + n) for n in (b"one", b"two", b"three")]
        self.assertTrue(0 < at[0] < at[1] < at[2], answer)

    def test_many_silent_connections(self):
        connections = [self.center.connect() for _ in range(200)]
        for connection in connections:
            connection.connect()
        self.assertEqual(self.center.get("/healthz").status, 200)
        for connection in connections:
            connection.close()

    def test_strangers_are_answered_last(self):
        """Costly questions of those who only read wait while the owner is answered."""
        if os.getuid() != 0:
            self.skipTest("only root can become another user")
        os.chmod(self.center.folder, 0o755)
        os.chmod(self.center.run, 0o755)
        self.center.apply(*[resource(f"r{i}", "application", "x", "y") for i in range(1000)])
        reader, writer = os.pipe()
        release, hold = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(hold)
            os.setuid(65534)
            connections = [self.center.connect() for _ in range(100)]
            for connection in connections:
                connection.request("GET", "/apis/v1/resources")
            os.write(writer, b"x")
            os.read(release, 1)
            answered = select.select([c.sock for c in connections], [], [], 0)[0]
            os._exit(len(answered))
        os.close(release)
        os.close(writer)
        self.assertEqual(os.read(reader, 1), b"x")
        self.assertEqual(self.center.put(resource("mine", "application")).status, 201)
        self.assertEqual(self.center.get("/healthz").status, 200)
        os.close(hold)
        answered = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(reader)
        self.assertLess(answered, 100)

    def test_strangers_that_do_not_read_cannot_use_up_the_memory(self):
        if os.getuid() != 0:
            self.skipTest("only root can become another user")
        os.chmod(self.center.folder, 0o755)
        os.chmod(self.center.run, 0o755)
        for part in range(4):
            self.center.apply(*[resource(f"r{part}_{i}", "application", description="x" * 1000,
                                         labels={f"l{k}": "y" * 200 for k in range(10)})
                                for i in range(250)])
        size = len(self.center.get("/apis/v1/resources").body)
        reader, writer = os.pipe()
        release, hold = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(hold)
            os.setuid(65534)
            connections = [self.center.connect() for _ in range(100)]
            for connection in connections:
                connection.connect()
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.request("GET", "/apis/v1/resources")
            os.write(writer, b"x")
            os.read(release, 1)
            answered = select.select([c.sock for c in connections], [], [], 0)[0]
            os._exit(len(answered))
        os.close(release)
        os.close(writer)
        self.assertEqual(os.read(reader, 1), b"x")
        for _ in range(200):  # in each of the turns at least one of them could have its own
            self.assertEqual(self.center.get("/healthz").status, 200)
        os.close(hold)
        answered = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(reader)
        self.assertGreater(answered, 1)
        self.assertLessEqual((answered - 1) * size, 64 << 20)
        self.assertGreater(100 * size, 2 * (64 << 20))

    def test_strangers_cannot_use_up_the_connections(self):
        if os.getuid() != 0:
            self.skipTest("only root can become another user")
        os.chmod(self.center.folder, 0o755)
        os.chmod(self.center.run, 0o755)
        reader, writer = os.pipe()
        release, hold = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(hold)
            os.setuid(65534)
            connections = []
            while len(connections) < 600:
                connection = self.center.connect()
                try:
                    connection.connect()
                    connections.append(connection)
                except BlockingIOError:  # the queue of the listener is full
                    connection.close()
            os.write(writer, b"x")
            os.read(release, 1)
            os._exit(0)
        os.close(release)
        os.close(writer)
        self.assertEqual(os.read(reader, 1), b"x")
        self.assertEqual(self.center.get("/healthz").status, 200)
        os.close(hold)
        os.waitpid(pid, 0)
        os.close(reader)

    def test_another_user_may_read_but_not_write(self):
        if os.getuid() != 0:
            self.skipTest("only root can become another user")
        os.chmod(self.center.folder, 0o755)
        os.chmod(self.center.run, 0o755)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.setuid(65534)
                read = self.center.get("/apis/v1/system").status
                write = self.center.put(resource("evil", "application"))
                code = 0 if (read, write.status, write.json["code"]) == (200, 403, "EPERM") else 2
                for _ in range(100):
                    self.center.put(resource("evil", "application"))
            except OSError as error:
                print(error)
            finally:
                os._exit(code)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertEqual(self.center.revision(), 1)
        entry = self.center.audit()[0]["entry"]
        self.assertEqual((entry["result"], entry["uid"], entry["name"]),
                         ("refused", 65534, "evil"))
        # Nobody else writes the audit full: 20 a minute, in two of them at most.
        self.assertLessEqual(len(self.center.audit()), 41)
        self.assertIn("rhodes_refusals_total 101", self.center.get("/metrics").body.decode())


class Modules(CenterTest):
    def put(self, data, name=None, query=""):
        name = name or hashlib.sha256(data).hexdigest()
        return self.center.ask("PUT", f"/apis/v1/modules/{name}{query}", data,
                               {"Content-Type": "application/octet-stream"})

    def test_put_and_get(self):
        data = os.urandom(3 << 20)
        sha = hashlib.sha256(data).hexdigest()
        dry = self.put(data, query="?dryRun=true")
        self.assertEqual(dry.status, 201)
        self.assertEqual(self.center.get("/apis/v1/modules/" + sha).status, 404)
        made = self.put(data)
        self.assertEqual(made.status, 201)
        self.assertEqual(made.json["spec"], {"bytes": len(data)})
        got = self.center.get("/apis/v1/modules/" + sha)
        self.assertEqual(got.body, data)
        self.assertEqual(got.headers["Content-Type"], "application/octet-stream")
        status = self.center.get("/apis/v1/modules/" + sha, Accept="application/json").json["status"]
        self.assertEqual(got.headers["Rhodes-Signature"], status["signature"])
        self.assertEqual(self.center.get("/apis/v1/system").json["publicKey"], status["publicKey"])
        again = self.put(data)
        self.assertEqual((again.status, again.etag), (200, made.etag))
        self.center.stop()
        self.center.start()
        self.assertEqual(self.center.get("/apis/v1/modules/" + sha).body, data)
        gone = self.center.ask("DELETE", "/apis/v1/modules/" + sha)
        self.assertEqual(gone.status, 200)
        self.assertEqual(self.center.get("/apis/v1/modules/" + sha).status, 404)

    def test_refused(self):
        self.assert_problem(self.put(b"abc", SHA), 400, "EINVAL", "the path says")
        self.assert_problem(self.put(b"abc", "short"), 400, "EINVAL", "64 hex digits")
        self.assert_problem(self.put(b"\0" * ((8 << 20) + 1)), 413, "EMSGSIZE")
        self.assertEqual(self.center.revision(), 1)

    def test_used_by_an_interface(self):
        data = b"shadow"
        sha = hashlib.sha256(data).hexdigest()
        self.put(data)
        item = json.loads(json.dumps(LIBX))
        item["spec"]["modules"] = {"shadow": sha}
        made = self.center.put(item)
        self.assertEqual([c["type"] for c in made.json["status"]["conditions"]], ["Registered"])
        answer = self.center.ask("DELETE", "/apis/v1/modules/" + sha)
        self.assert_problem(answer, 409, "EBUSY", "used by interface libx")


class Audit(CenterTest):
    def test_chain_can_be_checked_by_anybody(self):
        self.center.apply(resource("a", "application"), resource("b", "service"))
        self.center.put(resource("c", "service", "a"))
        self.center.put(resource("b", "bad"))
        self.center.ask("DELETE", "/apis/v1/resources/a")
        items = list(reversed(self.center.audit()))
        digest = b"\0" * 32
        for number, item in enumerate(items, 1):
            self.assertEqual(item["seq"], number)
            entry = json.dumps(item["entry"], sort_keys=True, separators=(",", ":"),
                               ensure_ascii=False)
            digest = hashlib.sha256(digest + entry.encode()).digest()
            self.assertEqual(item["hash"], digest.hex())
        results = [(i["entry"]["verb"], i["entry"]["result"], i["entry"]["name"]) for i in items]
        self.assertEqual(results, [
            ("default", "created", "hierarchy"), ("apply", "created", "a"),
            ("apply", "created", "b"), ("put", "refused", "c"), ("put", "refused", "b"),
            ("delete", "deleted", "a")])
        self.assertEqual([(i["entry"]["before"], i["entry"]["after"]) for i in items[-3:]],
                         [(0, 0), (2, 2), (2, 3)])

    def test_pages(self):
        self.center.apply(*[resource(f"r{i}", "application") for i in range(5)])
        page = self.center.get("/apis/v1/audit?limit=4").json
        rest = self.center.get(f"/apis/v1/audit?limit=4&continue={page['continue']}").json
        self.assertEqual([i["seq"] for i in page["items"] + rest["items"]], [6, 5, 4, 3, 2, 1])


class Tcp(CenterTest):
    start_args = ("--tcp", "127.0.0.1:0")

    def setUp(self):
        super().setUp()
        log = self.center.read_log()
        self.port = int(log.split("tcp port=")[1].split(":")[0])
        path = os.path.join(self.center.run, "token")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path, encoding="ascii") as file:
            self.token = file.read().strip()

    def ask(self, headers, method="GET", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, "/apis/v1/resources", skip_host=True)
            for key, value in headers.items():
                connection.putheader(key, value)
            connection.endheaders(body)
            return connection.getresponse().status
        finally:
            connection.close()

    def test_token_and_host(self):
        host = {"Host": f"127.0.0.1:{self.port}"}
        good = {"Authorization": "Bearer " + self.token}
        self.assertEqual(self.ask({**host, **good}), 200)
        self.assertEqual(self.ask({"Host": f"localhost:{self.port}", **good}), 200)
        self.assertEqual(self.ask(host), 401)
        for bad in ("Bearer " + self.token[:-1], "Bearer " + self.token + "0", "Basic x",
                    "Bearer " + "0" * 64, "Bearer "):
            self.assertEqual(self.ask({**host, "Authorization": bad}), 401)
        self.assertEqual(self.ask({"Host": "evil.example", **good}), 403)
        self.assertIn(self.ask(good), (400, 403))

    def test_only_loopback(self):
        for address in ("0.0.0.0:1", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "host:1"):
            with self.assertRaisesRegex(RuntimeError, "loopback only"):
                other = type(self.center)()
                self.addCleanup(other.remove)
                other.start("--tcp", address)


if __name__ == "__main__":
    main()
