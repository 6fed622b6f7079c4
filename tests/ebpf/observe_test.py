#!/usr/bin/python3
"""`rhodes observe`: connections and programs past the agents in the observed plane, and a
cgroup that may connect only where the matrix allows it.

Real: center, rhodes-bpf, programs and sockets.  Skipped, with a message, without root,
eBPF or cgroup2."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
from cli_stage import BUILD, LIMIT, Stage  # noqa: E402

SYSTEM = """
kind: Resource
metadata: {name: app}
spec:
  type: application
  reference: [allowed]
  allow: {exe: [%(app)s]}
---
kind: Resource
metadata: {name: allowed}
spec:
  type: service
  listen: ["127.0.0.1:%(allowed)d", "[::1]:%(six)d"]
  allow: {exe: [%(tool)s]}
---
kind: Resource
metadata: {name: other}
spec:
  type: service
  listen: ["*:%(other)d"]
"""

# What a program of the resource does: connects where each line says, and prints errno; a
# word with a slash is executed.
PROGRAM = r"""
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int try_connect(const char *host, int port)
{
	struct sockaddr_in  four = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int is_four = inet_pton(AF_INET, host, &four.sin_addr) == 1;
	int fd = socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM, 0), r;

	inet_pton(AF_INET6, host, &six.sin6_addr);
	r = is_four ? connect(fd, (void *)&four, sizeof four)
	            : connect(fd, (void *)&six, sizeof six);
	r = r < 0 ? errno : 0;
	close(fd);
	return r;
}

int main(void)
{
	char line[256];

	while (fgets(line, sizeof line, stdin)) {
		char host[128];
		int  port;

		if (line[0] == '/') {
			line[strcspn(line, "\n")] = 0;
			if (fork() == 0) {
				execl(line, line, (char *)0);
				_exit(127);
			}
			wait(NULL);
			puts("0");
		} else if (sscanf(line, "%127s %d", host, &port) == 2) {
			printf("%d\n", try_connect(host, port));
		}
		fflush(stdout);
	}
	return 0;
}
"""


def cgroup_root():
    with open("/proc/self/mounts", encoding="utf-8") as file:
        for line in file:
            _, place, kind, *_ = line.split()
            if kind == "cgroup2":
                return place
    return None


class ObserveStage(Stage):
    has_agents = True

    def words_of_up(self):
        return ()

    def setUp(self):
        super().setUp()
        helper = os.path.abspath(os.path.join(BUILD, "rules", "ebpf", "rhodes-bpf"))
        os.symlink(helper, os.path.join(self.bin, "rhodes-bpf"))
        self.app = self.compile_program("app", PROGRAM)
        self.tool = self.compile_program("tool", "int main(void) { return 0; }")
        self.ports = {"allowed": self.listen("127.0.0.1"), "other": self.listen("127.0.0.1"),
                      "six": self.listen("::1"), "stranger": self.listen("127.0.0.1")}
        self.path("system.yaml", SYSTEM % {**self.ports, "app": self.app, "tool": self.tool})
        self.up("-f", self.path("system.yaml"), *self.words_of_up())

    def compile_program(self, name, source):
        path = self.path(name)
        subprocess.run(["cc", "-x", "c", "-w", "-o", path, "-"], input=source, text=True,
                       check=True)
        return path

    def listen(self, host):
        """A port at which whoever connects is let in and let go, until the test is over."""
        server = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host
                                      else socket.AF_INET)
        thread = threading.Thread(target=self.let_in, args=(server,))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown, socket.SHUT_RDWR)
        return server.getsockname()[1]

    @staticmethod
    def let_in(server):
        with server, contextlib.suppress(OSError):
            while True:
                server.accept()[0].close()

    @contextlib.contextmanager
    def observing(self, *words):
        """The command, from its first line on; afterwards it was asked to end."""
        with self.started("observe", *words, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
            first = process.stdout.readline()
            while first.startswith("enforcing "):
                first = process.stdout.readline()
            if not first:
                self.fail(process.stderr.read())
            self.assertEqual(first, "observing\n")
            yield process
            process.terminate()
            self.said, trouble = process.communicate(timeout=LIMIT)
            self.assertEqual(process.returncode, 0, trouble)

    @contextlib.contextmanager
    def program(self):
        with subprocess.Popen([self.app], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as process:
            yield process
            process.stdin.close()
            process.wait(timeout=LIMIT)

    def tries(self, process, line):
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    def matrix(self):
        return json.loads(self.ok("matrix", "-o", "json"))

    def observed(self):
        return {(edge["caller"], edge["callee"]): edge["observed"]
                for edge in self.matrix()["edges"]}

    def undeclared(self):
        return {(pair["caller"], pair["callee"]): pair["calls"]
                for pair in self.matrix()["undeclared"]}

    def make_cgroup(self):
        """A cgroup of the test's own, for one process."""
        root = cgroup_root()
        if not root:
            self.skipTest("no cgroup2 is mounted here")
        group = f"/rhodes-test-{os.getpid()}"
        os.mkdir(root + group)
        self.addCleanup(os.rmdir, root + group)
        return root, group

    @contextlib.contextmanager
    def program_in(self, root, group):
        with self.program() as program:
            with open(root + group + "/cgroup.procs", "w", encoding="ascii") as file:
                file.write(str(program.pid))
            yield program


