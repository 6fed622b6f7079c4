"""Tasklets of the SDK beside a thread with a queue, and the rules of hook softirq on a ring
that is fed by an event."""
import json
import os
import subprocess
import sys

from . import carriers, paired

TASKLET, THREAD = "tasklet", "thread"
DIRECT = "direct"  # a thread that reads the event and empties the ring
DRIVERS = (DIRECT, *carriers.MODERATIONS)
RATES = {"1,000 packets a second": 1000, "50,000 packets a second": 50000,
         "as many as there is room for": 0}
LOW, MIDDLE, FLOOD = RATES


class Softirqs:
    def __init__(self, system, build, plan):
        self.system, self.plan, self.failures = system, plan, []
        self.folder = os.path.join(build, "benchmarks", "sched")
        self.tasklets = {TASKLET: [], THREAD: []}
        self.rings = {(driver, rate): [] for driver in DRIVERS for rate in RATES}

    def play(self):
        for turn in range(self.plan.runs):
            self.tasklet_turn()
            for rate in RATES:
                for i in range(len(DRIVERS)):
                    driver = DRIVERS[(turn + i) % len(DRIVERS)]
                    self.rings[driver, rate].append(self.ring(driver, RATES[rate]))

    def lines(self, *command):
        """What a program printed, or None."""
        try:
            done = subprocess.run(command, env=self.system.env, capture_output=True,
                                  text=True, check=False, timeout=120)
            if done.returncode == 0:
                return list(map(json.loads, done.stdout.splitlines()))
            reason = f"exit {done.returncode}: {done.stderr.strip()[-300:]}"
        except subprocess.TimeoutExpired:
            reason = "it does not end"
        self.failures.append(f"{' '.join(command[-4:])}: {reason}")
        print(f"failed: {self.failures[-1]}", file=sys.stderr)
        return None

    def tasklet_turn(self):
        found = self.lines(os.path.join(self.folder, "bench-tasklets"),
                           str(self.plan.tasklets)) or []
        for by, runs in self.tasklets.items():
            runs.append(next((line for line in found if line["by"] == by), None))

    def ring(self, driver, rate):
        command = [os.path.join(self.folder, "bench-ring")]
        rule = driver
        if driver != DIRECT:
            resource = carriers.moderated(driver)
            rule = f"{resource}-softirq-code"
            command = [self.system.rhodes, "run", "--wait", "20", resource, "--", *command]
        found = self.lines(*command, rule, str(rate), str(self.plan.ring_ms))
        return found and found[0]

    def tasklet(self, by, field):
        return paired.median(run and run[field] for run in self.tasklets[by])

    def tasklet_ratios(self, field):
        return paired.Ratios([(ours and ours[field], theirs and theirs[field]) for ours, theirs
                              in zip(self.tasklets[TASKLET], self.tasklets[THREAD])])

    def get(self, driver, rate, field):
        return paired.median(run and run[field] for run in self.rings[driver, rate])

    def ratios(self, driver, rate, field, peer=DIRECT):
        return paired.Ratios([(ours and ours[field], theirs and theirs[field]) for ours, theirs
                              in zip(self.rings[driver, rate], self.rings[peer, rate])])
