"""Who is told of a change: Rhodes' agents, and what a user could take instead.  Each has
change(), the milliseconds until each of them had it, and cpu(), the seconds that all of its
processes have used."""
import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time

READY_S = 60
ALL = [["application", "service"], ["application", "driver"], ["application", "hardware"],
       ["service", "driver"], ["service", "hardware"], ["driver", "hardware"]]


def cpu_of(pid):
    """Seconds of processor time, of a process that lives (its CPU clock)."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0


def memory_of(pid, field):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return 1024 * sum(map(int, re.findall(rf"^{field}\w*:\s+(\d+)", file.read(), re.M)))


def stop(processes):
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=READY_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def read(self, path):
        self.request("GET", path)
        return self.getresponse().read().decode()

    def ask(self, method, path, body=None):
        self.request(method, path, body and json.dumps(body),
                     {"Content-Type": "application/json"})
        answer = self.getresponse()
        data = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {data.decode()}")
        return json.loads(data)


class Stream:
    """The center's stream of events, and when each came."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.sock.sendall(b"GET /apis/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.sock.recv(4096)
        self.sock.setblocking(False)

    def fileno(self):
        return self.sock.fileno()

    def read(self):
        data = self.sock.recv(1 << 20)
        if not data:
            raise RuntimeError("the center has closed its stream")
        return data

    def close(self):
        self.sock.close()


class Agents:
    """A center and its agents: one service, and applications that call it."""

    def __init__(self, build, folder, count, is_pooled):
        self.build, self.count, self.is_pooled = build, count, is_pooled
        self.folder = os.path.join(folder, f"agents{count}")
        self.run, self.state = (os.path.join(self.folder, name) for name in ("r", "s"))
        self.processes, self.number = [], 0

    def __enter__(self):
        os.makedirs(self.folder)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        self.spawn("center/rhodes-center")
        self.path = os.path.join(self.run, "center.sock")
        self.rest = Connection(self.path)
        names = ["hub", *(f"app{number:04}" for number in range(self.count))]
        self.apply(names)
        # What it needed to take that in is no agent's.
        self.rest.close()
        stop(self.processes)
        self.processes.clear()
        self.spawn("center/rhodes-center")
        self.before = self.resident()
        if self.is_pooled:
            os.makedirs(os.path.join(self.run, "agent"), exist_ok=True)
            pool = os.path.join(self.run, "agent", "pool.0")
            with open(pool, "w", encoding="ascii") as file:
                file.writelines(name + "\n" for name in names)
            self.spawn("agent/rhodes-agent", "--pool", pool)
        else:
            for name in names:
                self.spawn("agent/rhodes-agent", "--resource", name)
        self.await_settled()
        self.after = self.resident()
        self.stream = Stream(self.path)

    def spawn(self, program, *words):
        """Starts one and waits until it is ready."""
        ours, theirs = os.pipe()
        with open(os.path.join(self.folder, "log"), "a", encoding="utf-8") as log:
            process = subprocess.Popen(
                [os.path.join(self.build, program), "--run-dir", self.run, "--state-dir",
                 self.state, "--ready-fd", str(theirs), *words], pass_fds=[theirs],
                stderr=log)
        self.processes.append(process)
        os.close(theirs)
        ready = select.select([ours], [], [], READY_S)[0] and os.read(ours, 16)
        os.close(ours)
        if ready != b"ready\n":
            raise RuntimeError(f"{program} {' '.join(words)} did not start")

    def apply(self, names):
        self.rest.ask("POST", "/apis/v1/apply", {"objects": [
            {"kind": "Resource", "metadata": {"name": name}, "spec":
             {"type": "service"} if name == "hub" else
             {"type": "application", "reference": ["hub"]}} for name in names]})

    def await_settled(self):
        until = time.monotonic() + READY_S
        while True:
            agents = self.rest.ask("GET", "/apis/v1/agents")["items"]
            if sum(agent.get("settledRevision") == agent["storeRevision"]
                   for agent in agents) == self.count + 1:
                return
            if time.monotonic() > until:
                raise RuntimeError("the agents do not settle")
            time.sleep(0.05)

    def change(self):
        """A hierarchy of another revision: every edge's item changes."""
        self.number += 1
        body = json.dumps({"kind": "Rule", "metadata": {"name": "hierarchy"}, "spec":
                           {"hierarchy": {"allow": ALL, "grace": f"{self.number}s"}}})
        text = ("PUT /apis/v1/rules/hierarchy HTTP/1.1\r\nHost: localhost\r\n"
                "Content-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}").encode()
        if not self.rest.sock:
            self.rest.connect()
        sock, times, seen, answer = self.rest.sock, [], b"", b""
        began = time.perf_counter()
        sock.sendall(text)
        while len(times) < self.count + 1 or b"\r\n\r\n" not in answer:
            ready = select.select([self.stream, sock], [], [], READY_S)[0]
            if not ready:
                raise RuntimeError(f"{len(times)} of {self.count + 1} agents obey")
            if self.stream in ready:
                seen += self.stream.read()
                now = (time.perf_counter() - began) * 1e3
                times += [now] * (seen.count(b'"type":"active"') - len(times))
            if sock in ready:
                answer += sock.recv(1 << 16)
                if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
                    raise RuntimeError(answer.decode())
        self.finish(sock, answer)
        return times

    @staticmethod
    def finish(sock, answer):
        """The rest of the body, so that the next answer is the next one's."""
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length:\s*(\d+)", head)[1])
        while len(body) < length:
            body += sock.recv(1 << 16)

    def cpu(self):
        return sum(cpu_of(process.pid) for process in self.processes)

    def bytes_an_agent(self):
        return (self.after - self.before) / (self.count + 1)

    def private_an_agent(self):
        return sum(memory_of(process.pid, "Private_")
                   for process in self.processes[1:]) / (self.count + 1)

    def resident(self):
        """Of the center, in its own words: only root may look into it."""
        return float(re.search(r"^process_resident_memory_bytes (\S+)",
                               self.rest.read("/metrics"), re.M)[1])

    def __exit__(self, *_):
        if hasattr(self, "stream"):
            self.stream.close()
        if hasattr(self, "rest"):
            self.rest.close()
        stop(self.processes[1:])
        stop(self.processes[:1])


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


