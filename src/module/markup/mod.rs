//! HTML, templates that make HTML, and the single-file components of Vue and Svelte.
//!
//! Elements become nested [`ExprKind::Markup`]; the statements of the scripts inside follow them
//! in the module's body.

pub(in crate::module) mod entities;
mod expression;
pub(in crate::module) mod template;
#[cfg(test)]
mod tests;

use smol_str::SmolStr;
use tree_sitter::Node;

use self::template::{Dialect, Mask};
use super::ecmascript::strings::comment_text;
use super::tree::{self, Grammar, Refusal, Walk};
use super::{
    Block, Comment, Defect, Expr, ExprKind, MAX_DEFECTS, MAX_NESTING, Markup, Module, Span, Stmt,
    StmtKind, TextPart, ecmascript,
};
use crate::limits::Limits;
use crate::source::{Language, LineIndex};

/// Lowers markup: [`Language::Vue`] (which is Svelte's too), or any other language as HTML.
///
/// # Errors
/// When the file exceeds a limit before or while it is parsed.
pub(crate) fn lower(language: Language, text: &str, limits: &Limits) -> Result<Module, Refusal> {
    let dialect = match language {
        Language::Vue if text.contains("<template") => Dialect::Vue,
        Language::Vue => Dialect::Svelte,
        _ => Dialect::Html,
    };
    let masked = template::mask(text, dialect, &LineIndex::new(text));
    let tree = tree::parse(Grammar::Html, &masked.text, limits)?;
    let mut lowering = Lowering {
        walk: Walk::new(&tree, &masked.text),
        kinds: Grammar::Html.kinds(kind_of),
        original: text,
        masks: &masked.masks,
        limits,
        depth: 0,
        scripts: Vec::new(),
        comments: masked.comments,
        defects: Vec::new(),
    };
    let mut body = Vec::new();
    for child in lowering.children() {
        body.push(Stmt { span: child.span, kind: StmtKind::Expr(child) });
    }
    let Lowering { mut scripts, mut comments, mut defects, .. } = lowering;
    body.append(&mut scripts);
    comments.sort_by_key(|comment| comment.span);
    defects.sort_by_key(|defect| defect.span);
    defects.truncate(MAX_DEFECTS);
    Ok(Module { language, body, comments, defects })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Attribute,
    AttributeName,
    AttributeValue,
    Comment,
    Element,
    Entity,
    Error,
    Other,
    QuotedAttributeValue,
    RawText,
    ScriptElement,
    SelfClosingTag,
    StartTag,
    StyleElement,
    TagName,
    Text,
}

fn kind_of(name: &str, named: bool) -> Kind {
    match name {
        _ if !named => Kind::Other,
        "attribute" => Kind::Attribute,
        "attribute_name" => Kind::AttributeName,
        "attribute_value" => Kind::AttributeValue,
        "comment" => Kind::Comment,
        "element" => Kind::Element,
        "entity" => Kind::Entity,
        "quoted_attribute_value" => Kind::QuotedAttributeValue,
        "raw_text" => Kind::RawText,
        "script_element" => Kind::ScriptElement,
        "self_closing_tag" => Kind::SelfClosingTag,
        "start_tag" => Kind::StartTag,
        "style_element" => Kind::StyleElement,
        "tag_name" => Kind::TagName,
        "text" => Kind::Text,
        _ => Kind::Other,
    }
}

struct Lowering<'t, 's> {
    walk: Walk<'t>,
    kinds: Vec<Kind>,
    original: &'s str,
    masks: &'s [Mask],
    limits: &'s Limits,
    depth: usize,
    scripts: Block,
    comments: Vec<Comment>,
    defects: Vec<Defect>,
}

