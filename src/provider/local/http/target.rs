//! Where a request goes: a URL taken apart.

use crate::domain::text::harmless;
use hyper::Uri;
use hyper::header::HeaderValue;
use std::net::IpAddr;

/// A URL taken apart.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Whether it is `https`.
    pub(super) secure: bool,
    /// The host; an address of IPv6 without its brackets.
    pub(super) host: String,
    /// The port.
    pub(super) port: u16,
    /// What the `Host` header says.
    pub(super) authority: HeaderValue,
    /// Path and query, as they are sent.
    pub(super) path: Uri,
}

impl Target {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// Says what is wrong with it, without repeating any of it.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| "`Url` is no URL".to_owned())?;
        let (secure, usual) = match uri.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            _ => return Err("`Url` must begin with http:// or https://".to_owned()),
        };
        let authority = uri.authority().ok_or("`Url` names no host")?;
        if authority.as_str().contains('@') {
            return Err("`Url` holds a login: give it as a header".to_owned());
        }
        // What stands behind the host is a port or nothing: a number that is too large would silently not count.
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => usual,
            _ => authority.port_u16().filter(|port| *port > 0).ok_or("`Url` has no valid port")?,
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err("`Url` names no host".to_owned());
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self {
            secure,
            host,
            port,
            authority: HeaderValue::try_from(authority.as_str()).map_err(|_| "`Url` is no URL")?,
            path: path.parse().map_err(|_| "`Url` is no URL")?,
        })
    }
}

/// Returns an address that is connected to instead of what the name resolves to.
pub(super) fn address(text: Option<&str>) -> Result<Option<IpAddr>, String> {
    text.map(|text| text.parse().map_err(|_| "`Address` must be an IP address".to_owned())).transpose()
}

/// Returns the host that a redirect points to; nothing else of it.
pub(super) fn redirect_host(location: &str) -> Option<String> {
    let uri: Uri = location.parse().ok()?;
    uri.host().map(|host| harmless(host).into_owned())
}
