//! Text that a client carries for the gate and cannot read, change, or use in another's name: request states, cursors,
//! task ids.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload as Sealing};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

/// Bytes of a nonce: long enough to be drawn at random for every text.
const NONCE_BYTES: usize = 24;

/// One key (XChaCha20-Poly1305). Gates that share it open each other's texts.
pub struct Seal {
    cipher: XChaCha20Poly1305,
    /// For nonces that are made of what they seal.
    names: [u8; 32],
}

/// The operating system gives no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}")]
pub struct NoChance(getrandom::Error);

impl From<getrandom::Error> for NoChance {
    fn from(cause: getrandom::Error) -> Self {
        Self(cause)
    }
}

impl Seal {
    /// A key of its own, for as long as the process lives.
    pub fn random() -> Result<Self, NoChance> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self::of_key(key))
    }

    /// This key.
    pub fn of_key(key: [u8; 32]) -> Self {
        let names = Sha256::new().chain_update(key).chain_update("names").finalize().into();
        Self { cipher: XChaCha20Poly1305::new(Key::from_slice(&key)), names }
    }

    /// Seals a text. It opens only with the same `context`: what it is for and whose it is.
    pub fn close(&self, context: &str, text: &str) -> Result<String, NoChance> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)?;
        Ok(self.close_with(&nonce, context, text))
    }

    /// Seals a name: the same text in the same context is always the same name, so that a client can compare two. The
    /// nonce is 192 bits of a keyed digest of both, so two that differ do not share one.
    pub fn name(&self, context: &str, text: &str) -> String {
        let length = u64::try_from(context.len()).unwrap_or(u64::MAX).to_be_bytes();
        let inner =
            Sha256::new().chain_update(self.names).chain_update(length).chain_update(context).chain_update(text);
        let outer = Sha256::new().chain_update(self.names).chain_update(inner.finalize()).finalize();
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&outer[..NONCE_BYTES]);
        self.close_with(&nonce, context, text)
    }

    fn close_with(&self, nonce: &[u8; NONCE_BYTES], context: &str, text: &str) -> String {
        let sealing = Sealing { msg: text.as_bytes(), aad: context.as_bytes() };
        // Fails only beyond 256 GiB.
        let sealed = self.cipher.encrypt(XNonce::from_slice(nonce), sealing).unwrap_or_default();
        URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// Opens what [`close`](Self::close) or [`name`](Self::name) made; `None` for anything else.
    pub fn open(&self, context: &str, sealed: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES)?;
        let opened = self.cipher.decrypt(XNonce::from_slice(nonce), Sealing { msg: sealed, aad: context.as_bytes() });
        String::from_utf8(opened.ok()?).ok()
    }
}

impl std::fmt::Debug for Seal {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_context_only() {
        let seal = Seal::random().expect("random bytes");
        let sealed = seal.close("a", "text").expect("random bytes");
        assert_eq!(seal.open("a", &sealed).as_deref(), Some("text"));
        assert_ne!(seal.close("a", "text").expect("random bytes"), sealed, "no two are alike");
        assert_eq!(seal.open("b", &sealed), None);
        assert_eq!(Seal::random().expect("random bytes").open("a", &sealed), None);
        for at in 0..sealed.len() {
            let mut other = sealed.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(seal.open("a", &String::from_utf8(other).expect("ASCII")), None, "{at}");
        }
        assert_eq!(seal.open("a", ""), None);
    }

    #[test]
    fn a_name_is_always_the_same_and_opens_in_its_context_only() {
        let seal = Seal::of_key([7; 32]);
        let name = seal.name("a", "text");
        assert_eq!(name, Seal::of_key([7; 32]).name("a", "text"));
        assert_eq!(seal.open("a", &name).as_deref(), Some("text"));
        assert_eq!(seal.open("b", &name), None);
        let others = [seal.name("a", "texu"), seal.name("b", "text"), seal.name("at", "ext"), seal.name("", "atext")];
        for other in others {
            assert_ne!(other[..32], name[..32], "no two share a nonce");
        }
        assert_ne!(Seal::of_key([8; 32]).name("a", "text"), name);
    }
}
