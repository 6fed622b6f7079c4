#!/usr/bin/python3
"""Programs that know nothing of Rhodes and are built so that they call resources: by what
`rhodes interface build` makes, and by an overlay of Go."""
import os
import re
import shutil
import subprocess
import unittest

from bind_stage import BUILD, EXAMPLE, HERE, LIMIT, OK, SDK, TOP, BindStage, need

PROGRAMS = os.path.join(HERE, "unmodified")
LINK = ["-L" + SDK, "-lrhodes"]


class Unmodified(BindStage):
    def setUp(self):
        super().setUp()
        self.lib = self.interface()
        self.own_folder = self.path("own")
        os.mkdir(self.own_folder)

    def own_library(self):
        """The real library, to be linked statically."""
        source = os.path.join(EXAMPLE, "c", "textstat.c")
        self.run_tool("cc", "-O2", "-c", source, "-o", self.path("own/textstat.o"))
        self.run_tool("ar", "rcs", self.path("own/libtextstat.a"), self.path("own/textstat.o"))
        return self.path("own/libtextstat.a")

    def wrapped(self):
        """The linker's words for a program with the real library in it."""
        return [self.own_library(), f"-Wl,@{self.lib}/libtextstat.wrap",
                f"{self.lib}/libtextstat-wrap.a", *LINK, "-lm"]

    def is_governed(self, program, wanted):
        """As the resource it prints that; without one it cannot."""
        self.assertEqual(self.call("texts_c", program), wanted)
        self.assertNotEqual(self.alone(program), wanted, "it did not call the resource")

    def alone(self, program):
        """What it prints when nobody made it a resource."""
        return subprocess.run([program], text=True, capture_output=True, check=False,
                              timeout=LIMIT, env={**self.env, "LD_LIBRARY_PATH":
                                                  f"{self.lib}:{SDK}"}).stdout


class UnmodifiedC(Unmodified):
    def test_a_static_program_by_wrap(self):
        self.run_tool("cc", "-O2", "-c", os.path.join(EXAMPLE, "c", "caller.c"), "-o",
                      self.path("caller.o"))
        self.run_tool("cc", self.path("caller.o"), *self.wrapped(), "-o", self.path("caller"))
        self.start()
        self.assertRegex(self.call("texts_c", self.path("caller")), OK)
        self.assertNotRegex(self.alone(self.path("caller")), OK)


class OtherInterface(BindStage):
    """Programs that were linked with tables of another day."""
    program = ("#include <errno.h>\n#include <stdio.h>\n"
               "long ts_gone(long);\nint ts_end(long);\n"
               "int main(void)\n{\n\tint end = ts_end(5l << 32 | 10);\n"
               "\tprintf(\"%d %d\\n\", end, errno);\n\treturn 0;\n}\n")

    def interface_of(self, change):
        """Shadow library and archives of a header that was changed; their folder."""
        os.mkdir(self.path("other"))
        with open(self.path("textstat.h"), encoding="utf-8") as file:
            self.path("other/textstat.h", change(file.read()))
        with open(self.side, encoding="utf-8") as file:
            side = file.read()
        with open(self.path("other/textstat.h"), encoding="utf-8") as file:
            header = file.read()
        lines = [re.sub("^library .*", "library none", line) for line in side.splitlines()
                 if not line.startswith("ts_") or f" {line.split()[0]}(" in
                 header.replace("*", " ")]
        self.path("other/libtextstat.side", "\n".join(lines) + "\n")
        self.run_tool(self.rhodes_path, "interface", "build", self.path("other/libtextstat.side"),
                      "-d", self.path("made"), env={"RHODES_SDK_DIR": ""})
        return self.path("made/lib")

    def run_with(self, lib):
        """What the program prints that has those tables in it."""
        self.run_tool("cc", "-x", "c", self.path("program.c", self.program), "-x", "none",
                      f"{lib}/libtextstat.a", *LINK, "-o", self.path("program"))
        self.start()
        return self.rhodes("run", "-r", "texts_c", "--", self.path("program"))

    def test_functions_that_differ_are_refused_and_shown(self):
        done = self.run_with(self.interface_of(
            lambda text: text.replace("int32_t ts_add(int32_t a,", "int32_t ts_add(int64_t a,")
            .replace("#endif", "long ts_gone(long number);\n#endif")))
        self.assertEqual(done.stdout, "-1 5\n", done.stderr)
        self.assertEqual(done.stderr, (
            "rhodes: ts_end of libtextstat failed: 2 functions of this program's libtextstat"
            " are not those that text_c offers: link or build it anew against today's"
            " interface\nrhodes: - what the program was built for, + what there is:\n"
            "- ts_add, i64|a, i32|b, i32\n+ ts_add, i32|a, i32|b, i32\n"
            "- ts_gone, i64|number, i64\n"))

    def test_less_than_there_is_will_do(self):
        done = self.run_with(self.interface_of(
            lambda text: text.replace("int64_t ts_drain(int fd);", "")))
        self.assertEqual((done.stdout, done.stderr), ("15 0\n", ""))


