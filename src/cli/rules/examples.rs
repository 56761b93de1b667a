//! `readiness rules test`: each example of a rule is a test of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, ColorChoice};

use crate::cli::fault::{self, Fault};
use crate::cli::options::ConfigOptions;
use crate::cli::{COULD_NOT_RUN, GATE_FAILED, PASSED, terminal};
use crate::rules::{ExampleRun, Place, RuleError, RuleSource, load, test_rule};

/// Run the examples of rules: `bad` must be found, `good` must not, `accepted` must be accepted.
///
/// Ends with 0 when all hold, with 1 when one does not, and with 2 when a rule cannot be used;
/// the others are tested all the same.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Rule files, `<category>/<rule-id>.toml`, or folders of them.
    ///
    /// Without any, the folders that the configuration names under `rules`.
    #[arg(value_name = "DIR|FILE")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    config: ConfigOptions,
    /// Show only what fails, and the sum.
    #[arg(short, long)]
    quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  readiness rules test                                   the rules that readiness.toml names
  readiness rules test my-rules                          all of a folder
  readiness rules test my-rules/monitoring/no-print.toml one rule

Exit status: 0 all examples hold, 1 one does not, 2 a rule cannot be used.";

/// How long the examples of one rule may take: a query can take forever to compile.
const DEADLINE: Duration = Duration::from_secs(20);

/// Examples are parsed on a stack as large as the scanner's.
const STACK_BYTES: usize = 128 * 1024 * 1024;

impl Arguments {
    pub(super) fn run(&self, colour: ColorChoice) -> anyhow::Result<u8> {
        let (sources, mut faults) = self.sources()?;
        let mut tally = Tally::default();
        let mut report = String::new();
        for source in &sources {
            match test(source) {
                Ok(runs) => report += &tally.add(source, &runs, self.quiet),
                Err(error) => faults.push((error, Some(source))),
            }
        }
        for (error, source) in &faults {
            terminal::note(&format!("{}\n", fault::of_rule(error, *source, colour)));
        }
        report += &tally.sum(faults.len());
        terminal::report(&report)?;
        Ok(match (faults.len(), tally.failed) {
            (0, 0) => PASSED,
            (0, _) => GATE_FAILED,
            _ => COULD_NOT_RUN,
        })
    }

    /// The rules, each id once, and the files that are none.
    fn sources(&self) -> anyhow::Result<(Vec<RuleSource>, Faults<'static>)> {
        let paths = if self.paths.is_empty() {
            self.config.load(Path::new("."))?.rules
        } else {
            self.paths.clone()
        };
        if paths.is_empty() {
            bail!(
                "no rules to test: name a folder or a file, or set `rules` in readiness.toml; \
                 `readiness rules new` begins one"
            );
        }
        let mut sources: BTreeMap<String, RuleSource> = BTreeMap::new();
        let mut faults = Faults::new();
        for path in &paths {
            let found =
                if path.is_dir() { load::files_of_dir(path)? } else { vec![load::from_file(path)] };
            for source in found {
                let source = match source {
                    Ok(source) => source,
                    Err(error) => {
                        faults.push((error, None));
                        continue;
                    }
                };
                match sources.get(&source.id) {
                    Some(first) if first.path == source.path => {}
                    Some(first) => faults.push((twice(first, &source), None)),
                    None => {
                        sources.insert(source.id.clone(), source);
                    }
                }
            }
        }
        let mut sources: Vec<_> = sources.into_values().collect();
        sources.sort_by(|left, right| left.path.cmp(&right.path));
        Ok((sources, faults))
    }
}

/// Faulty rules, with their text where there is one.
type Faults<'s> = Vec<(RuleError, Option<&'s RuleSource>)>;

fn twice(first: &RuleSource, second: &RuleSource) -> RuleError {
    RuleError {
        path: second.path.clone(),
        place: Place::default(),
        problem: format!("the rule `{}` is also in {}", second.id, first.path),
        help: Some("give one of them another name".to_owned()),
    }
}

/// Runs the examples of one rule.
fn test(source: &RuleSource) -> Result<Vec<ExampleRun>, RuleError> {
    let (sender, receiver) = mpsc::channel();
    let own = source.clone();
    let started = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        // Nobody listens any more after the deadline.
        let _ = sender.send(test_rule(own));
    });
    let outcome = started.ok().and_then(|_| receiver.recv_timeout(DEADLINE).ok());
    outcome.unwrap_or_else(|| {
        Err(RuleError {
            path: source.path.clone(),
            place: Place::default(),
            problem: format!("its examples were not done in {} seconds", DEADLINE.as_secs()),
            help: Some("a raw query can take forever: say it with another matcher".to_owned()),
        })
    })
}

/// What came of all rules.
#[derive(Default)]
struct Tally {
    rules: usize,
    passed: usize,
    failed: usize,
}

impl Tally {
    /// Counts the examples of a rule, and says what came of them.
    fn add(&mut self, source: &RuleSource, runs: &[ExampleRun], quiet: bool) -> String {
        let failed = runs.iter().filter(|run| run.failure.is_some()).count();
        self.rules += 1;
        self.failed += failed;
        self.passed += runs.len() - failed;
        if quiet && failed == 0 {
            return String::new();
        }
        let mut text = terminal::visible(&format!("{} ({})\n", source.id, source.path));
        for run in runs.iter().filter(|run| !quiet || run.failure.is_some()) {
            let ExampleRun { expect, language, place, failure, .. } = run;
            let word = if failure.is_some() { "FAILED" } else { "ok" };
            text += &format!("  {word:6}  line {:<4}  {expect}.{language}\n", place.line);
        }
        for run in runs {
            let Some(failure) = &run.failure else { continue };
            let fault = Fault {
                path: &source.path,
                place: failure.place,
                problem: &format!("{}.{}: {}", run.expect, run.language, failure.problem),
                help: None,
            };
            text += &format!("\n{}\n", fault::draw(&fault, Some(&source.text), ColorChoice::Never));
        }
        text.push('\n');
        text
    }

    fn sum(&self, faulty: usize) -> String {
        let count = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            more => format!("{more} {what}s"),
        };
        let mut text = format!(
            "{}, {}: {} passed, {} failed",
            count(self.rules, "rule"),
            count(self.passed + self.failed, "example"),
            self.passed,
            self.failed
        );
        if faulty > 0 {
            text += &format!("; {} cannot be used", count(faulty, "rule"));
        }
        text.push('\n');
        text
    }
}
