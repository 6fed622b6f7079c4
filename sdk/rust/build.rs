//! Tells the linker where librhodes is: the folder of RHODES_LIB_DIR, else what
//! pkg-config says, else the linker's own places.
use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=RHODES_LIB_DIR");
    if let Ok(folder) = env::var("RHODES_LIB_DIR") {
        println!("cargo:rustc-link-search=native={}", folder);
        return;
    }
    let told = Command::new("pkg-config").args(["--variable=libdir", "rhodes"]).output();
    if let Ok(output) = told {
        if let (true, Ok(folder)) = (output.status.success(), String::from_utf8(output.stdout)) {
            if !folder.trim().is_empty() {
                println!("cargo:rustc-link-search=native={}", folder.trim());
            }
        }
    }
}
