//! Attributes of a user who may be anonymous, read in a route handler without a guard.
//!
//! The check is careful rather than complete: it speaks only about functions that it sees being
//! registered as handlers, and any sign of a guard in reach silences it.

use super::CheckMatch;
use crate::module::path::{Aliases, Path, last_name};
use crate::module::visit::{Visitor, Walk, walk_block, walk_module};
use crate::module::{Call, Class, Expr, ExprKind, Function, Handler, Module, Stmt};
use crate::source::{Language, Source};

/// How the current user is named.
pub const NEEDS: &[&str] = &["current_user", "request.user", "req.user", "g.user"];

/// What a handler is registered with.
const ROUTE_VERBS: &[&str] = &[
    "route",
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "head",
    "options",
    "all",
    "api_route",
    "websocket",
    "api_view",
    "action",
    "add_url_rule",
];

/// Words in the names of decorators, middleware and functions that keep callers out.
const GUARD_WORDS: &[&str] = &[
    "login",
    "requir",
    "permi",
    "auth",
    "jwt",
    "role",
    "admin",
    "protect",
    "secur",
    "guard",
    "verif",
    "token",
    "passes_test",
    "access",
    "ensure",
    "session",
    "passport",
    "member",
    "staff",
    "owner",
];

/// Attributes that Flask-Login's anonymous user has.
const SAFE_FLASK: &[&str] =
    &["is_authenticated", "is_anonymous", "is_active", "get_id", "_get_current_object"];

/// Attributes that Django's anonymous user has.
const SAFE_DJANGO: &[&str] = &[
    "is_authenticated",
    "is_anonymous",
    "is_active",
    "id",
    "pk",
    "is_staff",
    "is_superuser",
    "username",
    "groups",
    "user_permissions",
    "has_perm",
    "has_perms",
    "has_module_perms",
    "get_username",
    "get_all_permissions",
    "get_group_permissions",
    "get_user_permissions",
];

/// Finds them.
#[must_use]
pub fn check(source: &Source, module: &Module) -> Vec<CheckMatch> {
    let aliases = Aliases::of(module);
    let mut whole = ModuleGuard { found: false };
    walk_module(&mut whole, module);
    if whole.found {
        return Vec::new();
    }
    let mut search = Search {
        source,
        aliases: &aliases,
        class_guarded: Vec::new(),
        inline: Vec::new(),
        found: Vec::new(),
    };
    walk_module(&mut search, module);
    search.found
}

fn is_guard_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    GUARD_WORDS.iter().any(|word| name.contains(word))
}

/// Whether a function tells somebody something: `send_verification_email` keeps nobody out.
fn sends(name: &str) -> bool {
    ["send", "mail", "notify", "queue"]
        .iter()
        .any(|verb| name.to_ascii_lowercase().starts_with(verb))
}

/// Whether an expression names a guard: `login_required`, `auth.required("admin")`, `[a, b]`.
fn names_guard(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Call(call) => {
            names_guard(&call.callee) || call.args.iter().any(|arg| names_guard(&arg.value))
        }
        ExprKind::List(items) => items.iter().any(names_guard),
        ExprKind::Name(_) | ExprKind::Attribute { .. } => {
            Path::of(expr).segments.iter().any(|name| is_guard_name(name))
        }
        _ => false,
    }
}

/// A guard for the whole module: `before_request`, `router.use(requireLogin)`.
struct ModuleGuard {
    found: bool,
}

impl<'m> Visitor<'m> for ModuleGuard {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        match &expr.kind {
            ExprKind::Attribute { name, .. }
                if matches!(name.as_str(), "before_request" | "before_app_request") =>
            {
                self.found = true
            }
            ExprKind::Call(call) if last_name(&call.callee) == Some("use") => {
                self.found |= call.args.iter().any(|arg| names_guard(&arg.value));
            }
            _ => {}
        }
        if self.found { Walk::Skip } else { Walk::Into }
    }
}

struct Search<'s, 'm> {
    source: &'s Source,
    aliases: &'s Aliases<'m>,
    class_guarded: Vec<bool>,
    /// Functions that are registered where they are written.
    inline: Vec<&'m Function>,
    found: Vec<CheckMatch>,
}

impl<'m> Search<'_, 'm> {
    fn handler(&mut self, function: &'m Function, name: &str) {
        if self.class_guarded.contains(&true) {
            return;
        }
        let mut uses = Uses {
            source: self.source,
            aliases: self.aliases,
            params: function.params.iter().filter_map(|param| last_name(&param.target)).collect(),
            guarded: false,
            unsafe_reads: Vec::new(),
        };
        walk_block(&mut uses, &function.body);
        if uses.guarded {
            return;
        }
        for read in uses.unsafe_reads {
            self.found.push(CheckMatch {
                span: read.span,
                captures: vec![
                    ("access", Path::of(read).to_string()),
                    ("handler", name.to_owned()),
                ],
                accepted: None,
            });
        }
    }
}

