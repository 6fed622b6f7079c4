"""Draws build/bench/calls-*.svg with gnuplot."""
import os
import subprocess
import sys

from . import plan as plans

HEAD = """set terminal svg size 900,560 dynamic font 'sans,13' background 'white'
set output '{out}'
set title '{title}'
set key {key}
set grid ytics lc rgb '#dddddd'
set style line 1 lc rgb '#1b6ca8' lw 2 pt 7
set style line 2 lc rgb '#d1495b' lw 2 pt 5
set style line 3 lc rgb '#66a182' lw 2 pt 9
set style line 4 lc rgb '#edae49' lw 2 pt 11
set style line 5 lc rgb '#5d4e6d' lw 2 pt 13
set style line 6 lc rgb '#888888' lw 2 pt 4
set style line 7 lc rgb '#a0522d' lw 2 pt 6
"""
SIZE_AXIS = """set logscale xy
set xlabel 'payload, bytes'
set xtics ('64' 64, '256' 256, '1 Ki' 1024, '4 Ki' 4096, '16 Ki' 16384, '64 Ki' 65536, \\
'256 Ki' 262144, '1 Mi' 1048576, '4 Mi' 4194304)
set xrange [50:5500000]
"""


def gnuplot(script):
    try:
        done = subprocess.run(["gnuplot"], input=script, text=True, capture_output=True,
                              check=False)
    except OSError as error:
        print(f"no plot: {error}", file=sys.stderr)
        return
    if done.returncode:
        print(f"no plot: {done.stderr.strip()}", file=sys.stderr)


def lines(path, title, setup, series):
    """Series of (label, points); those without points are left out."""
    series = [(label, [p for p in points if p[1] is not None])
              for label, points in series]
    series = [(label, points) for label, points in series if points]
    if not series:
        return
    data = "".join(f"$data{i} << EOD\n" + "".join(f"{x} {y}\n" for x, y in points) +
                   "EOD\n" for i, (_, points) in enumerate(series))
    plots = ", ".join(f"$data{i} with linespoints ls {i % 7 + 1} title '{label}'"
                      for i, (label, _) in enumerate(series))
    gnuplot(HEAD.format(out=path, title=title, key="left top") + setup + data +
            "plot " + plots + "\n")


def bars(path, title, pairs):
    """One bar a transport, shortest first, with its figure."""
    pairs = sorted((value, label) for label, value in pairs if value is not None)
    if not pairs:
        return
    data = "$data << EOD\n" + "".join(f'{i} {value} "{label}" {value:.3g}\n' for
                                      i, (value, label) in enumerate(pairs)) + "EOD\n"
    gnuplot(HEAD.format(out=path, title=title, key="off") +
            "set boxwidth 0.6\nset style fill solid 0.8\nset ylabel 'microseconds'\n"
            "set yrange [0:*]\nset xtics rotate by -35\n"
            f"set xrange [-0.6:{len(pairs) - 0.4}]\n" + data +
            "plot $data using 1:2:xtic(3) with boxes ls 1, "
            "'' using 1:2:4 with labels offset 0,0.7 notitle\n")


def draw(get, out):
    def path(name):
        return os.path.join(out, f"calls-{name}.svg")

    def sweep(field, transport, place, lanes=None, scale=1):
        return [(size, (lambda v: v and v * scale)(get(field, transport, place, size, lanes)))
                for size in plans.SIZES]

    bars(path("one-core"), "Round trip of 64 bytes, blocking, one core (p50)",
         [(name, get("p50", name, "one")) for name in plans.BLOCKING])
    bars(path("awake"), "Round trip of 64 bytes, both sides awake on two cores (p50)",
         [(name, get("p50", name, "two")) for name in plans.AWAKE])
    lines(path("sizes"), "Round trip against payload, blocking, one core (p50)",
          SIZE_AXIS + "set ylabel 'microseconds'\n",
          [(name, sweep("p50", name, "one")) for name in
           ["bind"] + plans.PROTOCOLS + ["iceoryx", "unix-stream", "grpc"]])
    lines(path("max"), "Maximum latency against payload, two cores (the papers'' Figure 12)",
          SIZE_AXIS + "set ylabel 'microseconds'\n",
          [("bind, a page per thread", sweep("max", "bind", "two")),
           ("one shared queue with atomics", sweep("max", "shared-queue", "two")),
           ("bind, p99.9", sweep("p999", "bind", "two"))])
    lines(path("throughput"), f"Throughput of {plans.QUEUE_LANES} callers against payload "
          "(the papers'' Figure 13)", SIZE_AXIS + "set ylabel 'calls a second'\n"
          "set key right top\n",
          [("bind, a page per thread",
            sweep("rate", "bind", "free", plans.QUEUE_LANES)),
           ("one shared queue with atomics",
            sweep("rate", "shared-queue", "free", plans.QUEUE_LANES))])
    lines(path("callers"), "Calls a second against callers, 64 bytes",
          "set xlabel 'caller threads'\nset ylabel 'calls a second'\nset yrange [0:*]\n"
          "set xtics (1, 2, 4, 8)\nset xrange [0.5:8.5]\n",
          [(name, [(n, get("rate", name, "free", lanes=n)) for n in plans.LANES])
           for name in ("bind", "slot-futex", "unix-stream")])
