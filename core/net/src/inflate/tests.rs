use super::*;
use crate::budget::Unlimited;
use crate::budget::testing::Limited;
use crate::compress::compress;
use proptest::prelude::*;

fn encodings() -> impl Strategy<Value = Encoding> {
    prop::sample::select(Encoding::all().map(|(_, e)| e).collect::<Vec<_>>())
}

fn limits(max: usize) -> InflateLimits {
    InflateLimits::new(max)
}

/// Bytes that repeat themselves, as telemetry does, or do not.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..2000),
        (prop::collection::vec(any::<u8>(), 1..50), 1..400_usize)
            .prop_map(|(part, n)| part.repeat(n)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_compressed_inflates_to_itself(
        encoding in encodings(),
        level in prop::option::of(1..=9_i32),
        pieces in prop::collection::vec(bodies(), 0..4),
    ) {
        let pieces: Vec<Bytes> = pieces.into_iter().map(Bytes::from).collect();
        let whole = pieces.concat();
        let wire = compress(encoding, level, &pieces).unwrap();
        let budget = Limited::new(1 << 20);
        let back = inflate(encoding, &wire, limits(whole.len()), &budget).unwrap();
        prop_assert_eq!(&back[..], &whole[..]);
        prop_assert_eq!(budget.used(), whole.len());
        if !whole.is_empty() {
            let err = inflate(encoding, &wire, limits(whole.len() - 1), &Unlimited).unwrap_err();
            prop_assert_eq!(err, InflateError::TooLarge { encoding, limit: whole.len() - 1 });
        }
    }

    #[test]
    fn a_truncated_body_is_an_error(
        encoding in encodings(),
        body in prop::collection::vec(any::<u8>(), 1..2000),
        cut in 0.0..1.0_f64,
    ) {
        let wire = compress(encoding, None, &[Bytes::from(body.clone())]).unwrap();
        let wire = wire.slice(..(wire.len() as f64 * cut) as usize);
        let got = inflate(encoding, &wire, limits(1 << 20), &Unlimited);
        // framed snappy and lz4 may be cut between two frames; nothing false may come out
        if let Ok(got) = got {
            let framed = matches!(encoding, Encoding::Snappy | Encoding::SnappyFramed | Encoding::Lz4);
            prop_assert!(framed && body.starts_with(&got), "{encoding}: {got:?}");
        }
    }

    #[test]
    fn garbage_never_panics_nor_passes_the_limit(
        encoding in encodings(),
        mut body in prop::collection::vec(any::<u8>(), 0..300),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        compressed in any::<bool>(),
    ) {
        if compressed {
            body = compress(encoding, None, &[body.into()]).unwrap().to_vec();
        }
        for (at, with) in flips {
            if !body.is_empty() {
                let at = at.index(body.len());
                body[at] ^= with;
            }
        }
        let budget = Limited::new(5000);
        if let Ok(out) = inflate(encoding, &body.into(), limits(4000), &budget) {
            prop_assert!(out.len() <= 4000);
        }
        prop_assert_eq!(budget.used(), 0);
    }
}

#[test]
fn bombs_are_refused_with_bounded_memory() {
    let zeros = Bytes::from(vec![0; 16 << 20]);
    for (name, encoding) in Encoding::all() {
        let bomb = compress(encoding, None, std::slice::from_ref(&zeros)).unwrap();
        let budget = Limited::new(usize::MAX);
        let err = inflate(encoding, &bomb, limits(2 << 20), &budget).unwrap_err();
        assert!(
            matches!(
                err,
                InflateError::TooLarge { .. } | InflateError::Bomb { .. }
            ),
            "{name}: {err}"
        );
        let peak = budget.peak.load(std::sync::atomic::Ordering::SeqCst);
        assert!(peak <= (2 << 20) + 1, "{name} held {peak}");
        assert_eq!(budget.used(), 0);
    }
}

#[test]
fn a_high_ratio_is_a_bomb_even_below_the_size_limit() {
    let zeros = Bytes::from(vec![0; 32 << 20]);
    for encoding in [Encoding::Zstd, Encoding::Brotli] {
        let bomb = compress(encoding, None, std::slice::from_ref(&zeros)).unwrap();
        let err = inflate(encoding, &bomb, limits(64 << 20), &Unlimited).unwrap_err();
        assert_eq!(
            err,
            InflateError::Bomb {
                encoding,
                wire: bomb.len(),
                ratio: 1000
            }
        );
    }
}

