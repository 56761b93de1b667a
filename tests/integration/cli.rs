//! The command line: exit status, and what goes where.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a run said.
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program in a folder, in an environment that says nothing.
pub(crate) fn readiness(folder: &Path, arguments: &[&str]) -> Run {
    run(command(folder, arguments))
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_readiness"));
    command.current_dir(folder).args(arguments).env_clear().stdin(Stdio::null());
    command
}

fn run(mut command: Command) -> Run {
    let output = command.output().unwrap();
    Run {
        status: output.status.code().expect("the program ends by itself"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder tree from paths and texts. It has a configuration of its own, so that none further
/// up the machine's folders is found.
pub(crate) fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [("readiness.toml", "")].iter().chain(files) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// A project in which no rule finds anything.
fn clean() -> tempfile::TempDir {
    tree(&[("app/main.py", "def add(left, right):\n    return left + right\n")])
}

#[test]
fn help_and_version_go_to_stdout_and_end_with_0() {
    let folder = clean();
    for command in ["audit", "routes", "rules", "explain", "init", "json-schema"] {
        let help = readiness(folder.path(), &[command, "--help"]);
        assert_eq!(help.status, 0);
        assert!(help.stdout.contains("Examples:"), "{command}: {}", help.stdout);
        assert_eq!(help.stderr, "");
    }
    let help = readiness(folder.path(), &["--help"]);
    assert!(help.stdout.contains("Exit status:"), "{}", help.stdout);
    assert_eq!(
        readiness(folder.path(), &["--version"]).stdout,
        concat!("readiness ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn what_cannot_run_ends_with_2_and_writes_nothing_to_stdout() {
    let folder = tree(&[("bad.toml", "[gates]\nfial-under = 1\n"), ("file.py", "")]);
    fs::create_dir(folder.path().join("folder.md")).unwrap();
    for (arguments, expected) in [
        (&["audit", "nowhere"][..], "nowhere"),
        (&["audit", "file.py"], "not a folder"),
        (&["audit", "--nonsense"], "--nonsense"),
        (&["audit", "--config", "bad.toml"], "bad.toml:2:1: unknown key `fial-under`"),
        (&["audit", "--config", "missing.toml"], "missing.toml"),
        (&["audit", "-o", "report.pdf"], ".md"),
        (&["audit", "-o", "missing/report.md"], "missing/report.md"),
        (&["audit", "-o", "folder.md"], "folder.md"),
        (&["audit", "-o", "a.md", "-o", "./a.md"], "same file"),
        (&["audit", "-o", "a.md", "-o", "b.json", "-o", "../nowhere/../a.md"], ""),
        (&["explain", "no-such-rule"], "no-such-rule"),
        (&["routes", "nowhere"], "nowhere"),
        (&[], "Usage"),
    ] {
        let run = readiness(folder.path(), arguments);
        assert_eq!(run.status, 2, "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{arguments:?}");
        assert!(run.stderr.contains(expected), "{arguments:?}: {}", run.stderr);
    }
    assert!(
        !folder.path().join("a.md").exists(),
        "nothing is written before all is known to be right"
    );
}

#[test]
fn a_wrong_configuration_in_the_repository_ends_with_2() {
    let folder = tree(&[("readiness.toml", "[gates]\nfail-on = \"hihg\"\n")]);
    let run = readiness(folder.path(), &["audit"]);
    assert_eq!(run.status, 2);
    assert!(
        run.stderr.contains("readiness.toml:2:11: `fail-on` must be one of none, info, low"),
        "{}",
        run.stderr
    );
    assert_ne!(readiness(folder.path(), &["audit", "--no-config"]).status, 2);
    let run = readiness(folder.path(), &["audit", "--config", "/dev/null"]);
    assert_ne!(run.status, 2, "{}", run.stderr);
}

#[test]
fn nothing_to_audit_is_3_and_never_a_pass() {
    let folder = tempfile::tempdir().unwrap();
    let run = readiness(folder.path(), &["audit", "--no-config"]);
    assert_eq!(run.status, 3, "{}", run.stderr);
    assert!(run.stderr.contains("nothing to audit"), "{}", run.stderr);
    assert_eq!(readiness(folder.path(), &["audit", "--no-config", "--allow-incomplete"]).status, 0);
}

#[test]
fn the_exit_status_is_the_same_for_every_format() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["terminal", "markdown", "json"] {
        let run = readiness(folder.path(), &["audit", "--no-config", "--quiet", "-f", format]);
        assert_eq!((run.status, run.stderr.as_str()), (3, ""), "{format}");
        assert!(run.stdout.contains("NOT ASSESSED"), "{format}: {}", run.stdout);
    }
}

#[test]
fn outputs_follow_their_suffixes_and_stdout_carries_only_a_report() {
    let folder = clean();
    let run = readiness(folder.path(), &["audit", "-o", "report.md", "-o", "audit.json"]);
    assert_eq!(run.stdout, "", "the report went to files");
    assert!(run.stderr.contains("wrote report.md, audit.json"), "{}", run.stderr);
    let json = fs::read_to_string(folder.path().join("audit.json")).unwrap();
    let audit: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(audit["schema"], "readiness/audit/1");
    let mode = fs::metadata(folder.path().join("report.md")).unwrap().permissions().mode();
    assert_ne!(mode & 0o044, 0, "a report is for others to read");

    let run = readiness(folder.path(), &["audit", "-f", "json", "-o", "again.md"]);
    let audit: Value = serde_json::from_str(&run.stdout).expect("stdout carries only the report");
    assert_eq!(audit["schema"], "readiness/audit/1");
    assert!(folder.path().join("again.md").exists());
}

#[test]
fn quiet_says_nothing() {
    let folder = clean();
    let run = readiness(folder.path(), &["audit", "--quiet", "-o", "report.md"]);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let folder = clean();
    for arguments in
        [&["json-schema"][..], &["audit", "-f", "json", "--quiet"], &["explain", "score"]]
    {
        let expected = readiness(folder.path(), arguments).status;
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = command(folder.path(), arguments);
        let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(expected), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let folder = clean();
    let mut command = command(folder.path(), &["audit", "-f", "json"]);
    let stdout = fs::OpenOptions::new().write(true).open(full).unwrap();
    let output = command.stdout(stdout).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn colours_are_written_only_where_they_are_asked_for() {
    let folder = clean();
    let colours = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = command(folder.path(), arguments);
        command.envs(variables.iter().copied());
        let run = run(command);
        run.stdout.contains('\u{1b}') || run.stderr.contains('\u{1b}')
    };
    assert!(!colours(&["audit"], &[("TERM", "xterm-256color")]), "a pipe is no terminal");
    assert!(!colours(&["audit", "--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colours(&["audit", "-f", "json", "--color", "always"], &[]), "data has no colours");
    assert!(!colours(&["audit", "-f", "markdown", "--color", "always"], &[]));
}

#[test]
fn explain_shows_the_configuration_that_holds() {
    let folder = tree(&[(
        "readiness.toml",
        "[gates]\nfail-under = 81.5\nfail-on = \"high\"\n[score]\nhalf-life = 7.5\n",
    )]);
    let gate = readiness(folder.path(), &["explain", "gate"]).stdout;
    assert!(gate.contains("score at least 81.5"), "{gate}");
    assert!(gate.contains("no-high       blocks"), "{gate}");
    let score = readiness(folder.path(), &["explain", "score"]).stdout;
    assert!(score.contains("H = 7.5 × √kLOC"), "{score}");
    assert!(score.contains("readiness.toml"), "{score}");
    let score = readiness(folder.path(), &["explain", "score", "--no-config"]).stdout;
    assert!(score.contains("H = 10 × √kLOC"), "{score}");
}

#[test]
fn explain_tells_of_a_route_how_it_comes_about_and_who_gets_in() {
    let folder = tree(&[(
        "app.py",
        "from flask import Blueprint, Flask
from flask_login import login_required

users = Blueprint('users', __name__)

@users.get('/<int:id>')
@login_required
def user(id):
    return {'id': id}

app = Flask(__name__)
app.register_blueprint(users, url_prefix='/users')
",
    )]);
    for topic in ["GET /users/{id}", "/users/7", "app.py:8"] {
        let run = readiness(folder.path(), &["explain", topic]);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{topic}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(run.stdout, @r"
            GET /users/{id}
            ───────────────

            Anonymous callers are turned away, by login_required.

            Way
                application              Flask                  app.py:11
                mount         /users     Blueprint of app.py:4  app.py:12
                registration  /<int:id>  GET                    app.py:6
                handler                  app.user               app.py:8

            What an anonymous caller meets
                login_required      library: flask_login.login_required  turns an anonymous caller away
                the handler itself  app.py:8                             is not reached
            ");
        }
    }
    let run = readiness(folder.path(), &["explain", "POST /users/{id}"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("no route answers POST /users/{id}"), "{}", run.stderr);
}

#[test]
fn init_writes_a_file_that_is_read_and_never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("backend/tests")).unwrap();
    fs::write(folder.path().join("backend/tests/test_a.py"), "").unwrap();
    let run = readiness(folder.path(), &["init"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    let file = folder.path().join("readiness.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("\"backend/tests/**\" = \"test\""), "{text}");
    assert_eq!(readiness(folder.path(), &["explain", "gate"]).status, 0);

    fs::write(&file, "# mine\n").unwrap();
    let run = readiness(folder.path(), &["init"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("exists already"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n");
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "no temporary file is left: {names:?}");
}

#[test]
fn init_writes_through_no_dangling_link_and_beside_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("elsewhere");
    std::os::unix::fs::symlink(&target, folder.path().join("readiness.toml")).unwrap();
    assert_eq!(readiness(folder.path(), &["init"]).status, 2);
    assert!(!target.exists());

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pyproject.toml"), "[tool.readiness]\n").unwrap();
    let run = readiness(folder.path(), &["init"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("[tool.readiness]"), "{}", run.stderr);
}

#[test]
fn the_schemas_are_schemas() {
    let folder = clean();
    for of in ["audit", "config"] {
        let run = readiness(folder.path(), &["json-schema", of]);
        assert_eq!(run.status, 0);
        let schema: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert!(schema["properties"].is_object());
    }
}

#[test]
fn routes_and_rules_as_json_keep_their_shape() {
    let folder = clean();
    let shape = |arguments: &[&str], key: &str| {
        let run = readiness(folder.path(), arguments);
        let value: Value = serde_json::from_str(&run.stdout).unwrap();
        assert!(value[key].is_array(), "{}", run.stdout);
    };
    shape(&["routes", "--format", "json"], "routes");
    shape(&["rules", "--format", "json"], "rules");
}

/// A rule of one's own that finds `print`.
fn own_rule(good: &str) -> String {
    format!(
        "title = \"t\"\nseverity = \"low\"\nconfidence = \"high\"\neffort = \"10m\"\n\
         message = \"`{{callee}}`\"\nwhy = \"w\"\nfix = \"f\"\n[match]\ncall = [\"print\"]\n\
         [[example]]\nbad.python = 'print(1)'\ngood.python = '''\n{good}\n'''\n"
    )
}

#[test]
fn the_examples_of_own_rules_are_tests() {
    let folder = tree(&[
        ("own/monitoring/good.toml", &own_rule("log(1)")),
        ("own/monitoring/wrong.toml", &own_rule("x = 1\nif x: print(x)")),
    ]);
    let run = readiness(folder.path(), &["rules", "test", "own/monitoring/good.toml"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout, @r"
    good (own/monitoring/good.toml)
      ok      line 11    bad.python
      ok      line 12    good.python

    1 rule, 2 examples: 2 passed, 0 failed
    ");

    let run = readiness(folder.path(), &["rules", "test", "own", "--quiet"]);
    assert_eq!((run.status, run.stderr.as_str()), (1, ""));
    insta::assert_snapshot!(run.stdout, @r"
    wrong (own/monitoring/wrong.toml)
      FAILED  line 12    good.python

    error: good.python: line 2 is found: `print`
      --> own/monitoring/wrong.toml:14:7
       |
    14 | if x: print(x)
       |       ^^^^^^^^

    2 rules, 4 examples: 3 passed, 1 failed
    ");
}

#[test]
fn a_rule_that_cannot_be_used_is_shown_where_it_is_wrong_and_the_others_are_tested() {
    let faulty = own_rule("log(1)").replace("\"low\"", "\"hihg\"");
    let regex = own_rule("log(1)").replace("call = [\"print\"]", "text = ['a', '(']");
    let regex = regex.replace("`{callee}`", "x");
    let folder = tree(&[
        ("own/monitoring/faulty.toml", &faulty),
        ("own/monitoring/good.toml", &own_rule("log(1)")),
        ("own/monitoring/regex.toml", &regex),
        ("own/nowhere/lost.toml", ""),
    ]);
    let run = readiness(folder.path(), &["rules", "test", "own", "--quiet"]);
    assert_eq!(run.status, 2);
    assert_eq!(run.stdout, "1 rule, 2 examples: 2 passed, 0 failed; 3 rules cannot be used\n");
    insta::assert_snapshot!(run.stderr, @r#"
    error: the folder `nowhere` is no category
    --> own/nowhere/lost.toml
     = help: put the file into a folder named after its category: code-quality, api, security, configuration, database, testing, infrastructure, monitoring, performance, documentation

    error: unknown severity `hihg`
     --> own/monitoring/faulty.toml:2:12
      |
    2 | severity = "hihg"
      |            ^^^^^^
      |
      = help: did you mean `high`?

    error: `(` is no regular expression: unclosed group
     --> own/monitoring/regex.toml:9:8
      |
    9 | text = ['a', '(']
      |        ^^^^^^^^^^
    "#);
    let run = readiness(folder.path(), &["audit", "--rules", "own"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("error: the folder `nowhere` is no category"), "{}", run.stderr);
    let run = readiness(folder.path(), &["rules", "test"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("no rules to test"), "{}", run.stderr);
}

#[test]
fn a_new_rule_passes_its_test_and_none_is_overwritten() {
    let folder = tree(&[]);
    let new = ["rules", "new", "no-print", "--category", "monitoring"];
    let run = readiness(folder.path(), &new);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""));
    insta::assert_snapshot!(run.stderr, @r#"
    wrote my-rules/monitoring/no-print.toml
    to load it, set rules = ["my-rules"] in readiness.toml
    to test it, run `readiness rules test my-rules`
    "#);
    assert_eq!(readiness(folder.path(), &["rules", "test", "my-rules"]).status, 0);
    let run = readiness(folder.path(), &new);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("no-print.toml: cannot be written"), "{}", run.stderr);
    for (id, expected) in [("No_Print", "is no rule id"), ("lorem-ipsum", "is a built-in rule")] {
        let run = readiness(folder.path(), &["rules", "new", id]);
        assert_eq!(run.status, 2);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
}

/// Two settings, of which the configuration allows one.
fn with_allowed(entries: &str) -> tempfile::TempDir {
    let folder = tree(&[(
        "app/main.py",
        "import os\nDB = os.getenv(\"DB_HOST\", \"localhost\")\nMQ = os.getenv(\"MQ_HOST\", \"queue.local\")\n",
    )]);
    let configuration = folder.path().join("readiness.toml");
    fs::write(configuration, format!("[rule.env-literal-fallback]\n{entries}")).unwrap();
    folder
}

/// `rule file:line` of the findings, `reason (entry)` of what is accepted.
fn judged(folder: &Path, arguments: &[&str]) -> (Vec<String>, Vec<String>) {
    let run = readiness(folder, &[&["audit", "-q", "-f", "json"], arguments].concat());
    let audit: Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    let list = |name: &str| audit[name].as_array().unwrap().clone();
    let findings = list("findings").into_iter().map(|finding| {
        let (rule, place) = (finding["rule"].as_str().unwrap(), &finding["location"]);
        format!("{rule} {}:{}", place["path"].as_str().unwrap(), place["line"])
    });
    let accepted = list("accepted")
        .into_iter()
        .map(|place| format!("{} ({})", place["reason"].as_str().unwrap(), place["allowed_by"]));
    (findings.collect(), accepted.collect())
}

#[test]
fn what_the_configuration_allows_is_accepted_with_its_reason() {
    let found = |line: u32| format!("env-literal-fallback app/main.py:{line}");
    for entry in [
        "values = ['^queue\\.local$']",
        "values = ['MQ_HOST']\npaths = ['app/*.py']",
        "calls = ['os.getenv']\nvalues = ['MQ']",
        "values = ['MQ']\nuntil = '9999-01-01'",
    ] {
        let folder =
            with_allowed(&format!("[[rule.env-literal-fallback.allow]]\nreason = 'r'\n{entry}\n"));
        let (findings, accepted) = judged(folder.path(), &[]);
        assert_eq!((findings, accepted), (vec![found(2)], vec!["r (0)".to_owned()]), "{entry}");
    }
}

#[test]
fn an_entry_that_covers_nothing_or_has_expired_is_told() {
    let entries = "[[rule.env-literal-fallback.allow]]\nreason = 'a'\nvalues = ['MQ']\nuntil = '2020-01-01'\n\
                   [[rule.env-literal-fallback.allow]]\nreason = 'b'\nvalues = ['DB']\n\
                   [[rule.env-literal-fallback.allow]]\nreason = 'c'\ncalls = ['open']\n";
    let folder = with_allowed(entries);
    let (findings, accepted) = judged(folder.path(), &[]);
    assert_eq!(accepted, ["b (1)"]);
    assert_eq!(
        findings,
        [
            "env-literal-fallback app/main.py:3",
            "suppression-expired readiness.toml:2",
            "suppression-unused readiness.toml:9"
        ]
    );
    let (findings, _) = judged(folder.path(), &["--include", "app/**"]);
    assert_eq!(findings, ["env-literal-fallback app/main.py:3"], "only a part was looked at");
}

#[test]
fn an_entry_must_say_why_and_where() {
    for (entry, expected) in [
        ("reason = 'r'", "names none of `paths`, `values` and `calls`"),
        ("paths = ['a']", "has no `reason`"),
        ("reason = 'r'\nvalues = ['(']", "is no regular expression"),
        ("reason = 'r'\npaths = ['a[']", "is no glob"),
        ("reason = 'r'\npaths = ['a']\nuntil = 'soon'", "`soon` is no date"),
        ("reason = 'r'\npath = ['a']", "did you mean `paths`?"),
    ] {
        let folder = with_allowed(&format!("[[rule.env-literal-fallback.allow]]\n{entry}\n"));
        let run = readiness(folder.path(), &["audit"]);
        assert_eq!(run.status, 2, "{entry}");
        assert!(run.stderr.contains(expected), "{entry}: {}", run.stderr);
    }
}

#[test]
fn a_profile_goes_to_stderr_and_changes_no_report() {
    let folder = with_allowed("");
    let plain = readiness(folder.path(), &["audit", "-f", "json", "-q"]);
    let run = readiness(folder.path(), &["audit", "-f", "json", "-q", "--profile"]);
    assert_eq!((run.status, run.stdout), (plain.status, plain.stdout));
    assert_eq!(plain.stderr, "");
    for words in ["TIME", "PHASE", "match rules", "RULE", "env-literal-fallback"] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    let times: Vec<f64> = run
        .stderr
        .lines()
        .skip_while(|line| !line.contains("RULE"))
        .skip(1)
        .filter_map(|line| line.split_once(" ms")?.0.trim().parse().ok())
        .collect();
    assert!(times.len() > 3 && times.is_sorted_by(|left, right| left >= right), "{times:?}");
}
