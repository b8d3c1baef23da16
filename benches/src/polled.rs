//! HTTP/1.1 connections that are polled by one thread which never sleeps.
//!
//! A load generator that sleeps until an answer comes has to be woken, and the kernel does that in the system call with
//! which the server sends the answer: the server pays for it, and the more the shorter its queue of requests is. So a
//! slow server is charged for more wake-ups a request than a fast one. Nobody waits on these sockets: all servers pay
//! for sending alone.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use crate::Failure;
use crate::http1::answer;

/// Requests, head and body, that are written before anything is measured.
#[derive(Debug, Default)]
pub struct Requests {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Requests {
    /// Adds a request.
    pub fn push(&mut self, request: &[u8]) {
        self.bytes.extend_from_slice(request);
        self.ends.push(self.bytes.len());
    }

    fn get(&self, number: usize) -> Option<&[u8]> {
        let end = *self.ends.get(number)?;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.bytes.get(start..end)
    }
}

/// How many requests were answered with the expected status, and how many with another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// With the expected status.
    pub expected: u64,
    /// With another one.
    pub other: u64,
}

/// Sends all requests over `connections` kept connections, each one as soon as the answer to the one before it is
/// there.
///
/// # Errors
/// When a connection cannot be opened or ends, or an answer is not understood.
pub fn run(
    address: &str,
    connections: usize,
    requests: &Requests,
    status: u16,
) -> Result<Answers, Failure> {
    let mut answers = Answers::default();
    let mut next = 0;
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(Connection::open(address)?);
    }
    while !open.is_empty() {
        let mut at = 0;
        while let Some(connection) = open.get_mut(at) {
            if let Some(answered) = connection.poll()? {
                match answered {
                    Some(found) if found == status => answers.expected += 1,
                    Some(_) => answers.other += 1,
                    None => {}
                }
                let Some(request) = requests.get(next) else {
                    open.swap_remove(at);
                    continue;
                };
                next += 1;
                connection.send(request)?;
            }
            at += 1;
        }
    }
    Ok(answers)
}

/// A connection and the request that is on its way.
struct Connection<'r> {
    stream: TcpStream,
    waiting: bool,
    unsent: &'r [u8],
    buffer: [u8; 4096],
    filled: usize,
}

impl<'r> Connection<'r> {
    fn open(address: &str) -> Result<Connection<'r>, Failure> {
        let stream = TcpStream::connect(address).map_err(|e| format!("{address}: {e}"))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Connection {
            stream,
            waiting: false,
            unsent: &[],
            buffer: [0; 4096],
            filled: 0,
        })
    }

    fn send(&mut self, request: &'r [u8]) -> Result<(), Failure> {
        self.unsent = request;
        self.waiting = true;
        self.filled = 0;
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Failure> {
        while !self.unsent.is_empty() {
            match self.stream.write(self.unsent) {
                Ok(sent) => self.unsent = self.unsent.get(sent..).unwrap_or_default(),
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    /// Whether it is free for the next request, and the status of the last answer, if there was one.
    #[expect(
        clippy::option_option,
        reason = "busy, free and new, free after an answer"
    )]
    fn poll(&mut self) -> Result<Option<Option<u16>>, Failure> {
        if !self.waiting {
            return Ok(Some(None));
        }
        self.flush()?;
        match self
            .stream
            .read(self.buffer.get_mut(self.filled..).unwrap_or_default())
        {
            Ok(0) => return Err("the server closed the connection, or its answer is long".into()),
            Ok(read) => self.filled += read,
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(None);
            }
            Err(e) => return Err(e.into()),
        }
        let status = status_of(self.buffer.get(..self.filled).unwrap_or_default())?;
        self.waiting = status.is_none();
        Ok(status.map(Some))
    }
}

/// The status of a whole answer. The usual one is known without reading its headers: it ends with its head.
fn status_of(bytes: &[u8]) -> Result<Option<u16>, Failure> {
    if bytes.starts_with(b"HTTP/1.1 204 ") {
        return Ok(bytes.ends_with(b"\r\n\r\n").then_some(204));
    }
    Ok(answer(bytes)?
        .filter(|(_, length)| bytes.len() >= *length)
        .map(|(status, _)| status))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn every_request_gets_its_answer_however_it_is_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            for answer in [
                &[&b"HTTP/1.1 204 No Content\r\nda"[..], b"te: x\r\n\r\n"][..],
                &[b"HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\n", b"no"],
                &[b"HTTP/1.1 204 No Content\r\n\r\n"],
            ] {
                let mut request = [0; 3];
                stream.read_exact(&mut request).expect("a request");
                for part in answer {
                    stream.write_all(part).expect("a client");
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
            }
        });
        let mut requests = Requests::default();
        for request in ["one", "two", "3rd"] {
            requests.push(request.as_bytes());
        }
        let answers = run(&address, 1, &requests, 204).expect("answers");
        assert_eq!(
            answers,
            Answers {
                expected: 2,
                other: 1
            }
        );
        server.join().expect("the server");
    }
}
