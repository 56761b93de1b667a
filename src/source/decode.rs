//! From bytes to text, once, in front of every parser: a byte order mark or a legacy encoding that
//! reached one of them would break it or silently change what it sees (HOSTILE.md 2h).

use std::fmt;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::scale;

scale! {
    /// How the bytes of a file were read.
    Encoding {
        /// UTF-8, with or without byte order mark.
        Utf8 = "utf-8",
        /// UTF-16 with a byte order mark.
        Utf16 = "utf-16",
        /// Declared as Latin-1 or Windows-1252 in the file, or guessed: every byte is one character.
        Latin1 = "latin-1",
        /// Another legacy encoding that the file declares.
        Declared = "declared",
    }
}

/// Why a file's bytes are not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotText {
    /// A NUL byte near the beginning, without a byte order mark.
    Binary,
    /// A byte order mark of UTF-32, which no source file of the supported languages uses.
    Utf32,
    /// A byte order mark of UTF-16, but the rest is not UTF-16.
    MalformedUtf16,
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Binary => "binary file",
            Self::Utf32 => "text in UTF-32",
            Self::MalformedUtf16 => "malformed UTF-16",
        })
    }
}

impl NotText {
    /// Whether the file is text that should have been read and could not be.
    #[must_use]
    pub fn is_failure(self) -> bool {
        self != Self::Binary
    }
}

/// How far a NUL byte is looked for. Git looks at 8,000 bytes.
const BINARY_WINDOW: usize = 8 * 1024;

/// How far a declaration of the encoding is looked for: two lines, or an XML declaration.
const DECLARATION_WINDOW: usize = 1024;

/// Decodes the bytes of a file; the text has no byte order mark.
///
/// In this order: a byte order mark; a NUL byte in the first 8 KiB (binary); a declaration in the
/// file (PEP 263, XML, CSS); UTF-8; and where none of these holds Windows-1252, in which every
/// byte is a character and nothing is lost.
///
/// # Errors
/// When the bytes are not text.
pub fn decode(bytes: &[u8]) -> Result<(String, Encoding), NotText> {
    match sniff(bytes)? {
        Sniffed::Utf8 { mark } => match std::str::from_utf8(&bytes[mark..]) {
            Ok(text) => Ok((text.to_owned(), Encoding::Utf8)),
            Err(_) => Ok(guess(&bytes[mark..])),
        },
        Sniffed::Text(text, encoding) => Ok((text, encoding)),
    }
}

/// [`decode`] for bytes that are no longer needed: UTF-8 is not copied.
///
/// # Errors
/// When the bytes are not text.
pub fn decode_vec(mut bytes: Vec<u8>) -> Result<(String, Encoding), NotText> {
    match sniff(&bytes)? {
        Sniffed::Utf8 { mark } => {
            bytes.drain(..mark);
            match String::from_utf8(bytes) {
                Ok(text) => Ok((text, Encoding::Utf8)),
                Err(error) => Ok(guess(error.as_bytes())),
            }
        }
        Sniffed::Text(text, encoding) => Ok((text, encoding)),
    }
}

enum Sniffed {
    /// Probably UTF-8 behind a mark of this many bytes.
    Utf8 { mark: usize },
    /// Something else, decoded.
    Text(String, Encoding),
}

fn sniff(bytes: &[u8]) -> Result<Sniffed, NotText> {
    match bytes {
        [0xEF, 0xBB, 0xBF, ..] => return Ok(Sniffed::Utf8 { mark: 3 }),
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => return Err(NotText::Utf32),
        [0xFF, 0xFE, rest @ ..] => return utf16(UTF_16LE, rest),
        [0xFE, 0xFF, rest @ ..] => return utf16(UTF_16BE, rest),
        _ => {}
    }
    if bytes[..bytes.len().min(BINARY_WINDOW)].contains(&0) {
        return Err(NotText::Binary);
    }
    if let Some(label) = declared_label(&bytes[..bytes.len().min(DECLARATION_WINDOW)])
        && let Some((text, encoding)) = decode_declared(&label, bytes)
    {
        return Ok(Sniffed::Text(text, encoding));
    }
    Ok(Sniffed::Utf8 { mark: 0 })
}

fn utf16(encoding: &'static encoding_rs::Encoding, bytes: &[u8]) -> Result<Sniffed, NotText> {
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(|text| Sniffed::Text(text.into_owned(), Encoding::Utf16))
        .ok_or(NotText::MalformedUtf16)
}

fn guess(bytes: &[u8]) -> (String, Encoding) {
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
    (text.into_owned(), Encoding::Latin1)
}

/// Decodes by the file's own word. `None` where that word means UTF-8, is unknown, or is not true
/// of the bytes.
fn decode_declared(label: &str, bytes: &[u8]) -> Option<(String, Encoding)> {
    let label = label.to_ascii_lowercase().replace('_', "-");
    let label = label
        .strip_suffix("-unix")
        .or_else(|| label.strip_suffix("-dos"))
        .or_else(|| label.strip_suffix("-mac"))
        .unwrap_or(&label);
    // Names that Python and editors know and the WHATWG list does not.
    let label = match label {
        "latin-1" | "iso-latin-1" | "l-1" | "8859" => "latin1",
        "latin-2" | "iso-latin-2" => "latin2",
        "cp932" | "sjis" => "shift_jis",
        "cp949" => "euc-kr",
        "cp936" => "gbk",
        "cp950" => "big5",
        other => other,
    };
    let encoding = encoding_rs::Encoding::for_label(label.as_bytes())
        .or_else(|| encoding_rs::Encoding::for_label(label.replace('-', "_").as_bytes()))?;
    if encoding == encoding_rs::UTF_8 || !encoding.is_ascii_compatible() {
        return None;
    }
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?.into_owned();
    let name = if encoding == WINDOWS_1252 { Encoding::Latin1 } else { Encoding::Declared };
    Some((text, name))
}

