//! Probes, webhooks and tools: simulated, and saying so.

use super::gear::{World, call};
use serde_json::{Value, json};

fn get(world: &World, url: &str) -> Value {
    let told = world.look(&call("http:Get").with("Url", url).with("TimeoutMs", 2000)).expect("an answer");
    assert_eq!(told["Simulated"], true);
    told["Green"].clone()
}

fn connect(world: &World, host: &str) -> Value {
    let told = world.look(&call("tcp:Connect").with("Host", host).with("Port", 5432)).expect("an answer");
    assert_eq!(told["Simulated"], true);
    told["Green"].clone()
}

fn endpoint(world: &World, id: &str) -> String {
    let look = call("rds:DescribeDBInstances").with("DBInstanceIdentifier", id);
    let found = world.look(&look).expect("it is there");
    found["DBInstances"][0]["Endpoint"]["Address"].as_str().expect("an address").to_owned()
}

#[test]
fn a_probe_is_green_when_what_it_names_is_well() {
    let calm = World::new("calm");
    let host = endpoint(&calm, "prod-orders");
    assert_eq!(connect(&calm, &host), true);
    assert_eq!(get(&calm, "https://checkout.harbour.example/health"), true);
    let gone = World::new("database-gone");
    assert_eq!(connect(&gone, &host), false);
    assert_eq!(get(&gone, "https://checkout.harbour.example/health"), false);
    let point = gone.points("orders-db").into_iter().find(|point| point.id.as_str().contains("daily"));
    let restore = call("rds:RestoreDBInstanceFromDBSnapshot")
        .with("DBInstanceIdentifier", "prod-orders")
        .with("DBSnapshotIdentifier", point.expect("a snapshot").id.as_str());
    gone.act(restore).expect("it is begun");
    assert_eq!(connect(&gone, &host), false, "it is still being made");
    gone.advance(1600);
    assert_eq!(endpoint(&gone, "prod-orders"), host);
    assert_eq!(connect(&gone, &host), true);
    assert_eq!(get(&gone, "https://checkout.harbour.example/health"), true);
}

#[test]
fn nothing_in_a_lost_region_is_green() {
    let host = endpoint(&World::new("calm"), "prod-orders");
    let lost = World::new("region-loss");
    assert_eq!(connect(&lost, &host), false);
    assert_eq!(connect(&lost, "anything.us-east-2.elb.amazonaws.com"), false);
    assert_eq!(
        connect(&lost, "anything.us-west-2.elb.amazonaws.com"),
        false,
        "the call's own Region is lost"
    );
    assert_eq!(get(&lost, "https://www.harbour.example/health"), false);
}

#[test]
fn a_name_resolves_to_what_its_record_says() {
    let world = World::new("calm");
    let resolve = || call("dns:Resolve").with("Name", "www.harbour.example");
    let told = world.look(&resolve()).expect("an answer");
    assert_eq!(told["Green"], true);
    let address = told["Addresses"][0].as_str().expect("an address").to_owned();
    assert!(address.starts_with("10."), "{address}");
    assert_eq!(world.look(&resolve().with("Expect", address.as_str())).expect("an answer")["Green"], true);
    assert_eq!(world.look(&resolve().with("Expect", "192.0.2.1")).expect("an answer")["Green"], false);
}

#[test]
fn webhooks_and_tools_do_nothing_and_are_counted() {
    let world = World::new("region-loss");
    let told = world.act(call("webhook:Post").with("Url", "https://chat.example/hook")).expect("it is sent");
    assert_eq!(told, json!({"Status": 200, "Simulated": true}));
    let told = world.act(call("tool:Run").with("Argv", json!(["terraform", "apply"]))).expect("it is run");
    assert_eq!(told, json!({"ExitCode": 0, "Simulated": true}));
    assert_eq!(world.effects(), ["webhook:Post", "tool:Run"]);
}
