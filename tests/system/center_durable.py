#!/usr/bin/python3
"""What the center acknowledged is there after kill -9; what it cannot keep it refuses."""
import contextlib
import ctypes
import hashlib
import json
import os
import random
import resource as limits
import signal
import socket
import sqlite3
import threading
import time
import unittest

from center_lib import Center, CenterTest, main, resource, rule

SEED = int(os.environ.get("RHODES_SEED", "20240607"))
CLIENTS = 16


def waits_in_poll(pid):
    try:
        with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
            return file.read().split()[0] in ("7", "271")  # poll, ppoll
    except (OSError, IndexError):
        return False


class Writers:
    """Clients that put resources as fast as they can until the center goes away."""

    def __init__(self, center, first):
        self.center = center
        self.acknowledged = {}
        self.threads = [threading.Thread(target=self.write, args=(first * CLIENTS + i,))
                        for i in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def write(self, number):
        connection = self.center.connect()
        try:
            for i in range(1000000):
                name = f"w{number}_{i % 50}"
                answer = self.center.ask(
                    "PUT", "/apis/v1/resources/" + name,
                    resource(name, "application", description=str(i)), connection=connection)
                if answer.status not in (200, 201):
                    return
                self.acknowledged[name] = (str(i), answer.json["metadata"]["revision"])
        except (OSError, ValueError, EOFError):
            pass  # killed
        except Exception as error:  # http.client's own
            if type(error).__module__ != "http.client":
                raise
        finally:
            connection.close()

    def wait_for(self, count):
        while len(self.acknowledged) < count and any(t.is_alive() for t in self.threads):
            pass

    def join(self):
        for thread in self.threads:
            thread.join()


def check_chain(center, test):
    items, token = [], ""
    while True:
        page = center.get("/apis/v1/audit?limit=5000" + token).json
        items += page["items"]
        if "continue" not in page:
            break
        token = f"&continue={page['continue']}"
    digest = b"\0" * 32
    for number, item in enumerate(reversed(items), 1):
        test.assertEqual(item["seq"], number)
        entry = json.dumps(item["entry"], sort_keys=True, separators=(",", ":"),
                           ensure_ascii=False)
        digest = hashlib.sha256(digest + entry.encode()).digest()
        test.assertEqual(item["hash"], digest.hex())
    return items


class Killed(CenterTest):
    def setUp(self):
        super().setUp()
        self.center.contract = None  # it would take longer than the center

    def test_everything_acknowledged_is_there(self):
        chance = random.Random(SEED)
        print("seed", SEED)
        known = {}
        for life in range(6):
            writers = Writers(self.center, life)
            writers.wait_for(chance.randrange(20, 400))
            self.center.kill()
            writers.join()
            self.assertGreater(len(writers.acknowledged), 0)
            known.update(writers.acknowledged)
            self.center.start()
            top = self.center.revision()
            for name, (description, revision) in known.items():
                item = self.center.get("/apis/v1/resources/" + name).json
                self.assertGreaterEqual(item["metadata"]["revision"], revision)
                # The one write in flight may have happened, too.
                self.assertGreaterEqual(int(item["spec"]["description"]), int(description))
                self.assertLessEqual(item["metadata"]["revision"], top)
        check_chain(self.center, self)

    def test_batches_are_whole(self):
        chance = random.Random(SEED)
        for life in range(4):
            stop = chance.randrange(3, 30)
            done = threading.Event()

            def write():
                try:
                    for i in range(100000):
                        self.center.apply(*[resource(f"b{j}", "application", description=str(i))
                                            for j in range(20)])
                        if i == stop:
                            done.set()
                except OSError:
                    pass
                except Exception as error:
                    if type(error).__module__ != "http.client":
                        raise

            thread = threading.Thread(target=write)
            thread.start()
            done.wait(60)
            self.center.kill()
            thread.join()
            self.center.start()
            items = self.center.get("/apis/v1/resources").json["items"]
            self.assertEqual(len(items), 20)
            self.assertEqual(len({item["spec"]["description"] for item in items}), 1)
            self.assertEqual(len({item["metadata"]["revision"] for item in items}), 1)

    def test_kill_during_the_first_start(self):
        chance = random.Random(SEED)
        for _ in range(20):
            center = Center()
            self.addCleanup(center.remove)
            center.start(wait=False)
            deadline = threading.Event()
            deadline.wait(chance.random() * 0.05)
            center.kill()
            center.start()
            self.assertEqual(center.get("/apis/v1/rules/hierarchy").status, 200)
            center.kill()


class Loaded(CenterTest):
    """Requests without a pause keep nobody else waiting."""

    def test_agents_and_signals_get_their_turn(self):
        """While a row of requests waits in the socket, others are served in between."""
        count = 600
        self.center.put(resource("a", "application", description="0"))
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(sock.close)
        sock.connect(os.path.join(self.center.run, "center.sock"))
        row = b""
        for i in range(1, count + 1):
            body = json.dumps(resource("a", "application", description=str(i))).encode()
            row += (b"PUT /apis/v1/resources/a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
                    b"\r\n%s" % (len(body), body))
        thread = threading.Thread(target=sock.sendall, args=(row,))
        reader = threading.Thread(target=self.read_answers, args=(sock, count))
        thread.start()
        reader.start()
        while self.center.revision() < 10:
            pass
        view = self.center.agent("a").view()
        self.assertLess(view.revision, count)
        thread.join()
        reader.join()
        self.assertEqual(self.center.revision(), count + 2)

    def read_answers(self, sock, count):
        seen, left = 0, b""
        while seen < count:
            left += sock.recv(1 << 16)
            seen += left.count(b"HTTP/1.1 200")
            left = left[-11:]


class Together(CenterTest):
    def setUp(self):
        super().setUp()
        self.center.contract = None

    def test_one_of_many_wins(self):
        """16 clients change one object; each revision is given out once."""
        self.center.put(resource("shared", "application", description="0"))
        wins, lock = [], threading.Lock()

        def work(number):
            connection = self.center.connect()
            for _ in range(40):
                now = self.center.ask("GET", "/apis/v1/resources/shared", connection=connection)
                count = int(now.json["spec"]["description"]) + 1
                item = resource("shared", "application", description=str(count),
                                labels={"by": str(number)})
                answer = self.center.ask("PUT", "/apis/v1/resources/shared", item,
                                         {"If-Match": now.etag}, connection)
                self.assertIn(answer.status, (200, 412))
                if answer.status == 200:
                    with lock:
                        wins.append(answer.json["metadata"]["revision"])
            connection.close()

        threads = [threading.Thread(target=work, args=(i,)) for i in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        final = self.center.get("/apis/v1/resources/shared").json
        self.assertEqual(len(wins), len(set(wins)))
        self.assertEqual(int(final["spec"]["description"]), len(wins))
        self.assertEqual(final["metadata"]["generation"], len(wins) + 1)
        check_chain(self.center, self)

    def test_many_refusals_change_nothing(self):
        self.center.apply(resource("s", "service"), resource("d", "driver"))
        revision = self.center.revision()

        def work(number):
            for i in range(20):
                if i % 2:
                    answer = self.center.put(resource(f"x{number}", "driver", "s"))
                    self.assertEqual(answer.status, 403)
                else:
                    answer = self.center.put(resource(f"y{number}", "application", "s"))
                    self.assertIn(answer.status, (200, 201))

        threads = [threading.Thread(target=work, args=(i,)) for i in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.center.revision(), revision + CLIENTS)
        refused = [i for i in check_chain(self.center, self) if i["entry"]["result"] == "refused"]
        self.assertEqual(len(refused), CLIENTS * 10)


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.center = Center()
        self.addCleanup(self.center.remove)

    def fill(self):
        """Writes until one is refused; checks that reads go on and nothing is half done."""
        center = self.center
        self.assertEqual(center.put(resource("kept", "application")).status, 201)
        for i in range(2000):
            item = resource("big", "application", labels={
                f"l{j}": f"{i}" + "x" * 200 for j in range(60)})
            before = center.revision()
            answer = center.put(item)
            if answer.status != 200 and answer.status != 201:
                break
            last = answer.json
        else:
            self.fail("the disk never filled")
        self.assertEqual(answer.status, 507, answer.body)
        self.assertEqual(answer.json["code"], "ENOSPC")
        self.assertIn("the disk is full", answer.json["detail"])
        self.assertIn(os.path.join(center.state, "store.db"), answer.json["detail"])
        self.assertEqual(center.revision(), before)
        self.assertEqual(center.get("/apis/v1/resources/big").json["spec"], last["spec"])
        self.assertEqual(center.get("/apis/v1/resources/kept").status, 200)
        self.assertEqual(center.get("/readyz").status, 200)
        self.assertIsNone(center.process.poll())
        refused = center.put(resource("d", "driver", "kept"))  # refused, and cannot be audited
        self.assertIn(refused.status, (403, 507))
        return last

    def test_file_size_limit(self):
        self.center.start(preexec=lambda: limits.setrlimit(
            limits.RLIMIT_FSIZE, (400000, limits.RLIM_INFINITY)))
        last = self.fill()
        self.center.stop()
        self.center.start()
        item = self.center.get("/apis/v1/resources/big").json
        self.assertEqual(item, last)
        self.assertEqual(self.center.put(resource("after", "application")).status, 201)
        check_chain(self.center, self)

    def test_full_file_system(self):
        mount = Mount(self.center.state)
        if not mount.is_possible:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(mount.remove)
        self.center.start()
        last = self.fill()
        self.assertEqual(mount.grow(), 0)
        self.assertEqual(self.center.put(resource("after", "application")).status, 201)
        self.center.kill()
        self.center.start()
        self.assertEqual(self.center.get("/apis/v1/resources/big").json, last)
        self.assertEqual(self.center.get("/apis/v1/resources/after").status, 200)
        check_chain(self.center, self)


class Mount:
    """A small tmpfs; with flags perhaps another one."""

    def __init__(self, path, flags=0, data=b"size=1m,mode=0700"):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.path = path.encode()
        os.makedirs(path, 0o700, exist_ok=True)
        self.is_possible = os.getuid() == 0 and self.mount(flags, data) == 0

    def mount(self, flags, data):
        return self.libc.mount(b"tmpfs", self.path, b"tmpfs", flags, data)

    def grow(self):
        return self.mount(32, b"size=16m,mode=0700")  # MS_REMOUNT

    def fill(self):
        """Leaves no room, but for what is written over; returns the file that takes it."""
        path = os.path.join(self.path.decode(), "filler")
        with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        return path

    def remove(self):
        self.libc.umount2(self.path, 2)


class Started(unittest.TestCase):
    """Starting on something that is no store, or in a place that is taken."""

    def setUp(self):
        self.center = Center()
        self.addCleanup(self.center.remove)

    def assert_refused(self, *words):
        with self.assertRaises(RuntimeError) as refused:
            self.center.start()
        for word in words:
            self.assertIn(word, str(refused.exception))
        self.assertEqual(self.center.process.returncode, 1)

    def made(self):
        self.center.start()
        self.center.apply(*[resource(f"r{i}", "application", description="x" * 900)
                            for i in range(200)])
        self.center.stop()
        return os.path.join(self.center.state, "store.db")

    def test_damaged_stores(self):
        store = self.made()
        with open(store, "rb") as file:
            whole = file.read()
        for data, words in ((whole[:len(whole) // 2], "damaged or truncated"),
                            (b"", "is empty"),
                            (b"not a database, but long enough to be looked at" * 40,
                             "not a store of Rhodes"),
                            (whole[:60] + b"\0\0\0\7" + whole[64:], "schema 7 is newer")):
            with open(store, "wb") as file:
                file.write(data)
            self.assert_refused("ESTORE", store, words)
            with open(store, "rb") as file:
                self.assertEqual(file.read(), data)
        with open(store, "wb") as file:
            file.write(whole)
        self.center.start()
        self.assertEqual(len(self.center.get("/apis/v1/resources").json["items"]), 200)

    def test_objects_that_contradict(self):
        store = self.made()
        for value in ('{"owner":0,"spec":{"type":"gadget"}}', "nonsense", '{"owner":0}'):
            database = sqlite3.connect(store)
            database.execute("UPDATE object SET value=? WHERE key='/resources/r7'",
                             (value.encode(),))
            database.commit()
            database.close()
            self.assert_refused("ESTORE", "/resources/r7")

    def test_altered_audit_is_noticed(self):
        store = self.made()
        database = sqlite3.connect(store)
        database.execute("UPDATE audit SET text=replace(text,'r7\"','r8\"') WHERE seq=9")
        database.commit()
        database.close()
        self.center.start()
        self.assertIn("the chain is broken at entry 9", self.center.read_log())

    def test_a_center_that_is_about_to_end(self):
        self.center.start()
        other = Center(self.center.folder)
        starts = threading.Thread(target=other.start)
        starts.start()
        while not other.process or not waits_in_poll(other.process.pid):
            self.assertTrue(starts.is_alive())
        self.center.kill()
        starts.join()
        self.assertEqual(other.ask("GET", "/apis/v1/resources").status, 200)
        other.stop()

    def test_second_center(self):
        self.center.start()
        other = Center(self.center.folder)
        with self.assertRaises(RuntimeError) as refused:
            other.start()
        self.assertIn(f"another center (pid {self.center.process.pid})", str(refused.exception))
        other = Center()
        self.addCleanup(other.remove)
        other.state = self.center.state
        with self.assertRaises(RuntimeError) as refused:
            other.start()
        self.assertIn("another process holds it", str(refused.exception))
        self.assertEqual(self.center.get("/healthz").status, 200)

    def test_key_that_others_may_read(self):
        self.made()
        key = os.path.join(self.center.state, "key")
        self.assertEqual(os.stat(key).st_mode & 0o777, 0o600)
        os.chmod(key, 0o644)
        self.assert_refused("EACCES", key)
        os.chmod(key, 0o600)
        with open(key, "wb") as file:
            file.write(b"short")
        self.assert_refused("EINVAL", key)

    def test_exception_that_ended_while_no_center_ran(self):
        self.center.start()
        soon = time.time() + 1
        self.center.put(rule("x", exception={
            "edge": ["a", "b"], "reason": "r",
            "expires": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(soon + 1))}))
        self.center.kill()
        while time.time() < soon + 1:
            time.sleep(0.05)
        self.center.start()
        entry = self.center.audit()[0]["entry"]
        self.assertEqual((entry["verb"], entry["name"], entry["channel"]),
                         ("expire", "x", "center"))

    def test_is_confined(self):
        self.center.start()
        with open(f"/proc/{self.center.process.pid}/status", encoding="ascii") as file:
            status = dict(line.split(":", 1) for line in file)
        self.assertEqual(status["NoNewPrivs"].strip(), "1")
        self.assertEqual(status["Seccomp"].strip(), "2")

    def test_bad_arguments(self):
        for args in (("--nope",), ("--system", "Bad"), ("--ready-fd", "999"), ("extra",)):
            with self.assertRaises(RuntimeError):
                self.center.start(*args)
            self.assertEqual(self.center.process.returncode, 2)

    def test_terminates_cleanly_and_starts_after_a_kill(self):
        self.center.start()
        self.center.put(rule("p", protocol={"edge": ["a", "b"], "use": "shm"}))
        self.assertEqual(self.center.kill(signal.SIGTERM), 0)
        self.assertEqual([n for n in os.listdir(self.center.run) if n.endswith(".sock")], [])
        self.assertEqual(sorted(os.listdir(self.center.state)),
                         ["key", "module.pub", "store.db", "store.mark"])
        self.center.start()
        self.center.kill()
        self.assertIn("center.sock", os.listdir(self.center.run))
        self.center.start()
        self.assertEqual(self.center.get("/apis/v1/rules/p").status, 200)


if __name__ == "__main__":
    main()
