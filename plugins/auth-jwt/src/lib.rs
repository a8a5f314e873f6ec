//! Witgate plugin: callers known by a signed JSON Web Token.
