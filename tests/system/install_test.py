#!/usr/bin/python3
"""`meson install` with a prefix: what is installed is whole and works from where it is.

Everything is installed below a folder of the test, and used from there as a user would: a
system comes up, an unmodified program calls its library in another process, a program is
compiled against the SDK and calls a service, the shell completes, the pages are found."""
import json
import os
import re
import subprocess
import time
import unittest

from install_stage import LIMIT, Installed

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
COMPLETE = """
source "$1"
COMP_WORDS=(rhodes "exp") COMP_CWORD=1 COMPREPLY=()
_rhodes
echo "${COMPREPLY[@]}"
"""
SYSTEM = """
kind: Resource
metadata: {name: magic}
spec: {type: service, interface: libmagic, serve: {library: libmagic.so.1}}
---
kind: Resource
metadata: {name: file}
spec: {type: application, reference: [magic, echo]}
---
kind: Resource
metadata: {name: echo}
spec: {type: service, serve: {program: [%s, --serve]}, allow: {exe: [%s]}}
"""
PROGRAM = r"""
#include <rhodes/sdk/c/rhodes.h>
#include <stdio.h>
#include <string.h>

static const char *const signatures[] = { "echo(bytes)bytes" };

static int echo(void *user, unsigned function, const void *args, size_t args_len,
                void *reply, size_t cap, size_t *ret_len)
{
	(void)user;
	(void)function;
	if (args_len > cap)
		return RH_EMSGSIZE;
	memcpy(reply, args, args_len);
	*ret_len = args_len;
	return RH_OK;
}

int main(int argc, char **argv)
{
	struct rh_callee *callee;
	char              reply[8];
	size_t            len;

	if (argc > 1)
		return rh_serve_bytes("echo", signatures, 1, echo, NULL, 1) < 0;
	(void)argv;
	if (rh_open("echo", 0, &callee) < 0 ||
	    rh_call(callee, rh_function_id(signatures[0]), "hello", 5, reply, sizeof reply,
	            &len, 0) < 0) {
		fprintf(stderr, "%s\n", rh_last_error());
		return rh_last_code() == RH_ELOST ? 2 : 1;
	}
	return printf("%.*s\n", (int)len, reply) < 0;
}
"""

VERSION = r"""
#include <magic.h>
#include <stdio.h>

int main(void)
{
	return printf("%d\n", magic_version()) < 0;
}
"""


# Threads that come and go, and a child, each with calls of its own.
MANY = r"""
#include <rhodes/sdk/c/rhodes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *call(void *failed)
{
	struct rh_callee *callee;
	char              reply[8];
	size_t            len = 0;

	for (int i = 0; i < 1000; i++)
		if (rh_open("echo", 0, &callee) < 0 ||
		    rh_call(callee, rh_function_id("echo(bytes)bytes"), "hello", 5, reply,
		            sizeof reply, &len, 0) < 0 || len != 5 || memcmp(reply, "hello", 5))
			__atomic_fetch_add((int *)failed, 1, __ATOMIC_RELAXED);
	return NULL;
}

static int run_threads(void)
{
	pthread_t threads[8];
	int       failed = 0;

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 8; i++)
			pthread_create(&threads[i], NULL, call, &failed);
		for (int i = 0; i < 8; i++)
			pthread_join(threads[i], NULL);
	}
	return failed;
}

int main(void)
{
	int   failed = run_threads(), status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(run_threads() != 0);
	waitpid(child, &status, 0);
	call(&failed);
	printf("%d failed, %s\n", failed, status == 0 ? "the child did not" : "nor the child");
	return 0;
}
"""


