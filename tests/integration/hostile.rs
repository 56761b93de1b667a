//! What an audited tree can do to the tool: each test holds a hostile file beside an ordinary one,
//! and asks that the hostile one is named, the ordinary one is audited, and the run ends in time.
//!
//! SQL, XML and template bombs have no test yet, since nothing parses these formats. What a crash
//! of the scanner does is tested in `isolation`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Where the ordinary file lies, with one finding that is certain: `debug-enabled`.
const GOOD: &str = "app/main.py";
const FLASK: &str = "from flask import Flask\n\napp = Flask(__name__)\n\n\n\
    @app.get(\"/ping\")\ndef ping():\n    return \"pong\"\n\n\napp.run(debug=True)\n";

/// How long any run may take; tests build without optimisation.
const BOUND: Duration = Duration::from_secs(60);

/// A tree with the ordinary file and these.
fn tree<T: AsRef<[u8]>>(files: &[(&str, T)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "readiness.toml", b"[gates]\nfail-under = 0\nfail-on = \"none\"\n");
    put(folder.path(), GOOD, FLASK.as_bytes());
    for (path, bytes) in files {
        put(folder.path(), path, bytes.as_ref());
    }
    folder
}

fn put(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

struct Run {
    status: i32,
    stdout: String,
    stderr: String,
}

/// Runs the program, within [`BOUND`] and an address space that no honest run needs.
fn readiness(folder: &Path, arguments: &[&str]) -> Run {
    let begun = Instant::now();
    let output = assert_cmd::Command::from_std(limited(folder, arguments)).timeout(BOUND).output();
    let output = output.unwrap();
    assert!(begun.elapsed() < BOUND, "{arguments:?} takes too long");
    Run {
        status: output.status.code().unwrap_or_else(|| panic!("it died: {:?}", output.status)),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn limited(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "ulimit -v 8000000; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_readiness")])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", "/expanded-from-the-environment");
    command
}

/// What an audit says.
struct Audit {
    status: i32,
    json: Value,
    text: String,
}

impl Audit {
    /// The ledger's outcome, reason and detail of a path; empty where it is simply analysed.
    fn ledger(&self, path: &str) -> String {
        let entries = self.json["coverage"]["entries"].as_array().unwrap();
        let mut lines = entries.iter().filter(|entry| entry["path"] == path);
        let Some(entry) = lines.next() else { return String::new() };
        assert!(lines.next().is_none(), "{path} is in the ledger twice");
        let say = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        assert_ne!(say("reason"), "", "{path}");
        format!("{}: {} {}", say("outcome"), say("reason"), say("detail")).trim().to_owned()
    }

    fn finds(&self, path: &str, rule: &str) -> bool {
        let findings = self.json["findings"].as_array().unwrap();
        findings
            .iter()
            .any(|finding| finding["rule"] == rule && finding["location"]["path"] == path)
    }
}

/// Audits a tree. Whatever it holds, the ordinary file gives its finding and the numbers add up.
fn audit(folder: &Path) -> Audit {
    let run = readiness(folder, &["audit", "--quiet", "-f", "json"]);
    let json: Value = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|error| panic!("{error}; status {}: {}", run.status, run.stderr));
    let audit = Audit { status: run.status, json, text: run.stdout };
    assert!(audit.finds(GOOD, "debug-enabled"), "the ordinary file is not audited");
    let coverage = &audit.json["coverage"];
    let count = |key: &str| coverage[key].as_u64().unwrap();
    assert_eq!(count("walked"), count("analysed") + count("partly_read") + count("left_out"));
    assert_eq!(audit.status == 3, coverage["incomplete"].as_bool().unwrap());
    audit
}

/// Audits one hostile file of code that cannot be read, and gives its line of the ledger.
fn refused(path: &str, text: impl AsRef<[u8]>) -> String {
    let folder = tree(&[(path, text)]);
    let audit = audit(folder.path());
    assert_eq!(audit.status, 3, "{path}");
    let line = audit.ledger(path);
    assert_ne!(line, "", "{path} is not named");
    let shown = readiness(folder.path(), &["audit", "--quiet", "--show-files"]).stdout;
    assert!(shown.contains(path), "{shown}");
    line
}

/// Audits a program that is hostile to evaluate, not to parse, beside the ordinary one.
fn evaluated(path: &str, head: &str, body: &str) -> Audit {
    let folder = tree(&[(path, format!("{head}{body}"))]);
    let audit = audit(folder.path());
    assert!(matches!(audit.status, 0 | 3), "{path}");
    audit
}

// Fact 1: more indentation levels than the Python scanner survives.
#[test]
fn python_indented_511_levels_is_refused() {
    let mut text = String::from("from flask import Flask\n");
    for level in 0..511 {
        writeln!(text, "{}if x:", " ".repeat(level)).unwrap();
    }
    writeln!(text, "{}y = 'z'", " ".repeat(511)).unwrap();
    assert_eq!(refused("deep.py", text), "left-out: more than 100 indentation levels");
}

