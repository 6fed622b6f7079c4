"""Serves a file of Python as the resource that this process runs as.

    python3 -m rhodes.serve FILE [ARGUMENT...]

Functions of the file serve those of the interface that are called the same, or what
`@rhodes.serves` calls so.  Their parameters, and types that they say, are compared with the
interface; what is missing or differs is told, all at once, and nothing is served.

An event of the interface is a generator: what it yields is sent, one after the other, as
soon as somebody listens.  A coroutine function runs on one event loop beside the threads that take calls.
RHODES_SERVE_THREADS says how many calls are taken at once; without it 1.
"""
import asyncio
import functools
import inspect
import os
import sys
import threading
import types
import typing

from . import _core
from .errors import RhodesError

LOCAL, NOCARRY, EVENT = 1 << 5, 1 << 6, 1 << 7
ACCEPTED = {
    "int": (int,), "fd": (int,), "float": (float, int), "string": (str, bytes),
    "path": (str, bytes, os.PathLike), "bytes": (bytes, bytearray, memoryview),
}
FLEXIBLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _say(hint):
    return getattr(hint, "__name__", None) or str(hint).replace("typing.", "")


def _options(hint):
    """The types that a hint allows: of a union several."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def _fits(hint, kind, record):
    """Whether a hint allows what the interface has there."""
    if hint in (typing.Any, object, inspect.Parameter.empty) or isinstance(hint, str):
        return True
    allowed = [typing.get_origin(option) or option for option in _options(hint)]
    if kind == "handle" or (kind == "struct" and record is not None):
        plain = (int, float, str, bytes)
        return any(option not in plain for option in allowed)
    if kind == "struct":
        return any(option in (list, tuple, bytes, bytearray) for option in allowed)
    return any(option in ACCEPTED[kind] or
               (inspect.isclass(option) and issubclass(option, ACCEPTED[kind]))
               for option in allowed)


def _hints(function):
    try:
        return typing.get_type_hints(function)
    except Exception:  # a hint may name what is not there at run time
        return {}


def _compare_takes(name, function, takes):
    parameters = list(inspect.signature(function).parameters.values())
    hints = _hints(function)
    wanted = ", ".join(f"{value[0]}: {value[2]}" for value in takes)
    if any(parameter.kind in FLEXIBLE for parameter in parameters):
        return
    least = [parameter for parameter in parameters
             if parameter.default is inspect.Parameter.empty]
    if not len(least) <= len(takes) <= len(parameters):
        yield f"{name}: takes {len(parameters)} parameters, the interface has ({wanted})"
        return
    for parameter, (called, kind, kind_text, _, record) in zip(parameters, takes):
        hint = hints.get(parameter.name, inspect.Parameter.empty)
        if not _fits(hint, kind, record):
            yield (f"{name}: parameter {parameter.name} is {_say(hint)}, the interface has"
                   f" {called}: {kind_text}")


def _compare_gives(name, function, gives):
    hint = _hints(function).get("return", inspect.Parameter.empty)
    if hint is inspect.Parameter.empty or typing.get_origin(hint) is type(None):
        return
    wanted = ", ".join(value[2] for value in gives) or "void"
    parts = [hint]
    if len(gives) > 1 and (typing.get_origin(hint) or hint) is tuple:
        parts = list(typing.get_args(hint)) or [object] * len(gives)
    if not gives:
        if hint is not type(None):
            yield f"{name}: returns {_say(hint)}, the interface has void"
    elif len(parts) != len(gives):
        yield f"{name}: returns {_say(hint)}, the interface has ({wanted})"
    else:
        for part, (_, kind, _, _, record) in zip(parts, gives):
            if not _fits(part, kind, record):
                yield f"{name}: returns {_say(hint)}, the interface has ({wanted})"
                break


def _compare(name, function, takes, gives):
    try:
        yield from _compare_takes(name, function, takes)
    except ValueError:
        pass  # what is not written in Python does not say
    yield from _compare_gives(name, function, gives)


def find(interface, module):
    """Callables in the interface's order, and what is wrong with them."""
    marked = module.__dict__.get("__rhodes_served__", {})
    functions, wrong = [], []
    for name in interface.names:
        flags, reason, takes, gives = interface.describe(name)
        function = marked.get(name, module.__dict__.get(name))
        functions.append(function if callable(function) else _not_carried(name, reason))
        if flags & (LOCAL | NOCARRY):
            continue
        if function is None or not callable(function):
            wrong.append(f"{name}: is missing")
        elif not flags & EVENT:
            wrong += _compare(name, function, takes, gives)
        elif not inspect.isgeneratorfunction(function):
            wrong.append(f"{name}: is an event, so it has to be a generator")
    wrong += [f"{name}: is served, but {interface.name} has no such function"
              for name in marked if name not in interface.names]
    return functions, wrong


def _not_carried(name, reason):
    def refuse(*_):
        raise NotImplementedError(f"{name}: {reason}")
    return refuse


class Loop:
    """An event loop in a thread of its own, which begins with the first coroutine."""

    def __init__(self):
        self.loop = None

    def wrap(self, function):
        """A function that waits for the coroutine."""
        if not inspect.iscoroutinefunction(function):
            return function
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
            threading.Thread(target=self.loop.run_forever, daemon=True).start()

        @functools.wraps(function)
        def wait(*values):
            return asyncio.run_coroutine_threadsafe(function(*values), self.loop).result()
        return wait


def _take(interface, functions, loop):
    """What is called for each function of the interface; of an event, for its next one."""
    def taken(name, function):
        flags = interface.describe(name)[0]
        if flags & EVENT and not flags & (LOCAL | NOCARRY):
            return functools.partial(next, function())
        return loop.wrap(function)
    return [taken(name, function) for name, function in zip(interface.names, functions)]


def load(path):
    """The file as a module, of the name that it would be imported by."""
    name = os.path.splitext(os.path.basename(path))[0]
    module = types.ModuleType(name)
    module.__file__ = os.path.abspath(path)
    sys.modules[name] = module
    sys.path.insert(0, os.path.dirname(module.__file__))
    with open(path, "rb") as file:
        code = compile(file.read(), module.__file__, "exec")
    exec(code, module.__dict__)  # pylint: disable=exec-used
    return module


def serve(module, threads=None):
    """Serves the functions of a module until SIGTERM or `rhodes.stop()`; raises TypeError
    when they are not those of the interface."""
    interface = _core.own()
    functions, wrong = find(interface, module)
    if wrong:
        raise TypeError(f"{module.__file__} does not serve {interface.name}:\n  " +
                        "\n  ".join(wrong))
    if threads is None:
        threads = int(os.environ.get("RHODES_SERVE_THREADS", "1"))
    interface.serve(_take(interface, functions, Loop()), threads)


def main(words):
    """Returns the exit status."""
    if not words:
        print("python3 -m rhodes.serve FILE [ARGUMENT...]", file=sys.stderr)
        return 2
    sys.argv = list(words)
    module = load(words[0])
    try:
        serve(module)
    except (TypeError, RhodesError) as error:
        print(f"rhodes.serve: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
