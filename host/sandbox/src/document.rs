//! `witgate:types/types.document`: JSON that the host holds, of which a guest is given only what it asks for.

use wasmtime::component::Resource;
use witgate_policy::Payload;

use crate::bindings::wit;
use crate::host::Host;

/// A payload in a guest's hands; the bytes are shared with the message. `None` when its call has ended.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the bindings export it again, within their private module")]
pub struct Document(pub(crate) Option<Payload>);

/// A kept instance used a document of an earlier call.
#[derive(Debug, thiserror::Error)]
#[error("a document was used after the end of the call that it belongs to")]
struct Gone;

impl Host {
    fn payload(&mut self, document: &Resource<Document>) -> wasmtime::Result<Payload> {
        self.host_call()?;
        Ok(self.table.get(document)?.0.clone().ok_or(Gone)?)
    }

    fn hand_over(&mut self, text: &str) -> wasmtime::Result<String> {
        self.account.hand_over(text.len())?;
        Ok(text.to_owned())
    }
}

impl wit::Host for Host {}

impl wit::HostDocument for Host {
    fn size(&mut self, document: Resource<Document>) -> wasmtime::Result<u32> {
        Ok(u32::try_from(self.payload(&document)?.len()).unwrap_or(u32::MAX))
    }

    fn text(&mut self, document: Resource<Document>) -> wasmtime::Result<String> {
        let payload = self.payload(&document)?;
        self.hand_over(payload.as_str())
    }

    fn get(&mut self, document: Resource<Document>, pointer: String) -> wasmtime::Result<Option<String>> {
        let payload = self.payload(&document)?;
        payload.get(&pointer).map(|text| self.hand_over(text)).transpose()
    }

    fn drop(&mut self, document: Resource<Document>) -> wasmtime::Result<()> {
        self.forget(document)
    }
}
