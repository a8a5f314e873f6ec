//! What the verbs that serve share: a gate with its reloads, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use witgate_egress::EgressConfig;
use witgate_gateway::gate::Gate;
use witgate_sandbox::{Sandbox, SandboxConfig};

use super::compiler;
use super::output::Failure;
use crate::confine::Confinement;
use crate::control::{self, Control};
use crate::generation::{self, Builder, Stores};
use crate::reload::{self, Nudge, Reloader, Watcher};
use crate::telemetry;
use witgate_config::{self as config, Config, Origin};

/// Nudges that wait: one is being served, one waits, more say nothing new.
const NUDGES: usize = 1;

/// How long earlier generations may take to end once no front serves any more.
const PATIENCE: Duration = Duration::from_secs(10);

/// A gate, and the task that brings it from generation to generation.
pub(super) struct Service {
    pub(super) gate: Arc<Gate>,
    stop: oneshot::Sender<()>,
    reloading: JoinHandle<Reloader>,
    /// Tells how the plugins do; not every gate can.
    _control: Option<Control>,
}

/// What the process starts with.
pub(super) struct Start {
    pub(super) origin: Origin,
    pub(super) config: Config,
    pub(super) watch: bool,
    pub(super) confinement: Arc<Confinement>,
}

impl Service {
    /// Builds the first generation. Nothing listens yet.
    pub(super) async fn start(
        start: Start,
        recorder: Arc<dyn witgate_gateway::record::Recorder>,
    ) -> Result<Self, Failure> {
        let Start { origin, config, watch, confinement } = start;
        let sandbox = sandbox(SandboxConfig::default().instances, &config.compiler, &config.egress)?;
        let builder = Builder::new(sandbox, stores()?).confined(confinement);
        let built = builder.build(&config, None).await?;
        let gate = Arc::new(Gate::new(built.generation, recorder));
        reload::warn(&built.warnings);
        let mut reloader = Reloader::new(origin.clone(), builder, gate.clone(), config, built.roster, built.retired);
        let control = Control::start(&origin, reloader.roster());
        let control = control.map_err(|cause| tracing::warn!("{cause}")).ok();
        let (nudges, inbox) = mpsc::channel(NUDGES);
        let files = reloader.files();
        let watcher = (watch && !files.is_empty())
            .then(|| Watcher::start(&files, nudges.clone()))
            .and_then(|watcher| watcher.map_err(|cause| tracing::warn!(%cause, "files are not watched")).ok());
        hang_up(nudges)?;
        let (stop, stopped) = oneshot::channel();
        let reloading = tokio::spawn(async move {
            // A sender that is gone says the same.
            reloader.run(inbox, watcher, async { drop(stopped.await) }).await;
            reloader
        });
        Ok(Self { gate, stop, reloading, _control: control })
    }

    /// Closes every upstream: children are reaped when this returns.
    pub(super) async fn stop(self) {
        drop(self.stop);
        if let Ok(mut reloader) = self.reloading.await
            && tokio::time::timeout(PATIENCE, reloader.settle()).await.is_err()
        {
            tracing::warn!("an earlier generation did not end in time");
        }
        let generation = self.gate.generation();
        futures_util::future::join_all(generation::upstreams(&generation).map(|upstream| upstream.close())).await;
    }
}

/// SIGHUP reloads.
#[cfg(unix)]
fn hang_up(nudges: mpsc::Sender<Nudge>) -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hang_up = signal(SignalKind::hangup()).map_err(|cause| Failure::runtime("no SIGHUP", cause))?;
    tokio::spawn(async move {
        while hang_up.recv().await.is_some() {
            if nudges.send(Nudge::Asked).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}

#[cfg(not(unix))]
fn hang_up(_: mpsc::Sender<Nudge>) -> Result<(), Failure> {
    Ok(())
}

/// Signals that end the program.
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// From here on they do not end the program by themselves.
    pub(super) fn catch() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let catch = |kind| signal(kind).map_err(|cause| Failure::runtime("signals cannot be caught", cause));
        Ok(Self { terminate: catch(SignalKind::terminate())?, interrupt: catch(SignalKind::interrupt())? })
    }

    /// The next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    /// From here on they do not end the program by themselves.
    pub(super) fn catch() -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// The next one.
    pub(super) async fn next(&mut self) {
        // Without a console there is nothing to wait for.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Gives up what is not needed of the file system. It is for the main thread, before it starts any other.
pub(super) fn confine(config: &Config) -> Result<Arc<Confinement>, Failure> {
    let own: Vec<_> = compiler::cache(&config.compiler).into_iter().chain([control::folder()]).collect();
    let done = Confinement::start(config, &own);
    done.map(Arc::new).map_err(|cause| Failure::runtime("no threads to stay outside of the confinement", cause))
}

/// One runtime for a verb.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|cause| Failure::runtime("no asynchronous runtime", cause))
}

/// What outlives generations.
pub(super) fn stores() -> Result<Stores, Failure> {
    Stores::in_memory().map_err(|cause| Failure::runtime("no key to seal with", cause))
}

/// A sandbox for a few self tests.
pub(super) fn small_sandbox(compiler: &config::Compiler, egress: &config::Egress) -> Result<Arc<Sandbox>, Failure> {
    const INSTANCES: u32 = 32;
    sandbox(INSTANCES, compiler, egress)
}

fn sandbox(instances: u32, compiler: &config::Compiler, egress: &config::Egress) -> Result<Arc<Sandbox>, Failure> {
    let roots_pem = egress.roots.as_ref().map(|roots| roots.pem.clone().into_bytes()).unwrap_or_default();
    let egress = EgressConfig { dns: egress.dns.clone(), roots_pem };
    Sandbox::new(SandboxConfig { instances, compiler: compiler::compiler(compiler)?, egress })
        .map_err(|cause| Failure::runtime("the sandbox cannot start", cause))
}

/// The log of a verb that serves.
pub(super) fn telemetry(
    config: &Config,
) -> Result<(Arc<dyn witgate_gateway::record::Recorder>, telemetry::Guard), Failure> {
    telemetry::start(&config.log).map_err(|cause| Failure::runtime("the log cannot begin", cause))
}
