//! Every kind of item that the reader must judge.
use std::ffi::{c_char, c_int, c_void};

/* a comment with " a quote and extern "C" fn not_here(); */
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Point {
    pub x: i32,
    y: f64,
    pub(crate) tag: [u8; 3],
}

#[repr(C)]
pub union Either { f: f32, i: i32 }

#[repr(C)]
pub struct Line { a: Point, either: Either, kind: Kind }

#[repr(u8)]
pub enum Kind { A = 1, B }

#[repr(C)]
pub struct Ring { next: Ring }

#[repr(C)]
pub struct Linked { next: *mut Linked }

#[repr(C, packed)]
pub struct Tight { a: u8, b: u32 }

pub struct Session { name: String, #[allow(dead_code)] counts: Vec<u64> }
type Count = usize;
#[repr(C)]
pub struct Opaque { _private: [u8; 0] }

#[no_mangle]
pub extern "C" fn add(a: i32, b: i64) -> i64 { let c = '"'; a as i64 + b + c as i64 }
#[no_mangle]
pub unsafe extern "C" fn text_length(text: *const c_char) -> Count { "}".len() + *text as usize }
#[no_mangle]
pub extern "C" fn digest(data: *const u8, data_len: usize, seed: u32) -> u64 { data_len as u64 + seed as u64 }
#[no_mangle]
pub extern "C" fn line(p: Point, k: Kind, flag: bool) -> Line { todo!() }
#[no_mangle]
pub extern "C" fn measure<'a>(p: &'a Point, sum: &mut f64, maybe: Option<&mut Point>) { }
#[no_mangle]
pub extern "C" fn session_open(path: *const c_char) -> *mut Session { std::ptr::null_mut() }
#[no_mangle]
pub extern "C" fn session_ask(s: *const Session, other: &Session, _: c_int) -> *const c_char { std::ptr::null() }
#[no_mangle]
pub extern "C" fn session_close(s: *mut Session) { }
#[no_mangle]
pub extern "C" fn session_drop_it(s: Option<Box<Session>>) { }
#[no_mangle]
pub extern "C" fn session_boxed(s: Box<Session>) { }
#[export_name = "named_else"]
pub extern "C" fn local_name(a: f32) -> f32 { a }
pub extern "C" fn mangled(a: i32) -> i32 { a }
#[no_mangle]
pub extern "C" fn write(fd: c_int) -> isize { 0 }
#[no_mangle]
pub extern "C" fn fill(out: *mut u8, len: usize) { }
#[no_mangle]
pub extern "C" fn ring(r: Ring) { }
#[no_mangle]
pub extern "C" fn linked(r: Linked) { }
#[no_mangle]
pub extern "C" fn tight(t: Tight) { }
#[no_mangle]
pub extern "C" fn slice(s: &[u8]) { }
#[no_mangle]
pub extern "C" fn call(f: extern "C" fn(i32) -> i32) { }
#[no_mangle]
pub extern "C" fn vector(v: Vec<u8>) { }
#[no_mangle]
pub extern "C" fn never() -> ! { loop {} }
pub extern "Rust" fn inner(a: i32) {}
fn plain(a: &str) {}
static TEXT: &str = r#"extern "C" fn nor_here() {}"#;

pub mod inside {
    #[no_mangle]
    pub extern "C" fn in_a_module(a: u16) -> u16 { a }
}

extern "C" {
    pub fn foreign(a: i32, grid: &[i16; 6]) -> f64;
    #[link_name = "foreign_named"]
    fn short_name(data: *const c_void, n: usize) -> c_int;
    fn several(format: *const c_char, ...) -> c_int;
    fn opaque(o: *mut Opaque);
}
