//! Patterns that the program adds to those of Django's admin site.

use std::path::Path as FilePath;
use std::rc::Rc;

use super::patterns::{Walk, Way};
use crate::eval::text::Text;
use crate::eval::value::{Args, ClassValue, Value};
use crate::inventory::routes::readers::classes;
use crate::module::path::last_name;
use crate::module::{Expr, ExprKind};

impl<'p> Walk<'_, '_, 'p> {
    /// What classes of the program give the admin site beside what it has itself.
    pub(super) fn admin(&mut self, way: &Way<'p>, depth: usize) {
        let own: Vec<_> = self
            .trace
            .classes
            .iter()
            .filter(|class| {
                class.env.vars.borrow().contains_key("get_urls")
                    && classes::is_of(class, |path| path.ends_with("ModelAdmin"))
            })
            .map(Rc::clone)
            .collect();
        for class in own {
            let fields = [("admin_site", Value::External("django.contrib.admin.site".into()))];
            let instance = classes::instance(self.trace, &class, &fields);
            let Some(method) = classes::method(self.trace, &instance, "get_urls") else { continue };
            let patterns = self.trace.call_with(&method, Args::default());
            let file = self.trace.program.file(class.env.file).path;
            let folder = FilePath::new(file).parent().and_then(FilePath::file_name);
            let app = folder.map(|name| name.to_string_lossy().to_lowercase());
            for model in self.models(&class) {
                let mut prefix = match &app {
                    Some(app) => Text::literal(app),
                    None => Text::hole(""),
                };
                prefix.push_literal(&format!("/{}/", model.to_lowercase()));
                self.patterns(&patterns, &way.under(&prefix, false), depth + 1);
            }
        }
    }

    /// The models that a class is registered for: `@admin.register(Model)`,
    /// `admin.site.register(Model, ModelAdmin)`.
    fn models(&self, class: &Rc<ClassValue<'p>>) -> Vec<String> {
        let name = |expr: &Expr| last_name(expr).map(str::to_owned);
        let mut out: Vec<String> = Vec::new();
        for decorator in &class.class.decorators {
            if let ExprKind::Call(call) = &decorator.kind
                && last_name(&call.callee) == Some("register")
            {
                out.extend(call.args.iter().filter_map(|arg| name(&arg.value)));
            }
        }
        for (_, record) in self.trace.records() {
            let is_own = matches!(record.args.positional.get(1),
                Some(Value::Class(known)) if Rc::ptr_eq(known, class));
            if is_own
                && record.path().is_some_and(|path| path.ends_with("site.register"))
                && let Some(first) = record.written.and_then(|call| call.args.first())
            {
                out.extend(name(&first.value));
            }
        }
        out
    }
}
