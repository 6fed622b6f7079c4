"""`import NAME` of resources, for programs that know nothing of Rhodes.

Modules that Python finds by itself stay what they are; RHODES_IMPORT names those that are
resources all the same, separated by commas.  sitecustomize, which `rhodes run` puts in
front, installs this.
"""
import importlib.abc
import importlib.machinery
import os
import sys


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a resource where there is no module."""

    def __init__(self, only=None):
        self.only = only

    def find_spec(self, name, path=None, target=None):
        """None when it is no resource."""
        del path, target
        if "." in name or (self.only is not None and name not in self.only):
            return None
        import rhodes  # pylint: disable=import-outside-toplevel
        try:
            made = rhodes.open(name)
        except rhodes.RhodesError as error:
            if error.code in ("ENOEDGE", "EDETACHED", "EINVAL"):
                return None
            raise ImportError(f"{name}: {error}", name=name) from error
        spec = importlib.machinery.ModuleSpec(name, self, origin="rhodes")
        spec.loader_state = made
        return spec

    def create_module(self, spec):
        return spec.loader_state

    def exec_module(self, module):
        """There is nothing to run."""


def install():
    """Puts the finder where modules are looked for, once."""
    if any(isinstance(finder, Finder) for finder in sys.meta_path):
        return
    named = [name for name in os.environ.get("RHODES_IMPORT", "").split(",") if name]
    if named:
        sys.meta_path.insert(0, Finder(frozenset(named)))
    sys.meta_path.append(Finder())