/// The encoding that a file declares about itself. Plain ASCII needs none, and most files are, so
/// the search costs only the first two lines.
fn declared_label(head: &[u8]) -> Option<String> {
    let mut lines = head.split(|byte| matches!(byte, b'\n' | b'\r'));
    let first = lines.next()?;
    if first.starts_with(b"<?xml") {
        return label_behind(first, b"encoding=");
    }
    if first.starts_with(b"@charset ") {
        return label_behind(first, b"@charset ");
    }
    if let Some(label) = pep263(first) {
        return Some(label);
    }
    // Python looks at the second line only where the first is a comment or blank.
    let first = first.trim_ascii_start();
    if first.is_empty() || first.starts_with(b"#") {
        let second = lines.find(|line| !line.is_empty())?;
        return pep263(second);
    }
    None
}

/// `^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)`, as PEP 263 gives it.
fn pep263(line: &[u8]) -> Option<String> {
    let comment = line.trim_ascii_start().strip_prefix(b"#")?;
    let at = comment
        .windows(7)
        .position(|window| window.starts_with(b"coding") && matches!(window[6], b':' | b'='))?;
    label_at(comment[at + 7..].trim_ascii_start())
}

fn label_behind(line: &[u8], key: &[u8]) -> Option<String> {
    let at = line.windows(key.len()).position(|window| window == key)?;
    let value = line[at + key.len()..].trim_ascii_start();
    label_at(value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value))
}

fn label_at(bytes: &[u8]) -> Option<String> {
    let end = bytes
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')))
        .unwrap_or(bytes.len());
    (end > 0).then(|| String::from_utf8_lossy(&bytes[..end]).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(bytes: &[u8], expected: &str, encoding: Encoding) {
        let wanted = Ok((expected.to_owned(), encoding));
        assert_eq!(decode(bytes), wanted, "{bytes:?}");
        assert_eq!(decode_vec(bytes.to_vec()), wanted, "{bytes:?}");
    }

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        let unit = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(unit).collect()
    }

    #[test]
    fn marks_are_read_and_dropped() {
        text(b"", "", Encoding::Utf8);
        text("größe = 1\n".as_bytes(), "größe = 1\n", Encoding::Utf8);
        text(b"\xEF\xBB\xBFx = 1", "x = 1", Encoding::Utf8);
        text(&utf16("größe = '😀'", false), "größe = '😀'", Encoding::Utf16);
        text(&utf16("größe = '😀'", true), "größe = '😀'", Encoding::Utf16);
        assert_eq!(decode(b"\xFF\xFE\0\0x\0\0\0"), Err(NotText::Utf32));
        assert_eq!(decode(b"\0\0\xFE\xFF\0\0\0x"), Err(NotText::Utf32));
        assert_eq!(decode(b"\xFF\xFEx"), Err(NotText::MalformedUtf16));
        assert_eq!(decode(b"\xFE\xFF\xD8\0\0x"), Err(NotText::MalformedUtf16));
    }

    #[test]
    fn a_nul_byte_makes_a_file_binary_only_near_its_beginning() {
        assert_eq!(decode(b"GIF89a\0"), Err(NotText::Binary));
        let mut late = vec![b'a'; BINARY_WINDOW];
        late.push(0);
        assert!(decode(&late).is_ok());
    }

    #[test]
    fn declared_encodings_are_believed_where_they_are_true() {
        text(
            b"# -*- coding: latin-1 -*-\nx='\xE4'",
            "# -*- coding: latin-1 -*-\nx='ä'",
            Encoding::Latin1,
        );
        text(
            b"#!/usr/bin/python\n# vim: set fileencoding=iso-8859-2 :\nx='\xB1'",
            "#!/usr/bin/python\n# vim: set fileencoding=iso-8859-2 :\nx='ą'",
            Encoding::Declared,
        );
        text(b"# coding: cp932\n\x83\x65", "# coding: cp932\nテ", Encoding::Declared);
        text(
            b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xE4</a>",
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>ä</a>",
            Encoding::Latin1,
        );
        text("# coding: utf-8\nä".as_bytes(), "# coding: utf-8\nä", Encoding::Utf8);
        text(b"# coding: nonsense\n\xE4", "# coding: nonsense\nä", Encoding::Latin1);
        text(b"# coding: utf-16\nx", "# coding: utf-16\nx", Encoding::Utf8);
        text(
            "import os\n# coding: latin-1\nä".as_bytes(),
            "import os\n# coding: latin-1\nä",
            Encoding::Utf8,
        );
    }

    #[test]
    fn what_is_not_utf_8_is_read_byte_by_byte() {
        text(b"caf\xE9 \x80 \x81", "café € \u{81}", Encoding::Latin1);
        text(b"\xEF\xBB\xBFcaf\xE9", "café", Encoding::Latin1);
    }

    proptest! {
        #[test]
        fn both_ways_agree(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decode(&bytes), decode_vec(bytes));
        }
    }
}
