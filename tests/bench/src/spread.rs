//! A figure over several rounds.

use std::fmt;

/// The median of a figure, with the least and the most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Of at least one figure.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<_> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let half = figures.len() / 2;
        let median =
            if figures.len() % 2 == 1 { figures[half] } else { f64::midpoint(figures[half - 1], figures[half]) };
        Self { median, least: figures[0], most: figures[figures.len() - 1] }
    }
}

/// With as many places as tell something.
pub(crate) struct Figure(pub(crate) f64);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = if self.0 < 10.0 { 2 } else { usize::from(self.0 < 100.0) };
        write!(f, "{:.places$}", self.0)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}–{})", Figure(self.median), Figure(self.least), Figure(self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn a_spread_is_shown_with_its_ends() {
        #[track_caller]
        fn check(figures: &[f64], shown: &str) {
            assert_eq!(Spread::of(figures.iter().copied()).to_string(), shown);
        }
        check(&[3.0, 1.0, 20.0], "3.00 (1.00–20.0)");
        check(&[1.0, 2.0], "1.50 (1.00–2.00)");
        check(&[12345.6], "12346 (12346–12346)");
    }
}