// Fact 2: queries that never compile, or abort the process.
#[test]
fn a_query_that_never_compiles_is_refused_by_name() {
    let parens = "(".repeat(50_000) + "identifier" + &")".repeat(50_000);
    for query in [
        "((identifier)?)+ @match",
        "[(identifier)(call)?]+ @match",
        "((((((identifier)?)*)+)?)*)+ @match",
        "(call function: (identifier @match",
        "(call (identifier)) @match)",
        "(nonsense) @match",
        "(call nonsense: (identifier)) @match",
        "((identifier) @match (#eq? @match))",
        "((identifier) @match (#match? @match \"(\"))",
        "(call . . . (identifier)? . @match",
        "@match",
        "_ @match \"\\u{0}\" [ ]",
        &parens,
    ] {
        let rule = format!(
            "title = \"t\"\nseverity = \"low\"\nconfidence = \"high\"\neffort = \"5m\"\n\
             message = \"m\"\nwhy = \"w\"\nfix = \"f\"\n[match]\nquery.python = '{query}'\n\
             [[example]]\nbad.python = 'x'\ngood.python = 'y'\n"
        );
        let folder = tree(&[("own/security/hostile-query.toml", rule)]);
        let run = readiness(folder.path(), &["audit", "--rules", "own"]);
        let shown: String = query.chars().take(60).collect();
        assert_eq!(run.status, 2, "{shown}: {}", run.stderr);
        assert!(run.stderr.contains("hostile-query"), "{shown}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{shown}");
    }
}

// Fact 3: after a cancelled parse, the parser's next file must not get the previous tree.
#[test]
fn a_file_after_a_cancelled_one_gets_its_own_tree() {
    let slow = format!("const express = require(\"express\");\n{}", "f<f<f<".repeat(340_000));
    let small = "import os\nos.getenv(\"KEY\", \"fallback-value\")\n";
    let folder = tree(&[("a.ts", slow.as_str()), ("b.ts", "import x from 'express';\n")]);
    put(folder.path(), "c.py", small.as_bytes());
    put(
        folder.path(),
        "readiness.toml",
        b"[gates]\nfail-under = 0\nfail-on = \"none\"\n\
          [limits]\nfile-seconds = 1\nparse-bytes = 16_000_000\n",
    );
    let run = readiness(folder.path(), &["audit", "--quiet", "-f", "json", "--threads", "1"]);
    let json = serde_json::from_str(&run.stdout).unwrap();
    let audit = Audit { status: run.status, json, text: run.stdout };
    assert_eq!(audit.status, 3);
    let line = audit.ledger("a.ts");
    assert!(line.contains("gave up") || line.contains("timed out"), "{line}");
    assert_eq!((audit.ledger("b.ts"), audit.ledger("c.py")), (String::new(), String::new()));
    assert!(audit.finds(GOOD, "debug-enabled"));
}

// Fact 4: Rust that overflows the stack of its parser or of its tree's destructor.
#[test]
fn deep_rust_is_refused_or_read() {
    let nested = |open: &str, count: usize, close: &str| open.repeat(count) + &close.repeat(count);
    let attacks = [
        format!("type T = {}u8{};", "V<".repeat(50_000), ">".repeat(50_000)),
        nested("mod m {", 5_000, "}"),
        format!("fn f() {{ {} }}", nested("{", 20_000, "}")),
        format!("const A: u8 = {}1;", "1 + ".repeat(25_600)),
        format!("const A: u8 = 1{};", " as u8".repeat(30_000)),
        format!("const A: bool = {}true;", "!".repeat(100_000)),
        format!("type T = {}u8;", "&".repeat(100_000)),
        format!("fn f() {{ a{} }}", ".b()".repeat(50_000)),
        format!("fn f() {{ {}1 }}", "|| ".repeat(50_000)),
        format!("m!{}", nested("(", 100_000, ")")),
        // Two attacks on guards that count per group, or start anew at each group.
        format!("fn f() {{ x = {}1; }}", "a = {} = ".repeat(80_000)),
        format!("const A: u8 = {}1{};", ("!".repeat(7_000) + "(").repeat(120), ")".repeat(120)),
        "/*".repeat(200_000),
        "(".repeat(400_000),
    ];
    for (at, attack) in attacks.iter().enumerate() {
        // The head asks for a lowering.
        let text = format!("use axum::Router;\nfn g() {{ todo!() }}\n{attack}\n");
        let line = refused("src/deep.rs", text);
        assert!(line.starts_with("left-out: "), "{at}: {line}");
    }
}

