use witgate_policy::{Call, Lookup, Validated};

fn skip(call: &Call) {
    let _ = Validated::lookup(call, Lookup::Tools, None);
}

fn main() {}
