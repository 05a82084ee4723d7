//! Benchmarks: each figure beside its bound, in one run, as JSON; a bound that is missed ends with a non-zero exit.
//!
//! `cargo bench --no-default-features`. Wall times are medians of interleaved runs; `htop` is run beside the console
//! where it is installed, because a ratio says more than a time on a busy machine.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark fails by panicking"
)]

mod inside;
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
    let mut figures = inside::figures();
    figures.extend(terminal::figures());
    let rows: Vec<_> = figures
        .iter()
        .map(|figure| {
            serde_json::json!({
                "figure": figure.name, "value": figure.value, "bound": figure.bound, "unit": figure.unit,
                "held": figure.value.map(|_| !figure.is_missed()),
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
