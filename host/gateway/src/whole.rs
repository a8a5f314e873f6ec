//! A body in the making. One that comes in one piece, as nearly all do, is not copied.

use bytes::{Bytes, BytesMut};

/// What was read of a body so far.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    first: Bytes,
    /// With the first, once there is a second.
    all: BytesMut,
}

impl Whole {
    pub(crate) fn len(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    /// Adds what comes next.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if self.first.is_empty() {
            self.first = chunk;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&chunk);
    }

    /// All of it.
    pub(crate) fn take(&mut self) -> Bytes {
        let first = std::mem::take(&mut self.first);
        if self.all.is_empty() { first } else { std::mem::take(&mut self.all).freeze() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pieces_are_there_and_one_alone_is_itself() {
        let mut whole = Whole::default();
        assert_eq!(whole.take(), "");
        let one = Bytes::from_static(b"one");
        whole.push(one.clone());
        assert_eq!(whole.take().as_ptr(), one.as_ptr());
        for (piece, len) in [("", 0), ("a", 1), ("", 1), ("bc", 3), ("d", 4)] {
            whole.push(Bytes::from_static(piece.as_bytes()));
            assert_eq!(whole.len(), len);
        }
        assert_eq!(whole.take(), "abcd");
        assert_eq!(whole.len(), 0);
    }
}
