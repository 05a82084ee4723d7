//! What is measured in this process: frames, keys and filters, at a thousand and at a hundred thousand points.

use super::Figure;
use crossterm::event::{KeyCode, KeyEvent};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use lifeboat::collector::Snapshot;
use lifeboat::config::load_text;
use lifeboat::domain::place::Place;
use lifeboat::domain::reading::{Capability, Fact, Reading, ReadingKey, Subject};
use lifeboat::domain::recovery_point::{Holds, PointKind, RecoveryPoint};
use lifeboat::tui::effect::Effect;
use lifeboat::tui::keymap::Keymap;
use lifeboat::tui::message::Message;
use lifeboat::tui::model::{Beginning, Model, judge};
use lifeboat::tui::runtime::Painter;
use lifeboat::tui::theme::{Capability as Colours, Glyphs, Look};
use lifeboat::tui::update::update;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many components share the points.
const COMPONENTS: usize = 100;
const ROUNDS: usize = 400;

fn model(points: usize) -> Model {
    let mut text = String::from(
        "version: 1\nestate: bench\nenvironments: { p: { class: production, account: 111122223333, region: us-east-2 } }\ncomponents:\n",
    );
    for nth in 0..COMPONENTS {
        let _ = writeln!(
            text,
            "  volume-{nth}: {{ kind: ebs-volume, select: {{ id: v-{nth} }}, objectives: {{ rpo: 24 h }} }}"
        );
    }
    let estate = Arc::new(load_text(&text).expect("it loads").estate);
    let now: Timestamp = "2026-11-21T03:14:00Z".parse().expect("a moment");
    let place = Place::new("111122223333", "us-east-2");
    let mut snapshot = Snapshot::default();
    for nth in 0..COMPONENTS {
        let count = points / COMPONENTS;
        let all = (0..count)
            .map(|back| {
                let until = now - jiff::SignedDuration::from_mins(i64::try_from(back).expect("few") * 60);
                RecoveryPoint::new(
                    &format!("snap-{nth:04}{back:06}"),
                    PointKind::Snapshot,
                    place.clone(),
                    Holds::Until(until),
                )
            })
            .collect();
        let subject = Subject::Component(format!("volume-{nth}").as_str().into(), place.clone());
        let reading = Reading::succeeded(None, "ec2:DescribeSnapshots", Fact::Points(all), now);
        snapshot.readings.put(ReadingKey { subject, capability: Capability::Points }, Arc::new(reading));
    }
    begin(estate, snapshot, now)
}

/// Returns the console on what was read of an estate.
pub(super) fn begin(
    estate: Arc<lifeboat::domain::estate::Estate>,
    snapshot: Snapshot,
    now: Timestamp,
) -> Model {
    Model::new(Beginning {
        estate,
        origin: "bench".to_owned(),
        sandbox: None,
        snapshot: Arc::new(snapshot),
        now,
        zone: TimeZone::UTC,
        size: (200, 60),
        keymap: Keymap::default(),
        look: Look::new("dark", Colours::TrueColour, Glyphs::Unicode).expect("the theme is there"),
        presenter: false,
        always_redacted: false,
        read_only_for_good: false,
        library: Vec::new(),
        notice: None,
    })
}

fn tell(model: &mut Model, message: Message) {
    for effect in update(model, message) {
        if let Effect::Judge(request) = effect {
            let judged = judge(&request);
            update(model, Message::Judged(Arc::new(judged)));
        }
    }
}

pub(super) fn press(model: &mut Model, code: KeyCode) {
    tell(model, Message::Key(KeyEvent::from(code)));
}

pub(super) fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0
}

/// The times of a key and its frame, scrolling through the overview.
fn frames(model: &mut Model, painter: &mut Painter) -> Vec<Duration> {
    (0..ROUNDS)
        .map(|nth| {
            let code = if nth % 80 < 40 { KeyCode::Char('j') } else { KeyCode::Char('k') };
            let begun = Instant::now();
            press(model, code);
            drop(painter.frame(model));
            begun.elapsed()
        })
        .collect()
}

/// Presses a key on pane 2 and draws; returns how long the screen took for the key, for what the worker brought, and how
/// long the worker itself took.
fn on_pane_2(model: &mut Model, painter: &mut Painter, code: KeyCode) -> (Duration, Duration) {
    let begun = Instant::now();
    let effects = update(model, Message::Key(KeyEvent::from(code)));
    drop(painter.frame(model));
    let mut screen = begun.elapsed();
    let mut worker = Duration::ZERO;
    let mut asked = effects;
    // What was brought may ask again, such as for the timeline of another component.
    while let Some(Effect::Judge(request)) = asked.pop() {
        let begun = Instant::now();
        let judged = Arc::new(judge(&request));
        drop(request);
        worker += begun.elapsed();
        let begun = Instant::now();
        asked = update(model, Message::Judged(judged));
        drop(painter.frame(model));
        screen = screen.max(begun.elapsed());
    }
    (screen, worker)
}

