//! Sizes as people read them.

/// Says a size in binary units: `12.4 GiB`.
pub fn bytes(size: u64) -> String {
    let mut value = size as f64;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 || unit == "TiB" {
            return if unit == "B" { format!("{size} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{size} B")
}
