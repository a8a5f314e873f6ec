use witgate_policy::{Answer, AuthVerdict, Authenticator, Call, Challenge, Peer, Presented, Stage, answer};

use super::words;
use crate::bindings::auth::Auth;
use crate::bindings::auth::exports::witgate::auth::authenticator as wit;
use crate::quarantine::Caller;
use crate::runner::Runner;

impl Authenticator for Runner<Auth> {
    fn authenticate<'a>(&'a self, call: &'a Call, presented: &'a Presented) -> Answer<'a, AuthVerdict> {
        let caller = Caller::Address(&presented.peer.address);
        let header = |(name, value): &(String, Vec<u8>)| wit::Header { name: name.clone(), value: value.clone() };
        let call = words::call(call);
        let headers: Vec<_> = presented.headers.iter().map(header).collect();
        let peer = peer(&presented.peer);
        Box::pin(self.ask(
            caller,
            0,
            move |guest, store| {
                Box::pin(async move {
                    guest.witgate_auth_authenticator().call_authenticate(store, &call, &headers, &peer).await
                })
            },
            |said| answer::auth(verdict(said)),
        ))
    }
}

fn peer(peer: &Peer) -> wit::Peer {
    let certificate = peer.certificate.as_ref().map(|certificate| wit::Certificate {
        subject: certificate.subject.clone(),
        names: certificate.names.clone(),
        fingerprint: certificate.fingerprint.clone(),
    });
    wit::Peer { address: peer.address.clone(), certificate }
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
