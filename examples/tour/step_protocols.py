"""Step 4: every protocol.  The packet path over each in turn, with its rate, and the
kernel's own word on what carried the calls.
"""
import os
import re
import signal
import time

import kernel
from network import Network
from stage import HERE, is_running
from step_packets import Traffic, describe, govern

PROTOCOLS = ("msgqueue", "shm", "semaphore", "bind")
PAGE_MAGIC = b"PAGE"
# protocols/shm: where the first ring counts the messages put into it
RING_TAIL = 4096


def page_offset(member):
    """Where wire/page.h says that a member of the page's head stands."""
    with open(os.path.join(HERE, "../../wire/page.h"), encoding="utf-8") as header:
        return int(re.search(rf"offsetof\(struct rh_page_head, {member}\) == (\d+)",
                             header.read()).group(1))


class Watch:
    """Looks at the processes of a path again and again while the client runs."""

    def __init__(self, system, protocol):
        self.waiting_tells = protocol in ("msgqueue", "semaphore")
        agents = system.agents()
        self.agents = {name: agents[name]["pid"] for name in ("httpclient", "net_driver",
                                                              "nic")}
        self.driver = agents["net_driver"]["instances"][0]["pid"]
        self.counts = page_offset("by_caller"), page_offset("by_server")
        self.before = self.switches()
        self.seen = {}

    def switches(self):
        return sum(map(kernel.context_switches, self.agents.values()))

    def note(self, what, value):
        self.seen[what] = max(self.seen.get(what, 0), value)

    def __call__(self, client):
        while is_running(client):
            if self.waiting_tells and not self.waiting:
                self.hold_up(client)
            for mine, theirs in kernel.shared(client, self.driver):
                if mine.read(0, 4) == PAGE_MAGIC:
                    self.note("page", min(mine.number(self.counts[0]),
                                          theirs.number(self.counts[1])))
            for mine, _ in kernel.shared(self.agents["httpclient"],
                                         self.agents["net_driver"]):
                self.note("ring " + mine.name, mine.number(RING_TAIL, 4))
        self.after = self.switches()

    def hold_up(self, client):
        """Stops the callee's agent for a moment: what it has not taken yet waits in the
        kernel's object, where it can be seen."""
        agent = self.agents["net_driver"]
        os.kill(agent, signal.SIGSTOP)
        try:
            until = time.monotonic() + 1
            while not self.waiting and is_running(client) and time.monotonic() < until:
                for number, target in kernel.descriptors(agent).items():
                    self.look(agent, number, target)
                if not self.seen:
                    break  # the channel is not there yet
        finally:
            os.kill(agent, signal.SIGCONT)

    @property
    def waiting(self):
        """Whether something was seen to wait in a kernel object."""
        return any(most for name, most in self.seen.items()
                   if name == "semaphore" or name.startswith("queue "))

    def look(self, pid, number, target):
        if target.endswith("-queue"):
            with open(f"/proc/{pid}/fd/{number}", "rb", buffering=0) as queue:
                text = queue.read(200).decode()
            waiting = int(text.split("QSIZE:")[1].split()[0])
            self.note("queue " + target, waiting)
        info = kernel.descriptor_info(pid, number) if "eventfd" in target else {}
        if info.get("eventfd-semaphore") == "1":
            self.note("semaphore", int(info["eventfd-count"], 16))


def evidence(protocol, watch, frames):
    """Whether the protocol's own object was seen to carry the calls, and in words."""
    seen = watch.seen
    if protocol == "msgqueue":
        queues = {name: most for name, most in seen.items() if name.startswith("queue ")}
        return any(queues.values()), "; ".join(
            f"POSIX {name}: up to {most} bytes waiting" for name, most in queues.items())
    if protocol == "semaphore":
        return seen.get("semaphore", 0) > 0, "kernel semaphore (eventfd): up to " \
            f"{seen.get('semaphore', 0)} messages waiting"
    if protocol == "bind":
        return seen.get("page", 0) > frames // 20, "httpclient and net_driver share one " \
            f"page; both count at least {seen.get('page', 0)} calls in it"
    put = max((most for name, most in seen.items() if name.startswith("ring ")), default=0)
    return put > frames // 20, "a ring in memory that the two agents share: at least " \
        f"{put} calls put into it"


def play(stage, network, system, protocol):
    # Enough that the watch gets to look while they are under way.
    report, frames = stage.report, max(stage.options.frames // 5, 20_000)
    watch = Watch(system, protocol)
    report.begin()
    traffic = Traffic(network, frames, 0, system.prefix("httpclient"), system.env,
                      watch=watch)
    if not traffic.check(report, f"{protocol}: every frame arrives once"):
        return
    report.note(f"{protocol}: {traffic.rate:,.0f} frames a second")
    carried, words = evidence(protocol, watch, frames)
    report.check(f"{protocol}: its own kernel object carried the calls", carried, words)
    switches = watch.after - watch.before
    words = f"{switches} context switches of the agents for {frames} frames"
    if protocol == "bind":
        # Attaching and binding take some; after that there is nothing for them to do.
        report.check("bind: the agents are not on the path",
                     switches < 200 + frames // 20, words)
    else:
        report.note(words)
    inward = Traffic(network, 0, frames // 5, system.prefix("httpclient"), system.env)
    inward.check(report, f"{protocol}: frames sent in arrive as events, each once")
    edge = system.edge("httpclient", "net_driver", calls=frames)
    report.check(f"{protocol}: the matrix knows the protocol and counted the calls",
                 edge["protocol"] == protocol and edge["observed"] >= frames,
                 f"httpclient -> net_driver: {edge['observed']} calls")


def step(stage):
    report = stage.report
    report.step("protocols", "the packet path over every protocol")
    network = Network(stage)
    describe(report, network)
    for protocol in () if stage.options.plain else PROTOCOLS:
        system = govern(stage, network, protocol)
        play(stage, network, system, protocol)
        system.down()
