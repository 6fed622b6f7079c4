"""go - the exported functions of a Go file, those after `//export NAME` by that name."""
import re
import sys

from declare import (Array, Bytes, DEPTH_MAX, Handle, Interface, NUMBERS, Refused, Several,
                     Struct, TEXT, TRUTH, VOID, Words, run)

WORDS = re.compile(
    r"(?P<mark>//export [^\n]*)|(?P<skip>[^\S\n]+|//[^\n]*|/\*.*?\*/)"
    r"|(?P<text>`[^`]*`|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)+')"
    r"|(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)|(?P<sign>\.\.\.|<-|\n|[^\w\s\"'`])", re.S)
SIMPLE = {"int": NUMBERS["i64"], "uint": NUMBERS["u64"], "uintptr": NUMBERS["u64"],
          "int8": NUMBERS["i8"], "int16": NUMBERS["i16"], "int32": NUMBERS["i32"],
          "int64": NUMBERS["i64"], "uint8": NUMBERS["u8"], "uint16": NUMBERS["u16"],
          "uint32": NUMBERS["u32"], "uint64": NUMBERS["u64"], "byte": NUMBERS["u8"],
          "rune": NUMBERS["i32"], "float32": NUMBERS["f32"], "float64": NUMBERS["f64"],
          "bool": TRUTH, "string": TEXT}
OF_C = {"char": NUMBERS["i8"], "schar": NUMBERS["i8"], "uchar": NUMBERS["u8"],
        "short": NUMBERS["i16"], "ushort": NUMBERS["u16"], "int": NUMBERS["i32"],
        "uint": NUMBERS["u32"], "long": NUMBERS["i64"], "ulong": NUMBERS["u64"],
        "longlong": NUMBERS["i64"], "ulonglong": NUMBERS["u64"], "size_t": NUMBERS["u64"],
        "float": NUMBERS["f32"], "double": NUMBERS["f64"], "int8_t": NUMBERS["i8"],
        "int16_t": NUMBERS["i16"], "int32_t": NUMBERS["i32"], "int64_t": NUMBERS["i64"],
        "uint8_t": NUMBERS["u8"], "uint16_t": NUMBERS["u16"], "uint32_t": NUMBERS["u32"],
        "uint64_t": NUMBERS["u64"]}


class Failure:
    """error: what is told beside the results."""