class UnmodifiedRust(Unmodified):
    wanted = "5 af63dc4c8601ec8c RUST\n"

    def setUp(self):
        self.rustc = need("rustc")
        super().setUp()
        if os.path.exists("/usr/bin/rustc"):
            self.rustc = "/usr/bin/rustc"

    def compile(self, name, *words):  # pylint: disable=arguments-differ
        self.run_tool(self.rustc, "-O", os.path.join(PROGRAMS, "program.rs"), *words, "-o",
                      self.path(name))
        return self.path(name)

    def test_extern_c_items(self):
        """By RUSTFLAGS, by the archive, and around a library that is linked statically."""
        words = ["-L", f"native={self.lib}", "-L", f"native={SDK}"]
        shared = self.compile("shared", *words, "-l", "dylib=textstat",
                              f"-Clink-arg=-Wl,-rpath-link,{SDK}")
        archive = self.compile("archive", *words, "-l", "static:+whole-archive=textstat", "-l",
                               "dylib=rhodes")
        wrapped = self.compile("wrapped", *[f"-Clink-arg={word}" for word in self.wrapped()])
        self.start()
        for program in shared, archive, wrapped:
            with self.subTest(program):
                self.is_governed(program, self.wanted)

    def test_a_crate_by_the_wrapper(self):
        cargo = need("cargo")
        os.makedirs(self.path("crate/src"))
        shutil.copy(os.path.join(PROGRAMS, "program.rs"), self.path("crate/src/main.rs"))
        self.path("crate/Cargo.toml", '[package]\nname = "program"\nversion = "0.1.0"\n'
                  'edition = "2021"\nbuild = "build.rs"\n')
        self.path("crate/build.rs", "fn main() {}\n")
        self.run_tool(cargo, "build", "--offline", cwd=self.path("crate"), env={
            "RUSTC": os.path.join(os.path.dirname(cargo), "rustc"),
            "RHODES_ARCHIVES": self.lib, "RHODES_LIB_DIR": SDK, "RUSTC_WORKSPACE_WRAPPER":
            os.path.join(TOP, "interceptors", "rust", "rhodes-rustc")})
        self.start()
        self.is_governed(self.path("crate/target/debug/program"), self.wanted)


class UnmodifiedGo(Unmodified):
    def setUp(self):
        need("go")
        super().setUp()
        build = os.path.abspath(BUILD)
        self.env.update({
            "PKG_CONFIG_PATH": os.path.join(build, "meson-uninstalled"), "GOPROXY": "off",
            "GOCACHE": os.path.join(build, "go-cache"), "GOPATH": self.path("gopath"),
            "CGO_ENABLED": "1", "CGO_CFLAGS": f"-O2 -I{EXAMPLE}"})

    def build(self, name, link):
        self.run_tool("go", "build", "-o", self.path(name), ".", env={
            "CGO_LDFLAGS": " ".join(link)}, cwd=self.path("cgo"))
        return self.path(name)

    def test_cgo(self):
        shutil.copytree(os.path.join(PROGRAMS, "cgo"), self.path("cgo"))
        shared = self.build("shared", [f"-L{self.lib}", "-ltextstat", *LINK])
        archive = self.build("archive", [f"{self.lib}/libtextstat.a", *LINK])
        wrapped = self.build("wrapped", self.wrapped())
        self.start()
        for program in shared, archive, wrapped:
            with self.subTest(program):
                self.is_governed(program, "5 af63dc4c8601ec8c A GO -1 true <nil>\n")

    def test_pure_go_by_an_overlay(self):
        program = self.path("pure")
        shutil.copytree(os.path.join(PROGRAMS, "pure"), program)
        before = self.run_tool("go", "run", ".", cwd=program)
        self.assertEqual(before, "5 CAFÉ -42 <nil> 3 [77 77 77] own\n")
        self.run_tool("go", "build", "-o", self.path("rhodes-overlay"), "./cmd/rhodes-overlay",
                      cwd=os.path.join(TOP, "sdk", "go"))
        self.run_tool(self.path("rhodes-overlay"), "-side", self.side, "-rhodes",
                      self.rhodes_path, "-o", self.path("overlay"), "./textstat", cwd=program)
        self.run_tool("go", "build", "-overlay", self.path("overlay/overlay.json"), "-o",
                      self.path("overlaid"), ".", cwd=program)
        self.start()
        self.assertEqual(self.call("texts_c", self.path("overlaid")),
                         "5 CAFé -42 <nil> 2 [0 1 0] own\n")


if __name__ == "__main__":
    unittest.main()
