"""rust - the `extern "C"` functions of a Rust file."""
import re
import sys

from declare import (Array, Behind, Bytes, DEPTH_MAX, Handle, Interface, NUMBERS, Nullable,
                     Refused, Struct, TEXT, TRUTH, VOID, Words, enumeration, is_plain, run)

WORDS = re.compile(
    r"(?P<skip>\s+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)"
    r"|(?P<text>b?r(?P<hash>#*)\".*?\"(?P=hash)|[bc]?\"(?:[^\"\\]|\\.)*\"|b?'(?:[^'\\]|\\[^u]|\\u\{[^}]*\})[^']{0,3}')"
    r"|(?P<life>'[A-Za-z_]\w*)|(?P<name>(?:r#)?[A-Za-z_]\w*)|(?P<number>\d[\w.]*)"
    r"|(?P<sign>->|::|=>|\.\.\.|[^\w\s\"])", re.S)
SIMPLE = {"bool": TRUTH, "usize": NUMBERS["u64"], "isize": NUMBERS["i64"], "char": NUMBERS["u32"],
          "c_char": NUMBERS["i8"], "c_schar": NUMBERS["i8"], "c_uchar": NUMBERS["u8"],
          "c_short": NUMBERS["i16"], "c_ushort": NUMBERS["u16"], "c_int": NUMBERS["i32"],
          "c_uint": NUMBERS["u32"], "c_long": NUMBERS["i64"], "c_ulong": NUMBERS["u64"],
          "c_longlong": NUMBERS["i64"], "c_ulonglong": NUMBERS["u64"], "c_float": NUMBERS["f32"],
          "c_double": NUMBERS["f64"], "size_t": NUMBERS["u64"], "ssize_t": NUMBERS["i64"], **NUMBERS}
LENGTHS = re.compile("len|size|count|bytes", re.I)


class Pointer:
    """A raw pointer: what it is, the parameters around it say."""

    def __init__(self, target, is_const):
        self.target, self.is_const = target, is_const


