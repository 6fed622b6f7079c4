//! Calls functions that become others meanwhile: prints what it is told, a call a line.
mod sums;

use sums::Sums;

fn told(result: rhodes::Result<i32>) {
    println!("{}", result.expect_err("it is another one").to_string().replace('\n', "|"));
}

fn main() -> rhodes::Result<()> {
    let sums = Sums::open("sums")?;
    println!("{}", sums.sums_same(1)?);
    std::io::stdin().read_line(&mut String::new()).expect("a line");
    told(sums.sums_add(1, 2));
    told(sums.sums_add(1, 2));
    told(sums.sums_gone(1));
    println!("{}", sums.sums_same(3)?);
    Ok(())
}
