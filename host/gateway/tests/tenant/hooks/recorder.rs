//! Plugins of every kind that let everything pass and remember what they were asked.

use std::sync::{Arc, Mutex};

use witgate_policy::{
    Answer, AuthVerdict, Authenticator, Call, Candidate, Form, Identity, InputValidator, Kind, Message,
    OutputSanitizer, Payload, Pipeline, Presented, RouteVerdict, Router, SanitizeVerdict, ValidateVerdict,
};

use crate::hook;

/// One question to a plugin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Asked {
    Auth(Form, String),
    Validate(Form, String),
    Route(String),
    Sanitize(Kind, String),
}

/// All questions to the plugins of one tenant.
#[derive(Clone, Default)]
pub(crate) struct Hooks(Arc<Mutex<Vec<Asked>>>);

impl Hooks {
    pub(crate) fn pipeline(&self) -> Pipeline {
        Pipeline {
            auth: vec![hook::<dyn Authenticator>(Arc::new(self.clone()))],
            validate: vec![hook::<dyn InputValidator>(Arc::new(self.clone()))],
            route: vec![hook::<dyn Router>(Arc::new(self.clone()))],
            sanitize: vec![hook::<dyn OutputSanitizer>(Arc::new(self.clone()))],
            ..Pipeline::default()
        }
    }

    fn note(&self, asked: Asked) {
        self.0.lock().expect("log").push(asked);
    }

    pub(crate) fn forget(&self) {
        self.0.lock().expect("log").clear();
    }

    #[track_caller]
    pub(crate) fn check(&self, asked: &Asked, about: &str) {
        let log = self.0.lock().expect("log");
        assert!(log.contains(asked), "{about}: no plugin was asked {asked:?}; only {log:?}");
    }
}

impl Authenticator for Hooks {
    fn authenticate<'a>(&'a self, call: &'a Call, _: &'a Presented) -> Answer<'a, AuthVerdict> {
        self.note(Asked::Auth(call.form(), call.method().to_owned()));
        Box::pin(async { Ok(AuthVerdict::Allow(Identity::anonymous())) })
    }
}

impl InputValidator for Hooks {
    fn validate<'a>(&'a self, call: &'a Call, _: &'a Identity, _: Option<&'a Payload>) -> Answer<'a, ValidateVerdict> {
        self.note(Asked::Validate(call.form(), call.method().to_owned()));
        Box::pin(async { Ok(ValidateVerdict::Accept) })
    }
}

impl Router for Hooks {
    fn route<'a>(&'a self, call: &'a Call, _: &'a Identity, _: &'a [Candidate]) -> Answer<'a, RouteVerdict> {
        self.note(Asked::Route(call.method().to_owned()));
        Box::pin(async { Ok(RouteVerdict::Abstain) })
    }
}

impl OutputSanitizer for Hooks {
    fn sanitize<'a>(&'a self, _: &'a Call, _: &'a Identity, message: &'a Message) -> Answer<'a, SanitizeVerdict> {
        self.note(Asked::Sanitize(message.kind, message.method.to_string()));
        Box::pin(async { Ok(SanitizeVerdict::Pass) })
    }
}
