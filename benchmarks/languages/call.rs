//! textstat from Rust; see call.h.
mod textstat;

use std::time::Instant;
use textstat::Textstat;

const BATCH: usize = 64;

fn median(mut took: Vec<u128>) -> u128 {
    took.sort_unstable();
    took[took.len() / 2]
}

fn main() -> rhodes::Result<()> {
    let calls: usize = std::env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(1000);
    let ts = Textstat::open("text_c")?;
    for i in 0..calls as i32 / 10 {
        assert_eq!(ts.ts_add(i, 1)?, i + 1);
    }
    let mut took = Vec::with_capacity(calls);
    for i in 0..calls as i32 {
        let began = Instant::now();
        ts.ts_add(i, 1)?;
        took.push(began.elapsed().as_nanos());
    }
    took.sort_unstable();
    let (p50, p99) = (took[calls / 2], took[calls / 100 * 99]);
    let mut batches = Vec::with_capacity(calls / BATCH);
    for _ in 0..calls / BATCH {
        let began = Instant::now();
        for j in 0..BATCH as i32 {
            ts.ts_add(j, 1)?;
        }
        batches.push(began.elapsed().as_nanos());
    }
    let batch = median(batches) as f64 / BATCH as f64;
    println!("{{\"p50\": {}, \"p99\": {}, \"batch\": {:.2}}}", p50, p99, batch);
    Ok(())
}
