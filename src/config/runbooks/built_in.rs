//! The runbooks that are part of lifeboat.

use super::Source;

macro_rules! built_in {
    ($($name:literal),*) => {
        &[$(($name, include_str!(concat!("../../../assets/runbooks/", $name, ".yaml")))),*]
    };
}

/// The runbooks that are part of lifeboat: their names, and their files in `assets/runbooks`.
pub const BUILT_IN: &[(&str, &str)] = built_in![
    "backup-now",
    "bucket-protect",
    "cluster-access",
    "cluster-failover",
    "cluster-from-snapshot",
    "cluster-in-dr-region",
    "cluster-to-time",
    "contain-account",
    "contain-bucket",
    "database-backup",
    "database-copy-to-dr",
    "database-from-snapshot",
    "database-in-dr-region",
    "database-swap-back",
    "database-to-time",
    "dns-failback",
    "dns-failover",
    "dns-weights",
    "environment-in-order",
    "global-failback",
    "global-failover",
    "global-switchover",
    "instance-backup",
    "instance-recover",
    "instance-relaunch",
    "instance-restart",
    "object-download",
    "object-undelete",
    "object-version",
    "prefix-sync",
    "prefix-to-moment",
    "region-lost",
    "table-backup",
    "table-from-backup",
    "table-to-time",
    "vault-restore",
    "volume-copy-to-dr",
    "volume-from-snapshot",
    "volume-snapshot",
    "volumes-restore"
];

/// Returns them as files.
pub(super) fn sources() -> impl Iterator<Item = Source> {
    BUILT_IN.iter().map(|(name, text)| Source {
        origin: format!("built-in {name}"),
        id: (*name).to_owned(),
        bytes: text.as_bytes().to_vec(),
        built_in: true,
    })
}
