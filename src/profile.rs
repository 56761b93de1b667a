//! Where the time of an audit goes. Nothing in an audit depends on it, and no report shows it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Time by what it was spent on; an empty one costs nothing to send.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Profile {
    /// Nanoseconds of work by phase. Files are read by several threads, so that the phases of the
    /// scan may add up to more than passed on the clock.
    pub phases: BTreeMap<String, u64>,
    /// Nanoseconds of work by rule.
    pub rules: BTreeMap<String, u64>,
}

impl Profile {
    /// Adds what was spent on a phase since its start.
    pub fn phase(&mut self, name: &str, since: Instant) {
        *self.phases.entry(name.to_owned()).or_default() += nanoseconds(since.elapsed());
    }

    /// Adds what was spent on a rule.
    pub fn rule(&mut self, id: &str, spent: u64) {
        *self.rules.entry(id.to_owned()).or_default() += spent;
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        for (name, spent) in &other.phases {
            *self.phases.entry(name.clone()).or_default() += spent;
        }
        for (id, spent) in &other.rules {
            self.rule(id, *spent);
        }
    }

    /// The longest first.
    #[must_use]
    pub fn sorted(times: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
        let mut times: Vec<_> = times.iter().map(|(name, spent)| (name.as_str(), *spent)).collect();
        times.sort_by_key(|(name, spent)| (std::cmp::Reverse(*spent), *name));
        times
    }
}

/// A time in the unit that profiles count in.
#[must_use]
pub fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_add_up_and_the_longest_comes_first() {
        let mut profile = Profile::default();
        for (id, spent) in [("b", 5), ("a", 7), ("c", 5), ("b", 1)] {
            profile.rule(id, spent);
        }
        let mut sum = profile.clone();
        sum.add(&profile);
        assert_eq!(Profile::sorted(&sum.rules), [("a", 14), ("b", 12), ("c", 10)]);
    }
}
