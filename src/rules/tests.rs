//! Rules matched against real code.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::finding::Category;
use crate::limits::Limits;
use crate::module::Module;
use crate::source::{Encoding, Language, LineIndex, Role, Source};

fn rule(id: &str, text: &str) -> RuleSource {
    RuleSource {
        id: id.to_owned(),
        category: Category::Security,
        path: format!("security/{id}.toml"),
        text: text.to_owned(),
    }
}

/// A rule with the given matcher and the message `m: …`.
fn simple(message: &str, matcher: &str) -> RuleSource {
    rule(
        "the-rule",
        &format!(
            "title = 't'\nseverity = 'high'\nconfidence = 'high'\neffort = '1h'\nmessage = '''{message}'''\nwhy = 'w'\nfix = 'f'\n\
             [match]\n{matcher}\n[[example]]\nbad.python = 'x'\ngood.python = 'y'\n"
        ),
    )
}

fn source(language: Language, text: &str) -> Source {
    let path = match language {
        Language::Python => "app/views.py",
        _ => "app/file",
    };
    Source {
        path: path.to_owned(),
        language,
        role: Role::Production,
        text: text.to_owned(),
        encoding: Encoding::Utf8,
    }
}

fn lower(source: &Source) -> Option<Module> {
    source.language.has_module().then(|| {
        crate::module::lower::lower(source.language, &source.text, &Limits::default()).unwrap()
    })
}

fn matches(sources: &[RuleSource], source: &Source) -> Matches {
    let catalogue = Catalogue::compile(sources, &Overrides::default())
        .unwrap_or_else(|error| panic!("{error}"));
    let lines = LineIndex::new(&source.text);
    let active = catalogue.needed(&source.text, source.language, source.role);
    run(&catalogue, &active, source, lower(source).as_ref(), &lines)
}

/// `line: message` of each finding, `line accepted: reason` of each accepted use.
fn python(message: &str, matcher: &str, code: &str) -> Vec<String> {
    shown(&matches(&[simple(message, matcher)], &source(Language::Python, code)))
}

fn shown(matches: &Matches) -> Vec<String> {
    let findings = matches.findings.iter().map(|f| format!("{}: {}", f.location.line, f.message));
    let accepted =
        matches.accepted.iter().map(|a| format!("{} accepted: {}", a.location.line, a.reason));
    findings.chain(accepted).collect()
}

#[test]
fn calls_are_found_through_aliases() {
    let code = "import os\nimport os as o\nfrom os import getenv as g, environ\nos.getenv('A', 'x')\no.getenv('B')\ng('C', default='y')\nenviron.get('D', 1)\nmy.getenv('E')\n";
    assert_eq!(
        python("{callee} {0} {1|default}", "call = ['os.getenv', 'os.environ.get']", code),
        ["4: os.getenv A x", "5: os.getenv B (none)", "6: os.getenv C y", "7: os.environ.get D 1"]
    );
    assert_eq!(
        python(
            "{0}",
            "call = ['os.getenv']\nargs.'1|default' = { literal = true, not = ['^$'] }",
            code
        ),
        ["4: A", "6: C"]
    );
    assert_eq!(
        python("{0}", "call = ['**.getenv']\nargs.1 = { absent = true }", code),
        ["5: B", "6: C", "8: E"]
    );
}

#[test]
fn names_from_the_project_itself_match_as_written() {
    let code = "from .db import get_conn\nfrom other import open\nget_conn()\nopen()\n";
    assert_eq!(python("{callee}", "call = ['get_conn', 'open']", code), ["3: get_conn"]);
}

#[test]
fn a_receiver_need_not_be_a_path() {
    let code =
        "connect().cursor().execute('q')\nexecute('r')\ndb.session.query(User).filter(x).all()\n";
    assert_eq!(python("{callee}", "call = ['**.execute']", code), ["1: ….execute", "2: execute"]);
    assert_eq!(
        python("{callee}", "call = ['**.all']\nreceiver = ['**.query']", code),
        ["3: ….all"]
    );
}

#[test]
fn texts_are_folded_and_matched_once() {
    let code = "HOST = 'localhost'\nurl = 'http://' + HOST + '/x'\nf(f'http://{HOST}/{id}/y')\nu = 'http://%s/a' % host\nv = 'http://{}/b'.format(host)\nd = {'http://k': 1}\n";
    assert_eq!(
        python("{text}|{match}", "text = ['http://([^/]*)']", code),
        [
            "2: http://localhost/x|localhost",
            "3: http://localhost/{}/y|localhost",
            "4: http://{}/a|{}",
            "5: http://{}/b|{}",
            "6: http://k|k"
        ]
    );
    assert!(
        python("{text}", "text = ['secret words']", "def f():\n    'secret words'\n").is_empty()
    );
}

