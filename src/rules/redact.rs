//! Masking secrets. Everything from the audited repository that reaches a finding passes here.
//!
//! Tokens whose public prefix tells their provider keep at most their first four characters;
//! every other secret is masked whole.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::AhoCorasick;
use regex::Regex;

use super::error::Place;
use super::literals;
use super::spec::Patterns;

/// What stands in place of a secret.
pub const MASK: &str = "…";

/// The name of something secret, as a part of a pattern. All names are ASCII: the Unicode classes
/// would make these expressions forty times as large.
const SECRET_NAME: &str = r"(?:passw(?:or)?d|passphrase|mnemonic|seed[_-]?phrase|pwd|secret|token|api[_-]?key|private[_-]?key|access[_-]?key|auth[_-]?key|signing[_-]?key|encryption[_-]?key|credential)";

/// What stands between such a name and a quoted value: the rest of the name, a declared type, an
/// operator, the call that takes the value.
const BETWEEN: &str = r#"[0-9A-Za-z_-]*["'`\])]*[ \t]*\n?[ \t]*(?::[ \t]*[0-9A-Za-z_\[\]|.<> ]{1,40}?[ \t]*=|=>|:=|={1,3}|!==?|[:,]|\|\||\?\?|(?-u:\b)or(?-u:\b))\s*(?:[0-9A-Za-z_.]*\(\s*|default\s*=\s*)*"#;

struct Detector {
    source: String,
    /// Compiled when a text first holds one of its literals: some take as long to compile as a
    /// large file takes to parse.
    pattern: OnceLock<Option<Regex>>,
    /// Whether the first four characters are public.
    public_prefix: bool,
    /// A value without quotes may be code.
    bare: bool,
}

