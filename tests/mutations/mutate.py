#!/usr/bin/python3
"""Breaks the sources, one place at a time, and looks whether the tests that are named for it fail.

    tests/mutations/mutate.py [word ...]   those whose name or file holds one of the words, or all
    tests/mutations/mutate.py --list       what there is
    tests/mutations/mutate.py --check --build DIR
                                           whether each can still be applied; changes nothing

Exits 1 when a mutation survives, or cannot be tried.  README.md beside this file says more.
"""
import argparse
import dataclasses
import glob
import json
import os
import re
import sys
import tempfile
import time
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))

from tree import TOP, Tree, read, run  # pylint: disable=wrong-import-position

BUILD = "build"
PASSED = ("OK", "EXPECTEDFAIL")
# A test that may hang does when it takes longer than that, and so many times longer than else.
HANGS_S = 60
HANGS_TIMES = 5
FAILED_CASE = re.compile(r"^\[  (?:FAILED  |ERROR   )\] (?!---|.*test\(s\))(.+)$|"
                         r"^(?:FAIL|ERROR): (\w+)", re.M)


@dataclasses.dataclass
class Mutation:
    name: str
    file: str
    old: str
    new: str
    tests: list
    why: str
    may_hang: bool = False    # a test that does not end in time is a test that fails
    needs_root: bool = False  # the test is about another user, and skipped by who can be none

    def place(self):
        return f"{self.file}: {self.name}"


def load():
    found = []
    for path in sorted(glob.glob(os.path.join(HERE, "*.toml"))):
        with open(path, "rb") as file:
            found += [Mutation(**entry) for entry in tomllib.load(file)["mutation"]]
    return found


# ---- whether it can be tried at all


def faults(mutation, known_tests):
    """What keeps the mutation from being tried."""
    path = os.path.join(TOP, mutation.file)
    if not os.path.isfile(path):
        yield "there is no such file"
        return
    count = read(path).count(mutation.old)
    if count != 1:
        yield f"the old text stands {count} times in the file"
    if mutation.old == mutation.new:
        yield "the new text is the old one"
    if not mutation.tests:
        yield "it names no test"
    for test in mutation.tests:
        if test not in known_tests:
            yield f"there is no test {test}"


def check(mutations, known_tests):
    """Prints every fault; how many there are."""
    found = [f"{mutation.place()}: {fault}" for mutation in mutations
             for fault in faults(mutation, known_tests)]
    names = [mutation.name for mutation in mutations]
    found += [f"{name}: two mutations of that name" for name in sorted(set(names))
              if names.count(name) > 1]
    for line in found:
        print(line)
    return len(found)


# ---- the build and its tests


def introspect(build, what):
    return json.loads(read(os.path.join(build, "meson-info", f"intro-{what}.json")))


def tests_of(build):
    return {test["name"]: test for test in introspect(build, "tests")}


class Bench:
    """A copy of the tree with a build, in which tests are run."""

    def __init__(self, place):
        self.tree = Tree(place)
        # Warnings are let pass: what a mutation no longer uses is no reason not to try it.
        output = self.tree.setup(BUILD, "-Dtests=true", "-Dwerror=false")
        if output:
            sys.exit("the copy cannot be configured:\n" + output[-2000:])
        self.build = self.tree.path(BUILD)
        self.tests, self.files, self.programs = {}, {}, []
        self.took = {}  # seconds without a mutation

    def look(self):
        """Reads what the build is made of; a build renews that when a meson.build changed."""
        self.tests = tests_of(self.build)
        for target in introspect(self.build, "targets"):
            files = [os.path.relpath(name, self.build) for name in target["filename"]]
            self.files[target["id"]] = files
            folder = os.path.relpath(target["defined_in"], self.tree.place).split("/")[0]
            if folder not in ("tests", "benchmarks") and target["build_by_default"]:
                self.programs += files

    def make(self, names):
        """Builds what the tests need; the output of ninja when that fails, else ""."""
        targets = {file for name in names for target in self.tests[name]["depends"]
                   for file in self.files[target]}
        suites = {suite for name in names for suite in self.tests[name]["suite"]}
        if not suites <= {"rhodes:unit", "rhodes:conformance", "rhodes:race"}:
            targets |= set(self.programs)  # the others start programs that meson is not told of
        return self.tree.build(BUILD, sorted(targets))

    def run(self, names, processes=1, patience=1, options=()):
        """What meson logs of each test; patience multiplies the time that each has."""
        log = os.path.join(self.build, "meson-logs", "mutation.json")
        if os.path.exists(log):
            os.unlink(log)
        run(["/usr/bin/meson", "test", "-C", BUILD, "--no-rebuild", "--logbase", "mutation",
             "--num-processes", str(processes), "--timeout-multiplier", str(patience), *options,
             *names], self.tree.place)
        lines = read(log).splitlines() if os.path.exists(log) else []
        # A name in the log is "rhodes:suite / name".
        return {entry["name"].split(" / ")[-1]: entry for entry in map(json.loads, lines)}

    def until_noticed(self, names):
        """Options with which the tests end at the first case that fails, if all can do that: the
        others may each wait long for what a mutation keeps from coming."""
        programs = [self.tests[name]["cmd"][0] for name in names]
        return ["--test-args=--failfast"] if all(x.endswith(".py") for x in programs) else []

    def patience(self, names):
        """What part of its time limit is enough to see that one of these hangs."""
        return min(1, max(max(HANGS_S, HANGS_TIMES * self.took[name]) /
                          self.tests[name]["timeout"] for name in names))


