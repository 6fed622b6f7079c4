#!/usr/bin/python3
"""Adds up meson test logs and prints the line the server reads: `N passed, N failed`.

A test program of cmocka counts as its cases, any other program as one.  A skipped test is
named and counts as neither.  Exits 1 when something failed or nothing ran.
"""
import json
import re
import sys

PASSED = re.compile(r"^\[  PASSED  \] (\d+) test\(s\)\.$", re.M)
FAILED = re.compile(r"^\[  FAILED  \] \w+: (\d+) test\(s\), listed below:$", re.M)


def cases(test):
    """How many cases of one test passed and failed."""
    text = test.get("stdout", "") + "\n" + test.get("stderr", "")
    passed = sum(map(int, PASSED.findall(text)))
    failed = sum(map(int, FAILED.findall(text)))
    if test["result"] in ("OK", "EXPECTEDFAIL"):
        return max(passed, 1), 0
    return passed, max(failed, 1)


def main(paths):
    passed = failed = 0
    for path in paths:
        with open(path, encoding="utf-8") as log:
            for test in map(json.loads, log):
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
    sys.exit(main(sys.argv[1:]))
