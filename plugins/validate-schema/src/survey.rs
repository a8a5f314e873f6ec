//! Whether a schema uses its keywords as they can be used.
//!
//! All of it is looked at before anything is judged, without recursion: a guest's stack is looked at after each call, and
//! so a short one is cheap.

use crate::json::{Node, Parts, Value};
use crate::learnt::Learnt;
use crate::place;
use crate::word::{Shape, Word};

/// Where a schema is wrong, as a JSON pointer, and what would be right.
pub(crate) type Flaw = (String, String);

/// Deeper schemas are refused before they cost anything.
const DEPTH_MAX: usize = 128;

pub(crate) const TYPES: [&str; 7] = ["null", "boolean", "object", "array", "number", "integer", "string"];

/// Looks through a schema. `strict`: nothing unknown is tolerated, as in what an operator wrote; an upstream may say more
/// than is known here. The patterns that it has are compiled on the way.
pub(crate) fn survey(root: Node<'_>, learnt: &Learnt, strict: bool) -> Result<(), Flaw> {
    let mut survey = Survey { root, learnt, strict, met: Vec::new(), open: Vec::with_capacity(8) };
    survey.run().map_err(|cause| (survey.place(), cause))
}

struct Survey<'s, 'p> {
    root: Node<'s>,
    learnt: &'p Learnt,
    strict: bool,
    /// What references led to, so that a schema that refers to itself comes to an end.
    met: Vec<u32>,
    /// What is gone through, from the outermost on.
    open: Vec<Within<'s>>,
}

/// A schema, or a list or a map of schemas.
struct Within<'s> {
    parts: Parts<'s>,
    holds: Holds,
    /// The part that is looked at, and the how manyeth it is.
    here: Option<Node<'s>>,
    index: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Keywords,
    Items,
    Members(Shape),
}

impl<'s> Survey<'s, '_> {
    fn run(&mut self) -> Result<(), String> {
        self.schema(self.root)?;
        while let Some(within) = self.open.last_mut() {
            let Some(part) = within.parts.next() else {
                self.open.pop();
                continue;
            };
            within.index += usize::from(within.here.is_some());
            within.here = Some(part);
            match within.holds {
                Holds::Keywords => self.keyword(part)?,
                Holds::Items => self.schema(part)?,
                Holds::Members(shape) => {
                    if shape == Shape::PatternMap {
                        self.pattern(part.name())?;
                    }
                    if shape == Shape::Dependencies && part.is_list() {
                        check(Shape::Names, part)?;
                    } else {
                        self.schema(part)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn schema(&mut self, schema: Node<'s>) -> Result<(), String> {
        match schema.value() {
            Value::Bool(_) => Ok(()),
            Value::Map(_) if self.open.len() > DEPTH_MAX => Err("the schema is nested too deeply".to_owned()),
            Value::Map(_) => {
                self.enter(schema, Holds::Keywords);
                Ok(())
            }
            _ => Err("a schema is an object, `true` or `false`".to_owned()),
        }
    }

    fn enter(&mut self, node: Node<'s>, holds: Holds) {
        self.open.push(Within { parts: node.parts(), holds, here: None, index: 0 });
    }

    fn keyword(&mut self, value: Node<'s>) -> Result<(), String> {
        let Some(shape) = value.word().map(Word::shape) else {
            return if self.strict {
                Err("is no keyword of JSON Schema 2020-12 or draft-07".to_owned())
            } else {
                Ok(())
            };
        };
        match shape {
            Shape::Schema => return self.schema(value),
            Shape::SchemaOrSchemas if !value.is_list() => return self.schema(value),
            Shape::Schemas | Shape::SchemaOrSchemas if value.is_list() => self.enter(value, Holds::Items),
            Shape::Schemas | Shape::SchemaOrSchemas => return Err("has to be a list of schemas".to_owned()),
            Shape::SchemaMap | Shape::PatternMap | Shape::Dependencies if value.is_map() => {
                self.enter(value, Holds::Members(shape));
            }
            Shape::SchemaMap | Shape::PatternMap | Shape::Dependencies => {
                return Err("has to be schemas by name".to_owned());
            }
            Shape::Reference => return self.reference(value),
            Shape::Pattern => match value.as_text() {
                Some(text) => return self.pattern(text),
                None => return Err("a regular expression".to_owned()),
            },
            _ => return check(shape, value),
        }
        Ok(())
    }

    fn reference(&mut self, value: Node<'s>) -> Result<(), String> {
        let Some(target) = value.as_text().and_then(|reference| self.learnt.references.resolve(self.root, reference))
        else {
            return Err("leads nowhere within this schema; references to others are not followed".to_owned());
        };
        if let Err(at) = self.met.binary_search(&target.place()) {
            self.met.insert(at, target.place());
            return self.schema(target);
        }
        Ok(())
    }

    fn pattern(&self, text: &str) -> Result<(), String> {
        let wrong = |error| format!("is no regular expression that is understood here: {error}");
        self.learnt.patterns.get(text).map(drop).map_err(wrong)
    }

    /// Where the survey is.
    fn place(&self) -> String {
        let mut pointer = String::new();
        for Within { holds, here, index, .. } in &self.open {
            let Some(here) = here else { continue };
            let written = match holds {
                Holds::Items => place::token(&index.to_string(), &mut pointer),
                Holds::Keywords | Holds::Members(_) => place::token(here.name(), &mut pointer),
            };
            debug_assert!(written.is_ok(), "text takes text");
        }
        pointer
    }
}

/// What holds no schemas.
fn check(shape: Shape, value: Node<'_>) -> Result<(), String> {
    let is_names = |value: Node<'_>| value.items().is_some_and(|mut names| names.all(|name| name.as_text().is_some()));
    let is_type = |value: Node<'_>| value.as_text().is_some_and(|name| TYPES.contains(&name));
    let number = || value.as_number().and_then(|number| crate::number::read(number).as_f64());
    let (good, expected) = match shape {
        Shape::Types => (
            is_type(value) || value.items().is_some_and(|mut types| types.all(is_type)),
            "one or several of null, boolean, object, array, number, integer, string",
        ),
        Shape::Names => (is_names(value), "a list of names"),
        Shape::NameMap => (value.members().is_some_and(|mut lists| lists.all(is_names)), "lists of names by name"),
        Shape::List => (value.is_list(), "a list"),
        Shape::Count => (number().is_some_and(|count| count >= 0.0 && count.fract() == 0.0), "0 or more"),
        Shape::Number => (value.as_number().is_some(), "a number"),
        Shape::Divisor => (number().is_some_and(|divisor| divisor > 0.0), "a number above 0"),
        Shape::Flag => (matches!(value.value(), Value::Bool(_)), "true or false"),
        Shape::Text => (value.as_text().is_some(), "a string"),
        _ => (true, ""),
    };
    if good { Ok(()) } else { Err(format!("has to be {expected}")) }
}
