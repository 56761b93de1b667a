//! The small language-neutral syntax that every rule, check and extractor reads.
//!
//! Each language is lowered into these few types by one file of this folder, and the syntax tree
//! is dropped before anybody else sees the file. Nesting is bounded by [`MAX_NESTING`], so the
//! recursive functions over these types need no explicit stack of their own.

pub mod bodies;
pub mod data;
pub(crate) mod ecmascript;
pub mod lower;
pub(crate) mod markup;
pub mod path;
pub mod print;
mod python;
pub(crate) mod rust;
pub mod tree;
pub mod uses;
pub mod visit;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::source::Language;

/// The deepest nesting of statements and expressions that a lowering keeps. What lies deeper
/// becomes [`ExprKind::Other`] without children, and the file is reported as partly read.
/// Real code stays below 190 (measured over the sources in HOSTILE.md's survey).
pub const MAX_NESTING: usize = 1_000;

/// A place in a source: byte offsets, and the line that `start` lies on, counted from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
    /// Line of `start`, counted from 1.
    pub line: u32,
}

/// One source lowered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Module {
    /// The language that it was written in.
    pub language: Language,
    /// The statements of the file's top level.
    pub body: Block,
    /// Every comment in order of appearance, without the comment marks.
    pub comments: Vec<Comment>,
    /// Places that the parser did not understand, or that lie deeper than [`MAX_NESTING`];
    /// at most [`MAX_DEFECTS`] of them. Not empty means partly read.
    pub defects: Vec<Defect>,
}

/// How many defects of one file are listed.
pub const MAX_DEFECTS: usize = 20;

/// A place that could not be lowered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defect {
    /// Where.
    pub span: Span,
    /// Why, in a few words: `syntax error`, `nested deeper than 1000 levels`.
    pub reason: SmolStr,
}

/// A comment, without its marks and outer white space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comment {
    /// Where, marks included.
    pub span: Span,
    /// What it says. Line breaks of block comments are kept.
    pub text: SmolStr,
    /// True for documentation: `///`, `//!`, `/** */`. (Docstrings are statements: see
    /// [`StmtKind::Doc`].)
    pub doc: bool,
}

/// Statements in order.
pub type Block = Vec<Stmt>;

/// A statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stmt {
    /// Where, decorators included.
    pub span: Span,
    /// What.
    pub kind: StmtKind,
}

/// The few kinds of statements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum StmtKind {
    /// `import`, `from … import`, `use`. (`require(…)` and `import(…)` are calls.)
    Import(Import),
    /// A name offered to other modules (`export`, `pub use`). A Python module offers every name
    /// of its top level and has none of these.
    Export(Export),
    /// `target = value`, also of declarations, parameters of `const`/`let`, class attributes,
    /// struct fields and augmented assignments.
    Bind(Bind),
    /// An expression for its effect.
    Expr(Expr),
    /// A docstring: a string that stands alone as the first statement of a module, class or
    /// function.
    Doc(SmolStr),
    /// A named function or method.
    Function(Box<Function>),
    /// A class, an interface; in Rust a struct, enum, trait or `impl` block.
    Class(Box<Class>),
    /// A named scope that is no class: Rust's `mod x { … }`, TypeScript's `namespace`. Rust's
    /// `mod x;`, whose body is a file of its own, has an empty body.
    Namespace {
        /// Its name.
        name: SmolStr,
        /// Rust's attributes: `#[cfg(test)]` is a call of `cfg`.
        decorators: Vec<Expr>,
        /// What it holds.
        body: Block,
    },
    /// `if`/`elif`/`else`; an `elif` is an `If` in `otherwise`.
    If {
        /// The condition.
        test: Expr,
        /// Runs when it holds.
        then: Block,
        /// Runs when it does not.
        otherwise: Block,
    },
    /// Any loop.
    Loop {
        /// `for target in iterable`; absent in `while` and `loop`.
        target: Option<Expr>,
        /// The iterable of a `for`, the condition of a `while`; absent in `loop`.
        over: Option<Expr>,
        /// What is repeated.
        body: Block,
    },
    /// `try`.
    Try {
        /// The guarded statements.
        body: Block,
        /// `except`/`catch`, in order.
        handlers: Vec<Handler>,
        /// Python's `else`, then `finally`.
        after: Block,
    },
    /// `with a as b, c as d:`.
    With {
        /// The context expressions with the names that they are bound to.
        items: Vec<(Expr, Option<Expr>)>,
        /// The statements inside.
        body: Block,
    },
    /// `match`, `switch`.
    Match {
        /// What is looked at.
        subject: Expr,
        /// The arms, in order.
        arms: Vec<Arm>,
    },
    /// `return`. A Rust block's tail expression and the expression body of an arrow function or
    /// lambda are returns too.
    Return(Option<Expr>),
    /// `raise`, `throw`; in Rust `panic!` and its kin stay calls.
    Raise(Option<Expr>),
    /// `break`, `continue`, whatever loop they name.
    Leave(Leave),
    /// A block of its own.
    Block(Block),
    /// `pass`, `…` standing alone, an empty statement, a type declaration: nothing that is looked
    /// at.
    Pass,
}

