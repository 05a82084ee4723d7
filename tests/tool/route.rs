//! Who is asked: the tools for what they can read, the other adapter for everything else.

use super::folder::{component, home, points};
use super::remotes::{Bench, block_on, outside, repository};
use lifeboat::domain::condition::Condition;
use lifeboat::domain::estate::Component;
use lifeboat::domain::kind::Kind;
use lifeboat::domain::place::Place;
use lifeboat::domain::reading::ReadTrouble;
use lifeboat::domain::recovery_point::{Holds, PointKind, RecoveryPoint};
use lifeboat::provider::absent::AbsentAdapter;
use lifeboat::provider::port::{Answer, Ask, BoxFuture, Deaf, Observers, ReadConditions, ReadPoints};
use lifeboat::provider::tool::{ToolAdapter, route};
use std::sync::Arc;

/// Answers everything with one point of its own, or with a failure.
struct Other(Result<(), ReadTrouble>);

impl ReadPoints for Other {
    fn points<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Vec<RecoveryPoint>>> {
        let point = RecoveryPoint::new("theirs", PointKind::Dump, ask.place.clone(), Holds::Everything);
        let outcome = self.0.clone().map(|()| vec![point]);
        Box::pin(std::future::ready(Answer::new("theirs".into(), outcome)))
    }
}

impl ReadConditions for Other {
    fn condition<'a>(&'a self, _: Ask<'a>) -> BoxFuture<'a, Answer<Condition>> {
        let outcome = self.0.clone().map(|()| Condition::gone("theirs".into()));
        Box::pin(std::future::ready(Answer::new("theirs".into(), outcome)))
    }
}

fn routed(bench: &Bench, other: Result<(), ReadTrouble>) -> Observers {
    let other = Arc::new(Other(other));
    let inner = AbsentAdapter { what: "AWS" }.observers();
    let inner = Observers { points: other.clone(), conditions: other, ..inner };
    route(inner, ToolAdapter::new(&bench.path("cache")))
}

fn ids(answer: &Answer<Vec<RecoveryPoint>>) -> Vec<&str> {
    let points = answer.outcome.as_ref().expect("it is read");
    let mut ids: Vec<_> = points.iter().map(|point| point.id.as_str()).collect();
    ids.sort_unstable();
    ids
}

fn is_theirs(observers: &Observers, component: &Component, place: &Place) -> bool {
    let ask = Ask { component, place, news: &Deaf };
    block_on(observers.conditions.condition(ask)).source.as_str() == "theirs"
}

#[test]
fn each_question_goes_to_who_can_answer_it() {
    let bench = Bench::new();
    std::fs::write(bench.path("a.dump"), "x").expect("a file can be written");
    let folder = bench.dir.path().display().to_string();
    let observers = routed(&bench, Ok(()));
    let code = repository(&bench.remote(), &bench.id("HEAD"));
    for place in [outside(), home()] {
        assert_eq!(ids(&points(&*observers.points, &code, &place)), [bench.id("HEAD").as_str()]);
        assert!(!is_theirs(&observers, &code, &place));
    }
    let dump = component(&folder, "");
    assert!(ids(&points(&*observers.points, &dump, &home())).contains(&"a.dump"));
    assert!(!is_theirs(&observers, &dump, &home()));
    let bucket = component("s3://backups/orders/", "");
    assert_eq!(ids(&points(&*observers.points, &bucket, &home())), ["theirs"]);
    assert!(is_theirs(&observers, &bucket, &home()));
    // What is rebuilt from code lies outside as well, and is none of ours.
    let network = Component { kind: Kind::Network, ..code };
    assert_eq!(ids(&points(&*observers.points, &network, &outside())), ["theirs"]);
    assert!(is_theirs(&observers, &network, &outside()));
}

#[test]
fn dumps_in_a_bucket_and_in_a_folder_are_read_together() {
    let bench = Bench::new();
    let folder = bench.path("dumps");
    std::fs::create_dir(&folder).expect("a folder can be made");
    std::fs::write(folder.join("a.dump"), "x").expect("a file can be written");
    let copies = format!("    copies:\n      - {{ at: \"file://{}\" }}\n", folder.display());
    let both = component("s3://backups/orders/", &copies);
    assert_eq!(ids(&points(&*routed(&bench, Ok(())).points, &both, &home())), ["a.dump", "theirs"]);
    // In the other Region nothing is declared: what lies in the bucket there, the other knows.
    let elsewhere = Place::new("123456789012", "us-west-2");
    assert_eq!(ids(&points(&*routed(&bench, Ok(())).points, &both, &elsewhere)), ["theirs"]);
    // What one of them cannot read is missing, and the rest is not everything.
    let observers = routed(&bench, Err(ReadTrouble::Throttled));
    let answer = points(&*observers.points, &both, &home());
    assert_eq!(ids(&answer), ["a.dump"]);
    assert_eq!(answer.lacking.iter().map(|lack| &lack.why).collect::<Vec<_>>(), [&ReadTrouble::Throttled]);
}

#[test]
fn the_same_name_in_two_folders_is_two_dumps() {
    let bench = Bench::new();
    for name in ["one", "two"] {
        std::fs::create_dir(bench.path(name)).expect("a folder can be made");
        std::fs::write(bench.path(name).join("a.dump"), "x").expect("a file can be written");
    }
    let copies = format!("    copies:\n      - {{ at: \"{}\" }}\n", bench.path("two").display());
    let both = component(&bench.path("one").display().to_string(), &copies);
    let answer = points(&*routed(&bench, Ok(())).points, &both, &home());
    let wanted = ["one", "two"].map(|name| bench.path(name).join("a.dump").display().to_string());
    assert_eq!(ids(&answer), wanted.each_ref().map(String::as_str));
}
