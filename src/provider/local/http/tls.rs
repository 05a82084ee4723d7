//! TLS: the provider of the SDK, the certificate authorities of the system, and words for what is wrong with a
//! certificate. A build without the feature `tls` says that it has none.

use std::path::{Path, PathBuf};
use tokio::net::TcpStream;

/// Which certificates are trusted.
#[derive(Debug, Clone, Default)]
pub(in crate::provider::local) struct Trust {
    /// A PEM file of authorities beside those of the system.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "without TLS nobody is trusted"))]
    beside: Option<PathBuf>,
    #[cfg(feature = "tls")]
    config: std::sync::Arc<std::sync::OnceLock<Result<std::sync::Arc<rustls::ClientConfig>, String>>>,
}

impl Trust {
    /// Returns trust in the authorities of a PEM file, and in those of the system.
    pub(in crate::provider::local) fn beside(pem: &Path) -> Self {
        Self {
            beside: Some(pem.to_owned()),
            #[cfg(feature = "tls")]
            config: std::sync::Arc::default(),
        }
    }
}

#[cfg(not(feature = "tls"))]
impl Trust {
    /// Says whether `https` can be spoken at all.
    #[expect(clippy::unused_self, reason = "it is asked in every build")]
    pub(super) fn is_there(&self) -> Result<(), String> {
        Err("this build cannot speak https".to_owned())
    }

    /// Speaks TLS.
    pub(super) async fn shake(&self, _: &str, _: TcpStream) -> Result<TcpStream, String> {
        std::future::ready(()).await;
        self.is_there().and(Err(String::new()))
    }
}

#[cfg(feature = "tls")]
mod with_tls {
    use super::{TcpStream, Trust};
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{CertificateError, ClientConfig, RootCertStore};
    use std::path::Path;
    use std::sync::Arc;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;

    impl Trust {
        /// Says whether `https` can be spoken at all: somebody has to be trusted.
        pub(in super::super) fn is_there(&self) -> Result<(), String> {
            self.config().map(drop)
        }

        fn config(&self) -> Result<Arc<ClientConfig>, String> {
            self.config.get_or_init(|| config(self.beside.as_deref())).clone()
        }

        /// Speaks TLS; what is wrong with the certificate otherwise.
        pub(in super::super) async fn shake(
            &self,
            host: &str,
            stream: TcpStream,
        ) -> Result<TlsStream<TcpStream>, String> {
            let name = ServerName::try_from(host.to_owned())
                .map_err(|_| "no certificate can have that name".to_owned())?;
            let connector = TlsConnector::from(self.config()?);
            connector.connect(name, stream).await.map_err(|error| words(&error))
        }
    }

    fn config(beside: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(pem) = beside {
            let shown = pem.display();
            let wrong = |_| format!("{shown} is no file of certificates in PEM form");
            let certificates = CertificateDer::pem_file_iter(pem).map_err(wrong)?;
            let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
            roots.add_parsable_certificates(certificates);
        }
        if roots.is_empty() {
            return Err("this machine knows no certificate authority".to_owned());
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| "TLS cannot be set up".to_owned())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    /// Returns what is wrong, without anything that the other side wrote.
    fn words(error: &std::io::Error) -> String {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let says = match inner {
            None => return crate::provider::local::dial::words(error),
            Some(rustls::Error::InvalidCertificate(why)) => match why {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    "it is not valid yet"
                }
                CertificateError::Revoked => "it was revoked",
                CertificateError::UnknownIssuer => "nobody trusted has issued it",
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    "it is for another name"
                }
                CertificateError::BadSignature => "its signature is wrong",
                _ => "it cannot be verified",
            },
            Some(rustls::Error::NoCertificatesPresented) => "there is none",
            Some(rustls::Error::InvalidMessage(_)) => return "what answers does not speak TLS".to_owned(),
            Some(_) => return "TLS was not agreed on".to_owned(),
        };
        format!("the certificate is not valid: {says}")
    }
}
