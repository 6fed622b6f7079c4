#!/usr/bin/python3
"""A whole system under `rhodes up` whose every process is killed, again and again, while
programs call.  In the end soak-check reads what the bodies of the calls and the callers
wrote down, and says whether a call was lost, ran twice, or was told wrong.

Killed with SIGKILL, at random moments: callers, their agents, the callees' agents, workers,
the program that serves bytes, the center, and the supervisor with everything it started.

In the run "swaps" every edge gets another protocol ten times a second besides, in the run
"rules" another generation of a filter, of which every second one is rolled out in steps; the
modules are published meanwhile.  When the callers are done, the last protocol, or generation,
must be in force everywhere.

SEED=n plays another sequence; CALLS=n, for each protocol, a longer one.  KEEP=folder keeps
the histories and the log of a run that fails.
"""
import collections
import http.client
import itertools
import json
import mmap
import os
import random
import select
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
from center_lib import Answer, UnixConnection  # noqa: E402
from cli_stage import BUILD, LIMIT, Stage  # noqa: E402

SEED = int(os.environ.get("SEED", "1"))
CALLS = int(os.environ.get("CALLS", "24000"))
SOAK = os.path.join(os.path.abspath(BUILD), "tests", "soak")
PROTOCOLS = ["shm", "msgqueue", "semaphore", "bind"]
APPS, CALLERS, LINES_OF_ONE, WORKERS = 4, 8, 4, 8
MORTALS = CALLERS // 2  # the other callers live on: a call that hangs shows by them
DEADLINE_S = 20
STUCK_S = DEADLINE_S + LIMIT  # and the start of a caller

# Kills a second, in a storm and after it.  A process that is killed again within ten seconds
# is started after a pause, which doubles: the calm lets the supervisor forget.  It is also
# twice as long as any call may take: what hangs is not helped by the next storm.
STORM = {"caller": 12, "worker": 8, "agent/app": 4, "agent/soak": 1.5,
         "agent/soak_bytes": 1.5, "bytes": 1.5, "center": 0.5, "up": 0.05}
CALM = {"caller": 12}
STORM_S, CALM_S = 6, 2 * DEADLINE_S
SWAP_S = 0.1
FIRST_PAUSE_S = (0.005, 0.02)  # while each kind is killed once

SYSTEM = """
kind: Resource
metadata: {{name: soak}}
spec:
  type: service
  interface: soak
  serve: {{library: {soak}/libsoak.so.1, workers: {workers}, threads: 4}}
---
kind: Resource
metadata: {{name: soak_bytes}}
spec:
  type: service
  serve: {{program: [{soak}/soak-bytes, {history}]}}
"""
CALLER = """
---
kind: Resource
metadata: {{name: app{n}}}
spec: {{type: application, reference: [soak, soak_bytes]}}
---
kind: Rule
metadata: {{name: app{n}-soak}}
spec: {{protocol: {{edge: [app{n}, soak], use: {use}}}}}
---
kind: Rule
metadata: {{name: app{n}-soak-bytes}}
spec: {{protocol: {{edge: [app{n}, soak_bytes], use: {use}}}}}
"""

# A filter that changes no call, by each verdict that does not: allow, delay, the same bytes.
FILTER = """
#include <rhodes/hook/filter.h>
RH_RULE(filter);
static uint32_t calls;
int32_t rh_save(int32_t room)
{
	if (room < 4)
		return 0;
	__builtin_memcpy(rh_filter.bytes, &calls, 4);
	return 4;
}
int32_t rh_restore(int32_t length)
{
	if (length != 4)
		return 1;
	__builtin_memcpy(&calls, rh_filter.bytes, 4);
	return 0;
}
int32_t rh_filter_before(void)
{
	calls += %d;
	rh_filter.delay_us = calls %% 1000;
	if (calls %% 5 == 1)
		return RH_FILTER_DELAY;
	return calls %% 5 == 2 && rh_filter.visible == rh_filter.length ? RH_FILTER_REWRITE
	                                                               : RH_FILTER_ALLOW;
}
int32_t rh_filter_after(int32_t status)
{
	return status == 0 && rh_filter.visible == rh_filter.length ? RH_FILTER_REWRITE
	                                                           : RH_FILTER_ALLOW;
}
"""


