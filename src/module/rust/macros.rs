//! Macro calls. A macro's arguments are only tokens; they are read as what they most often are:
//! a format string with values, a list, a JSON object, or expressions between commas. What does
//! not parse still gives its string literals, so that rules about texts see them.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use smol_str::SmolStr;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr as SynExpr, Token};

use super::statements::Tail;
use super::{Lowering, MAX_MACRO_NESTING, cover, name, name_of};
use crate::module::{Arg, Entry, Expr, ExprKind, Span, TextPart};

impl Lowering<'_> {
    /// A macro call as an expression. `format!`, `concat!`, `vec!` and `json!` are the value that
    /// they make, any other is a call.
    pub(super) fn invocation(&mut self, mac: &syn::Macro) -> Expr {
        let callee = self.path(None, &mac.path);
        let span = cover(callee.span, self.span(mac.delimiter.span().close()));
        if self.macro_depth >= MAX_MACRO_NESTING {
            self.defect_at(mac.bang_token.span, "macros nested deeper than 16 levels");
            let texts = self.texts_in(mac.tokens.clone());
            return Expr { span, kind: ExprKind::Other(texts) };
        }
        self.macro_depth += 1;
        let macro_name = mac.path.segments.last().map(|last| name_of(&last.ident));
        let lowered = self.invocation_inside(mac, span, callee, macro_name.as_deref());
        self.macro_depth -= 1;
        lowered
    }

    fn invocation_inside(
        &mut self,
        mac: &syn::Macro,
        span: Span,
        callee: Expr,
        macro_name: Option<&str>,
    ) -> Expr {
        match macro_name {
            Some("json" | "json_internal") => {
                if let Some(value) = self.json(mac.tokens.clone()) {
                    return Expr { span, kind: value.kind };
                }
            }
            Some("vec") => {
                if let Ok(repeat) = syn::parse2::<Repeat>(mac.tokens.clone()) {
                    let parts = vec![self.expr(&repeat.value), self.expr(&repeat.length)];
                    return Expr { span, kind: ExprKind::Other(parts) };
                }
            }
            _ => {}
        }
        let mut args = match macro_name {
            // `path!("stations" / u32 / ..)`: segments between slashes.
            Some("path") => split(mac.tokens.clone(), '/')
                .into_iter()
                .map(|piece| match piece.as_slice() {
                    [TokenTree::Punct(dot), TokenTree::Punct(_)] if dot.as_char() == '.' => {
                        Arg { name: None, value: name(self.span(dot.span()), "..") }
                    }
                    _ => self.macro_piece(piece),
                })
                .collect(),
            _ => self.macro_args(mac.tokens.clone()),
        };
        match macro_name {
            Some("vec") => {
                let elements = args.into_iter().map(|arg| arg.value).collect();
                return Expr { span, kind: ExprKind::List(elements) };
            }
            Some("concat") => {
                let parts = args.into_iter().flat_map(|arg| as_parts(arg.value)).collect();
                return Expr { span, kind: ExprKind::Text(parts) };
            }
            _ => {}
        }
        if macro_name.is_some_and(formats) {
            self.fold_format(&mut args);
            if matches!(macro_name, Some("format" | "format_args")) && args.len() == 1 {
                let value = args.remove(0).value;
                return Expr { span, kind: value.kind };
            }
        }
        self.call(span, callee, args, true)
    }

    /// The arguments of a macro: expressions between commas, else a body of statements, else what
    /// parses of the pieces between the commas.
    pub(super) fn macro_args(&mut self, tokens: TokenStream) -> Vec<Arg> {
        if tokens.is_empty() {
            return Vec::new();
        }
        let list = Punctuated::<SynExpr, Token![,]>::parse_terminated;
        if let Ok(exprs) = list.parse2(tokens.clone()) {
            return exprs.iter().map(|expr| self.macro_arg(expr)).collect();
        }
        if let Ok(stmts) = syn::Block::parse_within.parse2(tokens.clone()) {
            let span = self.span(tokens.span());
            let body = self.statements(&stmts, Tail::Value);
            return vec![Arg { name: None, value: Expr { span, kind: ExprKind::Block(body) } }];
        }
        split(tokens, ',').into_iter().map(|piece| self.macro_piece(piece)).collect()
    }

    /// `name = value` is a named argument.
    fn macro_arg(&mut self, expr: &SynExpr) -> Arg {
        if let SynExpr::Assign(assign) = expr
            && let SynExpr::Path(path) = assign.left.as_ref()
            && let Some(ident) = path.path.get_ident()
        {
            return Arg { name: Some(name_of(ident)), value: self.expr(&assign.right) };
        }
        Arg { name: None, value: self.expr(expr) }
    }

    /// One piece between commas: `x`, `name = x`, `name: x`, and tracing's `?x`, `%x`,
    /// `name = %x`; `"key" => x` is an entry of a map.
    fn macro_piece(&mut self, tokens: Vec<TokenTree>) -> Arg {
        if let [
            TokenTree::Literal(key),
            TokenTree::Punct(equals),
            TokenTree::Punct(than),
            value @ ..,
        ] = tokens.as_slice()
            && (equals.as_char(), than.as_char()) == ('=', '>')
            && !value.is_empty()
        {
            let span = cover(self.span(key.span()), self.span(than.span()));
            let key = self.literal(&syn::Lit::new(key.clone()));
            let value = self.macro_piece(value.to_vec()).value;
            let span = cover(span, value.span);
            let entry = Entry { key: Some(key), value };
            return Arg { name: None, value: Expr { span, kind: ExprKind::Map(vec![entry]) } };
        }
        let (name, rest) = match tokens.as_slice() {
            [TokenTree::Ident(ident), TokenTree::Punct(punct), rest @ ..]
                if matches!(punct.as_char(), ':' | '=')
                    && punct.spacing() == Spacing::Alone
                    && !rest.is_empty() =>
            {
                (Some(name_of(ident)), rest)
            }
            whole => (None, whole),
        };
        let rest = match rest {
            [TokenTree::Punct(sigil), rest @ ..]
                if matches!(sigil.as_char(), '?' | '%') && !rest.is_empty() =>
            {
                rest
            }
            whole => whole,
        };
        let stream: TokenStream = rest.iter().cloned().collect();
        let value = match syn::parse2::<SynExpr>(stream.clone()) {
            Ok(expr) => self.expr(&expr),
            Err(_) => {
                let span = self.span(stream.span());
                Expr { span, kind: ExprKind::Other(self.texts_in(stream)) }
            }
        };
        Arg { name, value }
    }

    /// The string literals of tokens that were not parsed. The depth of the groups is bounded by
    /// the guard; an explicit stack keeps the order without recursion.
    pub(super) fn texts_in(&mut self, tokens: TokenStream) -> Vec<Expr> {
        let mut found = Vec::new();
        let mut open = vec![tokens.into_iter()];
        while let Some(level) = open.last_mut() {
            match level.next() {
                None => {
                    open.pop();
                }
                Some(TokenTree::Group(group)) => open.push(group.stream().into_iter()),
                Some(TokenTree::Literal(token)) => {
                    let literal = syn::Lit::new(token);
                    if matches!(literal, syn::Lit::Str(_)) {
                        found.push(self.literal(&literal));
                    }
                }
                Some(_) => {}
            }
        }
        found
    }

    /// The value of a `json!` call, which is JSON with expressions in the places of values.
    fn json(&mut self, tokens: TokenStream) -> Option<Expr> {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        self.json_value(&tokens)
    }

    fn json_value(&mut self, tokens: &[TokenTree]) -> Option<Expr> {
        match tokens {
            [] => None,
            [TokenTree::Group(group)] if group.delimiter() == Delimiter::Brace => {
                let span = self.span(group.span());
                let entries = split(group.stream(), ',')
                    .iter()
                    .map(|entry| self.json_entry(entry))
                    .collect::<Option<Vec<_>>>()?;
                Some(Expr { span, kind: ExprKind::Map(entries) })
            }
            [TokenTree::Group(group)] if group.delimiter() == Delimiter::Bracket => {
                let span = self.span(group.span());
                let elements = split(group.stream(), ',')
                    .iter()
                    .map(|element| self.json_value(element))
                    .collect::<Option<Vec<_>>>()?;
                Some(Expr { span, kind: ExprKind::List(elements) })
            }
            [TokenTree::Ident(ident)] if ident == "null" => {
                Some(Expr { span: self.span(ident.span()), kind: ExprKind::None })
            }
            tokens => {
                let stream: TokenStream = tokens.iter().cloned().collect();
                let expr = syn::parse2::<SynExpr>(stream).ok()?;
                Some(self.expr(&expr))
            }
        }
    }

    fn json_entry(&mut self, tokens: &[TokenTree]) -> Option<Entry> {
        let mut joined = false;
        let colon = tokens.iter().position(|token| match token {
            TokenTree::Punct(punct) => {
                let separates =
                    punct.as_char() == ':' && punct.spacing() == Spacing::Alone && !joined;
                joined = punct.spacing() == Spacing::Joint;
                separates
            }
            _ => {
                joined = false;
                false
            }
        })?;
        let key = self.json_value(&tokens[..colon])?;
        let value = self.json_value(&tokens[colon + 1..])?;
        Some(Entry { key: Some(key), value })
    }

    /// Puts the values behind a format string into its holes.
    fn fold_format(&mut self, args: &mut Vec<Arg>) {
        let Some(at) = args
            .iter()
            .position(|arg| arg.name.is_none() && matches!(arg.value.kind, ExprKind::Text(_)))
        else {
            return;
        };
        let ExprKind::Text(parts) = &args[at].value.kind else {
            return;
        };
        let span = args[at].value.span;
        let mut template = String::new();
        for part in parts {
            match part {
                TextPart::Literal(literal) => template.push_str(literal),
                TextPart::Hole(_) => return,
            }
        }
        let Some(pieces) = pieces(&template) else {
            return;
        };
        let mut values: Vec<Option<Arg>> = args.drain(at + 1..).map(Some).collect();
        let mut used = BTreeMap::new();
        let mut next = 0;
        let mut parts = Vec::new();
        for piece in pieces {
            parts.push(match piece {
                Piece::Literal(literal) => TextPart::Literal(SmolStr::new(literal)),
                Piece::Next => {
                    next += 1;
                    TextPart::Hole(hole(&values, next - 1, &mut used, span))
                }
                Piece::Numbered(index) => TextPart::Hole(hole(&values, index, &mut used, span)),
                Piece::Named(wanted) => {
                    let given = values.iter().position(|value| {
                        value.as_ref().is_some_and(|arg| arg.name.as_deref() == Some(&*wanted))
                    });
                    TextPart::Hole(match given {
                        Some(index) => hole(&values, index, &mut used, span),
                        None => name(span, wanted),
                    })
                }
            });
        }
        args[at].value.kind = ExprKind::Text(parts);
        for index in used.keys() {
            if let Some(value) = values.get_mut(*index) {
                *value = None;
            }
        }
        args.extend(values.into_iter().flatten());
    }
}

