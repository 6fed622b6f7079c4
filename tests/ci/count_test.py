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

    def test_nothing_is_not_success(self):
        self.assertEqual(count(), ("0 passed, 0 failed", 1))


if __name__ == "__main__":
    unittest.main()
