#!/usr/bin/python3
"""languages.py FOLDER COMMON.def HOOK.def...: a hook for authors of other languages than C.

    FOLDER/NAME.rs, NAME.ts               buffer, values and imports (C++ uses the C header)
    FOLDER/NAME_new.c, _new.cc, _new.rs, _new.ts
                        what `rhodes rule new` begins with; @NAME@ is the rule's name
"""
import copy

from generate import parameters, run

RUST = {"i32": "i32", "i64": "i64", "address": "*mut Buffer"}
SCRIPT = {"i32": "i32", "i64": "i64", "u32": "u32", "u64": "u64", "none": "void"}
CPLUS = {"i32": "int32_t", "i64": "int64_t"}


def own(hook):
    return hook.exports[hook.common:]


def needed(hook):
    return [export for export in own(hook) if export[3] == "needed"]


def signed(number):
    """A value as functions return it."""
    value = int(number, 0)
    return value - (1 << 32) if value >= 1 << 31 else value


# ---- Rust ----

RUST_HEAD = """\
//! {text}; made from rules/hooks/{name}.def.
#![allow(dead_code)]

pub const ABI: i32 = {abi};

/// What who asks and the rule say to each other.
#[repr(C, align(8))]
pub struct Buffer {{
{fields}}}

static mut BUFFER: Buffer = Buffer {{
{zeros}}};

/// A rule runs in one thread at a time, and in no function of its own twice.
pub fn buffer() -> &'static mut Buffer {{
    unsafe {{ &mut *core::ptr::addr_of_mut!(BUFFER) }}
}}

#[no_mangle]
pub extern "C" fn rh_abi() -> i32 {{
    ABI
}}

#[no_mangle]
pub extern "C" fn rh_buffer() -> *mut Buffer {{
    unsafe {{ core::ptr::addr_of_mut!(BUFFER) }}
}}

"""

RUST_TAIL = """
mod host {
    #[link(wasm_import_module = "rhodes")]
    extern "C" {
        pub fn now() -> u64;
        pub fn random() -> u64;
        pub fn log(text: *const u8, length: u32);
        pub fn param(name: *const u8, length: u32, into: *mut u8, room: u32) -> i32;
    }
}

/// The monotonic clock, in nanoseconds.
pub fn now() -> u64 {
    unsafe { host::now() }
}

/// 64 random bits, not for keys.
pub fn random() -> u64 {
    unsafe { host::random() }
}

/// A line for `rhodes rule log`.
pub fn log(text: &str) {
    unsafe { host::log(text.as_ptr(), text.len() as u32) }
}

/// The parameter of that name, or None without one or without room for it.
pub fn param<'a>(name: &str, room: &'a mut [u8]) -> Option<&'a [u8]> {
    let length = unsafe {
        host::param(name.as_ptr(), name.len() as u32, room.as_mut_ptr(), room.len() as u32)
    };
    if length < 0 {
        None
    } else {
        Some(&room[..length as usize])
    }
}

/// The number that a parameter says, or what is given.
pub fn param_number(name: &str, fallback: u64) -> u64 {
    let mut room = [0u8; 20];
    match param(name, &mut room) {
        None => fallback,
        Some(digits) if digits.is_empty() => fallback,
        Some(digits) => {
            let mut number: u64 = 0;
            for digit in digits {
                if !digit.is_ascii_digit() {
                    return fallback;
                }
                number = number.wrapping_mul(10).wrapping_add((digit - b'0') as u64);
            }
            number
        }
    }
}
"""


RUST_RECORD = """\
#[repr(C)]
#[derive(Clone, Copy)]
pub struct {name} {{
{fields}}}

impl {name} {{
    pub const ZERO: {name} = {name} {{
{zeros}    }};
}}

"""


def rust_type(field):
    kind = field.kind.capitalize() if field.record else field.kind
    return f"[{kind}; {field.count}]" if field.count else kind


def rust_zero(field):
    zero = f"{field.kind.capitalize()}::ZERO" if field.record else "0"
    return f"[{zero}; {field.count}]" if field.count else zero


def rust_fields(fields, indent=""):
    """Their declarations, and how they begin."""
    said = "".join(f"    /// {field.way}: {field.text}\n"
                   f"    pub {field.name}: {rust_type(field)},\n" for field in fields)
    return said, "".join(f"    {indent}{field.name}: {rust_zero(field)},\n" for field in fields)


def rust(hook):
    values = ""
    fields, zeros = rust_fields(hook.fields)
    head = RUST_HEAD.format(text=hook.text, name=hook.name, fields=fields, zeros=zeros,
                            abi=int(hook.number) << 16 | int(hook.version))
    for record in hook.records.values():
        said, begin = rust_fields(record.members, "    ")
        values += RUST_RECORD.format(name=record.name.capitalize(), fields=said, zeros=begin)
    for _, name, number, text in hook.values:
        values += f"/// {text}\npub const {name}: i32 = {signed(number)};\n"
    return head + values + RUST_TAIL


def rust_new(hook):
    out = (f"//! @NAME@ - {hook.text}.\n"
           f"#[path = \"include/rhodes/{hook.name}.rs\"]\n#[allow(dead_code)]\nmod rhodes;\n")
    for function, result, params, _, text in needed(hook):
        listed = ", ".join(f"_{name}: {RUST[kind]}" for kind, name in parameters(params))
        out += (f"\n/// {text}\n#[no_mangle]\npub extern \"C\" fn {function}({listed}) "
                f"-> {RUST[result]} {{\n    0\n}}\n")
    return out


# ---- AssemblyScript ----

