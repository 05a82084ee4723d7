//! How far our clock is from AWS's: each answer says when it was made, and requests that are minutes off are refused (C4).

use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use jiff::SignedDuration;
use jiff::fmt::rfc2822;
use std::sync::{Arc, Mutex, PoisonError};

/// The difference, as the last answer showed it.
#[derive(Debug, Clone, Default)]
pub struct Skew(Arc<Mutex<Option<SignedDuration>>>);

impl Skew {
    /// Returns by how much our clock is ahead; negative when it is behind. Answers tell whole seconds.
    pub fn ahead(&self) -> Option<SignedDuration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[dyn_dispatch_hint]
impl Intercept for Skew {
    fn name(&self) -> &'static str {
        "Skew"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let told = context.response().headers().get("date");
        if let Some(Ok(told)) = told.map(rfc2822::parse) {
            let ahead = SystemClock.now().duration_since(told.timestamp());
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
        }
        Ok(())
    }
}
