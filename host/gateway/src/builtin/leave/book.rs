//! The employees and their leave, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{Datelike, Days, NaiveDate, Weekday};
use schemars::JsonSchema;
use schemars::transform::Transform;
use serde::Serialize;

/// The longest leave that is counted, in days; about a year.
const SPAN_DAYS: i64 = 366;

/// An employee as colleagues see them.
#[expect(clippy::struct_field_names, reason = "the field is named as the tools' argument is")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Employee {
    /// `E` and three digits.
    pub(super) employee_id: String,
    pub(super) name: String,
    pub(super) department: String,
}

/// Takes out what `schemars` says of Rust's integers (`"format": "uint32"`): no format that JSON Schema knows, and clients
/// warn of it.
pub(super) fn without_width(schema: &mut schemars::Schema) {
    let width = |schema: &mut schemars::Schema| {
        if schema.get("format").and_then(serde_json::Value::as_str).is_some_and(|format| format.starts_with("uint")) {
            schema.remove("format");
        }
    };
    schemars::transform::RecursiveTransform(width).transform(schema);
}

/// What an employee may still take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(transform = without_width)]
pub(super) struct Balance {
    pub(super) employee_id: String,
    /// Business days left.
    pub(super) days_left: u32,
    /// Leave that was granted so far.
    pub(super) granted: Vec<Granted>,
}

/// One granted leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(transform = without_width)]
pub(super) struct Granted {
    #[schemars(extend("format" = "date"))]
    pub(super) start_date: String,
    #[schemars(extend("format" = "date"))]
    pub(super) end_date: String,
    /// Monday to Friday, both ends included.
    pub(super) business_days: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// Why leave is not granted, in words that tell a model what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BookError {
    #[error("there is no employee `{0}`; list_employees says who there is")]
    Unknown(String),
    #[error("`{0}` is not a date of the form YYYY-MM-DD")]
    Date(String),
    #[error("the leave ends on {end}, before it starts on {start}")]
    Reversed { start: NaiveDate, end: NaiveDate },
    #[error("leave of more than {SPAN_DAYS} days cannot be applied for at once")]
    Long,
    #[error("there is no business day from {start} to {end}")]
    Weekend { start: NaiveDate, end: NaiveDate },
    #[error("{wanted} business days are needed, {left} are left")]
    Exhausted { wanted: u32, left: u32 },
    #[error("the leave overlaps with that from {start_date} to {end_date}")]
    Overlap { start_date: String, end_date: String },
}

struct Entry {
    name: &'static str,
    department: &'static str,
    days_left: u32,
    granted: Vec<(NaiveDate, NaiveDate, Granted)>,
}

