"""declare - canonical text, as the readers of languages write it.

A reader makes types (Number, Struct, TEXT, Bytes, Handle...), gives functions to an
Interface, and writes it at its end.  What cannot be carried is a Refused with its
reason.  Layouts are those of C on this machine: natural alignment.

The text ends with a line ".", so that a text that was cut off is seen; a file that
cannot be read at all is one line "! reason".
"""
import re
import sys

PARAMS_MAX = 16
TEXT_MAX = 1023
DEPTH_MAX = 32
FUNCTIONS_MAX = 4096
SIZES = {"i8": 1, "i16": 2, "i32": 4, "i64": 8, "u8": 1, "u16": 2, "u32": 4, "u64": 8,
         "f32": 4, "f64": 8}
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Refused(Exception):
    """This function or type cannot be carried: why."""


class Broken(Exception):
    """The file cannot be read: line, column, why."""

    def __init__(self, line, column, reason):
        super().__init__(reason)
        self.line, self.column, self.reason = line, column, reason


class Number:
    def __init__(self, text):
        self.text, self.size, self.align = text, SIZES[text], SIZES[text]


class Array:
    def __init__(self, element, count):
        if not is_plain(element):
            raise Refused("an array of what is no plain data")
        if not 0 < count <= 65536:
            raise Refused(f"an array of {count} elements")
        self.text = f"{element.text}[{count}]"
        self.size, self.align = element.size * count, element.align


