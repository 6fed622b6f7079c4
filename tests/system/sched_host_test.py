#!/usr/bin/env python3
"""Rules of scheduling under the carrier host: what the kernel says of every thread of real
programs, before and after a rule comes, changes and goes, and what it refuses."""
import contextlib
import ctypes
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import time
import unittest

from cli_stage import BUILD, LIMIT, Stage

OTHER, FIFO, RR, DEADLINE = 0, 1, 2, 6
RESET = 0x40000000  # SCHED_RESET_ON_FORK
CAP_SYS_NICE = 23
CPUS = os.cpu_count()
AS_MANY = 3 * CPUS + 1  # deadlines that no admission lets pass


def is_privileged():
    with open("/proc/self/status", encoding="ascii") as file:
        caps = next(line for line in file if line.startswith("CapEff:"))
    return int(caps.split()[1], 16) >> CAP_SYS_NICE & 1 == 1


class Attr(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("policy", ctypes.c_uint32),
                ("flags", ctypes.c_uint64), ("nice", ctypes.c_int32),
                ("priority", ctypes.c_uint32), ("runtime", ctypes.c_uint64),
                ("deadline", ctypes.c_uint64), ("period", ctypes.c_uint64)]


def attr_of(tid):
    """What the kernel says: sched_getattr(2)."""
    attr = Attr(size=ctypes.sizeof(Attr))
    if ctypes.CDLL(None, use_errno=True).syscall(315, tid, ctypes.byref(attr),
                                                 ctypes.sizeof(attr), 0) != 0:
        raise OSError(ctypes.get_errno(), f"thread {tid}")
    return attr


def threads_of(pid):
    return [int(tid) for tid in os.listdir(f"/proc/{pid}/task")]


def fair(nice):
    return lambda attr: attr.policy == OTHER and attr.nice == nice


def real(policy, priority):
    return lambda attr: attr.policy == policy and attr.priority == priority


def due(runtime_us, period_us):
    return lambda attr: attr.policy == DEADLINE and attr.runtime == runtime_us * 1000 and \
        attr.period == period_us * 1000


class Program:
    """sched_program, under `rhodes run`."""

    def __init__(self, process):
        self.process = process
        self.pid = self.read("ready")

    def read(self, word):
        got = self.process.stdout.readline().split()
        assert got and got[0] == word, got
        return int(got[1])

    def make(self, what):
        """Another thread or process; its number."""
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return self.read(what)