#[test]
fn surroundings_can_be_asked() {
    let text = |constraint: &str, code: &str| {
        python("{text}", &format!("text = ['^mark']\n{constraint}"), code).len()
    };
    let code = "URL = 'mark1'\nf(url='mark2')\nd = {'url': 'mark3'}\ndef g(url='mark4'):\n    return {'k': ['mark5']}\nx.url = a or 'mark6'\nh('mark7')\n";
    assert_eq!(text("assigned_to = ['(?i)^url$']", code), 5);
    assert_eq!(text("returned = true", code), 1);
    assert_eq!(text("argument_of = ['h']", code), 1);
    assert_eq!(text("inside_function = ['^g$']", code), 2);
    assert_eq!(
        text("unless = [{ inside_function = ['^g$'] }, { argument_of = ['f', 'h'] }]", code),
        3
    );
    assert_eq!(text("compared = true", "if x == 'mark':\n    pass\ny = 'mark'\n"), 1);
    assert_eq!(text("inside_handler = true", "try:\n    f('mark')\nexcept E:\n    g('mark')\n"), 1);
    assert_eq!(text("inside_class = ['Test']", "class TestX:\n    a = 'mark'\nb = 'mark'\n"), 1);
    assert_eq!(
        text(
            "decorated = ['app.route']",
            "@app.route('/')\ndef f():\n    return 'mark'\nb = 'mark'\n"
        ),
        1
    );
    assert_eq!(text("path = ['app/*.py']", "a = 'mark'\n"), 1);
    assert_eq!(text("path = ['settings/**']", "a = 'mark'\n"), 0);
    assert_eq!(text("imports = ['flask']", "from flask.views import V\na = 'mark'\n"), 1);
    assert_eq!(text("imports = ['flask']", "import flaskx\na = 'mark'\n"), 0);
    assert_eq!(text("module_has = ['TESTING']", "a = 'mark'\n"), 0);
    assert_eq!(text("line_matches = ['# here']", "a = 'mark'\nb = 'mark'  # here\n"), 1);
}

#[test]
fn fallbacks_are_the_right_operand() {
    let code = "import os\na = os.environ.get('A') or 'x'\nb = int(os.environ.get('B') or 5)\nc = x or os.environ.get('C')\nd = os.environ.get('D') or os.environ['E']\n";
    assert_eq!(
        python("{0} {fallback}", "call = ['os.environ.get']\nfallback = { literal = true }", code),
        ["2: A x", "3: B 5"]
    );
    assert_eq!(
        python("{0}", "call = ['os.environ.get']\nfallback = { env = true }", code),
        ["5: D"]
    );
}

#[test]
fn accesses_match_outermost_first_and_once() {
    let code = "from flask_login import current_user\nif current_user.role.name == 'a':\n    x = os.environ['HOME']\n";
    assert_eq!(
        python("{path} {last}", "access = ['current_user.*']", code),
        ["2: current_user.role role"]
    );
    assert_eq!(
        python("{path}", "access = ['flask_login.current_user.**']", code),
        ["2: flask_login.current_user.role.name"]
    );
    assert_eq!(python("{path}", "access = ['os.environ.*']", code), ["3: os.environ.HOME"]);
}

#[test]
fn definitions_are_found_by_kind_and_body() {
    let code = "mock_a = 1\nclass MockB: pass\ndef mock_c(mock_d):\n    return {'x': 1}\ndef mock_e():\n    return load()\nfrom m import mock_f\ndef mock_g():\n    raise NotImplementedError\ndef mock_h():\n    pass\n";
    let names = |rest: &str| python("{name}", &format!("name = ['(?i)^mock']\n{rest}"), code);
    assert_eq!(
        names("kinds = ['binding', 'class', 'parameter']"),
        ["1: mock_a", "2: MockB", "3: mock_d"]
    );
    assert_eq!(names("body = 'literal'"), ["3: mock_c"]);
    assert_eq!(names("body = 'raises'"), ["8: mock_g"]);
    assert_eq!(names("body = 'empty'"), ["10: mock_h"]);
    assert_eq!(names("kinds = ['import']"), ["7: mock_f"]);
}

