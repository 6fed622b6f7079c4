"""What the system tests of the center share: the process, its REST interface, its link."""
import http.client
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

from center_contract import Contract

PROGRAM = os.environ.get("RHODES_CENTER", "build/center/rhodes-center")

# wire/frame.h
FRAME_ERROR, HELLO, VIEW, STATS, INSTANCES, PLAN = 1, 112, 113, 114, 115, 116
ROLE_AGENT, ROLE_SUPERVISOR = 4, 5
TAG = {name: i + 1 for i, name in enumerate(
    "CODE TEXT VERSION ROLE RESOURCE SYSTEM CALLEE CALLER INTERFACE ATTACHMENT EDGE PAGE INSTANCE "
    "PROTOCOL REVISION FLAGS DEADLINE CONTEXT UMASK LOCALE ENV CALL HASH THREADS PID OFFER SELF "
    "EDGE_ITEM TYPE UID GID EXE VERDICT RULE COUNT_ITEM CALLS ERRORS BYTES INSTANCE_ITEM JSON "
    "LAST COUNT STEP TIME FUNCTION BODY LOCALE_ON LIBRARY OFFSET PROGRAM".split())}
HEAD = struct.Struct("<HBBHHIIQ")


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        kind = self.headers.get("Content-Type", "")
        self.json = json.loads(self.body) if "json" in kind and self.body else None

    @property
    def etag(self):
        return self.headers.get("ETag")


class Center:
    """One center in folders of its own."""

    def __init__(self, folder=None):
        self.folder = folder or tempfile.mkdtemp(prefix="rhodes-center-")
        self.run = os.path.join(self.folder, "run")
        self.state = os.path.join(self.folder, "state")
        self.log = os.path.join(self.folder, "log")
        self.process = None
        self.links = []
        self.contract = Contract()

    def start(self, *args, preexec=None, program=PROGRAM, wait=True):
        reader, writer = os.pipe()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [program, "--run-dir", self.run, "--state-dir", self.state,
                 "--ready-fd", str(writer), *args],
                stderr=log, stdin=subprocess.DEVNULL, pass_fds=[writer], preexec_fn=preexec)
        os.close(writer)
        word = os.read(reader, 16) if wait else b""
        os.close(reader)
        if wait and word != b"ready\n":
            self.process.wait()
            raise RuntimeError("the center did not start: " + self.read_log())
        return self

    def read_log(self):
        with open(self.log, "r", encoding="utf-8") as log:
            return log.read()

    def kill(self, number=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30) if self.process else None

    def stop(self):
        return self.kill(signal.SIGTERM)

    def remove(self):
        for link in self.links:
            link.close()
        code = self.stop() if self.process and self.process.poll() is None else 0
        shutil.rmtree(self.folder, ignore_errors=True)
        if code != 0:
            raise RuntimeError(f"the center ended with {code}")

    def connect(self):
        return UnixConnection(os.path.join(self.run, "center.sock"))

    def ask(self, method, path, body=None, headers=None, connection=None):
        own = connection or self.connect()
        headers = dict(headers or {})
        data = json.dumps(body) if isinstance(body, (dict, list)) else body
        if data is not None:
            headers.setdefault("Content-Type", "application/json")
        try:
            own.request(method, path, data, headers)
            answer = Answer(own.getresponse())
        finally:
            if not connection:
                own.close()
        if self.contract:
            self.contract.check(method, path, body, answer)
        return answer

    def get(self, path, **headers):
        return self.ask("GET", path, headers=headers)

    def put(self, item, query="", **headers):
        path = f"/apis/v1/{item['kind'].lower()}s/{item['metadata']['name']}{query}"
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.ask("PUT", path, item, named)

    def apply(self, *objects, query=""):
        return self.ask("POST", "/apis/v1/apply" + query, {"objects": list(objects)})

    def revision(self):
        return self.get("/apis/v1/system").json["revision"]

    def audit(self, limit=1000):
        return self.get(f"/apis/v1/audit?limit={limit}").json["items"]

    def agent(self, resource, role=ROLE_AGENT):
        link = Link(os.path.join(self.run, "link.sock"), resource, role)
        self.links.append(link)
        return link


