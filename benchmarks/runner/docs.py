"""Writes benchmarks.md from the figures of calls."""
import statistics

from . import page, plan as plans, rows

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


def write(runner, result, args, seconds):
    plan, get = runner.plan, runner.results.get
    others = runner.results.others()
    near, far = runner.results.spread("p50", "slot-spin", "two")
    intro = "Written by `./bench calls --docs`; the figures and every single run are in\n" \
        "`build/bench/calls.json` and `calls.runs.json`, the plots beside them.\n" \
        f"The run took {seconds / 60:.0f} minutes. Ratios count: they were measured side by" \
        " side;\nabsolute figures belong to this machine.\n"
    method = METHOD.format(
        rounds=plan.rounds, sweeps=plan.sweeps, turns=runner.turns,
        loud=f" (except before {runner.loud} runs)" if runner.loud else "",
        near=rows.number(near), far=rows.number(far),
        other=statistics.median(others) if others else 0)
    protocols = tuple(f"{name}, " for name in ["bind"] + plans.PROTOCOLS)
    page.write(args, "calls.md", "benchmarks.md", page.text_of("calls", intro, method, [
        ("Goals and peers", page.table(row for row in result if row.goal or row.peer)),
        ("Goals not met", page.missed(result)),
        ("Other figures", page.table(row for row in result if not row.goal and not row.peer
                                     and not row.name.startswith(protocols))),
        ("Payloads from 64 B to 4 MiB", sizes(get).lstrip())]))
