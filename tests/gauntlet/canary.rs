//! Texts that are planted where no hostile guest should get at them, and looked for wherever it might bring them.

use std::fmt::Write as _;

/// What is planted.
#[derive(Debug, Clone)]
pub(crate) struct Canaries(Vec<Canary>);

/// One text and where it was put.
#[derive(Debug, Clone)]
pub(crate) struct Canary {
    pub(crate) place: &'static str,
    pub(crate) text: String,
}

/// The places.
pub(crate) const ENVIRONMENT: &str = "the gate's environment";
pub(crate) const FILE: &str = "a file outside";
pub(crate) const SECRET: &str = "a secret of the same tenant";
pub(crate) const NEIGHBOUR_SECRET: &str = "the neighbour's secret";
pub(crate) const NEIGHBOUR_CALL: &str = "the neighbour's calls";
pub(crate) const NEIGHBOUR_RESULT: &str = "the neighbour's results";

impl Canaries {
    /// One for each place, other ones in each run, so that what an earlier run left behind is not found.
    pub(crate) fn plant() -> Self {
        let places = [ENVIRONMENT, FILE, SECRET, NEIGHBOUR_SECRET, NEIGHBOUR_CALL, NEIGHBOUR_RESULT];
        let run = std::process::id();
        let since = std::time::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_nanos());
        let canary = |(at, place): (usize, &&'static str)| {
            let mut text = String::from("canary-");
            // Letters only: `sanitize-redact` takes long numbers for cards.
            for digit in format!("{at}{run}{since}").bytes() {
                let _ = write!(text, "{}", char::from(b'a' + (digit - b'0')));
            }
            Canary { place, text }
        };
        Self(places.iter().enumerate().map(canary).collect())
    }

    /// The text of a place.
    pub(crate) fn text(&self, place: &str) -> &str {
        let found = self.0.iter().find(|canary| canary.place == place);
        found.map(|canary| canary.text.as_str()).expect("a place that is planted")
    }

    /// The places whose text is in here.
    pub(crate) fn found_in(&self, text: &str) -> Vec<&'static str> {
        self.0.iter().filter(|canary| text.contains(&canary.text)).map(|canary| canary.place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_is_found_where_it_is() {
        let canaries = Canaries::plant();
        assert_eq!(canaries.found_in("nothing"), Vec::<&str>::new());
        let text = format!("x{}y{}", canaries.text(FILE), canaries.text(NEIGHBOUR_CALL));
        assert_eq!(canaries.found_in(&text), [FILE, NEIGHBOUR_CALL]);
    }
}
