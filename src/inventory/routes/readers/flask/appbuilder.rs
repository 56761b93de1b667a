//! Flask-AppBuilder: classes that are given to a builder, each a blueprint of its own.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::builtin_views::{self, Access, Builtin};
use super::{NAME, Reader, last, verbs};
use crate::eval::interpreter::Trace;
use crate::eval::text::Text;
use crate::eval::value::{Args, BASE, CallId, CallRecord, ClassValue, Closure, FileId, Value};
use crate::inventory::routes::AuthState;
use crate::inventory::routes::graph::{
    Handler, Layer, LayerKind, Registration, made_by, path_text,
};
use crate::inventory::routes::readers::classes;
use crate::inventory::routes::wrapping::open;

/// Decorators of the library that ask nobody anything.
const NO_GUARDS: &[&str] = &[
    "expose",
    "expose_api",
    "safe",
    "rison",
    "merge_response_func",
    "permission_name",
    "action",
    "limit",
    "no_cache",
    "before_request",
];

/// The builders of a program and what they were given.
#[derive(Default)]
pub(super) struct Builders {
    /// Each with whether it has an application.
    all: BTreeMap<CallId, bool>,
    /// What each has, by the names of classes: none is added twice.
    added: Vec<(CallId, String)>,
}

impl<'p> Reader<'_, '_, 'p> {
    /// `AppBuilder(app, db.session)`; false for what is none.
    pub(super) fn construct_builder(
        &mut self,
        id: CallId,
        path: &str,
        call: &CallRecord<'p>,
    ) -> bool {
        if !path.starts_with("flask_appbuilder.") || last(path) != "AppBuilder" {
            return false;
        }
        self.graph.add(id, NAME, Text::default());
        self.builders.all.insert(id, false);
        if let Some(app) = call.args.get(0, "app") {
            self.init_builder(id, app, call.conditional);
        }
        true
    }

    fn init_builder(&mut self, builder: CallId, app: &Value<'p>, conditional: bool) {
        if let Some(app) = made_by(app).filter(|app| self.graph.router(*app, NAME).is_some()) {
            self.graph.mount(app, builder, Text::default(), conditional);
            self.builders.all.insert(builder, true);
        }
    }

    /// A method of a builder, however the program got it; false for what is none.
    pub(super) fn builder_call(&mut self, call: &CallRecord<'p>) -> bool {
        let receiver = call.method().map(|(receiver, _)| receiver);
        let known = receiver.filter(|id| self.builders.all.contains_key(id));
        let path = match &call.callee {
            Value::Method(method) => method.1.as_str(),
            Value::External(path) => last(path),
            _ => return false,
        };
        match (path, known) {
            ("init_app", Some(builder)) => {
                if let Some(app) = call.args.get(0, "app") {
                    self.init_builder(builder, app, call.conditional);
                }
                true
            }
            ("add_view" | "add_view_no_menu" | "add_api", _) => {
                let view = call.args.get(0, "baseview");
                for view in view.map(Value::alternatives).unwrap_or_default() {
                    if let Some(class) = self.view_class(&view) {
                        let builder = known.unwrap_or_else(|| self.usual_builder());
                        self.add_view(builder, &class, call.conditional);
                    }
                }
                known.is_some()
            }
            _ => known.is_some(),
        }
    }

    /// The class of a view of the program, given as such or as an instance.
    fn view_class(&self, view: &Value<'p>) -> Option<Rc<ClassValue<'p>>> {
        let class = match view {
            Value::Class(class) => class,
            Value::Object(object) => &object.class,
            _ => return None,
        };
        is_view(class).then(|| Rc::clone(class))
    }

    /// The builder of a program that it is asked for by other names: `current_app.appbuilder`.
    fn usual_builder(&mut self) -> CallId {
        if let Some((id, _)) = self.builders.all.first_key_value() {
            return *id;
        }
        let id = self.graph.add_uncalled(NAME, Text::default());
        self.builders.all.insert(id, false);
        id
    }

    /// The views that builders and their security managers add by themselves, those that nothing
    /// adds, and builders of which nobody sees the application.
    pub(super) fn finish_builders(&mut self) {
        let all: Vec<(CallId, bool)> =
            self.builders.all.iter().map(|(id, at)| (*id, *at)).collect();
        for (builder, has_app) in all {
            if !has_app {
                match self.current {
                    Some(app) => self.graph.mount(app, builder, Text::default(), false),
                    None => self.graph.serves(builder),
                }
            }
            self.own_views(builder);
        }
        let classes = Rc::clone(&self.trace.classes);
        let is_base = |class: &Rc<ClassValue<'p>>| {
            let mut bases = classes.iter().flat_map(|other| &other.bases);
            bases.any(|base| matches!(base, Value::Class(base) if Rc::ptr_eq(base, class)))
        };
        let mut unmounted = None;
        for class in classes.iter().filter(|class| is_view(class)) {
            let is_added = self.builders.added.iter().any(|(_, name)| *name == class.qualified);
            if !is_added && !is_base(class) {
                let router = *unmounted
                    .get_or_insert_with(|| self.graph.add_uncalled(NAME, Text::default()));
                self.add_view(router, class, false);
            }
        }
    }

