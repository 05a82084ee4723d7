//! What the loop is told of without having asked: what was read, and how runs go on.

use super::message::Message;
use super::runtime::Event;
use crate::collector::Snapshot;
use crate::engine::store::Runs;
use crate::engine::watch::Watch;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use tokio::sync::watch;

/// How often the journals of runs are looked at, while one of them goes on and while none does.
const WATCH_EVERY: (Duration, Duration) = (Duration::from_millis(150), Duration::from_secs(1));

/// Tells the loop of every snapshot that the collector publishes; the newest wins.
pub(super) fn follow_readings(
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    out: SyncSender<Event>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let follow = move || {
        runtime.block_on(async {
            while snapshots.changed().await.is_ok() {
                let snapshot = snapshots.borrow_and_update().clone();
                if out.send(Event::Message(Message::Read(snapshot))).is_err() {
                    return;
                }
            }
            // The collector never ends by itself while we listen.
            let _ = out.send(Event::Died("reading"));
        });
    };
    std::thread::Builder::new().name("readings".to_owned()).spawn(follow).map(drop)
}

/// Tells the loop how the runs of the state folder stand, whenever one has gone on.
pub(super) fn follow_runs(runs: Runs, out: SyncSender<Event>) -> io::Result<()> {
    let follow = move || {
        let mut watch = Watch::of(runs);
        loop {
            if let Some(seen) = watch.look()
                && out.send(Event::Message(Message::Runs(seen))).is_err()
            {
                return;
            }
            std::thread::sleep(if watch.is_busy() { WATCH_EVERY.0 } else { WATCH_EVERY.1 });
        }
    };
    std::thread::Builder::new().name("runs".to_owned()).spawn(follow).map(drop)
}