// Section 2d: manifests and descriptions of interfaces, the only data that is parsed. Each is
// named, and the rules about its lines have run.
#[test]
fn hostile_documents_are_named_and_their_lines_are_read() {
    let token = &secrets()[0].1;
    let laughs = (1..10).fold("a0: &a0 [l, l, l, l, l, l, l, l, l, l]\n".to_owned(), |out, at| {
        out + &format!("a{at}: &a{at} [{}]\n", vec![format!("*a{}", at - 1); 10].join(", "))
    });
    let deep = |open: &str| open.repeat(100_000);
    let line = |mark: &str| format!("{mark} {token}\n");
    for (path, text, reason) in [
        (
            "api.yaml",
            format!("{}openapi: 3\npaths:\n{laughs}", line("#")),
            "more than 1000000 values",
        ),
        ("api.yml", format!("{}openapi: 3\npaths: {}", line("#"), deep("[")), "nested deeper"),
        ("swagger.yaml", format!("{}swagger: 2\npaths: {{{{ x }}\n", line("#")), "syntax error"),
        ("package.json", format!("{}{}", line("//"), deep("[")), "nested deeper"),
        ("tsconfig.json", format!("{}{}", line("//"), deep("{\"a\":")), "nested deeper"),
        ("a/package.json", format!("{}{{\"name\": ", line("//")), "syntax error"),
        ("Cargo.toml", format!("{}a = {}", line("#"), deep("[")), "syntax error"),
        ("pyproject.toml", format!("{}{}a = 1", line("#"), deep("a.")), "syntax error"),
    ] {
        let folder = tree(&[(path, text)]);
        let audit = audit(folder.path());
        let ledger = audit.ledger(path);
        assert!(ledger.starts_with("partly-read: ") && ledger.contains(reason), "{path}: {ledger}");
        assert!(audit.finds(path, "provider-token"), "{path}");
        assert_eq!(audit.status, 3, "{path}");
    }
    let large = format!("openapi: 3.1.0\npaths:\n{}", "  /a: {}\n".repeat(150_000));
    let folder = tree(&[("api.yaml", large)]);
    let audit = audit(folder.path());
    assert_eq!(
        (audit.ledger("api.yaml").as_str(), audit.status),
        ("left-out: larger than 1 MiB", 0)
    );
}

