//! Witgate plugin: callers known by an API key.