class Observe(ObserveStage):
    def test_what_passes_the_agents_is_seen(self):
        ports = self.ports
        with self.program() as program:
            with self.observing():
                for _ in range(3):
                    self.tries(program, f"127.0.0.1 {ports['allowed']}")
                self.tries(program, f"::1 {ports['six']}")
                self.tries(program, f"::ffff:127.0.0.1 {ports['allowed']}")
                for _ in range(2):
                    self.tries(program, f"127.0.0.1 {ports['other']}")
                self.tries(program, f"127.0.0.1 {ports['stranger']}")
                self.tries(program, self.tool)
                # Not by a program of a resource: nobody knows whose it is.
                socket.create_connection(("127.0.0.1", ports["other"])).close()
        # 5 connections, and the program of allowed executed once.
        self.assertEqual(self.observed(), {("app", "allowed"): 6})
        self.assertEqual(self.undeclared(), {("app", "other"): 2})
        self.assertIn("app -> other  2", self.ok("matrix", "--plane", "observed"))
        self.assertIn("app -> allowed: ", self.said)
        # Declared meanwhile, it is an edge like others.
        with open(self.path("system.yaml"), encoding="utf-8") as file:
            text = file.read().replace("reference: [allowed]", "reference: [allowed, other]")
        self.ok("apply", "-f", self.path("more.yaml", text))
        self.assertEqual(self.undeclared(), {})

    def test_what_the_center_counts(self):
        def post(body):
            done = subprocess.run(["curl", "-s", "--unix-socket", self.run_dir + "/center.sock",
                                   "-H", "Content-Type: application/json", "-d", body,
                                   "http://x/apis/v1/observed"], capture_output=True, text=True,
                                  check=True)
            return json.loads(done.stdout)

        pair = '{"caller": "%s", "callee": "%s", "calls": %s}'
        self.assertEqual(post('{"pairs": [%s, %s, %s, %s]}' % (
            pair % ("app", "allowed", 5), pair % ("app", "other", 7),
            pair % ("app", "nobody", 1), pair % ("app", "app", 1))),
            {"declared": 1, "undeclared": 1, "unknown": 2})
        self.assertEqual(self.observed(), {("app", "allowed"): 5})
        self.assertEqual(self.undeclared(), {("app", "other"): 7})
        self.assertIn("/pairs/0/calls", post('{"pairs": [%s]}' % (pair % ("a", "b", 0)))["pointer"])

    def test_a_cgroup_connects_where_its_resource_may(self):
        (root, group), ports = self.make_cgroup(), self.ports
        with self.program_in(root, group) as program:
            lines = {name: f"127.0.0.1 {port}" for name, port in ports.items()}
            lines["six"] = f"::1 {ports['six']}"
            with self.observing("--enforce", "app=" + group):
                self.assertEqual({name: self.tries(program, line)
                                  for name, line in lines.items()},
                                 {"allowed": 0, "six": 0, "other": 1, "stranger": 0})
                self.assertEqual(self.tries(program, f"::ffff:127.0.0.1 {ports['other']}"), 1)
                # Others are not governed.
                socket.create_connection(("127.0.0.1", ports["other"])).close()
                # The hierarchy changes: an application may no longer call a service.
                self.ok("apply", "-f", self.path("more.yaml", (
                    SYSTEM % {**ports, "app": self.app, "tool": self.tool}).replace(
                        "[allowed]", "[other]")))
                while self.tries(program, lines["allowed"]) != 1:
                    pass  # the command looks once a second
                while self.tries(program, lines["other"]) != 0:
                    pass  # and writes one entry after another
            self.assertEqual(self.tries(program, lines["allowed"]), 0)  # it left
            with self.observing("--enforce", "app=" + group, "--strict"):
                self.assertEqual(self.tries(program, lines["stranger"]), 1)
                self.assertEqual(self.tries(program, lines["other"]), 0)

    def test_what_is_wrong_is_told(self):
        for words, why in ((["--enforce", "app"], "takes NAME=/CGROUP"),
                           (["--enforce", "app=/no/such/group"], "cannot be attached"),
                           (["-i", "0"], "interval")):
            done = self.rhodes("observe", *words)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(why, done.stderr)


