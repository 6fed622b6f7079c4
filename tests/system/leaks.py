"""What a program in any language leaves behind of its calls: nothing.

The program reads a number of rounds a line.  A round is four calls: a number, a text that is
handed over, an object that is made and destroyed.  After them it prints how many objects live
in its callee.  RHODES_LEAK_CALLS says how many calls."""
import os
import subprocess

CALLS = int(os.environ.get("RHODES_LEAK_CALLS", "20000"))


def held(pid):
    """Descriptors, and mappings of pages, that a process has."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        pages = sum("memfd:" in line for line in maps)
    return len(os.listdir(f"/proc/{pid}/fd")), pages


def nothing_is_left(test, *words, env=None, slack=0):
    """words: the resource, "--" and the program.  slack: what its runtime may open meanwhile."""
    with subprocess.Popen([test.rhodes_path, "run", *words], env=env or test.env, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        def rounds(count):
            program.stdin.write(f"{count}\n")
            program.stdin.flush()
            test.assertEqual(program.stdout.readline(), "0\n", "objects in the callee")
            return held(program.pid)

        before = rounds(CALLS // 40)
        test.assertGreater(before[1], 0, "it has no page")
        after = rounds(CALLS // 4)
        program.stdin.close()
        test.assertEqual(program.wait(), 0)
    test.assertLessEqual(after[0], before[0] + slack, "descriptors")
    test.assertLessEqual(after[1], before[1], "pages")
