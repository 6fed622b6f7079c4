"""What the extension module asks of Python."""
import dataclasses
import keyword
import traceback

from . import errors

SCALARS = {"int": 0, "uint": 0, "float": 0.0}


def error(number, code, text, ran, raised):
    """The exception for a code of librhodes."""
    if raised:
        language, kind, message, _ = raised
        text = f"{kind}: {message} (raised in {language})"
        return errors.RhodesRaisedError(text, code, number, ran, raised)
    return errors.CLASSES.get(code, errors.RhodesError)(text, code, number, ran)


def describe(raised):
    """Type, message and stack of an exception, for its caller in another process."""
    kind = type(raised)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    stack = "".join(traceback.format_exception(raised))
    return tuple(text.encode("utf-8", "backslashreplace").replace(b"\0", b"\\0")
                 for text in (name, str(raised), stack))


def field_name(name):
    """The attribute of a field of C."""
    return name + "_" if keyword.iskeyword(name) else name


def _zero(classes, key, name):
    """A field's default: zeros, as C has them."""
    kind = key[0]
    if kind in SCALARS:
        return dataclasses.field(default=SCALARS[kind])
    if kind == "bytes":
        return dataclasses.field(default=bytes(key[1]))
    if kind == "struct":
        return dataclasses.field(default_factory=record_class(classes, key, name))
    return dataclasses.field(default_factory=lambda: _array(classes, key, name))


def _array(classes, key, name):
    _, count, element = key
    kind = element[0]
    if kind in SCALARS:
        return [SCALARS[kind]] * count
    if kind == "bytes":
        return [bytes(element[1])] * count
    if kind == "struct":
        return [record_class(classes, element, name)() for _ in range(count)]
    return [_array(classes, element, name) for _ in range(count)]


def record_class(classes, key, within="struct"):
    """The class of a struct: a dataclass whose fields begin as zeros."""
    if key in classes:
        return classes[key]
    _, own, _, fields = key
    name = own or within
    parts = []
    for field, _, _, _, kind in fields:
        python = field_name(field)
        parts.append((python, object, _zero(classes, kind, f"{name}_{python}")))
    made = dataclasses.make_dataclass(name, parts, slots=True)
    made.__doc__ = f"struct {own}" if own else "A struct without a name."
    classes[key] = made
    return made
