#!/usr/bin/python3
"""Everybody calls everybody: each caller of this folder against each server, in a system
of its own.  Prints what a call of ts_add takes (median, ns), and the checks that failed.

  examples/languages/matrix.py [--build DIR] [--only LANGUAGE,...] [--json]

Languages whose programs were not built (no toolchain) are left out, and named.  The exit
status is 1 when a check failed.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 120  # seconds that no program here takes
PYTHON = "/usr/bin/python3"

# Server and caller of each language; {build} is examples/languages of the build.
PROGRAMS = {
    "c": (None, ["{build}/c/caller"]),
    "cpp": (["{build}/cpp/server"], ["{build}/cpp/caller"]),
    "rust": (["{build}/rust/server"], ["{build}/rust/caller"]),
    "go": (["{build}/go/server"], ["{build}/go/caller"]),
    "java": (["{build}/java/server.jar"], ["java", "-jar", "{build}/java/caller.jar"]),
    "python": (["{here}/python/textstat.py"], [PYTHON, "{here}/python/caller.py"]),
    "node": (["{here}/node/textstat.js"], ["node", "{here}/node/caller.js"]),
}

# What else must be there.
NEEDS = {"node": ["{build}/../../sdk/node/rhodes.node"]}


class System:
    """`rhodes up` of system.yaml, in folders of its own."""

    def __init__(self, build, stack):
        self.build = os.path.abspath(build)
        self.rhodes_path = os.path.join(self.build, "cli", "rhodes")
        self.folder = tempfile.mkdtemp(prefix="rh-")  # paths of sockets are short
        stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.env = {**os.environ, "RHODES_RUN_DIR": os.path.join(self.folder, "run"),
                    "RHODES_STATE_DIR": os.path.join(self.folder, "state"),
                    "RHODES_SYSTEM": "languages"}
        shutil.copy(os.path.join(HERE, "textstat.h"), self.folder)
        for name in ("libtextstat.side", "system.yaml"):
            with open(os.path.join(HERE, name), encoding="utf-8") as source, \
                    open(os.path.join(self.folder, name), "w", encoding="utf-8") as target:
                target.write(source.read().replace("../../build", self.build))
        stack.callback(self.rhodes, "down")
        done = self.rhodes("up", "--detach", os.path.join(self.folder, "system.yaml"))
        if done.returncode:
            sys.exit(done.stderr)

    def rhodes(self, *words):
        return subprocess.run([self.rhodes_path, *words], text=True, capture_output=True,
                              env=self.env, check=False, timeout=LIMIT)

    def words(self, command):
        return [word.format(build=os.path.join(self.build, "examples", "languages"),
                            here=HERE) for word in command]

    def is_built(self, name):
        """Whether the language's programs and what runs them are there."""
        words = [word for command in [*PROGRAMS[name], NEEDS.get(name)] if command for word in
                 self.words(command)]
        return all(shutil.which(word) or os.path.exists(word) for word in words
                   if not word.startswith("-"))

    @contextlib.contextmanager
    def serving(self, name):
        """The server of that language, once it serves; C's is there from the beginning."""
        command = PROGRAMS[name][0]
        if not command:
            yield
            return
        log = os.path.join(self.folder, name + ".log")
        with open(log, "w", encoding="utf-8") as file, subprocess.Popen(
                [self.rhodes_path, "serve", "--one", "-r", "text_" + name, "--",
                 *self.words(command)], env=self.env, stdout=file, stderr=file) as process:
            try:
                yield
            finally:
                process.terminate()

    def call(self, caller, server):
        """The nanoseconds of a call, or what went wrong."""
        done = self.rhodes("run", "texts_" + server, "--",
                           *self.words(PROGRAMS[caller][1]), "text_" + server)
        found = re.search(r"^ok \d+ checks, p50 (\d+) ns", done.stdout, re.M)
        if done.returncode == 0 and found:
            return int(found[1])
        return (done.stdout + done.stderr).strip() or f"exit {done.returncode}"


def table(names, cells):
    width = max(map(len, names)) + 2
    lines = ["caller".ljust(width) + "".join(name.rjust(width) for name in names)]
    for caller in names:
        row = [cells[caller, server] for server in names]
        lines.append(caller.ljust(width) + "".join(
            (str(cell) if isinstance(cell, int) else "FAILED").rjust(width) for cell in row))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build"))
    parser.add_argument("--only", help="of these languages, with commas between")
    parser.add_argument("--json", action="store_true", help="the cells as JSON, no table")
    args = parser.parse_args()
    names, cells = [], {}
    with contextlib.ExitStack() as stack:
        system = System(args.build, stack)
        for name in args.only.split(",") if args.only else PROGRAMS:
            if system.is_built(name):
                names.append(name)
            else:
                print(f"left out: {name}, whose programs were not built (no toolchain)",
                      file=sys.stderr)
        for server in names:
            with system.serving(server):
                for caller in names:
                    cells[caller, server] = system.call(caller, server)
    if args.json:
        print(json.dumps([{"caller": caller, "server": server, "ns": cell}
                          for (caller, server), cell in cells.items()]))
    else:
        print("ns a call (median), caller by row, server by column\n" + table(names, cells))
    wrong = [(pair, cell) for pair, cell in cells.items() if not isinstance(cell, int)]
    for (caller, server), cell in wrong:
        print(f"{caller} calls {server}: {cell}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
