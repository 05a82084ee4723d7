//! What a bucket's replication does with deletions (S5).

/// Says whether a rule deletes in the replica what a person deletes at the source; `told` is what the rule says of delete
/// markers, where it says anything. A rule without a filter is one of the first version, and those replicate markers. What is
/// deleted by its version, and what a lifecycle deletes, no rule replicates.
pub fn copies_markers(has_filter: bool, told: Option<&str>) -> bool {
    told.map_or(!has_filter, |status| status == "Enabled")
}
