//! witgate
fn main() {}
