"""Writes benchmarks-push.md from the figures of changes."""
from . import page

METHOD = """\
A change is one of the rule `hierarchy`, which decides every edge: each agent gets the item
of its edge anew, puts it in force and says so. It is timed from just before the request to
the center until the center's stream of events tells that this agent obeys: so the way back
and the reader of the stream are in the figure, which they are not for the others. There
each watcher notes the time, in shared memory, at which it has read the change.

* **100 agent processes**: a process each, and the agent of the service that all call.
* **1,000 pooled agents**: one process (`rhodes-agent --pool`), each with a connection,
  cursor and cache of its own, and as before one more for the service.
* **a file watched in each process**: 100 and 1,000 processes with an inotify watch each; the
  file is written beside, synced and renamed. Nobody learns who has it. Debian lets a user
  have 128 inotify instances, so the watchers are of several users (root can do that).
* **etcd, a watch each**: Debian's etcd, one member, over the loopback and its JSON gateway;
  100 processes, and 1,000 streams in one process.

Every change is durable before it is told, by all three; its content has about {size} bytes
a watcher. All of them are there all the while and idle but for their turn; {rounds} rounds
of {changes} changes each, one after the other{loud}. A percentile is of all watchers and
changes of a round, a figure the median of the rounds, the slowest is of all. CPU time is
that of every process concerned, without the one that measures.

The change of a protocol: one caller of 64 bytes, as in [benchmarks.md](benchmarks.md), whose
edge goes shm -> msgqueue -> bind -> semaphore -> shm, ten times a second, beside as long a
time over shm without a change. The slowest call of a round is judged by its median over the
rounds: a virtual machine holds calls up now and then, also without any change.
"""


def write(runner, result, args, seconds):
    plan = runner.plan
    intro = "Written by `./bench push --docs`; the figures of every round are in\n" \
        "`build/bench/push.json` and `push.runs.json`. The run took " \
        f"{seconds / 60:.0f} minutes. Ratios count: they\nwere measured side by side; " \
        "absolute figures belong to this machine.\n"
    loud = f" (the machine was not quiet before {runner.loud} of them)" if runner.loud else ""
    method = METHOD.format(size=230, rounds=plan.rounds, changes=plan.changes, loud=loud)
    page.write(args, "push.md", "benchmarks-push.md", page.text_of(
        "rule changes", intro, method, [
            ("Goals", page.table(row for row in result if row.goal)),
            ("Goals not met", page.missed(result)),
            ("Beside others", page.table(row for row in result if row.peer)),
            ("Other figures",
             page.table(row for row in result if not row.goal and not row.peer))]))
