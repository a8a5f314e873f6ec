use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use rustls::client::Resumption;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use witgate_policy::Reach;
use witgate_policy::secret::SecretSource;

use crate::body::ResponseBody;
use crate::config::Timeouts;
use crate::connect::{connect, judged, secure};
use crate::egress::Egress;
use crate::error::EgressError;
use crate::exchange::exchange;
use crate::head;
use crate::report::Report;
use crate::script::{self, Script};
use crate::tally::Tally;

/// Sessions of TLS that a plugin can resume. They are its own, so that no server can tell from them which plugins or
/// tenants are of one house.
const SESSIONS: usize = 16;

/// What one plugin may do.
pub struct ClientSpec {
    /// The tenant, for the log.
    pub tenant: Arc<str>,
    /// The plugin, for the log, and for whom secrets are asked.
    pub plugin: Arc<str>,
    /// Where it may go.
    pub rules: Vec<Reach>,
    /// Bytes in the head of a request, and of a response.
    pub header_bytes: usize,
    /// Requests in one call.
    pub requests: u32,
    /// Bytes that one call may move, both ways together.
    pub network_bytes: u64,
    /// Its requests that are under way at once.
    pub connections: usize,
    /// Those of all the tenant's plugins together.
    pub tenant_connections: Arc<Semaphore>,
    /// Who holds its secrets.
    pub secrets: Arc<dyn SecretSource>,
    /// What answers in the network's stead; `None`: the network.
    pub script: Option<Arc<dyn Script>>,
}

/// One plugin's way out.
pub struct Client {
    pub(crate) spec: ClientSpec,
    egress: Arc<Egress>,
    tls: TlsConnector,
    connections: Arc<Semaphore>,
    report: Report,
}

/// What one call of the plugin may still use. Dropping it ends every request that the call began.
#[derive(Debug)]
pub struct Allowance {
    client: Arc<Client>,
    tally: Arc<Tally>,
    ends: watch::Sender<()>,
}

/// One request on its way.
#[derive(Debug, Clone)]
pub(crate) struct Trip {
    pub(crate) client: Arc<Client>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) timeouts: Timeouts,
    call: watch::Receiver<()>,
    origin: Arc<str>,
}

impl Client {
    /// A plugin may ask by these rules.
    pub fn new(egress: &Arc<Egress>, spec: ClientSpec) -> Arc<Self> {
        let mut tls = egress.tls.clone();
        tls.resumption = Resumption::in_memory_sessions(SESSIONS);
        let connections = Arc::new(Semaphore::new(spec.connections.min(Semaphore::MAX_PERMITS)));
        let report = Report::new(&spec.tenant, &spec.plugin);
        Arc::new(Self { egress: egress.clone(), tls: Arc::new(tls).into(), connections, report, spec })
    }

    /// A call begins.
    pub fn allowance(self: &Arc<Self>) -> Allowance {
        let tally = Tally::new(self.spec.requests, self.spec.network_bytes);
        Allowance { client: self.clone(), tally: Arc::new(tally), ends: watch::Sender::new(()) }
    }

    /// A connection of the plugin's and one of its tenant's.
    async fn slots(&self, deadline: Instant) -> Result<[OwnedSemaphorePermit; 2], EgressError> {
        let began = Instant::now();
        let full = |whose, limit| EgressError::Connections { whose, waited_ms: began.elapsed().as_millis(), limit };
        let own = timeout_at(deadline, self.connections.clone().acquire_owned()).await;
        let Ok(Ok(own)) = own else {
            return Err(full("plugin", format!(" (`connections` = {})", self.spec.connections)));
        };
        let tenant = timeout_at(deadline, self.spec.tenant_connections.clone().acquire_owned()).await;
        let Ok(Ok(tenant)) = tenant else { return Err(full("tenant", String::new())) };
        Ok([own, tenant])
    }
}

impl Allowance {
    /// The limit that the call has passed, if it has passed one: [`EgressError::Bytes`] or [`EgressError::Requests`].
    pub fn overdrawn(&self) -> Option<EgressError> {
        self.tally.overdrawn()
    }

    /// Sends a request, if it may be sent. The future stands by itself; dropping it, or what it answers, closes the
    /// connection.
    pub fn send<B>(
        &self,
        request: Request<B>,
        timeouts: Timeouts,
    ) -> impl Future<Output = Result<Response<ResponseBody>, EgressError>> + Send + use<B>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let trip = Trip {
            client: self.client.clone(),
            tally: self.tally.clone(),
            timeouts,
            call: self.ends.subscribe(),
            origin: head::label(request.uri()).into(),
        };
        async move {
            let over = trip.over();
            let answer = tokio::select! {
                biased;
                () = over => Err(EgressError::Over),
                answer = trip.make(request) => answer,
            };
            answer.inspect_err(|error| trip.tell(error))
        }
    }
}

impl Trip {
    async fn make<B>(&self, request: Request<B>) -> Result<Response<ResponseBody>, EgressError>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let client = &*self.client;
        let spec = &client.spec;
        self.tally.request()?;
        let (parts, body) = request.into_parts();
        let mut head = head::judge(parts, &spec.rules, spec.header_bytes)?;
        let origin = head.origin;
        let deadline = Instant::now() + self.timeouts.connect;
        let slots = client.slots(deadline).await?;
        // Not while it waits: heads with secrets may be long, and there are as many as there are connections.
        head::fill_in(&mut head.fields, |name| spec.secrets.secret(&spec.plugin, name, &origin))?;
        let wire = if let Some(script) = &spec.script {
            script::wire(script, origin.to_string(), &self.tally)
        } else {
            let rules: Vec<_> = head.rules.iter().map(|at| &spec.rules[*at]).collect();
            let addresses = judged(&client.egress, origin.host(), &rules, deadline).await?;
            let stream = connect(&addresses, origin.port(), deadline, &self.tally).await?;
            secure(stream, &origin, &client.tls, deadline, &self.tally).await?
        };
        let mut request = Request::new(body);
        *request.method_mut() = head.method;
        *request.uri_mut() = head.target;
        *request.headers_mut() = head.fields;
        exchange(wire, slots, request, self).await
    }

    /// Resolves when the call is over.
    pub(crate) fn over(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut call = self.call.clone();
        async move { while call.changed().await.is_ok() {} }
    }

    /// What of the call made a connection fail, if something did.
    pub(crate) fn explains(&self) -> Option<EgressError> {
        self.tally.explains().or_else(|| self.call.has_changed().is_err().then_some(EgressError::Over))
    }

    /// To the operator.
    pub(crate) fn tell(&self, error: &EgressError) {
        // Nothing went wrong: a caller went away, or the plugin did not wait for its answer.
        if *error != EgressError::Over {
            self.client.report.tell(&self.origin, error);
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ClientSpec { tenant, plugin, .. } = &self.spec;
        f.debug_struct("Client").field("tenant", tenant).field("plugin", plugin).finish_non_exhaustive()
    }
}
