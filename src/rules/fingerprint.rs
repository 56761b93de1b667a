//! The identity of a finding that survives moved lines.

use std::collections::HashMap;

/// Counts equal findings, so that each gets an identity of its own.
#[derive(Debug, Default)]
pub struct Fingerprints {
    seen: HashMap<(String, String, String), u32>,
}

impl Fingerprints {
    /// The fingerprint of the next finding of a rule at a line of a file; findings must come in
    /// the order of their places.
    pub fn next(&mut self, rule: &str, path: &str, line: &str) -> String {
        let key = (rule.to_owned(), path.to_owned(), line.trim().to_owned());
        let ordinal = self.seen.entry(key).or_default();
        let fingerprint = fingerprint(rule, path, line, *ordinal);
        *ordinal += 1;
        fingerprint
    }
}

/// 32 hexadecimal digits of the BLAKE3 hash of rule, path, the line's text without the blanks
/// around it, and which of several equal ones it is, counted from 0.
#[must_use]
pub fn fingerprint(rule: &str, path: &str, line: &str, ordinal: u32) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [rule, path, line.trim()] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update(&ordinal.to_le_bytes());
    let mut hex = hasher.finalize().to_hex().to_string();
    hex.truncate(32);
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indentation_and_moving_do_not_change_it_and_repetition_does() {
        let mut prints = Fingerprints::default();
        let first = prints.next("r", "a.py", "  x = 1");
        let second = prints.next("r", "a.py", "x = 1");
        assert_eq!(first, fingerprint("r", "a.py", "x = 1", 0));
        assert_eq!(second, fingerprint("r", "a.py", "x = 1", 1));
        assert_ne!(first, second);
        assert_eq!(first.len(), 32);
        assert_ne!(fingerprint("ab", "c", "d", 0), fingerprint("a", "bc", "d", 0));
    }
}
