//! What a call costs, as ratios in one run. `cargo test --release -p witgate-sandbox -- --ignored --nocapture cost`

use std::time::Instant;

use witgate_policy::{Payload, Stage};
use witgate_test_guests::pass;

use crate::standard;
use crate::world::{ask, load, reuse, sandbox, spec};

const CALLS: u32 = 20_000;

#[tokio::test]
#[ignore = "a measurement, not a test"]
async fn cost() {
    let sandbox = sandbox();
    for (name, wasm, settings, kind) in [
        ("the smallest guest", pass(Stage::Route), "{}", Stage::Route),
        ("route-weighted", standard::read("route-weighted").expect("plugins/dist"), "{}", Stage::Route),
    ] {
        let mut micros = Vec::new();
        for spec in [spec(), reuse(1)] {
            let spec = witgate_sandbox::PluginSpec { settings: Payload::parse_str(settings).expect("JSON"), ..spec };
            let plugin = load(&sandbox, wasm.clone(), spec).await.expect("loads");
            let began = Instant::now();
            for _ in 0..CALLS {
                ask(&plugin, kind).await.expect("an answer");
            }
            micros.push(began.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
        }
        println!("{name}: fresh {:.1} µs, kept {:.1} µs, ratio {:.1}", micros[0], micros[1], micros[0] / micros[1]);
    }
}

/// What a byte costs: the processor time of a sanitizer that reads everything.
#[tokio::test]
#[ignore = "a measurement, not a test"]
async fn cost_of_size() {
    let mut roomy = spec();
    roomy.limits.guest_time_ms = Some(60_000);
    roomy.limits.wall_time_ms = 60_000;
    roomy.limits.memory_bytes = Some(256 << 20);
    let plugin =
        load(&sandbox(), standard::read("sanitize-redact").expect("plugins/dist"), roomy).await.expect("loads");
    let plugin = plugin.output_sanitizer().expect("sanitize");
    for kib in [4, 64, 256, 1024, 4096] {
        let began = Instant::now();
        standard::sanitize_large(&plugin, kib << 10).await;
        println!("{kib} KiB: {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
    }
}
