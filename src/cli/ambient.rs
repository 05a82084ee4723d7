//! The ambient account: what is found with the credentials at hand, when no estate file says what to look at.

use super::args::Global;
use super::output::Output;
use super::wire::{self, Wired};
use crate::config::proposal::Discovery;
use crate::config::{self, paths};
use crate::failure::{Failure, FailureKind};

/// What to look at.
#[derive(Debug, Clone, Default)]
pub struct Ambient {
    /// The profile; the ambient credentials if absent.
    pub profile: Option<String>,
    /// The Region; that of the profile or environment if absent.
    pub region: Option<String>,
    /// The Region to recover to, where it is named.
    pub dr_region: Option<String>,
}

/// Returns the failure of somebody who has no way into any account.
pub fn no_credentials(why: &str) -> Failure {
    let mut failure = Failure::new(FailureKind::Usage, "there are no AWS credentials to look with");
    failure.causes.push(why.to_owned());
    failure
        .hint("`lifeboat demo` opens the console on the sandbox, without any account")
        .hint("`aws configure`, `aws configure sso` or AWS_PROFILE give credentials; `lifeboat doctor` says what is there")
}

/// What the console opens on.
pub enum Opened {
    /// An estate.
    Estate(Box<Wired>),
    /// Nothing: the person left.
    Left,
}

/// Opens the estate that the command line asks for; without a file, what the ambient account holds, unsaved. Who has no way
/// into any account is offered the sandbox.
///
/// # Errors
/// As [`wire::open`], or when the account cannot be looked at.
pub fn open(global: &Global) -> Result<Opened, Failure> {
    let is_sandbox =
        global.environment.as_deref().is_some_and(|name| name == "sandbox" || name.starts_with("sandbox:"));
    if is_sandbox || paths::estate_file(global.estate.as_deref()).is_some() {
        return Ok(Opened::Estate(Box::new(wire::open(global)?)));
    }
    let output = Output::new(
        global,
        global.redact.then(|| crate::domain::redaction::Redactor::new(crate::domain::redaction::SALT)),
    );
    let failure = match discover(&Ambient::default(), &|line| output.note(line)) {
        Ok(found) => {
            let text = found.file(&format!("account-{}", found.account));
            let loaded = config::load_text(&text)
                .map_err(|diagnostics| config::load::failure("what was found", &text, &diagnostics))?;
            let origin = format!("account {}, not saved", found.account);
            let mut wired = wire::open_loaded(global, loaded, origin)?;
            wired.notes.push(
                "found in the account and not saved; every objective is a proposal: `lifeboat init` keeps it"
                    .to_owned(),
            );
            wired.notes.extend(found.unread.iter().map(|line| format!("could not be looked at: {line}")));
            return Ok(Opened::Estate(Box::new(wired)));
        }
        Err(failure) => failure,
    };
    if failure.kind != FailureKind::Usage {
        return Err(failure);
    }
    output.failure(&failure, None);
    output.note("\nEnter opens the sandbox; q and Enter, or Ctrl-C, leaves.");
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    if read.is_err() || read.is_ok_and(|bytes| bytes == 0) || line.trim() == "q" {
        return Ok(Opened::Left);
    }
    let global = Global { environment: Some("sandbox:calm".to_owned()), ..global.clone() };
    let (loaded, origin) = wire::load_demo()?;
    Ok(Opened::Estate(Box::new(wire::open_loaded(&global, loaded, origin)?)))
}