class Reader:
    def __init__(self, text):
        self.words = Words(text, WORDS)
        self.interface = Interface()
        self.types = {}        # name -> ("struct" | "union" | "enum" | "type", place, repr)
        self.functions = []    # (name, place)
        self.busy = []

    # ---- what there is: first all items are noted, then types are read where they are used

    def scan(self):
        words, marks = self.words, []
        while words.kind() != "end":
            if words.accept("#"):
                words.accept("!")
                begin = words.at
                words.skip_group()
                marks.append("".join(item[1] for item in words.items[begin:words.at]))
                continue
            self.item(marks)
            marks = []

    def item(self, marks):
        words = self.words
        while words.word() in ("pub", "unsafe", "const", "async", "default", "safe") and \
                (words.word() != "const" or words.word(1) in ("fn", "unsafe", "extern")):
            words.next()
            if words.word() == "(":
                words.skip_group()
        if words.word() == "extern":
            self.extern(marks)
        elif words.word() in ("struct", "union", "enum", "type") and words.kind(1) == "name":
            kind, name = words.next(), words.next()
            self.types[name] = (kind, words.at, " ".join(marks))
            self.to_end()
        elif words.word() == "mod" and words.word(2) == "{":
            words.at += 3      # its items are looked at as if they stood here
        elif not words.accept("}"):
            self.to_end()

    def to_end(self):
        """Behind the item: its body or its semicolon."""
        words = self.words
        while words.kind() != "end":
            if words.word() == ";":
                words.next()
                return
            if words.word() in "([{" and words.kind() == "sign":
                is_body = words.word() == "{"
                words.skip_group()
                if is_body:
                    return
            elif words.word() == "}" and words.kind() == "sign":
                return
            else:
                words.next()

    def extern(self, marks):
        words = self.words
        words.next()
        abi = words.next() if words.kind() == "text" else '"C"'
        if words.word() == "fn":
            self.function(marks, abi, "".join(marks))
        elif words.word() == "{" and words.kind() == "sign":
            end = self.end_of_group()
            words.next()
            self.foreign(abi, end)
        else:
            self.to_end()      # extern crate

    def end_of_group(self):
        begin = self.words.at
        self.words.skip_group()
        end, self.words.at = self.words.at, begin
        return end

    def foreign(self, abi, end):
        words, marks = self.words, []
        while words.at < end - 1:
            if words.accept("#"):
                begin = words.at
                words.skip_group()
                marks.append("".join(item[1] for item in words.items[begin:words.at]))
            elif words.word() == "fn":
                self.function(marks, abi, "no_mangle")
                marks = []
            elif words.word() == "type" and words.kind(1) == "name":
                words.next()
                self.types[words.name()] = ("opaque", 0, "")
                self.to_end()
            else:
                if words.word() not in ("pub", "unsafe", "safe"):
                    marks = []
                words.next()
        words.at = end

    def function(self, marks, abi, mark):
        words = self.words
        words.next()
        name, place = words.name().removeprefix("r#"), words.at
        given = re.search(r'(?:export_name|link_name)="(\w+)"', "".join(marks))
        if given:
            name = given.group(1)
        if abi.strip('"') in ("C", "system", "C-unwind"):
            named = "no_mangle" in mark or given
            self.functions.append((name, place if named else None))
        self.to_end()

    # ---- types

    def kind(self):
        words = self.words
        if len(self.busy) > DEPTH_MAX:
            raise Refused("types nested too deeply")
        if words.accept("*"):
            is_const = words.next() == "const"
            return Pointer(self.target(), is_const)
        if words.accept("&"):
            return self.reference()
        if words.accept("["):
            return self.array()
        if words.accept("("):
            if words.accept(")"):
                return VOID
            raise Refused("a tuple has no layout that C knows")
        if words.accept("!"):
            raise Refused("it never returns")
        if words.word() in ("fn", "extern", "unsafe", "dyn", "impl"):
            raise Refused("a callback, or an object of Rust")
        return self.named()

    def reference(self):
        words = self.words
        if words.kind() == "life":
            words.next()
        word = "inout" if words.accept("mut") else "in"
        kind = self.target()
        if isinstance(kind, Handle) and not kind.text.startswith("drop"):
            return kind
        if kind is TEXT:
            return TEXT
        if not is_plain(kind):
            raise Refused("a reference to what is no plain data")
        return Behind(word, kind)

    def target(self):
        """What a pointer leads to; a type that is not known is an object."""
        words = self.words
        if words.kind() == "name" and words.word() in ("CStr",):
            words.next()
            return TEXT
        self.busy.append("*")
        try:
            return self.kind()
        finally:
            self.busy.pop()

    def array(self):
        words = self.words
        element = self.kind()
        if not words.accept(";"):
            raise Refused("a slice has no layout that C knows: pass a pointer and a length")
        count = words.next().replace("_", "").removesuffix("usize")
        words.accept("]")
        if not count.isdigit():
            raise Refused("an array whose length is no number here")
        return Array(element, int(count))

    def named(self):
        words = self.words
        name = words.name()
        while words.accept("::"):
            name = words.name()
        if name in ("Option", "Box") and words.accept("<"):
            kind = self.kind()
            words.accept(">")
            return self.wrapped(name, kind)
        if words.word() == "<":
            raise Refused(f"{name}<...>: an object of Rust")
        if name in self.types:
            return self.by_item(name)
        if name in SIMPLE:
            return SIMPLE[name]
        if name == "c_void":
            return VOID
        raise Refused(f"{name} is defined elsewhere, or is an object of Rust")

    def wrapped(self, name, kind):
        if name == "Option" and isinstance(kind, (Behind, Handle)):
            return Nullable(kind)
        if name == "Box" and isinstance(kind, Handle):
            return Handle(kind.name, "drop ")
        raise Refused(f"{name} of what is no object")

    def by_item(self, name):
        kind, place, marks = self.types[name]
        if kind == "opaque" or (kind in ("struct", "union") and "repr" not in marks):
            return Handle(name)
        if name in self.busy and self.busy[-1] == "*":
            return Handle(name)
        if name in self.busy:
            raise Refused(f"{name} holds itself")
        words, back = self.words, self.words.at
        self.busy.append(name)
        words.at = place
        try:
            if kind == "type":
                words.expect("=")
                return self.kind()
            if kind == "enum":
                return self.enum(marks)
            return self.record(name, kind, marks)
        finally:
            self.busy.pop()
            words.at = back

    def enum(self, marks):
        for text, size in NUMBERS.items():
            if re.search(rf"repr\(.*\b{text}\b", marks):
                return NUMBERS["i" + text[1:]]
        if "repr(C" not in marks:
            raise Refused("an enum without #[repr(C)] or a number")
        return enumeration([0])

    def record(self, name, kind, marks):
        words, fields = self.words, []
        if "transparent" in marks or "packed" in marks or "align" in marks or \
                not words.accept("{"):
            raise Refused(f"{name} is not laid out as C does by itself, or has no named fields")
        while not words.accept("}"):
            while words.accept("#"):
                words.skip_group()
            if words.accept("pub") and words.word() == "(":
                words.skip_group()
            field = words.name().removeprefix("r#")
            words.expect(":")
            if words.word() == "[" and words.word(2) == ";" and words.word(3) == "0":
                return Handle(name)    # the usual way to say that nothing is known
            made = self.kind()
            if isinstance(made, Pointer):
                raise Refused(f"{name} holds a pointer in field {field}")
            fields.append((field, made))
            if not words.accept(","):
                words.expect("}")
                break
        return Struct(name, fields, kind == "union")

    # ---- functions

    def signature(self, place):
        words, params = self.words, []
        words.at = place
        if words.word() == "<":
            while words.next() != ">":    # only lifetimes can stand there
                if words.kind() == "end" or words.word() == "(":
                    raise Refused("generic")
        words.expect("(")
        while not words.accept(")"):
            if words.word() == "...":
                raise Refused("variable arguments")
            while words.accept("#"):
                words.skip_group()
            words.accept("mut")
            name = words.name().removeprefix("r#")
            words.expect(":")
            try:
                params.append((f"a{len(params)}" if name == "_" else name, self.kind()))
            except Refused as reason:
                raise Refused(f"parameter {name}: {reason}") from None
            if not words.accept(","):
                words.expect(")")
                break
        try:
            ret = self.kind() if words.accept("->") else VOID
        except Refused as reason:
            raise Refused(f"result: {reason}") from None
        return self.settle(params), result_of(ret)

    def settle(self, params):
        """Raw pointers, by what C says of them (docs/side-file.md)."""
        return [(name, param_of(name, kind, index, params))
                for index, (name, kind) in enumerate(params)]

    def read(self):
        self.scan()
        for name, place in self.functions:
            if place is None:
                self.interface.refuse(name, "its name is mangled: #[no_mangle] is missing")
                continue
            try:
                self.interface.add(name, *self.signature(place))
            except Refused as reason:
                self.interface.refuse(name, reason)
        return self.interface


