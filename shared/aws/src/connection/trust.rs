//! Whose certificates are believed.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::ConnectionError;

/// The five roots of Amazon Trust Services; see `roots/README.md`.
const AMAZON: &[u8] = include_bytes!("../../roots/amazon.pem");
/// Besides them in China.
const DIGICERT: &[u8] = include_bytes!("../../roots/digicert.pem");

pub(super) fn store(region: &str, bundle: Option<&[u8]>) -> Result<RootCertStore, ConnectionError> {
    if let Some(bundle) = bundle {
        return usable(bundle);
    }
    let mut store = usable(AMAZON)?;
    if region.starts_with("cn-") {
        store.extend(usable(DIGICERT)?.roots);
    }
    Ok(store)
}

/// The certificates of a bundle that TLS can use: lists of operating systems hold others, too.
fn usable(bundle: &[u8]) -> Result<RootCertStore, ConnectionError> {
    let (mut store, mut skipped) = (RootCertStore::empty(), 0_usize);
    for certificate in CertificateDer::pem_slice_iter(bundle) {
        let certificate =
            certificate.map_err(|error| ConnectionError::CaBundle(format!("the file is no PEM: {error}")))?;
        if store.add(certificate).is_err() {
            skipped += 1;
        }
    }
    if store.is_empty() {
        return Err(ConnectionError::CaBundle(format!(
            "the file holds no usable certificate ({skipped} others)"
        )));
    }
    if skipped > 0 {
        tracing::debug!(skipped, "{skipped} certificates of AWS_CA_BUNDLE can not be used and were left out");
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn fingerprints(pem: &[u8]) -> Vec<String> {
        CertificateDer::pem_slice_iter(pem)
            .map(|certificate| hex::encode(Sha256::digest(certificate.unwrap())))
            .collect()
    }

    /// As published at amazontrust.com/repository and digicert.com/kb/digicert-root-certificates.htm.
    #[test]
    fn the_roots_are_the_published_ones() {
        assert_eq!(
            fingerprints(AMAZON),
            [
                "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
                "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
                "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
                "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
                "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
            ]
        );
        assert_eq!(
            fingerprints(DIGICERT),
            [
                "4348a0e9444c78cb265e058d5e8944b4d84f9662bd26db257f8934a443c70161",
                "cb3ccbb76031e5e0138f8dd39a23f9de47ffc35e43c1144cea27d46a5ab1cb5f",
                "31ad6648f8104138c738f39ea4320133393e3a18cc02296ef97c2ac9ef6731d0",
                "371a00dc0533b3721a7eeb40e8419e70799d2b0a0f2c1d80693165f7cec4ad75",
                "018e13f0772532cf809bd1b17281867283fc48c6e13be9c69812854a490c1b05",
            ]
        );
    }

    #[test]
    fn a_bundle_keeps_what_can_be_used() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let mut bundle = broken.as_bytes().to_vec();
        bundle.extend_from_slice(AMAZON);
        assert_eq!(usable(&bundle).unwrap().roots, usable(AMAZON).unwrap().roots);
        assert_eq!(usable(AMAZON).unwrap().len(), 5);
        for useless in [broken, "", "no PEM at all"] {
            assert!(matches!(usable(useless.as_bytes()), Err(ConnectionError::CaBundle(_))), "{useless}");
        }
    }

    #[test]
    fn a_client_of_every_kind_of_region_can_be_made() {
        for region in ["us-east-1", "cn-north-1", "cn-northwest-1"] {
            let mut parts = crate::ConnectionParts::at("https://sqs.example", region, "a", "s");
            parts.endpoint = None;
            let _client = crate::Connection::new(parts).unwrap().sqs();
        }
    }
}
