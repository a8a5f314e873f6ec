//! The keywords that ask further schemas about the same value.

use crate::eval::{Fault, Judge, Report};
use crate::json::{Node, Parts, Value};
use crate::place::Place;
use crate::word::{Word, Words};

pub(crate) const WORDS: Words = Words::of(&[
    Word::AllOf,
    Word::AnyOf,
    Word::OneOf,
    Word::Not,
    Word::If,
    Word::DependentSchemas,
    Word::Dependencies,
]);

impl<'s> Judge<'s> {
    #[inline(never)]
    pub(crate) fn combined(
        &self,
        schema: Node<'s>,
        value: Value<'_>,
        at: &Place<'_>,
        depth: u32,
        report: &mut Report,
    ) -> Result<(), Fault> {
        let list = |word| schema.by(word).and_then(Node::items);
        for branch in list(Word::AllOf).into_iter().flatten() {
            self.also(branch, value, at, depth, report)?;
        }
        for (word, several_may_fit) in [(Word::AnyOf, true), (Word::OneOf, false)] {
            if let Some(branches) = list(word) {
                let reports = self.each(branches, value, at, depth, report)?;
                alternatives(reports, several_may_fit, at, report);
            }
        }
        if let Some(not) = schema.by(Word::Not)
            && self.fits(not, value, depth)?.is_some()
        {
            report.find(at, "is of a form that is excluded");
        }
        if let Some(condition) = schema.by(Word::If) {
            let judged = self.fits(condition, value, depth)?;
            let branch = schema.by(if judged.is_some() { Word::Then } else { Word::Else });
            if let Some(seen) = judged {
                report.seen.add(seen);
            }
            if let Some(branch) = branch {
                self.also(branch, value, at, depth, report)?;
            }
        }
        let Value::Map(members) = value else { return Ok(()) };
        for word in [Word::DependentSchemas, Word::Dependencies] {
            for branch in schema.by(word).and_then(Node::members).into_iter().flatten() {
                if !branch.is_list() && members.get(branch.name()).is_some() {
                    self.also(branch, value, at, depth, report)?;
                }
            }
        }
        Ok(())
    }

    /// What each of several schemas says.
    #[inline(never)]
    fn each(
        &self,
        schemas: Parts<'s>,
        value: Value<'_>,
        at: &Place<'_>,
        depth: u32,
        report: &Report,
    ) -> Result<Vec<Report>, Fault> {
        let mut reports: Vec<_> = schemas.clone().map(|_| Report::like(report)).collect();
        for (schema, own) in schemas.zip(&mut reports) {
            self.judge(schema, value, at, depth + 1, own)?;
        }
        Ok(reports)
    }
}

/// Of several forms one has to fit, or (`several_may_fit`) at least one.
#[inline(never)]
fn alternatives(reports: Vec<Report>, several_may_fit: bool, at: &Place<'_>, report: &mut Report) {
    let count = reports.len();
    let (fitting, failing): (Vec<_>, Vec<_>) = reports.into_iter().partition(Report::fits);
    match fitting.len() {
        0 => {
            report.find(at, format_args!("fits none of the {count} forms that are allowed"));
            // What the closest form lacks helps more than what all of them lack.
            if let Some(closest) = failing.into_iter().min_by_key(Report::count) {
                report.retell(closest, |message| format!("{message}, for one of them"));
            }
        }
        fits if fits > 1 && !several_may_fit => {
            report.find(at, format_args!("fits {fits} forms where exactly one is allowed"));
        }
        _ => fitting.into_iter().for_each(|fitting| report.seen.add(fitting.seen)),
    }
}
