//! One adapter for each kind: the host's words to the contract's, the guest's verdict back, and everything that the
//! guest said looked at on the way. What the contract does not allow is a fault that says what it was.
//!
//! The pipeline checks what needs to be known of the message (whether an edit applies, whether an order names
//! candidates); here is checked what can be seen in the answer alone.

mod auth;
mod check;
mod credential;
mod retry;
mod route;
mod sanitize;
mod validate;
mod words;
