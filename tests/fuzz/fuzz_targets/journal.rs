//! Gives the reader of journals whatever the fuzzer thinks of.
#![no_main]

#[path = "../../journal/reader.rs"]
mod reader;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| reader::reads_anything(bytes));
