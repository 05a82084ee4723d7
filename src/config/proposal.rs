//! What was found in an account, and the estate file that it suggests. Pure: the adapter finds, this writes.
//!
//! What must stay true: the text that [`Discovery::file`] returns loads without an error, whatever was found; objectives
//! are proposed and say so; and nothing is left out silently.

use crate::domain::duration::words;
use crate::domain::kind::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// One thing that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resource {
    /// What it is.
    pub kind: Option<Kind>,
    /// The service's own identifier.
    pub id: String,
    /// What people call it: its name tag, or the identifier.
    pub name: String,
    /// Its Region.
    pub region: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What was seen of it, for a comment.
    pub seen: String,
    /// Identifiers of what it needs.
    pub needs: Vec<String>,
}

/// A bucket with states in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateBucket {
    /// The bucket.
    pub bucket: String,
    /// The keys of its states.
    pub keys: Vec<String>,
    /// Whether lock files were seen.
    pub lockfile: bool,
    /// The bucket that it is replicated to, and its Region.
    pub replica: Option<(String, String)>,
}

/// Everything that was found in an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovery {
    /// The account.
    pub account: String,
    /// What people call it.
    pub alias: Option<String>,
    /// The profile that was used.
    pub profile: Option<String>,
    /// The Region that was looked at.
    pub region: String,
    /// The Region where copies were found, or that was named.
    pub dr_region: Option<String>,
    /// What was found.
    pub resources: Vec<Resource>,
    /// Buckets with states.
    pub state_buckets: Vec<StateBucket>,
    /// Tables whose key is that of Terraform locks.
    pub lock_tables: Vec<String>,
    /// What was seen and left out, and why.
    pub left_out: Vec<String>,
    /// What could not be looked at, and why.
    pub unread: Vec<String>,
}

/// The environments that names and tags tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Production,
    Staging,
    Development,
    Test,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Development => "development",
            Self::Test => "test",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        let word = word.to_lowercase();
        Some(match word.as_str() {
            "prod" | "production" | "prd" | "live" => Self::Production,
            "stage" | "staging" | "stg" | "uat" | "preprod" | "pre-production" => Self::Staging,
            "dev" | "develop" | "development" | "sandbox" => Self::Development,
            "test" | "testing" | "qa" => Self::Test,
            _ => return None,
        })
    }

    fn of(resource: &Resource) -> Option<Self> {
        let tag = |name: &str| {
            { resource.tags.iter() }
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
        };
        let tagged = ["environment", "env", "stage"].iter().find_map(|name| tag(name));
        let by_name = || {
            let mut words = resource.name.split(|c: char| !c.is_ascii_alphanumeric());
            words.find_map(Self::of_word)
        };
        tagged.and_then(Self::of_word).or_else(by_name)
    }
}

/// What is proposed: local RPO and RTO, then those for the loss of the Region, in minutes.
fn proposal(kind: Kind) -> Option<([u64; 2], [u64; 2])> {
    const H: u64 = 60;
    Some(match kind {
        Kind::RdsInstance | Kind::RdsCluster => ([15, H], [24 * H, 8 * H]),
        Kind::DynamodbTable => ([15, 2 * H], [24 * H, 8 * H]),
        Kind::S3Bucket => ([15, 4 * H], [H, 4 * H]),
        Kind::Ec2Instance | Kind::EbsVolume => ([24 * H, 4 * H], [24 * H, 8 * H]),
        Kind::BackupVault => ([26 * H, 8 * H], [26 * H, 8 * H]),
        Kind::DnsRecord => ([0, 15], [0, 30]),
        Kind::TerraformState => ([H, H], [24 * H, 4 * H]),
        _ => return None,
    })
}

impl Discovery {
    /// Returns the name of the environment that a resource belongs to.
    fn stage(&self, resource: &Resource) -> Stage {
        let of_account = || {
            self.alias
                .as_deref()
                .and_then(|alias| alias.split(|c: char| !c.is_ascii_alphanumeric()).find_map(Stage::of_word))
        };
        // Who does not know takes it for production, because its rules are the strictest.
        Stage::of(resource).or_else(of_account).unwrap_or(Stage::Production)
    }

