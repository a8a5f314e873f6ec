use http::Request;

use super::*;

fn rules() -> Vec<Reach> {
    let rule = |origins: &str, methods: &[&str]| Reach {
        origins: origins.parse().expect("a pattern"),
        methods: methods.iter().map(ToString::to_string).collect(),
        addresses: Vec::new(),
    };
    vec![
        rule("https://api.example.com", &["GET", "POST", "CONNECT", "TRACE"]),
        rule("https://*.example.com:8443", &["GET"]),
        rule("http://127.0.0.1:8080", &["GET"]),
        rule("https://xn--pi-6kc.example.org", &["GET"]),
    ]
}

fn head(method: &str, url: &str, fields: &[(&str, &str)]) -> Result<Head, EgressError> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    judge(request.body(()).expect("a request").into_parts().0, &rules(), 1_000)
}

#[test]
fn a_url_becomes_its_one_spelling_or_is_refused() {
    #[track_caller]
    fn check(url: &str, want: Result<(&str, &str), &str>) {
        let got = head("GET", url, &[]);
        let got = got.map(|head| (head.fields[HOST].to_str().expect("text").to_owned(), head.target.to_string()));
        match want {
            Ok((host, target)) => assert_eq!(got, Ok((host.to_owned(), target.to_owned())), "{url}"),
            Err(part) => {
                let error = got.expect_err(url).to_string();
                assert!(error.contains(part), "{url}: {error}");
            }
        }
    }
    check("https://API.example.com./a/b?c=d", Ok(("api.example.com", "/a/b?c=d")));
    check("https://api.example.com:443", Ok(("api.example.com", "/")));
    check("https://api.example.com?x=https://evil.example", Ok(("api.example.com", "/?x=https://evil.example")));
    check("https://api.example.com//evil.example/x", Ok(("api.example.com", "//evil.example/x")));
    check("https://a.example.com:8443/", Ok(("a.example.com:8443", "/")));
    check("http://[::ffff:127.0.0.1]:8080/", Ok(("127.0.0.1:8080", "/")));
    check("https://xn--pi-6kc.example.org", Ok(("xn--pi-6kc.example.org", "/")));
    // The look-alike's neighbour is another name.
    check("https://api.example.org", Err("no grant allows https://api.example.org"));
    check("https://example.com:8443", Err("no grant allows"));
    check("https://evil.example", Err("no grant allows https://evil.example; add it under `network`"));
    check("http://api.example.com", Err("(the grant of https://api.example.com has another scheme)"));
    check("https://api.example.com:8444", Err("(the grant of https://api.example.com has another port)"));
    check("https://api.example.com:65536", Err("port"));
    check("https://api.example.com:0", Err("port"));
    check("https://user@api.example.com", Err("user information"));
    check("https://api.example.com@evil.example", Err("user information"));
    for address in ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1.5"] {
        check(&format!("http://{address}:8080"), Err("unusual form"));
    }
    check("http://[::1%25eth0]:8080", Err("unusual form"));
    check("http://127.0.0.2:8080", Err("no grant allows http://127.0.0.2:8080"));
    check("ftp://api.example.com", Err("http:// or https://"));
    check("/no-origin", Err("http:// or https://"));
    check("https://api.example.com/caf\u{e9}", Err("visible ASCII"));
}

#[test]
fn methods_are_what_was_granted_and_never_those_that_tunnel_or_reflect() {
    #[track_caller]
    fn check(method: &str, want: Result<(), &str>) {
        let got = head(method, "https://api.example.com/", &[]).map(|_| ()).map_err(|e| e.to_string());
        assert_eq!(got, want.map_err(str::to_owned), "{method}");
    }
    check("GET", Ok(()));
    check("POST", Ok(()));
    check("DELETE", Err("https://api.example.com is granted for GET, POST, CONNECT, TRACE, not for DELETE"));
    check("get", Err("https://api.example.com is granted for GET, POST, CONNECT, TRACE, not for get"));
    let never = "is never allowed: it opens a tunnel, or sends back what the host filled in";
    check("TRACE", Err(&format!("the method TRACE {never}")));
    check("CONNECT", Err(&format!("the method CONNECT {never}")));
}

#[test]
fn the_connection_is_the_hosts() {
    #[track_caller]
    fn check(fields: &[(&str, &str)], want: Option<&EgressError>) {
        assert_eq!(head("POST", "https://api.example.com/", fields).err().as_ref(), want, "{fields:?}");
    }
    check(&[("authorization", "Bearer x"), ("content-length", "5"), ("x-own", "1")], None);
    for ours in ["Host", "Connection", "TE", "Transfer-Encoding", "Upgrade", "Proxy-Authorization", "Expect"] {
        check(&[(ours, "x")], Some(&EgressError::Field(ours.to_ascii_lowercase())));
    }
    check(&[("proxy-anything", "x")], Some(&EgressError::Field("proxy-anything".into())));
    check(&[("content-length", "5"), ("content-length", "6")], Some(&EgressError::Length));
    check(&[("content-length", "5"), ("content-length", "5")], Some(&EgressError::Length));
    for length in ["", "+5", "-5", "5, 6", "0x5", "99999999999999999999"] {
        check(&[("content-length", length)], Some(&EgressError::Length));
    }
    check(&[("x", &"a".repeat(1_000))], Some(&EgressError::RequestHead(1_000)));
    let url = format!("https://api.example.com/{}", "a".repeat(1_000));
    assert_eq!(head("GET", &url, &[]).map(|_| ()), Err(EgressError::RequestHead(1_000)));
}

