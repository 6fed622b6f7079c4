//! Every function of textstat, called from Rust.
//!
//!     rhodes run -r texts_rust -- build/examples/languages/rust/caller text_rust
//!
//! Prints "ok N checks, p50 N ns" and ends with 0; or what differs, and 1.
mod textstat;

use rhodes::Error;
use std::fs::File;
use std::io::{Error as IoError, Write};
use std::path::PathBuf;
use std::time::Instant;
use textstat::{Textstat, TsSpan, TsSummary};

const CALLS: usize = 20000;
const EINVAL: i32 = 22;

#[derive(Default)]
struct Checks {
    count: u32,
    missed: u32,
}

impl Checks {
    fn same<T: PartialEq + std::fmt::Debug>(&mut self, got: T, wanted: T, what: &str) {
        self.count += 1;
        if got != wanted {
            self.missed += 1;
            println!("differs: {}: {:.200?} is not {:.200?}", what, got, wanted);
        }
    }
}

fn near(got: f64, wanted: f64) -> bool {
    (got - wanted).abs() <= 1e-6 * wanted.abs()
}

fn numbers(ts: &Textstat, check: &mut Checks) -> rhodes::Result<()> {
    check.same(ts.ts_add(2, 3)?, 5, "add");
    check.same(ts.ts_add(i32::MAX, 1)?, i32::MIN, "add");
    let all = -128 + 255 - 32768 + 65535 + i64::from(u32::MAX) - 1;
    check.same(ts.ts_sum(-128, 255, -32768, 65535, u32::MAX, -1)?, all, "sum");
    check.same(ts.ts_sum(1, 1, 1, 1, 1, i64::MAX - 5)?, i64::MAX, "sum");
    check.same(ts.ts_max(u64::MAX, 1)?, u64::MAX, "max");
    check.same(ts.ts_max(1 << 63, (1 << 63) + 1)?, (1 << 63) + 1, "max");
    check.same(near(ts.ts_mean(1.5, 2.25)?, 1.875), true, "mean");
    check.same(ts.ts_mean(f64::INFINITY, 1.0)?, f64::INFINITY, "mean");
    let nan = 0x7ff8000000001234;
    check.same(ts.ts_same(f64::from_bits(nan))?.to_bits(), nan, "a NaN");
    check.same(ts.ts_same(-0.0)?.to_bits(), 1 << 63, "-0");
    check.same([ts.ts_next(0)?, ts.ts_next(2)?, ts.ts_next(77)?], [1, 0, 77], "next");
    Ok(())
}

fn texts(ts: &Textstat, check: &mut Checks) -> rhodes::Result<()> {
    let counts = ts.ts_count("one two  three\nfour")?;
    check.same((counts.bytes, counts.words, counts.lines), (19, 4, 1), "count");
    check.same(near(counts.mean_word, 3.75), true, "mean word");
    check.same(ts.ts_count("")?.mean_word.is_nan(), true, "mean of no words");
    check.same((ts.ts_measure(Some("a b\n"), 1)?, ts.ts_measure(Some("a b\n"), 2)?), (2, 1), "measure");
    check.same(ts.ts_measure(None, 0)?, 0, "measure NULL");
    let unknown = ts.ts_measure(Some("a"), 9)?;
    check.same((unknown, IoError::last_os_error().raw_os_error()), (-1, Some(EINVAL)), "no such unit");
    let (result, summary) = ts.ts_summarize("Hello, wonderful world")?;
    check.same((result, summary.longest), (0, TsSpan { offset: 7, length: 9 }), "longest");
    check.same((summary.letters[11], summary.letters[7]), (4, 1), "letters");
    check.same(near(f64::from(summary.share), 19.0 / 22.0), true, "share");
    check.same((summary.is_ascii, summary.counts.words), (1, 3), "summary");
    check.same(ts.ts_longer(TsSummary::default(), summary)?, summary, "longer");
    check.same(ts.ts_summarize("ä")?.1.is_ascii, 0, "ascii");
    check.same(ts.ts_upper("Straße")?.as_deref(), Some("STRAßE"), "upper");
    check.same(ts.ts_upper("")?.as_deref(), Some(""), "upper of nothing");
    check.same(ts.ts_upper(&b"a\xff\xfe"[..]), Err(Error::Utf8(b"A\xff\xfe".to_vec())), "no UTF-8");
    check.same(matches!(ts.ts_upper("a\0b"), Err(Error::Value(_))), true, "a NUL inside");
    check.same(ts.ts_repeat("ab", 3)?.as_deref(), Some("ababab"), "repeat");
    check.same(ts.ts_repeat("abc", 1 << 30)?, None, "repeat too often");
    check.same((ts.ts_parse("-42")?, ts.ts_parse("9223372036854775807")?), (-42, i64::MAX), "parse");
    let wrong = ts.ts_parse("4x");
    check.same(matches!(wrong, Ok(-1) | Err(Error::Raised(_))), true, "no number");
    Ok(())
}

