//! `login`: sessions by a code and by a browser, who one is after it, and what is never written anywhere.

use crate::support::gear::Gear;
use crate::support::run::{Home, Ran};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

const CODE: &str = "493817";
const SECRET: &str = "secret-of-the-session";

/// A person in one account, a role in another, and an estate whose only environment is the latter.
struct Place {
    gear: &'static Gear,
    home: Home,
    person: String,
    account: String,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            gear: Gear::shared(),
            home: Home::new(),
            person: Gear::new_account(),
            account: Gear::new_account(),
        };
        place.estate("observe: { profile: work }", &place.account);
        place
    }

    fn estate(&self, login: &str, account: &str) {
        let url = self.gear.url();
        let text = format!(
            "version: 1\nestate: gear\nenvironments:\n  production:\n    class: production\n    \
             account: \"{account}\"\n    account_alias: gear\n    region: us-east-2\n    {login}\n    \
             endpoints: {{ sts: \"{url}\" }}\ncomponents:\n  orders-db:\n    kind: rds-instance\n    \
             environment: production\n    select: {{ id: orders }}\n    objectives: {{ rpo: 1 h, rto: 1 h }}\n"
        );
        self.home.write("lifeboat.yaml", &text);
    }

    fn serial(&self) -> String {
        format!("arn:aws:iam::{}:mfa/amira", self.person)
    }

    /// Writes profiles: `person` with keys and what else stands in `person`, and `work` with what stands in `work`.
    fn profiles(&self, person: &str, work: &str) {
        let keys = format!("aws_access_key_id = AKIAGEAR{}\naws_secret_access_key = x", self.person);
        let text = format!("[profile person]\n{keys}\n{person}\n[profile work]\n{work}\n");
        self.home.write(".aws/config", &text);
    }

    /// Writes a profile whose role stands behind the device.
    fn role_with_device(&self) {
        let (account, serial) = (&self.account, self.serial());
        let role = format!("role_arn = arn:aws:iam::{account}:role/observe\nsource_profile = person");
        self.profiles("", &format!("{role}\nmfa_serial = {serial}\nexternal_id = harbour"));
    }

    /// Has the person's calls of an operation refused but where these members come with it.
    fn only_with(&self, operation: &str, members: &Value, session_of: &str) {
        let denied = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";
        let error = json!({"status": 403, "code": "AccessDenied", "message": denied});
        let stub = json!({"service": "sts", "operation": operation, "account": self.person, "error": error});
        self.gear.post("stub", &stub);
        let credentials = json!({"AccessKeyId": format!("ASIAGEAR{session_of}"), "SecretAccessKey": SECRET,
            "SessionToken": "token", "Expiration": "2099-01-01T00:00:00Z"});
        let pages = json!([{"Credentials": credentials}]);
        let stub = json!({"service": "sts", "operation": operation, "account": self.person, "match": members,
            "pages": pages});
        self.gear.post("stub", &stub);
    }

    fn run(&self, words: &[&str], input: Option<&str>) -> Ran {
        self.run_with(words, input, &[])
    }

    fn run_with(&self, words: &[&str], input: Option<&str>, variables: &[(&str, &str)]) -> Ran {
        let mut command = self.home.command();
        command.args(words).env("AWS_EC2_METADATA_DISABLED", "true").env("LIFEBOAT_OPERATOR", "amira");
        command.envs(variables.iter().copied());
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
            let _ = pipe.write_all(input.as_bytes()); // it may have ended before it read
        }
        let output = child.wait_with_output().expect("the program ends");
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            err: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }

    fn kept(&self) -> PathBuf {
        self.home.dir.path().join(".local/state/lifeboat/logins/production.observe.json")
    }

    fn calls(&self, operation: &str) -> usize {
        let calls =
            self.gear.get(&format!("calls?account={}&service=sts&operation={operation}", self.person));
        calls.as_array().expect("calls are a list").len()
    }

    /// Returns everything that the program has written to its log.
    fn log(&self) -> String {
        let folder = self.home.dir.path().join(".local/state/lifeboat/log");
        let files = std::fs::read_dir(folder).expect("there is a log").flatten();
        files.map(|file| std::fs::read_to_string(file.path()).expect("the log can be read")).collect()
    }
}

