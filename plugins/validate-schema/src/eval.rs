//! Whether a value fits a schema.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use regex_lite::Regex;
use serde_json::{Map, Value};
use witgate_sdk::{Finding, Refusal};

use crate::keyword::{self, get, push};
use crate::seen::Seen;
use crate::{FINDINGS_MAX, OnBadSchema, assert, reference};

/// Why no judgement was come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The schema is wrong, here and so.
    Schema(keyword::Flaw),
    /// To judge would take too much.
    Limit(&'static str),
}

impl Fault {
    pub(crate) fn limit(cause: &'static str) -> Self {
        Self::Limit(cause)
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
    pub(crate) findings: Vec<Finding>,
    pub(crate) seen: Seen,
}

impl Report {
    pub(crate) fn fits(&self) -> bool {
        self.findings.is_empty()
    }

    pub(crate) fn find(&mut self, at: &str, message: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding::at(at, message));
        }
    }

    fn add(&mut self, other: Self) {
        let room = FINDINGS_MAX.saturating_sub(self.findings.len());
        self.findings.extend(other.findings.into_iter().take(room));
        self.seen.add(other.seen);
    }
}

const STEPS_MAX: u32 = 100_000;
const DEPTH_MAX: u32 = 64;

/// One schema, and what was learnt while judging by it.
pub(crate) struct Judge<'s> {
    root: &'s Value,
    on_bad_schema: OnBadSchema,
    is_draft_07: bool,
    steps: Cell<u32>,
    patterns: RefCell<BTreeMap<String, Option<Rc<Regex>>>>,
}

impl<'s> Judge<'s> {
    pub(crate) fn new(root: &'s Value, on_bad_schema: OnBadSchema) -> Self {
        let dialect = root.get("$schema").and_then(Value::as_str).unwrap_or_default();
        let is_draft_07 = dialect.contains("draft-07") || dialect.contains("draft-06");
        Self { root, on_bad_schema, is_draft_07, steps: Cell::new(0), patterns: RefCell::default() }
    }

    /// What is wrong with a value that stands at `at`.
    pub(crate) fn findings(&self, value: &Value, at: &str) -> Result<Vec<Finding>, Fault> {
        if self.on_bad_schema == OnBadSchema::Refuse {
            keyword::survey_lenient(self.root).map_err(Fault::Schema)?;
        }
        Ok(self.judge(self.root, value, &mut at.to_owned(), 0)?.findings)
    }

