//! Whether a value fits a schema.

use std::cell::Cell;
use std::fmt::Display;
use std::rc::Rc;

use regex_lite::Regex;
use witgate_sdk::{Finding, Refusal};

use crate::json::{Node, Value};
use crate::learnt::Learnt;
use crate::place::Place;
use crate::seen::Seen;
use crate::word::{Word, Words};
use crate::{FINDINGS_MAX, assert, combine, survey};

/// Why no judgement was come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The schema is wrong, here and so.
    Schema(survey::Flaw),
    /// To judge would take too much.
    Limit(String),
}

impl Fault {
    pub(crate) fn limit(cause: impl Into<String>) -> Self {
        Self::Limit(cause.into())
    }

    pub(crate) fn refusal(self) -> Refusal {
        match self {
            Self::Schema((place, cause)) => {
                Refusal::unavailable("this tool cannot be called: its input schema is not valid")
                    .note(format!("the upstream's inputSchema at `{place}`: {cause}"))
            }
            Self::Limit(cause) => Refusal::invalid(format!("the call cannot be judged: {cause}")),
        }
    }
}

/// What one schema says of one value.
#[derive(Debug, Default)]
pub(crate) struct Report {
    findings: Vec<Finding>,
    count: usize,
    /// Nobody will ask what was found, but whether.
    quiet: bool,
    pub(crate) seen: Seen,
}

impl Report {
    pub(crate) fn quiet() -> Self {
        Self { quiet: true, ..Self::default() }
    }

    /// One of the same kind.
    pub(crate) fn like(other: &Self) -> Self {
        Self { quiet: other.quiet, ..Self::default() }
    }

    pub(crate) fn fits(&self) -> bool {
        self.count == 0
    }

    /// How much was found.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    #[inline(never)]
    pub(crate) fn find(&mut self, at: &Place<'_>, message: impl Display) {
        if self.count < FINDINGS_MAX {
            self.count += 1;
            if !self.quiet {
                self.findings.push(Finding::at(at.to_string(), message.to_string()));
            }
        }
    }

    /// What was found in another, said differently.
    pub(crate) fn retell(&mut self, other: Self, told: impl Fn(&str) -> String) {
        let room = FINDINGS_MAX.saturating_sub(self.count);
        self.count += other.count.min(room);
        self.findings.extend(
            other.findings.into_iter().take(room).map(|finding| Finding { message: told(&finding.message), ..finding }),
        );
    }

    pub(crate) fn add(&mut self, other: Self) {
        let room = FINDINGS_MAX.saturating_sub(self.count);
        self.count += other.count.min(room);
        self.findings.extend(other.findings.into_iter().take(room));
        self.seen.add(other.seen);
    }
}

const STEPS_MAX: u32 = 100_000;
const DEPTH_MAX: u32 = 64;

/// Keywords that ask what others have judged.
const UNEVALUATED: Words = Words::of(&[Word::UnevaluatedItems, Word::UnevaluatedProperties]);
const REFERENCES: Words = Words::of(&[Word::Ref, Word::DynamicRef]);
const MEMBERS: Words = Words::of(&[
    Word::Properties,
    Word::PatternProperties,
    Word::AdditionalProperties,
    Word::PropertyNames,
    Word::UnevaluatedProperties,
]);
const ITEMS: Words = Words::of(&[Word::PrefixItems, Word::Items, Word::Contains, Word::UnevaluatedItems]);

/// One schema, and what was learnt while judging by it.
pub(crate) struct Judge<'s> {
    root: Node<'s>,
    learnt: &'s Learnt,
    is_draft_07: bool,
    /// Whether it matters what was seen.
    minds_seen: bool,
    steps: Cell<u32>,
}

impl<'s> Judge<'s> {
    pub(crate) fn new(root: Node<'s>, learnt: &'s Learnt) -> Self {
        let dialect = root.get("$schema").and_then(Node::as_text).unwrap_or_default();
        let is_draft_07 = dialect.contains("draft-07") || dialect.contains("draft-06");
        let minds_seen = root.tree().names_any(UNEVALUATED);
        Self { root, learnt, is_draft_07, minds_seen, steps: Cell::new(0) }
    }

