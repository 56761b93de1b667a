#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::limits::PARSE_STACK;
use std::fmt::Write as _;

fn try_lower(language: Language, text: &str) -> Result<Module, Refusal> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(PARSE_STACK)
            .spawn_scoped(scope, || lower(language, text, &Limits::default()))
            .unwrap()
            .join()
            .unwrap()
    })
}

/// The documents in a short notation.
fn shown(language: Language, text: &str) -> String {
    let module = try_lower(language, text).unwrap();
    let mut out: Vec<_> = documents(&module).map(show).collect();
    out.extend(
        module.defects.iter().map(|defect| format!("line {}: {}", defect.span.line, defect.reason)),
    );
    out.join("\n")
}

fn show(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Text(_) => format!("'{}'", constant_text(expr).unwrap()),
        ExprKind::Number(number) => number.to_string(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::None => "none".to_owned(),
        ExprKind::List(items) => {
            format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(" "))
        }
        ExprKind::Map(entries) => {
            let entry = |entry: &Entry| match &entry.key {
                Some(key) => format!("{}={}", show(key), show(&entry.value)),
                None => format!("...{}", show(&entry.value)),
            };
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(" "))
        }
        _ => "?".to_owned(),
    }
}

/// Each key and each value that is no collection: what stands at its span, and its line.
fn places(language: Language, text: &str) -> String {
    fn each(expr: &Expr, text: &str, out: &mut String) {
        for entry in entries(expr) {
            place(entry.key.as_ref().unwrap(), text, out);
            each(&entry.value, text, out);
        }
        items(expr).iter().for_each(|item| each(item, text, out));
        if !matches!(expr.kind, ExprKind::Map(_) | ExprKind::List(_)) {
            place(expr, text, out);
        }
    }
    fn place(expr: &Expr, text: &str, out: &mut String) {
        let span = expr.span;
        writeln!(out, "{} {}", span.line, &text[span.start as usize..span.end as usize]).unwrap();
    }
    let module = try_lower(language, text).unwrap();
    let mut out = String::new();
    documents(&module).for_each(|document| each(document, text, &mut out));
    out
}

