//! HTTP/1.1 by hand, of both sides: what is read when, and what is left unread, is the test's own.

use std::fmt::Write as _;
use std::io;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// The first line and the headers of a message.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// As `POST /mcp HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub first: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// A header's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The status of a response.
    pub fn status(&self) -> u16 {
        self.first.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    /// Whether the body is a stream of events.
    pub fn is_stream(&self) -> bool {
        self.get("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"))
    }
}

/// One connection, which reads what the other side sends.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    body: Body,
    /// What has come of an event.
    event: String,
    /// The id of the last event that had one.
    pub last_id: Option<String>,
}

/// What is still to be read of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Sized(usize),
    Chunked,
}

impl Connection {
    /// Connects to an authority.
    pub async fn open(authority: &str) -> io::Result<Self> {
        Self::over(TcpStream::connect(authority).await?)
    }

    /// Takes over a stream.
    pub fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        Ok(Self { reader: BufReader::new(reader), writer, body: Body::Sized(0), event: String::new(), last_id: None })
    }

    /// Sends a message with a length.
    pub async fn send(&mut self, first: &str, headers: &[(&str, &str)], body: &str) -> io::Result<()> {
        let mut text = format!("{first}\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            // Writing to a string does not fail.
            let _ = write!(text, "{name}: {value}\r\n");
        }
        self.write(&(text + "\r\n" + body)).await
    }

    /// Sends bytes as they are.
    pub async fn write(&mut self, text: &str) -> io::Result<()> {
        self.writer.write_all(text.as_bytes()).await
    }

    /// Sends one chunk; the empty one is the last.
    pub async fn chunk(&mut self, text: &str) -> io::Result<()> {
        self.write(&format!("{:x}\r\n{text}\r\n", text.len())).await
    }

    /// Reads a head, after which [`piece`](Self::piece) reads its body.
    pub async fn head(&mut self) -> io::Result<Head> {
        let mut head = Head { first: self.line().await?, headers: Vec::new() };
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(':') else { break };
            head.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = head.get("content-length").and_then(|length| length.parse().ok()).unwrap_or_default();
        let chunked = head.get("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
        self.body = if chunked { Body::Chunked } else { Body::Sized(length) };
        self.event.clear();
        Ok(head)
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.reader.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }

    /// The next bytes of the body; `None` at its end.
    pub async fn piece(&mut self) -> io::Result<Option<String>> {
        let length = match self.body {
            Body::Sized(length) => length,
            Body::Chunked => usize::from_str_radix(&self.line().await?, 16).map_err(io::Error::other)?,
        };
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes).await?;
        if self.body == Body::Chunked {
            // Each chunk ends its line, the last one too.
            self.line().await?;
        }
        if self.body != Body::Chunked || length == 0 {
            self.body = Body::Sized(0);
        }
        Ok((length > 0).then(|| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The rest of the body.
    pub async fn text(&mut self) -> io::Result<String> {
        let mut text = String::new();
        while let Some(piece) = self.piece().await? {
            text += &piece;
        }
        Ok(text)
    }

    /// The data of the next event that has any; `None` at the end of the stream.
    pub async fn event(&mut self) -> io::Result<Option<String>> {
        loop {
            while let Some(end) = self.event.find("\n\n") {
                let event: String = self.event.drain(..end + 2).collect();
                let id = event.lines().find_map(|line| line.strip_prefix("id:"));
                self.last_id = id.map(|id| id.trim().to_owned()).or(self.last_id.take());
                let data: Vec<_> = event.lines().filter_map(|line| line.strip_prefix("data:")).collect();
                let data = data.iter().map(|line| line.trim_start()).collect::<Vec<_>>().join("\n");
                if !data.is_empty() {
                    return Ok(Some(data));
                }
            }
            match self.piece().await? {
                Some(piece) => self.event += &piece,
                None => return Ok(None),
            }
        }
    }

    /// All messages of a response, whichever its form; the answer is the last.
    pub async fn messages(&mut self) -> io::Result<(Head, Vec<Value>)> {
        let head = self.head().await?;
        let mut messages = Vec::new();
        if head.is_stream() {
            while let Some(event) = self.event().await? {
                messages.push(serde_json::from_str(&event)?);
            }
        } else {
            let text = self.text().await?;
            messages.extend((!text.is_empty()).then(|| serde_json::from_str(&text)).transpose()?);
        }
        Ok((head, messages))
    }
}
