"""python - the functions of a Python file, by their type hints.  Nothing of it runs."""
import ast
import sys
import warnings

from declare import (Array, Broken, Bytes, DEPTH_MAX, FD, FLOATING, Handle, INTEGER, Interface,
                     NUMBERS, Nullable, PATH, Refused, Several, Struct, TEXT, TRUTH, VOID,
                     enumeration, run)

SIMPLE = {"int": INTEGER, "float": FLOATING, "bool": TRUTH, "str": TEXT, "None": VOID,
          "Path": PATH, "PurePath": PATH, "PathLike": PATH, "fd": FD, "path": PATH,
          "c_int8": NUMBERS["i8"], "c_int16": NUMBERS["i16"], "c_int32": NUMBERS["i32"],
          "c_int64": NUMBERS["i64"], "c_uint8": NUMBERS["u8"], "c_uint16": NUMBERS["u16"],
          "c_uint32": NUMBERS["u32"], "c_uint64": NUMBERS["u64"], "c_int": NUMBERS["i32"],
          "c_uint": NUMBERS["u32"], "c_long": NUMBERS["i64"], "c_ulong": NUMBERS["u64"],
          "c_size_t": NUMBERS["u64"], "c_float": NUMBERS["f32"], "c_double": NUMBERS["f64"],
          "c_bool": TRUTH, **NUMBERS}
MEMORY = {"bytes", "bytearray", "memoryview", "Buffer"}
ENUMS = {"Enum", "IntEnum", "IntFlag", "Flag"}


