//! How lifeboat behaves towards others: towards services that ask it to slow down, towards proxies and certificates of
//! the house, towards machines without metadata, and towards people while a Region hangs.

use crate::support::account::{Account, DR, HOME, ago};
use crate::support::journey::Journey;
use crate::support::run::{Home, Ran};
use lifeboat::domain::reading::Capability;
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

#[test]
fn a_service_that_asks_for_it_is_called_more_slowly_until_everything_is_read() {
    const MANY: usize = 12;
    let account = Account::shared();
    let databases: Vec<_> = (0..MANY)
        .map(|nth| json!({"DBInstanceIdentifier": format!("db-{nth}"), "DBInstanceStatus": "available"}))
        .collect();
    account.stub("rds", "DescribeDBInstances", Some(HOME), &[json!({"DBInstances": databases})]);
    account.post(
        "buckets",
        json!({"service": "rds", "operation": "DescribeDBSnapshots", "region": HOME, "rate_per_s": 2, "burst": 2}),
    );
    let estate: String = (0..MANY)
        .map(|nth| format!("db-{nth}: {{ kind: rds-instance, select: {{ id: db-{nth} }} }}\n"))
        .collect();
    let begun = Instant::now();
    let judged = account.judge(&estate);
    println!("{MANY} components were read in {:?}", begun.elapsed());
    for component in &judged.estate.components {
        let reading = judged.snapshot.readings.of(&component.id, &component.home, Capability::Points);
        let reading = reading.unwrap_or_else(|| panic!("{} was not read", component.id));
        assert_eq!(reading.failed, None, "{} was given up", component.id);
        assert!(reading.lacking.is_empty(), "{} lacks {:?}", component.id, reading.lacking);
    }
    let slowed: Vec<_> = judged.snapshot.slowed.iter().map(|slow| slow.what.to_string()).collect();
    assert_eq!(slowed, [format!("rds in {HOME}")], "what is read more slowly is shown");
    let told = account.gear.get(&format!("buckets?account={}", account.number));
    let (passed, refused) = (told[0]["passed"].as_u64(), told[0]["refused"].as_u64());
    println!("{passed:?} calls passed, {refused:?} were refused");
    assert_eq!(passed, Some(MANY as u64), "each list is read once");
    assert!(refused <= Some(2 * MANY as u64), "{refused:?} calls were refused: it does not slow down");
}

/// Runs `status` on one bucket with these variables besides those of the account.
fn status(account: &Account<'_>, without: &[&str], variables: &[(&str, &str)]) -> Ran {
    let home = Home::new();
    let text = account.estate_text("it: { kind: s3-bucket, select: { id: nowhere } }");
    let path = home.write("lifeboat.yaml", &text);
    let mut command = home.command();
    command.envs(account.gear.aws_env(&account.number)).envs(variables.iter().copied());
    for name in without {
        command.env_remove(name);
    }
    command.args(["status", "--estate", &path]);
    Ran::of(command)
}

#[test]
fn certificates_that_are_not_there_are_told_before_anything_is_read() {
    let account = Account::shared();
    let ran = status(&account, &[], &[("AWS_CA_BUNDLE", "/nonexistent/house.pem")]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.err.contains("AWS_CA_BUNDLE names /nonexistent/house.pem"), "{ran}");
    assert!(ran.out.is_empty(), "nothing was read, so there is nothing to tell: {ran}");
    assert_eq!(account.calls().len(), 0, "it called somebody all the same");
}

#[test]
fn a_bundle_without_a_certificate_is_told_as_well() {
    let account = Account::shared();
    let home = Home::new();
    let empty = home.write("house.pem", "no certificate here\n");
    let ran = status(&account, &[], &[("AWS_CA_BUNDLE", &empty)]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.err.contains("holds no certificate"), "{ran}");
}

/// A place that takes connections and says nothing.
fn black_hole() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.set_nonblocking(true).expect("it need not wait");
    let url = format!("http://{}", listener.local_addr().expect("it has an address"));
    (listener, url)
}

#[test]
fn who_has_credentials_does_not_ask_the_machine_for_them() {
    let account = Account::shared();
    let (listener, url) = black_hole();
    let ran =
        status(&account, &["AWS_EC2_METADATA_DISABLED"], &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!account.calls().is_empty(), "it read nothing");
    let came = listener.accept();
    assert!(came.is_err(), "it asked the machine for its metadata: {came:?}");
}

#[test]
fn a_machine_without_metadata_does_not_hold_up_the_first_frame() {
    let account = Account::shared();
    let (listener, url) = black_hole();
    let text = account.estate_text("it: { kind: s3-bucket, select: { id: nowhere } }");
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str()), ("AWS_REGION", HOME)];
    let begun = Instant::now();
    let mut journey = begin(&text, &variables);
    journey.until("the first frame", |screen| screen.contains("READ-ONLY") && screen.contains("S3 bucket"));
    let first = begun.elapsed();
    journey.press("?");
    journey.until("the keys", |screen| screen.contains("Search the commands"));
    println!("the first frame came after {first:?}, the keys after {:?}", begun.elapsed());
    assert!(first < Duration::from_secs(10), "the first frame took {first:?}");
    // There are no credentials anywhere else, so this machine is asked in the end.
    let deadline = begun + crate::support::journey::PATIENCE;
    while listener.accept().is_err() {
        assert!(Instant::now() < deadline, "nobody asked for metadata: the test shows nothing");
        std::thread::yield_now();
    }
    journey.press("qq");
    assert_eq!(journey.end(), 0);
}