    /// The page at the root, and what the security manager shows.
    fn own_views(&mut self, builder: CallId) {
        let index = self.setting_of(builder, "indexview", "FAB_INDEX_VIEW");
        for class in index.iter().filter_map(|view| self.view_class(view)).collect::<Vec<_>>() {
            self.add_view(builder, &class, index.len() > 1);
        }
        let managers =
            self.setting_of(builder, "security_manager_class", "FAB_SECURITY_MANAGER_CLASS");
        let types = self.auth_types();
        for manager in &managers {
            let Value::Class(manager) = manager else { continue };
            for (attribute, only) in builtin_views::OF_MANAGER {
                let fits = |known: &u8| types.is_empty() || types.contains(known);
                if !only.is_empty() && !only.iter().any(fits) {
                    continue;
                }
                let conditional = managers.len() > 1 || !only.is_empty() && types.len() != 1;
                if let Some((view, _)) = manager.attribute(attribute)
                    && let Some(class) = self.view_class(&view)
                {
                    self.add_view(builder, &class, conditional);
                }
            }
        }
    }

    /// What a builder is made with, or gets later, or finds in the settings.
    fn setting_of(&self, builder: CallId, name: &str, setting: &str) -> Vec<Value<'p>> {
        let made = self.trace.call(builder);
        let given = made.as_ref().and_then(|made| made.args.keyword(name).cloned());
        let assigned = self.trace.attribute(&Value::Native(builder), name);
        let assigned = match assigned {
            Value::Method(_) | Value::Unknown => None,
            known => Some(known),
        };
        let own = assigned.or(given).map(|value| value.alternatives()).unwrap_or_default();
        if own.iter().any(|value| matches!(value, Value::Class(_))) {
            return own;
        }
        let named = self.settings(setting);
        let values = named.iter().filter_map(|(file, value)| match value.as_str() {
            Some(path) => self.trace.dotted(*file, path),
            None => Some(value.clone()),
        });
        values.collect()
    }

    /// The types of authentication that the settings name; nothing where they may be any.
    fn auth_types(&self) -> Vec<u8> {
        let settings = self.settings("AUTH_TYPE");
        if settings.is_empty() {
            return vec![1];
        }
        let mut out = Vec::new();
        for (_, value) in settings {
            let number = match &value {
                Value::External(path) => builtin_views::auth_type(last(path)),
                Value::Number(number) => number.parse().ok(),
                _ => None,
            };
            match number {
                Some(number) if !out.contains(&number) => out.push(number),
                Some(_) => {}
                None => return Vec::new(),
            }
        }
        out
    }

    /// What the modules of the program have under the name of a setting.
    fn settings(&self, name: &str) -> Vec<(FileId, Value<'p>)> {
        let mut out = Vec::new();
        for file in self.trace.program.ids() {
            let value = self.trace.module(file).vars.borrow().get(name).cloned();
            let known = value.iter().flat_map(Value::alternatives);
            out.extend(known.map(|value| (file, value)));
        }
        out
    }

    /// The routes of a class.
    fn add_view(&mut self, builder: CallId, class: &Rc<ClassValue<'p>>, conditional: bool) {
        let name = class.qualified.to_string();
        if self.builders.added.iter().any(|(of, known)| *of == builder && *known == name) {
            return;
        }
        self.builders.added.push((builder, name));
        let fields = [
            (BASE, Value::External("caller.base".into())),
            ("appbuilder", Value::External("flask_appbuilder.appbuilder".into())),
        ];
        let instance = classes::instance(self.trace, class, &fields);
        let base = route_base(class);
        let own = methods(class);
        let hooks = self.hooks(class, &instance, &own);
        for (name, closure) in &own {
            let Some(certain) = is_routed(class, name) else { continue };
            for (path, methods) in self.exposed(closure) {
                let mut layers = hooks_of(&hooks, name);
                let Some(method) = classes::method(self.trace, &instance, name) else { continue };
                let args = Args { positional: vec![instance.clone()], ..open() };
                let trace = self.trace;
                let view = classes::unwrap(trace, &method, &args, |value| {
                    origin(trace, value).is_some_and(|path| {
                        path.starts_with("flask_appbuilder.") && NO_GUARDS.contains(&last(&path))
                    })
                });
                layers.extend(view.layers);
                let handler = Handler::of(Some(&view.view), closure.place());
                let registration = Registration {
                    layers,
                    args: open(),
                    metadata: view.notes,
                    conditional: conditional || !certain,
                    ..Registration::new(
                        methods,
                        below(&base, &path),
                        classes::named_in(handler, class, name),
                    )
                };
                self.graph.route(builder, registration);
            }
        }
        for builtin in builtins(class) {
            let Some(certain) = is_routed(class, builtin.name) else { continue };
            let mut layers = hooks_of(&hooks, builtin.name);
            if builtin.access == Access::Protected {
                layers.push(Layer::decided(AuthState::Required, "has_access"));
            }
            let methods = builtin.verbs.iter().map(|verb| (*verb).to_owned()).collect();
            let handler = classes::named_in(Handler::of_class(class), class, builtin.name);
            let registration = Registration {
                layers,
                conditional: conditional || !certain,
                ..Registration::new(
                    (methods, true),
                    below(&base, &Text::literal(builtin.path)),
                    handler,
                )
            };
            self.graph.route(builder, registration);
        }
    }

    /// What the decorators of a method say that it answers.
    fn exposed(&self, closure: &Closure<'p>) -> Vec<(Text, (Vec<String>, bool))> {
        let decorators = closure.decorators.iter().filter_map(|decorator| {
            let made = self.trace.made(decorator)?;
            let name = last(made.path().filter(|path| path.starts_with("flask_appbuilder."))?);
            let (url, methods) = match name {
                "expose" => (made.args.get(0, "url"), made.args.get(1, "methods")),
                "expose_api" => (made.args.get(1, "url"), made.args.get(2, "methods")),
                _ => return None,
            };
            let url = url.map_or_else(|| Text::literal("/"), |url| path_text(Some(url)));
            Some((url, methods.map_or_else(|| (vec!["GET".to_owned()], true), verbs)))
        });
        decorators.collect()
    }

    /// The methods of a class that are called before others, each with the names of those; nothing
    /// is all.
    fn hooks(
        &self,
        class: &Rc<ClassValue<'p>>,
        instance: &Value<'p>,
        own: &[(String, Rc<Closure<'p>>)],
    ) -> Vec<(Option<Vec<String>>, Layer<'p>)> {
        let mut out = Vec::new();
        for (name, closure) in own {
            let only = closure.decorators.iter().find_map(|decorator| {
                let path = origin(self.trace, decorator)?;
                if !path.starts_with("flask_appbuilder.") || last(&path) != "before_request" {
                    return None;
                }
                let made = self.trace.made(decorator);
                Some(made.and_then(|made| made.args.get(1, "only").cloned()))
            });
            let Some(only) = only else { continue };
            let names = only.as_ref().and_then(Value::items).map(|items| {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
            });
            let Some(Value::Function(bound)) = classes::method(self.trace, instance, name) else {
                continue;
            };
            let bare = Value::Function(Rc::new(bound.undecorated()));
            let layer = Layer::new(self.trace, LayerKind::Hook, bare, Args::default());
            let mut layer = classes::gate(layer, class, name);
            // Which methods it stands before may not be known.
            layer.conditional = only.is_some_and(|only| names.is_none() && !is_none(&only));
            out.push((names, layer));
        }
        out
    }
}

fn is_none(value: &Value<'_>) -> bool {
    matches!(value, Value::None)
}

fn hooks_of<'p>(hooks: &[(Option<Vec<String>>, Layer<'p>)], name: &str) -> Vec<Layer<'p>> {
    let holds = |only: &Option<Vec<String>>| {
        only.as_ref().is_none_or(|only| only.iter().any(|known| known == name))
    };
    hooks.iter().filter(|(only, _)| holds(only)).map(|(_, layer)| layer.clone()).collect()
}

