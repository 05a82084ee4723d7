//! What a failed call means: for the reading, and for trying again.

use super::guard::Refused;
use super::operation::{Operation, Service};
use crate::domain::Text;
use crate::domain::reading::ReadTrouble;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;

/// Whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It would end the same way.
    No,
    /// After a moment.
    Soon,
    /// After a longer moment, and more slowly from then on.
    Slower,
}

/// A call that failed.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The service's code, such as `DBInstanceNotFound`.
    pub code: Option<String>,
    /// The HTTP status, where an answer came.
    pub status: Option<u16>,
    /// What it means for the reading.
    pub trouble: ReadTrouble,
    /// Whether to try again.
    pub again: Again,
    /// What was called.
    pub source: String,
}

/// Codes by which services ask to be called less often; most are HTTP 400.
pub(super) const THROTTLING: [&str; 16] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
    "RateExceeded",
    "ThrottlingError",
];
/// Codes of credentials that have ended.
pub(super) const EXPIRED: [&str; 4] =
    ["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"];
/// Codes of a permission that is missing; others contain `AccessDenied`.
const DENIED: [&str; 6] = [
    "UnauthorizedOperation",
    "AuthorizationError",
    "AuthorizationErrorException",
    "NotAuthorized",
    "AllAccessDisabled",
    "Forbidden",
];
/// Codes of credentials that nobody knows there.
pub(super) const UNKNOWN_CALLER: [&str; 6] = [
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "AuthFailure",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
];

impl Fault {
    /// Returns the fault that is not a service's answer.
    pub fn plain(source: impl Into<String>, trouble: ReadTrouble) -> Self {
        Self { code: None, status: None, trouble, again: Again::No, source: source.into() }
    }

    /// Says whether the service answered with this code.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref().is_some_and(|known| known == code || known.strip_suffix("Fault") == Some(code))
    }

    /// Says whether the service answered that there is no such thing.
    pub fn is_absence(&self) -> bool {
        let says = |code: &str| {
            ["NotFound", "NoSuch", "DoesNotExist", "NotExist"].iter().any(|word| code.contains(word))
        };
        self.code.as_deref().is_some_and(says)
            || (self.status == Some(404) && self.code.as_deref().is_none_or(|code| code == "NotFound"))
    }

    /// Returns what went wrong with a call of `operation`.
    pub fn of<E>(operation: &Operation, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let source = operation.source();
        let made = |trouble, again| Self { code: None, status: None, trouble, again, source: source.clone() };
        match error {
            SdkError::ServiceError(service) => {
                let meta = service.err().meta();
                let status = service.raw().status().as_u16();
                let told = Self::answered(operation, meta.code(), meta.message(), status);
                match meta.code() {
                    None if matches!(told.trouble, ReadTrouble::Other(_)) => {
                        let says = format!("HTTP {status}: {}", chain(error));
                        Self { trouble: ReadTrouble::Other(Text::new(&says)), ..told }
                    }
                    _ => told,
                }
            }
            SdkError::TimeoutError(_) => made(ReadTrouble::TimedOut, Again::Soon),
            SdkError::DispatchFailure(failure) => match credentials(error) {
                Some(trouble) => made(trouble, Again::No),
                None if failure.is_timeout() && !chain(error).contains("connect") => {
                    made(ReadTrouble::TimedOut, Again::Soon)
                }
                None if failure.is_timeout() || failure.is_io() => {
                    made(ReadTrouble::Unreachable, Again::Soon)
                }
                None => made(ReadTrouble::Other(Text::new(&chain(error))), Again::No),
            },
            SdkError::ResponseError(response) => {
                let status = response.raw().status().as_u16();
                let again = if (300..500).contains(&status) { Again::No } else { Again::Soon };
                let says = format!("the answer (HTTP {status}) is not one of this service");
                Self { status: Some(status), ..made(ReadTrouble::Other(Text::new(&says)), again) }
            }
            other => {
                let trouble = credentials(error)
                    .or_else(|| refused(error))
                    .unwrap_or_else(|| ReadTrouble::Other(Text::new(&chain(other))));
                made(trouble, Again::No)
            }
        }
    }

    fn answered(operation: &Operation, code: Option<&str>, message: Option<&str>, status: u16) -> Self {
        let known = |list: &[&str]| code.is_some_and(|code| list.contains(&code));
        let message = message.unwrap_or_default();
        // S3 answers a HEAD without a word: of what it says by 503, that is all that comes.
        let is_wordless = operation.service == Service::S3 && status == 503 && code.is_none();
        let (trouble, again) =
            if known(&THROTTLING) || status == 429 || code == Some("503 Slow Down") || is_wordless {
                (ReadTrouble::Throttled, Again::Slower)
            } else if known(&EXPIRED) {
                (ReadTrouble::CredentialsExpired, Again::No)
            } else if known(&DENIED)
                || code.is_some_and(|code| code.contains("AccessDenied"))
                || (status == 403 && code.is_none())
            {
                (denied(operation, message), Again::No)
            } else if known(&UNKNOWN_CALLER) {
                let says = format!("nobody knows these credentials there ({})", code.unwrap_or_default());
                (ReadTrouble::Other(Text::new(&says)), Again::No)
            } else {
                let code = code.unwrap_or("no code");
                let says = if message.is_empty() { code.to_owned() } else { format!("{code}: {message}") };
                let again = if status >= 500 { Again::Soon } else { Again::No };
                (ReadTrouble::Other(Text::new(&says)), again)
            };
        let code = code.map(str::to_owned);
        Self { code, status: Some(status), trouble, again, source: operation.source() }
    }
}

