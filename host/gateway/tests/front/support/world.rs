//! A gate, and a front for it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use witgate_gateway::front::http::{Options, ServeError, serve};
use witgate_gateway::gate::{Gate, Generation};
use witgate_gateway::record::{Record, Recorder, TurnedAway};
use witgate_gateway::tenant::{Group, Lasting, Spec, Tenant};
use witgate_gateway::upstream::{Limits, Spec as UpstreamSpec, Timeouts, Upstream};
use witgate_policy::origin::Origin;
use witgate_policy::secret::{Secret, SecretSource};
use witgate_policy::store::Breaker;
use witgate_policy::{Authenticator, Circuit, Hook, InputValidator, Mode, OnFault, Pipeline, When};

use super::client::{Ask, Reply};
use super::plugins::{Doorman, Puppet, Strings, talkative};
use super::soon;

struct Closed;

impl Breaker for Closed {
    fn circuit(&self) -> Circuit {
        Circuit::Closed
    }
    fn admit(&self) -> bool {
        true
    }
    fn report(&self, _: bool) {}
    fn release(&self) {}
}

struct NoSecrets;

impl SecretSource for NoSecrets {
    fn secret(&self, _: &str, _: &str, _: &Origin) -> Option<Secret> {
        None
    }
}

#[derive(Default)]
pub(crate) struct Records(Mutex<Vec<Record>>, Mutex<Vec<TurnedAway>>);

impl Recorder for Records {
    fn record(&self, record: &Record) {
        self.0.lock().expect("records").push(record.clone());
    }

    fn turned_away(&self, turned_away: &TurnedAway) {
        self.1.lock().expect("records").push(turned_away.clone());
    }
}

impl Records {
    /// The last message that was turned away.
    pub(crate) fn turned_away(&self) -> TurnedAway {
        self.1.lock().expect("records").last().expect("one").clone()
    }

    pub(crate) fn outcomes(&self) -> Vec<(String, &'static str)> {
        self.0.lock().expect("records").iter().map(|record| (record.method.clone(), record.outcome)).collect()
    }
}

fn hook<P: ?Sized>(name: &str, plugin: Arc<P>) -> Hook<P> {
    let (mode, on_fault) = (Mode::Enforce, OnFault::Deny);
    Hook { name: name.into(), digest: "00".into(), when: When::default(), mode, on_fault, plugin }
}

fn tenant(name: &str, strings: &Strings, release: &Arc<Notify>, deadline: Duration) -> Arc<Tenant> {
    let spec = UpstreamSpec {
        id: "talkative".into(),
        group: "talkative".into(),
        labels: Arc::new([]),
        transport: talkative(release.clone()),
        limits: Limits::default(),
        timeouts: Timeouts::default(),
    };
    let auth: Vec<Hook<dyn Authenticator>> = vec![hook("doorman", Arc::new(Doorman))];
    let validate: Vec<Hook<dyn InputValidator>> = vec![hook("puppet", Arc::new(Puppet(strings.clone())))];
    let upstreams = vec![Upstream::new(spec, Arc::new(Closed))];
    Arc::new(Tenant::new(Spec {
        name: name.into(),
        path: format!("/{name}"),
        pipeline: Pipeline { auth, validate, ..Pipeline::default() },
        secrets: Arc::new(NoSecrets),
        groups: vec![Group { name: "talkative".into(), prefix: String::new(), upstreams }],
        auth_headers: vec!["authorization".into()],
        resource_metadata: Some("https://gate.example/meta".into()),
        deadline,
        lasting: Arc::new(Lasting::new().expect("random bytes")),
        server_name: "gate".into(),
    }))
}

/// A gate with two patient tenants, `/mcp` and `/other`, and one that gives up at once, `/quick`.
pub(crate) struct World {
    pub(crate) gate: Arc<Gate>,
    pub(crate) strings: Strings,
    /// Lets the tool `talk` end.
    pub(crate) release_tool: Arc<Notify>,
    pub(crate) records: Arc<Records>,
    ends: mpsc::UnboundedReceiver<&'static str>,
}

impl World {
    pub(crate) fn new() -> Self {
        let (ends, seen) = mpsc::unbounded_channel();
        let strings = Strings { held: Arc::default(), release: Arc::default(), ends };
        let (release_tool, records) = (Arc::new(Notify::new()), Arc::new(Records::default()));
        let first = generation(1, &strings, &release_tool);
        let gate = Arc::new(Gate::new(first, records.clone()));
        Self { gate, strings, release_tool, records, ends: seen }
    }

    /// Another generation with the same tenants.
    pub(crate) fn reload(&self) {
        self.gate.swap(generation(2, &self.strings, &self.release_tool));
    }

    /// How the next held message ended.
    pub(crate) async fn end(&mut self) -> &'static str {
        soon(self.ends.recv()).await.expect("an end")
    }

    pub(crate) async fn held(&self) {
        soon(self.strings.held.notified()).await;
    }
}

fn generation(number: u64, strings: &Strings, release: &Arc<Notify>) -> Generation {
    let patient = |name| tenant(name, strings, release, Duration::from_mins(1));
    let quick = tenant("quick", strings, release, Duration::from_millis(20));
    Generation::new(number, vec![patient("mcp"), patient("other"), quick])
}

/// A front on a port of its own.
pub(crate) struct Site {
    pub(crate) world: World,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Site {
    pub(crate) async fn open() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let world = World::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(serve(world.gate.clone(), listener, options, async move {
            let _ = stopped.await;
        }));
        Self { world, address, stop: Some(stop), serving }
    }

    /// Asks the front to stop.
    pub(crate) fn stop(&mut self) {
        self.stop.take().expect("not stopped yet").send(()).expect("it serves");
    }

    /// Waits until it has.
    pub(crate) async fn stopped(self) {
        soon(self.serving).await.expect("no panic").expect("no error");
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.serving.is_finished()
    }

    pub(crate) async fn send(&self, request: Ask<'_>) -> Reply {
        Reply::read(soon(request.send(self.address)).await).await
    }
}