/// All employees.
pub(super) struct Book(Mutex<BTreeMap<&'static str, Entry>>);

impl Default for Book {
    fn default() -> Self {
        let staff = [
            ("E001", "Ada Lovelace", "Engineering", 25),
            ("E002", "Grace Hopper", "Engineering", 12),
            ("E003", "Alan Turing", "Research", 3),
            ("E004", "Katherine Johnson", "Research", 18),
        ];
        let entry =
            |(id, name, department, days_left)| (id, Entry { name, department, days_left, granted: Vec::new() });
        Self(Mutex::new(staff.into_iter().map(entry).collect()))
    }
}

impl Book {
    pub(super) fn employees(&self) -> Vec<Employee> {
        self.lock().iter().map(|(id, entry)| entry.employee(id)).collect()
    }

    pub(super) fn employee(&self, id: &str) -> Result<Employee, BookError> {
        self.lock().get(id).map(|entry| entry.employee(id)).ok_or_else(|| BookError::Unknown(id.to_owned()))
    }

    pub(super) fn balance(&self, id: &str) -> Result<Balance, BookError> {
        let book = self.lock();
        book.get(id).map(|entry| entry.balance(id)).ok_or_else(|| BookError::Unknown(id.to_owned()))
    }

    /// Grants leave, if there is enough of it.
    pub(super) fn apply(&self, id: &str, start: &str, end: &str, reason: Option<String>) -> Result<Balance, BookError> {
        let mut book = self.lock();
        let entry = book.get_mut(id).ok_or_else(|| BookError::Unknown(id.to_owned()))?;
        let (start, end) = (date(start)?, date(end)?);
        let wanted = business_days(start, end)?;
        if let Some((.., other)) = entry.granted.iter().find(|(from, to, _)| start <= *to && *from <= end) {
            let (start_date, end_date) = (other.start_date.clone(), other.end_date.clone());
            return Err(BookError::Overlap { start_date, end_date });
        }
        let left = entry.days_left;
        entry.days_left = left.checked_sub(wanted).ok_or(BookError::Exhausted { wanted, left })?;
        let granted =
            Granted { start_date: start.to_string(), end_date: end.to_string(), business_days: wanted, reason };
        entry.granted.push((start, end, granted));
        Ok(entry.balance(id))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn employee(&self, id: &str) -> Employee {
        Employee { employee_id: id.to_owned(), name: self.name.to_owned(), department: self.department.to_owned() }
    }

    fn balance(&self, id: &str) -> Balance {
        let granted = self.granted.iter().map(|(.., granted)| granted.clone()).collect();
        Balance { employee_id: id.to_owned(), days_left: self.days_left, granted }
    }
}

fn date(text: &str) -> Result<NaiveDate, BookError> {
    let parsed = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    parsed.filter(|date| date.to_string() == text).ok_or_else(|| BookError::Date(text.to_owned()))
}

/// Monday to Friday, both ends included; there are no holidays here.
fn business_days(start: NaiveDate, end: NaiveDate) -> Result<u32, BookError> {
    let span = (end - start).num_days();
    if span < 0 {
        return Err(BookError::Reversed { start, end });
    }
    if span >= SPAN_DAYS {
        return Err(BookError::Long);
    }
    let days = (0..=span.unsigned_abs()).filter_map(|n| start.checked_add_days(Days::new(n)));
    let count = days.filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)).count();
    match u32::try_from(count).unwrap_or(u32::MAX) {
        0 => Err(BookError::Weekend { start, end }),
        count => Ok(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leave_is_counted_in_business_days() {
        #[track_caller]
        fn check(start: &str, end: &str, want: Result<u32, &str>) {
            // Alan Turing has three days.
            let got = Book::default().apply("E003", start, end, None).map(|balance| balance.granted[0].business_days);
            match (got, want) {
                (Err(got), Err(want)) => assert!(got.to_string().contains(want), "{got}"),
                (got, want) => assert_eq!(got.ok(), want.ok(), "{start} to {end}"),
            }
        }
        check("2026-11-23", "2026-11-25", Ok(3));
        check("2026-11-20", "2026-11-23", Ok(2));
        check("2026-11-20", "2026-11-20", Ok(1));
        check("2026-11-21", "2026-11-22", Err("no business day from 2026-11-21"));
        check("2026-11-23", "2026-11-26", Err("4 business days are needed, 3 are left"));
        check("2026-11-23", "2026-11-20", Err("before it starts"));
        check("2026-02-30", "2026-03-01", Err("`2026-02-30` is not a date"));
        check("2026-3-1", "2026-03-02", Err("`2026-3-1` is not a date"));
        check("0001-01-01", "9999-12-31", Err("366 days"));
    }

    #[test]
    fn what_was_granted_is_gone() {
        let book = Book::default();
        book.apply("E003", "2026-11-23", "2026-11-24", None).expect("granted");
        assert_eq!(book.balance("E003").expect("known").days_left, 1);
        let again = book.apply("E003", "2026-11-24", "2026-11-24", None).expect_err("taken");
        assert!(matches!(again, BookError::Overlap { .. }));
        book.apply("E003", "2026-11-25", "2026-11-26", None).expect_err("only one is left");
        book.apply("E003", "2026-11-25", "2026-11-25", None).expect("granted");
        assert_eq!(book.balance("E003").expect("known").days_left, 0);
        assert_eq!(book.balance("E999"), Err(BookError::Unknown("E999".to_owned())));
    }
}
