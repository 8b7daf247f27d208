//! Images from the configuration directory: as it is in force, or nothing.

use std::sync::Arc;

use bytes::Bytes;
use sluice_domain::image::Image;
use sluice_ports::{ImageFiles, PortError};
use sluice_settings::LastGood;

/// The images of the configuration in force.
pub(super) struct Images(pub(super) Arc<LastGood>);

impl ImageFiles for Images {
    async fn image(&self, image: &Image) -> Result<Bytes, PortError> {
        let (settings, wanted) = (Arc::clone(&self.0), image.clone());
        let read = tokio::task::spawn_blocking(move || settings.image(&wanted)).await;
        let read =
            read.map_err(|error| PortError::Unavailable { what: "images", cause: error.to_string() })?;
        read.map(Bytes::from).map_err(|cause| PortError::Missing { what: "images", cause })
    }
}
