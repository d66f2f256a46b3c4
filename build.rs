//! Lists the built-in strategies, and sets the linker up for a Node.js addon when the binding is built.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    list_strategies()?;
    #[cfg(feature = "node")]
    napi_build::setup();
    Ok(())
}

/// Writes the list of the files of `src/strategies/builtin`, so that a file there is all that a strategy takes.
fn list_strategies() -> io::Result<()> {
    let folder = variable("CARGO_MANIFEST_DIR")?.join("src/strategies/builtin");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "strategy"));
    // The order of a folder is that of the file system.
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        let id = file.file_stem().unwrap_or_default().to_string_lossy();
        list += &format!("    ({id:?}, include_str!({:?})),\n", file.to_string_lossy());
    }
    list += "]\n";
    fs::write(Path::new(&variable("OUT_DIR")?).join("builtin.rs"), list)
}

fn variable(name: &str) -> io::Result<PathBuf> {
    env::var_os(name)
        .map(PathBuf::from)
        .ok_or_else(|| io::Error::other(format!("{name} is not set")))
}