#[test]
fn a_spent_budget_refuses() {
    let body = Bytes::from(vec![1; 100_000]);
    for (name, encoding) in Encoding::all() {
        let wire = compress(encoding, None, std::slice::from_ref(&body)).unwrap();
        let budget = Limited::new(50_000);
        let err = inflate(encoding, &wire, limits(1 << 20), &budget).unwrap_err();
        assert!(matches!(err, InflateError::Refused(_)), "{name}: {err}");
        assert_eq!(budget.used(), 0);
    }
}

#[test]
fn a_snappy_block_that_announces_gigabytes_allocates_nothing() {
    // varint 4 GiB - 1, then one literal
    let wire = Bytes::from_static(b"\xff\xff\xff\xff\x0f\x00a");
    let budget = Limited::new(usize::MAX);
    let err = inflate(Encoding::Snappy, &wire, limits(20 << 20), &budget).unwrap_err();
    assert!(matches!(err, InflateError::Bomb { .. }), "{err}");
    assert_eq!(budget.peak.load(std::sync::atomic::Ordering::SeqCst), 0);
    // 512 KiB passes the limits but cannot come out of 5 bytes
    let wire = Bytes::from_static(b"\x80\x80\x20\x00a");
    let err = inflate(Encoding::Snappy, &wire, limits(20 << 20), &budget).unwrap_err();
    assert!(matches!(err, InflateError::Broken { .. }), "{err}");
    assert_eq!(budget.peak.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[test]
fn snappy_recognises_the_framed_form() {
    let body = Bytes::from_static(b"framed framed framed");
    let framed = compress(Encoding::SnappyFramed, None, std::slice::from_ref(&body)).unwrap();
    for encoding in [Encoding::Snappy, Encoding::SnappyFramed] {
        assert_eq!(
            inflate(encoding, &framed, limits(100), &Unlimited).unwrap(),
            body
        );
    }
    let block = compress(Encoding::Snappy, None, &[body]).unwrap();
    let err = inflate(Encoding::SnappyFramed, &block, limits(100), &Unlimited).unwrap_err();
    assert!(err.to_string().contains("stream identifier"), "{err}");
}

#[test]
fn deflate_may_be_raw() {
    let body = b"raw deflate, as old browsers understood it".to_vec();
    let mut wire = Vec::with_capacity(200);
    flate2::Compress::new(flate2::Compression::default(), false)
        .compress_vec(&body, &mut wire, flate2::FlushCompress::Finish)
        .unwrap();
    assert_eq!(
        inflate(Encoding::Deflate, &wire.into(), limits(100), &Unlimited).unwrap(),
        body
    );
}

#[test]
fn gzip_members_follow_each_other_and_nothing_else_does() {
    let one = compress(Encoding::Gzip, None, &[Bytes::from_static(b"one")]).unwrap();
    let two = compress(Encoding::Gzip, None, &[Bytes::from_static(b"two")]).unwrap();
    let both = Bytes::from([one.clone(), two].concat());
    assert_eq!(
        inflate(Encoding::Gzip, &both, limits(100), &Unlimited).unwrap(),
        "onetwo"
    );
    let trailing = Bytes::from([&one[..], b"garbage"].concat());
    let err = inflate(Encoding::Gzip, &trailing, limits(100), &Unlimited).unwrap_err();
    assert!(err.to_string().contains("no gzip header"), "{err}");
    let mut wrong = one.to_vec();
    let at = wrong.len() - 8;
    wrong[at] ^= 1;
    let err = inflate(Encoding::Gzip, &wrong.into(), limits(100), &Unlimited).unwrap_err();
    assert!(err.to_string().contains("checksum"), "{err}");
}

#[test]
fn gzip_headers_with_names_and_extras_are_read() {
    let plain = compress(Encoding::Gzip, None, &[Bytes::from_static(b"x")]).unwrap();
    let mut wire = vec![0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3];
    wire.extend_from_slice(b"\x03\x00abcname\0comment\0\x12\x34");
    wire.extend_from_slice(&plain[10..]);
    assert_eq!(
        inflate(Encoding::Gzip, &wire.into(), limits(100), &Unlimited).unwrap(),
        "x"
    );
}

#[test]
fn zstd_windows_beyond_8_mib_are_refused() {
    // magic, descriptor without a size, window of 128 MiB, empty last raw block
    let wire = Bytes::from_static(b"\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00");
    let err = inflate(Encoding::Zstd, &wire, limits(1 << 30), &Unlimited).unwrap_err();
    assert!(err.to_string().contains("too much memory"), "{err}");
}

#[test]
fn brotli_large_windows_are_refused() {
    let wire = Bytes::from_static(&[0x11, 0x1e, 0x03]);
    let err = inflate(Encoding::Brotli, &wire, limits(100), &Unlimited).unwrap_err();
    assert!(err.to_string().contains("large window"), "{err}");
}
