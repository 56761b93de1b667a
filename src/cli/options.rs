//! Options that several subcommands share.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use crate::config::{Config, ConfigError};

/// The formats of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TableOrJson {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
pub(super) struct ConfigOptions {
    /// Read this configuration file.
    ///
    /// Without it, the nearest `readiness.toml`, or `pyproject.toml` with a table
    /// `[tool.readiness]`, is taken, looking from PATH upwards.
    #[arg(long, value_name = "FILE", conflicts_with = "no_config")]
    config: Option<PathBuf>,
    /// Read no configuration file.
    ///
    /// The defaults then hold, whatever the repository says about itself.
    #[arg(long)]
    no_config: bool,
    /// Load rules of your own from a folder, `DIR/<category>/<rule-id>.toml`.
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
}

impl ConfigOptions {
    /// The configuration for a run that starts at a folder.
    pub(super) fn load(&self, start: &Path) -> Result<Config, ConfigError> {
        let mut config = match &self.config {
            Some(file) => Config::from_file(file)?,
            None if self.no_config => Config::default(),
            None => Config::discover(start)?,
        };
        config.rules.extend(self.rules.iter().cloned());
        Ok(config)
    }
}

/// What is audited, and how.
#[derive(Debug, Args)]
pub(super) struct RunOptions {
    /// The folder to audit.
    #[arg(default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    config: ConfigOptions,
    /// Audit also files that `.gitignore` and its kin name.
    #[arg(long)]
    no_ignore: bool,
    /// Audit only files that match one of these globs, relative to PATH.
    #[arg(long, value_name = "GLOB", value_parser = glob)]
    include: Vec<String>,
    /// Leave out files that match one of these globs, relative to PATH.
    #[arg(long, value_name = "GLOB", value_parser = glob)]
    exclude: Vec<String>,
    /// Scan with N threads; the default is one per core. The report does not depend on it.
    #[arg(long, value_name = "N", value_parser = threads)]
    threads: Option<NonZeroUsize>,
}

impl RunOptions {
    /// The root, and the configuration after the command line had its say.
    pub(super) fn load(&self) -> anyhow::Result<(&Path, Config)> {
        let root = self.path.as_path();
        let metadata = std::fs::metadata(root)
            .with_context(|| format!("{}: cannot be audited", root.display()))?;
        if !metadata.is_dir() {
            bail!("{}: not a folder; name the folder of a repository", root.display());
        }
        let mut config = self.config.load(root)?;
        config.files.no_ignore |= self.no_ignore;
        config.partial = !self.include.is_empty() || !self.exclude.is_empty();
        config.files.include.extend(self.include.iter().cloned());
        config.files.exclude.extend(self.exclude.iter().cloned());
        config.threads = self.threads;
        Ok((root, config))
    }
}

fn glob(text: &str) -> Result<String, String> {
    globset::Glob::new(text).map(|_| text.to_owned()).map_err(|error| error.kind().to_string())
}

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    // Each thread has its own stack of 128 MiB of addresses.
    const MOST: usize = 256;
    match text.parse::<NonZeroUsize>() {
        Ok(threads) if threads.get() <= MOST => Ok(threads),
        _ => Err(format!("a number from 1 to {MOST} is needed")),
    }
}
