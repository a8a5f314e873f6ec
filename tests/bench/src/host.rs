//! The host's own steps: what every message costs, whatever the plugins are.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use witgate_gateway::wire::{self, RequestId};
use witgate_policy::json::{Edit, Limits};
use witgate_policy::{Payload, Pipeline, Sanitized};

use crate::hooks::{NoTools, walk};
use crate::messages::{call, message, presented, request, result};
use crate::{Part, Work};

pub(crate) const PARTS: [Part; 9] = [
    Part { name: "decode", bytes: 0, prepare: decode },
    Part { name: "strict_1k", bytes: 1 << 10, prepare: || strict(1 << 10) },
    Part { name: "strict_64k", bytes: 64 << 10, prepare: || strict(64 << 10) },
    Part { name: "strict_1m", bytes: 1 << 20, prepare: || strict(1 << 20) },
    Part { name: "get", bytes: 0, prepare: get },
    Part { name: "edit", bytes: 0, prepare: edit },
    Part { name: "encode_1k", bytes: 0, prepare: || encode(1 << 10) },
    Part { name: "encode_64k", bytes: 0, prepare: || encode(64 << 10) },
    Part { name: "pipeline", bytes: 0, prepare: pipeline },
];

/// Bytes to an envelope.
fn decode() -> Work {
    let bytes = Bytes::from(request());
    Box::new(move || {
        black_box(wire::decode(black_box(bytes.clone()), Limits::default()).expect("a message"));
    })
}

/// What an upstream answered, held against all that JSON has to be.
fn strict(bytes: usize) -> Work {
    let text = ByteString::from(result(bytes));
    Box::new(move || {
        black_box(Payload::parse(black_box(text.clone()), Limits::default()).expect("JSON"));
    })
}

/// What a plugin reads of the parameters.
fn get() -> Work {
    let params = call().params().clone();
    Box::new(move || {
        black_box(params.get(black_box("/arguments/text")).expect("a member"));
    })
}

/// What a sanitizer changes in a result of 1 KiB.
fn edit() -> Work {
    let payload = message(1 << 10).payload;
    let edits = [Edit::set("/content/0/text", "\"[redacted]\""), Edit::remove("/structuredContent/rows/1/customer")];
    Box::new(move || {
        black_box(payload.edit(black_box(&edits), Limits::default()).expect("edits that apply"));
    })
}

/// A result to bytes.
fn encode(bytes: usize) -> Work {
    let (id, answer) = (RequestId::Number(1_000_000), sanitized(bytes));
    Box::new(move || {
        black_box(wire::encode::answer(black_box(&id), black_box(&answer)));
    })
}

fn sanitized(bytes: usize) -> Sanitized {
    let pipeline = Pipeline::default();
    crate::hooks::ready(async {
        let admitted = pipeline.admit(call(), &presented()).await.expect("admitted");
        pipeline.sanitize((&admitted).into(), message(bytes)).await.expect("sanitized")
    })
}

/// All stages without a plugin.
fn pipeline() -> Work {
    let pipeline = Arc::new(Pipeline::default());
    let message = message(1 << 10);
    Box::new(move || {
        black_box(walk(&pipeline, &NoTools, message.clone()));
    })
}
