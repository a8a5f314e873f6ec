//! What a plugin's stores answered while it was asked: what they held before, for a case to begin with.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use witgate_policy::Answer;
use witgate_policy::store::{Counters, KeyValues, Reading, Space, StoreError};

use crate::case::Contents;

tokio::task_local! {
    /// Of the question that is being recorded on this task.
    static HELD: RefCell<Contents>;
}

/// Runs a question, and says what its stores held.
pub(super) async fn held<T>(question: impl Future<Output = T>) -> (T, Contents) {
    HELD.scope(RefCell::default(), async {
        let answer = question.await;
        (answer, HELD.with(RefCell::take))
    })
    .await
}

fn note(note: impl FnOnce(&mut Contents)) {
    // Where nobody records there is nothing to note it in.
    let _ = HELD.try_with(|held| note(&mut held.borrow_mut()));
}

/// Counters whose answers are noted where somebody records.
pub(crate) struct TapedCounters(pub(crate) Arc<dyn Counters>);

impl Counters for TapedCounters {
    fn add<'a>(
        &'a self,
        space: &'a Space,
        key: &'a str,
        amount: u32,
        expires_in: Duration,
    ) -> Answer<'a, Reading, StoreError> {
        let answer = self.0.add(space, key, amount, expires_in);
        if HELD.try_with(|_| ()).is_err() {
            return answer;
        }
        Box::pin(async move {
            let reading = answer.await?;
            let before = Reading { value: reading.value.saturating_sub(amount), ..reading };
            note(|held| held.counter(key, before));
            Ok(reading)
        })
    }

    fn read<'a>(&'a self, space: &'a Space, key: &'a str) -> Answer<'a, Option<Reading>, StoreError> {
        let answer = self.0.read(space, key);
        if HELD.try_with(|_| ()).is_err() {
            return answer;
        }
        Box::pin(async move {
            let reading = answer.await?;
            if let Some(reading) = reading {
                note(|held| held.counter(key, reading));
            }
            Ok(reading)
        })
    }
}

/// The same for keys; what is no text is not noted.
pub(crate) struct TapedKeyValues(pub(crate) Arc<dyn KeyValues>);

impl KeyValues for TapedKeyValues {
    fn get<'a>(&'a self, space: &'a Space, key: &'a str) -> Answer<'a, Option<Vec<u8>>, StoreError> {
        let answer = self.0.get(space, key);
        if HELD.try_with(|_| ()).is_err() {
            return answer;
        }
        Box::pin(async move {
            let value = answer.await?;
            if let Some(text) = value.as_deref().and_then(|value| std::str::from_utf8(value).ok()) {
                note(|held| held.key(key, text));
            }
            Ok(value)
        })
    }

    fn set<'a>(&'a self, space: &'a Space, key: &'a str, value: Vec<u8>) -> Answer<'a, (), StoreError> {
        self.0.set(space, key, value)
    }

    fn delete<'a>(&'a self, space: &'a Space, key: &'a str) -> Answer<'a, (), StoreError> {
        self.0.delete(space, key)
    }

    fn keys<'a>(&'a self, space: &'a Space) -> Answer<'a, Vec<String>, StoreError> {
        self.0.keys(space)
    }

    fn increment<'a>(&'a self, space: &'a Space, key: &'a str, delta: i64) -> Answer<'a, i64, StoreError> {
        let answer = self.0.increment(space, key, delta);
        if HELD.try_with(|_| ()).is_err() {
            return answer;
        }
        Box::pin(async move {
            let value = answer.await?;
            note(|held| held.key(key, &value.saturating_sub(delta).to_string()));
            Ok(value)
        })
    }
}
