//! Credentials: which login an environment uses, when they end, and sessions that `lifeboat login` has kept.

use crate::domain::Text;
use crate::domain::duration::after;
use crate::domain::estate::Purpose;
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{
    ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// A kept session is not used any more when so little of it is left.
const TOO_SHORT: Duration = Duration::from_secs(30);

/// A session that `login` has opened, as it is kept in the state folder (0600).
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptSession {
    /// The access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// The session's token.
    pub session_token: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for KeptSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptSession").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl KeptSession {
    /// Returns the file that keeps the session of an environment and purpose.
    pub fn path(folder: &Path, environment: &str, purpose: Purpose) -> PathBuf {
        let plain: String =
            environment.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        folder.join(format!("{plain}.{}.json", purpose.name()))
    }

    /// Reads a kept session; `None` when there is none or it is at its end.
    pub fn read(path: &Path) -> Option<Self> {
        let kept: Self = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        (kept.expires_at > after(SystemClock.now(), TOO_SHORT)).then_some(kept)
    }

    fn credentials(&self) -> Credentials {
        Credentials::new(
            &self.access_key_id,
            &self.secret_access_key,
            Some(self.session_token.clone()),
            Some(self.expires_at.into()),
            "lifeboat login",
        )
    }
}

/// When the credentials in use end, as far as is known, and whether `login` has kept them.
#[derive(Debug, Clone, Default)]
pub(super) struct Expiry(Arc<Mutex<(Option<SystemTime>, bool)>>);

impl Expiry {
    /// Returns when they end.
    pub(super) fn at(&self) -> Option<Timestamp> {
        let (at, _) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        at.and_then(|at| Timestamp::try_from(at).ok())
    }

    /// Says whether others are had for them before they end: what has an end and was not kept by `login` comes from a
    /// provider of the SDK, which is asked again.
    pub(super) fn is_renewed(&self) -> bool {
        let (at, kept) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        at.is_some() && !kept
    }

    fn note(&self, credentials: &Credentials, kept: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (credentials.expiry(), kept);
    }
}

/// Hands out a kept session while there is one, else what the profile or role gives, and notes when it ends.
#[derive(Debug)]
pub(super) struct Watched {
    inner: Option<SharedCredentialsProvider>,
    kept: Option<PathBuf>,
    expiry: Expiry,
}

impl Watched {
    /// Returns the provider; `kept` is the file of the session that `login` keeps.
    pub(super) fn new(
        inner: Option<SharedCredentialsProvider>,
        kept: Option<PathBuf>,
        expiry: Expiry,
    ) -> Self {
        Self { inner, kept, expiry }
    }

    async fn provide(&self) -> Result<Credentials, CredentialsError> {
        let kept = self.kept.as_deref().and_then(KeptSession::read);
        let is_kept = kept.is_some();
        let credentials = match (kept, &self.inner) {
            (Some(kept), _) => kept.credentials(),
            (None, Some(inner)) => inner.provide_credentials().await?,
            (None, None) => return Err(CredentialsError::not_loaded_no_source()),
        };
        self.expiry.note(&credentials, is_kept);
        Ok(credentials)
    }
}

impl ProvideCredentials for Watched {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.provide())
    }
}

/// Returns the name under which CloudTrail shows a session: tool, purpose, person and host, in the letters that STS
/// allows, at most 64.
pub fn session_name(purpose: Purpose, user: &str, host: &str) -> Text {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let plain = |text: &str| text.chars().map(|c| if allowed(c) { c } else { '-' }).collect::<String>();
    let name = format!("lifeboat-{}-{}@{}", purpose.name(), plain(user), plain(host));
    Text::new(&name.chars().take(64).collect::<String>())
}
