//! A file that ends, stalls or floods the process that analyses it is named, and every other file
//! is analysed (HOSTILE.md, fact 5). The analyser of these tests fails on command and exists only
//! in builds with debug assertions.

#![cfg(debug_assertions)]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use readiness::finding::Category;
use readiness::limits::Limits;
use readiness::rules::RuleSource;
use readiness::scan::{
    FileScan, Isolation, Job, Plan, ScanError, Status, WorkerProgram, faults, run,
};
use readiness::source::{Language, Role};

fn program() -> Isolation {
    let mut program = WorkerProgram::at(env!("CARGO_BIN_EXE_readiness"));
    program.arguments = vec![faults::ARGUMENT.into()];
    Isolation::Child(program)
}

fn plan(threads: usize) -> Plan {
    let limits = Limits { file_deadline: Duration::from_secs(1), ..Limits::default() };
    Plan::new(Path::new("."), limits, threads)
}

fn job(path: &str) -> Job {
    Job {
        path: path.to_owned(),
        language: Language::Python,
        role: Role::Production,
        role_is_certain: true,
        facts_only: false,
    }
}

/// Good files with one of each of `bad` after every tenth.
fn jobs(bad: &[&str]) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (at, name) in bad.iter().enumerate() {
        jobs.extend((0..10).map(|good| job(&format!("app/good-{at}-{good}.py"))));
        jobs.push(job(&format!("app/{name}")));
    }
    jobs.extend((0..10).map(|good| job(&format!("app/last-{good}.py"))));
    jobs
}

fn scan(plan: &Plan, jobs: &[Job]) -> Vec<FileScan> {
    let scans = run(&program(), plan, jobs, &|_| {}).unwrap();
    let paths: Vec<_> = scans.iter().map(|scan| &scan.path).collect();
    assert_eq!(paths, jobs.iter().map(|job| &job.path).collect::<Vec<_>>(), "order and number");
    scans
}

/// Path, reason and detail of every file that is not simply analysed. The analysed ones must hold
/// what the analyser made of them.
fn exceptions(scans: &[FileScan]) -> Vec<(String, String, String)> {
    let mut exceptions = Vec::new();
    for scan in scans {
        match &scan.status {
            Status::Analysed => assert_eq!(scan.lines.comment as usize, scan.path.len()),
            Status::LeftOut { reason, detail, failure } => {
                assert!(failure, "{} should have been read", scan.path);
                let detail = detail.clone().unwrap_or_default();
                exceptions.push((scan.path.clone(), reason.clone(), detail));
            }
            Status::Partly { .. } => panic!("{} is partly read", scan.path),
        }
    }
    exceptions
}

/// Runs the good files with one bad file on 1 and on 4 threads.
fn one_bad_file(name: &str, reason: &str, detail: &str) {
    let expected = vec![(format!("app/{name}"), reason.to_owned(), detail.to_owned())];
    let jobs = jobs(&[name]);
    for threads in [1, 4] {
        assert_eq!(exceptions(&scan(&plan(threads), &jobs)), expected, "{threads} threads");
    }
}

#[test]
fn a_panic_is_caught_and_its_place_named() {
    let scans = scan(&plan(2), &jobs(&["panic.py"]));
    let [(path, reason, detail)] = &exceptions(&scans)[..] else { panic!("one exception") };
    assert_eq!((path.as_str(), reason.as_str()), ("app/panic.py", "analysis panicked"));
    assert!(detail.starts_with("a literal (src/scan/faults.rs:"), "{detail}");
}

#[test]
fn a_panic_message_that_quotes_is_not_repeated() {
    let scans = scan(&plan(2), &jobs(&["panicquoting-hunter2.py"]));
    let [(_, _, detail)] = &exceptions(&scans)[..] else { panic!("one exception") };
    assert!(detail.starts_with("src/scan/faults.rs:"), "{detail}");
    assert!(!detail.contains("hunter2"), "{detail}");
}

