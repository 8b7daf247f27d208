//! The headers of PNG (W3C PNG §5, §11.2.2) and JPEG (ITU-T T.81 annex B) as far as they say which format a file is, how large its picture
//! is, and that it is whole.

use super::ImageFormat;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = &[0xFF, 0xD8, 0xFF];

/// In pixels.
pub(super) struct Dimensions {
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The format by the first bytes; with it the dimensions, if the file is whole.
pub(super) fn read(bytes: &[u8]) -> Option<(ImageFormat, Option<Dimensions>)> {
    if let Some(chunks) = bytes.strip_prefix(PNG) {
        return Some((ImageFormat::Png, png(chunks)));
    }
    // The third byte begins the first segment.
    bytes.starts_with(JPEG).then(|| (ImageFormat::Jpeg, bytes.get(2..).and_then(jpeg)))
}

/// Walks the chunks from IHDR, the first, to IEND, the last.
fn png(mut rest: &[u8]) -> Option<Dimensions> {
    let mut dimensions = None;
    loop {
        let (length, after) = number::<4>(rest)?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let (data, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
        let (_checksum, after) = number::<4>(after)?;
        match (kind, &dimensions) {
            (b"IHDR", None) => {
                let (width, data) = number::<4>(data)?;
                let (height, _) = number::<4>(data)?;
                dimensions = Some(Dimensions { width, height });
            }
            (b"IEND", Some(_)) => return dimensions,
            (_, Some(_)) => {}
            (_, None) => return None,
        }
        rest = after;
    }
}

/// Walks the segments to the frame header, then looks for the end of the image.
fn jpeg(mut rest: &[u8]) -> Option<Dimensions> {
    let mut dimensions = None;
    loop {
        let after = rest.strip_prefix(&[0xFF])?;
        // Any number of 0xFF may stand before a marker.
        let (marker, after) =
            after.iter().position(|byte| *byte != 0xFF).and_then(|at| after.get(at..))?.split_first()?;
        let (length, _) = number::<2>(after)?;
        let (segment, next) = after.split_at_checked(usize::try_from(length).ok()?)?;
        let data = segment.get(2..)?;
        match marker {
            // Frame headers of every process; C4, C8 and CC are none.
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                let (height, data) = number::<2>(data.get(1..)?)?;
                let (width, _) = number::<2>(data)?;
                dimensions = Some(Dimensions { width, height });
            }
            // The picture itself, to the marker of its end.
            0xDA => {
                let is_whole = next.windows(2).any(|pair| pair == [0xFF, 0xD9]);
                return dimensions.filter(|_| is_whole);
            }
            _ => {}
        }
        rest = next;
    }
}

/// A big-endian number of so many bytes, at most four.
fn number<const BYTES: usize>(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = bytes.split_first_chunk::<BYTES>()?;
    Some((digits.iter().fold(0, |number, digit| number << 8 | u32::from(*digit)), rest))
}
