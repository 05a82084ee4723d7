//! `doctor`: whether everything is in place.

use crate::cli::args::{Format, Global};
use crate::cli::document::{CheckResult, CheckStatus, DoctorDocument, VERSION};
use crate::cli::output::Output;
use crate::config::paths::{self, StateDir};
use crate::config::{self};
use crate::domain::Text;
use crate::domain::size::bytes;
use crate::failure::{Failure, FailureKind};
use crate::tui::keymap;
use std::io::IsTerminal;
use std::path::PathBuf;

/// The least size that shows the whole console.
const FULL: (u16, u16) = (80, 24);
/// From how little room on the disk on it is said.
const LITTLE_ROOM: u64 = 256 << 20;
/// File systems on which locks or syncing cannot be relied on, by their magic numbers, which C libraries give
/// different types.
const UNRELIABLE: [(i64, &str); 4] =
    [(0x6969, "NFS"), (0x517B, "SMB"), (0xFF53_4D42, "CIFS"), (0x6573_5546, "FUSE")];
/// Tools that recoveries may call.
const TOOLS: [(&str, &str); 7] = [
    ("terraform", "plans and applies of stacks"),
    ("tofu", "the same, with OpenTofu"),
    ("kubectl", "Kubernetes by hand, when lifeboat is not enough"),
    ("helm", "rolling releases back"),
    ("aws", "AWS by hand, when lifeboat is not enough"),
    ("git", "Git repositories as components"),
    ("ssh-keygen", "approvals by a second person"),
];

/// Runs the command.
///
/// # Errors
/// When it cannot be printed; exit code 1 when a check failed.
pub fn run(global: &Global, output: &Output) -> Result<u8, Failure> {
    output.no_prometheus("doctor")?;
    let mut checks = terminal();
    checks.extend(state_folder(global));
    checks.push(keymap_file());
    checks.extend(TOOLS.iter().map(|(tool, what)| tool_check(tool, what)));
    checks.push(estate(global));
    #[cfg(feature = "aws-core")]
    checks.extend(super::doctor_aws::checks(global));
    let failed = checks.iter().any(|check| check.result == CheckResult::Failed);
    let document = DoctorDocument { version: VERSION, lifeboat: env!("CARGO_PKG_VERSION").into(), checks };
    match output.format() {
        Format::Json => output.json(&document)?,
        _ => output.text(&show(&document))?,
    }
    Ok(if failed { FailureKind::Failed.exit_code() } else { 0 })
}

fn show(document: &DoctorDocument) -> String {
    let mut out = format!("lifeboat {}\n", document.lifeboat);
    let width = document.checks.iter().map(|check| check.name.as_str().len()).max().unwrap_or(0).max(13);
    for check in &document.checks {
        let word = match check.result {
            CheckResult::Fine => "✓ fine   ",
            CheckResult::Limited => "▲ limited",
            CheckResult::Failed => "✗ failed ",
        };
        out.push_str(&format!("{word}  {:<width$} {}\n", check.name.as_str(), check.says));
        if let Some(hint) = &check.hint {
            out.push_str(&format!("{:width$}             {hint}\n", ""));
        }
    }
    out
}

fn check(name: &str, result: CheckResult, says: impl AsRef<str>, hint: Option<&str>) -> CheckStatus {
    CheckStatus { name: name.into(), result, says: Text::new(says.as_ref()), hint: hint.map(Text::new) }
}

fn terminal() -> Vec<CheckStatus> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let mut checks = Vec::new();
    let (input, screen) = (std::io::stdin().is_terminal(), std::io::stdout().is_terminal());
    checks.push(if input && screen {
        match rustix::termios::tcgetwinsize(std::io::stdout()) {
            Ok(size) if size.ws_col >= FULL.0 && size.ws_row >= FULL.1 => {
                check("terminal", CheckResult::Fine, format!("{} by {}", size.ws_col, size.ws_row), None)
            }
            Ok(size) => check(
                "terminal",
                CheckResult::Limited,
                format!("{} by {} is small", size.ws_col, size.ws_row),
                Some("80 by 24 shows everything; below that the console shows the status only"),
            ),
            Err(error) => {
                check("terminal", CheckResult::Limited, format!("its size cannot be read: {error}"), None)
            }
        }
    } else {
        check(
            "terminal",
            CheckResult::Limited,
            "standard input and output are not a terminal",
            Some("the console needs one; status, points, locks and states do not"),
        )
    });
    let term = variable("TERM");
    let colours = crate::tui::theme::capability();
    checks.push(match term.as_str() {
        "" | "dumb" => check(
            "TERM",
            CheckResult::Limited,
            "TERM names no terminal",
            Some("set it, such as TERM=xterm-256color"),
        ),
        term => check("TERM", CheckResult::Fine, format!("{term}, {}", colours.words()), None),
    });
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(variable).into_iter().find(|value| !value.is_empty());
    let utf8 = crate::tui::theme::utf8_locale();
    let locale = locale.unwrap_or_else(|| "not set".to_owned());
    checks.push(if utf8 {
        check("locale", CheckResult::Fine, locale, None)
    } else {
        let hint = Some("the console uses ASCII glyphs; set LC_ALL=C.UTF-8 for the others");
        check("locale", CheckResult::Limited, format!("{locale}: not UTF-8"), hint)
    });
    checks
}

