#!/usr/bin/python3
"""Rules in each language: what a user gets who follows the template of `rhodes rule new`,
and rules that do something, which must decide as a model of them here does."""
import json
import os
import random
import re
import shutil
import subprocess
import unittest

from cli_stage import LIMIT, Stage

HOOKS = os.path.join(os.path.dirname(__file__), "../../rules/hooks")
SOURCES = os.path.join(os.path.dirname(__file__), "../../rules/library/languages")
WASI = ("clang++", "wasm-ld", "/usr/lib/wasm32-wasi/libc++.a")
RUST = ("rustc", "wasm-ld", "/usr/lib/rustlib/wasm32-unknown-unknown")
CALLS = 3000
SECOND = 10 ** 9


def every_hook():
    """Of those that WebAssembly can have: probe is the kernel's."""
    return sorted(name[:-4] for name in os.listdir(HOOKS)
                  if name.endswith(".def") and name not in ("common.def", "probe.def"))


def limiter(rate, burst, error):
    """The inputs of a limiter: calls at random times, with what is to be said of each."""
    yield {"params": {"rate": str(rate), "burst": str(burst), "error": str(error)}}
    rng, now, tokens, last = random.Random(3), 7 * SECOND, 0, None
    for _ in range(CALLS):
        now += rng.randrange(2 * SECOND // rate) if rng.random() < 0.99 else SECOND
        full = burst * SECOND
        if last is None or now - last >= full // rate:
            tokens = full
        else:
            tokens = min(full, tokens + (now - last) * rate)
        last = now
        is_denied = tokens < SECOND
        tokens -= 0 if is_denied else SECOND
        expect = {"result": 1, "error": error} if is_denied else {"result": 0}
        yield {"call": "rh_filter_before", "now_ns": now, "expect": expect}


def tally(most, every):
    yield {"params": {"most": str(most), "every": str(every)}}
    rng, calls = random.Random(4), {}
    for _ in range(CALLS):
        caller = rng.randrange(2 ** 40, 2 ** 40 + 2 * CALLS // most)
        calls[caller] = calls.get(caller, 0) + 1
        yield {"call": "rh_filter_before", "caller": caller,
               "expect": {"result": int(calls[caller] > most)}}


def packets():
    rng = random.Random(5)
    for _ in range(CALLS // 3):
        data = bytearray(rng.randbytes(rng.randrange(64)))
        if len(data) > 9:
            data[9] = rng.choice((1, 6, 17))
        is_udp = len(data) > 9 and data[9] == 17
        yield {"call": "rh_filter_before", "hex": data.hex(), "expect": {"result": int(is_udp)}}


class Language(Stage):
    def setUp(self):
        super().setUp()
        # Debian's tools, whatever else is in front of them.
        self.env["PATH"] = "/usr/bin:/bin:" + self.env.get("PATH", "")
        self.up()

    def here(self, *words, code=0):
        done = subprocess.run([self.rhodes_path, *words], cwd=self.folder, env=self.env,
                              text=True, capture_output=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr if code else done.stdout

    def need(self, *paths):
        for path in paths:
            if not (shutil.which(path, path=self.env["PATH"]) or os.path.exists(path)):
                self.skipTest(f"{path} is not there; ./test installs what this needs")

    def published(self, name):
        return dict(line.split(None, 1)
                    for line in self.here("rule", "publish", name).splitlines())

    def follow(self, language, hooks, capabilities=None, prepare=lambda project: None):
        """The template of each hook builds, runs and can be published."""
        for hook in hooks:
            name = f"{hook}-1.a"
            self.here("rule", "new", name, "--hook", hook, "--lang", language)
            prepare(name)
            said = self.published(name)
            self.assertIn(f"{hook}, version 1, mode wasm", said["hook"])
            self.assertIn("source", said)
            self.assertEqual(said.get("may"), capabilities and f"have  {capabilities}")
            shutil.rmtree(self.path(name))

    def share_compiler(self, project):
        """One install for all that follow the first, which had its own."""
        if not os.path.exists(self.path("node_modules")):
            subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund",
                            "--prefer-offline"], cwd=self.path(project), env=self.env,
                           timeout=LIMIT, check=True)
            os.rename(self.path(f"{project}/node_modules"), self.path("node_modules"))
        with open(self.path(f"{project}/rule.yaml"), encoding="utf-8") as file:
            text = file.read()
        build = re.sub(r"  npm ci .*&&\n  node_modules", "  ../node_modules", text)
        self.assertNotEqual(build, text)
        self.path(f"{project}/rule.yaml", build)

    def decide(self, language, source, inputs, project=None):
        """A project of that source decides in every mode as the inputs say."""
        name, suffix = os.path.splitext(source)
        self.here("rule", "new", name, "--lang", language)
        shutil.copy(os.path.join(SOURCES, source), self.path(name + "/" + source))
        if project:
            shutil.copy(os.path.join(SOURCES, project), self.path(name + "/rule.yaml"))
        self.assertTrue(os.path.exists(self.path(name + "/" + name + suffix)))
        self.put_inputs(name, inputs)
        said = self.here("rule", "test", name)
        self.assertIn("the same answers in every mode, as expected", said)
        self.published(name)
        return said

    def put_inputs(self, name, inputs):
        self.path(name + "/inputs.jsonl", "".join(json.dumps(line) + "\n" for line in inputs))

    def test_c(self):
        self.need("clang", "wasm-ld")
        self.follow("c", every_hook())

    def test_cplusplus(self):
        self.need(*WASI)
        self.follow("c++", every_hook(), "stdout")
        self.decide("c++", "limiter.cc", limiter(2000, 50, 16))

    def test_cplusplus_with_its_library(self):
        self.need(*WASI)
        self.tells_calls(self.decide("c++", "tally.cc", tally(20, 1000)))

    def tells_calls(self, said):
        lines = re.findall(r"log: calls: (\d+), callers: (\d+)", said)
        self.assertEqual([calls for calls, _ in lines], ["1000", "2000", "3000"], said)
        self.assertLess(int(lines[0][1]), 2 * CALLS // 20 + 1)

    def test_rust(self):
        self.need(*RUST)
        self.follow("rust", every_hook())
        self.decide("rust", "limiter.rs", limiter(3000, 7, 4095))

    def test_rust_with_its_library(self):
        self.need(*RUST, "/usr/lib/rustlib/wasm32-wasi", "/usr/lib/wasm32-wasi/libc.a")
        self.tells_calls(self.decide("rust", "tally.rs", tally(20, 1000), "tally-rust.yaml"))

    def test_assemblyscript(self):
        self.need("npm", "node")
        self.follow("assemblyscript", ["filter"])
        self.follow("assemblyscript", [hook for hook in every_hook() if hook != "filter"],
                    prepare=self.share_compiler)
        self.decide("assemblyscript", "limiter.ts", limiter(100, 1, 11))

    def test_verilog(self):
        self.need("yosys", "yosys-config", *WASI)
        self.here("rule", "new", "packet", "--lang", "verilog")
        self.put_inputs("packet", packets())
        self.assertIn("as expected", self.here("rule", "test", "packet"))
        self.assertEqual(self.published("packet")["may"], "have  stdout")
        self.assertIn("for hook filter only",
                      self.here("rule", "new", "x", "--hook", "cache", "--lang", "verilog", code=2))
        self.nothing_is_given_that_is_not_named()

    def nothing_is_given_that_is_not_named(self):
        with open(self.path("packet/rule.yaml"), encoding="utf-8") as file:
            text = file.read()
        for granted, function, capability in (("[]", "fd_close", "wasi"),
                                              ("[clock]", "fd_write", "stdout")):
            self.path("packet/rule.yaml", text.replace("[stdout]", granted))
            said = " ".join(self.here("rule", "publish", "packet", code=1).split())
            self.assertIn(f"imports wasi_snapshot_preview1.{function}, which the capability "
                          f"{capability} gives", said)

    def test_go(self):
        targets = ""
        if shutil.which("go", path=self.env["PATH"]):
            targets = subprocess.run(["go", "tool", "dist", "list"], text=True, check=False,
                                     capture_output=True, env=self.env).stdout
        if "wasip1/wasm" not in targets:
            self.skipTest("no Go that has wasip1 (Debian 12's has not): no rules in Go here")
        self.skipTest("there is no template for Go: it was never tried with a Go that has it")


if __name__ == "__main__":
    unittest.main(verbosity=2)