    /// Returns the estate file that this suggests.
    pub fn file(&self, estate: &str) -> String {
        let mut named: Vec<(String, &Resource)> = Vec::new();
        let mut names: BTreeSet<String> = BTreeSet::new();
        let mut sorted: Vec<&Resource> =
            self.resources.iter().filter(|resource| resource.kind.is_some()).collect();
        sorted.sort_by_key(|resource| (self.stage(resource), resource.kind, &resource.name));
        for resource in sorted {
            let name = unique(&component_name(&resource.name), resource.kind, &mut names);
            named.push((name, resource));
        }
        let stages: BTreeSet<Stage> = named.iter().map(|(_, resource)| self.stage(resource)).collect();
        let stages = if stages.is_empty() { BTreeSet::from([Stage::Production]) } else { stages };
        let mut out = self.head(estate);
        self.environments(&stages, &mut out);
        out.push_str("\ncomponents:\n");
        if named.is_empty() && self.state_buckets.iter().all(|bucket| bucket.keys.is_empty()) {
            out.truncate(out.len() - "components:\n".len());
            out.push_str(
                "# Nothing was found that could be recovered: add components by hand.\ncomponents: {}\n",
            );
        }
        let by_id: BTreeMap<&str, &str> =
            named.iter().map(|(name, resource)| (resource.id.as_str(), name.as_str())).collect();
        let mut last = None;
        for (name, resource) in &named {
            let Some(kind) = resource.kind else { continue };
            if last != Some(kind) {
                out.push_str(&format!("\n  # {}\n", kind.words()));
                last = Some(kind);
            }
            self.component(name, resource, kind, stages.len() > 1, &by_id, &mut out);
        }
        self.states(*stages.first().unwrap_or(&Stage::Production), stages.len() > 1, &mut names, &mut out);
        out
    }

    fn head(&self, estate: &str) -> String {
        let mut out = format!(
            "# What lifeboat found in account {} in {}. Every objective here is a proposal: nobody has promised it yet.\n\
             # Check it with `lifeboat check`; `lifeboat schema estate` describes the format.\n",
            self.account, self.region
        );
        for (title, lines) in [("Left out", &self.left_out), ("Could not be looked at", &self.unread)] {
            for line in lines {
                out.push_str(&format!("# {title}: {}\n", comment(line)));
            }
        }
        out.push_str(&format!("version: 1\nestate: {}\n", quoted(estate)));
        out
    }

    fn environments(&self, stages: &BTreeSet<Stage>, out: &mut String) {
        out.push_str("\nenvironments:\n");
        for stage in stages {
            out.push_str(&format!("  {}:\n    class: {}\n", stage.name(), stage.name()));
            out.push_str(&format!("    account: \"{}\"\n", self.account));
            if let Some(alias) = &self.alias {
                out.push_str(&format!("    account_alias: {}\n", quoted(alias)));
            }
            out.push_str(&format!("    region: {}\n", self.region));
            match &self.dr_region {
                Some(region) => {
                    out.push_str(&format!(
                        "    dr_region: {region} # where copies were found; name another if it is not\n"
                    ));
                }
                None => out.push_str(
                    "    # dr_region: no copies were found elsewhere; name the Region to recover to\n",
                ),
            }
            if let Some(profile) = &self.profile {
                out.push_str(&format!("    observe: {{ profile: {} }}\n", quoted(profile)));
            }
            out.push_str("    # `lifeboat policy observe` prints what these logins need; `operate` is only used to change something.\n");
            out.push_str("    # operate: { role: arn:aws:iam::ACCOUNT:role/NAME }\n");
            // What nobody has copied elsewhere is promised to nobody.
            let region = if self.dr_region.is_some() { "" } else { "region: { rpo: none, rto: none }, " };
            out.push_str(&format!("    objectives: {{ {region}account: {{ rpo: none, rto: none }} }}\n"));
        }
    }

