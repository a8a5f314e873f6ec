use witgate_policy::{Call, Identity, Message, Sanitized, Admitted};

fn forge_admission(call: Call) -> Admitted {
    Admitted { call, identity: Identity::anonymous() }
}

fn forge_sanitation(message: Message) -> Sanitized {
    Sanitized { message }
}

fn main() {}
