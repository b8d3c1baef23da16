//! The five bytes before every message, parsed straight out of body chunks.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;

use crate::budget::{Budget, Charge};
use crate::status::{Code, Status};

const PREFIX: usize = 5;
/// Room that is reserved at most because a prefix announces a length.
const TRUSTED_ANNOUNCEMENT: usize = 1 << 20;

/// One message as it came.
pub(super) struct Message {
    pub(super) compressed: bool,
    /// Holds its charge.
    pub(super) bytes: Bytes,
}

/// The prefix of a message of `len` bytes.
pub(super) fn prefix(compressed: bool, len: usize) -> Result<Bytes, Status> {
    let len = u32::try_from(len).map_err(|_| {
        Status::new(
            Code::ResourceExhausted,
            "a gRPC message must be smaller than 4 GiB",
        )
    })?;
    let mut prefix = BytesMut::with_capacity(PREFIX);
    prefix.put_u8(u8::from(compressed));
    prefix.put_u32(len);
    Ok(prefix.freeze())
}

/// Reads the one message of a unary call. Nothing is buffered of a message that
/// is larger than `limit`. A message in one chunk is not copied.
pub(super) async fn read_one<B>(
    body: &mut B,
    limit: usize,
    budget: &dyn Budget,
) -> Result<Message, Status>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let mut reading = Reading::default();
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|e| Status::new(Code::Cancelled, format!("the sender broke off: {e}")))?;
        if let Ok(chunk) = frame.into_data() {
            reading.take(chunk, limit, budget)?;
        }
    }
    reading.finish()
}

#[derive(Default)]
pub(super) struct Reading {
    /// Bytes of the prefix that came before the rest of it.
    prefix: [u8; PREFIX],
    prefix_len: usize,
    /// Set with the prefix.
    expected: Option<usize>,
    one: Bytes,
    many: BytesMut,
    charge: Option<Charge>,
}

impl Reading {
    pub(super) fn take(
        &mut self,
        mut chunk: Bytes,
        limit: usize,
        budget: &dyn Budget,
    ) -> Result<(), Status> {
        if self.expected.is_none() {
            let n = chunk.len().min(PREFIX - self.prefix_len);
            chunk.copy_to_slice(&mut self.prefix[self.prefix_len..self.prefix_len + n]);
            self.prefix_len += n;
            if self.prefix_len < PREFIX {
                return Ok(());
            }
            self.expected = Some(self.length(limit)?);
        }
        if chunk.is_empty() {
            return Ok(());
        }
        let expected = self.expected.unwrap_or_default();
        if chunk.len() > expected - self.received() {
            return Err(Status::new(
                Code::Internal,
                "a unary call has one message, but more bytes came",
            ));
        }
        match &mut self.charge {
            Some(charge) => charge.grow(chunk.len())?,
            None => self.charge = Some(budget.charge(chunk.len())?),
        }
        if self.received() == 0 {
            self.one = chunk;
            return Ok(());
        }
        if self.many.is_empty() {
            self.many
                .reserve(expected.min(TRUSTED_ANNOUNCEMENT.max(2 * self.one.len())));
            self.many.extend_from_slice(&self.one);
            self.one = Bytes::new();
        }
        self.many.extend_from_slice(&chunk);
        Ok(())
    }

    fn received(&self) -> usize {
        self.one.len() + self.many.len()
    }

    fn length(&self, limit: usize) -> Result<usize, Status> {
        let [flag, a, b, c, d] = self.prefix;
        if flag > 1 {
            return Err(Status::new(
                Code::Internal,
                format!("invalid gRPC frame: compressed flag {flag}"),
            ));
        }
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        if len > limit {
            // without RetryInfo: the same message will never fit
            return Err(too_large(len, limit));
        }
        Ok(len)
    }

