//! `echo NAME legacy|modern`: the quick server over standard streams.

use witgate_tests::echo::{Echo, stdio};
use witgate_tests::wire::Era;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [name, era] = arguments.as_slice() else {
        return Err(std::io::Error::other("echo NAME legacy|modern"));
    };
    let era = if era == "modern" { Era::Modern } else { Era::Legacy };
    stdio::serve(Echo::new(name, era, std::sync::Arc::default())).await
}
