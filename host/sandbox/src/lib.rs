//! witgate-sandbox