/// `except` or `catch`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Handler {
    /// Where.
    pub span: Span,
    /// The exception types; absent when everything is caught.
    pub types: Option<Expr>,
    /// The name that the exception is bound to.
    pub name: Option<SmolStr>,
    /// What then happens.
    pub body: Block,
}

/// One arm of a `match` or `switch`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// The pattern; `None` is `default`. Rust's `_` is `Name("_")`.
    pub pattern: Option<Expr>,
    /// Its `if`.
    pub guard: Option<Expr>,
    /// The statements.
    pub body: Block,
}

/// An import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Import {
    /// The module as written: `flask`, `.handlers.base`, `./routes`, `crate::http`. A Python
    /// relative import keeps its dots. Rust paths use `::`.
    pub module: SmolStr,
    /// What is taken from it.
    pub names: ImportNames,
    /// `import type`, or under `TYPE_CHECKING`: gone at run time.
    pub type_only: bool,
    /// `pub use`: the names are offered to others too.
    pub exported: bool,
}

/// What an import binds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ImportNames {
    /// Nothing: `import "./polyfills"`.
    Effect,
    /// The module itself under a name: `import a.b as c`, `import * as ns`, `use a::b` (a Rust
    /// `use` of one path is [`ImportNames::Names`] of its last segment).
    /// `import a.b` without `as` binds `a`; then `module` is `a.b` and this is `a`.
    Module(SmolStr),
    /// Names: (name in the module, name bound here). A default import is `default`.
    Names(Vec<(SmolStr, SmolStr)>),
    /// Everything: `from x import *`, `use x::*`.
    Star,
}

/// An export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Export {
    /// `export default E` (name `default`), `export { a as b }`, `export const a = …` (which is
    /// a [`StmtKind::Bind`] followed by this).
    Value {
        /// The name that others see.
        name: SmolStr,
        /// The value here.
        value: Expr,
    },
    /// `export … from "module"`: (name there, name offered); empty means `export *`.
    From {
        /// The other module, as written.
        module: SmolStr,
        /// The names.
        names: Vec<(SmolStr, SmolStr)>,
        /// `export * as ns from`.
        namespace: Option<SmolStr>,
    },
}

/// How a loop is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Leave {
    /// For good: `break`. It leaves a script's `switch`, too.
    Loop,
    /// For its next turn: `continue`.
    Turn,
}

/// A binding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bind {
    /// A name, an attribute, an index, or for destructuring a list or map of these.
    pub target: Expr,
    /// The value; absent in a bare declaration (`x: int`).
    pub value: Option<Expr>,
    /// The declared type.
    pub annotation: Option<Expr>,
    /// `+=` and its kin: the operator without `=`.
    pub operator: Option<SmolStr>,
}

/// An expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expr {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: ExprKind,
}

/// The few kinds of expressions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ExprKind {
    /// A string, an f-string, a template literal, `format!`; escapes are resolved.
    Text(Vec<TextPart>),
    /// A number as written.
    Number(SmolStr),
    /// A regular expression of a script, as written: `/^a+$/i`.
    Regex(SmolStr),
    /// `True`, `false`.
    Bool(bool),
    /// `None`, `null`, `undefined`.
    None,
    /// A name, also `self`, `this`, `super`. Rust paths are nested attributes.
    Name(SmolStr),
    /// `object.name`, `object?.name`, `A::name`.
    Attribute {
        /// The left side.
        object: Box<Expr>,
        /// The right side.
        name: SmolStr,
        /// Whether it is `?.`, which gives nothing where the left side is nothing.
        optional: bool,
    },
    /// `object[key]`, `object?.[key]`.
    Index {
        /// The left side.
        object: Box<Expr>,
        /// The key.
        key: Box<Expr>,
        /// Whether it is `?.[…]`.
        optional: bool,
    },
    /// A call, `new C(…)`, a Rust macro, a tagged template.
    Call(Box<Call>),
    /// `not x`, `!x`, `-x`, `*x`, `&x`, `x?` (operator `?`), `typeof x`, `x!`.
    Unary {
        /// The operator as written; `not` is `!`.
        operator: SmolStr,
        /// The operand.
        operand: Box<Expr>,
    },
    /// Two operands. `and`/`&&` is `&&`, `or`/`||` is `||`; `??` stays; comparisons as written
    /// (`is not` and `not in` with one blank).
    Binary {
        /// The operator.
        operator: SmolStr,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// `a if test else b`, `test ? a : b`, Rust's `if` as a value with single expressions.
    Conditional {
        /// The condition.
        test: Box<Expr>,
        /// The value when it holds.
        then: Box<Expr>,
        /// The value when it does not.
        otherwise: Box<Expr>,
    },
    /// A list, tuple or set.
    List(Vec<Expr>),
    /// A dictionary, an object literal, keyword construction `S { a: 1 }` without its name.
    Map(Vec<Entry>),
    /// A lambda, an arrow function, a function expression, a closure.
    Function(Box<Function>),
    /// A class expression.
    Class(Box<Class>),
    /// `await x`, `x.await`.
    Await(Box<Expr>),
    /// `*x`, `**x`, `...x` inside a list, map or argument list.
    Spread(Box<Expr>),
    /// An assignment used as a value (`:=`, `a = b = c`, `x = y` in an argument).
    Assign {
        /// What is assigned to.
        target: Box<Expr>,
        /// The value.
        value: Box<Expr>,
    },
    /// A JSX or HTML element.
    Markup(Box<Markup>),
    /// A block used as a value (Rust), statements inside a comprehension-like form.
    Block(Block),
    /// Anything else, with the expressions found in it, in order.
    Other(Vec<Expr>),
}

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum TextPart {
    /// Fixed characters, escapes resolved.
    Literal(SmolStr),
    /// An interpolated expression.
    Hole(Expr),
}

