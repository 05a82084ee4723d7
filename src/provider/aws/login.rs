//! Logging in: with the code of an MFA device, or by IAM Identity Center. Nothing here talks to a terminal.
//!
//! [`needs`] says what a login wants of a person; [`with_code`], or [`start_device`] and [`await_token`], do it. The
//! clients made here carry no wire guard: they open sessions, ask who one is, and know no other operation. What they
//! send and get is secret, so the SDK's own diagnostics of it are never written, however much else is.

pub use super::profile::Sso;

use super::connection::timeouts;
use super::convert::moment;
use super::profile::{Base, SESSION_S, Token, Way, way};
use super::session::{KeptSession, session_name};
use crate::domain::Text;
use crate::domain::condition::Identity;
use crate::domain::duration::after;
use crate::domain::estate::{Environment, Purpose};
use crate::failure::{Failure, FailureKind};
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ssooidc::operation::create_token::{CreateTokenError, CreateTokenOutput};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use jiff::Timestamp;
use std::future::Future;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

/// While more than this is left of a session, nobody is asked for another.
pub const ENOUGH: Duration = Duration::from_secs(10 * 60);
/// How often a token is asked for where the service does not say, and by how much less often when it says so.
const POLL: Duration = Duration::from_secs(5);
/// How long a confirmation may take where the service does not say.
const CONFIRMATION: Duration = Duration::from_secs(10 * 60);
/// What the flow is called in which another device confirms.
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What a login wants of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing {
        /// Where its credentials come from.
        source: String,
    },
    /// A code of an MFA device.
    Mfa {
        /// The device.
        serial: String,
    },
    /// A confirmation in a browser.
    Sso(Sso),
}

/// Why a code opened nothing.
#[derive(Debug, thiserror::Error)]
pub enum CodeTrouble {
    /// It is no code, or not the right one: another may be.
    #[error("{0}")]
    Code(Failure),
    /// Another code would not help.
    #[error("{0}")]
    Other(#[from] Failure),
}

impl From<CodeTrouble> for Failure {
    fn from(trouble: CodeTrouble) -> Self {
        match trouble {
            CodeTrouble::Code(failure) | CodeTrouble::Other(failure) => failure,
        }
    }
}

/// Returns what the login of `environment` for `purpose` wants of a person. Nothing is sent.
///
/// # Errors
/// When the AWS configuration does not lead to credentials.
pub async fn needs(environment: &Environment, purpose: Purpose) -> Result<Needs, Failure> {
    let way = way_of(environment, purpose).await?;
    Ok(match (&way.base, way.mfa()) {
        (Base::Sso(sso), _) => Needs::Sso(sso.clone()),
        (_, Some((_, serial))) => Needs::Mfa { serial: serial.to_owned() },
        (_, None) => Needs::Nothing { source: way.words() },
    })
}

/// Opens a session with a code of the MFA device that [`needs`] named. It is of the environment's account, and not kept
/// yet.
///
/// # Errors
/// When the code is not accepted, a role is not granted, or the session is of another account.
pub async fn with_code(
    environment: &Environment,
    purpose: Purpose,
    code: &str,
) -> Result<KeptSession, CodeTrouble> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|digit| digit.is_ascii_digit()) {
        let says = format!("{}: a code of an MFA device has six digits", environment.name);
        return Err(CodeTrouble::Code(Failure::new(FailureKind::Usage, says)));
    }
    let way = way_of(environment, purpose).await?;
    let config = config(&way.profile, environment.region.as_str()).await?;
    let session = unlogged(open(environment, purpose, &way, &config, &code)).await?;
    let asks = sts(&config, environment, provider(&session)).get_caller_identity();
    let what = format!("{}: cannot tell who the new session is", environment.name);
    let who = unlogged(asks.send()).await.map_err(|error| failed(&what, &error))?;
    let who = Identity {
        who: Text::new(who.arn().unwrap_or("nobody knows")),
        account: who.account().unwrap_or_default().into(),
        expires_at: Some(session.expires_at),
    };
    right_account(environment, &who)?;
    Ok(session)
}

/// Refuses a caller who is not in the environment's account.
///
/// # Errors
/// When they are in another.
pub fn right_account(environment: &Environment, who: &Identity) -> Result<(), Failure> {
    if who.account == environment.account {
        return Ok(());
    }
    let (name, is, wanted) = (&environment.name, &who.account, &environment.account);
    let says = format!("{name}: {} is in account {is}, but the estate says {wanted}", who.who);
    Err(Failure::new(FailureKind::Failed, says)
        .hint(format!("name a profile or role of account {wanted} for {name} in the estate file"))
        .hint(format!("or correct its account, if {is} is the right one")))
}

