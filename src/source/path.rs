//! Paths as text that reports, baselines and fingerprints can hold, and back to the file system.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// Writes a path as text that is unique to it: bytes that are not UTF-8 and control characters
/// become `%XX`, and a `%` is written `%25` only where it would otherwise be read as such an
/// escape. (A lossy conversion would give `bad\xfe.py` and `bad\xff.py` the same name, and one of
/// them would vanish from the report.)
#[must_use]
pub fn encode_path(path: impl AsRef<OsStr>) -> String {
    let bytes = path.as_ref().as_bytes();
    let mut text = String::with_capacity(bytes.len());
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        for (offset, character) in chunk.valid().char_indices() {
            let behind = &bytes[at + offset + character.len_utf8()..];
            if character.is_control() || (character == '%' && starts_with_two_hex_digits(behind)) {
                escape(&mut text, character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(character);
            }
        }
        escape(&mut text, chunk.invalid());
        at += chunk.valid().len() + chunk.invalid().len();
    }
    text
}

/// The path that [`encode_path`] wrote down.
#[must_use]
pub fn decode_path(text: &str) -> OsString {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        if let (b'%', Some(value)) = (first, hex_pair(behind)) {
            bytes.push(value);
            rest = &behind[2..];
        } else {
            bytes.push(first);
            rest = behind;
        }
    }
    OsString::from_vec(bytes)
}

fn starts_with_two_hex_digits(bytes: &[u8]) -> bool {
    hex_pair(bytes).is_some()
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

fn escape(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "%{byte:02X}");
    }
}

/// Whether a file names the packages that a program uses.
#[must_use]
pub fn names_packages(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "package.json" | "pyproject.toml" | "Pipfile" | "Cargo.toml" | "setup.py")
        || name.starts_with("requirements") && name.ends_with(".txt")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(bytes: &[u8]) -> String {
        encode_path(OsStr::from_bytes(bytes))
    }

    #[test]
    fn only_what_cannot_stand_is_escaped() {
        assert_eq!(encoded("src/größe 100%.py".as_bytes()), "src/größe 100%.py");
        assert_eq!(encoded(b"bad\xff.py"), "bad%FF.py");
        assert_eq!(encoded(b"bad\xfe.py"), "bad%FE.py");
        assert_eq!(encoded(b"a\nb\x1b[0m\x7f"), "a%0Ab%1B[0m%7F");
        assert_eq!(encoded("c1\u{85}".as_bytes()), "c1%C2%85");
        assert_eq!(encoded(b"50%25.txt"), "50%2525.txt");
        assert_eq!(encoded(b"%\xff%4\xff"), "%%FF%4%FF");
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(decode_path(&encoded(&bytes)).into_vec(), bytes);
        }

        #[test]
        fn escapes_among_escapes_survive(text in "[%0-9a-fA-F\u{1}/]{0,24}") {
            let bytes = text.as_bytes();
            prop_assert_eq!(decode_path(&encoded(bytes)).into_vec(), bytes);
        }
    }
}
