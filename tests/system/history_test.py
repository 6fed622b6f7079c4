#!/usr/bin/python3
"""The history of a real run: a center and its agents write down what they take, put in
force and tell, while rules change at random, processes are killed and stopped, and
connections are cut; push_history then finds what cannot have been.

    history_test.py BUILD [--seed N] [--steps N] [--keep DIR]"""
import argparse
import glob
import os
import random
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from center_lib import Center, resource, rule

NAMES = ["app", "tool", "lib", "store", "disk", "card"]
TYPES = ["application", "application", "service", "service", "driver", "hardware"]
PROTOCOLS = ["msgqueue", "shm", "semaphore", "bind"]
ALL = [["application", "service"], ["application", "driver"], ["application", "hardware"],
       ["service", "driver"], ["service", "hardware"], ["driver", "hardware"]]
LIMIT = 60
# What makes an agent reject msgqueue: it may have no message queues.
HUMBLE = (["setpriv", "--bounding-set=-sys_resource"] if os.getuid() == 0 else []) + [
    "prlimit", "--msgqueue=0:0"]
SIDE = {
    "twice.h": "int twice(int number);\n",
    "twice.c": '#include "twice.h"\nint twice(int number) { return 2 * number; }\n',
    "libtwice.side": "interface libtwice\nheader twice.h\nsoname libtwice.so.1\n"
                     "library ./libtwice.so.1\ntwice idempotent on_error: return -1\n",
}
# Calls as long as it lives, whatever comes of it, and says so now and then.
CALLER = """
import ctypes
lib = ctypes.CDLL('libtwice.so.1')
while True:
    for _ in range(200):
        lib.twice(21)
    print("called", flush=True)
"""

# A filter that lets all pass.
FILTER = """
#include <rhodes/hook/filter.h>
RH_RULE(filter);
int32_t rh_filter_before(void)
{
	return RH_FILTER_ALLOW;
}
"""


class Wire(threading.Thread):
    """Stands between the agents and the center, and cuts when it is told to."""

    def __init__(self, path, center):
        super().__init__(daemon=True)
        self.center = center
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        self.listener.listen(64)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.orders, self.ordered = os.pipe()
        self.selector.register(self.orders, selectors.EVENT_READ)
        self.other = {}

    def cut(self, one_in):
        """Cuts about one connection in so many."""
        os.write(self.ordered, bytes([one_in]))

    def end(self):
        os.write(self.ordered, bytes([0]))
        self.join(LIMIT)

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.listener:
                    self.accept()
                elif key.fileobj == self.orders:
                    one_in = os.read(self.orders, 1)[0]
                    for sock in list(self.other)[::max(one_in, 1)]:
                        self.drop(sock)
                    if one_in == 0:
                        self.listener.close()
                        return
                elif key.fileobj in self.other:
                    self.relay(key.fileobj)

    def accept(self):
        near, _ = self.listener.accept()
        far = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            far.connect(self.center)
        except OSError:
            near.close()
            return
        for sock, other in ((near, far), (far, near)):
            self.other[sock] = other
            self.selector.register(sock, selectors.EVENT_READ)

    def drop(self, sock):
        other = self.other.pop(sock, None)
        if other is None:
            return
        self.other.pop(other, None)
        for end in (sock, other):
            self.selector.unregister(end)
            end.close()

    def relay(self, sock):
        try:
            data = sock.recv(1 << 17)
            if data:
                self.other[sock].send(data)
                return
        except OSError:
            pass
        self.drop(sock)


