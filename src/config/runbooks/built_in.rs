//! The runbooks that are part of lifeboat.

use super::Source;

/// The runbooks that are part of lifeboat: their names, and their files in `assets/runbooks`.
pub const BUILT_IN: &[(&str, &str)] = &[];

/// Returns them as files.
pub(super) fn sources() -> impl Iterator<Item = Source> {
    BUILT_IN.iter().map(|(name, text)| Source {
        origin: format!("built-in {name}"),
        id: (*name).to_owned(),
        bytes: text.as_bytes().to_vec(),
        built_in: true,
    })
}
