#!/usr/bin/python3
"""generate.py FOLDER COMMON.def HOOK.def...: what is made of the descriptions of hooks.

    FOLDER/NAME_layout.h   buffer, values and slots, for both sides
    FOLDER/NAME.h          what a rule's author includes
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
WIDTH = {"u32": 4, "u64": 8}


class Bad(Exception):
    pass


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
        self.exports = [args for kind, args in common if kind == "EXPORT"]
        self.imports = {args[0]: args for kind, args in common if kind == "IMPORT"}
        self.common = len(self.exports)
        for kind, args in read(path):
            if kind == "HOOK":
                self.name, self.number, self.version, self.text = args
            elif kind == "FIELD":
                self.fields.append((args[0], args[1], 1, args[2], args[3]))
            elif kind == "BYTES":
                self.fields.append((args[0], "u8", int(args[1]), args[2], args[3]))
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
        self.offsets, at = [], 0
        if self.points:  # of eBPF: nothing is called by us, so there is nothing to lay out
            self.exports, self.common, self.size = [], 0, 0
            if self.fields or self.values or self.uses:
                raise Bad(f"{path}: a hook with points has nothing else")
            return
        for name, kind, count, _, _ in self.fields:
            width = 1 if kind == "u8" else WIDTH[kind]
            if at % width:
                raise Bad(f"{path}: a hole before {name}: order the fields by size")
            self.offsets.append(at)
            at += width * count
        if self.fields[-1][0] != "bytes":
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


def layout(hook):
    if hook.points:
        return points_layout(hook)
    upper, struct = hook.name.upper(), f"rh_{hook.name}_buffer"
    out = ("#include <stddef.h>\n#include <stdint.h>\n\n#if defined __cplusplus && "
           "!defined _Static_assert\n#define _Static_assert static_assert\n#endif\n\n")
    out += f"/* {hook.text} */\nstruct {struct} {{\n"
    for name, kind, count, way, text in hook.fields:
        array = f"[{count}]" if kind == "u8" else ""
        out += f"\t{'uint8_t' if kind == 'u8' else C_TYPES[kind]} {name}{array};"
        out += f" /* {way}: {text} */\n"
    out += f"}};\n\n#define RH_ABI_{hook.name} ((int32_t)({hook.number}u << 16 | {hook.version}u))\n\n"
    for group, name, number, text in hook.values:
        out += f"#define RH_{group}_{name} {number}u /* {text} */\n"
    out += f"\n_Static_assert(sizeof(struct {struct}) == {hook.size}, \"frozen\");\n"
    for (name, *_), offset in zip(hook.fields, hook.offsets):
        out += f"_Static_assert(offsetof(struct {struct}, {name}) == {offset}, \"frozen\");\n"
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
    out += f"extern struct rh_{hook.name}_buffer rh_{hook.name};\n"
    for function, result, params, need, text in hook.exports[hook.common:]:
        listed = ", ".join(f"{C_TYPES[kind]} {name}" for kind, name in parameters(params))
        out += f"\n/* {need}: {text} */\n"
        out += f"RH_EXPORT({function}) {C_TYPES[result]} {function}({listed or 'void'});\n"
    return guard(f"RHODES_HOOK_{hook.name.upper()}_H", out)


def signature(params, result):
    codes = {"i32": "i", "i64": "l", "address": "i"}
    return ("".join(codes[kind] for kind, _ in parameters(params)) + ":" +
            (codes[result] if result != "none" else ""))


def function_row(name, result, params, is_needed):
    names = ", ".join(f'"{param}"' for _, param in parameters(params))
    return (f"\t{{ \"{name}\", \"{signature(params, result)}\", "
            f"{'true' if is_needed else 'false'}, {{ {names or 'NULL'} }} }},\n")


def field_row(hook, i):
    name, kind, count, way, _ = hook.fields[i]
    width = count if kind == "u8" else WIDTH[kind]
    return (f"\t{{ \"{name}\", {hook.offsets[i]}, {width}, "
            f"{'true' if kind == 'u8' else 'false'}, {'false' if way == 'out' else 'true'}, "
            f"{'false' if way == 'in' else 'true'} }},\n")


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
        out += f"}};\n\nstatic const struct rh_hook_field {hook.name}_fields[] = {{\n"
        for i in range(len(hook.fields)):
            out += field_row(hook, i)
        out += "};\n"
    out += "\nconst struct rh_hook rh_hooks[] = {\n"
    for hook in hooks:
        if hook.points:
            out += (f"\t{{ .name = \"{hook.name}\", .number = {hook.number}, "
                    f".version = {hook.version}, .is_ebpf = true }},\n")
            continue
        out += (f"\t{{ .name = \"{hook.name}\", .number = {hook.number}, "
                f".version = {hook.version}, .buffer_bytes = {hook.size},\n"
                f"\t  .state_offset = {hook.offsets[-1]}, .state_bytes = {hook.fields[-1][2]},\n"
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


def page(hooks):
    out = ("# Hooks of dynamic rules\n\nMade from `rules/hooks/*.def`; after a change copy "
           "`hooks.md` of the build\n(`rules/author/rhodes/hook/`) to `docs/`.\n")
    for hook in hooks:
        out += f"\n## {hook.name}, version {hook.version}\n\nIt {hook.text}. "
        if hook.points:
            out = out.rstrip() + "\n" + points_page(hook)
            continue
        out += f"`#include <rhodes/hook/{hook.name}.h>`; the buffer has {hook.size} bytes.\n"
        out += "\n| offset | field | | |\n|---|---|---|---|\n"
        for (name, kind, count, way, text), offset in zip(hook.fields, hook.offsets):
            array = f"[{count}]" if kind == "u8" else ""
            out += f"| {offset} | `{kind} {name}{array}` | {way} | {text} |\n"
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
    yield "hooks_table.c", table(hooks)
    yield "hooks.md", page(hooks)


if __name__ == "__main__":
    run("generate.py", make)
