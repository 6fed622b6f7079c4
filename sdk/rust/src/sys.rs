//! librhodes as C declares it: sdk/c/rhodes-language.h.  Bindings use what stands above this.
use std::os::raw::{c_char, c_int, c_uint, c_void};

#[repr(C)]
pub struct Library {
    pub abi: u32,
    pub reserved: u32,
    pub interface: *const Interface,
}

/// model/interface.h, as far as it is read here.
#[repr(C)]
pub struct Interface {
    pub abi: u32,
    pub function_count: u32,
    pub hash: u64,
    pub name: *const c_char,
    pub soname: *const c_char,
}

#[repr(C)]
pub struct Exception {
    pub language: *const c_char,
    pub kind: *const c_char,
    pub message: *const c_char,
    pub stack: *const c_char,
}

pub type Invoke =
    unsafe extern "C" fn(user: *mut c_void, function: c_uint, args: *const *mut c_void, ret: *mut c_void) -> c_int;

#[link(name = "rhodes")]
extern "C" {
    pub fn rh_last_error() -> *const c_char;
    pub fn rh_last_ran() -> c_int;
    pub fn rh_last_exception() -> *const Exception;
    pub fn rh_serve_stop();
    pub fn rh_language_open(name: *const c_char, ret: *mut *mut Library) -> c_int;
    pub fn rh_language_own(ret: *mut *const Interface) -> c_int;
    pub fn rh_language_find(interface: *const Interface, function: *const c_char) -> c_int;
    pub fn rh_language_call(library: *mut Library, index: c_uint, args: *const *mut c_void, ret: *mut c_void) -> c_int;
    pub fn rh_language_match(interface: *const Interface, texts: *const *const c_char, count: c_uint) -> c_int;
    pub fn rh_language_difference() -> *const c_char;
    pub fn rh_language_serve(interface: *const Interface, invoke: Invoke, user: *mut c_void, threads: c_uint) -> c_int;
    pub fn rh_language_events(interface: *const Interface, invoke: Invoke, user: *mut c_void) -> c_int;
    pub fn rh_language_raise(exception: *const Exception) -> c_int;
    pub fn rh_language_memory(bytes: usize) -> *mut c_void;
    pub fn rh_language_mirror(parameter: c_uint, bytes: *const c_void, length: usize) -> c_int;
}

extern "C" {
    pub fn malloc(bytes: usize) -> *mut c_void;
    pub fn free(memory: *mut c_void);
    pub fn __errno_location() -> *mut c_int;
    pub fn backtrace(frames: *mut *mut c_void, count: c_int) -> c_int;
    pub fn backtrace_symbols(frames: *const *mut c_void, count: c_int) -> *mut *mut c_char;
}
