//! The JSON Schema of the estate file, from the types that read it.

use super::estate_file::EstateFile;
use serde_json::Value;

/// Returns the schema of the estate file.
pub fn estate() -> Value {
    let mut schema = schemars::schema_for!(EstateFile).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("required".into(), serde_json::json!(["version", "estate", "environments"]));
    }
    schema
}
