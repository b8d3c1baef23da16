//! The cheapest HTTP/1.1 client that is correct enough to load a server: one
//! request at a time over one kept connection, answers with a length or none.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Failure;

/// A kept connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: &str) -> Result<Connection, Failure> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|e| format!("{address}: {e}"))?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// Sends a request, head and body, and reads the answer; returns its status.
    ///
    /// # Errors
    /// When the connection ends or the answer is not understood.
    pub async fn send(&mut self, request: &[u8]) -> Result<u16, Failure> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if let Some((status, length)) = answer(&self.buffer)?
                && self.buffer.len() >= length
            {
                return Ok(status);
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server closed the connection".into());
            }
        }
    }
}

/// Status and whole length of the answer that begins here, once its head is there.
pub(crate) fn answer(bytes: &[u8]) -> Result<Option<(u16, usize)>, Failure> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end])?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status: u16 = status.ok_or_else(|| format!("no HTTP answer: {head}"))?;
    let mut length = 0;
    for (name, value) in head.lines().filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse()?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err("chunked answers are not understood".into());
        }
    }
    Ok(Some((status, end + 4 + length)))
}

/// A POST request, head and body.
pub fn post(host: &str, path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0\r\n\
         content-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_end_where_their_length_says() {
        let whole = |text: &str| answer(text.as_bytes()).ok().flatten();
        assert_eq!(
            whole("HTTP/1.1 204 No Content\r\ndate: x\r\n\r\n"),
            Some((204, 36))
        );
        assert_eq!(
            whole("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
            Some((200, 40))
        );
        assert_eq!(whole("HTTP/1.1 200 OK\r\n"), None);
        assert!(answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
