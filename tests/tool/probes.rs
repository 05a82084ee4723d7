//! Probes: what is not green is an answer and says why, and nothing that is secret is repeated.

use super::local::{CANARY, answers, assert_clean, closed, look, request, serve};
use lifeboat::provider::port::CallTrouble;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn get(arguments: &Value) -> Value {
    look("http:Get", arguments).expect("a probe is an answer").body
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/health?token={CANARY}")
}

fn says(body: &Value) -> &str {
    let says = body["Says"].as_str().expect("it says something");
    assert_clean(says);
    says
}

#[test]
fn an_answer_as_expected_is_green() {
    let port = answers("200 OK", "", "all is well");
    let body = get(&json!({"Url": url(port)}));
    assert_eq!((&body["Green"], &body["Status"]), (&json!(true), &json!(200)));
    assert!(says(&body).starts_with("200 in ") && says(&body).ends_with(" ms"), "{body}");
    assert!(body["ElapsedMs"].is_u64(), "{body}");
    assert_eq!(get(&json!({"Url": url(port), "Contains": "is well"}))["Green"], true);
    let body = get(&json!({"Url": url(port), "Contains": format!("not {CANARY}")}));
    assert_eq!(body["Green"], false);
    assert_eq!(says(&body), "200, but it does not contain what it should");
    let teapot = answers("418 I'm a teapot", "", "");
    assert_eq!(get(&json!({"Url": url(teapot), "Status": 418}))["Green"], true);
    assert_eq!(get(&json!({"Url": url(teapot), "Status": "418"}))["Green"], true);
    assert_eq!(says(&get(&json!({"Url": url(teapot)}))), "418");
    assert_eq!(says(&get(&json!({"Url": url(teapot), "Status": 200}))), "418 and not 200");
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = serve(|_| panic!("nobody may come here"));
    let location: &'static str = format!("location: http://127.0.0.1:{elsewhere}/?key={CANARY}\r\n").leak();
    let port = answers("302 Found", location, "");
    let body = get(&json!({"Url": url(port)}));
    assert_eq!((&body["Green"], &body["Status"]), (&json!(false), &json!(302)));
    assert_eq!(says(&body), "302, a redirect to 127.0.0.1");
    assert_eq!(get(&json!({"Url": url(port), "Status": 302}))["Green"], true);
}

#[test]
fn who_says_nothing_or_half_is_not_green_in_time() {
    let silent = serve(|mut stream| {
        request(&mut stream);
        std::thread::sleep(Duration::from_secs(60));
    });
    let begun = Instant::now();
    let body = get(&json!({"Url": url(silent), "TimeoutMs": 200}));
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!((&body["Green"], &body["Status"]), (&json!(false), &Value::Null));
    assert_eq!(says(&body), "no answer within 200 ms");
    let half = serve(|mut stream| {
        request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
    });
    let body = get(&json!({"Url": url(half)}));
    assert_eq!(body["Green"], false);
    assert_eq!(says(&body), "200, but the answer broke off");
    let stuck = serve(|mut stream| {
        request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
        std::thread::sleep(Duration::from_secs(60));
    });
    let body = get(&json!({"Url": url(stuck), "TimeoutMs": 300}));
    assert_eq!(says(&body), "200, but the answer did not end in time");
    // What was asked for has come already.
    assert_eq!(get(&json!({"Url": url(stuck), "Contains": "half", "TimeoutMs": 300}))["Green"], true);
    let gone = serve(|mut stream| drop(request(&mut stream)));
    assert_eq!(says(&get(&json!({"Url": url(gone)}))), "the connection was closed before the answer");
    let other = serve(|mut stream| {
        let _ = stream.write_all(format!("SSH-2.0-{CANARY}\r\n").as_bytes());
        request(&mut stream);
    });
    assert_eq!(says(&get(&json!({"Url": url(other)}))), "what answers does not speak HTTP");
    assert_eq!(says(&get(&json!({"Url": url(closed())}))), "connection refused");
}

#[test]
fn of_a_huge_answer_only_the_beginning_is_read() {
    let port = serve(|mut stream| {
        request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nbegin");
        // Until nobody reads any more.
        let chunk = vec![b'.'; 65536];
        while stream.write_all(&chunk).is_ok() {}
    });
    assert_eq!(get(&json!({"Url": url(port), "Contains": "begin"}))["Green"], true);
    assert_eq!(get(&json!({"Url": url(port), "Contains": "end"}))["Green"], false);
}

