//! Many threads call while their callee is killed again and again; storm_test.py drives it.
//!
//!     storm RESOURCE THREADS
//!
//! Prints "started" when each thread has called once, calls until standard input ends, and
//! then "ok N lost N"; a thread that finds something wrong panics.
mod textstat;

use rhodes::Error;
use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use textstat::{Textstat, TsDoc};

static CALLS: AtomicU32 = AtomicU32::new(0);
static LOST: AtomicU32 = AtomicU32::new(0);
static ENDS: AtomicBool = AtomicBool::new(false);

fn round(ts: &Textstat, number: i32, kept: &TsDoc) -> rhodes::Result<()> {
    assert_eq!(ts.ts_add(number, 1)?, number + 1);
    assert_eq!(ts.ts_repeat("ab", 500)?, Some("ab".repeat(500)));
    let doc = ts.ts_doc_open(Some("storm"))?.expect("a doc");
    assert_eq!(ts.ts_doc_add(&doc, "four")?, 4);
    assert_eq!(ts.ts_doc_title(&doc)?.as_deref(), Some("storm"));
    ts.ts_doc_add(kept, "x")?;
    Ok(())
}

fn open(ts: &Textstat) -> TsDoc {
    loop {
        match ts.ts_doc_open(Some("kept")) {
            Ok(doc) => return doc.expect("a doc"),
            Err(Error::Lost(_)) => LOST.fetch_add(1, SeqCst),
            Err(other) => panic!("{:?}", other),
        };
    }
}

fn run(ts: &Textstat, started: &Barrier) {
    let mut kept = open(ts);
    started.wait();
    for number in 0.. {
        if ENDS.load(SeqCst) {
            break;
        }
        CALLS.fetch_add(1, SeqCst);
        match round(ts, number, &kept) {
            Ok(()) => (),
            Err(Error::Lost(_)) => {
                LOST.fetch_add(1, SeqCst);
                kept = open(ts);
            }
            Err(other) => panic!("{:?}", other),
        }
    }
    assert_eq!(ts.ts_add(4, 5).expect("a callee"), 9);
}

fn main() -> rhodes::Result<()> {
    let words: Vec<String> = std::env::args().collect();
    let count: usize = words[2].parse().expect("a number");
    let ts = Arc::new(Textstat::open(&words[1])?);
    let started = Arc::new(Barrier::new(count + 1));
    let threads: Vec<_> = (0..count)
        .map(|_| {
            let (ts, started) = (ts.clone(), started.clone());
            std::thread::spawn(move || run(&ts, &started))
        })
        .collect();
    started.wait();
    println!("started");
    std::io::stdin().read_to_end(&mut Vec::new()).expect("standard input");
    ENDS.store(true, SeqCst);
    for thread in threads {
        thread.join().expect("a thread that was content");
    }
    println!("ok {} lost {}", CALLS.load(SeqCst), LOST.load(SeqCst));
    Ok(())
}
