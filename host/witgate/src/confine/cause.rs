use std::path::PathBuf;
use std::sync::Arc;

use miette::Diagnostic;
use thiserror::Error;

/// What a confined gate cannot do.
#[derive(Debug, Error, Diagnostic)]
pub enum Cause {
    /// A folder that was given up.
    #[error(
        "the plugin `{plugin}` is granted {}, {closed} this gate gave up when it confined itself at its start",
        folder.display()
    )]
    #[diagnostic(help(
        "restart the gate, which then keeps this folder; with `confine = \"off\"` in [server] it gives up nothing, and \
         reloads may grant any folder"
    ))]
    Closed {
        /// The plugin.
        plugin: Arc<str>,
        /// The folder.
        folder: PathBuf,
        /// What of it is closed.
        closed: &'static str,
    },
    /// The thread that reads configurations died of this one.
    #[error("the configuration was not read: its reader failed, which is a fault of the gate")]
    #[diagnostic(help("the configuration that serves goes on; please report what this file has in it"))]
    Lost,
}
