//! textstat with random values, called from Rust; README.md beside this.
//!
//!     random RESOURCE SEED ROUNDS FILE
mod textstat;

use rhodes::Error;
use std::fmt::Write as _;
use std::fs::File;
use textstat::{Textstat, TsCounts, TsDoc, TsSpan, TsSummary};

const NUMBERS: u32 = 8; // times, in a round
const DOCS: usize = 3;
const SHOWN: usize = 24;
const MANY: u32 = 3 << 24;
const LARGE: u64 = 1 << 20;
const PIECES: [&str; 8] = ["a", "Z", " ", "\n", "ß", "€", "😀", "\u{fffd}"];
const LETTERS: &[u8; 16] = b"aeiouxyzQRS \n\t.~";
const DIGITS: &[u8; 16] = b"0123456789123456";

fn mix(mut z: u64) -> u64 {
    z = (z ^ z >> 30).wrapping_mul(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d049bb133111eb);
    z ^ z >> 31
}

struct Values(u64);

impl Values {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e3779b97f4a7c15);
        mix(self.0)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    fn number(&mut self, bits: u32) -> u64 {
        let (all, top) = (u64::MAX >> (64 - bits), 1u64 << (bits - 1));
        let mut n = self.next() >> (64 - bits);
        n >>= self.below(u64::from(bits));
        n ^ [0, all, top, all ^ top][self.below(4) as usize]
    }
    fn real(&mut self, exponent: u32, mantissa: u32) -> u64 {
        let (quiet, all) = (1u64 << (mantissa - 1), (1u64 << exponent) - 1);
        let (sign, kind) = (self.below(2), self.below(8));
        let (mut m, mut e) = (self.next() >> (64 - mantissa), self.next() >> (64 - exponent));
        e = match kind {
            0..=2 => all,
            3 | 4 => 0,
            _ => e,
        };
        m = match kind {
            0 => m | quiet,
            1 => m & !quiet | 1,
            2 | 4 => 0,
            _ => m,
        };
        if exponent == 8 && e == all && m != 0 {
            m |= quiet;
        }
        sign << (exponent + mantissa) | e << mantissa | m
    }
    fn double(&mut self) -> f64 {
        f64::from_bits(self.real(11, 52))
    }
    fn float(&mut self) -> f32 {
        f32::from_bits(self.real(8, 23) as u32)
    }
    fn size(&mut self) -> usize {
        let size = match self.below(16) {
            0 => 0,
            1..=10 => self.below(33),
            11 | 12 => 380 + self.below(9),
            13 | 14 => self.below(2000),
            _ => self.below(70000),
        };
        size as usize
    }
    fn bytes(&mut self, size: usize) -> Vec<u8> {
        let mut made = Vec::with_capacity(size + 8);
        while made.len() < size {
            made.extend_from_slice(&self.next().to_le_bytes());
        }
        made.truncate(size);
        made
    }
    fn some_bytes(&mut self) -> Vec<u8> {
        let size = self.size();
        self.bytes(size)
    }
    fn utf8(&mut self) -> String {
        self.some_bytes().iter().map(|byte| PIECES[usize::from(byte % 8)]).collect()
    }
    fn text(&mut self) -> Vec<u8> {
        match self.below(4) {
            0 => self.some_bytes().iter().map(|byte| *byte.max(&1)).collect(),
            1 => self.utf8().into_bytes(),
            2 => letters(&self.some_bytes(), LETTERS),
            _ => {
                let mut text = self.utf8().into_bytes();
                text.pop();
                text
            }
        }
    }
    fn perhaps(&mut self) -> Option<String> {
        match self.below(4) {
            0 => None,
            _ => Some(self.utf8()),
        }
    }
    fn numeral(&mut self) -> Vec<u8> {
        if self.below(4) == 0 {
            return self.text();
        }
        let mut text = [&b""[..], b"-", b"+", b" "][self.below(4) as usize].to_vec();
        let size = self.below(22) as usize;
        text.extend(letters(&self.bytes(size), DIGITS));
        text
    }
    fn unit(&mut self) -> i32 {
        match self.below(2) {
            0 => self.number(32) as i32,
            _ => self.below(4) as i32,
        }
    }
    fn span(&mut self) -> TsSpan {
        TsSpan { offset: self.number(32) as u32, length: self.number(32) as u32 }
    }
    fn summary(&mut self) -> TsSummary {
        let mut one = TsSummary::default();
        one.counts = TsCounts {
            bytes: self.number(64),
            words: self.number(64),
            lines: self.number(64),
            mean_word: self.double(),
        };
        one.longest = self.span();
        for count in &mut one.letters {
            *count = self.number(32) as u32;
        }
        one.share = self.float();
        one.is_ascii = self.number(8) as i8;
        one
    }
}