    fn component(
        &self,
        name: &str,
        resource: &Resource,
        kind: Kind,
        several: bool,
        by_id: &BTreeMap<&str, &str>,
        out: &mut String,
    ) {
        let stage = self.stage(resource);
        if !resource.seen.is_empty() {
            out.push_str(&format!("  # {}\n", comment(&resource.seen)));
        }
        out.push_str(&format!("  {name}:\n    kind: {}\n", kind.name()));
        if several {
            out.push_str(&format!("    environment: {}\n", stage.name()));
        }
        if resource.region != self.region && kind != Kind::DnsRecord && kind != Kind::S3Bucket {
            out.push_str(&format!("    region: {}\n", resource.region));
        }
        out.push_str(&format!("    select: {{ id: {} }}\n", quoted(&resource.id)));
        if let Some((local, region)) = proposal(kind) {
            // Outside production, four times as long is proposed.
            let factor = if stage == Stage::Production { 1 } else { 4 };
            let span = |minutes: u64| match minutes {
                0 => "0 s".to_owned(),
                minutes => words(Duration::from_secs(minutes * factor * 60)),
            };
            let mut objectives = format!("rpo: {}, rto: {}", span(local[0]), span(local[1]));
            if self.dr_region.is_some() {
                objectives.push_str(&format!(
                    ", region: {{ rpo: {}, rto: {} }}",
                    span(region[0]),
                    span(region[1])
                ));
            }
            out.push_str(&format!("    objectives: {{ {objectives} }} # proposed\n"));
        } else {
            out.push_str(
                "    # objectives: nothing is proposed, because what it is rebuilt from is not read yet\n",
            );
        }
        let needs: BTreeSet<&str> = { resource.needs.iter() }
            .filter_map(|id| by_id.get(id.as_str()).copied())
            .filter(|needed| *needed != name)
            .collect();
        if !needs.is_empty() {
            out.push_str(&format!(
                "    depends_on: [{}]\n",
                needs.into_iter().collect::<Vec<_>>().join(", ")
            ));
        }
    }

    fn states(&self, stage: Stage, several: bool, names: &mut BTreeSet<String>, out: &mut String) {
        let with_states: Vec<_> =
            self.state_buckets.iter().filter(|bucket| !bucket.keys.is_empty()).collect();
        let mut backends = String::new();
        for bucket in &with_states {
            out.push_str(&format!("\n  # Terraform states in {}\n", comment(&bucket.bucket)));
            for key in &bucket.keys {
                let place = format!("{}/{key}", bucket.bucket);
                let short = key.trim_end_matches(".tfstate").trim_end_matches("/terraform");
                let name =
                    unique(&component_name(&format!("{short}-state")), Some(Kind::TerraformState), names);
                out.push_str(&format!("  {name}:\n    kind: terraform-state\n"));
                if several {
                    out.push_str(&format!("    environment: {}\n", stage.name()));
                }
                out.push_str(&format!("    select: {{ id: {} }}\n", quoted(&place)));
            }
            let name = component_name(&bucket.bucket);
            backends.push_str(&format!("  {name}:\n    bucket: {}\n", quoted(&bucket.bucket)));
            if several {
                backends.push_str(&format!("    environment: {}\n", stage.name()));
            }
            match self.lock_tables.as_slice() {
                [] => {}
                [table] => backends.push_str(&format!("    lock_table: {}\n", quoted(table))),
                tables => {
                    backends.push_str(&format!("    # lock_table: one of {}\n", comment(&tables.join(", "))));
                }
            }
            if bucket.lockfile {
                backends.push_str("    lockfile: true\n");
            }
            if let Some((replica, region)) = &bucket.replica {
                let replica = quoted(replica);
                backends.push_str(&format!("    replica: {{ bucket: {replica}, region: {region} }}\n"));
            }
        }
        if !backends.is_empty() {
            out.push_str("\nbackends:\n");
            out.push_str(&backends);
        }
    }
}

/// Returns a name that a component may have.
fn component_name(raw: &str) -> String {
    let plain: String = raw
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let plain = plain.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let short: String = plain.chars().take(48).collect();
    if short.is_empty() { "unnamed".to_owned() } else { short }
}

fn unique(name: &str, kind: Option<Kind>, taken: &mut BTreeSet<String>) -> String {
    let kind = kind.map_or("other", Kind::name);
    let mut candidates = std::iter::once(name.to_owned())
        .chain(std::iter::once(format!("{name}-{kind}")))
        .chain((2..).map(|nth| format!("{name}-{kind}-{nth}")));
    let free = candidates.find(|candidate| !taken.contains(candidate)).unwrap_or_else(|| name.to_owned());
    taken.insert(free.clone());
    free
}

/// Returns a text as YAML that is read back as this text, whatever stands in it.
fn quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        && !matches!(
            text.to_lowercase().as_str(),
            "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// Returns a text that stays within its comment.
fn comment(text: &str) -> String {
    crate::domain::Text::new(text).as_str().replace(['\n', '\r'], " ")
}