class Etcd:
    """Debian's etcd, one member, on the loopback."""

    def __init__(self, folder, count):
        self.folder = os.path.join(folder, f"etcd{count}")
        self.log = self.folder + ".log"

    def __enter__(self):
        self.port, peer = free_ports(2)
        client, other = (f"http://127.0.0.1:{port}" for port in (self.port, peer))
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["etcd", "--data-dir", self.folder, "--listen-client-urls", client,
                 "--advertise-client-urls", client, "--listen-peer-urls", other,
                 "--initial-advertise-peer-urls", other, "--initial-cluster",
                 f"default={other}"], stdout=log, stderr=log)
        until = time.monotonic() + READY_S
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > until:
                with open(self.log, encoding="utf-8") as file:
                    raise RuntimeError("etcd: " + file.read()[-1000:])
            time.sleep(0.05)
        self.before = self.resident()
        return self

    def is_ready(self):
        rest = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            rest.request("GET", "/health")
            return b'"true"' in rest.getresponse().read()
        except OSError:
            return False
        finally:
            rest.close()

    def resident(self):
        return memory_of(self.process.pid, "Rss")

    def bytes_a_watcher(self, count):
        return (self.resident() - self.before) / count

    def __exit__(self, *_):
        stop([self.process])


class Watchers:
    """bench-watchers, which changes what it watches when it is told to."""

    def __init__(self, build, kind, target, count, processes, server=None):
        self.command = [os.path.join(build, "benchmarks", "peers", "bench-watchers"), kind,
                        target, str(count), str(processes)]
        self.server = server

    def __enter__(self):
        if self.command[1] == "file":
            os.makedirs(os.path.dirname(self.command[2]), mode=0o755)
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # a pipe may fill
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors,
                                        text=True)
        if self.process.stdout.readline() != "ready\n":
            self.__exit__()
            raise RuntimeError(self.said)
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children",
                  encoding="ascii") as file:
            self.pids = [self.process.pid, *map(int, file.read().split())]
        return self

    def change(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("bench-watchers has ended")
        return [number / 1e3 for number in json.loads(line)]

    def cpu(self):
        server = [self.server.process.pid] if self.server else []
        return sum(map(cpu_of, [*self.pids, *server]))

    def resident(self):
        return self.server.resident() if self.server else None

    def __exit__(self, *_):
        self.process.stdin.close()
        stop([self.process])
        self.process.stdout.close()
        self.errors.seek(0)
        self.said = self.errors.read().strip()
        self.errors.close()
