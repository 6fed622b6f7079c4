#!/usr/bin/python3
"""Every test that tests/README.md names is there: as meson knows it, its case as the
source has it.   named_test.py BUILD

A name in backquotes is one of these when it looks like `test` or `test/case` and stands
in the last column of a table; fuzzers are looked for in tests/fuzz, for the normal build
has none."""
import json
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PLAIN = re.compile(r"[a-z][a-z0-9_ ]*(/[a-z][A-Za-z0-9_]*)?$")


def named(text):
    """(line, test, case or "") of each, in the order of the page."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("| "):
            continue
        for word in re.findall(r"`([^`]+)`", line.rstrip("| ").rpartition(" | ")[2]):
            if PLAIN.match(word):
                test, _, case = word.partition("/")
                yield number, test, case


def sources():
    """The words of every source of tests, by its name without an ending."""
    found = {}
    for above, _, names in os.walk(os.path.join(ROOT, "tests")):
        for name in names:
            if name.endswith((".c", ".py")):
                with open(os.path.join(above, name), encoding="utf-8") as file:
                    found[os.path.splitext(name)[0]] = set(re.findall(r"\w+", file.read()))
    return found


def known(build):
    """What meson knows of each test."""
    with open(os.path.join(build, "meson-info", "intro-tests.json"), encoding="utf-8") as file:
        return json.load(file)


def programs(tests):
    """The source of each test, by its name; a program is built from what it is called."""
    return {test["name"]: os.path.splitext(os.path.basename(test["cmd"][0]))[0]
            for test in tests}


def twice(tests):
    """Names that more than one test of a suite has: a loop in a build file took in too much."""
    names = [" / ".join((*test["suite"], test["name"])) for test in tests]
    return sorted({name for name in names if names.count(name) > 1})


def has_case(case, program, words):
    """In the source itself, or in one that it names."""
    own = words.get(program, set())
    return any(case in words[name] for name in words if name == program or name in own)


def main():
    of_meson = known(sys.argv[1])
    words, tests, count = sources(), programs(of_meson), 0
    findings = [f"the test {name} is there more than once" for name in twice(of_meson)]
    with open(os.path.join(ROOT, "tests", "README.md"), encoding="utf-8") as file:
        page = file.read()
    for number, test, case in named(page):
        count += 1
        fuzzer = test.removeprefix("fuzz_") + "_fuzz"
        if test.startswith("fuzz_") and fuzzer in words:
            continue
        if test not in tests:
            findings.append(f"tests/README.md:{number}: there is no test {test}")
        elif case and not has_case(case, tests[test], words):
            findings.append(f"tests/README.md:{number}: {test} has no case {case}")
    print("\n".join(findings))
    print(f"{count} names, {len(findings)} findings")
    return 1 if findings or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
