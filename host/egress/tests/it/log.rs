//! What the operator reads.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use witgate_egress::http::Request;
use witgate_egress::{Client, ClientSpec};

use crate::world::{Body, CANARY, Dns, KeyFor, Reply, Server, Zone, ask, call, egress, get, rule, spec};

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Page {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text")
    }

    /// Everything that this process logs, of every crate, down to the finest. One for all tests, since what is logged is
    /// decided once for a process.
    fn open() -> &'static Self {
        static PAGE: LazyLock<Page> = LazyLock::new(|| {
            let page = Page::default();
            let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).without_time();
            log.with_writer(page.clone()).init();
            page
        });
        &PAGE
    }
}

#[tokio::test]
async fn a_refusal_says_who_where_and_why() {
    let page = Page::open();
    let dns = Dns::start(|_, _| Zone::at(&["10.0.0.1"])).await;
    let rules = vec![rule("https://api.example.com", &[])];
    let spec = ClientSpec { plugin: "refused".into(), ..spec(rules) };
    let client = Client::new(&egress(Some(dns.address)), spec);
    assert!(ask(&client.allowance(), get("https://api.example.com/")).await.is_err());
    assert!(ask(&client.allowance(), get("https://evil.example/path?q")).await.is_err());
    assert!(ask(&client.allowance(), get("https://a:b@evil.example/")).await.is_err());
    let text = page.text();
    let ours: Vec<_> = text.lines().filter(|line| line.contains("plugin=\"refused\"")).collect();
    assert_eq!(
        ours,
        [
            " WARN witgate::egress: request refused: api.example.com leads to 10.0.0.1, which is private (RFC 1918); list \
             it as one of the grant's `addresses` if the plugin should reach it tenant=\"acme\" plugin=\"refused\" \
             origin=\"https://api.example.com\"",
            " WARN witgate::egress: request refused: no grant allows https://evil.example; add it under `network` in \
             [plugin.grants] if the plugin should reach it tenant=\"acme\" plugin=\"refused\" \
             origin=\"https://evil.example\"",
            " WARN witgate::egress: request refused: its URL cannot be judged: it holds user information \
             tenant=\"acme\" plugin=\"refused\" origin=\"https://evil.example\"",
        ]
    );
}

#[tokio::test]
async fn a_secret_is_in_no_line() {
    let page = Page::open();
    let server = Server::start(|_| Reply::Close(b"HTTP/1.1 nonsense\r\n\r\n".to_vec())).await;
    let mut spec = spec(vec![rule(&server.url(), &[])]);
    spec.secrets = Arc::new(KeyFor(Some(server.url().parse().expect("an origin"))));
    let call = call(spec);
    let request = Request::get(server.url()).header("x-key", "${secret:KEY}").body(Body::default());
    let error = ask(&call, request.expect("a request")).await.expect_err("nonsense");
    let text = page.text();
    assert!(text.contains("witgate::egress"), "{text}");
    assert!(!text.contains(CANARY) && !format!("{error:?} {call:?}").contains(CANARY));
}
