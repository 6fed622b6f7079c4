"""`./bench rules`: what a decision of a dynamic rule costs as WebAssembly, beside the same
source as native code, and what it takes to swap and to build one."""
import json
import os
import subprocess

from . import rows

NATIVE, WASM, PORTABLE, FUEL = ("native gcc -O2", "wasm, GS", "wasm, portable",
                                "wasm, GS, fuel")
DECISIONS = ["limiter", "lru", "sieve", "arc", "tree"]


def figures(args):
    program = os.path.join(args.build, "benchmarks/rules/bench-rules")
    done = subprocess.run([program, "20" if args.quick else "300"], check=True,
                          capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def decision_rows(ns):
    guard = ns["a call", WASM] - ns["a call", NATIVE]
    yield rows.at_limit("the guard of a call", guard, "ns", "<=", 3)
    for name in DECISIONS:
        native = ns[name, NATIVE]
        yield rows.against(f"a decision of {name}", ns[name, WASM], "ns", NATIVE, native,
                           "<=", 1.10)
        for build in (PORTABLE, FUEL):
            yield rows.stated(f"a decision of {name}, {build[6:]}", ns[name, build], "ns",
                              NATIVE, native)


def run(args):
    os.makedirs(args.out, exist_ok=True)
    every = figures(args)
    swap = next(one for one in every if one["row"] == "swap")
    build = next(one for one in every if one["row"] == "build")
    result = [*decision_rows({(one["row"], one["build"]): one["ns"] for one in every
                              if "ns" in one}),
              rows.at_limit("swap with its state, p99", swap["p99_us"], "us", "<=", 1000),
              rows.stated("swap with its state, median", swap["p50_us"], "us"),
              rows.stated("build of a small rule", build["ms"], "ms"),
              rows.stated("object of a small rule", build["bytes"] / 1024, "KiB")]
    rows.write(result, os.path.join(args.out, "rules.json"))
    print(rows.table(result))
    return 1 if any(row.missing for row in result) else 0
