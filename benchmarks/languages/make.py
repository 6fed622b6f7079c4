#!/usr/bin/python3
"""Builds programs that call textstat in C++, Rust or Go: writes the binding of the interface and
compiles each SOURCE with it into DIR/<name>; a source in Go is a folder.

  make.py cpp|rust|go --build BUILD --library LIBTEXTSTAT --out DIR --stamp FILE SOURCE...
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLE = os.path.join(TOP, "examples", "languages")
BINDINGS = {"cpp": "textstat.hpp", "rust": "textstat.rs", "go": "textstat/textstat.go"}
GO_MODULE = "module example\n\ngo 1.19\n\nrequire rhodes v0.0.0\n\nreplace rhodes => {0}\n"


def run(*words, folder=None, **env):
    done = subprocess.run(words, text=True, capture_output=True, check=False, cwd=folder,
                          env={**os.environ, **env})
    if done.returncode:
        sys.exit(f"{' '.join(words)}: {done.stdout}{done.stderr}")


def debian(program):
    """Debian's own toolchain, where there are two."""
    path = "/usr/bin/" + program
    return path if os.path.exists(path) else program


def bind(args, work):
    """The binding, beside the programs that use it."""
    with open(os.path.join(EXAMPLE, "libtextstat.side"), encoding="utf-8") as file:
        side = re.sub(r"(?m)^library .*$", f"library {args.library}", file.read())
    with open(os.path.join(work, "libtextstat.side"), "w", encoding="utf-8") as file:
        file.write(side)
    shutil.copy(os.path.join(EXAMPLE, "textstat.h"), work)
    target = os.path.join(work, BINDINGS[args.language])
    os.makedirs(os.path.dirname(target), exist_ok=True)
    run(os.path.join(args.build, "interface", "rhodes-interface"), "bind",
        os.path.join(work, "libtextstat.side"), "--language", args.language, "-o", target)


def make_cpp(args, work, source, program):
    run(debian("g++"), "-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-I", work, "-I",
        os.path.join(TOP, "sdk", "cpp"), "-I", os.path.join(TOP, "sdk", "c"), source,
        "-L", args.sdk, "-lrhodes", "-o", program)


def make_rust(args, work, source, program):
    crate = os.path.join(work, "librhodes.rlib")
    if not os.path.exists(crate):
        run(debian("rustc"), "--edition", "2021", "-O", "--crate-type", "rlib",
            "--crate-name", "rhodes", "-L", "native=" + args.sdk,
            os.path.join(TOP, "sdk", "rust", "src", "lib.rs"), "-o", crate)
    copy = shutil.copy(source, work)  # beside the binding, which is a module of it
    run(debian("rustc"), "--edition", "2021", "-O", "-D", "warnings", "-L",
        "native=" + args.sdk, "--extern", "rhodes=" + crate, copy, "-o", program)


def make_go(args, work, source, program):
    with open(os.path.join(work, "go.mod"), "w", encoding="utf-8") as file:
        file.write(GO_MODULE.format(os.path.join(TOP, "sdk", "go")))
    name = os.path.basename(source)
    shutil.copytree(source, os.path.join(work, name), dirs_exist_ok=True)
    run(debian("go"), "build", "-o", program, "./" + name, folder=work,
        PKG_CONFIG_PATH=os.path.join(args.build, "meson-uninstalled"), GOFLAGS="-mod=mod",
        GOCACHE=os.path.join(args.build, "go-cache"), GOPATH=os.path.join(work, "gopath"),
        GOPROXY="off", GONOSUMDB="*", CGO_ENABLED="1")


MAKERS = {"cpp": make_cpp, "rust": make_rust, "go": make_go}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("language", choices=MAKERS)
    for name in ("build", "library", "out", "stamp"):
        parser.add_argument("--" + name, required=True, type=os.path.abspath)
    parser.add_argument("source", nargs="+", type=os.path.abspath)
    args = parser.parse_args()
    args.sdk = os.path.join(args.build, "sdk", "c")
    work = args.stamp + ".d"
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    bind(args, work)
    for source in args.source:
        name = os.path.splitext(os.path.basename(source))[0]
        MAKERS[args.language](args, work, source, os.path.join(args.out, name))
    with open(args.stamp, "w", encoding="utf-8"):
        pass


if __name__ == "__main__":
    main()
