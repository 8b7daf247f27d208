use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use sluice_domain::image::Image;

use crate::PortError;

/// The files of the images that scripts send. They are looked for only when one is about to leave.
pub trait ImageFiles: Send + Sync {
    /// The bytes of an image: those that have its hash, and no others.
    ///
    /// # Errors
    /// [`PortError::Missing`] when there is no such file, or another one in its place.
    fn image(&self, image: &Image) -> impl Future<Output = Result<Bytes, PortError>> + Send;
}

impl<T: ImageFiles> ImageFiles for Arc<T> {
    fn image(&self, image: &Image) -> impl Future<Output = Result<Bytes, PortError>> + Send {
        (**self).image(image)
    }
}
