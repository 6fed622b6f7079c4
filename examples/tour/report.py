"""What the tour tells: plain English on the terminal, and a list of results in a file."""
import json
import os
import sys
import time


class Report:
    """Prints as the tour goes and keeps {"step", "what", "ok", "seconds", "detail"}."""

    def __init__(self, path):
        self.path = path
        self.rows = []
        self.step_name = ""
        self.started = time.monotonic()

    def step(self, name, title):
        self.step_name = name
        self.say(f"\n{name}: {title}")

    def say(self, text=""):
        print(text, flush=True)

    def note(self, text):
        for line in text.rstrip().splitlines():
            self.say(f"    {line}")

    def begin(self):
        """The time of the next check starts now."""
        self.started = time.monotonic()

    def check(self, what, ok, detail=""):
        """One result; its time is what passed since begin() or the last check."""
        now = time.monotonic()
        seconds, self.started = round(now - self.started, 3), now
        self.rows.append({"step": self.step_name, "what": what, "ok": bool(ok),
                          "seconds": seconds, "detail": detail})
        self.say(f"  {'ok  ' if ok else 'FAIL'} {what} ({seconds:.1f} s)")
        if detail:
            self.note(detail)
        return bool(ok)

    @property
    def failed(self):
        return [row for row in self.rows if not row["ok"]]

    def finish(self):
        """Writes the file, prints the line for each step and returns the exit code."""
        self.say("\nThe tour, step by step:")
        for name in dict.fromkeys(row["step"] for row in self.rows):
            rows = [row for row in self.rows if row["step"] == name]
            bad = sum(not row["ok"] for row in rows)
            seconds = sum(row["seconds"] for row in rows)
            self.say(f"  {name}: {f'{bad} of {len(rows)} checks FAILED' if bad else 'ok'}"
                     f" ({len(rows)} checks, {seconds:.0f} s)")
        if self.path:
            os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
            with open(self.path, "w", encoding="utf-8") as file:
                json.dump(self.rows, file, indent=1)
                file.write("\n")
        sys.stdout.flush()
        return 1 if self.failed else 0
