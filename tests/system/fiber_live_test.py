#!/usr/bin/env python3
"""The policy that a rule of scheduling names, under the carrier `fiber`: programs that run
change to it when the rule comes, and back when it goes; who does not answer is told of, and
holds nobody up."""
import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import unittest

import cgroups
from cli_stage import BUILD, LIMIT
from fiber_run_stage import WORKER, RunStage
from fiber_stage import CONTROL, STATES, Block, Control, block_of

# It has a block in which nothing is true: whom it wants to have woken is another's thread.
LIAR = f"""
import os, struct, sys
fd = os.memfd_create("rhodes-fibers")
os.ftruncate(fd, 1 << 20)
os.pwrite(fd, struct.pack("=3I", 0x72686669, 4, os.getpid()), 0)
os.pwrite(fd, struct.pack("=IIiII", 7, 1 << 31, -1, int(sys.argv[1]), 9), {CONTROL})
print("lies", flush=True)
sys.stdin.readline()
os.ftruncate(fd, 4096)
print("less", flush=True)
sys.stdin.read()
"""
# One thread that reads, and two that compute meanwhile.
READER = """
import os, sys, threading
def read():
    while os.readv(0, [bytearray(1)]):
        os.sched_yield()
        os.write(1, b"read\\n")
    os._exit(0)
def compute():
    while True:
        sum(range(1000))
for body in read, compute, compute:
    threading.Thread(target=body).start()
"""
# As many threads that compute as each line says.
PAIR = """
import sys, threading
def work():
    sum(i * i for i in range(300000))
for line in sys.stdin:
    threads = [threading.Thread(target=work) for _ in range(int(line))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("done", flush=True)
"""
# It has a thread, and then is another program, which has others.
BECOMES = """
import os, sys, threading
thread = threading.Thread(target=print, args=("begun",), kwargs={"flush": True})
thread.start()
thread.join()
sys.stdin.readline()
os.execv(sys.argv[1], sys.argv[1:])
"""
# Becomes another when it is told to, without a thread of its own.
WAITS = """
import os, sys
print("waits", flush=True)
sys.stdin.readline()
os.execv(sys.argv[1], sys.argv[1:])
"""
# Of its threads one binds itself to a processor, and ends when it is told to.
BOUND = """
import os, sys, threading
def bind():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print("bound", flush=True)
    sys.stdin.readline()
def wait():
    threading.Event().wait()
threading.Thread(target=wait, daemon=True).start()
bound = threading.Thread(target=bind)
bound.start()
bound.join()
print("ended", flush=True)
sys.stdin.readline()
os._exit(0)
"""


class Programs(RunStage):
    def rule(self, says, carrier="fiber"):
        return self.ok("apply", "-f", self.path(
            "rule.yaml", "kind: Rule\nmetadata: {name: encoder-sched}\n"
            f"spec: {{sched: {{resource: encoder, carrier: {carrier}, {says}}}}}\n"))

    def active(self):
        return next(condition for condition in
                    self.json("get", "rule", "encoder-sched")["status"]["conditions"]
                    if condition["type"] == "Active")

    def await_active(self, reason, text=""):
        until = time.monotonic() + LIMIT
        while (active := self.active())["reason"] != reason or text not in active["message"]:
            self.assertLess(time.monotonic(), until, f"{active}\n{self.log()}")
            time.sleep(0.01)

    def await_block(self, worker, policy, *numbers):
        """Until the runtime says that this is in force: it tells nobody that it changed."""
        until = time.monotonic() + LIMIT
        while True:
            block = Block(block_of(worker.pid))
            if block.policy == policy and (not numbers or block.now == numbers):
                return
            self.assertLess(time.monotonic(), until, f"{block.policy} {block.now}")
            time.sleep(0.01)

    def rows(self, worker):
        return [row for row in self.json("top", "--threads", "encoder")["items"]
                if row["pid"] == worker.pid and row["carrier"] == "fiber"]

    def decisions(self, worker):
        return self.rows(worker)[0]["program"]

    def is_put(self, worker, says, policy, *numbers):
        """The rule is in force when it says so, and each thread is ordered by it."""
        self.rule(says)
        self.await_active("InForce")
        self.await_block(worker, policy, policy, *numbers)
        self.go_on(worker)
        rows = self.rows(worker)
        self.assertEqual(len(rows), 8)
        self.assertEqual({row["class"] for row in rows}, {policy})
        return rows