def last_name(node):
    """int, typing.Optional -> Optional; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return None


def spelled(node):
    return ast.unparse(node)[:80]


class Module:
    def __init__(self, tree):
        self.classes = {}
        self.aliases = {}
        self.busy = []
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                self.classes[node.name] = node
            elif isinstance(node, ast.Assign) and len(node.targets) == 1 and \
                    isinstance(node.targets[0], ast.Name):
                self.aliases[node.targets[0].id] = node.value
            elif isinstance(node, ast.AnnAssign) and node.value is not None and \
                    isinstance(node.target, ast.Name) and last_name(node.annotation) == "TypeAlias":
                self.aliases[node.target.id] = node.value

    def kind(self, node):
        if len(self.busy) > DEPTH_MAX:
            raise Refused("types nested too deeply")
        if isinstance(node, ast.Constant):
            return self.of_constant(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self.of_choice([node.left, node.right])
        if isinstance(node, ast.Subscript):
            return self.of_subscript(node)
        name = last_name(node)
        if name is None:
            raise Refused(f"{spelled(node)} is no type that can be carried")
        return self.of_name(name, node)

    def of_constant(self, node):
        if node.value is None:
            return VOID
        if not isinstance(node.value, str):
            raise Refused(f"{spelled(node)} is no type")
        try:    # an annotation in quotes
            inner = ast.parse(node.value, mode="eval").body
        except (SyntaxError, ValueError):
            raise Refused(f"'{node.value[:60]}' is no type") from None
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            raise Refused(f"{spelled(inner)} is no type")
        return self.kind(inner)

    def of_choice(self, nodes):
        others = [node for node in nodes
                  if not (isinstance(node, ast.Constant) and node.value is None)]
        if len(others) == len(nodes):
            raise Refused("one of several types: only T | None is carried")
        if len(others) != 1:
            raise Refused("one of several types")
        return Nullable(self.kind(others[0]))

    def of_subscript(self, node):
        name = last_name(node.value)
        inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name == "Optional":
            return self.of_choice(inside + [ast.Constant(None)])
        if name == "Union":
            return self.of_choice(inside)
        if name == "Annotated":
            return self.of_annotated(inside)
        if name in ("tuple", "Tuple"):
            if any(isinstance(item, ast.Constant) and item.value is ... for item in inside):
                raise Refused("a tuple of any length")
            return Several([self.kind(item) for item in inside])
        if name in ("Final", "ClassVar", "Awaitable", "Coroutine"):
            return self.kind(inside[-1])
        if name == "PathLike":
            return PATH
        raise Refused(f"{spelled(node)}: objects of Python that hold others are not carried")

    def of_annotated(self, inside):
        """Annotated[int, "u32"]: the canonical type itself; [T, N]: N elements."""
        for extra in inside[1:]:
            if isinstance(extra, ast.Constant) and extra.value in SIMPLE:
                return SIMPLE[extra.value]
            if isinstance(extra, ast.Constant) and type(extra.value) is int:
                return Array(self.kind(inside[0]), extra.value)
        return self.kind(inside[0])

    def of_name(self, name, node):
        if name in self.classes:
            return self.of_class(self.classes[name])
        if name in self.aliases and name not in self.busy:
            self.busy.append(name)
            try:
                value = self.aliases[name]
                if isinstance(value, ast.Call) and last_name(value.func) == "NewType" and \
                        len(value.args) == 2:
                    value = value.args[1]
                return self.kind(value)
            finally:
                self.busy.pop()
        if name in MEMORY:
            return Bytes()
        if name in SIMPLE:
            return SIMPLE[name]
        raise Refused(f"{spelled(node)} is defined elsewhere, or holds objects of Python")

    def of_class(self, node):
        bases = {last_name(base) for base in node.bases}
        marks = {last_name(mark.func if isinstance(mark, ast.Call) else mark)
                 for mark in node.decorator_list}
        if bases & ENUMS:
            return enumeration(self.enum_values(node))
        if "dataclass" in marks or bases & {"NamedTuple", "Structure", "struct"} or \
                "struct" in marks:
            return self.of_fields(node)
        return Handle(node.name)

    def enum_values(self, node):
        values, last = [], 0
        for item in node.body:
            if not isinstance(item, ast.Assign):
                continue
            try:
                last = ast.literal_eval(item.value)
            except (ValueError, TypeError, SyntaxError):
                last = last + 1    # auto()
            if type(last) is not int:
                raise Refused(f"enum {node.name} has values that are no integers")
            values.append(last)
        return values

    def of_fields(self, node):
        if node.name in self.busy:
            raise Refused(f"{node.name} holds itself")
        self.busy.append(node.name)
        try:
            fields = [(item.target.id, self.kind(item.annotation)) for item in node.body
                      if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and
                      not (isinstance(item.annotation, ast.Subscript) and
                           last_name(item.annotation.value) == "ClassVar")]
            return Struct(node.name, fields)
        finally:
            self.busy.pop()


def exported(tree):
    """The names of __all__, or None."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(last_name(t) == "__all__" for t in node.targets):
            try:
                return set(ast.literal_eval(node.value))
            except (ValueError, TypeError, SyntaxError):
                return None
    return None


def signature(module, node):
    args = node.args
    if args.vararg or args.kwarg:
        raise Refused("it takes any number of arguments")
    params = []
    for arg in args.posonlyargs + args.args + args.kwonlyargs:
        if arg.annotation is None:
            raise Refused(f"parameter {arg.arg} has no type")
        try:
            params.append((arg.arg, module.kind(arg.annotation)))
        except Refused as reason:
            raise Refused(f"parameter {arg.arg}: {reason}") from None
    if node.returns is None:
        raise Refused("it does not say what it returns (-> None: nothing)")
    try:
        return params, module.kind(node.returns)
    except Refused as reason:
        raise Refused(f"result: {reason}") from None


def read(text):
    warnings.simplefilter("ignore")
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise Broken(error.lineno or 1, error.offset or 1, error.msg) from None
    except ValueError as error:
        raise Broken(1, 1, str(error)) from None
    module, interface, names = Module(tree), Interface(), exported(tree)
    for node in tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if node.name.startswith("_") or (names is not None and node.name not in names):
            continue
        try:
            interface.add(node.name, *signature(module, node))
        except Refused as reason:
            interface.refuse(node.name, reason)
    return interface


if __name__ == "__main__":
    run(sys.argv[1], read)
