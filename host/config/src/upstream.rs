use std::collections::BTreeMap;
use std::time::Duration;

use witgate_gateway::upstream::{Builtin, Http, Limits, Spec, Stdio, Timeouts, Transport};
use witgate_policy::Claim;

use super::desk::Desk;
use super::document::Part;
use super::place::Place;
use super::raw::{RawBuiltin, RawTransport, RawUpstream, RawUpstreamLimits, RawUpstreamTimeouts};
use super::{Cause, name};

impl Desk<'_> {
    pub(super) fn upstream(&mut self, name: &str, place: &Place, mut raw: RawUpstream) -> Spec {
        let name = name::name(name, "an upstream").unwrap_or_else(|cause| {
            self.report(cause, place, Part::Key);
            name.into()
        });
        let group = raw.group.take().map_or(Ok(name.clone()), |group| name::name(&group, "a group"));
        let group = group.unwrap_or_else(|cause| {
            self.report(cause, &place.key("group"), Part::Value);
            name.clone()
        });
        self.other_forms(&raw, place);
        let labels = raw.labels.take().into_iter().flatten().map(|(name, value)| Claim { name, value }).collect();
        let (limits, timeouts) = (limits(&raw.limits), timeouts(&raw.timeouts));
        Spec { id: name, group, labels, transport: self.transport(raw, place), limits, timeouts }
    }

    fn transport(&mut self, raw: RawUpstream, place: &Place) -> Transport {
        let forms = [raw.command.is_some(), raw.url.is_some(), raw.builtin.is_some()];
        let count = forms.into_iter().filter(|form| *form).count();
        match (raw.command, raw.url, raw.builtin) {
            (Some(command), None, None) => {
                let args = raw.args.unwrap_or_default();
                let env: BTreeMap<_, _> = raw.env.into_iter().flatten().collect();
                self.argument(&command, command.is_empty(), &place.key("command"));
                for (at, argument) in args.iter().enumerate() {
                    self.argument(argument, false, &place.key("args").index(at));
                }
                for (variable, value) in &env {
                    let bad_name = variable.is_empty() || variable.contains(['=', '\0']);
                    self.argument(value, bad_name, &place.key("env").key(variable));
                }
                Transport::Stdio(Stdio { command, args, env, cwd: raw.cwd.map(|cwd| self.path(&cwd)) })
            }
            (None, Some(url), None) => {
                let url = name::url(&url, "an upstream").unwrap_or_else(|cause| {
                    self.report(cause, &place.key("url"), Part::Value);
                    String::new()
                });
                let headers = raw.headers.into_iter().flatten();
                let headers = headers.filter_map(|header| self.header(header, place)).collect();
                let http = Http { url, headers };
                match raw.transport {
                    Some(RawTransport::Sse) => Transport::Sse(http),
                    Some(RawTransport::StreamableHttp) | None => Transport::Http(http),
                }
            }
            (None, None, Some(RawBuiltin::Leave)) => Transport::Builtin(Builtin::Leave),
            _ => {
                self.report(Cause::UpstreamForm { place: place.to_string(), count }, place, Part::Key);
                Transport::Builtin(Builtin::Leave)
            }
        }
    }

    /// Keys that say nothing for the form that was chosen.
    fn other_forms(&mut self, raw: &RawUpstream, place: &Place) {
        let child = [("args", raw.args.is_some()), ("env", raw.env.is_some()), ("cwd", raw.cwd.is_some())];
        let http = [("headers", raw.headers.is_some()), ("transport", raw.transport.is_some())];
        let keys = child.into_iter().map(|key| ("command", raw.command.is_some(), key));
        let keys = keys.chain(http.into_iter().map(|key| ("url", raw.url.is_some(), key)));
        let has_form = raw.command.is_some() || raw.url.is_some() || raw.builtin.is_some();
        for (form, has_it, (key, is_written)) in keys {
            if has_form && is_written && !has_it {
                let cause = Cause::KeyOfOtherForm { place: place.to_string(), key, form };
                self.report(cause, &place.key(key), Part::Key);
            }
        }
    }

    pub(super) fn argument(&mut self, text: &str, is_bad: bool, place: &Place) {
        if is_bad || text.contains('\0') {
            self.report(Cause::BadArgument { place: place.to_string() }, place, Part::Value);
        }
    }

    fn header(&mut self, (name, value): (String, String), place: &Place) -> Option<(String, String)> {
        let place = place.key("headers").key(&name);
        let visible = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte) || byte >= 0x80;
        let checked = name::header(&name).and_then(|checked| {
            let bad = || Cause::BadHeader { name: name.clone(), what: "a header with a value that can be sent" };
            value.bytes().all(visible).then_some((checked, value)).ok_or_else(bad)
        });
        checked.map_err(|cause| self.report(cause, &place, Part::Key)).ok()
    }
}

fn limits(raw: &RawUpstreamLimits) -> Limits {
    let mut limits = Limits::default();
    let count = |written: Option<u64>, default| written.and_then(|count| count.try_into().ok()).unwrap_or(default);
    limits.message.bytes = count(raw.message_bytes, limits.message.bytes);
    limits.queue_bytes = limits.queue_bytes.max(limits.message.bytes);
    limits.in_flight = count(raw.in_flight, limits.in_flight);
    limits.sessions = count(raw.sessions, limits.sessions);
    limits
}

fn timeouts(raw: &RawUpstreamTimeouts) -> Timeouts {
    let default = Timeouts::default();
    let time = |written: Option<u64>, default| written.map_or(default, Duration::from_millis);
    Timeouts {
        connect: time(raw.connect_ms, default.connect),
        probe: time(raw.probe_ms, default.probe),
        close: time(raw.close_ms, default.close),
    }
}
