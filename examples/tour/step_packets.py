"""Step 2: the papers' packet path, httpclient -> net_driver -> nic."""
import json
import os

from network import Network
from stage import HERE, PYTHON, run
from system import System

STALL = {"stall_after": 2000, "stall_ms": 300}


class Traffic:
    """One run of httpclient against the other end of the link.

    `watch(pid)` is called while it runs.
    """

    def __init__(self, network, out, inward, prefix=(), env=None, watch=None):
        peer = network.peer(expect=out, send=inward, **(STALL if out > 5000 else {}))
        self.run = run(network.enter([*prefix, *self.command(out, inward)]), env={**os.environ, **(env or {})},
                       watch=watch)
        self.peer = peer.result()
        self.client = json.loads(self.run.stdout) if self.run.code == 0 else None
        self.out, self.inward = out, inward

    def command(self, out, inward):
        return [PYTHON, os.path.join(HERE, "httpclient.py"), f"--send={out}",
                f"--receive={inward}", "--timeout=600"]

    @property
    def error(self):
        """None, or what went wrong."""
        if not self.client:
            return f"httpclient ended with {self.run.code}: {self.run.stderr.decode()[-500:]}"
        wrong = {f"{who} {name}": counts[name]
                 for who, counts, names in (
                     ("frames out", self.peer, ("lost", "twice", "damaged", "disorder",
                                                "dropped")),
                     ("frames in", self.client, ("lost", "twice", "damaged", "rx_missed")),
                     ("driver", self.client, ("tx_errors",)))
                 for name in names if counts[name]}
        if self.client["rx_taken"] != self.inward:
            wrong["frames from the nic"] = self.client["rx_taken"]
        return ", ".join(f"{name}: {count}" for name, count in wrong.items()) or None

    @property
    def rate(self):
        return (self.out + self.inward) / self.client["seconds"]

    def check(self, report, what):
        detail = self.error
        if not detail:
            client, other = self.client, self.peer
            parts = [f"{self.rate:,.0f} frames a second"]
            if self.out:
                parts.append(f"out {other['received']}, each number once and in order, held "
                             f"back {client['tx_busy']} times at the driver and "
                             f"{client['nic_busy']} times at the nic")
            if self.inward:
                parts.append(f"in {client['received']}, each number once, by "
                             f"{client['rx_polls']} polls after {client['rx_interrupts']} "
                             f"interrupts, the other end held back {other['waits']} times")
            detail = "; ".join(parts)
        return report.check(what, not self.error, detail)


def describe(report, network):
    if network.kind == "tap":
        report.note("The device is a TAP device in a fresh network namespace.")
    else:
        report.note(f"The device is a veth pair with a packet socket: {network.why}.")


def govern(stage, network, protocol=None):
    """The system, in the network namespace."""
    return System(stage, inside=network.enter, env=network.environment, protocol=protocol)


def step(stage):
    report, options = stage.report, stage.options
    report.step("packets", "httpclient -> net_driver -> nic, the papers' packet path")
    network = Network(stage)
    describe(report, network)
    report.begin()
    inward = options.frames // 5
    env = {"LD_LIBRARY_PATH": stage.programs, **network.environment}
    plain = Traffic(network, options.frames, inward, env=env)
    plain.check(report, "without Rhodes, all in one process: every frame arrives once")
    if options.plain:
        return
    system = govern(stage, network)
    report.check("the system is up", True, system.path("httpclient", "net_driver", "nic"))
    traffic = Traffic(network, options.frames, inward, system.prefix("httpclient"),
                      system.env)
    traffic.check(report, "under Rhodes, three processes and their agents: the same")
    if traffic.client:
        report.note(f"pids: httpclient {traffic.client['pid']}; "
                    + system.path("httpclient", "net_driver", "nic")[6:])