/// The value for a hole. Only the first use of a value carries it whole, later ones repeat it
/// when it is small: `"{0}{0}{0}…"` must not multiply a large expression.
fn hole(values: &[Option<Arg>], index: usize, used: &mut BTreeMap<usize, ()>, span: Span) -> Expr {
    let again = used.insert(index, ()).is_some();
    match values.get(index).and_then(Option::as_ref) {
        Some(arg) if !again || matches!(arg.value.kind, ExprKind::Name(_)) => arg.value.clone(),
        _ => Expr { span, kind: ExprKind::Other(Vec::new()) },
    }
}

/// Whether a macro takes a format string.
fn formats(macro_name: &str) -> bool {
    matches!(
        macro_name,
        "format"
            | "format_args"
            | "print"
            | "println"
            | "eprint"
            | "eprintln"
            | "write"
            | "writeln"
            | "panic"
            | "unreachable"
            | "todo"
            | "unimplemented"
            | "assert"
            | "assert_eq"
            | "assert_ne"
            | "debug_assert"
            | "debug_assert_eq"
            | "debug_assert_ne"
            | "error"
            | "warn"
            | "info"
            | "debug"
            | "trace"
            | "log"
            | "event"
            | "anyhow"
            | "bail"
            | "ensure"
            | "eyre"
    )
}