fn letters(bytes: &[u8], of: &[u8; 16]) -> Vec<u8> {
    bytes.iter().map(|byte| of[usize::from(byte % 16)]).collect()
}

fn digest_of(data: &[u8]) -> u64 {
    data.chunks(8).fold(data.len() as u64, |all, part| {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        mix(all ^ u64::from_le_bytes(word))
    })
}

/// How values are printed.
trait Word {
    fn word(&self) -> String;
}

macro_rules! words_of_numbers {
    ($($number:ty),*) => {
        $(impl Word for $number {
            fn word(&self) -> String {
                format!("{:0width$x}", self, width = 2 * std::mem::size_of::<$number>())
            }
        })*
    };
}
words_of_numbers!(u8, i8, u16, i16, u32, i32, u64, i64);

impl Word for f64 {
    fn word(&self) -> String {
        self.to_bits().word()
    }
}
impl Word for f32 {
    fn word(&self) -> String {
        self.to_bits().word()
    }
}
impl Word for str {
    fn word(&self) -> String {
        self.to_string()
    }
}
impl Word for String {
    fn word(&self) -> String {
        self.clone()
    }
}
impl Word for Vec<u8> {
    fn word(&self) -> String {
        let mut line = format!("{}:", self.len());
        let is_long = self.len() > SHOWN;
        for byte in self.iter().take(if is_long { 8 } else { SHOWN }) {
            line += &byte.word();
        }
        if is_long {
            let _ = write!(line, "..{:016x}", digest_of(self));
        }
        line
    }
}
impl Word for Option<Vec<u8>> {
    fn word(&self) -> String {
        self.as_ref().map_or("null".to_string(), Word::word)
    }
}
impl Word for TsSpan {
    fn word(&self) -> String {
        format!("{:08x} {:08x}", self.offset, self.length)
    }
}
impl Word for TsSummary {
    fn word(&self) -> String {
        let TsCounts { bytes, words, lines, mean_word } = self.counts;
        format!("{:016x} {:016x} {:016x} {} {}", bytes, words, lines, mean_word.word(), rest(self))
    }
}
impl Word for TsCounts {
    fn word(&self) -> String {
        let TsCounts { bytes, words, lines, mean_word } = self;
        format!("{:016x} {:016x} {:016x} {}", bytes, words, lines, mean(*mean_word))
    }
}

fn rest(of: &TsSummary) -> String {
    let mut line = of.longest.word();
    for count in of.letters {
        let _ = write!(line, " {:08x}", count);
    }
    line + " " + &of.share.word() + " " + &of.is_ascii.word()
}

/// Which NaN a mean is nobody says.
fn mean(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_string();
    }
    value.word()
}

fn errno_if(is: bool) -> u32 {
    let code = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    if is { code as u32 } else { 0 }
}

/// A text that came, also one that is no UTF-8.
fn raw(text: rhodes::Result<Option<String>>) -> rhodes::Result<Option<Vec<u8>>> {
    match text {
        Ok(text) => Ok(text.map(String::into_bytes)),
        Err(Error::Utf8(bytes)) => Ok(Some(bytes)),
        Err(error) => Err(error),
    }
}

struct Caller {
    ts: Textstat,
    v: Values,
    file: String,
    docs: [Option<TsDoc>; DOCS],
    round: u64,
    calls: u32,
    digest: u64,
}

