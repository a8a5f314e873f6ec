//! Goes through a message's JSON once, without building it up, and notes what has to change.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::de::IgnoredAny;
use serde_json::Value;
use witgate_sdk::Edit;
use witgate_sdk::json::{Broken, Reader};
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

    fn in_value(self) -> Result<Self, Unjudged> {
        if self.levels < LEVELS_MAX { Ok(Self { levels: self.levels + 1, ..self }) } else { Err(Unjudged::Depth) }
    }
}

/// Why a message cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unjudged {
    /// It is nested too deeply.
    Depth,
    /// It is no JSON.
    Json,
}

impl Unjudged {
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Depth => "nested too deeply to be judged",
            Self::Json => "not JSON",
        }
    }
}

impl From<Broken> for Unjudged {
    fn from(_: Broken) -> Self {
        Self::Json
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

/// The edits that make a message fit to be seen. Its text is JSON; the host has seen to that.
pub(crate) fn edits(rules: &Rules, kind: Kind, text: &str) -> Result<Vec<Edit>, Unjudged> {
    let (place, schemas) = match kind {
        Kind::Listing => (Place::Described, true),
        Kind::ServerRequest | Kind::InputRequired => (Place::Data, true),
        Kind::Result | Kind::Error | Kind::Notification => (Place::Data, false),
    };
    run(Notes::new(rules, schemas, Nesting::default()), place, false, text)
}

/// The same for a text that may be JSON.
pub(crate) fn nested_edits(rules: &Rules, text: &str, nesting: Nesting) -> Result<Vec<Edit>, Unjudged> {
    serde_json::from_str::<IgnoredAny>(text).map_err(|_| Unjudged::Json)?;
    run(Notes::new(rules, false, nesting), Place::Data, false, text)
}

fn run<'t>(mut notes: Notes<'_, 't>, place: Place, secret: bool, text: &'t str) -> Result<Vec<Edit>, Unjudged> {
    let mut reader = Reader::new(text);
    Walk { notes: &mut notes, place, secret, depth: Depth::Data }.value(&mut reader)?;
    if reader.peek().is_some() { Err(Unjudged::Json) } else { Ok(notes.edits) }
}

/// The text with the edits made; as it was indented, more or less.
#[inline(never)]
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

struct Notes<'r, 't> {
    rules: &'r Rules,
    /// Whether members such as `inputSchema` hold schemas.
    schemas: bool,
    nesting: Nesting,
    path: Vec<Step<'t>>,
    /// The pointer of the value that this is at, where values are allowed by theirs; and how long those above are.
    allowed: Option<(String, Vec<usize>)>,
    edits: Vec<Edit>,
}

/// One step down to a value. Nearly no value changes, so that what is noted of its place is only made a pointer when one
/// does.
enum Step<'t> {
    Member(Cow<'t, str>),
    Item(usize),
}

impl Step<'_> {
    fn write(&self, pointer: &mut String) {
        match self {
            Self::Member(name) => write_member(pointer, name),
            // Writing to a string does not fail.
            Self::Item(index) => drop(write!(pointer, "/{index}")),
        }
    }
}

fn write_member(pointer: &mut String, name: &str) {
    pointer.push('/');
    for c in name.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            _ => pointer.push(c),
        }
    }
}

impl<'r, 't> Notes<'r, 't> {
    fn new(rules: &'r Rules, schemas: bool, nesting: Nesting) -> Self {
        let allowed = rules.may_allow().then(Default::default);
        Self { rules, schemas, nesting, path: Vec::new(), allowed, edits: Vec::new() }
    }

    fn set(&mut self, value: &str) {
        self.edits.push(Edit::set(self.pointer(), &Value::from(value)));
    }

    fn down(&mut self, step: Step<'t>) {
        if let Some((pointer, above)) = &mut self.allowed {
            above.push(pointer.len());
            step.write(pointer);
        }
        self.path.push(step);
    }

