//! An action carried out in a world that is moved on by hand: planned, its calls made in their order, each waited for.

use super::gear::{World, at_once};
use lifeboat::action::given::GivenValues;
use lifeboat::action::{Action, Design, Deviation, Doing, Found, PlanAsk, Progress, Refusal, named};
use lifeboat::authority::Direction;
use lifeboat::domain::ids::ComponentId;
use lifeboat::provider::port::{BoxFuture, CallTrouble, Credentials, Look};
use lifeboat::runbook::call::{Call, Reply};
use lifeboat::runbook::plan::PlannedStep;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The run of every action here.
pub(super) const RUN: &str = "r-20261121-031400-k3f9";

/// An action as it was planned.
pub(super) struct Planned {
    pub(super) action: &'static dyn Action,
    pub(super) step: PlannedStep,
    pub(super) calls: Vec<Call>,
    pub(super) before: Value,
    pub(super) replies: Vec<Value>,
}

/// Plans an action in a world.
pub(super) fn plan(world: &World, name: &str, given: &[(&str, &str)]) -> Result<Planned, Refusal> {
    let action = named(name).expect("there is such an action");
    let given = given.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    let environment = world.estate.environments.iter().find(|one| one.name.as_str() == "production");
    let look = world.adapter.looking();
    let design = at_once(action.plan(PlanAsk {
        manifests: &crate::engine::rig::NoManifests,
        given: &GivenValues(given),
        estate: &world.estate,
        environment: environment.expect("the estate has it"),
        run: RUN,
        step: "act",
        now: world.now(),
        look: look.as_ref(),
        settings: &|component: &ComponentId| {
            // As they were last read, whatever has become of it since.
            let world = world.adapter.file().current();
            let settings = &world.resources.get(component)?.settings;
            Some(settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
        },
    }))
    .expect("it answers at once")?;
    Ok(Planned::of(action, design))
}

/// Returns why an action cannot be planned.
pub(super) fn refused(world: &World, name: &str, given: &[(&str, &str)]) -> String {
    match plan(world, name, given) {
        Ok(planned) => panic!("it was planned: {:?}", planned.calls),
        Err(refusal) => format!("{refusal}; {}", refusal.hint.as_deref().unwrap_or_default()),
    }
}

impl Planned {
    fn of(action: &'static dyn Action, design: Design) -> Self {
        let about = action.about();
        let step = PlannedStep {
            uses: about.name.into(),
            class: design.class(),
            dedupe: about.dedupe,
            component: design.component,
            calls: design.calls,
            preconditions: design.preconditions,
            undo: design.undo,
            notes: design.notes,
            control_plane: design.control_plane,
            facts: design.facts,
            ..PlannedStep::join("act", "act")
        };
        let calls: Vec<Call> = step.calls.iter().map(|planned| planned.call.clone()).collect();
        Self { action, step, calls, before: Value::Null, replies: Vec::new() }
    }

    /// Returns the names of its calls.
    pub(super) fn names(&self) -> Vec<&str> {
        self.calls.iter().map(Call::name).collect()
    }

    pub(super) fn doing<'a>(&'a self, world: &World, direction: Direction, index: usize) -> Doing<'a> {
        Doing {
            step: &self.step,
            run: RUN,
            direction,
            calls: &self.calls,
            index,
            replies: &self.replies,
            before: &self.before,
            since: world.now(),
            now: world.now(),
        }
    }

    /// Reads what is there before its first call.
    pub(super) fn begin(&mut self, world: &World) {
        let look = world.adapter.looking();
        let before = at_once(self.action.before(&self.step, &self.calls, look.as_ref()));
        self.before = before.expect("it answers at once").expect("it can be read");
    }

    /// Makes one of its calls.
    pub(super) fn make(&mut self, world: &World, index: usize) {
        let call = self.calls[index].clone();
        let reply = world.act(call.clone()).unwrap_or_else(|why| panic!("{}: {why}", call.line()));
        self.replies.push(reply);
    }

    /// Looks how far one of its calls is.
    pub(super) fn progress(&self, world: &World, direction: Direction, index: usize) -> Progress {
        let look = world.adapter.looking();
        let doing = self.doing(world, direction, index);
        at_once(self.action.progress(doing, look.as_ref()))
            .expect("it answers at once")
            .expect("it can be seen")
    }

    /// Looks whether one of its calls has happened.
    pub(super) fn probe(&self, world: &World, index: usize) -> Found {
        let look = world.adapter.looking();
        let doing = self.doing(world, Direction::Forward, index);
        at_once(self.action.probe(doing, look.as_ref())).expect("it answers at once").expect("it can be seen")
    }

    fn wait(&self, world: &World, direction: Direction, index: usize) -> Result<Map<String, Value>, String> {
        for _ in 0..400 {
            match self.progress(world, direction, index) {
                Progress::Done(outputs) => return Ok(outputs),
                Progress::Failed { why, .. } => return Err(why.to_string()),
                Progress::Holds { outputs, for_good: true, span, .. } => {
                    world.advance(span.as_secs());
                    return Ok(outputs);
                }
                Progress::Holds { .. } | Progress::Going { .. } => world.advance(30),
            }
        }
        panic!("{} never ended", self.calls[index].line());
    }

    /// Carries it out to its end; returns what later steps can refer to.
    pub(super) fn carry_out(&mut self, world: &World) -> Result<Map<String, Value>, String> {
        self.begin(world);
        let mut outputs = Map::new();
        for index in 0..self.calls.len() {
            self.make(world, index);
            outputs.extend(self.wait(world, Direction::Forward, index)?);
        }
        Ok(outputs)
    }

    /// Returns what it left otherwise than it was.
    pub(super) fn deviations(&self, world: &World) -> Vec<Deviation> {
        let look = world.adapter.looking();
        let doing = self.doing(world, Direction::Forward, 0);
        at_once(self.action.compare(doing, look.as_ref()))
            .expect("it answers at once")
            .expect("it can be seen")
    }

    /// Takes it back; returns the calls that did.
    pub(super) fn take_back(&self, world: &World) -> Vec<String> {
        let calls = self.action.undo(&self.doing(world, Direction::Undo, 0)).expect("it can be taken back");
        let calls: Vec<Call> = calls.into_iter().map(|planned| planned.call).collect();
        let back = Self {
            action: self.action,
            step: self.step.clone(),
            calls: calls.clone(),
            before: self.before.clone(),
            replies: Vec::new(),
        };
        for (index, call) in calls.iter().enumerate() {
            world.act(call.clone()).unwrap_or_else(|why| panic!("{}: {why}", call.line()));
            back.wait(world, Direction::Undo, index).expect("it comes to its end");
        }
        calls.iter().map(|call| call.name().to_owned()).collect()
    }
}

/// Answers every look alike.
pub(super) struct Says(pub(super) Value);

impl Look for Says {
    fn look<'a>(&'a self, _: &'a Call) -> BoxFuture<'a, Result<Reply, CallTrouble>> {
        let body = self.0.clone();
        Box::pin(async move { Ok(Reply { request_id: None, status: 200, body }) })
    }

    fn credentials<'a>(
        &'a self,
        _: &'a lifeboat::domain::ids::EnvironmentName,
    ) -> BoxFuture<'a, Result<Credentials, CallTrouble>> {
        Box::pin(async { Err(CallTrouble::Credentials("nobody asks".into())) })
    }
}

/// Keeps a look alive as long as it is needed.
pub(super) fn says(body: Value) -> Arc<Says> {
    Arc::new(Says(body))
}