impl Caller {
    fn say(&mut self, function: &str, words: &[&dyn Word]) {
        let mut line = format!("{} {}", self.round, function);
        for word in words {
            line += " ";
            line += &word.word();
        }
        self.digest = mix(self.digest ^ digest_of(line.as_bytes()));
        self.calls += 1;
        println!("{}", line);
    }
    fn integers(&mut self) -> rhodes::Result<()> {
        let (a, b) = (self.v.number(32) as i32, self.v.number(32) as i32);
        let (i8, u8) = (self.v.number(8) as i8, self.v.number(8) as u8);
        let (i16, u16) = (self.v.number(16) as i16, self.v.number(16) as u16);
        let (u32, i64) = (self.v.number(32) as u32, self.v.number(64) as i64);
        let (x, y) = (self.v.number(64), self.v.number(64));
        let (sum, all) = (self.ts.ts_add(a, b)?, self.ts.ts_sum(i8, u8, i16, u16, u32, i64)?);
        let max = self.ts.ts_max(x, y)?;
        self.say("ts_add", &[&a, &b, &EQUALS, &sum]);
        self.say("ts_sum", &[&i8, &u8, &i16, &u16, &u32, &i64, &EQUALS, &all]);
        self.say("ts_max", &[&x, &y, &EQUALS, &max]);
        Ok(())
    }
    fn reals(&mut self) -> rhodes::Result<()> {
        let (a, b, value) = (self.v.double(), self.v.float(), self.v.double());
        let (of_both, same) = (self.ts.ts_mean(a, b)?, self.ts.ts_same(value)?);
        self.say("ts_mean", &[&a, &b, &EQUALS, &mean(of_both)]);
        self.say("ts_same", &[&value, &EQUALS, &same]);
        Ok(())
    }
    fn units(&mut self) -> rhodes::Result<()> {
        let unit = self.v.unit();
        let after = self.ts.ts_next(unit)?;
        self.say("ts_next", &[&unit, &EQUALS, &after]);
        Ok(())
    }
    fn structs(&mut self) -> rhodes::Result<()> {
        let (one, two, by) = (self.v.span(), self.v.span(), self.v.number(32) as i32);
        let (a, mut b) = (self.v.summary(), self.v.summary());
        if self.v.below(4) == 0 {
            b.counts.bytes = a.counts.bytes;
        }
        let end = self.ts.ts_end(one)?;
        self.say("ts_end", &[&one, &EQUALS, &end]);
        let (result, moved) = self.ts.ts_shift(two, by)?;
        let errno = errno_if(result != 0);
        self.say("ts_shift", &[&two, &by, &EQUALS, &result, &errno, &moved]);
        let longer = self.ts.ts_longer(a, b)?;
        self.say("ts_longer", &[&a, &b, &EQUALS, &longer]);
        Ok(())
    }
    fn counts(&mut self) -> rhodes::Result<()> {
        let (some, other, third) = (self.v.text(), self.v.perhaps(), self.v.text());
        let unit = self.v.unit();
        let counts = self.ts.ts_count(&some)?;
        self.say("ts_count", &[&some, &EQUALS, &counts]);
        let measured = self.ts.ts_measure(other.as_deref(), unit)?;
        let errno = errno_if(measured < 0);
        self.say("ts_measure", &[&other.map(String::into_bytes), &unit, &EQUALS, &measured, &errno]);
        let (result, summary) = self.ts.ts_summarize(&third)?;
        self.say("ts_summarize", &[&third, &EQUALS, &result, &summary.counts, &rest(&summary)]);
        let with_nul = [&some[..], b"\0", &third].concat();
        assert!(matches!(self.ts.ts_count(&with_nul), Err(Error::Value(_))), "a NUL inside");
        Ok(())
    }
    fn texts(&mut self) -> rhodes::Result<()> {
        let (some, other, digits) = (self.v.text(), self.v.text(), self.v.numeral());
        let times = match self.v.below(4) {
            0 => self.v.number(32) as u32 | MANY,
            _ => self.v.below(4) as u32,
        };
        let upper = raw(self.ts.ts_upper(&some))?;
        self.say("ts_upper", &[&some, &EQUALS, &upper]);
        let repeated = raw(self.ts.ts_repeat(&other, times))?;
        let errno = errno_if(repeated.is_none());
        self.say("ts_repeat", &[&other, &times, &EQUALS, &errno, &repeated]);
        let parsed = self.ts.ts_parse(&digits)?;
        let errno = errno_if(parsed == -1);
        self.say("ts_parse", &[&digits, &EQUALS, &parsed, &errno]);
        Ok(())
    }
    fn bytes(&mut self) -> rhodes::Result<()> {
        let (hashed, cap) = (self.v.some_bytes(), self.v.size());
        let (count, mut filled) = (self.v.number(32) as u32, vec![0; cap]);
        let hash = self.ts.ts_hash(&hashed)?;
        self.say("ts_hash", &[&hashed, &EQUALS, &hash]);
        let got = self.ts.ts_fill(&mut filled, count)?;
        assert!(filled[got as usize..].iter().all(|byte| *byte == 0), "more than it says");
        filled.truncate(got as usize);
        self.say("ts_fill", &[&(cap as u32), &count, &EQUALS, &got, &filled]);
        let size = match self.round {
            0 => (LARGE + self.v.below(1000)) as usize,
            _ => self.v.size(),
        };
        let before = self.v.bytes(size);
        let mut turned = before.clone();
        let result = self.ts.ts_reverse(&mut turned)?;
        self.say("ts_reverse", &[&before, &EQUALS, &result, &turned]);
        Ok(())
    }
    fn files(&mut self) -> rhodes::Result<()> {
        let data = self.v.some_bytes();
        std::fs::write(&self.file, &data).expect("a file");
        let drained = self.ts.ts_drain(&File::open(&self.file).expect("the file"))?;
        let none = self.ts.ts_file(&format!("{}.none", self.file))?;
        let of_file = self.ts.ts_file(&self.file)?;
        self.say("ts_drain, ts_file", &[&data, &EQUALS, &drained, &of_file, &none]);
        Ok(())
    }
    fn change(&mut self, slot: usize, doc: TsDoc) -> rhodes::Result<()> {
        let name = slot.to_string();
        match self.v.below(4) {
            0 => {
                let (result, counts) = self.ts.ts_doc_count(&doc)?;
                self.say("ts_doc_count", &[&name, &EQUALS, &result, &counts]);
            }
            1 => return self.ts.ts_doc_close(doc),
            _ => {
                let text = self.v.text();
                let all = self.ts.ts_doc_add(&doc, &text)?;
                self.say("ts_doc_add", &[&name, &text, &EQUALS, &all]);
            }
        }
        self.docs[slot] = Some(doc);
        Ok(())
    }
    fn object(&mut self, slot: usize) -> rhodes::Result<()> {
        if let Some(doc) = self.docs[slot].take() {
            return self.change(slot, doc);
        }
        let title = self.v.perhaps();
        let doc = self.ts.ts_doc_open(title.as_deref())?.expect("a doc");
        let told = raw(self.ts.ts_doc_title(&doc))?;
        self.docs[slot] = Some(doc);
        let title = title.map(String::into_bytes);
        self.say("ts_doc_open", &[&slot.to_string(), &title, &EQUALS, &told]);
        Ok(())
    }
    fn run(&mut self, rounds: u64) -> rhodes::Result<()> {
        while self.round < rounds {
            for _ in 0..NUMBERS {
                self.integers()?;
                self.reals()?;
                self.units()?;
            }
            self.structs()?;
            self.counts()?;
            self.texts()?;
            self.bytes()?;
            self.files()?;
            for _ in 0..4 {
                let slot = self.v.below(DOCS as u64) as usize;
                self.object(slot)?;
            }
            self.round += 1;
        }
        println!("ok {} calls, digest {:016x}", self.calls, self.digest);
        Ok(())
    }
}

struct Equals;
static EQUALS: Equals = Equals;

impl Word for Equals {
    fn word(&self) -> String {
        "=".to_string()
    }
}

fn main() -> rhodes::Result<()> {
    let words: Vec<String> = std::env::args().collect();
    let mut caller = Caller {
        ts: Textstat::open(&words[1])?,
        v: Values(words[2].parse().expect("a seed")),
        file: words[4].clone(),
        docs: [None, None, None],
        round: 0,
        calls: 0,
        digest: 0,
    };
    caller.run(words[3].parse().expect("rounds"))
}