class Reader:
    def __init__(self, text):
        self.words = Words(text, WORDS)
        self.interface = Interface()
        self.types = {}        # name -> place behind it
        self.functions = []    # (name, place, reason or None)
        self.busy = []

    def skip_lines(self):
        while self.words.word() in ("\n", ";") or self.words.kind() == "mark":
            self.words.next()

    def scan(self):
        words, mark = self.words, None
        while words.kind() != "end":
            if words.kind() == "mark":
                mark = words.next().split()[1:]
            elif words.word() in ("\n", ";"):
                words.next()
            else:
                self.item(mark[0] if mark else None)
                mark = None

    def item(self, mark):
        words = self.words
        if words.accept("func"):
            self.function(mark)
        elif words.accept("type"):
            if words.accept("("):
                self.skip_lines()
                while not words.accept(")"):
                    self.type()
                    self.skip_lines()
            else:
                self.type()
        else:
            self.to_line_end()

    def type(self):
        words, name = self.words, self.words.name()
        self.types[name] = words.at
        self.to_line_end()

    def to_line_end(self):
        words = self.words
        while words.kind() != "end" and words.word() not in ("\n", ";"):
            if words.word() in ("(", "[", "{") and words.kind() == "sign":
                words.skip_group()
            elif words.word() in (")", "]", "}") and words.kind() == "sign":
                return
            else:
                words.next()

    def function(self, mark):
        words, method = self.words, False
        if words.word() == "(":
            words.skip_group()
            method = True
        name = words.name()
        if mark or name[0].isupper():
            reason = "a method: only functions have a name that others know" if method else None
            self.functions.append((mark or name, words.at, reason))
        self.to_line_end()

    # ---- types

    def kind(self):
        words = self.words
        if len(self.busy) > DEPTH_MAX:
            raise Refused("types nested too deeply")
        if words.accept("*"):
            return self.pointer()
        if words.accept("["):
            return self.array()
        if words.accept("("):
            kind = self.kind()
            words.expect(")")
            return kind
        if words.word() in ("map", "chan", "func", "interface", "<-"):
            raise Refused(f"a {words.word()} of Go is not carried")
        if words.accept("struct"):
            return self.struct("")
        name = words.name()
        if words.accept("."):
            return self.of_package(name, words.name())
        return self.by_name(name)

    def of_package(self, package, name):
        if package == "C" and name in OF_C:
            return OF_C[name]
        raise Refused(f"{package}.{name} is defined elsewhere")

    def by_name(self, name):
        if name == "error":
            return Failure()
        if name in self.types:
            return self.by_item(name)
        if name in SIMPLE:
            return SIMPLE[name]
        if self.words.word() == "[":
            raise Refused(f"{name} is generic")
        raise Refused(f"{name} is defined elsewhere, or is an object of Go")

    def by_item(self, name):
        if name in self.busy:
            raise Refused(f"{name} holds itself")
        words, back = self.words, self.words.at
        self.busy.append(name)
        words.at = self.types[name]
        try:
            if words.word() == "[" and words.kind(1) == "name" and words.kind(2) == "name":
                raise Refused(f"{name} is generic")
            words.accept("=")
            if words.accept("struct"):
                return self.struct(name)
            if words.word() == "interface":
                return Handle(name)
            return self.kind()
        finally:
            self.busy.pop()
            words.at = back

    def pointer(self):
        words = self.words
        if words.word() == "C" and words.word(1) == "." and words.word(2) == "char":
            words.at += 3
            return TEXT
        if words.kind() == "name" and words.word() in self.types:
            return Handle(words.next())
        raise Refused("a pointer to what is no type of this file")

    def array(self):
        words = self.words
        if words.accept("]"):
            if words.accept("byte", "uint8"):
                return Bytes()
            raise Refused("a slice of other than bytes")
        count = words.next().replace("_", "")
        words.expect("]")
        if not count.isdigit():
            raise Refused("an array whose length is no number here")
        return Array(self.kind(), int(count))

    def struct(self, name):
        words, fields = self.words, []
        words.expect("{")
        self.skip_lines()
        while not words.accept("}"):
            names = [words.name()]
            while words.accept(","):
                names.append(words.name())
            if words.word() in ("\n", ";", "}", ".") or words.kind() == "text":
                raise Refused(f"{name} holds another type without a name")
            made = self.kind()
            fields += [(field, made) for field in names]
            if words.kind() == "text":
                words.next()    # a tag
            self.skip_lines()
        return Struct(name, fields)

    # ---- functions

    def signature(self, place):
        words = self.words
        words.at = place
        if words.word() == "[":
            raise Refused("generic")
        params = self.params()
        if words.word() in ("{", "\n", ";") or words.kind() == "end":
            return params, VOID
        results = [kind for _, kind in self.params()] if words.word() == "(" else [self.kind()]
        if results and isinstance(results[-1], Failure):
            results.pop()
        if any(isinstance(kind, Failure) for kind in results):
            raise Refused("an error that is not the last result")
        if not results:
            return params, VOID
        return params, results[0] if len(results) == 1 else Several(results)

    def params(self):
        """a, b int, c string; or types alone."""
        words, entries = self.words, []
        words.expect("(")
        self.skip_lines()
        while not words.accept(")"):
            entries.append(self.entry())
            if not words.accept(","):
                self.skip_lines()
                words.expect(")")
                break
            self.skip_lines()
        if not any(place is not None for _, place in entries):
            return [(f"a{i}", self.at(place)) for i, (place, _) in enumerate(entries)]
        back, made, kind = words.at, [], None
        for place, behind in reversed(entries):
            if behind is not None:
                kind = self.at(behind)
            made.append((words.items[place][1], kind))
        words.at = back
        return [(f"a{i}" if name == "_" else name, kind)
                for i, (name, kind) in enumerate(reversed(made))]

    def entry(self):
        """(place, place of the type behind a name, or None)"""
        words = self.words
        begin = words.at
        named = words.kind() == "name" and words.word() not in ("func", "map", "chan", "struct",
                                                               "interface") and \
            words.word(1) not in (",", ")", ".", "\n")
        if named:
            words.next()
        behind = words.at
        if words.word() == "...":
            raise Refused("any number of arguments")
        while words.word() not in (",", ")", "\n") and words.kind() != "end":
            if words.word() in ("(", "[", "{") and words.kind() == "sign":
                words.skip_group()
            else:
                words.next()
        return begin, behind if named else None

    def at(self, place):
        back, self.words.at = self.words.at, place
        kind = self.kind()
        self.words.at = back
        return kind

    def read(self):
        self.scan()
        for name, place, reason in self.functions:
            try:
                if reason:
                    raise Refused(reason)
                params, ret = self.signature(place)
                for param, kind in params:
                    if isinstance(kind, Failure):
                        raise Refused(f"parameter {param}: an error goes nowhere")
                self.interface.add(name, params, ret)
            except Refused as why:
                self.interface.refuse(name, why)
        return self.interface


def read(text):
    return Reader(text).read()


if __name__ == "__main__":
    run(sys.argv[1], read)
