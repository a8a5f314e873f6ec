//! Witgate plugin: upstreams chosen by weight, label, key or load.
