//! Which keywords there are, and whether a schema uses them as they can be used.

use std::collections::BTreeSet;

use regex_lite::Regex;
use serde_json::{Map, Value};

use crate::reference;

/// Where a schema is wrong, as a JSON pointer, and what would be right.
pub(crate) type Flaw = (String, String);

/// Looks through a schema from which nothing unknown is tolerated: what an operator wrote.
pub(crate) fn survey(root: &Value) -> Result<(), Flaw> {
    Survey { root, strict: true, visited: BTreeSet::new() }.schema(root, &mut String::new())
}

/// Looks through a schema that may say more than is known here: what an upstream wrote.
pub(crate) fn survey_lenient(root: &Value) -> Result<(), Flaw> {
    Survey { root, strict: false, visited: BTreeSet::new() }.schema(root, &mut String::new())
}

/// What a keyword's value has to be.
enum Shape {
    Schema,
    Schemas,
    SchemaOrSchemas,
    SchemaMap,
    /// `dependencies` of draft-07: schemas or lists of names.
    Dependencies,
    Types,
    Names,
    NameMap,
    List,
    Count,
    Number,
    Divisor,
    Flag,
    Pattern,
    Text,
    Reference,
    Anything,
}

fn shape(keyword: &str) -> Option<Shape> {
    Some(match keyword {
        "additionalProperties"
        | "propertyNames"
        | "unevaluatedProperties"
        | "additionalItems"
        | "contains"
        | "unevaluatedItems"
        | "not"
        | "if"
        | "then"
        | "else" => Shape::Schema,
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Shape::Schemas,
        "items" => Shape::SchemaOrSchemas,
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => Shape::SchemaMap,
        "dependencies" => Shape::Dependencies,
        "type" => Shape::Types,
        "required" => Shape::Names,
        "dependentRequired" => Shape::NameMap,
        "enum" => Shape::List,
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minContains" | "maxContains" | "minProperties"
        | "maxProperties" => Shape::Count,
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => Shape::Number,
        "multipleOf" => Shape::Divisor,
        "uniqueItems" => Shape::Flag,
        "pattern" => Shape::Pattern,
        "format" => Shape::Text,
        "$ref" | "$dynamicRef" => Shape::Reference,
        "const" | "default" | "examples" | "title" | "description" | "deprecated" | "readOnly" | "writeOnly"
        | "$schema" | "$id" | "$anchor" | "$dynamicAnchor" | "$comment" | "$vocabulary" | "contentEncoding"
        | "contentMediaType" | "contentSchema" => Shape::Anything,
        _ => return None,
    })
}

/// What a schema says by a keyword. A schema has few, and is asked for many more: comparing beats hashing.
pub(crate) fn get<'s>(schema: &'s Map<String, Value>, keyword: &str) -> Option<&'s Value> {
    if schema.len() > FEW {
        return schema.get(keyword);
    }
    schema.iter().find(|(name, _)| *name == keyword).map(|(_, value)| value)
}

const FEW: usize = 16;

pub(crate) const TYPES: [&str; 7] = ["null", "boolean", "object", "array", "number", "integer", "string"];

/// Deeper schemas are refused before they cost anything.
const DEPTH_MAX: usize = 64;

struct Survey<'s> {
    root: &'s Value,
    strict: bool,
    /// What references led to, by address, so that a schema that refers to itself comes to an end.
    visited: BTreeSet<*const Value>,
}

impl<'s> Survey<'s> {
    fn schema(&mut self, schema: &'s Value, at: &mut String) -> Result<(), Flaw> {
        let members = match schema {
            Value::Bool(_) => return Ok(()),
            Value::Object(members) => members,
            _ => return flaw(at, "a schema is an object, `true` or `false`"),
        };
        if at.matches('/').count() > 2 * DEPTH_MAX {
            return flaw(at, "the schema is nested too deeply");
        }
        for (keyword, value) in members {
            let len = at.len();
            push(at, keyword);
            match shape(keyword) {
                Some(shape) => self.value(&shape, value, at)?,
                None if self.strict => return flaw(at, "is no keyword of JSON Schema 2020-12 or draft-07"),
                None => {}
            }
            at.truncate(len);
        }
        Ok(())
    }

