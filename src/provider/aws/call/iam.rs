//! IAM: roles, and the policies that stand in a role itself.

use super::arguments::Arguments;
use super::json::Object;
use super::{Doing, Looking, reply, unknown};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use crate::runbook::still::IF_STILL;
use serde_json::json;

/// Looks at a role, or at a policy in it.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn look(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let role = given.needed("RoleName")?;
    match call.name() {
        "GetRole" => {
            given.none_left()?;
            let send =
                |watch| looking.site.iam().get_role().role_name(&role).customize().interceptor(watch).send();
            let (answer, seen) = looking.send(send).await?;
            let role = answer.role().map(|role| {
                Object::default()
                    .with("RoleName", Some(role.role_name()))
                    .with("Arn", Some(role.arn()))
                    .with("Path", Some(role.path()))
                    .json()
            });
            Ok(reply(Object::default().with("Role", role).json(), seen))
        }
        "GetRolePolicy" => {
            let policy = given.needed("PolicyName")?;
            given.none_left()?;
            let send = |watch| {
                let asked = looking.site.iam().get_role_policy().role_name(&role).policy_name(&policy);
                asked.customize().interceptor(watch).send()
            };
            let (answer, seen) = looking.send(send).await?;
            let body = Object::default()
                .with("RoleName", Some(answer.role_name()))
                .with("PolicyName", Some(answer.policy_name()))
                // IAM writes documents as they stand in an address.
                .with("PolicyDocument", Some(plain(answer.policy_document())));
            Ok(reply(body.json(), seen))
        }
        _ => Err(unknown(call)),
    }
}

/// Returns a document as it was before it was written as in an address; one that was not stays as it is.
fn plain(document: &str) -> String {
    if document.trim_start().starts_with('{') {
        return document.to_owned();
    }
    let mut bytes = Vec::with_capacity(document.len());
    let mut left = document.bytes();
    while let Some(byte) = left.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let decoded = digit(left.next()).zip(digit(left.next()));
        let decoded = decoded.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        let Some(decoded) = decoded else { return document.to_owned() };
        bytes.push(decoded);
    }
    String::from_utf8(bytes).unwrap_or_else(|_| document.to_owned())
}

/// Writes a policy of a role, or takes it away.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn act(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let (role, policy) = (given.needed("RoleName")?, given.needed("PolicyName")?);
    // It was looked at before the client of this call was made.
    given.left_out(IF_STILL);
    let seen = match call.name() {
        "PutRolePolicy" => {
            let document = given.needed("PolicyDocument")?;
            given.none_left()?;
            let sent = doing
                .acting
                .iam()
                .put_role_policy()
                .role_name(role)
                .policy_name(policy)
                .policy_document(document);
            doing.done(sent.send()).await?.1
        }
        "DeleteRolePolicy" => {
            given.none_left()?;
            doing
                .done(doing.acting.iam().delete_role_policy().role_name(role).policy_name(policy).send())
                .await?
                .1
        }
        _ => return Err(unknown(call)),
    };
    Ok(reply(json!({}), seen))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_document_is_read_as_it_was_written() {
        assert_eq!(plain("%7B%22a%22%3A%20%22%C3%BC%22%7D"), "{\"a\": \"\u{fc}\"}");
        assert_eq!(plain("{\"a\": \"100%25\"}"), "{\"a\": \"100%25\"}");
        assert_eq!(plain("%7"), "%7");
    }
}
