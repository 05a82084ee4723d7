//! Calls as a plan names them, made in AWS: JSON in and out, by the names of the services.
//!
//! [`AwsCalls`] hands out [`Look`] and [`Act`]. Who may use it: `cli` only. What must stay true: a call is exactly what
//! its arguments say, so one that is not known is an error and not left out; nothing is filled in, no token and no
//! default; a look makes only what the table of operations calls a read; an act leaves once, by clients that were made
//! for it alone, signed by credentials of the account that the plan is for; and what became of it is said as it is known
//! (`trouble`), never better.

mod arguments;
mod backup;
mod download;
mod dynamodb;
mod dynamodb_answers;
#[cfg(feature = "aws-compute")]
mod ec2;
#[cfg(feature = "aws-compute")]
mod ec2_answers;
#[cfg(feature = "aws-compute")]
mod ec2_machines;
mod iam;
mod json;
mod rds;
mod rds_answers;
mod rds_cluster_answers;
mod rds_clusters;
mod rds_groups;
mod rds_members;
mod rds_snapshots;
mod route53;
mod s3;
mod s3_lifecycle;
mod s3_parts;
mod s3_settings;
mod single;
mod sts;
mod trouble;

use super::acting::{Acting, Owner};
use super::connection::{Connections, Site};
use super::guard::OneCallGuard;
use super::operation::{GET_OBJECT, GET_OBJECT_TAGGING, HEAD_OBJECT, LIST_PARTS, Operation, Service};
use super::seal::{Seen, Watch};
use crate::authority::ArmedCall;
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::domain::ids::EnvironmentName;
use crate::domain::place::Place;
use crate::domain::reading::ReadTrouble;
use crate::provider::port::{Act, BoxFuture, CallTrouble, Credentials, Deaf, Look};
use crate::runbook::call::{Call, Reply};
use crate::runbook::still::{CHANGED, Still};
use arguments::not_sent;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::Value;
use std::error::Error;
use std::future::Future;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// How often a look is tried that the service asks to make more slowly.
const TRIES: u32 = 3;
/// How often a look is tried that brought no answer: each try takes seconds.
const SILENT_TRIES: u32 = 2;
/// How long to wait before the second try; each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(150);
/// The same after a throttled one.
const THROTTLED_WAIT: Duration = Duration::from_millis(500);
/// The longest that an act waits so that calls do not come too fast.
const LONGEST_TURN: Duration = Duration::from_secs(1);

/// The looks at bytes, and at what is said of them, that only the login may make that changes things: what they need is
/// granted for the sake of copies.
const OPERATORS: [Operation; 4] = [GET_OBJECT, HEAD_OBJECT, GET_OBJECT_TAGGING, LIST_PARTS];

/// Asks for all pages of a list, and replies with what is on them.
macro_rules! all_pages {
    ($looking:ident, $name:literal, $list:ident, $one:path, |$watch:ident, $marker:ident| $sent:expr) => {{
        let (mut all, mut next) = (Vec::new(), None::<String>);
        loop {
            let send = |$watch| {
                let $marker = next.clone();
                $sent
            };
            let (answer, seen) = $looking.send(send).await?;
            all.extend(answer.$list().iter().map($one));
            next = answer.marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
            if next.is_none() {
                return Ok(reply(serde_json::json!({ $name: all }), seen));
            }
        }
    }};
}
use all_pages;

/// Looks and acts in the accounts of an estate.
#[derive(Debug, Clone)]
pub struct AwsCalls {
    connections: Arc<Connections>,
}

impl AwsCalls {
    /// Returns them over these connections.
    pub fn new(connections: Arc<Connections>) -> Self {
        Self { connections }
    }

    /// Returns what looks.
    pub fn look(&self) -> Arc<dyn Look> {
        Arc::new(self.clone())
    }

    /// Returns what acts.
    pub fn act(&self) -> Arc<dyn Act> {
        Arc::new(self.clone())
    }

    async fn look_at(&self, call: &Call) -> Result<Reply, CallTrouble> {
        let operation = match Operation::named(&call.operation) {
            Some(known) if known.class == ActionClass::Read => known,
            Some(_) => return Err(not_sent(&format!("{} would change something", call.operation))),
            None => return Err(unknown(call)),
        };
        let looking = Looking::at(&self.connections, call, operation).await?;
        match operation.service {
            Service::Sts => sts::look(&looking, call).await,
            Service::Rds => rds::look(&looking, call).await,
            Service::S3 => s3::look(&looking, call).await,
            Service::Dynamodb => Box::pin(dynamodb::look(&looking, call)).await,
            Service::Backup => Box::pin(backup::look(&looking, call)).await,
            Service::Route53 => route53::look(&looking, call).await,
            Service::Iam => iam::look(&looking, call).await,
            Service::Cloudwatch => single::alarms(&looking, call).await,
            Service::Kms => single::key(&looking, call).await,
            Service::Eks => single::cluster(&looking, call).await,
            #[cfg(feature = "aws-compute")]
            Service::Ec2 => Box::pin(ec2::look(&looking, call)).await,
            _ => Err(unknown(call)),
        }
    }

