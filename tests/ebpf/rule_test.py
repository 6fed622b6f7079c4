#!/usr/bin/python3
"""A rule of eBPF from `rhodes rule publish` to the kernel and back: published, applied,
attached by the agent of its resource through rhodes-bpf, replaced while it runs, refused
by the verifier and by the node, taken away; and what becomes of it when the agent or
rhodes-bpf is killed.

Real: center, agents, rhodes-bpf and the kernel.  Skipped, with a message, without root."""
import json
import os
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
from cli_stage import BUILD, LIMIT, Stage  # noqa: E402

OBJECTS = os.path.join(BUILD, "tests", "ebpf")
SYSTEM = """
kind: Resource
metadata: {name: app}
spec: {type: application}
"""
RULE = """
kind: Rule
metadata: {name: looker}
spec:
  code:
    hook: probe
    resource: app
    module: %s
    mode: ebpf
    attach: {%s}
    params: {%s}
    keep: [counts]
"""
GETPPID = 'on_tracepoint: "tracepoint:syscalls/sys_enter_getppid"'


class Rule(Stage):
    has_agents = True

    def setUp(self):
        super().setUp()
        os.symlink(os.path.abspath(os.path.join(BUILD, "rules", "ebpf", "rhodes-bpf")),
                   os.path.join(self.bin, "rhodes-bpf"))
        self.up("-f", self.path("system.yaml", SYSTEM))
        self.module = self.publish("counts.o")

    def publish(self, name):
        said = self.ok("rule", "publish", os.path.join(OBJECTS, name), "--hook", "probe")
        return re.search("sha256:[0-9a-f]{64}", said).group()

    def apply(self, attach=GETPPID, module=None, **params):
        params.setdefault("only_pid", os.getpid())
        given = ", ".join(f'{name}: "{value}"' for name, value in params.items())
        return self.rhodes("apply", "-f", self.path("rule.yaml", RULE % (
            module or self.module, attach, given)))

    def put(self, *args, **params):
        """Applies it and waits until the agent has said what became of it."""
        with self.started("watch", "rules", "looker", "--from", "0", "-o", "json",
                          stdout=subprocess.PIPE) as watch:
            done = self.apply(*args, **params)
            self.assertEqual(done.returncode, 0, done.stderr)
            generation = self.get("rule", "looker")["metadata"]["generation"]
            condition = None
            while not condition:
                self.assertTrue(watch.stdout.readline())
                condition = self.settled(generation)
            watch.terminate()
            watch.wait(timeout=LIMIT)
        return condition

    def get(self, kind, name):
        return json.loads(self.ok("get", kind, name, "-o", "json"))

    def settled(self, generation):
        """The condition Active once it is of the rule as it stands, in force or rejected."""
        rule = self.get("rule", "looker")
        for condition in rule["status"]["conditions"]:
            if condition["type"] == "Active" and rule["metadata"]["generation"] == generation:
                if condition["status"] == "True" or "Reject" in condition["reason"]:
                    return condition
        return None

    def call(self, times):
        for _ in range(times):
            os.getppid()

    def counted(self, key=1, map_name="counts"):
        said = self.ok("rule", "maps", "looker", map_name)
        return {int(line.split(":")[0]): int(line.split(":")[1])
                for line in said.splitlines()}.get(key, 0)

    def pid_of(self, name):
        found = re.findall(rf"{name} started \(pid (\d+)\)", self.log())
        return int(found[-1])

    def test_a_rule_is_attached_swapped_and_taken_away(self):
        self.assertEqual(self.put()["status"], "True")
        self.call(3)
        self.assertEqual(self.counted(), 3)
        self.assertRegex(self.ok("rule", "maps", "looker"), r"app +counts +hash +8 +8 +64")
        # Another generation goes on with the map that it keeps.
        self.assertEqual(self.put(step=10)["status"], "True")
        self.call(2)
        self.assertEqual(self.counted(), 23)
        self.assertEqual(self.counted(0, "hits"), 2)
        self.ok("delete", "rule", "looker")
        while "looker" in self.rhodes("rule", "maps", "looker").stdout:
            pass
        self.assertEqual(self.rhodes("rule", "maps", "looker").returncode, 4)

    def runs(self):
        """What `rule top` says of it, once the agent has told anything."""
        told = []
        while not told:
            told = json.loads(self.ok("rule", "top", "looker", "-o", "json"))["items"]
        self.assertEqual([(run["rule"], run["agent"], run["resource"]) for run in told],
                         [("looker", "app", "app")])
        return told[0]

    def test_the_top_has_it_among_the_others(self):
        self.put()
        self.call(5)
        while self.runs()["calls"] < 5:
            pass  # the agent asks once a second
        run = self.runs()
        self.assertGreater(run["ns"], 0)
        self.assertEqual(run["failures"].get("missed", 0), 0)
        said = self.ok("rule", "top", "looker", "--maps")
        self.assertRegex(said, r"looker +app +app +\d+ +running +\d+ +[\d.]+")
        self.assertRegex(said, r"app +on_tracepoint +tracepoint:syscalls/sys_enter_getppid +\d+")
        self.assertRegex(said, r"app +counts +hash +8 +8 +64")
        # The next version has run as often as it ran.
        self.put(step=10)
        self.call(3)
        while self.runs()["revision"] == run["revision"] or self.runs()["calls"] < 3:
            pass
        self.assertIn("of which rule?", self.rhodes("rule", "top", "--maps").stderr)

    def test_a_new_one_is_built_and_published(self):
        def here(*words):
            return subprocess.run([self.rhodes_path, *words], cwd=self.folder, env=self.env,
                                  text=True, capture_output=True, timeout=LIMIT, check=True).stdout

        here("rule", "new", "fresh", "--hook", "probe")
        said = here("rule", "publish", "fresh")
        self.assertRegex(said, r"hook +probe, version 1, mode ebpf, memory 1Mi")
        self.assertRegex(said, r"programs +on_exec \(tracepoint\)")
        self.assertRegex(said, r"params +only_uid")
        text = RULE.replace("looker", "fresh") % (
            re.search("sha256:[0-9a-f]{64}", said).group(),
            'on_exec: "tracepoint:sched/sched_process_exec"', f'only_uid: "{os.getuid()}"')
        self.ok("apply", "-f", self.path("fresh.yaml", text))
        while self.rhodes("rule", "maps", "fresh").returncode:
            pass
        subprocess.run(["/bin/true"], check=True)
        said = self.ok("rule", "maps", "fresh", "counts")
        self.assertGreater(int(re.match(rf"{os.getuid()}: (\d+)", said).group(1)), 0)
        for words in (("--lang", "rust"), ("--lang", "verilog")):
            done = self.rhodes("rule", "new", "other", "--hook", "probe", *words)
            self.assertIn("hook probe are written in c", done.stderr)

    def test_what_the_node_refuses_leaves_what_runs(self):
        self.put()
        condition = self.put('on_tracepoint: "tracepoint:no/such"')
        self.assertNotEqual(condition["status"], "True")
        self.assertIn("no tracepoint no/such", condition["message"])
        condition = self.put(step=1000)
        self.assertIn("step cannot be", condition["message"])
        self.call(4)
        self.assertEqual(self.counted(), 4)

    def test_the_verifiers_reason_comes_back(self):
        refused = self.publish("refused.o")
        text = RULE.replace("    params: {%s}\n    keep: [counts]\n", "")
        with self.started("watch", "rules", "looker", "--from", "0", "-o", "json",
                          stdout=subprocess.PIPE) as watch:
            self.ok("apply", "-f", self.path("rule.yaml", text % (
                refused, 'on_raw: "raw_tracepoint:sys_enter"')))
            condition = None
            while not condition:
                self.assertTrue(watch.stdout.readline())
                condition = self.settled(1)
            watch.terminate()
            watch.wait(timeout=LIMIT)
        self.assertIn("verifier refused it", condition["message"])
        self.assertIn("invalid mem access", condition["message"])
        self.assertIn("the kernel said:", self.log())

    def test_what_the_module_does_not_hold_is_refused_when_applied(self):
        for words, why in (({"attach": 'nobody: "connect4:/"'}, "no program nobody"),
                           ({"pace": 1}, "no parameter pace"),
                           ({"attach": 'on_raw: "nowhere"'}, "no attach point")):
            done = self.apply(**words)
            self.assertEqual(done.returncode, 1)
            self.assertIn(why, done.stderr)

    def test_killed_processes(self):
        self.put()
        self.call(3)
        agent = self.pid_of("app")
        os.kill(agent, signal.SIGKILL)
        while self.pid_of("app") == agent:
            pass
        self.call(2)  # whoever holds it, it goes on
        self.assertEqual(self.counted(), 5)
        helper = self.pid_of("bpf")
        os.kill(helper, signal.SIGKILL)
        # It begins anew, when the new helper has it from the agent.
        while self.pid_of("bpf") == helper or \
                self.rhodes("rule", "maps", "looker", "counts").returncode:
            pass
        before = self.counted()
        self.call(1)
        self.assertEqual(self.counted(), before + 1)


def main():
    if os.geteuid() != 0 or not os.path.exists(os.path.join(OBJECTS, "counts.o")):
        print("skipped: needs root, and clang and libbpf when it was built", file=sys.stderr)
        sys.exit(77)
    with open("/proc/self/status", encoding="ascii") as file:
        caps = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff"))
    if not caps >> 39 & 1:
        print("skipped: CAP_BPF is missing here", file=sys.stderr)
        sys.exit(77)
    unittest.main()


if __name__ == "__main__":
    main()
