//! A service with a function for each kind of type, from Rust: random values, 64 threads, what
//! is left afterwards, and a callee that ends.
mod kinds;

use kinds::{Kinds, Plain, Point};
use rhodes::Error;
use std::fs;
use std::io::BufRead;

const THREADS: u64 = 64;

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
    fn text(&mut self) -> String {
        let letters = ['a', 'ß', '漢', '😀', ' ', '\n', '\u{7f}'];
        (0..self.next() % 300).map(|_| letters[(self.next() % 7) as usize]).collect()
    }
    fn bytes(&mut self) -> Vec<u8> {
        let size = [0, 1, 100, 5000, 70000][(self.next() % 5) as usize];
        (0..size).map(|_| self.next() as u8).collect()
    }
    fn plain(&mut self) -> Plain {
        let mut plain = Plain::default();
        plain.set_tag([self.next() as u8, self.next() as u8, self.next() as u8]);
        plain.set_low((self.next() % 31) as i32 - 16);
        plain.set_high((self.next() % 2047) as u32);
        plain.set_weight((self.next() % 1000) as f64 / 4.0);
        plain.set_at([Point { x: self.next() as i16 / 2, y: -1 }, Point { x: 5, y: self.next() as i16 / 2 }]);
        plain.set_big(self.next());
        plain
    }
}

fn numbers(k: &Kinds, random: &mut Random) -> rhodes::Result<()> {
    let n = random.next();
    assert_eq!((k.kinds_i8(n as i8)?, k.kinds_u8(n as u8)?), (n as i8, n as u8));
    assert_eq!((k.kinds_i16(n as i16)?, k.kinds_u16(n as u16)?), (n as i16, n as u16));
    assert_eq!((k.kinds_i32(n as i32)?, k.kinds_u32(n as u32)?), (n as i32, n as u32));
    assert_eq!((k.kinds_i64(n as i64)?, k.kinds_u64(n)?), (n as i64, n));
    assert_eq!(k.kinds_f64(f64::from_bits(n))?.to_bits(), n);
    let f = f32::from_bits(n as u32 & !0x400000); // a NaN that signals becomes quiet elsewhere
    assert!(k.kinds_f32(f)?.to_bits() == f.to_bits() || f.is_nan());
    let (a, b) = (n as i32, (random.next() % 1000) as i32 + 1);
    assert_eq!(k.kinds_divide(a, b)?, (a / b, a % b));
    assert_eq!(k.kinds_count(a)?, (a, a.wrapping_add(1)));
    Ok(())
}

fn texts(k: &Kinds, random: &mut Random) -> rhodes::Result<()> {
    let text = random.text();
    assert_eq!(k.kinds_text(&text)?.as_deref(), Some(text.as_str()));
    assert_eq!(k.kinds_new_text(&text)?, Some(text.repeat(2)));
    assert_eq!(k.kinds_text_length(Some(&text))?, text.len() as i32);
    assert_eq!(k.kinds_text_length(None)?, -1);
    let refused = [k.kinds_text("a\0b").unwrap_err(), k.kinds_text_length(Some("\0")).unwrap_err()];
    assert_eq!(refused[0].to_string(), "kinds_text: text holds a NUL");
    assert_eq!(refused[1].to_string(), "kinds_text_length: text holds a NUL");
    let mut room = vec![0; random.next() as usize % 300];
    let (all, used) = k.kinds_fill(&text, &mut room)?;
    assert_eq!((all as usize, used as usize), (text.len(), text.len().min(room.len())));
    assert_eq!(&room[..used as usize], &text.as_bytes()[..used as usize]);
    Ok(())
}

fn buffers(k: &Kinds, random: &mut Random) -> rhodes::Result<()> {
    let mut bytes = random.bytes();
    assert_eq!(k.kinds_sum(&bytes)?, bytes.iter().map(|b| u64::from(*b)).sum());
    let raised: Vec<u8> = bytes.iter().map(|b| b.wrapping_add(1)).collect();
    assert_eq!(k.kinds_raise(&mut bytes)?, raised.len() as i32);
    assert_eq!(bytes, raised);
    let many: Vec<i32> = (0..random.next() % 3000).map(|_| random.next() as i32).collect();
    assert_eq!(k.kinds_sum32(&many)?, many.iter().map(|n| i64::from(*n)).sum());
    let wanted = random.next() % 7;
    assert_eq!(k.kinds_peek(wanted)?.as_deref(), Some(&[3, 1, 4, 1, 5][..wanted.min(5) as usize]));
    let mut id: [u8; 16] = [0; 16];
    id.iter_mut().for_each(|byte| *byte = random.next() as u8);
    let turned = k.kinds_id(id)?;
    assert!(turned.iter().rev().eq(id.iter()));
    Ok(())
}

