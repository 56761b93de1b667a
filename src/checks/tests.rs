//! The module checks on small programs.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::limits::Limits;
use crate::source::{Encoding, Language, LineIndex, Role};

/// The lines that a check finds, accepted ones with a `~`.
fn python(check: &str, code: &str) -> Vec<String> {
    run(Language::Python, check, code)
}

fn run(language: Language, check: &str, code: &str) -> Vec<String> {
    let source = Source {
        path: "app".to_owned(),
        language,
        role: Role::Production,
        text: code.to_owned(),
        encoding: Encoding::Utf8,
    };
    let module = crate::module::lower::lower(source.language, code, &Limits::default()).unwrap();
    let lines = LineIndex::new(code);
    module_check(check).unwrap()(&source, &module)
        .into_iter()
        .map(|found| {
            format!(
                "{}{}",
                if found.accepted.is_some() { "~" } else { "" },
                lines.line_of(found.span.start)
            )
        })
        .collect()
}

fn finds(check: &str, code: &str) -> bool {
    python(check, code).iter().any(|line| !line.starts_with('~'))
}

#[test]
fn the_table_is_sorted_and_its_names_are_unique() {
    let names = names();
    let mut unique = names.clone();
    unique.dedup();
    assert_eq!(names, unique);
    assert!(MODULE_CHECKS.iter().all(|entry| !entry.needs.is_empty()));
}

#[test]
fn the_role_of_an_unguarded_user_is_found_in_handlers_only() {
    let head = "from flask_login import current_user\n";
    let view = |decorators: &str, body: &str| {
        finds("unguarded-current-user", &format!("{head}{decorators}\ndef view():\n{body}\n"))
    };
    let role = "    if current_user.role == 'admin':\n        return 1";
    assert!(view("@app.route('/')", role));
    assert!(view("@bp.get('/')", "    return q(owner=current_user.id)"));
    assert!(!view("", role));
    assert!(!view("@app.route('/')\n@login_required", role));
    assert!(!view("@app.route('/')\n@require_permission('x')", role));
    assert!(!view("@app.route('/')\n@auth.jwt_required()", role));
    assert!(!view(
        "@app.route('/')",
        "    if not current_user.is_authenticated:\n        abort(401)\n    return current_user.role"
    ));
    assert!(!view(
        "@app.route('/')",
        "    if not current_user:\n        return 1\n    return current_user.role"
    ));
    assert!(!view("@app.route('/')", "    check_permission('x')\n    return current_user.role"));
    assert!(!view("@app.route('/')", "    return getattr(current_user, 'role', None)"));
    assert!(!view("@app.route('/')", "    return current_user.is_anonymous"));
    assert!(!finds(
        "unguarded-current-user",
        &format!(
            "{head}@bp.before_request\ndef guard(): pass\n@bp.get('/')\ndef f():\n    return current_user.role\n"
        )
    ));
    // FastAPI hands in a user whom a dependency has let through.
    assert!(!finds(
        "unguarded-current-user",
        "@router.get('/')\ndef f(current_user: CurrentUser):\n    return current_user.role\n"
    ));
    assert!(finds(
        "unguarded-current-user",
        "@api_view(['GET'])\ndef f(request):\n    return request.user.email\n"
    ));
    assert!(!finds(
        "unguarded-current-user",
        "@api_view(['GET'])\ndef f(request):\n    return request.user.id\n"
    ));
}

#[test]
fn a_check_that_lets_anonymous_callers_through_is_found() {
    let found = |code: &str| finds("auth-allows-anonymous", code);
    assert!(found(
        "def can_edit(x):\n    if not current_user.is_authenticated:\n        return True\n    return x\n"
    ));
    assert!(!found(
        "def can_edit(x):\n    if not current_user.is_authenticated:\n        return False\n    return x\n"
    ));
    assert!(found("def has_permission(user):\n    if user is None:\n        return True\n"));
    assert!(!found(
        "def has_permission(permission=None):\n    if permission is None:\n        return True\n"
    ));
    assert!(found(
        "def is_admin():\n    return current_user.is_anonymous or current_user.role == 'admin'\n"
    ));
    assert!(found(
        "def check_access(u):\n    if u.is_authenticated:\n        return u.ok\n    else:\n        return True\n"
    ));
    let decorator = "def login_required(f):\n    def inner(*a, **k):\n        if TEST:\n            return f(*a, **k)\n        abort(401)\n    return inner\n";
    assert!(found(&decorator.replace("TEST", "app.config.get('TESTING')")));
    assert!(found(&decorator.replace("TEST", "current_app.config['LOGIN_DISABLED']")));
    assert!(found(&decorator.replace("TEST", "not g.user")));
    assert!(!found(&decorator.replace("TEST", "g.user")));
    assert!(!found(&decorator.replace("TEST", "not app.config.get('TESTING')")));
    assert!(!found(
        &decorator.replace("login_required", "login_optional").replace("TEST", "not g.user")
    ));
    assert!(!found("def render(user):\n    if user is None:\n        return True\n"));
}