class Live(Programs):
    def test_a_running_program_changes_policy_and_goes_back(self):
        with self.worker() as worker:
            self.go_on(worker)
            rows = self.is_put(worker, "use: deadline, runtimeUs: 500, periodUs: 10000",
                               "deadline", 0, 0, 0, 500000, 10000000, 10000000)
            # A deadline is told from now on; the rule makes none that is two periods away.
            self.assertTrue(all(row["dueInNs"] <= 2 * 10000000 for row in rows), rows)
            now = time.monotonic_ns()
            self.assertTrue(all(row["dueNs"] - row["dueInNs"] <= now for row in rows), rows)
            self.assertRegex(self.ok("top", "--threads", "encoder", "-1"),
                             r"500us in 10\.0ms +(in \S+|\S+ ago) ")
            self.assertEqual({(row["runtimeNs"], row["periodNs"]) for row in rows},
                             {(500000, 10000000)})
            # Every decision since is the rule's.
            before = self.decisions(worker)
            self.go_on(worker)
            after = self.decisions(worker)
            self.assertGreater(after["decisions"], before["decisions"])
            self.assertEqual(after["byRule"], after["decisions"])
            self.assertEqual(after["failures"], 0)
            self.assertRegex(self.ok("top", "--threads", "encoder", "-1"),
                             rf"process {worker.pid}: \S+ decisions, \S+ by the rule, 0 first")
            self.is_put(worker, "use: rr, sliceUs: 3000", "rr", 0, 0, 3000000, 0, 0, 0)
            rows = self.is_put(worker, "use: cfs, nice: 7", "cfs", 1, 7, 0, 0, 0, 0)
            self.assertEqual({row["nice"] for row in rows}, {7})
            # A vruntime is told from the least of those with the same carrier.
            for seat in {row["cpu"] for row in rows}:
                there = [row for row in rows if row["cpu"] == seat and "vruntimeNs" in row]
                least = min((row["vruntimeNs"] for row in there), default=0)
                for row in there:  # told with twelve digits
                    self.assertAlmostEqual(row["aheadNs"], row["vruntimeNs"] - least, delta=100)
            self.assertTrue(any(row.get("aheadNs", 0) > 0 for row in rows), rows)
            self.assertRegex(self.ok("top", "--threads", "encoder", "-1"),
                             r"nice 7 +\+[\d.]+\w+ ")
            self.is_put(worker, "use: eevdf", "eevdf", 0, 0, 0, 0, 0, 0)
            self.ok("delete", "rule", "encoder-sched")
            self.await_block(worker, "cfs", "", 0, 0, 0, 0, 0, 0)
            self.go_on(worker)
            self.finish(worker)

    def test_a_killed_agent_goes_on_where_it_was(self):
        with self.worker() as worker:
            self.go_on(worker)
            self.is_put(worker, "use: rr", "rr", 0, 0, 0, 0, 0, 0)
            os.kill(self.pids("agent/encoder")[-1], signal.SIGKILL)
            self.go_on(worker)
            self.await_line(r"agent/encoder started", 2)
            self.is_put(worker, "use: deadline", "deadline", 0, 0, 0, 2000000, 20000000,
                        20000000)
            self.ok("delete", "rule", "encoder-sched")
            self.await_block(worker, "cfs", "", 0, 0, 0, 0, 0, 0)
            self.go_on(worker)
            self.finish(worker)

    def test_who_begins_later_and_in_a_child_has_it(self):
        self.rule("use: rr, sliceUs: 3000")
        with self.worker(use="rr") as worker, self.worker("sh", "-c", '"$0"; true',
                                                          use="rr") as shell:
            self.go_on(worker)
            self.go_on(shell)
            self.await_block(worker, "rr", "rr", 0, 0, 3000000, 0, 0, 0)
            until = time.monotonic() + LIMIT
            while not (rows := [row for row in
                                self.json("top", "--threads", "encoder")["items"]
                                if row["carrier"] == "fiber" and row["pid"] != worker.pid
                                and row["sliceNs"] == 3000000]):
                self.assertLess(time.monotonic(), until)
            self.assertEqual({row["class"] for row in rows}, {"rr"})
            self.finish(worker)
            self.finish(shell)

    def test_who_sleeps_in_the_kernel_does_not_run(self):
        start = time.monotonic_ns()
        with self.started("run", "-r", "encoder", "--sched", "cfs", "--carrier", "fiber", "--",
                          sys.executable, "-c", READER, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as reader:
            reader.stdin.write("x")
            reader.stdin.flush()
            self.assertEqual(reader.stdout.readline(), "read\n")
            until = time.monotonic() + LIMIT
            while not (blocked := [row["tid"] for row in self.rows(reader)
                                   if row["state"] == "D"]):
                self.assertLess(time.monotonic(), until)
            began = time.monotonic_ns()
            while time.monotonic_ns() - began < 3 * (began - start):
                self.rows(reader)
            slept = time.monotonic_ns() - began
            reader.stdin.write("x")
            reader.stdin.flush()
            self.assertEqual(reader.stdout.readline(), "read\n")
            row = next(row for row in self.rows(reader) if row["tid"] == blocked[0])
            self.assertLess(row["runNs"], time.monotonic_ns() - start - slept)
            reader.communicate("", timeout=LIMIT)

    def test_one_that_is_stopped_is_told_and_obeys_later(self):
        with self.worker() as worker, self.worker() as other:
            self.go_on(worker)
            self.go_on(other)
            worker.send_signal(signal.SIGSTOP)
            self.rule("use: rr")
            self.await_active("Partial", "it is stopped")
            self.assertIn(f"1 of 2 programs under fiber not: fiber_worker ({worker.pid})",
                          self.active()["message"])
            self.await_block(other, "rr")
            refused = {row["pid"]: row.get("refused") for row in
                       self.json("top", "--threads", "encoder")["items"]}
            self.assertEqual(refused, {worker.pid: "ETIMEDOUT", other.pid: None})
            before = Block(block_of(worker.pid)).monitor
            worker.send_signal(signal.SIGCONT)
            self.await_active("InForce")
            self.await_block(worker, "rr")
            # However often it was asked, by then a hundred times: one signal waited for it.
            self.assertLess(Block(block_of(worker.pid)).monitor - before, 10)
            self.go_on(worker)
            self.finish(worker)
            self.finish(other)

    def test_one_in_a_frozen_cgroup_is_told_and_obeys_later(self):
        controller = cgroups.hierarchy_of_freezer()
        if controller is None:
            self.skipTest("no cgroup that freezes can be made")
        with cgroups.group(controller, "frozen") as folder, self.worker() as worker, \
                self.worker() as other:
            self.go_on(worker)
            self.go_on(other)
            cgroups.enter(folder, worker.pid)
            with cgroups.frozen(folder):
                self.rule("use: rr")
                self.await_active("Partial", "1 of 2 programs under fiber not: fiber_worker "
                                  f"({worker.pid}): it does not answer")
                self.await_block(other, "rr")
                self.assertEqual(Block(block_of(worker.pid)).policy, "cfs")
            self.await_active("InForce")
            self.await_block(worker, "rr")
            self.go_on(worker)
            self.finish(worker)
            self.finish(other)

    def test_a_priority_that_orders_nothing_is_told(self):
        with self.worker() as worker:
            self.go_on(worker)
            self.rule("use: rr, priority: 5")
            self.await_active("Partial", "priority orders nothing under fiber")
            self.await_block(worker, "rr")
            self.rule("use: rr")
            self.await_active("InForce")
            self.finish(worker)

    def assert_told_apart(self, program):
        """The first thread, the one that was evicted, and what is the runtime's own."""
        rows = [row for row in self.json("top", "--threads", "encoder")["items"]
                if row["pid"] == program.pid]
        names = {row["name"] for row in rows if row["carrier"] == "runtime"}
        self.assertLessEqual({"rh-carrier-0", "rh-monitor", "rh-maker"}, names)
        self.assertTrue(all(name.startswith("rh-") for name in names), names)
        self.assertEqual([row["tid"] for row in rows
                          if row["carrier"] == "host" and "evicted" not in row], [program.pid])
        evicted = [row for row in rows if "evicted" in row]
        self.assertEqual([(row["carrier"], row["evicted"]) for row in evicted],
                         [("host", "it is bound to processors")])
        self.assertFalse(any(row["name"].startswith("rh-") for row in rows
                             if row["carrier"] != "runtime"), rows)
        table = self.ok("top", "--threads", "encoder", "-1")
        self.assertRegex(table, rf"{evicted[0]['tid']} .* host \(evicted\) +it is bound to "
                         "processors")
        self.assertNotIn("rh-monitor", table)
        self.assertRegex(self.ok("top", "--threads", "encoder", "-1", "-o", "wide"),
                         r"rh-monitor .* runtime")

    def test_threads_that_the_kernel_orders_are_told_with_the_rule(self):
        with self.started("run", "-r", "encoder", "--sched", "cfs", "--carrier", "fiber", "--",
                          sys.executable, "-c", BOUND, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
            self.assertEqual(program.stdout.readline(), "bound\n")
            name = os.path.basename(sys.executable)[:15]
            self.await_active("Partial", f"1 thread under host: {name} ({program.pid}): "
                              "it is bound to processors")
            self.rule("use: rr")
            self.await_active("Partial", "1 thread under host")
            self.await_block(program, "rr")
            self.assert_told_apart(program)
            program.stdin.write("on\n")
            program.stdin.flush()
            self.assertEqual(program.stdout.readline(), "ended\n")
            self.await_active("InForce")
            self.assertIn("it is bound to processors", program.communicate("\n")[1])

    def await_rows(self, worker, is_so):
        """Until what is told of its threads is so; they work meanwhile."""
        until = time.monotonic() + LIMIT
        while not is_so(rows := [row for row in
                                 self.json("top", "--threads", "encoder")["items"]
                                 if row["pid"] == worker.pid]):
            self.assertLess(time.monotonic(), until, rows)
            self.go_on(worker)

    def test_what_others_ask_of_the_kernel_for_a_thread_counts(self):
        with self.worker() as worker:
            self.go_on(worker)
            before = {row["tid"]: row["nice"] for row in self.rows(worker)}
            first, second, third = list(before)[:3]
            nice = os.getpriority(os.PRIO_PROCESS, first)
            for more in nice + 2, nice + 3:
                os.setpriority(os.PRIO_PROCESS, first, more)
                self.await_rows(worker, lambda rows, told={**before, first: more}: told == {
                    row["tid"]: row["nice"] for row in rows if row["carrier"] == "fiber"})
            self.assertFalse(any("evicted" in row for row in
                                 self.json("top", "--threads", "encoder")["items"]))
            wanted = set()
            if len(os.sched_getaffinity(0)) > 1:
                os.sched_setaffinity(second, {min(os.sched_getaffinity(0))})
                wanted.add((second, "it is bound to processors"))
            with contextlib.suppress(PermissionError):
                os.sched_setscheduler(third, os.SCHED_RR, os.sched_param(1))
                wanted.add((third, "it has a scheduling class of the kernel"))
            self.await_rows(worker, lambda rows: wanted ==
                            {(row["tid"], row["evicted"]) for row in rows if "evicted" in row})
            self.finish(worker)

    def test_one_that_lies_harms_nobody(self):
        with self.worker() as other, self.started(
                "run", "-r", "encoder", "--sched", "cfs", "--carrier", "fiber", "--",
                sys.executable, "-c", LIAR, str(other.pid), stdin=subprocess.PIPE,
                stdout=subprocess.PIPE) as liar:
            self.go_on(other)
            self.assertEqual(liar.stdout.readline(), "lies\n")
            agent = self.pids("agent/encoder")
            self.rule("use: rr")
            self.await_active("Partial", "it does not answer")
            self.await_block(other, "rr")
            liar.stdin.write("less\n")  # it takes its memory away under whoever reads it
            liar.stdin.flush()
            self.assertEqual(liar.stdout.readline(), "less\n")
            self.await_active("InForce")
            self.rule("use: deadline")
            self.await_block(other, "deadline")
            self.assertEqual(self.pids("agent/encoder"), agent)
            self.go_on(other)
            self.finish(other)
            liar.communicate("", timeout=LIMIT)

    def test_what_makes_no_sense_is_refused(self):
        with self.worker() as worker:
            self.go_on(worker)
            control = Control(block_of(worker.pid))
            control.ask("nothing")
            self.assertEqual(control.fields()[2], -2)
            self.await_block(worker, "cfs")
            control.ask("rr", 1, 20)
            self.assertEqual(control.fields()[2], -22)
            self.await_block(worker, "cfs")
            control.ask("rr", 0, 0, 1 << 60)
            self.assertEqual(control.fields()[2], -22)
            self.await_block(worker, "cfs")
            self.go_on(worker)
            self.finish(worker)

    def test_a_rule_without_a_carrier_is_its_runtimes_to_obey(self):
        with self.worker() as worker:
            self.go_on(worker)
            self.await_standby(worker)
            said = f"fiber_worker ({worker.pid}) under fiber:"
            for says, policy, *numbers in (
                    ("use: deadline, runtimeUs: 500, periodUs: 10000", "deadline",
                     0, 0, 0, 500000, 10000000, 10000000),
                    ("use: fifo", "fifo", 0, 0, 0, 0, 0, 0),
                    ("use: rr, priority: 3", "rr", 0, 0, 0, 0, 0, 0)):
                self.rule(says, carrier="host")
                self.await_active("Partial", f"{said} {policy} among its own threads only, no "
                                  "real-time class (carrier: fiber asks for none)")
                self.await_block(worker, policy, policy, *numbers)
                self.assertEqual([row["class"] for row in self.rows(worker)], [policy] * 8)
                self.await_standby(worker)
            self.assertRegex(self.ok("describe", "encoder"),
                             r"Rules +encoder-sched: rr on host: priority 3 \(")
            self.assertRegex(self.ok("describe", "rule", "encoder-sched"),
                             r"Resource +encoder\n")
            self.rule("use: cfs, nice: 5", carrier="host")
            self.await_active("Partial", f"{said} cfs among its own threads only, nice")
            self.await_block(worker, "cfs", "cfs", 1, 5, 0, 0, 0, 0)
            self.await_standby(worker)
            self.rule("use: cfs", carrier="host")
            self.await_active("InForce")
            self.await_block(worker, "cfs", "cfs", 0, 0, 0, 0, 0, 0)
            self.go_on(worker)
            # Nor when the carrier changes, or the rule goes.
            self.is_put(worker, "use: eevdf", "eevdf", 0, 0, 0, 0, 0, 0)
            self.await_standby(worker)
            self.ok("delete", "rule", "encoder-sched")
            self.await_block(worker, "cfs", "", 0, 0, 0, 0, 0, 0)
            self.await_standby(worker)
            self.finish(worker)

    def await_standby(self, worker):
        """Until the stand-by is ten behind, as the runtime has it: a new one begins as its
        maker.  No thread but that has another class or nice value than the program."""
        own = os.getpriority(os.PRIO_PROCESS, 0)
        until = time.monotonic() + LIMIT
        while True:
            tids = [int(tid) for tid in os.listdir(f"/proc/{worker.pid}/task")]
            nices = sorted(os.getpriority(os.PRIO_PROCESS, tid) for tid in tids)
            self.assertEqual({os.sched_getscheduler(tid) for tid in tids}, {os.SCHED_OTHER})
            if nices == [own] * (len(tids) - 1) + [min(own + 10, 19)]:
                return
            self.assertLess(time.monotonic(), until, nices)
            time.sleep(0.01)

    def test_threads_that_are_the_kernels_have_its_class(self):
        with self.started("run", "-r", "encoder", "--sched", "cfs", "--carrier", "fiber", "--",
                          sys.executable, "-c", BOUND, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
            self.assertEqual(program.stdout.readline(), "bound\n")
            home = [thread.tid for thread in Block(block_of(program.pid)).threads
                    if STATES[thread.state] == "home"]
            self.assertEqual(len(home), 1)
            own = os.getpriority(os.PRIO_PROCESS, program.pid)
            self.rule("use: cfs, nice: 5", carrier="host")
            self.await_nice(home[0], 5)
            self.await_active("Partial", "under fiber: cfs among its own threads only")
            self.assertEqual(os.getpriority(os.PRIO_PROCESS, program.pid), own)
            self.rule("use: cfs, nice: 5")
            self.await_active("Partial", "1 thread under host")
            if os.geteuid() == 0:
                self.await_nice(home[0], own)
            program.communicate("on\n\n", timeout=LIMIT)

    def await_nice(self, tid, nice):
        until = time.monotonic() + LIMIT
        while os.getpriority(os.PRIO_PROCESS, tid) != nice:
            self.assertLess(time.monotonic(), until, self.log())
            time.sleep(0.01)

    def test_a_program_without_a_runtime_has_the_kernels_class(self):
        path = os.path.join(BUILD, "tests", "system", "sched_program_static")
        with self.started("run", "-r", "encoder", "--sched", "cfs", "--carrier", "fiber", "--",
                          "sh", "-c", '"$0"; true', path, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as shell:
            pid = int(shell.stdout.readline().split()[1])
            shell.stdin.write("thread\n")
            shell.stdin.flush()
            tid = int(shell.stdout.readline().split()[1])
            self.await_active("Partial", "no runtime is in it")
            self.rule("use: cfs, nice: 5", carrier="host")
            self.await_nice(tid, 5)
            self.await_nice(pid, 5)
            self.await_active("InForce")
            shell.communicate("", timeout=LIMIT)


class Traced(Programs):
    STEP = re.compile(r" {0,3}(?P<step>\d| ) +(?P<at>[\d.]+\w+)?  (?P<thread>T\d+)? +"
                      r"(?:(?P<name>\S*)/(?P<tid>\d+))? +(?P<seat>\d+|-)  (?P<what>.+)")

    @contextlib.contextmanager
    def traced(self, *words):
        """The steps that are printed, each a dictionary, when the trace is on."""
        with self.started("trace", "--sched", "encoder", *words, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as trace:
            self.assertTrue(trace.stdout.readline().startswith("STEP"))
            yield trace
            trace.terminate()
            trace.communicate(timeout=LIMIT)
            self.assertEqual(trace.returncode, 0)

    def step(self, trace):
        line = trace.stdout.readline()
        step = self.STEP.fullmatch(line.rstrip("\n"))
        self.assertTrue(step, line)
        return step.groupdict()

    def test_the_nine_steps_of_the_figure(self):
        """Of two threads of a program on one processor, from their beginning to their end."""
        with self.started("run", "-r", "encoder", "--sched", "cfs", "--carrier", "fiber",
                          "--", "taskset", "-c", "0", sys.executable, "-c", PAIR,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as pair:
            pair.stdin.write("1\n")
            pair.stdin.flush()
            self.assertEqual(pair.stdout.readline(), "done\n")  # the runtime is there
            with self.traced() as trace:
                pair.stdin.write("2\n")
                pair.stdin.flush()
                steps = []
                while len([step for step in steps if "given back" in step["what"]]) < 2:
                    steps.append(self.step(trace))
            self.assertEqual(pair.stdout.readline(), "done\n")
            pair.communicate(timeout=LIMIT)
        first = {step["thread"]: step["tid"] for step in reversed(steps) if step["thread"]}
        self.assertEqual({"T1", "T2"}, set(first), steps)
        self.assertEqual({step["step"] for step in steps} - {" "},
                         set("123456789"), steps)
        for thread, context, queued in (("T1", "3", "5"), ("T2", "4", "6")):
            own = [step for step in steps if step["thread"] == thread]
            self.assertEqual([step["step"] for step in own][:2], ["2", context], own)
            self.assertEqual([step["step"] for step in own if "enqueue(new)" in step["what"]],
                             [queued])
            self.assertIn("given back", own[-1]["what"])
            # Whoever runs was chosen, and was in the queue before.
            for before, step in zip(own, own[1:]):
                if step["what"].startswith("switch:"):
                    self.assertIn("pick_next: it is first by the rule", before["what"])
        # Each decision takes the one with the least vruntime of those that wait.
        queued = {}
        for step in steps:
            if step["what"].startswith("enqueue"):
                queued[step["thread"]] = self.duration(step["what"])
            elif step["what"].startswith("pick_next"):
                self.assertEqual(queued.pop(step["thread"]), self.duration(step["what"]))
                for least in queued.values():
                    self.assertLessEqual(self.duration(step["what"]), least + abs(least) / 100)

    @staticmethod
    def duration(what):
        """The vruntime that is told, in ns."""
        found = re.search(r"vruntime ([+-][\d.]+)(ns|us|ms|s)\b", what)
        units = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
        return float(found[1]) * units[found[2]] if found else 0

    def reads(self, process):
        """How often it has read from a file."""
        with open(f"/proc/{process.pid}/io", encoding="utf-8") as file:
            return int(re.search(r"^syscr: (\d+)$", file.read(), re.M)[1])

    def await_looks(self, trace):
        """It has looked for programs, each time in several files."""
        until, first = time.monotonic() + LIMIT, self.reads(trace)
        while self.reads(trace) < first + 60:
            self.assertLess(time.monotonic(), until)
            select.select([], [], [], 0.01)

    def test_a_program_that_becomes_another_is_followed(self):
        """Also when the other one has no threads for a while."""
        with self.started("run", "-r", "encoder", "--sched", "cfs", "--carrier", "fiber",
                          "--", sys.executable, "-c", BECOMES, sys.executable, "-c", WAITS, WORKER,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
            self.assertEqual(program.stdout.readline(), "begun\n")
            with self.traced() as trace:
                program.stdin.write("become it\n")
                program.stdin.flush()
                self.assertEqual(program.stdout.readline(), "waits\n")
                self.await_looks(trace)
                program.stdin.write("become the worker\n")
                program.stdin.flush()
                said = f"(process {program.pid} became another program)\n"
                self.assertIn(said, iter(trace.stdout.readline, ""))
                # Of the new one, too: its threads never rest.
                until = time.monotonic() + LIMIT
                while not Block(block_of(program.pid)).events:
                    self.assertLess(time.monotonic(), until)
                    self.go_on(program)
                self.step(trace)
            self.finish(program)

    def test_it_is_off_when_nobody_reads(self):
        with self.worker() as worker:
            self.go_on(worker)
            path = block_of(worker.pid)
            self.go_on(worker)
            self.assertEqual(Block(path).events, 0)
            with self.traced():
                until = time.monotonic() + LIMIT
                while not Block(path).events:
                    self.assertLess(time.monotonic(), until)
                    self.go_on(worker)
            self.await_quiet(worker, path)
            # Also when the agent does not come to say so.
            with self.traced("-n", "1000000") as trace:
                seen = Block(path).events
                while Block(path).events == seen:
                    self.go_on(worker)
                os.kill(self.pids("agent/encoder")[-1], signal.SIGKILL)
                trace.kill()
                trace.communicate()
                trace.returncode = 0
            self.await_quiet(worker, path)
            self.finish(worker)

    def await_quiet(self, worker, path):
        """Until a hundred rounds leave no event."""
        until = time.monotonic() + LIMIT
        while True:
            before = Block(path).events
            self.go_on(worker)
            if Block(path).events == before:
                return
            self.assertLess(time.monotonic(), until)

    def test_what_comes_too_fast_is_counted(self):
        with self.worker() as worker:
            self.go_on(worker)
            path = block_of(worker.pid)
            with self.traced() as trace:
                seen = Block(path).events
                trace.send_signal(signal.SIGSTOP)
                while Block(path).events - seen < 20000:
                    self.go_on(worker)
                trace.send_signal(signal.SIGCONT)
                told = 0
                while not (line := trace.stdout.readline()).startswith("("):
                    told += 1
                lost = int(re.match(r"\((\d+) events of process", line)[1])
                self.assertGreater(lost, 20000 - 16384)
                self.assertRegex(trace.stdout.readline(), self.STEP)
            self.finish(worker)

    def test_what_the_kernel_schedules_is_not_told(self):
        host = os.path.join(BUILD, "tests", "system", "sched_program")
        with self.started("run", "-r", "encoder", "--sched", "cfs", "--", host,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
            self.assertEqual(program.stdout.readline(), f"ready {program.pid}\n")
            self.assertIn("the kernel schedules the threads of encoder (carrier host)",
                          self.rhodes("trace", "--sched", "encoder").stderr)
            program.communicate("", timeout=LIMIT)


    def test_without_a_resource_it_says_how_to_have_one(self):
        said = self.rhodes("trace", "--sched")
        self.assertEqual(said.returncode, 2)
        self.assertIn("spec: {type: application}", said.stderr)
        self.assertIn("`rhodes run -r NAME --sched cfs --carrier fiber -- PROGRAM`", said.stderr)


class Alone(Programs):
    """Of an agent that may not be raised above real-time threads."""

    def up(self, *words):
        if os.geteuid() == 0 and not shutil.which("setpriv"):
            self.skipTest("there is no setpriv")
        before = ["setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice"] \
            if os.geteuid() == 0 else []
        subprocess.run([*before, self.rhodes_path, "up", "--detach", *words], env=self.env,
                       check=True, capture_output=True, timeout=LIMIT)

    def test_programs_under_fiber_need_no_right_of_it(self):
        host = os.path.join(BUILD, "tests", "system", "sched_program_static")
        with self.worker() as worker:
            self.go_on(worker)
            self.is_put(worker, "use: deadline", "deadline", 0, 0, 0, 2000000, 20000000,
                        20000000)
            with self.started("run", "-r", "encoder", "--", host, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as other:
                self.assertEqual(other.stdout.readline(), f"ready {other.pid}\n")
                self.await_active("Partial", "1 thread not under fiber: deadline needs")
                self.assertEqual(os.sched_getscheduler(other.pid), os.SCHED_OTHER)
                other.communicate("", timeout=LIMIT)
            self.await_active("InForce")
            self.go_on(worker)
            # Nor for a rule that names no carrier: it has nobody else to be refused by.
            self.rule("use: rr", carrier="host")
            self.await_active("Partial", f"fiber_worker ({worker.pid}) under fiber: rr")
            self.await_block(worker, "rr", "rr", 0, 0, 0, 0, 0, 0)
            self.go_on(worker)
            self.finish(worker)


if __name__ == "__main__":
    unittest.main(verbosity=2)
