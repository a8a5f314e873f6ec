//! nginx as a plain reverse proxy: the yardstick.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use super::Process;

/// A running nginx.
#[derive(Debug)]
pub(crate) struct Nginx {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

impl Nginx {
    /// Starts it before so many servers, which take turns at these ports, with connections of their own: the first at any
    /// path, and each at one of its own, `/s000/mcp` and so on.
    pub(crate) fn start(ports: &[u16], servers: usize) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        std::fs::write(folder.path().join("nginx.conf"), configuration(port, ports, servers))?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path()).args(["-e", "stderr", "-c", "nginx.conf"]).stderr(Stdio::inherit());
        let mut process = Process::spawn(command).context("is nginx installed?")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let begun = Instant::now();
        // It says nothing when it listens.
        while TcpStream::connect(address).is_err() {
            if begun.elapsed() > Duration::from_secs(5) {
                process.end();
                bail!("nginx does not listen");
            }
            std::thread::yield_now();
        }
        Ok(Self { process, address, _folder: folder })
    }

    /// As it says itself, `1.22.1`.
    pub(crate) fn version() -> Result<String> {
        let output = Command::new("nginx").arg("-v").output().context("is nginx installed?")?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(text.trim().rsplit('/').next().unwrap_or_default().to_owned())
    }
}

/// Connections are kept on both sides, nothing is logged, and a result of a megabyte stays in memory.
fn configuration(port: u16, ports: &[u16], count: usize) -> String {
    let (mut servers, mut places) = (String::new(), String::new());
    for (number, upstream) in ports.iter().cycle().take(count).enumerate() {
        // Writing to a string does not fail.
        let _ = writeln!(
            servers,
            "    upstream s{number:03} {{
        server 127.0.0.1:{upstream};
        keepalive 64;
        keepalive_requests 1000000000;
    }}"
        );
        let _ = writeln!(places, "        location /s{number:03}/ {{ proxy_pass http://s{number:03}/; }}");
    }
    format!(
        "daemon off;
worker_processes 2;
pid nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    proxy_http_version 1.1;
    proxy_set_header Connection \"\";
    proxy_buffer_size 16k;
    proxy_buffers 80 16k;
    proxy_busy_buffers_size 256k;
{servers}    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://s000; }}
{places}    }}
}}
"
    )
}
