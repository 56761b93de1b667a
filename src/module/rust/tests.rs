#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hostile;

use super::*;
use crate::limits::PARSE_STACK;
use crate::module::{Block, Call, Function, Import, ImportNames, Leave, Stmt, StmtKind, TextPart};

/// Runs on a thread with the stack that callers give.
fn on_parse_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(PARSE_STACK).spawn(work).unwrap().join().unwrap()
}

fn try_lower(text: impl Into<String>) -> Result<Module, Refusal> {
    let text = text.into();
    on_parse_stack(move || lower(&text, &Limits::default()))
}

fn module(text: &str) -> Module {
    let module = try_lower(text).unwrap();
    assert_eq!(module.defects, [], "{text}");
    module
}

/// The statements of `fn f() -> T { … }`.
fn body(text: &str) -> Block {
    let module = module(&format!("fn f() -> T {{ {text} }}"));
    function(&module.body[0]).body.clone()
}

/// The value of the tail expression.
fn value(text: &str) -> Expr {
    match body(text).pop().unwrap().kind {
        StmtKind::Return(Some(value)) => value,
        other => panic!("{other:?}"),
    }
}

fn function(stmt: &Stmt) -> &Function {
    match &stmt.kind {
        StmtKind::Function(function) => function,
        other => panic!("{other:?}"),
    }
}

fn call(expr: &Expr) -> &Call {
    match &expr.kind {
        ExprKind::Call(call) => call,
        other => panic!("{other:?}"),
    }
}

/// Expressions in a short notation of the tests.
fn show(expr: &Expr) -> String {
    let list = |items: &[Expr]| items.iter().map(show).collect::<Vec<_>>().join(", ");
    match &expr.kind {
        ExprKind::Text(parts) => {
            let parts: String = parts
                .iter()
                .map(|part| match part {
                    TextPart::Literal(literal) => literal.to_string(),
                    TextPart::Hole(hole) => format!("{{{}}}", show(hole)),
                })
                .collect();
            format!("{parts:?}")
        }
        ExprKind::Number(number) => number.to_string(),
        ExprKind::Bool(truth) => truth.to_string(),
        ExprKind::None => "none".into(),
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Attribute { object, name, .. } => format!("{}.{name}", show(object)),
        ExprKind::Index { object, key, .. } => format!("{}[{}]", show(object), show(key)),
        ExprKind::Call(call) => {
            let args: Vec<String> = call
                .args
                .iter()
                .map(|arg| match &arg.name {
                    Some(name) => format!("{name}={}", show(&arg.value)),
                    None => show(&arg.value),
                })
                .collect();
            let new = if call.new { "new " } else { "" };
            let bang = if call.is_macro { "!" } else { "" };
            format!("{new}{}{bang}({})", show(&call.callee), args.join(", "))
        }
        ExprKind::Unary { operator, operand } => format!("({operator} {})", show(operand)),
        ExprKind::Binary { operator, left, right } => {
            format!("({} {operator} {})", show(left), show(right))
        }
        ExprKind::Conditional { test, then, otherwise } => {
            format!("({} ? {} : {})", show(test), show(then), show(otherwise))
        }
        ExprKind::List(items) => format!("[{}]", list(items)),
        ExprKind::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|entry| {
                    format!("{}: {}", show(entry.key.as_ref().unwrap()), show(&entry.value))
                })
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        ExprKind::Function(function) => {
            let params: Vec<String> =
                function.params.iter().map(|param| show(&param.target)).collect();
            format!("fn({}) {}", params.join(", "), show_block(&function.body))
        }
        ExprKind::Await(inner) => format!("await {}", show(inner)),
        ExprKind::Spread(inner) => format!("...{}", show(inner)),
        ExprKind::Assign { target, value } => format!("({} = {})", show(target), show(value)),
        ExprKind::Block(block) => show_block(block),
        ExprKind::Other(items) => format!("other({})", list(items)),
        ExprKind::Class(_) | ExprKind::Markup(_) => unreachable!(),
    }
}

fn show_block(block: &Block) -> String {
    let stmts: Vec<String> = block.iter().map(show_stmt).collect();
    format!("{{ {} }}", stmts.join("; "))
}

