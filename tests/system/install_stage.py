"""What `meson install` puts below a prefix, with a folder of the test around it."""
import os
import shutil
import subprocess
import tempfile
import unittest

BUILD = os.environ.get("RHODES_BUILD", "build")
LIMIT = 120  # seconds that nothing here takes


class Installed(unittest.TestCase):
    """Everything is installed once, and used from there."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="rh-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.root = os.path.join(cls.folder, "root")
        done = subprocess.run(["/usr/bin/meson", "install", "-C", BUILD, "--no-rebuild",
                               "--quiet", "--destdir", cls.root], capture_output=True,
                              text=True, check=False, timeout=LIMIT)
        assert done.returncode == 0, done.stdout + done.stderr
        cls.prefix, = (above for above, folders, _ in os.walk(cls.root)
                       if "bin" in folders and "include" in folders)
        path = os.path.join(cls.prefix, "bin") + ":" + os.environ["PATH"]
        cls.env = {**os.environ, "PATH": path, "RHODES_SYSTEM": "installed",
                   "RHODES_RUN_DIR": os.path.join(cls.folder, "run"),
                   "RHODES_STATE_DIR": os.path.join(cls.folder, "state"),
                   "PKG_CONFIG_SYSROOT_DIR": cls.root,
                   "PKG_CONFIG_PATH": os.path.dirname(cls.found("rhodes.pc"))}
        for name in ("RHODES_AGENT", "RHODES_RESOURCE", "RHODES_BUILD", "CC"):
            cls.env.pop(name, None)

    @classmethod
    def found(cls, name):
        """Where a file was installed."""
        path, = (os.path.join(above, name) for above, _, files in os.walk(cls.root)
                 if name in files)
        return path

    def run_it(self, *words):
        done = subprocess.run(words, env=self.env, capture_output=True, text=True,
                              check=False, timeout=LIMIT)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout
