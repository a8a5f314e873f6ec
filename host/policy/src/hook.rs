use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::call::Call;
use crate::fault::Fault;
use crate::identity::{Identity, Presented};
use crate::json::Payload;
use crate::verdict::{
    Attempt, AuthVerdict, Candidate, Credential, Message, Occasion, RetryDecision, RouteVerdict, SanitizeVerdict,
    UpstreamFacts, ValidateVerdict,
};

/// An answer that may take a while.
pub type Answer<'a, T, E = Fault> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// Says who is calling.
pub trait Authenticator: Send + Sync {
    /// Decides on one message.
    fn authenticate<'a>(&'a self, call: &'a Call, presented: &'a Presented) -> Answer<'a, AuthVerdict>;
}

/// Says what an upstream is shown. The inner error is the plugin's refusal.
pub trait CredentialProvider: Send + Sync {
    /// Decides for one upstream and identity.
    fn provide<'a>(
        &'a self,
        upstream: &'a UpstreamFacts,
        identity: &'a Identity,
        occasion: &'a Occasion,
    ) -> Answer<'a, Result<Credential, crate::Refusal>>;
}

/// Says what goes in.
pub trait InputValidator: Send + Sync {
    /// Decides on one message.
    fn validate<'a>(
        &'a self,
        call: &'a Call,
        identity: &'a Identity,
        tool: Option<&'a Payload>,
    ) -> Answer<'a, ValidateVerdict>;
}

/// Says which upstream answers.
pub trait Router: Send + Sync {
    /// Decides for one call.
    fn route<'a>(
        &'a self,
        call: &'a Call,
        identity: &'a Identity,
        candidates: &'a [Candidate],
    ) -> Answer<'a, RouteVerdict>;
}

/// Says what happens after a failed attempt.
pub trait RetryStrategy: Send + Sync {
    /// Decides on one failed attempt.
    fn decide<'a>(&'a self, call: &'a Call, attempt: &'a Attempt) -> Answer<'a, RetryDecision>;
}

/// Says what comes out.
pub trait OutputSanitizer: Send + Sync {
    /// Decides on one message.
    fn sanitize<'a>(
        &'a self,
        call: &'a Call,
        identity: &'a Identity,
        message: &'a Message,
    ) -> Answer<'a, SanitizeVerdict>;
}

/// Whether a plugin's verdict counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It counts.
    #[default]
    Enforce,
    /// It is recorded and changes nothing.
    Shadow,
}

/// What a plugin's fault means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFault {
    /// The call is refused.
    #[default]
    Deny,
    /// The call goes on as if the plugin were not there. Never for auth.
    Skip,
}

/// A glob that does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{glob}` is not a glob: {cause}")]
pub struct WhenError {
    /// What was written.
    pub glob: String,
    /// What is wrong with it.
    pub cause: String,
}

/// The calls that a plugin is asked about; all of them by default. Each list is of globs (`*` matches any run of
/// characters, slashes too); an empty list does not restrict.
#[derive(Debug, Clone, Default)]
pub struct When {
    methods: Option<GlobSet>,
    targets: Option<GlobSet>,
    upstreams: Option<GlobSet>,
}

impl When {
    /// Only these methods, targets and upstreams.
    pub fn new(methods: &[String], targets: &[String], upstreams: &[String]) -> Result<Self, WhenError> {
        Ok(Self { methods: globs(methods)?, targets: globs(targets)?, upstreams: globs(upstreams)? })
    }

    /// Whether a plugin with this condition is asked. A call without a target matches no target glob. `upstream` is
    /// `None` where none is known yet; then that list does not restrict.
    pub fn holds(&self, method: &str, target: Option<&str>, upstream: Option<&str>) -> bool {
        self.methods.as_ref().is_none_or(|set| set.is_match(method))
            && self.targets.as_ref().is_none_or(|set| target.is_some_and(|target| set.is_match(target)))
            && self.upstreams.as_ref().is_none_or(|set| upstream.is_none_or(|upstream| set.is_match(upstream)))
    }

    /// Whether it holds for an upstream, whatever the call: for what is kept for longer than one.
    pub fn holds_for(&self, upstream: &str) -> bool {
        self.upstreams.as_ref().is_none_or(|set| set.is_match(upstream))
    }

    /// Whether it names upstreams at all.
    pub fn names_upstreams(&self) -> bool {
        self.upstreams.is_some()
    }

    /// Whether it names methods or targets.
    pub fn names_calls(&self) -> bool {
        self.methods.is_some() || self.targets.is_some()
    }
}

fn globs(patterns: &[String]) -> Result<Option<GlobSet>, WhenError> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).map_err(|e| WhenError { glob: pattern.clone(), cause: e.kind().to_string() })?);
    }
    let set = set.build().map_err(|e| WhenError { glob: patterns.join(", "), cause: e.kind().to_string() })?;
    Ok(Some(set))
}

/// A plugin in its place: what it is called, when it is asked, and what its verdict and its fault mean.
pub struct Hook<P: ?Sized> {
    /// The plugin's name in the configuration.
    pub name: Arc<str>,
    /// SHA-256 of the component in lower-case hex.
    pub digest: Arc<str>,
    /// The calls that it is asked about.
    pub when: When,
    /// Whether its verdict counts.
    pub mode: Mode,
    /// What its fault means.
    pub on_fault: OnFault,
    /// The plugin.
    pub plugin: Arc<P>,
}

impl<P: ?Sized> std::fmt::Debug for Hook<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hook").field("name", &self.name).field("mode", &self.mode).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_restricts_only_what_it_names() {
        #[track_caller]
        fn check(lists: [&[&str]; 3], ask: (&str, Option<&str>, Option<&str>), want: bool) {
            let [methods, targets, upstreams] = lists.map(|l| l.iter().map(ToString::to_string).collect::<Vec<_>>());
            let when = When::new(&methods, &targets, &upstreams).expect("globs");
            assert_eq!(when.holds(ask.0, ask.1, ask.2), want, "{lists:?} {ask:?}");
        }
        let call = ("tools/call", Some("files__read"), Some("files"));
        check([&[], &[], &[]], call, true);
        check([&["tools/*"], &["files__*"], &["files"]], call, true);
        check([&["prompts/*"], &[], &[]], call, false);
        check([&[], &["git__*"], &[]], call, false);
        check([&[], &[], &["git"]], call, false);
        check([&[], &["*"], &[]], ("tools/list", None, None), false);
        check([&[], &[], &["git"]], ("tools/list", None, None), true);
        assert!(When::new(&["a{".into()], &[], &[]).is_err());
    }

    #[test]
    fn what_is_kept_for_many_calls_is_bound_to_upstreams_only() {
        let when = When::new(&["tools/call".into()], &["x".into()], &["git*".into()]).expect("globs");
        assert!(when.holds_for("github") && !when.holds_for("files"));
        assert!(When::default().holds_for("files"));
        assert!(when.names_calls() && when.names_upstreams() && !When::default().names_calls());
    }
}
