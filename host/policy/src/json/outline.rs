//! Where the members of a text's upper objects stand, noted down while it is checked. A message is asked for a few dozen
//! of its members on its way, nearly all of them by names near the top: they are found here without reading the text.

use std::ops::Range;

use super::pointer::{self, Token};
use super::scan::Raw;

/// Objects within each other whose members are noted: a message, its `params`, their `_meta`.
const LEVELS: u8 = 3;
/// Members that are noted of one object. What has more is read where it stands.
const OF_ONE: usize = 32;
/// Members that are noted of all.
const OF_ALL: usize = 128;
/// What most messages need.
const USUAL: usize = 24;

/// The members in the order of the text, each followed by its own.
#[derive(Debug, Default)]
pub(super) struct Outline {
    members: Vec<Member>,
    /// Whether all members of the whole are noted.
    complete: bool,
}

#[derive(Debug, Clone)]
struct Member {
    level: u8,
    name: Range<u32>,
    escaped: bool,
    value: Range<u32>,
    /// Whether it is an object all of whose members are noted.
    complete: bool,
    /// What comes behind it and its own.
    next: u16,
}

/// A value in an outline: a member by its number, or the whole.
pub(super) type Place = Option<u16>;

/// Where a value stands whose members may be noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level(u8);

impl Level {
    pub(super) const TOP: Self = Self(0);
    /// What is within arrays, and too far down.
    pub(super) const BELOW: Self = Self(u8::MAX);
}

/// An outline in the making.
#[derive(Debug)]
pub(super) struct Notes(Vec<Member>);

/// The members of one object, as they are noted.
#[derive(Debug)]
pub(super) struct Page {
    level: Level,
    count: usize,
    pub(super) complete: bool,
}

impl Page {
    pub(super) fn new(level: Level) -> Self {
        Self { level, count: 0, complete: level.0 < LEVELS }
    }
}

impl Notes {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(USUAL))
    }

    /// A member of an object begins. Gives back the level of what stands in it.
    #[inline]
    pub(super) fn begin(&mut self, page: &mut Page, name: Range<usize>, escaped: bool) -> Option<usize> {
        if !page.complete {
            return None;
        }
        let (Ok(start), Ok(end)) = (u32::try_from(name.start), u32::try_from(name.end)) else {
            page.complete = false;
            return None;
        };
        if page.count >= OF_ONE || self.0.len() >= OF_ALL {
            page.complete = false;
            return None;
        }
        page.count += 1;
        let level = page.level.0 + 1;
        self.0.push(Member { level, name: start..end, escaped, value: 0..0, complete: false, next: 0 });
        Some(self.0.len() - 1)
    }

    /// The level of a member's value.
    pub(super) fn level(page: &Page, noted: Option<usize>) -> Level {
        noted.map_or(Level::BELOW, |_| Level(page.level.0 + 1))
    }

    /// It has ended. `complete`: it is an object all of whose members are noted.
    #[inline]
    pub(super) fn end(&mut self, noted: Option<usize>, page: &mut Page, value: Range<usize>, complete: bool) {
        let next = u16::try_from(self.0.len());
        let Some(member) = noted.and_then(|at| self.0.get_mut(at)) else { return };
        if let (Ok(start), Ok(end), Ok(next)) = (u32::try_from(value.start), u32::try_from(value.end), next) {
            (member.value, member.complete, member.next) = (start..end, complete, next);
            return;
        }
        // Longer than any message: whoever asks for it, or for what follows, reads.
        self.0.truncate(noted.unwrap_or_default());
        page.complete = false;
    }

    pub(super) fn done(self, complete: bool) -> Outline {
        Outline { members: self.0, complete }
    }
}

