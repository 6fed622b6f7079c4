#!/usr/bin/python3
"""What must never slip in the sources, checked by reading them.

* Includes point one way between folders (STYLE.md, rule 2).
* No source file passes the hard stop of 800 lines.
* model/ includes nothing but freestanding headers and <string.h>.
* Scripts that are commands have their run bit; Python and shell sources parse.
"""
import ast
import os
import re
import subprocess
import sys

# A folder may include those named here, itself, and what they may include.
MAY_USE = {
    "model": [],
    "wire": ["model"],
    "base": ["wire"],
    "protocols": ["base"],
    "rules": ["base"],
    "interface": ["base"],
    "sdk": ["base", "protocols", "rules", "interface"],
    "worker": ["sdk"],
    "agent": ["base", "protocols", "rules", "interface"],
    "center": ["base", "protocols", "rules", "interface"],
    "cli": ["agent", "center", "sdk", "interceptors"],
    "interceptors": ["agent", "center", "sdk"],
}
FREESTANDING = {"float.h", "iso646.h", "limits.h", "stdalign.h", "stdarg.h", "stdatomic.h",
                "stdbool.h", "stddef.h", "stdint.h", "stdnoreturn.h", "string.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
LINES_MAX = 800
COMMANDS = ["run", "test", "bench", ".ci/run"]


def allowed(folder):
    seen, todo = {folder}, [folder]
    while todo:
        for below in MAY_USE[todo.pop()]:
            if below not in seen:
                seen.add(below)
                todo.append(below)
    return seen


def check_includes(path, number, kind, name):
    folder = path.split("/", 1)[0]
    if folder not in MAY_USE:
        return
    if kind == '"':
        target = os.path.normpath(os.path.join(os.path.dirname(path), name))
        if not os.path.exists(target):
            target = name  # found through the root include folder, or generated
        used = target.split("/", 1)[0]
        if used in MAY_USE and used not in allowed(folder):
            yield f"{path}:{number}: {folder}/ may not include from {used}/"
    elif folder == "model" and name not in FREESTANDING:
        yield f"{path}:{number}: model/ is freestanding, <{name}> is not"


def check_c(path, text):
    lines = text.splitlines()
    if len(lines) > LINES_MAX:
        yield f"{path}: {len(lines)} lines, the hard stop is {LINES_MAX}"
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if found:
            yield from check_includes(path, number, *found.groups())


def check_python(path, text):
    try:
        ast.parse(text, path)
    except SyntaxError as error:
        yield f"{path}:{error.lineno}: {error.msg}"


def check_shell(path):
    done = subprocess.run(["bash", "-n", path], capture_output=True, text=True, check=False)
    if done.returncode:
        yield done.stderr.strip()


def check(path):
    if path in COMMANDS and not os.access(path, os.X_OK):
        yield f"{path}: no run bit"
    with open(path, "rb") as file:
        data = file.read()
    if re.search(rb"^(<{7}|>{7}) ", data, re.M):
        yield f"{path}: two versions that were to be merged stand side by side"
    if path.endswith((".c", ".h")):
        yield from check_c(path, data.decode())
    elif path.endswith(".py"):
        yield from check_python(path, data.decode())
    elif path.endswith(".sh") or data.startswith(b"#!/usr/bin/env bash"):
        yield from check_shell(path)


def sources():
    """What git knows; in an unpacked archive, all files but those of builds."""
    try:
        names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                                "--exclude-standard"], capture_output=True, check=True)
        return [name for name in names.stdout.decode().split("\0") if os.path.isfile(name)]
    except (FileNotFoundError, subprocess.CalledProcessError):
        return [os.path.relpath(os.path.join(above, name)) for above, folders, files in
                os.walk(".") for name in files
                if not re.match(r"\./(build|\.git|.*__pycache__)", above)]


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    paths = sources()
    findings = [finding for path in sorted(paths) for finding in check(path)]
    print("\n".join(findings))
    print(f"{len(paths)} files read, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
