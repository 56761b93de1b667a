//! JSX.

use smol_str::SmolStr;

use super::{At, Kind, Lowering};
use crate::module::markup::entities;
use crate::module::{Expr, ExprKind, Markup, Span, TextPart};

impl<'t> Lowering<'t, '_> {
    /// An element or fragment.
    pub(super) fn element(&mut self, at: At<'t>) -> Expr {
        let mut markup =
            Markup { tag: SmolStr::default(), attributes: Vec::new(), children: Vec::new() };
        if at.kind == Kind::JsxSelfClosingElement {
            self.opening(&mut markup);
        } else {
            self.contents(&mut markup);
        }
        Expr { span: self.span(at.node), kind: ExprKind::Markup(Box::new(markup)) }
    }

    fn contents(&mut self, markup: &mut Markup) {
        // Text and entities alternate; together they are one text.
        let mut text: Option<(String, Span)> = None;
        let mut child = self.enter();
        while let Some(at) = child {
            match at.kind {
                Kind::JsxText | Kind::HtmlCharacterReference => {
                    let span = self.span(at.node);
                    let (so_far, whole) = text.get_or_insert_with(|| (String::new(), span));
                    so_far.push_str(self.source(at.node));
                    whole.end = span.end;
                }
                _ => flush_text(&mut text, markup),
            }
            match at.kind {
                Kind::JsxOpeningElement => self.opening(markup),
                Kind::JsxExpression => markup.children.append(&mut self.inner()),
                Kind::JsxElement | Kind::JsxSelfClosingElement => {
                    let element = self.expr(at);
                    markup.children.push(element);
                }
                _ => {}
            }
            child = self.next();
        }
        flush_text(&mut text, markup);
    }

    fn opening(&mut self, markup: &mut Markup) {
        let mut child = self.enter();
        while let Some(at) = child {
            match at.kind {
                Kind::JsxAttribute => {
                    let attribute = self.attribute(at);
                    markup.attributes.push(attribute);
                }
                Kind::JsxExpression => {
                    let value = match self.operand() {
                        Some(Expr { kind: ExprKind::Spread(inner), .. }) => *inner,
                        Some(value) => value,
                        None => self.nothing(at),
                    };
                    markup.attributes.push((SmolStr::new_static("..."), value));
                }
                Kind::Identifier
                | Kind::MemberExpression
                | Kind::NestedIdentifier
                | Kind::JsxNamespaceName => markup.tag = self.word(at.node),
                Kind::TypeArguments => self.skim(at.node),
                _ => {}
            }
            child = self.next();
        }
    }

    fn attribute(&mut self, at: At<'t>) -> (SmolStr, Expr) {
        let span = self.span(at.node);
        let mut name = None;
        let mut value = None;
        let mut child = self.enter();
        while let Some(inner) = child {
            match inner.kind {
                _ if !inner.kind.is_named() => {}
                _ if name.is_none() => name = Some(self.word(inner.node)),
                Kind::Str => value = Some(self.jsx_string(inner)),
                Kind::JsxExpression => {
                    value = Some(self.operand().unwrap_or_else(|| self.nothing(inner)));
                }
                _ => value = Some(self.expr(inner)),
            }
            child = self.next();
        }
        let value = value.unwrap_or(Expr { span, kind: ExprKind::Bool(true) });
        (name.unwrap_or_default(), value)
    }
}

/// Ends a run of text. White space that holds a line break is no text, as in React.
fn flush_text(text: &mut Option<(String, Span)>, markup: &mut Markup) {
    let Some((source, span)) = text.take() else { return };
    let mut joined = String::with_capacity(source.len());
    let last = source.lines().count().saturating_sub(1);
    for (at, line) in source.lines().enumerate() {
        let line = if at == 0 { line } else { line.trim_start() };
        let line = if at == last && !source.ends_with('\n') { line } else { line.trim_end() };
        if line.is_empty() {
            continue;
        }
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(line);
    }
    if joined.trim().is_empty() {
        return;
    }
    let part = TextPart::Literal(entities::decode(&joined));
    markup.children.push(Expr { span, kind: ExprKind::Text(vec![part]) });
}
