#!/usr/bin/python3
"""cache_sequence.c again, with the cache of rhodes_rule."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../sdk/python"))

from rhodes_rule import Cache  # pylint: disable=wrong-import-position


def main():
    gone = []
    cache = Cache(sys.argv[1], int(sys.argv[2]), on_evict=lambda key, value: gone.append(key))
    for line in sys.stdin:
        if line == "\n":
            print(cache.rule or "", flush=True)
            continue
        key = int(line)
        if cache.get(key) is None:
            cache[key] = str(key)
        assert cache._entries[cache._slots[key]] == (key, str(key))
        print(gone.pop() if gone else "-", flush=True)
    cache.close()


main()
