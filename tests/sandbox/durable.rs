//! What was done stays done: after a kill at any moment, for several processes at once, and the same for the same seed.

use super::gear::{World, armed, at_once, call};
use lifeboat::provider::sandbox::{Opening, SandboxAdapter, WorldFile};
use lifeboat::runbook::call::Call;
use std::collections::BTreeSet;
use std::fs;
use std::time::Instant;

fn create(size: u64) -> Call {
    call("ec2:CreateVolume")
        .with("AvailabilityZone", "us-east-2a")
        .with("Size", size)
        .with("ClientToken", format!("token-{size}"))
}

#[test]
fn an_act_that_was_cut_off_anywhere_never_happened_and_the_next_one_replaces_it() {
    let world = World::new("calm");
    world.act(create(1)).expect("it is made");
    let log = world.log();
    let one = fs::read(&log).expect("it can be read");
    world.act(create(2)).expect("it is made");
    let two = fs::read(&log).expect("it can be read");
    for cut in one.len()..two.len() {
        fs::write(&log, &two[..cut]).expect("it can be cut");
        let other = world.again();
        assert_eq!(other.file().current().effects().len(), 1, "cut at {cut}");
        let armed = armed(create(3), "after", 1);
        at_once(other.acting().act(armed)).expect("an answer").expect("it is made");
        let now = other.file().current();
        let steps: Vec<_> = now.effects().iter().map(|effect| effect.call.step.to_string()).collect();
        assert_eq!(steps, ["step", "after"], "cut at {cut}");
        let whole = fs::read(&log).expect("it can be read");
        assert!(whole.ends_with(b"\n") && whole.starts_with(&one), "cut at {cut}");
    }
    fs::write(&log, &two).expect("it can be written");
    assert_eq!(world.again().file().current().effects().len(), 2);
}

#[test]
fn eight_at_once_lose_nothing_and_see_each_other() {
    let world = World::new("calm");
    let each = 25;
    std::thread::scope(|scope| {
        for thread in 0..8 {
            // Each has the world open by itself, as a process has.
            let adapter = world.again();
            scope.spawn(move || {
                for nth in 0..each {
                    let create = create(8).with("ClientToken", format!("token-{thread}-{nth}"));
                    let armed = armed(create, &format!("step-{thread}"), nth + 1);
                    at_once(adapter.acting().act(armed)).expect("an answer").expect("it is made");
                }
            });
        }
    });
    let now = world.adapter.file().current();
    let calls: BTreeSet<_> = now.effects().iter().map(|effect| effect.call.to_string()).collect();
    let made: BTreeSet<_> = now.effects().iter().map(|effect| effect.target.to_string()).collect();
    assert_eq!((now.effects().len(), calls.len(), made.len()), (200, 200, 200));
    assert_eq!(*now, *world.again().file().current());
}

#[test]
fn the_same_acts_on_the_same_seed_make_the_same_world() {
    let run = || {
        let world = World::new("lost-replies");
        for size in 1..9 {
            let _ = world.act(create(size));
            world.advance(7);
        }
        let found = world.look(&call("ec2:DescribeVolumes")).expect("they are listed");
        (found, world.adapter.file().current().effects().to_vec())
    };
    assert_eq!(run(), run());
}

#[test]
fn a_world_that_is_made_anew_forgets_what_was_done() {
    let world = World::new("calm");
    world.act(create(1)).expect("it is made");
    let old = world.log();
    let opening = Opening { speed: Some(0.0), start: None, fresh: true };
    let (file, made) =
        WorldFile::open(world.folder.path(), &world.estate, "calm", 1, opening).expect("a world is made");
    assert!(made && !old.exists());
    assert!(file.current().effects().is_empty());
    // Whoever had the old one open sees the new one.
    assert!(world.adapter.file().current().effects().is_empty());
    world.act(create(1)).expect("it is made");
    assert_eq!(SandboxAdapter::new(file).file().current().effects().len(), 1);
}

#[test]
fn an_older_world_is_made_anew() {
    let world = World::new("calm");
    let mut files = fs::read_dir(world.folder.path())
        .expect("it can be read")
        .map(|entry| entry.expect("an entry").path());
    let path = files.find(|path| path.extension().is_some_and(|name| name == "json")).expect("a world");
    let text = fs::read_to_string(&path).expect("it can be read");
    fs::write(&path, text.replacen("\"version\":3", "\"version\":2", 1)).expect("it can be written");
    let opening = Opening { speed: Some(0.0), start: None, fresh: false };
    let (_, made) =
        WorldFile::open(world.folder.path(), &world.estate, "calm", 1, opening).expect("it opens");
    assert!(made);
}

#[test]
fn an_act_takes_less_than_five_milliseconds() {
    let world = World::new("calm");
    for nth in 0..200 {
        world.act(create(nth + 1)).expect("it is made");
    }
    // The quickest of many tells what it costs; the others tell what else the machine does.
    let quickest = (0..20).map(|_| {
        let begun = Instant::now();
        world.act(create(8)).expect("it is made");
        begun.elapsed()
    });
    let quickest = quickest.min().expect("one of them");
    println!("an act in a world of 200 takes {quickest:?}");
    assert!(quickest.as_millis() < 5, "{quickest:?}");
}