#[test]
fn json_has_all_kinds_of_values() {
    assert_eq!(
        shown(
            Language::Json,
            r#"{"a": [1, -2.5e3, 1e+17, true, false, null], "b": {"c": "d"}, "": ""}"#
        ),
        "{'a'=[1 -2.5e3 1e+17 true false none] 'b'={'c'='d'} ''=''}"
    );
    assert_eq!(
        shown(Language::Json, r#""a\"\\\/\u00e9\ud83d\ude00\n/* no */""#),
        "'a\"\\/é😀\n/* no */'"
    );
    assert_eq!(shown(Language::Json, "{\"a\": 1}\n[2]\n"), "{'a'=1}\n[2]");
    assert_eq!(shown(Language::Json, ""), "");
}

#[test]
fn json_may_have_comments_and_trailing_commas() {
    let text =
        "// c\n{ /* , } */\n  \"a,]\": [1, 2, // two\n  ],\n  \"b\": {\"c\": \"\\\"},\",}, # \n}";
    assert_eq!(
        shown(Language::Json, &text.replace(" # ", "/* x */")),
        "{'a,]'=[1 2] 'b'={'c'='\"},'}}"
    );
    let text = format!("{{{}}}", "\"a\": [{\"b\": [1,],},], // c\n".repeat(300));
    assert!(!shown(Language::Json, &text).contains("line"));
}

#[test]
fn broken_json_is_read_as_far_as_it_goes() {
    assert_eq!(
        shown(Language::Json, "{\"name\": \"x\",\n\"version\": ,\n\"main\": \"y\"}"),
        "{'name'='x' 'version'=? 'main'='y'}\nline 2: syntax error"
    );
    let conflict = "<<<<<<< a\n{\n\"name\": \"x\",\n=======\n\"b\": 1\n>>>>>>> c\n}";
    assert!(shown(Language::Json, conflict).contains("line 1: syntax error"));
    for text in ["{", "[", "\"", "{\"a\"", "{\"a\":", "}", "nul", "'a'", "{a: 1}", "\u{0}", "\\"] {
        let shown = shown(Language::Json, text);
        assert!(shown.contains("line 1: syntax error"), "{text}: {shown}");
    }
}

#[test]
fn yaml_has_the_core_schema_and_texts_as_keys() {
    assert_eq!(
        shown(
            Language::Yaml,
            "a: [1, -2.5e3, 0x1F, .inf, 1.2.3, 1_000, 12e03]\nb: {yes: no, on: true, 200: ~}\n\
             c: null\nd:\n'e': '1'\nf: \"\\u00e9\"\ng: !!str 1\nh: !!int \"1\"\ni: !Ref x\n\
             j: |\n  k\n  l\nm: >-\n  n\n  o\n? [p]\n: q\n"
        ),
        "{'a'=[1 -2.5e3 0x1F .inf '1.2.3' '1_000' 12e03] 'b'={'yes'='no' 'on'=true '200'=none} \
         'c'=none 'd'=none 'e'='1' 'f'='é' 'g'='1' 'h'=1 'i'='x' 'j'='k\nl\n' 'm'='n o' ['p']='q'}"
    );
    assert_eq!(shown(Language::Yaml, "a: 1\n---\n- b\n...\n---\n"), "{'a'=1}\n['b']\nnone");
    assert_eq!(shown(Language::Yaml, ""), "");
    assert_eq!(shown(Language::Yaml, "{\"a\": [1, 2,]}"), "{'a'=[1 2]}");
}

#[test]
fn yaml_aliases_stand_for_their_anchors_and_merges_give_way_to_own_entries() {
    let text = "base: &b {x: 1, y: &y [2]}\nown:\n  x: 3\n  <<: *b\nlist:\n  <<: [*b, {x: 4, z: 5}]\ny: *y\n'<<': 6\n";
    let module = try_lower(Language::Yaml, text).unwrap();
    assert_eq!(module.defects, []);
    let document = documents(&module).next().unwrap();
    let value = |keys: &[&str]| at(document, keys).map(show).unwrap_or_default();
    assert_eq!(value(&["own"]), "{...{'x'=1 'y'=[2]} 'x'=3}");
    assert_eq!(value(&["own", "x"]), "3");
    assert_eq!(value(&["own", "y"]), "[2]");
    assert_eq!(value(&["list", "x"]), "1");
    assert_eq!(value(&["list", "z"]), "5");
    assert_eq!(value(&["<<"]), "6");
    // What an alias stands for is where the alias is, and holds what was written elsewhere.
    let alias = at(document, &["y"]).unwrap();
    assert_eq!((alias.span.line, items(alias)[0].span.line), (7, 1));
}

#[test]
fn yaml_is_read_up_to_its_first_fault() {
    assert_eq!(
        shown(Language::Yaml, "a: 1\n---\nb: [\n---\nc: 1\n"),
        "{'a'=1}\nline 3: syntax error"
    );
    assert_eq!(
        shown(Language::Yaml, "a: *b\nc: &d [*d]\n"),
        "{'a'=? 'c'=[?]}\nline 1: alias of nothing before it\nline 2: alias of nothing before it"
    );
    for text in ["a: b: c", "{{ x }}: {{ y", "a: 'b", "a: \u{0}", "&a &b c", "%YAML x"] {
        assert!(shown(Language::Yaml, text).contains("syntax error"), "{text}");
    }
}

#[test]
fn toml_keeps_the_order_of_the_text() {
    assert_eq!(
        shown(
            Language::Toml,
            "z = 1_0\na.b = 'c' # d\n[package]\nname = \"é\"\nwhen = 1979-05-27\n[[bin]]\nx = [1, 2.0, true]\n[[bin]]\n\
             [q.\"r s\"]\nt = {u = '''\nv'''}\n"
        ),
        "{'z'=1_0 'a'={'b'='c'} 'package'={'name'='é' 'when'='1979-05-27'} \
         'bin'=[{'x'=[1 2.0 true]} {}] 'q'={'r s'={'t'={'u'='v'}}}}"
    );
    assert_eq!(shown(Language::Toml, ""), "{}");
}

#[test]
fn broken_toml_is_read_as_far_as_it_goes() {
    let shown = shown(
        Language::Toml,
        "[package]\nname = \"x\"\nversion =\n[lib]\npath = \"y\"\npath = 1\n",
    );
    assert!(shown.starts_with("{'package'={'name'='x' "), "{shown}");
    assert!(shown.contains("'lib'={'path'='y'}"), "{shown}");
    assert!(shown.contains("line 3: syntax error\nline 6: syntax error"), "{shown}");
}

#[test]
fn keys_and_values_have_their_places() {
    let json = "{\n  \"é\": \"b\\n\", // c\n  \"d\": [1,\n  null,],\n}";
    assert_eq!(places(Language::Json, json), "2 \"é\"\n2 \"b\\n\"\n3 \"d\"\n3 1\n4 null\n");
    let yaml = "é: b\n'c': \"d\"\ne:\n- 1\n- f: |\n    g\n---\nh\n";
    assert_eq!(
        places(Language::Yaml, yaml),
        "1 é\n1 b\n2 'c'\n2 \"d\"\n3 e\n4 1\n5 f\n6 g\n\n8 h\n"
    );
    let toml = "a = 'é'\r\n[b.c]\r\nd = {e = 1}\r\n";
    assert_eq!(places(Language::Toml, toml), "1 a\n1 'é'\n2 b\n2 c\n3 d\n3 e\n3 1\n");
}

#[test]
fn collections_end_where_their_last_item_ends() {
    let text = "a:\n  - b\n  - c\n\n# d\n\ne: {f: 1}\n";
    let module = try_lower(Language::Yaml, text).unwrap();
    let document = documents(&module).next().unwrap();
    let written = |expr: &Expr| &text[expr.span.start as usize..expr.span.end as usize];
    assert_eq!(written(at(document, &["a"]).unwrap()), "- b\n  - c");
    assert_eq!(written(at(document, &["e"]).unwrap()), "{f: 1}");
    assert_eq!(written(document), text.trim_end());
}

#[test]
fn depth_is_bounded_in_each_format() {
    let json = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(shown(Language::Json, &json(MAX_DEPTH)), json(MAX_DEPTH));
    assert!(shown(Language::Json, &json(MAX_DEPTH + 2)).ends_with(TOO_DEEP));
    assert_eq!(
        try_lower(Language::Json, &"[".repeat(500_000)).unwrap_err().to_string(),
        "nested deeper than 1000 brackets"
    );
    assert!(!shown(Language::Json, &"{\"a\":".repeat(900)).is_empty());

    assert_eq!(shown(Language::Yaml, &json(MAX_DEPTH)), json(MAX_DEPTH));
    assert_eq!(shown(Language::Yaml, &json(MAX_DEPTH + 1)), format!("line 1: {TOO_DEEP}"));
    for deep in
        ["[".repeat(500_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "? ".repeat(100_000)]
    {
        assert!(shown(Language::Yaml, &deep).contains("line 1"));
    }
    let blocks = (0..1_400).fold(String::new(), |out, level| out + &" ".repeat(level) + "a:\n");
    assert!(shown(Language::Yaml, &blocks).ends_with(TOO_DEEP));
    // Each alias stands one level deeper than what it stands for.
    let tower = (1..200).fold("a0: &a0 [1]\n".to_owned(), |out, at| {
        out + &format!("a{at}: &a{at} [*a{}]\n", at - 1)
    });
    assert!(shown(Language::Yaml, &tower).ends_with(TOO_DEEP));

    for deep in ["[".repeat(100_000), "{a=".repeat(100_000)] {
        assert!(shown(Language::Toml, &format!("a = {deep}1")).contains("line 1: syntax error"));
    }
    let dots = vec!["a"; 100_000].join(".");
    assert!(shown(Language::Toml, &format!("{dots} = 1")).contains("syntax error"));
    assert!(shown(Language::Toml, &format!("[{dots}]")).contains("syntax error"));
}

#[test]
fn yaml_that_multiplies_is_refused() {
    let refused = |text: &str| try_lower(Language::Yaml, text).unwrap_err().to_string();
    let laughs = (1..10).fold("a0: &a0 [l, l, l, l, l, l, l, l, l, l]\n".to_owned(), |out, at| {
        out + &format!("a{at}: &a{at} [{}]\n", vec![format!("*a{}", at - 1); 10].join(", "))
    });
    assert_eq!(refused(&laughs), "more than 1000000 values");
    let long = format!("a: &a {}\nb: [{}]", "x".repeat(100_000), "*a,".repeat(1_000));
    assert_eq!(refused(&long), "more than 16777216 bytes of text");
    let many = format!("a: &a 1\nb: [{}]", "*a,".repeat(60_000));
    assert_eq!(refused(&many), "more than 50000 aliases");
    assert_eq!(refused(&"---\n".repeat(20_000)), "more than 10000 documents");
    // Anchors inside each other, of which each is kept.
    let anchors: String = (0..100).map(|at| format!("&a{at} [")).collect();
    let nested = format!("{anchors}{}{}", "1,".repeat(100_000), "]".repeat(100));
    assert_eq!(refused(&nested), "more than 1000000 values");
}

#[test]
fn noise_in_each_format_ends() {
    let noises = [
        ",", ":", "{}", "[]", "\"", "'", "- ", "a", "#", "\n", "\r", "\t", "\u{feff}", "é", "\\",
        "*a ", "&a ", "!a ", "%", "@", "`", "|\n", "> ", "? ", "<<: ", "a: ", "/*", "//", "=",
        "[a]\n", "[[a]]\n", "a.", "0", "-",
    ];
    for first in noises {
        for second in noises {
            let text = format!("{first}{second}").repeat(200);
            for language in [Language::Json, Language::Yaml, Language::Toml] {
                let _ = try_lower(language, &text);
            }
        }
    }
    let long = "a".repeat(1_000_000);
    for text in [format!("\"{long}"), long.clone(), format!("{long}: {long}"), format!("/*{long}")]
    {
        for language in [Language::Json, Language::Yaml, Language::Toml] {
            let _ = try_lower(language, &text);
        }
    }
}

#[test]
fn nginx_has_blocks_of_directives() {
    let text = "events { worker_connections 1024; } # { not this\n\
        location ~ \"^/a{2}/(.*)$\" { proxy_pass http://${host}:80/$1; }\n\
        set $a 'x; \\'y'; }\n";
    insta::assert_snapshot!(shown(Language::Ini, text), @r"{'events'=[{'worker_connections'=['1024']}] 'location'=['~' '^/a{2}/(.*)$' {'proxy_pass'=['http://${host}:80/$1']}] 'set'=['$a' 'x; 'y']}");
    assert_eq!(shown(Language::Ini, ""), "{}");
    let deep = "a {".repeat(2_000);
    assert!(shown(Language::Ini, &deep).contains("nested deeper than 128 levels"));
}
