//! Where an action acts: at home, or where its environment recovers to.

use super::{PlanAsk, Refusal};
use crate::domain::estate::Selector;
use crate::domain::ids::ComponentId;
use crate::domain::place::Place;
use crate::runbook::about::{Argument, ArgumentKind};

/// The argument that names the Region.
pub(super) const REGION: Argument = Argument {
    name: "region",
    kind: ArgumentKind::Text,
    required: false,
    says: "The Region: `home`, `dr`, or the name of one of them; home if absent.",
};

/// Returns the place that an action's `region` names.
///
/// # Errors
/// When the environment has no such Region.
pub(super) fn place_of(ask: &PlanAsk<'_>) -> Result<Place, Refusal> {
    let home = ask.environment.home();
    let away = ask.environment.dr_region.clone();
    let away = away.map(|region| Place { account: home.account.clone(), region });
    match (ask.given.maybe_text("region")?, away) {
        (None | Some("home"), _) => Ok(home),
        (Some(name), _) if name == home.region.as_str() => Ok(home),
        (Some("dr"), Some(away)) => Ok(away),
        (Some(name), Some(away)) if name == away.region.as_str() => Ok(away),
        (Some(name), away) => {
            let says = format!("`{name}` is no Region of environment {}", ask.environment.name);
            let known = away.map_or_else(String::new, |away| format!(" and {}", away.region));
            Err(Refusal::new(says).hint(format!("it has {}{known}", home.region)))
        }
    }
}

/// Returns the bucket that `component` or `bucket` names.
///
/// # Errors
/// When neither does.
pub(super) fn bucket_of(ask: &PlanAsk<'_>) -> Result<(Option<ComponentId>, String), Refusal> {
    let component = match ask.given.maybe_text("component")? {
        Some(_) => Some(ask.component("component")?),
        None => None,
    };
    let id = component.map(|component| component.id.clone());
    match (ask.given.maybe_text("bucket")?, component.map(|component| &component.selector)) {
        (Some(bucket), _) => Ok((id, bucket.to_owned())),
        (None, Some(Some(Selector::Id(name)))) => {
            Ok((id, name.as_str().trim_start_matches("arn:aws:s3:::").to_owned()))
        }
        (None, Some(_)) => {
            Err(Refusal::new("the component is not found by an id, so nobody knows which bucket it is")
                .hint("name the `bucket`"))
        }
        (None, None) => Err(Refusal::new("neither `component` nor `bucket` says which bucket")),
    }
}

/// The arguments that name a bucket.
pub(super) const COMPONENT: Argument = Argument {
    name: "component",
    kind: ArgumentKind::Component,
    required: false,
    says: "The bucket, as a component of the estate.",
};
/// The argument that names a bucket that is no component.
pub(super) const BUCKET: Argument = Argument {
    name: "bucket",
    kind: ArgumentKind::Text,
    required: false,
    says: "The bucket's name, where it is no component.",
};
