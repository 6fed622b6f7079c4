#!/usr/bin/python3
"""The module of a rule: published whole or not at all, kept, given back, and signed."""
import contextlib
import ctypes
import hashlib
import http.client
import io
import json
import os
import random
import re
import resource as limits
import select
import shutil
import signal
import socket
import tarfile
import threading
import unittest

from center_durable import Mount
from center_lib import (BOOKMARK, Center, CenterTest, first, main, number, records, resource,
                        rule, text)

SEED = int(os.environ.get("RHODES_SEED", "20240607"))
MOST = 8 << 20
SODIUM = ctypes.CDLL("libsodium.so.23")


def section(number, body):
    return bytes([number]) + leb(len(body)) + body


def leb(number):
    out = b""
    while True:
        number, low = number >> 7, number & 0x7f
        out += bytes([low | (0x80 if number else 0)])
        if not number:
            return out


def export(name, kind, index):
    return leb(len(name)) + name.encode() + bytes([kind, index])


def wasm(verdict=0, size=0, pages=2, code=None, buffer=1024):
    """A filter that always answers verdict; with a custom section up to that size."""
    i32 = b"\x7f"
    functions = [65537, buffer, verdict]  # rh_abi, rh_buffer, rh_filter_before
    names = ["rh_abi", "rh_buffer", "rh_filter_before"]
    bodies = [b"\x00\x41" + sleb(value) + b"\x0b" for value in functions]
    bodies[2] = code or bodies[2]
    data = b"\0asm\1\0\0\0" + section(1, b"\x01\x60\x00\x01" + i32)
    data += section(3, leb(3) + b"\0\0\0") + section(5, b"\x01\x00" + leb(pages))
    data += section(7, leb(4) + export("memory", 2, 0) +
                    b"".join(export(name, 0, i) for i, name in enumerate(names)))
    data += section(10, leb(3) + b"".join(leb(len(body)) + body for body in bodies))
    for digits in (1, 2, 3, 4):  # of the length of what fills it
        room = size - len(data) - 1 - digits
        if room >= 4 and len(leb(room)) == digits:
            return data + section(0, b"\3pad" + os.urandom(room - 4))
    return data


def sleb(number):
    out = b""
    while True:
        low, number = number & 0x7f, number >> 7
        if number == 0 and not low & 0x40:
            return out + bytes([low])
        out += bytes([low | 0x80])


def tar(text):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        info = tarfile.TarInfo("rule.c")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    return out.getvalue()


def sha(data):
    return hashlib.sha256(data).hexdigest()


def is_signed(public_key, word, name, signature):
    text = f"{word} {name}".encode()
    return SODIUM.crypto_sign_verify_detached(
        bytes.fromhex(signature), text, ctypes.c_ulonglong(len(text)),
        bytes.fromhex(public_key)) == 0


def manifest(parts, **rest):
    return {"hook": "filter", "abi": 1, "mode": "wasm",
            "parts": {what: sha(data) for what, data in parts.items()}, **rest}


def code(name, module, **rest):
    return rule(name, code={"hook": "filter", "edge": ["a", "*"], "module": "sha256:" + module,
                            "mode": "wasm", **rest})


class ModuleTest(CenterTest):
    def put(self, data):
        return self.center.ask("PUT", "/apis/v1/modules/" + sha(data), data,
                               {"Content-Type": "application/octet-stream"})

    def post(self, body, query=""):
        return self.center.ask("POST", "/apis/v1/modules" + query, body)

    def publish(self, parts, **rest):
        for data in parts.values():
            self.assertIn(self.put(data).status, (200, 201))
        return self.post(manifest(parts, **rest))

    def names(self):
        return {item["metadata"]["name"]
                for item in self.center.get("/apis/v1/modules").json["items"]}

    def check_whole(self, name, parts):
        """The manifest and each part are what they say, and signed."""
        key = self.center.get("/apis/v1/system").json["publicKey"]
        got = self.center.get("/apis/v1/modules/" + name)
        self.assertEqual((got.status, sha(got.body)), (200, name))
        self.assertTrue(is_signed(key, "rhodes-rule-v1", name, got.headers["Rhodes-Signature"]))
        stated = json.loads(got.body)
        self.assertEqual(got.body.decode(), json.dumps(stated, sort_keys=True,
                                                       separators=(",", ":")))
        for what, data in parts.items():
            self.assertEqual(stated["parts"][what], {"bytes": len(data), "sha256": sha(data)})
            self.assertEqual(self.center.get("/apis/v1/modules/" + sha(data)).body, data)
        return stated


