//! A window: one setting is started, warmed, measured and ended.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use tempfile::TempDir;

use crate::configuration::{KEY, Plugin};
use crate::load::{Load, Report};
use crate::passing;
use crate::server::{Gate, Nginx, Process, Usage};
use crate::setting::{Between, Served, Setting};
use crate::wire::Era;

/// How long each setting is warmed: connections are made, lists fetched, pools filled.
const WARM: Duration = Duration::from_millis(500);

/// What one window showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Processor time for each message, in microseconds; zero where there is nothing between.
    pub(crate) cpu_us: f64,
    /// Resident memory before the first request and at the end, in bytes.
    pub(crate) idle: u64,
    pub(crate) resident: u64,
    pub(crate) report: Report,
}

impl Sample {
    /// Messages in a second.
    #[expect(clippy::cast_precision_loss, reason = "figures")]
    pub(crate) fn throughput(&self) -> f64 {
        self.report.messages as f64 / self.report.seconds
    }
}

/// What is there for all windows.
#[derive(Debug)]
pub(crate) struct Bench {
    upstreams: Mutex<Vec<Upstream>>,
    folder: TempDir,
    during: Duration,
}

/// A running upstream.
#[derive(Debug)]
struct Upstream {
    served: Served,
    _process: Process,
    ports: Vec<u16>,
}

impl Upstream {
    fn start(served: Served) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let era = if served.era == Era::Modern { "modern" } else { "legacy" };
        command.args(["upstream", "--era", era]);
        command.args(["--ports", &served.ports.to_string(), "--tools", &served.tools.to_string()]);
        let mut process = Process::spawn(command)?;
        let ports = process.line(|line| line.strip_prefix("ports ").map(str::to_owned))?;
        let ports = ports.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { served, _process: process, ports })
    }
}

impl Bench {
    /// With windows of this length.
    pub(crate) fn new(during: Duration) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        passing::furnish(folder.path())?;
        Ok(Self { upstreams: Mutex::default(), folder, during })
    }

    fn ports(&self, served: Served) -> Result<Vec<u16>> {
        let mut upstreams = self.upstreams.lock().map_err(|_| anyhow!("a window panicked"))?;
        if let Some(upstream) = upstreams.iter().find(|upstream| upstream.served == served) {
            return Ok(upstream.ports.clone());
        }
        let upstream = Upstream::start(served)?;
        let ports = upstream.ports.clone();
        upstreams.push(upstream);
        Ok(ports)
    }

    /// The gate of a setting; `None` where it has none.
    pub(crate) fn gate(&self, setting: &Setting) -> Result<Option<Gate>> {
        let Between::Gate { binary, configuration } = &setting.between else { return Ok(None) };
        let ports = self.ports(setting.served)?;
        Gate::start(binary, &configuration.toml(&ports, self.folder.path())).map(Some)
    }

    /// Measures a setting.
    pub(crate) fn window(&self, setting: &Setting) -> Result<Sample> {
        let ports = self.ports(setting.served)?;
        if let Some(gate) = self.gate(setting)? {
            return self.load(setting, gate.address, Some(&gate.process));
        }
        if setting.is_direct() {
            let port = *ports.first().context("a port")?;
            return self.load(setting, SocketAddr::from((Ipv4Addr::LOCALHOST, port)), None);
        }
        let nginx = Nginx::start(&ports, setting.paths.len())?;
        self.load(setting, nginx.address, Some(&nginx.process))
    }

    /// Drives a load, and takes the processor time of what is between from just before to just after.
    fn load(&self, setting: &Setting, address: SocketAddr, between: Option<&Process>) -> Result<Sample> {
        let load = Load {
            address,
            paths: setting.paths.clone(),
            era: setting.client,
            key: setting.has(Plugin::Auth).then(|| KEY.to_owned()),
            tools: setting.tools.clone(),
            connections: setting.connections,
            rate: setting.rate,
            // Each endpoint has been asked before it counts.
            warm: WARM + Duration::from_millis(setting.paths.len() as u64),
            during: self.during,
        };
        let usage = || between.map(|process| Usage::of(process.id())).transpose();
        let idle = usage()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("drive");
        let mut driver = Process::spawn(command)?;
        driver.tell(&serde_json::to_string(&load)?)?;
        driver.line(|line| (line == "ready").then_some(()))?;
        let before = usage()?;
        driver.tell("go")?;
        let report: Report = driver.line(|line| serde_json::from_str(line).ok())?;
        let after = usage()?;
        ensure!(report.messages > 0, "no message was answered");
        let took = before.zip(after.as_ref()).map_or(0.0, |(before, after)| after.since(&before).as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "figures")]
        let cpu_us = took * 1e6 / report.messages as f64;
        let resident = |usage: Option<Usage>| usage.map_or(0, |usage| usage.resident);
        Ok(Sample { cpu_us, idle: resident(idle), resident: resident(after), report })
    }
}
