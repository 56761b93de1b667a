//! The text of a new `readiness.toml`. What holds anyway is written behind `#` without a blank,
//! so that taking the `#` away gives a setting, and a test can do so with all of them.

use std::fmt::Write as _;

use super::survey::Survey;
use crate::config::Config;
use crate::finding::{Category, Confidence, Severity};

/// Writes the file for a repository.
pub(super) fn write(survey: &Survey, defaults: &Config) -> String {
    let mut text = String::from(
        "# How `readiness audit` reads this repository.\n\
         #\n\
         # Every key is optional. A line that begins with `#key` shows a default: take the `#` away\n\
         # to change it. `readiness json-schema config` describes the whole format.\n",
    );
    text += &found(survey);
    text += "\n[files]\n\
        # Globs of what is audited, relative to the audited folder; empty means everything.\n\
        #include = []\n\
        # Globs of what is left out; the report lists it as such.\n\
        #exclude = []\n\
        # Audit also what .gitignore names.\n\
        #no-ignore = false\n";
    text += "\n# What files are for, where their names do not tell: production, test, mock, example, script,\n\
        # migration, config, docs, generated, vendored. Most rules look at production files only.\n\
        [files.roles]\n";
    if survey.roles.is_empty() {
        text += "# \"tools/**\" = \"script\"\n";
    }
    for (glob, role) in &survey.roles {
        // The survey passes on names only that need no escapes.
        let _ = writeln!(text, "\"{glob}\" = \"{role}\"");
    }

    let gates = &defaults.gates;
    let _ = write!(
        text,
        "\n# What a verdict needs; `readiness explain gate` shows all of it.\n\
         [gates]\n\
         # A score below this is NO-GO.\n\
         #fail-under = {}\n\
         # An open finding of this severity or worse is NO-GO: critical, high, medium, low, info, none.\n\
         #fail-on = \"{}\"\n",
        gates.fail_under, gates.fail_on
    );

    let score = &defaults.score;
    let _ = write!(
        text,
        "\n# The numbers behind the score; `readiness explain score` shows what they do.\n\
         [score]\n\
         # Demerits that halve the score of a category in a project of a thousand lines.\n\
         #half-life = {}\n",
        score.half_life
    );
    text += "\n# Demerits of one finding.\n[score.severity]\n";
    for severity in Severity::ALL.iter().rev() {
        let _ = writeln!(text, "#{severity} = {}", score.severity.of(*severity));
    }
    text += "\n# What they are multiplied with.\n[score.confidence]\n";
    for confidence in Confidence::ALL.iter().rev() {
        let _ = writeln!(text, "#{confidence} = {}", score.confidence.of(*confidence));
    }
    text += "\n# The share of each category in the overall score.\n[score.category]\n";
    for category in Category::ALL {
        let _ = writeln!(text, "#{category} = {}", score.category.of(*category));
    }

    let limits = &defaults.limits;
    let _ = write!(
        text,
        "\n[limits]\n\
         # Largest file that is parsed, and whose lines are read, in bytes.\n\
         #parse-bytes = {}\n\
         #read-bytes = {}\n\
         # Seconds that one file may take.\n\
         #file-seconds = {}\n\
         # Most files and folders of a walk.\n\
         #walk-entries = {}\n",
        limits.parse_bytes, limits.read_bytes, limits.file_seconds, limits.walk_entries
    );
    text += "\n# Rules of your own go into a folder: `rules = [\"my-rules\"]` at the top of this file reads\n\
        # my-rules/<category>/<rule-id>.toml. A single rule is changed by its id, see `readiness rules`:\n\
        #\n\
        # [rule.rule-id]\n\
        # severity = \"low\"\n\
        # off = true\n\
        # roles = [\"production\", \"script\"]\n\
        #\n\
        # Places that are fine are listed as accepted, each with its reason. All that an entry names must\n\
        # hold; an entry that covers nothing, or has expired, is told.\n\
        #\n\
        # [[rule.rule-id.allow]]\n\
        # reason = \"the status page is public\"\n\
        # paths = [\"status/**\"]\n\
        # values = ['^https?://status\\\\.']        # regular expressions over what was found\n\
        # calls = [\"os.getenv\"]\n\
        # until = \"2027-01-31\"\n";
    text
}

/// What was found, as a comment.
fn found(survey: &Survey) -> String {
    let mut text = String::new();
    if !survey.languages.is_empty() {
        let mut languages: Vec<_> = survey.languages.iter().collect();
        languages.sort_by_key(|(name, files)| (std::cmp::Reverse(**files), **name));
        let languages: Vec<_> =
            languages.iter().map(|(name, files)| format!("{name} ({files})")).collect();
        let _ = write!(text, "#\n# Source files found: {}.\n", languages.join(", "));
    }
    if !survey.roots.is_empty() {
        text += "# Manifests found:\n";
        for (folder, manifest) in &survey.roots {
            let slash = if folder.is_empty() { "" } else { "/" };
            let _ = writeln!(text, "#   {folder}{slash}{manifest}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;
    use crate::cli::init::survey::survey;
    use crate::source::Role;

    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            "backend/pyproject.toml",
            "backend/app/main.py",
            "backend/tests/unit/tests/a.py",
            "backend/tests/mocks/b.py",
            "frontend/package.json",
            "frontend/src/a/__tests__/x.ts",
            "frontend/src/b/__tests__/x.ts",
            "frontend/src/c/__tests__/x.ts",
            "frontend/src/d/__tests__/x.ts",
            "frontend/node_modules/x/tests/y.js",
            "docs/`evil`\n[gates]/tests/a.py",
            "scripts/run.py",
            ".gitignore",
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::write(folder.path().join(".gitignore"), "node_modules/\n").unwrap();
        folder
    }

    #[test]
    fn it_fits_the_repository() {
        let survey = survey(repository().path());
        assert_eq!(
            survey.roles.iter().map(|(glob, role)| (glob.as_str(), *role)).collect::<Vec<_>>(),
            [
                ("**/__tests__/**", Role::Test),
                ("backend/tests/**", Role::Test),
                ("docs/**", Role::Docs),
                ("scripts/**", Role::Script),
            ]
        );
        let text = write(&survey, &Config::default());
        insta::assert_snapshot!(found(&survey), @"
        #
        # Source files found: Python (4), TypeScript (4).
        # Manifests found:
        #   backend/pyproject.toml
        #   frontend/package.json
        ");
        let file = repository();
        fs::write(file.path().join("readiness.toml"), &text).unwrap();
        let config = Config::discover(file.path()).unwrap();
        assert_eq!(config.files.roles, survey.roles);
    }

    #[test]
    fn what_it_calls_a_default_is_the_default() {
        let text = write(&Survey::default(), &Config::default());
        let uncommented: String = text
            .lines()
            .map(|line| {
                let key =
                    line.strip_prefix('#').filter(|rest| rest.starts_with(char::is_alphabetic));
                key.unwrap_or(line).to_owned() + "\n"
            })
            .collect();
        assert!(uncommented.contains("\nfail-under = 70\n"), "{uncommented}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("readiness.toml");
        fs::write(&file, uncommented).unwrap();
        let mut config = Config::from_file(&file).unwrap();
        config.origin = None;
        assert_eq!(config, Config::default());
    }
}