def record(tag, value):
    if isinstance(value, str):
        value = value.encode()
    elif isinstance(value, list):
        value = b"".join(value)
    return struct.pack("<HHI", TAG[tag], 0, len(value)) + value


def u32(tag, value):
    return record(tag, struct.pack("<I", value))


def u64(tag, value):
    return record(tag, struct.pack("<Q", value))


def records(data):
    """A list of (tag, bytes)."""
    found, at = [], 0
    while at < len(data):
        tag, _, length = struct.unpack_from("<HHI", data, at)
        found.append((tag, data[at + 8:at + 8 + length]))
        at += 8 + length
    return found


def first(items, tag, default=None):
    for found, value in items:
        if found == TAG[tag]:
            return value
    return default


def text(items, tag):
    value = first(items, tag)
    return None if value is None else value.decode()


def number(items, tag):
    value = first(items, tag)
    return None if value is None else int.from_bytes(value, "little", signed=len(value) == 4)


def frame(kind, payload=b"", magic=0x5248, length=None):
    size = len(payload) if length is None else length
    return HEAD.pack(magic, 1, kind, 0, 24, 0, size, 0) + payload


class Link:
    """An agent or a supervisor as the center sees it."""

    def __init__(self, path, resource, role=ROLE_AGENT, hello=True):
        self.resource = resource
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(20)
        self.sock.connect(path)
        if hello:
            self.send(HELLO, u32("VERSION", 1) + u32("ROLE", role) +
                      record("RESOURCE", resource) + u32("PID", os.getpid()) +
                      u64("REVISION", 0))

    def send(self, kind, payload):
        self.sock.send(frame(kind, payload))

    def receive(self):
        """(type, records), or None at the end."""
        data = self.sock.recv(1 << 17)
        if not data:
            return None
        return HEAD.unpack_from(data)[2], records(data[24:])

    def parcel(self):
        """The next whole view or plan: (type, records of all parts)."""
        everything = []
        while True:
            got = self.receive()
            if got is None:
                return None
            kind, items = got
            everything += items
            if kind == FRAME_ERROR or number(items, "LAST"):
                return kind, everything

    def view(self):
        kind, items = self.parcel()
        if kind != VIEW:
            raise RuntimeError(f"frame {kind}: {text(items, 'TEXT')}")
        return View(items)

    def plan(self):
        kind, items = self.parcel()
        assert kind == PLAN, kind
        return json.loads(b"".join(value for tag, value in items if tag == TAG["JSON"]))

    def close(self):
        self.sock.close()


class View:
    def __init__(self, items):
        self.revision = number(items, "REVISION")
        self.system = text(items, "SYSTEM")
        own = first(items, "SELF")
        self.own = None if own is None else records(own)
        self.edges = {}
        for tag, value in items:
            if tag == TAG["EDGE_ITEM"]:
                edge = records(value)
                self.edges[(text(edge, "CALLER"), text(edge, "CALLEE"))] = edge

    def verdict(self, caller, callee):
        return number(self.edges[(caller, callee)], "VERDICT")

    def protocol(self, caller, callee):
        return text(self.edges[(caller, callee)], "PROTOCOL")


def resource(name, kind, *references, **spec):
    body = {"type": kind, **spec}
    if references:
        body["reference"] = list(references)
    return {"kind": "Resource", "metadata": {"name": name}, "spec": body}


def rule(name, **spec):
    return {"kind": "Rule", "metadata": {"name": name}, "spec": spec}


class CenterTest(unittest.TestCase):
    """A test with a fresh center."""

    start_args = ()

    def setUp(self):
        self.center = Center()
        self.addCleanup(self.center.remove)
        self.center.start(*self.start_args)

    def assert_problem(self, answer, status, code, *words):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        self.assertEqual(answer.json["status"], status)
        self.assertEqual(answer.json["code"], code)
        for word in words:
            self.assertIn(word, answer.json["detail"])


def main():
    global PROGRAM
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        PROGRAM = sys.argv.pop(1)
        Center.start.__kwdefaults__["program"] = PROGRAM
    unittest.main(module="__main__", verbosity=2)
