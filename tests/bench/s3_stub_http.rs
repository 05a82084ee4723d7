//! The little of HTTP/1.1 that the stub of S3 needs: requests with short bodies, answers on the same connection.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The most that a request may take.
const LONGEST: usize = 64 << 10;

/// A request.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path, decoded.
    pub(crate) path: String,
    pub(crate) body: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
}

impl Request {
    /// Returns a parameter, decoded.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        self.query.get(name).cloned()
    }

    /// Says whether it has a parameter, with a value or without.
    pub(crate) fn asks(&self, name: &str) -> bool {
        self.query.contains_key(name)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn of(head: &str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, target) = (first.next()?.to_owned(), first.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let parts = query.split('&').filter(|part| !part.is_empty());
        let pairs = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
        let query = pairs.map(|(name, value)| (decoded(name), decoded(&value.replace('+', " ")))).collect();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers =
            headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        Some(Self { method, path: decoded(path), query, headers, body: String::new() })
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: String,
    body: String,
}

impl Answer {
    pub(crate) fn xml(body: String) -> Self {
        Self { status: 200, headers: "Content-Type: application/xml\r\n".to_owned(), body }
    }

    /// Returns an answer without a body.
    pub(crate) fn none() -> Self {
        Self { status: 204, headers: String::new(), body: String::new() }
    }

    pub(crate) fn of(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    fn bytes(self, is_head: bool, id: u64) -> Vec<u8> {
        let Self { status, headers, body } = self;
        let length = body.len();
        let body = if is_head { "" } else { &body };
        // A 204 has no length: S3 leaves it out, too.
        let length = if status == 204 { String::new() } else { format!("Content-Length: {length}\r\n") };
        let head = format!("HTTP/1.1 {status} stub\r\nx-stub: s3\r\nx-amz-request-id: STUB{id:012X}\r\n");
        format!("{head}{headers}{length}\r\n{body}").into_bytes()
    }
}

/// Undoes percent escapes.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut left = text.bytes();
    while let Some(byte) = left.next() {
        let mut digit = || left.next().and_then(|byte| char::from(byte).to_digit(16)).unwrap_or(0);
        bytes.push(if byte == b'%' { (digit() * 16 + digit()) as u8 } else { byte });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Answers on this port, for ever.
pub(crate) fn serve(listener: TcpListener, answer: impl Fn(&Request) -> Answer + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let answer: Arc<dyn Fn(&Request) -> Answer> = Arc::new(answer);
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        listener.set_nonblocking(true).expect("it can be so");
        let listener = tokio::net::TcpListener::from_std(listener).expect("it listens");
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::task::spawn_local(async move {
                    let _ = converse(stream, answer.as_ref()).await;
                });
            }
        }
    });
}

async fn converse(mut stream: TcpStream, answer: &dyn Fn(&Request) -> Answer) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut got, mut served) = (Vec::new(), 0);
    loop {
        let end = loop {
            if let Some(end) = got.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            if got.len() > LONGEST || stream.read_buf(&mut got).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&got[..end]).into_owned();
        let Some(mut request) = Request::of(&head) else { return Ok(()) };
        let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let whole = end + 4 + usize::min(length, LONGEST);
        while got.len() < whole {
            if stream.read_buf(&mut got).await? == 0 {
                return Ok(());
            }
        }
        request.body = String::from_utf8_lossy(&got[end + 4..whole]).into_owned();
        got.drain(..whole);
        served += 1;
        let said = answer(&request).bytes(request.method == "HEAD", served);
        stream.write_all(&said).await?;
    }
}