#[test]
fn handlers_that_answer_with_data_are_found() {
    let found = |answer: &str| {
        python(
            "except-returns-data",
            &format!(
                "def f():\n    try:\n        return g()\n    except Exception as e:\n        {answer}\n"
            ),
        )
    };
    for answer in [
        "return {'users': [{'id': 1, 'name': 'A'}]}",
        "return [{'id': 1}]",
        "return jsonify({'success': True, 'data': []})",
        "return jsonify([])",
        "return {'status': 'ok'}, 200",
        "if x:\n            return [{'id': 1}]",
    ] {
        assert_eq!(found(answer).len(), 1, "{answer}");
    }
    for answer in [
        "return None",
        "return []",
        "return {'error': 'broken'}",
        "return {'success': False}",
        "return {'success': True, 'error': str(e)}",
        "return jsonify({'message': 'x failed'}), 500",
        "return {'status': 'ok'}, 503",
        "return JSONResponse({'ok': True}, status_code=500)",
        "return 'unknown'",
        "raise",
    ] {
        assert!(found(answer).is_empty(), "{answer}");
    }
    assert_eq!(
        python(
            "except-returns-data",
            "def f():\n    try:\n        import x\n    except ImportError:\n        return {'v': 1}\n"
        ),
        ["~5"]
    );
}

#[test]
fn functions_that_promise_data_and_make_it_up_are_found() {
    let found = |code: &str| python("stub-returns-literal", code);
    assert_eq!(found("def get_users():\n    return [{'id': 1}]\n"), ["1"]);
    assert_eq!(found("async def predict_demand(item):\n    return 0.87\n"), ["1"]);
    assert_eq!(
        found("def get_users():\n    if x:\n        return []\n    return [{'id': 1}]\n"),
        ["1"]
    );
    assert_eq!(found("def get_port():\n    return 8080\n"), ["~1"]);
    assert_eq!(found("class A(Enum):\n    def get_all(self):\n        return [1, 2]\n"), ["~2"]);
    for code in [
        "def get_users():\n    return load()\n",
        "def get_users():\n    return []\n",
        "def get_users(self):\n    return self.users\n",
        "def get_users(db):\n    db.open()\n    return [1, 2]\n",
        "def get_user(n):\n    if n:\n        return [1]\n    return [2]\n",
        "def getter():\n    return [1, 2]\n",
        "def users():\n    return [1, 2]\n",
        "def get_users():\n    raise NotImplementedError\n",
    ] {
        assert!(found(code).is_empty(), "{code}");
    }
}

#[test]
fn handlers_of_express_are_seen() {
    let found = |code: &str| run(Language::JavaScript, "unguarded-current-user", code);
    assert_eq!(found("app.get('/a', (req, res) => {\n  res.json(req.user.id);\n});\n"), ["2"]);
    assert_eq!(
        found(
            "router.post('/a', upload, async function (req, res) {\n  res.json(req.user.id);\n});\n"
        ),
        ["2"]
    );
    for code in [
        "app.get('/a', requireLogin, (req, res) => {\n  res.json(req.user.id);\n});\n",
        "app.get('/a', (req, res) => {\n  res.json(req.user?.id);\n});\n",
        "app.get('/a', (req, res) => {\n  if (!req.user) return res.sendStatus(401);\n  res.json(req.user.id);\n});\n",
        "app.use(passport.session());\napp.get('/a', (req, res) => {\n  res.json(req.user.id);\n});\n",
        "const f = (req, res) => {\n  res.json(req.user.id);\n};\n",
    ] {
        assert!(found(code).is_empty(), "{code}");
    }
}

