"""The papers' pair: an unmodified client in Java calls the driver in C."""
import os

from network import Network
from stage import HERE, Skip
from step_packets import Traffic, describe
from system import MANIFEST, System

ONLY_PYTHON = "  allow: {exe: [/usr/bin/python3]}\n"


class JavaTraffic(Traffic):
    """The same with HttpClient.java."""

    def command(self, out, inward):
        return ["java", "-cp", self.jar, "HttpClient", str(out), str(inward), "600"]


def manifest():
    """The tour's, in which any executable may be httpclient."""
    with open(MANIFEST, encoding="utf-8") as file:
        head, found, tail = file.read().partition("metadata: {name: httpclient}")
    return head + found + tail.replace(ONLY_PYTHON, "", 1)


def step(stage):
    report, options = stage.report, stage.options
    report.step("java", "HttpClient.java -> net_driver in C -> nic, by Java's native methods")
    jar = stage.program("java/httpclient.jar")
    if not os.path.exists(jar):
        raise Skip("the build had no JDK")
    JavaTraffic.jar = jar
    network = Network(stage)
    describe(report, network)
    report.begin()
    if options.plain:
        return
    inward = options.frames // 5
    system = System(stage, inside=network.enter, env=network.environment, text=manifest())
    plain = JavaTraffic(network, 0, 0)
    report.check("without Rhodes there is no such library",
                 b"UnsatisfiedLinkError" in plain.run.stderr)
    traffic = JavaTraffic(network, options.frames, inward, system.prefix("httpclient"),
                          system.env)
    traffic.check(report, "a Java program, unmodified, and a driver in C: every frame arrives once")
    report.note("programs: " + os.path.relpath(os.path.join(HERE, "java"), os.getcwd()))
