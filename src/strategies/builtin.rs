//! The built-in strategies, one text file each. `build.rs` lists the files of the folder `builtin` by name.

/// The texts of the built-in strategies with their ids, in the order of the ids.
pub const BUILTIN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/builtin.rs"));
