//! How a component becomes code: in a child process that can be stopped, and once for each component.
//!
//! A small valid component can keep a compiler busy for a minute and take gigabytes. So the gate does not compile: it
//! starts its own program again, which gives up everything but three pipes ([`confine`]), compiles what it reads
//! ([`worker`]) and answers ([`frame`]). The gate waits for it no longer than it may ([`child`]), and keeps the answer
//! in a file that only this host can have sealed ([`cache`]).
//!
//! Invariants:
//! - the child has its limits before it reads a byte of the component;
//! - it ends when its caller does not want its answer any more, or is gone;
//! - nothing is loaded that did not come from such a child, now or, under a seal that verifies, before ([`artifact`]);
//! - a cache that cannot be used costs time and nothing else;
//! - two children compile at once, and one of them at most for a heavy component, so that no light one waits for it.
//!
//! What it does not defend against: a component that makes the compiler itself write wrong code. The child's answer is
//! believed, as that of a compiler in the gate's own process would be.

mod artifact;
mod budget;
#[cfg_attr(not(unix), path = "no_cache.rs")]
mod cache;
mod child;
#[cfg(unix)]
mod confine;
mod fault;
mod frame;
mod job;
mod name;
#[cfg(unix)]
mod seal;
#[cfg(target_os = "linux")]
mod syscalls;
mod worker;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Once};
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::Component as Code;

use crate::engine::Weight;
use crate::error::LoadError;
use crate::recycle;

use artifact::Artifact;
use budget::Budget;
use cache::Cache;
use frame::Confinement;
use name::Name;

pub use fault::CompilerFault;
pub use job::{BadJob, Job};
pub use worker::work;

/// Where components are compiled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Compiler {
    /// In this process, without limits: for components that one has built oneself.
    #[default]
    InProcess,
    /// In a child process for each.
    Child(ChildCompiler),
}

/// A program that calls [`work`] with the [`Job`] in its last argument, and what each run of it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildCompiler {
    /// The program; the gate's own.
    pub program: PathBuf,
    /// Its arguments before the last.
    pub arguments: Vec<OsString>,
    /// The folder in which artifacts are kept.
    pub cache: Option<PathBuf>,
    /// Memory; `None` for what is enough for components of that size, here and below.
    pub memory_bytes: Option<u64>,
    /// Processor time of all its threads, in whole seconds.
    pub cpu_time: Option<Duration>,
    /// Time by the clock on the wall.
    pub wall_time: Option<Duration>,
}

/// What became of a component.
pub(crate) struct Made {
    pub(crate) code: Code,
    /// Whether whoever compiled it gave it what it takes to recycle its instances.
    pub(crate) recyclable: bool,
}

/// Children at once: one for a heavy component and one more.
const CHILDREN: usize = 2;
const HEAVY_CHILDREN: usize = 1;

/// Compiles in children, and keeps what they make.
pub(crate) struct Workshop {
    compiler: ChildCompiler,
    cache: Option<Arc<Cache>>,
    children: Semaphore,
    heavy_children: Semaphore,
    told: Once,
}

impl Workshop {
    pub(crate) fn new(compiler: ChildCompiler) -> Self {
        let cache = compiler.cache.as_deref().and_then(|folder| {
            let opened = Cache::open(folder);
            opened
                .map_err(|cause| {
                    let folder = folder.display();
                    tracing::warn!(%folder, %cause, "compiled plugins are not kept: each start compiles them again");
                })
                .ok()
        });
        Self {
            compiler,
            cache: cache.map(Arc::new),
            children: Semaphore::new(CHILDREN),
            heavy_children: Semaphore::new(HEAVY_CHILDREN),
            told: Once::new(),
        }
    }

    /// The code of a component, from the cache or from a child. `digest` is the component's SHA-256.
    pub(crate) async fn code(
        &self,
        plugin: &Arc<str>,
        engine: &Engine,
        weight: Weight,
        component: &[u8],
        digest: [u8; 32],
    ) -> Result<Made, LoadError> {
        let name = Name::new(digest, weight, engine);
        if let Some(made) = self.kept(engine, &name).await {
            return Ok(made);
        }
        let failed = |cause| LoadError::Compiler { plugin: plugin.clone(), cause };
        let budget = Budget::of(weight, &self.compiler);
        let answer = {
            // Closed never; were it, there would be no child to wait for.
            let _heavy = if weight == Weight::Heavy { self.heavy_children.acquire().await.ok() } else { None };
            let _child = self.children.acquire().await.ok();
            child::compile(&self.compiler, &budget, weight, component).await.map_err(failed)?
        };
        self.tell(answer.confinement);
        let artifact = match answer.outcome {
            Ok(artifact) => Arc::new(artifact),
            Err(cause) => return Err(LoadError::Compile { plugin: plugin.clone(), cause }),
        };
        let loaded = off_path({
            let (artifact, engine) = (artifact.clone(), engine.clone());
            move || artifact.load(&engine)
        });
        let made = match loaded.await {
            Ok(Ok(made)) => made,
            Ok(Err(said)) | Err(said) => return Err(failed(CompilerFault::Foreign { said })),
        };
        self.keep(name, artifact).await;
        Ok(made)
    }

    async fn kept(&self, engine: &Engine, name: &Name) -> Option<Made> {
        let (cache, engine, name) = (self.cache.clone()?, engine.clone(), name.clone());
        let read = move || {
            let artifact = cache.read(&name)?;
            let loaded = artifact.load(&engine);
            loaded.map_err(|said| tracing::warn!(%said, "a compiled plugin that was kept is not loaded")).ok()
        };
        off_path(read).await.ok()?
    }

    async fn keep(&self, name: Name, artifact: Arc<Artifact>) {
        let Some(cache) = self.cache.clone() else { return };
        let write = move || {
            if let Err(cause) = cache.write(&name, &artifact) {
                tracing::warn!(%cause, "a compiled plugin is not kept: the next start compiles it again");
            }
        };
        // A load does not fail because its fruit was not kept.
        let _ = off_path(write).await;
    }

    /// What the kernel does not do for the children, once.
    fn tell(&self, confinement: Confinement) {
        self.told.call_once(|| {
            let lacking = confinement.lacking();
            if lacking.is_empty() {
                tracing::debug!("compilers are confined by limits, Landlock and seccomp");
            } else {
                let lacking = lacking.join(" and ");
                tracing::info!("compilers run within their limits, but this system has no {lacking} to confine them");
            }
        });
    }
}

/// Compiles in this process, on a thread that may take long.
pub(crate) async fn here(
    plugin: &Arc<str>,
    engine: Engine,
    weight: Weight,
    component: bytes::Bytes,
) -> Result<Made, LoadError> {
    let compiled = off_path(move || {
        let prepared = recycle::prepare(weight, &component)?;
        let code = Code::from_binary(&engine, &prepared.component).map_err(|cause| format!("{cause:#}"))?;
        Ok(Made { code, recyclable: prepared.recyclable })
    });
    let cause = match compiled.await {
        Ok(Ok(made)) => return Ok(made),
        Ok(Err(cause)) => cause,
        Err(cause) => format!("the compiler failed: {cause}"),
    };
    Err(LoadError::Compile { plugin: plugin.clone(), cause })
}

/// Files and large copies, on a thread that may wait.
async fn off_path<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|cause| cause.to_string())
}

impl std::fmt::Debug for Workshop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workshop").field("compiler", &self.compiler).finish_non_exhaustive()
    }
}
