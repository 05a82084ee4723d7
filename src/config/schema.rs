//! The JSON Schemas of the files that people write, from the types that read them.

use super::estate_file::EstateFile;
use super::runbook_file::RunbookFile;
use serde_json::Value;

/// Returns the schema of the estate file.
pub fn estate() -> Value {
    let mut schema = schemars::schema_for!(EstateFile).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("required".into(), serde_json::json!(["version", "estate", "environments"]));
    }
    schema
}

/// Returns the schema of a runbook.
pub fn runbook() -> Value {
    let mut schema = schemars::schema_for!(RunbookFile).to_value();
    if let Some(object) = schema.as_object_mut() {
        object
            .insert("required".into(), serde_json::json!(["version", "title", "scenario", "kind", "steps"]));
    }
    for (name, required) in [
        ("StepFile", &["id", "title", "uses"][..]),
        ("ParameterFile", &["type", "says"]),
        ("CheckFile", &["uses", "hold", "within"]),
        ("RetryFile", &["times"]),
    ] {
        let found = schema.pointer_mut(&format!("/$defs/{name}")).and_then(Value::as_object_mut);
        if let Some(found) = found {
            found.insert("required".into(), serde_json::json!(required));
        }
    }
    schema
}