fn state_folder(global: &Global) -> Vec<CheckStatus> {
    let state = match StateDir::open(global.state_dir.as_deref()) {
        Ok(state) => state,
        Err(failure) => {
            let hint = failure.hints.first().cloned();
            let says = failure
                .causes
                .first()
                .map_or(failure.message.clone(), |why| format!("{}: {why}", failure.message));
            return vec![check("state folder", CheckResult::Failed, says, hint.as_deref())];
        }
    };
    let shown = state.path().display().to_string();
    let mut checks = vec![match tempfile::tempfile_in(state.path()) {
        Ok(_) => check("state folder", CheckResult::Fine, &shown, None),
        Err(error) => {
            let hint = "readings will not be kept; make room or name another with --state-dir";
            check(
                "state folder",
                CheckResult::Limited,
                format!("{shown} cannot be written: {error}"),
                Some(hint),
            )
        }
    }];
    match rustix::fs::statfs(state.path()) {
        Ok(stat) => {
            #[expect(clippy::useless_conversion, reason = "the field's type differs between platforms")]
            let magic = i64::try_from(stat.f_type).unwrap_or(0);
            let room = stat.f_bavail.saturating_mul(stat.f_bsize.unsigned_abs());
            checks.push(if room < LITTLE_ROOM {
                check(
                    "disk",
                    CheckResult::Limited,
                    format!("{} free", bytes(room)),
                    Some("make room before an incident does"),
                )
            } else {
                check("disk", CheckResult::Fine, format!("{} free", bytes(room)), None)
            });
            if let Some((_, name)) = UNRELIABLE.iter().find(|(known, _)| *known == magic) {
                checks.push(check(
                    "file system",
                    CheckResult::Limited,
                    format!("{shown} lies on {name}, where locks and syncing cannot be relied on"),
                    Some("name a folder on a local disk with --state-dir"),
                ));
            }
        }
        Err(error) => checks.push(check("disk", CheckResult::Limited, error.to_string(), None)),
    }
    checks
}

fn keymap_file() -> CheckStatus {
    match keymap::load::user_file() {
        None => check("keymap", CheckResult::Fine, "the built-in keys", None),
        Some(path) => match keymap::load::from_user_file(&path) {
            Ok(_) => check("keymap", CheckResult::Fine, path.display().to_string(), None),
            Err(errors) => {
                let first = errors.first().map_or_else(String::new, ToString::to_string);
                let says =
                    format!("{} has {} errors; the built-in keys are used", path.display(), errors.len());
                check("keymap", CheckResult::Limited, says, Some(&first))
            }
        },
    }
}

fn tool_check(tool: &str, what: &str) -> CheckStatus {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found: Option<PathBuf> =
        std::env::split_paths(&path).map(|dir| dir.join(tool)).find(|path| path.is_file());
    match found {
        Some(path) => check(tool, CheckResult::Fine, path.display().to_string(), None),
        None => {
            check(tool, CheckResult::Limited, "not found on PATH", Some(&format!("it is used for {what}")))
        }
    }
}

fn estate(global: &Global) -> CheckStatus {
    let Some(path) = paths::estate_file(global.estate.as_deref()) else {
        let hint = "`lifeboat demo` needs none; `lifeboat schema estate` prints the format";
        return check("estate", CheckResult::Limited, "there is no estate file", Some(hint));
    };
    let name = path.display();
    match config::load(&path) {
        Ok(loaded) if loaded.warnings.is_empty() => check(
            "estate",
            CheckResult::Fine,
            format!("{name}: {} components", loaded.estate.components.len()),
            None,
        ),
        Ok(loaded) => {
            let says = format!("{name} has {} warnings", loaded.warnings.len());
            check("estate", CheckResult::Limited, says, Some("`lifeboat check` shows them"))
        }
        Err(failure) => {
            check("estate", CheckResult::Failed, failure.message, Some("`lifeboat check` shows where"))
        }
    }
}
