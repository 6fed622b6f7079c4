"""The interface of examples/languages, its server in C, and servers and callers in any
language, in a system of their own."""
import contextlib
import os
import re
import shutil
import subprocess

from cli_stage import BUILD, LIMIT, Stage

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLE = os.path.join(ROOT, "examples", "languages")
LIBRARY = os.path.abspath(os.path.join(BUILD, "examples", "languages", "c", "libtextstat.so.1"))

SERVICE = """
kind: Resource
metadata: {{name: text_{0}}}
spec: {{type: service, interface: libtextstat{1}}}
---
kind: Resource
metadata: {{name: texts_{0}}}
spec: {{type: application, reference: [text_{0}]}}
"""


class LanguageStage(Stage):
    has_agents = True

    def describe(self):
        """Header and side file in the test's folder; the path of the side file."""
        shutil.copy(os.path.join(EXAMPLE, "textstat.h"), self.folder)
        with open(os.path.join(EXAMPLE, "libtextstat.side"), encoding="utf-8") as file:
            side = re.sub(r"(?m)^library .*$", f"library {LIBRARY}", file.read())
        return self.path("libtextstat.side", side)

    def start(self, *languages, more=""):
        """A system with text_NAME and texts_NAME for each; that of C is served."""
        self.describe()
        serve = f", serve: {{library: {LIBRARY}, threads: 8}}"
        parts = [SERVICE.format(name, serve if name == "c" else "") for name in languages]
        self.system = self.path("system.yaml", "---".join(parts) + more)
        self.ok("up", "--detach", self.system)

    @contextlib.contextmanager
    def serving(self, name, *command, lines=None):
        """`rhodes serve -r text_NAME COMMAND`, until it serves; its output goes to lines."""
        process = subprocess.Popen(
            [self.rhodes_path, "serve", "--one", "-r", "text_" + name, "--", *command],
            env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            for line in process.stdout:
                if lines is not None:
                    lines.append(line)
                if " serving " in line:
                    break
            else:
                self.fail(f"{command} does not serve: {''.join(lines or [])}{self.log()}")
            yield process
        finally:
            process.terminate()
            try:
                rest = process.communicate(timeout=LIMIT)[0]
            except subprocess.TimeoutExpired:
                process.kill()
                rest = process.communicate()[0]
            if lines is not None:
                lines.extend(rest.splitlines(True))
        self.assertEqual(process.returncode, 0, f"{command} does not end in order: {rest}")

    def run_as(self, name, *command, data="", code=0):
        """Output of a program that runs as texts_NAME."""
        done = self.rhodes("run", "texts_" + name, "--", *command, data=data)
        self.assertEqual(done.returncode, code, f"{done.stdout}{done.stderr}{self.log()}")
        self.complaints = done.stderr
        return done.stdout