    pub(super) fn finish(self) -> Result<Message, Status> {
        let Some(expected) = self.expected else {
            let why = if self.prefix_len == 0 {
                "there is no message"
            } else {
                "the message is cut off"
            };
            return Err(Status::new(
                Code::Internal,
                format!("invalid gRPC request: {why}"),
            ));
        };
        if self.received() < expected {
            let got = self.received();
            return Err(Status::new(
                Code::Internal,
                format!("the gRPC message is cut off: {got} of {expected} bytes came"),
            ));
        }
        let bytes = if self.many.is_empty() {
            self.one
        } else {
            self.many.freeze()
        };
        Ok(Message {
            compressed: self.prefix[0] == 1,
            bytes: self.charge.unwrap_or_default().attach(bytes),
        })
    }
}

/// A message over the limit, on the wire or inflated.
pub(super) fn too_large(len: usize, limit: usize) -> Status {
    Status::new(
        Code::ResourceExhausted,
        format!(
            "the message of {len} bytes is larger than the limit of {limit} bytes: \
             send smaller batches or raise max_recv_msg_size_mib"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::testing::Limited;
    use futures::FutureExt;
    use http_body::Frame;
    use http_body_util::StreamBody;
    use proptest::prelude::*;

    fn read(chunks: Vec<Bytes>, limit: usize, budget: &Limited) -> Result<Message, Status> {
        let frames = chunks
            .into_iter()
            .map(|c| Ok::<_, std::io::Error>(Frame::data(c)));
        let mut body = StreamBody::new(futures::stream::iter(frames));
        read_one(&mut body, limit, budget)
            .now_or_never()
            .expect("never waits")
    }

    fn message(len: usize) -> Vec<u8> {
        let mut wire = prefix(false, len).unwrap().to_vec();
        wire.extend((0..len).map(|i| i as u8));
        wire
    }

    proptest! {
        #[test]
        fn a_message_survives_any_chunking(len in 0..300_usize, cuts in prop::collection::vec(1..40_usize, 0..20)) {
            let wire = Bytes::from(message(len));
            let (mut rest, mut chunks) = (wire.clone(), Vec::new());
            for cut in cuts {
                chunks.push(rest.split_to(cut.min(rest.len())));
            }
            chunks.push(rest);
            let budget = Limited::new(1000);
            let got = read(chunks, 300, &budget).unwrap();
            prop_assert_eq!(&got.bytes[..], &wire[5..]);
            prop_assert_eq!(budget.used(), len);
        }
    }

    #[test]
    fn one_chunk_is_not_copied() {
        let wire = Bytes::from(message(50));
        let frames = [Ok::<_, std::io::Error>(Frame::data(wire.clone()))];
        let mut body = StreamBody::new(futures::stream::iter(frames));
        let got = read_one(&mut body, 100, &crate::Unlimited)
            .now_or_never()
            .unwrap()
            .unwrap();
        assert_eq!(got.bytes.as_ptr(), wire[5..].as_ptr());
    }

    #[test]
    fn an_oversized_message_is_refused_by_its_prefix() {
        let budget = Limited::new(0);
        let err = read(vec![prefix(false, 101).unwrap()], 100, &budget)
            .err()
            .unwrap();
        assert_eq!((err.code, err.retry_after), (Code::ResourceExhausted, None));
        assert!(!err.retryable());
    }

    #[test]
    fn broken_frames_say_what_is_wrong() {
        let budget = Limited::new(1000);
        let two = [message(3), message(3)].concat();
        for (wire, says) in [
            (vec![], "no message"),
            (vec![0, 0], "cut off"),
            (message(9)[..10].to_vec(), "5 of 9 bytes"),
            (vec![2, 0, 0, 0, 0], "flag 2"),
            (two, "one message"),
        ] {
            let err = read(vec![wire.into()], 100, &budget).err().unwrap();
            assert_eq!(err.code, Code::Internal);
            assert!(err.message.contains(says), "{err}");
        }
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_spent_budget_is_unavailable_with_a_delay() {
        let err = read(vec![message(50).into()], 100, &Limited::new(10))
            .err()
            .unwrap();
        assert_eq!(err.code, Code::Unavailable);
        assert!(err.retry_after.is_some());
    }
}
