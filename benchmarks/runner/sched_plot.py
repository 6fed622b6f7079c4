"""Draws what programs take under each carrier, beside Linux, with gnuplot."""
import os

from . import carriers, plot, programs

HEIGHTS = "set yrange [0:*]\nset ylabel 'times of Linux (median and its interval)'\n" \
    "set arrow from graph 0, first 1 to graph 1, first 1 nohead lc rgb '#444444' dt 2\n"
SHOWN = (carriers.HOST, carriers.FIBER, carriers.WASM)


def points(found, wanted, field):
    """A block of data for each carrier: place, median, low and high."""
    text = ""
    for number, carrier in enumerate(SHOWN):
        text += f"$data{number} << EOD\n"
        for place, program in enumerate(wanted):
            ratios = found.ratios(program, carrier, field)
            if ratios.values:
                text += f"{place} {ratios.median} {ratios.bounds[0]} {ratios.bounds[1]}\n"
        text += "EOD\n"
    return text


def ratios(path, title, found, wanted, labels, field):
    """Beside each other, a group for each program."""
    tics = ", ".join(f"'{label}' {place}" for place, label in enumerate(labels))
    head = plot.HEAD.format(out=path, title=title, key="below")
    series = ", ".join(
        f"$data{number} using ($1+{(number - 1) * 0.2:.1f}):2:3:4 with yerrorbars "
        f"ls {number + 1} title '{carrier}'" for number, carrier in enumerate(SHOWN))
    plot.gnuplot(head + HEIGHTS + f"set xtics ({tics})\n"
                 f"set xrange [-0.5:{len(wanted) - 0.5}]\n" + points(found, wanted, field) +
                 f"plot {series}\n")


def draw(runner, args):
    found = runner.programs
    if not found:
        return
    folders = [args.out]
    if args.docs:
        folders.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir,
                                    os.pardir, "docs", "img"))
    tasks = [program for program in found.all if program.chapter == "task"]
    applications = [program for program in found.all if program.chapter == "application"]
    for folder in folders:
        os.makedirs(folder, exist_ok=True)
        ratios(os.path.join(folder, "sched-task.svg"),
               "Task latency (the papers'' Figure 14)", found, tasks,
               [f"{count} threads" for count in programs.THREADS], "ms")
        ratios(os.path.join(folder, "sched-applications.svg"),
               "Applications with 8 threads (the papers'' Figure 15)", found, applications,
               [program.name.removesuffix(", 8 threads") for program in applications],
               "wall")