#[test]
fn the_child_is_confined() {
    let jobs = [job("confined.py")];
    let mut tied = plan(2);
    tied.rules = vec![rule("tied")];
    assert_eq!(exceptions(&scan(&tied, &jobs)), []);
    // The same question finds the opposite here, so it is one that can be answered with no.
    let here = run(&Isolation::InProcess(faults::build), &plan(2), &jobs, &|_| {}).unwrap();
    assert_eq!(exceptions(&here).len(), 1);
}

#[test]
fn an_abort_is_survived() {
    one_bad_file("abort.py", "analysis crashed", "SIGABRT");
}

#[test]
fn a_stack_overflow_is_survived() {
    one_bad_file("overflow.py", "analysis crashed", "stack overflow");
}

#[test]
fn a_silent_exit_is_survived() {
    one_bad_file("exit.py", "analysis crashed", "exit status 0");
}

#[test]
fn an_endless_loop_is_stopped() {
    one_bad_file("loop.py", "analysis timed out", "");
}

#[test]
fn an_allocation_bomb_is_survived() {
    one_bad_file("bomb.py", "analysis crashed", "out of memory");
}

#[test]
fn garbage_on_the_pipe_is_a_failure_of_the_child() {
    one_bad_file("garbage.py", "analysis crashed", "wrote something that is no message");
}

#[test]
fn files_that_fail_only_together_are_analysed() {
    let mut plan = plan(2);
    plan.limits.scanner_memory = 600 * 1024 * 1024;
    plan.limits.file_deadline = Duration::from_secs(20);
    let jobs: Vec<_> = ["large-1.py", "large-2.py", "large-3.py"].map(job).into();
    assert_eq!(exceptions(&scan(&plan, &jobs)), []);
    // The test means something only where one of them does not fit beside another.
    plan.limits.scanner_memory = 200 * 1024 * 1024;
    assert_eq!(exceptions(&scan(&plan, &jobs)).len(), 3);
}

#[test]
fn large_files_run_one_at_a_time_and_hold_nobody_up() {
    let jobs: Vec<_> = (0..40)
        .map(|at| {
            job(&if at % 2 == 0 { format!("heavy-{at}.py") } else { format!("good-{at}.py") })
        })
        .collect();
    for threads in [1, 4] {
        assert_eq!(exceptions(&scan(&plan(threads), &jobs)), [], "{threads} threads");
    }
}

