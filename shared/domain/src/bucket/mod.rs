//! Buckets: MurmurHash3 over `"{salt}:{unit id}"`, scaled by multiply-shift.
//!
//! `bucket = (hash · N) >> 32` uses every bit of the hash and has no modulo bias; the same formula is used by flagd's `fractional`
//! and Optimizely. MurmurHash3 is the one of Unleash and flagd, so their published vectors are tests here.

mod murmur3;

pub use murmur3::{murmur3_x64_128, murmur3_x86_32};

/// How many buckets an experiment has: one is a basis point.
pub const BUCKETS: u32 = 10_000;

/// Scales a hash to `0..buckets`.
pub fn scale(hash: u32, buckets: u32) -> u32 {
    let scaled = (u64::from(hash) * u64::from(buckets)) >> 32;
    // Less than `buckets`, for the hash is less than 2^32.
    u32::try_from(scaled).unwrap_or(0)
}

/// The bucket of a unit under a salt, `0..10 000`.
pub fn bucket(salt: &str, unit: &str) -> u32 {
    let key = format!("{salt}:{unit}");
    scale(murmur3_x86_32(key.as_bytes(), 0), BUCKETS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flagd_fractional_rows_give_their_bucket_and_variant() {
        let rows = include_str!("../../../../tests/vectors/murmur3_flagd_fractional_v2.csv");
        let mut seen = 0;
        for row in rows.lines().skip(1) {
            let cells: Vec<_> = row.split(',').collect();
            let [input, weights, seed, hash, _, expected, variant] = cells[..] else { panic!("row `{row}`") };
            let hash: u32 = hash.parse().unwrap();
            assert_eq!(murmur3_x86_32(input.as_bytes(), seed.parse().unwrap()), hash, "{row}");
            let weights: Vec<(&str, u32)> = weights
                .split('|')
                .map(|pair| {
                    pair.split_once(':').map(|(name, weight)| (name, weight.parse().unwrap())).unwrap()
                })
                .collect();
            let bucket = scale(hash, weights.iter().map(|(_, weight)| weight).sum());
            assert_eq!(bucket, expected.parse::<u32>().unwrap(), "{row}");
            let mut end = 0;
            let chosen = weights.iter().find(|(_, weight)| {
                end += weight;
                bucket < end
            });
            assert_eq!(chosen.unwrap().0, variant, "{row}");
            seen += 1;
        }
        assert_eq!(seen, 20);
    }

    #[test]
    fn unleash_values_are_reproduced_by_its_own_mapping() {
        let normalized =
            |group: &str, id: &str| murmur3_x86_32(format!("{group}:{id}").as_bytes(), 0) % 100 + 1;
        assert_eq!(normalized("gr1", "123"), 73);
        assert_eq!(normalized("groupX", "999"), 25);
        // Variants have a seed of their own, so that they don't go with the roll-out.
        let variant =
            |group: &str, id: &str| murmur3_x86_32(format!("{group}:{id}").as_bytes(), 86_028_157) % 100 + 1;
        assert_eq!((variant("gr1", "123"), variant("groupX", "999")), (96, 60));
    }

    /// Bucketing tests of Optimizely's SDKs: user id and experiment id, seed 1, 10 000 buckets.
    #[test]
    fn optimizely_buckets_are_reproduced() {
        let rows = [
            ("ppid1", "1886780721", 5254),
            ("ppid2", "1886780721", 4299),
            ("ppid2", "1886780722", 2434),
            ("ppid3", "1886780721", 5439),
        ];
        for (user, experiment, expected) in rows {
            let hash = murmur3_x86_32(format!("{user}{experiment}").as_bytes(), 1);
            assert_eq!(scale(hash, BUCKETS), expected, "{user}");
        }
    }

    /// |z| < 4 for three shapes of ids: chi-square of 200 000 ids over the buckets, standardised.
    #[test]
    fn ids_spread_evenly() {
        let shapes: [fn(u32) -> String; 3] = [
            |n| format!("{}", 1_000_000_000_000_000_000_u64 + u64::from(n)),
            |n| format!("user_{n}"),
            |n| format!("aaa-{:08x}-4dbf-add1", n.wrapping_mul(2_654_435_761)),
        ];
        for shape in shapes {
            let mut counts = vec![0_u32; 1_000];
            for n in 0..200_000 {
                let hash = murmur3_x86_32(format!("salt:{}", shape(n)).as_bytes(), 0);
                counts[scale(hash, 1_000) as usize] += 1;
            }
            let expected = 200.0;
            let chi: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
            let z = (chi - 999.0) / (2.0 * 999.0_f64).sqrt();
            assert!(z.abs() < 4.0, "z = {z}");
        }
    }

    #[test]
    fn the_ends_of_the_hash_fall_into_the_ends_of_the_buckets() {
        assert_eq!(scale(0, BUCKETS), 0);
        assert_eq!(scale(u32::MAX, BUCKETS), 9_999);
        assert!(bucket("greeting", "p-1") < BUCKETS);
    }
}
