use std::path::Path;

use futures_util::FutureExt;
use witgate_sandbox::SandboxConfig;

use super::*;

fn config(text: &str) -> Config {
    let parsed = Config::parse("test.toml", text, Path::new(""), &|_| Some("s3cret".to_owned()));
    parsed.map_err(|problems| problems.to_string()).expect("a good configuration")
}

fn builder() -> Builder {
    Builder::new(
        Sandbox::new(SandboxConfig { instances: 4, ..SandboxConfig::default() }).expect("a sandbox"),
        Stores::in_memory().expect("random bytes"),
    )
}

async fn good(builder: &Builder, text: &str, previous: Option<&Generation>) -> Built {
    builder.build(&config(text), previous).await.map_err(|problems| problems.to_string()).expect("builds")
}

fn upstream<'a>(generation: &'a Generation, id: &str) -> &'a Arc<Upstream> {
    upstreams(generation).find(|upstream| *upstream.spec().id == *id).expect("the upstream")
}

const TWO: &str = "anonymous = true
[upstream.same]
command = \"same\"
[upstream.other]
command = \"other\"
";

#[tokio::test]
async fn an_upstream_that_did_not_change_is_the_very_same() {
    let builder = builder();
    let first = good(&builder, TWO, None).await.generation;
    let second = good(&builder, &TWO.replace("\"other\"", "\"changed\""), Some(&first)).await.generation;
    assert_eq!((first.number, second.number), (1, 2));
    assert!(Arc::ptr_eq(upstream(&first, "same"), upstream(&second, "same")));
    assert!(!Arc::ptr_eq(upstream(&first, "other"), upstream(&second, "other")));
}

#[tokio::test]
async fn another_tenant_gets_an_upstream_of_its_own() {
    let builder = builder();
    let first = good(&builder, TWO, None).await.generation;
    let moved = TWO.replace("anonymous", "[tenant.acme]\nanonymous").replace("[upstream", "[tenant.acme.upstream");
    let second = good(&builder, &moved, Some(&first)).await.generation;
    assert!(!Arc::ptr_eq(upstream(&first, "same"), upstream(&second, "same")));
}

#[tokio::test]
async fn a_generation_that_is_refused_takes_no_number() {
    let builder = builder();
    let secure = TWO.replace("anonymous = true", "");
    let refused = builder.build(&config(&secure), None).await.err().expect("refused");
    assert!(refused.to_string().contains("has no plugin of kind auth"), "{refused}");
    assert_eq!(good(&builder, TWO, None).await.generation.number, 1);
}

#[tokio::test]
async fn a_generation_ends_with_its_last_tenant() {
    let Built { generation, retired, .. } = good(&builder(), TWO, None).await;
    let held = generation.tenants().first().expect("a tenant").clone();
    let mut waiting = Box::pin(retired.wait());
    drop(generation);
    assert!(waiting.as_mut().now_or_never().is_none(), "a message still holds it");
    drop(held);
    waiting.await;
}

#[tokio::test]
async fn a_secret_is_for_whom_it_was_granted() {
    let text = format!(
        "{TWO}
[secret.github]
env = \"GITHUB\"
[secret.other]
env = \"OTHER\"
[[plugin]]
name = \"token\"
source = \"builtin:credential-static\"
settings = {{ value = \"Bearer ${{secret:github}}\" }}
grants = {{ secrets = {{ github = [\"https://api.github.example\"] }} }}
[[plugin]]
name = \"backoff\"
source = \"builtin:retry-backoff\"
"
    );
    let generation = good(&builder(), &text, None).await.generation;
    let secrets = &generation.named("default").expect("the tenant").spec().secrets;
    let at = |origin: &str| origin.parse().expect("an origin");
    let github = at("https://api.github.example");
    assert_eq!(secrets.secret("token", "github", &github).expect("granted").expose(), "s3cret");
    assert_eq!(secrets.secret("token", "github", &at("https://evil.example")), None);
    for (plugin, name) in [("token", "other"), ("backoff", "github"), ("nobody", "github")] {
        assert_eq!(secrets.secret(plugin, name, &github), None, "{plugin} {name}");
    }
}

#[tokio::test]
async fn plugins_hang_where_their_kinds_are_in_the_order_of_the_file() {
    let text = format!(
        "{TWO}
[[plugin]]
name = \"second\"
source = \"builtin:retry-backoff\"
mode = \"shadow\"
[[plugin]]
name = \"rate\"
source = \"builtin:validate-rate\"
settings = {{ limits = [{{ calls = 1, window-s = 1 }}] }}
grants = {{ counter = true }}
[[plugin]]
name = \"first\"
source = \"builtin:retry-backoff\"
"
    );
    let generation = good(&builder(), &text, None).await.generation;
    let pipeline = &generation.named("default").expect("the tenant").spec().pipeline;
    let retry: Vec<_> = pipeline.retry.iter().map(|hook| (&*hook.name, hook.mode)).collect();
    assert_eq!(retry, [("second", witgate_policy::Mode::Shadow), ("first", witgate_policy::Mode::Enforce)]);
    assert_eq!((pipeline.validate.len(), pipeline.auth.len(), pipeline.sanitize.len()), (1, 0, 0));
    assert_eq!(pipeline.retry[0].digest, pipeline.retry[1].digest);
}
