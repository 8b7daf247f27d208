use proptest::prelude::*;

use super::*;

/// The inputs and roots of the test of the Certificate Transparency log's own tree
/// (`google/certificate-transparency`, `merkletree/merkle_tree_test.cc`).
#[test]
fn roots_are_those_of_certificate_transparency() {
    let inputs: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let leaves = inputs.map(leaf);
    let mut growing = CompactRange::default();
    for (count, expected) in roots.iter().enumerate() {
        assert_eq!(root(&leaves[..count]).to_string(), *expected, "{count} leaves");
        assert_eq!(growing.root().to_string(), *expected, "{count} leaves");
        if let Some(leaf) = leaves.get(count) {
            growing.push(*leaf);
        }
    }
}

#[test]
fn nothing_is_proven_of_what_is_not_there() {
    let leaves = [leaf(b"a"), leaf(b"b")];
    assert_eq!(inclusion_path(2, &leaves), None);
    assert_eq!(inclusion_path(0, &[]), None);
    assert_eq!(consistency_path(0, &leaves), None);
    assert_eq!(consistency_path(3, &leaves), None);
    let huge = verify_inclusion(u64::MAX - 1, u64::MAX, leaves[0], &[], root(&leaves));
    assert_eq!(huge, Err(ProofError::Length { got: 0 }));
    assert_eq!(
        verify_inclusion(u64::MAX - 1, u64::MAX, leaves[0], &[leaves[1]; 100], root(&leaves)),
        Err(ProofError::Length { got: 100 })
    );
    assert!(verify_consistency(1 << 63, u64::MAX, leaves[0], leaves[1], &[leaves[1]; 100]).is_err());
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|number| leaf(&number.to_be_bytes())).collect()
}

proptest! {
    #[test]
    fn every_leaf_proves_itself_and_no_flipped_bit_does(count in 1_usize..200, at in any::<prop::sample::Index>(), bit in 0_usize..256) {
        let leaves = leaves(count);
        let (index, root) = (at.index(count), root(&leaves));
        let path = inclusion_path(index, &leaves).unwrap();
        let verify = |index: usize, leaf, path: &[Hash], root| verify_inclusion(index as u64, count as u64, leaf, path, root);
        prop_assert_eq!(verify(index, leaves[index], &path, root), Ok(()));
        let flipped = |mut hash: Hash| { hash.0[bit / 8] ^= 1 << (bit % 8); hash };
        prop_assert!(verify(index, flipped(leaves[index]), &path, root).is_err());
        prop_assert!(verify(index, leaves[index], &path, flipped(root)).is_err());
        for place in 0..path.len() {
            let mut altered = path.clone();
            altered[place] = flipped(altered[place]);
            prop_assert!(verify(index, leaves[index], &altered, root).is_err());
            altered.remove(place);
            prop_assert!(verify(index, leaves[index], &altered, root).is_err());
        }
        for other in (0..count).filter(|other| *other != index) {
            prop_assert!(verify(other, leaves[index], &path, root).is_err());
        }
    }

    #[test]
    fn every_beginning_is_consistent_and_no_rewritten_one_is(second in 1_usize..120, at in any::<prop::sample::Index>(), changed in any::<prop::sample::Index>()) {
        let leaves = leaves(second);
        let first = at.index(second) + 1;
        let path = consistency_path(first, &leaves).unwrap();
        let roots = |leaves: &[Hash]| (root(&leaves[..first]), root(leaves));
        let verify = |(one, two), path: &[Hash]| verify_consistency(first as u64, second as u64, one, two, path);
        prop_assert_eq!(verify(roots(&leaves), &path), Ok(()));
        // A log whose past was rewritten: no path of its own leads from the root that was given out.
        let mut rewritten = leaves.clone();
        rewritten[changed.index(first)] = leaf(b"rewritten");
        let (given_out, (_, new)) = (root(&leaves[..first]), roots(&rewritten));
        let its_own = consistency_path(first, &rewritten).unwrap();
        prop_assert!(verify((given_out, new), &its_own).is_err());
        prop_assert!(verify((given_out, new), &path).is_err());
    }

    #[test]
    fn a_growing_tree_has_the_root_of_its_leaves_and_comes_back_from_its_peaks(count in 0_usize..300) {
        let leaves = leaves(count);
        let mut growing = CompactRange::default();
        for leaf in &leaves {
            growing.push(*leaf);
        }
        prop_assert_eq!(growing.root(), root(&leaves));
        prop_assert_eq!(growing.size(), count as u64);
        let again = CompactRange::of(growing.size(), growing.peaks().to_vec());
        prop_assert_eq!(again.as_ref(), Some(&growing));
        prop_assert_eq!(CompactRange::of(growing.size() + 1, growing.peaks().to_vec()).filter(|_| count % 2 == 0), None);
    }
}
