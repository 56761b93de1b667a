//! `readiness rules new`: a rule file that passes its own test, to be changed step by step.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use crate::cli::options::ConfigOptions;
use crate::cli::{PASSED, terminal, words};
use crate::finding::Category;
use crate::rules::{RuleSource, load};

/// Begin a rule: write a file that passes `readiness rules test` at once, to be changed.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The rule's id: lower-case words joined by `-`.
    #[arg(value_name = "ID")]
    id: String,
    /// The category, which is the folder that the file goes to.
    #[arg(long, default_value = "code-quality",
          value_parser = words::<Category>(Category::ALL.iter().map(|c| c.as_str())))]
    category: Category,
    /// The folder of your rules.
    ///
    /// Without it, the first that the configuration names under `rules`, or `my-rules`.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The language of the first examples.
    #[arg(long, value_enum, default_value = "python")]
    language: Language,
    /// What the rule looks at.
    #[arg(long, value_enum, value_name = "SUBJECT", default_value = "call")]
    subject: Subject,
    #[command(flatten)]
    config: ConfigOptions,
}

const EXAMPLES: &str = "\
Examples:
  readiness rules new no-print
  readiness rules new no-print --category monitoring --dir my-rules
  readiness rules new draft-text --subject text --language typescript";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    Python,
    #[value(name = "typescript")]
    TypeScript,
    #[value(name = "javascript")]
    JavaScript,
    Rust,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// Calls, by path; imported names are resolved.
    Call,
    /// Chains of attributes.
    Access,
    /// String literals.
    Text,
    /// Comments.
    Comment,
    /// Names of definitions.
    Name,
    /// Lines of any text file.
    Line,
}

impl Arguments {
    pub(super) fn run(&self) -> anyhow::Result<u8> {
        let config = self.config.load(Path::new("."))?;
        let folder = match (&self.dir, config.rules.first()) {
            (Some(folder), _) => folder.clone(),
            (None, Some(folder)) => folder.clone(),
            (None, None) => PathBuf::from("my-rules"),
        };
        let inner = format!("{}/{}.toml", self.category, self.id);
        // Asks whether the id is one.
        let source = RuleSource::new(&inner, text(self.subject, self.language))?;
        if load::embedded().iter().any(|known| known.id == source.id) {
            bail!(
                "`{}` is a built-in rule; choose another name, or change that rule with \
                 [rule.{}] in readiness.toml",
                self.id,
                self.id
            );
        }
        let file = folder.join(&inner);
        let shown = terminal::visible(&file.to_string_lossy());
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).with_context(|| format!("{shown}: cannot be written"))?;
        }
        // Nobody's rule is overwritten.
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&file)
            .and_then(|mut file| file.write_all(source.text.as_bytes()))
            .with_context(|| format!("{shown}: cannot be written"))?;
        let named = config.rules.iter().any(|known| known == &folder);
        let folder = terminal::visible(&folder.to_string_lossy());
        let mut said = format!("wrote {shown}\n");
        if !named {
            said += &format!("to load it, set rules = [\"{folder}\"] in readiness.toml\n");
        }
        said += &format!("to test it, run `readiness rules test {folder}`");
        terminal::note(&said);
        Ok(PASSED)
    }
}

/// What a subject is written with, and code that has it and code that has it not.
struct Sample {
    matcher: &'static str,
    message: &'static str,
    bad: &'static str,
    good: &'static str,
}