fn show_stmt(stmt: &Stmt) -> String {
    match &stmt.kind {
        StmtKind::Bind(bind) => {
            let operator = bind.operator.as_deref().unwrap_or("");
            let mut out = show(&bind.target);
            if let Some(annotation) = &bind.annotation {
                out += &format!(": {}", show(annotation));
            }
            if let Some(value) = &bind.value {
                out += &format!(" {operator}= {}", show(value));
            }
            out
        }
        StmtKind::Expr(expr) => show(expr),
        StmtKind::Return(None) => "return".into(),
        StmtKind::Return(Some(value)) => format!("return {}", show(value)),
        StmtKind::If { test, then, otherwise } => {
            format!("if {} {} {}", show(test), show_block(then), show_block(otherwise))
        }
        StmtKind::Loop { target, over, body } => {
            let target = target.as_ref().map_or(String::new(), |t| format!("{} in ", show(t)));
            let over = over.as_ref().map_or(String::new(), show);
            format!("loop {target}{over} {}", show_block(body))
        }
        StmtKind::Match { subject, arms } => {
            let arms: Vec<String> = arms
                .iter()
                .map(|arm| {
                    let guard =
                        arm.guard.as_ref().map_or(String::new(), |g| format!(" if {}", show(g)));
                    let pattern = show(arm.pattern.as_ref().unwrap());
                    format!("{pattern}{guard} => {}", show_block(&arm.body))
                })
                .collect();
            format!("match {} {{ {} }}", show(subject), arms.join(", "))
        }
        StmtKind::Block(block) => show_block(block),
        StmtKind::Pass => "pass".into(),
        StmtKind::Leave(Leave::Loop) => "break".to_owned(),
        StmtKind::Leave(Leave::Turn) => "continue".to_owned(),
        StmtKind::Function(function) => {
            format!("fn {} {}", function.name.as_ref().unwrap(), show_block(&function.body))
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn attributes_are_decorators_and_places_are_exact() {
    let text = "/// Lists.\n#[get(\"/items/{id}\")]\n#[tracing::instrument]\n#[route(path = \"/x\", method = GET)]\npub async fn item(Path(id): web::Path<u32>, db: &Db) -> Result<Json<Item>, Error> {\n    db.find(id).await\n}\n";
    let module = module(text);
    let stmt = &module.body[0];
    let item = function(stmt);
    let decorators: Vec<String> = item.decorators.iter().map(show).collect();
    assert_eq!(
        decorators,
        ["get(\"/items/{id}\")", "tracing.instrument", "route(path=\"/x\", method=GET)"]
    );
    assert_eq!((stmt.span.line, item.span.line, item.name_span.line), (2, 5, 5));
    let at = |span: Span| &text[span.start as usize..span.end as usize];
    assert_eq!(at(item.name_span), "item");
    assert!(at(item.span).starts_with("pub async fn item") && at(item.span).ends_with('}'));
    assert_eq!(at(item.decorators[0].span), "#[get(\"/items/{id}\")]");
    assert!(item.is_async && !item.is_abstract);
    let params: Vec<String> = item
        .params
        .iter()
        .map(|param| {
            format!("{}: {}", show(&param.target), show(param.annotation.as_ref().unwrap()))
        })
        .collect();
    assert_eq!(params, ["Path(id): web.Path[u32]", "db: (& Db)"]);
    assert_eq!(show(item.returns.as_ref().unwrap()), "Result[[Json[Item], Error]]");
    assert_eq!(show_block(&item.body), "{ return await db.find(id) }");
    let comment = &module.comments[0];
    assert!(comment.doc && comment.text == "Lists.");
}

#[test]
fn places_count_bytes_behind_a_shebang_and_other_scripts() {
    let text = "#!/usr/bin/env run-cargo-script\nfn f() -> T { g(\"grüße 😀\", after) }";
    let module = module(text);
    let body = &function(&module.body[0]).body;
    let StmtKind::Return(Some(value)) = &body[0].kind else { panic!() };
    let after = call(value).args[1].value.span;
    assert_eq!(&text[after.start as usize..after.end as usize], "after");
    assert_eq!(after.line, 2);
}

#[test]
fn tails_are_returned_through_branches_but_only_where_something_is_returned() {
    assert_eq!(
        show_block(&body("if a { 1 } else if b { 2 } else { 3 }")),
        "{ if a { return 1 } { if b { return 2 } { return 3 } } }"
    );
    assert_eq!(
        show_block(&body("match x { Some(v) if v > 0 => v, None => return 0, _ => { log(); 1 } }")),
        "{ match x { Some(v) if (v > 0) => { return v }, none => { return 0 }, _ => { log(); return 1 } } }"
    );
    assert_eq!(show_block(&body("unsafe { g() }")), "{ { return g() } }");
    assert_eq!(show_block(&body("g();")), "{ g() }");
    let unit = module("fn f() { g() }");
    assert_eq!(show_block(&function(&unit.body[0]).body), "{ g() }");
    assert_eq!(show(&value("|a, b: u8| a + b")), "fn(a, b) { return (a + b) }");
    assert_eq!(show(&value("async move { g().await? }")), "fn() { return (? await g()) }");
}

#[test]
fn values_and_statements_of_branches_differ() {
    assert_eq!(show_block(&body("let a = if x { 1 } else { 2 };")), "{ a = (x ? 1 : 2) }");
    assert_eq!(
        show_block(&body("let a = if x { 1 } else if y { 2 } else { 3 };")),
        "{ a = (x ? 1 : (y ? 2 : 3)) }"
    );
    assert_eq!(
        show_block(&body("let a = if x { g(); 1 } else { 2 };")),
        "{ a = { if x { g(); 1 } { 2 } } }"
    );
    assert_eq!(
        show_block(&body("let a = match x { 1 => \"a\", _ => \"b\" };")),
        "{ a = { match x { 1 => { \"a\" }, _ => { \"b\" } } } }"
    );
    assert_eq!(
        show_block(&body("let Some(user) = session.user() else { return Err(401) };")),
        "{ if (! (Some(user) = session.user())) { return Err(401) } {  } }"
    );
    assert_eq!(
        show_block(&body(
            "if let Some(u) = user && u.admin { x += 1; } for (k, v) in m { continue } while t { } loop { break }"
        )),
        "{ if ((Some(u) = user) && u.admin) { x += 1 } {  }; loop [k, v] in m { continue }; loop t {  }; loop  { break } }"
    );
}

#[test]
fn expressions_of_all_kinds() {
    for (rust, shown) in [
        ("a::b::<T>::c(1)", "a.b.c(1)"),
        ("<S as Default>::default()", "S.default()"),
        ("x.0.y[1..]", "x.0.y[other(1)]"),
        ("S { a: 1, b, ..rest }", "new S(a=1, b=b, ...rest)"),
        ("&mut *x as u8", "(as (& (* x)))"),
        ("[0u8; 32]", "other(0u8, 32)"),
        ("(1, 'c', b\"by\", -1.5)", "[1, \"c\", \"by\", (- 1.5)]"),
        (
            "env::var(\"X\").unwrap_or_else(|_| \"d\".into())",
            "env.var(\"X\").unwrap_or_else(fn(_) { return \"d\".into() })",
        ),
        ("a = b", ""),
        ("1..=2", "(1 ..= 2)"),
        ("None", "none"),
        ("r#type", "type"),
        ("!a || b == c", "((! a) || (b == c))"),
        ("x.get(k).or(return 1)", "x.get(k).or({ return 1 })"),
    ] {
        if shown.is_empty() {
            assert_eq!(show_block(&body(rust)), "{ a = b }");
        } else {
            assert_eq!(show(&value(rust)), shown, "{rust}");
        }
    }
}

#[test]
fn macros_are_read_as_what_they_mostly_are() {
    for (rust, shown) in [
        ("format!(\"/a/{}/{name}/{0:?}{{}}\", id)", "\"/a/{id}/{name}/{id}{}\""),
        ("format!(\"{base}/x\", base = self.url)", "\"{self.url}/x\""),
        ("println!(\"a {:>5}\", x)", "println!(\"a {x}\")"),
        ("write!(f, \"{}\", self.0)?", "(? write!(f, \"{self.0}\"))"),
        (
            "tracing::info!(target: \"auth\", user = %id, ?x, \"in {}\", y)",
            "tracing.info!(target=\"auth\", user=id, x, \"in {y}\")",
        ),
        ("vec![1, 2]", "[1, 2]"),
        ("vec![0; n]", "other(0, n)"),
        ("concat!(\"/api\", \"/v\", 1)", "\"/api/v1\""),
        (
            "json!({\"a\": [1, null, {\"b\": x.y()}], key: S::z, \"t\": true,})",
            "{\"a\": [1, none, {\"b\": x.y()}], key: S.z, \"t\": true}",
        ),
        ("sqlx::query!(\"SELECT 1\", id)", "sqlx.query!(\"SELECT 1\", id)"),
        ("todo!()", "todo!()"),
        ("matches!(x, Some(_) | None)", "matches!(x, (Some(_) | none))"),
        ("select! { a = b => { \"t\" } }", "select!(a=other(\"t\"))"),
        ("html! { <p class=\"lead\">{ \"hi\" }</p> }", "html!(other(\"lead\", \"hi\"))"),
        ("panic!(\"not {\")", "panic!(\"not {\")"),
    ] {
        assert_eq!(show(&value(rust)), shown, "{rust}");
    }
    let rules = module("macro_rules! m { ($x:expr) => { connect(\"http://10.0.0.1\", $x) }; }");
    assert_eq!(
        show_block(&rules.body),
        "{ macro_rules!(m=fn(x) { connect(\"http://10.0.0.1\", x) }) }"
    );
}

#[test]
fn uses_become_one_import_per_prefix() {
    let module = module(
        "pub use a::b as c;\nuse x::{self, y::{Z, w::*}, v as u, self as t};\nuse serde;\nuse ::std::io::{self};\nextern crate foo as bar;",
    );
    let imports: Vec<(String, ImportNames, bool)> = module
        .body
        .iter()
        .map(|stmt| match &stmt.kind {
            StmtKind::Import(Import { module, names, exported, .. }) => {
                (module.to_string(), names.clone(), *exported)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let names = |pairs: &[(&str, &str)]| {
        ImportNames::Names(pairs.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect())
    };
    let module_as = |bound: &str| ImportNames::Module(bound.into());
    assert_eq!(
        imports,
        [
            ("a".into(), names(&[("b", "c")]), true),
            ("x".into(), module_as("x"), false),
            ("x::y::w".into(), ImportNames::Star, false),
            ("x::y".into(), names(&[("Z", "Z")]), false),
            ("x".into(), module_as("t"), false),
            ("x".into(), names(&[("v", "u")]), false),
            ("serde".into(), module_as("serde"), false),
            ("std".into(), names(&[("io", "io")]), false),
            ("foo".into(), module_as("bar"), false),
        ]
    );
}

#[test]
fn types_are_classes() {
    let module = module(
        "#[derive(Debug, Clone)] pub struct S { pub a: Vec<u8>, b: Option<Box<dyn T>> }\nenum E { A = 1, B(u8, S), C { d: u8 } }\nimpl fmt::Display for m::S<X> { const N: u8 = 1; fn f(&self) {} }\ntrait T: U { fn a(&self); fn b(&self) -> u8 { 1 } }\nstruct P(u8);\nstatic K: &str = \"k\";\ntype A = B;",
    );
    let class = |at: usize| match &module.body[at].kind {
        StmtKind::Class(class) => class,
        other => panic!("{other:?}"),
    };
    assert_eq!(show(&class(0).decorators[0]), "derive(Debug, Clone)");
    assert_eq!(show_block(&class(0).body), "{ a: Vec[u8]; b: Option[Box[(dyn T)]] }");
    assert_eq!(show_block(&class(1).body), "{ A = 1; B: [u8, S]; C: {\"d\": u8} }");
    assert_eq!(class(2).name.as_deref(), Some("S"));
    assert_eq!(show(&class(2).bases[0].value), "fmt.Display");
    assert_eq!(show_block(&class(2).body), "{ N: u8 = 1; fn f {  } }");
    assert!(class(3).is_interface && show(&class(3).bases[0].value) == "U");
    assert!(function(&class(3).body[0]).is_abstract && !function(&class(3).body[1]).is_abstract);
    assert_eq!(show_block(&class(4).body), "{ 0: u8 }");
    assert_eq!(show_stmt(&module.body[5]), "K: (& str) = \"k\"");
    assert_eq!(show_stmt(&module.body[6]), "A = B");
}

#[test]
fn test_modules_are_recognisable() {
    let module = module("#[cfg(test)]\nmod tests { fn f() {} }\n#[cfg(all(test, unix))] mod it;");
    let namespace = |at: usize| match &module.body[at].kind {
        StmtKind::Namespace { name, decorators, body } => {
            (name.to_string(), show(&decorators[0]), body.len())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(namespace(0), ("tests".into(), "cfg(test)".into(), 1));
    assert_eq!(namespace(1), ("it".into(), "cfg(all(test, unix))".into(), 0));
}

#[test]
fn comments_are_found_wherever_they_can_hide() {
    let text = r####"// plain
fn f<'a>(x: &'a str) { // trailing
    let s = "// no \" /* no */"; let c = '"'; let d = '\''; let e = '/'; // after quotes
    let r = r#"// no " "# ; let b = br"\"; /* a /* nested */ b */
    let r#type = 'x'; 'label: loop { break 'label } /** doc block */
    let u = '\u{1F600}'; let by = b'\\'; // end
}
//! inner
//// rule
/**/ /*** stars ***/
/// outer
struct S;"####;
    let lines = LineIndex::new(text);
    let found: Vec<(u32, String, bool)> = comments::comments(text, &lines)
        .into_iter()
        .map(|comment| (comment.span.line, comment.text.to_string(), comment.doc))
        .collect();
    let expected = [
        (1, "plain", false),
        (2, "trailing", false),
        (3, "after quotes", false),
        (4, "a /* nested */ b", false),
        (5, "doc block", true),
        (6, "end", false),
        (8, "inner", true),
        (9, "rule", false),
        (10, "", false),
        (10, "stars", false),
        (11, "outer", true),
    ];
    let expected: Vec<_> =
        expected.into_iter().map(|(line, text, doc)| (line, text.to_string(), doc)).collect();
    assert_eq!(found, expected);
}

#[test]
fn comments_survive_what_does_not_end() {
    for text in ["/* a", "\"// a", "'\\", "r#\"// a", "//", "'", "/*/", "r##", "'é", "\"\\"] {
        let lines = LineIndex::new(text);
        let found = comments::comments(text, &lines);
        assert!(found.len() <= 1, "{text}");
        assert!(found.iter().all(|comment| comment.span.end as usize <= text.len()), "{text}");
    }
}

#[test]
fn a_syntax_error_costs_one_item() {
    let module = try_lower("fn a() {}\nfn b(let) {}\nfn c() {}\nlet x = 1;\nstruct D;").unwrap();
    assert_eq!(module.defects.len(), 2, "{:?}", module.defects);
    assert_eq!(module.defects[0].reason, "syntax error");
    assert_eq!(module.defects[0].span.line, 2);
    assert_eq!(module.defects[1].span.line, 4);
    assert_eq!(show_block(&module.body[..2].to_vec()), "{ fn a {  }; fn c {  } }");
    assert_eq!(module.body.len(), 3);
}

#[test]
fn what_is_not_even_tokens_is_refused_with_its_line() {
    for text in ["fn a() {}\nfn b() { \"open", "fn a() {}\n}", "fn a() {}\n\0"] {
        let Err(Refusal::Syntax(reason)) = try_lower(text) else { panic!("{text:?}") };
        assert!(reason.starts_with("line 2: "), "{reason}");
    }
}

#[test]
fn nothing_at_all_is_a_module() {
    for text in ["", "#!/bin/x", "// only", "#![allow(x)]"] {
        assert_eq!(module(text).body, []);
    }
}
