use crate::sys;
use std::ffi::CStr;
use std::fmt;
use std::os::raw::{c_char, c_int};

pub type Result<T> = std::result::Result<T, Error>;

/// What librhodes says of a call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The negative code of model/errors.def.
    pub code: i32,
    /// Whether the function may have run.
    pub ran: bool,
    pub text: String,
}

/// What the callee's function raised, in whatever language it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    pub language: String,
    pub kind: String,
    pub message: String,
    /// As that language prints it.
    pub stack: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The callee was lost, or none is up.
    Lost(Failure),
    /// The deadline passed.
    Timeout(Failure),
    /// A rule, or what this process is, does not allow the call.
    Refused(Failure),
    /// The two sides do not mean the same functions; the text has the lines that differ.
    Interface(Failure),
    /// The callee's function raised.
    Raised(Exception),
    /// A value does not fit its type: nothing was sent.
    Value(String),
    /// A text that came is no UTF-8: its bytes.
    Utf8(Vec<u8>),
    Other(Failure),
}

unsafe fn copy(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    CStr::from_ptr(text).to_string_lossy().into_owned()
}

const ERAISED: i32 = -1019;

impl Error {
    pub(crate) fn value(text: &str) -> Error {
        Error::Value(text.to_string())
    }

    /// The calling thread's last failure.
    pub(crate) fn last(code: c_int) -> Error {
        let (text, ran) = unsafe { (copy(sys::rh_last_error()), sys::rh_last_ran() != 0) };
        if code == ERAISED {
            if let Some(raised) = Error::exception() {
                return raised;
            }
        }
        Error::of(Failure { code, ran, text })
    }

    fn exception() -> Option<Error> {
        unsafe {
            let exception = sys::rh_last_exception().as_ref()?;
            Some(Error::Raised(Exception {
                language: copy(exception.language),
                kind: copy(exception.kind),
                message: copy(exception.message),
                stack: copy(exception.stack),
            }))
        }
    }

    pub(crate) fn mismatch(code: c_int) -> Error {
        let text = unsafe {
            let difference = copy(sys::rh_language_difference());
            if difference.is_empty() { copy(sys::rh_last_error()) } else { difference }
        };
        Error::of(Failure { code, ran: false, text })
    }

    fn of(failure: Failure) -> Error {
        match -failure.code {
            1002 | 1003 | 1005 => Error::Lost(failure),
            110 => Error::Timeout(failure),
            1 | 13 | 1001 | 1004 | 1010 | 1011 | 1018 => Error::Refused(failure),
            1006 | 1009 | 1012 | 1013 => Error::Interface(failure),
            _ => Error::Other(failure),
        }
    }

    /// What librhodes said, where it said it.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Error::Lost(f) | Error::Timeout(f) | Error::Refused(f) | Error::Interface(f) | Error::Other(f) => Some(f),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Raised(e) => write!(to, "{} {}: {}", e.language, e.kind, e.message),
            Error::Value(text) => to.write_str(text),
            Error::Utf8(bytes) => write!(to, "a text of {} bytes is no UTF-8", bytes.len()),
            Error::Lost(f) | Error::Timeout(f) | Error::Refused(f) | Error::Interface(f) | Error::Other(f) => {
                if f.text.is_empty() {
                    write!(to, "error {}", -f.code)
                } else {
                    to.write_str(&f.text)
                }
            }
        }
    }
}

impl std::error::Error for Error {}

/// What a server's function raises; made from any error by `?`.
#[derive(Clone, Debug)]
pub struct Raised {
    pub kind: String,
    pub message: String,
    pub stack: String,
}

impl Raised {
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Raised {
        Raised { kind: kind.into(), message: message.into(), stack: crate::serve::stack_here() }
    }
}

impl<E: std::error::Error> From<E> for Raised {
    fn from(error: E) -> Raised {
        let mut stack = String::new();
        let mut cause = error.source();
        while let Some(inner) = cause {
            stack.push_str(&format!("caused by: {}\n", inner));
            cause = inner.source();
        }
        stack.push_str(&crate::serve::stack_here());
        Raised { kind: std::any::type_name::<E>().to_string(), message: error.to_string(), stack }
    }
}
