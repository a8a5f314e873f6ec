use std::path::{Path, PathBuf};

use super::args::{Args, Config, PluginVerb, Verb};
use super::author;
use witgate_config::Origin;
use witgate_sandbox::Job;

/// What the program does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    Run { origin: Origin, watch: bool },
    Stdio { origin: Origin, tenant: Option<String> },
    Check(Origin),
    Import { from: PathBuf, to: Option<PathBuf> },
    New(author::New),
    Build { folder: PathBuf, json: bool },
    Test(author::Test),
    Play { case: PathBuf, plugin: Option<String>, json: bool },
    Bench(author::Bench),
    Record { wish: author::Record, origin: Origin },
    Inspect { source: String, json: bool },
    List { origin: Origin, json: bool },
    Example,
    Schema,
    Compile(Job),
}

/// The configuration of a folder, when none is named.
const USUAL: &str = "witgate.toml";

impl Plan {
    /// Puts defaults in their places.
    pub(super) fn of(args: Args) -> Self {
        match args.verb.unwrap_or(Verb::Run(args.run)) {
            Verb::Run(run) => Self::Run { origin: origin(run.config), watch: !run.no_watch },
            Verb::Stdio(stdio) => Self::Stdio { origin: origin(stdio.config), tenant: stdio.tenant },
            Verb::Check(config) => Self::Check(origin(config)),
            Verb::Import(import) => Self::Import { from: import.file, to: import.out },
            Verb::Plugin { verb } => Self::of_plugin(verb),
            Verb::Example => Self::Example,
            Verb::Schema => Self::Schema,
            Verb::Compile { job } => Self::Compile(job),
        }
    }
}

impl Plan {
    fn of_plugin(verb: PluginVerb) -> Self {
        match verb {
            PluginVerb::New(wish) => Self::New(wish),
            PluginVerb::Build { folder, json } => Self::Build { folder, json },
            PluginVerb::Test(wish) => Self::Test(wish),
            PluginVerb::Run { case, plugin, json } => Self::Play { case, plugin, json },
            PluginVerb::Bench(wish) => Self::Bench(wish),
            PluginVerb::Record(wish) => Self::Record { origin: origin(wish.config.clone()), wish },
            PluginVerb::Inspect { source, json } => Self::Inspect { source, json },
            PluginVerb::List { config, json } => Self::List { origin: origin(config), json },
        }
    }
}

fn origin(config: Config) -> Origin {
    let usual = || Some(PathBuf::from(USUAL)).filter(|path| Path::exists(path));
    config.config.or_else(usual).map_or(Origin::Embedded, Origin::File)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn what_is_typed_becomes_a_plan() {
        #[track_caller]
        fn check(typed: &str, want: &Plan) {
            let args = Args::try_parse_from(std::iter::once("witgate").chain(typed.split_whitespace()));
            assert_eq!(&Plan::of(args.expect("arguments")), want, "{typed}");
        }
        let file = || Origin::File("a.toml".into());
        check("-c a.toml", &Plan::Run { origin: file(), watch: true });
        check("--config a.toml --no-watch", &Plan::Run { origin: file(), watch: false });
        check("run --config a.toml", &Plan::Run { origin: file(), watch: true });
        check("stdio -c a.toml --tenant acme", &Plan::Stdio { origin: file(), tenant: Some("acme".into()) });
        check("check -c a.toml", &Plan::Check(file()));
        check("import a.json -o b.toml", &Plan::Import { from: "a.json".into(), to: Some("b.toml".into()) });
        check("plugin inspect x.wasm --json", &Plan::Inspect { source: "x.wasm".into(), json: true });
        check("plugin list", &Plan::List { origin: Origin::Embedded, json: false });
        check("plugin list -c a.toml --json", &Plan::List { origin: file(), json: true });
        check("example", &Plan::Example);
        check("schema", &Plan::Schema);
        check("compile light,1,2", &Plan::Compile("light,1,2".parse().expect("a job")));
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}
