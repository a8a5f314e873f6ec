use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::net::UdpSocket;

/// What is said of a name.
#[derive(Clone)]
pub(crate) enum Zone {
    /// Its addresses, to be forgotten at once.
    At(Vec<IpAddr>),
    /// Another name, and that one's addresses.
    Alias(&'static str, Vec<IpAddr>),
    /// There is no such name.
    Missing,
    /// Nothing, ever.
    Silent,
}

impl Zone {
    pub(crate) fn at(addresses: &[&str]) -> Self {
        Self::At(addresses.iter().map(|address| address.parse().expect("an address")).collect())
    }
}

/// A DNS server on loopback.
pub(crate) struct Dns {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Dns {
    /// `zone` is asked for a name and how often its IPv4 addresses were asked for before.
    pub(crate) async fn start(zone: impl Fn(&str, usize) -> Zone + Send + Sync + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("its address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let book = asked.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let Ok(question) = Message::from_vec(&buffer[..length]) else { continue };
                if let Some(answer) = answer(&question, &zone, &book) {
                    let _ = socket.send_to(&answer.to_vec().expect("a message"), from).await;
                }
            }
        });
        Self { address, asked }
    }

    /// The names whose IPv4 addresses were asked for, in their order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

fn answer(question: &Message, zone: &impl Fn(&str, usize) -> Zone, book: &Mutex<Vec<String>>) -> Option<Message> {
    let query = question.queries.first()?.clone();
    let name = query.name().to_ascii().trim_end_matches('.').to_owned();
    let before = {
        let mut book = book.lock().expect("no panic");
        let before = book.iter().filter(|asked| **asked == name).count();
        if query.query_type() == RecordType::A {
            book.push(name.clone());
            before
        } else {
            before.saturating_sub(1)
        }
    };
    let mut answer = Message::new(question.metadata.id, MessageType::Response, question.metadata.op_code);
    answer.metadata.recursion_desired = question.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    answer.add_query(query.clone());
    let mut owner = query.name().clone();
    let addresses = match zone(&name, before) {
        Zone::Silent => return None,
        Zone::Missing => {
            answer.metadata.response_code = ResponseCode::NXDomain;
            return Some(answer);
        }
        Zone::At(addresses) => addresses,
        Zone::Alias(other, addresses) => {
            let other = Name::from_ascii(other).expect("a name");
            answer.add_answer(Record::from_rdata(owner, 0, RData::CNAME(CNAME(other.clone()))));
            owner = other;
            addresses
        }
    };
    for address in addresses {
        let data = match (address, query.query_type()) {
            (IpAddr::V4(address), RecordType::A) => RData::A(A(address)),
            (IpAddr::V6(address), RecordType::AAAA) => RData::AAAA(AAAA(address)),
            _ => continue,
        };
        answer.add_answer(Record::from_rdata(owner.clone(), 0, data));
    }
    Some(answer)
}
