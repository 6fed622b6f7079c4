//! limiter - the filter of ../limiter.c in Rust, without its standard library: so many
//! calls a second, and a few at once.
#![no_std]
#[path = "include/rhodes/filter.rs"]
mod rhodes;

use rhodes::{buffer, param_number, ALLOW, DENY};

const SECOND: u64 = 1_000_000_000;

/// Tokens are counted in billionths, so that no part of one is lost.
struct Bucket {
    rate: u64,
    full: u64,
    tokens: u64,
    last_ns: Option<u64>,
}

static mut BUCKET: Bucket = Bucket { rate: 0, full: 0, tokens: 0, last_ns: None };
static mut ERROR: u32 = 0;

impl Bucket {
    fn take(&mut self, now_ns: u64) -> bool {
        self.tokens = match self.last_ns {
            Some(last) if now_ns.wrapping_sub(last) < self.full / self.rate => {
                self.full.min(self.tokens + now_ns.wrapping_sub(last) * self.rate)
            }
            _ => self.full,
        };
        self.last_ns = Some(now_ns);
        if self.tokens < SECOND {
            return false;
        }
        self.tokens -= SECOND;
        true
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

#[no_mangle]
pub extern "C" fn rh_init() -> i32 {
    let rate = param_number("rate", 1000);
    let burst = param_number("burst", core::cmp::max(rate / 10, 1));
    let error = param_number("error", 11);
    if rate == 0 || rate > SECOND || burst == 0 || burst > SECOND || error > 4095 {
        return 1;
    }
    unsafe {
        BUCKET.rate = rate;
        BUCKET.full = burst * SECOND;
        ERROR = error as u32;
    }
    0
}

#[no_mangle]
pub extern "C" fn rh_filter_before() -> i32 {
    unsafe {
        if BUCKET.take(buffer().now_ns) {
            return ALLOW;
        }
        buffer().error = ERROR;
    }
    DENY
}
