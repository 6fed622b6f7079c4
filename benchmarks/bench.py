#!/usr/bin/python3
"""Runs the named benchmarks; started by ./bench, which installs and builds first.

Each writes a table to standard output, OUT/<name>.json and a plot.  The exit status is 1
when a row has no figure; a goal that was not met is printed, not an error.
"""
import argparse
import sys

from runner import cache, calls, languages, push, rules, sched

BENCHMARKS = {"cache": cache.run, "calls": calls.run, "languages": languages.run,
              "push": push.run, "rules": rules.run, "sched": sched.run}


def main():
    parser = argparse.ArgumentParser(prog="./bench", description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True, help="folder with the built programs")
    parser.add_argument("--out", required=True, help="folder for results")
    parser.add_argument("--quick", action="store_true",
                        help="short rounds: shows that everything runs, not how fast")
    parser.add_argument("--runs", type=int, metavar="N",
                        help="how often sched runs each program under each carrier (20; some "
                             "twice as often)")
    parser.add_argument("--docs", action="store_true",
                        help="also renew docs/benchmarks*.md from the results")
    parser.add_argument("name", nargs="*", help="which: " + ", ".join(BENCHMARKS))
    args = parser.parse_args()
    for name in args.name:
        if name not in BENCHMARKS:
            parser.error(f"no benchmark {name}; there are: {', '.join(BENCHMARKS)}")
    results = [BENCHMARKS[name](args) for name in args.name or BENCHMARKS]
    return max(results)


if __name__ == "__main__":
    sys.exit(main())
