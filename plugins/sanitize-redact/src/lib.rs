//! Witgate plugin: secrets and hidden text taken out of what a model reads.