class Host(Stage):
    has_agents = True
    before = []  # in front of `rhodes up`, and of programs

    def setUp(self):
        super().setUp()
        self.manifest = self.path("encoder.yaml", "kind: Resource\n"
                                  "metadata: {name: encoder}\nspec: {type: application}\n")
        self.start()

    def start(self):
        done = subprocess.run([*self.before, self.rhodes_path, "up", "--detach",
                               self.manifest], env=self.env, text=True, timeout=LIMIT,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    @contextlib.contextmanager
    def program(self, *options, name="sched_program", front=(), resource="encoder"):
        path = os.path.abspath(os.path.join(BUILD, "tests", "system", name))
        command = [*self.before, *front, self.rhodes_path, "run", "-r", resource, *options,
                   "--", path]
        with subprocess.Popen(command, env=self.env, stdin=subprocess.PIPE, text=True,
                              stdout=subprocess.PIPE) as process:
            try:
                yield Program(process)
            finally:
                process.kill()

    def rule(self, says, *words):
        path = self.path("rule.yaml", "kind: Rule\nmetadata: {name: encoder-sched}\n"
                         f"spec: {{sched: {{resource: encoder, {says}}}}}\n")
        return self.ok("apply", "-f", path, *words)

    def await_all(self, tids, is_so):
        """Until the kernel says so of all of them: it tells nobody that it changed."""
        end = time.monotonic() + LIMIT
        while not all(is_so(attr_of(tid)) for tid in tids):
            if time.monotonic() > end:
                said = [(tid, attr_of(tid).policy, attr_of(tid).nice,
                         attr_of(tid).priority, attr_of(tid).runtime) for tid in tids]
                self.fail(f"{said}\n{self.log()}")
            time.sleep(0.01)

    def await_said(self, words, *command):
        """Until a command says that."""
        end = time.monotonic() + LIMIT
        while not all(word in (said := self.ok(*command)) for word in words):
            if time.monotonic() > end:
                self.fail(f"{command}: {said}\n{self.log()}")
            time.sleep(0.05)
        return said


@unittest.skipUnless(is_privileged(), "needs CAP_SYS_NICE")
class Swaps(Host):
    def compress(self, command, one, two):
        """One half goes in, then the rules change, then the other; what came out."""
        path = self.path("out")
        with open(path, "wb") as out, subprocess.Popen(
                [self.rhodes_path, "run", "-r", "encoder", "--sched", "cfs", "--",
                 *command], env=self.env, stdin=subprocess.PIPE, stdout=out) as process:
            process.stdin.write(one)
            process.stdin.flush()
            tids = threads_of(process.pid)
            self.await_all(tids, fair(0))
            self.rule("use: deadline, runtimeUs: 500, periodUs: 10000")
            self.await_all(tids, due(500, 10000))
            self.rule("use: rr, priority: 3")
            self.await_all(tids, real(RR, 3))
            self.rule("use: fifo")
            self.await_all(tids, real(FIFO, 1))
            self.rule("use: eevdf, nice: 7, sliceUs: 3000")
            self.await_all(tids, fair(7))
            process.stdin.write(two)
            process.stdin.close()
            self.assertEqual(process.wait(LIMIT), 0)
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def test_a_running_program_changes_policy_and_says_the_same(self):
        half = bytes(i * i % 251 for i in range(1 << 16)) * 64
        for command in (["xz", "-T4", "-1", "--block-size=1MiB"], ["zstd", "-T4", "-3"]):
            if not shutil.which(command[0]):
                self.skipTest(f"there is no {command[0]}")
            plain = subprocess.run(command, input=2 * half, capture_output=True, check=True)
            self.assertEqual(self.compress(command, half, half),
                             hashlib.sha256(plain.stdout).hexdigest())
            self.ok("delete", "rule", "encoder-sched")

    def test_threads_and_children_that_come_later(self):
        for name in ("sched_program", "sched_program_static"):
            with self.program("--sched", "rr", name=name) as program:
                tids = [program.pid]
                self.await_all(tids, real(RR, 1))
                tids += [program.make("thread"), program.make("child")]
                self.await_all(tids, real(RR, 1))
                self.rule("use: deadline, runtimeUs: 300, periodUs: 10000")
                self.await_all(tids, due(300, 10000))
                tids += [program.make("thread"), program.make("child")]
                self.await_all(tids, due(300, 10000))
                self.ok("delete", "rule", "encoder-sched")
                self.await_all(tids, fair(0))
                self.assertFalse(any(attr_of(tid).flags & 1 for tid in tids))

    def test_each_thread_gets_back_what_it_had(self):
        with self.program(front=["nice", "-n", "3"]) as program:
            own = program.make("thread")
            os.setpriority(os.PRIO_PROCESS, own, 9)
            other = program.make("thread")
            os.sched_setscheduler(other, os.SCHED_BATCH, os.sched_param(0))
            self.rule("use: fifo, priority: 7")
            later = program.make("thread")
            self.await_all([program.pid, own, other, later], real(FIFO, 7))
            self.ok("delete", "rule", "encoder-sched")
            self.await_all([program.pid, later], fair(3))
            self.await_all([own], fair(9))
            self.await_all([other], lambda attr: attr.policy == os.SCHED_BATCH and
                           attr.nice == 3)

    def test_a_slice_comes_and_goes(self):
        with self.program() as program:
            before = attr_of(program.pid).runtime
            if not before:
                self.skipTest("the kernel has no slices of threads")
            self.rule("use: cfs, sliceUs: 7000")
            self.await_all([program.pid], lambda attr: attr.runtime == 7000000)
            self.ok("delete", "rule", "encoder-sched")
            self.await_all([program.pid], lambda attr: attr.runtime == before)

    def test_a_killed_agent_goes_on_where_it_was(self):
        with self.program(front=["nice", "-n", "3"]) as program:
            tids = [program.pid, program.make("thread")]
            self.rule("use: rr, priority: 4")
            self.await_all(tids, real(RR, 4))
            os.kill(self.pids("agent/encoder")[-1], signal.SIGKILL)
            self.await_line(r"agent/encoder started", 2)  # it says no other line for sure
            tids.append(program.make("thread"))
            self.ok("delete", "rule", "encoder-sched")
            self.await_all(tids, fair(3))

    def test_an_agent_that_ends_in_order_gives_back(self):
        with self.program("--sched", "fifo") as program:
            tids = [program.pid, program.make("thread")]
            self.await_all(tids, real(FIFO, 1))
            self.ok("down")
            self.assertTrue(all(fair(0)(attr_of(tid)) for tid in tids))
            self.start()
            self.await_all(tids, real(FIFO, 1))

    def test_admission_refuses_and_it_is_told(self):
        with self.program() as program:
            tids = [program.pid] + [program.make("thread") for _ in range(AS_MANY)]
            self.rule("use: deadline, runtimeUs: 4500, periodUs: 10000")
            said = self.await_said(["Partial"], "get", "rules")
            for command in (["describe", "rule", "encoder-sched"],
                            ["rollout", "status", "encoder-sched"]):
                said = self.ok(*command)
                self.assertIn("EBUSY", said)
                self.assertIn(f"of {len(tids)} threads", said)
            doctor = self.rhodes("doctor")
            self.assertIn("EBUSY, admission", doctor.stdout + doctor.stderr)
            refused = {row["tid"] for row in self.json("top", "--threads", "encoder")["items"]
                       if row.get("refused") == "EBUSY"}
            has = {tid for tid in tids if attr_of(tid).policy == DEADLINE}
            self.assertEqual(has | refused, set(tids))
            self.assertFalse(has & refused)
            self.assertTrue(has)
            self.rule("use: deadline, runtimeUs: 10, periodUs: 10000")
            self.await_all(tids, due(10, 10000))
            self.await_said(["Active 1 of 1"], "get", "rules")

    def test_undo_brings_the_former_policy(self):
        with self.program("--sched", "rr") as program:
            self.rule("use: cfs, nice: 5, rollout: {steps: ['100%'], wait: 0ms}")
            self.await_all([program.pid], fair(5))
            self.ok("rollout", "undo", "encoder-sched")
            self.await_all([program.pid], real(RR, 1))
            self.assertIn("cfs", self.ok("rollout", "history", "encoder-sched"))

    def test_threads_that_never_sleep_do_not_keep_the_rule(self):
        with self.program() as program:
            tids = [program.pid] + [program.make("spin") for _ in range(2 * CPUS)]
            self.rule("use: fifo, priority: 50")
            self.await_all(tids, real(FIFO, 50))
            agent = attr_of(self.pids("agent/encoder")[-1])
            self.assertEqual(agent.policy, RR)
            self.assertGreater(agent.priority, 50)
            self.rule("use: cfs, nice: 19")
            self.await_all(tids, fair(19))
            self.await_all([self.pids("agent/encoder")[-1]], fair(-20))

    def test_run_leaves_a_rule_that_says_so(self):
        self.rule("use: rr, priority: 7")
        with self.program("--sched", "rr") as program:
            self.await_all([program.pid], real(RR, 7))
        with self.program("--sched", "fifo") as program:
            self.await_all([program.pid], real(FIFO, 1))
        rules = [rule for rule in self.json("get", "rules")["items"]
                 if "sched" in rule["spec"]]
        self.assertEqual([rule["metadata"]["name"] for rule in rules], ["encoder-sched"])

    def test_agents_of_a_pool_stand_above_as_the_highest_needs(self):
        self.ok("down")
        others = self.path("others.yaml", "".join(
            f"---\nkind: Resource\nmetadata: {{name: {name}}}\nspec: {{type: application}}\n"
            for name in ("one", "two")))
        self.ok("up", "--detach", "--pool", "8", self.manifest, others)
        rule = "---\nkind: Rule\nmetadata: {{name: {0}-sched}}\n" \
               "spec: {{sched: {{resource: {0}, use: {1}}}}}\n"
        self.ok("apply", "-f", self.path("rules.yaml", rule.format("one", "cfs") +
                                         rule.format("two", "eevdf") +
                                         rule.format("encoder", "rr")))
        pool = self.pids("agents-0")[-1]
        self.await_all([pool], real(RR, 60))
        self.ok("delete", "rule", "encoder-sched")
        self.await_all([pool], fair(-20))
        self.ok("delete", "rule", "one-sched")
        self.ok("delete", "rule", "two-sched")
        self.await_all([pool], fair(0))

    def test_top_shows_each_thread(self):
        with self.program("--sched", "rr") as program:
            tid = program.make("thread")
            self.await_all([program.pid, tid], real(RR, 1))
            rows = {row["tid"]: row for row in
                    self.json("top", "--threads", "encoder")["items"]}
            self.assertEqual(rows.keys(), {program.pid, tid})
            self.assertEqual((rows[tid]["pid"], rows[tid]["class"], rows[tid]["priority"],
                              rows[tid]["carrier"]), (program.pid, "RR", 1, "host"))
            self.rule("use: deadline, runtimeUs: 300, periodUs: 10000")
            self.await_all([program.pid, tid], due(300, 10000))
            said = self.ok("top", "--threads", "encoder", "-1")
            self.assertIn("encoder-sched deadline host", said)
            self.assertIn("300us in 10.0ms", said)
        self.refused(4, "top", "--threads", "nobody")

    def test_sched_ext_is_refused_and_it_is_told(self):
        has_it = os.path.exists("/sys/kernel/sched_ext")
        why = "this agent schedules nothing by sched_ext" if has_it else \
            "this kernel has no sched_ext"
        with self.program() as program:
            self.rule("use: cfs, nice: 7")
            self.await_all([program.pid], fair(7))
            self.rule("use: cfs, nice: 9, carrier: sched_ext")
            self.await_said(["Rejected"], "get", "rules")
            self.assertIn(why, self.ok("describe", "rule", "encoder-sched"))
            self.assertTrue(fair(7)(attr_of(program.pid)))
            # A program that asks for it runs all the same, and is told.
            done = self.rhodes("run", "-r", "encoder", "--sched", "cfs", "--carrier",
                               "sched_ext", "--", "echo", "it runs")
            self.assertEqual((done.returncode, done.stdout), (0, "it runs\n"), done.stderr)
            self.assertIn(why, done.stderr)
            # One that was rejected is not said to be in force in part.
            self.rule("use: cfs, nice: 7")
            self.await_all([program.pid], fair(7))
            done = self.rhodes("run", "-r", "encoder", "--sched", "rr", "--carrier",
                               "sched_ext", "--", "echo", "it runs")
            self.assertIn("the rule is rejected, cfs stays in force: ENOSYS", done.stderr)
            self.assertIn("put at revision", said := self.ok("describe", "rule",
                                                             "encoder-sched"))
            self.assertNotIn("in force since", said)
            self.rule("use: cfs, nice: 5")
            self.await_all([program.pid], fair(5))

    def test_the_machine_must_keep_time_for_others(self):
        self.ok("down")
        full = self.path("full", "-1\n")
        self.before = ["unshare", "-m", "sh", "-c",
                       f"mount --bind {full} /proc/sys/kernel/sched_rt_runtime_us && "
                       'exec "$@"', "sh"]
        if subprocess.run([*self.before, "true"], check=False,
                          capture_output=True).returncode:
            self.skipTest("nothing can be mounted here")
        self.start()
        self.before = []
        with self.program() as program:
            self.rule("use: fifo")
            self.await_said(["Rejected"], "get", "rules")
            self.assertIn("sched_rt_runtime_us", self.ok("describe", "rule",
                                                         "encoder-sched"))
            self.assertTrue(fair(0)(attr_of(program.pid)))

    def test_run_follows_the_carrier_that_the_rule_says(self):
        self.install_runtime()
        for word, words in (("fiber", []), ("host", ["--sched", "rr", "--carrier", "host"]),
                            ("fiber", ["--sched", "rr", "--carrier", "fiber"]),
                            ("fiber", ["--sched", "rr"])):
            if not words:
                self.rule("use: rr, carrier: fiber")
            done = self.rhodes("run", "-r", "encoder", *words, "--", "sh", "-c",
                               "echo $RHODES_SCHED $LD_PRELOAD")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual("librhodes-fiber.so" in done.stdout, word == "fiber", words)
            self.assertEqual("rr" in done.stdout, word == "fiber", words)

    def test_the_carrier_fiber_is_left_to_its_runtime(self):
        half = bytes(i * i % 251 for i in range(1 << 16)) * 64
        command = ["xz", "-T3", "-1", "--block-size=1MiB"]
        self.install_runtime()
        path = self.path("out")
        with open(path, "wb") as out, subprocess.Popen(
                [self.rhodes_path, "run", "-r", "encoder", "--sched", "rr", "--carrier",
                 "fiber", "--", *command], env=self.env, stdin=subprocess.PIPE, stdout=out,
                stderr=subprocess.PIPE, text=False) as process:
            process.stdin.write(half)
            process.stdin.flush()
            self.await_said(["fiber"], "top", "--threads", "encoder", "-1")
            rows = self.json("top", "--threads", "encoder")["items"]
            self.assertEqual({attr_of(row["tid"]).policy for row in rows}, {OTHER}, rows)
            self.assertEqual({row["class"] for row in rows if row["carrier"] == "fiber"},
                             {"rr"}, rows)
            self.assertTrue(any(row["carrier"] == "fiber" and row["runNs"] > 0
                                for row in rows), rows)
            self.rule("use: fifo, priority: 2")
            self.await_said([f"xz ({process.pid}) under fiber: fifo"], "describe", "rule",
                            "encoder-sched")
            rows = self.json("top", "--threads", "encoder")["items"]
            self.assertEqual({attr_of(row["tid"]).policy for row in rows}, {OTHER}, rows)
            self.assertEqual({row["class"] for row in rows if row["carrier"] == "fiber"},
                             {"fifo"}, rows)
            process.stdin.write(half)
            process.stdin.close()
            self.assertEqual(process.stderr.read(), b"")
            self.assertEqual(process.wait(LIMIT), 0)
        plain = subprocess.run(command, input=2 * half, capture_output=True, check=True)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), plain.stdout)

    def test_a_rule_that_no_thread_can_have_is_rejected(self):
        with self.program() as program:
            os.sched_setaffinity(program.pid, {0})
            if CPUS < 2:
                self.skipTest("an affinity leaves out nothing here")
            self.rule("use: rr")
            self.await_all([program.pid], real(RR, 1))
            self.rule("use: deadline")
            self.await_said(["rejected", "affinity"], "describe", "rule", "encoder-sched")
            self.assertTrue(real(RR, 1)(attr_of(program.pid)))

    def test_a_static_program_runs_under_host_and_is_told(self):
        path = os.path.abspath(os.path.join(BUILD, "tests/system/sched_program_static"))
        done = self.rhodes("run", "-r", "encoder", "--sched", "rr", "--carrier", "fiber",
                           "--", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("linked statically", done.stderr)

    def under_host(self, path, why):
        """It is told, and runs: the kernel's class is what it has."""
        with self.started("run", "-r", "encoder", "--sched", "rr", "--carrier", "fiber", "--",
                          path, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as program:
            out, err = program.communicate(timeout=LIMIT)
        self.assertEqual(program.returncode, 0, err)
        self.assertIn(why, err)
        self.assertIn("carrier host", err)
        return out

    def test_a_program_of_go_runs_under_host_and_is_told(self):
        self.install_runtime()
        path = os.path.abspath(os.path.join(BUILD, "tests/system/sched_program_go"))
        self.under_host(path, "program of Go")
        # Where nobody looks, its runtime stands aside by itself.
        with self.started("run", "-r", "encoder", "--sched", "rr", "--carrier", "fiber", "--",
                          "sh", "-c", f"{path}; true", stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as shell:
            out, err = shell.communicate(timeout=LIMIT)
        self.assertEqual(shell.returncode, 0, err)
        self.assertIn("the runtime of Go", err)
        self.assertNotEqual(out, "")

    def test_a_set_user_id_program_runs_under_host_and_is_told(self):
        path = os.path.join(self.folder, "set-user-id")
        shutil.copy(os.path.join(BUILD, "tests/system/sched_program"), path)
        os.chmod(path, 0o4755)
        self.under_host(path, "set-user-id")


class Alone(Host):
    """Without the right: root of its own user, with CAP_SYS_NICE taken away."""
    before = ["setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice"] \
        if is_privileged() else []

    def setUp(self):
        if resource.getrlimit(resource.RLIMIT_RTPRIO)[0] or \
           resource.getrlimit(resource.RLIMIT_NICE)[0]:
            self.skipTest("RLIMIT_RTPRIO or RLIMIT_NICE give a right")
        super().setUp()

    def test_what_needs_no_right_is_done_and_the_rest_is_rejected(self):
        with self.program() as program:
            self.rule("use: cfs, nice: 5")
            self.await_all([program.pid], fair(5))
            for says, lacks in (("use: deadline", "CAP_SYS_NICE"),
                                ("use: fifo", "RLIMIT_RTPRIO"),
                                ("use: rr, priority: 50", "RLIMIT_RTPRIO"),
                                ("use: cfs, nice: -1", "RLIMIT_NICE")):
                self.rule(says)
                self.await_said(["rejected", lacks], "describe", "rule",
                                "encoder-sched")
                self.assertIn("EPERM", self.ok("rollout", "status", "encoder-sched"))
                self.assertTrue(fair(5)(attr_of(program.pid)))

    def test_what_is_not_taken_back_is_told(self):
        with self.program() as program:
            self.rule("use: cfs, nice: 5")
            self.await_all([program.pid], fair(5))
            self.ok("delete", "rule", "encoder-sched")
            self.await_said(["EPERM", "RLIMIT_NICE"], "describe", "encoder")
            self.assertTrue(fair(5)(attr_of(program.pid)))

    def test_one_of_two_is_partial(self):
        with self.program(front=["nice", "-n", "10"]) as niced, self.program() as plain:
            self.rule("use: cfs, nice: 5")
            self.await_all([plain.pid], fair(5))
            said = self.await_said(["1 of 2 threads not"], "describe", "rule",
                                   "encoder-sched")
            self.assertIn(f"({niced.pid}/{niced.pid}): EPERM", said)
            self.assertTrue(fair(10)(attr_of(niced.pid)))
        self.await_said(["Active 1 of 1"], "get", "rules")

    def test_run_says_what_it_lacks(self):
        path = os.path.abspath(os.path.join(BUILD, "tests/system/sched_program"))
        done = subprocess.run([*self.before, self.rhodes_path, "run", "encoder", "--sched",
                               "fifo", "--", path], env=self.env, input="", text=True,
                              capture_output=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ready", done.stdout)
        self.assertIn("RLIMIT_RTPRIO", done.stderr)


if __name__ == "__main__":
    unittest.main()
