//! What Python's frameworks have in common, and what the environment decides.

use super::{assert_routes, linked};

#[test]
fn what_a_function_registers_that_nothing_calls_is_unmounted() {
    assert_routes(
        &[(
            "app.py",
            r#"
import falcon
from flask import Flask, Blueprint
from typing import TYPE_CHECKING

class Things:
    def on_get(self, req, resp):
        resp.media = []

def charter(app: falcon.App, prefix):
    app.add_route("/charters", Things())

def parts(pages: "Blueprint", *, debug=False):
    @pages.get("/parts")
    def listed():
        return []

def helper(app: falcon.App, path, resource):
    app.add_route(path, resource)

def called(app: Flask):
    @app.get("/home")
    def home():
        return ""

app = Flask(__name__)
called(app)
"#,
        )],
        "GET /charters app.Things.on_get app.py:7 [unmounted]
GET /home app.called.home app.py:23
GET /parts app.parts.listed app.py:15 [unmounted]
",
    );
}

#[test]
fn a_path_that_the_environment_decides_is_told_with_what_it_is_otherwise() {
    assert_routes(
        &[(
            "app.py",
            r#"
import os
from flask import Flask

SITES = os.environ.get("SITES", "false").lower() == "true"
BASE = "/v2" if os.environ.get("NEXT", "") == "1" else "/v1"

def scoped(path):
    if SITES:
        return "/<site>" + path
    return path

def add(app, view, *paths):
    if SITES:
        paths = [f"/<site>{path}" for path in paths]
    for path in paths:
        app.add_url_rule(path, None, view)

def moon():
    return ""

app = Flask(__name__)
app.add_url_rule(scoped("/moon"), "moon", moon)
add(app, moon, "/a", "/b")
app.add_url_rule(BASE + "/sun", "sun", moon)
app.add_url_rule("/plain", "plain", moon)
"#,
        )],
        "GET /a app.moon app.py:19 [conditional] [otherwise /{site}/a]
GET /b app.moon app.py:19 [conditional] [otherwise /{site}/b]
GET /moon app.moon app.py:19 [conditional] [otherwise /{site}/moon]
GET /plain app.moon app.py:19
GET /v1/sun app.moon app.py:19 [conditional] [otherwise /v2/sun]
",
    );
}

#[test]
fn views_that_a_loop_wraps_are_told_apart_by_their_endpoints() {
    let files = [(
        "app.py",
        r#"
from flask import Flask, Blueprint
from flask_login import login_required

pages = Blueprint("pages", __name__)

@pages.get("/health")
def health():
    return ""

app = Flask(__name__)

@app.get("/ready")
def ready():
    return ""

@app.get("/jobs")
def jobs():
    return ""

app.register_blueprint(pages, name="p", url_prefix="/p")

for endpoint, view in app.view_functions.items():
    if endpoint not in {"static", "ready", "health"}:
        app.view_functions[endpoint] = login_required(view)

@app.get("/late")
def late():
    return ""
"#,
    )];
    let mut auth: Vec<_> = linked(&files)
        .routes
        .iter()
        .map(|route| format!("{} {}", route.path, route.auth.state))
        .collect();
    auth.sort();
    assert_eq!(auth, ["/jobs required", "/late none", "/p/health required", "/ready none"]);
}

#[test]
fn only_what_fastapi_reads_from_the_body_is_its_type() {
    let files = [(
        "app.py",
        r#"
from dataclasses import dataclass
from typing import Annotated, Optional
from fastapi import Body, Depends, FastAPI, Query, UploadFile
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import BaseModel

class User(BaseModel):
    name: str

class Item(BaseModel):
    name: str

@dataclass
class Place:
    x: int

def current() -> User: ...

def payload(item: Item): ...

Me = Annotated[User, Depends(current)]

app = FastAPI()

@app.get("/me")
def me(user: Me, page: Annotated[Item, Query()], q: str = ""): ...

@app.post("/a")
def a(user: Me, item: Item, other: User = Depends(current)): ...

@app.post("/b")
def b(item: Optional[Item] = None): ...

@app.post("/c")
def c(items: list[Item], place: Place): ...

@app.post("/d")
def d(item=Depends(payload), count: Annotated[int, Body()] = 1): ...

@app.post("/e")
def e(file: UploadFile, id: int): ...

@app.post("/f")
def f(form: OAuth2PasswordRequestForm = Depends()): ...
"#,
    )];
    let mut types: Vec<_> = linked(&files)
        .routes
        .iter()
        .map(|route| format!("{} {}", route.path, route.request.as_deref().unwrap_or("-")))
        .collect();
    types.sort();
    assert_eq!(
        types,
        [
            "/a Item",
            "/b Optional[Item]",
            "/c list[Item], Place",
            "/d Item, int",
            "/e UploadFile",
            "/f OAuth2PasswordRequestForm",
            "/me -",
        ]
    );
}

