//! Witgate plugin: calls counted by key and window.
