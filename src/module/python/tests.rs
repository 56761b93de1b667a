//! What each construct becomes. `print` gives the expected modules their form.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::limits::PARSE_STACK;
use crate::module::{StmtKind, print};

fn lowered(text: &str) -> Module {
    lower(text, &Limits::default()).unwrap()
}

fn printed(text: &str) -> String {
    print::module(&lowered(text))
}

/// Runs on the stack that lowering asks for.
fn deep(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(PARSE_STACK);
    thread.spawn(test).unwrap().join().unwrap();
}

#[test]
fn imports() {
    let text = r##"from __future__ import annotations
import os, a.b, c.d as e
from . import x, y as z
from ..pkg . mod import *
from m import (
    one,  # inside
    two as deux,
)
if TYPE_CHECKING:
    import typing_only
    def f():
        from late import thing
else:
    import at_run_time
"##;
    insta::assert_snapshot!(printed(text), @r##"
    (import "__future__" annotations)
    (import "os" as os)
    (import "a.b" as a)
    (import "c.d" as e)
    (import "." x y=z)
    (import "..pkg.mod" *)
    (import "m" one two=deux)
    (if TYPE_CHECKING
      (import "typing_only" as typing_only type-only)
      (def f ()
        (import "late" thing type-only))
      else
        (import "at_run_time" as at_run_time))
    ; inside
    "##);
}

#[test]
fn functions() {
    let text = r##"@app.route("/x", methods=["GET"])
@login_required
async def f(self, a, /, b: int = 1, *args: str, c=2, **kw) -> dict[str, List[int]]:
    "doc" " more"
    # comment
    yield await g(x, *y, k=v, **z)
def g(a, *, b): return lambda q, *r, d=1: q + 1
@overload
def h(x: int | None, (a, b)=c) -> "str": ...
def i():
    """Only documented"""
    ...
def j(): pass
"##;
    insta::assert_snapshot!(printed(text), @r##"
    (async generator def f @(call app.route "/x" methods=["GET"]) @login_required (self a b:int=1 *args:str c=2 **kw) -> (index dict [str (index List int)])
      (doc "doc more")
      (yield (await (call g x ...y k=v ...z))))
    (def g (a b)
      (return (fn (q *r d=1)
        (return (+ q 1)))))
    (abstract def h @overload (x:(| int none) [a b]=c) -> "str"
      (pass))
    (abstract def i ()
      (doc "Only documented")
      (pass))
    (def j ()
      (pass))
    ; comment
    "##);
}

#[test]
fn classes() {
    let text = r##"class K(Base, Generic[T], metaclass=M):
    """Class doc"""
    attr: str = 'v'
    bare: typing.Optional[int]
    def m(self): ...
class P(Protocol[T]): pass
@dec
class Q: x = 1; y = 2
"##;
    insta::assert_snapshot!(printed(text), @r##"
    (class K < Base (index Generic T) metaclass=M
      (doc "Class doc")
      (bind attr: str = "v")
      (bind bare: (index typing.Optional int))
      (abstract def m (self)
        (pass)))
    (interface P < (index Protocol T)
      (pass))
    (class Q @dec
      (bind x = 1)
      (bind y = 2))
    "##);
}

#[test]
fn bindings() {
    let text = r##"a = b = c = 3
a, *b = t
(m) = n
(m,) = n
o.p[0] = q[1:2, ...]
x += 1
x //= y
if (n := len(a)) > 1: pass
type A[T] = list[T]
x = yield
"##;
    insta::assert_snapshot!(printed(text), @r##"
    (bind a = (= b (= c 3)))
    (bind [a ...b] = t)
    (bind m = n)
    (bind [m] = n)
    (bind (index o.p 0) = (index q [(call slice 1 2) (other)]))
    (bind x += 1)
    (bind x //= y)
    (if (> (= n (call len a)) 1)
      (pass))
    (bind (index A T) = (index list T))
    (bind x = (yield none))
    "##);
}

#[test]
fn branches_and_loops() {
    let text = r##"if a: b()
elif c: d()
elif e: f()
else: g()
for i, (j, k) in a, b:
    continue
else:
    done()
while x: break
async def f():
    async for x in y:
        async with open(p) as fh, lock: pass
with (open(a) as f, open(b) as g): pass
"##;
    insta::assert_snapshot!(printed(text), @r##"
    (if a
      (call b)
      else
        (if c
          (call d)
          else
            (if e
              (call f)
              else
                (call g))))
    (loop [i [j k]] in [a b]
      (continue))
    (do
      (call done))
    (loop x
      (break))
    (async def f ()
      (loop x in y
        (with (call open p) as fh lock
          (pass))))
    (with (call open a) as f (call open b) as g
      (pass))
    "##);
}

#[test]
fn exceptions() {
    let text = r##"try:
    a()
except ValueError as err:
    raise X("no") from err
except (A, B):
    raise
except* C:
    pass
except D, E:
    pass
except:
    pass
else:
    b()
finally:
    c()
"##;
    insta::assert_snapshot!(printed(text), @r##"
    (try
      (call a)
      except ValueError as err
        (raise (call X "no"))
      except [A B]
        (raise)
      except C
        (pass)
      except [D E]
        (pass)
      except
        (pass)
      after
        (call b)
        (call c))
    "##);
}

#[test]
fn matches() {
    let text = r##"match cmd, arg:
    case "go", [x, *rest]: a()
    case {"k": v, **kw} if v > 1: pass
    case Point(0, y=1) | a.b.C: pass
    case -1 | None as q: pass
    case -1: pass
    case _: pass
"##;
    insta::assert_snapshot!(printed(text), @r##"
    (match [cmd arg]
      case ["go" [x ...rest]]
        (call a)
      case {"k": v, ...kw} if (> v 1)
        (pass)
      case (other (call Point 0 y=1) a.b.C)
        (pass)
      case (= q (other 1 none))
        (pass)
      case (- 1)
        (pass)
      case _
        (pass))
    "##);
}

#[test]
fn operators() {
    let text = r##"v = not a and b or c if d else -e
w = a < b.c <= d != f
w = a < g() < h
w = a not  in b is not c
z = "%s/%s" % (a, b) + "{}".format(a)
z = a[0][b, c]
z = (yield from y)
z = a if b else c
"##;
    insta::assert_snapshot!(printed(text), @r##"
    (bind v = (? d (|| (&& (! a) b) c) (- e)))
    (bind w = (&& (&& (< a b.c) (<= b.c d)) (!= d f)))
    (bind w = (other a (call g) h))
    (bind w = (&& (not in a b) (is not b c)))
    (bind z = (+ (% "%s/%s" [a b]) (call "{}".format a)))
    (bind z = (index (index a 0) [b c]))
    (bind z = (yield from y))
    (bind z = (? b a c))
    "##);
}

#[test]
fn collections_and_comprehensions() {
    let text = r##"d = {"a": 1, **rest, k: [1, 2.5, (3,), {4}, ()]}
l = [f(x) for x in y if x for z in x]
d = {k: v for k, v in m.items()}
g = sum(x async for x in y)
"##;
    insta::assert_snapshot!(printed(text), @r##"
    (bind d = {"a": 1, ...rest, k: [1 2.5 [3] [4] []]})
    (bind l = (do
      (loop x in y
        (if x
          (loop z in x
            (call f x))))))
    (bind d = (do
      (loop [k v] in (call m.items)
        {k: v})))
    (bind g = (call sum (do
      (loop x in y
        x))))
    "##);
}

#[test]
fn strings() {
    let text = r##"u = ''
u = "a" 'b' """c
"d" """ r'\d\''
u = ("a"  # first
     "b")
u = "\x41\u00e9\101\N{DASH}\q\
\\n\ud800" b"\u00e9\xff"
u = f"a{x}b{{c}}{y!r:>{w}}{z=}\n" 'tail'
u = f"{d['k']}{f'{g()}'}" rf"\{x}"
"##;
    insta::assert_snapshot!(printed(text), @r##"
    (bind u = "")
    (bind u = "abc\n\"d\" \\d\\'")
    (bind u = "ab")
    (bind u = "AéA\\N{DASH}\\q\\n�\\u00e9ÿ")
    (bind u = (text "a" x "b{c}" (other y w) "z=" z "\ntail"))
    (bind u = (text (index d "k") (text (call g)) "\\" x))
    ; first
    "##);
}

#[test]
fn statements_that_say_little() {
    let text = r##"global gg
del a, b[0]
assert a, "m"
...
print("x")
print >>sys.stderr, "y"
exec "code"
"not a docstring"
1
a, b
"##;
    insta::assert_snapshot!(printed(text), @r##"
    (pass)
    (other [a (index b 0)])
    (other a "m")
    (pass)
    (call print "x")
    (call print (other sys.stderr) "y")
    (call exec "code")
    "not a docstring"
    1
    [a b]
    "##);
}

#[test]
fn comments() {
    let text = r##"#!/usr/bin/env python
# coding: utf-8
x = f(  # in a call
    1,
    # between
)
def f(
    a,  # a parameter
):
    # before the first statement
    """Doc"""
#: attribute
"##;
    insta::assert_snapshot!(printed(text), @r##"
    (bind x = (call f 1))
    (def f (a)
      (doc "Doc"))
    ; !/usr/bin/env python
    ; coding: utf-8
    ; in a call
    ; between
    ; a parameter
    ; before the first statement
    ; : attribute
    "##);
}

#[test]
fn broken_code_is_lowered_around_the_break() {
    let text = "import os\nx = (1 +\ndef f(:\n    g('a')\nclass K:\n    def m(self):\n        return h('b')\n";
    let module = lowered(text);
    assert!(!module.defects.is_empty() && module.defects.len() <= MAX_DEFECTS);
    assert!(module.defects.iter().all(|defect| defect.reason == "syntax error"));
    let printed = print::module(&module);
    for kept in ["(import \"os\" as os)", "(call g \"a\")", "(call h \"b\")"] {
        assert!(printed.contains(kept), "{kept} in\n{printed}");
    }
    assert_eq!(lowered("x = 1\n").defects, []);
}

#[test]
fn any_bytes_of_broken_code_are_lowered() {
    let text = "@d\nasync def f(a: int = 1, *b):\n  with c as d, e: x = f'{g!r:{h}}' \"i\"\n  match j:\n    case K(l=1): del m[n:o]\n  try: p < q < r\n  except S as t: raise U from v\n  return [w for x in y if z]\n";
    deep(move || {
        for cut in 0..text.len() {
            lowered(&text[..cut]);
            lowered(&text[cut..]);
            lowered(&format!("{}{}", &text[..cut], &text[cut + 1..]));
        }
    });
}

#[test]
fn defects_are_counted_up_to_a_limit() {
    let module = lowered(&"x = f(1 2)\n".repeat(100));
    assert_eq!(module.defects.len(), MAX_DEFECTS);
}

#[test]
fn what_is_nested_too_deep_is_a_defect() {
    let chains = [
        format!("x = {}1\n", "not ".repeat(3_000)),
        format!("x = a{}\n", ".b()".repeat(3_000)),
        format!("x = a{}\n", ".b".repeat(3_000)),
        format!("x = {}1\n", "a + ".repeat(3_000)),
        format!("if a: pass\n{}", "elif b: pass\n".repeat(3_000)),
        format!("x = [a {}]\n", "for b in c ".repeat(3_000)),
    ];
    deep(move || {
        for text in chains {
            let module = lowered(&text);
            assert!(!module.defects.is_empty(), "{}", &text[..40]);
            for defect in &module.defects {
                assert_eq!(defect.reason, "nested deeper than 1000 levels");
            }
            // Modules are compared and dropped by recursion.
            assert_eq!(module, module.clone());
        }
    });
}

#[test]
fn wide_code_is_not_deep() {
    let many = 20_000;
    for text in [
        format!("x = ({})\n", "'a' ".repeat(many)),
        format!("x = [{}]\n", "1, ".repeat(many)),
        format!("import {}a\n", "a.".repeat(many)),
        "x = 1\n".repeat(many),
        format!("x = {}a\n", "a < ".repeat(900)),
    ] {
        assert_eq!(lowered(&text).defects, []);
    }
}

#[test]
fn deep_brackets_are_refused() {
    let refusal = lower(&"(".repeat(100_000), &Limits::default()).unwrap_err();
    assert_eq!(refusal.to_string(), "nested deeper than 1000 brackets");
}

#[test]
fn spans_are_bytes_and_lines() {
    let text = "é = 1\n\n@d\ndef f(): return a.b\n";
    let module = lowered(text);
    let StmtKind::Function(function) = &module.body[1].kind else {
        panic!("no function");
    };
    let StmtKind::Return(Some(value)) = &function.body[0].kind else {
        panic!("no return");
    };
    let say = |span: Span| (&text[span.start as usize..span.end as usize], span.line);
    assert_eq!(say(module.body[1].span), ("@d\ndef f(): return a.b", 3));
    assert_eq!(say(function.span), ("def f(): return a.b", 4));
    assert_eq!(say(function.name_span), ("f", 4));
    assert_eq!(say(value.span), ("a.b", 4));
}

#[test]
fn every_kind_exists_in_the_grammar() {
    let language = Grammar::Python.language();
    for name in kinds::NAMES {
        assert_ne!(language.id_for_node_kind(name, true), 0, "{name}");
    }
}
