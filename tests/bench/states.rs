//! Pane 3 at fifty and at five thousand states: frames, and keystrokes of its filter.

use super::Figure;
use super::inside::{begin, percentile, press};
use crossterm::event::KeyCode;
use jiff::{SignedDuration, Timestamp};
use lifeboat::collector::Snapshot;
use lifeboat::config::load_text;
use lifeboat::domain::lock::{Lock, LockStore};
use lifeboat::domain::place::Place;
use lifeboat::domain::reading::{Capability, Fact, Reading, ReadingKey, Subject};
use lifeboat::domain::state::{Digest, StateForm, StateHistory, StateVersion};
use lifeboat::tui::message::Message;
use lifeboat::tui::model::{Model, judge};
use lifeboat::tui::runtime::Painter;
use lifeboat::tui::update::update;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ROUNDS: usize = 400;

fn history(nth: usize, bucket: &str, now: Timestamp) -> StateHistory {
    let written_at = now - SignedDuration::from_mins(i64::try_from(nth).expect("few"));
    // Every fiftieth is in trouble.
    let row = if nth.is_multiple_of(50) { "0".repeat(32) } else { format!("{nth:032x}") };
    let version = StateVersion {
        form: StateForm::Whole,
        serial: Some(40 + nth as u64 % 700),
        lineage: Some(format!("{nth:08x}-lineage").into()),
        terraform_version: Some("1.13.4".into()),
        resources: Some(nth as u64 % 90),
        md5: Some(format!("{nth:032x}").into()),
        ..StateVersion::unread(&format!("v{nth}"), written_at, 40_000 + nth as u64)
    };
    StateHistory {
        path: format!("{bucket}/live/region-{}/team-{}/part-{nth}/terraform.tfstate", nth % 7, nth % 40)
            .into(),
        versions: vec![version],
        versions_in_all: 20,
        digest: Digest::Row(row.into()),
        ..StateHistory::default()
    }
}

fn model(states: usize) -> Model {
    let text = "version: 1\nestate: bench\nenvironments: { p: { class: production, account: 111122223333, region: us-east-2, dr_region: us-west-2 } }\nbackends:\n  live: { environment: p, bucket: states, lock_table: locks, replica: { bucket: states-west, region: us-west-2 } }\ncomponents:\n  a: { kind: s3-bucket, select: { id: a } }\n";
    let estate = Arc::new(load_text(text).expect("it loads").estate);
    let now: Timestamp = "2026-11-21T03:14:00Z".parse().expect("a moment");
    let mut snapshot = Snapshot::default();
    for (region, bucket) in [("us-east-2", "states"), ("us-west-2", "states-west")] {
        let place = Place::new("111122223333", region);
        let all = (0..states).map(|nth| history(nth, bucket, now)).collect();
        let record = r#"{"ID":"i","Operation":"OperationTypeApply","Info":"","Who":"a@b","Version":"1","Created":"2026-11-20T03:14:00Z","Path":"p"}"#;
        let locks = (0..states / 500)
            .map(|nth| {
                Lock::of_record(LockStore::DynamodbRow, history(nth, bucket, now).path.as_str(), Some(record))
            })
            .collect();
        for (capability, fact) in
            [(Capability::States, Fact::States(all)), (Capability::Locks, Fact::Locks(locks))]
        {
            let subject = Subject::Backend("live".into(), place.clone());
            let reading = Reading::succeeded(None, "s3:ListObjectVersions", fact, now);
            snapshot.readings.put(ReadingKey { subject, capability }, Arc::new(reading));
        }
    }
    begin(estate, snapshot, now)
}

fn timed(model: &mut Model, painter: &mut Painter, code: KeyCode) -> Duration {
    let begun = Instant::now();
    press(model, code);
    drop(painter.frame(model));
    begun.elapsed()
}

pub(crate) fn figures() -> Vec<Figure> {
    let (mut few, mut many) = (model(50), model(5_000));
    let (mut small, mut large) = (Painter::new(few.size), Painter::new(many.size));
    for (model, painter) in [(&mut few, &mut small), (&mut many, &mut large)] {
        let begun = Instant::now();
        let judged = judge(&model.judge_request());
        eprintln!("states judged in {:?}", begun.elapsed());
        update(model, Message::Judged(Arc::new(judged)));
        let begun = Instant::now();
        drop(judge(&model.judge_request()));
        eprintln!("states judged again in {:?}", begun.elapsed());
        press(model, KeyCode::Char('3'));
        drop(painter.frame(model));
    }
    let scroll = |nth: usize| if nth % 40 < 20 { KeyCode::Char('j') } else { KeyCode::Char('k') };
    let (mut at_few, mut at_many) = (Vec::new(), Vec::new());
    // Interleaved, so that a busy moment strikes both.
    for nth in 0..5 * ROUNDS {
        at_few.push(timed(&mut few, &mut small, scroll(nth)));
        at_many.push(timed(&mut many, &mut large, scroll(nth)));
    }
    let ratio = percentile(&mut at_many, 50) / percentile(&mut at_few, 50);
    press(&mut many, KeyCode::Char('/'));
    let mut filters: Vec<Duration> = (0..ROUNDS)
        .map(|nth| {
            let code =
                if nth % 8 < 4 { KeyCode::Char(['t', 'e', 'a', 'm'][nth % 4]) } else { KeyCode::Backspace };
            timed(&mut many, &mut large, code)
        })
        .collect();
    vec![
        Figure::new("frame at 5 000 states to frame at 50", ratio, 1.25, "ratio"),
        Figure::new("key and frame at 5 000 states, p99", percentile(&mut at_many, 99), 16.0, "ms"),
        Figure::new("filter keystroke at 5 000 states, p99", percentile(&mut filters, 99), 16.0, "ms"),
    ]
}
