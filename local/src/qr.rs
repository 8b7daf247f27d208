//! QR codes (ISO/IEC 18004) as SVG and PNG.

use qrcode::render::svg;
use qrcode::types::{Color, QrError};
use qrcode::{EcLevel, QrCode};

/// The quiet zone: four modules on each side (ISO/IEC 18004 §9.1).
const QUIET: usize = 4;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum QrPictureError {
    /// More than a QR code holds.
    #[error("link does not fit into a QR code: {0}")]
    TooLong(#[from] QrError),
    /// The PNG can not be written.
    #[error("picture can not be written: {0}")]
    Png(#[from] png::EncodingError),
}

/// A QR code of a text, readable with 15 % of it damaged.
pub struct Qr(QrCode);

impl Qr {
    /// Encodes a text.
    ///
    /// # Errors
    /// [`QrPictureError::TooLong`].
    pub fn new(text: &str) -> Result<Self, QrPictureError> {
        Ok(Self(QrCode::with_error_correction_level(text, EcLevel::M)?))
    }

    /// Modules along one side, without the quiet zone.
    pub fn width(&self) -> usize {
        self.0.width()
    }

    /// As SVG, which scales without loss.
    pub fn svg(&self) -> String {
        self.0.render::<svg::Color<'_>>().min_dimensions(256, 256).build()
    }

    /// As PNG of one bit a pixel, `scale` pixels a module.
    ///
    /// # Errors
    /// [`QrPictureError::Png`].
    pub fn png(&self, scale: usize) -> Result<Vec<u8>, QrPictureError> {
        let (width, colors) = (self.0.width(), self.0.to_colors());
        let side = (width + 2 * QUIET) * scale;
        let dark = |x: usize, y: usize| {
            let (column, row) = (x / scale, y / scale);
            let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < width);
            match (inside(column), inside(row)) {
                (Some(column), Some(row)) => colors.get(row * width + column) == Some(&Color::Dark),
                _ => false,
            }
        };
        let mut rows = Vec::with_capacity(side * side.div_ceil(8));
        for y in 0..side {
            for byte in 0..side.div_ceil(8) {
                // The first pixel is the highest bit; 1 is white.
                rows.push((0..8).fold(0_u8, |bits, bit| bits << 1 | u8::from(!dark(byte * 8 + bit, y))));
            }
        }
        let mut file = Vec::new();
        let pixels = u32::try_from(side).unwrap_or(u32::MAX);
        let mut encoder = png::Encoder::new(&mut file, pixels, pixels);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&rows)?;
        writer.finish()?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://go.example.com/links/bDF8YnJhbmR8MnzmtLvliqgt5Y-MMTE.Aq3_-9";

    /// Reads a picture with a decoder that shares nothing with the encoder.
    fn decoded(side: usize, dark: impl Fn(usize, usize) -> bool) -> String {
        let mut image = rqrr::PreparedImage::prepare_from_bitmap(side, side, dark);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn a_png_reads_as_the_link() {
        let qr = Qr::new(LINK).unwrap();
        for scale in [1, 3, 8] {
            let file = qr.png(scale).unwrap();
            let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            let side = usize::try_from(info.width).unwrap();
            assert_eq!(side, (qr.width() + 8) * scale);
            let read = decoded(side, |x, y| pixels[y * info.line_size + x / 8] & (0x80 >> (x % 8)) == 0);
            assert_eq!(read, LINK);
        }
    }

    #[test]
    fn an_svg_reads_as_the_link() {
        let qr = Qr::new(LINK).unwrap();
        let svg = qr.svg();
        assert!(svg.starts_with("<?xml") && svg.ends_with("</svg>"));
        // Its dark squares are one path of `M x y h w v h H x V y`.
        let path = svg.rsplit_once("d=\"").unwrap().1.split('"').next().unwrap();
        let squares: Vec<[usize; 4]> = path
            .split('M')
            .filter(|part| !part.is_empty())
            .map(|part| {
                let numbers: Vec<usize> = part
                    .split(|char: char| !char.is_ascii_digit())
                    .filter_map(|number| number.parse().ok())
                    .collect();
                [numbers[0], numbers[1], numbers[2], numbers[3]]
            })
            .collect();
        let side = squares.iter().map(|[x, _, w, _]| x + w).max().unwrap() + squares[0][0];
        let mut dark = vec![false; side * side];
        for [x, y, w, h] in squares {
            for row in y..y + h {
                dark[row * side + x..row * side + x + w].fill(true);
            }
        }
        assert_eq!(decoded(side, |x, y| dark[y * side + x]), LINK);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(matches!(Qr::new(&"x".repeat(2_400)), Err(QrPictureError::TooLong(_))));
    }
}
