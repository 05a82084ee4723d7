//! Judging a condition by the types of what it refers to, before anything is worked out.

use super::{Condition, ConditionMistake, Known, Reference, Type};
use crate::domain::{duration, moment};
use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, SourceInfo, operators};
use jiff::Timestamp;

/// The functions that a condition may use, with what they return.
const FUNCTIONS: [(&str, Type); 12] = [
    ("size", Type::Number),
    ("contains", Type::Switch),
    ("startsWith", Type::Switch),
    ("endsWith", Type::Switch),
    ("int", Type::Number),
    ("uint", Type::Number),
    ("double", Type::Number),
    ("string", Type::Text),
    ("bool", Type::Switch),
    ("duration", Type::Seconds),
    ("timestamp", Type::Moment),
    (operators::NOT_STRICTLY_FALSE, Type::Switch),
];

/// Returns the names that `expr` strings together, from the first: `steps.a.state` and `steps["a"].state` alike.
pub(super) fn path(expr: &Expr) -> Option<Vec<&str>> {
    match expr {
        Expr::Ident(name) => Some(vec![name]),
        Expr::Select(select) => {
            let mut path = path(&select.operand.expr)?;
            path.push(&select.field);
            Some(path)
        }
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [of, IdedExpr { expr: Expr::Literal(LiteralValue::String(name)), .. }] => {
                let mut path = path(&of.expr)?;
                path.push(name.inner());
                Some(path)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Walks a condition and notes what is wrong.
pub(super) struct Judge<'a> {
    places: &'a SourceInfo,
    known: &'a Known<'a>,
    /// The names that `all`, `exists` and the like bring in.
    locals: Vec<&'a str>,
    wrong: Vec<ConditionMistake>,
}

impl<'a> Judge<'a> {
    pub(super) fn of(condition: &'a Condition, known: &'a Known<'a>) -> Vec<ConditionMistake> {
        let dashes = dashes(&condition.source, known);
        if !dashes.is_empty() {
            return dashes; // the rest would be about names that nobody wrote
        }
        let mut judge =
            Self { places: condition.program.source_info(), known, locals: Vec::new(), wrong: Vec::new() };
        let root = condition.program.expression();
        let whole = judge.kind(root);
        if !whole.goes_with(Type::Switch) {
            let says = format!("a condition is true or false, and this is {}", whole.words());
            judge.wrong.push(ConditionMistake::new(0, says).help("compare it, such as with `==`"));
        }
        judge.wrong
    }

    fn at(&self, expr: &IdedExpr) -> usize {
        // The place of `a.b` is its dot, that of `a == b` its operator: what people look for is where it begins.
        let own = self.places.offset_for(expr.id).map_or(0, |(start, _)| start as usize);
        match &expr.expr {
            Expr::Select(select) => self.at(&select.operand).min(own),
            Expr::Call(call) if call.target.is_none() && call.func_name == operators::INDEX => {
                call.args.first().map_or(own, |of| self.at(of).min(own))
            }
            _ => own,
        }
    }

    fn wrong(&mut self, at: usize, says: impl Into<String>, help: impl Into<String>) -> Type {
        self.wrong.push(ConditionMistake::new(at, says).help(help));
        Type::Unknown
    }

    fn kind(&mut self, node: &'a IdedExpr) -> Type {
        match &node.expr {
            Expr::Literal(literal) => match literal {
                LiteralValue::Boolean(_) => Type::Switch,
                LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => Type::Number,
                LiteralValue::String(_) => Type::Text,
                LiteralValue::Bytes(_) | LiteralValue::Null => Type::Unknown,
            },
            Expr::Ident(_) => self.reference(node),
            Expr::Select(select) => {
                let kind = if path(&node.expr).is_some() {
                    self.reference(node)
                } else {
                    self.kind(&select.operand);
                    Type::Unknown
                };
                if select.test { Type::Switch } else { kind }
            }
            Expr::Call(call) => {
                if path(&node.expr).is_some() {
                    return self.reference(node);
                }
                self.call(node, call)
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::List(list) => {
                for element in &list.elements {
                    self.kind(element);
                }
                Type::Unknown
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.kind(&entry.key);
                        self.kind(&entry.value);
                    }
                }
                Type::Unknown
            }
            Expr::Struct(_) | Expr::Unspecified => {
                self.wrong(self.at(node), "a condition makes nothing new", "compare what is there")
            }
        }
    }

    fn reference(&mut self, node: &'a IdedExpr) -> Type {
        let names = path(&node.expr).unwrap_or_default();
        let at = self.at(node);
        let found = match names.as_slice() {
            [local, ..] if self.locals.contains(local) || local.starts_with('@') => return Type::Unknown,
            ["params", name, rest @ ..] => (self.known)(Reference::Param(name)).map(|kind| (kind, rest)),
            ["steps", id, field, rest @ ..] => {
                (self.known)(Reference::Step(id, field)).map(|kind| (kind, rest))
            }
            ["params"] => {
                return self.wrong(at, "`params` alone is no value", "name one, such as `params.database`");
            }
            ["steps", ..] => {
                let help = "name what it brought, such as `steps.restore.state`";
                return self.wrong(at, format!("`{}` alone is no value", names.join(".")), help);
            }
            [first, ..] => {
                let meant = crate::runbook::template::meant(first);
                let help = match meant.filter(|meant| *meant != "readings") {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => "known here: `params.NAME`, `steps.STEP.FIELD` and `steps.STEP.state`; a text stands in quotes".to_owned(),
                };
                return self.wrong(at, format!("there is no `{first}` here"), help);
            }
            [] => return Type::Unknown,
        };
        match found {
            Ok((kind, [])) => kind,
            Ok((Type::Unknown, _)) => Type::Unknown,
            Ok((kind, [field, ..])) => {
                let says = format!("there is no `{field}` in it: it is {}", kind.words());
                self.wrong(at, says, "remove what stands after the name")
            }
            Err((says, help)) => {
                self.wrong.push(ConditionMistake { at, says, help });
                Type::Unknown
            }
        }
    }

    fn comprehension(&mut self, comprehension: &'a ComprehensionExpr) -> Type {
        self.kind(&comprehension.iter_range);
        self.kind(&comprehension.accu_init);
        let outside = self.locals.len();
        self.locals.extend([comprehension.iter_var.as_str(), comprehension.accu_var.as_str()]);
        self.locals.extend(comprehension.iter_var2.as_deref());
        for part in [&comprehension.loop_cond, &comprehension.loop_step, &comprehension.result] {
            self.kind(part);
        }
        self.locals.truncate(outside);
        Type::Unknown
    }

    fn call(&mut self, node: &'a IdedExpr, call: &'a CallExpr) -> Type {
        let at = self.at(node);
        if let Some(target) = &call.target {
            self.kind(target);
        }
        let kinds: Vec<Type> = call.args.iter().map(|argument| self.kind(argument)).collect();
        match (call.func_name.as_str(), kinds.as_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT, _) => {
                for (kind, argument) in kinds.iter().zip(&call.args) {
                    if !kind.goes_with(Type::Switch) {
                        let at = self.at(argument);
                        let says = format!("this is {}, where true or false is needed", kind.words());
                        self.wrong(at, says, "compare it, such as with `==`");
                    }
                }
                Type::Switch
            }
            (operators::CONDITIONAL, [test, yes, no]) => {
                if !test.goes_with(Type::Switch) {
                    let says = format!("this is {}, where true or false is needed", test.words());
                    self.wrong(at, says, "compare it, such as with `==`");
                }
                if yes == no { *yes } else { Type::Unknown }
            }
            (
                operators::EQUALS
                | operators::NOT_EQUALS
                | operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS,
                [left, right],
            ) => {
                self.compare(at, *left, *right);
                Type::Switch
            }
            (operators::IN, [left, _]) => {
                if let Some(IdedExpr { expr: Expr::List(list), .. }) = call.args.get(1) {
                    for element in &list.elements {
                        let noted = self.wrong.len();
                        let kind = self.kind(element);
                        self.wrong.truncate(noted); // what is wrong inside was said above
                        self.compare(self.at(element), *left, kind);
                    }
                }
                Type::Switch
            }
            (operators::ADD | operators::SUBSTRACT, [left, right]) => {
                self.sum(at, *left, *right, call.func_name == operators::ADD)
            }
            (operators::MULTIPLY | operators::DIVIDE | operators::MODULO, [left, right]) => {
                match (left, right) {
                    (Type::Seconds, Type::Number) | (Type::Number, Type::Seconds) => Type::Seconds,
                    (Type::Number | Type::Seconds, Type::Number | Type::Seconds) => Type::Number,
                    (Type::Unknown, _) | (_, Type::Unknown) => Type::Unknown,
                    _ => self.no_figures(at, *left, *right),
                }
            }
            (operators::NEGATE, [only]) => *only,
            (operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT, _) => Type::Unknown,
            (name, _) => self.function(node, name, &call.args),
        }
    }

    fn compare(&mut self, at: usize, left: Type, right: Type) {
        if left.goes_with(right) {
            return;
        }
        let says = format!("this compares {} with {}", left.words(), right.words());
        let help = match (left, right) {
            (Type::Moment, _) | (_, Type::Moment) => {
                "write a moment as `timestamp(\"2026-10-12T03:00:00Z\")`"
            }
            (Type::Seconds, _) | (_, Type::Seconds) => {
                "write a span of time as `duration(\"15 min\")`, or its seconds"
            }
            (Type::Text, _) | (_, Type::Text) => "only a text stands in quotes",
            _ => "compare things of one kind",
        };
        self.wrong(at, says, help);
    }

    fn sum(&mut self, at: usize, left: Type, right: Type, add: bool) -> Type {
        match (left, right) {
            (Type::Moment, Type::Moment) if !add => Type::Seconds,
            (Type::Moment, Type::Seconds | Type::Number) => Type::Moment,
            (Type::Seconds | Type::Number, Type::Moment) if add => Type::Moment,
            (Type::Text, Type::Text) if add => Type::Text,
            (Type::Number, Type::Number) => Type::Number,
            (Type::Number | Type::Seconds, Type::Number | Type::Seconds) => Type::Seconds,
            (Type::Unknown, _) | (_, Type::Unknown) => Type::Unknown,
            _ => self.no_figures(at, left, right),
        }
    }

    fn no_figures(&mut self, at: usize, left: Type, right: Type) -> Type {
        let says = format!("this cannot be worked out with {} and {}", left.words(), right.words());
        self.wrong(at, says, "only figures of one kind can be")
    }

    fn function(&mut self, node: &'a IdedExpr, name: &str, arguments: &'a [IdedExpr]) -> Type {
        let at = self.at(node);
        let Some((_, kind)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            let names = FUNCTIONS.iter().map(|(known, _)| *known).filter(|known| !known.starts_with('@'));
            let known = names.collect::<Vec<_>>().join(", ");
            return self.wrong(
                at,
                format!("there is no function `{name}` here"),
                format!("known here: {known}"),
            );
        };
        if let [IdedExpr { expr: Expr::Literal(LiteralValue::String(text)), .. }] = arguments {
            let read = match name {
                "duration" => seconds(text.inner()).map(|_| ()),
                "timestamp" => second(text.inner()).map(|_| ()),
                _ => Ok(()),
            };
            if let Err(says) = read {
                self.wrong.push(ConditionMistake::new(at, says));
            }
        }
        *kind
    }
}

