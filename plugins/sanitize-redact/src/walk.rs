//! Goes through a message's JSON once, without building it up, and notes what has to change.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use witgate_sdk::Edit;
use witgate_sdk::sanitize::Kind;

use crate::rules::{Rule, Rules};
use crate::text::{self, Depth};

/// How deep a value stands, in levels of JSON and in texts that are JSON themselves. Both together bound the stack.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Nesting {
    levels: u32,
    texts: u32,
}

const LEVELS_MAX: u32 = 120;
const TEXTS_MAX: u32 = 4;

impl Nesting {
    pub(crate) fn in_text(self) -> Option<Self> {
        (self.texts < TEXTS_MAX).then_some(Self { texts: self.texts + 1, ..self })
    }

    fn in_value<E: Error>(self) -> Result<Self, E> {
        if self.levels < LEVELS_MAX {
            Ok(Self { levels: self.levels + 1, ..self })
        } else {
            Err(E::custom("nested too deeply to be judged"))
        }
    }
}

/// What a value is to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Anything that a server says.
    Data,
    /// A tool, prompt or resource as a listing describes it.
    Described,
    /// JSON Schema.
    Schema,
    /// What only the protocol reads.
    Opaque,
}

/// The edits that make a message fit to be seen.
pub(crate) fn edits(rules: &Rules, kind: Kind, text: &str) -> serde_json::Result<Vec<Edit>> {
    let (place, schemas) = match kind {
        Kind::Listing => (Place::Described, true),
        Kind::ServerRequest | Kind::InputRequired => (Place::Data, true),
        Kind::Result | Kind::Error | Kind::Notification => (Place::Data, false),
    };
    run(
        Notes { rules, schemas, nesting: Nesting::default(), pointer: String::new(), edits: Vec::new() },
        place,
        false,
        text,
    )
}

pub(crate) fn nested_edits(rules: &Rules, text: &str, nesting: Nesting) -> serde_json::Result<Vec<Edit>> {
    run(Notes { rules, schemas: false, nesting, pointer: String::new(), edits: Vec::new() }, Place::Data, false, text)
}

fn run(mut notes: Notes, place: Place, secret: bool, text: &str) -> serde_json::Result<Vec<Edit>> {
    let mut json = serde_json::Deserializer::from_str(text);
    Walk { notes: &mut notes, place, secret, depth: Depth::Data }.deserialize(&mut json)?;
    json.end()?;
    Ok(notes.edits)
}

/// The text with the edits made; as it was indented, more or less.
pub(crate) fn apply(text: &str, edits: &[Edit]) -> Option<String> {
    let mut root: Value = serde_json::from_str(text).ok()?;
    for edit in edits {
        let value = edit.value.as_ref().map(|value| serde_json::from_str(value)).transpose().ok()?;
        if edit.pointer.is_empty() {
            root = value?;
            continue;
        }
        let (parent, name) = edit.pointer.rsplit_once('/')?;
        let name = name.replace("~1", "/").replace("~0", "~");
        match (root.pointer_mut(parent)?, value) {
            (Value::Object(members), Some(value)) => drop(members.insert(name, value)),
            (Value::Object(members), None) => drop(members.remove(&name)?),
            (Value::Array(items), Some(value)) => *items.get_mut(name.parse::<usize>().ok()?)? = value,
            _ => return None,
        }
    }
    if text.contains('\n') { serde_json::to_string_pretty(&root).ok() } else { Some(root.to_string()) }
}

struct Notes<'r> {
    rules: &'r Rules,
    /// Whether members such as `inputSchema` hold schemas.
    schemas: bool,
    nesting: Nesting,
    pointer: String,
    edits: Vec<Edit>,
}

impl Notes<'_> {
    fn set(&mut self, value: &str) {
        self.edits.push(Edit::set(self.pointer.clone(), &Value::from(value)));
    }

    fn push(&mut self, name: &str) {
        self.pointer.push('/');
        for c in name.chars() {
            match c {
                '~' => self.pointer.push_str("~0"),
                '/' => self.pointer.push_str("~1"),
                _ => self.pointer.push(c),
            }
        }
    }
}

/// One value, and where it stands.
struct Walk<'n, 'r> {
    notes: &'n mut Notes<'r>,
    place: Place,
    /// It, or one that holds it, has the name of a secret.
    secret: bool,
    /// How its text is looked at, if it is one.
    depth: Depth,
}