    /// What is wrong with a value that stands at `at`.
    pub(crate) fn findings(&self, value: Value<'_>, at: &str) -> Result<Vec<Finding>, Fault> {
        let mut report = Report::default();
        self.judge(self.root, value, &Place::Root(at), 0, &mut report)?;
        Ok(report.into_findings())
    }

    fn step(&self) -> Result<(), Fault> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > STEPS_MAX { Err(Fault::limit("it would take too many steps")) } else { Ok(()) }
    }

    fn enter(&self, depth: u32) -> Result<(), Fault> {
        self.step()?;
        if depth > DEPTH_MAX {
            return Err(Fault::limit("it is nested too deeply, or its schema refers to itself without end"));
        }
        Ok(())
    }

    /// `None` for a pattern that is not understood.
    pub(crate) fn pattern(&self, text: &str) -> Option<Rc<Regex>> {
        self.learnt.patterns.get(text).ok()
    }

    /// A schema and a value, as a report of its own or in one of a value that this is a part of.
    #[inline(never)]
    pub(crate) fn judge(
        &self,
        schema: Node<'s>,
        value: Value<'_>,
        at: &Place<'_>,
        depth: u32,
        report: &mut Report,
    ) -> Result<(), Fault> {
        self.enter(depth)?;
        if schema.is_false() {
            report.find(at, "is not allowed here");
        }
        let words = schema.words();
        if words.meet(REFERENCES) {
            for word in [Word::Ref, Word::DynamicRef] {
                let Some(reference) = schema.by(word).and_then(Node::as_text) else { continue };
                if let Some(target) = self.learnt.references.resolve(self.root, reference) {
                    self.also(target, value, at, depth, report)?;
                }
                if self.is_draft_07 {
                    return Ok(());
                }
            }
        }
        assert::value(self, schema, value, at, report);
        if words.meet(combine::WORDS) {
            self.combined(schema, value, at, depth, report)?;
        }
        match value {
            Value::Map(members) if words.meet(MEMBERS) => self.members(schema, members, at, depth, report),
            Value::List(items) if words.meet(ITEMS) => self.items(schema, items, at, depth, report),
            _ => Ok(()),
        }
    }

    /// Another schema for the same value.
    pub(crate) fn also(
        &self,
        schema: Node<'s>,
        value: Value<'_>,
        at: &Place<'_>,
        depth: u32,
        report: &mut Report,
    ) -> Result<(), Fault> {
        if self.minds_seen {
            let own = self.apart(schema, value, at, depth, report)?;
            report.add(own);
            return Ok(());
        }
        self.judge(schema, value, at, depth + 1, report)
    }

    /// With a report of its own.
    #[inline(never)]
    fn apart(
        &self,
        schema: Node<'s>,
        value: Value<'_>,
        at: &Place<'_>,
        depth: u32,
        report: &Report,
    ) -> Result<Report, Fault> {
        let mut own = Report::like(report);
        self.judge(schema, value, at, depth + 1, &mut own)?;
        Ok(own)
    }

    /// Whether a value fits, and nothing else.
    #[inline(never)]
    pub(crate) fn fits(&self, schema: Node<'s>, value: Value<'_>, depth: u32) -> Result<Option<Seen>, Fault> {
        let mut own = Report::quiet();
        self.judge(schema, value, &Place::Root(""), depth + 1, &mut own)?;
        Ok(own.fits().then_some(own.seen))
    }

    /// A part of the value. What is seen within it is its own affair.
    fn part(
        &self,
        schema: Node<'s>,
        value: Value<'_>,
        at: &Place<'_>,
        depth: u32,
        report: &mut Report,
    ) -> Result<(), Fault> {
        if self.minds_seen {
            let own = self.apart(schema, value, at, depth, report)?;
            report.add(Report { seen: Seen::default(), ..own });
            return Ok(());
        }
        self.judge(schema, value, at, depth + 1, report)
    }

    #[inline(never)]
    fn members(
        &self,
        schema: Node<'s>,
        members: Node<'_>,
        at: &Place<'_>,
        depth: u32,
        report: &mut Report,
    ) -> Result<(), Fault> {
        let properties = schema.by(Word::Properties);
        let patterns: Vec<_> = schema
            .by(Word::PatternProperties)
            .and_then(Node::members)
            .into_iter()
            .flatten()
            .filter_map(|schema| self.pattern(schema.name()).map(|regex| (regex, schema)))
            .collect();
        let (others, names) = (schema.by(Word::AdditionalProperties), schema.by(Word::PropertyNames));
        for member in members.parts() {
            self.step()?;
            let (name, value) = (member.name(), member.value());
            let place = Place::Member(at, name);
            let mut known = false;
            if let Some(property) = properties.and_then(|properties| properties.get(name)) {
                known = true;
                self.part(property, value, &place, depth, report)?;
            }
            for (_, property) in patterns.iter().filter(|(regex, _)| regex.is_match(name)) {
                known = true;
                self.part(*property, value, &place, depth, report)?;
            }
            if let Some(others) = others.filter(|_| !known) {
                known = true;
                self.unexpected(others, value, &place, depth, report)?;
            }
            if known && self.minds_seen {
                report.seen.note(member.place());
            }
            if let Some(names) = names {
                let own = self.apart(names, Value::Text(name), &place, depth, report)?;
                report.retell(own, |message| format!("has a name that {message}"));
            }
        }
        if let Some(others) = schema.by(Word::UnevaluatedProperties) {
            for member in members.parts() {
                if !report.seen.has(member.place()) {
                    self.unexpected(others, member.value(), &Place::Member(at, member.name()), depth, report)?;
                }
            }
            report.seen.everything = true;
        }
        Ok(())
    }

    /// A member that nothing names, by the schema for such.
    fn unexpected(
        &self,
        schema: Node<'s>,
        value: Value<'_>,
        at: &Place<'_>,
        depth: u32,
        report: &mut Report,
    ) -> Result<(), Fault> {
        if schema.is_false() {
            self.enter(depth + 1)?;
            report.find(at, "is not known here; remove it, or correct its name");
            return Ok(());
        }
        self.part(schema, value, at, depth, report)
    }

    #[inline(never)]
    fn items(
        &self,
        schema: Node<'s>,
        items: Node<'_>,
        at: &Place<'_>,
        depth: u32,
        report: &mut Report,
    ) -> Result<(), Fault> {
        // A list under `items` is draft-07's way, which is met without `$schema` too.
        let (mut first, others) = match (schema.by(Word::PrefixItems), schema.by(Word::Items)) {
            (None, Some(first)) if first.is_list() => (first.items(), schema.by(Word::AdditionalItems)),
            (first, others) => (first.and_then(Node::items), others),
        };
        for (index, item) in items.parts().enumerate() {
            let Some(by) = first.as_mut().and_then(Iterator::next).or(others) else { break };
            self.part(by, item.value(), &Place::Item(at, index), depth, report)?;
            if self.minds_seen {
                report.seen.note(item.place());
            }
        }
        if let Some(wanted) = schema.by(Word::Contains) {
            let mut count = 0_u64;
            for item in items.parts() {
                if self.fits(wanted, item.value(), depth)?.is_some() {
                    count += 1;
                    if self.minds_seen {
                        report.seen.note(item.place());
                    }
                }
            }
            assert::contained(schema, count, at, report);
        }
        if let Some(others) = schema.by(Word::UnevaluatedItems) {
            for (index, item) in items.parts().enumerate() {
                if !report.seen.has(item.place()) {
                    self.part(others, item.value(), &Place::Item(at, index), depth, report)?;
                }
            }
            report.seen.everything = true;
        }
        Ok(())
    }
}