/// The dotted path of a function from outside that a decorator is, or was made by.
fn origin(trace: &Trace<'_>, value: &Value<'_>) -> Option<String> {
    match value {
        Value::External(path) => Some(path.to_string()),
        Value::Native(id) => trace.call(*id)?.path().map(str::to_owned),
        _ => None,
    }
}

/// Whether a class is a view or an API.
fn is_view(class: &Rc<ClassValue<'_>>) -> bool {
    class.ancestry().1.iter().any(|path| builtin_views::class(path).is_some())
}

/// The functions of a class and its bases, by name.
fn methods<'p>(class: &Rc<ClassValue<'p>>) -> Vec<(String, Rc<Closure<'p>>)> {
    let mut out: BTreeMap<String, Rc<Closure<'p>>> = BTreeMap::new();
    for base in class.lineage().0.iter().rev() {
        for (name, value) in base.env.vars.borrow().iter() {
            match value {
                Value::Function(closure) => out.insert(name.to_string(), Rc::clone(closure)),
                _ => out.remove(name.as_str()),
            };
        }
    }
    out.into_iter().collect()
}

/// What a class has from the library and does not define itself.
fn builtins(class: &Rc<ClassValue<'_>>) -> Vec<Builtin> {
    let mut out: Vec<Builtin> = Vec::new();
    for path in class.ancestry().1 {
        let Some(name) = builtin_views::class(&path) else { continue };
        let new = builtin_views::methods(name).into_iter().filter(|builtin| {
            let is_known = out.iter().any(|known| known.name == builtin.name);
            class.attribute(builtin.name).is_none() && !is_known
        });
        let new: Vec<Builtin> = new.collect();
        out.extend(new);
    }
    out
}

