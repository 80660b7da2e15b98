//! Lets the edge be compiled before the web app was built: the page then says how to build it.

use std::path::Path;

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=../web/dist");
    std::fs::create_dir_all(Path::new("../web/dist"))
}