// Manifests that lead in circles, and many of them.
#[test]
fn manifests_that_lead_in_circles_end() {
    let mut files = vec![
        ("tsconfig.json".to_owned(), r#"{"extends": "./a/tsconfig.json"}"#.to_owned()),
        ("a/tsconfig.json".to_owned(), r#"{"extends": ["../tsconfig", "./tsconfig"]}"#.to_owned()),
        (
            "package.json".to_owned(),
            r##"{"name": "x", "imports": {"#*": "#*", "#a": "x/a"}}"##.to_owned(),
        ),
    ];
    let stars: String = (0..2_000).map(|at| format!("pub use super::m{at}::*;\n")).collect();
    let names: String =
        (0..5_000).map(|at| format!("use crate::m{}::n{at};\nuse n{at}::x;\n", at % 50)).collect();
    let mods: String = (0..50).map(|at| format!("mod m{at};\n")).collect();
    files.push(("src/lib.rs".to_owned(), format!("use axum::Router;\n{mods}{names}")));
    for at in 0..50 {
        files.push((format!("src/m{at}.rs"), format!("use axum::Router;\n{stars}")));
        let patterns: Vec<_> =
            (0..200).map(|key| format!("\"{}*\": [\"*/x/*\"]", "a".repeat(key))).collect();
        let config = format!("{{\"compilerOptions\": {{\"paths\": {{{}}}}}}}", patterns.join(","));
        files.push((format!("w/tsconfig.{at}.json"), config));
    }
    let imports: String =
        (0..2_000).map(|at| format!("import \"{}{at}\";\n", "a".repeat(at % 200))).collect();
    files.push(("w/app.ts".to_owned(), format!("import express from 'express';\n{imports}")));
    let folder = tree(&[("x", "")]);
    for (path, text) in &files {
        put(folder.path(), path, text.as_bytes());
    }
    audit(folder.path());
}

// Fact 7: what `.gitignore` names and git tracks.
#[test]
fn files_that_git_tracks_are_audited_whatever_gitignore_says() {
    let folder = tree(&[(".gitignore", "*.py\n.env\n"), ("lib/other.py", FLASK)]);
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(folder.path()).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
        assert!(command.stdout(Stdio::null()).status().unwrap().success(), "git {arguments:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "-f", "."]);
    put(folder.path(), "untracked.py", FLASK.as_bytes());
    let audit = audit(folder.path());
    assert!(audit.finds("lib/other.py", "debug-enabled"));
    assert!(!audit.finds("untracked.py", "debug-enabled"));
    assert!(audit.ledger("untracked.py").contains("gitignore"), "{}", audit.text);
}

// Facts 7 and 8: hidden files that matter are walked, and the environment stays outside.
#[test]
fn hidden_files_are_walked_and_nothing_is_expanded() {
    let workflow = format!("env:\n  KEY: {}\n", secrets()[0].1);
    let folder = tree(&[
        (".env", "DB_PASSWORD=${HOME}hunter2hunter2\nX_TOKEN=\"$HOME/abcdefgh\"\n"),
        (".env.production", "API_SECRET=zxcvbnmasdf\n"),
        (".github/workflows/ci.yml", &workflow),
    ]);
    let audit = audit(folder.path());
    assert!(audit.finds(".env.production", "env-file-with-secret"), "{}", audit.text);
    assert!(audit.finds(".github/workflows/ci.yml", "provider-token"), "{}", audit.text);
    for format in ["json", "markdown", "terminal"] {
        let run = readiness(folder.path(), &["audit", "-f", format, "--show-files"]);
        for word in ["/expanded-from-the-environment", "hunter2hunter2", "abcdefgh", "zxcvbnmasdf"]
        {
            assert!(!run.stdout.contains(word) && !run.stderr.contains(word), "{word} in {format}");
        }
    }
}

// Fact 10: one decoding step in front of everything.
#[test]
fn every_encoding_gives_its_findings() {
    let utf16 = |big: bool| -> Vec<u8> {
        "\u{feff}"
            .chars()
            .chain(FLASK.chars())
            .flat_map(|c| {
                let unit = u16::try_from(u32::from(c)).unwrap();
                if big { unit.to_be_bytes() } else { unit.to_le_bytes() }
            })
            .collect()
    };
    let with = |head: &[u8]| [head, FLASK.as_bytes()].concat();
    let files = [
        ("bom.py", with(b"\xef\xbb\xbf")),
        ("little.py", utf16(false)),
        ("big.py", utf16(true)),
        ("latin.py", with(b"# caf\xe9 \xfc\n")),
        ("declared.py", with(b"# -*- coding: latin-1 -*-\n# caf\xe9\n")),
        ("crlf.py", FLASK.replace('\n', "\r\n").into_bytes()),
        ("cr.py", FLASK.replace('\n', "\r").into_bytes()),
    ];
    let folder = tree(&files);
    put(folder.path(), "nul.py", b"app.run(debug=True)\n\0\0\0");
    let audit = audit(folder.path());
    for (path, _) in &files {
        assert!(audit.finds(path, "debug-enabled"), "{path}: {}", audit.ledger(path));
    }
    assert_ne!(audit.ledger("nul.py"), "");
}

// Section 2i: what is no regular file, or must not be read whole.
#[test]
#[cfg(unix)]
fn only_regular_files_of_bounded_size_are_opened() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    let folder = tree(&[("secret.py", FLASK), ("loop/inner.py", FLASK)]);
    let root = folder.path();
    let fifo = Command::new("mkfifo").arg(root.join("fifo.py")).status().unwrap();
    assert!(fifo.success());
    let _socket = UnixListener::bind(root.join("socket.py")).unwrap();
    symlink("/dev/zero", root.join("zero.py")).unwrap();
    symlink("/etc/passwd", root.join("passwd.py")).unwrap();
    symlink("self.py", root.join("self.py")).unwrap();
    symlink("..", root.join("loop/up")).unwrap();
    symlink("nowhere", root.join("dangling.py")).unwrap();
    fs::File::create(root.join("sparse.py")).unwrap().set_len(50 << 30).unwrap();
    for name in [&b"bad\xff.py"[..], b"bad\xfe.py", b"line\nbreak.py", b"\x1b[31mred.py"] {
        fs::write(root.join(OsStr::from_bytes(name)), FLASK).unwrap();
    }
    fs::set_permissions(root.join("secret.py"), fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser may read it all the same.
    let unreadable = fs::File::open(root.join("secret.py")).is_err();

    let audit = audit(root);
    for (path, reason) in [
        ("fifo.py", "not a regular file"),
        ("socket.py", "not a regular file"),
        ("zero.py", "symbolic link"),
        ("passwd.py", "symbolic link"),
        ("self.py", "symbolic link"),
        ("loop/up", "symbolic link"),
        ("dangling.py", "symbolic link"),
        ("sparse.py", "larger than"),
    ] {
        let line = audit.ledger(path);
        assert!(line.starts_with("left-out: ") && line.contains(reason), "{path}: {line}");
    }
    if unreadable {
        assert!(audit.ledger("secret.py").contains("permission denied"));
        assert_eq!(audit.status, 3);
    } else {
        assert!(audit.finds("secret.py", "debug-enabled"));
    }
    for path in ["bad%FF.py", "bad%FE.py", "loop/inner.py"] {
        assert!(audit.finds(path, "debug-enabled"), "{path}: {}", audit.text);
    }
    let findings = audit.json["findings"].as_array().unwrap().iter();
    let debug = findings.filter(|finding| finding["rule"] == "debug-enabled").count();
    assert_eq!(debug, 6 + usize::from(!unreadable), "each name is its own");
}

// Section 2b: shapes that cost a parser time and memory.
#[test]
fn pathological_shapes_are_refused_in_time() {
    let mib = 1024 * 1024 - 200;
    let python = "from flask import Flask\n";
    let script = "const express = require('express');\n";
    for (path, text) in [
        ("a.py", python.to_owned() + &"(".repeat(mib)),
        ("a.py", python.to_owned() + &"f\"{".repeat(mib / 3)),
        ("a.js", script.to_owned() + "x = " + &"`${\n".repeat(mib / 4)),
        ("a.js", format!("{script}x = {}{};\n", "[\n".repeat(100_000), "]\n".repeat(100_000))),
    ] {
        let line = refused(path, &text);
        assert!(!line.contains("crash"), "{path}: {line}");
    }
    // What is too large to be parsed is named; whether it is a failure is the walk's judgement.
    let bundle = script.to_owned() + &"function f(a){return a+1}\n".repeat(800_000);
    let line = format!("{script}x = [{}];\n", "1,".repeat(2_500_000));
    let soup = format!("{script}let y: {}\n", "f<".repeat(100_000));
    let folder = tree(&[("bundle.js", &bundle), ("line.js", &line), ("soup.ts", &soup)]);
    let audit = audit(folder.path());
    for path in ["bundle.js", "line.js", "soup.ts"] {
        assert_ne!(audit.ledger(path), "", "{path}");
    }
}

/// A project name, a path, literals and comments that try to leave their place in a report.
fn forger() -> tempfile::TempDir {
    let evil = "`|</td>\\n<img src=x onerror=alert(1)> [x](javascript:1) ]8;;http://e";
    let text = format!(
        "import os\n# TODO: \u{1b}[2J\u{1b}]0;owned\u{7} `x` | <script>alert(1)</script> \u{202e}abc\n\
         # ```\n# # Heading\n# TODO: | a | b |\n\
         HOST = os.getenv(\"H`|<b>\", \"{evil}\")\n\
         URL = \"http://evil.example.com/`|<script>\u{1b}[31m\"\n{FLASK}\
         @app.get(\"/`|<script>alert(1)</script>\\x1b[31m\")\ndef evil():\n    return 1\n"
    );
    tree(&[
        ("app/`a`|b<img src=x>.py", text.as_str()),
        ("app/\u{1b}[31m\u{202e}.py", text.as_str()),
        (
            "pyproject.toml",
            "[project]\nname = \"`|<script>alert(1)</script>\\u001b[31m\"\nversion = \"|`<b>\"\n",
        ),
    ])
}

#[test]
fn text_of_the_repository_stays_in_its_place() {
    use pulldown_cmark::{Event, Options, Parser};

    let folder = forger();
    let markdown = readiness(folder.path(), &["audit", "-f", "markdown", "--show-files"]).stdout;
    assert!(markdown.contains("debug-enabled"));
    let mut headings = 0;
    for event in Parser::new_ext(&markdown, Options::all()) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => {
                assert!(!html.contains("script") && !html.contains("img"), "{html}");
            }
            Event::Start(pulldown_cmark::Tag::Link { dest_url, .. }) => {
                assert!(!dest_url.contains("javascript"), "{dest_url}");
            }
            Event::Start(pulldown_cmark::Tag::Heading { .. }) => headings += 1,
            Event::Text(text) => assert_ne!(&*text, "Heading"),
            _ => {}
        }
    }
    assert!(headings > 3);
    let terminal = readiness(folder.path(), &["audit", "--show-files", "--color", "never"]);
    for out in [&markdown, &terminal.stdout, &terminal.stderr] {
        let control = out.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        assert_eq!(control, None);
        assert!(!out.contains('\u{202e}'), "text runs backwards");
    }
    let routes = readiness(folder.path(), &["routes"]).stdout;
    assert!(!routes.contains('\u{1b}'), "{routes}");
}

/// A dozen shapes of secrets, none of them real, put together here so that this file holds none.
fn secrets() -> Vec<(&'static str, String)> {
    let tail = |length: usize| {
        "q7Zk2Wm9Xr4Lp8Tn3Vb6Yc1Hd5Jf0Gs"[..length.min(31)].repeat(length.div_ceil(31))
    };
    let cut = |length: usize| {
        tail(31.min(length)).chars().chain(tail(31).chars()).take(length).collect::<String>()
    };
    vec![
        ("aws_access_key_id", "AKIA".to_owned() + "Z7QH4M2XLP9TNW3R"),
        ("GITHUB_TOKEN", "ghp_".to_owned() + &cut(36)),
        ("GITLAB_TOKEN", "glpat-".to_owned() + &cut(20)),
        ("STRIPE_SECRET_KEY", "sk_live_".to_owned() + &cut(24)),
        ("SLACK_TOKEN", "xoxb-".to_owned() + "2384719283-" + &cut(24)),
        ("OPENAI_API_KEY", "sk-proj-".to_owned() + &cut(40)),
        ("NPM_TOKEN", "npm_".to_owned() + &cut(36)),
        ("DB_PASSWORD", "Tr0ub4dor&3-".to_owned() + &cut(8)),
        ("JWT_SECRET_KEY", cut(31)),
        ("JWT", "eyJhbGciOiJIUzI1NiJ9.".to_owned() + "eyJzdWIiOiJhZG1pbiJ9." + &cut(31)),
        ("DATABASE_URL", "postgres://admin:".to_owned() + "S3cr3tP4ssw0rd9" + "@db.example.com/x"),
        ("PRIVATE_KEY_DATA", "MIIEowIBAAKCAQEA".to_owned() + &cut(31)),
    ]
}

#[test]
fn no_secret_is_whole_in_any_output() {
    let mut python =
        String::from("import os, requests\nfrom flask import Flask\napp = Flask(__name__)\n");
    let mut script = String::from("const express = require('express');\nconst app = express();\n");
    let mut env = String::new();
    for (name, secret) in secrets() {
        writeln!(env, "{name}={secret}").unwrap();
        writeln!(python, "{name} = \"{secret}\"").unwrap();
        writeln!(python, "{name}2 = os.getenv(\"{name}\", \"{secret}\")").unwrap();
        // Without a name beside it, only a known shape tells a secret from a word.
        if !matches!(name, "DB_PASSWORD" | "JWT_SECRET_KEY" | "PRIVATE_KEY_DATA") {
            writeln!(python, "# TODO: remove {secret} from here").unwrap();
            writeln!(python, "@app.get(\"/{secret}\")\ndef r_{name}(): return \"{secret}\"")
                .unwrap();
        }
        writeln!(python, "requests.get(\"http://10.1.2.3/?token={secret}\", verify=False)")
            .unwrap();
        writeln!(script, "const {name} = process.env.{name} || '{secret}';").unwrap();
        writeln!(script, "app.get('/x', (q, s) => {{ if (q.token === '{secret}') s.send(1) }});")
            .unwrap();
    }
    let key = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
        secrets()[11].1
    );
    let broken = format!("def f(:\n  x = \"{}\n", secrets()[1].1);
    let folder = tree(&[
        ("conf/a.py", python.as_str()),
        ("conf/b.js", script.as_str()),
        (".env", env.as_str()),
        ("key.pem", key.as_str()),
        ("conf/key.py", &format!("KEY = \"\"\"{key}\"\"\"\n")),
        ("broken.py", broken.as_str()),
        ("broken.rs", &broken),
    ]);
    let mut said = String::new();
    for format in ["json", "markdown", "terminal"] {
        let run =
            readiness(folder.path(), &["audit", "-f", format, "--show-files", "--limit", "1000"]);
        said.extend([run.stdout, run.stderr]);
    }
    let routes = readiness(folder.path(), &["routes", "-f", "json"]);
    said.extend([routes.stdout, routes.stderr]);
    assert!(said.contains("env-file-with-secret") && said.contains("provider-token"));
    let whole: Vec<_> = secrets().into_iter().filter(|(_, secret)| said.contains(secret)).collect();
    assert!(whole.is_empty(), "{whole:?}");
    assert!(!said.contains("S3cr3tP4ssw0rd9"), "the password of an address");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let folder = tree(&[("app/other.py", FLASK.repeat(200))]);
    for format in ["terminal", "markdown", "json"] {
        let script = format!(
            "{{ \"$0\" audit . --quiet --limit 1000 -f {format}; echo \"status $?\" >&2; }} | head -1"
        );
        let output = Command::new("/bin/sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_readiness")])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr == "status 0\n" || stderr == "status 3\n", "{format}: {stderr}");
    }
}

