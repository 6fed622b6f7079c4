#!/usr/bin/python3
"""Calls through a whole system started by `rhodes up`: what `run`, `serve`, `top`,
`trace` and a changed manifest do then."""
import ctypes
import os
import re
import signal
import subprocess
import time
import unittest

from cli_stage import LIMIT, Stage

SYSTEM = """
kind: Resource
metadata: {{name: lib}}
spec:
  type: service
  interface: libtwice
  {serve}
---
kind: Resource
metadata: {{name: app}}
spec: {{type: application, reference: [lib]}}
---
kind: Rule
metadata: {{name: app-lib}}
spec: {{protocol: {{edge: [app, lib], use: {use}}}}}
"""
SERVE = "serve: {library: ./side/libtwice.so.1, workers: 1}"
HERE = r"agent/\S+ +info +the center is here"
TWICE = "import ctypes; print(ctypes.CDLL('libtwice.so.1').twice(21))"
WHOSE = "import ctypes; print(ctypes.CDLL('libtwice.so.1').whose())"
LIBC = ctypes.CDLL(None, use_errno=True)
EACH = """
import ctypes, sys
lib = ctypes.CDLL('libtwice.so.1')
for line in sys.stdin:
    print(lib.twice(int(line)), flush=True)
"""

# Each thread gets a page of its own; a process may have 1,024.
THREADS = """
import ctypes, threading
lib = ctypes.CDLL('libtwice.so.1')
wrong = []
def call():
    if lib.twice(21) != 42:
        wrong.append(1)
for _ in range(1100):
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
print(len(wrong))
"""

# All of them want their first page while nobody gives any.
AT_ONCE = """
import ctypes, sys, threading
lib = ctypes.CDLL('libtwice.so.1')
wrong = [] if lib.twice(21) == 42 else ['first']
def call():
    if lib.twice(21) != 42:
        wrong.append(1)
threading.stack_size(256 * 1024)
threads = [threading.Thread(target=call) for _ in range(int(sys.argv[1]))]
print('ready', flush=True)
sys.stdin.readline()
for thread in threads:
    thread.start()
print('started', flush=True)
for thread in threads:
    thread.join()
print(len(wrong))
"""


