//! libfiu: lets functions of the C library fail. It is fetched once from the distribution into `target/test-gear`, where it
//! is not installed.

use super::root;
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The packages of Debian and its like; apt knows whether they are what the distribution has signed.
const PACKAGES: [&str; 2] = ["libfiu0", "fiu-utils"];
/// What is loaded into a program.
const LIBRARY: &str = "lib/fiu/fiu_posix_preload.so";

/// libfiu, and what makes it fail the nth time.
#[derive(Debug)]
pub(crate) struct Fiu {
    /// The folder in which `lib` lies.
    prefix: PathBuf,
    nth: PathBuf,
}

impl Fiu {
    /// Returns it; why not, where it cannot be had.
    pub(crate) fn get() -> Result<&'static Self, &'static str> {
        static GOT: OnceLock<Result<Fiu, String>> = OnceLock::new();
        GOT.get_or_init(Self::make).as_ref().map_err(String::as_str)
    }

    fn make() -> Result<Self, String> {
        if !cfg!(target_os = "linux") {
            return Err("there is libfiu for Linux only".to_owned());
        }
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target folder");
        let source = root("tests/support/nth.c");
        let digest = Sha256::digest(fs::read(&source).expect("it can be read"));
        let name: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let folder = target.join("test-gear");
        fs::create_dir_all(&folder).expect("target/test-gear can be made");
        let lock = File::create(folder.join("libfiu.lock")).expect("a lock can be made");
        flock(&lock, FlockOperation::LockExclusive).expect("the lock can be taken");
        let prefix =
            if Path::new("/usr").join(LIBRARY).exists() { PathBuf::from("/usr") } else { fetch(&folder)? };
        let nth = folder.join(format!("nth-{name}.so"));
        if !nth.exists() {
            let new = folder.join(format!("nth-{name}.new"));
            run(Command::new("cc").args(["-shared", "-fPIC", "-O2", "-o"]).arg(&new).arg(&source))?;
            fs::rename(&new, &nth).expect("it can be moved");
        }
        Ok(Self { prefix, nth })
    }

    /// Returns the variables by which the nth passing of a point fails in an executor with an error; when that was is
    /// written to the file `says`.
    pub(crate) fn variables(&self, point: &str, nth: u64, error: i32, says: &Path) -> Vec<(String, String)> {
        let library = self.prefix.join(LIBRARY).display().to_string();
        let variables = [
            ("LD_LIBRARY_PATH", self.prefix.join("lib").display().to_string()),
            ("LD_PRELOAD", format!("{library} {}", self.nth.display())),
            ("NTH_POINT", point.to_owned()),
            ("NTH", nth.to_string()),
            ("NTH_ERRNO", error.to_string()),
            ("NTH_SAYS", says.display().to_string()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name} cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

fn fetch(folder: &Path) -> Result<PathBuf, String> {
    let made = folder.join("libfiu");
    if !made.join("usr").join(LIBRARY).exists() {
        let under = folder.join("libfiu.new");
        let _ = fs::remove_dir_all(&under);
        fs::create_dir_all(&under).expect("a folder can be made");
        run(Command::new("apt-get").args(["-q", "download"]).args(PACKAGES).current_dir(&under))?;
        for file in fs::read_dir(&under).expect("it can be read").flatten().map(|entry| entry.path()) {
            if file.extension().is_some_and(|ending| ending == "deb") {
                run(Command::new("dpkg").arg("-x").arg(&file).arg(&under))?;
            }
        }
        let _ = fs::remove_dir_all(&made);
        fs::rename(&under, &made).expect("the folder can be moved");
    }
    Ok(made.join("usr"))
}
