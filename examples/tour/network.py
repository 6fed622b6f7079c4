"""The network of the steps with frames: a fresh namespace, the device in it, and the other
end of its link.
"""
import json
import os
import subprocess

from stage import Skip, run, stop


class Network:
    """A network namespace that lives as long as the tour.

    It is held by a process that ends when its standard input does, so that it goes even
    when the tour is killed.  Without root it stands in a user namespace of its own.
    """

    def __init__(self, stage):
        self.stage = stage
        self.is_root = os.geteuid() == 0
        unshare = ["unshare", "--net"] + ([] if self.is_root else ["--user",
                                                                   "--map-root-user"])
        self.holder = stage.start(unshare + ["sh", "-c", "echo ready; exec cat >/dev/null"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        if self.holder.stdout.readline() != b"ready\n":
            raise Skip("no network namespace may be made here: " +
                       self.holder.stderr.read().decode().strip())
        self.kind, self.why = self.make_device()

    def enter(self, command):
        """The command line that runs a command inside."""
        users = [] if self.is_root else ["--user", "--preserve-credentials"]
        return ["nsenter", f"--target={self.holder.pid}", "--net", *users, "--", *command]

    def ip(self, *words):
        return run(self.enter(["ip", *words]))

    def make_device(self):
        """A TAP device, or a veth pair where TAP may not be opened."""
        wanted = self.stage.options.device
        if wanted != "veth":
            made = self.ip("tuntap", "add", "dev", "rhtap", "mode", "tap")
            if made.code == 0:
                self.bring_up("rhtap")
                self.interface = "rhtap"
                return "tap", ""
            why = made.stderr.decode().strip()
            if wanted == "tap":
                raise Skip(f"no TAP device may be opened here: {why}")
        else:
            why = "asked for"
        made = self.ip("link", "add", "rhnic", "type", "veth", "peer", "name", "rhpeer")
        if made.code != 0:
            raise Skip(f"neither TAP nor veth: {why}; {made.stderr.decode().strip()}")
        self.bring_up("rhnic")
        self.bring_up("rhpeer")
        self.interface = "rhpeer"
        return "veth", why

    def bring_up(self, name):
        # Without IPv6 and ARP the kernel sends no frames of its own.
        run(self.enter(["sh", "-c", f"echo 1 >/proc/sys/net/ipv6/conf/{name}/disable_ipv6"]))
        self.ip("link", "set", "dev", name, "arp", "off", "up")

    @property
    def environment(self):
        """What tells libnic where its device is, for a process started inside."""
        return {"TOUR_NETNS": "here", "TOUR_NIC": self.kind}

    def peer(self, **options):
        return Peer(self, options)


class Peer:
    """The other end of the link: counts every frame and sends frames in."""

    def __init__(self, network, options):
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        self.process = network.stage.start(
            network.enter([network.stage.program("peer"),
                           f"--interface={network.interface}", *words]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise Skip("the other end of the link does not start")

    def result(self):
        """Tells it that nothing more comes, and returns its counts."""
        self.process.stdin.close()
        line = self.process.stdout.readline()
        stop(self.process)
        return json.loads(line)
