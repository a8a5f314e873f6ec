//! A component, compiled, with what it exports and imports as it itself says.

use std::sync::{Arc, OnceLock};

use wasmtime::Engine;
use wasmtime::component::Component as Code;
use wasmtime::component::types::ComponentItem;
use witgate_policy::Stage;

use crate::compiler::Made;
use crate::engine::Weight;
use crate::error::LoadError;
use crate::kind;
use crate::limits;
use crate::recycle::{self, Base, Images};

/// A compiled component. Cheap to clone, and free of whoever uses it: the same file is compiled once, whatever plugins
/// and tenants are made of it.
#[derive(Clone)]
pub struct Component {
    pub(crate) inner: Arc<Compiled>,
}

pub(crate) struct Compiled {
    pub(crate) digest: Arc<str>,
    pub(crate) size_bytes: usize,
    pub(crate) weight: Weight,
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
    pub(crate) kinds: Vec<Stage>,
    pub(crate) code: Code,
    /// Whether whoever compiled it gave it what it takes to recycle its instances.
    pub(crate) recyclable: bool,
    /// What its instances' memory holds before they are configured, once one was made: for recycling them.
    pub(crate) base: OnceLock<Option<Arc<Base>>>,
    /// What it holds when they are, for plugins with other settings each.
    pub(crate) images: Images,
}

impl Component {
    /// SHA-256 of the file in lower-case hex.
    pub fn digest(&self) -> &Arc<str> {
        &self.inner.digest
    }

    /// Whether both are the same compiled code in memory.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// The kinds whose interface it exports; at least one.
    pub fn kinds(&self) -> &[Stage] {
        &self.inner.kinds
    }

    /// Everything it imports, as `package/interface@version`, but for what only lends types to the rest.
    pub fn imports(&self) -> &[String] {
        &self.inner.imports
    }

    /// `memory-bytes`, `guest-time-ms` and `table-elements` as they are when an operator sets none.
    pub fn usual_limits(&self) -> (u64, u32, u32) {
        limits::usual(self.inner.weight)
    }

    /// The length of the file.
    pub fn size_bytes(&self) -> usize {
        self.inner.size_bytes
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component").field("digest", &self.inner.digest).finish_non_exhaustive()
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Looks at the first eight bytes, before anything is parsed: a component, and not too long.
pub(crate) fn accept(plugin: &Arc<str>, bytes: &[u8], limit_bytes: usize) -> Result<(), LoadError> {
    let plugin = plugin.clone();
    if bytes.len() > limit_bytes {
        return Err(LoadError::TooLarge { plugin, size_bytes: bytes.len(), limit_bytes });
    }
    // Magic, version, layer: a module is version 1 of layer 0, a component any version of layer 1.
    match bytes {
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => Err(LoadError::CoreModule { plugin }),
        [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => Ok(()),
        _ => Err(LoadError::NotWasm { plugin }),
    }
}

/// Whether an import is of anything that can be used. Of an interface that only lends its types to others, as the clocks
/// lend `datetime` to `wasi:filesystem`, nothing is linked and nothing need be granted.
fn gives(engine: &Engine, item: &ComponentItem) -> bool {
    match item {
        ComponentItem::Type(_) => false,
        ComponentItem::ComponentInstance(instance) => instance.exports(engine).any(|(_, item)| gives(engine, &item.ty)),
        _ => true,
    }
}

impl Compiled {
    /// Reads what the code says of its component. `digest` is the file's, in hex.
    pub(crate) fn new(
        plugin: &Arc<str>,
        engine: &Engine,
        weight: Weight,
        digest: Arc<str>,
        size_bytes: usize,
        made: Made,
    ) -> Result<Self, LoadError> {
        let Made { code, recyclable } = made;
        let ty = code.component_type();
        let imports =
            ty.imports(engine).filter(|(_, item)| gives(engine, &item.ty)).map(|(name, _)| name.to_owned()).collect();
        let tool = |name: &str| recyclable && name == recycle::READY;
        let exports: Vec<String> =
            ty.exports(engine).map(|(name, _)| name.to_owned()).filter(|name| !tool(name)).collect();
        // It was refused before it was compiled, unless the compiler reads names where the judge saw none.
        let mut names = exports.iter().map(String::as_str).chain(ty.imports(engine).map(|(name, _)| name));
        let named = names.try_for_each(recycle::may_be_named);
        named.map_err(|cause| LoadError::Compile { plugin: plugin.clone(), cause })?;
        let kinds = kind::of(plugin, &exports)?;
        Ok(Self {
            digest,
            size_bytes,
            weight,
            imports,
            exports,
            kinds,
            code,
            recyclable,
            base: OnceLock::new(),
            images: Images::default(),
        })
    }
}
