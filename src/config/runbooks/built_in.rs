//! The runbooks that are part of lifeboat.

use super::Source;

macro_rules! built_in {
    ($($name:literal),*) => {
        &[$(($name, include_str!(concat!("../../../assets/runbooks/", $name, ".yaml")))),*]
    };
}

/// The runbooks that are part of lifeboat: their names, and their files in `assets/runbooks`.
pub const BUILT_IN: &[(&str, &str)] = built_in![
    "cluster-failover",
    "database-from-snapshot",
    "instance-restart",
    "object-undelete",
    "object-version",
    "prefix-sync",
    "prefix-to-moment",
    "volume-from-snapshot",
    "volume-snapshot"
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