def is_length(params, index):
    if index >= len(params):
        return False
    name, kind = params[index]
    return kind in (NUMBERS["u64"], NUMBERS["u32"], NUMBERS["i64"], NUMBERS["i32"]) and \
        (LENGTHS.search(name) or name == "n")


def param_of(name, kind, index, params):
    if not isinstance(kind, Pointer):
        return kind
    target = kind.target
    if isinstance(target, Handle):
        return Handle(target.name)
    if target is TEXT or (target is NUMBERS["i8"] and kind.is_const):
        return TEXT
    if (target is VOID or target is NUMBERS["u8"]) and kind.is_const and \
            is_length(params, index + 1):
        return Bytes(index + 2)
    if isinstance(target, Pointer):
        raise Refused(f"parameter {name}: a pointer to a pointer")
    raise Refused(f"parameter {name}: a raw pointer has no direction: say &T or &mut T, or write "
                  "a side file")


def result_of(kind):
    if isinstance(kind, Nullable):
        kind = kind.kind
    if isinstance(kind, Handle):
        return Handle(kind.name)
    if not isinstance(kind, Pointer):
        return kind
    if isinstance(kind.target, Handle):
        return Handle(kind.target.name)
    if kind.target is NUMBERS["i8"] and kind.is_const:
        return TEXT
    raise Refused("result: a raw pointer that may be anything")


def read(text):
    return Reader(text).read()


if __name__ == "__main__":
    run(sys.argv[1], read)
