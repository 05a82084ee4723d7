//! What the AWS configuration says of a login: the files `config` and `credentials`, read as the SDK itself reads them,
//! and the tokens that lie beside them.
//!
//! The SDK follows a profile to its credentials but asks nobody for anything: it passes over `mfa_serial`, and takes a
//! token of IAM Identity Center only where somebody has left one. [`way`] follows a profile as the SDK does and says
//! where somebody has to be asked.

use crate::domain::duration::after;
use crate::domain::estate::Login;
use crate::failure::{Failure, FailureKind};
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use aws_config::profile::{Profile, ProfileSet};
use aws_credential_types::Credentials;
use aws_types::os_shim_internal::{Env, Fs};
use jiff::Timestamp;
use serde::Serialize;
use sha1::{Digest, Sha1};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// How long a session lasts for which no profile says anything else; the most that one role grants another.
pub(super) const SESSION_S: i32 = 3600;
/// What STS grants at all.
const SESSIONS_S: RangeInclusive<i32> = 900..=43_200;
/// What may be done with a token that no profile narrows: to ask for the roles that one has.
const SCOPE: &str = "sso:account:access";
/// What gives credentials where neither a variable nor a profile does.
const MACHINE: &str = "the role of this machine or container";

/// A place at which people log in by IAM Identity Center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sso {
    /// The profile that names it.
    pub profile: String,
    /// The name of its `sso-session` section; `None` where the profile itself says all.
    pub session: Option<String>,
    /// Where people begin.
    pub start_url: String,
    /// Its Region, which need not be that of the account.
    pub region: String,
    /// What may be done with a token; empty where the profile itself says all.
    pub scopes: Vec<String>,
}

impl Sso {
    /// Returns the name under which its token is kept: profiles that share it share the token.
    pub fn key(&self) -> &str {
        self.session.as_deref().unwrap_or(&self.start_url)
    }

    /// Returns when its kept token ends; `None` where there is none, or less than `enough` is left of it.
    pub fn kept_until(&self, enough: Duration) -> Option<Timestamp> {
        let text = std::fs::read(self.token_path().ok()?).ok()?;
        let token: serde_json::Value = serde_json::from_slice(&text).ok()?;
        let ends: Timestamp = token.get("expiresAt")?.as_str()?.parse().ok()?;
        let whole = token.get("accessToken")?.as_str().is_some_and(|token| !token.is_empty());
        (whole && ends > after(SystemClock.now(), enough)).then_some(ends)
    }

    /// Returns where its token is kept: below HOME, which is all that the SDK looks at.
    ///
    /// # Errors
    /// When HOME is not set.
    pub(super) fn token_path(&self) -> Result<PathBuf, Failure> {
        let Some(home) = std::env::var_os("HOME").filter(|home| !home.is_empty()) else {
            let says = "cannot tell where the token is to be kept: HOME is not set";
            return Err(Failure::new(FailureKind::Usage, says).hint("set HOME to your own folder"));
        };
        let digest = Sha1::digest(self.key().as_bytes());
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(PathBuf::from(home).join(".aws/sso/cache").join(format!("{name}.json")))
    }
}

/// A token as the SDK and other tools keep it. Its times are whole seconds: not all of them read more.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Token<'a> {
    /// Where people began.
    pub start_url: &'a str,
    /// The Region of that place.
    pub region: &'a str,
    /// The token.
    pub access_token: &'a str,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Who asked for it.
    pub client_id: &'a str,
    /// The secret of whoever asked.
    pub client_secret: &'a str,
    /// When that ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_expires_at: Option<Timestamp>,
    /// What another can be had for, where it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<&'a str>,
}

/// Where credentials come from in the first place.
#[derive(Debug, Clone)]
pub(super) enum Base {
    /// Keys that stand in the profile.
    Keys(Credentials),
    /// What the profile names as its `credential_source`.
    Named(String),
    /// What the SDK makes of the profile by itself: a process, a web identity.
    Own(&'static str),
    /// A person, in a browser.
    Sso(Sso),
    /// No profile: variables of the environment, or the machine.
    Ambient(&'static str),
}

/// A role on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Role {
    /// Its ARN.
    pub arn: String,
    /// What its owner wants to hear.
    pub external_id: Option<String>,
    /// The MFA device that stands before it.
    pub serial: Option<String>,
    /// How long its session lasts.
    pub seconds: i32,
}

/// From the first credentials to those that are used.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// The profile that it was asked for by.
    pub profile: String,
    /// The profile that the first credentials belong to.
    pub source: String,
    /// Where they come from.
    pub base: Base,
    /// The MFA device of that profile.
    pub serial: Option<String>,
    /// How long a session of theirs lasts.
    pub seconds: i32,
    /// The roles, in the order in which they are assumed.
    pub roles: Vec<Role>,
}

