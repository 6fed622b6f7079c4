#!/usr/bin/python3
"""generate.py FOLDER COMMON.def HOOK.def...: what is made of the descriptions of hooks.

    FOLDER/NAME_layout.h   buffer, values and slots, for both sides
    FOLDER/NAME.h          what a rule's author includes
    FOLDER/NAME_builtin.h  what is included before that where a rule is built in
    FOLDER/hooks_table.c   the load-time checks (rules/hook.h)
    FOLDER/hooks.md        the page of documentation
"""
import os
import re
import sys

CALL = re.compile(r'RH_([A-Z]+)\((.*)\)\s*$')
C_TYPES = {"i32": "int32_t", "i64": "int64_t", "u32": "uint32_t", "u64": "uint64_t",
           "none": "void", "address": "void *"}
WASM_TYPES = {"i32": "i32", "i64": "i64", "address": "i32", "none": ""}
WIDTH = {"u8": 1, "u32": 4, "u64": 8}
C_FIELDS = {"u8": "uint8_t", "u32": "uint32_t", "u64": "uint64_t"}
WAYS = ("in", "out", "both", "kept")


class Bad(Exception):
    pass


class Field:
    """A place of a buffer or of a record: a number, bytes, or an array of numbers or of records
    of the same form."""

    def __init__(self, name, kind, count, way, text):
        self.name, self.kind, self.way, self.text = name, kind, way, text
        self.count = count       # of an array, else None
        self.record = None       # of an array of records
        self.offset = 0

    @property
    def is_bytes(self):
        return self.kind == "u8"

    @property
    def width(self):
        """Of one element."""
        return self.record.size if self.record else WIDTH[self.kind]

    @property
    def bytes(self):
        return self.width * (self.count or 1)

    @property
    def array(self):
        return f"[{self.count}]" if self.count else ""

    def place(self, path, at, records):
        if self.kind not in WIDTH:
            self.record = records.get(self.kind)
            if not self.record:
                raise Bad(f"{path}: {self.name}: {self.kind} is no type and no record")
        if self.way not in WAYS:
            raise Bad(f"{path}: {self.name}: {self.way} is none of {', '.join(WAYS)}")
        if at % min(self.width, 8):
            raise Bad(f"{path}: a hole before {self.name}: order the fields by size")
        self.offset = at
        return at + self.bytes


class Record:
    """What is in each place of an array."""

    def __init__(self, name):
        self.name, self.members, self.size = name, [], 0

    def add(self, path, name, kind, way, text):
        found = re.fullmatch(r"(u32|u64)(?:\[(\d+)\])?", kind)
        if not found:
            raise Bad(f"{path}: {name}: {kind} is not u32, u64 or an array of them")
        member = Field(name, found.group(1), int(found.group(2)) if found.group(2) else None,
                       way, text)
        self.size = member.place(path, self.size, {})
        self.members.append(member)


def split(text):
    """The arguments of one line: commas count outside of parentheses and quotes."""
    parts, depth, quoted, part = [], 0, False, ""
    for char in text:
        if char == '"':
            quoted = not quoted
        elif not quoted and char in "()":
            depth += 1 if char == "(" else -1
        if char == "," and not quoted and not depth:
            parts.append(part.strip())
            part = ""
        else:
            part += char
    return [item.strip('"') for item in parts + [part.strip()]]


def read(path):
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    for line in text.splitlines():
        if not line.strip():
            continue
        found = CALL.match(line)
        if not found:
            raise Bad(f"{path}: not a line of a hook: {line}")
        yield found.group(1), split(found.group(2))


def parameters(text):
    """[(type, name)] of "(i32 slot, i64 key)"."""
    inner = text.strip("()").strip()
    return [] if inner == "void" else [tuple(one.split()) for one in inner.split(",")]


