#!/usr/bin/python3
"""Each language's package from where `meson install` puts it: a program of a user, outside of the
source tree, is built as that language's users do it, offline, and calls a service in C."""
import glob
import os
import shutil
import subprocess
import unittest
import xml.etree.ElementTree

from install_stage import BUILD, LIMIT, Installed

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLE = os.path.join(ROOT, "examples", "languages")
LIBRARY = os.path.abspath(os.path.join(BUILD, "examples/languages/c/libtextstat.so.1"))
SYSTEM = f"""
kind: Resource
metadata: {{name: text_c}}
spec: {{type: service, interface: libtextstat, serve: {{library: {LIBRARY}, threads: 2}}}}
---
kind: Resource
metadata: {{name: app}}
spec: {{type: application, reference: [text_c]}}
"""
CPP = """
#include "textstat.hpp"
#include <iostream>

int main()
{
	rhodes::textstat::Client text("text_c");

	std::cout << text.ts_add(2, 3) << std::endl;
}
"""
RUST = """
mod textstat;

fn main() {
    println!("{}", textstat::Textstat::open("text_c").unwrap().ts_add(2, 3).unwrap());
}
"""
CARGO = """
[package]
name = "program"
version = "0.1.0"
edition = "2021"

[dependencies]
rhodes = "0.1"
"""
REGISTRY = """
[source.crates-io]
replace-with = "installed"

[source.installed]
directory = "%s"
"""
GO = """
package main

import (
	"fmt"

	"program/textstat"
)

func main() {
	text, err := textstat.Open("text_c")
	if err != nil {
		panic(err)
	}
	sum, err := text.TsAdd(2, 3)
	if err != nil {
		panic(err)
	}
	fmt.Println(sum)
}
"""
NODE = "console.log(require('rhodes').open('text_c').tsAdd(2, 3), require.resolve('rhodes'))"
PYTHON = "import rhodes; print(rhodes.open('text_c').ts_add(2, 3), rhodes.__file__)"
JAVA = """
import rhodes.Library;
import static java.lang.invoke.MethodType.methodType;

public class Program {
	public static void main(String[] words) throws Throwable {
		System.out.println((int) Library.open("text_c").function("tsAdd",
			methodType(int.class, int.class, int.class)).invokeExact(2, 3));
	}
}
"""