def role_of(words):
    """What a child of the supervisor is, by its command line; None: nothing to kill."""
    name = os.path.basename(words[0])
    if name == "rhodes-center":
        return "center"
    if name == "rhodes-agent":
        resource = words[words.index("--resource") + 1]
        return "agent/" + ("app" if resource.startswith("app") else resource)
    if name == "rhodes-worker" or "--one" in words:
        return "worker"
    if name == "soak-bytes" or "soak_bytes" in words:
        return "bytes"
    return None


def children(pid):
    """Role -> pids of the children of a process."""
    found = collections.defaultdict(list)
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            pids = file.read().split()
    except OSError:
        return found
    for child in pids:
        try:
            with open(f"/proc/{child}/cmdline", encoding="utf-8") as file:
                role = role_of(file.read().split("\0"))
        except OSError:
            continue
        if role:
            found[role].append(int(child))
    return found


def parent_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return int(file.read().rpartition(")")[2].split()[1])


def all_children(pid):
    """Its children, for certain: the kernel's own list may miss some while others end."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if parent_of(name) == pid:
                found.append(int(name))
        except OSError:
            pass
    return found


def kill_child(pid, parent):
    """Kills that child of the parent and no other process that got its number since."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if parent_of(pid) != parent:
            return False
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        return True
    except (OSError, ValueError):
        return False
    finally:
        os.close(pidfd)


class History:
    """The lines of a history, as history.h lays them out."""

    def __init__(self, path):
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.lines, self.per_line = struct.unpack_from("=II", self.map, 8)

    def begun(self):
        """How many calls of each line were begun."""
        return [struct.unpack_from("=I", self.map, 32 + 16 * line + 8)[0]
                for line in range(self.lines)]


