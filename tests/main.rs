//! The integration tests: one binary, so that everything links once.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[cfg(feature = "aws-core")]
mod aws {
    pub(crate) mod contract {
        mod aws;
        #[cfg(feature = "aws-compute")]
        pub(crate) mod calls;
        #[cfg(feature = "aws-compute")]
        pub(crate) mod calls_dynamodb;
        #[cfg(feature = "aws-compute")]
        pub(crate) mod calls_ec2;
        #[cfg(feature = "aws-compute")]
        pub(crate) mod calls_parts;
        pub(crate) mod calls_rds;
        pub(crate) mod calls_settings;
        mod pages;
        mod rows;
        mod sandbox;
        mod suite;
    }
    #[cfg(feature = "aws-compute")]
    mod calls;
    mod canaries;
    mod cursor;
    mod dumps;
    mod facts;
    mod gateway;
    mod guard;
    mod login;
    mod manners;
    mod oracle;
    #[cfg(feature = "aws-compute")]
    mod recoveries;
    mod second;
    mod terraform;
}
mod cli {
    mod damaged;
    mod documents;
    mod errors;
    mod runbooks;
    mod scenarios;
}
mod collector {
    mod store;
}
mod config {
    mod estates;
    mod runbooks;
}
mod domain {
    mod dump;
    mod matrix;
    mod naive;
    mod properties;
}
mod journal {
    mod built;
    mod cut;
    mod disk;
    mod flipped;
    mod format;
    mod fuzzed;
    mod golden;
    mod live;
    mod mutated;
    pub(crate) mod python;
    mod reader;

    /// Says whether the long campaign is asked for, which takes minutes.
    fn campaign() -> bool {
        std::env::var_os("LIFEBOAT_CAMPAIGN").is_some()
    }
}
mod sandbox {
    mod acted;
    mod acting;
    #[cfg(feature = "aws-compute")]
    mod contract;
    mod durable;
    mod ec2;
    mod ec2_actions;
    mod faults;
    pub(crate) mod gear;
    mod names;
    mod outside;
    mod rds;
    mod rds_actions;
    mod s3;
    mod s3_actions;
    mod settings;
    mod tables;
}
mod engine {
    mod consent;
    mod databases;
    mod disk;
    mod downloads;
    mod failing;
    mod fan_out;
    mod fan_out_keys;
    mod firehose;
    mod foretold;
    mod full;
    mod journeys;
    mod kills;
    mod matrix;
    mod moving;
    mod parts;
    pub(crate) mod program;
    mod readonly;
    mod recoveries;
    #[cfg(feature = "aws-compute")]
    mod real {
        mod fan_out;
        mod order;
        mod points;
        mod random;
        mod replies;
        mod stage;
    }
    pub(crate) mod rig;
    mod secrets;
    mod signals;
    mod table;
    mod world;
}
mod shape {
    mod authority;
    mod docs;
    mod layers;
    mod looks;
    mod recoveries;
}
mod support;
mod tool {
    mod children;
    mod files;
    mod folder;
    mod git;
    mod killed;
    pub(crate) mod local;
    mod probes;
    mod remotes;
    mod route;
    pub(crate) mod supervised;
    mod webhook;
}
mod tui {
    mod hostile;
    mod journeys;
    mod keys;
    mod pictures;
    mod points;
    pub(crate) mod recovery;
    mod sealed;
    mod states;
}
