//! Call resources of Rhodes in other processes, and serve calls.
//!
//! `rhodes interface bind FILE.side --language rust -o src/foo.rs` writes a module for an
//! interface: a client whose methods are its functions, a type for each object and struct, and a
//! trait for servers.  That module stands on this crate, and this crate on librhodes, which knows
//! pages, deadlines and what to do when a callee ends.
//!
//! * A client is `Send` and `Sync`: any number of threads call at once.
//! * An object (a C handle) is `Send`: it may move to another thread, and ends with its function
//!   when it is dropped.  It is not `Sync`, as C libraries do not promise that.
//! * A panic of a server is an exception of the call, and the server goes on.
mod error;
mod object;
mod serve;
mod text;

#[doc(hidden)]
pub mod sys;

#[doc(hidden)]
pub mod value;

pub use error::{Error, Exception, Failure, Raised, Result};
pub use object::{Mirrored, Objects};
pub use serve::{next, serve, set_errno, stop, Serves, Tells};
pub use text::{AsText, Text, TextBuf};

use std::ffi::CString;
use std::os::raw::{c_char, c_void};

/// A function of an interface: its name and its canonical text, each with a NUL.
#[doc(hidden)]
pub type Function = (&'static [u8], &'static [u8]);

/// An interface that a callee offers: what a generated client stands on.
#[derive(Debug)]
pub struct Library {
    library: *mut sys::Library,
    indices: Box<[u32]>,
}

// The library is librhodes' own until the process ends, and any thread may call.
unsafe impl Send for Library {}
unsafe impl Sync for Library {}

/// Where the functions stand in that interface; all that differ are told at once.
unsafe fn find_functions(interface: *const sys::Interface, functions: &[Function]) -> Result<Box<[u32]>> {
    let texts: Vec<*const c_char> = functions.iter().map(|f| f.1.as_ptr() as *const c_char).collect();
    let code = sys::rh_language_match(interface, texts.as_ptr(), texts.len() as u32);
    if code < 0 {
        return Err(Error::mismatch(code));
    }
    functions
        .iter()
        .map(|f| {
            let index = sys::rh_language_find(interface, f.0.as_ptr() as *const c_char);
            u32::try_from(index).map_err(|_| Error::last(index))
        })
        .collect()
}

impl Library {
    /// The callee called that among the references of this resource, or the one that offers the
    /// interface called that.
    pub fn open(name: &str, functions: &[Function]) -> Result<Library> {
        let name = CString::new(name).map_err(|_| Error::value("a name holds a NUL"))?;
        let mut library = std::ptr::null_mut();
        unsafe {
            let code = sys::rh_language_open(name.as_ptr(), &mut library);
            if code < 0 {
                return Err(Error::last(code));
            }
            Ok(Library { library, indices: find_functions((*library).interface, functions)? })
        }
    }

    /// Calls the function of that number, with arguments laid out as C has them.
    ///
    /// # Safety
    /// `args[i]` points at the C object of parameter i, and `ret` at room for the result.
    #[doc(hidden)]
    #[inline]
    pub unsafe fn call(&self, number: usize, args: &[*mut c_void], ret: *mut c_void) -> Result<()> {
        let code = sys::rh_language_call(self.library, self.indices[number], args.as_ptr(), ret);
        if code < 0 {
            return Err(Error::last(code));
        }
        Ok(())
    }
}
