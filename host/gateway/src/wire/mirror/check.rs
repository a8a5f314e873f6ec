//! Whether a tool's definition may be shown to anybody (MCP 2026-07-28, tools, `x-mcp-header`): a client over Streamable
//! HTTP has to leave out the tools whose annotations break the rules, and nothing but those.

use serde_json::{Map, Value};

use super::{ANNOTATIONS, DEPTH, HEADER};

/// Keywords whose value is a schema, or a list of schemas.
const SCHEMAS: [&str; 16] = [
    "items",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "contentSchema",
    "oneOf",
    "anyOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
];

/// Keywords whose value is an object of schemas, beside `properties`.
const MAPS: [&str; 5] = ["patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"];

/// Why a definition with this `inputSchema` is to be left out.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadAnnotation {
    /// Not a text of token characters (RFC 9110, section 5.6.2).
    #[error("`x-mcp-header` at `{0}` is not the name of a header")]
    Name(String),
    /// On a value that no header can show.
    #[error("`x-mcp-header` at `{0}` is on a property whose type is not string, integer or boolean")]
    Type(String),
    /// Not on a chain of `properties` from the root.
    #[error("`x-mcp-header` at `{0}` is not on a property that is reached through `properties` alone")]
    Unreachable(String),
    /// As another one, but for its case.
    #[error("`x-mcp-header` at `{0}` names a header that another property has")]
    Twice(String),
    /// More than are carried.
    #[error("there are more than {ANNOTATIONS} properties with `x-mcp-header`")]
    TooMany,
}

/// Checks all annotations of an `inputSchema`.
pub(crate) fn check(schema: &Value) -> Result<(), BadAnnotation> {
    let mut names = Vec::new();
    Walk { names: &mut names }.schema(schema, "", Some(0))
}

struct Walk<'a, 's> {
    names: &'a mut Vec<&'s str>,
}

