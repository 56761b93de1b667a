//! Items: functions, types, traits, `impl` blocks and modules.

use syn::spanned::Spanned;
use syn::{Attribute, Fields, ImplItem, Item, Meta, TraitItem, Visibility};

use super::expressions::plain_param;
use super::macros::items_given;
use super::statements::Tail;
use super::{Lowering, MAX_MACRO_NESTING, cover, name, name_of};
use crate::module::{
    Arg, Bind, Block, Class, Entry, Expr, ExprKind, Function, Import, ImportNames, Span, Stmt,
    StmtKind, TextPart,
};

impl Lowering<'_> {
    pub(super) fn items(&mut self, items: &[Item]) -> Block {
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            self.item(item, &mut out);
        }
        out
    }

    pub(super) fn item(&mut self, item: &Item, out: &mut Block) {
        match item {
            Item::Fn(function) => {
                let start = self.start(&function.vis, signature_start(&function.sig));
                let end = self.span(function.block.brace_token.span.close());
                let lowered = self.function(
                    &function.attrs,
                    cover(start, end),
                    &function.sig,
                    Some(&function.block),
                );
                self.push(&function.attrs, lowered.span, function_kind(lowered), out);
            }
            Item::Struct(item) => {
                let start = self.start(&item.vis, item.struct_token.span);
                let body = self.fields(&item.fields);
                let span = cover(start, self.span(item_end(&item.fields, item.ident.span())));
                self.class(&item.attrs, span, &item.ident, Vec::new(), body, false, out);
            }
            Item::Union(item) => {
                let start = self.start(&item.vis, item.union_token.span);
                let span = cover(start, self.span(item.fields.brace_token.span.close()));
                let body = item.fields.named.iter().map(|field| self.field(field)).collect();
                self.class(&item.attrs, span, &item.ident, Vec::new(), body, false, out);
            }
            Item::Enum(item) => {
                let start = self.start(&item.vis, item.enum_token.span);
                let span = cover(start, self.span(item.brace_token.span.close()));
                let mut body = Vec::new();
                for variant in &item.variants {
                    self.noted(&variant.attrs, &mut body);
                    body.push(self.variant(variant));
                }
                self.class(&item.attrs, span, &item.ident, Vec::new(), body, false, out);
            }
            Item::Trait(item) => {
                let start = self.start(&item.vis, item.trait_token.span);
                let span = cover(start, self.span(item.brace_token.span.close()));
                let bases = unnamed(self.bounds(item.supertraits.iter()));
                let mut body = Vec::new();
                for inner in &item.items {
                    self.trait_item(inner, &mut body);
                }
                self.class(&item.attrs, span, &item.ident, bases, body, true, out);
            }
            Item::Impl(item) => self.impl_block(item, out),
            Item::Mod(item) => {
                let start = self.start(&item.vis, item.mod_token.span);
                let (end, body) = match &item.content {
                    Some((brace, items)) => (self.span(brace.span.close()), self.items(items)),
                    None => (self.span(item.ident.span()), Vec::new()),
                };
                let decorators = self.decorators(&item.attrs);
                let name = name_of(&item.ident);
                let kind = StmtKind::Namespace { name, decorators, body };
                self.push(&item.attrs, cover(start, end), kind, out);
            }
            Item::Const(item) => {
                let start = self.start(&item.vis, item.const_token.span);
                let span = cover(start, self.span(item.semi_token.span));
                let kind = self.constant(&item.ident, &item.ty, Some(&item.expr));
                self.push(&item.attrs, span, kind, out);
            }
            Item::Static(item) => {
                let start = self.start(&item.vis, item.static_token.span);
                let span = cover(start, self.span(item.semi_token.span));
                let kind = self.constant(&item.ident, &item.ty, Some(&item.expr));
                self.push(&item.attrs, span, kind, out);
            }
            Item::Use(item) => self.use_item(item, out),
            Item::ExternCrate(item) => {
                let start = self.start(&item.vis, item.extern_token.span);
                let span = cover(start, self.span(item.semi_token.span));
                let module = name_of(&item.ident);
                let bound = match &item.rename {
                    Some((_, renamed)) => name_of(renamed),
                    None => module.clone(),
                };
                let kind = StmtKind::Import(Import {
                    module,
                    names: ImportNames::Module(bound),
                    type_only: false,
                    exported: offered(&item.vis),
                });
                self.push(&item.attrs, span, kind, out);
            }
            Item::ForeignMod(block) => {
                for inner in &block.items {
                    if let syn::ForeignItem::Fn(function) = inner {
                        let start = self.start(&function.vis, signature_start(&function.sig));
                        let span = cover(start, self.span(function.semi_token.span));
                        let lowered = self.function(&function.attrs, span, &function.sig, None);
                        self.push(&function.attrs, lowered.span, function_kind(lowered), out);
                    }
                }
            }
            Item::Macro(item) => {
                let (items, mac) = match item.ident {
                    None if self.macro_depth < MAX_MACRO_NESTING => items_given(&item.mac),
                    _ => (Vec::new(), None),
                };
                let mac = mac.as_ref().unwrap_or(&item.mac);
                let value = match &item.ident {
                    Some(ident) => self.macro_definition(mac, ident),
                    None => self.invocation(mac),
                };
                self.push(&item.attrs, value.span, StmtKind::Expr(value), out);
                self.macro_depth += 1;
                items.iter().for_each(|item| self.item(item, out));
                self.macro_depth -= 1;
            }
            Item::Type(item) => {
                let start = self.start(&item.vis, item.type_token.span);
                let span = cover(start, self.span(item.semi_token.span));
                let kind = self.alias(&item.ident, &item.ty);
                self.push(&item.attrs, span, kind, out);
            }
            Item::Verbatim(tokens) => self.verbatim(tokens, out),
            _ => {
                let span = self.span(item.span());
                out.push(Stmt { span, kind: StmtKind::Pass });
            }
        }
    }

    fn impl_block(&mut self, item: &syn::ItemImpl, out: &mut Block) {
        let start = match &item.unsafety {
            Some(token) => self.span(token.span),
            None => self.span(item.impl_token.span),
        };
        let span = cover(start, self.span(item.brace_token.span.close()));
        let (class_name, name_span) = match self_type(&item.self_ty) {
            Some(ident) => (Some(name_of(ident)), self.span(ident.span())),
            None => (None, self.span(item.impl_token.span)),
        };
        let bases = match &item.trait_ {
            Some((path, _)) => unnamed(vec![self.type_path(None, path)]),
            None => Vec::new(),
        };
        let mut body = Vec::new();
        for inner in &item.items {
            match inner {
                ImplItem::Fn(function) => {
                    let start = self.start(&function.vis, signature_start(&function.sig));
                    let end = self.span(function.block.brace_token.span.close());
                    let lowered = self.function(
                        &function.attrs,
                        cover(start, end),
                        &function.sig,
                        Some(&function.block),
                    );
                    self.push(&function.attrs, lowered.span, function_kind(lowered), &mut body);
                }
                ImplItem::Const(constant) => {
                    let start = self.start(&constant.vis, constant.const_token.span);
                    let span = cover(start, self.span(constant.semi_token.span));
                    let kind = self.constant(&constant.ident, &constant.ty, Some(&constant.expr));
                    self.push(&constant.attrs, span, kind, &mut body);
                }
                ImplItem::Type(item) => {
                    let start = self.start(&item.vis, item.type_token.span);
                    let span = cover(start, self.span(item.semi_token.span));
                    let kind = self.alias(&item.ident, &item.ty);
                    self.push(&item.attrs, span, kind, &mut body);
                }
                ImplItem::Macro(invocation) => {
                    let value = self.invocation(&invocation.mac);
                    self.push(&invocation.attrs, value.span, StmtKind::Expr(value), &mut body);
                }
                ImplItem::Verbatim(tokens) => self.verbatim(tokens, &mut body),
                _ => {}
            }
        }
        let class = Class {
            name: class_name,
            name_span,
            span,
            decorators: self.decorators(&item.attrs),
            bases,
            body,
            is_interface: false,
            of: Some(self.ty(&item.self_ty)),
        };
        self.push(&item.attrs, span, StmtKind::Class(Box::new(class)), out);
    }

    fn trait_item(&mut self, item: &TraitItem, out: &mut Block) {
        match item {
            TraitItem::Fn(function) => {
                let start = self.span(signature_start(&function.sig));
                let end = match (&function.default, &function.semi_token) {
                    (Some(block), _) => self.span(block.brace_token.span.close()),
                    (None, Some(token)) => self.span(token.span),
                    (None, None) => self.span(function.sig.paren_token.span.close()),
                };
                let lowered = self.function(
                    &function.attrs,
                    cover(start, end),
                    &function.sig,
                    function.default.as_ref(),
                );
                self.push(&function.attrs, lowered.span, function_kind(lowered), out);
            }
            TraitItem::Const(constant) => {
                let start = self.span(constant.const_token.span);
                let span = cover(start, self.span(constant.semi_token.span));
                let value = constant.default.as_ref().map(|(_, value)| value);
                let kind = self.constant(&constant.ident, &constant.ty, value);
                self.push(&constant.attrs, span, kind, out);
            }
            TraitItem::Macro(invocation) => {
                let value = self.invocation(&invocation.mac);
                self.push(&invocation.attrs, value.span, StmtKind::Expr(value), out);
            }
            TraitItem::Verbatim(tokens) => self.verbatim(tokens, out),
            _ => {}
        }
    }

    /// Tokens that syn accepts without reading them.
    fn verbatim(&mut self, tokens: &proc_macro2::TokenStream, out: &mut Block) {
        let span = self.span(tokens.span());
        let value = Expr { span, kind: ExprKind::Other(self.texts_in(tokens.clone())) };
        out.push(Stmt { span, kind: StmtKind::Expr(value) });
    }

    /// Where an item begins behind its attributes.
    pub(super) fn start(&self, vis: &Visibility, token: proc_macro2::Span) -> Span {
        match vis {
            Visibility::Public(public) => self.span(public.span),
            Visibility::Restricted(restricted) => self.span(restricted.pub_token.span),
            Visibility::Inherited => self.span(token),
        }
    }

    /// Adds a statement whose place reaches back to its first attribute.
    pub(super) fn push(&self, attrs: &[Attribute], span: Span, kind: StmtKind, out: &mut Block) {
        let first = attrs.iter().find(|attr| is_decorator(attr));
        let span = first.map_or(span, |attr| cover(self.span(attr.pound_token.span), span));
        out.push(Stmt { span, kind });
    }

    #[allow(clippy::too_many_arguments)]
    fn class(
        &mut self,
        attrs: &[Attribute],
        span: Span,
        ident: &proc_macro2::Ident,
        bases: Vec<Arg>,
        body: Block,
        is_interface: bool,
        out: &mut Block,
    ) {
        let class = Class {
            name: Some(name_of(ident)),
            name_span: self.span(ident.span()),
            span,
            decorators: self.decorators(attrs),
            bases,
            body,
            is_interface,
            of: None,
        };
        self.push(attrs, span, StmtKind::Class(Box::new(class)), out);
    }

    fn function(
        &mut self,
        attrs: &[Attribute],
        span: Span,
        sig: &syn::Signature,
        block: Option<&syn::Block>,
    ) -> Function {
        let params = sig
            .inputs
            .iter()
            .map(|input| match input {
                syn::FnArg::Receiver(receiver) => {
                    let target = name(self.span(receiver.self_token.span), "self");
                    plain_param(target, None)
                }
                syn::FnArg::Typed(typed) => {
                    let target = self.pattern(&typed.pat);
                    let annotation = Some(self.ty(&typed.ty));
                    let decorators = self.decorators(&typed.attrs);
                    crate::module::Param { decorators, ..plain_param(target, annotation) }
                }
            })
            .collect();
        let returns = match &sig.output {
            syn::ReturnType::Default => None,
            syn::ReturnType::Type(_, ty) => Some(self.ty(ty)),
        };
        // The last expression of a function that returns nothing is a statement like any other.
        let tail = if returns.is_some() { Tail::Returned } else { Tail::Value };
        Function {
            name: Some(name_of(&sig.ident)),
            name_span: self.span(sig.ident.span()),
            span,
            decorators: self.decorators(attrs),
            params,
            returns,
            body: block.map_or_else(Vec::new, |block| self.block(block, tail)),
            is_async: sig.asyncness.is_some(),
            is_generator: false,
            is_abstract: block.is_none(),
            is_getter: false,
            is_static: false,
            generics: sig.generics.type_params().map(|param| name_of(&param.ident)).collect(),
        }
    }

    /// A type under another name.
    fn alias(&mut self, ident: &proc_macro2::Ident, ty: &syn::Type) -> StmtKind {
        StmtKind::Bind(Bind {
            target: name(self.span(ident.span()), name_of(ident)),
            value: Some(self.ty(ty)),
            annotation: None,
            operator: None,
        })
    }

    fn constant(
        &mut self,
        ident: &proc_macro2::Ident,
        ty: &syn::Type,
        value: Option<&syn::Expr>,
    ) -> StmtKind {
        StmtKind::Bind(Bind {
            target: name(self.span(ident.span()), name_of(ident)),
            value: value.map(|value| self.expr(value)),
            annotation: Some(self.ty(ty)),
            operator: None,
        })
    }

    fn fields(&mut self, fields: &Fields) -> Block {
        match fields {
            Fields::Named(named) => named.named.iter().map(|field| self.field(field)).collect(),
            // A tuple's fields are called by their position.
            Fields::Unnamed(unnamed) => unnamed
                .unnamed
                .iter()
                .enumerate()
                .map(|(at, field)| {
                    let annotation = self.ty(&field.ty);
                    let target = name(annotation.span, at.to_string());
                    declared(target, Some(annotation), None)
                })
                .collect(),
            Fields::Unit => Vec::new(),
        }
    }

    fn field(&mut self, field: &syn::Field) -> Stmt {
        let annotation = self.ty(&field.ty);
        let target = match &field.ident {
            Some(ident) => name(self.span(ident.span()), name_of(ident)),
            None => name(annotation.span, "_"),
        };
        let value = field.default.as_ref().map(|(_, value)| self.expr(value));
        declared(target, Some(annotation), value)
    }

    /// Attributes of a variant that say how a caller is known stand before it as calls.
    fn noted(&mut self, attrs: &[Attribute], out: &mut Block) {
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("oai")) {
            let notes = self.decorators(std::slice::from_ref(attr));
            out.extend(
                notes.into_iter().map(|note| Stmt { span: note.span, kind: StmtKind::Expr(note) }),
            );
        }
    }

    /// A variant is bound to its discriminant; what it carries is its annotation.
    fn variant(&mut self, variant: &syn::Variant) -> Stmt {
        let target = name(self.span(variant.ident.span()), name_of(&variant.ident));
        let annotation = match &variant.fields {
            Fields::Unit => None,
            Fields::Unnamed(fields) => {
                let span = self.span(fields.paren_token.span.join());
                let types = fields.unnamed.iter().map(|field| self.ty(&field.ty)).collect();
                Some(Expr { span, kind: ExprKind::List(types) })
            }
            Fields::Named(fields) => {
                let span = self.span(fields.brace_token.span.join());
                let entries = fields
                    .named
                    .iter()
                    .filter_map(|field| {
                        let ident = field.ident.as_ref()?;
                        let part = TextPart::Literal(name_of(ident));
                        let span = self.span(ident.span());
                        let key = Expr { span, kind: ExprKind::Text(vec![part]) };
                        Some(Entry { key: Some(key), value: self.ty(&field.ty) })
                    })
                    .collect();
                Some(Expr { span, kind: ExprKind::Map(entries) })
            }
        };
        let value = variant.discriminant.as_ref().map(|(_, value)| self.expr(value));
        declared(target, annotation, value)
    }

    /// Attributes as decorators: `#[test]` is a name, `#[get("/x")]` a call, `#[path = "x"]` an
    /// assignment. Documentation is among the comments.
    pub(super) fn decorators(&mut self, attrs: &[Attribute]) -> Vec<Expr> {
        attrs
            .iter()
            .filter(|attr| is_decorator(attr))
            .map(|attr| {
                let span = cover(
                    self.span(attr.pound_token.span),
                    self.span(attr.bracket_token.span.close()),
                );
                let decorator = self.decorator(&attr.meta);
                Expr { span, kind: decorator.kind }
            })
            .collect()
    }

    fn decorator(&mut self, meta: &Meta) -> Expr {
        match meta {
            Meta::Path(path) => self.path(None, path),
            Meta::NameValue(pair) => {
                let target = self.path(None, &pair.path);
                let value = self.expr(&pair.value);
                let span = cover(target.span, value.span);
                let kind = ExprKind::Assign { target: Box::new(target), value: Box::new(value) };
                Expr { span, kind }
            }
            Meta::List(list) => {
                let callee = self.path(None, &list.path);
                let span = cover(callee.span, self.span(list.delimiter.span().close()));
                let mut args = self.macro_args(list.tokens.clone());
                for arg in &mut args {
                    if matches!(
                        arg.name.as_deref(),
                        Some("wrap" | "guard" | "transform" | "checker")
                    ) {
                        self.quoted_code(&mut arg.value);
                    }
                }
                self.call(span, callee, args, false)
            }
        }
    }
}

