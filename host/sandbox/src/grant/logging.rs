use wasmtime::component::{HasSelf, Linker};
use witgate_policy::Grants;

use super::Capability;
use crate::bindings::logging::wasi::logging::logging;
use crate::host::Host;
use crate::log::Level;

/// `wasi:logging`: lines in the gate's log.
pub(super) struct Logging;

impl Capability for Logging {
    fn word(&self) -> &'static str {
        "logging"
    }

    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:logging/logging"]
    }

    fn allows(&self, grants: &Grants) -> bool {
        grants.logging
    }

    fn link(&self, linker: &mut Linker<Host>) -> wasmtime::Result<()> {
        logging::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)
    }
}

impl logging::Host for Host {
    fn log(&mut self, level: logging::Level, context: String, message: String) -> wasmtime::Result<()> {
        self.host_call()?;
        let level = match level {
            logging::Level::Trace => Level::Trace,
            logging::Level::Debug => Level::Debug,
            logging::Level::Info => Level::Info,
            logging::Level::Warn => Level::Warn,
            logging::Level::Error | logging::Level::Critical => Level::Error,
        };
        self.log().line(level, &context, &message);
        Ok(())
    }
}