/// Whether a method gets its routes, and whether that is sure; `None` where it does not.
fn is_routed(class: &Rc<ClassValue<'_>>, name: &str) -> Option<bool> {
    let names = |attribute: &str| class.attribute(attribute).map(|(value, _)| value);
    let has = |value: &Value<'_>| {
        // In a text, where a set was meant, every part of it is.
        if let Some(text) = value.as_str() {
            return Some(text.contains(name));
        }
        let items = value.items()?;
        let known: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
        match items.iter().any(|item| item.as_str() == Some(name)) {
            true => Some(true),
            false => known.map(|_| false),
        }
    };
    let included = match names("include_route_methods").filter(|value| !is_none(value)) {
        Some(value) => has(&value),
        None => Some(true),
    };
    let excluded = match names("exclude_route_methods").filter(|value| !is_none(value)) {
        Some(value) => has(&value),
        None => Some(false),
    };
    match (included, excluded) {
        (Some(false), _) | (_, Some(true)) => None,
        (Some(true), Some(false)) => Some(true),
        _ => Some(false),
    }
}

/// The path that a class lies below.
fn route_base(class: &Rc<ClassValue<'_>>) -> Text {
    let text = |name: &str| {
        let value = class.attribute(name)?.0;
        (!is_none(&value)).then(|| path_text(Some(&value)))
    };
    if let Some(base) = text("route_base") {
        return base;
    }
    let externals = class.ancestry().1;
    let bases: Vec<&str> = externals.iter().filter_map(|path| builtin_views::class(path)).collect();
    if let Some(base) = bases.iter().find_map(|name| builtin_views::base(name)) {
        return Text::literal(base);
    }
    let own = last(&class.qualified).to_ascii_lowercase();
    let mut out = Text::literal("/");
    if bases.iter().any(|name| name.ends_with("Api")) {
        out.push_literal("api/");
        out.push(&text("version").unwrap_or_else(|| Text::literal("v1")));
        out.push_literal("/");
        let of_library = || bases.iter().find_map(|name| builtin_views::resource(name));
        let resource = text("resource_name").or_else(|| of_library().map(Text::literal));
        let resource = resource.unwrap_or_else(|| Text::literal(&own));
        out.push(&resource.map_literals(str::to_lowercase));
    } else {
        out.push_literal(&own);
    }
    out
}

/// A rule below the path of a blueprint.
fn below(base: &Text, rule: &Text) -> Text {
    let mut out = base.trim_end(&['/']);
    out.push_literal("/");
    out.push(&rule.trim_start(&['/']));
    out
}