#[test]
fn a_code_opens_a_session_that_is_kept_and_used() {
    let place = Place::new();
    place.role_with_device();
    let role = format!("arn:aws:iam::{}:role/observe", place.account);
    let members = json!({"TokenCode": CODE, "SerialNumber": place.serial(), "RoleArn": role,
        "ExternalId": "harbour", "DurationSeconds": 3600});
    place.only_with("AssumeRole", &members, &place.account);
    let words = ["-vv", "--format", "json", "login", "production", "--code-stdin"];
    let ran = place.run(&words, Some(&format!("{CODE}\n")));
    assert_eq!(ran.code, 0, "{ran}");
    let row = &ran.json()["logins"][0];
    assert_eq!(row["environment"], "production", "{ran}");
    assert_eq!(row["purpose"], "observe", "{ran}");
    assert_eq!(row["method"], "mfa", "{ran}");
    assert_eq!(row["account"], json!(place.account), "{ran}");
    assert_eq!(row["expires_at"], "2099-01-01T00:00:00Z", "{ran}");
    let mode = std::fs::metadata(place.kept()).expect("the session is kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for written in [ran.out, ran.err, place.log()] {
        assert!(!written.contains("TokenCode") && !written.contains(SECRET), "{written}");
    }
    // It is kept while it lasts, without asking; standard input is empty now.
    let ran = place.run(&["login"], None);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.err.contains("is kept, until 2099-01-01T00:00:00Z"), "{ran}");
    assert!(ran.out.starts_with("production: arn:aws:sts::"), "{ran}");
    assert_eq!(place.calls("AssumeRole"), 1);
    let ran = place.run(&["login", "--force"], None);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.err.contains("--code-stdin"), "{ran}");
}

#[test]
fn a_session_is_named_after_tool_purpose_and_person() {
    let place = Place::new();
    place.role_with_device();
    let ran = place.run(&["login", "--code-stdin"], Some(CODE));
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.out.contains(":assumed-role/observe/lifeboat-observe-amira@"), "{ran}");
}

#[test]
fn a_wrong_code_says_so_and_keeps_nothing() {
    let place = Place::new();
    place.role_with_device();
    place.only_with("AssumeRole", &json!({"TokenCode": CODE}), &place.account);
    let ran = place.run(&["login", "--code-stdin"], Some("000000\n"));
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.err.contains("invalid MFA one time pass code") && ran.err.contains("hint:"), "{ran}");
    assert!(!place.kept().exists());
    let ran = place.run(&["login", "--code-stdin"], Some("12345\n"));
    assert_eq!(ran.code, 2, "{ran}");
    assert_eq!(place.calls("AssumeRole"), 1, "five digits are sent to nobody");
}

#[test]
fn a_session_of_another_account_is_refused_and_not_kept() {
    let place = Place::new();
    place.role_with_device();
    let other = Gear::new_account();
    place.estate("observe: { profile: work }", &other);
    let ran = place.run(&["login", "--code-stdin"], Some(CODE));
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.err.contains(&other) && ran.err.contains(&place.account), "{ran}");
    assert!(ran.out.is_empty() && !place.kept().exists(), "{ran}");
}

#[test]
fn a_device_without_a_role_opens_a_session_of_the_person() {
    let place = Place::new();
    place.estate("observe: { profile: person }", &place.person);
    place.profiles(&format!("mfa_serial = {}\nduration_seconds = 7200", place.serial()), "");
    let members = json!({"TokenCode": CODE, "SerialNumber": place.serial(), "DurationSeconds": 7200});
    place.only_with("GetSessionToken", &members, &place.person);
    let ran = place.run(&["login", "--code-stdin"], Some(CODE));
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.out.contains("until 2099-01-01T00:00:00Z"), "{ran}");
}

#[test]
fn the_roles_of_profile_and_estate_are_assumed_one_after_the_other() {
    let place = Place::new();
    // The estate's role stands behind the device of the person.
    let role = format!("arn:aws:iam::{}:role/look", place.account);
    place.estate(&format!("observe: {{ profile: person, role: \"{role}\" }}"), &place.account);
    place.profiles(&format!("mfa_serial = {}", place.serial()), "");
    place.only_with("AssumeRole", &json!({"TokenCode": CODE, "RoleArn": role}), &place.account);
    let ran = place.run(&["login", "--code-stdin"], Some(CODE));
    assert_eq!(ran.code, 0, "{ran}");
    // And behind the profile's role, which alone wants the code.
    place.gear.delete(&format!("stub?account={}", place.person));
    let third = Gear::new_account();
    let role = format!("arn:aws:iam::{third}:role/look");
    place.estate(&format!("observe: {{ profile: work, role: \"{role}\" }}"), &third);
    place.role_with_device();
    let ran = place.run(&["login", "--force", "--code-stdin"], Some(CODE));
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.out.contains(&format!("arn:aws:sts::{third}:assumed-role/look/")), "{ran}");
}