class Swapper(threading.Thread):
    """Gives all edges the next protocol every SWAP_S, as long as nobody stops it."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.stopped = path, threading.Event()
        self.taken, self.away, self.refused = 0, 0, []

    def run(self):
        for turn in itertools.count():
            if self.stopped.wait(SWAP_S):
                return
            self.swap(PROTOCOLS[turn % len(PROTOCOLS)])

    def swap(self, use):
        self.apply([{"kind": "Rule", "metadata": {"name": f"app{n}-{callee.replace('_', '-')}"},
                     "spec": {"protocol": {"edge": [f"app{n}", callee], "use": use}}}
                    for n in range(APPS) for callee in ("soak", "soak_bytes")])

    def apply(self, rules):
        try:
            answer = self.ask("POST", "/apis/v1/apply", json.dumps({"objects": rules}))
        except (OSError, http.client.HTTPException):
            self.away += 1  # the center was killed
            return
        if answer.status == 200:
            self.taken += 1
        else:
            self.refused.append(answer.body)

    def ask(self, *what):
        connection = UnixConnection(self.path)
        try:
            connection.request(*what)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def stop(self):
        self.stopped.set()
        self.join()


class Ruler(Swapper):
    """Gives all edges another generation of a filter; every few turns another module."""

    def __init__(self, path, publish):
        super().__init__(path)
        self.publish, self.modules = publish, []

    def run(self):
        while len(self.modules) < 2 and not self.stopped.is_set():
            self.publish_another()
        super().run()

    def publish_another(self):
        module = self.publish(len(self.modules))
        if module:
            self.modules.append(module)
        else:
            self.away += 1

    def swap(self, use):
        turn = self.taken + self.away
        if turn % 64 == 63 and len(self.modules) < 8:
            self.publish_another()
        code = {"hook": "filter", "module": self.modules[turn % len(self.modules)],
                "mode": "wasm", "onFailure": ["keep-last", "fail-closed"][turn % 2],
                "params": {"turn": str(turn)}}
        if turn % 2:
            code["rollout"] = {"steps": [1, "50%", "100%"], "wait": "0s"}
        self.apply([{"kind": "Rule", "metadata": {"name": "filter-" + callee.replace("_", "-")},
                     "spec": {"code": {"edge": ["*", callee], **code}}}
                    for callee in ("soak", "soak_bytes")])


class Soak(Stage):
    has_agents = True
    swapper = None

    def setUp(self):
        super().setUp()
        self.history_path = self.path("history")
        self.env.update(SOAK_HISTORY=self.history_path, RHODES_LOG="warn",
                        RHODES_TIMEOUT_MS=str(DEADLINE_S * 1000))
        self.callers = {}  # Popen -> its number
        self.kills = collections.Counter()
        self.addCleanup(self.keep)

    def keep(self):
        """What a failed run leaves, for who reads it."""
        folder = os.environ.get("KEEP")
        result = self._outcome.result
        failed = [test for test, _ in result.failures + result.errors if test is self]
        if folder and failed:
            folder = os.path.join(folder, self.id())
            os.makedirs(folder, exist_ok=True)
            for name in ("history", "run/system.log", "callers.log"):
                if os.path.exists(self.path(name)):
                    shutil.copy(self.path(name), folder)

    # --- the players ------------------------------------------------------------------

    def start(self, protocol):
        lines = CALLERS * LINES_OF_ONE
        subprocess.run([os.path.join(SOAK, "soak-check"), "make", self.history_path,
                        str(lines), str(max(CALLS // lines, 1)), str(DEADLINE_S * 1000)],
                       check=True)
        self.history = History(self.history_path)
        text = SYSTEM.format(soak=SOAK, workers=WORKERS, history=self.history_path)
        for n in range(APPS):
            text += CALLER.format(n=n, use=protocol)
        self.up("-I", SOAK, self.path("system.yaml", text))
        self.supervisor = self.read_supervisor()
        self.output = open(self.path("callers.log"), "ab")
        self.addCleanup(self.output.close)
        for n in range(CALLERS):
            self.start_caller(n)

    def read_supervisor(self):
        with open(os.path.join(self.run_dir, "up.pid"), encoding="utf-8") as file:
            return int(file.read())

    def start_caller(self, n):
        caller = subprocess.Popen(
            [self.rhodes_path, "run", "--wait", str(LIMIT), f"app{n % APPS}", "--",
             os.path.join(SOAK, "soak-caller"), self.history_path,
             str(n * LINES_OF_ONE), str(LINES_OF_ONE), str(SEED)],
            env=self.env, stdout=self.output, stderr=self.output)
        self.callers[caller] = n
        self.addCleanup(self.end_caller, caller)

    def end_caller(self, caller):
        if caller.poll() is None:
            caller.kill()
        caller.wait()

    # --- the kills --------------------------------------------------------------------

    def kill(self, role):
        if role == "caller":
            self.kill_caller()
        elif role == "up":
            self.kill_supervisor()
        else:
            found = children(self.supervisor)[role]
            if found and kill_child(self.random.choice(found), self.supervisor):
                self.kills[role] += 1

    def kill_caller(self):
        living = [caller for caller, n in self.callers.items() if n < MORTALS]
        if not living:
            return
        victim = self.random.choice(living)
        victim.kill()
        if victim.wait() == -signal.SIGKILL:
            self.kills["caller"] += 1
            self.start_caller(self.callers.pop(victim))
        else:
            self.has_ended(victim)

    def kill_supervisor(self):
        """With it everything that it started; then the system is started again."""
        pids = [self.supervisor, *all_children(self.supervisor)]
        os.kill(self.supervisor, signal.SIGKILL)
        self.assert_ends(pids)
        self.kills["up"] += 1
        self.up()
        self.supervisor = self.read_supervisor()

    def next_victim(self):
        """Each kind once, and then as often as its rate says."""
        if self.deck:
            return self.deck.pop()
        rates = self.rates()
        return self.random.choices(list(rates), list(rates.values()))[0]

    def rates(self):
        is_storm = (time.monotonic() - self.started) % (STORM_S + CALM_S) < STORM_S
        return STORM if is_storm else CALM

    def pause(self):
        if self.deck:
            return self.random.uniform(*FIRST_PAUSE_S)
        return self.random.expovariate(sum(self.rates().values()))

    # --- the game ---------------------------------------------------------------------

    def await_end(self, seconds):
        """Waits until a caller ends, at most so long."""
        fds = [os.pidfd_open(caller.pid) for caller in self.callers]
        select.select(fds, [], [], seconds)
        for fd in fds:
            os.close(fd)
        for caller in list(self.callers):
            if caller.poll() is not None:
                self.has_ended(caller)

    def has_ended(self, caller):
        del self.callers[caller]
        self.assertEqual(caller.returncode, 0, "a caller ended that was not killed:\n"
                         f"{self.tail()}{self.log()[-4000:]}")

    def tail(self):
        with open(self.path("callers.log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    def look_for_progress(self):
        """Every line that is not full goes on."""
        now, begun = time.monotonic(), self.history.begun()
        for line, count in enumerate(begun):
            if count != self.seen[line][0] or count == self.history.per_line:
                self.seen[line] = (count, now)
            if now - self.seen[line][1] > STUCK_S:
                self.is_stuck = True
                print(f"line {line} makes no progress since {STUCK_S} s, at {count} calls")

    def play(self, protocol):
        self.random = random.Random(f"{SEED} {protocol}")
        self.deck = [role for role in STORM if role != "up" or CALLS >= 100000 or
                     PROTOCOLS[SEED % len(PROTOCOLS)] == protocol]
        self.random.shuffle(self.deck)
        self.start({"swaps": "bind", "rules": "shm"}.get(protocol, protocol))
        if protocol in ("swaps", "rules"):
            socket = os.path.join(self.run_dir, "center.sock")
            self.swapper = Swapper(socket) if protocol == "swaps" else Ruler(socket,
                                                                             self.publish)
            self.addCleanup(self.swapper.stop)
            self.swapper.start()
        self.seen = [(0, time.monotonic())] * self.history.lines
        self.is_stuck = False
        self.started = time.monotonic()
        missing = set(self.deck)
        while self.callers and not self.is_stuck:
            self.await_end(self.pause())
            self.kill(self.next_victim())
            self.look_for_progress()
        seconds = time.monotonic() - self.started
        if self.swapper:
            self.await_settled()
        for caller in self.callers:
            caller.kill()
        pids = [self.supervisor, *all_children(self.supervisor)]
        self.ok("down")
        self.assert_ends(pids)
        self.judge(protocol, seconds, missing - set(self.kills))

    def publish(self, number):
        """The module of another filter, or nothing when the center was killed over it."""
        name = f"filter{number}"
        if not os.path.exists(self.path(name)):
            subprocess.run([self.rhodes_path, "rule", "new", name, "--hook", "filter",
                            "--lang", "c"], cwd=self.folder, env=self.env, check=True,
                           stdout=subprocess.DEVNULL)
            self.path(f"{name}/{name}.c", FILTER % (number + 1))
        said = subprocess.run([self.rhodes_path, "rule", "publish", name], cwd=self.folder,
                              env=self.env, check=False, capture_output=True, text=True)
        return next((line.split()[1] for line in said.stdout.splitlines()
                     if line.startswith("module ")), None)

    def await_settled(self):
        """The last of all protocols comes into force at both ends of every edge."""
        self.swapper.stop()
        self.ok("run", "--wait", str(LIMIT), "app0", "--", "/bin/true")  # the center is back
        news = UnixConnection(self.swapper.path, timeout=LIMIT)
        news.request("GET", "/apis/v1/events")
        stream = news.getresponse()
        while waiting := self.unsettled():
            if not stream.readline():
                self.fail(f"not in force: {waiting}")
        news.close()

    def unsettled(self):
        rules = self.swapper.ask("GET", "/apis/v1/rules").json["items"]
        return [condition["message"] for rule in rules
                for condition in rule["status"]["conditions"]
                if condition["type"] == "Active" and condition["status"] != "True"]

    def judge(self, protocol, seconds, missing):
        done = subprocess.run([os.path.join(SOAK, "soak-check"), self.history_path],
                              stdout=subprocess.PIPE, text=True, check=False)
        kills = ", ".join(f"{count} {role}" for role, count in sorted(self.kills.items()))
        if self.swapper:
            print(f"{self.swapper.taken} changes of all edges taken, the center away from"
                  f" {self.swapper.away}")
            self.assertEqual(self.swapper.refused, [])
        print(f"{protocol}, SEED={SEED}, {seconds:.0f} s, {sum(self.kills.values())} kills: "
              f"{kills}\n{done.stdout}", flush=True)
        self.assertEqual(done.returncode, 0, done.stdout + self.tail())
        self.assertFalse(self.is_stuck)
        self.assertFalse(missing, "never killed")


for use in [*PROTOCOLS, "swaps", "rules"]:
    setattr(Soak, "test_" + use, lambda self, use=use: self.play(use))

if __name__ == "__main__":
    unittest.main()