#[test]
fn headers_are_sent_and_never_repeated() {
    let port = serve(|mut stream| {
        let request = request(&mut stream);
        let fits = request.contains(&format!("authorization: Bearer {CANARY}\r\n"))
            && request.contains("host: example.test\r\n")
            && request.starts_with(&format!("GET /health?token={CANARY} HTTP/1.1\r\n"));
        let status = if fits { "200 OK" } else { "401 Unauthorized" };
        let _ = stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes());
    });
    let headers = json!({"Authorization": format!("Bearer {CANARY}"), "Host": "example.test"});
    assert_eq!(get(&json!({"Url": url(port), "Headers": headers}))["Green"], true);
    for wrong in [
        json!({"Url": url(port), "Headers": {"Authorization": format!("{CANARY}\r\nx: y")}}),
        json!({"Url": url(port), "Headers": {format!("{CANARY} x"): "y"}}),
        json!({"Url": url(port), "Headers": {"Authorization": [CANARY]}}),
        json!({"Url": format!("http://robot:{CANARY}@127.0.0.1:{port}/")}),
        json!({"Url": format!("ftp://127.0.0.1/{CANARY}")}),
        json!({"Url": format!("http://127.0.0.1:{port}/ {CANARY}")}),
        json!({"Url": format!("http://127.0.0.1:99999/{CANARY}")}),
        json!({"Url": url(port), "Status": CANARY}),
        json!({"Url": url(port), "Adress": CANARY}),
        json!({"Url": url(port), "TimeoutMs": 0}),
    ] {
        let trouble = look("http:Get", &wrong).expect_err("it cannot be sent");
        assert!(matches!(trouble, CallTrouble::NotSent(_)), "{trouble}");
        assert_clean(&format!("{trouble} {trouble:?}"));
    }
}

#[test]
fn another_side_can_be_asked_before_the_name_moves() {
    let port = answers("200 OK", "", "");
    let body = get(&json!({"Url": format!("http://shop.invalid:{port}/"), "Address": "127.0.0.1"}));
    assert_eq!(body["Green"], true, "{body}");
}