class Languages(Installed):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Debian's toolchains come first; nothing is fetched.
        cls.env["PATH"] = (os.path.join(cls.prefix, "bin") + ":/usr/bin:/bin:" +
                           os.environ["PATH"])
        cls.env.update({"CARGO_NET_OFFLINE": "true", "GOPROXY": "off", "GOFLAGS": "-mod=mod",
                        "CGO_ENABLED": "1", "npm_config_offline": "true",
                        "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
                        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME") or
                                       os.path.expanduser("~/.rustup"),
                        "HOME": cls.folder, "GOPATH": os.path.join(cls.folder, "gopath"),
                        "GOCACHE": os.path.abspath(os.path.join(BUILD, "go-cache"))})
        cls.libdir = os.path.dirname(cls.found("librhodes.so.0"))
        shutil.copy(os.path.join(EXAMPLE, "textstat.h"), cls.folder)
        with open(os.path.join(EXAMPLE, "libtextstat.side"), encoding="utf-8") as file:
            text = file.read()
        cls.side = os.path.join(cls.folder, "libtextstat.side")
        with open(cls.side, "w", encoding="utf-8") as file:
            file.write("".join(f"library {LIBRARY}\n" if line.startswith("library ") else line
                               for line in text.splitlines(True)))
        manifest = os.path.join(cls.folder, "system.yaml")
        with open(manifest, "w", encoding="utf-8") as file:
            file.write(SYSTEM)
        cls.addClassCleanup(subprocess.run, ["rhodes", "down"], env=cls.env, check=False,
                            capture_output=True)
        done = subprocess.run(["rhodes", "up", "--detach", manifest], env=cls.env, text=True,
                              capture_output=True, check=False, timeout=LIMIT)
        assert done.returncode == 0, done.stdout + done.stderr

    def project(self, files):
        """A folder of the user's with these files."""
        place = os.path.join(self.folder, self.id().split(".")[-1])
        for name, text in files.items():
            path = os.path.join(place, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return place

    def inside(self, place, *words, env=None):
        done = subprocess.run(words, cwd=place, env={**self.env, **(env or {})}, text=True,
                              capture_output=True, check=False, timeout=LIMIT)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def bind(self, language, path):
        self.run_it("rhodes", "interface", "bind", self.side, "--language", language, "-o", path)

    def called(self, *program, env=None):
        """What a program prints that runs as app: 5, and what is behind it."""
        said = self.inside(self.folder, "rhodes", "run", "app", "--", *program, env=env)
        self.assertRegex(said, "^5\\b")
        return said.split()[1:]

    def need(self, program):
        if not shutil.which(program, path=self.env["PATH"]):
            self.skipTest(f"{program} is not on this machine")

    def place_of(self, *names):
        """Of something installed, below the prefix; skips where the build left it out."""
        found = glob.glob(os.path.join(self.prefix, *names))
        if not found:
            self.skipTest(f"{names[-1]} was not built: what it needs is not on this machine")
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_c_in_a_static_program(self):
        """The example's caller with all of its checks."""
        self.place_of("lib/*/librhodes.a")
        place = self.project({"none": ""})
        self.run_it("rhodes", "interface", "build", self.side, "-d", os.path.join(place, "built"))
        flags = self.run_it("pkg-config", "--static", "--cflags", "--libs", "rhodes").split()
        self.inside(place, "cc", "-static", "-Wl,--fatal-warnings", "-I..", "-o", "program",
                    os.path.join(EXAMPLE, "c/caller.c"), "built/lib/libtextstat.a", *flags, "-lm")
        said = self.inside(place, "rhodes", "run", "app", "--", "./program", "text_c")
        self.assertRegex(said, r"^ok \d+ checks")

    def test_cpp_by_pkg_config(self):
        place = self.project({"program.cc": CPP})
        self.bind("cpp", os.path.join(place, "textstat.hpp"))
        flags = self.run_it("pkg-config", "--cflags", "--libs", "rhodes").split()
        self.inside(place, "c++", "-std=c++17", "-I..", "-o", "program", "program.cc", *flags)
        self.called(os.path.join(place, "program"))

    def cargo(self, place, *words, env=None):
        """Runs it with the compiler that is beside it, also where that is not Debian's."""
        cargo = shutil.which("cargo", path=self.env["PATH"])
        if not cargo:
            self.skipTest("cargo is not on this machine")
        path = os.path.dirname(cargo) + ":" + self.env["PATH"]
        return self.inside(place, cargo, *words, "--offline", env={"PATH": path, **(env or {})})

    def test_rust_by_cargo(self):
        registry = os.path.join(self.prefix, "share/cargo/registry")
        place = self.project({"src/main.rs": RUST, "Cargo.toml": CARGO,
                              ".cargo/config.toml": REGISTRY % registry})
        self.bind("rust", os.path.join(place, "src/textstat.rs"))
        self.cargo(place, "build")
        self.called(os.path.join(place, "target/debug/program"))

    def test_the_crate_by_cargo_test(self):
        place = os.path.join(self.folder, "crate")
        shutil.copytree(self.place_of("share/cargo/registry/rhodes-*"), place)
        said = self.cargo(place, "test", env={"LD_LIBRARY_PATH": self.libdir})
        self.assertRegex(said, r"test result: ok\. [1-9]\d* passed")

    def test_rust_by_rustc(self):
        self.need("rustc")
        place = self.project({"main.rs": RUST})
        self.bind("rust", os.path.join(place, "textstat.rs"))
        crate = os.path.join(self.place_of("share/cargo/registry/rhodes-*"), "src/lib.rs")
        words = ["rustc", "--edition", "2021", "-L", f"native={self.libdir}"]
        self.inside(place, *words, "--crate-type", "rlib", "--crate-name", "rhodes", crate)
        self.inside(place, *words, "--extern", "rhodes=librhodes.rlib", "main.rs")
        self.called(os.path.join(place, "main"))

    def test_go_by_its_module(self):
        self.need("go")
        module = self.place_of("share/gocode/src/rhodes")
        place = self.project({
            "main.go": GO, "textstat/none": "", "go.mod": "module program\n\ngo 1.19\n\n"
            f"require rhodes v0.0.0\n\nreplace rhodes => {module}\n"})
        self.bind("go", os.path.join(place, "textstat/textstat.go"))
        self.inside(place, "go", "build", "-o", "program", ".")
        self.called(os.path.join(place, "program"))
        said = self.inside(module, "go", "test", ".", env={"LD_LIBRARY_PATH": self.libdir})
        self.assertRegex(said, r"^ok\s+rhodes")

    def test_go_by_its_path(self):
        """As packages of Debian are built, with neither modules nor a network."""
        self.need("go")
        place = self.project({"src/program/main.go": GO, "src/program/textstat/none": ""})
        self.bind("go", os.path.join(place, "src/program/textstat/textstat.go"))
        path = place + ":" + os.path.join(self.prefix, "share/gocode")
        self.inside(place, "go", "build", "-o", "main", "program",
                    env={"GO111MODULE": "off", "GOPATH": path, "GOFLAGS": ""})
        self.called(os.path.join(place, "main"))

    def test_a_package_of_pure_go_by_an_overlay(self):
        self.need("go")
        tool = self.place_of("share/gocode/src/rhodes/cmd/rhodes-overlay/main.go")
        place = os.path.join(self.folder, "pure")
        shutil.copytree(os.path.join(ROOT, "tests/languages/unmodified/pure"), place)
        self.inside(place, "go", "run", tool, "-side", self.side, "-o", "../overlay", "./textstat")
        self.inside(place, "go", "build", "-overlay", "../overlay/overlay.json", "-o", "main")
        self.called(os.path.join(place, "main"))
        own = subprocess.run([os.path.join(place, "main")], check=False, capture_output=True,
                             env={**self.env, "LD_LIBRARY_PATH": self.libdir})
        self.assertNotEqual(own.returncode, 0)  # without `rhodes run` it is nobody

    def test_node_by_npm(self):
        self.need("npm")
        package = self.place_of("lib/*/rhodes/node")
        place = self.project({"package.json": '{"name": "program", "version": "1.0.0"}',
                              "program.js": NODE})
        packed = self.inside(place, "npm", "pack", "--silent", package).strip()
        self.inside(place, "npm", "install", "--offline", "--no-audit", "--no-fund",
                    os.path.join(place, packed))
        where, = self.called("node", os.path.join(place, "program.js"))
        self.assertEqual(where, os.path.join(place, "node_modules/rhodes/index.js"))

    def test_node_where_debian_looks(self):
        self.need("node")
        folder = os.path.dirname(self.place_of("lib/*/nodejs/rhodes"))
        where, = self.called("node", "-e", NODE, env={"NODE_PATH": folder})
        self.assertTrue(where.startswith(self.prefix), where)

    def test_python_by_its_wheel(self):
        if subprocess.run(["/usr/bin/python3", "-m", "pip", "--version"], check=False,
                          capture_output=True).returncode:
            self.skipTest("Debian's pip is not on this machine")
        wheel = self.place_of("share/python-wheels/rhodes-*.whl")
        place = os.path.join(self.folder, "site")
        self.inside(self.folder, "/usr/bin/python3", "-m", "pip", "install", "--no-index",
                    "--target", place, wheel)
        self.assertIn("rhodes 0.1.0", " ".join(self.inside(
            self.folder, "/usr/bin/python3", "-m", "pip", "list", "--path", place).split()))
        self.inside(self.folder, "/usr/bin/python3", "-m", "pip", "check")
        where, = self.called("/usr/bin/python3", "-c", PYTHON, env={"PYTHONPATH": place})
        self.assertTrue(where.startswith(self.prefix) or where.startswith(place), where)
        # Without `rhodes run` there is only the wheel.
        where = self.inside(place, "/usr/bin/python3", "-c", "import rhodes, rhodes_rule\n"
                            "print(rhodes.__file__)", env={"LD_LIBRARY_PATH": self.libdir,
                                                           "PYTHONPATH": place})
        self.assertEqual(where, f"{place}/rhodes/__init__.py\n")

    def test_python_where_debian_looks(self):
        folder = os.path.dirname(self.place_of("lib/python3*/dist-packages/rhodes"))
        said = self.inside(self.folder, "/usr/bin/python3", "-c",
                           "import os, rhodes, rhodes.rule, rhodes_rule\n"
                           "print(os.path.realpath(rhodes.__file__))",
                           env={"LD_LIBRARY_PATH": self.libdir, "PYTHONPATH": folder})
        self.assertTrue(said.startswith(os.path.realpath(self.prefix)), said)

    def test_java_by_its_jar(self):
        self.need("javac")
        jar = self.place_of("share/java/rhodes.jar")
        place = self.project({"Program.java": JAVA})
        self.inside(place, "javac", "-cp", jar, "Program.java")
        self.called("java", "-cp", f"{jar}:{place}", "Program")
        # Without `rhodes run` the jar itself finds the library beside it, past its link: the JVM goes by real paths.
        alone = subprocess.run(["java", "-cp", f"{jar}:{place}", "Program"], text=True, check=False,
                               capture_output=True, timeout=LIMIT,
                               env={**self.env, "LD_LIBRARY_PATH": self.libdir})
        self.assertNotIn("UnsatisfiedLinkError", alone.stderr)
        self.assertIn("start the program with rhodes run", alone.stderr)
        self.is_mavens(os.path.realpath(jar))

    def is_mavens(self, jar):
        """The artifact's repository has it where its own coordinates say."""
        pom = xml.etree.ElementTree.parse(self.place_of("share/maven-repo/rhodes/rhodes/*/*.pom"))
        group, name, version = (pom.findtext(f"{{http://maven.apache.org/POM/4.0.0}}{part}") for part
                                in ("groupId", "artifactId", "version"))
        found = self.place_of(f"share/maven-repo/{group}/{name}/{version}/{name}-{version}.jar")
        self.assertEqual(os.path.realpath(found), jar)


if __name__ == "__main__":
    unittest.main(verbosity=2)
