//! What counts only when it has been so for a while: since when it has been seen.

use crate::action::Progress;
use crate::domain::duration::{elapsed, words};
use crate::provider::port::CallTrouble;
use jiff::Timestamp;

/// Something that was seen to hold, and since when. It is not written down: who resumes counts from the beginning again,
/// which may be longer than it had to be and is never shorter.
#[derive(Debug, Default)]
pub(super) struct Held(Option<(Timestamp, Progress)>);

impl Held {
    /// Returns what was seen, where it cannot become otherwise and only time has to pass: then nobody has to look again.
    pub(super) fn for_good(&self) -> Option<Progress> {
        let last = self.0.as_ref().map(|(_, last)| last);
        last.filter(|last| matches!(last, Progress::Holds { for_good: true, .. })).cloned()
    }

    /// Returns what a look comes to: what holds is done when it has held for long enough without a break.
    pub(super) fn judge(
        &mut self,
        seen: Result<Progress, CallTrouble>,
        now: Timestamp,
    ) -> Result<Progress, CallTrouble> {
        let seen = match seen {
            Ok(seen @ Progress::Holds { .. }) => seen,
            other => {
                // What cannot be seen is not known to hold.
                self.0 = None;
                return other;
            }
        };
        let since = self.0.as_ref().map_or(now, |(since, _)| *since);
        self.0 = Some((since, seen.clone()));
        let Progress::Holds { span, says, outputs, .. } = seen else { return Ok(seen) };
        let passed = elapsed(since, now);
        if passed >= span {
            return Ok(Progress::Done(outputs));
        }
        let says = format!("{says}: {} of {} have passed", words(passed), words(span));
        Ok(Progress::Going { percent: None, says: says.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::duration::after;
    use serde_json::Map;
    use std::time::Duration;

    const SPAN: Duration = Duration::from_secs(300);

    #[expect(clippy::unnecessary_wraps, reason = "its neighbours can refuse, and it is called as they are")]
    fn holds(for_good: bool) -> Result<Progress, CallTrouble> {
        Ok(Progress::Holds { span: SPAN, says: "it is so".into(), outputs: Map::new(), for_good })
    }

    fn is_done(told: &Result<Progress, CallTrouble>) -> bool {
        matches!(told, Ok(Progress::Done(_)))
    }

    #[test]
    fn what_holds_counts_from_when_it_was_first_seen() {
        let began: Timestamp = "2026-11-21T03:12:00Z".parse().expect("it is a moment");
        let at = |seconds| after(began, Duration::from_secs(seconds));
        let mut held = Held::default();
        assert!(!is_done(&held.judge(holds(true), at(1_000))), "however late it is seen");
        assert!(!is_done(&held.judge(holds(true), at(1_299))));
        assert!(held.for_good().is_some());
        assert!(is_done(&held.judge(holds(true), at(1_300))));
    }

    #[test]
    fn a_break_begins_it_anew_and_so_does_what_cannot_be_seen() {
        let began: Timestamp = "2026-11-21T03:12:00Z".parse().expect("it is a moment");
        let at = |seconds| after(began, Duration::from_secs(seconds));
        for broken in [
            Ok(Progress::Going { percent: None, says: "not so".into() }),
            Err(CallTrouble::InDoubt("no answer".into())),
        ] {
            let mut held = Held::default();
            assert!(!is_done(&held.judge(holds(false), at(0))));
            assert!(held.for_good().is_none());
            let _ = held.judge(broken, at(200));
            assert!(!is_done(&held.judge(holds(false), at(300))));
            assert!(is_done(&held.judge(holds(false), at(600))));
        }
    }
}
