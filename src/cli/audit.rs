//! `readiness audit`

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, ColorChoice};

use super::options::RunOptions;

use super::{exit_status, run, terminal, words};
use crate::audit::Audit;
use crate::gate::{FailOn, Gate};
use crate::profile::Profile;
use crate::report::{self, Format, Style};

/// Audit a repository and report what stands between it and production.
///
/// The report goes to the terminal, or with -o to files whose suffixes say in which format:
/// `.txt` terminal, `.md` Markdown, `.json` JSON. Several -o write several reports of one run,
/// and -f beside them still prints one to stdout.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    run: RunOptions,
    /// The format of the report on stdout.
    #[arg(short, long, value_parser = words::<Format>(Format::ALL.iter().map(|f| f.as_str())))]
    format: Option<Format>,
    /// Write the report to a file, in the format of its suffix; may be given several times.
    ///
    /// The file is replaced at once when the report is whole, so nobody reads half of one.
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// NO-GO when the score is below N, from 0 to 100.
    #[arg(long, value_name = "N", value_parser = score)]
    fail_under: Option<f64>,
    /// NO-GO when there is an open finding of this severity or worse.
    #[arg(long, value_name = "SEVERITY",
          value_parser = words::<FailOn>(FailOn::ALL.iter().rev().map(|f| f.as_str())))]
    fail_on: Option<FailOn>,
    /// List every file that was left out or only partly read, with its reason.
    #[arg(long)]
    show_files: bool,
    /// Show at most N findings with their source in the terminal; the others are counted.
    #[arg(long, value_name = "N", default_value_t = Style::default().limit)]
    limit: usize,
    /// End with status 0 where it would be 3: something could not be read or judged.
    ///
    /// A failed gate ends with 1 all the same.
    #[arg(long)]
    allow_incomplete: bool,
    /// Print to stderr what took how long: the phases of the audit, and each rule.
    #[arg(long)]
    profile: bool,
    /// Write nothing to stderr but errors, and the profile that was asked for.
    #[arg(short, long)]
    quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  readiness audit                                  this folder, in the terminal
  readiness audit ../shop -o report.md             a document to read and sign
  readiness audit -f json | jq .verdict            the whole audit as data
  readiness audit --fail-under 80 --fail-on high   in CI: a stricter gate
  readiness audit --exclude 'legacy/**' -f markdown -o audit.json

Exit status: 0 no blocking gate failed, 1 NO-GO, 2 could not run, 3 incomplete.";

impl Arguments {
    pub(super) fn run(&self, colour: ColorChoice) -> anyhow::Result<u8> {
        let outputs = outputs(&self.output)?;
        let (root, mut config) = self.run.load()?;
        if let Some(score) = self.fail_under {
            config.gates.fail_under = score;
        }
        if let Some(severity) = self.fail_on {
            config.gates.fail_on = severity;
        }
        if let Some(origin) = config.origin.as_ref().filter(|_| !self.quiet) {
            terminal::note(&format!("configuration: {}", shown(&origin.file)));
        }

        let progress = self.progress();
        let mut profile = Profile::default();
        let audit = run::audit(
            root,
            &config,
            &|done, total| {
                progress.set_length(total as u64);
                progress.set_position(done as u64);
            },
            self.profile.then_some(&mut profile),
        );
        progress.finish_and_clear();
        let audit = audit?;

        for (path, format) in &outputs {
            let text = report::render(&audit, *format, &self.style(false))?;
            report::write_atomically(path, text.as_bytes())?;
        }
        let on_stdout = self.format.or(outputs.is_empty().then_some(Format::Terminal));
        if let Some(format) = on_stdout {
            let style = self.style(format == Format::Terminal && terminal::colour(colour));
            let text = report::render(&audit, format, &style)?;
            terminal::report(&text).context("stdout: the report cannot be written")?;
        }
        if self.profile {
            terminal::note(&profile_tables(&profile));
        }
        let status = exit_status(&audit, self.allow_incomplete);
        if !self.quiet {
            self.say(&audit, on_stdout.is_none(), status);
        }
        Ok(status)
    }

    fn style(&self, colour: bool) -> Style {
        Style { colour, limit: self.limit, show_files: self.show_files, ..Style::default() }
    }

