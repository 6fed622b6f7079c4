//! textstat in Rust.
//!
//!     rhodes serve -r text_rust build/examples/languages/rust/server
mod textstat;

use rhodes::{set_errno, Raised, TextBuf};
use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::io::BorrowedFd;
use std::sync::{Arc, Mutex};
use textstat::{TextstatServer, TsCounts, TsSpan, TsSummary};

const EINVAL: i32 = 22;
const ERANGE: i32 = 34;
const EOVERFLOW: i32 = 75;
const REPEAT_MAX: usize = 16 << 20;

type Answer<T> = Result<T, Raised>;

struct Doc {
    title: Vec<u8>,
    text: Mutex<Vec<u8>>,
}

/// Every word with the place where it begins.
fn words(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    text.split(|c| *c <= b' ').scan(0, |at, word| {
        let begin = *at;
        *at += word.len() + 1;
        Some((begin, word))
    }).filter(|(_, word)| !word.is_empty())
}

fn count(text: &[u8]) -> TsCounts {
    let number = words(text).count() as u64;
    let inside: usize = words(text).map(|(_, word)| word.len()).sum();
    TsCounts {
        bytes: text.len() as u64,
        words: number,
        lines: text.iter().filter(|c| **c == b'\n').count() as u64,
        mean_word: inside as f64 / number as f64,
    }
}

fn drain(mut from: impl Read) -> i64 {
    let mut bytes = Vec::new();
    match from.read_to_end(&mut bytes) {
        Ok(count) => count as i64,
        Err(e) => {
            set_errno(e.raw_os_error().unwrap_or(0));
            -1
        }
    }
}

struct Server;

impl TextstatServer for Server {
    type TsDoc = Doc;

