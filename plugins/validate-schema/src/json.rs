//! JSON as one list of its values, each with the place of the next one behind it: read once, in one piece of memory, and
//! gone through without hashing or copying. Texts stay where they stand, unless they have escapes.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use witgate_sdk::json::{Broken, Reader};

use crate::word::{Word, Words};

/// Values within values. The host takes fewer from strangers.
const LEVELS_MAX: u32 = 127;

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is nested too deeply.
    Depth,
    /// It holds a number beyond all that are reckoned with.
    Number,
    /// It is no JSON.
    Form,
}

impl Unread {
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Depth => "nested too deeply",
            Self::Number => "not to be reckoned with: a number is too large",
            Self::Form => "no JSON",
        }
    }
}

impl From<Broken> for Unread {
    fn from(_: Broken) -> Self {
        Self::Form
    }
}

/// A text and its values.
#[derive(Debug)]
pub(crate) struct Tree {
    text: String,
    /// What texts with escapes say.
    said: String,
    parts: Vec<Part>,
    /// All keywords that are the name of something.
    words: Words,
    /// The members of large objects, by name: of those that were asked for more than their first.
    sorted: RefCell<BTreeMap<u32, Rc<[u32]>>>,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    /// Of a member, its name.
    name: Span,
    word: Option<Word>,
    form: Form,
    /// The next part that is not within it. While it is open, what it stands in.
    end: u32,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Null,
    Bool(bool),
    Number(Span),
    Text(Span),
    List,
    Map(Words),
}

/// A piece of the text, or of what was said.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    /// The length, twice, and whether it was said with escapes.
    len: u32,
}

impl Span {
    fn of(start: usize, len: usize, escaped: bool) -> Result<Self, Unread> {
        let small = |size: usize| u32::try_from(size).ok().filter(|size| *size < 1 << 31).ok_or(Unread::Depth);
        Ok(Self { start: small(start)?, len: small(len)? << 1 | u32::from(escaped) })
    }
}

/// So many members of an object are looked at before it is worth while to sort all.
const FEW: usize = 32;

/// What stands in nothing.
const NOWHERE: u32 = u32::MAX;

struct Writer<'t> {
    reader: Reader<'t>,
    said: String,
    parts: Vec<Part>,
    words: Words,
    by_words: bool,
}

impl Tree {
    /// Reads a schema: names that are keywords are known by them.
    pub(crate) fn of_schema(text: String) -> Result<Self, Unread> {
        Self::read(text, true)
    }

    /// Reads anything else.
    pub(crate) fn of_value(text: String) -> Result<Self, Unread> {
        Self::read(text, false)
    }

    fn read(text: String, by_words: bool) -> Result<Self, Unread> {
        let mut writer = Writer {
            reader: Reader::new(&text),
            said: String::new(),
            parts: Vec::with_capacity((text.len() / 8).clamp(4, 64)),
            words: Words::NONE,
            by_words,
        };
        writer.write()?;
        let Writer { said, parts, words, .. } = writer;
        Ok(Self { text, said, parts, words, sorted: RefCell::default() })
    }

    pub(crate) fn root(&self) -> Node<'_> {
        Node { tree: self, at: 0 }
    }

    /// Whether one of these is the name of anything.
    pub(crate) fn names_any(&self, words: Words) -> bool {
        self.words.meet(words)
    }

    fn get(&self, span: Span) -> &str {
        let from = if span.len & 1 == 1 { &self.said } else { &self.text };
        from.get(span.start as usize..(span.start + (span.len >> 1)) as usize).unwrap_or_default()
    }
}

