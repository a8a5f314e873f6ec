//! From one generation to the next, while messages go on.
//!
//! A changed file or SIGHUP makes a whole new generation beside the old one. A good one is swapped in between messages;
//! the old one is freed, and its servers that are not used any more are closed, once its last message has ended. A bad
//! one changes nothing, and the log says why.

mod fingerprint;
mod watch;

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::sync::watch::{Receiver, Sender};
use tokio::task::JoinSet;
use witgate_gateway::gate::{Gate, Generation};
use witgate_gateway::upstream::Upstream;

use crate::generation::{self, Builder, Built, Retired, Roster};
use witgate_config::diagnostic::{Problems, Style};
use witgate_config::{Config, Origin, PluginSource};

use fingerprint::Fingerprint;

pub use watch::{WatchError, Watcher};

/// Brings a gate from one generation to the next.
pub struct Reloader {
    origin: Origin,
    builder: Builder,
    gate: Arc<Gate>,
    config: Config,
    /// The plugins of the generation that serves.
    roster: Sender<Arc<Roster>>,
    /// Of the generation that serves.
    retired: Option<Retired>,
    /// What the files were when they were last read, well or not.
    seen: Fingerprint,
    /// The generations that have not ended yet.
    ending: JoinSet<()>,
}

/// What became of a reload.
#[derive(Debug)]
pub enum Reloaded {
    /// Nothing had changed.
    Same,
    /// A new generation serves.
    Swapped {
        /// Its number.
        number: u64,
    },
    /// The old one goes on.
    Refused(Problems),
}

impl Reloader {
    /// `gate` serves the generation that was built of `config` together with `roster` and `retired`.
    pub fn new(
        origin: Origin,
        builder: Builder,
        gate: Arc<Gate>,
        config: Config,
        roster: Arc<Roster>,
        retired: Retired,
    ) -> Self {
        let seen = Fingerprint::of(&files(&origin, &config));
        let roster = Sender::new(roster);
        Self { origin, builder, gate, config, roster, retired: Some(retired), seen, ending: JoinSet::new() }
    }

    /// The plugins of the generation that serves, from now on.
    pub fn roster(&self) -> Receiver<Arc<Roster>> {
        self.roster.subscribe()
    }

    /// The files that make up the configuration.
    pub fn files(&self) -> Vec<std::path::PathBuf> {
        files(&self.origin, &self.config)
    }

    /// Serves signals and changed files until `stop` is ready; a reload that has begun is given up then.
    pub async fn run(
        &mut self,
        mut nudges: mpsc::Receiver<Nudge>,
        mut watcher: Option<Watcher>,
        stop: impl Future<Output = ()>,
    ) {
        let mut stop = pin!(stop);
        loop {
            let reload = async {
                let nudge = nudges.recv().await?;
                Some(self.reload(nudge).await)
            };
            let reloaded = tokio::select! {
                () = &mut stop => return,
                reloaded = reload => reloaded,
            };
            let Some(reloaded) = reloaded else { return };
            log(&reloaded);
            if let (Reloaded::Swapped { .. }, Some(watcher)) = (&reloaded, &mut watcher) {
                watcher.follow(&self.files());
            }
            // Those that have ended.
            while self.ending.try_join_next().is_some() {}
        }
    }

    /// Reads the configuration again, and serves it if it is good.
    pub async fn reload(&mut self, nudge: Nudge) -> Reloaded {
        let now = Fingerprint::of(&self.files());
        if nudge == Nudge::Files && now == self.seen {
            return Reloaded::Same;
        }
        self.seen = now;
        let config = match self.builder.configuration(&self.origin).await {
            Ok(config) => config,
            Err(problems) => return Reloaded::Refused(problems),
        };
        let old = self.gate.generation();
        match self.builder.build(&config, Some(&old)).await {
            Err(problems) => Reloaded::Refused(problems),
            Ok(built) => {
                drop(old);
                self.swap(config, built)
            }
        }
    }

    fn swap(&mut self, config: Config, built: Built) -> Reloaded {
        warn_of_what_stays(&self.config, &config);
        warn(&config.warnings);
        warn(&built.warnings);
        let number = built.generation.number;
        let leaving = leaving(&self.gate.generation(), &built.generation);
        // Lets go of the old one: from here on only its messages hold it.
        drop(self.gate.swap(built.generation));
        self.roster.send_replace(built.roster);
        if let Some(retired) = self.retired.replace(built.retired) {
            self.ending.spawn(async move {
                retired.wait().await;
                futures_util::future::join_all(leaving.iter().map(|upstream| upstream.close())).await;
            });
        }
        self.config = config;
        self.seen = Fingerprint::of(&self.files());
        Reloaded::Swapped { number }
    }

    /// Waits until all generations before the one that serves have ended.
    pub async fn settle(&mut self) {
        while self.ending.join_next().await.is_some() {}
    }
}

/// Why to look at the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nudge {
    /// Somebody asked: reload whatever the files are.
    Asked,
    /// Something happened near the files.
    Files,
}

/// The upstreams of the old generation that the new one does not use.
fn leaving(old: &Generation, new: &Generation) -> Vec<Arc<Upstream>> {
    let stays = |upstream: &Arc<Upstream>| generation::upstreams(new).any(|other| Arc::ptr_eq(upstream, other));
    generation::upstreams(old).filter(|upstream| !stays(upstream)).cloned().collect()
}

fn files(origin: &Origin, config: &Config) -> Vec<std::path::PathBuf> {
    let plugins = config.tenants.iter().flat_map(|tenant| &tenant.plugins);
    let plugins = plugins.filter_map(|plugin| match &plugin.source {
        PluginSource::File(path) => Some(path.clone()),
        PluginSource::Builtin(_) => None,
    });
    let file = match origin {
        Origin::File(path) => Some(path.clone()),
        Origin::Embedded => None,
    };
    file.into_iter().chain(plugins).chain(config.secrets.files().cloned()).collect()
}

/// What is read at the start only.
fn warn_of_what_stays(old: &Config, new: &Config) {
    if !old.server.same(&new.server) {
        tracing::warn!("`listen` and [server] take effect at the next start");
    }
    if old.compiler != new.compiler {
        tracing::warn!("[compiler] takes effect at the next start");
    }
    if old.egress != new.egress {
        tracing::warn!("[egress] takes effect at the next start");
    }
    if old.log != new.log {
        tracing::warn!("[log] takes effect at the next start");
    }
}

/// What deserves attention in a configuration that serves all the same.
pub(crate) fn warn(warnings: &Problems) {
    if !warnings.is_empty() {
        tracing::warn!("the configuration serves; it deserves a look:\n{}", warnings.render(Style::Plain));
    }
}

fn log(reloaded: &Reloaded) {
    match reloaded {
        Reloaded::Same => tracing::debug!("nothing has changed"),
        Reloaded::Swapped { number } => tracing::info!(generation = number, "the new configuration serves"),
        Reloaded::Refused(problems) => {
            tracing::error!(
                "the new configuration is refused, the old one serves on:\n{}",
                problems.render(Style::Plain)
            );
        }
    }
}

#[cfg(test)]
mod tests;
