#!/usr/bin/python3
"""Boots the guest and follows it to its end:   boot.py --build DIR --parent PID

DIR/guest holds the kernel, the initramfs and, in the file "runs", the arguments of one run of
meson test a line; their logs come to DIR/guest/out, and together to DIR/test/guest.json.
A guest that panics, hangs or does not start is a failed test, with the end of its console
shown.  The guest ends with this program, and this with its parent."""
import argparse
import json
import os
import select
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DONE = b"guest: done"
SILENCE = 1800  # seconds; no test takes that long, and each says when it ends
SHOWN = 60  # lines of the console


def command(build):
    """A PC that has nothing but a console, two processors, and two folders of the host."""
    guest = os.path.join(build, "guest")
    words = ("console=ttyS0 quiet oops=panic panic=-1 "
             f"rhodes.build={build} rhodes.ci={HERE}")
    return ["setpriv", "--pdeathsig", "KILL", "nice", "qemu-system-x86_64",
            "-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2",
            "-m", "3072", "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-serial", "stdio", "-device", "virtio-rng-pci",
            "-kernel", os.path.join(guest, "vmlinuz"),
            "-initrd", os.path.join(guest, "initramfs"), "-append", words,
            "-virtfs", "local,path=/,mount_tag=host,security_model=none,"
                       "readonly=on,multidevs=remap",
            "-virtfs", f"local,path={guest}/out,mount_tag=out,security_model=none"]


def follow(qemu, console):
    """Shows what the guest says, and keeps it.  Why the guest ended; None if well."""
    said = b""
    while True:
        ready, _, _ = select.select([qemu.stdout], [], [], SILENCE)
        if not ready:
            return f"nothing was heard of the guest for {SILENCE} s"
        some = os.read(qemu.stdout.fileno(), 65536)
        if not some:
            break
        some = some.replace(b"\r", b"")
        console.write(some)
        sys.stdout.buffer.write(some)
        sys.stdout.flush()
        said = (said + some)[-65536:]
    if DONE in said:
        return None
    return f"the guest ended before its tests did (exit code of qemu: {qemu.wait()})"


def boot(build, path):
    """Why the guest did not reach its end; None if it did."""
    with open(path, "wb", buffering=0) as console, \
            subprocess.Popen(command(build), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as qemu:
        try:
            return follow(qemu, console)
        finally:
            qemu.kill()


def tail(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return "".join(file.readlines()[-SHOWN:])


def gather(build, why):
    """Puts the logs together.  A run without one did not come to its end."""
    guest, failed = os.path.join(build, "guest"), False
    with open(os.path.join(build, "test", "guest.json"), "w", encoding="utf-8") as log, \
            open(os.path.join(guest, "runs"), encoding="utf-8") as runs:
        for number, words in enumerate(runs, 1):
            try:
                with open(f"{guest}/out/{number}.json", encoding="utf-8") as file:
                    lines = file.readlines()
            except FileNotFoundError:
                lines = []
            lines = lines or [json.dumps({"name": "guest: " + words.strip(),
                                          "result": "FAIL"}) + "\n"]
            failed |= any(json.loads(line)["result"] not in ("OK", "SKIP")
                          for line in lines)
            log.writelines(lines)
        if why:
            log.write(json.dumps({"name": "guest: " + why, "result": "FAIL"}) + "\n")
    return failed or why is not None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args()
    if os.getppid() != options.parent:
        sys.exit("boot.py: who started it is gone")
    build = os.path.abspath(options.build)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    console, began = os.path.join(build, "guest", "console.log"), time.monotonic()
    why = boot(build, console)
    if why:
        print(f"The end of the guest's console ({console}):\n{tail(console)}\n{why}")
    print(f"The guest ran for {time.monotonic() - began:.0f} s.")
    sys.exit(gather(build, why))


if __name__ == "__main__":
    main()
