/// MurmurHash3 for x86, 32 bits (Austin Appleby, public domain; `smhasher/src/MurmurHash3.cpp`).
pub fn murmur3_x86_32(bytes: &[u8], seed: u32) -> u32 {
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = blocks.iter().fold(seed, |hash, block| {
        (hash ^ mix_32(u32::from_le_bytes(*block))).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
    });
    if !tail.is_empty() {
        let rest = tail.iter().rev().fold(0, |rest, byte| rest << 8 | u32::from(*byte));
        hash ^= mix_32(rest);
    }
    // The reference takes the length as 32 bits, too.
    #[expect(clippy::cast_possible_truncation, reason = "the algorithm is defined modulo 2^32")]
    let length = bytes.len() as u32;
    finish_32(hash ^ length)
}

fn mix_32(block: u32) -> u32 {
    block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593)
}

fn finish_32(mut hash: u32) -> u32 {
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

const C1: u64 = 0x87c3_7b91_1142_53d5;
const C2: u64 = 0x4cf5_ad43_2745_937f;

/// MurmurHash3 for x64, 128 bits, as its two little-endian halves.
pub fn murmur3_x64_128(bytes: &[u8], seed: u32) -> (u64, u64) {
    let (mut h1, mut h2) = (u64::from(seed), u64::from(seed));
    let (blocks, tail) = bytes.as_chunks::<16>();
    for block in blocks {
        let both = u128::from_le_bytes(*block);
        let (k1, k2) = halves(both);
        h1 ^= mix_low(k1);
        h1 = h1.rotate_left(27).wrapping_add(h2).wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 ^= mix_high(k2);
        h2 = h2.rotate_left(31).wrapping_add(h1).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    // A missing byte is a zero, and mixing zero changes nothing.
    let rest = tail.iter().rev().fold(0_u128, |rest, byte| rest << 8 | u128::from(*byte));
    let (k1, k2) = halves(rest);
    h2 ^= mix_high(k2);
    h1 ^= mix_low(k1);
    let length = bytes.len() as u64;
    (h1, h2) = (h1 ^ length, h2 ^ length);
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    (h1, h2) = (finish_64(h1), finish_64(h2));
    h1 = h1.wrapping_add(h2);
    (h1, h2.wrapping_add(h1))
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of 128 bits")]
fn halves(both: u128) -> (u64, u64) {
    (both as u64, (both >> 64) as u64)
}

fn mix_low(k1: u64) -> u64 {
    k1.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2)
}

fn mix_high(k2: u64) -> u64 {
    k2.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1)
}

fn finish_64(mut hash: u64) -> u64 {
    hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `SMHasher`'s verification: keys 0, 01, 0102, … with seeds 256 − length, then the hash of the hashes.
    fn verification(hash: impl Fn(&[u8], u32) -> Vec<u8>) -> u32 {
        let key: Vec<u8> = (0..=255).collect();
        let hashes: Vec<u8> =
            (0..256_u32).flat_map(|length| hash(&key[..length as usize], 256 - length)).collect();
        let last = hash(&hashes, 0);
        u32::from_le_bytes([last[0], last[1], last[2], last[3]])
    }

    #[test]
    fn smhasher_verification_values_are_met() {
        assert_eq!(verification(|key, seed| murmur3_x86_32(key, seed).to_le_bytes().to_vec()), 0xB0F5_7EE3);
        let wide = |key: &[u8], seed| {
            let (low, high) = murmur3_x64_128(key, seed);
            [low.to_le_bytes(), high.to_le_bytes()].concat()
        };
        assert_eq!(verification(wide), 0x6384_BA69);
    }

    #[test]
    fn published_rows_are_met() {
        let rows = include_str!("../../../../tests/vectors/murmur3_raw.csv");
        let mut seen = 0;
        for row in rows.lines().skip(1) {
            let cells: Vec<_> = row.split(',').collect();
            let [input, seed, expected, _, wide] = cells[..] else { panic!("row `{row}`") };
            let (input, seed) = (hex::decode(input).unwrap(), seed.parse().unwrap());
            assert_eq!(murmur3_x86_32(&input, seed), expected.parse::<u32>().unwrap(), "{row}");
            let (low, high) = murmur3_x64_128(&input, seed);
            assert_eq!(hex::encode([low.to_le_bytes(), high.to_le_bytes()].concat()), wide, "{row}");
            seen += 1;
        }
        assert!(seen > 20, "{seen} rows");
    }
}