#[test]
fn the_whole_hostile_tree_gives_the_same_bytes_on_any_number_of_threads() {
    let deep = "from flask import Flask\n".to_owned() + &"(".repeat(100_000);
    let rust = format!("use axum::Router;\ntype T = {}u8;", "V<".repeat(50_000));
    let mut files = vec![("deep.py".to_owned(), deep), ("src/deep.rs".to_owned(), rust)];
    for at in 0..40 {
        files.push((format!("many/{at}.py"), FLASK.to_owned()));
        files.push((format!("many/{at}.js"), "x = `${`${`${".repeat(50 * at)));
        files.push((format!("many/broken{at}.py"), "def f(:\n  app.run(debug=True)\n".to_owned()));
    }
    let folder = forger();
    for (path, text) in &files {
        put(folder.path(), path, text.as_bytes());
    }
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero.py")).unwrap();
    for format in ["json", "markdown", "terminal"] {
        let with = |threads| {
            let run = readiness(
                folder.path(),
                &["audit", "--quiet", "--show-files", "-f", format, "--threads", threads],
            );
            (run.status, run.stdout)
        };
        assert!(with("1") == with("2"), "{format} differs");
    }
}

const FLASK_HEAD: &str = "from flask import Flask\napp = Flask(__name__)\n";
const EXPRESS_HEAD: &str = "const express = require(\"express\");\nconst app = express();\n";
const ROUTE: &str = "@app.get(x)\ndef handler(): pass\n";