/// Keeps a session where connections look for it.
///
/// # Errors
/// When it cannot be written.
pub fn keep(session: &KeptSession, path: &Path) -> Result<(), Failure> {
    let text = serde_json::to_vec(session).map_err(|error| Failure::of("cannot keep the session", &error))?;
    write(path, &text)
}

/// Removes a kept session, if there is one: while it is there, connections use it before anything else.
///
/// # Errors
/// When it cannot be removed.
pub fn forget(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::of(format!("cannot remove {}", path.display()), &error))
        }
        _ => Ok(()),
    }
}

async fn way_of(environment: &Environment, purpose: Purpose) -> Result<Way, Failure> {
    let login = environment.access.logins.get(&purpose).cloned().unwrap_or_default();
    way(&login).await
}

/// Awaits something of which the SDK writes no diagnostics: with all of them on, they would hold what is sent.
async fn unlogged<T>(what: impl Future<Output = T>) -> T {
    what.with_subscriber(NoSubscriber::default()).await
}

/// Returns the configuration of clients that know nobody yet.
async fn config(profile: &str, region: &str) -> Result<SdkConfig, Failure> {
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(super::http::client()?)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts())
        .region(Region::new(region.to_owned()))
        .profile_name(profile)
        .no_credentials();
    Ok(loader.load().await)
}

/// Returns the endpoint that the environment has in place of AWS's.
fn endpoint(environment: &Environment, service: &str) -> Option<String> {
    let endpoints = &environment.access.endpoints;
    [service, "default"].iter().find_map(|name| endpoints.get(&Text::new(name))).map(Text::to_string)
}

fn sts(config: &SdkConfig, environment: &Environment, who: SharedCredentialsProvider) -> aws_sdk_sts::Client {
    let mut builder = aws_sdk_sts::config::Builder::from(config).credentials_provider(who);
    if let Some(url) = endpoint(environment, "sts") {
        builder.set_endpoint_url(Some(url));
    }
    aws_sdk_sts::Client::from_conf(builder.build())
}

/// Says that a call failed, in the service's own words where it gave any.
fn failed<E>(what: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let Some(code) = error.code() else { return Failure::of(what, error) };
    let mut failure = Failure::new(FailureKind::Failed, what);
    failure.causes.push(match error.message() {
        Some(message) if !message.is_empty() => format!("{code}: {}", message.trim()),
        _ => code.to_owned(),
    });
    failure
}

/// Says why STS gave no session; `serial` is the device whose code it got.
fn refused<E>(what: &str, serial: Option<&str>, error: &SdkError<E, HttpResponse>) -> CodeTrouble
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let (failure, message) = (failed(what, error), error.message().unwrap_or_default());
    let Some(serial) = serial else { return failure.into() };
    if message.contains("invalid MFA one time pass code") {
        let hint = "a code is good once and for half a minute: give the next one that the device shows";
        return CodeTrouble::Code(failure.hint(hint));
    }
    if message.contains("MFA") || message.contains("MultiFactor") {
        let hint = format!("see whether mfa_serial = {serial} is the device of the keys' owner");
        return failure.hint(hint).into();
    }
    failure.into()
}

/// Goes the way from the first credentials to those of a session; the code is used where the way wants it.
async fn open(
    environment: &Environment,
    purpose: Purpose,
    way: &Way,
    config: &SdkConfig,
    code: &str,
) -> Result<KeptSession, CodeTrouble> {
    let name = &environment.name;
    let Some((asked, serial)) = way.mfa() else {
        return Err(Failure::new(FailureKind::Usage, format!("{name}: this login wants no code")).into());
    };
    let mut who = first(way, config)?;
    if way.roles.is_empty() {
        let what = format!("{name}: no session for {}", way.words());
        let call = sts(config, environment, who).get_session_token().duration_seconds(way.seconds);
        let answer = call.serial_number(serial).token_code(code).send().await;
        let answer = answer.map_err(|error| refused(&what, Some(serial), &error))?;
        return Ok(kept(&what, answer.credentials())?);
    }
    let (user, host) = operator();
    let session_name = session_name(purpose, &user, &host);
    let mut session = None;
    for (nth, role) in way.roles.iter().enumerate() {
        let what = format!("{name}: no session in {}", role.arn);
        let serial = (nth == asked).then_some(serial);
        let call = sts(config, environment, who)
            .assume_role()
            .role_arn(&role.arn)
            .role_session_name(session_name.as_str())
            .set_external_id(role.external_id.clone())
            // One role grants another an hour at most.
            .duration_seconds(if nth == 0 { role.seconds } else { role.seconds.min(SESSION_S) })
            .set_serial_number(serial.map(str::to_owned))
            .set_token_code(serial.map(|_| code.to_owned()));
        let answer = call.send().await.map_err(|error| refused(&what, serial, &error))?;
        let opened = kept(&what, answer.credentials())?;
        who = provider(&opened);
        session = Some(opened);
    }
    session.ok_or_else(|| Failure::new(FailureKind::Failed, format!("{name}: no role was assumed")).into())
}