impl<'t> Lowering<'t, '_> {
    fn kind(&self, node: Node<'t>) -> Kind {
        self.kinds.get(usize::from(node.kind_id())).copied().unwrap_or(Kind::Error)
    }

    /// The element that the walk stands on.
    fn element(&mut self) -> Expr {
        let span = self.walk.span(self.walk.node());
        let mut markup =
            Markup { tag: SmolStr::default(), attributes: Vec::new(), children: Vec::new() };
        if self.depth >= MAX_NESTING {
            let reason = SmolStr::new(format!("nested deeper than {MAX_NESTING} levels"));
            if self.defects.iter().all(|defect| defect.reason != reason) {
                self.defects.push(Defect { span, reason });
            }
            return Expr { span, kind: ExprKind::Other(Vec::new()) };
        }
        self.depth += 1;
        let mut run = None;
        if self.walk.down() {
            loop {
                let node = self.walk.node();
                match self.kind(node) {
                    Kind::StartTag | Kind::SelfClosingTag => self.tag(&mut markup),
                    _ => self.child(node, &mut run, &mut markup.children),
                }
                if !self.walk.next() {
                    break;
                }
            }
            self.walk.up();
        }
        self.flush(&mut run, &mut markup.children);
        self.depth -= 1;
        Expr { span, kind: ExprKind::Markup(Box::new(markup)) }
    }

    /// The children of the node that the walk stands on.
    fn children(&mut self) -> Vec<Expr> {
        let mut found = Vec::new();
        let mut run = None;
        if self.walk.down() {
            loop {
                let node = self.walk.node();
                self.child(node, &mut run, &mut found);
                if !self.walk.next() {
                    break;
                }
            }
            self.walk.up();
        }
        self.flush(&mut run, &mut found);
        found
    }

    /// `run` is the text so far: texts and entities alternate, and together they are one.
    fn child(&mut self, node: Node<'t>, run: &mut Option<Span>, out: &mut Vec<Expr>) {
        let kind = self.kind(node);
        if matches!(kind, Kind::Text | Kind::Entity) {
            let span = self.walk.span(node);
            run.get_or_insert(span).end = span.end;
            return;
        }
        self.flush(run, out);
        match kind {
            Kind::Element => out.push(self.element()),
            Kind::ScriptElement => out.push(self.script()),
            Kind::StyleElement => out.push(self.element()),
            Kind::Comment => {
                let span = self.walk.span(node);
                let text = slice(self.original, span);
                let text = text.strip_prefix("<!--").unwrap_or(text);
                let text = text.strip_suffix("-->").unwrap_or(text).trim();
                self.comments.push(Comment { span, text: SmolStr::new(text), doc: false });
            }
            // Templates open and close elements under conditions, so what does not nest is no
            // defect: its parts count as if they nested.
            Kind::Error => {
                self.depth += 1;
                if self.depth < MAX_NESTING {
                    out.append(&mut self.loose());
                }
                self.depth -= 1;
            }
            _ => {}
        }
    }

    /// What an error holds: a tag of its own is an element without children.
    fn loose(&mut self) -> Vec<Expr> {
        let mut found = Vec::new();
        let mut run = None;
        if self.walk.down() {
            loop {
                let node = self.walk.node();
                if matches!(self.kind(node), Kind::StartTag | Kind::SelfClosingTag) {
                    self.flush(&mut run, &mut found);
                    let span = self.walk.span(node);
                    let mut markup = Markup {
                        tag: SmolStr::default(),
                        attributes: Vec::new(),
                        children: Vec::new(),
                    };
                    self.tag(&mut markup);
                    found.push(Expr { span, kind: ExprKind::Markup(Box::new(markup)) });
                } else {
                    self.child(node, &mut run, &mut found);
                }
                if !self.walk.next() {
                    break;
                }
            }
            self.walk.up();
        }
        self.flush(&mut run, &mut found);
        found
    }

    fn flush(&self, run: &mut Option<Span>, out: &mut Vec<Expr>) {
        let Some(span) = run.take() else { return };
        let parts = self.text(span);
        if !parts.is_empty() {
            out.push(Expr { span, kind: ExprKind::Text(parts) });
        }
    }

    /// Name and attributes of a tag.
    fn tag(&mut self, markup: &mut Markup) {
        if !self.walk.down() {
            return;
        }
        loop {
            let node = self.walk.node();
            match self.kind(node) {
                Kind::TagName => markup.tag = SmolStr::new(self.walk.text(node)),
                Kind::Attribute => {
                    let attribute = self.attribute();
                    markup.attributes.push(attribute);
                }
                _ => {}
            }
            if !self.walk.next() {
                break;
            }
        }
        self.walk.up();
    }

    fn attribute(&mut self) -> (SmolStr, Expr) {
        let span = self.walk.span(self.walk.node());
        let mut name = SmolStr::default();
        let mut value = None;
        let mut name_span = span;
        if self.walk.down() {
            loop {
                let node = self.walk.node();
                let span = self.walk.span(node);
                match self.kind(node) {
                    Kind::AttributeName => {
                        name = SmolStr::new(slice(self.original, span));
                        name_span = span;
                    }
                    Kind::AttributeValue => value = Some(self.text_expr(span)),
                    Kind::QuotedAttributeValue => {
                        let (start, end) = (span.start + 1, span.end.saturating_sub(1));
                        value = Some(self.text_expr(Span { start, end, ..span }));
                    }
                    _ => {}
                }
                if !self.walk.next() {
                    break;
                }
            }
            self.walk.up();
        }
        // `<input {{ attributes }}>`
        if value.is_none()
            && let first = self.masks.partition_point(|mask| mask.start < name_span.start)
            && let Some(Mask { start, hole: Some(hole), .. }) = self.masks.get(first)
            && *start == name_span.start
        {
            return (SmolStr::new_static("..."), hole.clone());
        }
        (name, value.unwrap_or(Expr { span, kind: ExprKind::Bool(true) }))
    }

    fn text_expr(&self, span: Span) -> Expr {
        Expr { span, kind: ExprKind::Text(self.text(span)) }
    }

    /// A stretch of text, with entities resolved and masked expressions as holes.
    fn text(&self, span: Span) -> Vec<TextPart> {
        let mut parts = Vec::new();
        let mut fixed = String::new();
        let mut at = span.start;
        let first = self.masks.partition_point(|mask| mask.start < span.start);
        for mask in self.masks.iter().skip(first).take_while(|mask| mask.start < span.end) {
            fixed.push_str(slice(self.original, Span { start: at, end: mask.start, line: 0 }));
            at = mask.end;
            if let Some(hole) = &mask.hole {
                push_fixed(&mut fixed, &mut parts);
                parts.push(TextPart::Hole(hole.clone()));
            }
        }
        fixed.push_str(slice(self.original, Span { start: at, end: span.end.max(at), line: 0 }));
        push_fixed(&mut fixed, &mut parts);
        parts
    }

    // ── Scripts ─────────────────────────────────────────────────────────────────────────────

    fn script(&mut self) -> Expr {
        let mut code = None;
        if self.walk.down() {
            loop {
                let node = self.walk.node();
                if self.kind(node) == Kind::RawText {
                    code = Some(self.walk.span(node));
                }
                if !self.walk.next() {
                    break;
                }
            }
            self.walk.up();
        }
        let element = self.element();
        if let (ExprKind::Markup(markup), Some(code)) = (&element.kind, code)
            && let Some((grammar, is_masked)) = script_grammar(markup)
        {
            self.lower_script(grammar, is_masked, code);
        }
        element
    }

    fn lower_script(&mut self, grammar: Grammar, is_masked: bool, code: Span) {
        let (text, masks) =
            if is_masked { (self.walk.text, self.masks) } else { (self.original, &[][..]) };
        match ecmascript::lower_part(grammar, slice(text, code), code, masks, self.limits) {
            Ok(mut module) => {
                for comment in &mut module.comments {
                    comment.text = comment_text(slice(self.original, comment.span)).0;
                }
                self.scripts.append(&mut module.body);
                self.comments.append(&mut module.comments);
                self.defects.append(&mut module.defects);
            }
            Err(refusal) => {
                let reason = SmolStr::new(format!("script left out: {refusal}"));
                self.defects.push(Defect { span: code, reason });
            }
        }
    }
}