class Run:
    """One system in a folder, with a log for each process that ever was."""

    def __init__(self, build, seed, steps, folder):
        self.build, self.steps, self.folder = build, steps, folder
        self.random = random.Random(seed)
        self.center = Center(os.path.join(folder, "center"))
        self.center.contract = None  # the contract is others' business
        self.run = os.path.join(folder, "run")
        self.state = os.path.join(folder, "state")
        for path in (self.run, self.state, os.path.join(folder, "center")):
            os.makedirs(path, mode=0o700)
        self.agents, self.stopped = {}, set()
        self.calling = []
        self.module = None  # of a filter
        self.wire = None

    # ---- processes ----

    def start_center(self):
        self.center.start(program=os.path.join(self.build, "center/rhodes-center"))
        if not self.wire:
            self.wire = Wire(self.run + "/link.sock", self.center.run + "/link.sock")
            self.wire.start()

    def start_agent(self, name):
        """Ready is who listens; the log goes on where the former process ended."""
        reader, writer = os.pipe()
        with open(os.path.join(self.folder, f"agent-{name}.log"), "ab") as log:
            self.agents[name] = subprocess.Popen(
                [*(HUMBLE if name == "tool" else []),
                 os.path.join(self.build, "agent/rhodes-agent"), "--run-dir", self.run,
                 "--state-dir", self.state, "--resource", name, "--ready-fd", str(writer)],
                stderr=log, stdin=subprocess.DEVNULL, pass_fds=[writer])
        os.close(writer)
        self.ready = reader
        os.read(reader, 16)
        os.close(reader)

    def rhodes(self, *words, shell=""):
        """Runs it, or starts it in a shell that starts it again."""
        env = {**os.environ, "RHODES_RUN_DIR": self.run, "RHODES_STATE_DIR": self.center.state}
        command = [os.path.join(self.build, "cli/rhodes"), *words]
        if not shell:
            subprocess.run(command, env=env, check=True, timeout=LIMIT, cwd=self.folder,
                           stdout=subprocess.DEVNULL)
            return
        with open(os.path.join(self.folder, "calls.log"), "ab") as log:
            self.calling.append(subprocess.Popen(
                ["/bin/sh", "-c", 'while :; do "$@"; done', "sh", *command], env=env,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True))

    def start_calls(self):
        """app and tool call lib all the time, so that there is something to swap."""
        side = os.path.join(self.folder, "side")
        os.mkdir(side)
        for name, text in SIDE.items():
            with open(os.path.join(side, name), "w", encoding="ascii") as file:
                file.write(text)
        subprocess.run(["cc", "-shared", "-fPIC", "-Wl,-soname,libtwice.so.1", "-o",
                        side + "/libtwice.so.1", side + "/twice.c"], check=True)
        os.symlink(self.center.run + "/center.sock", self.run + "/center.sock")
        with open(self.folder + "/lib.yaml", "w", encoding="ascii") as file:
            file.write("{kind: Resource, metadata: {name: lib}, spec: {type: service, "
                       "interface: libtwice}}")
        self.rhodes("apply", "-I", side, "-f", self.folder + "/lib.yaml")
        self.publish()
        self.rhodes("serve", "lib", "-w", "60", shell=True)
        for name in ("app", "tool"):
            self.rhodes("run", name, "-w", "60", "--", "/usr/bin/python3", "-c", CALLER,
                        shell=True)

    def publish(self):
        """Where rules can be made, so that agents fetch what they are to run."""
        if not shutil.which("clang") or not shutil.which("wasm-ld"):
            return
        self.rhodes("rule", "new", "pass", "--hook", "filter", "--lang", "c")
        with open(self.folder + "/pass/pass.c", "w", encoding="ascii") as file:
            file.write(FILTER)
        self.rhodes("rule", "publish", "pass")
        self.module = self.center.get("/apis/v1/modules").json["items"][0]["metadata"]["name"]
        os.symlink(self.center.state + "/module.pub", self.state + "/module.pub")

    def end_agent(self, name, number):
        process = self.agents.pop(name)
        if name in self.stopped:
            process.send_signal(signal.SIGCONT)
            self.stopped.remove(name)
        process.send_signal(number)
        process.wait(LIMIT)

    def end(self):
        for process in self.calling:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(LIMIT)
        self.calling = []
        for name in list(self.agents):
            self.end_agent(name, signal.SIGKILL)
        self.center.kill()
        if self.wire:
            self.wire.end()

    # ---- steps ----

    def edge(self):
        caller = self.random.randrange(len(NAMES) - 1)
        return [NAMES[caller], NAMES[self.random.randrange(caller + 1, len(NAMES))]]

    def put(self, *objects):
        answer = self.center.apply(*objects)
        assert answer.status in (200, 403, 404, 409), answer.body

    def change_protocol(self):
        edge = self.edge()
        name = "-".join(edge)
        if self.random.random() < 0.2:
            self.center.ask("DELETE", f"/apis/v1/rules/{name}")
        else:
            self.put(rule(name, protocol={"edge": edge, "use": self.random.choice(PROTOCOLS)}))

    def swap(self):
        """The protocol of an edge that is called over."""
        edge = [self.random.choice(["app", "tool"]), "lib"]
        self.put(rule("-".join(edge), protocol={"edge": edge,
                                                "use": self.random.choice(PROTOCOLS)}))

    def change_code(self):
        """Another generation of a filter of an edge that is called over, or none."""
        edge = [self.random.choice(["app", "tool"]), "lib"]
        turn, policy = self.random.randrange(4), self.random.choice(["keep-last", "fail-closed"])
        if turn == 0 or not self.module:
            self.center.ask("DELETE", "/apis/v1/rules/filter-" + edge[0])
            return
        self.put(rule("filter-" + edge[0], code={
            "hook": "filter", "edge": edge, "mode": "wasm", "onFailure": policy,
            "module": "sha256:" + self.module, "params": {"turn": str(turn)}}))

    def change_resource(self):
        at = self.random.randrange(len(NAMES))
        if self.random.random() < 0.15 and NAMES[at] != "lib":
            self.center.ask("DELETE", f"/apis/v1/resources/{NAMES[at]}")
            return
        later = NAMES[at + 1:]
        calls = set(self.random.sample(later, self.random.randint(0, len(later))))
        if NAMES[at] in ("app", "tool") and self.random.random() < 0.8:
            calls.add("lib")  # that is the edge which is called over
        calls = sorted(calls)
        self.put(self.resource(at, *calls, description=str(self.random.randrange(3))))

    def resource(self, at, *calls, **spec):
        if NAMES[at] == "lib" and self.calling:
            spec["interface"] = "libtwice"
        return resource(NAMES[at], TYPES[at], *calls, **spec)

    def change_hierarchy(self):
        allow = ALL if self.random.random() < 0.7 else self.random.sample(ALL, 3)
        self.put(rule("hierarchy", hierarchy={
            "allow": allow, "grace": self.random.choice(["0s", "100ms", "1s"])}))

    def change_exception(self):
        edge = self.edge()
        name = "x-" + "-".join(edge)
        if self.random.random() < 0.5:
            self.center.ask("DELETE", f"/apis/v1/rules/{name}")
        else:
            self.put(rule(name, exception={"edge": edge, "reason": "tried"}))

    def change_several(self):
        """As one revision, or as many as there are."""
        for _ in range(self.random.randint(2, 6)):
            self.random.choice([self.change_protocol, self.change_resource])()

    def kill_agent(self):
        name = self.random.choice(NAMES)
        if name in self.agents:
            self.end_agent(name, self.random.choice([signal.SIGKILL, signal.SIGKILL,
                                                     signal.SIGTERM]))
            if self.random.random() < 0.2:
                self.damage_cache(name)
        if self.random.random() < 0.75:
            self.start_agent(name)

    def damage_cache(self, name):
        paths = sorted(glob.glob(f"{self.state}/agent/{name}/view.?"))
        for path in paths[:self.random.randint(0, len(paths))]:
            with open(path, "r+b") as file:
                file.seek(self.random.randrange(os.path.getsize(path)))
                file.write(b"\xff")

    def stop_agent(self):
        name = self.random.choice(NAMES)
        if name in self.stopped:
            self.agents[name].send_signal(signal.SIGCONT)
            self.stopped.remove(name)
        elif name in self.agents:
            self.agents[name].send_signal(signal.SIGSTOP)
            self.stopped.add(name)

    def kill_center(self):
        self.center.kill(self.random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
        self.start_center()

    def let_calls_pass(self):
        """Until somebody called, or for so long: nobody may be able to."""
        path = os.path.join(self.folder, "calls.log")
        before = os.path.getsize(path)
        for _ in range(20):
            if os.path.getsize(path) > before:
                break
            threading.Event().wait(0.02)

    def cut(self):
        self.wire.cut(self.random.randint(1, 4))

    def step(self):
        self.random.choices(
            [self.change_protocol, self.swap, self.change_code, self.change_resource,
             self.change_hierarchy, self.change_exception, self.change_several,
             self.kill_agent, self.stop_agent, self.kill_center,
             self.cut, self.let_calls_pass],
            weights=[20, 24, 20, 12, 4, 8, 10, 10, 10, 4, 8, 24])[0]()

    # ---- a run ----

    def play(self):
        self.start_center()
        for name in NAMES:
            self.start_agent(name)
        self.start_calls()
        self.put(*(self.resource(at, *NAMES[at + 1:]) for at in range(len(NAMES))))
        for _ in range(self.steps):
            self.step()
        self.settle()

    def settle(self):
        """Everybody is there, and has and said everything."""
        for name in sorted(self.stopped):
            self.agents[name].send_signal(signal.SIGCONT)
        self.stopped.clear()
        # What tool rejects, lib may not wait for.
        self.put(rule("tool-lib", protocol={"edge": ["tool", "lib"], "use": "msgqueue"}))
        for name in NAMES:
            if name not in self.agents:
                self.start_agent(name)
        until = time.monotonic() + LIMIT
        while not self.is_quiet():
            assert time.monotonic() < until, (self.center.revision(), self.unsettled())
            threading.Event().wait(0.05)  # asking is no event
        system = self.center.get("/apis/v1/system").json
        with open(os.path.join(self.folder, "quiet.log"), "w", encoding="ascii") as file:
            file.write(f"test: history center quiet {system['storeId']} {system['revision']} -\n")

    def is_quiet(self):
        head = self.center.revision()
        agents = self.center.get("/apis/v1/agents").json["items"]
        revoking = any(condition["type"] == "EdgeRevoking"
                       for item in self.center.get("/apis/v1/resources").json["items"]
                       for condition in item["status"]["conditions"])
        return (not revoking and head == self.center.revision() and
                {agent["resource"] for agent in agents} == set(NAMES) and
                all(agent["settledRevision"] == head and
                    all(item["state"] == "rejected" for item in agent["unsettled"])
                    for agent in agents))

    def unsettled(self):
        return {agent["resource"]: (agent["settledRevision"], agent["unsettled"])
                for agent in self.center.get("/apis/v1/agents").json["items"]}

    def logs(self):
        """The center's changes are read whole before anything is checked."""
        return (sorted(glob.glob(self.folder + "/agent-*.log")) +
                [self.center.log, self.folder + "/quiet.log"])

    def check(self, logs=None):
        return subprocess.run([os.path.join(self.build, "tests/simulate/push_history"),
                               *(logs or self.logs())], capture_output=True, text=True,
                              timeout=LIMIT, check=False)


class History(unittest.TestCase):
    def setUp(self):
        self.folder = options.keep or tempfile.mkdtemp(prefix="rh-")
        if not options.keep:
            self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def play(self, seed):
        print(f"seed {seed}, {options.steps} steps", flush=True)
        folder = os.path.join(self.folder, str(seed))
        os.mkdir(folder)
        run = Run(options.build, seed, options.steps, folder)
        self.addCleanup(run.end)
        run.play()
        run.end()
        return run

    def assert_possible(self, run, seed):
        done = run.check()
        self.assertEqual(done.returncode, 0, f"seed {seed}: {done.stdout}{done.stderr}")
        events = int(done.stdout.split()[0])
        self.assertGreater(events, options.steps)  # it did write

    def test_what_happened_can_have_been(self):
        for seed in options.seeds:
            self.assert_possible(self.play(seed), seed)

    def test_what_cannot_have_been_is_found(self):
        """The log of a run in which an agent does not do what it tells."""
        run = self.play(7001)
        self.assert_possible(run, 7001)
        path = sorted(glob.glob(run.folder + "/agent-*.log"))[0]
        with open(path, encoding="utf-8") as file:
            lines = file.readlines()
        committed = run.center.read_log()
        told = [at for at, line in enumerate(lines) if " settled " in line]
        for what, lie, word in (
                ("a rule in force that never was",
                 {self.last_new_put(lines, committed): lambda line: re.sub(r"\w{16}$", "0" * 16, line)},
                 "as the store did not have it"),
                ("active without being in force",
                 {self.last_new_put(lines, committed): None},
                 "is not in force|it has another"),
                ("a change that was skipped", {self.last_advance(lines): None}, "gap|does not have|while it is"),
                ("settled before it came", {told[-1]: lambda line: re.sub(
                    r"(\w+) -$", lambda found: f"{int(found[1]) + 1} -", line)},
                 "settled what it does not have")):
            with open(run.folder + "/lie.log", "w", encoding="utf-8") as file:
                for at, line in enumerate(lines):
                    if at not in lie:
                        file.write(line)
                    elif lie[at]:
                        file.write(lie[at](line.rstrip()) + "\n")
            logs = [run.folder + "/lie.log" if log == path else log for log in run.logs()]
            done = run.check(logs)
            self.assertEqual(done.returncode, 1, f"{what}: {lie} {done.stdout}")
            self.assertRegex(done.stdout, word)

    @staticmethod
    def is_told_after(lines, at, key=None):
        """The same process tells something after that, before it has another one."""
        for line in lines[at + 1:]:
            if " settled " in line:
                return True
            if ": history " in line and (" start " in line or f" put {key} " in line):
                return False
        return False

    def last_new_put(self, lines, committed):
        """Where something came into force that was not before, for the last time; not of an
        edge that was being revoked, of which the center tells no bytes."""
        before, last = {}, None
        for at, line in enumerate(lines):
            found = re.search(r": history \S+ put (\S+) \d+ (\w{16})$", line.rstrip())
            if ": history " in line and " start " in line:
                before = {}
            if not found:
                continue
            if (before.get(found[1], found[2]) != found[2] and found[2] in committed and
                    self.is_told_after(lines, at, found[1])):
                last = at
            before[found[1]] = found[2]
        self.assertIsNotNone(last)
        return last

    def last_advance(self, lines):
        """Where it took what it did not have, for the last time."""
        have, last = None, None
        for at, line in enumerate(lines):
            found = re.search(r": history \S+ (start|snapshot|delta) \S+ (\d+) ", line)
            if not found:
                continue
            if (found[1] != "start" and have is not None and int(found[2]) > have and
                    self.is_told_after(lines, at)):
                last = at
            have = int(found[2])
        self.assertIsNotNone(last)
        return last


def main():
    global options
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--seed", type=int, action="append", dest="seeds")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--keep", help="folder that keeps the logs")
    options, rest = parser.parse_known_args()
    options.build = os.path.abspath(options.build)
    options.seeds = options.seeds or [1, 2]
    os.environ["RHODES_LOG"] = "debug"
    # A test that is stopped from outside still takes its processes down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
