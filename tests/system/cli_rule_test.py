#!/usr/bin/python3
"""A rule that is a program, as its author makes it: new, publish, use, pull."""
import hashlib
import http.client
import http.server
import json
import os
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import tarfile
import threading
import unittest

import center_lib
import center_runs
from center_runs import RULE_LOG, RULE_STATS
from cli_stage import BUILD, LIMIT, Stage

RULE = """
kind: Rule
metadata: {name: fast}
spec:
  code:
    hook: %s
    edge: [app, "*"]
    module: %s
    mode: %s
    params: {rate: "1000"}
"""


# Says something else, crashes, or does not end, by the length of the arguments.
ODD = """
#include <rhodes/hook/filter.h>
RH_RULE(filter);
int32_t rh_filter_before(void)
{
	if (rh_filter.length == 2)
		rh_log("hello", 5);
#ifdef __wasm__
	if (rh_filter.length == 3)
		return 1;
#endif
	if (rh_filter.length == 4)
		*(volatile int *)(uintptr_t)0xf0000000u = 1;
	while (rh_filter.length == 5)
		__asm__ volatile("");
	if (rh_filter.length == 7)
		return 9;
	if (rh_filter.length != 6)
		return 0;
	rh_filter.error = 11;
	return (int32_t)RH_PARAM_NUMBER("verdict", 0);
}
"""


QUITS = """
#include <rhodes/hook/filter.h>
#include <stdlib.h>
RH_RULE(filter);
int32_t rh_filter_before(void)
{
	if (rh_filter.length == 2)
		_Exit(0);
	if (rh_filter.length == 4)
		abort();
	return 0;
}
"""