impl<'t> Writer<'t> {
    fn write(&mut self) -> Result<(), Unread> {
        let (mut within, mut levels) = (NOWHERE, 0);
        loop {
            let (name, word) = self.name(within)?;
            let at = u32::try_from(self.parts.len()).map_err(|_| Unread::Depth)?;
            let form = self.form()?;
            let opens = matches!(form, Form::List | Form::Map(_));
            self.parts.push(Part { name, word, form, end: if opens { within } else { at + 1 } });
            let mut is_first = false;
            if opens {
                levels += 1;
                if levels > LEVELS_MAX {
                    return Err(Unread::Depth);
                }
                (within, is_first) = (at, true);
            }
            // All that ends here.
            while within != NOWHERE && self.closes(within) {
                let end = u32::try_from(self.parts.len()).map_err(|_| Unread::Depth)?;
                let part = &mut self.parts[within as usize];
                within = std::mem::replace(&mut part.end, end);
                levels -= 1;
                is_first = false;
            }
            if within == NOWHERE {
                return if self.reader.peek().is_none() { Ok(()) } else { Err(Unread::Form) };
            }
            if !is_first && !self.reader.takes(b',') {
                return Err(Unread::Form);
            }
        }
    }

    /// The name that stands next, within an object.
    fn name(&mut self, within: u32) -> Result<(Span, Option<Word>), Unread> {
        let Some(Part { form: Form::Map(_), .. }) = self.parts.get(within as usize) else {
            return Ok((Span::default(), None));
        };
        let (span, said) = self.text()?;
        let word = if self.by_words { Word::of(&said) } else { None };
        if !self.reader.takes(b':') {
            return Err(Unread::Form);
        }
        if let (Some(word), Form::Map(words)) = (word, &mut self.parts[within as usize].form) {
            words.add(word);
            self.words.add(word);
        }
        Ok((span, word))
    }

    fn text(&mut self) -> Result<(Span, Cow<'t, str>), Unread> {
        let said = self.reader.string()?;
        let span = match &said {
            Cow::Borrowed(said) => Span::of(self.reader.at() - 1 - said.len(), said.len(), false)?,
            Cow::Owned(said) => {
                let start = self.said.len();
                self.said.push_str(said);
                Span::of(start, said.len(), true)?
            }
        };
        Ok((span, said))
    }

    fn form(&mut self) -> Result<Form, Unread> {
        Ok(match self.reader.peek() {
            Some(b'"') => Form::Text(self.text()?.0),
            Some(b'{') => {
                self.reader.takes(b'{');
                Form::Map(Words::NONE)
            }
            Some(b'[') => {
                self.reader.takes(b'[');
                Form::List
            }
            Some(_) => match self.reader.skip()? {
                "null" => Form::Null,
                "true" => Form::Bool(true),
                "false" => Form::Bool(false),
                number => {
                    crate::number::check(number)?;
                    Form::Number(Span::of(self.reader.at() - number.len(), number.len(), false)?)
                }
            },
            None => return Err(Unread::Form),
        })
    }

    fn closes(&mut self, within: u32) -> bool {
        let end = if matches!(self.parts[within as usize].form, Form::Map(_)) { b'}' } else { b']' };
        self.reader.takes(end)
    }
}

