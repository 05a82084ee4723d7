//! One request over one connection of its own. It is made by hand, so that it is known whether it ever left.

pub(super) mod probe;
mod target;
mod tls;
pub(super) mod webhook;

pub(super) use tls::Trust;

use super::dial::{NotConnected, dial};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT_ENCODING, CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;
use target::Target;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// How much of an answer is read, in bytes.
const MOST: usize = 64 * 1024;

/// What is sent.
struct Message<'a> {
    method: Method,
    target: &'a Target,
    /// Where to connect, whatever the name resolves to.
    address: Option<IpAddr>,
    headers: HeaderMap,
    body: Bytes,
    patience: Duration,
}

/// What was answered.
struct Answered {
    status: u16,
    /// Where a redirect points to.
    location: Option<String>,
    /// The first [`MOST`] bytes of the body.
    body: Vec<u8>,
    /// What is wrong with the body, if it did not come as announced.
    broken: Option<String>,
}

/// Why there is no answer.
enum Silence {
    /// The request never left.
    NotSent(String),
    /// It left, or a part of it.
    Sent(String),
}

impl Silence {
    fn says(self) -> String {
        match self {
            Self::NotSent(says) | Self::Sent(says) => says,
        }
    }
}

/// Returns headers to send, or what is wrong with them: by name, never by value.
fn headers(pairs: &BTreeMap<String, String>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let parsed = HeaderName::try_from(name)
            .map_err(|_| "`Headers` holds a name that cannot be a header".to_owned())?;
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| format!("the value of the header `{parsed}` cannot be sent"))?;
        value.set_sensitive(true);
        headers.insert(parsed, value);
    }
    Ok(headers)
}

/// Sends a message and returns its answer.
async fn exchange(message: Message<'_>, trust: &Trust) -> Result<Answered, Silence> {
    let Message { target, address, patience, .. } = &message;
    let deadline = Instant::now() + *patience;
    let late = || Silence::NotSent(format!("no connection within {} ms", patience.as_millis()));
    let stream = dial(&target.host, target.port, *address, deadline).await.map_err(|why| match why {
        NotConnected::Late => late(),
        NotConnected::Because(why) => Silence::NotSent(why),
    })?;
    if target.secure {
        let shaken = timeout_at(deadline, trust.shake(&target.host, stream)).await;
        let stream = shaken.map_err(|_| late())?.map_err(Silence::NotSent)?;
        talk(stream, message, deadline).await
    } else {
        talk(stream, message, deadline).await
    }
}

async fn talk<S>(stream: S, message: Message<'_>, deadline: Instant) -> Result<Answered, Silence>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let late = || Silence::Sent(format!("no answer within {} ms", message.patience.as_millis()));
    let mut request = Request::new(Full::new(message.body));
    *request.method_mut() = message.method;
    *request.uri_mut() = message.target.path.clone();
    let own = [
        (HOST, message.target.authority.clone()),
        (USER_AGENT, HeaderValue::from_static(concat!("lifeboat/", env!("CARGO_PKG_VERSION")))),
        (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        (CONNECTION, HeaderValue::from_static("close")),
    ];
    request.headers_mut().extend(own);
    for (name, value) in &message.headers {
        request.headers_mut().insert(name, value.clone());
    }
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|_| Silence::NotSent("the connection broke".to_owned()))?;
    // It ends with this read, be it dropped.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let response = match timeout_at(deadline, sender.send_request(request)).await {
        Err(_) => return Err(late()),
        Ok(Err(error)) => return Err(Silence::Sent(words(&error).to_owned())),
        Ok(Ok(response)) => response,
    };
    let location = response.headers().get(hyper::header::LOCATION);
    let location = location.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = response.status().as_u16();
    let (body, broken) = read(response, deadline).await;
    Ok(Answered { status, location, body, broken })
}

async fn read(response: Response<Incoming>, deadline: Instant) -> (Vec<u8>, Option<String>) {
    let mut incoming = response.into_body();
    let mut body = Vec::new();
    while body.len() < MOST {
        match timeout_at(deadline, incoming.frame()).await {
            Err(_) => return (body, Some("the answer did not end in time".to_owned())),
            Ok(None) => break,
            Ok(Some(Err(_))) => return (body, Some("the answer broke off".to_owned())),
            Ok(Some(Ok(frame))) => body.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
        }
    }
    body.truncate(MOST);
    (body, None)
}

fn words(error: &hyper::Error) -> &'static str {
    if error.is_parse() {
        "what answers does not speak HTTP"
    } else if error.is_incomplete_message() {
        "the connection was closed before the answer"
    } else {
        "the connection broke before the answer"
    }
}
