//! What the tests share: a place of their own, the program run in it, and a console without a terminal.

#[cfg(feature = "aws-core")]
pub(crate) mod account;
#[cfg(feature = "aws-compute")]
pub(crate) mod armed;
pub(crate) mod console;
#[cfg(feature = "aws-compute")]
pub(crate) mod fast;
pub(crate) mod fiu;
#[cfg(feature = "aws-compute")]
pub(crate) mod gateway;
#[cfg(feature = "aws-core")]
pub(crate) mod gear;
pub(crate) mod journey;
pub(crate) mod recoveries;
pub(crate) mod run;
pub(crate) mod skip;
#[cfg(feature = "aws-compute")]
pub(crate) mod strace;

use std::path::PathBuf;

/// Returns a path inside the repository.
pub(crate) fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns every file below a folder of the repository whose name ends so, sorted.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("an entry of a folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Compares what a program makes with the file that keeps it; with `UPDATE=1` the file is rewritten instead.
pub(crate) fn assert_kept(path: &str, made: &str) {
    let path = root(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("the folder can be made");
        std::fs::write(&path, made).expect("the file can be written");
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "{} is not what the program makes; run the tests with UPDATE=1 and review it",
        path.display()
    );
}
