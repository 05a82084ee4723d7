//! The naive ways: what somebody in a hurry would write, and the tests that fail when it is put in place of what is there.
//!
//! Each row of [`HELD`] was tried: the naive way was put into the product, the test failed, and the product was put back.
//! Whoever changes one of these tests tries its row again. Rows S5 and E3 are held on the reading side, too, by the tests of
//! their names in `tests/aws/facts.rs`.

use crate::support::root;
use jiff::Timestamp;
use lifeboat::domain::replication::copies_markers;
use lifeboat::domain::state::{ReplicaStatus, StateForm, StateHistory, StateVersion, compare_replica};
use std::collections::BTreeSet;

/// The rows that have to be held.
const ROWS: [&str; 10] = ["R4", "D3", "S2", "S5", "N1", "N2", "E3", "E7", "A1", "A3"];

/// A row, the naive way, and the test that fails by it: the file, and the name of its function.
const HELD: &[(&str, &str, &str, &str)] = &[
    (
        "R4",
        "nothing of the original is passed to a restore",
        "tests/sandbox/rds_actions.rs",
        "a_restore_carries_over_what_it_drops_and_lists_what_it_could_not",
    ),
    (
        "R4",
        "what only a modification sets is left out",
        "tests/sandbox/rds_actions.rs",
        "a_restore_carries_over_what_it_drops_and_lists_what_it_could_not",
    ),
    (
        "R4",
        "what was restored is not compared with the original, setting by setting",
        "tests/sandbox/rds_actions.rs",
        "a_restore_carries_over_what_it_drops_and_lists_what_it_could_not",
    ),
    (
        "R4",
        "the settings of an original that is gone are not those that were last read",
        "tests/sandbox/rds_actions.rs",
        "backups_that_were_kept_of_a_deleted_database_are_found_by_its_resource_id",
    ),
    (
        "R4",
        "groups of the home Region are passed to the DR Region",
        "tests/sandbox/rds_actions.rs",
        "groups_that_are_missing_in_the_dr_region_are_named_before_anything_is_done",
    ),
    (
        "R4",
        "clusters are restored with the defaults of their engine",
        "tests/sandbox/rds_actions.rs",
        "a_cluster_is_restored_with_instances_and_is_there_when_one_of_them_writes",
    ),
    (
        "D3",
        "a restored table is left without continuous backups, or gets them last",
        "tests/sandbox/tables.rs",
        "a_restored_table_is_unprotected_until_it_is_protected_again",
    ),
    (
        "D3",
        "time to live, tags, deletion protection or stream are not set again, or not compared",
        "tests/sandbox/tables.rs",
        "a_restored_table_is_unprotected_until_it_is_protected_again",
    ),
    (
        "D3",
        "the settings of a table that is gone are not those that were last read",
        "tests/sandbox/tables.rs",
        "a_table_is_protected_as_its_lost_original_was_last_read",
    ),
    (
        "S2",
        "a deleted object comes back by a copy, or by deleting a version; it is deleted again by its version",
        "tests/sandbox/s3_actions.rs",
        "a_deleted_object_comes_back_as_the_very_version_that_was_there",
    ),
    (
        "S2",
        "to go back, the newest version is deleted",
        "tests/sandbox/s3_actions.rs",
        "an_older_version_comes_back_by_a_copy_and_the_newer_ones_stay",
    ),
    (
        "S2",
        "under a prefix, what was deleted is copied",
        "tests/engine/fan_out_keys.rs",
        "what_was_deleted_comes_back_by_its_markers_alone_the_newest_last",
    ),
    (
        "S2",
        "under a prefix, what was overwritten is gone back to by deleting what is newer",
        "tests/engine/fan_out_keys.rs",
        "what_was_overwritten_is_copied_onto_what_was_seen_and_nothing_else",
    ),
    (
        "S5",
        "a rule replicates deletions only where it says so, or never",
        "tests/domain/naive.rs",
        "without_a_filter_or_where_it_is_told_to_a_rule_deletes_in_the_replica_too",
    ),
    (
        "S5",
        "a replica is as good as it is new",
        "tests/domain/naive.rs",
        "a_replica_is_judged_by_what_it_has_and_not_by_how_old_it_is",
    ),
    (
        "S5",
        "a replica has always, or never, what was deleted at its source",
        "tests/domain/naive.rs",
        "whether_a_deletion_was_replicated_is_seen_and_not_assumed",
    ),
    (
        "S5",
        "two versions called `null` are the same",
        "tests/domain/naive.rs",
        "what_is_called_null_here_and_there_is_not_the_same_for_that",
    ),
    (
        "S5",
        "what is suspended is written to as if it kept versions",
        "tests/sandbox/s3_actions.rs",
        "nothing_is_written_where_it_would_take_the_place_of_what_is_there",
    ),
    (
        "S5",
        "a prefix is put back although versioning is suspended",
        "tests/engine/fan_out_keys.rs",
        "a_bucket_whose_versioning_is_suspended_is_not_written_to",
    ),
    (
        "S5",
        "what was written as `null` is judged like any other version",
        "tests/engine/fan_out_keys.rs",
        "what_was_written_while_versioning_was_suspended_is_judged_by_nobody",
    ),
    (
        "N1",
        "a change is done when it is accepted, or when it is INSYNC",
        "tests/sandbox/names.rs",
        "a_change_is_done_when_the_old_lifetime_has_passed_and_not_when_it_is_in_sync",
    ),
    (
        "N1",
        "the lifetime that counts is the new one",
        "tests/sandbox/names.rs",
        "a_record_comes_back_exactly_as_it_was",
    ),
    (
        "N1",
        "what was not there is seen at once",
        "tests/sandbox/names.rs",
        "what_is_not_there_yet_is_waited_for_as_long_as_its_absence_is_remembered",
    ),
    (
        "N2",
        "a record is upserted, or changed without a look at what it is now",
        "tests/sandbox/names.rs",
        "a_record_that_somebody_changed_meanwhile_is_not_changed_any_more",
    ),
    (
        "E3",
        "an archived snapshot makes a volume; it is there as soon as it is asked for",
        "tests/sandbox/ec2_actions.rs",
        "an_archived_snapshot_is_brought_back_before_it_makes_a_volume",
    ),
    (
        "E3",
        "what was brought back stays for ever",
        "src/action/ebs_tier.rs",
        "what_was_brought_back_for_a_while_is_readable_until_then",
    ),
    (
        "E3",
        "the wait for the archive is no part of the time that a recovery takes",
        "tests/domain/matrix.rs",
        "every_cell_that_can_exist_is_reached",
    ),
    (
        "E7",
        "the zones of a volume and its instance are not looked at: in the plan, or before the step",
        "tests/sandbox/ec2_actions.rs",
        "a_volume_of_another_zone_is_not_attached",
    ),
    (
        "E7",
        "an instance is launched by its image and type alone",
        "tests/sandbox/ec2_actions.rs",
        "what_an_image_does_not_bring_comes_from_the_original",
    ),
    (
        "A1",
        "a cluster is restored without instances, or done when it says that it is available",
        "tests/sandbox/rds_actions.rs",
        "a_cluster_is_restored_with_instances_and_is_there_when_one_of_them_writes",
    ),
    (
        "A1",
        "any instance will do, whether it writes or not",
        "tests/sandbox/rds_actions.rs",
        "without_an_instance_that_writes_a_cluster_is_not_there",
    ),
    (
        "A3",
        "a lost Region is failed over within the Region, or by a switchover, or without AllowDataLoss; nobody is asked whether data may be lost",
        "tests/sandbox/rds_actions.rs",
        "a_global_failover_says_that_it_loses_data_and_never_becomes_a_switchover",
    ),
    (
        "A3",
        "a switchover that is under way is taken for the failover",
        "tests/sandbox/rds_actions.rs",
        "a_switchover_that_is_under_way_is_not_taken_for_a_failover",
    ),
];

