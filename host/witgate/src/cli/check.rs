use super::output::{self, Failure};
use super::serve;
use crate::generation::Builder;
use crate::surroundings;
use witgate_config::{Config, Origin};

/// `witgate check`: everything but opening sockets and starting servers.
pub(super) fn check(origin: &Origin) -> Result<(), Failure> {
    let config = surroundings::load(origin)?;
    output::complain(&config.warnings);
    let runtime = serve::runtime()?;
    let built = runtime.block_on(async {
        let builder = Builder::new(serve::small_sandbox(&config.compiler, &config.egress)?, serve::stores()?);
        builder.build(&config, None).await.map_err(Failure::from)
    })?;
    output::complain(&built.warnings);
    output::print(&summary(&config))
}

fn summary(config: &Config) -> String {
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let upstreams = config.tenants.iter().flat_map(|tenant| &tenant.groups).map(|group| group.upstreams.len()).sum();
    let plugins = config.tenants.iter().map(|tenant| tenant.plugins.len()).sum();
    let (tenants, upstreams, plugins) =
        (count(config.tenants.len(), "tenant"), count(upstreams, "upstream"), count(plugins, "plugin"));
    format!("{} is good: {tenants}, {upstreams}, {plugins}", config.document.source().name())
}
