//! `wasi:http`, outgoing: what a plugin asks goes to `witgate-egress`, which judges and sends it. Here is only what is
//! between the two.

mod code;

use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, Result, WasiBody, WasiHttpCtx,
    WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};
use witgate_egress::http::{Request, Response};
use witgate_egress::{Allowance, BodyExt, Client, ClientSpec, Egress, EgressError, Script, Timeouts};
use witgate_policy::secret::SecretSource;
use witgate_policy::store::Space;
use witgate_policy::{Grants, LimitKey};

use super::Capability;
use crate::host::{Host, Shared};
use crate::limits::Bounds;
use crate::share::Share;

/// `wasi:http/outgoing-handler` and its types.
pub(super) struct Network;

/// What a guest may write to a request's body at once. Two such pieces are kept for each body whose request was not
/// sent yet, so with all its handles a guest makes the host keep 8 MiB, not 512.
const CHUNK_BYTES: usize = 16 << 10;
/// Fields that belong to the connection, besides those that wasmtime has in its list.
const FORBIDDEN: [&str; 3] = ["expect", "te", "trailer"];

impl Capability for Network {
    fn word(&self) -> &'static str {
        "network"
    }

    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:http/types", "wasi:http/outgoing-handler"]
    }

    fn allows(&self, grants: &Grants) -> bool {
        !grants.network.is_empty()
    }

    fn link(&self, linker: &mut Linker<Host>) -> wasmtime::Result<()> {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
    }
}

/// A plugin's way out, if it was granted one.
pub(crate) fn client(
    egress: &Arc<Egress>,
    space: &Space,
    grants: &Grants,
    bounds: &Bounds,
    share: &Share,
    secrets: &Arc<dyn SecretSource>,
    script: Option<Arc<dyn Script>>,
) -> Option<Arc<Client>> {
    let spec = ClientSpec {
        tenant: space.tenant.clone(),
        plugin: space.plugin.clone(),
        rules: grants.network.clone(),
        header_bytes: bounds.header_bytes,
        requests: bounds.requests,
        network_bytes: bounds.network_bytes as u64,
        connections: bounds.connections,
        tenant_connections: share.connections.clone(),
        secrets: secrets.clone(),
        script,
    };
    Network.allows(grants).then(|| Client::new(egress, spec))
}

/// What the host keeps of one call's requests. Dropping it ends them.
pub(crate) struct Outgoing {
    context: WasiHttpCtx,
    hooks: Hooks,
}

struct Hooks {
    allowance: Option<Allowance>,
    /// The guest has made more host calls than it may. Those of `wasi:http` cannot trap, so the call fails when the
    /// guest has answered; until then no request is sent.
    overdrawn: bool,
}

impl Outgoing {
    pub(crate) fn new(shared: &Shared) -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(shared.bounds.header_bytes);
        let allowance = shared.network.as_ref().map(Client::allowance);
        Self { context, hooks: Hooks { allowance, overdrawn: false } }
    }

    /// The limit on requests or bytes that the call has passed, if it has passed one.
    pub(crate) fn overdrawn(&self) -> Option<LimitKey> {
        match self.hooks.allowance.as_ref()?.overdrawn()? {
            EgressError::Requests(_) => Some(LimitKey::Requests),
            _ => Some(LimitKey::NetworkBytes),
        }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let Self { outgoing, shared, account, table, .. } = self;
        let Outgoing { context, hooks } = &mut **outgoing.get_or_insert_with(|| Box::new(Outgoing::new(shared)));
        account.count_call();
        hooks.overdrawn = account.overdrawn().is_some();
        WasiHttpCtxView { hooks, table, ctx: context }
    }
}

type Worker = Box<dyn Future<Output = Result<()>> + Send>;
type Answer = Box<dyn Future<Output = Result<(Response<WasiBody>, Worker)>> + Send>;

impl WasiHttpHooks for Hooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|name| DEFAULT_FORBIDDEN_HEADERS.contains(name) || FORBIDDEN.contains(&name.as_str()))
    }

    /// The host's is the one of the origin that was judged.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(&mut self, request: Request<WasiBody>, options: Option<RequestOptions>, _: Worker) -> Answer {
        let allowance = self.allowance.as_ref().filter(|_| !self.overdrawn);
        let Some(allowance) = allowance else { return Box::new(async { Err(Error::HttpRequestDenied) }) };
        let options = options.unwrap_or_default();
        let timeouts =
            Timeouts::asked(options.connect_timeout, options.first_byte_timeout, options.between_bytes_timeout);
        let answer = allowance.send(request, timeouts);
        Box::new(async move {
            let response = answer.await.map_err(|e| code::of(&e))?;
            let response = response.map(|body| body.map_err(|e| code::of(&e)).boxed_unsync());
            // The body itself keeps its connection going.
            Ok((response, Box::new(async { Ok(()) }) as Worker))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK_BYTES
    }
}
