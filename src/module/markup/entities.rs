//! Character references of HTML, as far as they matter to a reader: the ones that stand for
//! characters of the syntax, and common punctuation. An unknown one is kept as written.

use smol_str::SmolStr;

/// Longest reference that is looked for, in bytes.
const LONGEST: usize = 12;

/// Resolves the character references of a text.
pub(in crate::module) fn decode(text: &str) -> SmolStr {
    if !text.contains('&') {
        return SmolStr::new(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let name = rest[1..].split_once(';').map(|(name, _)| name);
        match name.filter(|name| name.len() <= LONGEST).and_then(character) {
            Some((character, length)) => {
                out.push(character);
                rest = &rest[length + 2..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    SmolStr::new(out)
}

fn character(name: &str) -> Option<(char, usize)> {
    let character = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "copy" => '©',
        "reg" => '®',
        "hellip" => '…',
        "mdash" => '—',
        "ndash" => '–',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "laquo" => '«',
        "raquo" => '»',
        "larr" => '←',
        "rarr" => '→',
        "times" => '×',
        "middot" => '·',
        "bull" => '•',
        _ => {
            let number = name.strip_prefix('#')?;
            let value = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(value)?
        }
    };
    Some((character, name.len()))
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn references_are_resolved_and_unknown_ones_kept() {
        assert_eq!(decode("a &amp; b&#x20AC;&#65; &unknown; &&lt"), "a & b€A &unknown; &&lt");
    }
}
