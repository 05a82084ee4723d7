//! An action as a run would use it, on a world that stands still: planned, called, followed, compared and taken back.

use super::gear::{World, at_once};
use jiff::Timestamp;
use lifeboat::action::{Design, Deviation, Doing, Found, Kept, PlanAsk, Progress, Refusal, named};
use lifeboat::authority::Direction;
use lifeboat::domain::ids::ComponentId;
use lifeboat::provider::port::{CallTrouble, Clock};
use lifeboat::runbook::call::Call;
use lifeboat::runbook::plan::{PlannedCall, PlannedStep};
use serde_json::{Map, Value, json};

/// The run of every step here.
pub(super) const RUN: &str = "r-20261121-030000-ab12";

/// How long a step may take, in so many looks of an hour at most.
const LOOKS: u32 = 200;

/// A step that was carried out.
pub(super) struct Acted {
    action: &'static str,
    pub(super) step: PlannedStep,
    pub(super) calls: Vec<Call>,
    pub(super) replies: Vec<Value>,
    pub(super) before: Value,
    began: Timestamp,
    /// What later steps can refer to.
    pub(super) outputs: Map<String, Value>,
    pub(super) deviations: Vec<Deviation>,
}

/// Returns what an action was given, by its arguments.
fn given(arguments: &Value) -> lifeboat::action::given::GivenValues {
    let arguments = arguments.as_object().expect("arguments have names").clone();
    lifeboat::action::given::GivenValues(arguments.into_iter().collect())
}

/// Plans a step; what was last read of a component may be said, for where it does not answer any more.
pub(super) fn plan_with(
    world: &World,
    action: &str,
    arguments: &Value,
    kept: Option<&Kept>,
) -> Result<Design, Refusal> {
    let environment = world.estate.environment(&"production".into()).expect("the estate has it");
    let look = world.adapter.looking();
    let settings = |_: &ComponentId| kept.cloned();
    let given = given(arguments);
    let ask = PlanAsk {
        manifests: &crate::engine::rig::NoManifests,
        given: &given,
        estate: &world.estate,
        environment,
        run: RUN,
        step: "step",
        now: world.adapter.now(),
        look: look.as_ref(),
        settings: &settings,
    };
    let action = named(action).expect("there is such an action");
    at_once(action.plan(ask)).expect("there is an answer")
}

/// Plans a step.
pub(super) fn plan(world: &World, action: &str, arguments: &Value) -> Result<Design, Refusal> {
    plan_with(world, action, arguments, None)
}

fn step(action: &str, design: Design) -> PlannedStep {
    PlannedStep {
        uses: action.into(),
        class: design.class(),
        component: design.component,
        calls: design.calls,
        asks: design.asks,
        preconditions: design.preconditions,
        undo: design.undo,
        notes: design.notes,
        facts: design.facts,
        ..PlannedStep::join("step", "a test")
    }
}

impl Acted {
    fn doing<'a>(
        &'a self,
        world: &World,
        direction: Direction,
        calls: &'a [Call],
        index: usize,
    ) -> Doing<'a> {
        let now = world.adapter.now();
        Doing {
            step: &self.step,
            run: RUN,
            direction,
            calls,
            index,
            replies: &self.replies,
            before: &self.before,
            since: self.began,
            now,
        }
    }

    /// Asks how far the last of these calls is, until it is done.
    fn follow(&self, world: &World, direction: Direction, calls: &[Call]) -> Map<String, Value> {
        let action = named(self.action).expect("there is such an action");
        let look = world.adapter.looking();
        let last = calls.len().saturating_sub(1);
        let mut wait = 60;
        for _ in 0..LOOKS {
            let doing = self.doing(world, direction, calls, last);
            match at_once(action.progress(doing, look.as_ref())).expect("there is an answer") {
                Ok(Progress::Done(outputs)) => return outputs,
                Ok(Progress::Going { .. }) => world.advance(wait),
                other => panic!("{}: {other:?}", self.action),
            }
            // What takes days is not looked at every minute.
            wait = (wait * 2).min(3600);
        }
        panic!("{} is never done", self.action);
    }

    /// Says what a look finds of a call whose answer was lost.
    pub(super) fn probe(&self, world: &World, index: usize) -> Found {
        let action = named(self.action).expect("there is such an action");
        let look = world.adapter.looking();
        let lost = Self { replies: Vec::new(), ..self.copy() };
        let doing = lost.doing(world, Direction::Forward, &self.calls, index);
        at_once(action.probe(doing, look.as_ref())).expect("there is an answer").expect("it can be seen")
    }

    fn copy(&self) -> Self {
        Self {
            action: self.action,
            step: self.step.clone(),
            calls: self.calls.clone(),
            replies: self.replies.clone(),
            before: self.before.clone(),
            began: self.began,
            outputs: self.outputs.clone(),
            deviations: self.deviations.clone(),
        }
    }

    /// Takes it back; returns the calls that did.
    pub(super) fn undo(&self, world: &World) -> Vec<Call> {
        let action = named(self.action).expect("there is such an action");
        let doing = self.doing(world, Direction::Undo, &self.calls, 0);
        let planned: Vec<PlannedCall> = action.undo(&doing).expect("it can be taken back");
        let calls: Vec<Call> = planned.into_iter().map(|planned| planned.call).collect();
        for call in &calls {
            world.act(call.clone()).unwrap_or_else(|trouble| panic!("{}: {trouble}", call.line()));
            // What is being changed takes no second change.
            world.advance(60);
        }
        let lost = Self { replies: vec![Value::Null; calls.len()], ..self.copy() };
        lost.follow(world, Direction::Undo, &calls);
        calls
    }
}

