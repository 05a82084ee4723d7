//! Benchmarks: each figure beside its bound, in one run, as JSON; a bound that is missed ends with a non-zero exit.
//!
//! `cargo bench --no-default-features`. Wall times are medians of interleaved runs; `htop` is run beside the console
//! where it is installed, because a ratio says more than a time on a busy machine. Figures without a bound are the
//! times behind the ratios.
//!
//! `cargo bench` also measures reading AWS, beside the test server of `tests/support/aws`: it needs `python3` with venv
//! and pip, fills two folders below `target/test-gear` the first time, and takes three minutes.
//!
//! `cargo bench -- prefix` and `-- soak` put prefixes back to a moment; see `prefix.rs`. `LIFEBOAT_CAMPAIGN=1` adds one of a
//! million keys, or of as many as it says.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark fails by panicking"
)]

#[cfg(feature = "aws-core")]
mod aws;
mod engine;
mod inside;
#[cfg(feature = "aws-core")]
mod prefix;
#[cfg(feature = "aws-core")]
mod s3_stub;
#[cfg(feature = "aws-core")]
mod s3_stub_http;
mod states;
mod terminal;

use std::process::ExitCode;

/// A figure and its bound.
struct Figure {
    name: &'static str,
    value: Option<f64>,
    bound: f64,
    unit: &'static str,
}

impl Figure {
    fn new(name: &'static str, value: f64, bound: f64, unit: &'static str) -> Self {
        Self { name, value: Some(value), bound, unit }
    }

    fn not_measured(name: &'static str, bound: f64, unit: &'static str) -> Self {
        Self { name, value: None, bound, unit }
    }

    fn is_missed(&self) -> bool {
        self.value.is_some_and(|value| value > self.bound)
    }
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    #[cfg(feature = "aws-core")]
    if aws::read_points() {
        return ExitCode::SUCCESS;
    }
    // `cargo bench -- aws` measures one group.
    let named: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |group: &str| named.is_empty() || named.iter().any(|name| name == group);
    let mut figures = Vec::new();
    if wanted("inside") {
        figures.extend(inside::figures());
    }
    if wanted("inside") || wanted("states") {
        figures.extend(states::figures());
    }
    if wanted("engine") {
        figures.extend(engine::figures());
    }
    if wanted("terminal") {
        figures.extend(terminal::figures());
    }
    #[cfg(feature = "aws-core")]
    if wanted("aws") {
        figures.extend(aws::figures());
    }
    #[cfg(feature = "aws-core")]
    if wanted("prefix") {
        figures.extend(prefix::beside());
    }
    #[cfg(feature = "aws-core")]
    if wanted("prefix") || wanted("soak") {
        figures.extend(prefix::soak());
    }
    let rows: Vec<_> = figures
        .iter()
        .map(|figure| {
            serde_json::json!({
                "figure": figure.name, "value": figure.value, "bound": figure.bound, "unit": figure.unit,
                "held": figure.value.filter(|_| figure.bound.is_finite()).map(|_| !figure.is_missed()),
            })
        })
        .collect();
    println!("{}", serde_json::to_string_pretty(&rows).expect("it is JSON"));
    let missed: Vec<_> =
        figures.iter().filter(|figure| figure.is_missed()).map(|figure| figure.name).collect();
    if missed.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("missed: {}", missed.join(", "));
    ExitCode::FAILURE
}
