//! Sets the linker up for a Node.js addon when the binding is built.

fn main() {
    #[cfg(feature = "node")]
    napi_build::setup();
}
