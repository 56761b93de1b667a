//! The two forms of template expressions that others want to look into: calls such as
//! `url_for('shop.cart', id=3)` and tags such as `{% url 'cart' item.id %}`. Everything else is a
//! name that says what was written.

use smol_str::SmolStr;

use crate::module::{Arg, Call, Expr, ExprKind, Span, TextPart};

/// How deep calls nest inside calls.
const DEEPEST: usize = 16;

/// The expression of `{{ … }}`. Filters behind a call are dropped.
pub(super) fn parse(source: &str, span: Span) -> Expr {
    let mut reader = Reader { rest: source, span };
    let value = reader.value(DEEPEST);
    let rest = reader.rest.trim_start();
    let is_whole = rest.is_empty() || (rest.starts_with('|') && !rest.starts_with("||"));
    match value {
        Some(value) if is_whole && !matches!(value.kind, ExprKind::Name(_)) => value,
        _ => name(source, span),
    }
}

/// The expression of `{% tag a b=c %}`: the call `tag(a, b=c)`, or a name when there are no
/// arguments. What `as` binds the result to is left away.
pub(super) fn parse_tag(source: &str, span: Span) -> Expr {
    let mut reader = Reader { rest: source, span };
    let tag = reader.path().unwrap_or_default();
    let mut args = Vec::new();
    loop {
        reader.blanks();
        if reader.rest.is_empty() || reader.rest.starts_with("as ") {
            break;
        }
        let Some(arg) = reader.argument(DEEPEST) else {
            // Filters and the like: the raw word is as good a name as any.
            let word = reader.rest.split_whitespace().next().unwrap_or_default();
            args.push(Arg { name: None, value: name(word, span) });
            reader.rest = &reader.rest[word.len()..];
            continue;
        };
        args.push(arg);
    }
    if args.is_empty() {
        return name(tag, span);
    }
    call(tag, args, span)
}

fn name(source: &str, span: Span) -> Expr {
    Expr { span, kind: ExprKind::Name(SmolStr::new(source)) }
}

fn call(path: &str, args: Vec<Arg>, span: Span) -> Expr {
    let mut parts = path.split('.');
    let mut callee = name(parts.next().unwrap_or_default(), span);
    for part in parts {
        let object = Box::new(callee);
        callee = Expr {
            span,
            kind: ExprKind::Attribute { object, name: SmolStr::new(part), optional: false },
        };
    }
    let call = Call { callee, args, new: false, is_macro: false, generics: Vec::new() };
    Expr { span, kind: ExprKind::Call(Box::new(call)) }
}

struct Reader<'s> {
    rest: &'s str,
    span: Span,
}

impl<'s> Reader<'s> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, mark: char) -> bool {
        self.blanks();
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A dotted name.
    fn path(&mut self) -> Option<&'s str> {
        self.blanks();
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '$')))
            .unwrap_or(self.rest.len());
        let (path, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!path.is_empty()).then_some(path)
    }

    /// A text, number, name or call.
    fn value(&mut self, depth: usize) -> Option<Expr> {
        self.blanks();
        let first = self.rest.chars().next()?;
        let span = self.span;
        if matches!(first, '"' | '\'') {
            let inner = &self.rest[1..];
            let end = inner.find(first)?;
            let part = TextPart::Literal(SmolStr::new(&inner[..end]));
            self.rest = &inner[end + 1..];
            return Some(Expr { span, kind: ExprKind::Text(vec![part]) });
        }
        let path = self.path()?;
        if first.is_ascii_digit() {
            return Some(Expr { span, kind: ExprKind::Number(SmolStr::new(path)) });
        }
        if !self.rest.starts_with('(') {
            return Some(name(path, span));
        }
        let depth = depth.checked_sub(1)?;
        self.rest = &self.rest[1..];
        let mut args = Vec::new();
        while !self.take(')') {
            args.push(self.argument(depth)?);
            if !self.take(',') && !self.rest.trim_start().starts_with(')') {
                return None;
            }
        }
        Some(call(path, args, span))
    }

    /// A value, with its keyword where it has one.
    fn argument(&mut self, depth: usize) -> Option<Arg> {
        let before = self.rest;
        if let Some(keyword) = self.path()
            && !self.rest.trim_start().starts_with("==")
            && self.take('=')
        {
            let value = self.value(depth)?;
            return Some(Arg { name: Some(SmolStr::new(keyword)), value });
        }
        self.rest = before;
        self.value(depth).map(|value| Arg { name: None, value })
    }
}
