use std::sync::Arc;

use witgate_policy::{Grants, Stage};

use crate::component::Component;
use crate::error::LoadError;
use crate::grant::{self, Need};
use crate::sandbox::Sandbox;

/// What a component says of itself (`witgate plugin inspect`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// SHA-256 of the file in lower-case hex.
    pub digest: Arc<str>,
    /// The length of the file.
    pub size_bytes: usize,
    /// The kinds whose interface it exports.
    pub kinds: Vec<Stage>,
    /// Everything it exports.
    pub exports: Vec<String>,
    /// Everything it imports.
    pub imports: Vec<String>,
    /// The keys under `[plugin.grants]` that it needs and does not have by default, each once.
    pub grants: Vec<&'static str>,
    /// The imports that no grant can allow for its kinds.
    pub forbidden: Vec<String>,
    /// The imports that the gate does not know.
    pub unknown: Vec<String>,
}

impl Sandbox {
    /// Compiles a file of at most `limit_bytes` and says what is in it. Runs nothing of it.
    pub async fn inspect(
        self: &Arc<Self>,
        name: &str,
        bytes: bytes::Bytes,
        limit_bytes: usize,
    ) -> Result<Inspection, LoadError> {
        Ok(Inspection::of(&self.compile(name, bytes, limit_bytes).await?))
    }
}

impl Inspection {
    /// What a compiled component says of itself.
    pub fn of(component: &Component) -> Self {
        let inner = &component.inner;
        let mut inspection = Self {
            digest: inner.digest.clone(),
            size_bytes: inner.size_bytes,
            kinds: inner.kinds.clone(),
            exports: inner.exports.clone(),
            imports: inner.imports.clone(),
            grants: Vec::new(),
            forbidden: Vec::new(),
            unknown: Vec::new(),
        };
        for import in &inner.imports {
            inspection.sort(import);
        }
        inspection.grants.sort_unstable();
        inspection.grants.dedup();
        inspection
    }

    /// Puts an import where its need belongs; with several kinds, the strictest decides.
    fn sort(&mut self, import: &str) {
        let needs: Vec<Need> = self.kinds.iter().map(|kind| grant::need(import, *kind)).collect();
        if needs.iter().any(|need| matches!(need, Need::Forbidden)) {
            self.forbidden.push(import.to_owned());
            return;
        }
        match needs.into_iter().next() {
            Some(Need::Capability(capability)) if !capability.allows(&Grants::default()) => {
                self.grants.push(capability.word());
            }
            Some(Need::Unknown) => self.unknown.push(import.to_owned()),
            _ => {}
        }
    }
}
