//! A server of objects that programs look into, in Rust.
mod seen;

use rhodes::{Mirrored, Raised};
use seen::SeenServer;
use std::sync::{Arc, Mutex};

struct Tally(Mutex<(i32, i32)>); // the count, and what was added last

impl Mirrored for Tally {
    fn mirror(&self, bytes: &mut [u8]) {
        let now = self.0.lock().unwrap();
        bytes[..4].copy_from_slice(&now.0.to_ne_bytes());
        bytes[4..].copy_from_slice(&now.1.to_ne_bytes());
    }
}

struct Server;

impl SeenServer for Server {
    type Tally = Tally;

    fn seen_new(&self, count: i32) -> Result<Option<Tally>, Raised> {
        Ok(Some(Tally(Mutex::new((count, 0)))))
    }
    fn seen_add(&self, tally: Arc<Tally>, by: i32) -> Result<i32, Raised> {
        let mut now = tally.0.lock().unwrap();
        *now = (now.0 + by, by);
        Ok(now.0)
    }
    fn seen_split(&self, tally: Arc<Tally>) -> Result<(i32, Option<Tally>), Raised> {
        let mut now = tally.0.lock().unwrap();
        now.0 /= 2;
        Ok((0, Some(Tally(Mutex::new((now.0, 0))))))
    }
    fn seen_close(&self, _: Arc<Tally>) -> Result<(), Raised> {
        Ok(())
    }
}

fn main() -> rhodes::Result<()> {
    seen::serve(&Server, 4)
}