#[test]
fn a_port_is_open_closed_or_silent() {
    let connect = |port: u16, ms: u32| {
        let arguments = json!({"Host": "127.0.0.1", "Port": port, "TimeoutMs": ms});
        look("tcp:Connect", &arguments).expect("a probe is an answer").body
    };
    let open = connect(answers("200 OK", "", ""), 5000);
    assert_eq!(open["Green"], true);
    assert!(says(&open).starts_with("connected in "), "{open}");
    let shut = connect(closed(), 5000);
    assert_eq!((&shut["Green"], says(&shut)), (&json!(false), "connection refused"));
    // A queue of one that nobody takes from: further calls are not answered at all.
    let script = "import socket,time\ns=socket.socket();s.bind(('127.0.0.1',0));s.listen(0)\nc=[]\n\
                  for _ in range(4):\n t=socket.socket();t.setblocking(False);t.connect_ex(s.getsockname());c.append(t)\n\
                  print(s.getsockname()[1],flush=True)\ntime.sleep(600)";
    let mut server = Command::new("python3")
        .args(["-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is there");
    let mut line = String::new();
    let mut out = std::io::BufReader::new(server.stdout.take().expect("its output"));
    std::io::BufRead::read_line(&mut out, &mut line).expect("it says its port");
    let silent = connect(line.trim().parse().expect("a port"), 300);
    server.kill().expect("it can be ended");
    server.wait().expect("it has ended");
    assert_eq!((&silent["Green"], says(&silent)), (&json!(false), "no connection within 300 ms"));
}

#[test]
fn a_name_resolves_to_what_is_expected_or_is_not_green() {
    let resolve = |arguments: Value| look("dns:Resolve", &arguments).expect("a probe is an answer").body;
    let body = resolve(json!({"Name": "localhost"}));
    assert_eq!(body["Green"], true, "{body}");
    let expected = body["Addresses"][0].as_str().expect("an address").to_owned();
    assert_eq!(resolve(json!({"Name": "localhost", "Expect": expected}))["Green"], true);
    assert_eq!(resolve(json!({"Name": "localhost", "Expect": "localhost"}))["Green"], true);
    let other = resolve(json!({"Name": "localhost", "Expect": "192.0.2.7"}));
    assert_eq!(other["Green"], false);
    assert!(says(&other).ends_with("and not 192.0.2.7"), "{other}");
    // No question leaves for a name that cannot be one.
    let nothing = resolve(json!({"Name": "no..name"}));
    assert_eq!((&nothing["Green"], &nothing["Addresses"]), (&json!(false), &json!([])));
    assert!(says(&nothing).contains("no..name does not resolve"), "{nothing}");
}

#[test]
fn what_acts_is_refused_where_it_is_looked() {
    for operation in ["webhook:Post", "tool:Run", "tool:Stop", "rds:DescribeDBInstances"] {
        let trouble = look(operation, &json!({})).expect_err("it does not look");
        assert!(matches!(trouble, CallTrouble::NotSent(_)), "{trouble}");
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn a_build_without_tls_says_so() {
    let trouble = look("http:Get", &json!({"Url": "https://localhost/"})).expect_err("nothing was found out");
    assert_eq!(trouble, CallTrouble::NotSent("this build cannot speak https".into()));
}

#[cfg(feature = "tls")]
#[test]
fn a_certificate_that_is_wrong_is_not_green_and_says_what_is_wrong() {
    use super::local::{block_on, call, calls};
    use lifeboat::provider::port::Look;
    let folder = tempfile::tempdir().expect("a folder");
    let make = |name: &str, days: &str| {
        let names = "subjectAltName=DNS:localhost";
        let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                days,
            ])
            .args([
                "-subj",
                "/CN=localhost",
                "-addext",
                names,
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ])
            .args(["-keyout", &key, "-out", &certificate])
            .current_dir(folder.path())
            .output()
            .expect("openssl is there");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        (folder.path().join(certificate), folder.path().join(key))
    };
    let script = "import http.server,ssl,sys\nh=http.server.BaseHTTPRequestHandler\n\
                  h.do_GET=lambda s:(s.send_response(200),s.send_header('Content-Length','0'),s.end_headers())\n\
                  s=http.server.HTTPServer(('127.0.0.1',0),h)\nc=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n\
                  c.load_cert_chain(sys.argv[1],sys.argv[2])\ns.socket=c.wrap_socket(s.socket,server_side=True)\n\
                  print(s.server_port,flush=True)\ns.serve_forever()";
    let (certificate, key) = make("good", "2");
    let mut server = Command::new("python3")
        .args(["-c", script])
        .args([&certificate, &key])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python3 is there");
    let mut line = String::new();
    let mut out = std::io::BufReader::new(server.stdout.take().expect("its output"));
    std::io::BufRead::read_line(&mut out, &mut line).expect("it says its port");
    let port = line.trim();
    let ask = |calls: &lifeboat::provider::local::LocalCalls, host: &str| {
        let arguments = json!({"Url": format!("https://{host}:{port}/?{CANARY}"), "Address": "127.0.0.1"});
        block_on(calls.look(&call("http:Get", &arguments))).expect("a probe is an answer").body
    };
    let trusting = calls().with_authorities(&certificate);
    let bodies = [ask(&calls(), "localhost"), ask(&trusting, "localhost"), ask(&trusting, "127.0.0.1")];
    let plain = answers("200 OK", "", "");
    let no_tls =
        look("http:Get", &json!({"Url": format!("https://127.0.0.1:{plain}/")})).expect("an answer").body;
    server.kill().expect("it can be ended");
    server.wait().expect("it has ended");
    let said: Vec<_> = bodies.iter().map(|body| (body["Green"].clone(), says(body))).collect();
    // Which of its mistakes is named first depends on the certificates that the machine trusts.
    assert_eq!(said[0].0, json!(false), "{bodies:?}");
    assert!(said[0].1.starts_with("the certificate is not valid: "), "{bodies:?}");
    assert_eq!(said[1].0, json!(true), "{bodies:?}");
    assert_eq!(said[2], (json!(false), "the certificate is not valid: it is for another name"));
    // It waits for a request that it could read, or answers what is no TLS.
    assert_eq!(no_tls["Green"], json!(false), "{no_tls}");
}
