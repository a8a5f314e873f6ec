use witgate_policy::{Call, Identity, Message, Sanitized, Admitted};

fn forge_admission(call: Call) -> Admitted {
    Admitted { call, identity: Identity::anonymous().into() }
}

fn forge_sanitation(message: Message) -> Sanitized {
    Sanitized { message }
}

fn main() {}
