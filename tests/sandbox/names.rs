//! Names: what is changed is changed as a whole or not at all, and is seen by and by; what the actions on names make of it.

use super::gear::{ACCOUNT, World, at_once, call};
use jiff::Timestamp;
use lifeboat::action::given::GivenValues;
use lifeboat::action::{Design, Doing, Found, Meaning, PlanAsk, Progress, named};
use lifeboat::authority::Direction;
use lifeboat::domain::place::Place;
use lifeboat::provider::port::Clock;
use lifeboat::runbook::call::Call;
use lifeboat::runbook::plan::{Expect, PlannedStep};
use serde_json::{Value, json};
use std::time::Duration;

/// Returns a call to where names are changed.
pub(super) fn global(operation: &str) -> Call {
    let place = Place::new(ACCOUNT, "us-east-1");
    Call { place, ..call(operation) }
}

/// Returns what an action would do in a world.
pub(super) fn plan(world: &World, action: &str, given: Value) -> Result<Design, String> {
    let Value::Object(given) = given else { panic!("arguments have names") };
    let given = GivenValues(given.into_iter().collect());
    let look = world.adapter.looking();
    let ask = PlanAsk {
        manifests: &crate::engine::rig::NoManifests,
        given: &given,
        estate: &world.estate,
        environment: world.estate.environment(&"production".into()).expect("the estate has it"),
        run: "r-test",
        step: "step",
        now: world.adapter.now(),
        look: look.as_ref(),
        settings: &|_| None,
    };
    let action = named(action).expect("there is such an action");
    at_once(action.plan(ask)).expect("it is planned at once").map_err(|refusal| refusal.to_string())
}

/// A step that was planned, and what became of its calls.
pub(super) struct Played {
    pub(super) action: &'static str,
    pub(super) step: PlannedStep,
    pub(super) calls: Vec<Call>,
    pub(super) replies: Vec<Value>,
    pub(super) before: Value,
    pub(super) since: Timestamp,
    pub(super) direction: Direction,
}

impl Played {
    /// Returns a step as a design says.
    pub(super) fn of(world: &World, action: &'static str, design: Design) -> Self {
        let calls: Vec<Call> = design.calls.iter().map(|planned| planned.call.clone()).collect();
        let step = PlannedStep {
            uses: action.into(),
            calls: design.calls,
            facts: design.facts,
            preconditions: design.preconditions,
            ..PlannedStep::join("step", "test")
        };
        let look = world.adapter.looking();
        let before = named(action).expect("there is such an action").before(&step, &calls, look.as_ref());
        let before = at_once(before).expect("it is read at once").expect("it can be read");
        let (since, direction) = (world.adapter.now(), Direction::Forward);
        Self { action, step, calls, replies: Vec::new(), before, since, direction }
    }

    /// Says whether everything that was declared still holds.
    pub(super) fn holds(&self, world: &World) -> bool {
        self.step.preconditions.iter().all(|wanted| match (world.look(&wanted.look), &wanted.expect) {
            (Ok(body), Expect::Is(value)) => body.pointer(&wanted.at).unwrap_or(&Value::Null) == value,
            (Ok(body), Expect::OneOf(values)) => {
                body.pointer(&wanted.at).is_some_and(|at| values.contains(at))
            }
            (Ok(body), Expect::Absent(_)) => body.pointer(&wanted.at).is_none(),
            (Err(trouble), Expect::Absent(codes)) => {
                codes.iter().any(|code| trouble.code() == Some(code.as_str()))
            }
            (Err(_), _) => false,
        })
    }

    /// Makes every call.
    pub(super) fn act(&mut self, world: &World) {
        self.since = world.adapter.now();
        self.replies =
            self.calls.iter().map(|call| world.act(call.clone()).expect("it is carried out")).collect();
    }

    pub(super) fn doing(&self, world: &World) -> Doing<'_> {
        Doing {
            step: &self.step,
            run: "r-test",
            direction: self.direction,
            calls: &self.calls,
            index: self.calls.len().saturating_sub(1),
            replies: &self.replies,
            before: &self.before,
            since: self.since,
            now: world.adapter.now(),
        }
    }

    pub(super) fn progress(&self, world: &World) -> Progress {
        let look = world.adapter.looking();
        let action = named(self.action).expect("there is such an action");
        at_once(action.progress(self.doing(world), look.as_ref())).expect("at once").expect("it can be seen")
    }

    pub(super) fn probe(&self, world: &World) -> Found {
        let look = world.adapter.looking();
        let action = named(self.action).expect("there is such an action");
        at_once(action.probe(self.doing(world), look.as_ref())).expect("at once").expect("it can be seen")
    }

    /// Turns it into what takes it back, and does that.
    pub(super) fn undo(&mut self, world: &World) {
        let action = named(self.action).expect("there is such an action");
        let back = action.undo(&self.doing(world)).expect("it can be taken back");
        self.calls = back.into_iter().map(|planned| planned.call).collect();
        self.direction = Direction::Undo;
        self.act(world);
    }
}

