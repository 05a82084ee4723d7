//! The wire guard: a client of a read-only session sends nothing but what the table calls a read.

use super::operation::Operation;
use crate::domain::action::ActionClass;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// What a refused operation is told.
#[derive(Debug, thiserror::Error)]
#[error("{operation} is refused: this session only reads, and {why}")]
pub struct Refused {
    /// The operation, such as `RDS.DeleteDBInstance`.
    pub operation: String,
    why: &'static str,
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
        let refused = |why| Refused { operation: format!("{service}.{operation}"), why };
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
            return Err(Box::new(Refused { operation: "?".to_owned(), why: "it has no name" }));
        };
        Ok(Self::permit(metadata.service(), metadata.name())?)
    }
}
