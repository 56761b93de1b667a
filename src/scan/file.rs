//! One file, from its bytes to its [`FileScan`]: which steps are taken, in which order, and what
//! their refusals mean for the ledger. The steps themselves belong to other modules.

use std::fmt::Write as _;
use std::time::Instant;

use super::{Analyse, FileScan, Job, Status, lines};
use crate::finding::{Accepted, Finding};
use crate::inventory::Need;
use crate::limits::Limits;
use crate::module::{Defect, Module, uses};
use crate::profile::Profile;
use crate::rules::suppress::Suppression;
use crate::source::read::size;
use crate::source::{Encoding, Language, Role, Source, mentions};

/// A file with more bytes than this is analysed only while no other such file is. The 99th
/// percentile of every language lies below 140 KB, so it costs nothing and bounds the memory
/// (HOSTILE.md, section 4).
pub const HEAVY_BYTES: u64 = 256 * 1024;

/// The word that begins every suppression. A file that holds it is parsed, since an unused
/// suppression is a finding too.
pub(super) const SUPPRESSION: &str = "readiness:";

/// Why a file that a program wrote is left out.
const GENERATED: &str = "generated file";

/// What is done to a file.
pub trait Steps: Sync {
    /// What the rules want of a file.
    type Wanted;

    /// The size of a file in bytes; 0 where nobody can tell.
    fn size(&self, path: &str) -> u64;

    /// Reads and decodes a file of at most [`Limits::read_bytes`].
    ///
    /// # Errors
    /// When it is not read.
    fn read(&self, path: &str) -> Result<(String, Encoding), Refused>;

    /// The role of a file whose path did not settle it.
    fn role_of_content(&self, role: Role, language: Language, text: &str) -> Role;

    /// Which rules can fire in the text, by the literals that they need.
    fn wanted(&self, source: &Source) -> Self::Wanted;

    /// Whether any of these reads the module.
    fn wants_module(&self, wanted: &Self::Wanted) -> bool;

    /// What linking needs the file for: it holds a literal that an inventory needs, or is a data
    /// file that linking reads.
    fn need(&self, source: &Source) -> Need;

    /// Whether anybody asks who calls the routes: then files that a program wrote are read, since
    /// one may be a client, and pages are searched for links.
    fn asks_for_calls(&self) -> bool {
        false
    }

    /// Parses and lowers. Called only for languages that have modules or documents.
    ///
    /// # Errors
    /// When the file is not parsed at all.
    fn lower(&self, source: &Source) -> Result<Module, Refused>;

    /// Runs the rules. Without a module only those that read text or lines.
    fn matches(&self, source: &Source, module: Option<&Module>, wanted: &Self::Wanted) -> Matches;

    /// The part of the module that linking needs; `None` where nothing of it can matter.
    fn facts(&self, module: Module) -> Option<Module>;

    /// Web frameworks that a manifest names and that no reader reads.
    fn frameworks_not_read(&self, _source: &Source) -> Vec<String> {
        Vec::new()
    }
}

/// Why a step refuses a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// A phrase of the ledger.
    pub reason: String,
    /// More about this file.
    pub detail: Option<String>,
    /// See [`Status::LeftOut`].
    pub failure: bool,
}

/// What the rules say about a file.
#[derive(Debug, Default)]
pub struct Matches {
    /// What they found.
    pub findings: Vec<Finding>,
    /// Legitimate uses that they met.
    pub accepted: Vec<Accepted>,
    /// Suppressions in its comments.
    pub suppressions: Vec<Suppression>,
    /// Rules that gave up within this file: what they found is not all there is.
    pub unfinished: Vec<String>,
    /// Nanoseconds by rule, where they were asked for.
    pub spent: Vec<(String, u64)>,
}

/// The analyser of real files.
#[derive(Debug)]
pub struct Analyser<S> {
    /// What is done to each.
    pub steps: S,
    /// The limits.
    pub limits: Limits,
    /// Whether time is measured.
    pub profile: bool,
}

impl<S: Steps> Analyse for Analyser<S> {
    fn analyse(&self, job: &Job) -> FileScan {
        analyse(&self.steps, &self.limits, job, &mut Clock::new(self.profile)).unwrap_or_else(
            |refused| FileScan::left_out(job, &refused.reason, refused.detail, refused.failure),
        )
    }

    fn is_heavy(&self, job: &Job) -> bool {
        self.steps.size(&job.path) > HEAVY_BYTES
    }
}

/// Measures the steps of one file, where somebody asks.
struct Clock {
    last: Option<Instant>,
    spent: Profile,
}

