use std::convert::Infallible;

use tokio::sync::mpsc;

/// Held by everything of a generation.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    _held: mpsc::Sender<Infallible>,
}

/// Waits until nothing of a generation is used any more: the last message that held it has ended.
#[derive(Debug)]
pub struct Retired(mpsc::Receiver<Infallible>);

pub(super) fn lease() -> (Lease, Retired) {
    let (held, waiting) = mpsc::channel(1);
    (Lease { _held: held }, Retired(waiting))
}

impl Retired {
    /// Ends when the generation has.
    pub async fn wait(mut self) {
        // Nothing can be sent; the end of the channel is the end of the generation.
        let _ = self.0.recv().await;
    }
}