/// Plans a step and carries it out to its end.
pub(super) fn acted(world: &World, action: &'static str, arguments: &Value) -> Acted {
    let design = plan(world, action, arguments).unwrap_or_else(|refusal| panic!("{action}: {refusal}"));
    carried_out(world, action, design)
}

/// Carries a planned step out to its end.
pub(super) fn carried_out(world: &World, action: &'static str, design: Design) -> Acted {
    let mut acted = begun(world, action, design);
    let known = named(action).expect("there is such an action");
    let look = world.adapter.looking();
    acted.outputs = acted.follow(world, Direction::Forward, &acted.calls);
    let last = acted.calls.len().saturating_sub(1);
    let doing = acted.doing(world, Direction::Forward, &acted.calls, last);
    let compared: Result<_, CallTrouble> = at_once(known.compare(doing, look.as_ref())).expect("an answer");
    acted.deviations = compared.expect("it can be compared");
    acted
}

/// Makes the calls of a planned step, and does not wait for what they begin.
fn begun(world: &World, action: &'static str, design: Design) -> Acted {
    let step = step(action, design);
    let calls: Vec<Call> = step.calls.iter().map(|planned| planned.call.clone()).collect();
    let known = named(action).expect("there is such an action");
    let look = world.adapter.looking();
    let before = at_once(known.before(&step, &calls, look.as_ref())).expect("there is an answer");
    let before = before.unwrap_or_else(|refusal| panic!("{action}: {refusal}"));
    let began = world.adapter.now();
    let mut replies = Vec::new();
    for call in &calls {
        let reply = world.act(call.clone());
        replies.push(reply.unwrap_or_else(|trouble| panic!("{}: {trouble}", call.line())));
    }
    Acted { action, step, calls, replies, before, began, outputs: Map::new(), deviations: Vec::new() }
}

/// Plans a step and carries it out until it fails; returns why.
pub(super) fn failed(world: &World, action: &'static str, arguments: &Value) -> String {
    let design = plan(world, action, arguments).unwrap_or_else(|refusal| panic!("{action}: {refusal}"));
    let acted = begun(world, action, design);
    let known = named(action).expect("there is such an action");
    let look = world.adapter.looking();
    for _ in 0..LOOKS {
        let doing = acted.doing(world, Direction::Forward, &acted.calls, acted.calls.len() - 1);
        match at_once(known.progress(doing, look.as_ref())).expect("there is an answer") {
            Ok(Progress::Failed { why, .. }) => return why.to_string(),
            Ok(Progress::Going { .. }) => world.advance(60),
            other => panic!("{action}: {other:?}"),
        }
    }
    panic!("{action} never fails");
}

/// Returns the names of what a step left otherwise than it was.
pub(super) fn differing(acted: &Acted) -> Vec<&str> {
    acted.deviations.iter().map(|deviation| deviation.setting.as_str()).collect()
}

/// Returns the first of what a look lists.
pub(super) fn first(world: &World, operation: &str, arguments: &Value, list: &str) -> Value {
    let mut call = super::gear::call(operation);
    call.arguments.clone_from(arguments.as_object().expect("arguments have names"));
    world.look(&call).unwrap_or_else(|trouble| panic!("{}: {trouble}", call.line()))[list][0].clone()
}

/// Returns an instance as it is described.
pub(super) fn instance(world: &World, id: &str) -> Value {
    first(world, "ec2:DescribeInstances", &json!({"InstanceIds": [id]}), "Instances")
}

/// Returns a volume as it is described.
pub(super) fn volume(world: &World, id: &str) -> Value {
    first(world, "ec2:DescribeVolumes", &json!({"VolumeIds": [id]}), "Volumes")
}
