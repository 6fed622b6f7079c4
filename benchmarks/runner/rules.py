"""`./bench rules`: what a decision of a dynamic rule costs as WebAssembly, beside the same
source as native code, by stock wasm2c and by V8; what it takes to swap, build and publish
one, in one agent and in 1,000; and what a call pays that a rule sees."""
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from . import host, measure, rows, rules_docs, rules_live

NATIVE, WASM, PORTABLE, FUEL = ("native gcc -O2", "wasm, GS", "wasm, portable",
                                "wasm, GS, fuel")
STOCK, V8 = "stock wasm2c", "V8"
PEERS = {STOCK: "stock wasm2c and its runtime", V8: "V8, called from JavaScript"}
DECISIONS = {"limiter": "a filter, limiter", "lru": "a cache, lru", "sieve": "a cache, sieve",
             "arc": "a cache, arc", "tree": "a scheduler's tree of 64 tasks"}
PAPERS = "the papers (1.5 to 1.6)"
POOLED = 1000


class Plan:
    """How often; --quick only shows that everything runs."""

    def __init__(self, quick):
        self.turns = 1 if quick else 5
        self.rounds = 20 if quick else 200   # of each rule in a turn
        self.publishes = 2 if quick else 15
        self.spreads = 1 if quick else 5
        self.calls = 1 if quick else 10      # turns of calls with and without
        self.seconds = 0.1 if quick else 1   # of each
        self.quiet = 0.5 if quick else 5


class Runner:
    def __init__(self, args, plan, folder):
        self.build, self.plan, self.folder = os.path.abspath(args.build), plan, folder
        self.turns = []     # of each: (rule, engine) -> ns
        self.swaps, self.builds = [], []
        self.publishes, self.pairs, self.pool = [], [], None
        self.failures, self.loud = [], 0
        self.v8 = None      # its version

    def guarded(self, what, step, *args):
        try:
            step(*args)
        except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
            self.failures.append(f"{what}: {str(error)[-400:]}")
            print(f"failed: {self.failures[-1]}", file=sys.stderr)

    def figures(self, turn, *words):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{words[0]}: {done.stderr.strip()}")
        for line in map(json.loads, done.stdout.splitlines()):
            if line["row"] == "swap":
                self.swaps.append(line)
            elif line["row"] == "build":
                self.builds.append(line)
            else:
                name, _, version = line["build"].partition(f"{V8} ")
                self.v8 = version or self.v8
                turn[line["row"], name or V8] = line["ns"]

    def decide(self):
        """All engines, one after the other, in each turn."""
        folder = os.path.join(self.build, "benchmarks", "rules")
        here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        rounds = str(self.plan.rounds)
        for _ in range(self.plan.turns):
            self.loud += not measure.await_quiet(self.plan.quiet)
            turn = {}
            self.turns.append(turn)
            self.guarded("rules", self.figures, turn, os.path.join(folder, "bench-rules"),
                         rounds)
            self.guarded("sites", self.figures, turn, os.path.join(folder, "bench-site"),
                         rounds)
            self.guarded(STOCK, self.figures, turn,
                         os.path.join(folder, "bench-rules-stock"), rounds)
            self.guarded(V8, self.figures, turn, "node",
                         os.path.join(here, "rules", "v8.mjs"), rounds,
                         os.path.join(self.build, "rules", "library"), folder)

    def live(self):
        with rules_live.Local(self.build, self.folder) as local:
            self.publishes = local.publishes(self.plan.publishes)
            self.loud += not measure.await_quiet(self.plan.quiet)
            self.pairs = local.calls(self.plan.calls, self.plan.seconds)

    def spread(self):
        self.pool = rules_live.of_pool(self.build, self.folder, POOLED, self.plan.spreads)

    def play(self):
        for what, step in (("decisions", self.decide), ("one agent", self.live),
                           ("pooled agents", self.spread)):
            began = time.monotonic()
            self.guarded(what, step)
            print(f"{what}: {time.monotonic() - began:.0f} s", file=sys.stderr)

    def get(self, rule, engine):
        """The median over the turns, or None."""
        return median(turn.get((rule, engine)) for turn in self.turns)

    def ratio(self, rule, engine, peer=NATIVE):
        """The median of the ratios within a turn, or None."""
        return median(turn[rule, engine] / turn[rule, peer] for turn in self.turns
                      if (rule, engine) in turn and (rule, peer) in turn)


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def worst(values):
    return max(values, default=None)


def times(value, factor):
    return None if value is None else value * factor


def decision_rows(runner):
    get, ratio = runner.get, runner.ratio
    for name, words in DECISIONS.items():
        yield rows.against(f"decision of {words}", get(name, WASM), "ns", NATIVE,
                           get(name, NATIVE), "<=", 1.10, paired=ratio(name, WASM))
    guards = [turn["a call", WASM] - turn["a call", NATIVE] for turn in runner.turns
              if ("a call", WASM) in turn]
    yield rows.at_limit("guard of a call, beyond a native one", median(guards), "ns", "<=",
                        2)
    yield rows.stated("call of a function that does nothing", get("a call", WASM), "ns",
                      NATIVE, get("a call", NATIVE), paired=ratio("a call", WASM))
    for name, words in DECISIONS.items():
        for engine, peer in PEERS.items():
            yield rows.stated(f"decision of {words}, beside {engine}", get(name, WASM),
                              "ns", peer, get(name, engine),
                              paired=ratio(name, WASM, engine))
    for engine in (PORTABLE, FUEL):
        for name, words in DECISIONS.items():
            yield rows.stated(f"decision of {words}, {engine[6:]}", get(name, engine), "ns",
                              NATIVE, get(name, NATIVE), paired=ratio(name, engine))
    yield rows.stated("decision of a scheduler's tree, sixteen for one guard",
                      times(get("tree, 16", WASM), 1 / 16), "ns", NATIVE,
                      times(get("tree, 16", NATIVE), 1 / 16), paired=ratio("tree, 16", WASM))
    yield rows.stated("decision of a scheduler's tree, times of native",
                      ratio("tree", WASM), "x", PAPERS, 1.55)


