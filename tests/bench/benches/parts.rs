//! Every part by itself: `tests/bench/run parts`, with arguments of divan, as a part's name.

use divan::Bencher;
use divan::counter::BytesCount;
use witgate_bench::Part;

fn main() {
    divan::main();
}

fn names(parts: impl Iterator<Item = Part>) -> Vec<&'static str> {
    parts.map(|part| part.name).collect()
}

#[divan::bench(args = names(Part::of_host()))]
fn host(bencher: Bencher<'_, '_>, name: &str) {
    run(bencher, name);
}

/// With two threads each takes as long as with one, where the machine has two processors.
#[divan::bench(args = names(Part::of_hooks()), threads = [1, 2])]
fn hooks(bencher: Bencher<'_, '_>, name: &str) {
    run(bencher, name);
}

fn run(bencher: Bencher<'_, '_>, name: &str) {
    let Some(part) = Part::named(name) else { return };
    let work = part.prepare();
    if part.bytes > 0 {
        bencher.counter(BytesCount::new(part.bytes)).bench(&work);
    } else {
        bencher.bench(&work);
    }
}