/// A piece of a format string.
enum Piece {
    Literal(String),
    Next,
    Numbered(usize),
    Named(String),
}

/// Cuts a format string at its holes; `None` when it is none.
fn pieces(template: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        literal.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(doubled) = rest.strip_prefix(brace) {
            literal.push_str(brace);
            rest = doubled;
            continue;
        }
        if brace == "}" {
            return None;
        }
        let end = rest.find('}')?;
        let argument = rest[..end].split(':').next().unwrap_or("").trim();
        rest = &rest[end + 1..];
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        pieces.push(if argument.is_empty() {
            Piece::Next
        } else if let Ok(index) = argument.parse() {
            Piece::Numbered(index)
        } else {
            Piece::Named(argument.to_owned())
        });
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Some(pieces)
}

/// The parts of a text, or a value as a hole; a number is its digits.
fn as_parts(value: Expr) -> Vec<TextPart> {
    match value.kind {
        ExprKind::Text(parts) => parts,
        ExprKind::Number(number) => vec![TextPart::Literal(number)],
        kind => vec![TextPart::Hole(Expr { span: value.span, kind })],
    }
}

/// Cuts tokens at a separator; an empty piece at the end is dropped.
/// The items that a macro among items is given, which most such macros hand on with attributes, and
/// the macro without them, where there are any.
pub(super) fn items_given(mac: &syn::Macro) -> (Vec<syn::Item>, Option<syn::Macro>) {
    let parsed = |tokens: TokenStream| -> Option<Vec<syn::Item>> {
        let items = syn::parse2::<syn::File>(tokens).ok()?.items;
        let is_plain =
            |item: &syn::Item| !matches!(item, syn::Item::Verbatim(_) | syn::Item::Macro(_));
        (!items.is_empty() && items.iter().all(is_plain)).then_some(items)
    };
    let without = |tokens: TokenStream| Some(syn::Macro { tokens, ..mac.clone() });
    if let Some(items) = parsed(mac.tokens.clone()) {
        return (items, without(TokenStream::new()));
    }
    let mut pieces = split(mac.tokens.clone(), ',').into_iter();
    let first = pieces.next().and_then(|piece| parsed(piece.into_iter().collect()));
    match first {
        Some(items) => {
            let comma = || TokenTree::Punct(proc_macro2::Punct::new(',', Spacing::Alone));
            let rest = pieces.flat_map(|piece| piece.into_iter().chain([comma()]));
            (items, without(rest.collect()))
        }
        None => (Vec::new(), None),
    }
}

fn split(tokens: TokenStream, separator: char) -> Vec<Vec<TokenTree>> {
    let mut pieces = vec![Vec::new()];
    for token in tokens {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == separator => pieces.push(Vec::new()),
            _ => {
                if let Some(piece) = pieces.last_mut() {
                    piece.push(token);
                }
            }
        }
    }
    if pieces.last().is_some_and(Vec::is_empty) {
        pieces.pop();
    }
    pieces
}

/// `value; length`, the inside of `vec![0; 16]`.
struct Repeat {
    value: SynExpr,
    length: SynExpr,
}

impl syn::parse::Parse for Repeat {
    fn parse(input: syn::parse::ParseStream<'_>) -> syn::Result<Self> {
        let value = input.parse()?;
        input.parse::<Token![;]>()?;
        let length = input.parse()?;
        Ok(Self { value, length })
    }
}
