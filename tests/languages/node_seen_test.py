#!/usr/bin/python3
"""Node: a server whose objects programs look into, also by functions that return promises."""
import os
import subprocess
import unittest

from bind_stage import BUILD, HERE, LIMIT, BindStage
from seen_stage import LOOK, PYTHON, SeenStage

# Threads of several programs, each with objects of its own: all calls that add millions are
# under way at once, and between them others are answered at once.
PROCESSES, THREADS, ROUNDS = 3, 2, 100
PROGRAM = LOOK + r"""
import sys
import threading

wrong = []


def check(what, got, wanted):
    if got != wanted:
        wrong.append(f"{what}: {got}, not {wanted}")


def run(me):
    count = me
    tally = ctypes.c_void_p(seen.seen_new(count))
    for number in range(ROUNDS):
        count += number
        check("at once", (seen.seen_add(tally, number), look(tally.value)),
              (count, (count, number)))
        by = 1000000 + 100 * me + number
        count += by
        check("later", (seen.seen_add(tally, by), look(tally.value)), (count, (count, by)))
        count //= 2
        half = ctypes.c_void_p()
        check("split", (seen.seen_split(tally, ctypes.byref(half)), look(tally.value),
                        look(half.value)), (0, (count, by), (count, 0)))
        seen.seen_close(half)
    seen.seen_close(tally)


threads = [threading.Thread(target=run, args=(int(me),)) for me in sys.argv[1:]]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("\n".join(wrong[:9]) or "all right")
""".replace("ROUNDS", str(ROUNDS))


class TestSeen(SeenStage, BindStage):
    blind = "which has no mirror()"

    def setUp(self):
        super().setUp()
        os.symlink(os.path.abspath(os.path.join(BUILD, "sdk")), self.path("sdk"))
        self.env["SEEN_MANY"] = str(PROCESSES * THREADS)

    def program(self, name):
        return os.path.join(HERE, "kinds", f"{name}_main.js")

    def test_what_a_mirror_gives_is_checked(self):
        self.serve(self.program("seen"))
        for count, told in ((-2, "mirror() gives 9 bytes, callers see 8"),
                            (-3, "mirror() gives Promise {")):
            done = self.rhodes("run", "-r", "caller", "--", PYTHON, "-c",
                               f"{LOOK}print(seen.seen_new({count}))")
            self.assertEqual(done.stdout, "None\n")
            self.assertIn(told, done.stderr)

    def test_another_object_in_the_place_of_one(self):
        self.turn("turn.js", """
const tally = (count) => ({ mirror: () => Int32Array.of(count, 2 * count), count });
exports.seen_new = tally;
exports.seen_turn = async ({ count }) => ({ tally: tally(count + 1) });
""")

    def test_the_compiler_asks_for_a_mirror(self):
        self.ok("interface", "bind", self.path("libseen.side"), "--language", "node", "-o",
                self.path("libseen.d.ts"))
        with open(self.path("libseen.d.ts"), encoding="utf-8") as file:
            declared = file.read()
        self.assertIn("import type { Callable, Handle, Mirrored } from 'rhodes';", declared)
        for line in ("seen_new(count: number): Mirrored | null | Promise<Mirrored | null>;",
                     "seen_add(tally: Mirrored | null, by: number): number | Promise<number>;"):
            self.assertIn(line, declared)

    def test_each_call_has_its_own_bytes(self):
        self.serve(self.program("seen"))
        callers = []
        for process in range(PROCESSES):
            words = (str(process * THREADS + thread) for thread in range(THREADS))
            # pylint: disable-next=consider-using-with
            caller = subprocess.Popen(
                [self.rhodes_path, "run", "-r", "caller", "--", PYTHON, "-c", PROGRAM, *words],
                text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.env)
            self.addCleanup(self.forget, caller)
            callers.append(caller)
        for caller in callers:
            self.assertEqual(caller.communicate(timeout=LIMIT)[0], "all right\n")


if __name__ == "__main__":
    unittest.main()
