//! `login`: opens the sessions that environments are reached by, where somebody has to be asked for it.

use crate::cli::args::{Format, Global, LoginArgs};
use crate::cli::document::{LoginDocument, LoginMethod, LoginStatus, VERSION};
use crate::cli::output::Output;
use crate::cli::wire;
use crate::config::diagnostic::suggestion;
use crate::config::paths::StateDir;
use crate::domain::Text;
use crate::domain::duration::{after, age_words, elapsed};
use crate::domain::estate::{Environment, Estate, Provider, Purpose};
use crate::domain::redaction::Redactor;
use crate::domain::text::harmless;
use crate::failure::{Failure, FailureKind};
use crate::provider::aws::login::{self, CodeTrouble, ENOUGH, Needs, Sso};
use crate::provider::aws::{self, Connections, KeptSession};
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

/// How often a code may be given on a terminal.
const TRIES: u32 = 3;
/// The longest line that is read where a code belongs.
const LONGEST: u64 = 256;

/// Runs the command.
///
/// # Errors
/// When the estate does not load or an environment is not there; exit code 1 when a login failed.
pub fn run(global: &Global, args: &LoginArgs, output: &Output) -> Result<u8, Failure> {
    output.no_prometheus("login")?;
    let (loaded, _) = wire::load(global)?;
    let named: BTreeSet<&str> =
        args.environments.iter().chain(&global.environment).map(String::as_str).collect();
    let environments = wanted(&loaded.estate, &named)?;
    let state = StateDir::open(global.state_dir.as_deref())?;
    crate::cli::start_telemetry(&state, global.verbose);
    let (folder, purpose) = (state.folder("logins")?, args.purpose.purpose());
    let mut desk = Desk {
        args,
        output,
        purpose,
        redactor: global.redact.then(|| loaded.estate.redactor()),
        connections: Connections::new(&loaded.estate, Some(folder.clone()), purpose)?,
        folder,
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::of("cannot start logging in", &error))?,
        confirmed: BTreeSet::new(),
        used: BTreeSet::new(),
    };
    let mut document = LoginDocument { version: VERSION, logins: Vec::new() };
    let mut code = 0;
    for environment in environments {
        match desk.log_in(environment) {
            Ok(status) => {
                if output.format() == Format::Table {
                    output.text(&line(&status))?;
                }
                document.logins.push(status);
            }
            // The others can be reached all the same.
            Err(failure) => {
                tracing::warn!(code = failure.kind.exit_code(), "{}", failure.message);
                output.failure(&failure, desk.redactor.as_ref());
                if code == 0 {
                    code = failure.kind.exit_code();
                }
            }
        }
    }
    if output.format() == Format::Json {
        output.json(&document)?;
    }
    Ok(code)
}

/// Returns the environments that are named, or all that are real.
fn wanted<'a>(estate: &'a Estate, named: &BTreeSet<&str>) -> Result<Vec<&'a Environment>, Failure> {
    let real: Vec<_> =
        estate.environments.iter().filter(|environment| environment.provider == Provider::Aws).collect();
    let names: Vec<_> = real.iter().map(|environment| environment.name.as_str()).collect();
    if names.is_empty() {
        return Err(Failure::new(FailureKind::Usage, "every environment of this estate is simulated")
            .hint("the sandbox needs no login"));
    }
    if let Some(unknown) = named.iter().find(|name| !names.contains(name)) {
        let simulated = estate.environments.iter().any(|environment| environment.name.as_str() == *unknown);
        let says = if simulated {
            format!("`{unknown}` is simulated: there is nothing to log in to")
        } else {
            format!("there is no environment `{}`", harmless(unknown))
        };
        let failure = Failure::new(FailureKind::Usage, says);
        return Err(match suggestion(unknown, names.iter().copied()).filter(|_| !simulated) {
            Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
            None => failure.hint(format!("there are: {}", names.join(", "))),
        });
    }
    let is_wanted =
        |environment: &&Environment| named.is_empty() || named.contains(environment.name.as_str());
    Ok(real.into_iter().filter(is_wanted).collect())
}

/// Says who one is now.
fn line(status: &LoginStatus) -> String {
    let until = match status.expires_at {
        Some(at) => format!("until {at} ({})", age_words(elapsed(SystemClock.now(), at))),
        None => "without an end".to_owned(),
    };
    let LoginStatus { environment, identity, account, .. } = status;
    format!("{environment}: {identity} in account {account}, {until}")
}

/// What one run of the command works with.
struct Desk<'a> {
    args: &'a LoginArgs,
    output: &'a Output,
    purpose: Purpose,
    redactor: Option<Redactor>,
    connections: Connections,
    folder: PathBuf,
    runtime: Runtime,
    /// Where somebody has logged in by a browser in this run.
    confirmed: BTreeSet<String>,
    /// The MFA devices whose codes were used in this run.
    used: BTreeSet<String>,
}