class Liar:
    """A center in front of the center, for one request at a time: lie(path, signature,
    body) gives what is answered instead of these two, or None."""
    def __init__(self, run_dir, folder):
        self.center, self.folder, self.lie = run_dir, folder, None

    def ask(self, path):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(os.path.join(self.center, "center.sock"))
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.headers.get("Rhodes-Signature", ""), body

    def __enter__(self):
        os.mkdir(self.folder, 0o700)
        liar = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                signature, body = liar.ask(self.path)
                signature, body = liar.lie(self.path, signature, body) or (signature, body)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Rhodes-Signature", signature)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

            def address_string(self):
                return "liar"

        self.server = socketserver.UnixStreamServer(os.path.join(self.folder, "center.sock"), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Rule(Stage):
    def setUp(self):
        super().setUp()
        self.up()

    def here(self, *words, code=0):
        """In the folder of the test, where projects are made."""
        done = subprocess.run([self.rhodes_path, *words], cwd=self.folder, env=self.env,
                              text=True, capture_output=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr if code else done.stdout

    def published(self, *words):
        said = self.here("rule", "publish", *words)
        return dict(line.split(None, 1) for line in said.splitlines())

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def sha(self, name):
        return hashlib.sha256(self.read(name)).hexdigest()

    @unittest.skipUnless(shutil.which("clang") and shutil.which("wasm-ld"), "no clang")
    def test_from_new_to_pull(self):
        self.here("rule", "new", "limiter", "--hook", "filter", "--lang", "c")
        shutil.copy(os.path.join(os.path.dirname(__file__), "../../rules/library/limiter.c"),
                    self.path("limiter/limiter.c"))
        said = self.published("limiter")
        self.assertRegex(said["module"], "^sha256:[0-9a-f]{64}$")
        self.assertEqual(said["hook"], "filter, version 1, mode wasm, memory 1Mi")
        self.assertEqual(said["exports"].split(", "), [
            "rh_abi", "rh_buffer", "rh_init", "rh_save", "rh_restore", "rh_filter_before"])
        self.assertEqual(said["wasm"], f"{os.stat(self.path('limiter/limiter.wasm')).st_size} "
                         f"bytes, sha256:{self.sha('limiter/limiter.wasm')}")
        os.utime(self.path("limiter/limiter.c"), (1, 1))
        self.assertEqual(self.published("limiter"), said)  # the same is the same
        self.assertEqual(self.here("rule", "publish", "limiter", "-o", "name").split(),
                         [said["module"]])
        table = self.ok("get", "modules", "-o", "wide")
        self.assertRegex(table, said["module"][7:] + r"\s+limiter\s+filter\s+wasm")
        self.use(said["module"])
        self.pull(said)

    def use(self, module):
        self.ok("apply", "-f", self.path("fast.yaml", RULE % ("filter", module, "wasm")))
        self.assertIn("filter by " + module[:19], self.ok("get", "rules"))
        self.assertIn("nobody has it yet", self.ok("describe", "rule", "fast"))
        self.assertIn("used by rule fast", self.refused(5, "delete", "module", module[7:]))

    def pull(self, said):
        self.here("rule", "pull", "fast", "-d", "back")
        self.assertEqual(self.sha("back/manifest.json"), said["module"][7:])
        self.assertEqual(self.read("back/limiter.wasm"), self.read("limiter/limiter.wasm"))
        with tarfile.open(self.path("back/limiter.tar")) as source:
            self.assertEqual(source.extractfile("./limiter.c").read(),
                             self.read("limiter/limiter.c"))
            self.assertNotIn("./limiter.wasm", source.getnames())
            self.assertIn("./include/rhodes/rule.h", source.getnames())
            source.extractall(self.path("again"))
        self.assertEqual(self.published("again"), said)  # built once more from it
        self.assertIn("cannot make back", self.here("rule", "pull", "fast", "-d", "back", code=1))
        self.here("rule", "pull", said["module"])
        self.assertEqual(self.sha(said["module"][7:] + "/manifest.json"), said["module"][7:])
        part = self.sha("limiter/limiter.wasm")
        self.assertIn("is a part", self.here("rule", "pull", part, "-d", "x", code=1))
        self.here("delete", "rule", "fast")
        self.here("rule", "pull", "fast", code=4)
        self.ok("delete", "module", said["module"][7:])
        self.assertNotIn(part, self.ok("get", "modules", "-o", "wide"))

    @unittest.skipUnless(shutil.which("clang") and shutil.which("wasm-ld"), "no clang")
    def test_every_hook_has_a_rule_that_builds(self):
        for hook in ("filter", "cache", "user", "protocol", "transform", "event", "sched"):
            self.here("rule", "new", hook + "-1", "--hook", hook)
            self.assertIn(f"{hook}, version 1", self.published(hook + "-1")["hook"])

    def inputs(self, *calls):
        return "".join(json.dumps(call) + "\n" for call in calls)

    @unittest.skipUnless(shutil.which("clang") and shutil.which("wasm-ld"), "no clang")
    def test_a_new_rule_passes_its_test_in_every_mode(self):
        for hook in ("filter", "cache", "protocol", "transform", "event", "sched"):
            self.here("rule", "new", hook + "-t", "--hook", hook)
            said = json.loads(self.here("rule", "test", hook + "-t", "-o", "json"))
            self.assertTrue(said["ok"])
            ran = {mode["mode"]: mode for mode in said["modes"] if mode["ran"]}
            self.assertLessEqual({"native", "wasm portable", "wasm with fuel"}, set(ran))
            for mode in ran.values():
                self.assertEqual((mode["answers"], mode["failures"]), (said["inputs"], {}))
                self.assertGreater(mode["timedCalls"], 0)

    @unittest.skipUnless(shutil.which("clang") and shutil.which("wasm-ld"), "no clang")
    def test_what_a_rule_says_of_a_thread_has_to_make_sense(self):
        """... also where every mode says the same."""
        self.here("rule", "new", "turn", "--hook", "sched")
        with open(self.path("turn/turn.c"), encoding="utf-8") as file:
            source = file.read()
        for said, why in (("queue = 9", "it named a queue that there is not"),
                          ("slice_ns = 0", "it gave a slice of no time"),
                          ("slice_ns = 10000000001", "it gave a slice of more than 10 s")):
            self.path("turn/turn.c", re.sub(
                r"record->%s = [^;]*;" % said.split()[0], f"record->{said};", source))
            done = self.rhodes("rule", "test", self.path("turn"))
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn(f"says 0, which makes no sense: {why}", done.stdout)
        # Who has a last moment to say it may say it then.
        self.path("turn/turn.c", source.replace("record->slice_ns = ", "record->own[0] = ") +
                  "\nint32_t rh_sched_running(int32_t task)\n{\n"
                  "\trh_sched.tasks[task].slice_ns = rh_sched.tasks[task].own[0];\n"
                  "\treturn 0;\n}\n")
        self.here("rule", "test", "turn")

    @unittest.skipUnless(shutil.which("clang") and shutil.which("wasm-ld"), "no clang")
    def test_where_modes_disagree(self):
        self.here("rule", "new", "odd")
        self.path("odd/odd.c", ODD)
        calls = [{"call": "rh_filter_before", "text": "." * length} for length in range(8)]
        self.path("odd/inputs.jsonl", self.inputs({"params": {"verdict": "1"}}, *calls))
        done = self.rhodes("rule", "test", self.path("odd"))
        said = done.stdout
        self.assertEqual(done.returncode, 1, said + done.stderr)
        self.assertIn("inputs.jsonl:5: rh_filter_before is answered differently", said)
        self.assertRegex(said, r"\n  native +0, length 3,.*\n  wasm .* 1, length 3")
        self.assertIn("inputs.jsonl:6: rh_filter_before fails", said)
        self.assertRegex(said, r"\n  native +fails \(trap, signal 11\)\n")
        self.assertRegex(said, r"\n  wasm portable +fails \(trap\)\n")
        self.assertRegex(said, r"\n  native +fails \(timeout, signal 9\)\n")
        self.assertRegex(said, r"\n  wasm with fuel +fails \((fuel|timeout)\)\n")
        self.assertIn("says 9, which makes no sense: no such verdict", said)
        self.assertIn("log: hello", said)
        self.assertIn("8 inputs: 1 answered differently, 3 not as expected", said)
        # What is expected of it, but for where it is not the same code.
        calls[4]["expect"] = {"fails": "trap"}
        calls[5]["expect"] = {"fails": "timeout"}
        calls[6]["expect"] = {"result": 1, "error": 11}
        calls[7]["expect"] = {"fails": "value"}
        del calls[3]
        self.path("more.jsonl", self.inputs({"params": {"verdict": "1"}}, *calls))
        self.here("rule", "test", "odd", "--inputs", "more.jsonl")
        calls[5]["expect"]["error"] = 12
        self.path("more.jsonl", self.inputs({"params": {"verdict": "1"}}, *calls))
        done = self.rhodes("rule", "test", self.path("odd"), "--inputs", self.path("more.jsonl"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("more.jsonl:7: rh_filter_before is not answered as expected", done.stdout)

    def test_native_code_that_ends_the_process(self):
        """... fails at that input alone, and nothing else is left unasked."""
        include = os.path.abspath(os.path.join(BUILD, "rules/author"))
        source = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../rules/author"))
        self.path("quits.c", QUITS)
        subprocess.run(["gcc", "-O2", "-fPIC", "-shared", "-I", include, "-I", source, "-o",
                        self.path("quits.so"), self.path("quits.c")], check=True, timeout=LIMIT)
        self.path("calls.jsonl", self.inputs(*({"call": "rh_filter_before", "text": "." * length}
                                               for length in range(6))))
        done = self.rhodes("rule", "test", self.path("quits.so"), "--hook", "filter", "--inputs",
                           self.path("calls.jsonl"), "-o", "json")
        self.assertEqual(done.returncode, 1)
        said = json.loads(done.stdout)
        self.assertEqual((said["modes"][0]["answers"], said["modes"][0]["failures"]),
                         (4, {"trap": 2}))
        self.assertEqual([one["line"] for one in said["unexpected"]], [3, 5])

    def test_refusals_of_a_test(self):
        library = os.path.abspath(os.path.join(BUILD, "rules/library/limiter.so"))
        self.assertIn("--inputs FILE", self.here("rule", "test", library, "--hook", "filter", code=2))
        self.path("none.jsonl", "# nothing\n")
        self.assertIn("has no call", self.here("rule", "test", library, "--hook", "filter",
                                               "--inputs", "none.jsonl", code=4))
        self.here("rule", "test", library, "--hook", "filter", "--inputs", "away.jsonl", code=4)
        self.path("a.jsonl", '\n{"call": "rh_filter_before", "slot": 1}\n')
        self.assertIn("a.jsonl:2: slot is no parameter", self.here(
            "rule", "test", library, "--hook", "filter", "--inputs", "a.jsonl", code=1))
        self.path("a.jsonl", self.inputs({"params": {"rate": "0"}}, {"call": "rh_filter_before"}))
        self.assertIn("native: rh_init of the rule said 1", self.here(
            "rule", "test", library, "--hook", "filter", "--inputs", "a.jsonl", code=1))
        self.path("a.jsonl", self.inputs({"call": "rh_filter_before"}))
        self.assertIn("wasm: not run: the rule is native code alone", self.here(
            "rule", "test", library, "--hook", "filter", "--inputs", "a.jsonl"))
        self.path("a.wasm", "text")
        self.assertIn("not a WebAssembly module", self.here(
            "rule", "test", "a.wasm", "--hook", "filter", "--inputs", "a.jsonl", code=1))

    @unittest.skipUnless(shutil.which("wat2wasm"), "no wabt")
    def test_what_is_said_of_bad_modules(self):
        memory, abi = '(memory (export "memory") 2)', self.export("rh_abi", "i32.const 65537")
        buffer, before = (self.export("rh_buffer", "i32.const 0"),
                          self.export("rh_filter_before", "i32.const 0"))
        for text, why in (
                (memory + abi + buffer, "exports no function rh_filter_before () -> i32"),
                (memory + abi + buffer + '(func (export "rh_filter_before") (param i32) (result'
                 ' i32) i32.const 0)', "exports rh_filter_before as (i32) -> i32, hook filter"),
                (memory + self.export("rh_abi", "i32.const 65538") + buffer + before,
                 "the rule is for hook 1 version 2, not for filter (1) version 1"),
                (memory + abi + self.export("rh_buffer", "i32.const 131000") + before,
                 "rh_buffer says 131000: there are no 65584 bytes"),
                (memory + abi + buffer + before + "(func $s (loop br 0)) (start $s)",
                 "stopped in its start: it took longer than its limit"),
                (memory + abi + buffer + before + "(func $s unreachable) (start $s)",
                 "stopped in its start: "),
                (memory.replace("2", "20") + abi + buffer + before,
                 "begins with 1280 KiB of memory, its limit is 1024 KiB; raise memory"),
                ('(import "env" "system" (func (param i32)))' + memory + abi + buffer + before,
                 "imports env.system; hook filter gives it only now, random"),
                (memory + abi + buffer + self.export("rh_filter_before", "i64.const 0"),
                 "is not valid WebAssembly: wasm-validate ended with status 1")):
            self.path("m.wat", f"(module {text})")
            subprocess.run(["wat2wasm", "--no-check", "-o", self.path("m.wasm"),
                            self.path("m.wat")], check=True)
            said = self.here("rule", "publish", "m.wasm", "--hook", "filter", code=1)
            self.assertTrue(said.startswith("rhodes rule: m.wasm: "), said)
            self.assertIn(why, said)
        self.path("m.wasm", "")
        self.assertIn("m.wasm is empty",
                      self.here("rule", "publish", "m.wasm", "--hook", "filter", code=1))
        with open(self.path("m.wasm"), "wb") as file:
            file.truncate(100 << 20)
        self.assertIn("m.wasm: larger than 8 MiB",
                      self.here("rule", "publish", "m.wasm", "--hook", "filter", code=1))
        os.mkdir(self.path("m"))
        self.path("m/x.so", "text")
        for key, why in (("memory: 2Gi", "m/rule.yaml: memory: "), ("abi: 7", "m/rule.yaml: abi: is 7"),
                         ("hook: none", 'm/rule.yaml: hook: "none" is none of filter')):
            lines = {"hook": "hook: filter", "abi": "abi: 1", "mode": "mode: native"}
            lines[key.split(":")[0]] = key
            self.path("m/rule.yaml", "\n".join([*lines.values(), "file: x.so", ""]))
            self.assertIn(why, self.here("rule", "publish", "m", code=1))
        self.assertNotIn("filter", self.ok("get", "modules", "-o", "wide"))

    def export(self, name, body):
        return f'(func (export "{name}") (result i32) {body})'

    def test_what_a_liar_sends_is_not_written(self):
        """Between the command and the center stands somebody who changes bytes."""
        library = os.path.abspath(os.path.join(BUILD, "rules/library/lru.so"))
        said = self.published(library, "--hook", "cache")
        name, part = said["module"][7:], said["object"].split("sha256:")[1]
        other = self.published(os.path.abspath(os.path.join(BUILD, "rules/library/mru.so")),
                               "--hook", "cache")["module"][7:]
        with Liar(self.run_dir, self.path("liar")) as liar:
            env = {"RHODES_RUN_DIR": liar.folder}
            def pull():
                done = self.rhodes("rule", "pull", name, "-d", self.path("back"), env=env)
                self.assertFalse(done.returncode == 1 and os.path.exists(self.path("back")))
                return done
            for lie, why in (
                    (lambda path, head, body: (head, body + b"!") if part in path else None,
                     "other bytes for the object"),
                    (lambda path, head, body: (head, body[:-1]) if name in path else None,
                     "other bytes for the module"),
                    (lambda path, head, body: (head[:-1] + ("0" if head[-1] != "0" else "1"), body)
                     if name in path else None, "its signature is of no key in "),
                    (lambda path, head, body: ("", body) if name in path else None,
                     "its signature is missing"),
                    (lambda path, head, body: liar.ask("/apis/v1/modules/" + other)
                     if name in path else None, "other bytes for the module")):
                liar.lie = lie
                done = pull()
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn(why, done.stderr)
                self.assertIn("nothing was written", done.stderr)
            liar.lie = lambda *_: None
            os.rename(self.path("state/module.pub"), self.path("module.pub"))
            self.assertIn("the public key of the system cannot be read", pull().stderr)
            os.rename(self.path("module.pub"), self.path("state/module.pub"))
            self.assertIn("hashes and signature are right", pull().stdout)
            self.assertEqual(self.sha("back/rule.so"), part)

    def test_list_top_and_log(self):
        """An agent that only tells what it counted, told by the command line."""
        self.assertIn("no rule of code", self.ok("rule", "list"))
        library = os.path.abspath(os.path.join(BUILD, "rules/library/lru.so"))
        said = self.published(library, "--hook", "cache")
        module = said["module"]
        self.ok("apply", "-f", self.path("fast.yaml", (RULE % ("cache", module, "native")).replace(
            'edge: [app, "*"]', "resource: app")))
        self.assertRegex(self.ok("rule", "list"), r"NAME +HOOK +WHERE.*\nfast +cache +app +native +"
                         + module[7:19] + " +" + said["version"] + " ")
        self.assertEqual([rule["metadata"]["name"] for rule in self.json("rule", "list")["items"]],
                         ["fast"])
        self.assertIn("no rule of code runs anywhere", self.ok("rule", "top", "-1"))
        self.refused(4, "rule", "top", "none", "-1")
        self.refused(4, "rule", "log", "none")
        self.assertEqual(self.ok("rule", "log", "fast"), "")
        agent = center_lib.Subscriber(os.path.join(self.run_dir, "link.sock"), "app")
        self.addCleanup(agent.close)
        agent.take()
        agent.send(RULE_STATS, center_runs.item("app", "", "fast", 3, 1000, 2500, (3, 0, 1), 5))
        with self.started("rule", "top", "-i", "1", stdout=subprocess.PIPE) as top, \
                self.started("rule", "log", "fast", "-f", "-n", "1", stdout=subprocess.PIPE) as log:
            agent.send(RULE_LOG, center_runs.line("app", "", "fast", "first"))
            self.assertRegex(log.stdout.readline(), r"^20\S+Z app +first\n")
            for calls in range(2000, 100000, 1000):  # until a table has seen two of them
                agent.send(RULE_STATS, center_runs.item("app", "", "fast", 3, calls, calls * 20,
                                                        (3, 0, 1), 5))
                line = top.stdout.readline()
                if re.match(r"fast +app +app +3 +running +[1-9]", line):
                    break
            self.assertNotIn("trap", line)  # not since the table before
            agent.send(RULE_LOG, center_runs.line("app", "", "fast", "sec\x1b[1mond"))
            self.assertIn("sec?[1mond\n", log.stdout.readline())
            top.send_signal(signal.SIGINT)
            log.send_signal(signal.SIGINT)
            self.assertEqual((top.wait(LIMIT), log.wait(LIMIT)), (0, 0))
        self.assertRegex(self.ok("rule", "top", "fast", "--once"),
                         r"fast +app +app +3 +running +\S+ +20\.0 +trap 3, fuel 1 +5 +0\n")
        self.assertEqual(self.json("rule", "top")["items"][0]["failures"]["trap"], 3)
        self.assertEqual([line["text"] for line in self.json("rule", "log", "fast")["items"]],
                         ["first", "sec?[1mond"])
        self.assertEqual(len(self.ok("rule", "log", "fast", "-n", "1").splitlines()), 1)

    def test_native(self):
        library = os.path.abspath(os.path.join(BUILD, "rules/library/lru.so"))
        said = self.published(library, "--hook", "cache")
        self.assertEqual(said["hook"], "cache, version 1, mode native, memory 1Mi")
        self.ok("apply", "-f", self.path("fast.yaml", (
            RULE % ("cache", said["module"], "native")).replace('edge: [app, "*"]', "resource: app")))

    def test_refused(self):
        for words, why in ((("new", "Big"), "is no name of a rule"),
                           (("new", "x", "--hook", "irq"), "is no hook"),
                           (("new", "x", "--lang", "cobol"), "not in cobol"),
                           (("build", "x"), "none of new, record, test, publish, pull")):
            self.assertIn(why, self.here("rule", *words, code=2))
        self.here("rule", "publish", "nowhere", code=4)
        self.path("a.wasm", "text")
        self.assertIn("--hook filter", self.here("rule", "publish", "a.wasm", code=2))
        said = self.here("rule", "publish", "a.wasm", "--hook", "filter", code=1)
        self.assertIn("not a WebAssembly module", re.sub(r"\s+", " ", said))
        os.mkdir(self.path("p"))
        for text, why in (("", "must be one mapping"), ("name: [", "rule.yaml:2:1: "),
                          ("hook: filter\ncolour: red\n", "rule.yaml:2:9: colour: is not known"),
                          ("hook: filter\n", "file is missing"),
                          ("file: /x\n", "must be in the folder"),
                          ("file: x\nbuild: exit 3\n", "the build of p failed: exit 3")):
            self.path("p/rule.yaml", text)
            self.assertIn(why, self.here("rule", "publish", "p", code=1))
        self.here("rule", "new", "twice")
        self.assertIn("cannot make twice", self.here("rule", "new", "twice", code=1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
