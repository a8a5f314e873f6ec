//! witgate-state