    pub(crate) fn step(&self) -> Result<(), Fault> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > STEPS_MAX { Err(Fault::limit("it would take too many steps")) } else { Ok(()) }
    }

    /// `None` for a pattern that is not understood.
    pub(crate) fn pattern(&self, text: &str) -> Option<Rc<Regex>> {
        let mut patterns = self.patterns.borrow_mut();
        if !patterns.contains_key(text) {
            patterns.insert(text.to_owned(), Regex::new(text).ok().map(Rc::new));
        }
        patterns.get(text).cloned().flatten()
    }

    fn judge(&self, schema: &'s Value, value: &Value, at: &mut String, depth: u32) -> Result<Report, Fault> {
        self.step()?;
        if depth > DEPTH_MAX {
            return Err(Fault::limit("it is nested too deeply, or its schema refers to itself without end"));
        }
        let mut report = Report::default();
        match schema {
            Value::Object(members) => self.judge_by(members, value, at, depth, &mut report)?,
            Value::Bool(false) => report.find(at, "is not allowed here"),
            _ => {}
        }
        Ok(report)
    }

    fn judge_by(
        &self,
        schema: &'s Map<String, Value>,
        value: &Value,
        at: &mut String,
        depth: u32,
        report: &mut Report,
    ) -> Result<(), Fault> {
        for keyword in ["$ref", "$dynamicRef"] {
            let Some(reference) = get(schema, keyword).and_then(Value::as_str) else { continue };
            if let Some(target) = reference::resolve(self.root, reference) {
                report.add(self.judge(target, value, at, depth + 1)?);
            }
            if self.is_draft_07 {
                return Ok(());
            }
        }
        assert::value(self, schema, value, at, report);
        self.combined(schema, value, at, depth, report)?;
        match value {
            Value::Object(members) => self.members(schema, members, at, depth, report),
            Value::Array(items) => self.items(schema, items, at, depth, report),
            _ => Ok(()),
        }
    }

    /// A part of the value, named by one more token of its pointer.
    fn part(
        &self,
        schema: &'s Value,
        value: &Value,
        at: &mut String,
        token: &str,
        depth: u32,
    ) -> Result<Report, Fault> {
        let len = at.len();
        push(at, token);
        let report = self.judge(schema, value, at, depth + 1);
        at.truncate(len);
        report
    }

    /// Schemas for the same value.
    fn combined(
        &self,
        schema: &'s Map<String, Value>,
        value: &Value,
        at: &mut String,
        depth: u32,
        report: &mut Report,
    ) -> Result<(), Fault> {
        let list = |keyword: &str| get(schema, keyword).and_then(Value::as_array);
        for branch in list("allOf").into_iter().flatten() {
            report.add(self.judge(branch, value, at, depth + 1)?);
        }
        for (keyword, several_may_fit) in [("anyOf", true), ("oneOf", false)] {
            let Some(branches) = list(keyword) else { continue };
            let mut reports = Vec::with_capacity(branches.len());
            for branch in branches {
                reports.push(self.judge(branch, value, at, depth + 1)?);
            }
            alternatives(reports, several_may_fit, at, report);
        }
        if let Some(not) = get(schema, "not")
            && self.judge(not, value, at, depth + 1)?.fits()
        {
            report.find(at, "is of a form that is excluded");
        }
        if let Some(condition) = get(schema, "if") {
            let judged = self.judge(condition, value, at, depth + 1)?;
            let branch = get(schema, if judged.fits() { "then" } else { "else" });
            if judged.fits() {
                report.seen.add(judged.seen);
            }
            if let Some(branch) = branch {
                report.add(self.judge(branch, value, at, depth + 1)?);
            }
        }
        for keyword in ["dependentSchemas", "dependencies"] {
            for (name, branch) in get(schema, keyword).and_then(Value::as_object).into_iter().flatten() {
                if value.get(name).is_some() && !branch.is_array() && value.is_object() {
                    report.add(self.judge(branch, value, at, depth + 1)?);
                }
            }
        }
        Ok(())
    }

    fn members(
        &self,
        schema: &'s Map<String, Value>,
        members: &Map<String, Value>,
        at: &mut String,
        depth: u32,
        report: &mut Report,
    ) -> Result<(), Fault> {
        let map = |keyword: &str| get(schema, keyword).and_then(Value::as_object);
        let (properties, patterns) = (map("properties"), map("patternProperties"));
        let patterns: Vec<_> = patterns
            .into_iter()
            .flatten()
            .filter_map(|(pattern, schema)| self.pattern(pattern).map(|regex| (regex, schema)))
            .collect();
        for (name, value) in members {
            self.step()?;
            let mut known = false;
            if let Some(property) = properties.and_then(|properties| properties.get(name)) {
                known = true;
                report.findings.extend(self.part(property, value, at, name, depth)?.findings);
            }
            for (_, property) in patterns.iter().filter(|(regex, _)| regex.is_match(name)) {
                known = true;
                report.findings.extend(self.part(property, value, at, name, depth)?.findings);
            }
            if let Some(others) = get(schema, "additionalProperties").filter(|_| !known) {
                known = true;
                report.findings.extend(self.unexpected(others, value, at, name, depth)?);
            }
            if known {
                report.seen.members.insert(name.clone());
            }
            if let Some(names) = get(schema, "propertyNames") {
                let judged = self.part(names, &Value::from(name.as_str()), at, name, depth)?;
                report.findings.extend(
                    judged
                        .findings
                        .into_iter()
                        .map(|finding| Finding { message: format!("has a name that {}", finding.message), ..finding }),
                );
            }
        }
        if let Some(others) = get(schema, "unevaluatedProperties") {
            for (name, value) in members {
                if !report.seen.has_member(name) {
                    report.findings.extend(self.unexpected(others, value, at, name, depth)?);
                }
            }
            report.seen.every_member = true;
        }
        report.findings.truncate(FINDINGS_MAX);
        Ok(())
    }

    /// A member that nothing names, by the schema for such.
    fn unexpected(
        &self,
        schema: &'s Value,
        value: &Value,
        at: &mut String,
        name: &str,
        depth: u32,
    ) -> Result<Vec<Finding>, Fault> {
        let mut findings = self.part(schema, value, at, name, depth)?.findings;
        if schema == &Value::Bool(false) {
            for finding in &mut findings {
                "is not known here; remove it, or correct its name".clone_into(&mut finding.message);
            }
        }
        Ok(findings)
    }

    fn items(
        &self,
        schema: &'s Map<String, Value>,
        items: &[Value],
        at: &mut String,
        depth: u32,
        report: &mut Report,
    ) -> Result<(), Fault> {
        // A list under `items` is draft-07's way, which is met without `$schema` too.
        let (first, others) = match (get(schema, "prefixItems"), get(schema, "items")) {
            (None, Some(Value::Array(first))) => (first.as_slice(), get(schema, "additionalItems")),
            (first, others) => (first.and_then(Value::as_array).map_or(&[][..], Vec::as_slice), others),
        };
        for (index, item) in items.iter().enumerate() {
            let Some(by) = first.get(index).or(others) else { break };
            report.findings.extend(self.part(by, item, at, &index.to_string(), depth)?.findings);
            report.seen.items.insert(index);
        }
        if let Some(wanted) = get(schema, "contains") {
            let mut count = 0_u64;
            for (index, item) in items.iter().enumerate() {
                if self.part(wanted, item, at, &index.to_string(), depth)?.fits() {
                    count += 1;
                    report.seen.items.insert(index);
                }
            }
            assert::contained(schema, count, at, report);
        }
        if let Some(others) = get(schema, "unevaluatedItems") {
            for (index, item) in items.iter().enumerate() {
                if !report.seen.has_item(index) {
                    report.findings.extend(self.part(others, item, at, &index.to_string(), depth)?.findings);
                }
            }
            report.seen.every_item = true;
        }
        report.findings.truncate(FINDINGS_MAX);
        Ok(())
    }
}

/// Of several forms one has to fit, or (`several_may_fit`) at least one.
fn alternatives(reports: Vec<Report>, several_may_fit: bool, at: &str, report: &mut Report) {
    let count = reports.len();
    let (fitting, failing): (Vec<_>, Vec<_>) = reports.into_iter().partition(Report::fits);
    match fitting.len() {
        0 => {
            report.find(at, format!("fits none of the {count} forms that are allowed"));
            // What the closest form lacks helps more than what all of them lack.
            let closest = failing.into_iter().min_by_key(|report| report.findings.len());
            for finding in closest.into_iter().flat_map(|closest| closest.findings) {
                report.find(&finding.pointer, format!("{}, for one of them", finding.message));
            }
        }
        fits if fits > 1 && !several_may_fit => {
            report.find(at, format!("fits {fits} forms where exactly one is allowed"));
        }
        _ => fitting.into_iter().for_each(|fitting| report.seen.add(fitting.seen)),
    }
}