/// Finds what the ambient account holds. `say` takes a line about what is being done.
///
/// # Errors
/// When there is no Region or no credentials, or nobody knows them.
#[cfg(feature = "aws-core")]
pub fn discover(ambient: &Ambient, say: &dyn Fn(&str)) -> Result<Discovery, Failure> {
    use crate::domain::estate::{Access, Environment, EnvironmentClass, Estate, Login, Provider, Purpose};
    use crate::domain::reading::{Cadences, ReadTrouble};
    use crate::provider::aws;
    use std::collections::BTreeMap;
    use std::time::Duration;

    /// How long credentials may take to come: an instance's own come at once, or not at all.
    const PATIENCE: Duration = Duration::from_secs(8);

    let profile = ambient.profile.as_deref();
    let login = Login { profile: profile.map(Into::into), role: None };
    let estate = |region: &str, account: &str| Estate {
        name: "ambient".into(),
        environments: vec![Environment {
            name: "ambient".into(),
            class: EnvironmentClass::Production,
            provider: Provider::Aws,
            account: account.into(),
            account_alias: account.into(),
            region: region.into(),
            dr_region: ambient.dr_region.as_deref().map(Into::into),
            phrase_prefix: None,
            access: Access {
                logins: BTreeMap::from([(Purpose::Observe, login.clone())]),
                endpoints: BTreeMap::new(),
            },
        }],
        components: Vec::new(),
        backends: Vec::new(),
        masks_names: false,
        policy: crate::domain::estate::Policy::default(),
        cadences: Cadences::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::of("cannot start reading", &error))?;
    runtime.block_on(async {
        let region = match &ambient.region {
            Some(region) => Some(region.clone()),
            None => aws::ambient_region(profile).await,
        };
        let Some(region) = region else {
            return Err(Failure::new(FailureKind::Usage, "no Region is named to look at")
                .hint("name one with --region or AWS_REGION, or set it in the profile: `aws configure set region us-east-2`")
                .hint("`lifeboat demo` opens the console on the sandbox, without any account"));
        };
        let unknown = estate(&region, "000000000000");
        let connections = aws::Connections::new(&unknown, None, Purpose::Observe)?;
        let Some(environment) = unknown.environments.first() else {
            return Err(Failure::new(FailureKind::Failed, "nothing to look at"));
        };
        // A profile that does not exist, or is written wrong, is told as that and not as missing credentials.
        let needs = aws::login::needs(environment, Purpose::Observe).await?;
        let who = tokio::time::timeout(PATIENCE, aws::caller(&connections, environment)).await;
        let who = match who {
            Ok(Ok(who)) => who,
            Ok(Err(ReadTrouble::Other(why))) if why.as_str().contains("credentials") => {
                return Err(match needs {
                    aws::login::Needs::Nothing { .. } => no_credentials(why.as_str()),
                    aws::login::Needs::Mfa { .. } | aws::login::Needs::Sso(_) => no_credentials(why.as_str())
                        .hint("`aws sso login`, or for a code of an MFA device `aws sts get-session-token`, opens the profile's session"),
                });
            }
            Ok(Err(why)) => {
                let mut failure = Failure::new(FailureKind::Failed, format!("cannot tell who we are in {region}"));
                failure.causes.push(why.to_string());
                return Err(failure
                    .hint("look at the network, HTTPS_PROXY, and AWS_ENDPOINT_URL where it is set")
                    .hint("`aws sts get-caller-identity` asks the same"));
            }
            Err(_) => return Err(no_credentials("none came in time")),
        };
        say(&format!("looking at what account {} holds in {region}, as {}", who.account, who.who));
        let known = estate(&region, who.account.as_str());
        let connections = aws::Connections::new(&known, None, Purpose::Observe)?;
        let Some(environment) = known.environments.first() else {
            return Err(Failure::new(FailureKind::Failed, "nothing to look at"));
        };
        let found = Box::pin(aws::discover(&connections, environment)).await;
        let mut found = found.map_err(|why| {
            let mut failure = Failure::new(FailureKind::Failed, format!("cannot look at account {}", who.account));
            failure.causes.push(why.to_string());
            failure
        })?;
        // Keys in the environment go before AWS_PROFILE, and the file is to name what was used.
        let by_keys = std::env::var_os("AWS_ACCESS_KEY_ID").is_some_and(|key| !key.is_empty());
        let named = std::env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty() && !by_keys);
        found.profile = ambient.profile.clone().or(named);
        Ok(found)
    })
}

/// Says that this build finds nothing.
///
/// # Errors
/// Always.
#[cfg(not(feature = "aws-core"))]
pub fn discover(_: &Ambient, _: &dyn Fn(&str)) -> Result<Discovery, Failure> {
    Err(Failure::new(FailureKind::Usage, "this build of lifeboat cannot read AWS").hint(
        "`lifeboat demo` opens the console on the sandbox; build with the default features to read accounts",
    ))
}