/// `0, 1, 2, …` as the items of a list.
fn two_hundred() -> String {
    (0..200).map(|at| at.to_string()).collect::<Vec<_>>().join(", ")
}

#[test]
fn values_that_double_stay_small() {
    for line in [
        "x = x + x",
        "x += x",
        "x = f\"{x}{x}\"",
        "x = \"%s%s\" % (x, x)",
        "x = \"{0}{0}\".format(x)",
        "x = x.join([x, x, x])",
        "x = x.replace(\"a\", x)",
        "x = os.path.join(x, x)",
        "x = x + os.getenv(x) + x",
    ] {
        let line = format!("{line}\n");
        evaluated(
            "x.py",
            FLASK_HEAD,
            &format!("import os\nx = \"/a\"\n{}{ROUTE}", line.repeat(60)),
        );
    }
    for line in [
        "x = x + x",
        "x += x",
        "x += y\ny += x",
        "x = [*x, *x]",
        "x.extend(list(x))",
        "x = [b for a in x for b in [a, a]]",
        "x = [x, x]",
        "x = {\"a\": x, \"b\": x}",
        "x = sum([x, x], x)",
        "x = list(zip(x + x, x + x))",
    ] {
        let line = format!("{line}\n");
        let body = format!("x = [\"/a\"]\ny = [\"/b\"]\n{}{ROUTE}", line.repeat(60));
        evaluated("x.py", FLASK_HEAD, &body);
    }
    for line in ["x = {**x, **x, 1: x}", "x = x | x", "x.update(dict(x))"] {
        let line = format!("{line}\n");
        evaluated("x.py", FLASK_HEAD, &format!("x = {{\"a\": 1}}\n{}{ROUTE}", line.repeat(60)));
    }
    for line in [
        "x = [...x, ...x];",
        "x = x.concat(x);",
        "x = x.flatMap(y => [y, y]);",
        "x.push(...x);",
        "x = `${x}${x}`;",
        "x = {...x, a: {...x}};",
        "x = Object.assign({}, x, x, {b: x});",
    ] {
        let line = format!("{line}\n");
        let body = format!("let x = [1];\n{}app.get(x, (q, s) => s.send(1));\n", line.repeat(60));
        evaluated("x.js", EXPRESS_HEAD, &body);
    }
    // One step that multiplies, and large values that many names hold.
    let big = "a".repeat(60_000);
    let body = format!("x = \"{big}\"\ny = x.replace(\"a\", x)\n{ROUTE}");
    evaluated("x.py", FLASK_HEAD, &body);
    let mut body = format!("x = \"{big}\"\nl = [{}]\n", "1,".repeat(9_000));
    for at in 0..30_000 {
        writeln!(body, "x{at} = x + \"b\"\nl{at} = l + l").unwrap();
    }
    evaluated("x.py", FLASK_HEAD, &(body + ROUTE));
}

