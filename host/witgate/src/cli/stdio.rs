use witgate_gateway::front::stdio as front;

use super::output::{self, Failure};
use super::serve::{self, Service, Signals, Start};
use crate::surroundings;
use witgate_config::{Config, Origin};

/// What the client shows to auth plugins, as headers of a request: there are none on standard input.
const CREDENTIALS: [(&str, &str); 2] = [("WITGATE_AUTHORIZATION", "authorization"), ("WITGATE_API_KEY", "x-api-key")];

/// `witgate stdio`: until the client closes its end, or a signal says stop.
pub(super) fn stdio(origin: Origin, tenant: Option<&str>) -> Result<(), Failure> {
    let config = surroundings::load(&origin)?;
    output::complain(&config.warnings);
    let tenant = choose(&config, tenant)?;
    let confinement = serve::confine(&config)?;
    let (recorder, _log) = serve::telemetry(&config)?;
    confinement.report();
    let runtime = serve::runtime()?;
    let done = runtime.block_on(async {
        let mut signals = Signals::catch()?;
        let service = Service::start(Start { origin, config, watch: true, confinement }, recorder).await?;
        let (input, out) = (tokio::io::stdin(), tokio::io::stdout());
        let shown = credentials();
        let asked =
            service.gate.generation().named(&tenant).is_some_and(|tenant| !tenant.spec().pipeline.auth.is_empty());
        if shown.is_empty() && asked {
            let [(bearer, _), (key, _)] = CREDENTIALS;
            tracing::warn!(
                "this tenant asks who calls: set {bearer} (as `Bearer …`) or {key} where the client starts witgate"
            );
        }
        let served = front::serve(service.gate.clone(), &tenant, input, out, shown, signals.next()).await;
        tokio::select! {
            () = service.stop() => {}
            () = signals.next() => return Err(Failure::Interrupted),
        }
        served.map_err(|cause| Failure::runtime("the client cannot be served", cause))
    });
    // A read of standard input that nothing will end is not waited for.
    runtime.shutdown_background();
    done
}

fn choose(config: &Config, tenant: Option<&str>) -> Result<String, Failure> {
    let names: Vec<_> = config.tenants.iter().map(|tenant| tenant.name.to_string()).collect();
    match (tenant, names.as_slice()) {
        (Some(name), _) if names.iter().any(|there| there == name) => Ok(name.to_owned()),
        (None, [only]) => Ok(only.clone()),
        (wanted, _) => Err(Failure::Tenant { wanted: wanted.map(ToOwned::to_owned), known: names.join(", ") }),
    }
}

fn credentials() -> Vec<(String, Vec<u8>)> {
    let shown = CREDENTIALS.into_iter().filter_map(|(variable, header)| {
        let value = std::env::var_os(variable).filter(|value| !value.is_empty())?;
        Some((header.to_owned(), value.into_encoded_bytes()))
    });
    shown.collect()
}
