//! Rules for the names of folders: what a plugin may call one, and which of the host's lie within which.
//!
//! Nothing here looks at a disk. Folders of the host are compared part by part, as `std::fs::canonicalize` returns
//! them: absolute, without `..`, and without links. What cannot be seen to be of that form (links cannot) gets the answer
//! that grants nothing: it is within no folder, and touches every one.

use std::path::{Component, Path};

/// Longer paths are of no use to a plugin, and some languages have buffers of this size.
const MAX_GUEST_BYTES: usize = 256;

/// Whether a plugin may call a folder so: absolute and in its only spelling, so that two names are two folders. Else
/// why not.
pub fn guest_path(text: &str) -> Result<(), &'static str> {
    let mut segments = text.strip_prefix('/').unwrap_or_default().split('/');
    if !text.starts_with('/') {
        Err("it must begin with `/`")
    } else if text.len() > MAX_GUEST_BYTES {
        Err("it is longer than 256 bytes")
    } else if text.chars().any(char::is_control) {
        Err("it holds a control character")
    } else if text != "/" && segments.any(|segment| matches!(segment, "" | "." | "..")) {
        Err("it may have no empty, `.` or `..` part, and no `/` at its end")
    } else {
        Ok(())
    }
}

/// Whether `inner` is `outer` or lies below it.
pub fn within(inner: &Path, outer: &Path) -> bool {
    is_plain(inner) && is_plain(outer) && inner.starts_with(outer)
}

/// Whether one of the two is within the other, so that what is done in one may be seen in the other.
pub fn touch(one: &Path, other: &Path) -> bool {
    !is_plain(one) || !is_plain(other) || one.starts_with(other) || other.starts_with(one)
}

fn is_plain(path: &Path) -> bool {
    path.is_absolute() && !path.components().any(|part| part == Component::ParentDir)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_guest_path_is_absolute_and_plain() {
        #[track_caller]
        fn check(text: &str, good: bool) {
            assert_eq!(guest_path(text).is_ok(), good, "{text:?}");
        }
        for good in ["/", "/data", "/data/deep.er", "/...", "/.hidden", "/a b", "/\u{e9}"] {
            check(good, true);
        }
        for bad in ["", "data", "./data", "/data/", "//", "//data", "/a//b", "/.", "/..", "/../data", "/a/./b", "/a/.."]
        {
            check(bad, false);
        }
        for bad in ["/a\0b", "/a\nb", "/a\u{7f}", "/a\u{85}b"] {
            check(bad, false);
        }
        check(&format!("/{}", "a".repeat(255)), true);
        check(&format!("/{}", "a".repeat(256)), false);
    }

    #[test]
    fn folders_are_compared_part_by_part() {
        #[track_caller]
        fn check(inner: &str, outer: &str, is_within: bool, do_touch: bool) {
            let (inner, outer) = (Path::new(inner), Path::new(outer));
            assert_eq!(within(inner, outer), is_within, "{inner:?} within {outer:?}");
            assert_eq!(touch(inner, outer), do_touch, "{inner:?} touches {outer:?}");
            assert_eq!(touch(outer, inner), do_touch, "{outer:?} touches {inner:?}");
        }
        check("/a", "/a", true, true);
        check("/a/b", "/a", true, true);
        check("/a", "/a/b", false, true);
        check("/a", "/", true, true);
        check("/", "/", true, true);
        check("/ab", "/a", false, false);
        check("/a", "/ab", false, false);
        check("/a/bc", "/a/b", false, false);
        check("/b/a", "/a", false, false);
        check("/A", "/a", false, false);
        check("/a./b", "/a", false, false);
        check("/...", "/..a", false, false);
    }

    #[test]
    fn what_is_not_canonical_gets_the_answer_that_grants_nothing() {
        #[track_caller]
        fn check(odd: &str) {
            for other in [odd, "/", "/a", "/b/c"].map(Path::new) {
                assert!(!within(Path::new(odd), other) && !within(other, Path::new(odd)), "{odd:?} {other:?}");
                assert!(touch(Path::new(odd), other) && touch(other, Path::new(odd)), "{odd:?} {other:?}");
            }
        }
        for odd in ["", ".", "a", "a/b", "..", "/..", "/a/..", "/a/../b", "/a/b/../../c"] {
            check(odd);
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_need_not_be_text() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let path = |bytes| Path::new(OsStr::from_bytes(bytes));
        assert!(within(path(b"/\xff/a"), path(b"/\xff")));
        assert!(!touch(path(b"/\xff"), path(b"/\xfe")));
    }

    proptest! {
        #[test]
        fn what_lies_below_is_within_and_a_longer_name_beside_is_not(
            parts in prop::collection::vec("[a-c.]{3}", 1..5),
            more in "[a-c]{1,3}",
        ) {
            let outer = format!("/{}", parts.join("/"));
            let (below, beside) = (format!("{outer}/{more}"), format!("{outer}{more}"));
            let [outer, below, beside] = [&outer, &below, &beside].map(Path::new);
            prop_assert!(within(below, outer) && !within(outer, below) && touch(outer, below));
            prop_assert!(!within(beside, outer) && !touch(outer, beside) && !touch(below, beside));
        }
    }
}
