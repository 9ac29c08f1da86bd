//! A lean HTTP/1.1 client for load: one connection, one request at a time, nothing allocated that is
//! not needed. A general one would use as much CPU as the server that is measured.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::error;

const PATIENCE: Duration = Duration::from_secs(60);

/// A keep-alive connection with a bearer token.
pub struct Connection {
    address: String,
    token: String,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Result<serde_json::Value, String> {
        serde_json::from_slice(&self.body).map_err(error)
    }
}

impl Connection {
    /// `url` is `http://HOST:PORT`.
    pub fn new(url: &str, token: &str) -> Self {
        let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { address, token: token.to_owned(), stream: None, buffer: vec![] }
    }

    pub async fn get(&mut self, path: &str) -> Result<Reply, String> {
        self.send("GET", path, "", &[]).await
    }

    /// `headers` are whole lines, each with its line end.
    ///
    /// A connection error or no answer within a minute is an error; the next request connects anew.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<Reply, String> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n{headers}",
            self.address, self.token
        );
        if !body.is_empty() {
            request +=
                &format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
        }
        request += "\r\n";
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        let reply = timeout(PATIENCE, self.exchange(&bytes)).await;
        match reply {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(e)) => {
                self.stream = None;
                Err(e)
            }
            Err(_) => {
                self.stream = None;
                Err(format!("{method} {path}: no answer"))
            }
        }
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Reply, String> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(&self.address).await.map_err(error)?;
                stream.set_nodelay(true).map_err(error)?;
                self.stream.insert(stream)
            }
        };
        stream.write_all(request).await.map_err(error)?;
        self.buffer.clear();
        loop {
            if stream.read_buf(&mut self.buffer).await.map_err(error)? == 0 {
                return Err("the connection was closed".into());
            }
            if let Some(head) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                let (status, length, close) = head_of(&self.buffer[..head])?;
                let end = head + 4 + length;
                while self.buffer.len() < end {
                    if stream.read_buf(&mut self.buffer).await.map_err(error)? == 0 {
                        return Err("the connection was closed".into());
                    }
                }
                let body = self.buffer[head + 4..end].to_vec();
                if close {
                    self.stream = None;
                }
                return Ok(Reply { status, body });
            }
        }
    }
}

/// Status, length of the body, whether the server closes.
fn head_of(head: &[u8]) -> Result<(u16, usize, bool), String> {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let mut lines = text.lines();
    let status = lines.next().and_then(|l| l.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(|| format!("no HTTP answer: {text}"))?;
    let (mut length, mut close) = (None, false);
    for line in lines {
        match line.split_once(": ") {
            Some(("content-length", n)) => length = n.trim().parse().ok(),
            Some(("connection", "close")) => close = true,
            Some(("transfer-encoding", _)) => return Err("chunked answers are not expected".into()),
            _ => {}
        }
    }
    Ok((status, length.unwrap_or(0), close))
}
