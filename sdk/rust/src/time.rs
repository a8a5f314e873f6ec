//! Dates as text, without a clock: the time of a decision comes with its call.

/// Seconds since the Unix epoch of an RFC 3339 date-time, as `2026-07-28T09:30:00Z` or `2026-07-28T11:30:00.25+02:00`;
/// fractions are cut off, and a leap second counts as the second before it. `None` for any other text.
pub fn unix_time_s(text: &str) -> Option<i64> {
    let (date, time) = text.split_at_checked(10)?;
    let days = days_since_epoch(date)?;
    let time = time.strip_prefix(['T', 't'])?;
    let (clock, rest) = time.split_at_checked(8)?;
    let (hours, minutes, seconds) = (part(clock, 0, 2)?, part(clock, 3, 2)?, part(clock, 6, 2)?);
    let punctuated = clock.as_bytes()[2] == b':' && clock.as_bytes()[5] == b':';
    let offset_s = offset_s(rest.strip_prefix('.').map_or(Some(rest), after_fraction)?)?;
    // A leap second is the last of a day in UTC.
    let second_of_day = hours * 3_600 + minutes * 60 + seconds.min(59);
    let leap = seconds == 60 && (second_of_day - offset_s).rem_euclid(86_400) == 86_399;
    let valid = punctuated && hours < 24 && minutes < 60 && (seconds < 60 || leap);
    valid.then_some(days * 86_400 + second_of_day - offset_s)
}

/// Days since the Unix epoch of an RFC 3339 full-date, as `2026-07-28`; `None` for any other text.
pub fn days_since_epoch(text: &str) -> Option<i64> {
    let punctuated = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    let (year, month, day) = (part(text, 0, 4)?, part(text, 5, 2)?, part(text, 8, 2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    // The year begins in March, so that a leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * month + 2) / 5 + day - 1;
    (punctuated && (1..=length).contains(&day)).then_some(era * 146_097 + day_of_era - 719_468)
}

/// The number in `len` digits from `at` on.
fn part(text: &str, at: usize, len: usize) -> Option<i64> {
    let digits = text.get(at..at + len)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// What follows one digit or more.
fn after_fraction(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}

fn offset_s(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (part(text, 1, 2)?, part(text, 4, 2)?);
    let valid = text.len() == 6 && text.as_bytes()[3] == b':' && hours < 24 && minutes < 60;
    valid.then_some(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(unix_time_s(text), expected, "{text}");
    }

    #[test]
    fn date_times() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("2026-07-28T09:30:00Z", Some(1_785_231_000));
        check("2026-07-28t11:30:00.25+02:00", Some(1_785_231_000));
        check("2000-02-29T23:59:59-00:30", Some(951_870_599));
        check("1998-12-31T23:59:60Z", Some(915_148_799));
        check("1998-12-31T15:59:60-08:00", Some(915_148_799));
        check("0000-01-01T00:00:00Z", Some(-62_167_219_200));
    }

    #[test]
    fn what_is_no_date_time() {
        for text in [
            "",
            "2026-07-28",
            "2026-07-28T09:30:00",
            "2026-07-28 09:30:00Z",
            "2026-7-28T09:30:00Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "1998-12-31T22:59:60Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+0200",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00Zz",
            "2026-01-01T00-00-00Z",
            "+026-01-01T00:00:00Z",
            "২026-01-01T00:00:00Z",
            "2026-01-01Té0:00:00Z",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = days_since_epoch("1999-01-01").expect("a date");
        for year in 1999..2005 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(days) = days_since_epoch(&format!("{year}-{month:02}-{day:02}")) {
                        assert_eq!(days, expected, "{year}-{month}-{day}");
                        expected += 1;
                    }
                }
            }
        }
        assert_eq!(expected, days_since_epoch("2005-01-01").expect("a date"));
    }
}