class Calls(Stage):
    has_agents = True

    def start(self, use="bind", serve=SERVE):
        self.library()
        self.manifest = self.path("system.yaml", SYSTEM.format(use=use, serve=serve))
        self.up("-I", self.path("side"), self.manifest)

    def call(self, script, env=None):
        return self.rhodes("run", "app", "--", "/usr/bin/python3", "-c", script, env=env)

    def assert_call(self, script=TWICE, expected="42"):
        done = self.call(script)
        self.assertEqual(done.stdout.strip(), expected, done.stderr + self.log())
        self.assertEqual(done.returncode, 0)

    def instances(self):
        return [instance["pid"] for agent in self.json("get", "agents")["items"]
                if agent["resource"] == "lib" for instance in agent["instances"]]

    def test_the_library_runs_in_the_worker(self):
        self.start()
        self.assert_call()
        self.assert_call(WHOSE, str(self.instances()[0]))
        self.assertEqual(self.instances(), self.pids("lib/0"))
        self.assertIn("1 of 1", self.ok("get", "resource", "lib"))
        self.assertIn("Ready", self.ok("get", "resource", "lib"))
        self.assertIn(f"Instances    {self.instances()[0]}", self.ok("describe", "lib"))

    def test_a_killed_worker_comes_back(self):
        self.start()
        self.assert_call()
        os.kill(self.pids("lib/0")[0], signal.SIGKILL)
        self.await_line("serving libtwice as instance", 2)
        self.assert_call()
        self.assertNotIn("lib/0 starts again in", self.log())

    def test_killed_agents_come_back(self):
        self.start()
        for name in ("agent/app", "agent/lib"):
            os.kill(self.pids(name)[0], signal.SIGKILL)
        self.await_line(r"agent/\S+ +info +\S*.*is in force", 4)
        self.assert_call()

    def test_without_the_center_what_ends_is_started_again(self):
        self.start()
        self.assert_call()
        with self.without_center():
            for name in ("agent/app", "agent/lib", "lib/0"):
                os.kill(self.pids(name)[0], signal.SIGKILL)
            self.await_line(r"agent/app +info +starting source=cache")
            self.await_line("serving libtwice as instance", 2)
            self.assert_call()  # of a program that starts only now
            self.assertIn("the center is away", self.call(TWICE).stderr)
            self.assertIn("is away; calls go on", self.refused(3, "get", "resources"))
            self.assertIn("is away", self.refused(3, "run", "none", "--", "true"))
            # A center that was quicker than the lock may have been here between.
            came = len(re.findall(HERE, self.log()))
        self.await_line(HERE, came + 2)
        self.assert_call()
        self.assertNotIn("is away", self.call(TWICE).stderr)
        self.ok("down")
        self.assertIn("no system", self.refused(3, "run", "app", "--", "true"))

    def observed(self):
        return self.json("matrix", "--plane", "observed")["planes"]["observed"][0][1]

    def await_value(self, read, wanted):
        until = time.monotonic() + LIMIT
        while (value := read()) != wanted:
            self.assertLess(time.monotonic(), until, f"{value}, not {wanted}")

    def test_a_bound_page_outlives_the_agents_and_is_governed(self):
        """The program calls all the while, and never talks to an agent for it."""
        self.start()
        with subprocess.Popen([self.rhodes_path, "run", "app", "--", "/usr/bin/python3",
                               "-c", EACH], text=True, env=self.env,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
            def calls(count):
                for number in range(count):
                    program.stdin.write(f"{number}\n")
                    program.stdin.flush()
                    self.assertEqual(program.stdout.readline(), f"{2 * number}\n")

            total = 0
            for count, name in enumerate(("lib", "app", "lib", "app"), start=10):
                calls(count)
                total += count
                self.await_value(self.observed, total)
                os.kill(self.pids(f"agent/{name}")[-1], signal.SIGKILL)
                calls(1)
                total += 1
                self.await_value(self.observed, total)
            # A page that nobody knew would stay bound for ever.
            self.ok("apply", "-I", self.path("side"), "-f", "-", data=SYSTEM.format(
                use="shm", serve=SERVE).replace("./side", self.path("side")))
            until = time.monotonic() + LIMIT
            while "app calls by shm" not in self.log():
                calls(1)
                self.assertLess(time.monotonic(), until, self.log())
            program.stdin.close()
        self.assertEqual(program.returncode, 0)

    def test_threads_that_end_give_their_pages_back(self):
        for use in ("bind", "shm"):
            with self.subTest(use):
                self.start(use)
                self.assert_call(THREADS, "0")
                self.ok("down")

    def await_rest(self, *names):
        """Until these processes have nothing left to do."""
        looks = 0
        until = time.monotonic() + LIMIT
        while looks < 10:
            states = []
            for name in names:
                with open(f"/proc/{self.pids(name)[-1]}/stat", encoding="utf-8") as file:
                    states.append(file.read().rpartition(")")[2].split()[0])
            looks = looks + 1 if set(states) == {"S"} else 0
            self.assertLess(time.monotonic(), until, states)
            time.sleep(0.01)

    def at_once(self, count):
        """A program with that many threads that call when they are told to."""
        return self.started("run", "app", "--", "/usr/bin/python3", "-c", AT_ONCE, str(count),
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)

    def call_at_once(self, programs):
        """Their threads want pages while neither the agent nor the worker is awake: sockets
        fill, and nobody is thrown out."""
        for program in programs:
            self.assertEqual(program.stdout.readline(), "ready\n")
        stopped = self.pids("agent/app")[-1], self.pids("lib/0")[-1]
        try:
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            for program in programs:
                program.stdin.write("go\n")
                program.stdin.flush()
                self.assertEqual(program.stdout.readline(), "started\n")
            os.kill(stopped[0], signal.SIGCONT)
            self.await_rest("agent/app", "agent/lib")
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        for program in programs:
            self.assertEqual(program.communicate(timeout=LIMIT), ("0\n", ""), self.log())
        self.assertNotIn("disconnected", self.log())

    def test_many_threads_call_for_the_first_time_at_once(self):
        serve = SERVE.replace("workers: 1", "threads: 8")
        for use in "bind", "shm":
            with self.subTest(use):
                self.start(use, serve)
                with self.at_once(800) as one, self.at_once(800) as other:
                    self.call_at_once((one, other))
                self.ok("down")

    def queues(self):
        """The message queues of the edge whose names are there."""
        names = [f"/{self.env['RHODES_SYSTEM']}-app-lib-{end}" for end in ("queue", "reply")]
        found = []
        for name in names:
            queue = LIBC.mq_open(name.encode(), os.O_RDONLY)
            if queue >= 0:
                os.close(queue)
                found.append(name)
        return found

    def test_no_message_queue_is_left(self):
        """They count against a limit of the user until their names are gone."""
        self.env["RHODES_SYSTEM"] = f"queues_{os.getpid()}"
        for end in ("down", "supervisor", "both"):
            with self.subTest(end):
                self.start("msgqueue")
                self.assert_call()
                self.assertEqual(len(self.queues()), 2)
                self.end_by(end)
                self.assertEqual(self.queues(), [])

    def test_agents_that_end_leave_no_message_queue(self):
        """Both at the same moment, so that neither sees the other go, and while nobody
        could do it for them."""
        self.env["RHODES_SYSTEM"] = f"agents_{os.getpid()}"
        self.start("msgqueue")
        self.assert_call()
        agents = self.pids("agent/app") + self.pids("agent/lib")
        with open(os.path.join(self.run_dir, "up.pid"), encoding="ascii") as file:
            supervisor = int(file.read())
        os.kill(supervisor, signal.SIGSTOP)
        self.addCleanup(os.kill, supervisor, signal.SIGCONT)
        for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGCONT):
            for pid in agents:
                os.kill(pid, number)
        self.assert_ends(agents)
        self.assertEqual(self.queues(), [])

    def end_by(self, end):
        """Ends the system in one of three ways."""
        with open(os.path.join(self.run_dir, "up.pid"), encoding="ascii") as file:
            supervisor = int(file.read())
        with open(f"/proc/{supervisor}/stat", encoding="ascii") as file:
            keeper = int(file.read().rpartition(")")[2].split()[1])
        if end == "down":
            self.ok("down")
        if end == "both":
            os.kill(keeper, signal.SIGSTOP)
        if end != "down":
            os.kill(supervisor, signal.SIGKILL)
        if end == "both":
            self.assert_ends(self.pids("agent/app") + self.pids("agent/lib"))
            os.kill(keeper, signal.SIGKILL)
        self.assert_ends([supervisor, keeper])
        if end == "both":  # nobody is left who could, so the next one does
            self.up()

    def test_top_and_the_observed_plane(self):
        self.start("shm")
        self.assertEqual(self.json("top", "--once")["items"][0]["calls"], 0)
        for _ in range(3):
            self.assert_call()
        edge = self.json("top", "--once")["items"][0]
        self.assertEqual((edge["caller"], edge["callee"], edge["protocol"], edge["calls"],
                          edge["errors"]), ("app", "lib", "shm", 3, 0))
        self.assertGreater(edge["p99Ns"], 0)
        self.assertRegex(self.ok("top", "--once"), r"app +lib +shm +3 ")
        with self.started("top", "-i", "1", stdout=subprocess.PIPE) as top:
            self.assertIn("CALLS/s", top.stdout.readline())
            self.assertRegex(top.stdout.readline(), r"app +lib +shm +0 ")
            top.send_signal(signal.SIGINT)
        self.ok("down")
        self.refused(3, "top", "--once")

    def trace(self, *words, calls=1):
        """The output of a trace that hears some calls."""
        with self.started("trace", "app", *words, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as trace:
            # It is heard as soon as both agents know of it; before, calls pass by.
            while trace.poll() is None:
                for _ in range(calls):
                    self.assert_call()
            out, err = trace.communicate(timeout=LIMIT)
        self.assertEqual(trace.returncode, 0, err)
        return out

    def test_trace_prints_the_steps_of_the_figure(self):
        for use in ("shm", "msgqueue", "semaphore"):
            with self.subTest(use):
                self.start(use)
                calls = self.trace("-n", "2").strip().split("\n\n")
                self.assertEqual(len(calls), 2)
                lines = calls[1].splitlines()
                self.assertEqual(lines[0], "app -> lib")
                self.assertEqual([int(line[:4]) for line in lines[1:]],
                                 [1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 10, 11, 12, 13, 14])
                self.assertIn("app calls twice", lines[1])
                self.assertIn("parameters: twice, i32|21, i32", lines[2])
                self.assertIn(use, lines[4])
                self.assertIn(f"process {self.pids('lib/0')[-1]}", lines[6])
                self.assertIn("the result: 42", lines[15])
                self.ok("down")

    def test_trace_says_what_it_cannot_see(self):
        self.start("bind")
        self.refused(4, "trace", "nobody")
        self.refused(4, "trace", "app", "--callee", "other")
        self.assertIn("references nobody", self.refused(4, "trace", "lib"))
        with self.started("trace", "app", stderr=subprocess.PIPE) as trace:
            self.assertIn("app -> lib uses bind", trace.stderr.readline())
            self.ok("down")
            _, err = trace.communicate(timeout=LIMIT)
        self.assertIn("the agent of app is gone", err)
        self.assertEqual(trace.returncode, 1)

    def test_serve_outside_up(self):
        self.start(serve="")
        late = {"RHODES_TIMEOUT_MS": "200"}
        self.assertNotEqual(self.call(TWICE, env=late).stdout.strip(), "42")
        with subprocess.Popen([self.rhodes_path, "serve", "lib", "-n", "2"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**self.env, "LD_LIBRARY_PATH": self.path("side")}
                              ) as serve:
            lines, up = [], 0
            while up < 2:
                lines.append(serve.stdout.readline())
                self.assertTrue(lines[-1], "".join(lines))
                up += "serving libtwice as instance" in lines[-1]
            self.assert_call()
            self.assertEqual(len(self.instances()), 2)
            serve.send_signal(signal.SIGINT)
            rest, _ = serve.communicate(timeout=LIMIT)
        self.assertEqual(serve.returncode, 0, rest)
        self.assertEqual(rest.count(" ended (pid "), 2, rest)
        self.assertIn("offers no interface", self.refused(1, "serve", "app"))
        self.refused(4, "serve", "nobody")

    def test_a_new_library_is_served_after_apply(self):
        self.start()
        self.assert_call()
        self.library(body="return 100 + number;")
        # The same interface, but a new library.
        text = self.ok("apply", "-I", self.path("side"), "-f", self.manifest)
        self.assertIn("Resource/lib unchanged", text)
        self.await_line("serving libtwice as instance", 2)
        self.assert_call(expected="121")
        # More workers, by the manifest.
        more = SYSTEM.format(use="bind", serve=SERVE.replace("workers: 1", "workers: 3"))
        self.ok("apply", "-I", self.path("side"), "-f", "-", data=more.replace(
            "./side", self.path("side")))
        self.await_line("serving libtwice as instance", 5)
        self.assert_call(expected="121")

    def caller(self, result):
        """A program that calls until it gets that result; any other, and a call that was
        lost, is an error."""
        return subprocess.Popen(
            [self.rhodes_path, "run", "app", "--", "/usr/bin/python3", "-uc",
             "import ctypes\nlib = ctypes.CDLL('libtwice.so.1')\nprint(lib.twice(21))\n"
             f"while (got := lib.twice(21)) != {result}:\n    assert got == 42, got\n"
             "    assert lib.whose() > 0\n"],  # which must not run twice
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.env)

    def test_a_replaced_library_restarts_its_workers_and_loses_no_call(self):
        for use in ("bind", "shm"):
            with self.subTest(use):
                self.start(use, SERVE.replace("workers: 1", "workers: 3"))
                with self.caller(121) as caller:
                    self.assertEqual(caller.stdout.readline(), "42\n")
                    self.library(body="return 100 + number;")
                    out, err = caller.communicate(timeout=LIMIT)
                self.assertEqual((out, err, caller.returncode), ("", "", 0), self.log())
                self.await_line("serving libtwice as instance", 6)
                log = self.log()
                self.assertIn("the library of lib was replaced: restarting 3 of its"
                              " workers, one after the other", log)
                # The next is asked when the one before serves again.
                events = re.findall(r"instance \w+ is (up): pid|lib/\d (ended) \(pid", log)
                self.assertEqual([up or ended for up, ended in events],
                                 3 * ["up"] + 3 * ["ended", "up"])
                self.ok("down")
                os.unlink(os.path.join(self.run_dir, "system.log"))

    def test_a_library_that_would_not_do_changes_nothing(self):
        self.start()
        before = self.pids("lib/0")
        bad = self.path("side/libtwice.so.1.bad", "no library at all")
        os.rename(bad, self.path("side/libtwice.so.1"))
        self.await_line("replaced by one that cannot be served, see above")
        self.assertIn("the library cannot be loaded", self.log())
        self.assertEqual(self.pids("lib/0"), before)
        self.assert_call()
        # The next one that is good is taken.
        self.library(body="return 100 + number;")
        self.await_line("serving libtwice as instance", 2)
        self.assert_call(expected="121")

    def test_objects_are_not_lost_unasked(self):
        self.library()
        self.path("side/twice.h", "typedef struct counter counter;\nint twice(int number);"
                  "\nint whose(void);\ncounter *counter_new(void);\n"
                  "int counter_next(counter *counter);\nvoid counter_free(counter *counter);"
                  "\n")
        with open(self.path("side/twice.c"), "a", encoding="utf-8") as file:
            file.write("struct counter { int n; };\nstatic counter one;\n"
                       "counter *counter_new(void) { return &one; }\n"
                       "int counter_next(counter *c) { return ++c->n; }\n"
                       "void counter_free(counter *c) { (void)c; }\n")
        with open(self.path("side/libtwice.side"), "a", encoding="utf-8") as file:
            file.write("handle counter\ncounter_new -> new\ncounter_next (_)\n"
                       "counter_free (_ destroys)\n")
        self.compile()
        self.manifest = self.path("system.yaml", SYSTEM.format(use="shm", serve=SERVE))
        self.up("-I", self.path("side"), self.manifest)
        before = self.pids("lib/0")
        self.compile("-O2")
        self.await_line("because objects that programs hold there cannot be made anew")
        self.assertEqual(self.pids("lib/0"), before)
        text = self.ok("restart", "lib")
        self.assertEqual(text, f"lib: {self.instances()[0]} serves in the place of"
                         f" {before[0]}\n")
        self.assertNotEqual(self.instances(), before)
        self.assert_call()

    def test_restart(self):
        self.start(serve=SERVE.replace("workers: 1", "workers: 2"))
        before = self.instances()
        with self.caller(43) as caller:
            self.assertEqual(caller.stdout.readline(), "42\n")
            text = self.ok("restart", "lib")
            self.assertEqual(text.count(" serves in the place of "), 2)
            self.assertFalse(set(before) & set(self.instances()))
            self.assertEqual(len(self.instances()), 2)
            self.assertIsNone(caller.poll())
            caller.kill()
        self.assert_ends(before)
        self.refused(4, "restart", "nobody")
        self.assertIn("app has no instances", self.refused(1, "restart", "app"))
        never = SYSTEM.format(use="bind", serve=SERVE.replace("serve: {", "serve: {restart:"
                              " never, ").replace("./side", self.path("side")))
        self.ok("apply", "-I", self.path("side"), "-f", "-", data=never)
        self.assertIn("serve.restart: never", self.refused(1, "restart", "lib"))

    def test_a_program_is_started_and_stopped(self):
        self.start()
        self.ok("apply", "-f", "-", data="kind: Resource\nmetadata: {name: clock}\nspec:"
                " {type: application, reference: [lib], serve: {restart: never, program:"
                " [/bin/sh, -c, 'echo $RHODES_RESOURCE has $0; exec sleep 1000', it]}}\n")
        self.await_line("clock/0 .* clock has it")
        self.ok("delete", "resource", "clock")
        self.await_line("agent/clock ended")
        self.assert_ends(self.pids("clock/0"))

    def test_a_library_that_cannot_be_loaded(self):
        self.library()
        manifest = self.path("system.yaml", SYSTEM.format(
            use="bind", serve="serve: {library: /nowhere/lib.so}"))
        # On a busy machine even the center may not be there in so short a time.
        for limit in (2, 10, 50):
            self.refused(1, "up", "-d", "-t", str(limit), "-I", self.path("side"),
                         manifest)
            if "the library cannot be loaded" in self.log():
                break
        self.assertIn("the library cannot be loaded: /nowhere/lib.so", self.log())
        self.assertIn(f"not ready in {limit} s: lib/0 is not", self.log())

    def test_what_a_library_prints_is_in_the_log(self):
        self.library(body='fprintf(stderr, "asked for %d\\n", number); return 2 * number;')
        self.manifest = self.path("system.yaml", SYSTEM.format(use="shm", serve=SERVE))
        self.up("-I", self.path("side"), self.manifest)
        self.assert_call()
        self.await_line("lib/0 .* asked for 21")


if __name__ == "__main__":
    unittest.main()
