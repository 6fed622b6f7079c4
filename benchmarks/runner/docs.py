"""Writes benchmarks.md from the figures: the machine, the method, the rows, and what was
missed with its cause (benchmarks/causes.json, kept by hand)."""
import fnmatch
import json
import os
import statistics

from . import host, plan as plans, rows

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

METHOD = """\
Every transport runs under the same caller loop (`benchmarks/harness/`): the caller stores
the number of the call in a private payload and hands it over; the server reads the first
word of each 64-byte line of what arrived and answers their 8-byte sum; the caller checks
it. So each pays one read of the payload at the server, and those that share memory one
copy into it. One call is outstanding a caller. A call is timed by the monotonic clock, and
the two readings are inside the figure. A tenth of the calls run first, untimed.

* **one core**: caller, server and whatever is between them on one CPU, blocking. The
  steadiest column of a virtual machine.
* **two cores**: the caller on the first CPU, everything else on the last. *Awake* means
  that the transport spins there, so no sleeper is woken. A virtual machine's two CPUs are
  moved while it runs: for seconds they are threads of one core, then cores apart, and a
  line goes there and back in {near} to {far} us (the bare spinning slot, lowest and
  highest median). So a ratio of two awake ones is the median over {turns} turns of the
  ratio of two runs right after each other.
* **free**: as the scheduler likes. It sometimes keeps both sides on one CPU and sometimes
  splits them, so compare these roughly.

All transports run in turn, {rounds} rounds for 64 bytes and {sweeps} for the sizes; a
figure is the median of the rounds' figures, a maximum the worst of all rounds. CPU time is
the user and system time of every process on the path, agents and broker too. Before each
run the machine was at most 10 % busy for 100 ms{loud}; during the timed spans everything
else used {other:.1f} % of it (median).

The peers: a bare slot in shared memory, spinning and with futexes; a pipe; a Unix stream
socket; POSIX queues; dbus-daemon with sd-bus; gRPC for C++ over a Unix socket; iceoryx
with its wait set, and polling; one queue for all callers, made safe by atomics, as the
papers' Linux baseline. All come from Debian 12.
"""


def table(result):
    lines = ["| " + " | ".join(rows.HEADINGS) + " |", "| --- | --: | --: | --: | --- | --- |"]
    lines += ["| " + " | ".join(rows.cells(row)) + " |" for row in result]
    return "\n".join(lines) + "\n"


def sizes(get):
    text = ""
    for protocol in ["bind"] + plans.PROTOCOLS:
        for place, where in (("one", "one core"), ("two", "two cores")):
            text += f"\n### {protocol}, {where}\n\n" \
                "| payload | p50 us | p99 us | p99.9 us | max us | MB/s |\n" \
                "| --- | --: | --: | --: | --: | --: |\n"
            for size in plans.SIZES:
                figures = [get(field, protocol, place, size)
                           for field in ("p50", "p99", "p999", "max")]
                rate = get("rate", protocol, place, size)
                figures.append(rate and rate * size / 1e6)
                text += f"| {plans.label(size)} | " + \
                    " | ".join(map(rows.number, figures)) + " |\n"
    return text


def missed(result):
    with open(os.path.join(HERE, "causes.json"), encoding="utf-8") as file:
        causes = json.load(file)
    text = ""
    for row in result:
        if row.met is not False:
            continue
        known = [cause["text"] for cause in causes
                 if fnmatch.fnmatchcase(row.name, cause["rows"])]
        ratio = f" ({row.ratio:.2f}x)" if row.ratio else ""
        text += f"* **{row.name}**: {rows.number(row.value)} {row.unit}{ratio}, goal " \
            f"{row.goal}. {known[0] if known else 'Cause not found yet.'}\n"
    return text or "None.\n"


def write(runner, result, args, seconds):
    plan, get = runner.plan, runner.results.get
    loud = f" (except before {runner.loud} runs)" if runner.loud else ""
    others = runner.results.others()
    near, far = runner.results.spread("p50", "slot-spin", "two")
    machine = "".join(f"| {label} | {text} |\n" for label, text in host.describe())
    text = "# Benchmarks: calls\n\n" \
        "Written by `./bench calls --docs`; the figures and every single run are in\n" \
        "`build/bench/calls.json` and `calls.runs.json`, the plots beside them.\n" \
        f"The run took {seconds / 60:.0f} minutes. Ratios count: they were measured side by" \
        " side;\nabsolute figures belong to this machine.\n" \
        f"\n## Machine\n\n| | |\n| --- | --- |\n{machine}" \
        "\n## Method\n\n" + METHOD.format(
            rounds=plan.rounds, sweeps=plan.sweeps, loud=loud, turns=runner.turns,
            near=rows.number(near), far=rows.number(far),
            other=statistics.median(others) if others else 0) + \
        "\n## Goals and peers\n\n" + \
        table([row for row in result if row.goal or row.peer]) + \
        "\n## Goals not met\n\n" + missed(result) + \
        "\n## Other figures\n\n" + \
        table([row for row in result if not row.goal and not row.peer
               and not any(row.name.startswith(f"{p}, ") for p in
                           ["bind"] + plans.PROTOCOLS)]) + \
        "\n## Payloads from 64 B to 4 MiB\n" + sizes(get)
    paths = [os.path.join(args.out, "calls.md")]
    if args.docs:
        paths.append(os.path.join(HERE, os.pardir, "docs", "benchmarks.md"))
    for path in paths:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
