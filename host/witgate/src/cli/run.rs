use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use witgate_gateway::front::http;

use super::banner;
use super::output::{self, Failure};
use super::serve::{self, Service, Signals, Start};
use crate::surroundings;
use witgate_config::Origin;

/// `witgate run`: until a signal says stop.
pub(super) fn run(origin: Origin, watch: bool) -> Result<(), Failure> {
    let config = surroundings::load(&origin)?;
    output::complain(&config.warnings);
    let confinement = serve::confine(&config)?;
    let (recorder, _log) = serve::telemetry(&config)?;
    confinement.report();
    let runtime = serve::runtime()?;
    let done = runtime.block_on(async {
        let mut signals = Signals::catch()?;
        let listener = listen(config.server.listen, &origin).await?;
        let address = listener.local_addr().map_err(|cause| Failure::runtime("the listener has no address", cause))?;
        let options = config.server.options.clone();
        let banner = banner::banner(&origin, &config, address);
        let service = Service::start(Start { origin, config, watch, confinement }, recorder).await?;
        output::print(&banner)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let gate = service.gate.clone();
        let serving = tokio::spawn(http::serve(gate, listener, options, async move {
            // A sender that is gone says the same.
            let _ = stopped.await;
        }));
        tracing::info!(%address, "listening");
        let ending = async move {
            let served = serving.await;
            service.stop().await;
            served
        };
        tokio::pin!(ending);
        let served = tokio::select! {
            served = &mut ending => served,
            () = signals.next() => {
                tracing::info!("stopping: what is under way may end; a second signal ends it now");
                drop(stop);
                tokio::select! {
                    served = &mut ending => served,
                    () = signals.next() => return Err(Failure::Interrupted),
                }
            }
        };
        match served {
            Ok(Ok(())) => Ok(()),
            Ok(Err(cause)) => Err(Failure::runtime("the gate cannot serve", cause)),
            Err(cause) => Err(Failure::runtime("the gate ended", cause)),
        }
    });
    // What still blocks a thread (standard input, a slow compiler) is not waited for.
    runtime.shutdown_background();
    done
}

/// The demonstration takes another port when its own is taken; a configured gate must be where its clients look.
async fn listen(address: SocketAddr, origin: &Origin) -> Result<TcpListener, Failure> {
    match TcpListener::bind(address).await {
        Err(cause) if cause.kind() == std::io::ErrorKind::AddrInUse && *origin == Origin::Embedded => {
            tracing::warn!("{address} is taken: listening on a free port instead");
            TcpListener::bind(SocketAddr::new(address.ip(), 0)).await
        }
        bound => bound,
    }
    .map_err(|cause| Failure::runtime(format!("cannot listen on {address}"), cause))
}
