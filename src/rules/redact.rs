//! Masking secrets. Everything from the audited repository that reaches a finding passes here.
//!
//! Tokens whose public prefix tells their provider keep at most their first four characters;
//! every other secret is masked whole.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// What stands in place of a secret.
pub const MASK: &str = "…";

/// The name of something secret, as a part of a pattern.
const SECRET_NAME: &str = r"(?:passw(?:or)?d|passphrase|mnemonic|seed[_-]?phrase|pwd|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|auth[_-]?key|signing[_-]?key|encryption[_-]?key|credential)";

struct Detector {
    pattern: Regex,
    /// Whether the first four characters are public.
    public_prefix: bool,
    /// A value without quotes may be code.
    bare: bool,
}

static DETECTORS: LazyLock<Vec<Detector>> = LazyLock::new(|| {
    let detector = |pattern: &str, public_prefix: bool, bare: bool| {
        let pattern = Regex::new(pattern).ok()?;
        Some(Detector { pattern, public_prefix, bare })
    };
    let between = r#"[\w-]*["'`\])]*\s*(?::\s*[\w\[\]|.<> ]{1,40}?\s*=|=>|:=|={1,3}|!==?|[:,]|\|\||\?\?|\bor\b)\s*(?:[\w.]+\(\s*|default\s*=\s*)*"#;
    [
        // The group `s` is the secret.
        detector(
            r"(?-u:\b)(?<s>(?:AKIA|ASIA)[0-9A-Z]{12,}|gh[pousr]_[0-9A-Za-z]{16,}|github_pat_\w{16,}|glpat-[\w-]{12,}|xox[abeoprs]-[\w-]{10,}|(?:sk|rk|pk)_(?:live|test)_\w{8,}|sk-[\w-]{16,}|AIza[\w-]{20,}|ya29\.[\w-]{16,}|npm_[0-9A-Za-z]{20,}|SG\.[\w-]{12,}\.[\w-]{12,}|hvs\.[\w-]{16,}|dop_v1_[0-9a-f]{16,}|pypi-[\w-]{16,}|shp(?:at|ss|ca)_[0-9a-fA-F]{16,}|whsec_\w{12,})",
            true,
            false,
        ),
        detector(r"(?-u:\b)(?<s>eyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)?)", true, false),
        detector(r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----(?<s>.*?)(?:-----END|\z)", false, false),
        detector(r#"(?i)[a-z][a-z0-9+.-]*://[^\s:/@'"`]*:(?<s>[^\s@'"`/]+)@"#, false, false),
        detector(&format!(r#"(?i){SECRET_NAME}{between}[rbu]?"(?<s>[^"\n]+)""#), false, false),
        detector(&format!(r"(?i){SECRET_NAME}{between}[rbu]?'(?<s>[^'\n]+)'"), false, false),
        detector(&format!(r"(?i){SECRET_NAME}{between}`(?<s>[^`\n]+)`"), false, false),
        detector(
            &format!(r#"(?im)^\s*(?:-\s*|export\s+|ENV\s+|ARG\s+)?[\w.-]*{SECRET_NAME}[\w.-]*(?:\s*[=:]\s*|\s+)(?<s>[^\s"'`#;,()\[\]{{}}]+)\s*$"#),
            false,
            true,
        ),
        // Keys that stand in a call's arguments, with no name beside them.
        detector(r#"\bcreateHmac\(\s*["'`][^"'`\n]*["'`]\s*,\s*["'`](?<s>[^"'`\n]+)["'`]"#, false, false),
        detector(r#"\b(?:jwt|jws|jsonwebtoken)\.(?:sign|verify|encode|decode)\([^"'`\n]*,\s*["'`](?<s>[^"'`\n]+)["'`]"#, false, false),
        detector(r#"\b(?:cookie[pP]arser|cookieSession|(?:URLSafe(?:Timed)?Serializer|(?:Timestamp)?Signer))\(\s*["'`](?<s>[^"'`\n]+)["'`]"#, false, false),
        detector(r"(?i)(?-u:\b)(?:bearer|basic)\s+(?<s>[\w+/.=-]{16,})", false, false),
    ]
    .into_iter()
    .flatten()
    .collect()
});

/// The places of secrets in a text, in order, not overlapping, with how many bytes of each may
/// be shown.
#[must_use]
pub fn secrets(text: &str) -> Vec<(Range<usize>, usize)> {
    let mut found: Vec<(Range<usize>, usize)> = Vec::new();
    for detector in DETECTORS.iter() {
        for captures in detector.pattern.captures_iter(text) {
            let Some(secret) = captures.name("s") else { continue };
            if is_placeholder(secret.as_str()) || (detector.bare && is_code(secret.as_str())) {
                continue;
            }
            let shown = if detector.public_prefix { 4 } else { 0 };
            found.push((secret.range(), shown));
        }
    }
    found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    let mut merged: Vec<(Range<usize>, usize)> = Vec::with_capacity(found.len());
    for (range, shown) in found {
        match merged.last_mut() {
            Some((last, _)) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push((range, shown)),
        }
    }
    merged
}

/// A reference to a secret kept elsewhere: `${DB_PASSWORD}`, `{{ token }}`, `<token>`, `%s`.
fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    let reference = text.strip_prefix('$').is_some_and(|name| {
        let name = name.trim_matches(['{', '}', '(', ')']);
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
            && !name.starts_with(|c: char| c.is_ascii_digit())
    });
    reference
        || (text.starts_with('{') && text.ends_with('}'))
        || (text.starts_with('<') && text.ends_with('>'))
        || matches!(text, "%s" | "" | MASK)
}

/// A value without quotes that is rather a type, a path of names or a keyword.
fn is_code(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    matches!(
        lower.as_str(),
        "str" | "string" | "&str" | "bytes" | "none" | "null" | "nil" | "undefined" | "true" | "false" | "any"
            | "optional" | "secretstr" | "number" | "int" | "bool" | "boolean" | "=" | "|" | ">" | "as" | "-"
    ) || lower.starts_with("self.")
        || lower.starts_with("this.")
        || lower.starts_with("http://")
        || lower.starts_with("https://")
}

/// The text with its secrets masked.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let secrets = secrets(text);
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(mask(text, 0..text.len(), &secrets))
}

/// A part of a text, masked by secrets found in the whole. Line breaks stay.
#[must_use]
pub fn mask(text: &str, part: Range<usize>, secrets: &[(Range<usize>, usize)]) -> String {
    let mut masked = String::with_capacity(part.len());
    let mut at = part.start;
    for (secret, shown) in secrets {
        if secret.end <= at || secret.start >= part.end {
            continue;
        }
        let start = secret.start.max(at);
        masked.push_str(text.get(at..start).unwrap_or_default());
        if secret.start >= part.start {
            masked.push_str(text.get(start..start + shown).unwrap_or_default());
        }
        masked.push_str(MASK);
        let hidden = text.get(start..secret.end.min(part.end)).unwrap_or_default();
        for line_break in hidden.matches('\n') {
            masked.push_str(line_break);
        }
        at = secret.end.min(part.end);
    }
    masked.push_str(text.get(at..part.end).unwrap_or_default());
    masked
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_detector_compiles() {
        assert_eq!(DETECTORS.len(), 12);
    }

    #[test]
    fn secrets_show_at_most_the_public_prefix() {
        // Written in pieces so that no scanner takes this file for a leak.
        let canary = ["Hunter2", "Canary", "9xQ"].concat();
        let cases = [
            format!("password = \"{canary}\""),
            format!("DB_PASSWORD={canary}"),
            format!("  db_password: {canary}"),
            format!("ENV API_KEY {canary}"),
            format!("os.getenv(\"SECRET_KEY\", \"{canary}\")"),
            format!("app.config['SECRET_KEY'] = '{canary}'"),
            format!("const s = process.env.JWT_SECRET || '{canary}'"),
            format!("secret_key: str = Field(default=\"{canary}\")"),
            format!("{{\"apiKey\": \"{canary}\"}}"),
            format!("if user.password == '{canary}':"),
            format!("postgres://app:{canary}@db:5432/x"),
            format!("Authorization: Bearer {canary}0123"),
            format!("eyJhbGciOi.{canary}.{canary}"),
            format!("-----BEGIN RSA PRIVATE KEY-----\n{canary}\n-----END RSA PRIVATE KEY-----"),
            format!("token = `{canary}`"),
            format!("ghp_{canary}{canary}"),
            format!("sk_live_{canary}"),
            format!("crypto.createHmac('sha256', '{canary}').update(data)"),
            format!("jwt.encode(claims, \"{canary}\", algorithm=\"HS256\")"),
            format!("app.use(cookieParser('{canary}'))"),
            format!("const mnemonic = '{canary} bravo charlie'"),
        ];
        for case in cases {
            let masked = redact(&case);
            assert!(!masked.contains(&canary[..5]), "{case} -> {masked}");
            assert!(masked.contains(MASK), "{case} -> {masked}");
        }
        assert_eq!(redact(&format!("AKIA{}", "ABCDEFGH12345678")), "AKIA…");
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "password: str",
            "password = get_password()",
            "POSTGRES_PASSWORD=${POSTGRES_PASSWORD}",
            "host = \"localhost\"",
            "token: string | null",
            "url = 'http://localhost:3000/x'",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
