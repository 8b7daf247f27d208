//! [`HeadSigner`](crate::HeadSigner). The cases take the adapter itself, with a key in force.

use sluice_domain::audit::SignatureError;

use crate::{HeadSigner, PortError};

/// What is signed verifies with the keys that count, and with nothing changed.
pub async fn a_signature_holds_for_its_message_alone<H: HeadSigner>(signer: H) {
    let keys = signer.trusted().await.unwrap();
    for message in [b"{}".to_vec(), "头".repeat(300).into_bytes(), vec![b'x'; H::LARGEST]] {
        let signature = signer.sign(&message).await.unwrap();
        assert_eq!(keys.verify(&signature, &message), Ok(()));
        let mut other = message.clone();
        other[0] ^= 1;
        assert_eq!(keys.verify(&signature, &other), Err(SignatureError::Wrong(signature.key)));
        for place in 0..signature.value.0.len() {
            let mut altered = signature.clone();
            altered.value.0[place] ^= 1;
            assert!(keys.verify(&altered, &message).is_err(), "byte {place}");
        }
    }
}

/// The key that signs is the first of those that count, and it is the same each time.
pub async fn the_key_in_force_comes_first<H: HeadSigner>(signer: H) {
    let keys = signer.trusted().await.unwrap();
    for _ in 0..2 {
        let signature = signer.sign(b"message").await.unwrap();
        assert_eq!(signature.key, keys.all()[0].id());
        assert_eq!(signature.algorithm, keys.all()[0].algorithm());
    }
    assert_eq!(signer.trusted().await, Ok(keys));
}

/// A longer message than KMS takes is refused everywhere.
pub async fn a_longer_message_is_refused<H: HeadSigner>(signer: H) {
    let refused = signer.sign(&vec![0; H::LARGEST + 1]).await;
    let expected = |error| matches!(error, PortError::TooLarge { limit, got, .. } if limit == H::LARGEST && got == limit + 1);
    assert!(refused.is_err_and(expected));
}
