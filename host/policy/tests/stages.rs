//! Skipping a stage does not compile: each file in `stages/` is a program that tries, with what the compiler says.

#[test]
fn skipping_a_stage_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/stages/*.rs");
}