static DETECTORS: LazyLock<Vec<Detector>> = LazyLock::new(|| {
    let detector = |pattern: &str, public_prefix: bool, bare: bool| Detector {
        source: pattern.to_owned(),
        pattern: OnceLock::new(),
        public_prefix,
        bare,
    };
    [
        // The group `s` is the secret.
        detector(
            r"(?-u:\b)(?<s>(?:AKIA|ASIA)[0-9A-Z]{12,}|gh[pousr]_[0-9A-Za-z]{16,}|github_pat_[0-9A-Za-z_]{16,}|glpat-[0-9A-Za-z_-]{12,}|xox[abeoprs]-[0-9A-Za-z-]{10,}|(?:sk|rk|pk)_(?:live|test)_[0-9A-Za-z_]{8,}|sk-[0-9A-Za-z_-]{16,}|AIza[0-9A-Za-z_-]{20,}|ya29\.[0-9A-Za-z_-]{16,}|npm_[0-9A-Za-z]{20,}|SG\.[0-9A-Za-z_-]{12,}\.[0-9A-Za-z_-]{12,}|hvs\.[0-9A-Za-z_-]{16,}|dop_v1_[0-9a-f]{16,}|pypi-[0-9A-Za-z_-]{16,}|shp(?:at|ss|ca)_[0-9a-fA-F]{16,}|whsec_[0-9A-Za-z_]{12,})",
            true,
            false,
        ),
        detector(r"(?-u:\b)(?<s>eyJ[0-9A-Za-z_-]{6,}\.[0-9A-Za-z_-]{6,}(?:\.[0-9A-Za-z_-]*)?)", true, false),
        detector(r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----(?<s>.*?)(?:-----END|\z)", false, false),
        detector(r#"(?i)://[^\s:/@'"`]*:(?<s>[^\s@'"`/]+)@"#, false, false),
        detector(&format!(r#"(?i){SECRET_NAME}{BETWEEN}[rbu]?"(?<s>[^"\n]+)""#), false, false),
        detector(&format!(r"(?i){SECRET_NAME}{BETWEEN}[rbu]?'(?<s>[^'\n]+)'"), false, false),
        detector(&format!(r"(?i){SECRET_NAME}{BETWEEN}`(?<s>[^`\n]+)`"), false, false),
        detector(
            &format!(r#"(?im)^[ \t]*(?:-[ \t]*|export[ \t]+|ENV[ \t]+|ARG[ \t]+)?[0-9A-Za-z_.-]*{SECRET_NAME}[0-9A-Za-z_.-]*(?:[ \t]*[=:][ \t]*|[ \t]+)(?<s>[^\s"'`#;,()\[\]{{}}]+)[ \t\r]*$"#),
            false,
            true,
        ),
        // Keys that stand in a call's arguments, with no name beside them.
        detector(r#"(?-u:\b)createHmac\(\s*["'`][^"'`\n]*["'`]\s*,\s*["'`](?<s>[^"'`\n]+)["'`]"#, false, false),
        detector(r#"(?-u:\b)(?:jwt|jws|jsonwebtoken)\.(?:sign|verify|encode|decode)\([^"'`\n]*,\s*["'`](?<s>[^"'`\n]+)["'`]"#, false, false),
        detector(r#"(?-u:\b)(?:cookie[pP]arser|cookieSession|(?:URLSafe(?:Timed)?Serializer|(?:Timestamp)?Signer))\(\s*["'`](?<s>[^"'`\n]+)["'`]"#, false, false),
        // A parameter of an address.
        detector(&format!(r#"(?i)[?&;][\w.-]*{SECRET_NAME}[\w.-]*=(?<s>[^\s&;#"'`<>{{}}]+)"#), false, false),
        detector(r"(?i)(?-u:\b)(?:bearer|basic)\s+(?<s>[0-9A-Za-z_+/.=-]{16,})", false, false),
    ]
    .into_iter()
    .collect()
});

/// The private key that begins before a text and reaches into it, as a place in the text.
/// `before` is what stands in front of the text.
#[must_use]
pub fn open_key(before: &str, text: &str) -> Option<Range<usize>> {
    let begin = before.rfind("-----BEGIN ")?;
    let head = before[begin..].lines().next().unwrap_or_default();
    if !head.contains("PRIVATE KEY") || before[begin..].contains("-----END") {
        return None;
    }
    Some(0..text.find("-----END").unwrap_or(text.len()))
}

/// Which detectors a text is worth: `serves` has, for each literal of the automaton, a bit for
/// each detector that cannot match without one of its literals.
struct Hints {
    automaton: AhoCorasick,
    serves: Vec<u32>,
    /// Detectors that always run.
    always: u32,
}

/// Letters that fold to ASCII ones, so that a name written with them holds no literal.
const FOLDING: [&str; 2] = ["ſ", "\u{212a}"];

static HINTS: LazyLock<Option<Hints>> = LazyLock::new(|| {
    let mut by_text = BTreeMap::<String, u32>::new();
    let mut always = 0;
    for (at, detector) in DETECTORS.iter().enumerate() {
        let bit = 1 << at;
        match literals::of_patterns(&Patterns {
            items: vec![detector.source.clone()],
            place: Place::default(),
        }) {
            Some(texts) => {
                texts.into_iter().for_each(|text| *by_text.entry(text).or_default() |= bit)
            }
            None => always |= bit,
        }
    }
    for letter in FOLDING {
        by_text.insert(letter.to_owned(), u32::MAX);
    }
    let automaton =
        AhoCorasick::builder().ascii_case_insensitive(true).build(by_text.keys()).ok()?;
    Some(Hints { automaton, serves: by_text.into_values().collect(), always })
});

/// The detectors that can find something in a text, as bits.
fn worthwhile(text: &str) -> u32 {
    let Some(hints) = &*HINTS else { return u32::MAX };
    hints.automaton.find_overlapping_iter(text).fold(hints.always, |found, hit| {
        found | hints.serves.get(hit.pattern().as_usize()).copied().unwrap_or(u32::MAX)
    })
}

/// The places of secrets in a text, in order, not overlapping, with how many bytes of each may
/// be shown.
#[must_use]
pub fn secrets(text: &str) -> Vec<(Range<usize>, usize)> {
    let mut found: Vec<(Range<usize>, usize)> = Vec::new();
    let worthwhile = worthwhile(text);
    for (bit, detector) in DETECTORS.iter().enumerate() {
        if worthwhile & (1 << bit) == 0 {
            continue;
        }
        let Some(pattern) = detector.pattern.get_or_init(|| Regex::new(&detector.source).ok())
        else {
            continue;
        };
        // A match may begin in what the one before took for a value: in `PASSWORD =
        // os.getenv("PASSWORD", "hunter2")` the first text is a name and the second the secret.
        let mut at = 0;
        while let Some(captures) = pattern.captures_at(text, at) {
            let Some(secret) = captures.name("s") else { break };
            at = secret.start().max(at + 1);
            while at < text.len() && !text.is_char_boundary(at) {
                at += 1;
            }
            if at >= text.len() && is_placeholder(secret.as_str()) {
                break;
            }
            if is_variable(secret.as_str()) {
                continue;
            }
            at = at.max(secret.end()).min(text.len());
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
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
            && !name.starts_with(|c: char| c.is_ascii_digit())
    });
    reference
        || (text.starts_with('{') && text.ends_with('}'))
        || (text.starts_with('<') && text.ends_with('>'))
        || matches!(text, "%s" | "" | MASK)
}

static VARIABLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!(r"^(?:[A-Z0-9_]*_)?(?i:{SECRET_NAME})[A-Z0-9_]*$")).ok());

/// The name of an environment variable that holds a secret, and not the secret.
fn is_variable(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && VARIABLE.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// A value without quotes that is rather a type, a path of names or a keyword.
fn is_code(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    matches!(
        lower.as_str(),
        "str"
            | "string"
            | "&str"
            | "bytes"
            | "none"
            | "null"
            | "nil"
            | "undefined"
            | "true"
            | "false"
            | "any"
            | "optional"
            | "secretstr"
            | "number"
            | "int"
            | "bool"
            | "boolean"
            | "="
            | "|"
            | ">"
            | "as"
            | "-"
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
        assert_eq!(DETECTORS.len(), 13);
        assert!(DETECTORS.iter().all(|detector| Regex::new(&detector.source).is_ok()));
    }

    #[test]
    fn every_detector_has_literals_of_its_own() {
        // One without would run over every text; letters that fold to ASCII ones wake all.
        assert_eq!(worthwhile("nothing to see"), 0);
        assert_eq!(worthwhile("pa\u{17f}\u{17f}word").count_ones(), 32);
        let canary = ["Hunter2", "Canary"].concat();
        assert!(!redact(&format!("pa\u{17f}\u{17f}word = \"{canary}\"")).contains(&canary));
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
            format!("SECRET_KEY = os.getenv(\"SECRET_KEY\", \"{canary}\")"),
            format!("password = env('DB_PASSWORD2', default='{canary}')"),
            format!("https://example.com/?a=b&access_token={canary}&c=d"),
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
        let both = redact("DB_PASSWORD = os.getenv(\"DB_PASSWORD\", \"Hunter2\")").into_owned();
        assert_eq!(both, "DB_PASSWORD = os.getenv(\"DB_PASSWORD\", \"…\")");
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
