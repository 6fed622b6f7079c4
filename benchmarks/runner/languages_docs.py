"""Writes benchmarks-languages.md from the figures of languages."""
from . import page, rows

METHOD = """\
One function of one service in C (`ts_add` of `examples/languages`, two numbers in and one out) is called
from a program in every language, over `bind`. The programs (`benchmarks/languages`) do the same: {calls} calls,
each of them timed (p50, p99: the language's own clock is inside), and then as many in batches of
64; *a call* is the median of what a call of a batch takes. All run in turn, {rounds} rounds; a figure is the median, a ratio
the median of the ratios within a round. When it began, the load of the machine was {load:.1f}.

* **awake, two cores**: the caller on the first CPU, the service on the last; both spin for a moment before they sleep.
* **blocking, one core**: both on one CPU.

Beside them stands what programs of that language use today: to call the library inside their own process, where a crash of it is
theirs, and gRPC to a server in Python, messages packed by hand.
"""


def write(runner, result, args, seconds):
    intro = "Written by `./bench languages --docs`; the figures are in" \
        " `build/bench/languages.json`.\n" \
        f"The run took {seconds / 60:.0f} minutes. Ratios count: they were measured side by " \
        "side; absolute\nfigures belong to this machine.\n"
    method = METHOD.format(calls=runner.calls, rounds=rows.number(runner.rounds),
                           load=runner.load)
    page.write(args, "languages.md", "benchmarks-languages.md", page.text_of(
        "every language", intro, method, [
            ("Goals", page.table(row for row in result if row.goal)),
            ("Goals not met", page.missed(result)),
            ("Figures", page.table(row for row in result if not row.goal))]))