/// A pair of a map; a spread has no key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The key; an identifier key of an object literal is a text. `None`: `...value`.
    pub key: Option<Expr>,
    /// The value; the shorthand `{ a }` has the name `a` as value.
    pub value: Expr,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// What is called. A macro `m!` is its path without `!`.
    pub callee: Expr,
    /// The arguments in order.
    pub args: Vec<Arg>,
    /// `new C()`.
    pub new: bool,
    /// A Rust macro.
    pub is_macro: bool,
    /// The types that a Rust call names: `parse::<u16>()`.
    pub generics: Vec<Expr>,
}

/// An argument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arg {
    /// The keyword; `None` is positional. (`**x` is a [`ExprKind::Spread`] without a name.)
    pub name: Option<SmolStr>,
    /// The value.
    pub value: Expr,
}

/// A function, method, lambda or closure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its name; `None` for lambdas and anonymous functions.
    pub name: Option<SmolStr>,
    /// Where its name (or, without one, its head) stands.
    pub name_span: Span,
    /// The whole, without decorators.
    pub span: Span,
    /// Decorators, Rust attributes, Nest decorators; outermost first.
    pub decorators: Vec<Expr>,
    /// Parameters in order, `self` included.
    pub params: Vec<Param>,
    /// The declared result type.
    pub returns: Option<Expr>,
    /// The statements.
    pub body: Block,
    /// `async`.
    pub is_async: bool,
    /// `yield` occurs in it.
    pub is_generator: bool,
    /// Declared without a body (an overload, an interface or trait method).
    pub is_abstract: bool,
    /// `get name()` of a script: reading the property calls it.
    pub is_getter: bool,
    /// `static name()` of a script: a member of the class and not of its instances.
    pub is_static: bool,
    /// The names of the types that a Rust function takes: `fn add<H: Handler>(…)`.
    pub generics: Vec<SmolStr>,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// A name, or the pattern of a destructuring parameter.
    pub target: Expr,
    /// The default value.
    pub default: Option<Expr>,
    /// The declared type.
    pub annotation: Option<Expr>,
    /// Decorators (Nest's `@Body()`).
    pub decorators: Vec<Expr>,
    /// `*args`, `...rest`.
    pub rest: bool,
    /// `**kwargs`.
    pub keyword_rest: bool,
}

/// A class, or what comes nearest to one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// Its name, where it has one. For an `impl` block, the type's last path segment.
    pub name: Option<SmolStr>,
    /// Where its name stands.
    pub name_span: Span,
    /// The whole, without decorators.
    pub span: Span,
    /// Decorators, attributes.
    pub decorators: Vec<Expr>,
    /// Bases; keywords such as `metaclass=` have names. For `impl T for S`, `T`.
    pub bases: Vec<Arg>,
    /// Attributes as [`StmtKind::Bind`], methods as [`StmtKind::Function`].
    pub body: Block,
    /// `interface`, `trait`, an abstract declaration: nothing exists at run time.
    pub is_interface: bool,
    /// Of an `impl` block, the type that it is for.
    pub of: Option<Expr>,
}

/// A JSX or HTML element.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Markup {
    /// `a`, `Route`, `router-link`; empty for a fragment.
    pub tag: SmolStr,
    /// (name, value); a value that is absent is `true`. A spread has the name `...`.
    pub attributes: Vec<(SmolStr, Expr)>,
    /// Elements, texts and embedded expressions, in order.
    pub children: Vec<Expr>,
}
