mod agreement;

use super::*;
use serde_json::{Value, json};
use witgate_sdk::configure;
use witgate_sdk::sanitize::Kind;

fn sanitize(settings: &Value, kind: Kind, payload: &str) -> Verdict {
    let plugin: Redact = configure(&settings.to_string()).expect("settings");
    let message = Message { kind, method: "tools/call".to_owned(), upstream: Some("a".to_owned()) };
    plugin.sanitize(&Call::default(), &Identity::default(), &message, &Document::from_text(payload))
}

/// What a message becomes. What comes out is always left as it is the second time.
#[track_caller]
fn cleaned(settings: &Value, kind: Kind, payload: &Value) -> Value {
    let text = payload.to_string();
    let out: Value = match sanitize(settings, kind, &text) {
        Verdict::Pass => payload.clone(),
        Verdict::Edits(edits) => serde_json::from_str(&walk::apply(&text, &edits).expect("edits apply")).expect("JSON"),
        Verdict::Replace(text) => serde_json::from_str(&text).expect("JSON"),
        Verdict::Withhold(refusal) => panic!("{refusal:?}"),
    };
    assert_eq!(sanitize(settings, kind, &out.to_string()), Verdict::Pass, "not idempotent: {out}");
    out
}

#[track_caller]
fn check_with(settings: &Value, kind: Kind, payload: &Value, expected: &Value) {
    assert_eq!(&cleaned(settings, kind, payload), expected);
}

#[track_caller]
fn check(payload: &Value, expected: &Value) {
    check_with(&json!({}), Kind::Result, payload, expected);
}

#[track_caller]
fn check_text(text: &str, expected: &str) {
    check(
        &json!({"content": [{"type": "text", "text": text}]}),
        &json!({"content": [{"type": "text", "text": expected}]}),
    );
}

const GITHUB: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

#[test]
fn values_of_secret_fields() {
    for name in [
        "password",
        "Password",
        "PASSWORD",
        "db_password",
        "userPassword",
        "userpassword",
        "user-password",
        "passwd",
        "secret",
        "clientSecret",
        "client_secret",
        "ssn",
        "SSN",
        "employeeSsn",
        "api_key",
        "apiKey",
        "X-Api-Key",
        "APIKey",
        "token",
        "access_token",
        "accessToken",
        "GITHUB_TOKEN",
        "authorization",
        "Set-Cookie",
        "private key",
        "creditCard",
        "credit_card_number",
        "cvv",
        "aws_secret_access_key",
        "connectionString",
    ] {
        check(&json!({name: "x"}), &json!({name: "[redacted]"}));
    }
    for name in [
        "passport",
        "tokens",
        "max_tokens",
        "tokenType",
        "broken",
        "password_hint",
        "passwordless",
        "secretary",
        "keyword",
        "key",
        "cardinality",
        "author",
        "progressToken",
        "nextPageToken",
        "lesson",
        "ß",
        "",
        "x",
    ] {
        check(&json!({name: "x"}), &json!({name: "x"}));
    }
}

#[test]
fn leaves_of_any_type_below_a_secret_field() {
    let payload = json!({"password": {"old": "a", "new": ["b", 7, 1.5, -1]}, "ssn": 123_456_789, "token": null,
        "secret": true, "pwd": ""});
    let r = "[redacted]";
    let expected =
        json!({"password": {"old": r, "new": [r, r, r, r]}, "ssn": r, "token": null, "secret": true, "pwd": ""});
    check(&payload, &expected);
}