    async fn carry_out(&self, armed: ArmedCall) -> Result<Reply, CallTrouble> {
        let guard = OneCallGuard::of(&armed).map_err(|why| not_sent(&why.to_string()))?;
        let (operation, call) = (guard.operation(), armed.call());
        // Credentials may be renewed between the question and the call: then nothing has left, and it is asked again.
        for is_last in [false, true] {
            let owner = self.owner(call).await?;
            if owner.account != call.place.account {
                self.forget_owner(call).await;
                let says = format!(
                    "these credentials are of account {}, the plan is for {}",
                    owner.account, call.place.account
                );
                return Err(not_sent(&says));
            }
            self.is_still(call).await?;
            let acting = Acting::of(&self.connections, &armed, &owner).await.map_err(|why| no_login(&why))?;
            let turn = self.connections.governor.turn(&call.place, operation, &Deaf);
            let _ = tokio::time::timeout(LONGEST_TURN, turn).await;
            let doing = Doing { acting: &acting };
            let done = match operation.service {
                Service::Rds => Box::pin(rds::act(&doing, call)).await,
                Service::S3 => Box::pin(s3::act(&doing, call)).await,
                Service::Dynamodb => Box::pin(dynamodb::act(&doing, call)).await,
                Service::Backup => Box::pin(backup::act(&doing, call)).await,
                Service::Route53 => Box::pin(route53::act(&doing, call)).await,
                Service::Iam => Box::pin(iam::act(&doing, call)).await,
                #[cfg(feature = "aws-compute")]
                Service::Ec2 => Box::pin(ec2::act(&doing, call)).await,
                _ => Err(unknown(call)),
            };
            if let Err(CallTrouble::Throttled { .. }) = &done {
                self.connections.governor.throttled(&call.place, operation);
            }
            if is_last || !acting.is_signed_by_others() {
                return done;
            }
            self.forget_owner(call).await;
        }
        Err(not_sent("the credentials change all the time"))
    }

    /// Looks whether what a call writes over is still what it says, where its service cannot be asked to.
    async fn is_still(&self, call: &Call) -> Result<(), CallTrouble> {
        let Some(still) = Still::of(call) else { return Ok(()) };
        let found = match self.look_at(&still.look).await {
            Ok(reply) => reply.body,
            Err(trouble) if trouble.code() == Some(still.absent) => Value::Null,
            Err(trouble @ (CallTrouble::Credentials(_) | CallTrouble::Throttled { .. })) => {
                return Err(trouble);
            }
            Err(trouble) => {
                return Err(not_sent(&format!("whether it is still so cannot be seen: {trouble}")));
            }
        };
        if still.holds(&found) {
            return Ok(());
        }
        let says =
            format!("{} brings something else than was planned with; nothing was sent", still.look.operation);
        Err(CallTrouble::Refused {
            code: CHANGED.into(),
            says: Text::new(&says),
            request_id: None,
            status: 412,
        })
    }

    /// Returns whose credentials change the environment of a call, asked once for each that a login uses.
    async fn owner(&self, call: &Call) -> Result<Owner, CallTrouble> {
        let base = self
            .connections
            .acting_base(&call.environment, &call.place)
            .await
            .map_err(|why| no_login(&why))?;
        let known = base.owner.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return Ok(known);
        }
        match self.ask_owner(&call.environment, &call.place).await {
            Ok(owner) => Ok(owner),
            Err(trouble @ (CallTrouble::Credentials(_) | CallTrouble::Throttled { .. })) => Err(trouble),
            Err(trouble) => Err(not_sent(&format!("whose credentials these are is not known: {trouble}"))),
        }
    }

    async fn forget_owner(&self, call: &Call) {
        if let Ok(base) = self.connections.acting_base(&call.environment, &call.place).await {
            *base.owner.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    async fn ask_owner(&self, environment: &EnvironmentName, place: &Place) -> Result<Owner, CallTrouble> {
        let looking = Looking::by_operator(&self.connections, environment, place).await?;
        let owner = sts::owner(&looking).await?;
        let base = self.connections.acting_base(environment, place).await.map_err(|why| no_login(&why))?;
        *base.owner.lock().unwrap_or_else(PoisonError::into_inner) = Some(owner.clone());
        Ok(owner)
    }

    async fn who(&self, name: &EnvironmentName) -> Result<Credentials, CallTrouble> {
        let environment = self.connections.environment(name);
        let environment = environment.ok_or_else(|| not_sent(&format!("{name} is no environment in AWS")))?;
        let place = |region| Place { account: environment.account.clone(), region };
        let home = place(environment.region.clone());
        let mut asked = self.ask_owner(name, &home).await;
        // When the Region is what has failed, the other one knows as well who this is.
        if let (Err(CallTrouble::InDoubt(_) | CallTrouble::NotSent(_)), Some(region)) =
            (&asked, &environment.dr_region)
        {
            asked = self.ask_owner(name, &place(region.clone())).await;
        }
        let owner = asked?;
        let base = self.connections.acting_base(name, &home).await.map_err(|why| no_login(&why))?;
        Ok(Credentials {
            identity: owner.identity,
            account: Text::new(owner.account.as_str()),
            ends_at: base.expiry.at(),
            renewed: base.expiry.is_renewed(),
        })
    }
}

impl Look for AwsCalls {
    fn look<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Reply, CallTrouble>> {
        Box::pin(self.look_at(call))
    }

    fn credentials<'a>(
        &'a self,
        environment: &'a EnvironmentName,
    ) -> BoxFuture<'a, Result<Credentials, CallTrouble>> {
        Box::pin(self.who(environment))
    }
}

