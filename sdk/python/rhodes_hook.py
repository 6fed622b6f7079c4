"""`import NAME` of resources, for programs that know nothing of Rhodes.

Modules that Python finds by itself stay what they are; RHODES_IMPORT names those that are
resources all the same, separated by commas.  sitecustomize, which `rhodes run` puts in
front, installs this: it loads nothing until a resource is imported.
"""
import os
import sys

__all__ = ["Finder", "install"]


def _alike(name):
    """A name without what does not count; see rh_language_open."""
    return (name[3:] if name.startswith("lib") else name).replace("_", "")


def _names():
    """What the resources are called that `rhodes run` put in front, and their interfaces."""
    entries = os.environ.get("RHODES_INTERFACES", "").split(":")
    return {_alike(name) for entry in entries for name in entry.split("=")[:2]}


class Finder:
    """Finds a resource where there is no module."""

    def __init__(self, only=None):
        self.only = only

    def find_spec(self, name, path=None, target=None):
        """None when it is no resource."""
        del path, target
        if "." in name or _alike(name) not in _names() or (
                self.only is not None and name not in self.only):
            return None
        import rhodes  # pylint: disable=import-outside-toplevel
        try:
            made = rhodes.open(name)
        except rhodes.RhodesError as error:
            if error.code in ("ENOEDGE", "EDETACHED", "EINVAL"):
                return None
            raise ImportError(f"{name}: {error}", name=name) from error
        spec = type(sys.__spec__)(name, self, origin="rhodes")
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
