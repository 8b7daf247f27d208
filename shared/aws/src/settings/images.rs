//! Images of a configuration: objects by their hash, fetched when one is about to be sent and not before. The last few stay in memory.

use std::collections::VecDeque;
use std::path::Path;

use bytes::Bytes;
use sluice_domain::image::Image;
use sluice_domain::time::UnixMillis;
use sluice_ports::{ImageFiles, PortError};
use sluice_settings::image_in;

use super::bucket::Bucket;
use super::{SettingsSource, is_sha256};
use crate::s3::{Get, Got};

const WHAT: &str = "images";
/// So much is kept in memory, of a function that has 256 MB.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The images that were sent last, by hash; the newest first.
#[derive(Debug, Default)]
pub(super) struct Kept {
    images: VecDeque<(String, Bytes)>,
    bytes: usize,
}

impl Kept {
    fn find(&mut self, sha256: &str) -> Option<Bytes> {
        let place = self.images.iter().position(|(known, _)| known == sha256)?;
        let found = self.images.remove(place)?;
        let bytes = found.1.clone();
        self.images.push_front(found);
        Some(bytes)
    }

    fn keep(&mut self, sha256: &str, bytes: Bytes) {
        self.bytes += bytes.len();
        self.images.push_front((sha256.to_owned(), bytes));
        while self.bytes > MOST_BYTES {
            let Some((_, oldest)) = self.images.pop_back() else { return };
            self.bytes -= oldest.len();
        }
    }
}

impl ImageFiles for SettingsSource {
    async fn image(&self, image: &Image) -> Result<Bytes, PortError> {
        // Held while one is fetched: a batch of messages with one image fetches it once.
        let mut kept = self.inner.images.lock().await;
        if let Some(bytes) = kept.find(&image.sha256) {
            return Ok(bytes);
        }
        let bytes = match &self.inner.bucket {
            Some(bucket) => fetch(bucket, image, self.inner.clock.now()).await?,
            None => read(&self.inner.directory, image)?,
        };
        kept.keep(&image.sha256, bytes.clone());
        Ok(bytes)
    }
}

fn read(directory: &Path, image: &Image) -> Result<Bytes, PortError> {
    image_in(directory, image).map(Bytes::from).map_err(missing)
}

/// Fetches an image, if it is the one that was published.
pub(super) async fn fetch(bucket: &Bucket, image: &Image, now: UnixMillis) -> Result<Bytes, PortError> {
    let other = || missing(format!("`{}` in the bucket is not the file that was published", image.name));
    let (true, Ok(limit)) = (is_sha256(&image.sha256), usize::try_from(image.bytes)) else {
        return Err(other());
    };
    let key = bucket.image_key(&image.sha256);
    let get = Get { bucket: &bucket.name, key: &key, version: None, unless: None, range: None, limit };
    match bucket.client.get(get).await {
        Ok(Got::Object { bytes, .. }) if image.is(&bytes) => Ok(bytes),
        Ok(Got::Object { .. } | Got::Same | Got::TooLong) => Err(other()),
        Err(refusal) => Err(bucket.error(&refusal, now)),
    }
}

fn missing(cause: String) -> PortError {
    PortError::Missing { what: WHAT, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_that_were_sent_last_are_kept_and_no_more_than_fit() {
        let mut kept = Kept::default();
        let image = |byte: u8| Bytes::from(vec![byte; 6 * 1024 * 1024]);
        for (name, byte) in [("a", 1), ("b", 2)] {
            kept.keep(name, image(byte));
        }
        assert!(kept.find("a").is_some(), "and is the newest now");
        kept.keep("c", image(3));
        let found = ["a", "b", "c"].map(|name| kept.find(name).is_some());
        assert_eq!((found, kept.bytes), ([true, false, true], 12 * 1024 * 1024));
    }
}
