use crate::{error::Error, sys, Function, Raised, Result};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};
use std::os::raw::{c_int, c_uint, c_void};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, Once};

/// What a generated server is to this crate.
#[doc(hidden)]
pub trait Serves: Sync {
    fn functions(&self) -> &'static [Function];
    /// # Safety
    /// args and ret are those of a trampoline for that function.
    unsafe fn invoke(&self, number: usize, args: *const *mut c_void, ret: *mut c_void) -> std::result::Result<(), Raised>;
}

/// What a generated server tells.
#[doc(hidden)]
pub trait Tells: Send + Sync {
    /// Waits for the next event of that function; false: there are no more.
    ///
    /// # Safety
    /// args and ret are those of a trampoline for that function.
    unsafe fn next(&self, number: usize, args: *const *mut c_void, ret: *mut c_void) -> std::result::Result<bool, Raised>;
}

/// The next of an iterator that one thread uses.
#[doc(hidden)]
pub fn next<T>(events: &Mutex<Box<dyn Iterator<Item = T> + Send>>) -> Option<T> {
    events.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).next()
}

struct Teller {
    tells: Box<dyn Tells>,
    numbers: Vec<usize>, // by index in the interface
}

struct Server<'a> {
    serves: &'a dyn Serves,
    numbers: Vec<usize>, // by index in the interface
}

thread_local! {
    static ERRNO: Cell<c_int> = Cell::new(0);
    static IS_CALLED: Cell<bool> = Cell::new(false);
    static PANICKED: RefCell<Option<Raised>> = RefCell::new(None);
}

/// The calling thread's stack; functions that the program exports have names.
pub(crate) fn stack_here() -> String {
    const FRAMES: usize = 48;
    let mut frames = [std::ptr::null_mut(); FRAMES];
    let mut text = String::new();
    unsafe {
        let count = sys::backtrace(frames.as_mut_ptr(), FRAMES as c_int);
        let names = sys::backtrace_symbols(frames.as_ptr(), count);
        if names.is_null() {
            return text;
        }
        for i in 0..count as usize {
            text.push_str(&CStr::from_ptr(*names.add(i)).to_string_lossy());
            text.push('\n');
        }
        sys::free(names as *mut c_void);
    }
    text
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text.to_string(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a text".to_string(),
    }
}

/// A panic inside of a call becomes an exception and prints nothing; others go on as before.
fn take_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_CALLED.with(Cell::get) {
                return before(info);
            }
            let place = info.location().map_or(String::new(), |at| format!("at {}\n", at));
            let raised = Raised {
                kind: "panic".to_string(),
                message: message_of(info.payload()),
                stack: place + &stack_here(),
            };
            PANICKED.with(|kept| *kept.borrow_mut() = Some(raised));
        }));
    });
}

fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

fn raise(raised: &Raised) -> c_int {
    let texts = [c_text("rust"), c_text(&raised.kind), c_text(&raised.message), c_text(&raised.stack)];
    let exception = sys::Exception {
        language: texts[0].as_ptr(),
        kind: texts[1].as_ptr(),
        message: texts[2].as_ptr(),
        stack: texts[3].as_ptr(),
    };
    unsafe { sys::rh_language_raise(&exception) }
}

/// Runs what a server is made of: what it raises, or panics with, is the exception of the call.
unsafe fn run(body: impl FnOnce() -> std::result::Result<c_int, Raised>) -> c_int {
    IS_CALLED.with(|is| is.set(true));
    ERRNO.with(|errno| errno.set(0));
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    IS_CALLED.with(|is| is.set(false));
    match result {
        Ok(Ok(code)) => {
            *sys::__errno_location() = ERRNO.with(Cell::get);
            code
        }
        Ok(Err(raised)) => raise(&raised),
        Err(payload) => {
            let raised = PANICKED.with(|kept| kept.borrow_mut().take());
            raise(&raised.unwrap_or_else(|| Raised::new("panic", message_of(&*payload))))
        }
    }
}

const EFUNC: c_int = -1006;
const ECANCELED: c_int = -125;

fn number_of(numbers: &[usize], function: c_uint) -> Option<usize> {
    numbers.get(function as usize).copied().filter(|number| *number != usize::MAX)
}

unsafe extern "C" fn invoke(user: *mut c_void, function: c_uint, args: *const *mut c_void, ret: *mut c_void) -> c_int {
    let server = &*(user as *const Server);
    match number_of(&server.numbers, function) {
        Some(number) => run(|| server.serves.invoke(number, args, ret).map(|()| 0)),
        None => EFUNC,
    }
}

unsafe extern "C" fn tell(user: *mut c_void, function: c_uint, args: *const *mut c_void, ret: *mut c_void) -> c_int {
    let teller = &*(user as *const Teller);
    match number_of(&teller.numbers, function) {
        Some(number) => run(|| Ok(if teller.tells.next(number, args, ret)? { 0 } else { ECANCELED })),
        None => ECANCELED,
    }
}

/// Serves the interface of the resource that this process runs as until SIGTERM or `stop`, on at
/// most so many threads (1 to 64).  Functions of the interface that the server does not have, or
/// has otherwise, are told by name, all at once.
pub fn serve(serves: &dyn Serves, tells: Option<Box<dyn Tells>>, threads: u32) -> Result<()> {
    unsafe {
        let mut interface = std::ptr::null();
        let code = sys::rh_language_own(&mut interface);
        if code < 0 {
            return Err(Error::last(code));
        }
        let functions = serves.functions();
        let mut numbers = vec![usize::MAX; (*interface).function_count as usize];
        let indices = crate::find_functions(interface, functions)?;
        for (number, index) in indices.iter().enumerate() {
            numbers[*index as usize] = number;
        }
        take_panics();
        if let Some(tells) = tells {
            // Its threads go on when serving ends.
            let teller = Box::leak(Box::new(Teller { tells, numbers: numbers.clone() }));
            let code = sys::rh_language_events(interface, tell, teller as *mut Teller as *mut c_void);
            if code < 0 {
                return Err(Error::last(code));
            }
        }
        let server = Server { serves, numbers };
        let user = &server as *const Server as *mut c_void;
        let code = sys::rh_language_serve(interface, invoke, user, threads);
        if code < 0 {
            return Err(Error::last(code));
        }
    }
    Ok(())
}

/// In a function of a server: what a caller in C finds in errno afterwards.
pub fn set_errno(errno: i32) {
    ERRNO.with(|kept| kept.set(errno));
}

/// Ends `serve`, from any thread.
pub fn stop() {
    unsafe { sys::rh_serve_stop() }
}

