//! What the guard must refuse, what must survive below its limits, and how long real code takes.

use super::*;

/// The attacks of HOSTILE.md 2a, far above the limits. Each would overflow the stack.
#[test]
fn the_guard_refuses_what_would_overflow() {
    let attacks = [
        ("groups", format!("fn f() {{ {}{} }}", "(".repeat(257), ")".repeat(257))),
        ("blocks", format!("fn f() {}{}", "{".repeat(300), "}".repeat(300))),
        ("generics", format!("type T = {}u8{};", "V<".repeat(400_000), ">".repeat(400_000))),
        ("references", format!("type T = {}u8;", "&".repeat(800_000))),
        // Resetting at every brace group lets this one through.
        ("assigned braces", format!("fn f() {{ x = a {}; }}", "= {} ".repeat(160_000))),
        // Limiting the run per group lets this one through.
        (
            "runs in groups",
            format!(
                "fn f() {{ {}1{}; }}",
                format!("{}(", "!".repeat(7_000)).repeat(120),
                ")".repeat(120)
            ),
        ),
        // Commas inside angle brackets and closure parameters separate nothing that is closed.
        (
            "generics with commas",
            format!("type T = {}u8{};", "V<a, ".repeat(100_000), ">".repeat(100_000)),
        ),
        (
            "qualified paths with commas",
            format!("type T = {}u8{};", "V<<a as b>::c, ".repeat(60_000), ">".repeat(60_000)),
        ),
        ("closures with commas", format!("fn f() {{ {}1; }}", "|a, b| ".repeat(100_000))),
        ("bounds with commas", format!("type T = {}();", "for<'a, 'b> fn() -> ".repeat(40_000))),
    ];
    for (name, text) in attacks {
        let refused = try_lower(text);
        assert!(
            matches!(refused, Err(Refusal::TooDeep { .. } | Refusal::Syntax(_))),
            "{name}: {:?}",
            refused.map(|module| module.defects)
        );
    }
}

/// Just below the limits everything is parsed, lowered and dropped on the promised stack; what
/// lies deeper than a module may be is a defect.
#[test]
fn the_deepest_accepted_input_survives() {
    let accepted = [
        format!("type T = {}u8{};", "V<".repeat(2_700), ">".repeat(2_700)),
        format!("fn f(x: {}u8) {{}}", "&".repeat(8_000)),
        format!("fn f(x: {}u8{}) {{}}", "V<".repeat(2_700), ">".repeat(2_700)),
        format!("fn f(x: {}u8{}) {{}}", "V<a, ".repeat(2_000), ">".repeat(2_000)),
        format!("fn f() {}{}", "{".repeat(250), "}".repeat(250)),
        format!("fn f() {{ {}1; }}", "|| ".repeat(4_000)),
        format!("fn f() {{ {}1; }}", "!".repeat(8_000)),
        format!("fn f() {{ x = {}1; }}", "a = ".repeat(4_000)),
        format!("fn f() {{ a{}; }}", ".b()".repeat(2_600)),
        format!("fn f() {{ 1{}; }}", " + 1".repeat(4_000)),
        format!("fn f() {{ {}; }}", vec!["a"; 2_500].join("::")),
        format!("fn f() {{ {} }}", vec!["if a {}"; 2_000].join(" else ")),
    ];
    for text in accepted {
        let shown = text[..40.min(text.len())].to_string();
        let lowered = try_lower(text).unwrap_or_else(|refusal| panic!("{shown}: {refusal}"));
        assert_eq!(lowered.body.len(), 1, "{shown}");
        on_parse_stack(move || assert_eq!(lowered.clone(), lowered));
    }
    let import = try_lower(format!("use {};", vec!["a"; 2_500].join("::"))).unwrap();
    assert_eq!(import.defects[0].reason, "import path longer than 1024 bytes");
    let deep = try_lower(format!("fn f() {{ {}1; }}", "!".repeat(8_000))).unwrap();
    assert_eq!(deep.defects[0].reason, "nested deeper than 1000 levels");
}

