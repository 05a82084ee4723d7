//! What is known of a component by name: the values that runbooks ask for as `${readings.component.field}`.

use super::condition::{Condition, Health};
use super::estate::{Component, Estate, Selector};
use super::ids::ComponentId;
use super::reading::{Capability, Fact, Readings};

/// What stands before the name of something in the DR Region.
const STANDBY: &str = "standby-";

/// Returns what a component said of itself when it last answered, if it said its settings.
pub fn condition<'a>(readings: &'a Readings, component: &Component) -> Option<&'a Condition> {
    let reading = readings.of(&component.id, &component.home, Capability::Condition)?;
    match &reading.held.as_ref()?.fact {
        Fact::Condition(condition) if !condition.settings.is_empty() => Some(condition),
        _ => None,
    }
}

fn is_gone(readings: &Readings, component: &Component) -> bool {
    let reading = readings.of(&component.id, &component.home, Capability::Condition);
    let held = reading.and_then(|reading| reading.held.as_ref());
    held.is_some_and(|held| matches!(&held.fact, Fact::Condition(found) if found.health == Health::Gone))
}

/// Returns a field of a component: `id`, `free-id` (the same where it is gone, and nothing where it is still there), `region` and `account` as the estate says them, `standby-…` as the estate says
/// what stands in the DR Region, anything else as a setting that was read (by the service's own name, in any case).
///
/// Groups of the DR Region that nobody has named are taken to be called as those at home: many estates keep them so, and
/// whoever restores there looks whether they are there.
pub fn known(estate: &Estate, readings: &Readings, component: &str, field: &str) -> Option<String> {
    let component = estate.component(&ComponentId::new(component))?;
    let setting = |name: &str| {
        let settings = &condition(readings, component)?.settings;
        settings
            .iter()
            .find(|(known, _)| known.as_str().eq_ignore_ascii_case(name))
            .map(|(_, text)| text.to_string())
    };
    if let Some(name) = field.strip_prefix(STANDBY) {
        return component.standby.named(name).or_else(|| match name {
            "parameter-group" => {
                setting("dbparametergroupname").or_else(|| setting("dbclusterparametergroup"))
            }
            "subnet-group" => setting("dbsubnetgroupname").or_else(|| setting("dbsubnetgroup")),
            "security-groups" => Some("default".to_owned()),
            "class" => setting("dbinstanceclass"),
            _ => None,
        });
    }
    match field {
        "id" => component.selector.as_ref().and_then(|selector| match selector {
            Selector::Id(id) => Some(id.to_string()),
            Selector::Tag { .. } => None,
        }),
        // A name that is free again: whoever looks for the component finds what is made under it.
        "free-id" => Some(match &component.selector {
            Some(Selector::Id(id)) if is_gone(readings, component) => id.to_string(),
            _ => String::new(),
        }),
        "region" => Some(component.home.region.to_string()),
        "account" => Some(component.home.account.to_string()),
        _ => setting(field),
    }
}
