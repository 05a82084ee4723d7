//! Names, buckets, roles and clusters by the program itself: each runbook to its end in the sandbox, and back.

use super::program::{Real, own_folder};
use crate::support::console::demo;
use crate::support::run::Ran;
use jiff::Timestamp;
use lifeboat::provider::port::Look;
use lifeboat::provider::sandbox::{Opening, SandboxAdapter, WorldFile};
use lifeboat::runbook::call::Call;
use lifeboat::runbook::event::{Event, Rest};
use serde_json::{Value, json};
use std::future::Future;
use std::task::{Context, Poll, Waker};

const ACCOUNT: &str = "417263985012";

/// Runs a runbook in the sandbox.
fn run(real: &Real, runbook: &str, parameters: &[&str]) -> Ran {
    let mut words = vec!["-e", "sandbox:calm", "--speed", "5000", "run", runbook];
    for parameter in parameters {
        words.extend(["-p", parameter]);
    }
    words.extend(["--yes", "--purpose", "a test"]);
    real.run(&words)
}

/// Says that a run has come to its end, and that its journal is sound.
fn ends_well(real: &Real, ran: &Ran) {
    assert_eq!(ran.code, 0, "{ran}");
    assert!(matches!(real.events().last(), Some(Event::Rested { rest: Rest::Finished, .. })), "{ran}");
    verifies(real);
}

fn verifies(real: &Real) {
    let verified = real.run(&["audit", "verify"]);
    assert_eq!(verified.code, 0, "{verified}");
}

/// Takes the only run back.
fn undo(real: &Real) {
    let folder = real.folder().expect("there is a run");
    let name = folder.file_name().expect("it has a name").to_string_lossy().into_owned();
    let ran = real.run(&["undo", &name, "--yes"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(matches!(real.events().last(), Some(Event::Rested { rest: Rest::Undone, .. })), "{ran}");
    verifies(real);
}

/// Returns what a look brings in the world of the run.
fn look(real: &Real, region: &str, operation: &str, arguments: Value) -> Option<Value> {
    let folder = real.state().join("sandbox");
    own_folder(&folder);
    let (file, _) =
        WorldFile::open(&folder, &demo("calm"), "calm", 1, Opening::default()).expect("the world opens");
    let place = lifeboat::domain::place::Place::new(ACCOUNT, region);
    let mut call = Call::new(operation, &"production".into(), &place);
    let Value::Object(arguments) = arguments else { panic!("arguments have names") };
    call.arguments = arguments;
    let adapter = SandboxAdapter::new(file);
    let told = std::pin::pin!(Look::look(&adapter, &call)).poll(&mut Context::from_waker(Waker::noop()));
    match told {
        Poll::Ready(told) => told.ok().map(|reply| reply.body),
        Poll::Pending => panic!("it does not answer"),
    }
}

/// Returns the moments at which the first call was answered and its step had arrived.
fn answered_and_arrived(real: &Real) -> (Timestamp, Timestamp) {
    let lines = real.lines();
    let at = |is: &dyn Fn(&Event) -> bool| {
        lines.iter().find(|line| line.event.as_ref().is_some_and(is)).expect("it happened").at
    };
    (
        at(&|event| matches!(event, Event::Answered { .. })),
        at(&|event| matches!(event, Event::Arrived { .. })),
    )
}

#[test]
fn a_name_is_failed_over_and_back_and_each_waits_for_the_old_lifetime() {
    let real = Real::new();
    let ran = run(&real, "dns-failover", &["record=shop-dns", "standby=10.9.9.9"]);
    ends_well(&real, &ran);
    let (answered, arrived) = answered_and_arrived(&real);
    // About a minute until INSYNC, and the old lifetime of another (N1).
    let waited = arrived.duration_since(answered).as_secs();
    assert!(waited >= 120, "it was done after {waited} s");
    let seen = look(&real, "us-east-2", "dns:Resolve", json!({"Name": "www.harbour.example"}));
    assert_eq!(seen.expect("it is answered")["Addresses"], json!(["10.9.9.9"]));
    undo(&real);
    assert_eq!(real.effects().len(), 2);

    let real = Real::new();
    let ran = run(&real, "dns-failback", &["record=api-dns", "home=10.8.8.8"]);
    ends_well(&real, &ran);
}

#[test]
fn traffic_moves_between_weighted_records() {
    let real = Real::new();
    let name = "checkout.harbour.example";
    let zones = look(&real, "us-east-1", "route53:ListHostedZones", json!({})).expect("they are listed");
    let asked = json!({"HostedZoneId": zones["HostedZones"][0]["Id"], "Name": name, "Type": "A"});
    let sets = look(&real, "us-east-1", "route53:ListResourceRecordSets", asked).expect("they are listed");
    let standby = sets["ResourceRecordSets"].as_array().expect("a list").iter();
    let standby = standby.clone().find(|set| set["SetIdentifier"] == "standby").expect("there is one");
    let address = standby["ResourceRecords"][0]["Value"].as_str().expect("a text").to_owned();
    let parameters =
        ["record=shop-dns", &format!("name={name}"), "to=standby", &format!("address={address}")];
    let ran = run(&real, "dns-weights", &parameters);
    ends_well(&real, &ran);
}

#[test]
fn a_bucket_is_contained_and_comes_back_exactly_as_it_was() {
    let real = Real::new();
    let of = |real: &Real| {
        let own = || json!({"Bucket": "harbour-prod-media"});
        [
            look(real, "us-east-2", "s3:GetBucketPolicy", own()),
            look(real, "us-east-2", "s3:GetBucketLifecycleConfiguration", own()),
            look(real, "us-east-2", "s3:GetBucketVersioning", own()),
        ]
    };
    let before = of(&real);
    let ran = run(&real, "contain-bucket", &["bucket=media"]);
    ends_well(&real, &ran);
    let during = of(&real);
    assert!(before[0] != during[0] && before[1] != during[1]);
    undo(&real);
    assert_eq!(of(&real), before, "to the last member");
}

#[test]
fn a_kubeconfig_is_planned_without_any_secret() {
    let real = Real::new();
    let ran = run(&real, "cluster-access", &["cluster=shop-cluster"]);
    ends_well(&real, &ran);
    let effects = real.effects();
    assert_eq!(effects.len(), 1, "{effects:?}");
    let plan =
        std::fs::read_to_string(real.folder().expect("there is a run").join("plan.json")).expect("a plan");
    assert!(plan.contains("get-token") && plan.contains("client.authentication.k8s.io/v1beta1"), "{plan}");
    undo(&real);
}
