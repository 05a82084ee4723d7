//! Which adapter answers a call: this one for what does not go to a cloud, the other for everything else.
//!
//! There is a router for each port and not one for both: who is not given one that acts has nothing that acts.

use super::{LocalCalls, SERVICES};
use crate::authority::ArmedCall;
use crate::domain::ids::EnvironmentName;
use crate::provider::port::{Act, BoxFuture, CallTrouble, Credentials, Look};
use crate::runbook::call::{Call, Reply};
use std::sync::Arc;

/// Sends each call to who can answer it, by its service. `Port` is [`Look`] or [`Act`].
pub struct CallRouter<Port: ?Sized> {
    cloud: Arc<Port>,
    local: Arc<Port>,
}

/// Returns what looks: `local` for its own services, `cloud` for all others and for who is logged in.
pub fn route_looks(cloud: Arc<dyn Look>, local: LocalCalls) -> Arc<dyn Look> {
    Arc::new(CallRouter::<dyn Look> { cloud, local: Arc::new(local) })
}

/// Returns what acts: `local` for its own services, `cloud` for all others.
pub fn route_acts(cloud: Arc<dyn Act>, local: LocalCalls) -> Arc<dyn Act> {
    Arc::new(CallRouter::<dyn Act> { cloud, local: Arc::new(local) })
}

impl<Port: ?Sized> CallRouter<Port> {
    fn of(&self, call: &Call) -> &Port {
        if SERVICES.contains(&call.service()) { &self.local } else { &self.cloud }
    }
}

impl Look for CallRouter<dyn Look> {
    fn look<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Reply, CallTrouble>> {
        self.of(call).look(call)
    }

    fn credentials<'a>(
        &'a self,
        environment: &'a EnvironmentName,
    ) -> BoxFuture<'a, Result<Credentials, CallTrouble>> {
        self.cloud.credentials(environment)
    }
}

impl Act for CallRouter<dyn Act> {
    fn act(&self, call: ArmedCall) -> BoxFuture<'_, Result<Reply, CallTrouble>> {
        self.of(call.call()).act(call)
    }
}
