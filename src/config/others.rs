//! What is wrong with the parts of a file that no component follows from by itself, and circles among those that do.

use super::diagnostic::{Diagnostic, FilePlace};
use super::estate_file::EstateFile;
use super::resolve::{Resolver, entries};
use crate::domain::dependency;
use crate::domain::estate::Estate;
use std::collections::{BTreeMap, BTreeSet};

impl Resolver<'_> {
    /// Looks at the parts of the file that nothing of the estate follows from yet: they are still not to be wrong.
    pub(super) fn others(&mut self) {
        let file = self.file;
        for (name, place, field) in entries(&file.webhooks) {
            check_name(&mut self.wrong, name, place, "webhook");
            let Some(webhook) = field.get() else { continue };
            let variable = |text: &String| {
                text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            };
            match (webhook.url_from.get(), webhook.url_from.place()) {
                (None, None) => self.error(
                    place,
                    format!("webhook `{name}` has no `url_from`"),
                    "write the name of the environment variable that holds its address",
                ),
                (Some(text), Some(at)) if !variable(text) => {
                    self.wrong.push(
                        Diagnostic::secret(at, "this is not the name of an environment variable").help(
                            "the address of a webhook is a secret; put it into a variable and write its name",
                        ),
                    );
                }
                _ => {}
            }
            if let (Some(template), Some(at)) = (webhook.template.get(), webhook.template.place())
                && !entries(&file.templates).any(|(known, ..)| known == template)
            {
                self.error(at, format!("there is no template `{template}`"), "write it under `templates:`");
            }
        }
        let policy = file.policy.get();
        let lists = policy.map(|policy| [&policy.break_glass, &policy.unattended]);
        for item in lists.into_iter().flatten().filter_map(|list| list.get()).flatten() {
            self.environment_of(item, "policy", item.place_or(self.top));
        }
    }
}

/// Names every circle of dependencies and memberships, each once.
pub(super) fn circles(file: &EstateFile, estate: &Estate) -> Vec<Diagnostic> {
    let mut graph: dependency::Graph<'_> = estate
        .components
        .iter()
        .map(|component| (&component.id, component.depends_on.iter().chain(&component.members).collect()))
        .collect();
    let mut wrong = Vec::new();
    let places: BTreeMap<&str, FilePlace> = entries(&file.components)
        .map(|(name, place, _)| (name, place))
        .chain(entries(&file.groups).map(|(name, place, _)| (name, place)))
        .collect();
    while let Err(circle) = dependency::order(&graph) {
        let mut names: Vec<&str> = circle.iter().map(|id| id.as_str()).collect();
        let Some(&first) = names.first() else { break };
        names.push(first);
        let place = places.get(first).copied().unwrap_or_default();
        wrong.push(
            Diagnostic::error(place, format!("these wait for each other: {}", names.join(" -> ")))
                .help("none of them could ever recover first; remove one of the dependencies"),
        );
        let members: BTreeSet<_> = circle.into_iter().collect();
        graph.retain(|id, _| !members.contains(id));
        for needs in graph.values_mut() {
            needs.retain(|id| !members.contains(id));
        }
    }
    wrong
}

/// Says so when something cannot be a name.
pub(super) fn check_name(wrong: &mut Vec<Diagnostic>, name: &str, place: FilePlace, what: &str) {
    let fits = name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_/".contains(c));
    if !fits {
        wrong.push(
            Diagnostic::error(place, format!("`{name}` cannot be the name of {what}s")).help(
                "use letters, digits and . _ / - , begin with a letter or digit, at most 64 characters",
            ),
        );
    }
}
