#!/usr/bin/python3
"""Java: a server whose objects programs look into."""
import os
import unittest

from bind_stage import BUILD, HERE, BindStage, need
from seen_stage import SeenStage

JAR = os.path.abspath(os.path.join(BUILD, "sdk/java/rhodes.jar"))


class TestSeen(SeenStage, BindStage):
    blind = "java.lang.Object, which is no rhodes.Mirrored"

    def setUp(self):
        need("javac")
        super().setUp()
        os.symlink(os.path.abspath(os.path.join(BUILD, "sdk")), self.path("sdk"))

    def program(self, name):
        self.run_tool("javac", "-Xlint:all", "-Werror", "-cp", JAR, "-d", self.folder,
                      os.path.join(HERE, "kinds", f"{name.capitalize()}Server.java"))
        return self.path(f"{name.capitalize()}Server.class")


if __name__ == "__main__":
    unittest.main()
