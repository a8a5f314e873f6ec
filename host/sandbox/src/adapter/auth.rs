use wasmtime::component::{ComponentType, Lower};
use witgate_policy::{Answer, AuthVerdict, Authenticator, Call, Challenge, Peer, Presented, Stage, answer};

use super::words;
use crate::bindings::auth::Auth;
use crate::bindings::auth::exports::witgate::auth::authenticator as wit;
use crate::kind::Contract;
use crate::quarantine::Caller;
use crate::runner::Runner;

/// `header`, lent.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct Header<'a> {
    name: &'a str,
    value: &'a [u8],
}

impl Contract for Auth {
    const KIND: Stage = Stage::Auth;
    const DECIDES: &'static str = "authenticate";
    type Told<'a> = (words::Call<'a>, Vec<Header<'a>>, wit::Peer);
    type Said = (wit::Verdict,);
}

impl Authenticator for Runner<Auth> {
    fn authenticate<'a>(&'a self, call: &'a Call, presented: &'a Presented) -> Answer<'a, AuthVerdict> {
        let caller = Caller::Address(&presented.peer.address);
        let headers = || presented.headers.iter().map(|(name, value)| Header { name, value }).collect();
        Box::pin(self.ask(
            caller,
            0,
            move |_| Ok((words::call(call), headers(), peer(&presented.peer))),
            |(said,)| answer::auth(verdict(said)),
        ))
    }
}

fn peer(peer: &Peer) -> wit::Peer {
    let certificate = peer.certificate.as_ref().map(|certificate| wit::Certificate {
        subject: certificate.subject.clone(),
        names: certificate.names.clone(),
        fingerprint: certificate.fingerprint.clone(),
    });
    wit::Peer { address: peer.address.to_string(), certificate }
}

fn verdict(verdict: wit::Verdict) -> AuthVerdict {
    match verdict {
        wit::Verdict::Allow(identity) => AuthVerdict::Allow(words::told_identity(identity)),
        wit::Verdict::Challenge(wit::Challenge { scheme, error, description, scope }) => {
            AuthVerdict::Challenge(Challenge { scheme, error, description, scope })
        }
        wit::Verdict::Deny(refusal) => AuthVerdict::Deny(words::refusal(refusal, Stage::Auth)),
        wit::Verdict::Abstain => AuthVerdict::Abstain,
    }
}
