//! Who we are, and whether keys can decrypt.

use super::convert::moment;
use super::fault::Fault;
use super::operation::{DESCRIBE_KEY, GET_CALLER_IDENTITY};
use super::reader::Reader;
use crate::domain::Text;
use crate::domain::condition::{Identity, KeyState};
use crate::domain::ids::KeyId;
use aws_sdk_kms::types::KeyState as SdkKeyState;
use jiff::Timestamp;

/// Reads who we are.
///
/// # Errors
/// When nobody knows us.
pub(super) async fn identity(reader: &Reader<'_>) -> Result<Identity, Fault> {
    let answer = reader.call(&GET_CALLER_IDENTITY, || reader.site.sts().get_caller_identity().send()).await?;
    Ok(Identity {
        who: Text::new(answer.arn().unwrap_or("nobody knows")),
        account: answer.account().unwrap_or_default().into(),
        expires_at: reader.connections.expires_at(reader.environment).await,
    })
}

/// Reads whether a key can decrypt in the reader's Region. A key that is named by the ARN of another Region is the
/// same one only when it is a multi-Region key: then it is asked for by its id.
///
/// # Errors
/// When it cannot be told.
pub(super) async fn key(reader: &Reader<'_>, key: &KeyId) -> Result<KeyState, Fault> {
    let name = key.as_str();
    let region = name.split(':').nth(3).unwrap_or_default();
    let here = reader.site.place.region.as_str();
    let id = name.rsplit('/').next().unwrap_or(name);
    let asked = match (name.starts_with("arn:"), region == here, id.starts_with("mrk-")) {
        (true, false, true) => id,
        (true, false, false) => return Ok(KeyState::Absent),
        _ => name,
    };
    let send = || reader.site.kms().describe_key().key_id(asked).send();
    let answer = match reader.call(&DESCRIBE_KEY, send).await {
        Ok(answer) => answer,
        Err(fault) if fault.is_absence() => return Ok(KeyState::Absent),
        Err(fault) => return Err(fault),
    };
    let told = answer.key_metadata();
    Ok(match told.and_then(|key| key.key_state()) {
        Some(SdkKeyState::Enabled) => KeyState::Enabled,
        Some(SdkKeyState::PendingDeletion | SdkKeyState::PendingReplicaDeletion) => {
            let at = told.and_then(|key| moment(key.deletion_date()));
            KeyState::PendingDeletion(at.unwrap_or(Timestamp::MAX))
        }
        None => KeyState::Absent,
        // Disabled, pending import, unavailable, updating: none of them decrypts now.
        Some(_) => KeyState::Disabled,
    })
}
