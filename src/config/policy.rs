//! What the estate asks of those who act: approvers, break-glass, consent by flag, webhooks, folders with runbooks.

use super::estate_file::EstateFile;
use super::resolve::entries;
use super::yaml::Field;
use crate::domain::Text;
use crate::domain::estate::{Policy, Webhook};
use crate::domain::ids::EnvironmentName;

/// Returns what a file asks of those who act; what is wrong in it is reported elsewhere.
pub(super) fn policy(file: &EstateFile) -> Policy {
    let given = file.policy.get();
    let environments = |list: Option<&Field<Vec<Field<String>>>>| -> Vec<EnvironmentName> {
        let list = list.and_then(Field::get).map_or([].as_slice(), Vec::as_slice);
        list.iter().filter_map(|name| Some(EnvironmentName::new(name.get()?))).collect()
    };
    let approvers = file.people.get().map(|people| entries(&people.approvers));
    let templates: Vec<_> = entries(&file.templates).collect();
    let template = |name: &String| {
        templates.iter().find(|(known, ..)| *known == name).and_then(|(.., text)| text.get().cloned())
    };
    Policy {
        approvers: approvers
            .into_iter()
            .flatten()
            .filter_map(|(name, _, key)| Some((Text::new(name), Text::new(key.get()?))))
            .collect(),
        break_glass: environments(given.map(|given| &given.break_glass)),
        unattended: environments(given.map(|given| &given.unattended)),
        webhooks: entries(&file.webhooks)
            .filter_map(|(name, _, field)| {
                let field = field.get()?;
                let url_from = Text::new(field.url_from.get()?);
                Some((
                    Text::new(name),
                    Webhook { url_from, template: field.template.get().and_then(template) },
                ))
            })
            .collect(),
    }
}
