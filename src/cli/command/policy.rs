//! `policy`: the least that an identity has to be allowed, from the table of operations and the estate.

use crate::cli::args::{Global, PolicyArgs};
use crate::cli::output::Output;
use crate::failure::Failure;

/// Runs the command.
///
/// # Errors
/// When the estate does not load, or this build knows no operations.
#[cfg(feature = "aws-core")]
pub fn run(global: &Global, args: &PolicyArgs, output: &Output) -> Result<u8, Failure> {
    use crate::cli::args::PolicyFor;
    use crate::cli::wire;
    use crate::domain::estate::Purpose;
    use crate::failure::FailureKind;
    use crate::provider::aws::policy;

    output.no_prometheus("policy")?;
    let (loaded, _) = wire::load(global)?;
    let purpose = match args.purpose {
        PolicyFor::Observe => Purpose::Observe,
        PolicyFor::Operate => Purpose::Operate,
    };
    let estate = wire::select(loaded.estate, global.environment.as_deref())?;
    let policies = policy::documents(&estate, purpose);
    let Some((account, only)) = policies.first() else {
        return Err(Failure::new(FailureKind::Usage, "no environment of this estate is an account of AWS")
            .hint("`provider: sandbox` needs no permissions"));
    };
    // One account is the usual case: what is printed then can be given to `aws iam put-role-policy` as it is.
    if policies.len() == 1 {
        output.note(&format!("for account {account}:"));
        output.json(only)?;
    } else {
        output.note("one policy for each account:");
        output.json(&policies.iter().cloned().collect::<serde_json::Map<_, _>>())?;
    }
    Ok(0)
}

/// Says that this build knows no operations.
///
/// # Errors
/// Always.
#[cfg(not(feature = "aws-core"))]
pub fn run(_: &Global, _: &PolicyArgs, _: &Output) -> Result<u8, Failure> {
    Err(Failure::new(crate::failure::FailureKind::Usage, "this build of lifeboat cannot read AWS")
        .hint("build with the default features"))
}
