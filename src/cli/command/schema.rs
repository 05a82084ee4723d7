//! `schema`: the JSON Schema of a file or document.

use crate::audit::account::Report;
use crate::audit::verify::Verification;
use crate::cli::args::{SchemaArgs, SchemaOf};
use crate::cli::document::{
    CheckDocument, ComparisonDocument, CursorDocument, DoctorDocument, LocksDocument, LoginDocument,
    PointsDocument, RunbooksDocument, RunsDocument, StatesDocument, StatusDocument,
};
use crate::cli::output::Output;
use crate::config::schema;
use crate::failure::Failure;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// Runs the command.
///
/// # Errors
/// When it cannot be printed.
pub fn run(args: &SchemaArgs, output: &Output) -> Result<u8, Failure> {
    output.json(&of(args.of))?;
    Ok(0)
}

/// Returns the schema of `what`.
pub fn of(what: SchemaOf) -> Value {
    match what {
        SchemaOf::Estate => schema::estate(),
        SchemaOf::Runbook => schema::runbook(),
        SchemaOf::Status => written::<StatusDocument>(),
        SchemaOf::Points => written::<PointsDocument>(),
        SchemaOf::PointsAt => written::<CursorDocument>(),
        SchemaOf::Comparison => written::<ComparisonDocument>(),
        SchemaOf::Locks => written::<LocksDocument>(),
        SchemaOf::States => written::<StatesDocument>(),
        SchemaOf::Check => written::<CheckDocument>(),
        SchemaOf::Runbooks => written::<RunbooksDocument>(),
        SchemaOf::Runs => written::<RunsDocument>(),
        SchemaOf::AuditShow => written::<Report>(),
        SchemaOf::AuditVerify => written::<Verification>(),
        SchemaOf::Doctor => written::<DoctorDocument>(),
        SchemaOf::Login => written::<LoginDocument>(),
    }
}

/// Returns the schema of a type as it is written, so that fields which are always there are required.
fn written<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().to_value()
}
