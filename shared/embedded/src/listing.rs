//! Pages of a table, in the order of its keys.

use std::ops::Bound;

use redb::ReadOnlyTable;
use sluice_domain::id::TenantId;
use sluice_domain::time::BusinessDay;
use sluice_ports::{Page, PortError};

use crate::fault::storage;
use crate::key::Key;

/// The most entries of one page.
const PAGE: usize = 500;

/// The keys of a listing.
pub(crate) struct Range {
    /// What every key of it begins with, and cursors leave out: nobody can list another tenant's keys by a made-up cursor.
    prefix: Vec<u8>,
    from: Vec<u8>,
    /// Exclusive; `None` = to the end of the table.
    to: Option<Vec<u8>>,
}

impl Range {
    pub(crate) fn everything() -> Self {
        Self { prefix: Vec::new(), from: Vec::new(), to: None }
    }

    /// Every key that begins with this one.
    pub(crate) fn under(prefix: &Key) -> Self {
        let from = prefix.as_slice().to_vec();
        Self { prefix: from.clone(), from, to: Some(prefix.after_prefix()) }
    }

    /// A tenant's keys of one day, where the time follows the tenant.
    pub(crate) fn day(tenant: &TenantId, day: BusinessDay) -> Self {
        let prefix = Key::of(tenant);
        let at = |moment| prefix.clone().time(moment).as_slice().to_vec();
        Self { prefix: prefix.as_slice().to_vec(), from: at(day.start()), to: Some(at(day.end())) }
    }

    fn after(&self, cursor: Option<&str>) -> Result<Bound<Vec<u8>>, PortError> {
        let Some(cursor) = cursor else { return Ok(Bound::Included(self.from.clone())) };
        let rest = hex::decode(cursor).map_err(|_| PortError::Corrupt {
            what: "page cursor",
            cause: "it is not one that a page was returned with".to_owned(),
        })?;
        let key = [self.prefix.as_slice(), rest.as_slice()].concat();
        let before = key < self.from;
        Ok(if before { Bound::Included(self.from.clone()) } else { Bound::Excluded(key) })
    }

    fn cursor(&self, key: &[u8]) -> String {
        hex::encode(key.strip_prefix(self.prefix.as_slice()).unwrap_or(key))
    }
}

/// One page of the range.
pub(crate) fn page<T>(
    table: &ReadOnlyTable<&'static [u8], &'static [u8]>,
    range: &Range,
    cursor: Option<&str>,
    mut item: impl FnMut(&[u8], &[u8]) -> Result<T, PortError>,
) -> Result<Page<T>, PortError> {
    let mut page = Page { items: Vec::new(), next: None };
    let from = range.after(cursor)?;
    let to = range.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let from = from.as_ref().map(Vec::as_slice);
    if let (Bound::Included(low) | Bound::Excluded(low), Bound::Excluded(high)) = (&from, &to)
        && low >= high
    {
        return Ok(page);
    }
    let mut last = None;
    for entry in table.range::<&[u8]>((from, to)).map_err(storage)? {
        if page.items.len() == PAGE {
            page.next = last;
            break;
        }
        let (key, value) = entry.map_err(storage)?;
        page.items.push(item(key.value(), value.value())?);
        if page.items.len() == PAGE {
            last = Some(range.cursor(key.value()));
        }
    }
    Ok(page)
}