class Whole(Installed):
    def compile(self, name, text, *libraries, is_static=False):
        """A program of the SDK, by pkg-config alone."""
        program = os.path.join(self.folder, name)
        with open(program + ".c", "w", encoding="utf-8") as file:
            file.write(text)
        how = ["--static"] if is_static else []
        flags = self.run_it("pkg-config", *how, "--cflags", "--libs", "rhodes").split()
        self.assertIn(self.root, " ".join(flags))
        flags += (["-static", "-Wl,--fatal-warnings"] if is_static else
                  ["-Wl,-rpath," + os.path.dirname(self.found("librhodes.so.0"))])
        self.run_it("cc", "-std=c17", "-Wall", "-Wextra", "-Werror", "-o", program,
                    program + ".c", *libraries, *flags)
        return program

    def up(self, name, program):
        """A system of the tour's parser and that program, until the test is over."""
        manifest = os.path.join(self.folder, name + ".yaml")
        with open(manifest, "w", encoding="utf-8") as file:
            file.write(SYSTEM % (program, program))
        self.addCleanup(subprocess.run, ["rhodes", "down"], env=self.env, check=False,
                        capture_output=True)
        self.run_it("rhodes", "up", "--detach", "-I", os.path.join(ROOT, "examples/tour"),
                    manifest)

    def build_interface(self, name="libmagic"):
        folder = os.path.join(self.folder, name)
        shown = self.run_it("rhodes", "interface", "build", "-d", folder,
                            os.path.join(ROOT, "examples/tour/libmagic.side"))
        self.assertNotIn("error", shown)
        return folder

    def test_a_system_of_what_is_installed(self):
        program = self.compile("echo", PROGRAM)
        self.up("system", program)
        plain = self.run_it("file", "-i", "/bin/ls", ROOT)
        self.assertEqual(self.run_it("rhodes", "run", "file", "--", "file", "-i", "/bin/ls",
                                     ROOT), plain)
        self.assertEqual(self.run_it("rhodes", "run", "file", "--", program), "hello\n")
        self.a_static_shadow_calls_too()
        self.programs_in_python_import_it()
        self.await_calls()
        self.all_processes_are_installed_ones()
        self.run_it("rhodes", "down")

    def test_static_programs_call_and_serve(self):
        """Both without a loader; the linker finds nothing to warn of."""
        if not any("librhodes.a" in files for _, _, files in os.walk(self.root)):
            self.skipTest("this build has a sanitizer, which needs the loader")
        program, many = (self.compile(name, text, is_static=True)
                         for name, text in (("static_echo", PROGRAM), ("many", MANY)))
        self.assertIn("not a dynamic executable", subprocess.run(
            ["ldd", program], capture_output=True, text=True, check=False).stderr)
        shadow = os.path.join(self.build_interface("static"), "lib", "libmagic.a")
        governed = self.compile("static_governed", VERSION, shadow, is_static=True)
        self.up("static", program)
        self.assertEqual(self.run_it("rhodes", "run", "file", "--", program), "hello\n")
        self.assertEqual(self.run_it("rhodes", "run", "file", "--", many),
                         "0 failed, the child did not\n")
        self.it_calls_the_service(governed)
        self.run_it("rhodes", "down")

    def programs_in_python_import_it(self):
        if not os.path.exists("/usr/include/python3.11/Python.h"):
            return  # it was built without
        said = self.run_it("rhodes", "run", "file", "--", "/usr/bin/python3", "-c",
                           "import libmagic, rhodes\n"
                           "print(libmagic.magic_version(), rhodes.__file__)")
        self.assertRegex(said, rf"^\d+ {re.escape(self.prefix)}/lib")

    def a_static_shadow_calls_too(self):
        """A program linked with it has no libmagic at all, and is no longer one of its own."""
        shadow = os.path.join(self.build_interface(), "lib", "libmagic.a")
        governed = self.compile("governed", VERSION, shadow)
        self.assertNotIn("libmagic", self.run_it("ldd", governed))
        self.it_calls_the_service(governed)

    def it_calls_the_service(self, governed):
        """What libmagic itself answers, and only where Rhodes runs it."""
        plain = self.compile("plain", VERSION, "-lmagic")
        self.assertEqual(self.run_it("rhodes", "run", "file", "--", governed),
                         self.run_it(plain))
        self.assertEqual(self.run_it(governed), "-1\n")

    def await_calls(self):
        """Until the agents have told of calls over both edges."""
        until = time.monotonic() + LIMIT
        while True:
            edges = json.loads(self.run_it("rhodes", "matrix", "-o", "json"))["edges"]
            if all(edge["observed"] for edge in edges):
                break
            self.assertLess(time.monotonic(), until, edges)
            time.sleep(0.1)

    def all_processes_are_installed_ones(self):
        seen = set()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if self.env["RHODES_RUN_DIR"].encode() not in file.read():
                        continue
                seen.add(os.readlink(f"/proc/{pid}/exe"))
            except OSError:
                continue
        names = {os.path.basename(path) for path in seen}
        self.assertLessEqual({"rhodes", "rhodes-center", "rhodes-agent", "rhodes-worker"},
                             names)
        wrong = [path for path in seen if os.path.basename(path).startswith("rhodes")
                 and not path.startswith(self.root)]
        self.assertEqual(wrong, [])

    def test_the_generator_uses_what_is_installed(self):
        self.found("rhodes-stub.h")
        self.assertTrue(os.path.exists(os.path.join(self.build_interface(), "skeleton.so")))

    def test_the_shell_completes(self):
        path = self.found("rhodes.bash")
        self.assertTrue(path.endswith("share/bash-completion/completions/rhodes.bash"), path)
        done = self.run_it("bash", "--norc", "-c", COMPLETE, "bash", path)
        self.assertEqual(done.split(), ["explain"])

    def test_the_pages_are_found(self):
        for section, name in ((1, "rhodes"), (1, "rhodes-interface"), (3, "rhodes"),
                              (3, "rh_call"), (5, "rhodes-manifest"), (8, "rhodes-agent"),
                              (8, "rhodes-center"), (8, "rhodes-worker")):
            path = os.path.join(self.prefix, "share/man", f"man{section}")
            self.assertTrue(any(os.path.exists(os.path.join(path, f"{name}.{section}{end}"))
                                for end in ("", ".gz")), f"{name}({section})")


if __name__ == "__main__":
    unittest.main()
