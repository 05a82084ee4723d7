//! Clients that act: made for one armed call, and good for nothing else.
//!
//! They are had for an [`ArmedCall`] only, which nobody but an operator's session mints. Each carries a guard that lets
//! that one operation through, a seal that lets it leave once and only by the credentials whose account was asked for,
//! and time limits of its own. The SDK repeats nothing.

use super::connection::{Connections, Site};
use super::guard::OneCallGuard;
use super::operation::{COMPLETE_MULTIPART_UPLOAD, COPY_OBJECT, Operation, Service, UPLOAD_PART_COPY};
use super::seal::{Seal, Watch};
use crate::authority::ArmedCall;
use crate::domain::Text;
use crate::domain::ids::AccountId;
use crate::domain::reading::ReadTrouble;
use aws_config::SdkConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::sdk_config::StalledStreamProtectionConfig;
use std::sync::Arc;
use std::time::Duration;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_millis(3_100);
/// How long the one attempt may take: a control plane under load answers late, and no answer is a doubt.
const ATTEMPT: Duration = Duration::from_secs(30);
/// The same for a copy, which ends when up to 5 GB are copied, and for the end of an upload, which may take minutes (S3).
const COPY: Duration = Duration::from_secs(300);
/// How much longer everything may take, credentials and all.
const AROUND: Duration = Duration::from_secs(5);

/// Returns the time limits of a call that changes something.
pub fn acting_timeouts(operation: &Operation) -> TimeoutConfig {
    let copies = [COPY_OBJECT, UPLOAD_PART_COPY, COMPLETE_MULTIPART_UPLOAD].contains(operation);
    let attempt = if copies { COPY } else { ATTEMPT };
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(attempt)
        .operation_attempt_timeout(attempt)
        .operation_timeout(attempt + AROUND)
        .build()
}

/// Whose credentials a login uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Which credentials: the access key that signed the question.
    pub key: String,
    /// Their account.
    pub account: AccountId,
    /// The identity.
    pub identity: Text,
}

/// The clients of one armed call.
#[derive(Debug)]
pub struct Acting {
    site: Arc<Site>,
    config: SdkConfig,
    guard: OneCallGuard,
    seal: Seal,
    watch: Watch,
}

macro_rules! clients {
    ($($(#[$attribute:meta])* $name:ident = $sdk:ident, $service:ident;)*) => {
        impl Acting {
            $(
                $(#[$attribute])*
                #[doc = concat!("Returns a client of ", stringify!($sdk), ".")]
                pub fn $name(&self) -> $sdk::Client {
                    let builder = $sdk::config::Builder::from(&self.config);
                    let mut builder = builder
                        .interceptor(self.guard)
                        .interceptor(self.seal.clone())
                        .interceptor(self.watch.clone())
                        .interceptor(self.site.skew().clone());
                    if let Some(url) = self.site.endpoint(Service::$service) {
                        builder.set_endpoint_url(Some(url));
                    }
                    $sdk::Client::from_conf(builder.build())
                }
            )*
        }
    };
}

clients! {
    #[cfg(feature = "aws-compute")]
    ec2 = aws_sdk_ec2, Ec2;
    iam = aws_sdk_iam, Iam;
    rds = aws_sdk_rds, Rds;
    dynamodb = aws_sdk_dynamodb, Dynamodb;
    backup = aws_sdk_backup, Backup;
    route53 = aws_sdk_route53, Route53;
}

impl Acting {
    /// Returns the clients of `call`, by the login with which its environment is changed. They send nothing unless it is
    /// signed by the credentials of `owner`.
    ///
    /// # Errors
    /// When the call is none that changes something, or no environment of the estate logs in to its account.
    pub async fn of(connections: &Connections, call: &ArmedCall, owner: &Owner) -> Result<Self, ReadTrouble> {
        let guard = OneCallGuard::of(call).map_err(|why| ReadTrouble::Other(Text::new(&why.to_string())))?;
        let site = connections.operators_site(&call.call().environment, &call.call().place).await?;
        let mut config = site.config().clone().into_builder();
        config.set_retry_config(Some(RetryConfig::disabled()));
        config.set_timeout_config(Some(acting_timeouts(guard.operation())));
        // A copy says nothing for minutes; that is no stalled stream.
        config.set_stalled_stream_protection(Some(StalledStreamProtectionConfig::disabled()));
        let seal = Seal::new(call.id(), &owner.key);
        Ok(Self { config: config.build(), site, guard, seal, watch: Watch::default() })
    }

    /// Returns a client of S3.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let builder = aws_sdk_s3::config::Builder::from(&self.config);
        let mut builder = builder
            .interceptor(self.guard)
            .interceptor(self.seal.clone())
            .interceptor(self.watch.clone())
            .interceptor(self.site.skew().clone());
        builder.set_force_path_style(Some(self.site.buckets_stand_in_the_path()));
        if let Some(url) = self.site.endpoint(Service::S3) {
            builder.set_endpoint_url(Some(url));
        }
        aws_sdk_s3::Client::from_conf(builder.build())
    }

    /// Returns the operation that may leave.
    pub fn operation(&self) -> &'static Operation {
        self.guard.operation()
    }

    /// Returns what was seen of the call on its way.
    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Says whether it was held back because other credentials had signed it.
    pub(super) fn is_signed_by_others(&self) -> bool {
        self.seal.is_signed_by_others()
    }
}
