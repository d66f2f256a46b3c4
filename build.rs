//! Lists the built-in strategies, and sets the linker up for a Node.js addon when the binding is built.

use std::path::Path;
use std::{env, fs, io};

/// Where the built-in strategies are, from the top of the package.
const STRATEGIES: &str = "src/strategies/builtin";

fn main() -> io::Result<()> {
    list_strategies()?;
    #[cfg(feature = "node")]
    napi_build::setup();
    Ok(())
}

/// Writes the list that `src/strategies/builtin.rs` includes, so that a file in the folder is all that a strategy takes.
fn list_strategies() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={STRATEGIES}");
    let mut names = Vec::new();
    for entry in fs::read_dir(STRATEGIES)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".strategy").map(str::to_owned));
    }
    // The order of a folder is that of the file system.
    names.sort();
    let lines = names.iter().map(|name| {
        format!(
            "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{STRATEGIES}/{name}.strategy\"))),\n"
        )
    });
    let list = format!("&[\n{}]\n", lines.collect::<String>());
    let folder = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    fs::write(Path::new(&folder).join("builtin.rs"), list)
}