impl Clock {
    fn new(profile: bool) -> Self {
        Self { last: profile.then(Instant::now), spent: Profile::default() }
    }

    /// What has passed since the last step belongs to this one.
    fn step(&mut self, name: &str) {
        if let Some(last) = &mut self.last {
            self.spent.phase(name, *last);
            *last = Instant::now();
        }
    }
}

fn analyse<S: Steps>(
    steps: &S,
    limits: &Limits,
    job: &Job,
    clock: &mut Clock,
) -> Result<FileScan, Refused> {
    if job.role == Role::Generated && !steps.asks_for_calls() {
        return Err(Refused::choice(GENERATED));
    }
    let (text, encoding) = steps.read(&job.path)?;
    clock.step("scan: read");
    let role = if job.role_is_certain {
        job.role
    } else {
        steps.role_of_content(job.role, job.language, &text)
    };
    if role == Role::Vendored {
        return Err(Refused::choice("vendored file"));
    }
    let source = Source { path: job.path.clone(), language: job.language, role, text, encoding };
    if role == Role::Generated {
        return generated(steps, limits, job, &source);
    }

    let rules = (!job.facts_only).then(|| steps.wanted(&source));
    let has_module = source.language.has_module();
    let need = match has_module || source.language.has_documents() {
        true => steps.need(&source),
        false => Need::default(),
    };
    let wants_facts = has_module && job.facts_only || need.any();
    let parse = wants_facts
        || has_module
            && rules.as_ref().is_some_and(|wanted| {
                steps.wants_module(wanted) || source.text.contains(SUPPRESSION)
            });
    clock.step("scan: look for literals");
    // A large file without any of the literals is as good as read. One with them is not read by
    // halves: what line rules say about it would look like all there is to say.
    if parse && source.text.len() as u64 > limits.parse_bytes {
        return Err(Refused::choice(&format!("larger than {}", size(limits.parse_bytes))));
    }

    let (module, refused) = match parse.then(|| steps.lower(&source)).transpose() {
        Ok(module) => (module, None),
        // Of data only linking wants the documents, and no rule: the lines are read all the same.
        Err(refused) if !has_module => (None, Some(refused)),
        Err(refused) => return Err(refused),
    };
    let seen = module.as_ref().filter(|_| has_module);
    clock.step("scan: parse");
    let Matches { findings, accepted, suppressions, unfinished, spent } =
        rules.map(|wanted| steps.matches(&source, seen, &wanted)).unwrap_or_default();
    clock.step("scan: match rules");
    let wants_uses = role == Role::Production && !job.facts_only;
    let uses = seen.filter(|_| wants_uses).map(uses::of).unwrap_or_default();
    clock.step("scan: note what is called");
    for (rule, spent) in spent {
        clock.spent.rule(&rule, spent);
    }
    let status = match refused {
        Some(Refused { reason, detail, .. }) => Status::Partly { reason, detail },
        None => status(module.as_ref().map_or(&[], |module| &module.defects), &unfinished),
    };
    let facts = module.filter(|_| wants_facts).and_then(|module| steps.facts(module));
    let (frameworks_not_read, counted) =
        (steps.frameworks_not_read(&source), lines::count(&source.text, source.language));
    clock.step("scan: take facts");
    Ok(FileScan {
        frameworks_not_read,
        uses,
        spent: std::mem::take(&mut clock.spent),
        mentions: mentions_of(&source, steps.asks_for_calls()),
        path: source.path,
        language: source.language,
        role,
        encoding,
        status,
        parsed: parse,
        lines: counted,
        findings,
        accepted,
        suppressions,
        need,
        facts,
    })
}

/// What a test, a load script, a page or a link mentions that may be a route.
fn mentions_of(source: &Source, asks_for_calls: bool) -> Vec<String> {
    if source.role == Role::Test || mentions::is_load_script(&source.text) {
        mentions::of(&source.text)
    } else if !asks_for_calls || source.role != Role::Production {
        Vec::new()
    } else if source.language.is_markup() || mentions::is_page(&source.path) {
        mentions::of(&source.text)
    } else if source.language.is_script() || source.language == Language::Python {
        mentions::links(&source.text)
    } else {
        Vec::new()
    }
}

