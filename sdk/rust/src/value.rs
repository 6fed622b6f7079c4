//! What generated code does with the objects of C: reading arguments, taking results.
use crate::{sys, Error, Mirrored, Raised, Result, TextBuf};
use std::ffi::CStr;
use std::os::raw::{c_char, c_int, c_void};
use std::os::unix::io::{BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

pub use std::os::unix::io::AsRawFd;

/// The place of an argument.
#[inline(always)]
pub fn arg<T>(value: &T) -> *mut c_void {
    value as *const T as *mut c_void
}

/// Plain data of zeros.
///
/// # Safety
/// T is plain: numbers, and structs of them.
#[inline(always)]
pub unsafe fn zeroed<T: Copy>() -> T {
    std::mem::zeroed()
}

/// A length as C's parameter has it.
#[inline(always)]
pub fn length<T: TryFrom<usize>>(len: usize) -> Result<T> {
    T::try_from(len).map_err(|_| Error::value("a slice is longer than its parameter can tell"))
}

/// Two slices share one length.
pub fn same_length(one: usize, other: usize) -> Result<()> {
    if one == other {
        return Ok(());
    }
    Err(Error::value("slices of one length differ in it"))
}

unsafe fn release(memory: *mut c_void, is_owned: bool) {
    if is_owned {
        sys::free(memory);
    }
}

/// # Safety
/// text is NULL or ends with a NUL; one that is owned came from malloc.
pub unsafe fn take_text(text: *mut c_char, is_owned: bool) -> Result<Option<String>> {
    if text.is_null() {
        return Ok(None);
    }
    let bytes = CStr::from_ptr(text).to_bytes().to_vec();
    release(text as *mut c_void, is_owned);
    String::from_utf8(bytes).map(Some).map_err(|e| Error::Utf8(e.into_bytes()))
}

/// # Safety
/// bytes is NULL or holds count elements.
pub unsafe fn take_bytes<T: Copy>(bytes: *mut T, count: usize, is_owned: bool) -> Option<Vec<T>> {
    if bytes.is_null() {
        return None;
    }
    let mut taken = Vec::with_capacity(count);
    std::ptr::copy_nonoverlapping(bytes as *const u8, taken.as_mut_ptr() as *mut u8, count * std::mem::size_of::<T>());
    taken.set_len(count);
    release(bytes as *mut c_void, is_owned);
    Some(taken)
}

/// # Safety
/// The descriptor is this process's, and nobody else's.
pub unsafe fn take_fd(fd: c_int) -> Option<OwnedFd> {
    if fd < 0 {
        return None;
    }
    Some(OwnedFd::from_raw_fd(fd))
}

/// # Safety
/// args has more than i entries, of which that one points at a T.
#[inline(always)]
pub unsafe fn at<T: Copy>(args: *const *mut c_void, i: usize) -> T {
    (*args.add(i) as *const T).read_unaligned()
}

/// # Safety
/// As at; the argument is a pointer to T.
#[inline(always)]
pub unsafe fn behind<T: Copy>(args: *const *mut c_void, i: usize) -> Option<T> {
    let pointer: *const T = at(args, i);
    if pointer.is_null() {
        return None;
    }
    Some(pointer.read_unaligned())
}

/// # Safety
/// As at; the argument is a pointer to T, or NULL.
#[inline(always)]
pub unsafe fn put<T>(args: *const *mut c_void, i: usize, value: T) {
    let pointer: *mut T = at(args, i);
    if !pointer.is_null() {
        pointer.write_unaligned(value);
    }
}

/// # Safety
/// ret is room for T, or NULL.
#[inline(always)]
pub unsafe fn give<T>(ret: *mut c_void, value: T) {
    if !ret.is_null() {
        (ret as *mut T).write_unaligned(value);
    }
}

/// # Safety
/// As at; the text lives as long as the call.
pub unsafe fn text<'a>(args: *const *mut c_void, i: usize) -> Option<&'a CStr> {
    let text: *const c_char = at(args, i);
    if text.is_null() {
        return None;
    }
    Some(CStr::from_ptr(text))
}

pub fn present<T>(value: Option<T>) -> std::result::Result<T, Raised> {
    value.ok_or_else(|| Raised::new("rhodes::Null", "NULL where there must be a value"))
}

/// # Safety
/// As at; the elements live as long as the call.
pub unsafe fn slice<'a, T: Copy>(args: *const *mut c_void, i: usize, count: usize) -> Option<&'a [T]> {
    let bytes: *const T = at(args, i);
    if count == 0 {
        return if bytes.is_null() { None } else { Some(&[]) };
    }
    bytes.as_ref().map(|_| std::slice::from_raw_parts(bytes, count))
}

/// # Safety
/// As slice, and nobody else has the elements.
pub unsafe fn slice_mut<'a, T: Copy>(args: *const *mut c_void, i: usize, count: usize) -> Option<&'a mut [T]> {
    let bytes: *mut T = at(args, i);
    if count == 0 {
        return if bytes.is_null() { None } else { Some(&mut []) };
    }
    bytes.as_ref().map(|_| std::slice::from_raw_parts_mut(bytes, count))
}

/// # Safety
/// As at; the descriptor lives as long as the call.
pub unsafe fn fd<'a>(args: *const *mut c_void, i: usize) -> std::result::Result<BorrowedFd<'a>, Raised> {
    let fd: c_int = at(args, i);
    if fd < 0 {
        return Err(Raised::new("rhodes::Null", "no descriptor"));
    }
    Ok(BorrowedFd::borrow_raw(fd))
}

pub fn leave_fd(fd: Option<OwnedFd>) -> c_int {
    fd.map_or(-1, IntoRawFd::into_raw_fd)
}

unsafe fn memory(bytes: usize, is_owned: bool) -> std::result::Result<*mut c_void, Raised> {
    let memory = if is_owned { sys::malloc(bytes.max(1)) } else { sys::rh_language_memory(bytes.max(1)) };
    if memory.is_null() {
        return Err(Raised::new("rhodes::Memory", "out of memory"));
    }
    Ok(memory)
}

/// # Safety
/// In an invoke.
pub unsafe fn leave_text(text: Option<TextBuf>, is_owned: bool) -> std::result::Result<*mut c_char, Raised> {
    let bytes = match text {
        None => return Ok(std::ptr::null_mut()),
        Some(text) => text.0,
    };
    if bytes.contains(&0) {
        return Err(Raised::new("rhodes::Value", "a text holds a NUL"));
    }
    let to = memory(bytes.len() + 1, is_owned)? as *mut u8;
    std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
    *to.add(bytes.len()) = 0;
    Ok(to as *mut c_char)
}

/// # Safety
/// In an invoke.
pub unsafe fn leave_bytes<T: Copy>(bytes: Option<Vec<T>>, is_owned: bool) -> std::result::Result<(*mut T, usize), Raised> {
    let bytes = match bytes {
        None => return Ok((std::ptr::null_mut(), 0)),
        Some(bytes) => bytes,
    };
    let to = memory(bytes.len() * std::mem::size_of::<T>(), is_owned)? as *mut T;
    std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
    Ok((to, bytes.len()))
}

/// Bits of a struct whose fields no language lays out as C does.
pub fn bits(bytes: &[u8], first: usize, width: usize) -> u64 {
    (0..width).fold(0, |value, i| {
        let at = first + i;
        value | (u64::from(bytes[at / 8] >> (at % 8) & 1) << i)
    })
}

pub fn set_bits(bytes: &mut [u8], first: usize, width: usize, value: u64) {
    for i in 0..width {
        let at = first + i;
        bytes[at / 8] &= !(1 << (at % 8));
        bytes[at / 8] |= ((value >> i & 1) as u8) << (at % 8);
    }
}

/// The sign of a number of that many bits.
pub fn extend(value: u64, width: usize) -> i64 {
    (value << (64 - width)) as i64 >> (64 - width)
}

/// In the place of a parameter: the result.
pub const RESULT: u32 = u32::MAX;

/// Tells what callers see of an object.
pub fn mirror<const N: usize>(parameter: u32, object: Option<&dyn Mirrored>) -> std::result::Result<(), Raised> {
    let mut bytes = [0u8; N];
    match object {
        None => return Ok(()),
        Some(object) => object.mirror(&mut bytes),
    }
    match unsafe { sys::rh_language_mirror(parameter, bytes.as_ptr() as *const c_void, N) } {
        0 => Ok(()),
        code => Err(Error::last(code).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Objects, Text};

    /// splitmix64, from a seed.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e3779b97f4a7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
            z ^ (z >> 31)
        }
    }

    #[test]
    fn bits_come_back() {
        let mut random = Random(6);
        for _ in 0..10000 {
            let width = (random.next() % 64 + 1) as usize;
            let first = (random.next() % (128 - width as u64)) as usize;
            let mut bytes = [0u8; 16];
            bytes.iter_mut().for_each(|byte| *byte = random.next() as u8);
            let before = bytes;
            let value = random.next() & (u64::MAX >> (64 - width));
            set_bits(&mut bytes, first, width, value);
            assert_eq!(bits(&bytes, first, width), value);
            let old = bits(&before, first, width);
            set_bits(&mut bytes, first, width, old);
            assert_eq!(bytes, before);
        }
        assert_eq!((extend(0x1f, 5), extend(0x0f, 5), extend(1 << 63, 64)), (-1, 15, i64::MIN));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(length::<u8>(256).is_err() && length::<i8>(128).is_err());
        assert_eq!(length::<i8>(127), Ok(127));
        assert!(same_length(1, 2).is_err() && same_length(2, 2).is_ok());
        for refused in [Text::new("a\0b", "f: t").err(), Text::nullable(Some("\0"), "f: t").err()] {
            assert_eq!(refused.unwrap().to_string(), "f: t holds a NUL");
        }
    }

    #[test]
    fn texts_end_with_a_nul() {
        for size in [0, 1, 119, 120, 121, 5000] {
            let text = "x".repeat(size);
            let kept = Text::new(&text, "f: t").unwrap();
            let again = unsafe { CStr::from_ptr(kept.as_ptr()) };
            assert_eq!(again.to_str(), Ok(text.as_str()));
        }
        assert!(Text::nullable::<str>(None, "f: t").unwrap().as_ptr().is_null());
    }

    #[test]
    fn objects_are_there_until_taken() {
        let objects: Objects<u32> = Objects::default();
        std::thread::scope(|scope| {
            for i in 0..64 {
                let objects = &objects;
                scope.spawn(move || {
                    for _ in 0..200 {
                        let at = objects.put(Some(i));
                        assert_eq!(*objects.get(at).unwrap(), i);
                        assert!(objects.take(at).is_ok());
                        assert!(objects.take(at).is_err());
                    }
                });
            }
        });
        assert!(objects.is_empty());
        assert!(objects.get_nullable(std::ptr::null_mut()).unwrap().is_none());
        assert!(objects.get(8 as *mut c_void).is_err());
    }
}
