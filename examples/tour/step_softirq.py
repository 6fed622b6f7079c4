"""The papers' softirq path.  The nic fills its ring and raises an interrupt; the
driver's handler leaves the work to ksoftirqd, which has the driver poll the nic.  When,
and how much at a time, is a rule: interrupts, polling and an adaptive one are compared,
then exchanged while frames come.
"""
import os
import threading

from network import Network
from stage import HERE, Failed
from step_packets import Traffic, describe, govern
from step_publish import publish, want_tools

LIBRARY = os.path.join(HERE, "../../rules/library/softirq")
NAMES = ("interrupt", "polling", "adaptive")
RULE = """
kind: Rule
metadata: {{name: moderation}}
spec: {{code: {{hook: softirq, resource: net_driver, module: {}, mode: wasm, params: {}}}}}
"""
FEW = 4  # frames in a round, as far as a rule allows it


class Moderation:
    """The rule of the driver, and what was measured under each."""

    def __init__(self, stage, system, network):
        self.stage, self.system, self.network = stage, system, network
        self.modules = {name: publish(stage, system, name, "softirq", LIBRARY)
                        for name in NAMES}
        self.counts = {}

    def to(self, name, params="{}"):
        applied = self.system.apply(RULE.format(self.modules[name], params))
        if applied.code != 0:
            raise Failed(f"the rule {name}: {applied.stderr.decode()}")
        self.system.await_rule("moderation")

    def receive(self, frames, watch=None):
        return Traffic(self.network, 10, frames, self.system.prefix("httpclient"),
                       self.system.env, watch=watch)

    def measure(self, name, frames):
        self.to(name)
        traffic = self.receive(frames)
        traffic.check(self.stage.report, f"under the rule {name} every frame arrives once")
        if traffic.client:
            self.counts[name] = traffic.client

    def restrict(self, frames):
        """The same rule with another budget, which the driver has from one round to the next."""
        few = f'{{budget: "{FEW}"}}'
        traffic = self.receive(frames, watch=lambda _: self.to("interrupt", few))
        traffic.check(self.stage.report, "while the budget changes: the same")
        traffic = self.receive(frames)
        if traffic.client:
            polls = traffic.client["rx_polls"]
            self.stage.report.check(f"a round takes no more than a budget of {FEW}",
                                    polls * FEW >= frames, f"{polls} polls for {frames} frames")

    def turn(self, is_over, turns):
        """From one rule to the next until it is over."""
        while not is_over.is_set():
            for name in NAMES:
                self.to(name)
                turns.append(name)


def compare(report, counts):
    if len(counts) < len(NAMES):
        return
    few, many = counts["polling"], counts["interrupt"]
    report.check("polling does without interrupts",
                 few["rx_interrupts"] < many["rx_interrupts"],
                 "\n".join(f"{name}: {count['rx_interrupts']} interrupts, "
                           f"{count['rx_polls']} polls for {count['rx_taken']} frames, "
                           f"{count['rx_taken'] / count['seconds']:,.0f} frames a second"
                           for name, count in counts.items()))


def step(stage):
    report = stage.report
    report.step("softirq", "interrupts of the nic, ksoftirqd, and the rule between them")
    want_tools()
    network = Network(stage)
    describe(report, network)
    report.begin()
    if stage.options.plain:
        return
    moderation = Moderation(stage, govern(stage, network), network)
    report.check("three rules are compiled, checked, signed and stored", True,
                 "\n".join(f"{name} {module}"
                           for name, module in moderation.modules.items()))
    frames = max(500, stage.options.frames // 20)
    for name in NAMES:
        moderation.measure(name, frames)
    compare(report, moderation.counts)
    moderation.to("interrupt")
    moderation.restrict(frames)
    is_over, turns = threading.Event(), []
    changer = threading.Thread(target=moderation.turn, args=(is_over, turns))
    changer.start()
    traffic = moderation.receive(2 * frames)
    is_over.set()
    changer.join()
    traffic.check(report, f"while the rule changed {len(turns)} times: the same")
