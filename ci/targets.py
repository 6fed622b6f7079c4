#!/usr/bin/python3
"""What the tests of some suites need of a build folder, for ninja.

    ci/targets.py DIR SUITE ..."""
import json
import os
import sys


def read(build, what):
    with open(os.path.join(build, "meson-info", f"intro-{what}.json"), encoding="utf-8") as file:
        return json.load(file)


def main():
    build, suites = sys.argv[1], set(sys.argv[2:])
    files = {target["id"]: target["filename"] for target in read(build, "targets")}
    needed = {os.path.relpath(file, os.path.abspath(build))
              for test in read(build, "tests")
              if suites & {suite.split(":")[-1] for suite in test["suite"]}
              for target in test["depends"] for file in files[target]}
    if not needed:
        sys.exit(f"{build}: no test of the suites {', '.join(sorted(suites))} needs anything")
    print(*sorted(needed))


if __name__ == "__main__":
    main()