#[test]
fn a_pattern_of_django_without_an_end_answers_longer_paths_too() {
    let files = [
        (
            "site/urls.py",
            r#"
from django.urls import include, path, re_path
from . import views

urlpatterns = [
    re_path(r"^news/archive/$", views.closed),
    re_path(r"^news/", views.app),
    path("news/late/", views.late),
    re_path(r"^old/", include([re_path(r"^a/$", views.closed)])),
    re_path(r"^rest/(.*)", views.closed),
]
"#,
        ),
        (
            "site/views.py",
            "
def closed(request): ...

def app(request): ...

def late(request): ...
",
        ),
        ("site/settings.py", "ROOT_URLCONF = 'site.urls'\n"),
    ];
    let mut told: Vec<_> = linked(&files)
        .routes
        .iter()
        .map(|route| {
            let by = route.shadowed_by.as_deref().unwrap_or("-");
            format!("{} {} {by}", route.path, route.takes_longer)
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "/news/ true -",
            "/news/archive/ false -",
            "/news/late/ false site/views.py:4",
            "/old/a/ false -",
            "/rest/{*} false -",
        ]
    );
}

#[test]
fn modules_that_import_each_other_in_a_circle_know_their_names_in_the_end() {
    assert_routes(
        &[
            (
                "app/a.py",
                "
from app.b import view, app

def shown():
    return ''
",
            ),
            (
                "app/b.py",
                "
from flask import Flask
from app.a import shown

app = Flask(__name__)

def register():
    app.add_url_rule('/shown', view_func=shown)

def view():
    return ''

app.add_url_rule('/view', view_func=view)
",
            ),
        ],
        "GET /shown a.shown app/a.py:4
GET /view b.view app/b.py:10
",
    );
}

/// Method, path and who may call, of each route.
fn who(files: &[(&str, &str)]) -> Vec<String> {
    let routes = linked(files).routes.into_iter();
    routes
        .map(|route| format!("{} {} {}", route.methods.join(","), route.path, route.auth.state))
        .collect()
}

#[test]
fn a_policy_of_pyramid_that_caches_who_calls_finds_nobody() {
    let found = who(&[(
        "shop.py",
        r#"
import venusian
from pyramid.authorization import ACLHelper, Allow, Everyone
from pyramid.config import Configurator
from pyramid.request import RequestLocalCache
from pyramid.security import Denied
from pyramid.view import view_config, view_defaults

class Sessions:
    acl = ACLHelper()

    def identity(self, request):
        return request.registry.sessions.find(request.headers)

    def permits(self, request, context, permission):
        identity = self.identity(request)
        if any(rule(identity) for rule in [lambda who: who is None]):
            if request.matched_route.name == "shelf":
                return self.acl.permits(context, [Everyone], permission)
            return Denied("nobody")
        return True

    def forget(self, request):
        return []

class Policies:
    def __init__(self, policies):
        self.policies = policies
        self.chosen = RequestLocalCache(self.choose)

    def choose(self, request):
        return next(policy for policy in self.policies)

    def permits(self, request, context, permission):
        return self.chosen.get_or_create(request).permits(request, context, permission)

class Root:
    __acl__ = [(Allow, Everyone, "see")]

    def __init__(self, request):
        pass

class Base:
    def __init__(self, request):
        self.request = request

    @view_config(request_method="GET")
    def show(self):
        return self.request.find()

@view_defaults(route_name="shelf", permission="see")
@venusian.lift()
class Shelf(Base):
    pass

@view_defaults(route_name="till", permission="see")
@venusian.lift()
class Till(Base):
    pass

@view_config(route_name="shelf", request_method="POST", permission="stock")
def stock(request):
    return request.find()

def main(settings, **more):
    config = Configurator(root_factory=Root, security_policy=Policies([Sessions()]))
    config.add_route("shelf", "/shelf")
    config.add_route("till", "/till")
    config.scan()
    return config.make_wsgi_app()
"#,
    )]);
    for row in ["GET /shelf none", "GET /till required", "POST /shelf required"] {
        assert!(found.iter().any(|found| found == row), "{row}: {found:?}");
    }
}

#[test]
fn a_factory_that_nothing_calls_serves_where_no_other_application_is_around_it() {
    let plain = "
from sanic import Sanic

app = Sanic('one')

@app.get('/one')
async def one(request):
    return None
";
    let factory = "
from sanic import Sanic

def create_app():
    app = Sanic('two')

    @app.get('/two')
    async def two(request):
        return None

    return app
";
    assert_routes(
        &[("one/server.py", plain), ("two/server.py", factory), ("one/old/server.py", factory)],
        "GET /one server.one one/server.py:7
GET /two server.create_app.two one/old/server.py:8 [unmounted]
GET /two server.create_app.two two/server.py:8
",
    );
}
