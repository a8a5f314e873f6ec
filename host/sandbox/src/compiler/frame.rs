//! What a child is sent and what it answers: lengths before bytes, so that each side knows what is whole.
//!
//! The component: its length (u64, little endian), its bytes. Standard input then stays open: its end tells the child
//! that nobody waits any more. The answer: [`MAGIC`], one byte of [`Confinement`], one of outcome, the length of what
//! follows (u64), and that: an artifact, or a text. Whether an artifact can be recycled is part of the outcome.

use std::io::{self, Read, Write};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Begins an answer. The number changes with the form.
const MAGIC: [u8; 8] = *b"witgate2";
const HEAD_BYTES: usize = 18;
/// How long the compiler's words may be. wasmtime's own are some hundred bytes.
pub(super) const SAID_BYTES: usize = 2 << 10;

const ARTIFACT: u8 = 0;
const REFUSED: u8 = 1;
const NO_MEMORY: u8 = 2;
const RECYCLABLE: u8 = 3;

/// What the kernel does to hold a child, beside its limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Confinement {
    pub(super) landlock: bool,
    pub(super) seccomp: bool,
}

impl Confinement {
    /// By name.
    pub(super) fn lacking(self) -> Vec<&'static str> {
        let parts = [("Landlock", self.landlock), ("seccomp", self.seccomp)];
        parts.into_iter().filter(|(_, there)| !there).map(|(name, _)| name).collect()
    }

    fn byte(self) -> u8 {
        u8::from(self.landlock) | u8::from(self.seccomp) << 1
    }

    fn of(byte: u8) -> Self {
        Self { landlock: byte & 1 != 0, seccomp: byte & 2 != 0 }
    }
}

/// How compiling ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The code, and whether it has what it takes to recycle its instances.
    Artifact {
        code: Vec<u8>,
        recyclable: bool,
    },
    /// The component does not validate, or has what the engine does not do.
    Refused(String),
    NoMemory,
}

/// Why an answer cannot be used.
#[derive(Debug)]
pub(super) enum Unheard {
    /// The artifact is too long.
    TooLong,
    /// It ended too early, or is no answer.
    Broken,
}

/// The child's side of the component. `None` when there is no memory for it.
pub(super) fn receive(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    let Ok(length) = usize::try_from(u64::from_le_bytes(length)) else { return Ok(None) };
    let mut component = Vec::new();
    if component.try_reserve_exact(length).is_err() {
        return Ok(None);
    }
    component.resize(length, 0);
    from.read_exact(&mut component)?;
    Ok(Some(component))
}

/// The child's answer.
pub(super) fn answer(to: &mut impl Write, confinement: Confinement, outcome: &Outcome) -> io::Result<()> {
    let (kind, bytes) = match outcome {
        Outcome::Artifact { code, recyclable } => (if *recyclable { RECYCLABLE } else { ARTIFACT }, code.as_slice()),
        Outcome::Refused(said) => (REFUSED, said.as_bytes()),
        Outcome::NoMemory => (NO_MEMORY, [].as_slice()),
    };
    let mut head = [0; HEAD_BYTES];
    head[..8].copy_from_slice(&MAGIC);
    head[8] = confinement.byte();
    head[9] = kind;
    head[10..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    to.write_all(&head)?;
    to.write_all(bytes)?;
    to.flush()
}

/// The gate's side of the component. Standard input stays open as long as it is held.
pub(super) async fn send<W: AsyncWrite + Unpin>(mut to: W, component: &[u8]) -> io::Result<W> {
    to.write_all(&(component.len() as u64).to_le_bytes()).await?;
    to.write_all(component).await?;
    to.flush().await?;
    Ok(to)
}

/// The gate's side of the answer, which is not believed to be short.
pub(super) async fn hear(
    from: &mut (impl AsyncRead + Unpin),
    artifact_bytes: u64,
) -> Result<(Confinement, Outcome), Unheard> {
    let mut head = [0; HEAD_BYTES];
    from.read_exact(&mut head).await.map_err(|_| Unheard::Broken)?;
    let (Some(rest), Some(length)) = (head.strip_prefix(&MAGIC), head.last_chunk()) else {
        return Err(Unheard::Broken);
    };
    let (Some(&[confinement, kind]), length) = (rest.first_chunk(), u64::from_le_bytes(*length)) else {
        return Err(Unheard::Broken);
    };
    let most = if [ARTIFACT, RECYCLABLE].contains(&kind) { artifact_bytes } else { SAID_BYTES as u64 };
    if length > most {
        return Err(Unheard::TooLong);
    }
    let mut bytes = Vec::new();
    let got = from.take(length).read_to_end(&mut bytes).await.map_err(|_| Unheard::Broken)?;
    if got as u64 != length {
        return Err(Unheard::Broken);
    }
    let outcome = match kind {
        ARTIFACT | RECYCLABLE => Outcome::Artifact { code: bytes, recyclable: kind == RECYCLABLE },
        REFUSED => Outcome::Refused(String::from_utf8_lossy(&bytes).into_owned()),
        NO_MEMORY => Outcome::NoMemory,
        _ => return Err(Unheard::Broken),
    };
    Ok((Confinement::of(confinement), outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(outcome: &Outcome) -> Vec<u8> {
        let mut bytes = Vec::new();
        answer(&mut bytes, Confinement { landlock: false, seccomp: true }, outcome).expect("writes");
        bytes
    }

    fn artifact(bytes: usize, recyclable: bool) -> Outcome {
        Outcome::Artifact { code: vec![7; bytes], recyclable }
    }

    #[tokio::test]
    async fn what_a_child_says_is_heard_whole_or_not_at_all() {
        let said = [artifact(100, true), artifact(100, false), Outcome::Refused("no".into()), Outcome::NoMemory];
        for outcome in said {
            let bytes = frame(&outcome);
            let (confinement, heard) = hear(&mut bytes.as_slice(), 100).await.expect("an answer");
            assert_eq!((heard, confinement.lacking()), (outcome, vec!["Landlock"]));
            for cut in 0..bytes.len() {
                let heard = hear(&mut &bytes[..cut], 100).await;
                assert!(matches!(heard, Err(Unheard::Broken)), "{cut}: {heard:?}");
            }
            for at in [0, 7, 9] {
                let mut other = bytes.clone();
                other[at] ^= 0x80;
                assert!(hear(&mut other.as_slice(), 100).await.is_err(), "{at}");
            }
        }
    }

    #[tokio::test]
    async fn a_long_answer_is_not_read() {
        for recyclable in [true, false] {
            let long = frame(&artifact(101, recyclable));
            assert!(matches!(hear(&mut &long[..HEAD_BYTES], 100).await, Err(Unheard::TooLong)));
        }
        let long = frame(&Outcome::Refused("x".repeat(SAID_BYTES + 1)));
        assert!(matches!(hear(&mut &long[..HEAD_BYTES], u64::MAX).await, Err(Unheard::TooLong)));
    }

    #[tokio::test]
    async fn a_component_is_received_as_it_was_sent() {
        let mut sent = Vec::new();
        send(&mut sent, b"component").await.expect("writes");
        assert_eq!(receive(&mut sent.as_slice()).expect("reads"), Some(b"component".to_vec()));
        assert!(receive(&mut &sent[..sent.len() - 1]).is_err());
        // Longer than there is memory: no abort.
        assert_eq!(receive(&mut u64::MAX.to_le_bytes().as_slice()).expect("reads"), None);
    }
}
