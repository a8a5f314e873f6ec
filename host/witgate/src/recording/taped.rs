use std::sync::Arc;

use serde_json::{Map, Value};
use witgate_policy::{
    Answer, Attempt, AuthVerdict, Authenticator, Call, Candidate, Credential, CredentialProvider, Fault, Identity,
    InputValidator, Message, Occasion, OutputSanitizer, Payload, Presented, Refusal, RetryDecision, RetryStrategy,
    RouteVerdict, Router, SanitizeVerdict, Stage, UpstreamFacts, ValidateVerdict,
};
use witgate_sandbox::Component;

use super::{Recorded, Tape, stores};
use crate::case::{self, CallFacts, Caller, Case, Header, MessageFacts, Moment, PeerFacts, Upstream, raw, verdict};

/// A plugin whose questions and answers go on the tape while somebody listens.
pub(crate) struct Taped<P: ?Sized> {
    plugin: Arc<P>,
    facts: Facts,
}

/// What every case of a plugin says.
#[derive(Clone)]
pub(crate) struct Facts {
    pub(crate) tape: Arc<Tape>,
    pub(crate) name: Arc<str>,
    pub(crate) tenant: Arc<str>,
    pub(crate) settings: Arc<Map<String, Value>>,
    pub(crate) component: Component,
}

impl<P: ?Sized + Send + Sync> Taped<P> {
    pub(crate) fn new(plugin: Arc<P>, facts: Facts) -> Arc<Self> {
        Arc::new(Self { plugin, facts })
    }

    /// Passes an answer on; the question is written down beside it.
    fn taped<'a, V: Send + 'a>(
        &'a self,
        kind: Stage,
        answer: Answer<'a, V>,
        question: impl Fn(&mut Case) + Send + 'a,
        words: fn(&V) -> Value,
    ) -> Answer<'a, V> {
        Box::pin(async move {
            let (answer, held): (Result<V, Fault>, _) = stores::held(answer).await;
            let Facts { tape, name, tenant, settings, component } = &self.facts;
            tape.offer(name, tenant, || {
                let mut case =
                    Case { kind: Some(kind.as_str().to_owned()), settings: (**settings).clone(), ..Case::default() };
                case.host = held.clone();
                question(&mut case);
                let verdict = answer.as_ref().map_or_else(verdict::fault, words);
                Recorded { case, verdict, component: component.clone() }
            });
            answer
        })
    }
}

impl Authenticator for Taped<dyn Authenticator> {
    fn authenticate<'a>(&'a self, call: &'a Call, presented: &'a Presented) -> Answer<'a, AuthVerdict> {
        let answer = self.plugin.authenticate(call, presented);
        if !self.facts.tape.is_on() {
            return answer;
        }
        let question = |case: &mut Case| {
            case.call = CallFacts::of(call);
            let header = |(name, value): &(String, Vec<u8>)| Header {
                name: name.clone(),
                value: String::from_utf8_lossy(value).into_owned(),
            };
            case.headers = Some(presented.headers.iter().map(header).collect());
            case.peer = Some(PeerFacts::of(&presented.peer));
        };
        self.taped(Stage::Auth, answer, question, verdict::auth)
    }
}

impl CredentialProvider for Taped<dyn CredentialProvider> {
    fn provide<'a>(
        &'a self,
        upstream: &'a UpstreamFacts,
        identity: &'a Identity,
        occasion: &'a Occasion,
    ) -> Answer<'a, Result<Credential, Refusal>> {
        let answer = self.plugin.provide(upstream, identity, occasion);
        if !self.facts.tape.is_on() {
            return answer;
        }
        let question = |case: &mut Case| {
            case.identity = Some(Caller::of(identity));
            case.upstream = Some(Upstream::of(upstream));
            case.occasion = Some(Moment::of(occasion));
        };
        self.taped(Stage::Credential, answer, question, verdict::credential)
    }
}

impl InputValidator for Taped<dyn InputValidator> {
    fn validate<'a>(
        &'a self,
        call: &'a Call,
        identity: &'a Identity,
        tool: Option<&'a Payload>,
    ) -> Answer<'a, ValidateVerdict> {
        let answer = self.plugin.validate(call, identity, tool);
        if !self.facts.tape.is_on() {
            return answer;
        }
        let question = move |case: &mut Case| {
            case.call = CallFacts::of(call);
            case.identity = Some(Caller::of(identity));
            case.tool = tool.and_then(raw);
        };
        self.taped(Stage::Validate, answer, question, verdict::validate)
    }
}

impl Router for Taped<dyn Router> {
    fn route<'a>(
        &'a self,
        call: &'a Call,
        identity: &'a Identity,
        candidates: &'a [Candidate],
    ) -> Answer<'a, RouteVerdict> {
        let answer = self.plugin.route(call, identity, candidates);
        if !self.facts.tape.is_on() {
            return answer;
        }
        let question = |case: &mut Case| {
            case.call = CallFacts::of(call);
            case.identity = Some(Caller::of(identity));
            case.candidates = Some(candidates.iter().map(case::Candidate::of).collect());
        };
        self.taped(Stage::Route, answer, question, verdict::route)
    }
}

impl RetryStrategy for Taped<dyn RetryStrategy> {
    fn decide<'a>(&'a self, call: &'a Call, attempt: &'a Attempt) -> Answer<'a, RetryDecision> {
        let answer = self.plugin.decide(call, attempt);
        if !self.facts.tape.is_on() {
            return answer;
        }
        let question = |case: &mut Case| {
            case.call = CallFacts::of(call);
            case.attempt = Some(case::Attempt::of(attempt));
        };
        self.taped(Stage::Retry, answer, question, verdict::retry)
    }
}

impl OutputSanitizer for Taped<dyn OutputSanitizer> {
    fn sanitize<'a>(
        &'a self,
        call: &'a Call,
        identity: &'a Identity,
        message: &'a Message,
    ) -> Answer<'a, SanitizeVerdict> {
        let answer = self.plugin.sanitize(call, identity, message);
        if !self.facts.tape.is_on() {
            return answer;
        }
        let question = |case: &mut Case| {
            case.call = CallFacts::of(call);
            case.identity = Some(Caller::of(identity));
            case.message = Some(MessageFacts::of(message));
            case.payload = raw(&message.payload);
        };
        self.taped(Stage::Sanitize, answer, question, verdict::sanitize)
    }
}
