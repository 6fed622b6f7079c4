"""Step 4: every protocol.  The packet path over each in turn, with its rate, and the
kernel's own word on what carried the calls.
"""
import kernel
from network import Network
from stage import is_running
from step_packets import Traffic, describe, govern

PROTOCOLS = ("msgqueue", "shm", "semaphore", "bind")
# wire/page.h: where the two sides of a page count the calls that went through it
CALLS_BY_CALLER, CALLS_BY_SERVER = 192, 256
PAGE_MAGIC = b"PAGE"


class Watch:
    """Looks at the processes of a path again and again while the client runs."""

    def __init__(self, system):
        agents = system.agents()
        self.agents = {name: agents[name]["pid"] for name in ("httpclient", "net_driver",
                                                              "nic")}
        self.driver = agents["net_driver"]["instances"][0]["pid"]
        self.before = self.switches()
        self.seen = {}

    def switches(self):
        return sum(map(kernel.context_switches, self.agents.values()))

    def note(self, what, value):
        self.seen[what] = max(self.seen.get(what, 0), value)

    def __call__(self, client):
        while is_running(client):
            for name, pid in self.agents.items():
                for number, target in kernel.descriptors(pid).items():
                    self.look(pid, number, target)
            for mine, theirs in kernel.shared(client, self.driver):
                if mine.read(0, 4) == PAGE_MAGIC:
                    self.note("page", min(mine.number(CALLS_BY_CALLER),
                                          theirs.number(CALLS_BY_SERVER)))
            pair = self.agents["httpclient"], self.agents["net_driver"]
            for mine, _ in kernel.shared(*pair):
                self.note("ring " + mine.name, mine.end - mine.start)
        self.after = self.switches()

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
        return seen.get("page", 0) > frames // 2, "httpclient and net_driver share one " \
            f"page; both count at least {seen.get('page', 0)} calls in it"
    rings = [name for name in seen if name.startswith("ring ")]
    return bool(rings), "shared by the two agents: " + ", ".join(rings)


def play(stage, network, protocol):
    report, frames = stage.report, max(stage.options.frames // 5, 1000)
    system = govern(stage, network, protocol)
    watch = Watch(system)
    report.begin()
    traffic = Traffic(network, frames, frames // 5, system.prefix("httpclient"),
                      system.env, watch=watch)
    if not traffic.check(report, f"{protocol}: every frame arrives once"):
        return
    report.note(f"{protocol}: {traffic.rate:,.0f} frames a second")
    carried, words = evidence(protocol, watch, frames)
    report.check(f"{protocol}: its own kernel object carried the calls", carried, words)
    each = (watch.after - watch.before) / (traffic.out + traffic.inward)
    words = f"{each:.3f} context switches of the agents a frame"
    if protocol == "bind":
        report.check("bind: the agents are not on the path", each < 0.05, words)
    else:
        report.note(words)
    edge = system.edge("httpclient", "net_driver", calls=traffic.out + traffic.inward)
    report.check(f"{protocol}: the matrix knows the protocol and counted the calls",
                 edge["protocol"] == protocol and edge["observed"] >= traffic.out + traffic.inward,
                 f"httpclient -> net_driver: {edge['observed']} calls")
    system.down()


def step(stage):
    report = stage.report
    report.step("protocols", "the packet path over every protocol")
    network = Network(stage)
    describe(report, network)
    for protocol in () if stage.options.plain else PROTOCOLS:
        play(stage, network, protocol)
