//! strace: that of the machine, or the one of Debian, fetched once into `target/test-gear`.

use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Returns strace, or why there is none that works here.
pub(crate) fn strace() -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).map(|folder| folder.join("strace")).find(|path| path.is_file());
    let found = there.map_or_else(fetched, Ok)?;
    // Some containers forbid to look at other programs.
    let tried = Command::new(&found).args(["-o", "/dev/null", "true"]).stdin(Stdio::null()).output();
    match tried {
        Ok(output) if output.status.success() => Ok(found),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Fetches the package of Debian or Ubuntu, whose signature apt verifies, and unpacks it.
fn fetched() -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target folder");
    let folder = target.join("test-gear/strace");
    fs::create_dir_all(&folder).expect("target/test-gear can be made");
    let lock = File::create(folder.join("lock")).expect("a lock can be made");
    flock(&lock, FlockOperation::LockExclusive).expect("the lock can be taken");
    let program = folder.join("usr/bin/strace");
    if program.is_file() {
        return Ok(program);
    }
    let run = |program: &str, words: &[&str]| {
        let output = Command::new(program).args(words).current_dir(&folder).stdin(Stdio::null()).output();
        match output {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())),
            Err(error) => Err(format!("there is no strace, and no {program} to fetch it: {error}")),
        }
    };
    run("apt-get", &["download", "strace"])?;
    let entries = fs::read_dir(&folder).expect("the folder can be read").flatten();
    let package =
        entries.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "deb"));
    let package = package.ok_or("apt-get has brought no package")?;
    run("dpkg", &["-x", &package.display().to_string(), "."])?;
    Ok(program)
}
