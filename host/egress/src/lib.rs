//! Requests of plugins to the outside.
