#!/usr/bin/python3
"""Adds up meson test logs and prints the line the server reads: `N passed, N failed`.

    count.py LOG.json...            a log NAME-again.json holds second runs of tests of NAME.json
    count.py --again LOG.json       the tests that deserve a second run, by themselves: a line each

A test program of cmocka counts as its cases, any other program as one.  A skipped test is
named and counts as neither.  A test that failed beside others and passed alone counts as
passed, and is named.  Exits 1 when something failed or nothing ran.
"""
import json
import os
import re
import sys

PASSED = re.compile(r"^\[  PASSED  \] (\d+) test\(s\)\.$", re.M)
FAILED = re.compile(r"^\[  FAILED  \] \w+: (\d+) test\(s\), listed below:$", re.M)
# What a sanitizer found, or a signal ended, is no matter of load: it stands.
STANDS = re.compile(r"Sanitizer|runtime error:|Test failed with exception")
AGAIN_MAX = 4


def text_of(test):
    return test.get("stdout", "") + "\n" + test.get("stderr", "")


def is_bad(test):
    return test["result"] not in ("OK", "EXPECTEDFAIL", "SKIP")


def cases(test):
    """How many cases of one test passed and failed."""
    text = text_of(test)
    passed = sum(map(int, PASSED.findall(text)))
    failed = sum(map(int, FAILED.findall(text)))
    if is_bad(test):
        return passed, max(failed, 1)
    return max(passed, 1), 0


def read(path):
    """The tests of a log by name; none where there is no log."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as log:
        return {test["name"]: test for test in map(json.loads, log)}


def again(path):
    """A few may have failed for the load that the others are; many are broken."""
    bad = [test for test in read(path).values() if is_bad(test)]
    if len(bad) > AGAIN_MAX or any(STANDS.search(text_of(test)) or
                                   test.get("returncode", 0) < 0 for test in bad):
        return []
    return [test["name"].rpartition(" / ")[2] for test in bad]


def tests_of(path):
    """The tests of a log, with what became of them alone."""
    second = read(path.removesuffix(".json") + "-again.json")
    for name, test in read(path).items():
        alone = second.get(name)
        if is_bad(test) and alone and not is_bad(alone) and alone["result"] != "SKIP":
            print(f"passed only alone, failed beside others: {name}")
            test = alone
        yield test


def main(paths):
    passed = failed = 0
    for path in paths:
        if path.endswith("-again.json"):
            continue
        for test in tests_of(path):
            if test["result"] == "SKIP":
                print(f"skipped: {test['name']}")
                continue
            good, bad = cases(test)
            passed, failed = passed + good, failed + bad
            if bad:
                print(f"FAILED: {test['name']} ({test['result']})")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    if sys.argv[1] == "--again":
        print("\n".join(again(sys.argv[2])))
    else:
        sys.exit(main(sys.argv[1:]))
