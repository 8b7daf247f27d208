//! The size of a function's ZIP: what is uploaded, and what Lambda fetches at a cold start.

use std::io::Write as _;

use anyhow::Result;
use flate2::Compression;
use flate2::write::DeflateEncoder;

/// Local header, central directory and its end, for the one entry `bootstrap` (APPNOTE 4.3).
const HEADERS: u64 = 30 + 46 + 22 + 2 * "bootstrap".len() as u64;

/// Of a program as the only entry, at the highest level.
pub(super) fn size(program: &[u8]) -> Result<u64> {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::best());
    deflate.write_all(program)?;
    Ok(u64::try_from(deflate.finish()?.len())?.saturating_add(HEADERS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetition_is_squeezed_and_headers_count() {
        let squeezed = size(&vec![7; 100_000]).unwrap();
        assert!((HEADERS..HEADERS + 500).contains(&squeezed), "{squeezed}");
    }
}
