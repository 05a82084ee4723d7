//! The one HTTP client and TLS stack of every connection to AWS.
//!
//! The SDK reads proxies from the environment only in the client that it makes itself, and `AWS_CA_BUNDLE` not at all;
//! both are done here.

use crate::failure::{Failure, FailureKind};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// Returns the client, with the certificates of `AWS_CA_BUNDLE` beside those of the system.
///
/// # Errors
/// When `AWS_CA_BUNDLE` names a file that cannot be read or holds no certificate.
pub(super) fn client() -> Result<SharedHttpClient, Failure> {
    let mut trust = TrustStore::default();
    if let Some(path) = std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) {
        let shown = path.to_string_lossy().into_owned();
        let wrong = |why: String| {
            Failure::new(FailureKind::Usage, format!("AWS_CA_BUNDLE names {shown}, which {why}"))
                .hint("name a file of certificates in PEM form, or unset it")
        };
        let bytes = std::fs::read(&path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        if !String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----") {
            return Err(wrong("holds no certificate".to_owned()));
        }
        trust = trust.with_pem_certificate(bytes);
    }
    let context = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| Failure::of("cannot set up TLS", &error))?;
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context.clone())
            .proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    }))
}