class Kept(ObserveStage):
    """`rhodes up` keeps it running."""

    def words_of_up(self):
        self.root, self.group = self.make_cgroup()
        return ("--enforce", "app=" + self.group)

    def pid_of(self, name):
        found = re.findall(rf"{name} started \(pid (\d+)\)", self.log())
        return int(found[-1]) if found else 0

    def observer(self):
        return self.matrix().get("observer")

    def kill(self, name):
        """Ends when another one was started."""
        before = self.pid_of(name)
        os.kill(before, signal.SIGKILL)
        while self.pid_of(name) == before:
            pass

    def await_observer(self, pid_is_not=0):
        """What it says of itself once it has told."""
        while not self.observer() or self.observer()["pid"] == pid_is_not:
            pass
        return self.observer()

    def test_killed_processes(self):
        with self.program_in(self.root, self.group) as program:
            refused = f"127.0.0.1 {self.ports['other']}"
            first = self.await_observer()
            self.assertEqual(first["state"], "observing")
            self.assertEqual(first["enforced"], [{
                "resource": "app", "cgroup": self.group, "strict": False, "gaps": 0,
                "gapMs": 0}])
            self.assertEqual(self.tries(program, refused), 1)
            # Killed, it is started again, and what it enforces stays in place.
            self.kill("observe")
            while self.observer()["pid"] == first["pid"]:
                self.assertEqual(self.tries(program, refused), 1)
            self.assertEqual(self.observer()["enforced"][0]["gaps"], 0)
            said = self.rhodes("doctor").stdout
            self.assertIn(f"app in {self.group} connects only where it may", said)
            # With the helper the rules leave; it is told that they did, and for how long.
            second = self.observer()["pid"]
            self.kill("bpf")
            enforced = self.await_observer(pid_is_not=second)["enforced"][0]
            self.assertEqual(enforced["gaps"], 1)
            self.assertGreater(enforced["gapMs"], 0)
            while self.tries(program, refused) != 1:
                pass
            self.assertIn("were free 1 time, the last time for at most",
                          self.rhodes("doctor").stdout)
            self.assertRegex(self.ok("matrix", "--plane", "observed"),
                             r"looks on\napp in /rhodes-test-\d+ connects only where it may; "
                             r"was free 1 time, last for at most [\d.]+ s")

    def test_one_that_is_stopped_is_told_of(self):
        observer = self.await_observer()
        os.kill(observer["pid"], signal.SIGSTOP)
        try:
            while self.observer()["state"] == "observing":
                pass
            done = self.rhodes("doctor")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("`rhodes observe` tells nothing since", done.stdout)
            self.assertIn(f"the connections of app in {self.group} may be free", done.stdout)
        finally:
            os.kill(observer["pid"], signal.SIGCONT)
        while self.observer()["state"] != "observing":
            pass


class Without(ObserveStage):
    """On a node that has no mode ebpf."""

    def words_of_up(self):
        os.unlink(os.path.join(self.bin, "rhodes-bpf"))
        return ("--observe",)

    def test_all_else_goes_on(self):
        self.assertIn("nothing is observed, and no connection is refused", self.log())
        done = self.rhodes("doctor")
        self.assertIn("`rhodes up` was told to observe, and nothing does", done.stdout)
        self.assertIsNone(self.matrix().get("observer"))
        self.ok("get", "resources")


def main():
    probe = os.path.abspath(os.path.join(BUILD, "rules", "ebpf", "rhodes-bpf"))
    if os.geteuid() != 0 or not os.path.exists(probe) or not shutil.which("curl"):
        print("skipped: needs root, rhodes-bpf (libbpf) and curl", file=sys.stderr)
        sys.exit(77)
    # CAP_BPF in what this process has: bit 39.
    with open("/proc/self/status", encoding="ascii") as file:
        caps = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff"))
    if not caps >> 39 & 1:
        print("skipped: CAP_BPF is missing here", file=sys.stderr)
        sys.exit(77)
    unittest.main()


if __name__ == "__main__":
    main()