#[test]
fn every_row_has_its_tests_and_they_are_there() {
    let rows: BTreeSet<&str> = HELD.iter().map(|(row, ..)| *row).collect();
    assert_eq!(rows, ROWS.into_iter().collect(), "each row is held by a test");
    for (row, way, file, test) in HELD {
        let text = std::fs::read_to_string(root(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let (before, _) = text
            .split_once(&format!("fn {test}("))
            .unwrap_or_else(|| panic!("{row} ({way}): {file} has no test {test}"));
        let above = before.lines().rev().map(str::trim);
        let above = above.skip_while(|line| line.is_empty());
        let mut above = above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        assert!(above.any(|line| line == "#[test]"), "{row} ({way}): {test} in {file} is not run");
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

fn version(id: &str, written_at: &str, serial: u64, md5: &str) -> StateVersion {
    StateVersion {
        form: StateForm::Whole,
        serial: Some(serial),
        lineage: Some("one".into()),
        md5: Some(md5.into()),
        ..StateVersion::unread(id, at(written_at), 10)
    }
}

fn history(versions: Vec<StateVersion>) -> StateHistory {
    StateHistory { path: "states/network".into(), versions, ..StateHistory::default() }
}

#[test]
fn without_a_filter_or_where_it_is_told_to_a_rule_deletes_in_the_replica_too() {
    for (has_filter, told, copies) in [
        (false, None, true),
        (true, None, false),
        (true, Some("Enabled"), true),
        (true, Some("Disabled"), false),
        (false, Some("Disabled"), false),
    ] {
        assert_eq!(copies_markers(has_filter, told), copies, "filter: {has_filter}, told: {told:?}");
    }
}

#[test]
fn a_replica_is_judged_by_what_it_has_and_not_by_how_old_it_is() {
    let before = version("v1", "2026-11-21T01:00:00Z", 1, "aa");
    let newer = version("v2", "2026-11-21T02:00:00Z", 2, "bb");
    let source = history(vec![newer.clone(), before.clone()]);
    // Written there later than here, and all the same without what was written here last.
    let late = StateVersion { written_at: at("2026-11-21T02:30:00Z"), ..before.clone() };
    let behind = ReplicaStatus::Behind { since: newer.written_at };
    assert_eq!(compare_replica(&source, Some(&history(vec![late]))), behind);
    assert_eq!(compare_replica(&source, Some(&source)), ReplicaStatus::InStep);
    assert_eq!(compare_replica(&source, None), ReplicaStatus::Lacks);
}

#[test]
fn whether_a_deletion_was_replicated_is_seen_and_not_assumed() {
    let whole = version("v1", "2026-11-21T01:00:00Z", 1, "aa");
    let marker = StateVersion::marker("m1", at("2026-11-21T02:00:00Z"));
    let deleted = history(vec![marker, whole.clone()]);
    let kept = history(vec![whole]);
    assert_eq!(compare_replica(&deleted, Some(&kept)), ReplicaStatus::Kept);
    assert_eq!(compare_replica(&deleted, Some(&deleted)), ReplicaStatus::DeletedToo);
    let there_alone = compare_replica(&kept, Some(&deleted));
    assert!(matches!(there_alone, ReplicaStatus::SplitBrain { .. }), "{there_alone:?}");
}

#[test]
fn what_is_called_null_here_and_there_is_not_the_same_for_that() {
    let here = version("null", "2026-11-21T01:00:00Z", 2, "aa");
    let there = version("null", "2026-11-21T01:00:00Z", 1, "bb");
    let (source, replica) = (history(vec![here.clone()]), history(vec![there.clone()]));
    assert_eq!(
        compare_replica(&source, Some(&replica)),
        ReplicaStatus::Behind { since: here.written_at },
        "its bytes are others"
    );
    assert!(!here.is_copy_of(&there));
    assert!(here.is_copy_of(&StateVersion { md5: here.md5.clone(), ..there }));
    let place = lifeboat::domain::place::Place::new("417263985012", "us-west-2");
    let points = replica.points(&place, Some(&source));
    assert_eq!(
        points[0].holds,
        lifeboat::domain::recovery_point::Holds::Until(at("2026-11-21T01:00:00Z")),
        "nobody knows for how long it was true"
    );
}