impl Way {
    fn new(profile: &str, base: Base) -> Self {
        let (profile, source) = (profile.to_owned(), profile.to_owned());
        Self { profile, source, base, serial: None, seconds: SESSION_S, roles: Vec::new() }
    }

    /// Returns the MFA device, and the number of the role that is assumed with its code. A code works once, so it is
    /// used at the first place that wants one.
    pub(super) fn mfa(&self) -> Option<(usize, &str)> {
        if matches!(self.base, Base::Sso(_) | Base::Ambient(_)) {
            return None;
        }
        let of_role =
            || self.roles.iter().enumerate().find_map(|(nth, role)| Some((nth, role.serial.as_deref()?)));
        self.serial.as_deref().map(|serial| (0, serial)).or_else(of_role)
    }

    /// Says where the first credentials come from.
    pub(super) fn words(&self) -> String {
        let source = &self.source;
        match &self.base {
            Base::Keys(_) => format!("the keys in profile `{source}`"),
            Base::Named(what) => format!("{what}, which profile `{source}` names"),
            Base::Own(what) => format!("{what} of profile `{source}`"),
            Base::Sso(sso) => format!("IAM Identity Center at {}", sso.start_url),
            Base::Ambient(what) => (*what).to_owned(),
        }
    }
}

/// Returns the way that a login takes: by its profile, or else by what the environment's variables say.
///
/// # Errors
/// When the files cannot be read, there is no such profile, or what it says does not lead to credentials.
pub(super) async fn way(login: &Login) -> Result<Way, Failure> {
    let files = files().await?;
    let default = Some(files.selected_profile()).filter(|name| !name.is_empty()).unwrap_or("default");
    let mut way = match &login.profile {
        Some(named) => follow(&files, named.as_str())?,
        // Keys in variables come before any profile that only a variable names.
        None if keys_in_variables() => Way::new(default, Base::Ambient("the keys in AWS_ACCESS_KEY_ID")),
        None if default == "default" && files.get_profile(default).is_none() => {
            Way::new(default, Base::Ambient(MACHINE))
        }
        None => follow(&files, default)?,
    };
    if let Some(role) = &login.role {
        let role = Role { arn: role.to_string(), external_id: None, serial: None, seconds: way.seconds };
        way.roles.push(role);
    }
    Ok(way)
}

#[expect(
    deprecated,
    reason = "the type's new name lies in a crate that is not meant for others than the SDK"
)]
async fn files() -> Result<ProfileSet, Failure> {
    let usual = aws_config::profile::profile_file::ProfileFiles::default();
    aws_config::profile::load(&Fs::real(), &Env::real(), &usual, None).await.map_err(|error| {
        Failure::of("cannot read the AWS configuration", &error)
            .hint("`aws configure list` reads the same files; AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name others")
    })
}

fn keys_in_variables() -> bool {
    let given = |name: &str| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
    given("AWS_ACCESS_KEY_ID") && (given("AWS_SECRET_ACCESS_KEY") || given("SECRET_ACCESS_KEY"))
}

fn wrong(profile: &str, why: &str) -> Failure {
    Failure::new(FailureKind::Usage, format!("profile `{profile}` of the AWS configuration {why}"))
        .hint("correct it in ~/.aws/config or ~/.aws/credentials, or name another profile in the estate file")
}

