//! What stands between the client and the upstream: a process each, started for one window and ended after it.

mod gate;
mod nginx;
mod process;
mod usage;

pub(crate) use gate::Gate;
pub(crate) use nginx::Nginx;
pub(crate) use process::Process;
pub(crate) use usage::Usage;
