use witgate_policy::{Call, Pipeline, ToolBook};

async fn skip(pipeline: &Pipeline, call: Call, tools: &dyn ToolBook) {
    let _ = pipeline.validate(call, tools).await;
}

fn main() {}