def site_rows(runner):
    """What a place for rules of eBPF costs, beyond a loop without one."""
    for engine, words in (("site", "that nobody looks on"),
                          ("site, attached", "that an empty rule looks on")):
        beyond = [turn["site", engine] - turn["site", "no site"] for turn in runner.turns
                  if ("site", engine) in turn]
        yield rows.stated(f"site for rules of eBPF {words}", median(beyond), "ns")


def publish_rows(runner):
    found, pool = runner.publishes, runner.pool
    active = [seconds for _, seconds in found]
    yield rows.at_limit("publish of a small rule until it is active at one agent, slowest of"
                        f" {runner.plan.publishes}", worst(active), "s", "<=", 1)
    yield rows.stated("publish of a small rule until it is active at one agent, median",
                      median(active), "s")
    yield rows.stated("of it until it is built and stored, median",
                      median(published for published, _ in found), "s")
    spread = pool["times"] if pool else []  # of each publish, sorted
    where = f"{POOLED:,} pooled agents"
    yield rows.at_limit(f"publish of a small rule until it is active at {where}, p99",
                        median(one[int(.99 * (len(one) - 1))] for one in spread), "s",
                        "<=", 3)
    yield rows.stated(f"publish of a small rule until it is active at {where}, median",
                      median(one[len(one) // 2] for one in spread), "s")
    yield rows.stated(f"publish of a small rule until it is active at {where}, slowest",
                      worst(one[-1] for one in spread), "s")
    yield rows.stated(f"of it until it is built and stored, beside {where}, median",
                      pool and pool["published"], "s")
    yield rows.stated(f"private memory of an agent for its rule, {where}",
                      times(pool and pool["bytes"], 1 / 1024), "KiB")
    yield rows.stated(f"growth of that after {runner.plan.spreads} more publishes",
                      times(pool and pool["grown"], 1 / 1024), "KiB")


def swap_rows(runner):
    yield rows.at_limit("swap of a rule with its state, p99",
                        times(median(one["p99_us"] for one in runner.swaps), 1e-3), "ms",
                        "<=", 1)
    yield rows.stated("swap of a rule with its state, p99 of the worst turn",
                      times(worst(one["p99_us"] for one in runner.swaps), 1e-3), "ms")
    yield rows.stated("swap of a rule with its state, median",
                      median(one["p50_us"] for one in runner.swaps), "us")
    yield rows.stated("build of a small module", median(one["ms"] for one in runner.builds),
                      "ms")
    yield rows.stated("object of a small module",
                      times(median(one["bytes"] for one in runner.builds), 1 / 1024), "KiB")


def call_rows(runner):
    """A call over two agents, 64 bytes, by shm, on one core."""
    for field, words in (("p50", "p50"), ("p99", "p99"), ("cpu", "processor time of all")):
        without = median(one[field] for one, _ in runner.pairs)
        ratios = median(ruled[field] / one[field] for one, ruled in runner.pairs)
        yield rows.stated(f"call that a filter sees, agent path, one core, {words}",
                          median(ruled[field] for _, ruled in runner.pairs), "us",
                          "without a rule", without, paired=ratios)
    yield rows.stated("what a filter adds to a call, p50",
                      times(median(ruled["p50"] - one["p50"]
                                   for one, ruled in runner.pairs), 1000), "ns")


def keep(runner, result, out):
    with open(os.path.join(out, "rules.runs.json"), "w", encoding="utf-8") as file:
        json.dump({"machine": host.describe(), "failures": runner.failures,
                   "turns": [{" / ".join(key): ns for key, ns in turn.items()}
                             for turn in runner.turns],
                   "swaps": runner.swaps, "builds": runner.builds,
                   "publishes": runner.publishes, "calls": runner.pairs,
                   "pool": runner.pool}, file, indent=0)
    rows.write(result, os.path.join(out, "rules.json"))


def tell(result):
    goals = [row for row in result if row.met is not None]
    missing = [row for row in result if row.missing]
    print(rows.table(result))
    print(f"\n{len(result)} rows, {sum(row.met for row in goals)} of {len(goals)} goals met,"
          f" {len(missing)} missing")
    for row in missing:
        print(f"missing: {row.name}", file=sys.stderr)
    return 1 if missing else 0


def run(args):
    os.makedirs(args.out, exist_ok=True)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = tempfile.mkdtemp(prefix="rules-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o755)
        runner = Runner(args, Plan(args.quick), folder)
        runner.play()
    result = [*decision_rows(runner), *site_rows(runner), *swap_rows(runner), *publish_rows(runner),
              *call_rows(runner)]
    keep(runner, result, args.out)
    rules_docs.write(runner, result, args, time.monotonic() - began)
    return tell(result)
