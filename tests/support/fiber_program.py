"""Threads of Python in many ways; what it prints is the same each time."""
import hashlib
import queue
import sqlite3
import subprocess
import sys
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor


def run_all(*calls):
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def queues():
    items, taken = queue.Queue(8), []

    def produce():
        for i in range(200):
            items.put(i)

    def consume():
        for _ in range(200):
            taken.append(items.get())

    run_all(*[produce] * 4, *[consume] * 4)
    print(len(taken), sum(taken))


def pools():
    with ThreadPoolExecutor(8) as pool:
        parts = pool.map(lambda k: zlib.compress(bytes([k]) * 100000), range(64))
        print(hashlib.sha256(b"".join(parts)).hexdigest())


def events():
    event, barrier = threading.Event(), threading.Barrier(5)
    threading.Timer(0.01, event.set).start()
    print(event.wait(600))
    run_all(*[lambda: [barrier.wait() for _ in range(30)]] * 5)


def database(path):
    with sqlite3.connect(path) as connection:
        connection.execute("create table t(a integer)")

    def insert():
        own = sqlite3.connect(path, timeout=600)
        for i in range(20):
            with own:
                own.execute("insert into t values(?)", (i,))
        own.close()

    run_all(*[insert] * 6)
    print(connection.execute("select count(*), sum(a) from t").fetchone(),
          connection.execute("pragma integrity_check").fetchone())


queues()
pools()
events()
database(sys.argv[1])
run_all(lambda: print(subprocess.run(["echo", "child"], check=True,
                                     capture_output=True).stdout))
