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


class Linked(BindStage):
    def own_library(self):
        """The real library, to be linked statically."""
        os.makedirs(self.path("own"), exist_ok=True)
        source = os.path.join(EXAMPLE, "c", "textstat.c")
        self.run_tool("cc", "-O2", "-c", source, "-o", self.path("own/textstat.o"))
        self.run_tool("ar", "rcs", self.path("own/libtextstat.a"), self.path("own/textstat.o"))
        return self.path("own/libtextstat.a")

    def wrapped(self, lib):
        """The linker's words for a program with the real library in it."""
        return [self.own_library(), f"-Wl,@{lib}/libtextstat.wrap",
                f"{lib}/libtextstat-wrap.a", *LINK, "-lm"]

    def go(self):
        """Has programs of Go built with C."""
        need("go")
        build = os.path.abspath(BUILD)
        self.env.update({
            "PKG_CONFIG_PATH": os.path.join(build, "meson-uninstalled"), "GOPROXY": "off",
            "GOCACHE": os.path.join(build, "go-cache"), "GOPATH": self.path("gopath"),
            "CGO_ENABLED": "1", "CGO_CFLAGS": f"-O2 -I{EXAMPLE}"})


class Unmodified(Linked):
    def setUp(self):
        super().setUp()
        self.lib = self.interface()

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
        self.run_tool("cc", self.path("caller.o"), *self.wrapped(self.lib), "-o", self.path("caller"))
        self.start()
        self.assertRegex(self.call("texts_c", self.path("caller")), OK)
        self.assertNotRegex(self.alone(self.path("caller")), OK)


C_PROGRAM = """
#include <errno.h>
#include <stdio.h>
long ts_gone(long);
int ts_end(long);
int main(void)
{
    int end = ts_end(5l << 32 | 10);
    printf("%d %d\\n", end, errno);
    return 0;
}
"""
RUST_PROGRAM = """
extern "C" { fn ts_end(span: i64) -> i32; }
fn main() {
    let end = unsafe { ts_end(5 << 32 | 10) };
    println!("{} {}", end, std::io::Error::last_os_error().raw_os_error().unwrap());
}
"""
GO_PROGRAM = """package main

// int ts_end(long);
import "C"
import ("fmt"; "syscall")

func main() {
    end, err := C.ts_end(5<<32 | 10)
    fmt.Println(end, int(err.(syscall.Errno)))
}
"""
REFUSED = """\
rhodes: ts_end of libtextstat failed: 2 functions of this program's libtextstat are not those that \
text_c offers: link or build it anew against today's interface
rhodes: - what the program was built for, + what there is:
- ts_add, i64|a, i32|b, i32
+ ts_add, i32|a, i32|b, i32
- ts_gone, i64|number, i64
"""


def change(text):
    """One function has other types, one is new."""
    return text.replace("int32_t ts_add(int32_t a,", "int32_t ts_add(int64_t a,").replace(
        "#endif", "long ts_gone(long number);\n#endif")


class OtherInterface(Linked):
    """Programs that were linked with tables of another day."""

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

    def c(self, *words):
        self.run_tool("cc", "-x", "c", self.path("program.c", C_PROGRAM), "-x", "none", *words,
                      "-o", self.path("program"))
        return self.path("program")

    def run_it(self, program):
        done = self.rhodes("run", "-r", "texts_c", "--", program)
        return done.stdout, done.stderr

    def run_with(self, lib):
        """What the program prints that has those tables in it."""
        self.start()
        return self.run_it(self.c(f"{lib}/libtextstat.a", *LINK))

    def refused_alone(self, program):
        """The same for one that nothing is loaded for."""
        self.assertNotIn("INTERP", self.run_tool("readelf", "-lW", program))
        self.assertEqual(self.run_it(program), ("-1 5\n", REFUSED))

    def changed_archive(self):
        if not os.path.exists(os.path.join(SDK, "librhodes.a")):
            self.skipTest("librhodes.a is not in this build")
        self.start()
        return self.interface_of(change)

    def test_functions_that_differ_are_refused_and_shown(self):
        self.assertEqual(self.run_with(self.interface_of(change)), ("-1 5\n", REFUSED))

    def test_static_programs_of_c_are_refused(self):
        lib = self.changed_archive()
        self.refused_alone(self.c("-static", f"{lib}/libtextstat.a", *LINK))
        self.refused_alone(self.c("-static", *self.wrapped(lib)))

    def test_a_static_program_of_today_is_let_in(self):
        self.changed_archive()
        program = self.c("-static", f"{self.interface()}/libtextstat.a", *LINK)
        self.assertEqual(self.run_it(program), ("15 0\n", ""))

    def test_static_programs_of_rust_are_refused(self):
        need("rustc")
        lib = self.changed_archive()
        self.run_tool("rustc", "-O", "-Ctarget-feature=+crt-static",
                      "-Crelocation-model=static", self.path("program.rs", RUST_PROGRAM),
                      "-L", lib, "-L", SDK, "-l", "static:+whole-archive=textstat", "-l",
                      "static=rhodes", "-o", self.path("program"))
        self.refused_alone(self.path("program"))

    def test_static_programs_of_go_are_refused(self):
        self.go()
        lib = self.changed_archive()
        os.mkdir(self.path("cgo"))
        self.path("cgo/main.go", GO_PROGRAM)
        self.path("cgo/go.mod", "module program\n\ngo 1.19\n")
        self.run_tool("go", "build", "-ldflags", "-linkmode external -extldflags -static", "-o",
                      self.path("program"), ".", cwd=self.path("cgo"),
                      env={"CGO_LDFLAGS": " ".join([f"{lib}/libtextstat.a", *LINK])})
        self.refused_alone(self.path("program"))

    def test_less_than_there_is_will_do(self):
        self.assertEqual(self.run_with(self.interface_of(
            lambda text: text.replace("int64_t ts_drain(int fd);", ""))), ("15 0\n", ""))


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
        wrapped = self.compile("wrapped", *[f"-Clink-arg={word}" for word in self.wrapped(self.lib)])
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
        super().setUp()
        self.go()

    def build(self, name, link):
        self.run_tool("go", "build", "-o", self.path(name), ".", env={
            "CGO_LDFLAGS": " ".join(link)}, cwd=self.path("cgo"))
        return self.path(name)

    def test_cgo(self):
        shutil.copytree(os.path.join(PROGRAMS, "cgo"), self.path("cgo"))
        shared = self.build("shared", [f"-L{self.lib}", "-ltextstat", *LINK])
        archive = self.build("archive", [f"{self.lib}/libtextstat.a", *LINK])
        wrapped = self.build("wrapped", self.wrapped(self.lib))
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