/// Returns the seconds of a span as people write it.
pub(super) fn seconds(text: &str) -> Result<i64, String> {
    let span = duration::parse(text)?;
    i64::try_from(span.as_secs()).map_err(|_| format!("`{text}` is too long"))
}

/// Returns the second of a moment as people write it, from 1970.
pub(super) fn second(text: &str) -> Result<i64, String> {
    moment::parse(text, Timestamp::MAX)
        .ok()
        .filter(|_| text.starts_with(|c: char| c.is_ascii_digit()) && text.len() >= 10)
        .map(Timestamp::as_second)
        .ok_or_else(|| format!("`{text}` is not a moment; write 2026-10-12 or 2026-10-12T03:00:00Z"))
}

/// Finds names with a dash after a dot, which CEL takes for a minus.
fn dashes(source: &str, known: &Known<'_>) -> Vec<ConditionMistake> {
    let mut wrong = Vec::new();
    let mut quote = None;
    for (nth, (at, c)) in source.char_indices().enumerate() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        let inside =
            source.get(..at).is_some_and(|left| left.ends_with(|c: char| c.is_alphanumeric() || c == '_'));
        let rest = source.get(at..).unwrap_or_default();
        let root = ["params.", "steps."].into_iter().find(|root| rest.starts_with(root));
        let (None, false, Some(root)) = (quote, inside, root) else { continue };
        let word = |text: &str| -> String {
            text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').collect()
        };
        let rest = rest.get(root.len()..).unwrap_or_default();
        let name = word(rest);
        let field =
            rest.get(name.len()..).and_then(|rest| rest.strip_prefix('.')).map(word).unwrap_or_default();
        let root = root.trim_end_matches('.');
        let short = name.split('-').next().unwrap_or_default();
        let (full, part) = if root == "params" {
            (Reference::Param(&name), Reference::Param(short))
        } else {
            (Reference::Step(&name, &field), Reference::Step(short, "state"))
        };
        if name.contains('-') && known(full).is_ok() && known(part).is_err() {
            wrong.push(
                ConditionMistake::new(nth, format!("the dash in `{name}` is a minus here"))
                    .help(format!("write `{root}[\"{name}\"]`")),
            );
        }
    }
    wrong
}
