//! Logging in from a screen: the same as `lifeboat login`, told step by step.

use super::login::{self, CodeTrouble, Needs};
use super::session::KeptSession;
use crate::domain::Text;
use crate::domain::duration::{age_words, elapsed};
use crate::domain::estate::{Environment, Estate, Provider, Purpose};
use crate::domain::ids::EnvironmentName;
use crate::failure::Failure;
use crate::provider::clock::SystemClock;
use crate::provider::port::{Clock, LogIn, LoginAsk, LoginNews};
use jiff::Timestamp;
use std::future::Future;
use std::path::PathBuf;

/// The logins of an estate's environments, to look.
#[derive(Debug)]
pub struct Logins {
    environments: Vec<Environment>,
    folder: PathBuf,
}

impl Logins {
    /// Returns the logins of `estate`; `folder` keeps sessions.
    pub fn new(estate: &Estate, folder: PathBuf) -> Self {
        let real = estate.environments.iter().filter(|environment| environment.provider == Provider::Aws);
        Self { environments: real.cloned().collect(), folder }
    }

    fn with<F: Future<Output = Result<LoginNews, Failure>>>(
        &self,
        name: &EnvironmentName,
        tell: &dyn Fn(LoginNews),
        what: impl FnOnce(Environment) -> F,
    ) {
        let Some(environment) = self.environments.iter().find(|one| one.name == *name) else {
            return tell(LoginNews::Failed("there is nothing to log in to".into()));
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let news = match runtime {
            Ok(runtime) => {
                runtime.block_on(what(environment.clone())).unwrap_or_else(|failure| failed(&failure))
            }
            Err(error) => LoginNews::Failed(Text::new(&error.to_string())),
        };
        tell(news);
    }

    fn kept(&self, environment: &Environment) -> PathBuf {
        KeptSession::path(&self.folder, environment.name.as_str(), Purpose::Observe)
    }
}

fn failed(failure: &Failure) -> LoginNews {
    let why = failure.causes.first().map_or(String::new(), |why| format!(": {why}"));
    let hint = failure.hints.first().map_or(String::new(), |hint| format!("; {hint}"));
    LoginNews::Failed(Text::new(&format!("{}{why}{hint}", failure.message)))
}

fn until(environment: &Environment, at: Timestamp) -> LoginNews {
    let left = age_words(elapsed(SystemClock.now(), at));
    LoginNews::Done(Text::new(&format!("logged in to {} for {left}", environment.name)))
}

impl LogIn for Logins {
    fn begin(&self, environment: &EnvironmentName, tell: &dyn Fn(LoginNews)) {
        self.with(environment, tell, |environment| async move {
            match login::needs(&environment, Purpose::Observe).await? {
                Needs::Nothing { source } => {
                    let says = format!("{} needs no login: it uses {source}", environment.name);
                    Ok(LoginNews::Done(Text::new(&says)))
                }
                Needs::Mfa { serial } => Ok(LoginNews::Asks(LoginAsk::Code { device: Text::new(&serial) })),
                Needs::Sso(sso) => {
                    let device = login::start_device(&environment, &sso).await?;
                    let (address, code) = (Text::new(&device.url), Text::new(&device.code));
                    tell(LoginNews::Asks(LoginAsk::Browser { address, code }));
                    Ok(until(&environment, login::await_token(&device).await?))
                }
            }
        });
    }

    fn with_code(&self, environment: &EnvironmentName, code: &str, tell: &dyn Fn(LoginNews)) {
        self.with(environment, tell, |environment| async move {
            match login::with_code(&environment, Purpose::Observe, code).await {
                Ok(session) => {
                    login::keep(&session, &self.kept(&environment))?;
                    Ok(until(&environment, session.expires_at))
                }
                Err(CodeTrouble::Code(failure) | CodeTrouble::Other(failure)) => Err(failure),
            }
        });
    }
}