    /// A sign of life on a terminal, and nothing anywhere else.
    fn progress(&self) -> indicatif::ProgressBar {
        if self.quiet {
            return indicatif::ProgressBar::hidden();
        }
        let spinner = indicatif::ProgressBar::new_spinner().with_message("auditing");
        spinner.enable_steady_tick(Duration::from_millis(120));
        spinner
    }

    /// Tells on stderr what a reader of files, or of the exit status, would otherwise miss.
    fn say(&self, audit: &Audit, only_files: bool, status: u8) {
        if only_files {
            let score = audit.scorecard.overall;
            let score = score.map_or("score not assessed".to_owned(), |s| format!("score {s:.1}"));
            let files: Vec<_> = self.output.iter().map(|path| shown(path)).collect();
            terminal::note(&format!("{}, {score}; wrote {}", audit.verdict, files.join(", ")));
        }
        if status == super::INCOMPLETE {
            terminal::note(&format!("incomplete: {} (exit status 3)", incomplete(audit)));
        }
    }
}

/// What took how long, the longest first. The share is that of the table.
fn profile_tables(profile: &Profile) -> String {
    let table = |head: &str, times: &BTreeMap<String, u64>| {
        let whole: u64 = times.values().sum();
        let rows: Vec<_> = Profile::sorted(times)
            .into_iter()
            .map(|(name, spent)| {
                let share = 100.0 * spent as f64 / whole.max(1) as f64;
                let milliseconds = spent as f64 / 1e6;
                [format!("{milliseconds:.3} ms"), format!("{share:.1} %"), name.to_owned()]
            })
            .collect();
        terminal::table(["TIME", "SHARE", head], &rows)
    };
    let (mut phases, mut steps) = (BTreeMap::new(), BTreeMap::new());
    for (name, spent) in &profile.phases {
        match name.strip_prefix("scan: ") {
            Some(step) => steps.insert(step.to_owned(), *spent),
            None => phases.insert(name.clone(), *spent),
        };
    }
    let rules = table("RULE", &profile.rules);
    let mut text = String::from("The phases, on the clock.\n\n");
    text += &table("PHASE", &phases);
    text += "\nThe steps of the scan, added up over its threads.\n\n";
    text += &table("STEP", &steps);
    text += "\nThe rules; those that no file could break are left out.\n\n";
    text += rules.trim_end();
    text
}

/// Why an audit is incomplete, in one line.
fn incomplete(audit: &Audit) -> String {
    let failures = audit.coverage.entries.iter().filter(|entry| entry.failure).count();
    let unjudged = |gate: &&Gate| gate.blocks && gate.status == crate::gate::Status::NotEvaluated;
    if audit.coverage.analysed + audit.coverage.partly_read == 0 {
        "there was nothing to audit".to_owned()
    } else if failures > 0 {
        format!("{failures} files could not be read; --show-files lists them")
    } else if let Some(gate) = audit.gates.iter().find(unjudged) {
        format!("`{}` could not be judged: {}", gate.criterion, gate.evidence)
    } else {
        "something could not be read or judged".to_owned()
    }
}

/// The files to write with their formats. Whatever can be known to fail does so before the run.
fn outputs(paths: &[PathBuf]) -> anyhow::Result<Vec<(&Path, Format)>> {
    let mut seen = Vec::new();
    let mut outputs = Vec::new();
    for path in paths {
        let format = Format::from_suffix(path)?;
        let name = path.file_name().with_context(|| format!("{}: names no file", shown(path)))?;
        let identity = identity(path, name)?;
        if path.is_dir() {
            bail!("{}: is a folder", shown(path));
        }
        if seen.contains(&identity) {
            super::usage_error(&format!("two outputs go to the same file `{}`", shown(path)));
        }
        seen.push(identity);
        outputs.push((path.as_path(), format));
    }
    Ok(outputs)
}

/// The file that a path names, whichever way it is written.
fn identity(path: &Path, name: &OsStr) -> anyhow::Result<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder
        .unwrap_or(Path::new("."))
        .canonicalize()
        .with_context(|| format!("{}: its folder cannot be used", shown(path)))?;
    Ok(folder.join(name))
}

fn shown(path: &Path) -> String {
    terminal::visible(&path.to_string_lossy().replace('\n', "\\n"))
}

fn score(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(score) if (0.0..=100.0).contains(&score) => Ok(score),
        _ => Err("a number from 0 to 100 is needed".to_owned()),
    }
}
