//! `readiness init`

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::{PASSED, terminal};
use crate::config::{Config, FILE_NAME};

mod document;
mod survey;

/// Write a commented readiness.toml that fits the repository.
///
/// It looks at which languages, manifests and folders there are, and writes what it would assume
/// about them for you to correct. It never overwrites a file.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  readiness init              writes ./readiness.toml
  readiness init ../shop      writes ../shop/readiness.toml")]
pub(super) struct Arguments {
    /// The folder of the repository.
    #[arg(default_value = ".")]
    path: PathBuf,
}

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<u8> {
        let target = self.path.join(FILE_NAME);
        let shown = terminal::visible(&target.to_string_lossy());
        if !self.path.is_dir() {
            bail!("{}: not a folder", self.path.display());
        }
        // One that lies further up may be meant for all that lies below it, and is no obstacle;
        // one in this very folder would silently be put out of force.
        let folder = self.path.canonicalize()?;
        if let Ok(Config { origin: Some(origin), .. }) = Config::discover(&folder)
            && origin.file.parent() == Some(&folder)
            && origin.file.file_name().is_none_or(|name| name != FILE_NAME)
        {
            bail!("{}: has a table [tool.readiness] already", origin.file.display());
        }
        let text = document::write(&survey::survey(&self.path), &Config::default());

        // Whole or not at all, and never over a file that was there or that appears meanwhile.
        let mut file = tempfile::Builder::new()
            .prefix(".readiness")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .tempfile_in(&self.path)
            .with_context(|| format!("{shown}: cannot be written"))?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.as_file().sync_all())
            .with_context(|| format!("{shown}: cannot be written"))?;
        match file.persist_noclobber(&target) {
            Ok(_) => {}
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                bail!("{shown}: exists already, and is left as it is");
            }
            Err(error) => {
                return Err(error.error).with_context(|| format!("{shown}: cannot be written"));
            }
        }
        terminal::note(&format!("wrote {shown}"));
        Ok(PASSED)
    }
}