class Hook:
    def __init__(self, path, common):
        self.fields, self.values, self.uses, self.points = [], [], [], []
        self.records = {}
        self.exports = [args for kind, args in common if kind == "EXPORT"]
        self.imports = {args[0]: args for kind, args in common if kind == "IMPORT"}
        self.common = len(self.exports)
        for kind, args in read(path):
            if kind == "HOOK":
                self.name, self.number, self.version, self.text = args
            elif kind == "FIELD":
                self.fields.append(Field(args[0], args[1], None, args[2], args[3]))
            elif kind == "BYTES":
                self.fields.append(Field(args[0], "u8", int(args[1]), args[2], args[3]))
            elif kind == "ARRAY":
                self.fields.append(Field(args[0], args[1], int(args[2]), args[3], args[4]))
            elif kind == "MEMBER":
                self.records.setdefault(args[0], Record(args[0])).add(path, *args[1:])
            elif kind == "VALUE":
                self.values.append(args)
            elif kind == "EXPORT":
                self.exports.append(args)
            elif kind == "USES":
                self.uses = args
            elif kind == "POINT":
                self.points.append(args)
            else:
                raise Bad(f"{path}: RH_{kind} is not known")
        self.check(path)

    def check(self, path):
        at = 0
        if self.points:  # of eBPF: nothing is called by us, so there is nothing to lay out
            self.exports, self.common, self.size = [], 0, 0
            if self.fields or self.values or self.uses:
                raise Bad(f"{path}: a hook with points has nothing else")
            return
        for record in self.records.values():
            if record.size % 8:
                raise Bad(f"{path}: a record {record.name} ends with a hole")
        for field in self.fields:
            at = field.place(path, at, self.records)
        if self.fields[-1].name != "bytes":
            raise Bad(f"{path}: the last field is not bytes, where a state is saved")
        self.size = (at + 7) // 8 * 8
        if at != self.size:
            raise Bad(f"{path}: the buffer ends with a hole of {self.size - at} bytes")
        for name in self.uses:
            if name not in self.imports:
                raise Bad(f"{path}: import {name} is not in common.def")
        for function, _, params, _, _ in self.exports:
            if len(parameters(params)) > 2:  # RH_HOOK_PARAMETERS_MAX
                raise Bad(f"{path}: {function} has more than two parameters")


def guard(name, text):
    return (f"/* Made from rules/hooks/ by generate.py. */\n#ifndef {name}\n"
            f"#define {name}\n\n{text}\n#endif\n")


def points_layout(hook):
    out = f"/* Where programs of the hook {hook.name} are attached, and what they return:\n"
    out += " * docs/hooks.md. */\n"
    out += f"#define RH_ABI_{hook.name} ((int32_t)({hook.number}u << 16 | {hook.version}u))\n"
    return guard(f"RHODES_HOOK_{hook.name.upper()}_LAYOUT_H", out)


def c_struct(hook, name, fields):
    """A structure, without its last line."""
    out = f"struct rh_{hook.name}_{name} {{\n"
    for field in fields:
        kind = f"struct rh_{hook.name}_{field.kind}" if field.record else C_FIELDS[field.kind]
        out += f"\t{kind} {field.name}{field.array}; /* {field.way}: {field.text} */\n"
    return out


def c_frozen(hook, name, fields, size):
    struct = f"struct rh_{hook.name}_{name}"
    out = f"_Static_assert(sizeof({struct}) == {size}, \"frozen\");\n"
    for field in fields:
        out += (f"_Static_assert(offsetof({struct}, {field.name}) == {field.offset}, "
                "\"frozen\");\n")
    return out


def layout(hook):
    if hook.points:
        return points_layout(hook)
    upper = hook.name.upper()
    out = ("#include <stddef.h>\n#include <stdint.h>\n\n#if defined __cplusplus && "
           "!defined _Static_assert\n#define _Static_assert static_assert\n#endif\n\n")
    for record in hook.records.values():
        out += c_struct(hook, record.name, record.members) + "};\n\n"
    out += f"/* {hook.text} */\n" + c_struct(hook, "buffer", hook.fields)
    out += f"}};\n\n#define RH_ABI_{hook.name} ((int32_t)({hook.number}u << 16 | {hook.version}u))\n\n"
    for group, name, number, text in hook.values:
        out += f"#define RH_{group}_{name} {number}u /* {text} */\n"
    out += "\n"
    for record in hook.records.values():
        out += c_frozen(hook, record.name, record.members, record.size)
    out += c_frozen(hook, "buffer", hook.fields, hook.size)
    out += "\n/* The functions of the hook by slot (rules/hook.h). */\n"
    out += f"enum rh_{hook.name}_slot {{\n"
    for i, (function, *_) in enumerate(hook.exports[hook.common:]):
        out += f"\tRH_SLOT_{function[3:].upper()} = {hook.common + i},\n"
    return guard(f"RHODES_HOOK_{upper}_LAYOUT_H", out + "};\n")


def author(hook):
    if hook.points:
        return guard(f"RHODES_HOOK_{hook.name.upper()}_H",
                     f"#include <rhodes/hook/{hook.name}_layout.h>\n")
    out = f'#include <rhodes/rule.h>\n#include <rhodes/hook/{hook.name}_layout.h>\n\n'
    out += f"/* The buffer of this rule; RH_RULE({hook.name}) defines it. */\n"
    buffer = f"struct rh_{hook.name}_buffer"
    out += (f"#ifdef RH_BUILTIN\n#define rh_{hook.name} "
            f"(*({buffer} *)rh_builtin_self->buffer)\n#else\n"
            f"extern RH_BUFFER {buffer} rh_{hook.name};\n#endif\n")
    for function, result, params, need, text in hook.exports[hook.common:]:
        listed = ", ".join(f"{C_TYPES[kind]} {name}" for kind, name in parameters(params))
        out += f"\n/* {need}: {text} */\n"
        out += f"RH_EXPORT({function}) {C_TYPES[result]} {function}({listed or 'void'});\n"
    out += kernel_entries(hook)
    return guard(f"RHODES_HOOK_{hook.name.upper()}_H", out)


