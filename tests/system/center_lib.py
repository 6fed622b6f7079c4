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
(WELCOME, SUBSCRIBE, SNAP_BEGIN, SNAP_ITEM, SNAP_END, DELTA, BOOKMARK, RESULT, CREDIT, GOAWAY,
 REPORT) = range(117, 128)
RECEIVED, VERIFIED, VALIDATED, STAGED, ACTIVE, REJECTED = range(1, 7)
ROLE_AGENT, ROLE_SUPERVISOR = 4, 5
TAG = {name: i + 1 for i, name in enumerate(
    "CODE TEXT VERSION ROLE RESOURCE SYSTEM CALLEE CALLER INTERFACE ATTACHMENT EDGE PAGE INSTANCE "
    "PROTOCOL REVISION FLAGS DEADLINE CONTEXT UMASK LOCALE ENV CALL HASH THREADS PID OFFER SELF "
    "EDGE_ITEM TYPE UID GID EXE VERDICT RULE COUNT_ITEM CALLS ERRORS BYTES INSTANCE_ITEM JSON "
    "LAST COUNT STEP TIME FUNCTION BODY LOCALE_ON LIBRARY OFFSET PROGRAM STORE PREV PREFIX ITEM "
    "CALLER_TYPE AFTER RESULT_ITEM STATE DELAY REPORT_ITEM STALE_ITEM MESSAGES ORIGIN TOOK "
    "LIMIT_ITEM CODE_ITEM HOOK MODULE MODE POLICY FUEL SIGNATURE KEY DIFFERENCES SCHED_ITEM "
    "ROLLBACK".split())}
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

    def subscriber(self, resource, **options):
        link = Subscriber(os.path.join(self.run, "link.sock"), resource, **options)
        self.links.append(link)
        return link

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


def i32(tag, value):
    return record(tag, struct.pack("<i", value))


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
        self.sock.connect(path)  # waits while the backlog is full: with a timeout it would not
        self.sock.settimeout(20)
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


class Subscriber(Link):
    """An agent that takes changes item by item, and refuses what it may not get."""

    WINDOW = 1 << 18

    def __init__(self, path, resource, store=bytes(16), revision=0, items=None, credit=WINDOW,
                 subscribe=True, version=2):
        super().__init__(path, resource, hello=False)
        self.store, self.revision = store, revision
        self.items = dict(items or {})       # (caller, callee or None): (revision, bytes)
        self.frames, self.bytes, self.used = [], 0, 0
        self.is_generous = credit > 0
        self.send(HELLO, u32("VERSION", version) + u32("ROLE", ROLE_AGENT) +
                  record("RESOURCE", resource) + u32("PID", os.getpid()))
        self.welcome = self.expect(WELCOME)
        incoming = first(self.welcome, "STORE")
        if incoming != self.store:
            self.store, self.revision = incoming, 0
        if subscribe:
            self.subscribe(credit, revision=revision, store=store)

    def prefixes(self):
        return [f"resource/{self.resource}", f"out/{self.resource}/", f"in/{self.resource}/"]

    def subscribe(self, credit=0, revision=None, store=None, prefixes=None):
        self.send(SUBSCRIBE, b"".join(record("PREFIX", p) for p in prefixes or self.prefixes()) +
                  record("STORE", self.store if store is None else store) +
                  u64("REVISION", self.revision if revision is None else revision) +
                  u64("BYTES", credit))

    def expect(self, kind):
        got = self.receive()
        if got is None or got[0] != kind:
            raise RuntimeError(f"frame {got and got[0]} instead of {kind}: "
                               f"{text(got[1], 'TEXT') if got else 'the end'}")
        return got[1]

    def receive(self):
        """As Link's, and pays for what costs credit."""
        data = self.sock.recv(1 << 17)
        if not data:
            return None
        kind = HEAD.unpack_from(data)[2]
        if SNAP_BEGIN <= kind <= BOOKMARK:
            self.bytes += len(data) - 24
            self.used += len(data) - 24
            if self.is_generous and self.used > self.WINDOW // 2:
                self.credit(self.used)
                self.used = 0
        self.frames.append(kind)
        return kind, records(data[24:])

    def credit(self, count):
        self.send(CREDIT, u64("BYTES", count))

    def take(self):
        """The next snapshot, delta or bookmark, as a whole; (kind, the keys in it)."""
        held, keys, prev = dict(), [], self.revision
        while True:
            got = self.receive()
            if got is None:
                raise EOFError
            kind, found = got
            if kind in (FRAME_ERROR, GOAWAY):
                raise RuntimeError(f"frame {kind}: {text(found, 'TEXT')}")
            revision = number(found, "REVISION")
            if kind == SNAP_BEGIN:
                held, keys, filling = dict(), [], revision
            elif kind in (SNAP_ITEM, SNAP_END):
                assert revision == filling, "a snapshot of two revisions"
            else:
                assert number(found, "PREV") == prev, f"a gap: {number(found, 'PREV')} != {prev}"
                assert revision >= prev, "it falls back"
            for tag, value in found:
                if tag == TAG["ITEM"]:
                    self.hold(held, keys, records(value), revision)
            if kind == SNAP_END:
                self.items = {key: item for key, item in held.items() if item[1] is not None}
            elif kind == DELTA and number(found, "LAST"):
                for key, item in held.items():
                    self.items.pop(key, None)
                    if item[1] is not None:
                        self.items[key] = item
            elif kind != BOOKMARK:
                continue
            self.revision = revision
            return kind, keys

    def hold(self, held, keys, item, revision):
        key = (text(item, "CALLER"), text(item, "CALLEE"))
        assert self.resource in key, f"an item of others: {key}"
        assert number(item, "REVISION") <= revision, "an item of the future"
        held[key] = (number(item, "REVISION"), first(item, "EDGE_ITEM" if key[1] else "SELF"))
        keys.append(key)

    def take_until(self, revision):
        """Everything up to that revision; returns the kinds and keys on the way."""
        kinds, keys = [], []
        while self.revision < revision:
            kind, more = self.take()
            kinds.append(kind)
            keys += more
        return kinds, keys

    def edge(self, caller, callee):
        return records(self.items[(caller, callee)][1])

    def protocol(self, caller, callee):
        return text(self.edge(caller, callee), "PROTOCOL")

    def verdict(self, caller, callee):
        return number(self.edge(caller, callee), "VERDICT")

    def result(self, revision, *items):
        self.send(RESULT, u64("REVISION", revision) + b"".join(items))

    def report(self, caller, callee, count, why):
        self.send(REPORT, record("REPORT_ITEM", [
            record("CALLER", caller), record("CALLEE", callee), u32("COUNT", count),
            record("TEXT", why)]))


def result_item(key, revision, state, code=None, why=None, instead=None):
    return record("RESULT_ITEM", [
        record("CALLER", key[0]), record("CALLEE", key[1]) if key[1] else b"",
        u64("REVISION", revision), u32("STATE", state),
        b"" if instead is None else u64("PREV", instead),
        b"" if code is None else i32("CODE", code), b"" if why is None else record("TEXT", why)])


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
