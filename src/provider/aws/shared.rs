//! What several readers ask for at once is asked for once: one list of a Region's databases serves all of them.

use super::fault::Fault;
use crate::provider::port::News;
use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// How long an answer serves others: shorter than any cadence, so that every round of reading asks anew.
const SERVES_FOR: Duration = Duration::from_secs(5);
/// How often somebody who waits is heard of.
const HEARD_EVERY: Duration = Duration::from_secs(5);

type Answer = Result<Arc<dyn Any + Send + Sync>, Fault>;

#[derive(Debug, Default)]
struct Entry {
    cell: OnceCell<(Answer, Instant)>,
}

/// Answers that are shared.
#[derive(Debug, Default)]
pub struct Shared {
    entries: Mutex<HashMap<String, Arc<Entry>>>,
}

impl Shared {
    /// Returns what `ask` brings, or what it brought to somebody else a moment ago. `name` says what is asked for and
    /// where. A failure is shared like a value: a service that hangs is not asked by each reader in turn.
    ///
    /// # Errors
    /// The one of `ask`.
    pub async fn get<T, F>(
        &self,
        name: &str,
        news: &dyn News,
        ask: impl FnOnce() -> F,
    ) -> Result<Arc<T>, Fault>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<T, Fault>>,
    {
        let entry = self.entry(name);
        let answer = entry.cell.get_or_init(|| async {
            let answer = ask().await.map(|value| Arc::new(value) as Arc<dyn Any + Send + Sync>);
            (answer, Instant::now())
        });
        tokio::pin!(answer);
        let (answer, _) = loop {
            tokio::select! {
                done = &mut answer => break done,
                () = tokio::time::sleep(HEARD_EVERY) => news.alive(),
            }
        };
        let value = answer.clone()?;
        value.downcast::<T>().map_err(|_| {
            let says = format!("two things are shared under the name {name}");
            Fault::plain(
                "lifeboat",
                crate::domain::reading::ReadTrouble::Other(crate::domain::Text::new(&says)),
            )
        })
    }

    fn entry(&self, name: &str) -> Arc<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |entry: &Entry| entry.cell.get().is_some_and(|(_, at)| at.elapsed() > SERVES_FOR);
        entries.retain(|_, entry| !is_old(entry));
        entries.entry(name.to_owned()).or_default().clone()
    }
}
