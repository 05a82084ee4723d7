//! `init`: a first estate file, from what an account holds.

use crate::cli::ambient::{self, Ambient};
use crate::cli::args::InitArgs;
use crate::cli::output::Output;
use crate::config;
use crate::failure::{Failure, FailureKind};
use std::io::Write;
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// When the file is there already, nothing can be looked at, or the file cannot be written.
pub fn run(args: &InitArgs, output: &Output) -> Result<u8, Failure> {
    output.no_prometheus("init")?;
    let printed = args.output == Path::new("-");
    let shown = args.output.display().to_string();
    // Said before anything is asked of anybody.
    if !printed && args.output.symlink_metadata().is_ok() {
        return Err(there_already(&shown));
    }
    let wanted = Ambient {
        profile: args.profile.clone(),
        region: args.region.clone(),
        dr_region: args.dr_region.clone(),
    };
    let found = ambient::discover(&wanted, &|line| output.note(line))?;
    let name = args.name.clone().or_else(|| found.alias.clone());
    let text = found.file(&name.unwrap_or_else(|| format!("account-{}", found.account)));
    // What we suggest has to load: a file that does not would be found out at the worst time.
    let loaded = config::load_text(&text)
        .map_err(|diagnostics| config::load::failure("the suggested estate", &text, &diagnostics))?;
    if printed {
        output.text(&text)?;
    } else {
        write_new(&args.output, &shown, &text)?;
        let count = loaded.estate.components.len();
        let places = match &found.dr_region {
            Some(region) => format!("{} with copies in {region}", found.region),
            None => format!("{}; no copies were found elsewhere", found.region),
        };
        output.note(&format!("{shown}: {count} components of account {} in {places}", found.account));
        output.note(
            "every objective in it is a proposal: read it, then `lifeboat check` and `lifeboat status`",
        );
    }
    for line in &found.unread {
        output.note(&format!("could not be looked at: {line}"));
    }
    Ok(0)
}

fn there_already(shown: &str) -> Failure {
    Failure::new(FailureKind::Usage, format!("{shown} is there already, and is not overwritten"))
        .hint("name another with --output, or print it with `--output -`")
}

fn write_new(path: &Path, shown: &str, text: &str) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |error: &dyn std::error::Error| Failure::of(format!("cannot write {shown}"), error);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| failed(&error))?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(there_already(shown)),
        Err(error) => Err(failed(&error.error)),
    }
}
