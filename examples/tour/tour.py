#!/usr/bin/python3
"""The tour of Rhodes: real programs, first without it, then under it.

    tour.py [--step NAME]... [--build DIR] [--json FILE] [options]
"""
import argparse
import os
import signal
import sys
import traceback

import step_away
import step_cache
import step_code
import step_java
import step_packets
import step_parser
import step_pool
import step_protocols
import step_publish
import step_revoke
import step_rule
import step_softirq
import step_swap
from report import Report
from stage import Skip, Stage

STEPS = {
    "parser": step_parser.step,
    "packets": step_packets.step,
    "softirq": step_softirq.step,
    "rule": step_rule.step,
    "protocols": step_protocols.step,
    "swap": step_swap.step,
    "revoke": step_revoke.step,
    "away": step_away.step,
    "pool": step_pool.step,
    "code": step_code.step,
    "publish": step_publish.step,
    "cache": step_cache.step,
    "java": step_java.step,
}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="where meson built (build)")
    parser.add_argument("--json", help="write the results there")
    parser.add_argument("--step", action="append", choices=STEPS, help="only this one")
    parser.add_argument("--entries", type=int, default=10_000, help="of the tree (10000)")
    parser.add_argument("--sample", type=int, default=4_000,
                        help="of them for the slow ways to ask (4000)")
    parser.add_argument("--frames", type=int, default=100_000, help="to send (100000)")
    parser.add_argument("--kills", type=int, default=8, help="of the service (8)")
    parser.add_argument("--rounds", type=int, default=10, help="of protocol swaps (10)")
    parser.add_argument("--changes", type=int, default=60,
                        help="of a rule while ten agents sleep (60)")
    parser.add_argument("--device", choices=("auto", "tap", "veth"), default="auto")
    parser.add_argument("--plain", action="store_true", help="only without Rhodes")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (1)")
    return parser.parse_args()


def interrupted(number, _):
    raise KeyboardInterrupt(signal.Signals(number).name)


def main():
    options = parse()
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    report = Report(options.json)
    try:
        for name in options.step or STEPS:
            with Stage(options, report) as stage:
                try:
                    STEPS[name](stage)
                except Skip as reason:
                    report.note(f"left out: {reason}")
                except Exception:  # a step that breaks must not hide the others
                    report.check("the step runs to its end", False, traceback.format_exc())
    except KeyboardInterrupt as reason:
        report.check(f"interrupted {reason}".strip(), False)
    return report.finish()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    sys.exit(main())