#[test]
fn a_plugin_with_fields_that_break_lines_has_no_such_fields() {
    for value in ["a\r\nHost: evil", "a\nb", "a\rb", "a\0b"] {
        assert!(HeaderValue::from_str(value).is_err(), "{value:?}");
    }
}

#[test]
fn secrets_are_filled_in_fields_and_do_not_show() {
    #[track_caller]
    fn check(value: &[u8], want: Result<&str, EgressError>) {
        let mut fields = HeaderMap::new();
        fields.insert("x-key", HeaderValue::from_bytes(value).expect("a value"));
        let got = fill_in(&mut fields, |name| match name {
            "KEY" => Some(Secret::new("s3cret")),
            "NESTED" => Some(Secret::new("${secret:KEY}")),
            "LINES" => Some(Secret::new("s3cret\r\nHost: evil")),
            _ => None,
        });
        if let Err(error) = &got {
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
        let got = got.map(|()| fields["x-key"].to_str().expect("text").to_owned());
        assert_eq!(got, want.map(str::to_owned));
        assert!(!format!("{fields:?}").contains("s3cret"), "{fields:?}");
    }
    let field = || "x-key".to_owned();
    check(b"Bearer ${secret:KEY}", Ok("Bearer s3cret"));
    check(b"plain $ and $${secret:KEY}", Ok("plain $ and ${secret:KEY}"));
    // What a secret holds is no template.
    check(b"${secret:NESTED}", Ok("${secret:KEY}"));
    check(b"${secret:OTHER}", Err(EgressError::Secret { field: field(), name: "OTHER".into() }));
    check(b"${KEY}", Err(EgressError::Template(field())));
    check(b"${secret:", Err(EgressError::Template(field())));
    check(b"\xff${secret:KEY}", Err(EgressError::Template(field())));
    check(b"${secret:LINES}", Err(EgressError::SecretForm(field())));
}

#[test]
fn a_head_has_so_many_places_for_secrets() {
    #[track_caller]
    fn check(values: &[String], want: &Result<(), EgressError>) {
        let mut fields = HeaderMap::new();
        for value in values {
            fields.append("x-key", HeaderValue::from_str(value).expect("a value"));
        }
        let asked = Cell::new(0);
        let long = "s".repeat(10_000);
        let got = fill_in(&mut fields, |_| {
            asked.set(asked.get() + 1);
            Some(Secret::new(&*long))
        });
        assert_eq!(&got, want);
        assert!(asked.get() <= 16, "asked for {}", asked.get());
    }
    let place = "${secret:KEY}";
    check(&[place.repeat(16)], &Ok(()));
    check(&vec![place.to_owned(); 16], &Ok(()));
    check(&[place.repeat(17)], &Err(EgressError::Placeholders(16)));
    check(&vec![place.to_owned(); 17], &Err(EgressError::Placeholders(16)));
    check(&[place.repeat(2_000)], &Err(EgressError::Placeholders(16)));
    // What is written with `$$` is no place.
    check(&[format!("$${{secret:KEY}}{place}").repeat(16)], &Ok(()));
}

#[test]
fn what_a_plugin_wrote_is_short_and_visible_in_an_error() {
    let long = format!("${{secret:{}}}", "A".repeat(500));
    let mut fields = HeaderMap::new();
    fields.insert("x-key", HeaderValue::from_str(&long).expect("a value"));
    let error = fill_in(&mut fields, |_| None).expect_err("no such secret");
    assert_eq!(error, EgressError::Secret { field: "x-key".into(), name: "A".repeat(NAME_BYTES) });
}

proptest::proptest! {
    /// Whatever the URL, nothing that is not granted passes, and what goes out names what was judged.
    #[test]
    fn only_what_is_granted_passes(
        scheme in "https?",
        authority in "[a-z0-9.@:\\[\\]%*-]{0,12}(\\.example\\.com|127\\.0\\.0\\.1)?(:[0-9]{1,5})?",
        path in "[/?][ -~]{0,12}",
    ) {
        let uri = Uri::builder().scheme(&*scheme).authority(&*authority).path_and_query(&*path).build();
        if let Ok(uri) = uri {
            let (mut parts, ()) = Request::new(()).into_parts();
            parts.uri = uri;
            if let Ok(head) = judge(parts, &rules(), 1_000) {
                assert!(rules().iter().any(|rule| rule.origins.matches(&head.origin)));
                assert_eq!(head.fields[HOST].to_str().ok(), Some(&*head.origin.authority()));
                assert!(head.target.authority().is_none() && head.target.to_string().starts_with('/'));
            }
        }
    }
}
