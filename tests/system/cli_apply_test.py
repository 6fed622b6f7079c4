#!/usr/bin/python3
"""`rhodes apply`, `get`, `describe`, `matrix`, `explain` and what bad input gets."""
import os
import subprocess
import unittest

from cli_stage import LIMIT, Stage

PAPER = """
- {kind: Resource, metadata: {name: vim}, spec: {type: application, reference: [file_system]}}
- {kind: Resource, metadata: {name: telnet}, spec: {type: application}}
- {kind: Resource, metadata: {name: file_system}, spec: {type: service}}
- {kind: Resource, metadata: {name: net_driver}, spec: {type: driver}}
- {kind: Resource, metadata: {name: ram}, spec: {type: hardware}}
- {kind: Resource, metadata: {name: nic}, spec: {type: hardware}}
"""

# As in section "Invocation Matrix" of the paper, with names in the code's spelling.
MATRIX = """A = {vim, telnet}
S = {file_system}
D = {net_driver}
H = {ram, nic}
O = A u S u D u H = {vim, telnet, file_system, net_driver, ram, nic}

    [ 0 0 1 0 0 0 ]  vim
    [ 0 0 0 0 0 0 ]  telnet
    [ 0 0 0 0 0 0 ]  file_system
M = [ 0 0 0 0 0 0 ]  net_driver
    [ 0 0 0 0 0 0 ]  ram
    [ 0 0 0 0 0 0 ]  nic
"""

DRIVER = """kind: Resource
metadata: {name: net_driver}
spec:
  type: driver
  reference: [nic, file_system]
"""


def resource(name, spec):
    return f"kind: Resource\nmetadata: {{name: {name}}}\nspec: {spec}\n"


