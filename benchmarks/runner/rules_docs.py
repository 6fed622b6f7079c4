"""Writes benchmarks-rules.md from the figures of rules."""
from . import page

METHOD = """\
A decision is one call of a rule through the front that agents use (`rules/rule.h`), with
what surrounds it: the buffer is filled, or a table of slots is kept. It is the same source,
compiled twice: by gcc -O2 as a shared library (*native*, which nobody guards), and by clang
as WebAssembly, which our build translates by wasm2c and gcc -O2. Both go through the same
front; what differs is the guard (a stack of its own, a way out of a trap, the watchdog's
mark, the memory's segment) and the code itself. *Portable* does without the GS segment,
*fuel* also counts steps.

* All four builds are loaded in one process and run in turn, 8,000 decisions at a time; a
  figure is the 10th percentile of {rounds} rounds, in processor time of the thread.
* **stock wasm2c**: the same modules by Debian's wabt as it is: its prelude, its runtime
  (`libwasm-rt-impl.a`), and `wasm_rt_impl_try` around each call, which saves the signal mask by
  a system call.
* **V8** {v8}: the same modules, called by a loop in JavaScript, without limits of time
  or a way back from a trap; a call from C++ takes longer.
* **the papers** print 1.5 to 1.6 times native for a scheduler's decision as WebAssembly; they were
  measured on another machine. The figure is in the column *beside* as 1.55.

All engines run one after the other in each of {turns} turns; a ratio is the median over the
turns of the ratios within a turn, and so is the p99 of swaps{loud}.

**Sites.** A function that passes a site (`base/site.h`) beside one that does not, 20,000 calls
at a time; then with the smallest program of eBPF attached, which takes root.

**Publish.** A new version of a rule of six lines: timed from just before `rhodes rule
publish`, which compiles it by clang, sends it, and returns when the center has checked,
translated, built, tried, signed and stored it, through `rhodes apply`, until the center's stream
of events tells that the agent runs it. One agent of `rhodes up`, {publishes} times; and {pooled}
agents in one process (`rhodes-agent --pool`), {spreads} times, where the rule is for
every edge (`["*", hub]`); a percentile is of the agents of one publish, a figure the median
of the publishes, the slowest is of all. Memory is the private memory of that process before and with a
rule in each agent.

**Calls.** One caller, 64 bytes, both edges by shm through two agents, everything on one
core: {calls} times a second without a rule of hook `filter` and a second with one.
"""


def write(runner, result, args, seconds):
    plan = runner.plan
    intro = "Written by `./bench rules --docs`; the figures of every turn are in\n" \
        "`build/bench/rules.json` and `rules.runs.json`. The run took " \
        f"{seconds / 60:.0f} minutes. Ratios count: they\nwere measured side by side; " \
        "absolute figures belong to this machine.\n"
    loud = f" (the machine was not quiet before {runner.loud} of the runs)" if runner.loud \
        else ""
    method = METHOD.format(rounds=plan.rounds, turns=plan.turns, publishes=plan.publishes,
                           v8=runner.v8 or "(not on this machine)", pooled="1,000",
                           spreads=plan.spreads, calls=plan.calls, loud=loud)
    page.write(args, "rules.md", "benchmarks-rules.md", page.text_of(
        "dynamic rules", intro, method, [
            ("Goals", page.table(row for row in result if row.goal)),
            ("Goals not met", page.missed(result)),
            ("Beside others",
             page.table(row for row in result if row.peer and not row.goal)),
            ("Other figures",
             page.table(row for row in result if not row.goal and not row.peer))]))
