//! What a failed call means for the world: what is known of its effect, and nothing more.

use super::super::fault::{EXPIRED, THROTTLING, UNKNOWN_CALLER, chain, credentials};
use super::super::operation::{HEAD_BUCKET, HEAD_OBJECT, Operation};
use super::super::seal::Seen;
use crate::domain::Text;
use crate::domain::reading::ReadTrouble;
use crate::provider::port::CallTrouble;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;

/// A quota of how much there may be, which no waiting helps; readers take it for a rate.
const QUOTA: &str = "LimitExceededException";
/// A rate that has a code of its own: snapshots of one volume.
const SNAPSHOT_RATE: &str = "SnapshotCreationPerVolumeRateExceeded";
/// Further codes of credentials that are good for nothing.
const BAD_TOKENS: [&str; 3] =
    ["InvalidToken", "MissingAuthenticationToken", "MissingAuthenticationTokenException"];
/// Codes that come with a status of 500 and more and say for certain that nothing was done: EC2 counts a lack of
/// capacity among its own errors.
const CERTAIN: [&str; 6] = [
    "InsufficientCapacity",
    "InsufficientHostCapacity",
    "InsufficientInstanceCapacity",
    "InsufficientReservedInstanceCapacity",
    "InsufficientVolumeCapacity",
    "NotImplemented",
];
/// What the HTTP client says where no connection came about: nothing can have left.
const NEVER_CONNECTED: [&str; 3] = ["client error (Connect)", "HTTP connect timeout", "dns error"];

/// Returns what is known after `operation` failed.
pub(super) fn judge<E>(operation: &Operation, error: &SdkError<E, HttpResponse>, seen: &Seen) -> CallTrouble
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if !seen.left {
        return match credentials(error) {
            Some(ReadTrouble::Other(says)) => CallTrouble::Credentials(says),
            Some(other) => CallTrouble::Credentials(Text::new(&other.to_string())),
            None => CallTrouble::NotSent(Text::new(&chain(error))),
        };
    }
    match error {
        SdkError::ServiceError(service) => {
            let meta = service.err().meta();
            let status = service.raw().status().as_u16();
            answered(operation, meta.code(), meta.message(), status, seen)
        }
        SdkError::DispatchFailure(_) => {
            let says = chain(error);
            if NEVER_CONNECTED.iter().any(|mark| says.contains(mark)) {
                return CallTrouble::NotSent(Text::new(&format!("no connection: {says}")));
            }
            CallTrouble::InDoubt(Text::new(&format!("the connection broke: {says}")))
        }
        SdkError::TimeoutError(_) => CallTrouble::InDoubt("no answer came in time".into()),
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            let says = format!("the answer (HTTP {status}) cannot be read: {}", chain(error));
            CallTrouble::InDoubt(Text::new(&says))
        }
        other => CallTrouble::InDoubt(Text::new(&chain(other))),
    }
}

fn answered(
    operation: &Operation,
    code: Option<&str>,
    message: Option<&str>,
    status: u16,
    seen: &Seen,
) -> CallTrouble {
    let request_id = seen.request_id.as_deref().map(Text::new);
    // Answers to HEAD have no body: what they say is their status.
    let wordless = if [HEAD_BUCKET, HEAD_OBJECT].contains(operation) { wordless(status) } else { None };
    let says = message.unwrap_or_default();
    let Some(code) = code.or(wordless) else {
        return CallTrouble::InDoubt(Text::new(&format!(
            "the answer (HTTP {status}) names no reason {says}"
        )));
    };
    let is_throttled = code != QUOTA && THROTTLING.contains(&code) || code == SNAPSHOT_RATE;
    // S3 says by the reason of its status what it cannot say in the answer to a HEAD.
    if is_throttled || status == 429 || code == "503 Slow Down" {
        return CallTrouble::Throttled { code: Text::new(code), request_id };
    }
    if [&EXPIRED[..], &UNKNOWN_CALLER[..], &BAD_TOKENS[..]].iter().any(|codes| codes.contains(&code)) {
        return CallTrouble::Credentials(Text::new(&format!("{code}: {says}")));
    }
    if (300..500).contains(&status) || CERTAIN.contains(&code) {
        return CallTrouble::Refused { code: Text::new(code), says: Text::new(says), request_id, status };
    }
    CallTrouble::InDoubt(Text::new(&format!("{code} (HTTP {status}): {says}")))
}

fn wordless(status: u16) -> Option<&'static str> {
    Some(match status {
        301 | 307 => "PermanentRedirect",
        304 => "NotModified",
        400 => "BadRequest",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        412 => "PreconditionFailed",
        503 => "SlowDown",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::operation::{DELETE_DB_INSTANCE, DESCRIBE_DB_INSTANCES};
    use super::*;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::error::ErrorMetadata;

    fn told(error: &SdkError<ErrorMetadata, HttpResponse>, left: bool) -> CallTrouble {
        judge(&DELETE_DB_INSTANCE, error, &Seen { left, ..Seen::default() })
    }

    #[test]
    fn what_left_and_was_not_answered_is_a_doubt() {
        assert!(matches!(told(&SdkError::timeout_error("30 s"), true), CallTrouble::InDoubt(_)));
        let reset = || SdkError::dispatch_failure(ConnectorError::io("connection reset by peer".into()));
        assert!(matches!(told(&reset(), true), CallTrouble::InDoubt(_)));
        let late = SdkError::dispatch_failure(ConnectorError::timeout("HTTP read timeout occurred".into()));
        assert!(matches!(told(&late, true), CallTrouble::InDoubt(_)));
        let invalid = SdkError::construction_failure("something else");
        assert!(matches!(told(&invalid, true), CallTrouble::InDoubt(_)));
    }

    #[test]
    fn what_never_left_is_none() {
        assert!(matches!(told(&SdkError::timeout_error("35 s"), false), CallTrouble::NotSent(_)));
        let invalid = SdkError::construction_failure("a field is missing");
        assert!(matches!(told(&invalid, false), CallTrouble::NotSent(_)));
        for says in ["client error (Connect): refused", "HTTP connect timeout occurred after 3.1s"] {
            let never = SdkError::dispatch_failure(ConnectorError::io(says.into()));
            assert!(matches!(told(&never, true), CallTrouble::NotSent(_)), "{says}");
        }
    }

    #[test]
    fn an_answer_without_a_reason_tells_nothing_unless_it_cannot_have_one() {
        let answer =
            |operation: &Operation, status| answered(operation, None, None, status, &Seen::default());
        assert!(matches!(answer(&DELETE_DB_INSTANCE, 403), CallTrouble::InDoubt(_)));
        assert!(matches!(answer(&DESCRIBE_DB_INSTANCES, 404), CallTrouble::InDoubt(_)));
        let code = |status| answer(&HEAD_OBJECT, status).code().map(str::to_owned);
        assert_eq!(code(403).as_deref(), Some("Forbidden"));
        assert_eq!(code(404).as_deref(), Some("NotFound"));
        assert!(matches!(answer(&HEAD_OBJECT, 503), CallTrouble::Throttled { .. }));
        assert!(matches!(answer(&HEAD_OBJECT, 500), CallTrouble::InDoubt(_)));
    }
}
