//! The fixtures that the official conformance suite asks for.
fn main() {}