class Publish(ModuleTest):
    def test_is_kept_signed_and_given_back(self):
        parts = {"wasm": wasm(), "source": tar(b"int x;")}
        made = self.publish(parts, name="limiter", memory="1Mi")
        self.assertEqual(made.status, 201, made.body)
        name = made.json["metadata"]["name"]
        shown = made.json["spec"]["manifest"]
        stated = self.check_whole(name, parts)
        self.assertEqual(stated, shown)
        self.assertEqual(stated["exports"], ["rh_abi", "rh_buffer", "rh_filter_before"])
        self.assertEqual((stated["hook"], stated["abi"], stated["mode"], stated["name"],
                          stated["memory"], stated["capabilities"], stated["format"]),
                         ("filter", 1, "wasm", "limiter", "1Mi", [], 1))
        key = self.center.get("/apis/v1/system").json["publicKey"]
        signature = made.json["status"]["signature"]
        self.assertFalse(is_signed(key, "rhodes-module-v1", name, signature))
        self.assertFalse(is_signed(key, "rhodes-rule-v1", sha(b""), signature))
        self.center.stop()
        self.center.start()
        self.assertEqual(self.check_whole(name, parts), stated)
        entries = [(e["entry"]["verb"], e["entry"]["result"], e["entry"]["name"])
                   for e in self.center.audit()]
        self.assertIn(("publish", "created", name), entries)

    def test_twice_is_once(self):
        parts = {"wasm": wasm(), "source": tar(b"")}
        made = self.publish(parts)
        revision = self.center.revision()
        again = self.publish(parts)
        self.assertEqual((again.status, again.json), (200, made.json))
        self.assertEqual(self.center.revision(), revision)
        other = self.publish(parts, name="other")
        self.assertNotEqual(other.json["metadata"]["name"], made.json["metadata"]["name"])
        self.assertEqual(len(self.names()), 5)  # the parts are there once

    def test_text_that_was_put_as_bytes_is_no_rule(self):
        parts = {"wasm": wasm()}
        made = self.publish(parts)
        name = made.json["metadata"]["name"]
        stated = json.loads(self.center.get("/apis/v1/modules/" + name).body)
        self.assertEqual(self.center.ask("DELETE", "/apis/v1/modules/" + name).status, 200)
        stated["version"] = self.center.revision() + 3  # as it will be published
        bytes_ = json.dumps(stated, sort_keys=True, separators=(",", ":")).encode()
        name = sha(bytes_)
        self.assertEqual(self.put(bytes_).status, 201)
        self.put(parts["wasm"])
        key = self.center.get("/apis/v1/system").json["publicKey"]
        status = self.center.get("/apis/v1/modules/" + name, Accept="application/json").json["status"]
        self.assertFalse(is_signed(key, "rhodes-rule-v1", name, status["signature"]))
        self.assert_problem(self.center.put(code("r", name)), 409, "EPENDING", "is a part")
        again = self.post(manifest(parts))
        self.assertEqual((again.status, again.json["metadata"]["name"]), (201, name))
        self.check_whole(name, parts)

    def test_dry_run_leaves_nothing(self):
        self.put(wasm())
        before = self.names()
        dry = self.post(manifest({"wasm": wasm()}), "?dryRun=true")
        self.assertEqual(dry.status, 201)
        self.assertEqual(self.names(), before)

    def test_as_large_as_may_be(self):
        data = wasm(size=MOST)
        self.assertEqual(len(data), MOST)
        made = self.publish({"wasm": data})
        self.assertEqual(made.status, 201, made.body)
        self.check_whole(made.json["metadata"]["name"], {"wasm": data})

    def test_parts_of_bytes(self):
        data = os.urandom(1000)
        self.put(data)
        path = "/apis/v1/modules/" + sha(data)
        for asked, first, last in (("0-9", 0, 9), ("990-", 990, 999), ("-10", 990, 999),
                                   ("5-5", 5, 5), ("900-5000", 900, 999), ("-5000", 0, 999)):
            got = self.center.get(path, Range="bytes=" + asked)
            self.assertEqual((got.status, got.body), (206, data[first:last + 1]), asked)
            self.assertEqual(got.headers["Content-Range"], f"bytes {first}-{last}/1000")
            self.assertEqual(got.etag, self.center.get(path).etag)
        for asked in ("1000-", "-0", "5000-6000"):
            got = self.center.get(path, Range="bytes=" + asked)
            self.assertEqual((got.status, got.headers["Content-Range"]), (416, "bytes */1000"))
        for asked in ("bytes=9-5", "bytes=x-", "bytes=1-2,5-6", "lines=1-2", "bytes=", "bytes=-"):
            got = self.center.get(path, Range=asked)
            self.assertEqual((got.status, got.body), (200, data), asked)
        etag = self.center.get(path).etag
        self.assertEqual(self.ask_again(path, etag).status, 304)

    def ask_again(self, path, etag):
        return self.center.ask("GET", path, headers={"If-None-Match": etag})