#[test]
fn javascript_catches_stubs_and_middleware_are_seen() {
    let caught = |answer: &str| {
        run(
            Language::TypeScript,
            "except-returns-data",
            &format!(
                "function f(req, res) {{\n  try {{ g(); }} catch (e) {{\n    {answer};\n  }}\n}}\n"
            ),
        )
    };
    assert_eq!(caught("return { users: [{ id: 1 }] }"), ["3"]);
    assert_eq!(caught("res.json({ success: true, data: [] })"), ["3"]);
    assert_eq!(caught("res.status(200).json({ success: true })"), ["3"]);
    assert!(caught("res.status(500).json({ success: true })").is_empty());
    assert!(caught("res.json({ success: false })").is_empty());
    let stub = |code: &str| run(Language::TypeScript, "stub-returns-literal", code);
    assert_eq!(stub("export const fetchUsers = async () => [{ id: 1, name: 'A' }];\n"), ["1"]);
    assert!(stub("export const fetchUsers = () => api.get('/users');\n").is_empty());
    let allows = |code: &str| run(Language::JavaScript, "auth-allows-anonymous", code);
    assert_eq!(
        allows(
            "function requireAuth(req, res, next) {\n  if (!req.user) { return next(); }\n  check(req, next);\n}\n"
        ),
        ["2"]
    );
    assert_eq!(
        allows(
            "const isAdmin = (user) => {\n  if (process.env.NODE_ENV === 'test') return true;\n  return user.admin;\n};\n"
        ),
        ["2"]
    );
    assert!(allows("function requireAuth(req, res, next) {\n  if (!req.user) { return next(new Error('x')); }\n  next();\n}\n").is_empty());
}

#[test]
fn a_failure_that_somebody_looks_at_later_is_not_swallowed() {
    let swallows = |code: &str| run(Language::TypeScript, "exception-swallowed", code);
    let within = |body: &str, rest: &str| {
        swallows(&format!("async function f() {{\n{body} catch {{}}\n{rest}\n}}\n"))
    };
    assert_eq!(within("try { await store.save(a) }", "return 1"), ["2"]);
    assert_eq!(within("try { await users.find(key) }", "throw new Denied()"), ["~2"]);
    assert_eq!(
        within("try { a = await users.find(key) }", "if (!a) { throw new Denied() }"),
        ["~2"]
    );
    assert_eq!(within("try { colour = luminance(text) }", "return colour"), ["~2"]);
    assert_eq!(within("try { text = readFileSync(path) }", "return text"), ["2"]);
    assert_eq!(within("try { run() } finally { try { await gone(a) }", "}"), ["~2"]);
    let python = |body: &str| {
        run(Language::Python, "exception-swallowed", &format!("def f(a, k):\n{body}\n"))
    };
    assert_eq!(python("  try:\n    b = a[k]\n  except Exception:\n    pass\n  return b"), ["~4"]);
    assert_eq!(python("  try:\n    b = a(k)\n  except Exception:\n    pass\n  return b"), ["4"]);
}

#[test]
fn an_answer_that_says_no_is_not_made_up() {
    let caught = |answer: &str| {
        run(
            Language::TypeScript,
            "except-returns-data",
            &format!("function f() {{\n  try {{ g(); }} catch (e) {{\n    {answer};\n  }}\n}}\n"),
        )
    };
    assert!(caught("return { valid: false, shouldLogIn: true }").is_empty());
    assert!(caught("return { status: 'not_found' }").is_empty());
    assert!(caught("if (isMissing(e)) { return { items: [{ id: 1 }] } }").is_empty());
    assert_eq!(caught("if (quiet) { return { items: [{ id: 1 }] } }"), ["3"]);
}

#[test]
fn what_a_nameless_function_answers_is_not_the_checkers_answer() {
    let allows = |code: &str| run(Language::TypeScript, "auth-allows-anonymous", code);
    assert_eq!(allows("const canAccess = (user) => { return !user || user.admin };\n"), ["1"]);
    assert!(
        allows("function authDialog() {\n  return match(P.when((user) => { return !user || user.b }));\n}\n")
            .is_empty()
    );
}
