//! What is measured in one window: who asks what, what stands between, and what serves.

use std::path::PathBuf;

use crate::configuration::{Configuration, Plugin};
use crate::wire::Era;

/// One configuration of everything.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) between: Between,
    pub(crate) client: Era,
    pub(crate) served: Served,
    /// The endpoints that are asked, one after the other.
    pub(crate) paths: Vec<String>,
    /// The tools that are called, one after the other.
    pub(crate) tools: Vec<String>,
    pub(crate) connections: usize,
    /// Messages in a second; without it, as many as are answered.
    pub(crate) rate: Option<f64>,
}

/// What stands between the client and the upstream.
#[derive(Debug, Clone)]
pub(crate) enum Between {
    Nothing,
    Nginx,
    Gate { binary: PathBuf, configuration: Configuration },
}

/// What an upstream serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) era: Era,
    pub(crate) tools: usize,
    pub(crate) ports: usize,
}

impl Default for Served {
    fn default() -> Self {
        Self { era: Era::Modern, tools: 10, ports: 2 }
    }
}

impl Setting {
    /// Modern on both sides, sixteen connections that call `echo`.
    pub(crate) fn new(name: &str, between: Between) -> Self {
        let configuration = match &between {
            Between::Gate { configuration, .. } => Some(configuration),
            Between::Nothing | Between::Nginx => None,
        };
        Self {
            name: name.to_owned(),
            paths: vec![configuration.map_or_else(|| "/mcp".to_owned(), |configuration| configuration.path(0))],
            between,
            client: Era::Modern,
            served: Served::default(),
            tools: vec!["echo".to_owned()],
            connections: 16,
            rate: None,
        }
    }

    pub(crate) fn is_nginx(&self) -> bool {
        matches!(self.between, Between::Nginx)
    }

    pub(crate) fn is_direct(&self) -> bool {
        matches!(self.between, Between::Nothing)
    }

    /// Whether the gate has this plugin.
    pub(crate) fn has(&self, plugin: Plugin) -> bool {
        matches!(&self.between, Between::Gate { configuration, .. } if configuration.plugins.contains(&plugin))
    }
}
