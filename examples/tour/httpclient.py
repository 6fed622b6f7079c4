#!/usr/bin/python3
"""An HTTP client that brings its own TCP/IP and drives the network card itself.

    httpclient.py [--send N] [--receive N] [--tell N] [--timeout S]

It sends N numbered requests, each in a whole Ethernet frame, through
igb_xmit_frame_ring() of libnetdriver.so, and pulls N numbered responses from the
driver's receive ring.  It prints one line of JSON.  With --tell it also prints how many
it has sent and in which time, each N frames, and stops sending when standard input ends.
It knows nothing of Rhodes.
"""
import argparse
import ctypes
import json
import os
import select
import sys
import time

import frames

NETDEV_TX_OK, NETDEV_TX_BUSY = 0x00, 0x10
TX_ROOM, TX_IDLE, RX_READY = 1, 2, 4
WAIT_MS = 1000


class SkBuff(ctypes.Structure):
    _fields_ = [("len", ctypes.c_uint32), ("data", ctypes.c_uint8 * 1514)]


class Stats(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in
                ("tx_frames", "tx_errors", "tx_busy", "nic_busy", "rx_frames",
                 "rx_taken", "rx_missed", "rx_interrupts", "rx_polls")]


def load_driver():
    driver = ctypes.CDLL("libnetdriver.so", use_errno=True)
    ring, skb = ctypes.c_void_p, ctypes.POINTER(SkBuff)
    driver.igb_ring_open.restype = ring
    driver.igb_ring_close.argtypes = [ring]
    driver.igb_xmit_frame_ring.argtypes = [skb, ring]
    driver.igb_clean_rx.argtypes = [ring, skb]
    driver.igb_ring_wait.argtypes = [ring, ctypes.c_int, ctypes.c_int]
    driver.igb_ring_stats.argtypes = [ring, ctypes.POINTER(Stats)]
    driver.igb_ring_device.argtypes = [ring]
    driver.igb_ring_device.restype = ctypes.c_char_p
    return driver


def check(result, what):
    if result is None or (isinstance(result, int) and result < 0):
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


class Client:
    def __init__(self, to_send, to_receive, timeout, tell=0):
        self.driver = load_driver()
        self.ring = check(self.driver.igb_ring_open(), "igb_ring_open")
        self.to_send, self.to_receive = to_send, to_receive
        self.started = time.monotonic()
        self.deadline = self.started + timeout
        self.tell = tell
        self.sent = 0
        self.seen = bytearray(to_receive)
        self.received = self.damaged = self.distinct = 0
        self.skb, self.incoming = SkBuff(), SkBuff()
        self.skb_ref = ctypes.byref(self.skb)
        self.incoming_ref = ctypes.byref(self.incoming)

    def send(self):
        """Sends until the driver is busy or all is sent."""
        xmit, skb, ring = self.driver.igb_xmit_frame_ring, self.skb_ref, self.ring
        data = ctypes.addressof(self.skb) + SkBuff.data.offset
        while self.sent < self.to_send:
            frame = frames.request(self.sent)
            ctypes.memmove(data, frame, len(frame))
            self.skb.len = len(frame)
            if check(xmit(skb, ring), "igb_xmit_frame_ring") == NETDEV_TX_BUSY:
                return
            self.sent += 1
            if self.tell and self.sent % self.tell == 0:
                self.progress()

    def progress(self):
        """Tells how far it is; nothing more is to send when standard input has ended."""
        print(json.dumps({"sent": self.sent, "seconds": time.monotonic() - self.started}),
              flush=True)
        if select.select([sys.stdin], [], [], 0)[0]:
            self.to_send = self.sent

    def receive(self):
        """Pulls what the ring holds."""
        clean, skb, ring = self.driver.igb_clean_rx, self.incoming_ref, self.ring
        data = ctypes.addressof(self.incoming) + SkBuff.data.offset
        while check(clean(ring, skb), "igb_clean_rx"):
            self.received += 1
            number = frames.response(ctypes.string_at(data, self.incoming.len))
            if not 0 <= number < self.to_receive:
                self.damaged += 1
                continue
            self.distinct += not self.seen[number]
            self.seen[number] = min(self.seen[number] + 1, 255)

    def run(self):
        while self.sent < self.to_send or self.received < self.to_receive:
            self.send()
            wanted = TX_ROOM if self.sent < self.to_send else 0
            if self.received < self.to_receive:
                wanted |= RX_READY
                self.receive()
            if wanted == TX_ROOM or self.received < self.to_receive:
                self.wait(wanted)
        self.wait(TX_IDLE)

    def wait(self, wanted):
        ready = 0
        while wanted and not ready & wanted:
            if time.monotonic() > self.deadline:
                raise TimeoutError(f"sent {self.sent} of {self.to_send}, received "
                                   f"{self.received} of {self.to_receive} in time")
            ready = check(self.driver.igb_ring_wait(self.ring, wanted, WAIT_MS),
                          "igb_ring_wait")

    def report(self):
        stats = Stats()
        check(self.driver.igb_ring_stats(self.ring, ctypes.byref(stats)), "igb_ring_stats")
        report = {name: getattr(stats, name) for name, _ in Stats._fields_}
        report.update(pid=os.getpid(), device=self.driver.igb_ring_device(self.ring).decode(),
                      sent=self.sent, received=self.received, damaged=self.damaged,
                      lost=self.to_receive - self.distinct,
                      twice=self.received - self.damaged - self.distinct, seconds=time.monotonic() - self.started)
        return report

    def close(self):
        self.driver.igb_ring_close(self.ring)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--send", type=int, default=1000)
    parser.add_argument("--receive", type=int, default=0)
    parser.add_argument("--tell", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=300)
    options = parser.parse_args()
    try:
        client = Client(options.send, options.receive, options.timeout, options.tell)
        client.run()
        print(json.dumps(client.report()))
        client.close()
    except OSError as error:
        print(f"httpclient: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
