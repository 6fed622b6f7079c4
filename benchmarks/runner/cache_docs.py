"""Writes benchmarks-cache.md from the figures of cache."""
from . import cache, page, rows

METHOD = """\
P. Cao, E. Felten and K. Li had programs tell the kernel what its file cache is to throw
out (1994), and saved up to 45 % of their run time. Here the cache is that of a service
(`examples/cache`), which reads blocks of 8 KiB with O_DIRECT; what it throws out is a rule
of hook `cache`, as WebAssembly, exchanged by `rhodes apply` between two runs. The program
calls the service over `bind` and knows nothing of Rhodes. It reads in the order in which
theirs did (`examples/cache/pattern.h`), in sizes relative to the cache, which has {slots}
blocks for their 6.4 MB; the disk is of another time and theirs did more with a block, so
misses can be compared with theirs and times cannot. {direct}

All rules, LRU that is compiled into the service, and `pread(2)` run in turn, {rounds} rounds; a
figure is the median, a ratio the median of the ratios within a round. Misses are the same
in every round, and those of lru are the same as a rule and compiled in. When it began, the
load of the machine was {load:.1f}.

* **the kernel's cache**: the same reads with `pread(2)` while nothing limits the page
  cache: nearly all of it is there, also before the first read, as the file was just made.
  It says what a call to another process costs, not what a cache of that size can do.
* **no cache**: each block is forgotten after use (`POSIX_FADV_DONTNEED`).
"""


def every(runner):
    who = [*cache.RULES, cache.NATIVE]
    lines = ["| pattern | reads | " + " | ".join(who) + " |",
             "| --- | --: |" + " --: |" * len(who)]
    for pattern in cache.PATTERNS:
        cells = []
        for name in who:
            misses = runner.get("misses", pattern, name)
            seconds = runner.get("seconds", pattern, name)
            cells.append(f"{misses:.0f}, {seconds * 1e3:.0f} ms")
        reads = runner.get("reads", pattern, "lru")
        lines.append(f"| {pattern} | {reads:.0f} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def write(runner, result, args, seconds):
    intro = "Written by `./bench cache --docs`; the figures are in `build/bench/cache.json`.\n" \
        f"The run took {seconds / 60:.0f} minutes. Ratios count: they were measured side by " \
        "side; absolute\nfigures belong to this machine.\n"
    direct = all(line["direct"] for (_, who), lines in runner.figures.items()
                 for line in lines if who in cache.RULES)
    method = METHOD.format(
        slots=runner.slots, load=runner.load, rounds=rows.number(runner.rounds),
        direct="" if direct else "The file system knew no O_DIRECT, so misses cost too little.")
    page.write(args, "cache.md", "benchmarks-cache.md", page.text_of(
        "a cache whose rule a program chooses", intro, method, [
            ("Goals", page.table(row for row in result if row.goal)),
            ("Goals not met", page.missed(result)),
            ("Misses and run time of all", every(runner)),
            ("Beside lru", page.table(row for row in result if not row.goal))]))
