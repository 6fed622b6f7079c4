#!/usr/bin/python3
"""What every language's runtime stands on, rhodes-language.h: names, calls, exceptions and
objects, from process to process, over the agents and under bind."""
import os
import unittest

from cli_stage import BUILD
from language_stage import LanguageStage

PEER = os.path.abspath(os.path.join(BUILD, "tests", "system", "language_peer"))
PARSE = """
import ctypes, os
library = ctypes.CDLL("libtextstat.so.1", use_errno=True)
library.ts_parse.restype = ctypes.c_int64
print(library.ts_parse(b"4x"), os.strerror(ctypes.get_errno()))
"""
RULE = """---
kind: Rule
metadata: {name: way}
spec: {protocol: {edge: ["*", "*"], use: %s}}
"""
NO_FILE = 127  # as the shell
ENOSYS, ERAISED, ENOEDGE, EINTERFACE = -38, -1019, -1004, -1012


class Core(LanguageStage):
    def ask(self, text, name="text_peer"):
        return self.run_as("peer", PEER, "call", name, data=text).splitlines()

    def check_exceptions(self):
        said = self.ask("ts_parse 4x\nts_parse none\nts_parse long\nts_parse code\n"
                        "ts_upper now it works\n")
        self.assertEqual(said[0], f"{ERAISED} text_peer raised ParseError: no number: 4x")
        self.assertEqual(said[1], "c|ParseError|no number: 4x|16")
        self.assertEqual(said[3], "c|||0")
        name, kind, message, length = said[5].split("|")
        self.assertEqual((name, kind, message), ("c", "ParseError", "no number: long"))
        # Cut to the limit, at a whole character.
        room = 65536 - 4 - len(name + kind + message)
        self.assertEqual(int(length), room - room % 2)
        self.assertEqual(said[6].split()[0], str(ENOSYS))
        self.assertEqual(said[7:], ["-", "0 NOW IT WORKS"])

    def test_an_exception_comes_over_the_agents(self):
        for way in ("msgqueue", "shm", "semaphore"):
            with self.subTest(way):
                self.start("peer", more=RULE % way)
                with self.serving("peer", PEER, "serve"):
                    self.check_exceptions()
                self.ok("down")

    def test_an_exception_comes_under_bind(self):
        self.start("peer", more=RULE % "bind")
        with self.serving("peer", PEER, "serve"):
            self.check_exceptions()

    def test_a_program_in_c_sees_what_its_side_file_says(self):
        self.start("peer")
        with self.serving("peer", PEER, "serve"):
            said = self.run_as("peer", "/usr/bin/python3", "-c", PARSE)
        self.assertEqual(said, "-1 Invalid argument\n")
        self.assertEqual(self.complaints, "rhodes: ts_parse of libtextstat failed: text_peer"
                         " raised ParseError: no number: 4x\n")

    def test_names(self):
        self.start("peer")
        with self.serving("peer", PEER, "serve"):
            for name in ("text_peer", "textpeer", "libtextstat", "textstat", "text_stat"):
                with self.subTest(name):
                    self.assertEqual(self.ask("ts_upper a\n", name), ["0 A"])
            said = self.run_as("peer", PEER, "call", "nobody", code=1)
            self.assertEqual(said, f"{ENOEDGE} no reference of this resource is called nobody;"
                             " there is text_peer\n")

    def test_an_interface_that_differs_is_shown(self):
        self.start("peer")
        with self.serving("peer", PEER, "serve"):
            said = self.ask("match ts_add, i32|x, i32|y, i32\nmatch ts_add, i64|a, i32|b, i32\n"
                            "match ts_none, void\n")
        self.assertEqual(said, ["0", ".", str(EINTERFACE), "- ts_add, i64|a, i32|b, i32",
                                "+ ts_add, i32|a, i32|b, i32", ".", str(EINTERFACE),
                                "- ts_none, void", "."])

    def test_objects_of_a_caller_that_ends_are_destroyed(self):
        self.start("peer")
        lines = []
        with self.serving("peer", PEER, "serve", lines=lines):
            self.assertEqual(self.ask("open one\nopen two\n"), ["0 one", "0 two"])
        self.assertEqual([line for line in lines if line.startswith("closed")],
                         ["closed one\n", "closed two\n"])

    def test_who_serves_nothing_is_told(self):
        self.start("c")
        done = self.rhodes("run", "texts_c", "--", PEER, "serve")
        self.assertIn("texts_c has no interface", done.stderr)
        done = self.rhodes("serve", "-r", "texts_c", PEER, "serve")
        self.assertIn("texts_c offers no interface", done.stderr)

    def test_a_file_that_serves_is_named(self):
        self.start("c")
        self.assertIn("needs -r", self.refused(2, "serve", "text_c", "x.py"))
        self.assertIn("cannot be read", self.refused(
            NO_FILE, "serve", "-1", "-r", "text_c", self.path("none.py")))
        # Nobody starts again and again what is not there.
        for name in self.path("none.py"), self.path("none"), "rhodes-no-such-program":
            self.assertIn(name, self.refused(NO_FILE, "serve", "-r", "text_c", name))

    def test_one_in_the_manifest_is_started(self):
        self.start("c", more=f"""---
kind: Resource
metadata: {{name: text_peer}}
spec: {{type: service, interface: libtextstat, serve: {{program: [{PEER}, serve]}}}}
---
kind: Resource
metadata: {{name: texts_peer}}
spec: {{type: application, reference: [text_peer]}}
""")
        self.assertEqual(self.ask("ts_upper a\n"), ["0 A"])


if __name__ == "__main__":
    unittest.main()
