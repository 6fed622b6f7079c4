"""Step 9: a protocol that a user wrote is published to the running system.  While frames
pass, the edge httpclient -> net_driver is swapped to it, to another one, and back; no frame
is lost, none comes twice, and what the kernel has in memory is what the user wrote.
"""
import os
import re
import shutil
import statistics

from network import Network
from stage import HERE, Failed, Skip, run
from step_packets import Traffic, describe, govern
from step_swap import Flow, Swaps, fault

RULE = """
kind: Rule
metadata: {{name: carrier}}
spec: {{code: {{hook: protocol, edge: [httpclient, net_driver], module: {}, mode: wasm}}}}
"""
BYTES = 4096 + 128  # protocols/module/stream.h: where the bytes of the caller's side are
LIBRARY = os.path.join(HERE, "../../rules/library")
SOURCES = {"netstring": HERE, "crc": LIBRARY}


def want_tools():
    for tool in ("clang", "wasm-ld", "wasm2c", "gcc"):
        if not shutil.which(tool):
            raise Skip(f"{tool} is not installed (apt-get install clang lld wabt gcc)")


def publish(stage, system, name, hook, source):
    """Writes the rule as a project, has it compiled and stored: its module."""
    projects = os.path.join(stage.folder, "rules")
    os.makedirs(projects, exist_ok=True)
    for words in (["new", name, "--hook", hook, "--lang", "c"], ["publish", name]):
        done = run([stage.rhodes, "rule", *words], cwd=projects, env=system.env)
        if done.code != 0:
            raise Failed(f"rhodes rule {words[0]}: {done.stderr.decode()}")
        if words[0] == "new":
            shutil.copy(os.path.join(source, name + ".c"), os.path.join(projects, name))
    return re.search(r"^module +(\S+)", done.stdout.decode(), re.M)[1]


class Published(Swaps):
    """Changes to rules and back, and what was seen of them."""

    def to(self, module):
        return self.make("module", lambda: self.system.apply(RULE.format(module)))

    def back(self):
        return self.make("msgqueue", lambda: self.system.try_rhodes("delete", "rule",
                                                                    "carrier"))

    def stream(self):
        """The first bytes that the caller's side has written, as both agents have them."""
        for mine, _ in self.path.shared():
            if mine.name == "rhodes-module":
                return mine.read(BYTES, 200)
        return b""


def play(report, swaps, modules):
    """The changes; what went wrong, or None."""
    try:
        words = swaps.to(modules["netstring"])
        report.check("a protocol that a user wrote carries the edge", True, words)
        stream = swaps.stream()
        report.check("what it makes of a message is what the agents share",
                     re.match(rb"\d+:", stream), repr(stream[:40]) + " ...")
        report.check("another one takes over from it", True, swaps.to(modules["crc"]))
        report.check("without a rule the edge goes by the protocol that it had", True,
                     swaps.back())
    except Failed as reason:
        report.check("the edge changes", False, str(reason))


def step(stage):
    report = stage.report
    report.step("publish", "a protocol that a user wrote is published while frames pass")
    want_tools()
    network = Network(stage)
    describe(report, network)
    report.begin()
    if stage.options.plain:
        return
    system = govern(stage, network)
    flow = Flow(network, system)
    swaps = Published(stage, system, flow)
    modules = {name: publish(stage, system, name, "protocol", source)
               for name, source in SOURCES.items()}
    report.check("two protocols are compiled, checked, signed and stored", True,
                 "\n".join(f"{name} {module}" for name, module in modules.items()))
    for _ in range(max(1, stage.options.rounds // 5)):
        play(report, swaps, modules)
    client, other = flow.finish()
    wrong = fault(client, other)
    report.check("no frame was lost, none came twice or out of order", not wrong, wrong or
                 f"{client['sent']} frames; a change was in force after "
                 f"{statistics.median(swaps.took) * 1000:.0f} ms at the median")
    after = Traffic(network, 2_000, 400, system.prefix("httpclient"), system.env)
    after.check(report, "afterwards frames and events pass as before")
