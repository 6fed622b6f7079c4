#!/usr/bin/python3
"""Programs in JavaScript that call and serve, in a real system: the files *.test.js here
(node:test) run as a resource, against kinds.c and against kinds.js."""
import os
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..", "..")
sys.path.insert(0, os.path.join(TOP, "tests", "system"))
sys.dont_write_bytecode = True

from cli_stage import BUILD, LIMIT, Stage  # pylint: disable=wrong-import-position
from leaks import nothing_is_left  # pylint: disable=wrong-import-position

SYSTEM = """
kind: Resource
metadata: {name: kinds}
spec:
  type: service
  interface: libkinds
  serve: {library: ./libkinds.so.1, workers: 1, threads: 32}
---
kind: Resource
metadata: {name: kinds_js}
spec: {type: service, interface: libkinds}
---
kind: Resource
metadata: {name: app}
spec: {type: application, reference: [kinds]}
---
kind: Resource
metadata: {name: app_js}
spec: {type: application, reference: [kinds_js]}
"""


# Functions that use files, each in its way.
FILES = {
    "files.h": "int files_make(const char *path);\nint files_beside(void);\n"
               "long files_later(const char *path);\nconst char *files_home(void);\n",
    "libfiles.side": "interface libfiles\nheader files.h\nsoname libfiles.so\nlibrary none\n"
                     "files_make umask (path|path)\nfiles_beside umask\n"
                     "files_later (path|path)\nfiles_home -> string borrowed\n",
    "files.js": """
const fs = require('node:fs');
exports.files_make = (path) => { fs.writeFileSync(path, process.env.WHO); return 0; };
exports.files_beside = () => { fs.writeFileSync('beside', ''); return 0; };
exports.files_later = async (path) => {
  const before = fs.readFileSync('made').length;
  await null;
  if (fs.realpathSync('.') !== process.cwd()) throw new Error('not at home');
  return BigInt(before + (await fs.promises.readFile(path)).length);
};
exports.files_home = () => fs.realpathSync('.');
""",
}
FILES_SYSTEM = """
kind: Resource
metadata: {name: files}
spec:
  type: service
  interface: libfiles
  serve: {program: [./files.js]}
  context: {env: [WHO]}
---
kind: Resource
metadata: {name: app}
spec: {type: application, reference: [files]}
"""
FILES_CALLER = """
process.chdir(process.argv[1]);
process.umask(0o027);
process.env.WHO = 'them';
const files = require('files');
console.log(files.files_make('made'), files.files_beside(), files.files_later('made'),
            files.files_home());
"""


# Serves twice; events that were asked for are settled when nobody serves, or somebody else.
TWICE = """
const rhodes = require('rhodes');
const kinds = require('./kinds.js');
const late = [];
let round = 0, asked;
kinds.kindsRung = async function* () {
  for (;;) yield await new Promise((resolve, reject) => { late.push([resolve, reject]); asked(); });
};
kinds.kinds_pid = () => { rhodes.stop(); return round; };
async function serve() {
  const isAsked = new Promise((resolve) => { asked = resolve; });
  const isServed = rhodes.serve(kinds);
  await isAsked;
  console.log(++round);
  await isServed;
}
(async () => {
  await serve();
  await serve();
  late[0][0]({ result: 0, ret_who: 1n, ret_number: { x: 1, y: 1 } });
  late[1][1](new Error('late'));
  await new Promise(setImmediate);
  console.log('ended');
})();
"""


class Files(Stage):
    has_agents = True

    def test_functions_use_files_where_their_caller_is(self):
        os.symlink(os.path.abspath(os.path.join(BUILD, "sdk")), self.path("sdk"))
        for name, text in FILES.items():
            self.path(name, text)
        self.up(self.path("system.yaml", FILES_SYSTEM))
        os.mkdir(self.path("theirs"))
        done = self.rhodes("run", "app", "--", "node", "-e", FILES_CALLER, self.path("theirs"))
        self.assertEqual(done.returncode, 0, done.stderr + self.log())
        home = done.stdout.split()[-1]
        self.assertNotEqual(home, self.path("theirs"))
        self.assertEqual(done.stdout, f"0 0 8n {home}\n")
        for name in "made", "beside":
            mode = os.stat(self.path(f"theirs/{name}")).st_mode
            self.assertEqual(mode & 0o777, 0o640, name)


