//! Witgate plugin: a named secret shown to an upstream.
