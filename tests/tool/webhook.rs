//! Webhooks: sent once; what is known of their effect is said, and nothing more.

use super::local::{
    CANARY, act, answers, armed, assert_clean, block_on, call, calls, closed, request, serve,
};
use lifeboat::authority::ArmedCall;
use lifeboat::domain::ids::EnvironmentName;
use lifeboat::provider::local::{route_acts, route_looks};
use lifeboat::provider::port::{Act, BoxFuture, CallTrouble, Credentials, Look};
use lifeboat::runbook::call::{Call, Reply};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

fn post(port: u16, body: &Value) -> Result<Reply, CallTrouble> {
    let url = format!("http://127.0.0.1:{port}/hook/{CANARY}");
    act("webhook:Post", &json!({"Url": url, "Body": body, "TimeoutMs": 500, "Headers": {"x-key": CANARY}}))
}

#[test]
fn what_is_said_arrives_once_and_as_it_is() {
    let (heard, hears) = channel();
    let port = serve(move |mut stream| {
        heard.send(request(&mut stream)).expect("somebody listens");
        let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
    });
    let reply = post(port, &json!({"text": "gone over"})).expect("it was taken");
    assert_eq!((reply.status, &reply.body), (202, &json!({"Status": 202})));
    let request = hears.recv().expect("it has come");
    assert!(request.starts_with(&format!("POST /hook/{CANARY} HTTP/1.1\r\n")), "{request}");
    assert!(request.contains("content-type: application/json\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"text\":\"gone over\"}"), "{request}");
    post(port, &json!("plain $(text)\n")).expect("it was taken");
    let request = hears.recv().expect("it has come");
    assert!(request.contains("content-type: text/plain"), "{request}");
    assert!(request.ends_with("\r\n\r\nplain $(text)\n"), "{request}");
    let url = format!("http://127.0.0.1:{port}/");
    let typed = json!({"Url": url, "Body": "<a/>", "ContentType": "application/xml"});
    act("webhook:Post", &typed).expect("it was taken");
    assert!(hears.recv().expect("it has come").contains("content-type: application/xml\r\n"));
    assert!(hears.try_recv().is_err(), "it came twice");
}

#[test]
fn a_trouble_says_what_is_known_of_the_effect() {
    let kind = |port: u16| {
        let trouble = post(port, &json!({"key": CANARY})).expect_err("it was not taken");
        assert_clean(&format!("{trouble} {trouble:?}"));
        match trouble {
            CallTrouble::Refused { status, .. } => format!("refused {status}"),
            CallTrouble::Throttled { .. } => "throttled".to_owned(),
            CallTrouble::Credentials(_) => "credentials".to_owned(),
            CallTrouble::NotSent(_) => "not sent".to_owned(),
            CallTrouble::InDoubt(_) => "in doubt".to_owned(),
        }
    };
    assert_eq!(kind(answers("404 Not Found", "", CANARY)), "refused 404");
    assert_eq!(kind(answers("401 Unauthorized", "", CANARY)), "refused 401");
    assert_eq!(kind(answers("307 Temporary Redirect", "location: /x\r\n", "")), "refused 307");
    assert_eq!(kind(answers("303 See Other", "location: /x\r\n", "")), "in doubt");
    assert_eq!(kind(answers("429 Too Many Requests", "", "")), "throttled");
    assert_eq!(kind(answers("500 Internal Server Error", "", CANARY)), "in doubt");
    assert_eq!(kind(answers("503 Service Unavailable", "", "")), "in doubt");
    assert_eq!(kind(closed()), "not sent");
    let silent = serve(|mut stream| {
        request(&mut stream);
        std::thread::sleep(Duration::from_secs(60));
    });
    assert_eq!(kind(silent), "in doubt");
    assert_eq!(kind(serve(|mut stream| drop(request(&mut stream)))), "in doubt");
    let garbled = serve(|mut stream| {
        request(&mut stream);
        let _ = stream.write_all(CANARY.as_bytes());
    });
    assert_eq!(kind(garbled), "in doubt");
}

struct Cloud;

impl Look for Cloud {
    fn look<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Reply, CallTrouble>> {
        Box::pin(async { Err(CallTrouble::NotSent(format!("cloud {}", call.operation).into())) })
    }
    fn credentials<'a>(&'a self, _: &'a EnvironmentName) -> BoxFuture<'a, Result<Credentials, CallTrouble>> {
        Box::pin(async { Err(CallTrouble::Credentials("cloud".into())) })
    }
}

impl Act for Cloud {
    fn act(&self, call: ArmedCall) -> BoxFuture<'_, Result<Reply, CallTrouble>> {
        Box::pin(async move { Err(CallTrouble::NotSent(format!("cloud {}", call.call().operation).into())) })
    }
}

#[test]
fn each_call_goes_to_who_can_answer_it() {
    let looks = route_looks(Arc::new(Cloud), calls());
    let said = |call: &Call| block_on(looks.look(call)).map_err(|trouble| trouble.to_string());
    let rds = call("rds:DescribeDBInstances", &json!({}));
    assert_eq!(said(&rds), Err("not sent: cloud rds:DescribeDBInstances".to_owned()));
    assert_eq!(said(&call("tcp:Connect", &json!({}))), Err("not sent: `Host` is missing".to_owned()));
    let who = block_on(looks.credentials(&"test".into()));
    assert_eq!(who, Err(CallTrouble::Credentials("cloud".into())));
    let acts = route_acts(Arc::new(Cloud), calls());
    let done = |call: Call| block_on(acts.act(armed(call))).map_err(|trouble| trouble.to_string());
    let start = call("rds:StartDBInstance", &json!({}));
    assert_eq!(done(start), Err("not sent: cloud rds:StartDBInstance".to_owned()));
    assert_eq!(done(call("webhook:Post", &json!({}))), Err("not sent: `Url` is missing".to_owned()));
    let probe = done(call("http:Get", &json!({"Url": "http://127.0.0.1/"})));
    assert_eq!(probe, Err("not sent: http:Get is no call that acts".to_owned()));
}
