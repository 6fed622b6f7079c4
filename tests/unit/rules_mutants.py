#!/usr/bin/env python3
"""A mutation in one build of a shipped rule is caught by the test that compares its builds.

    rules_mutants.py make RULE SOURCE OUTPUT    writes the source, broken in one place
    rules_mutants.py run BUILD RULE...          each, as the native one of its test"""
import os
import pathlib
import re
import subprocess
import sys

SKIPPED = 77

ALIKE = "events_are_ordered_alike"
# What stands there once, and what comes instead: the test that must see it.
MUTATIONS = {
    "arc": ("library", "caches_decide_alike", "len[list_of[node]]--;",
            "len[list_of[node]] -= node % 7 == 3 ? 2u : 1u;"),
    "balance": ("library", "choices_are_made_alike", "hash >> 31", "hash >> 33"),
    "crc": ("codec", "protocols_carry_alike", "rest = 0xffffffffu", "rest = 0xfffffffeu"),
    "dear": ("library", "caches_decide_alike", "< index_blocks", "<= index_blocks"),
    "escalate": ("event", "escalate_*", "seen = 0;", "seen = 1;"),
    "fifo": ("library", "caches_decide_alike", "list_prev[HEAD]", "list_next[HEAD]"),
    "flaky": ("library", "filters_decide_alike", ">= permille", "> permille"),
    "limiter": ("library", "filters_decide_alike", "passed * rate)", "passed * rate + 1)"),
    "lines": ("codec", "protocols_carry_alike", "(high << 4 | low)", "(high << 4 | low >> 1)"),
    "lru": ("library", "caches_decide_alike", "list_prev[HEAD]", "list_next[HEAD]"),
    "mask": ("transform", "transforms_decide_alike", "run >= least", "run > least"),
    "mru": ("library", "caches_decide_alike", "return queue_renew(slot);",
            "return slot == 60 ? 0 : queue_renew(slot);"),
    "redact": ("transform", "transforms_decide_alike", "i + length <= end",
               "i + length < end"),
    "sampler": ("event", "sampler_*", "% every == 0", "% every == 1"),
    "sched_cfs": ("sched", ALIKE, "* task->weight /", "* (task->weight + 1) /"),
    "sched_deadline": ("sched", ALIKE, "(left >> 10) *", "(left >> 11) *"),
    "sched_eevdf": ("sched", ALIKE, "part / 2 :", "part / 3 :"),
    "sched_fifo": ("sched", ALIKE, "why != RH_SCHED_PREEMPT;", "why == RH_SCHED_YIELD;"),
    "sched_rr": ("sched", ALIKE, "task->key = 0;", "task->key = why == RH_SCHED_MIGRATE;"),
    "sieve": ("library", "caches_decide_alike", "is_used[slot] = 1;", "is_used[slot] = slot != 9;"),
}
# As rules_three.c and cmocka say that two builds differ.
DIFFERS = re.compile(r"native \d+, build \d|difference at offset")


def make(rule, source, output):
    text = pathlib.Path(source).read_text()
    _, _, old, new = MUTATIONS[rule]
    if text.count(old) != 1:
        sys.exit(f"{source}: '{old}' stands there {text.count(old)} times, not once")
    pathlib.Path(output).write_text(text.replace(old, new))


def is_caught(build, rule):
    program, case, *_ = MUTATIONS[rule]
    done = subprocess.run([f"{build}/rules_{program}_test"], capture_output=True, text=True,
                          env={**os.environ, "RULES_MUTANT": rule, "CMOCKA_TEST_FILTER": case})
    if done.returncode == SKIPPED:
        print(done.stdout, end="")
        sys.exit(SKIPPED)
    output = done.stdout + done.stderr
    caught = done.returncode != 0 and DIFFERS.search(output)
    print(f"{rule}: {caught.group(0) if caught else 'NOT CAUGHT'}")
    if not caught:
        print(output)
    return bool(caught)


def run(build, *rules):
    missing = [rule for rule in rules if not is_caught(build, rule)]
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    {"make": make, "run": run}[sys.argv[1]](*sys.argv[2:])