    fn ts_add(&self, a: i32, b: i32) -> Answer<i32> {
        Ok(a.wrapping_add(b))
    }
    fn ts_sum(&self, a: i8, b: u8, c: i16, d: u16, e: u32, f: i64) -> Answer<i64> {
        let small = i64::from(a) + i64::from(b) + i64::from(c) + i64::from(d) + i64::from(e);
        Ok(small.wrapping_add(f))
    }
    fn ts_max(&self, a: u64, b: u64) -> Answer<u64> {
        Ok(a.max(b))
    }
    fn ts_mean(&self, a: f64, b: f32) -> Answer<f64> {
        Ok((a + f64::from(b)) / 2.0)
    }
    fn ts_same(&self, value: f64) -> Answer<f64> {
        Ok(value)
    }
    fn ts_next(&self, unit: i32) -> Answer<i32> {
        Ok(if (0..3).contains(&unit) { (unit + 1) % 3 } else { unit })
    }
    fn ts_hash(&self, bytes: &[u8]) -> Answer<u64> {
        Ok(bytes.iter().fold(0xcbf29ce484222325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100000001b3)))
    }
    fn ts_count(&self, text: &CStr) -> Answer<TsCounts> {
        Ok(count(text.to_bytes()))
    }
    fn ts_measure(&self, text: Option<&CStr>, unit: i32) -> Answer<i64> {
        let counts = count(text.map_or(b"", CStr::to_bytes));
        Ok(match unit {
            0 => counts.bytes as i64,
            1 => counts.words as i64,
            2 => counts.lines as i64,
            _ => {
                set_errno(EINVAL);
                -1
            }
        })
    }
    fn ts_summarize(&self, text: &CStr) -> Answer<(i32, TsSummary)> {
        let text = text.to_bytes();
        let mut summary = TsSummary { counts: count(text), is_ascii: i8::from(text.is_ascii()), ..Default::default() };
        for (at, word) in words(text) {
            if word.len() > summary.longest.length as usize {
                summary.longest = TsSpan { offset: at as u32, length: word.len() as u32 };
            }
        }
        for letter in text.iter().filter(|c| c.is_ascii_alphabetic()) {
            summary.letters[usize::from((letter | 0x20) - b'a')] += 1;
        }
        if !text.is_empty() {
            let letters: u32 = summary.letters.iter().sum();
            summary.share = (f64::from(letters) / text.len() as f64) as f32;
        }
        Ok((0, summary))
    }
    fn ts_longer(&self, a: TsSummary, b: TsSummary) -> Answer<TsSummary> {
        Ok(if b.counts.bytes > a.counts.bytes { b } else { a })
    }
    fn ts_end(&self, span: TsSpan) -> Answer<u32> {
        Ok(span.offset.wrapping_add(span.length))
    }
    fn ts_shift(&self, span: TsSpan, by: i32) -> Answer<(i32, TsSpan)> {
        match u32::try_from(i64::from(span.offset) + i64::from(by)) {
            Ok(offset) => Ok((0, TsSpan { offset, ..span })),
            Err(_) => {
                set_errno(ERANGE);
                Ok((-1, span))
            }
        }
    }
    fn ts_upper(&self, text: &CStr) -> Answer<Option<TextBuf>> {
        Ok(Some(text.to_bytes().to_ascii_uppercase().into()))
    }
    fn ts_repeat(&self, text: &CStr, times: u32) -> Answer<Option<TextBuf>> {
        let text = text.to_bytes();
        if text.len() * times as usize > REPEAT_MAX {
            set_errno(EOVERFLOW);
            return Ok(None);
        }
        Ok(Some(text.repeat(times as usize).into()))
    }
    fn ts_reverse(&self, bytes: &mut [u8]) -> Answer<i32> {
        bytes.reverse();
        Ok(0)
    }
    fn ts_fill(&self, bytes: &mut [u8], count: u32) -> Answer<i64> {
        let count = bytes.len().min(count as usize);
        for (i, byte) in bytes[..count].iter_mut().enumerate() {
            *byte = i as u8;
        }
        Ok(count as i64)
    }
    fn ts_parse(&self, text: &CStr) -> Answer<i64> {
        let number = text.to_str().ok().and_then(|text| text.parse().ok());
        Ok(number.unwrap_or_else(|| {
            set_errno(EINVAL);
            -1
        }))
    }
    fn ts_drain(&self, fd: BorrowedFd<'_>) -> Answer<i64> {
        Ok(drain(File::from(fd.try_clone_to_owned()?)))
    }
    fn ts_file(&self, path: &CStr) -> Answer<i64> {
        let path = std::ffi::OsStr::from_bytes(path.to_bytes());
        Ok(match File::open(path) {
            Ok(file) => drain(file),
            Err(e) => {
                set_errno(e.raw_os_error().unwrap_or(0));
                -1
            }
        })
    }
    fn ts_doc_open(&self, title: Option<&CStr>) -> Answer<Option<Doc>> {
        let title = title.map_or(&b"untitled"[..], CStr::to_bytes).to_vec();
        Ok(Some(Doc { title, text: Mutex::new(Vec::new()) }))
    }
    fn ts_doc_close(&self, _doc: Arc<Doc>) -> Answer<()> {
        Ok(())
    }
    fn ts_doc_add(&self, doc: Arc<Doc>, text: &CStr) -> Answer<i64> {
        let mut all = doc.text.lock().unwrap();
        all.extend_from_slice(text.to_bytes());
        Ok(all.len() as i64)
    }
    fn ts_doc_count(&self, doc: Arc<Doc>) -> Answer<(i32, TsCounts)> {
        let text = doc.text.lock().unwrap();
        Ok((0, count(&text)))
    }
    fn ts_doc_title(&self, doc: Arc<Doc>) -> Answer<Option<TextBuf>> {
        Ok(Some(doc.title.clone().into()))
    }
}

fn main() {
    if let Err(error) = textstat::serve(&Server, 8) {
        eprintln!("{}", error);
        std::process::exit(1);
    }
}