class Refused(ModuleTest):
    def refuse(self, body, pointer, *words, status=400, reason="EINVAL"):
        answer = self.post(body)
        self.assert_problem(answer, status, reason, *words)
        self.assertEqual(answer.json.get("pointer", ""), pointer, answer.json)

    def test_shapes(self):
        data = wasm()
        self.put(data)
        good = manifest({"wasm": data})
        revision = self.center.revision()
        for key in ("hook", "abi", "mode", "parts"):
            self.refuse({k: v for k, v in good.items() if k != key}, "", f'"{key}" is missing')
        self.refuse({**good, "hook": "irq"}, "/hook", "none of ")
        self.refuse({**good, "mode": "jit"}, "/mode", "none of wasm")
        self.refuse({**good, "abi": 0}, "/abi", "between")
        self.refuse({**good, "abi": 2}, "/abi", "the hook filter has version 1")
        self.refuse({**good, "memory": "100000"}, "/memory", "a multiple of 64Ki")
        self.refuse({**good, "memory": "512Mi"}, "/memory", "at most 256Mi")
        self.refuse({**good, "capabilities": ["disk"]}, "/capabilities", "no capability")
        self.refuse({**good, "parts": {}}, "/parts", '"wasm" is missing')
        self.refuse({**good, "parts": {"wasm": "x"}}, "/parts/wasm", "SHA-256")
        self.refuse({**good, "parts": {"wasm": sha(data), "object": sha(data)}}, "/parts",
                    'no part "object"')
        self.refuse({**good, "mode": "native"}, "/parts", '"object" is missing')
        self.refuse({**good, "name": "Über"}, "/name", "name")
        self.refuse({**good, "color": 1}, "/color", "unknown key")
        self.assertEqual(self.center.revision(), revision)
        entry = self.center.audit()[0]["entry"]
        self.assertEqual((entry["verb"], entry["result"], entry["kind"]),
                         ("publish", "refused", "Module"))

    def test_parts(self):
        text, component, native = b"not a module", b"\0asm\x0d\0\1\0", b"\x7fELF" + bytes(60)
        for data in (text, component, native, wasm(), b"\0asm"):
            self.put(data)
        self.refuse(manifest({"wasm": wasm(1)}), "/parts/wasm", "it is not here", "put its bytes",
                    status=409, reason="EPENDING")
        for data, words in ((text, "not a WebAssembly"), (b"\0asm", "not a WebAssembly"),
                            (component, "a component must be a module")):
            self.refuse(manifest({"wasm": data}), "/parts/wasm", words, sha(data))
        self.refuse(manifest({"wasm": wasm(), "source": text}), "/parts/source", "is not a tar")
        for mode, hook in (("native", "filter"), ("ebpf", "probe")):
            self.refuse(manifest({"object": native}, mode=mode, hook=hook), "/parts/object",
                        "not an object")
            self.refuse(manifest({"object": wasm()}, mode=mode, hook=hook), "/parts/object",
                        "ELF")
        with open("/usr/lib/x86_64-linux-gnu/libsodium.so.23", "rb") as file:
            library = file.read()
        self.put(library)
        self.assertEqual(self.post(manifest({"object": library}, mode="native")).status, 201)
        self.refuse(manifest({"object": library}, mode="ebpf", hook="probe"), "/parts/object",
                    "of eBPF")
        self.refuse(manifest({"object": library}, mode="ebpf"), "", "not of mode ebpf")

    def test_what_the_hook_does_not_allow(self):
        before = b"rh_filter_before"
        for data, words, status, reason in (
                (wasm().replace(before, before[::-1]), ("exports no function", before.decode()),
                 400, "EINVAL"),
                (wasm()[:-3], ("a section ends outside",), 400, "EINVAL"),
                (wasm(pages=17), ("its limit is 1024 KiB",), 413, "EMSGSIZE")):
            self.put(data)
            self.refuse(manifest({"wasm": data}), "/parts/wasm", *words, sha(data),
                        status=status, reason=reason)
        self.assertEqual(self.publish({"wasm": wasm(pages=17)}, memory="2Mi").status, 201)

    def test_too_large_and_torn(self):
        self.assert_problem(self.put(b"\0asm\1\0\0\0" + bytes(MOST - 7)), 413, "EMSGSIZE")
        data = wasm(size=1 << 20)
        head = (f"PUT /apis/v1/modules/{sha(data)} HTTP/1.1\r\nHost: x\r\n"
                f"Content-Type: application/octet-stream\r\nContent-Length: {len(data)}\r\n\r\n")
        with socket.socket(socket.AF_UNIX) as torn:
            torn.connect(os.path.join(self.center.run, "center.sock"))
            torn.sendall(head.encode() + data[:len(data) // 2])
            torn.shutdown(socket.SHUT_WR)
            torn.settimeout(60)
            while torn.recv(4096):
                pass
        short = self.center.ask("PUT", "/apis/v1/modules/" + sha(data), data[:-1],
                                {"Content-Type": "application/octet-stream"})
        self.assert_problem(short, 400, "EINVAL", "the path says")
        self.assertEqual(self.names(), set())

    def test_disk_is_full(self):
        pid = self.center.process.pid
        hard = limits.prlimit(pid, limits.RLIMIT_FSIZE)[1]
        size = os.stat(os.path.join(self.center.state, "store.db-wal")).st_size
        limits.prlimit(pid, limits.RLIMIT_FSIZE, (size + (1 << 20), hard))
        data = wasm(size=4 << 20)
        answer = self.put(data)
        self.assertGreaterEqual(answer.status, 500, answer.body)
        self.assertEqual(self.names(), set())
        limits.prlimit(pid, limits.RLIMIT_FSIZE, (hard, hard))
        if answer.json["code"] == "ENOSPC":
            made = self.publish({"wasm": data})
        else:  # a disk that failed is not written to any more
            self.center.stop()
            self.center.start()
            made = self.publish({"wasm": data})
        self.check_whole(made.json["metadata"]["name"], {"wasm": data})


class NoRoom(ModuleTest):
    """A small disk of its own."""

    def setUp(self):
        self.center = Center()
        self.addCleanup(self.center.remove)
        self.mount(self.center.state, data=b"size=4m,mode=0700")
        self.center.start()
        self.data = wasm()
        self.assertEqual(self.put(self.data).status, 201)

    def mount(self, path, flags=0, data=b"size=1m,mode=0700"):
        mount = Mount(path, flags, data)
        if not mount.is_possible:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(mount.remove)
        self.disk = getattr(self, "disk", mount)
        return mount

    def assert_nothing_half(self):
        self.assertEqual(self.names(), {sha(self.data)})
        self.assertEqual(os.listdir(os.path.join(self.center.state, "build")), [])

    def assert_works_again(self):
        made = self.publish({"wasm": self.data})
        self.assertEqual(made.status, 201, made.body)
        self.check_whole(made.json["metadata"]["name"], {"wasm": self.data})

    def test_to_build_in(self):
        folder = os.path.join(self.center.state, "build")
        for size in ("4k", "24k", "80k", "100k"):  # as many steps that would have none
            mount = self.mount(folder, data=f"size={size},mode=0700".encode())
            self.assert_problem(self.post(manifest({"wasm": self.data})), 507, "ENOSPC",
                                folder, "no room")
            self.assert_nothing_half()
            mount.remove()
        self.assert_works_again()

    def test_to_store_it(self):
        made = self.publish({"wasm": self.data}).json["metadata"]["name"]
        self.center.ask("DELETE", "/apis/v1/modules/" + made)
        self.center.kill()
        self.center.start()
        self.put(self.data)
        filler = self.disk.fill()
        self.assert_problem(self.post(manifest({"wasm": self.data})), 507, "ENOSPC", "is full")
        self.assertEqual(self.names(), {sha(self.data)})
        os.remove(filler)
        self.assert_works_again()

    def test_where_nothing_can_be_written(self):
        folder = os.path.join(self.center.state, "build")
        mount = self.mount(folder, 1, b"size=4m,mode=0700")  # MS_RDONLY
        self.assert_problem(self.post(manifest({"wasm": self.data})), 500, "EIO",
                            folder, "Read-only file system")
        mount.remove()
        self.assert_nothing_half()
        self.assert_works_again()

    def test_what_cannot_be_kept_is_built_anew(self):
        self.mount(os.path.join(self.center.state, "built"), flags=1)
        self.assert_works_again()
        self.assertIn("cannot be kept: Read-only file system", self.center.read_log())


class Rules(ModuleTest):
    def setUp(self):
        super().setUp()
        self.parts = {"wasm": wasm(), "source": tar(b"x")}
        made = self.publish(self.parts, memory="1Mi").json
        self.name = made["metadata"]["name"]
        self.built = made["spec"]["manifest"]["parts"]["object"]["sha256"]

    def test_a_rule_of_it_is_kept(self):
        made = self.center.put(code("limiter", self.name, params={"rate": "1000"},
                                    onFailure="keep-last",
                                    limits={"memory": "2Mi", "time": "10ms", "fuel": 0},
                                    rollout={"steps": [1, "100%"]}))
        self.assertEqual(made.status, 201, made.body)
        self.center.stop()
        self.center.start()
        again = self.center.get("/apis/v1/rules/limiter").json
        self.assertEqual((again["spec"], again["metadata"]), (made.json["spec"],
                                                              made.json["metadata"]))
        # The hierarchy is as it was, also when such a rule goes.
        self.assertEqual(self.center.ask("DELETE", "/apis/v1/rules/limiter").status, 200)
        self.center.apply({"kind": "Resource", "metadata": {"name": "a"},
                           "spec": {"type": "application", "reference": ["b"]}},
                          {"kind": "Resource", "metadata": {"name": "b"},
                           "spec": {"type": "service"}})
        self.assertTrue(self.center.get("/apis/v1/can-i?caller=a&callee=b").json["allowed"])

    def test_fits_its_module(self):
        self.assert_problem(self.center.put(code("r", sha(b"none"))), 409, "EPENDING",
                            "is not here", "rhodes rule publish")
        self.assert_problem(self.center.put(code("r", sha(self.parts["wasm"]))), 409, "EPENDING",
                            "is a part")
        self.assert_problem(self.center.put(rule("r", code={
            "hook": "cache", "resource": "a", "module": "sha256:" + self.name,
            "mode": "wasm"})), 400, "EINVAL", "its hook is cache", "hook filter")
        self.assert_problem(self.center.put(code("r", self.name, mode="native")), 400, "EINVAL",
                            "its mode is native")
        self.assert_problem(self.center.put(code("r", self.name, limits={"memory": "64Ki"})), 400,
                            "EINVAL", "its limit of memory is 64Ki")
        self.assertEqual(self.center.put(code("r", self.name)).status, 201)
        self.assert_problem(self.center.put(code("s", self.name)), 409, "EEXIST",
                            "another rule (r)")
        self.assertEqual(self.center.put(code("s", self.name, edge=["a", "b"])).status, 201)

    def test_order_of_deletion(self):
        path = "/apis/v1/modules/"
        self.center.put(code("r", self.name))
        self.assert_problem(self.center.ask("DELETE", path + self.name), 409, "EBUSY",
                            "used by rule r")
        part = sha(self.parts["source"])
        self.assert_problem(self.center.ask("DELETE", path + part), 409, "EBUSY",
                            "used by module " + self.name)
        other = self.publish({"wasm": self.parts["wasm"]}).json["metadata"]["name"]
        self.center.ask("DELETE", "/apis/v1/rules/r")
        dry = self.center.ask("DELETE", path + self.name + "?dryRun=true")
        self.assertEqual({r["name"] for r in dry.json["results"]}, {self.name, part})
        self.assertEqual(len(self.names()), 5)
        etag = self.center.get(path + self.name).etag
        gone = self.center.ask("DELETE", path + self.name, headers={"If-Match": etag})
        self.assertEqual({r["name"] for r in gone.json["results"]}, {self.name, part})
        self.assertEqual(self.names(), {other, sha(self.parts["wasm"]), self.built})
        self.assertEqual(self.center.ask("DELETE", path + other).status, 200)
        self.assertEqual(self.names(), set())


class Older(ModuleTest):
    """Versions: which module of a rule may follow which, and what agents are told of it."""

    def setUp(self):
        super().setUp()
        self.center.apply(resource("a", "application", "b"), resource("b", "service"))
        self.old, self.new = self.version("l", 0), self.version("l", 1)

    def version(self, name, verdict):
        """A module of that name: (its hash, its version)."""
        made = self.publish({"wasm": wasm(verdict)}, name=name).json
        return made["metadata"]["name"], made["spec"]["manifest"]["version"]

    def put_code(self, module, **rest):
        return self.center.put(code("r", module[0], **rest))

    def order(self):
        """The CODE_ITEM that the agent of a is told."""
        agent = self.center.subscriber("a")
        agent.take_until(self.center.revision())
        agent.close()
        return self.code_of(agent)

    def leaves(self):
        return number(self.order(), "ROLLBACK")

    def test_versions_rise(self):
        (name, first_), (other, second) = self.old, self.new
        self.assertLess(first_, second)
        self.assertEqual(second, self.center.revision())
        self.assertEqual(self.version("l", 1), self.new)  # the same as the last is that
        self.assertGreater(self.version("other", 1)[1], second)
        again = self.version("l", 0)  # what it was before is published anew
        self.assertGreater(again[1], second)
        self.assertNotIn(again[0], (name, other))
        self.center.ask("DELETE", "/apis/v1/modules/" + again[0])
        self.assertGreater(self.version("l", 0)[1], again[1])  # none comes twice
        self.assert_problem(self.post(manifest({"wasm": wasm()}, version=99)), 400, "EINVAL",
                            "unknown key")

    def test_older_is_refused_unless_it_is_said(self):
        self.assertEqual(self.put_code(self.new).status, 201)
        words = (f"version {self.old[1]}", f"older than version {self.new[1]}", "rollback: true")
        self.assert_problem(self.put_code(self.old), 403, "EPERM", "rule r:", *words)
        answer = self.center.apply(code("r", self.old[0]), query="?dryRun=true")
        self.assert_problem(answer, 403, "EPERM", *words)
        self.assertEqual(answer.json["pointer"], "/objects/0")
        for said in (False, self.new[1] - 1):
            self.assert_problem(self.put_code(self.old, rollback=said), 403, "EPERM", *words)
        for said in (0, -1, "true", 1.5, None):
            self.assert_problem(self.put_code(self.old, rollback=said), 400, "EINVAL",
                                "must be true, or the revision")
        self.assertEqual(self.put_code(self.old, rollback=4711).status, 200)
        self.assertEqual(self.leaves(), 4711)  # as an agent said
        self.assertEqual(self.put_code(self.new).status, 200)
        self.assertEqual(self.put_code(self.old, rollback=True).status, 200)
        self.assertEqual(self.leaves(), 4711)  # for an agent that was away
        self.center.ask("DELETE", "/apis/v1/rules/r")
        self.put_code(self.new)
        self.assertEqual(self.put_code(self.old, rollback=self.new[1]).status, 200)
        self.assertEqual(self.put_code(self.old, rollback=True).status, 200)
        left = self.leaves()
        self.assertEqual(left, self.center.revision())
        self.center.stop()
        self.center.start()
        self.assertEqual(self.leaves(), left)
        self.put_code(self.old, params={"x": "1"})  # said once, for who was away
        self.assertEqual(self.leaves(), left)
        self.put_code(self.version("l", 2))
        self.assertIsNone(self.leaves())

    def test_what_needs_no_word(self):
        other = self.version("other", 0)
        self.put_code(self.new)
        self.assertEqual(self.put_code(other).status, 200)
        self.assertEqual(self.put_code(self.old).status, 200)  # the rule had another
        self.assertEqual(self.leaves(), self.center.revision())
        self.put_code(self.new)
        self.center.ask("DELETE", "/apis/v1/rules/r")
        self.assertEqual(self.put_code(self.old).status, 201)
        self.assertEqual(self.leaves(), self.center.revision())

    def test_an_undo_may_go_back(self):
        self.put_code(self.old)
        self.put_code(self.new)
        self.assertLess(self.leaves(), self.center.revision())
        self.assertEqual(self.center.ask("POST", "/apis/v1/rollouts/r/undo").status, 200)
        self.assertEqual(self.leaves(), self.center.revision())
        stored = self.center.get("/apis/v1/rules/r").json["spec"]["code"]
        self.assertEqual((stored["module"], "rollback" in stored), ("sha256:" + self.old[0], False))

    def test_a_rollout_that_another_follows_lets_go(self):
        """Edges that the first one reached go back to what was before it."""
        self.center.apply(*(resource(name, "application", "b") for name in "cd"))
        self.put_code(self.old, edge=["*", "b"])
        self.new = self.version("l", 3)  # newer than what was left for the first
        self.put_code(self.new, edge=["*", "b"], rollout={"steps": [2, "100%"], "wait": "1h"})
        agent = self.center.subscriber("b")
        agent.take_until(self.center.revision())
        self.take_while(agent, lambda: self.modules(agent).count(self.new[0]) != 2)
        self.put_code(self.version("l", 2), edge=["*", "b"],
                      rollout={"steps": [1, "100%"], "wait": "1h"})
        self.take_while(agent, lambda: self.modules(agent).count(self.old[0]) != 2)
        for order in self.orders(agent):
            if text(order, "MODULE") == self.old[0]:
                self.assertGreater(number(order, "ROLLBACK"), self.new[1])
            else:
                self.assertIsNone(number(order, "ROLLBACK"))
        agent.close()

    def take_while(self, agent, is_so):
        """Takes what comes; a center has something new to say long before so many beats."""
        beats = 0
        while is_so():
            self.assertLess(beats, 4)
            beats += agent.take()[0] == BOOKMARK

    def modules(self, agent):
        return [text(order, "MODULE") for order in self.orders(agent)]

    def orders(self, agent):
        return [self.code_of(agent, key) for key in agent.items if key[1]]

    def code_of(self, agent, key=("a", "b")):
        return records(first(agent.edge(*key), "CODE_ITEM", b""))

    def test_orders_are_signed(self):
        self.put_code(self.old)
        agent = self.center.subscriber("a")
        agent.take_until(self.center.revision())
        item = first(agent.edge("a", "b"), "CODE_ITEM")
        agent.close()
        key = self.center.get("/apis/v1/system").json["publicKey"]
        signature = text(records(item), "SIGNATURE")
        self.assertEqual(item[-len(signature):].decode(), signature)  # and nothing behind it
        signed = item[:-len(signature) - 8]
        for caller, callee, content in (("a", "b", signed), ("b", "a", signed),
                                        ("a", "", signed), ("a", "b", signed[:-1])):
            digest = sha(f"{caller} {callee} {sha(content)}".encode())
            self.assertEqual(is_signed(key, "rhodes-order-v1", digest, signature),
                             (caller, callee, content) == ("a", "b", signed))


class Built(ModuleTest):
    def children(self, pid):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]

    def foreman(self):
        return self.children(self.center.process.pid)[0]

    def builder(self):
        """The one there is, or the next one."""
        while not (found := self.children(self.foreman())):
            pass
        return found[0]

    def kill(self, pid):
        end = os.pidfd_open(pid)
        self.addCleanup(os.close, end)
        os.kill(pid, signal.SIGKILL)
        self.assertTrue(select.select([end], [], [], 60)[0])

    def test_the_object_is_a_part(self):
        made = self.publish({"wasm": wasm()}).json
        manifest_ = made["spec"]["manifest"]
        part = manifest_["parts"]["object"]
        got = self.center.get("/apis/v1/modules/" + part["sha256"])
        self.assertEqual((got.body[:4], len(got.body), sha(got.body)),
                         (b"\x7fELF", part["bytes"], part["sha256"]))
        self.assertRegex(manifest_["tools"], "^[0-9a-f]{64}$")
        self.center.ask("DELETE", "/apis/v1/modules/" + made["metadata"]["name"])
        self.assertEqual(self.names(), set())
        self.center.stop()
        shutil.rmtree(os.path.join(self.center.state, "built"))
        self.center.start()
        again = self.publish({"wasm": wasm()}).json  # built anew, and the same
        self.assertEqual(again["spec"]["manifest"]["parts"], manifest_["parts"])

    def builds(self):
        """What the builder said of each, in order."""
        return re.findall(r"builder: module [0-9a-f]{16}... (built|was built before)",
                          self.center.read_log())

    def test_what_was_built_is_kept(self):
        folder = os.path.join(self.center.state, "built")
        made = self.publish({"wasm": wasm()}).json
        self.again(made)
        self.assertEqual(self.builds(), ["built", "was built before"])
        kept, = os.listdir(folder)
        with open(os.path.join(folder, kept), "r+b") as file:
            file.seek(1000)
            byte = file.read(1)
            file.seek(1000)
            file.write(bytes([byte[0] ^ 1]))
        self.again(made)  # the same, built anew
        self.again(made)
        self.assertEqual(self.builds()[2:], ["built", "was built before"])
        self.assertIn("is damaged: its object is built anew", self.center.read_log())
        # Another memory is another object to be tried.
        self.publish({"wasm": wasm()}, memory="2Mi")
        self.assertEqual(self.builds()[4:], ["built"])

    def again(self, made):
        """A new center, which forgot the module, makes the same of it."""
        self.center.ask("DELETE", "/apis/v1/modules/" + made["metadata"]["name"])
        self.center.stop()
        self.center.start()
        anew = self.publish({"wasm": wasm()}).json
        self.assertEqual(*(one["spec"]["manifest"]["parts"] for one in (anew, made)))
        made.update(anew)

    def test_variants(self):
        made = self.publish({"wasm": wasm()}, variants=["fuel", "portable"]).json
        parts = made["spec"]["manifest"]["parts"]
        self.assertEqual(set(parts), {"wasm", "object", "object_portable", "object_fuel",
                                      "object_portable_fuel"})
        self.assertEqual(len({part["sha256"] for part in parts.values()}), 5)
        for part in parts.values():
            got = self.center.get("/apis/v1/modules/" + part["sha256"])
            self.assertEqual((len(got.body), sha(got.body)), (part["bytes"], part["sha256"]))
        plain = self.publish({"wasm": wasm()}).json
        self.assertNotEqual(plain["metadata"]["name"], made["metadata"]["name"])
        self.assertNotIn("object_fuel", plain["spec"]["manifest"]["parts"])
        fuel = {"limits": {"fuel": 1000}}
        self.assert_problem(self.center.put(code("r", plain["metadata"]["name"], **fuel)), 400,
                            "EINVAL", "publish it with variants: [fuel]")
        self.assertEqual(self.center.put(code("r", made["metadata"]["name"], **fuel)).status, 201)
        self.center.ask("DELETE", "/apis/v1/modules/" + plain["metadata"]["name"])
        self.assertLessEqual({part["sha256"] for part in parts.values()}, self.names())
        for wrong in ({}, ["gas"], ["fuel", "fuel"], ["fuel", "portable", "fuel"]):
            answer = self.publish({"wasm": wasm()}, variants=wrong)
            self.assert_problem(answer, 400, "EINVAL")
            self.assertEqual(answer.json["pointer"].split("/")[1], "variants")

    def test_what_only_the_tools_see_is_refused(self):
        data = wasm(code=b"\0\x0b")  # returns nothing, and says that it does
        for _ in range(2):
            answer = self.publish({"wasm": data})
            self.assert_problem(answer, 400, "EINVAL", "not valid WebAssembly", sha(data))
            self.assertEqual(answer.json["pointer"], "/parts/wasm")
        self.assertEqual(self.names(), {sha(data)})
        self.assertEqual(self.publish({"wasm": wasm()}).status, 201)

    def test_many_at_once_and_the_center_goes_on(self):
        self.center.contract = None
        answers = []
        for i in range(6):
            self.put(wasm(i % 4))
        threads = [threading.Thread(target=lambda i=i: answers.append(
            self.post(manifest({"wasm": wasm(i % 4)}, name=f"r{i}")).status)) for i in range(6)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            self.assertEqual(self.center.get("/healthz").status, 200)
        self.assertEqual(answers, [201] * 6)

    def test_stopped_in_the_middle(self):
        self.center.contract = None
        self.put(wasm())
        connection = self.center.connect()
        self.addCleanup(connection.close)
        connection.request("POST", "/apis/v1/modules", json.dumps(manifest({"wasm": wasm()})),
                           {"Content-Type": "application/json"})
        self.center.get("/healthz")  # it was read
        self.assertEqual(self.center.stop(), 0)
        self.assertIn(connection.getresponse().status, (201, 503))
        self.center.start()
        self.assertEqual(self.publish({"wasm": wasm()}).status in (200, 201), True)

    def test_its_builder_is_followed_by_another(self):
        for life in range(3):
            self.kill(self.builder())
            self.assertEqual(self.publish({"wasm": wasm(life)}).status, 201)

    def building(self):
        """The tool that runs now, of a build that was begun."""
        while True:
            with contextlib.suppress(FileNotFoundError, IndexError):
                return self.children(self.builder())[0]

    def begin(self, parts):
        """Publishes without waiting for it; the thread, and its answers."""
        answers = []
        self.center.contract = None

        def run():
            with contextlib.suppress(OSError, http.client.HTTPException):
                answers.append(self.publish(parts))
        thread = threading.Thread(target=run)
        thread.start()
        return thread, answers

    def test_killed_in_the_middle_of_a_build(self):
        thread, answers = self.begin({"wasm": wasm()})
        self.building()
        self.kill(self.builder())
        thread.join()
        self.assertEqual(answers[0].status, 201, answers[0].body)
        self.assertEqual(os.listdir(os.path.join(self.center.state, "build")), [])
        self.assertIn("it was killed, another one goes on", self.center.read_log())

    def test_a_tool_is_killed(self):
        for life in range(100):  # one may end before it is killed
            thread, answers = self.begin({"wasm": wasm(life)})
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.building(), signal.SIGKILL)
            thread.join()
            if answers[0].status != 201:
                break
        self.assert_problem(answers[0], 500, "EIO", "was killed", "publish it again")
        self.assertEqual(self.publish({"wasm": wasm(life)}).status, 201)
        self.assertEqual(os.listdir(os.path.join(self.center.state, "build")), [])

    def test_nothing_is_left_of_a_center_that_is_killed(self):
        thread, _ = self.begin({"wasm": wasm()})
        ends = [os.pidfd_open(pid) for pid in (self.building(), self.builder(), self.foreman())]
        self.center.kill()
        thread.join()
        for end in ends:
            self.addCleanup(os.close, end)
            self.assertTrue(select.select([end], [], [], 60)[0])
        self.center.start()
        self.assertEqual(self.publish({"wasm": wasm()}).status, 201)
        self.assertEqual(os.listdir(os.path.join(self.center.state, "build")), [])

    def test_without_its_foreman(self):
        self.kill(self.foreman())
        self.assert_problem(self.publish({"wasm": wasm()}), 500, "EIO", "start the center anew")
        self.assertEqual(self.center.get("/healthz").status, 200)
        self.center.stop()
        self.center.start()
        self.assertEqual(self.publish({"wasm": wasm()}).status, 201)

    def test_ends_with_its_center(self):
        for number in (signal.SIGKILL, signal.SIGTERM):
            ends = [os.pidfd_open(pid) for pid in (self.builder(), self.foreman())]
            self.center.kill(number)
            for end in ends:
                self.addCleanup(os.close, end)
                self.assertTrue(select.select([end], [], [], 60)[0])
            self.center.start()


class Killed(ModuleTest):
    def setUp(self):
        super().setUp()
        self.center.contract = None
        self.chance = random.Random(SEED)
        print("seed", SEED)

    def send(self, steps, done):
        """Publishes in the background until the center goes away."""
        try:
            for number, step in enumerate(steps):
                step()
                done[number].set()
        except OSError:
            pass
        except Exception as error:
            if type(error).__module__ not in ("http.client", "json.decoder"):
                raise
        finally:
            for event in done:
                event.set()

    def test_at_every_step(self):
        for life in range(12):
            parts = {"wasm": wasm(life, self.chance.randrange(200, MOST)),
                     "source": tar(self.chance.randbytes(self.chance.randrange(1 << 20)))}
            body = manifest(parts)
            steps = [lambda p=p: self.put(p) for p in parts.values()] + [lambda: self.post(body)]
            done = [threading.Event() for _ in steps]
            at = life % (len(steps) + 1)
            thread = threading.Thread(target=self.send, args=(steps, done))
            thread.start()
            if at:
                done[at - 1].wait(60)
            threading.Event().wait(self.chance.random() * 0.01)  # where in the next step
            self.center.kill()
            thread.join()
            self.center.start()
            self.check_store(parts, at)
            again = self.publish(parts)
            self.assertIn(again.status, (200, 201))
            self.check_whole(again.json["metadata"]["name"], parts)

    def check_store(self, parts, at):
        """What was answered is there; what is there is whole."""
        published = {}
        for item in self.center.get("/apis/v1/modules").json["items"]:
            name = item["metadata"]["name"]
            got = self.center.get("/apis/v1/modules/" + name)
            self.assertEqual((sha(got.body), len(got.body)), (name, item["spec"]["bytes"]))
            if "manifest" in item["spec"]:
                published[name] = item["spec"]["manifest"]["parts"]
        for stated in published.values():
            self.assertLessEqual({part["sha256"] for part in stated.values()}, self.names())
        for data in list(parts.values())[:at]:
            self.assertIn(sha(data), self.names())
        if at > len(parts):
            wanted = {sha(data) for data in parts.values()}
            self.assertTrue(any(wanted <= {part["sha256"] for part in stated.values()}
                                for stated in published.values()), published)
        self.assertEqual(os.listdir(os.path.join(self.center.state, "build"))
                         if at > len(parts) else [], [])


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    main()
