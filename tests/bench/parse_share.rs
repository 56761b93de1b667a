//! What an audit costs beside bare parsing.
//!
//! `cargo bench --bench parse_share -- TREE…` runs two processes for each tree, in turn and
//! several times: one that only parses every file which the audit may parse (tree-sitter; syn for
//! Rust) and drops the trees, on one thread, and the audit itself. It prints the processor time of
//! both, children included, and their ratio. Linux only: the times come from `/proc/self/stat`.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::path::Path;
use std::process::{Command, Stdio};

use readiness::limits::Limits;
use readiness::source::{self, Language};
use readiness::walk;

const ROUNDS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.split_first() {
        Some((mode, [tree])) if mode == "--parse-only" => return parse_only(Path::new(tree)),
        None => {
            println!("name one or more trees: cargo bench --bench parse_share -- ../redash ../saleor");
            return;
        }
        _ => {}
    }
    let this = std::env::current_exe().expect("the bench's own path");
    let mut sums = (0.0, 0.0);
    for tree in &arguments {
        let mut rounds: Vec<(f64, f64)> = (0..ROUNDS)
            .map(|_| {
                let bare = cpu_of(Command::new(&this).args(["--parse-only", tree]));
                let audit = cpu_of(Command::new(env!("CARGO_BIN_EXE_readiness")).args(["audit", tree, "-f", "json"]));
                (bare, audit)
            })
            .collect();
        rounds.sort_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
        let (bare, audit) = rounds[ROUNDS / 2];
        sums = (sums.0 + bare, sums.1 + audit);
        println!("{tree}: bare parse {bare:.2} s, audit {audit:.2} s, ratio {:.2}", audit / bare);
    }
    println!("together: bare parse {:.2} s, audit {:.2} s, ratio {:.2}", sums.0, sums.1, sums.1 / sums.0);
}

/// Processor time of a finished command and of all that it started, in seconds.
fn cpu_of(command: &mut Command) -> f64 {
    let before = children_ticks();
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("the command runs");
    // Linux counts in hundredths of a second on every machine that Rust runs on.
    (children_ticks() - before) as f64 / 100.0
}

fn children_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // utime, stime, cutime, cstime are the fields 14 to 17; the first two are left after `)`.
    fields[13].parse::<u64>().unwrap() + fields[14].parse::<u64>().unwrap()
}

fn parse_only(tree: &Path) {
    let walked = walk::walk(tree, &walk::WalkOptions::default()).expect("the tree can be walked");
    let limit = Limits::default().parse_bytes;
    let mut parser = tree_sitter::Parser::new();
    for job in walked.jobs.iter().filter(|job| job.language.has_module()) {
        let Ok(bytes) = source::read(&walked.base, &job.path, limit) else { continue };
        let Ok((text, _)) = source::decode(&bytes) else { continue };
        let language = match job.language {
            Language::Python => tree_sitter_python::LANGUAGE.into(),
            Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
            Language::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            Language::Html | Language::Vue => tree_sitter_html::LANGUAGE.into(),
            _ => {
                let _ = syn::parse_file(&text);
                continue;
            }
        };
        parser.set_language(&language).expect("the grammar fits");
        drop(parser.parse(&text, None));
    }
}
