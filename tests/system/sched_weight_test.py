#!/usr/bin/env python3
"""The weight of a rule of scheduling: programs share a processor by it, in a cgroup that is
made for them, and are where they were before when it goes."""
import contextlib
import os
import signal
import subprocess
import time
import unittest

import cgroups
from cli_stage import LIMIT
from sched_host_test import FIFO, Host, fair, is_privileged, real

CPU = cgroups.hierarchy_of_cpu()
NICE = "use: cfs, nice: 1"
TICKS = os.sysconf("SC_CLK_TCK")
SHARED_S = 3  # of processor time, that both have together


def seconds_of(pid):
    """Processor time that a process has used."""
    words = cgroups.lines(f"/proc/{pid}/stat")[0].rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / TICKS


def weight_of(folder):
    name, scale = ("cpu.shares", 1024) if CPU else ("cpu.weight", 100)
    return int(cgroups.lines(os.path.join(folder, name))[0]) * 100 // scale


@unittest.skipIf(CPU is None, "no hierarchy of cgroups with the controller cpu can be written")
@unittest.skipUnless(is_privileged(), "needs CAP_SYS_NICE")
class Weights(Host):
    def setUp(self):
        super().setUp()
        self.before = []

    def where(self, pid):
        return cgroups.folder_of(CPU, pid)

    def await_so(self, is_so, there):
        """The kernel tells nobody of changes of groups."""
        end = time.monotonic() + LIMIT
        while not is_so():
            self.assertLess(time.monotonic(), end, f"{there()}\n{self.log()}")
            time.sleep(0.01)

    def await_where(self, pids, is_so):
        """Until each is where it is to be."""
        self.await_so(lambda: all(is_so(self.where(pid)) for pid in pids),
                      lambda: [self.where(pid) for pid in pids])

    def await_gone(self, folder):
        """It is removed after who was in it went."""
        self.await_so(lambda: not os.path.exists(folder), lambda: folder)

    def await_group(self, *pids, weight=None):
        """Until they are in the group of the resource, which is returned."""
        def is_in(folder):
            return "/rhodes-" in folder and (weight is None or weight_of(folder) == weight)
        self.await_where(pids, is_in)
        return self.where(pids[0])

    @contextlib.contextmanager
    def former(self):
        """A program that was in a group of its own."""
        with cgroups.group(CPU, "former") as folder, self.program(front=[
                "sh", "-c", f'echo $$ >{folder}/cgroup.procs && exec "$@"', "sh"]) as program:
            self.assertEqual(self.where(program.pid), folder)
            yield program, folder
            program.process.kill()
            program.process.wait(LIMIT)

    @contextlib.contextmanager
    def spinning(self, resource, weight):
        """A program that never sleeps, on the first processor, with that weight."""
        path = self.path(f"{resource}-rule.yaml",
                         f"kind: Rule\nmetadata: {{name: {resource}-sched}}\n"
                         f"spec: {{sched: {{resource: {resource}, use: cfs, "
                         f"weight: {weight}}}}}\n")
        with self.program(front=["taskset", "-c", "0"], resource=resource) as program:
            program.make("spin")
            self.ok("apply", "-f", path)
            self.await_group(program.pid, weight=weight)
            yield program

    def shares(self, *programs):
        """How much each has of the processor, until they had SHARED_S together."""
        before = [seconds_of(program.pid) for program in programs]
        while True:
            had = [seconds_of(program.pid) - then
                   for program, then in zip(programs, before)]
            if sum(had) >= SHARED_S:
                return had
            time.sleep(0.05)

    def test_two_programs_share_a_processor_by_weight(self):
        self.ok("apply", "-f", self.path("decoder.yaml", "kind: Resource\n"
                                         "metadata: {name: decoder}\n"
                                         "spec: {type: application}\n"))
        with self.spinning("encoder", 100) as light, self.spinning("decoder", 300) as heavy:
            one, three = self.shares(light, heavy)
            self.assertAlmostEqual(three / one, 3, delta=0.6)
            # Changed while it runs: the other way round.
            self.rule("use: cfs, weight: 900")
            self.await_group(light.pid, weight=900)
            nine, three = self.shares(light, heavy)
            self.assertAlmostEqual(nine / three, 3, delta=0.6)

    def test_all_of_a_program_come_in_and_go_back(self):
        with self.former() as (program, folder):
            early = program.make("child")
            self.rule("use: cfs, weight: 250")
            made = self.await_group(program.pid, early, weight=250)
            self.assertTrue(os.path.basename(made).endswith("-encoder"))
            late = program.make("child")
            self.assertEqual(self.where(late), made)
            self.ok("delete", "rule", "encoder-sched")
            self.await_where([program.pid, early, late], folder.__eq__)
            self.await_gone(made)

    def test_a_rule_without_weight_gives_back_and_another_class_goes(self):
        with self.former() as (program, folder):
            bound = os.path.join(folder, "cpu.rt_runtime_us")
            if os.path.exists(bound):
                self.path(bound, "100000")
            self.rule("use: cfs, weight: 250")
            made = self.await_group(program.pid)
            # Where groups bound real-time threads they have to leave it first.
            self.rule("use: fifo, priority: 3")
            self.await_all([program.pid], real(FIFO, 3))
            self.assertEqual(self.where(program.pid), folder)
            self.await_gone(made)
            self.await_said(["Active 1 of 1"], "get", "rules")
            self.rule("use: eevdf, weight: 50")
            self.await_group(program.pid, weight=50)
            self.await_all([program.pid], fair(0))
            self.await_said(["Active 1 of 1"], "get", "rules")

    def test_a_rule_that_is_rejected_leaves_the_weight(self):
        with self.former() as (program, _):
            os.sched_setaffinity(program.pid, {0})
            if os.cpu_count() < 2:
                self.skipTest("an affinity leaves out nothing here")
            self.rule("use: cfs, weight: 250")
            self.await_group(program.pid, weight=250)
            self.rule("use: deadline")
            self.await_said(["rejected", "affinity"], "describe", "rule", "encoder-sched")
            self.await_group(program.pid, weight=250)

    def test_a_killed_agent_finds_the_group_again(self):
        with self.former() as (program, folder):
            self.rule("use: cfs, weight: 250")
            made = self.await_group(program.pid)
            os.kill(self.pids("agent/encoder")[-1], signal.SIGKILL)
            self.await_line(r"agent/encoder started", 2)
            self.rule("use: cfs, weight: 400")
            self.assertEqual(self.await_group(program.pid, weight=400), made)
            self.ok("delete", "rule", "encoder-sched")
            self.await_where([program.pid], folder.__eq__)
            self.await_gone(made)

    def test_an_agent_that_ends_in_order_removes_it(self):
        with self.former() as (program, folder):
            self.rule("use: cfs, weight: 250")
            made = self.await_group(program.pid)
            self.ok("down")
            self.assertEqual(self.where(program.pid), folder)
            self.assertFalse(os.path.exists(made))

    def test_who_cannot_go_back_goes_where_the_agent_is(self):
        with self.program() as program:
            with cgroups.group(CPU, "former") as folder:
                cgroups.enter(folder, program.pid)
                self.rule("use: cfs, weight: 250")
                made = self.await_group(program.pid)
            self.ok("delete", "rule", "encoder-sched")
            self.await_where([program.pid], cgroups.folder_of(CPU).__eq__)
            self.await_gone(made)

    def test_what_is_lacking_is_told_and_the_rest_of_the_rule_is_in_force(self):
        root = next(mount for kind, mount, _, options in cgroups.mounts()
                    if ("cpu" in options if CPU else kind == cgroups.V2))
        self.ok("down")
        self.before = ["unshare", "-m", "sh", "-c",
                       f"mount --bind {root} {root} && mount -o remount,bind,ro {root} && "
                       'exec "$@"', "sh"]
        if subprocess.run([*self.before, "true"], check=False,
                          capture_output=True).returncode:
            self.skipTest("nothing can be mounted here")
        self.start()
        self.before = []
        with self.program() as program:
            was = self.where(program.pid)
            self.rule(f"{NICE}, weight: 250")
            self.await_all([program.pid], fair(1))
            self.await_said(["Partial"], "get", "rules")
            said = self.ok("describe", "rule", "encoder-sched")
            self.assertIn("weight: ", said)
            self.assertRegex(said, "Read-only file system|hands cpu on")
            self.assertEqual(self.where(program.pid), was)
            self.rule(NICE)
            self.await_said(["Active 1 of 1"], "get", "rules")


if __name__ == "__main__":
    unittest.main()