def kernel_entries(hook):
    """Programs by which `rhodes rule test` calls in the kernel what each rule has."""
    out = ""
    for function, result, params, need, _ in hook.exports[hook.common:]:
        if need != "needed" or not result:
            continue
        given = ", ".join(f"({C_TYPES[kind]})call->{place}"
                          for (kind, _), place in zip(parameters(params), "ab"))
        unsigned = "uint32_t" if C_TYPES[result] == "int32_t" else "uint64_t"
        out += f"RH_KERNEL_ENTRY({function}, ({unsigned}){function}({given}))\n"
    return f"\n#ifdef __bpf__\n{out}#endif\n" if out else ""


def builtin(hook):
    """Other names for the functions, so that there can be more than one rule, and a table."""
    names = [function for function, *_ in hook.exports]
    out = '#include "rules/native/builtin.h"\n\n'
    out += "#define RH_BUILTIN_JOIN(rule, name) rule##_##name\n"
    out += "#define RH_BUILTIN_NAME(rule, name) RH_BUILTIN_JOIN(rule, name)\n"
    out += "#define RH_BUILTIN_TEXT(rule) #rule\n#define RH_BUILTIN_QUOTE(rule) RH_BUILTIN_TEXT(rule)\n"
    for name in names:
        out += f"#define {name} RH_BUILTIN_NAME(RH_BUILTIN, {name})\n"
    out += f"\n#define RH_BUILTIN_TABLE_{hook.name} \\\n"
    out += "\textern const struct rh_builtin RH_BUILTIN_NAME(rh_builtin, RH_BUILTIN); \\\n"
    out += "\tconst struct rh_builtin RH_BUILTIN_NAME(rh_builtin, RH_BUILTIN) = { \\\n"
    out += f"\t\tRH_BUILTIN_QUOTE(RH_BUILTIN), \"{hook.name}\", RH_ABI_{hook.name}, \\\n"
    out += f"\t\tsizeof(struct rh_{hook.name}_buffer), {{ \\\n"
    for name in names:
        out += f"\t\t\t(rh_builtin_function *)(void (*)(void)){name}, \\\n"
    out += "\t\t} \\\n\t};\n"
    return guard(f"RHODES_HOOK_{hook.name.upper()}_BUILTIN_H", out)


def signature(params, result):
    codes = {"i32": "i", "i64": "l", "address": "i"}
    return ("".join(codes[kind] for kind, _ in parameters(params)) + ":" +
            (codes[result] if result != "none" else ""))


def function_row(name, result, params, is_needed):
    names = ", ".join(f'"{param}"' for _, param in parameters(params))
    return (f"\t{{ \"{name}\", \"{signature(params, result)}\", "
            f"{flag(is_needed)}, {{ {names or 'NULL'} }} }},\n")


def flag(is_so):
    return "true" if is_so else "false"


def field_row(hook, field):
    """Of bytes the size is that of all, of an array that of one element."""
    out = (f"\t{{ .name = \"{field.name}\", .offset = {field.offset}, "
           f".bytes = {field.bytes if field.is_bytes else field.width}, "
           f".is_bytes = {flag(field.is_bytes)}, .is_in = {flag(field.way != 'out')}, "
           f".is_out = {flag(field.way != 'in')}")
    if field.way == "kept":
        out += ", .is_kept = true"
    if field.count and not field.is_bytes:
        out += f", .count = {field.count}"
    if field.record:
        out += (f", .members = {hook.name}_{field.kind}, "
                f".member_count = {len(field.record.members)}")
    return out + " },\n"


