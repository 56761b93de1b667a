//! Gates and the verdict: pure functions (DESIGN.md, "Score, gates, verdict").

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::scale;

scale! {
    /// How a check ended (rule R4: a check that did not run has not passed).
    Status {
        /// It holds.
        Pass = "pass",
        /// It does not hold.
        Fail = "fail",
        /// There is nothing that it could be asked of.
        NotApplicable = "not-applicable",
        /// Nobody could tell.
        NotEvaluated = "not-evaluated",
    }
}

scale! {
    /// The answer to the one question.
    Verdict {
        /// A blocking gate failed.
        NoGo = "NO-GO",
        /// A blocking gate could not be judged, and none failed.
        NotAssessed = "NOT ASSESSED",
        /// No blocking gate failed; the failed or unjudged ones are the conditions.
        Conditional = "CONDITIONAL GO",
        /// Every required gate passed.
        Go = "GO",
    }
}

/// A criterion with its status (rows 1.48 and 3.27).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gate {
    /// A short id: `score`, `no-critical`.
    pub id: String,
    /// The criterion in words: `score at least 70`.
    pub criterion: String,
    /// How it ended.
    pub status: Status,
    /// Whether it is required for GO.
    pub required: bool,
    /// Whether failing it means NO-GO.
    pub blocks: bool,
    /// What the status rests on: `score 83.4`, `2 open critical findings`, `no test results were
    /// given`.
    pub evidence: String,
}
