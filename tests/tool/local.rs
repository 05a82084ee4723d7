//! What the tests of local calls share: calls, armed as a session arms them, and servers on loopback.

use lifeboat::authority::{ArmedCall, CallId, Direction, Session};
use lifeboat::domain::Text;
use lifeboat::domain::action::ActionClass;
use lifeboat::domain::estate::EnvironmentClass;
use lifeboat::domain::place::Place;
use lifeboat::provider::local::LocalCalls;
use lifeboat::provider::port::{Act, CallTrouble, Look};
use lifeboat::runbook::call::{Call, Reply};
use lifeboat::runbook::consent::{Consent, Strength};
use lifeboat::runbook::dedupe::Dedupe;
use lifeboat::runbook::plan::{PlanHash, PlannedCall, PlannedStep};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long anything may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What no error, file or list of processes may hold.
pub(crate) const CANARY: &str = "c4n4ry-s3cr3t";

pub(crate) fn calls() -> LocalCalls {
    LocalCalls::new(Path::new(env!("CARGO_BIN_EXE_lifeboat")))
}

pub(crate) fn call(operation: &str, arguments: &Value) -> Call {
    let mut call = Call::new(operation, &"test".into(), &Place::new("outside", "outside"));
    call.arguments.clone_from(arguments.as_object().expect("arguments are an object"));
    call
}

/// Arms a call as an operator's session does who agreed to exactly that.
pub(crate) fn armed(call: Call) -> ArmedCall {
    let planned = PlannedCall {
        call: call.clone(),
        says: Text::default(),
        class: ActionClass::Mutating,
        dedupe: Dedupe::SetState,
    };
    let step = PlannedStep {
        uses: "test".into(),
        class: ActionClass::Mutating,
        dedupe: Dedupe::SetState,
        calls: vec![planned],
        ..PlannedStep::join("step", "")
    };
    let plan = PlanHash::of(b"plan");
    let consent = Consent { plan: plan.clone(), strength: Strength::TypedAndSigned };
    let session = Session::read_only().elevate("test").expect("it may be elevated");
    let step = session
        .arm(&plan, EnvironmentClass::Production, step, Direction::Forward, &consent)
        .expect("the consent is enough");
    let id = CallId {
        run: "run".into(),
        step: "step".into(),
        direction: Direction::Forward,
        attempt: 1,
        index: 0,
    };
    step.call(id, call).expect("it stands in the plan")
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

pub(crate) fn look(operation: &str, arguments: &Value) -> Result<Reply, CallTrouble> {
    block_on(calls().look(&call(operation, arguments)))
}

pub(crate) fn act(operation: &str, arguments: &Value) -> Result<Reply, CallTrouble> {
    block_on(calls().act(armed(call(operation, arguments))))
}

/// Waits until something has come about.
pub(crate) fn until<T>(what: &str, mut is: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = is() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Answers every connection in a thread of its own, as long as the tests run; returns the port.
pub(crate) fn serve(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let answer = std::sync::Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || answer(stream));
        }
    });
    port
}

/// Reads a request to the end of its headers and of the body that they announce.
pub(crate) fn request(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length:")
                    .map(|length| length.trim().parse::<usize>().expect("a length"))
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return text,
            Ok(more) => read.extend_from_slice(&chunk[..more]),
        }
    }
}

/// A server that answers everything in the same way, after it has read the request.
pub(crate) fn answers(status: &'static str, headers: &'static str, body: &'static str) -> u16 {
    serve(move |mut stream| {
        request(&mut stream);
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n");
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(body.as_bytes());
    })
}

/// Returns a port at which nobody listens.
pub(crate) fn closed() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Asserts that a text holds nothing that is secret.
pub(crate) fn assert_clean(text: &str) {
    assert!(!text.contains(CANARY), "{text}");
}