#[test]
fn values_that_hold_themselves_end() {
    let body = "d = {}\nd[\"d\"] = d\nd[\"e\"] = [d]\na = []\na.append(a)\na += [a]\n\
        x = str(d) + str(a)\nfor i in a:\n    app.add_url_rule(i, i, i)\n\
        app.config.update(d)\napp.register_blueprint(a)\napp.add_url_rule(**d)\n\
        @app.route(\"/self\", methods=a)\ndef h(): return a\n";
    evaluated("x.py", FLASK_HEAD, body);
    let body = "const o = {}; o.o = o; const a = []; a.push(a); app.get(a, o); app.use(o, a);\n\
        const r = express.Router(); r.use('/a', r); app.use('/b', r); r.get('/c', h); app.use(app);\n\
        module.exports = o; exports.x = exports;\n";
    evaluated("x.js", EXPRESS_HEAD, body);
    let body =
        "from x import *\nimport x\nx.x.x.y\nclass A(A): pass\nclass B(A, B): pass\nB().foo()\n";
    evaluated("x.py", FLASK_HEAD, &(body.to_owned() + ROUTE));
}

#[test]
fn loops_and_calls_that_multiply_end() {
    let list = two_hundred();
    let loops = format!(
        "L = [{list}]\nfor a in L:\n for b in L:\n  for c in L:\n   for d in L:\n    \
         app.add_url_rule(\"/\" + str(a), \"n\", ping)\n"
    );
    assert_eq!(evaluated("x.py", FLASK_HEAD, &loops).status, 3, "an inventory cut short is said");
    let script = format!(
        "const a = [{list}];\na.forEach(x => a.forEach(y => a.forEach(z => a.forEach(w => app.get('/' + x, h)))));\n"
    );
    evaluated("x.js", EXPRESS_HEAD, &script);
    let mut mutual = String::new();
    let mut tower = String::new();
    for at in 0..40 {
        let calls: Vec<_> = (0..40).map(|other| format!("f{other}(n)")).collect();
        writeln!(mutual, "def f{at}(n):\n    return {}", calls.join(" + ")).unwrap();
        writeln!(tower, "def f{at}(n):\n    return f{0}(n) + f{0}(n)", at + 1).unwrap();
    }
    evaluated("x.py", FLASK_HEAD, &format!("{mutual}x = f0(\"/\")\n{ROUTE}"));
    evaluated("x.py", FLASK_HEAD, &format!("{tower}def f40(n): return n\nx = f0(\"/\")\n{ROUTE}"));
    let many: String = (0..30_000).fold(String::new(), |mut out, at| {
        writeln!(out, "def f{at}(x):\n    return x").unwrap();
        out
    });
    evaluated("x.py", FLASK_HEAD, &many);
    let tower = "def d(f):\n    def w(): return f()\n    return w\n".to_owned();
    evaluated("x.py", FLASK_HEAD, &format!("{tower}{}{ROUTE}", "@d\n".repeat(50_000)));
}