#[test]
fn comments_are_matched_and_suppressions_are_not() {
    let code = "x = 1  # TODO: later\n# readiness: ignore[a] TODO write\ny = '# TODO'\n";
    assert_eq!(python("{comment}", "comment = ['TODO']", code), ["1: TODO: later"]);
}

#[test]
fn lines_need_no_module() {
    let rule = simple("{key} {match}", "line = ['^(?<key>\\w+)=(\\d+)$']\nmodule_has = ['=']");
    let found = matches(&[rule], &source(Language::Dotenv, "A=1\nB=x\nC=22\n"));
    assert_eq!(shown(&found), ["1: A A", "3: C C"]);
}

#[test]
fn raw_queries_run_on_their_language() {
    let rule =
        simple("{name}", "query.python = '(function_definition name: (identifier) @name) @match'");
    assert_eq!(shown(&matches(&[rule], &source(Language::Python, "def f(): pass\n"))), ["1: f"]);
}

#[test]
fn accepted_forms_keep_their_reason_and_roles_keep_rules_out() {
    let matcher = "call = ['f']\n[accept]\n'b: short' = { args.0 = ['^.$'] }\n'a: named x' = { args.0 = ['^x'] }\n";
    assert_eq!(
        python("{0}", matcher, "f('x')\nf('y')\nf('long')\n"),
        ["3: long", "1 accepted: a: named x", "2 accepted: b: short"]
    );
    let mut test = source(Language::Python, "f('long')");
    test.role = Role::Test;
    assert_eq!(matches(&[simple("{0}", "call = ['f']")], &test), Matches::default());
}

#[test]
fn overrides_change_rules_and_unknown_ids_are_refused() {
    let sources = [simple("{0}", "call = ['f']")];
    let with = |id: &str, change: Override| {
        let overrides = Overrides { rules: [(id.to_owned(), change)].into() };
        Catalogue::compile(&sources, &overrides)
    };
    let off = with("the-rule", Override { off: true, ..Override::default() }).unwrap();
    assert!(off.rules().is_empty());
    let low = with(
        "the-rule",
        Override { severity: Some(crate::finding::Severity::Low), ..Override::default() },
    )
    .unwrap();
    assert_eq!(low.rules()[0].spec.severity, crate::finding::Severity::Low);
    assert!(
        with("the-rul", Override::default())
            .unwrap_err()
            .to_string()
            .contains("did you mean `the-rule`?")
    );
}

#[test]
fn what_a_caller_sent_is_followed_until_something_looks_at_it() {
    let rule = "call = ['open']\nargs.'*' = { reads = ['request.args'] }";
    let code = "\
def plain(request):
    open(request.args['a'])
def by_name(request):
    name = request.args.get('a')
    path = f'files/{name}'
    open(path)
def compared(request):
    name = request.args['a']
    if name not in KNOWN:
        abort(404)
    open(name)
def refused(request):
    name = request.args['a']
    check_name(name)
    open(name)
def cleaned(request):
    open(clean(request.args['a']))
def bound_anew(request):
    name = request.args['a']
    name = clean(name)
    open(name)
def presence(request):
    name = request.args['a']
    if name is None:
        abort(404)
    open(name)
";
    assert_eq!(python("m", rule, code), ["2: m", "6: m", "26: m"]);
    let begins = "call = ['open']\nargs.0 = { begins = ['request.args'] }";
    let code = "open(f'https://acme.io/{request.args}')\nopen(request.args['a'] + '/x')\n";
    assert_eq!(python("m", begins, code), ["2: m"]);
}

#[test]
fn a_comment_with_the_place_or_above_explains_it() {
    let rule = "call = ['f']\n[accept]\n'said' = { explained = true }";
    let code = "f(1)\n\n# because of the till\nf(2)\nf(3)  # because of it\n\nf(4)\n";
    let accepted = ["4 accepted: said", "5 accepted: said"];
    assert_eq!(python("m", rule, code), [&["1: m", "7: m"][..], &accepted].concat());
}

