//! When a run is said to be done, and when it is: told minute by minute from the journals of real runs in the sandbox.

use super::program::Real;
use jiff::{SignedDuration, Timestamp};
use lifeboat::engine::replay::fold;
use lifeboat::engine::store::{Run, Runs, load};
use lifeboat::runbook::event::Rest;
use lifeboat::runbook::forecast::{Course, Forecast, forecast};
use std::collections::BTreeMap;
use std::time::Duration;

/// Carries a restore out in a scenario, and returns its run.
fn ran(scenario: &str) -> Run {
    let real = Real::new();
    let environment = format!("sandbox:{scenario}");
    let words =
        ["-e", &environment, "--speed", "3000", "run", "database-from-snapshot", "-p", "database=orders-db"];
    let ran = real.run(&words.into_iter().chain(["--yes"]).collect::<Vec<_>>());
    assert_eq!(ran.code, 0, "{ran}");
    let runs = Runs::at(&real.state().join("runs"));
    load(&runs.find(None).expect("there is a run")).expect("it can be relied on")
}

/// Returns when it was agreed to, when it was finished, and what was foretold in every minute between.
fn foretold(run: &Run) -> (Timestamp, Timestamp, Vec<(Timestamp, Forecast)>) {
    let Some((Rest::Finished, _, end)) = &run.state.rest else { panic!("{:?}", run.state.rest) };
    let begun = run.state.agreed_at.expect("somebody agreed");
    let mut all = Vec::new();
    let mut now = begun;
    while now < *end {
        let lines = run.read.lines.iter().filter(|line| line.at <= now);
        let state = fold(&run.plan, lines).expect("it can be folded");
        all.push((now, forecast(&run.plan, &state, &BTreeMap::new(), now)));
        now = now.checked_add(SignedDuration::from_mins(1)).expect("a moment");
    }
    (begun, *end, all)
}

#[test]
fn a_run_that_goes_as_usual_ends_when_it_was_said_to() {
    let run = ran("database-gone");
    let (_, end, all) = foretold(&run);
    assert!(all.len() >= 5, "{} minutes", all.len());
    for (now, found) in &all {
        // What is looked at every few seconds ends a little after the moment itself.
        let latest = found.latest.checked_add(SignedDuration::from_mins(1)).expect("a moment");
        assert!(found.earliest <= end && end <= latest, "at {now}: {found:?}, and it ended at {end}");
        assert!(found.late.is_empty(), "at {now}: {:?}", found.late);
    }
}

#[test]
fn a_run_that_is_slowed_is_said_to_be_on_course_to_miss_before_the_deadline() {
    let run = ran("slow-restore");
    let (begun, end, all) = foretold(&run);
    let promised = Duration::from_secs(run.plan.promised_s.expect("a time was promised"));
    let deadline = begun.checked_add(SignedDuration::try_from(promised).expect("a span")).expect("a moment");
    assert!(end > deadline, "it is slowed: it ended at {end}, {deadline} was promised");
    let first =
        |is: fn(Course) -> bool| all.iter().find(|(_, found)| is(found.course())).map(|(now, _)| *now);
    let may = first(|course| matches!(course, Course::MayMiss(_) | Course::Misses(_))).expect("it is said");
    assert!(may < deadline, "said at {may}, for {deadline}");
    // Nothing tells yet that it will certainly be late while the usual range reaches past the deadline; once it has taken
    // longer than ever, the end moves with every minute, and the sentence never takes itself back.
    let after: Vec<_> = all.iter().filter(|(now, _)| *now >= may).collect();
    for (now, found) in &after {
        let course = found.course();
        assert!(matches!(course, Course::MayMiss(_) | Course::Misses(_)), "at {now}: {course:?}");
        assert!(found.earliest <= end, "at {now}: not before {}, and it ended at {end}", found.earliest);
    }
    let late = all.iter().filter(|(_, found)| !found.late.is_empty()).map(|(now, _)| *now).min();
    let usual =
        run.plan.step("restore").and_then(|step| step.takes.as_ref()).expect("it has a figure").high_s;
    let began = run.state.steps.values().filter_map(|step| step.began_at).min().expect("a step began");
    let over = began.checked_add(SignedDuration::from_secs(usual.cast_signed())).expect("a moment");
    let late = late.expect("that it takes longer than ever is said");
    assert!(
        late >= over && late < over.checked_add(SignedDuration::from_mins(3)).expect("a moment"),
        "{late}, {over}"
    );
    println!("promised {deadline}, said at {may}, longer than ever at {late}, ended {end}");
}