fn is_route_decorator(decorator: &Expr) -> bool {
    let ExprKind::Call(call) = &decorator.kind else { return false };
    last_name(&call.callee).is_some_and(|name| ROUTE_VERBS.contains(&name))
        && (matches!(call.callee.kind, ExprKind::Attribute { .. })
            || last_name(&call.callee) == Some("api_view"))
}

impl<'m> Visitor<'m> for Search<'_, 'm> {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        if let ExprKind::Call(call) = &expr.kind
            && is_registration(call)
            && !call.args.iter().any(|arg| names_guard(&arg.value))
        {
            self.inline.extend(call.args.iter().filter_map(|arg| match &arg.value.kind {
                ExprKind::Function(function) => Some(&**function),
                _ => None,
            }));
        }
        Walk::Into
    }

    fn enter_function(&mut self, function: &'m Function) -> Walk {
        let name = function.name.as_deref().unwrap_or("the handler");
        let is_inline = self.inline.iter().any(|known| std::ptr::eq(*known, function));
        let is_decorated = function.decorators.iter().any(is_route_decorator);
        let is_guarded = function
            .decorators
            .iter()
            .any(|decorator| !is_route_decorator(decorator) && names_guard(decorator));
        if (is_inline || is_decorated) && !is_guarded {
            self.handler(function, name);
        }
        Walk::Into
    }

    fn enter_class(&mut self, class: &'m Class) -> Walk {
        let guarded = class.decorators.iter().any(names_guard)
            || class.bases.iter().any(|base| names_guard(&base.value));
        self.class_guarded.push(guarded);
        Walk::Into
    }

    fn leave_class(&mut self, _: &'m Class) {
        self.class_guarded.pop();
    }
}

/// `app.get("/x", …, (req, res) => …)`.
fn is_registration(call: &Call) -> bool {
    let ExprKind::Attribute { name, .. } = &call.callee.kind else { return false };
    ROUTE_VERBS.contains(&name.as_str())
        && call.args.first().is_some_and(|arg| matches!(arg.value.kind, ExprKind::Text(_)))
        && call.args.len() >= 2
}

/// What a handler's body does with the current user.
struct Uses<'s, 'm> {
    source: &'s Source,
    aliases: &'s Aliases<'m>,
    params: Vec<&'m str>,
    guarded: bool,
    unsafe_reads: Vec<&'m Expr>,
}

impl<'m> Uses<'_, 'm> {
    /// Whether an expression is the current user.
    fn is_user(&self, expr: &'m Expr) -> bool {
        match &expr.kind {
            // A parameter of that name comes from a dependency that has refused already.
            ExprKind::Name(name) => {
                name == "current_user"
                    && !self.params.contains(&"current_user")
                    && self.aliases.knows(name)
            }
            ExprKind::Attribute { object, name, .. } if name == "user" => {
                let ExprKind::Name(owner) = &object.kind else { return false };
                match owner.as_str() {
                    "request" | "req" => {
                        self.params.first() == Some(&owner.as_str())
                            || self.params.get(1) == Some(&owner.as_str())
                    }
                    "g" => self.aliases.knows("g"),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    fn is_optional(&self, object: &Expr, whole: &Expr) -> bool {
        self.source
            .text
            .get(object.span.end as usize..whole.span.end as usize)
            .is_some_and(|rest| rest.trim_start().starts_with("?."))
    }
}

impl<'m> Visitor<'m> for Uses<'_, 'm> {
    fn enter_expr(&mut self, expr: &'m Expr) -> Walk {
        match &expr.kind {
            ExprKind::Attribute { object, name, .. } if self.is_user(object) => {
                if matches!(name.as_str(), "is_authenticated" | "is_anonymous" | "isAuthenticated")
                    || self.is_optional(object, expr)
                {
                    self.guarded = true;
                } else if !self.safe(object).contains(&name.as_str()) {
                    self.unsafe_reads.push(expr);
                }
                return Walk::Skip;
            }
            // The user itself is looked at or handed on: a condition, `getattr`, a helper.
            // After an attribute was read, that comes too late.
            ExprKind::Name(_) | ExprKind::Attribute { .. } if self.is_user(expr) => {
                self.guarded |= self.unsafe_reads.is_empty()
            }
            ExprKind::Call(call) => {
                self.guarded |=
                    last_name(&call.callee).is_some_and(|name| is_guard_name(name) && !sends(name));
            }
            _ => {}
        }
        Walk::Into
    }

    fn enter_handler(&mut self, _: &'m Handler) -> Walk {
        // Whoever catches what fails here has thought of it.
        self.guarded = true;
        Walk::Skip
    }

    fn enter_stmt(&mut self, _: &'m Stmt) -> Walk {
        if self.guarded { Walk::Skip } else { Walk::Into }
    }
}

impl Uses<'_, '_> {
    /// What an anonymous user has as well. In Express there is no user at all then.
    fn safe(&self, user: &Expr) -> &'static [&'static str] {
        match &user.kind {
            ExprKind::Attribute { .. } if self.source.language == Language::Python => SAFE_DJANGO,
            ExprKind::Attribute { .. } => &[],
            _ => SAFE_FLASK,
        }
    }
}