SCRIPT_TAIL = """
@external("rhodes", "now") export declare function now(): u64;
@external("rhodes", "random") export declare function random(): u64;
@external("rhodes", "log") declare function log_bytes(text: usize, length: i32): void;
@external("rhodes", "param")
declare function copy_param(name: usize, length: i32, into: usize, room: i32): i32;

/** A line for `rhodes rule log`. */
export function log(text: string): void {
  const bytes = String.UTF8.encode(text);
  log_bytes(changetype<usize>(bytes), bytes.byteLength);
}

const name_room = memory.data(64, 8);
const value_room = memory.data(1024, 8);

/** The length of the parameter, of which the bytes are at param_bytes then; or -1. */
export function param(name: string): i32 {
  const length = min(name.length, 64);
  for (let i = 0; i < length; i++) store<u8>(name_room + i, <u8>name.charCodeAt(i));
  return copy_param(name_room, length, value_room, 1024);
}
export const param_bytes: usize = value_room;

/** The number that a parameter says, or what is given. */
export function param_number(name: string, fallback: u64): u64 {
  const length = param(name);
  let number: u64 = 0;
  if (length <= 0 || length > 20) return fallback;
  for (let i = 0; i < length; i++) {
    const digit = load<u8>(value_room + i);
    if (digit < 48 || digit > 57) return fallback;
    number = number * 10 + (digit - 48);
  }
  return number;
}
"""


def script_access(field, name, places):
    """Functions for one number; places: of the arrays that it is in, name, width and count."""
    listed = ", ".join(f"{place}: u32" for place, _, _ in places)
    at = "at" + "".join(f" + min({place}, {count - 1}) * {width}"
                        for place, width, count in places)
    out = f"  /** {field.way}: {field.text} */\n"
    out += (f"  export function get_{name}({listed}): {field.kind} {{\n"
            f"    return load<{field.kind}>({at}, {field.offset});\n  }}\n")
    if field.way != "in":
        comma = ", " if listed else ""
        out += (f"  export function set_{name}({listed}{comma}value: {field.kind}): void {{\n"
                f"    store<{field.kind}>({at}, value, {field.offset});\n  }}\n")
    return out


def script_field(field):
    if field.is_bytes:
        return (f"  /** {field.way}: {field.text} */\n"
                f"  export const {field.name}: usize = at + {field.offset};\n")
    if not field.record:
        return script_access(field, field.name, [("i", field.width, field.count)]
                             if field.count else [])
    out = ""
    for member in field.record.members:
        place = copy.copy(member)
        place.offset += field.offset
        inner = [("i", member.width, member.count)] if member.count else []
        out += script_access(place, f"{field.kind}_{member.name}",
                             [(field.kind, field.width, field.count)] + inner)
    return out


def script(hook):
    out = f"// {hook.text}; made from rules/hooks/{hook.name}.def.\n\n"
    out += (f"const at: usize = memory.data({hook.size}, 8);\n\n"
            f"export function rh_abi(): i32 {{\n"
            f"  return {int(hook.number) << 16 | int(hook.version)};\n}}\n\n"
            f"export function rh_buffer(): usize {{\n  return at;\n}}\n\n"
            "/** What who asks and the rule say to each other. */\nexport namespace buffer {\n")
    for field in hook.fields:
        out += script_field(field)
    out += "}\n\n"
    for _, name, number, text in hook.values:
        out += f"/** {text} */\nexport const {name}: i32 = {signed(number)};\n"
    return out + SCRIPT_TAIL


def script_new(hook):
    out = (f"// @NAME@ - {hook.text}.\n"
           f"export {{ rh_abi, rh_buffer }} from \"./include/rhodes/{hook.name}\";\n")
    for function, result, params, _, text in needed(hook):
        listed = ", ".join(f"{name}: {SCRIPT[kind]}" for kind, name in parameters(params))
        out += (f"\n/** {text} */\nexport function {function}({listed}): {SCRIPT[result]} "
                "{\n  return 0;\n}\n")
    return out


# ---- C and C++ ----

def c_new(hook):
    out = (f"/* @NAME@ - {hook.text}. */\n#include <rhodes/hook/{hook.name}.h>\n\n"
           f"RH_RULE({hook.name});\n")
    for function, result, params, _, text in needed(hook):
        named = parameters(params)
        listed = ", ".join(f"{CPLUS[kind]} {name}" for kind, name in named)
        unused = "".join(f"\t(void){name};\n" for _, name in named)
        out += (f"\n/* {text} */\n{CPLUS[result]} {function}({listed or 'void'})\n"
                f"{{\n{unused}\treturn 0;\n}}\n")
    return out


def cplus_new(hook):
    out = (f"// @NAME@ - {hook.text}.\n#include <rhodes/hook/{hook.name}.h>\n\n"
           f"RH_RULE({hook.name});\n")
    for function, result, params, _, text in needed(hook):
        listed = ", ".join(CPLUS[kind] for kind, _ in parameters(params))
        out += f"\n// {text}\n{CPLUS[result]} {function}({listed or 'void'})\n{{\n\treturn 0;\n}}\n"
    return out


def make(hooks):
    for hook in hooks:
        yield f"{hook.name}.rs", rust(hook)
        yield f"{hook.name}.ts", script(hook)
        yield f"{hook.name}_new.c", c_new(hook)
        yield f"{hook.name}_new.cc", cplus_new(hook)
        yield f"{hook.name}_new.rs", rust_new(hook)
        yield f"{hook.name}_new.ts", script_new(hook)


if __name__ == "__main__":
    run("languages.py", make)