impl Desk<'_> {
    fn log_in(&mut self, environment: &Environment) -> Result<LoginStatus, Failure> {
        let name = &environment.name;
        let kept = KeptSession::path(&self.folder, name.as_str(), self.purpose);
        let needs = self.runtime.block_on(login::needs(environment, self.purpose))?;
        let (method, until) = match needs {
            Needs::Nothing { source } => {
                // Left over from when the configuration was another.
                login::forget(&kept)?;
                self.output.note(&format!("{name}: nothing to log in to, it uses {source}"));
                (LoginMethod::None, None)
            }
            Needs::Sso(sso) => {
                login::forget(&kept)?;
                (LoginMethod::Sso, Some(self.by_browser(environment, &sso)?))
            }
            Needs::Mfa { serial } => (LoginMethod::Mfa, Some(self.by_code(environment, &serial, &kept)?)),
        };
        let who = self.runtime.block_on(aws::caller(&self.connections, environment)).map_err(|why| {
            let mut failure =
                Failure::new(FailureKind::Failed, format!("{name}: cannot tell who one is now"));
            failure.causes.push(why.to_string());
            match method {
                LoginMethod::None => failure.hint(format!("`lifeboat doctor -e {name}` says more")),
                _ => failure.hint("`lifeboat login --force` logs in anew"),
            }
        })?;
        login::right_account(environment, &who)?;
        Ok(LoginStatus {
            environment: Text::new(name.as_str()),
            purpose: self.purpose.name().into(),
            method,
            identity: who.who,
            account: Text::new(who.account.as_str()),
            expires_at: until.or(who.expires_at),
        })
    }

    /// Logs in by IAM Identity Center and returns until when that lasts.
    fn by_browser(&mut self, environment: &Environment, sso: &Sso) -> Result<Timestamp, Failure> {
        let name = &environment.name;
        let anew = self.args.force && !self.confirmed.contains(sso.key());
        if let Some(until) = sso.kept_until(ENOUGH).filter(|_| !anew) {
            self.output.note(&format!("{name}: the login at {} is kept, until {until}", sso.start_url));
            return Ok(until);
        }
        let device = self.runtime.block_on(login::start_device(environment, sso))?;
        let left = age_words(elapsed(SystemClock.now(), device.expires_at));
        self.output.note(&format!(
            "{name}: open {} in a browser, here or elsewhere, and confirm it if it shows {}; waiting for {left}",
            device.url, device.code
        ));
        let until = self.runtime.block_on(login::await_token(&device))?;
        self.confirmed.insert(sso.key().to_owned());
        Ok(until)
    }

    /// Opens a session with a code, keeps it and returns until when it lasts.
    fn by_code(
        &mut self,
        environment: &Environment,
        serial: &str,
        kept: &Path,
    ) -> Result<Timestamp, Failure> {
        let name = &environment.name;
        let enough = after(SystemClock.now(), ENOUGH);
        let known = KeptSession::read(kept).map(|session| session.expires_at);
        if let Some(until) = known.filter(|until| !self.args.force && *until > enough) {
            self.output.note(&format!("{name}: its session is kept, until {until}"));
            return Ok(until);
        }
        let by_hand = !self.args.code_stdin;
        if by_hand && !io::stdin().is_terminal() {
            let says = format!("{name}: a code of {serial} is needed, and standard input is not a terminal");
            return Err(Failure::new(FailureKind::Usage, says).hint(
                "with --code-stdin it is read from there, one line for each environment that wants one",
            ));
        }
        let mut tries = if by_hand { TRIES } else { 1 };
        loop {
            tries -= 1;
            if by_hand {
                let used =
                    if self.used.contains(serial) { " (not the one before: each works once)" } else { "" };
                self.output.note(&format!("{name}: type the six digits that {serial} shows{used}"));
            }
            let code = read_code(environment)?;
            match self.runtime.block_on(login::with_code(environment, self.purpose, &code)) {
                Ok(session) => {
                    self.used.insert(serial.to_owned());
                    login::keep(&session, kept)?;
                    return Ok(session.expires_at);
                }
                Err(CodeTrouble::Code(failure)) if tries > 0 => {
                    self.output.failure(&failure, self.redactor.as_ref());
                }
                Err(trouble) => return Err(trouble.into()),
            }
        }
    }
}

/// Reads the line with a code.
fn read_code(environment: &Environment) -> Result<String, Failure> {
    let mut code = String::new();
    let what = || format!("{}: no code could be read", environment.name);
    let read = io::stdin().lock().take(LONGEST).read_line(&mut code);
    match read.map_err(|error| Failure::of(what(), &error))? {
        0 => Err(Failure::new(FailureKind::Usage, what()).hint("standard input ended before it")),
        _ => Ok(code),
    }
}
