"""Many threads call while their callee is killed again and again, and while this process
forks: storm_test.py drives it.

    storm.py RESOURCE THREADS

Prints "started" when each thread has called once, calls until standard input ends, and then
"ok N lost N", or what went wrong and 1.
"""
import importlib
import os
import sys
import threading

import rhodes

FORKS = 10


class Storm:
    def __init__(self, resource, threads):
        self.ts = importlib.import_module(resource)
        self.lock = threading.Lock()
        self.ends = threading.Event()
        self.started = threading.Barrier(threads + 1)
        self.calls = self.lost = 0
        self.wrong = []

    def same(self, got, wanted):
        if got != wanted:
            self.wrong.append(f"{str(got)[:80]!r} is not {str(wanted)[:80]!r}")

    def round(self, number):
        self.same(self.ts.ts_add(number, 1), number + 1)
        self.same(self.ts.ts_repeat("ab", 500), "ab" * 500)
        with self.ts.ts_doc_open("storm") as doc:
            self.same(self.ts.ts_doc_add(doc, "four"), 4)
            self.same(self.ts.ts_doc_title(doc), "storm")

    def loop(self):
        calls = lost = 0
        kept = self.ts.ts_doc_open("kept")
        self.ts.ts_add(1, 2)
        self.started.wait()
        while not self.ends.is_set():
            try:
                calls += 1
                self.round(calls)
                self.ts.ts_doc_add(kept, "x")
            except rhodes.RhodesLostError:
                lost += 1
                kept.close()
                kept = None
                while kept is None:
                    try:
                        kept = self.ts.ts_doc_open("kept")
                    except rhodes.RhodesLostError:
                        lost += 1
        kept.close()
        self.same(self.ts.ts_add(4, 5), 9)
        with self.lock:
            self.calls += calls
            self.lost += lost

    def run(self):
        try:
            self.loop()
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.wrong.append(repr(error))
            self.started.abort()

    def fork(self):
        """A child calls for itself, whatever the threads were doing."""
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if self.ts.ts_add(20, 1) == 21 else 1)
            finally:
                os._exit(2)
        self.same(os.waitpid(child, 0)[1], 0)


def main():
    storm = Storm(sys.argv[1], int(sys.argv[2]))
    threads = [threading.Thread(target=storm.run) for _ in range(int(sys.argv[2]))]
    for thread in threads:
        thread.start()
    try:
        storm.started.wait()
    except threading.BrokenBarrierError:
        pass
    for _ in range(FORKS):
        storm.fork()
    print("started", flush=True)
    sys.stdin.read()
    storm.ends.set()
    for thread in threads:
        thread.join()
    print("\n".join(storm.wrong) or f"ok {storm.calls} lost {storm.lost}")
    return bool(storm.wrong)


if __name__ == "__main__":
    sys.exit(main())
