//! `check` and `doctor`: what is wrong with a file or a machine.

use crate::config::diagnostic::Gravity;
use crate::domain::Text;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// `check`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CheckDocument {
    /// The version of this contract.
    pub version: u32,
    /// The estate file; null where only runbooks were named.
    pub file: Option<Text>,
    /// Whether everything that was checked loads.
    pub loads: bool,
    /// What is wrong or doubtful with the estate file, in the order of the file.
    pub diagnostics: Vec<DiagnosticStatus>,
    /// The runbooks that were checked.
    pub runbooks: Vec<RunbookFileStatus>,
}

/// A file with a runbook.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RunbookFileStatus {
    /// The file.
    pub file: Text,
    /// The name of the runbook.
    pub runbook: Text,
    /// Whether it loads.
    pub loads: bool,
    /// What is wrong or doubtful, in the order of the file.
    pub diagnostics: Vec<DiagnosticStatus>,
}

/// One thing that is wrong or doubtful.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DiagnosticStatus {
    /// Error or warning.
    pub gravity: Gravity,
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
    /// What.
    pub message: Text,
    /// What to write instead.
    pub help: Option<Text>,
}

/// `doctor`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DoctorDocument {
    /// The version of this contract.
    pub version: u32,
    /// The version of lifeboat.
    pub lifeboat: Text,
    /// What was looked at.
    pub checks: Vec<CheckStatus>,
}

/// How one check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// In place.
    Fine,
    /// It works, with less.
    Limited,
    /// It does not work.
    Failed,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CheckStatus {
    /// What.
    pub name: Text,
    /// How it went.
    pub result: CheckResult,
    /// What was found.
    pub says: Text,
    /// What to do.
    pub hint: Option<Text>,
}

/// `login`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LoginDocument {
    /// The version of this contract.
    pub version: u32,
    /// The environments that can be reached now.
    pub logins: Vec<LoginStatus>,
}

/// How somebody logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginMethod {
    /// By IAM Identity Center.
    Sso,
    /// With the code of an MFA device.
    Mfa,
    /// Nobody has to.
    None,
}

/// Who one is in an environment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LoginStatus {
    /// The environment.
    pub environment: Text,
    /// The purpose.
    pub purpose: Text,
    /// How.
    pub method: LoginMethod,
    /// Who.
    pub identity: Text,
    /// The account.
    pub account: Text,
    /// Until when; null where it has no end.
    pub expires_at: Option<Timestamp>,
}
