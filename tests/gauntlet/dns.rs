//! A DNS server inside the test, for names whose owner means harm: they lead inward, or nowhere, ever.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Each name and what its owner says of it; nothing for silence.
pub(crate) const ZONE: &[(&str, Option<&str>)] = &[
    ("api.good.example", Some("127.0.0.1")),
    ("loopback.bad.example", Some("127.0.0.1")),
    ("loopback-6.bad.example", Some("::1")),
    ("mapped.bad.example", Some("::ffff:127.0.0.1")),
    ("translated.bad.example", Some("64:ff9b::7f00:1")),
    ("unspecified.bad.example", Some("0.0.0.0")),
    ("private-10.bad.example", Some("10.0.0.1")),
    ("private-172.bad.example", Some("172.16.0.1")),
    ("private-192.bad.example", Some("192.168.0.1")),
    ("carrier.bad.example", Some("100.64.0.1")),
    ("metadata.bad.example", Some("169.254.169.254")),
    ("link-local-6.bad.example", Some("fe80::1")),
    ("unique-local.bad.example", Some("fd00:ec2::254")),
    ("slow.bad.example", None),
    // `аpi.good.example` with a Cyrillic letter at its beginning.
    (LOOK_ALIKE, Some("127.0.0.1")),
];

/// A name that nobody was granted, in the spelling of the DNS.
pub(crate) const LOOK_ALIKE: &str = "xn--pi-6kc.good.example";

/// The server, gone when dropped.
pub(crate) struct Dns {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    answering: JoinHandle<()>,
}

impl Dns {
    pub(crate) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("its address");
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let book = asked.clone();
        let answering = tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                if let Some(answer) = answer(&buffer[..length], &book) {
                    // Who is gone does not wait for it.
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Self { address, asked, answering }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether anybody wanted to know where this name leads.
    pub(crate) fn was_asked_for(&self, name: &str) -> bool {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|asked| asked == name)
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

/// The types of addresses, RFC 1035 section 3.2.2 and RFC 3596 section 2.1.
const A: [u8; 2] = [0, 1];
const AAAA: [u8; 2] = [0, 28];
/// Of the head, RFC 1035 section 4.1.1.
const HEAD_BYTES: usize = 12;

/// One question's answer: a message as RFC 1035 section 4.1 has it.
fn answer(question: &[u8], book: &Mutex<Vec<String>>) -> Option<Vec<u8>> {
    let (mut at, mut labels) = (HEAD_BYTES, Vec::new());
    loop {
        let length = usize::from(*question.get(at)?);
        let label = question.get(at + 1..at + 1 + length)?;
        at += 1 + length;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
    }
    let name = labels.join(".");
    let kind: [u8; 2] = question.get(at..at + 2)?.try_into().ok()?;
    let told = ZONE.iter().find(|(known, _)| *known == name).map(|(_, told)| *told);
    book.lock().unwrap_or_else(PoisonError::into_inner).push(name);
    let address: Option<IpAddr> =
        told.map(|address| address.ok_or(())).transpose().ok()?.map(|address| address.parse().expect("an address"));
    let data = match address {
        Some(IpAddr::V4(address)) if kind == A => address.octets().to_vec(),
        Some(IpAddr::V6(address)) if kind == AAAA => address.octets().to_vec(),
        _ => Vec::new(),
    };
    let known = u8::from(told.is_none()) * 3;
    let answers = u8::from(!data.is_empty());
    // An answer, with recursion; its code is 3 when there is no such name.
    let mut message = [&question[..2], &[0x81, 0x80 | known, 0, 1, 0, answers, 0, 0, 0, 0]].concat();
    message.extend(question.get(HEAD_BYTES..at + 4)?);
    if answers == 1 {
        // The name in the question, a type, the Internet, no time to live, the length of what follows.
        message.extend([0xc0, 12, kind[0], kind[1], 0, 1, 0, 0, 0, 0, 0, u8::try_from(data.len()).ok()?]);
        message.extend(data);
    }
    Some(message)
}
