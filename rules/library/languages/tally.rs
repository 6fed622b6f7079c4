//! tally - the filter of tally.cc in Rust with its standard library, for wasm32-wasi.
//! It needs WASI: capabilities: [stdout, random, args, clock].
#[path = "include/rhodes/filter.rs"]
mod rhodes;

use rhodes::{buffer, ALLOW, DENY};
use std::collections::HashMap;

struct Tally {
    calls: HashMap<u64, u64>,
    all: u64,
    most: u64,
    every: u64,
}

static mut TALLY: Option<Tally> = None;

/// Parameters are in the environment, too, and are arguments.
fn number_of(name: &str, fallback: u64) -> u64 {
    let text = std::env::args()
        .find_map(|word| word.strip_prefix(&format!("{}=", name)).map(str::to_string));
    assert_eq!(text, std::env::var(name).ok());
    text.and_then(|digits| digits.parse().ok()).unwrap_or(fallback)
}

#[no_mangle]
pub extern "C" fn rh_init() -> i32 {
    let begun = std::time::Instant::now();
    let tally = Tally {
        calls: HashMap::new(), // its keys are random: WASI's
        all: 0,
        most: number_of("most", 100),
        every: number_of("every", 1000),
    };
    unsafe { TALLY = Some(tally) };
    (begun.elapsed().as_secs() > 60) as i32
}

#[no_mangle]
pub extern "C" fn rh_filter_before() -> i32 {
    let tally = unsafe { TALLY.as_mut() }.expect("rh_init comes first");
    tally.all += 1;
    if tally.all % tally.every == 0 {
        println!("calls: {}, callers: {}", tally.all, tally.calls.len());
    }
    let calls = tally.calls.entry(buffer().caller).or_insert(0);
    *calls += 1;
    if *calls > tally.most {
        DENY
    } else {
        ALLOW
    }
}