impl Lowering<'_> {
    /// Attributes name functions and middleware as text: `wrap = "Guard::new()"`.
    fn quoted_code(&mut self, value: &mut Expr) {
        let ExprKind::Text(parts) = &value.kind else { return };
        let [TextPart::Literal(text)] = parts.as_slice() else { return };
        // A text within the file passed the guards of the file, but not as code.
        let short = text.len() < 256 && text.matches(['(', '[', '{', '<']).count() < 16;
        if let (true, Ok(code)) = (short, syn::parse_str::<syn::Expr>(text)) {
            let span = value.span;
            *value = self.expr(&code);
            value.span = span;
        }
    }
}

fn declared(target: Expr, annotation: Option<Expr>, value: Option<Expr>) -> Stmt {
    let mut span = target.span;
    for part in annotation.iter().chain(&value) {
        span = cover(span, part.span);
    }
    Stmt { span, kind: StmtKind::Bind(Bind { target, value, annotation, operator: None }) }
}

fn function_kind(function: Function) -> StmtKind {
    StmtKind::Function(Box::new(function))
}

fn unnamed(values: Vec<Expr>) -> Vec<Arg> {
    values.into_iter().map(|value| Arg { name: None, value }).collect()
}

pub(super) fn offered(vis: &Visibility) -> bool {
    !matches!(vis, Visibility::Inherited)
}

