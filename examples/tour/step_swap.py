"""Step 5: swap under load.  While frames pass, the protocol of the edge httpclient ->
net_driver is changed again and again; no frame is lost, none comes twice, and the kernel's
word on what carried the calls changes each time.
"""
import json
import os
import select
import signal
import statistics
import struct
import subprocess
import time

import kernel
from network import Network
from stage import HERE, PATIENCE, PYTHON, Failed
from step_packets import Traffic, describe, govern
from step_protocols import PAGE_MAGIC, RING_TAIL, page_offset

ROUND = ("shm", "bind", "semaphore", "msgqueue")
EDGE = "httpclient", "net_driver"
RULE = """
kind: Rule
metadata: {{name: httpclient-net_driver}}
spec: {{protocol: {{edge: [httpclient, net_driver], use: {}}}}}
"""
TELL = 250  # frames between two words of the client
WINDOW = 1_000  # frames over which a rate is taken
MOST = 10_000_000  # frames; the client is told to stop long before
LOOK = 0.05  # seconds that the reader of a queue is held up
# agent/counters.h: the head, an edge, and where its protocol and its calls stand
HEAD, EDGE_BYTES, PROTOCOL, CALLS = 256, 576, 128, 144


class Flow:
    """httpclient, sending frames until it is told to stop."""

    def __init__(self, network, system):
        self.peer = network.peer(expect=MOST)
        command = [*system.prefix("httpclient"), PYTHON,
                   os.path.join(HERE, "httpclient.py"), f"--send={MOST}",
                   f"--tell={TELL}", "--timeout=600"]
        self.process = network.stage.start(network.enter(command), env=system.env,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE)
        self.pid = self.process.pid
        self.text, self.last = b"", {}

    def wait(self):
        """Until the client has said something that was not read yet; the last of it."""
        words = self.process.stdout.fileno()
        self.text = self.text.rpartition(b"\n")[2]
        while b"\n" not in self.text:
            if not select.select([words], [], [], PATIENCE)[0]:
                raise Failed(f"no frame has passed for {PATIENCE} s")
            while select.select([words], [], [], 0)[0]:
                text = os.read(words, 65536)
                self.text += text
                if text:
                    continue
                if b"\n" in self.text:
                    break
                raise Failed("httpclient ended: " +
                             self.process.stderr.read().decode()[-500:])
        self.last = json.loads(self.text.splitlines()[self.text.count(b"\n") - 1])

    def rate(self):
        """Frames a second, over the next WINDOW of them."""
        self.wait()
        first = self.last
        while self.last["sent"] < first["sent"] + WINDOW:
            self.wait()
        return (self.last["sent"] - first["sent"]) / \
            (self.last["seconds"] - first["seconds"])

    def finish(self):
        """Stops it; its own counts and those of the other end."""
        self.process.stdin.close()
        while "tx_frames" not in self.last:
            self.wait()
        return self.last, self.peer.result()


class Path:
    """The processes of the edge, and what they hold that calls pass through."""

    def __init__(self, system, client):
        agents = system.agents()
        self.caller, self.callee = (agents[name]["pid"] for name in EDGE)
        self.driver = agents["net_driver"]["instances"][0]["pid"]
        self.client = client
        self.counters = os.path.join(system.env["RHODES_RUN_DIR"], "agent",
                                     EDGE[0] + ".counters")
        self.counts = page_offset("by_caller"), page_offset("by_server")

    def counted(self):
        """The protocol that the agent of the caller has in force, and its calls."""
        with open(self.counters, "rb") as file:
            data = file.read()
        for at in range(HEAD, len(data) - EDGE_BYTES + 1, EDGE_BYTES):
            caller, callee, protocol = (
                data[at + start:at + end].split(b"\0")[0].decode()
                for start, end in ((0, 64), (64, 128), (PROTOCOL, CALLS)))
            if (caller, callee) == EDGE:
                return protocol, struct.unpack_from("<Q", data, at + CALLS)[0]
        return None, 0

    def held(self):
        """All of it, whoever of the four holds it."""
        return set().union(*map(kernel.objects,
                                (self.client, self.caller, self.callee, self.driver)))

    def carriers(self, protocol):
        """The objects of a protocol that join both sides, with what each counts."""
        if protocol == "bind":
            return {(mine.name, mine.inode): min(mine.number(self.counts[0]),
                                                 theirs.number(self.counts[1]))
                    for mine, theirs in kernel.shared(self.client, self.driver)
                    if mine.read(0, 4) == PAGE_MAGIC}
        if protocol == "msgqueue":
            names = kernel.objects(self.caller) & kernel.objects(self.callee)
            return {name: self.counted()[1] for name in names
                    if "-".join(EDGE) in name[0]}
        return {(mine.name, mine.inode): mine.number(RING_TAIL, 4)
                for mine, _ in self.shared() if mine.name == "rhodes-" + protocol}

    def shared(self):
        """The memory of both agents."""
        return kernel.shared(self.caller, self.callee)

    def is_waiting(self):
        """Whether a message was seen in the queue, while its reader is stopped."""
        os.kill(self.callee, signal.SIGSTOP)
        try:
            until = time.monotonic() + LOOK
            while time.monotonic() < until:
                for number, target in kernel.descriptors(self.callee).items():
                    if "-".join(EDGE) in target:
                        with open(f"/proc/{self.callee}/fd/{number}", "rb",
                                  buffering=0) as queue:
                            text = queue.read(200).decode()
                        if int(text.split("QSIZE:")[1].split()[0]):
                            return True
        finally:
            os.kill(self.callee, signal.SIGCONT)
        return False


