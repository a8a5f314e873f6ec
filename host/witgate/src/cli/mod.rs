//! The command line: what was typed, then a plan of real types, then one match that carries it out.
//!
//! Exit codes: 0 when all is well; 1 when something failed while running; 2 when the command line, the configuration
//! or a plugin is at fault; 130 when a second signal ended the program at once. Answers go to standard output,
//! everything else to standard error.

mod args;
mod author;
mod banner;
mod check;
mod compiler;
mod import;
mod list;
mod output;
mod plan;
mod plugin;
mod run;
mod serve;
mod stdio;

use std::process::ExitCode;

use clap::Parser;

use output::Failure;
use plan::Plan;

pub(crate) use compiler::usual_cache;
use witgate_config as config;

/// Runs the program.
pub fn main() -> ExitCode {
    let done = match Plan::of(args::Args::parse()) {
        Plan::Run { origin, watch } => run::run(origin, watch),
        Plan::Stdio { origin, tenant } => stdio::stdio(origin, tenant.as_deref()),
        Plan::Check(origin) => check::check(&origin),
        Plan::Import { from, to } => import::import(&from, to.as_deref()),
        Plan::Inspect { source, json } => plugin::inspect(&source, json),
        Plan::New(wish) => author::new(&wish),
        Plan::Build { folder, json } => author::build(&folder, json),
        Plan::Test(wish) => author::test(&wish),
        Plan::Play { case, plugin, json } => author::run(&case, plugin.as_deref(), json),
        Plan::Bench(wish) => author::bench(&wish),
        Plan::Record { wish, origin } => author::record(&wish, &origin),
        Plan::List { origin, json } => list::list(&origin, json),
        Plan::Example => output::print(config::EMBEDDED.trim_end()),
        Plan::Compile(job) => return compiler::work(job).unwrap_or_else(Failure::report),
        Plan::Schema => output::print(&format!("{:#}", config::schema())),
    };
    done.map_or_else(Failure::report, |()| ExitCode::SUCCESS)
}
