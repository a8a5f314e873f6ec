//! The probe in the kinds that it is built for.

use super::Probe;

#[cfg(feature = "validate")]
mod validate {
    use super::Probe;
    use witgate_sdk::validate::{Validator, Verdict};
    use witgate_sdk::{Call, Document, Identity};

    impl Validator for Probe {
        fn validate(&self, _: &Call, _: &Identity, _: Option<&Document>, params: &Document) -> Verdict {
            self.probe(Some(params)).into()
        }
    }

    witgate_sdk::export!(Probe as validate);
}

#[cfg(feature = "credential")]
mod credential {
    use super::Probe;
    use witgate_sdk::credential::{Credential, Occasion, Provider, Upstream};
    use witgate_sdk::{Identity, Refusal};

    impl Provider for Probe {
        fn provide(&self, _: &Upstream, _: &Identity, _: &Occasion) -> Result<Credential, Refusal> {
            self.probe(None).map(|()| Credential { headers: Vec::new(), expires_in_s: None })
        }
    }

    witgate_sdk::export!(Probe as credential);
}

#[cfg(feature = "sanitize")]
mod sanitize {
    use super::Probe;
    use witgate_sdk::sanitize::{Message, Sanitizer, Verdict};
    use witgate_sdk::{Call, Document, Identity};

    impl Sanitizer for Probe {
        fn sanitize(&self, _: &Call, _: &Identity, _: &Message, payload: &Document) -> Verdict {
            self.probe(Some(payload)).map_or_else(Verdict::Withhold, |()| Verdict::Pass)
        }
    }

    witgate_sdk::export!(Probe as sanitize);
}
