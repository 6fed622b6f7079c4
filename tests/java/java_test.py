#!/usr/bin/python3
"""Programs in Java and a service in C, or the other way round, in a whole system."""
import os
import subprocess
import sys
import unittest
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))

# pylint: disable=wrong-import-position
from cli_stage import BUILD, LIMIT, Stage
from leaks import nothing_is_left

SYSTEM = """
kind: Resource
metadata: {{name: kinds}}
spec:
  type: service
  interface: libkinds
  serve: {{library: {library}, threads: 4, restart: always}}
---
kind: Resource
metadata: {{name: app}}
spec: {{type: application, reference: [kinds]}}
---
kind: Rule
metadata: {{name: app-kinds}}
spec: {{protocol: {{edge: [app, kinds], use: {use}}}}}
"""
JAR = os.path.abspath(os.path.join(BUILD, "sdk/java/rhodes.jar"))
TESTS = os.path.abspath(os.path.join(BUILD, "tests/java/java-tests.jar"))
JUNIT = ":".join([JAR, os.path.abspath(os.path.join(BUILD, "tests/java/junit-tests.jar")),
                  "/usr/share/java/junit4.jar"])
LIBRARY = os.path.abspath(os.path.join(BUILD, "tests/java/libkinds.so.1"))


class Java(Stage):
    has_agents = True

    def start(self, use="bind"):
        self.up("-I", HERE, self.path("system.yaml", SYSTEM.format(library=LIBRARY, use=use)))

    def setUp(self):
        super().setUp()
        os.symlink(os.path.abspath(os.path.join(BUILD, "sdk")), self.path("sdk"))

    def java(self, *words, classpath=f"{JAR}:{TESTS}", env=None):
        done = self.rhodes("run", "app", "--", "java", "-Xcheck:jni", "-cp", classpath, *words,
                           env=env)
        self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}{self.log()[-2000:]}")
        self.assertNotIn("WARNING in native method", done.stdout)
        return done.stdout

    def kinds(self, *tests, use="bind"):
        self.start(use)
        self.junit(*tests)

    def junit(self, *tests, env=None):
        """Classes of JUnit, which ends with an error if one fails."""
        out = self.java("org.junit.runner.JUnitCore", *("kinds." + each for each in tests),
                        classpath=JUNIT, env=env)
        self.assertIn("\nOK (", out)

    def test_every_type_comes_as_it_went(self):
        self.kinds("NumberTest", "TextTest", "BytesTest", "StructTest", "OutTest",
                   "InterfaceTest", "HandleTest")

    def test_events(self):
        self.kinds("EventTest", "EventTest")
        self.junit("NoEventTest", env={"RHODES_TIMEOUT_MS": "50"})

    def test_by_way_of_the_agents(self):
        self.kinds("NumberTest", "TextTest", "StructTest", "HandleTest", "LargeTest", use="shm")

    def test_buffers_of_64_mebibytes(self):
        self.kinds("LargeTest")

    def test_many_threads(self):
        self.kinds("ThreadTest")

    def test_nothing_leaks(self):
        self.kinds("LeakTest")

    def test_nothing_is_left_of_many_calls(self):
        self.start()
        nothing_is_left(self, "app", "--", "java", "-cp", JUNIT, "kinds.Leave",
                        slack=4)  # threads of the JVM's own

    def test_a_callee_that_dies_is_an_exception(self):
        self.kinds("LostTest")

    def serve(self):
        """The classes of the tests in a folder, and KindsServer that serves."""
        classes = self.path("classes")
        with zipfile.ZipFile(TESTS) as jar:
            jar.extractall(classes)
        self.up("-I", HERE, self.path("system.yaml", SYSTEM.format(
            library=LIBRARY, use="bind").replace("  serve:", "  # serve:")))
        self.served = subprocess.Popen(
            [self.rhodes_path, "serve", "--one", "-r", "kinds", f"{classes}/KindsServer.class"],
            env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(self.served.communicate)
        self.addCleanup(self.served.terminate)
        for line in self.served.stdout:
            if " serving " in line:
                return
        self.fail(self.log())

    def test_a_service_in_java(self):
        self.serve()
        self.junit("NumberTest", "TextTest", "BytesTest", "StructTest", "OutTest", "HandleTest",
                   "InterfaceTest", "RaisedTest", "ThreadTest", "EventTest")
        self.junit("EventTest")
        self.junit("LastEventTest")
        for line in self.served.stdout:
            if "no more events kinds_rung" in line:
                break
        self.assertIn("it raised java.lang.IllegalStateException: nobody rings \u00fc ", line)
        self.assertIn("at KindsServer.lambda$rung", line)
        self.served.terminate()
        self.served.communicate(timeout=LIMIT)
        self.assertEqual(self.served.returncode, 0)

    def test_a_service_that_lacks_functions_is_told_all_of_them(self):
        self.serve()
        done = self.rhodes("serve", "--one", "-r", "kinds", self.path("classes/HalfServer.class"))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("HalfServer does not serve libkinds", done.stderr)
        self.assertIn("differs: public java.lang.String HalfServer.i32(int) is not kinds_i32",
                      done.stderr)
        self.assertIn("missing: kinds_pots, i32", done.stderr)
        self.assertIn("does not say which class its events have", done.stderr)

    def test_an_unmodified_program_with_native_methods(self):
        self.start()
        self.assertEqual(self.java("NativeProgram", "yes"), "governed: yes\n")
        alone = subprocess.run(["java", "-cp", TESTS, "NativeProgram"], text=True,
                               capture_output=True, timeout=LIMIT, check=False)
        self.assertIn("UnsatisfiedLinkError", alone.stderr)
        without = self.rhodes("run", "app", "--", "java", "-cp", TESTS, "NativeProgram",
                              env={"RHODES_JAVA": "off"})
        self.assertNotEqual(without.stdout, "governed: \n")
        self.assertIn("UnsatisfiedLinkError", without.stderr)

    def without_agent(self, classpath, *words):
        done = self.rhodes("run", "app", "--", "java", "-Xcheck:jni", "-cp", classpath,
                           *words, env={"RHODES_JAVA": "off"})
        self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}{self.log()[-2000:]}")
        self.assertNotIn("WARNING", done.stdout)
        return done.stdout

    def test_the_shadow_librarys_own_native_methods(self):
        self.start()
        with_agent = self.java("JniProgram")
        self.assertIn("\ntext gr\u00fc\u00df\n", with_agent)
        self.assertIn("\ntext java.lang.IllegalArgumentException: kinds_text: text holds a NUL\n",
                      with_agent)
        self.assertIn("\nnull java.lang.NullPointerException: kinds_text: text must not be null\n",
                      with_agent)
        self.assertIn("\ndie failed\n", with_agent)
        self.assertEqual(self.without_agent(TESTS, "JniProgram"), with_agent)

    def test_errno_without_the_agent(self):
        self.start()
        classpath = f"{JAR}:{TESTS}"
        lines = "-1 71\n5 0\n10 11 12\n0 20 21 22\n30\n"
        self.assertEqual(self.without_agent(classpath, "JniErrno"), lines)
        self.assertEqual(self.java("JniErrno"), lines)

    def test_native_methods_of_other_types_are_errors(self):
        self.start()
        lines = self.without_agent(TESTS, "JniWrong").splitlines()
        self.assertEqual(lines[:5], [
            "NoSuchMethodError text(Ljava/lang/String;) does not return what kinds_text does",
            "NoSuchMethodError kindsI32(I) does not return what kinds_i32 does",
            "NoSuchMethodError kindsI64(J) does not return what kinds_i64 does",
            "UnsatisfiedLinkError 'int JniWrong.kindsTextLength(byte[])'",
            "ArithmeticException 128 is not between 0 and 127"])
        lost = "call of kinds: the callee was lost"
        self.assertIn(f"RuntimeException {lost}", lines[5])
        lines = self.without_agent(f"{JAR}:{TESTS}", "JniWrong").splitlines()
        self.assertIn(f"RhodesLostError {lost}", lines[5])

    def test_what_the_callee_raises_reaches_native_methods(self):
        self.serve()
        raised = "java.lang.IllegalStateException: thirteen \u00fc\n"
        self.assertEqual(self.without_agent(TESTS, "JniProgram", "raised"),
                         f"java.lang.RuntimeException: kinds raised {raised}")
        self.assertEqual(self.without_agent(f"{JAR}:{TESTS}", "JniProgram", "raised"),
                         f"rhodes.RhodesRaisedError: java {raised}")

    def test_a_program_that_starts_java(self):
        self.start()
        done = self.rhodes("run", "app", "--", "sh", "-c", f"java -cp {TESTS} NativeProgram x")
        self.assertEqual(done.stdout, "governed: x\n", done.stderr)

    def test_a_class_that_is_written_for_a_callee(self):
        self.start()
        self.path("Kinds.java", self.java("rhodes.Generate", "kinds"))
        subprocess.run(["javac", "-Xlint:all", "-Werror", "-cp", JAR, "-d", self.folder,
                        self.path("Kinds.java"), os.path.join(HERE, "Generated.java")],
                       check=True, timeout=LIMIT)
        done = self.rhodes("run", "app", "--", "java", "-cp", f"{JAR}:{self.folder}",
                           "Generated")
        self.assertEqual(done.stdout, "6 4 -100 3 2 abab 8 2\n", done.stderr)

    def test_what_the_configuration_names(self):
        self.start()
        file = self.path("java.properties", "Configured$Kinds = kinds\n"
                                            "Configured$Local = kinds\n")
        self.assertEqual(self.java("Configured"), "0 local 7 0 local 5\n")
        self.assertEqual(self.java("Configured", env={"RHODES_JAVA": file}),
                         "3 abab 7 -1 x 5\n")


if __name__ == "__main__":
    unittest.main()