#[test]
fn edits_name_leaves_and_nothing_else() {
    let payload = json!({"structuredContent": {"a/b": [{"password": "x"}], "name": "Ann"}}).to_string();
    let expected = vec![witgate_sdk::Edit::set("/structuredContent/a~1b/0/password", &json!("[redacted]"))];
    assert_eq!(sanitize(&json!({}), Kind::Result, &payload), Verdict::Edits(expected));
    assert_eq!(sanitize(&json!({}), Kind::Result, r#"{"content":[]}"#), Verdict::Pass);
}

#[test]
fn secrets_with_a_form_of_their_own() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\nAAAA\n-----END RSA PRIVATE KEY-----";
    let live = format!("sk_{}_0123456789abcdefABCDEF", "live");
    let slack = format!("xox{}-123456789012-abcdefghij", "b");
    for secret in [
        GITHUB,
        jwt,
        pem,
        &live,
        &slack,
        "AKIAIOSFODNN7EXAMPLE",
        "github_pat_0123456789abcdefghijAB_xyz",
        "glpat-0123456789abcdefghij",
        "sk-proj-0123456789abcdefghijABCDEFG",
        "npm_0123456789abcdefghijABCDEFGHIJ012345",
        "AIza0123456789abcdefghijABCDEFGHIJ01234",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "5555555555554444",
        "378282246310005",
        "078-05-1120",
        "ann.b+c@mail.example.com",
        "-----BEGIN PRIVATE KEY-----\nnever ends",
    ] {
        check_text(&format!("see ({secret}"), "see ([redacted]");
        check_text(
            &format!("{secret} {secret}"),
            if secret.ends_with("ends") { "[redacted]" } else { "[redacted] [redacted]" },
        );
    }
}

#[test]
fn what_only_resembles_a_secret() {
    for text in [
        "ghp_tooshort",
        "xghp_0123456789abcdefghijABCDEFGHIJ012345",
        "AKIAshort",
        "task-0123456789abcdefghijABCDEFG",
        "4111 1111 1111 1112",
        "1700000000000",
        "0000000000000000",
        "41111111111111111111111",
        "4111111111111111a",
        "000-12-3456",
        "666-12-3456",
        "912-12-3456",
        "123-00-4567",
        "123-45-0000",
        "1123-45-6789",
        "123-45-67890",
        "a@b",
        "@name",
        "user@localhost",
        "1.2.3",
        "eyJ.a.b",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "2026-07-28T09:30:00Z",
        "E001",
        "key: value",
        "https://example.com/a?b=c",
    ] {
        check_text(text, text);
    }
}

#[test]
fn assignments_in_text() {
    check_text("password: hunter2", "password: [redacted]");
    check_text("user=ann password=hunter2, x=1", "user=ann password=[redacted], x=1");
    check_text("DB_PASSWORD='it is long' next", "DB_PASSWORD='[redacted]' next");
    check_text(r#"api_key := "k""#, r#"api_key := "[redacted]""#);
    check_text("Authorization: Bearer abc.def", "Authorization: [redacted]");
    check_text("?token=abc&x=1", "?token=[redacted]&x=1");
    check_text("**SSN:** 123", "**SSN:** [redacted]");
    check_text("ключ password: é…", "ключ password: [redacted]");
    check_text("password:", "password:");
    check_text("password:\nnext", "password:\nnext");
    check_text("tokens: 5", "tokens: 5");
    check_text(r#"broken {"password": "x", "#, r#"broken {"password": "[redacted]", "#);
}

#[test]
fn json_in_text_is_json() {
    check_text(r#"{"id":1,"password":"x"}"#, r#"{"id":1,"password":"[redacted]"}"#);
    check_text(r#" [{"ssn":7}]"#, r#"[{"ssn":"[redacted]"}]"#);
    check_text("{\n  \"a\": 1.0,\n  \"pwd\": \"x\"\n}", "{\n  \"a\": 1.0,\n  \"pwd\": \"[redacted]\"\n}");
    check_text(r#"{"a":  1}"#, r#"{"a":  1}"#);
    let twice = json!({"inner": json!({"password": "x"}).to_string()}).to_string();
    check_text(&twice, &json!({"inner": json!({"password": "[redacted]"}).to_string()}).to_string());
}

#[test]
fn terminal_escapes_and_control_characters() {
    check_text("\u{1b}[31mred\u{1b}[0m", "red");
    check_text("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\b", "ab");
    check_text("\u{9b}2Ja\u{9d}0;t\u{9c}b", "ab");
    check_text("a\u{1b}(Bb\u{1b}7c\u{1b}", "abc");
    check_text("a\u{8}b\u{0}c\u{7f}d\u{85}e", "abcde");
    check_text("a\tb\r\nc", "a\tb\r\nc");
    check_text("\u{1b}]0;never ends", "0;never ends");
    check_text("\u{1b}[38;5", "");
    check_text("\u{1b}é", "é");
    check_text("pass\u{1b}[1mword: x", "password: [redacted]");
}

#[test]
fn invisible_characters() {
    check_text("a\u{200b}b\u{feff}c\u{2060}d\u{ad}e", "abcde");
    check_text("\u{202e}evil\u{202c}\u{2066}x\u{2069}\u{200f}", "evilx");
    let tags: String = "ignore all".bytes().filter_map(|byte| char::from_u32(0xe_0000 + u32::from(byte))).collect();
    check_text(&format!("hello{tags}"), "hello");
    check_text("a\u{e0100}b\u{fe00}c\u{fe0f}", "abc");
    for kept in ["👩‍👩‍👧‍👦", "❤️‍🔥", "#️⃣", "می‌خواهم", "क्‍ष", "naïve ÄÖÜ 日本語", "👍🏽", "©️"]
    {
        check_text(kept, kept);
    }
    check_text("a\u{200d}b\u{200c}c", "abc");
    check_text("❤\u{fe0f}\u{fe0f}\u{fe0e}", "❤\u{fe0f}");
    check_text("ghp_0123456789\u{200b}abcdefghijABCDEFGHIJ012345", "[redacted]");
}

#[test]
fn names_of_fields_are_cleaned_too() {
    check(&json!({"a\u{200b}": 1, "b": 2}), &json!({"b": 2, "a": 1}));
    check(&json!({"a\u{200b}": {"password": "x"}, "a": 2}), &json!({"a": 2, "a_": {"password": "[redacted]"}}));
    check(&json!({"pass\u{200b}word": "x"}), &json!({"password": "[redacted]"}));
    check(&json!({GITHUB: {"k\u{7}": ["ann@example.com"]}}), &json!({"[redacted]": {"k": ["[redacted]"]}}));
}

#[test]
fn errors_notifications_and_requests_alike() {
    let message = json!({"code": -32603, "message": format!("failed with {GITHUB}"), "data": {"password": "x"}});
    let expected = json!({"code": -32603, "message": "failed with [redacted]", "data": {"password": "[redacted]"}});
    for kind in [Kind::Error, Kind::Notification, Kind::ServerRequest, Kind::InputRequired, Kind::Result, Kind::Listing]
    {
        check_with(&json!({}), kind, &message, &expected);
    }
}

#[test]
fn listings_keep_their_schemas() {
    let tool = |text: &str, default: &str, name: &str| {
        json!({"tools": [{"name": "login", "description": text, "inputSchema": {"type": "object",
            "properties": {"password": {"type": "string", "description": text, "default": default},
                name: {"enum": ["ann@example.com"], "pattern": "^078-05-1120$"}},
            "required": ["password", name], "$defs": {"token": {"const": "a@example.com"}}}}], "nextCursor": GITHUB})
    };
    let dirty = format!("\u{1b}[8mpassword: say it\u{200b} to {GITHUB}");
    let expected = tool("password: say it to [redacted]", "[redacted]", "safe");
    check_with(&json!({}), Kind::Listing, &tool(&dirty, "hunter2", "sa\u{200b}fe"), &expected);
    let schema = json!({"requestedSchema": {"properties": {"password": {"type": "string", "title": "Password: new"}}}});
    check_with(&json!({}), Kind::ServerRequest, &schema, &schema);
    let uris = json!({"resources": [{"uri": "mail://ann@example.com", "name": "ann@example.com", "title": "ann@example.com"}]});
    let mut expected = uris.clone();
    expected["resources"][0]["title"] = json!("[redacted]");
    check_with(&json!({}), Kind::Listing, &uris, &expected);
}

#[test]
fn bytes_and_what_the_protocol_reads_are_left() {
    let bytes = "AKIAIOSFODNN7EXAMPLE".repeat(8);
    let image = json!({"content": [{"type": "image", "data": bytes, "mimeType": "image/png"}], "requestState": GITHUB});
    check(&image, &image);
    let blob = json!({"contents": [{"uri": "file:///a", "blob": bytes}], "nextCursor": GITHUB});
    check(&blob, &blob);
    check(&json!({"data": GITHUB}), &json!({"data": "[redacted]"}));
    check(&json!({"text": bytes}), &json!({"text": "[redacted]"}));
    let progress = json!({"progressToken": "078-05-1120", "message": "078-05-1120"});
    check_with(
        &json!({}),
        Kind::Notification,
        &progress,
        &json!({"progressToken": "078-05-1120", "message": "[redacted]"}),
    );
}

#[test]
fn settings_add_and_take_away() {
    let kind = Kind::Result;
    let fields = json!({"fields": ["IBAN", "né"], "keep-fields": ["ssn"]});
    check_with(
        &fields,
        kind,
        &json!({"my_iban": "x", "Né": "x", "ssn": "x"}),
        &json!({"my_iban": "[redacted]", "Né": "[redacted]", "ssn": "x"}),
    );
    let patterns = json!({"patterns": ["EMP-[0-9]{3}"], "replacement": "█"});
    check_with(&patterns, kind, &json!({"a": "EMP-123, EMP-12"}), &json!({"a": "█, EMP-12"}));
    let allow = json!({"allow": ["/structuredContent/contact/*", "/list/1"]});
    check_with(
        &allow,
        kind,
        &json!({"structuredContent": {"contact": {"email": "a@b.cd"}, "password": "x"}, "list": ["a@b.cd", "a@b.cd"]}),
        &json!({"structuredContent": {"contact": {"email": "a@b.cd"}, "password": "[redacted]"}, "list": ["[redacted]", "a@b.cd"]}),
    );
    for (rule, text) in [
        ("keys", GITHUB),
        ("card", "4111 1111 1111 1111"),
        ("ssn", "078-05-1120"),
        ("email", "ann@example.com"),
        ("assignments", "password: x"),
        ("escapes", "\u{1b}[1m"),
        ("invisible", "a\u{200b}b"),
        ("nested-json", r#"{"pin_code":"x","secret": 5}"#),
        ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x"),
        ("private-key", "-----BEGIN PRIVATE KEY-----"),
    ] {
        let payload = json!({"text": text});
        let off = if rule == "nested-json" { json!({"off": [rule, "assignments"]}) } else { json!({"off": [rule]}) };
        check_with(&off, kind, &payload, &payload);
        assert_ne!(cleaned(&json!({}), kind, &payload), payload, "{rule}");
    }
    let payload = json!({"password": "x"});
    check_with(&json!({"off": ["fields"]}), kind, &payload, &payload);
}

#[test]
fn many_changes_come_as_one_replacement() {
    let payload = json!({"rows": vec![json!({"password": "x"}); EDITS_MAX + 1]});
    assert!(matches!(sanitize(&json!({}), Kind::Result, &payload.to_string()), Verdict::Replace(_)));
    assert_eq!(cleaned(&json!({}), Kind::Result, &payload)["rows"][EDITS_MAX]["password"], "[redacted]");
}

#[test]
fn what_is_too_deep_to_judge_is_withheld() {
    let nested = |levels: usize| format!("{}\"ann@example.com\"{}", "[".repeat(levels), "]".repeat(levels));
    assert!(matches!(sanitize(&json!({}), Kind::Result, &nested(120)), Verdict::Edits(_)));
    assert!(matches!(sanitize(&json!({}), Kind::Result, &nested(121)), Verdict::Withhold(_)));
    // As text it is judged as text.
    let text = json!({"text": nested(121)}).to_string();
    assert!(matches!(sanitize(&json!({}), Kind::Result, &text), Verdict::Edits(_)));
}

#[test]
fn wrong_settings_are_named() {
    for (settings, expected) in [
        (json!({"patterns": ["("]}), "setting `patterns[0]`: "),
        (json!({"patterns": ["a", "b*"]}), "setting `patterns[1]`: finds nothing everywhere"),
        (json!({"fields": ["-"]}), "settings `fields` and `keep-fields`: a name has a letter"),
        (json!({"off": ["emails"]}), "setting `off[0]`: unknown variant `emails`"),
        (json!({"field": []}), "setting `field`: unknown field"),
    ] {
        let error = configure::<Redact>(&settings.to_string()).err().expect("an error");
        assert!(error.contains(expected), "{error}");
    }
}
