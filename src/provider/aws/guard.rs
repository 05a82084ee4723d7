//! The wire guards: a client of a read-only session sends nothing but what the table calls a read, and one of an
//! operator nothing but the one operation that was armed.

use super::operation::Operation;
use crate::authority::ArmedCall;
use crate::domain::action::ActionClass;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// What a refused operation is told.
#[derive(Debug, thiserror::Error)]
#[error("{operation} is refused: {why}")]
pub struct Refused {
    /// The operation, such as `RDS.DeleteDBInstance`.
    pub operation: String,
    why: String,
}

impl Refused {
    fn new(operation: String, why: impl Into<String>) -> Self {
        Self { operation, why: why.into() }
    }

    fn nameless() -> Self {
        Self::new("?".to_owned(), "it has no name")
    }
}

/// Refuses every operation that the table does not call a read, before anything of it is written.
#[derive(Debug, Clone, Copy)]
pub struct ReadOnlyGuard;

impl ReadOnlyGuard {
    /// Says whether an operation may leave, by the names that the SDK gives it.
    ///
    /// # Errors
    /// When it is not a read, or not known at all.
    pub fn permit(service: &str, operation: &str) -> Result<(), Refused> {
        let refused = |why| {
            Refused::new(format!("{service}.{operation}"), format!("this session only reads, and {why}"))
        };
        match Operation::find(service, operation) {
            Some(known) if known.class == ActionClass::Read => Ok(()),
            Some(_) => Err(refused("this would change something")),
            None => Err(refused("it does not stand in the table of operations")),
        }
    }
}

#[dyn_dispatch_hint]
impl Intercept for ReadOnlyGuard {
    fn name(&self) -> &'static str {
        "ReadOnlyGuard"
    }

    // The operation's name is not known yet at `read_before_execution`.
    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(metadata) = cfg.load::<Metadata>() else {
            return Err(Box::new(Refused::nameless()));
        };
        Ok(Self::permit(metadata.service(), metadata.name())?)
    }
}

/// Refuses every operation but that of one armed call, before anything of it is written.
#[derive(Debug, Clone, Copy)]
pub struct OneCallGuard(&'static Operation);

impl OneCallGuard {
    /// Returns the guard of a call.
    ///
    /// # Errors
    /// When its operation is not known, or only reads.
    pub fn of(call: &ArmedCall) -> Result<Self, Refused> {
        let name = &call.call().operation;
        match Operation::named(name) {
            Some(known) if known.class > ActionClass::Read => Ok(Self(known)),
            Some(_) => {
                Err(Refused::new(name.clone(), "it changes nothing, so it is not for an operator's client"))
            }
            None => Err(Refused::new(name.clone(), "it does not stand in the table of operations")),
        }
    }

    /// Returns the operation that may leave.
    pub fn operation(self) -> &'static Operation {
        self.0
    }

    /// Says whether an operation may leave, by the names that the SDK gives it.
    ///
    /// # Errors
    /// When it is another than that of the call.
    pub fn permit(self, service: &str, operation: &str) -> Result<(), Refused> {
        if self.0.service.sdk_name() == service && self.0.name == operation {
            return Ok(());
        }
        let why = format!("this client was made for one {}", self.0.source());
        Err(Refused::new(format!("{service}.{operation}"), why))
    }
}

#[dyn_dispatch_hint]
impl Intercept for OneCallGuard {
    fn name(&self) -> &'static str {
        "OneCallGuard"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(metadata) = cfg.load::<Metadata>() else {
            return Err(Box::new(Refused::nameless()));
        };
        Ok(self.permit(metadata.service(), metadata.name())?)
    }
}
