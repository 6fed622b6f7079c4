"""typescript - the functions that a TypeScript file or declaration file exports."""
import re
import sys

from declare import (Bytes, DEPTH_MAX, FLOATING, Handle, INTEGER, Interface, NUMBERS, Nullable, PATH,
                     FD, Refused, Several, Struct, TEXT, TRUTH, VOID, Words, enumeration, run)

WORDS = re.compile(
    r"(?P<skip>\s+|//[^\n]*|/\*.*?\*/|#![^\n]*)"
    r"|(?P<text>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)"
    r"|(?P<name>[A-Za-z_$][\w$]*)|(?P<number>\d[\w.]*)|(?P<sign>=>|\.\.\.|[^\w\s\"'`])", re.S)
SIMPLE = {"number": FLOATING, "bigint": INTEGER, "boolean": TRUTH, "string": TEXT, "void": VOID,
          "undefined": VOID, "null": VOID, "path": PATH, "fd": FD, **NUMBERS}
MEMORY = {"Uint8Array", "Buffer", "ArrayBuffer"}
NOTHING = ("null", "undefined")


class Reader:
    def __init__(self, text):
        self.words = Words(text, WORDS)
        self.interface = Interface()
        self.types = {}        # name -> (kind, place)
        self.functions = []    # (name, place)
        self.busy = []

    def scan(self, end=None):
        words = self.words
        while words.kind() != "end" and words.at != end:
            self.item()

    def item(self):
        words, exported = self.words, False
        while words.word() in ("export", "declare", "default", "abstract", "async", "const") and \
                words.kind(1) == "name":
            if words.word() == "const" and words.word(1) != "enum":
                break
            exported = words.next() == "export" or exported
        if words.word() == "function" and words.kind(1) == "name":
            words.next()
            name = words.next()
            if exported:
                self.functions.append((name, words.at))
            self.to_end()
        elif words.word() in ("interface", "class", "enum", "type") and words.kind(1) == "name":
            kind, name = words.next(), words.next()
            self.types[name] = (kind, words.at)
            self.to_end()
        else:
            self.to_end()

    def to_end(self):
        """Behind the declaration: its body, its semicolon, or before the next one."""
        words, begin = self.words, self.words.at
        while words.kind() != "end":
            if words.at > begin and words.kind() == "name" and words.word() in \
                    ("export", "declare") and words.word(-1) not in (".", ":", ","):
                return
            if words.accept(";"):
                return
            if words.word() in ("(", "[", "{") and words.kind() == "sign":
                is_body = words.word() == "{" and words.word(-1) not in ("=", ":", "=>", "|")
                words.skip_group()
                if is_body:
                    return
            else:
                words.next()

    # ---- types

    def kind(self):
        words, kinds, nothing = self.words, [], False
        if len(self.busy) > DEPTH_MAX:
            raise Refused("types nested too deeply")
        words.accept("|")
        while True:
            if words.word() in NOTHING and (words.word(1) == "|" or kinds or nothing):
                words.next()
                nothing = True
            else:
                kinds.append(self.one())
            if not words.accept("|"):
                break
        if words.word() == "&":
            raise Refused("an intersection of types")
        if len(kinds) != 1:
            raise Refused("one of several types: only T | null is carried")
        return Nullable(kinds[0]) if nothing else kinds[0]

    def one(self):
        words = self.words
        if words.kind() == "text" or words.kind() == "number":
            raise Refused("a type of one value")
        if words.accept("["):
            return self.tuple()
        if words.accept("{"):
            raise Refused("an object without a name: declare an interface")
        if words.word() == "(":
            raise Refused("a callback, or a type in parentheses")
        if words.accept("readonly"):
            return self.one()
        name = words.name()
        if words.word() == ".":
            raise Refused(f"{name}.{words.word(1)} is defined elsewhere")
        if words.word() == "<":
            return self.generic(name)
        if words.word() == "[":
            raise Refused(f"{name}[]: lists are not carried")
        return self.by_name(name)

    def tuple(self):
        words, kinds = self.words, []
        while not words.accept("]"):
            if words.kind() == "name" and words.word(1) == ":":
                words.at += 2
            kinds.append(self.kind())
            if not words.accept(","):
                words.expect("]")
                break
        if not kinds:
            raise Refused("an empty tuple")
        return Several(kinds)

    def generic(self, name):
        words = self.words
        words.expect("<")
        if name in ("Promise", "Readonly"):
            kind = self.kind()
            words.expect(">")
            return kind
        raise Refused(f"{name}<...>: objects that hold others are not carried")

    def by_name(self, name):
        if name in SIMPLE and (name in NUMBERS or name not in self.types):
            return SIMPLE[name]    # `type i32 = number` says how wide it is
        if name in MEMORY:
            return Bytes()
        if name not in self.types:
            raise Refused(f"{name} is defined elsewhere, or holds objects of JavaScript")
        if name in self.busy:
            raise Refused(f"{name} holds itself")
        kind, place = self.types[name]
        if kind == "class":
            return Handle(name)
        words, back = self.words, self.words.at
        self.busy.append(name)
        words.at = place
        try:
            return self.by_item(kind, name)
        finally:
            self.busy.pop()
            words.at = back

    def by_item(self, kind, name):
        words = self.words
        if words.word() == "<":
            raise Refused(f"{name} is generic")
        if kind == "enum":
            return self.enum(name)
        if kind == "type":
            words.expect("=")
            return self.fields(name) if words.word() == "{" else self.kind()
        if words.word() == "extends":
            raise Refused(f"{name} extends another")
        return self.fields(name)

    def enum(self, name):
        words, values, last = self.words, [], -1
        words.expect("{")
        while not words.accept("}"):
            words.next()
            last += 1
            if words.accept("="):
                sign = -1 if words.accept("-") else 1
                if not words.word().isdigit():
                    raise Refused(f"enum {name} has values that are no integers")
                last = sign * int(words.next())
            values.append(last)
            if not words.accept(","):
                words.expect("}")
                break
        return enumeration(values)

    def fields(self, name):
        words, fields = self.words, []
        words.expect("{")
        while not words.accept("}"):
            words.accept("readonly")
            field = words.name()
            if words.word() in ("?", "(", "<"):
                raise Refused(f"{name} has field {field}, which may be missing or is a function")
            words.expect(":")
            fields.append((field, self.kind()))
            while words.accept(";", ","):
                pass
        return Struct(name, fields)

    # ---- functions

    def signature(self, place):
        words, params = self.words, []
        words.at = place
        if words.word() == "<":
            raise Refused("generic")
        words.expect("(")
        while not words.accept(")"):
            if words.word() == "...":
                raise Refused("any number of arguments")
            if words.word() in ("{", "["):
                raise Refused("a parameter that is taken apart has no name")
            name = words.name()
            optional = words.accept("?") is not None
            if not words.accept(":"):
                raise Refused(f"parameter {name} has no type")
            params.append((name.replace("$", "_"), self.param(name, optional)))
            if words.accept("="):
                self.skip_default()
            if not words.accept(","):
                words.expect(")")
                break
        if not words.accept(":"):
            raise Refused("it does not say what it returns (: void is nothing)")
        try:
            return params, self.kind()
        except Refused as reason:
            raise Refused(f"result: {reason}") from None

    def param(self, name, optional):
        try:
            kind = self.kind()
            return Nullable(kind) if optional and not isinstance(kind, Nullable) else kind
        except Refused as reason:
            raise Refused(f"parameter {name}: {reason}") from None

    def skip_default(self):
        words = self.words
        while words.word() not in (",", ")") and words.kind() != "end":
            if words.word() in ("(", "[", "{") and words.kind() == "sign":
                words.skip_group()
            else:
                words.next()

    def read(self):
        self.scan()
        for name, place in self.functions:
            try:
                self.interface.add(name, *self.signature(place))
            except Refused as why:
                self.interface.refuse(name, why)
        return self.interface


def read(text):
    return Reader(text).read()


if __name__ == "__main__":
    run(sys.argv[1], read)