class Swaps:
    """The changes, one after another, and what was seen of them."""

    def __init__(self, stage, system, flow):
        self.report, self.system, self.flow = stage.report, system, flow
        self.path = Path(system, flow.pid)
        self.protocol = "msgqueue"
        self.rates = {protocol: [] for protocol in ROUND}
        self.took, self.faults, self.count = [], [], 0
        self.rate = flow.rate()

    def await_that(self, what, is_so):
        """Looks again after every few frames until it is so."""
        until = time.monotonic() + PATIENCE
        while not is_so():
            if time.monotonic() > until:
                raise Failed(f"not within {PATIENCE} s: {what}")
            self.flow.wait()

    def make(self, protocol, change=None):
        """One change, under load: of the rule, or what `change` does."""
        former, before = self.protocol, self.rate
        old = set(self.path.carriers(former))
        if not old:
            raise Failed(f"nothing of {former} was there to be replaced")
        started = time.monotonic()
        applied = change() if change else self.system.apply(RULE.format(protocol))
        if applied.code != 0:
            raise Failed(applied.stderr.decode())
        self.await_that(f"{protocol} is in force",
                        lambda: self.path.counted()[0] == protocol)
        self.took.append(time.monotonic() - started)
        # Under bind a ring stays for the events of the edge; no call goes through it.
        if protocol != "bind":
            self.await_that(f"what carried {former} is gone",
                            lambda: not old & self.path.held())
        ring = self.path.carriers("shm") if protocol == "bind" else {}
        self.grows(protocol)
        self.rate = self.flow.rate()
        if ring and ring != self.path.carriers("shm"):
            raise Failed("calls go through the ring of shm under bind")
        self.rates.setdefault(protocol, []).append(self.rate)
        self.protocol, self.count = protocol, self.count + 1
        return f"{protocol} {before:,.0f} -> {self.rate:,.0f}"

    def grows(self, protocol):
        """The new object counts, and it is the kernel's word."""
        before = self.path.carriers(protocol)
        self.await_that(f"the counter of {protocol} grows", lambda: any(
            count > before.get(name, 0)
            for name, count in self.path.carriers(protocol).items()))
        if protocol == "msgqueue":
            # Stopped in the middle of a call it sees none; then again.
            self.await_that("a message is seen in the queue", self.path.is_waiting)

    def play(self, rounds):
        for number in range(1, rounds + 1):
            words = []
            for protocol in ROUND:
                try:
                    words.append(self.make(protocol))
                except Failed as reason:
                    self.faults.append(f"round {number}, {self.protocol} -> {protocol}: "
                                       f"{reason}")
                    return
            self.report.note(f"round {number}, frames a second before and after: "
                             + "; ".join(words))


def fault(client, other):
    """None, or what became of the frames that should not have."""
    # The other end was told of more numbers than the client came to send.
    missing = client["sent"] - (other["expected"] - other["lost"])
    wrong = {name: other[name] for name in ("twice", "damaged", "disorder", "dropped")}
    wrong = {**wrong, "lost": missing, "tx_errors": client["tx_errors"]}
    return ", ".join(f"{name}: {count}" for name, count in wrong.items() if count) or None


def step(stage):
    report, rounds = stage.report, stage.options.rounds
    report.step("swap", "the protocol changes while frames pass")
    network = Network(stage)
    describe(report, network)
    report.begin()
    if stage.options.plain:
        return
    system = govern(stage, network)
    flow = Flow(network, system)
    swaps = Swaps(stage, system, flow)
    swaps.play(rounds)
    report.check(f"{rounds} times msgqueue -> shm -> bind -> semaphore -> msgqueue: each "
                 "time what carried the calls is gone, and the new one counts",
                 swaps.count == rounds * len(ROUND), "\n".join(swaps.faults) or
                 f"{swaps.count} changes, each in force after "
                 f"{statistics.median(swaps.took) * 1000:.0f} ms at the median, "
                 f"{max(swaps.took) * 1000:.0f} ms at most, the command included; under "
                 "bind a ring stays for events, and no call goes through it")
    client, other = flow.finish()
    wrong = fault(client, other)
    report.check("no frame was lost, none came twice or out of order", not wrong, wrong or
                 f"{client['sent']} frames")
    report.note("frames a second at the median: " + "; ".join(
        f"{protocol} {statistics.median(rates):,.0f}"
        for protocol, rates in swaps.rates.items() if rates))
    after = Traffic(network, 2_000, 400, system.prefix("httpclient"), system.env)
    after.check(report, "afterwards frames and events pass as before")
