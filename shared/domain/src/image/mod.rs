//! Images that scripts send: files beside them, known by name and by what is in them.
//!
//! A rule can not read a picture. So a script says what can be read on its image (`image_text`), and that is judged in its place; and an
//! image is known by its SHA-256 everywhere, so that the one that was judged is the one that is sent.

mod header;

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use header::Dimensions;

/// The most pixels of a side: what Feishu takes (im/v1/images), the only platform that says so.
pub const LONGEST_SIDE: u32 = 12_000;
/// The most bytes that any channel takes.
pub const LARGEST: u64 = 10_000_000;

/// The name of an image's file, in the folder `images/` of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageName(String);

/// The name is none of an image's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "image must be the name of a file in images/: 1 to 64 characters of [A-Za-z0-9._-], no folder, no point first, and .png, .jpg or .jpeg at the end"
)]
pub struct InvalidImageName;

impl ImageName {
    /// Parses a name.
    ///
    /// # Errors
    /// [`InvalidImageName`], also of a name that leads out of the folder.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidImageName> {
        let name = name.into();
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let is_name = plain && name.len() <= 64 && !name.starts_with('.') && ImageFormat::of(&name).is_some();
        if is_name { Ok(Self(name)) } else { Err(InvalidImageName) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ImageName {
    type Error = InvalidImageName;
    fn try_from(name: String) -> Result<Self, InvalidImageName> {
        Self::new(name)
    }
}

impl From<ImageName> for String {
    fn from(name: ImageName) -> Self {
        name.0
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The formats that every platform with images takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageFormat {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
}

impl ImageFormat {
    /// As HTTP names it.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }

    /// By the end of a file's name.
    fn of(name: &str) -> Option<Self> {
        match name.rsplit_once('.')? {
            (_, "png") => Some(Self::Png),
            (_, "jpg" | "jpeg") => Some(Self::Jpeg),
            _ => None,
        }
    }
}

/// What is known of an image without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Its file's name.
    pub name: ImageName,
    /// As its bytes say.
    pub format: ImageFormat,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// How many.
    pub bytes: u64,
    /// Lower-case hex, of the bytes.
    pub sha256: String,
}

/// A file that can not be sent as an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Its first bytes are neither format's.
    #[error("expected a PNG or JPEG file, got one that begins as neither")]
    Neither,
    /// The header that says how large the picture is, or the end, is missing.
    #[error("expected a whole {} file, got one that is cut or damaged", .0.media_type())]
    Damaged(ImageFormat),
    /// Platforms go by the name.
    #[error("expected what its name says, got {}: name it so", .0.media_type())]
    OtherFormat(ImageFormat),
    /// No platform would take it.
    #[error("expected 1 to {LONGEST_SIDE} pixels a side, got {width} × {height}")]
    Sides {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// No platform would take it.
    #[error("expected at most {LARGEST} bytes, got more")]
    TooLarge,
}

impl Image {
    /// Looks at a file: its format by its first bytes, its size by its header.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn inspect(name: ImageName, bytes: &[u8]) -> Result<Self, ImageError> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length > LARGEST {
            return Err(ImageError::TooLarge);
        }
        let (format, dimensions) = header::read(bytes).ok_or(ImageError::Neither)?;
        let Dimensions { width, height } = dimensions.ok_or(ImageError::Damaged(format))?;
        if ImageFormat::of(name.as_str()) != Some(format) {
            return Err(ImageError::OtherFormat(format));
        }
        if [width, height].iter().any(|side| !(1..=LONGEST_SIDE).contains(side)) {
            return Err(ImageError::Sides { width, height });
        }
        Ok(Self { name, format, width, height, bytes: length, sha256: hex::encode(Sha256::digest(bytes)) })
    }

    /// Are these its bytes?
    pub fn is(&self, bytes: &[u8]) -> bool {
        hex::encode(Sha256::digest(bytes)) == self.sha256
    }

    /// What stands for it where people and records need to know which one it is: another picture has another reference.
    pub fn reference(&self) -> String {
        let Self { name, format, width, height, bytes, sha256 } = self;
        format!("{name}: {}, {width} × {height}, {bytes} bytes, sha256 {sha256}", format.media_type())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = include_bytes!("../../../../tests/vectors/images/card.png");
    const JPEG: &[u8] = include_bytes!("../../../../tests/vectors/images/card.jpg");

    fn name(name: &str) -> ImageName {
        ImageName::new(name).unwrap()
    }

    /// Made, measured and hashed by another program (see the vectors' README).
    #[test]
    fn what_another_program_says_of_a_file_is_found_in_it() {
        let rows = include_str!("../../../../tests/vectors/images/facts.csv");
        for row in rows.lines().skip(1) {
            let cells: Vec<&str> = row.split(',').collect();
            let [file, media_type, width, height, bytes, sha256, ..] = cells.as_slice() else {
                panic!("{row}")
            };
            let content = if *file == "card.png" { PNG } else { JPEG };
            let image = Image::inspect(name(file), content).unwrap();
            assert_eq!(
                (image.format.media_type(), image.width, image.height, image.bytes, image.sha256.as_str()),
                (
                    *media_type,
                    width.parse().unwrap(),
                    height.parse().unwrap(),
                    bytes.parse().unwrap(),
                    *sha256
                )
            );
            assert!(image.is(content) && !image.is(b"another"));
        }
    }

    #[test]
    fn a_name_stays_in_its_folder() {
        for good in ["promo.png", "a.jpeg", "2026-11_b.v2.jpg"] {
            assert!(ImageName::new(good).is_ok(), "{good}");
        }
        let long = format!("{}.png", "a".repeat(61));
        for bad in [
            "", ".png", "..png", "../a.png", "a/b.png", "a\\b.png", "a.gif", "a.PNG", "图.png", "a b.png",
            "png", &long,
        ] {
            assert_eq!(ImageName::new(bad), Err(InvalidImageName), "{bad}");
        }
    }

    #[test]
    fn what_is_no_whole_image_of_its_name_is_refused() {
        assert_eq!(Image::inspect(name("a.png"), b""), Err(ImageError::Neither));
        assert_eq!(Image::inspect(name("a.png"), b"GIF89a"), Err(ImageError::Neither));
        assert_eq!(Image::inspect(name("a.jpg"), PNG), Err(ImageError::OtherFormat(ImageFormat::Png)));
        assert_eq!(Image::inspect(name("a.png"), JPEG), Err(ImageError::OtherFormat(ImageFormat::Jpeg)));
        let mut wide = PNG.to_vec();
        wide[16..20].copy_from_slice(&12_001_u32.to_be_bytes());
        let sides = Image::inspect(name("a.png"), &wide).unwrap_err();
        assert!(matches!(sides, ImageError::Sides { width: 12_001, .. }), "{sides}");
        let large = [PNG, &vec![0; 10_000_000]].concat();
        assert_eq!(Image::inspect(name("a.png"), &large), Err(ImageError::TooLarge));
    }

    #[test]
    fn a_file_that_was_cut_anywhere_is_refused() {
        for length in 0..PNG.len() {
            assert!(Image::inspect(name("a.png"), &PNG[..length]).is_err(), "{length} of PNG");
        }
        for length in 0..JPEG.len() {
            assert!(Image::inspect(name("a.jpg"), &JPEG[..length]).is_err(), "{length} of JPEG");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), kind in 0..3_u8) {
            let begin: &[u8] = match kind { 0 => &PNG[..16], 1 => &JPEG[..4], _ => &[] };
            bytes.splice(0..0, begin.iter().copied());
            let _ = Image::inspect(name("a.png"), &bytes);
        }
    }
}
