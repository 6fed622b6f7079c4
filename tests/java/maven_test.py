#!/usr/bin/python3
"""The jar's own tests as README.md of sdk/java says: Debian's Maven, its repository, no network."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

PACKAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "sdk", "java")
SETTINGS = "/etc/maven/settings-debian.xml"


class Maven(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        shutil.copy(os.path.join(PACKAGE, "pom.xml"), self.folder)
        for name in "src", "test":
            shutil.copytree(os.path.join(PACKAGE, name), os.path.join(self.folder, name))

    def test_each_class_is_run(self):
        done = subprocess.run(["mvn", "-q", "-B", "-s", SETTINGS, "test"], cwd=self.folder,
                              text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        classes = glob.glob(os.path.join(self.folder, "test/rhodes/*Test.java"))
        self.assertTrue(classes)
        for each in classes:
            name = "rhodes." + os.path.basename(each)[:-len(".java")]
            with open(f"{self.folder}/target/surefire-reports/{name}.txt", encoding="utf-8") as said:
                self.assertRegex(said.read(), r"Tests run: [1-9]\d*, Failures: 0, Errors: 0, Skipped: 0")


if __name__ == "__main__":
    if not shutil.which("mvn") or not os.path.exists(SETTINGS):
        print("no Maven of Debian (maven-debian-helper)")
        sys.exit(77)
    unittest.main()
