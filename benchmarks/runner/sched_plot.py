"""Draws figures of sched beside what they are compared with, with gnuplot."""
import os

from . import carriers, decisions, plot

HEIGHTS = "set termoption noenhanced\nset yrange [0:*]\nset ylabel 'times of {peer}'\n" \
    "set arrow from graph 0, first 1 to graph 1, first 1 nohead lc rgb '#444444' dt 2\n"
SHOWN = (carriers.HOST, carriers.FIBER, carriers.WASM)
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "docs",
                      "img")
TASKLETS = {"batch": "64 from a thread", "inside": "64 from one of them",
            "again": "schedules itself", "everywhere": "64, all processors",
            "one_p50": "hand-over, p50", "one_p99": "hand-over, p99"}


def points(places):
    """A block of data: place, median, low and high; those without figures are left out."""
    return "".join(f"{place} {ratios.median} {ratios.bounds[0]} {ratios.bounds[1]}\n"
                   for place, ratios in enumerate(places) if ratios.values)


def beside(path, title, peer, labels, series):
    """A group for each label, in which the series of ratios stand beside each other."""
    series = {name: text for name, places in series.items() if (text := points(places))}
    if not series:
        return
    tics = ", ".join(f"'{label}' {place}" for place, label in enumerate(labels))
    data = "".join(f"$data{number} << EOD\n{text}EOD\n"
                   for number, text in enumerate(series.values()))
    middle = (len(series) - 1) / 2
    drawn = ", ".join(
        f"$data{number} using ($1+{(number - middle) * 0.2:.1f}):2:3:4 with yerrorbars "
        f"ls {number + 1} title '{name}'" for number, name in enumerate(series))
    plot.gnuplot(plot.HEAD.format(out=path, title=title, key="below") +
                 HEIGHTS.format(peer=peer) + f"set xtics rotate by {turn_of(labels)} ({tics})\n"
                 f"set xrange [-0.5:{len(labels) - 0.5}]\n" + data + f"plot {drawn}\n")


def turn_of(labels):
    """Many labels have no room beside each other."""
    return -35 if sum(map(len, labels)) > 80 else 0


def of_programs(path, title, found, figures):
    """figures: of a program and field what stands below."""
    beside(path, title, carriers.LINUX, list(figures.values()),
           {carrier: [found.ratios(program, carrier, field) for program, field in figures]
            for carrier in SHOWN})


def short(name):
    for words, shorter in (("task, ", ""), (", 8 threads", ""), (" workers", ""),
                           ("mutex and condition", "condition"), ("one processor", "one CPU")):
        name = name.replace(words, shorter)
    return name


def figures_of(found, chapter):
    """Of each figure of the chapter's programs what it is called."""
    return {(program, field): short(program.name) + words for program in found.all
            if program.chapter == chapter for field, words in program.figures}


def draw_programs(found, folder):
    for name, title, chapter in (
            ("task", "Task latency (the papers'' Figure 14)", "task"),
            ("wake", "Waking, messages and switches", "wake"),
            ("applications", "Applications with 8 threads (the papers'' Figure 15)",
             "application")):
        of_programs(os.path.join(folder, f"sched-{name}.svg"), title, found,
                    figures_of(found, chapter))


def draw_tasklets(soft, folder):
    beside(os.path.join(folder, "sched-tasklets.svg"), "Tasklets", "a thread with a queue",
           list(TASKLETS.values()), {"tasklet": list(map(soft.tasklet_ratios, TASKLETS))})


def draw_decisions(found, folder):
    beside(os.path.join(folder, "sched-decisions.svg"), "A decision of a rule in WebAssembly",
           "native code", decisions.RULES,
           {f"{tasks} threads": [found.ratios(rule, tasks, decisions.WASM)
                                 for rule in decisions.RULES] for tasks in decisions.TASKS})


def draw(runner, args):
    for folder in [args.out, *([FOLDER] if args.docs else [])]:
        os.makedirs(folder, exist_ok=True)
        if runner.programs:
            draw_programs(runner.programs, folder)
        if runner.softirqs:
            draw_tasklets(runner.softirqs, folder)
        if runner.decisions.turns:
            draw_decisions(runner.decisions, folder)
