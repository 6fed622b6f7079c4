#!/usr/bin/python3
"""ci/count.py must never count a failure as a pass: the server believes its last line."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

COUNT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../ci/count.py")
CMOCKA = "[==========] Running 3 test(s).\n[  PASSED  ] {} test(s).\n"
FAILED = "[  FAILED  ] tests: {} test(s), listed below:\n"


def count(*tests):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
        for number, test in enumerate(tests):
            log.write(json.dumps({"name": f"t{number}", "stdout": "", **test}) + "\n")
        log.flush()
        done = subprocess.run([sys.executable, COUNT, log.name], capture_output=True,
                              text=True, check=False)
    return done.stdout.splitlines()[-1], done.returncode


def count_twice(first, second):
    """The last line, the exit code and what deserves a second run."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "main.json")
        for name, tests in (("main", first), ("main-again", second)):
            with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as log:
                log.writelines(json.dumps({"stdout": "", **test}) + "\n" for test in tests)
        again = subprocess.run([sys.executable, COUNT, "--again", path], capture_output=True,
                               text=True, check=True).stdout.split()
        done = subprocess.run([sys.executable, COUNT, path,
                               path.replace("main", "main-again")], capture_output=True,
                              text=True, check=False)
    return done.stdout.splitlines(), done.returncode, again


class Count(unittest.TestCase):
    def test_a_program_counts_as_one(self):
        self.assertEqual(count({"result": "OK"}, {"result": "OK"}), ("2 passed, 0 failed", 0))

    def test_a_cmocka_program_counts_as_its_cases(self):
        self.assertEqual(count({"result": "OK", "stderr": CMOCKA.format(3)}),
                         ("3 passed, 0 failed", 0))
        self.assertEqual(count({"result": "FAIL", "stdout": CMOCKA.format(1)
                                + FAILED.format(2)}), ("1 passed, 2 failed", 1))

    def test_a_crash_after_good_cases_is_a_failure(self):
        self.assertEqual(count({"result": "FAIL", "stdout": CMOCKA.format(3)}),
                         ("3 passed, 1 failed", 1))
        self.assertEqual(count({"result": "TIMEOUT"}), ("0 passed, 1 failed", 1))

    def test_a_skip_is_neither(self):
        self.assertEqual(count({"result": "SKIP"}, {"result": "OK"}),
                         ("1 passed, 0 failed", 0))

    def test_what_passes_alone_is_named_and_passed(self):
        bad = {"name": "rhodes:sdk / late", "result": "FAIL", "returncode": 1}
        lines, code, again = count_twice([bad, {"name": "x", "result": "OK"}],
                                         [{**bad, "result": "OK"}])
        self.assertEqual((lines[-1], code, again), ("2 passed, 0 failed", 0, ["late"]))
        self.assertIn("failed beside others: rhodes:sdk / late", lines[0])

    def test_what_fails_alone_also_or_is_skipped_then_is_failed(self):
        bad = {"name": "late", "result": "TIMEOUT"}
        for second in ([bad], [{**bad, "result": "SKIP"}], []):
            self.assertEqual(count_twice([bad], second)[:2],
                             (["FAILED: late (TIMEOUT)", "0 passed, 1 failed"], 1))

    def test_crashes_and_what_sanitizers_find_stand(self):
        late = {"name": "late", "result": "FAIL", "returncode": 1}
        for other in ({"stderr": "ERROR: AddressSanitizer: heap-use-after-free"},
                      {"stdout": "x.c:3: runtime error: overflow"}, {"returncode": -11}):
            self.assertEqual(count_twice([late, {**late, "name": "b", **other}], [])[2], [])

    def test_many_are_broken(self):
        many = [{"name": f"t{i}", "result": "FAIL"} for i in range(5)]
        self.assertEqual(count_twice(many, [])[2], [])

    def test_nothing_is_not_success(self):
        self.assertEqual(count(), ("0 passed, 0 failed", 1))


if __name__ == "__main__":
    unittest.main()