/// A file that a program wrote: nobody judges it, but a generated client calls a server all the
/// same.
fn generated<S: Steps>(
    steps: &S,
    limits: &Limits,
    job: &Job,
    source: &Source,
) -> Result<FileScan, Refused> {
    let refused = Refused::choice(GENERATED);
    let fits = source.text.len() as u64 <= limits.parse_bytes;
    let need = match source.language.has_module() && fits {
        true => steps.need(source),
        false => Need::default(),
    };
    if !need.calls {
        return Err(refused);
    }
    let facts = steps.lower(source).ok().and_then(|module| steps.facts(module));
    Ok(FileScan { facts, need, ..FileScan::left_out(job, &refused.reason, None, false) })
}

impl Refused {
    /// Nobody wanted to read it.
    fn choice(reason: &str) -> Self {
        Self { reason: reason.to_owned(), detail: None, failure: false }
    }
}

/// The ledger's word for what the parser did not understand (the first reason, and where), or
/// else for the rules that gave up.
fn status(defects: &[Defect], unfinished: &[String]) -> Status {
    let Some(first) = defects.first() else {
        if unfinished.is_empty() {
            return Status::Analysed;
        }
        let reason = "a rule gave up".to_owned();
        return Status::Partly { reason, detail: Some(unfinished.join(", ")) };
    };
    let mut detail = format!("line {}", first.span.line);
    if defects.len() > 1 {
        // Writing to a string does not fail.
        let _ = write!(detail, " and {} more", defects.len() - 1);
    }
    Status::Partly { reason: first.reason.to_string(), detail: Some(detail) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use smol_str::SmolStr;

    use super::*;
    use crate::module::Span;

    /// A text, and what it takes to want it.
    struct Fake {
        text: String,
        rules: bool,
        facts: bool,
        defects: usize,
        refuses: bool,
        gives_up: bool,
    }

    impl Steps for Fake {
        type Wanted = ();

        fn size(&self, _path: &str) -> u64 {
            self.text.len() as u64
        }

        fn read(&self, path: &str) -> Result<(String, Encoding), Refused> {
            match path {
                "binary.py" => Err(Refused::choice("binary file")),
                _ => Ok((self.text.clone(), Encoding::Utf8)),
            }
        }

        fn role_of_content(&self, role: Role, _language: Language, text: &str) -> Role {
            if text.starts_with("# generated") { Role::Generated } else { role }
        }

        fn wanted(&self, _source: &Source) {}

        fn wants_module(&self, (): &()) -> bool {
            self.rules
        }

        fn need(&self, _source: &Source) -> Need {
            Need { routes: self.facts, calls: false }
        }

        fn lower(&self, source: &Source) -> Result<Module, Refused> {
            if self.refuses {
                return Err(Refused { reason: "too deep".into(), detail: None, failure: true });
            }
            let defect = |line| Defect {
                span: Span { start: 0, end: 0, line },
                reason: SmolStr::new("syntax error"),
            };
            Ok(Module {
                language: source.language,
                body: Vec::new(),
                comments: Vec::new(),
                defects: (3..).take(self.defects).map(defect).collect(),
            })
        }

        fn matches(&self, _source: &Source, module: Option<&Module>, (): &()) -> Matches {
            let suppression = Suppression {
                line: u32::from(module.is_some()),
                covers: 0,
                rules: Vec::new(),
                reason: String::new(),
                until: None,
            };
            let unfinished = if self.gives_up { vec!["slow".to_owned()] } else { Vec::new() };
            Matches { suppressions: vec![suppression], unfinished, ..Matches::default() }
        }

        fn facts(&self, module: Module) -> Option<Module> {
            Some(module)
        }
    }

    const NOTHING: Fake = Fake {
        text: String::new(),
        rules: false,
        facts: false,
        defects: 0,
        refuses: false,
        gives_up: false,
    };

    fn job(path: &str) -> Job {
        Job {
            path: path.to_owned(),
            language: Language::Python,
            role: Role::Production,
            role_is_certain: false,
            facts_only: false,
        }
    }

    fn scan(fake: Fake) -> FileScan {
        scan_job(fake, &job("app.py"))
    }

    fn scan_job(fake: Fake, job: &Job) -> FileScan {
        Analyser { steps: fake, limits: Limits::default(), profile: false }.analyse(job)
    }

    fn left_out(scan: &FileScan) -> (&str, bool) {
        match &scan.status {
            Status::LeftOut { reason, failure, .. } => (reason, *failure),
            _ => ("", false),
        }
    }

    #[test]
    fn a_file_without_literals_is_analysed_and_not_parsed() {
        let scan = scan(Fake { text: "x = 1\n\n# why\n".into(), refuses: true, ..NOTHING });
        assert_eq!((&scan.status, scan.parsed), (&Status::Analysed, false));
        assert_eq!((scan.lines.code, scan.lines.comment, scan.lines.blank), (1, 1, 1));
        assert_eq!(scan.suppressions.len(), 1, "text rules run");
        assert_eq!(scan.facts, None);
    }

    #[test]
    fn facts_are_kept_only_where_an_inventory_wants_them() {
        let rules = scan(Fake { rules: true, ..NOTHING });
        assert!(rules.parsed && rules.facts.is_none());
        let facts = scan(Fake { facts: true, ..NOTHING });
        assert!(facts.parsed && facts.facts.is_some());
        let only = Job { facts_only: true, ..job("app.py") };
        let only = scan_job(Fake { rules: true, ..NOTHING }, &only);
        assert!(only.parsed && only.facts.is_some() && only.suppressions.is_empty());
    }

    #[test]
    fn a_suppression_alone_is_reason_enough_to_parse() {
        let scan = scan(Fake { text: "# readiness: ignore[x] y".into(), ..NOTHING });
        assert!(scan.parsed);
    }

    #[test]
    fn a_language_without_modules_is_never_parsed() {
        let sql = Job { language: Language::Sql, facts_only: true, ..job("a.sql") };
        let scan = scan_job(Fake { rules: true, facts: true, refuses: true, ..NOTHING }, &sql);
        assert_eq!((scan.status, scan.parsed), (Status::Analysed, false));
    }

    #[test]
    fn data_is_lowered_only_for_linking_and_no_rule_sees_it() {
        let json = |fake| scan_job(fake, &Job { language: Language::Json, ..job("package.json") });
        let wanted = json(Fake { facts: true, rules: true, ..NOTHING });
        assert!(wanted.parsed && wanted.facts.is_some());
        assert_eq!(wanted.suppressions[0].line, 0, "the rules have no module");
        assert!(!json(Fake { rules: true, ..NOTHING }).parsed);
        let only = Job { language: Language::Json, facts_only: true, ..job("data.json") };
        assert!(!scan_job(NOTHING, &only).parsed, "an import alone is no reason");
    }

    #[test]
    fn data_that_is_refused_is_partly_read() {
        let broken = Job { language: Language::Yaml, ..job("openapi.yaml") };
        let broken = scan_job(Fake { facts: true, refuses: true, ..NOTHING }, &broken);
        assert_eq!(broken.status, Status::Partly { reason: "too deep".to_owned(), detail: None });
        assert_eq!((broken.facts, broken.suppressions.len()), (None, 1));
    }

    #[test]
    fn large_files_are_left_out_only_where_they_would_be_parsed() {
        let large = || " ".repeat(1024 * 1024 + 1);
        let wanted = scan(Fake { text: large(), rules: true, ..NOTHING });
        assert_eq!(left_out(&wanted), ("larger than 1 MiB", false));
        assert_eq!(scan(Fake { text: large(), ..NOTHING }).status, Status::Analysed);
    }

    #[test]
    fn generated_files_are_a_choice_and_refusals_are_failures() {
        let generated = || Fake { text: "# generated by x".into(), rules: true, ..NOTHING };
        assert_eq!(left_out(&scan(generated())), ("generated file", false));
        let certain = Job { role_is_certain: true, ..job("app.py") };
        assert_eq!(scan_job(generated(), &certain).status, Status::Analysed);
        assert_eq!(
            left_out(&scan(Fake { rules: true, refuses: true, ..NOTHING })),
            ("too deep", true)
        );
        assert_eq!(left_out(&scan_job(NOTHING, &job("binary.py"))), ("binary file", false));
    }

    #[test]
    fn defects_make_a_file_partly_read() {
        let status = |defects| scan(Fake { rules: true, defects, ..NOTHING }).status;
        let partly = |detail: &str| Status::Partly {
            reason: "syntax error".to_owned(),
            detail: Some(detail.to_owned()),
        };
        assert_eq!(status(1), partly("line 3"));
        assert_eq!(status(4), partly("line 3 and 3 more"));
    }

    #[test]
    fn a_rule_that_gives_up_makes_a_file_partly_read() {
        let scan = scan(Fake { gives_up: true, ..NOTHING });
        let reason = "a rule gave up".to_owned();
        assert_eq!(scan.status, Status::Partly { reason, detail: Some("slow".to_owned()) });
    }

    #[test]
    fn sizes_in_words() {
        assert_eq!((size(1024 * 1024), size(1500)), ("1 MiB".into(), "1500 bytes".into()));
    }
}