fn follow<'a>(files: &'a ProfileSet, first: &'a str) -> Result<Way, Failure> {
    let mut way = Way::new(first, Base::Ambient(MACHINE));
    let mut passed: Vec<&str> = Vec::new();
    let mut name = first;
    loop {
        let Some(profile) = files.get_profile(name) else {
            return Err(match passed.last() {
                Some(from) => wrong(from, &format!("refers to profile `{name}`, which is not there")),
                None => wrong(name, "is not there"),
            });
        };
        if passed.contains(&name) {
            return Err(wrong(name, "comes back to itself by source_profile"));
        }
        name.clone_into(&mut way.source);
        let keys = if passed.is_empty() { None } else { keys(profile)? };
        passed.push(name);
        let web = profile.get("web_identity_token_file").is_some();
        let arn = profile.get("role_arn").filter(|_| !web);
        if arn.is_none() {
            way.serial = profile.get("mfa_serial").map(str::to_owned);
            way.seconds = seconds(profile)?;
        }
        if let Some(keys) = keys {
            way.base = Base::Keys(keys);
            break;
        }
        let Some(arn) = arn else {
            way.base = base(files, profile)?;
            break;
        };
        way.roles.push(Role {
            arn: arn.to_owned(),
            external_id: profile.get("external_id").map(str::to_owned),
            serial: profile.get("mfa_serial").map(str::to_owned),
            seconds: seconds(profile)?,
        });
        match (profile.get("source_profile"), profile.get("credential_source")) {
            (Some(next), None) if next != name => name = next,
            (Some(_), None) | (None, Some(_)) => {
                way.base = base(files, profile)?;
                break;
            }
            (Some(_), Some(_)) => return Err(wrong(name, "has both source_profile and credential_source")),
            (None, None) => {
                return Err(wrong(name, "has role_arn and neither source_profile nor credential_source"));
            }
        }
    }
    way.roles.reverse();
    if matches!(way.base, Base::Ambient(_))
        && (passed.len() > 1 || way.serial.is_some() || !way.roles.is_empty())
    {
        return Err(wrong(&way.source, "has no credentials"));
    }
    Ok(way)
}

fn seconds(profile: &Profile) -> Result<i32, Failure> {
    let Some(given) = profile.get("duration_seconds") else { return Ok(SESSION_S) };
    let seconds = given.parse::<i32>().ok().filter(|seconds| SESSIONS_S.contains(seconds));
    seconds.ok_or_else(|| {
        let why = format!("has duration_seconds = {given}; STS grants from 900 to 43200");
        wrong(profile.name(), &why)
    })
}

fn base(files: &ProfileSet, profile: &Profile) -> Result<Base, Failure> {
    if let Some(named) = profile.get("credential_source") {
        return Ok(Base::Named(named.to_owned()));
    }
    if profile.get("web_identity_token_file").is_some() {
        return Ok(Base::Own("the web identity"));
    }
    if let Some(sso) = sso(files, profile)? {
        return Ok(Base::Sso(sso));
    }
    if profile.get("login_session").is_some() {
        return Ok(Base::Own("the login session"));
    }
    if profile.get("credential_process").is_some() {
        return Ok(Base::Own("the credential process"));
    }
    Ok(match keys(profile)? {
        Some(keys) => Base::Keys(keys),
        None => Base::Ambient(MACHINE),
    })
}

fn keys(profile: &Profile) -> Result<Option<Credentials>, Failure> {
    match (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")) {
        (None, None) => Ok(None),
        (Some(id), Some(secret)) => {
            let token = profile.get("aws_session_token").map(str::to_owned);
            Ok(Some(Credentials::new(id, secret, token, None, "profile")))
        }
        _ => Err(wrong(
            profile.name(),
            "has one of aws_access_key_id and aws_secret_access_key without the other",
        )),
    }
}

fn sso(files: &ProfileSet, profile: &Profile) -> Result<Option<Sso>, Failure> {
    let made = |session: Option<&str>, start_url: &str, region: &str, scopes: Vec<String>| Sso {
        profile: profile.name().to_owned(),
        session: session.map(str::to_owned),
        start_url: start_url.to_owned(),
        region: region.to_owned(),
        scopes,
    };
    let Some(name) = profile.get("sso_session") else {
        return match (profile.get("sso_start_url"), profile.get("sso_region")) {
            (Some(url), Some(region)) => Ok(Some(made(None, url, region, Vec::new()))),
            (None, None) => Ok(None),
            _ => Err(wrong(profile.name(), "has one of sso_start_url and sso_region without the other")),
        };
    };
    let Some(section) = files.sso_session(name) else {
        return Err(wrong(profile.name(), &format!("refers to [sso-session {name}], which is not there")));
    };
    let (Some(url), Some(region)) = (section.get("sso_start_url"), section.get("sso_region")) else {
        let why = format!("refers to [sso-session {name}], which lacks sso_start_url or sso_region");
        return Err(wrong(profile.name(), &why));
    };
    let scopes = section.get("sso_registration_scopes").unwrap_or(SCOPE).split(',');
    let scopes = scopes.map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    Ok(Some(made(Some(name), url, region, scopes)))
}