#[test]
fn mistakes_in_rule_files_name_line_and_remedy() {
    let fault = |text: &str| RuleSpec::parse(&rule("a-rule", text)).unwrap_err().to_string();
    let good = simple("{0}", "call = ['f']").text;
    assert!(RuleSpec::parse(&rule("a-rule", &good)).is_ok());
    let faults = [
        fault("title = 't'\nseverty = 'high'\n"),
        fault(&good.replace("'high'\nconf", "'hihg'\nconf")),
        fault(&good.replace("[match]", "[match]\ntext = ['x']")),
        fault(&good.replace("call = ['f']", "call = ['f']\nargument_off = ['g']")),
        fault(&good.replace("call = ['f']", "call = ['f']\nargs.0 = { literl = true }")),
        fault(&good.replace("call = ['f']", "call = ['f*']")),
        fault(&good.replace("call = ['f']", "check = 'unguarded-user'")),
        fault(&good.replace("call = ['f']", "line = ['f']\nreturned = true")),
        fault(&good.replace("call = ['f']", "text = ['f']").replace("{0}", "{txt}")),
        fault(&good.replace("effort = '1h'", "effort = '1w'")),
        fault(&good.replace("good.python", "fine.python")),
        fault(&good.replace("[match]", "[match")),
    ];
    insta::assert_snapshot!(faults.join("\n"), @r#"
    security/a-rule.toml:2:1: unknown key `severty`
      help: did you mean `severity`?
    security/a-rule.toml:2:12: unknown severity `hihg`
      help: did you mean `high`?
    security/a-rule.toml:9:1: [match] has both `call` and `text`
      help: a rule looks at one thing: make two rules
    security/a-rule.toml:10:1: unknown constraint `argument_off`
      help: did you mean `argument_of`?
    security/a-rule.toml:10:12: unknown value test `literl`
      help: did you mean `literal`?
    security/a-rule.toml:9:8: in `f*`, `*` stands for a whole step and not for a part of one
      help: write paths such as `os.getenv`, `process.env.*` or `**.execute`
    security/a-rule.toml:9:9: unknown check `unguarded-user`
      help: did you mean `unguarded-current-user`?
    security/a-rule.toml:10:1: `returned` has no meaning for `line`
      help: here one can use explained, path, line_matches, module_has, imports, unless
    security/a-rule.toml:5:11: unknown hole `txt`
      help: did you mean `text`?
    security/a-rule.toml:4:10: `1w` is no effort
      help: write minutes, hours or days of 8 hours: "15m", "2h", "1d"
    security/a-rule.toml:12:1: unknown key `fine`
      help: known are bad, good, accepted, path
    security/a-rule.toml:8:7: is no TOML: unclosed table, expected `]`
    "#);
}

#[test]
fn secrets_reach_neither_message_nor_excerpt_nor_accepted_line() {
    let secret = ["hunter2", "hunter2"].concat();
    let code = format!(
        "import os\nos.getenv('SECRET_KEY', '{secret}')\nx = 1\nos.getenv('API_TOKEN', '{secret}0')\nos.getenv(\n  'DB_PASSWORD',\n  '{secret}1',\n)\n"
    );
    let matcher = "call = ['os.getenv']\n[accept]\n'r' = { args.0 = ['TOKEN'] }";
    let found = matches(&[simple("{0} is {1}", matcher)], &source(Language::Python, &code));
    assert_eq!(shown(&found), ["2: SECRET_KEY is …", "5: DB_PASSWORD is …", "4 accepted: r"]);
    assert!(!format!("{found:?}").contains(&secret));
}

#[test]
fn suppressions_cover_their_line_or_the_next_code() {
    let code = "f(1)  # readiness: ignore[the-rule] checked by hand, until 2027-01-31\n# readiness: ignore[the-rule]: why not\n# more words\n\nf(2)\nf(3)  # readiness: ignore[the-rule]\nf(4)  # readiness: ignore[the-rule] old, until 2020-01-01\nf(5)\ng(6)  # readiness: ignore[the-rule, the-rul] nothing\n";
    let mut sources = load::embedded();
    sources.push(simple("{0}", "call = ['f']"));
    let specs = catalogue::specs(&sources, &Overrides::default()).unwrap();
    let source = source(Language::Python, code);
    let mut found = matches(&sources, &source).findings;
    let lines = LineIndex::new(code);
    let declared = suppress::of_module(&source, &lower(&source).unwrap(), &lines);
    assert_eq!(declared, suppress::of_text(&source, &lines));
    let known = specs.iter().map(|spec| spec.id.as_str()).collect();
    let file = suppress::FileSuppressions {
        path: &source.path,
        role: source.role,
        suppressions: &declared,
    };
    let faults = suppress::apply(&mut found, &[file], &specs, &known, "2026-11-20");
    let open: Vec<u32> = found.iter().filter(|f| f.is_open()).map(|f| f.location.line).collect();
    assert_eq!(open, [6, 7, 8]);
    assert_eq!(found[0].suppressed.as_ref().unwrap().until.as_deref(), Some("2027-01-31"));
    assert_eq!(found[1].suppressed.as_ref().unwrap().reason, "why not");
    let faults: Vec<_> = faults.iter().map(|f| format!("{} {}", f.location.line, f.rule)).collect();
    assert_eq!(
        faults,
        [
            "6 suppression-without-reason",
            "7 suppression-expired",
            "9 suppression-unused",
            "9 suppression-unknown-rule"
        ]
    );
}

fn code(language: Language, message: &str, matcher: &str, code: &str) -> Vec<String> {
    shown(&matches(&[simple(message, matcher)], &source(language, code)))
}

#[test]
fn javascript_names_are_resolved_too() {
    let text = "import axios, { get as g } from 'axios';\nimport * as Sentry from '@sentry/node';\nconst { exec: run } = require('child_process');\nconst fs = require('node:fs');\naxios.post('/a');\ng('/b');\nSentry.init();\nrun('ls');\nfs.readFile('x');\nnew Foo(1);\n";
    let found = code(
        Language::JavaScript,
        "{callee}",
        "call = ['axios.*', '@sentry/node.init', 'child_process.exec', 'fs.readFile', 'Foo']",
        text,
    );
    assert_eq!(
        found,
        [
            "5: axios.post",
            "6: axios.get",
            "7: @sentry/node.init",
            "8: child_process.exec",
            "9: fs.readFile",
            "10: Foo"
        ]
    );
}

#[test]
fn javascript_fallbacks_and_receivers_are_seen() {
    let text = "const host = process.env.HOST || 'localhost';\nconst port = Number(process.env.PORT ?? 3000);\nconst key = process.env['KEY'];\nlisten({ url: process.env.URL || `http://${host}` });\n";
    let fallback = |rest: &str| {
        code(
            Language::TypeScript,
            "{last} {fallback}",
            &format!("access = ['process.env.*']\n{rest}"),
            text,
        )
    };
    assert_eq!(fallback("fallback = { literal = true }"), ["1: HOST localhost", "2: PORT 3000"]);
    assert_eq!(fallback("fallback = { absent = true }"), ["3: KEY (none)"]);
    assert_eq!(
        fallback("fallback = {}\nassigned_to = ['^(url|port)$']"),
        ["2: PORT 3000", "4: URL http://localhost"]
    );
}

#[test]
fn text_between_tags_module_names_types_and_keys_are_no_texts() {
    let text = "import x from 'mark/a';\nconst y = require('mark/b');\ntype T = 'mark c';\nconst z = { mark: 1, 'mark e': <p title='mark f'>mark g</p> };\nconst t = `mark ${z} h`;\n";
    assert_eq!(
        code(Language::Tsx, "{text}", "text = ['^mark']", text),
        ["4: mark e", "4: mark f", "5: mark {} h"]
    );
}

#[test]
fn rust_fallbacks_and_receivers_are_seen() {
    let text = "use std::env;\nfn main() {\n    let a = env::var(\"A\").unwrap_or(\"x\".to_string());\n    let b = std::env::var(\"B\").unwrap_or_else(|_| \"y\".into());\n    let c = env::var(\"C\").expect(\"C\");\n    let d = env::var(\"D\").ok().unwrap_or(String::new());\n}\n";
    let found = |message: &str, matcher: &str| code(Language::Rust, message, matcher, text);
    assert_eq!(found("{0}", "call = ['std::env::var']\nfallback = { absent = true }"), ["5: C"]);
    assert_eq!(found("{0}", "call = ['std::env::var']\nassigned_to = ['^a$']"), ["3: A"]);
    assert_eq!(
        found("{0}", "call = ['**.unwrap_or', '**.unwrap_or_else']\nreceiver = ['std::env::var']")
            .len(),
        3
    );
}

#[test]
fn a_text_without_a_parser_still_gives_up_its_suppressions() {
    let dotenv = source(
        Language::Dotenv,
        "# readiness: ignore[a-rule] because\nA=1\nB='# readiness: ignore[b]'\n",
    );
    let lines = LineIndex::new(&dotenv.text);
    let found = suppress::of_text(&dotenv, &lines);
    assert_eq!((found[0].line, found[0].covers, found[0].reason.as_str()), (1, 2, "because"));
}
