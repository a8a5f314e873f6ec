//! What lasts for long: a client's standing stream, a subscription. It must not hold on to the generation that it began
//! with, and ends when the gate stops.

use std::future::Future;
use std::pin::pin;

use tokio::sync::watch;

use crate::gate::Gate;

/// Runs something anew in each generation. `None` when the gate stops, or when there is nothing to run any more.
pub(super) async fn through_generations<F: Future>(
    gate: &Gate,
    mut stop: watch::Receiver<bool>,
    mut begin: impl FnMut() -> Option<F>,
) -> Option<F::Output> {
    let mut changes = gate.changes();
    loop {
        changes.borrow_and_update();
        // In its place, so that it is there once: it stands for long.
        let mut running = pin!(begin()?);
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return None,
            // The gate is borrowed, so its changes do not end.
            _ = changes.changed() => {}
            ended = &mut running => return Some(ended),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, pending};
    use std::sync::Arc;

    use super::*;
    use crate::gate::Generation;
    use crate::record::Nobody;

    fn generation(number: u64) -> Generation {
        Generation::new(number, Vec::new())
    }

    #[tokio::test]
    async fn what_lasts_begins_anew_with_each_generation_and_ends_with_the_gate() {
        let gate = Gate::new(generation(1), Arc::new(Nobody));
        let mut begun = Vec::new();
        let (stop, stopping) = watch::channel(false);
        let ended = through_generations(&gate, stopping.clone(), || {
            let number = gate.generation().number;
            begun.push(number);
            let last = number == 3;
            if !last {
                gate.swap(generation(number + 1));
            }
            Some(async move { if last { "over" } else { pending().await } })
        });
        assert_eq!(ended.await, Some("over"));
        assert_eq!(begun, [1, 2, 3]);
        assert_eq!(through_generations(&gate, stopping.clone(), || None::<Ready<()>>).await, None);
        stop.send_replace(true);
        assert_eq!(through_generations(&gate, stopping, || Some(pending::<()>())).await, None);
    }
}