impl Act for AwsCalls {
    fn act(&self, call: ArmedCall) -> BoxFuture<'_, Result<Reply, CallTrouble>> {
        if call.call().service() == download::SERVICE {
            return Box::pin(download::carry_out(self, call));
        }
        Box::pin(self.carry_out(call))
    }
}

fn unknown(call: &Call) -> CallTrouble {
    not_sent(&format!("{} is no call that this build makes", call.operation))
}

fn no_login(trouble: &ReadTrouble) -> CallTrouble {
    not_sent(&trouble.to_string())
}

fn reply(body: Value, seen: Seen) -> Reply {
    Reply { request_id: seen.request_id, status: seen.status, body }
}

/// One look under way.
struct Looking<'a> {
    connections: &'a Connections,
    operation: &'static Operation,
    site: Arc<Site>,
}

impl<'a> Looking<'a> {
    /// Returns a look at the place of a call. The bytes of objects, and so their heads, only the login that changes them
    /// may read.
    async fn at(
        connections: &'a Connections,
        call: &Call,
        operation: &'static Operation,
    ) -> Result<Self, CallTrouble> {
        let (environment, place) = (&call.environment, &call.place);
        let site = if OPERATORS.contains(operation) {
            connections.operators_site(environment, place).await
        } else {
            connections.site(environment, place).await
        };
        Ok(Self { connections, operation, site: site.map_err(|why| no_login(&why))? })
    }

    /// Returns a look at who we are, by the login that changes an environment.
    async fn by_operator(
        connections: &'a Connections,
        environment: &EnvironmentName,
        place: &Place,
    ) -> Result<Self, CallTrouble> {
        let site = connections.operators_site(environment, place).await.map_err(|why| no_login(&why))?;
        Ok(Self { connections, operation: &super::operation::GET_CALLER_IDENTITY, site })
    }

    /// Sends one call in its turn, and again where that may help: it changes nothing.
    async fn send<T, E, F>(&self, send: impl Fn(Watch) -> F) -> Result<(T, Seen), CallTrouble>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + 'static,
    {
        let (governor, place) = (&self.connections.governor, &self.site.place);
        let mut tried = 0;
        loop {
            governor.turn(place, self.operation, &Deaf).await;
            tried += 1;
            let watch = Watch::default();
            let error = match send(watch.clone()).await {
                Ok(answer) => return Ok((answer, watch.seen())),
                Err(error) => error,
            };
            let trouble = trouble::judge(self.operation, &error, &watch.seen());
            let (first, tries) = match &trouble {
                CallTrouble::Throttled { .. } => {
                    governor.throttled(place, self.operation);
                    (THROTTLED_WAIT, TRIES)
                }
                CallTrouble::InDoubt(_) => (FIRST_WAIT, SILENT_TRIES),
                CallTrouble::Refused { .. } | CallTrouble::Credentials(_) | CallTrouble::NotSent(_) => {
                    return Err(trouble);
                }
            };
            if tried >= tries {
                return Err(trouble);
            }
            tokio::time::sleep(first * 2_u32.pow(tried - 1)).await;
        }
    }
}

/// One act under way.
struct Doing<'a> {
    acting: &'a Acting,
}

impl Doing<'_> {
    /// Waits for the answer to the one call that leaves.
    async fn done<T, E>(
        &self,
        sent: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<(T, Seen), CallTrouble>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let answer = sent.await;
        let seen = self.acting.watch().seen();
        match answer {
            Ok(answer) => Ok((answer, seen)),
            Err(error) => Err(trouble::judge(self.acting.operation(), &error, &seen)),
        }
    }
}
