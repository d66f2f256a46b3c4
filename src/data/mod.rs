//! Where bars come from: files and the embedded store. Each source is one file or folder and one line here.

pub mod files;
