use std::path::Path;

use super::*;
use witgate_gateway::upstream::{Stdio, Transport};

use witgate_config::Config;

/// Imports, and checks that the result is a good configuration.
fn good(text: &str) -> (Imported, Config) {
    let imported = import("servers.json", text).expect("imports");
    let config = Config::parse("servers.toml", &imported.toml, Path::new(""), &|_| Some("value".to_owned()));
    (imported, config.map_err(|problems| problems.to_string()).expect("a good configuration"))
}

#[test]
fn claude_desktop() {
    let (imported, config) = good(
        r#"{
          "globalShortcut": "Ctrl+Space",
          "mcpServers": {
            "filesystem": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/me"]},
            "GitHub Server": {
              "command": "docker", "args": ["run", "-i", "ghcr.io/github/github-mcp-server"],
              "env": {"GITHUB_PERSONAL_ACCESS_TOKEN": "ghp_x", "LIMIT": 3}, "autoApprove": ["search"]
            },
            "old": {"command": "old", "disabled": true}
          }
        }"#,
    );
    insta::assert_snapshot!("claude_desktop", format!("{}\nnotes:\n{}", imported.toml, imported.notes.join("\n")));
    let prefixes: Vec<_> = config.tenants[0].groups.iter().map(|group| group.prefix.as_str()).collect();
    assert_eq!(prefixes, ["filesystem", "github-server"]);
}

#[test]
fn vs_code() {
    let (imported, config) = good(
        r#"{
          "inputs": [{"type": "promptString", "id": "api-key", "password": true}],
          "servers": {
            "search": {"type": "http", "url": "https://search.example/mcp",
                       "headers": {"Authorization": "Bearer ${input:api-key}", "X-Home": "${env:HOME}"}},
            "local": {"type": "stdio", "command": "${workspaceFolder}/server", "envFile": ".env"}
          }
        }"#,
    );
    insta::assert_snapshot!("vs_code", format!("{}\nnotes:\n{}", imported.toml, imported.notes.join("\n")));
    let Transport::Http(http) = &config.tenants[0].groups[0].upstreams[0].transport else {
        panic!("search is reached by HTTP");
    };
    assert!(http.headers.contains(&("authorization".to_owned(), "Bearer value".to_owned())), "{:?}", http.headers);
}

#[test]
fn a_type_says_how_a_url_is_spoken_to() {
    #[track_caller]
    fn check(kind: &str, sse: bool, notes: &[&str]) {
        let (imported, config) =
            good(&format!(r#"{{"mcpServers": {{"s": {{{kind} "url": "https://search.example/sse"}}}}}}"#));
        let transport = &config.tenants[0].groups[0].upstreams[0].transport;
        assert_eq!(matches!(transport, Transport::Sse(_)), sse, "{kind} {transport:?}");
        assert_eq!(imported.notes, notes, "{kind}");
    }
    check("", false, &[]);
    check(r#""type": "http","#, false, &[]);
    check(r#""type": "streamable-http","#, false, &[]);
    check(r#""type": "sse","#, true, &[]);
    check(r#""transport": "sse","#, true, &[]);
    check(r#""type": "stdio","#, false, &[r#"`s` has a url and is of type "stdio": taken for Streamable HTTP"#]);
}

#[test]
fn one_server_has_plain_names_and_awkward_text_stays() {
    let (_, config) = good(
        r#"{"mcpServers": {"a": {"command": "a b\"c\n'''\u0007", "args": ["$${x}", "${not a name}", "${"], "env": {"A.B c": ""}}}}"#,
    );
    let group = &config.tenants[0].groups[0];
    assert_eq!(group.prefix, "");
    let Transport::Stdio(Stdio { command, args, env, .. }) = &group.upstreams[0].transport else { panic!("a child") };
    assert_eq!(command, "a b\"c\n'''\u{7}");
    assert_eq!(args, &["$${x}", "${not a name}", "${"]);
    assert_eq!(env.get("A.B c").map(String::as_str), Some(""));
}

#[test]
fn names_stay_unique() {
    let mut taken = BTreeSet::new();
    let names = ["A b", "a-b", "a_b", "…"].map(|name| unique(name, &mut taken));
    assert_eq!(names, ["a-b", "a-b-2", "a-b-3", "server"]);
}

#[test]
fn what_is_no_list_of_servers_is_refused() {
    #[track_caller]
    fn check(text: &str, want: &str) {
        let error = import("f.json", text).expect_err("an error").to_string();
        assert!(error.contains(want), "{error}");
    }
    check("{", "f.json is not JSON: EOF while parsing an object at line 1");
    check("[]", "f.json has no servers");
    check(r#"{"mcpServers": []}"#, "f.json has no servers");
    check(r#"{"mcpServers": {"a": {"disabled": true}}}"#, "f.json has no servers");
}