class Apply(Stage):
    def setUp(self):
        super().setUp()
        self.up()

    def names(self):
        return self.ok("get", "resources", "-o", "name").split()

    def test_the_matrix_of_the_paper(self):
        self.ok("apply", "-f", "-", data=PAPER)
        self.assertTrue(self.ok("matrix").startswith(MATRIX), self.ok("matrix"))
        self.assertIn("plane observed", self.ok("matrix", "--plane", "observed"))
        self.assertEqual(self.json("matrix")["planes"]["declared"][0], [0, 0, 1, 0, 0, 0])
        self.refused(2, "matrix", "--plane", "other")

    def test_applying_twice_changes_nothing(self):
        self.assertIn("Resource/vim created", self.ok("apply", "-f", "-", data=PAPER))
        before = self.json("get", "resources")
        text = self.ok("apply", "-f", "-", data=PAPER)
        self.assertEqual(text.count(" unchanged\n"), 6)
        self.assertEqual(self.json("get", "resources"), before)
        changed = PAPER.replace("name: telnet}, spec: {", "name: telnet}, spec: "
                                "{description: d, ")
        self.assertIn("Resource/telnet configured",
                      self.ok("apply", "-f", "-", data=changed))

    def test_what_was_printed_can_be_applied(self):
        self.ok("apply", "-f", "-", data=PAPER)
        for form in ("yaml", "json"):
            text = self.ok("get", "resources", "-o", form)
            self.assertEqual(self.ok("apply", "-f", "-", data=text).count("unchanged"), 6)
        one = self.ok("get", "resource", "vim", "-o", "yaml")
        self.assertIn("Resource/vim unchanged", self.ok("apply", "-f", "-", data=one))

    def test_files_and_folders(self):
        os.mkdir(self.path("manifests"))
        self.path("manifests/a.yaml", resource("aa", "{type: service}"))
        self.path("manifests/b.json",
                  '{"kind":"Resource","metadata":{"name":"bb"},"spec":{"type":"driver"}}')
        extra = self.path("c.yaml", resource("cc", "{type: hardware}"))
        self.ok("apply", "-f", self.path("manifests"), "-f", extra)
        self.assertEqual(self.names(), ["Resource/aa", "Resource/bb", "Resource/cc"])
        self.ok("delete", "-f", self.path("manifests"))
        self.assertEqual(self.names(), ["Resource/cc"])
        self.refused(4, "delete", "-f", extra, "-f", self.path("manifests"))
        self.assertEqual(self.names(), [])
        self.ok("delete", "--ignore-missing", "-f", extra)

    def test_all_or_nothing(self):
        good = resource("good", "{type: service}")
        self.refused(1, "apply", "-f", "-", data=good + "---\n" +
                     resource("bad", "{type: nonsense}"))
        self.assertEqual(self.names(), [])

    def test_a_dry_run_changes_nothing(self):
        text = self.ok("apply", "--dry-run", "-f", "-", data=PAPER)
        self.assertIn("Resource/vim created (dry run)", text)
        self.assertEqual(self.names(), [])
        self.refused(1, "apply", "--dry-run", "-f", "-",
                     data=resource("x", "{type: nonsense}"))

    def test_the_rule_refuses_with_pair_rule_and_place(self):
        self.ok("apply", "-f", "-", data=PAPER)
        manifest = self.path("driver.yaml", DRIVER)
        text = self.refused(1, "apply", "-f", manifest)
        self.assertIn(f"{manifest}:5:20: Resource/net_driver: net_driver (driver) ->"
                      " file_system (service)", text)
        self.assertIn("rule        hierarchy, revision 1", text)
        self.assertIn("nothing was changed", text)
        explain = self.ok("explain", "net_driver", "file_system")
        self.assertIn("hierarchy (revision 1) refuses: a driver may call", explain)
        self.assertIn("hierarchy (revision 1) decides when it is registered: an application",
                      self.ok("explain", "vim", "nobody"))
        self.assertIn("no - ", self.rhodes("can-i", "net_driver", "file_system").stdout)
        self.assertEqual(self.rhodes("can-i", "net_driver", "file_system").returncode, 1)
        # An exception with a reason makes it possible, and the audit log tells.
        self.ok("apply", "-f", "-", data="kind: Rule\nmetadata: {name: let}\nspec:"
                " {exception: {edge: [net_driver, file_system], reason: for a test}}\n")
        self.ok("apply", "-f", manifest)
        self.assertTrue(self.ok("can-i", "net_driver", "file_system").startswith("yes"))
        self.assertIn("for a test", self.ok("explain", "net_driver", "file_system"))
        audit = self.ok("get", "audit")
        self.assertIn("Rule/let", audit)
        self.assertIn("refused", audit)

    def test_bad_manifests(self):
        deep = "[" * 20 + "]" * 20
        cases = {
            "a: [\n": "2:1: ",
            "kind: Resource\nkind: Resource\n": '2:1: duplicate key "kind"',
            resource("x", "{type: service, wrong: 1}"): "3:30: Resource/x: spec.wrong:"
                                                        ' unknown key "wrong"',
            resource("X", "{type: service}"): '2:18: Resource/X: metadata.name: "X" is'
                                              " not a name",
            resource("x", "{type: servce}"): '3:14: Resource/x: spec.type: "servce" is'
                                             " none of",
            resource("x", "{}"): 'Resource/x: spec: the key "type" is missing',
            resource("x", "{type: 010}"): "3:14: Resource/x: spec.type",
            resource("x", "{type: service, reference: [x]}"): "3:35: Resource/x:"
                                        " spec.reference[0]: x references itself",
            resource("x", "{type: service}") + "---\n" + resource("x", "{type: driver}"):
                "6:18: Resource/x stands already in",
            resource("x", deep): "nested deeper than 16 levels",
            resource("x", "{type: service, serve: {library: a, program: [b]}}"): "3:",
            "kind: Thing\nmetadata: {name: x}\nspec: {}\n": "1:7: ",
            "just words\n": "1:1: an object is a mapping",
            "": "there is no object in it",
        }
        for text, expected in cases.items():
            with self.subTest(text):
                path = self.path("bad.yaml", text)
                self.assertIn(expected, self.refused(1, "apply", "-f", path))
        self.assertEqual(self.names(), [])

    def test_an_interface_that_is_nowhere(self):
        path = self.path("i.yaml", resource("x", "{type: service, interface: libnowhere}"))
        text = self.refused(4, "apply", "-f", path)
        self.assertIn(f"{path}:3:34: there is no libnowhere.side", text)
        self.assertEqual(self.names(), [])

    def test_what_is_not_there(self):
        self.refused(4, "get", "resource", "nobody")
        self.refused(4, "describe", "nobody")
        self.refused(4, "describe", "rule", "nobody")
        self.refused(4, "delete", "rule", "nobody")
        self.refused(4, "apply", "-f", self.path("nowhere.yaml"))
        self.assertIn("no resources", self.rhodes("get", "resources").stderr)

    def test_wrong_usage(self):
        for words in (["get"], ["get", "things"], ["get", "rules", "-o", "xml"],
                      ["explain", "a"], ["can-i", "a", "b", "c"], ["delete", "x"],
                      ["apply"], ["nothing"], [], ["get", "rules", "--nope"],
                      ["up", "-t", "x"], ["--system", "No", "get", "rules"],
                      ["describe", "agent", "x"]):
            with self.subTest(words):
                self.refused(2, *words)

    def test_tables(self):
        self.ok("apply", "-f", "-", data=PAPER)
        table = self.ok("get", "resources").splitlines()
        self.assertEqual(table[0].split(), ["NAME", "TYPE", "INTERFACE", "REFERENCES",
                                            "INSTANCES", "STATUS"])
        column = table[0].index("TYPE")
        self.assertTrue(all(line[column - 1] == " " != line[column] for line in table))
        self.assertNotIn("NAME", self.ok("get", "resources", "--no-header"))
        self.assertIn("PRIVILEGE", self.ok("get", "resources", "-o", "wide"))
        described = self.ok("describe", "vim")
        self.assertIn("file_system: allowed, by bind, 0 calls", described)
        self.assertIn("vim: allowed", self.ok("describe", "resource", "file_system"))
        self.assertIn("application -> service", self.ok("describe", "hierarchy"))
        self.assertNotIn("\033", self.ok("get", "resources"))

    def test_labels_select(self):
        self.ok("apply", "-f", "-", data="kind: Resource\nmetadata: {name: a, labels:"
                " {team: red}}\nspec: {type: service}\n---\nkind: Resource\nmetadata:"
                " {name: b, labels: {team: blue}}\nspec: {type: service}\n")
        self.assertEqual(self.ok("get", "resources", "-l", "team=red", "-o", "name"),
                         "Resource/a\n")
        self.assertEqual(self.ok("get", "resources", "-l", "team", "-o", "name"),
                         "Resource/a\nResource/b\n")

    def test_completion(self):
        self.ok("apply", "-f", "-", data=PAPER)
        script = ("source <(rhodes completion bash)\n"
                  "complete_it() { COMP_WORDS=(rhodes \"$@\"); COMP_CWORD=$#; _rhodes;"
                  " echo \"${COMPREPLY[@]}\"; }\n"
                  "complete_it ex; complete_it get res; complete_it get --no;"
                  " complete_it matrix --plane o; complete_it explain vi;"
                  " complete_it get -o j; complete_it -S test explain vim file;"
                  " complete_it apply -f " + self.folder + "/bi; complete_it help ca\n")
        env = {**self.env, "PATH": self.bin + ":" + os.environ["PATH"]}
        done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True,
                              text=True, timeout=LIMIT, check=True, env=env)
        self.assertEqual(done.stdout.splitlines(),
                         ["explain", "resources", "--no-header", "observed", "vim", "json",
                          "file_system", self.folder + "/bin", "can-i"], done.stderr)

    def test_doctor(self):
        report = self.json("doctor")["items"]
        self.assertIn("memfd", [check["check"] for check in report])
        self.assertTrue(all(check["result"] in ("ok", "warn") for check in report), report)
        broken = self.rhodes("doctor", env={"RHODES_RUN_DIR": "/proc/nowhere"})
        self.assertEqual(broken.returncode, 1)
        self.assertIn("fail", broken.stdout)


if __name__ == "__main__":
    unittest.main()
