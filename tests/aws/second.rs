//! A second server that shares no code with the first: what is read of MiniStack is what its own makers took AWS to say.

use crate::support::gear::Gear;
use crate::support::root;
use crate::support::run::Home;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn a_second_server_is_read_as_the_first() {
    let mut server = Command::new(Gear::shared().python_path())
        .arg(root("tests/support/aws/second.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python can be started");
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("its output is piped")).read_line(&mut line).expect("a line");
    let told: serde_json::Value = serde_json::from_str(&line).expect("the second server tells where it is");
    let home = Home::new();
    let estate = home.write("estate.yaml", told["estate"].as_str().expect("it tells its estate"));
    let mut command = home.command();
    command
        .args(["status", "--format", "json", "--state-dir", "state", "--estate", &estate])
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", told["port"]))
        .env("AWS_ACCESS_KEY_ID", "123456789012")
        .env("AWS_SECRET_ACCESS_KEY", "x")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let output = command.output().expect("the program starts");
    drop(server.stdin.take()); // it ends with its input
    server.wait().expect("it ends");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let judged = |id: &str, failure: &str| {
        let components = document["components"].as_array().expect("components");
        let component = components.iter().find(|one| one["id"] == id).expect("it is there");
        component["failures"][failure].clone()
    };
    // Replication is real here: the copy holds what the source holds, and no lag is measured by any metric.
    let copy = judged("bucket", "region");
    assert_eq!(copy["rpo"]["point"]["kind"], "bucket_replica", "{copy}");
    assert_eq!(copy["rpo"]["point"]["place"]["region"], "us-west-2", "{copy}");
    assert!(copy["rpo"]["loss_s"].as_u64().is_some_and(|loss| loss < 300), "{copy}");
    let window = judged("table", "local");
    assert_eq!(window["rpo"]["point"]["kind"], "point_in_time", "{window}");
    let snapshot = judged("volume", "local");
    assert_eq!(snapshot["rpo"]["point"]["kind"], "snapshot", "{snapshot}");
    // Its vault counts a job that is complete and holds no point: the job is not what counts.
    let vault = judged("vault", "local");
    assert_eq!(vault["rpo"]["loss"], "everything", "{vault}");
    let kept = std::fs::read_dir(home.dir.path().join("state/readings")).expect("readings are kept");
    let kept: String =
        kept.filter_map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).ok()).collect();
    assert!(kept.contains(r#""Jobs of a week, backup":"1 COMPLETED""#), "the vault's jobs are read:\n{kept}");
    let troubles = document["troubles"].as_array().expect("troubles");
    let deleted = troubles.iter().find(|one| one["code"] == "objects-deleted").expect("a deletion is told");
    assert_eq!(deleted["component"], "bucket");
    let record = judged("www", "region");
    // Sixty seconds until every server has it, and the old answer's own thirty (N1).
    assert_eq!(record["rpo"]["point"]["retrieval_s"], 90, "{record}");
}
