#![allow(clippy::unwrap_used, clippy::panic)]

use insta::assert_snapshot;

use super::*;
use crate::limits::PARSE_STACK;
use crate::module::print;

fn read(language: Language, text: &str) -> Module {
    lower(language, text, &Limits::default()).unwrap()
}

fn js(text: &str) -> String {
    print::module(&read(Language::JavaScript, text))
}

fn ts(text: &str) -> String {
    print::module(&read(Language::TypeScript, text))
}

fn tsx(text: &str) -> String {
    print::module(&read(Language::Tsx, text))
}

/// Runs on a stack as large as that of the threads that parse.
fn deep<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(PARSE_STACK).spawn(run).unwrap().join().unwrap()
}

#[test]
fn imports_in_every_form() {
    assert_snapshot!(ts(r#"
        import "./polyfills";
        import a, { b as c, default as d, "quoted name" as q } from "m";
        import e, * as ns from "./n";
        import type { T } from "types";
        import { type U, v } from "mixed";
        import { type W } from "only-types";
        import {} from "empty";
        import fs = require("fs");
        import alias = outer.inner;
        const lazy = await import("./lazy");
        const old = require("old");
    "#), @r###"
    (import "./polyfills")
    (import "m" default=a b=c default=d quoted name=q)
    (import "./n" default=e)
    (import "./n" as ns)
    (import "types" T type-only)
    (import "mixed" v)
    (import "mixed" U type-only)
    (import "only-types" W type-only)
    (import "empty")
    (import "fs" as fs)
    (bind alias = outer.inner)
    (bind lazy = (await (call import "./lazy")))
    (bind old = (call require "old"))
    "###);
}

#[test]
fn exports_in_every_form() {
    assert_snapshot!(ts(r#"
        export * from "a";
        export * as ns from "b";
        export { c as d, e } from "f";
        export { g as h, i };
        export const j = 1, { k, l: [m, ...n], o = 2 } = p;
        export function q() {}
        export default class R {}
        export default function () {}
        export default { s: 1 };
        export type T = string;
        export interface U {}
        export enum V { W }
        export = x;
        export as namespace Y;
    "#), @r###"
    (export-from "a")
    (export-from "b" as ns)
    (export-from "f" c=d e)
    (export h g)
    (export i i)
    (bind j = 1)
    (bind {"k": k, "l": [m ...n], "o": (= o 2)} = p)
    (export j j)
    (export k k)
    (export m m)
    (export n n)
    (export o o)
    (def q ())
    (export q q)
    (class R)
    (export default R)
    (export default (fn ()))
    (export default {"s": 1})
    (pass)
    (interface U)
    (export U U)
    (class V
      (bind W = 0))
    (export V V)
    (bind module.exports = x)
    "###);
}

#[test]
fn strings_and_templates_are_resolved() {
    assert_snapshot!(js(r#"
        "use strict";
        'use client';
        a("", 'it\'s', "\x41\u0042\u{43}\uD83D\uDE00\n\
continued\101");
        b(`plain`, `/users/${user.id}/posts/${n + 1}?x=\t`, `${c}`);
        gql`query ${fragment}`;
        "not a directive";
    "#), @r###"
    (doc "use strict")
    (doc "use client")
    (call a "" "it's" "ABC😀\ncontinuedA")
    (call b "plain" (text "/users/" user.id "/posts/" (+ n 1) "?x=\t") (text c))
    (call gql (text "query " fragment))
    "not a directive"
    "###);
}

#[test]
fn objects_arrays_and_patterns() {
    assert_snapshot!(js(r#"
        x = { a, b: 1, "c d": 2, 3: 4, [e]: f, ...g, h() {}, get i() { return 1 }, async *j() {} };
        const { k, l: m, n = 1, o: { p } = {}, ...q } = r;
        const [, s, , ...t] = [u, , ...v];
        ({ w, x: y.z } = a);
    "#), @r###"
    (bind x = {"a": a, "b": 1, "c d": 2, 3: 4, e: f, ...g, "h": (fn h ()), "i": (fn i ()
      (return 1)), "j": (async generator fn j ())})
    (bind {"k": k, "l": m, "n": (= n 1), "o": (= {"p": p} {}), ...q} = r)
    (bind [(other) s (other) ...t] = [u (other) ...v])
    (= {"w": w, "x": y.z} a)
    "###);
}

#[test]
fn expressions() {
    assert_snapshot!(js(r#"
        a?.b?.[c]?.(d);
        new E(f, ...g);
        new H;
        (i, j), k;
        x = l ? m : n ?? o;
        y = typeof p === "string" && !q || -r;
        s ||= t; u.v += 1; w++;
        z = aa = bb;
        fn(cc = dd, ee -= 1);
        async () => { await ff; for await (const gg of hh) yy(); };
        ii => ii.jj;
        function* kk() { yield ll; yield* mm; }
        url = import.meta.env.VITE_URL;
        re = /a+/g;
        undefined === null;
        delete this.nn, super.oo;
    "#), @r###"
    (call (index a.b c) d)
    (new E f ...g)
    (new H)
    (other i j)
    k
    (bind x = (? l m (?? n o)))
    (bind y = (|| (&& (=== (typeof p) "string") (! q)) (- r)))
    (bind s ||= t)
    (bind u.v += 1)
    (++ w)
    (bind z = (= aa bb))
    (call fn (= cc dd) (= ee (- ee 1)))
    (async fn ()
      (await ff)
      (loop gg in hh
        (call yy)))
    (fn (ii)
      (return ii.jj))
    (generator def kk ()
      (other ll)
      (other mm))
    (bind url = import.meta.env.VITE_URL)
    (bind re = (other))
    (=== none none)
    (delete this.nn)
    super.oo
    "###);
}

#[test]
fn statements() {
    assert_snapshot!(js(r#"
        if (a) b(); else if (c) { d() } else { e() }
        for (let i = 0, n = 1; i < n; i++) f(i);
        for (;;) {}
        for (const [k, v] of g) { h }
        for (var j in k) continue;
        while (l) m();
        do { n() } while (o);
        outer: for (const p of q) break outer;
        switch (r) { case "s": case t.u: v(); break; default: w() }
        try { x() } catch ({ message }) { y() } finally { z() }
        try { x() } catch (error) { throw error } 
        try { x() } catch {}
        with (aa) { bb() }
        { let cc }
        ;
        debugger;
    "#), @r###"
    (if a
      (call b)
      else
        (if c
          (call d)
          else
            (call e)))
    (bind i = 0)
    (bind n = 1)
    (loop (< i n)
      (call f i)
      (++ i))
    (loop)
    (loop [k v] in g
      h)
    (loop j in k
      (continue))
    (loop l
      (call m))
    (loop o
      (call n))
    (loop p in q
      (break))
    (match r
      case "s"
      case t.u
        (call v)
        (break)
      default
        (call w))
    (try
      (call x)
      except
        (call y)
      after
        (call z))
    (try
      (call x)
      except as error
        (raise error))
    (try
      (call x)
      except)
    (with aa
      (call bb))
    (do
      (bind cc))
    debugger
    "###);
}

#[test]
fn classes() {
    assert_snapshot!(ts(r#"
        @Controller("users") @Other
        export class Users<T> extends Base<T> implements A, B.C {
            static #count = 0;
            @Input() name?: string;
            readonly list: User[] = [];
            declare x: Map<string, number>;
            constructor(private readonly http: HttpClient, @Inject(TOKEN) public api: Api, plain = 1) { super() }
            @Get(":id") async find(@Param("id") id: string, ...rest: any[]): Promise<User | null> { return this.#count }
            get size(): number { return 1 }
            static { init() }
            overload(a: string): void;
            overload(a: any) {}
            [Symbol.iterator]() {}
        }
        abstract class Shape { abstract area(): number; }
        const Anonymous = class extends Shape {};
    "#), @r###"
    (class Users @(call Controller "users") @Other < Base implements=A implements=B.C
      (bind #count = 0)
      (call Input)
      (bind name: string)
      (bind list: (index Array User) = [])
      (bind x: (index Map [string number]))
      (bind http: HttpClient)
      (bind api: Api)
      (def constructor (http:HttpClient @(call Inject TOKEN)api:Api plain=1)
        (bind this.http = http)
        (bind this.api = api)
        (call super))
      (async def find @(call Get ":id") (@(call Param "id")id:string *rest:(index Array any)) -> (index Promise (other User none))
        (return this.#count))
      (def size () -> number
        (return 1))
      (do
        (call init))
      (abstract def overload (a:string) -> void)
      (def overload (a:any))
      (def [Symbol.iterator] ()))
    (export Users Users)
    (class Shape
      (abstract def area () -> number))
    (bind Anonymous = (class < Shape))
    "###);
}

#[test]
fn what_only_typescript_has() {
    assert_snapshot!(ts(r#"
        interface Point extends Base, Other<T> { x: number; move(by: Point): void; [key: string]: any; new (): Point }
        enum Color { Red, Green = 5, Blue, Text = "t", "quoted" = Text }
        const enum Flags { A = -1, B }
        declare function external(a: string): number;
        declare module "untyped" { export const y: string }
        declare global { interface Window { z: 1 } }
        namespace Outer.Inner { export const w = 1 }
        type Alias = /* kept */ string;
        const a = b as unknown as C, d = <E>f, g = h!, i = j satisfies K;
        const mode: "dark" = "dark";
        function k(this: L, m?: N.O, p: P = q): asserts m is N {}
        function r(s: string): void;
        t<U>(v);
    "#), @r###"
    (interface Point < Base (index Other T)
      (bind x: number)
      (abstract def move (by:Point) -> void))
    (class Color
      (bind Red = 0)
      (bind Green = 5)
      (bind Blue = 6)
      (bind Text = "t")
      (bind quoted = Text))
    (class Flags
      (bind A = (- 1))
      (bind B = 0))
    (abstract def external (a:string) -> number)
    (namespace untyped
      (bind y: string)
      (export y y))
    (namespace global
      (interface Window
        (bind z: 1)))
    (namespace Outer.Inner
      (bind w = 1)
      (export w w))
    (pass)
    (bind a = b)
    (bind d = f)
    (bind g = h)
    (bind i = j)
    (bind mode: "dark" = "dark")
    (def k (m:N.O p:P=q))
    (abstract def r (s:string) -> void)
    (call t v)
    ; kept
    "###);
}

#[test]
fn jsx() {
    assert_snapshot!(tsx(r#"
        const page = (
          <>
            <a.Link to={`/x/${id}`} title="a &amp; b" disabled {...props} icon=<Icon/>>
              Hello, {name}!
              {/* a comment */}
              second&nbsp;line
            </a.Link>
            <Route path="/users" element={<Users<T> />} xlink:href="y" />
            {items.map(item => <li key={item}>{item}</li>)}
          </>
        );
    "#), @r###"
    (bind page = <> <a.Link to=(text "/x/" id) title="a & b" disabled=true ...=props icon=<Icon></>> "Hello, " name "!" "second\u{a0}line"</> <Route path="/users" element=<Users></> xlink:href="y"></> (call items.map (fn (item)
      (return <li key=item> item</>)))</>)
    ; a comment
    "###);
}

#[test]
fn comments_lose_their_marks() {
    let module = read(
        Language::JavaScript,
        "#!/usr/bin/env node\n// one\n/** Doc\n *\n *  indented\n */\nf(/* two */ a) // three\n\
         type /// four\n/**/ /*** five ***/\nb\n  // six\n  .c()\n",
    );
    let comments = module.comments.iter();
    let comments: Vec<_> =
        comments.map(|comment| (comment.span.line, comment.doc, comment.text.as_str())).collect();
    assert_eq!(
        comments,
        [
            (2, false, "one"),
            (3, true, "Doc\n\n indented"),
            (7, false, "two"),
            (7, false, "three"),
            (8, false, "four"),
            (9, false, ""),
            (9, false, "five"),
            (11, false, "six"),
        ]
    );
}

#[test]
fn flow_is_read_with_the_grammar_of_tsx() {
    let text =
        "// @flow\nexport function f(a: string, b: ?number): Promise<void> { return <b/>; }\n";
    assert_snapshot!(js(text), @r###"
    (def f (a:string b:(other)) -> (index Promise void)
      (return <b></>))
    (export f f)
    ; @flow
    "###);
}

#[test]
fn broken_code_is_lowered_as_far_as_it_parses() {
    assert_snapshot!(js(r#"
        const before = 1;
        app.get("/a", (req, res) => { res.send( });
        function broken( { return fetch("/inside"); }
        const after = "x";
    "#), @r###"
    (bind before = 1)
    app.get
    "/a"
    (other req res)
    (call res.send)
    broken
    return
    fetch
    (= after "x")
    "/inside"
    ! 3 syntax error
    "###);
    assert_snapshot!(ts("foo: bar({ x: call() }),\nconst y = ;\nclass A { m( { go() } }\n"), @r###"
    (call bar {"x": (call call)})
    const
    y
    A
    m
    go
    ! 2 syntax error
    ! 3 syntax error
    "###);
}

#[test]
fn spans_are_those_of_the_source() {
    let text = "let a = 1;\rlet café = { b: 'ü' };\r\nx.y = f(`${z}`)\n";
    let module = read(Language::JavaScript, text);
    let spans: Vec<_> = module
        .body
        .iter()
        .map(|stmt| (stmt.span.line, &text[stmt.span.start as usize..stmt.span.end as usize]))
        .collect();
    assert_eq!(spans, [(1, "let a = 1;"), (2, "let café = { b: 'ü' };"), (3, "x.y = f(`${z}`)")]);
    let StmtKind::Bind(bind) = &module.body[2].kind else { panic!("{module:?}") };
    let ExprKind::Attribute { object, .. } = &bind.target.kind else { panic!("{bind:?}") };
    assert_eq!(&text[object.span.start as usize..object.span.end as usize], "x");
}

#[test]
fn what_is_nested_too_deep_is_cut_and_reported() {
    let (shallow, chain, path) = deep(|| {
        let sum = |terms: usize| format!("x = {}1", "1 + ".repeat(terms));
        (
            read(Language::JavaScript, &sum(900)).defects,
            read(Language::JavaScript, &sum(20_000)).defects,
            read(Language::TypeScript, &format!("a{}", ".b".repeat(20_000))).defects,
        )
    });
    assert_eq!(shallow, []);
    for defects in [chain, path] {
        let [defect] = defects.as_slice() else { panic!("{defects:?}") };
        assert_eq!(defect.reason, "nested deeper than 1000 levels");
    }
}

#[test]
fn nesting_of_every_kind_survives() {
    deep(|| {
        for (open, close) in [
            ("f(", ")"),
            ("[", "]"),
            ("({a:", "})"),
            ("!", ""),
            ("a=", "b"),
            ("a=>", "b"),
            ("if(a){", "}"),
            ("if(a);else ", ";"),
            ("a:", ";"),
            ("class A{m(){", "}}"),
            ("`${", "}`"),
            ("<a>", "</a>"),
            ("await ", "a"),
            ("a?b:", "c"),
        ] {
            let text = format!("{}{}", open.repeat(20_000), close.repeat(20_000));
            // The guard may refuse it; what passes must be lowered without overflowing.
            if let Ok(module) = lower(Language::JavaScript, &text, &Limits::default()) {
                assert!(!module.defects.is_empty(), "{open}");
            }
            let text = format!("{}{}", open.repeat(300), close.repeat(300));
            assert!(lower(Language::JavaScript, &text, &Limits::default()).is_ok(), "{open}");
        }
        for (open, close) in [("let a: P<", ">"), ("let a: (", ")"), ("namespace A {", "}")] {
            let body = open.strip_prefix("let a: ").unwrap_or(open);
            let head = if body == open { "" } else { "let a: " };
            let text = format!("{head}{}{}", body.repeat(900), close.repeat(900));
            assert!(lower(Language::TypeScript, &text, &Limits::default()).is_ok(), "{open}");
        }
    });
}

#[test]
fn nested_assignments_do_not_double() {
    // Were the target of `+=` said twice, this would have 2 to the power of 200 parts.
    let text = format!("f({}b{})", "a[".repeat(200), "] += 1".repeat(200));
    let module = deep(move || read(Language::JavaScript, &text));
    assert_eq!(module.defects, []);
    assert_snapshot!(js("f(a.b ||= c, d[e] += 1)"), @r###"
    (call f (= a.b (|| a.b c)) (= (index d e) 1))
    "###);
}

#[test]
fn a_hundred_thousand_brackets_are_refused() {
    let text = format!("x = {}", "[".repeat(100_000));
    let refusal = lower(Language::JavaScript, &text, &Limits::default()).unwrap_err();
    assert_eq!(refusal, Refusal::TooDeep { limit: 1_000 });
}
