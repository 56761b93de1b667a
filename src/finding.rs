//! Findings, accepted uses, and the scales that they are judged by.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::source::Role;

macro_rules! scale {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every value, in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that configuration, rules and reports use.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|value| value.as_str()).collect();
                    format!("`{text}` is not one of {}", known.join(", "))
                })
            }
        }
    };
}
pub(crate) use scale;

scale! {
    /// How bad a finding is for production.
    Severity {
        /// Worth knowing; weighs nothing in the score.
        Info = "info",
        /// Untidy.
        Low = "low",
        /// Will cost somebody an evening.
        Medium = "medium",
        /// Will break or leak something in production.
        High = "high",
        /// Must not ship.
        Critical = "critical",
    }
}

scale! {
    /// How sure the rule is that what it found is what it means.
    Confidence {
        /// Read it before you believe it.
        Low = "low",
        /// Usually right.
        Medium = "medium",
        /// Right unless the code is very unusual.
        High = "high",
    }
}

scale! {
    /// The dimensions of the score. The folder of a rule's file is its category.
    Category {
        /// Mock and stub data, dead and unfinished code.
        CodeQuality = "code-quality",
        /// Routes and the contract with their callers.
        Api = "api",
        /// Authentication, authorisation, secrets, injection.
        Security = "security",
        /// Hardcoded values, fallbacks, the environment.
        Configuration = "configuration",
        /// Schema, queries, migrations.
        Database = "database",
        /// Test results and coverage; scored from evidence only.
        Testing = "testing",
        /// Containers, manifests, pipelines.
        Infrastructure = "infrastructure",
        /// Logs, metrics, traces, health.
        Monitoring = "monitoring",
        /// Load-test results; scored from evidence only.
        Performance = "performance",
        /// Documents that a reader needs.
        Documentation = "documentation",
    }
}

impl Category {
    /// The name in headings.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::CodeQuality => "Code quality",
            Self::Api => "API",
            Self::Security => "Security",
            Self::Configuration => "Configuration",
            Self::Database => "Database",
            Self::Testing => "Testing",
            Self::Infrastructure => "Infrastructure",
            Self::Monitoring => "Monitoring",
            Self::Performance => "Performance",
            Self::Documentation => "Documentation",
        }
    }
}

/// A place that a reader can open. Lines and columns count from 1, columns in characters.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Location {
    /// The file, relative to the audited root, with `/`.
    pub path: SmolPath,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// Column behind the last character.
    pub end_column: u32,
}

/// A path relative to the audited root, with `/`; see [`crate::source::encode_path`].
pub type SmolPath = String;

/// Lines of the source around a finding, with secrets masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Excerpt {
    /// Number of the first line.
    pub first_line: u32,
    /// The lines, without their ends; long ones are cut.
    pub lines: Vec<String>,
}

/// One rule broken at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The rule's id.
    #[schemars(with = "String")]
    pub rule: SmolStr,
    /// The rule's category.
    pub category: Category,
    /// After configuration.
    pub severity: Severity,
    /// The rule's.
    pub confidence: Confidence,
    /// What the file is for.
    pub role: Role,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where.
    pub location: Location,
    /// The source there.
    pub excerpt: Excerpt,
    /// Identity that survives moved lines: rule, path, the text of the line, and which of several
    /// equal ones it is.
    pub fingerprint: String,
    /// Set where a suppression in the code covers it: it is then listed but carries no demerits.
    pub suppressed: Option<Waiver>,
}

impl Finding {
    /// Whether it counts: not suppressed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.suppressed.is_none()
    }
}

/// Why a finding does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiver {
    /// The reason that somebody wrote.
    pub reason: String,
    /// The last day on which it holds, `YYYY-MM-DD`.
    pub until: Option<String>,
    /// Line of the suppression.
    pub line: u32,
}

/// A place where a rule looked and found a legitimate use (row 1.08).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Accepted {
    /// The rule's id.
    #[schemars(with = "String")]
    pub rule: SmolStr,
    /// Why it is fine, in the words of the rule or of the configuration.
    #[schemars(with = "String")]
    pub reason: SmolStr,
    /// Which entry of `[[rule.<id>.allow]]` says so, counted from 0; `null` where the rule does.
    pub allowed_by: Option<u32>,
    /// Where.
    pub location: Location,
    /// The line there, secrets masked.
    pub line_text: String,
}
