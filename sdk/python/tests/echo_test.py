#!/usr/bin/python3
"""Every kind of value from Python to C, to Python and back (echo_program.py), and what
becomes of callers and callees that disagree or die."""
import os
import re
import unittest

from python_stage import BUILD, HERE, PythonStage

PROGRAM = os.path.join(HERE, "echo_program.py")
SERVER = os.path.join(HERE, "echo_server.py")
SYSTEM = """
kind: Resource
metadata: {{name: echo_c}}
spec: {{type: service, interface: libecho, serve: {{library: {library}, threads: 64}}}}
---
kind: Resource
metadata: {{name: echo_python}}
spec: {{type: service, interface: libecho, serve: {{program: [{server}], threads: 64}}}}
---
kind: Resource
metadata: {{name: program}}
spec: {{type: application, reference: [echo_c]}}
---
kind: Resource
metadata: {{name: program_python}}
spec: {{type: application, reference: [echo_python]}}
---
kind: Resource
metadata: {{name: unserved}}
spec: {{type: service, interface: libecho}}
---
kind: Resource
metadata: {{name: program_unserved}}
spec: {{type: application, reference: [unserved]}}
"""


class TestEcho(PythonStage):
    def setUp(self):
        super().setUp()
        library = os.path.abspath(os.path.join(BUILD, "sdk/python/tests/libecho.so.1"))
        with open(os.path.join(HERE, "echo.side.in"), encoding="utf-8") as file:
            self.path("libecho.side", file.read().replace("@LIBRARY@", library))
        os.symlink(os.path.join(HERE, "echo.h"), self.path("echo.h"))
        self.up(self.path("system.yaml", SYSTEM.format(library=library, server=SERVER)))

    def program(self, text, resource="program", **env):
        """Runs lines of Python as that resource; what they printed."""
        return self.python(resource, "-c", "import rhodes\n" + text, env=env)

    def test_c_gives_everything_back(self):
        self.python("program", PROGRAM, "echo_c", env={"SEED": str(os.getpid())})

    def test_python_gives_everything_back(self):
        self.python("program_python", PROGRAM, "echo_python",
                    env={"SEED": str(os.getpid()), "RHODES_LEAK_ROUNDS": "6000"})

    def a_callee_that_dies_is_an_error(self):
        for resource, name in ("program", "echo_c"), ("program_python", "echo_python"):
            said = self.program(f"""
import {name} as echo
box = echo.echo_box_new("text")
first = echo.echo_pid()
try:
    echo.echo_die()
except ConnectionError as error:
    print(type(error).__name__, error.code, error.ran)
try:
    echo.echo_box_text(box)
except rhodes.RhodesError as error:
    print(type(error).__name__)
print(echo.echo_pid() != first, echo.echo_i8(5))
box.close()
""", resource)
            self.assertRegex(said, r"^RhodesLostError E(LOST|GONE) True\n"
                             r"Rhodes\w*Error\nTrue 5\n$")

    def objects_end_with_the_program_that_holds_them(self):
        for resource, name in ("program", "echo_c"), ("program_python", "echo_python"):
            self.program(f"""
import os
import {name} as echo
boxes = [echo.echo_box_new("box") for _ in range(10)]
os._exit(echo.echo_box_count() != 10)
""", resource)
            self.program(f"""
import {name} as echo
while echo.echo_box_count():
    pass  # the agent hears of the end from the kernel
""", resource)

    def what_is_not_there_is_told(self):
        said = self.program("""
for name in "nothing", "echo_python":
    try:
        rhodes.open(name)
    except PermissionError as error:
        print(error.code)
try:
    import nothing
except ModuleNotFoundError as error:
    print(error)
""")
        self.assertEqual(said, "ENOEDGE\nENOEDGE\nNo module named 'nothing'\n")
        said = self.program("""
import unserved
try:
    unserved.echo_i8(5)
except rhodes.RhodesError as error:
    print(type(error).__name__, error.code, error.ran)
""", "program_unserved", RHODES_TIMEOUT_MS="300")
        self.assertRegex(said, r"^Rhodes(Lost|Timeout)Error \w+ False\n$")

    def modules_of_python_stay_what_they_are(self):
        self.path("echo_c.py", "WHICH = 'file'")
        self.path("sitecustomize.py", "import builtins\nbuiltins.WAS_HERE = 1")
        env = {"PYTHONPATH": self.folder}
        look = "import echo_c\nprint(getattr(echo_c, 'WHICH', 'resource'), WAS_HERE)"
        self.assertEqual(self.program(look, **env), "file 1\n")
        self.assertEqual(self.program(look, RHODES_IMPORT="other,echo_c", **env),
                         "resource 1\n")
        for option in "-S", "-I", "-E":
            self.assertEqual(self.python("program", option, "-c", "print(1)"), "1\n")

    def a_server_that_differs_is_told_all_of_it(self):
        with open(SERVER, encoding="utf-8") as file:
            text = file.read()
        text = text.replace("def echo_pid() -> int", "def echo_pid() -> str")
        text = text.replace("def echo_grid(numbers: list)", "def echo_grid(numbers: float)")
        text = text.replace("def echo_half(data: bytes)", "def echo_half(data: bytes, more)")
        text = text.replace('"color", ', "").replace("echo_meet", "echo_met")
        text = text.replace("yield", "return")
        text += "\n@rhodes.serves\ndef echo_other():\n    pass\n"
        done = self.rhodes("serve", "--one", "-r", "unserved", self.path("other.py", text))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(
            re.findall(r"^  (.*)$", done.stderr, re.M),
            ["echo_color: is missing",
             "echo_grid: parameter numbers is float, the interface has numbers:"
             " in i32[4]",
             "echo_half: takes 2 parameters, the interface has (bytes: inout"
             " bytes(cap 2 used 2))",
             "echo_meet: is missing",
             "echo_rung: is an event, so it has to be a generator",
             "echo_pid: returns str, the interface has (i32)",
             "echo_other: is served, but libecho has no such function"])

    def texts_of_another_interface_are_shown_beside_it(self):
        said = self.program("""
print(rhodes.open("echo_c", ["echo_i8, i8|value, i8"]).echo_i8(5))
try:
    rhodes.open("echo_c", ["echo_i8, i16|value, i8", "echo_i7, i8|value, i8"])
except rhodes.RhodesInterfaceError as error:
    print(error.code, error)
""")
        self.assertEqual(said.split("\n")[0], "5")
        self.assertRegex(said, r"(?m)^EINTERFACE echo_c ")
        for line in ("- echo_i8, i16|value, i8", r"+ echo_i8, i8|value, i8",
                     "- echo_i7, i8|value, i8"):
            self.assertIn(line, said.split("\n"))

    def test_callers_and_callees_that_disagree_or_die(self):
        for check in (self.objects_end_with_the_program_that_holds_them,
                      self.what_is_not_there_is_told, self.a_callee_that_dies_is_an_error,
                      self.modules_of_python_stay_what_they_are,
                      self.a_server_that_differs_is_told_all_of_it,
                      self.texts_of_another_interface_are_shown_beside_it):
            with self.subTest(check.__name__):  # one system for all
                check()


if __name__ == "__main__":
    unittest.main()