/// The grammar of a script and whether templates may reach into it; `None` when it is no script
/// or stands in another file. JSX has double braces of its own.
fn script_grammar(markup: &Markup) -> Option<(Grammar, bool)> {
    let attribute = |name: &str| {
        let (_, value) = markup.attributes.iter().find(|(at, _)| at.eq_ignore_ascii_case(name))?;
        match &value.kind {
            ExprKind::Text(parts) => match parts.as_slice() {
                [TextPart::Literal(text)] => Some(text.trim().to_ascii_lowercase()),
                _ => Some(String::new()),
            },
            _ => Some(String::new()),
        }
    };
    if attribute("src").is_some() {
        return None;
    }
    match attribute("lang").as_deref() {
        Some("ts" | "typescript") => return Some((Grammar::TypeScript, true)),
        Some("tsx") => return Some((Grammar::Tsx, true)),
        _ => {}
    }
    match attribute("type").as_deref() {
        None
        | Some(
            ""
            | "module"
            | "text/javascript"
            | "application/javascript"
            | "text/ecmascript"
            | "application/x-javascript",
        ) => Some((Grammar::JavaScript, true)),
        Some("text/babel" | "text/jsx") => Some((Grammar::JavaScript, false)),
        Some("text/typescript" | "application/typescript" | "ts") => {
            Some((Grammar::TypeScript, true))
        }
        _ => None,
    }
}

fn push_fixed(fixed: &mut String, parts: &mut Vec<TextPart>) {
    if !fixed.is_empty() {
        parts.push(TextPart::Literal(entities::decode(fixed)));
        fixed.clear();
    }
}

fn slice(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap_or_default()
}
