"""Writes benchmarks-sched.md from the figures of sched."""
from . import carriers, page, paired, programs, rows, softirqs

METHOD = """\
The same program files run under

* **Linux**: as they are;
* **host**: `rhodes run --sched cfs --carrier host`; the rule is the kernel's own class, so it is
  1.0 by construction, and the row shows what the noise is;
* **fiber**: `--carrier fiber`, the rule `cfs` that comes with the runtime, native code;
* **fiber, wasm**: `--carrier fiber`, the same source as WebAssembly, lent to the running program
  by the agent of its resource.

One process under each of them (`bench-span`) starts and times the programs: from the fork until
the end for applications, by the program itself for all others, whose threads begin when the rule
orders them. {order} A program runs under all four, right after each other, another
one of the four first each time. *Figure* and *beside* are medians; *ratio* is
the median of the ratios of two runs of one turn; in brackets its interval with a confidence of
95 %, exact by the binomial distribution of signs, whatever the ratios' distribution is: {intervals}. A goal is for the upper bound.{loud}

What a program made must be the same bytes (or the same sum) under all four in all turns, no
thread may have been evicted from `fiber`, and the rule in force must be the one named; else
the run fails{failures}. What ends before a lent rule has come is left out{too_short}.

* **task** (Figure 14): threads with 20 ms of work each in pieces of 10 us, and a lock after each;
  from before the first one is created until the last one has ended.
* **wake-up**: as schbench does it, a messenger wakes workers that told it that they are idle; each
  works 50 us and waits again. From just before it is woken until it runs.
* **message**: as hackbench does it, two groups of five senders and five receivers, 100 bytes from
  every sender to every receiver in turn, for 100 ms; time for each. Pipes and sockets hold a page.
* **queued thread, all others asleep**: one thread more than processors compute; at a moment when all but one run, those
  sleep in the kernel by a call that no library sees. Until the one runs, counted from the last that went to sleep.
* **hand-over**: two threads in turn; on one processor (the whole process) or as they like.
* **applications** (Figure 15): unmodified programs of Debian, 8 threads. pbzip2 (blocks of
  900 kB for the large input, 300 kB for the small one), zstd -12 and xz -1 compress words, the same each time.
  WhiteDB: a program of ours on libwgdb (`benchmarks/sched/whitedb.c`); each of 8 threads inserts
  2,000 records, then finds, changes and replaces them 6,000 times, in transactions. A fault of
  the library's lock is mended in the program, for all carriers alike (`turn.c`).

**Softirqs.** Tasklets (`rhodes-softirq.h`) beside a thread with a queue (mutex and condition), both
{tasklets:,} times in each of {runs} turns on one processor; then a ring of 1,024 packets that a thread
on the first processor fills, with an event when interrupts are on, and a driver on the last one, under
each of the three rules that come with Rhodes, as WebAssembly, lent by the agent. *A thread alone*
reads the event and empties the ring without tasklets. {ring_ms} ms each; processor time is all but the feeder's.

**Decisions.** A decision is what a carrier asks of a run queue (`rules/runqueue.h`) when it switches: the
thread that ran is stopped, the rule charges its time and says its new key, it goes into a
red-black tree, and the least one is taken out (`rh_runqueue_stop`, `rh_runqueue_pick`). All
threads are always runnable; each runs for 1 ms of a clock that is a number; half of them ask for
a budget, which only `deadline` looks at. The switch itself is not in it.

* Each rule is one C source: *native* is gcc -O2's object, *wasm* what our build makes of
  clang's module, *built in* the same source as a part of the program, *no rule* the run queue
  alone, first in first out.
* All are loaded in one process and run in turn, 5,000 decisions at a time; a figure is the 10th
  percentile of {rounds} rounds, in processor time of the thread, then the median of {turns} turns{decisions_loud}.
  Ratios are medians of those within a turn.
* **Linux**: two threads on one processor that do nothing but `sched_yield`, processor time for
  each yield. That is its decision and its switch and the system call: not the same thing, but what
  a program pays now.
"""
PICTURES = {"task": ("Task latency", "sched-task.svg"),
            "wake": ("Waking, messages and switches", "sched-wake.svg"),
            "application": ("Applications", "sched-applications.svg"),
            "tasklets": ("Tasklets", "sched-tasklets.svg"),
            "decisions": ("Decisions", "sched-decisions.svg")}
TITLES = {"task": "Task latency (Figure 14)", "wake": "Waking, messages and switches",
          "application": "Applications (Figure 15)"}


def cell(found, program, carrier, field):
    """The ratio beside Linux, with its interval."""
    ratios = found.ratios(program, carrier, field)
    if not ratios.values:
        return "MISSING"
    return rows.interval(ratios.median, ratios.bounds)


def reached(found, program, field):
    marks = []
    for carrier, limit in programs.LIMITS.items():
        bounds = found.ratios(program, carrier, field).bounds
        marks.append("MISSING" if not bounds else "yes" if bounds[1] <= limit else "NO")
    return ", ".join(marks)


