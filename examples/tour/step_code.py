"""Step 9: rules that are programs.  A filter is compiled from its source, published, and
limits how often five programs may ask, each for itself; a version that fails calls is seen
at the first of them and taken back, and the others notice nothing; one in another language
takes its place.  The programs ask all the time.
"""
import os
import shutil
import subprocess
import time

import kernel
from asker import Asker
from stage import HERE, PATIENCE, Failed, run
from system import System

LIBRARY = os.path.join(HERE, "../../rules/library")
APPS = [f"app{number}" for number in range(5)]
MANIFEST = """
kind: Resource
metadata: {name: magic}
spec: {type: service, interface: libmagic, serve: {library: libmagic.so.1, threads: 2}}
""" + "".join(f"""---
kind: Resource
metadata: {{name: {app}}}
spec: {{type: application, reference: [magic]}}
""" for app in APPS)
RULE = """
kind: Rule
metadata: {{name: limiter}}
spec:
  code:
    hook: filter
    edge: ["*", magic]
    module: {}
    mode: wasm
    params: {{{}}}
    {}
"""
RATE, BURST = 20, 5  # calls; a program of which one is denied asks why, by another call
SECONDS = 2  # over which calls are counted
LIMITED = f'rate: "{RATE}", burst: "{BURST}"'
FREE = 'rate: "1000000", burst: "1000000"'
STAGED = 'rollout: {steps: [1, "50%", "100%"], wait: 1h, maxErrorRate: 0.01, rollback: true}'


class Author:
    """Who writes rules: with a folder for projects, and the command `rhodes`."""

    def __init__(self, stage, system):
        self.stage, self.system = stage, system
        self.folder = os.path.join(stage.folder, "rules")
        os.mkdir(self.folder)

    def rhodes(self, *words):
        done = run([self.stage.rhodes, "rule", *words], env=self.system.env, cwd=self.folder)
        if done.code != 0:
            raise Failed(f"rhodes rule {' '.join(words)}: {done.stderr.decode()}")
        return done.stdout.decode()

    def publish(self, name, source, language="c"):
        """Compiles and publishes it, and returns its module and what was said."""
        self.rhodes("new", name, "--hook", "filter", "--lang", language)
        target = name + os.path.splitext(source)[1]
        shutil.copy(os.path.join(LIBRARY, source), os.path.join(self.folder, name, target))
        said = self.rhodes("publish", name)
        return next(line.split()[1] for line in said.splitlines()
                    if line.startswith("module ")), said


class Limiter:
    """The rule, as it is changed while programs ask."""

    def __init__(self, system):
        self.system = system

    def active(self):
        return next(condition for condition in
                    self.system.json("get", "rule", "limiter")["status"]["conditions"]
                    if condition["type"] == "Active")

    def put(self, module, params, more=""):
        applied = self.system.apply(RULE.format(module, params, more))
        if applied.code != 0:
            raise Failed(applied.stderr.decode())

    def await_force(self):
        """Until every agent concerned runs it; how long that took."""
        began = time.monotonic()
        while (active := self.active())["reason"] != "InForce":
            if active["reason"] == "Rejected" or time.monotonic() - began > PATIENCE:
                raise Failed(active["message"])
        return time.monotonic() - began

    def rollout(self):
        return self.system.json("rollout", "status", "limiter")


class Callers:
    """The five programs."""

    def __init__(self, stage, system):
        # A program of which a call is denied says so; these have many denied.
        self.all = [Asker(stage, system, app, subprocess.DEVNULL) for app in APPS]

    def count(self, seconds=SECONDS):
        """For each, how many questions were answered in that time, and how many not."""
        before = [(asker.count, len(asker.wrong)) for asker in self.all]
        began = time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - began
        after = [(asker.count, len(asker.wrong)) for asker in self.all]
        wrong = [b[1] - a[1] for a, b in zip(before, after)]
        good = [b[0] - a[0] - bad for a, b, bad in zip(before, after, wrong)]
        return good, wrong, took

    def wrong(self):
        return [len(asker.wrong) for asker in self.all]

    def finish(self):
        for asker in self.all:
            asker.finish()


def objects(system):
    """How many objects of rules each agent has mapped, as the kernel says; the last is that
    of the service."""
    agents = system.agents()
    return [kernel.code(agents[name]["pid"]) for name in (*APPS, "magic")]


def words(good, wrong, took):
    return (f"answered a second: {', '.join(f'{n / took:,.0f}' for n in good)}; denied: "
            f"{', '.join(f'{n / took:,.0f}' for n in wrong)}")


def check_limit(report, what, counted):
    """Nobody gets more than his rate, and a burst at each end of the time."""
    good, wrong, took = counted
    most = RATE * took + 2 * BURST
    report.check(what, max(good) <= most and min(wrong) > 0 and min(good) > 0,
                 words(*counted) + f"; the rule allows {RATE} a second, {BURST} at once")


def limit(stage, author, rule, callers):
    report = stage.report
    before = callers.count()
    module, said = author.publish("limiter", "limiter.c")
    report.check("a rule is compiled from its source, checked, built and published", True, said)
    rule.put(module, LIMITED)
    took = rule.await_force()
    mapped = objects(rule.system)
    report.check("it runs in the agents of the callers, and not in that of the service",
                 mapped == [1] * len(APPS) + [0], f"in force {took * 1000:.0f} ms after it "
                 f"was applied, the questions included; before it: {words(*before)}")
    check_limit(report, f"each program gets its {RATE} answers a second", callers.count())
    rule.put(module, FREE)
    rule.await_force()
    good, wrong, took = callers.count()
    # The answer to a call that was denied just before may be on its way.
    report.check("with other parameters all pass again, and no call is lost over the change",
                 max(wrong) <= 1 and min(good) > 0, words(good, wrong, took))


def fail(stage, author, rule, callers):
    report = stage.report
    before = callers.wrong()
    module, _ = author.publish("flaky", "flaky.c")
    rule.put(module, 'permille: "20"', STAGED)
    until = time.monotonic() + PATIENCE
    while (status := rule.rollout())["state"] == "running" and time.monotonic() < until:
        time.sleep(0.05)
    rule.await_force()
    failed = [b - a for a, b in zip(before, callers.wrong())]
    report.check("a version that fails 2 % of the calls is taken back by the error rate",
                 status["state"] == "rolled-back", status["message"])
    report.check("one program had it, and the others noticed nothing",
                 sum(count > 0 for count in failed) == 1,
                 "failed calls of each: " + ", ".join(map(str, failed)))
    good, wrong, took = callers.count()
    report.check("the version before it lets all pass again", sum(wrong) == 0,
                 words(good, wrong, took))


def another(stage, author, rule, callers):
    report = stage.report
    module, said = author.publish("limiter-cc", "languages/limiter.cc", "c++")
    rule.put(module, LIMITED)
    rule.await_force()
    report.note(said)
    check_limit(report, "one written in C++ takes its place, and limits as the first did",
                callers.count())
    report.note(rule.system.rhodes("rule", "top", "limiter", "--once"))


def step(stage):
    report = stage.report
    report.step("code", "rules that are programs")
    report.begin()
    if stage.options.plain:
        return
    system = System(stage, text=MANIFEST)
    callers, rule = Callers(stage, system), Limiter(system)
    author = Author(stage, system)
    report.check("five programs ask a service without a limit",
                 all(asker.go_on(50) for asker in callers.all))
    limit(stage, author, rule, callers)
    fail(stage, author, rule, callers)
    another(stage, author, rule, callers)
    callers.finish()