#[test]
fn calls_go_through_the_proxy_of_the_house() {
    let account = Account::shared();
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}", proxy.local_addr().expect("it has an address"));
    let (told, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in proxy.incoming().map_while(Result::ok) {
            let mut line = String::new();
            let read = BufReader::new(&stream).read_line(&mut line);
            let _ = (&stream).write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
            if read.is_ok() && told.send(line).is_err() {
                return;
            }
        }
    });
    let home = Home::new();
    let text = account.estate_text("it: { kind: s3-bucket, select: { id: nowhere } }");
    let text: String =
        text.lines().filter(|line| !line.contains("endpoints")).map(|line| format!("{line}\n")).collect();
    let path = home.write("lifeboat.yaml", &text);
    let mut command = home.command();
    command
        .envs(account.gear.aws_env(&account.number))
        .env_remove("AWS_ENDPOINT_URL")
        .env("HTTPS_PROXY", &url);
    command.args(["status", "--estate", &path]);
    let ran = Ran::of(command);
    assert_eq!(ran.code, 0, "{ran}");
    let asked: Vec<String> = asked.try_iter().collect();
    let sts = format!("CONNECT sts.{HOME}.amazonaws.com:443 HTTP/1.1");
    assert!(asked.iter().any(|line| line.trim_end() == sts), "the proxy was asked for {asked:?}");
    assert!(asked.iter().all(|line| line.starts_with("CONNECT ")), "{asked:?}");
}

/// Returns an estate with three databases in each of two Regions, all of them well.
fn two_regions(account: &Account<'_>) -> String {
    let mut components = String::new();
    for (region, name) in [(HOME, "near"), (DR, "far")] {
        let ids = (0..3).map(|nth| format!("{name}-{nth}"));
        let databases = ids.map(|id| {
            components.push_str(&format!(
                "{id}: {{ kind: rds-instance, region: {region}, select: {{ id: {id} }}, \
                 objectives: {{ local: {{ rpo: 1 h, rto: none }} }} }}\n"
            ));
            json!({"DBInstanceIdentifier": id, "DBInstanceStatus": "available",
                "BackupRetentionPeriod": 7, "LatestRestorableTime": ago(300)})
        });
        let page = json!({"DBInstances": databases.collect::<Vec<_>>()});
        account.stub("rds", "DescribeDBInstances", Some(region), &[page]);
    }
    account.estate_text(&components).replace(&format!("    dr_region: {DR}\n"), "")
}

fn begin(text: &str, variables: &[(&str, &str)]) -> Journey {
    let home = Home::new();
    let path = home.write("lifeboat.yaml", text);
    Journey::begin_in(home, &["--estate", &path], variables)
}

/// How long things took in a console.
#[derive(Debug, Clone, Copy)]
struct Took {
    first_frame: Duration,
    keys: Duration,
    near_rows: Duration,
}

impl Took {
    const FOR_EVER: Self = Self { first_frame: Duration::MAX, keys: Duration::MAX, near_rows: Duration::MAX };

    fn best(self, other: Self) -> Self {
        Self {
            first_frame: self.first_frame.min(other.first_frame),
            keys: self.keys.min(other.keys),
            near_rows: self.near_rows.min(other.near_rows),
        }
    }

    fn of(account: &Account<'_>, text: &str) -> Self {
        let variables = account.gear.aws_env(&account.number);
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let begun = Instant::now();
        let mut journey = begin(text, &variables);
        journey.until("the first frame", |screen| screen.contains("near-2"));
        let first_frame = begun.elapsed();
        let row = |screen: &str, name: &str, word: &str| {
            screen
                .lines()
                .any(|line| line.contains(name) && line.contains("RDS instance ") && line.contains(word))
        };
        // The worst first: what is still unknown stands above what is met, so a row is told by its name.
        journey
            .until("the near rows", |screen| (0..3).all(|nth| row(screen, &format!("near-{nth}"), " met")));
        let near_rows = begun.elapsed();
        let mut keys = Duration::ZERO;
        let shown = |screen: &str| {
            let line = screen.lines().find(|line| line.contains(" RDS instance in production, "));
            line.map(|line| line.split_whitespace().next().unwrap_or_default().to_owned())
        };
        for _ in 0..5 {
            for key in ["j", "k"] {
                let before = shown(&journey.text());
                let pressed = Instant::now();
                journey.press(key);
                journey.until("another component", |screen| shown(screen) != before);
                keys = keys.max(pressed.elapsed());
            }
        }
        journey.press("q");
        assert_eq!(journey.end(), 0, "{}", journey.text());
        Self { first_frame, keys, near_rows }
    }
}

#[test]
fn a_region_that_hangs_holds_up_neither_keys_nor_other_regions() {
    let (well, hung) = (Account::shared(), Account::shared());
    let (well_text, hung_text) = (two_regions(&well), two_regions(&hung));
    hung.post("rules", json!({"region": DR, "cut": "hang"}));
    let (mut usual, mut hanging) = (Took::FOR_EVER, Took::FOR_EVER);
    // The machine does other things meanwhile: the best of several is what the program can do.
    for _ in 0..3 {
        usual = usual.best(Took::of(&well, &well_text));
        hanging = hanging.best(Took::of(&hung, &hung_text));
    }
    println!("usual {usual:?}\nwhile a Region hangs {hanging:?}");
    let cut = hung.gear.get(&format!("rules?account={}", hung.number));
    assert!(cut[0]["fired"].as_u64() > Some(0), "the Region did not hang: {cut}");
    for (what, usual, hanging) in [
        ("the first frame", usual.first_frame, hanging.first_frame),
        ("a key", usual.keys, hanging.keys),
        ("the rows of the other Region", usual.near_rows, hanging.near_rows),
    ] {
        let most = usual.mul_f64(1.5) + Duration::from_millis(150);
        assert!(hanging < most, "{what} took {hanging:?} while a Region hung, {usual:?} without it");
        assert!(hanging < Duration::from_secs(10), "{what} took {hanging:?}");
    }
}
