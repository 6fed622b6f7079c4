"""Programs that ask libmagic what a file is: once in a while, or on and on."""
import os
import select
import subprocess
import threading

from stage import HERE, PATIENCE, PYTHON

NAME = "/etc/passwd"
ENOUGH = 500  # calls of each program


class Program:
    """One process that asks, all through the step."""

    def __init__(self, stage, system, resource="programs", stderr=None):
        self.process = stage.start(
            [*system.prefix(resource), PYTHON, os.path.join(HERE, "magic_ask.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=system.env)

    def ask(self):
        self.begin()
        return self.answer()

    def begin(self):
        self.process.stdin.write(NAME.encode() + b"\n")
        self.process.stdin.flush()

    def has_answer(self):
        return bool(select.select([self.process.stdout], [], [], 0)[0])

    def answer(self):
        return self.process.stdout.readline().decode().strip()


class Asker(threading.Thread):
    """A program that asks on and on, and counts."""

    def __init__(self, stage, system, resource, stderr=None):
        super().__init__(daemon=True)
        self.program = Program(stage, system, resource, stderr)
        self.resource = resource
        self.good = self.program.ask()
        self.count, self.wrong, self.is_over = 1, [], False
        self.moved = threading.Condition()
        self.start()

    def run(self):
        while not self.is_over:
            answer = self.program.ask()
            with self.moved:
                self.count += 1
                if answer != self.good:
                    self.wrong.append(answer)
                    self.is_over = self.is_over or not answer  # it has ended
                self.moved.notify_all()

    def go_on(self, calls=ENOUGH):
        """Waits until it has made that many more calls; whether it did."""
        with self.moved:
            wanted = self.count + calls
            return self.moved.wait_for(lambda: self.count >= wanted, PATIENCE)

    def finish(self):
        """Ends the program."""
        self.is_over = True
        self.join(PATIENCE)
        self.program.process.stdin.close()
        self.program.process.wait(PATIENCE)
