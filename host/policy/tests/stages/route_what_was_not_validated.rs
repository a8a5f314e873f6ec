use witgate_policy::{Admitted, Candidate, Pipeline};

async fn skip(pipeline: &Pipeline, admitted: &Admitted, candidates: &[Candidate]) {
    let _ = pipeline.route(admitted, candidates).await;
}

fn main() {}