#[test]
fn keys_need_no_login_and_a_session_from_before_is_forgotten() {
    let place = Place::new();
    place.role_with_device();
    assert_eq!(place.run(&["login", "--code-stdin"], Some(CODE)).code, 0);
    place.estate("observe: { profile: person }", &place.person);
    let ran = place.run(&["login"], None);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.err.contains("nothing to log in to, it uses the keys in profile `person`"), "{ran}");
    assert!(ran.out.contains(&format!("in account {}, without an end", place.person)), "{ran}");
    assert!(!place.kept().exists());
}

#[test]
fn what_the_configuration_lacks_is_said() {
    let place = Place::new();
    for (work, says) in [
        ("role_arn = arn:aws:iam::1:role/r", "neither source_profile nor credential_source"),
        ("role_arn = arn:aws:iam::1:role/r\nsource_profile = nobody", "refers to profile `nobody`"),
        ("sso_session = corp\nsso_account_id = 1\nsso_role_name = r", "refers to [sso-session corp]"),
        ("aws_access_key_id = x", "without the other"),
    ] {
        place.profiles("", work);
        let ran = place.run(&["login"], None);
        assert_eq!(ran.code, 2, "{ran}");
        assert!(ran.err.contains(says), "{says}: {ran}");
    }
    let ran = place.run(&["login", "prodction"], None);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.err.contains("did you mean `production`?"), "{ran}");
}

/// Stands for IAM Identity Center: answers what was laid down for a path, and then the last of it again.
struct IdentityCenter {
    url: String,
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

type Answers = Vec<(&'static str, VecDeque<(u16, &'static str, Value)>)>;

impl IdentityCenter {
    fn new(mut answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let seen_there = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (target, body) = request(&stream);
                seen_there.lock().expect("nobody failed").push((target.clone(), body));
                let path = target.split('?').next().unwrap_or_default();
                let found = answers.iter_mut().find(|(known, _)| *known == path);
                let (status, error, body) = match found {
                    Some((_, left)) if left.len() > 1 => left.pop_front().expect("there are two"),
                    Some((_, left)) => left.front().cloned().expect("there is one"),
                    None => (404, "NotFound", json!({})),
                };
                answer(stream, status, error, &body.to_string());
            }
        });
        Self { url, seen }
    }

    fn bodies(&self, path: &str) -> Vec<Value> {
        let seen = self.seen.lock().expect("nobody failed");
        let of_path = seen.iter().filter(|(target, _)| target.split('?').next() == Some(path));
        of_path.map(|(_, body)| serde_json::from_str(body).unwrap_or(Value::Null)).collect()
    }
}

fn request(stream: &TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).expect("a request has a line");
    let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).expect("a request has headers");
        if header.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("a length is a number");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a request has its body");
    (target, String::from_utf8(body).expect("a body is UTF-8"))
}

fn answer(mut stream: TcpStream, status: u16, error: &str, body: &str) {
    let error = if error.is_empty() { String::new() } else { format!("x-amzn-errortype: {error}\r\n") };
    let length = body.len();
    let head = "Content-Type: application/json\r\nConnection: close";
    let _ = write!(stream, "HTTP/1.1 {status} X\r\n{head}\r\n{error}Content-Length: {length}\r\n\r\n{body}");
}

