use crate::{Error, Result};
use std::ffi::{CStr, CString, OsStr};
use std::os::raw::c_char;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What can be given as a text: anything of bytes without a NUL.
pub trait AsText {
    fn bytes(&self) -> &[u8];
    /// The same with a NUL at its end already.
    fn c_str(&self) -> Option<&CStr> {
        None
    }
}

impl AsText for str {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}
impl AsText for String {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}
impl AsText for [u8] {
    fn bytes(&self) -> &[u8] {
        self
    }
}
impl AsText for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }
}
impl AsText for Path {
    fn bytes(&self) -> &[u8] {
        self.as_os_str().as_bytes()
    }
}
impl AsText for OsStr {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}
impl AsText for CStr {
    fn bytes(&self) -> &[u8] {
        self.to_bytes()
    }
    fn c_str(&self) -> Option<&CStr> {
        Some(self)
    }
}
impl AsText for CString {
    fn bytes(&self) -> &[u8] {
        self.to_bytes()
    }
    fn c_str(&self) -> Option<&CStr> {
        Some(self)
    }
}
impl<T: AsText + ?Sized> AsText for &T {
    fn bytes(&self) -> &[u8] {
        (**self).bytes()
    }
    fn c_str(&self) -> Option<&CStr> {
        (**self).c_str()
    }
}

const INLINE: usize = 120;

enum Kept<'a> {
    Null,
    Borrowed(&'a CStr),
    Inline([u8; INLINE]),
    Heap(Vec<u8>),
}

/// A text with a NUL at its end, for the time of a call; a short one needs no heap.
pub struct Text<'a>(Kept<'a>);

impl<'a> Text<'a> {
    /// place: function and parameter, for errors.
    pub fn new<T: AsText + ?Sized>(text: &'a T, place: &str) -> Result<Text<'a>> {
        if let Some(text) = text.c_str() {
            return Ok(Text(Kept::Borrowed(text)));
        }
        let bytes = text.bytes();
        if bytes.contains(&0) {
            return Err(Error::value(&format!("{place} holds a NUL")));
        }
        if bytes.len() < INLINE {
            let mut kept = [0; INLINE];
            kept[..bytes.len()].copy_from_slice(bytes);
            return Ok(Text(Kept::Inline(kept)));
        }
        let mut kept = Vec::with_capacity(bytes.len() + 1);
        kept.extend_from_slice(bytes);
        kept.push(0);
        Ok(Text(Kept::Heap(kept)))
    }

    pub fn nullable<T: AsText + ?Sized>(text: Option<&'a T>, place: &str) -> Result<Text<'a>> {
        text.map_or(Ok(Text(Kept::Null)), |text| Text::new(text, place))
    }

    pub fn as_ptr(&self) -> *const c_char {
        match &self.0 {
            Kept::Null => std::ptr::null(),
            Kept::Borrowed(text) => text.as_ptr(),
            Kept::Inline(bytes) => bytes.as_ptr() as *const c_char,
            Kept::Heap(bytes) => bytes.as_ptr() as *const c_char,
        }
    }
}

/// A text that a server returns: `"abc".into()`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextBuf(pub Vec<u8>);

impl From<&str> for TextBuf {
    fn from(text: &str) -> TextBuf {
        TextBuf(text.as_bytes().to_vec())
    }
}
impl From<String> for TextBuf {
    fn from(text: String) -> TextBuf {
        TextBuf(text.into_bytes())
    }
}
impl From<Vec<u8>> for TextBuf {
    fn from(bytes: Vec<u8>) -> TextBuf {
        TextBuf(bytes)
    }
}
impl From<&CStr> for TextBuf {
    fn from(text: &CStr) -> TextBuf {
        TextBuf(text.to_bytes().to_vec())
    }
}
