//! Rust, lowered from syn.
//!
//! The file is lexed first. A guard looks at the tokens before syn does, since syn recurses; a
//! small lexer collects the comments, which syn does not keep. A file that syn refuses as a whole
//! is read item by item, so that one syntax error costs one item.

mod comments;
mod definitions;
mod expressions;
mod guard;
mod items;
mod macros;
mod patterns;
mod statements;
mod types;
mod uses;

#[cfg(test)]
mod tests;

use proc_macro2::{TokenStream, TokenTree};
use smol_str::SmolStr;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};

use crate::limits::Limits;
use crate::module::tree::Refusal;
use crate::module::{Defect, Expr, ExprKind, MAX_DEFECTS, MAX_NESTING, Module, Span};
use crate::source::{Language, LineIndex};

/// How deep macro calls may nest in the arguments of macro calls. Each level is parsed again, so
/// without a bound the work would be quadratic; real code stays below 6.
const MAX_MACRO_NESTING: usize = 16;

/// Lowers a Rust file.
///
/// It must run on a thread with a stack of [`crate::limits::PARSE_STACK`]. It invalidates the
/// spans of every `proc_macro2` token of the calling thread when it is done, since `proc_macro2`
/// otherwise keeps the text of each file it has lexed; so no other tokens may live on this thread.
///
/// # Errors
///
/// [`Refusal::TooDeep`] and [`Refusal::Syntax`] when syn might not survive the file, the latter
/// also when the file is not a sequence of Rust tokens at all. Errors of the grammar are defects
/// of the module instead.
pub(crate) fn lower(text: &str, limits: &Limits) -> Result<Module, Refusal> {
    // Declared first and therefore dropped last, also when something below panics.
    let _spans = InvalidateSpans;
    let shebang = shebang_length(text);
    let lines = LineIndex::new(text);
    let lex = || -> Result<TokenStream, proc_macro2::LexError> { text[shebang..].parse() };
    let tokens = lex().map_err(|error| {
        let at = shebang + error.span().byte_range().start;
        let line = lines.line_of(offset(at));
        Refusal::Syntax(format!("line {line}: cannot be split into tokens"))
    })?;
    guard::check(&tokens, limits).map_err(|excess| match excess {
        guard::Excess::Groups => Refusal::TooDeep { limit: limits.rust_group_depth },
        guard::Excess::Path => Refusal::Syntax(format!(
            "more than {} tokens without a separator",
            limits.rust_path_length
        )),
    })?;
    let comments = comments::comments(text, &lines);
    // syn consumes the tokens, and a shared copy would cost every file what few need: a file that
    // syn refuses is lexed again.
    let file = syn::parse2::<syn::File>(tokens);
    let again = if file.is_err() { lex().ok() } else { None };
    let mut lowering =
        Lowering { text, shebang, lines, depth: 0, macro_depth: 0, defects: Vec::new() };
    let items = match file {
        Ok(file) => file.items,
        Err(_) => lowering.parse_items(again.unwrap_or_default()),
    };
    let body = lowering.items(&items);
    Ok(Module { language: Language::Rust, body, comments, defects: lowering.defects })
}

/// Forgets the thread's source map when it goes out of scope.
struct InvalidateSpans;

impl Drop for InvalidateSpans {
    fn drop(&mut self) {
        proc_macro2::extra::invalidate_current_thread_spans();
    }
}

/// Bytes of a `#!/usr/bin/env …` line; `#![…]` is an attribute.
fn shebang_length(text: &str) -> usize {
    match text.strip_prefix("#!") {
        Some(rest) if !rest.trim_start().starts_with('[') => text.find('\n').unwrap_or(text.len()),
        _ => 0,
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The state of lowering one file.
struct Lowering<'t> {
    text: &'t str,
    shebang: usize,
    lines: LineIndex,
    /// Levels of statements, expressions, patterns and types that are open.
    depth: usize,
    /// Macro calls that are open.
    macro_depth: usize,
    defects: Vec<Defect>,
}

impl Lowering<'_> {
    /// Parses the items that can be parsed, when the file as a whole cannot.
    fn parse_items(&mut self, tokens: TokenStream) -> Vec<syn::Item> {
        let mut items = Vec::new();
        let read = |input: ParseStream<'_>| -> syn::Result<()> {
            // Inner attributes belong to the file and are not looked at.
            let _ = input.call(syn::Attribute::parse_inner);
            while !input.is_empty() {
                let ahead = input.fork();
                match ahead.parse::<syn::Item>() {
                    Ok(item) => {
                        input.advance_to(&ahead);
                        items.push(item);
                    }
                    Err(error) => {
                        self.defect_at(error.span(), "syntax error");
                        // A bound on the work, too: each failure may have read to the end.
                        if self.defects.len() >= MAX_DEFECTS {
                            return Ok(());
                        }
                        skip_item(input)?;
                    }
                }
            }
            Ok(())
        };
        if let Err(error) = read.parse2(tokens)
            && self.defects.is_empty()
        {
            self.defect_at(error.span(), "syntax error");
        }
        items
    }

    fn defect_at(&mut self, span: proc_macro2::Span, reason: &'static str) {
        if self.defects.len() < MAX_DEFECTS {
            let span = self.span(span);
            self.defects.push(Defect { span, reason: SmolStr::new_static(reason) });
        }
    }

    /// The place of tokens in the text.
    fn span(&self, span: proc_macro2::Span) -> Span {
        let range = span.byte_range();
        let start = offset(range.start + self.shebang);
        Span { start, end: offset(range.end + self.shebang), line: self.lines.line_of(start) }
    }

    /// The text of a place.
    fn source(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// Opens a level, or gives what stands for anything deeper than [`MAX_NESTING`].
    fn enter(&mut self, levels: usize, node: &impl syn::spanned::Spanned) -> Result<(), Expr> {
        if self.depth + levels > MAX_NESTING {
            let span = node.span();
            self.defect_at(span, "nested deeper than 1000 levels");
            return Err(Expr { span: self.span(span), kind: ExprKind::Other(Vec::new()) });
        }
        self.depth += levels;
        Ok(())
    }
}

/// Skips to behind the next `;` or brace group: the likely end of an item.
fn skip_item(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() {
        let ends = match input.parse::<TokenTree>()? {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == proc_macro2::Delimiter::Brace,
            _ => false,
        };
        if ends {
            break;
        }
    }
    Ok(())
}

/// From the beginning of one place to the end of another.
fn cover(first: Span, last: Span) -> Span {
    Span { start: first.start, end: last.end.max(first.end), line: first.line }
}

fn name_of(ident: &proc_macro2::Ident) -> SmolStr {
    let text = ident.to_string();
    SmolStr::new(text.strip_prefix("r#").unwrap_or(&text))
}

fn name(span: Span, name: impl AsRef<str>) -> Expr {
    Expr { span, kind: ExprKind::Name(SmolStr::new(name)) }
}