impl Outline {
    /// The value at a pointer from a place, whose text this is.
    pub(super) fn find<'t>(&self, from: Place, text: &'t str, pointer: &str) -> Option<&'t str> {
        let base = self.start(from);
        let mut here = from;
        let mut rest = pointer;
        while let Some((token, behind)) = Token::first(rest) {
            match self.child(here, text, base, token) {
                Some(at) => (here, rest) = (Some(at), behind),
                None if self.is_complete(here) => return None,
                None => break,
            }
        }
        let value = here.and_then(|at| self.members.get(usize::from(at))).filter(|_| here != from);
        let value = value.map_or(text, |member| cut(text, &member.value, base));
        if rest.is_empty() && here != from { Some(value) } else { pointer::find(value, rest) }
    }

    /// The member of that name. Most are told from it by their length, without a look at the text.
    #[inline]
    fn child(&self, of: Place, text: &str, base: u32, token: Token<'_>) -> Option<u16> {
        let (mut at, level) = self.first(of);
        while let Some(member) = self.members.get(usize::from(at)).filter(|member| member.level == level) {
            let may_be = member.escaped || token.len() == (member.name.end - member.name.start) as usize;
            if may_be && token.spells(Raw { text: cut(text, &member.name, base), escaped: member.escaped }) {
                return Some(at);
            }
            at = member.next;
        }
        None
    }

    /// The place of a value that stands in the text of another one, if it is noted.
    pub(super) fn place(&self, from: Place, within: Range<usize>) -> Option<u16> {
        let base = self.start(from) as usize;
        let (start, end) = (u32::try_from(within.start + base).ok()?, u32::try_from(within.end + base).ok()?);
        let at = self.members.binary_search_by_key(&start, |member| member.value.start).ok()?;
        (self.members[at].value.end == end).then(|| u16::try_from(at).ok()).flatten()
    }

    /// Names and values of a place whose members are all noted.
    pub(super) fn list<'t>(
        &self,
        from: Place,
        text: &'t str,
    ) -> Option<impl Iterator<Item = (Raw<'t>, &'t str)> + use<'_, 't>> {
        let base = self.start(from);
        self.is_complete(from).then(|| {
            self.members(from).map(move |(_, member)| {
                let name = Raw { text: cut(text, &member.name, base), escaped: member.escaped };
                (name, cut(text, &member.value, base))
            })
        })
    }

    /// Of the part alone that a place is.
    pub(super) fn part(&self, place: Place) -> Self {
        let Some(at) = place else { return Self { members: self.members.clone(), complete: self.complete } };
        let Some(part) = self.members.get(usize::from(at)) else { return Self::default() };
        let (base, first) = (part.value.start, at + 1);
        let own = self.members.get(usize::from(first)..usize::from(part.next)).unwrap_or_default();
        let moved = |range: &Range<u32>| range.start - base..range.end - base;
        let members = own.iter().map(|member| Member {
            level: member.level - part.level,
            name: moved(&member.name),
            value: moved(&member.value),
            next: member.next - first,
            ..*member
        });
        Self { members: members.collect(), complete: part.complete }
    }

    /// Of a text in which a member's value, which stands there, is exchanged for one of another length. `None` when it
    /// cannot be noted.
    pub(super) fn exchanged(mut self, old: Range<usize>, len: usize) -> Option<Self> {
        let (start, end) = (u32::try_from(old.start).ok()?, u32::try_from(old.end).ok()?);
        let new_end = u32::try_from(old.start + len).ok()?;
        let Some(at) = self.place(None, old) else {
            // It was not noted, nor is what comes behind it.
            let behind = self.members.iter().position(|member| member.level == 1 && member.value.end > start);
            self.members.truncate(behind.unwrap_or(self.members.len()));
            return Some(Self { complete: false, ..self });
        };
        let behind = self.members[usize::from(at)].next;
        let dropped = behind - at - 1;
        self.members.drain(usize::from(at) + 1..usize::from(behind));
        let moved = |place: u32| place - end + new_end;
        for (number, member) in (0..).zip(&mut self.members) {
            if number == at {
                (member.value, member.complete, member.next) = (start..new_end, false, at + 1);
            } else if number > at {
                member.name = moved(member.name.start)..moved(member.name.end);
                member.value = moved(member.value.start)..moved(member.value.end);
                member.next -= dropped;
            } else if member.next > at {
                // It stands in this one.
                member.value.end = moved(member.value.end);
                member.next -= dropped;
            }
        }
        Some(self)
    }

    /// Of a text to which a member was added, behind all others.
    pub(super) fn appended(mut self, name: Range<usize>, escaped: bool, value: Range<usize>) -> Option<Self> {
        let narrow = |range: Range<usize>| Some(u32::try_from(range.start).ok()?..u32::try_from(range.end).ok()?);
        self.complete &= self.members.len() < OF_ALL;
        if self.complete {
            let next = u16::try_from(self.members.len() + 1).ok()?;
            let (name, value) = (narrow(name)?, narrow(value)?);
            self.members.push(Member { level: 1, name, escaped, value, complete: false, next });
        }
        Some(self)
    }

    fn is_complete(&self, place: Place) -> bool {
        place.map_or(self.complete, |at| self.members.get(usize::from(at)).is_some_and(|member| member.complete))
    }

    fn start(&self, place: Place) -> u32 {
        place.and_then(|at| self.members.get(usize::from(at))).map_or(0, |member| member.value.start)
    }

    /// Where the members of a place begin, if it has any, and their level.
    fn first(&self, of: Place) -> (u16, u8) {
        match of {
            None => (0, 1),
            Some(at) => (at + 1, self.members.get(usize::from(at)).map_or(u8::MAX, |member| member.level + 1)),
        }
    }

    fn members(&self, of: Place) -> impl Iterator<Item = (u16, &Member)> {
        let (mut at, level) = self.first(of);
        std::iter::from_fn(move || {
            let member = self.members.get(usize::from(at)).filter(|member| member.level == level)?;
            let here = at;
            at = member.next;
            Some((here, member))
        })
    }
}

fn cut<'t>(text: &'t str, range: &Range<u32>, base: u32) -> &'t str {
    let at = |place: u32| place.wrapping_sub(base) as usize;
    text.get(at(range.start)..at(range.end)).unwrap_or_default()
}
