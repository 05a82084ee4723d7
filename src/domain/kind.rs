//! The kinds of component that lifeboat knows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $words:literal;)*) => {
        /// What a component is, and so what may serve as a recovery point for it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// All kinds, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the name used in files.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Returns the words shown to people.
            pub fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }
        }
    };
}

kinds! {
    /// An RDS database instance (R rows).
    RdsInstance = "rds-instance", "RDS instance";
    /// An Aurora or Multi-AZ cluster (A rows).
    RdsCluster = "rds-cluster", "RDS cluster";
    /// An EC2 instance, recovered from an image or a backup (E rows).
    Ec2Instance = "ec2-instance", "EC2 instance";
    /// An EBS volume (E rows).
    EbsVolume = "ebs-volume", "EBS volume";
    /// An S3 bucket (S rows).
    S3Bucket = "s3-bucket", "S3 bucket";
    /// A DynamoDB table (D rows).
    DynamodbTable = "dynamodb-table", "DynamoDB table";
    /// A Terraform or OpenTofu state (T rows).
    TerraformState = "terraform-state", "Terraform state";
    /// What a state describes: rebuilt by applying its code.
    TerraformStack = "terraform-stack", "Terraform stack";
    /// An EKS cluster, rebuilt from its definition.
    EksCluster = "eks-cluster", "EKS cluster";
    /// The objects of a Kubernetes namespace (V rows).
    KubernetesNamespace = "kubernetes-namespace", "namespace";
    /// A database dumped to objects under prefixes or folders.
    DatabaseDump = "database-dump", "database dump";
    /// Snapshots of an Elasticsearch or OpenSearch cluster.
    SearchSnapshot = "search-snapshot", "search snapshot";
    /// A Git repository: safe when its remote holds the deployed commit.
    GitRepository = "git-repository", "Git repository";
    /// A vault of AWS Backup (B rows).
    BackupVault = "backup-vault", "backup vault";
    /// A DNS record (N rows).
    DnsRecord = "dns-record", "DNS record";
    /// VPCs, subnets and routes, rebuilt from their definition.
    Network = "network", "network";
    /// Something known by its probes and by what it depends on.
    Service = "service", "service";
    /// Several components that recover together.
    Group = "group", "group";
}

impl Kind {
    /// Says whether recovery points are read for it; the others are judged by what they depend on.
    pub fn has_points(self) -> bool {
        !matches!(self, Self::Service | Self::Group)
    }

    /// Says whether it is rebuilt from code or a commit that lies outside any account of AWS.
    pub fn is_code(self) -> bool {
        matches!(self, Self::GitRepository | Self::TerraformStack | Self::EksCluster | Self::Network)
    }

    /// Says whether only a point that was verified counts: a dump is bytes until somebody has read it back.
    pub fn needs_verification(self) -> bool {
        self == Self::DatabaseDump
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