class Struct:
    """fields: (name, type), laid out as C does."""

    def __init__(self, name, fields, union=False):
        at, align, parts = 0, 1, []
        if not fields:
            raise Refused(f"{name} has no fields")
        for field, kind in fields:
            if not is_plain(kind):
                raise Refused(f"{name} holds in field {field} what is no plain data")
            align = max(align, kind.align)
            offset = 0 if union else -(-at // kind.align) * kind.align
            parts.append(f"{kind.text} {field}@{offset}")
            at = max(at, kind.size) if union else offset + kind.size
        self.size, self.align = -(-at // align) * align, align
        word = "union" if union else "struct"
        self.text = f"{word} {name}{{{';'.join(parts)}}}:{self.size}"


class Word:
    """A type that is one word: void, string, path, fd."""

    def __init__(self, text):
        self.text = text


class Bytes:
    """Memory and its length; a length follows it unless the language has one."""

    def __init__(self, length=None):
        self.length = length


class Handle:
    def __init__(self, name, word=""):
        self.name = name
        self.text = f"{word}handle {name}"


class Nullable:
    def __init__(self, kind):
        if not isinstance(kind, (Bytes, Handle, Behind)) and kind not in (TEXT, PATH):
            raise Refused("only a text, a path, bytes or an object can be nothing")
        self.kind = kind


class Behind:
    """C passes a pointer to it: in, out or inout."""

    def __init__(self, direction, kind):
        if not is_plain(kind):
            raise Refused("a reference to what is no plain data")
        self.text = f"{direction} {kind.text}"


class Several:
    """Several results: the first is returned, the others are out parameters."""

    def __init__(self, kinds):
        self.kinds = kinds


VOID, TEXT, PATH, FD = Word("void"), Word("string"), Word("path"), Word("fd")
INTEGER, FLOATING, TRUTH = Number("i64"), Number("f64"), Number("u8")
NUMBERS = {name: Number(name) for name in SIZES}
# A word of its own in the name: close_session, closeSession, SessionClose.
ENDERS = re.compile(r"(?:^|_)(?:free|destroy|delete|unref|close|release)(?:$|_|(?=[A-Z]))|"
                    r"(?:Free|Destroy|Delete|Unref|Close|Release)(?:$|_|(?=[A-Z]))")


def is_plain(kind):
    return isinstance(kind, (Number, Array, Struct))


def enumeration(values):
    """An enum is the signed integer that holds its values, i32 at least, as in C."""
    if all(-2**31 <= value < 2**31 for value in values):
        return NUMBERS["i32"]
    if all(-2**63 <= value < 2**63 for value in values):
        return NUMBERS["i64"]
    raise Refused("an enum with values of more than 64 bits")


def is_identifier(name):
    return IDENTIFIER.match(name) is not None


class Words:
    """The words of a text, without blanks and comments, to be read one after the other.

    pattern: an alternative of named groups; a match of the group `skip` is left out.
    """

    def __init__(self, text, pattern):
        self.items, at, line, begin = [], 0, 1, 0
        while at < len(text):
            match = pattern.match(text, at)
            if not match or match.end() == at:
                raise Broken(line, at - begin + 1, "a word that the language does not know")
            if match.lastgroup != "skip":
                self.items.append((match.lastgroup, match.group(), line, at - begin + 1))
            lines = match.group().count("\n")
            if lines:
                line, begin = line + lines, at + match.group().rindex("\n") + 1
            at = match.end()
        self.end = ("end", "", line, at - begin + 1)
        self.at = 0

    def item(self, ahead=0):
        index = self.at + ahead
        return self.items[index] if index < len(self.items) else self.end

    def word(self, ahead=0):
        return self.item(ahead)[1]

    def kind(self, ahead=0):
        return self.item(ahead)[0]

    def next(self):
        item = self.item()
        self.at += 1
        return item[1]

    def accept(self, *words):
        if self.word() in words and self.kind() != "end" and self.kind() != "text":
            return self.next()
        return None

    def expect(self, word):
        if not self.accept(word):
            self.broken(f"'{word}' is wanted here")

    def name(self):
        if self.kind() != "name":
            self.broken("a name is wanted here")
        return self.next()

    def broken(self, reason):
        raise Broken(self.item()[2], self.item()[3], reason)

    def skip_group(self):
        """Behind the bracket in hand, its content and its end; stops at the end."""
        pairs, depth = {"(": ")", "[": "]", "{": "}"}, []
        while self.kind() != "end":
            word = self.next() if self.kind() != "text" else (self.next(), "")[1]
            if word in pairs:
                depth.append(pairs[word])
            elif depth and word == depth[-1]:
                depth.pop()
            if not depth:
                return
        self.broken("a bracket is not closed")


class Interface:
    def __init__(self):
        self.rows = {}    # name -> text, in order of definition

    def refuse(self, name, reason):
        reason = " ".join(str(reason).split())[:300]
        self.rows[name] = f"# nocarry {printable(name)}: {printable(reason)}"

    def add(self, name, params, ret):
        """params: (name, type); ret: a type.  Whatever it raises as Refused is told."""
        if len(self.rows) >= FUNCTIONS_MAX:
            raise Broken(1, 1, f"more than {FUNCTIONS_MAX} functions")
        if name in self.rows:
            self.refuse(name, "defined more than once")
            return
        try:
            self.rows[name] = function_text(name, params, ret)
        except Refused as reason:
            self.refuse(name, reason)

    def write(self):
        for row in self.rows.values():
            print(row)
        print(".")


def printable(text):
    return "".join(c if " " <= c <= "~" else "?" for c in text)


def param_rows(name, kind, index):
    """The canonical types of one parameter: two when its length follows."""
    null = ""
    if isinstance(kind, Nullable):
        null, kind = "?", kind.kind
    if isinstance(kind, Bytes):
        if kind.length is not None:
            return [(f"bytes(len {kind.length}){null}", name)]
        return [(f"bytes(len {index + 2}){null}", name), ("u64", f"{name}_len")]
    if isinstance(kind, Several) or kind is VOID:
        raise Refused(f"parameter {name}: no value can be of that type")
    return [(kind.text + null, name)]


def out_rows(kinds):
    rows = []
    for number, kind in enumerate(kinds, 2):
        kind = unwrap(kind)
        if isinstance(kind, (Bytes, Several, Behind)) or kind is VOID or kind is PATH:
            raise Refused("among several results only numbers, structs, texts, "
                          "descriptors and objects")
        rows.append((f"out {made(kind).text}", f"result_{number}"))
    return rows


def unwrap(kind):
    """A result may be nothing anyway where C returns a pointer."""
    return kind.kind if isinstance(kind, Nullable) else kind


def made(kind):
    return Handle(kind.name, "new ") if isinstance(kind, Handle) else kind


def result_rows(ret, count):
    """What is added to the parameters, and the type returned."""
    if isinstance(ret, Several):
        return out_rows(ret.kinds[1:]), made(unwrap(ret.kinds[0]))
    ret = made(unwrap(ret))
    if isinstance(ret, Bytes):
        return [("out u64", "result_len")], Word(f"bytes(used {count + 1})")
    return [], ret


def drops(name, params):
    """close(session), free_it(object): the object's life ends there."""
    if len(params) == 1 and isinstance(params[0][1], Handle) and ENDERS.search(name):
        return [(params[0][0], Handle(params[0][1].name, "drop "))]
    return params


def function_text(name, params, ret):
    if not is_identifier(name):
        raise Refused("its name is none in C")
    rows = []
    for param, kind in drops(name, params):
        if not is_identifier(param):
            raise Refused(f"the name of parameter {param} is none in C")
        rows += param_rows(param, kind, len(rows))
    more, ret = result_rows(ret, len(rows))
    rows += more
    if not hasattr(ret, "text"):
        raise Refused("its result cannot be carried")
    if isinstance(ret, Array) or isinstance(ret, Behind):
        raise Refused("C returns no arrays or references")
    if len(rows) > PARAMS_MAX:
        raise Refused("more parameters than the limit")
    words = [name] + [f"{kind}|{param}" for kind, param in rows] + [ret.text]
    text = ", ".join(words)
    if len(text) > TEXT_MAX:
        raise Refused("its text is longer than the limit")
    return text


def run(path, read):
    """read(text) -> Interface.  What goes wrong is told in one line."""
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    try:
        with open(path, "rb") as file:
            text = file.read().decode("utf-8")
        interface = read(text)
    except UnicodeDecodeError as error:
        print(f"! {error.start}: no UTF-8 from this byte on")
    except Broken as error:
        print(f"! {error.line}:{error.column}: {printable(error.reason)[:200]}")
    except (RecursionError, MemoryError):
        print("! 1:1: nested too deeply, or too much")
    except OSError as error:
        print(f"! {printable(str(error.strerror))}")
    else:
        interface.write()


if __name__ == "__main__" and len(sys.argv) < 2:
    sys.exit("a reader of a language uses this; it reads nothing itself")
