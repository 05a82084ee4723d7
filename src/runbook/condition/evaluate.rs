//! Working a condition out, once what it refers to is there.

use super::judge::{path, second, seconds};
use super::{Condition, ConditionMistake, Reference, Type};
use cel::common::ast::{EntryExpr, Expr};
use cel::{Context, ExecutionError, IdedExpr, Value};
use jiff::Timestamp;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// What a parameter is, or what a step brought.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// True or false.
    Switch(bool),
    /// A span of time.
    Duration(Duration),
    /// A moment.
    Moment(Timestamp),
    /// What a step brought, as it brought it.
    Json(Json),
}

impl Operand {
    fn kind(&self) -> Type {
        match self {
            Self::Text(_) | Self::Json(Json::String(_)) => Type::Text,
            Self::Number(_) | Self::Json(Json::Number(_)) => Type::Number,
            Self::Switch(_) | Self::Json(Json::Bool(_)) => Type::Switch,
            Self::Duration(_) => Type::Seconds,
            Self::Moment(_) => Type::Moment,
            Self::Json(Json::Null | Json::Array(_) | Json::Object(_)) => Type::Unknown,
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::Text(text) => text.into(),
            Self::Number(number) => Value::Int(number),
            Self::Switch(switch) => Value::Bool(switch),
            Self::Duration(span) => Value::Int(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)),
            Self::Moment(at) => Value::Int(at.as_second()),
            Self::Json(json) => value(json),
        }
    }
}

fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(switch) => Value::Bool(switch),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::Int(number),
            (None, Some(number)) => Value::UInt(number),
            (None, None) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => text.into(),
        Json::Array(several) => Value::List(Arc::new(several.into_iter().map(value).collect())),
        Json::Object(entries) => {
            entries.into_iter().map(|(key, json)| (key, value(json))).collect::<HashMap<_, _>>().into()
        }
    }
}

impl Condition {
    /// Works it out. `operand` returns what is there of what it refers to.
    ///
    /// # Errors
    /// What cannot be worked out, and where: a condition that fails is never false.
    pub fn holds(
        &self,
        operand: &dyn Fn(Reference<'_>) -> Option<Operand>,
    ) -> Result<bool, ConditionMistake> {
        // What is not there yet may still be asked for by `has`; CEL says so of the rest.
        let known = |reference: Reference<'_>| Ok(operand(reference).map_or(Type::Unknown, |o| o.kind()));
        if let Some(first) = self.check(&known).into_iter().next() {
            return Err(first);
        }
        let mut found = Vec::new();
        references(self.program.expression(), &mut found);
        let (mut params, mut steps) = (HashMap::new(), BTreeMap::new());
        for names in found {
            match names.as_slice() {
                ["params", name, ..] => {
                    if let Some(operand) = operand(Reference::Param(name)) {
                        params.insert((*name).to_owned(), operand.into_value());
                    }
                }
                ["steps", id, field, ..] => {
                    let fields: &mut HashMap<String, Value> = steps.entry((*id).to_owned()).or_default();
                    if let Some(operand) = operand(Reference::Step(id, field)) {
                        fields.insert((*field).to_owned(), operand.into_value());
                    }
                }
                _ => {}
            }
        }
        let mut context = Context::default();
        context.add_variable_from_value("params", params);
        context.add_variable_from_value("steps", steps.into_iter().collect::<HashMap<_, _>>());
        let read = |name: &'static str, read: fn(&str) -> Result<i64, String>| {
            move |text: Arc<String>| read(&text).map_err(|says| ExecutionError::function_error(name, says))
        };
        let declared = context
            .add_function("duration", read("duration", seconds))
            .and_then(|()| context.add_function("timestamp", read("timestamp", second)));
        if let Err(error) = declared {
            return Err(ConditionMistake::new(0, error.to_string()));
        }
        match self.program.execute(&context) {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(other) => {
                let says = format!("a condition is true or false, and this is a {}", other.type_of());
                Err(ConditionMistake::new(0, says))
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Says what CEL could not do.
    fn failed(&self, error: &ExecutionError) -> ConditionMistake {
        let at = |name: &str| {
            let byte = self.source.find(name).unwrap_or(0);
            self.source.get(..byte).map_or(0, |before| before.chars().count())
        };
        match error {
            ExecutionError::NoSuchKey(name) => {
                let help = format!("`has(….{name})` says whether it is there");
                ConditionMistake::new(at(name), format!("there is no `{name}`")).help(help)
            }
            ExecutionError::FunctionError { function, message } => {
                ConditionMistake::new(at(function), message.clone())
            }
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
                ConditionMistake::new(at("/"), "this divides by nothing")
            }
            ExecutionError::Overflow(..) => ConditionMistake::new(0, "this becomes too large a number"),
            ExecutionError::NoSuchOverload(wrong) => {
                let what = wrong.function().trim_matches(['_', '@']).replace("_[", "[");
                let says = format!("`{what}` does not go with {}", wrong.argument_types().join(" and "));
                ConditionMistake::new(at(&what), says)
            }
            other => ConditionMistake::new(0, other.to_string()),
        }
    }
}

/// Collects the names that are strung together anywhere in `node`.
fn references<'a>(node: &'a IdedExpr, found: &mut Vec<Vec<&'a str>>) {
    if let Some(path) = path(&node.expr) {
        found.push(path);
        return;
    }
    match &node.expr {
        Expr::Call(call) => {
            call.target.iter().for_each(|target| references(target, found));
            call.args.iter().for_each(|argument| references(argument, found));
        }
        Expr::Comprehension(parts) => {
            for part in
                [&parts.iter_range, &parts.accu_init, &parts.loop_cond, &parts.loop_step, &parts.result]
            {
                references(part, found);
            }
        }
        Expr::List(list) => list.elements.iter().for_each(|element| references(element, found)),
        Expr::Map(map) => {
            for entry in &map.entries {
                if let EntryExpr::MapEntry(entry) = &entry.expr {
                    references(&entry.key, found);
                    references(&entry.value, found);
                }
            }
        }
        Expr::Select(select) => references(&select.operand, found),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
    }
}
