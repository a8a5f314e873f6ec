//! One adapter for each kind: the host's words to the contract's, and the guest's back. Fields are moved and nothing is
//! judged: what a guest may answer is `witgate_policy::answer`'s to say, and what it may not is a fault.

mod auth;
mod credential;
mod retry;
mod route;
mod sanitize;
mod validate;
mod words;
