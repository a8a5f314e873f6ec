//! What an upstream is shown: asked for once, filled with secrets on the way, renewed when it is refused.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use witgate_gateway::tenant::{Lasting, Spec, Tenant};
use witgate_policy::origin::Origin;
use witgate_policy::secret::{Secret, SecretSource};
use witgate_policy::{
    Answer, Credential, CredentialProvider, Header, Identity, Occasion, Pipeline, Reason, Refusal, Revision,
    UpstreamFacts, Why,
};

use crate::support::{answer, ask, group, inbound};
use crate::{hook, web};

struct Vault;

impl SecretSource for Vault {
    fn secret(&self, plugin: &str, name: &str, _: &Origin) -> Option<Secret> {
        (plugin == "p").then(|| Secret::new(format!("s3cret-{name}")))
    }
}

/// Names the secret `old` first and `new` once that was rejected.
struct Renews(Mutex<Vec<Why>>, Option<Duration>);

impl CredentialProvider for Renews {
    fn provide<'a>(
        &'a self,
        _: &'a UpstreamFacts,
        _: &'a Identity,
        occasion: &'a Occasion,
    ) -> Answer<'a, Result<Credential, Refusal>> {
        self.0.lock().expect("log").push(occasion.why);
        let name = if occasion.why == Why::First { "old" } else { "new" };
        let value = format!("Bearer ${{secret:{name}}}");
        let header = Header { name: "authorization".into(), value, plugin: "p".into() };
        let expires_in = self.1;
        Box::pin(async move { Ok(Ok(Credential { headers: vec![header], expires_in })) })
    }
}

async fn tenant(token: &'static str, provider: Arc<Renews>) -> (Tenant, web::Shown) {
    let (transport, shown) = web::guarded(token).await;
    let pipeline = Pipeline { credential: vec![hook(provider as Arc<dyn CredentialProvider>)], ..Pipeline::default() };
    let tenant = Tenant::new(Spec {
        name: "t".into(),
        path: "/mcp".into(),
        pipeline,
        secrets: Arc::new(Vault),
        groups: vec![group("web", "", vec![transport])],
        auth_headers: Vec::new(),
        resource_metadata: None,
        deadline: Duration::from_mins(1),
        lasting: Arc::new(Lasting::new().expect("random bytes")),
        server_name: "gate".into(),
    });
    (tenant, shown)
}

const LEGACY: Revision = Revision::V2025_11_25;

fn call() -> serde_json::Value {
    json!({"name": "t"})
}

#[tokio::test]
async fn a_secret_is_filled_in_on_the_way_and_asked_for_once() {
    let provider = Arc::new(Renews(Mutex::default(), None));
    let (tenant, shown) = tenant("s3cret-old", provider.clone()).await;
    answer(&tenant, LEGACY, "tools/call", call()).await;
    answer(&tenant, LEGACY, "tools/call", call()).await;
    assert_eq!(*provider.0.lock().expect("log"), [Why::First]);
    assert!(shown.lock().expect("log").iter().all(|header| header == "Bearer s3cret-old"));
}

#[tokio::test]
async fn a_refused_credential_is_renewed_once() {
    let provider = Arc::new(Renews(Mutex::default(), None));
    let (tenant, _) = tenant("s3cret-new", provider.clone()).await;
    answer(&tenant, LEGACY, "tools/call", call()).await;
    assert_eq!(*provider.0.lock().expect("log"), [Why::First, Why::Rejected]);
}

#[tokio::test]
async fn a_credential_that_is_refused_again_ends_the_call_without_telling_the_secret() {
    let provider = Arc::new(Renews(Mutex::default(), None));
    let (tenant, _) = tenant("other", provider.clone()).await;
    let (outcome, record, _) = ask(&tenant, inbound(LEGACY, "tools/call", &call())).await;
    let refusal = outcome.answer.expect_err("refused");
    assert_eq!(refusal.reason, Reason::Unavailable);
    assert!(!format!("{refusal:?} {record:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_credential_that_expires_soon_is_renewed_before_it_does() {
    let provider = Arc::new(Renews(Mutex::default(), Some(Duration::from_secs(10))));
    let (tenant, _) = tenant("s3cret-old", provider.clone()).await;
    // The listing that precedes a call asks first, the call itself finds ten seconds to be too few.
    let (outcome, ..) = ask(&tenant, inbound(LEGACY, "tools/list", &json!({}))).await;
    assert!(outcome.answer.is_ok());
    let _ = ask(&tenant, inbound(LEGACY, "tools/list", &json!({}))).await;
    assert_eq!(provider.0.lock().expect("log")[..2], [Why::First, Why::Expiring]);
}
