"""Step 1: a risky parser in its own process.  Debian's file, and three other programs,
call Debian's libmagic.
"""
import os

import tree
from stage import HERE, PYTHON, run

FILE = "/usr/bin/file"
CHUNK = 1500  # names on one command line


def argv_runs(flags, names):
    """`file` with the names as arguments."""
    for at in range(0, len(names), CHUNK):
        yield [FILE, *flags, "--", *names[at:at + CHUNK]], b""


def list_run(flags, names):
    """`file -f -`: a name a line, so none with a line end in it."""
    lines = [name for name in names if b"\n" not in name]
    yield [FILE, *flags, "-f", "-"], b"\n".join(lines) + b"\n"


def stdin_run(names):
    """`file - <x` for each."""
    yield [PYTHON, os.path.join(HERE, "file_stdin.py")], end_with_nul(names)


def end_with_nul(names):
    return b"".join(name + b"\0" for name in names)


class Case:
    """One way to call the parser: some runs, the same with and without Rhodes."""

    def __init__(self, what, runs, resource="file", locale="C.UTF-8"):
        self.what, self.resource = what, resource
        self.runs = list(runs)
        self.env = {**os.environ, "LC_ALL": locale}

    def play(self, cwd, prefix=()):
        return [run([*prefix, *command], data, cwd=cwd, env=self.env)
                for command, data in self.runs]


def cases(stage, made):
    names, root = made.entries, made.root
    absolute = [os.path.join(root, name) for name in names]
    stdin = end_with_nul(names)
    return [
        Case("file, relative paths", argv_runs([], names)),
        Case("file, absolute paths, plain C locale", argv_runs([], absolute), locale="C"),
        Case("file -i", argv_runs(["-i"], names)),
        Case("file -z", argv_runs(["-z"], names)),
        Case("file -f -", list_run([], names)),
        Case("file - <each", stdin_run(names)),
    ], [
        Case("file", argv_runs([], names)),
        Case("C program linked with libmagic", [([stage.program("magic_linked")], stdin)],
             "magic_linked"),
        Case("C program with dlopen", [([stage.program("magic_dlopen")], stdin)],
             "magic_dlopen"),
        Case("Python with python3-magic",
             [([PYTHON, os.path.join(HERE, "magic_python.py")], stdin)]),
    ]


def make_tree(stage):
    folder = os.path.join(stage.folder, "tree")
    stage.callback(tree.remove, folder)
    made = tree.Tree(folder, stage.options.seed, stage.options.entries)
    stage.report.note(f"{len(made.entries)} entries: {made.libraries} files of the system's "
                      f"library folders, {len(made.special)} strange ones, the rest made "
                      f"from seed {stage.options.seed}")
    return made


def step(stage):
    report = stage.report
    report.step("parser", "a risky parser in its own process")
    made = make_tree(stage)
    report.begin()
    alone, together = cases(stage, made)
    for case in alone + together:
        case.plain = case.play(made.root)
        again = case.play(made.root) if case is alone[0] else case.plain
        codes = {result.code for result in case.plain}
        report.check(f"without Rhodes: {case.what}",
                     codes <= {0, 1} and not any(a.difference(b) for a, b in
                                                 zip(case.plain, again)))
