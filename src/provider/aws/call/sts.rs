//! STS: who calls.

use super::super::acting::Owner;
use super::arguments::Arguments;
use super::json::Object;
use super::{Looking, reply, unknown};
use crate::domain::Text;
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};

/// Looks at who calls.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn look(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    if call.name() != "GetCallerIdentity" {
        return Err(unknown(call));
    }
    Arguments::of(call).none_left()?;
    let send = |watch| looking.site.sts().get_caller_identity().customize().interceptor(watch).send();
    let (answer, seen) = looking.send(send).await?;
    let body = Object::default()
        .with("Account", answer.account())
        .with("Arn", answer.arn())
        .with("UserId", answer.user_id());
    Ok(reply(body.json(), seen))
}

/// Returns whose credentials a login uses.
///
/// # Errors
/// When that cannot be told.
pub(super) async fn owner(looking: &Looking<'_>) -> Result<Owner, CallTrouble> {
    let send = |watch| looking.site.sts().get_caller_identity().customize().interceptor(watch).send();
    let (answer, seen) = looking.send(send).await?;
    let (Some(account), Some(key)) = (answer.account(), seen.key) else {
        return Err(CallTrouble::InDoubt("the answer does not say whose credentials these are".into()));
    };
    let identity = Text::new(answer.arn().unwrap_or("nobody knows"));
    Ok(Owner { key, account: account.into(), identity })
}