    fn up(&mut self) {
        if let Some((pointer, above)) = &mut self.allowed {
            pointer.truncate(above.pop().unwrap_or_default());
        }
        self.path.pop();
    }

    fn pointer(&self) -> String {
        let mut pointer = String::new();
        self.path.iter().for_each(|step| step.write(&mut pointer));
        pointer
    }

    /// The member that this is the value of, or is within.
    fn is_member(&self, named: impl Fn(&str) -> bool) -> bool {
        matches!(self.path.last(), Some(Step::Member(name)) if named(name))
    }

    /// What only the protocol reads: it stands at the top of a message.
    fn is_of_protocol(&self) -> bool {
        match self.path.as_slice() {
            [Step::Member(name)] => matches!(&**name, "requestState" | "nextCursor" | "progressToken"),
            [Step::Member(meta), Step::Member(name)] => meta == "_meta" && name == "progressToken",
            _ => false,
        }
    }

    fn is_allowed(&self) -> bool {
        self.allowed.as_ref().is_some_and(|(pointer, _)| self.rules.allows(pointer))
    }
}

/// One value, and where it stands.
struct Walk<'n, 'r, 't> {
    notes: &'n mut Notes<'r, 't>,
    place: Place,
    /// It, or one that holds it, has the name of a secret.
    secret: bool,
    /// How its text is looked at, if it is one.
    depth: Depth,
}

impl<'r, 't> Walk<'_, 'r, 't> {
    /// The value of a member, by its name, which was noted.
    fn member<'a>(notes: &'a mut Notes<'r, 't>, outer: (Place, bool), name: &str) -> Walk<'a, 'r, 't> {
        let (place, secret) = outer;
        let schema = notes.schemas && matches!(name, "inputSchema" | "outputSchema" | "requestedSchema");
        let place = match place {
            _ if notes.is_of_protocol() || notes.is_allowed() => Place::Opaque,
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
        let is_sample = |step: &Step| matches!(step, Step::Member(name) if matches!(&**name, "default" | "examples"));
        self.notes.path.iter().any(is_sample)
    }

    // What is not a part of the way down takes no room on it.
    #[inline(never)]
    fn text(self, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.hides_leaf() {
            if text != self.notes.rules.replacement {
                let replacement = self.notes.rules.replacement.clone();
                self.notes.set(&replacement);
            }
        } else if !(self.notes.is_member(|name| matches!(name, "data" | "blob")) && is_base64(text)) {
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

/// As MCP puts images, audio and other bytes.
fn is_base64(text: &str) -> bool {
    let may_be = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
    text.len() >= 64 && text.len().is_multiple_of(4) && text.bytes().all(may_be)
}

impl<'t> Walk<'_, '_, 't> {
    /// Goes through the value that stands next.
    fn value(self, reader: &mut Reader<'t>) -> Result<(), Unjudged> {
        if self.place == Place::Opaque {
            reader.skip()?;
            return Ok(());
        }
        match reader.peek() {
            Some(b'"') => self.text(&reader.string()?),
            Some(b'{') => return self.object(reader),
            Some(b'[') => return self.array(reader),
            Some(b'-' | b'0'..=b'9') => {
                reader.skip()?;
                self.number();
            }
            _ => drop(reader.skip()?),
        }
        Ok(())
    }

    fn array(self, reader: &mut Reader<'t>) -> Result<(), Unjudged> {
        let outer = self.notes.nesting;
        self.notes.nesting = outer.in_value()?;
        reader.takes(b'[');
        let mut index = 0_usize;
        while reader.peek() != Some(b']') {
            if index > 0 && !reader.takes(b',') {
                return Err(Unjudged::Json);
            }
            self.notes.down(Step::Item(index));
            let place = if self.notes.is_allowed() { Place::Opaque } else { self.place };
            Walk { notes: &mut *self.notes, place, secret: self.secret, depth: self.depth }.value(reader)?;
            self.notes.up();
            index += 1;
        }
        reader.takes(b']');
        self.notes.nesting = outer;
        Ok(())
    }

    fn object(self, reader: &mut Reader<'t>) -> Result<(), Unjudged> {
        let (notes, outer) = (self.notes, (self.place, self.secret));
        let nesting = notes.nesting;
        notes.nesting = nesting.in_value()?;
        reader.takes(b'{');
        let start = reader.at();
        // Members that need another name: that name, and what the member becomes.
        let mut renamed = Vec::new();
        while !reader.takes(b'}') {
            let name = member_name(reader, start)?;
            let clean = clean_name(notes, outer.0, &name);
            notes.down(Step::Member(name.clone()));
            if let Some(clean) = clean {
                let raw = reader.skip()?;
                renamed.push((notes.pointer(), clean, cleaned_value(notes, outer, &name, raw)));
            } else {
                let walk = Walk::member(notes, outer, &name);
                // Samples keep being samples, all the way down.
                let depth = if self.depth == Depth::Prose && walk.place == Place::Schema && walk.is_sample() {
                    Depth::Prose
                } else {
                    walk.depth
                };
                Walk { depth, ..walk }.value(reader)?;
            }
            notes.up();
        }
        if !renamed.is_empty() {
            rename(notes, reader, start, renamed)?;
        }
        notes.nesting = nesting;
        Ok(())
    }
}

/// The name of the next member of the object that begins at `start`.
fn member_name<'t>(reader: &mut Reader<'t>, start: usize) -> Result<Cow<'t, str>, Broken> {
    if reader.at() != start && !reader.takes(b',') {
        return Err(Broken);
    }
    let name = reader.string()?;
    if reader.takes(b':') { Ok(name) } else { Err(Broken) }
}