fn median(times: &mut [Duration]) -> f64 {
    percentile(times, 50)
}

/// Pane 2: its frame, its filter and its time cursor.
fn pane_2(few: &mut Model, small: &mut Painter, many: &mut Model, large: &mut Painter) -> Vec<Figure> {
    for (model, painter) in [(&mut *few, &mut *small), (&mut *many, &mut *large)] {
        let (_, worker) = on_pane_2(model, painter, KeyCode::Char('2'));
        eprintln!("pane 2 judged in {worker:?}");
        // A third of the points stand in other groups and under headings.
        on_pane_2(model, painter, KeyCode::Char('b'));
    }
    let (mut at_few, mut at_many) = (Vec::new(), Vec::new());
    for nth in 0..2 * ROUNDS {
        let code = if nth % 80 < 40 { KeyCode::Char('j') } else { KeyCode::Char('k') };
        for (model, painter, times) in
            [(&mut *few, &mut *small, &mut at_few), (&mut *many, &mut *large, &mut at_many)]
        {
            update(model, Message::Key(KeyEvent::from(code)));
            let begun = Instant::now();
            drop(painter.frame(model));
            times.push(begun.elapsed());
        }
    }
    let ratio = median(&mut at_many) / median(&mut at_few);
    on_pane_2(many, large, KeyCode::Char('/'));
    let (mut filters, mut filtered): (Vec<_>, Vec<_>) = (0..100)
        .map(|nth| {
            let typed = KeyCode::Char("vol7".as_bytes()[nth % 4] as char);
            on_pane_2(many, large, if nth % 8 < 4 { typed } else { KeyCode::Backspace })
        })
        .unzip();
    on_pane_2(many, large, KeyCode::Esc);
    on_pane_2(many, large, KeyCode::Char('c'));
    let (mut steps, mut stepped): (Vec<_>, Vec<_>) =
        (0..60).map(|_| on_pane_2(many, large, KeyCode::Left)).unzip();
    eprintln!(
        "pane 2: the worker lists in {:.1} ms and goes back in {:.1} ms (medians)",
        median(&mut filtered),
        median(&mut stepped)
    );
    vec![
        Figure::new("frame of pane 2 at 100 000 points to frame at 1 000", ratio, 1.10, "ratio"),
        Figure::new(
            "filter keystroke on pane 2 at 100 000 points, p99",
            percentile(&mut filters, 99),
            16.0,
            "ms",
        ),
        Figure::new("time cursor step at 100 000 points, p99", percentile(&mut steps, 99), 16.0, "ms"),
    ]
}

pub(crate) fn figures() -> Vec<Figure> {
    let (mut few, mut many) = (model(1_000), model(100_000));
    let (mut small, mut large) = (Painter::new(few.size), Painter::new(many.size));
    for (model, painter) in [(&mut few, &mut small), (&mut many, &mut large)] {
        let request = model.judge_request();
        let begun = Instant::now();
        let judged = judge(&request);
        eprintln!("judged in {:?}", begun.elapsed());
        update(model, Message::Judged(Arc::new(judged)));
        drop(painter.frame(model));
    }
    // Interleaved, so that a busy moment strikes both.
    let (mut at_few, mut at_many) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        at_few.extend(frames(&mut few, &mut small));
        at_many.extend(frames(&mut many, &mut large));
    }
    let ratio = percentile(&mut at_many, 50) / percentile(&mut at_few, 50);
    let slow = percentile(&mut at_many, 99);

    // The details of a component: only the points on the screen are put into words.
    press(&mut many, KeyCode::Enter);
    let mut scrolls: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            press(&mut many, KeyCode::Char('j'));
            drop(large.frame(&many));
            begun.elapsed()
        })
        .collect();
    press(&mut many, KeyCode::Esc);

    press(&mut many, KeyCode::Char('/'));
    let mut filters: Vec<Duration> = (0..ROUNDS)
        .map(|nth| {
            let code = if nth % 8 < 4 {
                KeyCode::Char("vol7".as_bytes()[nth % 4] as char)
            } else {
                KeyCode::Backspace
            };
            let begun = Instant::now();
            press(&mut many, code);
            drop(large.frame(&many));
            begun.elapsed()
        })
        .collect();
    press(&mut many, KeyCode::Esc);
    let of_pane_2 = pane_2(&mut few, &mut small, &mut many, &mut large);
    let mut figures = vec![
        Figure::new("frame at 100 000 points to frame at 1 000", ratio, 1.10, "ratio"),
        Figure::new("key and frame at 100 000 points, p99", slow, 16.0, "ms"),
        Figure::new("details scrolled at 100 000 points, p99", percentile(&mut scrolls, 99), 16.0, "ms"),
        Figure::new("filter keystroke at 100 000 points, p99", percentile(&mut filters, 99), 16.0, "ms"),
    ];
    figures.extend(of_pane_2);
    figures
}