impl<'s> Walk<'_, 's> {
    /// `depth` is the number of `properties` on the way, `None` behind anything else.
    fn schema(&mut self, schema: &'s Value, at: &str, depth: Option<usize>) -> Result<(), BadAnnotation> {
        let Some(members) = schema.as_object() else { return Ok(()) };
        if let Some(name) = members.get(HEADER) {
            self.annotation(members, name, at, depth)?;
        }
        for (key, value) in members {
            let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
            match key.as_str() {
                "properties" => self.each(value, &at, depth.map(|depth| depth + 1))?,
                key if MAPS.contains(&key) => self.each(value, &at, None)?,
                key if SCHEMAS.contains(&key) => match value {
                    Value::Array(list) => list.iter().try_for_each(|item| self.schema(item, &at, None))?,
                    one => self.schema(one, &at, None)?,
                },
                // Data that only looks like a schema, or a keyword that is nobody's.
                _ => {}
            }
        }
        Ok(())
    }

    fn each(&mut self, map: &'s Value, at: &str, depth: Option<usize>) -> Result<(), BadAnnotation> {
        let members = map.as_object().into_iter().flatten();
        members.into_iter().try_for_each(|(key, schema)| {
            let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
            self.schema(schema, &at, depth)
        })
    }

    fn annotation(
        &mut self,
        members: &'s Map<String, Value>,
        name: &'s Value,
        at: &str,
        depth: Option<usize>,
    ) -> Result<(), BadAnnotation> {
        // Deeper ones would not be mirrored, and the server would refuse each call.
        if !depth.is_some_and(|depth| (1..=DEPTH + 1).contains(&depth)) {
            return Err(BadAnnotation::Unreachable(at.to_owned()));
        }
        let is_name = |name: &&str| http::HeaderName::from_bytes(name.as_bytes()).is_ok();
        let name = name.as_str().filter(is_name).ok_or_else(|| BadAnnotation::Name(at.to_owned()))?;
        if !matches!(members.get("type").and_then(Value::as_str), Some("string" | "integer" | "boolean")) {
            return Err(BadAnnotation::Type(at.to_owned()));
        }
        if self.names.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(BadAnnotation::Twice(at.to_owned()));
        }
        if self.names.len() == ANNOTATIONS {
            return Err(BadAnnotation::TooMany);
        }
        self.names.push(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_definition_whose_annotations_break_a_rule_is_told_apart() {
        #[track_caller]
        fn check(properties: &Value, want: &Result<(), BadAnnotation>) {
            let schema = json!({ "type": "object", "properties": properties });
            assert_eq!(super::check(&schema), *want, "{properties}");
        }
        let at = || "/properties/a".to_owned();
        let on = |name: &str| json!({ "type": "string", "x-mcp-header": name });
        check(&json!({ "a": { "type": "string" } }), &Ok(()));
        check(&json!({ "a": on("Region"), "b": { "type": "object", "properties": { "c": on("Deep") } } }), &Ok(()));
        check(&json!({ "a": { "type": "integer", "x-mcp-header": "N" } }), &Ok(()));
        check(&json!({ "a": { "type": "boolean", "x-mcp-header": "B" } }), &Ok(()));
        for name in ["", "a b", "a:b", "é", "a\tb", "a\r\nb"] {
            check(&json!({ "a": on(name) }), &Err(BadAnnotation::Name(at())));
        }
        check(&json!({ "a": { "type": "string", "x-mcp-header": 1 } }), &Err(BadAnnotation::Name(at())));
        for kind in
            [json!("number"), json!("object"), json!("array"), json!("null"), json!(["string", "null"]), json!(null)]
        {
            check(&json!({ "a": { "type": kind, "x-mcp-header": "A" } }), &Err(BadAnnotation::Type(at())));
        }
        check(&json!({ "a": { "x-mcp-header": "A" } }), &Err(BadAnnotation::Type(at())));
        check(&json!({ "a": on("Id"), "b": on("iD") }), &Err(BadAnnotation::Twice("/properties/b".to_owned())));
        let deep = json!({ "a": { "properties": { "c": on("X") } }, "b": on("x") });
        check(&deep, &Err(BadAnnotation::Twice("/properties/b".to_owned())));
        let many = |count| (0..count).map(|n| (format!("p{n}"), on(&format!("H{n}")))).collect::<Map<_, _>>();
        check(&many(ANNOTATIONS).into(), &Ok(()));
        check(&many(ANNOTATIONS + 1).into(), &Err(BadAnnotation::TooMany));
    }

    #[test]
    fn an_annotation_that_stands_elsewhere_is_one_too() {
        let on = json!({ "type": "string", "x-mcp-header": "A" });
        for schema in [
            on.clone(),
            json!({ "properties": { "a": { "items": on } } }),
            json!({ "properties": { "a": { "anyOf": [on] } } }),
            json!({ "properties": { "a": { "items": { "properties": { "b": on } } } } }),
            json!({ "allOf": [{ "properties": { "a": on } }] }),
            json!({ "if": {}, "then": { "properties": { "a": on } } }),
            json!({ "$defs": { "a": on } }),
            json!({ "patternProperties": { "^a": on } }),
            json!({ "additionalProperties": on }),
        ] {
            let got = check(&schema);
            assert!(matches!(got, Err(BadAnnotation::Unreachable(_))), "{schema} {got:?}");
        }
        for schema in [
            json!({ "properties": { "x-mcp-header": { "type": "object" } } }),
            json!({ "properties": { "a": { "const": { "x-mcp-header": "A" }, "default": on, "enum": [on] } } }),
            json!({ "x-note": on }),
            json!(true),
        ] {
            assert_eq!(check(&schema), Ok(()), "{schema}");
        }
    }

    /// What passes is mirrored, all of it.
    #[test]
    fn the_deepest_that_passes_is_mirrored() {
        let nested = |depth| {
            (0..depth).fold(
                json!({ "type": "string", "x-mcp-header": "A" }),
                |inner, _| json!({ "properties": { "p": inner } }),
            )
        };
        let deepest = nested(DEPTH + 1);
        assert_eq!(check(&deepest), Ok(()));
        assert_eq!(super::super::annotations(&deepest).len(), 1);
        assert!(check(&nested(DEPTH + 2)).is_err());
        assert!(super::super::annotations(&nested(DEPTH + 2)).is_empty());
    }
}
