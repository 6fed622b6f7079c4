#!/usr/bin/python3
"""Services that a file of Go, Rust, TypeScript or Java declares, in a whole system: `rhodes
interface new FILE`, `rhodes up`, a server in that language, and callers in C and Python."""
import os
import shutil
import unittest

from bind_stage import BUILD, HERE, SDK, TOP, BindStage, need

SOURCES = os.path.join(HERE, "declared")
# What all of them offer, as their languages write it.
PYTHON = """
import quotes
print(quotes.{price}(3, 2.5, "pears"))
moved = quotes.{moved}((1.5, 2.0), 1.0)
print(moved.{x}, moved.{y})
with quotes.{open}("noted") as session:
    print(quotes.{ask}(session, "one"), quotes.{ask}(session, "two"))
"""
ANSWERS = "7.5\n2.5 1.0\nnoted 1: one noted 2: two\n"
MORE = """print(quotes.{digest}(b"abc", 1), quotes.{digest}(b"", 7))
try:
    quotes.{price}(1, 1.0, "")
except Exception as error:
    print(type(error).__name__, error.message)
"""
MORE_ANSWERS = "b'bcd' b''\nRhodesRaisedError nothing has no price\n"
SEVERAL = "print(quotes.{several}(3))\n"
C = """
#include "quotes.h"
#include <stdio.h>

int main(void)
{
	struct Point to = %(moved)s((struct Point){ 1.5, 2.0 }, 1.0);
	void        *session;

	printf("%%.1f\\n%%.1f %%.1f\\n", %(price)s(3, 2.5, "pears"), to.%(x)s, to.%(y)s);
	session = (void *)%(open)s("noted");
	printf("%%s ", %(ask)s(session, "one"));
	printf("%%s\\n", %(ask)s(session, "two"));
	%(close)s(session);
	return 0;
}
"""
LOWER = {"price": "price", "moved": "moved", "open": "openSession", "ask": "askSession",
         "close": "closeSession", "digest": "digest", "several": "several", "x": "x", "y": "y"}
UPPER = {key: word[0].upper() + word[1:] for key, word in LOWER.items()}
SNAKE = {**LOWER, "open": "session_open", "ask": "session_ask", "close": "session_close"}


class Declared(BindStage):
    def setUp(self):
        super().setUp()
        # Where `rhodes` looks for what languages need: beside bin/, as in a build tree.
        os.symlink(os.path.abspath(os.path.join(BUILD, "sdk")), self.path("sdk"))

    def declare(self, file, serve=None):
        """The system of the manifest that `rhodes interface new` proposes for the file."""
        self.ok("interface", "new", file, "-d", self.folder)
        with open(self.path("quotes.yaml"), encoding="utf-8") as manifest:
            text = manifest.read()
        if serve:
            self.assertIn("  # serve: {program: [./PROGRAM]}\n", text)
            text = text.replace("  # serve: {program: [./PROGRAM]}\n", f"  serve: {serve}\n")
        self.up(self.path("quotes.yaml", text))

    def check(self, names, program, answers):
        """A program in Python that knows nothing, and one in C by header and shadow."""
        said = self.call("quotes_user", "/usr/bin/python3", "-c", program.format(**names))
        self.assertEqual(said, answers)
        self.path("caller.c", C % names)
        self.run_tool("cc", "-Wall", "-Werror", "-o", self.path("caller"), self.path("caller.c"),
                      "-L" + self.path("state/interface/quotes/lib"), "-lquotes",
                      "-Wl,-rpath-link," + SDK)
        self.assertEqual(self.call("quotes_user", self.path("caller")), ANSWERS)

    def test_typescript(self):
        if not os.path.exists(os.path.join(BUILD, "sdk/node/rhodes.node")):
            self.skipTest("node, or its headers, are not on this machine")
        need("node")
        shutil.copy(os.path.join(SOURCES, "quotes.js"), self.folder)
        self.declare(os.path.join(SOURCES, "quotes.d.ts"), "{program: [./quotes.js]}")
        self.check(LOWER, PYTHON + MORE + SEVERAL, ANSWERS + MORE_ANSWERS + "(1.5, 'xxx')\n")

    def test_java(self):
        need("javac")
        if not os.path.exists(os.path.join(BUILD, "sdk/java/rhodes.jar")):
            self.skipTest("this build has no SDK for Java")
        self.run_tool("javac", "-parameters", "-d", self.folder,
                      os.path.join(SOURCES, "Quotes.java"))
        self.declare(self.path("com/acme/Quotes.class"))
        self.check(LOWER, PYTHON + MORE, ANSWERS + MORE_ANSWERS)

    def test_rust(self):
        need("rustc")
        rustc = "/usr/bin/rustc" if os.path.exists("/usr/bin/rustc") else "rustc"
        source = os.path.join(SOURCES, "quotes.rs")
        self.run_tool(rustc, "-O", "--crate-type", "cdylib", "-o", self.path("libquotes.so"),
                      source)
        self.declare(source, "{library: ./libquotes.so}")
        more = ('print(quotes.digest(b"abc", 1), quotes.digest(b"", 7),'
                ' quotes.measure((1.0, 2.0), 4.0))\n')
        self.check(SNAKE, PYTHON + more, ANSWERS + "295 7 7.0\n")

    def test_go(self):
        need("go")
        module = os.path.join(TOP, "sdk", "go")
        self.env.update({
            "PKG_CONFIG_PATH": os.path.abspath(os.path.join(BUILD, "meson-uninstalled")),
            "GOFLAGS": "-mod=mod", "GOCACHE": os.path.abspath(os.path.join(BUILD, "go-cache")),
            "GOPATH": self.path("gopath"), "GOPROXY": "off", "CGO_ENABLED": "1"})
        for folder in "program", "program/quotes", "program/bound":
            os.mkdir(self.path(folder))
        self.path("program/go.mod", "module program\n\ngo 1.19\n\nrequire rhodes v0.0.0\n\n"
                  f"replace rhodes => {module}\n")
        source = shutil.copy(os.path.join(SOURCES, "quotes.go"), self.path("program/quotes"))
        shutil.copy(os.path.join(SOURCES, "quotes_main.go"), self.path("program"))
        self.ok("interface", "new", source, "-d", self.path("program/bound"))
        self.ok("interface", "bind", self.path("program/bound/quotes.side"), "--language", "go",
                "-o", self.path("program/bound/quotes.go"))
        self.run_tool("go", "build", "-o", self.path("server"), ".", cwd=self.path("program"))
        self.declare(source, "{program: [./server]}")
        several = SEVERAL.format(**UPPER)
        self.check({**UPPER, "x": "X", "y": "Y"}, PYTHON + MORE + several,
                   ANSWERS + MORE_ANSWERS + "(1.5, '000')\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
