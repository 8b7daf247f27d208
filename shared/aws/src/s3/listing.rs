//! `ListObjectVersions`, read.

use aws_smithy_xml::decode::{Document, ScopedDecoder, try_data};

/// One version of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) key: String,
    pub(crate) version: String,
}

/// After which key and version a page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) key: Option<String>,
    pub(crate) version: Option<String>,
}

/// The versions of a page, and where the next one begins; `None` when it is no such page. Markers of deletions are no versions.
pub(super) fn read(body: &[u8]) -> Option<(Vec<Stored>, Option<Marker>)> {
    let mut document = Document::new(std::str::from_utf8(body).ok()?);
    let mut root = document.root_element().ok()?;
    if !root.start_el().matches("ListVersionsResult") {
        return None;
    }
    let (mut found, mut next, mut truncated) = (Vec::new(), Marker::default(), None);
    while let Some(mut tag) = root.next_tag() {
        match tag.start_el().local() {
            "IsTruncated" => truncated = Some(try_data(&mut tag).ok()?.trim() == "true"),
            "NextKeyMarker" => next.key = Some(try_data(&mut tag).ok()?.into_owned()),
            "NextVersionIdMarker" => next.version = Some(try_data(&mut tag).ok()?.into_owned()),
            "Version" => found.push(version(&mut tag)?),
            _ => {}
        }
    }
    // A page that was cut off says nothing of whether there is more.
    match truncated? {
        true if next == Marker::default() => None,
        true => Some((found, Some(next))),
        false => Some((found, None)),
    }
}

fn version(tag: &mut ScopedDecoder<'_, '_>) -> Option<Stored> {
    let (mut key, mut version) = (None, None);
    while let Some(mut tag) = tag.next_tag() {
        match tag.start_el().local() {
            "Key" => key = Some(try_data(&mut tag).ok()?.into_owned()),
            "VersionId" => version = Some(try_data(&mut tag).ok()?.into_owned()),
            _ => {}
        }
    }
    Some(Stored { key: key?, version: version? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From S3's API reference, `ListObjectVersions`, shortened to what is read and what lies between.
    const PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01">
    <Name>bucket</Name>
    <Prefix>my</Prefix>
    <KeyMarker/>
    <VersionIdMarker/>
    <MaxKeys>5</MaxKeys>
    <IsTruncated>false</IsTruncated>
    <Version>
        <Key>my-image.jpg</Key>
        <VersionId>3/L4kqtJl40Nr8X8gdRQBpUMLUo</VersionId>
        <IsLatest>true</IsLatest>
        <LastModified>2009-10-12T17:50:30.000Z</LastModified>
        <ETag>"fba9dede5f27731c9771645a39863328"</ETag>
        <Size>434234</Size>
        <StorageClass>STANDARD</StorageClass>
        <Owner>
            <ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID>
            <DisplayName>mtd@amazon.com</DisplayName>
        </Owner>
    </Version>
    <DeleteMarker>
        <Key>my-second-image.jpg</Key>
        <VersionId>03jpff543dhffds434rfdsFDN943fdsFkdmqnh892</VersionId>
        <IsLatest>true</IsLatest>
    </DeleteMarker>
    <Version>
        <Key>my-&amp;-image.jpg</Key>
        <VersionId>QUpfdndhfd8438MNFDN93jdnJFkdmqnh893</VersionId>
        <IsLatest>false</IsLatest>
    </Version>
</ListVersionsResult>"#;

    fn stored(key: &str, version: &str) -> Stored {
        Stored { key: key.to_owned(), version: version.to_owned() }
    }

    #[test]
    fn versions_are_read_and_deletions_are_not() {
        let (found, next) = read(PAGE.as_bytes()).unwrap();
        let expected = [
            stored("my-image.jpg", "3/L4kqtJl40Nr8X8gdRQBpUMLUo"),
            stored("my-&-image.jpg", "QUpfdndhfd8438MNFDN93jdnJFkdmqnh893"),
        ];
        assert_eq!((found.as_slice(), next), (expected.as_slice(), None));
    }

    #[test]
    fn a_page_that_goes_on_says_where() {
        let more = PAGE.replace(
            "<IsTruncated>false</IsTruncated>",
            "<IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker>",
        );
        let next = read(more.as_bytes()).unwrap().1;
        assert_eq!(next, Some(Marker { key: Some("k".into()), version: Some("v".into()) }));
        // More, but nobody knows where: no page at all, and no endless listing.
        let lost = PAGE.replace("<IsTruncated>false", "<IsTruncated>true");
        assert_eq!(read(lost.as_bytes()), None);
    }

    #[test]
    fn what_is_no_page_is_none() {
        for body in
            ["", "<html/>", "<ListVersionsResult/>", "<ListVersionsResult><Version></ListVersionsResult>"]
        {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
    }
}
