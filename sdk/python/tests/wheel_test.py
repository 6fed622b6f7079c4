#!/usr/bin/python3
"""The package as pip builds and installs it, without a network."""
import glob
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
BUILD = os.path.abspath(os.environ.get("RHODES_BUILD", "build"))
NEEDED = "pip", "setuptools", "wheel"


class TestWheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="rh-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        source = os.path.join(cls.folder, "source")
        shutil.copytree(os.path.join(TOP, "sdk", "python"), source,
                        ignore=shutil.ignore_patterns("tests", "__pycache__"))
        cls.env = {**os.environ, "RHODES_SOURCE": TOP, "RHODES_BUILD": BUILD,
                   "LD_LIBRARY_PATH": os.path.join(BUILD, "sdk", "c")}
        cls.pip("wheel", "--no-deps", "--no-build-isolation", "-w", cls.folder, source)
        cls.wheel, = glob.glob(os.path.join(cls.folder, "*.whl"))

    @classmethod
    def pip(cls, *words):
        done = subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check",
                               *words, "--no-index"], env=cls.env, text=True,
                              capture_output=True, check=False)
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)

    def test_it_is_for_every_later_python(self):
        self.assertRegex(os.path.basename(self.wheel), r"^rhodes-[\d.]+-cp311-abi3-linux_")
        with zipfile.ZipFile(self.wheel) as archive:
            names = set(archive.namelist())
        wanted = {f"rhodes/{os.path.basename(path)}" for path in
                  glob.glob(os.path.join(TOP, "sdk/python/rhodes/*.py"))}
        self.assertLessEqual(wanted | {"rhodes/_core.abi3.so", "rhodes_hook.py",
                                      "rhodes_rule.py"}, names)
        self.assertFalse([name for name in names if "native" in name or "test" in name])

    def test_it_runs_where_it_is_installed(self):
        place = os.path.join(self.folder, "place")
        self.pip("install", "--no-deps", "--target", place, self.wheel)
        done = subprocess.run(
            [sys.executable, "-c", "import rhodes, rhodes.rule\n"
             "print(rhodes.__file__)\n"
             "try:\n    rhodes.open('x')\nexcept rhodes.RhodesError as error:\n"
             "    print(error.code)"], env={**self.env, "PYTHONPATH": place}, text=True,
            capture_output=True, check=False)
        self.assertEqual(done.stdout, f"{place}/rhodes/__init__.py\nEDETACHED\n", done.stderr)


if __name__ == "__main__":
    missing = [name for name in NEEDED if not importlib.util.find_spec(name)]
    if missing:
        print(f"not here: {', '.join(missing)}")
        sys.exit(77)
    unittest.main()