    fn value(&mut self, shape: &Shape, value: &'s Value, at: &mut String) -> Result<(), Flaw> {
        let is_names = |value: &Value| value.as_array().is_some_and(|names| names.iter().all(Value::is_string));
        let is_type = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
        let (good, expected) = match shape {
            Shape::Schema => return self.schema(value, at),
            Shape::SchemaOrSchemas if !value.is_array() => return self.schema(value, at),
            Shape::Schemas | Shape::SchemaOrSchemas => return self.each(value, at),
            Shape::SchemaMap | Shape::Dependencies => return self.map(shape, value, at),
            Shape::Reference => return self.reference(value, at),
            Shape::Pattern => {
                return value.as_str().map_or_else(|| flaw(at, "a regular expression"), |text| pattern(text, at));
            }
            Shape::Types => (
                is_type(value) || value.as_array().is_some_and(|types| types.iter().all(is_type)),
                "one or several of null, boolean, object, array, number, integer, string",
            ),
            Shape::Names => (is_names(value), "a list of names"),
            Shape::NameMap => {
                (value.as_object().is_some_and(|map| map.values().all(is_names)), "lists of names by name")
            }
            Shape::List => (value.is_array(), "a list"),
            Shape::Count => (value.as_f64().is_some_and(|count| count >= 0.0 && count.fract() == 0.0), "0 or more"),
            Shape::Number => (value.is_number(), "a number"),
            Shape::Divisor => (value.as_f64().is_some_and(|divisor| divisor > 0.0), "a number above 0"),
            Shape::Flag => (value.is_boolean(), "true or false"),
            Shape::Text => (value.is_string(), "a string"),
            Shape::Anything => (true, ""),
        };
        if good { Ok(()) } else { flaw(at, &format!("has to be {expected}")) }
    }

    fn each(&mut self, value: &'s Value, at: &mut String) -> Result<(), Flaw> {
        let Some(schemas) = value.as_array() else { return flaw(at, "has to be a list of schemas") };
        for (index, schema) in schemas.iter().enumerate() {
            let len = at.len();
            push(at, &index.to_string());
            self.schema(schema, at)?;
            at.truncate(len);
        }
        Ok(())
    }

    fn map(&mut self, shape: &Shape, value: &'s Value, at: &mut String) -> Result<(), Flaw> {
        let Some(schemas) = value.as_object() else { return flaw(at, "has to be schemas by name") };
        let by_pattern = at.ends_with("/patternProperties");
        for (name, schema) in schemas {
            let len = at.len();
            push(at, name);
            if by_pattern {
                pattern(name, at)?;
            }
            match (shape, schema) {
                (Shape::Dependencies, Value::Array(_)) => self.value(&Shape::Names, schema, at)?,
                _ => self.schema(schema, at)?,
            }
            at.truncate(len);
        }
        Ok(())
    }

    fn reference(&mut self, value: &'s Value, at: &mut String) -> Result<(), Flaw> {
        let target = value.as_str().and_then(|reference| reference::resolve(self.root, reference));
        let Some(target) = target else {
            return flaw(at, "leads nowhere within this schema; references to others are not followed");
        };
        if self.visited.insert(std::ptr::from_ref(target)) { self.schema(target, at) } else { Ok(()) }
    }
}

fn pattern(text: &str, at: &str) -> Result<(), Flaw> {
    match Regex::new(text) {
        Ok(_) => Ok(()),
        Err(error) => flaw(at, &format!("is no regular expression that is understood here: {error}")),
    }
}

fn flaw(at: &str, cause: &str) -> Result<(), Flaw> {
    Err((at.to_owned(), cause.to_owned()))
}

/// One more token of a JSON pointer.
pub(crate) fn push(pointer: &mut String, token: &str) {
    pointer.push('/');
    if token.bytes().any(|byte| matches!(byte, b'~' | b'/')) {
        pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
    } else {
        pointer.push_str(token);
    }
}
