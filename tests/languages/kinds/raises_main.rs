//! A server that raises, and with an argument the program that calls it.
mod raises;

use raises::{Raises, RaisesServer};
use rhodes::{Error, Raised};
use std::ffi::CStr;
use std::sync::{Arc, Condvar, Mutex};

/// What is to be told, and that there is more.
#[derive(Default)]
struct Whats {
    left: Mutex<Vec<i32>>,
    more: Condvar,
}

impl Whats {
    fn take(&self) -> i32 {
        let mut left = self.left.lock().expect("a lock");
        loop {
            match left.pop() {
                Some(what) => return what,
                None => left = self.more.wait(left).expect("a lock"),
            }
        }
    }
}

#[derive(Default)]
struct Server(Arc<Whats>);

impl RaisesServer for Server {
    fn raises_error(&self, what: &CStr) -> Result<i32, Raised> {
        Ok(what.to_str()?.parse::<i32>()?)
    }
    fn raises_panic(&self, what: &CStr) -> Result<i32, Raised> {
        panic!("no {}", what.to_string_lossy());
    }
    fn raises_twice(&self, number: i32) -> Result<i32, Raised> {
        Ok(2 * number)
    }
    fn raises_tell(&self, what: i32, count: i32) -> Result<i32, Raised> {
        self.0.left.lock().expect("a lock").extend(std::iter::repeat(what).take(count as usize));
        self.0.more.notify_one();
        Ok(count)
    }
    fn raises_told(&self) -> Box<dyn Iterator<Item = (i32, i32, i32)> + Send> {
        let whats = self.0.clone();
        Box::new((1..).map(move |number| (0, whats.take(), number)))
    }
}

fn call(name: &str) -> rhodes::Result<()> {
    let r = Raises::open(name)?;
    for _ in 0..100 {
        match r.raises_error("four") {
            Err(Error::Raised(e)) => {
                assert_eq!(e.message, "invalid digit found in string");
                assert!(e.kind.ends_with("ParseIntError") && e.language == "rust" && !e.stack.is_empty());
            }
            other => panic!("{:?}", other),
        }
        match r.raises_panic("way") {
            Err(Error::Raised(e)) => {
                assert_eq!((e.kind.as_str(), e.message.as_str()), ("panic", "no way"));
                assert!(e.stack.starts_with("at ") && e.stack.contains("raises_main.rs"), "{}", e.stack);
            }
            other => panic!("{:?}", other),
        }
        assert_eq!(r.raises_twice(21)?, 42);
        assert_eq!(r.raises_error("4")?, 4);
    }
    assert_eq!(r.raises_tell(2, 3)?, 3);
    for number in 1..4 {
        assert_eq!(r.raises_told()?, (0, 2, number));
    }
    println!("ok");
    Ok(())
}

/// For a caller with little patience, as nothing is told.
fn none(name: &str) -> rhodes::Result<()> {
    match Raises::open(name)?.raises_told() {
        Err(Error::Other(failure)) => {
            assert_eq!((failure.code, failure.ran), (-11, false));
            assert_eq!(failure.text, "no event raises_told came");
        }
        other => panic!("{:?}", other),
    }
    println!("none");
    Ok(())
}

/// What the callee raised, in one line.
fn raised(name: &str) -> rhodes::Result<()> {
    match Raises::open(name)?.raises_error("four") {
        Err(Error::Raised(e)) => {
            println!("{}|{}|{}|{}", e.language, e.kind, e.message, i32::from(!e.stack.is_empty()))
        }
        other => println!("{:?}", other),
    }
    Ok(())
}

fn main() -> rhodes::Result<()> {
    let words: Vec<String> = std::env::args().collect();
    match words.len() {
        1 => raises::serve(&Server::default(), 4),
        2 => call(&words[1]),
        _ if words[2] == "raised" => raised(&words[1]),
        _ => none(&words[1]),
    }
}
