//! What the interface is made of; as a library it is what serves it.
use std::ffi::{CStr, CString};
use std::os::raw::c_char;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Point {
    x: f64,
    y: f64,
}

pub struct Session {
    note: String,
    asked: u32,
    said: CString,
}

fn text<'a>(text: *const c_char) -> std::borrow::Cow<'a, str> {
    unsafe { CStr::from_ptr(text) }.to_string_lossy()
}

#[no_mangle]
pub extern "C" fn price(amount: i64, rate: f64, _name: *const c_char) -> f64 {
    amount as f64 * rate
}

#[no_mangle]
pub extern "C" fn digest(data: *const u8, data_len: usize, seed: u32) -> u32 {
    let data = unsafe { std::slice::from_raw_parts(data, data_len) };
    data.iter().fold(seed, |sum, byte| sum + u32::from(*byte))
}

#[no_mangle]
pub extern "C" fn moved(point: Point, by: f64) -> Point {
    Point { x: point.x + by, y: point.y - by }
}

#[no_mangle]
pub extern "C" fn measure(point: &Point, sum: &mut f64) {
    *sum += point.x + point.y;
}

#[no_mangle]
pub extern "C" fn session_open(note: *const c_char) -> *mut Session {
    let note = text(note).into_owned();
    Box::into_raw(Box::new(Session { note, asked: 0, said: CString::default() }))
}

#[no_mangle]
pub extern "C" fn session_ask(session: &mut Session, question: *const c_char) -> *const c_char {
    session.asked += 1;
    let said = format!("{} {}: {}", session.note, session.asked, text(question));
    session.said = CString::new(said).unwrap();
    session.said.as_ptr()
}

#[no_mangle]
pub extern "C" fn session_close(session: Box<Session>) {
    drop(session)
}
