//! Witgate plugin: arguments checked against the tool's schema and the operator's rules.
