"""Step 1: a risky parser in its own process.  Debian's file, and three other programs,
call Debian's libmagic.
"""
import contextlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import tree
from stage import HERE, PYTHON, is_running, run
from system import System

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
        self.plain = []

    def play(self, cwd, system=None):
        prefix = system.prefix(self.resource) if system else []
        env = {**system.env, "LC_ALL": self.env["LC_ALL"]} if system else self.env
        return [run([*prefix, *command], data, cwd=cwd, env=env)
                for command, data in self.runs]

    def difference(self, results):
        """None when byte for byte what it is without Rhodes."""
        for mine, theirs in zip(self.plain, results, strict=True):
            difference = mine.difference(theirs)
            if difference:
                return difference
        return None

    def pids(self, results):
        return f"{self.what} " + " ".join(str(result.pid) for result in results)


def cases(stage, made):
    names, root = made.entries, made.root
    absolute = [os.path.join(root, name) for name in names]
    sample = end_with_nul(made.sample(stage.options.sample))
    python = os.path.join(HERE, "magic_python.py")
    return [
        Case("file, relative paths", argv_runs([], names)),
        Case("file, absolute paths, C locale", argv_runs([], absolute), locale="C"),
        Case("file -i", argv_runs(["-i"], names)),
        Case("file -z", argv_runs(["-z"], names)),
        Case("file -f -", list_run([], names)),
        Case("file - <each", stdin_run(made.sample(stage.options.sample))),
    ], [
        Case("file", argv_runs([], names)),
        Case("C program linked with libmagic", [([stage.program("magic_linked")], sample)],
             "programs"),
        Case("C program with dlopen", [([stage.program("magic_dlopen")], sample)],
             "programs"),
        Case("Python with python3-magic", [([PYTHON, python], sample)]),
    ]


def make_tree(stage):
    folder = os.path.join(stage.folder, "tree")
    stage.callback(tree.remove, folder)
    made = tree.Tree(folder, stage.options.seed, stage.options.entries)
    stage.report.note(f"{len(made.entries)} entries: {made.libraries} files of the system's "
                      f"library folders, {len(made.special)} strange ones, the rest made "
                      f"from seed {stage.options.seed}")
    return made


def plain(stage, made, every):
    for case in every:
        case.plain = case.play(made.root)
        codes = {result.code for result in case.plain}
        stage.report.check(f"without Rhodes: {case.what}", codes <= {0, 1})


def governed(stage, made, system, alone):
    for case in alone:
        difference = case.difference(case.play(made.root, system))
        stage.report.check(f"under Rhodes, byte for byte the same: {case.what}",
                           difference is None, difference or "")


def at_once(stage, made, system, together):
    with ThreadPoolExecutor(len(together)) as pool:
        every = list(pool.map(lambda case: case.play(made.root, system), together))
    for case, results in zip(together, every):
        difference = case.difference(results)
        stage.report.check(f"four callers at once, byte for byte the same: {case.what}",
                           difference is None, difference or "")
    stage.report.note("pids: " + "; ".join(map(Case.pids, together, every)) + "; " +
                      system.path("magic")[6:])


class Killer:
    """Kills instances of the service at seeded random moments of a run."""

    def __init__(self, stage, system, seconds):
        self.stage, self.system = stage, system
        self.moments = sorted(stage.random.uniform(0, seconds)
                              for _ in range(stage.options.kills))
        self.killed = []

    def __call__(self, pid):
        started = time.monotonic()
        for moment in self.moments:
            time.sleep(max(0, started + moment - time.monotonic()))
            if not is_running(pid):
                return
            victims = self.system.instances("magic")
            if victims:
                victim = self.stage.random.choice(victims)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                    self.killed.append(victim)


def crossed(stage, made, system):
    """A program that nobody governs prints the same, too: what the agents counted says that
    the calls left it.  Four ways to ask take every entry; the names that `-f -` leaves
    out are among those of the sample that `<each` asks for."""
    wanted = 5 * len(made.entries)
    edge = system.edge("file", "magic", calls=wanted)
    stage.report.check("the calls were made in the other process: the agents counted them",
                       edge["observed"] >= wanted,
                       f"file -> magic: {edge['observed']} calls by {edge['protocol']}")


def killed(stage, made, system, seconds):
    """One long run of `file`, and the service killed again and again meanwhile."""
    case = Case("file -f -", list_run([], made.entries))
    case.plain = case.play(made.root)
    killer = Killer(stage, system, seconds)
    command, data = case.runs[0]
    result = run([*system.prefix("file"), *command], data, cwd=made.root,
                 env={**system.env, "LC_ALL": "C.UTF-8"}, watch=killer)
    difference = case.difference([result])
    stage.report.check(
        f"kill -9 of the service {len(killer.killed)} times in the middle of a run: the "
        "output is right all the same", difference is None and killer.killed,
        difference or "killed: " + " ".join(map(str, killer.killed)))


def killed_once(stage, system):
    """A call that must not run twice (`file -C` writes a file), and the service killed in
    the middle of it: an error as file reports one.  Afterwards it works again."""
    folder = os.path.join(stage.folder, "compile")
    os.mkdir(folder)
    rules = os.path.join(folder, "rules")
    command = [FILE, "-C", "-m", "rules"]

    def kill(pid):
        """Who reads the rules is in the middle of the call, until somebody writes them."""
        while is_running(pid):
            with contextlib.suppress(OSError):
                writer = os.open(rules, os.O_WRONLY | os.O_NONBLOCK)
                break
            time.sleep(0.001)  # nobody is told that a fifo is read
        else:
            return
        for victim in system.instances("magic"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        os.close(writer)

    os.mkfifo(rules)
    cut = run([*system.prefix("file"), *command], cwd=folder, env=system.env, watch=kill)
    stage.report.check("kill -9 in the middle of a call that must not run twice: an error in "
                       "the program's own terms, no crash and no wrong answer",
                       cut.code == 1 and b"lost" in cut.stderr,
                       f"exit code {cut.code}: {cut.stderr.decode(errors='replace')[-400:]}")
    os.unlink(rules)
    with open(rules, "w", encoding="ascii") as file:
        file.writelines(f"0\tstring\trhodes{n:06d}\tkind {n}\n" for n in range(60_000))
    mine = run(command, cwd=folder)
    compiled = read(folder, "rules.mgc")
    os.unlink(os.path.join(folder, "rules.mgc"))
    again = run([*system.prefix("file"), *command], cwd=folder, env=system.env)
    stage.report.check("the same call afterwards writes the same file as without Rhodes",
                       not mine.difference(again) and
                       read(folder, "rules.mgc") == compiled,
                       mine.difference(again) or "")


def read(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def step(stage):
    report = stage.report
    report.step("parser", "a risky parser in its own process")
    made = make_tree(stage)
    report.begin()
    alone, together = cases(stage, made)
    plain(stage, made, alone + together)
    if stage.options.plain:
        return
    system = System(stage)
    report.check("the system is up", True, system.path("file", "magic"))
    governed(stage, made, system, alone)
    crossed(stage, made, system)
    at_once(stage, made, system, together)
    started = time.monotonic()
    list_case = alone[4]
    list_case.play(made.root, system)
    killed(stage, made, system, time.monotonic() - started)
    killed_once(stage, system)