/// Takes permission and caller from the service's message, where it names them: `User: ARN is not authorized to
/// perform: rds:DescribeDBSnapshots on resource: …`.
fn denied(operation: &Operation, message: &str) -> ReadTrouble {
    let after = |mark: &str| {
        let rest = message.split_once(mark)?.1.trim_start();
        let word: String = rest.chars().take_while(|c| !c.is_whitespace()).collect();
        let word = word.trim_end_matches([',', '.', ';']).to_owned();
        (!word.is_empty()).then_some(word)
    };
    let needed = operation.permissions.first().copied().unwrap_or(operation.name);
    let permission = after("authorized to perform:").filter(|word| word.contains(':'));
    let identity = after("User:").unwrap_or_else(|| "this identity".to_owned());
    ReadTrouble::Denied {
        permission: Text::new(permission.as_deref().unwrap_or(needed)),
        identity: Text::new(&identity),
    }
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// Returns all causes in one line, those that say the same only once.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    for cause in sources(error) {
        let text = cause.to_string();
        if !said.iter().any(|known| known.contains(&text)) {
            said.push(text);
        }
    }
    said.join(": ")
}

/// Returns what is wrong with the credentials, where that is what went wrong.
pub(super) fn credentials(error: &(dyn Error + 'static)) -> Option<ReadTrouble> {
    let found = sources(error).find_map(|cause| cause.downcast_ref::<CredentialsError>())?;
    let says = match found {
        CredentialsError::CredentialsNotLoaded(_) => "there are no credentials".to_owned(),
        CredentialsError::ProviderTimedOut(_) => "no credentials came in time".to_owned(),
        other => {
            let text = chain(other);
            if text.contains("SSO token") || text.contains("access token") {
                let says = "nobody is logged in by IAM Identity Center: `lifeboat login` does it";
                return Some(ReadTrouble::Other(says.into()));
            }
            if text.contains("expired") || text.contains("ExpiredToken") {
                return Some(ReadTrouble::CredentialsExpired);
            }
            format!("no credentials: {text}")
        }
    };
    Some(ReadTrouble::Other(Text::new(&says)))
}

fn refused(error: &(dyn Error + 'static)) -> Option<ReadTrouble> {
    let refused = sources(error).find_map(|cause| cause.downcast_ref::<Refused>())?;
    Some(ReadTrouble::Other(Text::new(&refused.to_string())))
}