/// Returns one whose token is given after these refusals.
fn identity_center(account: &str, refusals: &[&'static str]) -> IdentityCenter {
    let registered = json!({"clientId": "lifeboat-1", "clientSecret": "client-secret",
        "clientSecretExpiresAt": 4_102_444_800_i64});
    let begun = json!({"deviceCode": "device-1", "userCode": "ABCD-EFGH", "expiresIn": 600, "interval": 1,
        "verificationUri": "https://device.example/", "verificationUriComplete": "https://device.example/?c=ABCD"});
    let token = json!({"accessToken": "token-of-the-person", "tokenType": "Bearer", "expiresIn": 28800,
        "refreshToken": "again"});
    let credentials = json!({"roleCredentials": {"accessKeyId": format!("ASIAGEAR{account}"),
        "secretAccessKey": "x", "sessionToken": "x", "expiration": 4_102_444_800_000_i64}});
    let mut tokens: VecDeque<_> = refusals.iter().map(|error| (400, *error, json!({"error": "x"}))).collect();
    tokens.push_back((200, "", token));
    IdentityCenter::new(vec![
        ("/client/register", [(200, "", registered)].into()),
        ("/device_authorization", [(200, "", begun)].into()),
        ("/token", tokens),
        ("/federation/credentials", [(200, "", credentials)].into()),
    ])
}

fn by_browser(place: &Place, center: &IdentityCenter, words: &[&str]) -> Ran {
    let variables =
        [("AWS_ENDPOINT_URL_SSO_OIDC", center.url.as_str()), ("AWS_ENDPOINT_URL_SSO", center.url.as_str())];
    place.run_with(words, None, &variables)
}

fn sso_session(place: &Place) {
    let session = "[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n\
        sso_registration_scopes = sso:account:access";
    let role = format!("sso_session = corp\nsso_account_id = {}\nsso_role_name = observe", place.account);
    place.profiles("", &format!("{role}\n{session}"));
}

#[test]
fn a_browser_confirms_and_the_token_lies_where_everybody_looks() {
    let place = Place::new();
    let center = identity_center(&place.account, &["AuthorizationPendingException"]);
    sso_session(&place);
    let ran = by_browser(&place, &center, &["-vv", "--format", "json", "login"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.err.contains("https://device.example/?c=ABCD") && ran.err.contains("ABCD-EFGH"), "{ran}");
    assert_eq!(ran.json()["logins"][0]["method"], "sso", "{ran}");
    assert_eq!(ran.json()["logins"][0]["account"], json!(place.account), "{ran}");
    let registered = &center.bodies("/client/register")[0];
    assert_eq!(registered["clientName"], "lifeboat");
    assert_eq!(registered["clientType"], "public");
    assert_eq!(registered["scopes"], json!(["sso:account:access"]));
    assert_eq!(center.bodies("/device_authorization")[0]["startUrl"], "https://corp.example/start");
    let polls = center.bodies("/token");
    assert_eq!(polls.len(), 2, "{polls:?}");
    assert_eq!(polls[0]["grantType"], "urn:ietf:params:oauth:grant-type:device_code");
    assert_eq!(polls[0]["deviceCode"], "device-1");
    // sha1 of `corp`, as the SDK and the AWS CLI compute it.
    let path = place.home.dir.path().join(".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json");
    let mode = std::fs::metadata(&path).expect("the token is kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let token: Value =
        serde_json::from_slice(&std::fs::read(&path).expect("it can be read")).expect("it is JSON");
    assert_eq!(token["accessToken"], "token-of-the-person");
    assert_eq!(token["refreshToken"], "again");
    assert_eq!(token["startUrl"], "https://corp.example/start");
    assert_eq!(token["region"], "eu-west-1");
    assert_eq!(token["registrationExpiresAt"], "2100-01-01T00:00:00Z");
    let ends = token["expiresAt"].as_str().expect("it has an end");
    assert!(ends.len() == 20 && ends.ends_with('Z'), "{ends}");
    for secret in ["token-of-the-person", "client-secret", "device-1"] {
        assert!(!place.log().contains(secret), "{secret} stands in the log");
    }
    // It is kept while it lasts; with --force it is not.
    let ran = by_browser(&place, &center, &["login"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.err.contains("is kept, until"), "{ran}");
    assert_eq!(center.bodies("/device_authorization").len(), 1);
    assert_eq!(by_browser(&place, &center, &["login", "--force"]).code, 0);
    assert_eq!(center.bodies("/device_authorization").len(), 2);
}

#[test]
fn a_profile_that_says_all_itself_keeps_its_token_by_its_start_url() {
    let place = Place::new();
    let center = identity_center(&place.account, &[]);
    let spot = "sso_start_url = https://corp.example/start\nsso_region = eu-west-1";
    let role = format!("sso_account_id = {}\nsso_role_name = observe", place.account);
    place.profiles("", &format!("{spot}\n{role}"));
    let ran = by_browser(&place, &center, &["login"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(center.bodies("/client/register")[0]["scopes"].is_null());
    let path = place.home.dir.path().join(".aws/sso/cache/f7c9b39d0b4c7a7d82c79307585f77e1c5e74378.json");
    assert!(path.exists());
}

#[test]
fn a_declined_or_late_confirmation_says_so() {
    for (error, says) in [
        ("AccessDeniedException", "declined in the browser"),
        ("ExpiredTokenException", "its code has ended"),
        ("InvalidGrantException", "InvalidGrantException"),
    ] {
        let place = Place::new();
        let center = identity_center(&place.account, &[error]);
        sso_session(&place);
        let ran = by_browser(&place, &center, &["login"]);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.err.contains(says), "{says}: {ran}");
        assert!(!place.home.dir.path().join(".aws/sso").exists());
    }
}

#[test]
fn a_token_of_another_account_is_no_login() {
    let place = Place::new();
    let center = identity_center(&place.person, &[]);
    sso_session(&place);
    let ran = by_browser(&place, &center, &["login"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.err.contains(&place.person) && ran.err.contains(&place.account), "{ran}");
}