/// Documentation comments are attributes to syn; they are among the comments here.
fn is_decorator(attr: &Attribute) -> bool {
    !matches!(&attr.meta, Meta::NameValue(pair) if pair.path.is_ident("doc"))
}

fn signature_start(sig: &syn::Signature) -> proc_macro2::Span {
    if let Some(token) = &sig.constness {
        return token.span;
    }
    if let Some(token) = &sig.asyncness {
        return token.span;
    }
    match (&sig.safety, &sig.abi) {
        (syn::Safety::Unsafe(token), _) => token.span,
        (_, Some(abi)) => abi.extern_token.span,
        _ => sig.fn_token.span,
    }
}

fn item_end(fields: &Fields, ident: proc_macro2::Span) -> proc_macro2::Span {
    match fields {
        Fields::Named(fields) => fields.brace_token.span.close(),
        Fields::Unnamed(fields) => fields.paren_token.span.close(),
        Fields::Unit => ident,
    }
}

/// The last path segment of the type that an `impl` block is for.
fn self_type(ty: &syn::Type) -> Option<&proc_macro2::Ident> {
    let mut ty = ty;
    loop {
        match ty {
            syn::Type::Path(path) => return path.path.segments.last().map(|last| &last.ident),
            syn::Type::Reference(reference) => ty = &reference.elem,
            syn::Type::Paren(paren) => ty = &paren.elem,
            syn::Type::Group(group) => ty = &group.elem,
            _ => return None,
        }
    }
}
