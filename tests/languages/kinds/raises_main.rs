//! A server that raises, and with an argument the program that calls it.
mod raises;

use raises::{Raises, RaisesServer};
use rhodes::{Error, Raised};
use std::ffi::CStr;

struct Server;

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
    println!("ok");
    Ok(())
}

fn main() -> rhodes::Result<()> {
    match std::env::args().nth(1) {
        Some(name) => call(&name),
        None => raises::serve(&Server, 4),
    }
}
