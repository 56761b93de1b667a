//! Definitions of macros. What a rule makes is read as code in which the names of what it takes
//! stand for what it is given; so a simple rule is like a function whose body belongs to its
//! caller. Rules that take something other than fragments between commas, or that repeat, give
//! only their texts.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, TokenStream, TokenTree};
use syn::parse::Parser;

use super::expressions::plain_param;
use super::statements::Tail;
use super::{Lowering, cover, name, name_of};
use crate::module::{Arg, Expr, ExprKind, Function, Param};

/// Rules of one macro that are read.
const MAX_RULES: usize = 32;

impl Lowering<'_> {
    /// `macro_rules! m { … }` as a call with one argument for each rule, named as the macro: a
    /// function, or the texts of what could not be read as one.
    pub(super) fn macro_definition(&mut self, mac: &syn::Macro, ident: &Ident) -> Expr {
        let callee = self.path(None, &mac.path);
        let span = cover(callee.span, self.span(mac.delimiter.span().close()));
        let mut args = Vec::new();
        let mut tokens = mac.tokens.clone().into_iter();
        while let Some(matcher) = tokens.next() {
            let arrow: Vec<_> = tokens.by_ref().take(2).collect();
            let (TokenTree::Group(matcher), [TokenTree::Punct(_), TokenTree::Punct(_)]) =
                (&matcher, arrow.as_slice())
            else {
                break;
            };
            let Some(TokenTree::Group(body)) = tokens.next() else { break };
            let value = (args.len() < MAX_RULES)
                .then(|| self.rule(ident, matcher.stream(), &body))
                .flatten();
            let value = value.unwrap_or_else(|| {
                let span = self.span(body.span());
                Expr { span, kind: ExprKind::Other(self.texts_in(body.stream())) }
            });
            args.push(Arg { name: Some(name_of(ident)), value });
            // The semicolon.
            tokens.next();
        }
        self.call(span, callee, args, true)
    }

    /// One rule as a function.
    fn rule(&mut self, ident: &Ident, matcher: TokenStream, body: &Group) -> Option<Expr> {
        let params = self.fragments(matcher)?;
        let mut tokens = substituted(body.stream())?;
        // `{{ … }}` is a block.
        if let Some(TokenTree::Group(inner)) = only(&tokens)
            && inner.delimiter() == Delimiter::Brace
        {
            tokens = inner.stream();
        }
        let stmts = syn::Block::parse_within.parse2(tokens).ok()?;
        let span = self.span(body.span());
        let function = Function {
            name: None,
            name_span: self.span(ident.span()),
            span,
            decorators: Vec::new(),
            params,
            returns: None,
            body: self.statements(&stmts, Tail::Value),
            is_async: false,
            is_generator: false,
            is_abstract: false,
            is_getter: false,
            is_static: false,
            generics: Vec::new(),
        };
        Some(Expr { span, kind: ExprKind::Function(Box::new(function)) })
    }

    /// `$a:expr, $b:ident` as parameters. `$($rest:tt)*` at the end takes what is left.
    fn fragments(&mut self, matcher: TokenStream) -> Option<Vec<Param>> {
        let mut params = Vec::new();
        let tokens: Vec<TokenTree> = matcher.into_iter().collect();
        let mut rest = tokens.as_slice();
        loop {
            rest = match rest {
                [] => return Some(params),
                [TokenTree::Punct(comma), rest @ ..] if comma.as_char() == ',' => rest,
                [
                    TokenTree::Punct(dollar),
                    TokenTree::Ident(taken),
                    TokenTree::Punct(colon),
                    TokenTree::Ident(_),
                    rest @ ..,
                ] if dollar.as_char() == '$' && colon.as_char() == ':' => {
                    params.push(plain_param(name(self.span(taken.span()), name_of(taken)), None));
                    rest
                }
                // `$(,)?`, `$($x:expr),*`
                [TokenTree::Punct(dollar), TokenTree::Group(group), rest @ ..]
                    if dollar.as_char() == '$' =>
                {
                    for mut param in self.fragments(group.stream())? {
                        param.rest = true;
                        params.push(param);
                    }
                    let ends = rest.iter().position(
                        |token| matches!(token, TokenTree::Punct(mark) if matches!(mark.as_char(), '*' | '+' | '?')),
                    )?;
                    &rest[ends + 1..]
                }
                _ => return None,
            };
        }
    }
}

/// The tokens with `$name` as the name alone; `None` where something repeats.
fn substituted(tokens: TokenStream) -> Option<TokenStream> {
    let mut out = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '$' => match tokens.next()? {
                TokenTree::Ident(taken) => out.push(TokenTree::Ident(taken)),
                // `$($rest)*` hands on what is left.
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    let [TokenTree::Punct(_), TokenTree::Ident(rest)] = inner.as_slice() else {
                        return None;
                    };
                    out.push(TokenTree::Ident(rest.clone()));
                    let ends = |mark: &Punct| {
                        matches!(mark.as_char(), '*' | '+' | '?')
                            && mark.spacing() != Spacing::Joint
                    };
                    loop {
                        match tokens.next()? {
                            TokenTree::Punct(mark) if ends(&mark) => break,
                            TokenTree::Punct(_) => {}
                            _ => return None,
                        }
                    }
                }
                _ => return None,
            },
            TokenTree::Group(group) => {
                let inner = substituted(group.stream())?;
                let mut made = Group::new(group.delimiter(), inner);
                made.set_span(group.span());
                out.push(TokenTree::Group(made));
            }
            other => out.push(other),
        }
    }
    Some(out.into_iter().collect())
}

/// The one token that a stream holds.
fn only(tokens: &TokenStream) -> Option<TokenTree> {
    let mut tokens = tokens.clone().into_iter();
    let first = tokens.next()?;
    tokens.next().is_none().then_some(first)
}
