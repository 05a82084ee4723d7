//! How long archived objects take to become readable.

use std::time::Duration;

/// Returns how long an object of this storage class takes to become readable, by AWS's documented upper bound of the
/// standard retrieval; `None` when it can be read at once.
///
/// Objects in Intelligent-Tiering lie in an archive only when their archive status says so. An object that was restored
/// for some days can be read meanwhile: whoever reads that gives no class. Bulk retrievals, which the figures do not count
/// on, take 12 and 48 h.
///
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html>: standard
/// retrievals typically finish within 3 to 5 hours from Flexible Retrieval and the Archive Access tier, and within
/// 12 hours from Deep Archive and the Deep Archive Access tier; Instant Retrieval needs none.
pub fn retrieval(storage_class: &str, archive_status: Option<&str>) -> Option<Duration> {
    const HOUR: u64 = 3600;
    let hours = match (storage_class, archive_status) {
        ("GLACIER", _) | (_, Some("ARCHIVE_ACCESS")) => 5,
        ("DEEP_ARCHIVE", _) | (_, Some("DEEP_ARCHIVE_ACCESS")) => 12,
        _ => return None,
    };
    Some(Duration::from_secs(hours * HOUR))
}
