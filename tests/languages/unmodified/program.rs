//! A program that knows nothing of Rhodes: functions of C by `extern "C"`.
use std::ffi::{CStr, CString};
use std::os::raw::c_char;

extern "C" {
    fn ts_add(a: i32, b: i32) -> i32;
    fn ts_hash(bytes: *const u8, len: usize) -> u64;
    fn ts_upper(text: *const c_char) -> *const c_char;
}

fn main() {
    let text = CString::new("rust").unwrap();
    let (sum, hash, upper) = unsafe { (ts_add(2, 3), ts_hash(b"a".as_ptr(), 1), CStr::from_ptr(ts_upper(text.as_ptr()))) };
    println!("{} {:x} {}", sum, hash, upper.to_str().unwrap());
}
