//! The program. Everything is in the library, so that tests reach it.

use std::process::ExitCode;

/// A message takes some eighty pieces of memory, nearly all of them given back by the thread that took them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    witgate::cli::main()
}
