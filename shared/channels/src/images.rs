//! Where the bytes of images are: the port, erased, for it is asked from everywhere here, and only when something needs them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use sluice_domain::delivery::Outcome;
use sluice_domain::failure::FailureKind;
use sluice_domain::image::Image;
use sluice_ports::{ImageFiles, PortError};

use crate::refusal::Refusal;

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Bytes, PortError>> + Send + 'a>>;

/// [`ImageFiles`] as an object.
trait Files: Send + Sync {
    fn image<'a>(&'a self, image: &'a Image) -> Answer<'a>;
}

impl<T: ImageFiles> Files for T {
    fn image<'a>(&'a self, image: &'a Image) -> Answer<'a> {
        Box::pin(ImageFiles::image(self, image))
    }
}

/// The files of a process's images; by default it has none.
#[derive(Clone, Default)]
pub(crate) struct Images(Option<Arc<dyn Files>>);

impl fmt::Debug for Images {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Images({})", if self.0.is_some() { "some" } else { "none" })
    }
}

impl Images {
    pub(crate) fn of(files: impl ImageFiles + 'static) -> Self {
        Self(Some(Arc::new(files)))
    }

    /// The bytes of an image. Without them nothing leaves, and the message comes back: a file may be on its way.
    pub(crate) async fn bytes(&self, image: &Image) -> Result<Bytes, Refusal> {
        let found = match &self.0 {
            Some(files) => files.image(image).await,
            None => Err(PortError::Missing { what: "images", cause: "this process has none".to_owned() }),
        };
        found.map_err(|error| {
            tracing::error!(image = %image.name, "image `{}` can not be sent: {error}", image.name);
            match error.kind() {
                FailureKind::ThrottledUntil(until) => {
                    Refusal::new(Outcome::Throttled { until }, "image_unavailable")
                }
                FailureKind::Retry | FailureKind::InDoubt => {
                    Refusal::new(Outcome::Transient, "image_unavailable")
                }
                FailureKind::Configuration | FailureKind::Permanent => {
                    Refusal::new(Outcome::Transient, "image_missing")
                }
            }
        })
    }
}
