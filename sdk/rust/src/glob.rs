//! Patterns for methods, tools and upstreams.

use serde::Deserialize;

/// A pattern of names: `*` stands for any characters, none too; all else for itself. So `delete_*`, `*`, `files/*`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Glob(String);

impl Glob {
    /// From the pattern's text; every text is a pattern.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether the whole of `name` fits. Linear in both lengths' product at worst, however many stars there are.
    pub fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut p, mut n) = (0, 0);
        // Where to go on when the last star has to take one more byte.
        let mut star = None;
        while n < name.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p, n));
                    p += 1;
                }
                Some(byte) if *byte == name[n] => {
                    p += 1;
                    n += 1;
                }
                _ => match star {
                    Some((at, taken)) => {
                        star = Some((at, taken + 1));
                        p = at + 1;
                        n = taken + 1;
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|byte| *byte == b'*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, name: &str, expected: bool) {
        assert_eq!(Glob::new(pattern).matches(name), expected, "{pattern} against {name}");
    }

    #[test]
    fn stars_stand_for_anything() {
        check("", "", true);
        check("", "a", false);
        check("*", "", true);
        check("*", "tools/call", true);
        check("tools/*", "tools/call", true);
        check("tools/*", "tool", false);
        check("*_leave", "apply_leave", true);
        check("*_leave", "apply_leave_now", false);
        check("a*b*c", "a-b-b-c", true);
        check("a*b*c", "a-c-b", false);
        check("delete", "delete_all", false);
        check("grün*", "grünes", true);
    }

    #[test]
    fn many_stars_end_soon() {
        check(&"*a".repeat(200), &"a".repeat(4_000), true);
        check(&format!("{}b", "*a".repeat(200)), &"a".repeat(4_000), false);
    }
}