#[test]
fn values_that_nest_deep_are_dropped() {
    for line in
        ["x = [x]", "x = {\"a\": x}", "x = lambda y=x: y", "x = N(x)", "x = x if q else [x]"]
    {
        let body = format!(
            "class N:\n    def __init__(self, n): self.n = n\nx = 1\n\
             for i in [{0}]:\n    for j in [{0}]:\n        for k in [1, 2, 3]:\n            {line}\n{ROUTE}",
            two_hundred()
        );
        evaluated("x.py", FLASK_HEAD, &body);
    }
    evaluated(
        "x.js",
        EXPRESS_HEAD,
        &format!("let o = {{}};\n{}app.get(o, h);\n", "o = {a: o};\n".repeat(60_000)),
    );
}

#[test]
fn expressions_that_chain_deep_end() {
    for expression in [
        "\"/a\" + ".repeat(60_000) + "\"/b\"",
        format!("app{}", ".a".repeat(100_000)),
        format!("app{}", ".a()".repeat(60_000)),
        format!("app{}", "[0]".repeat(60_000)),
        "not ".repeat(60_000) + "1",
        "-".repeat(300_000) + "1",
        "lambda: ".repeat(60_000) + "1",
        "1 if a else ".repeat(60_000) + "1",
        "a or ".repeat(60_000) + "1",
        "a < ".repeat(60_000) + "1",
        "x = ".repeat(60_000) + "1",
        "f(".repeat(900) + "1" + &")".repeat(900),
        "\"a\" ".repeat(200_000),
    ] {
        evaluated("x.py", FLASK_HEAD, &format!("x = {expression}\n{ROUTE}"));
    }
    for statement in [
        "app".to_owned() + &".get('/a', h)".repeat(30_000),
        "x = a".to_owned() + &".b".repeat(100_000),
        "const f = ".to_owned() + &"x => ".repeat(60_000) + "1",
        "x = ".to_owned() + &"a ? b : ".repeat(60_000) + "1",
        "if (a) {} ".to_owned() + &"else if (b) { x = 1 } ".repeat(40_000),
        "if (a) ".repeat(100_000) + "x = 1",
        "x = ".repeat(100_000) + "1",
        "x = ".to_owned() + &"!".repeat(300_000) + "1",
        "a: ".repeat(100_000) + "x = 1",
        "x = ".to_owned() + &"await ".repeat(60_000) + "1",
    ] {
        evaluated("x.js", EXPRESS_HEAD, &format!("{statement};\n"));
    }
}

#[test]
fn blueprints_that_multiply_or_mount_each_other_end() {
    let mut body = String::from("from flask import Blueprint\n");
    for at in 0..60 {
        writeln!(body, "b{at} = Blueprint(\"b{at}\", __name__)").unwrap();
    }
    for at in 0..59 {
        for prefix in ["/a", "/b"] {
            writeln!(body, "b{at}.register_blueprint(b{}, url_prefix=\"{prefix}\")", at + 1)
                .unwrap();
        }
    }
    body += "b59.register_blueprint(b0)\napp.register_blueprint(b0)\n@b59.get(\"/z\")\ndef z(): return 1\n";
    let audit = evaluated("x.py", FLASK_HEAD, &body);
    assert_eq!(audit.status, 3, "an inventory cut short is said");
    let routes = audit.json["routes"].as_array().unwrap();
    assert!(routes.iter().any(|route| route["path"] == "/ping"), "the ordinary routes are there");
}
