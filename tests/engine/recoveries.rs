//! The runbooks on instances, volumes, tables and vaults, run by the program to their end in the sandbox.

use super::program::{Real, wrong};
use crate::support::console::demo;
use crate::support::run::START;
use lifeboat::provider::sandbox::{Fault, FaultSpec, Opening, WorldFile};
use lifeboat::runbook::event::{Event, Rest};

/// Runs a runbook to its end; returns what was done.
fn runs(runbook: &[&str]) -> Vec<String> {
    runs_at(&Real::new(), runbook)
}

/// What every call of the program begins with.
const SANDBOX: [&str; 6] = ["-e", "sandbox:calm", "--speed", "5000", "--start", START];

/// The same at a place where something may have been prepared.
fn runs_at(real: &Real, runbook: &[&str]) -> Vec<String> {
    let words = [&SANDBOX, &["run"][..], runbook, &["--yes", "--purpose", "a drill"]].concat();
    let mut ran = real.run(&words);
    for _ in 0..20 {
        // The clock of the sandbox runs ahead of a slow machine, and a wait has ended: as it says, it goes on.
        if ran.code != 4 || !ran.err.contains("`resume` goes on waiting") {
            break;
        }
        ran = real.run(&["resume"]);
    }
    assert_eq!(ran.code, 0, "{runbook:?}: {ran}");
    assert!(matches!(real.events().last(), Some(Event::Rested { rest: Rest::Finished, .. })), "{ran}");
    let effects = real.effects();
    assert_eq!(wrong(&real.lines(), &effects), Vec::<String>::new());
    let verified = real.run(&["audit", "verify"]);
    assert_eq!(verified.code, 0, "{verified}");
    effects.iter().map(|effect| effect.operation.to_string()).collect()
}

/// When the instance does not come up again, a new one from the image takes its place.
#[test]
fn an_instance_that_does_not_come_back_is_launched_anew() {
    let real = Real::new();
    assert_eq!(real.run(&[&SANDBOX[..], &["status"]].concat()).code, 0);
    let folder = real.state().join("sandbox");
    let (world, made) =
        WorldFile::open(&folder, &demo("calm"), "calm", 1, Opening::default()).expect("it opens");
    assert!(!made, "it is not the world of the program");
    world.fault(FaultSpec::new(Fault::InsufficientCapacity).of("ec2:StartInstances")).expect("it can be set");
    let done = runs_at(&real, &["instance-recover", "-p", "instance=web-2"]);
    assert_eq!(done, ["ec2:StopInstances", "ec2:RunInstances"]);
}

const ROLE: &str = "role=arn:aws:iam::417263985012:role/harbour-backup";

#[test]
fn an_instance_is_brought_back_and_kept() {
    assert_eq!(
        runs(&["instance-recover", "-p", "instance=web-2"]),
        ["ec2:StopInstances", "ec2:StartInstances"]
    );
    assert_eq!(runs(&["instance-relaunch", "-p", "instance=web-2"]), ["ec2:RunInstances"]);
    assert_eq!(runs(&["instance-backup", "-p", "instance=web-2", "-p", "reboot=false"]), ["ec2:CreateImage"]);
}

#[test]
fn a_volume_is_put_in_the_place_of_another_and_copied_away() {
    // All volumes of the demo estate hang on the bastion.
    let done = runs(&["volumes-restore", "-p", "volume=files-vol", "-p", "instance=i-07d2c4e6f8091a3b5"]);
    let wanted = [
        "ec2:CreateVolume",
        "ec2:StopInstances",
        "ec2:DetachVolume",
        "ec2:AttachVolume",
        "ec2:StartInstances",
    ];
    assert_eq!(done, wanted);
    assert_eq!(
        runs(&["volume-copy-to-dr", "-p", "volume=files-vol"]),
        ["ec2:CreateSnapshot", "ec2:CopySnapshot"]
    );
}

/// What a restored table is protected by, in this order: its continuous backups first (D3).
const PROTECTED: [&str; 4] = [
    "dynamodb:UpdateContinuousBackups",
    "dynamodb:UpdateTimeToLive",
    "dynamodb:TagResource",
    "dynamodb:UpdateTable",
];

#[test]
fn a_table_is_backed_up_and_restored_and_protected_again() {
    assert_eq!(runs(&["table-backup", "-p", "table=carts"]), ["dynamodb:CreateBackup"]);
    let done = runs(&["table-to-time", "-p", "table=carts"]);
    assert_eq!(done[0], "dynamodb:RestoreTableToPointInTime");
    assert_eq!(done[1..], PROTECTED);
    let done = runs(&["table-from-backup", "-p", "table=carts"]);
    assert_eq!(done[0], "dynamodb:RestoreTableFromBackup");
    assert_eq!(done[1..], PROTECTED);
}

#[test]
fn a_vault_takes_something_in_and_gives_it_back() {
    let vault = "vault=harbour-prod-vault";
    let now = ["backup-now", "-p", "component=carts", "-p", vault, "-p", ROLE];
    assert_eq!(runs(&now), ["backup:StartBackupJob"]);
    let listed = Real::new();
    let listed = listed.run(&[
        "-e",
        "sandbox:calm",
        "--speed",
        "0",
        "--start",
        START,
        "points",
        "vault",
        "--format",
        "json",
    ]);
    let point =
        listed.out.split('"').find(|word| word.starts_with("arn:aws:backup:us-east-2:recovery-point"));
    let point = format!("point={}", point.expect("the vault has a point"));
    let done = runs(&[
        "vault-restore",
        "-p",
        "table=carts",
        "-p",
        vault,
        "-p",
        &point,
        "-p",
        ROLE,
        "-p",
        "target=carts-2",
    ]);
    assert_eq!(done[0], "backup:StartRestoreJob");
    assert_eq!(done[1..], PROTECTED);
}