fn structs(ts: &Textstat, check: &mut Checks) -> rhodes::Result<()> {
    let span = TsSpan { offset: 10, length: 5 };
    check.same(ts.ts_end(span)?, 15, "end");
    check.same(ts.ts_shift(span, -3)?, (0, TsSpan { offset: 7, length: 5 }), "shift");
    check.same(ts.ts_shift(span, -11)?.0, -1, "shift too far");
    Ok(())
}

fn buffers(ts: &Textstat, check: &mut Checks) -> rhodes::Result<()> {
    check.same((ts.ts_hash(b"")?, ts.ts_hash(b"a")?), (0xcbf29ce484222325, 0xaf63dc4c8601ec8c), "hash");
    for size in [0, 1, 383, 384, 385, 5000, 1 << 20, 64 << 20] {
        let mut bytes = vec![0u8; size];
        check.same(ts.ts_fill(&mut bytes, u32::MAX)?, size as i64, "fill");
        let wanted: Vec<u8> = (0..size).map(|i| i as u8).collect();
        check.same(bytes == wanted, true, "bytes that came");
        check.same(ts.ts_reverse(&mut bytes)?, 0, "reverse");
        check.same(bytes.iter().rev().eq(wanted.iter()), true, "bytes that went and came");
    }
    let mut few = [9u8; 8];
    check.same((ts.ts_fill(&mut few, 3)?, few), (3, [0, 1, 2, 9, 9, 9, 9, 9]), "fill a part");
    Ok(())
}

fn files(ts: &Textstat, check: &mut Checks) -> rhodes::Result<()> {
    let mut name = PathBuf::from(std::env::temp_dir());
    name.push(format!("textstat-{}", std::process::id()));
    File::create(&name).and_then(|mut file| file.write_all(b"12345")).expect("a file");
    check.same(ts.ts_drain(&File::open(&name).expect("the file"))?, 5, "drain");
    check.same(ts.ts_file(&*name)?, 5, "file");
    std::fs::remove_file(&name).expect("the file");
    check.same(ts.ts_file(&*name)?, -1, "no file");
    Ok(())
}

fn objects(ts: &Textstat, check: &mut Checks) -> rhodes::Result<()> {
    let doc = ts.ts_doc_open(Some("notes"))?.expect("a doc");
    let other = ts.ts_doc_open(None)?.expect("a doc");
    check.same(ts.ts_doc_title(&doc)?.as_deref(), Some("notes"), "title");
    check.same(ts.ts_doc_title(&other)?.as_deref(), Some("untitled"), "no title");
    check.same((ts.ts_doc_add(&doc, "one ")?, ts.ts_doc_add(&doc, "two\n")?), (4, 8), "add");
    let (result, counts) = ts.ts_doc_count(&doc)?;
    check.same((result, counts.words, counts.lines), (0, 2, 1), "count of a doc");
    check.same(ts.ts_doc_count(&other)?.1.bytes, 0, "count of an empty doc");
    ts.ts_doc_close(doc)?;
    Ok(()) // the other one is dropped
}

fn median(ts: &Textstat) -> rhodes::Result<u128> {
    let mut took = Vec::with_capacity(CALLS);
    for i in 0..CALLS as i32 {
        let start = Instant::now();
        ts.ts_add(i, 1)?;
        took.push(start.elapsed().as_nanos());
    }
    took.sort_unstable();
    Ok(took[CALLS / 2])
}

fn run(name: &str, check: &mut Checks) -> rhodes::Result<u128> {
    let ts = Textstat::open(name)?;
    numbers(&ts, check)?;
    texts(&ts, check)?;
    structs(&ts, check)?;
    buffers(&ts, check)?;
    files(&ts, check)?;
    objects(&ts, check)?;
    median(&ts)
}

fn main() {
    let name = std::env::args().nth(1).unwrap_or_else(|| "text_rust".to_string());
    let mut check = Checks::default();
    match run(&name, &mut check) {
        Ok(p50) if check.missed == 0 => println!("ok {} checks, p50 {} ns", check.count, p50),
        Ok(_) => println!("{} of {} checks failed", check.missed, check.count),
        Err(error) => {
            check.missed += 1;
            println!("{}", error);
        }
    }
    std::process::exit(i32::from(check.missed != 0));
}