# ---- one mutation


def first_failure(entry):
    """What of the test failed, as far as its output tells."""
    cases = [one or other for one, other in FAILED_CASE.findall(entry.get("stdout", "") + "\n" +
                                                                entry.get("stderr", ""))]
    if cases:
        return cases[0] + (f" and {len(set(cases)) - 1} more" if len(set(cases)) > 1 else "")
    code = entry.get("returncode", 0)
    return f"signal {-code}" if code < 0 else f"exit {code}"


def verdict(mutation, entries):
    """Whether the tests noticed, and a line that says how."""
    said, noticed = [], True
    for name in mutation.tests:
        entry = entries.get(name, {"result": "no result"})
        result = entry["result"]
        is_noticed = result == "FAIL" or (result == "TIMEOUT" and mutation.may_hang)
        noticed = noticed and is_noticed
        said.append(f"{name} ({first_failure(entry) if result == 'FAIL' else result})")
    return noticed, ", ".join(said)


def attempt(bench, mutation):
    """Whether the mutation was killed, and a line about it."""
    began = time.monotonic()
    with bench.tree.changed(mutation.file, mutation.old, mutation.new):
        output = bench.make(mutation.tests)
        if output:
            return False, f"{mutation.place()}: NOT TRIED: does not compile\n{output[-1500:]}"
        patience = bench.patience(mutation.tests) if mutation.may_hang else 1
        entries = bench.run(mutation.tests, patience=patience,
                            options=bench.until_noticed(mutation.tests))
        noticed, how = verdict(mutation, entries)
    took = time.monotonic() - began
    return noticed, (f"{mutation.place()}: {'killed by' if noticed else 'SURVIVED:'} {how}"
                     f" [{took:.0f} s]")


def fail_unmutated(bench, mutations):
    """Prints and returns the tests that fail anyway: what they say of a mutation counts nothing."""
    names = sorted({test for mutation in mutations for test in mutation.tests})
    output = bench.make(names)
    if output:
        sys.exit("the copy does not compile:\n" + output[-2000:])
    failed = names
    for processes in (os.cpu_count(), 1):  # beside each other first, for that is quicker
        entries = bench.run(failed, processes) if failed else {}
        failed = [name for name in failed if entries.get(name, {}).get("result") not in PASSED]
        bench.took.update({name: entry["duration"] for name, entry in entries.items()})
    for name in failed:
        entry = entries.get(name, {"result": "no result"})
        print(f"{name} does not pass without a mutation: {entry['result']} "
              f"({first_failure(entry)})")
    print(f"{len(names) - len(failed)} tests pass without a mutation", flush=True)
    return set(failed)


def write_log(path, mutation, is_killed, line):
    """As meson logs a test, for ci/count.py."""
    with open(path, "a", encoding="utf-8") as log:
        print(json.dumps({"name": "mutation: " + mutation.name, "stdout": line,
                          "result": "OK" if is_killed else "FAIL"}), file=log)


def try_all(place, mutations, log):
    bench = Bench(place)
    output = bench.tree.build(BUILD, ["build.ninja"])
    if output:
        sys.exit("the copy cannot be configured:\n" + output[-2000:])
    bench.look()
    if check(mutations, bench.tests):
        return 1
    if os.geteuid() != 0:
        for mutation in [mutation for mutation in mutations if mutation.needs_root]:
            print(f"{mutation.place()}: not tried, for that needs root")
        mutations = [mutation for mutation in mutations if not mutation.needs_root]
    failed = fail_unmutated(bench, mutations)
    killed = 0
    for mutation in mutations:
        useless = sorted(failed.intersection(mutation.tests))
        is_killed, line = (attempt(bench, mutation) if not useless else
                           (False, f"{mutation.place()}: NOT TRIED: without it, too, "
                            f"{', '.join(useless)} fails"))
        print(line, flush=True)
        killed += is_killed
        if log:
            write_log(log, mutation, is_killed, line)
    print(f"{killed} of {len(mutations)} mutations killed")
    return 0 if killed == len(mutations) else 1


# ---- the command


def arguments():
    parser = argparse.ArgumentParser(description="Breaks the sources; tests must fail.")
    parser.add_argument("words", nargs="*", metavar="word",
                        help="only mutations whose name or file holds one of these")
    parser.add_argument("--list", action="store_true", help="print them, try nothing")
    parser.add_argument("--check", action="store_true",
                        help="only look whether each can be applied and names tests that exist")
    parser.add_argument("--build", metavar="DIR", help="with --check: a configured build")
    parser.add_argument("--in", dest="place", metavar="DIR",
                        help="keep the copy there, and start from it the next time")
    parser.add_argument("--log", metavar="FILE", help="add a line of JSON for each")
    return parser.parse_args()


def main():
    given = arguments()
    mutations = [mutation for mutation in load() if not given.words or
                 any(word in mutation.place() for word in given.words)]
    if not mutations:
        sys.exit("there is no mutation of that name")
    if given.list:
        for mutation in mutations:
            print(f"{mutation.place()}\n    {mutation.why}\n    {', '.join(mutation.tests)}")
        return 0
    if given.check:
        count = check(mutations, tests_of(given.build))
        print(f"{len(mutations)} mutations, {count} faults")
        return 1 if count else 0
    if given.place:
        return try_all(given.place, mutations, given.log)
    with tempfile.TemporaryDirectory(prefix="rhodes-mutations-") as place:
        return try_all(place, mutations, given.log)


if __name__ == "__main__":
    sys.exit(main())
