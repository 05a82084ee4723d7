//! A short run of what the fuzzer of `tests/fuzz` runs for long.

use super::built::{built, small};
use super::mutated::change;
use super::reader::reads_anything;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

#[test]
fn the_reader_takes_anything() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let other = built("other", 1, 10);
    let (ends, bytes) = (small().ends(), &small().bytes);
    for n in 0..20_000_usize {
        let input = match n % 4 {
            // Noise, noise of the characters of JSON, and a few lines that were changed.
            0 => (0..rng.next_u32() % 400).map(|_| rng.next_u32() as u8).collect(),
            1 => {
                let of = b"{}[]\",:\\u0123456789eE+-.truefalsn \n\xc3\xa9";
                (0..rng.next_u32() % 400).map(|_| of[rng.next_u32() as usize % of.len()]).collect()
            }
            _ => {
                let mut input = bytes[..ends[1 + n % 5]].to_vec();
                for _ in 0..=(n % 3) {
                    change(&mut input, &other.bytes[..2000], &mut rng);
                }
                input
            }
        };
        reads_anything(&input);
    }
    // Depth that would break a reader that calls itself.
    reads_anything(&[b"{\"seq\":".to_vec(), vec![b'['; 100_000]].concat());
}
