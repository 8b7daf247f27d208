//! Records without the air in them. `DynamoDB` bills a write for each KB of an item, and an audit record is JSON of words that every other
//! record has, too.
//!
//! A packed record is a byte that says how it is packed, and the rest: raw DEFLATE (RFC 1951) that begins as if the dictionary had gone
//! before it (as RFC 1950's `FDICT` has it). What a record's digest covers is its content (`sluice_domain::audit`), so how it is stored
//! may change from one version to the next.

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output, create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use sluice_ports::PortError;

use super::schema::Table;

/// The first form: deflated after the first dictionary.
const FIRST: u8 = 1;
/// What an audit record mostly says, the likeliest last. It never changes, for records were packed with it: another one is another form.
const DICTIONARY: &[u8] = include_bytes!("dictionary-1.txt");
/// zlib's default: for some KB more effort saves nothing.
const LEVEL: i32 = 6;
/// Without zlib's header.
const RAW: i32 = -15;
/// The longest record, unpacked. Some bytes may claim to be a thousand times as many; ours are KBs.
const LONGEST: usize = 4 * 1_024 * 1_024;

/// Packs a record's JSON.
pub(super) fn pack(table: Table, json: &[u8]) -> Result<Vec<u8>, PortError> {
    if json.len() > LONGEST {
        return Err(PortError::TooLarge { what: table.as_str(), limit: LONGEST, got: json.len() });
    }
    let mut deflate = Box::new(CompressorOxide::new(create_comp_flags_from_zip_params(LEVEL, RAW, 0)));
    // What the dictionary itself becomes is dropped; whoever unpacks has it.
    compress_to_output(&mut deflate, DICTIONARY, TDEFLFlush::Sync, |_| true);
    let mut packed = vec![FIRST];
    let (status, _) = compress_to_output(&mut deflate, json, TDEFLFlush::Finish, |bytes| {
        packed.extend_from_slice(bytes);
        true
    });
    if status == TDEFLStatus::Done {
        return Ok(packed);
    }
    Err(PortError::Corrupt { what: table.as_str(), cause: "a record can not be packed".to_owned() })
}

/// A packed record's JSON.
pub(super) fn unpack(table: Table, packed: &[u8]) -> Result<Vec<u8>, PortError> {
    let corrupt = |cause: String| PortError::Corrupt { what: table.as_str(), cause };
    match packed.split_first() {
        Some((&FIRST, deflated)) => {
            inflate(deflated).map_err(|cause| corrupt(format!("a packed record {cause}")))
        }
        Some((form, _)) => {
            Err(corrupt(format!("a record is packed in form {form}, which this version does not read")))
        }
        None => Err(corrupt("a packed record is empty".to_owned())),
    }
}

fn inflate(mut deflated: &[u8]) -> Result<Vec<u8>, String> {
    let mut inflate = Box::new(DecompressorOxide::new());
    let mut out = DICTIONARY.to_vec();
    let mut end = out.len();
    loop {
        // A record is mostly two to four times as long as it is packed.
        let room = out.len().saturating_add(deflated.len().saturating_mul(4).max(1_024));
        out.resize(room.min(DICTIONARY.len() + LONGEST + 1), 0);
        let (status, read, written) =
            decompress(&mut inflate, deflated, &mut out, end, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF);
        end = end.saturating_add(written);
        deflated = deflated.get(read..).unwrap_or_default();
        let length = end.saturating_sub(DICTIONARY.len());
        match status {
            TINFLStatus::Done if length <= LONGEST => {
                out.truncate(end);
                return Ok(out.split_off(DICTIONARY.len()));
            }
            TINFLStatus::HasMoreOutput if length <= LONGEST => {}
            TINFLStatus::Done | TINFLStatus::HasMoreOutput => {
                return Err(format!("is longer than {LONGEST} bytes"));
            }
            _ => return Err("can not be unpacked".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    use super::*;

    const TABLE: Table = Table::Audit;

    /// Of Python's zlib: `zlib.compressobj(6, zlib.DEFLATED, -15, 8, 0, dictionary)`.
    const RECORD: (&str, &str) = (
        r#"{"tenant":"brand","source":"open-platform","message":"m-1","kind":"form_submit","disposition":"unhandled"}"#,
        "01430ad3246084a41017b0b9ba86b88212d577881aa31600",
    );

    #[test]
    fn what_zlib_deflated_after_the_dictionary_is_read() {
        let packed = hex::decode(RECORD.1).unwrap();
        assert_eq!(unpack(TABLE, &packed).unwrap(), RECORD.0.as_bytes());
        // Ours makes use of the dictionary, too: without it, it would be more than twice as long.
        let without = miniz_oxide::deflate::compress_to_vec(RECORD.0.as_bytes(), 6);
        assert!(2 * pack(TABLE, RECORD.0.as_bytes()).unwrap().len() <= without.len());
    }

    #[test]
    fn the_dictionary_is_the_one_that_records_were_packed_with() {
        let sha256 = hex::encode(Sha256::digest(DICTIONARY));
        assert_eq!(sha256, "b644a23ec4a35e7753f87c5dc5c578380d21932b655bd34dd07803d7d7bbd391");
    }

    #[test]
    fn little_that_claims_to_be_much_is_refused() {
        let bomb =
            [&[FIRST][..], &miniz_oxide::deflate::compress_to_vec(&vec![b'a'; LONGEST + 1], 6)].concat();
        assert!(bomb.len() < 16 * 1_024);
        let error = unpack(TABLE, &bomb).unwrap_err();
        assert!(error.to_string().contains("longer than"), "{error}");
        assert!(matches!(pack(TABLE, &vec![b'a'; LONGEST + 1]), Err(PortError::TooLarge { .. })));
        let longest = vec![b'a'; LONGEST];
        assert_eq!(pack(TABLE, &longest).and_then(|packed| unpack(TABLE, &packed)), Ok(longest));
    }

    #[test]
    fn what_is_no_packed_record_is_told_as_such() {
        for (bytes, words) in [(&[][..], "empty"), (&[7, 1, 2], "form 7"), (&[FIRST, 0xff, 0xff], "can not")]
        {
            let error = unpack(TABLE, bytes).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
        let cut = hex::decode(RECORD.1).unwrap();
        assert!(unpack(TABLE, &cut[..cut.len() - 3]).is_err());
    }

    proptest! {
        #[test]
        fn every_record_comes_back(json: Vec<u8>, words in prop::collection::vec(0..DICTIONARY.len(), 0..20)) {
            let mut record = json;
            for word in words {
                record.extend(DICTIONARY.iter().skip(word).take(30));
            }
            let packed = pack(TABLE, &record).unwrap();
            prop_assert_eq!(unpack(TABLE, &packed).unwrap(), record);
        }

        #[test]
        fn foreign_bytes_never_panic(mut bytes: Vec<u8>) {
            let _ = unpack(TABLE, &bytes);
            bytes.insert(0, FIRST);
            let _ = unpack(TABLE, &bytes);
        }
    }
}
