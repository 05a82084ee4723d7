//! Called runbooks laid open: each step of theirs becomes a step of the plan, and the call itself the step that ends them.

use super::planner::{NoPlan, given};
use crate::action::Refusal;
use crate::runbook::definition::{Check, Given, Piece, Runbook, Step, Template};
use crate::runbook::fill;
use crate::runbook::plan::ParamValue;
use serde_json::Value;
use std::collections::BTreeMap;

/// How deep runbooks may call each other.
const DEEPEST: usize = 8;

/// A step with everything known of it that does not depend on its action.
pub(super) struct Flat<'a> {
    pub(super) id: String,
    pub(super) step: &'a Step,
    pub(super) given: BTreeMap<String, Value>,
    pub(super) verify: Vec<(&'a Check, BTreeMap<String, Value>)>,
    pub(super) needs: Vec<String>,
    pub(super) otherwise: Option<String>,
    pub(super) part_of: Option<String>,
    pub(super) is_join: bool,
    pub(super) params: BTreeMap<String, ParamValue>,
}

struct Level<'a, 'b> {
    runbook: &'a Runbook,
    texts: &'b BTreeMap<String, String>,
    values: &'b BTreeMap<String, ParamValue>,
    /// What stands before the names of its steps: that of the call, with a dot.
    prefix: String,
    part_of: Option<String>,
    /// What its first steps wait for.
    needs: Vec<String>,
    depth: usize,
}

/// Returns the steps of a runbook and of all that it calls, each after those that it waits for.
pub(super) fn unfold<'a>(
    runbook: &'a Runbook,
    texts: &BTreeMap<String, String>,
    values: &BTreeMap<String, ParamValue>,
    library: &dyn Fn(&str) -> Option<&'a Runbook>,
    readings: &fill::Readings<'_>,
) -> Result<Vec<Flat<'a>>, NoPlan> {
    let mut flat = Vec::new();
    let level =
        Level { runbook, texts, values, prefix: String::new(), part_of: None, needs: Vec::new(), depth: 0 };
    lay_open(&level, library, readings, &mut flat)?;
    Ok(flat)
}

fn lay_open<'a>(
    level: &Level<'a, '_>,
    library: &dyn Fn(&str) -> Option<&'a Runbook>,
    readings: &fill::Readings<'_>,
    flat: &mut Vec<Flat<'a>>,
) -> Result<(), NoPlan> {
    for step in ordered(level.runbook) {
        let id = format!("{}{}", level.prefix, step.id);
        let refused = |why: Refusal| NoPlan::Step { step: id.clone(), why };
        let named = |name: &String| format!("{}{name}", level.prefix);
        let mut needs: Vec<String> = step.needs.iter().map(named).collect();
        if needs.is_empty() {
            needs.clone_from(&level.needs);
        }
        let with = prefixed(&step.with, &level.prefix);
        let filled = given(&with, level.texts, readings).map_err(refused)?;
        let mut made = Flat {
            id: id.clone(),
            step,
            given: filled,
            verify: Vec::new(),
            needs,
            otherwise: step.otherwise.as_ref().map(named),
            part_of: level.part_of.clone(),
            is_join: false,
            params: level.values.clone(),
        };
        for check in &step.verify {
            let with = prefixed(&check.with, &level.prefix);
            made.verify.push((check, given(&with, level.texts, readings).map_err(refused)?));
        }
        if let Some(called) = &step.runbook {
            call(level, &mut made, called, library, readings, flat)?;
        }
        flat.push(made);
    }
    Ok(())
}

/// Lays a called runbook open before the step that calls it.
fn call<'a>(
    level: &Level<'a, '_>,
    made: &mut Flat<'a>,
    called: &str,
    library: &dyn Fn(&str) -> Option<&'a Runbook>,
    readings: &fill::Readings<'_>,
    flat: &mut Vec<Flat<'a>>,
) -> Result<(), NoPlan> {
    let refused = |why: String| NoPlan::Step { step: made.id.clone(), why: Refusal::new(why) };
    if level.depth >= DEEPEST {
        return Err(refused(format!("runbooks call each other more than {DEEPEST} deep")));
    }
    let runbook = library(called).ok_or_else(|| refused(format!("there is no runbook `{called}`")))?;
    let (mut texts, mut values) = (BTreeMap::new(), BTreeMap::new());
    for parameter in &runbook.parameters {
        let text = match (made.given.get(&parameter.name), &parameter.default) {
            (Some(Value::String(text)), _) => text.clone(),
            (_, Some(default)) => {
                fill::fill(default, &texts, readings).map_err(|why| refused(why.to_string()))?
            }
            _ => return Err(refused(format!("`{}` of runbook {called} is not given", parameter.name))),
        };
        values.insert(parameter.name.clone(), ParamValue::Text(text.clone()));
        texts.insert(parameter.name.clone(), text);
    }
    let inner = Level {
        runbook,
        texts: &texts,
        values: &values,
        prefix: format!("{}.", made.id),
        part_of: Some(made.id.clone()),
        needs: made.needs.clone(),
        depth: level.depth + 1,
    };
    let first = flat.len();
    lay_open(&inner, library, readings, flat)?;
    // It ends when everything has ended that nothing else of it waits for.
    let parts = flat.get(first..).unwrap_or_default();
    let own: Vec<&Flat<'a>> = parts.iter().filter(|part| part.part_of.as_ref() == Some(&made.id)).collect();
    let stands_in = |id: &String| own.iter().any(|part| part.otherwise.as_ref() == Some(id));
    let needed = |id: &String| own.iter().any(|part| part.needs.contains(id));
    made.needs =
        own.iter().map(|part| &part.id).filter(|id| !needed(id) && !stands_in(id)).cloned().collect();
    made.is_join = true;
    Ok(())
}

/// Returns the steps, each after those that it waits for, and one that stands in for another after that.
fn ordered(runbook: &Runbook) -> Vec<&Step> {
    let mut ordered: Vec<&Step> = Vec::new();
    let mut left: Vec<&Step> = runbook.steps.iter().collect();
    while !left.is_empty() {
        let known = |name: &String| ordered.iter().any(|step| step.id == *name);
        let ready = left.iter().position(|step| {
            let original = runbook.steps.iter().find(|other| other.otherwise.as_ref() == Some(&step.id));
            step.needs.iter().all(known) && original.is_none_or(|original| known(&original.id))
        });
        // Circles are refused where the file is read.
        let next = left.remove(ready.unwrap_or(0));
        ordered.push(next);
    }
    ordered
}

/// Returns what is given with references to steps named as the plan names them.
fn prefixed(with: &BTreeMap<String, Given>, prefix: &str) -> BTreeMap<String, Given> {
    let piece = |piece: &Piece| match piece {
        Piece::Step(id, field) => Piece::Step(format!("{prefix}{id}"), field.clone()),
        other => other.clone(),
    };
    let template = |template: &Template| Template(template.0.iter().map(piece).collect());
    with.iter()
        .map(|(name, given)| {
            let given = match given {
                Given::One(one) => Given::One(template(one)),
                Given::Many(many) => Given::Many(many.iter().map(template).collect()),
                Given::Pairs(pairs) => {
                    Given::Pairs(pairs.iter().map(|(name, one)| (name.clone(), template(one))).collect())
                }
            };
            (name.clone(), given)
        })
        .collect()
}
