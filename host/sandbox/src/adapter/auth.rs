use witgate_policy::{Answer, AuthVerdict, Authenticator, Call, Challenge, Fault, Peer, Presented, Stage};

use super::{check, words};
use crate::bindings::auth::Auth;
use crate::bindings::auth::exports::witgate::auth::authenticator as wit;
use crate::runner::Runner;

impl Authenticator for Runner<Auth> {
    fn authenticate<'a>(&'a self, call: &'a Call, presented: &'a Presented) -> Answer<'a, AuthVerdict> {
        let header = |(name, value): &(String, Vec<u8>)| wit::Header { name: name.clone(), value: value.clone() };
        let call = words::call(call);
        let headers: Vec<_> = presented.headers.iter().map(header).collect();
        let peer = peer(&presented.peer);
        Box::pin(self.ask(
            0,
            move |guest, store| {
                Box::pin(async move {
                    guest.witgate_auth_authenticator().call_authenticate(store, &call, &headers, &peer).await
                })
            },
            verdict,
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

fn verdict(verdict: wit::Verdict) -> Result<AuthVerdict, Fault> {
    Ok(match verdict {
        wit::Verdict::Allow(identity) => AuthVerdict::Allow(words::checked_identity(identity)?),
        wit::Verdict::Challenge(asked) => AuthVerdict::Challenge(challenge(asked)?),
        wit::Verdict::Deny(refusal) => AuthVerdict::Deny(words::refusal(refusal, Stage::Auth)?),
        wit::Verdict::Abstain => AuthVerdict::Abstain,
    })
}

/// A challenge becomes a header, so nothing in it may end a parameter or a line.
fn challenge(challenge: wit::Challenge) -> Result<Challenge, Fault> {
    let parameter = |what, text: Option<String>| text.map(|text| check::parameter(what, text)).transpose();
    Ok(Challenge {
        scheme: check::token("the challenge's scheme", challenge.scheme)?,
        error: parameter("the challenge's error", challenge.error)?,
        description: parameter("the challenge's description", challenge.description)?,
        scope: parameter("the challenge's scope", challenge.scope)?,
    })
}
