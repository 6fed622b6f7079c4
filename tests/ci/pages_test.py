#!/usr/bin/python3
"""What the programs say of themselves, what their pages say, and what the shell
completes must be the same verbs, words and options.

The programs are asked (`rhodes help VERB`, `--help`); the pages are read as roff; the
completion is sourced by a real bash and asked as Tab would."""
import argparse
import os
import re
import shlex
import subprocess
import sys
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PAGES = os.path.join(ROOT, "docs", "man")
PROGRAMS = {"rhodes-center": "center", "rhodes-agent": "agent", "rhodes-worker": "worker"}
COMMON = {"-S, --system NAME", "-h, --help"}
ASK = """
source <(rhodes completion bash)
for verb in %s; do
    COMP_WORDS=(rhodes "$verb" -) COMP_CWORD=2 COMPREPLY=()
    _rhodes
    echo "$verb" "${COMPREPLY[@]}"
done
COMP_WORDS=(rhodes "") COMP_CWORD=1 COMPREPLY=()
_rhodes
echo "${COMPREPLY[@]}"
"""
BUILD = "build"


def said(*words, folder="cli"):
    """What a program prints."""
    path = os.path.join(BUILD, folder, words[0])
    return subprocess.run([path, *words[1:]], capture_output=True, text=True, check=True,
                          timeout=60).stdout


def plain(text):
    """Roff without fonts and escaped hyphens."""
    return re.sub(r"\\f.|\\&", "", text).replace("\\-", "-")


def request(line):
    """The text of a line, which may be a font request with its arguments joined."""
    if not line.startswith("."):
        return plain(line)
    name, _, rest = line.partition(" ")
    words = shlex.split(rest.replace("\\", "\\\\"), posix=True)
    return plain(("" if len(name) == 3 else " ").join(words))


def page(name):
    with open(os.path.join(PAGES, name), encoding="utf-8") as file:
        return file.read()


def tags(text):
    """The options that a section describes: the line after each .TP."""
    lines = text.splitlines()
    found = [request(lines[i + 1]) for i, line in enumerate(lines) if line == ".TP"]
    return {tag.strip() for tag in found if tag.startswith("-")}


def sections(text):
    """{first line: body} of every .SS that is a verb."""
    parts = re.split(r"^\.S[SH] (.*)$", text, flags=re.M)
    return {plain(parts[i]): parts[i + 1] for i in range(1, len(parts), 2)
            if parts[i].startswith("rhodes ")}


def shown_options(text):
    """The left column of the options in a help text."""
    return {" ".join(match.group(1).split()) for match in
            re.finditer(r"^  +(-.*?)(?:  .*)?$", text, flags=re.M)}


class Pages(unittest.TestCase):
    def setUp(self):
        self.verbs = [line.split()[0] for line in said("rhodes", "help").splitlines()
                      if line.startswith("  ")]
        self.assertGreater(len(self.verbs), 10)

    def test_every_verb_stands_in_the_page_as_it_is_used(self):
        headings = sections(page("rhodes.1"))
        usages = [said("rhodes", "help", verb).splitlines()[0] for verb in self.verbs]
        self.assertEqual(set(headings), {usage.replace("usage: ", "").replace(
            " [OPTIONS]", "") for usage in usages})

    def test_every_option_stands_in_the_page_and_no_other(self):
        bodies = {heading.split()[1]: body for heading, body in
                  sections(page("rhodes.1")).items()}
        for verb in self.verbs:
            with self.subTest(verb):
                shown = shown_options(said("rhodes", "help", verb))
                self.assertEqual(tags(bodies[verb]), shown - COMMON)
        self.assertEqual(tags(page("rhodes.1").split(".SS Options of every verb")[1]
                              .split("\n.SH")[0]), COMMON)

    def test_the_completion_knows_the_same(self):
        env = {**os.environ, "PATH": os.path.join(BUILD, "cli") + ":" + os.environ["PATH"]}
        done = subprocess.run(["bash", "--norc", "-c", ASK % " ".join(self.verbs)],
                              capture_output=True, text=True, check=True, env=env,
                              timeout=60)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[-1].split(), self.verbs, done.stderr)
        for verb, line in zip(self.verbs, lines):
            with self.subTest(verb):
                shown = shown_options(said("rhodes", "help", verb))
                words = {word for option in shown
                         for word in re.findall(r"(?<!\S)-[-a-zA-Z0-9]+", option)}
                self.assertEqual(set(line.split()[1:]), words)

    def test_the_other_programs(self):
        programs = dict(PROGRAMS)
        if os.path.exists(os.path.join(BUILD, "rules", "ebpf", "rhodes-bpf")):
            programs["rhodes-bpf"] = os.path.join("rules", "ebpf")  # not without libbpf
        for program, folder in programs.items():
            with self.subTest(program):
                shown = shown_options(said(program, "--help", folder=folder))
                self.assertEqual(tags(page(program + ".8").split(".SH OPTIONS")[1]
                                      .split("\n.SH")[0]), shown)
                self.assertTrue(said(program, "--version", folder=folder)
                                .startswith(program + " "))

    def test_the_interface_generator(self):
        usage = said("rhodes-interface", "--help", folder="interface").split("\n\n")[0]
        synopsis = page("rhodes-interface.1").split(".SH SYNOPSIS")[1].split(".SH")[0]
        options = re.compile(r"(?<![\w-])--?[A-Za-z][a-z]*")
        self.assertEqual(sorted(options.findall(usage)),
                         sorted(options.findall(plain(synopsis))))

    def test_every_function_of_the_library(self):
        with open(os.path.join(ROOT, "sdk", "c", "rhodes.map"), encoding="utf-8") as file:
            functions = set(re.findall(r"\b(rh_\w+);", file.read()))
        text = plain(page("rhodes.3"))
        self.assertEqual(set(re.findall(r"\b(rh_\w+)\(", text)), functions)
        with open(os.path.join(ROOT, "docs", "meson.build"), encoding="utf-8") as file:
            listed = file.read().split("foreach name : [")[1].split("]")[0]
        self.assertEqual({"rh_" + name for name in re.findall(r"'(\w+)'", listed)},
                         functions)

    def test_every_page_is_installed(self):
        with open(os.path.join(ROOT, "docs", "meson.build"), encoding="utf-8") as file:
            self.assertEqual(sorted(re.findall(r"'man/([^']+)'", file.read())),
                             sorted(os.listdir(PAGES)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    known, rest = parser.parse_known_args()
    BUILD = known.build
    unittest.main(argv=[sys.argv[0], *rest])
