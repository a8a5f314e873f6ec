//! How the verdicts of each kind lie in memory (canonical ABI), for guests that answer badly. A verdict is a variant:
//! one byte that says which case, and from [`PAYLOAD`] on what belongs to it.

use witgate_policy::Stage;

/// Where a case's payload begins in an answer.
pub const PAYLOAD: u32 = 4;

/// The case that gives no opinion and does no harm: abstains, accepts, gives up, passes. A credential plugin has none;
/// it refuses, since an answer without headers would be kept and it would not be asked again.
pub fn calm(kind: Stage) -> u32 {
    match kind {
        Stage::Auth => 3,
        Stage::Route => 2,
        Stage::Credential => 1,
        Stage::Validate | Stage::Retry | Stage::Sanitize => 0,
    }
}

/// The case that holds text for a client, and where the text's address and length lie: the message of a refusal, or,
/// for a retry strategy, which refuses nothing, its fallback.
pub fn text(kind: Stage) -> (u32, u32) {
    let case = match kind {
        Stage::Auth | Stage::Validate => 2,
        Stage::Credential | Stage::Route => 1,
        Stage::Sanitize => 3,
        Stage::Retry => return (2, PAYLOAD),
    };
    (case, PAYLOAD + 4)
}

/// The case that holds a list, and where the list's address and length lie: scopes, headers, edits, an order. `None`
/// for a retry strategy, whose answers have no lists.
pub fn list(kind: Stage) -> Option<(u32, u32)> {
    match kind {
        // The subject and the issuer come first.
        Stage::Auth => Some((0, PAYLOAD + 16)),
        Stage::Credential | Stage::Route => Some((0, PAYLOAD)),
        Stage::Validate | Stage::Sanitize => Some((1, PAYLOAD)),
        Stage::Retry => None,
    }
}

/// Instructions that leave an answer with this case and nothing else in it.
pub fn answer(case: u32) -> String {
    format!("(i32.store8 (global.get $answer) (i32.const {case})) global.get $answer")
}

/// Instructions that leave an answer with this case, and an address and a length at `at`.
pub fn answer_with(case: u32, at: u32, address: u32, length: u32) -> String {
    format!(
        "(i32.store offset={at} (global.get $answer) (i32.const {}))
         (i32.store offset={} (global.get $answer) (i32.const {})) {}",
        address.cast_signed(),
        at + 4,
        length.cast_signed(),
        answer(case)
    )
}

/// Instructions for the locals of a decision: where the text by which a guest tells one call from another lies, and its
/// length. For a credential plugin it is the upstream's id, for all others what the call addresses.
pub fn subject(kind: Stage) -> (&'static str, &'static str) {
    match kind {
        Stage::Credential => ("(i32.load (local.get 0))", "(i32.load offset=4 (local.get 0))"),
        _ => ("(i32.load offset=28 (local.get 0))", "(i32.load offset=32 (local.get 0))"),
    }
}