class Node(Stage):
    has_agents = True

    def setUp(self):
        super().setUp()
        os.symlink(os.path.abspath(os.path.join(BUILD, "sdk")), self.path("sdk"))
        for name in os.listdir(HERE):
            if not name.endswith((".py", ".build")):
                shutil.copy(os.path.join(HERE, name), self.folder)
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wl,-soname,libkinds.so.1", "-o",
                        self.path("libkinds.so.1"), self.path("kinds.c"), "-lpthread"],
                       check=True)
        for name in ("NODE_OPTIONS", "NODE_PATH", "RHODES_IMPORT", "RHODES_INTERFACES"):
            self.env.pop(name, None)
        self.up("-I", self.folder, self.path("system.yaml", SYSTEM))

    def node(self, resource, *words, env=None):
        """A program in JavaScript as that resource: its exit status and output."""
        return subprocess.run([self.rhodes_path, "run", "-r", resource, "--", "node", *words],
                              text=True, capture_output=True, timeout=2 * LIMIT, check=False,
                              env={**self.env, **(env or {})}, cwd=self.folder)

    def assert_tests(self, *names, resource="app", callee="kinds", env=None):
        for name in names:
            with self.subTest(name, callee=callee):
                done = self.node(resource, "--expose-gc", self.path(name + ".test.js"),
                                 env={"KINDS": callee, **(env or {})})
                self.assertEqual(done.returncode, 0,
                                 f"{done.stdout}{done.stderr}{self.log()}")
                self.assertRegex(done.stdout, r"(?m)^# pass [1-9]")

    def serve(self, file, **env):
        """Has the file serve kinds_js from now on; returns the process and its first
        lines."""
        served = subprocess.Popen(
            [self.rhodes_path, "serve", "-r", "kinds_js", self.path(file)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**self.env, **env})
        self.addCleanup(served.wait)
        self.addCleanup(served.stdout.close)
        self.addCleanup(served.terminate)
        lines = []
        for line in served.stdout:
            lines.append(line)
            if " serving " in line or " ended " in line or "exit" in line:
                break
        return served, "".join(lines)

    def test_a_callee_in_c(self):
        self.assert_tests("values", "promises", "handles", "workers", "events", "lost")
        # Of threads, which have pages, there are more only when those that are there are slow.
        self.assert_tests("leaks", env={"RHODES_NODE_THREADS": "1"})
        self.assert_tests("events", env={"RHODES_TIMEOUT_MS": "50"})

    def test_nothing_is_left_of_many_calls(self):
        nothing_is_left(self, "-r", "app", "--", "node", self.path("leave.js"), slack=2)

    def test_a_callee_in_javascript(self):
        _, lines = self.serve("kinds.js")
        self.assertIn(" serving libkinds", lines)
        self.assert_tests("values", "promises", "handles", "workers", "served", "events",
                          resource="app_js", callee="kinds_js")
        # Objects of a caller that died are ended by the function of the interface.
        killed = self.node("app_js", "-e", """
            const kinds = require('kinds_js');
            globalThis.boxes = [1, 2, 3].map(kinds.box_new);
            console.log(kinds.box_count());
            process.kill(process.pid, 'SIGKILL');""")
        self.assertEqual((killed.returncode, killed.stdout), (-9, "3\n"), killed.stderr)
        self.assertEqual(self.node("app_js", "-e", """
            const kinds = require('kinds_js');
            (function look() { kinds.box_count() ? setImmediate(look) : console.log(0); })();
            """).stdout, "0\n")

    def test_a_program_goes_on_when_it_has_served(self):
        """What a generator yields later is nobody's; it can serve again."""
        self.path("twice.js", TWICE)
        os.makedirs(self.path("node_modules"))
        os.symlink(self.path("sdk/node"), self.path("node_modules/rhodes"))
        # pylint: disable-next=consider-using-with
        served = subprocess.Popen(
            [self.rhodes_path, "serve", "--one", "-r", "kinds_js", "--", shutil.which("node"),
             self.path("twice.js")], text=True, stdout=subprocess.PIPE, env=self.env)
        self.addCleanup(served.wait)
        self.addCleanup(served.stdout.close)
        self.addCleanup(served.kill)
        for number in "12":
            self.assertEqual(served.stdout.readline(), f"{number}\n")
            self.assertEqual(self.node("app_js", "-e", "console.log(require('kinds_js').kinds_pid())"
                                       ).stdout, f"{number}\n", self.log())
        self.assertEqual(served.communicate(timeout=LIMIT)[0], "ended\n")
        self.assertEqual(served.returncode, 0)

    def test_unmodified_programs(self):
        done = self.node("app", self.path("hook_program.cjs"))
        self.assertEqual(done.stdout, '[42,"ä",true,true,"MODULE_NOT_FOUND",true]\n',
                         done.stderr)
        done = self.node("app", self.path("hook_program.mjs"))
        self.assertEqual(done.stdout, '[42,"ä",7,"ERR_MODULE_NOT_FOUND","function"]\n',
                         done.stderr)

    def test_modules_that_node_finds_stay(self):
        os.makedirs(self.path("node_modules/kinds"))
        self.path("node_modules/kinds/index.js", "exports.kinds_i32 = () => 'own';\n")
        program = "console.log(require('kinds').kinds_i32(1))"
        self.assertEqual(self.node("app", "-e", program).stdout, "own\n")
        self.assertEqual(self.node("app", "-e", program, env={"RHODES_IMPORT": "kinds"}).stdout,
                         "1\n")

    def test_without_rhodes(self):
        """The package loads where no callee is, and says what is missing."""
        program = ("const r = require(process.argv[1]); try { r.open('kinds'); } "
                   "catch (e) { console.log(e.name, e.code, r.find('kinds')); }")
        done = subprocess.run(
            ["node", "-e", program, self.path("sdk/node")], text=True, capture_output=True,
            check=False, env={**self.env, "LD_LIBRARY_PATH": self.bin})
        self.assertEqual(done.stdout, "RhodesError EDETACHED undefined\n", done.stderr)

    def test_another_interface_is_refused_with_the_difference(self):
        program = """
            const { open } = require('rhodes');
            open('kinds', ['kinds_i8, i8|a, i8']);
            try { open('kinds', ['kinds_i8, i64|a, i8', 'kinds_i8, i8|x, i8', 'none, void']); }
            catch (e) { console.log(e.name, e.code); console.log(e.message); }"""
        self.assertEqual(self.node("app", "-e", program).stdout,
                         "RhodesInterfaceError EINTERFACE\n"
                         "kinds offers other functions than this program expects:\n"
                         "- kinds_i8, i64|a, i8\n+ kinds_i8, i8|value, i8\n- none, void\n\n")

    def test_a_server_that_differs_is_told_all_at_once(self):
        self.path("wrong.js", "const { typed } = require('rhodes'); const k = require('./kinds.js');"
                  "delete k.kinds_u8; k.kindsRung = (a) => [a]; k.kinds_i16 = (a, b) => a;"
                  "k.kinds_i32 = typed('kinds_i32, i64|a, i32', (a) => a);"
                  "k.kinds_u32 = typed('kinds_u32, u32|a, u32', (a) => a);module.exports = k;")
        done = subprocess.run([self.rhodes_path, "serve", "--one", "-r", "kinds_js",
                               self.path("wrong.js")], text=True, capture_output=True,
                              timeout=LIMIT, check=False, env=self.env)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("(no function kinds_u8)", done.stderr)
        self.assertIn("kinds_i16 takes 2 arguments, not 1", done.stderr)
        self.assertIn("kinds_rung takes 1 arguments, not 0", done.stderr)
        self.assertIn("- kinds_i32, i32|value, i32\n+ kinds_i32, i64|a, i32", done.stderr)
        self.assertNotIn("kinds_u32", done.stderr)


if __name__ == "__main__":
    unittest.main()