/// A value within its text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'t> {
    tree: &'t Tree,
    at: u32,
}

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'t> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'t str),
    Text(&'t str),
    List(Node<'t>),
    Map(Node<'t>),
}

impl<'t> Node<'t> {
    fn part(self) -> &'t Part {
        &self.tree.parts[self.at as usize]
    }

    pub(crate) fn tree(self) -> &'t Tree {
        self.tree
    }

    /// What stands elsewhere in the same text.
    pub(crate) fn beside(self, place: u32) -> Self {
        Self { at: place, ..self }
    }

    /// Where it stands among all values of its text.
    pub(crate) fn place(self) -> u32 {
        self.at
    }

    pub(crate) fn value(self) -> Value<'t> {
        match self.part().form {
            Form::Null => Value::Null,
            Form::Bool(value) => Value::Bool(value),
            Form::Number(span) => Value::Number(self.tree.get(span)),
            Form::Text(span) => Value::Text(self.tree.get(span)),
            Form::List => Value::List(self),
            Form::Map(_) => Value::Map(self),
        }
    }

    /// As a member, its name.
    pub(crate) fn name(self) -> &'t str {
        self.tree.get(self.part().name)
    }

    /// As a member of a schema, what its name means.
    pub(crate) fn word(self) -> Option<Word> {
        self.part().word
    }

    pub(crate) fn is_map(self) -> bool {
        matches!(self.part().form, Form::Map(_))
    }

    pub(crate) fn is_list(self) -> bool {
        matches!(self.part().form, Form::List)
    }

    pub(crate) fn is_false(self) -> bool {
        matches!(self.part().form, Form::Bool(false))
    }

    pub(crate) fn as_text(self) -> Option<&'t str> {
        if let Value::Text(text) = self.value() { Some(text) } else { None }
    }

    pub(crate) fn as_number(self) -> Option<&'t str> {
        if let Value::Number(number) = self.value() { Some(number) } else { None }
    }

    /// The items of a list, the members of an object; none of anything else.
    pub(crate) fn parts(self) -> Parts<'t> {
        Parts { tree: self.tree, at: self.at + 1, end: self.part().end }
    }

    /// It and all that is within it, from front to back.
    pub(crate) fn with_all_within(self) -> impl Iterator<Item = Self> {
        (self.at..self.part().end).map(move |at| Self { at, ..self })
    }

    /// The items, if it is a list.
    pub(crate) fn items(self) -> Option<Parts<'t>> {
        self.is_list().then(|| self.parts())
    }

    /// The members, if it is an object.
    pub(crate) fn members(self) -> Option<Parts<'t>> {
        self.is_map().then(|| self.parts())
    }

    /// The keywords among the names of its members.
    pub(crate) fn words(self) -> Words {
        if let Form::Map(words) = self.part().form { words } else { Words::NONE }
    }

    /// What a schema says by a keyword.
    pub(crate) fn by(self, word: Word) -> Option<Self> {
        if !self.words().has(word) {
            return None;
        }
        self.parts().find(|member| member.part().word == Some(word))
    }

    /// The member of this name.
    pub(crate) fn get(self, name: &str) -> Option<Self> {
        let mut members = self.members()?;
        let is_it = |member: &Node<'_>| member.part().name.len >> 1 == len(name) && member.name() == name;
        members.by_ref().take(FEW).find(is_it).or_else(|| {
            members.next()?;
            let sorted = self.sorted();
            let found = sorted.binary_search_by(|place| self.beside(*place).name().cmp(name)).ok()?;
            Some(self.beside(sorted[found]))
        })
    }

    /// The places of its members, by name.
    #[cold]
    fn sorted(self) -> Rc<[u32]> {
        let known = self.tree.sorted.borrow().get(&self.at).cloned();
        known.unwrap_or_else(|| {
            let mut places: Vec<_> = self.parts().map(Node::place).collect();
            places.sort_unstable_by_key(|place| self.beside(*place).name());
            let sorted: Rc<[u32]> = places.into();
            self.tree.sorted.borrow_mut().insert(self.at, sorted.clone());
            sorted
        })
    }

    /// What stands at a JSON pointer.
    pub(crate) fn at_pointer(self, pointer: &str) -> Option<Self> {
        let mut node = self;
        for token in pointer.split('/').skip(1) {
            let token = if token.contains('~') {
                Cow::Owned(token.replace("~1", "/").replace("~0", "~"))
            } else {
                Cow::Borrowed(token)
            };
            node = if node.is_list() {
                let index = token.parse::<usize>().ok().filter(|index| index.to_string() == token)?;
                node.parts().nth(index)?
            } else {
                node.get(&token)?
            };
        }
        Some(node)
    }
}

fn len(name: &str) -> u32 {
    u32::try_from(name.len()).unwrap_or(u32::MAX)
}

/// Values side by side.
#[derive(Clone, Debug)]
pub(crate) struct Parts<'t> {
    tree: &'t Tree,
    at: u32,
    end: u32,
}

impl<'t> Iterator for Parts<'t> {
    type Item = Node<'t>;

    fn next(&mut self) -> Option<Node<'t>> {
        if self.at >= self.end {
            return None;
        }
        let node = Node { tree: self.tree, at: self.at };
        self.at = node.part().end;
        Some(node)
    }
}
