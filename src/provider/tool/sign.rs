//! Signing by `ssh-keygen`, which knows keys in files, agents and security keys, and asks for what it needs by itself.

use std::path::Path;
use std::process::{Command, Stdio};

/// Returns the signature under `bytes` in `namespace`, by the key in `key`.
///
/// # Errors
/// What `ssh-keygen` says.
pub fn sign(key: &Path, namespace: &str, bytes: &[u8]) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("approval");
    std::fs::write(&file, bytes).map_err(|error| error.to_string())?;
    // It may ask for a passphrase or a touch: the terminal is its own for as long as that takes.
    let done = Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
        .arg(key)
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("it cannot be started: {error}"))?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).trim().to_owned());
    }
    std::fs::read_to_string(file.with_extension("sig")).map_err(|error| error.to_string())
}