/// Returns the credentials that a way begins with.
fn first(way: &Way, config: &SdkConfig) -> Result<SharedCredentialsProvider, Failure> {
    let mut settings = ProviderConfig::without_region()
        .with_region(config.region().cloned())
        .with_retry_config(RetryConfig::disabled())
        .with_timeout_config(timeouts())
        .with_behavior_version(Some(BehaviorVersion::v2026_01_12()));
    if let Some(http) = config.http_client() {
        settings = settings.with_http_client(http);
    }
    let none = |why: String| {
        let says = format!("profile `{}` of the AWS configuration {why}", way.source);
        Err(Failure::new(FailureKind::Usage, says).hint("give it keys, a process or a source_profile"))
    };
    Ok(match &way.base {
        Base::Keys(keys) => SharedCredentialsProvider::new(keys.clone()),
        Base::Own(_) => {
            let provider = ProfileFileCredentialsProvider::builder().configure(&settings);
            SharedCredentialsProvider::new(provider.profile_name(&way.source).build())
        }
        Base::Named(named) => match named.to_ascii_lowercase().as_str() {
            "environment" => SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()),
            "ec2instancemetadata" => SharedCredentialsProvider::new(
                ImdsCredentialsProvider::builder().configure(&settings).build(),
            ),
            "ecscontainer" => {
                SharedCredentialsProvider::new(EcsCredentialsProvider::builder().configure(&settings).build())
            }
            _ => return none(format!("names an unknown credential_source, {named}")),
        },
        Base::Sso(_) | Base::Ambient(_) => return none("has no credentials of its own".to_owned()),
    })
}

/// Returns who is at the keyboard, and where: CloudTrail shows it.
fn operator() -> (String, String) {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    (super::connection::operator(), host)
}

fn kept(what: &str, given: Option<&aws_sdk_sts::types::Credentials>) -> Result<KeptSession, Failure> {
    let told = given.and_then(|given| Some((given, moment(Some(given.expiration()))?)));
    let Some((given, expires_at)) = told else {
        let mut failure = Failure::new(FailureKind::Failed, what);
        failure.causes.push("the answer of STS holds none".to_owned());
        return Err(failure);
    };
    Ok(KeptSession {
        access_key_id: given.access_key_id().to_owned(),
        secret_access_key: given.secret_access_key().to_owned(),
        session_token: given.session_token().to_owned(),
        expires_at,
    })
}

fn provider(session: &KeptSession) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new(
        &session.access_key_id,
        &session.secret_access_key,
        Some(session.session_token.clone()),
        Some(session.expires_at.into()),
        "lifeboat login",
    ))
}

