//! Objects in parts: how a large one is cut, and what one that was put together is tagged (S3).

use md5::{Digest, Md5};

/// The most that one copy copies: beyond it an object is copied in parts.
pub const LARGEST_COPY: u64 = 5 << 30;
/// The size of a part, while an object of so many parts is not too large.
const PART: u64 = 1 << 30;
/// The most that one part can have.
const LARGEST_PART: u64 = 5 << 30;
/// How many parts there are at most, while the largest part does not have to be exceeded.
const FEW: u64 = 1_000;
/// How many parts S3 takes.
const MOST: u64 = 10_000;
/// Sizes of parts are multiples of this.
const STEP: u64 = 1 << 20;

/// Returns the parts of an object, each by its first and its last byte; `None` for one that is too large for S3, or empty.
pub fn cut(size: u64) -> Option<Vec<(u64, u64)>> {
    let wanted = size.div_ceil(FEW).div_ceil(STEP) * STEP;
    let part = wanted.clamp(PART, LARGEST_PART);
    let count = size.div_ceil(part);
    if count == 0 || count > MOST {
        return None;
    }
    Some((0..count).map(|nth| (nth * part, ((nth + 1) * part).min(size) - 1)).collect())
}

/// Returns the entity tag of an object that is put together of parts with these, in quotes as S3 has them: the MD5 of their
/// MD5s, and how many they are. `None` where one of them is no MD5.
pub fn etag<'a>(parts: impl Iterator<Item = &'a str>) -> Option<String> {
    let (mut all, mut count) = (Md5::new(), 0);
    for part in parts {
        let digits = part.trim_matches('"');
        if digits.len() != 32 || !digits.is_ascii() {
            return None;
        }
        for at in (0..32).step_by(2) {
            all.update([u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?]);
        }
        count += 1;
    }
    let hex: String = all.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    (count > 0).then(|| format!("\"{hex}-{count}\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_large_object_has_few_parts_and_none_too_large() {
        assert_eq!(cut(LARGEST_COPY + 1).map(|parts| parts.len()), Some(6));
        assert_eq!(cut(500 << 30).map(|parts| parts.len()), Some(500));
        let whole = cut(5 << 40).expect("five terabytes are an object");
        assert_eq!(whole.len(), 1_024, "parts of 5 GiB");
        assert_eq!(cut(50_000 << 30).map(|parts| parts.len()), Some(10_000));
        assert_eq!((cut(0), cut((50_000 << 30) + 1)), (None, None));
    }

    #[test]
    fn the_tag_of_a_whole_follows_from_those_of_its_parts() {
        // What S3 says of two parts of 5 MiB of zeros.
        let part = "\"5f363e0e58a95f06cbe9bbc662c5dfb6\"";
        let whole = etag([part, part].into_iter());
        assert_eq!(whole.as_deref(), Some("\"a7d414b9133d6483d9a1c4e04e856e3b-2\""));
        assert_ne!(etag([part].into_iter()), etag([part, part].into_iter()));
        assert_eq!(etag(["\"abc-2\""].into_iter()), None);
        assert_eq!(etag(std::iter::empty()), None);
    }

    proptest! {
        #[test]
        fn parts_are_the_whole_object_without_a_gap(size in LARGEST_COPY..(50_000_u64 << 30)) {
            let parts = cut(size).expect("S3 takes it");
            let mut next = 0;
            for (nth, (first, last)) in parts.iter().enumerate() {
                prop_assert_eq!(*first, next);
                prop_assert!(last >= first && last - first < LARGEST_PART);
                prop_assert!(nth + 1 == parts.len() || last - first >= (5 << 20));
                next = last + 1;
            }
            prop_assert_eq!(next, size);
            prop_assert!(parts.len() <= 1_000 || size > 1_000 * LARGEST_PART);
        }
    }
}
