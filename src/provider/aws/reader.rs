//! One read: calls in their turn, tried again where that may help, and what came of them put together.

use super::connection::{Connections, Site};
use super::fault::{Again, Fault};
use super::operation::Operation;
use crate::domain::Text;
use crate::domain::ids::EnvironmentName;
use crate::domain::place::Place;
use crate::domain::reading::{Lack, ReadTrouble};
use crate::domain::recovery_point::RecoveryPoint;
use crate::provider::port::{Answer, News};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

/// How often a call is tried.
const TRIES: u32 = 4;
/// How often a call is tried that brought no answer: each try takes seconds.
const SILENT_TRIES: u32 = 2;
/// How long to wait before the second try; each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(120);
/// The same after a throttled call.
const THROTTLED_WAIT: Duration = Duration::from_millis(500);

/// What was read, and what could not be.
pub(super) type Brought<T> = Result<(T, Option<Fault>), Fault>;

/// Reads at one place for one ask.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    /// What is shared with other readers.
    pub connections: &'a Connections,
    /// The environment that the ask belongs to.
    pub environment: &'a EnvironmentName,
    /// The clients of the place.
    pub site: Arc<Site>,
    /// Who hears of it meanwhile.
    pub news: &'a dyn News,
}

impl<'a> Reader<'a> {
    /// Returns the reader of a place.
    ///
    /// # Errors
    /// When no environment of the estate logs in to its account.
    pub(super) async fn at(
        connections: &'a Connections,
        environment: &'a EnvironmentName,
        place: &Place,
        news: &'a dyn News,
    ) -> Result<Self, Fault> {
        let site = connections.site(environment, place).await;
        let site = site.map_err(|trouble| Fault::plain("login", trouble))?;
        Ok(Self { connections, environment, site, news })
    }

    /// Returns the reader of another place, for the same ask.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub(super) async fn elsewhere(&self, place: &Place) -> Result<Self, Fault> {
        Self::at(self.connections, self.environment, place, self.news).await
    }

    /// Calls `operation` by `send`, in its turn, and again where that may help.
    ///
    /// # Errors
    /// The last fault.
    pub(super) async fn call<T, E, F>(&self, operation: &Operation, send: impl Fn() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let place = &self.site.place;
        let (connections, service) = (self.connections, operation.service);
        if let Some(trouble) = connections.silence(place, service) {
            return Err(Fault::plain(operation.source(), trouble));
        }
        let mut tried = 0;
        loop {
            connections.governor.turn(place, operation, self.news).await;
            tried += 1;
            let fault = match send().await {
                Ok(value) => {
                    connections.heard(place, service, None);
                    self.news.alive();
                    return Ok(value);
                }
                Err(error) => Fault::of(operation, &error),
            };
            self.news.alive();
            let silent = matches!(fault.trouble, ReadTrouble::TimedOut | ReadTrouble::Unreachable);
            let tries = if silent { SILENT_TRIES } else { TRIES };
            if fault.again == Again::Slower {
                connections.governor.throttled(place, operation);
            }
            // What others have found out need not be found out again. One call that failed tells nothing of others yet.
            let known = silent && connections.silence(place, service).is_some();
            if fault.again == Again::No || tried >= tries || known {
                connections.heard(place, service, silent.then(|| fault.trouble.clone()));
                return Err(fault);
            }
            let first = if fault.again == Again::Slower { THROTTLED_WAIT } else { FIRST_WAIT };
            // Readers that were refused together do not come back together.
            let spread = (RandomState::new().hash_one(tried) % 1_000) as f64 / 1_000.0;
            tokio::time::sleep(first * 2_u32.pow(tried - 1) + first.mul_f64(spread)).await;
        }
    }

    /// Shares what `ask` brings with other readers of the same place; `name` says what it is.
    ///
    /// # Errors
    /// The one of `ask`.
    pub(super) async fn shared<T, F>(&self, name: &str, ask: impl FnOnce() -> F) -> Result<Arc<T>, Fault>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<T, Fault>>,
    {
        let place = &self.site.place;
        let name = format!("{} {} {name}", place.account, place.region);
        self.connections.shared.get(&name, self.news, ask).await
    }
}

/// What several calls brought together.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The points.
    pub points: Vec<RecoveryPoint>,
    /// The calls that brought something, or nothing but an answer.
    answered: Vec<String>,
    /// The calls that failed.
    faults: Vec<Fault>,
}

impl Gathered {
    /// Takes what a call brought.
    pub(super) fn add(&mut self, source: &str, brought: Result<Vec<RecoveryPoint>, Fault>) {
        match brought {
            Ok(points) => {
                self.answered.push(source.to_owned());
                self.points.extend(points);
            }
            Err(fault) => self.faults.push(fault),
        }
    }

    /// Takes what pages brought until one failed: what came before it is true all the same.
    pub(super) fn add_pages(&mut self, source: &str, brought: Pages) {
        if brought.fault.is_none() || !brought.points.is_empty() {
            self.answered.push(source.to_owned());
        }
        if self.points.is_empty() {
            self.points = brought.points; // a list of a hundred thousand is not copied
        } else {
            self.points.extend(brought.points);
        }
        self.faults.extend(brought.fault);
    }

    /// Takes that something could not be read.
    pub(super) fn lacks(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Takes what could not be read, if there is anything.
    pub(super) fn lack(&mut self, fault: Option<Fault>) {
        self.faults.extend(fault);
    }

    /// Returns the answer: a failure only when nothing came through.
    pub(super) fn answer(self) -> Answer<Vec<RecoveryPoint>> {
        let source = self.answered.first().or(self.faults.first().map(|fault| &fault.source));
        let source = Text::new(source.map_or("AWS", String::as_str));
        match (self.answered.is_empty(), self.faults.first()) {
            (true, Some(fault)) => Answer::new(source, Err(fault.trouble.clone())),
            _ => {
                let lack =
                    |fault: &Fault| Lack { source: Text::new(&fault.source), why: fault.trouble.clone() };
                let mut lacking: Vec<Lack> = Vec::new();
                for lack in self.faults.iter().map(lack) {
                    if !lacking.contains(&lack) {
                        lacking.push(lack);
                    }
                }
                Answer { source, outcome: Ok(self.points), lacking }
            }
        }
    }
}

/// Points that came page by page, and the fault that ended them early, if one did.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// The points.
    pub points: Vec<RecoveryPoint>,
    /// Why there are no more.
    pub fault: Option<Fault>,
}

impl Pages {
    /// Takes a page and shows it.
    pub(super) fn page(&mut self, news: &dyn News, points: Vec<RecoveryPoint>, last: bool) {
        if !last {
            news.page(points.clone());
        }
        self.points.extend(points);
    }
}