def wide(found, chapter):
    """A line for each figure, a column for each carrier."""
    goals = ", ".join(f"<= {limit:g}" for limit in programs.LIMITS.values())
    text = f"| what | {' | '.join(carriers.CARRIERS)} | runs | {goals} |\n" \
        f"| --- |{' --: |' * (len(carriers.CARRIERS) + 1)} --- |\n"
    for program in found.all:
        if program.chapter != chapter:
            continue
        for field, words in program.figures:
            base = rows.number(found.get(program, carriers.LINUX, field))
            cells = [cell(found, program, carrier, field) for carrier in carriers.CARRIERS[1:]]
            count = len(found.ratios(program, carriers.FIBER, field).values)
            text += f"| {program.name}{words} | {base} {program.unit} | " + \
                " | ".join(cells) + f" | {count} | {reached(found, program, field)} |\n"
    return text


def picture(chapter):
    if chapter not in PICTURES:
        return ""
    title, name = PICTURES[chapter]
    return f"\n![{title}](img/{name})\n"


def interrupts(soft):
    """What the rules made of it: of the median run, how often each thing happened."""
    text = "| rate | driver | interrupts | wake-ups | rounds | in vain | for packets |\n" \
        "| --- | --- | --: | --: | --: | --: | --: |\n"
    for rate in softirqs.RATES:
        for driver in carriers.MODERATIONS:
            fields = ("interrupts", "wakeups", "rounds", "in_vain", "packets")
            cells = [rows.number(soft.get(driver, rate, field)) for field in fields]
            text += f"| {rate} | {driver} | {' | '.join(cells)} |\n"
    return text


def interval_of(count):
    """Which of so many values in order bound it, in words."""
    out = paired.ranks(count)
    return f"of {count} from number {1 + out} to {count - out}"


def intervals(found, plan):
    """Of as many runs as there are of a program."""
    turns = found.turns if found else 0
    counts = {-(-turns // plan.every), turns}
    return ", ".join([interval_of(count) for count in sorted(counts) if count >= 6] +
                     ["of fewer than six (which are not sure enough) from the least to the "
                      "greatest"])


def order(found, plan):
    """Which programs run in which turn."""
    turns = found.turns if found else 0
    if plan.every == 1:
        return f"In each of {turns} turns all programs run."
    often = "; ".join(program.name for program in found.all if program.is_often) if found else ""
    return f"In each of {turns} turns these run, of which fewer runs are not sure enough: " \
        f"{often}. All others run in every other turn."


def method(runner):
    plan, found = runner.plan, runner.programs
    turns, rounds, _ = runner.decisions.plan
    failures = runner.all_failures()
    return METHOD.format(
        runs=plan.runs, order=order(found, plan), intervals=intervals(found, plan),
        tasklets=plan.tasklets, ring_ms=plan.ring_ms, rounds=rounds, turns=turns,
        loud=" The machine was not quiet when it began." if runner.is_loud else "",
        failures=f" ({len(failures)} did)" if failures else "",
        too_short=f" ({found.too_short} runs)" if found and found.too_short else "",
        decisions_loud=f" (the machine was not quiet before {runner.decisions.loud} of them)"
                       if runner.decisions.loud else "")


def write(runner, chapters, args, seconds):
    found, soft = runner.programs, runner.softirqs
    everything = [row for part in chapters.values() for row in part]
    goals = [row for row in everything if row.met is not None]
    intro = "Written by `./bench sched --docs`; the figures of every run are in\n" \
        f"`build/bench/sched.runs.json`. The run took {seconds / 60:.0f} minutes; " \
        f"{sum(row.met for row in goals)} of {len(goals)} goals\nwere met. Ratios count: they " \
        "were measured side by side; absolute figures belong\nto this machine.\n"
    text = [(title, wide(found, chapter) + picture(chapter))
            for chapter, title in TITLES.items()] if found else []
    text += [
        ("Threads that sleep unseen", page.table(chapters["limited"])),
        ("Goals not met", page.missed(everything)),
        ("Processor time of programs", page.table(chapters["used"])),
        ("What comes before the threads", page.table(chapters["lent"])),
        ("Tasklets", page.table(chapters["tasklets"]) + picture("tasklets")),
        ("Rules of softirqs", page.table(chapters["moderation"])),
        ("What the rules of softirqs made of it", interrupts(soft) if soft else ""),
        ("Decisions", page.table(chapters["decisions"]) + picture("decisions")),
        ("Decisions beside others", page.table(row for row in chapters["others"] if row.peer)),
        ("Decisions without a rule",
         page.table(row for row in chapters["others"] if not row.peer))]
    page.write(args, "sched.md", "benchmarks-sched.md", page.text_of(
        "scheduling threads", intro, method(runner), text))