const NAME: &str = "www.harbour.example.";

fn zone(world: &World) -> String {
    let zones = world.look(&global("route53:ListHostedZones")).expect("they are listed");
    zones["HostedZones"][0]["Id"].as_str().expect("an id").to_owned()
}

fn sets(world: &World, name: &str) -> Value {
    let asked = global("route53:ListResourceRecordSets").with("HostedZoneId", zone(world)).with("Name", name);
    world.look(&asked.with("Type", "A")).expect("they are listed")["ResourceRecordSets"].clone()
}

fn to(value: &str) -> Value {
    json!({"component": "shop-dns", "value": value})
}

/// Lets somebody else give the record another value.
fn changed_by_others(world: &World, value: &str) {
    let old = sets(world, NAME)[0].clone();
    let mut new = old.clone();
    new["ResourceRecords"] = json!([{ "Value": value }]);
    let changes = json!({"Changes": [{"Action": "DELETE", "ResourceRecordSet": old},
        {"Action": "CREATE", "ResourceRecordSet": new}]});
    let change = global("route53:ChangeResourceRecordSets").with("HostedZoneId", zone(world));
    world.act(change.with("ChangeBatch", changes)).expect("it is changed");
}

#[test]
fn a_record_that_somebody_changed_meanwhile_is_not_changed_any_more() {
    let world = World::new("calm");
    let design = plan(&world, "route53-record", to("10.9.9.9")).expect("it can be planned");
    let actions: Vec<&Value> = design.calls[0].call.arguments["ChangeBatch"]["Changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|change| &change["Action"])
        .collect();
    assert_eq!(actions, ["DELETE", "CREATE"], "an upsert would write over whatever is there (N2)");
    assert_eq!(design.control_plane, Some("us-east-1".into()));
    let step = Played::of(&world, "route53-record", design);
    assert!(step.holds(&world));
    changed_by_others(&world, "10.7.7.7");
    assert!(!step.holds(&world), "the step sees it before it begins");
    let theirs = sets(&world, NAME);
    // Even if it comes to pass after that look, nothing of theirs is written over.
    assert_eq!(world.refusal(step.calls[0].clone()), "InvalidChangeBatch");
    assert_eq!(sets(&world, NAME), theirs);
    assert!(matches!(step.probe(&world), Found::Unclear { .. }));
}

#[test]
fn a_change_is_done_when_the_old_lifetime_has_passed_and_not_when_it_is_in_sync() {
    let world = World::new("calm");
    let design = plan(&world, "route53-record", to("10.9.9.9")).expect("it can be planned");
    let mut step = Played::of(&world, "route53-record", design);
    let resolved = |world: &World| {
        let asked = call("dns:Resolve").with("Name", NAME).with("Expect", "10.9.9.9");
        world.look(&asked).expect("it is answered")["Green"].clone()
    };
    step.act(&world);
    assert!(step.replies[0]["ChangeInfo"]["Id"].is_string(), "the id is kept before anything is waited for");
    match step.progress(&world) {
        Progress::Going { says, .. } => assert!(says.as_str().contains("PENDING"), "{says}"),
        other => panic!("{other:?}"),
    }
    world.advance(61);
    match step.progress(&world) {
        Progress::Holds { span, says, for_good, .. } => {
            assert_eq!(
                (span, for_good),
                (Duration::from_secs(60), true),
                "the lifetime that the old record had"
            );
            assert!(says.as_str().contains("INSYNC") && says.as_str().contains("resolvers"), "{says}");
        }
        other => panic!("INSYNC alone is not done (N1): {other:?}"),
    }
    assert_eq!(resolved(&world), json!(false), "and indeed somebody still sees the old one");
    world.advance(60);
    assert_eq!(resolved(&world), json!(true));
}

#[test]
fn a_record_comes_back_exactly_as_it_was() {
    let world = World::new("calm");
    let before = sets(&world, NAME);
    let design =
        plan(&world, "route53-record", json!({"component": "shop-dns", "value": "10.9.9.9", "ttl": "5"}));
    let mut step = Played::of(&world, "route53-record", design.expect("it can be planned"));
    step.act(&world);
    assert_eq!(sets(&world, NAME)[0]["TTL"], 5);
    assert!(matches!(step.probe(&world), Found::Happened { .. }));
    step.undo(&world);
    assert_eq!(sets(&world, NAME), before);
    world.advance(61);
    match step.progress(&world) {
        Progress::Holds { span, .. } => {
            assert_eq!(span, Duration::from_secs(5), "the lifetime of what is taken back");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_there_yet_is_waited_for_as_long_as_its_absence_is_remembered() {
    let world = World::new("calm");
    let given = json!({"component": "shop-dns", "name": "new.harbour.example", "value": "10.1.1.1"});
    let design = plan(&world, "route53-record", given).expect("it can be planned");
    assert_eq!(design.facts["ttl"], 900);
    let mut step = Played::of(&world, "route53-record", design);
    step.act(&world);
    step.undo(&world);
    assert_eq!(sets(&world, "new.harbour.example."), json!([]));
}

#[test]
fn a_lost_answer_takes_the_id_of_the_change_with_it_and_is_waited_for_longer() {
    let world = World::new("calm");
    let design = plan(&world, "route53-record", to("10.9.9.9")).expect("it can be planned");
    let mut step = Played::of(&world, "route53-record", design);
    step.act(&world);
    step.replies = vec![Value::Null];
    match step.progress(&world) {
        Progress::Holds { span, .. } => assert_eq!(span, Duration::from_secs(360)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refusal_of_a_batch_may_be_our_own_doing() {
    let world = World::new("calm");
    let design = plan(&world, "route53-record", to("10.9.9.9")).expect("it can be planned");
    let step = Played::of(&world, "route53-record", design);
    let action = named("route53-record").expect("there is such an action");
    let trouble = lifeboat::provider::port::CallTrouble::Refused {
        code: "InvalidChangeBatch".into(),
        says: "no".into(),
        request_id: None,
        status: 400,
    };
    assert_eq!(action.means(&step.doing(&world), &trouble), Meaning::Look);
}

#[test]
fn weights_move_all_at_once_and_back() {
    let world = World::new("calm");
    let name = "checkout.harbour.example.";
    let before = sets(&world, name);
    let given = |more: Value| {
        let mut given = json!({"component": "shop-dns", "name": name});
        for (key, value) in more.as_object().expect("names") {
            given[key] = value.clone();
        }
        given
    };
    for wrong in [
        json!({}),
        json!({"to": "nobody"}),
        json!({"weights": {"primary": "0"}}),
        json!({"weights": {"primary": "300"}}),
    ] {
        plan(&world, "route53-weights", given(wrong.clone())).expect_err(&wrong.to_string());
    }
    let design = plan(&world, "route53-weights", given(json!({"to": "standby"}))).expect("it can be planned");
    assert_eq!(design.calls.len(), 1, "one batch");
    let mut step = Played::of(&world, "route53-weights", design);
    step.act(&world);
    let weights = |sets: &Value| -> Vec<(Value, Value)> {
        let sets = sets.as_array().expect("a list").iter();
        sets.map(|set| (set["SetIdentifier"].clone(), set["Weight"].clone())).collect()
    };
    let moved = weights(&sets(&world, name));
    assert!(
        moved.contains(&(json!("primary"), json!(0))) && moved.contains(&(json!("standby"), json!(100))),
        "{moved:?}"
    );
    step.undo(&world);
    let (mut back, mut first) = (weights(&sets(&world, name)), weights(&before));
    back.sort_by_key(|pair| pair.0.to_string());
    first.sort_by_key(|pair| pair.0.to_string());
    assert_eq!(back, first);
}

#[test]
fn a_health_check_is_turned_round_without_any_record_and_back() {
    let world = World::new("calm");
    let check = sets(&world, "checkout.harbour.example.")[0]["HealthCheckId"].clone();
    let read = |world: &World| {
        let asked = global("route53:GetHealthCheck").with("HealthCheckId", check.clone());
        world.look(&asked).expect("it is there")["HealthCheck"]["HealthCheckConfig"].clone()
    };
    let first = read(&world);
    let design = plan(&world, "route53-health-check", json!({"check": check, "invert": "true"}))
        .expect("it can be planned");
    let mut step = Played::of(&world, "route53-health-check", design);
    step.act(&world);
    assert_eq!(read(&world)["Inverted"], true);
    assert!(matches!(step.progress(&world), Progress::Done(_)));
    let again = step.calls[0].clone();
    assert_eq!(world.refusal(again), "HealthCheckVersionMismatch");
    step.undo(&world);
    assert_eq!(read(&world), first);
    let same = plan(&world, "route53-health-check", json!({"check": check, "invert": "false"}));
    assert!(same.is_err_and(|why| why.contains("so already")));
}
