use witgate_policy::{Call, Message, Pipeline};

async fn skip(pipeline: &Pipeline, call: &Call, message: Message) {
    let _ = pipeline.sanitize(call.into(), message).await;
}

fn main() {}
