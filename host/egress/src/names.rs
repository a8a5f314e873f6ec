//! Names become addresses here, and only here.

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{Resolver, TokioResolver};
use tokio::sync::Semaphore;

use crate::error::EgressError;

/// Lookups that are under way at once, in the whole process. A tenant has no more of them than connections, 32 by
/// default, so that eight tenants whose names are all slow leave no one without.
const LOOKUPS: usize = 256;
/// One question to one server; there are two attempts.
const QUESTION_TIME: Duration = Duration::from_secs(2);
/// Responses that are kept. One may have 64 KiB, and who asks for names below `*.example.com` may own that zone.
const CACHED: u64 = 256;
/// No answer is trusted for longer, whatever its own time to live.
const LONGEST_KEPT: Duration = Duration::from_mins(5);
/// Nor is the absence of one.
const LONGEST_ABSENT: Duration = Duration::from_secs(5);

/// Who is asked.
pub(crate) struct Names {
    servers: Vec<SocketAddr>,
    resolver: OnceLock<Result<TokioResolver, String>>,
    lookups: Semaphore,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl Names {
    pub(crate) fn new(servers: Vec<SocketAddr>) -> Self {
        Self { servers, resolver: OnceLock::new(), lookups: Semaphore::new(LOOKUPS) }
    }

    /// All addresses of a name, IPv4 first: where there is no way to IPv6, trying it costs time.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, EgressError> {
        let resolver = self.resolver.get_or_init(|| self.build());
        let resolver = resolver.as_ref().map_err(|cause| EgressError::Resolver(cause.clone()))?;
        let _turn = self.lookups.acquire().await.map_err(|e| EgressError::Resolver(e.to_string()))?;
        // With the dot at its end it is the whole name, and nothing is tried below the domains of the system.
        match resolver.lookup_ip(format!("{name}.")).await {
            Ok(found) => {
                let addresses: Vec<_> = found.iter().map(|address| address.to_canonical()).collect();
                if addresses.is_empty() { Err(EgressError::NoAddress(name.to_owned())) } else { Ok(addresses) }
            }
            Err(e) if e.is_nx_domain() || e.is_no_records_found() => Err(EgressError::NoAddress(name.to_owned())),
            Err(NetError::Timeout) => Err(EgressError::LookupTimeout(name.to_owned())),
            Err(e) => Err(EgressError::Lookup { name: name.to_owned(), cause: e.to_string() }),
        }
    }

    fn build(&self) -> Result<TokioResolver, String> {
        let mut builder = if self.servers.is_empty() {
            Resolver::builder_tokio().map_err(|e| format!("the system's configuration of DNS cannot be read: {e}"))?
        } else {
            let config = ResolverConfig::from_parts(None, Vec::new(), self.servers.iter().map(server).collect());
            let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
            builder.options_mut().use_hosts_file = ResolveHosts::Never;
            builder
        };
        let options = builder.options_mut();
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.timeout = QUESTION_TIME;
        options.attempts = 2;
        options.cache_size = CACHED;
        options.positive_max_ttl = Some(LONGEST_KEPT);
        options.negative_max_ttl = Some(LONGEST_ABSENT);
        builder.build().map_err(|e| e.to_string())
    }
}

fn server(address: &SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}
