"""The parts of a test that every language has: a service in C with a function for each kind of
type, and an interface whose server raises."""
import os

from bind_stage import BUILD, HERE, TOP
from leaks import nothing_is_left

KINDS = os.path.join(TOP, "tests", "java")
LIBRARY = os.path.abspath(os.path.join(BUILD, "tests/java/libkinds.so.1"))


class KindsStage:
    """Mixed into a stage that can bind and build: program(name) is one of this folder."""
    slack = 0  # descriptors that the runtime of the language may open for itself

    def setUp(self):
        super().setUp()
        for folder, name in (KINDS, "kinds"), (os.path.join(HERE, "kinds"), "raises"):
            for file in f"{name}.h", f"lib{name}.side":
                os.symlink(os.path.join(folder, file), self.path(file))
        self.up(self.path("kinds.yaml", f"""
kind: Resource
metadata: {{name: kinds}}
spec: {{type: service, interface: libkinds, serve: {{library: {LIBRARY}, threads: 16}}}}
---
kind: Resource
metadata: {{name: text_own}}
spec: {{type: service, interface: libraises}}
---
kind: Resource
metadata: {{name: caller}}
spec: {{type: application, reference: [kinds, text_own]}}
"""))

    def test_every_kind_of_type(self):
        self.assertEqual(self.call("caller", self.program("kinds")), "ok\n")

    def test_nothing_is_left_of_many_calls(self):
        nothing_is_left(self, "-r", "caller", "--", self.program("kinds"), "leave",
                        slack=self.slack)

    def test_what_a_server_raises(self):
        program = self.program("raises")
        self.serve(program)
        self.assertEqual(self.call("caller", program, "text_own"), "ok\n")
        self.assertEqual(self.call("caller", "env", "RHODES_TIMEOUT_MS=50", program, "text_own",
                                   "none"), "none\n")