/// A login that waits for its confirmation in a browser.
pub struct Device {
    /// Where to confirm it.
    pub url: String,
    /// The code that has to stand there.
    pub code: String,
    /// How often the token may be asked for.
    pub interval: Duration,
    /// Until when it can be confirmed.
    pub expires_at: Timestamp,
    path: PathBuf,
    sso: Sso,
    client: aws_sdk_ssooidc::Client,
    client_id: String,
    client_secret: String,
    client_ends: Option<Timestamp>,
    device_code: String,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Begins to log in by IAM Identity Center.
///
/// # Errors
/// When nobody answers there, or it is not done for this start URL.
pub async fn start_device(environment: &Environment, sso: &Sso) -> Result<Device, Failure> {
    let path = sso.token_path()?;
    let config = config(&sso.profile, &sso.region).await?;
    let mut builder = aws_sdk_ssooidc::config::Builder::from(&config);
    if let Some(url) = endpoint(environment, "oidc") {
        builder.set_endpoint_url(Some(url));
    }
    let client = aws_sdk_ssooidc::Client::from_conf(builder.build());
    let what = format!("{}: cannot begin to log in at {}", environment.name, sso.start_url);
    let hint = format!("see whether sso_start_url and sso_region ({}) are right", sso.region);
    let scopes = (!sso.scopes.is_empty()).then(|| sso.scopes.clone());
    let registered =
        client.register_client().client_name("lifeboat").client_type("public").set_scopes(scopes);
    let registered = unlogged(registered.send()).await;
    let registered = registered.map_err(|error| failed(&what, &error).hint(hint.clone()))?;
    let nothing = || Failure::new(FailureKind::Failed, what.clone()).hint(hint.clone());
    let (id, secret) = registered.client_id().zip(registered.client_secret()).ok_or_else(nothing)?;
    let begun = client.start_device_authorization().client_id(id).client_secret(secret);
    let begun = unlogged(begun.start_url(&sso.start_url).send()).await;
    let begun = begun.map_err(|error| failed(&what, &error).hint(hint.clone()))?;
    let url = begun.verification_uri_complete().or(begun.verification_uri()).ok_or_else(nothing)?;
    let (device_code, code) = begun.device_code().zip(begun.user_code()).ok_or_else(nothing)?;
    let span = |seconds: i32, usual: Duration| match u64::try_from(seconds) {
        Ok(seconds) if seconds > 0 => Duration::from_secs(seconds),
        _ => usual,
    };
    let ends = registered.client_secret_expires_at();
    Ok(Device {
        url: url.to_owned(),
        code: code.to_owned(),
        interval: span(begun.interval(), POLL),
        expires_at: after(SystemClock.now(), span(begun.expires_in(), CONFIRMATION)),
        path,
        sso: sso.clone(),
        client_id: id.to_owned(),
        client_secret: secret.to_owned(),
        client_ends: Timestamp::from_second(ends).ok().filter(|_| ends > 0),
        device_code: device_code.to_owned(),
        client,
    })
}

/// Waits until somebody has confirmed it, keeps the token where the SDK and other tools look for it, and says when that
/// ends.
///
/// # Errors
/// When it is declined, nobody confirms it in time, or the token cannot be kept.
pub async fn await_token(device: &Device) -> Result<Timestamp, Failure> {
    let what = format!("the login at {} was not confirmed", device.sso.start_url);
    let ended = |why: &str, hint: &str| {
        let mut failure = Failure::new(FailureKind::Failed, what.as_str());
        failure.causes.push(why.to_owned());
        Err(failure.hint(hint))
    };
    let late = || ended("its code has ended", "log in again, and confirm it while lifeboat waits");
    let mut interval = device.interval;
    loop {
        tokio::time::sleep(interval).await;
        if SystemClock.now() >= device.expires_at {
            return late();
        }
        let call = device.client.create_token().grant_type(DEVICE_CODE).device_code(&device.device_code);
        let call = call.client_id(&device.client_id).client_secret(&device.client_secret);
        let error = match unlogged(call.send()).await {
            Ok(answer) => return keep_token(device, &answer),
            Err(error) => error,
        };
        // A network or service that comes and goes is no answer: the person may still be at it.
        let passes = match &error {
            SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
            SdkError::DispatchFailure(failure) => failure.is_io() || failure.is_timeout(),
            _ => error.raw_response().is_some_and(|raw| raw.status().as_u16() >= 500),
        };
        if passes {
            continue;
        }
        match error.as_service_error() {
            Some(CreateTokenError::AuthorizationPendingException(_)) => {}
            Some(CreateTokenError::SlowDownException(_)) => interval += POLL,
            Some(CreateTokenError::ExpiredTokenException(_)) => return late(),
            Some(CreateTokenError::AccessDeniedException(_)) => {
                return ended("it was declined in the browser", "log in again, and allow it there");
            }
            _ => return Err(failed(&what, &error)),
        }
    }
}

fn keep_token(device: &Device, answer: &CreateTokenOutput) -> Result<Timestamp, Failure> {
    let what = format!("cannot keep the token of {}", device.sso.start_url);
    let lasts = u64::try_from(answer.expires_in()).ok().filter(|lasts| *lasts > 0);
    let Some((access_token, lasts)) = answer.access_token().zip(lasts) else {
        let mut failure = Failure::new(FailureKind::Failed, what);
        failure.causes.push("the answer holds none".to_owned());
        return Err(failure);
    };
    // Other tools read whole seconds only.
    let now = SystemClock.now();
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let token = Token {
        start_url: &device.sso.start_url,
        region: &device.sso.region,
        access_token,
        expires_at: after(now, Duration::from_secs(lasts)),
        client_id: &device.client_id,
        client_secret: &device.client_secret,
        registration_expires_at: device.client_ends,
        refresh_token: answer.refresh_token(),
    };
    let text = serde_json::to_vec(&token).map_err(|error| Failure::of(what, &error))?;
    write(&device.path, &text)?;
    Ok(token.expires_at)
}

/// Writes a file of our own (0600), whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| Failure::of(format!("cannot write {}", path.display()), error);
    let folder = path.parent().unwrap_or(Path::new("."));
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| failed(&error))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok(())
}
