//! Images as platforms look at them: their first bytes, their size, and what a recipient would see.

use sha2::{Digest as _, Sha256};

/// JPG and PNG, which every platform takes.
const FORMATS: [(&[u8], &str); 2] = [(b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xFF\xD8\xFF", "image/jpeg")];

/// The media type of an image that can be sent.
pub(crate) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    FORMATS.iter().find(|(begin, _)| bytes.starts_with(begin)).map(|(_, name)| *name)
}

/// What stands for the picture among what recipients have seen: which one it is.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("[image sha256:{hash}]")
}