#[test]
fn thirty_crashers_are_each_named() {
    let names: Vec<_> = (0..30).map(|at| format!("abort-{at}.py")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let jobs = jobs(&names);
    let began = Instant::now();
    let (one, four) = (scan(&plan(1), &jobs), scan(&plan(4), &jobs));
    assert!(began.elapsed() < Duration::from_secs(30), "took {:?}", began.elapsed());
    assert_eq!(one, four, "the number of threads shows");
    let found = exceptions(&one);
    assert_eq!(found.len(), 30);
    assert!(found.iter().all(|(path, reason, detail)| path.starts_with("app/abort-")
        && reason == "analysis crashed"
        && detail == "SIGABRT"));
}

#[test]
fn every_fault_together_gives_the_same_on_one_and_four_threads() {
    let jobs = jobs(&["abort.py", "loop.py", "panic.py", "overflow.py", "exit.py", "heavy.py"]);
    let one = scan(&plan(1), &jobs);
    assert_eq!(one, scan(&plan(4), &jobs));
    assert_eq!(exceptions(&one).len(), 5);
}

#[test]
fn loops_that_stall_together_are_each_named() {
    let names = ["loop-1.py", "loop-2.py", "loop-3.py", "loop-4.py"];
    let found = exceptions(&scan(&plan(4), &jobs(&names)));
    let paths: Vec<_> = found.iter().map(|(path, _, _)| path.trim_start_matches("app/")).collect();
    assert_eq!(paths, names);
}

#[test]
fn a_tree_of_nothing_but_crashers_ends() {
    let jobs: Vec<_> = (0..1_000).map(|at| job(&format!("abort-{at}.py"))).collect();
    let mut plan = plan(4);
    plan.limits.scanner_faults = 50;
    let found = exceptions(&scan(&plan, &jobs));
    assert_eq!(found.len(), 1_000, "every file has an entry");
    let crashed = found.iter().filter(|(_, reason, _)| reason == "analysis crashed").count();
    assert_eq!(crashed, 50);
    let unseen = |(_, reason, _): &&(String, String, String)| {
        reason == "not analysed after too many crashes"
    };
    assert_eq!(found.iter().filter(unseen).count(), 950);
}

#[test]
fn the_deepest_module_comes_back_whole() {
    let jobs = [job("deep.py")];
    let child = scan(&plan(1), &jobs);
    assert_eq!(exceptions(&child), []);
    let here = run(&Isolation::InProcess(faults::build), &plan(1), &jobs, &|_| {}).unwrap();
    assert!(child[0].facts.is_some());
    assert!(child == here, "the facts differ");
}

#[test]
fn progress_reaches_the_number_of_files() {
    let jobs = jobs(&["abort.py", "panic.py"]);
    let most = AtomicUsize::new(0);
    run(&program(), &plan(4), &jobs, &|done| {
        most.fetch_max(done, Ordering::Relaxed);
    })
    .unwrap();
    assert_eq!(most.into_inner(), jobs.len());
}

#[test]
fn in_this_process_panics_are_caught_and_results_are_equal() {
    let jobs = jobs(&["panic.py", "heavy.py"]);
    let here = run(&Isolation::InProcess(faults::build), &plan(4), &jobs, &|_| {}).unwrap();
    let child = scan(&plan(4), &jobs);
    // Where a panic happened is known only where we own the panic hook.
    let statuses = |scans: &[FileScan]| {
        scans.iter().filter(|scan| scan.status == Status::Analysed).cloned().collect::<Vec<_>>()
    };
    assert_eq!(statuses(&here), statuses(&child));
    assert_eq!(exceptions(&here).len(), 1);
}

fn error_of(isolation: &Isolation, rules: &[&str]) -> ScanError {
    let mut plan = plan(2);
    plan.limits.compile_deadline = Duration::from_secs(1);
    plan.rules = rules.iter().map(|name| rule(name)).collect();
    run(isolation, &plan, &[job("good.py")], &|_| {}).unwrap_err()
}

#[test]
fn a_rule_that_cannot_be_used_is_named() {
    let cases = [
        ("refuse", "rule `refuse-me`: as asked"),
        ("hang", "rule `hang-me`: the rules take longer than 1s to load"),
        ("abort", "rule `abort-me`: it ends the scanner (SIGABRT)"),
    ];
    for (name, expected) in cases {
        let error = error_of(&program(), &["fine", &format!("{name}-me"), "never-reached"]);
        assert_eq!(error.to_string(), expected);
    }
    let error = error_of(&Isolation::InProcess(faults::build), &["refuse-me"]);
    assert_eq!(error.to_string(), "rule `refuse-me`: as asked");
}

#[test]
fn a_child_that_cannot_be_started_is_an_error() {
    let missing = Isolation::Child(WorkerProgram::at("/nowhere/readiness"));
    assert!(matches!(error_of(&missing, &[]), ScanError::Start(_)));
}

#[test]
#[cfg(unix)]
fn a_program_that_is_no_scanner_is_an_error() {
    let mute = Isolation::Child(WorkerProgram::at("/bin/false"));
    assert_eq!(
        error_of(&mute, &[]).to_string(),
        "the scanner failed: it ended before it began (exit status 1)"
    );
    let mut cat = WorkerProgram::at("/bin/cat");
    cat.arguments = Vec::new();
    let error = error_of(&Isolation::Child(cat), &[]).to_string();
    assert!(error.starts_with("the scanner failed: it ended before it began ("), "{error}");
    let mut sleeper = WorkerProgram::at("/bin/sleep");
    sleeper.arguments = vec!["60".into()];
    assert_eq!(
        error_of(&Isolation::Child(sleeper), &[]).to_string(),
        "the scanner failed: it does not answer"
    );
}

fn rule(id: &str) -> RuleSource {
    RuleSource {
        id: id.to_owned(),
        category: Category::CodeQuality,
        path: format!("rules/code-quality/{id}.toml"),
        text: String::new(),
    }
}
