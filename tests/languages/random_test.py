#!/usr/bin/python3
"""Random round trips: textstat (examples/languages) served in every language and called from
every language with the same random values, beside the unmodified library in the caller's own
process.  random/README.md says how values are made.

RHODES_RANDOM_SEED says which ("random": another one each time), RHODES_RANDOM_ROUNDS how many.
"""
import itertools
import os
import random
import subprocess
import sys
import unittest

from bind_stage import BUILD, EXAMPLE, HERE, LIMIT, LanguageStage

sys.path.insert(0, EXAMPLE)
import matrix  # pylint: disable=wrong-import-position

SEED = os.environ.get("RHODES_RANDOM_SEED", "20261130")
ROUNDS = os.environ.get("RHODES_RANDOM_ROUNDS", "20")
BUILT = os.path.abspath(os.path.join(BUILD, "tests/languages/random"))
SOURCES = os.path.join(HERE, "random")
JAVA = os.path.join(BUILT, "random.jar")
CALLERS = {
    "c": [os.path.join(BUILT, "random_c")], "cpp": [os.path.join(BUILT, "random_cpp")],
    "rust": [os.path.join(BUILT, "random_rust")], "go": [os.path.join(BUILT, "random_go")],
    "java": ["java", "-cp", JAVA, "Random"],
    "python": ["/usr/bin/python3", os.path.join(SOURCES, "random.py")],
    "node": ["node", os.path.join(SOURCES, "random.js")],
}
EXAMPLES = os.path.abspath(os.path.join(BUILD, "examples/languages"))


def server_of(name):
    """The program that serves textstat in that language; None: the worker does."""
    words = matrix.PROGRAMS[name][0]
    return words and words[0].format(build=EXAMPLES, here=EXAMPLE)


def is_built(name):
    needed = [word.format(build=EXAMPLES) for word in
              [server_of(name) or "", *CALLERS[name], *matrix.NEEDS.get(name, [])]]
    return all(os.path.exists(word) for word in needed if os.path.isabs(word))


def first_difference(got, wanted):
    for mine, right in itertools.zip_longest(got.splitlines(), wanted.splitlines(),
                                             fillvalue="(nothing)"):
        if mine != right:
            words = zip(mine.split(), right.split())
            word = next((f", as {one} is not {other}" for one, other in words if one != other), "")
            return f"{mine}\nis not\n{right}{word}"
    return None


class RandomTest(LanguageStage):
    def setUp(self):
        super().setUp()
        os.symlink(os.path.abspath(os.path.join(BUILD, "sdk")), self.path("sdk"))
        self.seed = str(random.getrandbits(64)) if SEED == "random" else SEED

    def words(self, caller, server, name):
        return [*CALLERS[caller], server, self.seed, ROUNDS, self.path(name)]

    def told(self, server):
        """What each caller printed, all at once, and what it complains of."""
        running = {}
        for caller in self.names:
            with open(self.path(caller + ".out"), "w", encoding="utf-8") as out:
                running[caller] = subprocess.Popen(
                    [self.rhodes_path, "run", "-r", "texts_" + server, "--",
                     *self.words(caller, "text_" + server, caller + ".file")],
                    text=True, env=self.env, stdout=out, stderr=subprocess.PIPE)
        for caller, process in running.items():
            try:
                complaints = process.communicate(timeout=LIMIT)[1]
            except subprocess.TimeoutExpired:
                process.kill()
                complaints = f"{process.communicate()[1]}does not end\n"
            if process.returncode:
                complaints += f"exit {process.returncode}\n"
            with open(self.path(caller + ".out"), encoding="utf-8") as out:
                yield caller, out.read(), complaints

    def compare(self, server, wanted):
        for caller, out, complaints in self.told(server):
            with self.subTest(f"{caller} calls {server}, seed {self.seed}, {ROUNDS} rounds"):
                differs = first_difference(out, wanted)
                if differs:
                    self.fail(f"{caller} calls {server} with seed {self.seed}:\n{differs}\n"
                              f"{complaints}")
                self.assertEqual(complaints, "")

    def test_everybody_gets_what_the_library_says(self):
        self.names = [name for name in CALLERS if is_built(name)]
        wanted = subprocess.run(self.words("c", "", "plain.file"), text=True, timeout=LIMIT,
                                capture_output=True, check=True).stdout
        print(f"seed {self.seed}, {ROUNDS} rounds, {', '.join(self.names)}:",
              wanted.splitlines()[-1], file=sys.stderr)
        self.start(*self.names)
        for server in self.names:
            program = server_of(server)
            if not program:
                self.compare(server, wanted)
                continue
            with self.serving(server, program):
                self.compare(server, wanted)


if __name__ == "__main__":
    unittest.main()
