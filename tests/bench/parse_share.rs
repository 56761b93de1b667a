//! What an audit costs beside bare parsing.
//!
//! `cargo bench --bench parse_share -- TREE…` runs two processes for each tree, in turn and
//! several times: one that is given the list of all files which the audit may parse, parses them
//! on one thread (tree-sitter; syn for Rust) and drops the trees, and the audit itself. It prints
//! the processor time of both, children included, and their ratio. Finding the files and telling
//! which are generated belongs to the audit's side. Linux only: the times come from
//! `/proc/self/stat`.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use readiness::limits::Limits;
use readiness::source::{self, Language, Role};

const ROUNDS: usize = 5;

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.split_first() {
        Some((mode, [tree, list])) if mode == "--parse-only" => {
            return parse_only(Path::new(tree), Path::new(list));
        }
        Some((mode, [tree])) if mode == "--list" => return print!("{}", list(Path::new(tree)).1),
        None => {
            println!(
                "name one or more trees: cargo bench --bench parse_share -- ../redash ../saleor"
            );
            return;
        }
        _ => {}
    }
    let this = std::env::current_exe().expect("the bench's own path");
    let mut sums = (0.0, 0.0);
    for tree in &arguments {
        let (files, paths) = list(Path::new(tree));
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(paths.as_bytes()).expect("the list can be written");
        let mut rounds: Vec<(f64, f64)> = (0..ROUNDS)
            .map(|_| {
                let bare =
                    cpu_of(Command::new(&this).args(["--parse-only", tree]).arg(file.path()));
                let audit = cpu_of(
                    Command::new(env!("CARGO_BIN_EXE_readiness"))
                        .args(["audit", tree, "-f", "json"]),
                );
                (bare, audit)
            })
            .collect();
        rounds.sort_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
        let (bare, audit) = rounds[ROUNDS / 2];
        sums = (sums.0 + bare, sums.1 + audit);
        println!(
            "{tree}: {files} files, bare parse {bare:.2} s, audit {audit:.2} s, ratio {:.2}",
            audit / bare
        );
    }
    println!(
        "together: bare parse {:.2} s, audit {:.2} s, ratio {:.2}",
        sums.0,
        sums.1,
        sums.1 / sums.0
    );
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

/// How many files the audit may parse, and a line for each: its language and its path.
fn list(tree: &Path) -> (usize, String) {
    let repository = readiness::repository::open(tree);
    let options = readiness::assemble::walk_options(
        &readiness::config::Config::default(),
        repository.as_ref(),
    );
    let walked = readiness::walk::walk(tree, &options).expect("the tree can be walked");
    let limit = Limits::default().parse_bytes;
    let (mut count, mut lines) = (0, String::new());
    for job in walked.jobs.iter().filter(|job| job.language.has_module()) {
        let Ok(bytes) = source::read(&walked.base, &job.path, limit) else { continue };
        let Ok((text, _)) = source::decode(&bytes) else { continue };
        let role = match job.role_is_certain {
            true => job.role,
            false => source::role::of_content(job.role, job.language, &text),
        };
        if !matches!(role, Role::Generated | Role::Vendored) {
            count += 1;
            lines.push_str(&format!("{} {}\n", job.language, job.path));
        }
    }
    (count, lines)
}

fn parse_only(tree: &Path, list: &Path) {
    let list = std::fs::read_to_string(list).expect("the list");
    let mut parser = tree_sitter::Parser::new();
    for (language, path) in list.lines().filter_map(|line| line.split_once(' ')) {
        let bytes =
            std::fs::read(tree.join(source::decode_path(path))).expect("a file of the list");
        let Ok((text, _)) = source::decode_vec(bytes) else { continue };
        let language: Language = language.parse().expect("a language");
        let language = match language {
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
