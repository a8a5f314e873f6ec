//! Values that fit a schema, and answers that fit a question.

use serde_json::{Map, Value, json};

/// A value for a schema: its default where it has one.
pub(super) fn value(schema: &Value) -> Value {
    if let Some(default) = schema.get("default") {
        return default.clone();
    }
    if let Some(first) = schema.pointer("/enum/0") {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("integer" | "number") => 1.into(),
        Some("boolean") => true.into(),
        Some("array") => json!([]),
        Some("null") => Value::Null,
        Some("object") => object(schema),
        _ => "sample".into(),
    }
}

/// An object with all properties of its schema.
pub(super) fn object(schema: &Value) -> Value {
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties.map(|(name, property)| (name.clone(), value(property))).collect::<Map<_, _>>().into()
}

/// The `result` of a server's request.
pub(super) fn response(method: &str, params: &Value) -> Value {
    match method {
        "elicitation/create" => json!({ "action": "accept", "content": object(&params["requestedSchema"]) }),
        "sampling/createMessage" => json!({
            "role": "assistant", "model": "sample", "stopReason": "endTurn",
            "content": { "type": "text", "text": "sample" },
        }),
        "roots/list" => json!({ "roots": [{ "uri": "file:///sample", "name": "sample" }] }),
        _ => json!({}),
    }
}