fn structs(k: &Kinds, random: &mut Random) -> rhodes::Result<()> {
    let plain = random.plain();
    let mut wanted = plain;
    let tag = plain.get_tag();
    wanted.set_tag([tag[2], tag[1], tag[0]]);
    wanted.set_low(plain.get_low() + 1);
    wanted.set_high(plain.get_high() + 1);
    wanted.set_weight(plain.get_weight() + 1.0);
    let mut at = plain.get_at();
    at[0].x += 1;
    at[1].y += 1;
    wanted.set_at(at);
    let mut either = plain.get_either();
    either.set_i(either.get_i().wrapping_add(1));
    wanted.set_either(either);
    wanted.set_big(plain.get_big().wrapping_add(1));
    assert_eq!(k.kinds_plain(plain)?, wanted);
    assert_eq!(k.kinds_turn(plain)?, (wanted.get_low(), wanted));
    assert_eq!(k.kinds_check(Some(plain))?, plain.get_low());
    assert_eq!(k.kinds_check(None)?, -100);
    let (_, made) = k.kinds_make(3)?;
    assert_eq!((made.get_tag(), made.get_low(), made.get_high()), ([1, 2, 3], 3, 2047));
    Ok(())
}

fn objects(k: &Kinds, random: &mut Random) -> rhodes::Result<()> {
    let number = random.next() as i32;
    let pot = k.kinds_pot(number)?.expect("a pot");
    let (result, other) = k.kinds_pot_pour(&pot)?;
    assert_eq!((result, k.kinds_pot_get(other.as_ref().expect("a pot"))?), (0, number));
    k.kinds_pot_close(pot)
}

fn round(k: &Kinds, random: &mut Random) -> rhodes::Result<()> {
    numbers(k, random)?;
    texts(k, random)?;
    buffers(k, random)?;
    structs(k, random)?;
    objects(k, random)
}

fn threads(k: &Kinds) {
    std::thread::scope(|scope| {
        let spawn = |seed| {
            scope.spawn(move || {
                let mut random = Random(seed);
                assert_eq!(k.kinds_peek(0).expect("nothing"), Some(vec![])); // a thread's first
                for _ in 0..20 {
                    round(k, &mut random).expect("a round");
                }
            })
        };
        let all: Vec<_> = (0..THREADS).map(spawn).collect();
        all.into_iter().for_each(|one| one.join().expect("a thread")); // the thread, not its closure
    });
}

/// Descriptors and mappings of this process.
fn left() -> (usize, usize) {
    let fds = fs::read_dir("/proc/self/fd").expect("fds").count();
    let maps = fs::read_to_string("/proc/self/maps").expect("maps").lines().filter(|l| l.contains("memfd")).count();
    (fds, maps)
}

/// Rounds of four calls, as tests/system/leaks.py asks for them.
fn leave(k: &Kinds) -> rhodes::Result<()> {
    for line in std::io::stdin().lock().lines() {
        for i in 0..line.expect("a line").parse().expect("a number") {
            assert_eq!(k.kinds_i32(i)?, i);
            assert_eq!(k.kinds_new_text("text")?.as_deref(), Some("texttext"));
            k.kinds_pot_close(k.kinds_pot(i)?.expect("a pot"))?;
        }
        println!("{}", k.kinds_pots()?);
    }
    Ok(())
}

fn main() -> rhodes::Result<()> {
    let k = Kinds::open("kinds")?;
    if std::env::args().len() > 1 {
        return leave(&k);
    }
    let mut random = Random(6);
    for _ in 0..100 {
        round(&k, &mut random)?;
    }
    let before = left();
    threads(&k);
    for _ in 0..200 {
        round(&k, &mut random)?;
    }
    assert_eq!(k.kinds_pots()?, 0, "objects stay in the callee");
    assert_eq!(left(), before, "descriptors and mappings");
    let pot = k.kinds_pot(1)?.expect("a pot");
    match k.kinds_die() {
        Err(Error::Lost(failure)) => assert!(failure.ran && failure.code == -1002),
        other => panic!("a callee that ended: {:?}", other),
    }
    assert!(k.kinds_pot_get(&pot).is_err(), "an object outlived its process");
    drop(pot);
    round(&k, &mut random)?; // in the next one
    assert!(matches!(Kinds::open("nobody"), Err(Error::Refused(_))));
    println!("ok");
    Ok(())
}
