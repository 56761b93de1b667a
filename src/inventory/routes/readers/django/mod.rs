//! Django: lists of patterns that begin where the settings say, and include each other.

mod admin;
mod channels;
mod class_views;
mod drf;
mod library;
mod middleware;
mod ninja;
mod ninja_auth;
mod ninja_controllers;
mod paths;
mod patterns;
mod permissions;
mod routers;
mod unmounted;
mod views;

use std::rc::Rc;

use super::{Framework, Matching};
use crate::eval::interpreter::Trace;
use crate::eval::link::Target;
use crate::eval::text::Text;
use crate::eval::value::{FileId, Value};
use crate::inventory::routes::graph::Graph;
use crate::inventory::routes::pattern;
use crate::source::Language;
use middleware::Middleware;
use ninja::Ninja;
use patterns::{Walk, Way};
use routers::Registry;

/// Django, with Django REST framework and django-ninja.
pub(super) const DJANGO: Framework = Framework {
    name: NAME,
    languages: &[Language::Python],
    packages: &["django", "djangorestframework", "django-ninja", "django-ninja-extra"],
    needs: &[
        "urlpatterns",
        "django.urls",
        "django.conf.urls",
        "ROOT_URLCONF",
        "DJANGO_SETTINGS_MODULE",
        "MIDDLEWARE",
        "get_response",
        "django.utils.deprecation",
        "django.utils.decorators",
        "django.views",
        "django.http",
        "django.shortcuts",
        "django.contrib.auth.decorators",
        "django.contrib.auth.mixins",
        "django.contrib.auth.views",
        "django.contrib.auth.middleware",
        "core.exceptions import PermissionDenied\n",
        "raise PermissionDenied\n",
        "rest_framework",
        "ninja",
        "View)",
        "ViewSet)",
    ],
    fixtures: &["django", "django-ninja", "drf"],
    matching: Matching::First,
    has_user_object: true,
    read,
    path: pattern::braces,
};

const NAME: &str = "django";

/// Whether a dotted path leads into a part of Django that has nothing to do with routes: models,
/// forms, translations.
pub(super) fn is_aside(path: &str) -> bool {
    path.contains("django")
        && !["url", "view", "decorators", "admin", "middleware"]
            .iter()
            .any(|part| path.contains(part))
}

/// Whether a file holds settings by its name: that of a folder of settings may only gather them.
pub(super) fn is_file(path: &str) -> bool {
    path.ends_with("settings.py") || path.ends_with("settings/__init__.py")
}

/// Where the routes of a site begin, and the settings that say so.
struct Site {
    settings: FileId,
    root: FileId,
}

fn read<'p>(trace: &Trace<'p>, graph: &mut Graph<'p>) {
    let sites = sites(trace);
    let registry = Rc::new(Registry::of(trace));
    let ninja = Rc::new(Ninja::of(trace));
    let mut met = patterns::Met::default();
    for site in &sites {
        let router = graph.add_application_of_files(NAME, Text::literal(""));
        let middleware = Middleware::of(trace, site.settings);
        for layer in &middleware.layers {
            graph.layer(router, layer.clone());
        }
        let mut walk = Walk::new(trace, graph, router, &registry, &ninja, met);
        walk.settings = Some(site.settings);
        walk.needs_login = middleware.needs_login;
        walk.module(site.root, &Way::start(), 0);
        met = walk.met;
    }
    let met = channels::read(trace, graph, &registry, &ninja, met);
    unmounted::read(trace, graph, &registry, &ninja, met, sites.first().map(|site| site.settings));
}

/// Every `ROOT_URLCONF` of the program's own, once.
fn sites(trace: &Trace<'_>) -> Vec<Site> {
    let mut out: Vec<Site> = Vec::new();
    for settings in python(trace) {
        let named = trace.module(settings).vars.borrow().get("ROOT_URLCONF").cloned();
        for value in named.iter().flat_map(Value::alternatives) {
            let Some(name) = value.as_str() else { continue };
            if let Target::File(root) = trace.resolve(settings, name)
                && out.iter().all(|site| site.root != root)
            {
                out.push(Site { settings, root });
            }
        }
    }
    // Of several settings for the same routes, those count that programs run with.
    if let Some(named) = trace.settings_of_django()
        && let Some(name) = trace.member(named, "ROOT_URLCONF").as_str()
        && let Target::File(root) = trace.resolve(named, name)
    {
        for site in out.iter_mut().filter(|site| site.root == root) {
            site.settings = named;
        }
    }
    out
}

/// The program's modules of Python.
fn python<'t>(trace: &'t Trace<'_>) -> impl Iterator<Item = FileId> + use<'t> {
    let program = trace.program;
    program.ids().filter(|file| program.file(*file).module.language == Language::Python)
}