fn sample(subject: Subject, language: Language) -> Sample {
    use Language::{JavaScript, Python, Rust, TypeScript};
    let (matcher, message, bad, good) = match (subject, language) {
        (Subject::Call, Python) => (
            "call = [\"print\"]                  # paths such as os.getenv, process.env.*, **.execute",
            "`{callee}` is called with {0}",
            "print(order.id)",
            "log.info(\"order %s\", order.id)",
        ),
        (Subject::Call, TypeScript | JavaScript) => (
            "call = [\"console.log\"]            # paths such as os.getenv, process.env.*, **.execute",
            "`{callee}` is called with {0}",
            "console.log(order.id)",
            "log.info(order.id)",
        ),
        (Subject::Call, Rust) => (
            "call = [\"std.process.exit\"]       # paths such as os.getenv, process.env.*, **.execute",
            "`{callee}` is called with {0}",
            "fn stop() {\n    std::process::exit(1);\n}",
            "fn stop() -> Result<(), Error> {\n    Err(Error::Stopped)\n}",
        ),
        (Subject::Access, Python) => (
            "access = [\"settings.DEBUG\"]       # chains such as process.env.*",
            "`{path}` is read",
            "show = settings.DEBUG",
            "show = settings.SHOW_ERRORS",
        ),
        (Subject::Access, TypeScript | JavaScript) => (
            "access = [\"settings.debug\"]       # chains such as process.env.*",
            "`{path}` is read",
            "const show = settings.debug",
            "const show = settings.showErrors",
        ),
        (Subject::Access, Rust) => (
            "access = [\"settings.debug\"]       # chains such as process.env.*",
            "`{path}` is read",
            "fn shows(settings: &Settings) -> bool {\n    settings.debug\n}",
            "fn shows(settings: &Settings) -> bool {\n    settings.show_errors\n}",
        ),
        (Subject::Text, Python) => (
            "text = ['(?i)^internal use only']  # regular expressions",
            "The text `{text}` is for nobody outside",
            "title = \"Internal use only\"",
            "title = \"Orders\"",
        ),
        (Subject::Text, TypeScript | JavaScript) => (
            "text = ['(?i)^internal use only']  # regular expressions",
            "The text `{text}` is for nobody outside",
            "const title = \"Internal use only\"",
            "const title = \"Orders\"",
        ),
        (Subject::Text, Rust) => (
            "text = ['(?i)^internal use only']  # regular expressions",
            "The text `{text}` is for nobody outside",
            "const TITLE: &str = \"Internal use only\";",
            "const TITLE: &str = \"Orders\";",
        ),
        (Subject::Comment, Python) => (
            "comment = ['(?i)^hack\\b']          # regular expressions, over each line of a comment",
            "A comment says: {comment}",
            "# HACK: the other service is late\nwait(3)",
            "# The other service needs a moment.\nwait(3)",
        ),
        (Subject::Comment, _) => (
            "comment = ['(?i)^hack\\b']          # regular expressions, over each line of a comment",
            "A comment says: {comment}",
            "// HACK: the other service is late",
            "// The other service needs a moment.",
        ),
        (Subject::Name, Python) => (
            "name = ['^temporary_']             # regular expressions\nkinds = [\"function\"]              # function, class, binding, parameter, import",
            "`{name}` is named as if it were to go",
            "def temporary_total(order):\n    return order.total",
            "def total(order):\n    return order.total",
        ),
        (Subject::Name, TypeScript | JavaScript) => (
            "name = ['^temporary']              # regular expressions\nkinds = [\"function\"]              # function, class, binding, parameter, import",
            "`{name}` is named as if it were to go",
            "function temporaryTotal(order) {\n  return order.total\n}",
            "function total(order) {\n  return order.total\n}",
        ),
        (Subject::Name, Rust) => (
            "name = ['^temporary_']             # regular expressions\nkinds = [\"function\"]              # function, class, binding, parameter, import",
            "`{name}` is named as if it were to go",
            "fn temporary_total(order: &Order) -> u64 {\n    order.total\n}",
            "fn total(order: &Order) -> u64 {\n    order.total\n}",
        ),
        (Subject::Line, _) => (
            "line = ['do-not-ship']             # regular expressions, over lines of any text file",
            "The line says `{match}`",
            "flag = \"do-not-ship\"",
            "flag = \"ship\"",
        ),
    };
    Sample { matcher, message, bad, good }
}

fn text(subject: Subject, language: Language) -> String {
    let Sample { matcher, message, bad, good } = sample(subject, language);
    let language = match language {
        Language::Python => "python",
        Language::TypeScript => "typescript",
        Language::JavaScript => "javascript",
        Language::Rust => "rust",
    };
    format!(
        "\
title = \"One line that names the problem\"
severity = \"medium\"                # critical, high, medium, low, info
confidence = \"medium\"              # how sure the rule is: high, medium, low
effort = \"15m\"                     # what one fix takes: 15m, 2h, 1d
message = \"{message}\"
why = \"What happens in production because of it.\"
wrong = \"Where the rule can be mistaken, so that a reader knows what to look at.\"
fix = \"What to write instead.\"
# references = [\"CWE-710\"]         # CWE, OWASP ASVS, a chapter of 12factor.net, a page
languages = [\"{language}\"]
roles = [\"production\"]             # the files that it looks at; also test, script, config, …

[match]                            # what it looks at, and what must hold beside
{matcher}

# [accept]                         # legitimate uses: listed in the report with this reason
# \"the reason\" = {{ path = [\"tools/**\"] }}

[[example]]                        # `readiness rules test` executes these
bad.{language} = '''
{bad}
'''
good.{language} = '''
{good}
'''
"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::rules::test_rule;

    #[test]
    fn every_new_rule_passes_its_own_test() {
        for subject in Subject::value_variants() {
            for language in Language::value_variants() {
                let text = text(*subject, *language);
                let source = RuleSource::new("code-quality/a-rule.toml", text.clone()).unwrap();
                let runs = test_rule(source).unwrap_or_else(|error| panic!("{error}\n{text}"));
                assert_eq!(runs.len(), 2);
                for run in runs {
                    assert_eq!(run.failure, None, "{subject:?} {language:?}\n{text}");
                }
            }
        }
    }
}
