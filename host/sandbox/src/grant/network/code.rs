use wasmtime_wasi_http::Error;
use witgate_egress::EgressError;

/// What the plugin is told, which is less than what the operator is: of a name that it may ask for, not whether the name
/// exists or leads to where it may not; of a refusal, not which rule there is.
pub(super) fn of(error: &EgressError) -> Error {
    match error {
        EgressError::Url(_) | EgressError::Target => Error::HttpRequestUriInvalid,
        EgressError::Origin { .. }
        | EgressError::Method { .. }
        | EgressError::MethodForbidden(_)
        | EgressError::Field(_)
        | EgressError::Secret { .. }
        | EgressError::Placeholders(_)
        | EgressError::Template(_)
        | EgressError::SecretForm(_)
        | EgressError::Requests(_) => Error::HttpRequestDenied,
        EgressError::Length | EgressError::RequestBody => Error::HttpRequestBodySize(None),
        EgressError::RequestHead(_) => Error::HttpRequestHeaderSectionSize(None),
        EgressError::Trailers => Error::HttpRequestTrailerSectionSize(Some(0)),
        EgressError::Connections { .. } => Error::ConnectionLimitReached,
        EgressError::Bytes(_) => Error::HttpResponseBodySize(None),
        // One answer for all three: whoever may ask for `*.example.com` is not to find out which names there are within.
        EgressError::NoAddress(_) | EgressError::Lookup { .. } | EgressError::Address { .. } => {
            Error::DestinationNotFound
        }
        EgressError::Resolver(_) => Error::ConfigurationError,
        EgressError::LookupTimeout(_) => Error::DnsTimeout,
        EgressError::Connect { .. } => Error::ConnectionRefused,
        EgressError::ConnectTimeout(_) => Error::ConnectionTimeout,
        EgressError::Certificate { .. } => Error::TlsCertificateError,
        EgressError::Tls { .. } => Error::TlsProtocolError,
        EgressError::ResponseTimeout(_) | EgressError::BodyTimeout(_) => Error::HttpResponseTimeout,
        EgressError::ResponseHead(_) => Error::HttpResponseHeaderSectionSize(None),
        EgressError::Protocol(_) => Error::HttpProtocolError,
        EgressError::Upgrade => Error::HttpUpgradeFailed,
        EgressError::Incomplete(_) => Error::HttpResponseIncomplete,
        EgressError::Over => Error::ConnectionTerminated,
        _ => Error::InternalError(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_cannot_tell_a_name_that_it_may_not_reach_from_one_that_is_not_there() {
        let told = |error: &EgressError| format!("{:?}", of(error));
        let name = || "db.corp.example".to_owned();
        let missing = told(&EgressError::NoAddress(name()));
        assert_eq!(
            missing,
            told(&EgressError::Address { name: name(), found: vec![([10, 0, 0, 1].into(), "private")] })
        );
        assert_eq!(missing, told(&EgressError::Lookup { name: name(), cause: "refused".into() }));
        assert_eq!(missing, "DestinationNotFound");
    }

    #[test]
    fn a_plugin_cannot_tell_a_secret_that_is_not_its_own_from_one_that_is_not_there() {
        let refused = of(&EgressError::Secret { field: "authorization".into(), name: "KEY".into() });
        assert_eq!(format!("{refused:?}"), "HttpRequestDenied");
    }
}