def table(hooks):
    out = ("/* Made from rules/hooks/ by generate.py. */\n#include \"rules/hook.h\"\n\n"
           "#include <stddef.h>\n")
    for hook in hooks:
        if hook.points:
            continue
        out += f"\nstatic const struct rh_hook_function {hook.name}_exports[] = {{\n"
        for function, result, params, need, _ in hook.exports:
            out += function_row(function, result, params, need == "needed")
        out += f"}};\n\nstatic const struct rh_hook_function {hook.name}_imports[] = {{\n"
        for name in hook.uses:
            _, result, params, _ = hook.imports[name]
            out += function_row(name, result, params, False)
        out += "};\n"
        for name, fields in [(record.name, record.members) for record in
                             hook.records.values()] + [("fields", hook.fields)]:
            out += f"\nstatic const struct rh_hook_field {hook.name}_{name}[] = {{\n"
            out += "".join(field_row(hook, field) for field in fields) + "};\n"
    out += "\nconst struct rh_hook rh_hooks[] = {\n"
    for hook in hooks:
        if hook.points:
            out += (f"\t{{ .name = \"{hook.name}\", .number = {hook.number}, "
                    f".version = {hook.version}, .is_ebpf = true }},\n")
            continue
        out += (f"\t{{ .name = \"{hook.name}\", .number = {hook.number}, "
                f".version = {hook.version}, .buffer_bytes = {hook.size},\n"
                f"\t  .state_offset = {hook.fields[-1].offset}, "
                f".state_bytes = {hook.fields[-1].bytes},\n"
                f"\t  .exports = {hook.name}_exports, .export_count = {len(hook.exports)},\n"
                f"\t  .imports = {hook.name}_imports, .import_count = {len(hook.uses)},\n"
                f"\t  .fields = {hook.name}_fields, .field_count = {len(hook.fields)} }},\n")
    out += f"}};\n\nconst unsigned rh_hook_count = {len(hooks)};\n"
    for hook in hooks:
        out += (f"\n_Static_assert({len(hook.exports)} <= RH_HOOK_EXPORTS_MAX, \"\");\n"
                f"_Static_assert({len(hook.uses)} <= RH_HOOK_IMPORTS_MAX, \"\");\n"
                f"_Static_assert({len(hook.fields)} <= RH_HOOK_FIELDS_MAX, \"\");\n")
    return out


def wasm_type(params, result):
    listed = ", ".join(WASM_TYPES[kind] for kind, _ in parameters(params))
    return f"({listed}) -> {WASM_TYPES[result]}" if result != "none" else f"({listed})"


def points_page(hook):
    out = ("\nMode ebpf alone. The rule says for each program where it goes: `attach: {program: "
           "\"point\"}`.\n\n| point | section | when the program runs |\n|---|---|---|\n")
    for kind, rest, section, text in hook.points:
        out += f"| `{kind}:{rest}` | `SEC(\"{section}\")` | {text} |\n"
    return out


def fields_page(title, fields):
    out = f"\n| offset | {title} | | |\n|---|---|---|---|\n"
    for field in fields:
        out += (f"| {field.offset} | `{field.kind} {field.name}{field.array}` | {field.way} | "
                f"{field.text} |\n")
    return out


def page(hooks):
    out = ("# Hooks of dynamic rules\n\nMade from `rules/hooks/*.def`; after a change copy "
           "`hooks.md` of the build\n(`rules/author/rhodes/hook/`) to `docs/`.\n")
    for hook in hooks:
        out += f"\n## {hook.name}, version {hook.version}\n\nIt {hook.text}. "
        if hook.points:
            out = out.rstrip() + "\n" + points_page(hook)
            continue
        out += f"`#include <rhodes/hook/{hook.name}.h>`; the buffer has {hook.size} bytes.\n"
        out += fields_page("field", hook.fields)
        for record in hook.records.values():
            out += f"\nA record `{record.name}` has {record.size} bytes.\n"
            out += fields_page("member", record.members)
        out += "\n| value | | |\n|---|---|---|\n"
        for group, name, number, text in hook.values:
            out += f"| `RH_{group}_{name}` | {number} | {text} |\n"
        out += "\n| export | type | | |\n|---|---|---|---|\n"
        for function, result, params, need, text in hook.exports:
            out += f"| `{function}` | `{wasm_type(params, result)}` | {need} | {text} |\n"
        out += "\n| import of `rhodes` | type | |\n|---|---|---|\n"
        for name in hook.uses:
            _, result, params, text = hook.imports[name]
            out += f"| `{name}` | `{wasm_type(params, result)}` | {text} |\n"
    return out


def run(program, make):
    """The command line of a program that writes files: FOLDER COMMON.def HOOK.def...;
    make(hooks) yields names and texts."""
    folder, common, *paths = sys.argv[1:]
    try:
        shared = list(read(common))
        hooks = [Hook(path, shared) for path in paths]
    except Bad as bad:
        sys.exit(f"{program}: {bad}")
    for name, text in make(hooks):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


def make(hooks):
    for hook in hooks:
        yield f"{hook.name}_layout.h", layout(hook)
        yield f"{hook.name}.h", author(hook)
        yield f"{hook.name}_builtin.h", "" if hook.points else builtin(hook)
    yield "hooks_table.c", table(hooks)
    yield "hooks.md", page(hooks)


if __name__ == "__main__":
    run("generate.py", make)
