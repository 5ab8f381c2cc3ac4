//! The blobs that `blobs.ls` lists: one directory of the store at a time.

use ssb_log::Disk;
use ssb_log::Reader;
use ssb_muxrpc::RemoteError;

use super::blobs;
use super::blobs::Listing;
use super::source::PAGE_LEN;
use super::source::Page;
use super::source::Source;
use super::source::Then;
use crate::blobs::Blobs;
use crate::blobs::Shape;
use crate::pool::Pool;
use crate::shared::Shared;

/// A list of all blobs, by id.
#[derive(Debug)]
pub(crate) struct BlobList {
    blobs: Blobs,
    listing: Listing,
    /// The first byte of the ids that come next; none are left at the end.
    next: Option<u8>,
}

impl BlobList {
    pub(crate) fn new(blobs: &Blobs, listing: Listing) -> Self {
        Self { blobs: blobs.clone(), listing, next: Some(0) }
    }

    fn end(&self) -> Page {
        let items = if self.listing.live && self.listing.sync { vec![SYNC.to_owned()] } else { Vec::new() };
        Page { items, then: if self.listing.live { Then::Live } else { Then::End(Ok(())) } }
    }
}

impl Source for BlobList {
    fn pull(&mut self, _: &Reader<Disk>) -> Page {
        let (mut items, mut len) = (Vec::new(), 0);
        while len < PAGE_LEN {
            let Some(first) = self.next else {
                if items.is_empty() {
                    return self.end();
                }
                break;
            };
            let page = match self.blobs.store().page(first) {
                Ok(page) => page,
                Err(error) => return Page::empty(Then::End(Err(RemoteError::new(error.to_string())))),
            };
            for (id, facts) in page {
                let item = match self.listing.shape {
                    Shape::Id => blobs::id(&id),
                    Shape::Entry => blobs::entry(&id, facts.size, facts.seen),
                };
                len += item.len();
                items.push(item);
            }
            self.next = first.checked_add(1);
        }
        Page { items, then: Then::More }
    }

    fn pool<'a>(&self, shared: &'a Shared) -> &'a Pool {
        shared.blobs.pool()
    }
}

const SYNC: &str = r#"{"sync":true}"#;
