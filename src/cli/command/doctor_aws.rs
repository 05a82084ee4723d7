//! The part of `doctor` that looks at logins: who they are, what they reach and what they may do.

use crate::cli::args::Global;
use crate::cli::document::{CheckResult, CheckStatus};
use crate::cli::wire;
use crate::config::paths::StateDir;
use crate::domain::Text;
use crate::domain::duration::{age_words, elapsed};
use crate::domain::estate::{Environment, EnvironmentClass, Estate, Provider, Purpose};
use crate::domain::reading::ReadTrouble;
use crate::provider::aws::preflight::{May, Preflight, preflight};
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use std::path::PathBuf;

/// From which difference on requests are soon refused.
const SKEW_S: i64 = 60;
/// A login that ends within this time does not last through a recovery.
const SHORT_S: u64 = 15 * 60;

/// Tries every login of the estate.
pub(super) fn checks(global: &Global) -> Vec<CheckStatus> {
    let Ok((loaded, _)) = wire::load(global) else { return Vec::new() };
    let Ok(estate) = wire::select(loaded.estate, global.environment.as_deref()) else { return Vec::new() };
    let sessions = StateDir::open(global.state_dir.as_deref()).and_then(|state| state.folder("logins")).ok();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let mut clock_said = false;
    for environment in estate.environments.iter().filter(|environment| environment.provider == Provider::Aws)
    {
        for purpose in Purpose::ALL {
            // Everybody observes; the others are tried where the estate names them.
            let named = environment.access.logins.contains_key(&purpose);
            if purpose != Purpose::Observe && !named {
                if purpose == Purpose::BreakGlass && environment.class == EnvironmentClass::Production {
                    let hint = "name a profile or role that works when single sign-on is down";
                    let says = "no break-glass login is named";
                    all.push(one(environment, purpose, CheckResult::Limited, says, Some(hint)));
                }
                continue;
            }
            all.extend(runtime.block_on(login(
                &estate,
                environment,
                purpose,
                sessions.clone(),
                &mut clock_said,
            )));
        }
    }
    all
}

fn one(
    environment: &Environment,
    purpose: Purpose,
    result: CheckResult,
    says: &str,
    hint: Option<&str>,
) -> CheckStatus {
    let name = format!("{} {}", environment.name, purpose.name());
    CheckStatus { name: Text::new(&name), result, says: Text::new(says), hint: hint.map(Text::new) }
}

async fn login(
    estate: &Estate,
    environment: &Environment,
    purpose: Purpose,
    sessions: Option<PathBuf>,
    clock_said: &mut bool,
) -> Vec<CheckStatus> {
    let found = match preflight(estate, environment, purpose, sessions).await {
        Ok(found) => found,
        Err(failure) => {
            let hint = failure.hints.first().map(String::as_str);
            return vec![one(environment, purpose, CheckResult::Failed, &failure.message, hint)];
        }
    };
    let mut all = vec![identity(environment, purpose, &found)];
    if found.who.is_err() {
        return all;
    }
    if let Some(ahead) = found.ahead.filter(|_| !*clock_said) {
        *clock_said = true;
        let seconds = ahead.as_secs();
        let (result, hint) = if seconds.abs() < SKEW_S {
            (CheckResult::Fine, None)
        } else {
            (CheckResult::Limited, Some("set the clock: AWS refuses requests that are five minutes off"))
        };
        let says = match seconds {
            -1..=1 => "as AWS's".to_owned(),
            seconds if seconds > 0 => format!("{seconds} s ahead of AWS's"),
            seconds => format!("{} s behind AWS's", seconds.abs()),
        };
        all.push(CheckStatus {
            name: "clock".into(),
            result,
            says: Text::new(&says),
            hint: hint.map(Text::new),
        });
    }
    for (region, answer) in &found.regions {
        let (result, says) = match answer {
            Ok(took) => (CheckResult::Fine, format!("{region} answers in {} ms", took.as_millis())),
            Err(why) => (CheckResult::Failed, format!("{region}: {why}")),
        };
        all.push(one(environment, purpose, result, &says, None));
    }
    all.push(permissions(environment, purpose, &found));
    all
}

fn identity(environment: &Environment, purpose: Purpose, found: &Preflight) -> CheckStatus {
    match &found.who {
        Err(why @ (ReadTrouble::Unreachable | ReadTrouble::TimedOut)) => {
            let hint = "look at the network, HTTPS_PROXY, and AWS_ENDPOINT_URL where it is set";
            one(environment, purpose, CheckResult::Failed, &why.to_string(), Some(hint))
        }
        Err(why) => {
            let hint = format!(
                "`lifeboat login {} --purpose {}` logs in where that is possible",
                environment.name,
                purpose.name()
            );
            one(environment, purpose, CheckResult::Failed, &why.to_string(), Some(&hint))
        }
        Ok(who) if who.account != environment.account => {
            let says =
                format!("{} is in account {}, the estate says {}", who.who, who.account, environment.account);
            let hint = "another profile or role is needed, or the estate file names the wrong account";
            one(environment, purpose, CheckResult::Failed, &says, Some(hint))
        }
        Ok(who) => match who.expires_at.map(|at| elapsed(SystemClock.now(), at)) {
            Some(left) if left.as_secs() < SHORT_S => {
                let says = format!("{}, for {} more", who.who, age_words(left));
                one(
                    environment,
                    purpose,
                    CheckResult::Limited,
                    &says,
                    Some("log in again before an incident does"),
                )
            }
            Some(left) => one(
                environment,
                purpose,
                CheckResult::Fine,
                &format!("{}, for {} more", who.who, age_words(left)),
                None,
            ),
            None => {
                one(environment, purpose, CheckResult::Fine, &format!("{}, without an end", who.who), None)
            }
        },
    }
}

fn permissions(environment: &Environment, purpose: Purpose, found: &Preflight) -> CheckStatus {
    let count = |may: &May| found.permissions.values().filter(|known| *known == may).count();
    let (yes, unclear) = (count(&May::Yes), count(&May::Unclear));
    let denied: Vec<&str> =
        found.permissions.iter().filter(|(_, may)| **may == May::No).map(|(name, _)| *name).collect();
    let all = found.permissions.len();
    if !denied.is_empty() {
        let says = format!("{yes} of {all} permissions; denied: {}", denied.join(", "));
        let hint = format!(
            "`lifeboat policy {}` prints what is needed",
            if purpose == Purpose::Observe { "observe" } else { "operate" }
        );
        return one(environment, purpose, CheckResult::Failed, &says, Some(&hint));
    }
    if unclear > 0 {
        let why = found.unclear.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        let says = format!("{yes} of {all} permissions; of {unclear} it cannot be told{why}");
        let hint =
            "with iam:SimulatePrincipalPolicy it can be; `status` says what was denied when it is read";
        return one(environment, purpose, CheckResult::Limited, &says, Some(hint));
    }
    one(environment, purpose, CheckResult::Fine, &format!("all {all} permissions"), None)
}