/// Gives members of the object that begins at `start` their new names, none of which another member has.
#[cold]
#[inline(never)]
fn rename(
    notes: &mut Notes,
    reader: &mut Reader,
    start: usize,
    renamed: Vec<(String, String, String)>,
) -> Result<(), Unjudged> {
    let (end, object) = (reader.at(), notes.pointer());
    let mut names = Vec::new();
    reader.back_to(start);
    while !reader.takes(b'}') {
        names.push(member_name(reader, start)?);
        reader.skip()?;
    }
    reader.back_to(end);
    for (pointer, mut name, value) in renamed {
        while names.contains(&Cow::Borrowed(name.as_str())) {
            name.push('_');
        }
        notes.edits.push(Edit::remove(pointer));
        let mut pointer = object.clone();
        write_member(&mut pointer, &name);
        notes.edits.push(Edit { pointer, value: Some(value) });
        names.push(Cow::Owned(name));
    }
    Ok(())
}

/// A member's name without what is hidden in it, and outside of schemas without what is secret in it; `None` when it stays.
fn clean_name(notes: &Notes, place: Place, name: &str) -> Option<String> {
    let depth = if place == Place::Schema { Depth::Name } else { Depth::Prose };
    match text::clean(notes.rules, name, depth, notes.nesting) {
        Cow::Borrowed(_) => None,
        Cow::Owned(cleaned) => (cleaned != name).then_some(cleaned),
    }
}

/// The JSON of a member that gets another name, itself cleaned: edits inside of it could not find it any more.
#[cold]
#[inline(never)]
fn cleaned_value(notes: &mut Notes, outer: (Place, bool), name: &str, raw: &str) -> String {
    let Walk { place, secret, .. } = Walk::member(notes, outer, name);
    let edits = run(Notes::new(notes.rules, notes.schemas, notes.nesting), place, secret, raw);
    edits
        .ok()
        .and_then(|edits| if edits.is_empty() { Some(raw.to_owned()) } else { apply(raw, &edits) })
        .unwrap_or_else(|| "null".to_owned())
}
