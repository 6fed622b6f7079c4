"""A copy of the tree in which one text at a time is replaced by another.

Nothing is ever changed in the tree itself, so that a run that is interrupted leaves it as it was.
"""
import contextlib
import filecmp
import os
import shutil
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(command, cwd, seconds=None):
    """Exit status and output; None when it did not end in time."""
    try:
        done = subprocess.run(command, cwd=cwd, timeout=seconds, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        return None, ""


def sources():
    """What git knows of, changed or not, and what is not there yet for it."""
    names = subprocess.check_output(["git", "ls-files", "-z", "--cached", "--others",
                                     "--exclude-standard"], cwd=TOP, text=True)
    return sorted({name for name in names.split("\0") if os.path.isfile(os.path.join(TOP, name))})


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Tree:
    """The copy at `place`.  One that is there already is brought up to date, so that its builds
    are of use again."""

    def __init__(self, place):
        self.place = os.path.abspath(place)
        wanted = sources()
        for name in self._copied() - set(wanted):
            os.unlink(self.path(name))
        for name in wanted:
            source, target = os.path.join(TOP, name), self.path(name)
            if not os.path.exists(target) or not filecmp.cmp(source, target, shallow=False):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy(source, target)  # with a new date: ninja looks at nothing else

    def _copied(self):
        found = set()
        for above, folders, names in os.walk(self.place):
            if above == self.place:
                folders[:] = [folder for folder in folders if not folder.startswith("build")]
            found |= {os.path.relpath(os.path.join(above, name), self.place) for name in names
                      if not name.endswith(".pyc")}
        return found

    def path(self, name):
        return os.path.join(self.place, name)

    def setup(self, folder, *options):
        """Configures a build; output of meson when it fails, else ""."""
        is_there = os.path.exists(self.path(folder + "/build.ninja"))
        status, output = run(["/usr/bin/meson", "configure" if is_there else "setup", folder,
                              *options], self.place)
        return "" if status == 0 else output

    def build(self, folder, targets=()):
        """Builds the targets, or all; output of ninja when it fails, else ""."""
        status, output = run(["ninja", "-C", folder, *targets], self.place)
        return "" if status == 0 else output

    @contextlib.contextmanager
    def changed(self, name, old, new):
        """The file with `new` for `old`, which stands there once."""
        text = read(self.path(name))
        if text.count(old) != 1:
            raise ValueError(f"the text stands {text.count(old)} times in {name}")
        self._write(name, text.replace(old, new))
        try:
            yield
        finally:
            self._write(name, text)

    def _write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