#[test]
fn long_lists_and_many_statements_are_not_deep() {
    let texts = [
        format!("const T: [u8; 9] = [{}];", "1 << 3, ".repeat(20_000)),
        format!("fn f() {{ {} }}", "if a { b(); } ".repeat(5_000)),
        format!("fn f() {{ match x {{ {} }} }}", "A | B => {} ".repeat(5_000)),
        format!("const T: [u8; 9] = [{}];", "A | B, ".repeat(20_000)),
        "fn f() {}\n".repeat(5_000),
        "#[a] struct S { x: u8, }\n".repeat(3_000),
    ];
    for text in texts {
        let shown = text[..40].to_string();
        assert_eq!(try_lower(text).map(|module| module.defects), Ok(vec![]), "{shown}");
    }
}

#[test]
fn nested_macros_stop_being_parsed() {
    let deep = format!("fn f() {{ {}\"text\"{}; }}", "m!(".repeat(40), ")".repeat(40));
    let lowered = try_lower(deep).unwrap();
    assert_eq!(lowered.defects[0].reason, "macros nested deeper than 16 levels");
    assert!(format!("{:?}", lowered.body).contains("\"text\""));
}

/// proc_macro2 keeps every text that a thread has lexed, and counts its offsets in 32 bits.
#[test]
fn the_source_map_does_not_grow() {
    on_parse_stack(|| {
        let text = "fn f() {}\n".repeat(100);
        lower(&text, &Limits::default()).unwrap();
        let first: TokenStream = "x".parse().unwrap();
        let before = format!("{:?}", first.into_iter().next().unwrap().span());
        proc_macro2::extra::invalidate_current_thread_spans();
        for _ in 0..50 {
            lower(&text, &Limits::default()).unwrap();
            lower("}", &Limits::default()).unwrap_err();
        }
        let last: TokenStream = "x".parse().unwrap();
        let after = format!("{:?}", last.into_iter().next().unwrap().span());
        assert_eq!(before, after);
    });
}

/// Lowers every Rust file below `READINESS_CORPUS` and prints figures; run by hand, in release.
#[test]
#[ignore = "needs a corpus"]
#[allow(clippy::print_stderr)]
fn corpus() {
    let root = std::env::var("READINESS_CORPUS").unwrap();
    on_parse_stack(move || {
        let (mut files, mut bytes, mut refused, mut partly) = (0, 0, 0, 0);
        let mut time = std::time::Duration::ZERO;
        let mut slowest = (std::time::Duration::ZERO, String::new());
        for entry in walkdir::WalkDir::new(root).sort_by_file_name() {
            let entry = entry.unwrap();
            if entry.path().extension().is_none_or(|suffix| suffix != "rs") {
                continue;
            }
            let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
            let text = text.trim_start_matches('\u{feff}');
            let start = std::time::Instant::now();
            let lowered = lower(text, &Limits::default());
            let took = start.elapsed();
            time += took;
            files += 1;
            bytes += text.len();
            if took > slowest.0 {
                slowest = (took, format!("{} {}", entry.path().display(), text.len()));
            }
            match lowered {
                Err(refusal) => {
                    refused += 1;
                    eprintln!("refused {}: {refusal}", entry.path().display());
                }
                Ok(module) if !module.defects.is_empty() => {
                    partly += 1;
                    let defect = &module.defects[0];
                    eprintln!("partly {}: {defect:?}", entry.path().display());
                }
                Ok(_) => {}
            }
        }
        let rate = time.as_secs_f64() * 1e3 / (bytes as f64 / 1e6);
        eprintln!("{files} files, {bytes} bytes, {refused} refused, {partly} partly read");
        eprintln!("{time:?}, {rate:.1} ms per MB, slowest {slowest:?}");
    });
}
