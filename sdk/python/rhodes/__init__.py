"""Call resources in other processes, and serve calls, from Python.

A program that `rhodes run` started needs nothing of this: `import net_driver` gives a
module whose functions run in the resource of that name, when Python itself finds no module
called so.  The same by hand:

    import rhodes

    text = rhodes.open("text_c")
    words, letters = text.count("some words")

A server is a file of functions; `python3 -m rhodes.serve FILE` (which `rhodes serve` and
manifests use) finds them by name, or by this decorator:

    @rhodes.serves
    def count(text: str) -> tuple[int, int]: ...
"""
import atexit
import sys
import types

from . import _core
from .errors import (RhodesError, RhodesInterfaceError, RhodesLostError,
                     RhodesRaisedError, RhodesRefusedError, RhodesTimeoutError)

__all__ = ["Handle", "Resource", "RhodesError", "RhodesInterfaceError", "RhodesLostError",
           "RhodesRaisedError", "RhodesRefusedError", "RhodesTimeoutError", "difference", "get_errno",
           "open", "serves", "set_errno", "stop", "struct"]
__version__ = "0.1.0"

Handle = _core.Handle
stop = _core.stop
atexit.register(_core.end)


class Resource(types.ModuleType):
    """A resource as a module: its functions, and the classes of its structs."""

    def __init__(self, name, interface):
        super().__init__(name, f"The resource {name}, governed by Rhodes.")
        self.__rhodes__ = interface
        self.__all__ = list(interface.names)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        interface = self.__rhodes__
        if name in interface.names:
            found = interface.function(name)
        else:
            found = self._struct(name)
        setattr(self, name, found)  # so that it is asked for once
        return found

    def _struct(self, name):
        for function in self.__rhodes__.names:
            self.__rhodes__.describe(function)  # which makes the classes that it names
        for kind in self.__rhodes__.classes:
            if kind.__name__ == name:
                return kind
        raise AttributeError(f"{self.__name__} has no {name}")

    def __dir__(self):
        return sorted({*super().__dir__(), *self.__all__})


def open(name, texts=()):  # pylint: disable=redefined-builtin
    """The resource of that name among the references of this one, or the one that offers
    the interface of that name; raises RhodesRefusedError when there is none.

    `texts` are canonical texts (docs/interface-text.md) of the functions that the program
    was written for: RhodesInterfaceError shows how the interface differs from them."""
    resource = Resource(name, _core.open(name))
    if texts and (lines := difference(resource, texts)):
        raise RhodesInterfaceError(f"{name} is not what this program was written for:\n"
                                   f"{lines}", "EINTERFACE", 1012)
    return resource


def struct(resource, name):
    """The class of a struct, also where a function is called the same."""
    return resource._struct(name)  # pylint: disable=protected-access


def difference(resource, texts):
    """How canonical texts (docs/interface-text.md), of what a program was written for,
    differ from the interface: lines that begin with - and +, or an empty text."""
    return resource.__rhodes__.match(list(texts))


def serves(given):
    """Marks a function as one that the resource serves; `@serves("other_name")` under
    another name than its own."""
    if isinstance(given, str):
        return lambda function: _mark(function, given)
    return _mark(given, given.__name__)


def _mark(function, name):
    module = sys.modules.get(function.__module__)
    marked = module.__dict__.setdefault("__rhodes_served__", {})
    marked[name] = function
    return function


def get_errno():
    """What the last call of this thread left in errno."""
    return _core.errno()


def set_errno(number):
    """In a function that is served: what its caller finds in errno."""
    _core.set_errno(number)
