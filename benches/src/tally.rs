//! What a sink counted, as one line that programs ask it for.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Failure;

/// Counters of a sink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that came.
    pub requests: u64,
    /// Records in them.
    pub records: u64,
    /// Different numbers among them; 0 unless they are checked.
    pub distinct: u64,
    /// Records whose number had come before.
    pub again: u64,
}

impl Tally {
    fn line(&self) -> String {
        format!(
            "{} {} {} {}",
            self.requests, self.records, self.distinct, self.again
        )
    }

    fn read(line: &str) -> Option<Tally> {
        let mut numbers = line.split(' ').map(|word| word.trim().parse().ok());
        Some(Tally {
            requests: numbers.next()??,
            records: numbers.next()??,
            distinct: numbers.next()??,
            again: numbers.next()??,
        })
    }
}

/// Tells everyone who connects what `tally` says. Never ends by itself.
///
/// # Errors
/// When the port cannot be had.
pub async fn tell(address: &str, tally: impl Fn() -> Tally) -> Result<(), Failure> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        // whoever went away does not need the answer
        let _ = stream.write_all(tally().line().as_bytes()).await;
    }
}

/// Asks a sink.
///
/// # Errors
/// When it is not there or says something else.
pub async fn ask(address: &str) -> Result<Tally, Failure> {
    let mut line = String::new();
    TcpStream::connect(address)
        .await?
        .read_to_string(&mut line)
        .await?;
    Tally::read(&line).ok_or_else(|| format!("{address} is no sink: {line:?}").into())
}

/// Asks until there are `records` more than in `before`, or nothing comes any more for `patience`.
///
/// # Errors
/// As [`ask`].
pub async fn wait_for(
    address: &str,
    before: Tally,
    records: u64,
    patience: Duration,
) -> Result<Tally, Failure> {
    let mut last = before;
    let mut changed = std::time::Instant::now();
    loop {
        let now = ask(address).await?;
        if now != last {
            (last, changed) = (now, std::time::Instant::now());
        }
        if now.records - before.records >= records || changed.elapsed() > patience {
            return Ok(now);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let tally = Tally {
            requests: 1,
            records: 2,
            distinct: 3,
            again: 4,
        };
        assert_eq!(Tally::read(&tally.line()), Some(tally));
        assert_eq!(Tally::read("1 2 3"), None);
    }
}
