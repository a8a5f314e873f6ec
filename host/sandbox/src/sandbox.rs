use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use witgate_egress::{Egress, EgressConfig};

use crate::compiler::{self, Compiler, Workshop};
use crate::component::{self, Compiled, Component};
use crate::engine::{self, Weight};
use crate::error::{LoadError, SandboxError};
use crate::grant::files;
use crate::place::Room;
use crate::recycle::Bases;
use crate::ticker::Ticker;
use crate::ticket::Tickets;

/// What the whole sandbox may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxConfig {
    /// Instances that live at once, of all plugins together; a call that needs one more waits for it within its wall
    /// time. Each reserves 17 GiB of address space, and memory only as it is used. Some 65 GiB are reserved besides, for
    /// those that others are compared with.
    pub instances: u32,
    /// How plugins that were granted the network reach it.
    pub egress: EgressConfig,
    /// Where components are compiled.
    pub compiler: Compiler,
}

impl Default for SandboxConfig {
    /// 1,000 instances, wasmtime's own default: a machine runs as many at once as it has processors, the others wait
    /// for the host. Components are compiled in the process, since a library does not know its program.
    fn default() -> Self {
        Self { instances: 1_000, compiler: Compiler::InProcess, egress: EgressConfig::default() }
    }
}

/// The engines, the clock that stops guests, and what was compiled. One for a process; everything else borrows it.
pub struct Sandbox {
    light: Engine,
    heavy: Engine,
    pub(crate) ticker: Ticker,
    pub(crate) egress: Arc<Egress>,
    pub(crate) room: Arc<Room>,
    /// How many instances may wait to be recycled.
    pub(crate) tickets: Tickets,
    /// Instances that others are compared with.
    pub(crate) bases: Arc<Bases>,
    /// What plugins wrote to the folders that they were granted.
    pub(crate) folders: Arc<files::Store>,
    /// By digest, so that a reload compiles only what changed. Weak: what no generation uses any more is freed.
    compiled: Mutex<HashMap<Arc<str>, Weak<Compiled>>>,
    /// What is being compiled now, by digest, so that whoever wants the same waits for it.
    under_way: Mutex<HashMap<Arc<str>, Weak<tokio::sync::Mutex<()>>>>,
    /// Compiles in children; `None` compiles here.
    workshop: Option<Workshop>,
}

impl Sandbox {
    /// Starts the engines and the clock's thread.
    pub fn new(config: SandboxConfig) -> Result<Arc<Self>, SandboxError> {
        let light = engine::light(config.instances)?;
        let heavy = engine::heavy(config.instances)?;
        let room = Arc::new(Room::new(config.instances));
        // The other half is for whoever comes.
        let tickets = Tickets::new((config.instances / 2) as usize);
        let kept = room.clone();
        let ticker = Ticker::start(vec![light.clone(), heavy.clone()], move |before| kept.rest(before))?;
        let egress = Egress::new(config.egress)?;
        let workshop = match config.compiler {
            Compiler::InProcess => None,
            Compiler::Child(compiler) => Some(Workshop::new(compiler)),
        };
        let (bases, folders, compiled, under_way) = Default::default();
        Ok(Arc::new(Self {
            light,
            heavy,
            ticker,
            egress,
            room,
            tickets,
            bases,
            folders,
            compiled,
            under_way,
            workshop,
        }))
    }

    /// Compiles a file of at most `limit_bytes`, or finds that it was compiled. `name` is for the error. When this is
    /// dropped, a child that compiles for it is killed.
    pub async fn compile(
        self: &Arc<Self>,
        name: &str,
        bytes: bytes::Bytes,
        limit_bytes: usize,
    ) -> Result<Component, LoadError> {
        let plugin: Arc<str> = name.into();
        component::accept(&plugin, &bytes, limit_bytes)?;
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let digest: Arc<str> = component::hex(&sha256).into();
        let turn = self.turn(&digest);
        let _turn = turn.lock().await;
        if let Some(inner) = self.find(&digest) {
            return Ok(Component { inner });
        }
        let weight = Weight::of(&bytes);
        let (engine, size_bytes) = (self.engine(weight), bytes.len());
        let made = match &self.workshop {
            Some(workshop) => workshop.code(&plugin, engine, weight, &bytes, sha256).await?,
            None => compiler::here(&plugin, engine.clone(), weight, bytes).await?,
        };
        let inner = Arc::new(Compiled::new(&plugin, engine, weight, digest, size_bytes, made)?);
        self.keep(&inner);
        Ok(Component { inner })
    }

    /// Whether no plugin was asked for half a second, so that the sandbox's own thread sleeps.
    pub fn is_idle(&self) -> bool {
        self.ticker.is_asleep()
    }

    fn find(&self, digest: &Arc<str>) -> Option<Arc<Compiled>> {
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(digest)?.upgrade()
    }

    /// One at a time for each digest.
    fn turn(&self, digest: &Arc<str>) -> Arc<tokio::sync::Mutex<()>> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|_, turn| turn.strong_count() > 0);
        let there = under_way.get(digest).and_then(Weak::upgrade);
        there.unwrap_or_else(|| {
            let turn = Arc::default();
            under_way.insert(digest.clone(), Arc::downgrade(&turn));
            turn
        })
    }

    fn keep(&self, inner: &Arc<Compiled>) {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.retain(|_, there| there.strong_count() > 0);
        compiled.insert(inner.digest.clone(), Arc::downgrade(inner));
    }

    pub(crate) fn engine(&self, weight: Weight) -> &Engine {
        match weight {
            Weight::Light => &self.light,
            Weight::Heavy => &self.heavy,
        }
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("room", &self.room).finish_non_exhaustive()
    }
}