impl<'r> Walk<'_, 'r> {
    /// The value of a member, by its name.
    fn member<'a>(notes: &'a mut Notes<'r>, outer: (Place, bool), name: &str) -> Walk<'a, 'r> {
        let (place, secret) = outer;
        let schema = notes.schemas && matches!(name, "inputSchema" | "outputSchema" | "requestedSchema");
        let opaque = matches!(
            notes.pointer.as_str(),
            "/requestState" | "/nextCursor" | "/progressToken" | "/_meta/progressToken"
        );
        let place = match place {
            _ if opaque || notes.rules.allows(&notes.pointer) => Place::Opaque,
            Place::Data | Place::Described if schema => Place::Schema,
            other => other,
        };
        let depth = match (place, name) {
            (Place::Data, _) => Depth::Data,
            (Place::Described, "name" | "uri" | "uriTemplate" | "mimeType") | (Place::Opaque, _) => Depth::Name,
            (Place::Described, _) | (Place::Schema, "description" | "title" | "$comment" | "default" | "examples") => {
                Depth::Prose
            }
            (Place::Schema, _) => Depth::Name,
        };
        let secret = secret || notes.rules.has(Rule::Fields) && notes.rules.is_secret_field(name);
        Walk { notes, place, secret, depth }
    }

    /// Whether a leaf here is to be replaced, whatever it says.
    fn hides_leaf(&self) -> bool {
        self.secret && (self.place != Place::Schema || self.depth == Depth::Prose && self.is_sample())
    }

    /// In a schema a value is a sample of what goes there; all else describes it.
    fn is_sample(&self) -> bool {
        self.notes.pointer.split('/').any(|token| matches!(token, "default" | "examples"))
    }

    fn text(self, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.hides_leaf() {
            if text != self.notes.rules.replacement {
                let replacement = self.notes.rules.replacement.clone();
                self.notes.set(&replacement);
            }
        } else if !is_binary(&self.notes.pointer, text) {
            let cleaned = text::clean(self.notes.rules, text, self.depth, self.notes.nesting);
            if let Cow::Owned(cleaned) = cleaned
                && cleaned != text
            {
                self.notes.set(&cleaned);
            }
        }
    }

    fn number(self) {
        if self.hides_leaf() {
            let replacement = self.notes.rules.replacement.clone();
            self.notes.set(&replacement);
        }
    }
}

/// Base64 where MCP puts images, audio and other bytes.
fn is_binary(pointer: &str, text: &str) -> bool {
    let named = pointer.ends_with("/data") || pointer.ends_with("/blob");
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
    named && text.len() >= 64 && text.len().is_multiple_of(4) && text.bytes().all(is_base64)
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.place == Place::Opaque {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(drop);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.number();
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.number();
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.number();
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.text(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let (len, outer) = (self.notes.pointer.len(), self.notes.nesting);
        self.notes.nesting = outer.in_value()?;
        for index in 0_usize.. {
            self.notes.push(&index.to_string());
            let place = if self.notes.rules.allows(&self.notes.pointer) { Place::Opaque } else { self.place };
            let item = Walk { notes: &mut *self.notes, place, secret: self.secret, depth: self.depth };
            let more = items.next_element_seed(item)?.is_some();
            self.notes.pointer.truncate(len);
            if !more {
                break;
            }
        }
        self.notes.nesting = outer;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let (notes, outer) = (self.notes, (self.place, self.secret));
        let (len, nesting) = (notes.pointer.len(), notes.nesting);
        notes.nesting = nesting.in_value()?;
        // Names that were seen, and members that need another name: that name, and what the member becomes.
        let (mut names, mut renamed) = (Vec::new(), Vec::new());
        while let Some(name) = members.next_key_seed(Name)? {
            let clean = clean_name(notes, outer.0, &name);
            notes.push(&name);
            if clean == name {
                let walk = Walk::member(notes, outer, &name);
                // Samples keep being samples, all the way down.
                let depth = if self.depth == Depth::Prose && walk.place == Place::Schema && walk.is_sample() {
                    Depth::Prose
                } else {
                    walk.depth
                };
                members.next_value_seed(Walk { depth, ..walk })?;
            } else {
                let raw: &RawValue = members.next_value()?;
                renamed.push((notes.pointer.clone(), clean.into_owned(), cleaned_value(notes, outer, &name, raw)));
            }
            notes.pointer.truncate(len);
            names.push(name);
        }
        for (pointer, mut name, value) in renamed {
            while names.contains(&Cow::Borrowed(name.as_str())) {
                name.push('_');
            }
            notes.edits.push(Edit::remove(pointer));
            notes.push(&name);
            notes.edits.push(Edit { pointer: notes.pointer.clone(), value: Some(value) });
            notes.pointer.truncate(len);
            names.push(Cow::Owned(name));
        }
        notes.nesting = nesting;
        Ok(())
    }
}

/// A member's name without what is hidden in it, and outside of schemas without what is secret in it.
fn clean_name<'a>(notes: &Notes, place: Place, name: &'a str) -> Cow<'a, str> {
    let depth = if place == Place::Schema { Depth::Name } else { Depth::Prose };
    let cleaned = text::clean(notes.rules, name, depth, notes.nesting);
    if cleaned == name { Cow::Borrowed(name) } else { cleaned }
}

/// The JSON of a member that gets another name, itself cleaned: edits inside of it could not find it any more.
fn cleaned_value(notes: &mut Notes, outer: (Place, bool), name: &str, raw: &RawValue) -> String {
    let before = std::mem::take(&mut notes.edits);
    let at = notes.pointer.clone();
    let Walk { place, secret, .. } = Walk::member(notes, outer, name);
    let inner = Notes {
        rules: notes.rules,
        schemas: notes.schemas,
        nesting: notes.nesting,
        pointer: String::new(),
        edits: Vec::new(),
    };
    let edits = run(inner, place, secret, raw.get());
    (notes.edits, notes.pointer) = (before, at);
    edits
        .ok()
        .and_then(|edits| if edits.is_empty() { Some(raw.get().to_owned()) } else { apply(raw.get(), &edits) })
        .unwrap_or_else(|| "null".to_owned())
}

/// A member's name, borrowed where it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}
